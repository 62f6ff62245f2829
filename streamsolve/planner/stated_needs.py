"""A need of a build, and all needs of a stream, as values."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve, frozen

from ..model.build import BuildNeed, NeedOrigin, NeedRole
from ..model.component import Component, Scope
from ..model.package import Package
from ..model.requirement import Requirement
from ..model.stream import Offer

__all__ = ["Need", "Needs", "SpecNeeds", "by_profile", "for_building"]


@frozen
class SpecNeeds:
    """What a spec asks for: its BuildRequires, and what errors and plans call the file.

    ``generates`` says that it asks for more while it builds; ``conflicts`` are its BuildConflicts.
    """

    build_requires: tuple[str, ...]
    place: str
    generates: bool = False
    conflicts: tuple[str, ...] = ()


@frozen
class Need:
    """A need as it was stated, with its meaning: a ``requirement`` on a component, or an RPM
    dependency on the base, or a sub-package of the interpreter (``-devel``). ``assumed`` is the
    package that meets it and that no repository lists, with the stream that it is of."""

    stated: BuildNeed
    requirement: Requirement | None = None
    native: str = ""
    subpackage: str | None = None
    external: tuple[Component, str] | None = None
    assumed: tuple[Offer, Package] | None = None


@frozen
class Needs:
    """All needs of one stream, sorted, and the RPM dependencies that its root must not meet.
    ``dropped`` are those that a profile leaves out of a stream that is no distribution: of
    distributions, specs generate what counts."""

    needs: tuple[Need, ...]
    conflicts: tuple[str, ...] = ()
    dropped: tuple[Need, ...] = ()

    @property
    def checks(self) -> tuple[Need, ...]:
        """Those that serve tests and documentation."""
        return tuple(need for need in self.needs if need.stated.role is NeedRole.CHECK)

    def without(self, left_out: Iterable[Need]) -> Needs:
        """The same without some of them."""
        gone = set(left_out)
        return evolve(self, needs=tuple(need for need in self.needs if need not in gone))


def for_building(requirement: Requirement) -> Requirement:
    """A requirement as it holds in a build root."""
    return evolve(requirement, scope=Scope.BUILD, marker="")


def by_profile(requirement: Requirement) -> Need:
    """What a variant of a profile says of the application's build."""
    about = requirement.component.spelled
    place = str(requirement.place) or "the profile"
    stated = BuildNeed(requirement.text, NeedOrigin.PROFILE, place=place, component=about)
    return Need(stated, requirement=for_building(requirement))
