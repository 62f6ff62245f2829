"""Which GPU architectures a file has code for: what the test put in is what must come out."""

from __future__ import annotations

import random
import resource
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamsolve.artifacts import code_of_file, files_below
from streamsolve.artifacts.feed import DamagedCodeError, Feed
from streamsolve.artifacts.scan import read_code
from streamsolve.errors import Code, InputError
from streamsolve.model.gpu import CodeKind, architecture_order

from .damage import broken
from .gpubinaries import (
    HIP,
    LTO,
    amd_object,
    bundle,
    compressed,
    cubin,
    entry,
    fatbin,
    library,
    ptx,
    run,
    sass,
    wheel_file,
)

GFX942, GFX90A = 0x4C, 0x3F


def names(content: bytes, name: str = "lib.so", block: int = 1 << 20) -> list[str]:
    """What is found in bytes that come in blocks."""
    pieces = (content[at : at + block] for at in range(0, len(content), block))
    return [each.architecture for each in read_code(Feed(pieces, len(content)), name)]


def found(path: Path) -> dict[str, list[str]]:
    """By file, the architectures that are found."""
    return {file.path: list(file.architectures) for file in code_of_file(path)}


def place_of(path: Path) -> tuple[str, str]:
    """Where in a file damage is found."""
    with pytest.raises(InputError) as raised:
        code_of_file(path)
    assert raised.value.code is Code.BROKEN_ARTIFACT
    return raised.value.place.file, raised.value.place.path


# -- CUDA ------------------------------------------------------------------------------------------


def test_the_architectures_of_a_library_are_those_of_its_fat_binaries(tmp_path):
    made = library(
        tmp_path,
        {
            ".nv_fatbin": fatbin(sass(80), sass(90), ptx(90)) + fatbin(sass(100)),
            "__nv_relfatbin": fatbin(sass(75)),
        },
    )
    assert found(made) == {
        "libx.so": ["sm_75", "sm_80", "sm_90", "sm_100", "compute_90"],
    }


def test_code_bound_to_a_capability_or_a_family_keeps_its_letter():
    content = fatbin(sass(90), sass(90, suffix="a"), sass(100, suffix="f"), sass(103, suffix="a"))
    assert names(content) == ["sm_90", "sm_90a", "sm_100f", "sm_103a"]


def test_ptx_is_told_from_machine_code(tmp_path):
    path = tmp_path / "k.fatbin"
    path.write_bytes(fatbin(sass(80), ptx(80), sass(80)))
    (file,) = code_of_file(path)
    told = [(code.architecture, code.kind, code.pieces) for code in file.code]
    assert told == [("sm_80", CodeKind.MACHINE, 2), ("compute_80", CodeKind.PORTABLE, 1)]


def test_code_for_linking_counts_as_no_code():
    path = fatbin(entry(LTO, 80, b"bitcode", 0))
    (code,) = read_code(Feed(iter([path]), len(path)), "lib.so")
    assert (code.architecture, code.kind) == ("sm_80", CodeKind.LINK)


def test_an_entry_of_a_kind_that_is_not_known_is_passed_over():
    assert names(fatbin(entry(0x40, 90, b"?", 0), sass(80))) == ["sm_80"]


def test_a_container_without_entries_has_no_code():
    assert names(fatbin() + fatbin(sass(80))) == ["sm_80"]


@pytest.mark.parametrize(("abi", "name"), [(7, "sm_90a"), (8, "sm_90a")])
def test_a_code_object_says_its_architecture_in_its_flags(abi, name):
    assert names(cubin(90, bound=True, abi=abi), "k.cubin") == [name]
    assert names(cubin(90, abi=abi), "k.cubin") == ["sm_90"]


def test_a_code_object_that_is_embedded_as_data_is_found():
    host = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9) + struct.pack("<HHI", 3, 62, 1) + bytes(40)
    assert names(host + b"some data" + cubin(89) + b"more") == ["sm_89"]


