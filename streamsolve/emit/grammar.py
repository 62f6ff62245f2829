"""What may stand in an emitted file: a grammar for each kind of value, and all faults at once.

An emitted file is read as Python and as a Jinja template, as an INI file, by a shell, by make and
by RPM. Nothing is escaped for all of these: a value that any of them could take for more than a
value is refused.
"""

from __future__ import annotations

import re

from attrs import define, field, frozen

from ..errors import Code, ErrorCollector, Place

__all__ = [
    "ARCHITECTURE",
    "BUNDLED",
    "CONFIGURATION",
    "DEPENDENCY",
    "DIGEST",
    "DIRECTORY",
    "DIST",
    "EVR",
    "FILENAME",
    "IMAGE",
    "MACRO_NAME",
    "MACRO_VALUE",
    "MODULES",
    "NAME",
    "PACKAGE",
    "PLANNED_EVR",
    "PURL",
    "RELEASE",
    "SPELLED",
    "SWITCH",
    "URL",
    "Grammar",
    "Refusals",
    "opens_template",
    "shown",
]

_SHOWN = 60
_OPENERS = ("{{", "{%", "{#")


@frozen
class Grammar:
    """What a kind of value looks like. ``expected`` says it in words, ``longest`` in characters."""

    pattern: re.Pattern[str]
    expected: str
    longest: int = 200

    def allows(self, text: str) -> bool:
        """Whether a text is such a value, and no template, no path upwards and not too long."""
        return (
            len(text) <= self.longest
            and self.pattern.fullmatch(text) is not None
            and not opens_template(text)
            and ".." not in text.split("/")
        )


def _grammar(pattern: str, expected: str, longest: int = 200) -> Grammar:
    return Grammar(re.compile(pattern, re.ASCII), expected, longest)


_ADDRESS = r"(?:[A-Za-z0-9._~:/?&=+,;-]|%[0-9A-Fa-f]{2}|\$(?:releasever|basearch|arch)\b)+"
_ODD = r"(?:[A-Za-z0-9._+~^}]|%\{[A-Za-z0-9_]+\})+"
_WORD = r"(?:[A-Za-z0-9._+:/=,@~^-]|%\{[A-Za-z_][A-Za-z0-9_]*\})+"

NAME = _grammar(
    r"[A-Za-z0-9][A-Za-z0-9._-]*", "a name of letters, digits, '.', '_' and '-'", longest=120
)
PACKAGE = _grammar(r"[A-Za-z0-9_][A-Za-z0-9._+-]*", "the name of an RPM package")
# RPM lets '{', '}' and '%' into versions, and a base may really have "3.19}" or the name of a macro
# that nobody defined. Only dnf reads the full name of a base's package, so both are inert.
EVR = _grammar(rf"(?:[0-9]+:)?{_ODD}-{_ODD}", "an RPM [epoch:]version-release")
PLANNED_EVR = _grammar(
    r"(?:[0-9]+:)?[A-Za-z0-9._+~^]+-[A-Za-z0-9._+~^]+", "a planned [epoch:]version-release"
)
ARCHITECTURE = _grammar(r"[A-Za-z0-9_]+", "an RPM architecture", longest=40)
RELEASE = _grammar(r"[A-Za-z0-9][A-Za-z0-9._-]*", "a release such as '44'", longest=40)
DIST = _grammar(r"[A-Za-z0-9][A-Za-z0-9_]*", "a suffix of releases such as 'fc44'", longest=40)
SPELLED = _grammar(r"(?:[a-z-]+:)?[A-Za-z0-9][A-Za-z0-9._+-]*", "a component, as profiles write it")
CONFIGURATION = _grammar(
    r"[A-Za-z0-9][A-Za-z0-9._+-]*\.cfg", "the file name of a configuration of mock"
)
URL = _grammar(
    rf"(?:https?://[A-Za-z0-9]|file:///){_ADDRESS}",
    "an http, https or file URL without credentials",
    longest=1000,
)
DIRECTORY = _grammar(
    r"(?:/[A-Za-z0-9_][A-Za-z0-9._+-]*)+", "an absolute directory such as '/opt/app'"
)
MACRO_NAME = _grammar(r"%[A-Za-z_][A-Za-z0-9_]*", "the name of an RPM macro, with its '%'")
MACRO_VALUE = _grammar(
    rf"{_WORD}(?: +{_WORD})*", "a macro's value of plain words and %{macros}", longest=1000
)
KERNEL_RELEASE = _grammar(r"[A-Za-z0-9][A-Za-z0-9._+~^-]*", "what `uname -r` prints", longest=120)
WRITTEN_VERSION = _grammar(
    r"[A-Za-z0-9][A-Za-z0-9._+~^-]*", "a version as upstream writes it", longest=80
)
MAKE_WORD = _grammar(
    r"(?:[A-Za-z0-9_./=:+,-]|\{(?:headers|release|source)\})+", "a plain word for make", longest=200
)
SWITCH = _grammar(r"[a-z][a-z0-9_]*", "the name of a spec's switch", longest=80)
MODULES = _grammar(
    r"[A-Za-z0-9][A-Za-z0-9._:/+-]*(?:, ?[A-Za-z0-9][A-Za-z0-9._:/+-]*)*",
    "module streams such as 'nodejs:20'",
)
IMAGE = _grammar(
    r"[A-Za-z0-9][A-Za-z0-9._:/-]*(?:@sha256:[0-9a-f]{64})?",
    "the name of a container image",
    longest=300,
)

