"""``streamsolve lock`` and ``streamsolve update``."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import rich_click as click

from ..errors import Code, ExitCode, InputError, NoPlanError, Place
from .architectures import (
    answers_document,
    architectures,
    locks_in,
    made_locks,
    set_of,
    show_made,
    with_lock,
)
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
    targets_options,
)
from .planning import (
    app_version_option,
    demand_option,
    fresh_option,
    relax_option,
    show_failure,
    typed,
)
from .progress import progress_display
from .screen import show, show_json

if TYPE_CHECKING:
    from ..explain import Block, Command
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
@targets_options
@app_version_option
@demand_option
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
    demands: tuple[str, ...],
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
    """Plan APP with all its builds and write that down: the lock. With several architectures FILE
    holds one for each, which other commands take as FILE#ARCH.

    It holds every stream, source, package and requirement by content, so that the same can be built
    again anywhere, and checked without network.
    """
    chosen = {
        "app_version": app_version,
        "demands": demands,
        "relax": relax,
        "fresh": fresh or None,
    }
    building = {"spec": specs, "checks": checks}
    if checked is not None:
        refuse({**options, **chosen, "checks": checks}, SHAPING)
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
    command = typed(("lock", application), {**options, **chosen, **building})
    request_of = partial(
        plan_request,
        application,
        version=app_version or "",
        demands=demands,
        relax=relax,
        fresh=fresh,
        builds=True,
        specs=specs,
        checks=checks,
    )
    arches = architectures(options)
    settings = read_settings({**options, "arch": arches[0] if arches else None})
    aside = output == _DASH
    found = made_locks(
        context,
        arches or (settings.arch,),
        options,
        request_of,
        command,
        aside=aside,
        as_json=as_json,
    )
    first, text = next(iter(found.values()))
    path = output or Path(_file_name(first))
    if len(found) == 1:
        _write(text, path)
        _show_made(first, path, as_json, settings)
        return
    from ..lock import lock_set_text

    _write(lock_set_text(found), path)
    show_made(found, path, settings, to_output=aside, as_json=as_json)


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
    """``lock --check FILE``: of several locks in a file, each."""
    from ..explain import blank
    from ..explain.lock_answers import lock_check_document
    from ..explain.lock_text import current_blocks

    settings = read_settings(options)
    answers: dict[str, Mapping[str, object]] = {}
    blocks: list[Block] = []
    stale = False
    locks = locks_in(file)
    for arch, one in locks.items():
        command = typed(("lock", "--check", str(one)), {**options, "spec": specs})
        found = _made_again(
            context, one, application, specs, fresh, settings, command, as_json=as_json
        )
        dropped = [(each.component, each.version, each.why) for each in found.dropped]
        answers[arch] = lock_check_document(str(one), found.changes, found.parts, dropped)
        kept = {name: options[name] for name in ("base", "repos", "offline") if name in options}
        step = typed(("update", str(one)), {**kept, "profile": application, "spec": specs})
        told = current_blocks(
            str(one), found.changes, found.parts, dropped, step, everything=everything
        )
        blocks += [blank(), *told] if blocks else told
        stale = stale or bool(found.parts)
    if as_json:
        show_json(answers_document(file, answers) if len(locks) > 1 else answers[next(iter(locks))])
    else:
        show(blocks, colour=settings.colour)
    if stale:
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
    has now. Nothing is written where nothing changed. Of several architectures in FILE all are made
    again, or one as FILE#ARCH.
    """
    from ..explain import blank
    from ..explain.lock_answers import update_document
    from ..explain.lock_text import update_blocks
    from ..explain.markup import Span, Style, paragraph

    if output == _DASH and as_json:
        raise InputError(
            Code.BAD_OPTION, "-o - and --json both want standard output", hint="give -o a file"
        )
    whole = set_of(file)
    path = output or whole or file
    _check_writable(path)
    settings = read_settings(options)
    answers: dict[str, Mapping[str, object]] = {}
    blocks: list[Block] = []
    changed: dict[str, tuple[Lock, str]] = {}
    locks = locks_in(file)
    for arch, one in locks.items():
        command = typed(("update", str(one)), {**options, "profile": profile, "spec": specs})
        found = _made_again(
            context, one, profile, specs, fresh, settings, command, only=only, as_json=as_json
        )
        dropped = [(each.component, each.version, each.why) for each in found.dropped]
        if found.parts:
            changed[found.lock.plan.arch] = found.lock, found.text
        shown = str(path) if len(locks) == 1 else f"{path}#{arch}"
        answers[arch] = update_document(
            shown,
            found.changes,
            found.parts,
            dropped,
            written=bool(found.parts),
            stays=found.stays,
        )
        told = update_blocks(
            shown,
            found.changes,
            found.parts,
            dropped,
            only=only,
            stays=found.stays,
            everything=everything,
        )
        if len(locks) > 1:
            told = (paragraph(Span(arch, Style.HEADING)), *told)
        blocks += [blank(), *told] if blocks else told
    if changed:
        several = whole or (file if len(locks) > 1 or "" not in locks else None)
        _write(with_lock(several, changed) if several else found.text, path)
    if as_json:
        show_json(answers_document(path, answers) if len(locks) > 1 else answers[next(iter(locks))])
        return
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
