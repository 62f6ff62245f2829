"""``streamsolve lock`` and ``streamsolve update``."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import rich_click as click

from ..errors import Code, ExitCode, InputError, NoPlanError, Place
from .lock_questions import SHAPING, all_option, json_option, refuse
from .options import (
    build_options,
    lock_argument,
    missing_application,
    optional_application_argument,
    place_options,
    places_of,
    plan_request,
    read_settings,
    spec_option,
    target_options,
)
from .planning import app_version_option, fresh_option, relax_option, show_failure, typed
from .progress import progress_display
from .screen import show, show_json

if TYPE_CHECKING:
    from ..explain import Command
    from ..inputs.settings import Settings
    from ..lock import Lock
    from ..planner.updating import Update

__all__ = ["lock", "update"]

C = TypeVar("C", bound=Callable[..., object])

_DASH = Path("-")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def _output_option(text: str) -> Callable[[C], C]:
    return click.option(
        "-o",
        "--output",
        metavar="FILE",
        type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
        help=text,
    )


# -- lock ------------------------------------------------------------------------------------------


@click.command()
@optional_application_argument
@target_options
@app_version_option
@relax_option
@fresh_option
@build_options
@_output_option("Write to FILE, - for standard output; if not APP-VARIANT-BASE.lock.json here.")
@click.option(
    "--check",
    "checked",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write nothing: say whether the lock FILE is what would be locked today, and end with 5 "
    "if it is not.",
)
@all_option
@json_option
@click.pass_context
def lock(
    context: click.RichContext,
    /,
    application: str | None,
    app_version: str | None,
    relax: tuple[str, ...],
    fresh: bool,
    specs: tuple[str, ...],
    checks: str | None,
    output: Path | None,
    checked: Path | None,
    everything: bool,
    as_json: bool,
    **options: object,
) -> None:
    """Plan APP with all its builds and write that down: the lock.

    It holds every stream, source, package and requirement by content, so that the same can be built
    again anywhere, and checked without network.
    """
    chosen = {"app_version": app_version, "relax": relax, "fresh": fresh or None}
    building = {"spec": specs, "checks": checks}
    if checked is not None:
        refuse({**options, "app_version": app_version, "relax": relax, "checks": checks}, SHAPING)
        refuse({"output": output}, ("output",))
        _check_again(
            context,
            checked,
            application,
            specs,
            fresh,
            options,
            everything=everything,
            as_json=as_json,
        )
        return
    if application is None:
        raise missing_application(context)
    if output == _DASH and as_json:
        raise InputError(
            Code.BAD_OPTION,
            "-o - and --json both want standard output",
            hint="give -o a file",
        )
    if output is not None:
        _check_writable(output)
    settings = read_settings(options)
    command = typed(("lock", application), {**options, **chosen, **building})
    request = plan_request(
        application,
        settings,
        version=app_version or "",
        relax=relax,
        fresh=fresh,
        builds=True,
        specs=specs,
        checks=checks,
    )
    from ..planner.locking import make_lock

    try:
        with progress_display() as progress:
            made, text = make_lock(request, progress=progress)
    except NoPlanError as error:
        show_failure(error, command, as_json, settings.colour, aside=output == _DASH)
        context.exit(ExitCode.NO_PLAN)
    path = output or Path(_file_name(made))
    _write(text, path)
    _show_made(made, path, as_json, settings)


def _file_name(made: Lock) -> str:
    """``APP-VARIANT-BASE.lock.json``, in letters that every file system has."""
    plan = made.plan
    parts = filter(None, (plan.application, plan.variant, plan.base))
    return _UNSAFE.sub("-", "-".join(parts)) + ".lock.json"


def _show_made(made: Lock, path: Path, as_json: bool, settings: Settings) -> None:
    from ..explain.lock_answers import locked_document
    from ..explain.lock_text import lock_blocks

    to_output = path == _DASH
    if as_json:
        show_json(locked_document(made.plan, str(path), made.digest))
        return
    blocks = lock_blocks(made.plan, "" if to_output else str(path), made.digest)
    show(blocks, colour=settings.colour, to=sys.stderr if to_output else None)


def _check_again(
    context: click.RichContext,
    file: Path,
    application: str | None,
    specs: tuple[str, ...],
    fresh: bool,
    options: Mapping[str, object],
    *,
    everything: bool,
    as_json: bool,
) -> None:
    """``lock --check FILE``."""
    from ..explain.lock_answers import lock_check_document
    from ..explain.lock_text import current_blocks

    settings = read_settings(options)
    command = typed(("lock", "--check", str(file)), {**options, "spec": specs})
    found = _made_again(
        context, file, application, specs, fresh, settings, command, as_json=as_json
    )
    dropped = [(each.component, each.version, each.why) for each in found.dropped]
    if as_json:
        show_json(lock_check_document(str(file), found.changes, found.parts, dropped))
    else:
        kept = {name: options[name] for name in ("base", "repos", "offline") if name in options}
        step = typed(("update", str(file)), {**kept, "profile": application, "spec": specs})
        blocks = current_blocks(
            str(file), found.changes, found.parts, dropped, step, everything=everything
        )
        show(blocks, colour=settings.colour)
    if found.parts:
        context.exit(ExitCode.STALE_LOCK)


# -- update ----------------------------------------------------------------------------------------


@click.command()
@lock_argument
@click.option(
    "--only",
    metavar="COMPONENT",
    default="",
    help="Let nothing move but COMPONENT, to the newest that fits, and what must follow it.",
)
@place_options
@spec_option
@fresh_option
@_output_option("Write to another FILE than the lock itself, - for standard output.")
@all_option
@json_option
@click.pass_context
def update(
    context: click.RichContext,
    /,
    file: Path,
    only: str,
    profile: str | None,
    specs: tuple[str, ...],
    fresh: bool,
    output: Path | None,
    everything: bool,
    as_json: bool,
    **options: object,
) -> None:
    """Make the lock FILE again with as few changes as possible, and say what changed.

    What was chosen keeps its version where that can be; what comes from the base is what the base
    has now. Nothing is written where nothing changed.
    """
    from ..explain.lock_answers import update_document
    from ..explain.lock_text import update_blocks

    if output == _DASH and as_json:
        raise InputError(
            Code.BAD_OPTION, "-o - and --json both want standard output", hint="give -o a file"
        )
    path = output or file
    _check_writable(path)
    settings = read_settings(options)
    command = typed(("update", str(file)), {**options, "profile": profile, "spec": specs})
    found = _made_again(
        context, file, profile, specs, fresh, settings, command, only=only, as_json=as_json
    )
    dropped = [(each.component, each.version, each.why) for each in found.dropped]
    if found.parts:
        _write(found.text, path)
    if as_json:
        show_json(
            update_document(
                str(path),
                found.changes,
                found.parts,
                dropped,
                written=bool(found.parts),
                stays=found.stays,
            )
        )
        return
    blocks = update_blocks(
        str(path),
        found.changes,
        found.parts,
        dropped,
        only=only,
        stays=found.stays,
        everything=everything,
    )
    show(blocks, colour=settings.colour, to=sys.stderr if path == _DASH else None)


def _made_again(
    context: click.RichContext,
    file: Path,
    profile: str | None,
    specs: tuple[str, ...],
    fresh: bool,
    settings: Settings,
    command: Command,
    *,
    only: str = "",
    as_json: bool,
) -> Update:
    """A lock made again; where there is no plan any more that is the answer, and ends with 3."""
    from ..planner.locking import load_lock
    from ..planner.updating import update_lock

    old = load_lock(file)
    given = places_of(old, settings, profile, specs, fresh=fresh)
    try:
        with progress_display() as progress:
            return update_lock(old, given, only=only, progress=progress)
    except NoPlanError as error:
        show_failure(error, command, as_json, settings.colour)
        context.exit(ExitCode.NO_PLAN)


# -- files -----------------------------------------------------------------------------------------


def _check_writable(path: Path) -> None:
    """Refuse, before anything is planned, what cannot be written to."""
    if path != _DASH and not path.parent.is_dir():
        raise _unwritable(path, f"there is no directory {path.parent}")


def _write(text: str, path: Path) -> None:
    from ..storage import write_atomically

    if path == _DASH:
        click.echo(text.encode(), file=sys.stdout.buffer, nl=False)
        return
    try:
        if path.exists() and not path.is_file():
            # A device or a pipe is written to, never replaced.
            path.write_bytes(text.encode())
        else:
            write_atomically(path, text.encode())
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from None


def _unwritable(path: Path, why: str) -> InputError:
    return InputError(
        Code.BAD_OPTION,
        f"cannot be written: {why}",
        place=Place(str(path)),
        hint="give -o a file in a directory that you may write to",
    )
