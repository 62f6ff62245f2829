"""What became of builds, for a reader and for programs: ``streamsolve.build/1``,
``streamsolve.build-plan/1`` and ``streamsolve.rebuild/1``.

What comes from logs is shown as it is: whoever reads a log takes out what a terminal obeys.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import asdict

from ..errors import Code
from ..model.build_run import (
    BuildFate,
    BuildResult,
    BuildRun,
    LogEnd,
    PackageDifference,
    PlannedRun,
    Rebuild,
)
from ..model.schemas import shipped_schema
from .command import Command
from .document import Document
from .markup import Block, Row, Span, Style, Table, blank, cut_table, paragraph, section
from .sentences import count

__all__ = [
    "build_run_blocks",
    "build_run_document",
    "build_run_schema",
    "planned_run_blocks",
    "planned_run_document",
    "rebuild_blocks",
    "rebuild_document",
]

_ROWS = 20
_TAGS = 8
_DONE = (BuildFate.BUILT, BuildFate.SKIPPED)


def build_run_schema() -> Document:
    """The JSON Schema of these documents."""
    return shipped_schema("build-run-1")


# -- a run -----------------------------------------------------------------------------------------


def build_run_blocks(
    run: BuildRun, step: Command, *, everything: bool = False
) -> tuple[Block, ...]:
    """The answer; each failure with its root and the ends of its logs; what was not tried, and why.
    ``step`` is the command that goes on."""
    blocks: list[Block] = [_answer(run)]
    for result in run.of(BuildFate.FAILED):
        blocks += [blank(), *_failure(result)]
    waiting = [
        Row((Span(one.build, Style.NAME),), (Span(one.why),)) for one in run.of(BuildFate.NOT_TRIED)
    ]
    blocks += _listed("Not tried", waiting, everything)
    done = [
        Row((Span(one.build, Style.NAME),), (Span(_state(one)),))
        for one in run.results
        if one.fate in _DONE
    ]
    if everything:
        blocks += _listed("Done", done, everything)
    if run.holds:
        place = Span(run.repository, Style.NAME)
        blocks += [blank(), paragraph("The stream repository is ", place, ".")]
    else:
        blocks += [blank(), _next(step, "goes on from here")]
    return tuple(blocks)


def _answer(run: BuildRun) -> Block:
    numbers = {fate: len(run.of(fate)) for fate in BuildFate}
    done = numbers[BuildFate.BUILT] + numbers[BuildFate.SKIPPED]
    parts = [
        f"{numbers[BuildFate.BUILT]} built now",
        f"{numbers[BuildFate.SKIPPED]} built before from the same inputs",
    ]
    told = ", ".join(part for part in parts if not part.startswith("0 "))
    if run.holds:
        head = Span(f"{run.application} is built", Style.HEADING)
        text = f": {count(len(run.results), 'build')}" + (f", of which {told}." if told else ".")
        return paragraph(Span("✓ ", Style.GOOD), head, text, hang=2)
    failed, waiting = numbers[BuildFate.FAILED], numbers[BuildFate.NOT_TRIED]
    head = Span(f"{count(failed, 'build')} of {len(run.results)} failed", Style.HEADING)
    rest = f", {waiting} not tried" if waiting else ""
    label = Span(Code.BUILD_FAILED.label, Style.BAD)
    good = f" {done} done: {told}." if told else ""
    return paragraph(Span("✗ ", Style.BAD), label, " ", head, f"{rest}.{good}", hang=2)


def _failure(result: BuildResult) -> list[Block]:
    root = Span(result.root, Style.NAME)
    name = Span(result.build, Style.NAME)
    blocks: list[Block] = [
        paragraph(Span("✗ ", Style.BAD), name, " in the root ", root, f": {result.why}", hang=2)
    ]
    for log in result.logs:
        blocks += _log(log)
    return blocks


def _log(log: LogEnd) -> list[Block]:
    lines = [paragraph(Span(line, Style.VERBATIM), indent=4) for line in log.lines]
    return [paragraph("the end of ", Span(log.path, Style.NAME), ":", indent=2), *lines]


def _state(result: BuildResult) -> str:
    names = ", ".join(result.packages)
    return f"built: {names}" if result.fate is BuildFate.BUILT else f"built before: {names}"


def _listed(name: str, rows: Sequence[Row], everything: bool) -> list[Block]:
    listed = section(name, rows, _ROWS, everything=everything)
    return [blank(), *listed] if listed else []


def _next(step: Command, text: str) -> Block:
    cells = (Span("Next", Style.HEADING), Span(str(step), Style.COMMAND))
    return Table((Row(cells, (Span(text),)),), indent=0)


def build_run_document(run: BuildRun) -> Document:
    """The same for programs; results are sorted by build."""
    return {
        "schema": "streamsolve.build/1",
        "application": run.application,
        "directory": run.directory,
        "repository": run.repository,
        "complete": run.holds,
        "counts": {fate.value: len(run.of(fate)) for fate in BuildFate},
        "builds": [
            {
                "build": one.build,
                "fate": one.fate.value,
                "root": one.root,
                "why": one.why,
                "packages": list(one.packages),
                "logs": [{"path": log.path, "lines": list(log.lines)} for log in one.logs],
            }
            for one in run.results
        ],
    }


# -- what would be run -----------------------------------------------------------------------------


def planned_run_blocks(
    planned: Sequence[PlannedRun], directory: str, *, everything: bool = False
) -> tuple[Block, ...]:
    """What would be built in which order, why, and by which command; then what would not."""
    due = [one for one in planned if one.why]
    if not due:
        text = f" is built from what is there: {count(len(planned), 'build')}."
        name = Span(directory, Style.NAME)
        return (paragraph(Span("✓ ", Style.GOOD), "Everything in ", name, text, hang=2),)
    sure = sum(one.certain for one in due)
    maybe = f", and up to {len(due) - sure} more" if sure < len(due) else ""
    blocks: list[Block] = [
        paragraph(
            Span(f"{count(sure, 'build')}{maybe}", Style.HEADING),
            f" of {len(planned)} would be run.",
        )
    ]
    for one in due:
        mark = Span("● " if one.certain else "○ ", Style.PRIVATE)
        name, root = Span(one.build, Style.NAME), Span(one.root, Style.NAME)
        blocks.append(paragraph(mark, name, " in ", root, f": {one.why}", hang=2))
        if one.command:
            blocks.append(paragraph(Span(str(Command(one.command)), Style.COMMAND), indent=4))
    kept = [
        Row((Span(one.build, Style.NAME),), (Span(one.root),)) for one in planned if not one.why
    ]
    if everything:
        blocks += _listed("Built already", kept, everything)
    return tuple(blocks)


def planned_run_document(planned: Sequence[PlannedRun], directory: str) -> Document:
    """The same for programs, in the order of one builder."""
    return {
        "schema": "streamsolve.build-plan/1",
        "directory": directory,
        "builds": [
            {
                "build": one.build,
                "root": one.root,
                "run": bool(one.why),
                "certain": one.certain,
                "why": one.why,
                "command": list(one.command),
            }
            for one in planned
        ],
    }


# -- built twice -----------------------------------------------------------------------------------


def rebuild_blocks(found: Rebuild, *, everything: bool = False) -> tuple[Block, ...]:
    """Whether two builds of one made the same, and what differs, by file."""
    name = Span(found.build, Style.NAME)
    packages = count(found.packages, "package")
    if not found.differences:
        text = f" makes the same twice: {packages}, the same to the byte."
        return (paragraph(Span("✓ ", Style.GOOD), name, text, hang=2),)
    text = f" does not make the same twice: {len(found.differences)} of {packages} differ."
    label = Span(Code.BUILD_FAILED.label, Style.BAD)
    blocks: list[Block] = [paragraph(Span("✗ ", Style.BAD), label, " ", name, text, hang=2)]
    for difference in found.differences:
        blocks += [blank(), *_difference(difference, everything)]
    blocks.append(blank())
    if found.texts:
        texts = ", ".join(found.texts)
        blocks.append(paragraph("diffoscope says more: ", Span(texts, Style.NAME), hang=2))
    elif not found.diffoscope:
        blocks.append(paragraph("Install diffoscope to see what differs inside of files."))
    return tuple(blocks)


def _difference(one: PackageDifference, everything: bool) -> list[Block]:
    name = Span(one.file, Style.NAME)
    if one.only:
        which = "first" if one.only == 1 else "second"
        return [paragraph(name, f" was made by the {which} build only")]
    payload = "their payloads differ" if one.payload else "their payloads are the same"
    blocks: list[Block] = [paragraph(name, f": {payload}", hang=2)]
    if one.tags:
        shown = one.tags if everything else one.tags[:_TAGS]
        more = (
            f" and {len(one.tags) - len(shown)} more (--all)" if len(shown) < len(one.tags) else ""
        )
        blocks.append(paragraph(f"in the header: {', '.join(shown)}{more}", indent=2, hang=2))
    rows = [Row((Span(path, Style.VERBATIM),), (Span(what),)) for path, what in one.files]
    return [*blocks, *cut_table(rows, _ROWS, everything=everything)]


def rebuild_document(found: Rebuild) -> Document:
    """The same for programs."""
    return {
        "schema": "streamsolve.rebuild/1",
        "build": found.build,
        "same": not found.differences,
        "packages": found.packages,
        "differences": [
            {
                **{
                    key: value for key, value in asdict(one).items() if key not in ("tags", "files")
                },
                "tags": list(one.tags),
                "files": [{"path": path, "what": what} for path, what in one.files],
            }
            for one in found.differences
        ],
        "texts": list(found.texts),
        "diffoscope": found.diffoscope,
    }
