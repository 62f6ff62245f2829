"""Modules and the ways to build one, for a reader and as documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import nearest
from ..model.module_expansion import Expansion, ExpansionFact, ExpansionFailure, FactKind, Side
from ..model.modules import (
    ModuleDependencies,
    ModuleIndex,
    ModuleObsoletes,
    ModuleStream,
    StreamChoice,
)
from .markup import Block, Row, Span, Style, Table, blank, paragraph
from .sentences import count

__all__ = [
    "expansion_document",
    "failure_blocks",
    "module_blocks",
    "module_document",
    "module_list_blocks",
    "module_list_document",
]

_SIDES = {Side.BUILD: "to build it", Side.RUN: "to use it"}


# -- lists -----------------------------------------------------------------------------------------


def module_list_blocks(index: ModuleIndex, shown_as: str) -> tuple[Block, ...]:
    """One row per module: its streams, the recommended one marked."""
    if not index.streams:
        return (paragraph(f"{shown_as} has no modules: all its packages are there at once."),)
    newest = index.newest()
    rows = [
        Row(
            (Span(name, Style.NAME),),
            (Span(", ".join(_stream_names(name, newest, index))),),
        )
        for name in index.names
    ]
    streams = {(stream.name, stream.stream) for stream in newest}
    heading = f"{count(len(rows), 'module')} with {count(len(streams), 'stream')}"
    step = f"{newest[0].name}:{newest[0].stream}"
    return (
        paragraph(
            Span(heading, Style.HEADING),
            "; their packages are hidden unless a stream is chosen (*: recommended)",
        ),
        Table(tuple(rows)),
        blank(),
        paragraph("Next: ", Span(f"streamsolve modules show {step}", Style.COMMAND)),
    )


def _stream_names(name: str, newest: Sequence[ModuleStream], index: ModuleIndex) -> Iterable[str]:
    default = index.default_of(name)
    for stream in dict.fromkeys(each.stream for each in newest if each.name == name):
        builds = [each for each in newest if (each.name, each.stream) == (name, stream)]
        marks = "*" if stream == default else ""
        if all(index.end_of(each) for each in builds):
            marks += " (ended)"
        yield f"{stream}{marks}"


def module_list_document(index: ModuleIndex) -> Mapping[str, Any]:
    """All modules with the newest build of each stream and context."""
    return {
        "schema": "streamsolve.modules/1",
        "modules": [
            {
                "name": name,
                "default": index.default_of(name),
                "streams": [
                    _stream_document(stream, index)
                    for stream in index.newest()
                    if stream.name == name
                ],
            }
            for name in index.names
        ],
    }


def _stream_document(stream: ModuleStream, index: ModuleIndex) -> dict[str, Any]:
    end = index.end_of(stream)
    return {
        "stream": stream.stream,
        "version": stream.version,
        "context": stream.context,
        "arch": stream.arch,
        "packages": len(stream.artifacts),
        **({"ended": _end_document(end)} if end else {}),
    }


def _end_document(end: ModuleObsoletes) -> dict[str, str]:
    found = {"message": end.message, "eol_date": end.eol_date, "by": end.by}
    return {key: value for key, value in found.items() if value}


# -- one stream ------------------------------------------------------------------------------------


def module_blocks(streams: Sequence[ModuleStream], index: ModuleIndex) -> tuple[Block, ...]:
    """What is known of the builds of one stream."""
    blocks: list[Block] = []
    for stream in streams:
        blocks += [blank()] if blocks else []
        title = Span(f"{stream.name}:{stream.stream}", Style.HEADING)
        mark = " (recommended)" if index.default_of(stream.name) == stream.stream else ""
        blocks.append(paragraph(title, f"{mark}: {stream.summary}" if stream.summary else mark))
        blocks.append(Table(tuple(_rows(stream, index))))
    return tuple(blocks)


def _rows(stream: ModuleStream, index: ModuleIndex) -> Iterable[Row]:
    def row(name: str, text: str) -> Row:
        return Row((Span(name, Style.NAME),), (Span(text),))

    yield row("build", stream.nsvca)
    if end := index.end_of(stream):
        by = f"; {end.by} takes its place" if end.by else ""
        yield row("ended", f"{end.eol_date} {end.message}".strip() + by)
    for number, group in enumerate(stream.dependencies):
        word = "or " if number else ""
        yield row(f"{word}requires", choices_text(group.requires) or "nothing")
        yield row("to build", choices_text(group.buildrequires) or "nothing")
    usual = _usual_profiles(stream, index)
    for name, packages in stream.profiles:
        mark = "*" if name in usual else ""
        yield row(f"profile {name}{mark}", ", ".join(packages) or "no package")
    if stream.components:
        order = sorted({number for _, number in stream.components})
        steps = [", ".join(n for n, at in stream.components if at == number) for number in order]
        yield row("build order", " → ".join(steps))
    yield row("packages", f"{len(stream.artifacts)}")
    if stream.licences:
        yield row("licence", ", ".join(stream.licences))


def _usual_profiles(stream: ModuleStream, index: ModuleIndex) -> set[str]:
    return {
        name
        for one in index.defaults
        if one.module == stream.name
        for of, names in one.profiles
        if of == stream.stream
        for name in names
    }


def choices_text(choices: Iterable[tuple[str, StreamChoice]]) -> str:
    """``platform:el9, perl: 5.26 or 5.30``."""
    return ", ".join(
        f"{name}:{choice}" if choice.is_one else f"{name}: {choice}" for name, choice in choices
    )


def module_document(streams: Sequence[ModuleStream], index: ModuleIndex) -> Mapping[str, Any]:
    """The builds of one stream, whole."""
    return {
        "schema": "streamsolve.module/1",
        "name": streams[0].name,
        "default": index.default_of(streams[0].name),
        "builds": [
            {
                **_stream_document(stream, index),
                "static_context": stream.static_context,
                "virtual": list(stream.virtual),
                "summary": stream.summary,
                "dependencies": [
                    {
                        "buildrequires": _choices_document(group.buildrequires),
                        "requires": _choices_document(group.requires),
                    }
                    for group in stream.dependencies
                ],
                "profiles": {name: list(packages) for name, packages in stream.profiles},
                "components": dict(stream.components),
                "artifacts": list(stream.artifacts),
                "licences": list(stream.licences),
            }
            for stream in streams
        ],
    }


def _choices_document(choices: Iterable[tuple[str, StreamChoice]]) -> dict[str, list[str]]:
    return {
        name: [f"-{label}" if choice.excluded else label for label in choice.labels]
        for name, choice in choices
    }


# -- expansions ------------------------------------------------------------------------------------


def expansion_document(expansion: Expansion) -> dict[str, Any]:
    """One way to build a module."""
    return {
        "requires": dict(expansion.requires),
        "buildrequires": dict(expansion.buildrequires),
        "context": expansion.context,
    }


def failure_blocks(failures: Sequence[ExpansionFailure], module: ModuleStream) -> tuple[Block, ...]:
    """Why groups of dependencies cannot be met."""
    blocks: list[Block] = []
    for failure in failures:
        blocks += [blank()] if blocks else []
        text = _group_text(failure.group)
        blocks.append(
            paragraph(Span("✗ ", Style.BAD), f"No streams can be chosen for {text}:", hang=2)
        )
        name = module.name or "the module"
        blocks += [
            paragraph(Span(_fact_text(fact, name)), indent=2, hang=2)
            for fact in _as_chain(failure.facts)
        ]
    return tuple(blocks)


def _group_text(group: ModuleDependencies) -> str:
    parts = [
        f"{word} {text}"
        for word, text in (
            ("building with", choices_text(group.buildrequires)),
            ("using it with", choices_text(group.requires)),
        )
        if text
    ]
    return " and ".join(parts) or "no dependencies"


def _as_chain(facts: Sequence[ExpansionFact]) -> list[ExpansionFact]:
    """From the module itself on: each fact after one that names who it is about."""
    left, reached, ordered = list(facts), {""}, list[ExpansionFact]()
    while left:
        following = [fact for fact in left if fact.who.partition(":")[0] in reached or not fact.who]
        needs = [fact for fact in following if fact.kind is not FactKind.ONE_STREAM]
        taken = (needs or following or left)[0]
        left.remove(taken)
        ordered.append(taken)
        reached.add(taken.module)
    return ordered


def _fact_text(fact: ExpansionFact, itself: str) -> str:
    who = fact.who or itself
    wanted = choices_text([(fact.module, fact.choice)])
    needs = f"{who} needs {wanted}" + ("" if fact.who else f" {_SIDES[fact.side]}")
    match fact.kind:
        case FactKind.UNKNOWN_MODULE:
            return f"{needs}: no module has that name; {nearest(fact.module, fact.known)}"
        case FactKind.UNKNOWN_STREAM:
            return f"{needs}: there are the streams {', '.join(fact.known)}"
        case FactKind.DIFFERENT_SIDES:
            return f"{needs}, and none of these streams is one to build it with"
        case FactKind.ONE_STREAM:
            return f"a root has one stream of {fact.module}, not {' and '.join(fact.known)}"
    return needs
