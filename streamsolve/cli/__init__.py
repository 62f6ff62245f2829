"""The command: it builds values from its options, calls one function, and shows the result."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

__all__ = ["main"]

_INTERRUPTED = 130
_BROKEN_PIPE = 141
_UNWRITABLE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code (:class:`streamsolve.errors.ExitCode`).

    Nothing that is raised gets through. An interrupt is 130 and a closed pipe 141, as a shell
    reports those, and both are quiet. An output that takes no more, such as a full disk, is one
    line on standard error and bad input.
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
    except OSError as error:
        # What run lets through concerns the output alone.
        _forget_output()
        _tell(f"streamsolve: cannot write the output: {error.strerror or error}\n")
        return _UNWRITABLE
    return code


def _tell(line: str) -> None:
    with suppress(OSError):
        sys.stderr.write(line)
        sys.stderr.flush()


def _forget_output() -> None:
    """Let the interpreter's own flush at exit go nowhere, or it would complain."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError):
        return
