"""Clang's offload bundles, in which HIP keeps its code objects, plain and compressed.

A bundle is a magic text, the number of its entries, and for each entry where its code is, how much
that is, and an identifier such as ``hipv4-amdgcn-amd-amdhsa--gfx90a:xnack-``; what is for the host
is an entry as well. A compressed one is a header in one of three versions and the bundle in zlib or
zstd, of which only the beginning is decompressed here.
Source: Clang's documentation of its offload bundler.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator

from attrs import frozen

from ..model.gpu import ANY_AMD, CodeKind
from .feed import DamagedCodeError, Feed

__all__ = ["COMPRESSED", "PLAIN", "read_bundle", "read_compressed", "target_of"]

PLAIN = b"__CLANG_OFFLOAD_BUNDLE__"
COMPRESSED = b"CCOB"

_COUNT = struct.Struct("<Q")
_ENTRY = struct.Struct("<QQQ")
_COMMON = struct.Struct("<4sHH")
_SIZES = {1: struct.Struct("<8xI8x"), 2: struct.Struct("<8xII8x"), 3: struct.Struct("<8xQQ8x")}
_START = len(PLAIN) + _COUNT.size
_LARGEST = max(form.size for form in _SIZES.values())
_MOST_ENTRIES = 1024
_LONGEST = 512
_ENOUGH = 1 << 18
_HEAD = 1 << 16
_MOST_WINDOW = 1 << 31
_MOST_NUMBER = 255
_TARGET = re.compile(
    r"(?:.*-)?(?P<arch>gfx[0-9]+(?:-[0-9]+)*-generic|gfx[0-9a-f]{3,5}|sm_[0-9]+[af]?|"
    rf"{ANY_AMD})(?P<features>(?::[a-z]+[+-])*)"
)

Code = tuple[str, CodeKind]


@frozen
class _Head:
    """The beginning of a bundle: the code that it lists, and its size."""

    code: tuple[Code, ...]
    size: int


def target_of(identifier: str) -> Code | None:
    """The architecture that an entry's identifier names, and what its code is; None for the
    host."""
    found = _TARGET.fullmatch(identifier)
    if found is None:
        return None
    portable = found["arch"] == ANY_AMD
    return found["arch"] + found["features"], CodeKind.PORTABLE if portable else CodeKind.MACHINE


def read_bundle(feed: Feed) -> Iterator[Code] | None:
    """The code in the bundle that begins here, which is taken away; None for the magic text alone,
    as a compiler has it. Raises :class:`DamagedCodeError` for a bundle that is cut off."""
    # Little is looked at before it is worth it: the magic text may be there millions of times.
    if _count(feed.peek(_START)) is None:
        return None
    head = _head(feed.peek(_HEAD))
    if head is None:
        return None
    if head.size > feed.left:
        raise DamagedCodeError("an offload bundle is cut off")
    feed.skip(head.size)
    return iter(head.code)


def read_compressed(feed: Feed) -> Iterator[Code] | None:
    """The same for a compressed bundle."""
    start = feed.peek(_LARGEST)
    if len(start) < _COMMON.size:
        return None
    _, version, method = _COMMON.unpack_from(start)
    if not 0 < version <= _MOST_NUMBER or method > _MOST_NUMBER:
        return None
    form = _SIZES.get(version)
    if form is None or method not in _METHODS:
        raise DamagedCodeError(
            f"a compressed offload bundle has version {version} and method {method}, of which one "
            "is not known"
        )
    if len(start) < form.size:
        raise DamagedCodeError("a compressed offload bundle is cut off")
    *total, _ = form.unpack_from(start)
    if total and not form.size <= total[0] <= feed.left:
        raise DamagedCodeError("a compressed offload bundle is cut off")
    content = feed.peek(min(total[0], _ENOUGH) if total else _ENOUGH)[form.size :]
    head = _head(_METHODS[method](content))
    if head is None:
        raise DamagedCodeError("a compressed offload bundle holds something else")
    # The first version does not say where it ends: the next one is found by its magic.
    feed.skip(total[0] if total else form.size)
    return iter(head.code)


def _head(start: bytes) -> _Head | None:
    """The entries of a bundle. None for what follows the magic text and can be no entries."""
    count = _count(start)
    if count is None:
        return None
    at = _START
    found: list[Code] = []
    end = 0
    for _ in range(count):
        if len(start) < at + _ENTRY.size:
            raise DamagedCodeError("the entries of an offload bundle are cut off")
        offset, size, length = _ENTRY.unpack_from(start, at)
        at += _ENTRY.size
        identifier = start[at : at + length] if length <= _LONGEST else b""
        if not identifier or len(identifier) < length or not identifier.isascii():
            raise DamagedCodeError("an entry of an offload bundle has no name")
        at += length
        end = max(end, offset + size)
        # What is only named and has no code was left out.
        if size and (code := target_of(identifier.decode("ascii"))):
            found.append(code)
    return _Head(tuple(found), max(end, at))


def _count(start: bytes) -> int | None:
    """How many entries a bundle has; None if it is none."""
    if not start.startswith(PLAIN) or len(start) < _START:
        return None
    (count,) = _COUNT.unpack_from(start, len(PLAIN))
    return count if 0 < count <= _MOST_ENTRIES else None


def _zlib(content: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(content, _HEAD)
    except zlib.error as error:
        raise DamagedCodeError("a compressed offload bundle does not decompress") from error


def _zstd(content: bytes) -> bytes:
    import zstandard

    # A frame of one segment has a window as large as itself, of which only the beginning is used.
    reader = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW)
    try:
        with reader.stream_reader(io.BytesIO(content)) as opened:
            return opened.read(_HEAD)
    except zstandard.ZstdError as error:
        raise DamagedCodeError("a compressed offload bundle does not decompress") from error


_METHODS = {0: _zlib, 1: _zstd}
