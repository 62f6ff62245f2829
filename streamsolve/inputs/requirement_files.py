"""pip's requirement files, from text. Files that they include come from a callback.

What pip expands from the environment (``${NAME}``) is left as it is: a plan does not depend on the
machine that makes it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

from attrs import field, frozen

from ..errors import Code, ErrorCollector, InputError, Place
from ..model import Requirement, parse_requirement

__all__ = ["IgnoredOption", "RequirementFile", "parse_requirement_file"]

_COMMENT = re.compile(r"(^|\s+)#.*$")
_OPTION_AFTER = re.compile(r"\s+--?[A-Za-z]")
_INCLUDE = re.compile(
    r"(?:(?P<kind>--requirement|--constraint)(?:\s+|=)|(?P<short>-[rc])\s*)(?P<path>\S.*)"
)
_EDITABLE = re.compile(r"(?:-e\s*|--editable(?:\s+|=))(?P<what>\S.*)")
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|\.{0,2}/)", re.IGNORECASE)

Include = Callable[[str], str | None]


@frozen
class IgnoredOption:
    """An option that says how pip installs, not what is required."""

    text: str
    place: Place


@frozen
class RequirementFile:
    """What a requirement file and those it includes ask for, in the order of reading.

    ``constraints`` bind a distribution only if something else requires it.
    """

    requirements: tuple[Requirement, ...]
    constraints: tuple[Requirement, ...] = ()
    ignored: tuple[IgnoredOption, ...] = ()


def parse_requirement_file(
    text: str, *, file: str, include: Include | None = None
) -> RequirementFile:
    """Parse a requirement file called ``file``; each requirement knows its file and line.

    ``include`` is given the path that ``-r`` or ``-c`` names, relative to where ``file`` is
    relative to, and returns the text, or None when there is none. A file is read once, however
    often it is included. Raises one :class:`InputErrors` with every fault of all files.
    """
    reader = _Reader(include or _no_files)
    reader.read(text, posixpath.normpath(file), constraint=False)
    reader.collector.raise_if_any(f"{file} is no requirement file that can be used")
    return RequirementFile(
        tuple(reader.requirements), tuple(reader.constraints), tuple(reader.ignored)
    )


@frozen
class _Reader:
    """One reading, with all that it gathers."""

    include: Include
    requirements: list[Requirement] = field(factory=list)
    constraints: list[Requirement] = field(factory=list)
    ignored: list[IgnoredOption] = field(factory=list)
    seen: set[tuple[str, bool]] = field(factory=set)
    collector: ErrorCollector = field(factory=lambda: ErrorCollector(Code.BAD_REQUIREMENT))

    def read(self, text: str, file: str, *, constraint: bool) -> None:
        self.seen.add((file, constraint))
        for number, line in _logical_lines(text):
            with self.collector.collect():
                self._line(line, Place(file, number), constraint=constraint)

    def _line(self, line: str, place: Place, *, constraint: bool) -> None:
        if included := _INCLUDE.fullmatch(line):
            kind = included["kind"] or included["short"]
            self._follow(
                included["path"], place, constraint=constraint or kind in {"-c", "--constraint"}
            )
        elif editable := _EDITABLE.fullmatch(line):
            self._add(_address(editable["what"], place), constraint=constraint)
        elif line.startswith("-"):
            self.ignored.append(IgnoredOption(line, place))
        else:
            wanted = self._without_options(line, place)
            if _ADDRESS.match(wanted):
                self._add(_address(wanted, place), constraint=constraint)
            else:
                self._add(parse_requirement(wanted, place=place), constraint=constraint)

    def _add(self, requirement: Requirement, *, constraint: bool) -> None:
        (self.constraints if constraint else self.requirements).append(requirement)

    def _without_options(self, line: str, place: Place) -> str:
        """Cut ``--hash`` and the like, which follow a requirement."""
        option = _OPTION_AFTER.search(line)
        if option is None:
            return line
        self.ignored.append(IgnoredOption(line[option.start() :].strip(), place))
        return line[: option.start()]

    def _follow(self, path: str, place: Place, *, constraint: bool) -> None:
        target = posixpath.normpath(
            posixpath.join(posixpath.dirname(place.file), path.strip("'\""))
        )
        if (target, constraint) in self.seen:
            return
        text = self.include(target)
        if text is None:
            raise InputError(
                Code.BAD_REQUIREMENT,
                f"the file {target} that it includes does not exist",
                place=place,
            )
        self.read(text, target, constraint=constraint)


def _no_files(_path: str) -> None:
    """Include nothing: the text stands alone."""


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments and with continuations joined, each with its first line's number.

    A comment ends a continuation and cannot be continued, as in pip.
    """
    parts: list[str] = []
    first = 0
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        first = first or number
        comment = _COMMENT.match(line) is not None
        # A comment at the end of a continuation must not swallow what came before it.
        parts.append(f" {line}" if comment else line.removesuffix("\\"))
        if line.endswith("\\") and not comment and number < len(lines):
            continue
        joined = _COMMENT.sub("", "".join(parts)).strip()
        if joined:
            yield first, joined
        parts, first = [], 0


def _address(text: str, place: Place) -> Requirement:
    """A bare address, which must name its distribution in ``#egg=``."""
    try:
        egg = parse_qs(urlsplit(text).fragment).get("egg", [""])[0]
    except ValueError:
        # Of brackets around what is no address of a machine.
        egg = ""
    if not egg or "://" not in text:
        raise InputError(
            Code.BAD_REQUIREMENT,
            f"{text!r} does not say which distribution it is",
            place=place,
            hint="write it as 'NAME @ ADDRESS'",
        )
    return parse_requirement(f"{egg} @ {text}", place=place)
