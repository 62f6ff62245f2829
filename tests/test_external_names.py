"""What a third party's package is called where its name has the numbers of another stream."""

from __future__ import annotations

from pathlib import Path

import pytest

from .buildworld import BuildWorld, interpreter, names_in, sdist
from .smallworld import profile, release

CUBLAS = """
[[external]]
component = "nvidia-cublas"
package = "libcublas-{major}-{minor}"
repository = "cuda"
licence = "LicenseRef-NVIDIA-Proprietary"
follows = "accelerator:cuda"
[[component]]
component = "accelerator:cuda"
"""
STREAM = """
[[component.stream]]
version = "{version}"
origin = "external"
package = "cuda-toolkit-{dashed}"
repository = "cuda"
evidence = "a test"
"""
NEEDS_12 = '[[build]]\ncomponent = "other"\nrequires = []\nneeds = ["accelerator:cuda ==12.9"]\n'
CUDA_13 = '["accelerator:cuda ==13.0"]'


def cuda(*more: str) -> str:
    streams = (STREAM.format(version=v, dashed=v.replace(".", "-")) for v in ("12.9", "13.0"))
    return "".join((CUBLAS, *streams, *more))


def world(text: str, *, needs: str = CUDA_13, build: str = "lib", run: str = "lib") -> BuildWorld:
    """An application that needs ``run`` and ``other``, whose build needs ``build``: a library on
    NVIDIA's cuBLAS 13.1, or that itself. Nothing says that CUDA is in the build root."""
    listed, metadata = release(
        "nvidia-cublas", "13.1.1.3", sdist=False, licence="LicenseRef-NVIDIA-Proprietary"
    )
    return BuildWorld(
        interpreter("3.14"),
        [
            sdist("app", "1", run, "other"),
            sdist("lib", "1", "nvidia-cublas"),
            sdist("other", "1", build=build),
            (listed, metadata, None),
        ],
        profile(text, needs=needs),
    )


def test_in_a_build_root_without_its_leader_it_has_the_numbers_of_the_runtime_root_s(
    tmp_path: Path,
) -> None:
    plan = world(cuda()).plan(tmp_path)
    assert "libcublas-13-0" in names_in(plan, "other@1")
    assert "libcublas-13-1" not in names_in(plan, "other@1")
    assert "cuda-toolkit-13-0" not in names_in(plan, "other@1")
    assert plan.isolation is not None
    assert plan.isolation.leaks == ()


def test_the_leader_of_the_build_root_itself_comes_first(tmp_path: Path) -> None:
    plan = world(cuda(NEEDS_12), build="nvidia-cublas").plan(tmp_path)
    assert "libcublas-12-9" in names_in(plan, "other@1")
    assert "libcublas-13-0" not in names_in(plan, "other@1")
    assert "libcublas-13-0-13.1.1.3-0.streamsolve.x86_64" in plan.runtime_packages
    assert plan.isolation is not None
    assert plan.isolation.leaks == ()


def test_a_library_made_for_one_leader_is_not_put_beside_another(tmp_path: Path) -> None:
    failure = world(cuda(NEEDS_12)).failure(tmp_path)
    told = {text for conflict in failure.conflicts for text in conflict.packages}
    assert "python3-lib-1-0.streamsolve.x86_64 needs libcublas-13-0, which nothing provides" in told


@pytest.mark.parametrize(
    ("run", "build"), [("lib", "lib"), ("other", "nvidia-cublas")], ids=["run time", "build"]
)
def test_where_no_root_has_its_leader_there_is_no_plan_and_it_is_named(
    tmp_path: Path, run: str, build: str
) -> None:
    failure = world(cuda(), needs="[]", build=build, run=run).failure(tmp_path)
    told = " ".join(text for conflict in failure.conflicts for text in conflict.packages)
    assert "libcublas-{major}-{minor} of nvidia-cublas 13.1.1.3 is named by the stream of " in told
    assert "accelerator:cuda, and nothing that needs it brings one" in told
