"""What a profile declares of streams that it did not find: facts, groups, pairings."""

from __future__ import annotations

from attrs import frozen
from packaging.version import Version

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
        rule = self.profile.rule(offer.component)
        release = offer.version.release
        return tuple(
            declared
            for declared in (rule.streams if rule else ())
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
        return tuple(found)
