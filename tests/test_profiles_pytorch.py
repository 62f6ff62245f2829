"""PyTorch from the extracts that are shipped: what is whose, and why, for each variant and base."""

from __future__ import annotations

import json
from functools import cache as remember
from pathlib import Path

import pytest
from packaging.version import Version

from streamsolve.explain.document import plan_document
from streamsolve.inputs.profiles import list_profiles, load_profile
from streamsolve.model.component import Origin
from streamsolve.model.conflict import Conflict
from streamsolve.model.plan import Plan
from streamsolve.planner import PlanRequest, make_plan, why_not

from .checker import Upstream, unmet
from .extracts import (
    PROFILES,
    distributions,
    number,
    omitted,
    packages,
    required,
    toml,
    vendors_own,
)
from .smallworld import SmallWorld, dist, profile, python, release

PYTHON = {"fedora-44": "3.14", "fedora-45": "3.15"}
VARIANTS = ("cuda", "rocm", "cpu", "xpu")
combinations = pytest.mark.parametrize(
    ("base", "variant"), [(base, variant) for base in PYTHON for variant in VARIANTS]
)
on_both = pytest.mark.parametrize("base", PYTHON)


@remember
def plan(base: str, variant: str) -> Plan:
    found = make_plan(PlanRequest("pytorch", variant=variant, base=base, offline=True)).plan
    assert found is not None
    return found


def conflict(base: str, variant: str, demand: str) -> Conflict:
    """The one thing that stands in the way of a demand."""
    request = PlanRequest("pytorch", variant=variant, base=base, offline=True)
    answer = why_not(request, demand)
    assert answer.plan is None
    assert answer.failure is not None
    (found,) = answer.failure.conflicts
    return found


def origins(base: str, variant: str) -> dict[str, Origin]:
    return {stream.component.spelled: stream.origin for stream in plan(base, variant).streams}


# -- all variants ----------------------------------------------------------------------------------


@combinations
def test_every_requirement_of_every_stream_is_met(base: str, variant: str) -> None:
    document = json.loads(json.dumps(plan_document(plan(base, variant))))
    upstream = Upstream((PROFILES / "pytorch" / "upstream.jsonl").read_text("utf-8"))
    assert unmet(document, upstream, upstream.requires("torch", "2.15.0") or []) == []


@combinations
def test_what_torch_asks_for_is_the_base_s_where_the_base_s_version_fits(
    base: str, variant: str
) -> None:
    had = distributions("pytorch", base, PYTHON[base])
    expected = {}
    for name, requirement in required("pytorch", "torch", "2.15.0", PYTHON[base]).items():
        if name in omitted("pytorch", variant):
            expected[name] = Origin.OMITTED
        elif name in set(vendors_own()):
            expected[name] = Origin.EXTERNAL
        elif any(requirement.specifier.contains(version) for version in had.get(name, [])):
            expected[name] = Origin.BASE
        else:
            expected[name] = Origin.PRIVATE
    found = origins(base, variant)
    assert {"setuptools", "sympy", "triton", "typing-extensions"} <= expected.keys()
    assert {name: found[name] for name in expected} == expected


@combinations
def test_the_interpreter_is_the_base_s_own(base: str, variant: str) -> None:
    assert plan(base, variant).python == PYTHON[base]
    assert origins(base, variant)["interpreter:python"] is Origin.BASE


@combinations
def test_torch_is_built_from_the_tag_of_its_repository(base: str, variant: str) -> None:
    torch = plan(base, variant).stream("torch")
    assert torch is not None
    assert torch.origin is Origin.PRIVATE
    assert torch.source.purl == "pkg:github/pytorch/pytorch@v2.15.0"
    assert torch.source.filename == ""


@combinations
def test_nothing_is_relaxed_and_the_number_of_private_streams_is_proven(
    base: str, variant: str
) -> None:
    found = plan(base, variant)
    assert found.relaxed == ()
    assert found.summary.minimal
    assert found.summary.lower_bound == found.summary.private


# -- CUDA ------------------------------------------------------------------------------------------


