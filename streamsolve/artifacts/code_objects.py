"""GPU code that is an ELF file of its own: what machine its header names.

Sources: LLVM's user guide for its AMDGPU backend for AMD's numbers. NVIDIA documents none of its
own; they are what its code objects of CUDA 12.8 and 13 have. With ABI version 7 the number is in
the low byte of the flags, with 8 in the next one; one bit says that it is bound to its capability
(``sm_103a``), but it is not set in all that are, and nothing says ``f``.
"""

from __future__ import annotations

import struct

from ..model.gpu import CodeKind

__all__ = ["EMBEDDED", "MAGIC", "PROCESSORS", "SIZE", "code_object", "is_elf"]

MAGIC = b"\x7fELF"
EMBEDDED = MAGIC + b"\x02\x01\x01"
"""The beginning of a little-endian one of 64 bits, as all that are still made are."""

SIZE = 64
"""How much of the file has to be at hand."""

_WIDE, _LITTLE, _CURRENT = 2, 1, 1
_CUDA, _AMDGPU = 190, 224
_NEW_ABI = 8
_FLAGS_64, _FLAGS_32 = 48, 36
_MACHINE = 18

# The field MACH of the flags.
PROCESSORS = {
    0x20: "gfx600", 0x21: "gfx601", 0x3A: "gfx602", 0x22: "gfx700", 0x23: "gfx701",
    0x24: "gfx702", 0x25: "gfx703", 0x26: "gfx704", 0x3B: "gfx705", 0x28: "gfx801",
    0x29: "gfx802", 0x2A: "gfx803", 0x3C: "gfx805", 0x2B: "gfx810", 0x2C: "gfx900",
    0x2D: "gfx902", 0x2E: "gfx904", 0x2F: "gfx906", 0x30: "gfx908", 0x31: "gfx909",
    0x3F: "gfx90a", 0x32: "gfx90c", 0x40: "gfx940", 0x4B: "gfx941", 0x4C: "gfx942",
    0x4F: "gfx950", 0x33: "gfx1010", 0x34: "gfx1011", 0x35: "gfx1012", 0x42: "gfx1013",
    0x36: "gfx1030", 0x37: "gfx1031", 0x38: "gfx1032", 0x39: "gfx1033", 0x3E: "gfx1034",
    0x3D: "gfx1035", 0x45: "gfx1036", 0x41: "gfx1100", 0x46: "gfx1101", 0x47: "gfx1102",
    0x44: "gfx1103", 0x43: "gfx1150", 0x4A: "gfx1151", 0x55: "gfx1152", 0x58: "gfx1153",
    0x5D: "gfx1170", 0x5E: "gfx1171", 0x5C: "gfx1172", 0x48: "gfx1200", 0x4E: "gfx1201",
    0x49: "gfx1250", 0x5A: "gfx1251", 0x50: "gfx1310", 0x51: "gfx9-generic",
    0x5F: "gfx9-4-generic", 0x52: "gfx10-1-generic", 0x53: "gfx10-3-generic",
    0x54: "gfx11-generic", 0x59: "gfx12-generic", 0x5B: "gfx12-5-generic",
}  # fmt: skip
_XNACK = {0x200: ":xnack-", 0x300: ":xnack+"}
_SRAMECC = {0x800: ":sramecc-", 0xC00: ":sramecc+"}
_OLD_AMD_ABI = 2


def is_elf(head: bytes) -> bool:
    """Whether a file with this beginning is an ELF file that could be read."""
    return (
        len(head) >= SIZE
        and head.startswith(MAGIC)
        and head[4] in (1, _WIDE)
        and head[5] == _LITTLE
        and head[6] == _CURRENT
        and head[20:24] == b"\x01\0\0\0"
    )


def code_object(head: bytes) -> tuple[str, CodeKind] | None:
    """The architecture of a code object by its beginning; None for any other file.

    One for an AMD processor that is not known here is named by its number (``gfx?0x6f``).
    """
    if not is_elf(head):
        return None
    (machine,) = struct.unpack_from("<H", head, _MACHINE)
    (flags,) = struct.unpack_from("<I", head, _FLAGS_64 if head[4] == _WIDE else _FLAGS_32)
    abi = head[8]
    if machine == _CUDA:
        number, bound = (flags >> 8, 0x8) if abi >= _NEW_ABI else (flags, 0x800)
        return f"sm_{number & 0xFF}{'a' if flags & bound else ''}", CodeKind.MACHINE
    if machine == _AMDGPU:
        name = PROCESSORS.get(flags & 0xFF, f"gfx?{flags & 0xFF:#x}")
        if abi >= _OLD_AMD_ABI:
            name += _SRAMECC.get(flags & 0xC00, "") + _XNACK.get(flags & 0x300, "")
        return name, CodeKind.MACHINE
    return None
