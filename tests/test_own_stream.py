"""An application that is not called as its component is (``pytorch`` is the distribution ``torch``)
is known everywhere by its own stream."""

from __future__ import annotations

import pytest
import yaml
from attrs import evolve

from streamsolve.emit.lists import fromager_settings, module_document
from streamsolve.emit.sbom import bill_of
from streamsolve.emit.specs import emit_specs
from streamsolve.explain.graph import plan_graph
from streamsolve.model.component import Component, Kind
from streamsolve.model.plan import Plan, Reason, ReasonKind

from .lockworld import small_plan
from .specworld import IN_PREFIX

DIGEST = "sha256:" + "ab" * 32


def named(name: str) -> Plan:
    """The small application under a name, with the reason that a plan gives for its stream."""
    plan = small_plan()
    streams = tuple(
        evolve(each, reason=Reason(ReasonKind.APPLICATION))
        if each.component.name == plan.application
        else each
        for each in plan.streams
    )
    return evolve(plan, application=name, streams=streams)


@pytest.fixture(params=["app", "suite"])
def plan(request: pytest.FixtureRequest) -> Plan:
    """The same application, called as its component is and otherwise."""
    return named(request.param)


def test_it_is_the_stream_that_is_there_for_its_own_sake(plan: Plan) -> None:
    assert plan.own is not None
    assert plan.own.component.name == "app"
    last = evolve(plan, streams=plan.streams[::-1])
    assert last.own == plan.own
    assert evolve(plan, streams=()).own is None


def test_a_component_is_found_by_its_name_with_its_kind(plan: Plan) -> None:
    for stream in plan.streams:
        assert plan.stream_spelled(stream.component.spelled) == stream
    assert plan.stream_spelled("package:app") is None


def test_graphs_mark_it_and_nothing_else(plan: Plan) -> None:
    for each in (plan, evolve(plan, builds=None)):
        marked = [node.label for node in plan_graph(each).nodes if node.application]
        assert marked
        assert all(label.startswith("app ") for label in marked)


def test_a_module_installs_it(plan: Plan) -> None:
    (document,) = module_document(plan, stream="1", platform="f45").values()
    profiles = yaml.safe_load(document)["data"]["profiles"]
    assert plan.own is not None
    assert [each["rpms"] for each in profiles.values()] == [[plan.own.package]]


def test_fromager_is_asked_for_the_distribution(plan: Plan) -> None:
    assert fromager_settings(plan)["requirements.txt"] == f"app=={plan.version}\n".encode()


def test_fromager_is_not_asked_for_what_is_no_distribution() -> None:
    plan = named("suite")
    own = Component(Kind.PACKAGE, "app")
    streams = tuple(
        evolve(each, component=own) if each is plan.own else each for each in plan.streams
    )
    made = fromager_settings(evolve(plan, streams=streams))
    assert made["requirements.txt"] == b""


def test_its_licence_is_that_of_the_bill_of_materials(plan: Plan) -> None:
    streams = tuple(
        evolve(each, licence="MPL-2.0") if each is plan.own else each for each in plan.streams
    )
    bill = bill_of(evolve(plan, streams=streams), DIGEST)
    assert bill.application.licence == "MPL-2.0"
    assert bill.application.name == plan.application


def test_with_a_prefix_its_package_brings_what_enables_it(plan: Plan) -> None:
    name = f"{plan.application}-runtime"
    made = emit_specs(plan, IN_PREFIX)
    requiring = [
        path
        for path, content in made.files.items()
        if isinstance(content, bytes)
        and any(
            line.startswith("Requires:") and name in line.split()
            for line in content.decode().splitlines()
        )
    ]
    assert [path.rpartition("/")[2] for path in requiring] == [
        f"{plan.application}-python-app.spec"
    ]
