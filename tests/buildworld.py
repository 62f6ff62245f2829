"""Small worlds whose plans say how everything is built, and plans told in a few lines.

world = BuildWorld(
    [*interpreter("3.14"), dist("setuptools", "83.0")],
    [sdist("app", "1", "old"), sdist("old", "1", build="setuptools<81"), ...],
)
assert builds_of(world.plan(tmp_path)) == ["1 old@1: python3-setuptools 83.0"]
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from attrs import define, evolve, field

from streamsolve.model import Base, Package, Release, ReleaseMetadata, Repository
from streamsolve.model.build import Build, BuildPlan, BuildSystem, Root
from streamsolve.model.component import Origin
from streamsolve.model.conflict import Failure
from streamsolve.model.plan import Plan
from streamsolve.model.profile import Profile
from streamsolve.planner import PlanRequest
from streamsolve.planner.planning import Attempt, Workshop
from streamsolve.planner.repairs import find_repairs
from streamsolve.planner.upstream import Upstream
from streamsolve.solving import PackagePool

from .smallworld import FakeIndex, dist, package, profile, release

__all__ = [
    "BuildWorld",
    "Sdist",
    "builds_in",
    "builds_of",
    "interpreter",
    "names_in",
    "root_of",
    "sdist",
    "source",
    "streams_of",
]

_T = TypeVar("_T")
Sdist = tuple[Release, ReleaseMetadata, BuildSystem | None]

GROUP = ("bash",)
USUAL = ("bash", "pyproject-rpm-macros", "python3", "python3-devel", "python3-pip")
"""What every root holds in which a distribution is built for the base's interpreter."""


def interpreter(series: str, *, pip: str = "26.0") -> list[Package]:
    """What a base needs to build distributions: an interpreter with its headers, pip, compilers."""
    name = f"python{series}"
    return [
        package("bash", "5"),
        package("gcc", "16.0.1", source="gcc"),
        package("gcc-c++", "16.0.1", requires=["gcc = 16.0.1-1.fc0"], source="gcc"),
        package("pyproject-rpm-macros", "1"),
        package(
            "python3",
            f"{series}.0",
            provides=[f"python(abi) = {series}", "/usr/bin/python3"],
            source=name,
        ),
        package(
            "python3-devel",
            f"{series}.0",
            requires=[f"python3 = {series}.0-1.fc0"],
            source=name,
        ),
        dist("pip", pip, series=series, source="python-pip"),
    ]


def source(name: str, *build_requires: str, version: str = "1") -> Package:
    """A source package of the base with its BuildRequires."""
    return Package(name, f"{version}-1.fc0", "src", "source", (), build_requires)


def sdist(
    name: str,
    version: str,
    *requires: str,
    build: str | None = "",
    python: str = "",
    native: bool = False,
    backend: str = "",
) -> Sdist:
    """A release with an sdist. ``build`` are the requirements of its ``[build-system]``, with
    commas between; None for an sdist whose ``[build-system]`` is not known. A native one has no
    wheel that runs everywhere."""
    wheels = () if native else ("py3-none-any",)
    listed, metadata = release(name, version, *requires, python=python, wheels=wheels)
    texts = () if build is None else tuple(t.strip() for t in build.split(", ") if t.strip())
    return listed, metadata, None if build is None else BuildSystem(texts, backend)


@define
class BuildWorld:
    """A base with binary and source packages, an index, a profile, and overlays by their name."""

    base: Sequence[Package]
    upstream: Sequence[Sdist]
    profile: Profile = field(factory=profile)
    sources: Sequence[Package] = ()
    overlays: Sequence[tuple[str, Sequence[Package]]] = ()
    priorities: Mapping[str, int] = field(factory=dict)
    """Those of overlays, by name; 99 where nothing is said."""
    group: tuple[str, ...] = GROUP
    files: Sequence[Repository] = ()
    """Further repositories of the base, such as one with lists of files."""
    arch: str = "x86_64"

    @property
    def repositories(self) -> tuple[Repository, ...]:
        """All repositories; the base's own come first."""
        return (
            _repository("base", self.base),
            _repository("source", self.sources, sources=True),
            *self.files,
            *(
                evolve(_repository(name, packages), priority=self.priorities.get(name, 99))
                for name, packages in self.overlays
            ),
        )

    def plan(self, tmp_path: Path, **request: object) -> Plan:
        """The plan; no plan is a failure of the test."""
        attempt = self.attempt(tmp_path, **request)
        assert attempt.plan is not None, attempt.conflicts
        return attempt.plan

    def attempt(self, tmp_path: Path, **request: object) -> Attempt:
        with self.workshop(tmp_path, **request) as workshop:
            return workshop.attempt(workshop.request)

    def failure(self, tmp_path: Path, **request: object) -> Failure:
        """Why there is no plan, with repairs that were solved."""
        with self.workshop(tmp_path, **request) as workshop:
            attempt = workshop.attempt(workshop.request)
            assert attempt.plan is None, "there is a plan"
            repairs = find_repairs(workshop, workshop.request, attempt.conflicts)
            return Failure("app", "1", "only", "small", "x86_64", attempt.conflicts, repairs)

    def workshop(self, tmp_path: Path, **request: object) -> Workshop:
        repositories = self.repositories
        base = Base(
            "small", self.arch, "", repositories, build_group=self.group, glibc=(2, 40), release="0"
        )
        pool = PackagePool.open(repositories, arch=self.arch, cache=tmp_path)
        overlays = tuple(f"{name}=http://127.0.0.1/{name}" for name, _ in self.overlays)
        asked = PlanRequest(
            "app",
            base="small",
            arch=self.arch,
            cache=tmp_path,
            builds=True,
            overlays=overlays,
            **request,  # type: ignore[arg-type]
        )
        index = FakeIndex([(listed, metadata) for listed, metadata, _ in self.upstream])
        index.systems = {
            (listed.name, listed.version): system
            for listed, _, system in self.upstream
            if system is not None
        }
        return Workshop(asked, self.profile, base, pool, Upstream(None, index))

    def shuffled(self, seed: int) -> BuildWorld:
        """The same world with everything in another order, requirements included."""
        rng = random.Random(seed)
        upstream = [
            (
                listed,
                evolve(metadata, requires=_mixed(rng, metadata.requires)),
                system and evolve(system, requires=_mixed(rng, system.requires)),
            )
            for listed, metadata, system in self.upstream
        ]
        return evolve(
            self,
            base=_mixed(rng, [_with_mixed_texts(rng, one) for one in self.base]),
            sources=_mixed(rng, [_with_mixed_texts(rng, one) for one in self.sources]),
            upstream=_mixed(rng, upstream),
        )


