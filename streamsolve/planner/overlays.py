"""The plan that there is without an overlay."""

from __future__ import annotations

from attrs import evolve

from ..errors import InputError
from ..inputs.bases import parse_overlay
from ..inputs.shipped import default_cache
from ..model.overlays import Fallback, OverlayUse
from ..model.package import Base
from ..model.plan import Plan
from ..model.question import moves_between
from ..solving import PackagePool
from .module_streams import chosen_modules
from .planning import Workshop
from .request import PlanRequest

__all__ = ["fallback_without", "with_fallbacks"]


def with_fallbacks(workshop: Workshop, request: PlanRequest, plan: Plan) -> Plan:
    """The plan, with what becomes of it without each overlay that it uses. Costs one more plan
    for each of these."""

    def told(use: OverlayUse) -> OverlayUse:
        if not use.packages:
            return use
        return evolve(use, without=fallback_without(workshop, request, plan, use.id))

    return evolve(plan, overlays=tuple(map(told, plan.overlays)))


def fallback_without(
    workshop: Workshop, request: PlanRequest, plan: Plan, overlay: str
) -> Fallback:
    """What becomes of a plan when one of its overlays goes away, and everything else stays."""
    rest = tuple(text for text in request.overlays if parse_overlay(text).name != overlay)
    asked = evolve(request, overlays=rest)
    base = _without(workshop.base, overlay)
    try:
        with _opened(workshop, asked, base) as other:
            attempt = other.attempt(asked)
    except InputError as error:
        return Fallback(exists=False, fault=error.message)
    found = attempt.plan
    if found is None:
        return Fallback(exists=False, conflicts=attempt.conflicts)
    return Fallback(
        exists=True,
        moves=moves_between(plan, found),
        private=found.summary.private,
        cost=found.summary.cost,
    )


def _opened(workshop: Workshop, asked: PlanRequest, base: Base) -> Workshop:
    """Another workshop that has read the same of upstream."""
    modules = chosen_modules(base, asked.modules)
    pool = PackagePool.open(
        base.repositories,
        arch=base.arch,
        cache=asked.cache or default_cache(),
        progress=workshop.progress,
    )
    try:
        pool.hide(modules.hidden)
        return Workshop(
            asked, workshop.profile, base, pool, workshop.upstream, workshop.progress, modules
        )
    except BaseException:
        pool.close()
        raise


def _without(base: Base, overlay: str) -> Base:
    """The base with one repository less. Where no definition says which Python it has, the
    packages that are left do."""
    left = tuple(each for each in base.repositories if each.id != overlay)
    named = tuple(each for each in base.overlays if each != overlay)
    python = base.python if base.python_full else ""
    return evolve(base, repositories=left, overlays=named, python=python)
