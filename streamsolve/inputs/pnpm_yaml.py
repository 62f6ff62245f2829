"""The YAML of ``pnpm-lock.yaml``: only its structure, with the line of every value.

Read from the parser's events, one after the other: nesting and aliases are refused where they
begin, so that no text costs more than its length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from ..errors import Code, InputError, Place
from .vendored_words import LARGEST_LOCK, shown

__all__ = ["Yaml", "parse_yaml_documents"]

_DEEPEST = 20
_NULL = frozenset({"", "~", "null", "Null", "NULL"})


@frozen
class Yaml:
    """A value: a text, a mapping, a list, or None for null. Texts are as they are written: a
    version ``5.4`` is no number. ``line`` is counted from 1."""

    value: str | dict[str, Yaml] | list[Yaml] | None
    line: int

    @property
    def text(self) -> str:
        """The text that it is; empty if it is none."""
        return self.value if isinstance(self.value, str) else ""

    @property
    def members(self) -> Mapping[str, Yaml]:
        """The mapping that it is; empty if it is none."""
        return self.value if isinstance(self.value, dict) else {}

    def at(self, *path: str) -> Yaml:
        """The value at a path of keys; null where there is none."""
        found = self
        for key in path:
            found = found.members.get(key, Yaml(None, found.line))
        return found


def parse_yaml_documents(text: str, *, file: str) -> tuple[Yaml, ...]:
    """All documents of a text. :class:`InputError` for the first fault: what is no YAML, is nested
    too deeply, refers to itself or has a key twice."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if len(text) > LARGEST_LOCK:
        raise _fault(f"more than {LARGEST_LOCK >> 20} MiB", file, 0)
    try:
        return tuple(_documents(yaml.parse(text, loader), file))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "it cannot be read"
        raise _fault(f"no YAML: {what}", file, mark.line + 1 if mark else 0) from None


def _fault(message: str, file: str, line: int) -> InputError:
    return InputError(Code.BROKEN_FOREIGN_LOCK, message, place=Place(file, line))


def _documents(events: Iterator[Any], file: str) -> Iterator[Yaml]:
    open_ones: list[_Open] = []
    for event in events:
        kind = type(event).__name__
        line = event.start_mark.line + 1
        if kind == "AliasEvent":
            raise _fault("an alias, which pnpm does not write", file, line)
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            if len(open_ones) == _DEEPEST:
                raise _fault("nested too deeply", file, line)
            open_ones.append(_Open(Yaml({} if kind == "MappingStartEvent" else [], line)))
            continue
        if kind == "ScalarEvent":
            is_null = event.implicit[0] and event.value in _NULL
            found = Yaml(None if is_null else event.value, line)
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            found = open_ones.pop().node
        else:
            continue
        if open_ones:
            open_ones[-1].add(found, file)
        else:
            yield found


class _Open:
    """A mapping or list whose end was not seen yet."""

    def __init__(self, node: Yaml) -> None:
        self.node = node
        self._key: str | None = None

    def add(self, found: Yaml, file: str) -> None:
        """Take the next value inside: in a mapping, keys and values by turns."""
        values = self.node.value
        if isinstance(values, list):
            values.append(found)
        elif isinstance(values, dict) and self._key is not None:
            values[self._key], self._key = found, None
        elif isinstance(values, dict):
            if found.value is not None and not isinstance(found.value, str):
                raise _fault("a key that is no text", file, found.line)
            if found.text in values:
                raise _fault(f"the key {shown(found.text)} is there twice", file, found.line)
            self._key = found.text
