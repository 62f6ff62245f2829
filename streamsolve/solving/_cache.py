"""The solver's cache files: checked before libsolv reads them, since a damaged one crashes it.

A file is a header of 48 bytes (what it is, and the sha256 of the rest) and then what libsolv
wrote. It appears whole or not at all, and one that does not check is treated as absent.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..storage import atomic_writer

__all__ = ["FORMAT", "open_cached", "write_cache"]

FORMAT = 1
"""Raised whenever what is stored in a cache file changes its meaning."""

_MAGIC = b"streamsolve.solv"
_BLOCK = 1 << 20
_HEADER = len(_MAGIC) + hashlib.sha256().digest_size


def open_cached(path: Path) -> int | None:
    """A descriptor that stands behind the header, for the caller to close; None if absent."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if os.pread(descriptor, _HEADER, 0) == _MAGIC + _digest(descriptor, _HEADER):
            os.lseek(descriptor, _HEADER, os.SEEK_SET)
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def write_cache(path: Path, fill: Callable[[int], None]) -> None:
    """Store what ``fill`` writes to the descriptor it is given.

    A cache that cannot be written (a full or read-only disk) only costs time the next run.
    """
    with suppress(OSError), atomic_writer(path) as stream:
        stream.write(bytes(_HEADER))
        stream.flush()
        fill(stream.fileno())
        stream.seek(0)
        stream.write(_MAGIC + _digest(stream.fileno(), _HEADER))


def _digest(descriptor: int, start: int) -> bytes:
    """The sha256 of a file from ``start`` on, wherever its descriptor stands."""
    digest = hashlib.sha256()
    while block := os.pread(descriptor, _BLOCK, start):
        digest.update(block)
        start += len(block)
    return digest.digest()
