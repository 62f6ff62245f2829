"""Choose the streams of an application: the cheapest plan, and among those the preferred one."""

from __future__ import annotations

from ..model.stream import Stream
from .encoding import Encoding
from .optimise import Optimum, optimise
from .problem import Nogood, Problem, Selection, Unsatisfiable
from .sat import Status
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
        budget = self._encoding.sat.conflicts + self._max_conflicts
        optimum = optimise(self._encoding, self._walk, max_conflicts=budget)
        if not optimum.feasible:
            return self._explained()
        if not optimum.exact and not self._any_answer():
            return self._explained()
        chosen = self._chosen()
        cost = sum(stream.offer.cost for stream in chosen)
        private = sum(1 for stream in chosen if stream.offer.cost)
        extras = {
            component: tuple(sorted(names - {""}))
            for component, names in self._walk.visited().items()
            if names - {""}
        }
        python = self._encoding.chosen_python()
        lower_bound = self._least_count(optimum, private)
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

    def _any_answer(self) -> bool:
        """Find an answer without regard to its cost, after the search for the least was cut."""
        while True:
            status = self._encoding.sat.solve((), self._walk.decide)
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
