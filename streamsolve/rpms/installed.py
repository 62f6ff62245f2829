"""The header of a package as a database of RPM has it: as it was signed, and a few entries more.

Added are the signatures and digests that stand before the header in the file, when and how it was
installed, and what became of each file. Source: ``headerMergeLegacySigs`` and ``dbAdd`` in RPM.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from enum import IntEnum

from attrs import frozen

from .header_blob import HeaderBlob, Slot
from .payload import PackageFile
from .tags import SignatureTag, Tag, Type

__all__ = ["FileState", "installed_header"]

_PREFIXES = 1098
_INSTALLED_PREFIXES = 1099
_FIRST_OF_HEADER = 1000
_VERSION_6 = 6
_COUNTS = struct.Struct(">II")
_INDEX = struct.Struct(">IIiI")
_WIDTHS = {Type.INT16: 2, Type.INT32: 4, Type.INT64: 8}
_TEXTS = (Type.STRING, Type.STRING_ARRAY, Type.I18NSTRING)
# Where a tag of the signatures goes in the header.
_MOVED = {
    SignatureTag.SIZE: 257,
    1002: 259,
    SignatureTag.MD5: 261,
    1005: 262,
    267: 267,
    268: 268,
    SignatureTag.SHA1: SignatureTag.SHA1,
    SignatureTag.LONG_SIZE: SignatureTag.LONG_SIZE,
    SignatureTag.LONG_ARCHIVE_SIZE: SignatureTag.LONG_ARCHIVE_SIZE,
    SignatureTag.SHA256: SignatureTag.SHA256,
    276: 276,
    277: 277,
    278: 278,
    279: 279,
    SignatureTag.PAYLOAD_SIZE: Tag.ARCHIVE_SIZE,
    274: 5090,
    275: 5091,
}


class FileState(IntEnum):
    """What became of a file."""

    NORMAL = 0
    REPLACED = 1
    NOT_INSTALLED = 2
    NET_SHARED = 3
    WRONG_COLOUR = 4


@frozen(order=True)
class _Added:
    tag: int
    type: int
    count: int
    data: bytes


def installed_header(
    package: PackageFile, states: Mapping[int, FileState], time: int, colour: int
) -> bytes:
    """The header as the database keeps it.

    ``states`` are those of the files, by their place in the header, that are not ``NORMAL``;
    ``time`` is when it was installed, in seconds since 1970; ``colour`` is the sum of the colours
    that the system has, 3 for a 64-bit one.
    """
    added = [*_signatures(package.signature, package.blob)]
    number = struct.Struct(">I")
    added.append(_Added(Tag.INSTALL_TIME, Type.INT32, 1, number.pack(time)))
    added.append(_Added(Tag.INSTALL_COLOUR, Type.INT32, 1, number.pack(colour)))
    added.append(_Added(Tag.INSTALL_ID, Type.INT32, 1, number.pack(time)))
    if count := len(package.blob.numbers(Tag.FILE_MODES)):
        marks = bytes(states.get(index, FileState.NORMAL) for index in range(count))
        added.append(_Added(Tag.FILE_STATES, Type.CHAR, len(marks), marks))
    if prefixes := package.blob.slots.get(_PREFIXES):
        data = _data(package.blob, prefixes)
        added.append(_Added(_INSTALLED_PREFIXES, prefixes.type, prefixes.count, data))
    return _appended(package.blob.content, sorted(added))


def _signatures(signature: HeaderBlob, header: HeaderBlob) -> Iterable[_Added]:
    modern = (header.number(Tag.RPM_FORMAT) or 0) >= _VERSION_6
    for tag, slot in signature.slots.items():
        moved = _MOVED.get(tag)
        if moved is None or moved in header or (modern and tag >= _FIRST_OF_HEADER):
            continue
        yield _Added(moved, slot.type, slot.count, _data(signature, slot))


def _data(blob: HeaderBlob, slot: Slot) -> bytes:
    """The bytes of an entry, without what fills the place up to the next."""
    if slot.type in _TEXTS:
        parts = blob.data[slot.start : slot.end].split(b"\0", slot.count)[: slot.count]
        return b"\0".join(parts) + b"\0"
    return blob.data[slot.start : slot.start + slot.count * _WIDTHS.get(slot.type, 1)]


def _appended(content: bytes, added: list[_Added]) -> bytes:
    """A header with more entries after its region."""
    entries, _ = _COUNTS.unpack_from(content)
    split = _COUNTS.size + entries * _INDEX.size
    index, data = bytearray(content[_COUNTS.size : split]), bytearray(content[split:])
    for each in added:
        data += bytes(-len(data) % _WIDTHS.get(Type(each.type), 1))
        index += _INDEX.pack(each.tag, each.type, len(data), each.count)
        data += each.data
    return _COUNTS.pack(entries + len(added), len(data)) + bytes(index + data)
