"""Make the embedded extracts again, from bases and the package index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from attrs import define, evolve, field
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from ..errors import InputError
from ..inputs.bases import open_base
from ..inputs.embedded_base import write_extract as write_base_extract
from ..inputs.index import PackageIndex
from ..inputs.profiles import load_profile
from ..inputs.requirement_files import parse_requirement_file
from ..inputs.shipped import default_cache, profiles_directory
from ..inputs.transport import Transport
from ..inputs.upstream_extract import write_extract
from ..model.component import PYTHON, Component, Kind, distribution
from ..model.package import Base, Package
from ..model.profile import Profile
from ..model.progress import Progress, no_progress
from ..model.requirement import Requirement, parse_requirement
from ..model.root import RootRequest, RootSolution
from ..model.target import Target
from ..model.upstream import Release, ReleaseMetadata
from ..solving import PackagePool
from ..storage import write_atomically
from .base_offers import BaseOffers
from .upstream import usable

__all__ = ["refresh_profile"]

_SERIES = 6
_SERIES_OF_GROUP = 40


def refresh_profile(
    application: str,
    bases: Sequence[str],
    *,
    arch: str = "x86_64",
    cache: Path | None = None,
    index_url: str = "",
    directory: Path | None = None,
    progress: Progress = no_progress,
) -> tuple[Path, ...]:
    """Write the extracts of ``bases`` and of the index near an application, and return the files.

    ``directory`` is where profiles lie, if not those that come with the tool. Everything is made
    before anything is written.
    """
    profile = load_profile(application)
    where = directory or profiles_directory()
    store = cache or default_cache()
    transport = Transport(cache=store, progress=progress)
    index = PackageIndex(transport, endpoint=index_url or None, cache=store, arch=arch)
    opened = [open_base(name, arch=arch, transport=transport) for name in bases]
    files: dict[Path, str] = {}
    pools = [
        PackagePool.open(b.repositories, arch=arch, cache=store, progress=progress) for b in opened
    ]
    try:
        offers = [BaseOffers(pool, base, profile) for pool, base in zip(pools, opened, strict=True)]
        crawl = _Crawl(profile, index, offers, arch, progress)
        crawl.run()
        files[where / profile.name / "upstream.jsonl"] = crawl.text()
        for base, of_base in zip(opened, offers, strict=True):
            packages = _near(of_base, profile, sorted(crawl.reached))
            path = where / "bases" / f"{base.name}-{arch}.jsonl"
            files[path] = write_base_extract(_extract(base, of_base.python, packages))
    finally:
        for pool in pools:
            pool.close()
    for path, text in sorted(files.items()):
        write_atomically(path, text.encode())
    return tuple(sorted(files))


@define
class _Crawl:
    """What can be reached from the application, with a window of versions for each."""

    profile: Profile
    index: PackageIndex
    bases: Sequence[BaseOffers]
    arch: str
    progress: Progress
    reached: dict[str, set[str]] = field(factory=dict)
    extras: set[tuple[str, str]] = field(factory=set)
    releases: dict[tuple[str, Version], Release] = field(factory=dict)
    metadata: dict[tuple[str, Version], ReleaseMetadata] = field(factory=dict)
    files: dict[str, str] = field(factory=dict)
    _done: set[tuple[str, Version, frozenset[str]]] = field(factory=set, init=False)
    _omitted: set[str] = field(factory=set, init=False)

    def run(self) -> None:
        """Go on until nothing new is reached."""
        variants = len(self.profile.variants)
        self._omitted = {
            omission.component.name
            for omission in self.profile.omissions
            if not omission.variants or len(omission.variants) == variants
        }
        self._start()
        while True:
            before = (len(self.metadata), sum(map(len, self.reached.values())), len(self.extras))
            self._fetch_windows()
            self._follow()
            self._follow_bases()
            after = (len(self.metadata), sum(map(len, self.reached.values())), len(self.extras))
            self.progress("following requirements", len(self.metadata), 0)
            if before == after:
                return

    def text(self) -> str:
        """The extract."""
        return write_extract(
            application=self.profile.component.name,
            version=str(self.profile.version),
            releases=[self.releases[key] for key in sorted(self.metadata)],
            metadata=self.metadata,
            files=self.files,
            extras=self.extras,
            arches=(self.arch,),
        )

    def _start(self) -> None:
        name, version = self.profile.component.name, self.profile.version
        self._reach(name, f"=={version}")
        for variant in self.profile.variants:
            for requirement in variant.needs:
                self._demand(requirement)
            if not variant.wheel:
                self._read_files(name, version, variant.files)
        for rule in self.profile.rules:
            for stream in rule.streams:
                for requirement in (*stream.requires, *stream.constrains):
                    if requirement.component.name in self.reached:
                        self._demand(requirement)

    def _read_files(self, name: str, version: Version, paths: Iterable[str]) -> None:
        members = self.index.read_sdist_member(
            name, version, lambda path: path.endswith(".txt") and "require" in path
        )
        texts = {path: content.decode("utf-8", "replace") for path, content in members.items()}

        def include(path: str) -> str | None:
            if path in texts:
                self.files[path] = texts[path]
            return texts.get(path)

        for path in paths:
            self.files[path] = texts[path]
            parsed = parse_requirement_file(texts[path], file=path, include=include)
            for requirement in parsed.requirements:
                self._demand(requirement)

    def _demand(self, requirement: Requirement) -> None:
        component = requirement.component
        if component.kind is not Kind.DISTRIBUTION or component.name in self._omitted:
            return
        if not self._somewhere(requirement, ""):
            return
        self._reach(component.name, str(requirement.specifier))
        self.extras.update((component.name, extra) for extra in requirement.extras)

    def _reach(self, name: str, specifier: str) -> None:
        self.reached.setdefault(name, set()).add(specifier)

    def _somewhere(self, requirement: Requirement, extra: str) -> bool:
        series = {*self.profile.interpreters, *(base.python for base in self.bases)}
        return any(requirement.applies(Target(python, self.arch), extra) for python in series)

    def _fetch_windows(self) -> None:
        listings = self.index.releases_of(sorted(self.reached))
        wanted = []
        for name, specifiers in sorted(self.reached.items()):
            every = usable(listings.get(name, ()))
            keep = self._base_versions(name)
            for release in self._window(name, every, specifiers, keep):
                self.releases[name, release.version] = release
                if (name, release.version) not in self.metadata:
                    wanted.append((name, release.version))
        unreadable: list[tuple[str, Version]] = []

        def note(name: str, version: Version, _error: InputError) -> None:
            unreadable.append((name, version))

        self.metadata.update(self.index.metadata(wanted, on_bad=note))

    def _window(
        self, name: str, every: Sequence[Release], specifiers: set[str], keep: set[Version]
    ) -> list[Release]:
        """For each demand the newest release of the newest series it allows; exact pins; the
        bases' versions; of a group's members, a release of each series."""
        grouped = any(
            member.name == name for group in self.profile.groups for member in group.members
        )
        limit = _SERIES_OF_GROUP if grouped else _SERIES
        found: dict[Version, Release] = {r.version: r for r in every if r.version in keep}
        for specifier in specifiers:
            parsed = SpecifierSet(specifier)
            newest: dict[tuple[int, ...], Release] = {}
            for release in every:
                public = Version(release.version.public)
                if parsed.contains(release.version, prereleases=True) or any(
                    s.operator == "==" and Version(s.version.split("+")[0].rstrip(".*")) == public
                    for s in parsed
                    if "+" in s.version
                ):
                    newest[release.version.release[:2]] = release
            for release in list(newest.values())[-limit:]:
                found[release.version] = release
        return list(found.values())

    def _base_versions(self, name: str) -> set[Version]:
        component = distribution(name)
        return {found.offer.version for base in self.bases for found in base.of(component)}

    def _follow(self) -> None:
        for (name, version), metadata in sorted(self.metadata.items()):
            extras = frozenset(extra for of, extra in self.extras if of == name)
            if (name, version, extras) in self._done:
                continue
            self._done.add((name, version, extras))
            if name == self.profile.component.name and not any(
                variant.wheel for variant in self.profile.variants
            ):
                continue
            for text in metadata.requires:
                try:
                    requirement = parse_requirement(text)
                except InputError:
                    continue
                if any(self._somewhere(requirement, extra) for extra in ("", *extras)):
                    plain = evolve(requirement, marker="")
                    self._demand(plain)

    def _follow_bases(self) -> None:
        """What the bases' own packages of the distributions require."""
        for name in sorted(self.reached):
            extras = {extra for of, extra in self.extras if of == name}
            for base in self.bases:
                for found in base.of(distribution(name)):
                    stream = base.stream(found)
                    asked = [r for extra in extras for r in stream.extras.get(extra, ())]
                    for requirement in (*stream.requirements, *asked):
                        self._demand(requirement)


