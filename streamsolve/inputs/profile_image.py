"""The table ``[image]`` of a profile: how the application is run where it is an image."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import Place
from ..model.profile import Image
from .notation import read_homepage
from .tables import Table, Unreadable, kind_of_value

__all__ = ["read_image"]

_WORD = re.compile(r"[^\x00-\x1f\x7f]+")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REVISION = re.compile(r"(?:[A-Za-z0-9._+/-]|\{version\})+")
_LARGEST_PORT = 65535


def read_image(table: Table) -> Image:
    """The table, or what an absent one means."""
    image = Image(
        entrypoint=table.values("entrypoint", _read_word),
        command=table.values("command", _read_word),
        user=table.value("user", _read_user, "", required=False),
        environment=_environment(table.table("environment")),
        ports=_ports(table),
        source=table.value("source", read_homepage, "", required=False),
        revision=table.value("revision", _read_revision, "", required=False),
    )
    if "command" in table and "entrypoint" not in table:
        table.fault(
            "there is no entry point that would take it",
            "command",
            hint="write it as the entry point",
        )
    table.close()
    return image


def _read_word(text: str, _place: Place) -> str:
    if not _WORD.fullmatch(text):
        raise Unreadable(f"{text!r} is no word of a command", "one line, and not empty")
    return text


def _read_user(text: str, _place: Place) -> str:
    if not _USER.fullmatch(text):
        raise Unreadable(
            f"{text!r} is no name of a user", "lower-case letters, digits, '_' and '-'"
        )
    if text == "root":
        raise Unreadable("an application in an image does not run as root")
    return text


def _ports(table: Table) -> tuple[int, ...]:
    """An array of ports, sorted."""
    kind, found = table.kind("ports"), set[int]()
    if kind not in (None, list):
        table.fault(f"expected an array, not {kind_of_value(table.data['ports'])}", "ports")
        return ()
    written = table.data.get("ports")
    for position, port in enumerate(written if isinstance(written, list) else ()):
        if not isinstance(port, int) or isinstance(port, bool):
            table.fault(f"expected an integer, not {kind_of_value(port)}", "ports", position)
        elif not 1 <= port <= _LARGEST_PORT:
            table.fault(f"{port} is no port", "ports", position)
        elif port in found:
            table.fault(f"{port} is named twice", "ports", position)
        else:
            found.add(port)
    return tuple(sorted(found))


def _read_revision(text: str, _place: Place) -> str:
    if not _REVISION.fullmatch(text):
        raise Unreadable(f"{text!r} is no revision", 'a tag such as "v{version}", or a commit')
    return text


def _environment(table: Table) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name in table:
        if not _VARIABLE.fullmatch(name):
            table.fault(f"{name!r} is no name of a variable", name)
        found[name] = table.text(name, "")
    return found
