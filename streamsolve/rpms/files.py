"""The files of a package as its header lists them, each checked before anything is made of it."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from enum import Enum
from functools import cache
from typing import Any

from attrs import frozen

from .header_blob import BadHeaderError, HeaderBlob
from .tags import FileFlag, Tag

__all__ = ["Entry", "FileKind", "check_layout", "read_entries"]

_LONGEST_PATH = 4096
_LONGEST_NAME = 255
_ALGORITHMS = {1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}
_PERMISSIONS = 0o7777
_UNMARKED = FileFlag(0)
# Plain numbers: operations of flags are too slow for every file of an image.
_GHOST = int(FileFlag.GHOST)


_NO_NAMES = (b"", b".", b"..")


class FileKind(Enum):
    """What sort of file it is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    FIFO = "fifo"
    DEVICE = "device"
    SOCKET = "socket"


_KINDS = {
    stat.S_IFREG: FileKind.FILE,
    stat.S_IFDIR: FileKind.DIRECTORY,
    stat.S_IFLNK: FileKind.SYMLINK,
    stat.S_IFIFO: FileKind.FIFO,
    stat.S_IFCHR: FileKind.DEVICE,
    stat.S_IFBLK: FileKind.DEVICE,
    stat.S_IFSOCK: FileKind.SOCKET,
}


_FILE, _SYMLINK = FileKind.FILE, FileKind.SYMLINK
_MADE = (FileKind.FILE, FileKind.DIRECTORY, FileKind.SYMLINK, FileKind.FIFO)


@frozen(kw_only=True)
class Entry:
    """A file of a package.

    ``path`` is absolute and has no ``.``, ``..`` or doubled slash; in a source package it is a bare
    name. ``mode`` is the permissions alone. ``target`` is what a symbolic link holds. ``digest`` is
    ``algorithm:hexadecimal`` of the content. ``capabilities`` are text as ``getcap`` prints it.
    ``link_group`` is the same for files of the package that are one file, None for the others; the
    payload has the content with the last of them only, which ``has_content`` says. ``index`` is the
    place in the header. ``colour`` is 1 for 32-bit objects and 2 for 64-bit ones. ``mtime`` is in
    seconds since 1970.
    """

    path: bytes
    kind: FileKind
    mode: int
    size: int
    mtime: int
    user: str
    group: str
    index: int
    target: bytes = b""
    digest: str = ""
    capabilities: str = ""
    flags: FileFlag = _UNMARKED
    colour: int = 0
    link_group: tuple[int, int] | None = None
    has_content: bool = True

    @property
    def is_ghost(self) -> bool:
        """Whether the package only claims it: the payload lacks it, and RPM does not make it."""
        return bool(int.__and__(self.flags, _GHOST))

    @property
    def is_config(self) -> bool:
        """Whether it is configuration."""
        return bool(self.flags & FileFlag.CONFIG)


def read_entries(blob: HeaderBlob, *, source: bool = False) -> Iterator[Entry]:
    """All files of a header, ghosts too, in its order.

    Raises :class:`BadHeaderError` for paths that leave the root, devices, sockets, and lists that
    do not fit together. What is found is not kept, so that a header may list very many.
    """
    count = len(blob.strings(Tag.BASE_NAMES))
    sizes = blob.numbers(Tag.LONG_FILE_SIZES) or blob.numbers(Tag.FILE_SIZES)
    modes, mtimes = blob.numbers(Tag.FILE_MODES), blob.numbers(Tag.FILE_MTIMES)
    digests, links = blob.strings(Tag.FILE_DIGESTS), blob.strings(Tag.FILE_LINKS)
    users, groups = blob.strings(Tag.FILE_USERS), blob.strings(Tag.FILE_GROUPS)
    flags = blob.numbers(Tag.FILE_FLAGS)
    capabilities = blob.strings(Tag.FILE_CAPABILITIES) or (b"",) * count
    colours = blob.numbers(Tag.FILE_COLOURS) or (0,) * count
    listed: tuple[Sequence[Any], ...]
    listed = (sizes, modes, mtimes, digests, links, users, groups, flags, capabilities, colours)
    if any(len(each) != count for each in listed):
        raise BadHeaderError("the lists of its files do not have the same length")
    algorithm = _algorithm(blob)
    carriers, identities = _hard_links(blob, modes, flags)
    # Few of these are different, and there may be very many files.
    kinds = {mode: _KINDS.get(stat.S_IFMT(mode)) for mode in set(modes)}
    names = {each: _name(each) for each in {*users, *groups, *capabilities}}
    rows = zip(_paths(blob, source=source), *listed, strict=True)
    for index, row in enumerate(rows):
        path, size, mode, mtime, digest, link, user, group, mark, capability, colour = row
        kind = kinds[mode]
        if kind not in _MADE:
            kind = _unusual(path, kind, ghost=bool(mark & _GHOST))
        identity = identities.get(index)
        yield Entry(
            path=path,
            kind=kind,
            mode=mode & _PERMISSIONS,
            size=size,
            mtime=mtime,
            user=names[user],
            group=names[group],
            index=index,
            target=_target(path, link) if kind is _SYMLINK else b"",
            digest=_digest(path, algorithm, digest) if kind is _FILE and digest else "",
            capabilities=names[capability],
            flags=_flags(mark & 0xFFFF),
            colour=colour,
            link_group=identity,
            has_content=identity is None or carriers[identity] == index,
        )


