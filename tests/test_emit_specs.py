"""Specs for streams that have none: what each kind says, read back by RPM itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from packaging.version import Version

from streamsolve.emit import MockSettings
from streamsolve.emit.specs import (
    EmittedSpecs,
    GivenSpec,
    ProjectFacts,
    SpecKind,
    SpecMaterials,
    StreamMaterial,
    UpstreamFile,
    emit_specs,
)
from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.model.build import NeedOrigin, NeedRole, RootStream, Stage, Substitute
from streamsolve.model.component import Origin
from streamsolve.model.plan import Plan

from .builders import component, relaxed
from .specworld import IN_PREFIX, SETTINGS, digest, need, private, query, run, spec_plan, written

ALL = "%{name} %{evr} %{license} %{arch}\n"
BUILD = "[%{requirename} %{requireflags:depflags} %{requireversion}\n]"
PROFILE = NeedOrigin.PROFILE


def facts(name: str = "thing", version: str = "1.5", **more: object) -> ProjectFacts:
    usual = ProjectFacts(name, version, f"{name}-{version}.tar.gz", summary="A thing")
    return evolve(usual, license_expression="MIT OR Apache-2.0", **more)


def of(stream: str, **parts: object) -> SpecMaterials:
    return SpecMaterials((evolve(StreamMaterial(stream), **parts),))


def text(made: EmittedSpecs, stream: str) -> str:
    found = next(spec for spec in made.specs if spec.stream == stream)
    return made.files[found.path].decode()


def build_requires(directory: Path, made: EmittedSpecs, stream: str) -> list[str]:
    """What the source package of a spec requires."""
    spec = written(directory, made, stream)
    found = query(directory, spec, BUILD, "--srpm")
    return sorted(line.strip() for line in found.splitlines() if not line.startswith("rpmlib("))


BUILDER = """\
Name: builder
Version: 7.6
Release: 1
Summary: It builds
License: MIT
BuildRequires: zip, clang18 >= 18
%description
It builds.
%files
"""


# --- from upstream


def test_a_missing_distribution_gets_the_generators_spec(tmp_path: Path) -> None:
    plan = spec_plan(private("thing", "1.5"))
    made = emit_specs(plan, SETTINGS, of("thing@1.5", project=facts(url="https://thing.test/")))
    (one,) = made.specs
    assert (one.kind, one.path) == (SpecKind.UPSTREAM, "specs/thing-1.5/python-thing.spec")
    assert (one.incomplete, one.missing, one.unknown_licence) == ((), (), False)
    spec = written(tmp_path, made, "thing@1.5")
    assert query(tmp_path, spec, ALL).splitlines() == [
        "python-thing 1.5-0.streamsolve.thing_1_5.fc45 MIT OR Apache-2.0 noarch",
        "python3-thing 1.5-0.streamsolve.thing_1_5.fc45 MIT OR Apache-2.0 noarch",
    ]
    assert query(tmp_path, spec, "%{summary}|%{url}\n").splitlines()[1] == (
        "A thing|https://thing.test/"
    )
    assert "%autorelease" not in text(made, "thing@1.5")
    assert "%autochangelog" not in text(made, "thing@1.5")


def test_the_list_of_sources_has_the_locks_file_with_its_digest() -> None:
    made = emit_specs(spec_plan(private("thing", "1.5")), SETTINGS)
    lines = made.files["specs/thing-1.5/sources"].decode().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        f"{digest('thing-1.5.tar.gz')}  thing-1.5.tar.gz  pkg:pypi/thing@1.5"
    ]


def test_a_file_without_a_digest_is_a_comment_that_says_what_to_supply() -> None:
    given = GivenSpec(
        "x.spec", "Name: x\nVersion: 1\nSource0: https://x.test/%{name}-%{version}.tgz\n"
    )
    plan = spec_plan(private("package:x", "1", filename=""))
    made = emit_specs(plan, SETTINGS, of("package:x@1", given=given))
    lines = made.files["specs/package-x-1/sources"].decode().splitlines()
    assert all(line.startswith("#") for line in lines)
    assert any("x-1.tgz" in line for line in lines)
    assert made.specs[0].missing == ("x-1.tgz",)
    known = evolve(given, upstream=(UpstreamFile("x-1.tgz", digest("x")),))
    again = emit_specs(plan, SETTINGS, of("package:x@1", given=known))
    assert f"{digest('x')}  x-1.tgz  -" in again.files["specs/package-x-1/sources"].decode()
    assert again.specs[0].missing == ()


def test_packages_of_another_interpreter_are_named_after_it(tmp_path: Path) -> None:
    stream = private("thing", "1.5", package="python3.14-renamed")
    plan = spec_plan(stream, python="3.14", extras={"thing": ["more"]})
    made = emit_specs(plan, SETTINGS)
    spec = written(tmp_path, made, "thing@1.5")
    assert query(tmp_path, spec, "%{name}\n").splitlines() == [
        "python3.14-renamed",
        "python3.14-renamed+more",
    ]
    assert "python3.14-devel" in build_requires(tmp_path, made, "thing@1.5")


@pytest.mark.parametrize(
    ("version", "expected"),
    [("1.17.0", "1.17.0"), ("2.0rc1", "2.0~rc1"), ("0.7.2.post1", "0.7.2^post1")],
)
def test_versions_are_written_as_rpm_orders_them(
    tmp_path: Path, version: str, expected: str
) -> None:
    made = emit_specs(spec_plan(private("thing", version)), SETTINGS)
    spec = written(tmp_path, made, f"thing@{version}")
    assert set(query(tmp_path, spec, "%{version}\n").split()) == {expected}


def test_what_the_plan_counted_is_asked_for_and_nothing_that_is_generated(tmp_path: Path) -> None:
    needs = [
        need("python3-devel", applied="python3.14-devel"),
        need("pip", component="pip"),
        need("gcc-c++", applied="gcc15-c++"),
        need("openssl-devel", PROFILE),
        need("numpy>=2", PROFILE, component="numpy"),
        need("cuda", PROFILE, component="accelerator:cuda"),
        need("setuptools>=70", NeedOrigin.BUILD_SYSTEM, component="setuptools"),
        need("cmake>=3.26", NeedOrigin.BUILD_SYSTEM, applied="cmake = 4.3.0-5.fc45"),
    ]
    stream = private("thing", "1.5", package="python3.14-thing")
    plan = spec_plan(stream, python="3.14", needs={"thing": needs})
    made = emit_specs(plan, SETTINGS)
    assert build_requires(tmp_path, made, "thing@1.5") == [
        "cmake",
        "gcc15-c++",
        "openssl-devel",
        "python3.14-devel",
        "python3.14dist(numpy) >= 2",
    ]
    # A program of the base stands for the distribution, which nothing provides.
    assert "dist[(](cmake)[)]" in text(made, "thing@1.5")


def test_nothing_is_tested_where_the_root_cannot_run_it() -> None:
    alone = spec_plan(private("thing", "1.5", requires=["other>=1"]), private("other", "1"))
    made = emit_specs(alone, SETTINGS)
    assert "%check" not in text(made, "thing@1.5")
    assert "%pyproject_buildrequires -R" in text(made, "thing@1.5")
    whole = spec_plan(
        private("thing", "1.5", requires=["other>=1"]),
        private("other", "1"),
        in_roots={"thing": ["other"]},
    )
    made = emit_specs(whole, SETTINGS)
    assert "%check" in text(made, "thing@1.5")
    assert "-R" not in text(made, "thing@1.5")
    check = need("pytest", NeedOrigin.BUILD_SYSTEM, component="pytest")
    left_out = {"thing": [evolve(check, role=NeedRole.CHECK)]}
    tested = spec_plan(private("thing", "1.5"), left_out=left_out)
    assert "%check" not in text(emit_specs(tested, SETTINGS), "thing@1.5")


# --- licences


@pytest.mark.parametrize(
    ("parts", "planned", "expected"),
    [
        ({"license_expression": "MIT AND Apache-2.0"}, "", "MIT AND Apache-2.0"),
        ({"classifiers": ("License :: OSI Approved :: MIT License",)}, "", "MIT"),
        ({"licence": "BSD-3-Clause"}, "", "BSD-3-Clause"),
        ({}, "ISC License (ISCL)", "ISC"),
        ({"licence": "do what you want"}, "", "LicenseRef-Not-Known"),
        ({"license_expression": "%(touch x)"}, "Nonsense", "LicenseRef-Not-Known"),
    ],
)
def test_the_licence_is_that_of_the_metadata_or_marked(
    tmp_path: Path, parts: dict[str, object], planned: str, expected: str
) -> None:
    plan = spec_plan(private("thing", "1.5", licence=planned))
    project = ProjectFacts("thing", "1.5", "thing-1.5.tar.gz", **parts)  # type: ignore[arg-type]
    made = emit_specs(plan, SETTINGS, of("thing@1.5", project=project))
    spec = written(tmp_path, made, "thing@1.5")
    assert set(query(tmp_path, spec, "%{license}\n").splitlines()) == {expected}
    assert made.specs[0].unknown_licence == (expected == "LicenseRef-Not-Known")


# --- relaxed bounds


@pytest.mark.parametrize(
    ("stated", "counts", "lines"),
    [
        ("certifi>=2026.10.19", "certifi", ["certifi:drop_constraints"]),
        ("numpy<3,>=2", "numpy>=2", ["numpy:drop_upper"]),
        ("numpy<3,>=2", "numpy<3", ["numpy:drop_lower"]),
        ("numpy<3,>=2", "numpy<4,>=2", ["numpy:set_upper:4"]),
        ("numpy<3,>=2", "numpy<3,>=1", ["numpy:set_lower:1"]),
        ("numpy==2.1", "numpy>=2", ["numpy:drop_upper", "numpy:set_lower:2"]),
    ],
)
def test_a_bound_is_relaxed_in_the_spec_of_its_stream_alone(
    tmp_path: Path, stated: str, counts: str, lines: list[str]
) -> None:
    plan = spec_plan(
        private("thing", "1.5"),
        private("other", "1"),
        relaxed=[relaxed("thing", stated, counts, "because of 100% reasons")],
    )
    made = emit_specs(plan, SETTINGS)
    written(tmp_path, made, "thing@1.5")
    found = [
        line.removeprefix("%pyproject_patch_dependency ")
        for line in text(made, "thing@1.5").splitlines()
        if line.startswith("%pyproject_patch_dependency")
    ]
    assert found == lines
    assert "# because of 100%% reasons" in text(made, "thing@1.5")
    assert "patch_dependency" not in text(made, "other@1")


# --- other kinds


def test_a_packagers_own_spec_stays_as_it_is() -> None:
    own = "Name: x\nVersion: 9\nRelease: 7%{?dist}\nSummary: s\nLicense: MIT\n\n%description\nd\n"
    given = GivenSpec("x.spec", own, (("fix.patch", b"--- a\n"),))
    plan = spec_plan(private("package:x", "9"))
    made = emit_specs(plan, SETTINGS, of("package:x@9", given=given))
    assert text(made, "package:x@9") == own
    assert made.files["specs/package-x-9/fix.patch"] == b"--- a\n"
    assert made.specs[0].kind is SpecKind.GIVEN


def test_a_wheel_is_packaged_as_it_is(tmp_path: Path) -> None:
    wheel = "thing-1.5-cp315-cp315-manylinux_2_28_x86_64.whl"
    plan = spec_plan(private("thing", "1.5", filename=wheel, prebuilt=True))
    made = emit_specs(plan, SETTINGS)
    (one,) = made.specs
    assert (one.kind, one.incomplete) == (SpecKind.WHEEL, ())
    spec = written(tmp_path, made, "thing@1.5")
    assert "x86_64" in query(tmp_path, spec, "%{arch}\n")
    assert "%generate_buildrequires" not in text(made, "thing@1.5")


@pytest.mark.parametrize(
    ("platform", "machines"),
    [
        ("manylinux_2_28_x86_64", "x86_64"),
        ("manylinux_2_17_aarch64.manylinux2014_aarch64", "aarch64"),
        ("manylinux2014_ppc64le", "ppc64le"),
        ("manylinux1_i686.manylinux2014_x86_64", "i686 x86_64"),
        ("linux_s390x", "s390x"),
        ("any", ""),
    ],
)
def test_what_was_compiled_elsewhere_is_only_for_the_machines_that_it_was_compiled_for(
    tmp_path: Path, platform: str, machines: str
) -> None:
    wheel = f"thing-1.5-py3-none-{platform}.whl"
    plan = spec_plan(private("thing", "1.5", filename=wheel, prebuilt=True))
    made = emit_specs(plan, SETTINGS)
    written(tmp_path, made, "thing@1.5")
    told = text(made, "thing@1.5")
    found = [line.partition(":")[2] for line in told.splitlines() if "ExclusiveArch" in line]
    assert " ".join(found).split() == machines.split()


@pytest.mark.parametrize(
    ("purl", "source"),
    [
        (
            "pkg:github/pytorch/pytorch@v2.14.0",
            "https://github.com/pytorch/pytorch/archive/v2.14.0/pytorch-2.14.0.tar.gz",
        ),
        (
            f"pkg:github/NVIDIA/nccl-extensions@{'4' * 40}#python",
            "https://github.com/NVIDIA/nccl-extensions/archive/"
            f"{'4' * 40}/nccl-extensions-{'4' * 40}.tar.gz",
        ),
    ],
)
def test_a_revision_becomes_a_skeleton_that_says_what_is_left(
    tmp_path: Path, purl: str, source: str
) -> None:
    stream = private("torch", "2.14.0", purl=purl, filename="")
    made = emit_specs(spec_plan(stream), SETTINGS)
    (one,) = made.incomplete
    assert one.kind is SpecKind.SKELETON
    assert any("digest" in word for word in one.incomplete)
    spec = written(tmp_path, made, "torch@2.14.0")
    assert query(tmp_path, spec, "%{name} %{version}\n") == "python3-torch 2.14.0\n"
    assert f"Source0:        {source}" in text(made, "torch@2.14.0")
    assert source.rpartition("/")[2] in made.files["specs/torch-2.14.0/sources"].decode()


@pytest.mark.parametrize("kind", ["package", "toolchain", "kernel-module", "accelerator"])
def test_what_nothing_is_known_of_is_a_skeleton_that_parses(tmp_path: Path, kind: str) -> None:
    stream = private(f"{kind}:thing", "2", filename="")
    made = emit_specs(spec_plan(stream, needs={f"{kind}:thing": [need("make", PROFILE)]}), SETTINGS)
    (one,) = made.incomplete
    assert one.kind is SpecKind.SKELETON
    assert build_requires(tmp_path, made, f"{kind}:thing@2") == ["make"]


def test_a_stream_that_is_built_twice_has_a_switch(tmp_path: Path) -> None:
    """With it nothing is generated, and a wheel stands in for what there is not yet."""
    plan = spec_plan(private("flit-core", "3"), bootstrapped=["flit-core"])
    assert plan.builds is not None
    pip = Substitute(component("pip"), "the wheel of pip in the source of Python")
    builds = tuple(
        evolve(build, substitutes=(pip,)) if build.stage is Stage.BOOTSTRAP else build
        for build in plan.builds.builds
    )
    made = emit_specs(evolve(plan, builds=evolve(plan.builds, builds=builds)), SETTINGS)
    assert [(spec.stream, spec.incomplete) for spec in made.specs] == [("flit-core@3", ())]
    spec = written(tmp_path, made, "flit-core@3")
    first = run(tmp_path, ["rpmspec", "-P", "--with", "bootstrap", str(spec)])
    final = run(tmp_path, ["rpmspec", "-P", str(spec)])
    assert "python-wheels/pip-*.whl" in first
    assert "python-wheels" not in final
    # The stand-in of what generates needs is `true`.
    assert ("\ntrue" in final, "\ntrue" in first[: first.index("%build")]) == (True, False)


def test_an_archive_of_another_name_is_unpacked_by_its_name() -> None:
    stream = private("thing", "1.5", filename="Thing_Legacy-1.5.zip")
    project = facts(archive="Thing_Legacy-1.5.zip", directory="thing-dev")
    made = emit_specs(spec_plan(stream), SETTINGS, of("thing@1.5", project=project))
    assert "Source:         Thing_Legacy-1.5.zip" in text(made, "thing@1.5")
    assert "%autosetup -p1 -n thing-dev" in text(made, "thing@1.5")


# --- all of it


def everything(version: str = "1.5") -> tuple[Plan, SpecMaterials]:
    plan = spec_plan(
        private("thing", version),
        private("other", "1"),
        private("torch", "2", purl="pkg:github/pytorch/pytorch@v2", filename=""),
        private("package:x", "9"),
    )
    given = GivenSpec("x.spec", "Name: x\nVersion: 9\nRelease: 1\n")
    return plan, of("package:x@9", given=given)


@pytest.mark.parametrize("settings", [SETTINGS, IN_PREFIX], ids=["container", "prefix"])
def test_the_same_plan_gives_the_same_bytes(settings: MockSettings) -> None:
    plan, materials = everything()
    first = emit_specs(plan, settings, materials)
    again = emit_specs(plan, settings, SpecMaterials(materials.streams[::-1]))
    assert first.files == again.files
    assert list(first.files) == sorted(first.files)


@pytest.mark.parametrize("settings", [SETTINGS, IN_PREFIX], ids=["container", "prefix"])
def test_another_version_of_one_stream_changes_its_files_alone(settings: MockSettings) -> None:
    before = emit_specs(everything()[0], settings, everything()[1]).files
    after = emit_specs(everything("1.6")[0], settings, everything("1.6")[1]).files
    changed = {p for p in before.keys() | after.keys() if before.get(p) != after.get(p)}
    assert {path.split("/")[1] for path in changed} == {"thing-1.5", "thing-1.6"}


def test_a_date_is_written_where_one_is_given() -> None:
    plan = spec_plan(private("thing", "1.5"))
    dated = emit_specs(plan, evolve(SETTINGS, source_date_epoch=1_794_787_200))
    assert "* Mon Nov 16 2026 " in text(dated, "thing@1.5")
    assert "* Sat Jan 01 2000 " in text(emit_specs(plan, SETTINGS), "thing@1.5")


def test_a_plan_without_builds_has_no_specs() -> None:
    with pytest.raises(InputError) as caught:
        emit_specs(evolve(spec_plan(private("thing", "1.5")), builds=None), SETTINGS)
    assert caught.value.code is Code.NOT_EMITTED


def test_without_the_generator_a_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyp2spec.conf2spec", None)
    with pytest.raises(InputError) as caught:
        emit_specs(spec_plan(private("thing", "1.5")), SETTINGS)
    assert caught.value.code is Code.MISSING_TOOL
    assert "specs" in caught.value.hint


def test_every_value_that_no_spec_can_hold_is_told_at_once() -> None:
    bad = private("thing", "1.5", filename="../thing.tar.gz")
    worse = private("other", "1", purl="pkg:pypi/a b")
    plan = spec_plan(bad, worse, needs={"thing": [need("gcc\n%(touch x)")]})
    with pytest.raises(InputErrors) as caught:
        emit_specs(plan, SETTINGS, file="x.lock.json")
    places = {str(error.place) for error in caught.value.errors}
    assert places == {
        "x.lock.json: streams[other@1].source.purl",
        "x.lock.json: streams[thing@1.5].needs",
        "x.lock.json: streams[thing@1.5].source.filename",
    }


def test_another_compiler_is_no_matter_of_the_spec() -> None:
    gcc = RootStream(component("toolchain:gcc"), Version("15"), Origin.BASE, "gcc15")
    plan = spec_plan(private("thing", "1.5"), tools={"thing": (gcc,)})
    made = emit_specs(plan, SETTINGS)
    assert made.files == emit_specs(spec_plan(private("thing", "1.5")), SETTINGS).files


def test_what_a_profile_says_of_components_is_asked_for_as_the_root_has_it(
    tmp_path: Path,
) -> None:
    """Outside of our roots nothing else would bring it."""
    jdk = RootStream(component("toolchain:jdk"), Version("21"), Origin.EXTERNAL, "temurin-21-jdk")
    clang = RootStream(component("toolchain:clang"), Version("18.1.8"), Origin.BASE, "clang18")
    gcc = RootStream(component("toolchain:gcc"), Version("16"), Origin.BASE, "gcc")
    python = RootStream(component("interpreter:python"), Version("3.15"), Origin.BASE, "python3")
    needs = [
        need("jdk<22,>=21", PROFILE, component="toolchain:jdk"),
        need("clang==18.*", PROFILE, component="toolchain:clang"),
        need("python<3.16", PROFILE, component="interpreter:python"),
        need("clang18 >= 18", PROFILE),
        need("zip", PROFILE),
    ]
    tool = private("toolchain:builder", "7.7")
    plan = spec_plan(
        tool,
        needs={"toolchain:builder": needs},
        tools={"toolchain:builder": (jdk, clang, gcc, python)},
    )
    made = emit_specs(plan, SETTINGS)
    asked = ["clang18 >= 18", "temurin-21-jdk", "zip"]
    assert build_requires(tmp_path, made, "toolchain:builder@7.7") == asked
    given = GivenSpec("builder.spec", BUILDER)
    based = emit_specs(plan, SETTINGS, of("toolchain:builder@7.7", base=given))
    assert build_requires(tmp_path, based, "toolchain:builder@7.7") == asked


def test_what_a_private_stream_gives_is_asked_for_by_its_private_name() -> None:
    tool, user = private("toolchain:builder", "7.7"), private("thing", "1.5", filename="")
    plan = spec_plan(
        tool,
        user,
        needs={"thing": [need("builder==7.7", PROFILE, component="toolchain:builder")]},
        in_roots={"thing": ["toolchain:builder"]},
    )
    for settings, name in ((SETTINGS, "builder"), (IN_PREFIX, "app-builder")):
        made = emit_specs(plan, settings)
        lines = [line.split() for line in text(made, "thing@1.5").splitlines()]
        assert ["BuildRequires:", name] in lines
