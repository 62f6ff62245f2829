"""Repositories in rpm-md form: found, fetched, and checked against their own repomd.xml.

A repository is at one address, or at any of several mirrors. A mirror that fails, or that serves
another file than promised, is passed over for the next; nothing that was not checked gets out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from enum import Enum

from attrs import frozen

from ..errors import Code, InputError, InputErrors, Place, nearest
from ..model import MetadataFile, Repository, RpmMd
from ..storage import file_digest
from .compression import open_stream
from .mirrors import Mirrors, parse_metalink, parse_mirrorlist
from .repomd import Repomd, RepomdFile, parse_repomd
from .transport import NotFound, Transport, local_path, shown

__all__ = ["LocationKind", "open_repository", "repository_urls", "substitute"]

# A copy of repomd.xml or a metalink is used unasked for as long as dnf uses one of a repository
# that changes daily.
_FRESH = 6 * 3600.0
_MOST_MIRRORS = 8
_STALE = frozenset({Code.WRONG_CHECKSUM, Code.TRUNCATED_FILE, Code.BROKEN_REPOSITORY})
_DECLARATION = 512
_ENCODING = re.compile(rb"<\?xml[^>]*?\bencoding\s*=\s*[\"']([A-Za-z][A-Za-z0-9._-]*)")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class LocationKind(Enum):
    """What is found at a repository's location."""

    BASEURL = "baseurl"
    METALINK = "metalink"
    MIRRORLIST = "mirrorlist"


def substitute(text: str, variables: Mapping[str, str], *, place: Place | None = None) -> str:
    """Fill in ``$name`` and ``${name}``; an unknown name is an error with the nearest."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in variables:
            raise InputError(
                Code.BROKEN_BASE,
                f"unknown variable ${name} in {shown(text)!r}",
                place=place,
                hint=nearest(name, variables),
            )
        return variables[name]

    return _VARIABLE.sub(value, text)


def open_repository(
    repository_id: str,
    location: str,
    *,
    transport: Transport,
    priority: int = 99,
    sources: bool = False,
    kind: LocationKind = LocationKind.BASEURL,
    variables: Mapping[str, str] | None = None,
) -> Repository:
    """Fetch a repository's metadata, or check it in place where it is local.

    Without ``variables`` the location is taken as it is, dollar signs included.
    Raises :class:`InputError`: ``NO_REPODATA``, ``WRONG_CHECKSUM``, ``TRUNCATED_FILE``,
    ``BROKEN_REPOSITORY``, ``REPOSITORY_UNREACHABLE``, ``OFFLINE_NOT_CACHED``; of several mirrors,
    :class:`InputErrors` with what each one said.
    """
    address = location if variables is None else substitute(location, variables)
    # What is cached may be of different ages: the second round asks for everything again.
    local = kind is LocationKind.BASEURL and local_path(address) is not None
    rounds = (_FRESH,) if local or transport.offline else (_FRESH, None)
    failures: list[InputError] = []
    for fresh in rounds:
        mirrors = _find_mirrors(address, kind, transport, fresh)
        failures = []
        for url in mirrors.urls if transport.offline else mirrors.urls[:_MOST_MIRRORS]:
            source = _Source(url, transport, fresh, 1 if len(mirrors.urls) > 1 else None)
            try:
                digest, content = source.read(mirrors.repomd_sha256)
            except InputError as error:
                failures.append(error)
                continue
            return Repository(repository_id, digest, content, priority, sources)
        if not any(error.code in _STALE for error in failures):
            break
    if len(failures) == 1:
        raise failures[0]
    raise _joined(repository_id, failures)


def repository_urls(
    location: str,
    *,
    transport: Transport,
    kind: LocationKind = LocationKind.BASEURL,
    variables: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Where the copies of a repository are, the preferred one first, each with a slash at its end;
    arguments and errors as for :func:`open_repository`."""
    address = location if variables is None else substitute(location, variables)
    return _find_mirrors(address, kind, transport, _FRESH).urls[:_MOST_MIRRORS]


