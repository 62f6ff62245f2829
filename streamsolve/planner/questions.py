"""Questions about a plan, answered by planning again."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from attrs import evolve, frozen

from ..errors import Code, InputError, NoPlanError
from ..model.conflict import Failure, Repair, RepairKind
from ..model.plan import Plan, Relaxed
from ..model.progress import Progress, no_progress
from ..model.requirement import Requirement
from ..selection import Selector, Unsatisfiable
from ..selection.freeing import Freeing
from .asked import demands_asked
from .interpreters import problem_of
from .planning import Attempt, Workshop
from .refusal_causes import explained
from .repairs import find_repairs, in_order
from .request import PlanRequest
from .trials import Trials

__all__ = ["WhyNot", "failure_of", "why_not"]

_LIKE = 0.5
"""From how alike on a name of the plan may be what was meant."""


@frozen
class WhyNot:
    """What comes of a further demand: a plan that meets it, or the failure that forbids one.

    ``baseline`` is the plan without the demand. ``relaxed`` is how the profile relaxes a
    requirement on the same component, if it does: what was demanded is taken as it is written.
    ``idle_extras`` are the extras demanded that add nothing.
    """

    demand: str
    baseline: Plan
    plan: Plan | None
    failure: Failure | None
    relaxed: Relaxed | None = None
    idle_extras: tuple[str, ...] = ()


def why_not(request: PlanRequest, demand: str, *, progress: Progress = no_progress) -> WhyNot:
    """Ask what becomes of the plan if the application also demands ``demand``.

    Raises :class:`NoPlanError` when there is no plan even without it, and :class:`InputError`.
    """
    if not demand.strip():
        hint = "name what is to be demanded, such as 'numpy<2'"
        raise InputError(Code.BAD_REQUIREMENT, "nothing is asked for", hint=hint)
    with Workshop.open(request, progress) as workshop:
        plain = workshop.attempt(request)
        if plain.plan is None:
            failure = failure_of(workshop, request, plain)
            raise NoPlanError(f"no plan exists for {failure.application}", failure)
        return _answer(workshop, request, demand, plain, plain.plan)


def _answer(
    workshop: Workshop, request: PlanRequest, demand: str, plain: Attempt, baseline: Plan
) -> WhyNot:
    changed = evolve(request, question=demand)
    wanted = demands_asked(changed)[-1]
    try:
        attempt = workshop.attempt(changed)
    except InputError as error:
        known = [stream.component.name for stream in baseline.streams]
        if error.code is not Code.OFFLINE_NOT_CACHED or wanted.component.name in known:
            raise
        raise InputError(
            error.code,
            f"{wanted.component} is not in the plan of {baseline.application}, and whether there "
            "is such a distribution cannot be looked up without network",
            hint=f"{_meant(workshop, wanted, known)}run it once without --offline.",
        ) from None
    relaxed = next((r for r in baseline.relaxed if r.stated.component == wanted.component), None)
    if attempt.plan is not None:
        strict = _as_written(workshop, request, plain, attempt.plan, wanted) if relaxed else None
        idle = _idle_extras(attempt, attempt.plan, wanted)
        return WhyNot(demand, baseline, None if strict else attempt.plan, strict, relaxed, idle)
    failure = failure_of(workshop, changed, attempt)
    if not _relaxing(failure):
        several = _several(workshop, plain, baseline, wanted)
        failure = evolve(failure, repairs=in_order((*failure.repairs, *several)))
    return WhyNot(demand, baseline, None, failure, relaxed)


def _meant(workshop: Workshop, wanted: Requirement, known: Iterable[str]) -> str:
    """What a name may stand for: a component of another kind, else what is called nearly so."""
    component = wanted.component
    ruled = (rule.component for rule in workshop.profile.rules)
    spelled = [each.spelled for each in ruled if each.name == component.name]
    close = spelled or get_close_matches(component.name, sorted(set(known)), n=3, cutoff=_LIKE)
    return f"did you mean {' or '.join(close)}? Else " if close else ""


def _idle_extras(attempt: Attempt, plan: Plan, wanted: Requirement) -> tuple[str, ...]:
    """Those extras that were asked for and for which the chosen stream states nothing."""
    planned, target = plan.stream(wanted.component.name), attempt.targets.get(plan.python)
    if not wanted.extra_names or planned is None or target is None:
        return ()
    chosen = [
        offer
        for offer in attempt.book.offers(wanted.component)
        if (offer.version, offer.origin) == (planned.version, planned.origin)
    ]
    streams = attempt.book.streams(chosen[:1])
    return tuple(
        extra
        for extra in wanted.extra_names
        if not any(stream.demands(target, extra) for stream in streams)
    )


def _as_written(
    workshop: Workshop, request: PlanRequest, plain: Attempt, plan: Plan, wanted: Requirement
) -> Failure | None:
    """Why a demand cannot be met that the profile's relaxation passes over; None if it is met."""
    stream = plan.stream(wanted.component.name)
    if stream is None or stream.version is None or wanted.allows(stream.version):
        return None
    root = plain.book.root
    root = evolve(root, requirements=(*root.requirements, wanted))
    answer = Selector(problem_of(plain.book, root)).select()
    names = {wanted.component.name}
    if isinstance(answer, Unsatisfiable) and workshop.upstream.widen(names):
        plain.book.forget(names)
        answer = Selector(problem_of(plain.book, root)).select()
    if not isinstance(answer, Unsatisfiable):
        return None
    conflicts = explained(answer.conflicts, plain.book)
    return _failure(workshop, request, evolve(plain, plan=None, conflicts=conflicts))


def _relaxing(failure: Failure) -> bool:
    return any(repair.kind is RepairKind.RELAX for repair in failure.repairs)


def _several(
    workshop: Workshop, plain: Attempt, baseline: Plan, wanted: Requirement
) -> tuple[Repair, ...]:
    """The fewest requirements whose relaxing lets a demand in, if that was found and solved."""
    trials = Trials.after(workshop, plain)
    stated = {(s.component, r.text) for s in baseline.streams for r in s.requirements}
    _, relax = Freeing(trials.problem, trials.nogoods, stated).in_the_way(wanted)
    relaxed = sorted(
        {
            (d.component.name, d.requirement.component.name, str(d.requirement.specifier))
            for d in relax
        }
    )
    trial = trials.changed([wanted], relaxed) if relaxed else None
    if trial is None:
        return ()
    (by, value), *further = ((by, f"{name}{specifier}") for by, name, specifier in relaxed)
    private = trial.plan().summary.private
    cost = trial.selection.cost
    return (Repair(RepairKind.RELAX, value, private, cost, by, tuple(further)),)


def failure_of(workshop: Workshop, request: PlanRequest, attempt: Attempt) -> Failure:
    """All that is known of an attempt without a plan, with repairs that were solved."""
    repairs = find_repairs(workshop, request, attempt.conflicts)
    return evolve(_failure(workshop, request, attempt), repairs=repairs)


def _failure(workshop: Workshop, request: PlanRequest, attempt: Attempt) -> Failure:
    return Failure(
        application=workshop.profile.name,
        version=request.version or str(workshop.profile.version),
        variant=attempt.book.variant.name,
        base=workshop.base.name,
        arch=workshop.base.arch,
        conflicts=attempt.conflicts,
    )
