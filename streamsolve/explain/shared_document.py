"""The JSON document ``streamsolve.shared/1``: several applications and their sets of streams."""

from __future__ import annotations

from collections.abc import Iterable

from ..model.component import Component, Origin
from ..model.plan import Demander, Plan, PlannedStream
from ..model.schemas import shipped_schema
from ..model.shared import (
    Apart,
    CommonStream,
    Contradiction,
    Copy,
    SharedApplication,
    SharedPlan,
    StreamSet,
)
from .build_document import isolation_document
from .document import Document, conflict_document

__all__ = ["SCHEMA", "shared_document", "shared_schema"]

SCHEMA = "streamsolve.shared/1"


def shared_schema() -> Document:
    """The JSON Schema of these documents."""
    return shipped_schema("shared-1")


def shared_document(shared: SharedPlan) -> Document:
    """The whole answer. Sets are numbered from 1; costs are in minutes of one builder."""
    return {
        "schema": SCHEMA,
        "base": {"name": shared.base, "arch": shared.arch},
        "applications": [_application(one, shared) for one in shared.applications],
        **({"demands": list(shared.demands)} if shared.demands else {}),
        "sets": [_set(number, one) for number, one in enumerate(shared.sets, 1)],
        "fewest": shared.fewest,
        "cheapest": shared.cheapest,
        "builds_compared": shared.builds,
        "apart": list(map(_apart, shared.apart)),
        "common": list(map(_common, shared.common)),
        "cost": {
            "alone": shared.alone,
            "together": shared.cost,
            "saved": shared.alone - shared.cost,
            "private": shared.private,
        },
    }


def _application(one: SharedApplication, shared: SharedPlan) -> Document:
    number = next(n for n, each in enumerate(shared.sets, 1) if one.label in each.applications)
    return {
        "label": one.label,
        "name": one.name,
        "variant": one.variant,
        "version": str(one.version),
        **_component(one.component),
        "set": number,
        "alone": {**_counts(one.alone), "python": one.alone.python},
    }


def _set(number: int, one: StreamSet) -> Document:
    plan = one.plan
    return {
        "number": number,
        "applications": list(one.applications),
        "python": plan.python,
        **_counts(plan),
        "streams": [
            _stream(stream, one)
            for stream in plan.streams
            if stream.origin is not Origin.OMITTED and not stream.build_only
        ],
        "isolation": isolation_document(plan.isolation) if plan.isolation else None,
        "warnings": [{"code": each.code, "text": each.text} for each in plan.warnings],
    }


def _counts(plan: Plan) -> dict[str, object]:
    summary = plan.summary
    return {
        "private": len([s for s in plan.of_origin(Origin.PRIVATE) if not s.build_only]),
        "external": summary.external,
        "from_base": summary.base,
        "cost": summary.cost,
        "minimal": summary.minimal,
    }


def _stream(stream: PlannedStream, one: StreamSet) -> Document:
    return {
        **_component(stream.component),
        "version": str(stream.version),
        "origin": stream.origin.value,
        "package": stream.package,
        "cost": stream.cost,
        "used_by": list(one.users.get(stream.component, ())),
    }


def _apart(apart: Apart) -> Document:
    return {
        "applications": list(apart.applications),
        "kind": apart.kind.value,
        "contradictions": list(map(_contradiction, apart.contradictions)),
        "conflicts": list(map(conflict_document, apart.conflicts)),
    }


def _contradiction(contradiction: Contradiction) -> Document:
    return {
        **_component(contradiction.component),
        "rule": contradiction.rule,
        "says": [
            {"application": label or None, "text": text} for label, text in contradiction.says
        ],
    }


def _common(common: CommonStream) -> Document:
    difference = common.difference
    return {
        **_component(common.component),
        "copies": list(map(_copy, common.copies)),
        "difference": None
        if difference is None
        else {
            "kind": difference.kind.value,
            "agreeing": list(map(str, difference.agreeing)),
            "below": list(map(_component, difference.below)),
            "texts": list(difference.texts),
        },
    }


def _copy(copy: Copy) -> Document:
    return {
        "version": str(copy.version),
        "sets": list(copy.sets),
        "applications": list(copy.applications),
        "cost": copy.cost,
        "demands": _demands(copy.demands),
    }


def _demands(demands: Iterable[Demander]) -> list[Document]:
    found = {(d.component.name, d.requirement.text) for d in demands}
    return [{"component": name, "requirement": text} for name, text in sorted(found)]


def _component(component: Component) -> dict[str, object]:
    return {"component": component.name, "kind": component.kind.value}
