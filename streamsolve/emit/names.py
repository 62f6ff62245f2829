"""Names of files and targets, made from the ids of roots and builds."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import frozen

from ..model.build import Build, BuildPlan, Stage
from ..model.plan import Plan
from . import grammar
from .grammar import Refusals

__all__ = ["Names", "configuration_path", "names_of", "root_name"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@frozen
class Names:
    """What files and targets are called. ``builds`` are the names of builds by their id,
    ``sources`` those of source packages by stream: all passes of a stream build the same."""

    builds: Mapping[str, str]
    sources: Mapping[str, str]


def configuration_path(root: str) -> str:
    """Where a root's configuration lies."""
    return f"configs/{root}.cfg"


def root_name(plan: Plan, root: str) -> str:
    """What mock calls a root: its directories and caches, so no two applications may share one."""
    parts = filter(None, (plan.application, plan.variant, plan.base, root))
    return "-".join(parts)


def names_of(builds: BuildPlan, refusals: Refusals) -> Names:
    """The names of all builds; notes what cannot be one, and two that would be the same."""
    names: dict[str, str] = {}
    sources: dict[str, str] = {}
    for number, build in enumerate(builds.builds):
        path = f"builds[{number}].id"
        if not _is_consistent(build):
            shown = grammar.shown(build.id)
            refusals.note(f"{shown} is not the id of this component, version and stage", path)
            continue
        for found, id in ((names, build.id), (sources, build.stream)):
            name = _UNSAFE.sub("-", id)
            refusals.check(name, grammar.NAME, path)
            if found.setdefault(name, id) != id:
                refusals.note(f"{id} and {found[name]} would both be called {name}", path)
    return Names(
        {id: name for name, id in names.items()},
        {id: f"{name}.src.rpm" for name, id in sources.items()},
    )


def _is_consistent(build: Build) -> bool:
    """Whether the id says what the build does: then its letters are those of its parts."""
    tail = "" if build.stage is Stage.ONLY else f"/{build.stage.value}"
    expected = f"{build.component.spelled}@{build.version}{tail}"
    return build.id == expected and grammar.SPELLED.allows(build.component.spelled)
