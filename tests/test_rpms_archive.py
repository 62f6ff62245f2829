"""The archive in a payload comes out the same however a decompressor cuts it into pieces."""

from __future__ import annotations

from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.rpms.cpio import Archive
from streamsolve.rpms.decompression import PIECE, DamagedPayloadError, Inflated

from .handmade_rpm import cpio_archive, cpio_member

# The format has no member of the name that ends an archive.
_NAMES = (
    st.binary(min_size=1, max_size=30)
    .map(lambda name: name.replace(b"\0", b"0"))
    .filter(lambda name: name != b"TRAILER!!!")
)
_MEMBERS = st.lists(st.tuples(_NAMES, st.binary(max_size=40)), max_size=6)
_END = cpio_archive([])


@define
class _Pieces:
    """What a decompressor gives: at most ``size`` bytes, however many are asked for."""

    _content: bytes
    _size: int

    def read(self, size: int = -1, /) -> bytes:
        most = self._size if size < 0 else min(size, self._size)
        found, self._content = self._content[:most], self._content[most:]
        return found


def _archive(content: bytes, size: int) -> Archive:
    pieces = _Pieces(content, size)
    return Archive(Inflated(pieces, "", pieces))


def _read(content: bytes, size: int, *, at_once: bool) -> object:
    """The members with their contents, or what is wrong with the archive."""
    archive, found = _archive(content, size), []
    try:
        while (member := archive.next()) is not None:
            if at_once:
                read = archive.take(member.size) if member.size > 0 else b""
            else:
                read = b"".join(archive.content(max(member.size, 0)))
            found.append((member, read))
    except DamagedPayloadError as error:
        return str(error)
    return found


@given(members=_MEMBERS, size=st.integers(1, 300), at_once=st.booleans())
def test_members_are_read_from_pieces_of_any_size(
    members: list[tuple[bytes, bytes]], size: int, at_once: bool
) -> None:
    content = b"".join(cpio_member(name, data) for name, data in members) + _END
    found = _read(content, size, at_once=at_once)
    assert isinstance(found, list)
    assert [(member.name, data) for member, data in found] == members


@given(
    members=_MEMBERS.filter(bool), cut=st.floats(0, 0.999), size=st.integers(1, 300), data=st.data()
)
def test_what_is_wrong_with_an_archive_does_not_depend_on_the_pieces(
    members: list[tuple[bytes, bytes]], cut: float, size: int, data: st.DataObject
) -> None:
    whole = b"".join(cpio_member(name, content) for name, content in members)
    short = (whole + _END)[: int(cut * len(whole))]
    assert _read(short, size, at_once=True) == "it ends early"
    damaged = bytearray(whole + _END)
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    found = [_read(bytes(damaged), each, at_once=True) for each in (size, PIECE)]
    assert found[0] == found[1]


def test_a_large_content_is_not_put_together() -> None:
    content = b"x" * (3 * PIECE)
    archive = _archive(cpio_member(b"large", content) + _END, PIECE)
    member = archive.next()
    assert member is not None
    pieces = list(archive.content(member.size))
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= PIECE
    assert archive.next() is None
