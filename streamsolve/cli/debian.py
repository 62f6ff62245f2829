"""``streamsolve base debian``: what a Debian or Ubuntu has, and what an application finds there."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from .lock_questions import all_option, json_option
from .options import cache_directory, read_settings
from .progress import progress_display
from .screen import show, show_json
from .trees import base

__all__ = ["base_debian"]


@base.command("debian")
@click.argument(
    "directory",
    metavar="[DIR]",
    default="/var/lib/apt/lists",
    type=click.Path(path_type=Path),
)
@click.option(
    "--for",
    "application",
    metavar="APP|LOCK|FILE",
    default="",
    help="Compare it with what APP requires, or what the streams of a lock are asked for, or what "
    "a file of requirements (*.txt) lists.",
)
@click.option("--variant", metavar="V", default="", help="Which variant of APP.")
@click.option("--arch", metavar="A", help="The architecture; x86_64 if nothing is said.")
@click.option(
    "--offline", is_flag=True, default=None, help="Use no network: only what is here already."
)
@all_option
@json_option
def base_debian(
    directory: Path,
    application: str,
    variant: str,
    everything: bool,
    as_json: bool,
    **options: object,
) -> None:
    """Read Debian's or Ubuntu's lists of packages, and say what of APP could come from there.

    DIR holds apt's own lists (those of this machine if nothing is said), or a mirror's `dists/`,
    or is one Packages file. Nothing is planned or emitted for such a base.
    """
    from ..explain.debian_text import debian_blocks, debian_document
    from ..inputs.debian import open_debian
    from ..planner.debian import asked_of, compare_with_debian, debian_python

    settings = read_settings(options)
    comparison = None
    with progress_display() as progress:
        asked = None
        if application:
            asked = asked_of(
                application,
                variant=variant,
                offline=settings.offline,
                cache=cache_directory(settings),
                index_url=settings.index_url,
            )
        found = open_debian(directory, arch=settings.arch, progress=progress)
        if asked is not None:
            comparison = compare_with_debian(asked, found, arch=settings.arch)
    python = debian_python(found)
    if as_json:
        show_json(debian_document(found, str(directory), python, comparison))
    else:
        show(
            debian_blocks(found, str(directory), python, comparison, everything=everything),
            colour=settings.colour,
        )
