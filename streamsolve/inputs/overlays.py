"""Repositories on top of a base, as options and settings write them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import evolve, frozen

from ..errors import Code, InputError
from ..model.lock import LockRepository
from ..model.package import LOWEST_PRIORITY
from .overlay_definitions import find_overlay
from .repositories import LocationKind

__all__ = ["Overlay", "as_locked", "located", "overlay_of_lock", "parse_overlay"]

_OVERLAY = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.:-]*)(?:=(?P<location>.+?))?"
    r"(?:,priority=(?P<rank>.*?))?(?P<hotfixes>,module_hotfixes)?"
)
_TAKEN = frozenset({"external", "main", "private", "streamsolve"})
"""What a plan and the emitted files call something else: packages that are built or are a third
party's, dnf's own section, and the repository of what was built."""


@frozen
class Overlay:
    """A further repository on top of a base. The smaller ``priority`` wins; a base has 99. With
    ``module_hotfixes`` no module of the base hides its packages. An empty ``location`` means the
    one that is known by its name for the base; ``gpgkeys`` are then what is known to sign it."""

    name: str
    location: str
    priority: int = LOWEST_PRIORITY
    module_hotfixes: bool = False
    kind: LocationKind = LocationKind.BASEURL
    gpgkeys: tuple[str, ...] = ()


def parse_overlay(text: str) -> Overlay:
    """Read ``NAME[=URL][,priority=N][,module_hotfixes]``; :class:`InputError` with ``BAD_OPTION``.

    Without an address it is one that is known by its name: see :func:`located`.
    """
    match = _OVERLAY.fullmatch(text)
    if match is None:
        raise InputError(
            Code.BAD_OPTION,
            f"{text!r} does not name a repository",
            hint="write it as NAME=URL or NAME=URL,priority=N, such as cuda=https://…,priority=50",
        )
    if match["name"] in _TAKEN:
        raise InputError(
            Code.BAD_OPTION,
            f"a repository cannot be called {match['name']!r}, which means something else here",
            hint="give the overlay another name",
        )
    rank = match["rank"]
    if rank is not None and not (
        rank.isascii() and rank.isdigit() and 1 <= int(rank) <= LOWEST_PRIORITY
    ):
        raise InputError(
            Code.BAD_OPTION,
            f"{rank!r} is no priority of the repository {match['name']!r}",
            hint="a priority is a number from 1 (first) to 99 (last)",
        )
    return Overlay(
        match["name"],
        match["location"] or "",
        int(rank or LOWEST_PRIORITY),
        module_hotfixes=match["hotfixes"] is not None,
    )


def as_locked(text: str, repositories: Iterable[LockRepository]) -> str:
    """An overlay as :func:`parse_overlay` reads it, used as a lock used that of its name, as far
    as the text does not say it otherwise. A text that cannot be read is returned as it is."""
    match = _OVERLAY.fullmatch(text)
    used = {each.id: each for each in repositories}.get(match["name"]) if match else None
    if match is None or used is None:
        return text
    where = f"={match['location']}" if match["location"] else ""
    rank = match["rank"] if match["rank"] is not None else str(used.priority)
    exempt = ",module_hotfixes" if match["hotfixes"] or used.module_hotfixes else ""
    return f"{used.id}{where},priority={rank}{exempt}"


def located(overlay: Overlay, base: str) -> Overlay:
    """An overlay with its address for a base by that name. Raises as :func:`find_overlay`."""
    if overlay.location:
        return overlay
    known = find_overlay(overlay.name, base)
    return evolve(overlay, location=known.location, kind=known.kind, gpgkeys=known.gpgkeys)


def overlay_of_lock(text: str, repositories: Iterable[LockRepository], base: str) -> Overlay:
    """Where a repository on top of a lock's base is, with what the lock says of it."""
    return located(parse_overlay(as_locked(text, repositories)), base)
