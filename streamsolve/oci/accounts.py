"""Users and groups of an image: names to numbers, from its own files.

Sources: ``passwd(5)``, ``group(5)``, ``sysusers.d(5)``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from attrs import define, field

__all__ = ["Accounts"]

_FIRST_OF_SYSTEM = 999
_NOLOGIN = "/usr/sbin/nologin"
_LARGEST = 1 << 32
_FIELDS = 3
_NUMBER = re.compile(r"[0-9]{1,10}")


@define
class Accounts:
    """The users and groups of an image.

    ``passwd`` and ``group`` are the files' texts; ``sysusers.d`` may add to them. The
    superuser is known without a file.
    """

    passwd: bytes = b""
    group: bytes = b""
    _users: dict[str, int] = field(init=False)
    _groups: dict[str, int] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._users = {"root": 0} | _numbers(self.passwd)
        self._groups = {"root": 0} | _numbers(self.group)

    def user(self, name: str) -> int | None:
        """The number of a user, or None."""
        return self._users.get(name)

    def group_number(self, name: str) -> int | None:
        """The number of a group, or None."""
        return self._groups.get(name)

    def declare(self, texts: Iterable[bytes]) -> None:
        """Add what files of ``sysusers.d`` ask for, in their order, and is not there yet.

        A number that is left open is the highest free one of the system's, as systemd takes it.
        What cannot be read is left out, as systemd leaves it out.
        """
        rows = [row for text in texts for row in _rows(text)]
        for kind, name, number, *_ in rows:
            if kind == "g" and name not in self._groups:
                self._add_group(name, _number(number, self._groups))
        for kind, name, number, *rest in rows:
            if kind == "u" and name not in self._users:
                self._add_user(name, number, rest)
        for kind, user, name, *_ in rows:
            if kind == "m" and user in self._users and name in self._groups:
                self._join(user, name)

    def _add_user(self, name: str, wanted: str, rest: list[str]) -> None:
        user, _, group = wanted.partition(":")
        uid = _number(user, self._users)
        if group and not _is_number(group):
            gid = self._groups.get(group, 0)
        elif name in self._groups:
            gid = self._groups[name]
        else:
            taken = uid in self._groups.values()
            gid = int(group) if group else _number("-", self._groups) if taken else uid
            self._add_group(name, gid)
        gecos, home, shell = (*rest, "-", "-", "-")[:3]
        fields = (
            name,
            "x",
            str(uid),
            str(gid),
            "" if gecos == "-" else gecos,
            "/" if home == "-" else home,
            _NOLOGIN if shell == "-" else shell,
        )
        self._users[name] = uid
        self.passwd = _with_line(self.passwd, fields)

    def _add_group(self, name: str, number: int) -> None:
        self._groups[name] = number
        self.group = _with_line(self.group, (name, "x", str(number), ""))

    def _join(self, user: str, name: str) -> None:
        lines = self.group.split(b"\n")
        for number, line in enumerate(lines):
            fields = line.split(b":")
            if fields[0] == name.encode() and len(fields) > _FIELDS:
                members = [each for each in fields[3].split(b",") if each]
                if user.encode() not in members:
                    lines[number] = b":".join((*fields[:3], b",".join((*members, user.encode()))))
        self.group = b"\n".join(lines)


def _numbers(text: bytes) -> dict[str, int]:
    """Names and numbers of passwd or group; the first line of a name counts."""
    found: dict[str, int] = {}
    for line in text.split(b"\n"):
        fields = line.decode("utf-8", "replace").split(":")
        if len(fields) >= _FIELDS and fields[0] and _is_number(fields[2]):
            found.setdefault(fields[0], int(fields[2]))
    return found


def _rows(text: bytes) -> list[list[str]]:
    found = []
    for line in text.decode("utf-8", "replace").split("\n"):
        try:
            row = shlex.split(line, comments=True)
        except ValueError:
            continue
        if len(row) == 2:
            row.append("-")
        if len(row) >= _FIELDS and not any(
            ":" in each or "\n" in each for each in (row[1], *row[3:])
        ):
            found.append([row[0].rstrip("!"), *row[1:]])
    return found


def _number(text: str, taken: dict[str, int]) -> int:
    if _is_number(text):
        return int(text)
    used = set(taken.values())
    return next(number for number in range(_FIRST_OF_SYSTEM, -1, -1) if number not in used)


def _is_number(text: str) -> bool:
    """Whether a user or group can have this number."""
    return _NUMBER.fullmatch(text) is not None and int(text) < _LARGEST


def _with_line(text: bytes, fields: Iterable[str]) -> bytes:
    start = text if not text or text.endswith(b"\n") else text + b"\n"
    return start + ":".join(fields).encode() + b"\n"
