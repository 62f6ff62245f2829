"""What COPR should have for a lock: projects that are sound, switches, sources, and refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from streamsolve.copr import FarmOptions, FarmPlan, FarmRepository, plan_farm
from streamsolve.copr.options import Method, SourceChoice
from streamsolve.copr.source import CustomSource, PypiSource, UploadSource, marker_in
from streamsolve.emit.grammar import Refusals
from streamsolve.emit.names import names_of
from streamsolve.errors import Code, InputErrors
from streamsolve.model.build import Build, BuildPlan, Root, RootStream, Stage
from streamsolve.model.component import Origin
from streamsolve.model.package import Package
from streamsolve.model.plan import Plan
from streamsolve.planner.locking import load_lock
from streamsolve.selection.order import build_order

from .builders import component
from .lockworld import SmallPlan, small_plan

OPTIONS = FarmOptions(
    "packager",
    "app",
    ("fedora-45-x86_64",),
    lock_url="https://example.org/app.lock.json",
    lock_sha256="0" * 64,
)
ONE = settings(max_examples=100, deadline=None)


def planned(plan: Plan | None = None, options: FarmOptions = OPTIONS, **srpms: str) -> FarmPlan:
    files = {f"{name.replace('_', '-')}.src.rpm": digest for name, digest in srpms.items()}
    return plan_farm(plan or small_plan(), options, files, file="app.lock.json")


def faults_of(plan: Plan | None = None, options: FarmOptions = OPTIONS) -> list[str]:
    with pytest.raises(InputErrors) as caught:
        planned(plan, options)
    assert caught.value.code is Code.NOT_FOR_COPR
    return [str(error) for error in caught.value.errors]


# -- what a root sees ------------------------------------------------------------------------------


def seen_by(plan: FarmPlan, project: str) -> set[str]:
    """All builds whose packages COPR shows in the roots of a project."""
    wanted = next(one for one in plan.projects if one.name == project)
    ours = f"copr://{plan.owner}/"
    names = {project}
    for repository in wanted.additional_repos:
        address, _, priority = repository.partition("?")
        if address.startswith(ours):
            assert priority == "priority=1"
            names.add(address.removeprefix(ours))
    return {build.id for build in plan.builds if build.project in names}


def check_sound(farm: FarmPlan, builds: BuildPlan) -> None:
    """Every root sees what it was planned with, and nothing else of any component in it."""
    roots = {root.id: root for root in builds.roots}
    by_id = {build.id: build for build in builds.builds}
    for build in builds.builds:
        project = farm.build(build.id).project
        check_root(roots[build.root], seen_by(farm, project) - {build.id}, by_id, build.id)
    for name in farm.runtime:
        mine = {build.id for build in farm.builds if build.project == name}
        check_root(builds.runtime, mine, by_id, whole=False)
    enabled = {build.id for build in farm.builds if build.project in farm.runtime}
    check_root(builds.runtime, enabled, by_id)


def check_root(
    root: Root, seen: set[str], builds: Mapping[str, Build], itself: str = "", whole: bool = True
) -> None:
    chosen = {stream.build for stream in root.streams if stream.build}
    if whole:
        assert chosen - {itself} <= seen
    held = {stream.component for stream in root.streams}
    for id in seen - chosen:
        assert builds[id].component not in held, (root.id, id)


@st.composite
def build_plans(draw: st.DrawFn) -> BuildPlan:
    """Components with up to three private versions each; each root takes of some components the
    base's or one that is built before."""
    names = [f"c{number}" for number in range(draw(st.integers(1, 6)))]
    ids = [f"{name}@{v}" for name in names for v in range(1, 1 + draw(st.integers(1, 3)))]
    ids = draw(st.permutations(ids))
    builds, roots = [], []
    for number, id in enumerate(ids):
        root = draw(roots_of(f"build-{number}", names, ids[:number]))
        name, _, version = id.partition("@")
        after = tuple(sorted({stream.build for stream in root.streams if stream.build}))
        about = component(name)
        builds.append(Build(id, about, Version(version), Stage.ONLY, root.id, (), after, 1))
        roots.append(root)
    runtime = evolve(draw(roots_of("runtime", names, ids)), id="runtime")
    order = build_order({b.id: 1 for b in builds}, {b.id: b.after for b in builds})
    return BuildPlan(
        runtime,
        tuple(sorted(roots, key=lambda root: root.id)),
        tuple(sorted(builds, key=lambda build: build.id)),
        order,
    )


