"""What of an image is sent again, for a reader and as a part of ``streamsolve.diff/1``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..model.difference import Change
from ..model.layer_diff import LayerChange, LayersDiff, PackageResent
from .document import Document
from .markup import Block, Row, Span, Style, Table, blank, paragraph
from .sentences import count

__all__ = ["byte_size", "layers_blocks", "layers_document"]

_NAMES = 3
_ROWS = 12
_THOUSAND = 1000
_UNITS = ("B", "kB", "MB", "GB", "TB")
_WORDS = {
    Change.IN: "is new",
    Change.OUT: "is gone",
    Change.CHANGED: "has another content",
}


def byte_size(size: int) -> str:
    """``83 MB``, ``5.06 GB``: three digits, in powers of a thousand."""
    if size < _THOUSAND:
        return f"{size} B"
    amount, unit = float(f"{size:.3g}"), 0
    while amount >= _THOUSAND:
        amount /= _THOUSAND
        unit += 1
    return f"{amount:.3g} {_UNITS[unit]}"


def layers_blocks(diff: LayersDiff, *, everything: bool = False) -> tuple[Block, ...]:
    """Each layer that is sent again and why, how much that is, and how much it could have been.
    Without ``everything`` layers that stay are counted, and so are reasons after the first ones."""
    sent = [layer for layer in diff.layers if layer.sent]
    about = "≈ " if diff.estimated else ""
    told = (
        f": {len(sent)} of {len(diff.layers)} are sent again, {about}{byte_size(diff.sent)} of "
        f"{byte_size(diff.whole)}."
    )
    blocks: list[Block] = [paragraph(Span("Layers", Style.HEADING), told)]
    shown = list(diff.layers) if everything else sent[:_ROWS]
    if shown:
        blocks.append(Table(tuple(_row(layer, everything=everything) for layer in shown)))
    if not everything and len(sent) > len(shown):
        blocks.append(
            paragraph(Span(f"and {len(sent) - len(shown)} more (--all)", Style.QUIET), indent=2)
        )
    blocks += [paragraph(text, indent=2) for text in _comparison(diff)]
    if diff.estimated:
        text = (
            f"The {count(diff.estimated, 'size')} of packages that are not built yet "
            "are estimates; --rpms-old and --rpms-new say where their files are."
        )
        blocks += [blank(), paragraph(Span("! ", Style.WARNING), text, hang=2)]
    return tuple(blocks)


def _comparison(diff: LayersDiff) -> Iterator[str]:
    """The same update with other layers."""
    if not diff.sent:
        return
    yield f"The packages that changed are {byte_size(diff.least)}: no layers could send less."
    if diff.count:
        kinds = byte_size(diff.by_kind)
        yield f"With a layer for each kind of package it would have been {kinds}."
        if diff.anew != diff.sent:
            anew = byte_size(diff.anew)
            yield f"Chosen without --layers-like OLD, it would have been {anew}."
    yield f"On average an update re-sends {byte_size(diff.expected)}."


def _row(layer: LayerChange, *, everything: bool) -> Row:
    word = Span("sent", Style.WARNING) if layer.sent else Span("same", Style.GOOD)
    about = "≈ " if layer.estimated else ""
    cells = (word, Span(layer.title, Style.NAME), Span(f"{about}{byte_size(layer.size)}"))
    return Row(cells, (Span("; ".join(_why(layer, everything=everything))),))


def _why(layer: LayerChange, *, everything: bool) -> Iterator[str]:
    if not layer.sent:
        yield count(layer.packages, "package")
        return
    if layer.changes:
        yield _listed([_told(one) for one in layer.changes], everything=everything)
    if layer.moved:
        listed = _listed(layer.moved, everything=everything)
        yield f"from another layer: {listed}"
    if layer.below:
        yield "a layer below it changed"
    elif not layer.changes and not layer.moved:
        yield "some of its packages lie in another layer now"


def _listed(texts: Sequence[str], *, everything: bool) -> str:
    shown = texts if everything or len(texts) <= _NAMES + 1 else texts[:_NAMES]
    more = f" and {len(texts) - len(shown)} more" if len(shown) < len(texts) else ""
    return ", ".join(shown) + more


def _told(one: PackageResent) -> str:
    if one.change in _WORDS:
        return f"{one.name} {_WORDS[one.change]}"
    return f"{one.name} {one.old_evr} → {one.new_evr}"


# -- as a document ---------------------------------------------------------------------------------


def layers_document(diff: LayersDiff) -> Document:
    """The member ``layers`` of the document. Sizes are in bytes."""
    return {
        "count": diff.count,
        "ordered": diff.ordered,
        "sent": diff.sent,
        "least": diff.least,
        "anew": diff.anew,
        "by_kind": diff.by_kind,
        "whole": diff.whole,
        "expected": diff.expected,
        "estimated": diff.estimated,
        "layers": list(_layers(diff.layers)),
    }


def _layers(layers: Iterable[LayerChange]) -> Iterator[Document]:
    for layer in layers:
        yield {
            "title": layer.title,
            "packages": layer.packages,
            "size": layer.size,
            "estimated": layer.estimated,
            "sent": layer.sent,
            "below": layer.below,
            "moved": list(layer.moved),
            "changes": [
                {
                    "change": one.change.value,
                    "name": one.name,
                    "arch": one.arch,
                    "old_evr": one.old_evr,
                    "new_evr": one.new_evr,
                    "size": one.size,
                    "estimated": one.estimated,
                }
                for one in layer.changes
            ],
        }
