"""``streamsolve check``, ``verify`` and ``diff``, and ``plan --locked``: they write nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rich_click as click

from ..errors import Code, ExitCode, InputError, Place, StaleLockError
from .architectures import show_diffs
from .layers import layers_between, layers_diff_options
from .options import lock_argument, place_options, places_of, read_settings
from .planning import typed
from .progress import progress_display
from .screen import show, show_json

__all__ = [
    "SHAPING",
    "all_option",
    "check",
    "diff",
    "json_option",
    "refuse",
    "show_locked",
    "verify",
]

SHAPING = ("variant", "arch", "python", "app_version", "demands", "relax", "checks")
"""Options that say what a lock says already."""

_PLANNING = ("fresh", "builds", "spec", "alternatives", "dump_universe")
_SPELLED = {"output": "-o", "demands": "--with"}

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document instead of text."
)
all_option = click.option("--all", "everything", is_flag=True, help="Cut no list.")


@click.command()
@lock_argument
@all_option
@json_option
@click.pass_context
def check(context: click.RichContext, /, file: Path, everything: bool, as_json: bool) -> None:
    """Prove the lock FILE from itself: no network, no solver, nothing but what is written in it.

    Every requirement of every stream and package, every root, the order of the builds, and that
    nothing leaks. Ends with 2 if anything does not hold.
    """
    from ..explain.lock_answers import check_document
    from ..explain.lock_text import checked_blocks, finding_blocks
    from ..planner.locking import findings_in

    settings = read_settings({})
    found, findings = findings_in(file)
    told = [(finding.place, finding.text) for finding in findings]
    if as_json:
        show_json(check_document(str(file), found.digest if found else "", told))
    elif found is not None and not told:
        show(checked_blocks(found.plan, str(file)), colour=settings.colour)
    else:
        show(finding_blocks(str(file), told, everything=everything), colour=settings.colour)
    if told:
        context.exit(ExitCode.BAD_INPUT)


@click.command()
@lock_argument
@place_options
@click.option(
    "--artifacts",
    "built",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Compare the packages and wheels below DIR with the lock instead; ends with 4 if they are "
    "not what was planned.",
)
@click.option(
    "--rebuild",
    "component",
    metavar="COMPONENT",
    default="",
    help="Build COMPONENT twice instead, and say what differs; ends with 4 if anything does.",
)
@click.option(
    "-d",
    "--directory",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="What `streamsolve build` built in, for --rebuild; build if nothing is said.",
)
@all_option
@json_option
@click.pass_context
def verify(
    context: click.RichContext,
    /,
    file: Path,
    profile: str | None,
    built: Path | None,
    component: str,
    directory: Path | None,
    everything: bool,
    as_json: bool,
    **options: object,
) -> None:
    """Say whether the lock FILE can still be done today.

    Which packages of the base and which sources are gone or changed under their name, which
    repository moved, and whether the profile or streamsolve is another. Ends with 5 if something
    that is needed is gone or changed.
    """
    if built is not None:
        from .artifacts import verify_artifacts

        shaping = {**options, "profile": profile, "rebuild": component, "directory": directory}
        refuse(shaping, tuple(shaping))
        verify_artifacts(context, file, built, everything=everything, as_json=as_json)
        return
    if component:
        from .build import show_rebuild

        refuse(options, tuple(options))
        show_rebuild(context, file, component, directory, everything=everything, as_json=as_json)
        return
    from ..explain.lock_answers import verify_document
    from ..explain.verify_text import verify_blocks
    from ..planner.locking import load_lock
    from ..planner.verifying import verify_lock

    settings = read_settings(options)
    old = load_lock(file)
    given = places_of(old, settings, profile, (), fresh=False)
    with progress_display() as progress:
        found = verify_lock(old, given, progress=progress)
    base = Path(given.base).name if given.base else old.plan.base
    if as_json:
        show_json(verify_document(found, str(file), base))
    else:
        step = typed(("update", str(file)), {**options, "profile": profile})
        show(
            verify_blocks(found, str(file), base, step, everything=everything),
            colour=settings.colour,
        )
    if not found.holds:
        context.exit(ExitCode.STALE_LOCK)


@click.command()
@click.argument("old", metavar="OLD", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("new", metavar="NEW", type=click.Path(dir_okay=False, path_type=Path))
@layers_diff_options
@all_option
@json_option
def diff(
    old: Path,
    new: Path,
    everything: bool,
    as_json: bool,
    **asked: Any,  # noqa: ANN401 - those of layers_diff_options, by name
) -> None:
    """Say what changed from OLD to NEW: two locks, or plans that `plan --json` printed.

    Streams up, down, in, out or of another origin and why; packages of the base; roots; the order
    of the builds. Two files with locks of several architectures are compared one architecture after
    the other. With --layers, for locks: what an image of NEW sends to who has that of OLD.
    """
    from ..explain import blank
    from ..explain.diff_text import diff_blocks
    from ..explain.layers_text import layers_blocks, layers_document
    from ..explain.lock_answers import diff_document
    from ..planner.locking import diff_files

    settings = read_settings({})
    layers = layers_between(old, new, asked)
    if layers is None and show_diffs(old, new, everything=everything, as_json=as_json):
        return
    found = diff_files(old, new)
    if as_json:
        document = diff_document(str(old), str(new), found)
        show_json({**document, "layers": layers_document(layers)} if layers else document)
        return
    blocks = diff_blocks(found, everything=everything)
    if layers is not None:
        blocks = (*blocks, blank(), *layers_blocks(layers, everything=everything))
    show(blocks, colour=settings.colour)


# -- plan --locked ---------------------------------------------------------------------------------


def show_locked(
    file: Path,
    application: str | None,
    options: Mapping[str, object],
    *,
    everything: bool,
    as_json: bool,
) -> None:
    """``plan --locked FILE``: the plan of a lock that proves itself and whose base is the one that
    it was made from, as far as that can be seen."""
    from ..explain import plan_blocks, plan_document
    from ..explain.verify_text import unseen_blocks
    from ..planner.locking import load_lock
    from ..planner.verifying import check_base

    refuse(options, (*SHAPING, *_PLANNING))
    places = {name: options[name] for name in ("base", "repos", "offline", "cache", "index_url")}
    settings = read_settings(places)
    found = load_lock(file, proven=True)
    if application is not None and application != found.plan.application:
        raise InputError(
            Code.BAD_OPTION,
            f"it is a lock of {found.plan.application}, not of {application}",
            place=Place(str(file)),
            hint="leave out the name: the lock knows it",
        )
    moves, unseen = check_base(found, places_of(found, settings, None, (), fresh=False))
    if moves:
        names = ", ".join(move.id for move in moves)
        raise StaleLockError(
            Code.STALE_LOCK,
            f"the repositories of {found.plan.base} are not those of the lock: {names}",
            place=Place(str(file)),
            hint=f"`streamsolve verify {file}` says what of it is gone or changed",
        )
    if as_json:
        show_json(plan_document(found.plan))
        return
    command = typed(("plan", "--locked", str(file)), places)
    show(plan_blocks(found.plan, command, everything=everything), colour=settings.colour)
    if unseen:
        show(unseen_blocks(unseen), to=sys.stderr)


def refuse(options: Mapping[str, object], names: tuple[str, ...]) -> None:
    """Options that would change what a lock says already."""
    for name in names:
        if options.get(name):
            option = _SPELLED.get(name, f"--{name.replace('_', '-')}")
            raise InputError(
                Code.BAD_OPTION,
                f"{option} cannot be given together with a lock to look at",
                hint="what it was made with is in the lock; `streamsolve lock` makes another one",
            )
