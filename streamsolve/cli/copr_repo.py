"""``streamsolve copr repo``: a COPR project as a repository on top of a base."""

from __future__ import annotations

import os
import re
from pathlib import Path

import rich_click as click

from ..errors import Code, InputError, Place, nearest
from .options import complete_base, read_settings

__all__ = ["add_repo_command"]

_PROJECT = re.compile(r"(@?[A-Za-z0-9][A-Za-z0-9_.-]*)/([A-Za-z0-9][A-Za-z0-9_.+-]*)", re.ASCII)
_ODD = re.compile(r"[^A-Za-z0-9._-]+")


@click.command("repo")
@click.argument("project", metavar="OWNER/NAME")
@click.option(
    "--base",
    metavar="NAME",
    help="The base that it is put on; with --arch it says which chroot of the project is meant.",
    shell_complete=complete_base,
)
@click.option("--arch", metavar="A", help="The architecture; x86_64 if nothing is said.")
@click.option("--chroot", metavar="CHROOT", help="The chroot, if it is not called BASE-ARCH.")
@click.option(
    "--priority",
    metavar="N",
    type=click.IntRange(1, 99),
    help="Its priority, the project's own if nothing is said; the smaller wins.",
)
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Another configuration of COPR's client than ~/.config/copr.",
)
def repo(
    project: str,
    base: str | None,
    arch: str | None,
    chroot: str | None,
    priority: int | None,
    config: Path | None,
) -> None:
    """Print a COPR project as --repo takes it, for a lock and for what is made of it.

    streamsolve plan APP --repo "$(streamsolve copr repo OWNER/NAME --base BASE)"
    """
    from ..copr import FarmLostError, FarmRefusedError
    from ..copr.credentials import open_farm
    from ..copr.patience import refused

    named = _PROJECT.fullmatch(project)
    if named is None:
        raise InputError(
            Code.BAD_OPTION,
            f"{project!r} names no project",
            hint="write OWNER/NAME, or @GROUP/NAME",
        )
    settings = read_settings({"base": base, "arch": arch})
    wanted = chroot or (f"{Path(settings.base).name}-{settings.arch}" if settings.base else "")
    if not wanted:
        raise InputError(
            Code.BAD_OPTION,
            "which chroot of the project is meant is not said",
            place=Place(project),
            hint="add --base, such as --base centos-stream-10, or --chroot",
        )
    try:
        found = open_farm(config, os.environ, anonymous=True).project(named[1], named[2])
    except FarmRefusedError as error:
        raise refused("show the project", error) from None
    except FarmLostError as error:
        raise InputError(
            Code.FARM_UNREACHABLE,
            f"COPR did not answer when asked for the project: {error.message}",
            hint="try again, or write what COPR's page of the project shows as --repo NAME=URL",
        ) from None
    if found is None:
        raise InputError(Code.NOT_FOR_COPR, "there is no such project", place=Place(project))
    if wanted not in found.results:
        raise InputError(
            Code.NOT_FOR_COPR,
            f"the project builds nothing for {wanted!r}",
            place=Place(project),
            hint=nearest(wanted, found.results),
        )
    rank = priority or found.repo_priority
    ending = f",priority={rank}" if rank else ""
    click.echo(f"{_id(named[1], named[2])}={found.results[wanted]}{ending}")


def _id(owner: str, name: str) -> str:
    """What the repository is called; a group's as COPR calls it in files."""
    written = f"copr-{owner.replace('@', 'group_')}-{name}"
    return _ODD.sub("-", written)


def add_repo_command(group: click.Group) -> None:
    """Add it to a group."""
    group.add_command(repo)
