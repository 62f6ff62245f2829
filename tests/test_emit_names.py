"""Names that would not keep two streams apart, or that no directory can have, are refused."""

from __future__ import annotations

import pytest
from attrs import evolve

from streamsolve.emit import MockRepository, MockSettings, emit_mock
from streamsolve.errors import Code, InputErrors
from streamsolve.model.plan import Plan

from .specworld import private, spec_plan

KEY = "file:///usr/share/distribution-gpg-keys/small/KEY"
BASE = MockRepository("fedora", "https://base.test/$basearch/", gpgkeys=(KEY,))
SETTINGS = MockSettings("45", "fc45", (BASE,))


def refusal(plan: Plan) -> str:
    with pytest.raises(InputErrors) as caught:
        emit_mock(plan, SETTINGS)
    assert caught.value.code is Code.NOT_EMITTED
    return "\n".join(error.message for error in caught.value.errors)


def test_streams_whose_packages_would_have_one_release_are_refused() -> None:
    """A root that holds one of them would let in what the build of the other made."""
    plan = spec_plan(private("package:foo", "1.2"), private("package:foo-1", "2"))
    said = refusal(plan)
    assert "package:foo-1@2" in said
    assert "0.streamsolve.package_foo_1_2" in said


def test_versions_that_differ_in_more_than_dots_are_kept_apart() -> None:
    plan = spec_plan(private("package:foo", "1.2"), private("package:foobar", "1.2"))
    assert emit_mock(plan, SETTINGS)


def test_a_root_and_a_build_that_are_too_long_together_are_refused() -> None:
    name = "x" * 110
    plan = evolve(spec_plan(private(name, "1")), application="app", base="b" * 20)
    assert "too long for a directory" in refusal(plan)
