"""The table ``[module]`` of a profile: how a kernel module is made."""

from __future__ import annotations

import re

from ..errors import Place
from ..model.component import Component, Kind
from ..model.profile import KernelBuild
from .notation import read_rpm_dependency
from .tables import Table, Unreadable

__all__ = ["read_module"]

_WORD = re.compile(r"(?:[A-Za-z0-9_./=:+,-]|\{(?:headers|release|source)\})+")
_PLACEHOLDERS = "{headers}, {release} and {source} stand for the kernel's and the module's own"
_VERSION = re.compile(r"\{version(?::0+(?:\.0+)*)?\}")


def read_module(table: Table, component: Component) -> KernelBuild:
    """The table, or what an absent one means: the way that the kernel's own makefiles know."""
    made = KernelBuild(
        make=table.values("make", _word) or KernelBuild().make,
        provides=table.values("provides", _provided),
    )
    if table.data and component.kind is not Kind.KERNEL_MODULE:
        table.fault("the application is no kernel module", hint='it is one with "kernel-module"')
    table.close()
    return made


def _provided(text: str, place: Place) -> str:
    read_rpm_dependency(_VERSION.sub("1", text), place)
    return text


def _word(text: str, _place: Place) -> str:
    if not _WORD.fullmatch(text):
        raise Unreadable(f"{text!r} is no word that make is given", _PLACEHOLDERS)
    return text
