"""Archives of strangers: damaged ones, and bombs."""

from __future__ import annotations

import io
import tarfile
import time
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamsolve.archives import ARCHIVE_FAULTS, tar_members
from streamsolve.artifacts.reading import code_of_file
from streamsolve.errors import InputError
from streamsolve.inputs.project_files import read_project_file
from streamsolve.inputs.sdist import read_sdist

from .damage import broken

METADATA = b"Metadata-Version: 2.2\nName: six\nVersion: 1.0\n"
ENDED = bytes(2 * tarfile.BLOCKSIZE)


def header(kind: bytes, size: int, name: str = "six-1.0/PKG-INFO") -> bytes:
    """A header with a right checksum, whatever size it states."""
    info = tarfile.TarInfo(name)
    info.type = kind
    block = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    block[124:136] = b"\x80" + size.to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def archive(fmt: int = tarfile.PAX_FORMAT) -> bytes:
    """An honest one, with a link and with headers about other headers."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=fmt) as tar:
        for name in ("six-1.0/PKG-INFO", "six-1.0/" + "d" * 120 + "/é"):
            info = tarfile.TarInfo(name)
            info.size = len(METADATA)
            tar.addfile(info, io.BytesIO(METADATA))
        link = tarfile.TarInfo("six-1.0/link")
        link.type, link.linkname = tarfile.SYMTYPE, "x" * 200
        tar.addfile(link)
    return content.getvalue()


def names(content: bytes, most: int = 10) -> list[str]:
    return [member.name for _, member in tar_members(io.BytesIO(content), most=most)]


@pytest.mark.parametrize("fmt", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_an_honest_archive_is_read_with_its_content(fmt: int) -> None:
    found = {}
    for tar, member in tar_members(io.BytesIO(archive(fmt)), most=3):
        content = tar.extractfile(member) if member.isreg() else None
        found[member.name] = content.read() if content else member.linkname.encode()
    long = "six-1.0/" + "d" * 120 + "/é"
    assert found == {"six-1.0/PKG-INFO": METADATA, long: METADATA, "six-1.0/link": b"x" * 200}


def test_an_archive_without_its_last_blocks_is_read() -> None:
    assert names(header(tarfile.DIRTYPE, 0, "six-1.0/")) == ["six-1.0"]


def test_more_members_than_are_wanted_are_refused() -> None:
    with pytest.raises(tarfile.ReadError, match="more than 2 members"):
        names(archive(), most=2)


SPECIAL = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
HOLES = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(header(b"Z", 1 << 60), id="a size beyond any file, of an unknown kind"),
        pytest.param(header(b"Z", 60 << 30), id="a size beyond this file"),
        pytest.param(header(tarfile.GNUTYPE_SPARSE, 1 << 60), id="a member with holes"),
        *(pytest.param(header(kind, 1 << 40), id=f"a header of {kind!r}") for kind in SPECIAL),
        *(
            pytest.param((header(kind, 512) + b"x" * 512) * 500, id=f"a chain of {kind!r}")
            for kind in SPECIAL
        ),
        pytest.param(
            header(tarfile.XHDTYPE, len(HOLES)) + HOLES.ljust(512, b"\0") + header(b"0", 512),
            id="a list of holes without end",
        ),
    ],
)
def test_a_bomb_is_refused_at_once(content: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(ARCHIVE_FAULTS):
        names(content)
    # Without a limit it takes minutes, or does not end.
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("kind", [b"Z", *SPECIAL])
def test_an_sdist_that_is_a_bomb_is_refused_in_our_words(kind: bytes) -> None:
    with pytest.raises(InputError, match=r"six-1\.0\.tar\.gz: the archive"):
        read_sdist(
            header(kind, 60 << 30) + ENDED, lambda _: True, file="six-1.0.tar.gz", limit=1 << 20
        )


def wheel(method: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as made:
        made.writestr("six-1.0.dist-info/METADATA", METADATA)
        made.writestr("six-1.0.dist-info/entry_points.txt", "[console_scripts]\na = b:c\n")
        made.writestr("six/x.so", b"\x7fELF" + bytes(200))
    return content.getvalue()


METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
WHEELS = tuple(map(wheel, METHODS))
TARS = (archive(), archive(tarfile.GNU_FORMAT))


def marks(content: bytes) -> list[int]:
    """Where the headers of a zip archive are."""
    starts = [at for at in range(len(content) - 4) if content[at : at + 2] == b"PK"]
    return [start + step for start in starts for step in range(46)]


def both_refuse_or_read(path: Path) -> None:
    for read in (read_project_file, code_of_file):
        with suppress(InputError):
            read(path)


@st.composite
def damaged_wheels(draw: st.DrawFn) -> bytes:
    content = draw(st.sampled_from(WHEELS))
    return draw(broken(content, marks(content)))


def with_bytes(content: bytes, changes: Iterable[tuple[int, bytes]]) -> bytes:
    found = bytearray(content)
    for at, piece in changes:
        found[at : at + len(piece)] = piece
    return bytes(found)


DIRECTORY = WHEELS[0].find(b"PK\x01\x02")
LZMA_CONTENT = WHEELS[3].find(b"METADATA") + 12


@settings(max_examples=150)
@given(damaged_wheels())
@example(with_bytes(WHEELS[3], [(LZMA_CONTENT, b"\xff" * 30)])).via("LZMAError")
@example(with_bytes(WHEELS[0], [(DIRECTORY + 28, b"\0\0")])).via("a member without a name")
@example(with_bytes(WHEELS[0], [(DIRECTORY + 9, b"\x08"), (DIRECTORY + 46, b"\xff")])).via("UTF-8")
def test_a_damaged_wheel_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("wheel") / "six-1.0-py3-none-any.whl"
    path.write_bytes(content)
    both_refuse_or_read(path)


def checked(content: bytes) -> bytes:
    """The checksums of headers made right again, so that the rest of them is read."""
    found = bytearray(content)
    for at in range(0, len(found) - 511, 512):
        if found[at + 257 : at + 262] == b"ustar":
            found[at + 148 : at + 156] = b" " * 8
            found[at + 148 : at + 156] = b"%06o\0 " % sum(found[at : at + 512])
    return bytes(found)


@st.composite
def damaged_tars(draw: st.DrawFn) -> bytes:
    content = draw(st.sampled_from(TARS))
    starts = [at for at in range(0, len(content), 512) if content[at + 257 : at + 262] == b"ustar"]
    fields = [start + step for start in starts for step in (0, 100, 124, 125, 135, 156, 157, 345)]
    return checked(draw(broken(content, [*fields, *(start + 512 for start in starts)])))


@settings(max_examples=150)
@given(damaged_tars())
def test_a_damaged_sdist_is_read_or_refused(content: bytes) -> None:
    with suppress(InputError):
        read_sdist(content, lambda _: True, file="six-1.0.tar.gz", limit=1 << 16)
