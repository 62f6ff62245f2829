"""The order in which builds start, on a simulated COPR: over random graphs, failures, losses and
interruptions. Time is the simulation's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress

from attrs import define, evolve, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsolve.copr.farm import FarmBuild, FarmLostError
from streamsolve.copr.journal import Journal
from streamsolve.copr.patience import Patience
from streamsolve.copr.plan import FarmPlan, WantedBuild, WantedChroot, WantedProject
from streamsolve.copr.push import PushReport, push
from streamsolve.copr.source import PypiSource, UploadSource
from streamsolve.copr.tally import Standing, tally

from .coprworld import OVER, MemoryFarm, World, WorldBuild

CHROOT = "fedora-45-x86_64"
SEE = settings(max_examples=100, deadline=None)


# -- plans -----------------------------------------------------------------------------------------


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def farm_plan(
    graph: Mapping[str, tuple[str, ...]], projects: int = 1, pypi: bool = False
) -> FarmPlan:
    """A plan of these builds, each with what it comes after, spread over projects."""
    level: dict[str, int] = {}
    made: dict[str, WantedBuild] = {}
    for id, after in graph.items():
        level[id] = 1 + max((level[other] for other in after), default=0)
    for id in sorted(graph, key=lambda id: (level[id], id)):
        after = graph[id]
        name, _, version = id.partition("@")
        upload = UploadSource(f"srpms/{name}-{version}.src.rpm", digest(id))
        source = PypiSource(name, version) if pypi and len(made) % 3 == 0 else upload
        made[id] = WantedBuild(
            id,
            name,
            level[id],
            f"proj{int(digest(id), 16) % projects or ''}",
            source,
            after,
            digest(id + "".join(made[other].digest for other in after)),
        )
    names = sorted({build.project for build in made.values()} | {"proj"})
    return FarmPlan(
        "packager",
        "proj",
        tuple(WantedProject("packager", name, (WantedChroot(CHROOT),), (), 1) for name in names),
        tuple(made.values()),
        ("proj",),
    )


@st.composite
def graphs(draw: st.DrawFn, largest: int = 14) -> dict[str, tuple[str, ...]]:
    ids = [f"d{number}@1.{number}" for number in range(draw(st.integers(1, largest)))]
    found: dict[str, tuple[str, ...]] = {}
    for number, id in enumerate(ids):
        after = draw(st.sets(st.sampled_from(ids[:number]), max_size=3)) if number else set()
        found[id] = tuple(sorted(after))
    return found


@define
class Keys:
    """Which build of a plan a build of the world is."""

    plan: FarmPlan
    _ids: dict[str, str] = field(factory=dict, init=False)

    def of(self, build: WorldBuild) -> str:
        return self.named(build.key)

    def named(self, key: str) -> str:
        for one in self.plan.builds:
            if isinstance(one.source, PypiSource):
                if f"'{one.source.name}'" in key and f"'{one.source.version}'" in key:
                    return one.id
            elif one.marker == key:
                return one.id
        raise AssertionError(key)


@frozen
class Luck:
    """What goes wrong: which builds fail, how long each takes, and how often somebody looks."""

    failing: frozenset[str]
    times: Mapping[str, int]
    machines: int
    quiet: float


@st.composite
def lucks(draw: st.DrawFn, ids: list[str], *, may_fail: bool = True) -> Luck:
    failing = draw(st.frozensets(st.sampled_from(ids), max_size=3)) if may_fail else frozenset()
    times = {id: draw(st.integers(1, 300)) for id in ids}
    return Luck(
        failing, times, draw(st.sampled_from([1, 2, 5, 50])), draw(st.sampled_from([1, 40, 400]))
    )


def world_of(plan: FarmPlan, luck: Luck) -> World:
    keys = Keys(plan)
    return World(
        takes=lambda build: luck.times[keys.of(build)],
        fails=lambda build: keys.of(build) in luck.failing,
        machines=luck.machines,
    )


def patience_in(world: World, quiet: float = 15.0) -> Patience:
    """Waiting lets the world go on."""
    return Patience(
        quiet=quiet, longest=max(120.0, quiet), sleep=world.advance, clock=lambda: float(world.now)
    )


def pushed(
    world: World, plan: FarmPlan, journal: Journal, luck: Luck, ahead: int | None = None
) -> PushReport:
    # Each request takes a moment, so the world goes on while builds are submitted.
    farm = MemoryFarm(world, after=lambda name: world.advance(1))

    def watch(standings: Mapping[str, Standing], ours: Mapping[str, FarmBuild]) -> None:
        """As soon as a failure is known, nothing that depends on it goes on."""
        for id, standing in standings.items():
            if standing is Standing.BLOCKED and id in ours:
                assert world.build(ours[id].id).state in OVER, id

    return push(
        farm, plan, journal, patience=patience_in(world, luck.quiet), ahead=ahead, watch=watch
    )


def dependants_of(plan: FarmPlan, ids: frozenset[str]) -> set[str]:
    """All that comes after any of these, however far."""
    lost: set[str] = set()
    while True:
        more = {b.id for b in plan.builds if (lost | ids).intersection(b.after)} - lost
        if not more:
            return lost
        lost |= more


# -- laws ------------------------------------------------------------------------------------------


def check_order(world: World, plan: FarmPlan) -> None:
    """No root was begun before everything that it comes after was over."""
    ended: dict[str, list[int]] = {}
    keys = Keys(plan)
    for build in (*world.builds.values(), *world.deleted):
        if build.ended is not None:
            ended.setdefault(keys.of(build), []).append(build.ended)
    for start in world.starts:
        for id in plan.build(keys.named(start.key)).after:
            assert any(end <= start.moment for end in ended.get(id, [])), (start, id)


def check_strict_order(world: World, plan: FarmPlan) -> None:
    """No root was begun before everything that it comes after had succeeded."""
    keys = Keys(plan)
    for start in world.starts:
        there = {keys.named(key) for key in start.succeeded}
        missing = set(plan.build(keys.named(start.key)).after) - there
        assert not missing, (start, missing)


def check_result(world: World, plan: FarmPlan, report: PushReport, failing: frozenset[str]) -> None:
    """What can be built is built, what cannot is not, and nothing goes on or lies there wrongly."""
    lost = dependants_of(plan, failing)
    keys = Keys(plan)
    expected = {
        build.id: Standing.BLOCKED
        if build.id in lost
        else Standing.FAILED
        if build.id in failing
        else Standing.BUILT
        for build in plan.builds
    }
    assert report.standings == expected
    assert all(build.state in OVER for build in world.builds.values())
    published = [keys.of(build) for build in world.builds.values() if build.state == "succeeded"]
    assert sorted(published) == sorted(id for id in expected if expected[id] is Standing.BUILT)


@SEE
@given(st.data())
def test_builds_start_in_the_order_of_the_graph_whatever_fails(data: st.DataObject) -> None:
    graph = data.draw(graphs())
    plan = farm_plan(graph, projects=data.draw(st.integers(1, 3)))
    luck = data.draw(lucks(list(graph)))
    world = world_of(plan, luck)
    report = pushed(world, plan, Journal(None, "s", "p"), luck)
    check_order(world, plan)
    check_result(world, plan, report, luck.failing)
    # One failure may let what comes after it begin, and that is submitted no second time.
    assert len(world.submissions) == len(set(world.submissions))


@SEE
@given(st.data())
def test_submitting_no_level_ahead_nothing_ever_starts_after_a_failure(data: st.DataObject) -> None:
    graph = data.draw(graphs())
    plan = farm_plan(graph, projects=data.draw(st.integers(1, 3)))
    luck = data.draw(lucks(list(graph)))
    world = world_of(plan, luck)
    report = pushed(world, plan, Journal(None, "s", "p"), luck, ahead=0)
    check_strict_order(world, plan)
    check_result(world, plan, report, luck.failing)
    assert not report.canceled


@SEE
@given(st.data())
def test_without_failures_everything_starts_on_what_it_needs_and_is_submitted_once(
    data: st.DataObject,
) -> None:
    graph = data.draw(graphs())
    plan = farm_plan(graph, projects=data.draw(st.integers(1, 3)), pypi=True)
    luck = data.draw(lucks(list(graph), may_fail=False))
    world = world_of(plan, luck)
    report = pushed(world, plan, Journal(None, "s", "p"), luck)
    check_strict_order(world, plan)
    assert report.is_built
    assert len(world.submissions) == len(plan.builds)


class Killed(BaseException):
    """The process ended."""


@define
class Accidents:
    """At the Nth request: ``before`` it is carried out, or ``after`` without an answer, or the
    process dies at either."""

    world: World
    at: Mapping[int, str]
    count: int = 0

    def before(self, _name: str) -> None:
        self.count += 1
        kind = self.at.get(self.count, "")
        if kind == "lost before":
            raise FarmLostError("it did not arrive")
        if kind == "killed before":
            raise Killed

    def after(self, _name: str) -> None:
        self.world.advance(1)
        kind = self.at.get(self.count, "")
        if kind == "lost after":
            raise FarmLostError("the answer did not arrive")
        if kind == "killed after":
            raise Killed


@SEE
@given(st.data())
def test_interrupted_anywhere_and_pushed_again_everything_is_built_once(
    data: st.DataObject,
) -> None:
    graph = data.draw(graphs())
    plan = farm_plan(graph, projects=data.draw(st.integers(1, 2)), pypi=data.draw(st.booleans()))
    luck = data.draw(lucks(list(graph), may_fail=False))
    kinds = st.sampled_from(["lost before", "lost after", "killed before", "killed after"])
    at = data.draw(st.dictionaries(st.integers(1, 80), kinds, max_size=8))
    pause = data.draw(st.integers(0, 2000))
    world = world_of(plan, luck)
    accidents = Accidents(world, at)
    farm = MemoryFarm(world, accidents.before, accidents.after)
    journal = Journal(None, "s", "p")
    for _ in range(len(at) + 1):
        try:
            report = push(farm, plan, journal, patience=patience_in(world, luck.quiet))
            break
        except Killed:
            world.advance(pause)
    assert report.is_built
    check_strict_order(world, plan)
    assert sorted(world.submissions) == sorted(set(world.submissions))
    assert len(world.submissions) == len(plan.builds)
    # A further push has nothing to do.
    assert not pushed(world, plan, journal, luck).submitted


@SEE
@given(st.data())
def test_without_its_journal_a_push_finds_its_builds_by_asking(data: st.DataObject) -> None:
    graph = data.draw(graphs())
    plan = farm_plan(graph, projects=data.draw(st.integers(1, 2)), pypi=data.draw(st.booleans()))
    luck = data.draw(lucks(list(graph), may_fail=False))
    world = world_of(plan, luck)
    killed = Accidents(world, {data.draw(st.integers(1, 60)): "killed after"})
    farm = MemoryFarm(world, killed.before, killed.after)
    with suppress(Killed):
        push(farm, plan, Journal(None, "s", "p"), patience=patience_in(world, luck.quiet))
    report = pushed(world, plan, Journal(None, "s", "p"), luck)
    assert report.is_built
    check_strict_order(world, plan)
    assert len(world.submissions) == len(plan.builds)


@SEE
@given(st.data())
def test_after_a_mended_failure_only_what_is_not_built_is_built_again(data: st.DataObject) -> None:
    graph = data.draw(graphs())
    plan = farm_plan(graph, projects=data.draw(st.integers(1, 2)))
    luck = data.draw(lucks(list(graph)))
    world = world_of(plan, luck)
    journal = Journal(None, "s", "p")
    first = pushed(world, plan, journal, luck)
    built = {id for id, standing in first.standings.items() if standing is Standing.BUILT}
    world.fails = lambda build: False
    second = pushed(world, plan, journal, luck)
    assert second.is_built
    assert set(second.submitted) == {build.id for build in plan.builds} - built
    check_order(world, plan)


@SEE
@given(st.data())
def test_whatever_happened_while_nobody_watched_is_put_right(data: st.DataObject) -> None:
    """The process dies, a build fails, COPR goes on; the next push takes away what was built on
    nothing."""
    graph = data.draw(graphs())
    plan = farm_plan(graph)
    luck = data.draw(lucks(list(graph)))
    world = world_of(plan, luck)
    killed = Accidents(world, {data.draw(st.integers(5, 60)): "killed after"})
    journal = Journal(None, "s", "p")
    try:
        farm = MemoryFarm(world, killed.before, killed.after)
        push(farm, plan, journal, patience=patience_in(world, luck.quiet))
    except Killed:
        world.drain()
    report = pushed(world, plan, journal, luck)
    check_result(world, plan, report, luck.failing)


# -- single cases ----------------------------------------------------------------------------------


def test_a_build_begun_between_the_lists_of_two_projects_is_not_begun_too_early() -> None:
    """In the first list a build still runs, in the second, a moment later, what waits for it."""
    plan = farm_plan({"a@1": (), "b@1": ("a@1",)})
    first, second = plan.builds
    plan = evolve(
        plan,
        builds=(first, evolve(second, project="projz")),
        projects=(*plan.projects, evolve(plan.projects[0], name="projz")),
    )
    for seconds in range(1, 90, 3):
        world = world_of(plan, Luck(frozenset(), {"a@1": seconds, "b@1": 500}, 5, 10))
        # Between the two lists much happens.
        farm = MemoryFarm(world, after=lambda name, w=world: w.advance(20 * (name == "list")))
        report = push(farm, plan, Journal(None, "s", "p"), patience=patience_in(world, 10))
        assert report.is_built
        assert not report.canceled
        assert len(world.submissions) == 2


def test_what_was_built_before_what_it_needs_does_not_count() -> None:
    plan = farm_plan({"a@1": (), "b@1": ("a@1",)})
    needed = FarmBuild(9, "proj", "succeeded", started=50, ended=60)
    early = FarmBuild(8, "proj", "succeeded", started=10, ended=20)
    late = evolve(early, started=60, ended=90)
    assert tally(plan, {"a@1": needed, "b@1": early})["b@1"] is Standing.SPOILED
    assert tally(plan, {"a@1": needed, "b@1": late})["b@1"] is Standing.BUILT


def test_of_two_submissions_that_copr_took_one_is_canceled() -> None:
    """It took one long after it had seemed to be lost."""
    plan = farm_plan({"a@1": (), "b@1": ("a@1",)})
    luck = Luck(frozenset(), {"a@1": 100, "b@1": 100}, 1, 10)
    world = world_of(plan, luck)
    journal = Journal(None, "s", "p")
    late: list[int] = []

    def after(name: str) -> None:
        world.advance(1)
        if name == "submit" and not late:
            first = next(iter(world.builds.values()))
            twin = world.submit("packager", first.project, first.kind, first.source)
            late.append(twin.id)

    farm = MemoryFarm(world, after=after)
    assert push(farm, plan, journal, patience=patience_in(world, 10)).is_built
    assert world.build(late[0]).state == "canceled"
