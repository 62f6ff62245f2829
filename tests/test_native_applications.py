"""Applications that are no Python distributions: read, planned, locked and emitted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from streamsolve.cli import main
from streamsolve.emit.specs import (
    EmittedSpecs,
    GivenSpec,
    SpecKind,
    SpecMaterials,
    StreamMaterial,
    emit_specs,
)
from streamsolve.emit.specs.spec_text import SpecText
from streamsolve.errors import InputErrors
from streamsolve.explain.document import document_text, plan_document, plan_schema
from streamsolve.inputs.profiles import load_profile, parse_profile
from streamsolve.inputs.shipped import profiles_directory
from streamsolve.model.build import NeedOrigin
from streamsolve.model.component import PYTHON, Component, Kind, Origin
from streamsolve.model.plan import Plan, PlannedStream, ReasonKind
from streamsolve.model.profile import Profile
from streamsolve.planner.refresh import refresh_files, refresh_profile

from .buildworld import BuildWorld, Sdist, builds_in, interpreter, names_in, sdist, source
from .smallworld import FakeIndex, dist, package
from .specworld import SETTINGS, build_rpms, need, private, query, spec_plan, tarball, written

DOCS = Path(__file__).parents[1] / "docs"
CRUNCH = Component(Kind.PACKAGE, "crunch")

HEAD = """\
schema = "streamsolve.profile/1"
name = "crunch"
package = "crunch"
version = "9900"
default-base = "small"
interpreters = []
"""

TABLES = """
[[source]]
component = "package:crunch"
purl = "pkg:github/example/crunch@b{version}"
[[native]]
component = "package:crunch"
requires = ["libgomp"]
[[build]]
component = "package:crunch"
requires = ["openssl-devel"]
drops = ["rocblas-devel"]
reason = "for a backend that this variant does not build"
[[component]]
component = "toolchain:gcc"
packages = ["gcc", "gcc{major}"]
[[component]]
component = "toolchain:rust"
packages = ["rust"]
"""

BASE = [
    *interpreter("3.14"),
    package("gcc15", "15.3.1", source="gcc15"),
    package("gcc15-c++", "15.3.1", requires=["gcc15 = 15.3.1-1.fc0"], source="gcc15"),
    package("crunch", "b9840", requires=["rocblas"], source="crunch"),
    package("cmake", "4.3"),
    package("libgomp", "16"),
    package("openssl-devel", "4.0"),
    package("rocblas", "7.2"),
    package("rocblas-devel", "7.2", requires=["rocblas"], source="rocblas"),
    package("rust", "1.93.0"),
]
SOURCES = [source("crunch", "cmake", "gcc-c++", "rocblas-devel", version="b9840")]


def reader(text: str, included: str = "") -> Profile:
    return parse_profile(text, file="crunch.toml", includes=lambda _: included)


def crunch(*needs: str, head: str = HEAD, more: str = "") -> Profile:
    """The application with needs of its variant, and with further tables."""
    return reader(f"{head}[variants.only]\nneeds = {json.dumps(needs)}\n{TABLES}{more}")


def world(profile: Profile, upstream: tuple[Sdist, ...] = ()) -> BuildWorld:
    return BuildWorld(BASE, upstream, profile, sources=SOURCES)


def application(plan: Plan) -> PlannedStream:
    return next(stream for stream in plan.streams if stream.component == CRUNCH)


def components(plan: Plan) -> set[str]:
    return {stream.component.spelled for stream in plan.streams}


# ---- reading ---------------------------------------------------------------------------------


def test_a_package_is_the_application_and_its_needs_are_all_that_it_needs() -> None:
    profile = crunch("toolchain:gcc")
    assert profile.component == CRUNCH
    assert [(v.wheel, v.files) for v in profile.variants] == [(False, ())]
    assert profile.interpreters == ()
    rule = profile.rule(CRUNCH)
    assert rule is not None
    assert rule.packages == ("crunch",)


def test_none_may_be_written_and_a_distribution_may_write_it_too() -> None:
    written_out = reader(HEAD + '[variants.only]\nrequirements = "none"\n')
    assert written_out.variants == reader(HEAD + "[variants.only]\n").variants
    python = HEAD.replace('package = "crunch"\n', "")
    variant = reader(python + '[variants.only]\nrequirements = "none"\nneeds = ["six"]\n').variants[
        0
    ]
    assert (variant.wheel, variant.files, len(variant.needs)) == (False, (), 1)


FAULTS = {
    "both": (HEAD + 'distribution = "crunch"\n[variants.only]\n', 3, "is one component"),
    "a wheel": (HEAD + '[variants.only]\nrequirements = "wheel"\n', 8, "neither a wheel nor"),
    "files": (HEAD + '[variants.only]\nrequirements = ["a.txt"]\n', 8, "neither a wheel nor"),
    "a kind": (
        HEAD.replace('"crunch"\nv', '"package:crunch"\nv') + "[variants.only]\n",
        3,
        "the key",
    ),
    "no name": (HEAD.replace('"crunch"\nv', '"a b"\nv') + "[variants.only]\n", 3, "no component"),
    "a licence of a distribution": (
        HEAD.replace("package =", "licence = 'MIT' #") + '[variants.only]\nrequirements = "none"\n',
        3,
        "in its own metadata",
    ),
    "nothing where Python is": (
        HEAD.replace('package = "crunch"\n', "") + "[variants.only]\n",
        6,
        "the key 'requirements' is missing",
    ),
    "a binary without a place": (
        HEAD
        + '[variants.only]\n[[prebuilt]]\ncomponent = "package:x"\nlicence = "MIT"\nreason = "y"\n',
        8,
        "where is what upstream built",
    ),
    "a wheel with a place": (
        HEAD
        + '[variants.only]\n[[prebuilt]]\ncomponent = "x"\nlicence = "MIT"\nreason = "y"\n'
        + 'purl = "pkg:pypi/x@1"\n',
        12,
        "where its index has it",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_contradicts_itself_is_a_fault_with_its_line(name: str) -> None:
    text, line, message = FAULTS[name]
    with pytest.raises(InputErrors) as raised:
        reader(text)
    (fault,) = raised.value.errors
    assert message in fault.message
    assert fault.place.line == line


def test_the_example_of_the_documentation_is_a_sound_profile() -> None:
    page = (DOCS / "profile-format.md").read_text("utf-8")
    (block,) = re.findall(r"```toml package\n(.*?)```", page, re.DOTALL)
    compilers = 'schema = "streamsolve.component/1"\n[[component]]\ncomponent = "toolchain:gcc"\n'
    vendored = '{"schema":"streamsolve.vendored/1"}\n'

    def included(name: str) -> str:
        return compilers if name.endswith(".toml") else vendored

    profile = parse_profile(block, file="crunch.toml", includes=included)
    assert (profile.component, profile.licence) == (CRUNCH, "MIT")


# ---- planning --------------------------------------------------------------------------------


@pytest.fixture
def index_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks the package index for anything fails."""

    def asked(*_: object, **__: object) -> Any:
        raise AssertionError("the package index was asked")

    for name in ("releases", "metadata", "build_systems"):
        monkeypatch.setattr(FakeIndex, name, asked)


