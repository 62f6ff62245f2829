"""Members of an sdist's archive, read in one pass: nothing is unpacked to disk and nothing run."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..archives import ARCHIVE_FAULTS, tar_members
from ..errors import Code, InputError, Place

__all__ = ["read_sdist", "scan_sdist"]

_MEMBERS = 200_000
_UNPACKED = 8 << 30


def read_sdist(
    archive: Path | bytes, matching: Callable[[str], bool], *, file: str, limit: int
) -> dict[str, bytes]:
    """The regular members whose path ``matching`` accepts, by path, sorted.

    Paths are below the archive's one directory. Links and whatever lies outside that directory
    are ignored. ``file`` is the archive's name, which tells its form and is what errors call it;
    ``limit`` is in bytes and holds for each member. Raises :class:`InputError` for a member beyond
    the limit, for an archive that is damaged, and for one that unpacks to 8 GiB or 200,000 members.
    """
    return scan_sdist(archive, matching, file=file, limit=limit)[1]


def scan_sdist(
    archive: Path | bytes, matching: Callable[[str], bool], *, file: str, limit: int
) -> tuple[tuple[str, ...], dict[str, bytes]]:
    """The names of all regular members as the archive has them, in its order, and what
    :func:`read_sdist` gives; arguments and errors are the same."""
    names: list[str] = []
    found: dict[str, bytes] = {}
    unpacked = 0
    with _archive_faults(file), _opened(archive) as stream:
        members = _zip_members(stream) if file.endswith(".zip") else _tar_members(stream)
        for count, (name, size, read) in enumerate(members):
            unpacked += size
            if count >= _MEMBERS or unpacked > _UNPACKED:
                raise _fault(file, "it unpacks to more than an sdist should")
            names.append(name)
            path = _below_top(name)
            if not path or not matching(path):
                continue
            if size > limit:
                raise _fault(file, f"its member {path} has {size} bytes, more than {limit}")
            found[path] = read()
    return tuple(names), dict(sorted(found.items()))


@contextmanager
def _opened(archive: Path | bytes) -> Iterator[IO[bytes]]:
    with io.BytesIO(archive) if isinstance(archive, bytes) else archive.open("rb") as stream:
        yield stream


@contextmanager
def _archive_faults(file: str) -> Iterator[None]:
    """Turn what the archive modules raise for damaged files into ours."""
    try:
        yield
    except (RuntimeError, NotImplementedError, OSError) as error:
        # zipfile raises the first two for encryption and unknown methods; gzip and bz2 OSError.
        raise _fault(file, f"the archive cannot be read: {error}") from error
    except ARCHIVE_FAULTS as error:
        raise _fault(file, f"the archive is damaged: {error}") from error


def _tar_members(stream: IO[bytes]) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    for archive, member in tar_members(stream, most=2 * _MEMBERS):

        def read(member: tarfile.TarInfo = member, archive: tarfile.TarFile = archive) -> bytes:
            content = archive.extractfile(member)
            return content.read() if content is not None else b""

        if member.isreg():
            yield member.name, member.size, read


def _zip_members(stream: IO[bytes]) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    with zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)

            def read(member: zipfile.ZipInfo = member) -> bytes:
                return archive.read(member)

            if not member.is_dir() and kind in {0, stat.S_IFREG}:
                yield member.filename, member.file_size, read


def _below_top(name: str) -> str:
    """The path below the first directory; empty for what an sdist should not hold."""
    parts = name.removeprefix("./").split("/")
    if len(parts) < 2 or any(part in {"", ".", ".."} for part in parts):
        return ""
    return "/".join(parts[1:])


def _fault(file: str, text: str) -> InputError:
    return InputError(Code.INDEX_BAD_METADATA, text, place=Place(file))
