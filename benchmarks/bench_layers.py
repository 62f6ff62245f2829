"""How fast layers are made, against ``rpm2archive`` with ``gzip`` or ``zstd`` on the same packages.

Prints MB/s of what the packages hold, and how many times longer rpm's own tool takes in the same
run (more than 1: faster here): by the clock, by the clock where ``sha256sum`` makes the two digests
of a layer as well, and in processor time. What is made here has those digests, is checked file by
file, and is laid out as an image. Then how large the result is beside theirs, the load of the
machine, the most memory that was needed, and what reading alone takes. All are run in turn, and the
least of each counts: on a machine that does other things too, run it again.

The packages are made here from a fixed seed, by rpmbuild: one large library, many small files, and
several of both. Run it with ``python benchmarks/bench_layers.py``.
"""

from __future__ import annotations

import os
import random
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

RUNS = 5
COMPRESSORS = (("gzip", "gzip -n"), ("zstd", "zstd -q -3"))
LARGE = 160 << 20
SMALL = 5000
ROOT = Path(__file__).parents[1]

Times = tuple[float, float]
"""Seconds by the clock, and of processors."""

SPEC = """\
%global debug_package %{{nil}}
%global __os_install_post %{{nil}}
%define _build_id_links none
%define _binary_payload w3.zstdio
Name: {name}
Version: 1
Release: 1
Summary: To measure
License: MIT
BuildArch: noarch
AutoReqProv: no
%description
.
%install
mkdir -p %{{buildroot}}/usr/share
cp -r {source} %{{buildroot}}/usr/share/{name}
%files
/usr/share/{name}
"""

OURS = """
import sys, time
from pathlib import Path
from concurrent.futures import ThreadPoolExecutor
from streamsolve.oci import Compression, ImageRequest, ImageSettings, LayerPackages, write_layout
from streamsolve.rpms import open_package
packages = []
for each in sys.argv[3:]:
    with open_package(Path(each)) as package:
        packages.append((Path(each), package.header))
layers = (LayerPackages("all", tuple(packages)),)
settings = ImageSettings(arch="x86_64", compression=Compression(sys.argv[1]))
start, work = time.perf_counter(), time.process_time()
write_layout(Path(sys.argv[2]), [ImageRequest(layers, settings)])
seconds = time.perf_counter() - start
# Not ru_maxrss, which counts what started this process too.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(seconds, time.process_time() - work, peak.split()[1])
"""

READ = """
import sys, time
from pathlib import Path
from streamsolve.rpms import open_package
start = time.perf_counter()
for each in sys.argv[1:]:
    with open_package(Path(each)) as package:
        for entry in package.entries():
            for piece in package.read(entry):
                pass
print(time.perf_counter() - start)
"""


def text(draw: random.Random, size: int) -> bytes:
    """Something that compresses as programs do, to about a half."""
    words = [draw.randbytes(draw.choice((2, 3, 4, 7))) for _ in range(4000)]
    return b"".join(draw.choices(words, k=size // 4))[:size]


def package(directory: Path, name: str, files: Sequence[tuple[str, bytes]]) -> Path:
    """A package of files, as rpmbuild makes it."""
    source = directory / f"{name}-files"
    source.mkdir()
    for path, content in files:
        (source / path).write_bytes(content)
    spec = directory / f"{name}.spec"
    spec.write_text(SPEC.format(name=name, source=source))
    defined = {"_topdir": directory / name, "_rpmdir": directory, "_rpmfilename": f"{name}.rpm"}
    words = [word for key, value in defined.items() for word in ("--define", f"{key} {value}")]
    subprocess.run(
        ["rpmbuild", "-bb", "--quiet", *words, spec], check=True, capture_output=True, timeout=600
    )
    return directory / f"{name}.rpm"


def cases(directory: Path) -> dict[str, tuple[list[Path], int]]:
    """What is measured: packages, and how many bytes they hold."""
    draw = random.Random(7)
    part = text(draw, LARGE // 4)
    large = package(directory, "large", [("lib.so", part * 4)])
    many = []
    for number in range(SMALL):
        start = draw.randrange(LARGE // 8)
        many.append((f"f{number}", part[start : start + draw.randrange(200, 20_000)]))
    small = package(directory, "small", many)
    several = [
        package(directory, f"several-{number}", [("lib.so", part[: 8 << 20]), *many[:400]])
        for number in range(6)
    ]
    each = (8 << 20) + sum(len(content) for _, content in many[:400])
    return {
        "one large file": ([large], len(part) * 4),
        f"{SMALL} small files": ([small], sum(len(content) for _, content in many)),
        "six packages": (several, 6 * each),
    }


def child(script: str, *words: object) -> list[float]:
    """The numbers that a program of its own prints."""
    command = [sys.executable, "-c", script, *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [float(word) for word in done.stdout.split()]


def theirs(packages: Sequence[Path], pipe: str, out: Path) -> Times:
    """What rpm's tool and a compressor take, one package after the other."""
    lines = [
        f"rpm2archive -n - < {shlex.quote(str(each))} | {pipe} > {out}/{each.name}.tar"
        for each in packages
    ]
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["bash", "-ec", "\n".join(lines)], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    work = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, work


def compare(packages: Sequence[Path], kind: str, compressor: str, out: Path) -> tuple[Times, ...]:
    """The least that ours, theirs, and theirs with digests take in some runs, in turn."""
    digest = f"sha256sum > {out}/digest"
    digested = f"tee >({digest}) | {compressor} | tee >({digest}-packed)"
    own, other, whole = [], [], []
    for _ in range(RUNS):
        seconds, work, _ = child(OURS, kind, out / "image", *packages)
        own.append((seconds, work))
        whole.append(theirs(packages, digested, out))
        other.append(theirs(packages, compressor, out))
    return least(own), least(other), least(whole)


def least(times: Sequence[Times]) -> Times:
    """The shortest time and the least work, which need not be of one run."""
    return min(seconds for seconds, _ in times), min(work for _, work in times)


def report(title: str, packages: Sequence[Path], size: int, out: Path) -> None:
    """Measure and print one case."""
    for kind, compressor in COMPRESSORS:
        own, other, whole = compare(packages, kind, compressor, out)
        blobs = (out / "image" / "blobs" / "sha256").iterdir()
        largest = max(each.stat().st_size for each in blobs)
        print(
            f"{title:18} {kind:4} {size / own[0] / 1e6:4.0f} MB/s; rpm2archive and {kind}: "
            f"{other[0] / own[0]:.2f} times the time, {whole[0] / own[0]:.2f} with digests, "
            f"{other[1] / own[1]:.2f} of processors; "
            f"{largest / archived(packages, out):.3f} of the size; "
            f"load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    (read,) = child(READ, *packages)
    memory = max(child(OURS, kind, out / "image", *packages)[2] for kind, _ in COMPRESSORS)
    print(f"{title:18} read {size / read / 1e6:4.0f} MB/s; memory {memory / 1e3:.0f} MB")


def archived(packages: Sequence[Path], out: Path) -> int:
    """How many bytes rpm's tool and the compressor wrote."""
    return sum((out / f"{each.name}.tar").stat().st_size for each in packages)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for title, (packages, size) in cases(directory).items():
            report(title, packages, size, directory)


if __name__ == "__main__":
    main()
