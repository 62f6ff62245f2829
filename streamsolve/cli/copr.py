"""``streamsolve copr``: a locked plan built in COPR."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import rich_click as click

from ..errors import ExitCode
from .copr_plan import directory_of, planned, rows_of
from .copr_repo import add_repo_command
from .copr_source import add_source_command
from .groups import Group
from .lock_questions import all_option, json_option
from .options import lock_argument, read_settings
from .screen import show, show_json

if TYPE_CHECKING:
    from ..copr import FarmPlan
    from ..copr.patience import Patience
    from ..copr.projects import Setup

__all__ = ["copr"]

C = TypeVar("C", bound=Callable[..., object])

_OPTIONS = (
    click.option(
        "--project",
        metavar="OWNER/NAME",
        required=True,
        help="The project that holds the application; others that are needed begin with NAME.",
    ),
    click.option(
        "--chroot",
        "chroots",
        metavar="CHROOT",
        multiple=True,
        help="Build in this chroot; BASE-ARCH if nothing is said. May be given again.",
    ),
    click.option(
        "-d",
        "--dir",
        "directory",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="What `emit mock` wrote: source packages are in DIR/srpms.",
    ),
    click.option(
        "--source",
        "sources",
        metavar="[COMPONENT=]METHOD",
        multiple=True,
        help="Where the source of a component comes from: srpm, custom, pypi, or "
        "distgit:[NAMESPACE/]PACKAGE@COMMIT; of all others without COMPONENT. May be given again.",
    ),
    click.option(
        "--lock-url",
        metavar="URL",
        default="",
        help="Where COPR can fetch this lock, for the custom source method.",
    ),
    click.option(
        "--source-package",
        "builddeps",
        metavar="NAME",
        multiple=True,
        help="What the custom source method installs to make sources; curl and streamsolve if "
        "nothing is said. May be given again.",
    ),
    click.option(
        "--repo",
        "repos",
        metavar="NAME=URL[,priority=N]",
        multiple=True,
        help="Where a repository on top of the lock's base is; may be given again.",
    ),
    click.option(
        "--package",
        "packages",
        metavar="NAME",
        multiple=True,
        help="Install a package in every build root; may be given again.",
    ),
    click.option(
        "--module",
        "modules",
        metavar="[!]NAME:STREAM",
        multiple=True,
        help="Enable a module stream in every build root, or disable it; may be given again.",
    ),
    click.option(
        "--isolation",
        type=click.Choice(["unchanged", "default", "simple", "nspawn"]),
        default="unchanged",
        metavar="HOW",
        help="How mock isolates a build: default, simple or nspawn.",
    ),
    click.option(
        "--config",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The configuration of COPR's client; ~/.config/copr if nothing is said.",
    ),
)


@click.group(cls=Group)
def copr() -> None:
    """Build a lock in COPR."""


add_source_command(copr)
add_repo_command(copr)


def patience_here() -> Patience:
    """How long to wait for COPR."""
    from ..copr.patience import Patience

    return Patience()


def _plan_options(command: C) -> C:
    """The options that say what COPR should have."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return lock_argument(command)


