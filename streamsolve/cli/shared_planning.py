"""``streamsolve plan APP APP --shared``: several applications at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import rich_click as click

from ..errors import Code, ErrorCollector, ExitCode, InputError, NoPlanError, Place
from .options import plan_request, read_settings
from .progress import progress_display
from .screen import show, show_json

__all__ = ["show_shared"]

_WHY_NOT = {
    "arch": "applications are shared on one architecture: name one",
    "variant": "each application has its own: write APP:VARIANT",
    "app_version": "each application has its profile's",
    "alternatives": "it is about the plan of one application",
    "locked": "a lock is of one application",
    "dump_universe": "it is about the plan of one application",
    "spec": "it is about the builds of one application",
}


def show_shared(
    context: click.RichContext,
    applications: Sequence[str],
    options: Mapping[str, object],
    refused: Mapping[str, object],
    *,
    demands: tuple[str, ...],
    relax: tuple[str, ...],
    fresh: bool,
    builds: bool,
    checks: str | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Plan applications together and show the sets; ``refused`` are the options that say nothing
    here, by name. Ends with 3 where one has no plan even alone."""
    from .planning import show_failure, typed

    several = options.get("arch") if "," in str(options.get("arch")) else None
    _refuse({**refused, "variant": options.get("variant"), "arch": several})
    if checks and not builds:
        raise InputError(
            Code.BAD_OPTION,
            "--checks says how streams are built, and builds are not planned",
            hint="add --builds",
        )
    from ..planner.shared import plan_shared
    from ..planner.shared_names import applications_named

    named = applications_named(applications)
    settings = read_settings(options)
    request = plan_request(
        "", settings, demands=demands, relax=relax, fresh=fresh, builds=builds, checks=checks
    )
    try:
        with progress_display() as progress:
            shared = plan_shared(request, named, progress=progress)
    except NoPlanError as error:
        failure = error.failure
        one = next(
            (each.spelled for each in named if each.profile.name == failure.application),
            failure.application,
        )
        alone = {**options, "variant": failure.variant, "demands": demands, "relax": relax}
        alone["fresh"] = fresh or None
        command = typed(("plan", one), {**alone, "builds": builds or None, "checks": checks})
        show_failure(error, command, as_json, settings.colour)
        context.exit(ExitCode.NO_PLAN)
    if as_json:
        from ..explain.shared_document import shared_document

        show_json(shared_document(shared))
        return
    from ..explain.shared_text import shared_blocks

    show(shared_blocks(shared, everything=everything), colour=settings.colour)


def _refuse(given: Mapping[str, object]) -> None:
    faults = ErrorCollector(Code.BAD_OPTION)
    for name, value in given.items():
        if value not in (None, "", (), False):
            option = f"--{name.replace('_', '-')}"
            faults.add("cannot be given with --shared", Place(option), _WHY_NOT[name])
    faults.raise_if_any("not all options are for several applications")
