"""``streamsolve profile``, ``base`` and ``config``: what is known, and what holds here."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ..errors import Code, ErrorCollector
from .groups import Group
from .options import (
    application_argument,
    cache_directory,
    complete_base,
    read_settings,
    refresh_options,
)
from .progress import progress_display
from .screen import show

if TYPE_CHECKING:
    from ..model.package import Base
    from ..model.profile import Profile

__all__ = ["base", "config", "profile"]


@click.group(cls=Group)
def profile() -> None:
    """Applications that can be planned, each described by a profile."""


@profile.command("list")
def profile_list() -> None:
    """Name the profiles that come with streamsolve."""
    from ..inputs.profiles import list_profiles, load_profile
    from .listings import profile_rows

    show(profile_rows(load_profile(name) for name in list_profiles()))


@profile.command("show")
@application_argument
def profile_show(application: str) -> None:
    """Show the variants of a profile and each decision that it takes."""
    from ..inputs.profiles import load_profile
    from .listings import profile_page

    show(profile_page(load_profile(application)))


@profile.command("check")
@click.argument("files", nargs=-1, metavar="[APP]...")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of the format instead.")
def profile_check(files: tuple[str, ...], schema: bool) -> None:
    """Check profiles, by name or file; every fault is shown with its line.

    Without one, all that come with streamsolve. A file that profiles include is checked as such.
    """
    from ..inputs.profiles import (
        check_component_file,
        is_component_file,
        list_profiles,
        load_profile,
        schema_text,
    )
    from .listings import checked

    if schema:
        click.echo(schema_text(), nl=False)
        return
    names = files or list_profiles()
    faults = ErrorCollector(Code.BROKEN_PROFILE)
    profiles: list[Profile] = []
    included: list[str] = []
    for name in names:
        # What is said of one by itself names it first; of several each fault names its file.
        with faults.collect() if len(names) > 1 else nullcontext():
            if is_component_file(name):
                check_component_file(name)
                included.append(name)
            else:
                profiles.append(load_profile(name))
    show(checked(profiles, included))
    faults.raise_if_any(f"of {len(names)} profiles not all are usable")


@profile.command("refresh")
@application_argument
@refresh_options
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where to write, if not beside the profile.",
)
def profile_refresh(
    application: str, bases: tuple[str, ...], output: Path | None, **options: object
) -> None:
    """Make again what a profile brings for planning offline.

    It is read from bases (directories, or known ones) and from the package index, and written
    beside the profile. The extracts of bases that are not named are kept.
    """
    from ..planner.refresh import refresh_files, refresh_profile
    from .listings import written

    settings = read_settings(options)
    read = bases or ((settings.base,) if settings.base else ())
    if not read:
        raise click.UsageError("name the bases to read, such as --base fedora-45")
    files = refresh_files(application, read, arch=settings.arch, output=output)
    for path in files.written:
        click.echo(f"will write {path}", err=True)
    for path in files.kept:
        click.echo(f"keeps {path}: its base is not read", err=True)
    with progress_display() as progress:
        paths = refresh_profile(
            application,
            read,
            arch=settings.arch,
            cache=cache_directory(settings),
            index_url=settings.index_url,
            output=output,
            progress=progress,
        )
    show(written(paths), colour=settings.colour)
    if not paths:
        click.echo("nothing has changed", err=True)


@click.group(cls=Group)
def base() -> None:
    """Bases that applications can be shipped on."""


@base.command("list")
def base_list() -> None:
    """Name the bases that streamsolve knows."""
    from ..inputs.base_definitions import list_bases
    from ..inputs.overlay_definitions import list_overlays
    from .listings import base_rows

    show(base_rows(list_bases(), list_overlays()))


@base.command("show")
@click.argument("name", metavar="NAME|DIR", shell_complete=complete_base)
def base_show(name: str) -> None:
    """Show the repositories of a base, and what is known of it.

    NAME is a known base, or a directory of repositories.
    """
    from ..inputs.base_definitions import find_definition
    from .listings import base_directory_page, base_page

    definition = find_definition(name)
    if definition is not None:
        show(base_page(definition))
        return
    show(base_directory_page(_opened(name)))


def _opened(name: str) -> Base:
    """A base as a plan would open it, with the Python that its packages provide."""
    from attrs import evolve

    from ..inputs.bases import open_base
    from ..inputs.shipped import default_cache
    from ..inputs.transport import Transport
    from ..solving import PackagePool

    settings = read_settings({})
    cache = cache_directory(settings) or default_cache()
    with progress_display() as progress:
        transport = Transport(offline=settings.offline, cache=cache, progress=progress)
        opened = open_base(name, arch=settings.arch, transport=transport)
        if opened.python:
            return opened
        loaded = PackagePool.open(
            opened.repositories, arch=opened.arch, cache=cache, progress=progress
        )
        with loaded as pool:
            return evolve(opened, python=pool.python_abi())


@click.group(cls=Group)
def config() -> None:
    """Settings: what holds where no option says it."""


@config.command("show")
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
def config_show(origin: bool) -> None:
    """Show the settings that hold in this directory."""
    from ..inputs.shipped import default_cache
    from .listings import settings_rows

    settings = read_settings({})
    defaults = {
        "base": "the profile's",
        "variant": "the profile's",
        "python": "the best for the plan",
        "cache": str(default_cache()),
        "index-url": "the public index",
        "modules": "none",
    }
    rows = settings_rows(settings, origin=origin, defaults=defaults)
    show(rows, colour=settings.colour)
