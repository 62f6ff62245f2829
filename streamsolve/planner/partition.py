"""Applications in the fewest groups, and among those in the cheapest ones.

Whether a group can be together is asked only where it decides, and what was learned is kept: a
group that holds a smaller one that cannot be together cannot either.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence

from attrs import define, field, frozen

__all__ = ["Partition", "Partitioning", "best_partition", "divisions"]

Partition = tuple[tuple[str, ...], ...]
"""Groups, each sorted, sorted by their first one."""

Cost = Callable[[frozenset[str]], int | None]
"""What a group costs together; None where it cannot be together."""


@frozen
class Partitioning:
    """The answer: the groups, and the smallest ones found that cannot be together, sorted."""

    groups: Partition
    apart: tuple[frozenset[str], ...]


def best_partition(
    names: Sequence[str], cost: Cost, *, bound: Callable[[frozenset[str]], int]
) -> Partitioning:
    """The partition with the fewest groups that can each be together, among those one of the least
    total cost, among those the first by the groups' names.

    ``bound`` is a number that no group costs less than of which the given one, asked for already,
    is a part. Each name alone must be possible: ValueError where it is not.
    """
    return _Search(tuple(sorted(names)), cost, bound).answer()


def divisions(names: Sequence[str]) -> Iterator[Partition]:
    """All partitions of sorted names."""
    if not names:
        yield ()
        return
    first, rest = names[0], names[1:]
    for groups in divisions(rest):
        yield ((first,), *groups)
        for number, group in enumerate(groups):
            others = (*groups[:number], *groups[number + 1 :])
            yield ((first, *group), *others)


@define
class _Search:
    names: tuple[str, ...]
    cost: Cost
    bound: Callable[[frozenset[str]], int]
    _costs: dict[frozenset[str], int] = field(factory=dict, init=False)
    _apart: list[frozenset[str]] = field(factory=list, init=False)

    def answer(self) -> Partitioning:
        for name in self.names:
            if not self._can_be(frozenset([name])):
                raise ValueError(f"{name} alone is impossible")
        waiting = [(len(p), 0, p) for p in map(_ordered, divisions(self.names))]
        heapq.heapify(waiting)
        while waiting:
            count, stated, groups = heapq.heappop(waiting)
            sets = [frozenset(group) for group in groups]
            if any(apart <= group for apart in self._apart for group in sets):
                continue
            least = sum(map(self._at_least, sets))
            if least > stated:
                heapq.heappush(waiting, (count, least, groups))
                continue
            unknown = [group for group in sets if group not in self._costs]
            if not unknown:
                return Partitioning(groups, tuple(sorted(self._apart, key=sorted)))
            # The largest one is the likeliest to be impossible.
            if self._can_be(max(unknown, key=lambda group: (len(group), sorted(group)))):
                heapq.heappush(waiting, (count, sum(map(self._at_least, sets)), groups))
        raise ValueError("no partition is possible")

    def _at_least(self, group: frozenset[str]) -> int:
        if group in self._costs:
            return self._costs[group]
        return max(self.bound(known) for known in self._costs if known <= group)

    def _can_be(self, group: frozenset[str]) -> bool:
        """Whether a group can be together; where not, a smallest part of it that cannot is kept."""
        if group in self._costs:
            return True
        if any(apart <= group for apart in self._apart):
            return False
        cost = self.cost(group)
        if cost is not None:
            self._costs[group] = cost
            return True
        if len(group) > 1:
            self._apart.append(self._smallest(group))
        return False

    def _smallest(self, group: frozenset[str]) -> frozenset[str]:
        """A part of an impossible group that is impossible, and of which every part is possible."""
        for name in sorted(group, reverse=True):
            part = group - {name}
            if len(part) < 2 or part in self._costs:
                continue
            cost = self.cost(part)
            if cost is None:
                return self._smallest(part)
            self._costs[part] = cost
        return group


def _ordered(partition: Partition) -> Partition:
    return tuple(sorted(tuple(sorted(group)) for group in partition))
