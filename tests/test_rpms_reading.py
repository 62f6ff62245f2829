"""RPM files as rpmbuild makes them are read as rpm itself reads them."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from streamsolve.rpms import Entry, FileFlag, FileKind, Header, open_package

from .rpmworld import build_rpm, run

_INSTALL = r"""
mkdir -p usr/bin usr/share/rich/sub etc var/log
seq 1 5000 > usr/share/rich/numbers
echo one > usr/bin/one; ln usr/bin/one usr/bin/two; ln usr/bin/one usr/share/rich/sub/three
ln -s ../bin/one usr/share/rich/link; : > usr/share/rich/empty
echo x > "usr/share/rich/$(printf 'caf\351')"; echo conf > etc/rich.conf; touch var/log/rich.log
"""
_FILES = (
    "%attr(4755,root,root) /usr/bin/one",
    "%attr(4755,root,root) /usr/bin/two",
    "%attr(0750,nobody,nogroup) /usr/share/rich",
    "%attr(4755,root,root) /usr/share/rich/sub/three",
    "%config(noreplace) /etc/rich.conf",
    "%ghost /var/log/rich.log",
)
_TAGS = """
Epoch: 2
URL: https://rich.example/
Requires: bash >= 5, (python3 if python3-libs)
Requires(post): coreutils
Provides: rich(abi) = 7
Conflicts: poor < 1:2
Obsoletes: older <= 3-1
Recommends: nice
"""
_SCRIPTS = """
%post
echo done
%preun -p /sbin/ldconfig
%pretrans -p <lua>
print("hi")
%triggerin -- bash
true
"""
_PAYLOADS = ("w3.zstdio", "w9.gzdio", "w9.bzdio", "w2.xzdio", "w6.lzdio", "w.ufdio")


@pytest.fixture(scope="module", params=_PAYLOADS)
def rich(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with nearly everything that a package can have, in each compression."""
    return build_rpm(
        tmp_path_factory.mktemp("rich"),
        "rich",
        install=_INSTALL,
        files=_FILES,
        tags=_TAGS,
        scripts=_SCRIPTS,
        version="1.5~rc1",
        payload=request.param,
    )


def _ask(path: Path, form: str) -> list[str]:
    """What rpm prints of a package, a line for each value."""
    return run("rpm", "-qp", "--nosignature", "--qf", form, path).splitlines()


def _all(path: Path) -> tuple[Header, list[tuple[Entry, bytes]]]:
    with open_package(path) as package:
        content = [(entry, b"".join(package.read(entry))) for entry in package.entries()]
        return package.header, content


def test_the_header_is_as_rpm_says(rich: Path) -> None:
    header, _ = _all(rich)
    form = "%{NAME}\n%{EPOCH}\n%{VERSION}\n%{RELEASE}\n%{ARCH}\n%{SOURCERPM}\n%{LICENSE}\n%{URL}\n"
    assert [
        header.name,
        str(header.epoch),
        header.version,
        header.release,
        header.arch,
        header.sourcerpm,
        header.license,
        header.url,
    ] == _ask(rich, form)
    digests = _ask(rich, "%{SHA256HEADER}\n%{PAYLOADDIGEST}\n%{SIGMD5}\n%{BUILDTIME}\n%{SIZE}\n")
    assert digests == [
        header.header_digest.removeprefix("sha256:"),
        header.payload_digest.removeprefix("sha256:"),
        header.sigmd5,
        str(header.build_time),
        str(header.size),
    ]
    assert header.nevra == "rich-2:1.5~rc1-1.noarch"
    assert not header.source


def test_dependencies_are_in_the_language_of_rpm(rich: Path) -> None:
    header, _ = _all(rich)
    for found, tag in (
        (header.requires, "REQUIRE"),
        (header.provides, "PROVIDE"),
        (header.conflicts, "CONFLICT"),
        (header.obsoletes, "OBSOLETE"),
        (header.recommends, "RECOMMEND"),
    ):
        assert list(found) == _ask(rich, f"[%{{{tag}NEVRS}}\n]")
        assert found


def test_scriptlets_are_known_with_their_interpreters(rich: Path) -> None:
    header, _ = _all(rich)
    found = {each.kind: (each.interpreter, each.text) for each in header.scriptlets}
    assert found == {
        "post": ("/bin/sh", "echo done"),
        "preun": ("/sbin/ldconfig", ""),
        "pretrans": ("<lua>", 'print("hi")'),
        "trigger": ("/bin/sh", "true"),
    }


