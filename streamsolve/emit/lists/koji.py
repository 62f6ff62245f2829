"""A plan for Koji: tags, external repositories, and builds in groups, as values and as JSON.

A build root in Koji sees all that its build tag inherits, so one tag cannot hold two streams of a
component for different roots. Builds are divided into sets, as few as are sound
(:mod:`streamsolve.model.build_sets`), and each set has a tag for what it builds, a build tag that
inherits this and the tags of the sets that it sees, and a target.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from ...model.build import Build, BuildPlan, NeedOrigin, Stage
from ...model.build_sets import BuildSet, divide, main_set
from ...model.component import PYTHON
from ...model.plan import Plan, PlannedStream
from .. import grammar
from ..commands import switches
from ..grammar import Grammar, Refusals
from ..mock_settings import MockSettings
from ..names import Names, builds_of, names_of, source_stem
from ..specs.versioning import spelled_for_rpm
from .koji_chains import Chain, chains_of

__all__ = [
    "KojiBuild",
    "KojiPlan",
    "KojiRepository",
    "KojiSettings",
    "KojiTag",
    "koji_document",
    "plan_koji",
]

SCHEMA = "streamsolve.koji/1"

TAG = Grammar(
    re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*", re.ASCII),
    "a tag of Koji: letters, digits, '_', '.', '+' and '-'",
    longest=100,
)
OWNER = Grammar(re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+@/-]*", re.ASCII), "a user of Koji")
SCM = Grammar(
    re.compile(
        r"(?:git|git\+https?|git\+ssh|git\+rsync|svn|svn\+https?|svn\+ssh)://"
        r"[A-Za-z0-9][A-Za-z0-9._~:/@?=+,;-]*#[A-Za-z0-9._/+~^-]+",
        re.ASCII,
    ),
    "the address of a repository as Koji writes it, such as "
    "'git+https://example.org/{package}.git#{version}'",
    longest=500,
)
_NO_SETTINGS = MockSettings("")
_BOOTSTRAP = "bootstrap"
_STEP = 10


@frozen
class KojiRepository:
    """A repository outside of Koji; the smaller ``priority`` comes first."""

    id: str
    url: str
    priority: int = 99


@frozen
class KojiSettings:
    """What no lock knows. ``tag`` is the application's, with which the others begin; ``owner`` is
    who owns the packages in them. The base is the tag ``parent``, or else ``repositories``, which
    are used besides a parent too. ``build_group`` are the packages of every build root, needed
    without a parent. ``scm`` is a template of addresses in which ``{package}``, ``{version}`` and
    ``{stream}`` stand for those of each stream. ``packages`` are the names of specs by stream, as
    far as known. ``dist`` is the suffix of releases without its dot."""

    tag: str
    owner: str
    parent: str = ""
    repositories: tuple[KojiRepository, ...] = ()
    build_group: tuple[str, ...] = ()
    scm: str = ""
    packages: Mapping[str, str] = field(factory=dict)
    dist: str = ""


@frozen
class KojiTag:
    """One set: ``name`` is its tag and its target, ``build_tag`` where it is built. The build tag
    inherits ``inherits`` in that order. ``macros`` are set all the time, ``while_building`` only
    while its builds run."""

    name: str
    build_tag: str
    inherits: tuple[str, ...]
    macros: tuple[tuple[str, str], ...]
    while_building: tuple[tuple[str, str], ...]
    packages: tuple[str, ...]
    builds: tuple[str, ...]


@frozen
class KojiBuild:
    """One build. ``source`` is the address of its repository, or the name of its source package;
    ``begins`` is how its full name begins, by which it is seen to be there already."""

    id: str
    target: str
    package: str
    begins: str
    source: str
    after: tuple[str, ...]


@frozen
class KojiPlan:
    """Everything. ``builds`` by id are in the order of the levels, ``runtime`` are the tags that
    hold what the application runs with."""

    application: str
    tags: tuple[KojiTag, ...]
    builds: Mapping[str, KojiBuild]
    levels: tuple[tuple[str, ...], ...]
    chains: tuple[Chain, ...]
    runtime: tuple[str, ...]
    settings: KojiSettings

    def tag(self, name: str) -> KojiTag:
        """The tag of that name; there is one."""
        return next(tag for tag in self.tags if tag.name == name)


def plan_koji(plan: Plan, settings: KojiSettings, *, file: str = "") -> KojiPlan:
    """What Koji should have. Raises :class:`InputErrors` (``NOT_EMITTED``) with every value that
    cannot be written; ``file`` is the lock's name, for the places."""
    builds = builds_of(plan, file)
    refusals = Refusals(file)
    _check(plan, settings, refusals)
    names = names_of(builds, refusals)
    refusals.raise_if_any()
    made = _Planned.of(plan, builds, settings, names).koji_plan(refusals)
    refusals.raise_if_any()
    return made


