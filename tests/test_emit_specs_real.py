"""The specs of vLLM's real locks: one for every build, read by RPM, or told to be incomplete."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamsolve.cli import main
from streamsolve.emit.specs import EmittedSpecs, SpecKind, emit_specs
from streamsolve.lock import read_lock
from streamsolve.model.plan import Plan

from .specworld import IN_PREFIX, SETTINGS, environment

VARIANTS = ("cuda", "rocm")
AT_ONCE = 40


@pytest.fixture(scope="module")
def plans(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Plan]]:
    """The plan of each variant's lock on the newest base."""
    directory = tmp_path_factory.mktemp("locks")
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STREAMSOLVE_CACHE", str(directory / "cache"))
        for variant in VARIANTS:
            path = directory / f"{variant}.lock.json"
            base = str(shared / "data" / "fedora-45")
            words = ["lock", "vllm", "--variant", variant, "--base", base, "--offline"]
            assert main([*words, "-o", str(path)]) == 0
            found[variant] = read_lock(path.read_text(), file=path.name).plan
        yield found


@pytest.fixture(params=VARIANTS)
def plan(request: pytest.FixtureRequest, plans: dict[str, Plan]) -> Plan:
    return plans[request.param]


def names_read(directory: Path, made: EmittedSpecs) -> set[str]:
    """The names of all packages of all specs, as RPM reads them."""
    for path, content in made.files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    paths = [str(directory / spec.path) for spec in made.specs]
    names: set[str] = set()
    for start in range(0, len(paths), AT_ONCE):
        done = subprocess.run(
            ["rpmspec", "-q", "--qf", "%{name}\n", *paths[start : start + AT_ONCE]],
            capture_output=True,
            text=True,
            env=environment(directory),
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        names |= set(done.stdout.split())
    return names


def test_each_build_has_a_spec_or_is_listed_with_a_reason(plan: Plan, tmp_path: Path) -> None:
    made = emit_specs(plan, SETTINGS)
    assert plan.builds is not None
    assert [spec.stream for spec in made.specs] == sorted({b.stream for b in plan.builds.builds})
    for spec in made.specs:
        assert spec.path in made.files
        assert (spec.kind is not SpecKind.SKELETON) or spec.incomplete
    kinds = [spec.kind for spec in made.specs if not spec.incomplete]
    assert kinds.count(SpecKind.UPSTREAM) > 150
    planned = {
        package.name
        for root in (plan.builds.runtime, *plan.builds.roots)
        for package in root.packages
        if package.repository == "private"
    }
    interpreter = f"python{plan.python}"
    of_interpreter = {
        name
        for name in planned
        if name.removeprefix(interpreter) in ("-devel", "-test", "-tkinter")
    }
    assert planned - of_interpreter <= names_read(tmp_path, made)


def test_in_a_prefix_each_name_is_the_applications(plan: Plan, tmp_path: Path) -> None:
    made = emit_specs(plan, IN_PREFIX)
    found = names_read(tmp_path, made)
    assert all(name.startswith("vllm-") for name in found)
    assert "vllm-runtime" in found


def test_a_bound_is_relaxed_where_the_profile_says_so_and_nowhere_else(plan: Plan) -> None:
    made = emit_specs(plan, SETTINGS)
    relaxing = {
        spec.stream.partition("@")[0]
        for spec in made.specs
        if b"%pyproject_patch_dependency" in made.files[spec.path]
    }
    stated = {
        each.by.name for each in plan.relaxed if each.stated.component.kind.value == "distribution"
    }
    assert relaxing == stated >= {"vllm"}


def test_no_source_without_a_digest_is_passed_over(plan: Plan) -> None:
    for spec in (made := emit_specs(plan, SETTINGS)).specs:
        directory = spec.path.rpartition("/")[0]
        lines = made.files[f"{directory}/sources"].decode().splitlines()
        supplied = [line for line in lines if not line.startswith("#")]
        assert supplied or spec.missing or spec.incomplete
        assert len([line for line in lines if "to be supplied" in line]) == len(spec.missing)
