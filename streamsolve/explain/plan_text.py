"""A plan for a reader: the answer first, what matters next, the rest counted.

The screen is short on purpose; ``everything`` lists each stream with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..model.component import Kind, Origin
from ..model.plan import HeldBack, Plan, PlannedStream, ReasonKind, Relaxed
from .build_text import build_blocks
from .burden_text import burden_blocks
from .command import Command
from .isolation_text import isolation_blocks
from .kernel_text import pair_blocks
from .markup import Block, Paragraph, Row, Span, Style, Table, blank, paragraph
from .overlays_text import overlay_blocks
from .sentences import (
    asked,
    builder_time,
    count,
    demanded_of,
    named,
    place_text,
    reason_text,
    shortened,
    spelled,
)
from .vendored_text import vendored_blocks

__all__ = ["demand_blocks", "plan_blocks"]

MARK = {
    Origin.BASE: Span("✓", Style.GOOD),
    Origin.PRIVATE: Span("●", Style.PRIVATE),
    Origin.EXTERNAL: Span("◆", Style.EXTERNAL),
    Origin.OMITTED: Span("○", Style.QUIET),
}
_WARNING = Span("▲", Style.WARNING)
_RELAXED = Span("≈", Style.WARNING)
_DEMANDED = Span("+", Style.WARNING)

_PRIVATE_ROWS = 6
_NAMES = 3
_HELD_BACK_ROWS = 2
_WARNINGS = 4
_OMITTED_ROWS = 2
_REASON = 160
_WARNING_TEXT = 160
_RELAXED_ROWS = 2

_REBUILT = {
    ReasonKind.OTHER_PYTHON: "only because Python {python} is used, which is not the base's",
    ReasonKind.BASE_VERSION: "rebuilt at the very version that the base has",
}
_FIRST = (ReasonKind.APPLICATION, ReasonKind.INTERPRETER, ReasonKind.BASE_CONFLICT)


def plan_blocks(plan: Plan, command: Command, *, everything: bool = False) -> tuple[Block, ...]:
    """The first screen of a plan, or with ``everything`` all that it holds.

    ``command`` is what was typed; the next commands are made from it.
    """
    sections: list[list[Block]] = [_answer(plan), _private(plan, everything)]
    if everything:
        sections.append(_listed(plan, Origin.EXTERNAL, "External: a third party's packages"))
        sections.append(_listed(plan, Origin.BASE, "From the base as it is"))
        sections.append(_left_out(plan, everything))
    else:
        sections.append([*_external(plan), *_left_out(plan, everything)])
    sections.append(_held_back(plan, everything))
    sections.append(overlay_blocks(plan, everything=everything))
    sections.append(build_blocks(plan, everything=everything))
    sections.append(pair_blocks(plan.kernel_pair, everything=everything))
    sections.append(vendored_blocks(plan, command, everything=everything))
    sections.append(_outside(plan, everything))
    sections.append(_notes(plan, everything))
    sections.append(_next(command, everything))
    blocks: list[Block] = []
    for section in filter(None, sections):
        blocks += [blank(), *section] if blocks else section
    return tuple(blocks)


def _answer(plan: Plan) -> list[Block]:
    private = plan.summary.private
    leaks = plan.isolation is not None and bool(plan.isolation.leaks)
    mark = Span("✗ ", Style.BAD) if leaks else Span("✓ ", Style.GOOD)
    can = "has a plan that leaks" if leaks else "can be shipped"
    what = f"{plan.application} {plan.version}" + (f" ({plan.variant})" if plan.variant else "")
    needs = count(private, "private stream") if private else "no private stream"
    python = f"Python {plan.interpreter} and " if plan.interpreter else ""
    return [
        paragraph(
            mark,
            Span(f"{what} {can} on {plan.base} ({plan.arch})", Style.HEADING),
            f" with {python}{needs}.",
            hang=2,
        ),
        blank(),
        *_counts(plan),
    ]


def _counts(plan: Plan) -> list[Block]:
    summary = plan.summary
    if summary.minimal:
        proof = "proven minimal"
    else:
        proof = f"not proven to be the fewest: no plan has less than {summary.lower_bound}"
    burden = plan.burden.base_packages_changed
    changed = "nothing in it changes" if not burden else f"{burden} of its packages change"
    words = (
        (Origin.BASE, summary.base, f"from the base as it is; {changed}"),
        (Origin.PRIVATE, summary.private, f"private, built for {plan.application} alone"),
        (Origin.EXTERNAL, summary.external, "external, a third party's packages"),
        (Origin.OMITTED, summary.omitted, "omitted on purpose"),
    )
    rows = []
    size = max(len(str(number)) for _, number, _ in words)
    for origin, number, what in words:
        if number or origin in (Origin.BASE, Origin.PRIVATE):
            text = [Span(what)]
            if origin is Origin.PRIVATE and number:
                text.append(Span(f" (about {builder_time(summary.cost)} of one builder; {proof})"))
            rows.append(Row((MARK[origin], Span(f"{number:>{size}}", Style.NAME)), tuple(text)))
    return [Table(tuple(rows))]


def _stream_row(stream: PlannedStream, plan: Plan, everything: bool) -> Row:
    version = "" if stream.version is None else str(stream.version)
    cells = (MARK[stream.origin], Span(named(stream.component), Style.NAME), Span(version))
    # Another interpreter is what costs most: all that forces it is named.
    whole = everything or stream.reason.kind is ReasonKind.INTERPRETER
    demands = max(len(stream.reason.demands), 1) if whole else 1
    text = [Span(reason_text(stream, plan.application, demands))]
    if stream.prebuilt:
        licence = f", {stream.licence}" if stream.licence else ""
        form = "its wheel" if stream.kind is Kind.DISTRIBUTION else "upstream's binary"
        text.append(Span(f" (repackaged from {form}{licence})", Style.WARNING))
    if everything and stream.repository:
        text.append(Span(f" (from {stream.repository})", Style.QUIET))
    cost = Span(builder_time(stream.cost), Style.QUIET) if stream.cost else Span("")
    return Row(cells, tuple(text), cost)


def _table(streams: Sequence[PlannedStream], plan: Plan, everything: bool) -> Table:
    return Table(tuple(_stream_row(stream, plan, everything) for stream in streams))


def _weight(stream: PlannedStream) -> tuple[int, int, str]:
    kind = stream.reason.kind
    rank = _FIRST.index(kind) if kind in _FIRST else len(_FIRST)
    return (rank, -stream.cost, stream.component.name)


def _private(plan: Plan, everything: bool) -> list[Block]:
    streams = sorted((s for s in plan.of_origin(Origin.PRIVATE) if not s.build_only), key=_weight)
    if not streams:
        return []
    heading = paragraph(
        Span("Private streams", Style.HEADING), ": what the base cannot give, and what each costs"
    )
    if everything:
        return [heading, _table(streams, plan, everything)]
    folded = [s for s in streams if s.reason.kind in _REBUILT]
    shown = [s for s in streams if s.reason.kind not in _REBUILT]
    rows = _first_rows(shown)
    rest = [s for s in shown if s not in rows]
    blocks: list[Block] = [heading]
    if rows:
        blocks.append(_table(rows, plan, everything))
    blocks += _folded(
        [s for s in rest if s.reason.base_version],
        "more that the base has at a version that does not fit",
    )
    blocks += _folded(
        [s for s in rest if not s.reason.base_version], "more that the base does not ship"
    )
    for kind, why in _REBUILT.items():
        group = [s for s in folded if s.reason.kind is kind]
        blocks += _folded(group, why.format(python=plan.python), at_most=0)
    return blocks


def _first_rows(streams: Sequence[PlannedStream]) -> list[PlannedStream]:
    """Those with a row of their own: first what conflicts with the base, the costly ones first."""
    limit = _PRIVATE_ROWS
    # A rest of one would take as much room as its row.
    return list(streams if len(streams) <= limit + 1 else streams[:limit])


def _folded(streams: Sequence[PlannedStream], why: str, *, at_most: int = _NAMES) -> list[Block]:
    """One paragraph for a group: count, why, time, and the first names."""
    if not streams:
        return []
    time = builder_time(sum(stream.cost for stream in streams))
    names = [stream.component.name for stream in streams]
    listed: tuple[str | Span, ...] = (": ", _names(names, at_most)) if at_most else ()
    mark = MARK[Origin.PRIVATE]
    return [paragraph(mark, f" {len(streams)} {why} ({time})", *listed, indent=2, hang=2)]


def _names(names: Sequence[str], at_most: int = _NAMES) -> Span:
    """Names with the rest counted; one more than the limit is named rather than counted."""
    if len(names) <= at_most + 1:
        return Span(", ".join(names), Style.QUIET)
    return Span(f"{', '.join(names[:at_most])} and {len(names) - at_most} more", Style.QUIET)


def _external(plan: Plan) -> list[Block]:
    streams = plan.of_origin(Origin.EXTERNAL)
    if not streams:
        return []
    by_reason: dict[str, list[PlannedStream]] = {}
    for stream in streams:
        by_reason.setdefault(reason_text(stream), []).append(stream)
    blocks: list[Block] = []
    for why, group in by_reason.items():
        names = [f"{s.component.name} {s.version}" for s in group]
        blocks.append(
            paragraph(
                MARK[Origin.EXTERNAL],
                " ",
                Span(f"External ({len(group)})", Style.HEADING),
                f", {why}: ",
                _names(names, _NAMES),
                hang=2,
            )
        )
    return blocks


def _listed(plan: Plan, origin: Origin, heading: str) -> list[Block]:
    streams = plan.of_origin(origin)
    if not streams:
        return []
    return [paragraph(Span(heading, Style.HEADING)), _table(streams, plan, everything=True)]


def _limited(blocks: Sequence[Block], everything: bool, limit: int, what: str) -> Sequence[Block]:
    if everything or len(blocks) <= limit + 1:
        return blocks
    more = Span(f"and {len(blocks) - limit} more {what} (--all)", Style.QUIET)
    return [*blocks[:limit], paragraph(more, indent=2)]


def _left_out(plan: Plan, everything: bool) -> list[Block]:
    def told(text: str) -> str:
        return text if everything else shortened(text, _REASON)

    omitted: dict[str, list[str]] = {}
    for stream in plan.of_origin(Origin.OMITTED):
        omitted.setdefault(reason_text(stream), []).append(stream.component.name)
    left_out = [
        paragraph(
            MARK[Origin.OMITTED],
            " omitted: ",
            Span(", ".join(names), Style.NAME),
            f": {told(why)}",
            hang=2,
        )
        for why, names in omitted.items()
    ]
    relaxed = [_relaxed(one, told(one.reason), everything) for one in plan.relaxed]
    return [
        *demand_blocks(plan.demands),
        *_limited(left_out, everything, _OMITTED_ROWS, "reasons to omit something"),
        *_limited(relaxed, everything, _RELAXED_ROWS, "relaxed requirements"),
    ]


def demand_blocks(demands: Sequence[str]) -> list[Block]:
    """What was asked for on top of the application's own requirements, in one paragraph."""
    if not demands:
        return []
    names = Span(", ".join(demands), Style.NAME)
    return [paragraph(_DEMANDED, " also asked: ", names, " (--with)", hang=2)]


