"""Results on standard output, errors on standard error; colour where it is wanted."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO
from unicodedata import category

from ..errors import StreamsolveError

if TYPE_CHECKING:
    from ..explain import Block, Line, Span, Style

__all__ = ["OutputError", "show", "show_error", "show_json", "wants_colour"]

_USUAL_WIDTH = 80
_WIDEST = 120
_NARROWEST = 40
_ACTING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class OutputError(OSError):
    """The output takes no more: a full disk, a device that fails."""


def show(blocks: Iterable[Block], *, colour: str = "auto", to: TextIO | None = None) -> None:
    """Lay out for the terminal's width, or ``COLUMNS``, and write. ``colour`` is the setting."""
    from ..explain import lay_out, plain

    stream = to or sys.stdout
    lines = _harmless(lay_out(blocks, _width(), ascii_only=not _speaks_unicode(stream)))
    text = _coloured(lines) if wants_colour(stream, colour) else plain(lines)
    with _writing():
        stream.write(text)
        stream.flush()


def show_json(document: Mapping[str, object]) -> None:
    """Write one document, in UTF-8 whatever the locale says."""
    from ..explain import document_text

    text = document_text(document)
    buffer = getattr(sys.stdout, "buffer", None)
    with _writing():
        if buffer is None:
            sys.stdout.write(text)
            return
        sys.stdout.flush()
        # Half a character of UTF-16 is no text; escaped as here it is JSON all the same.
        buffer.write(text.encode("utf-8", "backslashreplace"))
        buffer.flush()


@contextmanager
def _writing() -> Iterator[None]:
    """Tell a fault of the output from any other; a pipe that was closed is no fault."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error.errno, error.strerror) from None


def show_error(error: StreamsolveError) -> None:
    """Write an error, or all faults of one input, on standard error."""
    from ..explain import fault_blocks

    show(fault_blocks(error), to=sys.stderr)


def wants_colour(stream: TextIO, colour: str = "auto") -> bool:
    """Whether to colour: the setting decides; left to us, ``NO_COLOR`` and dumb terminals say no.

    ``NO_COLOR`` counts when it is set and not empty.
    """
    if colour != "auto":
        return colour == "always"
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def _harmless(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines without what a terminal acts on, or cannot be written: texts of files are in
    them. It is shown escaped."""
    for line in lines:
        yield tuple(span if span.text.isprintable() else _escaped(span) for span in line)


def _escaped(span: Span) -> Span:
    from attrs import evolve

    shown = (
        ascii(letter)[1:-1] if category(letter) in _ACTING and letter not in "\n\t" else letter
        for letter in span.text
    )
    return evolve(span, text="".join(shown))


def _width() -> int:
    columns = shutil.get_terminal_size((_USUAL_WIDTH, 24)).columns
    return max(_NARROWEST, min(columns, _WIDEST))


def _speaks_unicode(stream: TextIO) -> bool:
    encoding = (getattr(stream, "encoding", None) or "ascii").lower()
    return encoding.replace("-", "").replace("_", "") in ("utf8", "utf16", "utf32")


def _coloured(lines: Iterable[Line]) -> str:
    from click import style

    looks = _looks()
    texts = []
    for line in lines:
        parts = (style(s.text, **looks[s.style]) if s.style in looks else s.text for s in line)
        texts.append("".join(parts).rstrip() + "\n")
    return "".join(texts)


def _looks() -> Mapping[Style, Mapping[str, Any]]:
    """Colours that a terminal has whatever its background; the symbols say the same."""
    from ..explain import Style

    return {
        Style.GOOD: {"fg": "green"},
        Style.BAD: {"fg": "red", "bold": True},
        Style.WARNING: {"fg": "yellow"},
        Style.PRIVATE: {"fg": "magenta"},
        Style.EXTERNAL: {"fg": "blue"},
        Style.QUIET: {"dim": True},
        Style.NAME: {"bold": True},
        Style.HEADING: {"bold": True},
        Style.COMMAND: {"fg": "cyan"},
    }
