"""The archive in a payload: cpio's ``newc`` form, and RPM's own, whose members are numbers.

A member of the ordinary form begins with its name and size (``070701``, ``070702``); a stripped one
(``07070X``) with the place of its file in the header alone, which says the rest. RPM writes those
where a file has 4 GiB or more, and in version 6 always.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator

from attrs import define, frozen

from .decompression import DamagedPayloadError, Inflated

__all__ = ["Archive", "Member"]

_MAGIC = 6
_HEX = 8
_START = _MAGIC + 13 * _HEX
_STRIPPED_START = _MAGIC + _HEX
# Of thirteen numbers two count here: the size of the content, and that of the name.
_INDEX = struct.Struct(">I")
_NUMBERS = struct.Struct(">24xI16xI4x")
_ALIGNMENT = 4
_ORDINARY = (b"070701", b"070702")
_STRIPPED = b"07070X"
_TRAILER = b"TRAILER!!!"
_LONGEST_NAME = 4096 + 2
_PADDING = 1 << 12
_MOST = _START + _LONGEST_NAME + 2 * _ALIGNMENT
_EARLY = "it ends early"


@frozen
class Member:
    """The beginning of a member: ``name`` and ``size`` of an ordinary one, ``index`` of a stripped
    one, which has no name and a size of -1."""

    name: bytes
    size: int
    index: int = -1


@define
class Archive:
    """The members of a payload, one after the other. All content of one must be read before the
    next. Reading raises :class:`DamagedPayloadError`."""

    _stream: Inflated
    # What was decompressed and not read yet is ``_block`` from ``_at`` on; ``_before`` is how much
    # came before that block, which says where members are aligned.
    _block: bytes = b""
    _at: int = 0
    _before: int = 0

    def next(self) -> Member | None:
        """The next member; None at the end of the archive, after which only padding comes."""
        if self._at + _MOST > len(self._block):
            self._fill(_MOST, whole=False)
        block, start = self._block, self._padded(self._at)
        magic, at = block[start : start + _MAGIC], start + _START
        if magic == _STRIPPED:
            at = start + _STRIPPED_START
            (index,) = _INDEX.unpack(_binary(block[start + _MAGIC : at], _HEX))
            self._at = self._padded(at)
            return Member(b"", -1, index)
        if magic not in _ORDINARY:
            early = len(block) - start < _MAGIC
            raise DamagedPayloadError(_EARLY if early else "its archive is no cpio archive")
        size, length = _NUMBERS.unpack(_binary(block[start + _MAGIC : at], _START - _MAGIC))
        if not 1 < length <= _LONGEST_NAME:
            raise DamagedPayloadError("a name in its archive has no possible length")
        end = block.find(b"\0", at, at + length)
        if at + length > len(block):
            raise DamagedPayloadError(_EARLY)
        if end != at + length - 1:
            raise DamagedPayloadError("a name in its archive does not end where it should")
        self._at = self._padded(end + 1)
        name = block[at:end]
        if name == _TRAILER:
            self._finish()
            return None
        return Member(name, size)

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes, at once: they should be few."""
        end = self._at + size
        if end > len(self._block):
            self._fill(size)
            end = size
        found = self._block[self._at : end]
        self._at = end
        return found

    def content(self, size: int) -> Iterator[bytes]:
        """The next ``size`` bytes, in pieces, with nothing copied that need not be."""
        left = size
        while left:
            if self._at == len(self._block):
                self._before += self._at
                self._block, self._at = self._more(), 0
            piece = self._block[self._at : self._at + left]
            self._at += len(piece)
            left -= len(piece)
            yield piece

    def _padded(self, at: int) -> int:
        """The place in the block that is aligned, with nothing on the way to it."""
        padded = at + -(self._before + at) % _ALIGNMENT
        if padded != at:
            if padded > len(self._block):
                raise DamagedPayloadError(_EARLY)
            if self._block[at:padded].strip(b"\0"):
                raise DamagedPayloadError("its archive has something between its members")
        return padded

    def _fill(self, size: int, *, whole: bool = True) -> None:
        """Have so many bytes at the beginning of the block, or all that there are."""
        parts = [self._block[self._at :]]
        self._before += self._at
        missing = size - len(parts[0])
        while missing > 0 and (more := self._more() if whole else self._stream.read()):
            parts.append(more)
            missing -= len(more)
        self._block, self._at = b"".join(parts), 0

    def _more(self) -> bytes:
        found = self._stream.read()
        if not found:
            raise DamagedPayloadError(_EARLY)
        return found

    def _finish(self) -> None:
        """What comes after the end is padding, and not much of it."""
        piece, left = self._block[self._at :] or self._stream.read(), _PADDING
        while piece:
            left -= len(piece)
            if left < 0 or piece.strip(b"\0"):
                raise DamagedPayloadError("something comes after the end of its archive")
            piece = self._stream.read()


def _binary(digits: bytes, size: int) -> bytes:
    """A row of hexadecimal numbers, which must all be there and be numbers, as bytes."""
    if len(digits) != size:
        raise DamagedPayloadError(_EARLY)
    try:
        return binascii.unhexlify(digits)
    except binascii.Error:
        raise DamagedPayloadError("a number in its archive is none") from None
