"""Laws of whole build plans, on small random worlds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.version import Version

from streamsolve.lock import check_lock, lock_text, read_lock
from streamsolve.model.build import BuildPlan, NeedOrigin, NeedRole, Root, Stage, stream_id
from streamsolve.model.component import Origin
from streamsolve.model.lock import LockRepository, LockSettings
from streamsolve.model.package import Package
from streamsolve.model.plan import Plan
from streamsolve.model.root import RootRequest, RootSolution
from streamsolve.solving import PackagePool

from .buildworld import BuildWorld, builds_in, builds_of
from .drawnbuilds import drawn
from .rpmmd import embedded, faults
from .test_universes_of_builds import too_new

SEEDS = st.integers(0, 3000)
SETTINGS = LockSettings(
    "app",
    "0" * 64,
    base_python="3.14",
    build_group=("bash",),
    repositories=(LockRepository("base"), LockRepository("source", sources=True)),
)


@cache
def planned(seed: int) -> Plan | None:
    """The plan of a random world, with tests in the base's specs and conflicts in its packages."""
    with TemporaryDirectory() as cache:
        return drawn(seed, tests=True, conflicts=True).world.attempt(Path(cache)).plan


def law(check: Callable[[Plan], None]) -> Callable[[], None]:
    """A law of the plans of all worlds that have one."""

    @settings(max_examples=60, deadline=None)
    @given(SEEDS)
    def holds(seed: int) -> None:
        plan = planned(seed)
        assume(plan is not None)
        assert plan is not None
        check(plan)

    holds.__doc__ = check.__doc__
    return holds


def roots_of(plan: Plan) -> tuple[Root, ...]:
    builds = builds_in(plan)
    return (builds.runtime, *builds.roots)


# -- streams and builds ----------------------------------------------------------------------------


@law
def test_every_private_stream_is_built_and_nothing_else(plan: Plan) -> None:
    private = [s for s in plan.streams if s.origin is Origin.PRIVATE and s.version is not None]
    streams = {stream_id(s.component, s.version) for s in private}  # type: ignore[arg-type]
    assert {build.stream for build in builds_in(plan).builds} == streams


@law
def test_what_only_builds_use_lies_in_a_root_and_is_asked_for(plan: Plan) -> None:
    held = {(s.component, s.version, s.origin) for r in builds_in(plan).roots for s in r.streams}
    for stream in plan.streams:
        if stream.build_only:
            assert (stream.component, stream.version, stream.origin) in held
            assert stream.required_by


@law
def test_a_stream_has_one_pass_or_a_bootstrap_and_a_final_one(plan: Plan) -> None:
    passes: dict[str, set[Stage]] = {}
    for build in builds_in(plan).builds:
        assert build.stage not in passes.setdefault(build.stream, set())
        passes[build.stream].add(build.stage)
    for stages in passes.values():
        assert stages in ({Stage.ONLY}, {Stage.BOOTSTRAP, Stage.FINAL})


@law
def test_a_bootstrap_pass_says_what_it_does_without_and_no_other_does(plan: Plan) -> None:
    for build in builds_in(plan).builds:
        assert bool(build.substitutes) == (build.stage is Stage.BOOTSTRAP)


@law
def test_a_first_pass_is_there_for_another_build_and_before_the_final_one(plan: Plan) -> None:
    assert_passes(builds_in(plan))


def test_a_pass_that_later_ones_make_superfluous_is_spared(tmp_path: Path) -> None:
    """In this world two streams are given bootstrap passes, and then one of them needs none."""
    plan = drawn(157, conflicts=True).world.plan(tmp_path)
    assert_passes(builds_in(plan))


def assert_passes(builds: BuildPlan) -> None:
    levels = {id: n for n, level in enumerate(builds.order.levels) for id in level.builds}
    used = {id for build in builds.builds for id in build.after}
    for build in builds.builds:
        if build.stage is Stage.BOOTSTRAP:
            assert build.id in used
            assert levels[f"{build.stream}/final"] > levels[build.id]


# -- roots -----------------------------------------------------------------------------------------


