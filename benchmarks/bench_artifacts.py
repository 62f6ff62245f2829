"""How fast GPU architectures are read, against what digesting the same bytes takes.

Prints MB/s and ratios to sha256 of the same file in the same run, for files made here from a fixed
seed: a library with the density of code of real ones, plain, in a stored and in a deflated wheel,
and in a static archive, and one without GPU code. FILEs that are given are read instead. Times
are of the processor, from files that are in memory. Run it with
``python benchmarks/bench_artifacts.py [FILE...]``.
"""

from __future__ import annotations

import hashlib
import random
import statistics
import struct
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from streamsolve.artifacts import code_of_file

RUNS = 5
TARGET = 100
HOST = 48 << 20
CONTAINERS = 400
NUMBERS = (75, 80, 86, 89, 90, 100, 120)


def fatbin(draw: random.Random) -> bytes:
    """A container of seven architectures with compressed code."""
    content = b""
    for number in NUMBERS:
        code = draw.randbytes(draw.randrange(2_000, 40_000) & ~7)
        content += struct.pack(
            "<HHIQIIHHIIIQQQ",
            2, 0x101, 64, len(code), len(code), 0, 8, 1, number, 64, 0, 0x8011, 0, 0,
        )  # fmt: skip
        content += code
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(content)) + content


def library(draw: random.Random, *, gpu: bool) -> bytes:
    """An ELF file: machine code that looks like such, and the containers."""
    head = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9) + struct.pack("<HHI", 3, 62, 1) + bytes(40)
    words = [draw.randbytes(draw.choice((2, 3, 4, 7))) for _ in range(4000)]
    text = b"".join(draw.choices(words, k=HOST // 4))
    return head + text + b"".join(fatbin(draw) for _ in range(CONTAINERS if gpu else 0))


def files(directory: Path) -> list[Path]:
    """What is measured."""
    draw = random.Random(4)
    content, host = library(draw, gpu=True), library(draw, gpu=False)
    made = {"libgpu.so": content, "libhost.so": host}
    for name, each in made.items():
        (directory / name).write_bytes(each)
    member = f"{'libgpu.o/':<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
    (directory / "libgpu.a").write_bytes(b"!<arch>\n" + member + content)
    for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(directory / f"{name}.whl", "w", method) as archive:
            archive.write(directory / "libgpu.so", "pkg/libgpu.so")
    return sorted(directory.iterdir())


def best(task: Callable[[Path], object], file: Path) -> float:
    """The median of some runs, in seconds of processor time."""
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        task(file)
        times.append(time.process_time() - start)
    return statistics.median(times)


def digest(file: Path) -> None:
    """What everybody does to a file."""
    with file.open("rb") as opened:
        hashlib.file_digest(opened, "sha256")


def size_of(file: Path) -> int:
    """Its bytes, those in an archive unpacked."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            return sum(info.file_size for info in archive.infolist())
    return file.stat().st_size


def main() -> int:
    """Measure, print, and end with 1 if any file is read slower than the target."""
    slow = False
    with tempfile.TemporaryDirectory() as directory:
        given = [Path(name) for name in sys.argv[1:]] or files(Path(directory))
        print(f"{'file':<24} {'MB':>7} {'MB/s':>8} {'sha256':>8} {'ratio':>6}")
        for file in given:
            size = size_of(file) / 1e6
            read, hashed = best(code_of_file, file), best(digest, file)
            speed, usual = size / read, file.stat().st_size / 1e6 / hashed
            row = f"{size:>7.1f} {speed:>8.0f} {usual:>8.0f} {speed / usual:>6.2f}"
            print(f"{file.name[-24:]:<24} {row}")
            slow = slow or speed < TARGET
    print(f"MB of what was looked at, per second; at least {TARGET} are wanted")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
