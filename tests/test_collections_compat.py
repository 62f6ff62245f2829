"""Compat packages: recognised by the base's naming rules, and never mixed with the usual ones."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from attrs import evolve, frozen

from streamsolve.inputs.profiles import load_profile
from streamsolve.library import load_base
from streamsolve.model import Base, Package
from streamsolve.model.component import PYTHON, Component, Kind, distribution
from streamsolve.model.root import RootConflict, RootRequest, RootSolution, RuleKind
from streamsolve.planner import PlanRequest, make_plan, why_not
from streamsolve.planner.base_offers import BaseOffers
from streamsolve.planner.stand_ins import StandIns, solved
from streamsolve.solving import PackagePool

from .rpmmd import embedded
from .smallworld import SmallWorld, package, profile, python, release

ROCM = Component(Kind.ACCELERATOR, "rocm")
STACK = ("rocm-runtime", "rocm-hip", "rocblas", "hipblaslt", "miopen", "rccl")


@frozen
class Fedora:
    """A real base with its packages."""

    base: Base
    pool: PackagePool

    @property
    def offers(self) -> BaseOffers:
        return BaseOffers(self.pool, self.base, load_profile("vllm"))


@pytest.fixture(scope="module")
def fedora(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Iterable[Fedora]:
    base = load_base(str(shared / "data" / "fedora-45"), offline=True)
    cache = tmp_path_factory.mktemp("fedora")
    with PackagePool.open(base.repositories, arch=base.arch, cache=cache) as pool:
        yield Fedora(base, pool)


# -- recognised ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("component", "usual", "compat"),
    [
        (Component(Kind.TOOLCHAIN, "gcc"), "gcc", "gcc15"),
        (ROCM, "rocm-core", "rocm-core7.2"),
        (Component(Kind.PACKAGE, "rocblas"), "rocblas", "rocblas7.2"),
        (distribution("setuptools"), "python3-setuptools", "python3-setuptools80"),
    ],
)
def test_a_real_compat_package_is_a_stream_beside_the_usual_one(
    fedora: Fedora, component: Component, usual: str, compat: str
) -> None:
    found = {one.offer.package: one for one in fedora.offers.of(component)}
    assert {usual, compat} <= found.keys()
    assert fedora.offers.is_compat(found[compat])
    assert not fedora.offers.is_compat(found[usual])


@pytest.mark.parametrize("name", ["llvm", "clang"])
def test_compilers_are_streams_by_the_number_in_their_names(fedora: Fedora, name: str) -> None:
    """Packages without a number, which they would be beside, this base does not have."""
    found = fedora.offers.of(Component(Kind.TOOLCHAIN, name))
    numbers = {one.offer.package: one.offer.version.major for one in found}
    assert {f"{name}{number}": number for number in (18, 19, 20, 21, 22)}.items() <= numbers.items()


def test_other_interpreters_of_a_base_are_streams_of_python(tmp_path: Path, shared: Path) -> None:
    base = load_base(str(shared / "data" / "centos-stream-9"), offline=True)
    with PackagePool.open(base.repositories, arch=base.arch, cache=tmp_path) as pool:
        found = BaseOffers(pool, base, load_profile("vllm")).of(PYTHON)
        assert {one.offer.package: str(one.offer.version)[:4] for one in found} == {
            "python3": "3.9.",
            "python3.11": "3.11",
            "python3.12": "3.12",
        }


# -- the two ROCm stacks of Fedora 45 --------------------------------------------------------------


def test_the_two_rocm_stacks_install_side_by_side(fedora: Fedora) -> None:
    both = [
        name for one in ("hipblas", "rocblas", "rocm-hip", "miopen") for name in (one, f"{one}7.2")
    ]
    answer = fedora.pool.solve(RootRequest(tuple(sorted(both))))
    assert isinstance(answer, RootSolution)
    assert set(both) <= {one.name for one in answer.packages}


def test_their_macro_packages_exclude_each_other_in_a_build_root(fedora: Fedora) -> None:
    for one in ("rocm-rpm-macros", "rocm-rpm-macros7.2"):
        alone = fedora.pool.solve(RootRequest((one,)))
        assert isinstance(alone, RootSolution)
    answer = fedora.pool.solve(RootRequest(("rocm-rpm-macros", "rocm-rpm-macros7.2")))
    assert isinstance(answer, RootConflict)
    rules = {rule.kind for problem in answer.problems for rule in problem.rules}
    assert RuleKind.CONFLICTS in rules


def test_a_plan_takes_all_parts_of_rocm_from_one_stack(shared: Path, tmp_path: Path) -> None:
    plan = make_plan(
        PlanRequest(
            "vllm",
            variant="rocm",
            base=str(shared / "data" / "fedora-45"),
            offline=True,
            cache=tmp_path,
        )
    ).plan
    packages = {s.component.name: s.package for s in plan.streams if s.component.name in STACK}
    assert packages == {name: name for name in STACK}


def test_the_older_stack_is_refused_where_a_part_of_it_is_missing(
    shared: Path, tmp_path: Path
) -> None:
    """Both stacks are ROCm 7.2, so that versions do not tell them apart: rccl has one package."""
    request = PlanRequest(
        "vllm",
        variant="rocm",
        base=str(shared / "data" / "fedora-45"),
        offline=True,
        cache=tmp_path,
    )
    answer = why_not(request, "accelerator:rocm==7.2.0")
    assert answer.plan is None
    assert answer.failure is not None
    (conflict,) = answer.failure.conflicts
    assert conflict.about.name == "rccl"
    assert conflict.packages == (
        "rccl is of another stack than rocm-core7.2: their libraries have the same names, so that "
        "one would stand in for the other",
    )


GROUP = """
[[component]]
component = "accelerator:rocm"
packages = ["rocm-core", "rocm-core{major}.{minor}"]
[[component]]
component = "package:rocblas"
packages = ["rocblas", "rocblas{major}.{minor}"]
[[group]]
name = "ROCm"
leader = "accelerator:rocm"
members = ["package:rocblas"]
"""


@pytest.mark.parametrize(
    ("bound", "core", "blas"),
    [("", "rocm-core", "rocblas"), (" ==7.2.0", "rocm-core7.2", "rocblas7.2")],
)
def test_all_members_of_a_group_follow_the_stack_of_its_leader(
    tmp_path: Path, bound: str, core: str, blas: str
) -> None:
    """The compat rocblas is older than the usual one, and is the base's only one that goes."""
    world = SmallWorld(
        [
            python("3.14"),
            package("rocm-core", "7.2.2"),
            package("rocm-core7.2", "7.2.0"),
            package("rocblas", "7.2.1"),
            package("rocblas7.2", "7.2.1"),
        ],
        [release("app", "1")],
        profile(GROUP, needs=f'["accelerator:rocm{bound}", "package:rocblas"]'),
    )
    plan = world.plan(tmp_path)
    found = {s.component.name: s.package for s in plan.streams}
    assert (found["rocm"], found["rocblas"]) == (core, blas)


