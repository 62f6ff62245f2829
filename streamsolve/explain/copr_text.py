"""What COPR has of a plan and what would change there, for readers and as a document.

Rows of plain values come in, so that this knows neither COPR nor its client.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from .markup import Block, Row, Span, Style, Table, blank, paragraph
from .sentences import count

__all__ = [
    "STATUS_SCHEMA",
    "AddressRow",
    "BuildRow",
    "ChangeRow",
    "address_blocks",
    "change_blocks",
    "dry_run_blocks",
    "notice_blocks",
    "state_sentence",
    "status_blocks",
    "status_document",
    "summary_blocks",
]

STATUS_SCHEMA = "streamsolve.copr-status/1"

_SHOWN = 20
_STYLES = {
    "built": Style.GOOD,
    "failed": Style.BAD,
    "blocked": Style.WARNING,
    "canceled": Style.WARNING,
    "spoiled": Style.WARNING,
    "running": Style.NAME,
}
_MARKS = {"built": "✓", "failed": "✗", "running": "●", "waiting": "○", "absent": "–"}
_OTHER_MARK = "▲"
_WORDS = {
    "absent": "not submitted",
    "waiting": "waiting",
    "running": "running",
    "built": "built",
    "failed": "failed",
    "canceled": "canceled in COPR",
    "spoiled": "begun too early",
    "blocked": "not built, for want of something that failed",
}
_ORDER = tuple(_WORDS)


@frozen
class BuildRow:
    """A build of a plan and how far it is. ``state`` is one of the words of a standing; ``number``
    is COPR's, 0 for none; ``logs`` are addresses."""

    build: str
    level: int
    project: str
    state: str
    number: int = 0
    after: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()


@frozen
class ChangeRow:
    """A field of a project or of one of its chroots. No field: the project is new."""

    project: str
    chroot: str
    field: str
    old: object
    new: object


@frozen
class AddressRow:
    """Where a component's upstream sends its webhook."""

    component: str
    url: str


# -- projects --------------------------------------------------------------------------------------


def change_blocks(
    owner: str, changes: Sequence[ChangeRow], *, only_shown: bool
) -> tuple[Block, ...]:
    """What changes in the projects, field by field; ``only_shown`` says that nothing is done."""
    if not changes:
        return (paragraph(Span("✓ ", Style.GOOD), "The projects are as they should be."),)
    head = "Would change in COPR" if only_shown else "Changed in COPR"
    blocks: list[Block] = [paragraph(Span(head, Style.HEADING))]
    for project in dict.fromkeys(change.project for change in changes):
        of_project = [change for change in changes if change.project == project]
        is_new = any(not change.field for change in of_project)
        words = Span(" (new)", Style.GOOD) if is_new else Span("")
        blocks.append(paragraph(Span(f"{owner}/{project}", Style.NAME), words, indent=2))
        blocks.append(Table(tuple(map(_change_row, of_project)), indent=4))
    return tuple(blocks)


def _change_row(change: ChangeRow) -> Row:
    name = change.field or "chroots"
    where = f"{change.chroot}: {name}" if change.chroot else name
    if not change.field:
        return Row((Span(where),), (Span(_value(change.new)),))
    return Row(
        (Span(where),),
        (Span(_value(change.old), Style.QUIET), Span(" → "), Span(_value(change.new))),
    )


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "nothing" if value in (None, "") else str(value)


def notice_blocks(texts: Iterable[str]) -> tuple[Block, ...]:
    """What COPR cannot do of what the lock says."""
    return tuple(paragraph(Span("▲ ", Style.WARNING), text, hang=2) for text in texts)


# -- builds ----------------------------------------------------------------------------------------


def status_blocks(
    rows: Sequence[BuildRow], project: str, *, drifted: Sequence[str] = (), everything: bool = False
) -> tuple[Block, ...]:
    """The levels of a plan with how far each build is."""
    blocks: list[Block] = [_heading(rows, project)]
    for level in sorted({row.level for row in rows}):
        of_level = [row for row in rows if row.level == level]
        shown = sorted(of_level, key=lambda row: (row.state == "built", row.build))
        cut = shown if everything else shown[:_SHOWN]
        blocks += [
            blank(),
            paragraph(Span(f"Level {level}: ", Style.HEADING), state_sentence(of_level)),
            Table(tuple(map(_build_row, cut))),
        ]
        if len(cut) < len(shown):
            more = f"… and {len(shown) - len(cut)} more; --all shows them"
            blocks.append(paragraph(Span(more, Style.QUIET), indent=2))
    if drifted:
        blocks += [
            blank(),
            *notice_blocks(
                [
                    f"Not set up as the plan says: {', '.join(drifted)}. "
                    "`streamsolve copr push --dry-run` shows how."
                ]
            ),
        ]
    return tuple(blocks)


def dry_run_blocks(rows: Sequence[BuildRow], project: str, everything: bool) -> tuple[Block, ...]:
    """What a push would build, by level, and in how many projects, and why it is that many."""
    left = sum(row.state != "built" for row in rows)
    projects = len({row.project for row in rows})
    text = f"Would build {left} of {len(rows)}, level by level"
    if projects > 1:
        text += (
            f", in {projects} projects: a build root sees all of its project, so what it must not "
            "see is in another one"
        )
    return (
        blank(),
        *status_blocks(rows, project, everything=everything),
        blank(),
        paragraph(Span("→ ", Style.GOOD), f"{text}.", hang=2),
    )


