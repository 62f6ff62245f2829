"""The database is the one that rpm itself would make: its headers to the byte, its indexes to the
row."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from streamsolve.rpms import open_package
from streamsolve.rpms.database import DATABASE, read_database, write_database
from streamsolve.rpms.header_blob import parse_blob
from streamsolve.rpms.installed import FileState, installed_header
from streamsolve.rpms.tags import Tag

from .rpmworld import DATABASE as DIRECTORY
from .rpmworld import EPOCH, build_rpm, rpm_query, run

_RICH = """
Requires: (a if b), (c >= 1 with c < 2), (d if e else f), ((g or h) and i)
Requires: (m if (n or o)), plain = 1, plain
Requires(pre): early
Requires(post,preun): late
Recommends: (p or q)
Suggests: s
Supplements: (t and u)
Enhances: (v or w)
Conflicts: (x and y), (j unless k else l)
Obsoletes: old < 2
Provides: thing(z) = 3
"""
_TRIGGERS = """
%triggerin -- bash, bash, zsh
true
%triggerun -- bash
true
%filetriggerin -- /usr/lib /usr/share
true
%transfiletriggerin -- /etc
true
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Packages with all that is indexed, with a name that is no UTF-8, and with nothing at all."""
    place = tmp_path_factory.mktemp("packages")
    files = "mkdir -p usr/share/one/deep; echo 1 > usr/share/one/deep/x; echo 2 > usr/share/one/y"
    return [
        build_rpm(
            place, "one", install=files, files=("/usr/share/one",), tags=_RICH, scripts=_TRIGGERS
        ),
        build_rpm(
            place,
            "two",
            install="mkdir -p etc; echo x > \"etc/$(printf 'caf\\351')\"",
            files=("/etc/caf*",),
            tags="Epoch: 3\nGroup: Amusements\nPrefix: /etc",
        ),
        build_rpm(place, "three", arch="x86_64"),
        build_rpm(place, "four"),
    ]


@pytest.fixture(scope="module")
def theirs(packages: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root into whose database rpm put them."""
    root = tmp_path_factory.mktemp("root")
    options = ("--justdb", "--noscripts", "--nodeps", "--nosignature", "--force-debian")
    run("rpm", "--root", root, "--dbpath", DIRECTORY, "-i", *options, *packages)
    return root


def _file(root: Path) -> Path:
    return root / DIRECTORY.lstrip("/") / DATABASE


def _tables(path: Path) -> dict[str, object]:
    """All rows of all tables, and how tables and indexes are defined."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        found: dict[str, object] = {}
        definitions = connection.execute(
            "SELECT name, type, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite%'"
        ).fetchall()
        for name, kind, sql in definitions:
            rows = (
                connection.execute(f"SELECT * FROM '{name.decode()}'") if kind == b"table" else ()
            )
            found[name.decode()] = (sql, sorted(rows, key=repr))
        return found


def test_a_header_is_what_rpm_puts_into_its_database(packages: list[Path], theirs: Path) -> None:
    stored = {}
    for content in read_database(_file(theirs)):
        blob = parse_blob(content, Tag.REGION, whole=False)
        stored[blob.string(Tag.NAME).decode()] = (content, blob.number(Tag.INSTALL_TIME))
    for path in packages:
        with open_package(path) as package:
            content, time = stored[package.header.name]
            assert time is not None
            assert installed_header(package, {}, time, 3) == content
    assert len(stored) == len(packages)


def test_the_indexes_are_those_that_rpm_makes(theirs: Path, tmp_path: Path) -> None:
    own = _file(tmp_path / "own")
    own.parent.mkdir(parents=True)
    write_database(own, read_database(_file(theirs)))
    made_again = tmp_path / "again"
    shutil.copytree(tmp_path / "own", made_again)
    run("rpm", "--root", made_again, "--dbpath", DIRECTORY, "--rebuilddb")
    assert _tables(own) == _tables(_file(made_again))
    assert _tables(own) == _tables(_file(theirs))


def _write(packages: list[Path], path: Path) -> bytes:
    headers = []
    for each in packages:
        with open_package(each) as package:
            headers.append(installed_header(package, {}, EPOCH, 3))
    path.parent.mkdir(parents=True)
    write_database(path, headers)
    return path.read_bytes()


def test_rpm_finds_packages_in_it_by_name_file_and_provide(
    packages: list[Path], tmp_path: Path
) -> None:
    _write(packages, _file(tmp_path))
    assert rpm_query(tmp_path, "-a") == [
        "four-1-1.noarch",
        "one-1-1.noarch",
        "three-1-1.x86_64",
        "two-1-1.noarch",
    ]
    assert rpm_query(tmp_path, "three") == ["three-1-1.x86_64"]
    assert rpm_query(tmp_path, "--whatprovides", "thing(z)") == ["one-1-1.noarch"]
    assert set(rpm_query(tmp_path, "--whatrequires", "plain")) == {"one-1-1.noarch"}
    assert rpm_query(tmp_path, "-f", "/usr/share/one/deep/x") == ["one-1-1.noarch"]
    assert run("rpm", "--root", tmp_path, "--dbpath", DIRECTORY, "--verifydb") == ""


@pytest.mark.parametrize(
    "script",
    [
        "UPDATE Packages SET blob = 4000000000",
        "UPDATE Packages SET blob = 'text'",
        "DROP TABLE Packages; CREATE VIEW Packages AS WITH RECURSIVE n(hnum) AS "
        "(SELECT 1 UNION ALL SELECT hnum + 1 FROM n) SELECT hnum, x'00' AS blob FROM n",
        "DROP TABLE Packages",
    ],
)
def test_a_database_of_strangers_is_refused_where_it_has_no_headers(
    theirs: Path, tmp_path: Path, script: str
) -> None:
    path = tmp_path / DATABASE
    shutil.copy(_file(theirs), path)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    with pytest.raises(sqlite3.Error):
        list(read_database(path))


def test_the_same_packages_make_the_same_bytes(packages: list[Path], tmp_path: Path) -> None:
    assert _write(packages, tmp_path / "a" / "x") == _write(packages, tmp_path / "b" / "y")


def test_what_became_of_a_file_is_in_its_header(packages: list[Path]) -> None:
    with open_package(packages[0]) as package:
        content = installed_header(package, {1: FileState.WRONG_COLOUR}, EPOCH, 3)
    states = parse_blob(content, Tag.REGION, whole=False).numbers(Tag.FILE_STATES)
    assert states == (0, 4, 0, 0)
