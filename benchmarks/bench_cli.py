"""How long `streamsolve --help` and `--version` take, as ratios to a bare `python -c pass`.

The best of several runs of the whole process counts: what is slower is the machine's noise.
"""

from __future__ import annotations

import subprocess
import sys
import time

RUNS = 10
HELP_BUDGET = 0.25
"""Seconds that the whole process of `--help` may take."""


def best_time(arguments: list[str]) -> float:
    """Seconds of the fastest of the runs."""
    times = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - begin)
    return min(times)


def main() -> None:
    """Print a table, and what part of its budget `--help` takes."""
    bare = best_time(["-c", "pass"])
    print(f"{'python -c pass':32} {bare:6.3f} s")
    commands = (["--help"], ["--version"], ["plan", "--help"], ["explain-code", "SS201"])
    taken = {}
    for command in commands:
        name = " ".join(["streamsolve", *command])
        taken[name] = best_time(["-m", "streamsolve", *command])
        print(f"{name:32} {taken[name]:6.3f} s  {taken[name] / bare:5.1f} x bare")
    help_time = taken["streamsolve --help"]
    print(f"--help: {help_time / HELP_BUDGET:.2f} of its budget of {HELP_BUDGET} s")


if __name__ == "__main__":
    main()
