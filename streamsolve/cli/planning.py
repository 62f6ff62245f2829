"""``streamsolve plan``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ..errors import Code, ExitCode, InputError, NoPlanError, Place
from .options import application_argument, plan_request, read_settings, target_options
from .progress import progress_display
from .screen import show, show_json

if TYPE_CHECKING:
    from ..explain import Command
    from ..model.conflict import Failure

__all__ = ["plan", "relax_option", "typed"]

_DASH = Path("-")

relax_option = click.option(
    "--relax",
    metavar="[BY:]REQ",
    multiple=True,
    help="Let a requirement count for any version, such as vllm:numba==0.65.0.",
)


@click.command()
@application_argument
@target_options
@click.option("--app-version", metavar="V", help="Plan this version of APP, not the profile's.")
@relax_option
@click.option("--fresh", is_flag=True, help="Ask the index even for what the profile brings.")
@click.option("--all", "everything", is_flag=True, help="List every stream with its reason.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
@click.option(
    "--dump-universe",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write all candidates that were considered, for another solver to check; "
    "- prints them instead of the plan.",
)
@click.pass_context
def plan(
    context: click.RichContext,
    /,
    application: str,
    app_version: str | None,
    relax: tuple[str, ...],
    fresh: bool,
    everything: bool,
    as_json: bool,
    dump_universe: Path | None,
    **options: object,
) -> None:
    """Plan APP: what the base can give as it is, what must be private, and why.

    APP is the name of a profile (see `streamsolve profile list`) or a TOML file.
    """
    from ..explain import plan_blocks, plan_document
    from ..planner import make_plan

    if dump_universe is not None:
        _check_universe_path(dump_universe, as_json)
    settings = read_settings(options)
    chosen = {"app_version": app_version, "relax": relax, "fresh": fresh or None}
    command = typed(("plan", application), {**options, **chosen})
    request = plan_request(
        application, settings, version=app_version or "", relax=relax, fresh=fresh
    )
    try:
        with progress_display() as progress:
            outcome = make_plan(request, progress=progress, universe=dump_universe is not None)
    except NoPlanError as error:
        if dump_universe is not None:
            _write_universe(error.universe, dump_universe)
        _show_failure(error, command, as_json, settings.colour, aside=dump_universe == _DASH)
        context.exit(ExitCode.NO_PLAN)
    if dump_universe is not None:
        _write_universe(outcome.universe, dump_universe)
    if dump_universe == _DASH:
        return
    if as_json:
        show_json(plan_document(outcome.plan))
    else:
        blocks = plan_blocks(outcome.plan, command, everything=everything)
        show(blocks, colour=settings.colour)


def typed(words: tuple[str, ...], options: Mapping[str, object]) -> Command:
    """The command that was typed, without the options that only change how the answer looks."""
    from ..explain import Command

    given: list[tuple[str, str]] = []
    for name, value in options.items():
        option = "--repo" if name == "repos" else f"--{name.replace('_', '-')}"
        if isinstance(value, tuple):
            given += [(option, text) for text in value]
        elif value is not None:
            given.append((option, "" if value is True else str(value)))
    return Command(("streamsolve", *words), tuple(given))


def _show_failure(
    error: NoPlanError, command: Command, as_json: bool, colour: str, *, aside: bool
) -> None:
    """On standard output: that there is no plan is the result, not a fault of the input.

    Where that has the universe, it goes ``aside``, on standard error.
    """
    from ..explain import failure_blocks, failure_document

    failure: Failure = error.failure
    if as_json:
        show_json(failure_document(failure))
    else:
        where = sys.stderr if aside else None
        show(failure_blocks(failure, command), colour=colour, to=where)


def _check_universe_path(path: Path, as_json: bool) -> None:
    """Refuse, before anything is planned, what the universe cannot be written to."""
    if path == _DASH and as_json:
        raise InputError(
            Code.BAD_OPTION,
            "--dump-universe - and --json both want standard output",
            hint="give --dump-universe a file",
        )
    if path != _DASH and not path.parent.is_dir():
        raise _unwritable(path, f"there is no directory {path.parent}")


def _write_universe(universe: Mapping[str, object], path: Path) -> None:
    from ..explain import document_text
    from ..storage import write_atomically

    if path == _DASH:
        show_json(universe)
        return
    content = document_text(universe).encode()
    try:
        if path.exists() and not path.is_file():
            # A device or a pipe is written to, never replaced.
            path.write_bytes(content)
        else:
            write_atomically(path, content)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from None


def _unwritable(path: Path, why: str) -> InputError:
    return InputError(
        Code.BAD_OPTION,
        f"cannot be written: {why}",
        place=Place(str(path)),
        hint="give --dump-universe a file in a directory that you may write to",
    )
