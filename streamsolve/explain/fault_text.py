"""Bad input for a reader: every fault with its code, its place and the next step."""

from __future__ import annotations

from ..errors import Code, InputErrors, StreamsolveError
from .markup import Block, Line, Paragraph, Span, Style, paragraph

__all__ = ["code_blocks", "fault_blocks"]

_CROSS = Span("✗ ", Style.BAD)


def fault_blocks(error: StreamsolveError) -> tuple[Block, ...]:
    """One error, or all the faults of one input under their summary."""
    label = Span(error.code.label, Style.BAD)
    if isinstance(error, InputErrors) and error.errors:
        blocks: list[Block] = [
            paragraph(_CROSS, label, " ", error.message.rstrip(":"), ":", hang=2)
        ]
        for fault in error.errors:
            blocks += _fault(fault, (), indent=2)
    else:
        blocks = _fault(error, (_CROSS, label, Span(" ")), indent=0)
    more = Span(f"streamsolve explain-code {error.code.label}", Style.COMMAND)
    blocks.append(paragraph(Span("More: ", Style.QUIET), more, indent=2))
    return tuple(blocks)


def _fault(fault: StreamsolveError, lead: Line, indent: int) -> list[Block]:
    place = str(fault.place)
    where = (Span(place, Style.NAME), Span(": ")) if place else ()
    blocks: list[Block] = [
        Paragraph((*lead, *where, Span(fault.message)), indent=indent, hang=2),
        *_hint(fault.hint, indent + 2),
    ]
    return blocks


def _hint(hint: str, indent: int) -> list[Block]:
    """The next step; one of several lines holds a caret that must stay under its character."""
    first, *others = hint.splitlines() or [""]
    if not others:
        return [paragraph("→ ", first, indent=indent, hang=2)] if first else []
    # An error's own text indents the further lines of a hint, since it indents the first.
    lines = [first, *(line.removeprefix("  ") for line in others)]
    return [paragraph(Span(line, Style.VERBATIM), indent=indent) for line in lines]


def code_blocks(code: Code) -> tuple[Block, ...]:
    """What a code means and what to do about it."""
    title = paragraph(Span(code.label, Style.NAME), ": ", Span(code.title, Style.HEADING))
    return (title, paragraph(code.advice, indent=2))
