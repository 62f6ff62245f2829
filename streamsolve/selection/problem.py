"""The selection problem and its answer, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import frozen

from ..model.component import Component
from ..model.conflict import Conflict
from ..model.stream import Offer, Stream
from ..model.target import Target

__all__ = ["Nogood", "OfferBook", "Problem", "Selection", "Unsatisfiable", "offer_preference"]


class OfferBook(Protocol):
    """Where offers and their metadata come from. Both calls may reach the network, so they are
    made as late as can be, and for many offers at once."""

    def offers(self, component: Component) -> Sequence[Offer]:
        """All offers of a component, in any order; empty when nobody has it."""
        ...

    def streams(self, offers: Sequence[Offer]) -> Sequence[Stream]:
        """The offers with their metadata, in the same order."""
        ...


@frozen
class Nogood:
    """Offers that cannot all be used together, and the texts of the packages that say so."""

    offers: tuple[Offer, ...]
    texts: tuple[str, ...] = ()


@frozen
class Problem:
    """The whole problem: the application's stream, where offers come from, and the target for
    each interpreter version (``3.14``) that could be chosen. ``usual`` is the version that counts
    where nothing needs an interpreter, so that none is chosen."""

    root: Stream
    book: OfferBook
    targets: Mapping[str, Target]
    usual: str = ""


@frozen
class Selection:
    """The best choice.

    ``streams`` are all that the application needs, itself included, sorted by component;
    ``extras`` are those asked for of each component. ``python`` is the interpreter's version, the
    problem's usual one where none was chosen. ``cost`` is in minutes of one builder.
    ``minimal`` says that no choice of less cost exists among the offers of the book, and
    ``lower_bound`` is a number of private streams that none of that cost can go below.
    """

    streams: tuple[Stream, ...]
    extras: Mapping[Component, tuple[str, ...]]
    python: str
    cost: int
    minimal: bool
    lower_bound: int


@frozen
class Unsatisfiable:
    """That no choice exists: every independent conflict."""

    conflicts: tuple[Conflict, ...]


def offer_preference(offer: Offer) -> tuple[object, ...]:
    """The order among offers of one component when they cost the plan the same, best first.

    The base's own package and its compat packages, those of a repository of better priority first,
    as dnf prefers them whatever the version, then the newest; then what of it has to be enabled
    to be used, a Software Collection; then a third party's; then private ones: the base's version
    before another, final releases before pre-releases, newest first. The package's name makes the
    order total.
    """
    version = offer.version
    rank = {"base": 0, "external": 1, "private": 2, "omitted": 3}[offer.origin.value]
    return (
        rank,
        offer.to_enable,
        offer.priority,
        not offer.in_base,
        version.is_prerelease,
        _Descending(version),
        offer.package,
    )


class _Descending:
    """Sorts a version the other way round."""

    __slots__ = ("version",)

    def __init__(self, version: object) -> None:
        self.version = version

    def __lt__(self, other: _Descending) -> bool:
        return bool(other.version < self.version)  # type: ignore[operator]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and bool(self.version == other.version)

    def __hash__(self) -> int:
        return hash(self.version)
