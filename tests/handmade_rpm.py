"""RPM files made by hand, byte by byte, with right digests and whatever else is asked for.

file = make_rpm(tmp_path, [HandFile(b"/usr/bin/x", b"content")])
make_rpm(tmp_path, [...], archive=lambda archive: archive[:100])   # what honest tools never make
"""

from __future__ import annotations

import gzip
import hashlib
import lzma
import stat
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import zstandard
from attrs import frozen

__all__ = ["HandFile", "cpio_archive", "cpio_member", "make_header", "make_rpm"]

_MAGIC = b"\x8e\xad\xe8\x01\0\0\0\0"
_INT16, _INT32, _INT64, _STRING, _BIN, _STRINGS = 3, 4, 5, 6, 7, 8
_WIDTH = {_INT16: ("H", 2), _INT32: ("I", 4), _INT64: ("Q", 8)}
_Value = Sequence[int] | Sequence[bytes] | bytes


@frozen
class HandFile:
    """A file as the header lists it. ``archived`` is its name in the payload, ``stated`` the size
    that the header gives it; both are true if nothing is said."""

    path: bytes
    content: bytes = b""
    mode: int = stat.S_IFREG | 0o644
    link: bytes = b""
    archived: bytes | None = None
    stated: int | None = None
    flags: int = 0
    user: bytes = b"root"
    group: bytes = b"root"
    caps: bytes = b""
    inode: int = 0
    digest: bytes | None = None
    colour: int = 0
    mtime: int = 1_500_000_000

    @property
    def size(self) -> int:
        if self.stated is not None:
            return self.stated
        return len(self.link or self.content)


def make_header(region: int, tags: Sequence[tuple[int, int, _Value]]) -> bytes:
    """A header with its magic number, from (tag, type, value) in order."""
    index, data = b"", b""
    for tag, kind, value in tags:
        if kind in _WIDTH:
            letter, width = _WIDTH[kind]
            data += bytes(-len(data) % width)
            packed, count = struct.pack(f">{len(value)}{letter}", *value), len(value)
        elif kind == _BIN:
            packed, count = bytes(value), len(value)  # type: ignore[arg-type]
        elif kind == _STRING:
            packed, count = bytes(value) + b"\0", 1  # type: ignore[arg-type]
        else:
            packed, count = b"".join(each + b"\0" for each in value), len(value)  # type: ignore[operator]
        index += struct.pack(">IIiI", tag, kind, len(data), count)
        data += packed
    entries = len(tags) + 1
    index = struct.pack(">IIiI", region, _BIN, len(data), 16) + index
    data += struct.pack(">IIiI", region, _BIN, -16 * entries, 16)
    return _MAGIC + struct.pack(">II", entries, len(data)) + index + data


def cpio_member(name: bytes, content: bytes, *, size: int | None = None, mode: int = 0) -> bytes:
    """A member of an archive; ``size`` may be another one than that of the content."""
    stated = len(content) if size is None else size
    fields = (1, mode, 0, 0, 1, 0, stated, 0, 0, 0, 0, len(name) + 1, 0)
    start = b"070701" + b"".join(b"%08x" % each for each in fields) + name + b"\0"
    return start + bytes(-len(start) % 4) + content + bytes(-len(content) % 4)


def cpio_archive(files: Sequence[HandFile]) -> bytes:
    """The payload of files, each under its name in the archive; ghosts are left out."""
    members = [
        cpio_member(
            b"." + file.path if file.archived is None else file.archived,
            file.link or file.content,
            mode=file.mode,
        )
        for file in files
        if not file.flags & 64
    ]
    return b"".join(members) + cpio_member(b"TRAILER!!!", b"")


