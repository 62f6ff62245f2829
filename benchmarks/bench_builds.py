"""What planning all builds costs, against the libsolv solves that it contains.

A bare solve is what libsolv needs for one root on a pool that is loaded already: the packages that
are not to be used disabled, all packages indexed (``createwhatprovides``), jobs made, the solver
run; the planned packages are added outside the clock. Printed is the time of choosing streams and
solving roots, from the open base to the finished plan, over the sum of these; over the sum of the
solver's own runs, without indexing; against ten seconds; and whether time grows with the number of
roots alone. Run it on a quiet machine: ``python benchmarks/bench_builds.py [BASE_DIRECTORY]``.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from streamsolve.model.plan import Plan
from streamsolve.model.root import RootConflict, RootRequest, RootSolution
from streamsolve.planner import PlanRequest
from streamsolve.planner.planning import Workshop
from streamsolve.solving import PackagePool, RootSession
from streamsolve.solving._libsolv import Engine

RUNS = 5
BUDGET = 10.0
TARGET = 1.5
DEFAULT = Path(__file__).parents[1].parent / "shared" / "data" / "fedora-45"
VARIANTS = ("cpu", "cuda", "rocm")

Solve = Callable[[RootSession, RootRequest], RootSolution | RootConflict]


@contextmanager
def noting(asked: list[RootRequest]) -> Iterator[None]:
    """Note every root that is asked for."""
    solve = RootSession.solve

    def noted(session: RootSession, request: RootRequest) -> RootSolution | RootConflict:
        asked.append(request)
        return solve(session, request)

    RootSession.solve = noted  # type: ignore[method-assign]
    try:
        yield
    finally:
        RootSession.solve = solve  # type: ignore[method-assign]


def one_plan(request: PlanRequest) -> tuple[float, Plan]:
    """Seconds of choosing and solving on an open base, and the plan."""
    with Workshop.open(request) as workshop:
        start = time.perf_counter()
        plan = workshop.attempt(request).plan
        seconds = time.perf_counter() - start
    if plan is None or plan.builds is None:
        raise SystemExit("there is no plan to measure")
    return seconds, plan


def bare(pool: PackagePool, asked: Sequence[RootRequest]) -> tuple[float, float]:
    """Seconds of all bare solves, and those of the solver's runs in them."""
    engine = pool._open()
    indexing: list[float] = []
    prepare = Engine.prepare

    def timed(self: Engine, *, files: bool = False) -> None:
        indexed, start = self.indexed, time.perf_counter()
        prepare(self, files=files)
        if self.indexed != indexed:
            indexing.append(time.perf_counter() - start)

    before = engine.solver_seconds
    Engine.prepare = timed  # type: ignore[method-assign]
    try:
        for request in asked:
            pool.solve(request)
    finally:
        Engine.prepare = prepare  # type: ignore[method-assign]
    solver = engine.solver_seconds - before
    # Our own way of solving one root alone indexes twice; a bare solve does so once.
    return solver + statistics.median(indexing) * len(asked), solver


def main() -> None:
    base = sys.argv[1] if len(sys.argv) > 1 else str(DEFAULT)
    per_root = {}
    for variant in VARIANTS:
        request = PlanRequest("vllm", variant=variant, base=base, offline=True, builds=True)
        asked: list[RootRequest] = []
        with noting(asked):
            _, plan = one_plan(request)
        seconds = statistics.median(one_plan(request)[0] for _ in range(RUNS))
        with Workshop.open(request) as workshop:
            whole, solver = bare(workshop.pool, asked)
        roots = len(plan.builds.roots) if plan.builds else 0
        builds = len(plan.builds.builds) if plan.builds else 0
        per_root[builds] = seconds / builds
        print(f"{variant}: {builds} builds in {roots} roots, {len(asked)} solves")
        ratio = f"{seconds / whole:.2f} (target {TARGET})"
        print(f"  choosing and solving against bare solves: {ratio}")
        print(f"  the same against the solver's own runs:   {seconds / solver:.2f}")
        print(f"  against the budget of {BUDGET:.0f} s:               {seconds / BUDGET:.2f}")
    least = min(per_root.values())
    for builds, each in sorted(per_root.items()):
        print(f"{builds:4} builds, time per build against the least: {each / least:.2f}")


if __name__ == "__main__":
    main()
