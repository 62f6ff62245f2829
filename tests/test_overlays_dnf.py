"""Overlays' priorities, judged by the real dnf over the same repositories."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import evolve

from streamsolve.model import Base, Package
from streamsolve.model.root import RootRequest, RootSolution
from streamsolve.planner import PlanRequest
from streamsolve.planner.planning import Attempt, Workshop
from streamsolve.planner.upstream import Upstream
from streamsolve.solving import PackagePool

from .dnf_oracle import Places, accepts_exactly, needs_dnf, satisfiable
from .localrepository import write_repository
from .rpmmd import element, embedded, rpm
from .smallworld import SmallWorld, dist, profile, python, release

pytestmark = needs_dnf

REQUESTS = (
    "lib",
    "lib >= 2",
    "lib < 2",
    "app",
    "strict",
    "cap",
    "(lib and cap)",
    "tool",
)


def base() -> list[Package]:
    return [
        rpm("lib", "2-1"),
        rpm("lib", "1-1"),
        rpm("app", requires="lib"),
        rpm("strict", requires="lib >= 2"),
        rpm("giver", "9-1", provides="cap = 9"),
        rpm("tool", "5-1", requires="lib = 2-1"),
    ]


OVERLAYS: dict[str, Sequence[Package]] = {
    "older": [rpm("lib", "1.5-1")],
    "newer": [rpm("lib", "3-1")],
    "same version": [rpm("lib", "2-1")],
    "another provider": [rpm("other-giver", "1-1", provides="cap = 1")],
    "with needs of its own": [rpm("lib", "1.5-1", requires="libdep"), rpm("libdep")],
    "a broken one": [rpm("lib", "1.5-1", requires="what-nobody-has")],
    "obsoletes": [rpm("lib-ng", "1-1", provides="lib = 1.2", obsoletes="lib < 2")],
    "an epoch": [rpm("lib", "1:1-1")],
}


@pytest.mark.parametrize("priority", [10, 99, 98])
@pytest.mark.parametrize("name", OVERLAYS)
def test_dnf_takes_the_same_packages_with_an_overlay(
    tmp_path: Path, name: str, priority: int
) -> None:
    overlay = OVERLAYS[name]
    repositories = (
        embedded("base", *base()),
        embedded("over", *overlay, priority=priority),
    )
    requests = [RootRequest((text,)) for text in REQUESTS]
    with PackagePool.open(repositories, arch="x86_64", cache=tmp_path / "cache") as pool:
        ours = [pool.solve(each) for each in requests]
    places: Places = {
        "base": (write_repository(tmp_path / "base", map(element, base())), 99),
        "over": (write_repository(tmp_path / "over", map(element, overlay)), priority),
    }
    theirs = satisfiable(tmp_path, places, requests)
    for text, mine, answer in zip(REQUESTS, ours, theirs, strict=True):
        assert isinstance(mine, RootSolution) == answer.satisfiable, (text, answer.words)
        if isinstance(mine, RootSolution):
            found = {package.nevra for package in mine.packages}
            assert found == set(answer.packages), text


def attempted(there: SmallWorld, tmp_path: Path, overlay: Sequence[Package], rank: int) -> Attempt:
    """The world's plan with an overlay on top."""
    repositories = (
        embedded("base", *(evolve(each, repository="base") for each in there.base)),
        embedded("sig", *(evolve(each, repository="sig") for each in overlay), priority=rank),
    )
    pool = PackagePool.open(repositories, arch="x86_64", cache=tmp_path / "pool")
    request = PlanRequest("app", base="small", overlays=("sig=http://127.0.0.1/,priority=50",))
    base = Base("small", "x86_64", "", repositories, glibc=(2, 40))
    with Workshop(request, there.profile, base, pool, Upstream(None, there.index)) as workshop:
        return workshop.attempt(request)


@pytest.mark.parametrize(
    ("of_base", "of_overlay", "wanted"),
    [("1.17", "1.16", "six"), ("1.16", "1.17", "six"), ("1.17", "1.16", "six>=1.17")],
    ids=["older", "newer", "passed-over"],
)
def test_dnf_installs_what_a_plan_with_an_overlay_says(
    tmp_path: Path, of_base: str, of_overlay: str, wanted: str
) -> None:
    base = [python("3.14"), dist("six", of_base)]
    overlay = [dist("six", of_overlay)]
    there = SmallWorld(base, [release("app", "1", wanted)], profile())
    found = attempted(there, tmp_path, overlay, 50)
    assert found.plan is not None
    assert found.root is not None
    places: Places = {
        "base": (write_repository(tmp_path / "base", map(element, base)), 99),
        "sig": (write_repository(tmp_path / "sig", map(element, overlay)), 50),
    }
    root = found.plan.runtime_packages
    # Asked for the application alone, dnf has to come to the same packages by itself.
    alone = evolve(found.root, install=("python3-app",))
    (verdict,) = accepts_exactly(tmp_path, places, [(alone, root)])
    assert verdict.accepted, verdict.exactly
    assert verdict.same, verdict.alone


def test_on_fedora_dnf_takes_the_packages_of_an_overlay_that_the_plan_names(
    tmp_path: Path, shared: Path
) -> None:
    directory = shared / "data" / "fedora-45"
    overlay = [
        rpm("python3-six", "1.16.9-1.sig", provides="python3.15dist(six) = 1.16.9, "
            "python3dist(six) = 1.16.9, python3-six = 1.16.9-1.sig", requires="python(abi) = 3.15"),
        rpm("glibc", "9.0-1.sig", "x86_64", provides="glibc = 9.0-1.sig"),
        rpm("coreutils", "1.0-1.sig", "x86_64", provides="coreutils = 1.0-1.sig"),
    ]  # fmt: skip
    sig = write_repository(tmp_path / "sig", map(element, overlay))
    request = PlanRequest(
        "vllm",
        variant="cpu",
        base=str(directory),
        cache=tmp_path / "cache",
        overlays=(f"sig={sig},priority=50",),
    )
    with Workshop.open(request) as workshop:
        found = workshop.attempt(request)
    assert found.plan is not None
    assert found.root is not None
    (use,) = found.plan.overlays
    assert {package.name for package in use.replaced} <= {each.name for each in overlay}
    assert use.replaced
    places: Places = {"base": (directory / "x86_64", 99), "sig": (sig, 50)}
    (verdict,) = accepts_exactly(tmp_path, places, [(found.root, found.plan.runtime_packages)])
    assert verdict.accepted, verdict.exactly
    assert verdict.same, verdict.alone
