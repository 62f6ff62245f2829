"""What a profile declares of streams that it did not find: facts, groups, pairings."""

from __future__ import annotations

from attrs import frozen
from packaging.version import Version

from ..model.component import Kind
from ..model.profile import DeclaredStream, Profile
from ..model.requirement import Requirement, requirement_on
from ..model.stream import Offer
from ..model.target import series_of

__all__ = ["Facts"]


@frozen
class Facts:
    """A profile's facts between components."""

    profile: Profile

    def declared(self, offer: Offer) -> tuple[DeclaredStream, ...]:
        """The declarations that add to a found stream: those that its version begins with."""
        release = offer.version.release
        return tuple(
            declared
            for declared in self.profile.declarations(offer.component)
            if not declared.package
            and release[: len(declared.version.release)] == declared.version.release
        )

    def requirements(self, offer: Offer) -> tuple[Requirement, ...]:
        """What the declarations add to a found stream's requirements."""
        return tuple(r for declared in self.declared(offer) for r in declared.requires)

    def constraints(
        self, offer: Offer, of: DeclaredStream | None = None
    ) -> tuple[Requirement, ...]:
        """What it demands of other components if they are used: as ``of`` declares it, as a found
        stream, and as the leader of a group."""
        declared = (*((of,) if of else ()), *self.declared(offer))
        found = [requirement for each in declared for requirement in each.constrains]
        for group in self.profile.groups:
            if group.leader != offer.component:
                continue
            minor = series_of(offer.version)
            found += [
                requirement_on(member, f"=={minor}.*")
                for member in group.members
                if member not in group.exempt
            ]
            for pairing in group.pairings:
                if pairing.version == Version(offer.version.public):
                    found.extend(pairing.constrains)
        return tuple(one for one in found if self._may_matter(one))

    def _may_matter(self, constraint: Requirement) -> bool:
        """Whether what is constrained can be used at all. Where neither the application nor what
        its profile states is Python, nothing asks for a distribution, and no index needs to be
        asked what there is of it."""
        return constraint.component.kind is not Kind.DISTRIBUTION or self.of_python

    @property
    def of_python(self) -> bool:
        """Whether the application is a distribution, or the profile asks for one or for Python."""
        profile = self.profile
        if profile.component.kind is Kind.DISTRIBUTION:
            return True
        stated = [r for variant in profile.variants for r in variant.needs]
        rules = (r for r in profile.build_rules if r.component.kind is not Kind.DISTRIBUTION)
        stated += [r for rule in rules for r in rule.needs]
        stated += [r for rule in profile.rules for one in rule.streams for r in one.requires]
        return any(r.component.kind in (Kind.DISTRIBUTION, Kind.INTERPRETER) for r in stated)