def _repository(id: str, packages: Iterable[Package], *, sources: bool = False) -> Repository:
    """A repository whose digest does not depend on the order of anything in it."""
    held = [_with_checksum(one) for one in packages]
    ordered = sorted(
        evolve(one, provides=tuple(sorted(one.provides)), requires=tuple(sorted(one.requires)))
        for one in held
    )
    digest = hashlib.sha256(repr(ordered).encode()).hexdigest()
    return Repository(id, digest, tuple(held), sources=sources)


def _with_checksum(one: Package) -> Package:
    """As a repository lists it: with a checksum and a size, which are made up."""
    digest = hashlib.sha256(one.nevra.encode()).hexdigest()
    return evolve(one, checksum=f"sha256:{digest}", size=100)


def _mixed(rng: random.Random, values: Iterable[_T]) -> tuple[_T, ...]:
    mixed = list(values)
    rng.shuffle(mixed)
    return tuple(mixed)


def _with_mixed_texts(rng: random.Random, one: Package) -> Package:
    return evolve(one, provides=_mixed(rng, one.provides), requires=_mixed(rng, one.requires))


# -- a plan in a few lines -------------------------------------------------------------------------


def streams_of(plan: Plan) -> list[str]:
    """``name version origin`` of every stream, ``for builds`` after those that only builds use."""
    return [
        f"{s.component} {s.version} {s.origin.value}{' for builds' if s.build_only else ''}"
        for s in plan.streams
    ]


def builds_of(plan: Plan, usual: Sequence[str] = USUAL) -> list[str]:
    """A line for each build, in the order of the levels: ``LEVEL ID: what its root holds``.

    The root is told as packages by name, beyond the usual ones, of which the missing are told as
    ``no bash``; a private one with its version and the build that makes it in parentheses. What
    is left out, what stands in for something, and the base's tools follow after semicolons.
    """
    builds = builds_in(plan)
    lines = []
    for number, level in enumerate(builds.order.levels, 1):
        for id in level.builds:
            build = builds.build(id)
            assert build is not None, f"{id} is in the order and is no build"
            root = builds.root(build.root)
            assert root is not None, f"{id} has no root"
            lines.append(f"{number} {id}: {_told(build, root, usual)}".rstrip(": "))
    return lines


def _told(build: Build, root: Root, usual: Sequence[str]) -> str:
    makers = {s.package: s.build for s in root.streams if s.origin is Origin.PRIVATE}
    names = {one.name for one in root.packages}
    held = [f"no {name}" for name in usual if name not in names]
    for one in root.packages:
        if one.repository == Origin.PRIVATE.value:
            owner = next((makers[name] for name in _owner_names(one.name) if name in makers), "?")
            held.append(f"{one.name} {one.version} ({owner})")
        elif one.repository == Origin.EXTERNAL.value:
            held.append(f"{one.name} (external)")
        elif one.name not in usual:
            held.append(one.name)
    parts = [", ".join(held)]
    parts += [f"without {need.text}" for need in build.left_out]
    parts += [f"for {one.component}: {one.instead}" for one in build.substitutes]
    parts += [f"tool {name}" for name in root.tools]
    return "; ".join(part for part in parts if part)


def _owner_names(name: str) -> Iterable[str]:
    """The package that a sub-package is of: ``python3.14-devel`` is of ``python3.14``."""
    yield name
    yield name.partition("+")[0]
    yield name.rpartition("-")[0]


def root_of(plan: Plan, id: str) -> Root:
    """The root of a build."""
    builds = builds_in(plan)
    build = builds.build(id)
    assert build is not None, f"{id} is no build of {[one.id for one in builds.builds]}"
    root = builds.root(build.root)
    assert root is not None
    return root


def names_in(plan: Plan, id: str) -> set[str]:
    """The names of the packages in the root of a build."""
    return {one.name for one in root_of(plan, id).packages}


def builds_in(plan: Plan) -> BuildPlan:
    """The build plan, which has to be there."""
    assert plan.builds is not None, "the plan has no builds"
    return plan.builds
