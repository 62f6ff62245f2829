"""Semantic Versioning, as npm and Cargo write it, in the words of PEP 440.

Ranges are npm's: primitives, hyphens, ``x``, ``~``, ``^`` and ``||``. A range is read as a set of
released versions, a few half-open intervals over (major, minor, patch), and the specifier is
written from that set. Sources: semver.org 2.0.0, the README of node-semver.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from attrs import frozen
from packaging.version import InvalidVersion, Version

from ..model.pep508 import parse_version
from .tables import Unreadable

__all__ = ["Specified", "npm_range", "pep440_version"]

Triple = tuple[int, int, int]
Interval = tuple[Triple, Triple | None]
"""From the first, which is in it, to the second, which is not; None is no end."""

_ZERO: Triple = (0, 0, 0)
_LONGEST = 1000
_MOST_EXCLUDED = 24
_NUMBER = r"(?:0|[1-9]\d{0,9}|[xX*])"
_PARTIAL = re.compile(
    rf"[v=\s]*(?P<major>{_NUMBER})(?:\.(?P<minor>{_NUMBER}))?(?:\.(?P<patch>{_NUMBER}))?"
    r"(?P<pre>-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)
_HYPHEN = re.compile(r"\s*(\S+)\s+-\s+(\S+)\s*")
_OPERATOR = re.compile(r"(<=|>=|<|>|=|~>|~|\^|)\s*(\S*)")
_RELEASE = re.compile(
    r"v?(?P<release>\d{1,10}(?:\.\d{1,10}){0,3})"
    r"(?:-?(?P<kind>alpha|beta|pre|preview|rc|a|b|c|dev)[.-]?(?P<number>\d{0,10}))?",
    re.ASCII | re.IGNORECASE,
)


@frozen
class Specified:
    """A range as a specifier of PEP 440 (empty: any version). ``exact`` says that it lets in the
    same released versions; ``why`` says what is lost where it does not."""

    specifier: str
    exact: bool = True
    why: str = ""


def pep440_version(text: str) -> Version | None:
    """A version of npm or Cargo, or of a spec file, as PEP 440 has it, without what is behind
    ``+``; None where it has no such form."""
    match = _RELEASE.fullmatch(text.partition("+")[0].strip())
    if match is None:
        return None
    kind = (match["kind"] or "").lower()
    name = {"alpha": "a", "beta": "b", "pre": "rc", "preview": "rc", "c": "rc", "dev": ".dev"}
    before = f"{name.get(kind, kind)}{match['number'] or 0}" if kind else ""
    try:
        return parse_version(f"{match['release']}{before}")
    except InvalidVersion:
        return None


def npm_range(text: str) -> Specified:
    """A range of npm. :class:`Unreadable` where it is none, such as a tag or an address."""
    if len(text) > _LONGEST:
        raise Unreadable(f"a range of more than {_LONGEST} characters")
    found: list[Interval] = []
    early = False
    for alternative in text.split("||"):
        interval, has_early = _interval(alternative, text)
        early = early or has_early
        if interval is not None:
            found.append(interval)
    written = _written(_joined(found))
    if written.exact and early:
        return Specified(
            written.specifier, exact=False, why="which pre-releases it lets in is not said"
        )
    return written


def _interval(text: str, whole: str) -> tuple[Interval | None, bool]:
    """The released versions of one alternative (None: none at all), and whether it names a
    pre-release."""
    low, high, early = _ZERO, None, False
    for operator, version in _clauses(text):
        first, end, is_early = _bounds(operator, version, whole)
        low = max(low, first)
        high = end if high is None or (end is not None and end < high) else high
        early = early or is_early
    return (None if high is not None and high <= low else (low, high)), early


def _clauses(text: str) -> Iterator[tuple[str, str]]:
    hyphen = _HYPHEN.fullmatch(text)
    if hyphen is not None:
        yield ">=", hyphen[1]
        yield "-", hyphen[2]
        return
    # An operator may stand apart from its version.
    joined = re.sub(r"(<=|>=|<|>|=|~>|~|\^)\s+", r"\1", text.strip())
    for word in joined.split() or [""]:
        match = _OPERATOR.fullmatch(word)
        yield (match[1], match[2]) if match is not None else ("", word)


def _bounds(operator: str, text: str, whole: str) -> tuple[Triple, Triple | None, bool]:
    """From which released version on, and up to which, a clause lets versions in."""
    match = _PARTIAL.fullmatch(text) if text else _PARTIAL.fullmatch("*")
    if match is None:
        raise Unreadable(f"{whole!r} is no range of versions", "such as ^1.2.3 or >=18 <21")
    numbers = _numbers(match)
    early = match["pre"] is not None and len(numbers) == len(_ZERO)
    first, after = _padded(numbers), _next(numbers, len(numbers))
    # A pre-release comes before its release; nothing but that lies between them.
    past = first if early else after
    if operator == ">=":
        return first, None, early
    if operator == ">":
        return (past, None, early) if past is not None else (_ZERO, _ZERO, early)
    if operator == "<":
        return _ZERO, first, early
    if operator in ("<=", "-"):
        return _ZERO, past, early
    if operator == "^":
        return first, _next(numbers, _caret(numbers)), early
    if operator in ("~", "~>"):
        return first, _next(numbers, min(len(numbers), 2)), early
    return first, past, early


def _numbers(match: re.Match[str]) -> tuple[int, ...]:
    """The numbers before the first that is left open."""
    found: list[int] = []
    for part in ("major", "minor", "patch"):
        if match[part] is None or match[part] in "xX*":
            break
        found.append(int(match[part]))
    return tuple(found)


def _padded(numbers: tuple[int, ...]) -> Triple:
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return major, minor, patch


def _next(numbers: tuple[int, ...], kept: int) -> Triple | None:
    """The first version after all that begin with the first ``kept`` numbers."""
    if not kept:
        return None
    return _padded((*numbers[: kept - 1], numbers[kept - 1] + 1))


def _caret(numbers: tuple[int, ...]) -> int:
    """How many numbers a caret keeps: up to the first that is not 0, or all that are said."""
    for position, number in enumerate(numbers):
        if number:
            return position + 1
    return len(numbers)


def _joined(intervals: Iterable[Interval]) -> list[Interval]:
    """The same set in as few intervals as possible, in order."""
    found: list[Interval] = []
    for low, high in sorted(intervals, key=lambda one: one[0]):
        if found and (found[-1][1] is None or low <= found[-1][1]):
            end = found[-1][1]
            end = None if end is None or high is None else max(end, high)
            found[-1] = (found[-1][0], end)
        else:
            found.append((low, high))
    return found


def _written(intervals: list[Interval]) -> Specified:
    """One range; what lies between the intervals is excluded where that can be said."""
    if not intervals:
        return Specified("", exact=False, why="no released version is in it")
    low, high = intervals[0][0], intervals[-1][1]
    excluded: list[str] = []
    lost = False
    for (_, end), (start, _) in pairwise(intervals):
        gap = _excluded(end or start, start)
        lost = lost or gap is None
        excluded += gap or []
    if len(excluded) > _MOST_EXCLUDED:
        excluded, lost = [], True
    if len(intervals) == 1 and high == _next(low, len(low)):
        return Specified(f"=={_number(low)}")
    clauses = [f">={_number(low)}"] if low != _ZERO else []
    clauses += [f"<{_number(high)}"] if high is not None else []
    why = "versions in between are let in, which PEP 440 cannot leave out" if lost else ""
    return Specified(",".join([*clauses, *excluded]), exact=not lost, why=why)


def _excluded(low: Triple, high: Triple) -> list[str] | None:
    """``!=`` clauses for all versions of an interval; None where no prefixes say it."""
    for kept in range(1, len(low) + 1):
        same = low[: kept - 1] == high[: kept - 1]
        if same and not any(low[kept:]) and not any(high[kept:]):
            numbers = range(low[kept - 1], high[kept - 1])
            if len(numbers) > _MOST_EXCLUDED:
                return None
            prefixes = [".".join(map(str, (*low[: kept - 1], number))) for number in numbers]
            star = "" if kept == len(low) else ".*"
            return [f"!={prefix}{star}" for prefix in prefixes]
    return None


def _number(version: Triple) -> str:
    """Without zeros at the end."""
    numbers = list(version)
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return ".".join(map(str, numbers))
