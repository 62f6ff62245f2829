"""What the cache directory holds, and how it is cleaned.

Everything in it comes back when it is needed: downloads, what was read out of them, and the
solver's own files. Nothing else that lies in the directory is counted or removed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from attrs import frozen

__all__ = ["CacheArea", "Cleaned", "cache_areas", "clean_cache"]

_AREAS = {
    "build-systems": "what sdists need to build",
    "files": "downloads that are checked by content: metadata of repositories, sources",
    "http": "answers of servers, by address",
    "listings": "releases of a package index",
    "metadata": "metadata of releases",
    "solv": "repositories as the solver reads them",
}


@frozen
class CacheArea:
    """One part of the cache. ``size`` is in bytes."""

    name: str
    what: str
    files: int
    size: int


@frozen
class Cleaned:
    """What was removed; ``size`` is in bytes. ``kept`` are files that could not be."""

    files: int
    size: int
    kept: int = 0


def cache_areas(cache: Path) -> tuple[CacheArea, ...]:
    """The parts of a cache directory that are there, by name."""
    found = []
    for name, what in sorted(_AREAS.items()):
        sizes = [status.st_size for _, status in _files(cache / name)]
        if sizes:
            found.append(CacheArea(name, what, len(sizes), sum(sizes)))
    return tuple(found)


def clean_cache(cache: Path, *, unused_since: float | None = None) -> Cleaned:
    """Remove what is kept, or only what nobody has read or written since a time (seconds of the
    epoch, as far as the file system notes that).

    A run that goes on meanwhile at most fetches a thing again.
    """
    files = size = kept = 0
    for name in _AREAS:
        for path, status in _files(cache / name):
            if unused_since is not None and max(status.st_atime, status.st_mtime) >= unused_since:
                continue
            try:
                path.unlink()
            except FileNotFoundError:
                continue
            except OSError:
                kept += 1
                continue
            files, size = files + 1, size + status.st_size
        _drop_empty(cache / name)
    return Cleaned(files, size, kept)


def _files(directory: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """All regular files below; no link is followed, and what vanishes meanwhile is passed over."""
    if directory.is_symlink():
        return
    for top, _, names in os.walk(directory):
        for name in names:
            path = Path(top, name)
            with suppress(OSError):
                status = path.lstat()
                if stat.S_ISREG(status.st_mode):
                    yield path, status


def _drop_empty(directory: Path) -> None:
    if directory.is_symlink():
        return
    for top, _, _ in os.walk(directory, topdown=False):
        with suppress(OSError):  # it is not empty, or somebody else was faster
            Path(top).rmdir()
