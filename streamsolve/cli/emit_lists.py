"""``streamsolve emit``: a lock as the lists and lock files of other tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from ..errors import Code, InputError
from .options import (
    force_option,
    lock_argument,
    output_option,
    place_options,
    read_settings,
)
from .root_files import FoundFiles
from .screen import show

if TYPE_CHECKING:
    from ..emit import Written
    from ..emit.lists import LeftOut

__all__ = ["add_list_commands"]

C = TypeVar("C", bound=Callable[..., Any])

_PYLOCK = "pylock.toml"

_output = output_option("Write into DIR.")
_root = click.option(
    "--root", "root_id", metavar="ROOT", default="runtime", help="Which root; runtime by default."
)
_rpms = click.option(
    "--rpms",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The stream repository with what was built.",
)
_addresses = click.option(
    "--baseurl",
    "addresses",
    metavar="ID=URL",
    multiple=True,
    help="Where a repository is, by its id in the lock (streamsolve is that of --rpms); may be "
    "given again. A base that is known needs none, unless each package must have an address.",
)
_partly = click.option(
    "--without-missing", is_flag=True, help="Leave out packages of which no file is there."
)


def _of_files(command: C) -> C:
    """Options of the lists that name RPM files."""
    for option in reversed((_output, _root, _rpms, _addresses, _partly, force_option)):
        command = option(command)
    return place_options(command)


@click.command("dnf-manifest")
@lock_argument
@_of_files
def emit_dnf_manifest(file: Path, directory: Path, force: bool, **options: object) -> None:
    """Write a root of the lock FILE for dnf: rpms.in.yaml and packages.manifest.yaml."""
    from ..emit.lists import dnf_manifest

    found = FoundFiles.of(file, options)
    files = dnf_manifest(
        found.root,
        found.lock.plan.arch,
        found.files.packages,
        found.repositories(any_kind=True),
        found.modules,
        found.files.streams,
    )
    _tell(_write(directory, files, force), directory, found.notes)


@click.command("konflux")
@lock_argument
@_of_files
def emit_konflux(file: Path, directory: Path, force: bool, **options: object) -> None:
    """Write a root of the lock FILE for Konflux: rpms.in.yaml and rpms.lock.yaml."""
    from ..emit.lists import konflux_files

    found = FoundFiles.of(file, options)
    files = konflux_files(
        found.lock.plan.arch,
        found.files.packages,
        found.files.sources,
        found.repositories(sources=True),
        found.modules,
        found.files.modules,
        found.lock.settings.repositories,
    )
    _tell(_write(directory, files, force), directory, found.notes)


@click.command("bazeldnf")
@lock_argument
@_of_files
def emit_bazeldnf(file: Path, directory: Path, force: bool, **options: object) -> None:
    """Write a root of the lock FILE as the lock file of bazeldnf."""
    from ..emit.lists import bazeldnf_lock

    found = FoundFiles.of(file, options)
    name = f"{found.lock.plan.application}-{found.root.id}"
    files = bazeldnf_lock(name, found.root, found.files.packages, found.repositories())
    _tell(_write(directory, files, force), directory, found.notes)


@click.command("constraints")
@lock_argument
@_output
@force_option
def emit_constraints(file: Path, directory: Path, force: bool) -> None:
    """Write the Python part of the lock FILE: constraints.txt and pylock.toml.

    constraints.txt names every distribution, whoever ships it. pylock.toml names the files of the
    private ones below sources/, where `streamsolve sources` puts them.
    """
    from ..emit.lists import constraints, pylock
    from ..emit.lists.python_lists import CONSTRAINTS
    from ..planner.locking import load_lock

    plan = load_lock(file).plan
    text, left_out = pylock(plan)
    written = _write(directory, {CONSTRAINTS: constraints(plan), _PYLOCK: text}, force)
    _tell(written, directory, _without_files(left_out))


def _without_files(left_out: Sequence[LeftOut]) -> list[str]:
    if not left_out:
        return []
    names = ", ".join(f"{one.name} {one.version}" for one in left_out)
    return [
        f"{_PYLOCK} leaves {len(left_out)} out: their sources are no files, but revisions of "
        f"source repositories or parts of the base: {names}."
    ]


@click.command("fromager")
@lock_argument
@_output
@force_option
def emit_fromager(file: Path, directory: Path, force: bool) -> None:
    """Write the lock FILE for Fromager: constraints, requirements and settings."""
    from ..emit.lists import fromager_settings
    from ..planner.locking import load_lock

    _tell(_write(directory, fromager_settings(load_lock(file).plan), force), directory)


@click.command("modulemd")
@lock_argument
@_output
@force_option
@click.option("--stream", metavar="STREAM", help="The module's stream; its version by default.")
@click.option("--platform", metavar="STREAM", help="The stream of the base's release, as f45.")
def emit_modulemd(
    file: Path, directory: Path, force: bool, stream: str | None, platform: str | None
) -> None:
    """Write the lock FILE as a module: its components with their build order."""
    from ..emit.lists import module_document
    from ..inputs.base_definitions import find_definition
    from ..planner.locking import load_lock
    from .mock_base import platform as platform_of

    plan = load_lock(file).plan
    if not platform:
        definition = find_definition(plan.base)
        known = platform_of(definition.dist.lstrip(".")) if definition else ""
        platform = known.partition(":")[2]
    if not platform:
        raise InputError(
            Code.BAD_OPTION,
            f"what modules call the release of {plan.base!r} is not known",
            hint="add --platform, such as --platform f45",
        )
    files = module_document(plan, stream=stream or str(plan.version), platform=platform)
    _tell(_write(directory, files, force), directory)


@click.command("koji")
@lock_argument
@_output
@force_option
@click.option(
    "--tag", metavar="TAG", required=True, help="The application's tag; further ones begin with it."
)
@click.option("--owner", metavar="USER", required=True, help="Who owns the packages in the tags.")
@click.option("--parent", metavar="TAG", default="", help="A tag of Koji that has the base.")
@click.option(
    "--baseurl",
    "addresses",
    metavar="ID=URL",
    multiple=True,
    help="Where a repository of the base is, by its id in the lock, if not --parent has the base; "
    "may be given again.",
)
@click.option(
    "--repo",
    "repos",
    metavar="NAME=URL[,priority=N]",
    multiple=True,
    help="Where a repository on top of the base is; may be given again.",
)
@click.option(
    "--scm",
    metavar="TEMPLATE",
    default="",
    help="Build from repositories, with chain-build: an address in which {package}, {version} and "
    "{stream} (NAME-VERSION) stand, such as git+https://example.org/{package}.git#{version}. "
    "Without it, from the source packages in DIR/srpms.",
)
@click.option(
    "-d",
    "--dir",
    "emitted",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="What `emit mock` wrote: its specs say what packages are called.",
)
def emit_koji(file: Path, directory: Path, force: bool, **options: Any) -> None:  # noqa: ANN401
    """Write the lock FILE for Koji: koji.sh, which sets up tags and builds, and koji.json."""
    from ..emit.lists import koji_files
    from ..planner.locking import load_lock
    from .koji_options import koji_notes, koji_settings

    lock = load_lock(file)
    settings = koji_settings(lock, options)
    files = koji_files(lock.plan, settings, file=str(file))
    _tell(_write(directory, files, force), directory, koji_notes(lock, settings))


def add_list_commands(group: click.Group) -> None:
    """Add all of these commands to a group."""
    for command in (
        emit_dnf_manifest,
        emit_konflux,
        emit_bazeldnf,
        emit_constraints,
        emit_fromager,
        emit_modulemd,
        emit_koji,
    ):
        group.add_command(command)


def _write(directory: Path, files: Mapping[str, bytes], force: bool) -> Written:
    from ..emit import write_files

    return write_files(directory, files, replace=force)


def _tell(written: Written, directory: Path, notes: Sequence[str] = ()) -> None:
    from ..explain import Span, Style, paragraph

    head = (Span("✓ ", Style.GOOD), Span(str(directory), Style.NAME))
    blocks = [paragraph(*head, f": {written.counted}.", hang=2)]
    blocks += [paragraph(Span("! ", Style.WARNING), note, hang=2) for note in notes]
    show(blocks, colour=read_settings({}).colour)
