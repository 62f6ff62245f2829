"""Which demands would have to go for a component to be had at another version.

The demands are switched one by one, as for conflicts. One that helps alone is taken before any
others, and of those the application's own pins, since they name what upstream happened to test.
Where none does, one of each contradiction is switched off until there is an answer, and what turns
out not to be needed is switched on again, so that no demand of the answer can be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from attrs import evolve, frozen

from ..model.component import PYTHON, Component, Kind
from ..model.plan import Demander
from ..model.requirement import Requirement, requirement_on
from ..model.stream import Offer, Stream
from .encoding import Encoding, Group
from .problem import Nogood, OfferBook, Problem
from .sat import Status
from .walk import Walk

__all__ = ["Freeing"]

_RELAXED_AT_MOST = 6


class Freeing:
    """A problem that is asked again and again what stands in the way of a version.

    Each question starts from all that those before it learned. ``stated`` are the demands that
    some answer rests on, by who states them and their text: of demands that would do, those go
    first.
    """

    def __init__(
        self,
        problem: Problem,
        nogoods: Iterable[Nogood] = (),
        stated: Collection[tuple[Component, str]] = (),
    ) -> None:
        self._of_plan = frozenset(stated)
        book = _BareToo(problem.book)
        twice = evolve(problem, root=_bare_too(problem.root), book=book)
        self._encoding = Encoding(twice, explain=True)
        self._walk = Walk(self._encoding)
        for nogood in nogoods:
            self._encoding.forbid(nogood)

    def in_the_way(self, wanted: Requirement) -> tuple[tuple[Demander, ...], tuple[Demander, ...]]:
        """The demands of one contradiction with what is wanted, and those whose relaxing makes it
        possible: none of them can be left out. The second is empty where nothing is in the way,
        and where no few demands can be found."""
        required = self._encoding.demand(wanted)
        core = self._contradiction(required, ())
        if core is None:
            return (), ()
        groups = (self._encoding.groups.get(switch) for switch in core)
        first = _demanders(group for group in groups if group is not None)
        # What helps alone is part of every contradiction.
        for switch in sorted(self._able(core), key=self._pins_first(wanted)):
            if self._contradiction(required, (switch,)) is None:
                return first, _demanders([self._encoding.groups[switch]])
        orders = (self._pins_first(wanted), self._nearest_first(wanted))
        found = [self._switched_off(required, core, order) for order in orders]
        fewest = min(filter(None, found), key=len, default=())
        return first, _demanders(self._encoding.groups[switch] for switch in fewest)

    def _switched_off(
        self, required: int, core: Collection[int], order: Callable[[int], tuple[object, ...]]
    ) -> tuple[int, ...]:
        """Switches that have to be off together, the first of each contradiction taken; empty
        where there are too many, and where a contradiction has none that may be taken."""
        off: list[int] = []
        left: Collection[int] | None = core
        while left is not None:
            able = self._able(left)
            if not able or len(off) == _RELAXED_AT_MOST:
                return ()
            off.append(min(able, key=order))
            left = self._contradiction(required, off)
        for switch in tuple(off):
            without = [other for other in off if other != switch]
            if self._contradiction(required, without) is None:
                off = without
        return tuple(off)

    def _able(self, core: Collection[int]) -> list[int]:
        """The switches of a contradiction that are those of demands that can be relaxed."""
        groups = self._encoding.groups
        return [s for s in core if s in groups and self._is_stated(groups[s])]

    def _contradiction(self, required: int, off: Collection[int]) -> tuple[int, ...] | None:
        """Switches that contradict what is required, with some off; None if there is an answer."""
        sat = self._encoding.sat
        while True:
            # What was fetched in between brought demands, with switches of their own.
            switches = [literal for literal in self._encoding.groups if literal not in off]
            self._walk.restart()
            status = sat.solve((required, *switches), self._walk.decide)
            if status is not Status.PAUSED:
                return sat.core if status is Status.UNSAT else None
            self._encoding.expand(self._walk.unexpanded)

    def _is_stated(self, group: Group) -> bool:
        """Whether it is a demand of somebody's with bounds that can be relaxed, and no limit that
        a package has from the interpreter that it was built for."""
        requirement = group.requirement
        if requirement.is_asked or not str(requirement.specifier):
            return False
        if requirement.component.kind is Kind.PACKAGE:
            return False
        return any(
            stated.text == requirement.text
            for stream in self._encoding.entries[group.component].streams
            if stream is not None
            for stated in (
                *stream.requirements,
                *stream.constraints,
                *(each for added in stream.extras.values() for each in added),
            )
        )

    def _pins_first(self, wanted: Requirement) -> Callable[[int], tuple[object, ...]]:
        """The order in which demands are given up: the application's own before a library's. One
        on the interpreter goes last, since another one changes everything."""

        def order(switch: int) -> tuple[object, ...]:
            group = self._encoding.groups[switch]
            requirement = group.requirement
            return (
                requirement.component == PYTHON,
                (group.component, requirement.text) not in self._of_plan,
                group.component != self._encoding.root.component,
                requirement.component != wanted.component,
                group.constraint,
                group.key,
            )

        return order

    def _nearest_first(self, wanted: Requirement) -> Callable[[int], tuple[object, ...]]:
        """The same with the demands on what is wanted before all others."""
        pins_first = self._pins_first(wanted)

        def order(switch: int) -> tuple[object, ...]:
            on_it = self._encoding.groups[switch].requirement.component == wanted.component
            return (not on_it, *pins_first(switch))

        return order


def _demanders(groups: Iterable[Group]) -> tuple[Demander, ...]:
    found = {Demander(group.component, group.requirement) for group in groups}
    return tuple(sorted(found, key=lambda d: (d.component, str(d.requirement))))


@frozen
class _BareToo:
    """A book whose streams state each requirement twice: with its bounds and without. When the
    bounds are out of the way, what is required is still required."""

    book: OfferBook

    def offers(self, component: Component) -> Sequence[Offer]:
        """The offers of the book."""
        return self.book.offers(component)

    def streams(self, offers: Sequence[Offer]) -> Sequence[Stream]:
        """The streams of the book, with bare requirements beside the bounded ones."""
        return [_bare_too(stream) for stream in self.book.streams(offers)]


def _bare_too(stream: Stream) -> Stream:
    bare = tuple(
        evolve(requirement_on(r.component, "", scope=r.scope, extras=r.extras), marker=r.marker)
        for r in stream.requirements
        if str(r.specifier)
    )
    return evolve(stream, requirements=(*stream.requirements, *bare))
