"""Which packages have scriptlets that an image without them would miss.

Nothing of a package runs while layers are made. What only keeps indexes of a running system, or
does what the image has no use for, is harmless to leave out; the rest is told, with the advice to
let RPM install these packages.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path

from attrs import frozen

from ..rpms import Scriptlet, open_package
from .contents import LayerPackages

__all__ = ["LeftOut", "LeftOutReason", "left_out"]

# What runs when a package is installed into an empty place; the others run when one is removed.
_WHEN_INSTALLED = ("pre", "post", "pretrans", "posttrans")
_HARMLESS = frozenset(
    (
        ":",
        "true",
        "exit",
        "ldconfig",
        "systemctl",
        "systemd-update-helper",
        "systemd-sysusers",
        "systemd-tmpfiles",
        "udevadm",
        "update-desktop-database",
        "update-mime-database",
        "gtk-update-icon-cache",
        "install-info",
        "touch",
        "echo",
        "[",
        "test",
    )
)
# Words of the shell before a command, and those that stand alone.
_BEFORE = frozenset(("if", "then", "else", "elif", "while", "do", "!", "{", "("))
_ALONE = frozenset(("fi", "done", "}", ")", "esac"))
_LISTS = ("for", "case")
_REDIRECTION = re.compile(r"\d*(?:>>?|<)&?\S*")
_ENDS = re.compile(r"\s*(?:;|&&|\|\||\|)\s*|\n")
_LD_CONF = b"/etc/ld.so.conf.d"
_SHELLS = ("/bin/sh", "/usr/bin/sh", "/bin/bash", "/usr/bin/bash")
_SHOWN = 3


class LeftOutReason(Enum):
    """Why something that does not run matters."""

    PROGRAMS = "it runs programs"
    LANGUAGE = "it is a program itself"
    LIBRARIES = "its directories of libraries are known only after ldconfig has run"

    def __lt__(self, other: LeftOutReason) -> bool:
        return self.value < other.value


@frozen(order=True)
class LeftOut:
    """A scriptlet that does not run and matters. ``package`` is name-evr.arch, ``scriptlet`` its
    name in a spec (``%post``), ``programs`` the first few commands that are not known as
    harmless."""

    package: str
    scriptlet: str
    reason: LeftOutReason
    programs: tuple[str, ...] = ()

    def __str__(self) -> str:
        what = ", ".join(self.programs) if self.programs else self.reason.value
        return f"{self.package} {self.scriptlet}: {what}"


def left_out(groups: Sequence[LayerPackages]) -> tuple[LeftOut, ...]:
    """What matters of all scriptlets, sorted."""
    found: list[LeftOut] = []
    for group in groups:
        for path, header in group.packages:
            found += (
                LeftOut(header.nevra, f"%{scriptlet.kind}", *reason)
                for scriptlet in header.scriptlets
                if (reason := _matters(scriptlet)) is not None
            )
            if _has_library_directories(path):
                found.append(LeftOut(header.nevra, "ldconfig", LeftOutReason.LIBRARIES))
    return tuple(sorted(found))


def _matters(scriptlet: Scriptlet) -> tuple[LeftOutReason, tuple[str, ...]] | None:
    if scriptlet.kind not in _WHEN_INSTALLED:
        return None
    program = scriptlet.interpreter.split()[0]
    if not scriptlet.text:
        name = program.rpartition("/")[2]
        return None if name in _HARMLESS else (LeftOutReason.PROGRAMS, (name[:80],))
    if program not in _SHELLS:
        return LeftOutReason.LANGUAGE, (program[:80],)
    unknown = tuple(
        dict.fromkeys(each for each in _commands(scriptlet.text) if each not in _HARMLESS)
    )
    return (LeftOutReason.PROGRAMS, unknown[:_SHOWN]) if unknown else None


def _commands(text: str) -> Iterator[str]:
    """The names of the commands in a text of the shell, as far as can be told without running it;
    what cannot be told is given as it is, so that it counts as unknown."""
    for line in _ENDS.split(text.replace("\\\n", " ")):
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            yield line.strip()[:80]
            continue
        words = [word for word in words if not _REDIRECTION.fullmatch(word)]
        while words and words[0] in _BEFORE:
            del words[0]
        if words and words[0] not in (*_ALONE, *_LISTS):
            yield words[0].rpartition("/")[2][:80] or words[0][:80]


def _has_library_directories(path: Path) -> bool:
    with open_package(path) as package:
        return package.has_files_in(_LD_CONF)
