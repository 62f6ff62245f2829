"""The offer book: what the base, upstream, third parties and the profile have of a component."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from attrs import define, evolve, field
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from ..errors import Code, InputError
from ..model.component import PYTHON, Component, Kind, Origin
from ..model.conflict import Refusal
from ..model.profile import DeclaredStream, DirectReference, Profile, Variant
from ..model.requirement import Requirement, parse_requirement, python_requirement, requirement_on
from ..model.stream import Offer, Source, Stream
from ..model.target import Target
from ..model.upstream import Release, ReleaseMetadata
from ..selection import Nogood, Selection
from .adjust import Adjuster
from .base_extras import BaseExtras
from .base_offers import BaseOffers, BaseStream
from .facts import Facts
from .release_offers import ReleaseOffers
from .sources import Sources
from .upstream import Upstream

__all__ = ["PERMISSION", "READABLE", "UNKNOWN_REFERENCE", "Book"]

_NO_VERSION = Version("0")
PERMISSION = requirement_on(Component(Kind.PACKAGE, "a free licence"), "")
"""Demanded of what the policy forbids; nothing offers it, so that a conflict names it."""
UNKNOWN_REFERENCE = requirement_on(Component(Kind.PACKAGE, "a version for a direct reference"), "")
"""Demanded in the place of a direct reference whose version the profile does not say."""
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
    sources: Sources = field(init=False)
    facts: Facts = field(init=False)
    refused: dict[Component, dict[Version, Refusal]] = field(factory=dict)
    _ways: ReleaseOffers = field(init=False)
    _offers: dict[Component, tuple[Offer, ...]] = field(factory=dict, init=False)
    _base: dict[tuple[object, ...], BaseStream] = field(factory=dict, init=False)
    _releases: dict[tuple[object, ...], Release] = field(factory=dict, init=False)
    _declared: dict[tuple[object, ...], DeclaredStream] = field(factory=dict, init=False)
    _streams: dict[tuple[object, ...], Stream] = field(factory=dict, init=False)
    _demanded: dict[Component, dict[str, Requirement]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.profile = self.profile.on(self.base.base.arch)
        self.facts = Facts(self.profile)
        self.sources = Sources(self.profile, self.variant, self.base.pool)
        self._ways = ReleaseOffers(self.sources, self.targets, self.refused)
        bound = tuple(self._bound(requirement) for requirement in self.root.requirements)
        self.root = evolve(self.root, requirements=bound)
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

    @property
    def applications(self) -> tuple[Component, ...]:
        """The components that are applications themselves."""
        return (self.profile.component,)

    def objections(self, _selection: Selection) -> tuple[Nogood, ...]:
        """Choices that are refused whatever a solver says: none, for one application."""
        return ()

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
            if series not in self.base.interpreters:
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
                cost=self._ways.cost(component, pure=False)
                if declared.origin is Origin.PRIVATE
                else 0,
                prebuilt=self.sources.is_prebuilt(component, declared.origin),
            )
            self._declared[offer.key] = declared
            yield offer

    # -- upstream ------------------------------------------------------------------------------

    def _upstream(self, component: Component, of_base: Sequence[Offer]) -> Iterable[Offer]:
        base_versions = [offer.version for offer in of_base]
        package = self.base.private_name(component)
        direct = self.sources.direct(component)
        demanded = tuple(self._demanded.get(component, {}).values())
        try:
            releases = self.upstream.releases(component.name, base_versions, demanded)
        except InputError as error:
            # Offline, what the base has is enough to go on with; and so is nothing of what only
            # interpreters need that cannot be chosen.
            enough = of_base or not self._is_needed(demanded)
            if error.code is not Code.OFFLINE_NOT_CACHED or not enough:
                raise
            self.upstream.unasked.add(component.name)
            releases = ()
        for release in releases:
            offer = self._ways.offer(component, release, package, release.version in base_versions)
            if offer is None or (direct and offer.version != direct.version):
                continue
            self._releases[offer.key] = release
            yield offer
        if direct and not any(
            self._ways.labelled(component, r.version) == direct.version for r in releases
        ):
            yield self._direct_offer(component, direct, package, releases)

    def _is_needed(self, demanded: Iterable[Requirement]) -> bool:
        """Whether any demand may hold for an interpreter that the application lets in."""
        return any(r.mentions_extra or self._holds_somewhere(r) for r in demanded)

    @cached_property
    def _let_in(self) -> tuple[Target, ...]:
        """The targets with interpreters that the application itself lets in."""
        bounds = [r for r in self.root.requirements if r.component == PYTHON and not r.marker]
        return tuple(
            target
            for series, target in self.targets.items()
            if all(Offer(PYTHON, Version(series), Origin.PRIVATE, "").meets(r) for r in bounds)
        )

    def _direct_offer(
        self,
        component: Component,
        direct: DirectReference,
        package: str,
        releases: Sequence[Release],
    ) -> Offer:
        """The referenced build; its metadata is that of the same public version upstream."""
        offer = self._ways.direct(component, direct, package)
        public = Version(direct.version.public)
        for release in releases:
            if release.version == public:
                self._releases[offer.key] = release
        return offer

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
                self._keep(
                    offer,
                    (READABLE,),
                    source=self.sources.of_release(offer, release, self.base.base.arch),
                )
                continue
            self._keep(
                offer,
                self._stated(found),
                source=self.sources.of_release(offer, release, self.base.base.arch),
                licence=self.sources.licence(offer.component, found.licence),
            )
        for offer in offers:
            if offer.key not in self._streams:
                self._keep_other(offer)
        self._look_ahead([self._streams[offer.key] for offer in offers])

    def _stated(self, metadata: ReleaseMetadata) -> tuple[Requirement, ...]:
        """What a release states, its direct references bound to what they stand for."""
        try:
            requirements = [self._bound(parse_requirement(text)) for text in metadata.requires]
            if metadata.requires_python:
                requirements.append(python_requirement(metadata.requires_python))
            elif self.root.component.kind is not Kind.DISTRIBUTION:
                requirements.append(requirement_on(PYTHON, ""))
        except InputError:
            return (READABLE,)
        return tuple(requirements)

    def _bound(self, requirement: Requirement) -> Requirement:
        if not requirement.url:
            return requirement
        direct = self.sources.direct(requirement.component)
        if direct is None:
            return evolve(UNKNOWN_REFERENCE, marker=requirement.marker)
        return evolve(requirement, specifier=SpecifierSet(f"=={direct.version}"))

    def _look_ahead(self, streams: Iterable[Stream]) -> None:
        """Note what is demanded, since a window of newest versions may not hold what it lets in,
        and fetch together the listings of what these streams require."""
        names = set()
        for requirement in (r for s in streams for r in (*s.requirements, *s.constraints)):
            component = requirement.component
            if component.kind is Kind.DISTRIBUTION and not self.adjuster.omission(component):
                self._demanded.setdefault(component, {})[requirement.text] = requirement
                if component not in self._offers and self._holds_somewhere(requirement):
                    names.add(component.name)
        self.upstream.prefetch(names)

    def _holds_somewhere(self, requirement: Requirement) -> bool:
        return any(requirement.applies(target) for target in self._let_in)

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
        constraints = self.facts.constraints(offer, self._declared.get(offer.key))
        self._streams[offer.key] = Stream(
            offer,
            self.adjuster.adjust(offer.component, offer.version, requirements, evidence),
            self.adjuster.adjust(offer.component, offer.version, constraints, evidence),
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
            self._keep(
                offer,
                declared.requires,
                source=self.sources.of_other(offer),
                licence=self.sources.licence(component=offer.component, stated=""),
                evidence=declared.evidence,
            )
        else:
            self._keep(offer, (), source=self.sources.of_other(offer))

    def _with_facts(self, stream: Stream) -> Stream:
        """A found stream with what the profile's declarations add to it."""
        offer = stream.offer
        constraints = self.facts.constraints(offer)
        # What the base's own package requires is enforced by RPM, whatever a profile relaxes.
        facts = self.facts.requirements(offer)
        adjusted = self.adjuster.adjust(offer.component, offer.version, facts)
        return evolve(
            stream,
            requirements=(*stream.requirements, *adjusted),
            constraints=self.adjuster.adjust(offer.component, offer.version, constraints),
        )

    def _with_unpackaged_extras(self, stream: Stream) -> Stream:
        """A base stream whose extras are also those that upstream states for that version."""
        if stream.component.kind is not Kind.DISTRIBUTION:
            return stream
        extras = BaseExtras(stream.extras, lambda: self._upstream_extras(stream))
        return evolve(stream, extras=extras)

    def _upstream_extras(self, stream: Stream) -> Callable[[str], tuple[Requirement, ...]] | None:
        """What upstream's metadata of a base stream's version adds for an extra; None if the
        index has no such release. An extra that upstream does not state adds nothing."""
        offer = stream.offer
        name = offer.component.name
        try:
            releases = self.upstream.releases(name, (offer.version,))
        except InputError:
            return None
        release = next((r for r in releases if r.version == offer.version), None)
        target = self.targets.get(offer.pythons[0]) if offer.pythons else None
        if release is None or target is None:
            return None
        key = (release.name, release.version)
        metadata = self.upstream.metadata([key]).get(key)
        if metadata is None:
            return None
        stated = self._stated(metadata)

        def added(extra: str) -> tuple[Requirement, ...]:
            found = tuple(
                evolve(r, marker="")
                for r in stated
                if r.mentions_extra and r.applies(target, extra)
            )
            return self.adjuster.adjust(offer.component, offer.version, found)

        return added
