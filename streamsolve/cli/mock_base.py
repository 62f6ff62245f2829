"""What mock is told that follows from a lock's base: its definition, repositories on top of it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Code, ErrorCollector, InputError, Place

if TYPE_CHECKING:
    from ..emit import MockRepository
    from ..inputs.base_definitions import BaseDefinition
    from ..inputs.bases import Overlay
    from ..lock import Lock

__all__ = [
    "address_of",
    "known_overlays",
    "of_base",
    "overlay",
    "overlay_ids",
    "overlays",
    "platform",
    "releasever",
    "source_date_epoch",
]

_KEYS = "file:///usr/share/distribution-gpg-keys"
_FEDORA = re.compile(r"fc(\d+)")
_ENTERPRISE = re.compile(r"el(\d+)")
_DIGITS = 12
_SHOWN = 40
_ADDRESS = re.compile(r"[a-z]+://")


def address_of(text: str) -> str:
    """An address as mock reads it: a path of this machine becomes a ``file`` URL."""
    return text if _ADDRESS.match(text) else f"file://{Path(text).expanduser().resolve()}"


def of_base(
    definition: BaseDefinition, dist: str, keys: dict[str, tuple[str, ...]]
) -> Iterable[MockRepository]:
    """The base's binary repositories, as its definition has them."""
    from ..emit import MockRepository
    from ..inputs.repositories import LocationKind

    usual = definition.gpgkeys or _distribution_keys(dist)
    for each in definition.repositories:
        if not each.sources:
            yield MockRepository(
                each.id,
                gpgkeys=keys.get(each.id, usual),
                priority=each.priority,
                baseurl=each.location if each.kind is LocationKind.BASEURL else "",
                metalink=each.location if each.kind is LocationKind.METALINK else "",
                mirrorlist=each.location if each.kind is LocationKind.MIRRORLIST else "",
            )


def overlay(
    given: Overlay, keys: dict[str, tuple[str, ...]], *, own: Collection[str] = ()
) -> MockRepository:
    """A repository on top of the base, or one of the base's ``own`` that had to be named."""
    from ..emit import MockRepository
    from ..inputs.repositories import LocationKind

    def place(kind: LocationKind) -> str:
        return address_of(given.location) if given.kind is kind else ""

    return MockRepository(
        given.name,
        place(LocationKind.BASEURL),
        gpgkeys=keys.get(given.name, ()),
        priority=given.priority,
        overlay=given.name not in own,
        module_hotfixes=given.module_hotfixes,
        metalink=place(LocationKind.METALINK),
        mirrorlist=place(LocationKind.MIRRORLIST),
    )


def overlays(
    lock: Lock, known: Sequence[tuple[str, str]], typed: tuple[str, ...], file: Path
) -> list[Overlay]:
    """The repositories on top of the base: those of the lock, each of which must be known, and what
    was typed besides."""
    from ..inputs.bases import parse_overlay

    found = list(known_overlays(lock, known, {parse_overlay(text).name for text in typed}))
    faults = ErrorCollector(Code.BAD_OPTION)
    for name in sorted({*lock.settings.overlays} - {each.name for each in found}):
        faults.add(
            f"the lock has the repository {name!r} on top of its base, and where it is is not said",
            Place(str(file)),
            f"add --repo {name}=URL, and --gpg-key {name}=URL for the key that signs it",
        )
    faults.raise_if_any("a repository is missing")
    return found


def overlay_ids(lock: Lock) -> tuple[str, ...]:
    """The ids of the repositories on top of a lock's base, without those of the base's own that
    had to be named; sorted."""
    from ..inputs.base_definitions import find_definition

    definition = find_definition(lock.plan.base)
    own = definition.may_be_given if definition else frozenset[str]()
    return tuple(sorted({*lock.settings.overlays} - own))


def known_overlays(
    lock: Lock, known: Sequence[tuple[str, str]], given: Collection[str] = ()
) -> Iterable[Overlay]:
    """The repositories on top of a lock's base whose place options and settings say, or whose name
    is enough; of those that the lock has not, only those that were ``given``."""
    from ..inputs.overlay_definitions import texts_of_known
    from ..inputs.overlays import located, overlay_of_lock, parse_overlay
    from ..inputs.settings import overlay_text

    wanted = {*lock.settings.overlays, *given}
    for name, address in known:
        if name in wanted:
            text = overlay_text(name, address)
            yield overlay_of_lock(text, lock.settings.repositories, lock.plan.base)
    priorities = {each.id: each.priority for each in lock.settings.repositories}
    for text in texts_of_known(wanted - {name for name, _ in known}, lock.plan.base, priorities):
        yield located(parse_overlay(text), lock.plan.base)


def _distribution_keys(dist: str) -> tuple[str, ...]:
    """Fedora's key of that release, where the package distribution-gpg-keys has it."""
    release = _FEDORA.fullmatch(dist)
    if release is None:
        return ()
    return (f"{_KEYS}/fedora/RPM-GPG-KEY-fedora-{release[1]}-primary",)


def platform(dist: str) -> str:
    """What modules call a release, by its suffix; empty where nobody knows."""
    for pattern, letters in ((_FEDORA, "f"), (_ENTERPRISE, "el")):
        if release := pattern.fullmatch(dist):
            return f"platform:{letters}{release[1]}"
    return ""


def releasever(lock: Lock, definition: BaseDefinition | None, dist: str) -> str:
    """The release as dnf counts it: what has a name only, such as rawhide, by its suffix."""
    release = definition.release if definition else lock.settings.base_release
    numbered = _FEDORA.fullmatch(dist)
    if numbered and not release[:1].isdigit():
        return numbered[1]
    if not release:
        raise InputError(
            Code.NOT_EMITTED,
            f"which release the base {lock.plan.base!r} is, neither its lock nor a definition says",
            hint="give the base a definition: `streamsolve base list` shows those that there are",
        )
    return release


def source_date_epoch() -> int | None:
    """What the environment says, as all tools read it."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        shown = repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
        raise InputError(
            Code.BAD_OPTION, f"SOURCE_DATE_EPOCH is {shown}, and it should be a number of seconds"
        )
    return int(text)
