"""A module really built: for a kernel whose headers are installed here, by the emitted spec.

RPM builds it, the kernel's own makefiles make it, its own tool signs it, and what is read of it is
what the kernel's tools read.
"""

from __future__ import annotations

import io
import lzma
import struct
import subprocess
import tracemalloc
from pathlib import Path

import pytest
from attrs import evolve, field, frozen
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from packaging.version import Version

from streamsolve.artifacts import check_artifacts, plain_module, read_module, take_inventory
from streamsolve.artifacts.feed import DamagedCodeError
from streamsolve.emit.kernel_modules import check_modules_script
from streamsolve.emit.specs import emit_specs
from streamsolve.model.artifacts import FindingKind, GpuMatrix, Inventory
from streamsolve.model.component import Component, Kind
from streamsolve.model.kernel import BuiltModule, KernelPair

from .kernelworld import pair_plan, small_pair
from .specworld import SETTINGS, environment, run, tarball, written

SOURCE = """\
#include <linux/module.h>
#include <linux/slab.h>
MODULE_LICENSE("GPL");
MODULE_VERSION("1.02");
int trivial_shared(int x);
int trivial_shared(int x) { return x + 1; }
EXPORT_SYMBOL(trivial_shared);
static int __init start(void) { kfree(kmalloc(16, GFP_KERNEL)); return 0; }
static void __exit stop(void) { pr_info("bye\\n"); }
module_init(start);
module_exit(stop);
"""
USER = """\
#include <linux/module.h>
MODULE_LICENSE("GPL");
int trivial_shared(int x);
static int __init start(void) { return trivial_shared(-1); }
module_init(start);
"""
MEMBERS = {
    "Kbuild": "obj-m := trivial.o user.o\n",
    "trivial.c": SOURCE,
    "user.c": USER,
    "COPYING": "GPL-2.0-only\n",
}
HEADERS = sorted(Path("/usr/src").glob("linux-headers-*/Module.symvers"))
STREAM = "kernel-module:trivial@1.2"

pytestmark = pytest.mark.skipif(not HEADERS, reason="no kernel headers are installed here")


@frozen
class Built:
    """The package of the module with its directory, the key beside it, and its modules' bytes."""

    directory: Path
    pair: KernelPair
    package: Path
    headers: Path
    modules: dict[str, bytes] = field(repr=False)


def trivial_pair(headers: Path) -> KernelPair:
    release = headers.name.removeprefix("linux-headers-")
    return small_pair(
        module=Component(Kind.KERNEL_MODULE, "trivial"),
        version=Version("1.02"),
        written="1.02",
        package=f"kmod-trivial-{release}",
        release=release,
        make=("-C", "{headers}", "M={source}", "modules"),
    )


def make_key(directory: Path) -> None:
    name = "/O=Small/CN=Small signing key"
    words = ["openssl", "req", "-new", "-x509", "-nodes", "-batch", "-sha256", "-days", "3"]
    words += ["-newkey", "rsa:2048", "-subj", name, "-outform", "PEM"]
    words += ["-out", "signing_key.x509", "-keyout", "signing_key.pem"]
    subprocess.run(words, cwd=directory, check=True, capture_output=True, timeout=60)


