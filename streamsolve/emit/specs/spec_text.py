"""A spec as lines with their sections, so that some can be changed and all others stay as they are.

A line belongs to the section whose header comes last before it; the lines before the first header
are the preamble. Conditions (``%if``) are not judged: what is changed is changed in all branches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from attrs import define, field, frozen

from .macros import Macros, definitions

__all__ = ["ABSENT", "OWN_TAGS", "Section", "SpecText", "Tag"]

_SECTIONS = (
    "package|description|prep|generate_buildrequires|conf|build|install|check|clean|files"
    "|changelog|pre|post|preun|postun|pretrans|posttrans|preuntrans|postuntrans|triggerprein"
    "|triggerin|triggerun|triggerpostun|filetriggerin|filetriggerun|filetriggerpostun"
    "|transfiletriggerin|transfiletriggerun|transfiletriggerpostun|verifyscript|sepolicy"
    "|patchlist|sourcelist"
)
_HEADER = re.compile(rf"^%(?P<kind>{_SECTIONS})(?![A-Za-z0-9_])(?P<rest>.*)$")
_TAG = re.compile(
    r"^(?P<lead>\s*)(?P<name>[A-Za-z]+\d*)(?P<qualifier>\([^)]*\))?(?P<colon>[ \t]*:[ \t]*)"
    r"(?P<value>.*?)(?P<tail>\s*)$"
)
_NAMED = re.compile(r"(?:^|\s)-n\s*(?P<name>\S+)")
_WITH_VALUE = ("-f", "-p", "-l", "-n")
PREAMBLE = "preamble"
OWN_TAGS = (PREAMBLE, "package")

ABSENT = frozenset(
    {"dist", "prerel", "prerelease", "snapshot", "commit", "rc", "beta", "scl", "scl_prefix"}
)
"""Macros that count as not defined where a spec does not define them itself."""


@frozen
class Section:
    """Where a line is: the kind of its section, and the arguments of its header as written."""

    kind: str
    arguments: str = ""


@frozen
class Tag:
    """A tag with its value as written: ``BuildRequires: gcc``. ``line`` counts from 0."""

    line: int
    name: str
    value: str
    section: Section

    @property
    def key(self) -> str:
        """The name in lower case."""
        return self.name.lower()


@define
class SpecText:
    """A spec's lines, without their ends, and what is known beforehand of its macros: the text of
    some, and those that count as not defined unless the spec defines them."""

    lines: list[str]
    known: Mapping[str, str] = field(factory=dict)
    absent: frozenset[str] = ABSENT

    @classmethod
    def read(cls, text: str, known: Mapping[str, str] | None = None) -> SpecText:
        """Of a spec's text. A line's end is ``\\n``; others are part of the line, and the last line
        of a text that ends with one is empty."""
        return cls(text.split("\n"), dict(known or {}))

    @property
    def text(self) -> str:
        """The whole."""
        return "\n".join(self.lines)

    # -- looking -----------------------------------------------------------------------------------

    def sections(self) -> Iterator[tuple[int, str, Section]]:
        """Each line with its number and section; a header is the first line of its own."""
        current = Section(PREAMBLE)
        for number, line in enumerate(self.lines):
            header = _HEADER.match(line)
            if header:
                current = Section(header["kind"], header["rest"].strip())
            yield number, line, current

    def tags(self, *names: str) -> tuple[Tag, ...]:
        """The tags of those names (in lower case; all, if none is named) of all packages. A
        numbered one (``Source12``) counts as its name."""
        found = []
        for number, line, section in self.sections():
            tag = _TAG.match(line) if section.kind in OWN_TAGS and not _HEADER.match(line) else None
            if tag and (not names or tag["name"].lower().rstrip("0123456789") in names):
                found.append(Tag(number, tag["name"], tag["value"], section))
        return tuple(found)

    def main(self, name: str) -> Tag | None:
        """The first tag of a name (in lower case) in the preamble."""
        found = (tag for tag in self.tags(name) if tag.section.kind == PREAMBLE)
        return next(found, None)

    def macros(self, **more: str) -> Macros:
        """What is known of its macros now; name, version and release are among them."""
        found = self.tags("name", "version", "release")
        own = {tag.key: tag.value for tag in reversed(found) if tag.section.kind == PREAMBLE}
        bodies = {**self.known, **own, **more}
        return Macros.of(definitions(self.lines), bodies, self.absent)

    def value(self, name: str) -> str | None:
        """The value of a tag of the preamble, with its macros replaced, if it can be known."""
        tag = self.main(name)
        return self.macros().expand(tag.value) if tag is not None else None

    @property
    def name(self) -> str | None:
        """The name of the source package, if it can be known."""
        return self.value("name")

    def package_of(self, arguments: str, macros: Macros | None = None) -> str:
        """The name of a package in a header (``-n foo``, ``devel``, or nothing for the main one),
        with macros that cannot be known as they are. ``macros`` are those of this spec, for who
        asks often."""
        macros = macros or self.macros()
        named = _NAMED.search(arguments)
        if named:
            return macros.expand(named["name"]) or named["name"]
        main = macros.expand("%{name}") or "%{name}"
        words = arguments.split()
        at = 0
        while at < len(words):
            if words[at] in _WITH_VALUE:
                at += 2
            elif words[at].startswith("-"):
                at += 1
            else:
                return f"{main}-{macros.expand(words[at]) or words[at]}"
        return main

    def packages(self) -> tuple[str, ...]:
        """The names of all packages that the spec makes, as far as they can be known."""
        macros = self.macros()
        own = [self.package_of("", macros)]
        for _, line, section in self.sections():
            if section.kind == "package" and _HEADER.match(line):
                own.append(self.package_of(section.arguments, macros))
        return tuple(dict.fromkeys(name for name in own if "%" not in name))

    def header(self, kind: str, package: str = "") -> int | None:
        """The line of the first header of a kind (and of that package), or None."""
        macros = self.macros() if package else Macros({})
        for number, line, section in self.sections():
            is_wanted = section.kind == kind and _HEADER.match(line) is not None
            if is_wanted and package in ("", self.package_of(section.arguments, macros)):
                return number
        return None

    # -- changing ----------------------------------------------------------------------------------

    def set_value(self, tag: Tag, value: str) -> None:
        """Give a tag another value; how it is set apart stays."""
        found = _TAG.match(self.lines[tag.line])
        if found is None:
            raise ValueError(f"line {tag.line} is no tag")
        head = self.lines[tag.line][: found.start("value")]
        self.lines[tag.line] = f"{head}{value}{found['tail']}"

    def set_macro(self, name: str, value: str) -> None:
        """Give a macro another value wherever it is defined."""
        for one in definitions(self.lines):
            if one.name == name:
                line = self.lines[one.line]
                at = line.rindex(one.body) if one.body else len(line)
                self.lines[one.line] = line[:at] + value + line[at + len(one.body) :]

    def change(self, make: Callable[[int, str, Section], str]) -> None:
        """Put another line in the place of each."""
        self.lines = [make(*each) for each in list(self.sections())]

    def insert(self, at: int, lines: list[str]) -> None:
        """Put lines before one."""
        self.lines[at:at] = lines
