"""Which builds share a project of COPR or a tag of Koji: as few as are sound.

COPR shows a build root whole repositories: all that a project has built, its own and those that the
project names. Nothing in them can be hidden. (A tag of Koji and what it inherits are the same.) So
what a build root must not see has to lie in a project that it does not see:

    A build root *uses* the builds whose packages lie in it. It *shuns* every other build of a
    component that lies in it, from whatever origin: another version, another pass, or a private
    stream of what it has from the base. A project sees itself and the projects of what its builds
    use. The division is sound if no build in a project shuns anything that the project sees.

One project for each build is sound, since a build then sees what it uses and nothing else. From
there projects are merged, first fit in the order of the builds, as long as all stays sound. The
runtime root counts as a build that nobody uses: what an application's user enables is sound too.
Bootstrap passes have projects of their own, because a switch is set for a whole project.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import define, field, frozen

from .build import Build, BuildPlan, Root, Stage
from .component import Component

__all__ = ["BuildSet", "Views", "divide", "main_set", "views_of"]


@frozen
class Views:
    """What each root uses and shuns, as sets of builds: bit ``n`` is the build ``ids[n]``. One
    further root, the last, is the runtime root. ``ids`` are in the order of the levels."""

    ids: tuple[str, ...]
    uses: tuple[int, ...]
    shuns: tuple[int, ...]


@frozen
class BuildSet:
    """Builds that share a project, in order, and the numbers of the other sets that it sees."""

    builds: tuple[str, ...]
    sees: tuple[int, ...]


def views_of(builds: BuildPlan) -> Views:
    """What the roots of a plan use and shun."""
    ids = tuple(id for level in builds.order.levels for id in level.builds)
    number = {id: n for n, id in enumerate(ids)}
    by_id = {build.id: build for build in builds.builds}
    roots = {root.id: root for root in builds.roots}
    makers = _Makers.of(builds, number)
    seen = [makers.look(roots[by_id[id].root]) for id in ids]
    uses = [used for used, _ in seen]
    # What a build makes is not there while it is built for the first time, and a second time it
    # lies in its own project; that cannot be avoided.
    shuns = [shunned & ~(1 << n) for n, (_, shunned) in enumerate(seen)]
    used, shunned = makers.look(builds.runtime)
    return Views(ids, (*uses, used), (*shuns, shunned))


@define
class _Makers:
    """Which builds make a component, and a package by its name, as bits."""

    number: dict[str, int]
    components: dict[Component, int]
    packages: dict[str, int]

    @classmethod
    def of(cls, builds: BuildPlan, number: dict[str, int]) -> _Makers:
        components: dict[Component, int] = {}
        for build in builds.builds:
            bit = 1 << number[build.id]
            components[build.component] = components.get(build.component, 0) | bit
        packages: dict[str, int] = {}
        for root in (builds.runtime, *builds.roots):
            for stream in root.streams:
                if stream.build in number:
                    bit = 1 << number[stream.build]
                    packages[stream.package] = packages.get(stream.package, 0) | bit
        return cls(number, components, packages)

    def look(self, root: Root) -> tuple[int, int]:
        """What a root uses, and what it shuns."""
        used = shunned = 0
        for stream in root.streams:
            if stream.build in self.number:
                used |= 1 << self.number[stream.build]
            shunned |= self.components.get(stream.component, 0)
        for package in root.packages:
            shunned |= self.packages.get(package.name, 0)
        return used, shunned & ~used


def divide(builds: BuildPlan, switches: Sequence[frozenset[tuple[str, bool]]]) -> list[BuildSet]:
    """The sets, in the order of their first builds. ``switches`` are those of the builds in the
    order of the levels; one that is on for a build and off for another keeps the two apart."""
    views = views_of(builds)
    by_id = {build.id: build for build in builds.builds}
    division = _Division.finest(views, [by_id[id] for id in views.ids], switches)
    division.merge()
    return division.result()


def main_set(sets: Sequence[BuildSet], application: str) -> int:
    """The number of the set with the application's own build, else of the largest."""
    for number, one in enumerate(sets):
        if any(id.partition("@")[0] == application for id in one.builds):
            return number
    return max(range(len(sets)), key=lambda number: (len(sets[number].builds), -number))


@define
class _Group:
    """Builds as bits, and what they together use and shun."""

    members: int
    uses: int
    shuns: int
    bootstrap: bool = False
    switches: frozenset[tuple[str, bool]] = frozenset()

    def with_(self, other: _Group) -> _Group:
        return _Group(
            self.members | other.members,
            self.uses | other.uses,
            self.shuns | other.shuns,
            self.bootstrap,
            self.switches | other.switches,
        )

    def agrees(self, other: _Group) -> bool:
        """Whether the two can be set up alike."""
        opposite = {(name, not on) for name, on in self.switches}
        return self.bootstrap == other.bootstrap and not opposite & other.switches


@define
class _Division:
    views: Views
    groups: list[_Group] = field(factory=list)

    @classmethod
    def finest(
        cls, views: Views, builds: Sequence[Build], switches: Sequence[frozenset[tuple[str, bool]]]
    ) -> _Division:
        groups = [
            _Group(
                1 << n, views.uses[n], views.shuns[n], build.stage is Stage.BOOTSTRAP, switches[n]
            )
            for n, build in enumerate(builds)
        ]
        runtime = _Group(0, views.uses[-1], views.shuns[-1])
        return cls(views, [*groups, runtime])

    def merge(self) -> None:
        """Let each build join the first group that it can; the runtime root stays alone."""
        made: list[_Group] = []
        for group in self.groups[:-1]:
            for number, other in enumerate(made):
                if other.agrees(group) and self._may_join(other, group):
                    joined = other.with_(group)
                    self.groups = [g for g in self.groups if g is not other and g is not group]
                    self.groups.append(joined)
                    made[number] = joined
                    break
            else:
                made.append(group)

    def _may_join(self, one: _Group, two: _Group) -> bool:
        joined = one.with_(two)
        others = [group for group in self.groups if group is not one and group is not two]
        groups = [*others, joined]
        affected = [joined, *(group for group in others if group.uses & joined.members)]
        return not any(_seen(group, groups) & group.shuns for group in affected)

    def result(self) -> list[BuildSet]:
        """The groups in the order of their first builds."""
        found = sorted(
            (group for group in self.groups if group.members), key=lambda g: g.members & -g.members
        )
        return [
            BuildSet(
                tuple(id for n, id in enumerate(self.views.ids) if group.members >> n & 1),
                tuple(
                    number
                    for number, other in enumerate(found)
                    if other is not group and other.members & group.uses
                ),
            )
            for group in found
        ]


def _seen(group: _Group, groups: Iterable[_Group]) -> int:
    """All builds whose packages a group's roots can see, as bits."""
    seen = group.members
    for other in groups:
        if other.members & group.uses:
            seen |= other.members
    return seen
