"""Definitions that come with the tool: TOML files of one kind in a directory, each called as its
file is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from ..errors import Code, ErrorCollector, InputError, Place

__all__ = ["list_definitions", "read_definition"]


class _Definition(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def file(self) -> str: ...


D = TypeVar("D", bound=_Definition)


def list_definitions(
    directory: Path, read: Callable[[Path], D], code: Code, summary: str
) -> tuple[D, ...]:
    """All definitions of a directory, by name.

    Raises :class:`InputErrors` (``code``, ``summary``) with the faults of all of them.
    """
    errors = ErrorCollector(code)
    found: list[D] = []
    for path in sorted(directory.glob("*.toml")):
        with errors.collect():
            found.append(read(path))
    errors.raise_if_any(summary)
    return tuple(sorted(found, key=lambda each: each.name))


def read_definition(path: Path, parse: Callable[..., D], kind: str, code: Code) -> D:
    """One definition; ``kind`` is what messages call its directory. :class:`InputError` (``code``)
    for one that is called otherwise than its file; raises as ``parse`` does."""
    found = parse(path.read_text("utf-8"), file=f"{kind}/{path.name}")
    if found.name != path.stem:
        raise InputError(
            code,
            f"it is called {found.name!r}, and its file {path.stem!r}",
            place=Place(found.file, path="name"),
        )
    return found
