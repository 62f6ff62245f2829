"""GPU architectures in wheels of the package index, against what these promise themselves.

About 15 MB are read, members by range requests, and kept in the cache of pytest. Where the code
inside is compressed, it is decompressed here, which the reader does not do, and asked as well.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from pypi_simple import PYPI_SIMPLE_ENDPOINT

from streamsolve.artifacts import code_of_file
from streamsolve.errors import Code, InputError
from streamsolve.inputs.listing import parse_listing
from streamsolve.inputs.transport import Transport
from streamsolve.model.gpu import CodeKind

pytestmark = pytest.mark.network

BITSANDBYTES = "bitsandbytes-0.50.2-py3-none-manylinux_2_24_x86_64.whl"
RUNTIME = (
    "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
)
VLLM = "vllm-0.33.0-cp38-abi3-manylinux_2_28_x86_64.whl"
CUBINS = "flashinfer_cubin-0.6.13rc2-py3-none-any.whl"
AITER = "amd_aiter-0.1.7.post2.dev18-py3-none-any.whl"
GEMM = (
    "flashinfer_cubin/cubins/10f64528a1172dae8e29601a3b99ab9dc78d37be/gemm-91e0ba0-2710384/"
    "Gemm_Bfloat16_E2m1E2m1_Fp32_Ab16_Bb16_t128x128x128_s3_et128x128_m128x128x64_c1x1x1_rM_TN_"
    "transOut_schedS_sm100f.cubin"
)
FMHA = (
    "flashinfer_cubin/cubins/158f6fa11ef139a098cfddcdddce73ca99d164ad/fmha/trtllm-gen/"
    "fmhaSm103aKernel_QE4m3KvE2m1OE4m3H128PagedKvCausalP16VarSeqQ128Kv128StaticContext.cubin"
)
# Members by their sha256.
PINNED = {
    "bitsandbytes/libbitsandbytes_cuda130.so": (
        "00901675cb2acb8b1d6015cfe2c2571050bf59c7ce1972e6b6717ffc99b2a285"
    ),
    "bitsandbytes/libbitsandbytes_rocm715.so": (
        "df79cb8fd5a19f27ba17d65b0923a4c05dab7afdc19541d00c637e4d524ba6d7"
    ),
    "bitsandbytes/libbitsandbytes_rocm64.so": (
        "e511b5c561b6069d465af5087ee8fa33d1501e4fc7fdad1a7dbcc5f4b04849f7"
    ),
    "bitsandbytes-0.50.2.dist-info/METADATA": (
        "8a2550ec644cfc9da9ebc19f83d97ffb34f4cba6373c0e336d71aa2acc169ea7"
    ),
    "vllm/_flashmla_C.abi3.so": "25ce6b315b9b80f7979061c9addf668e7396267dd5114406fbfd11c963303dd8",
    "aiter_meta/hsa/gfx942/all_reduce.co": (
        "11c4ef9a18cb4d92ddb0fac50f8f8be7134d6c32a371fb18933fa210b5834d97"
    ),
    "aiter_meta/hsa/gfx950/f8_block_scale_mi350_x32.co": (
        "08e6567870ac8a9d2253a065d1c323151ae27614a33a66ce4dac40a75f9f7b27"
    ),
    GEMM: "05a5d7c792f54648149ca5513400cc86aa38ea755be3ef31bb3ad99f00458c53",
    FMHA: "e29b2dd83b10ded7464b80b49885c6be8ed43788dc483cf7121916a14ecdaeeb",
}

Fetch = Callable[..., Path]


@pytest.fixture(scope="module")
def fetched(request: pytest.FixtureRequest) -> Iterator[Fetch]:
    """Members of wheels, or a whole wheel, by their digests; read once and kept."""
    kept = request.config.cache.mkdir("gpu-wheels")
    transport = Transport(cache=kept, retries=1, timeout=60)

    def address(wheel: str) -> str:
        name = wheel.partition("-")[0].replace("_", "-")
        page = transport.get(f"{PYPI_SIMPLE_ENDPOINT}{name}/", unreachable=Code.INDEX_UNREACHABLE)
        files = parse_listing(page.body.decode(), name=name, url=page.url)
        (url,) = [file.url for file in files if file.artifact.filename == wheel]
        return url

    def fetch(wheel: str, member: str = "", sha256: str = "") -> Path:
        digest = sha256 or PINNED[member]
        path = kept / digest[:16] / (member or wheel).rpartition("/")[2]
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
            return path
        try:
            if not member:
                return transport.download(address(wheel), sha256=sha256)
            with transport.open_zip(address(wheel)) as archive:
                content = archive.read(member)
        except InputError as error:
            if error.code not in (Code.INDEX_UNREACHABLE, Code.REPOSITORY_UNREACHABLE):
                raise
            pytest.skip(f"the package index does not answer: {error.message}")
        assert hashlib.sha256(content).hexdigest() == digest
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    yield fetch
    transport.close()


def architectures(path: Path) -> list[str]:
    (file,) = code_of_file(path)
    return list(file.architectures)


# -- what is inside, decompressed ------------------------------------------------------------------


def cuda_numbers(content: bytes) -> set[tuple[str, int]]:
    """What PTX and code objects inside say, from zstd: the target of PTX, the flags of an ELF."""
    found = set()
    for start in re.finditer(rb"\x28\xb5\x2f\xfd", content):
        code = zstandard.ZstdDecompressor().decompressobj().decompress(content[start.start() :])
        if code[:4] == b"\x7fELF":
            assert struct.unpack_from("<H", code, 18) == (190,)
            found.add(("sm", struct.unpack_from("<I", code, 48)[0] >> 8 & 0xFF))
        elif target := re.search(rb"\.target sm_(\d+)", code):
            found.add(("compute", int(target[1])))
    return found


def amd_flags(content: bytes) -> set[tuple[str, int]]:
    """For each entry of the bundles inside, its name and the machine in the flags of its ELF."""
    found = set()
    for start in re.finditer(b"CCOB", content):
        begin = content.index(b"\x28\xb5\x2f\xfd", start.start())
        bundle = zstandard.ZstdDecompressor().decompressobj().decompress(content[begin:])
        at = 32
        for _ in range(struct.unpack_from("<Q", bundle, 24)[0]):
            offset, size, length = struct.unpack_from("<QQQ", bundle, at)
            name = bundle[at + 24 : at + 24 + length].decode().rpartition("-")[2]
            at += 24 + length
            if size:
                found.add((name, bundle[offset + 48]))
    return found


def numbers_of(names: list[str]) -> set[tuple[str, int]]:
    return {(form, int(re.sub(r"\D", "", number))) for form, _, number in
            (name.partition("_") for name in names)}  # fmt: skip


# -- wheels ----------------------------------------------------------------------------------------


def test_bitsandbytes_for_cuda_13_has_what_its_release_builds(fetched):
    path = fetched(BITSANDBYTES, "bitsandbytes/libbitsandbytes_cuda130.so")
    # build-cuda.sh of that release; the last one also as PTX, as CMake's COMPUTE_CAPABILITY does.
    built = "75;80;86;89;90;100;120"
    expected = [f"sm_{number}" for number in built.split(";")]
    assert architectures(path) == [*expected, "compute_120"]
    assert cuda_numbers(path.read_bytes()) == numbers_of(architectures(path))


def test_the_device_runtime_of_cuda_13_is_for_every_gpu_that_it_supports(fetched, shared):
    path = fetched(RUNTIME[0], sha256=RUNTIME[1])
    facts = json.loads((shared / "facts" / "accelerators.json").read_text())
    supported = set(facts["cuda"]["13.0"]["gpu_arch"])
    (file,) = code_of_file(path)
    assert file.path.endswith("/libcudadevrt.a")
    machine = {code.architecture for code in file.code if code.kind is CodeKind.MACHINE}
    # Those that only embedded systems have need no code of their own.
    assert machine == supported - {"sm_87", "sm_88"}


def test_the_attention_kernels_of_vllm_are_bound_to_hopper_and_to_a_family_of_blackwell(fetched):
    path = fetched(VLLM, "vllm/_flashmla_C.abi3.so")
    # cmake/external_projects/flashmla.cmake of vLLM: nothing but 9.0a and 10.0f.
    assert architectures(path) == ["sm_90a", "sm_100f"]
    assert cuda_numbers(path.read_bytes()) == {("sm", 90), ("sm", 100)}


@pytest.mark.parametrize("member", [GEMM, FMHA])
def test_kernels_of_flashinfer_are_for_what_their_names_say(fetched, member):
    named = re.search(r"[sS]m(\d+)([af])", member)
    (found,) = architectures(fetched(CUBINS, member))
    # A code object says "a", but never "f".
    assert found == f"sm_{named[1]}{named[2].replace('f', '')}"


def test_bitsandbytes_for_rocm_has_what_its_metadata_promises(fetched):
    metadata = fetched(BITSANDBYTES, "bitsandbytes-0.50.2.dist-info/METADATA").read_text()
    promised = {name.replace("X", "[0-9]") for name in re.findall(r"gfx\w+", metadata)}
    found = architectures(fetched(BITSANDBYTES, "bitsandbytes/libbitsandbytes_rocm715.so"))
    assert [name for name in found if not any(re.fullmatch(p, name) for p in promised)] == []
    assert [p for p in promised if not any(re.fullmatch(p, name) for name in found)] == []


@pytest.mark.parametrize("rocm", ["64", "715"])
def test_bundles_of_both_versions_name_what_their_code_is_for(fetched, rocm):
    path = fetched(BITSANDBYTES, f"bitsandbytes/libbitsandbytes_rocm{rocm}.so")
    content = path.read_bytes()
    inside = amd_flags(content)
    assert struct.unpack_from("<H", content, content.index(b"CCOB") + 4) == (
        {"64": 2, "715": 3}[rocm],
    )
    assert set(architectures(path)) == {name for name, _ in inside}
    # One machine for each name, and none for two.
    assert len({number for _, number in inside}) == len({name for name, _ in inside}) == len(inside)


@pytest.mark.parametrize(
    "member",
    ["aiter_meta/hsa/gfx942/all_reduce.co", "aiter_meta/hsa/gfx950/f8_block_scale_mi350_x32.co"],
)
def test_kernels_of_aiter_are_for_the_processor_of_their_directory(fetched, member):
    assert architectures(fetched(AITER, member)) == [member.split("/")[2]]