@pytest.mark.usefixtures("index_is_closed")
def test_it_is_private_and_the_plan_says_what_the_base_has(tmp_path: Path) -> None:
    plan = world(crunch("toolchain:gcc")).plan(tmp_path)
    own = application(plan)
    assert (own.origin, own.package, str(own.version)) == (Origin.PRIVATE, "crunch", "9900")
    assert (own.reason.kind, own.reason.base_version) == (ReasonKind.APPLICATION, "b9840")
    assert own.source.purl == "pkg:github/example/crunch@b9900"
    assert "the base has b9840 of its own" in document_text(plan_document(plan))
    assert "crunch-9900-0.streamsolve.x86_64" in plan.runtime_packages


def test_it_is_private_even_where_the_base_has_that_very_version(tmp_path: Path) -> None:
    plan = world(crunch(head=HEAD.replace("9900", "9840"))).plan(tmp_path)
    own = application(plan)
    assert (own.origin, own.reason.kind) == (Origin.PRIVATE, ReasonKind.APPLICATION)


@pytest.mark.usefixtures("index_is_closed")
def test_no_interpreter_is_planned_that_nothing_needs(tmp_path: Path) -> None:
    plan = world(crunch("toolchain:gcc")).plan(tmp_path)
    assert PYTHON.spelled not in components(plan)
    assert plan.python == "3.14", "markers are evaluated for the base's"
    assert not names_in(plan, "package:crunch@9900") & {"python3", "python3-devel"}


