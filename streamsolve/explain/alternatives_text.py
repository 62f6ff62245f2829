"""The next best plans for a reader, each as its difference from the best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..model.component import Origin
from ..model.plan import Plan
from ..model.question import moves_between
from .markup import Block, Span, Style, blank, paragraph
from .question_text import moves_text
from .sentences import builder_time, count

__all__ = ["alternatives_blocks"]

_SHOWN = 12


def alternatives_blocks(best: Plan, others: Sequence[Plan], wanted: int) -> tuple[Block, ...]:
    """What the next best plans build, and do not build, other than the best; ``wanted`` is how
    many were asked for."""
    proof = "" if all(plan.summary.minimal for plan in others) else ", not proven"
    blocks: list[Block] = [
        paragraph(
            Span("The next best plans", Style.HEADING),
            f", the cheapest first{proof}. Each does without at least one private stream, or the "
            "Python, of every plan before it.",
        )
    ]
    for number, plan in enumerate(others, 1):
        blocks += [blank(), *_alternative(number, best, plan)]
    if len(others) < wanted:
        if others:
            text = "There is no further one: whatever is left builds all that one of these builds."
        else:
            text = "There is none: every other plan builds all that the best one builds, and more."
        blocks += [blank(), paragraph(text)]
    return tuple(blocks)


def _alternative(number: int, best: Plan, plan: Plan) -> Iterable[Block]:
    dearer = plan.summary.cost - best.summary.cost
    time = f"about {builder_time(dearer)} more" if dearer else "as long to build"
    lead = f"{number}. "
    moved = moves_between(best, plan)
    yield paragraph(
        lead,
        Span(_about(best, plan), Style.HEADING),
        f": {count(plan.summary.private, 'private stream')}, {time}",
        hang=len(lead),
    )
    texts = moves_text(moved)
    for text in texts[:_SHOWN]:
        yield paragraph(text, indent=len(lead), hang=2)
    if len(texts) > _SHOWN:
        yield paragraph(f"and {len(texts) - _SHOWN} more", indent=len(lead))


def _about(best: Plan, plan: Plan) -> str:
    """What a plan is, in a few words: its Python, or what it does without."""
    if plan.python != best.python:
        return f"With Python {plan.python}"
    gone = [
        str(move.component)
        for move in moves_between(best, plan)
        if move.before is not None
        and move.before.origin is Origin.PRIVATE
        and (move.after is None or move.after.origin is not Origin.PRIVATE)
    ]
    return f"Without a private {' or '.join(gone[:3])}" if gone else "With other streams"
