"""Which builds one chain can hold: a chain has one target, and waits for nothing of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

__all__ = ["Chain", "chains_of"]


@frozen
class Chain:
    """Groups of builds of one target; each group is over before the next one begins."""

    target: str
    groups: tuple[tuple[str, ...], ...]


def chains_of(
    levels: Sequence[Sequence[str]], target: Mapping[str, str], after: Mapping[str, Sequence[str]]
) -> tuple[Chain, ...]:
    """The chains, in an order in which one may be run after the other.

    A target's chain goes on level by level up to the first build that needs one of another target
    that is not in a chain before. The first level that is left can always begin, so this ends.
    """
    left = {
        name: [
            group for level in levels if (group := tuple(id for id in level if target[id] == name))
        ]
        for name in dict.fromkeys(target[id] for level in levels for id in level)
    }
    done: set[str] = set()
    found: list[Chain] = []
    while any(left.values()):
        for name, groups in left.items():
            own = set(done)
            count = 0
            for group in groups:
                if any(not own.issuperset(after[id]) for id in group):
                    break
                own.update(group)
                count += 1
            if count:
                found.append(Chain(name, tuple(groups[:count])))
                del groups[:count]
                done = own
                break
    return tuple(found)