def rpmbuild(directory: Path, pair: KernelPair, headers: Path, *more: str) -> list[str]:
    """The command that builds the emitted spec here."""
    plan = pair_plan(pair, purl="pkg:github/small/trivial@1.02")
    spec = written(directory, emit_specs(plan, SETTINGS), STREAM)
    (spec.parent / "trivial-1.02.tar.gz").write_bytes(tarball("trivial-1.02", MEMBERS))
    macros = {
        "_sourcedir": str(spec.parent),
        "_rpmdir": f"{directory}/built",
        "kernel_headers": str(headers),
        "modsign_key": f"{directory}/signing_key.pem",
        "modsign_cert": f"{directory}/signing_key.x509",
    }
    defined = [word for name, text in macros.items() for word in ("--define", f"{name} {text}")]
    return ["rpmbuild", "-bb", "--nodeps", *defined, *more, str(spec)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    directory = tmp_path_factory.mktemp("module")
    headers = HEADERS[-1].parent
    pair = trivial_pair(headers)
    make_key(directory)
    run(directory, rpmbuild(directory, pair, headers))
    (package,) = (directory / "built").rglob("*.rpm")
    files = directory / "files"
    files.mkdir()
    _unpack(package, files)
    modules = {each.name: lzma.decompress(each.read_bytes()) for each in files.rglob("*.ko.xz")}
    return Built(directory, pair, package, headers, modules)


def _unpack(package: Path, files: Path) -> None:
    words = ["sh", "-c", 'rpm2archive - < "$1" | tar -xz', "unpack", str(package)]
    subprocess.run(words, cwd=files, check=True, timeout=60)


def modinfo(directory: Path, content: bytes, *words: str) -> str:
    path = directory / "one.ko"
    path.write_bytes(content)
    done = subprocess.run(
        ["/usr/sbin/modinfo", *words, str(path)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout.strip()


# -- the package -----------------------------------------------------------------------------------


def test_the_emitted_spec_builds_tests_and_signs_modules_for_a_kernel(built: Built) -> None:
    assert sorted(built.modules) == ["trivial.ko.xz", "user.ko.xz"]
    for content in built.modules.values():
        assert modinfo(built.directory, content, "-F", "signer") == "Small signing key"
        assert modinfo(built.directory, content, "-F", "sig_hashalgo") == "sha256"
        magic = modinfo(built.directory, content, "-F", "vermagic")
        assert magic.split(" ")[0] == built.pair.release
    listed = run(built.directory, ["rpm", "-qpl", str(built.package)]).splitlines()
    where = f"/usr/lib/modules/{built.pair.release}/extra/trivial"
    assert {f"{where}/trivial.ko.xz", f"{where}/user.ko.xz"} <= set(listed)
    assert any(path.endswith("/COPYING") for path in listed)
    assert not any("key" in path or path.endswith("modules.dep") for path in listed)


def test_the_package_is_bound_to_the_kernel_and_has_nothing_of_the_key(built: Built) -> None:
    asked = run(built.directory, ["rpm", "-qp", "--requires", str(built.package)]).splitlines()
    assert built.pair.binding in asked
    given = run(built.directory, ["rpm", "-qp", "--provides", str(built.package)]).splitlines()
    assert any(text.startswith("kmod-trivial = ") for text in given)
    secret = (built.directory / "signing_key.pem").read_bytes().splitlines()[1]
    assert secret not in built.package.read_bytes()
    assert all(secret not in content for content in built.modules.values())


def test_without_a_key_nothing_is_built_unless_that_is_asked_for(
    built: Built, tmp_path: Path
) -> None:
    command = rpmbuild(tmp_path, built.pair, built.headers)
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(tmp_path), cwd=tmp_path,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "no key to sign with" in done.stderr
    assert not list(tmp_path.rglob("*.rpm"))
    run(tmp_path, rpmbuild(tmp_path, built.pair, built.headers, "--without", "modsign"))
    inventory = take_inventory(tmp_path / "built")
    assert [module.signed for each in inventory.artifacts for module in each.modules] == [
        False,
        False,
    ]


def test_a_build_for_another_kernel_than_the_specs_ends_before_anything_is_signed(
    built: Built, tmp_path: Path
) -> None:
    make_key(tmp_path)
    pair = evolve(built.pair, release="6.19.0-1.fc44.x86_64")
    done = subprocess.run(
        rpmbuild(tmp_path, pair, built.headers),
        capture_output=True, text=True, env=environment(tmp_path), cwd=tmp_path, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert f"is for {built.pair.release}, not for 6.19.0-1.fc44.x86_64" in done.stderr
    assert "sign-file" not in done.stdout + done.stderr


# -- what is read of it ----------------------------------------------------------------------------


def test_what_is_read_of_a_module_is_what_the_kernels_tools_read(built: Built) -> None:
    for name, content in built.modules.items():
        found = read_module(name, content)
        assert found.release == modinfo(built.directory, content, "-F", "vermagic").split(" ")[0]
        assert found.version == modinfo(built.directory, content, "-F", "version")
        assert (found.signed, found.signer) == (True, "Small signing key")
        listed = subprocess.run(
            ["/usr/sbin/modprobe", "--dump-modversions", str(built.directory / "one.ko")],
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout.split()  # fmt: skip
        pairs = zip(listed[1::2], listed[::2], strict=True)
        assert dict(found.symbols) == {symbol: int(crc, 16) for symbol, crc in pairs}
    assert read_module("x.ko", built.modules["trivial.ko.xz"]).exports == ("trivial_shared",)


def test_a_module_is_read_however_it_is_packed(built: Built) -> None:
    import gzip

    import zstandard

    content = built.modules["user.ko.xz"]
    packed = {
        "user.ko": content,
        "user.ko.xz": lzma.compress(content),
        "user.ko.gz": gzip.compress(content),
        "user.ko.zst": zstandard.ZstdCompressor().compress(content),
    }
    for path, data in packed.items():
        assert plain_module(path, data) == content
    for path in ("user.ko.xz", "user.ko.gz", "user.ko.zst"):
        with pytest.raises(DamagedCodeError):
            plain_module(path, b"\xfd no such thing")


def test_the_symbols_that_it_needs_are_those_that_its_kernels_headers_have(built: Built) -> None:
    rows = (built.headers / "Module.symvers").read_text().splitlines()
    known = {name: int(crc, 16) for crc, name, *_ in (row.split("\t") for row in rows)}
    found = read_module("x.ko", built.modules["trivial.ko.xz"])
    assert {name: known[name] for name, _ in found.symbols} == dict(found.symbols)


# Where a byte is hit: tables, names and the signature's lengths stand at both ends.
PLACES = st.one_of(st.integers(0, 63), st.integers(-800, -1), st.floats(0, 1, exclude_max=True))


@settings(max_examples=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(hits=[(47, 128)], kept=1.0).via("the table of sections stands beyond 2 to the 63rd")
@given(
    hits=st.lists(st.tuples(PLACES, st.integers(0, 255)), min_size=1, max_size=4),
    kept=st.floats(0.5, 1),
)
def test_a_damaged_module_is_told_or_read_and_nothing_else(
    built: Built, hits: list[tuple[int | float, int]], kept: float
) -> None:
    content = bytearray(built.modules["user.ko.xz"])
    for place, byte in hits:
        content[int(place * len(content)) if isinstance(place, float) else place] = byte
    del content[int(kept * len(content)) :]
    try:
        found = read_module("user.ko", bytes(content))
    except DamagedCodeError:
        return
    assert isinstance(found, BuiltModule)


# -- what is found ---------------------------------------------------------------------------------


def found_in(inventory: Inventory, pair: KernelPair) -> list[tuple[FindingKind, str]]:
    plan = pair_plan(pair, purl="pkg:github/small/trivial@1.02")
    check = check_artifacts(plan, GpuMatrix(), inventory)
    return [
        (finding.kind, finding.subject.rpartition("/")[2])
        for finding in check.findings
        if finding.kind.value.startswith(("module-", "no-module", "not-built", "other-", "unread"))
    ]


def test_the_package_as_it_was_built_is_what_was_locked(built: Built) -> None:
    inventory = take_inventory(built.directory / "built")
    assert found_in(inventory, built.pair) == []
    plan = pair_plan(built.pair, purl="pkg:github/small/trivial@1.02")
    check = check_artifacts(plan, GpuMatrix(), inventory)
    assert "symbol of the kernel" in [unseen.what for unseen in check.unseen]


def test_a_module_for_another_kernel_or_version_or_without_a_signature_is_a_fault(
    built: Built,
) -> None:
    inventory = take_inventory(built.directory / "built")
    other = evolve(built.pair, release="6.19.0-1.fc44.x86_64")
    assert found_in(inventory, other) == [
        (FindingKind.MODULE_KERNEL, "trivial.ko.xz"),
        (FindingKind.MODULE_KERNEL, "user.ko.xz"),
    ]
    newer = evolve(built.pair, written="1.03")
    # Only one of the two says which version it is.
    assert found_in(inventory, newer) == [(FindingKind.MODULE_VERSION, "trivial.ko.xz")]
    (artifact,) = inventory.artifacts
    unsigned = evolve(
        artifact, modules=tuple(evolve(each, signed=False) for each in artifact.modules)
    )
    assert found_in(evolve(inventory, artifacts=(unsigned,)), built.pair) == [
        (FindingKind.MODULE_UNSIGNED, "trivial.ko.xz"),
        (FindingKind.MODULE_UNSIGNED, "user.ko.xz"),
    ]
    empty = evolve(artifact, modules=())
    assert found_in(evolve(inventory, artifacts=(empty,)), built.pair) == [
        (FindingKind.NO_MODULE, built.pair.package)
    ]


def test_symbols_are_compared_with_a_kernel_that_lies_beside(built: Built) -> None:
    """One checksum is another one in it, and one symbol is not there; what one module exports the
    other may use."""
    inventory = take_inventory(built.directory / "built")
    (artifact,) = inventory.artifacts
    used = {name: crc for module in artifact.modules for name, crc in module.symbols}
    assert "trivial_shared" in used
    own = {name: crc for name, crc in used.items() if name != "trivial_shared"}

    def beside(symbols: dict[str, int]) -> Inventory:
        kernel = evolve(
            artifact,
            path="kernel-core.rpm",
            name="kernel-core",
            evr=built.pair.evr,
            provides=tuple(f"kernel({name}) = {crc:#010x}" for name, crc in symbols.items()),
            modules=(),
        )
        return evolve(inventory, artifacts=(artifact, kernel))

    assert found_in(beside(own), built.pair) == []
    changed = {**own, "kfree": own["kfree"] ^ 1}
    del changed["_printk"]
    assert found_in(beside(changed), built.pair) == [
        (FindingKind.MODULE_SYMBOL, "trivial.ko.xz"),
        (FindingKind.MODULE_SYMBOL, "trivial.ko.xz"),
    ]


def test_the_emitted_test_of_packages_says_the_same(built: Built, tmp_path: Path) -> None:
    def says(pair: KernelPair, *packages: Path) -> tuple[int, str]:
        script = tmp_path / "check-modules.sh"
        script.write_bytes(check_modules_script(pair))
        done = subprocess.run(
            ["sh", str(script), *map(str, packages)],
            capture_output=True, text=True, timeout=60, check=False,
            env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "TMPDIR": str(tmp_path)},
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    assert says(built.pair, built.package) == (0, f"2 kernel modules for {built.pair.release}\n")
    code, told = says(evolve(built.pair, release="6.19.0-1.fc44.x86_64"), built.package)
    assert code == 1
    assert f"is for {built.pair.release}, not for 6.19.0-1.fc44.x86_64" in told
    code, told = says(evolve(built.pair, written="9"), built.package)
    assert (code, "trivial.ko.xz is 1.02, not 9" in told) == (1, True)
    assert says(built.pair)[0] == 1


def test_checksums_in_the_newer_form_are_read_as_well() -> None:
    """Since 6.13: checksums in one section, names one after another in another one."""
    content = _object(
        {
            ".modinfo": b"vermagic=6.19.0-1.fc44.x86_64 SMP preempt\0version=610.57.04\0",
            "__version_ext_crcs": struct.pack("<II", 0x037A0CBA, 0x92997ED8),
            "__version_ext_names": b"kfree\0_printk\0",
        }
    )
    found = read_module("x.ko", content)
    assert dict(found.symbols) == {"kfree": 0x037A0CBA, "_printk": 0x92997ED8}
    assert (found.release, found.version) == ("6.19.0-1.fc44.x86_64", "610.57.04")


def test_a_table_of_sections_that_all_are_the_whole_file_costs_no_more_than_the_file() -> None:
    """Copies of all of them, each with a name as long, would be 60 GB."""
    long = b"\0.modinfo\0" + b"x" * (1 << 20) + b"\0"
    plain = _object({".modinfo": b"vermagic=6.19.0 SMP\0", "names": long})
    (start,) = struct.unpack_from("<Q", plain, 40)
    table = plain[start:] + b"".join(
        struct.pack("<IIQQQQIIQQ", 10 + at, 1, 0, 0, 0, 1 << 20, 0, 0, 1, 0) for at in range(30_000)
    )
    # The names are those of the second section, after the empty one.
    header = plain[:60] + struct.pack("<HH", len(table) // 64, 2)
    content = header + plain[64:start] + table
    tracemalloc.start()
    try:
        assert read_module("x.ko", content).release == "6.19.0"
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_what_a_module_says_obeys_no_terminal() -> None:
    found = read_module(
        "x.ko",
        _object(
            {
                ".modinfo": b"vermagic=6\x1b[2J SMP\0version=1\x07",
                "__ksymtab_strings": b"a\x1b[2J",
                "__version_ext_crcs": struct.pack("<I", 1),
                "__version_ext_names": b"b\x9b2J\0",
            }
        ),
    )
    told = (found.release, found.version, *found.exports, found.symbols[0][0])
    assert all(text.isprintable() for text in told)


@pytest.mark.parametrize("size", [(1 << 24) + 1, 0])
def test_what_no_kernel_writes_is_refused_before_it_is_taken_apart(size: int) -> None:
    """A section of many empty texts, and a signature of many empty elements."""
    info = b"vermagic=6.19.0 SMP\0"
    signature = b"\x30\0" * (1 << 20)
    ending = struct.pack(">BBBBB3xI", 0, 0, 2, 0, 0, len(signature))
    content = _object({".modinfo": info + bytes(size)})
    if not size:
        content += signature + ending + b"~Module signature appended~\n"
    with pytest.raises(DamagedCodeError, match=r"more than|kind or size"):
        read_module("x.ko", content)


def _object(sections: dict[str, bytes]) -> bytes:
    """An ELF object of 64 bits with these sections."""
    names, table, body = b"\0", [bytes(64)], io.BytesIO()
    start = 64
    for name, content in {**sections, ".shstrtab": b""}.items():
        at = len(names)
        names += name.encode() + b"\0"
        if name == ".shstrtab":
            content = names
        table.append(
            struct.pack("<IIQQQQIIQQ", at, 1, 0, 0, start + body.tell(), len(content), 0, 0, 1, 0)
        )
        body.write(content)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 1, 62, 1, 0, 0, start + body.tell(), 0, 64, 0,
        0, 64, len(table), len(table) - 1,
    )  # fmt: skip
    return header + body.getvalue() + b"".join(table)
