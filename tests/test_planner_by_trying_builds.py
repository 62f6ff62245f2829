"""The planner of builds against growing what can be built from nothing: whether there is a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from .drawnbuilds import drawn


@pytest.mark.parametrize("block", range(8))
def test_there_is_a_plan_exactly_if_everything_in_it_can_be_built(
    tmp_path: Path, block: int
) -> None:
    """The oracle knows no cycles, passes, or roots; half of these worlds have a plan."""
    for seed in range(block * 60, block * 60 + 60):
        world = drawn(seed)
        attempt = world.world.attempt(tmp_path)
        found = attempt.plan is not None
        assert found == world.has_plan, f"world {seed}: a plan {found}, by trying {world.has_plan}"
        assert found or attempt.conflicts, f"world {seed}: no plan, and nothing that says why"


def test_the_worlds_have_what_is_to_be_proven(tmp_path: Path) -> None:
    """Plans and failures, second passes, and streams that only builds use."""
    plans = [drawn(seed).world.attempt(tmp_path).plan for seed in range(120)]
    made = [plan for plan in plans if plan is not None]
    builds = [build for plan in made if plan.builds for build in plan.builds.builds]
    assert 30 < len(made) < 90
    assert sum(build.stage.value == "bootstrap" for build in builds) > 3
    assert sum(stream.build_only for plan in made for stream in plan.streams) > 10