def check_layout(entries: Sequence[Entry]) -> None:
    """Refuse a path that is there twice, files below what is no directory, and false hard links.

    So no file of a package can be reached through a link of the same package.
    """
    kinds: dict[bytes, FileKind] = {}
    for entry in entries:
        if entry.path in kinds:
            raise BadHeaderError(f"{_shown(entry.path)} is in it twice")
        kinds[entry.path] = FileKind.DIRECTORY if entry.is_ghost else entry.kind
    _check_hard_links(entries)
    # Each directory once, with the first file in it.
    first = {path.rpartition(b"/")[0]: path for path in reversed(kinds)}
    seen: set[bytes] = set()
    for above, path in first.items():
        while above and above not in seen:
            if kinds.get(above, FileKind.DIRECTORY) is not FileKind.DIRECTORY:
                kind = "a link" if kinds[above] is FileKind.SYMLINK else "no directory"
                raise BadHeaderError(f"{_shown(path)} lies below {_shown(above)}, which is {kind}")
            seen.add(above)
            above = above.rpartition(b"/")[0]


def _paths(blob: HeaderBlob, *, source: bool) -> Iterator[bytes]:
    """The paths, from directories and the names in them."""
    names, places = blob.strings(Tag.BASE_NAMES), blob.numbers(Tag.DIR_INDEXES)
    directories = [_directory(each, source=source) for each in blob.strings(Tag.DIR_NAMES)]
    if len(names) != len(places) or any(place >= len(directories) for place in places):
        raise BadHeaderError("its files and their directories do not fit together")
    if not names and 1027 in blob:
        raise BadHeaderError("it is of a format from before 1999")
    for name, place in zip(names, places, strict=True):
        path = directories[place] + name
        if (name in _NO_NAMES and path != b"/") or b"/" in name:
            raise BadHeaderError(f"{_shown(path)} is no path that a file can have")
        if len(name) > _LONGEST_NAME or len(path) > _LONGEST_PATH:
            raise BadHeaderError(f"{_shown(path)} is too long for a path")
        yield path


def _directory(path: bytes, *, source: bool) -> bytes:
    """A directory's path, which ends with a slash."""
    if source:
        if path:
            raise BadHeaderError(f"{_shown(path)} is a directory in a source package")
        return path
    parts = path.split(b"/")
    if len(parts) < 2 or parts[0] or parts[-1]:
        raise BadHeaderError(f"{_shown(path)} is no absolute path of a directory")
    if path != b"/" and any(part in (b"", b".", b"..") for part in parts[1:-1]):
        raise BadHeaderError(f"{_shown(path)} leaves its place")
    if any(len(part) > _LONGEST_NAME for part in parts):
        raise BadHeaderError(f"{_shown(path)} is too long for a path")
    return path


def _hard_links(
    blob: HeaderBlob, modes: Sequence[int], flags: Sequence[int]
) -> tuple[dict[tuple[int, int], int], dict[int, tuple[int, int]]]:
    """Of each group the last file, which has the content; and the group of each file in one."""
    inodes, devices = blob.numbers(Tag.FILE_INODES), blob.numbers(Tag.FILE_DEVICES)
    if len(inodes) != len(modes) or len(devices) != len(modes):
        return {}, {}
    if len(set(zip(devices, inodes, strict=True))) == len(inodes):
        return {}, {}
    members: dict[tuple[int, int], list[int]] = {}
    for index, (mode, inode) in enumerate(zip(modes, inodes, strict=True)):
        # RPM counts inodes as signed, and 0 or less is none.
        if stat.S_ISREG(mode) and not flags[index] & _GHOST and 0 < inode < 1 << 31:
            members.setdefault((devices[index], inode), []).append(index)
    groups = {identity: found for identity, found in members.items() if len(found) > 1}
    return (
        {identity: found[-1] for identity, found in groups.items()},
        {index: identity for identity, found in groups.items() for index in found},
    )


def _check_hard_links(entries: Sequence[Entry]) -> None:
    """Refuse names of one file that differ in more than the name."""
    first: dict[tuple[int, int], Entry] = {}
    for entry in entries:
        if entry.link_group is not None:
            one = first.setdefault(entry.link_group, entry)
            if (one.size, one.digest, one.mode) != (entry.size, entry.digest, entry.mode):
                names = f"{_shown(one.path)} and {_shown(entry.path)}"
                raise BadHeaderError(f"{names} are one file and differ")


@cache
def _flags(number: int) -> FileFlag:
    return FileFlag(number)


def _unusual(path: bytes, kind: FileKind | None, *, ghost: bool) -> FileKind:
    """A kind that is not made, and can only be claimed."""
    if kind is None:
        raise BadHeaderError(f"{_shown(path)} is of no kind that files have")
    if not ghost:
        raise BadHeaderError(f"{_shown(path)} is a {kind.value}")
    return kind


def _target(path: bytes, link: bytes) -> bytes:
    if not link or len(link) > _LONGEST_PATH:
        raise BadHeaderError(f"{_shown(path)} is a link to nowhere")
    return link


def _algorithm(blob: HeaderBlob) -> str:
    number = blob.number(Tag.FILE_DIGEST_ALGORITHM) or 1
    if number not in _ALGORITHMS:
        raise BadHeaderError(f"its files have digests of an unknown algorithm ({number})")
    return _ALGORITHMS[number]


def _digest(path: bytes, algorithm: str, digest: bytes) -> str:
    text = digest.decode("ascii", "replace").lower()
    if text.strip("0123456789abcdef"):
        raise BadHeaderError(f"{_shown(path)} has a digest that is none")
    return f"{algorithm}:{text}"


def _name(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _shown(path: bytes) -> str:
    """A path as messages have it: not too long, and nothing in it that a terminal acts on."""
    text = path.decode("utf-8", "backslashreplace")[:200]
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