@st.composite
def roots_of(draw: st.DrawFn, id: str, names: list[str], built: list[str]) -> Root:
    streams, packages = [], []
    for name in draw(st.sets(st.sampled_from(names))):
        choices = ["", *(one for one in built if one.partition("@")[0] == name)]
        made = draw(st.sampled_from(choices))
        version = made.partition("@")[2] or "9"
        origin = Origin.PRIVATE if made else Origin.BASE
        rpm = f"python3-{name}"
        streams.append(RootStream(component(name), Version(version), origin, rpm, made))
        repository = "private" if made else "fedora"
        packages.append(Package(rpm, f"{version}-1", "noarch", repository))
    return Root(id, tuple(sorted(packages)), tuple(sorted(streams)), ())


@ONE
@given(build_plans())
def test_every_root_sees_its_own_streams_and_no_others(builds: BuildPlan) -> None:
    check_sound(planned(evolve(small_plan(), streams=(), builds=builds)), builds)


@ONE
@given(build_plans())
def test_there_are_no_two_projects_that_could_be_one(builds: BuildPlan) -> None:
    """Putting any two together lets some root see what it must not."""
    farm = planned(evolve(small_plan(), streams=(), builds=builds))
    names = [project.name for project in farm.projects]
    pairs = [(one, two) for one in names for two in names if one < two]
    for one, two in pairs[:6]:
        with pytest.raises(AssertionError):
            check_sound(merged(farm, one, two), builds)


def merged(farm: FarmPlan, one: str, two: str) -> FarmPlan:
    """The plan with the project ``two`` put into ``one``."""
    old, new = f"copr://packager/{two}?", f"copr://packager/{one}?"
    repositories: dict[str, set[str]] = {}
    for project in farm.projects:
        name = one if project.name == two else project.name
        found = {url.replace(old, new) for url in project.additional_repos}
        repositories.setdefault(name, set()).update(found)
    projects = [p for p in farm.projects if p.name != two]
    return evolve(
        farm,
        projects=tuple(
            evolve(p, additional_repos=tuple(sorted(repositories[p.name]))) for p in projects
        ),
        builds=tuple(evolve(b, project=one) if b.project == two else b for b in farm.builds),
        runtime=tuple(sorted({one if name == two else name for name in farm.runtime})),
    )


def test_a_real_lock_is_divided_soundly(shared: Path, tmp_path: Path) -> None:
    from streamsolve.cli import main

    path = tmp_path / "vllm.lock.json"
    base = str(shared / "data" / "fedora-45")
    assert main(["lock", "vllm", "--base", base, "--offline", "-o", str(path)]) == 0
    lock = load_lock(path)
    assert lock.plan.builds is not None
    repositories = tuple(
        FarmRepository(name, f"https://example.org/{name}/", 50) for name in lock.settings.overlays
    )
    options = evolve(OPTIONS, project="vllm", repositories=repositories)
    # No script can fetch what the lock knows no file of.
    with pytest.raises(InputErrors) as caught:
        planned(lock.plan, options)
    assert "can make no sources from the lock for cuda-bindings@13.4.4" in str(caught.value)
    names = names_of(lock.plan.builds, Refusals("")).sources.values()
    farm = plan_farm(lock.plan, options, dict.fromkeys(names, "0" * 64), file="app.lock.json")
    check_sound(farm, lock.plan.builds)
    # One project for each build would be sound as well.
    assert len(farm.projects) * 10 < len(farm.builds)


def test_a_build_with_another_pass_of_its_tool_is_kept_from_those_with_the_last() -> None:
    """wheel is built with the first pass of setuptools, and the leaves with the second."""
    farm = planned(SmallPlan().plan())
    assert farm.build("wheel@0.46.1").project != farm.build("leaf-0@1.2").project
    assert farm.build("leaf-0@1.2").project == farm.build("app@1.0").project == "app"


# -- projects --------------------------------------------------------------------------------------


def test_a_bootstrap_pass_has_a_project_of_its_own_with_the_switch() -> None:
    farm = planned()
    (project,) = (p for p in farm.projects if p.name.endswith("bootstrap"))
    assert [b.id for b in farm.builds if b.project == project.name] == ["setuptools@80.1/bootstrap"]
    assert project.name == "app-setuptools-80.1-bootstrap"
    assert project.chroots[0].with_opts == ("bootstrap",)
    others = {opt for p in farm.projects if p != project for opt in p.chroots[0].with_opts}
    assert "bootstrap" not in others


