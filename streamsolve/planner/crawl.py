"""What can be reached from an application on a package index, to be used and to be built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from attrs import define, evolve, field
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from ..errors import Code, InputError
from ..inputs.requirement_files import parse_requirement_file
from ..inputs.upstream_extract import write_extract
from ..model.build import BuildSystem
from ..model.component import Kind, distribution
from ..model.profile import Profile
from ..model.progress import Progress
from ..model.requirement import Requirement, parse_requirement
from ..model.target import Target
from ..model.upstream import Release, ReleaseMetadata
from .base_offers import BaseOffers
from .upstream import Index, usable

__all__ = ["Crawl"]

_SERIES = 6
_SERIES_OF_GROUP = 40
_BUILDERS = ("pip", "setuptools", "wheel")


@define
class Crawl:
    """What can be reached from the application, with a window of versions for each.

    It is closed: whatever a release or a package in it requires, at an interpreter and architecture
    of the profile or a base and with an extra that is asked for, is reached as well. So is what is
    needed to build it: of the names ``in_use``, which are reached without building anything, every
    release could be private, so that each sdist is read. Of what is only built with, those count
    that plans are likely to choose; the others would lead to the tools of ten years.
    """

    profile: Profile
    index: Index
    bases: Sequence[BaseOffers]
    progress: Progress
    reached: dict[str, set[str]] = field(factory=dict)
    extras: set[tuple[str, str]] = field(factory=set)
    releases: dict[tuple[str, Version], Release] = field(factory=dict)
    metadata: dict[tuple[str, Version], ReleaseMetadata] = field(factory=dict)
    builds: dict[tuple[str, Version], BuildSystem] = field(factory=dict)
    files: dict[str, str] = field(factory=dict)
    in_use: tuple[str, ...] = ()
    _done: set[tuple[str, Version, frozenset[str]]] = field(factory=set, init=False)
    _omitted: set[str] = field(factory=set, init=False)
    _left_out: set[str] = field(factory=set, init=False)
    """Distributions that plans ask about though nothing uses them: what is omitted, and what a
    group or a fact binds where it is used. The extract knows them, without a release."""
    _unreadable: set[tuple[str, Version]] = field(factory=set, init=False)
    _asked_to_build: set[tuple[str, Version]] = field(factory=set, init=False)

    def run(self) -> None:
        """Go on until nothing new is reached."""
        self.in_use = self.in_use_alone()
        for name in _BUILDERS:
            self._reach(name, "")
        before = None
        while before != self._extent():
            before = self._extent()
            self._follow_builds()
            self._close()

    def in_use_alone(self) -> tuple[str, ...]:
        """The names that are reached without building anything, sorted."""
        variants = len(self.profile.variants)
        self._omitted = {
            omission.component.name
            for omission in self.profile.omissions
            if not omission.variants or len(omission.variants) == variants
        }
        self._start()
        self._close()
        return tuple(sorted(self.reached))

    def _extent(self) -> tuple[int, int, int]:
        """How much is known; it only grows."""
        return len(self.metadata), sum(map(len, self.reached.values())), len(self.extras)

    def _close(self) -> None:
        """Follow what is reached until that adds nothing."""
        while True:
            before = self._extent()
            self._fetch_windows()
            self._follow()
            self._follow_bases()
            self._follow_profile()
            self.progress("following requirements", len(self.metadata), 0)
            if before == self._extent():
                return

    def text(self) -> str:
        """The extract."""
        return write_extract(
            application=self.profile.component.name,
            version=str(self.profile.version),
            releases=[self.releases[key] for key in sorted(self.metadata)],
            metadata=self.metadata,
            build_systems=self.builds,
            files=self.files,
            extras=self.extras,
            arches=sorted({base.base.arch for base in self.bases}),
            names={*self.reached, *self._left_out},
        )

    def _start(self) -> None:
        name, version = self.profile.component.name, self.profile.version
        if self.profile.component.kind is Kind.DISTRIBUTION:
            self._reach(name, f"=={version}")
        for variant in self.profile.variants:
            for requirement in variant.needs:
                self._demand(requirement)
            if variant.files:
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

    def _follow_builds(self) -> None:
        """What the profile says of builds, and the build systems that are not known yet."""
        for rule in self.profile.build_rules:
            component = rule.component
            if component.kind is not Kind.DISTRIBUTION or component.name in self.reached:
                for requirement in rule.needs:
                    self._demand(requirement)
        used = set(self.in_use)
        wanted = {key for key in self.metadata if key[0] in used}
        wanted.update(self._likely())
        wanted -= self._asked_to_build
        self._asked_to_build |= wanted

        def note(_name: str, _version: Version, _error: InputError) -> None:
            """The release is left without: a plan asks the index again, or says so."""

        found = self.index.build_systems(wanted, on_bad=note)
        self.builds.update(found)
        for system in found.values():
            for text in system.requires:
                self._demand(parse_requirement(text))

    def _likely(self) -> Iterator[tuple[str, Version]]:
        """The bases' versions, which are rebuilt first; of the releases that a demand lets in at an
        interpreter the newest, and the newest of those that the most other demands let in."""
        known: dict[str, list[Version]] = {}
        for name, version in sorted(self.metadata):
            known.setdefault(name, []).append(version)
        series = {target.python for target in self._targets}
        for name, versions in known.items():
            for version in self._base_versions(name) & set(versions):
                yield name, version
            demands = [SpecifierSet(text) for text in self.reached[name]]
            let_in = {
                version: {n for n, demand in enumerate(demands) if demand.contains(version, True)}
                for version in versions
            }
            for python in series:
                fitting = [v for v in versions if self._runs_on(name, v, python)]
                for number in range(len(demands)):
                    allowed = [v for v in fitting if number in let_in[v]]
                    if allowed:
                        yield name, allowed[-1]
                        yield name, max(allowed, key=lambda v: (len(let_in[v]), v))

    def _runs_on(self, name: str, version: Version, python: str) -> bool:
        stated = self.metadata[name, version].requires_python
        return f"{python}.0" in SpecifierSet(stated)

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
            self._left_out.update(m.name for m in group.members if m.kind is Kind.DISTRIBUTION)
        for relaxation in self.profile.relaxations:
            if relaxation.component.name in self.reached:
                self._reach(relaxation.component.name, relaxation.to)

    def _allow(self, constrained: Iterable[Requirement]) -> None:
        for requirement in constrained:
            component = requirement.component
            if component.name in self.reached:
                self._demand(requirement)
            elif component.kind is Kind.DISTRIBUTION:
                self._left_out.add(component.name)

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
