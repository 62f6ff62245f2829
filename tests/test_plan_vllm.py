"""The main job on real data: vLLM for CUDA, ROCm and the CPU, on Fedora 44 and 45."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from functools import cache as remember
from pathlib import Path

import pytest
from pysat.examples.rc2 import RC2
from pysat.formula import WCNF

import streamsolve
from streamsolve.explain.document import plan_document
from streamsolve.inputs.shipped import profiles_directory
from streamsolve.planner import Outcome, PlanRequest, make_plan

from .checker import Upstream, base_distributions, requirement_lines, unmet
from .conftest import SHARED
from .universe_oracle import least_cost

VARIANTS = ("cuda", "rocm", "cpu")
BASES = ("fedora-44", "fedora-45")
combinations = pytest.mark.parametrize(
    ("base", "variant"), [(base, variant) for base in BASES for variant in VARIANTS]
)


@remember
def upstream() -> Upstream:
    return Upstream((profiles_directory() / "vllm" / "upstream.jsonl").read_text("utf-8"))


@remember
def outcome(base: str, variant: str) -> Outcome:
    """On the real repositories where they are at hand, else on the extract that is shipped."""
    directory = SHARED / "data" / base
    where = str(directory) if directory.is_dir() else base
    return make_plan(PlanRequest("vllm", variant=variant, base=where), universe=True)


def document(base: str, variant: str) -> dict[str, object]:
    return json.loads(json.dumps(plan_document(outcome(base, variant).plan)))


def stated_by_vllm(variant: str) -> list[str]:
    """What upstream states for a variant, from the raw texts."""
    if variant == "cuda":
        return upstream().requires("vllm", "0.33.0") or []
    return list(requirement_lines(upstream().files, f"requirements/{variant}.txt"))


@combinations
def test_every_requirement_is_met(base: str, variant: str) -> None:
    assert unmet(document(base, variant), upstream(), stated_by_vllm(variant)) == []


@combinations
def test_the_cost_is_proven_least_and_a_maxsat_solver_agrees(base: str, variant: str) -> None:
    answer = outcome(base, variant)
    summary = answer.plan.summary
    assert summary.minimal
    assert summary.lower_bound == summary.private
    assert summary.cost == least_cost(answer.universe)


@pytest.mark.parametrize("variant", ["cuda", "cpu"])
def test_on_fedora_44_the_interpreter_is_the_base_s(variant: str) -> None:
    plan = outcome("fedora-44", variant).plan
    python = plan.stream("python")
    assert python is not None
    assert python.origin is streamsolve.Origin.BASE
    assert plan.python == "3.14"


@pytest.mark.parametrize("variant", ["cuda", "cpu"])
def test_on_fedora_45_the_interpreter_is_a_private_3_14_because_vllm_refuses_3_15(
    variant: str,
) -> None:
    plan = outcome("fedora-45", variant).plan
    python = plan.stream("python")
    assert python is not None
    assert python.origin is streamsolve.Origin.PRIVATE
    assert plan.python == "3.14"
    refusing = {d.component.name: str(d.requirement) for d in python.reason.demands}
    assert refusing["vllm"] == "python<3.15,>=3.11"


@pytest.mark.parametrize("base", BASES)
def test_rocm_names_who_forces_python_3_13(base: str) -> None:
    plan = outcome(base, "rocm").plan
    python = plan.stream("python")
    assert python is not None
    assert plan.python == "3.13"
    refusing = {d.component.name for d in python.reason.demands}
    assert {"amd-quark", "mooncake-transfer-engine-rocm"} <= refusing


def test_nothing_is_private_on_fedora_44_that_the_base_could_have_satisfied(shared: Path) -> None:
    plan = document("fedora-44", "cuda")
    provided = base_distributions(shared / "data" / "fedora-44" / "x86_64", "3.14")
    chosen = {s["component"]: s for s in plan["streams"]}
    needless = []
    for stream in plan["streams"]:
        if stream["origin"] != "private" or stream["kind"] != "distribution":
            continue
        for version in provided.get(stream["component"], []):
            demands = [d["requirement"] for d in stream["required_by"]]
            refused = [d for d in demands if not _allows(d, str(version))]
            of_base = stream["reason"]["demands"]
            clashes = [
                d
                for d in of_base
                if d["component"] == stream["component"]
                and not _allows(d["requirement"], chosen[_name(d["requirement"])]["version"])
            ]
            if not refused and not clashes:
                needless.append(f"{stream['component']} {version}")
    assert needless == []


def _allows(requirement: str, version: str) -> bool:
    from packaging.requirements import Requirement

    return Requirement(requirement).specifier.contains(version, prereleases=True)


def _name(requirement: str) -> str:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    return canonicalize_name(Requirement(requirement).name)


@combinations
def test_the_shipped_extract_gives_the_plan_that_the_whole_base_gives(
    shared: Path, base: str, variant: str
) -> None:
    assert shared.is_dir()
    whole = outcome(base, variant).plan
    small = make_plan(PlanRequest("vllm", variant=variant, base=base)).plan
    assert small.streams == whole.streams
    assert small.summary == whole.summary
    assert small.repositories == whole.repositories


def test_the_same_bytes_under_another_hash_seed_and_in_another_directory(tmp_path: Path) -> None:
    texts = set()
    for seed in ("0", "1", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "STREAMSOLVE_CACHE": str(tmp_path)}
        command = [sys.executable, "-m", "streamsolve", "plan", "vllm", "--json", "--offline"]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, check=True, timeout=120
        )
        texts.add(done.stdout)
    assert len(texts) == 1


def test_the_torch_trio_moves_together() -> None:
    plan = outcome("fedora-44", "cuda").plan
    versions = {name: str(plan.stream(name).version) for name in ("torch", "torchvision")}  # type: ignore[union-attr]
    assert versions == {"torch": "2.14.0", "torchvision": "0.29.0"}
    triton = plan.stream("triton")
    assert triton is not None
    assert str(triton.version).startswith("3.8.")


def test_the_cuda_toolkit_moves_as_one_and_the_plan_says_where_upstream_mixes() -> None:
    plan = outcome("fedora-44", "cuda").plan
    toolkit = [
        str(stream.version)
        for stream in plan.streams
        if stream.component.name in ("nvidia-cuda-nvcc", "nvidia-cuda-runtime", "nvidia-nvvm")
    ]
    assert len(toolkit) == 3
    assert all(version.startswith("13.0.") for version in toolkit)
    (notice,) = [w for w in plan.warnings if w.code == "mixed-group"]
    assert "cuda-bindings 13.4" in notice.text


def test_cuda_takes_the_base_s_compat_compiler() -> None:
    for base, package in (("fedora-44", "gcc14"), ("fedora-45", "gcc15")):
        gcc = outcome(base, "cuda").plan.stream("gcc")
        assert gcc is not None
        assert (gcc.origin, gcc.package) == (streamsolve.Origin.BASE, package)


def test_what_is_relaxed_or_omitted_has_a_reason() -> None:
    plan = outcome("fedora-44", "cuda").plan
    assert "certifi" in {r.stated.component.name for r in plan.relaxed}
    assert all(r.reason for r in plan.relaxed)
    omitted = plan.of_origin(streamsolve.Origin.OMITTED)
    assert omitted
    assert all(stream.reason.text for stream in omitted)


def test_the_embedded_data_of_each_application_is_small() -> None:
    sizes = Counter[str]()
    for path in profiles_directory().rglob("*.jsonl"):
        sizes[path.relative_to(profiles_directory()).parts[0]] += path.stat().st_size
    assert "vllm" in sizes
    assert max(sizes.values()) < 2_000_000


def test_several_versions_are_on_offer_where_more_than_one_could_be_chosen() -> None:
    offers: dict[str, set[str]] = {}
    for offer in outcome("fedora-44", "cuda").universe["offers"]:  # type: ignore[union-attr]
        offers.setdefault(offer["component"], set()).add(offer["version"])
    plan = outcome("fedora-44", "cuda").plan
    free = [
        stream.component.name
        for stream in plan.of_origin(streamsolve.Origin.PRIVATE)
        if not any("==" in str(d.requirement) for d in stream.required_by)
        and stream.component.name != "vllm"
    ]
    alone = [name for name in free if len(offers[name]) == 1]
    # What has only ever had one release, or one of a single series, is all there is.
    assert len(alone) < len(free) / 4


def test_the_maxsat_oracle_sees_a_cheaper_plan_when_there_is_one() -> None:
    universe = dict(outcome("fedora-44", "cpu").universe)
    cost = least_cost(universe)
    cheaper = [
        {**offer, "cost": 0} if offer["component"] == "torch" else offer
        for offer in universe["offers"]  # type: ignore[union-attr]
    ]
    less = least_cost({**universe, "offers": cheaper})
    assert less is not None
    assert cost is not None
    assert less == cost - 180


def test_rc2_is_the_oracle_s_engine() -> None:
    formula = WCNF()
    formula.append([1])
    formula.append([-1], weight=3)
    with RC2(formula) as solver:
        solver.compute()
        assert solver.cost == 3
