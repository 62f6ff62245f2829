"""How far each build is: what the farm says of it, and what it was built on.

Pure. That a build succeeded is not enough: COPR starts the next batch after a failure too, so a
build may have been made without something that the plan puts into its root. It counts only if all
that it comes after counted before its root was begun.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from .farm import FarmBuild
from .plan import FarmPlan, WantedBuild

__all__ = ["Standing", "tally"]


class Standing(Enum):
    """How far a build is.

    ``SPOILED`` was begun before something that it comes after was built; ``BLOCKED`` comes after
    something that failed, and is not to be built now.
    """

    ABSENT = "absent"
    WAITING = "waiting"
    RUNNING = "running"
    BUILT = "built"
    FAILED = "failed"
    CANCELED = "canceled"
    SPOILED = "spoiled"
    BLOCKED = "blocked"

    def __lt__(self, other: Standing) -> bool:
        return self.value < other.value

    @property
    def is_over(self) -> bool:
        """Whether no more comes of it."""
        return self in _OVER

    @property
    def is_lost(self) -> bool:
        """Whether what comes after it cannot be built."""
        return self in _LOST


_LOST = frozenset({Standing.FAILED, Standing.CANCELED, Standing.BLOCKED})
_OVER = _LOST | {Standing.BUILT}


def tally(plan: FarmPlan, ours: Mapping[str, FarmBuild]) -> dict[str, Standing]:
    """The standing of every build, in the order of the plan. ``ours`` are the farm's builds by the
    ids of the plan; what is not among them is absent."""
    found: dict[str, Standing] = {}
    for build in plan.builds:
        found[build.id] = _standing(build, ours, found)
    return found


def _standing(
    build: WantedBuild, ours: Mapping[str, FarmBuild], found: Mapping[str, Standing]
) -> Standing:
    made = ours.get(build.id)
    if made is not None and made.has_succeeded:
        well = _is_well_built(build, made, ours, found)
        return Standing.BUILT if well else Standing.SPOILED
    if any(found[id].is_lost for id in build.after):
        # Whatever became of it: that is no fault of its own.
        return Standing.BLOCKED
    if made is None:
        return Standing.ABSENT
    if made.is_over:
        return Standing.CANCELED if made.state == "canceled" else Standing.FAILED
    if made.has_begun and not _is_well_built(build, made, ours, found):
        return Standing.SPOILED
    return Standing.RUNNING if made.is_running else Standing.WAITING


def _is_well_built(
    build: WantedBuild,
    made: FarmBuild,
    ours: Mapping[str, FarmBuild],
    found: Mapping[str, Standing],
) -> bool:
    """Whether all that it comes after was there when its root was begun."""
    for id in build.after:
        if found[id] is not Standing.BUILT:
            return False
        ended = ours[id].ended
        if ended is not None and made.started is not None and made.started < ended:
            return False
    return True
