"""What a spec has to say of what is no Python distribution, since no generator says it.

A base's version may have a letter before its number, as upstream's tags have (``b9840``). RPM's
version of a private stream is the number, which sorts after any with a letter; where a spec names
the source, the letter stays.
"""

from __future__ import annotations

import re

from ...model.build import NeedOrigin
from ...model.component import Kind
from ...model.rpm_dependency import split_capability
from .build_needs import chosen_packages, native_needs
from .dependencies import known_name, split_dependencies
from .spec_text import Section, SpecText
from .task import SpecTask

__all__ = [
    "failing_build",
    "further_tags",
    "is_native",
    "runtime_needs",
    "tag_letter",
    "with_letter",
]

_GENERATED = (Kind.DISTRIBUTION, Kind.INTERPRETER)
_LETTER = re.compile(r"([A-Za-z])\d+(?:\.\d+)*")
_VERSION = re.compile(r"(?<![A-Za-z])%(?:\{version\}|version\b)")
_NAMING_SOURCE = re.compile(r"\s*(?:source\d*|url)\s*:", re.IGNORECASE)


def is_native(task: SpecTask) -> bool:
    """Whether nothing generates what it requires: it is neither a distribution nor an
    interpreter."""
    return task.stream.kind not in _GENERATED


def runtime_needs(task: SpecTask) -> tuple[str, ...]:
    """What the plan expects the main package to require, sorted."""
    own = next((one for one in task.packages if one.name == task.package), None)
    return tuple(sorted(own.requires)) if own is not None else ()


def further_tags(task: SpecTask, spec: SpecText) -> list[str]:
    """Lines for what a spec does not ask for and the plan does: the profile's words on building,
    and on running."""
    stated = [need for need in task.needs if need.origin is NeedOrigin.PROFILE]
    counted = {need.applied or need.text for need in stated} | chosen_packages(task)
    build = tuple(text for text in native_needs(task) if text in counted)
    return [
        *(f"BuildRequires: {text}" for text in _missing(spec, "buildrequires", build)),
        *(f"Requires: {text}" for text in _missing(spec, "requires", runtime_needs(task))),
    ]


def _missing(spec: SpecText, tag: str, texts: tuple[str, ...]) -> list[str]:
    """Those texts whose names no such tag of the spec has."""
    macros = spec.macros()
    named = {
        known_name(dependency, macros)[0]
        for each in spec.tags(tag)
        for dependency in split_dependencies(each.value)
    }
    return [text for text in texts if _name(text) not in named]


def _name(text: str) -> str:
    return text if text.startswith("(") else split_capability(text)[0]


def tag_letter(version: str | None) -> str:
    """The letter before the number of a version, empty without one."""
    found = _LETTER.fullmatch(version or "")
    return found[1] if found else ""


def with_letter(spec: SpecText, letter: str) -> None:
    """Write the letter wherever a spec names its source by the version."""

    def marked(number: int, line: str, section: Section) -> str:
        del number
        if section.kind == "prep" or _NAMING_SOURCE.match(line):
            return _VERSION.sub(f"{letter}%{{version}}", line)
        return line

    spec.change(marked)


def failing_build(task: SpecTask) -> list[str]:
    """What stands in ``%build`` until a packager has written it."""
    return [
        f"echo 'the spec of {task.package} does not say how it is built: finish it' >&2",
        "exit 1",
    ]
