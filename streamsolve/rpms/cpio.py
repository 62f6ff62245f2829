"""The archive in a payload: cpio's ``newc`` form, and RPM's own, whose members are numbers.

A member of the ordinary form begins with its name and size (``070701``, ``070702``); a stripped one
(``07070X``) with the place of its file in the header alone, which says the rest. RPM writes those
where a file has 4 GiB or more, and in version 6 always.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, frozen

from .decompression import DamagedPayloadError, Inflated

__all__ = ["Archive", "Member"]

_MAGIC_SIZE = 6
_FIELDS = 13
_SIZE, _NAME_SIZE = 6, 11
_HEX = 8
_ALIGNMENT = 4
_ORDINARY = (b"070701", b"070702")
_STRIPPED = b"07070X"
_TRAILER = b"TRAILER!!!"
_LONGEST_NAME = 4096 + 2
_PADDING = 1 << 12
_DIGITS = frozenset(b"0123456789abcdefABCDEF")


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
    _at: int = 0

    def next(self) -> Member | None:
        """The next member; None at the end of the archive, after which only padding comes."""
        padding = -self._at % _ALIGNMENT
        start = self._take(padding + _MAGIC_SIZE + _HEX)
        self._check_padding(start[:padding])
        magic, digits = start[padding : padding + _MAGIC_SIZE], start[padding + _MAGIC_SIZE :]
        if magic == _STRIPPED:
            self._check_padding(self._take(-self._at % _ALIGNMENT))
            return Member(b"", -1, _numbers(digits, 0)[0])
        if magic not in _ORDINARY:
            raise DamagedPayloadError("its archive is no cpio archive")
        digits += self._take((_FIELDS - 1) * _HEX)
        size, length = _numbers(digits, _SIZE, _NAME_SIZE)
        if not 1 < length <= _LONGEST_NAME:
            raise DamagedPayloadError("a name in its archive has no possible length")
        name = self._take(length + -(self._at + length) % _ALIGNMENT)
        if name.find(b"\0") != length - 1:
            raise DamagedPayloadError("a name in its archive does not end where it should")
        self._check_padding(name[length:])
        if name[: length - 1] == _TRAILER:
            self._finish()
            return None
        return Member(name[: length - 1], size)

    def content(self, size: int) -> Iterator[bytes]:
        """The next ``size`` bytes, in pieces."""
        left = size
        while left:
            piece = self._stream.read(left)
            if not piece:
                raise DamagedPayloadError("it ends early")
            left -= len(piece)
            self._at += len(piece)
            yield piece

    def _take(self, size: int) -> bytes:
        self._at += size
        return self._stream.exactly(size)

    @staticmethod
    def _check_padding(padding: bytes) -> None:
        if padding.strip(b"\0"):
            raise DamagedPayloadError("its archive has something between its members")

    def _finish(self) -> None:
        """What comes after the end is padding, and not much of it."""
        left = _PADDING
        while piece := self._stream.read(left + 1):
            left -= len(piece)
            if left < 0 or piece.strip(b"\0"):
                raise DamagedPayloadError("something comes after the end of its archive")


def _numbers(digits: bytes, *places: int) -> tuple[int, ...]:
    """Some of the numbers in a row of them, which must all be numbers."""
    if not _DIGITS.issuperset(digits):
        raise DamagedPayloadError("a number in its archive is none")
    return tuple(int(digits[place * _HEX : (place + 1) * _HEX], 16) for place in places)
