"""Laws of a run over random graphs, failures, changes and points where it is cut off.

Packages are texts, and steps run in this process; everything else is as it is. A run is cut off by
letting every change of the directory fail from some point on, which is what a killed process does.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamsolve.building.steps import Job
from streamsolve.errors import StreamsolveError
from streamsolve.model.build_run import BuildFate

from .runworld import CREATEREPO, PaperStep, Place, fates, graph_plan, paper_headers

Graph = dict[str, tuple[str, ...]]
LAW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Up to seven builds; some streams are built twice, and anything may come after either pass."""
    ids = []
    for number in range(draw(st.integers(1, 5))):
        ids.append(f"s{number}@1")
    for stream in draw(st.sets(st.sampled_from(ids), max_size=2)):
        at = ids.index(stream)
        ids[at] = f"{stream}/bootstrap"
        ids.insert(draw(st.integers(at + 1, len(ids))), f"{stream}/final")
    graph: Graph = {}
    for number, id in enumerate(ids):
        before = draw(st.sets(st.sampled_from(ids[:number]))) if number else set()
        # A root holds one pass of a stream, and no pass has another one of itself in its root.
        one = {each.partition("/")[0]: each for each in sorted(before)}
        one.pop(id.partition("/")[0], None)
        graph[id] = tuple(sorted(one.values()))
    return graph


@contextmanager
def places(graph: Graph) -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr("streamsolve.building.attempt.read_rpm_headers", paper_headers)
        yield Place.of(Path(directory) / "build", graph_plan(graph), createrepo=CREATEREPO)


def file_of(id: str) -> str:
    name, version = id.partition("/")[0].split("@")
    return f"python3-{name}-{version}-1.noarch.rpm"


def published(place: Place) -> dict[str, str]:
    """What the stream repository lists, with what is in it."""
    return {
        path.rpartition("/")[2]: (place.directory / "repo" / path).read_text()
        for path in place.listed()
    }


def last_passes(graph: Graph) -> set[str]:
    return {id for id in graph if not id.endswith("/bootstrap")}


# -- order and failures ----------------------------------------------------------------------------


@LAW
@given(graphs(), st.integers(1, 3))
def test_a_build_sees_exactly_what_it_comes_after_and_its_very_pass(
    graph: Graph, jobs: int
) -> None:
    with places(graph) as place:
        step = PaperStep()
        run = place.run(step, jobs)
        assert set(fates(run).values()) == {BuildFate.BUILT}
        assert run.holds
        assert sorted(step.made) == sorted(graph)
        for id, after in graph.items():
            assert step.held[id] == {file_of(each): f"{each} first" for each in after}
        assert published(place) == {file_of(id): f"{id} first" for id in last_passes(graph)}


@LAW
@given(graphs(), st.data(), st.integers(1, 3))
def test_after_failures_all_that_does_not_depend_on_them_is_built(
    graph: Graph, data: st.DataObject, jobs: int
) -> None:
    failing = data.draw(st.sets(st.sampled_from(sorted(graph)), min_size=1))
    failed, blocked = set[str](), set[str]()
    for id, after in graph.items():
        if set(after) & (failed | blocked):
            blocked.add(id)
        elif id in failing:
            failed.add(id)
    with places(graph) as place:
        step = PaperStep(fails=frozenset(failing))
        run = place.run(step, jobs)
        told = fates(run)
        assert {id for id in told if told[id] is BuildFate.FAILED} == failed
        assert {id for id in told if told[id] is BuildFate.NOT_TRIED} == blocked
        assert {id for id in told if told[id] is BuildFate.BUILT} == set(graph) - failed - blocked
        assert sorted(step.began) == sorted(set(graph) - blocked)
        for result in run.of(BuildFate.NOT_TRIED):
            assert result.why.removeprefix("it needs ") in failed
        # Once nothing fails any more, the rest is built, and that alone.
        mended = PaperStep()
        assert place.run(mended, jobs).holds
        assert sorted(mended.began) == sorted(failed | blocked)


# -- changes ---------------------------------------------------------------------------------------


