"""The binary form of RPM's headers: an index of typed entries, and their data.

All integers are big-endian. An index entry is (tag, type, offset, count). Entries lie in the data
in the order of the index and do not overlap, which bounds each of them by the next. The first one,
the region, states how much of both belongs to what was signed; in a file that is all.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

from .tags import Type

__all__ = ["BadHeaderError", "HeaderBlob", "Slot", "parse_blob"]

_COUNTS = struct.Struct(">II")
_INDEX = struct.Struct(">IIiI")
_TRAILER = struct.Struct(">IIiI")
_REGION_SIZE = 16
_FORMATS = {Type.CHAR: "B", Type.INT8: "B", Type.INT16: "H", Type.INT32: "I", Type.INT64: "Q"}
_SIZES = {Type.INT16: 2, Type.INT32: 4, Type.INT64: 8}
_TEXTS = (Type.STRING, Type.STRING_ARRAY, Type.I18NSTRING)
_MOST_ENTRIES = 0xFFFF


class BadHeaderError(ValueError):
    """Bytes that are no header. The message says what is wrong, without a place."""


@frozen
class Slot:
    """Where an entry's data lies: ``end`` is where the next one begins."""

    type: Type
    start: int
    end: int
    count: int


@frozen
class HeaderBlob:
    """A header: ``content`` is its index and data, with the two counts before them.

    Values are asked for by tag; one that is not there is empty.
    """

    content: bytes
    data: bytes
    slots: Mapping[int, Slot]

    def __contains__(self, tag: int) -> bool:
        return tag in self.slots

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The integers of a tag. Raises :class:`BadHeaderError` for another type."""
        slot = self.slots.get(tag)
        if slot is None:
            return ()
        letter = _FORMATS.get(slot.type)
        if letter is None:
            raise BadHeaderError(f"tag {tag} holds no numbers")
        return struct.unpack_from(f">{slot.count}{letter}", self.data, slot.start)

    def number(self, tag: int) -> int | None:
        """The first integer of a tag, or None."""
        found = self.numbers(tag)
        return found[0] if found else None

    def strings(self, tag: int) -> tuple[bytes, ...]:
        """The strings of a tag. Raises :class:`BadHeaderError` for another type."""
        slot = self.slots.get(tag)
        if slot is None:
            return ()
        if slot.type not in _TEXTS:
            raise BadHeaderError(f"tag {tag} holds no text")
        return tuple(self.data[slot.start : slot.end].split(b"\0", slot.count)[: slot.count])

    def string(self, tag: int) -> bytes:
        """The first string of a tag, or nothing."""
        found = self.strings(tag)
        return found[0] if found else b""

    def binary(self, tag: int) -> bytes:
        """The bytes of a tag that holds some, or nothing."""
        slot = self.slots.get(tag)
        if slot is None:
            return b""
        if slot.type is not Type.BIN:
            raise BadHeaderError(f"tag {tag} holds no bytes")
        return self.data[slot.start : slot.start + slot.count]


def parse_blob(content: bytes, region: int, *, whole: bool = True) -> HeaderBlob:
    """A header from its bytes, without the magic number.

    ``region`` is the tag of the region that it must begin with. ``whole`` says that the region is
    all of it, as in a package file; in a database more entries follow.
    """
    if len(content) < _COUNTS.size:
        raise BadHeaderError("a header is cut off")
    entries, size = _COUNTS.unpack_from(content)
    at = _COUNTS.size + entries * _INDEX.size
    if not 0 < entries <= _MOST_ENTRIES or len(content) != at + size:
        raise BadHeaderError("the sizes of a header do not fit")
    data = content[at:]
    index = list(_INDEX.iter_unpack(content[_COUNTS.size : at]))
    signed = _region(index[0], data, region, entries)
    if whole and signed != (entries, size):
        raise BadHeaderError("the region of a header is not all of it")
    return HeaderBlob(content, data, MappingProxyType(_slots(index[1:], data, signed)))


def _region(
    first: tuple[int, int, int, int], data: bytes, region: int, entries: int
) -> tuple[int, int]:
    """How many entries and how many bytes of data belong to the region."""
    tag, kind, offset, count = first
    if (tag, kind, count) != (region, Type.BIN, _REGION_SIZE):
        raise BadHeaderError("a header has no region")
    if not 0 <= offset <= len(data) - _REGION_SIZE:
        raise BadHeaderError("the region of a header lies outside it")
    _, kind, back, count = _TRAILER.unpack_from(data, offset)
    number, rest = divmod(-back, _INDEX.size)
    if (kind, count, rest) != (Type.BIN, _REGION_SIZE, 0) or not 0 < number <= entries:
        raise BadHeaderError("the region of a header ends wrongly")
    return number, offset + _REGION_SIZE


def _slots(
    index: list[tuple[int, int, int, int]], data: bytes, signed: tuple[int, int]
) -> dict[int, Slot]:
    """All entries but the region, by tag; of a tag that is there twice the first counts."""
    found: dict[int, Slot] = {}
    trailer = signed[1] - _REGION_SIZE
    ends = [offset for _, _, offset, _ in index[1:]]
    for number, (tag, kind, start, count) in enumerate(index):
        last = number == signed[0] - 2
        end = trailer if last else ends[number] if number < len(ends) else len(data)
        if not 0 <= start <= end <= len(data) or (start < trailer < end):
            raise BadHeaderError(f"the data of tag {tag} lies outside its place")
        if kind not in Type._value2member_map_ or kind == Type.NULL or not count:
            raise BadHeaderError(f"tag {tag} is of no known type")
        slot = Slot(Type(kind), start, end, count)
        _check_size(tag, slot, data)
        found.setdefault(tag, slot)
    return found


def _check_size(tag: int, slot: Slot, data: bytes) -> None:
    """Whether as much is there as the index says."""
    room = slot.end - slot.start
    if slot.type in _TEXTS:
        single = slot.type is Type.STRING
        if (single and slot.count != 1) or data.count(b"\0", slot.start, slot.end) < slot.count:
            raise BadHeaderError(f"the text of tag {tag} is cut off")
        return
    width = _SIZES.get(slot.type, 1)
    if slot.start % width or slot.count * width > room:
        raise BadHeaderError(f"the numbers of tag {tag} are cut off")
