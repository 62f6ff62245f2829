"""A draft while its parts are being found, and the order in which they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import define, evolve, field

from ..errors import Place
from ..inputs.notation import read_homepage
from ..inputs.profiles import PROFILE_SCHEMA, SHIPPED
from ..inputs.tables import Unreadable
from ..model.draft import Draft, DraftKey, DraftTable
from .draft_toml import one_line

__all__ = ["VARIANT", "Row", "Sketch", "short_summary", "web_address"]

VARIANT = "default"
"""The name of the one variant that a draft begins with."""

_SUMMARY_LENGTH = 160
_TOOLCHAIN = "toolchain.toml"
_INCLUDED = (
    f"What streamsolve knows of parts of it; {SHIPPED} means the files that come with streamsolve."
)
_KEYS = (
    "schema",
    "name",
    "version",
    "summary",
    "homepage",
    "distribution",
    "package",
    "licence",
    "default-variant",
    "default-base",
    "interpreters",
    "include",
)
_TABLES = ("source", "prebuilt", "external", "native", "build", "vendored", "component")

Row = tuple[str, str]
"""A table of the profile by its name and the component that it is about."""


@define
class Sketch:
    """What a draft will hold. ``needs`` are those of the default variant; ``rows`` the ``[[…]]``
    tables; ``includes`` the shipped component files; ``names`` the table of that name."""

    origin: str
    keys: dict[str, DraftKey] = field(factory=dict)
    variant: dict[str, DraftKey] = field(factory=dict)
    variants: list[DraftTable] = field(factory=list)
    rows: dict[Row, DraftTable] = field(factory=dict)
    names: dict[str, DraftKey] = field(factory=dict)
    includes: set[str] = field(factory=set)

    def put(self, name: str, value: str, comment: str = "", decide: str = "") -> None:
        """State a key of the profile itself; an empty one of which nothing is said is left out."""
        if value or decide:
            self.keys[name] = DraftKey(name, value, comment, decide, suggested=not value)

    def decide(self, name: str, text: str) -> None:
        """Say that there is more to decide about a key that is stated."""
        key = self.keys[name]
        self.keys[name] = evolve(key, decide=f"{key.decide} {text}".strip())

    def described(self, summary: str, homepage: str) -> None:
        """State what the application is, as far as it is known."""
        self.put("summary", short_summary(summary))
        self.put("homepage", web_address(homepage))

    def row(
        self,
        table: str,
        component: str,
        keys: Iterable[DraftKey],
        *,
        key: str = "component",
        comment: str = "",
        decide: str = "",
        suggested: bool = False,
    ) -> None:
        """State a ``[[…]]`` table about a component, in the place of one that was there."""
        own = DraftKey(key, component)
        self.rows[table, component] = DraftTable(
            (table,), (own, *keys), array=True, comment=comment, decide=decide, suggested=suggested
        )

    def include(self, file: str) -> None:
        """Include a shipped component file, and the one with the compilers that others speak of."""
        self.includes |= {file, _TOOLCHAIN}

    def has(self, component: str, *tables: str) -> bool:
        """Whether one of the tables is stated for a component, and not as a suggestion."""
        return any(
            (t, component) in self.rows and not self.rows[t, component].suggested for t in tables
        )

    def draft(self) -> Draft:
        """What is known by now, in the order of profiles."""
        keys = {"schema": DraftKey("schema", PROFILE_SCHEMA), **self.keys}
        if self.includes:
            files = tuple(f"{SHIPPED}components/{name}" for name in sorted(self.includes))
            keys["include"] = DraftKey("include", files, _INCLUDED)
        rows = sorted(self.rows.items(), key=lambda item: (_TABLES.index(item[0][0]), item[0]))
        default = DraftTable(("variants", VARIANT), tuple(self.variant.values()))
        return Draft(
            self.origin,
            tuple(keys[name] for name in _KEYS if name in keys),
            (*self._names(), default, *self.variants, *(row for _, row in rows)),
        )

    def _names(self) -> tuple[DraftTable, ...]:
        keys = tuple(self.names[name] for name in sorted(self.names))
        if not keys:
            return ()
        return (DraftTable(("names",), keys, suggested=all(key.suggested for key in keys)),)


def short_summary(text: str) -> str:
    """A summary in one line; of a long one the first sentence, cut if need be."""
    shown = one_line(text)
    if len(shown) > _SUMMARY_LENGTH:
        # The first sentence says it, in most that are long.
        shown = shown.partition(". ")[0].removesuffix(".")
    if len(shown) > _SUMMARY_LENGTH:
        shown = f"{shown[:_SUMMARY_LENGTH].rsplit(' ', 1)[0]} …"
    return shown


def web_address(text: str) -> str:
    """The text if a profile can have it as an address, else nothing."""
    shown = text.strip()
    if len(shown) > 500 or not re.fullmatch(r"[!-~]+", shown):
        return ""
    try:
        return read_homepage(shown, Place())
    except Unreadable:
        return ""
