"""A base's package that rests on a private one cannot have it under a prefix: it is refused."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.emit import MockRepository, MockSettings, emit_mock
from streamsolve.emit.prefix_needs import BaseNeed, base_needs
from streamsolve.errors import Code, InputErrors
from streamsolve.model.build import Root
from streamsolve.model.package import Package
from streamsolve.model.plan import Plan

from .specworld import private, spec_plan

KEY = "file:///usr/share/distribution-gpg-keys/small/KEY"
BASE = MockRepository("fedora", "https://base.test/$basearch/", gpgkeys=(KEY,))
SETTINGS = MockSettings("45", "fc45", (BASE,))
IN_PREFIX = evolve(SETTINGS, prefix="/opt/app")
PLAN = spec_plan(private("idna", "3"))


def base(name: str, *, provides: tuple[str, ...] = (), requires: tuple[str, ...] = ()) -> Package:
    return Package(name, "1-1.fc45", "noarch", "fedora", provides, requires)


def with_packages(*packages: Package) -> Plan:
    """These of the base in the runtime root, beside a private idna."""
    assert PLAN.builds is not None
    runtime = PLAN.builds.runtime
    held = tuple(sorted((*runtime.packages, *packages)))
    builds = evolve(PLAN.builds, runtime=evolve(runtime, packages=held))
    return evolve(PLAN, builds=builds)


def test_it_is_refused_with_the_package_and_the_requirement() -> None:
    plan = with_packages(base("python3-httpx", requires=("python3.15dist(idna) >= 2",)))
    assert emit_mock(plan, SETTINGS)
    with pytest.raises(InputErrors) as caught:
        emit_mock(plan, IN_PREFIX)
    assert caught.value.code is Code.NOT_EMITTED
    (error,) = caught.value.errors
    for word in ("python3-httpx-1-1.fc45.noarch", "python3.15dist(idna) >= 2", "runtime"):
        assert word in error.message
    assert "--prefix" in error.hint


@pytest.mark.parametrize(
    "requires",
    [
        (),
        ("python3.15dist(other)",),
        ("(python3.15dist(idna) or bash)",),
        ("(python3.15dist(idna) if zsh)",),
        ("python3.15dist(idna) >= 9",),
    ],
)
def test_what_the_base_meets_or_nobody_is_no_matter(requires: tuple[str, ...]) -> None:
    """Nobody: then it is no private package that it rests on."""
    plan = with_packages(base("python3-httpx", requires=requires), base("bash"))
    assert emit_mock(plan, IN_PREFIX)


def test_the_bases_own_beside_it_is_enough() -> None:
    own = base("python3-idna-base", provides=("python3.15dist(idna) = 3",))
    plan = with_packages(base("python3-httpx", requires=("python3.15dist(idna)",)), own)
    assert emit_mock(plan, IN_PREFIX)


def test_each_is_told_once_with_all_its_roots() -> None:
    plan = with_packages(base("x", requires=("python3-idna",)))
    assert plan.builds is not None
    other = evolve(plan.builds.runtime, id="build-other")
    builds = evolve(plan.builds, roots=(*plan.builds.roots, other))
    assert base_needs(builds) == (
        BaseNeed("x-1-1.fc45.noarch", "python3-idna", ("build-other", "runtime")),
    )


NAMES = st.sampled_from(["a", "b", "c"])
PACKAGES = st.lists(
    st.builds(
        lambda name, number, repository, provides, requires: Package(
            f"{name}{number}", "1-1", "noarch", repository, tuple(provides), tuple(requires)
        ),
        NAMES,
        st.integers(0, 3),
        st.sampled_from(["fedora", "private"]),
        st.lists(NAMES, max_size=2),
        st.lists(NAMES, max_size=2),
    ),
    max_size=6,
    unique_by=lambda package: package.name,
)


@given(PACKAGES)
def test_it_is_what_taking_private_provides_away_would_break(packages: list[Package]) -> None:
    assert PLAN.builds is not None
    root = Root("runtime", tuple(sorted(packages)), (), ())
    found = {
        (need.package, need.requirement)
        for need in base_needs(evolve(PLAN.builds, runtime=root, roots=()))
    }

    def provided(of: list[Package]) -> set[str]:
        return {text for package in of for text in (package.name, *package.provides)}

    own = [package for package in packages if package.repository == "fedora"]
    broken = {
        (package.nevra, text)
        for package in own
        for text in package.requires
        if text in provided(packages) and text not in provided(own)
    }
    assert found == broken
