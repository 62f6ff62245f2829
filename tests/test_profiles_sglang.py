"""SGLang from the extracts that are shipped: what is whose, and why, for each variant and base."""

from __future__ import annotations

import json
import re
from functools import cache as remember
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from streamsolve.explain.document import plan_document
from streamsolve.inputs.profiles import list_profiles
from streamsolve.model.component import PYTHON, Origin
from streamsolve.model.conflict import Conflict
from streamsolve.model.plan import Plan
from streamsolve.planner import PlanRequest, make_plan, why_not

from .checker import Upstream, unmet
from .extracts import PROFILES, distributions, omitted, packages, releases, required, toml

PYTHONS = {"fedora-44": "3.14", "fedora-45": "3.15"}
BASES = tuple(PYTHONS)
VARIANTS = ("cuda", "rocm", "cpu")
combinations = pytest.mark.parametrize(
    ("base", "variant"), [(base, variant) for base in BASES for variant in VARIANTS]
)


@remember
def plan(base: str, variant: str) -> Plan:
    found = make_plan(PlanRequest("sglang", variant=variant, base=base, offline=True)).plan
    assert found is not None
    return found


def version(name: str, base: str = "fedora-44", variant: str = "cuda") -> str:
    stream = plan(base, variant).stream(name)
    assert stream is not None
    return str(stream.version)


def conflicts(base: str, variant: str, demand: str) -> tuple[Conflict, ...]:
    """What stands in the way of a demand."""
    request = PlanRequest("sglang", variant=variant, base=base, offline=True)
    answer = why_not(request, demand)
    assert answer.plan is None
    assert answer.failure is not None
    return answer.failure.conflicts


def stated() -> dict[str, Requirement]:
    """What SGLang's own metadata asks for at the Python of its plans."""
    return required("sglang", "sglang", "0.5.23", "3.14")


def companions() -> dict[str, Requirement]:
    """What the component file says of the companions of the torch that SGLang pins."""
    (pin,) = stated()["torch"].specifier
    (pairing,) = [
        pairing
        for group in toml("components/torch.toml")["group"]
        for pairing in group["pairing"]  # type: ignore[attr-defined]
        if pairing["version"] == pin.version
    ]
    return {each.name: each for each in map(Requirement, pairing["constrains"])}


# -- all variants ----------------------------------------------------------------------------------


@combinations
def test_every_requirement_of_every_stream_is_met(base: str, variant: str) -> None:
    document = json.loads(json.dumps(plan_document(plan(base, variant))))
    upstream = Upstream((PROFILES / "sglang" / "upstream.jsonl").read_text("utf-8"))
    assert unmet(document, upstream, upstream.requires("sglang", "0.5.23") or []) == []


@combinations
def test_the_number_of_private_streams_is_proven(base: str, variant: str) -> None:
    summary = plan(base, variant).summary
    assert summary.minimal
    assert summary.lower_bound == summary.private


@pytest.mark.parametrize("variant", VARIANTS)
def test_on_fedora_44_nothing_is_private_that_the_base_has_at_a_version_that_fits(
    variant: str,
) -> None:
    found = plan("fedora-44", variant)
    assert found.python == "3.14"
    had = distributions("sglang", "fedora-44", "3.14")
    chosen = {stream.component.name: stream for stream in found.streams}
    needless = []
    for name, requirement in stated().items():
        fitting = [each for each in had.get(name, []) if requirement.specifier.contains(each)]
        if name in omitted("sglang", variant) or chosen[name].origin is Origin.BASE:
            continue
        demands = [d.requirement.specifier for d in chosen[name].required_by]
        if name in companions():
            demands.append(companions()[name].specifier)
        if any(all(demand.contains(each) for demand in demands) for each in fitting):
            needless.append(name)
    assert needless == []


@combinations
def test_what_is_left_out_is_named_with_its_reason(base: str, variant: str) -> None:
    left_out = plan(base, variant).of_origin(Origin.OMITTED)
    assert all(stream.reason.text for stream in left_out)
    names = {stream.component.name for stream in left_out}
    assert names <= omitted("sglang", variant)
    assert names >= omitted("sglang", variant) & stated().keys()


