"""Whether a lock can still be done today, against a base, the package index and the profile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from .._version import __version__
from ..errors import Code, InputError
from ..inputs.bases import open_base, parse_overlay
from ..inputs.profiles import load_profile
from ..inputs.shipped import default_cache
from ..inputs.transport import Transport
from ..lock import Lock
from ..model.build import BuildPlan
from ..model.component import Origin
from ..model.difference import RepositoryMove, SettingChange
from ..model.package import Base, Package
from ..model.plan import PlannedStream
from ..model.profile import Profile
from ..model.progress import Progress, no_progress
from ..model.upstream import Artifact, Release
from ..model.verification import Fate, PackageFate, SourceFate, Unseen, Verification
from ..solving import PackagePool
from .module_streams import chosen_modules
from .planning import extract_of
from .request import PlanRequest

if TYPE_CHECKING:
    from ..inputs.upstream_extract import UpstreamExtract

__all__ = ["check_base", "verify_lock"]

_INDEX = "pkg:pypi/"
_RPM = re.compile(r"pkg:rpm/(?:[^/]+/)?(?P<name>[^@?/]+)(?:@[^?]*)?\?arch=src")
_NOT_CACHED = "they are not in the cache, and there is no network"


def verify_lock(
    lock: Lock, given: PlanRequest, *, progress: Progress = no_progress
) -> Verification:
    """Look for everything that a lock needs, where it is today.

    ``given`` says where: the base (else the one of the lock's name), the repositories on top of it,
    the profile, the index and the cache. Offline, the base is looked for in the cache, and sources
    in the cache and in what comes with the tool; what cannot be seen is told. Raises
    :class:`InputError` for a base or an index that cannot be used.
    """
    cache = given.cache or default_cache()
    transport = Transport(offline=given.offline, cache=cache, progress=progress)
    found = _Found(lock)
    profile = _profile(lock, given, found)
    base = _base(lock, given, transport, found)
    if base is not None:
        found.repositories += _moves(lock, base, found)
        found.settings += _base_settings(lock, base)
        pool = PackagePool.open(base.repositories, arch=base.arch, cache=cache, progress=progress)
        with pool:
            _hide(lock, base, pool, found)
            found.look_for_packages(base, pool)
            found.look_for_source_packages(pool)
    found.look_for_files(
        _Releases(transport, given, cache, extract_of(profile) if profile else None)
    )
    return found.verification()


def check_base(
    lock: Lock, given: PlanRequest
) -> tuple[tuple[RepositoryMove, ...], tuple[Unseen, ...]]:
    """Which repositories of a lock's base moved, and which cannot be seen.

    Without a base in ``given``, the one of the lock's name is looked for in the cache alone.
    """
    cache = given.cache or default_cache()
    transport = Transport(offline=given.offline or not given.base, cache=cache)
    found = _Found(lock)
    base = _base(lock, given, transport, found, named=bool(given.base))
    moves = () if base is None else tuple(_moves(lock, base, found))
    # Packages are none of the question here.
    return moves, tuple(sorted(each for each in found.unseen if "repository" in each.what))


def _hide(lock: Lock, base: Base, pool: PackagePool, found: _Found) -> None:
    """Hide what the base's modules hide from the lock's roots."""
    chosen = lock.settings.modules
    try:
        pool.hide(chosen_modules(base, chosen).hidden)
    except InputError:
        # One that is gone, or no longer goes with the others: what it had is hidden with it.
        found.compare("modules", " ".join(chosen), "")
        pool.hide(chosen_modules(base, ()).hidden)


# -- what there is today ---------------------------------------------------------------------------


def _base(
    lock: Lock, given: PlanRequest, transport: Transport, found: _Found, *, named: bool = True
) -> Base | None:
    """The whole base, or None where it cannot be seen without network; with ``named`` false, also
    where nothing says where it lies."""
    name = given.base or lock.plan.base
    unknown = (Code.OFFLINE_NOT_CACHED,) if named else (Code.OFFLINE_NOT_CACHED, Code.UNKNOWN_BASE)
    try:
        return open_base(
            name,
            arch=lock.plan.arch,
            transport=transport,
            overlays=[parse_overlay(text) for text in given.overlays],
        )
    except InputError as error:
        if error.code is Code.UNKNOWN_BASE and named and not given.base:
            hint = "name the base's repositories with --base DIRECTORY"
            raise InputError(error.code, error.message, place=error.place, hint=hint) from None
        if error.code not in unknown:
            raise
        number = len(lock.plan.repositories)
        found.unseen.append(Unseen("repository of the base", number, _NOT_CACHED))
        pinned = len(found.pinned)
        found.unseen.append(Unseen("package of the base", pinned, _NOT_CACHED))
        return None


def _profile(lock: Lock, given: PlanRequest, found: _Found) -> Profile | None:
    """The profile, as far as it is known by the lock's name or by a path."""
    try:
        profile = load_profile(given.application or lock.settings.profile)
    except InputError as error:
        if given.application or error.code is not Code.UNKNOWN_APPLICATION:
            raise
        why = (
            f"no profile {lock.settings.profile} comes with the tool; name its file with --profile"
        )
        found.unseen.append(Unseen("profile", 1, why))
        return None
    found.compare("profile", lock.settings.profile, profile.name)
    found.compare("profile_sha256", lock.settings.profile_sha256, profile.digest)
    return profile


def _moves(lock: Lock, base: Base, found: _Found) -> Iterable[RepositoryMove]:
    """The repositories of other content. Those on top of the base are seen where they are given,
    and a base's further ones take nothing away."""
    today = {repository.id: repository.digest for repository in base.repositories}
    for repository in lock.plan.repositories:
        if repository.id not in today and repository.id in lock.settings.overlays:
            why = f"say where {repository.id} is with --repo {repository.id}=URL"
            found.unseen.append(Unseen("repository on top of the base", 1, why))
        elif today.get(repository.id, "") != repository.repomd_sha256:
            now = today.get(repository.id, "")
            yield RepositoryMove(repository.id, repository.repomd_sha256, now)
    known = {repository.id for repository in lock.plan.repositories}
    for name in sorted(today.keys() - known):
        yield RepositoryMove(name, "", today[name])


def _base_settings(lock: Lock, base: Base) -> Iterable[SettingChange]:
    settings = lock.settings
    pairs = (
        ("base", lock.plan.base, base.name),
        ("base_release", settings.base_release, base.release),
        ("build_group", ", ".join(settings.build_group), ", ".join(sorted(base.build_group))),
    )
    return (SettingChange(name, old, new) for name, old, new in pairs if old != new)


@frozen
class _Releases:
    """The files of releases: by the index, or without network by the cache and the extract."""

    transport: Transport
    given: PlanRequest
    cache: Path
    extract: UpstreamExtract | None

    def of(self, names: Iterable[str]) -> tuple[dict[str, tuple[Release, ...]], set[str]]:
        """The releases by distribution, and those of which not all releases are known."""
        from ..inputs.index import PackageIndex

        index = PackageIndex(
            self.transport,
            endpoint=self.given.index_url or None,
            cache=self.cache,
            arch=self.given.arch,
        )
        wanted = sorted(set(names))
        if not self.given.offline:
            return index.releases_of(wanted), set()
        found: dict[str, tuple[Release, ...]] = {}
        for name in wanted:
            try:
                found[name] = index.releases(name)
            except InputError as error:
                if error.code is not Code.OFFLINE_NOT_CACHED:
                    raise
        embedded = set(wanted) - found.keys()
        if self.extract is not None:
            for name in embedded:
                found[name] = self.extract.releases(name)
        return found, embedded


# -- what a lock needs -----------------------------------------------------------------------------


@define
class _Found:
    """What is found out about a lock."""

    lock: Lock
    packages: list[PackageFate] = field(factory=list, init=False)
    sources: list[SourceFate] = field(factory=list, init=False)
    repositories: list[RepositoryMove] = field(factory=list, init=False)
    settings: list[SettingChange] = field(factory=list, init=False)
    unseen: list[Unseen] = field(factory=list, init=False)
    packages_seen: int = field(default=0, init=False)
    sources_seen: int = field(default=0, init=False)
    _roots: dict[Package, int] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        builds = _builds(self.lock)
        for root in (builds.runtime, *builds.roots):
            for package in root.packages:
                self._roots[package] = self._roots.get(package, 0) + 1
        self.compare("tool", self.lock.settings.tool, __version__)
        unpinned = [p for p in self._roots if not p.checksum and p.repository != "private"]
        if unpinned:
            why = "their repository was not at hand when they were locked: nothing pins them"
            self.unseen.append(Unseen("external package", len(unpinned), why))

    @property
    def pinned(self) -> tuple[Package, ...]:
        """The packages with a checksum, sorted."""
        return tuple(sorted(package for package in self._roots if package.checksum))

    def compare(self, name: str, old: str, new: str) -> None:
        """Note a setting that is another one today."""
        if old != new:
            self.settings.append(SettingChange(name, old, new))

    def look_for_packages(self, base: Base, pool: PackagePool) -> None:
        """Every package with a checksum, by its full name in whatever repository."""
        here = {repository.id for repository in base.repositories}
        hidden = {name for name in self.lock.settings.overlays if name not in here}
        for package in self.pinned:
            if package.repository in hidden:
                continue
            self.packages_seen += 1
            named = pool.named(package.name)
            same = [p.checksum for p in named if p.nevra == package.nevra]
            if package.checksum in same:
                continue
            self.packages.append(
                PackageFate(
                    Fate.CHANGED if same else Fate.GONE,
                    package.nevra,
                    package.repository,
                    self._roots[package],
                    package.checksum,
                    min(same, default=""),
                    tuple(dict.fromkeys(p.evr for p in named if p.arch == package.arch)),
                )
            )
        lost = sum(1 for package in self.pinned if package.repository in hidden)
        if lost:
            why = "their repository on top of the base was not given"
            self.unseen.append(Unseen("package", lost, why))

    # -- sources -------------------------------------------------------------------------------

    def _private(self) -> tuple[PlannedStream, ...]:
        return self.lock.plan.of_origin(Origin.PRIVATE)

    def look_for_source_packages(self, pool: PackagePool) -> None:
        """Streams that are built from a source package of the base."""
        for stream in self._private():
            match = _RPM.fullmatch(stream.source.purl)
            if match is not None:
                self.sources_seen += 1
                if not pool.sources(match["name"]):
                    self._lost(stream, Fate.GONE)

    def look_for_files(self, releases: _Releases) -> None:
        """Streams that are built from a file of the index, and those that nobody can look for."""
        streams = [s for s in self._private() if s.source.purl.startswith(_INDEX)]
        listed, partly = releases.of(_project(stream) for stream in streams)
        unknown = 0
        for stream in streams:
            name = _project(stream)
            release = _release(listed.get(name, ()), stream)
            if release is None and name in partly:
                unknown += 1
                continue
            self.sources_seen += 1
            self._look_at(stream, release)
        if unknown:
            why = (
                "neither the cache nor what comes with the tool lists them, and there is no network"
            )
            self.unseen.append(Unseen("source", unknown, why))
        known = (_INDEX, "pkg:rpm/")
        others = [s for s in self._private() if not s.source.purl.startswith(known)]
        if others:
            why = "they are revisions of source repositories, which no index lists"
            self.unseen.append(Unseen("source", len(others), why))

    def _look_at(self, stream: PlannedStream, release: Release | None) -> None:
        files: Mapping[str, Artifact] = {}
        if release is not None:
            files = {file.filename: file for file in (*release.sdists, *release.wheels)}
        file = files.get(stream.source.filename)
        if file is None:
            self._lost(stream, Fate.GONE)
        elif file.sha256 and file.sha256 != stream.source.sha256:
            self._lost(stream, Fate.CHANGED, file.sha256)
        elif release is not None and release.yanked:
            self._lost(stream, Fate.YANKED)

    def _lost(self, stream: PlannedStream, fate: Fate, found: str = "") -> None:
        source = stream.source
        self.sources.append(
            SourceFate(
                fate,
                stream.component.spelled,
                str(stream.version),
                source.purl,
                source.filename,
                source.sha256,
                found,
            )
        )

    def verification(self) -> Verification:
        """Everything, sorted."""
        return Verification(
            tuple(sorted(self.packages)),
            tuple(sorted(self.sources)),
            tuple(sorted(self.repositories, key=lambda move: move.id)),
            tuple(sorted(self.settings, key=lambda change: change.name)),
            tuple(sorted(self.unseen)),
            self.packages_seen,
            self.sources_seen,
        )


def _builds(lock: Lock) -> BuildPlan:
    if lock.plan.builds is None:
        raise ValueError("a lock has builds")
    return lock.plan.builds


def _project(stream: PlannedStream) -> str:
    """The distribution in ``pkg:pypi/NAME@VERSION``."""
    return stream.source.purl.removeprefix(_INDEX).partition("@")[0]


def _release(releases: Iterable[Release], stream: PlannedStream) -> Release | None:
    """The release in ``pkg:pypi/NAME@VERSION``: a stream's local label is the plan's own."""
    wanted = stream.source.purl.partition("@")[2]
    return next((release for release in releases if str(release.version) == wanted), None)
