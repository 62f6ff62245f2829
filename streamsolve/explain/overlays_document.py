"""What overlays are to a plan, as a part of its JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..model.overlays import Fallback, OverlayPackage, OverlayUse
from .conflict_text import conflict_sentence
from .move_document import move_document

__all__ = ["overlays_document"]


def overlays_document(uses: Iterable[OverlayUse]) -> list[Mapping[str, object]]:
    """One object for each overlay, sorted by id; ``without`` is null where it was not asked."""
    return [
        {
            "id": use.id,
            "priority": use.priority,
            "packages": [_package(package) for package in use.packages],
            "passed_over": [_package(package) for package in use.passed_over],
            "without": None if use.without is None else _fallback(use.without),
        }
        for use in sorted(uses, key=lambda one: one.id)
    ]


def _package(package: OverlayPackage) -> Mapping[str, object]:
    base = {"evr": package.base_evr, "repository": package.base_repository}
    return {
        "name": package.name,
        "arch": package.arch,
        "evr": package.evr,
        "base": base if package.base_evr else None,
        "runtime": package.runtime,
        "build_roots": package.build_roots,
    }


def _fallback(fallback: Fallback) -> Mapping[str, object]:
    conflicts = [conflict_sentence(conflict) for conflict in fallback.conflicts]
    return {
        "plan": fallback.exists,
        "private": fallback.private if fallback.exists else None,
        "cost": fallback.cost if fallback.exists else None,
        "moves": [move_document(move) for move in fallback.moves],
        "conflicts": [*conflicts, *([fallback.fault] if fallback.fault else [])],
    }
