"""How a release of upstream's can be had: as a third party's RPM, built, or as it was built."""

from __future__ import annotations

from attrs import frozen
from packaging.version import Version

from ..model.component import Component, Origin
from ..model.conflict import Refusal
from ..model.profile import DirectReference, Profile
from ..model.stream import Offer
from ..model.target import Target
from ..model.upstream import Release
from .sources import Sources
from .wheels import running_wheels

__all__ = ["ReleaseOffers"]


@frozen
class ReleaseOffers:
    """The offers that releases make, for one variant.

    ``targets`` are by interpreter; ``refused`` is filled with why releases cannot be had at all.
    """

    sources: Sources
    targets: dict[str, Target]
    refused: dict[Component, dict[Version, Refusal]]

    @property
    def profile(self) -> Profile:
        """The profile that says what is accepted and what it costs."""
        return self.sources.profile

    def offer(
        self, component: Component, release: Release, package: str, in_base: bool
    ) -> Offer | None:
        """The way to have a release: a third party's RPM, a build from source, or its wheel."""
        external = self.sources.external(component)
        if external is not None:
            return Offer(
                component, release.version, Origin.EXTERNAL, external.package, external.repository
            )
        if release.sdists or self.sources.repository(component):
            return Offer(
                component,
                self.labelled(component, release.version),
                Origin.PRIVATE,
                package,
                cost=self.cost(component, release.pure),
                in_base=in_base,
            )
        if self.sources.prebuilt(component):
            return self._wheel(component, release, package, in_base)
        self.refused.setdefault(component, {})[release.version] = Refusal.NO_SOURCE
        return None

    def _wheel(
        self, component: Component, release: Release, package: str, in_base: bool
    ) -> Offer | None:
        """What upstream built, where it runs on the target with any of the interpreters."""
        pythons = self._wheel_pythons(release)
        if not pythons:
            self.refused.setdefault(component, {})[release.version] = Refusal.NO_WHEEL
            return None
        everywhere = len(pythons) == len(self.targets)
        return Offer(
            component,
            self.labelled(component, release.version),
            Origin.PRIVATE,
            package,
            cost=self.profile.pure_cost,
            in_base=in_base,
            prebuilt=True,
            pythons=() if everywhere else pythons,
        )

    def _wheel_pythons(self, release: Release) -> tuple[str, ...]:
        """The interpreters that a release's wheels run on, at this architecture and glibc."""
        return tuple(
            series
            for series, target in sorted(self.targets.items())
            if running_wheels(release, target)
        )

    def direct(self, component: Component, direct: DirectReference, package: str) -> Offer:
        """The build that a direct reference names."""
        cost = self.cost(component, pure=False)
        return Offer(component, direct.version, Origin.PRIVATE, package, cost=cost)

    def labelled(self, component: Component, version: Version) -> Version:
        """A version with the local label that the variant gives to its builds."""
        label = self.sources.variant.local.get(component.name)
        return Version(f"{version.public}+{label}") if label else version

    def cost(self, component: Component, pure: bool) -> int:
        """What a private stream costs, in build minutes."""
        default = self.profile.pure_cost if pure else self.profile.native_cost
        return self.profile.costs.get(component.name, default)
