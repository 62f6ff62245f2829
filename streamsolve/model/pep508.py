"""PEP 440 and 508 from texts of strangers: as ``packaging`` reads them, and no more.

``packaging`` takes numbers of any length, which Python refuses to read once versions are compared,
and parentheses as deep as Python's stack goes. Here both are what everything else is that is no
version, specifier, marker or requirement.
"""

from __future__ import annotations

import re

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

__all__ = ["parse_marker", "parse_pep508", "parse_specifiers", "parse_version"]

_MOST_DIGITS = 640
"""The least that Python can be told to read of a number."""
_DEEPEST = 50
_NUMBER = re.compile(rf"[0-9]{{{_MOST_DIGITS}}}")
_TOO_LONG = "a number in it is too long"
_TOO_DEEP = "it is nested too deeply"


def parse_version(text: str) -> Version:
    """A version; ``InvalidVersion`` for what is none."""
    if _has_endless_number(text):
        raise InvalidVersion(_TOO_LONG)
    return Version(text)


def parse_specifiers(text: str) -> SpecifierSet:
    """Clauses with commas between them; ``InvalidSpecifier`` for what are none."""
    if _has_endless_number(text):
        raise InvalidSpecifier(_TOO_LONG)
    return SpecifierSet(text)


def parse_marker(text: str) -> Marker:
    """A condition; ``InvalidMarker`` for what is none."""
    if fault := _fault(text):
        raise InvalidMarker(fault)
    return Marker(text)


def parse_pep508(text: str) -> Requirement:
    """A requirement; ``InvalidRequirement`` for what is none."""
    if fault := _fault(text):
        raise InvalidRequirement(fault)
    return Requirement(text)


def _fault(text: str) -> str:
    if _has_endless_number(text):
        return _TOO_LONG
    return _TOO_DEEP if text.count("(") > _DEEPEST and _depth(text) > _DEEPEST else ""


def _has_endless_number(text: str) -> bool:
    return len(text) >= _MOST_DIGITS and _NUMBER.search(text) is not None


def _depth(text: str) -> int:
    deepest = depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest
