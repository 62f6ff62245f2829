"""What packages of the base in a root require of private ones, which a prefix would take away.

A plan is solved with the base's own names. In a namespace a private package provides nothing under
those, so a package of the base that rests on one would draw in what is not locked, or not install.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from ..errors import InputError
from ..model.build import BuildPlan, Root
from ..model.package import Package
from ..model.rpm_language import Capability, Dependency, parse_dependency
from ..model.rpm_matching import Provided, names_in
from .dnf_conf import is_private
from .grammar import Refusals, shown

__all__ = ["BaseNeed", "base_needs", "refuse_base_needs"]

_MOST = 20


@frozen(order=True)
class BaseNeed:
    """A requirement of a base's package (name-evr.arch) that only private packages meet in some
    roots, which are named by their ids, sorted."""

    package: str
    requirement: str
    roots: tuple[str, ...]


def base_needs(builds: BuildPlan) -> tuple[BaseNeed, ...]:
    """All of them in all roots, sorted."""
    found: dict[tuple[str, str], list[str]] = {}
    read: dict[str, Dependency | None] = {}
    for root in (builds.runtime, *builds.roots):
        for package, text in _unmet(root, read):
            found.setdefault((package.nevra, text), []).append(root.id)
    return tuple(sorted(BaseNeed(*key, tuple(sorted(roots))) for key, roots in found.items()))


def refuse_base_needs(builds: BuildPlan, refusals: Refusals) -> None:
    """Note each of them, as far as a reader goes on reading."""
    needs = base_needs(builds)
    for need in needs[:_MOST]:
        root, *others = need.roots
        where = f"{root} and {len(others)} more" if others else root
        refusals.note(
            f"{shown(need.package)} of the base requires {shown(need.requirement)}, and with a "
            f"prefix nothing in {where} provides it",
            "settings.prefix",
        )
    if len(needs) > _MOST:
        refusals.note(f"and {len(needs) - _MOST} more such requirements", "settings.prefix")
    if needs:
        refusals.faults.errors[-1].hint = (
            "`emit mock` and `emit containerfile` take the lock without --prefix, for an image or "
            "a machine of its own"
        )


def _unmet(root: Root, read: dict[str, Dependency | None]) -> Iterator[tuple[Package, str]]:
    private = [package for package in root.packages if is_private(package)]
    names = {text.partition(" ")[0] for p in private for text in (p.name, *p.provides)}
    if not names:
        return
    asking = [
        (package, text, need)
        for package in root.packages
        if not is_private(package)
        for text in package.requires
        if (text.startswith("(") or text.partition(" ")[0] in names)
        and (need := _read(text, read)) is not None
        and not names.isdisjoint(names_in(need))
    ]
    if not asking:
        return
    spoken = {name for _, _, need in asking for name in names_in(need)}
    of_base = _provided((p for p in root.packages if not is_private(p)), spoken, read)
    everything = _provided(root.packages, spoken, read)
    for package, text, need in asking:
        if everything.meets(need) and not of_base.meets(need):
            yield package, text


def _provided(
    packages: Iterable[Package], spoken: Iterable[str], read: dict[str, Dependency | None]
) -> Provided:
    wanted = frozenset(spoken)
    return Provided.of(
        (package.nevra, have)
        for package in packages
        for text in (f"{package.name} = {package.evr}", *package.provides)
        if text.partition(" ")[0] in wanted and isinstance(have := _read(text, read), Capability)
    )


def _read(text: str, read: dict[str, Dependency | None]) -> Dependency | None:
    """A dependency, None for what is none; each text once."""
    if text not in read:
        try:
            read[text] = parse_dependency(text)
        except InputError:
            read[text] = None
    return read[text]
