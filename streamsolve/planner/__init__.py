"""The planner: inputs in, plan out. It wires inputs, selection, solving; it chooses nothing."""

from __future__ import annotations

from attrs import evolve

from ..errors import NoPlanError
from ..model.package import Base
from ..model.profile import Profile
from ..model.progress import Progress, no_progress
from .module_repairs import module_offers
from .overlays import with_fallbacks
from .planning import Workshop
from .questions import WhyNot, failure_of, why_not
from .request import Outcome, PlanRequest
from .universe import universe_document

__all__ = ["Outcome", "PlanRequest", "WhyNot", "make_plan", "why_not"]


def make_plan(
    request: PlanRequest,
    *,
    progress: Progress = no_progress,
    universe: bool = False,
    fallbacks: bool = False,
    profile: Profile | None = None,
    base: Base | None = None,
) -> Outcome:
    """Plan an application on a base; ``profile`` and ``base`` stand for the request's names.

    With ``universe`` the outcome also holds the whole selection problem, and with ``fallbacks`` the
    plan says what becomes of it without each overlay that it uses. Raises
    :class:`NoPlanError`, whose ``failure`` is a :class:`streamsolve.model.conflict.Failure`, when
    there is no plan, and :class:`InputError` when something given cannot be used.
    """
    with Workshop.open(request, progress, profile=profile, base=base) as workshop:
        attempt = workshop.attempt(request)
        document = universe_document(attempt) if universe else {}
        if attempt.plan is not None:
            told = module_offers(workshop, request, attempt.plan)
            plan = evolve(attempt.plan, warnings=(*attempt.plan.warnings, *told))
            if fallbacks and plan.overlays:
                plan = with_fallbacks(workshop, request, plan)
            return Outcome(plan, document)
        failure = failure_of(workshop, request, attempt)
    raise NoPlanError(
        f"no plan exists for {failure.application} {failure.version} ({failure.variant}) "
        f"on {failure.base}",
        failure,
        document,
    )
