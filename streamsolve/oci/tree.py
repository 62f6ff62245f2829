"""What is where in an image while its layers are put together: directories, links and files.

RPM follows links to directories that are there when it installs, so that ``/lib64/x`` lands in
``/usr/lib64/x``. A layer has to say so itself: a directory in it would hide the link below.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field, frozen

from ..errors import Code, InputError

__all__ = ["BASE", "DirectoryState", "ImageTree", "parents"]

BASE = -1
"""The owner of a file that the base image has."""

_MOST_LINKS = 40


@frozen
class DirectoryState:
    """The attributes of a directory."""

    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    xattrs: tuple[tuple[str, bytes], ...] = ()


@define
class ImageTree:
    """Directories with their attributes, links with their targets, files with a number for whoever
    owns them. All paths are absolute and canonical: no link is on the way to them."""

    directories: dict[bytes, DirectoryState] = field(factory=dict)
    links: dict[bytes, bytes] = field(factory=dict)
    files: dict[bytes, int] = field(factory=dict)
    _resolved: dict[bytes, bytes] = field(factory=dict)

    def canonical(self, path: bytes) -> bytes:
        """A path whose directory is resolved; what it names itself may be a link."""
        above, _, name = path.rpartition(b"/")
        if not name:
            return b"/"
        directory = self.directory(above or b"/")
        return directory.rstrip(b"/") + b"/" + name

    def directory(self, path: bytes) -> bytes:
        """The directory that a path leads to, inside the image.

        Raises :class:`InputError` (``BAD_IMAGE``) for links that go in circles.
        """
        if not self.links:
            return path
        known = self._resolved.get(path)
        if known is None:
            known = self._resolved[path] = self._follow(path)
        return known

    def link(self, path: bytes, target: bytes) -> None:
        """Note a link. What was resolved before may now lead elsewhere."""
        self.links[path] = target
        self._resolved.clear()

    def remove(self, path: bytes) -> None:
        """Take away a path and everything below it."""
        below = path + b"/"
        places: tuple[dict[bytes, Any], ...] = (self.directories, self.links, self.files)
        was_directory = path not in self.files and path not in self.links
        for each in places:
            each.pop(path, None)
        if was_directory:
            for each in places:
                for found in [name for name in each if name.startswith(below)]:
                    del each[found]
        self._resolved.clear()

    def _follow(self, path: bytes) -> bytes:
        left = [part for part in reversed(path.split(b"/")) if part]
        found: list[bytes] = []
        links = 0
        while left:
            part = left.pop()
            if part == b".":
                continue
            if part == b"..":
                found = found[:-1]
                continue
            here = b"/" + b"/".join((*found, part))
            target = self.links.get(here)
            if target is None:
                found.append(part)
                continue
            links += 1
            if links > _MOST_LINKS:
                raise InputError(Code.BAD_IMAGE, f"the links on the way to {path!r} have no end")
            if target.startswith(b"/"):
                found = []
            left += [each for each in reversed(target.split(b"/")) if each]
        return b"/" + b"/".join(found)


def parents(path: bytes) -> list[bytes]:
    """The directories above a path, without the root, outermost first."""
    parts = path.split(b"/")[1:-1]
    return [b"/" + b"/".join(parts[: number + 1]) for number in range(len(parts))]
