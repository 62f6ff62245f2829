"""What a stream needs to build: who says so, and what it means for the choice of streams.

A spec that the packager gives beats all. Else the base's spec counts where the base has one, and
with it the ``[build-system]`` of the sdist that is really built: Fedora's specs ask for that part
only while they build (``%generate_buildrequires``), so it is not among their BuildRequires. The
profile's rules are added to either. What a base's spec asks of Python beyond that, and the
distribution does not require at run time, serves its tests and its documentation. Of what is no
distribution there is no ``[build-system]``: its spec, the rules, and the toolchains that an
application's variant needs say all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property

from attrs import define, evolve, field
from packaging.version import InvalidVersion, Version

from ..errors import InputError, Place
from ..model.build import BuildNeed, BuildSystem, NeedOrigin, NeedRole
from ..model.component import PYTHON, Component, Kind, Scope, distribution
from ..model.package import Package
from ..model.pep508 import parse_version
from ..model.profile import BuildRule
from ..model.requirement import Requirement, parse_requirement, requirement_on
from ..model.rpm_dependency import (
    pep508_from_rpm,
    split_capability,
    version_from_rpm,
)
from ..model.stream import Stream
from ..model.target import Target, series_of
from ..model.upstream import Release
from .book import Book
from .other_architectures import asked_elsewhere
from .stated_needs import Need, Needs, SpecNeeds, by_profile, for_building

__all__ = ["Need", "Needs", "NeedsBook", "SpecNeeds"]

_DISTRIBUTION = re.compile(r"python3(?:\.\d+)?dist\(([^)\[]+)\)")
_COMPILED_BACKENDS = {
    "maturin": ("rust", "cargo"),
    "setuptools_rust": ("rust", "cargo"),
    "setuptools-rust": ("rust", "cargo"),
}
_METHOD = "the build of a distribution"


@define(slots=False)
class NeedsBook:
    """The needs of streams, for one application on one base with one interpreter."""

    book: Book
    target: Target
    specs: Mapping[str, SpecNeeds] = field(factory=dict)
    elsewhere: dict[str, frozenset[str]] = field(factory=dict, init=False)
    """What source packages of the base, by their nevra, ask for on other architectures alone."""
    _systems: dict[tuple[str, Version], BuildSystem | None] = field(factory=dict, init=False)
    _known: dict[tuple[object, ...], Needs] = field(factory=dict, init=False)

    @property
    def alternative(self) -> bool:
        """Whether the interpreter is another one than the base's."""
        return self.target.python != self.book.base.base.python

    def prefetch(self, streams: Iterable[Stream]) -> None:
        """Read together the build systems of streams that will be asked for one by one."""
        wanted = {
            key for stream in streams if (key := self._release_key(stream)) not in self._systems
        }
        missing = sorted(key for key in wanted if key is not None)
        if missing:
            found = self.book.upstream.build_systems(missing)
            self._systems.update({key: found.get(key) for key in missing})

    def of(self, stream: Stream) -> Needs:
        """The needs of a stream."""
        key = stream.offer.key
        if key not in self._known:
            self.prefetch([stream])
            given = self._given(stream)
            found, dropped = self._find(stream)
            self._known[key] = Needs(found, given.conflicts if given else (), dropped)
        return self._known[key]

    # -- who says so ---------------------------------------------------------------------------

    def _find(self, stream: Stream) -> tuple[tuple[Need, ...], tuple[Need, ...]]:
        """What counts, and what the profile drops of a stream that is no distribution."""
        rules, given = self._rules(stream.component), self._given(stream)
        names = {name for rule in rules for name in rule.drops}
        stated = self._stated(stream, rules, given)
        dropped = {need for need in stated if self._is_dropped(need, names)}
        kept = {*stated, *self._method(stream, given)} - dropped
        kept.update(need for rule in rules for need in self._from_rule(rule))
        if stream.component.kind is not Kind.DISTRIBUTION:
            kept.update(map(by_profile, _to_build(stream)))
        told = dropped if stream.component.kind is not Kind.DISTRIBUTION else ()
        return tuple(sorted(kept, key=_order)), tuple(sorted(told, key=_order))

    def _stated(
        self, stream: Stream, rules: Iterable[BuildRule], given: SpecNeeds | None
    ) -> list[Need]:
        """What the spec that counts and the sdist ask for."""
        stated: list[Need] = []
        if given is not None:
            for text in given.build_requires:
                stated += self._from_rpm(text, NeedOrigin.SPEC_FILE, given.place)
            if given.generates:
                stated += self._from_system(stream)
        elif not any(rule.replaces for rule in rules):
            stated += self._from_system(stream)
            known = {need.requirement.component for need in stated if need.requirement}
            stated += self._from_base(stream, known, sure=self._system(stream) is not None)
        return stated

    def _given(self, stream: Stream) -> SpecNeeds | None:
        """The spec that the packager gave."""
        component = stream.component
        return self.specs.get(component.spelled) or self.specs.get(component.name)

    def _rules(self, component: Component) -> tuple[BuildRule, ...]:
        return tuple(
            rule
            for rule in self.book.profile.build_rules
            if rule.component == component and self.book.variant.is_among(rule.variants)
        )

    def _is_dropped(self, need: Need, dropped: set[str]) -> bool:
        name = need.requirement.component.name if need.requirement else ""
        return name in dropped or split_capability_name(need.stated.text) in dropped

    def _from_base(self, stream: Stream, known: set[Component], *, sure: bool) -> Iterable[Need]:
        """The BuildRequires of the base's source package, where the base has the spec."""
        source = self._source_package(stream)
        if source is None:
            return
        at_run_time = {requirement.component for requirement in stream.demands(self.target)}
        same = self._is_of_version(stream)
        base = self.book.base
        packages = [each.package for each in base.of(stream.component)]
        gone = asked_elsewhere(source, packages, base.base.arch, base.pool)
        if gone:
            self.elsewhere[source.nevra] = gone
        for text in (each for each in source.requires if each not in gone):
            for need in self._from_rpm(text, NeedOrigin.BASE_SPEC, source.nevra):
                required = need.requirement
                tests = False
                if required is not None and required.component == PYTHON:
                    need = need if same else evolve(need, requirement=None)
                elif required is not None:
                    tests = sure and required.component not in (known | at_run_time)
                    if not same:
                        # What the base's version of it must be bound to says nothing of this one.
                        need = evolve(need, requirement=_unbound(required))
                role = NeedRole.CHECK if tests else NeedRole.BUILD
                yield evolve(need, stated=evolve(need.stated, role=role))

    def _is_of_version(self, stream: Stream) -> bool:
        return stream.component == PYTHON or any(
            base.offer.version == stream.version for base in self.book.base.of(stream.component)
        )

    def _source_package(self, stream: Stream) -> Package | None:
        component = stream.component
        pool = self.book.base.pool
        if component == PYTHON:
            # Fedora's source package of its default Python is called as that of any other.
            own = f"python{self.book.base.base.python}"
            for name in (f"python{series_of(stream.version)}", own, *self._default_source):
                for found in pool.sources(name)[:1]:
                    return found
            return None
        # A distribution that the profile builds from a source of its own does not start from the
        # base's spec. The source of any other component is no index's, so that it has to be said.
        python = component.kind is Kind.DISTRIBUTION
        if stream.offer.prebuilt or (python and self.book.sources.repository(component)):
            return None
        for base in self.book.base.of(component):
            if not self.book.base.is_compat(base) and base.package.source:
                for found in pool.sources(base.package.source)[:1]:
                    return found
        return None

    @cached_property
    def _default_source(self) -> tuple[str, ...]:
        """The source package of the base's own interpreter."""
        package = self.book.base.interpreters.get(self.book.base.base.python)
        return (package.source,) if package is not None and package.source else ()

    def _from_system(self, stream: Stream) -> Iterable[Need]:
        system = self._system(stream)
        if system is None:
            return
        release = self._release_key(stream)
        place = f"{release[0]} {release[1]} pyproject.toml" if release else ""
        for text in system.requires:
            try:
                requirement = parse_requirement(text, place=Place(place))
            except InputError:
                yield Need(BuildNeed(text, NeedOrigin.BUILD_SYSTEM, place=place), native=text)
                continue
            if requirement.applies(self.target):
                yield self._on_distribution(
                    requirement, BuildNeed(text, NeedOrigin.BUILD_SYSTEM, place=place)
                )
        backend = system.backend.partition(".")[0].partition(":")[0]
        for name in _COMPILED_BACKENDS.get(backend, ()):
            yield self._plain(name, NeedOrigin.METHOD, f"a build with {backend}")

    def _system(self, stream: Stream) -> BuildSystem | None:
        key = self._release_key(stream)
        return self._systems.get(key) if key is not None else None

    def _release_key(self, stream: Stream) -> tuple[str, Version] | None:
        """The release whose sdist is built, None where there is no such."""
        offer = stream.offer
        if offer.component.kind is not Kind.DISTRIBUTION or offer.prebuilt:
            return None
        release = self._release(stream)
        if release is not None:
            return (release.name, release.version) if release.sdists else None
        if offer.component == self.book.root.component:
            return (offer.component.name, offer.version)
        return None

    def _release(self, stream: Stream) -> Release | None:
        """The upstream release behind a stream; the application's own is among no offers."""
        if stream.component != self.book.root.component:
            return self.book.release(stream.offer)
        listed = self.book.upstream.releases(stream.component.name, (stream.version,))
        return next((release for release in listed if release.version == stream.version), None)

    def _method(self, stream: Stream, given: SpecNeeds | None) -> Iterable[Need]:
        """What building a distribution needs, whatever it is."""
        if stream.component.kind is not Kind.DISTRIBUTION:
            return
        place = _METHOD
        yield self._about(
            "python3-devel", BuildNeed("python3-devel", NeedOrigin.METHOD, place=place)
        )
        if given is not None and not given.generates:
            return
        yield self._plain("pyproject-rpm-macros", NeedOrigin.METHOD, place)
        if stream.component.name != "pip":
            stated = BuildNeed("pip", NeedOrigin.METHOD, place=place)
            yield self._on_distribution(requirement_on(distribution("pip"), ""), stated)
        release = self._release(stream)
        pure = stream.offer.prebuilt or (release is not None and release.pure)
        if given is None and not pure and self._source_package(stream) is None:
            for name in ("gcc", "gcc-c++"):
                yield self._plain(name, NeedOrigin.METHOD, "a build of compiled code")

    def _from_rule(self, rule: BuildRule) -> Iterable[Need]:
        place = str(rule.place) or "the profile"
        for text in rule.requires:
            yield self._of_follower(rule, text, place)
        for requirement in rule.needs:
            stated = BuildNeed(
                requirement.text,
                NeedOrigin.PROFILE,
                place=place,
                component=requirement.component.spelled,
            )
            yield Need(stated, requirement=for_building(requirement))

    def _of_follower(self, rule: BuildRule, text: str, place: str) -> Need:
        """A requirement that may hold the numbers of a stream that it follows."""
        stated = BuildNeed(text, NeedOrigin.PROFILE, place=place)
        if "{" not in text:
            return evolve(self._about(text, stated), stated=stated)
        kind, _, name = rule.follows.rpartition(":")
        leader = Component(Kind(kind), name) if kind else distribution(name)
        return Need(stated, native=text, external=(leader, text))

    def _plain(self, text: str, origin: NeedOrigin, place: str) -> Need:
        return Need(BuildNeed(text, origin, place=place), native=text)

    # -- what it means -------------------------------------------------------------------------

    def _from_rpm(self, text: str, origin: NeedOrigin, place: str) -> Iterable[Need]:
        yield self._about(text, BuildNeed(text, origin, place=place))

    def _about(self, text: str, stated: BuildNeed) -> Need:
        """What a text in RPM's language asks for."""
        requirement = pep508_from_rpm(text)
        if requirement is not None:
            component = self._component_of(requirement.component.name)
            return self._on_distribution(evolve(requirement, component=component), stated)
        part = self._interpreter_part(text)
        if part is not None and self.alternative:
            return self._of_interpreter(text, part, stated)
        if part is not None:
            return Need(stated, native=text)
        named = self._named(text)
        if named is not None:
            return self._on_distribution(named, stated)
        return Need(stated, native=text)

    def _on_distribution(self, requirement: Requirement, stated: BuildNeed) -> Need:
        """A need of a distribution: a program of the base where it is one and fits."""
        tool = next(
            (t for t in self.book.profile.build_tools if t.component == requirement.component),
            None,
        )
        if tool is not None:
            for package in self.book.base.pool.named(tool.package)[:1]:
                version = _parsed(package.version)
                if version is not None and requirement.allows(version):
                    return Need(stated, native=f"{package.name} = {package.evr}")
        about = evolve(stated, component=requirement.component.spelled)
        return Need(about, requirement=for_building(requirement))

    def _interpreter_part(self, text: str) -> str | None:
        """Which part of the interpreter a text about the base's own means: ``-devel``, or empty for
        the interpreter itself; None for what is about neither."""
        if text[0] in "(/":
            return None
        for package in self.book.base.pool.providers(text)[:1]:
            name, dash, part = package.name.partition("-")
            # The command without a number is the default's alone.
            if name == "python3" and package.source and (package.source,) == self._default_source:
                return f"{dash}{part}"
        return None

    def _of_interpreter(self, text: str, part: str, stated: BuildNeed) -> Need:
        """A part of the private interpreter; what only another series meets is a requirement on
        the interpreter, which then says so."""
        _, op, evr = split_capability(text)
        bound = version_from_rpm(_version_in(evr)) if op else None
        if bound is not None and bound.major == Version(self.target.python).major:
            requirement = requirement_on(PYTHON, f"{'==' if op == '=' else op}{bound}")
            if not requirement.allows(Version(self.target.full_version)):
                return Need(stated, requirement=for_building(requirement), subpackage=part)
        return Need(stated, subpackage=part)

    def _named(self, text: str) -> Requirement | None:
        """The distribution that a package name such as ``python3-six >= 1.16`` stands for."""
        name, op, evr = split_capability(text) if text[0] not in "(/" else ("", "", "")
        if not name.startswith("python3"):
            return None
        for package in self.book.base.pool.providers(name)[:1]:
            found = [
                match[1]
                for provided in package.provides
                if (match := _DISTRIBUTION.fullmatch(split_capability(provided)[0]))
            ]
            version = version_from_rpm(_version_in(evr)) if op else None
            if found and (version is not None or not op):
                specifier = f"{'==' if op == '=' else op}{version}" if version else ""
                plain = package.name.removeprefix("python3-").lower()
                own = min(found, key=lambda each: (each != plain, len(each), each))
                return requirement_on(self._component_of(own), specifier)
        return None

    def _component_of(self, provided: str) -> Component:
        """The component whose distribution a base provides under another name."""
        for name, other in self.book.profile.names.items():
            if other == provided:
                return distribution(name)
        return distribution(provided)


def split_capability_name(text: str) -> str:
    """The name that a plain dependency or a requirement begins with."""
    return re.split(r"[\s<>=!~;\[(]", text, maxsplit=1)[0]


def _version_in(evr: str) -> str:
    """The version without epoch and release."""
    return evr.rpartition(":")[2].partition("-")[0]


def _unbound(requirement: Requirement) -> Requirement:
    return requirement_on(
        requirement.component, "", scope=requirement.scope, extras=requirement.extras
    )


def _to_build(stream: Stream) -> Iterable[Requirement]:
    """What a stream itself says of its build: the toolchains that an application's variant
    needs. What builds a distribution is said by its metadata and by rules."""
    return (each for each in stream.requirements if each.scope is Scope.BUILD)


def _order(need: Need) -> tuple[object, ...]:
    return (need.stated, need.native, need.subpackage or "")


def _parsed(text: str) -> Version | None:
    try:
        return parse_version(text)
    except InvalidVersion:
        return None
