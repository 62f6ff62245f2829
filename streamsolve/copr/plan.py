"""From a lock to what COPR should have: projects with their chroots, and builds in levels.

Pure: nothing is asked and nothing is read. The same lock and options give the same plan.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from attrs import asdict, evolve, frozen

from ..emit.commands import switches
from ..emit.grammar import Refusals
from ..emit.mock_settings import MockSettings
from ..emit.names import Names, names_of
from ..errors import Code, ErrorCollector, InputError, Place
from ..model.build import Build, BuildPlan
from ..model.build_sets import BuildSet, divide, main_set
from ..model.plan import Notice, Plan, PlannedStream
from .choose import Chooser
from .options import PROJECT, FarmOptions, check_options
from .source import BuildSource, CustomSource, marker_of

__all__ = ["FarmPlan", "WantedBuild", "WantedChroot", "WantedProject", "plan_farm"]

_NO_SETTINGS = MockSettings("")
_SUMMARY = "this cannot be built in COPR:"


@frozen
class WantedChroot:
    """A chroot of a project as it should be; each tuple in the order in which COPR keeps it."""

    name: str
    additional_packages: tuple[str, ...] = ()
    additional_modules: tuple[str, ...] = ()
    with_opts: tuple[str, ...] = ()
    without_opts: tuple[str, ...] = ()
    isolation: str = "unchanged"


@frozen
class WantedProject:
    """A project as it should be. What it sees besides itself is in ``additional_repos``, in order:
    other projects of ours, then repositories on top of the base."""

    owner: str
    name: str
    chroots: tuple[WantedChroot, ...]
    additional_repos: tuple[str, ...]
    repo_priority: int
    description: str = ""
    enable_net: bool = False
    module_hotfixes: bool = True
    follow_fedora_branching: bool = False


@frozen
class WantedBuild:
    """A build that should be there. ``level`` counts from 1. ``digest`` (sha256, hexadecimal) is
    that of all it is made from: its source, how its project is set up, and in turn all that it
    comes after. ``package`` is the RPM that carries the stream, ``component`` as profiles write
    it."""

    id: str
    component: str
    level: int
    project: str
    source: BuildSource
    after: tuple[str, ...]
    digest: str
    package: str = ""

    @property
    def marker(self) -> str:
        """By which it is found again."""
        return marker_of(self.digest)


@frozen
class FarmPlan:
    """What COPR should have. ``projects`` are sorted by name, ``builds`` are in the order in which
    they may be submitted. ``runtime`` are the projects that who runs the application enables.
    ``notices`` say what COPR cannot do of what the lock says."""

    owner: str
    project: str
    projects: tuple[WantedProject, ...]
    builds: tuple[WantedBuild, ...]
    runtime: tuple[str, ...]
    notices: tuple[Notice, ...] = ()

    def build(self, id: str) -> WantedBuild:
        """The build of that id; there is one."""
        return next(build for build in self.builds if build.id == id)

    @property
    def levels(self) -> tuple[tuple[WantedBuild, ...], ...]:
        """The builds by level."""
        last = max((build.level for build in self.builds), default=0)
        return tuple(
            tuple(build for build in self.builds if build.level == level)
            for level in range(1, last + 1)
        )


def plan_farm(
    plan: Plan,
    options: FarmOptions,
    srpms: Mapping[str, str],
    *,
    file: str,
    given: Iterable[str] = (),
    sources_needed: bool = True,
) -> FarmPlan:
    """What COPR should have for a locked plan.

    ``srpms`` are the source packages at hand: file names with their sha256. ``given`` are the
    components whose spec the packager gave. Where it is only asked what is where, sources may be
    missing (``sources_needed``). Raises :class:`InputErrors` (``NOT_FOR_COPR``) with
    everything that does not go.
    """
    if plan.builds is None:
        raise InputError(
            Code.NOT_FOR_COPR,
            "this lock says nothing of builds",
            place=Place(file),
            hint="make it again with `streamsolve lock`",
        )
    refusals = Refusals(file, ErrorCollector(Code.NOT_FOR_COPR))
    check_options(options, plan.arch, refusals)
    names = names_of(plan.builds, refusals)
    chooser = Chooser(plan, options, names, srpms, frozenset(given), refusals)
    sources = {build.id: chooser.source(build) for build in plan.builds.builds}
    chooser.finish(sources_needed)
    refusals.faults.raise_if_any(_SUMMARY)
    planned = _Planned.of(plan, plan.builds, options, names)
    for name in planned.names:
        refusals.check(name, PROJECT, "--project")
    refusals.faults.raise_if_any(_SUMMARY)
    return planned.farm_plan(sources)


@frozen
class _Planned:
    """The parts of a plan while it is put together. ``names`` are those of projects by set."""

    plan: Plan
    builds: BuildPlan
    options: FarmOptions
    sets: tuple[BuildSet, ...]
    names: tuple[str, ...]
    switches: Mapping[str, frozenset[tuple[str, bool]]]

    @classmethod
    def of(cls, plan: Plan, builds: BuildPlan, options: FarmOptions, names: Names) -> _Planned:
        found = {
            build.id: frozenset(
                (switch.name, switch.on) for switch in switches(build, _NO_SETTINGS)
            )
            for build in builds.builds
        }
        order = [id for level in builds.order.levels for id in level.builds]
        sets = tuple(divide(builds, [found[id] for id in order]))
        main = main_set(sets, plan.application)
        called = tuple(
            options.project
            if number == main
            else f"{options.project}-{names.builds[one.builds[0]]}"
            for number, one in enumerate(sets)
        )
        return cls(plan, builds, options, sets, called, found)

    def farm_plan(self, sources: Mapping[str, BuildSource]) -> FarmPlan:
        projects = [self._project(number) for number in range(len(self.sets))]
        used = {stream.build for stream in self.builds.runtime.streams if stream.build}
        runtime = [
            name
            for name, one in zip(self.names, self.sets, strict=True)
            if used.intersection(one.builds)
        ]
        made = FarmPlan(
            self.options.owner,
            self.options.project,
            tuple(sorted(projects, key=lambda project: project.name)),
            self._builds(projects, sources),
            tuple(sorted(runtime)),
        )
        return evolve(made, notices=self._notices())

    # -- projects

    def _project(self, number: int) -> WantedProject:
        options, one = self.options, self.sets[number]
        chosen = frozenset[tuple[str, bool]]().union(*(self.switches[id] for id in one.builds))
        chroots = tuple(
            WantedChroot(
                name,
                options.packages,
                options.modules,
                tuple(sorted(name for name, on in chosen if on)),
                tuple(sorted(name for name, on in chosen if not on)),
                options.isolation,
            )
            for name in sorted(options.chroots)
        )
        ours = (f"copr://{options.owner}/{self.names[seen]}" for seen in one.sees)
        repos = [
            *(f"{url}?priority={options.priority}" for url in sorted(ours)),
            *(f"{each.url}?priority={each.priority}" for each in options.repositories),
        ]
        described = filter(None, (self.plan.application, str(self.plan.version), self.plan.variant))
        return WantedProject(
            options.owner,
            self.names[number],
            chroots,
            tuple(repos),
            options.priority,
            f"Streams of {' '.join(described)} on {self.plan.base}, planned by streamsolve.",
        )

    # -- builds

    def _builds(
        self, projects: list[WantedProject], sources: Mapping[str, BuildSource]
    ) -> tuple[WantedBuild, ...]:
        of = {
            id: project
            for project, one in zip(projects, self.sets, strict=True)
            for id in one.builds
        }
        packages = {
            stream.build: stream.package
            for root in (self.builds.runtime, *self.builds.roots)
            for stream in root.streams
        }
        by_id = {build.id: build for build in self.builds.builds}
        found: dict[str, WantedBuild] = {}
        for number, level in enumerate(self.builds.order.levels, 1):
            for id in level.builds:
                build, project = by_id[id], of[id]
                after = tuple(build.after)
                digest = _digest(
                    build,
                    project,
                    self._identity(build, sources[id]),
                    self.switches[id],
                    [found[other].digest for other in after],
                )
                stream = self._stream(build)
                package = packages.get(id) or (stream.package if stream else "")
                found[id] = WantedBuild(
                    id,
                    build.component.spelled,
                    number,
                    project.name,
                    sources[id],
                    after,
                    digest,
                    package,
                )
        return tuple(found.values())

    def _identity(self, build: Build, source: BuildSource) -> object:
        """What a source is, without where it is had. A script fetches the whole lock, but makes
        from it only what the lock says of this stream."""
        if not isinstance(source, CustomSource):
            return [type(source).__name__, asdict(source)]
        stream = self._stream(build)
        stated = (
            (asdict(stream.source), stream.licence, sorted(map(str, stream.requirements)))
            if stream is not None
            else ()
        )
        needs = [[need.text, need.applied, need.role.value] for need in build.needs]
        return ["custom", source.chroot, source.builddeps, stated, needs]

    def _stream(self, build: Build) -> PlannedStream | None:
        of = (s for s in self.plan.streams if s.component == build.component)
        return next((s for s in of if s.version == build.version), None)

    # -- what COPR cannot do

    def _notices(self) -> tuple[Notice, ...]:
        base = {
            package.name
            for root in (self.builds.runtime, *self.builds.roots)
            for package in root.packages
            if package.repository not in ("private", "external")
        }
        found = [
            Notice(
                "base-not-locked",
                f"COPR builds with what {self.plan.base} has that day: the versions of the "
                f"{len(base)} packages of the base that the lock names cannot be held there, and "
                "what a build asks for besides them is installed.",
            )
        ]
        untested = sum(
            1
            for one in self.sets
            for id in one.builds
            if not _without_tests(self.switches[id])
            and any(_without_tests(self.switches[other]) for other in one.builds)
        )
        if untested:
            found.append(
                Notice(
                    "tests-off",
                    f"Tests are off for {untested} builds that could run them, because COPR's "
                    "switches hold for a whole project.",
                )
            )
        return tuple(found)


def _without_tests(switches: frozenset[tuple[str, bool]]) -> bool:
    return ("tests", False) in switches


def _digest(
    build: Build,
    project: WantedProject,
    source: object,
    switches: Iterable[tuple[str, bool]],
    needed: Iterable[str],
) -> str:
    """What a build is made from: nothing of it changes when another stream of the lock does.

    Where our projects are is no part of it, since what they hold for this build is.
    """
    document = {
        "build": build.id,
        "source": source,
        "switches": sorted(switches),
        "chroots": [
            (chroot.name, chroot.additional_packages, chroot.additional_modules)
            for chroot in project.chroots
        ],
        "repositories": [url for url in project.additional_repos if not url.startswith("copr://")],
        "after": sorted(needed),
    }
    text = json.dumps(document, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
