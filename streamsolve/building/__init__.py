"""Running what was emitted: sources, source packages, builds in the order of their graph."""

from __future__ import annotations

from .directory import BuildDirectory
from .rebuild import build_of, rebuild
from .runner import RunSettings, Watch, plan_run, run_builds
from .steps import Job, MockStep, Outcome, Step, Stop

__all__ = [
    "BuildDirectory",
    "Job",
    "MockStep",
    "Outcome",
    "RunSettings",
    "Step",
    "Stop",
    "Watch",
    "build_of",
    "plan_run",
    "rebuild",
    "run_builds",
]
