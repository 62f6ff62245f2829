"""Where the core metadata of a release is read from, and how it is kept.

The project JSON of an index is never read: it describes one file of a release at best, and has been
seen to disagree with what the wheels say.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from attrs import evolve, frozen
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from ..archives import ARCHIVE_FAULTS
from ..errors import Code, InputError, Place
from ..model import ReleaseMetadata
from ..storage import write_atomically
from .core_metadata import (
    format_core_metadata,
    metadata_of_sdist,
    parse_core_metadata,
    states_requirements,
)
from .listing import IndexFile, is_pure_wheel
from .sdist import read_sdist
from .transport import NotFound, RangeNotSupported, Transport

__all__ = ["MetadataReader", "fetch_file", "in_order_of_trust"]

_MEMBER_LIMIT = 8 << 20
_WHOLE_WHEEL_LIMIT = 20_000_000
_PART_TRIES = 3
_TOP_MEMBERS = frozenset({"PKG-INFO", "pyproject.toml"})
_LAST_MINOR = 10_000

# What says "this file or this way gives nothing", as opposed to "the network fails just now".
_USELESS = frozenset({Code.INDEX_BAD_METADATA, Code.WRONG_CHECKSUM, Code.TRUNCATED_FILE})


class _NotThisWay(Exception):
    """A way to the metadata that gave none, and why; the next one is tried."""


def in_order_of_trust(files: Iterable[IndexFile], arch: str) -> tuple[IndexFile, ...]:
    """The files of one release in the order in which they are asked for its metadata.

    A wheel for every platform; wheels for Linux on ``arch``, manylinux first and the newest CPython
    first; sdists; the wheels of other platforms. Wheels of different platforms may state different
    requirements, so the order depends on nothing but the file names.
    """
    return tuple(sorted(files, key=lambda file: (*_rank(file, arch), file.artifact)))


def _rank(file: IndexFile, arch: str) -> tuple[int, bool, int]:
    filename = file.artifact.filename
    if not file.artifact.is_wheel:
        return (2, not filename.endswith(".tar.gz"), 0)
    if is_pure_wheel(filename):
        return (0, False, 0)
    try:
        tags = parse_wheel_filename(filename)[3]
    except InvalidWheelFilename:
        return (4, False, 0)
    here = [tag for tag in tags if _runs_on(tag, arch)]
    if not here:
        return (3, False, 0)
    manylinux = any(tag.platform.startswith("manylinux") for tag in here)
    return (1, not manylinux, min(_LAST_MINOR - _minor(tag) for tag in here))


def _runs_on(tag: Tag, arch: str) -> bool:
    linux = tag.platform.startswith(("manylinux", "musllinux", "linux"))
    return tag.platform == "any" or (linux and tag.platform.endswith(f"_{arch}"))


def _minor(tag: Tag) -> int:
    """The 14 of cp314, for builds with the usual ABI; 0 for other interpreters and ABIs."""
    digits = tag.interpreter.removeprefix("cp3")
    return int(digits) if digits.isdigit() and not tag.abi.endswith("t") else 0


def fetch_file(transport: Transport, file: IndexFile, *, aside: Path | None = None) -> Path | bytes:
    """The whole file: on disk when the index states its hash, else in memory. ``aside`` is a
    directory for it if the cache neither has it nor is to keep it."""
    if file.artifact.sha256:
        return transport.download(
            file.url,
            sha256=file.artifact.sha256,
            size=file.size,
            unreachable=Code.INDEX_UNREACHABLE,
            aside=aside,
        )
    return transport.get(file.url, unreachable=Code.INDEX_UNREACHABLE).body


@frozen
class MetadataReader:
    """Reads the metadata of releases for one architecture.

    The text that was read is kept for ever under ``cache/metadata``, named by the sha256 of the
    file that it belongs to; a file without one is read again each time.
    """

    transport: Transport
    cache: Path | None = None
    arch: str = "x86_64"

    def read(self, name: str, version: Version, files: Iterable[IndexFile]) -> ReleaseMetadata:
        """The metadata of a release, under the name and version that the listing gives it.

        Raises :class:`InputError`: ``INDEX_BAD_METADATA``, which names all that was tried, or what
        the transport raises. A file that cannot be reached is never replaced by another one: the
        answer would depend on the mood of the network.
        """
        return self.read_with_text(name, version, files)[0]

    def read_with_text(
        self, name: str, version: Version, files: Iterable[IndexFile]
    ) -> tuple[ReleaseMetadata, str]:
        """The same with the text that it was read from; an sdist's holds what is read alone."""
        tried: list[str] = []
        for file in in_order_of_trust(files, self.arch):
            unreachable: InputError | None = None
            for how, way in self._ways(name, file):
                try:
                    text = way()
                    found = _checked(name, version, text, file)
                except _NotThisWay as reason:
                    tried.append(f"{file.artifact.filename}, {how}: {reason}")
                except InputError as error:
                    tried.append(f"{file.artifact.filename}, {how}: {error.message}")
                    if error.code not in _USELESS and not isinstance(error, NotFound):
                        unreachable = error
                else:
                    self._keep(file, text)
                    return found, text
            if unreachable is not None:
                raise unreachable
        raise InputError(
            Code.INDEX_BAD_METADATA,
            f"no file of {name} {version} gave metadata that can be read",
            place=Place(f"{name} {version}"),
            hint="tried:\n    " + "\n    ".join(tried or ["nothing: it has no wheel and no sdist"]),
        )

    def _ways(self, name: str, file: IndexFile) -> Iterator[tuple[str, Callable[[], str]]]:
        """The ways to a file's metadata, the cheapest first; lazily, since most need only one."""
        kept = self._kept(file)
        if kept is not None:
            yield "from the cache", lambda: kept
        if file.metadata_url:
            yield "its .metadata file", partial(self._from_metadata_file, file)
        if file.artifact.is_wheel:
            yield "a part of the wheel", partial(self._from_wheel, file)
        else:
            yield "the sdist", partial(self._from_sdist, name, file)

    def _from_metadata_file(self, file: IndexFile) -> str:
        body = self.transport.get(
            file.metadata_url, max_age=float("inf"), unreachable=Code.INDEX_UNREACHABLE
        ).body
        if file.metadata_digest is not None and not file.metadata_digest.matches(body):
            raise _NotThisWay("it does not have the hash that the index states")
        text = _decoded(body)
        if not file.artifact.is_wheel and not states_requirements(text):
            raise _NotThisWay("it does not state the requirements for good")
        return text

    def _from_wheel(self, file: IndexFile) -> str:
        with _wheel_faults(file):
            try:
                return self._from_part(file)
            except RangeNotSupported:
                pass
            size = file.size if file.size is not None else self._length(file.url)
            if size is None or size >= _WHOLE_WHEEL_LIMIT:
                raise _NotThisWay("the server sends no parts, and it is too large to fetch whole")
            with _opened(fetch_file(self.transport, file)) as archive:
                return _metadata_member(archive, file)

    def _from_part(self, file: IndexFile) -> str:
        """Read by range requests; a connection that ends early is opened again."""
        from urllib3.exceptions import HTTPError

        for left in reversed(range(_PART_TRIES)):
            try:
                with self.transport.open_zip(
                    file.url, unreachable=Code.INDEX_UNREACHABLE
                ) as archive:
                    return _metadata_member(archive, file)
            except HTTPError:
                if not left:
                    raise
        raise AssertionError("the last try returns or raises")

    def _from_sdist(self, name: str, file: IndexFile) -> str:
        members = read_sdist(
            fetch_file(self.transport, file),
            _tells_requirements,
            file=file.artifact.filename,
            limit=_MEMBER_LIMIT,
        )
        texts = {path: _decoded(content) for path, content in members.items()}
        described = metadata_of_sdist(name, file.version, texts, file=file.artifact.filename)
        return format_core_metadata(described)

    def _length(self, url: str) -> int | None:
        """What the server says of a file's size in bytes, None where it does not say."""
        from requests import RequestException

        with suppress(RequestException, ValueError, KeyError):
            answer = self.transport.session.head(url, allow_redirects=True, timeout=30)
            if answer.ok:
                return int(answer.headers["Content-Length"])
        return None

    def _path(self, file: IndexFile) -> Path | None:
        digest = file.artifact.sha256
        if self.cache is None or len(digest) != 64 or not digest.isalnum():
            return None
        return self.cache / "metadata" / digest[:2] / f"{digest}.txt"

    def _kept(self, file: IndexFile) -> str | None:
        path = self._path(file)
        if path is None:
            return None
        try:
            return path.read_text(encoding="utf-8") or None
        except (OSError, ValueError):
            return None

    def _keep(self, file: IndexFile, text: str) -> None:
        path = self._path(file)
        if path is not None and self._kept(file) != text:
            # A cache that cannot be written only costs time.
            with suppress(OSError):
                write_atomically(path, text.encode())


