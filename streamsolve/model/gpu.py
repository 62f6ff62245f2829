"""GPU architectures by name, what code there is for them, and which code runs where.

Names are the vendors': ``sm_90`` is machine code for NVIDIA's compute capability 9.0,
``compute_90`` is PTX for it, which the driver compiles when it is loaded; ``gfx942`` is machine
code for an AMD processor. A trailing ``a`` means this capability only, ``f`` all of its family.
AMD's names may have features (``gfx90a:xnack-``), and ``gfx9-4-generic`` stands for several
processors. Sources: NVIDIA's CUDA C++ Programming Guide (compute capabilities, binary and PTX
compatibility) and LLVM's user guide for its AMDGPU backend (processors, target features).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum

from attrs import frozen

__all__ = [
    "ANY_AMD",
    "CodeKind",
    "Cover",
    "Covered",
    "GpuCode",
    "GpuFile",
    "architecture_order",
    "coverage",
    "is_architecture",
    "vendor_of",
]

ANY_AMD = "amdgcnspirv"
"""SPIR-V that AMD's runtime compiles for any of its processors."""

_NVIDIA = re.compile(r"(?P<form>sm|compute)_(?P<number>[1-9][0-9]{1,2})(?P<suffix>[af]?)")
_AMD = re.compile(r"gfx(?P<major>[1-9][0-9]?)(?P<minor>[0-9a-f])(?P<step>[0-9a-f])(?P<rest>:.*)?")
_GENERIC = re.compile(r"gfx(?P<major>[1-9][0-9]?)(?:-(?P<minor>[0-9]))?-generic(?P<rest>:.*)?")
_FEATURES = re.compile(r"(?::(?:sramecc|xnack)[+-])*")
_MEMBERS = {
    "gfx9-generic": "gfx900 gfx902 gfx904 gfx906 gfx909 gfx90c",
    "gfx9-4-generic": "gfx940 gfx941 gfx942 gfx950",
    "gfx10-1-generic": "gfx1010 gfx1011 gfx1012 gfx1013",
    "gfx10-3-generic": "gfx1030 gfx1031 gfx1032 gfx1033 gfx1034 gfx1035 gfx1036",
    "gfx11-generic": "gfx1100 gfx1101 gfx1102 gfx1103 gfx1150 gfx1151 gfx1152 gfx1153",
    "gfx12-generic": "gfx1200 gfx1201",
    "gfx12-5-generic": "gfx1250 gfx1251",
}
# Embedded processors, whose code and that of the others of their generation do not mix.
_EMBEDDED = frozenset({53, 62, 72, 87, 101, 110})


class CodeKind(Enum):
    """What a file holds for an architecture.

    ``MACHINE`` code runs as it is; ``PORTABLE`` code (PTX, SPIR-V) is compiled by the driver.
    ``PACKED`` are kernels in an archive that is told by its name and not opened. An ``INDEX`` is a
    table about kernels, and no code. ``LINK`` is code that only a device linker can use.
    """

    MACHINE = "machine"
    PORTABLE = "portable"
    PACKED = "packed"
    INDEX = "index"
    LINK = "link"

    def __lt__(self, other: CodeKind) -> bool:
        return self.value < other.value


@frozen
class GpuCode:
    """Code for one architecture; ``pieces`` says how many code objects, modules or files."""

    architecture: str
    kind: CodeKind
    pieces: int = 1


@frozen
class GpuFile:
    """A file with GPU code. ``path`` is where it lies in its package, wheel or directory, and
    ``code`` is sorted by architecture."""

    path: str
    code: tuple[GpuCode, ...]

    @property
    def architectures(self) -> tuple[str, ...]:
        """What it has code for, machine code and portable code, sorted."""
        kinds = (CodeKind.MACHINE, CodeKind.PACKED, CodeKind.PORTABLE)
        found = {code.architecture for code in self.code if code.kind in kinds}
        return tuple(sorted(found, key=architecture_order))


class Cover(Enum):
    """How well an architecture is covered, best first: by code that was built for it; by machine
    code of an older or generic one that also runs there; by portable code; not at all."""

    NATIVE = "native"
    COMPATIBLE = "compatible"
    COMPILED = "compiled"
    NONE = "none"


