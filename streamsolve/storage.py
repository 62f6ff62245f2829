"""Files on disk: written whole or not at all, and checked by content."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

__all__ = ["atomic_writer", "file_digest", "read_whole", "write_atomically"]

_BLOCK = 1 << 20
_MOST = 64 << 20


@contextmanager
def atomic_writer(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears under ``path`` only when the block ends without an error.

    The temporary file lies beside it, so that the rename is atomic; the directory is made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(handle, 0o666 & ~_umask())
            yield stream
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def read_whole(path: Path) -> bytes:
    """The content of a file that somebody names: a pipe is read too, a device without end is not.

    Raises ``OSError``, also for more than 64 MiB.
    """
    with path.open("rb") as stream:
        content = stream.read(_MOST + 1)
    if len(content) > _MOST:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return content


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def write_atomically(path: Path, content: bytes) -> None:
    """Put ``content`` under ``path``, whole or not at all."""
    with atomic_writer(path) as stream:
        stream.write(content)


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """The hexadecimal digest of a file, read in blocks of 1 MiB."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