def _find_mirrors(
    address: str, kind: LocationKind, transport: Transport, fresh: float | None
) -> Mirrors:
    if kind is LocationKind.BASEURL:
        return Mirrors((address if address.endswith("/") else f"{address}/",))
    parse = parse_metalink if kind is LocationKind.METALINK else parse_mirrorlist
    return parse(transport.get(address, max_age=fresh).body, file=shown(address))


def _joined(repository_id: str, failures: list[InputError]) -> InputErrors:
    """One error of what all mirrors said; a mirror that gave something wrong says more of the
    cause than one that gave nothing."""
    telling = next((error for error in failures if error.code in _STALE), failures[0])
    return InputErrors(
        telling.code, f"no mirror of the repository {repository_id!r} could be used:", failures
    )


@frozen
class _Source:
    """One copy of a repository. ``fresh`` is how old (seconds) a cached repomd.xml may be."""

    url: str
    transport: Transport
    fresh: float | None
    retries: int | None

    def read(self, accepted: tuple[str, ...]) -> tuple[str, RpmMd]:
        """The digest of repomd.xml, which must be among ``accepted`` if any are, and the files."""
        body = self._repomd(accepted)
        repomd = parse_repomd(body, file=self._shown("repodata/repomd.xml"))
        primary = repomd.file("primary")
        if primary is None:
            raise InputError(
                Code.BROKEN_REPOSITORY,
                "it names no primary metadata",
                place=Place(self._shown("repodata/repomd.xml")),
                hint="run createrepo_c there again",
            )
        content = RpmMd(self._fetch_xml(primary), self._file_lists(repomd), self._modules(repomd))
        return hashlib.sha256(body).hexdigest(), content

    def _repomd(self, accepted: tuple[str, ...]) -> bytes:
        address = f"{self.url}repodata/repomd.xml"
        try:
            body = self.transport.get(address, max_age=self.fresh, retries=self.retries).body
        except NotFound:
            raise InputError(
                Code.NO_REPODATA,
                "there is no repodata/repomd.xml",
                place=Place(shown(self.url)),
                hint="run createrepo_c there, or give the directory above it",
            ) from None
        digest = hashlib.sha256(body).hexdigest()
        if accepted and digest not in accepted:
            text = f"its sha256 is {digest}, which the metalink does not list"
            raise InputError(Code.WRONG_CHECKSUM, text, place=Place(shown(address)))
        return body

    def _file_lists(self, repomd: Repomd) -> MetadataFile | None:
        """File lists are large and seldom needed: used where they lie on this disk already."""
        entry = repomd.file("filelists")
        here = local_path(self.url) is not None
        return self._fetch_xml(entry) if entry is not None and here else None

    def _modules(self, repomd: Repomd) -> MetadataFile | None:
        entry = repomd.file("modules")
        return None if entry is None else self._fetch(entry)

    def _fetch_xml(self, entry: RepomdFile) -> MetadataFile:
        """A list of packages, which must be in UTF-8: on faults in others libsolv ends the
        process."""
        file = self._fetch(entry)
        name = self._shown(entry.location)
        with open_stream(file.path, file=name) as stream:
            found = _ENCODING.match(stream.read(_DECLARATION))
        if found is not None and found[1].lower() != b"utf-8":
            message = f"it is in the encoding {found[1].decode('ascii')}, and UTF-8 is read"
            raise InputError(Code.BROKEN_REPOSITORY, message, place=Place(name, 1))
        return file

    def _fetch(self, entry: RepomdFile) -> MetadataFile:
        """A file that repomd.xml names, checked against its digest and size."""
        try:
            path = self.transport.download(
                f"{self.url}{entry.location}",
                sha256=entry.digest,
                algorithm=entry.algorithm,
                size=entry.size,
                retries=self.retries,
            )
        except NotFound:
            raise InputError(
                Code.BROKEN_REPOSITORY,
                "repomd.xml names this file, and it is not there",
                place=Place(self._shown(entry.location)),
            ) from None
        sha256 = entry.digest if entry.algorithm == "sha256" else file_digest(path)
        return MetadataFile(path, sha256, entry.open_size or 0, entry.location)

    def _shown(self, location: str) -> str:
        return shown(f"{self.url}{location}")
