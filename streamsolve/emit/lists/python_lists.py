"""The Python part of a plan: ``constraints.txt`` for pip and uv, and ``pylock.toml`` (PEP 751)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from attrs import frozen

from ...errors import Code, InputError
from ...model.component import Kind, Origin
from ...model.plan import Plan, PlannedStream
from ...model.stream import Source
from .. import grammar
from ..grammar import Refusals

__all__ = ["CONSTRAINTS", "PYLOCK", "LeftOut", "constraints", "distributions", "pylock"]

CONSTRAINTS = "constraints.txt"
PYLOCK = "pylock.toml"
_WHEEL = ".whl"


@frozen(order=True)
class LeftOut:
    """A distribution that a list cannot hold, and why."""

    name: str
    version: str
    why: str


def distributions(plan: Plan) -> Iterator[PlannedStream]:
    """The distributions of the application, those that only builds use left out, by name."""
    found = [
        stream
        for stream in plan.streams
        if stream.component.kind is Kind.DISTRIBUTION
        and stream.version is not None
        and not stream.build_only
    ]
    yield from sorted(found, key=lambda stream: stream.component.name)


def constraints(plan: Plan) -> bytes:
    """One ``name==version`` on a line, whoever ships it."""
    lines = [f"{each.component.name}=={each.version}" for each in distributions(plan)]
    return ("\n".join(lines) + "\n").encode()


def pylock(plan: Plan, *, sources: str = "sources") -> tuple[bytes, tuple[LeftOut, ...]]:
    """The private distributions by file and sha256, and those that no file is known of.

    Files are named below ``sources``, a directory beside the list: an address of an index is in no
    lock. Distributions of the base and of third parties are there as RPMs. The list holds for the
    interpreter and the architecture of the plan alone. Raises :class:`InputErrors`
    (``NOT_EMITTED``) for those that no marker can name.
    """
    import tomli_w
    from packaging.markers import Marker
    from packaging.pylock import Package, PackageSdist, PackageWheel, Pylock, PylockValidationError
    from packaging.specifiers import SpecifierSet
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    refusals = Refusals("")
    refusals.check(plan.arch, grammar.ARCHITECTURE, "arch")
    if plan.python:
        refusals.check(plan.python, grammar.RELEASE, "python")
    refusals.raise_if_any()
    packages, left_out = [], []
    for stream in distributions(plan):
        if stream.origin is not Origin.PRIVATE or stream.version is None:
            continue
        name = stream.component.name
        why = _not_a_file(stream.source)
        if why:
            left_out.append(LeftOut(name, str(stream.version), why))
            continue
        file = stream.source.filename
        path = str(PurePosixPath(sources) / file)
        hashes = {"sha256": stream.source.sha256}
        is_wheel = file.endswith(_WHEEL)
        packages.append(
            Package(
                name=canonicalize_name(name),
                version=stream.version,
                sdist=None if is_wheel else PackageSdist(path=path, hashes=hashes),
                wheels=[PackageWheel(path=path, hashes=hashes)] if is_wheel else None,
            )
        )
    lock = Pylock(
        lock_version=Version("1.0"),
        environments=[Marker(_environment(plan))],
        requires_python=SpecifierSet(f"=={plan.python}.*") if plan.python else None,
        created_by="streamsolve",
        packages=packages,
    )
    try:
        lock.validate()
    except PylockValidationError as error:
        raise InputError(Code.NOT_EMITTED, f"it fits no pylock.toml: {error}") from None
    return tomli_w.dumps(lock.to_dict()).encode(), tuple(left_out)


def _environment(plan: Plan) -> str:
    """The one environment that a plan is for, as a marker."""
    parts = ['sys_platform == "linux"', f'platform_machine == "{plan.arch}"']
    if plan.python:
        parts.append(f'python_version == "{plan.python}"')
    return " and ".join(parts)


def _not_a_file(source: Source) -> str:
    if source.filename and source.sha256:
        return ""
    if not source.purl:
        return "no source of it is known"
    return f"its source is {source.purl}, of which no file is known"