def _relaxed(relaxed: Relaxed, reason: str, everything: bool) -> Paragraph:
    place = place_text(relaxed.stated.place) if everything else ""
    return paragraph(
        _RELAXED,
        " relaxed: ",
        Span(relaxed.stated.component.name, Style.NAME),
        f": {relaxed.by} asks for {asked(relaxed.stated)}{f' ({place})' if place else ''}, ",
        f"{asked(relaxed.counts)} counts: {reason}",
        hang=2,
    )


def _held_back(plan: Plan, everything: bool) -> list[Block]:
    bound = [held for held in plan.held_back if held.by]
    free = [held for held in plan.held_back if not held.by]
    if not plan.held_back:
        return []
    limit = len(bound) if everything or len(bound) <= _HELD_BACK_ROWS + 1 else _HELD_BACK_ROWS
    blocks: list[Block] = [
        paragraph(
            Span("Held back", Style.HEADING),
            ": not the newest, and the demand that would have to go",
        )
    ]
    if bound:
        blocks.append(Table(tuple(_held_row(held, plan) for held in bound[:limit])))
    blocks += _held_rest(bound[limit:], "more by such demands", everything)
    free_why = "because the base's version is preferred, or to keep a group together"
    blocks += _held_rest(free, free_why, everything)
    return blocks


