"""Where an image's users and groups come from: its base image, or the packages themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from ..rpms import FileKind, open_package
from .accounts import Accounts
from .contents import LayerPackages

__all__ = ["GROUP", "HOMES", "PASSWD", "add_user", "read_accounts", "read_sysusers"]

PASSWD, GROUP = b"/etc/passwd", b"/etc/group"
HOMES = "/home/"
"""Where new users have their homes."""

_PLACE = b"/etc"
_SYSUSERS = b"/usr/lib/sysusers.d"
_ENDING = b".conf"
_FIRST_USER = 1001
_MOST = 1 << 20


def read_accounts(kept: Mapping[bytes, Path], groups: Sequence[LayerPackages]) -> Accounts:
    """Those of the base image, of which the files are at hand; what it does not have is taken from
    the packages, the first that has it."""
    found = {path: kept[path].read_bytes() for path in (PASSWD, GROUP) if path in kept}
    missing = {PASSWD, GROUP} - set(found)
    for path, text in _texts(groups, _PLACE, missing.__contains__) if missing else ():
        found.setdefault(path, text)
    return Accounts(found.get(PASSWD, b""), found.get(GROUP, b""))


def read_sysusers(groups: Sequence[LayerPackages]) -> list[bytes]:
    """The files of ``sysusers.d`` in packages, by name, as systemd reads them."""
    found = dict(_texts(groups, _SYSUSERS, lambda path: path.endswith(_ENDING)))
    return [found[path] for path in sorted(found)]


def add_user(accounts: Accounts, name: str) -> None:
    """Add a user without rights, unless there is one of that name."""
    line = f"u {name} {_FIRST_USER} - {HOMES}{name} /sbin/nologin"
    accounts.declare([line.encode()])


def _texts(
    groups: Sequence[LayerPackages], directory: bytes, wanted: Callable[[bytes], bool]
) -> Iterator[tuple[bytes, bytes]]:
    """The content of small files that packages have in a directory."""
    for path in (path for group in groups for path, _ in group.packages):
        with open_package(path) as package:
            if not package.has_files_in(directory):
                continue
            left = {
                entry.index
                for entry in package.files
                if entry.path.rpartition(b"/")[0] == directory
                and wanted(entry.path)
                and entry.kind is FileKind.FILE
                and entry.has_content
                and not entry.is_ghost
                and entry.size <= _MOST
            }
            entries = package.entries()
            while left:
                entry = next(entries)
                if entry.index in left:
                    left.remove(entry.index)
                    yield entry.path, b"".join(package.read(entry))
