"""A file of a package as a member of a layer: its owners, its permissions, its capabilities."""

from __future__ import annotations

import tarfile

from ..rpms import Entry, FileKind
from .accounts import Accounts
from .capabilities import ATTRIBUTE, capability_attribute
from .tar import Member
from .tree import DirectoryState

__all__ = ["collide", "directory_member", "directory_state", "entry_member", "prefers"]

_SETUID, _SETGID = 0o4000, 0o2000
_COLOURS, _PREFERRED = 3, 2
_TYPES = {
    FileKind.FILE: tarfile.REGTYPE,
    FileKind.SYMLINK: tarfile.SYMTYPE,
    FileKind.FIFO: tarfile.FIFOTYPE,
}


def entry_member(entry: Entry, path: bytes, accounts: Accounts, latest: int) -> Member:
    """The member for what is no directory. No time is later than ``latest``.

    Raises :class:`ValueError` for capabilities that no file can have.
    """
    mode, uid, gid = _owners(entry, accounts)
    xattrs: tuple[tuple[str, bytes], ...] = ()
    if entry.capabilities and entry.kind is FileKind.FILE:
        xattrs = ((ATTRIBUTE, capability_attribute(entry.capabilities)),)
    link = entry.kind is FileKind.SYMLINK
    return Member(
        path=path,
        kind=_TYPES[entry.kind],
        mode=0o777 if link else mode,
        uid=uid,
        gid=gid,
        mtime=min(entry.mtime, latest),
        size=entry.size if entry.kind is FileKind.FILE else 0,
        target=entry.target,
        xattrs=xattrs,
    )


def directory_state(entry: Entry, accounts: Accounts) -> DirectoryState:
    """The attributes of a package's directory."""
    return DirectoryState(*_owners(entry, accounts))


def directory_member(path: bytes, state: DirectoryState) -> Member:
    """The member for a directory."""
    return Member(
        path=path,
        kind=tarfile.DIRTYPE,
        mode=state.mode,
        uid=state.uid,
        gid=state.gid,
        xattrs=state.xattrs,
    )


def _owners(entry: Entry, accounts: Accounts) -> tuple[int, int, int]:
    """Mode, user and group. As RPM does it, what belongs to somebody unknown belongs to the
    superuser, and does not run with that one's rights."""
    mode = entry.mode
    uid, gid = accounts.user(entry.user), accounts.group_number(entry.group)
    if uid is None:
        mode &= ~_SETUID
    if gid is None:
        mode &= ~_SETGID
    return mode, uid or 0, gid or 0


def collide(one: Entry, other: Entry) -> bool:
    """Whether two packages may not both have these files at one path, as RPM compares them."""
    if one.kind is not other.kind or (one.user, one.group) != (other.user, other.group):
        return True
    if one.kind is FileKind.SYMLINK:
        return one.target != other.target
    if one.mode != other.mode:
        return True
    return one.kind is FileKind.FILE and (one.size, one.digest) != (other.size, other.digest)


def prefers(one: Entry, other: Entry) -> bool | None:
    """Of two files of different colour whether the first is made; None where that decides nothing.

    Fedora prefers 64 bits.
    """
    colours = one.colour & _COLOURS, other.colour & _COLOURS
    if not all(colours) or colours[0] == colours[1]:
        return None
    if colours[0] & _PREFERRED:
        return True
    return False if colours[1] & _PREFERRED else None