def _check(plan: Plan, settings: KojiSettings, refusals: Refusals) -> None:
    check = refusals.check
    check(plan.application, grammar.NAME, "application")
    check(plan.arch, grammar.ARCHITECTURE, "arch")
    check(settings.tag, TAG, "--tag")
    check(settings.owner, OWNER, "--owner")
    if settings.parent:
        check(settings.parent, TAG, "--parent")
    if settings.dist:
        check(settings.dist, grammar.DIST, "dist")
    for package in settings.build_group:
        check(package, grammar.PACKAGE, "base.build_group")
    for repository in settings.repositories:
        check(repository.id, grammar.NAME, "--repo")
        check(repository.url, grammar.URL, f"--repo {grammar.shown(repository.id)}")
    if not settings.parent and not settings.repositories:
        refusals.note(
            "nothing says where the base is",
            "--parent",
            "name a tag that has it, or the address of each of its repositories",
        )


@frozen
class _Planned:
    """The parts while they are put together; ``tags`` are the names of tags by set."""

    plan: Plan
    builds: BuildPlan
    settings: KojiSettings
    names: Names
    sets: tuple[BuildSet, ...]
    tags: tuple[str, ...]
    switches: Mapping[str, frozenset[tuple[str, bool]]]

    @classmethod
    def of(cls, plan: Plan, builds: BuildPlan, settings: KojiSettings, names: Names) -> _Planned:
        chosen = {
            build.id: frozenset((each.name, each.on) for each in switches(build, _NO_SETTINGS))
            for build in builds.builds
        }
        order = [id for level in builds.order.levels for id in level.builds]
        sets = tuple(divide(builds, [chosen[id] for id in order]))
        main = main_set(sets, plan.application)
        tags = tuple(
            settings.tag if number == main else f"{settings.tag}-{names.builds[one.builds[0]]}"
            for number, one in enumerate(sets)
        )
        return cls(plan, builds, settings, names, sets, tags, chosen)

    def koji_plan(self, refusals: Refusals) -> KojiPlan:
        target = {
            id: tag for tag, one in zip(self.tags, self.sets, strict=True) for id in one.builds
        }
        levels = tuple(level.builds for level in self.builds.order.levels)
        by_id = {build.id: build for build in self.builds.builds}
        made = {id: self._build(by_id[id], target[id], refusals) for each in levels for id in each}
        tags = [self._tag(number, made) for number in range(len(self.sets))]
        for tag in tags:
            refusals.check(tag.build_tag, TAG, "--tag")
        used = {stream.build for stream in self.builds.runtime.streams}
        return KojiPlan(
            self.plan.application,
            tuple(tags),
            made,
            levels,
            chains_of(levels, target, {build.id: build.after for build in self.builds.builds}),
            tuple(sorted({target[id] for id in used & target.keys()})),
            self.settings,
        )

    def _tag(self, number: int, made: Mapping[str, KojiBuild]) -> KojiTag:
        one, name = self.sets[number], self.tags[number]
        chosen = set().union(*(self.switches[id] for id in one.builds))
        macros = {f"_{'with' if on else 'without'}_{switch}": "1" for switch, on in chosen}
        passing = {}
        if (_BOOTSTRAP, True) in chosen:
            passing["_with_bootstrap"] = macros.pop("_with_bootstrap")
            if self.settings.dist:
                # Koji builds nothing twice under one name.
                passing["dist"] = f".{self.settings.dist}~bootstrap"
        seen = [self.tags[other] for other in one.sees]
        parents = (name, *sorted(seen), *filter(None, (self.settings.parent,)))
        return KojiTag(
            name,
            f"{name}-build",
            parents,
            tuple(sorted(macros.items())),
            tuple(sorted(passing.items())),
            tuple(sorted({made[id].package for id in one.builds})),
            one.builds,
        )

    def _build(self, build: Build, target: str, refusals: Refusals) -> KojiBuild:
        stream = self._stream(build)
        package = self.settings.packages.get(build.stream) or _package(build, stream)
        place = f"builds[{build.id}]"
        refusals.check(package, grammar.PACKAGE, place)
        # An interpreter is planned as a series, of which any release is.
        end = "." if build.component == PYTHON else "-"
        begins = f"{package}-{spelled_for_rpm(build.version)}{end}"
        source = self.names.sources[build.stream]
        if self.settings.scm:
            words = {
                "{package}": package,
                "{version}": str(build.version),
                "{stream}": source_stem(self.names, build.stream),
            }
            source = re.sub(
                r"\{[a-z]+\}", lambda found: words.get(found[0], found[0]), self.settings.scm
            )
            refusals.check(source, SCM, f"--scm for {grammar.shown(build.id)}")
        return KojiBuild(build.id, target, package, begins, source, build.after)

    def _stream(self, build: Build) -> PlannedStream | None:
        for one in self.plan.streams:
            if one.component == build.component and one.version == build.version:
                return one
        return None


