"""What is built from the values of shared options: settings, what a planner is asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..inputs.settings import Settings
    from ..lock import Lock
    from ..planner import PlanRequest

__all__ = [
    "cache_directory",
    "places_of",
    "plan_request",
    "read_demands",
    "read_settings",
    "read_specs",
]


def read_settings(options: Mapping[str, object]) -> Settings:
    """What holds here: the options, then the environment, then the settings files."""
    from ..inputs.settings import load_settings

    return load_settings(options, environ=os.environ, start=Path.cwd())


def plan_request(
    application: str,
    settings: Settings,
    *,
    version: str = "",
    demands: tuple[str, ...] = (),
    relax: tuple[str, ...] = (),
    fresh: bool = False,
    builds: bool = False,
    specs: Sequence[str] = (),
    checks: str | None = None,
) -> PlanRequest:
    """What the planner is asked for; ``demands`` are those of :func:`read_demands`, ``relax``
    ``[BY:]REQUIREMENT`` texts, and ``specs`` ``COMPONENT=FILE``."""
    from ..inputs.settings import overlay_text
    from ..planner import PlanRequest

    return PlanRequest(
        application=application,
        variant=settings.variant,
        base=settings.base,
        arch=settings.arch,
        python=settings.python,
        version=version,
        overlays=tuple(overlay_text(name, address) for name, address in settings.repos),
        offline=settings.offline,
        fresh=fresh,
        cache=cache_directory(settings),
        index_url=settings.index_url,
        relaxed=tuple(map(_relaxed, relax)),
        demands=demands,
        builds=builds,
        specs=read_specs(specs),
        checks=checks or "free",
        modules=settings.modules,
    )


def places_of(
    lock: Lock, settings: Settings, profile: str | None, specs: Sequence[str], *, fresh: bool
) -> PlanRequest:
    """Where what a lock was made from lies.

    A base or a repository that only a settings file or the environment names counts where the lock
    was made with one of that name: they are about other plans as well. A repository is used as
    the lock used it, as far as nothing else is said.
    """
    from ..inputs.bases import as_locked
    from ..inputs.overlay_definitions import texts_of_known
    from ..inputs.settings import SourceKind, overlay_text
    from ..planner import PlanRequest

    def is_typed(key: str) -> bool:
        origin = settings.origin(key)
        return origin is not None and origin.kind is SourceKind.OPTION

    base = settings.base
    if not is_typed("base") and Path(base).name != lock.plan.base:
        base = ""
    repos = [
        as_locked(overlay_text(name, address), lock.settings.repositories)
        for name, address in settings.repos
        if name in lock.settings.overlays or is_typed(f"repos.{name}")
    ]
    priorities = {each.id: each.priority for each in lock.settings.repositories}
    unsaid = {*lock.settings.overlays} - {name for name, _ in settings.repos}
    repos += texts_of_known(unsaid, lock.plan.base, priorities)
    return PlanRequest(
        application=profile or "",
        base=base,
        arch=lock.settings.arch,
        overlays=tuple(repos),
        offline=settings.offline,
        fresh=fresh,
        cache=cache_directory(settings),
        index_url=settings.index_url,
        specs=read_specs(specs),
    )


def read_specs(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """``COMPONENT=FILE`` texts as components, spelled as profiles do, with their files; all faults
    at once."""
    if not texts:
        return ()
    from ..errors import Code, ErrorCollector, Place
    from ..inputs.notation import read_any_component
    from ..inputs.tables import Unreadable

    faults, found, place = ErrorCollector(Code.BAD_OPTION), dict[str, str](), Place("--spec")
    for text in texts:
        name, sign, path = text.partition("=")
        try:
            component = read_any_component(name.strip(), place).spelled
        except Unreadable as error:
            faults.add(f"{text!r} names no component: {error}", place, "write COMPONENT=FILE")
            continue
        if not sign or not path:
            faults.add(f"{text!r} names no file", place, "write COMPONENT=FILE")
        elif component in found:
            faults.add(f"two files are given for {component}", place, "leave one of them out")
        elif not Path(path).expanduser().is_file():
            faults.add(f"there is no file {path}", place)
        else:
            found[component] = str(Path(path).expanduser())
    faults.raise_if_any("the specs cannot be used")
    return tuple(sorted(found.items()))


def read_demands(texts: Sequence[str]) -> tuple[str, ...]:
    """The requirements of ``--with`` in one spelling, sorted, each once; all faults at once."""
    if not texts:
        return ()
    from ..errors import Code, ErrorCollector, InputError
    from ..inputs.notation import read_requirement
    from ..inputs.tables import Unreadable
    from ..model.requirement import DEMANDED

    faults, found = ErrorCollector(Code.BAD_OPTION), set()
    for text in texts:
        try:
            found.add(read_requirement(text, DEMANDED).spelled)
        except Unreadable as error:
            faults.add(str(error), DEMANDED, error.hint)
        except InputError as error:
            faults.add(error.message, DEMANDED, error.hint)
    faults.raise_if_any("not all that was asked for with --with is a requirement")
    return tuple(sorted(found))


def _relaxed(text: str) -> tuple[str, str, str]:
    from ..errors import Place
    from ..model.requirement import parse_requirement

    by, _, stated = text.rpartition(":")
    requirement = parse_requirement(stated, place=Place("--relax"))
    return by, requirement.component.name, str(requirement.specifier)


def cache_directory(settings: Settings) -> Path | None:
    """Where downloads are kept, if a setting says so."""
    return Path(settings.cache).expanduser() if settings.cache else None
