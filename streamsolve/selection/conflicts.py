"""Why there is no choice: smallest sets of demands that contradict each other.

Each requirement's clauses are switched by a literal of its own, and so is each refusal of the
base's packages. A contradiction under all of them names a subset, which is shrunk until nothing
can be left out. Switching that subset off and searching again finds the next conflict that shares
nothing with it, until the rest has an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..model.conflict import Conflict
from .chains import explained
from .encoding import Encoding
from .problem import Nogood, Problem
from .sat import Status, negate
from .walk import Walk

__all__ = ["independent_conflicts"]


def independent_conflicts(
    problem: Problem, nogoods: Iterable[Nogood] = (), *, at_most: int = 12
) -> tuple[Conflict, ...]:
    """Every conflict that shares no requirement with another, the nearest to the application
    first; at most ``at_most`` of them. What the user asked for may be part of several."""
    search = _Search(problem, nogoods)
    found: list[Conflict] = []
    disabled: set[int] = set()
    while len(found) < at_most:
        core = search.contradiction(disabled)
        if core is None:
            break
        smallest = search.shrink(core)
        if not smallest:
            break
        found.append(search.explained(smallest))
        # A question stays in force: whatever stands against it is told, one after the other.
        stated = {switch for switch in smallest if not search.is_asked(switch)}
        disabled |= stated or smallest
    return tuple(sorted(found, key=lambda c: (min(map(len, c.chains), default=0), c.about)))


class _Search:
    """Searches under switched requirements and refusals."""

    def __init__(self, problem: Problem, nogoods: Iterable[Nogood]) -> None:
        self.encoding = Encoding(problem, explain=True)
        self._walk = Walk(self.encoding)
        self._nogoods: dict[int, Nogood] = {}
        for nogood in nogoods:
            self._forbid(nogood)

    def _forbid(self, nogood: Nogood) -> None:
        """These offers are never used together, as long as the switch is on."""
        literals = []
        for offer in nogood.offers:
            entry = self.encoding.entry(offer.component)
            index = next(i for i, known in enumerate(entry.offers) if known.key == offer.key)
            literals.append(negate(entry.literals[index]))
        switch = self.encoding.sat.new_literal()
        self.encoding.sat.add_clause((negate(switch), *literals))
        self._nogoods[switch] = nogood

    def is_asked(self, switch: int) -> bool:
        """Whether a switch is that of a question of the user's."""
        group = self.encoding.groups.get(switch)
        return group is not None and group.requirement.is_asked

    def contradiction(self, disabled: set[int]) -> set[int] | None:
        """Switches that contradict each other, with some off; None if there is an answer."""
        while True:
            switches = [*self.encoding.groups, *self._nogoods]
            found = self._solve([literal for literal in switches if literal not in disabled])
            if found is not None or self._complete:
                return found

    def _solve(self, switches: Sequence[int]) -> set[int] | None:
        sat = self.encoding.sat
        self._complete = False
        self._walk.restart()
        status = sat.solve(switches, self._walk.decide)
        if status is Status.PAUSED:
            self.encoding.expand(self._walk.unexpanded)
            return None
        self._complete = True
        return set(sat.core) if status is Status.UNSAT else None

    def shrink(self, core: set[int]) -> set[int]:
        """A subset that contradicts itself and of which nothing can be left out."""
        needed: set[int] = set()
        candidates = sorted(core, key=self._shrink_order)
        while candidates:
            literal = candidates.pop()
            found = self._contradiction_of({*candidates, *needed})
            if found is None:
                needed.add(literal)
            else:
                candidates = [c for c in candidates if c in found]
        return needed

    def _contradiction_of(self, switches: set[int]) -> set[int] | None:
        while True:
            found = self._solve(sorted(switches))
            if found is not None or self._complete:
                return found

    def _shrink_order(self, literal: int) -> tuple[object, ...]:
        """What comes last is left out first: refusals, so that they explain only what no
        requirement does."""
        nogood = self._nogoods.get(literal)
        if nogood is None:
            return (False, self.encoding.groups[literal].key)
        return (True, tuple(str(offer.key) for offer in nogood.offers), nogood.texts)

    def explained(self, switches: set[int]) -> Conflict:
        """A smallest contradiction as a conflict."""
        groups = [self.encoding.groups[s] for s in switches if s not in self._nogoods]
        nogoods = [self._nogoods[s] for s in switches if s in self._nogoods]
        return explained(self.encoding, groups, nogoods)
