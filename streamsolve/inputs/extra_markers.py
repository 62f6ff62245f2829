"""Which requirements can hold without an extra, or with some, whatever else their markers ask."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from attrs import frozen
from packaging.utils import canonicalize_name

from ..model.pep508 import parse_pep508

__all__ = ["can_hold"]

_TOKEN = re.compile(
    r"""\s*(?:(?P<mark>[()])|(?P<join>and|or)\b
    |(?P<left>"[^"]*"|'[^']*'|\w+)\s*(?P<op>not\s+in|in\b|[<>=!~]+)\s*(?P<right>"[^"]*"|'[^']*'|\w+))""",
    re.VERBOSE,
)


def can_hold(requirement: str, extras: Collection[str]) -> bool:
    """Whether a PEP 508 requirement can hold somewhere without an extra or with one of these.

    ``extras`` are normalised. What is not about extras counts as true, so the answer is never
    wrongly "no".
    """
    marker = parse_pep508(requirement).marker
    if marker is None:
        return True
    tokens = list(_tokens(str(marker)))
    tokens.reverse()
    return _either(tokens, extras)


@frozen
class _Comparison:
    """One comparison of a marker, as it is spelled."""

    left: str
    operator: str
    right: str

    def can_hold(self, extras: Collection[str]) -> bool:
        if self.operator != "==" or "extra" not in (self.left, self.right):
            return True
        value = self.right if self.left == "extra" else self.left
        return canonicalize_name(value.strip("'\"")) in extras


_Tokens = list[_Comparison | str]


def _tokens(marker: str) -> Iterator[_Comparison | str]:
    position = 0
    while match := _TOKEN.match(marker, position):
        position = match.end()
        plain = match["mark"] or match["join"]
        yield plain or _Comparison(match["left"], match["op"], match["right"])


def _either(tokens: _Tokens, extras: Collection[str]) -> bool:
    """``a or b``; tokens are taken from the end of the list."""
    holds = _both(tokens, extras)
    while tokens and tokens[-1] == "or":
        tokens.pop()
        holds = _both(tokens, extras) or holds
    return holds


def _both(tokens: _Tokens, extras: Collection[str]) -> bool:
    """``a and b``, which binds closer than ``or``."""
    holds = _single(tokens, extras)
    while tokens and tokens[-1] == "and":
        tokens.pop()
        holds = _single(tokens, extras) and holds
    return holds


def _single(tokens: _Tokens, extras: Collection[str]) -> bool:
    """A comparison, or a parenthesis."""
    first = tokens.pop()
    if isinstance(first, _Comparison):
        return first.can_hold(extras)
    holds = _either(tokens, extras)
    tokens.pop()
    return holds
