"""The compressed payload of a package as a stream of bounded pieces.

Nothing is ever opened whole: a piece is at most :data:`PIECE` bytes, however well it compresses,
and what a decompressor may keep in memory is bounded too.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import IO, Protocol, cast

import zstandard
from attrs import define, field

__all__ = ["COMPRESSORS", "PIECE", "DamagedPayloadError", "Inflated", "Readable"]

PIECE = 1 << 18
"""The size of a piece, in bytes: what fits into a processor's cache with room to spare."""

COMPRESSORS = ("", "gzip", "bzip2", "xz", "lzma", "zstd")
"""The compressors by the names that headers give them."""

_WINDOW = 1 << 27
_MEMORY = 144 << 20
_GZIP = 31
_GZIP_MAGIC = b"\x1f\x8b"


class DamagedPayloadError(ValueError):
    """A payload that does not decompress. The message says what is wrong, without a place."""


class Readable(Protocol):
    """Something to read compressed bytes from; an empty answer is its end."""

    def read(self, size: int = -1, /) -> bytes:
        """At most so many bytes."""
        ...


class _Decompressor(Protocol):
    """What lzma, bz2 and, with the wrapper below, zlib offer."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


@define
class _Gzip:
    """zlib's decompressor with the manners of the others."""

    _inner: zlib._Decompress = field(factory=lambda: zlib.decompressobj(_GZIP))

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


def _new(compressor: str) -> _Decompressor:
    match compressor:
        case "gzip":
            return _Gzip()
        case "bzip2":
            return bz2.BZ2Decompressor()
        case "xz":
            return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)
        case _:
            return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_MEMORY)


@define
class _Members:
    """One compressed stream after the other, as gzip and xz allow them."""

    _source: Readable
    _compressor: str
    _current: _Decompressor

    def read(self, size: int = PIECE, /) -> bytes:
        while True:
            if self._current.eof:
                rest = self._current.unused_data or self._source.read(PIECE)
                if not rest:
                    return b""
                self._current = _new(self._compressor)
                found = self._current.decompress(rest, size)
            else:
                more = self._source.read(PIECE) if self._current.needs_input else b""
                if self._current.needs_input and not more:
                    raise DamagedPayloadError("it ends early")
                found = self._current.decompress(more, size)
            if found:
                return found


@define
class Inflated:
    """A payload, decompressed. ``compressor`` is the header's word; empty means gzip or nothing, as
    RPM reads it. Reading raises :class:`DamagedPayloadError`."""

    _source: Readable
    compressor: str
    _reader: Readable | None = None

    def read(self) -> bytes:
        """The next piece: at least one byte and at most :data:`PIECE`; nothing at the end."""
        if self._reader is None:
            self._reader = self._open()
        try:
            return self._reader.read(PIECE)
        except (zlib.error, lzma.LZMAError, zstandard.ZstdError, EOFError, OSError) as error:
            raise DamagedPayloadError(f"it does not decompress ({error})") from None

    def _open(self) -> Readable:
        if self.compressor == "zstd":
            engine = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
            source = cast("IO[bytes]", self._source)
            return engine.stream_reader(source, read_size=PIECE, read_across_frames=True)
        if self.compressor:
            return _Members(self._source, self.compressor, _new(self.compressor))
        start = self._source.read(PIECE)
        continued = _Continued(start, self._source)
        if start.startswith(_GZIP_MAGIC):
            return _Members(continued, "gzip", _new("gzip"))
        return continued


@define
class _Continued:
    """A source of which the beginning was read already."""

    _start: bytes
    _rest: Readable

    def read(self, size: int = -1, /) -> bytes:
        if self._start:
            start, self._start = self._start[:size], self._start[size:]
            return start
        return self._rest.read(size)
