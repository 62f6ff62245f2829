"""The ends of logs, as they can be shown: whoever wrote them, a terminal obeys nothing in them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..model.build_run import LogEnd

__all__ = ["OUTPUT", "log_ends", "printable"]

OUTPUT = "output.log"
"""What a step's program itself said; mock's own logs lie beside it."""

_SPECIFIC = ("build.log", "root.log")
"""mock's logs, what is said of the package before what is said of the root."""

_READ = 1 << 16
_LINES = 12
_WIDEST = 300
_TAB = 8
# Control sequences of ECMA-48: with parameters; a string up to its end; and of two letters.
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[@-~]"
)


def printable(text: str) -> str:
    """One line without control sequences; what else is not printable becomes a mark."""
    plain = _CONTROL.sub("", text.expandtabs(_TAB))
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in plain
    )


def log_ends(directory: Path, shown: str) -> tuple[LogEnd, ...]:
    """The last lines of the logs of one build that say most; ``shown`` is what the directory is
    called. What is said of the package counts more than what is said of its root, and what the
    program itself said always counts."""
    names = [name for name in _SPECIFIC if _size(directory / name)][:1]
    found = []
    for name in (*names, OUTPUT):
        lines = _last_lines(directory / name)
        if lines:
            found.append(LogEnd(f"{shown}/{name}", lines))
    return tuple(found)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _last_lines(path: Path) -> tuple[str, ...]:
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - _READ))
            text = stream.read(_READ).decode("utf-8", "replace")
    except OSError:
        return ()
    # A line that is drawn over itself, as a bar is, counts as it looks in the end.
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    shown = [printable(line).rstrip() for line in lines]
    while shown and not shown[-1]:
        shown.pop()
    return tuple(line if len(line) <= _WIDEST else f"{line[:_WIDEST]}…" for line in shown[-_LINES:])
