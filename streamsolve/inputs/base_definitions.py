"""Base definitions: the TOML files of ``profiles/bases`` as frozen values."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import frozen

from ..errors import Code, ErrorCollector, InputError, Place, nearest
from .definitions import list_definitions, read_definition
from .repositories import LocationKind, substitute
from .shipped import profiles_directory
from .tables import Table, Unreadable
from .toml_places import parse_toml

__all__ = [
    "SCHEMA",
    "BaseDefinition",
    "RepositoryDefinition",
    "bases_directory",
    "find_definition",
    "list_bases",
    "load_base_definition",
    "parse_base_definition",
    "read_location",
    "read_word",
]

SCHEMA = "streamsolve.base/1"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_NO_GLIBC: tuple[int, int] | tuple[()] = ()
_MINOR = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}")
_FULL = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}(?:(?:a|b|rc)[0-9]{1,9})?")


@frozen
class RepositoryDefinition:
    """Where a repository of a base is. ``location`` may hold ``$releasever`` and ``$basearch``."""

    id: str
    kind: LocationKind
    location: str
    sources: bool = False
    priority: int = 99


@frozen
class BaseDefinition:
    """What is known of a base before any repository is opened.

    ``python`` is the version (``3.14``) of its interpreter and ``glibc`` the (major, minor) of its
    C library, empty where it is not stated; ``dist`` is the suffix of its releases (``.fc44``).
    ``build_group`` are the packages that every build root of it starts from. ``given`` are the ids
    of repositories whose places only the user knows, and ``given_optional`` of those that may be
    given as well. ``gpgkeys`` sign its packages: addresses on a machine that builds, and as
    ``image_gpgkeys`` in an image of the release; both empty where nothing is stated.
    """

    name: str
    release: str
    architectures: tuple[str, ...]
    python: str
    repositories: tuple[RepositoryDefinition, ...]
    summary: str = ""
    dist: str = ""
    python_full: str = ""
    glibc: tuple[int, int] | tuple[()] = ()
    build_group: tuple[str, ...] = ()
    file: str = ""
    given: tuple[str, ...] = ()
    given_optional: tuple[str, ...] = ()
    gpgkeys: tuple[str, ...] = ()
    image_gpgkeys: tuple[str, ...] = ()

    @property
    def may_be_given(self) -> frozenset[str]:
        """The ids of its own repositories that the user may name."""
        return frozenset((*self.given, *self.given_optional))

    def variables(self, arch: str) -> dict[str, str]:
        """What the locations of its repositories may refer to."""
        return {"releasever": self.release, "basearch": arch, "arch": arch}


def bases_directory() -> Path:
    """Where the definitions lie."""
    return profiles_directory() / "bases"


def list_bases(directory: Path | None = None) -> tuple[BaseDefinition, ...]:
    """All definitions of a directory (those that come with the tool), by name.

    Raises :class:`InputErrors` (``BROKEN_BASE``) with the faults of all of them.
    """
    return list_definitions(
        directory or bases_directory(), _read, Code.BROKEN_BASE, "base definitions are broken:"
    )


def find_definition(name: str, directory: Path | None = None) -> BaseDefinition | None:
    """The definition of that name, or None; raises as :func:`parse_base_definition`."""
    if not _NAME.fullmatch(name):
        return None
    path = (directory or bases_directory()) / f"{name}.toml"
    return _read(path) if path.is_file() else None


def load_base_definition(name: str, directory: Path | None = None) -> BaseDefinition:
    """The definition of that name; ``UNKNOWN_BASE`` with the nearest names where there is none."""
    found = find_definition(name, directory)
    if found is None:
        known = (path.stem for path in (directory or bases_directory()).glob("*.toml"))
        raise InputError(Code.UNKNOWN_BASE, f"there is no base {name!r}", hint=nearest(name, known))
    return found


def _read(path: Path) -> BaseDefinition:
    return read_definition(path, parse_base_definition, "bases", Code.BROKEN_BASE)


def parse_base_definition(text: str, *, file: str) -> BaseDefinition:
    """Read a definition. Raises :class:`InputErrors` (``BROKEN_BASE``) with every fault."""
    errors = ErrorCollector(Code.BROKEN_BASE)
    table = Table(parse_toml(text, file=file, code=Code.BROKEN_BASE), errors)
    table.value("schema", _schema, "")
    definition = BaseDefinition(
        name=table.value("name", read_word, ""),
        release=table.text("release"),
        architectures=table.values("architectures", read_word, required=True),
        python=table.value("python", _python, ""),
        repositories=_repositories(table),
        summary=table.text("summary", ""),
        dist=table.text("dist", ""),
        python_full=table.value("python-full", _python_full, "", required=False),
        glibc=table.value("glibc", _glibc, _NO_GLIBC, required=False),
        build_group=table.values("build-group", _package, required=True),
        file=file,
        given=table.values("given", read_word),
        given_optional=table.values("given-optional", read_word),
        gpgkeys=table.values("gpgkeys", read_location),
        image_gpgkeys=table.values("image-gpgkeys", read_location),
    )
    full, minor = definition.python_full, definition.python
    if full and minor and not full.startswith(f"{minor}."):
        table.fault(f"{full} is no release of Python {minor}", "python-full")
    table.close()
    errors.raise_if_any("the base definition is broken:")
    return definition


def _repositories(table: Table) -> tuple[RepositoryDefinition, ...]:
    found: list[RepositoryDefinition] = []
    seen: set[str] = set()
    rows = table.tables("repositories")
    for row in rows:
        repository = _repository(row)
        if repository.id and repository.id in seen:
            row.fault(f"there is another repository {repository.id!r}", "id")
        seen.add(repository.id)
        found.append(repository)
    if not table.data.get("repositories") and not table.data.get("given"):
        table.fault("at least one repository is needed", "repositories")
    return tuple(found)


def _repository(row: Table) -> RepositoryDefinition:
    kinds = [kind for kind in LocationKind if kind.value in row]
    kind = kinds[0] if kinds else LocationKind.BASEURL
    if len(kinds) != 1:
        names = ", ".join(kind.value for kind in LocationKind)
        row.fault(f"exactly one of {names} is needed", *(kind.value for kind in kinds[1:2]))
    location = row.value(kind.value, read_location, "", required=bool(kinds))
    for other in kinds[1:]:
        row.value(other.value, read_location, "")
    repository = RepositoryDefinition(
        id=row.value("id", read_word, ""),
        kind=kind,
        location=location,
        sources=row.flag("sources", default=False),
        priority=row.number("priority", 99),
    )
    row.close()
    return repository


def _schema(text: str, _place: Place) -> str:
    if text != SCHEMA:
        raise Unreadable(f"{text!r} is not a schema that this version reads", f"known: {SCHEMA}")
    return text


def read_word(text: str, _place: Place) -> str:
    """A name, for :class:`Table`."""
    return _matching(_NAME, text, "a name of letters, digits, '.', '_' and '-'")


def _package(text: str, _place: Place) -> str:
    return _matching(_PACKAGE, text, "the name of a package")


def _python(text: str, _place: Place) -> str:
    return _matching(_MINOR, text, "a version of Python such as '3.14'")


def _python_full(text: str, _place: Place) -> str:
    return _matching(_FULL, text, "a release of Python such as '3.14.2'")


def _glibc(text: str, _place: Place) -> tuple[int, int] | tuple[()]:
    major, _, minor = _matching(_MINOR, text, "a version of glibc such as '2.43'").partition(".")
    return int(major), int(minor)


def read_location(text: str, place: Place) -> str:
    """Where something is, for :class:`Table`; its variables are known ones."""
    substitute(text, {"releasever": "", "basearch": "", "arch": ""}, place=place)
    if not text.strip():
        raise Unreadable("must not be empty")
    return text


def _matching(pattern: re.Pattern[str], text: str, expected: str) -> str:
    if not pattern.fullmatch(text):
        raise Unreadable(f"expected {expected}, not {text!r}")
    return text
