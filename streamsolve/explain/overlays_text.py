"""Which packages of overlays win in a plan's roots, and what falls back without them."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.overlays import Fallback, OverlayPackage, OverlayUse
from ..model.plan import Plan
from ..model.wording import few_or_all
from .conflict_text import conflict_sentence
from .markup import Block, Row, Span, Style, Table, paragraph
from .question_text import moves_text
from .sentences import builder_time, count, joined

__all__ = ["overlay_blocks"]

_NAMES = 3
_MOVES = 3


def overlay_blocks(plan: Plan, *, everything: bool = False) -> list[Block]:
    """A few lines for each overlay; with ``everything`` each package, with the base's."""
    blocks: list[Block] = []
    for use in plan.overlays:
        blocks.append(_heading(use))
        if everything:
            blocks += _packages(use)
        else:
            blocks += _summary(use)
        if use.without is not None:
            blocks.append(_fall_back(use, use.without, plan, everything))
    return blocks


def _heading(use: OverlayUse) -> Block:
    name = Span(f"Overlay {use.id}", Style.HEADING)
    about = f" (priority {use.priority}): "
    if not use.packages:
        return paragraph(name, f"{about}none of its packages lies in a root.", hang=2)
    told = []
    if use.replaced:
        told.append(f"{count(len(use.replaced), 'package')} instead of the base's")
    if use.new:
        told.append(f"{count(len(use.new), 'package')} that the base has not")
    return paragraph(name, f"{about}{joined(told)}.", hang=2)


def _summary(use: OverlayUse) -> list[Block]:
    lines = [
        (use.replaced, "wins: ", _against),
        (use.new, "new: ", _plain),
        (use.passed_over, "does not fit: ", _for_the_base),
    ]
    return [
        paragraph(Span(lead), _few([text(package) for package in packages]), indent=2, hang=2)
        for packages, lead, text in lines
        if packages
    ]


def _against(package: OverlayPackage) -> str:
    base = f"{package.base_evr} of {package.base_repository}"
    return f"{package.name} {package.evr} (else {base})"


def _plain(package: OverlayPackage) -> str:
    return f"{package.name} {package.evr}"


def _for_the_base(package: OverlayPackage) -> str:
    return f"{package.name} {package.evr}, so {package.base_evr} of {package.base_repository}"


def _few(texts: Sequence[str]) -> Span:
    """One more than the limit is named rather than counted."""
    if len(texts) <= _NAMES + 1:
        return Span("; ".join(texts), Style.QUIET)
    return Span(f"{'; '.join(texts[:_NAMES])}; and {len(texts) - _NAMES} more", Style.QUIET)


def _packages(use: OverlayUse) -> list[Block]:
    rows = [_row(package, _other(package)) for package in use.packages]
    rows += [
        _row(package, f"does not fit: {package.base_evr} of {package.base_repository} is used")
        for package in use.passed_over
    ]
    return [Table(tuple(rows))] if rows else []


def _other(package: OverlayPackage) -> str:
    if not package.base_evr:
        return "new"
    return f"instead of {package.base_evr} of {package.base_repository}"


def _row(package: OverlayPackage, text: str) -> Row:
    roots = ["the runtime root"] if package.runtime else []
    if package.build_roots:
        roots.append(count(package.build_roots, "build root"))
    where = Span(f" (in {joined(roots)})", Style.QUIET)
    return Row((Span(package.name, Style.NAME), Span(package.evr)), (Span(text), where))


def _fall_back(use: OverlayUse, fallback: Fallback, plan: Plan, everything: bool) -> Block:
    lead = Span(f"without {use.id}: ", Style.NAME)
    if not fallback.exists:
        why = fallback.fault or " ".join(map(conflict_sentence, fallback.conflicts[:1]))
        return paragraph(lead, f"no plan. {why}".rstrip(), indent=2, hang=2)
    told = []
    if use.replaced:
        names = [f"{each.name} {each.base_evr}" for each in use.replaced]
        told.append(f"{few_or_all(names, len(names) if everything else _NAMES)} of the base")
    moves = moves_text(fallback.moves)
    limit = len(moves) if everything or len(moves) <= _MOVES + 1 else _MOVES
    told += moves[:limit]
    if limit < len(moves):
        told.append(f"and {len(moves) - limit} more streams change")
    told.append(_price(plan, fallback))
    return paragraph(lead, f"{'; '.join(told)}.", indent=2, hang=2)


def _price(plan: Plan, fallback: Fallback) -> str:
    more, dearer = fallback.private - plan.summary.private, fallback.cost - plan.summary.cost
    streams = "as many private streams"
    if more:
        streams = count(abs(more), f"{'more' if more > 0 else 'fewer'} private stream")
    if not dearer:
        return streams
    return f"{streams}, {builder_time(abs(dearer))} {'more' if dearer > 0 else 'less'} to build"
