"""Which build comes next: what everything it comes after is done for, the longest way first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush

from attrs import define, field

from ..errors import Code, InputError
from ..model.build import Build

__all__ = ["Schedule", "in_order"]


def in_order(builds: Iterable[Build]) -> tuple[str, ...]:
    """The ids of all builds, each behind those that it comes after; the longest remaining chain of
    minutes first, as a schedule with one builder takes them."""
    schedule = Schedule.of(builds)
    found = []
    while (id := schedule.next()) is not None:
        found.append(id)
        schedule.done(id)
    return tuple(found)


@define
class Schedule:
    """Builds that are waiting, ready, taken, or over. It knows no time and runs nothing."""

    _after: Mapping[str, frozenset[str]]
    _users: Mapping[str, tuple[str, ...]]
    _left: Mapping[str, int]
    """Minutes from the start of a build to the end of the longest chain that it begins."""
    _waits_for: dict[str, int] = field(factory=dict, init=False)
    _ready: list[tuple[int, str]] = field(factory=list, init=False)
    _blocked: dict[str, str] = field(factory=dict, init=False)

    @classmethod
    def of(cls, builds: Iterable[Build]) -> Schedule:
        """Raises :class:`InputError` (``BROKEN_LOCK``) for builds that wait for each other or for
        what is no build."""
        by_id = {build.id: build for build in builds}
        after = {id: frozenset(by_id[id].after) for id in sorted(by_id)}
        for id, needed in after.items():
            if unknown := sorted(needed - by_id.keys()):
                raise InputError(
                    Code.BROKEN_LOCK, f"{id} comes after {unknown[0]}, which is no build"
                )
        try:
            order = tuple(TopologicalSorter(after).static_order())
        except CycleError as error:
            around = " → ".join(error.args[1])
            raise InputError(Code.BROKEN_LOCK, f"builds wait for each other: {around}") from None
        users: dict[str, list[str]] = {id: [] for id in after}
        for id, needed in after.items():
            for used in needed:
                users[used].append(id)
        left: dict[str, int] = {}
        for id in reversed(order):
            left[id] = by_id[id].cost + max((left[user] for user in users[id]), default=0)
        schedule = cls(after, {id: tuple(sorted(every)) for id, every in users.items()}, left)
        schedule._waits_for.update({id: len(needed) for id, needed in after.items()})
        for id, count in schedule._waits_for.items():
            if not count:
                heappush(schedule._ready, (-left[id], id))
        return schedule

    @property
    def blocked(self) -> Mapping[str, str]:
        """What can no longer be built, with the failed build that it depends on: the first one by
        id of those that failed first."""
        return self._blocked

    def next(self) -> str | None:
        """Take the next build that is ready, or None; ties go by id."""
        while self._ready:
            id = heappop(self._ready)[1]
            if id not in self._blocked:
                return id
        return None

    def done(self, id: str) -> None:
        """Note that what a build makes is there."""
        for user in self._users[id]:
            self._waits_for[user] -= 1
            if not self._waits_for[user]:
                heappush(self._ready, (-self._left[user], user))

    def failed(self, id: str) -> None:
        """Note that a build made nothing: whatever depends on it is blocked."""
        further = [id]
        while further:
            for user in self._users[further.pop()]:
                if user not in self._blocked:
                    self._blocked[user] = id
                    further.append(user)
