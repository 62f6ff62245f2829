"""The tables ``[[vendored]]`` of a profile: lists of what streams carry in their own source."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from attrs import evolve, frozen

from ..errors import Code, InputError, InputErrors, Place
from ..model.component import Component
from ..model.vendored import Vendored
from .notation import read_any_component
from .profile_rows import NO_COMPONENT, among_variants
from .tables import Table, Unreadable
from .vendored_file import parse_vendored

__all__ = ["VendoredTables", "read_vendored"]


@frozen
class VendoredTables:
    """What the tables say, and the texts of the lists that they name, in their order."""

    rows: tuple[tuple[Component | None, Vendored], ...]
    texts: tuple[str, ...]

    def of(self, application: Component) -> tuple[Vendored, ...]:
        """What is carried by which component; by the application where none is named."""
        return tuple(
            evolve(row, component=component or application) for component, row in self.rows
        )


def read_vendored(
    top: Table, variants: tuple[str, ...], included: Callable[[str], str]
) -> VendoredTables:
    """Read the tables; what is wrong with them or their lists is noted.

    ``included`` gives the text of a file named as in the profile, or raises :class:`InputError`.
    """
    rows: list[tuple[Component | None, Vendored]] = []
    texts: list[str] = []
    seen: dict[tuple[object, ...], Place] = {}
    for row in top.tables("vendored"):
        component = row.value("component", read_any_component, None, required=False)
        named = row.values("variants", among_variants(variants))
        file = row.value("file", _read_path, "")
        reason = row.text("reason", "")
        row.close()
        first = seen.setdefault((component, file), row.place())
        if file and first != row.place():
            row.fault(f"{file} is named twice", "file", hint=f"it was first at {first}")
        elif file:
            with row.errors.collect():
                text = _text(file, included, row.place("file"))
                texts.append(text)
                packages = parse_vendored(text, file=_shown(top.document.file, file))
                stands = component or NO_COMPONENT
                rows.append((component, Vendored(stands, packages, named, reason, file)))
    return VendoredTables(tuple(rows), tuple(texts))


def _shown(profile: str, file: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(profile), file))


def _text(file: str, included: Callable[[str], str], place: Place) -> str:
    try:
        return included(file)
    except InputErrors:
        raise
    except InputError as error:
        raise InputError(
            Code.BROKEN_PROFILE, f"the list {file!r} {error.message}", place=place
        ) from None


def _read_path(text: str, _place: Place) -> str:
    if not text.strip() or posixpath.isabs(text) or ".." in text.split("/"):
        raise Unreadable(f"{text!r} is no file beside this one", "such as vendored.jsonl")
    return text
