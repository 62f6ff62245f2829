"""What expanding a module costs, against one solve of all its modules.

Prints ratios and what they are held against: a diamond of 8 modules with 4 streams each, a product
of 6 modules with 3 streams (729 ways), and products of growing size, where each way must cost about
the same. ``python benchmarks/bench_modules.py``.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from streamsolve.model.module_expansion import Expansion
from streamsolve.model.modules import ModuleIndex, ModuleStream
from streamsolve.model.root import RootRequest
from streamsolve.planner.module_expansion import ModuleExpander

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.moduleworld import built, wanted

RUNS = 5
FIRST_MS = 50.0
DIAMOND_MS = 100.0
PRODUCT_MS = 2000.0
LINEAR = 1.5


def diamond() -> tuple[ModuleStream, list[ModuleStream]]:
    """One at the top, six between, one at the bottom."""
    middle = [f"m{number}" for number in range(6)]
    streams = [
        *(built("top", s, {name: [s] for name in middle}) for s in "1234"),
        *(built(name, s, {"bottom": [s]}) for name in middle for s in "1234"),
        *(built("bottom", s) for s in "1234"),
    ]
    return wanted(({name: [] for name in ("top", "bottom", *middle)}, {})), streams


def products(modules: int) -> tuple[ModuleStream, list[ModuleStream]]:
    """Modules with three streams that know nothing of each other."""
    names = [f"m{number}" for number in range(modules)]
    return wanted(({name: [] for name in names}, {})), [built(n, s) for n in names for s in "123"]


def timed(universe: tuple[ModuleStream, Sequence[ModuleStream]], limit: int | None) -> float:
    """Seconds for the first ``limit`` ways, everything included."""
    module, streams = universe
    start = time.perf_counter()
    with ModuleExpander(module, ModuleIndex(tuple(streams))) as expander:
        found: list[Expansion] = list(islice(expander.expansions(), limit))
    seconds = time.perf_counter() - start
    assert found
    return seconds


def one_solve(universe: tuple[ModuleStream, Sequence[ModuleStream]]) -> float:
    """Seconds for making the packages and solving for any streams of all modules once."""
    module, streams = universe
    start = time.perf_counter()
    with ModuleExpander(module, ModuleIndex(tuple(streams))) as expander:
        packages = expander._encoding.packages
        names = sorted({package.name for package in packages if package.name.startswith("b-")})
        expander._session.solve(RootRequest(tuple(names), planned=packages))
    return time.perf_counter() - start


def best(seconds: Sequence[float]) -> float:
    return statistics.median(seconds)


def main() -> None:
    for name, universe, limit_ms in (
        ("diamond of 8 by 4", diamond(), DIAMOND_MS),
        ("product of 6 by 3", products(6), PRODUCT_MS),
    ):
        solve = best([one_solve(universe) for _ in range(RUNS)])
        first = best([timed(universe, 1) for _ in range(RUNS)])
        every = best([timed(universe, None) for _ in range(RUNS)])
        print(
            f"{name}: the first way {first * 1e3:.1f} ms, {first / solve:.2f} × one solve, "
            f"{first * 1e3 / FIRST_MS:.2f} of what it may take; all {every * 1e3:.1f} ms, "
            f"{every * 1e3 / limit_ms:.2f} of what they may take"
        )
    per_way = []
    for modules in (4, 5, 6, 7):
        seconds = best([timed(products(modules), None) for _ in range(RUNS)])
        per_way.append(seconds / 3**modules)
    growth = per_way[-1] / per_way[-2]
    print(
        f"a way costs {', '.join(f'{each * 1e6:.0f}' for each in per_way)} µs for 81, 243, 729 and "
        f"2187 ways; the last step {growth:.2f} (linear: below {LINEAR})"
    )


if __name__ == "__main__":
    main()
