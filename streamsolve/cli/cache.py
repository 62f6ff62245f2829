"""``streamsolve cache``: what is kept of downloads, and how it is cleaned."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from .groups import Group
from .options import cache_directory, read_settings
from .screen import show

if TYPE_CHECKING:
    from ..inputs.settings import Settings

__all__ = ["cache"]

_DAY = 24 * 60 * 60
_cache = click.option("--cache", metavar="DIR", help="Where downloads are kept.")


@click.group(cls=Group)
def cache() -> None:
    """What is kept of downloads. Everything in it comes back when it is needed."""


@cache.command("show")
@_cache
def cache_show(cache: str | None) -> None:
    """Say where the cache is and how much it holds."""
    from ..explain import Row, Span, Style, Table, blank, paragraph
    from ..explain.sentences import byte_text
    from ..inputs.cached_files import cache_areas

    settings = read_settings({"cache": cache})
    directory = _directory(settings)
    areas = cache_areas(directory)
    if not areas:
        show([paragraph(Span(str(directory), Style.NAME), " holds nothing.")])
        return
    rows = [
        Row(
            (Span(each.name, Style.NAME), Span(byte_text(each.size)), Span(f"{each.files} files")),
            (Span(each.what),),
        )
        for each in areas
    ]
    total = f" holds {byte_text(sum(each.size for each in areas))}:"
    clean = Span("streamsolve cache clean --unused 30", Style.COMMAND)
    show(
        [
            paragraph(Span(str(directory), Style.NAME), total),
            Table(tuple(rows)),
            blank(),
            paragraph("What nobody used for 30 days goes with: ", clean),
        ],
        colour=settings.colour,
    )


@cache.command("clean")
@click.option(
    "--unused",
    "days",
    metavar="DAYS",
    type=click.IntRange(min=0),
    help="Only what nobody used for so many days; all of it if nothing is said.",
)
@_cache
def cache_clean(days: int | None, cache: str | None) -> None:
    """Remove what is kept. The next plan fetches what it needs again, and takes longer."""
    from ..explain import Span, Style, paragraph
    from ..explain.sentences import byte_text
    from ..inputs.cached_files import clean_cache

    settings = read_settings({"cache": cache})
    directory = _directory(settings)
    since = None if days is None else time.time() - days * _DAY
    done = clean_cache(directory, unused_since=since)
    blocks = [
        paragraph(
            Span("✓ ", Style.GOOD),
            f"{done.files} files ({byte_text(done.size)}) are removed from ",
            Span(str(directory), Style.NAME),
            ".",
            hang=2,
        )
    ]
    if done.kept:
        text = f"{done.kept} files could not be removed: they belong to somebody else."
        blocks.append(paragraph(Span("! ", Style.WARNING), text, hang=2))
    show(blocks, colour=settings.colour)


def _directory(settings: Settings) -> Path:
    from ..inputs.shipped import default_cache

    return cache_directory(settings) or default_cache()
