"""Reading typed values out of a TOML document, noting every fault on the way.

A getter that meets a fault notes it and returns a neutral value of the right type, so that reading
goes on; the caller raises what was noted before any of those values can be used. A key that was
never asked for is unknown: :meth:`Table.close` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from typing import TypeVar

from ..errors import ErrorCollector, InputError, Place, nearest
from .toml_places import KeyPath, TomlDocument

__all__ = ["Convert", "Table", "Unreadable", "kind_of_value"]

T = TypeVar("T")

Convert = Callable[[str, Place], T]
"""From the text of a value and its place; raises :class:`Unreadable`."""


class Unreadable(ValueError):
    """A value that is not what it should be: what is wrong, and a hint. The reader knows where."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def kind_of_value(value: object) -> str:
    """What a TOML value is, in words and with its article."""
    names: tuple[tuple[type, str], ...] = (
        (bool, "true or false"),
        (str, "a string"),
        (int, "an integer"),
        (float, "a float"),
        (datetime, "a date"),
        (date, "a date"),
        (time, "a time"),
        (list, "an array"),
        (dict, "a table"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "something else")


class Table:
    """One table of a document, read key by key."""

    def __init__(
        self,
        document: TomlDocument,
        errors: ErrorCollector,
        path: KeyPath = (),
        data: Mapping[str, object] | None = None,
    ) -> None:
        self.document = document
        self.errors = errors
        self.path = path
        self.data = document.data if data is None else data
        self._known: dict[str, None] = {}
        # Nothing is missing from a table that is itself missing or no table.
        self._void = False

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def place(self, *path: str | int) -> Place:
        """Where a key of this table is, or this table itself."""
        return self.document.place((*self.path, *path))

    def fault(self, message: str, *path: str | int, hint: str = "") -> None:
        """Note a fault at a key of this table, or at the table itself."""
        self.errors.add(message, self.place(*path), hint)

    def _get(self, key: str, kind: type[T], required: bool) -> T | None:
        """The value of a key if it is of the right type; otherwise None, with the fault noted."""
        self._known[key] = None
        if key not in self.data:
            if required and not self._void:
                self.fault(f"the key {key!r} is missing", key)
            return None
        value = self.data[key]
        # True is an int to Python, but not to TOML.
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        self._wrong_kind(value, kind_of_value(kind()), key)
        return None

    def _wrong_kind(self, value: object, expected: str, *path: str | int) -> None:
        self.fault(f"expected {expected}, not {kind_of_value(value)}", *path)

    def text(self, key: str, default: str | None = None) -> str:
        """A string. Without a default it must be there and say something."""
        value = self._get(key, str, default is None)
        if value is None:
            return default or ""
        if default is None and not value.strip():
            self.fault("must not be empty", key)
        return value

    def flag(self, key: str, default: bool) -> bool:
        """``true`` or ``false``."""
        value = self._get(key, bool, required=False)
        return default if value is None else value

    def number(self, key: str, default: int, *, least: int = 1) -> int:
        """An integer that is at least ``least``."""
        value = self._get(key, int, required=False)
        if value is None:
            return default
        if value < least:
            self.fault(f"must be at least {least}, not {value}", key)
        return value

    def value(self, key: str, convert: Convert[T], neutral: T, *, required: bool = True) -> T:
        """A string that stands for something. ``neutral`` is what an absent or faulty one gives."""
        text = self._get(key, str, required)
        found = () if text is None else self._convert(text, convert, key)
        return found[0] if found else neutral

    def _convert(self, text: str, convert: Convert[T], *path: str | int) -> tuple[T, ...]:
        """What a text stands for, or nothing, with the fault noted."""
        place = self.place(*path)
        try:
            return (convert(text, place),)
        except Unreadable as error:
            self.errors.add(error.message, place, error.hint)
        except InputError as error:
            self.errors.errors.append(error)
        return ()

    def key(self, name: str, convert: Convert[T], neutral: T) -> T:
        """What a key itself stands for."""
        found = self._convert(name, convert, name)
        return found[0] if found else neutral

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """An array of strings, none of them empty."""
        return self.values(key, _not_empty, required=required)

    def values(self, key: str, convert: Convert[T], *, required: bool = False) -> tuple[T, ...]:
        """An array of strings that stand for something, in order, without those at fault."""
        array = self._get(key, list, required)
        found: list[T] = []
        for position, item in enumerate(array or ()):
            if isinstance(item, str):
                found.extend(self._convert(item, convert, key, position))
            else:
                self._wrong_kind(item, "a string", key, position)
        if required and array == []:
            self.fault("must not be empty", key)
        return tuple(found)

    def table(self, key: str, *, required: bool = False) -> Table:
        """A table; an empty one where it is absent."""
        value = self._get(key, dict, required)
        table = Table(self.document, self.errors, (*self.path, key), value or {})
        table._void = value is None
        return table

    def tables(self, key: str) -> tuple[Table, ...]:
        """An array of tables, in order."""
        array = self._get(key, list, required=False)
        found: list[Table] = []
        for position, item in enumerate(array or ()):
            if isinstance(item, dict):
                found.append(Table(self.document, self.errors, (*self.path, key, position), item))
            else:
                self._wrong_kind(item, "a table", key, position)
        return tuple(found)

    def kind(self, key: str) -> type | None:
        """The type that a key's value has, for a key that may have several; None if absent."""
        self._known[key] = None
        return type(self.data[key]) if key in self.data else None

    def close(self) -> None:
        """Note each key that was never asked for, with the nearest that was."""
        for key in self.data:
            if key not in self._known:
                self.fault(f"unknown key {key!r}", key, hint=nearest(key, self._known))


def _not_empty(text: str, _place: Place) -> str:
    if not text.strip():
        raise Unreadable("must not be empty")
    return text
