"""The check for leaks, put to a base's packages and to the roots that were solved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..model.build import Isolation, Root, RootStream
from ..model.component import Origin
from ..model.isolation import check_isolation
from ..model.package import Base
from ..solving import PackagePool
from .roots import RuntimeRoot

__all__ = ["find_leaks", "owners_of"]


def find_leaks(
    roots: Sequence[Root],
    made_from: Iterable[RuntimeRoot],
    base: Base,
    pool: PackagePool,
    overlays: frozenset[str] = frozenset(),
) -> Isolation:
    """Check a plan's roots, the runtime root included; without builds that is the only one.

    ``made_from`` are what the roots were solved from, in any order and also several times.
    ``overlays`` are the ids of the repositories that lie on top of the base's own.
    """
    repositories = frozenset(repository.id for repository in base.repositories)

    def base_provides(text: str) -> bool:
        return any(found.repository not in overlays for found in pool.providers(text))

    def requirers(capabilities: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        found = pool.requirers(tuple(capabilities))
        if not overlays:
            return found
        return {text: _of_base(nevras, pool, overlays) for text, nevras in found.items()}

    return check_isolation(
        roots,
        owners_of(made_from),
        base_provides,
        requirers,
        overlays,
        repositories - overlays,
    )


def owners_of(made_from: Iterable[RuntimeRoot]) -> dict[str, RootStream]:
    """The stream of each package that was chosen or planned, by the package's full name."""
    owners: dict[str, RootStream] = {}
    for root in made_from:
        for nevra, offer in root.owners.items():
            if offer.origin is not Origin.OMITTED and nevra not in owners:
                owners[nevra] = RootStream(
                    offer.component, offer.version, offer.origin, root.package_name(offer)
                )
    return owners


def _of_base(nevras: Iterable[str], pool: PackagePool, overlays: frozenset[str]) -> tuple[str, ...]:
    """Those packages that are in a repository of the base's own."""
    return tuple(
        nevra
        for nevra in nevras
        if any(
            package.nevra == nevra and package.repository not in overlays
            for package in pool.named(nevra.rsplit("-", 2)[0])
        )
    )