def test_switches_that_tests_were_left_out_with_are_off_in_the_whole_project() -> None:
    farm = planned()
    assert {p.chroots[0].without_opts for p in farm.projects} == {("check", "tests")}


def test_options_reach_every_project_and_chroot() -> None:
    options = evolve(
        OPTIONS,
        chroots=("fedora-45-x86_64", "fedora-rawhide-x86_64"),
        repositories=(FarmRepository("nvidia", "https://packages.test/cuda/$basearch/", 50),),
        packages=("gcc15",),
        modules=("nodejs:20", "!perl:5.40"),
        isolation="simple",
    )
    for project in planned(options=options).projects:
        assert project.additional_repos[-1] == "https://packages.test/cuda/$basearch/?priority=50"
        assert not project.enable_net
        assert not project.follow_fedora_branching
        assert [chroot.name for chroot in project.chroots] == list(options.chroots)
        for chroot in project.chroots:
            assert chroot.additional_packages == ("gcc15",)
            assert chroot.additional_modules == ("nodejs:20", "!perl:5.40")
            assert chroot.isolation == "simple"


def test_what_copr_cannot_hold_is_said() -> None:
    (notice, *_) = planned().notices
    assert notice.code == "base-not-locked"
    assert "cannot be held" in notice.text


def test_levels_are_those_of_the_lock() -> None:
    plan = small_plan()
    assert plan.builds is not None
    found = [sorted(build.id for build in level) for level in planned().levels]
    assert found == [sorted(level.builds) for level in plan.builds.order.levels]


# -- sources and digests ---------------------------------------------------------------------------


def test_a_source_package_is_taken_if_it_is_there_and_a_script_otherwise() -> None:
    farm = planned(**{"torch_2.14.0": "a" * 64})
    assert farm.build("torch@2.14.0").source == UploadSource("srpms/torch-2.14.0.src.rpm", "a" * 64)
    source = farm.build("wheel@0.46.1").source
    assert isinstance(source, CustomSource)
    assert "--component wheel@0.46.1" in source.script
    assert OPTIONS.lock_url in source.script


def test_the_marker_is_in_the_name_of_an_upload_and_in_a_script() -> None:
    farm = planned(**{"torch_2.14.0": "a" * 64})
    upload, script = farm.build("torch@2.14.0"), farm.build("wheel@0.46.1")
    assert isinstance(upload.source, UploadSource)
    assert isinstance(script.source, CustomSource)
    assert marker_in(upload.source.upload_name(upload.marker)) == upload.marker
    assert marker_in(script.source.marked(script.marker)) == script.marker
    assert script.source.marked(script.marker).startswith("#!/bin/sh\n")


def digests(farm: FarmPlan) -> dict[str, str]:
    return {build.id: build.digest for build in farm.builds}


def test_a_changed_source_changes_what_comes_after_it_and_nothing_else() -> None:
    before = digests(planned(**{"flit-core_3.12.0": "a" * 64}))
    after = digests(planned(**{"flit-core_3.12.0": "b" * 64}))
    changed = {id for id in before if before[id] != after[id]}
    assert changed == set(before) - {"setuptools@80.1/bootstrap"}


def test_another_stream_in_the_lock_changes_nothing_of_the_others() -> None:
    before, after = digests(planned(SmallPlan(2).plan())), digests(planned(SmallPlan(3).plan()))
    # The application requires the new one, so what its spec says is another thing.
    assert {id for id in before if before[id] != after[id]} == {"app@1.0"}


def test_where_the_lock_lies_changes_nothing() -> None:
    moved = evolve(OPTIONS, lock_url="https://elsewhere.test/x.json", lock_sha256="1" * 64)
    assert digests(planned()) == digests(planned(options=moved))


def test_the_same_lock_gives_the_same_plan() -> None:
    assert planned() == planned()


def test_copr_s_own_method_is_for_pure_upstream_alone() -> None:
    options = evolve(OPTIONS, sources=(SourceChoice("leaf-0", Method.PYPI),))
    assert planned(options=options).build("leaf-0@1.2").source == PypiSource("leaf-0", "1.2")
    refused = (SourceChoice("app", Method.PYPI), SourceChoice("setuptools", Method.PYPI))
    told = " ".join(faults_of(options=evolve(OPTIONS, sources=refused)))
    assert "relaxed" in told
    assert "two passes" in told


