"""How long a base takes to load, against what bare libsolv needs for the same work.

Warm: both repositories from cache files, and the index of what is provided; at most 2.0 times.
Cold: from rpm-md to the same state, caches written, against bare libsolv's parse of XML that is
already decompressed; at most 1.5 times. Each number is the median of five child processes, taken
in turn. It prints ratios and judges nothing: a busy machine is no fault.
Run it as ``python benchmarks/bench_libsolv.py [BASE-DIRECTORY]``.
"""

from __future__ import annotations

import hashlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 5
TARGETS = {"warm": 2.0, "cold": 1.5}
DEFAULT = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "fedora-45"


def repositories(base: Path) -> list[tuple[str, Path, int, str]]:
    """Name, primary file, its open size and repomd's digest of every repository of a base."""
    found = []
    for repomd in sorted(base.glob("*/repodata/repomd.xml")):
        text = repomd.read_text()
        data = re.search(r'<data type="primary">.*?</data>', text, re.DOTALL)[0]
        href = re.search(r'href="([^"]+)"', data)[1]
        size = int(re.search(r"<open-size>(\d+)", data)[1])
        root = repomd.parents[1]
        digest = hashlib.sha256(text.encode()).hexdigest()
        found.append((root.name, root / href, size, digest))
    return found


def ours(base: Path, work: Path) -> float:
    """Seconds that PackagePool.open takes; cold if ``work`` is empty."""
    from streamsolve.model import MetadataFile, Repository, RpmMd
    from streamsolve.solving import PackagePool

    given = [
        Repository(
            name,
            digest,
            RpmMd(MetadataFile(primary, "", size)),
            sources=name == "source",
        )
        for name, primary, size, digest in repositories(base)
    ]
    start = time.perf_counter()
    with PackagePool.open(given, arch="x86_64", cache=work):
        return time.perf_counter() - start


def bare(work: Path, suffix: str) -> float:
    """Seconds that libsolv takes for the ``.xml`` or ``.solv`` files of a directory."""
    import solv

    start = time.perf_counter()
    pool = solv.Pool()
    pool.setdisttype(solv.Pool.DISTTYPE_RPM)
    pool.setarch("x86_64")
    for path in sorted(work.glob(f"*{suffix}"), reverse=True):
        file = solv.xfopen(str(path))
        repository = pool.add_repo(path.stem)
        if suffix == ".xml":
            repository.add_rpmmd(file, None)
        else:
            repository.add_solv(file, solv.Repo.SOLV_ADD_NO_STUBS)
        file.close()
    pool.addfileprovides()
    pool.createwhatprovides()
    return time.perf_counter() - start


def prepare(base: Path, work: Path) -> None:
    """Write what bare libsolv reads: decompressed XML and its own ``.solv`` files."""
    import solv
    import zstandard

    pool = solv.Pool()
    for name, primary, _, _ in repositories(base):
        xml = work / f"{name}.xml"
        with primary.open("rb") as stored, xml.open("wb") as target:
            zstandard.ZstdDecompressor().copy_stream(stored, target)
        repository = pool.add_repo(name)
        file = solv.xfopen(str(xml))
        repository.add_rpmmd(file, None)
        file.close()
        file = solv.xfopen(str(work / f"{name}.solv"), "w")
        repository.write(file)
        file.close()


def child(*arguments: str) -> float:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, *arguments]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(base: Path) -> None:
    """Print the medians and their ratios."""
    if not base.is_dir():
        print(f"skipped: no directory of repositories at {base.name}")
        return
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        prepare(base, work)
        ours(base, work / "warm")
        seconds: dict[tuple[str, str], list[float]] = {}
        for run in range(RUNS):
            cold = str(work / f"cold{run}")
            seconds.setdefault(("cold", "ours"), []).append(child("ours", str(base), cold))
            seconds.setdefault(("cold", "bare"), []).append(child("bare", str(work), ".xml"))
            warm = str(work / "warm")
            seconds.setdefault(("warm", "ours"), []).append(child("ours", str(base), warm))
            seconds.setdefault(("warm", "bare"), []).append(child("bare", str(work), ".solv"))
    for kind, target in TARGETS.items():
        mine = statistics.median(seconds[kind, "ours"])
        theirs = statistics.median(seconds[kind, "bare"])
        ratio = mine / theirs
        print(
            f"{kind}: streamsolve {mine:.3f} s, bare libsolv {theirs:.3f} s, "
            f"ratio {ratio:.2f} (target at most {target})"
        )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["ours", base, work]:
            print(ours(Path(base), Path(work)))
        case ["bare", work, suffix]:
            print(bare(Path(work), suffix))
        case [base]:
            main(Path(base))
        case _:
            main(DEFAULT)
