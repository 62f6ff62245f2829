"""How far a push is: a table in a terminal, a line for each change elsewhere; on standard error."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from ..copr import FarmBuild, FarmPlan
    from ..copr.tally import Standing

__all__ = ["PushDisplay"]

_COLUMNS = ("built", "running", "waiting", "absent", "failed", "blocked")
_TOLD = frozenset({"waiting", "running", "built", "failed", "canceled", "spoiled", "blocked"})
_NAMES = 4


class PushDisplay:
    """A watcher of a push, and a context manager."""

    def __init__(self, plan: FarmPlan, stream: TextIO | None = None) -> None:
        self._plan = plan
        self._stream = stream or sys.stderr
        self._told: dict[str, str] = {}
        self._live: Live | None = None
        self._stack = ExitStack()

    def __enter__(self) -> PushDisplay:
        if self._stream.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(file=self._stream)
            self._live = self._stack.enter_context(
                Live(console=console, auto_refresh=False, transient=True)
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def __call__(self, standings: Mapping[str, Standing], builds: Mapping[str, FarmBuild]) -> None:
        """Show how far all builds are."""
        if self._live is not None:
            self._live.update(self._table(standings), refresh=True)
            return
        for id, standing in standings.items():
            state = standing.value
            if state != self._told.get(id, "absent") and state in _TOLD:
                number = f" (build {builds[id].id})" if id in builds else ""
                self._stream.write(f"{id}: {state}{number}\n")
            self._told[id] = state
        self._stream.flush()

    def _table(self, standings: Mapping[str, Standing]) -> Table:
        from rich.table import Table

        table = Table("level", *_COLUMNS, "now", box=None, pad_edge=False)
        for number, level in enumerate(self._plan.levels, 1):
            states = [standings[build.id].value for build in level]
            counts = [states.count(column) for column in _COLUMNS]
            running = [b.id for b in level if standings[b.id].value == "running"]
            more = f" and {len(running) - _NAMES} more" if len(running) > _NAMES else ""
            table.add_row(
                str(number),
                *(str(found) if found else "" for found in counts),
                ", ".join(running[:_NAMES]) + more,
            )
        return table
