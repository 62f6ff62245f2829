"""What holds streams back from their newest version, for a reader: grouped by what would help."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from ..model.plan import Demander
from ..model.question import Freed, HeldBackReport, Hold, Move
from .command import Command
from .conflict_text import built_for, joined
from .markup import Block, Row, Span, Style, Table, blank, paragraph
from .question_text import moves_text
from .sentences import asked, builder_time, count

__all__ = ["held_back_blocks"]

K = TypeVar("K", bound=Hashable)

_MOVES_SHOWN = 6


def held_back_blocks(report: HeldBackReport, command: Command) -> tuple[Block, ...]:
    """The answers by what would free them; ``command`` plans with what was asked for."""
    plan = report.plan
    number = len(report.answers)
    if not number:
        text = (
            f"Nothing is held back: each stream that {plan.application} adds is the newest of "
            "those that were considered."
        )
        return (paragraph(Span("✓ ", Style.GOOD), text, hang=2),)
    variant = f" ({plan.variant})" if plan.variant else ""
    blocks: list[Block] = [
        paragraph(
            Span(f"{count(number, 'stream')} of {plan.application}{variant}", Style.HEADING),
            f" on {plan.base} {'is' if number == 1 else 'are'} not the newest. What would free "
            "each was solved before it is said.",
        )
    ]
    of = {hold: [a for a in report.answers if a.hold is hold] for hold in Hold}
    blocks += _by_demands(of[Hold.DEMANDS], report, command)
    blocks += _by_price(of[Hold.PRICE], report)
    blocks += _by_preference(of[Hold.PREFERENCE], report.together)
    blocks += _unknown(of[Hold.UNKNOWN])
    blocks += _not_tried(of[Hold.NOT_TRIED])
    return tuple(blocks)


def _grouped(answers: Iterable[Freed], key: Callable[[Freed], K]) -> list[list[Freed]]:
    groups: dict[K, list[Freed]] = {}
    for answer in answers:
        groups.setdefault(key(answer), []).append(answer)
    return list(groups.values())


def _versions(answer: Freed) -> str:
    return f"{answer.held.component} {answer.held.version} → {answer.held.newest}"


# -- demands -----------------------------------------------------------------------------------


def _by_demands(answers: Sequence[Freed], report: HeldBackReport, command: Command) -> list[Block]:
    if not answers:
        return []
    blocks: list[Block] = [
        blank(),
        paragraph(
            Span(f"Kept out by demands ({len(answers)})", Style.HEADING),
            "; each can be the newest once what is named is relaxed:",
        ),
    ]
    for group in _grouped(answers, _stating):
        blocks.append(paragraph(f"stated by {joined(_stating(group[0]))}", indent=2))
        blocks.append(Table(tuple(_relaxing(answer, report) for answer in group), indent=4))
    first = answers[0].relax[0]
    step = command.with_further(
        "--relax", f"{first.component}:{first.requirement.component}{first.requirement.specifier}"
    )
    return [
        *blocks,
        paragraph("A plan without a demand, such as the first:", indent=2),
        paragraph(Span(str(step), Style.COMMAND), indent=4),
    ]


def _stating(answer: Freed) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(demand.component) for demand in answer.relax))


def _relaxing(answer: Freed, report: HeldBackReport) -> Row:
    price = _price(answer, report)
    demands = joined([f"{d.requirement.component}{asked(d.requirement)}" for d in answer.relax])
    cells = (Span(str(answer.held.component), Style.NAME), Span(_from_to(answer)))
    return Row(cells, (Span(f"relax {demands}"), Span(f" ({price})" if price else "")))


# -- price and preference ----------------------------------------------------------------------


def _by_price(answers: Sequence[Freed], report: HeldBackReport) -> list[Block]:
    if not answers:
        return []
    blocks: list[Block] = [
        blank(),
        paragraph(
            Span(f"Possible, at a price ({len(answers)})", Style.HEADING),
            "; streams in one line move together:",
        ),
    ]
    for group in _grouped(answers, lambda a: a.moves):
        names = ", ".join(_versions(answer) for answer in group)
        own = {answer.held.component for answer in group}
        others = [move for move in group[0].moves if move.component not in own]
        blocks.append(
            paragraph(
                Span(names, Style.NAME),
                f": {_price(group[0], report)}{_with(others)}",
                indent=2,
                hang=4,
            )
        )
    return blocks


def _with(moves: Sequence[Move]) -> str:
    if not moves:
        return ""
    texts = moves_text(moves)
    if len(texts) > _MOVES_SHOWN:
        texts[_MOVES_SHOWN:] = [f"{len(texts) - _MOVES_SHOWN} more"]
    return f"; with it {', '.join(texts)}"


def _price(answer: Freed, report: HeldBackReport) -> str:
    """What the plan that follows costs more or less, empty where it costs the same."""
    streams = answer.private - report.plan.summary.private
    minutes = answer.cost - report.plan.summary.cost
    parts = []
    if streams:
        more = "more" if streams > 0 else "fewer"
        parts.append(count(abs(streams), f"{more} private stream"))
    if minutes:
        parts.append(f"about {builder_time(abs(minutes))} {'more' if minutes > 0 else 'less'}")
    return " and ".join(parts)


def _by_preference(answers: Sequence[Freed], together: bool) -> list[Block]:
    if not answers:
        return []
    how = "all of them at once" if together and len(answers) > 1 else "each alone"
    rows = tuple(
        Row((Span(str(a.held.component), Style.NAME),), (Span(_from_to(a)),)) for a in answers
    )
    return [
        blank(),
        paragraph(
            Span(f"Only preferred ({len(answers)})", Style.HEADING),
            f": nothing forbids the newest, {how}, at no further cost; the plan takes the version "
            "that the base has, or keeps a group together. Ask for it in the profile's needs.",
        ),
        Table(rows),
    ]


def _from_to(answer: Freed) -> str:
    return f"{answer.held.version} → {answer.held.newest}"


# -- what is left ------------------------------------------------------------------------------


def _unknown(answers: Sequence[Freed]) -> list[Block]:
    yours = [a for a in answers if a.by and all(d.requirement.is_asked for d in a.by)]
    rest = [answer for answer in answers if answer not in yours]
    return [
        *_with_demands(yours, "By what you ask for", ":"),
        *_with_demands(rest, "No way found", "; no few demands were found that would free them:"),
    ]


def _with_demands(answers: Sequence[Freed], heading: str, text: str) -> list[Block]:
    if not answers:
        return []
    blocks: list[Block] = [
        blank(),
        paragraph(Span(f"{heading} ({len(answers)})", Style.HEADING), text),
    ]
    for answer in answers:
        texts = list(dict.fromkeys(_stated(demand) for demand in answer.by))
        blocks.append(
            paragraph(Span(_versions(answer), Style.NAME), f": {joined(texts)}", indent=2, hang=4)
        )
    return blocks


def _stated(demand: Demander) -> str:
    series = built_for(demand.requirement)
    if series:
        return f"{demand.component} is there for Python {series} alone"
    what = f"{demand.requirement.component} {asked(demand.requirement)}"
    if demand.requirement.is_asked:
        option = demand.requirement.place.file
        return f"you ask for {what}{f' ({option})' if option.startswith('--') else ''}"
    return f"{demand.component} needs {what}"


def _not_tried(answers: Sequence[Freed]) -> list[Block]:
    if not answers:
        return []
    names = ", ".join(str(answer.held.component) for answer in answers)
    return [
        blank(),
        paragraph(
            Span(f"Not tried ({len(answers)})", Style.HEADING),
            f": {names}. To try them too, add --all.",
        ),
    ]