def test_a_need_of_an_interpreter_brings_one(tmp_path: Path) -> None:
    plan = world(crunch("interpreter:python >=3.12")).plan(tmp_path)
    python = plan.stream("python")
    assert python is not None
    assert python.origin is Origin.BASE
    assert "python3" in {
        name.rpartition("-")[0].rpartition("-")[0] for name in plan.runtime_packages
    }


def test_a_need_of_a_distribution_brings_its_interpreter(tmp_path: Path) -> None:
    of_base = BuildWorld([*BASE, dist("six", "1.17")], (), crunch("six"), sources=SOURCES)
    assert {"six", PYTHON.spelled} <= components(of_base.plan(tmp_path))
    # A release that says nothing of Python is Python all the same.
    of_index = world(crunch("six"), (sdist("six", "1.17", build="setuptools"), SETUPTOOLS))
    plan = of_index.plan(tmp_path)
    assert {"six", PYTHON.spelled} <= components(plan)
    assert "python3-devel" in names_in(plan, "six@1.17")


SETUPTOOLS = sdist("setuptools", "80.0", build="")


def test_the_base_package_s_requirements_are_not_taken_over(tmp_path: Path) -> None:
    plan = world(crunch()).plan(tmp_path)
    names = {nevra.rsplit("-", 2)[0] for nevra in plan.runtime_packages}
    assert names == {"crunch", "libgomp"}


def test_it_is_built_with_what_the_base_s_spec_asks_for_less_what_is_dropped(
    tmp_path: Path,
) -> None:
    plan = world(crunch("toolchain:gcc")).plan(tmp_path)
    held = names_in(plan, "package:crunch@9900")
    assert {"cmake", "gcc-c++", "openssl-devel"} <= held
    assert not held & {"rocblas-devel", "rocblas"}
    (build,) = builds_in(plan).builds
    assert [need.text for need in build.left_out] == ["rocblas-devel"]
    origins = {need.text: need.origin for need in build.needs}
    assert origins["cmake"] is NeedOrigin.BASE_SPEC
    assert origins["openssl-devel"] is NeedOrigin.PROFILE


def test_a_toolchain_that_is_bounded_takes_the_compat_package(tmp_path: Path) -> None:
    plan = world(crunch("toolchain:gcc <16")).plan(tmp_path)
    held = names_in(plan, "package:crunch@9900")
    assert "gcc15-c++" in held
    assert "gcc-c++" not in held


def test_a_spec_that_is_given_beats_the_base_s(tmp_path: Path) -> None:
    spec = tmp_path / "mine.spec"
    spec.write_text(
        "Name: crunch\nVersion: 9900\nRelease: 1\nSummary: s\nLicense: MIT\n"
        "BuildRequires: gcc\n%description\nd\n%prep\n%build\n%install\n%files\n"
    )
    plan = world(crunch()).plan(tmp_path, specs=(("package:crunch", str(spec)),))
    held = names_in(plan, "package:crunch@9900")
    assert "gcc" in held
    assert "cmake" not in held


