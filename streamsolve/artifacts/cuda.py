"""NVIDIA's fat binaries: which architectures they hold, read from their headers alone.

A container is a header of 16 bytes (magic, version 1, its own size, the size of all entries) and
entries one after another, each a header that states its size, and the code. The code may be
compressed, which the header says and which does not matter here. NVIDIA does not document the
format; what is known of it was compared with the code inside, decompressed, in wheels that CUDA
12.8 to 13.2 built: the number is that of the code object, and two flags say whether it is bound to
its capability (``sm_90a``) or its family (``sm_100f``), which code objects do not always say.

Fields of an entry's header: 0 kind, 4 size of the header, 8 size of the code with its padding, 28
the architecture's number, 40 flags.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ..model.gpu import CodeKind
from .feed import DamagedCodeError, Feed

__all__ = ["MAGIC", "read_container"]

MAGIC = b"\x50\xed\x55\xba\x01\x00\x10\x00"
"""The magic number of a container, its version, and the size of its header, which is always the
same: four bytes alone are met in other code."""

_SIZE = struct.Struct("<8xQ")
_ENTRY = struct.Struct("<HHIQ12xI8xQ16x")
_MOST_HEADER = 1 << 16
_PTX, _ELF, _LINK, _MERCURY = 1, 2, 8, 16
_ACCELERATED, _FAMILY = 0x100000, 0x200000
_OLDEST, _NEWEST = 10, 999

Code = tuple[str, CodeKind]


def read_container(feed: Feed) -> Iterator[Code]:
    """The code in the container that begins here, which is taken away.

    Raises :class:`DamagedCodeError` for one that does not hold what its sizes say.
    """
    (size,) = _SIZE.unpack(feed.exactly(_SIZE.size))
    if _SIZE.size + size > feed.left:
        raise DamagedCodeError("a CUDA fat binary is cut off")
    feed.skip(_SIZE.size)
    end = feed.at + size
    while end - feed.at >= _ENTRY.size:
        kind, _, header, size, number, flags = _ENTRY.unpack(feed.exactly(_ENTRY.size))
        if not kind and not header and not size:
            break  # padding
        if not _ENTRY.size <= header <= _MOST_HEADER or header + size > end - feed.at:
            raise DamagedCodeError("an entry of a CUDA fat binary is larger than its place")
        feed.skip(header + size)
        if code := _code(kind, number, flags):
            yield code
    feed.skip(end - feed.at)


def _code(kind: int, number: int, flags: int) -> Code | None:
    """What an entry is; None for a kind that is no code for a GPU, or not known."""
    if kind not in (_PTX, _ELF, _LINK, _MERCURY):
        return None
    if not _OLDEST <= number <= _NEWEST:
        raise DamagedCodeError(f"a CUDA fat binary is for an architecture {number}")
    suffix = "a" if flags & _ACCELERATED else "f" if flags & _FAMILY else ""
    if kind == _PTX:
        return f"compute_{number}{suffix}", CodeKind.PORTABLE
    return f"sm_{number}{suffix}", CodeKind.LINK if kind == _LINK else CodeKind.MACHINE