@combinations
def test_jinja2_which_upstream_does_not_state_is_one_that_renders_chat_templates(
    base: str, variant: str
) -> None:
    """SGLang imports it, and transformers refuses to use any before 3.1."""
    assert "jinja2" not in stated()
    jinja2 = plan(base, variant).stream("jinja2")
    assert jinja2 is not None
    assert Version("3.1") <= jinja2.version
    asking = {d.component.name: str(d.requirement) for d in jinja2.required_by}
    assert asking["sglang"] == "jinja2>=3.1"


@combinations
def test_anthropic_is_one_that_needs_the_httpx_of_fedora(base: str, variant: str) -> None:
    chosen = version("anthropic", base, variant)
    assert stated()["anthropic"].specifier.contains(chosen)
    asked = required("sglang", "anthropic", chosen, "3.14")
    assert {"httpx", "httpx2"} & asked.keys() == {"httpx"}
    newest = max((r for r in releases("sglang") if r["name"] == "anthropic"), key=_version_of)
    assert "httpx2" in required("sglang", "anthropic", str(newest["version"]), "3.14")
    assert "httpx" in distributions("sglang", base, PYTHONS[base])
    assert "httpx2" not in distributions("sglang", "fedora-44", PYTHONS["fedora-44"])


def _version_of(row: dict[str, object]) -> Version:
    return Version(str(row["version"]))


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_has_no_wheel_and_nothing_to_compile_is_rebuilt_at_the_base_s_version(
    variant: str,
) -> None:
    package = packages("sglang", "fedora-45")["python3-easydict"]
    assert package["arch"] == "noarch"
    easydict = plan("fedora-45", variant).stream("easydict")
    assert easydict is not None
    assert str(easydict.version) == str(package["evr"]).partition("-")[0]


def test_torchvision_is_built_where_its_setup_py_finds_packaging(
    shared: Path, tmp_path: Path
) -> None:
    request = PlanRequest(
        "sglang",
        variant="cpu",
        base=str(shared / "data" / "fedora-44"),
        offline=True,
        builds=True,
        cache=tmp_path,
    )
    found = make_plan(request).plan
    assert found is not None
    assert found.builds is not None
    (root,) = [r for r in found.builds.roots if r.id == "build-torchvision"]
    assert {"numpy", "packaging", "setuptools", "torch"} <= {s.component.name for s in root.streams}


# -- CUDA ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    "name", ["torch", "torchaudio", "sglang-kernel", "xgrammar", "outlines", "flashinfer-python"]
)
def test_the_pins_of_sglang_are_kept_from_source(base: str, name: str) -> None:
    (pin,) = stated()[name].specifier
    assert pin.operator == "=="
    stream = plan(base, "cuda").stream(name)
    assert stream is not None
    assert str(stream.version) == pin.version
    assert (stream.origin, stream.prebuilt) == (Origin.PRIVATE, False)


@pytest.mark.parametrize("base", BASES)
def test_the_toolkit_is_the_one_of_torch_and_all_of_cuda_is_a_third_party_s(base: str) -> None:
    pinned = required("sglang", "torch", version("torch"), "3.14")["cuda-toolkit"].specifier
    toolkit = plan(base, "cuda").stream("cuda-toolkit")
    assert toolkit is not None
    assert toolkit.version in pinned
    assert version("cuda", base) == "13.0"
    for stream in plan(base, "cuda").of_origin(Origin.EXTERNAL):
        assert stream.repository == "cuda"


def test_torchvision_is_one_that_belongs_to_the_torch_of_sglang() -> None:
    """SGLang leaves it open, and the base has one for an older torch: the group says it."""
    assert str(stated()["torchvision"].specifier) == ""
    (had,) = distributions("sglang", "fedora-44", "3.14")["torchvision"]
    assert not companions()["torchvision"].specifier.contains(had)
    assert companions()["torchvision"].specifier.contains(version("torchvision"))


@pytest.mark.parametrize(("base", "compiler"), [("fedora-44", "gcc14"), ("fedora-45", "gcc15")])
def test_cuda_takes_the_base_s_compat_compiler(base: str, compiler: str) -> None:
    assert compiler in packages("sglang", base)
    gcc = plan(base, "cuda").stream("gcc")
    assert gcc is not None
    assert (gcc.origin, gcc.package) == (Origin.BASE, compiler)


