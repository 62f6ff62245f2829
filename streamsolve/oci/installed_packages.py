"""The packages that a base image has, and what becomes of them when others are added."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from attrs import define, field

from ..errors import Code, InputError, Place
from ..rpms import Entry, FileKind, Header
from ..rpms.database import DATABASE, read_database
from ..rpms.files import read_entries
from ..rpms.header import read_header
from ..rpms.header_blob import BadHeaderError, HeaderBlob, parse_blob
from ..rpms.tags import SignatureTag, Tag
from .base_image import BaseImage
from .tree import ImageTree

__all__ = [
    "DATABASE_PATHS",
    "FEDORA_DATABASE",
    "BasePackages",
    "read_base_packages",
    "wanted_files",
]

FEDORA_DATABASE = b"/usr/lib/sysimage/rpm"
"""Where Fedora's RPM looks."""

DATABASE_PATHS = (FEDORA_DATABASE, b"/var/lib/rpm")
"""Where a base image may have its database."""

_JOURNAL = "-wal"
_OTHER_FORMS = ("Packages.db", "Packages")
_NOARCH = "noarch"


def wanted_files(database: bytes | None) -> frozenset[bytes]:
    """The files of a base image that its packages are read from."""
    directories = (*DATABASE_PATHS, *((database,) if database else ()))
    names = (DATABASE, DATABASE + _JOURNAL, *_OTHER_FORMS)
    return frozenset(each + b"/" + name.encode() for each in directories for name in names)


@define
class BasePackages:
    """``database`` is the directory of the database, with the headers that stay in ``headers``.

    ``present`` are the new packages that are there already, by name-evr.arch. ``installed`` are the
    files of the packages that stay, by path, and ``removed`` those of the ones that go, by the
    name-evr.arch of the package that comes for it.
    """

    database: bytes
    headers: list[bytes] = field(factory=list)
    present: set[str] = field(factory=set)
    installed: dict[bytes, Entry] = field(factory=dict)
    removed: dict[str, list[bytes]] = field(factory=dict)


def read_base_packages(
    base: BaseImage | None, database: bytes | None, new: Iterable[Header], scratch: Path
) -> BasePackages:
    """What a base image's database says, seen from the packages that are to be added.

    Where ``database`` is None it is where the base image has it, and where Fedora has it otherwise.
    Raises :class:`InputError` (``BAD_IMAGE``) for a database that cannot be read.
    """
    kept = base.kept if base else {}
    places = (database,) if database else DATABASE_PATHS
    place = next((each for each in places if _in(each, DATABASE) in kept), None)
    if place is None:
        _refuse_other_forms(kept, places)
        return BasePackages(places[0])
    file = _with_journal(kept, place, scratch)
    found = BasePackages(place)
    tree = base.tree if base else ImageTree()
    by_name: dict[str, list[Header]] = {}
    for header in new:
        by_name.setdefault(header.name, []).append(header)
    try:
        for content in read_database(file):
            _Sorter(found, tree, by_name).add(content)
    except (sqlite3.Error, BadHeaderError) as error:
        message = f"its database of packages cannot be read: {error}"
        raise InputError(Code.BAD_IMAGE, message, place=Place("the base image")) from None
    return found


def _in(directory: bytes, name: str) -> bytes:
    return directory + b"/" + name.encode()


def _refuse_other_forms(kept: Mapping[bytes, Path], places: Sequence[bytes]) -> None:
    for place in places:
        for name in _OTHER_FORMS:
            if _in(place, name) in kept:
                raise InputError(
                    Code.BAD_IMAGE,
                    f"its database of packages has a form that is not read here ({name})",
                    place=Place("the base image"),
                    hint="use an image of a distribution with rpm 4.16 or newer",
                )


def _with_journal(kept: Mapping[bytes, Path], place: bytes, scratch: Path) -> Path:
    """The database with its journal beside it, as SQLite looks for one."""
    target = scratch / DATABASE
    kept[_in(place, DATABASE)].rename(target)
    journal = kept.get(_in(place, DATABASE + _JOURNAL))
    if journal is not None:
        journal.rename(scratch / (DATABASE + _JOURNAL))
    return target


@define
class _Sorter:
    _found: BasePackages
    _tree: ImageTree
    _new: Mapping[str, list[Header]]

    def add(self, content: bytes) -> None:
        """Say of one package whether it stays."""
        blob = parse_blob(content, Tag.REGION, whole=False)
        header = read_header(blob)
        instead = next(
            (each for each in self._new.get(header.name, ()) if _same(header, each)), None
        )
        if instead is not None and _is_that(header, blob, instead):
            self._found.present.add(instead.nevra)
            instead = None
        if instead is None:
            self._found.headers.append(content)
            for entry in read_entries(blob):
                if not entry.is_ghost:
                    self._found.installed[self._tree.canonical(entry.path)] = entry
            return
        gone = self._found.removed.setdefault(instead.nevra, [])
        for entry in read_entries(blob):
            if not entry.is_ghost and entry.kind is not FileKind.DIRECTORY:
                gone.append(self._tree.canonical(entry.path))


def _same(old: Header, new: Header) -> bool:
    """Whether one takes the place of the other, as they have the same name."""
    return old.arch == new.arch or _NOARCH in (old.arch, new.arch)


def _is_that(old: Header, blob: HeaderBlob, new: Header) -> bool:
    """Whether it is the very package: of one name there may be two builds."""
    digest = blob.string(SignatureTag.SHA256).decode("ascii", "replace")
    known = new.header_digest.removeprefix("sha256:")
    return old.nevra == new.nevra and (not digest or digest == known)
