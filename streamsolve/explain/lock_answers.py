"""Answers about locks as JSON documents: ``streamsolve.locked/1``, ``streamsolve.lock-check/1``,
``streamsolve.check/1``, ``streamsolve.verify/1``, ``streamsolve.diff/1``, ``streamsolve.update/1``.

They are complete and stable to the byte; what there is not is empty. Files are called what they
were called on the command line. The schemas are in
``streamsolve/schemas/lock-answers-1.schema.json``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

from attrs import asdict

from ..errors import Place
from ..model.difference import LockDiff
from ..model.plan import Plan
from ..model.schemas import shipped_schema
from ..model.verification import Verification
from .document import Document
from .lock_text import unpinned_packages, unpinned_sources

__all__ = [
    "check_document",
    "diff_document",
    "lock_answers_schema",
    "lock_check_document",
    "locked_document",
    "update_document",
    "verify_document",
]

Dropped = tuple[str, str, str]
"""A component, the version that could not be kept, and why."""


def lock_answers_schema() -> Document:
    """The JSON Schema of these documents."""
    return shipped_schema("lock-answers-1")


def locked_document(plan: Plan, file: str, digest: str) -> Document:
    """What a lock holds that was written."""
    builds = plan.builds
    order = builds.order if builds else None
    summary = plan.summary
    return {
        "schema": "streamsolve.locked/1",
        "file": file,
        "digest": digest,
        "application": {
            "name": plan.application,
            "version": str(plan.version),
            "variant": plan.variant,
        },
        "base": {"name": plan.base, "arch": plan.arch},
        "python": plan.python,
        "private": summary.private,
        "build_only": summary.build_only,
        "build_roots": len(builds.roots) if builds else 0,
        "builds": len(builds.builds) if builds else 0,
        "levels": len(order.levels) if order else 0,
        "critical_path": list(order.critical_path) if order else [],
        "minutes": order.minutes if order else 0,
        "schedule": [
            {"builders": builders, "minutes": minutes}
            for builders, minutes in (order.schedule if order else ())
        ],
        "unpinned": {
            "packages": list(unpinned_packages(plan)),
            "sources": [stream.source.purl for stream in unpinned_sources(plan)],
        },
    }


def check_document(file: str, digest: str, findings: Sequence[tuple[Place, str]]) -> Document:
    """What does not hold in a lock: nothing, in a good one."""
    return {
        "schema": "streamsolve.check/1",
        "file": file,
        "digest": digest,
        "holds": not findings,
        "findings": [{"path": place.path, "text": text} for place, text in findings],
    }


def lock_check_document(
    file: str, diff: LockDiff, parts: Sequence[str], dropped: Iterable[Dropped]
) -> Document:
    """Whether a lock is what would be locked today."""
    return {
        "schema": "streamsolve.lock-check/1",
        "file": file,
        "current": not parts,
        "parts": list(parts),
        "changes": _plain(diff),
        "dropped": _dropped(dropped),
    }


def update_document(
    file: str,
    diff: LockDiff,
    parts: Sequence[str],
    dropped: Iterable[Dropped],
    *,
    written: bool,
    stays: str = "",
) -> Document:
    """What an update changed."""
    return {
        "schema": "streamsolve.update/1",
        "file": file,
        "written": written,
        "stays": stays,
        "parts": list(parts),
        "changes": _plain(diff),
        "dropped": _dropped(dropped),
    }


def verify_document(found: Verification, file: str, base: str) -> Document:
    """Whether a lock can still be done."""
    return {
        "schema": "streamsolve.verify/1",
        "file": file,
        "base": base,
        "holds": found.holds,
        **_plain(found),
    }


def diff_document(old: str, new: str, diff: LockDiff) -> Document:
    """What changed between two locks or plans."""
    return {
        "schema": "streamsolve.diff/1",
        "old": old,
        "new": new,
        "changed": bool(diff),
        "changes": _plain(diff),
    }


def _dropped(dropped: Iterable[Dropped]) -> list[Document]:
    return [
        {"component": component, "version": version, "why": why}
        for component, version, why in dropped
    ]


def _plain(value: LockDiff | Verification) -> dict[str, Any]:
    """A value as a document, member for member, with (by, requirement) pairs of streams and
    (build, old level, new level) of the order as objects."""
    document = asdict(value, value_serializer=lambda _, __, member: _word(member))
    for stream in document.get("streams", ()):
        stream["demands"] = [
            {"by": by, "requirement": requirement} for by, requirement in stream["demands"]
        ]
    if document.get("order"):
        document["order"]["moved"] = [
            {"build": build, "old_level": old, "new_level": new}
            for build, old, new in document["order"]["moved"]
        ]
    return document


def _word(member: object) -> object:
    return member.value if isinstance(member, Enum) else member
