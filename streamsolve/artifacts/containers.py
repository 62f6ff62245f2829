"""The files in a package, a wheel, a directory, or a file alone, one after another.

Each is given by its path, its size and its bytes in blocks; nothing is unpacked to disk. Links are
not followed.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO

from attrs import frozen

from ..archives import ARCHIVE_FAULTS
from ..errors import Code, InputError, Place
from ..rpms import FileKind, PackageFile
from .feed import BLOCK

__all__ = [
    "MOST_CONTENT",
    "Member",
    "broken",
    "is_package",
    "is_wheel",
    "members_of_package",
    "members_of_wheel",
    "open_wheel",
    "plain_file",
    "printable",
    "reading",
]

MOST_CONTENT = 64 << 30
"""The most bytes that the files of one wheel may have together."""

_PACKAGE = b"\xed\xab\xee\xdb"
_ZIP = b"PK\x03\x04"


@frozen
class Member:
    """A file. ``head`` are its first bytes, which are the first of ``blocks`` as well."""

    path: str
    size: int
    head: bytes
    blocks: Iterator[bytes]
    jump: Callable[[int], object] | None = None


def printable(text: str) -> str:
    """A name or a dependency as it can be shown: what moves a terminal's cursor is escaped."""
    if text.isprintable():
        return text
    escaped = (c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return "".join(escaped)


def broken(path: Path, what: str, member: str = "") -> InputError:
    """The error for an artifact that cannot be read."""
    return InputError(Code.BROKEN_ARTIFACT, what, place=Place(str(path), path=member))


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what reading can fail with into :class:`InputError` (``BROKEN_ARTIFACT``)."""
    try:
        yield
    except ARCHIVE_FAULTS as error:
        raise broken(path, f"it is no wheel that can be read: {error}") from None
    except OSError as error:
        raise broken(path, f"it cannot be read: {error.strerror or error}") from None


def is_package(path: Path) -> bool:
    """Whether a file begins as an RPM package does."""
    return _begins(path, _PACKAGE)


def is_wheel(path: Path) -> bool:
    """Whether a file is called and begins as a wheel does."""
    return path.suffix == ".whl" and _begins(path, _ZIP)


def _begins(path: Path, magic: bytes) -> bool:
    with reading(path), path.open("rb") as opened:
        return opened.read(len(magic)) == magic


def plain_file(path: Path, opened: IO[bytes], shown: str) -> Member:
    """A file on disk; of what is not looked at nothing is read."""

    def jump(count: int) -> None:
        opened.seek(count, 1)

    head = opened.read(BLOCK)
    return Member(shown, path.stat().st_size, head, chain((head,), _blocks(opened)), jump)


def members_of_package(opened: PackageFile) -> Generator[Member, None, None]:
    """The files of a package, once; raises :class:`InputError` (``BAD_PACKAGE_FILE``)."""
    for entry in opened.entries():
        if entry.kind is FileKind.FILE and entry.has_content:
            pieces = opened.read(entry)
            head = next(pieces, b"")
            path = printable(entry.path.decode("utf-8", "backslashreplace"))
            yield Member(path, entry.size, head, chain((head,), pieces))


def open_wheel(path: Path) -> zipfile.ZipFile:
    """A wheel; raises :class:`InputError` (``BROKEN_ARTIFACT``)."""
    with reading(path):
        archive = zipfile.ZipFile(path)
        if sum(info.file_size for info in archive.infolist()) > MOST_CONTENT:
            archive.close()
            raise broken(path, f"its files have more than {MOST_CONTENT} bytes")
        return archive


def members_of_wheel(archive: zipfile.ZipFile) -> Generator[Member, None, None]:
    """The files of a wheel, in its order; raises what :func:`reading` turns into errors."""
    for info in archive.infolist():
        if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
            continue
        with archive.open(info) as opened:
            head = opened.read(256)
            yield Member(
                printable(info.filename), info.file_size, head, chain((head,), _blocks(opened))
            )


def _blocks(opened: IO[bytes]) -> Iterator[bytes]:
    while block := opened.read(BLOCK):
        yield block
