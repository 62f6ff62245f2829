"""Versions, specifiers, markers and requirements: what is taken never fails later."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from streamsolve.errors import Code, InputError
from streamsolve.model.pep508 import parse_marker, parse_pep508, parse_specifiers, parse_version
from streamsolve.model.requirement import parse_requirement, requirement_on
from streamsolve.model.rpm_dependency import version_from_rpm
from streamsolve.model.rpm_language import RichDependency, parse_dependency

from .builders import component
from .damage import ENDLESS, hurt

DEEP = "(" * 300 + "os_name == 'x'" + ")" * 300


@pytest.mark.parametrize("text", ["1.0", "1!2.3rc1.post4.dev5+abc", "9" * 600])
def test_a_version_is_what_packaging_says(text: str) -> None:
    assert parse_version(text) == Version(text)


def test_a_requirement_is_what_packaging_says() -> None:
    text = "a[b]>=1,<2; (os_name == 'x' or extra == 'y') and python_version < '3'"
    assert parse_pep508(text) == Requirement(text)
    assert parse_specifiers("<2,>=1") == SpecifierSet(">=1,<2")
    assert parse_marker("os_name == 'x'") == Marker("os_name == 'x'")


def test_a_number_without_end_is_refused_everywhere() -> None:
    with pytest.raises(InvalidVersion):
        parse_version(f"1.{ENDLESS}")
    with pytest.raises(InvalidSpecifier):
        parse_specifiers(f">={ENDLESS}")
    with pytest.raises(InvalidMarker):
        parse_marker(f"python_version < '{ENDLESS}'")
    with pytest.raises(InvalidRequirement):
        parse_pep508(f"a>={ENDLESS}")


def test_a_condition_without_end_is_refused() -> None:
    with pytest.raises(InvalidMarker, match="nested too deeply"):
        parse_marker(DEEP)
    with pytest.raises(InvalidRequirement, match="nested too deeply"):
        parse_pep508(f"a; {DEEP}")


@pytest.mark.parametrize("text", [f"a>={ENDLESS}", f"a; {DEEP}"])
def test_a_requirement_that_cannot_be_used_is_told(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_requirement(text)
    assert caught.value.code is Code.BAD_REQUIREMENT


@given(hurt("a[b]>=1.2.*,!=2; python_version < '3.9' or (extra == 'x' and os_name == 'y')"))
@example(f"a=={ENDLESS}").via("a number")
def test_what_is_taken_can_be_used(text: str) -> None:
    try:
        found = parse_pep508(text)
    except InvalidRequirement:
        return
    found.specifier.contains("1.0")
    if found.marker is not None:
        found.marker.evaluate({"extra": "x"})


def test_a_specifier_that_cannot_be_used_is_told() -> None:
    with pytest.raises(InputError) as caught:
        requirement_on(component("a"), f">={ENDLESS}")
    assert caught.value.code is Code.BAD_REQUIREMENT


@pytest.mark.parametrize("text", [ENDLESS, f"1.{ENDLESS}~rc1", f"1.{ENDLESS}dev", "٣.١", "1.²"])
def test_a_version_of_rpm_that_is_none_for_python_is_none(text: str) -> None:
    assert version_from_rpm(text) is None


@pytest.mark.parametrize("text", ["(" * 300 + "a" + ")" * 300, "(a or " * 300 + "b" + ")" * 300])
def test_a_boolean_dependency_without_end_is_refused_in_few_words(text: str) -> None:
    with pytest.raises(InputError, match="nested too deeply") as caught:
        parse_dependency(text)
    assert len(caught.value.message) < 1000


def test_a_boolean_dependency_with_many_operands_is_no_deep_one() -> None:
    found = parse_dependency(f"({' or '.join(f'(a{n} and b{n})' for n in range(200))})")
    assert isinstance(found, RichDependency)
    assert len(found.operands) == 200
