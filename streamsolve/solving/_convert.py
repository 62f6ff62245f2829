"""Source repositories parsed in a process of their own, while this one parses the binary ones.

libsolv holds the interpreter's lock while it parses, so a thread would not do. All that comes of
it is a cache file: whatever goes wrong there, the repository is parsed here instead, and this is
also where a fault is told.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..model.package import MetadataFile, Repository, RpmMd
from ._cache import open_cached
from ._loading import cache_path, convert

__all__ = ["Helper", "converting", "main"]

_SECONDS = 120  # a source repository takes one; one that hangs must not hang the plan
_WORTH_IT = 4_000_000  # bytes of XML that parse in the time a process takes to start


class Helper:
    """A process that may be writing cache files; none may be running at all."""

    def __init__(self, process: subprocess.Popen[bytes] | None) -> None:
        self._process = process

    def finish(self) -> None:
        """Wait until its cache files are there, or it has failed."""
        if self._process is not None:
            try:
                self._process.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                self.stop()

    def stop(self) -> None:
        """End it if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@contextmanager
def converting(repositories: Iterable[Repository], cache: Path) -> Iterator[Helper]:
    """Parse in the background what has no cache yet, if there is a processor to spare."""
    missing = list(_missing(repositories, cache))
    helper = Helper(_start(missing) if missing and _processors() > 1 else None)
    try:
        yield helper
    finally:
        helper.stop()


def _missing(repositories: Iterable[Repository], cache: Path) -> Iterator[tuple[str, str, str]]:
    for repository in repositories:
        content = repository.content
        if not repository.sources or not isinstance(content, RpmMd):
            continue
        path = cache_path(cache, repository, "primary")
        descriptor = open_cached(path)
        if descriptor is not None:
            os.close(descriptor)
        elif content.primary.open_size > _WORTH_IT:
            yield str(content.primary.path), str(content.primary.open_size), str(path)


def _start(missing: Sequence[tuple[str, str, str]]) -> subprocess.Popen[bytes] | None:
    code = f"import sys; from {__name__} import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, *(part for each in missing for part in each)]
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    except OSError:
        return None


def _processors() -> int:
    return len(os.sched_getaffinity(0))


def main(arguments: Sequence[str]) -> None:
    """Convert each (primary file, its open size, cache file) of the arguments."""
    for at in range(0, len(arguments), 3):
        primary, size, cached = arguments[at : at + 3]
        convert(MetadataFile(Path(primary), "", int(size)), Path(cached))
