"""Which packages of overlays lie in the roots of a plan, and which of the base's they replace."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from attrs import define, field

from ..model.overlays import OverlayPackage, OverlayUse
from ..model.package import Base, Package
from ..solving import PackagePool

__all__ = ["overlays_used"]


def overlays_used(
    overlays: Collection[str],
    base: Base,
    pool: PackagePool,
    runtime: Iterable[Package],
    build_roots: Iterable[Sequence[Package]] = (),
) -> tuple[OverlayUse, ...]:
    """What each overlay gives to the roots, by id; also one that gives nothing.

    Overlays that hold sources alone are left out. ``build_roots`` are the packages of each.
    """
    if not overlays:
        return ()
    looked = _Looked(frozenset(overlays), base, pool)
    for package in runtime:
        looked.note(package, runtime=True)
    for root in build_roots:
        for package in root:
            looked.note(package, runtime=False)
    return looked.uses()


@define
class _Seen:
    """One package, and how often it was met."""

    package: Package
    runtime: bool = False
    build_roots: int = 0


@define
class _Looked:
    """What was met in the roots so far, by full name and repository."""

    overlays: frozenset[str]
    base: Base
    pool: PackagePool
    _seen: dict[tuple[str, str], _Seen] = field(factory=dict, init=False)

    def note(self, package: Package, *, runtime: bool) -> None:
        """A package that lies in a root."""
        seen = self._seen.setdefault((package.nevra, package.repository), _Seen(package))
        if runtime:
            seen.runtime = True
        else:
            seen.build_roots += 1

    def uses(self) -> tuple[OverlayUse, ...]:
        """Sorted by id."""
        ranks = {each.id: each.priority for each in self.base.repositories}
        found: dict[str, list[OverlayPackage]] = {}
        passed: dict[str, list[OverlayPackage]] = {}
        for (_, repository), seen in self._seen.items():
            if repository in self.overlays:
                found.setdefault(repository, []).append(self._replacing(seen))
            elif better := self._better(seen.package, ranks):
                told = _told(better, seen, seen.package)
                passed.setdefault(better.repository, []).append(told)
        return tuple(
            OverlayUse(
                each.id,
                each.priority,
                tuple(sorted(found.get(each.id, ()))),
                tuple(sorted(passed.get(each.id, ()))),
            )
            for each in sorted(self.base.repositories, key=lambda one: one.id)
            if each.id in self.overlays and not each.sources
        )

    def _replacing(self, seen: _Seen) -> OverlayPackage:
        package = seen.package
        others = [p for p in self.pool.named(package.name) if p.repository not in self.overlays]
        same = [other for other in others if other.arch == package.arch]
        return _told(package, seen, next(iter(same or others), None))

    def _better(self, package: Package, ranks: Mapping[str, int]) -> Package | None:
        """An overlay's package of that name that has a better priority."""
        mine = ranks.get(package.repository)
        if mine is None:
            return None
        others = self.pool.named(package.name)
        return next(
            (p for p in others if p.repository in self.overlays and ranks[p.repository] < mine),
            None,
        )


def _told(package: Package, seen: _Seen, of_base: Package | None) -> OverlayPackage:
    return OverlayPackage(
        package.name,
        package.arch,
        package.evr,
        of_base.evr if of_base else "",
        of_base.repository if of_base else "",
        seen.runtime,
        seen.build_roots,
    )