# -- equal SONAMEs ---------------------------------------------------------------------------------

BLAS = "libhipblas.so.3()(64bit)"


def library(name: str, *requires: str, provides: tuple[str, ...] = (BLAS,)) -> Package:
    return evolve(
        package(name, requires=requires), provides=tuple(sorted({*provides, f"{name} = 1-1.fc0"}))
    )


BASE = (
    library("hipblas"),
    library("hipblas7.2"),
    library("hipblas7.2-devel", "hipblas7.2", BLAS, provides=()),
    package("miopen7.2", requires=["hipblas7.2", BLAS]),
    package("tool", requires=[BLAS]),
)


def root(tmp_path: Path, *asked: str, base: tuple[Package, ...] = BASE) -> set[str]:
    """The names of what lies in a root."""
    with PackagePool.open([embedded("base", *base)], arch="x86_64", cache=tmp_path) as pool:
        request, answer = solved(RootRequest(asked), StandIns(pool), pool.solve)
        assert isinstance(answer, RootSolution)
        assert set(asked) <= set(request.install)
        return {one.name for one in answer.packages}


def test_libsolv_alone_would_let_the_other_stack_s_library_stand_in(tmp_path: Path) -> None:
    with PackagePool.open([embedded("base", *BASE)], arch="x86_64", cache=tmp_path) as pool:
        answer = pool.solve(RootRequest(("hipblas7.2", "tool")))
    assert isinstance(answer, RootSolution)
    assert "hipblas" not in {one.name for one in answer.packages}


def test_a_tool_of_the_base_gets_the_usual_library_beside_the_compat_one(tmp_path: Path) -> None:
    assert root(tmp_path, "hipblas7.2", "tool") == {"hipblas", "hipblas7.2", "tool"}


def test_what_is_of_the_same_stack_is_served_by_it(tmp_path: Path) -> None:
    numbered = [one for one in BASE if one.name != "miopen7.2"]
    miopen = library("miopen7.2", "hipblas7.2", BLAS, provides=("libMIOpen.so.1()(64bit)",))
    usual = library("miopen", BLAS, provides=("libMIOpen.so.1()(64bit)",))
    found = root(tmp_path, "miopen7.2", base=(*numbered, miopen, usual))
    assert found == {"hipblas7.2", "miopen7.2"}


def test_a_collection_s_library_does_not_serve_the_base_either(tmp_path: Path) -> None:
    ctf = "libctf.so.0()(64bit)"
    base = (
        library("binutils", provides=(ctf,)),
        library("gcc-toolset-14-binutils", provides=(ctf, "scl-package(gcc-toolset-14)")),
        library("gcc-toolset-14-gcc", ctf, provides=("scl-package(gcc-toolset-14)",)),
        package("gdb", requires=[ctf]),
    )
    asked = ("gcc-toolset-14-binutils", "gcc-toolset-14-gcc")
    assert root(tmp_path, *asked, base=base) == set(asked)
    assert root(tmp_path, *asked, "gdb", base=base) == {*asked, "gdb", "binutils"}


def test_a_compat_library_of_another_soname_is_what_it_is_for(tmp_path: Path) -> None:
    base = (
        library("openssl", provides=("libssl.so.3()(64bit)",)),
        library("openssl1.1", provides=("libssl.so.1.1()(64bit)",)),
        package("old", requires=["libssl.so.1.1()(64bit)"]),
    )
    assert root(tmp_path, "old", base=base) == {"old", "openssl1.1"}
