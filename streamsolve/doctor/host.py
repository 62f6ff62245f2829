"""A host as something that files are read of and tools are asked on."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from typing import Protocol

from attrs import define, field, frozen

from ..model.host import HostTool

__all__ = ["ABSENT", "Answer", "CarefulHost", "Host", "LiveHost", "RecordedHost", "shown"]

_LARGEST = 1 << 23
_LONGEST = 120
_SECONDS = 10.0
ABSENT = "is not there"


@frozen
class Answer:
    """What a file holds or a tool printed. ``trouble`` says why it is of no use, empty where it is
    of use; a tool that failed may have printed something all the same."""

    data: bytes = b""
    trouble: str = ""

    @property
    def text(self) -> str:
        """As text; bytes that are none become replacement characters."""
        return self.data.decode("utf-8", "replace")


class Host(Protocol):
    """A host. Paths are absolute, as on it; a command is a program's name and its words."""

    def read(self, path: str) -> Answer:
        """The content of a file."""
        ...

    def names(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted; empty where there is none."""
        ...

    def run(self, *command: str) -> Answer:
        """What a program prints on standard output."""
        ...


def shown(text: str) -> str:
    """A text of the host as it may be shown: one line, what can be printed, not too long."""
    beginning = text[: _LONGEST * 8]
    line = " ".join("".join(c if c.isprintable() else " " for c in beginning).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


# -- a host on this disk ---------------------------------------------------------------------------


def _resolved(path: Path) -> Path:
    return path.resolve()


@frozen
class _Files:
    """Files below a root; no link leads out of it."""

    root: Path = field(default=Path("/"), converter=_resolved)

    def read(self, path: str) -> Answer:
        """The content of a regular file, up to a few megabytes."""
        place = self._below(path)
        if place is None:
            return Answer(trouble=ABSENT)
        try:
            if not place.is_file():
                return Answer(trouble=ABSENT)
            with place.open("rb") as source:
                data = source.read(_LARGEST + 1)
        except OSError as error:
            return Answer(trouble=(error.strerror or "cannot be read").lower())
        return Answer(trouble="is too large") if len(data) > _LARGEST else Answer(data)

    def names(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted."""
        place = self._below(path)
        try:
            return tuple(sorted(os.listdir(place))) if place is not None else ()  # noqa: PTH208
        except OSError:
            return ()

    def _below(self, path: str) -> Path | None:
        try:
            place = (self.root / path.lstrip("/")).resolve()
        except (OSError, RuntimeError):
            return None
        return place if place.is_relative_to(self.root) else None


@frozen
class LiveHost(_Files):
    """This machine. A tool gets a few seconds, no input, and the C locale; what it prints beyond a
    few megabytes stops it."""

    seconds: float = _SECONDS

    def run(self, *command: str) -> Answer:
        """Run a program, found as the shell would or in the directories of administrators."""
        search = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
        program = shutil.which(command[0], path=search)
        if program is None:
            return Answer(trouble=ABSENT)
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": ""}
        try:
            child = subprocess.Popen(
                [program, *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            return Answer(trouble=f"cannot be run: {(error.strerror or str(error)).lower()}")
        return _heard(child, self.seconds)


def _heard(child: subprocess.Popen[bytes], seconds: float) -> Answer:
    """What a program prints until it ends, its time is over, or it prints too much."""
    over = threading.Event()

    def stop() -> None:
        over.set()
        _kill(child)

    timer = threading.Timer(seconds, stop)
    timer.start()
    try:
        assert child.stdout is not None  # noqa: S101  PIPE was asked for
        data = child.stdout.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            return Answer(trouble="prints too much")
        status = child.wait()
    finally:
        timer.cancel()
        _kill(child)
        if child.stdout is not None:
            child.stdout.close()
        child.wait()
    if over.is_set():
        return Answer(trouble=f"does not answer within {seconds:g} s")
    return Answer(data, f"fails (exit code {status})" if status else "")


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End a program and what it started, if it has not ended: its session is its own."""
    if child.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


@frozen
class RecordedHost(_Files):
    """A host that was written down: its files below a directory, and what each tool printed in
    ``commands/NAME``. Nothing is run. A first line ``exit N`` means that the tool failed."""

    def run(self, *command: str) -> Answer:
        """What was written down of a program, whatever its words."""
        recorded = self.read(f"/commands/{Path(command[0]).name}")
        if recorded.trouble:
            return recorded
        head, _, rest = recorded.data.partition(b"\n")
        if found := re.fullmatch(rb"exit ([0-9]{1,3})", head):
            return Answer(rest, f"fails (exit code {found[1].decode()})")
        return recorded


# -- whatever a host does --------------------------------------------------------------------------


@define
class CarefulHost:
    """A host whose faults are answers: what it raises is noted, and what was asked in vain of tools
    that are there is kept in ``silent``."""

    host: Host
    silent: list[HostTool] = field(factory=list)

    def read(self, path: str) -> Answer:
        """The content of a file."""
        try:
            return self.host.read(path)
        except Exception as error:  # noqa: BLE001  a host that fails is what this is for
            return self._noted(path, Answer(trouble=_raised(error)))

    def text(self, path: str) -> str:
        """The content of a file as text, empty where there is none."""
        return self.read(path).text

    def line(self, path: str) -> str:
        """The content of a file of one line, as it may be shown."""
        return shown(self.text(path))

    def names(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted; those that may be shown."""
        try:
            return tuple(name for name in self.host.names(path) if shown(name) == name)
        except Exception as error:  # noqa: BLE001
            self._noted(path, Answer(trouble=_raised(error)))
            return ()

    def run(self, *command: str) -> Answer:
        """What a program prints; one that fails has said nothing, unless it is looked at."""
        try:
            answer = self.host.run(*command)
        except Exception as error:  # noqa: BLE001
            answer = Answer(trouble=_raised(error))
        return self._noted(command[0], answer)

    def heard(self, *command: str) -> str:
        """The text that a program prints, empty where it fails or is not there."""
        answer = self.run(*command)
        return "" if answer.trouble else answer.text

    def note(self, what: str, why: str) -> None:
        """Keep that something gave nothing to use."""
        tool = HostTool(what, shown(why))
        if tool not in self.silent:
            self.silent.append(tool)

    def _noted(self, what: str, answer: Answer) -> Answer:
        if answer.trouble and answer.trouble != ABSENT:
            self.note(what, answer.trouble)
        return answer


def _raised(error: Exception) -> str:
    if isinstance(error, TimeoutError | subprocess.TimeoutExpired):
        return "does not answer in time"
    return f"cannot be asked: {type(error).__name__}"
