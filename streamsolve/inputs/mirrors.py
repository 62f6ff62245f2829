"""Where copies of a repository are: metalinks and mirror lists, read into base URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from ..errors import Code, InputError, Place
from .xml_text import parse_xml

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["Mirrors", "parse_metalink", "parse_mirrorlist"]

_REPOMD = "repodata/repomd.xml"
_SCHEMES = ("https://", "http://", "file://")
_LOWEST = -1
_DIGITS = 9


@frozen
class Mirrors:
    """Base URLs, each with a slash at its end, the preferred one first.

    ``repomd_sha256`` are the digests (hexadecimal) that repomd.xml may have: the newest and those
    that are still accepted while mirrors catch up. Empty when nothing is known of it.
    """

    urls: tuple[str, ...]
    repomd_sha256: tuple[str, ...] = ()


def parse_metalink(content: bytes, *, file: str) -> Mirrors:
    """Read a metalink of repomd.xml, as MirrorManager writes it.

    Mirrors are ordered by preference, and as listed where that is equal; only those are kept that
    can be read here. Raises :class:`InputError` with ``BROKEN_REPOSITORY``.
    """
    root = parse_xml(content, file=file, root="metalink")
    entry = next(
        (found for found in root.iterfind("{*}files/{*}file") if found.get("name") == "repomd.xml"),
        None,
    )
    if entry is None:
        raise _broken("it does not name repomd.xml", file)
    ranked: list[tuple[int, str]] = []
    for element in entry.iterfind("{*}resources/{*}url"):
        url = (element.text or "").strip()
        if url.startswith(_SCHEMES) and url.endswith(_REPOMD):
            ranked.append((_preference(element), url.removesuffix(_REPOMD)))
    ranked.sort(key=lambda pair: -pair[0])
    urls = tuple(dict.fromkeys(url for _, url in ranked))
    if not urls:
        raise _broken("it names no mirror that can be read", file)
    current = entry.iterfind("{*}verification/{*}hash")
    earlier = entry.iterfind("{*}alternates/{*}alternate/{*}verification/{*}hash")
    digests = (
        (element.text or "").strip().lower()
        for element in (*current, *earlier)
        if element.get("type") == "sha256"
    )
    return Mirrors(urls, tuple(dict.fromkeys(digest for digest in digests if digest)))


def parse_mirrorlist(content: bytes, *, file: str) -> Mirrors:
    """Read a list of base URLs, one a line, ``#`` for remarks; errors as for a metalink."""
    text = content.decode("utf-8", "replace")
    lines = (line.strip() for line in text.splitlines())
    urls = (f"{line.rstrip('/')}/" for line in lines if line.startswith(_SCHEMES))
    found = tuple(dict.fromkeys(urls))
    if not found:
        raise _broken("it names no mirror that can be read", file)
    return Mirrors(found)


def _preference(element: Element) -> int:
    text = element.get("preference", "")
    return int(text[:_DIGITS]) if text.isascii() and text.isdigit() else _LOWEST


def _broken(message: str, file: str) -> InputError:
    return InputError(Code.BROKEN_REPOSITORY, message, place=Place(file))
