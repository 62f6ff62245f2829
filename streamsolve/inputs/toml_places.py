"""TOML text as data, together with the line on which each part of it was written.

The standard library reads TOML but tells no lines. It decides here what is valid and what the
values are; a small scanner then follows the same text, which it may therefore trust, and notes
where each key, table and array element begins.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from ..errors import Code, InputError, Place

__all__ = ["KeyPath", "TomlDocument", "parse_toml", "path_text", "toml_data"]

KeyPath = tuple[str | int, ...]
"""Keys and array positions (from 0) from the top of the document down to a value."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SPACES = re.compile(r"[ \t\r]*")
_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SCALAR = re.compile(r"[^,\]}#\n]*")
# A multi-line string may end with up to five quotes: two of its own and the three that close it.
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_DEEPEST = 100
_DEEP_KEY = re.compile(
    r"(?:(?<![\w-])[A-Za-z0-9_-]++|\"[^\"\n]*\"|'[^'\n]*')"
    rf"(?:[ \t]*\.[ \t]*(?:[A-Za-z0-9_-]++|\"[^\"\n]*\"|'[^'\n]*')){{{_DEEPEST}}}"
)
_LONG_NUMBER = re.compile(r"(?<![\w-])0(?:x[0-9a-fA-F_]{500}|o[0-7_]{500}|b[01_]{500})")
_TOO_LONG = "a number in it is too long"
_TOO_DEEP = "nested too deeply to be read"
_DECODER_POSITION = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


@frozen
class TomlDocument:
    """A document: its data, the ``file`` it is known by, and the line (from 1) of each path."""

    file: str
    data: Mapping[str, object]
    lines: Mapping[KeyPath, int] = field(repr=False)

    def place(self, path: KeyPath) -> Place:
        """Where a path was written; for one that is absent, where it should have been."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        return Place(self.file, self.lines[known], path_text(path))


def path_text(path: Sequence[str | int]) -> str:
    """A path as it is shown, such as ``relax[3].reason``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            shown = part if _BARE_KEY.fullmatch(part) else f'"{part}"'
            text += f".{shown}" if text else shown
    return text


def parse_toml(text: str, *, file: str, code: Code) -> TomlDocument:
    """Read a document; :class:`InputError` with ``code``, the line and a caret if it is not TOML.

    TOML is not recoverable after a fault in its syntax, so that there is never more than one.
    """
    try:
        return TomlDocument(file, toml_data(text), _Scanner(text).scan())
    except RecursionError:
        raise InputError(code, _TOO_DEEP, place=Place(file, 1)) from None
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(text, file, code, str(error)) from None
    except ValueError as error:
        raise InputError(code, str(error), place=Place(file, 1)) from None


def toml_data(text: str) -> dict[str, Any]:
    """The data alone. ``ValueError`` for what is no TOML, has a number that Python does not read,
    or is nested too deeply: the standard library follows arrays as deep as its stack goes, and
    takes time and memory by the square of the parts of a dotted key."""
    if _DEEP_KEY.search(text):
        raise ValueError(_TOO_DEEP)
    if _LONG_NUMBER.search(text):
        raise ValueError(_TOO_LONG)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except ValueError:
        # Decimal numbers have a limit of Python's, of which the standard library says nothing.
        raise ValueError(_TOO_LONG) from None


def _syntax_error(text: str, file: str, code: Code, message: str) -> InputError:
    lines = text.replace("\r\n", "\n").split("\n")
    position = _DECODER_POSITION.search(message)
    if position is None or position[1] is None:
        # The end of the document: the last line that says something.
        number = max((n for n, line in enumerate(lines, 1) if line.strip()), default=1)
        column = len(lines[number - 1]) + 1
        ends = " (the file ends here)"
    else:
        number, column = int(position[1]), int(position[2])
        ends = ""
    what = _DECODER_POSITION.sub("", message)
    source = lines[number - 1] if number <= len(lines) else ""
    padding = "".join("\t" if char == "\t" else " " for char in source[: column - 1])
    return InputError(
        code,
        f"not TOML: {what[:1].lower()}{what[1:]}{ends}",
        place=Place(file, number),
        hint=f"{source}\n  {padding}^",
    )


class _Scanner:
    """Follows valid TOML and notes where each path begins.

    ``sizes`` counts the elements of each array of tables, because a header such as ``[a.b]`` means
    the last element of ``a`` where that is one.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {(): 1}
        self.sizes: dict[KeyPath, int] = {}
        self.newlines = [match.start() for match in re.finditer("\n", text)]

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self._skip(_BLANK):
            if self.text.startswith("[[", self.at):
                table = self._header("[[")
            elif self.text[self.at] == "[":
                table = self._header("[")
            else:
                self._pair(table)
        return self.lines

    def _line(self) -> int:
        return bisect_right(self.newlines, self.at - 1) + 1

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        """Pass over what the pattern matches; whether anything is left."""
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
        return self.at < len(self.text)

    def _header(self, opening: str) -> KeyPath:
        line = self._line()
        self.at += len(opening)
        *parents, last = self._key()
        self.at += len(opening)
        path: KeyPath = ()
        for part in parents:
            path = (*path, part)
            self.lines.setdefault(path, line)
            if path in self.sizes:
                path = (*path, self.sizes[path] - 1)
        path = (*path, last)
        if opening == "[[":
            self.lines.setdefault(path, line)
            size = self.sizes.get(path, 0)
            self.sizes[path] = size + 1
            path = (*path, size)
        # A header names its table better than a longer header before it, which only implied it.
        self.lines[path] = line
        return path

    def _key(self) -> list[str]:
        """The parts of a dotted key; stops at the ``=`` or ``]`` behind it."""
        parts: list[str] = []
        while True:
            self._skip(_SPACES)
            start = self.at
            if self.text[start] in "\"'":
                self._skip(_STRING)
                parts.append(tomllib.loads(f"key = {self.text[start : self.at]}")["key"])
            else:
                self._skip(_BARE_KEY)
                parts.append(self.text[start : self.at])
            self._skip(_SPACES)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def _pair(self, table: KeyPath) -> None:
        line = self._line()
        path = table
        for part in self._key():
            path = (*path, part)
            self.lines.setdefault(path, line)
        self.at += 1
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        self._skip(_SPACES)
        first = self.text[self.at]
        if first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        else:
            self._skip(_STRING if first in "\"'" else _SCALAR)

    def _array(self, path: KeyPath) -> None:
        self.at += 1
        position = 0
        while self._skip(_BLANK) and self.text[self.at] != "]":
            element = (*path, position)
            self.lines[element] = self._line()
            self._value(element)
            self._separator()
            position += 1
        self.at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.at += 1
        while self._skip(_BLANK) and self.text[self.at] != "}":
            self._pair(path)
            self._separator()
        self.at += 1

    def _separator(self) -> None:
        self._skip(_BLANK)
        if self.text[self.at] == ",":
            self.at += 1
