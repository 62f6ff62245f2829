"""Where in COPR's batches a build belongs. Pure.

A batch waits for one other batch, so batches are a chain, and every new one goes to its end. A
build joins the last batch unless something that it comes after is still being built in there. On a
first push that makes one batch of each level; when a push goes on, what is built again goes to the
end. Whatever is not over lies in the chain before a build, so nothing starts too early; and the
last submission of ours is always in the last batch, by which the end is found again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import define, field

from .farm import ALONE, Batch, FarmBuild
from .journal import Entry
from .plan import WantedBuild

__all__ = ["Chain"]


@define
class Chain:
    """The end of the chain: the number of the last batch, and the plan's ids of what is known to
    lie in it."""

    number: int = 0
    members: list[str] = field(factory=list)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Chain:
        """The end of the chain, from what was noted."""
        noted = list(entries)
        last = max((entry.batch for entry in noted), default=0)
        return cls(last, [e.build for e in noted if e.batch == last > 0 and e.number])

    def place(self, build: WantedBuild, ours: Mapping[str, FarmBuild]) -> tuple[Batch, int]:
        """Where a build goes, and the number of that batch. ``ours`` is what the farm has now."""
        alive = [(made.id, id) for id, made in ours.items() if not made.is_over]
        if not alive:
            return ALONE, self.number + 1
        # Where the last batch was canceled as a whole this is one before it: nothing that is not
        # over comes later.
        anchor, last = max(alive)
        if last in self.members and not self._is_awaited(build.after, ours):
            return Batch(beside=anchor), self.number
        return Batch(after=anchor), self.number + 1

    def put(self, build: str, number: int) -> None:
        """Note where a build went."""
        if number != self.number:
            self.members = []
        self.number = number
        self.members.append(build)

    def _is_awaited(self, after: tuple[str, ...], ours: Mapping[str, FarmBuild]) -> bool:
        unfinished = {id for id in after if id in ours and not ours[id].is_over}
        return not unfinished.isdisjoint(self.members)
