"""A plan for Koji: the tags against the roots, the order against the graph, and the script run with
a stand-in for Koji's client."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from streamsolve.cli import main
from streamsolve.emit.lists import KojiRepository, KojiSettings, koji_files
from streamsolve.emit.lists.koji import KojiPlan, plan_koji
from streamsolve.errors import Code, InputErrors
from streamsolve.lock import lock_text
from streamsolve.model.build import BuildPlan
from streamsolve.model.plan import Plan

from .conftest import ROOT
from .lockworld import small_plan, small_settings
from .test_copr_plan import build_plans, check_root

SCHEMA = json.loads((ROOT / "streamsolve" / "schemas" / "koji-1.schema.json").read_text("utf-8"))
BASE = KojiRepository("fedora", "https://mirror.example/fedora/45/", 99)
SETTINGS = KojiSettings(
    "f45-app", "packager", repositories=(BASE,), build_group=("bash", "rpm-build"), dist="fc45"
)
SCM = evolve(SETTINGS, scm="git+https://src.example/{package}.git#{version}")
CLIENT = """\
#!/bin/sh
# Notes what it is asked, and fails at one call.
printf '%s\\037' "$@" >> "$LOG"
printf '\\n' >> "$LOG"
calls=$(wc -l < "$LOG")
if [ "$calls" = "$FAIL" ]; then exit 1; fi
case $1 in
build) echo "Uploading"; echo "Created task: $calls"; echo "Task info: somewhere" ;;
list-tagged) for one in $TAGGED; do echo "$one"; done ;;
esac
"""


@frozen
class Ran:
    """What came of the script: its exit code, and the calls of the client."""

    code: int
    err: str
    calls: tuple[tuple[str, ...], ...]

    def of(self, *names: str) -> list[tuple[str, ...]]:
        return [call for call in self.calls if call[0] in names]


def run(
    directory: Path, files: dict[str, bytes], *words: str, fail: int = 0, tagged: str = ""
) -> Ran:
    directory.mkdir(parents=True, exist_ok=True)
    client, log = directory / "koji-client", directory / "log"
    client.write_text(CLIENT)
    client.chmod(0o755)
    log.write_bytes(b"")
    (directory / "koji.sh").write_bytes(files["koji.sh"])
    environment = {
        "PATH": os.environ["PATH"], "KOJI": str(client), "LOG": str(log), "SRPMS": "srpms",
        "FAIL": str(fail), "TAGGED": tagged,
    }  # fmt: skip
    done = subprocess.run(
        ["sh", "koji.sh", *words],
        cwd=directory, env=environment, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    lines = log.read_bytes().decode().removesuffix("\n").split("\n")
    calls = tuple(tuple(line.split("\037")[:-1]) for line in lines if line)
    return Ran(done.returncode, done.stderr.decode(), calls)


def document_of(files: dict[str, bytes]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files["koji.json"])
    Draft202012Validator(SCHEMA).validate(document)
    return document


def with_builds(builds: BuildPlan) -> Plan:
    return evolve(small_plan(), streams=(), builds=builds)


# -- the plan --------------------------------------------------------------------------------------


def visible(made: KojiPlan, target: str) -> set[str]:
    """The builds that a root of a target sees."""
    return {id for tag in made.tags if tag.name in made.tag(target).inherits for id in tag.builds}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(build_plans())
def test_every_root_sees_its_own_streams_and_no_others(builds: BuildPlan) -> None:
    made = plan_koji(with_builds(builds), SETTINGS)
    roots = {root.id: root for root in builds.roots}
    by_id = {build.id: build for build in builds.builds}
    for build in builds.builds:
        seen = visible(made, made.builds[build.id].target) - {build.id}
        check_root(roots[build.root], seen, by_id, build.id)
    enabled = {id for tag in made.tags if tag.name in made.runtime for id in tag.builds}
    check_root(builds.runtime, enabled, by_id)


def check_order(steps: Iterable[Iterable[str]], builds: BuildPlan) -> None:
    """Each build once, and each step on what is built in steps before."""
    done: set[str] = set()
    for step in steps:
        group = list(step)
        for id in group:
            build = builds.build(id)
            assert build is not None
            assert set(build.after) <= done, id
            assert id not in done
        done |= set(group)
    assert done == {build.id for build in builds.builds}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(build_plans())
def test_levels_and_chains_respect_the_graph(builds: BuildPlan) -> None:
    document = document_of(koji_files(with_builds(builds), SETTINGS))
    check_order(document["levels"], builds)
    check_order((g for chain in document["chains"] for g in chain["groups"]), builds)
    for chain in document["chains"]:
        for id in (id for group in chain["groups"] for id in group):
            assert document["builds"][id]["target"] == chain["target"]


def test_a_real_lock_gives_a_document_and_a_script(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "vllm.lock.json"
    base = str(shared / "data" / "fedora-45")
    assert main(["lock", "vllm", "--base", base, "--offline", "-o", str(lock)]) == 0
    words = ["emit", "koji", str(lock), "-o", str(tmp_path / "out"), "--tag", "f45-vllm"]
    words += ["--owner", "packager", "--parent", "f45-build"]
    assert main(words) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "packages of third parties" in said
    assert "-d DIR takes the names from the specs" in said
    document = document_of({"koji.json": (tmp_path / "out" / "koji.json").read_bytes()})
    locked = json.loads(lock.read_text())
    after = {build["id"]: sorted(build["after"]) for build in locked["builds"]}
    assert {id: one["after"] for id, one in document["builds"].items()} == after
    check = ["sh", "-n", str(tmp_path / "out" / "koji.sh")]
    assert subprocess.run(check, check=False, timeout=20).returncode == 0


# -- the script ------------------------------------------------------------------------------------


def test_the_script_sets_up_every_tag_and_builds_level_by_level(tmp_path: Path) -> None:
    plan = small_plan()
    assert plan.builds is not None
    files = koji_files(plan, SETTINGS)
    document = document_of(files)
    ran = run(tmp_path, files)
    assert ran.code == 0, ran.err
    for tag in document["tags"]:
        assert ("add-tag", tag["name"]) in ran.calls
        parents = [call[4] for call in ran.of("add-tag-inheritance") if call[3] == tag["build_tag"]]
        assert parents == tag["inherits"]
        assert ("add-target", tag["name"], tag["build_tag"], tag["name"]) in ran.calls
        assert ("add-pkg", "--owner", "packager", tag["name"], *tag["packages"]) in ran.calls
        assert ("add-group-pkg", tag["build_tag"], "build", "bash", "rpm-build") in ran.calls
    (external,) = ran.of("add-external-repo")
    assert external[-2:] == ("f45-app-fedora", BASE.url)
    assert len(external[1:-2]) == len(document["tags"])
    # What is built, in the order of the calls: the level is what lies between two waits.
    by_source = {
        (one["target"], f"srpms/{one['source']}"): id for id, one in document["builds"].items()
    }
    steps: list[list[str]] = [[]]
    waited: list[tuple[str, ...]] = []
    tasks: list[str] = []
    for number, call in enumerate(ran.calls, 1):
        if call[0] == "build":
            assert call[1:3] == ("--nowait", "--noprogress")
            steps[-1].append(by_source[call[3], call[4]])
            tasks.append(str(number))
        if call[0] == "watch-task":
            waited.append(call[1:])
            assert list(call[1:]) == tasks
            tasks = []
            steps.append([])
    assert [sorted(step) for step in steps if step] == [sorted(x) for x in document["levels"]]
    assert len(waited) == len(document["levels"])


def test_a_bootstrap_pass_has_its_macro_only_while_it_is_built(tmp_path: Path) -> None:
    for number, chosen in enumerate((SETTINGS, SCM)):
        files = koji_files(small_plan(), chosen)
        document = document_of(files)
        (tag,) = (one for one in document["tags"] if one["macros_while_building"])
        assert [document["builds"][id]["bootstrap"] for id in tag["builds"]] == [True]
        ran = run(tmp_path / str(number), files)
        assert ran.code == 0, ran.err
        place = {call: at for at, call in enumerate(ran.calls)}
        words = ("-x", "rpm.macro._with_bootstrap=1", "-x", "rpm.macro.dist=.fc45~bootstrap")
        begun = place["edit-tag", *words, tag["build_tag"]]
        removed = ("-r", "rpm.macro._with_bootstrap", "-r", "rpm.macro.dist", tag["build_tag"])
        ended = place["edit-tag", *removed]
        built = [at for call, at in place.items() if call[0] == "build" and tag["name"] in call]
        refreshed = [
            at for call, at in place.items()
            if call[0] == "request-repo" and call[-1] == tag["build_tag"]
        ]  # fmt: skip
        assert begun < refreshed[0] < built[0] < ended
        watched = [at for call, at in place.items() if call[0] == "watch-task"]
        assert any(built[0] < at < ended for at in watched)
        # No other build tag ever has it.
        others = [call for call in ran.calls if "rpm.macro._with_bootstrap=1" in call]
        assert len(others) == 1


def test_from_repositories_chains_are_built(tmp_path: Path) -> None:
    plan = small_plan()
    assert plan.builds is not None
    files = koji_files(plan, SCM)
    document = document_of(files)
    ran = run(tmp_path, files)
    assert ran.code == 0, ran.err
    by_source = {(one["target"], one["source"]): id for id, one in document["builds"].items()}
    steps: list[list[str]] = []
    for call in ran.of("build", "chain-build"):
        if call[0] == "build":
            steps.append([by_source[call[3], call[4]]])
            continue
        assert call[1] == "--wait"
        groups = " ".join(call[3:]).split(" : ")
        assert len(groups) > 1
        steps += [[by_source[call[2], one] for one in group.split()] for group in groups]
    check_order(steps, plan.builds)
    assert any(call[0] == "chain-build" for call in ran.calls)


@pytest.mark.parametrize("chosen", [SETTINGS, SCM], ids=["srpms", "scm"])
def test_after_a_call_that_fails_nothing_runs(tmp_path: Path, chosen: KojiSettings) -> None:
    files = koji_files(small_plan(), chosen)
    whole = run(tmp_path, files)
    assert whole.code == 0
    first = next(at for at, call in enumerate(whole.calls, 1) if call[0] == "request-repo")
    for number in (1, 2, *range(first, len(whole.calls) + 1)):
        ran = run(tmp_path, files, fail=number)
        assert ran.code != 0, whole.calls[number - 1]
        assert ran.calls == whole.calls[:number]


def test_an_answer_without_a_task_ends_it(tmp_path: Path) -> None:
    files = koji_files(small_plan(), SETTINGS)
    silent = {**files, "koji.sh": files["koji.sh"].replace(b"^Created task", b"^Nothing")}
    ran = run(tmp_path, silent, "builds")
    assert ran.code == 1
    assert "koji names no task for srpms/" in ran.err
    assert ran.calls[-1][0] == "build"


def test_what_is_in_its_tag_is_not_built_again(tmp_path: Path) -> None:
    files = koji_files(small_plan(), SETTINGS)
    document = document_of(files)
    package = document["builds"]["torch@2.14.0"]["package"]
    there = f"{package}-2.14.0-0.streamsolve.torch_2_14_0.fc45 {package}-2.14.00-1.fc45"
    ran = run(tmp_path, files, "builds", tagged=there)
    assert ran.code == 0, ran.err
    built = [call[4] for call in ran.of("build")]
    assert "srpms/torch-2.14.0.src.rpm" not in built
    assert len(built) == len(document["builds"]) - 1
    assert not ran.of("add-tag", "add-target")
    other = run(tmp_path, files, "builds", tagged=f"{package}-2.14.00-1.fc45")
    assert "srpms/torch-2.14.0.src.rpm" in [call[4] for call in other.of("build")]


def test_tags_alone_and_builds_alone(tmp_path: Path) -> None:
    files = koji_files(small_plan(), SETTINGS)
    tags, builds = run(tmp_path, files, "tags"), run(tmp_path, files, "builds")
    assert tags.calls + builds.calls == tuple(
        call if call[0] != "watch-task" else next(watched)
        for watched in [iter(builds.of("watch-task"))]
        for call in run(tmp_path, files).calls
    )
    assert run(tmp_path, files, "all of it").code == 2


# -- names, options and hostile values -------------------------------------------------------------


@pytest.fixture
def emit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    monkeypatch.chdir(tmp_path)
    Path("app.lock.json").write_text(lock_text(small_plan(), small_settings()))

    def emitted(*words: str) -> tuple[int, str]:
        usual = ("emit", "koji", "app.lock.json", "-o", "out", "--tag", "t", "--owner", "me")
        code = main([*usual, *words])
        out, err = capsys.readouterr()
        return code, " ".join((out + err).split())

    return emitted


NVIDIA = ("--repo", "nvidia=https://packages.test/cuda/,priority=50")


def test_specs_say_what_packages_are_called(emit: Callable[..., tuple[int, str]]) -> None:
    specs = Path("made/specs/torch-2.14.0")
    specs.mkdir(parents=True)
    (specs / "pytorch.spec").write_text("")
    code, text = emit("--parent", "f45-build", *NVIDIA, "-d", "made")
    assert code == 0, text
    document = json.loads(Path("out/koji.json").read_text())
    assert document["builds"]["torch@2.14.0"]["package"] == "pytorch"
    assert document["external_repositories"] == [
        {"name": "t-nvidia", "url": "https://packages.test/cuda/", "priority": 10}
    ]


def test_what_is_not_said_of_repositories_is_one_list(
    emit: Callable[..., tuple[int, str]],
) -> None:
    code, text = emit("--baseurl", "nothing=https://x.example/", "--baseurl", "oops")
    assert code == 2
    for words in (
        "the lock has no repository 'nothing'",
        "'oops' names no address",
        "add --repo nvidia=URL",
        "the repository 'fedora' has no single address",
    ):
        assert words in text
    assert not Path("out").exists()


def test_a_plan_without_a_base_is_refused() -> None:
    with pytest.raises(InputErrors) as caught:
        koji_files(small_plan(), evolve(SETTINGS, repositories=()), file="app.lock.json")
    assert caught.value.code is Code.NOT_EMITTED
    assert "nothing says where the base is" in str(caught.value)


HOSTILE = st.one_of(
    st.sampled_from(
        [
            "$(touch gone)", "`touch gone`", "a; touch gone", "a\ntouch gone", "'", '"', "-x", "",
            "{{7*7}}", "{% x %}", "%(touch gone)", "../../etc", "x" * 10_000, "a b", "ä", "\x1b[2J",
            "a:b", "a::1", "git+https://h/{package}.git#$(touch gone)", "{0.__class__}",
            "https://h/$(touch gone)", "https://h/ --mode=bare", ":", "#",
        ]
    ),
    st.text(max_size=12),
)  # fmt: skip
FIELDS = ("tag", "owner", "parent", "scm", "dist", "url", "repository", "group", "package", "arch")


def changed(field: str, text: str) -> tuple[Plan, KojiSettings]:
    plan = small_plan()
    if field == "arch":
        return evolve(plan, arch=text), SETTINGS
    if field == "url":
        return plan, evolve(SETTINGS, repositories=(KojiRepository("fedora", text),))
    if field == "repository":
        return plan, evolve(SETTINGS, repositories=(KojiRepository(text, BASE.url),))
    if field == "group":
        return plan, evolve(SETTINGS, build_group=(text,))
    if field == "package":
        return plan, evolve(SETTINGS, packages={"torch@2.14.0": text})
    return plan, evolve(SETTINGS, **{field: text})


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(FIELDS), HOSTILE)
def test_a_hostile_value_is_refused_or_inert(tmp_path: Path, field: str, text: str) -> None:
    plan, chosen = changed(field, text)
    refused: InputErrors | None = None
    files: dict[str, bytes] = {}
    try:
        files = koji_files(plan, chosen)
    except InputErrors as error:
        refused = error
    if refused is not None:
        assert refused.code is Code.NOT_EMITTED
        assert "\x1b" not in str(refused)
        assert len(str(refused)) < 4_000
        return
    usual = koji_files(small_plan(), SCM if field == "scm" and text else SETTINGS)
    before = {path.name for path in tmp_path.iterdir()}
    ran = run(tmp_path, files)
    assert ran.code == 0, ran.err
    assert {path.name for path in tmp_path.iterdir()} - before <= {"koji-client", "log", "koji.sh"}
    # The same calls of the same commands, but for what a parent has itself.
    if field != "parent":
        assert [call[0] for call in ran.calls] == [call[0] for call in run(tmp_path, usual).calls]
    document_of(files)