RUST_OF_TWO = """
[[component]]
component = "package:crunch"
packages = ["crunch"]
[[component.stream]]
version = "2"
requires = ["toolchain:rust >=1.94.1"]
evidence = "Cargo.toml of 2.0"
"""


def test_what_a_version_needs_is_needed_by_that_version_alone(tmp_path: Path) -> None:
    profile = crunch("toolchain:rust >=1.90", more=RUST_OF_TWO)
    plan = world(profile).plan(tmp_path, version="1.5")
    rust = plan.stream("rust")
    assert rust is not None
    assert str(rust.version) == "1.93.0"
    attempt = world(profile).attempt(tmp_path, version="2.1")
    assert attempt.plan is None
    (conflict,) = attempt.conflicts
    assert str(conflict.about) == "rust"
    demands = {str(demand.requirement) for chain in conflict.chains for demand in chain}
    assert demands == {"rust>=1.94.1"}


PREBUILT = """
[[prebuilt]]
component = "package:shell"
licence = "MIT"
reason = "building it means building a browser"
purl = "pkg:github/example/shell@v{version}"
[[component]]
component = "package:shell"
[[component.stream]]
version = "43.2.0"
origin = "private"
package = "shell"
[[native]]
component = "package:shell"
requires = ["openssl-devel"]
"""


def test_a_binary_of_upstream_s_is_a_private_stream_that_says_so(tmp_path: Path) -> None:
    plan = world(crunch("package:shell ==43.2.0", more=PREBUILT)).plan(tmp_path)
    shell = plan.stream("shell")
    assert shell is not None
    assert (shell.origin, shell.prebuilt, shell.licence) == (Origin.PRIVATE, True, "MIT")
    assert shell.source.purl == "pkg:github/example/shell@v43.2.0"
    (told,) = (notice.text for notice in plan.warnings if notice.code == "prebuilt")
    assert "own binary" in told
    assert "shell (MIT)" in told
    assert {"shell", "openssl-devel"} <= {n.rsplit("-", 2)[0] for n in plan.runtime_packages}


def test_a_base_without_any_interpreter_will_do(tmp_path: Path) -> None:
    bare = [one for one in BASE if not one.name.startswith("python3") and "dist(" not in str(one)]
    plan = BuildWorld(bare, (), crunch("toolchain:gcc"), sources=SOURCES).plan(tmp_path)
    assert plan.python == ""
    assert application(plan).origin is Origin.PRIVATE
    assert Draft202012Validator(plan_schema()).is_valid(plan_document(plan))
    (spec,) = emit_specs(plan, SETTINGS).specs
    assert spec.kind is SpecKind.SKELETON


@given(seed=st.integers(0, 10_000))
def test_the_order_of_the_input_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    directory = tmp_path_factory.mktemp("order")
    small = world(crunch("toolchain:gcc <16", "six"), (sdist("six", "1.17"), SETUPTOOLS))
    plain = document_text(plan_document(small.plan(directory)))
    assert document_text(plan_document(small.shuffled(seed).plan(directory))) == plain


# ---- specs -----------------------------------------------------------------------------------

SPEC = """\
Name:           crunch
Version:        b9840
Release:        1%{?dist}
Summary:        It crunches
License:        MIT
URL:            https://crunch.test/%{name}/
Source0:        %{url}archive/%{version}.tar.gz#/crunch-%{version}.tar.gz
BuildRequires:  make
BuildRequires:  rocblas-devel
Requires:       bash
%description
It crunches.
%package devel
Summary:        Headers
Requires:       %{name}%{?_isa} = %{version}-%{release}
%description devel
Headers.
%prep
%autosetup -p1 -n crunch-%{version}
%build
%install
install -Dm644 data %{buildroot}%{_datadir}/crunch/data
%files
%{_datadir}/crunch
%files devel
%changelog
%autochangelog
"""


