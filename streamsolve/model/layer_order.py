"""An order in which units can be installed, what changes least for its bytes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush

from .layer_units import LayerUnit

__all__ = ["installable_order"]


def installable_order(
    units: Sequence[LayerUnit], rates: Mapping[str, int]
) -> tuple[tuple[LayerUnit, ...], ...]:
    """The units in blocks: none requires a later one, and what requires each other is one block.

    As by Smith's rule for jobs that wait for others: again and again the unit whose bytes for each
    change are the most, counted with everything that it requires and that is not there yet.
    ``rates`` are the changes that count here, by key.
    """
    blocks, requires = _blocks(sorted(units, key=lambda unit: unit.key))
    sizes = [sum(unit.size for unit in block) for block in blocks]
    changes = [sum(rates[unit.key] for unit in block) for block in blocks]
    wanted_by = [0] * len(blocks)
    for number, mask in enumerate(requires):
        for other in _numbers(mask):
            wanted_by[other] |= 1 << number
    with_all = [
        [sum(values[other] for other in _numbers(mask)) for mask in requires]
        for values in (sizes, changes)
    ]

    def worth(number: int) -> tuple[float, int]:
        size, change = with_all[0][number], with_all[1][number]
        return (-size / change if change else float("-inf"), number)

    heap = [worth(number) for number in range(len(blocks))]
    heapify(heap)
    left, found = (1 << len(blocks)) - 1, list[tuple[LayerUnit, ...]]()
    while heap:
        best = heappop(heap)
        number = best[1]
        if not left >> number & 1 or best != worth(number):
            continue
        new = requires[number] & left
        left &= ~new
        # Whoever requires more lies above what it requires.
        for each in sorted(_numbers(new), key=lambda n: (requires[n].bit_count(), n)):
            found.append(blocks[each])
            for other in _numbers(wanted_by[each] & left):
                with_all[0][other] -= sizes[each]
                with_all[1][other] -= changes[each]
                heappush(heap, worth(other))
    return tuple(found)


def _blocks(units: Sequence[LayerUnit]) -> tuple[list[tuple[LayerUnit, ...]], list[int]]:
    """What requires each other together, and for each block all that it requires, itself among it,
    as the bits of a number."""
    place = {unit.key: number for number, unit in enumerate(units)}
    reach = [
        sum(1 << place[key] for key in {unit.key, *unit.after} if key in place) for unit in units
    ]
    for through in range(len(units)):
        mask, bit = reach[through], 1 << through
        for number, have in enumerate(reach):
            if have & bit:
                reach[number] = have | mask
    first = {
        number: next(n for n in _numbers(mask) if reach[n] >> number & 1)
        for number, mask in enumerate(reach)
    }
    heads = sorted(set(first.values()))
    order = {head: number for number, head in enumerate(heads)}
    members: dict[int, list[LayerUnit]] = {head: [] for head in heads}
    for number, unit in enumerate(units):
        members[first[number]].append(unit)
    requires = [
        sum(1 << each for each in {order[first[n]] for n in _numbers(reach[head])})
        for head in heads
    ]
    return [tuple(members[head]) for head in heads], requires


def _numbers(mask: int) -> list[int]:
    """The bits that are set, ascending."""
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found
