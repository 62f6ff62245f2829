"""One build, from an empty directory to results with a record; every other one is left alone."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import evolve, frozen

from ..errors import Code, InputError, InputErrors
from ..inputs.rpm_headers import read_rpm_headers
from ..model.build import Build
from ..model.build_run import BuildFate, BuildResult
from .directory import BuildDirectory
from .expectations import Expected, expectations, unmet
from .inputs_digest import Inputs
from .journal import Record, commit, write_record
from .publish import Published, make_repository
from .report import OUTPUT, log_ends, printable
from .steps import GRACE, Job, Step

__all__ = ["Workbench", "next_logs"]

_KILLED = 10.0
"""Seconds until a process that was killed is really gone."""

_BETWEEN = 0.05
"""Seconds between two looks at a lock."""

_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+~^%{}:-]*\.rpm")


@frozen
class Workbench:
    """What all builds of one run share. ``expected`` is what the plan expects of each build, by its
    id, and ``createrepo`` the command that makes metadata."""

    directory: BuildDirectory
    step: Step
    createrepo: Sequence[str]
    expected: Mapping[str, Sequence[Expected]]

    @classmethod
    def of(cls, directory: BuildDirectory, step: Step, createrepo: Sequence[str]) -> Workbench:
        """What the plan expects is the same for the whole run."""
        expected = expectations(directory.builds, directory.namespace)
        return cls(directory, step, createrepo, expected)

    def attempt(
        self, build: Build, job: Job, inputs: Inputs, content: Sequence[Published]
    ) -> Record | BuildResult:
        """Run one build; its record once everything is in place, or what became of it.

        ``content`` is what the private packages of its root were built as.
        """
        directory, running = self.directory, self.directory.running(build)
        logs = next_logs(directory.logs(build))
        why, record = self.run(running, job, content, logs), None
        if not why:
            why, record = self._checked(build, job.results, inputs)
        if record is None:
            ends = log_ends(logs, directory.told(logs))
            return BuildResult(build.id, BuildFate.FAILED, build.root, why, ends)
        write_record(record, job.results)
        commit(job.results, directory.results(build), running / "old")
        shutil.rmtree(running, ignore_errors=True)
        return record

    def run(self, running: Path, job: Job, content: Sequence[Published], logs: Path) -> str:
        """Lay out the root of a job in ``running``, run it, keep its logs; why it failed, or
        empty."""
        with _guarded(running.parent / ".guards" / running.name) as guard:
            self._lay_out(running, job, content)
            logs.mkdir(parents=True)
            outcome = self.step.run(evolve(job, log=logs / OUTPUT, guard=guard))
            for log in sorted(job.results.glob("*.log")):
                if log.is_file() and not log.is_symlink():
                    shutil.copyfile(log, logs / log.name)
        return "" if outcome.good else printable(outcome.why) or "it failed"

    def _lay_out(self, running: Path, job: Job, content: Sequence[Published]) -> None:
        """An empty directory with the root's configuration, and beside that one the repository of
        what was planned for the root: the configuration looks for it there, wherever it lies."""
        shutil.rmtree(running, ignore_errors=True)
        for path in (job.configuration.parent, job.results):
            path.mkdir(parents=True)
        shutil.copyfile(self.directory.configuration(job.root), job.configuration)
        if content:
            repository = running / self.directory.repository.name
            repository.mkdir()
            make_repository(repository, content, self.createrepo)

    def _checked(self, build: Build, results: Path, inputs: Inputs) -> tuple[str, Record | None]:
        """What is wrong with what a build made, or its record."""
        try:
            made = read_rpm_headers(results)
        except InputErrors as error:
            return f"what it made cannot be used: {error.errors[0].message}", None
        except InputError as error:
            return f"what it made cannot be used: {error.message}", None
        if not made:
            return "it made no package", None
        for one in made:
            path = results / one.file
            if not _FILE.fullmatch(one.file) or path.is_symlink() or not path.is_file():
                return f"it made {printable(one.file)!r}, which is no plain file", None
        why = unmet(self.expected.get(build.id, ()), made)
        if why:
            return printable(why), None
        files = tuple(sorted((one.file, one.sha256) for one in made))
        return "", Record(build.id, inputs, files)


def next_logs(logs: Path) -> Path:
    """The directory for the logs of the next try; those of earlier ones stay."""
    names = [path.name for path in logs.iterdir()] if logs.is_dir() else []
    return logs / str(1 + max((int(name) for name in names if name.isdecimal()), default=0))


@contextmanager
def _guarded(path: Path) -> Iterator[int]:
    """A file that is locked while a program of this build runs. One that an earlier run left behind
    when it was killed is ended first: the file says which group of processes it is, and as long as
    it is locked, that number is nobody else's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _end_the_other(handle, path.name)
        os.ftruncate(handle, 0)
        yield handle
    finally:
        os.close(handle)


def _end_the_other(handle: int, build: str) -> None:
    written = os.pread(handle, 32, 0).strip()
    group = int(written) if written.isdigit() else 0
    for number, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, _KILLED)):
        _signal(group, number)
        if _locked_within(handle, seconds):
            return
    raise InputError(
        Code.CANNOT_BUILD,
        f"an earlier build of {build} still runs and cannot be ended from here",
        hint=f"end the group of processes {group or '(unknown)'}, and run the same command again",
    )


def _locked_within(handle: int, seconds: float) -> bool:
    """Nothing tells when somebody else's lock is gone, so it is tried again and again."""
    pause, last = threading.Event(), time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > last:
                return False
            pause.wait(_BETWEEN)
        else:
            return True


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if group > 1:
            os.killpg(group, number)
