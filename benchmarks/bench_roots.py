"""What solving many roots costs, against what libsolv's solver alone needs for them.

Prints ratios and what they are held against. Each root is the base's build group with compilers,
some of the base's distributions and a few of the planned packages, all drawn anew from a fixed
seed; roots that cannot be solved are left out. Run it on a quiet machine:
``python benchmarks/bench_roots.py [BASE_DIRECTORY]``.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from streamsolve.inputs.bases import open_base
from streamsolve.inputs.transport import Transport
from streamsolve.model import Base, Package
from streamsolve.model.root import RootRequest, RootSolution
from streamsolve.solving import PackagePool

RUNS = 5
COUNTS = (10, 50, 200)
PLANNED = 120
TARGET = 1.3
DEFAULT = Path(__file__).parents[1].parent / "shared" / "data" / "fedora-45"
TOOLS = ("gcc-c++", "python3-devel", "pyproject-rpm-macros")


def planned_packages(names: Sequence[str], python: str, draw: random.Random) -> list[Package]:
    """Private streams of distributions that the base has, in one version or in two."""
    made = []
    for name in draw.sample(names, PLANNED):
        for version in range(98, 98 + draw.choice((1, 1, 2))):
            made.append(
                Package(
                    f"python3-{name}",
                    f"{version}-1",
                    "x86_64",
                    provides=(
                        f"python{python}dist({name}) = {version}",
                        f"python3dist({name}) = {version}",
                    ),
                    requires=(f"python(abi) = {python}",),
                )
            )
    return made


def requests(base: Base, pool: PackagePool, planned: Sequence[Package]) -> list[RootRequest]:
    """As many roots as the largest count, all of which can be solved."""
    draw = random.Random(11)
    python = pool.python_abi()
    names = pool.distribution_names(python)
    found: list[RootRequest] = []
    with pool.session(planned) as session:
        while len(found) < max(COUNTS):
            private = {each.name: each for each in draw.sample(planned, draw.randint(0, 8))}
            others = [f"python{python}dist({name})" for name in draw.sample(names, 25)]
            install = (*base.build_group, *TOOLS, *others, *private)
            request = RootRequest(install, tuple(private.values()))
            if isinstance(session.solve(request), RootSolution):
                found.append(request)
    return found


def one_run(
    pool: PackagePool, planned: Sequence[Package], asked: Sequence[RootRequest]
) -> tuple[float, float]:
    """Seconds of a session from the first root to the last, and those of the solver alone."""
    with pool.session(planned) as session:
        start = time.perf_counter()
        for request in asked:
            session.solve(request)
        return time.perf_counter() - start, session.solver_seconds


def main() -> None:
    base_directory = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    with tempfile.TemporaryDirectory() as name:
        cache = Path(name)
        transport = Transport(offline=True, cache=cache)
        base = open_base(str(base_directory), arch="x86_64", transport=transport)
        with PackagePool.open(base.repositories, arch=base.arch, cache=cache) as pool:
            python = pool.python_abi()
            planned = planned_packages(pool.distribution_names(python), python, random.Random(7))
            report(pool, planned, requests(base, pool, planned))


def report(pool: PackagePool, planned: Sequence[Package], asked: Sequence[RootRequest]) -> None:
    """Measure and print."""
    per_root = {}
    for count in COUNTS:
        runs = [one_run(pool, planned, asked[:count]) for _ in range(RUNS)]
        ratio = statistics.median(whole / bare for whole, bare in runs)
        per_root[count] = statistics.median(whole for whole, _ in runs) / count
        print(f"{count:4} roots, session against bare solver: {ratio:.2f} (target {TARGET})")
    smallest = min(per_root.values())
    for count, seconds in per_root.items():
        print(f"{count:4} roots, time per root against the best: {seconds / smallest:.2f}")
    alone = min(COUNTS)
    start = time.perf_counter()
    for request in asked[:alone]:
        pool.solve(request)
    each = (time.perf_counter() - start) / alone
    print(f"one root alone against one of a session: {each / smallest:.1f}")


if __name__ == "__main__":
    main()
