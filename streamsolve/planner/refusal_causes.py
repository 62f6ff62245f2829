"""Conflicts that rest on what no selection sees: a policy, what could not be read or asked."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve
from packaging.version import Version

from ..model.component import Kind
from ..model.conflict import Cause, Conflict, Refusal, Unseen
from .book import PERMISSION, READABLE, UNKNOWN_REFERENCE, Book
from .kernel import with_evidence
from .other_architectures import with_sources

__all__ = ["explained"]

_OWN_DEMANDS = (
    (
        PERMISSION,
        Cause.FORBIDDEN,
        "its licence is proprietary, and the profile's policy does not let it be built",
    ),
    (
        UNKNOWN_REFERENCE,
        Cause.FORBIDDEN,
        "it requires a file by its address, and the profile's [[direct]] does not say which "
        "version that is",
    ),
    (READABLE, Cause.UNREADABLE, ""),
)
_REFUSALS = {
    Refusal.NO_SOURCE: "upstream publishes no source, and the profile does not accept its wheel",
    Refusal.NO_WHEEL: "its wheels are for other interpreters, architectures or a newer glibc",
}
_ANYWHERE = (Kind.DISTRIBUTION, Kind.INTERPRETER)
"""What bases and upstream are searched for by its name; the rest a rule has to describe."""


def explained(conflicts: tuple[Conflict, ...], book: Book) -> tuple[Conflict, ...]:
    """The conflicts, in their order, those about what was refused with that as their cause."""
    return tuple(with_evidence(_refused(conflict, book), book.profile) for conflict in conflicts)


def _refused(conflict: Conflict, book: Book) -> Conflict:
    last = [chain[-1] for chain in conflict.chains]
    for marker, cause, text in _OWN_DEMANDS:
        ours = all(demand.requirement.component == marker.component for demand in last)
        if last and ours and len({demand.by for demand in last}) == 1:
            # The last demand is our own; the one before it leads to what is refused. Of what the
            # application itself is refused for there is none before it.
            chains = tuple(chain[:-1] or chain for chain in conflict.chains)
            about = last[0].by
            texts = (text,) if text else ()
            return evolve(conflict, about=about, cause=cause, chains=chains, packages=texts)
    if conflict.cause is Cause.ROOT and book.base.base.embedded:
        return evolve(conflict, unseen=Unseen.BASE)
    if conflict.cause is Cause.INCOMPATIBLE and _passes_unasked(conflict, book):
        return evolve(conflict, unseen=Unseen.INDEX)
    if conflict.cause not in (Cause.NO_SUCH_COMPONENT, Cause.NO_SUCH_VERSION):
        return conflict
    about = conflict.about
    if about.kind not in _ANYWHERE:
        rule = book.profile.rule(about)
        if rule is None:
            return evolve(conflict, unseen=Unseen.PROFILE)
        return with_sources(conflict, rule, book.base.base, book.base.pool)
    if about in book.refused:
        return _refused_releases(conflict, book.refused[about])
    if about.kind is Kind.DISTRIBUTION and _is_unasked(conflict, book):
        return evolve(conflict, unseen=Unseen.INDEX)
    return conflict


def _passes_unasked(conflict: Conflict, book: Book) -> bool:
    """Whether chains go through a distribution of which only the base's own is known."""
    demands = (demand for chain in conflict.chains for demand in chain)
    return any(demand.by.name in book.upstream.unasked for demand in demands)


def _is_unasked(conflict: Conflict, book: Book) -> bool:
    """Whether the package index was not asked for a distribution: for its releases, or offline for
    what an extra adds to one that the base has."""
    if book.upstream.only_embedded(conflict.about.name):
        return True
    last = conflict.chains[0][-1]
    return book.upstream.offline and any(map(last.requirement.allows, last.available))


def _refused_releases(conflict: Conflict, refused: Mapping[Version, Refusal]) -> Conflict:
    """That releases which would do cannot be had, and why the newest of these cannot; where none
    would do, they are there all the same."""
    last = conflict.chains[0][-1]
    would_do = [version for version in refused if last.requirement.allows(version)]
    if would_do:
        why = refused[max(would_do)]
        return evolve(conflict, cause=Cause.FORBIDDEN, packages=(_REFUSALS[why],), refusal=why)
    there = tuple(sorted({*last.available, *refused}))
    chain = (*conflict.chains[0][:-1], evolve(last, available=there))
    return evolve(conflict, cause=Cause.NO_SUCH_VERSION, chains=(chain,))
