"""A display on standard error for work that takes longer than a second."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

__all__ = ["BarDisplay", "LineDisplay", "progress_display"]

SHOWN_AFTER = 1.0
"""Seconds before a terminal shows anything."""
TOLD_AFTER = 5.0
"""Seconds before a step gets its line where there is no terminal."""


@contextmanager
def progress_display(stream: TextIO | None = None) -> Iterator[BarDisplay | LineDisplay]:
    """A display to report to; bars in a terminal, and a line per long step elsewhere."""
    shown_on = stream or sys.stderr
    display = BarDisplay() if shown_on.isatty() else LineDisplay(shown_on)
    with display:
        yield display


class LineDisplay:
    """One line for each step that takes longer than five seconds."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._lock = threading.Lock()
        self._begun: dict[str, float] = {}
        self._told: set[str] = set()
        self._latest = ("", 0.0)

    def __enter__(self) -> LineDisplay:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def __call__(self, what: str, done: int, total: int) -> None:
        """Note that ``what`` goes on; a step may be reported from any thread."""
        with self._lock:
            now = self._clock()
            before, then = self._latest
            if before and before != what and now - then > TOLD_AFTER:
                # It was told of once, at its start, and only now something else goes on.
                self._tell(before, f"{now - then:.0f} s")
            since = self._begun.setdefault(what, now)
            if now - since > TOLD_AFTER:
                self._tell(what, f"{now - since:.0f} s so far")
            finished = bool(total) and done >= total
            if finished:
                del self._begun[what]
            self._latest = ("", now) if finished else (what, now)

    def _tell(self, step: str, time_taken: str) -> None:
        if step not in self._told:
            self._told.add(step)
            self._stream.write(f"{step}: {time_taken}\n")
            self._stream.flush()


class BarDisplay:
    """Bars in a terminal, from the second second on; they vanish at the end."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._steps: dict[str, tuple[int, int]] = {}
        self._tasks: dict[str, TaskID] = {}
        self._bars: Bars | None = None
        self._over = False
        self._timer = threading.Timer(SHOWN_AFTER, self.begin)
        # A work that ends in an error must not wait for the display.
        self._timer.daemon = True

    def __enter__(self) -> BarDisplay:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show that ``what`` goes on; a step may be reported from any thread."""
        with self._lock:
            self._steps[what] = (done, total)
            if self._bars is not None:
                self._draw(self._bars, what)

    @property
    def visible(self) -> tuple[str, ...]:
        """The steps that have a bar now, in the order in which they began."""
        with self._lock:
            tasks = self._bars.tasks if self._bars is not None else []
            return tuple(task.description for task in tasks if task.visible)

    def begin(self) -> None:
        """Show the bars from now on."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
        )
        with self._lock:
            if self._over:
                return
            self._bars = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bars.start()
            for what in self._steps:
                self._draw(self._bars, what)

    def end(self) -> None:
        """Take the bars away, or see to it that none appear."""
        self._timer.cancel()
        with self._lock:
            self._over = True
            if self._bars is not None:
                self._bars.stop()
                self._bars = None

    def _draw(self, bars: Bars, what: str) -> None:
        done, total = self._steps[what]
        finished = bool(total) and done >= total
        if what not in self._tasks:
            if finished:
                return
            self._hide_the_others(bars)
            self._tasks[what] = bars.add_task(what, total=total or None)
        bars.update(self._tasks[what], completed=done, total=total or None, visible=not finished)

    def _hide_the_others(self, bars: Bars) -> None:
        """Not every step says that it is over: the start of the next one does.

        One that goes on beside the new one comes back with its next report.
        """
        for task in self._tasks.values():
            bars.update(task, visible=False)
