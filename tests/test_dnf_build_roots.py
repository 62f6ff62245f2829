"""Build roots and a runtime root, judged by the real dnf over the same repositories.

dnf gets the base's repositories and one of the metadata of what is private or a third party's. It
must take exactly our packages as an installation that needs nothing else. Where it would choose
others by itself, asked for what libsolv was asked for here, each difference is explained.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import partial
from pathlib import Path

import pytest
from attrs import evolve, frozen
from packaging.version import Version

from streamsolve import library
from streamsolve.model import Base, Component, Kind, Origin, Package
from streamsolve.model.build import Build, BuildPlan, Root, RootStream, Stage
from streamsolve.model.root import RootConflict, RootRequest, RootSolution
from streamsolve.solving import PackagePool

from .dnf_oracle import Verdict, accepts_exactly, needs_dnf, places
from .rpmmd import embedded, rpm

pytestmark = needs_dnf

MADE = frozenset({"private", "external"})
DISTRIBUTION = re.compile(r"python3(?:\.\d+)?dist\(([^)\[]+)\)")


# --- why dnf alone would choose differently


class Why(Enum):
    """What explains that a package is in one of two roots only."""

    OTHER_STREAM = (
        "another stream of a component: streamsolve keeps the base's out of the root, which the "
        "root's packages and requirements alone do not tell dnf"
    )
    OTHER_PROVIDER = (
        "both roots need a capability that is no name of the packages that differ, and each "
        "libsolv takes the provider that it prefers"
    )
    FOLLOWS = "a package that differs needs it, or is the condition on which both roots need it"
    UNKNOWN = "nothing known explains it"


@frozen(order=True)
class Difference:
    """A package that only dnf's root (``dnfs``) or only ours holds; the ``capability`` for which
    it is there, and what provides that ``instead`` in the other root."""

    package: str
    dnfs: bool
    why: Why
    capability: str = ""
    instead: tuple[str, ...] = ()


@frozen
class TwoRoots:
    """Our root, and the packages that dnf would have chosen."""

    root: Root
    dnfs: Sequence[Package]
    pool: PackagePool
    """All packages of both."""

    def differences(self) -> list[Difference]:
        """Each package that one of the two lacks, explained; ours first where names are equal."""
        ours = {package.nevra: package for package in self.root.packages}
        dnfs = {package.nevra: package for package in self.dnfs}
        common = ours.keys() & dnfs.keys()
        needed = {*self.root.asked, *(text for name in common for text in ours[name].requires)}
        # Only what no package of both roots provides can be a reason for one that differs.
        open_texts = {
            text: found for text in needed if not (found := self._providing(text)) & common
        }
        only_ours = {name: ours[name] for name in ours.keys() - common}
        only_dnfs = {name: dnfs[name] for name in dnfs.keys() - common}
        return sorted(
            [
                *self._explained(only_ours, only_dnfs, open_texts, dnfs=False),
                *self._explained(only_dnfs, only_ours, open_texts, dnfs=True),
            ],
            key=lambda each: (each.package, each.dnfs),
        )

    def _explained(
        self,
        mine: Mapping[str, Package],
        others: Mapping[str, Package],
        needed: Mapping[str, set[str]],
        *,
        dnfs: bool,
    ) -> Iterator[Difference]:
        own = {each.name for each in (*mine.values(), *others.values())}
        for name, package in mine.items():
            rivals = {
                text: others.keys() & found
                for text, found in sorted(needed.items())
                if name in found
            }
            texts = [text for text in rivals if rivals[text]]
            virtual = [text for text in texts if text.split()[0] not in own]
            involved = (package, *(others[each] for text in texts for each in rivals[text]))
            if texts and any(map(self._is_kept_out, involved)):
                why, text = Why.OTHER_STREAM, texts[0]
            elif virtual:
                why, text = Why.OTHER_PROVIDER, virtual[0]
            elif texts:
                why, text = Why.UNKNOWN, texts[0]
            else:
                conditional = (text for text in rivals if re.search(r" (if|unless) ", text))
                text = self._needed_by(package, mine.values()) or next(conditional, "")
                why = Why.FOLLOWS if text else Why.UNKNOWN
            yield Difference(name, dnfs, why, text, tuple(sorted(rivals.get(text, ()))))

    def _needed_by(self, package: Package, others: Iterable[Package]) -> str:
        """What another of the packages requires of it; or nothing."""
        return next(
            (
                text
                for other in others
                if other != package
                for text in other.requires
                if package.nevra in self._providing(text)
            ),
            "",
        )

    def _providing(self, text: str) -> set[str]:
        return {package.nevra for package in self.pool.providers(text)}

    def _is_kept_out(self, package: Package) -> bool:
        """Whether it is a package that the root lacks, of a component that it holds a stream of."""
        if package.nevra in {each.nevra for each in self.root.packages}:
            return False
        distributions = {
            found[1] for text in package.provides if (found := DISTRIBUTION.match(text))
        }
        for stream in self.root.streams:
            component = stream.component
            if component.kind is Kind.DISTRIBUTION and component.name in distributions:
                return True
            if component.kind is Kind.TOOLCHAIN and package.source == component.name:
                return True
            if component.kind is Kind.INTERPRETER and _is_interpreter(package):
                return True
        return False


def _is_interpreter(package: Package) -> bool:
    return any(text.startswith("python(abi) = ") for text in package.provides)


# --- asking dnf


@frozen
class Judge:
    """The base of this module, and dnf over its repositories."""

    base: Base
    pool: PackagePool
    directory: Path

    def verdicts(self, name: str, roots: Sequence[Root]) -> list[Verdict]:
        """What dnf makes of each root, in their order."""
        directory = self.directory / name
        directory.mkdir()
        asked = [(request_of(root), [package.nevra for package in root.packages]) for root in roots]
        return accepts_exactly(directory, places(self.base.repositories), asked)

    def explained(self, root: Root, verdict: Verdict) -> list[Difference]:
        """Where dnf alone would choose differently; one that it cannot solve has no explanation."""
        if not verdict.alone.satisfiable:
            return [Difference(root.id, True, Why.UNKNOWN, verdict.alone.words)]
        made = {package.nevra: package for package in request_of(root).planned}
        dnfs = [made.get(nevra) or self._package(nevra) for nevra in verdict.alone.packages]
        return explain(root, dnfs, self.directory)

    def _package(self, nevra: str) -> Package:
        named = self.pool.named(nevra.rsplit("-", 2)[0])
        return next(package for package in named if package.nevra == nevra)


def explain(root: Root, dnfs: Sequence[Package], directory: Path) -> list[Difference]:
    """Every difference between a root and what dnf would have chosen."""
    both = {package.nevra: package for package in (*root.packages, *dnfs)}
    everything = embedded("both", *(both[nevra] for nevra in sorted(both)))
    with PackagePool.open([everything], arch="x86_64", cache=directory / "cache") as pool:
        return TwoRoots(root, dnfs, pool).differences()


def request_of(root: Root) -> RootRequest:
    """What libsolv was asked for, as far as a root tells it."""
    planned = tuple(package for package in root.packages if package.repository in MADE)
    return RootRequest(root.asked, planned)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Iterator[Judge]:
    directory = tmp_path_factory.mktemp("build-roots")
    cache = directory / "cache"
    base = library.load_base(str(shared / "data" / "fedora-44"), offline=True, cache=cache)
    with PackagePool.open(base.repositories, arch=base.arch, cache=cache) as pool:
        yield Judge(base, pool, directory)


# --- roots of the base's own sources, and three with something planned

SOURCES = (
    "cmake",
    "ffmpeg",
    "gcc",
    "libreoffice",
    "numpy",
    "python-cryptography",
    "python-fastapi",
    "python-pillow",
    "python-setuptools",
    "python-torch",
    "python3.14",
    "rust",
)
OLD_SETUPTOOLS = rpm(
    "python3-setuptools",
    "80.9.0-0.streamsolve",
    provides="python3dist(setuptools) = 80.9, python3.14dist(setuptools) = 80.9",
    requires="python(abi) = 3.14",
    repository="private",
)
COMPILER = rpm("cuda-nvcc-13-0", "13.0-1", "x86_64", requires="gcc-c++", repository="external")
PLANNED: Mapping[str, tuple[tuple[str, ...], tuple[Package, ...]]] = {
    "private": (("python3.14dist(setuptools) < 81", "python3-wheel"), (OLD_SETUPTOOLS,)),
    "external": (("cuda-nvcc-13-0", "cmake"), (COMPILER,)),
    "both": (("cuda-nvcc-13-0", "python3dist(setuptools)"), (COMPILER, OLD_SETUPTOOLS)),
}


def solved(
    judge: Judge,
    id: str,
    install: Sequence[str],
    planned: Sequence[Package] = (),
    hidden: Sequence[str] = (),
) -> Root:
    asked = tuple(sorted({*group(judge), *install}))
    answer = judge.pool.solve(RootRequest(asked, tuple(planned), tuple(hidden)))
    assert isinstance(answer, RootSolution), answer
    return Root(id, answer.packages, (), asked)


def group(judge: Judge) -> tuple[str, ...]:
    """The base's build group. In these repositories, fedora-release-common cannot be installed:
    only generic-release, which conflicts with it, provides the system-release that setup needs."""
    found = judge.base.build_group
    assert isinstance(judge.pool.solve(RootRequest(found)), RootConflict)
    return tuple(name for name in found if name != "fedora-release-common")


@pytest.fixture(scope="module")
def by_hand(judge: Judge) -> list[tuple[Root, Verdict]]:
    roots = [solved(judge, name, judge.pool.sources(name)[0].requires) for name in SOURCES]
    roots += [solved(judge, name, *rest) for name, rest in PLANNED.items()]
    return list(zip(roots, judge.verdicts("by-hand", roots), strict=True))


def test_dnf_accepts_the_roots_of_sources_of_the_base(
    by_hand: Sequence[tuple[Root, Verdict]],
) -> None:
    assert [(root.id, told.exactly) for root, told in by_hand if not told.accepted] == []
    assert all(len(root.packages) > 100 for root, _ in by_hand)
    made = {package.nevra for root, _ in by_hand for package in request_of(root).planned}
    assert made == {COMPILER.nevra, OLD_SETUPTOOLS.nevra}


def test_dnf_chooses_the_roots_of_sources_of_the_base_by_itself(
    judge: Judge, by_hand: Sequence[tuple[Root, Verdict]]
) -> None:
    assert [judge.explained(root, told) for root, told in by_hand if not told.same] == []


def test_dnf_sees_a_root_that_is_not_what_it_should_be(judge: Judge) -> None:
    root = solved(judge, "cmake", ["cmake"])
    lacking = evolve(root, packages=tuple(p for p in root.packages if p.name != "cmake-data"))
    newer = tuple(evolve(p, evr="99-1") if p.name == "cmake" else p for p in root.packages)
    more = judge.pool.named("python3-six")[:1]
    wider = evolve(root, packages=tuple(sorted((*root.packages, *more))))
    wrong = [lacking, evolve(root, packages=newer), wider]
    right, *others = judge.verdicts("wrong", [root, *wrong])
    assert right.accepted
    assert [told.accepted for told in others] == [False, False, False]


def test_dnf_alone_takes_the_base_s_stream_where_nothing_tells_it_which_was_chosen(
    judge: Judge,
) -> None:
    """The one kind of difference that can be expected: what streamsolve hides is not in a root."""
    either = "(gcc or gcc14)"
    stream = RootStream(Component(Kind.TOOLCHAIN, "gcc"), Version("14"), Origin.BASE, "gcc14")
    root = evolve(solved(judge, "gcc14", [either], hidden=["gcc"]), streams=(stream,))
    (told,) = judge.verdicts("gcc14", [root])
    assert told.accepted
    assert not told.same
    found = {each.package.rsplit("-", 2)[0]: each for each in judge.explained(root, told)}
    assert (found["gcc"].dnfs, found["gcc"].why) == (True, Why.OTHER_STREAM)
    assert (found["gcc14"].dnfs, found["gcc14"].why) == (False, Why.OTHER_STREAM)
    assert found["gcc"].capability == found["gcc14"].capability == either
    # redhat-rpm-config requires (annobin-plugin-gcc if gcc), which brings more.
    assert found["annobin-plugin-gcc"].why is Why.FOLLOWS
    others = {each.why for name, each in found.items() if name not in {"gcc", "gcc14"}}
    assert others == {Why.FOLLOWS}


# --- explanations of differences, on packages made up


def test_the_base_s_stream_instead_of_the_chosen_one_is_explained(tmp_path: Path) -> None:
    app = rpm("app", requires="(gcc or gcc15)")
    gcc15 = rpm("gcc15", "15-1", source="gcc15")
    gcc = rpm("gcc", "16-1", requires="lib", source="gcc")
    stream = RootStream(Component(Kind.TOOLCHAIN, "gcc"), Version("15"), Origin.BASE, "gcc15")
    root = Root("build-app", (app, gcc15), (stream,), ("app",))
    instead = "(gcc or gcc15)"
    assert explain(root, (app, gcc, rpm("lib")), tmp_path) == [
        Difference("gcc-16-1.noarch", True, Why.OTHER_STREAM, instead, ("gcc15-15-1.noarch",)),
        Difference("gcc15-15-1.noarch", False, Why.OTHER_STREAM, instead, ("gcc-16-1.noarch",)),
        Difference("lib-1-1.noarch", True, Why.FOLLOWS, "lib"),
    ]


def test_another_provider_of_a_virtual_capability_is_explained(tmp_path: Path) -> None:
    app = rpm("app", requires="cap")
    one, two = rpm("one", provides="cap"), rpm("two", provides="cap")
    root = Root("build-app", (app, one), (), ("app",))
    assert explain(root, (app, two), tmp_path) == [
        Difference("one-1-1.noarch", False, Why.OTHER_PROVIDER, "cap", ("two-1-1.noarch",)),
        Difference("two-1-1.noarch", True, Why.OTHER_PROVIDER, "cap", ("one-1-1.noarch",)),
    ]


def test_another_version_of_a_package_and_one_too_many_are_not_explained(tmp_path: Path) -> None:
    app, old, new = rpm("app", requires="lib"), rpm("lib", "1-1"), rpm("lib", "2-1")
    root = Root("build-app", (app, old), (), ("app",))
    whys = [each.why for each in explain(root, (app, new), tmp_path)]
    assert whys == [Why.UNKNOWN, Why.UNKNOWN]
    found = explain(root, (app, old, rpm("more")), tmp_path)
    assert found == [Difference("more-1-1.noarch", True, Why.UNKNOWN)]
    assert explain(root, (app, old), tmp_path) == []


# --- vLLM: twelve of its build roots, and the runtime root


def any_build(wanted: Callable[[Build], bool], plan: BuildPlan, root: Root) -> bool:
    return any(wanted(build) for build in plan.builds if build.root == root.id)


def any_package(wanted: Callable[[Package], object], plan: BuildPlan, root: Root) -> bool:
    return any(wanted(package) for package in root.packages)


def builds_component(name: str) -> Callable[[BuildPlan, Root], bool]:
    return partial(any_build, lambda build: build.component.name == name)


def is_shared(plan: BuildPlan, root: Root) -> bool:
    return sum(build.root == root.id for build in plan.builds) > 1


def holds_another_stream(plan: BuildPlan, root: Root) -> bool:
    at_run_time = {stream.component: stream.version for stream in plan.runtime.streams}
    return any(at_run_time.get(s.component, s.version) != s.version for s in root.streams)


def holds_nothing_private(plan: BuildPlan, root: Root) -> bool:
    return not any_package(lambda package: package.repository == "private", plan, root)


def has_no_compiler(plan: BuildPlan, root: Root) -> bool:
    return not any_package(lambda package: re.fullmatch(r"gcc\d*|rust", package.name), plan, root)


KINDS: Mapping[str, Callable[[BuildPlan, Root], bool]] = {
    "interpreter": partial(any_build, lambda build: build.component.kind is Kind.INTERPRETER),
    "vllm": builds_component("vllm"),
    "torch": builds_component("torch"),
    "bootstrap pass": partial(any_build, lambda build: build.stage is Stage.BOOTSTRAP),
    "final pass": partial(any_build, lambda build: build.stage is Stage.FINAL),
    "third party's packages": partial(
        any_package, lambda package: package.repository == "external"
    ),
    "Rust": partial(any_package, lambda package: package.name == "rust"),
    "C++": partial(any_package, lambda package: re.fullmatch(r"gcc\d*-c\+\+", package.name)),
    "pure Python": has_no_compiler,
    "another stream than at run time": holds_another_stream,
    "shared": is_shared,
    "base alone": holds_nothing_private,
}


def twelve(plan: BuildPlan) -> dict[str, Root]:
    """Twelve build roots by why they were taken: for each kind in turn, that of the smallest id
    that is not taken yet; then, where there was none of a kind, the smallest ids that are left."""
    left = {root.id: root for root in sorted(plan.roots, key=lambda root: root.id)}
    taken: dict[str, Root] = {}
    for kind, is_one in KINDS.items():
        found = next((root for root in left.values() if is_one(plan, root)), None)
        if found is not None:
            taken[kind] = left.pop(found.id)
    for id in list(left)[: 12 - len(taken)]:
        taken[f"the next, {id}"] = left[id]
    return taken


@pytest.fixture(scope="module")
def builds(judge: Judge) -> BuildPlan:
    cache = judge.directory / "cache"
    plan = library.plan(
        "vllm", base=judge.base, variant="cuda", builds=True, offline=True, cache=cache
    )
    assert plan.builds is not None
    return plan.builds


@pytest.fixture(scope="module")
def judged(judge: Judge, builds: BuildPlan) -> list[tuple[Root, Verdict]]:
    roots = [builds.runtime, *twelve(builds).values()]
    return list(zip(roots, judge.verdicts("vllm", roots), strict=True))


def test_the_twelve_build_roots_are_of_many_kinds(builds: BuildPlan) -> None:
    chosen = twelve(builds)
    assert len({root.id for root in chosen.values()}) == 12
    # The base's own interpreter does for this plan, and not every plan has cycles.
    assert KINDS.keys() - chosen.keys() <= {"interpreter", "bootstrap pass", "final pass"}


def test_dnf_accepts_exactly_the_packages_of_twelve_build_roots_and_of_the_runtime_root(
    judged: Sequence[tuple[Root, Verdict]],
) -> None:
    assert len(judged) == 13
    assert [(root.id, told.exactly) for root, told in judged if not told.accepted] == []


def test_where_dnf_alone_would_choose_differently_it_is_known_why(
    judge: Judge, judged: Sequence[tuple[Root, Verdict]]
) -> None:
    """When this was written, dnf alone chose the very same packages for all of them."""
    different = {root.id: judge.explained(root, told) for root, told in judged if not told.same}
    unknown = {
        id: [each for each in found if each.why is Why.UNKNOWN] for id, found in different.items()
    }
    assert {id: found for id, found in unknown.items() if found} == {}
