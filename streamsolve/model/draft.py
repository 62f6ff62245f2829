"""A first profile while it is being written: what is known, and what somebody has to decide."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from .conflict import Failure
from .plan import Plan

__all__ = ["Draft", "DraftKey", "DraftTable", "Drafted", "Mark", "Value"]

Value = str | tuple[str, ...]
"""What a key of a draft holds: a string, or an array of strings."""


@frozen
class DraftKey:
    """A key with its value. ``comment`` says where the value is from, ``decide`` what is left to
    decide about it. A ``suggested`` one is written as a comment."""

    name: str
    value: Value
    comment: str = ""
    decide: str = ""
    suggested: bool = False


@frozen
class DraftTable:
    """A table of a profile: ``header`` are the parts of its name, and with ``array`` it is one of
    several (``[[…]]``). ``comment``, ``decide`` and ``suggested`` are as for a key."""

    header: tuple[str, ...]
    keys: tuple[DraftKey, ...]
    array: bool = False
    comment: str = ""
    decide: str = ""
    suggested: bool = False


@frozen
class Draft:
    """A profile as it is to be written, in that order. ``origin`` is what it was drafted from, as
    ``--from`` has it."""

    origin: str
    keys: tuple[DraftKey, ...]
    tables: tuple[DraftTable, ...]


@frozen
class Mark:
    """Something to decide, and the line of the profile where that is said."""

    line: int
    text: str


@frozen
class Drafted:
    """A draft with its text, and what came of planning it.

    ``found`` are the facts that it was made from, as (what, text). ``files`` are texts that belong
    beside the profile, by name. ``plan`` is the plan on ``base``, whose Python is ``base_python``,
    else ``failure`` says why there is none. ``why`` says why the base could not be had, where it
    could not: the plan is then one without a base.
    """

    name: str
    text: str
    marks: tuple[Mark, ...]
    found: tuple[tuple[str, str], ...]
    plan: Plan | None
    failure: Failure | None
    base: str = ""
    base_python: str = ""
    why: str = ""
    files: Mapping[str, str] = field(factory=dict)
