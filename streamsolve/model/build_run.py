"""What became of the builds of a plan, and what differs between two builds of one, as values."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

__all__ = [
    "BuildFate",
    "BuildResult",
    "BuildRun",
    "LogEnd",
    "PackageDifference",
    "PlannedRun",
    "Rebuild",
]


class BuildFate(Enum):
    """What became of a build in one run."""

    BUILT = "built"
    SKIPPED = "skipped"
    FAILED = "failed"
    NOT_TRIED = "not-tried"

    def __lt__(self, other: BuildFate) -> bool:
        return self.value < other.value


@frozen
class LogEnd:
    """The last lines of a log, without anything that a terminal obeys. ``path`` is the file's."""

    path: str
    lines: tuple[str, ...]


@frozen
class BuildResult:
    """What became of one build. ``why`` is a clause: what was new, what went wrong, or which build
    it waited for. ``root`` is the root's id; ``logs`` are those of a failure; ``packages`` the
    names of the files that it has made, sorted."""

    build: str
    fate: BuildFate
    root: str
    why: str = ""
    logs: tuple[LogEnd, ...] = ()
    packages: tuple[str, ...] = ()


@frozen
class BuildRun:
    """One run. ``results`` are sorted by the id of the build; ``repository`` is the directory of
    the stream repository."""

    application: str
    directory: str
    repository: str
    results: tuple[BuildResult, ...]

    @property
    def holds(self) -> bool:
        """Whether everything that the plan has is built."""
        return all(one.fate in (BuildFate.BUILT, BuildFate.SKIPPED) for one in self.results)

    def of(self, fate: BuildFate) -> tuple[BuildResult, ...]:
        """The builds of one fate, in the order of the run."""
        return tuple(one for one in self.results if one.fate is fate)


@frozen
class PlannedRun:
    """One build as it would be run. ``why`` is empty for one that is up to date; ``certain`` is
    False where only the builds before it decide that. ``command`` is what would be run."""

    build: str
    root: str
    why: str
    command: tuple[str, ...] = ()
    certain: bool = True


@frozen(order=True)
class PackageDifference:
    """What differs between two RPMs of one file name. ``only`` is 1 or 2 where only that build made
    the file. ``payload`` says that their payloads differ; ``tags`` are the header's tags that do,
    ``files`` the files in them as (path, what differs); all sorted."""

    file: str
    only: int = 0
    payload: bool = False
    tags: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()


@frozen
class Rebuild:
    """Two builds of the same from the same. ``packages`` counts the files that both made; ``texts``
    are the files that diffoscope wrote; ``diffoscope`` says whether it was there."""

    build: str
    packages: int
    differences: tuple[PackageDifference, ...]
    texts: tuple[str, ...] = ()
    diffoscope: bool = False
