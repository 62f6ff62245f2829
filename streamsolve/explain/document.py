"""The JSON document ``streamsolve.plan/1``: one for a plan, for a failure, and for bad input.

It is complete, stable to the byte, and the same shape whatever the outcome: what a failure does
not have is empty or null. Lists whose order says nothing are sorted; the schema is in
``streamsolve/schemas/plan-1.schema.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from packaging.version import Version

from ..errors import InputErrors, Place, StreamsolveError
from ..model.component import Component
from ..model.conflict import Conflict, Demand, Failure, Repair
from ..model.plan import (
    Demander,
    HeldBack,
    HostRequirement,
    Notice,
    Plan,
    PlannedStream,
    Relaxed,
)
from ..model.requirement import Requirement
from ..model.schemas import shipped_schema
from ..model.stream import Source
from .build_document import builds_document, isolation_document
from .burden_text import would_rebuild
from .conflict_text import conflict_sentence
from .kernel_document import pair_document
from .overlays_document import overlays_document
from .sentences import reason_text
from .vendored_document import vendored_documents
from .versions import version_ranges

__all__ = [
    "SCHEMA",
    "Document",
    "conflict_document",
    "document_text",
    "errors_document",
    "failure_document",
    "plan_document",
    "plan_schema",
]

SCHEMA = "streamsolve.plan/1"

Document = Mapping[str, Any]


def document_text(document: Mapping[str, object]) -> str:
    """The bytes of a document as text: two spaces, UTF-8, one line end at the end."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def plan_schema() -> Document:
    """The JSON Schema of these documents."""
    return shipped_schema("plan-1")


def plan_document(plan: Plan) -> Document:
    """A plan as a document."""
    return {
        "schema": SCHEMA,
        "application": _application(plan.application, str(plan.version), plan.variant),
        "base": {
            "name": plan.base,
            "arch": plan.arch,
            "repositories": [
                {"id": repository.id, "repomd_sha256": repository.repomd_sha256}
                for repository in sorted(plan.repositories, key=lambda r: (r.id, r.repomd_sha256))
            ],
        },
        "python": plan.python,
        "summary": {
            "base": plan.summary.base,
            "private": plan.summary.private,
            "external": plan.summary.external,
            "omitted": plan.summary.omitted,
            "minimal": plan.summary.minimal,
            "lower_bound": plan.summary.lower_bound,
            "cost": plan.summary.cost,
            "build_only": plan.summary.build_only,
            "build_cost": plan.summary.build_cost,
        },
        "streams": [
            _stream(stream, plan.application) for stream in sorted(plan.streams, key=_stream_key)
        ],
        "conflicts": [],
        "repairs": [],
        "burden": {
            "base_packages_changed": plan.burden.base_packages_changed,
            "would_conflict": sorted(plan.burden.would_conflict),
            "would_add": sorted(plan.burden.would_add),
            "would_rebuild": list(would_rebuild(plan)),
        },
        "held_back": [_held_back(held) for held in sorted(plan.held_back, key=_component_key)],
        "relaxed": _sorted(_relaxed(relaxed) for relaxed in plan.relaxed),
        "host": _sorted(_host(needed) for needed in plan.host),
        "warnings": _sorted(_notice(notice) for notice in plan.warnings),
        "isolation": None if plan.isolation is None else isolation_document(plan.isolation),
        "builds": None if plan.builds is None else builds_document(plan.builds),
        **({"demands": list(plan.demands)} if plan.demands else {}),
        **({"overlays": overlays_document(plan.overlays)} if plan.overlays else {}),
        **({"vendored": vendored_documents(plan.vendored)} if plan.vendored else {}),
        **({"kernel_pair": pair_document(plan.kernel_pair)} if plan.kernel_pair else {}),
    }


def failure_document(failure: Failure) -> Document:
    """That no plan exists, as a document: conflicts and repairs, and nothing chosen."""
    return {
        "schema": SCHEMA,
        "application": _application(failure.application, failure.version, failure.variant),
        "base": {"name": failure.base, "arch": failure.arch, "repositories": []},
        "python": None,
        "summary": None,
        "streams": [],
        "conflicts": [conflict_document(conflict) for conflict in failure.conflicts],
        "repairs": [_repair(repair) for repair in failure.repairs],
        "burden": None,
        "held_back": [],
        "relaxed": [],
        "host": [],
        "warnings": [],
        "isolation": None,
        "builds": None,
    }


def errors_document(error: StreamsolveError) -> Document:
    """Bad input or a defect as a document: every fault, in the order in which it was found."""
    faults = error.errors if isinstance(error, InputErrors) else (error,)
    return {"schema": SCHEMA, "errors": [_fault(fault) for fault in faults]}


