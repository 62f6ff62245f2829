"""repomd.xml: which files a repository has, and how to know that they are the right ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from ..errors import Code, ErrorCollector, Place
from .xml_text import parse_xml

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["Repomd", "RepomdFile", "parse_repomd"]

# Names that repomd.xml uses, with the length of the hexadecimal digest. MD5 is no proof of
# anything, and no repository of this decade uses it.
_DIGITS = {"sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
_SPELLINGS = {"sha": "sha1"}
_LONGEST_SIZE = 18
_SHOWN = 200


@frozen
class RepomdFile:
    """One file of a repository. ``location`` is relative to the repository; digests are lower-case
    hexadecimal; sizes are in bytes, and None where they are not stated."""

    type: str
    location: str
    algorithm: str
    digest: str
    size: int | None = None
    open_algorithm: str = ""
    open_digest: str = ""
    open_size: int | None = None


@frozen
class Repomd:
    """The files in the order of the document; each type occurs once."""

    files: tuple[RepomdFile, ...]
    revision: str = ""

    def file(self, kind: str) -> RepomdFile | None:
        """The file of that type, such as ``primary``, or None."""
        return next((file for file in self.files if file.type == kind), None)


def parse_repomd(content: bytes, *, file: str) -> Repomd:
    """Read a repomd.xml. Raises :class:`InputErrors` (``BROKEN_REPOSITORY``) with every fault."""
    root = parse_xml(content, file=file, root="repomd")
    errors = ErrorCollector(Code.BROKEN_REPOSITORY)
    files: list[RepomdFile] = []
    seen: set[str] = set()
    for position, data in enumerate(root.iterfind("{*}data")):
        kind = data.get("type", "")
        path = f"data[{kind or position}]"
        if not kind:
            errors.add("the type is missing", Place(file, path=path))
        elif kind in seen:
            errors.add("is there twice", Place(file, path=path))
        else:
            with errors.collect():
                files.append(_read_file(kind, data, file, path))
        seen.add(kind)
    if not files and not errors.errors:
        errors.add("it names no files", Place(file))
    errors.raise_if_any("the repository's list of files is broken:")
    return Repomd(tuple(files), root.findtext("{*}revision", "").strip())


def _read_file(kind: str, data: Element, file: str, path: str) -> RepomdFile:
    errors = ErrorCollector(Code.BROKEN_REPOSITORY)
    location = _location(data, errors, Place(file, path=f"{path}.location"))
    algorithm, digest = _checksum(data, "checksum", errors, Place(file, path=f"{path}.checksum"))
    if not digest and not errors.errors:
        errors.add("the checksum is missing", Place(file, path=f"{path}.checksum"))
    opened = _checksum(data, "open-checksum", errors, Place(file, path=f"{path}.open-checksum"))
    size = _size(data, "size", errors, Place(file, path=f"{path}.size"))
    open_size = _size(data, "open-size", errors, Place(file, path=f"{path}.open-size"))
    errors.raise_if_any("")
    return RepomdFile(kind, location, algorithm, digest, size, *opened, open_size)


def _location(data: Element, errors: ErrorCollector, place: Place) -> str:
    element = data.find("{*}location")
    href = "" if element is None else element.get("href", "").strip()
    if not href:
        errors.add("the location is missing", place)
    elif href.startswith("/") or "://" in href or "\\" in href or ".." in href.split("/"):
        errors.add(f"{href[:_SHOWN]!r} leads out of the repository", place)
    return href


def _checksum(data: Element, tag: str, errors: ErrorCollector, place: Place) -> tuple[str, str]:
    """Algorithm and digest; both empty where the element is absent or wrong."""
    element = data.find(f"{{*}}{tag}")
    if element is None:
        return "", ""
    named = element.get("type", "")
    algorithm = _SPELLINGS.get(named, named)
    digest = (element.text or "").strip().lower()
    if algorithm not in _DIGITS:
        errors.add(
            f"{named[:_SHOWN]!r} is no checksum that is accepted",
            place,
            f"known: {', '.join(_DIGITS)}",
        )
    elif len(digest) != _DIGITS[algorithm] or set(digest) - set("0123456789abcdef"):
        errors.add(f"{digest[:_SHOWN]!r} is no {algorithm} in hexadecimal", place)
    else:
        return algorithm, digest
    return "", ""


def _size(data: Element, tag: str, errors: ErrorCollector, place: Place) -> int | None:
    text = data.findtext(f"{{*}}{tag}")
    if text is None:
        return None
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_SIZE):
        errors.add(f"{digits[:_SHOWN]!r} is no number of bytes", place)
        return None
    return int(digits)
