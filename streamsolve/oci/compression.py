"""Compressed layers whose bytes depend on the content and on nothing else.

gzip works on blocks that do not depend on the number of processors, each with what comes before it
as its dictionary, so that they can be compressed at the same time and are one stream for whoever
reads them. zstd has that built in, also with one worker, and works on jobs of 2 MiB here, so that
none waits long for the last. No name, no time and no checksum of zstd's is written, since a blob is
known by its digest. Another version of zlib or libzstd may compress to other bytes.
"""

from __future__ import annotations

import struct
import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum
from typing import Protocol

import zstandard
from attrs import define, field

__all__ = ["Compression", "Compressor", "compressor"]

_GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_GZIP_LEVEL = 6
_ZSTD_LEVEL = 3
_BLOCK = 1 << 18
_JOB = 1 << 21
_DICTIONARY = 1 << 15
_RAW = -15
_MEMORY_LEVEL = 9


class Compression(Enum):
    """How layers are compressed; the value is the ending of their media type."""

    ZSTD = "zstd"
    GZIP = "gzip"


class Compressor(Protocol):
    """Takes content in pieces of any size, and gives what can be written already."""

    def add(self, data: bytes) -> bytes:
        """More content."""
        ...

    def end(self) -> bytes:
        """No more content: the rest of the stream."""
        ...


def compressor(kind: Compression, pool: ThreadPoolExecutor, workers: int) -> Compressor:
    """A new stream. ``pool`` compresses blocks of gzip; ``workers`` is for zstd, which has threads
    of its own. The bytes depend on neither."""
    return _Gzip(pool, 2 * workers + 1) if kind is Compression.GZIP else _Zstd(workers)


@define
class _Zstd:
    workers: int
    _inner: zstandard.ZstdCompressionObj = field(init=False)

    def __attrs_post_init__(self) -> None:
        # A worker gets its next job only when more is added; meanwhile others have theirs.
        threads = 2 * self.workers if self.workers > 1 else 1
        parameters = zstandard.ZstdCompressionParameters.from_level(
            _ZSTD_LEVEL, threads=threads, job_size=_JOB, write_checksum=False
        )
        self._inner = zstandard.ZstdCompressor(compression_params=parameters).compressobj()

    def add(self, data: bytes) -> bytes:
        return self._inner.compress(data)

    def end(self) -> bytes:
        return self._inner.flush()


@define
class _Gzip:
    """Blocks of 256 KiB; at most ``most`` of them are under way."""

    _pool: ThreadPoolExecutor
    _most: int
    _buffer: bytearray = field(factory=bytearray)
    _before: bytes = b""
    _running: deque[Future[bytes]] = field(factory=deque)
    _checksum: int = 0
    _size: int = 0
    _started: bool = False

    def add(self, data: bytes) -> bytes:
        self._checksum = zlib.crc32(data, self._checksum)
        self._size += len(data)
        self._buffer += data
        done = b"" if self._started else _GZIP_HEADER
        self._started = True
        at = 0
        while len(self._buffer) - at >= _BLOCK:
            self._submit(bytes(self._buffer[at : at + _BLOCK]), last=False)
            at += _BLOCK
        del self._buffer[:at]
        return done + self._ready(self._most)

    def end(self) -> bytes:
        start = b"" if self._started else _GZIP_HEADER
        self._submit(bytes(self._buffer), last=True)
        trailer = struct.pack("<II", self._checksum, self._size & 0xFFFFFFFF)
        return start + self._ready(0) + trailer

    def _submit(self, block: bytes, *, last: bool) -> None:
        self._running.append(self._pool.submit(_deflated, block, self._before, last))
        self._before = block[-_DICTIONARY:]

    def _ready(self, most: int) -> bytes:
        done = []
        while self._running and (len(self._running) > most or self._running[0].done()):
            done.append(self._running.popleft().result())
        return b"".join(done)


def _deflated(block: bytes, before: bytes, last: bool) -> bytes:
    engine = zlib.compressobj(
        _GZIP_LEVEL, zlib.DEFLATED, _RAW, _MEMORY_LEVEL, zlib.Z_DEFAULT_STRATEGY, before
    )
    return engine.compress(block) + engine.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)
