"""Repositories on top of a base that are known by name: the TOML files of ``profiles/overlays``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from attrs import frozen

from ..errors import Code, ErrorCollector, InputError, Place, nearest
from .base_definitions import read_location, read_word
from .definitions import list_definitions, read_definition
from .repositories import LocationKind
from .shipped import profiles_directory
from .tables import Table, Unreadable
from .toml_places import parse_toml

__all__ = [
    "OVERLAY_SCHEMA",
    "NamedOverlay",
    "OverlayDefinition",
    "find_overlay",
    "list_overlays",
    "overlays_directory",
    "parse_overlay_definition",
    "texts_of_known",
]

OVERLAY_SCHEMA = "streamsolve.overlay/1"


@frozen
class NamedOverlay:
    """Where an overlay is for some bases. ``location`` may hold ``$releasever`` and ``$basearch``;
    ``gpgkeys`` are addresses on a machine that builds."""

    bases: tuple[str, ...]
    kind: LocationKind
    location: str
    gpgkeys: tuple[str, ...] = ()


@frozen
class OverlayDefinition:
    """An overlay by its name, which is the id of its repository."""

    name: str
    summary: str
    repositories: tuple[NamedOverlay, ...]
    file: str = ""

    def of(self, base: str) -> NamedOverlay | None:
        """The repository for a base by its name, or None where it is for others."""
        return next((each for each in self.repositories if base in each.bases), None)

    @property
    def bases(self) -> tuple[str, ...]:
        """All bases that it is for, sorted."""
        return tuple(sorted(base for each in self.repositories for base in each.bases))


def overlays_directory() -> Path:
    """Where the definitions lie."""
    return profiles_directory() / "overlays"


def list_overlays(directory: Path | None = None) -> tuple[OverlayDefinition, ...]:
    """All definitions of a directory (those that come with the tool), by name.

    Raises :class:`InputErrors` (``BROKEN_OVERLAY``) with the faults of all of them.
    """
    summary = "definitions of overlays are broken:"
    return list_definitions(directory or overlays_directory(), _read, Code.BROKEN_OVERLAY, summary)


def find_overlay(name: str, base: str, directory: Path | None = None) -> NamedOverlay:
    """The overlay of a name for a base.

    Raises :class:`InputError` (``UNKNOWN_OVERLAY``) where there is none of that name, with the
    nearest, or none for that base, with those that it is for.
    """
    known = {each.name: each for each in list_overlays(directory)}
    if name not in known:
        raise InputError(
            Code.UNKNOWN_OVERLAY,
            f"no repository {name!r} is known by its name",
            hint=f"write {name}=URL or {name}=DIRECTORY; {nearest(name, known)}",
        )
    found = known[name].of(base)
    if found is None:
        raise InputError(
            Code.UNKNOWN_OVERLAY,
            f"the repository {name!r} is for {', '.join(known[name].bases)}, not for {base!r}",
            hint=f"name one of these bases with --base, or write {name}=URL",
        )
    return found


def texts_of_known(
    names: Iterable[str], base: str, priorities: Mapping[str, int], directory: Path | None = None
) -> tuple[str, ...]:
    """Those of the names that are enough by themselves for a base, as options write them, with
    their priorities; sorted. Nothing is read where there are no names."""
    wanted = set(names)
    if not wanted:
        return ()
    return tuple(
        f"{each.name},priority={priorities[each.name]}" if each.name in priorities else each.name
        for each in list_overlays(directory)
        if each.name in wanted and each.of(base) is not None
    )


def _read(path: Path) -> OverlayDefinition:
    return read_definition(path, parse_overlay_definition, "overlays", Code.BROKEN_OVERLAY)


def parse_overlay_definition(text: str, *, file: str) -> OverlayDefinition:
    """Read a definition. Raises :class:`InputErrors` (``BROKEN_OVERLAY``) with every fault."""
    errors = ErrorCollector(Code.BROKEN_OVERLAY)
    table = Table(parse_toml(text, file=file, code=Code.BROKEN_OVERLAY), errors)
    table.value("schema", _schema, "")
    name = table.value("name", read_word, "")
    summary = table.text("summary", "")
    found: list[NamedOverlay] = []
    taken: set[str] = set()
    for row in table.tables("repositories"):
        each = _repository(row)
        for base in sorted(taken.intersection(each.bases)):
            row.fault(f"there is another repository for {base!r}", "bases")
        taken.update(each.bases)
        found.append(each)
    if not table.data.get("repositories"):
        table.fault("at least one repository is needed", "repositories")
    table.close()
    errors.raise_if_any("the definition of the overlay is broken:")
    return OverlayDefinition(name, summary, tuple(found), file)


def _repository(row: Table) -> NamedOverlay:
    kinds = [kind for kind in LocationKind if kind.value in row]
    if len(kinds) != 1:
        names = ", ".join(kind.value for kind in LocationKind)
        row.fault(f"exactly one of {names} is needed", *(kind.value for kind in kinds[1:2]))
    locations = {kind: row.value(kind.value, read_location, "") for kind in kinds}
    kind = kinds[0] if kinds else LocationKind.BASEURL
    found = NamedOverlay(
        row.values("bases", read_word, required=True),
        kind,
        locations.get(kind, ""),
        row.values("gpgkeys", read_location),
    )
    row.close()
    return found


def _schema(text: str, _place: Place) -> str:
    if text != OVERLAY_SCHEMA:
        raise Unreadable(
            f"{text!r} is not a schema that this version reads", f"known: {OVERLAY_SCHEMA}"
        )
    return text
