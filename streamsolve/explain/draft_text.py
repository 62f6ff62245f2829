"""A drafted profile as text: what was found, what is left to decide, and what comes next."""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.version import Version

from ..model.component import PYTHON
from ..model.conflict import Failure, RepairKind
from ..model.draft import Drafted, Mark
from .command import Command
from .markup import Block, Row, Span, Style, Table, blank, paragraph
from .sentences import count

__all__ = ["draft_blocks", "other_version_blocks"]

_DONE = Span("✓", Style.GOOD)
_WARNING = Span("▲", Style.WARNING)


def draft_blocks(
    drafted: Drafted, files: Sequence[str], next_command: Command
) -> tuple[Block, ...]:
    """What ``files`` (the profile first, as the user named them) now hold. Why there is no plan,
    where there is none, is told by the failure itself, and not here."""
    blocks: list[Block] = [paragraph(_DONE, f" wrote {file}", hang=2) for file in files]
    rows = [Row((Span(what),), (Span(text),)) for what, text in drafted.found]
    blocks += [blank(), paragraph(Span("Found", Style.HEADING)), Table(tuple(rows))]
    blocks += [blank(), *_planned(drafted)]
    blocks += [blank(), *_marks(drafted, files[0])]
    if drafted.plan is not None:
        blocks += [blank(), *_next(drafted, next_command)]
    return tuple(blocks)


def _planned(drafted: Drafted) -> list[Block]:
    plan = drafted.plan
    if drafted.why:
        told = (
            f" {drafted.base} cannot be had ({drafted.why}), so the draft was tried without a base"
        )
        before = [paragraph(_WARNING, told, hang=2)]
    else:
        before = []
    if plan is None:
        on = "" if drafted.why else f" on {drafted.base}"
        return [*before, paragraph(Span("✗", Style.BAD), f" it has no plan{on} yet", hang=2)]
    private, external = plan.summary.private, plan.summary.external
    counts = count(private, "private stream")
    if external:
        counts += f", {external} external"
    if not drafted.why:
        counts = f"{plan.summary.base} from the base as it is, {counts}"
    where = "" if drafted.why else f" on {drafted.base} ({plan.arch})"
    runs_python = any(stream.component == PYTHON for stream in plan.streams)
    python = f" with Python {plan.python}" if runs_python else ""
    if runs_python and not drafted.why and drafted.base_python not in ("", plan.python):
        python += f" (the base has {drafted.base_python})"
    return [*before, paragraph(_DONE, f" it plans{where}{python}: {counts}", hang=2)]


def _marks(drafted: Drafted, file: str) -> list[Block]:
    if not drafted.marks:
        return [paragraph("Nothing is left to decide for a plan.")]
    rows = tuple(
        Row((Span(where, Style.NAME),), (Span(text),)) for where, text in _grouped(drafted.marks)
    )
    heading = f"To decide: what it could not know, marked in {file}"
    return [paragraph(Span(heading, Style.HEADING)), Table(rows)]


def _next(drafted: Drafted, command: Command) -> list[Block]:
    if drafted.why:
        command = command.with_option("--base", "DIRECTORY")
        told = "Next, with the directory of a base that is there: "
        return [paragraph(told, Span(str(command), Style.COMMAND))]
    return [paragraph("Next: ", Span(str(command), Style.COMMAND))]


def other_version_blocks(failure: Failure, command: Command) -> tuple[Block, ...]:
    """How to draft the newest other version that has a plan, where one was found; ``command`` is
    the one that was typed."""
    versions = [r.value for r in failure.repairs if r.kind is RepairKind.APPLICATION]
    if not versions:
        return ()
    newest = str(max(map(Version, versions)))
    again = command.with_option("--version", newest).with_option("--force")
    told = "To draft another version: "
    return (blank(), paragraph(told, Span(str(again), Style.COMMAND)))


def _first(text: str) -> str:
    """The first sentence; the rest stands in the file."""
    found = re.match(r".*?[.?](?= |$)", text)
    return found[0].removesuffix(".") if found else text


def _grouped(marks: Sequence[Mark]) -> list[tuple[str, str]]:
    """Lines and what they are about, in the order of the lines; what is said of several components
    in the same words is said once."""
    groups: dict[str, list[tuple[int, str]]] = {}
    for mark in marks:
        name, _, said = _first(mark.text).partition(" ")
        groups.setdefault(said, []).append((mark.line, name))
    found = []
    for said, members in groups.items():
        if len(members) == 1:
            line, name = members[0]
            found.append((f"line {line}", f"{name} {said}".strip()))
        else:
            names = ", ".join(name for _, name in members)
            # A question ends with its mark, so that the names are an aside.
            told = f"each {said} ({names})" if said.endswith("?") else f"each {said}: {names}"
            found.append((f"lines {members[0][0]}–{members[-1][0]}", told))
    return found
