"""Ranges of npm in PEP 440, against a reading of them clause by clause."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from streamsolve.inputs.semver import Specified, npm_range, pep440_version
from streamsolve.inputs.tables import Unreadable

Released = tuple[int, int, int]
Holds = Callable[[Released], bool]

VERSIONS = list(product(range(5), range(4), range(4)))


def lets_in(specified: Specified) -> set[Released]:
    found = SpecifierSet(specified.specifier)
    return {version for version in VERSIONS if found.contains(".".join(map(str, version)))}


def meaning(operator: str, said: tuple[int, ...]) -> Holds:
    """What a clause says of a version, straight from npm's words: what is left open is not looked
    at, a tilde keeps the minor if one is said, a caret the first number that is not 0."""
    count = len(said)
    full = (*said, 0, 0, 0)[:3]
    first = next((at for at, number in enumerate(said) if number), count - 1)
    meanings: dict[str, Holds] = {
        "": lambda v: v[:count] == said,
        "=": lambda v: v[:count] == said,
        ">=": lambda v: v[:count] >= said,
        "<=": lambda v: v[:count] <= said,
        ">": lambda v: v[:count] > said,
        "<": lambda v: v[:count] < said,
        "~": lambda v: v >= full and v[: min(count, 2)] == said[:2],
        "^": lambda v: v >= full and v[: first + 1] == said[: first + 1],
    }
    return meanings[operator]


numbers = st.lists(st.integers(0, 4), max_size=3).map(tuple)


@st.composite
def clauses(draw: st.DrawFn) -> tuple[str, Holds]:
    operator = draw(st.sampled_from(["", "=", ">=", "<=", ">", "<", "~", "^"]))
    said: tuple[int, ...] = draw(numbers)
    written = list(map(str, said))
    if len(said) < 3 and (not said or draw(st.booleans())):
        written.append(draw(st.sampled_from("xX*")))
    space = draw(st.sampled_from(["", " "])) if operator else ""
    return f"{operator}{space}{'.'.join(written)}", meaning(operator, said)


@st.composite
def alternatives(draw: st.DrawFn) -> tuple[str, Holds]:
    if draw(st.integers(0, 4)) == 0:
        low, high = (draw(numbers.filter(len)) for _ in range(2))
        text = f"{'.'.join(map(str, low))} - {'.'.join(map(str, high))}"
        return text, lambda v: v[: len(low)] >= low and v[: len(high)] <= high
    parts = draw(st.lists(clauses(), min_size=1, max_size=3))
    return " ".join(text for text, _ in parts), lambda v: all(holds(v) for _, holds in parts)


@given(st.lists(alternatives(), min_size=1, max_size=3))
def test_a_range_lets_in_what_its_clauses_do(parts: list[tuple[str, Holds]]) -> None:
    specified = npm_range(" || ".join(text for text, _ in parts))
    wanted = {version for version in VERSIONS if any(holds(version) for _, holds in parts)}
    if specified.exact:
        assert lets_in(specified) == wanted
    elif "no released version" in specified.why:
        assert not wanted
    else:
        # What cannot be said lets in more, never less, and says so.
        assert lets_in(specified) > wanted or lets_in(specified) == wanted
        assert specified.why


@pytest.mark.parametrize(
    ("text", "specifier"),
    [
        ("", ""),
        ("*", ""),
        ("x", ""),
        (">=18", ">=18"),
        ("^18.17 || >=20", ">=18.17,!=19.*"),
        ("^14.0.0 || ^16.0.0 || >=18", ">=14,!=15.*,!=17.*"),
        (">= 18 < 21", ">=18,<21"),
        ("18 - 20", ">=18,<21"),
        ("1.2.3 - 2.3.4", ">=1.2.3,<2.3.5"),
        ("~1.2.3", ">=1.2.3,<1.3"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", "==0.0.3"),
        ("v22.x", ">=22,<23"),
        ("=1.2.3", "==1.2.3"),
        (">1.2", ">=1.3"),
    ],
)
def test_what_projects_write_is_said_as_a_packager_would(text: str, specifier: str) -> None:
    assert npm_range(text) == Specified(specifier)


def test_what_pep_440_cannot_say_is_told() -> None:
    assert not npm_range("1.0.0 || 1.2.3 || 3.1.4").exact
    assert not npm_range(">=1.2.3-rc.1").exact
    assert npm_range(">=1.2.3-rc.1").specifier == ">=1.2.3"
    assert "no released version" in npm_range("<0.0.0").why


@pytest.mark.parametrize("text", ["latest", "lts/*", "git+ssh://x", "1.2.3.4", ">=one", "9" * 2000])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        npm_range(text)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.2.3", "1.2.3"),
        ("v1.2", "1.2"),
        ("1.0.0-rc.1", "1.0.0rc1"),
        ("1.0.0-beta", "1.0.0b0"),
        ("2.0.0-alpha.3+build.7", "2.0.0a3"),
        ("2.12rc1", "2.12rc1"),
        ("1.0.0-dev.4", "1.0.0.dev4"),
    ],
)
def test_a_version_has_its_form_in_pep_440(text: str, version: str) -> None:
    assert pep440_version(text) == Version(version)


@pytest.mark.parametrize(
    "text", ["", "nightly", "1.0.0-nightly.20260101", "r12", "1.2.3.4.5", "1_0"]
)
def test_a_version_without_such_a_form_is_none(text: str) -> None:
    assert pep440_version(text) is None
