"""The offer book: what the base, upstream, third parties and the profile have of a component."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import define, evolve, field
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from ..errors import InputError
from ..model.component import PYTHON, Component, Kind, Origin
from ..model.profile import DeclaredStream, DirectReference, External, Profile, Variant
from ..model.requirement import Requirement, parse_requirement, python_requirement, requirement_on
from ..model.stream import Offer, Source, Stream
from ..model.target import Target
from ..model.upstream import Release
from .adjust import Adjuster
from .base_offers import BaseOffers, BaseStream
from .upstream import Upstream

__all__ = ["PERMISSION", "READABLE", "Book"]

_NO_VERSION = Version("0")
PERMISSION = requirement_on(Component(Kind.PACKAGE, "a free licence"), "")
"""Demanded of what the policy forbids; nothing offers it, so that a conflict names it."""
READABLE = requirement_on(Component(Kind.PACKAGE, "metadata that can be read"), "")
"""Demanded of a release whose metadata cannot be read: what it requires is not known."""


def is_proprietary(licence: str) -> bool:
    """Whether a licence text or SPDX expression names a proprietary licence."""
    lowered = licence.lower()
    return "proprietary" in lowered or "licenseref-nvidia" in lowered


@define
class Book:
    """All offers, for one variant on one base. Every answer is kept, so that asking is cheap."""

    profile: Profile
    variant: Variant
    base: BaseOffers
    upstream: Upstream
    targets: dict[str, Target]
    adjuster: Adjuster
    root: Stream
    refused: dict[Component, str] = field(factory=dict)
    _offers: dict[Component, tuple[Offer, ...]] = field(factory=dict, init=False)
    _base: dict[tuple[object, ...], BaseStream] = field(factory=dict, init=False)
    _releases: dict[tuple[object, ...], Release] = field(factory=dict, init=False)
    _declared: dict[tuple[object, ...], DeclaredStream] = field(factory=dict, init=False)
    _streams: dict[tuple[object, ...], Stream] = field(factory=dict, init=False)
    _demanded: dict[Component, dict[str, Requirement]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._look_ahead([self.root])

    # -- offers --------------------------------------------------------------------------------

    def offers(self, component: Component) -> Sequence[Offer]:
        """All offers of a component; see :class:`streamsolve.selection.OfferBook`."""
        known = self._offers.get(component)
        if known is None:
            found = {offer.key: offer for offer in self._find(component)}
            known = tuple(found.values())
            self._offers[component] = known
        return known

    def forget(self, names: Iterable[str]) -> None:
        """Look again for offers of these distributions."""
        for name in names:
            self._offers.pop(Component(Kind.DISTRIBUTION, name), None)

    def base_stream(self, offer: Offer) -> BaseStream | None:
        """The base's package behind an offer, or None."""
        return self._base.get(offer.key)

    def release(self, offer: Offer) -> Release | None:
        """The upstream release behind an offer, or None."""
        return self._releases.get(offer.key)

    def _find(self, component: Component) -> Iterable[Offer]:
        if component == self.root.component:
            return [self.root.offer]
        if self.adjuster.omission(component):
            return [Offer(component, _NO_VERSION, Origin.OMITTED, "")]
        found: list[Offer] = []
        for stream in self.base.of(component):
            self._base[stream.offer.key] = stream
            found.append(stream.offer)
        if component == PYTHON:
            return [*found, *self._interpreters()]
        if component.kind is Kind.DISTRIBUTION:
            return [*found, *self._upstream(component, found)]
        return [*found, *self._declared_offers(component)]

    def _interpreters(self) -> Iterable[Offer]:
        usual = self.profile.costs.get("python", self.profile.native_cost)
        for series in self.targets:
            if series != self.base.python:
                cost = self.profile.costs.get(f"python{series}", usual)
                yield Offer(PYTHON, Version(series), Origin.PRIVATE, f"python{series}", cost=cost)

    def _declared_offers(self, component: Component) -> Iterable[Offer]:
        rule = self.profile.rule(component)
        for declared in rule.streams if rule else ():
            if not declared.package:
                continue
            offer = Offer(
                component,
                declared.version,
                declared.origin,
                declared.package,
                declared.repository,
                cost=self._cost(component, pure=False) if declared.origin is Origin.PRIVATE else 0,
            )
            self._declared[offer.key] = declared
            yield offer

    # -- upstream ------------------------------------------------------------------------------

    def _upstream(self, component: Component, of_base: Sequence[Offer]) -> Iterable[Offer]:
        base_versions = [offer.version for offer in of_base]
        package = of_base[0].package if of_base else f"python3-{component.name}"
        direct = self._direct(component)
        demanded = tuple(self._demanded.get(component, {}).values())
        releases = self.upstream.releases(component.name, base_versions, demanded)
        for release in releases:
            offer = self._offer(component, release, package, release.version in base_versions)
            if offer is None or (direct and offer.version != direct.version):
                continue
            self._releases[offer.key] = release
            yield offer
        if direct and not any(
            self._labelled(component, r.version) == direct.version for r in releases
        ):
            yield self._direct_offer(component, direct, package, releases)

    def _direct(self, component: Component) -> DirectReference | None:
        for direct in self.profile.direct_references:
            if direct.component == component and (
                not direct.variants or self.variant.name in direct.variants
            ):
                return direct
        return None

    def _direct_offer(
        self,
        component: Component,
        direct: DirectReference,
        package: str,
        releases: Sequence[Release],
    ) -> Offer:
        """The referenced build; its metadata is that of the same public version upstream."""
        offer = Offer(
            component, direct.version, Origin.PRIVATE, package, cost=self._cost(component, False)
        )
        public = Version(direct.version.public)
        for release in releases:
            if release.version == public:
                self._releases[offer.key] = release
        return offer

    def _labelled(self, component: Component, version: Version) -> Version:
        label = self.variant.local.get(component.name)
        return Version(f"{version.public}+{label}") if label else version

    def _offer(
        self, component: Component, release: Release, package: str, in_base: bool
    ) -> Offer | None:
        """The way to have a release: a third party's RPM, a build from source, or its wheel."""
        external = self._external(component)
        if external is not None:
            return Offer(
                component, release.version, Origin.EXTERNAL, external.package, external.repository
            )
        version = self._labelled(component, release.version)
        if release.sdists or self._source_repository(component):
            return Offer(
                component,
                version,
                Origin.PRIVATE,
                package,
                cost=self._cost(component, release.pure),
                in_base=in_base,
            )
        if any(prebuilt.component == component for prebuilt in self.profile.prebuilt):
            pythons = self._wheel_pythons(release)
            if not pythons:
                return None
            everywhere = len(pythons) == len(self.targets)
            return Offer(
                component,
                version,
                Origin.PRIVATE,
                package,
                cost=self.profile.pure_cost,
                in_base=in_base,
                prebuilt=True,
                pythons=() if everywhere else pythons,
            )
        self.refused[component] = (
            "upstream publishes no source, and the profile does not accept its wheel"
        )
        return None

    def _wheel_pythons(self, release: Release) -> tuple[str, ...]:
        """The interpreters that a release's wheels run on, at this architecture and glibc."""
        found = []
        for series, target in sorted(self.targets.items()):
            for wheel in release.wheels:
                try:
                    tags = parse_wheel_filename(wheel.filename)[3]
                except InvalidWheelFilename:
                    continue
                if any(_runs(tag, target) for tag in tags):
                    found.append(series)
                    break
        return tuple(found)

    def _external(self, component: Component) -> External | None:
        return next((e for e in self.profile.externals if e.component == component), None)

    def _source_repository(self, component: Component) -> str:
        return next(
            (s.purl for s in self.profile.source_repositories if s.component == component), ""
        )

    def _cost(self, component: Component, pure: bool) -> int:
        default = self.profile.pure_cost if pure else self.profile.native_cost
        return self.profile.costs.get(component.name, default)

    # -- streams -------------------------------------------------------------------------------

    def streams(self, offers: Sequence[Offer]) -> Sequence[Stream]:
        """The offers with their metadata; what must be fetched is fetched together."""
        self._fetch([offer for offer in offers if offer.key not in self._streams])
        return [self._streams[offer.key] for offer in offers]

    def _fetch(self, offers: Sequence[Offer]) -> None:
        upstream = [
            (offer, release)
            for offer in offers
            if offer.key not in self._base
            and (release := self._releases.get(offer.key)) is not None
        ]
        wanted = [(release.name, release.version) for _, release in upstream]
        metadata = self.upstream.metadata(wanted)
        for offer, release in upstream:
            found = metadata.get((release.name, release.version))
            if found is None:
                # One old release that nobody can read is no reason to have no plan.
                self._keep(offer, (READABLE,), source=self._source_of(offer, release))
                continue
            requirements = [parse_requirement(text) for text in found.requires]
            if found.requires_python:
                requirements.append(_python(found.requires_python))
            self._keep(
                offer,
                tuple(requirements),
                source=self._source_of(offer, release),
                licence=self._licence(offer, found.licence),
            )
        for offer in offers:
            if offer.key not in self._streams:
                self._keep_other(offer)
        self._look_ahead([self._streams[offer.key] for offer in offers])

    def _look_ahead(self, streams: Iterable[Stream]) -> None:
        """Note what is demanded, since a window of newest versions may not hold what it lets in,
        and fetch together the listings of what these streams require."""
        names = set()
        for requirement in (r for s in streams for r in (*s.requirements, *s.constraints)):
            component = requirement.component
            if component.kind is Kind.DISTRIBUTION:
                self._demanded.setdefault(component, {})[requirement.text] = requirement
                if component not in self._offers and self._holds_somewhere(requirement):
                    names.add(component.name)
        self.upstream.prefetch(names)

    def _holds_somewhere(self, requirement: Requirement) -> bool:
        return any(requirement.applies(target) for target in self.targets.values())

    def _keep(
        self,
        offer: Offer,
        requirements: tuple[Requirement, ...],
        *,
        source: Source,
        licence: str = "",
        evidence: str = "",
    ) -> None:
        if self._is_refused(offer, licence):
            requirements = (*requirements, PERMISSION)
        constraints = self._group_constraints(offer)
        self._streams[offer.key] = Stream(
            offer,
            self.adjuster.adjust(offer.component, requirements, evidence),
            self.adjuster.adjust(offer.component, constraints, evidence),
            source=source,
            licence=licence,
        )

    def _is_refused(self, offer: Offer, licence: str) -> bool:
        """Whether the policy forbids this origin for a proprietary licence."""
        return is_proprietary(licence) and offer.origin not in self.profile.policy.proprietary

    def _keep_other(self, offer: Offer) -> None:
        of_base = self._base.get(offer.key)
        if offer.key == self.root.offer.key:
            self._streams[offer.key] = self.root
        elif of_base is not None:
            stream = self.base.stream(of_base)
            self._streams[offer.key] = self._with_facts(self._with_unpackaged_extras(stream))
        elif (declared := self._declared.get(offer.key)) is not None:
            self._keep(offer, (*declared.requires,), source=Source(""), evidence=declared.evidence)
        else:
            self._keep(offer, (), source=self._other_source(offer))

    def _with_facts(self, stream: Stream) -> Stream:
        """A found stream with what the profile's declarations add to it."""
        offer = stream.offer
        declared = self._facts(offer)
        requirements = (*stream.requirements, *(r for d in declared for r in d.requires))
        return Stream(
            offer,
            self.adjuster.adjust(offer.component, requirements),
            self.adjuster.adjust(offer.component, self._group_constraints(offer)),
            stream.extras,
            stream.open_extras,
            stream.source,
            stream.licence,
        )

    def _with_unpackaged_extras(self, stream: Stream) -> Stream:
        """A base stream with the extras that upstream's metadata of that version states and that
        the base has no package for: who asks for one has to require its parts."""
        offer = stream.offer
        if offer.component.kind is not Kind.DISTRIBUTION:
            return stream
        name = offer.component.name
        releases = {r.version: r for r in self.upstream.releases(name, (offer.version,))}
        release = releases.get(offer.version)
        if release is None:
            return stream
        key = (release.name, release.version)
        metadata = self.upstream.metadata([key]).get(key)
        target = self.targets.get(self.base.python)
        if metadata is None or target is None:
            return stream
        stated = [parse_requirement(text) for text in metadata.requires]
        extras = dict(stream.extras)
        for extra in metadata.extras:
            if extra not in extras:
                extras[extra] = tuple(
                    evolve(r, marker="")
                    for r in stated
                    if r.mentions_extra and r.applies(target, extra)
                )
        return evolve(stream, extras=extras)

    def _facts(self, offer: Offer) -> list[DeclaredStream]:
        rule = self.profile.rule(offer.component)
        return [
            declared
            for declared in (rule.streams if rule else ())
            if not declared.package
            and offer.version.release[: len(declared.version.release)] == declared.version.release
        ]

    def _group_constraints(self, offer: Offer) -> tuple[Requirement, ...]:
        """What belonging together demands of the other members, if they are used."""
        found: list[Requirement] = []
        declared = self._declared.get(offer.key)
        for fact in [*([declared] if declared else []), *self._facts(offer)]:
            found.extend(fact.constrains)
        for group in self.profile.groups:
            if group.leader != offer.component:
                continue
            minor = ".".join(str(part) for part in offer.version.release[:2])
            exempt = set(group.exempt)
            found += [
                requirement_on(member, f"=={minor}.*")
                for member in group.members
                if member not in exempt
            ]
            for pairing in group.pairings:
                if pairing.version == Version(offer.version.public):
                    found.extend(pairing.constrains)
        return tuple(found)

    # -- sources -------------------------------------------------------------------------------

    def _source_of(self, offer: Offer, release: Release) -> Source:
        direct = self._direct(offer.component)
        if direct and direct.version == offer.version:
            return Source(direct.purl)
        repository = self._source_repository(offer.component)
        if repository and not release.sdists:
            return Source(repository.replace("{version}", release.version.public))
        files = sorted(release.sdists or release.wheels)
        return Source(
            f"pkg:pypi/{release.name}@{release.version}", files[0].filename, files[0].sha256
        )

    def source_at(self, stream: Stream, target: Target) -> Source:
        """The stream's source for one interpreter: of a prebuilt one, the wheel that runs there."""
        release = self._releases.get(stream.offer.key)
        if not stream.offer.prebuilt or release is None:
            return stream.source
        running = [
            wheel
            for wheel in sorted(release.wheels)
            if any(_runs(tag, target) for tag in parse_wheel_filename(wheel.filename)[3])
        ]
        return evolve(stream.source, filename=running[0].filename, sha256=running[0].sha256)

    def _other_source(self, offer: Offer) -> Source:
        direct = self._direct(offer.component)
        if direct and direct.version == offer.version:
            return Source(direct.purl)
        if offer.component == PYTHON:
            series = ".".join(str(part) for part in offer.version.release[:2])
            found = self.base.pool.sources(f"python{series}")
            purl = f"pkg:rpm/python{series}?arch=src" if found else f"pkg:generic/python@{series}"
            return Source(purl)
        return Source("")

    def _licence(self, offer: Offer, stated: str) -> str:
        external = self._external(offer.component)
        if external is not None and external.licence:
            return external.licence
        for prebuilt in self.profile.prebuilt:
            if prebuilt.component == offer.component and prebuilt.licence:
                return prebuilt.licence
        return stated


