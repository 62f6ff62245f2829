"""Names of files and targets, made from the ids of roots and builds."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import frozen

from ..errors import Code, InputError, Place
from ..model.build import Build, BuildPlan, Stage
from ..model.plan import Plan
from . import grammar
from .grammar import Refusals

__all__ = [
    "RELEASE",
    "Names",
    "builds_of",
    "configuration_path",
    "names_of",
    "release_of",
    "root_name",
    "source_stem",
]

RELEASE = "0.streamsolve"
"""The release of a planned package, and what that of a package of an emitted spec begins with."""


_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NO_WORD = re.compile(r"[^A-Za-z0-9]+")
_SOURCE = ".src.rpm"


def builds_of(plan: Plan, file: str, *, code: Code = Code.NOT_EMITTED) -> BuildPlan:
    """How the private streams of a plan are built; :class:`InputError` where it does not say so.
    ``file`` is what the plan was read from."""
    if plan.builds is None:
        raise InputError(
            code,
            "the plan does not say how anything is built",
            place=Place(file),
            hint="lock the application: a lock has all builds",
        )
    return plan.builds


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
    releases: dict[str, str] = {}
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
        release = release_of(build.stream)
        if releases.setdefault(release, build.stream) != build.stream:
            both = f"{build.stream} and {releases[release]}"
            refusals.note(f"packages of {both} would both have the release {release}", path)
    return Names(
        {id: name for name, id in names.items()},
        {id: f"{name}{_SOURCE}" for name, id in sources.items()},
    )


def _is_consistent(build: Build) -> bool:
    """Whether the id says what the build does: then its letters are those of its parts."""
    tail = "" if build.stage is Stage.ONLY else f"/{build.stage.value}"
    expected = f"{build.component.spelled}@{build.version}{tail}"
    return build.id == expected and grammar.SPELLED.allows(build.component.spelled)


def source_stem(names: Names, stream: str) -> str:
    """The name of a stream's source package without its suffix: ``torch-2.14.0``."""
    return names.sources[stream].removesuffix(_SOURCE)


def release_of(stream: str) -> str:
    """The release of all packages that are built from an emitted spec, without the distribution's
    suffix: ``0.streamsolve.torch_2_14_0``. It tells the packages of one stream from all others in
    the stream repository, whatever they are called."""
    return f"{RELEASE}.{_NO_WORD.sub('_', stream)}"
