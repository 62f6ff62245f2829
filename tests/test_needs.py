"""What a stream needs to build: who says so, what it is for, and what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from attrs import evolve
from packaging.version import Version

from streamsolve.model.build import NeedOrigin, NeedRole
from streamsolve.model.component import PYTHON, Origin, distribution
from streamsolve.model.stream import Stream
from streamsolve.planner.book import Book
from streamsolve.planner.needs import Need, NeedsBook, SpecNeeds
from streamsolve.planner.planning import Workshop

from .buildworld import BuildWorld, interpreter, sdist, source
from .smallworld import dist, package, profile

METHOD = {"pip", "pyproject-rpm-macros", "python3-devel"}
"""What the build of any distribution needs."""


def needs_of(
    world: BuildWorld,
    name: str,
    version: str,
    *,
    python: str = "3.14",
    specs: Mapping[str, SpecNeeds] | None = None,
) -> tuple[Need, ...]:
    """The needs of a stream of upstream's, or of the private interpreter."""
    with TemporaryDirectory() as cache, world.workshop(Path(cache)) as workshop:
        needs = _book(workshop, python, specs or {})
        return needs.of(_stream(needs.book, name, version)).needs


def _book(workshop: Workshop, python: str, specs: Mapping[str, SpecNeeds]) -> NeedsBook:
    book = workshop._book(workshop.request, workshop.profile.variants[0])
    return NeedsBook(book, book.targets[python], specs)


def _stream(book: Book, name: str, version: str) -> Stream:
    component = PYTHON if name == "python" else distribution(name)
    offer = next(
        offer
        for offer in book.offers(component)
        if offer.version == Version(version) and offer.origin is Origin.PRIVATE
    )
    return book.streams([offer])[0]


def told(needs: tuple[Need, ...]) -> set[str]:
    """What is needed: requirements as PEP 508, the rest in RPM's language."""
    return {_told(need) for need in needs}


def _told(need: Need) -> str:
    wanted = need.requirement
    if wanted is None:
        return need.native or f"python{need.subpackage}"
    extras = f"[{','.join(wanted.extras)}]" if wanted.extras else ""
    return f"{wanted.component}{extras}{wanted.specifier}"


def beyond(needs: tuple[Need, ...]) -> set[str]:
    """The same without what the build of any distribution needs."""
    return told(needs) - METHOD


def origins(needs: tuple[Need, ...]) -> dict[str, NeedOrigin]:
    """Who says so; the headers, for which everybody asks, aside."""
    return {n.stated.text: n.stated.origin for n in needs if n.stated.text != "python3-devel"}


def world(**more: object) -> BuildWorld:
    """`lib` 2, which needs `flit-core`, on a base that has version 1 and a spec of it."""
    made = BuildWorld(
        [
            *interpreter("3.14"),
            dist("lib", "1", source="python-lib"),
            dist("flit-core", "3.12"),
            dist("six", "1.17"),
            dist("pytest", "9"),
            package("some-devel"),
        ],
        [sdist("app", "1", "lib"), sdist("lib", "2", "six", build="flit-core>=3.11")],
        sources=[source("python-lib", "python3-devel", "some-devel >= 1", "gcc")],
    )
    return evolve(made, **more)


# -- who says so -----------------------------------------------------------------------------------


def test_the_base_s_spec_and_the_sdist_are_both_asked() -> None:
    found = needs_of(world(), "lib", "2")
    assert beyond(found) == {"flit-core>=3.11", "some-devel >= 1", "gcc"}
    assert origins(found) == {
        "flit-core>=3.11": NeedOrigin.BUILD_SYSTEM,
        "gcc": NeedOrigin.BASE_SPEC,
        "pip": NeedOrigin.METHOD,
        "pyproject-rpm-macros": NeedOrigin.METHOD,
        "some-devel >= 1": NeedOrigin.BASE_SPEC,
    }


def test_a_need_says_where_it_was_stated() -> None:
    places = {need.stated.text: need.stated.place for need in needs_of(world(), "lib", "2")}
    assert places["flit-core>=3.11"] == "lib 2 pyproject.toml"
    assert places["some-devel >= 1"] == "python-lib-1-1.fc0.src"


