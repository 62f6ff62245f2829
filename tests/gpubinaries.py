"""GPU binaries, written field by field: fat binaries, bundles, code objects, and what holds them.

No code in them runs: only what says for which GPU it is made is real.
"""

from __future__ import annotations

import struct
import subprocess
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import zstandard

__all__ = [
    "amd_object",
    "bundle",
    "compressed",
    "cubin",
    "fatbin",
    "library",
    "ptx",
    "sass",
    "wheel_file",
]

PTX, ELF, LTO = 1, 2, 8
HOST = ("host-x86_64-unknown-linux-gnu-", b"")
HIP = "hipv4-amdgcn-amd-amdhsa--"


def elf(machine: int, flags: int, abi: int = 0, osabi: int = 0, size: int = 200) -> bytes:
    """A little-endian ELF file of 64 bits without any section."""
    ident = b"\x7fELF" + bytes([2, 1, 1, osabi, abi]) + bytes(7)
    rest = struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 0, 0, flags, 64, 0, 0, 64, 0, 0)
    return (ident + rest).ljust(size, b"\xaa")


def cubin(number: int, *, bound: bool = False, abi: int = 8) -> bytes:
    """A code object of NVIDIA's, as CUDA 13 writes it, or with 7 as CUDA 12 did."""
    if abi == 7:
        return elf(190, number << 16 | 0x500 | (0x800 if bound else 0) | number, 7, 51)
    return elf(190, 0x06000000 | number << 8 | 0x4 | (0x8 if bound else 0), abi, 65)


def amd_object(machine: int, features: int = 0x500) -> bytes:
    """A code object of AMD's (version 5) by its number."""
    return elf(224, machine | features, 3, 64)


def entry(kind: int, number: int, code: bytes, flags: int, *, more: bytes = b"") -> bytes:
    """An entry of a fat binary, with ``more`` after its header."""
    padded = code.ljust(-(-len(code) // 8) * 8, b"\0")
    head = struct.pack(
        "<HHIQIIHHIIIQQQ",
        kind, 0x101, 64 + len(more), len(padded), len(code), 0x40 if more else 0,
        8, 1, number, 64, 0, flags | 0x11, 0, 4 * len(code),
    )  # fmt: skip
    return head + more + padded


def sass(number: int, *, suffix: str = "", code: bytes = b"compressed code") -> bytes:
    """Machine code; the newer architectures have longer headers."""
    flags = {"": 0, "a": 0x100000, "f": 0x200000}[suffix] | 0x8000
    return entry(ELF, number, code, flags, more=bytes(48) if number >= 100 else b"")


def ptx(number: int, code: bytes = b"LZ4 of PTX") -> bytes:
    """PTX, compressed as CUDA 12 does."""
    return entry(PTX, number, code, 0x2000)


def fatbin(*entries: bytes) -> bytes:
    """A container of entries."""
    content = b"".join(entries)
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(content)) + content


def bundle(entries: Iterable[tuple[str, bytes]], alignment: int = 4096) -> bytes:
    """An offload bundle; each entry's code at an aligned place."""
    entries = [HOST, *((HIP + name if ":" in name or name[:3] == "gfx" else name, code)
                       for name, code in entries)]  # fmt: skip
    size = 32 + sum(24 + len(name) for name, _ in entries)
    table, body, at = b"", b"", -(-size // alignment) * alignment
    start = at
    for name, code in entries:
        table += struct.pack("<QQQ", at, len(code), len(name)) + name.encode()
        padded = code.ljust(-(-len(code) // alignment) * alignment, b"\0")
        body += padded
        at += len(padded)
    head = b"__CLANG_OFFLOAD_BUNDLE__" + struct.pack("<Q", len(entries)) + table
    return head.ljust(start, b"\0") + body


def compressed(content: bytes, version: int, method: str) -> bytes:
    """A bundle in a compressed one of that version, with zlib or zstd."""
    packed = zlib.compress(content) if method == "zlib" else zstandard.compress(content)
    number = ("zlib", "zstd").index(method)
    sizes = {1: "<I", 2: "<II", 3: "<QQ"}[version]
    total = 8 + struct.calcsize(sizes) + 8 + len(packed)
    numbers = (len(content),) if version == 1 else (total, len(content))
    head = b"CCOB" + struct.pack("<HH", version, number) + struct.pack(sizes, *numbers)
    return head + b"MD5 sum." + packed


def library(directory: Path, sections: Mapping[str, bytes], name: str = "libx.so") -> Path:
    """A real shared library, linked by gcc, with sections added by objcopy."""
    source, made = directory / "x.c", directory / name
    source.write_text("int answer(void) { return 42; }\n")
    run("gcc", "-shared", "-fPIC", "-o", made, source)
    for number, (section, content) in enumerate(sections.items()):
        file = directory / f"section{number}"
        file.write_bytes(content)
        flags = f"{section}=alloc,readonly"
        run("objcopy", "--add-section", f"{section}={file}", "--set-section-flags", flags, made)
        file.unlink()
    source.unlink()
    return made


def run(*command: object) -> None:
    subprocess.run([*map(str, command)], check=True, capture_output=True, timeout=120)


def wheel_file(
    directory: Path,
    name: str,
    version: str,
    files: Mapping[str, bytes],
    requires: Iterable[str] = (),
    *,
    deflated: bool = True,
) -> Path:
    """A wheel with some files."""
    path = directory / f"{name}-{version}-cp314-cp314-linux_x86_64.whl"
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {each}" for each in requires]
    method = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method) as archive:
        for member, content in files.items():
            archive.writestr(member, content)
        archive.writestr(f"{name}-{version}.dist-info/METADATA", "\n".join(lines) + "\n")
    return path
