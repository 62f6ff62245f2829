"""What changed in what streams carry in their own source, as a packager reads it."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.difference import Change, VendoredChange, VendoredDiff
from .markup import Block, Row, Span, Style, Table, blank, cut_table, paragraph

__all__ = ["vendored_diff_blocks"]

_ROWS = 8
_WORD = {
    Change.IN: ("in", Style.NAME),
    Change.OUT: ("out", Style.QUIET),
    Change.CHANGED: ("changed", Style.WARNING),
}
_LICENCE = Span("licence", Style.WARNING)


def vendored_diff_blocks(diffs: Sequence[VendoredDiff], *, everything: bool = False) -> list[Block]:
    """For each component how much it carried and carries; first every licence that is another one,
    which is never cut, then what came, went and changed."""
    blocks: list[Block] = []
    for each in diffs:
        if blocks:
            blocks.append(blank())
        blocks.append(_heading(each))
        licences = [_licence_row(one) for one in each.changes if _has_other_licence(one)]
        if licences:
            blocks.append(Table(tuple(licences)))
        rest = [_row(one) for one in each.changes if not _has_other_licence(one)]
        blocks += cut_table(rest, _ROWS, everything=everything)
    return blocks


def _heading(diff: VendoredDiff) -> Block:
    kinds = [one.change for one in diff.changes]
    told = [f"{kinds.count(kind)} {word}" for kind, (word, _) in _WORD.items() if kind in kinds]
    numbers = f"{diff.old_count} → {diff.new_count}"
    if diff.old_count == diff.new_count:
        numbers = str(diff.new_count)
    return paragraph(
        Span(f"Vendored in {diff.component}", Style.HEADING),
        f": {numbers} packages; {', '.join(told)}",
    )


def _has_other_licence(change: VendoredChange) -> bool:
    return change.change is Change.CHANGED and change.old_licence != change.new_licence


def _licence_row(change: VendoredChange) -> Row:
    versions = dict.fromkeys((change.old_version, change.new_version))
    cells = (_LICENCE, Span(change.name, Style.NAME), Span(" → ".join(versions)))
    old, new = change.old_licence or "not known", change.new_licence or "not known"
    return Row(cells, (Span(f"{old} → {new}"),))


def _row(change: VendoredChange) -> Row:
    cells = (
        Span(*_WORD[change.change]),
        Span(change.name, Style.NAME),
        Span(_versions(change)),
    )
    licence = change.new_licence or change.old_licence
    return Row(cells, (Span(licence or "licence not known", Style.QUIET),))


def _versions(change: VendoredChange) -> str:
    old, new = change.old_version, change.new_version
    if old and new and old == new:
        return f"{new}, other content"
    return f"{old} → {new}" if old and new else new or old
