"""Who requires a stream, as far as it follows from what the streams of a plan require."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..model.component import Component, Origin
from ..model.plan import Demander, PlannedStream

__all__ = ["derived_demanders"]


def derived_demanders(
    streams: Iterable[PlannedStream],
) -> Callable[[PlannedStream], tuple[Demander, ...]]:
    """For a stream of the plan, the plan's own requirements on it, sorted. Private streams that
    only builds use take no part: builds demand them, and they demand of builds."""
    found: dict[Component, list[Demander]] = {}
    for stream in streams:
        if not _only_for_builds(stream):
            for requirement in stream.requirements:
                demander = Demander(stream.component, requirement)
                found.setdefault(requirement.component, []).append(demander)

    def of(stream: PlannedStream) -> tuple[Demander, ...]:
        if _only_for_builds(stream):
            return ()
        demanders = found.get(stream.component, [])
        return tuple(sorted(demanders, key=lambda d: (d.component, str(d.requirement))))

    return of


def _only_for_builds(stream: PlannedStream) -> bool:
    return stream.build_only and stream.origin is Origin.PRIVATE
