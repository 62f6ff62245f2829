"""A database of RPM, written without RPM: its tables are public, and the same packages give the
same bytes.

RPM itself would do, but what it writes depends on the time, on the order in which pages were
changed, and on the version of the tool; so the tables are written here, once, in order. The indexes
are those that ``rpm --rebuilddb`` makes from the same headers. The journal is the plain one, so
that a reader without the right to write needs no other file; RPM changes that when it writes.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from ..errors import InputError
from ..model.rpm_language import Capability, Dependency, parse_dependency
from .header_blob import HeaderBlob, parse_blob
from .tags import SenseFlag, Tag

__all__ = ["DATABASE", "read_database", "write_database"]

DATABASE = "rpmdb.sqlite"
"""The name of the file in the directory of the database."""

_TOGETHER = 10_000
_LARGEST = 64 << 20
_PAGE = 4096
_INSTALLED = "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)"
_TABLE = (
    "CREATE TABLE '{name}' (key '{type}' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL, "
    "FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum))"
)
_INDEX = "CREATE INDEX '{name}_{column}_idx' ON '{name}'({column} ASC)"
# Tables with the tag that they index, in RPM's order: what their keys are, and whether a package
# can have several.
_TABLES = (
    ("Name", Tag.NAME, "TEXT", False),
    ("Basenames", Tag.BASE_NAMES, "TEXT", True),
    ("Group", Tag.GROUP, "TEXT", False),
    ("Requirename", Tag.REQUIRE_NAME, "TEXT", True),
    ("Providename", Tag.PROVIDE_NAME, "TEXT", True),
    ("Conflictname", Tag.CONFLICT_NAME, "TEXT", True),
    ("Obsoletename", Tag.OBSOLETE_NAME, "TEXT", True),
    ("Triggername", Tag.TRIGGER_NAME, "TEXT", True),
    ("Dirnames", Tag.DIR_NAMES, "TEXT", True),
    ("Installtid", Tag.INSTALL_ID, "BLOB", False),
    ("Sigmd5", 261, "BLOB", False),
    ("Sha1header", 269, "TEXT", False),
    ("Filetriggername", Tag.FILE_TRIGGER_NAME, "TEXT", True),
    ("Transfiletriggername", Tag.TRANS_FILE_TRIGGER_NAME, "TEXT", True),
    ("Recommendname", Tag.RECOMMEND_NAME, "TEXT", True),
    ("Suggestname", Tag.SUGGEST_NAME, "TEXT", True),
    ("Supplementname", Tag.SUPPLEMENT_NAME, "TEXT", True),
    ("Enhancename", Tag.ENHANCE_NAME, "TEXT", True),
)
_RICH = {
    Tag.REQUIRE_NAME,
    Tag.CONFLICT_NAME,
    Tag.SUGGEST_NAME,
    Tag.SUPPLEMENT_NAME,
    Tag.RECOMMEND_NAME,
    Tag.ENHANCE_NAME,
}
_TRIGGER_INDEXES = {Tag.FILE_TRIGGER_NAME: 5070, Tag.TRANS_FILE_TRIGGER_NAME: 5080}
_RPMLIB = "rpmlib("
# The file's header: how often it was changed, for which change the size is valid, and the version
# of the library that wrote it.
_CHANGES, _VALID_FOR, _WRITTEN_BY = 24, 92, 96
_LIBRARY = 3_040_001

_Row = tuple[bytes, int, int]


def write_database(path: Path, headers: Iterable[bytes]) -> None:
    """Write a new database of installed packages, in this order, to a file that is not there.

    ``headers`` are as :func:`.installed.installed_header` makes them, or as another database has
    them.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {_PAGE}")
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        connection.execute(_INSTALLED)
        for name, _, kind, _ in _TABLES:
            connection.execute(_TABLE.format(name=name, type=kind))
        for number, header in enumerate(headers, 1):
            connection.execute("INSERT INTO Packages VALUES (?, ?)", (number, header))
            _fill(connection, number, parse_blob(header, Tag.REGION, whole=False))
        for name, _, kind, several in _TABLES:
            if kind == "TEXT":
                connection.execute(_INDEX.format(name=name, column="key"))
            if several:
                connection.execute(_INDEX.format(name=name, column="hnum"))
        connection.execute("COMMIT")
    with path.open("r+b") as stream:
        for place, value in ((_CHANGES, 1), (_VALID_FOR, 1), (_WRITTEN_BY, _LIBRARY)):
            stream.seek(place)
            stream.write(struct.pack(">I", value))


