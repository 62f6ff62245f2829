"""Locks of vLLM on whole bases: everything that is private is built, and before it is needed."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import iterparse

import pytest
import zstandard

from streamsolve.cli import main
from streamsolve.lock import check_lock, lock_text, plan_of, read_lock, settings_of
from streamsolve.lock.canonical import canonical_text, sealed

Document = dict[str, Any]
CASES = {
    "cuda-44": ("cuda", "fedora-44"),
    "cuda-45": ("cuda", "fedora-45"),
    "rocm-45": ("rocm", "fedora-45"),
}
_COMMON = "{http://linux.duke.edu/metadata/common}"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cache for all, of these tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        directory = tmp_path_factory.mktemp("real-locks") / "cache"
        patch.setenv("STREAMSOLVE_CACHE", str(directory))
        yield directory


@pytest.fixture(scope="session")
def locks(shared: Path, cache: Path) -> dict[str, Path]:
    """The lock of each case, each planned once."""
    found = {}
    for name, (variant, base) in CASES.items():
        found[name] = cache.parent / f"{name}.lock.json"
        directory = str(shared / "data" / base)
        words = ["lock", "vllm", "--variant", variant, "--base", directory, "--offline"]
        assert main([*words, "-o", str(found[name])]) == 0
    return found


@pytest.fixture(params=CASES)
def path(request: pytest.FixtureRequest, locks: dict[str, Path]) -> Path:
    return locks[request.param]


def document_of(path: Path) -> Document:
    found: Document = json.loads(path.read_text(encoding="utf-8"))
    return found


def private_in(document: Document, root: Document) -> set[str]:
    """The streams whose packages lie in a root."""
    common = document["common"] if root["id"] != "runtime" else []
    packages = (document["packages"][name] for name in [*root["packages"], *common])
    return {one["stream"] for one in packages if one["repository"] == "private"}


# -- what must be there ----------------------------------------------------------------------------


def test_every_private_stream_has_a_root_and_a_place_in_the_order(path: Path) -> None:
    document = document_of(path)
    private = {f"{s['component']}@{s['version']}" for s in document["streams"]
               if s["origin"] == "private"}  # fmt: skip
    roots = {root["id"]: root for root in document["roots"]}
    placed = [id for level in document["order"]["levels"] for id in level["builds"]]
    assert sorted(placed) == sorted(build["id"] for build in document["builds"])
    assert {id.partition("/")[0] for id in placed} == private
    for build in document["builds"]:
        assert len(roots[build["root"]]["packages"] + document["common"]) > 50
        assert build["root"] != "runtime"


def test_replaying_the_order_finds_everything_built_before_it_is_needed(path: Path) -> None:
    document = document_of(path)
    roots = {root["id"]: root for root in document["roots"]}
    builds = {build["id"]: build for build in document["builds"]}
    built: set[str] = set()
    looked_at = 0
    for level in document["order"]["levels"]:
        for id in level["builds"]:
            needed = private_in(document, roots[builds[id]["root"]])
            assert needed <= built, f"{id} needs {sorted(needed - built)}"
            looked_at += len(needed)
        built |= {id.partition("/")[0] for id in level["builds"]}
    assert private_in(document, roots["runtime"]) <= built
    assert looked_at >= 50


def test_a_stream_in_two_passes_is_used_from_its_first_before_its_last(path: Path) -> None:
    document = document_of(path)
    level_of = {
        id: number
        for number, level in enumerate(document["order"]["levels"])
        for id in level["builds"]
    }
    for id, level in level_of.items():
        if id.endswith("/final"):
            assert level_of[id.replace("/final", "/bootstrap")] < level


def test_no_root_holds_two_streams_of_a_component(path: Path) -> None:
    for root in document_of(path)["roots"]:
        components = [stream["component"] for stream in root["streams"]]
        assert len(components) == len(set(components))


def test_the_command_accepts_each(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(path)]) == 0
    assert "proves itself" in " ".join(capsys.readouterr().out.split())


# -- the same bytes --------------------------------------------------------------------------------


def test_what_was_read_is_written_as_the_same_bytes(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lock = read_lock(text, file=path.name)
    assert lock_text(plan_of(lock), settings_of(lock)) == text


def test_a_lock_has_no_path_of_the_machine(path: Path, shared: Path, cache: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for place in (shared, shared.resolve(), cache, Path.home(), Path(sys.prefix)):
        assert str(place) not in text


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_hash_seed_changes_no_byte(
    seed: str, locks: dict[str, Path], shared: Path, cache: Path
) -> None:
    variant, base = CASES["cuda-44"]
    words = ["lock", "vllm", "--variant", variant, "--base", str(shared / "data" / base)]
    found = subprocess.run(
        [sys.executable, "-m", "streamsolve", *words, "--offline", "-o", "-"],
        env={**os.environ, "PYTHONHASHSEED": seed, "STREAMSOLVE_CACHE": str(cache)},
        capture_output=True,
        check=True,
    )
    assert found.stdout == locks["cuda-44"].read_bytes()


# -- changed by hand -------------------------------------------------------------------------------


def _some(rng: random.Random, values: list[Any], fits: Callable[[Any], bool]) -> Any:
    return rng.choice([value for value in values if fits(value)])


def _version_of_a_stream(document: Document, rng: random.Random) -> None:
    stream = _some(rng, document["streams"], lambda s: s["origin"] == "private")
    stream["version"] += ".99"


def _requirement_of_a_stream(document: Document, rng: random.Random) -> None:
    chosen = {s["component"] for s in document["streams"] if "version" in s}
    stream = _some(
        rng,
        document["streams"],
        lambda s: not s.get("build_only") and any(r["on"] in chosen for r in s["requirements"]),
    )
    asked = _some(rng, stream["requirements"], lambda r: r["on"] in chosen)
    asked["specifier"] = "<0.0.1"


def _requirement_of_a_package(document: Document, rng: random.Random) -> None:
    packages = list(document["packages"].values())
    _some(rng, packages, lambda p: "requires" in p)["requires"].append("nothing-has-this >= 1")


def _package_of_a_root(document: Document, rng: random.Random) -> None:
    root = _some(rng, document["roots"], lambda r: r["id"] != "runtime" and r["streams"])
    private = [n for n in root["packages"] if document["packages"][n]["repository"] == "private"]
    if not private:
        root["asked"].append("nothing-has-this")
    else:
        root["packages"].remove(rng.choice(private))


def _edge_of_the_order(document: Document, rng: random.Random) -> None:
    build = _some(rng, document["builds"], lambda b: b["after"])
    build["after"].remove(rng.choice(build["after"]))


def _place_in_the_order(document: Document, rng: random.Random) -> None:
    first, *others = document["order"]["levels"]
    level = _some(rng, others, lambda one: len(one["builds"]) > 1)
    moved = rng.choice(level["builds"])
    level["builds"].remove(moved)
    first["builds"].append(moved)


def _provide_of_a_package(document: Document, rng: random.Random) -> None:
    package = _some(
        rng, list(document["packages"].values()), lambda p: p["repository"] == "private"
    )
    package["provides"] = []


def _checksum_of_a_package(document: Document, rng: random.Random) -> None:
    package = _some(rng, list(document["packages"].values()), lambda p: "checksum" in p)
    package["checksum"] = package["checksum"][:-1]


def _checksum_of_a_source(document: Document, rng: random.Random) -> None:
    stream = _some(
        rng,
        document["streams"],
        lambda s: s["origin"] == "private" and s["source"]["purl"].startswith("pkg:pypi/"),
    )
    del stream["source"]["sha256"]


MUTATIONS = (
    _version_of_a_stream,
    _requirement_of_a_stream,
    _requirement_of_a_package,
    _package_of_a_root,
    _edge_of_the_order,
    _place_in_the_order,
    _provide_of_a_package,
    _checksum_of_a_package,
    _checksum_of_a_source,
)


@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda one: one.__name__.strip("_"))
@pytest.mark.parametrize("seed", range(4))
def test_a_lock_changed_in_what_matters_is_rejected(
    mutate: Callable[[Document, random.Random], None], seed: int, locks: dict[str, Path]
) -> None:
    document = document_of(locks["cuda-44"])
    mutate(document, random.Random(seed))
    del document["digest"]
    findings = check_lock(sealed(canonical_text(document)))
    assert findings
    assert all(finding.place.path for finding in findings)


def test_one_changed_byte_is_noticed(locks: dict[str, Path]) -> None:
    text = locks["cuda-44"].read_text(encoding="utf-8")
    rng = random.Random(7)
    for _ in range(12):
        at = rng.randrange(len(text))
        other = "x" if text[at] != "x" else "y"
        assert check_lock(text[:at] + other + text[at + 1 :])


# -- verified against other bases ------------------------------------------------------------------


def listed(base: Path) -> dict[tuple[str, ...], set[str]]:
    """The checksums of the binary packages of a base by their full names, from its primary.xml."""
    found: dict[tuple[str, ...], set[str]] = {}
    (primary,) = (base / "x86_64" / "repodata").glob("*primary.xml*")
    content = primary.read_bytes()
    if primary.suffix == ".zst":
        content = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)).read()
    elif primary.suffix == ".gz":
        content = gzip.decompress(content)
    for _, element in iterparse(io.BytesIO(content)):
        if element.tag == f"{_COMMON}package":
            version = element.find(f"{_COMMON}version")
            checksum = element.find(f"{_COMMON}checksum")
            assert version is not None
            assert checksum is not None
            name, arch = (element.findtext(f"{_COMMON}{tag}") or "" for tag in ("name", "arch"))
            key = (name, *(version.get(part, "") for part in ("epoch", "ver", "rel")), arch)
            found.setdefault(key, set()).add(f"{checksum.get('type')}:{checksum.text}")
            element.clear()
    return found


def expected(lock: Document, base: Path) -> dict[str, str]:
    """What of a lock's packages a base does not have as the lock has it, by full name."""
    there, found = listed(base), {}
    for package in lock["packages"].values():
        if "checksum" not in package:
            continue
        epoch, version = package.get("epoch", "0"), package["version"]
        key = (package["name"], epoch, version, package["release"], package["arch"])
        if package["checksum"] not in there.get(key, ()):
            evr = f"{epoch}:{version}" if epoch != "0" else version
            nevra = f"{package['name']}-{evr}-{package['release']}.{package['arch']}"
            found[nevra] = "changed" if key in there else "gone"
    return found