@LAW
@given(graphs(), st.data(), st.integers(1, 3))
def test_a_change_builds_again_what_its_inputs_changed_for_and_no_more(
    graph: Graph, data: st.DataObject, jobs: int
) -> None:
    """Some builds make the same whatever their root holds: there the change ends."""
    deaf = data.draw(st.sets(st.sampled_from(sorted(graph))))
    changed = data.draw(st.sampled_from(sorted({id.partition("/")[0] for id in graph})))

    def text(job: Job, seen: dict[str, str]) -> str:
        heard = "" if job.build in deaf else f" {sorted(seen.items())}"
        return f"{job.build} {job.source.read_text()}{heard}"

    expected, other = set[str](), set[str]()
    for id, after in graph.items():
        own = id.partition("/")[0] == changed
        if own or set(after) & other:
            expected.add(id)
            if own or id not in deaf:
                other.add(id)
    with places(graph) as place:
        assert place.run(PaperStep(text=text), jobs).holds
        place.write_source(changed, "second")
        step = PaperStep(text=text)
        run = place.run(step, jobs)
        assert run.holds
        assert set(step.began) == expected
        assert len(step.began) == len(expected)
        again = PaperStep(text=text)
        assert place.run(again, jobs).holds
        assert again.began == []


# -- cut off ---------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process is no more."""


@define
class Death:
    """Lets every change below a directory fail once ``after`` of them have been made."""

    directory: str = ""
    after: int = 0
    dead: bool = field(default=False)

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.directory or event not in EVENTS:
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & WRITING):
            return
        told = (part for part in arguments if isinstance(part, (str, bytes, os.PathLike, list)))
        if not any(self.directory in str(part) for part in told):
            return
        self.after -= 1
        if self.after < 0:
            self.dead = True
            raise Killed

    @contextmanager
    def of(self, directory: Path, after: int) -> Iterator[None]:
        self.directory, self.after, self.dead = str(directory), after, False
        try:
            yield
        finally:
            self.directory = ""


EVENTS = {"open", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "subprocess.Popen"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
DEATH = Death()
sys.addaudithook(DEATH.hook)


@settings(LAW, max_examples=40)
@given(graphs(), st.integers(0, 150), st.integers(1, 3))
def test_a_run_that_was_cut_off_anywhere_goes_on_and_builds_nothing_twice(
    graph: Graph, after: int, jobs: int
) -> None:
    with places(graph) as place:
        first = PaperStep()
        try:
            with DEATH.of(place.directory, after):
                place.run(first, jobs)
        except (Killed, StreamsolveError):
            assert DEATH.dead
        recorded = {
            id
            for id in graph
            for part in ("results/{}", "running/{}/results")
            if (place.directory / part.format(name_of(id)) / "built.json").exists()
        }
        second = PaperStep()
        assert place.run(second, jobs).holds
        assert sorted(second.began) == sorted(set(graph) - recorded)
        # What was made and not recorded was in the hands of a builder when it ended.
        assert len(set(first.made) - recorded) <= jobs
        assert published(place) == {file_of(id): f"{id} first" for id in last_passes(graph)}
        third = PaperStep()
        assert place.run(third, jobs).holds
        assert third.began == []


def name_of(id: str) -> str:
    return id.replace("@", "-").replace("/", "-")


@LAW
@given(graphs(), st.integers(0, 120), st.data())
def test_a_change_that_was_cut_off_is_finished(
    graph: Graph, after: int, data: st.DataObject
) -> None:
    changed = data.draw(st.sampled_from(sorted({id.partition("/")[0] for id in graph})))
    with places(graph) as place:
        assert place.run(PaperStep()).holds
        place.write_source(changed, "second")
        try:
            with DEATH.of(place.directory, after):
                place.run(PaperStep())
        except (Killed, StreamsolveError):
            assert DEATH.dead
        assert place.run(PaperStep()).holds
        assert published(place) == {
            file_of(id): f"{id} {'second' if id.partition('/')[0] == changed else 'first'}"
            for id in last_passes(graph)
        }