def emitted(material: StreamMaterial | None = None, **stream: Any) -> EmittedSpecs:
    own = private(
        "package:crunch",
        "9900",
        **{"purl": "pkg:github/example/crunch@b9900", "filename": "", **stream},
    )
    plan = spec_plan(
        own,
        application="crunch",
        needs={
            "package:crunch": [
                need("make", NeedOrigin.BASE_SPEC),
                need("openssl-devel", NeedOrigin.PROFILE),
            ]
        },
        left_out={"package:crunch": [need("rocblas-devel", NeedOrigin.BASE_SPEC)]},
        requires={"package:crunch": ["bash", "libgomp"]},
    )
    found = SpecMaterials((material,)) if material is not None else SpecMaterials()
    return emit_specs(plan, SETTINGS, found)


def of_base(text: str = SPEC) -> StreamMaterial:
    return StreamMaterial(
        "package:crunch@9900", base=GivenSpec("crunch-b9840-1.fc45.src.rpm", text)
    )


def test_the_base_s_spec_keeps_the_letter_of_upstream_s_tags_where_the_source_is_named(
    tmp_path: Path,
) -> None:
    made = emitted(of_base())
    (spec,) = made.specs
    assert spec.kind is SpecKind.BASE
    path = written(tmp_path, made, spec.stream)
    assert query(tmp_path, path, "%{name} %{version}\n").splitlines() == [
        "crunch 9900",
        "crunch-devel 9900",
    ]
    (named,) = SpecText.read(path.read_text()).tags("source")
    assert named.value == "%{url}archive/b%{version}.tar.gz#/crunch-b%{version}.tar.gz"
    assert "-n crunch-b%{version}" in path.read_text()


def test_the_base_s_spec_asks_for_what_the_plan_adds_and_not_for_what_it_drops(
    tmp_path: Path,
) -> None:
    made = emitted(of_base())
    text = SpecText.read(written(tmp_path, made, "package:crunch@9900").read_text())
    asked = {tag.value for tag in text.tags("buildrequires")}
    assert asked == {"make", "openssl-devel"}
    # "%{name}…" is the headers' own.
    assert {tag.value for tag in text.tags("requires")} >= {"bash", "libgomp"}
    assert [tag.value for tag in text.tags("requires")].count("bash") == 1


def test_the_base_s_spec_builds_with_the_archive_of_the_new_tag(tmp_path: Path) -> None:
    spec = written(tmp_path, emitted(of_base(_plain(SPEC))), "package:crunch@9900")
    archive = tarball("crunch-b9900", {"data": "x"})
    made = build_rpms(tmp_path, spec, {"crunch-b9900.tar.gz": archive})
    names = {path.name.rsplit("-", 2)[0] for path in made if not path.name.endswith(".src.rpm")}
    assert {"crunch", "crunch-devel"} <= names


def _plain(text: str) -> str:
    """Without what this machine would have to have installed."""
    return re.sub(r"^(BuildRequires|Requires):\s+\S+$", "", text, flags=re.MULTILINE)


def test_without_a_spec_a_skeleton_fails_and_says_what_is_to_be_done(tmp_path: Path) -> None:
    made = emitted(licence="MIT")
    (spec,) = made.specs
    assert spec.kind is SpecKind.SKELETON
    text = written(tmp_path, made, spec.stream).read_text()
    read = SpecText.read(text)
    assert {tag.value for tag in read.tags("buildrequires")} == {"make", "openssl-devel"}
    assert {tag.value for tag in read.tags("requires")} == {"bash", "libgomp"}
    assert [tag.value for tag in read.tags("license")] == ["MIT"]
    build = text.partition("%build")[2].partition("%install")[0]
    assert "does not say how it is built" in build
    assert "exit 1" in build


