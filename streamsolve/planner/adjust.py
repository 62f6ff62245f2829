"""What the profile changes in stated requirements: relaxed ones and omitted ones."""

from __future__ import annotations

from attrs import define, field
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from ..model.component import Component, Scope
from ..model.plan import HostRequirement, Relaxed
from ..model.profile import Omission, Profile, Relaxation, Variant
from ..model.requirement import DEMANDED, Requirement, requirement_on

__all__ = ["Adjuster"]

_Key = tuple[Component, Version, str]
"""Who states a requirement, at which version, and its text."""


@define
class Adjuster:
    """Applies a profile's relaxations and omissions for one variant, and notes which it used."""

    profile: Profile
    variant: Variant
    further: tuple[tuple[str, str, str], ...] = ()
    used: set[tuple[str, str, str]] = field(factory=set)
    relaxed: dict[_Key, Relaxed] = field(factory=dict)
    host: dict[_Key, HostRequirement] = field(factory=dict)

    def omission(self, component: Component) -> Omission | None:
        """The omission of a component in this variant, or None."""
        for omission in self.profile.omissions:
            if omission.component == component and self.variant.is_among(omission.variants):
                return omission
        return None

    def adjust(
        self,
        by: Component,
        version: Version,
        requirements: tuple[Requirement, ...],
        evidence: str = "",
    ) -> tuple[Requirement, ...]:
        """The requirements of one stream as they count; host requirements are set aside."""
        kept = []
        for requirement in requirements:
            if requirement.scope is Scope.HOST:
                note = HostRequirement(requirement, by, evidence)
                self.host[by, version, str(requirement)] = note
                continue
            kept.append(self._relax(by, version, requirement))
        return tuple(kept)

    def _relax(self, by: Component, version: Version, requirement: Requirement) -> Requirement:
        if requirement.place == DEMANDED:
            return requirement
        for relaxation in self.profile.relaxations:
            if self._matches(relaxation, by, requirement):
                return self._note(by, version, requirement, relaxation.to, relaxation.reason)
        for stated_by, name, specifier in self.further:
            if (
                (not stated_by or stated_by == by.name)
                and canonicalize_name(name) == canonicalize_name(requirement.component.name)
                and SpecifierSet(specifier) == requirement.specifier
            ):
                self.used.add((stated_by, name, specifier))
                return self._note(by, version, requirement, "", "asked for")
        return requirement

    def _note(
        self, by: Component, version: Version, stated: Requirement, to: str, reason: str
    ) -> Requirement:
        relaxed = requirement_on(
            stated.component, to, scope=stated.scope, place=stated.place, extras=stated.extras
        )
        counts = Requirement(
            relaxed.component,
            relaxed.specifier,
            relaxed.text,
            relaxed.extras,
            stated.marker,
            scope=stated.scope,
            place=stated.place,
        )
        if counts.specifier != stated.specifier:
            self.relaxed[by, version, str(stated)] = Relaxed(by, stated, counts, reason)
        return counts

    def _matches(self, relaxation: Relaxation, by: Component, requirement: Requirement) -> bool:
        return (
            relaxation.component == requirement.component
            and (not relaxation.by or canonicalize_name(relaxation.by) == by.name)
            and self.variant.is_among(relaxation.variants)
            and (
                not relaxation.specifier
                or SpecifierSet(relaxation.specifier) == requirement.specifier
            )
        )
