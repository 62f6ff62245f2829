"""How long and how often to wait: for an answer that was lost, and between two looks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from attrs import field, frozen

from ..errors import Code, InputError
from .farm import FarmLostError, FarmRefusedError

__all__ = ["Patience", "refused", "unreachable"]

T = TypeVar("T")


@frozen
class Patience:
    """``attempts`` at one request, with ``first`` seconds after the first and twice as long after
    each further one, at most ``longest``. Between two looks ``quiet`` seconds pass, half as many
    again while nothing happens, at most ``longest``. ``sleep`` and ``clock`` (seconds, from any
    time on) may be another's."""

    attempts: int = 6
    first: float = 2.0
    quiet: float = 15.0
    longest: float = 120.0
    sleep: Callable[[float], None] = field(default=time.sleep)
    clock: Callable[[], float] = field(default=time.monotonic)

    def insist(self, what: str, ask: Callable[[], T]) -> T:
        """Ask until there is an answer. Only for what may be asked twice: what is refused is not
        asked again. Raises :class:`InputError` (``FARM_UNREACHABLE``, ``FARM_REFUSED``)."""
        lost = ""
        for attempt in range(self.attempts):
            if attempt:
                self.wait(attempt - 1)
            try:
                return ask()
            except FarmLostError as error:
                lost = error.message
            except FarmRefusedError as error:
                raise refused(what, error) from None
        raise unreachable(what, lost)

    def wait(self, attempt: int) -> None:
        """Wait as long as is usual after an attempt, counted from 0."""
        self.sleep(min(self.first * 2**attempt, self.longest))

    def longer(self, seconds: float) -> float:
        """How long to wait after a look that showed nothing new."""
        return min(seconds * 1.5, self.longest)


def refused(what: str, error: FarmRefusedError) -> InputError:
    """What COPR would not do, in its words."""
    code = Code.FARM_CREDENTIALS if error.status in (401, 403) else Code.FARM_REFUSED
    return InputError(code, f"COPR refused to {what}: {error.message}", hint=_hint(code))


def unreachable(what: str, lost: str) -> InputError:
    """That there was no answer, however often it was asked."""
    return InputError(
        Code.FARM_UNREACHABLE,
        f"COPR did not answer when asked to {what}: {lost}",
        hint=_hint(Code.FARM_UNREACHABLE),
    )


def _hint(code: Code) -> str:
    if code is Code.FARM_UNREACHABLE:
        return "what was submitted goes on there; the same command goes on from it"
    return f"`streamsolve explain-code {code.label}` says more"
