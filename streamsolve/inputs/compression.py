"""Files as binary streams, whatever they are compressed with.

The compression is told by the file's suffix. All four formats are sequences of frames that a
decompressor of the same shape reads one of, so one loop reads them all; the standard readers differ
in what they say of a file that ends early, and the one for zstd says nothing.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol, cast

from ..errors import Code, InputError, Place

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["SUFFIXES", "open_stream", "read_blocks"]

SUFFIXES = (".gz", ".zst", ".xz", ".bz2")
"""The suffixes of compressed files; any other file is read as it is."""

_BLOCK = 1 << 16
_GZIP_WINDOW = 31


class _Decompressor(Protocol):
    """What zlib, bz2, lzma and zstandard have in common: reads one frame."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def open_stream(path: Path, *, file: str = "") -> IO[bytes]:
    """The content of a file, decompressed while it is read.

    ``file`` is its name in messages, if not the path. Reading raises :class:`InputError` with
    ``TRUNCATED_FILE`` where it ends early or is damaged; opening raises ``OSError``.
    """
    if path.suffix not in SUFFIXES:
        return path.open("rb")
    raw = _Blocks(read_blocks(path, file=file))
    return cast("IO[bytes]", io.BufferedReader(raw, 1 << 20))


def read_blocks(path: Path, *, file: str = "") -> Iterator[bytes]:
    """The content of a compressed file in blocks of any size; raises as :func:`open_stream`."""
    name = file or str(path)
    make, fault = _decompressor(path.suffix)
    with path.open("rb") as source:
        try:
            yield from _frames(source, make)
        except (EOFError, OSError, fault) as error:
            what = "ends early" if isinstance(error, EOFError) else "is damaged"
            raise InputError(
                Code.TRUNCATED_FILE,
                f"the {path.suffix[1:]} file {what}",
                place=Place(name),
                hint="fetch it again; if it lies in the cache, delete it",
            ) from error


def _frames(source: IO[bytes], make: Callable[[], _Decompressor]) -> Iterator[bytes]:
    """Read frame after frame; EOFError where the input ends inside one, or before the first."""
    frame = make()
    while data := source.read(_BLOCK):
        while data:
            if frame.eof:
                frame = make()
            if block := frame.decompress(data):
                yield block
            # Writers may pad with zeros; no frame of any format starts with one.
            data = frame.unused_data.lstrip(b"\0") if frame.eof else b""
    if not frame.eof:
        raise EOFError


def _decompressor(suffix: str) -> tuple[Callable[[], _Decompressor], type[Exception]]:
    """What makes a decompressor for one frame, and what it raises on damaged input."""
    if suffix == ".zst":
        import zstandard

        return (
            lambda: cast("_Decompressor", zstandard.ZstdDecompressor().decompressobj()),
            zstandard.ZstdError,
        )
    if suffix == ".xz":
        import lzma

        return lzma.LZMADecompressor, lzma.LZMAError
    if suffix == ".bz2":
        import bz2

        return bz2.BZ2Decompressor, ValueError
    import zlib

    return lambda: cast("_Decompressor", zlib.decompressobj(_GZIP_WINDOW)), zlib.error


class _Blocks(io.RawIOBase):
    """A raw stream over an iterator of blocks."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._blocks, b""))
        target = memoryview(buffer).cast("B")
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        close = getattr(self._blocks, "close", None)
        if close is not None:
            close()
        super().close()
