"""How little an update of vLLM re-sends, against other ways to put packages into layers.

Prints, for both variants on Fedora 45: what an update re-sends on average with one layer, one for
each kind of package, buckets by hash, and the layers that are chosen, as MB and as a multiple of
what it would be with a layer for each unit; the same for each single unit (median, mean, worst);
how much of what both variants have in common is shared by digest; how far the choice is from the
best of all assignments on small cases; and how long it takes for a thousand packages. Sizes of what
is not built are estimates. Run it with ``python benchmarks/bench_layer_choice.py``.
"""

from __future__ import annotations

import hashlib
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from attrs import evolve

from streamsolve.cli import main as streamsolve
from streamsolve.model.layer_choice import LayerChoice, choose_layers, expected_bytes, partition
from streamsolve.model.layer_diff import layers_diff
from streamsolve.model.layer_units import RATES, LayerUnit, Zone, layer_units
from streamsolve.model.plan import Plan
from streamsolve.planner.locking import load_lock

ROOT = Path(__file__).parents[1]
BASE = ROOT.parent / "shared" / "data" / "fedora-45"
COUNTS = (4, 5, 10, 20, 40, 127)
RUNS = 5
CASES = 1500
MB = 1e6


def main() -> None:
    """Print all of it."""
    with tempfile.TemporaryDirectory() as directory:
        plans = {variant: locked(variant, Path(directory)) for variant in ("cuda", "rocm")}
    for variant, plan in plans.items():
        compare(variant, plan)
    share(plans["cuda"], plans["rocm"])
    small_cases()
    speed(plans["cuda"])


def locked(variant: str, directory: Path) -> Plan:
    """One Python for both variants, so that there is something to share."""
    file = directory / f"{variant}.lock.json"
    words = ["lock", "vllm", "--variant", variant, "--python", "3.13", "--offline"]
    if streamsolve([*words, "--base", str(BASE), "-o", str(file)]):
        sys.exit("no lock")
    return load_lock(file).plan


# -- updates ---------------------------------------------------------------------------------------


def compare(variant: str, plan: Plan) -> None:
    """An update with one cause, with layers of several kinds."""
    units = layer_units(plan)
    total = sum(unit.size for unit in units)
    least = LayerChoice(tuple((unit,) for unit in units)).expected
    print(f"\nvLLM {variant}: {len(units)} units, {total / MB:.0f} MB; MB re-sent by an update")
    print(f"  {'':24} {'average':>9} {'× least':>8} {'median':>8} {'mean':>8} {'worst':>8}")
    choices = {
        "one layer": choose_layers(plan, 1),
        "a layer for each kind": choose_layers(plan),
        "10 buckets by hash": buckets(units, 10),
        "40 buckets by hash": buckets(units, 40),
        **{f"{count} chosen": choose_layers(plan, count) for count in COUNTS},
    }
    for name, choice in choices.items():
        row(name, choice, least)
    print("  a Containerfile, where a layer changes with those below:")
    for name, count in (("a step for each kind", 0), ("10 chosen", 10), ("40 chosen", 40)):
        row(name, choose_layers(plan, count, ordered=True), least)


def row(name: str, choice: LayerChoice, least: float) -> None:
    """What an update costs on average by how often units change, and each unit's alone."""
    each = sorted(single_updates(choice))
    told = " ".join(
        f"{value / MB:8.1f}" for value in (statistics.median(each), statistics.mean(each), each[-1])
    )
    print(f"  {name:24} {choice.expected / MB:9.1f} {choice.expected / least:8.2f} {told}")


def single_updates(choice: LayerChoice) -> Iterator[int]:
    """Bytes for the update of each unit alone."""
    sizes = [sum(unit.size for unit in layer) for layer in choice.layers]
    for number, layer in enumerate(choice.layers):
        for _ in layer:
            yield sum(sizes[number:]) if choice.ordered else sizes[number]


def buckets(units: Sequence[LayerUnit], count: int) -> LayerChoice:
    """Each unit where its name hashes to."""
    found: list[list[LayerUnit]] = [[] for _ in range(count)]
    for unit in units:
        found[int(hashlib.sha256(unit.key.encode()).hexdigest(), 16) % count].append(unit)
    return LayerChoice(tuple(tuple(bucket) for bucket in found if bucket))


# -- siblings --------------------------------------------------------------------------------------


def share(one: Plan, two: Plan) -> None:
    """Bytes that who has the image for CUDA need not fetch for ROCm."""
    print("\nshared by digest, of what is the same for CUDA and ROCm")
    for count in (10, 20, 40, 127):
        apart = layers_diff(one, two, count)
        both = layers_diff(one, two, count, siblings=[one, two])
        same = both.whole - both.least
        print(
            f"  {count:3} layers: {(both.whole - both.sent) / same:6.1%} chosen together, "
            f"{(apart.whole - apart.sent) / same:6.1%} one like the other, "
            f"{(apart.whole - apart.anew) / same:6.1%} each alone; of {same / MB:.0f} MB"
        )
    kinds = layers_diff(one, two)
    print(
        f"  a layer for each kind: {(kinds.whole - kinds.sent) / (kinds.whole - kinds.least):6.1%}"
    )


# -- the best of all -------------------------------------------------------------------------------


def small_cases() -> None:
    """Against every assignment, for units with sizes over six powers of ten."""
    chance, rates = random.Random(1), sorted(set(RATES.values()))
    ratios = []
    for _ in range(CASES):
        count, number = chance.randint(2, 4), chance.randint(3, 6)
        units = [
            LayerUnit(
                f"u{n}",
                Zone.LANGUAGE,
                chance.randint(1, 9) * 10 ** chance.randint(0, 5),
                chance.choice(rates),
                f"u{n}",
            )
            for n in range(number)
        ]
        best = min(
            expected_bytes(
                [[u for u, p in zip(units, places, strict=True) if p == at] for at in range(count)]
            )
            for places in product(range(count), repeat=number)
        )
        ratios.append(expected_bytes(partition(units, count)) / best)
    exact = sum(ratio == 1 for ratio in ratios) / len(ratios)
    print(
        f"\nagainst the best of all assignments, {CASES} cases: {exact:.1%} equal, "
        f"mean {statistics.mean(ratios):.5f}, worst {max(ratios):.3f}"
    )


# -- speed -----------------------------------------------------------------------------------------


def speed(plan: Plan) -> None:
    """A root of a thousand packages: vLLM's several times, under other names."""
    assert plan.builds is not None
    runtime = plan.builds.runtime
    copies = [
        evolve(p, name=f"{p.name}-{copy}" if copy else p.name, source=f"{p.source}{copy or ''}")
        for copy in range(5)
        for p in runtime.packages
    ][:1000]
    large = evolve(
        plan, builds=evolve(plan.builds, runtime=evolve(runtime, packages=tuple(copies)))
    )
    print(f"\nseconds for {len(copies)} packages, the best of {RUNS} runs")
    for count in (4, 10, 40, 127):
        taken = []
        for ordered in (False, True):
            runs = []
            for _ in range(RUNS):
                start = time.perf_counter()
                choose_layers(large, count, ordered=ordered)
                runs.append(time.perf_counter() - start)
            taken.append(min(runs))
        print(f"  {count:3} layers: {taken[0]:.3f}, on each other {taken[1]:.3f}")


if __name__ == "__main__":
    main()