def _application(name: str, version: str, variant: str) -> Document:
    return {"name": name, "version": version, "variant": variant}


def _component_key(value: PlannedStream | HeldBack) -> tuple[str, str]:
    return (value.component.kind.value, value.component.name)


def _stream_key(stream: PlannedStream) -> tuple[object, ...]:
    rest = (str(stream.version), stream.origin.value, stream.package)
    return (*_component_key(stream), stream.build_only, *rest)


def _sorted(documents: Iterable[Document]) -> list[Document]:
    return sorted(documents, key=lambda document: json.dumps(document, sort_keys=True))


def _component(component: Component) -> Document:
    return {"name": component.name, "kind": component.kind.value}


def _stream(stream: PlannedStream, application: str) -> Document:
    return {
        "component": stream.component.name,
        "kind": stream.kind.value,
        "version": None if stream.version is None else str(stream.version),
        "origin": stream.origin.value,
        "prebuilt": stream.prebuilt,
        "package": stream.package or None,
        "repository": stream.repository or None,
        "source": _source(stream.source),
        "licence": stream.licence or None,
        "extras": sorted(stream.extras),
        "build_only": stream.build_only,
        "cost": stream.cost,
        "requirements": sorted({requirement.text for requirement in stream.requirements}),
        "required_by": _demanders(stream.required_by),
        "reason": {
            "kind": stream.reason.kind.value,
            "text": reason_text(stream, application),
            "base_version": stream.reason.base_version or None,
            "demands": _demanders(stream.reason.demands),
        },
    }


def _source(source: Source) -> Document | None:
    if not source.purl:
        return None
    return {
        "purl": source.purl,
        "filename": source.filename or None,
        "sha256": source.sha256 or None,
    }


def _demanders(demanders: Iterable[Demander]) -> list[Document]:
    pairs = {(d.component.name, d.requirement.text) for d in demanders}
    return [{"component": name, "requirement": text} for name, text in sorted(pairs)]


def _held_back(held: HeldBack) -> Document:
    return {
        "component": held.component.name,
        "version": str(held.version),
        "newest": str(held.newest),
        "by": _demanders(held.by),
    }


def _relaxed(relaxed: Relaxed) -> Document:
    return {
        "by": relaxed.by.name,
        "stated": relaxed.stated.text,
        "counts": relaxed.counts.text,
        "reason": relaxed.reason,
        "place": _place(relaxed.stated.place),
    }


def _host(host: HostRequirement) -> Document:
    return {
        "requirement": host.requirement.text,
        "by": host.by.name,
        "evidence": host.evidence or None,
    }


def _notice(notice: Notice) -> Document:
    return {"code": notice.code, "text": notice.text}


def conflict_document(conflict: Conflict) -> Document:
    """A conflict as plans and answers about several of them say it."""
    return {
        "about": _component(conflict.about),
        "cause": conflict.cause.value,
        "text": conflict_sentence(conflict),
        "chains": [[_demand(demand) for demand in chain] for chain in conflict.chains],
        "packages": list(conflict.packages),
        **{
            name: list(texts)
            for name, texts in (
                ("missing", conflict.missing),
                ("blocked", conflict.blocked),
                ("evidence", conflict.evidence),
            )
            if texts
        },
        **({"unseen": conflict.unseen.value} if conflict.unseen is not None else {}),
        **({"refusal": conflict.refusal.value} if conflict.refusal is not None else {}),
    }


def _demand(demand: Demand) -> Document:
    return {
        "by": _component(demand.by),
        "versions": _versions(demand.versions),
        "requirement": _requirement(demand.requirement),
        "available": _versions(demand.available),
        "allowed": _versions(demand.allowed, demand.available),
        "only_if_used": demand.only_if_used,
    }


def _versions(versions: tuple[Version, ...], among: tuple[Version, ...] = ()) -> Document:
    listed = [str(version) for version in sorted(versions)]
    return {"text": version_ranges(versions, among), "list": listed}


def _requirement(requirement: Requirement) -> Document:
    return {"text": requirement.text, "place": _place(requirement.place)}


def _place(place: Place) -> Document | None:
    if not str(place):
        return None
    return {"file": place.file or None, "line": place.line or None, "path": place.path or None}


def _repair(repair: Repair) -> Document:
    return {
        "kind": repair.kind.value,
        "value": repair.value,
        "by": repair.by or None,
        "private": repair.private,
        "cost": repair.cost,
    }


def _fault(fault: StreamsolveError) -> Document:
    return {
        "code": fault.code.label,
        "message": fault.message,
        "place": _place(fault.place),
        "hint": fault.hint or None,
    }
