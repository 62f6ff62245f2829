"""Licences as crates and npm packages state them, made SPDX expressions."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

__all__ = ["REFERENCE", "exact_licence", "is_expression", "is_listed", "spdx_licence", "terms"]

REFERENCE = "LicenseRef-"
_LONGEST = 4000
_LONGEST_LOOSE = 400
_LONGEST_NAME = 60
_DEEPEST = 20
_UNKNOWN = frozenset({"", "none", "unknown", "noassertion", "n/a"})
_OPERATORS = frozenset({"AND", "OR", "WITH"})
_PARTS = re.compile(r"[()]|[^\s()]+")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*", re.ASCII)
_ACCEPTED = f"{REFERENCE}Fedora-"


@lru_cache(maxsize=1 << 14)
def spdx_licence(said: str) -> str:
    """What is said of a licence as an SPDX expression; empty where nothing is said.

    ``A/B``, as crates used to write a choice, is ``A OR B``. A name that SPDX does not list becomes
    ``LicenseRef-`` and that name, and what is no expression at all becomes one such name: nothing
    is guessed.
    """
    text = " ".join(said.split())
    if text.lower() in _UNKNOWN:
        return ""
    if found := _canonical(text):
        return found
    if len(text) > _LONGEST_LOOSE:
        return _reference(text)
    text = _without_slashes(text)
    return _canonical(text) or _canonical(_with_references(text)) or _reference(text)


def exact_licence(said: str) -> str:
    """What is said of a licence where that is an SPDX expression as it stands; else empty."""
    return _canonical(" ".join(said.split()))


def is_expression(text: str) -> bool:
    """Whether a text is an SPDX expression in the spelling that :func:`spdx_licence` gives."""
    return bool(text) and _canonical(text) == text


def _without_slashes(text: str) -> str:
    """Cargo took a slash for OR until it took SPDX expressions."""
    words = text.split("/")
    if len(words) > 1 and all(_PLAIN.fullmatch(word.strip()) for word in words):
        return " OR ".join(word.strip() for word in words)
    return text


@lru_cache(maxsize=1 << 14)
def _canonical(text: str) -> str:
    """The expression in SPDX's spelling, without parentheses around it; empty if it is none."""
    if not text or len(text) > _LONGEST or text.count("(") > _DEEPEST:
        return ""
    try:
        found = str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        return ""
    while _is_enclosed(found):
        found = found[1:-1].strip()
    return found


def _is_enclosed(text: str) -> bool:
    if not (text.startswith("(") and text.endswith(")")):
        return False
    depth = 0
    for position, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return position == len(text) - 1
    return False


def _with_references(text: str) -> str:
    """The expression with the names that SPDX does not list as references; empty where it has no
    operator, so that words next to each other are one name."""
    parts = _PARTS.findall(text)
    if not any(part.upper() in _OPERATORS for part in parts):
        return ""
    named = []
    for part in parts:
        if part.upper() in _OPERATORS or part in "()":
            named.append(part)
        else:
            named.append(part if _canonical(part) or _is_exception(named) else _reference(part))
    return " ".join(named)


def _is_exception(before: list[str]) -> bool:
    return bool(before) and before[-1].upper() == "WITH"


def _reference(text: str) -> str:
    """A reference that names what was said; cut, and with a digest, where that is long."""
    name = re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")
    if len(name) > _LONGEST_NAME or not name:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        name = f"{name[:_LONGEST_NAME].strip('-.')}-{digest}".strip("-")
    return f"{REFERENCE}{name}"


def terms(licence: str) -> tuple[str, ...]:
    """The licences that an expression names, in its order, exceptions left out."""
    found: list[str] = []
    skipped = False
    for part in _PARTS.findall(licence):
        if part in ("AND", "OR", "WITH", "(", ")"):
            skipped = part == "WITH"
        elif not skipped:
            found.append(part)
    return tuple(found)


def is_listed(licence: str) -> bool:
    """Whether a way to take an expression needs nothing but licences that SPDX lists, or that
    Fedora has a name of its own for."""
    if REFERENCE not in licence:
        return bool(licence)
    return _is_met(_PARTS.findall(licence))


def _is_met(parts: list[str]) -> bool:
    """The value of an expression in which each listed licence is true. AND binds closer than OR."""
    values: list[list[bool]] = [[]]
    stack: list[list[list[bool]]] = []
    for part in parts:
        if part == "(":
            stack.append(values)
            values = [[]]
        elif part == ")":
            inner = any(all(group) for group in values)
            values = stack.pop()
            values[-1].append(inner)
        elif part == "OR":
            values.append([])
        elif part not in _OPERATORS:
            values[-1].append(_is_named(part))
    return any(all(group) for group in values)


def _is_named(licence: str) -> bool:
    return not licence.startswith(REFERENCE) or licence.startswith(_ACCEPTED)
