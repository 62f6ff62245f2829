"""Repairs: changes with which a plan exists, each solved before it is offered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve

from ..errors import StreamsolveError
from ..inputs.base_definitions import list_bases
from ..inputs.bases import extract_path
from ..model.component import Kind
from ..model.conflict import Conflict, Demand, Repair, RepairKind
from ..model.plan import Plan
from .asked import version_asked
from .module_repairs import module_candidates
from .planning import Attempt, Workshop, extracts_of
from .request import PlanRequest

__all__ = ["find_repairs", "in_order"]

_RANK = (
    RepairKind.PYTHON,
    RepairKind.DEMAND,
    RepairKind.MODULE,
    RepairKind.RELAX,
    RepairKind.BASE,
    RepairKind.APPLICATION,
    RepairKind.VARIANT,
)
_ACCELERATOR = f"{Kind.ACCELERATOR.value}:"
_VERSIONS_TRIED = 3
_RELAXATIONS_TRIED = 8


def find_repairs(
    workshop: Workshop, request: PlanRequest, conflicts: tuple[Conflict, ...]
) -> tuple[Repair, ...]:
    """All single changes that work, in the order of :func:`in_order`."""
    found: list[Repair] = []
    for kind, value, by, changed in _candidates(workshop, request, conflicts):
        plan = _plan(workshop, changed)
        if plan is not None:
            found.append(Repair(kind, value, plan.summary.private, plan.summary.cost, by))
    return in_order(found)


def in_order(repairs: Iterable[Repair]) -> tuple[Repair, ...]:
    """What changes least first: a choice that was made on the command line, then requirements,
    then the base, the application's version and, since that is another product, the variant;
    among those of one kind the fewest relaxed, the fewest private streams and the least cost."""
    return tuple(
        sorted(
            repairs,
            key=lambda r: (_RANK.index(r.kind), len(r.further), r.private, r.cost, r.value, r.by),
        )
    )


_Candidate = tuple[RepairKind, str, str, PlanRequest]


def _candidates(
    workshop: Workshop, request: PlanRequest, conflicts: tuple[Conflict, ...]
) -> Iterator[_Candidate]:
    for stream in module_candidates(workshop, conflicts):
        changed = evolve(request, modules=(*request.modules, stream))
        yield RepairKind.MODULE, stream, "", changed
    yield from _relaxations(request, conflicts)
    current = request.variant or workshop.profile.default_variant
    # Who asks for a version of an accelerator stack is not helped by a variant without it.
    asked = (*request.demands, request.question)
    of_accelerator = any(text.startswith(_ACCELERATOR) for text in asked)
    for variant in workshop.profile.variants:
        if variant.name != current and not of_accelerator:
            yield RepairKind.VARIANT, variant.name, "", evolve(request, variant=variant.name)
    extracts = extracts_of(workshop.profile)
    for definition in list_bases():
        embedded = (
            extracts is not None and extract_path(definition.name, request.arch, extracts).is_file()
        )
        if definition.name != workshop.base.name and embedded and not request.overlays:
            yield (
                RepairKind.BASE,
                definition.name,
                "",
                evolve(request, base=definition.name),
            )
    if request.python:
        yield RepairKind.PYTHON, "any", "", evolve(request, python="")
    for text in request.demands:
        others = tuple(other for other in request.demands if other != text)
        yield RepairKind.DEMAND, text, "", evolve(request, demands=others)
    yield from _versions(workshop, request)


def _versions(workshop: Workshop, request: PlanRequest) -> Iterator[_Candidate]:
    python = workshop.profile.component.kind is Kind.DISTRIBUTION
    own = workshop.profile.version
    if not python and request.version and version_asked(request.version) != own:
        # No index lists other versions of it; the profile's own is known to be one.
        yield RepairKind.APPLICATION, str(own), "", evolve(request, version=str(own))
    if not (python and workshop.request.fresh):
        return
    releases = workshop.upstream.releases(workshop.profile.component.name)
    newest = [str(release.version) for release in reversed(releases)]
    current = request.version or str(workshop.profile.version)
    for version in [v for v in newest if v != current][:_VERSIONS_TRIED]:
        yield RepairKind.APPLICATION, version, "", evolve(request, version=version)


def _relaxations(request: PlanRequest, conflicts: tuple[Conflict, ...]) -> Iterator[_Candidate]:
    """Leave out one demand; it helps only where all conflicts share it, so only with one."""
    if len(conflicts) != 1:
        return
    seen: set[tuple[str, str, str]] = set()
    for demand in _demands(conflicts):
        requirement = demand.requirement
        if requirement.is_asked or requirement.component.kind is not Kind.DISTRIBUTION:
            continue
        specifier = str(requirement.specifier)
        key = (demand.by.name, requirement.component.name, specifier)
        if specifier and key not in seen and len(seen) < _RELAXATIONS_TRIED:
            seen.add(key)
            yield (
                RepairKind.RELAX,
                f"{requirement.component.name}{specifier}",
                demand.by.name,
                evolve(request, relaxed=(*request.relaxed, key)),
            )


def _demands(conflicts: Iterable[Conflict]) -> Iterator[Demand]:
    for conflict in conflicts:
        for chain in conflict.chains:
            yield from chain


def _plan(workshop: Workshop, request: PlanRequest) -> Plan | None:
    """The plan of a changed request, if there is one; a change that fails is no repair."""
    try:
        if request.base != workshop.request.base:
            with Workshop.open(request, workshop.progress) as other:
                return other.attempt(request).plan
        if request.modules != workshop.request.modules:
            with workshop.choosing(request.modules):
                return workshop.attempt(request).plan
        attempt: Attempt = workshop.attempt(request)
    except StreamsolveError:
        return None
    return attempt.plan
