"""``streamsolve emit``: a lock as the lists and lock files of other tools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from ..errors import Code, ErrorCollector, InputError, Place, nearest
from .options import (
    force_option,
    lock_argument,
    output_option,
    place_options,
    places_of,
    read_settings,
)
from .progress import progress_display
from .screen import show

if TYPE_CHECKING:
    from ..emit import Written
    from ..emit.lists import LeftOut
    from ..inputs.settings import Settings
    from ..lock import Lock
    from ..model.build import BuildPlan, Root
    from ..model.package_files import PackageFile, RepositoryAddress
    from ..planner.package_files import BuiltFile, RootFiles

__all__ = ["add_list_commands"]

C = TypeVar("C", bound=Callable[..., Any])

_STREAMS = "streamsolve"
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

    found = _Found.of(file, options)
    files = dnf_manifest(
        found.root, found.lock.plan.arch, found.files.packages, found.repositories(any_kind=True)
    )
    found.tell(_write(directory, files, force), directory)


@click.command("konflux")
@lock_argument
@_of_files
def emit_konflux(file: Path, directory: Path, force: bool, **options: object) -> None:
    """Write a root of the lock FILE for Konflux: rpms.in.yaml and rpms.lock.yaml."""
    from ..emit.lists import konflux_files

    found = _Found.of(file, options)
    files = konflux_files(
        found.lock.plan.arch,
        found.files.packages,
        found.files.sources,
        found.repositories(any_kind=False),
    )
    found.tell(_write(directory, files, force), directory)


@click.command("bazeldnf")
@lock_argument
@_of_files
def emit_bazeldnf(file: Path, directory: Path, force: bool, **options: object) -> None:
    """Write a root of the lock FILE as the lock file of bazeldnf."""
    from ..emit.lists import bazeldnf_lock

    found = _Found.of(file, options)
    name = f"{found.lock.plan.application}-{found.root.id}"
    repositories = found.repositories(any_kind=False)
    files = bazeldnf_lock(name, found.root, found.files.packages, repositories)
    found.tell(_write(directory, files, force), directory)


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


# -- files of a root -------------------------------------------------------------------------------


class _Found:
    """A root with its files, and where their repositories are."""

    def __init__(
        self, lock: Lock, root: Root, files: RootFiles, addresses: Mapping[str, RepositoryAddress]
    ) -> None:
        self.lock, self.root, self.files = lock, root, files
        self._addresses = addresses

    @classmethod
    def of(cls, file: Path, options: Mapping[str, Any]) -> _Found:
        """What the command's options mean. Raises :class:`InputErrors` where files are missing that
        may not be."""
        from ..planner.locking import load_lock
        from ..planner.package_files import files_of_root

        own = ("root_id", "rpms", "addresses", "without_missing")
        root_id, rpms, addresses, partly = (options[name] for name in own)
        places = {name: value for name, value in options.items() if name not in own}
        profile, specs = places.pop("profile", None), places.pop("specs", ())
        fresh = places.pop("fresh", False)
        settings = read_settings({name: value for name, value in places.items() if value})
        lock = load_lock(file)
        given = places_of(lock, settings, profile, specs or (), fresh=fresh)
        root = _root_of(lock, root_id, file)
        with progress_display() as progress:
            built = _built(rpms) if rpms is not None else ()
            files = files_of_root(
                lock, root, given, built, stream_repository=_STREAMS, progress=progress
            )
        if not partly:
            _refuse_gaps(files, file, rpms)
        return cls(lock, root, files, _addresses_of(lock, settings, addresses, rpms))

    def repositories(self, *, any_kind: bool) -> tuple[RepositoryAddress, ...]:
        """Those of the files. Raises :class:`InputErrors` for each whose address is not known, or
        with ``any_kind`` false is no ``baseurl``."""
        files: Sequence[PackageFile] = self.files.packages
        if not any_kind:
            files = (*files, *self.files.sources)
        used = sorted({each.repository for each in files})
        faults = ErrorCollector(Code.BAD_OPTION)
        for id in used:
            address = self._addresses.get(id)
            if address is None or not (any_kind or address.baseurl):
                what = "has no single address" if address else "is not known by its address"
                faults.add(f"the repository {id!r} {what}", Place(), f"add --baseurl {id}=URL")
        faults.raise_if_any("each package needs an address")
        return tuple(self._addresses[id] for id in used)

    def tell(self, written: Written, directory: Path) -> None:
        """What was written, and what is not in it."""
        notes = [
            f"{len(names)} packages are left out: {why}, such as {names[0]}"
            for why, names in self.files.missing.items()
        ]
        _tell(written, directory, notes)


def _root_of(lock: Lock, root_id: str, file: Path) -> Root:
    builds: BuildPlan | None = lock.plan.builds
    root = builds.root(root_id) if builds else None
    if root is None:
        ids = [each.id for each in (builds.runtime, *builds.roots)] if builds else []
        raise InputError(
            Code.BAD_OPTION,
            f"the lock has no root {root_id!r}",
            place=Place(str(file)),
            hint=nearest(root_id, ids),
        )
    return root


def _built(directory: Path) -> tuple[BuiltFile, ...]:
    from ..emit.locked_files import LockedFile
    from ..inputs.rpm_headers import read_rpm_files
    from ..planner.package_files import BuiltFile

    below = directory.resolve()
    return tuple(
        BuiltFile(
            LockedFile(each.header, PurePosixPath(each.path.resolve().relative_to(below))),
            each.path.stat().st_size,
        )
        for each in read_rpm_files([directory])
    )


def _refuse_gaps(files: RootFiles, file: Path, rpms: Path | None) -> None:
    from ..planner.package_files import NOT_BUILT

    faults = ErrorCollector(Code.NOT_EMITTED)
    for why, names in files.missing.items():
        hint = "lock again, or add --without-missing"
        if why == NOT_BUILT:
            hint = "build them" if rpms else "add --rpms DIR, the stream repository"
        what = f"{len(names)} packages are {why}, such as {names[0]}"
        faults.add(what, Place(str(file)), hint)
    faults.raise_if_any("a list of files would not be whole:")


def _addresses_of(
    lock: Lock, settings: Settings, texts: Iterable[str], rpms: Path | None
) -> dict[str, RepositoryAddress]:
    from ..inputs.base_definitions import find_definition
    from ..inputs.repositories import substitute
    from ..model.package_files import RepositoryAddress
    from .mock_base import address_of

    found: dict[str, RepositoryAddress] = {}
    definition = find_definition(lock.plan.base)
    variables = {"releasever": lock.settings.base_release, "basearch": lock.plan.arch}
    for each in definition.repositories if definition else ():
        location = substitute(each.location, variables)
        found[each.id] = RepositoryAddress(each.id, **{each.kind.value: location})
    for name, address in settings.repos:
        found[name] = RepositoryAddress(name, address_of(address.partition(",")[0]))
    if rpms is not None:
        found[_STREAMS] = RepositoryAddress(_STREAMS, address_of(str(rpms)))
    faults = ErrorCollector(Code.BAD_OPTION)
    for text in texts:
        name, _, address = text.partition("=")
        if not name or not address:
            faults.add(f"{text!r} names no address", Place("--baseurl"), "write ID=URL")
            continue
        found[name] = RepositoryAddress(name, address_of(address))
    faults.raise_if_any("the addresses cannot be used")
    return found


# -- writing ---------------------------------------------------------------------------------------


def _write(directory: Path, files: Mapping[str, bytes], force: bool) -> Written:
    from ..emit import write_files

    return write_files(directory, files, replace=force)


def _tell(written: Written, directory: Path, notes: Sequence[str] = ()) -> None:
    from ..explain import Span, Style, paragraph

    head = (Span("✓ ", Style.GOOD), Span(str(directory), Style.NAME))
    blocks = [paragraph(*head, f": {written.counted}.", hang=2)]
    blocks += [paragraph(Span("! ", Style.WARNING), note, hang=2) for note in notes]
    show(blocks, colour=read_settings({}).colour)
