"""What the value of a setting may be. Each reader raises :class:`Unreadable`."""

from __future__ import annotations

import re

from ..errors import Place, nearest
from .tables import Unreadable

__all__ = [
    "COLOURS",
    "read_arch",
    "read_colour",
    "read_flag",
    "read_modules",
    "read_text",
    "read_url",
    "read_url_or_directory",
    "scheme_of",
]

COLOURS = ("auto", "always", "never")

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")
_SCHEMES = ("http", "https", "file")
_MODULE = re.compile(r"[A-Za-z0-9][\w.+-]*:[\w.+-]+")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def read_text(text: str, _place: Place) -> str:
    """Anything but nothing."""
    if not text.strip():
        raise Unreadable("must not be empty")
    return text


def read_arch(text: str, _place: Place) -> str:
    """The name of an architecture."""
    if not re.fullmatch(r"[a-z0-9_]+", text):
        raise Unreadable(f"{text!r} is no architecture", "such as x86_64 or aarch64")
    return text


def scheme_of(text: str) -> str:
    """What stands before the colon of an address, in lower case; empty for what is none."""
    match = _SCHEME.match(text)
    return match[1].lower() if match else ""


def read_url(text: str, _place: Place) -> str:
    """An address of a kind that can be read."""
    if scheme_of(text) not in _SCHEMES:
        raise Unreadable(f"{text!r} is no address", "it begins with https://, http:// or file://")
    return text


def read_url_or_directory(text: str, place: Place) -> str:
    """An address, or else a directory."""
    return read_url(text, place) if scheme_of(text) else read_text(text, place)


def read_colour(text: str, _place: Place) -> str:
    """One of ``COLOURS``."""
    if text not in COLOURS:
        raise Unreadable(f"unknown value {text!r}", nearest(text, COLOURS))
    return text


def read_flag(text: str, _place: Place) -> bool:
    """Yes or no, as the environment writes it."""
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise Unreadable(f"{text!r} is neither yes nor no", "write 1 or 0")


def read_modules(text: str, _place: Place) -> str:
    """Module streams with spaces between them."""
    for word in text.split():
        if not _MODULE.fullmatch(word):
            raise Unreadable(
                f"{word!r} is no stream of a module", "write NAME:STREAM, such as nodejs:20"
            )
    return " ".join(dict.fromkeys(text.split()))
