"""The command: it builds values from its options, calls one function, and shows the result."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

__all__ = ["main"]

_INTERRUPTED = 130
_BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code (:class:`streamsolve.errors.ExitCode`).

    Nothing that is raised gets through. An interrupt is 130 and a closed pipe 141, as a shell
    reports those, and both are quiet.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        from .root import run

        code = run(given)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return _BROKEN_PIPE
    return code


def _forget_output() -> None:
    """Let the interpreter's own flush at exit go nowhere, or it would complain."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError):
        return
