"""A plan does not depend on the order of its input: repositories, packages, releases,
requirements."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from attrs import evolve

from streamsolve.explain.document import document_text, plan_document
from streamsolve.inputs.embedded_base import read_extract as read_base
from streamsolve.inputs.profiles import load_profile
from streamsolve.inputs.shipped import profiles_directory
from streamsolve.inputs.upstream_extract import read_extract
from streamsolve.model import Base, Package
from streamsolve.planner import PlanRequest
from streamsolve.planner.planning import Workshop
from streamsolve.planner.upstream import Upstream
from streamsolve.solving import PackagePool


def mixed_upstream(text: str, rng: random.Random) -> str:
    """The same extract with its releases, and the requirements of each, in another order."""
    header, *lines = text.splitlines()
    mixed = []
    for line in lines:
        entry = json.loads(line)
        for key in ("requires", "wheels"):
            if key in entry:
                rng.shuffle(entry[key])
        mixed.append(json.dumps(entry, separators=(",", ":"), ensure_ascii=False))
    rng.shuffle(mixed)
    return "\n".join([header, *mixed]) + "\n"


def mixed_base(base: Base, rng: random.Random) -> Base:
    """The same base with its repositories, packages and their dependencies in another order."""
    repositories = []
    for repository in base.repositories:
        assert isinstance(repository.content, tuple)
        packages = [_mixed(package, rng) for package in repository.content]
        rng.shuffle(packages)
        repositories.append(evolve(repository, content=tuple(packages)))
    rng.shuffle(repositories)
    return evolve(base, repositories=tuple(repositories))


def _mixed(package: Package, rng: random.Random) -> Package:
    requires = list(package.requires)
    rng.shuffle(requires)
    return evolve(package, requires=tuple(requires))


def document(tmp_path: Path, variant: str, upstream: str, base: Base) -> str:
    request = PlanRequest("vllm", variant=variant, offline=True, cache=tmp_path)
    pool = PackagePool.open(base.repositories, arch=base.arch, cache=tmp_path)
    source = Upstream(read_extract(upstream, file="upstream.jsonl"), None)
    with Workshop(request, load_profile("vllm"), base, pool, source) as workshop:
        plan = workshop.attempt(request).plan
    assert plan is not None
    return document_text(plan_document(plan))


@pytest.mark.parametrize("variant", ["cuda", "rocm"])
def test_shuffled_input_gives_the_same_bytes(tmp_path: Path, variant: str) -> None:
    directory = profiles_directory()
    upstream = (directory / "vllm" / "upstream.jsonl").read_text("utf-8")
    name = "fedora-45-x86_64.jsonl"
    base = read_base((directory / "vllm" / "bases" / name).read_text("utf-8"), file=name)
    plain = document(tmp_path, variant, upstream, base)
    for seed in (1, 2):
        rng = random.Random(seed)
        shuffled = document(tmp_path, variant, mixed_upstream(upstream, rng), mixed_base(base, rng))
        assert shuffled == plain
