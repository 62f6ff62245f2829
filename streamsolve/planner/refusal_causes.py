"""Conflicts that rest on what no selection sees: a policy, what could not be read or asked."""

from __future__ import annotations

from attrs import evolve

from ..model.conflict import Cause, Conflict
from .book import PERMISSION, READABLE, UNKNOWN_REFERENCE, Book
from .kernel import with_evidence

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
_ONLY_EMBEDDED = "only the releases that come with the tool were looked at, not the package index"


def explained(conflicts: tuple[Conflict, ...], book: Book) -> tuple[Conflict, ...]:
    """The conflicts, in their order, those about what was refused with that as their cause."""
    return tuple(with_evidence(_refused(conflict, book), book.profile) for conflict in conflicts)


def _refused(conflict: Conflict, book: Book) -> Conflict:
    last = [chain[-1] for chain in conflict.chains]
    for marker, cause, text in _OWN_DEMANDS:
        ours = all(demand.requirement.component == marker.component for demand in last)
        if last and ours and len({demand.by for demand in last}) == 1:
            # The last demand is our own; the one before it leads to what is refused.
            chains = tuple(chain[:-1] for chain in conflict.chains)
            about = last[0].by
            texts = (text,) if text else ()
            return evolve(conflict, about=about, cause=cause, chains=chains, packages=texts)
    if conflict.cause not in (Cause.NO_SUCH_COMPONENT, Cause.NO_SUCH_VERSION):
        return conflict
    refused = book.refused.get(conflict.about)
    if refused:
        return evolve(conflict, cause=Cause.FORBIDDEN, packages=(refused,))
    if book.upstream.only_embedded(conflict.about.name):
        return evolve(conflict, packages=(_ONLY_EMBEDDED,))
    return conflict
