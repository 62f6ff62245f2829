"""RPM's order among versions, and when what a package provides meets what another requires.

The order is that of RPM's manual on version comparison; whether two ranges of versions overlap is
decided as ``rpmverOverlap`` and libsolv do it.
"""

from __future__ import annotations

import re
from functools import cache

from .rpm_language import Capability

__all__ = ["compare_evr", "satisfies", "split_evr"]

_SEGMENT = re.compile(r"[0-9]+|[A-Za-z]+|~|\^")
_EVR = re.compile(r"(?:(?P<epoch>[0-9]*):)?(?P<version>.*?)(?:-(?P<release>[^-]*))?", re.DOTALL)

_Key = tuple[tuple[int, int, str], ...]
_TILDE, _END, _CARET, _LETTERS, _DIGITS = range(5)


def split_evr(evr: str) -> tuple[str, str, str]:
    """``[epoch:]version[-release]`` as its three parts; what is not written is empty, but for the
    epoch, which is then ``0``."""
    found = _EVR.fullmatch(evr)
    if found is None:  # every text matches: the version may be anything
        return ("0", evr, "")
    return (found["epoch"] or "0", found["version"], found["release"] or "")


def compare_evr(one: str, other: str) -> int:
    """-1, 0 or 1, as ``one`` is older than, equal to or newer than ``other``.

    A missing epoch is 0, and a missing release is older than any that is written: this is the
    order of packages. Dependencies treat a missing release otherwise, see :func:`satisfies`.
    """
    return _order(_keys(one), _keys(other))


def satisfies(provided: Capability, required: Capability) -> bool:
    """Whether a provide meets a plain requirement: they have a name and a version in common.

    Without a version on one side the name is enough. A side that says ``=`` without a release
    means every release of that version.
    """
    if provided.name != required.name:
        return False
    if not provided.op or not required.op:
        return True
    (epoch, version, release), (wanted_epoch, wanted_version, wanted_release) = map(
        _keys, (provided.evr, required.evr)
    )
    order = _order((epoch, version), (wanted_epoch, wanted_version))
    if order == 0:
        if release and wanted_release:
            order = _order(release, wanted_release)
        elif (release and "=" in required.op) or (wanted_release and "=" in provided.op):
            return True
    if order == 0:
        return bool(set(provided.op) & set(required.op))
    # The provided range reaches up to the required one, or the required one down to it.
    older = order < 0
    return (">" if older else "<") in provided.op or ("<" if older else ">") in required.op


def _order(one: tuple[object, ...], other: tuple[object, ...]) -> int:
    return (one > other) - (one < other)


@cache
def _keys(evr: str) -> tuple[_Key, _Key, _Key]:
    """What sorts as the epoch, the version and the release do; an empty release has an empty key,
    which is before all others."""
    epoch, version, release = split_evr(evr)
    return (_key(epoch), _key(version), _key(release) if release else ())


def _key(text: str) -> _Key:
    """The segments of a version. At one place a tilde is oldest, then comes the end, a caret,
    letters, and a number; numbers compare by value, however long."""
    found = []
    for segment in _SEGMENT.findall(text):
        if segment.isdigit():
            digits = segment.lstrip("0")
            found.append((_DIGITS, len(digits), digits))
        elif segment.isalpha():
            found.append((_LETTERS, 0, segment))
        else:
            found.append((_TILDE if segment == "~" else _CARET, 0, ""))
    return (*found, (_END, 0, ""))
