"""What holds streams back from their newest version, and what would free each: all of it solved.

The newest version of each stream is demanded in turn, in one workshop and from one book, so that a
question costs hundredths of a second and one root to solve. What costs nothing is demanded all at
once, and one root is solved for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, evolve, field

from ..errors import NoPlanError
from ..model.component import Component, Origin
from ..model.plan import Demander, HeldBack, Plan
from ..model.progress import Progress, no_progress
from ..model.question import Chosen, Freed, HeldBackReport, Hold, moves
from ..model.requirement import ASKED, Requirement, requirement_on
from ..selection import Selection
from ..selection.freeing import Freeing
from .planning import Workshop
from .questions import failure_of
from .request import PlanRequest
from .trials import Trials

__all__ = ["USUAL_LIMIT", "held_back", "held_back_in"]

USUAL_LIMIT = 120


def held_back(
    request: PlanRequest, *, at_most: int | None = USUAL_LIMIT, progress: Progress = no_progress
) -> HeldBackReport:
    """Ask of each held-back stream what becomes of the plan with its newest version.

    At most so many are tried (None: all), those first that demands keep back. Raises
    :class:`NoPlanError` when there is no plan, and :class:`InputError`.
    """
    with Workshop.open(request, progress) as workshop:
        return held_back_in(workshop, at_most=at_most)


def held_back_in(workshop: Workshop, *, at_most: int | None = None) -> HeldBackReport:
    """The same in an open workshop, for the request that it was opened for."""
    attempt = workshop.attempt(workshop.request)
    if attempt.plan is None:
        failure = failure_of(workshop, workshop.request, attempt)
        raise NoPlanError(f"no plan exists for {failure.application}", failure)
    return _Inquiry(workshop, attempt.plan, Trials.after(workshop, attempt)).report(at_most)


@define
class _Inquiry:
    """One after the other, the newest of each held-back stream is demanded."""

    workshop: Workshop
    plan: Plan
    trials: Trials
    _before: Mapping[Component, Chosen] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._before = {s.component: Chosen(s.version, s.origin) for s in self.plan.streams}

    def report(self, at_most: int | None) -> HeldBackReport:
        """The answers in the plan's order."""
        order = sorted(self.plan.held_back, key=lambda held: not held.by)
        tried = order if at_most is None else order[:at_most]
        found = {held.component: Freed(held, Hold.NOT_TRIED, held.by) for held in order}
        free = [held for held in tried if self.trials.least_cost([_newest(held)]) == self._cost]
        together = self.trials.best(list(map(_newest, free))) if free else None
        if together is not None and together.selection.cost > self._cost:
            together = None
        kept_out = []
        for number, held in enumerate(tried):
            self.workshop.progress("asking for the newest versions", number, len(tried))
            if together is not None and held in free:
                found[held.component] = self._preferred(held, together.selection)
                continue
            trial = self.trials.best([_newest(held)])
            if trial is None:
                kept_out.append(held)
                continue
            hold = Hold.PRICE if trial.selection.cost > self._cost else Hold.PREFERENCE
            found[held.component] = self._freed(held, hold, trial.selection)
        freeing = Freeing(self.trials.problem, self.trials.nogoods, _stated(self.plan))
        for number, held in enumerate(kept_out):
            self.workshop.progress("asking which demands are in the way", number, len(kept_out))
            found[held.component] = self._kept_out(held, freeing)
        answers = tuple(found[held.component] for held in self.plan.held_back)
        return HeldBackReport(self.plan, answers, together is not None)

    @property
    def _cost(self) -> int:
        return self.plan.summary.cost

    def _preferred(self, held: HeldBack, together: Selection) -> Freed:
        """That it can be had with all others that only a preference holds back."""
        answer = self._freed(held, Hold.PREFERENCE, together)
        return evolve(answer, moves=tuple(m for m in answer.moves if m.component == held.component))

    def _kept_out(self, held: HeldBack, freeing: Freeing) -> Freed:
        wanted = _newest(held)
        contradiction, relax = freeing.in_the_way(wanted)
        direct = (d for d in contradiction if d.requirement.component == held.component)
        by = held.by or tuple(direct) or contradiction
        # One demand may be stated twice, under different markers.
        texts = {(d.component, d.requirement.text): d for d in relax}
        relaxed = [
            (by.name, d.requirement.component.name, str(d.requirement.specifier))
            for (by, _), d in texts.items()
        ]
        trial = self.trials.changed([wanted], relaxed) if relaxed else None
        if trial is None:
            return Freed(held, Hold.UNKNOWN, by)
        return self._freed(held, Hold.DEMANDS, trial.selection, by, tuple(texts.values()))

    def _freed(
        self,
        held: HeldBack,
        hold: Hold,
        selection: Selection,
        by: tuple[Demander, ...] = (),
        relax: tuple[Demander, ...] = (),
    ) -> Freed:
        after = {
            stream.component: Chosen(
                None if stream.offer.origin is Origin.OMITTED else stream.version,
                stream.offer.origin,
            )
            for stream in selection.streams
        }
        private = sum(1 for chosen in after.values() if chosen.origin is Origin.PRIVATE)
        moved = moves(self._before, after)
        return Freed(held, hold, by, relax, private, selection.cost, moved)


def _newest(held: HeldBack) -> Requirement:
    return requirement_on(held.component, f"=={held.newest}", place=ASKED)


def _stated(plan: Plan) -> frozenset[tuple[Component, str]]:
    """Who states what in the plan."""
    return frozenset((s.component, r.text) for s in plan.streams for r in s.requirements)