def make_rpm(
    directory: Path,
    files: Sequence[HandFile],
    *,
    name: str = "evil",
    version: bytes = b"1",
    compressor: bytes = b"gzip",
    archive: Callable[[bytes], bytes] = bytes,
    compressed: Callable[[bytes], bytes] = bytes,
    more: Sequence[tuple[int, int, _Value]] = (),
    without: Sequence[int] = (),
    claimed: bytes = b"",
) -> Path:
    """A package of files. ``archive`` and ``compressed`` change the payload before and after it is
    compressed; all digests are of what comes out. ``more`` are further tags, ``without`` tags that
    are left out, ``claimed`` is the compressor that the header names instead."""
    payload = compressed(_compress(archive(cpio_archive(files)), compressor))
    tags = [
        each
        for each in _tags(files, name, version, claimed or compressor)
        if each[0] not in without
    ]
    tags += [(5092, _STRINGS, [hashlib.sha256(payload).hexdigest().encode()]), (5093, _INT32, [8])]
    tags += more
    header = make_header(63, sorted(tags, key=lambda tag: tag[0]))
    signature = make_header(
        62,
        [
            (273, _STRING, hashlib.sha256(header).hexdigest().encode()),
            (1000, _INT32, [len(header) + len(payload)]),
            (1004, _BIN, hashlib.md5(header + payload).digest()),
        ],
    )
    signature += bytes(-len(signature) % 8)
    lead = struct.pack(">4sBBHH66sHH16s", b"\xed\xab\xee\xdb", 3, 0, 0, 1, name.encode(), 1, 5, b"")
    path = directory / f"{name}.rpm"
    path.write_bytes(lead + signature + header + payload)
    return path


def _compress(archive: bytes, compressor: bytes) -> bytes:
    match compressor:
        case b"gzip":
            return gzip.compress(archive, mtime=0)
        case b"xz":
            return lzma.compress(archive)
        case b"zstd":
            return zstandard.ZstdCompressor().compress(archive)
        case _:
            return archive


def _tags(
    files: Sequence[HandFile], name: str, version: bytes, compressor: bytes
) -> list[tuple[int, int, _Value]]:
    tags: list[tuple[int, int, _Value]] = [
        (1000, _STRING, name.encode()),
        (1001, _STRING, version),
        (1002, _STRING, b"1"),
        (1006, _INT32, [1_600_000_000]),
        (1014, _STRING, b"MIT"),
        (1022, _STRING, b"noarch"),
        (1044, _STRING, b"evil-1-1.src.rpm"),
        (1124, _STRING, b"cpio"),
        (1125, _STRING, compressor),
    ]
    if not files:
        return tags
    directories = sorted({file.path.rpartition(b"/")[0] + b"/" for file in files})
    return [
        *tags,
        (1028, _INT32, [min(file.size, 0xFFFFFFFF) for file in files]),
        (1030, _INT16, [file.mode for file in files]),
        (1033, _INT16, [0 for _ in files]),
        (1034, _INT32, [file.mtime for file in files]),
        (1035, _STRINGS, [_digest(file) for file in files]),
        (1036, _STRINGS, [file.link for file in files]),
        (1037, _INT32, [file.flags for file in files]),
        (1039, _STRINGS, [file.user for file in files]),
        (1040, _STRINGS, [file.group for file in files]),
        (1095, _INT32, [1 for _ in files]),
        (1096, _INT32, [file.inode or 100 + number for number, file in enumerate(files)]),
        (1116, _INT32, [directories.index(file.path.rpartition(b"/")[0] + b"/") for file in files]),
        (1117, _STRINGS, [file.path.rpartition(b"/")[2] for file in files]),
        (1118, _STRINGS, directories),
        (1140, _INT32, [file.colour for file in files]),
        (5010, _STRINGS, [file.caps for file in files]),
        (5011, _INT32, [8]),
    ]


def _digest(file: HandFile) -> bytes:
    if file.digest is not None:
        return file.digest
    if not stat.S_ISREG(file.mode):
        return b""
    return hashlib.sha256(file.content).hexdigest().encode()
