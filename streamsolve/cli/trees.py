"""``streamsolve profile``, ``base`` and ``config``: what is known, and what holds here."""

from __future__ import annotations

import rich_click as click

from .groups import Group
from .options import application_argument, cache_directory, read_settings, refresh_options
from .progress import progress_display
from .screen import show

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
@click.argument("files", nargs=-1, metavar="APP...")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of the format instead.")
def profile_check(files: tuple[str, ...], schema: bool) -> None:
    """Check profiles, by name or file; every fault is shown with its line."""
    from ..inputs.profiles import list_profiles, load_profile, schema_text
    from .listings import checked

    if schema:
        click.echo(schema_text(), nl=False)
        return
    profiles = [load_profile(name) for name in files or list_profiles()]
    show(checked(profiles))


@profile.command("refresh")
@application_argument
@refresh_options
def profile_refresh(application: str, bases: tuple[str, ...], **options: object) -> None:
    """Make again what a profile brings for planning offline.

    It is read from bases (directories, or known ones) and from the package index.
    """
    from ..planner.refresh import refresh_profile
    from .listings import written

    settings = read_settings(options)
    read = bases or ((settings.base,) if settings.base else ())
    if not read:
        raise click.UsageError("name the bases to read, such as --base fedora-45")
    with progress_display() as progress:
        paths = refresh_profile(
            application,
            read,
            arch=settings.arch,
            cache=cache_directory(settings),
            index_url=settings.index_url,
            progress=progress,
        )
    show(written(paths), colour=settings.colour)


@click.group(cls=Group)
def base() -> None:
    """Bases that applications can be shipped on."""


@base.command("list")
def base_list() -> None:
    """Name the bases that streamsolve knows."""
    from ..inputs.base_definitions import list_bases
    from .listings import base_rows

    show(base_rows(list_bases()))


@base.command("show")
@click.argument("name")
def base_show(name: str) -> None:
    """Show a base's repositories and what its build roots begin with."""
    from ..inputs.base_definitions import load_base_definition
    from .listings import base_page

    show(base_page(load_base_definition(name)))


@click.group(cls=Group)
def config() -> None:
    """Settings: what holds where no option says it."""


@config.command("show")
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
def config_show(origin: bool) -> None:
    """Show the settings that hold in this directory."""
    from .listings import settings_rows

    settings = read_settings({})
    show(settings_rows(settings, origin=origin), colour=settings.colour)