def test_a_skeleton_of_a_binary_names_no_source_archive(tmp_path: Path) -> None:
    made = emitted(prebuilt=True)
    (spec,) = made.specs
    assert any("upstream's own binary" in text for text in spec.incomplete)
    assert not SpecText.read(written(tmp_path, made, spec.stream).read_text()).tags("source")


AT = "https://example.org/v9900/crunch-9900-dist.zip"


def test_a_skeleton_names_the_archive_whose_address_is_known(tmp_path: Path) -> None:
    made = emitted(purl=f"pkg:generic/crunch@9900?download_url={AT}")
    (spec,) = made.specs
    path = written(tmp_path, made, spec.stream)
    assert [tag.value for tag in SpecText.read(path.read_text()).tags("source")] == [AT]
    assert query(tmp_path, path, "%{name} %{version}") == "crunch 9900"
    assert "the archive of upstream's: its digest" in spec.incomplete
    assert not any("comes from" in text for text in spec.incomplete)


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/a.zip",
        "https://example.org/%(id)/a.zip",
        "https://example.org/../a.zip",
        "https://example.org/a.zip#$(id)",
        "https://example.org/",
        "file:///etc/passwd",
    ],
)
def test_an_address_that_is_no_plain_one_is_named_in_no_tag(tmp_path: Path, address: str) -> None:
    made = emitted(purl=f"pkg:generic/crunch@9900?download_url={address}")
    (spec,) = made.specs
    read = SpecText.read(written(tmp_path, made, spec.stream).read_text())
    assert not read.tags("source")
    assert any("comes from" in text for text in spec.incomplete)


# ---- the shipped ones, on real bases ---------------------------------------------------------

CASES = [
    ("llama-cpp", "cpu"),
    ("llama-cpp", "cuda"),
    ("llama-cpp", "rocm"),
    ("llama-cpp", "vulkan"),
    ("goose", "portable"),
    ("goose", "full"),
    ("goose", "vulkan"),
    ("podman-desktop", "default"),
]
BASES = ("fedora-44", "fedora-45")


@pytest.fixture(scope="module")
def real_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        directory = tmp_path_factory.mktemp("native") / "cache"
        patch.setenv("STREAMSOLVE_CACHE", str(directory))
        yield directory


