"""The processors: architecture, model, and the level of the x86-64 ABI.

Levels are those of the x86-64 psABI, by the names that Linux has for the features in
``/proc/cpuinfo``. Arm's cores are told by implementer and part, as in the kernel's cputype.h.
"""

from __future__ import annotations

import re

from ..model.host import Cpu
from .host import CarefulHost, shown

__all__ = ["examine_cpu"]

_LEVELS = (
    ("x86-64-v1", "lm cmov cx8 fpu fxsr mmx syscall sse sse2"),
    ("x86-64-v2", "cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3"),
    ("x86-64-v3", "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"),
    ("x86-64-v4", "avx512f avx512bw avx512cd avx512dq avx512vl"),
)
_ARM_CORES = {
    ("0x41", "0xd0c"): "Arm Neoverse N1",
    ("0x41", "0xd40"): "Arm Neoverse V1",
    ("0x41", "0xd49"): "Arm Neoverse N2",
    ("0x41", "0xd4f"): "Arm Neoverse V2",
    ("0x41", "0xd84"): "Arm Neoverse V3",
    ("0x4e", "0x010"): "NVIDIA Olympus",
}
_ARCH = re.compile(r"[a-z0-9_]{3,20}")


def examine_cpu(host: CarefulHost) -> Cpu:
    """What ``/proc`` and ``uname`` say of the processors."""
    arch = host.line("/proc/sys/kernel/arch") or shown(host.heard("uname", "-m"))
    entries = [
        (key.strip().lower(), value.strip())
        for key, colon, value in (
            line.partition(":") for line in host.text("/proc/cpuinfo").splitlines()
        )
        if colon
    ]
    first: dict[str, str] = {}
    for key, value in entries:
        first.setdefault(key, value)
    count = sum(key == "processor" for key, _ in entries)
    if not _ARCH.fullmatch(arch):
        arch = "x86_64" if "lm" in first.get("flags", "").split() else ""
    return Cpu(arch, shown(_model(first)), _level(first.get("flags", "")), count)


def _model(first: dict[str, str]) -> str:
    if "model name" in first:
        return first["model name"]
    implementer, part = first.get("cpu implementer", ""), first.get("cpu part", "")
    if known := _ARM_CORES.get((implementer, part)):
        return known
    return f"implementer {implementer}, part {part}" if implementer and part else ""


def _level(flags: str) -> str:
    """The highest level of which, and of all below, every feature is there."""
    have, found = set(flags.split()), ""
    for name, features in _LEVELS:
        if not set(features.split()) <= have:
            break
        found = name
    return found