def test_ptx_as_text_names_its_target():
    text = b"// made by hand\n.version 8.7\n.target sm_90a, debug\n.address_size 64\n"
    assert names(text, "kernel.ptx") == ["compute_90a"]


# -- HIP -------------------------------------------------------------------------------------------


def hip(*targets: str) -> bytes:
    return bundle((target, amd_object(GFX942)) for target in targets)


def test_the_architectures_of_a_library_are_those_of_its_bundles(tmp_path):
    made = library(tmp_path, {".hip_fatbin": hip("gfx942", "gfx1100") + hip("gfx90a:xnack-")})
    assert found(made) == {"libx.so": ["gfx90a:xnack-", "gfx942", "gfx1100"]}


@pytest.mark.parametrize("method", ["zlib", "zstd"])
@pytest.mark.parametrize("version", [1, 2, 3])
def test_compressed_bundles_of_every_version_are_read(tmp_path, version, method):
    first, second = hip("gfx908", "gfx942"), hip("gfx1201")
    content = compressed(first, version, method) + bytes(77) + compressed(second, version, method)
    made = library(tmp_path, {".hip_fatbin": content})
    assert found(made) == {"libx.so": ["gfx908", "gfx942", "gfx1201"]}


def test_an_architecture_that_is_only_named_has_no_code():
    assert names(bundle([("gfx942", b""), ("gfx1100", amd_object(0x41))])) == ["gfx1100"]


def test_identifiers_of_all_times_are_read():
    entries = [
        ("hip-amdgcn-amd-amdhsa-gfx906", b"x"),
        ("hip-amdgcn-amd-amdhsa--gfx908:sramecc+:xnack-", b"x"),
        ("openmp-nvptx64-nvidia-cuda--sm_80", b"x"),
        ("hip-spirv64-amd-amdhsa--amdgcnspirv", b"x"),
        (HIP + "gfx9-4-generic", b"x"),
    ]
    assert names(bundle(entries)) == [
        "sm_80", "gfx906", "gfx908:sramecc+:xnack-", "gfx9-4-generic", "amdgcnspirv",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("machine", "features", "name"),
    [
        (GFX942, 0x500, "gfx942"),
        (GFX90A, 0x500 | 0x100, "gfx90a"),
        (GFX90A, 0x600, "gfx90a:xnack-"),
        (GFX90A, 0xF00, "gfx90a:sramecc+:xnack+"),
        (0x49, 0, "gfx1250"),
        (0xEE, 0, "gfx?0xee"),
    ],
)
def test_a_kernel_file_names_its_processor_in_its_flags(machine, features, name):
    assert names(amd_object(machine, features), "Kernels.so-000-gfx942.hsaco") == [name]


def test_kernels_beside_libraries_are_told_by_what_they_are_or_by_their_names(tmp_path):
    rocblas = "lib/rocblas/library"
    path = wheel_file(
        tmp_path,
        "torch",
        "2",
        {
            f"{rocblas}/Kernels.so-000-gfx942.hsaco": amd_object(GFX942),
            f"{rocblas}/TensileLibrary_Type_HH_gfx90a.co": hip("gfx90a"),
            f"{rocblas}/TensileLibrary_Type_HH_gfx1100.dat": b"msgpack",
            "lib/aotriton.images/amd-gfx950/flash/attn_fwd.aks2": b"\xfd7zXZ",
            "share/miopen/db/gfx90a6e.kdb": b"SQLite format 3",
            "share/miopen/db/gfx1030_36.kdb": b"SQLite format 3",
        },
    )
    told = {
        file.path.rpartition("/")[2]: [(code.architecture, code.kind) for code in file.code]
        for file in code_of_file(path)
    }
    assert told == {
        "Kernels.so-000-gfx942.hsaco": [("gfx942", CodeKind.MACHINE)],
        "TensileLibrary_Type_HH_gfx90a.co": [("gfx90a", CodeKind.MACHINE)],
        "TensileLibrary_Type_HH_gfx1100.dat": [("gfx1100", CodeKind.INDEX)],
        "attn_fwd.aks2": [("gfx950", CodeKind.PACKED)],
        "gfx90a6e.kdb": [("gfx90a", CodeKind.PACKED)],
        "gfx1030_36.kdb": [("gfx1030", CodeKind.PACKED)],
    }
    assert found(path)[f"{rocblas}/TensileLibrary_Type_HH_gfx1100.dat"] == []


