"""The files of a locked root, and where their repositories are, from what was typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ..errors import Code, ErrorCollector, InputError, Place, nearest
from .option_values import places_of, read_settings
from .progress import progress_display

if TYPE_CHECKING:
    from ..inputs.settings import Settings
    from ..lock import Lock
    from ..model.build import BuildPlan, Root
    from ..model.package_files import PackageFile, RepositoryAddress
    from ..planner.package_files import BuiltFile, RootFiles

__all__ = ["FoundFiles"]

_STREAMS = "streamsolve"
"""What the stream repository is called in lists of files."""


class FoundFiles:
    """A root with its files, and where their repositories are."""

    def __init__(
        self, lock: Lock, root: Root, files: RootFiles, addresses: Mapping[str, RepositoryAddress]
    ) -> None:
        self.lock, self.root, self.files = lock, root, files
        self._addresses = addresses

    @classmethod
    def of(cls, file: Path, options: Mapping[str, Any]) -> FoundFiles:
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

    def repositories(
        self, *, any_kind: bool = False, sources: bool = False
    ) -> tuple[RepositoryAddress, ...]:
        """Those of the files, with ``sources`` of source packages too. Raises :class:`InputErrors`
        for each whose address is not known, or is no ``baseurl`` unless ``any_kind`` is."""
        files: Sequence[PackageFile] = self.files.packages
        if sources:
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

    @property
    def modules(self) -> tuple[str, ...]:
        """The module streams that have to be enabled. Raises as emitters do for a name that no
        module has."""
        from ..emit.grammar import Refusals
        from ..emit.module_state import check_modules, enabled

        refusals = Refusals("")
        check_modules(self.lock.plan, refusals)
        refusals.raise_if_any()
        return enabled(self.lock.plan)

    @property
    def notes(self) -> list[str]:
        """What is left out, and why."""
        return [
            f"{len(names)} packages are left out: {why}, such as {names[0]}"
            for why, names in self.files.missing.items()
        ]


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
    from .mock_base import address_of, known_overlays

    found: dict[str, RepositoryAddress] = {}
    definition = find_definition(lock.plan.base)
    variables = {"releasever": lock.settings.base_release, "basearch": lock.plan.arch}
    for each in definition.repositories if definition else ():
        location = substitute(each.location, variables)
        found[each.id] = RepositoryAddress(each.id, **{each.kind.value: location})
    for one in known_overlays(lock, settings.repos):
        found[one.name] = RepositoryAddress(one.name, **{one.kind.value: address_of(one.location)})
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
