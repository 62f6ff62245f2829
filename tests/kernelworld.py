"""Kernels as bases ship them, a base with them on disk, and pairs told in a few lines.

world = KernelWorld(tmp_path, monkeypatch, capsys)
world.ships_kernel("6.19.0")
assert world.run("lock", "nvidia-open", "--base", "./base", "-o", "n.json").code == 0
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import define, evolve
from packaging.version import Version

from streamsolve.model.component import Component, Kind
from streamsolve.model.kernel import KernelPair, KernelStage, KernelStep
from streamsolve.model.package import Package
from streamsolve.model.plan import Plan

from .commandworld import CommandWorld
from .smallworld import package
from .specworld import need, private, spec_plan

__all__ = [
    "MODULE",
    "RELEASE",
    "KernelWorld",
    "kernel",
    "pair_plan",
    "release_of",
    "small_pair",
]

RELEASE = "1.fc45"
MODULE = Component(Kind.KERNEL_MODULE, "nvidia-open")
TOOLS = (
    "elfutils-libelf-devel",
    "gcc",
    "gcc-c++",
    "gzip",
    "kernel-rpm-macros",
    "kmod",
    "make",
    "openssl",
    "xz",
)


def release_of(version: str, release: str = RELEASE) -> str:
    """What ``uname -r`` prints in a kernel."""
    return f"{version}-{release}.x86_64"


def kernel(
    version: str,
    *,
    name: str = "kernel",
    release: str = RELEASE,
    devel: bool = True,
    uname: bool = True,
    symbols: Mapping[str, int] | None = None,
) -> tuple[Package, ...]:
    """The packages of one build of a kernel. Without ``uname`` none provides what ``uname -r``
    prints, as in metadata that is made from specs; ``symbols`` have checksums."""
    evr, shown = f"{version}-{release}", release_of(version, release)
    known = tuple(f"kernel({one}) = {crc:#010x}" for one, crc in (symbols or {}).items())
    found = [
        _package(name, evr, requires=[f"{name}-core-uname-r = {shown}"] if uname else []),
        _package(
            f"{name}-core",
            evr,
            provides=[
                *known,
                *([f"{name}-uname-r = {shown}", f"{name}-core-uname-r = {shown}"] if uname else []),
            ],
        ),
        _package(
            f"{name}-devel",
            evr,
            provides=[f"{name}-devel-uname-r = {shown}"] if uname else [],
            requires=["gcc", "make"],
        ),
    ]
    return tuple(found if devel else found[:2])


def _package(
    name: str, evr: str, *, provides: Iterable[str] = (), requires: Iterable[str] = ()
) -> Package:
    one = package(name, "1", requires=requires, source="kernel")
    return evolve(one, evr=evr, arch="x86_64", provides=(f"{name} = {evr}", *provides), size=100)


@define
class KernelWorld(CommandWorld):
    """A base with what building a module takes, and no kernel yet."""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        for name in TOOLS:
            self.has(package(name))

    def ships_kernel(self, version: str, **words: Any) -> None:
        """Let the base ship a kernel in the place of any other."""
        for one in kernel(version, **words):
            self.has(one)

    def lacks(self, *names: str) -> None:
        """Let the base ship none of these."""
        for name in names:
            del self.packages[name]

    def locks(self, *words: str, base: str = "./base", file: str = "n.lock.json") -> Path:
        """Lock the module; that it cannot be is a failure of the test."""
        ran = self.run("lock", "nvidia-open", "--base", base, "-o", file, *words)
        assert ran.code == 0, ran.err + ran.out
        return self.directory / file


def small_pair(**change: Any) -> KernelPair:
    """A pair by hand, with parts of it changed."""
    pair = KernelPair(
        module=MODULE,
        version=Version("610.57.4"),
        written="610.57.04",
        package=f"kmod-nvidia-open-{release_of('6.19.0')}",
        kernel="kernel",
        evr=f"6.19.0-{RELEASE}",
        release=release_of("6.19.0"),
        binding=f"kernel-uname-r = {release_of('6.19.0')}",
        headers=f"kernel-devel-uname-r = {release_of('6.19.0')}",
        make=("modules", "SYSSRC={headers}"),
        stages=tuple(KernelStage(step, "build-x") for step in KernelStep),
        stands_for="kernel-module:nvidia-driver",
        cuda=(Version("12.0"), Version("13.0")),
    )
    return evolve(pair, **change)


def pair_plan(pair: KernelPair, *, purl: str = "", needs: Iterable[str] = ()) -> Plan:
    """A plan of a module with its kernel, made by hand."""
    name = pair.module.spelled
    plan = spec_plan(
        private(
            name,
            str(pair.version),
            package=pair.package,
            purl=purl or "pkg:github/NVIDIA/open-gpu-kernel-modules@610.57.04",
            filename="",
            licence="MIT AND GPL-2.0-only",
        ),
        application=pair.module.name,
        needs={name: [need(text) for text in (pair.headers, *needs)]},
        requires={name: [pair.binding]},
    )
    assert plan.builds is not None
    runtime = plan.builds.runtime
    version, _, release = pair.evr.rpartition("-")
    held = tuple(evolve(one, repository="fedora") for one in kernel(version, release=release)[:2])
    packages = tuple(sorted((*runtime.packages, *held)))
    builds = evolve(plan.builds, runtime=evolve(runtime, packages=packages))
    return evolve(plan, builds=builds, kernel_pair=pair)
