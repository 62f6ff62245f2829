"""The package that enables an application under a prefix is built and installed like any other."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from attrs import evolve

from streamsolve.building import BuildDirectory
from streamsolve.building.expectations import expectations
from streamsolve.emit import MockRepository, MockSettings, emit_mock, write_files
from streamsolve.emit.emitted_for import emitted_for
from streamsolve.emit.namespace import Namespace
from streamsolve.emit.runtime_package import with_runtime
from streamsolve.emit.source_rules import source_rules
from streamsolve.emit.specs import emit_specs
from streamsolve.errors import Code, InputError
from streamsolve.model.build import BuildPlan, Level, Root
from streamsolve.model.package import Package
from streamsolve.model.plan import Plan

from .lockworld import small_plan
from .mock_reader import configuration
from .specworld import private, query, spec_plan, written

KEY = "file:///usr/share/distribution-gpg-keys/small/KEY"
BASE = MockRepository("fedora", "https://base.test/$basearch/", gpgkeys=(KEY,))
SETTINGS = MockSettings("45", "fc45", (BASE,), prefix="/opt/app")
SPACE = Namespace("app", "/opt/app")
PLAN = small_plan()
BUILD = "package:app-runtime@1.0"


def builds_of(plan: Plan) -> BuildPlan:
    assert plan.builds is not None
    return with_runtime(plan, plan.builds, SPACE)


def runtime_root(plan: Plan) -> Root:
    """The root that the runtime package is built in."""
    builds = builds_of(plan)
    build = builds.build(BUILD)
    assert build is not None
    found = builds.root(build.root)
    assert found is not None
    return found


def test_it_is_built_first_in_the_smallest_root_without_anything_private() -> None:
    builds = builds_of(PLAN)
    build = builds.build(BUILD)
    assert build is not None
    assert (build.after, build.needs) == ((), ())
    assert BUILD in builds.order.levels[0].builds
    assert sorted(id for level in builds.order.levels for id in level.builds) == sorted(
        each.id for each in builds.builds
    )
    chosen = runtime_root(PLAN)
    assert not any(package.repository == "private" for package in chosen.packages)
    assert PLAN.builds is not None
    for root in PLAN.builds.roots:
        if not any(package.repository == "private" for package in root.packages):
            assert len(chosen.packages) <= len(root.packages)


def test_without_a_prefix_nothing_changes() -> None:
    assert PLAN.builds is not None
    assert with_runtime(PLAN, PLAN.builds, None) is PLAN.builds
    files = emit_mock(PLAN, evolve(SETTINGS, prefix=""))
    assert not any(b"app-runtime" in content for content in files.values())


def test_the_makefile_and_the_chain_build_it_and_the_runtime_root_installs_it(
    tmp_path: Path,
) -> None:
    files = {**emit_mock(PLAN, SETTINGS), **emit_specs(PLAN, SETTINGS).files}
    files |= source_rules(PLAN.arch, files)
    write_files(tmp_path, files)
    done = subprocess.run(
        ["make", "-n", "published/level-1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert "specs/package-app-runtime-1.0 sources srpms/package-app-runtime-1.0.src.rpm" in done
    assert done.count('--rebuild "$HERE"/srpms/package-app-runtime-1.0.src.rpm') == 1
    chain = files["chain.sh"].decode()
    assert chain.count('"$srpms"/package-app-runtime-1.0.src.rpm') == 1
    runtime = configuration(tmp_path / "configs" / "runtime.cfg", config_directory=tmp_path)
    assert "app-runtime" in runtime["chroot_setup_cmd"]
    assert "app-runtime-1-*" in runtime["dnf.conf"]
    assert "app-runtime-1.0-*" in runtime["dnf.conf"]
    own = configuration(
        tmp_path / "configs" / f"{runtime_root(PLAN).id}.cfg", config_directory=tmp_path
    )
    assert "app-runtime" not in own["dnf.conf"]


def test_a_build_directory_has_the_build_and_expects_the_package(tmp_path: Path) -> None:
    files = {**emit_mock(PLAN, SETTINGS), **emit_specs(PLAN, SETTINGS).files}
    write_files(tmp_path, files, about=emitted_for(PLAN, SETTINGS, "sha256:1"))
    opened = BuildDirectory.of(tmp_path, PLAN, digest="sha256:1")
    build = opened.builds.build(BUILD)
    assert build is not None
    assert opened.options(build) == ()
    assert (opened.spec(build) / "app-runtime.spec").is_file()
    (expected,) = expectations(opened.builds, opened.namespace)[BUILD]
    assert (expected.name, expected.versions) == ("app-runtime", ("1", "1.0"))


def test_the_applications_package_requires_it_and_it_requires_nothing(tmp_path: Path) -> None:
    plan = spec_plan(private("app", "1.0"), private("thing", "1.5"))
    made = emit_specs(plan, SETTINGS)
    asked = {
        stream: query(tmp_path, written(tmp_path, made, stream), "[%{requires}\\n]").split()
        for stream in ("app@1.0", "thing@1.5", BUILD)
    }
    assert "app-runtime" in asked["app@1.0"]
    assert "app-runtime" not in asked["thing@1.5"]
    assert not [text for text in asked[BUILD] if not text.startswith("rpmlib(")]


def test_its_release_is_that_which_configurations_let_in(tmp_path: Path) -> None:
    made = emit_specs(PLAN, SETTINGS)
    spec = written(tmp_path, made, BUILD)
    full = query(tmp_path, spec, "%{name}-%{version}-%{release}\\n").split()[0]
    assert full.startswith("app-runtime-1.0-0.streamsolve.package_app_runtime_1_0")


def test_what_holds_the_application_is_built_after_it() -> None:
    plan = spec_plan(private("app", "1.0"), private("plugin", "1"), in_roots={"plugin": ["app"]})
    builds = builds_of(plan)
    after = {build.id: build.after for build in builds.builds}
    assert after == {"app@1.0": (), "plugin@1": ("app@1.0", BUILD), BUILD: ()}
    held = {
        root.id: "runtime" in [package.name for package in root.packages]
        for root in (builds.runtime, *builds.roots)
    }
    assert held == {"runtime": True, "build-app": False, "build-plugin": True}


def test_a_private_package_that_would_have_its_name_is_refused() -> None:
    plan = spec_plan(private("package:runtime", "1"))
    with pytest.raises(InputError) as caught:
        emit_mock(plan, SETTINGS)
    assert caught.value.code is Code.NOT_EMITTED
    assert "app-runtime" in caught.value.message


def test_a_plan_whose_roots_all_hold_something_private_is_refused() -> None:
    assert PLAN.builds is not None
    one = Package("x", "1-0.streamsolve", "noarch", "private")
    roots = tuple(evolve(root, packages=(*root.packages, one)) for root in PLAN.builds.roots)
    with pytest.raises(InputError) as caught:
        with_runtime(PLAN, evolve(PLAN.builds, roots=roots), SPACE)
    assert caught.value.code is Code.NOT_EMITTED


def test_levels_say_how_long_they_take() -> None:
    assert PLAN.builds is not None
    before, after = PLAN.builds.order.levels[0], builds_of(PLAN).order.levels[0]
    assert after == Level(
        tuple(sorted((*before.builds, BUILD))), max(before.longest, 1), before.total + 1
    )