def _extract(base: Base, python: str, packages: dict[str, tuple[Package, ...]]) -> Base:
    repositories = tuple(
        evolve(repository, content=packages.get(repository.id, ()))
        for repository in base.repositories
    )
    return evolve(base, python=python, repositories=repositories, embedded=True)


def _near(
    offers: BaseOffers, profile: Profile, names: Sequence[str]
) -> dict[str, tuple[Package, ...]]:
    """The base's packages of what can be reached, with all that each needs to be installed."""
    pool = offers.pool
    components = [
        PYTHON,
        *(distribution(name) for name in names),
        *(rule.component for rule in profile.rules),
    ]
    found: dict[str, Package] = {}
    for component in components:
        for package in _packages(offers, component):
            solution = pool.solve(RootRequest((f"{package.name} = {package.evr}",)))
            members = solution.packages if isinstance(solution, RootSolution) else ()
            for member in (package, *members):
                found[f"{member.repository} {member.nevra}"] = member
    for need in profile.native_needs:
        solution = pool.solve(RootRequest(need.requires))
        if isinstance(solution, RootSolution):
            found.update({f"{p.repository} {p.nevra}": p for p in solution.packages})
    for series in profile.interpreters:
        for package in pool.sources(f"python{series}"):
            found[f"{package.repository} {package.nevra}"] = evolve(package, requires=())
    grouped: dict[str, list[Package]] = {}
    for package in found.values():
        grouped.setdefault(package.repository, []).append(package)
    return {repository: tuple(sorted(of)) for repository, of in grouped.items()}


def _packages(offers: BaseOffers, component: Component) -> Iterable[Package]:
    for stream in offers.of(component):
        yield stream.package
        if component.kind is Kind.DISTRIBUTION:
            yield from offers.extra_packages(stream.package)