# RPM takes no name that begins with anything else, but for the brackets of boolean dependencies.
_DEPENDENCY_WORD = r"(?:<=?|>=?|=|\(*[A-Za-z0-9_/][A-Za-z0-9._+:/()\[\]=<>~^@-]*)"
DEPENDENCY = _grammar(
    rf"{_DEPENDENCY_WORD}(?: {_DEPENDENCY_WORD})*", "a dependency in RPM's language", longest=4000
)
BUNDLED = _grammar(
    r"bundled\((?:crate\([A-Za-z0-9_-]+\)|nodejs-(?:@[A-Za-z0-9._~-]+/)?[A-Za-z0-9._~-]+)\)"
    r" = [A-Za-z0-9._~]+",
    "a crate or npm package that is bundled",
    longest=500,
)
FILENAME = _grammar(r"[A-Za-z0-9_][A-Za-z0-9._+~^-]*", "the name of a file", longest=240)
DIGEST = _grammar(r"[0-9a-f]{64}", "a sha256 in hexadecimal", longest=64)
PURL = _grammar(r"pkg:[a-z]+/[A-Za-z0-9._~/@+!#?=&:%-]+", "a package URL", longest=500)


def opens_template(text: str) -> bool:
    """Whether Jinja would take something in a text for more than text."""
    return any(opener in text for opener in _OPENERS)


def shown(text: str) -> str:
    """A value as a message tells it: cut, and without anything that a terminal obeys."""
    return ascii(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…").replace("\\u2026", "…")


@define
class Refusals:
    """Values that cannot be written out, gathered. ``file`` is what the places are in."""

    file: str
    faults: ErrorCollector = field(factory=lambda: ErrorCollector(Code.NOT_EMITTED))

    def check(self, value: str, grammar: Grammar, path: str) -> None:
        """Note a value that is not of its grammar."""
        if not grammar.allows(value):
            self.note(f"{shown(value)} is not {grammar.expected}", path)

    def check_one_of(self, value: str, known: tuple[str, ...], path: str) -> None:
        """Note a value that is none of those known."""
        if value not in known:
            self.note(f"{shown(value)} is none of {', '.join(known)}", path)

    def note(self, message: str, path: str, hint: str = "") -> None:
        """Note a fault."""
        self.faults.add(message, Place(self.file, path=path), hint)

    def raise_if_any(self) -> None:
        """Raise one :class:`InputErrors` (``NOT_EMITTED``) with all that was noted."""
        self.faults.raise_if_any("nothing was written, because this cannot be:")