# -- where the files lie ---------------------------------------------------------------------------


def test_static_libraries_and_stripped_files_are_read(tmp_path):
    made = library(tmp_path, {".nv_fatbin": fatbin(sass(86))})
    run("objcopy", "--strip-all", made)
    run("ar", "rc", tmp_path / "libx.a", made)
    bare = bytearray(made.read_bytes())
    bare[40:48] = bytes(8)  # where the table of sections is
    bare[60:64] = bytes(4)  # how many there are
    (tmp_path / "bare.so").write_bytes(bare)
    assert found(tmp_path / "libx.a") == {"libx.a": ["sm_86"]}
    assert found(tmp_path / "bare.so") == {"bare.so": ["sm_86"]}


@pytest.mark.parametrize("deflated", [True, False])
def test_a_wheel_is_read_member_by_member(tmp_path, deflated):
    made = library(tmp_path, {".nv_fatbin": fatbin(sass(80), ptx(80))})
    files = {"pkg/_C.so": made.read_bytes(), "pkg/x.py": b"# CCOB", "pkg/k.cubin": cubin(90)}
    path = wheel_file(tmp_path, "pkg", "1", files, deflated=deflated)
    assert found(path) == {"pkg/_C.so": ["sm_80", "compute_80"], "pkg/k.cubin": ["sm_90"]}


def test_a_package_is_read_file_by_file(tmp_path):
    made = library(tmp_path, {".hip_fatbin": compressed(hip("gfx942"), 3, "zstd")})
    spec = tmp_path / "x.spec"
    spec.write_text(
        "Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\n"
        "%define _build_id_links none\n%define debug_package %{nil}\n"
        "%define __os_install_post %{nil}\n%description\nx\n"
        f"%install\ninstall -D {made} %{{buildroot}}/opt/x/libx.so\n%files\n/opt/x\n"
    )
    run("rpmbuild", "-bb", "--define", f"_topdir {tmp_path}/top", spec)
    (package,) = (tmp_path / "top").rglob("*.rpm")
    assert found(package) == {"/opt/x/libx.so": ["gfx942"]}


def test_of_a_directory_every_file_is_read_and_no_link_followed(tmp_path):
    directory = tmp_path / "d"
    (directory / "sub").mkdir(parents=True)
    (directory / "sub" / "k.cubin").write_bytes(cubin(80))
    (directory / "away").symlink_to(tmp_path)
    (directory / "loop").symlink_to(directory)
    assert [path.name for path in files_below(directory)] == ["k.cubin"]


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="there is no such file") as raised:
        files_below(tmp_path / "nothing")
    assert raised.value.code is Code.BROKEN_ARTIFACT


# -- damage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (fatbin(sass(80))[:-9], "cut off"),
        (fatbin(sass(80)[:-8]), "larger than its place"),
        (fatbin(sass(80))[:12], "cut off|ends early"),
        (fatbin(entry(2, 3000, b"x", 0)), "architecture 3000"),
        (hip("gfx942")[:-4000], "cut off"),
        (hip("gfx942")[:70], "cut off|no name"),
        (compressed(hip("gfx942"), 2, "zstd")[:-3], "cut off"),
        (compressed(hip("gfx942"), 3, "zlib")[:20], "cut off"),
        (compressed(b"no bundle", 3, "zstd"), "something else"),
        (compressed(hip("gfx942"), 3, "zstd").replace(b"\x28\xb5\x2f\xfd", b"none"), "decompress"),
        (b"CCOB\x04\x00\x01\x00" + bytes(80), "version 4"),
    ],
)
def test_damaged_code_is_an_error_and_never_no_code(tmp_path, content, why):
    with pytest.raises(DamagedCodeError, match=why):
        names(content)
    path = wheel_file(tmp_path, "x", "1", {"x/fine.cubin": cubin(80), "x/bad.fatbin": content})
    assert place_of(path) == (str(path), "x/bad.fatbin")
    alone = tmp_path / "bad.fatbin"
    alone.write_bytes(content)
    assert place_of(alone) == (str(alone), "")


