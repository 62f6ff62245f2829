"""``streamsolve build`` as a command, with a program in mock's place that reads the configurations
as mock does and makes real packages."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from attrs import evolve, frozen

from streamsolve.cli import main
from streamsolve.emit import emit_mock, write_files
from streamsolve.explain.build_run_text import build_run_schema
from streamsolve.lock import lock_text
from streamsolve.model.build import Build

from .lockworld import SmallPlan, small_settings
from .runworld import SETTINGS, SMALL_SPEC, Call, StandIn, make_source, make_sources, stand_in

PLAN = SmallPlan(leaves=6).plan()
assert PLAN.builds is not None
BUILDS = PLAN.builds.builds
LAST = {build.stream: build for build in BUILDS if build.stage.value != "bootstrap"}


def name(build: Build) -> str:
    return build.id.replace("@", "-").replace("/", "-")


NAMES = sorted(map(name, BUILDS))


@frozen
class World:
    """A lock, the directory ``out`` that it was emitted into, and the stand-in."""

    directory: Path
    mock: StandIn

    @property
    def out(self) -> Path:
        return self.directory / "out"

    @property
    def lock(self) -> str:
        return str(self.directory / "app.lock.json")

    def words(self, *options: str) -> list[str]:
        program = ("--mock", str(self.mock.program))
        return ["build", self.lock, "-d", str(self.out), *program, *options]

    def build(self, *options: str) -> int:
        return main(self.words(*options))

    def begin(self, *options: str) -> subprocess.Popen[str]:
        """The command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "streamsolve", *self.words(*options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "100")
    for variable in ("SOURCE_DATE_EPOCH", "MOCK", "CREATEREPO"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was emitted, with source packages, before anything is built."""
    directory = tmp_path_factory.mktemp("emitted")
    write_files(directory / "out", emit_mock(PLAN, SETTINGS))
    make_sources(directory / "out", PLAN)
    (directory / "app.lock.json").write_text(lock_text(PLAN, small_settings()))
    return directory


@pytest.fixture
def world(emitted: Path, tmp_path: Path) -> World:
    for part in ("out", "app.lock.json", "kept"):
        source = next(p for p in (emitted / part, emitted.parent / part) if p.exists())
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, tmp_path / part)
    return World(tmp_path, stand_in(tmp_path / "tools"))


@pytest.fixture(scope="module")
def built(emitted: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Call]]:
    """A directory in which everything is built, and the calls that it took."""
    directory = tmp_path_factory.mktemp("built")
    shutil.copytree(emitted / "out", directory / "out")
    tool = stand_in(directory / "tools")
    words = ["build", str(emitted / "app.lock.json"), "-d", str(directory / "out"), "-j", "2"]
    assert main([*words, "--mock", str(tool.program)]) == 0
    return directory / "out", tool.calls


@pytest.fixture
def done(world: World, built: tuple[Path, list[Call]]) -> World:
    """The same, to change something in."""
    shutil.rmtree(world.out)
    shutil.copytree(built[0], world.out)
    return world


def digests(directory: Path) -> dict[str, str]:
    """Packages by name with their sha256, as the system's own program has it."""
    files = sorted(str(path) for path in directory.rglob("*.rpm") if ".src." not in path.name)
    if not files:
        return {}
    out = subprocess.run(["sha256sum", *files], capture_output=True, text=True, check=True).stdout
    return {line.split("  ")[1].rpartition("/")[2]: line.split()[0] for line in out.splitlines()}


# -- a whole run -----------------------------------------------------------------------------------


def test_each_build_is_run_once_and_dnf_sees_what_was_planned_for_its_root(
    built: tuple[Path, list[Call]],
) -> None:
    out, calls = built
    assert sorted(call.name for call in calls) == NAMES
    by_name = {call.name: call for call in calls}
    by_id = {build.id: build for build in BUILDS}
    for build in BUILDS:
        expected: dict[str, str] = {}
        for id in build.after:
            expected |= digests(out / "results" / name(by_id[id]))
        assert by_name[name(build)].seen == expected
        assert by_name[name(build)].root.endswith(build.root)


def test_switches_are_those_that_were_emitted(built: tuple[Path, list[Call]]) -> None:
    words = {call.name: call.words for call in built[1]}
    assert "--with bootstrap" in " ".join(words["setuptools-80.1-bootstrap"])
    assert "bootstrap" not in words["setuptools-80.1-final"]
    assert all("--nocheck" in each for each in words.values())


def test_dnf_installs_from_what_was_published(
    built: tuple[Path, list[Call]], tmp_path: Path
) -> None:
    out, _ = built
    answer = subprocess.run(
        [
            *("dnf", "--disableplugin=local", "-q", f"--setopt=cachedir={tmp_path / 'cache'}"),
            *("--setopt=reposdir=/dev/null", f"--installroot={tmp_path / 'root'}"),
            *("--releasever=45", f"--repofrompath=built,file://{out / 'repo'}", "--repo=built"),
            *("repoquery", "--qf", "%{name}-%{version}-%{release}.%{arch}.rpm"),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    expected = {}
    for build in LAST.values():
        expected |= digests(out / "results" / name(build))
    assert sorted(answer.stdout.split()) == sorted(expected)
    assert digests(out / "repo") | expected == digests(out / "repo")


def test_a_second_run_runs_nothing(done: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert done.build() == 0
    assert done.mock.calls == []
    out = capsys.readouterr().out
    assert "✓ app is built: 12 builds, of which 12 built before from the same inputs." in out


def test_a_changed_spec_builds_again_what_it_changes(done: World) -> None:
    make_sources(done.out, PLAN, {"wheel@0.46.1": "another wheel"})
    assert done.build("-j", "2") == 0
    # What setuptools makes does not depend on wheel: there the change ends.
    assert sorted(done.mock.built) == ["setuptools-80.1-final", "torch-2.14.0", "wheel-0.46.1"]


def test_a_changed_configuration_builds_its_root_again(done: World) -> None:
    path = done.out / "configs" / "build-torch.cfg"
    path.write_text(path.read_text() + "config_opts['environment']['X'] = 'y'\n")
    assert done.build() == 0
    assert done.mock.built == ["torch-2.14.0"]


@pytest.mark.parametrize("tamper", ["remove", "change"])
def test_a_package_that_is_not_as_it_was_built_is_built_again(done: World, tamper: str) -> None:
    path = done.out / "results" / "flit-core-3.12.0" / "python3-flit-core-3.12.0-1.noarch.rpm"
    path.unlink()
    if tamper == "change":
        path.write_bytes(b"\xed\xab\xee\xdb")
    assert done.build() == 0
    assert done.mock.built == ["flit-core-3.12.0"]


def test_what_was_taken_from_the_stream_repository_is_published_again(done: World) -> None:
    shutil.rmtree(done.out / "repo")
    assert done.build() == 0
    assert done.mock.calls == []
    assert len(digests(done.out / "repo")) == len(LAST) + 1


def test_fresh_builds_everything_again(done: World) -> None:
    assert done.build("--fresh", "-j", "2") == 0
    assert sorted(done.mock.built) == NAMES


# -- failures --------------------------------------------------------------------------------------

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m\nerror: no \x1b[1mcolour\x07\x9b5m \u202e\n"


def test_a_failure_tells_root_and_log_and_the_rest_is_built(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    (world.mock.control / "fail-wheel-0.46.1").write_text(HOSTILE)
    assert world.build("-j", "2") == 4
    assert sorted(world.mock.built) == [
        "flit-core-3.12.0",
        "setuptools-80.1-bootstrap",
        "wheel-0.46.1",
    ]
    captured = capsys.readouterr()
    text = " ".join(captured.out.split())
    assert "SS609 1 build of 12 failed, 9 not tried. 2 done: 2 built now." in text
    assert "wheel@0.46.1 in the root build-wheel: mock ended with 10: the package does" in text
    assert f"the end of {world.out}/logs/wheel-0.46.1/1/build.log: red error: no colour" in text
    assert f"the end of {world.out}/logs/wheel-0.46.1/1/output.log: ERROR: Command failed" in text
    assert "torch@2.14.0 it needs wheel@0.46.1" in text
    for letter in ("\x1b", "\x07", "\x9b", "\u202e", "owned"):
        assert letter not in captured.out + captured.err
    (world.mock.control / "fail-wheel-0.46.1").unlink()
    world.mock.forget()
    assert world.build("-j", "2") == 0
    assert len(world.mock.built) == len(set(world.mock.built)) == 10


def test_fail_fast_begins_nothing_after_a_failure(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    (world.mock.control / "fail-setuptools-80.1-bootstrap").write_text("no\n")
    assert world.build("--fail-fast") == 4
    assert world.mock.built == ["setuptools-80.1-bootstrap"]
    text = " ".join(capsys.readouterr().out.split())
    assert "flit-core@3.12.0 nothing was begun after setuptools@80.1/bootstrap" in text
    assert "app@1.0 it needs setuptools@80.1/bootstrap" in text


def test_a_package_of_another_version_is_no_success(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copyfile(
        world.out / "srpms" / "wheel-0.46.1.src.rpm",
        world.out / "srpms" / "flit-core-3.12.0.src.rpm",
    )
    assert world.build() == 4
    text = " ".join(capsys.readouterr().out.split())
    assert "it made no package python3-flit-core, and the plan expects python3-flit-core" in text
    assert "3.12.0 for build-wheel; it made python3-wheel" in text


def test_a_build_that_takes_too_long_is_ended(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for each in ("setuptools-80.1-bootstrap", "flit-core-3.12.0"):
        world.mock.hold(each)
    assert world.build("-j", "2", "--timeout", "0.01") == 4
    assert "it took longer than 0.6 s" in capsys.readouterr().out


def test_the_answer_as_json_follows_its_schema(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    (world.mock.control / "fail-wheel-0.46.1").write_text("no\n")
    assert world.build("--json") == 4
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, build_run_schema())
    assert document["counts"] == {"built": 2, "skipped": 0, "failed": 1, "not-tried": 9}
    (failed,) = (one for one in document["builds"] if one["fate"] == "failed")
    assert failed["logs"][0]["lines"] == ["no"]
    assert world.build("--json", "--dry-run") == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, build_run_schema())
    assert sum(one["run"] for one in document["builds"]) == 10


# -- before anything is built ----------------------------------------------------------------------


def snapshot(directory: Path) -> dict[Path, int]:
    return {path: path.lstat().st_mtime_ns for path in directory.rglob("*")}


def test_a_dry_run_says_what_would_be_run_and_why_and_writes_nothing(
    done: World, capsys: pytest.CaptureFixture[str]
) -> None:
    make_sources(done.out, PLAN, {"wheel@0.46.1": "another wheel"})
    before = snapshot(done.out)
    assert done.build("--dry-run") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "1 build, and up to 9 more of 12 would be run." in text
    assert "● wheel@0.46.1 in build-wheel: the source package changed" in text
    assert "○ torch@2.14.0 in build-torch: setuptools@80.1/final is built first" in text
    assert f"--rebuild {done.out}/srpms/wheel-0.46.1.src.rpm" in text
    assert "flit-core@3.12.0" not in text
    assert snapshot(done.out) == before
    assert done.mock.calls == []


def test_all_missing_source_packages_are_told_before_anything_is_built(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for stream in ("torch-2.14.0", "app-1.0"):
        (world.out / "srpms" / f"{stream}.src.rpm").unlink()
    assert world.build() == 2
    text = " ".join(capsys.readouterr().err.split())
    assert "SS610" in text
    assert "srpms/torch-2.14.0.src.rpm: it is not there" in text
    assert "srpms/app-1.0.src.rpm: it is not there" in text
    assert f"put them into {world.out}/srpms under these names" in text
    assert world.mock.calls == []


TEMPLATE = """\
config_opts['dnf.conf'] = '''
[main]
gpgcheck=0

[fedora]
baseurl=https://base.test/
'''
"""


def spec_of(world: World, stream: str, words: str) -> Path:
    """A spec in place of the source package of a stream."""
    (world.out / "srpms" / f"{stream}.src.rpm").unlink(missing_ok=True)
    package, _, version = stream.rpartition("-")
    path = world.out / "specs" / stream / f"{package}.spec"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        SMALL_SPEC.format(name=package, version=version, provides="", part="", words=words)
    )
    return path


def test_source_packages_are_made_of_specs_and_made_again_when_those_are_newer(
    done: World,
) -> None:
    first = spec_of(done, "leaf-0-1.2", "one")
    assert done.build() == 0
    assert done.mock.built == ["leaf-0-1.2"]
    assert (done.out / "srpms" / "leaf-0-1.2.src.rpm").is_file()
    first.write_text(first.read_text().replace("one", "two"))
    made = (done.out / "srpms" / "leaf-0-1.2.src.rpm").stat().st_mtime_ns
    os.utime(first, ns=(made + 1, made + 1))
    assert done.build("--dry-run") == 0
    done.mock.forget()
    assert done.build() == 0
    assert done.mock.built == ["leaf-0-1.2"]
    done.mock.forget()
    assert done.build() == 0
    assert done.mock.calls == []


def test_all_source_packages_that_cannot_be_made_are_told(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for stream in ("leaf-0-1.2", "leaf-1-1.2"):
        spec_of(world, stream, "one").write_text("Name: broken\n%nonsense{\n")
    assert world.build() == 2
    text = " ".join(capsys.readouterr().err.split())
    assert "source packages cannot be made" in text
    assert "leaf-0-1.2/leaf-0.spec" in text
    assert "leaf-1-1.2/leaf-1.spec" in text
    assert world.mock.calls == []


def test_a_lock_is_emitted_into_a_directory_that_is_not_there(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(world.out)
    assert world.build() == 2
    # The third party's repository is nowhere to be found: emitting says so, and so does this.
    assert "add --repo nvidia=URL" in capsys.readouterr().err
    assert not world.out.exists()
    Path(world.lock).write_text(lock_text(PLAN, evolve(small_settings(), overlays=())))
    assert world.build("--dry-run") == 0
    assert "12 builds of 12 would be run." in capsys.readouterr().out
    assert not world.out.exists()
    assert world.build() == 2
    assert "source packages are missing" in capsys.readouterr().err
    assert (world.out / "configs" / "build-torch.cfg").is_file()
    make_sources(world.out, PLAN)
    (world.mock.control / "fedora-45-x86_64.cfg").write_text(TEMPLATE)
    assert world.build("-j", "2", "--json") == 0
    assert json.loads(capsys.readouterr().out)["counts"]["built"] == 12


def test_standard_output_has_the_answer_alone_where_the_lock_is_emitted_first(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(world.out)
    Path(world.lock).write_text(lock_text(PLAN, evolve(small_settings(), overlays=())))
    assert world.build("--json") == 2
    document = json.loads(capsys.readouterr().out)
    assert document["errors"][0]["code"] == "SS610"


def test_a_directory_of_another_lock_is_refused(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    other = SmallPlan(leaves=6, versions={"wheel": "0.46.2"}).plan()
    Path(world.lock).write_text(lock_text(other, small_settings()))
    assert world.build() == 2
    text = " ".join(capsys.readouterr().err.split())
    assert "SS610 nothing was built" in text
    assert "it does not say how wheel@0.46.2 is built" in text
    (world.out / "emitted.json").unlink()
    assert world.build() == 2
    assert "nothing was emitted into it" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--mock", "--createrepo"])
def test_a_missing_tool_is_told_with_the_next_step(
    world: World, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert world.build(option, "no-such-program --x") == 2
    text = " ".join(capsys.readouterr().err.split())
    assert "SS501" in text
    assert "no-such-program" in text
    assert "install the system's package" in text


def test_a_stream_repository_elsewhere_is_refused(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = evolve(SETTINGS, stream_repository="file:///srv/streams")
    write_files(world.out, emit_mock(PLAN, elsewhere))
    assert world.build() == 2
    assert "it looks for the stream repository elsewhere" in capsys.readouterr().err


def test_a_disk_that_is_full_is_told_and_the_next_run_goes_on(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    script = world.directory / "createrepo"
    script.write_text("#!/bin/sh\necho 'write: No space left on device' >&2\nexit 1\n")
    script.chmod(0o755)
    assert world.build("--createrepo", str(script)) == 2
    err = " ".join(capsys.readouterr().err.split())
    assert "SS610" in err
    assert "No space left on device" in err
    (first,) = world.mock.built
    world.mock.forget()
    assert world.build("-j", "2") == 0
    assert sorted([first, *world.mock.built]) == NAMES


# -- interrupted -----------------------------------------------------------------------------------


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    """Those that a test began; none is left behind."""
    found: list[subprocess.Popen[str]] = []
    yield found
    for process in found:
        if process.poll() is None:
            process.kill()
        process.communicate()


def is_gone(pid: int) -> bool:
    """Whether a process has ended, reaped or not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in ("Z", "X")


def test_a_killed_run_goes_on_and_what_it_left_running_is_ended(
    world: World, processes: list[subprocess.Popen[str]]
) -> None:
    hold = world.mock.hold("wheel-0.46.1")
    processes.append(world.begin("-j", "2"))
    left = int(hold.read_text())
    processes[0].send_signal(signal.SIGKILL)
    assert processes[0].wait(30) == -signal.SIGKILL
    assert not is_gone(left)
    hold.unlink()
    assert world.build("-j", "2") == 0
    assert is_gone(left)
    expected = sorted([*NAMES, "wheel-0.46.1"])
    assert sorted(world.mock.built) == expected


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_what_runs_and_goes_on(
    world: World, processes: list[subprocess.Popen[str]], number: signal.Signals
) -> None:
    hold = world.mock.hold("wheel-0.46.1")
    processes.append(world.begin("-j", "2"))
    running = int(hold.read_text())
    processes[0].send_signal(number)
    out, err = processes[0].communicate(timeout=60)
    assert processes[0].returncode == 130
    assert out == ""
    assert "what is built stays, and the same command goes on" in err
    assert "Traceback" not in err
    assert is_gone(running)
    hold.unlink()
    before = [each for each in world.mock.built if each != "wheel-0.46.1"]
    world.mock.forget()
    assert world.build("--timeout", "1") == 0
    assert sorted([*before, *world.mock.built]) == NAMES


def test_a_second_run_in_the_directory_is_told_who_builds_there(
    world: World, processes: list[subprocess.Popen[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    hold = world.mock.hold("wheel-0.46.1")
    processes.append(world.begin())
    hold.read_text()
    assert world.build() == 2
    text = " ".join(capsys.readouterr().err.split())
    assert f"{world.out}: process {processes[0].pid} builds in it" in text
    with (world.mock.control / "go-on").open("w"):
        pass
    out, err = processes[0].communicate(timeout=120)
    assert processes[0].returncode == 0, err
    assert "app is built" in out
    assert "wheel@0.46.1: begins in build-wheel, because it is new\n" in err
    assert "(12 of 12)" in err


# -- built twice -----------------------------------------------------------------------------------


def verify(world: World, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setenv("MOCK", str(world.mock.program))
    return main(["verify", world.lock, "-d", str(world.out), "--rebuild", *words])


def test_a_component_that_makes_the_same_twice(
    done: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(done.out / "results") | snapshot(done.out / "repo")
    assert verify(done, monkeypatch, "torch") == 0
    assert "✓ torch@2.14.0 makes the same twice: 2 packages" in capsys.readouterr().out
    assert done.mock.built == ["torch-2.14.0.rebuild-1", "torch-2.14.0.rebuild-2"]
    assert snapshot(done.out / "results") | snapshot(done.out / "repo") == before


SPEC = """\
Name: python3-torch
Version: 2.14.0
Release: 1
Summary: A package that is another each time
License: MIT
BuildArch: noarch
%description
It has %(cat /proc/sys/kernel/random/uuid) in its description.
%install
mkdir -p %{buildroot}/opt/torch
cat /proc/sys/kernel/random/uuid > "%{buildroot}/opt/torch/another each time"
echo same > %{buildroot}/opt/torch/same
%files
/opt/torch
%package -n python3-torch+compile
Summary: A part
%description -n python3-torch+compile
A part.
%files -n python3-torch+compile
%changelog
* Mon Jan 05 2026 A Packager <a@example.test> - 2.14.0-1
- One
"""


def test_what_differs_between_two_builds_is_told_by_file(
    done: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_source(done.out / "srpms" / "torch-2.14.0.src.rpm", SPEC)
    assert verify(done, monkeypatch, "torch@2.14.0", "--json") == 4
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, build_run_schema())
    assert not document["same"]
    (one,) = document["differences"]
    assert one["file"] == "python3-torch-2.14.0-1.noarch.rpm"
    assert one["payload"]
    assert one["tags"] == ["description"]
    assert one["files"] == [{"path": "/opt/torch/another each time", "what": "content"}]
    (text,) = document["texts"]
    assert "another each time" in Path(text).read_text()


def test_a_rebuild_says_what_must_be_built_first(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(world, monkeypatch, "torch") == 2
    text = " ".join(capsys.readouterr().err.split())
    assert "its root needs setuptools@80.1/final, which is not built" in text
    assert verify(world, monkeypatch, "toch") == 2
    assert "did you mean torch?" in capsys.readouterr().err


def test_an_interrupted_rebuild_ends_what_runs(
    world: World, processes: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = world.mock.hold("flit-core-3.12.0.rebuild-1")
    monkeypatch.setenv("MOCK", str(world.mock.program))
    words = ["verify", world.lock, "-d", str(world.out), "--rebuild", "flit-core"]
    processes.append(
        subprocess.Popen(
            [sys.executable, "-m", "streamsolve", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    running = int(hold.read_text())
    processes[0].send_signal(signal.SIGINT)
    _, err = processes[0].communicate(timeout=60)
    assert processes[0].returncode == 130
    assert "Traceback" not in err
    assert is_gone(running)


def test_a_rebuild_that_fails_says_where(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (world.mock.control / "fail-flit-core-3.12.0.rebuild-1").write_text("no\nthe reason\n")
    assert verify(world, monkeypatch, "flit-core") == 4
    text = " ".join(capsys.readouterr().err.split())
    assert "SS609" in text
    assert "flit-core@3.12.0 in the root build-flit-core: mock ended with 10" in text
    assert "the reason" in text
