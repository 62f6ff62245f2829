"""What becomes of a component in another plan, as JSON."""

from __future__ import annotations

from collections.abc import Mapping

from ..model.question import Chosen, Move

__all__ = ["move_document"]


def move_document(move: Move) -> Mapping[str, object]:
    """``before`` and ``after`` are null where a plan does not hold the component."""
    return {
        "component": move.component.name,
        "kind": move.component.kind.value,
        "before": _chosen(move.before),
        "after": _chosen(move.after),
    }


def _chosen(chosen: Chosen | None) -> Mapping[str, object] | None:
    if chosen is None:
        return None
    version = None if chosen.version is None else str(chosen.version)
    return {"version": version, "origin": chosen.origin.value}