@copr.command("push")
@_plan_options
@click.option("--dry-run", is_flag=True, help="Say what would change and be built; change nothing.")
@click.option(
    "--ahead",
    metavar="N",
    type=click.IntRange(min=0),
    help="Submit N levels beyond the first that is not over; all if nothing is said. With 0 "
    "nothing starts before all before it is over, so nothing ever starts after a failure.",
)
@click.option("--prune", is_flag=True, help="Delete builds of other plans of streamsolve first.")
@all_option
@click.pass_context
def push(
    context: click.RichContext,
    /,
    file: Path,
    dry_run: bool,
    ahead: int | None,
    prune: bool,
    everything: bool,
    config: Path | None,
    **options: object,
) -> None:
    """Build the lock FILE in COPR: its projects, then its builds level by level.

    It watches until all is over, and cancels what depends on a failure. Stopped, it goes on where
    it was when it is run again: what was built from the same is not built again. Ends with 4 if a
    build failed.
    """
    from ..copr import farm_status
    from ..copr import push as push_plan
    from ..copr.credentials import open_farm
    from ..copr.journal import open_journal
    from ..copr.projects import check_farm, compare
    from ..explain.copr_text import dry_run_blocks, notice_blocks, summary_blocks
    from .copr_display import PushDisplay

    settings = read_settings({})
    colour = settings.colour
    plan = planned(file, options)
    show(notice_blocks(notice.text for notice in plan.notices), colour=colour)
    farm = open_farm(config, os.environ, directory_of(options))
    patience = patience_here()
    with open_journal(file, farm.address(), plan.owner, plan.project) as journal:
        if dry_run:
            check_farm(farm, plan, patience)
            _show_setup(plan, compare(farm, plan, patience), colour, only_shown=True)
            status = farm_status(farm, plan, journal, patience, may_miss=True)
            rows = rows_of(plan, status.standings, status.builds, {})
            show(dry_run_blocks(rows, f"{plan.owner}/{plan.project}", everything), colour=colour)
            return
        with PushDisplay(plan) as display:
            report = push_plan(
                farm,
                plan,
                journal,
                patience=patience,
                ahead=ahead,
                prune=prune,
                watch=display,
                set_up=lambda setup: _show_setup(plan, setup, colour, only_shown=False),
            )
    blocks = summary_blocks(
        rows_of(plan, report.standings, report.builds, report.logs),
        f"{plan.owner}/{plan.project}",
        submitted=len(report.submitted),
        canceled=report.canceled,
        left_over=report.left_over,
        runtime=[f"{plan.owner}/{name}" for name in plan.runtime],
    )
    show(blocks, colour=colour)
    if not report.is_built:
        context.exit(ExitCode.BUILD_FAILED)


def _show_setup(plan: FarmPlan, setup: Setup, colour: str, *, only_shown: bool) -> None:
    from ..explain.copr_text import ChangeRow, change_blocks

    rows = [ChangeRow(c.project, c.chroot, c.field, c.old, c.new) for c in setup.changes]
    show(change_blocks(plan.owner, rows, only_shown=only_shown), colour=colour)


@copr.command("status")
@_plan_options
@all_option
@json_option
def status(
    file: Path, config: Path | None, everything: bool, as_json: bool, **options: object
) -> None:
    """Show how far the lock FILE is in COPR: every build, by level, and the logs of what failed."""
    from ..copr import farm_status
    from ..copr.credentials import open_farm
    from ..copr.journal import journal_path, read_journal
    from ..explain.copr_text import status_blocks, status_document

    settings = read_settings({})
    plan = planned(file, options)
    farm = open_farm(config, os.environ, directory_of(options))
    project = f"{plan.owner}/{plan.project}"
    path = journal_path(file, plan.owner, plan.project)
    found = farm_status(farm, plan, read_journal(path, farm.address(), project), patience_here())
    rows = rows_of(plan, found.standings, found.builds, found.logs)
    if as_json:
        show_json(status_document(rows, project, drifted=found.drifted))
    else:
        show(
            status_blocks(rows, project, drifted=found.drifted, everything=everything),
            colour=settings.colour,
        )


@copr.command("webhook")
@_plan_options
@click.option(
    "--component",
    "components",
    metavar="NAME",
    multiple=True,
    help="Only for this component; may be given again.",
)
@click.option(
    "--set-up",
    is_flag=True,
    help="Set up the packages that the addresses rebuild; needs --lock-url.",
)
@click.option(
    "--new-secret",
    is_flag=True,
    help="Make new secrets and print them in the addresses; those from before stop working.",
)
def webhook(
    file: Path,
    config: Path | None,
    components: tuple[str, ...],
    set_up: bool,
    new_secret: bool,
    **options: object,
) -> None:
    """Print the addresses at which upstreams have their component of the lock FILE built again.

    What is sent there decides nothing: what is built is what the lock says.
    """
    from ..copr import webhook_addresses
    from ..copr.credentials import open_farm
    from ..copr.webhook import set_up_webhooks
    from ..explain.copr_text import AddressRow, address_blocks

    settings = read_settings({})
    # A package that COPR builds by itself has no file of ours to be uploaded.
    plan = planned(file, {**options, "sources": options["sources"] or ("custom",)}, webhooks=True)
    farm = open_farm(config, os.environ, directory_of(options))
    patience = patience_here()
    made = set_up_webhooks(farm, plan, components, patience) if set_up else ()
    found = webhook_addresses(farm, plan, components, new_secret=new_secret, patience=patience)
    rows = [AddressRow(one.component, one.url) for one in found]
    show(address_blocks(rows, hidden=not new_secret, set_up=made), colour=settings.colour)
