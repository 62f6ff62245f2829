"""Roots over drawn repositories, judged by the real dnf.

Each draw is a small world of its own, with names that no other has, so that dnf reads all of them
from one set of repositories: that of a base and those of overlays with better, equal and worse
priorities. What is asked for is a package that requires it: libsolv looks at demands before it
looks at requirements, so the same texts put to it as demands can lead to another choice, in dnf as
here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from attrs import field, frozen

from streamsolve.model import Package, Repository, RpmMd
from streamsolve.model.root import RootRequest, RootSolution
from streamsolve.solving import PackagePool

from .dnf_oracle import Answer, Places, accepts_exactly, needs_dnf, satisfiable
from .localrepository import write_repository
from .rpmmd import element, embedded, on_disk, rpm

pytestmark = needs_dnf

PRIORITIES = {"base": 99, "better": 20, "equal": 99, "worse": 120}
EVRS = ("1-1", "2-1", "2-2", "3-1", "1:1-2", "2~rc1-1", "3.1-1")
BOUNDS = ("1", "2", "2-1", "3", "1:1", "2~rc1")
OPERATORS = ("and", "or", "if", "unless", "with", "without", "if-else", "unless-else")
COMMAND, LISTED_NOWHERE = "/usr/bin/x", "/opt/y"
WORLDS = 40


@frozen
class Traits:
    """What packages of a world may have; the shares are those of packages that have it."""

    boolean: bool = False
    ranges: bool = False
    paths: bool = False
    arches: tuple[str, ...] = ("noarch",)
    overlays: tuple[str, ...] = ("better", "equal", "worse")
    conflicts: float = 0.2
    obsoletes: float = 0.15


KINDS = {
    "a base alone": Traits(overlays=()),
    "overlays": Traits(),
    "much excludes each other": Traits(conflicts=0.5, obsoletes=0.3),
    "boolean dependencies": Traits(boolean=True),
    "provided ranges": Traits(ranges=True),
    "architectures": Traits(arches=("noarch", "x86_64", "x86_64", "i686", "src")),
}


@frozen
class World:
    """Packages by repository, the packages that are asked for, and what they require. A name is
    owner of the same paths in all its versions."""

    repositories: dict[str, list[Package]]
    wishes: tuple[Package, ...]
    files: dict[str, list[str]] = field(factory=dict)


class Draw:
    """Draws one world. The order of drawing is fixed, so a seed is a world."""

    def __init__(self, seed: int, traits: Traits) -> None:
        self.random = Random(f"{seed}/{traits}")
        self.traits = traits
        self.names = [f"w{seed}-{letter}" for letter in "abcdefgh"]
        self.capabilities = [f"w{seed}-p", f"w{seed}-q"]
        self.paths = [f"{path}{seed}" for path in (COMMAND, LISTED_NOWHERE) if traits.paths]

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def bounded(self, name: str, share: float) -> str:
        if not self.chance(share) or name.startswith("/"):
            return name
        operator = self.random.choice(("<", "<=", "=", ">=", ">"))
        return f"{name} {operator} {self.random.choice(BOUNDS)}"

    def plain(self) -> str:
        name = self.random.choice([*self.names, *self.capabilities, *self.paths])
        return self.bounded(name, 0.35)

    def dependency(self) -> str:
        if not self.traits.boolean or not self.chance(0.3):
            return self.plain()
        one, two, three = (self.plain() for _ in range(3))
        operator, _, tail = self.random.choice(OPERATORS).partition("-")
        if operator in {"with", "without"}:
            name = self.random.choice(self.names)
            one, two = f"{name} >= 2", f"{name} < {self.random.choice(BOUNDS)}"
        return f"({one} {operator} {two}{f' else {three}' if tail else ''})"

    def provide(self) -> str:
        name = self.random.choice(self.capabilities)
        if self.traits.ranges and self.chance(0.5):
            return self.bounded(name, 1)
        return name if self.chance(0.3) else f"{name} = {self.random.choice(BOUNDS)}"

    def package(self, name: str, evr: str) -> Package:
        requires = [self.dependency() for _ in range(3) if self.chance(0.4)]
        conflicts = [self.dependency() for _ in range(1) if self.chance(self.traits.conflicts)]
        obsoletes = [
            self.random.choice(self.names) + self.random.choice(("", " < 2", " <= 1:1", " = 2-1"))
            for _ in range(1)
            if self.chance(self.traits.obsoletes)
        ]
        provides = [self.provide() for _ in range(2) if self.chance(0.3)]
        return Package(
            name,
            evr,
            self.random.choice(self.traits.arches),
            provides=tuple(sorted(set(provides))),
            requires=tuple(sorted(set(requires))),
            conflicts=tuple(sorted(set(conflicts))),
            obsoletes=tuple(each for each in obsoletes if each.split()[0] != name),
        )

    def world(self) -> World:
        homes = ("base", "base", *self.traits.overlays)
        drawn: dict[str, list[Package]] = {home: [] for home in PRIORITIES}
        pairs = [(name, evr) for name in self.names for evr in EVRS]
        for name, evr in self.random.sample(pairs, self.random.randint(8, 16)):
            drawn[self.random.choice(homes)].append(self.package(name, evr))
        wishes = [
            Package(f"{self.names[0]}-wish-{at}", "1-1", "noarch", requires=self.demands())
            for at in range(6)
        ]
        files = {name: [path for path in self.paths if self.chance(0.2)] for name in self.names}
        return World(drawn, tuple(wishes), files)

    def demands(self) -> tuple[str, ...]:
        return tuple(sorted({self.dependency() for _ in range(self.random.choice((1, 1, 2, 3)))}))


def drawn(traits: Traits) -> World:
    """Many worlds side by side."""
    worlds = [Draw(seed, traits).world() for seed in range(WORLDS)]
    # Where nothing else tells providers apart, libsolv takes the one that it met first.
    return World(
        {
            home: sorted(one for each in worlds for one in each.repositories[home])
            for home in PRIORITIES
        },
        tuple(wish for each in worlds for wish in each.wishes),
        {name: paths for each in worlds for name, paths in each.files.items()},
    )


def written(directory: Path, world: World, *, filelists: Sequence[Repository] = ()) -> Places:
    """The repositories as dnf reads them, the wishes among them; with the file lists of these."""
    lists = {
        each.id: each.content.filelists.path.read_bytes()
        for each in filelists
        if isinstance(each.content, RpmMd) and each.content.filelists
    }
    found = {}
    for home, packages in world.repositories.items():
        elements = [element(each, world.files.get(each.name, ())) for each in packages]
        more = {"filelists": lists[home]} if home in lists else None
        found[home] = (write_repository(directory / home, elements, more=more), PRIORITIES[home])
    wishes = write_repository(directory / "wishes", map(element, world.wishes))
    return {**found, "wishes": (wishes, 1)}


def solved(
    cache: Path, world: World, repositories: Sequence[Repository], requests: Sequence[RootRequest]
) -> list[set[str] | None]:
    """The full names of each answer, without the wish; None for a conflict."""
    wishes = embedded("wishes", *world.wishes, priority=1)
    wished = {wish.nevra for wish in world.wishes}
    answers: list[set[str] | None] = []
    with PackagePool.open([*repositories, wishes], arch="x86_64", cache=cache) as pool:
        for request in requests:
            found = pool.solve(request)
            answers.append(
                {each.nevra for each in found.packages} - wished
                if isinstance(found, RootSolution)
                else None
            )
    return answers


def of(answer: Answer) -> set[str] | None:
    """What dnf answered, without the wish."""
    names = {name for name in answer.packages if "-wish-" not in name}
    return names if answer.satisfiable else None


def embedded_in(world: World) -> list[Repository]:
    return [
        embedded(home, *packages, priority=PRIORITIES[home])
        for home, packages in world.repositories.items()
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_dnf_takes_the_same_packages_for_a_package_that_requires_them(
    tmp_path: Path, kind: str
) -> None:
    world = drawn(KINDS[kind])
    requests = [RootRequest((wish.name,)) for wish in world.wishes]
    ours = solved(tmp_path / "cache", world, embedded_in(world), requests)
    theirs = satisfiable(tmp_path, written(tmp_path, world), requests)
    for wish, mine, answer in zip(world.wishes, ours, theirs, strict=True):
        assert mine == of(answer), (wish, answer.words)
    assert sum(mine is not None for mine in ours) > len(ours) / 5


@pytest.mark.parametrize("kind", KINDS)
def test_dnf_installs_exactly_what_the_same_texts_lead_to_as_demands(
    tmp_path: Path, kind: str
) -> None:
    world = drawn(KINDS[kind])
    requests = [RootRequest(wish.requires) for wish in world.wishes]
    ours = solved(tmp_path / "cache", world, embedded_in(world), requests)
    roots = [(request, mine or ()) for request, mine in zip(requests, ours, strict=True)]
    verdicts = accepts_exactly(tmp_path, written(tmp_path, world), roots)
    for wish, mine, verdict in zip(world.wishes, ours, verdicts, strict=True):
        assert (mine is not None) == verdict.alone.satisfiable, (wish, verdict.alone.words)
        assert mine is None or verdict.accepted, (wish, verdict.exactly)


@pytest.mark.parametrize("boolean", [False, True])
def test_dnf_installs_exactly_what_was_found_where_paths_are_in_file_lists_only(
    tmp_path: Path, boolean: bool
) -> None:
    world = drawn(Traits(paths=True, boolean=boolean))
    repositories = [
        on_disk(tmp_path, home, *packages, suffix="", files=world.files, priority=PRIORITIES[home])
        for home, packages in world.repositories.items()
    ]
    requests = [RootRequest((wish.name,)) for wish in world.wishes]
    # Each from a pool of its own, that has seen no file list yet.
    ours = [
        mine
        for request in requests
        for mine in solved(tmp_path / "cache", world, repositories, [request])
    ]
    places = written(tmp_path / "with", world, filelists=repositories)
    roots = [
        (request, {*mine, wish.nevra} if mine else ())
        for request, mine, wish in zip(requests, ours, world.wishes, strict=True)
    ]
    verdicts = accepts_exactly(tmp_path / "with", places, roots)
    other = [
        (at, mine)
        for at, (mine, verdict) in enumerate(zip(ours, verdicts, strict=True))
        if mine != of(verdict.alone)
    ]
    for mine, verdict in zip(ours, verdicts, strict=True):
        assert (mine is not None) == verdict.alone.satisfiable, verdict.alone.words
        assert not mine or verdict.accepted, verdict.exactly
    # Another choice is that of a dnf without file lists, and no other.
    (tmp_path / "without").mkdir()
    again = satisfiable(
        tmp_path / "without",
        written(tmp_path / "without", world),
        [requests[at] for at, _ in other],
    )
    assert [mine for _, mine in other] == [of(answer) for answer in again]
    assert len(other) < len(ours) / 50


def test_a_root_holds_one_kernel_where_dnf_by_itself_may_install_two(tmp_path: Path) -> None:
    """What provides ``installonlypkg(kernel)`` may be there in several versions, for dnf."""
    kernels = [
        rpm("kernel", evr, "x86_64", provides="installonlypkg(kernel)") for evr in ("6-1", "7-1")
    ]
    packages = [*kernels, rpm("driver", requires="kernel = 6-1")]
    request = RootRequest(("driver", "kernel"))
    with PackagePool.open([embedded("base", *packages)], arch="x86_64", cache=tmp_path) as pool:
        found = pool.solve(request)
        assert not isinstance(pool.solve(RootRequest(("driver", "kernel = 7-1"))), RootSolution)
    assert isinstance(found, RootSolution)
    ours = {package.nevra for package in found.packages}
    places: Places = {"base": (write_repository(tmp_path / "base", map(element, packages)), 99)}
    (verdict,) = accepts_exactly(tmp_path, places, [(request, ours)])
    assert verdict.accepted
    (tmp_path / "both").mkdir()
    (both,) = satisfiable(tmp_path / "both", places, [RootRequest(("driver", "kernel = 7-1"))])
    assert set(both.packages) == {package.nevra for package in packages}
