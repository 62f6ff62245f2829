"""Licences as SPDX expressions, where what is said is one."""

from __future__ import annotations

from functools import cache

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

__all__ = ["expression", "references"]

_UNKNOWN = frozenset({"", "unknown", "noassertion", "none"})
_REFERENCE = "LicenseRef-"


@cache
def expression(said: str) -> tuple[str, str]:
    """The SPDX expression that a text is, and the text where it is none; both may be empty."""
    if said.strip().lower() in _UNKNOWN:
        return "", ""
    try:
        return canonicalize_license_expression(said), ""
    except InvalidLicenseExpression:
        return "", " ".join(said.split())


def references(expression: str) -> tuple[str, ...]:
    """The licences in an expression that SPDX does not list."""
    words = expression.replace("(", " ").replace(")", " ").split()
    return tuple(word for word in words if word.startswith(_REFERENCE))