def _build_row(row: BuildRow) -> Row:
    mark = _MARKS.get(row.state, _OTHER_MARK)
    words = _WORDS.get(row.state, row.state)
    text = (Span(words), *(Span(f" {log}", Style.COMMAND) for log in row.logs))
    number = Span(str(row.number) if row.number else "", Style.QUIET)
    return Row(
        (Span(mark, _STYLES.get(row.state, Style.QUIET)), Span(row.build, Style.NAME)),
        text,
        number,
    )


def _heading(rows: Sequence[BuildRow], project: str) -> Block:
    if all(row.state == "built" for row in rows):
        return paragraph(
            Span("✓ ", Style.GOOD),
            Span(project, Style.NAME),
            f" has all of {count(len(rows), 'build')}.",
            hang=2,
        )
    is_bad = any(row.state in ("failed", "canceled", "blocked") for row in rows)
    mark = Span("✗ ", Style.BAD) if is_bad else Span("○ ", Style.QUIET)
    text = f": {state_sentence(rows)}, of {count(len(rows), 'build')}."
    return paragraph(mark, Span(project, Style.NAME), text, hang=2)


def state_sentence(rows: Sequence[BuildRow]) -> str:
    """How many builds are how far, such as ``3 built, 1 running``."""
    numbers = ((state, sum(row.state == state for row in rows)) for state in _ORDER)
    return ", ".join(f"{number} {_WORDS[state]}" for state, number in numbers if number)


def summary_blocks(
    rows: Sequence[BuildRow],
    project: str,
    *,
    submitted: int,
    canceled: Sequence[str],
    left_over: Sequence[int],
    runtime: Sequence[str],
) -> tuple[Block, ...]:
    """How a push ended: what failed and where its log is, what that kept from being built."""
    blocks: list[Block] = [_heading(rows, project)]
    skipped = sum(row.state == "built" for row in rows) - submitted
    done = f"{count(submitted, 'build')} submitted"
    if skipped > 0 and all(row.state == "built" for row in rows):
        done += f", {skipped} built before from the same"
    blocks.append(paragraph(done, indent=2))
    failed = [row for row in rows if row.state in ("failed", "canceled")]
    if failed:
        blocks += [blank(), paragraph(Span("Failed", Style.HEADING))]
        blocks.append(Table(tuple(map(_build_row, failed))))
    blocked = sorted(row.build for row in rows if row.state == "blocked")
    if blocked:
        stopped = len(set(blocked).intersection(canceled))
        text = f"{count(len(blocked), 'build')} not built for want of these"
        text += f" ({stopped} of them canceled): " if stopped else ": "
        shown = ", ".join(blocked[:_SHOWN]) + (", …" if len(blocked) > _SHOWN else "")
        blocks += [blank(), *notice_blocks([text + shown])]
    if left_over:
        numbers = ", ".join(map(str, left_over[:_SHOWN])) + ("…" if len(left_over) > _SHOWN else "")
        blocks += [
            blank(),
            *notice_blocks(
                [
                    f"{count(len(left_over), 'build')} of another plan of streamsolve lie in these "
                    f"projects, and build roots may see them: {numbers}. --prune deletes them."
                ]
            ),
        ]
    if all(row.state == "built" for row in rows):
        blocks += [blank(), paragraph("To install:")]
        for name in runtime:
            blocks.append(paragraph(Span(f"dnf copr enable {name}", Style.COMMAND), indent=2))
    return tuple(blocks)


def status_document(
    rows: Sequence[BuildRow], project: str, *, drifted: Sequence[str] = ()
) -> Mapping[str, object]:
    """``streamsolve.copr-status/1``: the graph by level, with how far each build is."""
    levels = sorted({row.level for row in rows})
    return {
        "schema": STATUS_SCHEMA,
        "project": project,
        "built": all(row.state == "built" for row in rows),
        "states": {
            state: found for state in _ORDER if (found := sum(row.state == state for row in rows))
        },
        "drifted": sorted(drifted),
        "levels": [
            [
                {
                    "build": row.build,
                    "project": row.project,
                    "state": row.state,
                    "number": row.number or None,
                    "after": sorted(row.after),
                    "logs": list(row.logs),
                }
                for row in sorted(rows, key=lambda row: row.build)
                if row.level == level
            ]
            for level in levels
        ],
    }


# -- webhooks --------------------------------------------------------------------------------------


def address_blocks(
    rows: Sequence[AddressRow], *, hidden: bool, set_up: Sequence[str]
) -> tuple[Block, ...]:
    """The addresses of webhooks. ``hidden`` says that SECRET stands for the secret, ``set_up`` are
    the packages that were made."""
    table = tuple(
        Row((Span(row.component, Style.NAME),), (Span(row.url, Style.VERBATIM),)) for row in rows
    )
    blocks: list[Block] = [Table(table, indent=0)]
    if hidden:
        blocks += [
            blank(),
            paragraph(
                "SECRET stands for the project's secret, which COPR shows under Settings, "
                "Integrations; --new-secret makes another and prints it.",
            ),
        ]
    if set_up:
        blocks += [blank(), paragraph(f"{count(len(set_up), 'package')} set up to be rebuilt.")]
    return tuple(blocks)
