"""RamaLama on Fedora 44 and 45: whose llama.cpp it starts, checked on the base's own packages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from streamsolve.explain.document import plan_document
from streamsolve.inputs.shipped import profiles_directory
from streamsolve.model.plan import Plan
from streamsolve.planner import PlanRequest, make_plan

from .checker import Upstream, base_distributions, unmet
from .rawbase import package_versions

BASES = ("fedora-44", "fedora-45")
PYTHON = {"fedora-44": "3.14", "fedora-45": "3.15"}
"""Of the bases, as their README says."""
OLDEST = 8920
"""The build of llama.cpp that RamaLama's images had when its options were last aligned."""
each_base = pytest.mark.parametrize("base", BASES)
each_plan = pytest.mark.parametrize(
    ("base", "variant"), [(b, v) for b in BASES for v in ("container", "nocontainer")]
)

Plans = Callable[..., Plan]


@pytest.fixture(scope="module")
def plans(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Plans:
    """Plans on the whole base with what is shipped of the index, each made once."""
    cache = tmp_path_factory.mktemp("cache")
    known: dict[tuple[str, str, bool], Plan] = {}

    def make(variant: str, base: str, *, builds: bool = False) -> Plan:
        key = (variant, base, builds)
        if key not in known:
            where = str(shared / "data" / base)
            known[key] = make_plan(
                PlanRequest(
                    "ramalama",
                    variant=variant,
                    base=where,
                    offline=True,
                    cache=cache,
                    builds=builds,
                )
            ).plan
        return known[key]

    return make


def upstream() -> Upstream:
    return Upstream((profiles_directory() / "ramalama" / "upstream.jsonl").read_text("utf-8"))


def document(plan: Plan) -> dict[str, Any]:
    return json.loads(json.dumps(plan_document(plan)))


@each_plan
def test_every_requirement_of_upstream_is_met(plans: Plans, base: str, variant: str) -> None:
    stated = upstream().requires("ramalama", "0.25.0")
    assert stated
    assert unmet(document(plans(variant, base)), upstream(), stated) == []


@each_plan
def test_the_shipped_extract_gives_the_plan_that_the_whole_base_gives(
    plans: Plans, tmp_path: Path, base: str, variant: str
) -> None:
    whole = plans(variant, base)
    request = PlanRequest("ramalama", variant=variant, base=base, offline=True, cache=tmp_path)
    small = make_plan(request).plan
    assert small.streams == whole.streams
    assert small.summary == whole.summary


@each_plan
def test_its_python_and_all_that_it_imports_are_the_base_s(
    shared: Path, plans: Plans, base: str, variant: str
) -> None:
    plan = plans(variant, base)
    has = base_distributions(shared / "data" / base / "x86_64", PYTHON[base])
    assert plan.python == PYTHON[base]
    streams = {stream["component"]: stream for stream in document(plan)["streams"]}
    assert {"argcomplete", "jinja2", "pyyaml"} <= streams.keys()
    for name in ("argcomplete", "jinja2", "pyyaml"):
        assert streams[name]["origin"] == "base"
        assert Version(streams[name]["version"]) in has[name]
    assert "ramalama" not in has
    assert streams["ramalama"]["origin"] == "private"


@each_base
def test_llama_cpp_is_the_base_s_where_that_knows_the_options_and_private_elsewhere(
    shared: Path, plans: Plans, base: str
) -> None:
    own = package_versions(shared / "data" / base)["llama-cpp"]
    assert own.startswith("b")
    stream = plans("nocontainer", base).stream("llama-cpp")
    assert stream is not None
    if int(own[1:]) >= OLDEST:
        assert stream.origin.value == "base"
        assert str(stream.version) == own[1:]
    else:
        assert stream.origin.value == "private"
        assert stream.version >= Version(str(OLDEST))
        assert stream.source.purl == f"pkg:github/ggml-org/llama.cpp@b{stream.version}"
        assert [d.component.name for d in stream.reason.demands] == ["ramalama"]
        assert str(stream.reason.base_version) == own[1:]


def test_the_two_bases_differ_in_that(shared: Path, plans: Plans) -> None:
    origins = {}
    for base in BASES:
        stream = plans("nocontainer", base).stream("llama-cpp")
        assert stream is not None
        origins[base] = stream.origin.value
    assert origins == {"fedora-44": "private", "fedora-45": "base"}


@each_base
def test_with_containers_it_needs_podman_and_no_llama_cpp_of_the_host(
    plans: Plans, base: str
) -> None:
    for variant, inside, outside in (
        ("container", "podman", "llama-cpp"),
        ("nocontainer", "llama-cpp", "podman"),
    ):
        plan = plans(variant, base, builds=True)
        assert plan.builds is not None
        names = {package.name for package in plan.builds.runtime.packages}
        assert inside in names
        assert outside not in names


def test_the_private_llama_cpp_is_built_by_the_base_s_spec_but_for_what_it_no_longer_uses(
    plans: Plans,
) -> None:
    plan = plans("nocontainer", "fedora-44", builds=True)
    assert plan.builds is not None
    (build,) = (b for b in plan.builds.builds if b.component.name == "llama-cpp")
    root = plan.builds.root(build.root)
    assert root is not None
    names = {package.name for package in root.packages}
    assert {"cmake", "gcc-c++", "hipblas-devel", "openssl-devel", "rocm-hip-devel"} <= names
    assert "libcurl-devel" not in {need.text for need in build.needs}


@each_base
def test_no_package_of_the_base_could_take_what_is_private_for_its_own(
    plans: Plans, base: str
) -> None:
    plan = plans("nocontainer", base, builds=True)
    assert plan.isolation is not None
    assert plan.isolation.leaks == ()
