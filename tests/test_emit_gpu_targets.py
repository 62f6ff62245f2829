"""Builds are told for which GPUs to compile, each build system in its own words."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from packaging.version import Version

from streamsolve.emit import MockRepository, MockSettings, emit_mock, write_files
from streamsolve.emit.gpu_targets import gpu_environment, gpu_macros
from streamsolve.emit.specs import EmittedSpecs, emit_specs
from streamsolve.model.artifacts import GpuMatrix
from streamsolve.model.build import RootStream
from streamsolve.model.component import Origin
from streamsolve.model.plan import Plan

from .builders import component
from .mock_reader import configuration
from .specworld import private, run, spec_plan, written

KEY = "file:///usr/share/distribution-gpg-keys/small/KEY"
BASE = MockRepository("fedora", "https://base.test/$basearch/", gpgkeys=(KEY,))
MATRIX = GpuMatrix(("sm_80", "sm_90a", "compute_120"), {"torch": ("sm_90",), "none": ()})
SETTINGS = MockSettings("45", "fc45", (BASE,), gpu=MATRIX)
CUDA = RootStream(component("accelerator:cuda"), Version("13"), Origin.EXTERNAL, "cuda-toolkit-13")


def text(made: EmittedSpecs, stream: str) -> str:
    (spec,) = (each for each in made.specs if each.stream == stream)
    return made.files[spec.path].decode()


def plan_of(*names: str, compiles: tuple[str, ...] = ()) -> Plan:
    streams = [private(name, "1") for name in names]
    return spec_plan(*streams, tools=dict.fromkeys(compiles, (CUDA,)))


def environment(directory: Path, plan: Plan, root: str) -> dict[str, str]:
    write_files(directory, emit_mock(plan, SETTINGS))
    found = configuration(directory / "configs" / f"{root}.cfg", config_directory=directory)
    return dict(found.get("environment", {}))


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ((), {}),
        (
            ("sm_75", "sm_90a", "sm_100f", "compute_120"),
            {
                "CMAKE_CUDA_ARCHITECTURES": "75-real;90a-real;100f-real;120-virtual",
                "CUDAARCHS": "75-real;90a-real;100f-real;120-virtual",
                "FLASHINFER_CUDA_ARCH_LIST": "7.5 9.0a 10.0f 12.0+PTX",
                "TORCH_CUDA_ARCH_LIST": "7.5;9.0a;10.0f;12.0+PTX",
            },
        ),
        (
            ("gfx90a:xnack-", "gfx942", "gfx9-4-generic"),
            {
                "AMDGPU_TARGETS": "gfx90a:xnack-;gfx942;gfx9-4-generic",
                "GPU_TARGETS": "gfx90a:xnack-;gfx942;gfx9-4-generic",
                "HCC_AMDGPU_TARGET": "gfx90a:xnack-,gfx942,gfx9-4-generic",
                "PYTORCH_ROCM_ARCH": "gfx90a:xnack-;gfx942;gfx9-4-generic",
            },
        ),
    ],
)
def test_each_build_system_gets_its_own_words(
    targets: tuple[str, ...], expected: dict[str, str]
) -> None:
    assert dict(gpu_environment(targets)) == expected


def test_ptx_beside_machine_code_is_one_word_for_torch_and_two_for_cmake() -> None:
    found = dict(gpu_environment(("sm_90", "compute_90")))
    assert found["TORCH_CUDA_ARCH_LIST"] == "9.0+PTX"
    assert found["CUDAARCHS"] == "90-real;90-virtual"


def test_fedoras_own_specs_read_a_macro_that_is_quoted() -> None:
    assert gpu_macros(("gfx90a", "gfx942")) == (("%rocm_gpu_list_default", '"gfx90a;gfx942"'),)
    assert gpu_macros(("sm_90",)) == ()


def test_roots_that_compile_for_gpus_say_so_and_no_others(tmp_path: Path) -> None:
    plan = plan_of("torch", "vision", "plain", compiles=("torch", "vision"))
    assert environment(tmp_path, plan, "build-torch")["TORCH_CUDA_ARCH_LIST"] == "9.0"
    assert (
        environment(tmp_path, plan, "build-vision")["CUDAARCHS"] == "80-real;90a-real;120-virtual"
    )
    assert "CUDAARCHS" not in environment(tmp_path, plan, "build-plain")
    assert "CUDAARCHS" not in environment(tmp_path, plan, "runtime")


def test_an_empty_list_of_its_own_means_that_of_all(tmp_path: Path) -> None:
    found = environment(tmp_path, plan_of("none", compiles=("none",)), "build-none")
    assert found["TORCH_CUDA_ARCH_LIST"] == "8.0;9.0a;12.0+PTX"


def test_a_generated_spec_says_it_itself_and_runs_in_a_shell(tmp_path: Path) -> None:
    plan = plan_of("torch", "plain", compiles=("torch",))
    made = emit_specs(plan, SETTINGS)
    assert "CUDA" not in text(made, "plain@1")
    spec = written(tmp_path, made, "torch@1")
    parsed = run(tmp_path, ["rpmspec", "-P", str(spec)])
    build = parsed[parsed.index("%build") : parsed.index("%install")]
    exports = [line for line in build.splitlines() if line.startswith("export ")]
    script = "\n".join([*exports, 'echo "$TORCH_CUDA_ARCH_LIST|$CUDAARCHS"'])
    assert run(tmp_path, ["/bin/sh", "-euc", script]) == "9.0|90-real\n"


def test_a_wheel_is_compiled_already() -> None:
    wheel = private("torch", "1", filename="torch-1-cp314-cp314-linux_x86_64.whl", prebuilt=True)
    plan = spec_plan(wheel, tools={"torch": (CUDA,)})
    assert "CUDA_ARCH" not in text(emit_specs(plan, SETTINGS), "torch@1")


def test_without_a_matrix_nothing_is_said(tmp_path: Path) -> None:
    plan = plan_of("torch", compiles=("torch",))
    files = emit_mock(plan, evolve(SETTINGS, gpu=GpuMatrix()))
    assert b"ARCH_LIST" not in files["configs/build-torch.cfg"]