@pytest.fixture(scope="module")
def locks(shared: Path, real_cache: Path) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The lock of each application, variant and base, made once; each proves itself."""
    found = {}
    for name, variant in CASES:
        for base in BASES:
            path = real_cache.parent / f"{name}-{variant}-{base}.lock.json"
            directory = str(shared / "data" / base)
            words = [name, "--variant", variant, "--base", directory, "--offline", "-o", str(path)]
            assert main(["lock", *words]) == 0
            assert main(["check", str(path)]) == 0
            found[name, variant, base] = json.loads(path.read_text("utf-8"))
    return found


Locks = dict[tuple[str, str, str], dict[str, Any]]


def streams_in(lock: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {stream["component"]: stream for stream in lock["streams"]}


def held(lock: dict[str, Any], root: str) -> set[str]:
    """The names of the packages of a root."""
    found = next(one for one in lock["roots"] if one["id"] == root)
    common = lock["common"] if root != "runtime" else []
    return {lock["packages"][ref]["name"] for ref in (*found["packages"], *common)}


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(("name", "variant"), CASES)
def test_each_is_locked_on_each_base_without_an_interpreter(
    locks: Locks, name: str, variant: str, base: str
) -> None:
    streams = streams_in(locks[name, variant, base])
    assert PYTHON.spelled not in streams
    own = streams[f"package:{name}"]
    assert own["origin"] == "private"
    assert own["source"]["purl"].startswith("pkg:github/")


@pytest.mark.parametrize(("base", "has"), [("fedora-44", "b6153"), ("fedora-45", "b9840")])
def test_llama_cpp_says_what_fedora_has(locks: Locks, base: str, has: str) -> None:
    own = streams_in(locks["llama-cpp", "cpu", base])["package:llama-cpp"]
    assert own["reason"]["base_version"] == has


@pytest.mark.parametrize("base", BASES)
def test_llama_cpp_builds_a_backend_with_what_it_asks_for_and_no_other(
    locks: Locks, base: str
) -> None:
    """CMakeLists.txt of ggml-hip, ggml-vulkan and ggml-cuda."""
    wanted = {
        "cpu": {"cmake", "gcc-c++", "openssl-devel"},
        "rocm": {"rocm-hip-devel", "hipblas-devel", "rocblas-devel"},
        "vulkan": {"glslc", "spirv-headers-devel", "vulkan-loader-devel"},
        "cuda": {"cuda-nvcc-13-4", "libcublas-devel-13-4"},
    }
    for variant, mine in wanted.items():
        inside = held(locks["llama-cpp", variant, base], "build-package-llama-cpp")
        assert mine <= inside, variant
        others = {name for key in wanted.keys() - {"cpu", variant} for name in wanted[key]}
        assert not inside & others, variant


@pytest.mark.parametrize(("base", "rocm"), [("fedora-44", "7.1"), ("fedora-45", "7.2")])
def test_llama_cpp_runs_with_one_rocm(locks: Locks, base: str, rocm: str) -> None:
    streams = streams_in(locks["llama-cpp", "rocm", base])
    for part in ("package:rocblas", "package:hipblas", "package:rocm-hip", "accelerator:rocm"):
        assert streams[part]["version"].startswith(f"{rocm}."), part
        assert streams[part]["origin"] == "base"


@pytest.mark.parametrize("base", BASES)
def test_llama_cpp_takes_a_cuda_that_takes_the_base_s_compiler(locks: Locks, base: str) -> None:
    lock = locks["llama-cpp", "cuda", base]
    streams = streams_in(lock)
    assert (streams["accelerator:cuda"]["origin"], streams["accelerator:cuda"]["version"]) == (
        "external",
        "13.4",
    )
    assert streams["toolchain:gcc"]["version"].startswith("16.")
    assert not {name for name in held(lock, "runtime") if name.startswith("python3")}


@pytest.mark.parametrize("base", BASES)
def test_goose_has_a_rust_that_is_new_enough_and_its_crates(locks: Locks, base: str) -> None:
    for variant in ("portable", "full", "vulkan"):
        lock = locks["goose", variant, base]
        major, minor = streams_in(lock)["toolchain:rust"]["version"].split(".")[:2]
        assert (int(major), int(minor)) >= (1, 92)
        assert {"cargo", "rust"} <= held(lock, "build-package-goose")
    assert "glslc" in held(locks["goose", "vulkan", base], "build-package-goose")
    assert "glslc" not in held(locks["goose", "full", base], "build-package-goose")
    carried = load_profile("goose").vendored
    assert {one.component.spelled for one in carried} == {"package:goose"}
    named = {(each.name, each.version) for one in carried for each in one.packages}
    assert {("keyring", "3.6.3"), ("deno_core", "0.381.1")} <= named


def test_goose_that_wants_a_newer_rust_is_refused_on_the_base_that_has_none(
    shared: Path, real_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert real_cache
    words = ["plan", "goose", "--app-version", "1.50.0", "--offline"]
    assert main([*words, "--base", str(shared / "data" / "fedora-44")]) == 3
    said = " ".join(capsys.readouterr().out.split())
    assert "goose 1.50.0 needs rust>=1.94.1" in said
    assert "of rust there is 1.93.0" in said
    assert main([*words, "--base", str(shared / "data" / "fedora-45")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "lists what goose 1.37.0 carries; 1.50.0 may carry something else" in said


@pytest.mark.parametrize(("base", "node"), [("fedora-44", "nodejs24"), ("fedora-45", "nodejs26")])
def test_podman_desktop_is_built_with_a_node_that_its_engines_allow(
    locks: Locks, base: str, node: str
) -> None:
    lock = locks["podman-desktop", "default", base]
    streams = streams_in(lock)
    assert int(streams["toolchain:nodejs"]["version"].split(".")[0]) >= 24
    inside = held(lock, "build-package-podman-desktop")
    assert {node, f"{node}-npm", "pnpm"} <= inside
    assert not {name for name in inside if re.fullmatch(r"nodejs\d+", name)} - {node}
    (relaxed,) = lock["relaxed"]
    assert relaxed["stated"]["on"] == "toolchain:pnpm"


@pytest.mark.parametrize("base", BASES)
def test_podman_desktop_has_electron_as_upstream_s_binary(locks: Locks, base: str) -> None:
    lock = locks["podman-desktop", "default", base]
    electron = streams_in(lock)["package:electron"]
    assert (electron["origin"], electron["prebuilt"]) == ("private", True)
    assert electron["source"]["purl"] == "pkg:github/electron/electron@v43.2.0"
    assert {"electron", "podman", "gtk3", "nss"} <= held(lock, "runtime")


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(("name", "variant"), CASES)
def test_each_is_planned_by_name_without_network(
    locks: Locks,
    cache: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    variant: str,
    base: str,
) -> None:
    """From the extracts that are shipped, with an empty cache: the same streams as on the base."""
    assert not cache.exists()
    words = [name, "--variant", variant, "--base", base, "--offline", "--json"]
    assert main(["plan", *words]) == 0
    planned = json.loads(capsys.readouterr().out)
    whole = locks[name, variant, base]
    assert {(s["component"], s["version"], s["origin"]) for s in planned["streams"]} == {
        (s["component"].rpartition(":")[2], s["version"], s["origin"]) for s in whole["streams"]
    }


@pytest.mark.parametrize("name", ["goose", "llama-cpp", "podman-desktop"])
def test_its_extracts_are_what_a_refresh_makes_and_no_index_is_asked(
    shared: Path, real_cache: Path, name: str
) -> None:
    bases = [str(shared / "data" / base) for base in BASES]
    output = real_cache.parent / f"refreshed-{name}"
    assert refresh_files(name, bases, output=output).upstream is None
    made = refresh_profile(name, bases, cache=real_cache, output=output)
    assert [path.relative_to(output).as_posix() for path in made] == [
        f"bases/{base}-x86_64.jsonl" for base in BASES
    ]
    for path in made:
        shipped = profiles_directory() / name / path.relative_to(output)
        assert path.read_bytes() == shipped.read_bytes()


def test_the_lock_of_each_is_written_for_mock(locks: Locks, real_cache: Path) -> None:
    for name in ("llama-cpp", "goose", "podman-desktop"):
        variant = next(variant for each, variant in CASES if each == name)
        lock = real_cache.parent / f"{name}-{variant}-fedora-45.lock.json"
        made = real_cache.parent / f"mock-{name}"
        assert main(["emit", "mock", str(lock), "--specs", "-o", str(made)]) == 0
        (spec,) = made.glob(f"specs/package-{name}-*/{name}.spec")
        asked = {tag.value for tag in SpecText.read(spec.read_text("utf-8")).tags("buildrequires")}
        (build,) = (
            each
            for each in locks[name, variant, "fedora-45"]["builds"]
            if each["component"] == f"package:{name}"
        )
        needs = [need for need in build["needs"] if "component" not in need]
        natives = {need.get("applied") or need["text"] for need in needs}
        components = {need["component"] for need in build["needs"] if "component" in need}
        chosen = {
            stream["package"]
            for stream in locks[name, variant, "fedora-45"]["streams"]
            if stream["component"] in components
        }
        # What a need chose stands there by its package, unless the needs name that anyway.
        named = {text.split()[0] for text in natives}
        assert asked == natives | (chosen - named)
        assert "exit 1" in spec.read_text("utf-8").partition("%build")[2]
        assert (made / "configs" / f"build-package-{name}.cfg").is_file()
