"""Options that several commands share, with what is built from their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import rich_click as click

from .option_values import (
    cache_directory,
    places_of,
    plan_request,
    read_demands,
    read_settings,
    read_specs,
)

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


__all__ = [
    "application_argument",
    "applications_argument",
    "base_of_lock_option",
    "build_options",
    "cache_directory",
    "complete_base",
    "fetch_options",
    "force_option",
    "further_repo_option",
    "lock_argument",
    "missing_application",
    "optional_application_argument",
    "output_option",
    "place_options",
    "places_of",
    "plan_request",
    "profile_of_lock_option",
    "read_demands",
    "read_settings",
    "read_specs",
    "refresh_options",
    "spec_option",
    "target_options",
    "targets_options",
]

C = TypeVar("C", bound=Callable[..., object])


def _complete_application(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from ..inputs.profiles import list_profiles

    names = [name for name in list_profiles() if name.startswith(incomplete)]
    return [*map(CompletionItem, names), *([] if names else [CompletionItem(incomplete, "file")])]


def complete_base(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The bases of that beginning, or a directory where there is none."""
    from click.shell_completion import CompletionItem

    from ..inputs.base_definitions import list_bases

    names = [base.name for base in list_bases() if base.name.startswith(incomplete)]
    return [*map(CompletionItem, names), *([] if names else [CompletionItem(incomplete, "dir")])]


def _complete_variant(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Those of the application that was typed, else of all that come with the tool."""
    from click.shell_completion import CompletionItem

    from ..errors import InputError
    from ..inputs.profiles import list_profiles, load_profile

    # An option that still lacks its value leaves click with the words, not yet with parameters.
    several = context.params.get("applications") or context.args
    typed = context.params.get("application") or next(iter(several), None)
    names: dict[str, str] = {}
    for one in [typed] if typed else list_profiles():
        try:
            names |= {variant.name: variant.summary for variant in load_profile(one).variants}
        except InputError:
            # A profile with a fault has no names to offer; planning it tells the fault.
            continue
    found = (name for name in names if name.startswith(incomplete))
    return [CompletionItem(name, help=names[name]) for name in found]


application_argument = click.argument(
    "application", metavar="APP", shell_complete=_complete_application
)

optional_application_argument = click.argument(
    "application", metavar="[APP]", required=False, shell_complete=_complete_application
)

applications_argument = click.argument(
    "applications", metavar="[APP]...", nargs=-1, shell_complete=_complete_application
)


def missing_application(context: click.Context) -> click.MissingParameter:
    """That APP is not there where only a lock's file could stand for it."""
    names = ("application", "applications")
    parameter = next(p for p in context.command.params if p.name in names)
    parameter.metavar = "APP"
    return click.MissingParameter(ctx=context, param=parameter)


_STORE = (
    click.option("--cache", metavar="DIR", help="Where downloads are kept."),
    click.option("--index-url", metavar="URL", help="Another package index."),
)
_OFFLINE = click.option(
    "--offline", is_flag=True, default=None, help="Use no network: only what is here already."
)
_ONE_ARCH = click.option("--arch", metavar="A", help="The architecture; x86_64 if nothing is said.")
_TARGET = (
    click.option(
        "--variant",
        metavar="V",
        help="One way to build it, such as cuda or cpu.",
        shell_complete=_complete_variant,
    ),
    click.option(
        "--base",
        metavar="NAME|DIR",
        help="What to ship it on: a known base, or a directory of repositories.",
        shell_complete=complete_base,
    ),
    _ONE_ARCH,
    click.option("--python", metavar="X.Y", help="Use this Python and no other."),
    click.option(
        "--repo",
        "repos",
        metavar="NAME=URL[,priority=N]",
        multiple=True,
        help="A further repository on top of the base, or NAME=DIRECTORY, or the name of a known "
        "one, such as epel; may be given again. The smaller priority wins; the base has 99. With "
        ",module_hotfixes at the end no module hides its packages.",
    ),
    click.option(
        "--module",
        "modules",
        metavar="NAME:STREAM",
        multiple=True,
        help="Let packages of this stream of a module of the base be used, in all roots; may be "
        "given again.",
    ),
    _OFFLINE,
    *_STORE,
)
base_of_lock_option = click.option(
    "--base",
    metavar="NAME|DIR",
    help="Where its base is, if not known by the lock's own name for it.",
    shell_complete=complete_base,
)
further_repo_option = click.option(
    "--repo",
    "repos",
    metavar="NAME=URL[,priority=N]",
    multiple=True,
    help="Where a repository on top of its base is; may be given again.",
)
force_option = click.option(
    "--force", is_flag=True, help="Write over files that were changed or not made here."
)
profile_of_lock_option = click.option(
    "--profile",
    metavar="APP",
    help="The profile that the lock was made from, if it does not come with streamsolve.",
)
_PLACES = (
    base_of_lock_option,
    click.option(
        "--profile",
        metavar="APP",
        help="Its profile, by name or file, if not the one of the lock's name.",
        shell_complete=_complete_application,
    ),
    further_repo_option,
    _OFFLINE,
    *_STORE,
)
spec_option = click.option(
    "--spec",
    "specs",
    metavar="COMPONENT=FILE",
    multiple=True,
    help="Build COMPONENT as this spec file or source package says; may be given again. Its macros "
    "are run.",
)
_BUILDS = (
    spec_option,
    click.option(
        "--checks",
        type=click.Choice(["free", "always", "never"]),
        metavar="WHEN",
        help="When the needs of tests count: where they cost no further private stream (free, the "
        "usual), always, or never.",
    ),
)
_FETCH = (base_of_lock_option, _OFFLINE, *_STORE)
_REFRESH = (
    click.option(
        "--base",
        "bases",
        metavar="NAME|DIR",
        multiple=True,
        help="A base to read; may be given again.",
        shell_complete=complete_base,
    ),
    click.option("--arch", metavar="A", help="The architecture; x86_64 if nothing is said."),
    *_STORE,
)


_SEVERAL_ARCHES = click.option(
    "--arch",
    metavar="A[,A]",
    multiple=True,
    callback=lambda _context, _parameter, values: ",".join(values) or None,
    help="The architecture; x86_64 if nothing is said. May be given again.",
)


def target_options(command: C) -> C:
    """Add the options that say what to plan for; their names are those of the settings."""
    return _with(_TARGET, command)


def targets_options(command: C) -> C:
    """The same for a command that takes several architectures: with commas in one text."""
    several = tuple(_SEVERAL_ARCHES if each is _ONE_ARCH else each for each in _TARGET)
    return _with(several, command)


def build_options(command: C) -> C:
    """Add the options that say how private streams are built: ``specs`` and ``checks``."""
    return _with(_BUILDS, command)


def place_options(command: C) -> C:
    """Add the options that say where what a lock was made from lies."""
    return _with(_PLACES, command)


def fetch_options(command: C) -> C:
    """Add the options that say where the files that a lock names are brought from."""
    return _with(_FETCH, command)


def output_option(text: str, *, required: bool = True) -> Callable[[C], C]:
    """``-o DIR``, as ``directory``; ``text`` is its help."""
    return click.option(
        "-o",
        "--output",
        "directory",
        metavar="DIR",
        required=required,
        type=click.Path(file_okay=False, path_type=Path),
        help=text,
    )


lock_argument = click.argument(
    "file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path)
)


def refresh_options(command: C) -> C:
    """Add the options that say what to read; their names are those of the settings."""
    return _with(_REFRESH, command)


def _with(options: Sequence[Callable[[C], C]], command: C) -> C:
    for option in reversed(options):
        command = option(command)
    return command
