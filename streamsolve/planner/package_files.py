"""The files of a root's packages: of the base as it lists them, private ones as they were built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import field, frozen

from ..emit.dnf_conf import is_private
from ..emit.grammar import Refusals
from ..emit.locked_files import LockedFile, locked_files
from ..inputs.bases import open_base, parse_overlay
from ..inputs.shipped import default_cache
from ..inputs.transport import Transport
from ..lock import Lock
from ..model.build import Root
from ..model.module_filter import plain_name
from ..model.package import Base, MetadataFile, Package, RpmMd
from ..model.package_files import PackageFile
from ..model.progress import Progress, no_progress
from ..solving import PackagePool
from .module_streams import chosen_modules
from .request import PlanRequest

__all__ = ["NOT_BUILT", "BuiltFile", "RootFiles", "files_of_root"]

NOT_BUILT = "not built yet"
"""Why a private package has no file."""


@frozen(order=True)
class BuiltFile:
    """A package that was built, as it lies in the stream repository, and its size in bytes."""

    file: LockedFile
    size: int


@frozen
class RootFiles:
    """The files of a root, sorted; the source packages of those of the base; and the packages
    (name-evr.architecture) of which no file was found, by why. Where the lock has module streams,
    ``streams`` says by full name which packages are of which stream (``nodejs:20``), and
    ``modules`` are the files that describe modules in the repositories of those."""

    packages: tuple[PackageFile, ...]
    sources: tuple[PackageFile, ...]
    missing: Mapping[str, tuple[str, ...]]
    modules: tuple[PackageFile, ...] = ()
    streams: Mapping[str, str] = field(factory=dict)


def files_of_root(
    lock: Lock,
    root: Root,
    given: PlanRequest,
    built: Sequence[BuiltFile] = (),
    *,
    stream_repository: str = "",
    progress: Progress = no_progress,
) -> RootFiles:
    """Look every package of a root up, by what was locked of it.

    ``given`` says where the base is, if not where its name says; ``built`` are files of the
    repository ``stream_repository``. Raises :class:`InputErrors` for a file that was built and is
    not the locked one, and :class:`InputError` for a base that cannot be read.
    """
    cache = given.cache or default_cache()
    transport = Transport(offline=given.offline, cache=cache, progress=progress)
    base = open_base(
        given.base or lock.plan.base,
        arch=lock.plan.arch,
        transport=transport,
        overlays=[parse_overlay(text) for text in given.overlays],
    )
    refusals = Refusals("")
    own, _ = locked_files(root, [each.file for each in built], refusals)
    refusals.raise_if_any()
    sizes = {each.file: each.size for each in built}
    found: list[PackageFile] = []
    missing: dict[str, list[str]] = {}
    with PackagePool.open(
        base.repositories, arch=base.arch, cache=cache, progress=progress
    ) as pool:
        for package in root.packages:
            file, why = _file_of(package, pool)
            if package.nevra in own:
                file = _built(own[package.nevra], stream_repository, sizes)
            if file is not None:
                found.append(file)
            else:
                missing.setdefault(why, []).append(package.nevra)
        sources = _sources(found, pool)
    return RootFiles(
        tuple(sorted(found)),
        sources,
        {why: tuple(sorted(names)) for why, names in sorted(missing.items())},
        *_modules(lock, base, found),
    )


def _modules(
    lock: Lock, base: Base, files: Sequence[PackageFile]
) -> tuple[tuple[PackageFile, ...], Mapping[str, str]]:
    """The files that describe modules, and the stream of each package that is of one."""
    if not lock.plan.modules:
        return (), {}
    index = chosen_modules(base, lock.settings.modules).index
    active = {(each.name, each.stream) for each in lock.plan.modules}
    owner = {
        plain_name(text): f"{build.name}:{build.stream}"
        for build in index.streams
        if (build.name, build.stream) in active
        for text in build.artifacts
    }
    streams = {file.nevra: owner[file.nevra] for file in files if file.nevra in owner}
    used = {file.repository for file in files if file.nevra in streams}
    described = tuple(
        sorted(
            _described(each.id, each.content.modules)
            for each in base.repositories
            if each.id in used and isinstance(each.content, RpmMd) and each.content.modules
        )
    )
    return described, streams


def _described(repository: str, file: MetadataFile) -> PackageFile:
    return PackageFile(
        "modules",
        "",
        "",
        repository,
        file.location,
        f"sha256:{file.sha256}",
        file.path.stat().st_size,
    )


def _file_of(package: Package, pool: PackagePool) -> tuple[PackageFile | None, str]:
    if not package.checksum:
        if is_private(package):
            return None, NOT_BUILT
        return None, "of a third party whose repository was not at hand when they were locked"
    for file in pool.files(package.name):
        if file.checksum == package.checksum:
            return file, ""
    return None, "no longer in the base"


def _built(found: LockedFile, repository: str, sizes: Mapping[LockedFile, int]) -> PackageFile:
    header = found.header
    return PackageFile(
        header.name,
        header.evr,
        header.arch,
        repository,
        str(found.path),
        f"sha256:{header.sha256}",
        sizes[found],
    )


def _sources(files: Iterable[PackageFile], pool: PackagePool) -> tuple[PackageFile, ...]:
    wanted = {file.source for file in files if file.source}
    names = {source.rsplit("-", 2)[0] for source in wanted}
    return tuple(
        sorted(
            source
            for name in names
            for source in pool.files(name, source=True)
            if source.location.rpartition("/")[2] in wanted
        )
    )
