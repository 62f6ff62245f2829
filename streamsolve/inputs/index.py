"""The package index: what releases there are, and what they require.

An index is any server of the Simple API, in HTML or JSON. It may offer core metadata beside its
files or not, answer range requests or not, and state hashes or not; the answers are the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from packaging.utils import canonicalize_name
from packaging.version import Version

from ..errors import Code, ErrorCollector, InputError, Place
from ..model import Release, ReleaseMetadata
from ..model.build import BuildSystem
from .build_systems import BuildSystemReader, sdist_to_read
from .core_metadata import OnBad
from .listing import IndexFile, parse_listing, releases_of_files
from .listing_cache import ListingCache
from .release_metadata import MetadataReader, fetch_file
from .sdist import read_sdist
from .transport import NotFound, Transport, shown

__all__ = ["PackageIndex"]

_K = TypeVar("_K")
_V = TypeVar("_V")
_PAGE_AGE = 600.0
_TEXT_LIMIT = 2 << 20
_ACCEPT = (
    "application/vnd.pypi.simple.v1+json, "
    "application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
)


class PackageIndex:
    """One package index; safe to use from several threads, and asks with ``workers`` of its own.

    ``endpoint`` is the address whose pages end in ``/NAME/``: by default that of the environment
    (``STREAMSOLVE_INDEX_URL``, else ``PIP_INDEX_URL``), else the public index. Listings are asked
    for again after 10 minutes; metadata that was read is kept for ever under ``cache``, by the
    hash of its file. Where wheels differ, those for ``arch`` count.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        endpoint: str | None = None,
        workers: int = 8,
        cache: Path | None = None,
        arch: str = "x86_64",
    ) -> None:
        self._transport = transport
        self._endpoint = endpoint or ""
        self._workers = workers
        self._reader = MetadataReader(transport, cache, arch)
        self._build_systems = BuildSystemReader(transport, cache)
        self._parsed = ListingCache(cache / "listings") if cache else None
        self._listings: dict[str, tuple[IndexFile, ...]] = {}

    @property
    def endpoint(self) -> str:
        """The address in use, ending in a slash."""
        if not self._endpoint:
            self._endpoint = _default_endpoint()
        return self._endpoint.rstrip("/") + "/"

    def releases(self, name: str) -> tuple[Release, ...]:
        """Every release of a distribution, oldest to newest; none if the index has no such project.

        Versions and file names that cannot be parsed are left out, and so are eggs and installers.
        Raises :class:`InputError` when the index cannot be reached.
        """
        project = str(canonicalize_name(name))
        return releases_of_files(project, self._listing(project))

    def releases_of(self, names: Iterable[str]) -> dict[str, tuple[Release, ...]]:
        """The releases of several distributions, by normalised name, sorted; asked for at once."""
        projects = sorted({str(canonicalize_name(name)) for name in names})
        return self._concurrently("read listings", projects, self.releases)

    def metadata(
        self, wanted: Iterable[tuple[str, Version]], *, on_bad: OnBad | None = None
    ) -> dict[tuple[str, Version], ReleaseMetadata]:
        """The metadata of releases, by normalised name and version, sorted.

        Raises one :class:`InputErrors` for all releases whose metadata cannot be read; with
        ``on_bad``, each of those is told to it instead and left out of the answer.
        """
        keys = sorted({(str(canonicalize_name(name)), version) for name, version in wanted})
        self.releases_of(name for name, _ in keys)
        collector = ErrorCollector(Code.INDEX_BAD_METADATA)

        def read(key: tuple[str, Version]) -> ReleaseMetadata | InputError:
            try:
                return self._reader.read(*key, self._files_of(*key))
            except InputError as error:
                if error.code is not Code.INDEX_BAD_METADATA:
                    raise
                return error

        found: dict[tuple[str, Version], ReleaseMetadata] = {}
        for key, value in self._concurrently("read metadata", keys, read).items():
            if isinstance(value, ReleaseMetadata):
                found[key] = value
            elif on_bad is not None:
                on_bad(*key, value)
            else:
                collector.errors.append(value)
        collector.raise_if_any("the package index gives no metadata that can be read")
        return found

    def metadata_text(self, name: str, version: Version) -> str:
        """The METADATA that a release's metadata is read from. Of a release that has only an sdist
        it holds what planning reads and no more; the sdist's own PKG-INFO comes instead if it has
        one. Raises :class:`InputError` as :meth:`metadata`."""
        project = str(canonicalize_name(name))
        files = self._files_of(project, version)
        text = self._reader.read_with_text(project, version, files)[1]
        if any(file.artifact.is_wheel for file in files):
            return text
        members = self.read_sdist_member(project, version, lambda path: path == "PKG-INFO")
        return members.get("PKG-INFO", text.encode()).decode("utf-8", "replace")

    def build_systems(
        self, wanted: Iterable[tuple[str, Version]], *, on_bad: OnBad | None = None
    ) -> dict[tuple[str, Version], BuildSystem]:
        """What the sdists of releases say that building them needs, by normalised name and version,
        sorted. A release without sdist is not in the answer.

        Raises one :class:`InputErrors` for all releases whose build system cannot be read, because
        the sdist cannot be had or is not what it should be; with ``on_bad``, each of those is told
        to it instead and left out of the answer. Listings that cannot be had are raised either way,
        unless that is because offline they are not in the cache.
        """
        keys = sorted({(str(canonicalize_name(name)), version) for name, version in wanted})
        projects = sorted({name for name, _ in keys})

        def listed(name: str) -> InputError | None:
            try:
                self._listing(name)
            except InputError as error:
                if error.code is not Code.OFFLINE_NOT_CACHED:
                    raise
                return error
            return None

        unlisted = self._concurrently("read listings", projects, listed)

        def read(key: tuple[str, Version]) -> BuildSystem | InputError | None:
            if error := unlisted[key[0]]:
                return error
            try:
                sdist = sdist_to_read(self._files_of(*key))
                return None if sdist is None else self._build_systems.read(sdist)
            except InputError as error:
                return error

        collector = ErrorCollector(Code.INDEX_BAD_METADATA)
        found: dict[tuple[str, Version], BuildSystem] = {}
        for key, value in self._concurrently("read build systems", keys, read).items():
            if isinstance(value, BuildSystem):
                found[key] = value
            elif value is not None and on_bad is not None:
                on_bad(*key, value)
            elif value is not None:
                collector.errors.append(value)
        collector.raise_if_any("the package index gives no build system that can be read")
        return found

    def read_sdist_member(
        self,
        name: str,
        version: Version,
        matching: Callable[[str], bool],
        *,
        limit: int = _TEXT_LIMIT,
    ) -> dict[str, bytes]:
        """Members of a release's sdist whose path (below its one directory) is accepted, by path.

        Nothing is unpacked to disk, links are ignored, and ``limit`` is in bytes for each member.
        Raises :class:`InputError` when the release has no sdist or it cannot be read.
        """
        project = str(canonicalize_name(name))
        sdist = sdist_to_read(self._files_of(project, version))
        if sdist is None:
            raise InputError(
                Code.INDEX_BAD_METADATA,
                f"the package index has no sdist of {project} {version}",
                place=Place(f"{project} {version}"),
            )
        archive = fetch_file(self._transport, sdist)
        return read_sdist(archive, matching, file=sdist.artifact.filename, limit=limit)

    def download(self, name: str, filename: str, *, sha256: str, aside: Path | None = None) -> Path:
        """A file of a distribution, which must have that digest (hexadecimal).

        ``aside`` is as for :meth:`Transport.download`. Raises :class:`InputError`:
        ``WRONG_CHECKSUM`` if the index has another file of that name, ``INDEX_BAD_METADATA`` if it
        has none, and what the transport raises.
        """
        project, place = str(canonicalize_name(name)), Place(filename)
        listed = [f for f in self._listing(project) if f.artifact.filename == filename]
        if not listed:
            text = "the package index has no such file"
            raise InputError(Code.INDEX_BAD_METADATA, text, place=place)
        found = listed[0].artifact.sha256
        if found and found != sha256.lower():
            text = f"the package index has another file: its sha256 is {found}"
            raise InputError(Code.WRONG_CHECKSUM, text, place=place)
        return self._transport.download(
            listed[0].url,
            sha256=sha256,
            size=listed[0].size,
            unreachable=Code.INDEX_UNREACHABLE,
            aside=aside,
        )

    def _listing(self, project: str) -> tuple[IndexFile, ...]:
        if project not in self._listings:
            self._listings[project] = self._fetch_listing(project)
        return self._listings[project]

    def _fetch_listing(self, project: str) -> tuple[IndexFile, ...]:
        url = f"{self.endpoint}{project}/"
        try:
            page = self._transport.get(
                url, accept=_ACCEPT, max_age=_PAGE_AGE, unreachable=Code.INDEX_UNREACHABLE
            )
        except NotFound:
            return ()
        known = self._parsed.read(page.url, page.body) if self._parsed else None
        if known is not None:
            return known
        text = page.body.decode("utf-8", errors="replace")
        files = parse_listing(text, name=project, url=page.url, shown=shown(url))
        if self._parsed:
            self._parsed.write(page.url, page.body, files)
        return files

    def _files_of(self, project: str, version: Version) -> list[IndexFile]:
        files = [file for file in self._listing(project) if file.version == version]
        if not files:
            raise InputError(
                Code.INDEX_BAD_METADATA,
                f"the package index lists no release {version} of {project}",
                place=Place(f"{project} {version}"),
            )
        return files

    def _concurrently(self, what: str, keys: list[_K], action: Callable[[_K], _V]) -> dict[_K, _V]:
        """The results in the order of the keys; the first error in that order ends the rest."""
        results: dict[_K, _V] = {}
        progress = self._transport.progress
        with ThreadPoolExecutor(max_workers=max(1, min(self._workers, len(keys) or 1))) as pool:
            futures = [pool.submit(action, key) for key in keys]
            try:
                for done, (key, future) in enumerate(zip(keys, futures, strict=True), 1):
                    results[key] = future.result()
                    progress(what, done, len(keys))
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return results


def _default_endpoint() -> str:
    for variable in ("STREAMSOLVE_INDEX_URL", "PIP_INDEX_URL"):
        if address := os.environ.get(variable, "").strip():
            return address
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    return PYPI_SIMPLE_ENDPOINT
