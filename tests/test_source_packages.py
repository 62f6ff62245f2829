"""Source packages from specs: made by the real rpmbuild, by the function, the script and make."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.building.source_packages import make_source_package
from streamsolve.emit import MockRepository, MockSettings, emit_mock, write_files
from streamsolve.emit.source_rules import read_source_list, source_rules
from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.rpms import open_package

from .lockworld import small_plan

KEY = "file:///usr/share/distribution-gpg-keys/small/KEY"
SETTINGS = MockSettings(
    "45", "fc45", (MockRepository("base", "https://base.test/", gpgkeys=(KEY,)),)
)
TARBALL = b"what upstream published"
DIGEST = hashlib.sha256(TARBALL).hexdigest()
NAME = "flit-core-3.12.0"
SPEC = """\
Name: python-flit-core
Version: 3.12.0
Release: %autorelease
Summary: A build tool
License: BSD-3-Clause
Source0: flit_core-3.12.0.tar.gz
Patch0: fix.patch
BuildRequires: python3-devel
%description
Words.
%changelog
%autochangelog
"""


@frozen
class Place:
    """A directory with a spec, and with the file of upstream's that it names."""

    directory: Path

    @property
    def specs(self) -> Path:
        return self.directory / "specs" / NAME

    @property
    def sources(self) -> Path:
        return self.directory / "sources"

    @property
    def package(self) -> Path:
        return self.directory / "srpms" / f"{NAME}.src.rpm"

    def make(self, **more: object) -> bytes:
        make_source_package(self.specs, self.sources, self.package, **more)  # type: ignore[arg-type]
        return self.package.read_bytes()

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.directory,
            env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def files(spec: str = SPEC) -> dict[str, bytes]:
    return {
        f"specs/{NAME}/python-flit-core.spec": spec.encode(),
        f"specs/{NAME}/fix.patch": b"--- a\n+++ b\n",
        f"specs/{NAME}/sources": f"{DIGEST} flit_core-3.12.0.tar.gz pkg:pypi/f@3\n".encode(),
    }


