"""Submitting one build, exactly once, whatever becomes of the answers."""

from __future__ import annotations

from attrs import define

from .chain import Chain
from .farm import ALONE, Batch, FarmBuild, FarmLostError, FarmRefusedError
from .finding import Finder, best
from .journal import Entry
from .patience import refused, unreachable
from .plan import WantedBuild

__all__ = ["Submitter"]

_LOOKS = 3
"""How often COPR is asked, ever more slowly, whether it took what it gave no answer to."""


@define
class Submitter:
    """Submits builds through a finder's farm and journal. ``ours`` are the farm's builds by the
    ids of the plan, and are kept up."""

    finder: Finder
    chain: Chain
    ours: dict[str, FarmBuild]

    def submit(self, wanted: WantedBuild) -> FarmBuild:
        """Submit a build and note it, before and after.

        COPR may take a build and its answer be lost. So after a lost answer COPR is asked for the
        build, several times with pauses, before it is submitted again.
        """
        tried: list[Batch] = []
        lost = ""
        for attempt in range(self.finder.patience.attempts):
            if attempt and lost:
                found = self._find(wanted)
                if found is not None:
                    return self._done(wanted, found)
            try:
                return self._done(wanted, self._once(wanted, tried))
            except FarmLostError as error:
                lost, tried = error.message, []
        found = self._find(wanted)
        if found is not None:
            return self._done(wanted, found)
        raise unreachable(f"build {wanted.id}", lost)

    def _once(self, wanted: WantedBuild, tried: list[Batch]) -> FarmBuild:
        """One submission; where its batch is refused, since it has become over meanwhile, the next
        one that is right."""
        while True:
            batch, number = self.chain.place(wanted, self.ours)
            if batch in tried and batch.beside:
                # It looks alive and takes no more: the next batch, after that one.
                batch, number = Batch(after=batch.beside), self.chain.number + 1
            self._begin(wanted, number)
            try:
                made = self.finder.farm.submit(
                    self.finder.plan.owner, wanted.project, wanted.source, wanted.marker, batch
                )
            except FarmRefusedError as error:
                if batch == ALONE or batch in tried:
                    raise refused(f"build {wanted.id}", error) from None
                tried.append(batch)
                self._look_again()
                continue
            self.chain.put(wanted.id, number)
            return made

    def _begin(self, wanted: WantedBuild, number: int) -> None:
        newest = self.finder.newest.get(wanted.project, 0)
        entry = Entry(wanted.id, wanted.digest, wanted.project, number, newest)
        self.finder.journal.begin(entry)

    def _find(self, wanted: WantedBuild) -> FarmBuild | None:
        """The build, if COPR took it. It may show a moment later."""
        for look in range(_LOOKS):
            self.finder.patience.wait(look)
            self._look_again()
            new = [b for b in self.finder.of(wanted) if self.finder.journal.of(b.id) is None]
            found = best(new)
            if found is not None:
                entry = self._entry(wanted)
                self.chain.put(wanted.id, entry.batch if entry is not None else 0)
                return found
        return None

    def _entry(self, wanted: WantedBuild) -> Entry | None:
        entries = self.finder.journal.entries
        return next((e for e in entries if e.build == wanted.id and not e.number), None)

    def _look_again(self) -> None:
        self.finder.look()
        for id, made in self.ours.items():
            self.ours[id] = self.finder.builds.get(made.id, made)

    def _done(self, wanted: WantedBuild, made: FarmBuild) -> FarmBuild:
        self.finder.note(wanted, made.id)
        self.finder.journal.write()
        self.finder.newest[wanted.project] = max(made.id, self.finder.newest.get(wanted.project, 0))
        self.ours[wanted.id] = made
        return made
