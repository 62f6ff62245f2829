"""The one piece that really builds: mock, or whatever a program puts in its place."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from attrs import define, field, frozen

from ..errors import Code, InputError

__all__ = ["Job", "MockStep", "Outcome", "Step", "Stop"]

GRACE = 30.0
"""Seconds that a program has to put its root in order once it was told to end."""

_MEANINGS = {
    3: "its configuration cannot be used",
    5: "its command line cannot be used",
    10: "the package does not build",
    11: "a command took too long",
    20: "the root is not in order",
    30: "the root could not be filled",
    31: "a dependency that is no package is unknown",
    40: "the source package cannot be used",
    60: "another program uses the root",
    70: "the directory for the results cannot be written",
    80: "the system does not let it make a namespace",
    90: "the bootstrap root could not be made",
}
"""mock's exit codes, as far as they say anything."""


@define
class Stop:
    """Asks running programs to end. What is asked for once holds from then on."""

    _lock: threading.Lock = field(factory=threading.Lock, init=False)
    _asked: bool = field(default=False, init=False)
    _enders: list[Callable[[], None]] = field(factory=list, init=False)

    @property
    def asked(self) -> bool:
        """Whether everything should end."""
        with self._lock:
            return self._asked

    def ask(self) -> None:
        """Let everything end."""
        with self._lock:
            self._asked = True
            enders = tuple(self._enders)
        for end in enders:
            end()

    @contextmanager
    def calling(self, end: Callable[[], None]) -> Iterator[None]:
        """Inside, ``end`` is called when everything should end, from another thread; at once if
        that was asked for before."""
        with self._lock:
            self._enders.append(end)
            asked = self._asked
        try:
            if asked:
                end()
            yield
        finally:
            with self._lock:
                self._enders.remove(end)


@frozen
class Job:
    """One build as a step gets it.

    ``configuration`` is the root's, as mock reads it: its stream repository has exactly the private
    packages that were planned for the root, and nothing changes it while the build runs. ``name``
    is the build's, as a file may be called, ``options`` are mock's. The step leaves what it made in
    the empty directory ``results`` and writes what is said into ``log``. ``guard`` is a file that
    the programs which a step starts should inherit (-1: none): while one has it open, the build
    counts as running, even if streamsolve itself was killed; the first line in it is the number of
    the process group. ``stop`` tells when to give up.
    """

    build: str
    name: str
    root: str
    configuration: Path
    options: tuple[str, ...]
    source: Path
    results: Path
    log: Path
    stop: Stop = field(factory=Stop)
    guard: int = -1


@frozen
class Outcome:
    """Whether a step made something; ``why`` says why not, in a clause."""

    good: bool
    why: str = ""


class Step(Protocol):
    """What builds one source package in one root. Called from several threads at once."""

    def run(self, job: Job) -> Outcome:
        """Build it. A build that fails is an outcome; what is raised ends the run."""
        ...


@frozen
class MockStep:
    """Runs mock. ``command`` is the program and the options that every build has; ``timeout`` is in
    seconds, None for no limit, and ``grace`` what a program has to end before it is killed."""

    command: tuple[str, ...] = ("mock",)
    timeout: float | None = None
    grace: float = GRACE

    def words(self, job: Job) -> tuple[str, ...]:
        """The command of one build."""
        return (
            *self.command,
            "-r",
            str(job.configuration),
            f"--uniqueext={job.name}",
            *job.options,
            f"--resultdir={job.results}",
            "--rebuild",
            str(job.source),
        )

    def require(self) -> None:
        """Raise :class:`InputError` (``MISSING_TOOL``) if the program is not there."""
        if not self.command or shutil.which(self.command[0]) is None:
            raise InputError(
                Code.MISSING_TOOL,
                f"building needs {' '.join(self.command) or 'mock'}, which is not there",
                hint="install the system's package mock and add yourself to the group mock, or "
                "name another program with --mock PROGRAM",
            )

    def run(self, job: Job) -> Outcome:
        """Run it in a process group of its own, which ends with the build whatever happens."""
        if job.stop.asked:
            return Outcome(False, "it was stopped")
        with job.log.open("ab") as log:
            try:
                process = self._start(job, log)
            except OSError as error:
                return Outcome(False, f"{self.command[0]} cannot be run: {error.strerror}")
            _note_group(job.guard, process.pid)
            return self._outcome(*self._wait(process, job), job)

    def _start(self, job: Job, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.words(job),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(job.guard,) if job.guard >= 0 else (),
        )

    def _wait(self, process: subprocess.Popen[bytes], job: Job) -> tuple[int, bool]:
        """The exit code, and whether it took too long."""
        ender, late = _Ender(process.pid, self.grace), threading.Event()

        def end_late() -> None:
            late.set()
            ender.end()

        timer = threading.Timer(self.timeout or 0, end_late)
        timer.daemon = True
        with job.stop.calling(ender.end):
            if self.timeout is not None:
                timer.start()
            try:
                _await_end(process.pid)
            except BaseException:
                # An interrupt, where this runs in the first thread.
                ender.end()
                _await_end(process.pid)
                raise
            finally:
                timer.cancel()
                ender.clean()
                status = process.wait()
        return status, late.is_set()

    def _outcome(self, status: int, late: bool, job: Job) -> Outcome:
        if job.stop.asked:
            return Outcome(False, "it was stopped")
        if late:
            return Outcome(False, f"it took longer than {self.timeout:g} s")
        if status == 0:
            return Outcome(True)
        name = Path(self.command[0]).name
        if status < 0:
            return Outcome(False, f"{name} was ended by {signal.Signals(-status).name}")
        meaning = f": {_MEANINGS[status]}" if status in _MEANINGS else ""
        return Outcome(False, f"{name} ended with {status}{meaning}")


@define
class _Ender:
    """Ends a process group: first it is asked to, and after ``grace`` seconds it is killed."""

    _group: int
    _grace: float
    _timers: list[threading.Timer] = field(factory=list, init=False)

    def end(self) -> None:
        timer = threading.Timer(self._grace, _signal_group, (self._group, signal.SIGKILL))
        timer.daemon = True
        self._timers.append(timer)
        timer.start()
        _signal_group(self._group, signal.SIGTERM)

    def clean(self) -> None:
        """End what the program has left behind in its group; nothing is sent later."""
        for timer in self._timers:
            timer.cancel()
        _signal_group(self._group, signal.SIGKILL)


def _await_end(process: int) -> None:
    """Wait until it is over; it is not reaped, so the number of its group is nobody else's yet."""
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        # It is over already, or mock works as root by now and ends by itself.
        return


def _note_group(guard: int, group: int) -> None:
    if guard >= 0:
        os.ftruncate(guard, 0)
        os.pwrite(guard, f"{group}\n".encode(), 0)
