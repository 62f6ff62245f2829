"""How long a plan takes, against what bare libsolv needs for the same repositories.

Prints ratios and the budgets they are held against; whole processes, the median of five after a
warm-up. Run it on a quiet machine: ``python benchmarks/bench_plan.py [BASE_DIRECTORY]``.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import zstandard

RUNS = 5
COLD_RUNS = 3
DEFAULT = Path(__file__).parents[1].parent / "shared" / "data" / "fedora-45"

BARE_WARM = """
import sys, solv
pool = solv.Pool(); pool.setarch("x86_64")
for path in sys.argv[1:]:
    repo = pool.add_repo(path)
    with open(path, "rb") as file:
        repo.add_solv(solv.xfopen_fd("x.solv", file.fileno()))
pool.createwhatprovides()
"""
LOAD_COLD = """
import sys, time
from pathlib import Path
from streamsolve.inputs.bases import open_base
from streamsolve.inputs.transport import Transport
from streamsolve.solving import PackagePool
base, cache = sys.argv[1], Path(sys.argv[2])
opened = open_base(base, arch="x86_64", transport=Transport(offline=True, cache=cache))
begin = time.perf_counter()
with PackagePool.open(opened.repositories, arch="x86_64", cache=cache):
    print(time.perf_counter() - begin)
"""
BARE_COLD = """
import sys, solv
pool = solv.Pool(); pool.setarch("x86_64")
for path in sys.argv[1:]:
    repo = pool.add_repo(path)
    with open(path, "rb") as file:
        repo.add_rpmmd(solv.xfopen_fd("x.xml", file.fileno()), None, 0)
pool.createwhatprovides()
"""
WRITE_SOLV = """
import sys, solv
pool = solv.Pool(); pool.setarch("x86_64")
repo = pool.add_repo("x")
with open(sys.argv[1], "rb") as file:
    repo.add_rpmmd(solv.xfopen_fd("x.xml", file.fileno()), None, 0)
out = solv.xfopen(sys.argv[2], "w"); repo.write(out); out.close()
"""


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """The wall time of one whole process."""
    start = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def median(command: list[str], environment: dict[str, str], runs: int = RUNS) -> float:
    """The median wall time after one run that does not count."""
    seconds(command, environment)
    return statistics.median(seconds(command, environment) for _ in range(runs))


def printed(command: list[str], environment: dict[str, str]) -> float:
    """The seconds that a process measured itself and printed."""
    done = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    return float(done.stdout)


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def plan(*options: str) -> list[str]:
    return [sys.executable, "-m", "streamsolve", "plan", "vllm", *options]


def opened(base: Path, where: Path) -> list[str]:
    """The decompressed primary.xml of each repository."""
    found = []
    for number, path in enumerate(sorted(base.rglob("*-primary.xml.zst"))):
        target = where / f"{number}.xml"
        with path.open("rb") as source, target.open("wb") as out:
            zstandard.ZstdDecompressor().copy_stream(source, out)
        found.append(str(target))
    return found


def row(what: str, value: float, more: str = "") -> None:
    print(f"{what:34}{value:7.3f} s   {more}".rstrip())


def main() -> None:
    base = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    with tempfile.TemporaryDirectory() as name:
        where = Path(name)
        environment = {**os.environ, "STREAMSOLVE_CACHE": str(where / "cache")}
        nothing = median(python("pass"), environment)
        row("bare python", nothing)
        helped = median([sys.executable, "-m", "streamsolve", "--help"], environment)
        row("streamsolve --help", helped, f"ratio to its budget of 0.25 s: {helped / 0.25:.2f}")
        embedded = median(plan(), environment)
        row("plan, embedded default", embedded, f"ratio to 1.5 s: {embedded / 1.5:.2f}")
        if base.is_dir():
            on_repositories(base, where, environment, nothing)
        else:
            print(f"no repositories at {base.name}: the rest is left out")


def on_repositories(base: Path, where: Path, environment: dict[str, str], nothing: float) -> None:
    """Warm and cold plans on real repositories, against bare libsolv."""
    texts = opened(base, where)
    caches = [str(Path(text).with_suffix(".solv")) for text in texts]
    for text, cache in zip(texts, caches, strict=True):
        subprocess.run(python(WRITE_SOLV, text, cache), check=True)
    loading = median(python(BARE_WARM, *caches), environment) - nothing
    row("bare libsolv, both .solv caches", loading)
    warm = median(plan("--base", str(base)), environment)
    budget = 3 * loading + 0.8
    row("plan, warm", warm, f"ratio to 3 x that + 0.8 s: {warm / budget:.2f}")
    parsing = median(python(BARE_COLD, *texts), environment, 3) - nothing
    row("bare libsolv, both primary.xml", parsing)
    loads, plans = [], []
    for run in range(COLD_RUNS):
        loads.append(printed(python(LOAD_COLD, str(base), str(where / f"load-{run}")), environment))
        empty = {**environment, "STREAMSOLVE_CACHE": str(where / f"cold-{run}")}
        plans.append(seconds(plan("--base", str(base)), empty))
    load, whole = statistics.median(loads), statistics.median(plans)
    row("loading, cold", load)
    row("plan, cold", whole)
    print(f"loading cold, against bare libsolv's parse: {load / parsing:.2f} (target 1.5)")
    print(f"whole cold plan, against bare parse:        {whole / parsing:.2f}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory of any of these      {peak:5.0f} MB   ratio to 800 MB: {peak / 800:.2f}")


if __name__ == "__main__":
    main()