@frozen
class Covered:
    """How an architecture is covered, and by what, sorted."""

    cover: Cover
    by: tuple[str, ...] = ()


def is_architecture(text: str) -> bool:
    """Whether it is the name of an architecture that code can be built for."""
    if text == ANY_AMD or _NVIDIA.fullmatch(text):
        return True
    found = _AMD.fullmatch(text) or _GENERIC.fullmatch(text)
    return found is not None and _FEATURES.fullmatch(found["rest"] or "") is not None


def vendor_of(architecture: str) -> str:
    """``nvidia`` or ``amd``."""
    return "nvidia" if _NVIDIA.fullmatch(architecture) else "amd"


def architecture_order(name: str) -> tuple[object, ...]:
    """A sort key: NVIDIA's by number, machine code first; then AMD's by generation; then others."""
    if found := _NVIDIA.fullmatch(name):
        return (0, found["form"] != "sm", int(found["number"]), 0, 0, found["suffix"])
    if found := _AMD.fullmatch(name):
        numbers = (int(found["major"]), int(found["minor"], 16), int(found["step"], 16))
        return (1, False, *numbers, found["rest"] or "")
    if found := _GENERIC.fullmatch(name):
        return (1, True, int(found["major"]), int(found["minor"] or 0), 0, found["rest"] or "")
    return (2, False, 0, 0, 0, name)


def coverage(wanted: str, have: Iterable[str]) -> Covered:
    """How an architecture is covered by code for others.

    A wanted ``compute_90`` is covered natively by PTX alone, since it is asked for newer GPUs than
    there are. A wanted ``sm_90`` is native where machine code names that number, whatever its
    suffix; with a suffix wanted, the suffix must be there. A wanted ``gfx90a`` is native with any
    features; with features wanted, by the same or by code without any.
    """
    found: dict[Cover, set[str]] = {}
    for name in have:
        found.setdefault(_cover(wanted, name), set()).add(name)
    for cover in (Cover.NATIVE, Cover.COMPATIBLE, Cover.COMPILED):
        if cover in found:
            return Covered(cover, tuple(sorted(found[cover], key=architecture_order)))
    return Covered(Cover.NONE)


def _cover(wanted: str, have: str) -> Cover:
    if wanted == have:
        return Cover.NATIVE
    one, other = _NVIDIA.fullmatch(wanted), _NVIDIA.fullmatch(have)
    if one and other:
        return _nvidia(one, other)
    if one or other:
        return Cover.NONE
    return _amd(wanted, have)


def _nvidia(wanted: re.Match[str], have: re.Match[str]) -> Cover:
    number, built = int(wanted["number"]), int(have["number"])
    machine = have["form"] == "sm"
    if wanted["form"] == "compute":
        return Cover.NONE
    if machine and number == built and not wanted["suffix"]:
        return Cover.NATIVE
    # What is asked for with a suffix has instructions that code without that suffix cannot use.
    if wanted["suffix"] and wanted["suffix"] != have["suffix"]:
        return Cover.NONE
    if not _runs(number, built, have["suffix"], machine=machine):
        return Cover.NONE
    return Cover.COMPATIBLE if machine else Cover.COMPILED


def _runs(number: int, built: int, suffix: str, *, machine: bool) -> bool:
    """Whether a GPU of one number can use code of another: with ``a`` only its own, with ``f`` and
    machine code only newer ones of the generation, plain PTX all newer ones."""
    if suffix == "a":
        return number == built
    if suffix == "f" or machine:
        if machine and not suffix and number != built and {number, built} & _EMBEDDED:
            return False
        return number // 10 == built // 10 and number >= built
    return number >= built


def _amd(wanted: str, have: str) -> Cover:
    if have == ANY_AMD:
        return Cover.COMPILED
    processor, _, features = wanted.partition(":")
    other, _, others = have.partition(":")
    if processor == other and (not features or not others):
        return Cover.NATIVE
    if processor in _MEMBERS.get(other, "").split() and (not features or not others):
        return Cover.COMPATIBLE
    return Cover.NONE
