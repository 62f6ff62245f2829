"""The module streams of a plan as dnf is told of them: commands, and the files that it keeps.

Source of the files' form: what ``dnf module enable`` of dnf 4 writes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..model.plan import Plan
from .grammar import Grammar, Refusals

__all__ = ["DIRECTORY", "MODULE_STREAM", "check_modules", "enabled", "state_files"]

DIRECTORY = "etc/dnf/modules.d"
"""Where an installed system keeps which streams are enabled, below its root."""

MODULE_STREAM = Grammar(
    re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*:[A-Za-z0-9][A-Za-z0-9._+-]*", re.ASCII),
    "a module stream such as 'nodejs:20'",
)


def check_modules(plan: Plan, refusals: Refusals) -> None:
    """Note each module stream that a file or a shell could take for more than one."""
    for number, module in enumerate(plan.modules):
        refusals.check(module.spelled, MODULE_STREAM, f"base.modules[{number}]")


def enabled(plan: Plan) -> tuple[str, ...]:
    """The streams (``nodejs:20``) that have to be enabled, sorted."""
    return tuple(sorted(each.spelled for each in plan.enabled_modules))


def state_files(plan: Plan) -> Mapping[str, bytes]:
    """The files by which an installed system knows them enabled: by path below its root, sorted.
    Every value in them has been checked before."""
    found = {}
    for text in enabled(plan):
        name, _, stream = text.partition(":")
        lines = (f"[{name}]", f"name={name}", f"stream={stream}", "profiles=", "state=enabled")
        found[f"{DIRECTORY}/{name}.module"] = ("\n".join(lines) + "\n").encode("ascii")
    return found