def test_a_given_spec_file_beats_both_and_the_usual_method() -> None:
    spec = SpecNeeds(("other-devel", "python3dist(six) >= 1.16"), "lib.spec")
    found = needs_of(world(), "lib", "2", specs={"lib": spec})
    assert told(found) == {"other-devel", "six>=1.16", "python3-devel"}
    assert origins(found)["other-devel"] is NeedOrigin.SPEC_FILE
    assert {n.stated.place for n in found if n.stated.origin is NeedOrigin.SPEC_FILE} == {
        "lib.spec"
    }


def test_a_given_spec_file_that_generates_needs_asks_upstream_as_well() -> None:
    spec = SpecNeeds(("other-devel",), "lib.spec", generates=True)
    found = needs_of(world(), "lib", "2", specs={"lib": spec})
    assert told(found) == {"other-devel", "flit-core>=3.11", *METHOD}


def test_the_profile_adds_to_whoever_speaks() -> None:
    rows = '[[build]]\ncomponent = "lib"\nrequires = ["extra-devel"]\nneeds = ["six <2"]\n'
    spec = SpecNeeds(("other-devel",), "lib.spec")
    for specs in ({}, {"lib": spec}):
        found = needs_of(world(profile=profile(rows)), "lib", "2", specs=specs)
        assert {"extra-devel", "six<2"} <= told(found)
        assert origins(found)["extra-devel"] is NeedOrigin.PROFILE
    assert "other-devel" in told(found)


def test_a_rule_that_replaces_leaves_the_method_and_itself() -> None:
    rows = (
        '[[build]]\ncomponent = "lib"\nrequires = ["only-devel"]\nreplaces = true\nreason = "x"\n'
    )
    assert beyond(needs_of(world(profile=profile(rows)), "lib", "2")) == {"only-devel"}


def test_a_rule_drops_what_others_ask_for_by_its_name_in_either_language() -> None:
    rows = (
        '[[build]]\ncomponent = "lib"\ndrops = ["some-devel", "flit-core", "gcc"]\nreason = "x"\n'
    )
    assert beyond(needs_of(world(profile=profile(rows)), "lib", "2")) == set()


def test_a_rule_of_another_variant_adds_nothing() -> None:
    rows = (
        '[variants.other]\nrequirements = "wheel"\n'
        '[[build]]\ncomponent = "lib"\nrequires = ["extra-devel"]\nvariants = ["other"]\n'
    )
    assert "extra-devel" not in told(needs_of(world(profile=profile(rows)), "lib", "2"))


def test_an_sdist_without_a_base_s_spec_has_its_build_system_alone() -> None:
    assert beyond(needs_of(world(sources=[]), "lib", "2")) == {"flit-core>=3.11"}


def test_compiled_code_needs_compilers_where_no_spec_says_which() -> None:
    upstream = [sdist("app", "1", "lib"), sdist("lib", "2", build="flit-core", native=True)]
    assert beyond(needs_of(world(upstream=upstream, sources=[]), "lib", "2")) == {
        "flit-core",
        "gcc",
        "gcc-c++",
    }


def test_a_backend_in_rust_needs_rust() -> None:
    upstream = [sdist("app", "1", "lib"), sdist("lib", "2", build="maturin", backend="maturin")]
    found = needs_of(world(upstream=upstream, sources=[]), "lib", "2")
    assert beyond(found) == {"maturin", "rust", "cargo"}


def test_a_marker_is_evaluated_for_the_interpreter_that_is_planned() -> None:
    build = "new; python_version >= '3.14', old; python_version < '3.14'"
    upstream = [sdist("app", "1", "lib"), sdist("lib", "2", build=build)]
    made = world(upstream=upstream, sources=[])
    assert beyond(needs_of(made, "lib", "2")) == {"new"}
    assert beyond(needs_of(made, "lib", "2", python="3.13")) - {"python-devel"} == {"old"}


def test_a_wheel_that_is_repackaged_needs_no_backend_and_no_compiler() -> None:
    accepted = '[[prebuilt]]\ncomponent = "lib"\nlicence = "MIT"\nreason = "a test"\n'
    listed, metadata, _ = sdist("lib", "2", build="flit-core")
    upstream = [sdist("app", "1", "lib"), (evolve(listed, sdists=(), pure=False), metadata, None)]
    found = needs_of(world(upstream=upstream, profile=profile(accepted)), "lib", "2")
    assert told(found) == METHOD


def test_pip_does_not_need_itself() -> None:
    upstream = [sdist("app", "1", "pip"), sdist("pip", "27", build="flit-core")]
    found = needs_of(world(upstream=upstream, sources=[]), "pip", "27")
    assert told(found) == {"flit-core", "pyproject-rpm-macros", "python3-devel"}


