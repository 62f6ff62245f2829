"""What is being built, on standard error: a table in a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from ..model.build_run import BuildFate

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from ..model.build import Build
    from ..model.build_run import BuildResult

__all__ = ["BuildLines", "BuildTable", "build_display"]

_WORDS = {
    BuildFate.BUILT: "built",
    BuildFate.SKIPPED: "built before from the same inputs",
    BuildFate.FAILED: "failed",
    BuildFate.NOT_TRIED: "not tried",
}
_PER_SECOND = 4


@contextmanager
def build_display(stream: TextIO | None = None) -> Iterator[BuildTable | BuildLines]:
    """What watches a run."""
    shown_on = stream or sys.stderr
    if not shown_on.isatty():
        yield BuildLines(shown_on)
        return
    from rich.console import Console

    with BuildTable(Console(file=shown_on)) as table:
        yield table


class BuildLines:
    """One line when a build begins and one when it is over; none for what never began."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def started(self, build: Build, why: str, /) -> None:
        """Tell that it begins, and why."""
        self._tell(f"{build.id}: begins in {build.root}, because {why}")

    def ended(self, result: BuildResult, done: int, total: int, /) -> None:
        """Tell what became of it."""
        if result.fate in (BuildFate.BUILT, BuildFate.FAILED):
            why = f": {result.why}" if result.why else ""
            self._tell(f"{result.build}: {_WORDS[result.fate]}{why} ({done} of {total})")

    def _tell(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


class BuildTable:
    """The running builds with their roots and their time, and how much is done; what failed stays
    above it. The table is gone in the end."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.live import Live

        self._console = console
        self._clock = clock
        self._lock = threading.Lock()
        self._running: dict[str, tuple[str, float]] = {}
        self._counts = dict.fromkeys(BuildFate, 0)
        self._total = 0
        self._live = Live(
            console=console,
            transient=True,
            refresh_per_second=_PER_SECOND,
            get_renderable=self.table,
        )

    def __enter__(self) -> BuildTable:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._live.stop()

    def started(self, build: Build, _why: str, /) -> None:
        """Show it. The table itself appears with the first build."""
        with self._lock:
            self._running[build.id] = (build.root, self._clock())
        self._live.start()

    def ended(self, result: BuildResult, _done: int, total: int, /) -> None:
        """Take it away, and tell if it failed."""
        from rich.text import Text

        with self._lock:
            self._running.pop(result.build, None)
            self._counts[result.fate] += 1
            self._total = total
        if result.fate is BuildFate.FAILED:
            line = f"✗ {result.build} in {result.root}: {result.why}"
            self._console.print(Text(line, style="red"), soft_wrap=True)

    def table(self) -> RenderableType:
        """What is shown now."""
        from rich.table import Table
        from rich.text import Text

        with self._lock:
            now, running, counts = self._clock(), dict(self._running), dict(self._counts)
        table = Table.grid(padding=(0, 2))
        for build, (root, since) in running.items():
            # As texts: nothing in a name is markup.
            minutes, seconds = divmod(int(now - since), 60)
            table.add_row(
                Text("●", style="magenta"),
                Text(build, style="bold"),
                Text(root, style="dim"),
                Text(f"{minutes}:{seconds:02}"),
            )
        told = ", ".join(f"{number} {_WORDS[fate]}" for fate, number in counts.items() if number)
        table.add_row(Text(""), Text(f"{sum(counts.values())} of {self._total or '…'}"), Text(told))
        return table