@pytest.fixture(params=["out", "o u't $(touch RAN) ${x} #"])
def place(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    directory = tmp_path / request.param
    specs = files()
    write_files(
        directory, {**emit_mock(small_plan(), SETTINGS), **specs, **source_rules("x86_64", specs)}
    )
    (directory / "sources").mkdir()
    (directory / "sources" / "flit_core-3.12.0.tar.gz").write_bytes(TARBALL)
    return Place(directory)


def test_it_holds_the_spec_what_lies_beside_it_and_what_is_listed(place: Place) -> None:
    place.make()
    with open_package(place.package) as package:
        assert package.header.source
        assert package.header.name == "python-flit-core"
        assert "python3-devel" in package.header.requires
        found = {entry.path: b"".join(package.read(entry)) for entry in package.entries()}
    assert found == {
        b"python-flit-core.spec": SPEC.encode(),
        b"fix.patch": b"--- a\n+++ b\n",
        b"flit_core-3.12.0.tar.gz": TARBALL,
    }


def test_the_same_files_give_the_same_bytes_at_another_time_and_in_another_home(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = place.make()
    home = tmp_path / "home"
    home.mkdir()
    (home / ".rpmmacros").write_text("%_buildhost elsewhere\n%packager Somebody\n%dist .mine\n")
    monkeypatch.setenv("HOME", str(home))
    for path in (*place.specs.iterdir(), *place.sources.iterdir()):
        path.chmod(0o600)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert place.make() == first
    with open_package(place.package) as package:
        assert package.header.build_time == 315532800
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1735689600")
    assert place.make() != first


def test_the_script_makes_what_the_function_makes(place: Place) -> None:
    first = place.make()
    place.package.unlink()
    done = place.run("make", "srpms")
    assert done.returncode == 0, done.stderr
    assert place.package.read_bytes() == first
    assert not list(place.directory.rglob("RAN"))


def test_make_goes_on_where_it_stopped_and_makes_again_what_changed(place: Place) -> None:
    assert place.run("make", "srpms").returncode == 0
    before = place.package.stat().st_mtime_ns
    assert place.run("make", "srpms").returncode == 0
    assert place.package.stat().st_mtime_ns == before
    (place.specs / "fix.patch").write_text("another\n")
    os.utime(place.package, (1_000_000_000, 1_000_000_000))
    assert place.run("make", "srpms").returncode == 0
    with open_package(place.package) as package:
        found = {entry.path: b"".join(package.read(entry)) for entry in package.entries()}
    assert found[b"fix.patch"] == b"another\n"


def test_chain_makes_them_before_it_builds(place: Place) -> None:
    done = place.run("sh", "chain.sh", MOCK="false", CREATEREPO="true")
    assert done.returncode != 0
    assert place.package.is_file()


def test_make_names_a_file_that_is_missing_and_what_brings_it(place: Place) -> None:
    (place.sources / "flit_core-3.12.0.tar.gz").unlink()
    done = place.run("make", "srpms")
    assert done.returncode != 0
    assert "sources/flit_core-3.12.0.tar.gz is not there: streamsolve sources LOCK" in done.stderr
    assert not place.package.exists()


@pytest.mark.parametrize("way", ["function", "script"])
def test_another_file_than_the_listed_one_is_refused(place: Place, way: str) -> None:
    (place.sources / "flit_core-3.12.0.tar.gz").write_bytes(b"evil")
    if way == "script":
        done = place.run("make", "srpms")
        assert done.returncode != 0
        assert "is not the file that is listed" in done.stderr
    else:
        with pytest.raises(InputErrors, match="its sha256 is") as raised:
            place.make()
        assert raised.value.code is Code.SOURCES_MISSING
    assert not place.package.parent.exists() or not list(place.package.parent.iterdir())


def test_all_missing_files_are_named_at_once(place: Place) -> None:
    names = [f"a-{n}.tar.gz" for n in range(3)]
    (place.specs / "sources").write_text("".join(f"- {name}\n" for name in names))
    with pytest.raises(InputErrors) as raised:
        place.make()
    assert [Path(error.place.file).name for error in raised.value.errors] == names


def test_the_end_of_what_rpmbuild_said_is_told(place: Place) -> None:
    (place.specs / "python-flit-core.spec").write_text(SPEC.replace("Release:", "Relase:"))
    with pytest.raises(InputError) as raised:
        place.make()
    assert raised.value.code is Code.NO_SOURCE_PACKAGE
    assert "Relase" in raised.value.hint
    assert not place.package.exists()


@pytest.mark.parametrize("way", ["function", "script"])
def test_what_the_packager_has_to_supply_is_told_where_it_is_missing(
    place: Place, way: str
) -> None:
    spec = SPEC.replace("flit_core-3.12.0.tar.gz", "other-1.tar.gz")
    (place.specs / "python-flit-core.spec").write_text(spec)
    (place.specs / "sources").write_text("# to be supplied: other-1.tar.gz (put it there)\n")
    if way == "script":
        told = place.run("make", "srpms").stderr
    else:
        with pytest.raises(InputError) as raised:
            place.make()
        told = raised.value.hint
    assert "other-1.tar.gz: No such file" in told
    assert "to be supplied: other-1.tar.gz (put it there)" in told


def test_a_spec_that_does_not_end_is_ended_with_all_that_it_started(
    place: Place, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    os.mkfifo(mark)
    endless = f"%(sleep 60 >{mark} & exec sleep 60)\n"
    (place.specs / "python-flit-core.spec").write_text(endless + SPEC)
    reader = os.open(mark, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(InputError, match="takes longer than 1 s"):
            place.make(seconds=1)
        os.set_blocking(reader, True)
        # It ends when nobody holds the other side any more.
        assert os.read(reader, 1) == b""
    finally:
        os.close(reader)


def test_an_rpmbuild_that_was_killed_is_told_as_that(place: Place, tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    killed.write_text("#!/bin/sh\necho half a line\nkill -9 $$\n")
    killed.chmod(0o755)
    with pytest.raises(InputError) as caught:
        place.make(rpmbuild=str(killed))
    assert caught.value.code is Code.NO_SOURCE_PACKAGE
    assert "SIGKILL" in caught.value.message
    assert "half a line" in caught.value.hint


def test_without_rpmbuild_the_missing_tool_is_named(place: Place, tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        place.make(rpmbuild=str(tmp_path / "nothing"))
    assert raised.value.code is Code.MISSING_TOOL


def test_a_directory_needs_exactly_one_spec(place: Place) -> None:
    (place.specs / "other.spec").write_text(SPEC)
    with pytest.raises(InputError, match="2 specs lie in it"):
        place.make()
    assert read_source_list("") == ()


@pytest.mark.parametrize(
    "line",
    [f"{DIGEST} ../../etc/passwd", f"{DIGEST} /etc/passwd", "abc file", DIGEST, "- ..", "- x.spec"],
)
def test_a_list_that_names_no_file_beside_it_is_refused(line: str) -> None:
    with pytest.raises(InputError, match="is no line of a list of sources"):
        read_source_list(line)


NAMES = st.sampled_from(
    [
        "$(touch RAN)",
        "`touch RAN`",
        "a b",
        "a;touch RAN",
        "a'b",
        'a"b',
        "%.tar",
        "a:b",
        "{{7*7}}",
        "#",
    ]
) | st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="/\0"), min_size=1)


@given(st.lists(NAMES, max_size=4), st.lists(NAMES, max_size=3))
def test_only_plain_names_are_in_the_rules(beside: list[str], listed: list[str]) -> None:
    lines = "".join(f"- {name}\n" for name in listed)
    specs = {f"specs/a-1/{name}": b"" for name in (*beside, "a.spec")}
    try:
        made = source_rules("x86_64", {**specs, "specs/a-1/sources": lines.encode()})
    except InputErrors:
        return
    text = made["srpms.mk"].decode("ascii")
    rule = next(line for line in text.splitlines() if line.startswith("srpms/a-1.src.rpm:"))
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+^=@,-/ :")
    assert set(rule) <= allowed
    assert len(text.splitlines()) == len(
        source_rules("x86_64", {"specs/a-1/a.spec": b""})["srpms.mk"].decode().splitlines()
    )


@pytest.mark.parametrize("arch", ["", "x86 64", "$(touch RAN)", "x" * 10_000])
def test_an_architecture_is_a_word(arch: str) -> None:
    with pytest.raises(InputErrors):
        source_rules(arch, files())