@law
def test_what_is_private_in_a_root_comes_from_builds_before(plan: Plan) -> None:
    builds = builds_in(plan)
    for build in builds.builds:
        root = builds.root(build.root)
        assert root is not None
        private = {s.package: s.build for s in root.streams if s.origin is Origin.PRIVATE}
        held = {one.name for one in root.packages if one.repository == "private"}
        assert held == private.keys()
        assert set(build.after) == set(private.values())


@law
def test_every_need_that_counts_is_met_in_its_root(plan: Plan) -> None:
    """By ``packaging`` alone, from the versions that the packages in the root provide."""
    builds = builds_in(plan)
    for build in builds.builds:
        root = builds.root(build.root)
        assert root is not None
        provided = distributions(root.packages)
        for need in build.needs:
            if need.origin is NeedOrigin.BUILD_SYSTEM:
                wanted = Requirement(need.text)
                assert wanted.specifier.contains(provided[wanted.name])
            elif need.text.startswith("python3dist("):
                assert need.text.removeprefix("python3dist(").rstrip(")") in provided


def distributions(packages: tuple[Package, ...]) -> dict[str, Version]:
    prefix = "python3.14dist("
    texts = [text for one in packages for text in one.provides if text.startswith(prefix)]
    split = [text.removeprefix(prefix).split(") = ") for text in texts]
    assert len({name for name, _ in split}) == len(split), "two of a distribution"
    return {name: Version(version) for name, version in split}


@law
def test_only_tests_and_what_a_bootstrap_pass_replaces_are_left_out(plan: Plan) -> None:
    for build in builds_in(plan).builds:
        replaced = {substitute.component.name for substitute in build.substitutes}
        for need in build.left_out:
            assert need.role is NeedRole.CHECK or need.component in replaced


@law
def test_every_root_is_an_installation_without_faults(plan: Plan) -> None:
    for root in roots_of(plan):
        assert faults(root.packages) == []


@law
def test_every_root_is_its_own_only_solution(plan: Plan) -> None:
    """Given its own packages as the only repository, libsolv installs what was asked, and all."""
    for root in roots_of(plan):
        with (
            TemporaryDirectory() as cache,
            PackagePool.open([embedded("own", *root.packages)], arch="x86_64", cache=Path(cache))
            as pool,
        ):  # fmt: skip
            exactly = tuple(f"{one.name} = {one.evr}" for one in root.packages)
            for wanted, everything in ((exactly, True), (root.asked, False)):
                answer = pool.solve(RootRequest(wanted))
                assert isinstance(answer, RootSolution)
                names = {one.nevra for one in answer.packages}
                assert names <= {one.nevra for one in root.packages}
                assert not everything or len(names) == len(root.packages)


# -- the order -------------------------------------------------------------------------------------


@law
def test_a_build_is_in_the_first_level_after_all_that_it_comes_after(plan: Plan) -> None:
    builds = builds_in(plan)
    levels = {id: n for n, level in enumerate(builds.order.levels) for id in level.builds}
    assert sorted(levels) == [build.id for build in builds.builds]
    for build in builds.builds:
        assert levels[build.id] == max((levels[id] + 1 for id in build.after), default=0)


@law
def test_replaying_the_order_builds_everything(plan: Plan) -> None:
    assert replayed(builds_in(plan)) == {build.id for build in builds_in(plan).builds}


def replayed(builds: BuildPlan) -> set[str]:
    """Build by build: every private package of a root has to be there before it is used."""
    made: dict[str, str] = {}
    for level in builds.order.levels:
        finished = {}
        for id in level.builds:
            build = builds.build(id)
            root = builds.root(build.root) if build else None
            assert build is not None
            assert root is not None
            for stream in root.streams:
                if stream.origin is Origin.PRIVATE:
                    assert stream.build in made, f"{id} uses {stream.build}, which is not built"
                    assert made[stream.build] == stream_id(stream.component, stream.version)
            finished[id] = build.stream
        made |= finished
    return set(made)


@law
def test_the_runtime_root_is_made_of_final_passes(plan: Plan) -> None:
    builds = builds_in(plan)
    for stream in builds.runtime.streams:
        if stream.origin is Origin.PRIVATE:
            build = builds.build(stream.build)
            assert build is not None
            assert build.stage is not Stage.BOOTSTRAP


