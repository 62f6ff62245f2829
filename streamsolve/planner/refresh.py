"""Make the embedded extracts of an application again, from bases and the package index.

They lie beside its profile: ``upstream.jsonl``, and ``bases/NAME-ARCH.jsonl`` for each base. No two
applications share one. A base whose extract is there already keeps it, and what the upstream
extract holds for it, unless it is read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from attrs import define, evolve, field, frozen
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from ..errors import Code, InputError
from ..inputs.base_definitions import find_definition
from ..inputs.bases import EXTRACTS, extract_path, open_base
from ..inputs.embedded_base import read_extract as read_base_extract
from ..inputs.embedded_base import write_extract as write_base_extract
from ..inputs.index import PackageIndex
from ..inputs.profiles import load_profile
from ..inputs.requirement_files import parse_requirement_file
from ..inputs.shipped import default_cache
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

__all__ = ["RefreshFiles", "refresh_files", "refresh_profile"]

_SERIES = 6
_SERIES_OF_GROUP = 40
_UPSTREAM = "upstream.jsonl"


@frozen
class RefreshFiles:
    """What a refresh makes: the ``upstream`` extract and those of ``bases``, in the order in which
    they were named. ``kept`` are the extracts of other bases, which stay as they are."""

    upstream: Path
    bases: tuple[Path, ...]
    kept: tuple[Path, ...]


def refresh_files(
    application: str, bases: Sequence[str], *, arch: str = "x86_64", output: Path | None = None
) -> RefreshFiles:
    """The files that :func:`refresh_profile` makes with the same arguments; no base is opened.

    Raises :class:`InputError` when two bases would have one file.
    """
    return _files(load_profile(application), bases, arch, output)


def refresh_profile(
    application: str,
    bases: Sequence[str],
    *,
    arch: str = "x86_64",
    cache: Path | None = None,
    index_url: str = "",
    output: Path | None = None,
    progress: Progress = no_progress,
) -> tuple[Path, ...]:
    """Write the extracts of ``bases`` and of the index near an application, and return the files
    that changed, sorted; one that would stay the same is not touched.

    ``output`` is a directory, if not that of the profile. Everything is made before anything is
    written.
    """
    profile = load_profile(application)
    files = _files(profile, bases, arch, output)
    store = cache or default_cache()
    transport = Transport(cache=store, progress=progress)
    index = PackageIndex(transport, endpoint=index_url or None, cache=store, arch=arch)
    kept = [read_base_extract(path.read_text("utf-8"), file=str(path)) for path in files.kept]
    opened = [open_base(name, arch=arch, transport=transport) for name in bases]
    made: dict[Path, str] = {}
    with ExitStack() as stack:

        def offers_of(base: Base) -> BaseOffers:
            pool = PackagePool.open(
                base.repositories, arch=base.arch, cache=store, progress=progress
            )
            return BaseOffers(stack.enter_context(pool), base, profile)

        fresh = [offers_of(base) for base in opened]
        crawl = _Crawl(profile, index, [*fresh, *map(offers_of, kept)], progress)
        crawl.run()
        made[files.upstream] = crawl.text()
        for path, offers in zip(files.bases, fresh, strict=True):
            packages = _near(offers, profile, sorted(crawl.reached))
            made[path] = write_base_extract(_extract(offers.base, offers.python, packages))
    return _write(made)


def _files(profile: Profile, bases: Sequence[str], arch: str, output: Path | None) -> RefreshFiles:
    where = output or Path(profile.directory)
    paths = tuple(extract_path(_base_name(name), arch, where / EXTRACTS) for name in bases)
    for path in paths:
        if paths.count(path) > 1:
            raise InputError(
                Code.BAD_OPTION,
                f"two bases are called {path.stem.removesuffix(f'-{arch}')!r}",
                hint="name each base once",
            )
    found = sorted((where / EXTRACTS).glob("*.jsonl"))
    return RefreshFiles(where / _UPSTREAM, paths, tuple(p for p in found if p not in paths))


def _base_name(name_or_directory: str) -> str:
    """What :func:`open_base` calls a base."""
    definition = find_definition(name_or_directory)
    return definition.name if definition else Path(name_or_directory).expanduser().resolve().name


def _write(made: dict[Path, str]) -> tuple[Path, ...]:
    changed = [
        path
        for path, text in sorted(made.items())
        if not path.is_file() or path.read_bytes() != text.encode()
    ]
    for path in changed:
        write_atomically(path, made[path].encode())
    return tuple(changed)


@define
class _Crawl:
    """What can be reached from the application, with a window of versions for each.

    It is closed: whatever a release or a package in it requires, at an interpreter and architecture
    of the profile or a base and with an extra that is asked for, is reached as well.
    """

    profile: Profile
    index: PackageIndex
    bases: Sequence[BaseOffers]
    progress: Progress
    reached: dict[str, set[str]] = field(factory=dict)
    extras: set[tuple[str, str]] = field(factory=set)
    releases: dict[tuple[str, Version], Release] = field(factory=dict)
    metadata: dict[tuple[str, Version], ReleaseMetadata] = field(factory=dict)
    files: dict[str, str] = field(factory=dict)
    _done: set[tuple[str, Version, frozenset[str]]] = field(factory=set, init=False)
    _omitted: set[str] = field(factory=set, init=False)
    _left_out: set[str] = field(factory=set, init=False)
    _unreadable: set[tuple[str, Version]] = field(factory=set, init=False)

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
            self._follow_profile()
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
            arches=sorted({base.base.arch for base in self.bases}),
            names={*self.reached, *self._left_out},
        )

    def _start(self) -> None:
        name, version = self.profile.component.name, self.profile.version
        self._reach(name, f"=={version}")
        for variant in self.profile.variants:
            for requirement in variant.needs:
                self._demand(requirement)
            if not variant.wheel:
                self._read_files(name, version, variant.files)

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
            if path not in texts:
                raise InputError(
                    Code.BROKEN_PROFILE,
                    f"the source of {name} {version} has no file {path}",
                    hint="name files as they lie in the sdist, below its top directory",
                )
            self.files[path] = texts[path]
            parsed = parse_requirement_file(texts[path], file=path, include=include)
            for requirement in parsed.requirements:
                self._demand(requirement)

    def _demand(self, requirement: Requirement) -> None:
        component = requirement.component
        if component.kind is not Kind.DISTRIBUTION or not self._somewhere(requirement, ""):
            return
        if component.name in self._omitted:
            self._left_out.add(component.name)
            return
        self._reach(component.name, str(requirement.specifier))
        self.extras.update((component.name, extra) for extra in requirement.extras)

    def _reach(self, name: str, specifier: str) -> None:
        self.reached.setdefault(name, set()).add(specifier)

    def _somewhere(self, requirement: Requirement, extra: str) -> bool:
        return any(requirement.applies(target, extra) for target in self._targets)

    @cached_property
    def _targets(self) -> tuple[Target, ...]:
        """Every target that a plan could be for. That of a base's own interpreter is there with
        the full version that a base states too, which a marker may ask for."""
        found: set[Target] = set()
        for offers in self.bases:
            base = offers.base
            for series in (offers.python, *offers.interpreters, *self.profile.interpreters):
                found.add(Target(series, base.arch))
            found.add(Target(offers.python, base.arch, base.python_full))
        return tuple(sorted(target for target in found if target.python))

    def _fetch_windows(self) -> None:
        listings = self.index.releases_of(sorted(self.reached))
        wanted = []
        for name, specifiers in sorted(self.reached.items()):
            every = usable(listings.get(name, ()))
            keep = self._base_versions(name)
            for release in self._window(name, every, specifiers, keep):
                self.releases[name, release.version] = release
                key = (name, release.version)
                if key not in self.metadata and key not in self._unreadable:
                    wanted.append(key)

        def note(name: str, version: Version, _error: InputError) -> None:
            self._unreadable.add((name, version))

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

    def _follow_profile(self) -> None:
        """What the profile itself demands of what is used, and what it lets in instead."""
        for rule in self.profile.rules:
            for stream in rule.streams:
                for requirement in stream.requires:
                    self._demand(requirement)
                self._allow(stream.constrains)
        for group in self.profile.groups:
            for pairing in group.pairings:
                self._allow(pairing.constrains)
        for relaxation in self.profile.relaxations:
            if relaxation.component.name in self.reached:
                self._reach(relaxation.component.name, relaxation.to)

    def _allow(self, constrained: Iterable[Requirement]) -> None:
        for requirement in constrained:
            if requirement.component.name in self.reached:
                self._demand(requirement)

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
