"""Members of a layer's tar archive (POSIX ``pax``, and plain ``ustar`` where that suffices)."""

from __future__ import annotations

import struct
import tarfile
import zlib

from attrs import frozen

__all__ = ["END", "Member", "MemberKind", "header", "padding", "whiteout"]

MemberKind = bytes
"""One of tarfile's types: ``REGTYPE``, ``DIRTYPE``, ``SYMTYPE``, ``LNKTYPE``, ``FIFOTYPE``."""

_BLOCK = 512
_XATTR = "SCHILY.xattr."
_USTAR = struct.Struct("100s48s8sc100s8s247x")
_NUMBERS = b"%07o\0%07o\0%07o\0%011o\0%011o\0"
_USTAR_MAGIC = b"ustar\x0000"
_SUM = 148
_NO_SUM = b" " * 8
_LONGEST_NAME = 100
_LARGEST_ID = 8**7 - 1
_LARGEST = 8**11 - 1
_WHITEOUT = b".wh."

END = bytes(2 * _BLOCK)
"""What an archive ends with."""


@frozen(kw_only=True)
class Member:
    """A member without its content. ``path`` is absolute, as the image sees it. ``target`` is what
    a symbolic link holds, or the path of the file that a hard link is another name of."""

    path: bytes
    kind: MemberKind = tarfile.REGTYPE
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    size: int = 0
    target: bytes = b""
    xattrs: tuple[tuple[str, bytes], ...] = ()


def header(member: Member) -> bytes:
    """The blocks before a member's content.

    Names are bytes: one that is no UTF-8 is written as it is, which PAX calls ``BINARY``. There are
    no names of users in it, since what they mean is in the image.
    """
    return _short(member) or _whole(member)


def _short(member: Member) -> bytes:
    """What tarfile makes of a member that needs no PAX, ten times as fast; nothing for others."""
    name, target = _relative(member.path), member.target
    if member.kind == tarfile.LNKTYPE:
        target = _relative(target)
    if member.kind == tarfile.DIRTYPE:
        name += b"/"
    mtime = member.mtime if member.mtime > 0 else 0
    if (
        len(name) > _LONGEST_NAME
        or len(target) > _LONGEST_NAME
        or not (name.isascii() and target.isascii())
        or member.uid > _LARGEST_ID
        or member.gid > _LARGEST_ID
        or member.size > _LARGEST
        or mtime > _LARGEST
        or member.xattrs
    ):
        return b""
    numbers = _NUMBERS % (member.mode & 0o7777, member.uid, member.gid, member.size, mtime)
    block = _USTAR.pack(name, numbers, _NO_SUM, member.kind, target, _USTAR_MAGIC)
    # The low half of Adler-32 is one more than the sum of the bytes, which for so few of them, and
    # none above 127, is far from where it would be reduced.
    total = (zlib.adler32(block) & 0xFFFF) - 1
    return b"%b%06o\0 %b" % (block[:_SUM], total, block[_SUM + len(_NO_SUM) :])


def _whole(member: Member) -> bytes:
    """Any member, as tarfile writes it."""
    found = tarfile.TarInfo(_text(_relative(member.path)))
    found.type = member.kind
    found.mode, found.mtime, found.size = member.mode, max(member.mtime, 0), member.size
    found.uid, found.gid = member.uid, member.gid
    hard = member.kind == tarfile.LNKTYPE
    found.linkname = _text(_relative(member.target) if hard else member.target)
    found.pax_headers = {f"{_XATTR}{name}": _text(value) for name, value in member.xattrs}
    return found.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def padding(size: int) -> bytes:
    """What comes after a content of that size."""
    return bytes(-size % _BLOCK)


def whiteout(path: bytes) -> Member:
    """The member that takes a file of a lower layer away."""
    directory, _, name = path.rpartition(b"/")
    return Member(path=directory + b"/" + _WHITEOUT + name)


def _relative(path: bytes) -> bytes:
    return path.lstrip(b"/") or b"."


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")