# -- what it is for --------------------------------------------------------------------------------


def test_what_a_base_s_spec_asks_of_python_beyond_upstream_is_for_tests() -> None:
    """Not what upstream's build needs, and not what the distribution requires at run time."""
    texts = ["python3dist(pytest)", "python3dist(six)", "python3dist(flit-core)"]
    found = needs_of(world(sources=[source("python-lib", *texts)]), "lib", "2")
    roles = {n.stated.text: n.stated.role for n in found if n.stated.text in texts}
    assert roles == {
        "python3dist(pytest)": NeedRole.CHECK,
        "python3dist(six)": NeedRole.BUILD,
        "python3dist(flit-core)": NeedRole.BUILD,
    }


@pytest.mark.parametrize("native", [False, True])
def test_what_it_asks_of_the_base_besides_python_is_never_only_for_tests(native: bool) -> None:
    """Nothing says whether a wheel for every platform was made without a translation's tools."""
    upstream = [sdist("app", "1", "lib"), sdist("lib", "2", build="flit-core", native=native)]
    roles = {n.stated.text: n.stated.role for n in needs_of(world(upstream=upstream), "lib", "2")}
    assert roles["some-devel >= 1"] is NeedRole.BUILD


@pytest.mark.parametrize(("version", "expected"), [("1", "six>=1.17"), ("2", "six")])
def test_the_bounds_of_a_base_s_spec_count_for_the_version_that_it_is_of(
    version: str, expected: str
) -> None:
    upstream = [sdist("app", "1", "lib"), sdist("lib", "1"), sdist("lib", "2")]
    sources = [source("python-lib", "python3dist(six) >= 1.17")]
    found = needs_of(world(upstream=upstream, sources=sources), "lib", version)
    assert expected in told(found)


def test_without_upstream_s_word_a_base_s_spec_is_taken_at_its_own() -> None:
    upstream = [sdist("app", "1", "lib"), sdist("lib", "2", build=None)]
    sources = [source("python-lib", "python3dist(pytest)")]
    found = needs_of(world(upstream=upstream, sources=sources), "lib", "2")
    assert [n.stated.role for n in found if n.stated.text == "python3dist(pytest)"] == [
        NeedRole.BUILD
    ]


def test_what_a_given_spec_asks_for_is_never_for_tests_alone() -> None:
    spec = SpecNeeds(("python3dist(pytest)",), "lib.spec")
    found = needs_of(world(), "lib", "2", specs={"lib": spec})
    assert {need.stated.role for need in found} == {NeedRole.BUILD}


# -- what it means ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def meanings() -> Iterator[Mapping[str, NeedsBook]]:
    """Books for the base's interpreter and for another one, over a base with a few packages."""
    made = BuildWorld(
        [
            *interpreter("3.14"),
            dist("six", "1.17"),
            dist("opencv", "4.13", rpm="python3-opencv"),
            package("cmake", "4.3.0"),
            package("plain-devel"),
            package("python-unversioned-command", "3.14.0", source="python3.14"),
        ],
        [sdist("app", "1")],
        profile(
            '[names]\nopencv-python-headless = "opencv"\n'
            '[[tool]]\ndistribution = "cmake"\npackage = "cmake"\n'
        ),
    )
    with TemporaryDirectory() as cache, made.workshop(Path(cache)) as workshop:
        yield {series: _book(workshop, series, {}) for series in ("3.14", "3.13")}


def meaning(book: NeedsBook, text: str) -> str:
    found = list(book._from_rpm(text, NeedOrigin.BASE_SPEC, "a spec"))
    return " ".join(sorted(told(tuple(found))))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain-devel >= 2", "plain-devel >= 2"),
        ("python3dist(six)", "six"),
        ("python3.14dist(six) >= 1.16", "six>=1.16"),
        ("(python3dist(six) >= 1.16 with python3dist(six) < 2)", "six<2,>=1.16"),
        ("python3dist(setuptools-scm[toml]) >= 8", "setuptools-scm[toml]>=8"),
        ("python3-six", "six"),
        ("python3-six >= 1.16", "six>=1.16"),
        ("python3-six = 1:1.16-2.fc0", "six==1.16"),
        ("python3dist(opencv)", "opencv-python-headless"),
        ("python3-opencv < 5", "opencv-python-headless<5"),
        ("(plain-devel if python3-six)", "(plain-devel if python3-six)"),
        ("/usr/bin/plain", "/usr/bin/plain"),
        ("python3dist(cmake)", "cmake = 4.3.0-1.fc0"),
        ("python3dist(cmake) < 4", "cmake<4"),
    ],
)
def test_a_text_in_rpm_s_language_means_a_component_where_it_is_about_one(
    meanings: Mapping[str, NeedsBook], text: str, expected: str
) -> None:
    assert meaning(meanings["3.14"], text) == expected
    assert meaning(meanings["3.13"], text) == expected


