"""Answers to questions as JSON documents: ``streamsolve.why/1``, ``streamsolve.why-not/1``,
``streamsolve.held-back/1`` and ``streamsolve.alternatives/1``.

They use the parts of ``streamsolve.plan/1``. Like it they are complete, stable to the byte, and
hold null or an empty list for what there is not. The schemas are in
``streamsolve/schemas/question-1.schema.json``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..model.conflict import Failure
from ..model.plan import Demander, Plan, Relaxed
from ..model.question import Freed, HeldBackReport, moves_between
from ..model.schemas import shipped_schema
from .conflict_sentences import is_unknown
from .document import Document, failure_document, plan_document
from .move_document import move_document
from .named_streams import not_in_plan, stream_asked
from .question_text import chains_to

__all__ = [
    "alternatives_document",
    "held_back_document",
    "question_schema",
    "why_document",
    "why_not_document",
]

_EVERY_CHAIN = 1000


def question_schema() -> Document:
    """The JSON Schema of these documents."""
    return shipped_schema("question-1")


def why_document(plan: Plan, name: str) -> Document:
    """Why a component is in a plan; of what is only vendored there is no stream. Raises
    :class:`InputError` when it is not in it."""
    stream = stream_asked(plan, name)
    whole = plan_document(plan)
    vendored = [
        {"in": each["component"], "package": package}
        for each in whole.get("vendored", ())
        for package in each["packages"]
        if package["name"] == name
    ]
    if stream is None and not vendored:
        raise not_in_plan(name, plan)
    found: Document | None = None
    chains: tuple[tuple[Demander, ...], ...] = ()
    if stream is not None:
        key = (stream.component.name, stream.kind.value)
        found = next(s for s in whole["streams"] if (s["component"], s["kind"]) == key)
        chains = chains_to(plan, stream.component, at_most=_EVERY_CHAIN)
    return {
        "schema": "streamsolve.why/1",
        "application": whole["application"],
        "base": whole["base"],
        "stream": found,
        "chains": [[_demand(demand) for demand in chain] for chain in chains],
        **({"vendored": vendored} if vendored else {}),
    }


def why_not_document(
    demand: str,
    baseline: Plan,
    plan: Plan | None,
    failure: Failure | None,
    relaxed: Relaxed | None = None,
    idle_extras: Sequence[str] = (),
) -> Document:
    """What forbids a further demand, or what it would change."""
    whole = plan_document(baseline)
    refused = failure_document(failure) if failure is not None else None
    repairs = [] if refused is None or failure is None else _repairs(refused, failure)
    return {
        "schema": "streamsolve.why-not/1",
        "application": whole["application"],
        "base": whole["base"],
        "demand": demand,
        "possible": failure is None,
        "conflicts": [] if refused is None else refused["conflicts"],
        "repairs": repairs,
        "relaxed": relaxed.reason if relaxed is not None else None,
        "summary": None if plan is None else plan_document(plan)["summary"],
        "without": whole["summary"],
        "moves": [] if plan is None else list(map(move_document, moves_between(baseline, plan))),
        **({"idle_extras": list(idle_extras)} if idle_extras else {}),
        **({"known": False} if failure is not None and is_unknown(failure) else {}),
    }


def _repairs(refused: Document, failure: Failure) -> list[Document]:
    """The repairs, each with what is to be relaxed beside its value."""
    return [
        {**told, "further": [{"by": by, "value": value} for by, value in repair.further]}
        for told, repair in zip(refused["repairs"], failure.repairs, strict=True)
    ]


def held_back_document(report: HeldBackReport) -> Document:
    """What holds each stream back, and what would free it."""
    whole = plan_document(report.plan)
    return {
        "schema": "streamsolve.held-back/1",
        "application": whole["application"],
        "base": whole["base"],
        "summary": whole["summary"],
        "together": report.together,
        "streams": [_freed(answer) for answer in report.answers],
    }


def _freed(answer: Freed) -> Document:
    held = answer.held
    return {
        "component": held.component.name,
        "kind": held.component.kind.value,
        "version": str(held.version),
        "newest": str(held.newest),
        "hold": answer.hold.value,
        "by": _demands(answer.by),
        "relax": _demands(answer.relax),
        "private": answer.private if answer.moves else None,
        "cost": answer.cost if answer.moves else None,
        "moves": list(map(move_document, answer.moves)),
    }


def alternatives_document(best: Plan, others: Sequence[Plan]) -> Document:
    """The best plan, and how the next best ones differ from it."""
    whole = plan_document(best)
    return {
        "schema": "streamsolve.alternatives/1",
        "plan": whole,
        "alternatives": [
            {
                "python": plan.python,
                "summary": plan_document(plan)["summary"],
                "moves": list(map(move_document, moves_between(best, plan))),
            }
            for plan in others
        ],
    }


def _demands(demands: Iterable[Demander]) -> list[Document]:
    found = {(d.component.name, d.requirement.text): _demand(d) for d in demands}
    return [found[key] for key in sorted(found)]


def _demand(demand: Demander) -> Document:
    return {"component": demand.component.name, "requirement": demand.requirement.text}
