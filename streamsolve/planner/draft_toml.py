"""A draft as TOML: comments matter, so the lines are written here, and read again as a check.

Goals: what was decided is told from what was not at a glance; the same draft gives the same bytes;
whatever a text holds, it stays a string or a comment.
"""

from __future__ import annotations

import re
import textwrap
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field

from ..errors import Code, StreamsolveError
from ..model.draft import Draft, DraftKey, DraftTable, Mark, Value

__all__ = ["TO_DECIDE", "one_line", "quoted", "write_draft"]

TO_DECIDE = "TO DECIDE:"
"""What every mark begins with."""

_WIDTH = 98
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_HEAD = (
    "Drafted by `streamsolve profile new` from {origin}.",
    f'What it could not know is marked "{TO_DECIDE}"; delete a mark when it is decided.',
)


def quoted(text: str) -> str:
    """A string of TOML. What cannot be printed is escaped; a lone surrogate, which TOML cannot
    hold, becomes U+FFFD."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    number = ord(character)
    if 0xD800 <= number <= 0xDFFF:
        return "\ufffd"
    return f"\\u{number:04X}" if number <= 0xFFFF else f"\\U{number:08X}"


def one_line(text: str) -> str:
    """A text in one line, without what cannot be printed: what a comment can hold."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(shown.split())


def write_draft(draft: Draft) -> tuple[str, tuple[Mark, ...]]:
    """The text of a draft, and its marks with their lines."""
    lines = _Lines()
    for text in _HEAD:
        lines.comment(text.format(origin=one_line(draft.origin)))
    lines.space()
    for key in draft.keys:
        lines.key(key)
    for table in draft.tables:
        lines.space()
        lines.table(table)
    text = "\n".join(lines.lines) + "\n"
    if tomllib.loads(text) != _data(draft):
        raise StreamsolveError(Code.DEFECT, "a draft was not written as it was meant")
    return text, tuple(lines.marks)


@define
class _Lines:
    lines: list[str] = field(factory=list)
    marks: list[Mark] = field(factory=list)

    def space(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def comment(self, text: str) -> None:
        """Comment lines; a continued one is as long as it needs to be, since words stay whole."""
        wrapped = textwrap.wrap(
            one_line(text), _WIDTH, break_long_words=False, break_on_hyphens=False
        )
        self.lines += [f"# {line}" for line in wrapped]

    def mark(self, text: str) -> None:
        self.marks.append(Mark(len(self.lines) + 1, one_line(text)))
        self.comment(f"{TO_DECIDE} {text}")

    def told(self, comment: str, decide: str) -> None:
        if comment:
            self.comment(comment)
        if decide:
            self.mark(decide)

    def key(self, key: DraftKey) -> None:
        self.told(key.comment, key.decide)
        self._add(_assigned(key), key.suggested)

    def table(self, table: DraftTable) -> None:
        self.told(table.comment, table.decide)
        name = ".".join(map(_key, table.header))
        self._add([f"[[{name}]]" if table.array else f"[{name}]"], table.suggested)
        for key in table.keys:
            self.told(key.comment, key.decide)
            self._add(_assigned(key), table.suggested or key.suggested)

    def _add(self, lines: Iterable[str], suggested: bool) -> None:
        self.lines += [f"# {line}" if suggested else line for line in lines]


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else quoted(name)


def _assigned(key: DraftKey) -> list[str]:
    """``key = value``; an array that is too long for a line has one line per value."""
    if isinstance(key.value, str):
        return [f"{_key(key.name)} = {quoted(key.value)}"]
    values = [quoted(value) for value in key.value]
    line = f"{_key(key.name)} = [{', '.join(values)}]"
    if len(line) <= _WIDTH:
        return [line]
    return [f"{_key(key.name)} = [", *(f"  {value}," for value in values), "]"]


def _data(draft: Draft) -> Mapping[str, Any]:
    """What reading the text must give."""
    data: dict[str, Any] = {key.name: _value(key) for key in draft.keys if not key.suggested}
    for table in draft.tables:
        if table.suggested:
            continue
        *above, last = table.header
        inside = data
        for part in above:
            inside = inside.setdefault(part, {})
        row = {key.name: _value(key) for key in table.keys if not key.suggested}
        if table.array:
            inside.setdefault(last, []).append(row)
        else:
            inside[last] = {**inside.get(last, {}), **row}
    return data


def _value(key: DraftKey) -> Value | list[str]:
    """As ``tomllib`` gives it: an array is a list there."""
    if isinstance(key.value, str):
        return _readable(key.value)
    return [_readable(value) for value in key.value]


def _readable(text: str) -> str:
    return "".join("\ufffd" if 0xD800 <= ord(c) <= 0xDFFF else c for c in text)
