"""The runtime root, judged by the real dnf over the same repositories."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from attrs import evolve

from streamsolve.model import Package
from streamsolve.model.root import RootRequest
from streamsolve.planner import PlanRequest
from streamsolve.planner.planning import Attempt, Workshop

from .dnf_oracle import Places, accepts_exactly, needs_dnf, satisfiable
from .localrepository import write_repository
from .rpmmd import element, rpm

pytestmark = needs_dnf


def attempt(base: Path, variant: str, cache: Path) -> Attempt:
    request = PlanRequest("vllm", variant=variant, base=str(base), cache=cache)
    with Workshop.open(request) as workshop:
        return workshop.attempt(request)


def repository(directory: Path, packages: Iterable[Package]) -> Places:
    """A base of just these packages."""
    return {"base": (write_repository(directory, map(element, packages)), 99)}


@pytest.mark.parametrize(("name", "variant"), [("fedora-44", "cuda"), ("fedora-45", "rocm")])
def test_dnf_accepts_the_runtime_root_and_installs_the_same_packages(
    tmp_path: Path, shared: Path, name: str, variant: str
) -> None:
    directory = shared / "data" / name
    found = attempt(directory, variant, tmp_path / "cache")
    assert found.plan is not None
    assert found.root is not None
    places = {"base": (directory / "x86_64", 99)}
    (verdict,) = accepts_exactly(tmp_path, places, [(found.root, found.plan.runtime_packages)])
    assert verdict.accepted, verdict.exactly
    assert verdict.same, verdict.alone


def test_dnf_finds_nothing_missing_when_it_is_asked_for_the_application_alone(
    tmp_path: Path, shared: Path
) -> None:
    directory = shared / "data" / "fedora-44"
    found = attempt(directory, "cuda", tmp_path / "cache")
    assert found.plan is not None
    assert found.root is not None
    request = evolve(found.root, install=("python3-vllm",), hidden=())
    places = {"base": (directory / "x86_64", 99)}
    (answer,) = satisfiable(tmp_path, places, [request])
    assert answer.satisfiable, answer
    ours = set(found.plan.runtime_packages)
    private = {package.nevra for package in found.root.planned}
    # dnf alone takes what the application's own chain needs: nothing private beyond our plan.
    assert {package for package in answer.packages if ".streamsolve" in package} <= private
    assert len(set(answer.packages) - ours) <= len(ours) // 10


# --- that the oracle itself sees what it should


def test_dnf_says_who_conflicts(tmp_path: Path) -> None:
    left = rpm("left", provides="left = 1-1", conflicts="right")
    places = repository(tmp_path / "base", [left, rpm("right", provides="right = 1-1")])
    both, one = satisfiable(
        tmp_path, places, [RootRequest(("left", "right")), RootRequest(("left",))]
    )
    assert "conflicts with right" in both.words
    assert (both.satisfiable, one.satisfiable) == (False, True)


def test_dnf_accepts_neither_a_package_too_few_nor_one_of_another_version(tmp_path: Path) -> None:
    app = rpm("app", requires="lib")
    places = repository(tmp_path / "base", [app, rpm("lib", "1-1"), rpm("lib", "1:2-1")])
    newest = ["app-1-1.noarch", "lib-1:2-1.noarch"]
    older = ["app-1-1.noarch", "lib-1-1.noarch"]
    request = RootRequest(("app",))
    few, new, old, both, gone = accepts_exactly(
        tmp_path,
        places,
        [
            (request, newest[:1]),
            (request, newest),
            (request, older),
            (request, [*newest, *older]),
            (request, ["app-2-1.noarch", "lib-1-1.noarch"]),
        ],
    )
    assert [each.accepted for each in (few, new, old, both, gone)] == [0, 1, 1, 0, 0]
    assert [each.same for each in (few, new, old)] == [False, True, False]
    assert few.exactly.packages == tuple(newest)
    assert "there is no package app-2-1.noarch" in gone.exactly.words


def test_what_is_planned_or_hidden_for_one_request_is_so_for_that_one_alone(tmp_path: Path) -> None:
    base = [rpm("app", "9-1"), rpm("one", provides="cap"), rpm("two", provides="cap")]
    places = repository(tmp_path / "base", base)
    planned = rpm("app", "1-1", requires="cap")
    answers = satisfiable(
        tmp_path,
        places,
        [
            RootRequest(("app",)),
            RootRequest(("app",), (planned,), ("one",)),
            RootRequest(("app",), (planned,), ("two",)),
            RootRequest(("app",), (planned,), ("one", "two")),
            RootRequest(("app", "cap"), (), ("one",)),
        ],
    )
    assert [each.packages for each in answers] == [
        ("app-9-1.noarch",),
        ("app-1-1.noarch", "two-1-1.noarch"),
        ("app-1-1.noarch", "one-1-1.noarch"),
        (),
        ("app-9-1.noarch", "two-1-1.noarch"),
    ]
    assert "two-1-1.noarch is filtered out" in answers[3].words
