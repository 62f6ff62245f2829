"""Choose the streams of an application: the cheapest plan, and among those the preferred one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..model.component import PYTHON
from ..model.requirement import Requirement
from ..model.stream import Stream
from .encoding import Encoding
from .optimise import Optimum, optimise
from .problem import Nogood, Problem, Selection, Unsatisfiable
from .sat import Status, negate
from .walk import Walk

__all__ = ["Selector"]


class Selector:
    """A problem that is selected from again and again, as solving learns what cannot be.

    Cost: one search per contradiction between costs that the problem really has; each further
    call of :meth:`select` starts from all that the calls before it learned. After ``max_conflicts``
    contradictions a call gives the best it can without proof.
    """

    def __init__(self, problem: Problem, *, max_conflicts: int = 200_000) -> None:
        self.problem = problem
        self._max_conflicts = max_conflicts
        self._encoding = Encoding(problem)
        self._walk = Walk(self._encoding)
        self._nogoods: list[Nogood] = []

    def forbid(self, nogood: Nogood) -> None:
        """Never again choose these offers together."""
        self._nogoods.append(nogood)
        self._encoding.forbid(nogood)
        self._walk.restart()

    def select(self) -> Selection | Unsatisfiable:
        """The best choice, or every independent reason why there is none."""
        return self.select_if() or self._explained()

    def select_if(self, wanted: Iterable[Requirement] = ()) -> Selection | None:
        """The best choice in which each component that is used meets ``wanted``, or None.

        It changes nothing for the calls after it. What is wanted makes no component used, and
        with it the private streams' lower bound is not looked for: it is 0.
        """
        encoding = self._encoding
        given = tuple(encoding.demand(requirement) for requirement in wanted)
        if given:
            self._walk.restart()
            # The search for the least cost takes for granted that these can hold.
            if not self._any_answer(given):
                return None
        budget = encoding.sat.conflicts + self._max_conflicts
        optimum = optimise(encoding, self._walk, given=given, max_conflicts=budget)
        if not optimum.feasible:
            return None
        if not optimum.exact and not self._any_answer(given):
            return None
        return self._selection(optimum, given)

    def go_without(self, selection: Selection) -> None:
        """Never again build all private streams of a selection together, whatever their versions;
        a private interpreter of another series is another stream."""
        paid = {component: literal for literal, component in self._encoding.private.items()}
        literals = []
        for stream in selection.streams:
            entry = self._encoding.entries[stream.component]
            if stream.offer.cost and stream.component == PYTHON:
                index = next(i for i, o in enumerate(entry.offers) if o.key == stream.offer.key)
                literals.append(negate(entry.literals[index]))
            elif stream.offer.cost:
                literals.append(negate(paid[stream.component]))
        self._encoding.sat.add_clause(literals)
        self._walk.restart()

    def _selection(self, optimum: Optimum, given: Sequence[int]) -> Selection:
        chosen = self._chosen()
        cost = sum(stream.offer.cost for stream in chosen)
        private = sum(1 for stream in chosen if stream.offer.cost)
        extras = {
            component: tuple(sorted(names - {""}))
            for component, names in self._walk.visited().items()
            if names - {""}
        }
        python = self._encoding.chosen_python() or self.problem.usual
        lower_bound = 0 if given else self._least_count(optimum, private)
        return Selection(
            streams=chosen,
            extras=extras,
            python=python,
            cost=cost,
            minimal=optimum.exact,
            lower_bound=lower_bound,
        )

    def _explained(self) -> Unsatisfiable:
        # Only a failure needs graphs, whose library takes longer to load than a plan to make.
        from .conflicts import independent_conflicts

        return Unsatisfiable(independent_conflicts(self.problem, self._nogoods))

    def _any_answer(self, given: Sequence[int]) -> bool:
        """Find an answer without regard to its cost."""
        while True:
            status = self._encoding.sat.solve(given, self._walk.decide)
            if status is not Status.PAUSED:
                return status is Status.SAT
            self._encoding.expand(self._walk.unexpanded)
            self._walk.restart()

    def _chosen(self) -> tuple[Stream, ...]:
        values = self._encoding.sat.values
        chosen: list[Stream] = []
        for component in self._walk.visited():
            entry = self._encoding.entries[component]
            for literal, stream in zip(entry.literals, entry.streams, strict=True):
                if values[literal] > 0 and stream is not None:
                    chosen.append(stream)
        return tuple(sorted(chosen, key=lambda stream: stream.component))

    def _least_count(self, optimum: Optimum, private: int) -> int:
        """A number of private streams that no plan of the least cost goes below."""
        encoding = self._encoding
        certain = sum(1 for literal in encoding.private if encoding.sat.holds_always(literal))
        if certain == private:
            return private
        counted = optimise(
            encoding,
            Walk(encoding),
            dict.fromkeys(encoding.private, 1),
            given=optimum.assumptions if optimum.exact else (),
            max_conflicts=encoding.sat.conflicts + 20_000,
        )
        return min(counted.bound, private)
