"""The offers for one build root: what the runtime root has comes first, and nothing new is built
for it if that can be helped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from attrs import define, evolve, field

from ..errors import Code, InputError
from ..model.component import PYTHON, Component, Origin
from ..model.stream import Offer, Stream
from .book import Book

__all__ = ["BuildBook"]

_NEW = 100
"""What a minute of a further private stream counts, against one for leaving the runtime root's
choice: a build root that needs nothing new is always better."""


@define
class BuildBook:
    """Offers with what they cost a build root.

    A stream of the runtime root, and what the base has of a component that the runtime root does
    not hold, cost nothing; another stream than the runtime root's, that needs no build of its own,
    a little; the stream that is built itself a little more, since the base's own would do without a
    bootstrap; a further private stream its minutes. ``excluded`` are keys of offers that cannot be
    used: they cannot be built, or a bootstrap pass does without them.
    """

    book: Book
    anchor: Stream
    python: Offer | None
    runtime: Mapping[Component, Offer]
    planned: Set[tuple[object, ...]]
    own: tuple[object, ...] = ()
    excluded: frozenset[tuple[object, ...]] = frozenset()
    unknown: set[str] = field(factory=set)
    _originals: dict[tuple[object, ...], Offer] = field(factory=dict, init=False)

    def offers(self, component: Component) -> Sequence[Offer]:
        """All offers of a component; see :class:`streamsolve.selection.OfferBook`."""
        if component == self.anchor.component:
            return (self.anchor.offer,)
        if component == PYTHON:
            return (evolve(self.python, cost=0),) if self.python is not None else ()
        found = []
        for offer in self._known(component):
            if offer.key not in self.excluded:
                self._originals[offer.key] = offer
                found.append(evolve(offer, cost=self._cost(offer)))
        return found

    def _known(self, component: Component) -> Sequence[Offer]:
        try:
            return self.book.offers(component)
        except InputError as error:
            # Offline, what nobody has heard of has no offers; the conflict names it.
            if error.code is not Code.OFFLINE_NOT_CACHED:
                raise
            self.unknown.add(component.name)
            return ()

    def _cost(self, offer: Offer) -> int:
        chosen = self.runtime.get(offer.component)
        usual = chosen is None or chosen.key == offer.key
        if offer.origin is not Origin.PRIVATE:
            return 0 if usual else 1
        if offer.key == self.own:
            return 2
        if chosen is not None and usual:
            return 0
        return 1 if offer.key in self.planned else _NEW * max(offer.cost, 1)

    def streams(self, offers: Sequence[Offer]) -> Sequence[Stream]:
        """The offers with their metadata, in the same order."""
        return [
            self.anchor if offer.component == self.anchor.component else evolve(stream, offer=offer)
            for offer, stream in zip(offers, self._streams(offers), strict=True)
        ]

    def _streams(self, offers: Sequence[Offer]) -> Sequence[Stream]:
        anchored = {self.anchor.offer.key: self.anchor}
        others = [
            self._originals.get(offer.key, offer) for offer in offers if offer.key not in anchored
        ]
        found = dict(zip((o.key for o in others), self.book.streams(others), strict=True))
        return [anchored.get(offer.key) or found[offer.key] for offer in offers]
