"""What a webhook sent: from a stranger, and good for nothing but which component to look at."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsolve.copr import component_of_payload
from streamsolve.copr.payload import LARGEST_PAYLOAD
from streamsolve.errors import Code, InputError
from streamsolve.model.component import Component
from streamsolve.model.plan import Plan
from streamsolve.model.stream import Source

from .builders import component
from .lockworld import small_plan


def plan() -> Plan:
    """The small plan with torch from its repository."""
    small = small_plan()
    streams = tuple(
        evolve(one, source=Source("pkg:github/pytorch/pytorch@v2.14.0#sub"))
        if one.component.name == "torch"
        else one
        for one in small.streams
    )
    return evolve(small, streams=streams)


PLAN = plan()
GITHUB = "https://github.com/PyTorch/pytorch"


def found(document: Any) -> Component | None:
    return component_of_payload(json.dumps(document), PLAN)


@pytest.mark.parametrize(
    "document",
    [
        {"ref": "v2.15", "repository": {"name": "x", "clone_url": f"{GITHUB}.git"}},
        {"action": "published", "repository": {"html_url": GITHUB}},
        {"object_kind": "tag_push", "project": {"git_http_url": f"{GITHUB}.git"}},
        {"repository": {"links": {"html": {"href": GITHUB}}}},
        {"repository": {"url": "git@github.com:pytorch/pytorch.git"}},
        {"component": "torch"},
        {"repository": {"name": "Torch"}},
        {"msg": {"project": {"name": "torch"}}},
    ],
)
def test_the_component_is_found_in_what_forges_send(document: object) -> None:
    assert found(document) == component("torch")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"ref": "v2.15"},
        {"repository": []},
        {"repository": {"name": 7, "clone_url": None}},
        {"repository": {"name": "nobody"}},
        {"component": "packaging"},  # the base has it: nothing is built
        {"component": "x" * 10_000},
        {"project": {"web_url": "https://evil.test/" + "a/" * 90}},
    ],
)
def test_what_is_about_nothing_that_is_built_is_about_nothing(document: object) -> None:
    assert found(document) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1]",
        "null",
        "7",
        b"\xff\xfe\x00",
        "[" * 100_000,
        '"' + "x" * LARGEST_PAYLOAD + '"',
    ],
)
def test_what_is_no_json_object_of_moderate_size_is_refused(text: str | bytes) -> None:
    with pytest.raises(InputError) as caught:
        component_of_payload(text, PLAN)
    assert caught.value.code is Code.BROKEN_PAYLOAD
    assert len(str(caught.value)) < 200


keys = st.sampled_from(
    ["repository", "project", "msg", "name", "url", "links", "html", "component"]
)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from([GITHUB]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(documents | st.text() | st.binary())
def test_whatever_comes_the_answer_is_a_component_of_the_lock_or_a_refusal(document: Any) -> None:
    text = document if isinstance(document, str | bytes) else json.dumps(document)
    assert PLAN.builds is not None
    built = {build.component for build in PLAN.builds.builds}
    assert answer_to(text) in {*built, None, Code.BROKEN_PAYLOAD}


def answer_to(text: str | bytes) -> Component | Code | None:
    try:
        return component_of_payload(text, PLAN)
    except InputError as error:
        return error.code
