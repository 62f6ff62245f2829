"""``streamsolve modules``: the modules of repositories, and the ways to build one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ..errors import Code, ExitCode, InputError, nearest
from .groups import Group
from .options import cache_directory, read_settings
from .progress import progress_display
from .screen import show, show_json

if TYPE_CHECKING:
    from ..inputs.settings import Settings
    from ..model.module_expansion import Expansion
    from ..model.modules import ModuleIndex, ModuleStream

__all__ = ["modules"]

_index_option = click.option(
    "--index",
    "locations",
    metavar="DIR|REPO|FILE",
    multiple=True,
    help="Where modules are: a repository, a directory of repositories or of modulemd documents, "
    "or a file; may be given again. The base, if nothing is said.",
)
_base_option = click.option("--base", metavar="NAME|DIR", help="The base whose modules are meant.")
_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group(cls=Group)
def modules() -> None:
    """Module streams of repositories, and the ways to build a module."""


@modules.command("list")
@_base_option
@_index_option
@_json_option
def modules_list(base: str | None, locations: tuple[str, ...], as_json: bool) -> None:
    """Name the modules with their streams."""
    from ..explain.modules_text import module_list_blocks, module_list_document

    settings = read_settings({"base": base} if base else {})
    index, shown_as = _index(settings, locations)
    if as_json:
        show_json(module_list_document(index))
    else:
        show(module_list_blocks(index, shown_as), colour=settings.colour)


@modules.command("show")
@click.argument("name", metavar="NAME[:STREAM[:CONTEXT]]")
@_base_option
@_index_option
@_json_option
def modules_show(name: str, base: str | None, locations: tuple[str, ...], as_json: bool) -> None:
    """Show a stream: what it needs, its profiles, the order in which it is built.

    Where a module has several streams and recommends none, say which.
    """
    from ..explain.modules_text import module_blocks, module_document

    settings = read_settings({"base": base} if base else {})
    index, _ = _index(settings, locations)
    found = _find(name, index)
    if as_json:
        show_json(module_document(found, index))
    else:
        show(module_blocks(found, index), colour=settings.colour)


@modules.command("expand")
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--module", "name", metavar="NAME:STREAM", default="", help="Which one FILE means.")
@_base_option
@_index_option
@click.option(
    "--platform",
    "platforms",
    metavar="STREAM",
    multiple=True,
    help="A stream of the module platform that exists, such as el9; may be given again.",
)
@click.option("--first", is_flag=True, help="Only the best way; costs about one solve.")
@click.option("--limit", metavar="N", type=click.IntRange(1), help="At most the N best ways.")
@click.pass_context
def modules_expand(
    context: click.Context,
    file: Path,
    name: str,
    base: str | None,
    locations: tuple[str, ...],
    platforms: tuple[str, ...],
    first: bool,
    limit: int | None,
) -> None:
    """Print every way to build the module that FILE describes, as JSON, best first.

    A way is a stream for each module that FILE names, such that all of them and what they need can
    be in one root. Each is printed as soon as it is found. Groups of dependencies that cannot be
    met are explained on standard error; if none can, the command ends with 3.
    """
    from ..explain.modules_text import failure_blocks
    from ..inputs.module_indexes import read_module
    from ..planner.module_expansion import ModuleExpander

    if first and limit:
        raise InputError(Code.BAD_OPTION, "--first and --limit cannot be given together")
    settings = read_settings({"base": base} if base else {})
    module = read_module(file, name)
    index, _ = _index(settings, locations)
    with ModuleExpander(module, index, platforms=platforms) as expander:
        printed = _print(islice(expander.expansions(), 1 if first else limit))
        failures = expander.failures()
    show(failure_blocks(failures, module), colour=settings.colour, to=sys.stderr)
    if not printed:
        context.exit(ExitCode.NO_PLAN)


def _print(expansions: Iterable[Expansion]) -> int:
    """A JSON array, one way on a line, each as soon as it is known."""
    from ..explain.modules_text import expansion_document

    number = 0
    for expansion in expansions:
        sys.stdout.write(",\n " if number else "[\n ")
        sys.stdout.write(json.dumps(expansion_document(expansion)))
        sys.stdout.flush()
        number += 1
    sys.stdout.write("\n]\n" if number else "[]\n")
    sys.stdout.flush()
    return number


def _index(settings: Settings, locations: tuple[str, ...]) -> tuple[ModuleIndex, str]:
    """The modules that are meant, and how to call the place."""
    from ..inputs.bases import open_base
    from ..inputs.module_indexes import modules_of, open_module_index
    from ..inputs.shipped import default_cache
    from ..inputs.transport import Transport

    cache = cache_directory(settings) or default_cache()
    with progress_display() as progress:
        transport = Transport(offline=settings.offline, cache=cache, progress=progress)
        if locations:
            return open_module_index(locations, transport), ", ".join(locations)
        if not settings.base:
            raise click.UsageError("say where modules are: --base NAME|DIR, or --index")
        opened = open_base(settings.base, arch=settings.arch, transport=transport)
        return modules_of(opened.repositories), settings.base


def _find(text: str, index: ModuleIndex) -> tuple[ModuleStream, ...]:
    """The newest builds of one stream."""
    name, _, rest = text.partition(":")
    stream, _, context = rest.partition(":")
    if name not in index.names:
        hint = nearest(name, index.names)
        raise InputError(Code.UNKNOWN_MODULE, f"there is no module {name!r}", hint=hint)
    of_name = [each for each in index.newest() if each.name == name]
    known = sorted({each.stream for each in of_name})
    stream = stream or index.default_of(name) or (known[0] if len(known) == 1 else "")
    if not stream:
        listed = " ".join(f"{name}:{one}" for one in known)
        raise InputError(
            Code.UNKNOWN_MODULE,
            f"{name} has {len(known)} streams and recommends none",
            hint=f"choose one: {listed}",
        )
    found = [each for each in of_name if each.stream == stream and context in ("", each.context)]
    if not found:
        what = f"{name} has no stream {stream!r}" + (
            f" of the context {context!r}" if context else ""
        )
        contexts = [f"{e.stream}:{e.context}" for e in of_name] if context else known
        hint = nearest(f"{stream}:{context}" if context else stream, contexts)
        raise InputError(Code.UNKNOWN_MODULE, what, hint=hint)
    return tuple(found)
