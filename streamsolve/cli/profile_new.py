"""``streamsolve profile new``: a first profile, which plans at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ..errors import Code, ErrorCollector, ExitCode, InputError, Place
from .options import plan_request, read_settings, target_options
from .planning import show_failure, typed
from .progress import progress_display
from .screen import show
from .trees import profile

if TYPE_CHECKING:
    from ..explain import Command
    from ..inputs.settings import Settings
    from ..model.conflict import Failure
    from ..model.draft import Drafted

__all__ = ["profile_new"]

_FILE = "profile.toml"
_LONGEST_NAME = 100
_NOT_FOR_DRAFTS = ("variant", "python")


def _without_variant(command: click.RichCommand) -> click.RichCommand:
    """A draft has one variant, and says itself which Pythons there may be."""
    command.params = [each for each in command.params if each.name not in _NOT_FOR_DRAFTS]
    return command


@profile.command("new")
@click.argument("name")
@click.option(
    "--from",
    "source",
    required=True,
    metavar="SOURCE",
    help="pypi:NAME, spec:FILE (its macros are run), cargo:DIR or npm:DIR.",
)
@click.option("--version", metavar="V", help="Draft this version; the newest if nothing is said.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Write DIR/NAME/profile.toml; the current directory if nothing is said.",
)
@click.option("--force", is_flag=True, help="Write over what is there, and name it as you like.")
@target_options
@click.pass_context
def profile_new(
    context: click.RichContext,
    /,
    name: str,
    source: str,
    version: str | None,
    output: Path,
    force: bool,
    **options: object,
) -> None:
    """Write a first profile of the application NAME.

    It says what is known of the application, is planned before it is written, and marks what could
    not be known with "TO DECIDE:". Nothing of the source is run, but the macros of a spec.
    """
    from ..explain.draft_text import draft_blocks
    from ..planner.drafting import DraftRequest, draft_profile

    file = output / name / _FILE
    _check(name, file, force)
    settings = read_settings(options)
    request = DraftRequest(
        name, source, str(file), version or "", plan_request(str(file), settings)
    )
    with progress_display() as progress:
        drafted = draft_profile(request, progress=progress)
    written = _write(drafted, file, force)
    command = _next(file, options)
    show(draft_blocks(drafted, written, command), colour=settings.colour)
    if drafted.failure is not None:
        own = {"from": source.partition("==")[0], "output": output if output != Path() else None}
        again = typed(("profile", "new", name), {**own, **options})
        _show_failure(drafted.failure, command, again, settings)
        context.exit(ExitCode.NO_PLAN)


_without_variant(profile_new)


def _check(name: str, file: Path, force: bool) -> None:
    """Refuse, before anything is looked up, a name that is none and what would be written over."""
    from ..inputs.notation import read_name
    from ..inputs.profiles import list_profiles
    from ..inputs.tables import Unreadable

    try:
        read_name(name, Place())
    except Unreadable as error:
        raise InputError(Code.BAD_OPTION, error.message, hint=error.hint) from None
    if len(name) > _LONGEST_NAME:
        raise InputError(Code.BAD_OPTION, f"a name of more than {_LONGEST_NAME} characters")
    if force:
        return
    if name in list_profiles():
        raise InputError(
            Code.PROFILE_EXISTS,
            f"a profile {name!r} comes with streamsolve",
            hint=f"`streamsolve profile show {name}` shows it; choose another name, or --force",
        )
    if file.exists():
        raise _in_the_way(file)


def _in_the_way(file: Path) -> InputError:
    return InputError(
        Code.PROFILE_EXISTS,
        "the file is there already",
        place=Place(str(file)),
        hint="choose another name or directory, or write over it with --force",
    )


def _write(drafted: Drafted, file: Path, force: bool) -> tuple[str, ...]:
    """Write the profile and what belongs beside it, the profile last, so that it is never there
    without them."""
    from ..storage import write_atomically

    beside = {file.parent / name: text for name, text in sorted(drafted.files.items())}
    faults = ErrorCollector(Code.PROFILE_EXISTS)
    for path in (*beside, file):
        if path.exists() and not force:
            faults.errors.append(_in_the_way(path))
    faults.raise_if_any("nothing was written")
    for path, text in (*beside.items(), (file, drafted.text)):
        try:
            write_atomically(path, text.encode())
        except OSError as error:
            raise InputError(
                Code.BAD_OPTION,
                f"cannot be written: {error.strerror or error}",
                place=Place(str(path)),
                hint="name a directory that you may write to with -o",
            ) from None
    return (str(file), *map(str, beside))


def _next(file: Path, options: Mapping[str, object]) -> Command:
    """The command that plans it, on the base that was asked for."""
    return typed(("plan", str(file)), options)


def _show_failure(failure: Failure, command: Command, again: Command, settings: Settings) -> None:
    from ..errors import NoPlanError
    from ..explain import blank
    from ..explain.draft_text import other_version_blocks

    show((blank(),), colour=settings.colour)
    error = NoPlanError("no plan exists", failure)
    show_failure(error, command, as_json=False, colour=settings.colour)
    show(other_version_blocks(failure, again), colour=settings.colour)
