"""Another version in a spec: where it is written, be that a tag or the macros behind it.

What was changed is checked by reading it back: the tag must give the new version, else the tag is
written out and the macros stay as they are, which is told, because sources may hang on them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from attrs import frozen
from packaging.version import Version

from ...model.rpm_dependency import rpm_version
from .macros import Definition, definitions, uses
from .spec_text import SpecText

__all__ = ["change_version", "spelled_for_rpm"]

_PIECE = re.compile(
    r"%\{(?P<flags>[!?]*)(?P<name>[A-Za-z_]\w*)(?::(?P<text>[^{}]*(?:\{[^{}]*\}[^{}]*)*))?\}|%(?P<bare>[A-Za-z_]\w*)"
)
_SHAPE = r"[0-9A-Za-z]+"
_TAIL = r"[0-9A-Za-z.]*"
_DEEPEST = 5


def spelled_for_rpm(version: Version) -> str:
    """A version as a spec's tag has it: RPM's form, with all numbers that upstream writes."""
    written = rpm_version(version).rpartition(":")[2]
    head = re.match(r"[0-9.]+", written)
    numbers = ".".join(map(str, version.release))
    return numbers + written[head.end() if head else 0 :]


def change_version(spec: SpecText, version: str, upstream: str) -> str:
    """Give the main package another version, ``version`` in RPM's form and ``upstream`` in that of
    upstream. What could not be done is returned in words, empty if all was."""
    tag = spec.main("version")
    if tag is None:
        return "the spec has no version that could be changed"
    if "%" not in tag.value:
        spec.set_value(tag, version)
        return ""
    if spec.macros().expand(tag.value) == version:
        return ""
    together, single = (
        _together(spec, tag.value, version),
        _single(spec, tag.value, version, upstream),
    )
    for changes in (*together, *single):
        tried = SpecText(list(spec.lines), spec.known, spec.absent)
        _apply(tried, changes)
        found = tried.main("version")
        if found is not None and tried.macros().expand(found.value) == version:
            spec.lines, spec.absent = tried.lines, tried.absent
            return ""
    spec.set_value(tag, version)
    return f"the version was written as {tag.value}, whose macros are as they were"


def _apply(spec: SpecText, changes: Mapping[str, str | None]) -> None:
    """Set macros; None takes a definition away, and one that is not there is added."""
    known = {one.name for one in definitions(spec.lines)}
    for name, value in changes.items():
        if value is None:
            spec.absent |= {name}
            spec.lines = [
                f"# {line.replace('%', '%%')}" if number in _lines_of(spec, name) else line
                for number, line in enumerate(spec.lines)
            ]
        elif name in known:
            spec.set_macro(name, value)
        else:
            tag = spec.main("version")
            spec.insert(tag.line if tag else 0, [f"%global {name} {value}"])


def _lines_of(spec: SpecText, name: str) -> set[int]:
    return {one.line for one in definitions(spec.lines) if one.name == name}


def _reached(spec: SpecText, text: str) -> dict[str, Definition]:
    """The definitions behind a text, those that it names first."""
    all_of = {one.name: one for one in definitions(spec.lines)}
    found: dict[str, Definition] = {}
    waiting = list(uses(text))
    while waiting:
        name = waiting.pop(0)
        if name in all_of and name not in found:
            found[name] = all_of[name]
            waiting += uses(all_of[name].body)
    return found


def _single(
    spec: SpecText, text: str, version: str, upstream: str
) -> Iterator[dict[str, str | None]]:
    """One macro that is the version, or all of it but a mark of a pre-release."""
    release = re.match(r"[0-9.]+", version)
    wanted = [upstream, version, release[0] if release else version]
    macros = spec.macros()
    for name, one in _reached(spec, text).items():
        first = uses(one.body)[:1]
        start = macros.expand(f"%{{{first[0]}}}") if first else None
        written = f"%{{{first[0]}}}" if first else ""
        for value in dict.fromkeys(wanted):
            if start and one.body.startswith(written) and value.startswith(start):
                yield {name: written + value[len(start) :]}
            if not first:
                yield {name: value}


def _together(spec: SpecText, text: str, version: str) -> Iterator[dict[str, str | None]]:
    """Several macros that make up the version: those that give it when they are put together."""
    reached = _reached(spec, text)
    for shape in (_as_long, _of_any_length):
        groups: dict[str, tuple[str, str]] = {}
        pattern = _pattern(text, _Parts(reached, groups, shape), depth=0)
        found = re.fullmatch(pattern, version) if pattern else None
        if found is not None:
            yield from _changes(found, groups, reached)


def _as_long(body: str) -> str:
    return r"\.".join([_SHAPE] * (body.count(".") + 1))


def _of_any_length(body: str) -> str:
    return rf"{_SHAPE}(?:\.{_SHAPE})*" if "." in body else _SHAPE


def _changes(
    found: re.Match[str],
    groups: Mapping[str, tuple[str, str]],
    reached: Mapping[str, Definition],
) -> Iterator[dict[str, str | None]]:
    """The values in a match, unless a macro would have two."""
    changes: dict[str, str | None] = {}
    for group, (name, head) in groups.items():
        value = found[group]
        if value is None:
            if name in reached:
                changes[name] = None
        elif changes.setdefault(name, head + value) != head + value:
            return
    yield changes


@frozen
class _Parts:
    """What a pattern is made from: definitions, the groups made so far with the macro of each and
    what stands before its value, and what a value looks like."""

    reached: Mapping[str, Definition]
    groups: dict[str, tuple[str, str]]
    shape: Callable[[str], str]

    def group(self, name: str, head: str = "") -> str:
        """A new group for a macro's value."""
        group = f"v{len(self.groups)}"
        self.groups[group] = (name, head)
        return group


def _pattern(text: str, parts: _Parts, depth: int) -> str:
    """A regular expression for what a text can give: a group for each value that can change.
    Empty where the text is more than macros and letters."""
    if depth > _DEEPEST:
        return ""
    pieces, at = [], 0
    for use in _PIECE.finditer(text):
        pieces.append(re.escape(text[at : use.start()]))
        at = use.end()
        flags = use["flags"] or ""
        if "!" in flags:
            return ""
        inner = (
            _pattern_of(use["name"] or use["bare"], parts, depth + 1)
            if use["text"] is None
            else _pattern(use["text"], parts, depth + 1)
        )
        if not inner:
            return ""
        pieces.append(f"(?:{inner})?" if "?" in flags else inner)
    pieces.append(re.escape(text[at:]))
    return "".join(pieces)


def _pattern_of(name: str, parts: _Parts, depth: int) -> str:
    one = parts.reached.get(name)
    if one is None:
        return f"(?P<{parts.group(name)}>{_SHAPE})"
    if "%" not in one.body:
        return f"(?P<{parts.group(name)}>{parts.shape(one.body)})"
    use = _PIECE.match(one.body)
    if use is None or "%" in one.body[use.end() :] or use["flags"] or use["text"]:
        return _pattern(one.body, parts, depth)
    # A definition such as `%{series}.2`: the series, and a tail that is its own.
    head = _pattern_of(use["name"] or use["bare"], parts, depth + 1)
    return f"{head}(?P<{parts.group(name, one.body[: use.end()])}>{_TAIL})"
