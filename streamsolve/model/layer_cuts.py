"""Where to cut a sequence into layers, and how many layers each of several sequences gets.

The cost of a layer is its bytes times how often it changes. For runs a ≤ b ≤ c ≤ d of a sequence,
``cost(a, c) + cost(b, d) ≤ cost(a, d) + cost(b, c)``, so the best last cut never moves back when
the sequence grows, and it is looked for between those of shorter and longer ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from attrs import frozen

__all__ = ["Curve", "allotted", "cheapest_cuts"]


@frozen
class Curve:
    """The least costs of a sequence in 1, 2, … layers, falling, and for each number of layers where
    those before the last one end."""

    costs: tuple[int, ...]
    cuts: tuple[tuple[int, ...], ...]


def cheapest_cuts(
    sizes: Sequence[int], rates: Sequence[int], most: int, below: int | None = None
) -> Curve:
    """The best cuts of a sequence that is not empty into 1 … ``most`` layers; fewer where it is
    shorter. It takes O(most · n log n).

    ``below`` is how often something below the sequence changes, for layers that change with
    everything below them; None for layers that stand by themselves.
    """
    ends = list(accumulate(sizes, initial=0))
    changes = list(accumulate(rates, initial=0))
    away = changes if below is None else [-below] * len(changes)
    number = len(sizes)
    costs = [end * (change - away[0]) for end, change in zip(ends, changes, strict=True)]
    totals, lasts = [costs[number]], list[list[int]]()
    for layers in range(2, min(number, most) + 1):
        costs, last = _one_more(costs, ends, changes, away, layers)
        lasts.append(last)
        totals.append(costs[number])
    return Curve(tuple(totals), tuple(_cuts(lasts, k, number) for k in range(len(totals))))


def _one_more(
    before: Sequence[int],
    ends: Sequence[int],
    changes: Sequence[int],
    away: Sequence[int],
    layers: int,
) -> tuple[list[int], list[int]]:
    """For each beginning of the sequence its least cost in one more layer than ``before``, and
    where the last layer starts; earliest where several starts cost the same."""
    number = len(ends) - 1
    costs, last = [0] * (number + 1), [0] * (number + 1)
    todo = [(layers, number, layers - 1, number - 1)]
    while todo:
        low, high, first, final = todo.pop()
        middle = (low + high) // 2
        end, change = ends[middle], changes[middle]
        best, start = -1, first
        for at in range(first, min(final, middle - 1) + 1):
            cost = before[at] + (end - ends[at]) * (change - away[at])
            if cost < best or best < 0:
                best, start = cost, at
        costs[middle], last[middle] = best, start
        if low < middle:
            todo.append((low, middle - 1, first, start))
        if middle < high:
            todo.append((middle + 1, high, start, final))
    return costs, last


def _cuts(lasts: Sequence[Sequence[int]], layers: int, number: int) -> tuple[int, ...]:
    """Followed back from the end."""
    found = []
    for last in reversed(lasts[:layers]):
        number = last[number]
        found.append(number)
    return tuple(reversed(found))


def allotted(costs: Sequence[Sequence[int]], count: int) -> tuple[int, ...]:
    """How many layers each sequence gets, from what it costs in 1, 2, … of them: the least sum with
    ``count`` layers at most, of which each gets one."""
    best: dict[int, tuple[int, tuple[int, ...]]] = {0: (0, ())}
    for number, each in enumerate(costs, 1):
        limit = count - (len(costs) - number)
        found: dict[int, tuple[int, tuple[int, ...]]] = {}
        for used, (cost, given) in best.items():
            for more, its in enumerate(each[: limit - used], 1):
                option = (cost + its, (*given, more))
                if used + more not in found or option < found[used + more]:
                    found[used + more] = option
        best = found
    return min((cost, sum(given), given) for cost, given in best.values())[2]
