"""Where an application's plans for several architectures differ, for a reader and as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from ..model.architectures import ArchitectureDiff, StreamAcross
from ..model.component import Origin
from ..model.plan import Demander, Plan, PlannedStream
from .document import Document, plan_document
from .markup import Block, Row, Span, Style, Table, blank, paragraph
from .plan_text import demand_blocks
from .sentences import builder_time, count, demanded, joined, reason_text

__all__ = ["ARCHITECTURES", "architecture_blocks", "architectures_document"]

ARCHITECTURES = "streamsolve.architectures/1"
_GOOD = Span("✓ ", Style.GOOD)
_ROWS = 12
_DEMANDS = 2
_STYLES = {Origin.PRIVATE: Style.PRIVATE, Origin.EXTERNAL: Style.EXTERNAL}


def architecture_blocks(found: ArchitectureDiff, *, everything: bool = False) -> tuple[Block, ...]:
    """The plans in a line each, then everything that differs."""
    plans = list(found.plans.values())
    what = f"{plans[0].application} {plans[0].version}"
    if plans[0].variant:
        what += f" ({plans[0].variant})"
    blocks: list[Block] = [
        paragraph(
            _GOOD,
            Span(f"{what} can be shipped for {joined(list(found.plans))}", Style.HEADING),
            f" on {plans[0].base}.",
            hang=2,
        ),
        blank(),
        Table(tuple(_plan_row(arch, plan) for arch, plan in found.plans.items())),
        *demand_blocks(plans[0].demands),
        blank(),
    ]
    differing = count(len(found.streams), "stream")
    if not found.streams and not found.host:
        return (*blocks, paragraph("Nothing differs between them but the files."))
    blocks.append(paragraph(Span("What differs", Style.HEADING), f": {differing}"))
    shown = (
        found.streams if everything or len(found.streams) <= _ROWS + 1 else found.streams[:_ROWS]
    )
    for one in shown:
        blocks += _stream(one, found)
    if len(shown) < len(found.streams):
        blocks.append(paragraph(f"and {len(found.streams) - len(shown)} more (--all)", indent=2))
    blocks += _host(found)
    return tuple(blocks)


def _plan_row(arch: str, plan: Plan) -> Row:
    summary = plan.summary
    python = f"Python {plan.interpreter}: " if plan.interpreter else ""
    text = (
        f"{python}{count(summary.private, 'private stream')}, "
        f"{summary.external} of third parties, {summary.base} of the base"
    )
    time = Span(builder_time(summary.cost), Style.QUIET)
    return Row((Span(arch, Style.NAME),), (Span(text),), time)


def _stream(one: StreamAcross, found: ArchitectureDiff) -> Iterable[Block]:
    if one.missing:
        told = f": not for {joined(one.missing)}"
    elif len({stream.version for stream in one.streams.values()}) > 1:
        told = ": another version"
    else:
        told = ": another origin or package"
    yield paragraph(Span(str(one.component), Style.NAME), told, indent=2, hang=2)
    for arch, stream in one.streams.items():
        yield paragraph(
            f"{arch}: ",
            Span(_what(stream), _STYLES.get(stream.origin, Style.TEXT)),
            f", {_why(one, stream, found.plans[arch])}",
            indent=4,
            hang=2,
        )


def _what(stream: PlannedStream) -> str:
    version = "" if stream.version is None else f" {stream.version}"
    return f"{stream.origin.value}{version}"


def _why(one: StreamAcross, stream: PlannedStream, plan: Plan) -> str:
    """Who requires what is not there for all, and under which marker; else why it is what it is."""
    if one.missing and stream.required_by:
        told = list(dict.fromkeys(map(_with_marker, stream.required_by)))
        rest = len(told) - _DEMANDS
        more = f" and {count(rest, 'more demand')}" if rest > 0 else ""
        return ", ".join(told[:_DEMANDS]) + more
    return reason_text(stream, plan.application)


def _with_marker(demand: Demander) -> str:
    marker = demand.requirement.marker
    return f"{demanded(demand)} where {marker}" if marker else demanded(demand)


def _host(found: ArchitectureDiff) -> Iterable[Block]:
    if not found.host:
        return
    yield blank()
    yield paragraph(Span("What the host must have", Style.HEADING))
    for each in found.host:
        yield paragraph(
            Span(each.requirement, Style.NAME),
            f" for {joined(each.arches)} alone, says {each.by}",
            indent=2,
            hang=2,
        )


def architectures_document(found: ArchitectureDiff) -> Document:
    """The plans by architecture, and where they differ."""
    return {
        "schema": ARCHITECTURES,
        "architectures": list(found.plans),
        "plans": {arch: plan_document(plan) for arch, plan in found.plans.items()},
        "streams": [
            {
                "component": one.component.name,
                "kind": one.component.kind.value,
                "missing": list(one.missing),
                "streams": {
                    arch: {
                        "version": None if stream.version is None else str(stream.version),
                        "origin": stream.origin.value,
                        "package": stream.package or None,
                        "reason": _why(one, stream, found.plans[arch]),
                    }
                    for arch, stream in one.streams.items()
                },
            }
            for one in found.streams
        ],
        "host": [
            {
                "requirement": each.requirement,
                "by": each.by.name,
                "architectures": list(each.arches),
            }
            for each in found.host
        ],
    }
