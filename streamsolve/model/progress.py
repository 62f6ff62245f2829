"""How long work tells that it goes on; what is shown is for the command to decide."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "no_progress"]


class Progress(Protocol):
    """Called with what is being done, how much is done, and of how much (0: not known)."""

    def __call__(self, what: str, done: int, total: int) -> None: ...


def no_progress(what: str, done: int, total: int) -> None:
    """Say nothing."""