@on_both
def test_cuda_is_the_toolkit_that_torch_pins(base: str) -> None:
    wanted = required("pytorch", "torch", "2.15.0", PYTHON[base])["cuda-toolkit"].specifier
    toolkit = plan(base, "cuda").stream("cuda-toolkit")
    cuda = plan(base, "cuda").stream("cuda")
    assert toolkit is not None
    assert cuda is not None
    assert toolkit.version in wanted
    assert str(toolkit.version).startswith(f"{cuda.version}.")
    assert (toolkit.package, toolkit.repository) == (
        f"cuda-toolkit-{cuda.version}".replace(".", "-"),
        "cuda",
    )


@on_both
def test_cuda_takes_the_newest_compiler_of_the_base_that_its_headers_accept(base: str) -> None:
    (fact,) = [
        stream
        for component in toml("components/cuda.toml")["component"]
        for stream in component.get("stream", ())  # type: ignore[attr-defined]
        if stream["version"] == "13.2"
    ]
    assert "toolchain:gcc <16" in fact["requires"]
    compilers = {
        name: number(row)
        for name, row in packages("pytorch", base).items()
        if name.removeprefix("gcc").isdigit() or name == "gcc"
    }
    assert compilers["gcc"].major == 16
    accepted = {name: version for name, version in compilers.items() if version.major < 16}
    gcc = plan(base, "cuda").stream("gcc")
    assert gcc is not None
    assert (gcc.origin, gcc.package) == (Origin.BASE, max(accepted, key=accepted.__getitem__))


def test_cuda_bindings_is_asked_for_before_python_3_15_only() -> None:
    assert origins("fedora-44", "cuda")["cuda-bindings"] is Origin.PRIVATE
    assert "cuda-bindings" not in origins("fedora-45", "cuda")


# -- ROCm ------------------------------------------------------------------------------------------


@on_both
def test_rocm_is_the_base_s_usual_stack_and_nothing_of_nvidia_s_is_left(base: str) -> None:
    found = plan(base, "rocm")
    stack = {"rocm-core", "rocm-runtime", "rocm-hip", "rocblas", "hipblaslt", "miopen", "rccl"}
    used = {stream.package for stream in found.streams if stream.origin is Origin.BASE}
    assert stack <= used
    numbers = {name: number(packages("pytorch", base)[name]).release[:2] for name in stack}
    assert len(set(numbers.values())) == 1
    assert not [s for s in found.streams if s.origin is Origin.EXTERNAL]


def test_the_compat_stack_of_fedora_45_has_no_rccl() -> None:
    had = packages("pytorch", "fedora-45")
    assert {"rocm-core7.2", "rocm-hip7.2"} <= had.keys()
    assert "rccl7.2" not in had
    found = conflict("fedora-45", "rocm", f"accelerator:rocm=={number(had['rocm-core7.2'])}")
    assert found.about.name == "rccl"
    assert found.packages[0].startswith("rccl is of another stack than rocm-core7.2:")


# -- CPU and Intel GPUs ----------------------------------------------------------------------------


@on_both
def test_for_cpus_torch_alone_is_private(base: str) -> None:
    kinds = origins(base, "cpu")
    assert [name for name, origin in kinds.items() if origin is Origin.PRIVATE] == ["torch"]
    assert Origin.EXTERNAL not in kinds.values()
    assert kinds["triton"] is Origin.OMITTED


@on_both
def test_for_intel_gpus_oneapi_alone_is_a_third_party_s(base: str) -> None:
    found = plan(base, "xpu")
    external = [
        (s.component.spelled, s.repository) for s in found.streams if s.origin is Origin.EXTERNAL
    ]
    assert external == [("accelerator:oneapi", "oneAPI")]
    triton = found.stream("triton")
    assert triton is not None
    assert str(triton.version) == "3.9.0+xpu"
    assert (
        triton.version in required("pytorch", "torch", "2.15.0", PYTHON[base])["triton"].specifier
    )
    assert triton.source.purl == "pkg:github/intel/intel-xpu-backend-for-triton@v3.9.0"


@on_both
def test_the_driver_for_intel_gpus_is_the_base_s(base: str) -> None:
    drivers = {"intel-level-zero", "oneapi-level-zero", "intel-igc-libs"}
    assert drivers <= packages("pytorch", base).keys()
    runtime = {text.partition(" ")[0] for text in plan(base, "xpu").runtime_packages}
    assert all(any(text.startswith(name) for text in runtime) for name in drivers)