# -- leaks, locks, determinism ---------------------------------------------------------------------


@law
def test_a_base_that_closes_over_itself_does_not_leak(plan: Plan) -> None:
    assert plan.isolation is not None
    assert plan.isolation.leaks == ()
    assert plan.isolation.roots == len(roots_of(plan))


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_a_lock_of_the_plan_proves_itself(seed: int) -> None:
    plan = planned(seed)
    assume(plan is not None)
    assert plan is not None
    assert check_lock(lock_text(plan, SETTINGS)) == ()


@law
def test_a_lock_of_the_plan_holds_its_streams_and_needs_in_their_order(plan: Plan) -> None:
    read = read_lock(lock_text(plan, SETTINGS), file="app.lock").plan
    assert read.streams == plan.streams
    assert builds_in(read).builds == builds_in(plan).builds


@pytest.mark.parametrize("seed", [253, 254])
def test_a_lock_tells_a_private_stream_from_the_base_s_of_the_same_version(seed: int) -> None:
    """In these worlds the base's own packages keep the base's stream out of some root."""
    plan = planned(seed)
    assert plan is not None
    origins: dict[tuple[object, ...], set[Origin]] = {}
    for stream in plan.streams:
        origins.setdefault((stream.component, stream.version), set()).add(stream.origin)
    assert {Origin.BASE, Origin.PRIVATE} in origins.values()
    text = lock_text(plan, SETTINGS)
    assert check_lock(text) == ()
    assert lock_text(read_lock(text, file="app.lock").plan, SETTINGS) == text


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.integers(0, 1000))
def test_nothing_depends_on_the_order_of_the_input(seed: int, shuffle: int) -> None:
    plan = planned(seed)
    assume(plan is not None)
    assert plan is not None
    with TemporaryDirectory() as cache:
        world = drawn(seed, tests=True, conflicts=True).world.shuffled(shuffle)
        shuffled = world.plan(Path(cache))
    assert lock_text(shuffled, SETTINGS) == lock_text(plan, SETTINGS)


_TOLD = """
import sys
from pathlib import Path
from tests.drawnbuilds import drawn
from tests.test_builds import told
print("\\n".join(told(Path(sys.argv[1]), int(seed)) for seed in sys.argv[2:]))
"""


def told(cache: Path, seed: int) -> str:
    """Everything about a plan, in a form that shows any difference."""
    plan = drawn(seed, tests=True, conflicts=True).world.attempt(cache).plan
    return lock_text(plan, SETTINGS) if plan else "no plan"


def test_nothing_depends_on_the_seed_of_hashes(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    answers = set()
    for seed in ("0", "1", "4711"):
        run = subprocess.run(
            [sys.executable, "-c", _TOLD, str(tmp_path), *map(str, range(250, 275))],
            capture_output=True,
            text=True,
            check=True,
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        answers.add(run.stdout)
    assert len(answers) == 1
    assert '"critical_path"' in answers.pop()


def test_a_world_with_another_interpreter_obeys_the_laws_too(tmp_path: Path) -> None:
    plan = too_new().plan(tmp_path)
    assert replayed(builds_in(plan)) == {build.id for build in builds_in(plan).builds}
    for root in roots_of(plan):
        assert faults(root.packages) == []
    assert plan.isolation is not None
    assert plan.isolation.leaks == ()
    assert check_lock(lock_text(plan, SETTINGS)) == ()
    assert builds_of(too_new().shuffled(1).plan(tmp_path)) == builds_of(plan)


@pytest.mark.parametrize("checks", ["free", "always", "never"])
def test_the_laws_hold_however_tests_count(tmp_path: Path, checks: str) -> None:
    for seed in range(40):
        world: BuildWorld = drawn(seed, tests=True).world
        plan = world.attempt(tmp_path, checks=checks).plan
        if plan is None:
            continue
        assert replayed(builds_in(plan)) == {build.id for build in builds_in(plan).builds}
        left = [need for build in builds_in(plan).builds for need in build.left_out]
        tests = [need for need in left if need.role is NeedRole.CHECK]
        stages = {build.stage for build in builds_in(plan).builds if build.left_out}
        assert checks != "always" or not tests or stages == {Stage.BOOTSTRAP}
