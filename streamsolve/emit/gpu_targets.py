"""For which GPU architectures a build is told to make code: the variables that upstreams read.

A lock's matrix names architectures as the vendors do; each build system has a spelling of its own.
What is written for whom is one table. Sources: PyTorch's ``torch.utils.cpp_extension`` and its
build's CMake files, CMake's manual (``CUDAARCHS``), FlashInfer's and hipcc's documentation, and the
macros of Fedora's ``rocm-rpm-macros``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from attrs import frozen

from ..model.artifacts import GpuMatrix
from ..model.build import Build, Root
from ..model.component import Kind
from ..model.gpu import vendor_of

__all__ = ["gpu_environment", "gpu_macros", "has_gpu_compiler", "targets_of", "targets_of_root"]

_COMPILER = re.compile(r"cuda-nvcc(?:-\d+)*|hipcc|rocm-clang")
"""Packages that compile for GPUs."""

_NVIDIA = re.compile(r"(?P<form>sm|compute)_(?P<major>\d+)(?P<minor>\d)(?P<suffix>[af]?)")


def _torch(name: str) -> str:
    """``sm_90a`` as ``9.0a``, ``compute_90`` as ``9.0+PTX``: PyTorch knows PTX only beside code."""
    found = _NVIDIA.fullmatch(name)
    if found is None:
        return name
    tail = "+PTX" if found["form"] == "compute" else ""
    return f"{found['major']}.{found['minor']}{found['suffix']}{tail}"


def _cmake(name: str) -> str:
    """``sm_90a`` as ``90a-real``, ``compute_90`` as ``90-virtual``."""
    form, _, number = name.partition("_")
    return f"{number}-{'virtual' if form == 'compute' else 'real'}"


def _vendors(name: str) -> str:
    return name


@frozen
class _Row:
    """Who reads what: a variable or macro, whose GPUs, how each is spelled, what stands between."""

    name: str
    vendor: str
    spelled: Callable[[str], str]
    between: str
    quote: str = ""

    def value(self, targets: Iterable[str]) -> str:
        """The value for these architectures; empty where none is of the vendor."""
        own = (self.spelled(each) for each in targets if vendor_of(each) == self.vendor)
        words = list(dict.fromkeys(own))
        # `9.0+PTX` stands for `9.0` as well.
        words = [word for word in words if f"{word}+PTX" not in words]
        return f"{self.quote}{self.between.join(words)}{self.quote}" if words else ""


_VARIABLES = (
    _Row("AMDGPU_TARGETS", "amd", _vendors, ";"),
    _Row("CMAKE_CUDA_ARCHITECTURES", "nvidia", _cmake, ";"),
    _Row("CUDAARCHS", "nvidia", _cmake, ";"),
    _Row("FLASHINFER_CUDA_ARCH_LIST", "nvidia", _torch, " "),
    _Row("GPU_TARGETS", "amd", _vendors, ";"),
    _Row("HCC_AMDGPU_TARGET", "amd", _vendors, ","),
    _Row("PYTORCH_ROCM_ARCH", "amd", _vendors, ";"),
    _Row("TORCH_CUDA_ARCH_LIST", "nvidia", _torch, ";"),
)
# Fedora's specs write it into commands as it is, so the quotes are a part of it.
_MACROS = (_Row("%rocm_gpu_list_default", "amd", _vendors, ";", '"'),)


def gpu_environment(targets: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The variables of a build for these architectures, sorted; they have been checked before."""
    return _filled(_VARIABLES, tuple(targets))


def gpu_macros(targets: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The macros, with their ``%``, that a base's own specs read, sorted."""
    return _filled(_MACROS, tuple(targets))


def has_gpu_compiler(root: Root) -> bool:
    """Whether anything in a root compiles for GPUs."""
    return any(stream.component.kind is Kind.ACCELERATOR for stream in root.streams) or any(
        _COMPILER.fullmatch(package.name) for package in root.packages
    )


def targets_of(component: str, matrix: GpuMatrix) -> tuple[str, ...]:
    """What a stream is built for: its own list, else that of all."""
    return matrix.of.get(component) or matrix.architectures


def targets_of_root(root: Root, builds: Iterable[Build], matrix: GpuMatrix) -> tuple[str, ...]:
    """What all builds in a root are told; nothing where nothing there compiles for GPUs. Where they
    are built for different architectures it is what holds for all streams."""
    if not has_gpu_compiler(root):
        return ()
    lists = {
        targets_of(build.component.spelled, matrix) for build in builds if build.root == root.id
    }
    if not lists:
        return ()
    return lists.pop() if len(lists) == 1 else matrix.architectures


def _filled(rows: Iterable[_Row], targets: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((row.name, value) for row in rows if (value := row.value(targets)))