@pytest.mark.parametrize("text", ["python3-devel >= 3.14", "python3-devel > 3.13.99-1"])
def test_a_bound_that_only_the_base_s_interpreter_meets_is_a_need_of_that_series(
    meanings: Mapping[str, NeedsBook], text: str
) -> None:
    assert meaning(meanings["3.14"], text) == text
    (found,) = meanings["3.13"]._from_rpm(text, NeedOrigin.SPEC_FILE, "a spec")
    assert found.requirement is not None
    assert found.requirement.component == PYTHON
    assert not found.requirement.allows(Version("3.13.9"))


@pytest.mark.parametrize(("version", "bound"), [("1", True), ("2", False)])
def test_a_base_s_bound_on_its_interpreter_counts_for_the_version_that_its_spec_is_of(
    version: str, bound: bool
) -> None:
    upstream = [sdist("app", "1", "lib"), sdist("lib", "1"), sdist("lib", "2")]
    sources = [source("python-lib", "python3-devel >= 3.14")]
    found = needs_of(world(upstream=upstream, sources=sources), "lib", version, python="3.13")
    (need,) = (n for n in found if n.stated.text == "python3-devel >= 3.14")
    assert need.stated.role is NeedRole.BUILD
    assert need.subpackage == "-devel"
    assert (need.requirement is not None) is bound


def test_a_package_of_two_distributions_is_named_after_the_same_one_everywhere() -> None:
    """None is the package's own, and all are as long."""
    many = [f"python3.14dist({name}) = 1" for name in ("xyz", "abc", "pqr", "efg", "ijk", "bcd")]
    for provides in (many, many[::-1]):
        made = world(
            base=[*world().base, package("python3-two", "1", provides=provides)],
            sources=[source("python-lib", "python3-two")],
        )
        assert "abc" in told(needs_of(made, "lib", "2"))


def test_a_package_of_two_distributions_is_named_after_its_own_first() -> None:
    provides = ["python3.14dist(a) = 1", "python3.14dist(two) = 1"]
    made = world(
        base=[*world().base, package("python3-two", "1", provides=provides)],
        sources=[source("python-lib", "python3-two")],
    )
    assert "two" in told(needs_of(made, "lib", "2"))


def test_a_bound_that_pep_440_cannot_say_stays_in_rpm_s_language(
    meanings: Mapping[str, NeedsBook],
) -> None:
    assert meaning(meanings["3.14"], "python3-six >= 2^20250101git") == (
        "python3-six >= 2^20250101git"
    )


@pytest.mark.parametrize(
    ("text", "own", "another"),
    [
        ("python3-devel", "python3-devel", "python-devel"),
        ("python3-devel >= 3.9", "python3-devel >= 3.9", "python-devel"),
        ("python3", "python3", "python"),
        ("python3 >= 3.9", "python3 >= 3.9", "python"),
        ("python-unversioned-command", "python-unversioned-command", "python-unversioned-command"),
    ],
)
def test_parts_of_the_base_s_interpreter_mean_those_of_the_one_that_is_planned(
    meanings: Mapping[str, NeedsBook], text: str, own: str, another: str
) -> None:
    assert meaning(meanings["3.14"], text) == own
    assert meaning(meanings["3.13"], text) == another


# -- the interpreter -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        (("python3.14", "python3.13"), {"for-3.13"}),
        (("python3.14",), {"for-3.14"}),
        ((), set()),
    ],
)
def test_an_interpreter_is_built_from_its_own_spec_else_from_that_of_the_base_s(
    specs: tuple[str, ...], expected: set[str]
) -> None:
    sources = [source(name, f"for-{name.removeprefix('python')}") for name in specs]
    assert told(needs_of(world(sources=sources), "python", "3.13")) == expected
