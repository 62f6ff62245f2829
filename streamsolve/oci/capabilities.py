"""File capabilities: from text, as packages state them, to the attribute that the kernel reads.

Sources: ``cap_text_formats(7)`` for the text, ``capabilities(7)`` and ``linux/capability.h`` for
the attribute ``security.capability``.
"""

from __future__ import annotations

import re
import struct

__all__ = ["ATTRIBUTE", "capability_attribute"]

ATTRIBUTE = "security.capability"

_REVISION_2 = 0x02000000
_EFFECTIVE = 1
_LAYOUT = struct.Struct("<IIIII")
_NAMES = (
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
)
_NUMBERS = {f"cap_{name}": number for number, name in enumerate(_NAMES)}
_ALL = (1 << len(_NAMES)) - 1
_CLAUSE = re.compile(r"([a-z0-9_,]*)((?:[=+-][eip]*)+)", re.ASCII)
_CHANGE = re.compile(r"([=+-])([eip]*)", re.ASCII)
_MOST = 64


def capability_attribute(text: str) -> bytes:
    """The value of the attribute for a text such as ``cap_net_raw=ep`` (revision 2, 20 bytes).

    Raises :class:`ValueError` for a text that is none, and for sets that no file can have: those in
    which some of the permitted and inheritable capabilities are effective and some are not.
    """
    sets = {"e": 0, "i": 0, "p": 0}
    clauses = text.split()
    if not clauses:
        raise ValueError("there are no capabilities in an empty text")
    for clause in clauses:
        _apply(clause, sets)
    effective, able = sets["e"], sets["p"] | sets["i"]
    if effective not in (0, able):
        raise ValueError(f"no file can have the capabilities {text[:80]!r}")
    low = 0xFFFFFFFF
    return _LAYOUT.pack(
        _REVISION_2 | (_EFFECTIVE if effective else 0),
        sets["p"] & low,
        sets["i"] & low,
        sets["p"] >> 32,
        sets["i"] >> 32,
    )


def _apply(clause: str, sets: dict[str, int]) -> None:
    """Apply one clause: a list of capabilities, and what becomes of them."""
    match = _CLAUSE.fullmatch(clause.lower())
    if match is None:
        raise ValueError(f"{clause[:80]!r} states no capabilities")
    names, changes = match.groups()
    if not names and not changes.startswith("="):
        raise ValueError(f"{clause[:80]!r} does not say which capabilities")
    mask = _mask(names)
    for operator, letters in _CHANGE.findall(changes):
        for letter in sets:
            if operator == "=":
                sets[letter] &= ~mask
            if letter in letters:
                sets[letter] = sets[letter] & ~mask if operator == "-" else sets[letter] | mask


def _mask(names: str) -> int:
    if names in ("", "all"):
        return _ALL
    mask = 0
    for name in names.split(","):
        number = int(name) if name.isdigit() and name.isascii() else _NUMBERS.get(name, -1)
        if not 0 <= number < _MOST:
            raise ValueError(f"{name[:80]!r} is no capability")
        mask |= 1 << number
    return mask
