"""Which packages the plan expects of a build: those that the configurations let into a root."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from attrs import frozen

from ..emit.dnf_conf import is_private, planned_versions
from ..emit.namespace import Namespace
from ..model.build import BuildPlan, Root
from ..model.component import Origin
from ..model.package import Package
from ..model.rpm_header import RpmHeader

__all__ = ["Expected", "expectations", "unmet"]

_PART = ("-", "+")
"""What stands between the name of a package and that of a part of it."""


@frozen(order=True)
class Expected:
    """A package that a build has to make. ``versions`` are those that the configurations let in, as
    globs, ``root`` is the first root that needs it."""

    name: str
    versions: tuple[str, ...]
    root: str


def expectations(
    builds: BuildPlan, namespace: Namespace | None = None
) -> Mapping[str, tuple[Expected, ...]]:
    """By the id of each build what roots need of it, sorted; each name and its versions once."""
    found: dict[str, dict[tuple[str, tuple[str, ...]], Expected]] = {}
    for root in (builds.runtime, *builds.roots):
        for package, build in _made(root):
            versions = tuple(planned_versions(package, root))
            name = namespace.package_name(package.name) if namespace else package.name
            expected = Expected(name, versions, root.id)
            found.setdefault(build, {}).setdefault((package.name, versions), expected)
    return {build: tuple(sorted(every.values())) for build, every in found.items()}


def _made(root: Root) -> Iterator[tuple[Package, str]]:
    """Each private package of a root with the build that makes it. A part of a stream's package has
    its name at the beginning: the longest one counts."""
    makers = {s.package: s.build for s in root.streams if s.origin is Origin.PRIVATE and s.build}
    for package in root.packages:
        if not is_private(package):
            continue
        owners = [
            name
            for name in makers
            if package.name == name or package.name.startswith(tuple(name + c for c in _PART))
        ]
        if owners:
            yield package, makers[max(owners, key=len)]


def unmet(expected: Iterable[Expected], made: Sequence[RpmHeader]) -> str:
    """What was expected and not made, as a sentence; empty if all is there."""
    faults = []
    for each in expected:
        of_name = [one for one in made if one.name == each.name]
        if any(_is_let_in(one, each) for one in of_name):
            continue
        wanted = f"the plan expects {each.name} {' or '.join(each.versions)} for {each.root}"
        if of_name:
            versions = ", ".join(sorted({one.evr for one in of_name}))
            faults.append(f"it made {each.name} {versions}, and {wanted}")
        else:
            faults.append(f"it made no package {each.name}, and {wanted}")
    if faults and not any(one.name in {e.name for e in expected} for one in made):
        names = ", ".join(sorted({one.name for one in made}))
        faults.append(f"it made {names or 'nothing'}")
    return "; ".join(faults)


def _is_let_in(made: RpmHeader, expected: Expected) -> bool:
    full = f"{made.name}-{made.version}-{made.release}"
    return any(fnmatchcase(full, f"{expected.name}-{version}-*") for version in expected.versions)
