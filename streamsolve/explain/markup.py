"""Text with meaning: blocks of styled spans, laid out for a width. It knows no terminal.

An explanation is a tuple of blocks that does not depend on the width; :func:`lay_out` wraps it to
lines and :func:`plain` writes those without colour. Words are never broken: a name or a version
that is wider than the line stands alone on it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from enum import Enum
from itertools import groupby

from attrs import evolve, field, frozen

__all__ = [
    "NO_BREAK",
    "Block",
    "Line",
    "Paragraph",
    "Row",
    "Span",
    "Style",
    "Table",
    "blank",
    "cut_table",
    "lay_out",
    "paragraph",
    "plain",
    "section",
]


class Style(Enum):
    """What a span is; the command decides how that looks."""

    TEXT = "text"
    GOOD = "good"
    BAD = "bad"
    WARNING = "warning"
    PRIVATE = "private"
    EXTERNAL = "external"
    QUIET = "quiet"
    NAME = "name"
    HEADING = "heading"
    COMMAND = "command"
    VERBATIM = "verbatim"


_ONE_WORD = (Style.COMMAND, Style.VERBATIM)


@frozen
class Span:
    """A run of text in one style. A command or a verbatim text is one word, however long."""

    text: str
    style: Style = Style.TEXT


Line = tuple[Span, ...]


@frozen
class Paragraph:
    """Wrapped text. ``indent`` is for its first line, ``hang`` is added for the others."""

    spans: Line
    indent: int = 0
    hang: int = 0


@frozen
class Row:
    """A row of a table: short cells that are never wrapped, a long one that is, and a last one."""

    cells: tuple[Span, ...]
    text: Line
    last: Span = field(factory=lambda: Span(""))


@frozen
class Table:
    """Rows whose short cells stand under each other."""

    rows: tuple[Row, ...]
    indent: int = 2


Block = Paragraph | Table

_ASCII = {
    "✓": "+",
    "✗": "x",
    "●": "*",
    "◆": "#",
    "○": "o",
    "▲": "!",
    "≈": "~",
    "→": "->",
    "–": "-",
    "·": "-",
    "…": "...",
    "×": "x",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
}
NO_BREAK = "\u00a0"
"""A space at which no line is broken; it is laid out as a usual one."""

_TEXT_AT_LEAST = 28
_GAP = 2


def paragraph(*parts: str | Span, indent: int = 0, hang: int = 0) -> Paragraph:
    """A paragraph from plain texts and spans."""
    spans = tuple(Span(part) if isinstance(part, str) else part for part in parts)
    return Paragraph(spans, indent, hang)


def blank() -> Paragraph:
    """An empty line."""
    return Paragraph(())


def cut_table(rows: Sequence[Row], limit: int, *, everything: bool) -> list[Block]:
    """A table with the rest counted; a rest of one would take as much room as its row. Without any
    rows there is none."""
    if not rows:
        return []
    if everything or len(rows) <= limit + 1:
        return [Table(tuple(rows))]
    more = Span(f"and {len(rows) - limit} more (--all)", Style.QUIET)
    return [Table(tuple(rows[:limit])), paragraph(more, indent=2)]


def section(name: str, rows: Sequence[Row], limit: int, *, everything: bool) -> list[Block]:
    """A heading with the number of rows, and :func:`cut_table`; nothing without any rows."""
    if not rows:
        return []
    heading = paragraph(Span(f"{name} ({len(rows)})", Style.HEADING))
    return [heading, *cut_table(rows, limit, everything=everything)]


def plain(lines: Iterable[Line]) -> str:
    """The lines without colour, each with its line end."""
    return "".join("".join(span.text for span in line).rstrip() + "\n" for line in lines)


def lay_out(blocks: Iterable[Block], width: int, *, ascii_only: bool = False) -> tuple[Line, ...]:
    """Wrap blocks to lines of ``width`` columns; ``ascii_only`` replaces symbols by plain ones."""
    lines: list[Line] = []
    for block in blocks:
        if isinstance(block, Paragraph):
            spans = _spelled(block.spans, ascii_only)
            lines.extend(_wrap(spans, width, block.indent, block.indent + block.hang))
        else:
            rows = [_spelled_row(row, ascii_only) for row in block.rows]
            lines.extend(_table(rows, block.indent, width))
    return tuple(map(_joined, lines))


def _joined(line: Line) -> Line:
    """Neighbours of one style as one span, with usual spaces."""
    spans: list[Span] = []
    for style, group in groupby(line, key=lambda span: span.style):
        text = "".join(span.text for span in group).replace(NO_BREAK, " ")
        if text:
            spans.append(Span(text, style))
    return tuple(spans)


def _spelled(spans: Line, ascii_only: bool) -> Line:
    if not ascii_only:
        return spans
    return tuple(evolve(span, text=_to_ascii(span.text)) for span in spans)


def _spelled_row(row: Row, ascii_only: bool) -> Row:
    if not ascii_only:
        return row
    (last,) = _spelled((row.last,), ascii_only)
    return Row(_spelled(row.cells, ascii_only), _spelled(row.text, ascii_only), last)


def _to_ascii(text: str) -> str:
    # A no-break space is not ASCII, but it becomes a space only after the wrapping.
    return NO_BREAK.join(map(_ascii_word, text.split(NO_BREAK)))


def _ascii_word(text: str) -> str:
    replaced = "".join(_ASCII.get(character, character) for character in text)
    if replaced.isascii():
        return replaced
    decomposed = unicodedata.normalize("NFKD", replaced)
    kept = "".join(c for c in decomposed if not unicodedata.combining(c))
    return kept.encode("ascii", "replace").decode("ascii")


def _words(spans: Line) -> list[Line]:
    """Split at spaces into words; a word may change its style midway."""
    words: list[Line] = []
    open_word = False
    for span in spans:
        parts = [span.text] if span.style in _ONE_WORD else span.text.split(" ")
        for number, part in enumerate(parts):
            if number:
                open_word = False
            if not part:
                continue
            piece = Span(part, span.style)
            if open_word:
                words[-1] = (*words[-1], piece)
            else:
                words.append((piece,))
            open_word = True
    return words


def _width(spans: Line) -> int:
    return sum(len(span.text) for span in spans)


def _wrap(spans: Line, width: int, first: int, others: int) -> list[Line]:
    lines: list[Line] = []
    line: list[Span] = []
    used, indent = 0, first
    for word in _words(spans):
        size = _width(word)
        if line and indent + used + 1 + size > width:
            lines.append((Span(" " * indent), *line))
            line, used, indent = [], 0, others
        if line:
            # A space inside one style keeps that style, so that underlines and colours join.
            space = line[-1].style if line[-1].style is word[0].style else Style.TEXT
            line.append(Span(" ", space))
            used += 1
        line.extend(word)
        used += size
    lines.append((Span(" " * indent), *line))
    return lines


def _table(rows: Sequence[Row], indent: int, width: int) -> list[Line]:
    columns = max((len(row.cells) for row in rows), default=0)
    sizes = [
        max((len(row.cells[n].text) for row in rows if n < len(row.cells)), default=0)
        for n in range(columns)
    ]
    last = max((len(row.last.text) for row in rows), default=0)
    start = indent + sum(sizes) + _GAP * columns
    room = width - start - (last + _GAP if last else 0)
    if start + last > width:
        # Columns that do not fit the line are not lined up at all.
        sizes = [0] * columns
    lines: list[Line] = []
    for row in rows:
        head = _padded(row.cells, sizes, indent)
        if room >= _TEXT_AT_LEAST:
            lines.extend(_wide_row(row, head, start, room, last))
        else:
            lines.extend(_narrow_row(row, head, indent, width))
    return lines


def _padded(cells: Sequence[Span], sizes: Sequence[int], indent: int) -> list[Span]:
    head = [Span(" " * indent)]
    for cell, size in zip(cells, sizes, strict=False):
        head += [cell, Span(" " * (max(size - len(cell.text), 0) + _GAP))]
    return head


def _wide_row(row: Row, head: list[Span], start: int, room: int, last: int) -> list[Line]:
    """The text beside the cells, wrapped under itself; the last cell at the right."""
    texts = [line[1:] for line in _wrap(row.text, room, 0, 0)]
    first: Line = (*head, *texts[0])
    if row.last.text:
        pad = room - _width(texts[0]) + _GAP + last - len(row.last.text)
        first = (*first, Span(" " * max(pad, _GAP)), row.last)
    return [first, *((Span(" " * start), *text) for text in texts[1:])]


def _narrow_row(row: Row, head: list[Span], indent: int, width: int) -> list[Line]:
    """The cells on one line and the text below, for a width that cannot hold both."""
    first: Line = (*head[:-1], Span(" " * _GAP), row.last) if row.last.text else tuple(head[:-1])
    below = indent + _GAP * 2
    return [first, *_wrap(row.text, width, below, below)] if row.text else [first]