def _package(build: Build, stream: PlannedStream | None) -> str:
    """What the spec of a stream is probably called: as the base's, else as generators call it."""
    for need in (*build.needs, *build.left_out):
        if need.origin is NeedOrigin.BASE_SPEC and need.place.endswith(".src"):
            return need.place.rsplit("-", 2)[0]
    package = stream.package if stream is not None else ""
    if package.startswith("python3-"):
        return f"python-{package.removeprefix('python3-')}"
    return package or build.component.name


def koji_document(made: KojiPlan, plan: Plan) -> dict[str, Any]:
    """The document ``streamsolve.koji/1``."""
    builds = plan.builds.builds if plan.builds is not None else ()
    bootstraps = {build.id for build in builds if build.stage is Stage.BOOTSTRAP}
    return {
        "schema": SCHEMA,
        "application": plan.application,
        "version": str(plan.version),
        "variant": plan.variant,
        "base": plan.base,
        "arch": plan.arch,
        "parent": made.settings.parent,
        "external_repositories": [
            {"name": name, "url": each.url, "priority": priority}
            for name, priority, each in external_repositories(made.settings)
        ],
        "tags": [
            {
                "name": tag.name,
                "build_tag": tag.build_tag,
                "target": tag.name,
                "inherits": list(tag.inherits),
                "macros": dict(tag.macros),
                "macros_while_building": dict(tag.while_building),
                "packages": list(tag.packages),
                "builds": list(tag.builds),
            }
            for tag in made.tags
        ],
        "builds": {
            build.id: {
                "target": build.target,
                "package": build.package,
                "source": build.source,
                "bootstrap": build.id in bootstraps,
                "after": list(build.after),
            }
            for build in made.builds.values()
        },
        "levels": [list(level) for level in made.levels],
        "chains": [
            {"target": chain.target, "groups": [list(group) for group in chain.groups]}
            for chain in made.chains
        ],
        "runtime": list(made.runtime),
    }


def external_repositories(
    settings: KojiSettings,
) -> tuple[tuple[str, int, KojiRepository], ...]:
    """Names and priorities of the repositories in Koji, where no two of a tag may have the same."""
    ordered = sorted(settings.repositories, key=lambda each: (each.priority, each.id))
    return tuple(
        (f"{settings.tag}-{each.id}", _STEP * number, each)
        for number, each in enumerate(ordered, 1)
    )


def koji_json(made: KojiPlan, plan: Plan) -> bytes:
    """The document as text."""
    text = json.dumps(koji_document(made, plan), indent=1, ensure_ascii=True)
    return f"{text}\n".encode("ascii")
