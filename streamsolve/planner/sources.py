"""Where a stream's source is, and under which licence: upstream's word, then the profile's."""

from __future__ import annotations

from attrs import evolve, frozen

from ..model.component import PYTHON, Component, Kind, Origin
from ..model.profile import DirectReference, External, Prebuilt, Profile, Variant
from ..model.stream import Offer, Source, Stream
from ..model.target import Target, series_of
from ..model.upstream import Release
from ..solving import PackagePool
from .wheels import running_wheels, wheels_for

__all__ = ["Sources"]


@frozen
class Sources:
    """What a profile says of origins, for one variant."""

    profile: Profile
    variant: Variant
    pool: PackagePool

    def external(self, component: Component) -> External | None:
        """The third party's RPM that stands for a distribution, or None."""
        return next((e for e in self.profile.externals if e.component == component), None)

    def prebuilt(self, component: Component) -> Prebuilt | None:
        """That the profile accepts what upstream built of a component, or None."""
        return next((p for p in self.profile.prebuilt if p.component == component), None)

    def is_prebuilt(self, component: Component, origin: Origin) -> bool:
        """Whether a private stream of a component is what upstream built of it."""
        return origin is Origin.PRIVATE and self.prebuilt(component) is not None

    def repository(self, component: Component) -> str:
        """The purl of a component's source repository, empty where the profile names none."""
        found = self.profile.source_repositories
        return next((s.purl for s in found if s.component == component), "")

    def direct(self, component: Component) -> DirectReference | None:
        """What a direct reference to a distribution stands for in this variant, or None."""
        for direct in self.profile.direct_references:
            if direct.component == component and self.variant.is_among(direct.variants):
                return direct
        return None

    def of_release(self, offer: Offer, release: Release, arch: str) -> Source:
        """The source of an offer that upstream released; without an sdist, a wheel that is for the
        architecture where there is one."""
        direct = self.direct(offer.component)
        if direct and direct.version == offer.version:
            return Source(direct.purl)
        repository = self.repository(offer.component)
        if repository and not release.sdists:
            return Source(repository.replace("{version}", release.version.public))
        files = release.sdists or wheels_for(release, arch) or release.wheels
        first = sorted(files)[0]
        purl = f"pkg:pypi/{release.name}@{release.version}"
        return Source(purl, first.filename, first.sha256)

    def of_other(self, offer: Offer) -> Source:
        """The source of an offer that upstream did not release, as far as it is known."""
        direct = self.direct(offer.component)
        if direct and direct.version == offer.version:
            return Source(direct.purl)
        if offer.component == PYTHON:
            series = series_of(offer.version)
            in_base = self.pool.sources(f"python{series}")
            kind = f"pkg:rpm/python{series}?arch=src" if in_base else f"pkg:generic/python@{series}"
            return Source(kind)
        if offer.component.kind is not Kind.DISTRIBUTION:
            if offer.prebuilt and (prebuilt := self.prebuilt(offer.component)):
                return Source(prebuilt.purl.replace("{version}", str(offer.version)))
            for repository in self.profile.source_repositories:
                if repository.component == offer.component:
                    return Source(repository.at(offer.version))
        return Source("")

    def at(self, stream: Stream, release: Release | None, target: Target) -> Source:
        """The stream's source for one interpreter: of a prebuilt one, the wheel that runs there."""
        if not stream.offer.prebuilt or release is None:
            return stream.source
        wheel = running_wheels(release, target)[0]
        return evolve(stream.source, filename=wheel.filename, sha256=wheel.sha256)

    def licence(self, component: Component, stated: str) -> str:
        """The profile's word where it has one, else what upstream states."""
        external, prebuilt = self.external(component), self.prebuilt(component)
        if external is not None and external.licence:
            return external.licence
        return prebuilt.licence if prebuilt is not None and prebuilt.licence else stated