def read_database(path: Path) -> Iterator[bytes]:
    """The headers in a database, in its order; what its journal beside it holds counts.

    Raises :class:`sqlite3.Error` for a file that is no database.
    """
    try:
        yield from _headers(path)
    except UnicodeDecodeError:
        # What is wrong with the file is told with words of the file itself.
        raise sqlite3.DatabaseError("it is damaged") from None


def _headers(path: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(path)) as connection:
        # A file of strangers may have a query without end in the place of the table.
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST)
        connection.execute("PRAGMA trusted_schema=OFF")
        kinds = list(connection.execute("SELECT type FROM sqlite_master WHERE name = 'Packages'"))
        if kinds != [("table",)]:
            raise sqlite3.DatabaseError("it has no table of packages")
        for (content,) in connection.execute("SELECT blob FROM Packages ORDER BY hnum"):
            if not isinstance(content, bytes):
                raise sqlite3.DatabaseError("a package in it has no header")
            yield content


def _fill(connection: sqlite3.Connection, number: int, blob: HeaderBlob) -> None:
    """The rows of one package in all indexes."""
    for name, tag, kind, _ in _TABLES:
        # A text is handed over as bytes, since it may be no UTF-8.
        statement = f"INSERT INTO '{name}' VALUES (CAST(? AS {kind}), ?, ?)"  # noqa: S608
        rows = ((key, number, place) for key, place in _keys(blob, tag))
        while some := list(islice(rows, _TOGETHER)):
            connection.executemany(statement, some)


def _keys(blob: HeaderBlob, tag: int) -> Iterator[tuple[bytes, int]]:
    """What a package is found by in one index, and the place of that in the header."""
    if tag == Tag.INSTALL_ID:
        # RPM has it as its machine writes numbers, and every one that Fedora is made for but s390x
        # writes the lowest byte first.
        yield from ((struct.pack("<I", each), 0) for each in blob.numbers(tag))
    elif tag == 261:
        if found := blob.binary(tag):
            yield found, 0
    elif tag == Tag.GROUP:
        yield blob.string(tag) or b"Unknown", 0
    elif tag in _TRIGGER_INDEXES:
        yield from zip(blob.strings(tag), blob.numbers(_TRIGGER_INDEXES[tag]), strict=False)
    elif tag == Tag.TRIGGER_NAME:
        found_names = blob.strings(tag)
        first = {key: place for place, key in reversed(list(enumerate(found_names)))}
        yield from ((key, place) for place, key in enumerate(found_names) if first[key] == place)
    else:
        yield from _named(blob, tag)


def _named(blob: HeaderBlob, tag: int) -> Iterator[tuple[bytes, int]]:
    senses = blob.numbers(Tag.REQUIRE_FLAGS) if tag == Tag.REQUIRE_NAME else ()
    for place, key in enumerate(blob.strings(tag)):
        if place < len(senses) and SenseFlag(senses[place]).is_only_for_installing:
            continue
        yield key, place
        if tag in _RICH and key.startswith(b"("):
            yield from ((part, place) for part in _parts(key))


def _parts(text: bytes) -> list[bytes]:
    """The names in a boolean dependency, those in a condition with an exclamation mark."""
    try:
        parsed = parse_dependency(text.decode())
    except (InputError, UnicodeDecodeError):
        return []
    return sorted(each.encode() for each in set(_signed(parsed, inverted=False)))


def _signed(dependency: Dependency, *, inverted: bool) -> Iterator[str]:
    if isinstance(dependency, Capability):
        if not dependency.name.startswith(_RPMLIB):
            yield f"!{dependency.name}" if inverted else dependency.name
        return
    if dependency.operator not in ("if", "unless"):
        for each in dependency.operands:
            yield from _signed(each, inverted=inverted)
        return
    then, condition, *otherwise = dependency.operands
    yield from _signed(then, inverted=inverted)
    yield from _signed(condition, inverted=not inverted)
    for each in otherwise:
        # With an "else" the condition counts in both directions.
        yield from _signed(condition, inverted=inverted)
        yield from _signed(each, inverted=inverted)
