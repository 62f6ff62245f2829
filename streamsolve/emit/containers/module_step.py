"""The step of a Containerfile that enables a plan's module streams."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from ...model.plan import Plan
from ..module_state import DIRECTORY, enabled, state_files
from .packages import CONFIGURATION
from .settings import ImageSettings
from .steps import MOUNTS, comment, dnf, on_lines, quoted, run_step

__all__ = ["module_step"]


def module_step(plan: Plan, settings: ImageSettings, seen: Sequence[str] = MOUNTS) -> list[str]:
    """Lines that enable them for what is installed, and for good; none where there are none.

    Where files are installed, no repository tells of modules: then what dnf would write is written.
    """
    streams = enabled(plan)
    if not streams:
        return []
    if settings.files is None:
        command = dnf(settings.releasever, CONFIGURATION, "module enable")
        commands = [on_lines([command, *quoted(streams)])]
    else:
        commands = [f"mkdir -p /{DIRECTORY}", *map(_written, state_files(plan).items())]
    return [*comment(f"module streams: {', '.join(streams)}"), *run_step(commands, seen)]


def _written(file: tuple[str, bytes]) -> str:
    path, content = file
    lines = " ".join(shlex.quote(line) for line in content.decode().splitlines())
    return f"printf '%s\\n' {lines} > {shlex.quote(f'/{path}')}"