def verified(
    path: Path, base: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, str]]:
    """The exit code, and the fates that the command tells."""
    capsys.readouterr()
    code = main(["verify", str(path), "--base", str(base), "--offline", "--json"])
    found = json.loads(capsys.readouterr().out)
    return code, {one["nevra"]: one["fate"] for one in found["packages"]}


def test_a_lock_holds_on_its_own_base(
    locks: dict[str, Path], shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, (_, base) in CASES.items():
        assert verified(locks[name], shared / "data" / base, capsys) == (0, {})


def test_a_lock_on_the_next_base_tells_exactly_what_is_gone_or_changed(
    locks: dict[str, Path], shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = shared / "data" / "fedora-45"
    wanted = expected(document_of(locks["cuda-44"]), base)
    assert len(wanted) > 100
    assert verified(locks["cuda-44"], base, capsys) == (5, wanted)


# -- made again ------------------------------------------------------------------------------------


def test_a_lock_is_current_and_its_update_changes_nothing(
    locks: dict[str, Path], shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, base = locks["cuda-45"], str(shared / "data" / "fedora-45")
    before = path.read_bytes()
    places = ["--base", base, "--offline"]
    assert main(["lock", "--check", str(path), *places]) == 0
    assert main(["update", str(path), *places]) == 0
    assert "Nothing changed" in capsys.readouterr().out
    assert path.read_bytes() == before


def test_an_update_to_the_next_base_is_a_good_lock_of_it(
    locks: dict[str, Path], shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, made = str(shared / "data" / "fedora-45"), tmp_path / "made.json"
    places = ["--base", base, "--offline"]
    assert main(["lock", "--check", str(locks["cuda-44"]), *places]) == 5
    assert main(["update", str(locks["cuda-44"]), *places, "-o", str(made)]) == 0
    assert main(["verify", str(made), *places]) == 0
    assert main(["check", str(made)]) == 0
    capsys.readouterr()
    old = {s["component"]: s for s in document_of(locks["cuda-44"])["streams"]}
    for stream in document_of(made)["streams"]:
        was = old.get(stream["component"], {})
        if was.get("origin") == "private" and not stream.get("build_only"):
            assert stream["version"] == was["version"], stream["component"]
