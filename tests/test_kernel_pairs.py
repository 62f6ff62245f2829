"""A kernel module and its kernel: planned, locked, refused; what is emitted is in other modules.

The facts are those that are shipped; kernels are small ones, as Fedora's and CentOS's metadata has
them, and CentOS Stream 9's own.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from packaging.version import Version

from streamsolve import library
from streamsolve.errors import NoPlanError
from streamsolve.explain.document import plan_schema
from streamsolve.inputs.profiles import load_profile, shipped_rules
from streamsolve.lock import read_lock
from streamsolve.model.conflict import Cause
from streamsolve.model.kernel import KERNEL, KernelStep, excluding
from streamsolve.model.plan import Plan
from streamsolve.model.profile import SourceRepository
from streamsolve.planner.known_kernels import known_kernel
from streamsolve.solving import PackagePool

from .kernelworld import MODULE, RELEASE, KernelWorld, kernel, release_of, small_pair


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> KernelWorld:
    return KernelWorld(tmp_path, monkeypatch, capsys)


def plan_of(path: Path) -> Plan:
    return read_lock(path.read_text("utf-8"), file=path.name).plan


# -- planned -------------------------------------------------------------------------------------


def test_a_module_is_bound_to_exactly_the_kernel_of_the_base(world: KernelWorld) -> None:
    world.ships_kernel("6.19.0")
    plan = plan_of(world.locks())
    pair, release = plan.kernel_pair, release_of("6.19.0")
    assert pair is not None
    assert plan.builds is not None
    assert (pair.module, pair.written, pair.release) == (MODULE, "610.57.04", release)
    assert pair.package == f"kmod-nvidia-open-{release}"
    (package,) = (p for p in plan.builds.runtime.packages if p.repository == "private")
    assert package.name == pair.package
    assert f"kernel-uname-r = {release}" in package.requires
    assert "nvidia-kmod = 3:610.57.04" in package.provides
    assert {"kernel", "kernel-core"} <= {p.name for p in plan.builds.runtime.packages}


def test_its_build_root_holds_the_headers_of_that_kernel_and_no_kernel(world: KernelWorld) -> None:
    world.ships_kernel("6.19.0")
    plan = plan_of(world.locks())
    assert plan.builds is not None
    (root,) = plan.builds.roots
    assert f"kernel-devel-uname-r = {release_of('6.19.0')}" in root.asked
    held = {p.name: p.evr for p in root.packages}
    assert held["kernel-devel"] == f"6.19.0-{RELEASE}"
    assert "kernel-core" not in held
    assert {"gcc", "make", "kmod", "xz"} <= held.keys()


def test_the_plan_gives_the_order_of_building_testing_signing_and_deploying(
    world: KernelWorld,
) -> None:
    world.ships_kernel("6.19.0")
    pair = plan_of(world.locks()).kernel_pair
    assert pair is not None
    assert [stage.step for stage in pair.stages] == list(KernelStep)
    assert [step.value for step in KernelStep] == ["build", "test", "sign", "deploy"]
    assert [stage.root for stage in pair.stages][-1] == "runtime"
    ran = world.run("plan", "nvidia-open", "--base", "./base")
    at = [ran.out.index(f"  {number}  {step}") for number, step in
          enumerate(["build", "test", "sign", "deploy"], 1)]  # fmt: skip
    assert at == sorted(at)
    assert ran.says("with the builder's key: never on the device")
    assert ran.says("is new enough for CUDA 12.0 to 13.5")


def test_which_cuda_a_driver_allows_is_what_the_shipped_streams_of_cuda_ask_of_it(
    world: KernelWorld,
) -> None:
    world.ships_kernel("6.19.0")
    rules = {rule.component.spelled: rule for rule in shipped_rules()}
    needed = {
        stream.version: requirement
        for stream in rules["accelerator:cuda"].streams
        for requirement in stream.requires
        if requirement.component.name == "nvidia-driver"
    }
    for written in ("570.211.01", "580.126.18"):
        pair = plan_of(world.locks("--app-version", written)).kernel_pair
        assert pair is not None
        version = Version(written)
        able = sorted(cuda for cuda, asked in needed.items() if asked.specifier.contains(version))
        assert list(pair.cuda) == able
        assert pair.written == written
    assert Version("12.9") in pair.cuda
    older = plan_of(world.locks("--app-version", "570.211.01")).kernel_pair
    assert older is not None
    assert max(older.cuda) == Version("12.9")


def test_the_long_term_kernel_of_an_overlay_is_a_stream_of_the_kernel(world: KernelWorld) -> None:
    """Packages are called as in the COPR projects kwizart/kernel-longterm-6.18."""
    world.ships_kernel("7.2.0")
    world.overlays["longterm"] = list(kernel("6.18.63", name="kernel-longterm", release="200.fc45"))
    plan = plan_of(world.locks("--variant", "longterm", "--repo", "longterm=./longterm"))
    pair, release = plan.kernel_pair, release_of("6.18.63", "200.fc45")
    assert pair is not None
    assert (pair.kernel, pair.release) == ("kernel-longterm", release)
    assert pair.binding == f"kernel-longterm-uname-r = {release}"
    assert pair.headers == f"kernel-longterm-devel-uname-r = {release}"
    assert plan.builds is not None
    names = {p.name for p in plan.builds.runtime.packages}
    assert "kernel-longterm-core" in names
    assert "kernel-core" not in names


def test_a_branch_that_the_bases_kernel_excludes_is_planned_for_the_overlays(
    world: KernelWorld,
) -> None:
    world.ships_kernel("7.2.0")
    world.overlays["longterm"] = list(kernel("6.18.63", name="kernel-longterm", release="200.fc45"))
    chosen = []
    for version in ("580.126.18", "610.57.04"):
        path = world.locks("--app-version", version, "--repo", "longterm=./longterm")
        pair = plan_of(path).kernel_pair
        assert pair is not None
        chosen.append(pair.kernel)
    assert chosen == ["kernel-longterm", "kernel"]


def test_without_uname_provides_a_kernel_is_bound_by_version_and_release(
    world: KernelWorld,
) -> None:
    world.ships_kernel("6.19.0", uname=False)
    pair = plan_of(world.locks()).kernel_pair
    assert pair is not None
    assert pair.binding == f"kernel = 6.19.0-{RELEASE}"
    assert pair.headers == f"kernel-devel = 6.19.0-{RELEASE}"
    assert (pair.release, pair.assumed) == (release_of("6.19.0"), False)


def test_headers_that_no_repository_lists_of_any_kernel_are_assumed_and_told(
    world: KernelWorld,
) -> None:
    world.ships_kernel("6.19.0", devel=False, uname=False)
    plan = plan_of(world.locks())
    assert plan.kernel_pair is not None
    assert plan.kernel_pair.assumed
    assert [w.code for w in plan.warnings] == ["kernel-headers-assumed"]
    assert world.run("check", "n.lock.json").code == 0


# -- refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["570.211.01", "580.126.18", "580.65.06", "590.48.01"])
def test_a_branch_with_a_kernel_that_the_facts_exclude_is_refused_with_the_fact_and_its_source(
    world: KernelWorld, written: str
) -> None:
    world.ships_kernel("7.0.0")
    ran = world.run("plan", "nvidia-open", "--base", "./base", "--app-version", written)
    assert ran.code == 3
    branch = Version(written.partition(".")[0])
    (stream,) = (
        stream
        for rule in shipped_rules()
        if rule.component.name == "nvidia-driver"
        for stream in rule.streams
        if stream.version == branch
    )
    (clause,) = stream.constrains
    assert ran.says(f"allows only kernel<7.0 (components/host.toml:{clause.place.line})")
    assert ran.says(stream.evidence)
    assert ran.says("Ship nvidia-open 610.57.4 instead")
    assert ran.says("--repo NAME=URL")
    document = world.run(
        "plan", "nvidia-open", "--base", "./base", "--app-version", written, "--json"
    ).document
    assert list(Draft202012Validator(plan_schema()).iter_errors(document)) == []
    (conflict,) = document["conflicts"]
    assert conflict["about"] == {"name": "kernel", "kind": "package"}
    assert conflict["evidence"] == [stream.evidence]


def test_the_same_branches_are_planned_below_that_kernel(world: KernelWorld) -> None:
    world.ships_kernel("6.19.12")
    for written in ("570.211.01", "580.126.18", "590.48.01", "595.45.04"):
        pair = plan_of(world.locks("--app-version", written)).kernel_pair
        assert pair is not None
        assert [fact.requirement.text for fact in pair.facts] == ["kernel<7.0"]


def test_a_fact_that_is_relaxed_counts_no_more_and_stays_in_the_lock(world: KernelWorld) -> None:
    world.ships_kernel("7.0.0")
    path = world.locks("--app-version", "580.178.04", "--relax", "nvidia-open:kernel<7.0")
    pair = plan_of(path).kernel_pair
    assert pair is not None
    assert [fact.relaxed for fact in pair.facts] == [True]
    assert excluding(pair, shipped_rules()) == ()


def test_a_kernel_whose_headers_are_of_other_builds_only_is_refused(world: KernelWorld) -> None:
    world.ships_kernel("6.19.0")
    world.has(kernel("6.18.9")[2])
    ran = world.run("plan", "nvidia-open", "--base", "./base")
    assert ran.code == 3
    assert ran.says("No kernel (package) can be used, of those that are there.")
    assert ran.says(
        f"nothing can be built for kernel 6.19.0-{RELEASE}: kernel-devel is there of "
        f"6.18.9-{RELEASE} and not of it"
    )


def test_where_one_kernel_has_its_headers_the_other_is_not_chosen(world: KernelWorld) -> None:
    world.ships_kernel("7.2.0")
    world.has(kernel("7.1.0")[2])
    world.overlays["longterm"] = list(kernel("6.18.63", name="kernel-longterm", release="200.fc45"))
    pair = plan_of(world.locks("--repo", "longterm=./longterm")).kernel_pair
    assert pair is not None
    assert pair.kernel == "kernel-longterm"


# -- the real metadata ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "release"),
    [("fedora-44", "6.19.0-1.fc44.x86_64"), ("fedora-45", "7.2.0-1.fc45.x86_64")],
)
def test_the_shipped_profile_plans_on_both_fedoras(
    shared: Path, tmp_path: Path, base: str, release: str
) -> None:
    plan = library.plan(
        "nvidia-open", base=str(shared / "data" / base), offline=True, cache=tmp_path
    )
    assert plan.kernel_pair is not None
    assert plan.kernel_pair.release == release


def test_580_is_refused_on_fedora_45(shared: Path, tmp_path: Path) -> None:
    from attrs import evolve

    profile = evolve(load_profile("nvidia-open"), version=Version("580.126.18"))
    with pytest.raises(NoPlanError) as refused:
        library.plan(profile, base=str(shared / "data" / "fedora-45"), offline=True, cache=tmp_path)
    (conflict,) = refused.value.failure.conflicts
    assert (conflict.about, conflict.cause) == (KERNEL, Cause.INCOMPATIBLE)
    assert "580.126.18 were seen to fail" in conflict.evidence[0]


def test_centos_stream_9_lists_the_symbols_of_its_kernel_and_no_headers_for_it(
    shared: Path, tmp_path: Path
) -> None:
    """Its two halves are three years apart: baseos has the kernel, appstream newer headers."""
    base = library.load_base(str(shared / "data" / "centos-stream-9"), offline=True, cache=tmp_path)
    with PackagePool.open(base.repositories, arch="x86_64", cache=tmp_path) as pool:
        (package,) = pool.named("kernel")
        (core,) = pool.named("kernel-core")
        found = known_kernel(pool, package)
    symbols = {text for text in core.provides if text.startswith("kernel(")}
    assert len(symbols) > 15_000
    assert found.symbols >= len(symbols)
    assert found.release == "5.14.0-55.el9.x86_64"
    assert found.binding == "kernel-uname-r = 5.14.0-55.el9.x86_64"
    assert "5.14.0-547.el9" in found.headers.others
    with pytest.raises(NoPlanError) as refused:
        library.plan("nvidia-open", base=base, offline=True, cache=tmp_path)
    (conflict,) = refused.value.failure.conflicts
    assert "kernel-devel is there of 5.14.0-547.el9" in " ".join(conflict.packages)


def test_where_symbols_have_checksums_the_build_gets_what_writes_them_into_packages(
    world: KernelWorld,
) -> None:
    world.ships_kernel("6.19.0", symbols={"kfree": 0x037A0CBA, "_printk": 0x92997ED8})
    plan = plan_of(world.locks())
    assert plan.kernel_pair is not None
    assert plan.kernel_pair.symbols == 2
    assert plan.builds is not None
    assert "kernel-rpm-macros" in plan.builds.roots[0].asked
    assert world.run("plan", "nvidia-open", "--base", "./base").says("lists 2 symbols")


# -- locked --------------------------------------------------------------------------------------


def test_a_locked_pair_is_read_back_as_it_was_planned_and_proves_itself(
    world: KernelWorld,
) -> None:
    world.ships_kernel("6.19.0", symbols={"kfree": 0x037A0CBA})
    path = world.locks("--app-version", "580.126.18")
    first = path.read_bytes()
    document = world.run(
        "plan", "nvidia-open", "--base", "./base", "--app-version", "580.126.18", "--builds",
        "--json",
    ).document  # fmt: skip
    assert list(Draft202012Validator(plan_schema()).iter_errors(document)) == []
    planned = document["kernel_pair"]
    pair = plan_of(path).kernel_pair
    assert pair is not None
    assert planned["written"] == pair.written
    assert planned["kernel"]["release"] == pair.release
    assert planned["symbols"] == pair.symbols == 1
    assert [fact["evidence"] for fact in planned["facts"]] == [f.evidence for f in pair.facts]
    assert [stage["root"] for stage in planned["stages"]] == [s.root for s in pair.stages]
    assert world.run("check", "n.lock.json").code == 0
    assert world.locks("--app-version", "580.126.18", file="again.json").read_bytes() == first


def test_a_lock_that_was_made_by_hand_has_no_pair_that_is_no_pair(world: KernelWorld) -> None:
    world.ships_kernel("6.19.0")
    path = world.locks()
    document = json.loads(path.read_text())
    document["kernel_pair"]["stages"] = [{"step": "guess", "root": 1}]
    path.write_text(json.dumps(document))
    ran = world.run("emit", "mock", "n.lock.json", "-o", "out")
    assert ran.code == 2
    assert ran.says("kernel_pair.stages[0]")


def test_a_kernel_that_was_replaced_in_the_base_is_told_of_a_lock(world: KernelWorld) -> None:
    world.ships_kernel("6.19.0")
    world.locks()
    assert (
        "kernel" not in world.run("verify", "n.lock.json", "--base", "./base").out.split("Not")[0]
    )
    world.ships_kernel("6.19.3")
    ran = world.run("verify", "n.lock.json", "--base", "./base")
    assert ran.code == 5
    assert ran.says("kernel-devel")


# -- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("purl", "version", "expected"),
    [
        ("pkg:github/n/m@{version}", "610.57.04", "610.57.4"),
        ("pkg:github/n/m@{version:000.00.00}", "610.57.04", "610.57.04"),
        ("pkg:github/n/m@{version:000.00.00}", "580.126.18", "580.126.18"),
        ("pkg:github/n/m@{version:000.00.00}", "575.64", "575.64"),
        ("pkg:github/n/m@v{version:0.00}", "1.2.3", "1.02.3"),
    ],
)
def test_a_source_may_write_its_versions_with_leading_zeros(
    purl: str, version: str, expected: str
) -> None:
    found = SourceRepository(MODULE, purl).at(Version(version))
    assert found.rpartition("@")[2].removeprefix("v") == expected


@pytest.mark.parametrize(
    ("purl", "version", "expected"),
    [
        ("pkg:github/o/n@v{version}#drivers/one", "1.2", "1.2"),
        ("pkg:github/o/n@release-{version:0.00}", "1.2", "1.02"),
        ("pkg:github/o/n@v1.02", "1.2", "1.02"),
        ("pkg:github/o/n@" + "ab" * 20, "1.2", "1.2"),
        ("pkg:generic/n", "1.2", "1.2"),
    ],
)
def test_a_version_is_written_as_upstream_does_without_the_rest_of_its_tag(
    purl: str, version: str, expected: str
) -> None:
    assert SourceRepository(MODULE, purl).written(Version(version)) == expected


@pytest.mark.parametrize(
    ("evr", "excluded"),
    [("6.19.12-200.fc44", False), ("7.0.0-0.rc1.5.fc45", True), ("0:7.2.0-1.fc45", True)],
)
def test_a_pair_is_judged_by_the_numbers_of_its_kernel(evr: str, excluded: bool) -> None:
    pair = small_pair(version=Version("580.126.18"), evr=evr)
    assert bool(excluding(pair, shipped_rules())) is excluded
