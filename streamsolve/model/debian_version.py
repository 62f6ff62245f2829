"""Debian's order among versions, and what a version there says in PEP 440's terms.

A version is ``[epoch:]upstream[-revision]``. The order is that of the manual page
deb-version(7): epoch by value, then upstream, then revision; in these, runs of other characters and
runs of digits take turns, a tilde is older than anything, even the end, and letters are older than
all other characters.
"""

from __future__ import annotations

import re
from functools import lru_cache

from packaging.version import InvalidVersion, Version

from .pep508 import parse_version

__all__ = [
    "compare_debian",
    "debian_key",
    "is_debian_version",
    "split_debian",
    "upstream_version",
]

DebianKey = tuple[tuple[tuple[tuple[int, ...], int, str], ...], ...]
"""What sorts as a version does: the pieces of epoch, upstream and revision."""

_PIECE = re.compile(r"([^0-9]*)([0-9]*)")
_VERSION = re.compile(r"(?:[0-9]+:)?[0-9A-Za-z.+~:-]+")
_END = ((0,), 0, "")
_LETTER_OFFSET = 256
# What packagers add to the upstream version: repacked sources, and versions that go back.
_REPACKED = re.compile(r"[+~.](?:really(?P<really>.+)|(?:dfsg|ds|repack|debian|deb|ubuntu).*)")
_PRE_RELEASE = re.compile(r"~(?=(?:alpha|beta|a|b|c|rc|pre|dev)[.]?[0-9]*)")


def split_debian(version: str) -> tuple[str, str, str]:
    """Epoch, upstream and revision as they are written; empty where one is not."""
    head, colon, rest = version.partition(":")
    epoch, rest = (head, rest) if colon else ("", version)
    upstream, hyphen, revision = rest.rpartition("-")
    return (epoch, upstream, revision) if hyphen else (epoch, rest, "")


def is_debian_version(text: str) -> bool:
    """Whether it has the form of a version: nothing that is written of it is empty."""
    return _VERSION.fullmatch(text) is not None and text[-1] != "-" and split_debian(text)[1] != ""


def compare_debian(one: str, other: str) -> int:
    """-1, 0 or 1, as ``one`` is older than, equal to or newer than ``other``.

    A missing epoch or revision is 0.
    """
    first, second = debian_key(one), debian_key(other)
    return (first > second) - (first < second)


@lru_cache(maxsize=1 << 16)
def debian_key(version: str) -> DebianKey:
    """A sort key for versions; equal for versions that are the same to Debian."""
    return tuple(map(_pieces, split_debian(version)))


def _pieces(text: str) -> tuple[tuple[tuple[int, ...], int, str], ...]:
    found = []
    for other, digits in _PIECE.findall(text):
        number = digits.lstrip("0")
        found.append(((*map(_weight, other), 0), len(number), number))
    # A zero at the end is as good as nothing: 1.0a is 1.0a0.
    while found and found[-1] == _END:
        found.pop()
    # Only a first piece can be like the end, so two ends settle every comparison.
    return (*found, _END, _END)


def _weight(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + _LETTER_OFFSET


@lru_cache(maxsize=1 << 14)
def upstream_version(version: str) -> Version | None:
    """Upstream's version in PEP 440's terms, as far as the text tells it; None where it does not.

    Epoch and revision are the packagers' and say nothing, ``+dfsg`` and ``+ds`` mark repacked
    sources, ``5.0+really4.2`` is 4.2, and ``2.0~rc1`` is 2.0rc1. A snapshot after a release
    (``1.2+git20260101``) counts as a local version of it; one before a release tells nothing.
    """
    text = split_debian(version)[1]
    if found := _REPACKED.search(text):
        text = found["really"] or text[: found.start()]
        if found["really"] and (again := _REPACKED.search(text)):
            text = text[: again.start()]
    text = _PRE_RELEASE.sub("", text)
    try:
        return parse_version(text)
    except InvalidVersion:
        return None
