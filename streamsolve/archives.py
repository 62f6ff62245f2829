"""Archives of strangers: what the standard library leaves open when one is damaged, or a bomb.

``zipfile`` and ``tarfile`` say in many ways that an archive is damaged (:data:`ARCHIVE_FAULTS`).
``tarfile`` passes over the end of a stream without noticing it, reads headers of any size into
memory, follows any number of headers that are about the next one, and keeps every member;
:func:`tar_members` does not.
"""

from __future__ import annotations

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, Literal, NoReturn, cast

from attrs import define

__all__ = ["ARCHIVE_FAULTS", "tar_members"]

ARCHIVE_FAULTS: tuple[type[Exception], ...] = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    LookupError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""What reading an archive raises that is damaged, encrypted, or packed in an unknown way, besides
``OSError``, which is what gzip and bz2 say, and the disk."""

_LARGEST = 64 << 30
_LARGEST_HEADER = 1 << 20
_MOST_HEADERS = 8
_MOST_GLOBAL = 16
_ABOUT_OTHERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


def tar_members(
    stream: IO[bytes],
    *,
    most: int,
    mode: Literal["r|*", "r|"] = "r|*",
    block: int = tarfile.RECORDSIZE,
) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """Each member of a tar archive that is read as a stream, with the archive, to read its content
    from before the next is asked for.

    ``block`` is how much is read at a time. Raises :data:`ARCHIVE_FAULTS` for one that is damaged,
    has more than ``most`` members, or members with holes.
    """
    source = cast("IO[bytes]", _Ending(stream))
    with tarfile.open(
        fileobj=source, mode=mode, tarinfo=_careful_members(), bufsize=block
    ) as archive:
        count = 0
        while (member := archive.next()) is not None:
            # Nothing goes back in a stream, so that nothing that was passed is kept.
            archive.members.clear()  # type: ignore[attr-defined]
            count += 1
            if count > most:
                raise tarfile.ReadError(f"it has more than {most} members")
            yield archive, member


@define
class _Ending:
    """A stream that says once that it has ended, and then that too much was asked for."""

    _stream: IO[bytes]
    _ended: bool = False

    def read(self, size: int = -1, /) -> bytes:
        found = self._stream.read(size)
        if not found and self._ended:
            raise EOFError("it ends early")
        self._ended = not found
        return found


def _careful_members() -> type[tarfile.TarInfo]:
    """A class of members for one archive, whose headers it counts."""
    in_a_row = of_all = 0

    class Careful(tarfile.TarInfo):
        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Any:  # noqa: ANN401
            nonlocal in_a_row, of_all
            found = super().frombuf(buf, encoding, errors)
            about_others = found.type in _ABOUT_OTHERS
            in_a_row = in_a_row + 1 if about_others else 0
            of_all += found.type == tarfile.XGLTYPE
            if not 0 <= found.size <= (_LARGEST_HEADER if about_others else _LARGEST):
                raise tarfile.ReadError(f"a header states {found.size} bytes")
            if in_a_row > _MOST_HEADERS or of_all > _MOST_GLOBAL:
                raise tarfile.ReadError("it has headers about headers")
            if found.type == tarfile.GNUTYPE_SPARSE:
                cls._has_holes()
            return found

        @staticmethod
        def _has_holes(*_: object) -> NoReturn:
            raise tarfile.ReadError("it has a member with holes, which is not read")

        # The three forms in which a header of the kind `x` lists the parts of such a member, as
        # many as it likes.
        _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _has_holes

    return Careful