def test_the_files_are_as_rpm_lists_them(rich: Path) -> None:
    with open_package(rich) as package:
        files = package.files
    form = "%{FILEMODES}|%{FILESIZES}|%{FILEMTIMES}|%{FILEUSERNAME}|%{FILEGROUPNAME}|%{FILEFLAGS}"
    rows = _ask(rich, f"[{form}|%{{FILEDIGESTS}}|%{{FILELINKTOS}}\n]")
    kinds = {
        FileKind.FILE: stat.S_IFREG,
        FileKind.DIRECTORY: stat.S_IFDIR,
        FileKind.SYMLINK: stat.S_IFLNK,
    }
    assert rows == [
        "|".join(
            (
                str(kinds[each.kind] | each.mode),
                str(each.size),
                str(each.mtime),
                each.user,
                each.group,
                str(int(each.flags)),
                each.digest.removeprefix("sha256:"),
                each.target.decode(),
            )
        )
        for each in files
    ]
    listed = subprocess.run(["rpm", "-qpl", rich], capture_output=True, check=True).stdout
    assert b"".join(each.path + b"\n" for each in files) == listed


def test_the_content_is_what_rpm_unpacks(rich: Path, tmp_path: Path) -> None:
    archive = tmp_path / "archive.tar"
    with rich.open("rb") as package, archive.open("wb") as written:
        subprocess.run(["rpm2archive", "-n", "-"], stdin=package, stdout=written, check=True)
    run("tar", "-x", "-C", tmp_path, "-f", archive)
    _, found = _all(rich)
    for entry, content in found:
        place = os.fsencode(tmp_path) + entry.path
        if entry.kind is FileKind.FILE and entry.has_content:
            assert Path(os.fsdecode(place)).read_bytes() == content
    assert {entry.path for entry, _ in found if entry.kind is FileKind.FILE} == {
        b"/etc/rich.conf",
        b"/usr/bin/one",
        b"/usr/bin/two",
        b"/usr/share/rich/caf\xe9",
        b"/usr/share/rich/empty",
        b"/usr/share/rich/numbers",
        b"/usr/share/rich/sub/three",
    }


def test_names_of_one_file_share_a_group_and_its_content_comes_once(rich: Path) -> None:
    _, found = _all(rich)
    linked = [
        (entry.path, entry.has_content, content) for entry, content in found if entry.link_group
    ]
    assert [path for path, *_ in linked] == [
        b"/usr/bin/one",
        b"/usr/bin/two",
        b"/usr/share/rich/sub/three",
    ]
    assert [content for _, has, content in linked if has] == [b"one\n"]
    assert len({entry.link_group for entry, _ in found}) == 2


def test_a_ghost_is_listed_and_not_in_the_payload(rich: Path) -> None:
    with open_package(rich) as package:
        ghosts = [entry.path for entry in package.files if entry.is_ghost]
        there = [entry.path for entry in package.entries()]
        config = next(entry for entry in package.files if entry.is_config)
    assert ghosts == [b"/var/log/rich.log"]
    assert not set(ghosts) & set(there)
    assert config.flags & FileFlag.NO_REPLACE


def test_what_nobody_reads_is_passed_over(rich: Path) -> None:
    with open_package(rich) as package:
        seen = []
        for entry in package.entries():
            seen.append(entry.path)
            # One piece of one file, and nothing of the others.
            if entry.path.endswith(b"numbers"):
                assert next(iter(package.read(entry))).startswith(b"1\n2\n")
    assert sorted(seen) == [entry.path for entry in package.files if not entry.is_ghost]


def test_content_is_read_while_its_file_is_the_current_one(rich: Path) -> None:
    with open_package(rich) as package:
        entries = package.entries()
        first = next(entries)
        next(entries)
        with pytest.raises(ValueError, match="last"):
            package.read(first)
        with pytest.raises(ValueError, match="once"):
            next(package.entries())


def test_a_source_package_has_bare_names(tmp_path: Path) -> None:
    spec = tmp_path / "tiny.spec"
    spec.write_text(
        "Name: tiny\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nSource0: data.txt\n"
        "%description\n.\n"
    )
    (tmp_path / "data.txt").write_text("data\n")
    run(
        "rpmbuild",
        "-bs",
        "--define",
        f"_topdir {tmp_path}",
        "--define",
        f"_sourcedir {tmp_path}",
        spec,
    )
    (path,) = (tmp_path / "SRPMS").glob("*.src.rpm")
    header, found = _all(path)
    assert header.source
    assert header.nevra == "tiny-1-1.src"
    assert {entry.path: content for entry, content in found} == {
        b"data.txt": b"data\n",
        b"tiny.spec": spec.read_bytes(),
    }


def test_a_package_without_files_is_read(tmp_path: Path) -> None:
    header, found = _all(build_rpm(tmp_path, "empty"))
    assert (header.name, found) == ("empty", [])


def test_capabilities_are_those_of_the_header(tmp_path: Path) -> None:
    path = build_rpm(
        tmp_path,
        "capable",
        install="mkdir -p usr/bin; echo x > usr/bin/ping",
        files=("%caps(cap_net_raw,cap_net_admin=ep) /usr/bin/ping",),
    )
    with open_package(path) as package:
        assert [each.capabilities for each in package.files] == _ask(path, "[%{FILECAPS}\n]")
