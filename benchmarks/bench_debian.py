"""What reading apt's own lists of this machine as a base costs, against its budget.

Each run is a process of its own, so that memory is that of one reading. On a machine that does
other things too, processor time says more than the clock.
``python benchmarks/bench_debian.py [DIR]``.
"""

from __future__ import annotations

import json
import subprocess
import sys

RUNS = 3
SECONDS = 10.0
MEGABYTES = 700.0
CHILD = """
import json, resource, sys, time
from pathlib import Path
from streamsolve.inputs.debian import open_debian
start = time.perf_counter()
base = open_debian(Path(sys.argv[1]))
clock = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_SELF)
child = resource.getrusage(resource.RUSAGE_CHILDREN)
processor = sum(each.ru_utime + each.ru_stime for each in (used, child))
print(json.dumps([len(base.packages), clock, processor, used.ru_maxrss / 1024]))
"""


def main(directory: str) -> int:
    """Print what the best of a few runs took; 1 if it is over the budget."""
    runs = []
    for _ in range(RUNS):
        done = subprocess.run(
            [sys.executable, "-c", CHILD, directory], capture_output=True, text=True, check=True
        )
        runs.append(json.loads(done.stdout))
    packages = runs[0][0]
    clock, processor, memory = (min(run[at] for run in runs) for at in (1, 2, 3))
    print(f"{packages} packages in {directory}")
    print(f"clock      {clock:6.2f} s   {clock / SECONDS:5.2f} of {SECONDS:.0f} s")
    print(f"processor  {processor:6.2f} s   {processor / SECONDS:5.2f} of {SECONDS:.0f} s")
    print(f"memory     {memory:6.0f} MB  {memory / MEGABYTES:5.2f} of {MEGABYTES:.0f} MB")
    return int(processor > SECONDS or memory > MEGABYTES)


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:] or ["/var/lib/apt/lists"])))