def test_only_what_has_no_source_is_prebuilt() -> None:
    rows = {(row["name"], row["version"]): row for row in releases("sglang")}
    prebuilt = [stream for stream in plan("fedora-44", "cuda").streams if stream.prebuilt]
    assert {stream.component.name for stream in prebuilt} == {
        "nccl4py",
        "sgl-flash-mla",
        "tml-renderers",
    }
    for stream in prebuilt:
        assert "sdist" not in rows[stream.component.name, str(stream.version)]
        assert stream.licence in ("Apache-2.0", "MIT")


# -- the other builds ------------------------------------------------------------------------------


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("variant", ["rocm", "cpu"])
def test_nothing_of_nvidia_s_is_left_in_the_other_builds(base: str, variant: str) -> None:
    found = plan(base, variant)
    assert found.of_origin(Origin.EXTERNAL) == ()
    used = {s.component.name for s in found.streams if s.origin is not Origin.OMITTED}
    assert not [name for name in used if name.startswith(("nvidia-", "cuda", "flashinfer"))]
    assert {"torch", "triton", "sglang-kernel", "xgrammar"} <= used


@pytest.mark.parametrize("base", BASES)
def test_rocm_is_one_stack_of_the_base(base: str) -> None:
    stack = {"rocm-core", "rocm-runtime", "rocm-hip", "rocblas", "hipblaslt", "miopen", "rccl"}
    assert stack <= {s.package for s in plan(base, "rocm").of_origin(Origin.BASE)}


def test_for_cpus_torch_is_labelled_as_upstream_labels_it() -> None:
    assert version("torch", "fedora-44", "cpu") == "2.14.1+cpu"


# -- Fedora 45 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_on_fedora_45_triton_forces_an_older_python(variant: str) -> None:
    (row,) = [r for r in releases("sglang") if (r["name"], r["version"]) == ("triton", "3.8.0")]
    assert row["python"] == ">=3.10,<3.15"
    interpreter = plan("fedora-45", variant).stream("python")
    assert interpreter is not None
    assert (interpreter.origin, plan("fedora-45", variant).python) == (Origin.PRIVATE, "3.14")
    assert "triton" in {d.component.name for d in interpreter.reason.demands}


def test_with_the_python_of_fedora_45_there_is_no_plan_and_triton_is_named() -> None:
    found = conflicts("fedora-45", "cpu", "python==3.15.*")
    (about,) = [c for c in found if c.about == PYTHON]
    blocking = {chain[-1].by.name: str(chain[-1].requirement) for chain in about.chains}
    assert blocking["triton"] == "python<3.15,>=3.10"


# -- what is shipped -------------------------------------------------------------------------------


def test_the_profile_is_listed() -> None:
    assert "sglang" in list_profiles()


def test_the_extracts_are_small_and_name_no_machine() -> None:
    files = sorted((PROFILES / "sglang").rglob("*.jsonl"))
    assert len(files) == 3
    assert sum(path.stat().st_size for path in files) < 1_200_000
    for path in files:
        assert "://" not in path.read_text("utf-8")


@pytest.mark.parametrize("base", BASES)
def test_what_packages_need_beside_others_is_in_the_extract_as_well(base: str) -> None:
    """IPython asks for ``(tex(bm.sty) if /usr/bin/dvipng)``: nothing that is there when it is
    installed alone, and there beside what else the plan holds."""
    rows = packages("sglang", base).values()
    provided = {
        str(text).partition(" ")[0]
        for row in rows
        for text in row.get("provides", ())  # type: ignore[attr-defined]
    }
    conditions = {
        match.groups()
        for row in rows
        for text in row.get("requires", ())  # type: ignore[attr-defined]
        if (match := re.fullmatch(r"\((\S+) if (\S+)\)", str(text)))
    }
    assert ("tex(bm.sty)", "/usr/bin/dvipng") in conditions
    there = {wanted for wanted, condition in conditions if condition in provided}
    assert there <= provided
