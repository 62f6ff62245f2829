"""Which build comes next, on random graphs; no time and no files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.building.schedule import Schedule, in_order
from streamsolve.errors import Code, InputError
from streamsolve.model.build import Build

from .runworld import graph_plan

Graph = dict[str, tuple[str, ...]]


def builds(after: Graph, costs: dict[str, int] | None = None) -> tuple[Build, ...]:
    plan = graph_plan(after, costs)
    assert plan.builds is not None
    return plan.builds.builds


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Up to nine builds, each after some of those before it."""
    ids = [f"s{number}@1" for number in range(draw(st.integers(1, 9)))]
    return {
        id: tuple(sorted(draw(st.sets(st.sampled_from(ids[:number]))))) if number else ()
        for number, id in enumerate(ids)
    }


def below(graph: Graph, failed: set[str]) -> set[str]:
    """Everything that comes after a failed build, near or far."""
    found = set(failed)
    for id in graph:
        if found & set(graph[id]):
            found.add(id)
    return found - failed


@given(graphs(), st.randoms(use_true_random=False))
def test_nothing_is_taken_before_what_it_comes_after_and_each_once(
    graph: Graph, rng: object
) -> None:
    schedule, running, done, taken = Schedule.of(builds(graph)), [], set[str](), []
    while True:
        while (id := schedule.next()) is not None:
            assert set(graph[id]) <= done
            running.append(id)
            taken.append(id)
        if not running:
            break
        ended = running.pop(rng.randrange(len(running)))  # type: ignore[attr-defined]
        done.add(ended)
        schedule.done(ended)
    assert sorted(taken) == sorted(graph)


@given(graphs(), st.data())
def test_a_failure_blocks_what_depends_on_it_and_nothing_else(
    graph: Graph, data: st.DataObject
) -> None:
    failing = data.draw(st.sets(st.sampled_from(sorted(graph))))
    schedule, taken = Schedule.of(builds(graph)), set[str]()
    while (id := schedule.next()) is not None:
        taken.add(id)
        (schedule.failed if id in failing else schedule.done)(id)
    assert set(schedule.blocked) == below(graph, failing & taken)
    assert taken == set(graph) - set(schedule.blocked)
    assert set(schedule.blocked.values()) <= failing & taken


def test_the_longest_way_goes_first_then_the_id() -> None:
    graph = {"a@1": (), "b@1": (), "c@1": (), "end@1": ("c@1",)}
    costs = {"a@1": 5, "b@1": 5, "c@1": 2, "end@1": 10}
    assert in_order(builds(graph, costs)) == ("c@1", "end@1", "a@1", "b@1")


def test_builds_that_wait_for_each_other_are_told() -> None:
    first, second = builds({"a@1": (), "b@1": ("a@1",)})
    from attrs import evolve

    with pytest.raises(InputError, match="wait for each other") as raised:
        Schedule.of([evolve(first, after=("b@1",)), second])
    assert raised.value.code is Code.BROKEN_LOCK
    with pytest.raises(InputError, match="x@1, which is no build"):
        Schedule.of([evolve(first, after=("x@1",))])
