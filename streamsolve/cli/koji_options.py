"""From the options of ``streamsolve emit koji`` to what no lock knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Code, ErrorCollector, InputError, Place

if TYPE_CHECKING:
    from ..emit.lists import KojiRepository, KojiSettings
    from ..lock import Lock

__all__ = ["koji_notes", "koji_settings"]

_SPEC = ".spec"


def koji_settings(lock: Lock, options: Mapping[str, Any]) -> KojiSettings:
    """The options as a value. Raises :class:`InputErrors` (``BAD_OPTION``) with all that cannot be
    used."""
    from ..emit.lists import KojiSettings
    from ..inputs.base_definitions import find_definition

    definition = find_definition(lock.plan.base)
    return KojiSettings(
        options["tag"],
        options["owner"],
        options["parent"],
        _repositories(lock, options),
        lock.settings.build_group,
        options["scm"],
        _packages(lock, options["emitted"]),
        definition.dist.lstrip(".") if definition else "",
    )


def _repositories(lock: Lock, options: Mapping[str, Any]) -> tuple[KojiRepository, ...]:
    """The base's repositories, where no tag has them, and those on top of it."""
    from ..emit.lists import KojiRepository
    from ..inputs.overlays import overlay_of_lock
    from ..inputs.repositories import LocationKind
    from .mock_base import address_of, overlay_ids

    faults, found = ErrorCollector(Code.BAD_OPTION), dict[str, KojiRepository]()
    for text in options["repos"]:
        with faults.collect():
            one = overlay_of_lock(text, lock.settings.repositories, lock.plan.base)
            if one.kind is not LocationKind.BASEURL:
                raise InputError(
                    Code.BAD_OPTION,
                    f"Koji follows no list of mirrors, which is all that is known of {one.name!r}",
                    place=Place("--repo"),
                    hint=f"write {one.name}=URL",
                )
            found[one.name] = KojiRepository(one.name, address_of(one.location), one.priority)
    given: dict[str, str] = {}
    for text in options["addresses"]:
        name, _, address = text.partition("=")
        if not name or not address:
            faults.add(f"{text!r} names no address", Place("--baseurl"), "write ID=URL")
        given[name] = address_of(address)
    known = {each.id: each for each in lock.settings.repositories if not each.sources}
    above = overlay_ids(lock)
    for name in sorted(given.keys() - known.keys()):
        faults.add(f"the lock has no repository {name!r}", Place("--baseurl"))
    for name, each in sorted(known.items()):
        if name in found or (options["parent"] and name not in {*given, *above}):
            continue
        address = given.get(name) or _address(lock, name)
        if name in above and name not in given:
            faults.add(
                f"the lock has the repository {name!r} on top of its base, and where it is is not "
                "said",
                Place("--repo"),
                f"add --repo {name}=URL",
            )
        elif not address:
            hint = f"add --baseurl {name}=URL, or --parent TAG"
            faults.add(f"the repository {name!r} has no single address", Place("--baseurl"), hint)
        else:
            found[name] = KojiRepository(name, address, each.priority)
    faults.raise_if_any("the repositories cannot be used")
    return tuple(found.values())


def _address(lock: Lock, name: str) -> str:
    """The one address that a definition has for a repository of the base; Koji follows no list of
    mirrors."""
    from ..inputs.base_definitions import find_definition
    from ..inputs.repositories import LocationKind, substitute

    definition = find_definition(lock.plan.base)
    variables = {"releasever": lock.settings.base_release, "basearch": lock.plan.arch}
    for each in definition.repositories if definition else ():
        if each.id == name and each.kind is LocationKind.BASEURL:
            return substitute(each.location, variables)
    return ""


def _packages(lock: Lock, directory: Path | None) -> dict[str, str]:
    """What the specs are called that `emit mock` wrote, by stream."""
    from ..emit.grammar import Refusals
    from ..emit.names import names_of, source_stem

    if directory is None or lock.plan.builds is None:
        return {}
    names = names_of(lock.plan.builds, Refusals(""))
    found: dict[str, str] = {}
    for stream in names.sources:
        for path in sorted((directory / "specs" / source_stem(names, stream)).glob(f"*{_SPEC}")):
            found[stream] = path.name.removesuffix(_SPEC)
    return found


def koji_notes(lock: Lock, settings: KojiSettings) -> tuple[str, ...]:
    """What is not known: packages that are in no repository, and what packages are called."""
    builds = lock.plan.builds
    if builds is None:
        return ()
    notes = []
    known = {each.id for each in lock.settings.repositories}
    names = builds.external_packages
    if names and all(each.id in known for each in settings.repositories):
        notes.append(
            f"{len(names)} packages of third parties, such as {names[0]}, are in no repository "
            "that is named: add --repo NAME=URL."
        )
    if streams := lock.plan.enabled_modules:
        told = ", ".join(each.spelled for each in streams)
        notes.append(
            f"Koji enables no module streams, and hides none: its repositories show {told} beside "
            "all others. Take the packages of these streams into a tag, or leave the others out of "
            "the external repository."
        )
    guessed = len({build.stream for build in builds.builds} - settings.packages.keys())
    if guessed:
        notes.append(
            f"What {guessed} packages are called is guessed, and Koji builds none that is not in "
            "the list of its tag: -d DIR takes the names from the specs of `emit mock`."
        )
    return tuple(notes)
