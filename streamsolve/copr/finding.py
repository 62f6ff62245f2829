"""Which of the farm's builds are ours: by the journal, by their marker, by what they were made of.

A build is only ever asked about once: what is older than the newest build that all is known of is
either in the journal or somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from attrs import define, field

from .farm import Farm, FarmBuild, FarmRefusedError, SourceRecord
from .journal import Entry, Journal
from .patience import Patience
from .plan import FarmPlan, WantedBuild
from .source import CustomSource, UploadSource, is_made_from, marker_in

__all__ = ["Finder", "best"]

_NOT_FOUND = 404


@define
class Finder:
    """Looks at all projects of a plan but those ``without`` which it is. ``builds`` are the farm's,
    by number, as of the last look; ``newest`` the highest number ever seen in each project."""

    farm: Farm
    plan: FarmPlan
    journal: Journal
    patience: Patience
    without: frozenset[str] = frozenset()
    builds: dict[int, FarmBuild] = field(factory=dict)
    newest: dict[str, int] = field(factory=dict)
    _records: dict[int, SourceRecord | None] = field(factory=dict)

    def look(self) -> None:
        """Read the state of all builds."""
        found: dict[int, FarmBuild] = {}
        for project in self.plan.projects:
            if project.name in self.without:
                continue
            listed = self.patience.insist(
                f"list the builds of {project.owner}/{project.name}",
                partial(self.farm.builds, project.owner, project.name),
            )
            found |= {build.id: build for build in listed}
            last = max((build.id for build in listed), default=0)
            self.newest[project.name] = max(last, self.newest.get(project.name, 0))
        self.builds = found

    def of(self, wanted: WantedBuild) -> list[FarmBuild]:
        """All of the farm's builds that are this one, by number."""
        known = {
            entry.number
            for entry in self.journal.entries
            if entry.number and (entry.build, entry.digest) == (wanted.id, wanted.digest)
        }
        noted = {entry.number for entry in self.journal.entries}
        start = self.journal.seen.get(wanted.project, 0)
        found = []
        for number, build in sorted(self.builds.items()):
            if build.project != wanted.project:
                continue
            is_new = number > start and number not in noted
            if number in known or (is_new and self._is(wanted, build)):
                found.append(build)
        return found

    def has_unknown(self) -> bool:
        """Whether there are builds that nothing is known of."""
        noted = {entry.number for entry in self.journal.entries}
        seen = self.journal.seen
        return any(
            number > seen.get(build.project, 0) and number not in noted
            for number, build in self.builds.items()
        )

    def adopt_all(self) -> None:
        """Note all that are ours, after a look; from then on only newer ones are asked about."""
        for wanted in self.plan.builds:
            for build in self.of(wanted):
                self.note(wanted, build.id)
        self.journal.give_up()
        self.journal.seen = dict(sorted(self.newest.items()))
        self.journal.write()

    def note(self, wanted: WantedBuild, number: int) -> None:
        """Note that one of the farm's builds is this one."""
        if self.journal.of(number) is None:
            self.journal.settle(wanted.id, wanted.digest, number)
        self.journal.adopt(Entry(wanted.id, wanted.digest, wanted.project, 0, 0, number))

    def left_over(self) -> tuple[FarmBuild, ...]:
        """Builds with packages that were made by streamsolve, and not from what is wanted now."""
        wanted = {(build.id, build.digest) for build in self.plan.builds}
        markers = {build.marker for build in self.plan.builds}
        found = []
        for number, build in sorted(self.builds.items()):
            entry = self.journal.of(number)
            if entry is not None:
                is_other = (entry.build, entry.digest) not in wanted
            else:
                marker = marker_in(build.url)
                is_other = bool(marker) and marker not in markers
            if is_other and build.has_succeeded:
                found.append(build)
        return tuple(found)

    def _is(self, wanted: WantedBuild, build: FarmBuild) -> bool:
        """Whether a build that nothing is noted of was made from this."""
        if isinstance(wanted.source, UploadSource) and build.url:
            return marker_in(build.url) == wanted.marker
        if isinstance(wanted.source, CustomSource | UploadSource) and marker_in(build.url):
            return False
        record = self._record(build.id)
        return record is not None and is_made_from(record, wanted.source, wanted.marker)

    def _record(self, number: int) -> SourceRecord | None:
        if number not in self._records:
            self._records[number] = self.patience.insist(
                f"say what build {number} was made from", partial(self._ask, number)
            )
        return self._records[number]

    def _ask(self, number: int) -> SourceRecord | None:
        """None for a build that was deleted meanwhile."""
        try:
            return self.farm.source_of(number)
        except FarmRefusedError as error:
            if error.status == _NOT_FOUND:
                return None
            raise


def best(builds: Iterable[FarmBuild]) -> FarmBuild | None:
    """Of several builds of one thing, the one that counts: the first with packages, else the first
    that still goes on."""
    found = sorted(builds, key=lambda build: build.id)
    done = [build for build in found if build.has_succeeded]
    going = [build for build in found if not build.is_over]
    return next(iter([*done, *going]), None)
