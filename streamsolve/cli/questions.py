"""``streamsolve why``, ``streamsolve why-not`` and ``streamsolve held-back``."""

from __future__ import annotations

import rich_click as click

from ..errors import ExitCode
from .options import application_argument, plan_request, read_settings, target_options
from .planning import demand_option, fresh_option, relax_option, typed
from .progress import progress_display
from .screen import show, show_json

__all__ = ["held_back", "why", "why_not"]

_json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document instead of text."
)


@click.command()
@application_argument
@click.argument("component")
@target_options
@demand_option
@relax_option
@fresh_option
@click.option("--builds", is_flag=True, help="Look at what only builds need as well.")
@_json_option
def why(
    application: str,
    component: str,
    demands: tuple[str, ...],
    relax: tuple[str, ...],
    fresh: bool,
    builds: bool,
    as_json: bool,
    **options: object,
) -> None:
    """Say why COMPONENT is in the plan of APP: who needs it, and why this version and origin."""
    from ..explain import why_blocks
    from ..explain.question_document import why_document
    from ..planner import make_plan

    settings = read_settings(options)
    request = plan_request(
        application, settings, demands=demands, relax=relax, fresh=fresh, builds=builds
    )
    with progress_display() as progress:
        outcome = make_plan(request, progress=progress)
    if as_json:
        show_json(why_document(outcome.plan, component))
    else:
        show(why_blocks(outcome.plan, component), colour=settings.colour)


@click.command("why-not")
@application_argument
@click.argument("requirement")
@target_options
@demand_option
@relax_option
@fresh_option
@_json_option
@click.pass_context
def why_not(
    context: click.RichContext,
    /,
    application: str,
    requirement: str,
    demands: tuple[str, ...],
    relax: tuple[str, ...],
    fresh: bool,
    as_json: bool,
    **options: object,
) -> None:
    """Say what forbids REQUIREMENT in the plan of APP, or what it would change.

    REQUIREMENT is such as 'torch==2.13.0' or 'toolchain:gcc>=16'.
    """
    from ..explain import why_not_blocks
    from ..explain.question_document import why_not_document
    from ..planner import why_not as ask

    settings = read_settings(options)
    request = plan_request(application, settings, demands=demands, relax=relax, fresh=fresh)
    with progress_display() as progress:
        found = ask(request, requirement, progress=progress)
    answer = (found.demand, found.baseline, found.plan, found.failure)
    if as_json:
        show_json(why_not_document(*answer, found.relaxed, found.idle_extras))
    else:
        given = {**options, "demands": demands, "relax": relax, "fresh": fresh or None}
        command = typed(("why-not", application, requirement), given)
        blocks = why_not_blocks(*answer, command, found.relaxed, found.idle_extras)
        show(blocks, colour=settings.colour)
    if found.failure is not None:
        context.exit(ExitCode.NO_PLAN)


@click.command("held-back")
@application_argument
@target_options
@demand_option
@relax_option
@fresh_option
@click.option("--all", "everything", is_flag=True, help="Try every stream, however many there are.")
@_json_option
def held_back(
    application: str,
    demands: tuple[str, ...],
    relax: tuple[str, ...],
    fresh: bool,
    everything: bool,
    as_json: bool,
    **options: object,
) -> None:
    """Say of each stream of APP that is not its newest what holds it back, and what would free it.

    The newest version of each is demanded and planned, so that takes a while.
    """
    from ..explain.held_back_text import held_back_blocks
    from ..explain.question_document import held_back_document
    from ..planner.held_back import USUAL_LIMIT
    from ..planner.held_back import held_back as ask

    settings = read_settings(options)
    request = plan_request(application, settings, demands=demands, relax=relax, fresh=fresh)
    with progress_display() as progress:
        report = ask(request, at_most=None if everything else USUAL_LIMIT, progress=progress)
    if as_json:
        show_json(held_back_document(report))
    else:
        given = {**options, "demands": demands, "relax": relax, "fresh": fresh or None}
        command = typed(("plan", application), given)
        show(held_back_blocks(report, command), colour=settings.colour)
