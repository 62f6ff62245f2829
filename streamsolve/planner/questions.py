"""Questions about a plan, answered by planning again."""

from __future__ import annotations

from attrs import evolve, frozen

from ..errors import NoPlanError
from ..model.conflict import Failure
from ..model.plan import Plan
from ..model.progress import Progress, no_progress
from .planning import Attempt, Workshop
from .repairs import find_repairs
from .request import PlanRequest

__all__ = ["WhyNot", "failure_of", "why_not"]


@frozen
class WhyNot:
    """What comes of a further demand: a plan that meets it, or the failure that forbids one.

    ``baseline`` is the plan without the demand.
    """

    demand: str
    baseline: Plan
    plan: Plan | None
    failure: Failure | None


def why_not(request: PlanRequest, demand: str, *, progress: Progress = no_progress) -> WhyNot:
    """Ask what becomes of the plan if the application also demands ``demand``.

    Raises :class:`NoPlanError` when there is no plan even without it, and :class:`InputError`.
    """
    with Workshop.open(request, progress) as workshop:
        plain = workshop.attempt(request)
        if plain.plan is None:
            failure = failure_of(workshop, request, plain)
            raise NoPlanError(f"no plan exists for {failure.application}", failure)
        changed = evolve(request, demands=(*request.demands, demand))
        attempt = workshop.attempt(changed)
        if attempt.plan is not None:
            return WhyNot(demand, plain.plan, attempt.plan, None)
        return WhyNot(demand, plain.plan, None, failure_of(workshop, changed, attempt))


def failure_of(workshop: Workshop, request: PlanRequest, attempt: Attempt) -> Failure:
    """All that is known of an attempt without a plan, with repairs that were solved."""
    return Failure(
        application=workshop.profile.name,
        version=request.version or str(workshop.profile.version),
        variant=attempt.book.variant.name,
        base=workshop.base.name,
        arch=workshop.base.arch,
        conflicts=attempt.conflicts,
        repairs=find_repairs(workshop, request, attempt.conflicts),
    )