def _python(specifier: str) -> Requirement:
    """``Requires-Python``, leniently: real metadata holds specifiers such as ``>=3.6.*``."""
    try:
        return python_requirement(specifier)
    except InputError:
        return python_requirement(specifier.replace(".*", ""))


def _runs(tag: Tag, target: Target) -> bool:
    """Whether a wheel of this tag runs on the target."""
    major, minor = (int(part) for part in target.python.split("."))
    if tag.interpreter == "py3" or tag.interpreter == f"py{major}{minor}":
        interpreter = tag.abi == "none"
    elif tag.interpreter.startswith(f"cp{major}") and tag.interpreter[3:].isdigit():
        number = int(tag.interpreter[3:])
        interpreter = (number == minor and tag.abi in (f"cp{major}{minor}", "abi3", "none")) or (
            number <= minor and tag.abi == "abi3"
        )
    else:
        return False
    return interpreter and _platform_runs(tag.platform, target)


_LEGACY_MANYLINUX = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


def _platform_runs(platform: str, target: Target) -> bool:
    if platform == "any":
        return True
    if not platform.endswith(f"_{target.arch}"):
        return False
    name = platform.removesuffix(f"_{target.arch}")
    if name == "linux":
        return True
    if name in _LEGACY_MANYLINUX:
        return _LEGACY_MANYLINUX[name] <= target.glibc
    numbers = name.removeprefix("manylinux_").split("_")
    return (
        name.startswith("manylinux_")
        and len(numbers) == 2
        and (int(numbers[0]), int(numbers[1])) <= target.glibc
    )
