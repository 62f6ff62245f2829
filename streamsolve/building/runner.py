"""Runs what a plan says how to build: in the order of its graph, several at a time, each once.

Everything that decides what is built next is in one thread; a build runs in one of a pool: its root
is laid out, the step runs, and what it made is checked, recorded and put in place by one rename. So
a run that is interrupted anywhere goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Protocol

from attrs import define, field, frozen

from ..model.build import Build, Stage
from ..model.build_run import BuildFate, BuildResult, BuildRun, PlannedRun
from ..model.progress import Progress, no_progress
from ..storage import file_digest
from .attempt import Workbench
from .directory import BuildDirectory
from .inputs_digest import Inputs
from .journal import Record, damage, read_record, recover
from .publish import Published, StreamRepository
from .schedule import Schedule
from .srpms import prepare_sources, sources_to_make
from .steps import Job, MockStep, Step, Stop

__all__ = ["RunSettings", "Watch", "job_of", "plan_run", "run_builds"]


@frozen
class RunSettings:
    """How to run. ``jobs`` builds at a time; ``keep_going`` starts further builds after a failure,
    ``fresh`` also what is built already; ``createrepo`` is the command that makes metadata."""

    jobs: int = 1
    keep_going: bool = True
    fresh: bool = False
    createrepo: tuple[str, ...] = ("createrepo_c",)


class Watch(Protocol):
    """Is told what goes on, always from one thread."""

    def started(self, build: Build, why: str, /) -> None:
        """A build begins; why it is not skipped, in a clause."""

    def ended(self, result: BuildResult, done: int, total: int, /) -> None:
        """It is known what became of a build; so many of all are over."""


class _Quiet:
    """Watches and says nothing."""

    def started(self, _build: Build, _why: str) -> None:
        return

    def ended(self, _result: BuildResult, _done: int, _total: int) -> None:
        return


def run_builds(
    directory: BuildDirectory,
    step: Step,
    settings: RunSettings | None = None,
    *,
    watch: Watch | None = None,
    progress: Progress = no_progress,
) -> BuildRun:
    """Build everything of a plan that is not built yet from the same inputs.

    A build that fails is a result; what depends on it is not tried. Raises :class:`InputErrors`
    (``CANNOT_BUILD``) before anything is built for missing source packages or a directory in which
    another run builds; later for files that cannot be written. Whatever is raised, running builds
    are ended first, and what was built stays.
    """
    settings = settings or RunSettings()
    try:
        with directory.held():
            prepare_sources(directory, directory.builds.builds, progress=progress)
            bench = Workbench.of(directory, step, settings.createrepo)
            return _Run(directory, bench, settings, watch or _Quiet(), progress).all()
    except OSError as error:
        raise directory.unwritable(error) from None


def plan_run(
    directory: BuildDirectory,
    step: Step,
    settings: RunSettings | None = None,
    *,
    progress: Progress = no_progress,
) -> tuple[PlannedRun, ...]:
    """What :func:`run_builds` would do, in the order in which one builder would; nothing is written
    or run. Raises as it does for what is missing."""
    settings = settings or RunSettings()
    try:
        made = {build.stream for build in sources_to_make(directory, directory.builds.builds)}
        state = _State.of(directory, settings, progress)
        return tuple(_planned(directory, state, step, made))
    except OSError as error:
        raise directory.unwritable(error) from None


# -- what is there ---------------------------------------------------------------------------------


@define
class _State:
    """What was built, by the id of the build, and how it compares with what should be."""

    directory: BuildDirectory
    settings: RunSettings
    records: dict[str, Record]
    damaged: Mapping[str, str]
    """Builds of which a file is gone or changed, with its name."""
    by_id: Mapping[str, Build]
    _digests: dict[Path, str] = field(factory=dict, init=False)

    @classmethod
    def of(cls, directory: BuildDirectory, settings: RunSettings, progress: Progress) -> _State:
        """Every file that was built is read."""
        records, damaged = dict[str, Record](), dict[str, str]()
        builds = directory.builds.builds
        for number, build in enumerate(builds):
            progress("checking what is built", number, len(builds))
            record = read_record(directory.results(build), build.id)
            if record is None:
                continue
            if file := damage(record, directory.results(build)):
                damaged[build.id] = file
            else:
                records[build.id] = record
        progress("checking what is built", len(builds), len(builds))
        return cls(directory, settings, records, damaged, {build.id: build for build in builds})

    def inputs(self, build: Build) -> Inputs:
        """What a build is made from, with what is built now."""
        return Inputs(
            self._digest(self.directory.configuration(build.root)),
            self._digest(self.directory.source(build)),
            self.directory.options(build),
            tuple((id, self.records[id].packages) for id in build.after),
        )

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            self._digests[path] = file_digest(path)
        return self._digests[path]

    def why(self, build: Build, inputs: Inputs) -> str:
        """Why a build is not up to date, in a clause; empty if it is."""
        record = self.records.get(build.id)
        if record is None:
            file = self.damaged.get(build.id)
            return f"{file} is gone or was changed" if file else "it is new"
        changes = inputs.changes_since(record.inputs)
        if not changes:
            return ""
        told = " and ".join(filter(None, (", ".join(changes[:-1]), changes[-1])))
        return f"{told} changed"

    def published(self, builds: Iterable[Build]) -> tuple[Published, ...]:
        """What is built of these builds, for a repository."""
        return tuple(
            Published(
                self.directory.name(build),
                self.directory.results(build),
                self.records[build.id].packages,
            )
            for build in builds
            if build.id in self.records
        )

    def content(self) -> tuple[Published, ...]:
        """What the stream repository holds: of each stream its last pass that is built."""
        of_stream: dict[str, Build] = {}
        for build in self.directory.builds.builds:
            is_last = build.stream not in of_stream or build.stage is not Stage.BOOTSTRAP
            if build.id in self.records and is_last:
                of_stream[build.stream] = build
        return self.published(of_stream[stream] for stream in sorted(of_stream))


def _planned(
    directory: BuildDirectory, state: _State, step: Step, made: set[str]
) -> Iterable[PlannedRun]:
    schedule = Schedule.of(directory.builds.builds)
    again: set[str] = set()
    while (id := schedule.next()) is not None:
        schedule.done(id)
        build = state.by_id[id]
        why, certain = _foreseen(build, state, made, again)
        if why:
            again.add(id)
        command: tuple[str, ...] = ()
        if why and isinstance(step, MockStep):
            command = step.words(job_of(directory, build, Stop(), directory.running(build)))
        yield PlannedRun(id, build.root, why, command, certain)


def _foreseen(build: Build, state: _State, made: set[str], again: set[str]) -> tuple[str, bool]:
    """Why a build would be run, and whether that is certain."""
    if state.settings.fresh:
        return "everything is built again", True
    record = state.records.get(build.id)
    before = sorted({*build.after} & again)
    known = record is not None and all(id in state.records for id in build.after)
    if known and build.stream not in made:
        why = state.why(build, state.inputs(build))
        if why or not before:
            return why, True
    elif not known:
        file = state.damaged.get(build.id)
        return f"{file} is gone or was changed" if file else "it is new", True
    else:
        return "its source package is made from the spec again", False
    return f"{before[0]} is built first, and may turn out to be another", False


# -- running ---------------------------------------------------------------------------------------


def job_of(directory: BuildDirectory, build: Build, stop: Stop, running: Path) -> Job:
    """A build as a step gets it, in the directory ``running``; nothing of it is there yet."""
    return Job(
        build=build.id,
        name=directory.name(build),
        root=build.root,
        configuration=running / "configs" / f"{build.root}.cfg",
        options=directory.options(build),
        source=directory.source(build),
        results=running / "results",
        log=running / "output.log",
        stop=stop,
    )


@define
class _Run:
    """One run. Its methods are called from one thread."""

    _directory: BuildDirectory
    _bench: Workbench
    _settings: RunSettings
    _watch: Watch
    _progress: Progress
    _stop: Stop = field(factory=Stop, init=False)
    _results: dict[str, BuildResult] = field(factory=dict, init=False)

    def all(self) -> BuildRun:
        """Everything."""
        directory, builds = self._directory, self._directory.builds.builds
        for build in builds:
            running = directory.running(build)
            recover(running / "results", directory.results(build), running / "old", build.id)
        state = _State.of(directory, self._settings, self._progress)
        self._publish(state, sweep=True)
        pool = ThreadPoolExecutor(self._settings.jobs, thread_name_prefix="build")
        try:
            self._loop(state, pool)
        except BaseException:
            self._stop.ask()
            raise
        finally:
            # Waits for what runs: it has been asked to end, or it has ended.
            pool.shutdown(wait=True, cancel_futures=True)
        order = sorted(self._results.values(), key=lambda result: result.build)
        shown = str(directory.shown)
        return BuildRun(
            directory.plan.application, shown, directory.told(directory.repository), tuple(order)
        )

    def _loop(self, state: _State, pool: ThreadPoolExecutor) -> None:
        by_id = state.by_id
        schedule = Schedule.of(by_id.values())
        running: dict[Future[Record | BuildResult], Build] = {}
        halted = ""
        while True:
            while not halted and len(running) < self._settings.jobs:
                id = schedule.next()
                if id is None:
                    break
                if self._is_up_to_date(by_id[id], state):
                    schedule.done(id)
                else:
                    running[self._start(by_id[id], state, pool)] = by_id[id]
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                build = running.pop(future)
                if self._take(build, future.result(), state):
                    schedule.done(build.id)
                else:
                    schedule.failed(build.id)
                    halted = "" if self._settings.keep_going else halted or build.id
        self._give_up(schedule.blocked, halted)

    def _is_up_to_date(self, build: Build, state: _State) -> bool:
        """Whether a build can be skipped; if so, that is told."""
        inputs = state.inputs(build)
        if self._settings.fresh or state.why(build, inputs):
            return False
        packages = tuple(name for name, _ in state.records[build.id].packages)
        self._tell(BuildResult(build.id, BuildFate.SKIPPED, build.root, packages=packages))
        return True

    def _start(
        self, build: Build, state: _State, pool: ThreadPoolExecutor
    ) -> Future[Record | BuildResult]:
        inputs = state.inputs(build)
        why = state.why(build, inputs) or "everything is built again"
        self._watch.started(build, why)
        job = job_of(self._directory, build, self._stop, self._directory.running(build))
        content = state.published(state.by_id[id] for id in build.after)
        return pool.submit(self._bench.attempt, build, job, inputs, content)

    def _take(self, build: Build, found: Record | BuildResult, state: _State) -> bool:
        """Note what became of a build that ran; whether it made something."""
        if isinstance(found, BuildResult):
            self._tell(found)
            return False
        state.records[build.id] = found
        self._publish(state)
        packages = tuple(name for name, _ in found.packages)
        self._tell(BuildResult(build.id, BuildFate.BUILT, build.root, packages=packages))
        return True

    def _publish(self, state: _State, *, sweep: bool = False) -> None:
        repository = StreamRepository(
            self._directory.repository, self._directory.staging, self._settings.createrepo
        )
        content = state.content()
        if sweep and repository.holds(content):
            repository.sweep(content)
        elif content or repository.directory.is_dir():
            repository.publish(content)

    def _give_up(self, blocked: Mapping[str, str], halted: str) -> None:
        for build in self._directory.builds.builds:
            if build.id not in self._results:
                failed = blocked.get(build.id)
                why = f"it needs {failed}" if failed else f"nothing was begun after {halted}"
                self._tell(BuildResult(build.id, BuildFate.NOT_TRIED, build.root, why))

    def _tell(self, result: BuildResult) -> None:
        self._results[result.build] = result
        total = len(self._directory.builds.builds)
        self._watch.ended(result, len(self._results), total)
