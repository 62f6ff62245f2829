"""RPM's dependency language: against Fedora's own generator, and against PEP 440."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from streamsolve.errors import InputError
from streamsolve.model import Requirement, Target, parse_requirement
from streamsolve.model.rpm_dependency import (
    Capability,
    RichDependency,
    parse_dependency,
    pep508_from_rpm,
    rpm_provides,
    rpm_requires,
    rpm_version,
    split_capability,
    version_from_rpm,
)

FACTS = Path(__file__).parents[1].parent / "shared" / "facts"
TARGET = Target("3.14", "x86_64")


def facts(name: str) -> list[dict]:
    """The generator's recorded answers, or one case that is skipped with the reason."""
    path = FACTS / name
    if not path.is_file():
        return [
            pytest.param({}, marks=pytest.mark.skip(reason=f"no {path.name} beside the project"))
        ]
    return json.loads(path.read_text())


def recorded(mode: str) -> list[dict]:
    cases = facts("pep440-to-rpm-provides.json")
    return [case for case in cases if not isinstance(case, dict) or case["mode"].startswith(mode)]


def read(text: str) -> Requirement:
    found = pep508_from_rpm(text)
    assert found is not None, text
    return found


# --- what Fedora's generator writes


@pytest.mark.parametrize("case", facts("pep440-to-rpm.json"))
def test_a_requirement_is_written_as_the_generator_writes_it(case):
    requirement = parse_requirement(case["requirement"])
    assert list(rpm_requires(requirement, Target(case["python"], "x86_64"))) == case["expected"]


@pytest.mark.parametrize("case", recorded("requires"))
def test_the_requirements_of_an_extra_are_written_as_the_generator_writes_them(case):
    target = Target(case["python"], "x86_64")
    written = [
        text
        for requirement in case["requirements"]
        for text in rpm_requires(parse_requirement(requirement), target, extra=case["extra"])
    ]
    assert written == case["expected"]


@pytest.mark.parametrize("case", recorded("provides"))
def test_a_distribution_provides_what_the_generator_says(case):
    arguments = ("streamprobe", Version(case["version"]), case["python"], case["default_python"])
    if case["expected"] is None:
        with pytest.raises(InputError, match="zero"):
            rpm_provides(*arguments)
    else:
        assert list(rpm_provides(*arguments)) == case["expected"]


def test_only_the_default_python_provides_the_short_name():
    assert rpm_provides("Foo_Bar", Version("1.2"), "3.14", "3.15") == (
        "python3.14dist(foo-bar) = 1.2",
    )


def test_a_base_may_ship_the_distribution_under_another_name():
    requirement = parse_requirement("opencv-python-headless[x]>=4.13.0")
    assert rpm_requires(requirement, TARGET, provided_name="opencv") == (
        "python3.14dist(opencv) >= 4.13",
        "python3.14dist(opencv[x]) >= 4.13",
    )


def test_a_requirement_without_an_extra_is_not_one_of_the_extra():
    requirement = parse_requirement("bar; python_version > '3.8'")
    assert rpm_requires(requirement, TARGET, extra="gpu") == ()
    assert rpm_requires(requirement, TARGET) == ("python3.14dist(bar)",)


def test_what_is_no_version_cannot_be_said_in_rpm():
    with pytest.raises(InputError, match="no version"):
        rpm_requires(parse_requirement("foo===banana"), TARGET)


# --- and back


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python3.15dist(yarl)", "yarl"),
        ("python3dist(yarl) >= 1.17", "yarl>=1.17"),
        ("python3.15dist(fastapi[standard])", "fastapi[standard]"),
        ("(python3.15dist(yarl) < 2 with python3.15dist(yarl) >= 1.17)", "yarl<2,>=1.17"),
        ("(python3.15dist(foo) < 1 or python3.15dist(foo) > 1)", "foo!=1"),
        ("(python3.15dist(foo) < 2~~ or python3.15dist(foo) >= 3)", "foo!=2.*"),
        ("(python3.15dist(foo) < 2~~ or python3.15dist(foo) >= 2.1)", "foo!=2.0.*"),
        ("(python3.15dist(foo) >= 1.8 or python3.15dist(foo) < 1.6)", "foo!=1.6.*,!=1.7.*"),
        ("python3.15dist(foo) = 2~rc1", "foo==2rc1"),
        ("python3.15dist(foo) >= 2^post1", "foo>=2.post1"),
        ("python3.15dist(foo) = 2~~dev3", "foo==2.dev3"),
        ("python3.15dist(foo) < 2~~", "foo<2"),
        ("python3.15dist(foo) >= 2~~", "foo>=2.dev0"),
        ("python3.15dist(foo) = 1:2", "foo==1!2"),
        ("python3.15dist(foo) > 2.0", "foo>2.0"),
        ("python3.15dist(foo) < 3.0dev", "foo<3.0.dev0"),
        ("python3.15dist(foo) > 2.1", "foo>=2.1,!=2.1"),
    ],
)
def test_a_dependency_of_the_base_reads_as_a_requirement(text, expected):
    wanted = parse_requirement(expected)
    found = read(text)
    assert (found.component, found.extras) == (wanted.component, wanted.extras)
    assert found.specifier == wanted.specifier