def test_everything_wrong_is_told_at_once() -> None:
    options = evolve(
        OPTIONS,
        owner="a b",
        chroots=("fedora-45-aarch64", "nonsense"),
        repositories=(FarmRepository("nvidia", "https://user:pass@packages.test/", 50),),
        modules=("nodejs",),
        sources=(SourceChoice("torhc", Method.SRPM), SourceChoice("torch", Method.SRPM)),
    )
    told = faults_of(options=options)
    for words in (
        "'a b' is not",
        "'fedora-45-aarch64' is not of the lock's architecture, x86_64",
        "'nonsense' is not a chroot",
        "is not an http, https or copr:// address without credentials",
        "'nodejs' is not a module stream",
        "no build is of 'torhc'",
        "did you mean torch",
        "there is no srpms/torch-2.14.0.src.rpm",
    ):
        assert any(words in fault for fault in told), words


def test_missing_source_packages_are_one_fault_with_the_ways_out() -> None:
    (fault,) = faults_of(options=evolve(OPTIONS, lock_url=""))
    assert "flit-core@3.12.0" in fault
    assert "more" in fault
    assert "make -C DIR srpms" in fault
    assert "-d DIR" in fault
    assert "--lock-url" in fault


def test_a_lock_without_builds_is_refused() -> None:
    from streamsolve.errors import InputError

    with pytest.raises(InputError) as caught:
        planned(evolve(small_plan(), builds=None))
    assert caught.value.code is Code.NOT_FOR_COPR


# -- hostile values --------------------------------------------------------------------------------

HOSTILE = st.one_of(
    st.sampled_from(
        [
            "{{7*7}}",
            "{% raw %}",
            "'; touch RAN; '",
            "a\ntouch RAN",
            "$(touch RAN)",
            "%(touch RAN)",
            "../../x",
            "x" * 10_240,
            "",
            "a b",
            "?priority=0",
            "\x00",
        ]
    ),
    st.text(max_size=30),
)
FIELDS: dict[str, Callable[[FarmOptions, str], FarmOptions]] = {
    "owner": lambda options, text: evolve(options, owner=text),
    "project": lambda options, text: evolve(options, project=text),
    "chroot": lambda options, text: evolve(options, chroots=(text,)),
    "package": lambda options, text: evolve(options, packages=(text,)),
    "module": lambda options, text: evolve(options, modules=(text,)),
    "lock_url": lambda options, text: evolve(options, lock_url=text or "x y"),
    "builddeps": lambda options, text: evolve(options, builddeps=(text,)),
    "repository": lambda options, text: evolve(
        options, repositories=(FarmRepository("x", text, 50),)
    ),
}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(FIELDS)), HOSTILE)
def test_a_hostile_option_is_refused_or_inert(field: str, text: str) -> None:
    """Inert: the shell sees the words that were meant, one for each value."""
    import shlex

    options = FIELDS[field](OPTIONS, text)
    try:
        farm = planned(options=options)
    except InputErrors:
        return
    for build in farm.builds:
        assert isinstance(build.source, CustomSource)
        lines = build.source.script.splitlines()
        assert len(lines) == len(planned().builds[0].source.script.splitlines())  # type: ignore[union-attr]
        fetched = shlex.split(lines[4])
        assert fetched[-1] == options.lock_url
        assert shlex.split(lines[6])[-1] == build.id.partition("/")[0]
    for project in farm.projects:
        for repository in project.additional_repos:
            assert repository.count("?") == 1
            assert len(repository.split()) == 1


@settings(max_examples=100, deadline=None)
@given(HOSTILE)
def test_a_hostile_name_in_a_lock_is_refused_or_inert(text: str) -> None:
    plan = small_plan()
    assert plan.builds is not None
    build = plan.builds.builds[0]
    renamed = evolve(build, id=f"{text}@1", component=evolve(build.component, name=text))
    order = build_order({renamed.id: 1}, {renamed.id: ()})
    builds = evolve(plan.builds, builds=(evolve(renamed, after=()),), order=order)
    try:
        farm = planned(evolve(plan, builds=builds))
    except InputErrors:
        return
    (made,) = farm.builds
    assert isinstance(made.source, CustomSource)
    assert made.source.script.count("\n") == 7