def _held_rest(rest: Sequence[HeldBack], why: str, everything: bool) -> list[Block]:
    if not rest:
        return []
    listed: tuple[str | Span, ...] = ()
    if everything:
        listed = (": ", _names([f"{h.component} {h.version}" for h in rest], len(rest)))
    return [paragraph(f"{len(rest)} {why}", *listed, indent=2, hang=2)]


def _held_row(held: HeldBack, plan: Plan) -> Row:
    cells = (Span(held.component.name, Style.NAME), Span(str(held.version)))
    first = min(held.by, key=lambda demand: demand.component.name != plan.application)
    rest = len(held.by) - 1
    others = f" (and {rest} more)" if rest else ""
    return Row(cells, (Span(f"{held.newest} is kept out {demanded_of(first)}{others}"),))


def _outside(plan: Plan, everything: bool) -> list[Block]:
    """What leaves the plan: whether anything leaks, and what the base is spared."""
    leaks = (
        () if plan.isolation is None else isolation_blocks(plan.isolation, everything=everything)
    )
    return [*leaks, *burden_blocks(plan, everything=everything)]


def _notes(plan: Plan, everything: bool) -> list[Block]:
    warnings = [
        paragraph(
            _WARNING,
            " ",
            notice.text if everything else shortened(notice.text, _WARNING_TEXT),
            hang=2,
        )
        for notice in plan.warnings
    ]
    blocks = list(_limited(warnings, everything, _WARNINGS, "warnings"))
    if plan.host:
        needs = ", ".join(f"{spelled(h.requirement)} (for {h.by})" for h in plan.host)
        blocks.append(paragraph("The machine that runs it must have: ", needs, indent=2, hang=2))
    return blocks


def _next(command: Command, everything: bool) -> list[Block]:
    choices = [(command.with_option("--json"), "the whole plan, for programs")]
    if not everything:
        choices.insert(0, (command.with_option("--all"), "every stream with its reason"))
    rows = (
        Row(
            (Span("or" if n else "Next", Style.HEADING), Span(str(one), Style.COMMAND)),
            (Span(why),),
        )
        for n, (one, why) in enumerate(choices)
    )
    return [Table(tuple(rows), indent=0)]
