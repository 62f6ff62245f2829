"""The macros of a spec, as far as they can be known by reading: no macro is run.

RPM's macro language is a programming language. Here only plain definitions are read and plain uses
are replaced (``%{x}``, ``%x``, ``%{?x}``, ``%{?x:text}``, ``%{!?x:text}``); everything else makes a
text one that is not known, and then nothing is concluded from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from attrs import define, field, frozen

__all__ = ["Definition", "Macros", "definitions", "uses"]

_DEFINITION = re.compile(
    r"^\s*%(?P<word>global|define)\s+(?P<name>[A-Za-z_]\w*)(?P<space>[ \t]+)(?P<body>.*?)\s*$"
)
_USE = re.compile(
    r"%(?:(?P<percent>%)|\{(?P<flags>[!?]*)(?P<braced>[A-Za-z_]\w*)(?P<colon>:)?|(?P<bare>[A-Za-z_]\w*))"
)
_CONDITION = re.compile(r"^\s*%(?P<word>if\w*|endif)\b")
_DEEPEST = 20


@frozen
class Definition:
    """A definition on one line: ``line`` counts from 0, ``body`` is as written. ``conditional``
    says that it stands between ``%if`` and ``%endif``."""

    name: str
    body: str
    line: int
    conditional: bool


def definitions(lines: Iterable[str]) -> tuple[Definition, ...]:
    """All definitions of plain macros on one line, in their order."""
    found = []
    depth = 0
    for number, line in enumerate(lines):
        if condition := _CONDITION.match(line):
            depth += -1 if condition["word"] == "endif" else 1
        one = _DEFINITION.match(line)
        if (
            one
            and not one["body"].endswith("\\")
            and one["body"].count("{") == one["body"].count("}")
        ):
            found.append(Definition(one["name"], one["body"], number, depth > 0))
    return tuple(found)


def uses(text: str) -> tuple[str, ...]:
    """The names of the macros that a text uses, in their order."""
    names = (use["braced"] or use["bare"] for use in _USE.finditer(text))
    return tuple(dict.fromkeys(name for name in names if name))


@define
class Macros:
    """What is known of a spec's macros: the text of each by name. ``absent`` are those that are
    known not to be defined."""

    bodies: Mapping[str, str]
    absent: frozenset[str] = field(factory=frozenset)

    @classmethod
    def of(
        cls, found: Iterable[Definition], known: Mapping[str, str], absent: Iterable[str] = ()
    ) -> Macros:
        """Of definitions, of which those without a condition count before the others, and the
        last of them; ``known`` come before all."""
        ordered = sorted(found, key=lambda one: (not one.conditional, one.line))
        bodies = {one.name: one.body for one in ordered}
        return cls({**bodies, **known}, frozenset(absent))

    def expand(self, text: str) -> str | None:
        """The text with every macro replaced; None where that cannot be known."""
        return self._expand(text, 0)

    def _expand(self, text: str, depth: int) -> str | None:
        if depth > _DEEPEST:
            return None
        parts: list[str] = []
        at = 0
        while (start := text.find("%", at)) >= 0:
            parts.append(text[at:start])
            use = _USE.match(text, start)
            if use is None:
                return None
            if use["percent"]:
                parts.append("%")
                at = use.end()
                continue
            end, argument = _end(text, use)
            if end < 0:
                return None
            value = self._value(use, argument, depth)
            if value is None:
                return None
            parts.append(value)
            at = end
        parts.append(text[at:])
        return "".join(parts)

    def _value(self, use: re.Match[str], argument: str | None, depth: int) -> str | None:
        name = use["braced"] or use["bare"]
        flags = use["flags"] or ""
        body = self.bodies.get(name)
        if "?" in flags:
            known = body is not None
            if not known and name not in self.absent:
                return None
            if "!" in flags:
                return "" if known or argument is None else self._expand(argument, depth + 1)
            if not known:
                return ""
            return self._expand(body or "" if argument is None else argument, depth + 1)
        if body is None or argument is not None:
            return None
        return self._expand(body, depth + 1)


def _end(text: str, use: re.Match[str]) -> tuple[int, str | None]:
    """Where a use ends, and its argument after a colon; -1 where it is none that is known."""
    if use["bare"]:
        return use.end(), None
    if not use["colon"]:
        is_closed = text[use.end() : use.end() + 1] == "}"
        return (use.end() + 1, None) if is_closed else (-1, None)
    depth = 1
    for at in range(use.end(), len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return at + 1, text[use.end() : at]
    return -1, None
