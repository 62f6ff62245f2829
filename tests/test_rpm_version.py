"""RPM's order and RPM's matching, judged by RPM and by libsolv themselves."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from streamsolve.model.package import Package
from streamsolve.model.rpm_language import Capability, parse_dependency
from streamsolve.model.rpm_matching import Provided, names_in
from streamsolve.model.rpm_version import compare_evr, satisfies, split_evr
from streamsolve.solving import PackagePool

from .rpmmd import embedded, rpm

PARTS = st.sampled_from(
    ["0", "00", "1", "01", "9", "10", "15", "2026", "a", "b", "rc", "fc45", "A", "~", "^", ".", "_"]
)
VERSIONS = st.lists(PARTS, min_size=1, max_size=6).map("".join)
EPOCHS = st.sampled_from(["", "0:", "1:", "02:"])
RELEASES = st.just("") | VERSIONS.map("-{}".format)
EVRS = st.builds("{}{}{}".format, EPOCHS, VERSIONS, RELEASES)
OPERATORS = st.sampled_from(["=", "<", "<=", ">", ">="])

real_rpm = pytest.mark.skipif(not shutil.which("rpm"), reason="the program rpm is not installed")


def rpm_says(pairs: list[tuple[str, str]]) -> list[int]:
    """RPM's own answer for each pair, all from one process."""
    rows = ", ".join(f'{{"{one}", "{other}"}}' for one, other in pairs)
    script = f"for _, p in ipairs({{{rows}}}) do print(rpm.vercmp(p[1], p[2]) .. ' ') end"
    done = subprocess.run(
        ["rpm", "--eval", f"%{{lua: {script}}}"], capture_output=True, text=True, check=True
    )
    return [int(word) for word in done.stdout.split()]


@real_rpm
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(EVRS, EVRS), min_size=1, max_size=150))
@example([("1.0~rc1", "1.0"), ("1.0^git1", "1.0"), ("1.0^git1", "1.0.1"), ("1.0~~", "1.0~rc1")])
@example([("2", "1:1"), ("1-1", "1"), ("1.0.", "1.0"), ("1.a", "1.1"), ("1..2", "1.2")])
def test_versions_are_ordered_as_rpm_orders_them(pairs):
    assert [compare_evr(one, other) for one, other in pairs] == rpm_says(pairs)


@real_rpm
def test_a_number_of_any_length_is_compared_as_rpm_does():
    pairs = [("9" * 5000, "1" + "0" * 5000), ("0" * 6000 + "7", "7")]
    assert [compare_evr(one, other) for one, other in pairs] == rpm_says(pairs) == [-1, 0]


@given(EVRS, EVRS, EVRS)
def test_the_order_is_one(a, b, c):
    assert compare_evr(a, a) == 0
    assert compare_evr(a, b) == -compare_evr(b, a)
    if compare_evr(a, b) <= 0 and compare_evr(b, c) <= 0:
        assert compare_evr(a, c) <= 0


@pytest.mark.parametrize(
    ("evr", "parts"),
    [
        ("1.2", ("0", "1.2", "")),
        ("3:1.2-4.fc45", ("3", "1.2", "4.fc45")),
        (":1-2-3", ("0", "1-2", "3")),
        ("v:1", ("0", "v:1", "")),
    ],
)
def test_a_version_is_taken_apart(evr, parts):
    assert split_evr(evr) == parts


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.just("") | st.builds(" {} {}".format, OPERATORS, EVRS), min_size=1, max_size=12),
    st.lists(st.just("") | st.builds(" {} {}".format, OPERATORS, EVRS), min_size=1, max_size=12),
)
@example([" = 1", " = 1-1", " <= 1", " < 1", " >= 1-1"], [" > 1-1", " < 1-1", " > 1", " < 1", ""])
def test_what_is_provided_meets_what_libsolv_says_it_meets(cache, have, want):
    packages = [rpm(f"p{number}", provides=f"x{text}") for number, text in enumerate(have)]
    with PackagePool.open([embedded("base", *packages)], arch="x86_64", cache=cache) as pool:
        for text in want:
            expected = {package.name for package in pool.providers(f"x{text}")}
            assert {p.name for p in packages if meets(p, f"x{text}")} == expected


def meets(package: Package, required: str) -> bool:
    dependency = parse_dependency(required)
    assert isinstance(dependency, Capability)
    return any(satisfies(capability(text), dependency) for text in package.provides)


def capability(text: str) -> Capability:
    found = parse_dependency(text)
    assert isinstance(found, Capability)
    return found


def test_another_name_is_never_met():
    assert not satisfies(Capability("x"), Capability("y"))


@pytest.mark.parametrize(
    ("dependency", "met"),
    [
        ("a", True),
        ("c", False),
        ("(a and b)", True),
        ("(a and c)", False),
        ("(c or b)", True),
        ("(c or d)", False),
        ("(a if b)", True),
        ("(c if b)", False),
        ("(c if d)", True),
        ("(c if d else a)", True),
        ("(a if d else c)", False),
        ("(a unless d)", True),
        ("(a unless b)", False),
        ("(c unless b else a)", True),
        ("(x >= 1 with x < 2)", False),
        ("(x >= 3 with x < 4)", True),
        ("(x without x >= 3)", True),
        ("(x >= 1 without x >= 3)", False),
        ("((a and c) or (b and x = 3))", True),
    ],
)
def test_a_boolean_dependency_is_judged_over_the_whole_set(dependency, met):
    provided = Provided.of(
        (package, capability(text))
        for package, texts in {"one": ["a", "x = 3"], "two": ["b", "x = 0"]}.items()
        for text in texts
    )
    assert provided.meets(parse_dependency(dependency)) is met


def test_a_range_is_met_by_one_package_not_by_two():
    two = Provided.of([("low", capability("x = 1")), ("high", capability("x = 5"))])
    between = parse_dependency("(x >= 2 with x <= 4)")
    assert not two.meets(between)
    assert two.meets(parse_dependency("(x >= 2 and x <= 4)"))


def test_a_dependency_tells_what_it_speaks_about():
    assert list(names_in(parse_dependency("(a >= 1 if (b or lib.so()(64bit)) else c)"))) == [
        "a",
        "b",
        "lib.so()(64bit)",
        "c",
    ]