@pytest.mark.parametrize(
    "text",
    [
        "libc.so.6()(64bit)",
        "python(abi) = 3.15",
        "python2.7dist(six)",
        "(python3dist(a) or python3dist(b))",
        "(python3dist(a) if python3 < 3.11)",
        "(python3dist(a) with python3dist(b))",
        "(python3dist(a) = 1 or python3dist(a) = 2)",
        "(python3dist(a) < 1.5 or python3dist(a) >= 2)",
        "(python3dist(a) < 3 or python3dist(a) >= 2)",
        "python3dist(a) = 2^20240101git",
        "python3dist(a) >= 1.2-3.fc45",
        "(python3dist(a) >= 1",
    ],
)
def test_what_is_no_requirement_on_a_distribution_is_none(text):
    assert pep508_from_rpm(text) is None


numbers = st.integers(0, 3)
releases = st.lists(numbers, min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
versions = st.builds(
    "{}{}{}".format, st.sampled_from(["", "", "1!"]), releases, st.sampled_from(["", "", ".post1"])
)
clauses = st.one_of(
    st.builds("{}{}".format, st.sampled_from([">=", "<=", "<", ">", "==", "!="]), versions),
    st.builds("{}{}.*".format, st.sampled_from(["==", "!="]), releases),
    st.builds("~={}.{}".format, releases, numbers),
)
GRID = [
    Version(f"{epoch}{text}")
    for epoch in ("", "1!")
    for text in (
        *(f"{a}" for a in range(6)),
        *(f"{a}.{b}" for a in range(5) for b in range(6)),
        *(f"{a}.{b}.{c}" for a in range(4) for b in range(5) for c in range(5)),
    )
]


@given(st.lists(clauses, min_size=0, max_size=3, unique=True).map(",".join))
def test_a_requirement_written_for_rpm_and_read_back_allows_the_same_releases(specifier):
    requirement = parse_requirement(f"foo{specifier}")
    (written,) = rpm_requires(requirement, TARGET)
    back = read(written)
    differing = [str(each) for each in GRID if requirement.allows(each) != back.allows(each)]
    assert differing == []


@given(
    releases,
    st.sampled_from(["", "a1", "b2", "rc3", ".post4", ".dev5"]),
    st.sampled_from(["", "2!"]),
)
def test_a_version_survives_the_way_to_rpm_and_back(release, suffix, epoch):
    version = Version(f"{epoch}{release}{suffix}")
    assert version_from_rpm(rpm_version(version)) == version


# --- the language itself


@pytest.mark.parametrize(
    "text",
    [
        "glibc",
        "/usr/bin/python3",
        "libstdc++.so.6(GLIBCXX_3.4)(64bit)",
        "foo >= 1:2.0-3",
        "(a if b else c)",
        "(a unless b)",
        "(a with b with c < 3)",
        "(a without b)",
        "((a and b) or (c and d) or libm.so.6()(64bit))",
        "(glibc-gconv-extra(x86-64) = 2.34-20.el9 if redhat-rpm-config)",
        "((feature1 with feature2 > 1.0) if (a or /usr/bin/b) else (c unless d else e))",
    ],
)
def test_a_dependency_prints_as_it_was_written(text):
    assert str(parse_dependency(text)) == text


names = st.sampled_from(["a", "libm.so.6()(64bit)", "/usr/bin/x", "python3dist(x[y])"])
plain = st.builds(Capability, names) | st.builds(
    Capability, names, st.sampled_from(["=", "<", "<=", ">", ">="]), st.sampled_from(["1", "2:3-4"])
)


def rich(operands):
    pair = st.tuples(operands, operands)
    some = st.lists(operands, min_size=2, max_size=4).map(tuple)
    triple = st.tuples(operands, operands, operands)
    return st.one_of(
        st.builds(RichDependency, st.sampled_from(["and", "or", "with"]), some),
        st.builds(RichDependency, st.just("without"), pair),
        st.builds(RichDependency, st.sampled_from(["if", "unless"]), pair | triple),
    )


@given(st.recursive(plain, rich, max_leaves=8))
def test_a_dependency_parses_back_from_its_text(dependency):
    assert parse_dependency(str(dependency)) == dependency


@pytest.mark.parametrize(
    "text",
    [
        "",
        "(",
        "(a",
        "(a or)",
        "(a or b",
        "(a nor b)",
        "(a or b) c",
        "(a or b and c)",
        "a b",
        "a >= ",
        "(a >= ) or b)",
        "( or a)",
    ],
)
def test_a_broken_dependency_is_refused(text):
    with pytest.raises(InputError, match="is not an RPM dependency"):
        parse_dependency(text)


def test_a_capability_splits_into_name_comparison_and_version():
    assert split_capability("python3dist(x) = 1.2") == ("python3dist(x)", "=", "1.2")
    assert split_capability("glibc") == ("glibc", "", "")
    assert split_capability("a == 1") == ("a", "=", "1")
