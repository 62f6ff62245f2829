"""What a base's metadata says of its kernels, read off their packages.

``kernel-uname-r`` and ``kernel-devel-uname-r`` are taken where they are provided, versions and
releases where they are not.
"""

from __future__ import annotations

import re

from ..model.kernel import KernelHeaders, KnownKernel
from ..model.package import Package
from ..model.rpm_dependency import split_capability
from ..solving import PackagePool

__all__ = ["known_kernel"]

_PARTS = ("-core", "-modules-core", "-modules", "")
"""The packages of one build of a kernel that say what it is and which symbols it has."""

_SYMBOL = re.compile(r"kernel\([^)]+\) = 0x[0-9a-f]+")
_ASSUMED = "external"


def known_kernel(pool: PackagePool, package: Package, *, whole: bool = True) -> KnownKernel:
    """What a base's metadata says of the kernel whose main package is given. Where it is not the
    ``whole`` metadata of a base, what is not in it says nothing."""
    parts = [
        part
        for suffix in _PARTS
        for part in pool.named(f"{package.name}{suffix}")
        if part.evr == package.evr and part.arch == package.arch
    ]
    release = f"{package.version}-{package.release}.{package.arch}"
    binding = f"{package.name} = {package.evr}"
    for text in (text for part in parts for text in part.provides):
        name, op, value = split_capability(text)
        if op == "=" and name in (f"{package.name}-uname-r", "kernel-uname-r"):
            release, binding = value, text
            break
    symbols = {text for part in parts for text in part.provides if _SYMBOL.fullmatch(text)}
    headers = _headers(pool, package, release, whole)
    return KnownKernel(package.name, package.evr, release, binding, headers, len(symbols))


def _headers(pool: PackagePool, package: Package, release: str, whole: bool) -> KernelHeaders:
    name = f"{package.name}-devel"
    for asked in (f"{name}-uname-r = {release}", f"kernel-devel-uname-r = {release}"):
        if any(each.evr == package.evr for each in pool.providers(asked)):
            return KernelHeaders(asked)
    asked = f"{name} = {package.evr}"
    listed = pool.named(name)
    if any(each.evr == package.evr for each in listed):
        return KernelHeaders(asked)
    if listed:
        return KernelHeaders(asked, others=tuple(each.evr for each in listed))
    if not whole:
        return KernelHeaders(asked)
    return KernelHeaders(asked, Package(name, package.evr, package.arch, _ASSUMED, (asked,)))
