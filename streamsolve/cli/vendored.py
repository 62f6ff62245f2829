"""``streamsolve vendored``: the crates and npm packages of other tools' locks, as a list."""

from __future__ import annotations

import os
from pathlib import Path

import rich_click as click

from ..errors import Code, InputError, Place
from .lock_questions import all_option, json_option
from .options import cache_directory, read_settings
from .progress import progress_display
from .screen import show, show_json

__all__ = ["vendored"]


@click.command()
@click.argument("locations", metavar="LOCK|DIR|LIST...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the list there, for [[vendored]] of a profile. Licences that FILE has of the very "
    "same packages are kept.",
)
@click.option(
    "--base",
    metavar="NAME|DIR",
    default="",
    help="Take licences that the locks do not say from the packages of this base.",
)
@click.option("--arch", metavar="A", help="The base's architecture; x86_64 if nothing is said.")
@click.option(
    "--registry",
    is_flag=True,
    help="Ask npm's registry for licences, the one that NPM_CONFIG_REGISTRY names.",
)
@click.option(
    "--offline", is_flag=True, default=None, help="Use no network: only what is here already."
)
@all_option
@json_option
def vendored(
    locations: tuple[str, ...],
    output: Path | None,
    base: str,
    registry: bool,
    everything: bool,
    as_json: bool,
    **options: object,
) -> None:
    """List the crates and npm packages that an application bundles, with their licences.

    They are read from Cargo.lock, package-lock.json, npm-shrinkwrap.json or pnpm-lock.yaml, from a
    directory with one of these, or from lists made before. Licences come from the lock, from
    `vendor/` and `node_modules/` beside it, and from where the options say.
    """
    from ..explain.vendored_document import listed_document
    from ..explain.vendored_text import listed_blocks
    from ..inputs.npm_registry import REGISTRY_VARIABLES, npm_registry
    from ..inputs.vendored_file import vendored_text
    from ..inputs.vendored_sources import (
        keep_licences,
        read_vendored_list,
        read_vendored_sources,
    )
    from ..planner.vendored_licences import with_licences

    settings = read_settings(options)
    address = npm_registry(os.environ) if registry else ""
    if registry and not address:
        raise InputError(
            Code.BAD_OPTION,
            f"--registry was given, and {REGISTRY_VARIABLES[0]} names none",
            hint=f"{REGISTRY_VARIABLES[0]}=$(npm config get registry) streamsolve vendored …",
        )
    found = read_vendored_sources(locations)
    if output is not None and output.is_file():
        found = keep_licences(found, read_vendored_list(output))
    with progress_display() as progress:
        found = with_licences(
            found,
            base=base,
            arch=settings.arch,
            registry=address,
            offline=settings.offline,
            cache=cache_directory(settings),
            progress=progress,
        )
    if output is not None:
        _write(output, vendored_text(found))
    if as_json:
        show_json(listed_document(found))
    else:
        show(listed_blocks(found, str(output or ""), everything=everything), colour=settings.colour)


def _write(path: Path, text: str) -> None:
    from ..storage import write_atomically

    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise InputError(
            Code.BAD_OPTION,
            f"cannot be written: {error.strerror}",
            place=Place(str(path)),
            hint="give -o a file in a directory that you may write to",
        ) from None
