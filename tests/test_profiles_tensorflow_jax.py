"""TensorFlow and JAX on Fedora 44 and 45: what is private and why, checked on raw texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from streamsolve.errors import NoPlanError
from streamsolve.explain.document import plan_document
from streamsolve.inputs.shipped import profiles_directory
from streamsolve.model.conflict import Failure
from streamsolve.model.plan import Plan
from streamsolve.planner import PlanRequest, make_plan

from .checker import Upstream, base_distributions, environment, unmet
from .rawbase import majors, package_versions

BASES = ("fedora-44", "fedora-45")
PYTHON = {"fedora-44": "3.14", "fedora-45": "3.15"}
"""Of the bases, as their README says."""
PLANNED = (
    *((base, "jax", variant) for base in BASES for variant in ("cpu", "cuda", "rocm")),
    *((base, "tensorflow", "cpu") for base in BASES),
    ("fedora-44", "tensorflow", "cuda"),
)
VERSIONS = {"jax": "0.12.0.1", "tensorflow": "2.21.0"}
EXTRAS = {("jax", "cuda"): "cuda13", ("tensorflow", "cuda"): "and-cuda"}
"""What upstream calls a variant."""
each_plan = pytest.mark.parametrize(("base", "name", "variant"), PLANNED)
each_base = pytest.mark.parametrize("base", BASES)

Made = Plan | Failure
Planner = Callable[..., Made]


@pytest.fixture(scope="module")
def made(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Planner:
    """Plans on the whole base with what is shipped of the index, each made once."""
    cache = tmp_path_factory.mktemp("cache")
    known: dict[tuple[str, str, str, bool], Made] = {}

    def make(name: str, variant: str, base: str, *, builds: bool = False) -> Made:
        key = (name, variant, base, builds)
        if key not in known:
            where = str(shared / "data" / base)
            request = PlanRequest(
                name, variant=variant, base=where, offline=True, cache=cache, builds=builds
            )
            try:
                known[key] = make_plan(request).plan
            except NoPlanError as error:
                known[key] = error.failure
        return known[key]

    return make


@pytest.fixture(scope="module")
def plans(made: Planner) -> Callable[..., Plan]:
    """Those that exist."""

    def make(name: str, variant: str, base: str, *, builds: bool = False) -> Plan:
        found = made(name, variant, base, builds=builds)
        assert isinstance(found, Plan), found
        return found

    return make


def upstream(name: str) -> Upstream:
    return Upstream((profiles_directory() / name / "upstream.jsonl").read_text("utf-8"))


def stated(name: str) -> list[str]:
    """The application's requirements in upstream's own words."""
    found = upstream(name).requires(name, VERSIONS[name])
    assert found
    return found


def document(plan: Plan) -> dict[str, Any]:
    return json.loads(json.dumps(plan_document(plan)))


def chosen(plan: Plan) -> dict[str, Mapping[str, Any]]:
    return {stream["component"]: stream for stream in document(plan)["streams"]}


def of_extra(name: str, extra: str, plan: Plan) -> list[Requirement]:
    """What upstream's METADATA adds for an extra, for the plan's target."""
    env = environment(document(plan))
    requirements = [Requirement(text) for text in stated(name)]
    return [
        r
        for r in requirements
        if r.marker
        and r.marker.evaluate({**env, "extra": extra})
        and not r.marker.evaluate({**env, "extra": ""})
    ]


# -- any plan --------------------------------------------------------------------------------------


@each_plan
def test_every_requirement_of_upstream_is_met(
    plans: Callable[..., Plan], base: str, name: str, variant: str
) -> None:
    plan = plans(name, variant, base)
    extra = EXTRAS.get((name, variant))
    itself = [f"{name}[{extra}]"] if extra else []
    assert unmet(document(plan), upstream(name), [*stated(name), *itself]) == []


@each_plan
def test_the_fewest_private_streams_are_proven(
    plans: Callable[..., Plan], base: str, name: str, variant: str
) -> None:
    summary = plans(name, variant, base).summary
    assert summary.minimal
    assert summary.lower_bound == summary.private


@each_plan
def test_the_shipped_extract_gives_the_plan_that_the_whole_base_gives(
    plans: Callable[..., Plan], tmp_path: Path, base: str, name: str, variant: str
) -> None:
    whole = plans(name, variant, base)
    request = PlanRequest(name, variant=variant, base=base, offline=True, cache=tmp_path)
    small = make_plan(request).plan
    assert small.streams == whole.streams
    assert small.summary == whole.summary
    assert small.repositories == whole.repositories


@each_base
@pytest.mark.parametrize("variant", ["cpu", "cuda", "rocm"])
def test_of_jax_is_private_only_what_the_base_has_not_in_a_version_that_will_do(
    shared: Path, plans: Callable[..., Plan], base: str, variant: str
) -> None:
    plan = plans("jax", variant, base)
    assert plan.python == PYTHON[base]
    has = base_distributions(shared / "data" / base / "x86_64", plan.python)
    env = environment(document(plan))
    streams = chosen(plan)
    demands: dict[str, list[SpecifierSet]] = {}
    for name in streams:
        for text in upstream("jax").requires(name, streams[name]["version"] or "0") or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({**env, "extra": ""}):
                demands.setdefault(canonicalize_name(requirement.name), []).append(
                    requirement.specifier
                )
    wanted = [n for n in demands if n in streams and streams[n]["origin"] != "external"]
    fits = {
        name: any(all(d.contains(v) for d in demands[name]) for v in has.get(name, ()))
        for name in wanted
    }
    assert {"jaxlib", "ml-dtypes", "numpy", "opt-einsum", "scipy"} <= fits.keys()
    assert {name for name in wanted if streams[name]["origin"] == "base"} == {
        name for name, will_do in fits.items() if will_do
    }


# -- what a variant is -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "name"), [("fedora-44", "jax"), ("fedora-45", "jax"), ("fedora-44", "tensorflow")]
)
def test_the_cuda_variant_has_what_upstream_s_extra_asks_for(
    plans: Callable[..., Plan], base: str, name: str
) -> None:
    plan = plans(name, "cuda", base)
    asked = of_extra(name, EXTRAS[name, "cuda"], plan)
    streams = chosen(plan)
    assert len(asked) == {"jax": 2, "tensorflow": 12}[name]
    for requirement in asked:
        found = streams[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(found["version"]), requirement


@each_base
@pytest.mark.parametrize("variant", ["cpu", "cuda", "rocm"])
def test_jaxlib_and_the_plugins_are_of_jax_s_own_series(
    plans: Callable[..., Plan], base: str, variant: str
) -> None:
    streams = chosen(plans("jax", variant, base))
    assert streams["jaxlib"]["version"] == VERSIONS["jax"]
    family = {name for name in streams if name.startswith(("jaxlib", "jax-"))}
    assert len(family) == {"cpu": 1, "cuda": 3, "rocm": 3}[variant]
    for name in family:
        assert streams[name]["origin"] == "private"
        assert Version(streams[name]["version"]).release[:2] == (0, 12)
        assert streams[name]["source"]["purl"].startswith("pkg:github/jax-ml/jax@jax-v0.12.0")


@each_base
def test_what_nvidia_alone_has_is_external_and_nothing_else_is(
    plans: Callable[..., Plan], base: str
) -> None:
    streams = chosen(plans("jax", "cuda", base))
    external = {name for name, stream in streams.items() if stream["origin"] == "external"}
    assert external == {"cuda", *(name for name in streams if name.startswith("nvidia-"))}


@each_base
def test_rocm_is_the_base_s_and_of_one_release(
    shared: Path, plans: Callable[..., Plan], base: str
) -> None:
    streams = chosen(plans("jax", "rocm", base))
    has = package_versions(shared / "data" / base)
    release = has["rocm-core"].split(".")[:2]
    for name in ("rocm-runtime", "rocm-hip", "rocblas", "hipblaslt", "miopen", "rccl"):
        assert streams[name]["origin"] == "base"
        assert streams[name]["version"].split(".")[:2] == release
    assert not any(name.startswith("amd-") for name in streams)


# -- compilers -------------------------------------------------------------------------------------


def newest_gcc(shared: Path, version: str) -> int:
    """The newest gcc that a CUDA release takes, from the facts."""
    facts = json.loads((shared / "facts" / "accelerators.json").read_text("utf-8"))
    return int(facts["cuda"][version]["max_gcc_major"])


@each_base
def test_the_cuda_of_jax_takes_the_base_s_own_gcc(
    shared: Path, plans: Callable[..., Plan], base: str
) -> None:
    streams = chosen(plans("jax", "cuda", base))
    own = int(package_versions(shared / "data" / base)["gcc"].partition(".")[0])
    assert own <= newest_gcc(shared, streams["cuda"]["version"])
    assert streams["gcc"]["package"] == "gcc"


@each_base
def test_the_cuda_of_tensorflow_needs_an_older_gcc_which_fedora_45_has_not(
    shared: Path, made: Planner, base: str
) -> None:
    let_in = ("12.5", "12.6", "12.8", "12.9")
    has = majors(shared / "data" / base, "gcc")
    usable = {gcc for gcc in has if gcc <= max(newest_gcc(shared, each) for each in let_in)}
    answer = made("tensorflow", "cuda", base)
    if usable:
        assert isinstance(answer, Plan)
        gcc = chosen(answer)["gcc"]
        assert gcc["origin"] == "base"
        assert gcc["package"] == f"gcc{max(usable)}"
        return
    assert isinstance(answer, Failure)
    (conflict,) = answer.conflicts
    assert conflict.about.spelled == "accelerator:cuda"
    last = [chain[-1] for chain in conflict.chains]
    assert {demand.requirement.component.spelled for demand in last} == {"toolchain:gcc"}
    refused = {str(v) for demand in last for v in demand.versions}
    assert refused == set(let_in)
    assert {v.major for demand in last for v in demand.available} == has
    repairs = {(repair.kind.value, repair.value) for repair in answer.repairs}
    assert ("variant", "cpu") in repairs


def test_the_two_bases_differ_in_that_gcc(shared: Path) -> None:
    assert majors(shared / "data" / "fedora-44", "gcc") == {14, 16}
    assert majors(shared / "data" / "fedora-45", "gcc") == {15, 16}


# -- TensorFlow's Python ---------------------------------------------------------------------------


@each_base
def test_tensorflow_has_a_python_of_its_own_since_the_base_s_is_too_new(
    plans: Callable[..., Plan], base: str
) -> None:
    plan = plans("tensorflow", "cpu", base)
    python = plan.stream("python")
    assert python is not None
    assert python.origin.value == "private"
    assert plan.python == "3.13"
    (refusing,) = python.reason.demands
    assert refusing.component.name == "tensorflow"
    assert not refusing.requirement.allows(Version(f"{PYTHON[base]}.0"))
    assert all(stream["origin"] == "private" for stream in chosen(plan).values())


@each_base
def test_what_fits_is_rebuilt_for_that_python_in_the_base_s_version(
    shared: Path, plans: Callable[..., Plan], base: str
) -> None:
    plan = plans("tensorflow", "cpu", base)
    told, index = document(plan), upstream("tensorflow")
    has = base_distributions(shared / "data" / base / "x86_64", PYTHON[base])
    rebuilt = 0
    for name, stream in chosen(plan).items():
        demands = [Requirement(d["requirement"]).specifier for d in stream["required_by"]]
        for version in has.get(name, ()):
            with_source = "sdist" in index.metadata.get((name, version), {})
            runs = f"{plan.python}.0" in SpecifierSet(index.requires_python(name, str(version)))
            if with_source and runs and all(d.contains(version) for d in demands):
                assert Version(stream["version"]) == version, name
                rebuilt += 1
    assert rebuilt > 10
    assert told["python"] == "3.13"


@each_base
def test_protobuf_is_newer_than_the_base_s_only_where_that_is_too_old(
    shared: Path, plans: Callable[..., Plan], base: str
) -> None:
    stream = plans("tensorflow", "cpu", base).stream("protobuf")
    assert stream is not None
    version = Version(package_versions(shared / "data" / base)["python3-protobuf"])
    asked = next(r for r in map(Requirement, stated("tensorflow")) if r.name == "protobuf")
    assert asked.specifier.contains(version) == (base == "fedora-45")
    assert (stream.version == version) == asked.specifier.contains(version)
    assert stream.version in asked.specifier


@each_base
def test_the_end_of_h5py_counts_for_macos_alone_and_is_told(
    plans: Callable[..., Plan], base: str
) -> None:
    told = document(plans("tensorflow", "cpu", base))
    stream = next(s for s in told["streams"] if s["component"] == "h5py")
    asked = next(r for r in map(Requirement, stated("tensorflow")) if r.name == "h5py")
    assert not asked.specifier.contains(stream["version"])
    (relaxed,) = (r for r in told["relaxed"] if r["stated"].startswith("h5py"))
    assert Requirement(relaxed["stated"]).specifier == asked.specifier
    assert "macOS" in relaxed["reason"]


# -- builds ----------------------------------------------------------------------------------------


@each_base
@pytest.mark.parametrize(
    ("name", "built", "bazel"),
    [("jax", "jaxlib", "8.7.0"), ("tensorflow", "tensorflow", "7.7.0")],
)
def test_bazel_is_built_in_the_version_that_the_sources_name_with_a_java_from_elsewhere(
    shared: Path, plans: Callable[..., Plan], base: str, name: str, built: str, bazel: str
) -> None:
    has = package_versions(shared / "data" / base)
    assert "bazel" not in has
    assert not any(each.startswith("java-21") for each in has)
    plan = plans(name, "cpu", base, builds=True)
    assert plan.builds is not None
    tool = next(s for s in plan.streams if s.component.spelled == "toolchain:bazel")
    assert (str(tool.version), tool.origin.value, tool.build_only) == (bazel, "private", True)
    assert tool.source.purl.endswith(f"/{bazel}/bazel-{bazel}-dist.zip")
    build = plan.builds.build(f"{built}@{VERSIONS[name]}")
    assert build is not None
    assert f"toolchain:bazel@{bazel}" in build.after
    root = plan.builds.root(build.root)
    assert root is not None
    inside = {package.name: package for package in root.packages}
    assert inside["temurin-21-jdk"].repository == "external"
    assert {"bazel", "clang18", "lld18"} <= inside.keys()


@each_base
def test_the_plugins_for_nvidia_are_built_with_the_toolkit_of_the_plan(
    plans: Callable[..., Plan], base: str
) -> None:
    plan = plans("jax", "cuda", base, builds=True)
    assert plan.builds is not None
    series = "-".join(chosen(plan)["cuda"]["version"].split(".")[:2])
    for name in ("jax-cuda13-plugin", "jax-cuda13-pjrt"):
        build = plan.builds.build(f"{name}@{VERSIONS['jax']}")
        assert build is not None
        root = plan.builds.root(build.root)
        assert root is not None
        inside = {package.name for package in root.packages}
        assert {f"cuda-nvcc-{series}", f"cuda-cudart-devel-{series}"} <= inside


def test_tensorflow_for_cuda_is_built_with_the_compat_gcc_beside_clang(
    plans: Callable[..., Plan],
) -> None:
    plan = plans("tensorflow", "cuda", "fedora-44", builds=True)
    assert plan.builds is not None
    build = plan.builds.build("tensorflow@2.21.0")
    assert build is not None
    root = plan.builds.root(build.root)
    assert root is not None
    inside = {package.name for package in root.packages}
    assert {"clang18", "gcc14", "gcc14-c++", "cuda-nvcc-12-9"} <= inside


@pytest.mark.parametrize("name", ["jax", "tensorflow"])
def test_ml_dtypes_is_built_with_a_backend_that_knows_where_its_version_is(
    shared: Path, plans: Callable[..., Plan], name: str
) -> None:
    """An older one, such as Fedora 44's own, calls what it builds ml-dtypes 0.0.0."""
    had = package_versions(shared / "data" / "fedora-44")["python3-scikit-build-core"]
    assert Version(had) < Version("1.0")
    plan = plans(name, "cpu", "fedora-44", builds=True)
    assert plan.builds is not None
    build = plan.builds.build("ml-dtypes@0.6.0")
    assert build is not None
    root = plan.builds.root(build.root)
    assert root is not None
    (backend,) = [s for s in root.streams if s.component.name == "scikit-build-core"]
    assert backend.version >= Version("1.0")
