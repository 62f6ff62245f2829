"""The Simple API's page of one project, from text: HTML (PEP 503) and JSON (PEP 691) alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ..errors import Code, InputError, Place
from ..model import Artifact, Release
from ..model.pep508 import parse_version
from .core_metadata import usable_specifier

if TYPE_CHECKING:
    from pypi_simple import DistributionPackage

__all__ = ["Digest", "IndexFile", "is_pure_wheel", "parse_listing", "releases_of_files"]

_SDISTS = (".tar.gz", ".zip", ".tar.bz2")
_MAJOR = 1
_LONGEST_NAME = 255
_BYTE_ORDER_MARK = "\ufeff"


@frozen
class Digest:
    """A hash that an index states: an algorithm of hashlib and its hexadecimal value."""

    algorithm: str
    value: str

    def matches(self, content: bytes) -> bool:
        """Whether it is the hash of this content."""
        found = hashlib.new(self.algorithm, content, usedforsecurity=False)
        return found.hexdigest() == self.value.lower()


@frozen
class IndexFile:
    """A wheel or sdist as the index lists it; its address never leaves ``inputs``.

    ``size`` is in bytes. ``metadata_url`` is empty where the index does not offer the file's
    core metadata by itself (PEP 658, 714).
    """

    artifact: Artifact
    version: Version
    url: str
    requires_python: str = ""
    yanked: bool = False
    size: int | None = None
    metadata_url: str = ""
    metadata_digest: Digest | None = None


def parse_listing(text: str, *, name: str, url: str, shown: str = "") -> tuple[IndexFile, ...]:
    """The wheels and sdists of a project's page, sorted by version and file name.

    ``name`` is normalised, ``url`` is where the page was found, against which its links are
    resolved, and ``shown`` is what errors call it. The form is told by the text, since servers
    mislabel it. Files of other kinds, of other projects, and with names or versions that cannot be
    parsed are left out. Raises :class:`InputError` for what is no such page.
    """
    text = text.lstrip(_BYTE_ORDER_MARK + " \t\r\n")
    try:
        packages = _from_json(text, name, url) if text[:1] in "{[" else _from_html(text, name, url)
    except (ValueError, RecursionError) as error:
        raise InputError(
            Code.INDEX_UNREACHABLE,
            f"the index's answer for {name} is no listing that can be read: {error}",
            place=Place(shown),
            hint="check the address of the index: it is the one whose pages end in /NAME/",
        ) from None
    files = [file for file in (_file(package, name) for package in packages) if file is not None]
    unique = {file.artifact.filename: file for file in reversed(files)}
    return tuple(sorted(unique.values(), key=lambda file: (file.version, file.artifact)))


def releases_of_files(name: str, files: Iterable[IndexFile]) -> tuple[Release, ...]:
    """The releases that the files make up, oldest to newest as PEP 440 orders them.

    A release is yanked when all its files are; what it says of Python is its first file's word,
    sdists before wheels.
    """
    by_version: dict[Version, list[IndexFile]] = {}
    for file in sorted(files, key=lambda file: file.artifact):
        by_version.setdefault(file.version, []).append(file)
    return tuple(_release(name, by_version[version]) for version in sorted(by_version))


def is_pure_wheel(filename: str) -> bool:
    """Whether a wheel runs on every platform of Python 3 (``py3-none-any``)."""
    tags = filename.removesuffix(".whl").rsplit("-", 3)[1:]
    if not filename.endswith(".whl") or len(tags) < 3:
        return False
    python, abi, platform = tags
    return platform == "any" and abi == "none" and any(p[:3] == "py3" for p in python.split("."))


def _release(name: str, files: list[IndexFile]) -> Release:
    sdists = tuple(file.artifact for file in files if not file.artifact.is_wheel)
    wheels = tuple(file.artifact for file in files if file.artifact.is_wheel)
    ordered = sorted(files, key=lambda file: (file.artifact.is_wheel, file.artifact))
    return Release(
        name,
        ordered[0].version,
        next((file.requires_python for file in ordered if file.requires_python), ""),
        sdists,
        wheels,
        all(file.yanked for file in files),
        pure=any(is_pure_wheel(wheel.filename) for wheel in wheels),
    )


def _from_json(text: str, name: str, url: str) -> list[DistributionPackage]:
    """Read file by file, so that one that cannot be read does not hide the others."""
    from pypi_simple import DistributionPackage

    page = json.loads(text)
    files = page.get("files") if isinstance(page, dict) else None
    if not isinstance(files, list):
        raise ValueError("it has no list of files")  # noqa: TRY004 - a fault of the text
    meta = page.get("meta")
    _check_version(str(meta.get("api-version", "1.0")) if isinstance(meta, dict) else "1.0")
    packages = []
    for entry in files:
        if isinstance(entry, dict) and _can_be_a_name(entry.get("filename")):
            try:
                packages.append(DistributionPackage.from_json_data(_renamed(entry), name, url))
            except ValueError:
                continue
    return packages


def _can_be_a_name(filename: object) -> bool:
    """Whether a file can have that name; the time to read one grows faster than its length."""
    return isinstance(filename, str) and len(filename) <= _LONGEST_NAME


def _renamed(entry: Mapping[str, Any]) -> dict[str, Any]:
    """PEP 714 renamed the key; servers of before it use the old one."""
    old = entry.get("dist-info-metadata")
    return dict(entry) if old is None else {"core-metadata": old, **entry}


def _check_version(text: str) -> None:
    try:
        major = parse_version(text).major
    except InvalidVersion:
        return
    if major > _MAJOR:
        raise ValueError(f"it follows version {text} of the Simple API, and this tool knows 1.x")


def _from_html(text: str, name: str, url: str) -> list[DistributionPackage]:
    from pypi_simple import DistributionPackage, UnsupportedRepoVersionError, parse_links_stream

    packages = []
    try:
        # The streaming parser takes a quarter of the time of the one that builds a tree.
        for link in parse_links_stream([text], url):
            if not _can_be_a_name(link.text):
                continue
            old = link.attrs.get("data-dist-info-metadata")
            if old is not None:
                link.attrs.setdefault("data-core-metadata", old)
            packages.append(DistributionPackage.from_link(link, name))
    except UnsupportedRepoVersionError as error:
        raise ValueError(str(error)) from None
    return packages


def _file(package: DistributionPackage, name: str) -> IndexFile | None:
    if package.package_type not in {"wheel", "sdist"}:
        return None
    if package.package_type == "sdist" and not package.filename.endswith(_SDISTS):
        return None
    if package.version is None or canonicalize_name(package.project or "") != name:
        return None
    try:
        version = parse_version(package.version)
    except InvalidVersion:
        return None
    return IndexFile(
        Artifact(package.filename, package.digests.get("sha256", "").lower()),
        version,
        package.url,
        usable_specifier(package.requires_python or ""),
        package.is_yanked,
        package.size,
        package.metadata_url if package.has_metadata else "",
        _digest(package.metadata_digests or {}),
    )


def _digest(digests: Mapping[str, str]) -> Digest | None:
    """The sha256 where it is given, else the first in the order of names that hashlib has."""
    for algorithm in sorted(digests, key=lambda known: (known != "sha256", known)):
        if algorithm in hashlib.algorithms_available and not algorithm.startswith("shake"):
            return Digest(algorithm, digests[algorithm])
    return None
