"""Pushing a plan: projects, then builds level by level, then watching until all is over.

It may be stopped anywhere and run again: it finds its own builds and goes on. COPR starts a batch
when the one before is over, also after a failure, so what depends on a failure is canceled here;
and what was begun before something that it comes after was built does not count: it is taken away
and built again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

from attrs import define, field, frozen

from ..errors import InputError
from .chain import Chain
from .farm import Farm, FarmBuild, FarmRefusedError
from .finding import Finder, best
from .journal import Journal
from .patience import Patience
from .plan import FarmPlan, WantedBuild
from .projects import Setup, apply_changes, check_farm, compare
from .submit import Submitter
from .tally import Standing, tally

__all__ = ["PushReport", "Watcher", "push"]

_OFTEN = 3
"""How often a build may be taken away and submitted again in one run."""

_NOT_ALLOWED = (401, 403)

Watcher = Callable[[Mapping[str, Standing], Mapping[str, FarmBuild]], None]


def _unwatched(_standings: Mapping[str, Standing], _ours: Mapping[str, FarmBuild]) -> None:
    return None


@frozen
class PushReport:
    """What came of a push. ``standings`` are those of all builds and ``builds`` COPR's, of
    those that it has, by the ids of the plan. ``submitted`` are the builds that this run
    submitted, ``canceled`` those that it canceled or deleted, both in order. ``logs`` are the
    addresses of the logs of what failed. ``left_over`` are numbers of builds that another plan
    made and whose packages build roots may see."""

    standings: Mapping[str, Standing]
    builds: Mapping[str, FarmBuild]
    submitted: tuple[str, ...] = ()
    canceled: tuple[str, ...] = ()
    logs: Mapping[str, tuple[str, ...]] = field(factory=dict)
    left_over: tuple[int, ...] = ()

    @property
    def is_built(self) -> bool:
        """Whether everything is built."""
        return all(standing is Standing.BUILT for standing in self.standings.values())


def push(
    farm: Farm,
    plan: FarmPlan,
    journal: Journal,
    *,
    patience: Patience | None = None,
    ahead: int | None = None,
    prune: bool = False,
    watch: Watcher = _unwatched,
    set_up: Callable[[Setup], None] = lambda _: None,
) -> PushReport:
    """Make the projects as they should be, build what is not built, and watch until all is over.

    ``ahead`` is how many levels are submitted beyond the first that is not over; None: all. With 0
    a level is submitted when all before it is over, and nothing ever starts after a failure.
    ``prune`` deletes builds of other plans first. ``watch`` is told of every change, ``set_up`` of
    what changes in the projects. Raises :class:`InputError`; everything submitted stays.
    """
    patience = patience or Patience()
    check_farm(farm, plan, patience)
    setup = compare(farm, plan, patience)
    set_up(setup)
    apply_changes(farm, plan, setup, patience)
    return _Push(Finder(farm, plan, journal, patience), watch, ahead).run(prune)


@define
class _Push:
    """One run. ``ours`` are the farm's builds by the ids of the plan, as of the last look;
    ``dropped`` the numbers of those that do not count whatever becomes of them."""

    finder: Finder
    watch: Watcher
    ahead: int | None = None
    ours: dict[str, FarmBuild] = field(factory=dict)
    submitted: list[str] = field(factory=list)
    canceled: dict[str, None] = field(factory=dict)
    dropped: set[int] = field(factory=set)
    _again: Counter[str] = field(factory=Counter)
    _suspects: dict[str, int] = field(factory=dict)
    _shown: Mapping[str, Standing] = field(factory=dict)
    _looked: float = 0.0

    def run(self, prune: bool) -> PushReport:
        """Everything but the projects."""
        self.finder.look()
        self.finder.adopt_all()
        left_over = self._left_over(prune)
        self._adopt()
        self._react()
        submitter = Submitter(self.finder, Chain.of(self.finder.journal.entries), self.ours)
        patience = self.finder.patience
        pause = patience.quiet
        while True:
            is_new = self._submit_all(submitter)
            going = any(not made.is_over for made in self.ours.values())
            if not going and not is_new:
                return self._report(left_over)
            patience.sleep(pause)
            pause = patience.quiet if self._look() or is_new else patience.longer(pause)

    # -- looking

    def _standings(self) -> dict[str, Standing]:
        return tally(self.finder.plan, self.ours)

    def _look(self) -> bool:
        """Read the state of all builds and act on it; whether anything is new."""
        before = dict(self.ours)
        self.finder.look()
        self._looked = self.finder.patience.clock()
        for id, made in before.items():
            found = self.finder.builds.get(made.id)
            if found is None:
                # Somebody deleted it: as if it had never been.
                self._remove(id, made)
            elif made.id in self.dropped and found.is_over and not found.has_succeeded:
                del self.ours[id]
            else:
                self.ours[id] = found
        if self.finder.has_unknown():
            # COPR took one after all that it had seemed to have lost.
            self.finder.adopt_all()
            self._adopt()
        self._react()
        return before != self.ours

    def _adopt(self) -> None:
        """Take what is built or being built; of two that are the same one is enough."""
        for wanted in self.finder.plan.builds:
            found = [made for made in self.finder.of(wanted) if made.id not in self.dropped]
            chosen = best(found)
            if chosen is None:
                continue
            self.ours[wanted.id] = chosen
            for other in found:
                if other.id != chosen.id and not other.is_over:
                    self._cancel(wanted.id, other)

    def _left_over(self, prune: bool) -> tuple[int, ...]:
        found = self.finder.left_over()
        if not prune:
            return tuple(build.id for build in found)
        for build in found:
            self._delete(build)
        return ()

    # -- acting

    def _react(self) -> None:
        """Cancel what depends on a failure; take away what was built too early."""
        suspects: dict[str, int] = {}
        for id, standing in self._standings().items():
            made = self.ours.get(id)
            if made is not None and standing is Standing.BLOCKED and not made.is_over:
                self._cancel(id, made)
            elif made is not None and standing is Standing.SPOILED:
                suspects[id] = made.id
        # Projects are listed one after the other, so a first look may show a build begun and, from
        # a moment before, what it waited for not yet done. The second look tells.
        before, self._suspects = self._suspects, suspects
        changes = [
            before.get(id) != number or self._take_away(id) for id, number in suspects.items()
        ]
        if any(changes):
            # What was taken away may block others.
            self._look()
        else:
            self._tell()

    def _take_away(self, id: str) -> bool:
        """Cancel or delete a build that does not count; whether that is new."""
        made = self.ours[id]
        is_new = made.id not in self.dropped
        if is_new:
            self._again[id] += 1
            self.dropped.add(made.id)
        if not made.is_over:
            self._cancel(id, made)
            return is_new
        self._delete(made)
        self._remove(id, made)
        self.canceled[id] = None
        return True

    def _remove(self, id: str, made: FarmBuild) -> None:
        del self.ours[id]
        self.finder.journal.forget(made.id)

    def _cancel(self, id: str, made: FarmBuild) -> None:
        self.canceled[id] = None
        self._insist(f"cancel build {made.id}", self.finder.farm.cancel, made.id)

    def _delete(self, made: FarmBuild) -> None:
        self._insist(f"delete build {made.id}", self.finder.farm.delete, made.id)
        self.finder.journal.forget(made.id)
        self.finder.journal.write()

    def _insist(self, what: str, change: Callable[[int], None], number: int) -> None:
        """Ask for what may be done already, by the request whose answer was lost, or by itself."""

        def ask() -> None:
            try:
                change(number)
            except FarmRefusedError as error:
                if error.status in _NOT_ALLOWED:
                    raise

        self.finder.patience.insist(what, ask)

    def _submit_all(self, submitter: Submitter) -> bool:
        """Submit what may be submitted now, in order, looking around now and then; whether
        anything was."""
        standings, count = self._standings(), len(self.submitted)
        for wanted in self.finder.plan.builds:
            if not self._may_submit(wanted, standings):
                continue
            submitter.submit(wanted)
            self.submitted.append(wanted.id)
            late = self.finder.patience.clock() - self._looked >= self.finder.patience.quiet
            if late or self._goes_on_in_vain():
                self._look()
            self._tell()
            standings = self._standings()
        return len(self.submitted) > count

    def _goes_on_in_vain(self) -> bool:
        """Whether submitting has shown a failure, with something going on that depends on it."""
        return any(
            standing is Standing.BLOCKED and id in self.ours and not self.ours[id].is_over
            for id, standing in self._standings().items()
        )

    def _may_submit(self, wanted: WantedBuild, standings: Mapping[str, Standing]) -> bool:
        if standings[wanted.id] is not Standing.ABSENT or self._again[wanted.id] >= _OFTEN:
            return False
        # What is to be taken away is not built on.
        if any(standings[id] in (Standing.ABSENT, Standing.SPOILED) for id in wanted.after):
            return False
        if self.ahead is None:
            return True
        levels = [b.level for b in self.finder.plan.builds if not standings[b.id].is_over]
        return wanted.level <= min(levels, default=wanted.level) + self.ahead

    # -- telling

    def _tell(self) -> None:
        standings = self._standings()
        if standings != self._shown:
            self._shown = standings
            self.watch(standings, dict(self.ours))

    def _report(self, left_over: tuple[int, ...]) -> PushReport:
        standings = self._standings()
        logs: dict[str, tuple[str, ...]] = {}
        for id, standing in standings.items():
            if standing is Standing.FAILED:
                number = self.ours[id].id
                try:
                    logs[id] = self.finder.patience.insist(
                        f"say where the logs of build {number} are",
                        partial(self.finder.farm.logs, number),
                    )
                except InputError:
                    # The summary is worth more than where it could be read on.
                    logs[id] = ()
        return PushReport(
            standings,
            dict(self.ours),
            tuple(self.submitted),
            tuple(self.canceled),
            logs,
            left_over,
        )