def test_words_that_a_compiler_has_in_it_are_no_code():
    host = cubin(80)[:18] + struct.pack("<HI", 62, 1) + bytes(200)
    words = b"__CLANG_OFFLOAD_BUNDLE__\0CCOB\0\0\0\0\x7fELF\x02\x01\x01\0\x50\xed\x55\xba\x01\0\0\0"
    assert names(host + words + bytes(100)) == []


def test_a_damaged_wheel_names_its_file(tmp_path):
    content = library(tmp_path, {".nv_fatbin": fatbin(sass(80))}).read_bytes()
    path = wheel_file(tmp_path, "x", "1", {"x/lib.so": content})
    whole = bytearray(path.read_bytes())
    whole[400:500] = bytes(100)
    path.write_bytes(whole)
    assert place_of(path)[0] == str(path)
    path.write_bytes(b"PK\x03\x04 and no more")
    assert place_of(path)[0] == str(path)


def test_an_archive_that_would_fill_the_world_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("streamsolve.artifacts.containers.MOST_CONTENT", 10_000)
    path = wheel_file(tmp_path, "x", "1", {"x/lib.so": bytes(20_000)})
    assert place_of(path) == (str(path), "")


def test_a_bomb_in_a_bundle_is_not_let_off():
    bomb = compressed(hip("gfx942") + bytes(300 << 20), 3, "zstd")
    assert len(bomb) < 1 << 20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert names(bomb) == ["gfx942"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


def test_memory_does_not_grow_with_the_file():
    """A library of 600 MB, in a process of its own that may take 250 MB."""
    program = """
import resource, sys
from streamsolve.artifacts.feed import Feed
from streamsolve.artifacts.scan import read_code
from tests.gpubinaries import fatbin, sass
entry = sass(80, code=bytes(50 << 20))
container = fatbin(entry)[:16] + entry[:64]
resource.setrlimit(resource.RLIMIT_DATA, (250 << 20, 250 << 20))
def blocks():
    for _ in range(6):
        for _ in range(50):
            yield bytes(1 << 20)
        yield container
        for _ in range(50):
            yield bytes(1 << 20)
size = 6 * ((100 << 20) + len(container))
print(*[(code.architecture, code.pieces) for code in read_code(Feed(blocks(), size), "x.so")])
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[1],
        check=False,
    )
    assert (ran.stdout, ran.stderr) == ("('sm_80', 6)\n", "")


@pytest.mark.parametrize(
    "piece",
    [b"CCOB\0\0\0\0", b"__CLANG_OFFLOAD_BUNDLE__" + bytes(8), b"\x7fELF\x02\x01\x01\0", fatbin(),
     bundle([("gfx942", b"x")], 1), compressed(bundle([("gfx942", b"x")], 1), 2, "zstd")],
)  # fmt: skip
def test_what_is_repeated_without_end_takes_time_in_proportion(piece):
    content = piece * (1_000_000 // len(piece))
    assert names(content) in ([], ["gfx942"])


def test_names_without_end_are_refused():
    entries = [(f"gfx942:{chr(97 + a)}{chr(97 + b)}+", b"x") for a in range(26) for b in range(26)]
    content = b"".join(
        bundle([(f"{name[:-1]}{chr(97 + c)}+", code) for name, code in entries], 1)
        for c in range(16)
    )
    with pytest.raises(DamagedCodeError, match="more than 10000 architectures"):
        names(content)


# -- laws ------------------------------------------------------------------------------------------

NUMBERS = st.sampled_from([75, 80, 86, 90, 100, 103, 120])
SUFFIXES = st.sampled_from(["", "a", "f"])
PROCESSORS = st.sampled_from(["gfx906", "gfx90a:xnack-", "gfx942", "gfx1100"])
ENTRIES = st.one_of(
    st.builds(sass, NUMBERS, suffix=SUFFIXES, code=st.binary(max_size=60)),
    st.builds(ptx, NUMBERS),
)
FATBINS = st.lists(ENTRIES, max_size=4).map(lambda some: fatbin(*some))
BUNDLES = st.lists(PROCESSORS, min_size=1, max_size=3).map(
    lambda some: bundle([(name, b"code") for name in some], 64)
)
COMPRESSED = st.builds(
    compressed, BUNDLES, st.sampled_from([2, 3]), st.sampled_from(["zlib", "zstd"])
)
PIECES = st.one_of(FATBINS, BUNDLES, COMPRESSED, st.binary(max_size=40))


@given(st.lists(PIECES, max_size=6), st.integers(1, 5000))
@settings(max_examples=150, deadline=None)
def test_what_is_found_does_not_depend_on_how_the_bytes_come(pieces, block):
    content = b"".join(pieces)
    try:
        expected = names(content)
    except DamagedCodeError:
        with pytest.raises(DamagedCodeError):
            names(content, block=block)
        return
    assert names(content, block=block) == expected
    assert expected == sorted(expected, key=architecture_order)


@given(st.lists(PIECES, min_size=1, max_size=4), st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damage_anywhere_is_read_or_refused_and_never_breaks_anything(pieces, data):
    whole = b"".join(pieces) or b"\0"
    starts = [len(b"".join(pieces[:number])) for number in range(len(pieces))]
    content = data.draw(broken(whole, [start + step for start in starts for step in range(64)]))
    cut = data.draw(st.integers(0, len(content)))
    for damaged in (bytes(content), bytes(content[:cut])):
        with suppress(DamagedCodeError):
            # Each needs a header of its own: nothing is made up.
            assert len(names(damaged)) <= len(damaged) // 24


def mutations(content: bytes, number: int) -> Iterator[bytes]:
    draw = random.Random(5)
    for _ in range(number):
        changed = bytearray(content)
        for _ in range(draw.randint(1, 12)):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        yield bytes(changed[: draw.randint(1, len(changed))] if draw.random() < 0.3 else changed)


def answer_of(path: Path) -> list[object]:
    """The files with GPU code, or the code and the place of the fault."""
    try:
        return [file.path for file in code_of_file(path)]
    except InputError as error:
        return [error.code, error.place.file]


def test_a_real_library_that_is_damaged_gives_a_typed_fault_or_an_answer(tmp_path):
    sections = {".nv_fatbin": fatbin(sass(80), ptx(90)), ".hip_fatbin": hip("gfx942")}
    whole = library(tmp_path, sections).read_bytes()
    path = tmp_path / "damaged.so"
    for content in mutations(whole, 200):
        path.write_bytes(content)
        assert answer_of(path) in ([], ["damaged.so"], [Code.BROKEN_ARTIFACT, str(path)])


def test_a_damaged_wheel_gives_a_typed_fault_or_an_answer(tmp_path):
    path = wheel_file(tmp_path, "x", "1", {"x/k.fatbin": fatbin(sass(80)), "x/a": b"a" * 300})
    whole = path.read_bytes()
    for content in mutations(whole, 300):
        path.write_bytes(content)
        answer = answer_of(path)
        assert answer == [Code.BROKEN_ARTIFACT, str(path)] or len(answer) <= 2


def test_a_member_that_is_encrypted_or_of_an_unknown_method_is_a_fault(tmp_path):
    path = wheel_file(tmp_path, "x", "1", {"x/k.fatbin": fatbin(sass(80))})
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        at = archive.infolist()[0].header_offset
    central = content.rindex(b"PK\x01\x02x"[:4], 0, content.rindex(b"PK\x01\x02"))
    for offset, value in ((8, 1), (10, 99)):
        changed = bytearray(content)
        changed[central + offset] = value
        changed[at + offset - 2] = value
        path.write_bytes(changed)
        assert place_of(path)[0] == str(path)
