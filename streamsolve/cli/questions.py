"""``streamsolve why`` and ``streamsolve why-not``."""

from __future__ import annotations

import rich_click as click

from ..errors import ExitCode
from .options import application_argument, plan_request, read_settings, target_options
from .planning import relax_option, typed
from .progress import progress_display
from .screen import show

__all__ = ["why", "why_not"]


@click.command()
@application_argument
@click.argument("component")
@target_options
def why(application: str, component: str, **options: object) -> None:
    """Say why COMPONENT is in the plan of APP: who needs it, and why this version and origin."""
    from ..explain import why_blocks
    from ..planner import make_plan

    settings = read_settings(options)
    with progress_display() as progress:
        outcome = make_plan(plan_request(application, settings), progress=progress)
    show(why_blocks(outcome.plan, component), colour=settings.colour)


@click.command("why-not")
@application_argument
@click.argument("requirement")
@target_options
@relax_option
@click.pass_context
def why_not(
    context: click.RichContext,
    /,
    application: str,
    requirement: str,
    relax: tuple[str, ...],
    **options: object,
) -> None:
    """Say what forbids REQUIREMENT in the plan of APP, or what it would change.

    REQUIREMENT is such as 'torch==2.13.0' or 'toolchain:gcc>=16'.
    """
    from ..explain import why_not_blocks
    from ..planner import why_not as ask

    settings = read_settings(options)
    request = plan_request(application, settings, relax=relax)
    with progress_display() as progress:
        answer = ask(request, requirement, progress=progress)
    command = typed(("why-not", application, requirement), {**options, "relax": relax})
    blocks = why_not_blocks(answer.demand, answer.baseline, answer.plan, answer.failure, command)
    show(blocks, colour=settings.colour)
    if answer.failure is not None:
        context.exit(ExitCode.NO_PLAN)
