"""Which file of a header a member of the archive is."""

from __future__ import annotations

from attrs import define

from .cpio import Member
from .decompression import DamagedPayloadError
from .files import Entry

__all__ = ["Names", "shown"]


@define
class Names:
    """The files of a header by the names of an archive, which has nearly always the same order."""

    _files: tuple[Entry, ...]
    source: bool
    _next: int = 0
    _by_path: dict[bytes, int] | None = None

    def find(self, member: Member) -> Entry:
        """The file of a member. Raises :class:`DamagedPayloadError` if there is none."""
        if member.size < 0:
            if member.index >= len(self._files):
                raise DamagedPayloadError("its payload has a file that its header does not list")
            return self._files[member.index]
        path = member.name if self.source else self._path(member.name)
        while self._next < len(self._files):
            entry = self._files[self._next]
            if entry.path == path:
                self._next += 1
                return entry
            if not entry.is_ghost:
                break
            self._next += 1
        if self._by_path is None:
            self._by_path = {entry.path: entry.index for entry in self._files}
        if path not in self._by_path:
            raise DamagedPayloadError(f"its header does not list {shown(member.name)}")
        self._next = self._by_path[path] + 1
        return self._files[self._next - 1]

    @staticmethod
    def _path(name: bytes) -> bytes:
        """``./usr`` and ``/usr`` mean the same, in this form alone."""
        if name.startswith(b"./"):
            return name[1:]
        return name if name.startswith(b"/") else b"/" + name


def shown(path: bytes) -> str:
    """A path as messages have it."""
    return ascii(path.decode("utf-8", "surrogateescape"))[1:-1][:200]
