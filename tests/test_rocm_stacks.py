"""What runs and builds on a compat stack of ROCm uses its packages alone, by their own names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.version import Version

from streamsolve.inputs.profiles import load_profile
from streamsolve.library import load_base
from streamsolve.model.component import Component, Kind, Origin
from streamsolve.model.plan import Plan
from streamsolve.model.stream import Offer, Stream
from streamsolve.planner import PlanRequest, make_plan
from streamsolve.planner.stacks import in_stack
from streamsolve.solving import PackagePool

ROCM = Component(Kind.ACCELERATOR, "rocm")


def rocm(package: str) -> Stream:
    """The accelerator as a package of the base."""
    return Stream(Offer(ROCM, Version("7.2"), Origin.BASE, package))


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Iterable[PackagePool]:
    base = load_base(str(shared / "data" / "fedora-45"), offline=True)
    cache = tmp_path_factory.mktemp("stacks")
    with PackagePool.open(base.repositories, arch=base.arch, cache=cache) as opened:
        yield opened


def numbered(plan: Plan, pool: PackagePool) -> dict[str, list[str]]:
    """For each root the names in it of packages that the compat stack has as well."""
    assert plan.builds is not None
    roots = {root.id: [p.name for p in root.packages] for root in plan.builds.roots}
    roots["runtime"] = [
        text.rpartition("-")[0].rpartition("-")[0] for text in plan.runtime_packages
    ]
    return {
        id: [name for name in names if name not in TOOLS and twin(name, pool)]
        for id, names in roots.items()
    }


# Holds the directories that both stacks lie in.
TOOLS = {"rocm-filesystem"}


def twin(name: str, pool: PackagePool) -> str:
    """The compat package of a usual one: the number stands before what makes it a part."""
    main, part = re.fullmatch(r"(.+?)(-devel|-macros|-static|-libs|-filesystem|)", name).groups()  # type: ignore[union-attr]
    found = pool.named(f"{main}7.2{part}")
    return found[0].name if found else ""


@pytest.mark.parametrize(
    ("usual", "compat"),
    [
        ("rocm-hip", "rocm-hip7.2"),
        ("rocm-hip-devel", "rocm-hip7.2-devel"),
        ("rocm-comgr-devel", "rocm-comgr7.2-devel"),
        ("rocm-rpm-macros", "rocm-rpm-macros7.2"),
        ("rocm-compilersupport-macros", "rocm-compilersupport7.2-macros"),
        ("rocblas-devel >= 7.2", "rocblas7.2-devel >= 7.2"),
    ],
)
def test_a_package_has_the_name_that_it_has_in_the_chosen_stack(
    pool: PackagePool, usual: str, compat: str
) -> None:
    profile = load_profile("pytorch")
    assert pool.named(usual.partition(" ")[0])
    assert pool.named(compat.partition(" ")[0])
    assert in_stack(usual, [rocm("rocm-core7.2")], profile, pool) == compat
    assert in_stack(usual, [rocm("rocm-core")], profile, pool) == usual
    assert in_stack(usual, [], profile, pool) == usual


@pytest.mark.parametrize(
    "text",
    [
        "rccl-devel",  # the stack has none
        "gcc-c++",  # of no stack
        "rocblas-devel >= 9",  # not at that version
        "(rocblas-devel if rocm-hip)",
        "/usr/bin/hipcc",
    ],
)
def test_what_the_stack_does_not_have_stays_as_it_is(pool: PackagePool, text: str) -> None:
    profile = load_profile("pytorch")
    assert in_stack(text, [rocm("rocm-core7.2")], profile, pool) == text


def test_a_build_on_the_compat_stack_has_nothing_of_the_usual_one(
    pool: PackagePool, shared: Path, tmp_path: Path
) -> None:
    found = {}
    for demand in ("accelerator:rocm==7.2.0", "accelerator:rocm==7.2.2"):
        request = PlanRequest(
            "llama-cpp",
            variant="rocm",
            base=str(shared / "data" / "fedora-45"),
            offline=True,
            builds=True,
            demands=(demand,),
            cache=tmp_path,
        )
        plan = make_plan(request).plan
        assert plan is not None
        core = plan.stream("rocm")
        assert core is not None
        found[core.package] = numbered(plan, pool)
    assert set(found) == {"rocm-core", "rocm-core7.2"}
    assert all(names == [] for names in found["rocm-core7.2"].values())
    assert all("rocm-hip" in names for names in found["rocm-core"].values())
