"""Values as Python literals for files that mock executes and then renders with Jinja.

mock renders a string until it no longer changes, five times at most, so nothing that opens a
template can be escaped for good: it has to be refused before it comes here, and what comes here
nevertheless is a defect. Literals are ASCII, and no literal has a line end of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from .grammar import opens_template

__all__ = ["block", "literal"]


def literal(value: str | bool | int | None) -> str:
    """A value as a Python literal."""
    if isinstance(value, str) and opens_template(value):
        raise ValueError(f"it would be rendered: {value!r}")
    return ascii(value)


def block(opening: str, expressions: Iterable[str], closing: str) -> list[str]:
    """Lines of a bracket with one expression on each line, indented once."""
    return [opening, *(f"    {expression}" for expression in expressions), closing]
