"""``streamsolve plan``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ..errors import Code, ExitCode, InputError, NoPlanError, Place
from .architectures import architectures, plan_architectures
from .options import (
    applications_argument,
    build_options,
    missing_application,
    plan_request,
    read_demands,
    read_settings,
    targets_options,
)
from .progress import progress_display
from .screen import show, show_json

if TYPE_CHECKING:
    from ..explain import Block, Command
    from ..model.conflict import Failure
    from ..model.plan import Plan
    from ..model.progress import Progress
    from ..planner import PlanRequest

__all__ = [
    "app_version_option",
    "demand_option",
    "fresh_option",
    "plan",
    "relax_option",
    "show_failure",
    "typed",
]

_DASH = Path("-")
_REPEATED = {"repos": "--repo", "modules": "--module", "demands": "--with"}
"""Options that may be given again, by the names of their settings."""

relax_option = click.option(
    "--relax",
    metavar="[BY:]REQ",
    multiple=True,
    help="Let a requirement count for any version, such as vllm:numba==0.65.0.",
)

demand_option = click.option(
    "--with",
    "demands",
    metavar="REQ",
    multiple=True,
    callback=lambda _context, _parameter, values: read_demands(values),
    help="Let APP need this as well, such as 'numpy<2.3', 'jax[k8s]' or 'accelerator:rocm<7.3'; "
    "may be given again.",
)

app_version_option = click.option(
    "--app-version", metavar="V", help="Plan this version of APP, not the profile's."
)
fresh_option = click.option(
    "--fresh", is_flag=True, help="Ask the index even for what the profile brings."
)


@click.command()
@applications_argument
@targets_options
@app_version_option
@demand_option
@relax_option
@fresh_option
@click.option("--builds", is_flag=True, help="Plan build roots and their order as well.")
@build_options
@click.option(
    "--alternatives",
    type=click.IntRange(min=1),
    metavar="N",
    help="Show the next best N plans too, each by what differs.",
)
@click.option(
    "--shared",
    is_flag=True,
    help="Plan several applications: the fewest sets of streams for all, what they share.",
)
@click.option(
    "--locked",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Show the plan of a lock; nothing is planned. Ends with 5 where its base moved.",
)
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
    applications: tuple[str, ...],
    app_version: str | None,
    demands: tuple[str, ...],
    relax: tuple[str, ...],
    fresh: bool,
    builds: bool,
    specs: tuple[str, ...],
    checks: str | None,
    alternatives: int | None,
    shared: bool,
    locked: Path | None,
    everything: bool,
    as_json: bool,
    dump_universe: Path | None,
    **options: object,
) -> None:
    """Plan APP: what the base can give as it is, what must be private, and why.

    APP is the name of a profile (see `streamsolve profile list`) or a TOML file. With --builds the
    plan also says in which roots and in what order everything private gets built. With --shared
    there are several, each as APP, APP:VARIANT or NAME-VARIANT.
    """
    chosen = {
        "app_version": app_version,
        "demands": demands,
        "relax": relax,
        "fresh": fresh or None,
    }
    building = {"builds": builds or None, "spec": specs, "checks": checks}
    further = {"alternatives": alternatives, "dump_universe": dump_universe}
    if shared:
        from .shared_planning import show_shared

        show_shared(
            context,
            applications,
            options,
            {"app_version": app_version, "spec": specs, "locked": locked, **further},
            demands=demands,
            relax=relax,
            fresh=fresh,
            builds=builds,
            checks=checks,
            everything=everything,
            as_json=as_json,
        )
        return
    application = _only(applications)
    if locked is not None:
        from .lock_questions import show_locked

        shaping = {**options, **chosen, **building, **further}
        show_locked(locked, application, shaping, everything=everything, as_json=as_json)
        return
    if application is None:
        raise missing_application(context)
    _check_options(building, further)
    if dump_universe is not None:
        _check_universe_path(dump_universe, as_json)
    command = typed(("plan", application), {**options, **chosen, **building})
    request_of = partial(
        plan_request,
        application,
        version=app_version or "",
        demands=demands,
        relax=relax,
        fresh=fresh,
        builds=builds,
        specs=specs,
        checks=checks,
    )
    if len(arches := architectures(options)) > 1:
        _refuse_further(further)
        plan_architectures(
            context, arches, options, request_of, command, everything=everything, as_json=as_json
        )
        return
    settings = read_settings({**options, "arch": arches[0] if arches else None})
    request = request_of(settings)
    try:
        with progress_display() as progress:
            plans, universe = _planned(request, alternatives, dump_universe is not None, progress)
    except NoPlanError as error:
        if dump_universe is not None:
            _write_universe(error.universe, dump_universe)
        show_failure(error, command, as_json, settings.colour, aside=dump_universe == _DASH)
        context.exit(ExitCode.NO_PLAN)
    if dump_universe is not None:
        _write_universe(universe, dump_universe)
    if dump_universe != _DASH:
        blocks = _shown(plans, alternatives, command, everything=everything, as_json=as_json)
        show(blocks, colour=settings.colour)


def _only(applications: tuple[str, ...]) -> str | None:
    """The one application that is planned by itself, None where none is named."""
    if len(applications) > 1:
        raise InputError(
            Code.UNCLEAR_APPLICATION,
            f"{len(applications)} applications were named: {', '.join(applications)}",
            hint="add --shared to plan them together, or plan one at a time",
        )
    return applications[0] if applications else None


def _planned(
    request: PlanRequest, alternatives: int | None, universe: bool, progress: Progress
) -> tuple[list[Plan], Mapping[str, object]]:
    """The best plan and the next best ones that are asked for, with the universe if it is."""
    from ..planner import make_plan

    if alternatives is None:
        outcome = make_plan(request, progress=progress, universe=universe, fallbacks=True)
        plans, document = [outcome.plan], outcome.universe
    else:
        from ..planner.alternatives import alternatives as best_plans

        plans = list(islice(best_plans(request, progress=progress), alternatives + 1))
        document = {}
    if request.specs:
        from ..planner.locking import check_specs

        check_specs(request, plans[0])
    return plans, document


def _shown(
    plans: list[Plan], wanted: int | None, command: Command, *, everything: bool, as_json: bool
) -> tuple[Block, ...]:
    """The plans as text; as JSON they are printed here, and nothing is left to show."""
    from ..explain import blank, plan_blocks, plan_document

    best, others = plans[0], plans[1:]
    if as_json and wanted is None:
        show_json(plan_document(best))
        return ()
    if as_json:
        from ..explain.question_document import alternatives_document

        show_json(alternatives_document(best, others))
        return ()
    blocks = plan_blocks(best, command, everything=everything)
    if wanted is None:
        return blocks
    from ..explain.alternatives_text import alternatives_blocks

    return (*blocks, blank(), *alternatives_blocks(best, others, wanted))


def _check_options(building: Mapping[str, object], further: Mapping[str, object]) -> None:
    """Refuse options that would do nothing."""
    if not building["builds"]:
        for name in ("spec", "checks"):
            if building[name]:
                raise InputError(
                    Code.BAD_OPTION,
                    f"--{name} says how streams are built, and builds are not planned",
                    hint="add --builds",
                )
    if further["alternatives"] is not None and further["dump_universe"] is not None:
        raise InputError(
            Code.BAD_OPTION, "--alternatives and --dump-universe cannot be given together"
        )


def _refuse_further(further: Mapping[str, object]) -> None:
    """Refuse what is about one plan where there are several."""
    for name, value in further.items():
        if value is not None:
            raise InputError(
                Code.BAD_OPTION,
                f"--{name.replace('_', '-')} is about one plan, and several --arch were given",
                hint="give one",
            )


def typed(words: tuple[str, ...], options: Mapping[str, object]) -> Command:
    """The command that was typed, without the options that only change how the answer looks."""
    from ..explain import Command

    given: list[tuple[str, str]] = []
    for name, value in options.items():
        option = _REPEATED.get(name) or f"--{name.replace('_', '-')}"
        if isinstance(value, tuple):
            given += [(option, text) for text in value]
        elif value is not None:
            given.append((option, "" if value is True else str(value)))
    return Command(("streamsolve", *words), tuple(given))


def show_failure(
    error: NoPlanError, command: Command, as_json: bool, colour: str, *, aside: bool = False
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