def _checked(name: str, version: Version, text: str, file: IndexFile) -> ReleaseMetadata:
    """Parse, and see that it is of this release; a local version may be missing on one side."""
    found = parse_core_metadata(text, file=file.artifact.filename)
    if found.name != name or found.version.public != version.public:
        raise _NotThisWay(f"it describes {found.name} {found.version}")
    return evolve(found, version=version)


def _metadata_member(archive: zipfile.ZipFile, file: IndexFile) -> str:
    """The headers of the wheel's METADATA; the description after them is not needed."""
    wanted = [
        member
        for member in archive.infolist()
        if member.filename.endswith(".dist-info/METADATA") and member.filename.count("/") == 1
    ]
    if not wanted:
        raise _NotThisWay("the wheel holds no METADATA")
    project = canonicalize_name(file.artifact.filename.partition("-")[0])
    wanted.sort(key=lambda member: (_project_of(member.filename) != project, member.filename))
    if wanted[0].file_size > _MEMBER_LIMIT:
        raise _NotThisWay(f"its METADATA has {wanted[0].file_size} bytes")
    return _decoded(archive.read(wanted[0]))


def _project_of(member: str) -> str:
    return canonicalize_name(member.partition("-")[0])


def _decoded(content: bytes) -> str:
    """Headers only: the first empty line ends them."""
    text = content.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
    return text.partition("\n\n")[0] + "\n"


def _tells_requirements(path: str) -> bool:
    return path in _TOP_MEMBERS or (
        path.endswith(".egg-info/requires.txt") and path.count("/") <= 2
    )


@contextmanager
def _opened(content: Path | bytes) -> Iterator[zipfile.ZipFile]:
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    with zipfile.ZipFile(source) as archive:
        yield archive


@contextmanager
def _wheel_faults(file: IndexFile) -> Iterator[None]:
    """Turn what reading a damaged wheel raises into "not this way"."""
    from remotezip import RemoteZipError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except HTTPError as error:
        raise InputError(
            Code.INDEX_UNREACHABLE,
            "the connection ended while a part of the wheel was read",
            place=Place(file.artifact.filename),
        ) from error
    except (OSError, RuntimeError, NotImplementedError) as error:
        raise _NotThisWay(f"the wheel cannot be read: {error}") from error
    except (RemoteZipError, *ARCHIVE_FAULTS) as error:
        raise _NotThisWay(f"the wheel is damaged: {error}") from error