def test_the_sycl_compiler_lies_in_the_build_root_and_in_no_other_variant_s(
    shared: Path, tmp_path: Path
) -> None:
    where = str(shared / "data" / "fedora-45")
    asked = {}
    for variant in ("xpu", "cpu"):
        request = PlanRequest(
            "pytorch", variant=variant, base=where, offline=True, builds=True, cache=tmp_path
        )
        found = make_plan(request).plan
        assert found is not None
        assert found.builds is not None
        (root,) = [r for r in found.builds.roots if r.id == "build-torch"]
        asked[variant] = {package.name for package in root.packages}
        (setuptools,) = [s for s in root.streams if s.component.name == "setuptools"]
        assert Version("77") <= setuptools.version < Version("82")
        assert setuptools.package == "python3-setuptools80"
    compiler = "intel-oneapi-compiler-dpcpp-cpp-2026.1"
    assert compiler in asked["xpu"]
    assert {"intel-ocloc", "oneapi-level-zero-devel"} <= asked["xpu"]
    assert compiler not in asked["cpu"]


# -- what belongs to this torch --------------------------------------------------------------------


PAIRED = """
[[source]]
component = "app"
purl = "pkg:github/example/app@v{version}"
[[group]]
name = "app"
leader = "app"
[[group.pairing]]
version = "1"
constrains = ["companion >=2"]
"""


def test_the_companions_of_an_application_are_those_that_its_group_pairs_it_with(
    tmp_path: Path,
) -> None:
    """As torch leads its group: the base's older companion states nothing, and is refused."""
    base = [python("3.14"), dist("companion", "1")]
    upstream = [release("app", "1", "companion", sdist=False), release("companion", "2")]
    companion = SmallWorld(base, upstream, profile(PAIRED)).plan(tmp_path).stream("companion")
    assert companion is not None
    assert (companion.origin, str(companion.version)) == (Origin.PRIVATE, "2")
    without = SmallWorld(base, upstream, profile()).plan(tmp_path).stream("companion")
    assert without is not None
    assert (without.origin, str(without.version)) == (Origin.BASE, "1")


def test_an_application_without_sdist_comes_from_its_repository_where_the_profile_names_one(
    tmp_path: Path,
) -> None:
    base = [python("3.14")]
    for sdist, text, source in (
        (False, PAIRED, ("pkg:github/example/app@v1", "")),
        (True, PAIRED, ("pkg:pypi/app@1", "app-1.tar.gz")),
        (False, "", ("pkg:pypi/app@1", "app-1-py3-none-any.whl")),
    ):
        world = SmallWorld(base, [release("app", "1", sdist=sdist)], profile(text))
        app = world.plan(tmp_path).stream("app")
        assert app is not None
        assert (app.source.purl, app.source.filename) == source


def test_another_toolkit_than_torch_pins_is_refused_for_three_reasons() -> None:
    request = PlanRequest("pytorch", variant="cuda", base="fedora-45", offline=True)
    answer = why_not(request, "accelerator:cuda==13.0")
    assert answer.failure is not None
    about = {found.about.spelled: found for found in answer.failure.conflicts}
    assert about.keys() == {"accelerator:cuda", "cuda-toolkit", "package:glibc"}
    last = {str(chain[-1].requirement) for chain in about["cuda-toolkit"].chains}
    pinned = required("pytorch", "torch", "2.15.0", "3.15")["cuda-toolkit"]
    assert any(text.endswith(str(pinned.specifier)) for text in last)
    assert number(packages("pytorch", "fedora-45")["glibc"]) >= Version("2.42")


# -- what is shipped -------------------------------------------------------------------------------


def test_the_profile_is_listed_and_names_what_its_source_takes_in() -> None:
    assert "pytorch" in list_profiles()
    loaded = load_profile("pytorch")
    everywhere = {source.name for source in loaded.bundled if not source.variants}
    assert {"fbgemm", "oneDNN", "kineto", "pybind11"} <= everywhere
    only = {source.name: source.variants for source in loaded.bundled if source.variants}
    assert only["NCCL"] == ("cuda",)
    assert only["AOTriton"] == ("rocm",)
    assert only["torch-xpu-ops"] == ("xpu",)
    assert all(source.purl.startswith("pkg:github/") for source in loaded.bundled)


def test_the_extracts_are_small_and_name_no_machine() -> None:
    files = sorted((PROFILES / "pytorch").rglob("*.jsonl"))
    assert len(files) == 3
    assert sum(path.stat().st_size for path in files) < 500_000
    for path in files:
        assert "://" not in path.read_text("utf-8")
