"""What a release's core metadata says about the project: for people, not for planning."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from attrs import frozen

from .core_metadata import parse_core_metadata

__all__ = ["ProjectDescription", "describe_project", "repository_purl"]

_LABELS = ("source", "sourcecode", "repository", "code", "github", "gitlab", "homepage", "home")
_PAGES = ("homepage", "home", "repository", "source", "sourcecode", "code", "documentation", "docs")
_HOSTS = {"github.com": "github", "www.github.com": "github", "gitlab.com": "gitlab"}
_PART = re.compile(r"[A-Za-z0-9_.-]+")
_NO_OWNERS = frozenset({"about", "apps", "features", "orgs", "sponsors", "topics", "users"})


@frozen
class ProjectDescription:
    """``urls`` are (label, address) in the order of the metadata, the home page first."""

    summary: str = ""
    homepage: str = ""
    urls: tuple[tuple[str, str], ...] = ()
    licence: str = ""


def describe_project(text: str, *, file: str = "METADATA") -> ProjectDescription:
    """Read a METADATA or PKG-INFO text; whatever is missing is empty.

    The home page is the field of that name, else the project URL that is called so, or the source,
    or the documentation. Raises
    :class:`streamsolve.InputError` for what is no metadata.
    """
    from packaging.metadata import parse_email

    raw = parse_email(text)[0]
    licence = parse_core_metadata(text, file=file, lenient=True).licence
    urls = [(label.strip(), url.strip()) for label, url in raw.get("project_urls", {}).items()]
    home = raw.get("home_page", "").strip()
    named = min(
        ((_PAGES.index(_plain(label)), url) for label, url in urls if _plain(label) in _PAGES),
        default=(0, ""),
    )[1]
    if home:
        urls.insert(0, ("Home-page", home))
    return ProjectDescription(
        " ".join(raw.get("summary", "").split()), home or named, tuple(urls), licence
    )


def repository_purl(urls: Iterable[tuple[str, str]]) -> str:
    """The package URL of the source repository among project URLs, empty if none is known to be.

    Only the two hosts count whose addresses say owner and repository; an address that is called
    the source comes before others.
    """
    found = []
    for position, (label, url) in enumerate(urls):
        purl = _purl(url)
        plain = _plain(label)
        rank = _LABELS.index(plain) if plain in _LABELS else len(_LABELS)
        if purl:
            found.append((rank, position, purl))
    return min(found)[2] if found else ""


def _plain(label: str) -> str:
    return re.sub(r"[^a-z]", "", label.lower())


def _purl(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return ""
    kind = _HOSTS.get(host, "")
    path = [part for part in parts.path.split("/") if part]
    if not kind or len(path) < 2 or parts.scheme not in ("http", "https"):
        return ""
    owner, name = path[0], path[1].removesuffix(".git")
    if owner in _NO_OWNERS or not (_PART.fullmatch(owner) and _PART.fullmatch(name)):
        return ""
    if not name.strip(".") or not owner.strip("."):
        return ""
    return f"pkg:{kind}/{owner}/{name}"
