"""``streamsolve copr source``: what the script of COPR's custom source method makes of a lock."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import evolve

from streamsolve.building.component_source import only_stream
from streamsolve.cli import main
from streamsolve.copr import asked_stream
from streamsolve.copr.asked import package_name
from streamsolve.copr.source import custom_source
from streamsolve.emit import MockSettings
from streamsolve.emit.specs import emit_specs
from streamsolve.errors import Code, InputError
from streamsolve.lock import lock_set_text, lock_text, read_lock
from streamsolve.model.lock import LockSpec
from streamsolve.model.stream import Source
from streamsolve.planner.locking import load_lock

from .commandworld import CommandWorld
from .localindex import LocalIndex
from .localserver import LocalServer
from .lockworld import small_plan, small_settings
from .smallworld import dist
from .test_sources import plan_with, source_package

LIST = "emitted.json"


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandWorld:
    """A locked application that needs idna, and a newer six than the base has, whose spec the base
    has all the same. Its cache is a new one for each run."""
    made = CommandWorld(tmp_path, monkeypatch, capsys)
    for name in ("COPR_OWNER", "COPR_PROJECT", "COPR_PACKAGE", "COPR_RESULTDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    made.has(dist("six", "1.16", source="python-six"))
    made.release("six", "1.16")
    made.release("six", "1.17")
    made.release("idna", "3.1", "six>=1.17")
    made.release("app", "1", "six>=1", "idna")
    source_package(Path("base/source"), "1.17")
    command = ["createrepo_c", "--quiet", "base/source"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    path = made.lock()
    lock = load_lock(path)
    # A directory of repositories does not say which release it is.
    path.write_text(lock_text(lock.plan, evolve(lock.settings, base_release="45")))
    return made


def source(world: CommandWorld, *words: str) -> tuple[int, str]:
    ran = world.run("copr", "source", "app.lock.json", "--base", "./base", *words)
    return ran.code, " ".join((ran.out + ran.err).split())


def files(directory: Path) -> dict[str, bytes]:
    """What lies in a directory, without the writer's own list."""
    if not directory.is_dir():
        return {}
    found = (path for path in directory.rglob("*") if path.is_file() and path.name != LIST)
    return {str(path.relative_to(directory)): path.read_bytes() for path in found}


def emitted(world: CommandWorld) -> Path:
    """What ``emit mock`` writes for the whole lock, with everything that ``sources`` brings."""
    brought = ("sources", "app.lock.json", "-o", "src", "--base", "./base", "--base-sources")
    assert world.run(*brought).code == 0
    ran = world.run("emit", "mock", "app.lock.json", "-o", "out", "--sources", "src")
    assert ran.code == 0, ran.err
    return world.directory / "out"


# -- what is written -------------------------------------------------------------------------------


@pytest.mark.parametrize("component", ["app@1", "idna", "six"])
def test_it_writes_what_emit_mock_writes_and_the_sources_beside_it(
    world: CommandWorld, component: str
) -> None:
    out = emitted(world)
    code, text = source(world, "--component", component, "-o", "made")
    assert code == 0, text
    (stem,) = (path.name for path in (out / "specs").iterdir() if path.name[:3] == component[:3])
    spec = files(out / "specs" / stem)
    made = files(Path("made"))
    assert {name: made[name] for name in spec} == spec
    listed = [line.split() for line in spec["sources"].decode().splitlines() if line[0] != "#"]
    assert listed
    assert made.keys() == {*spec, *(name for _, name, _ in listed)}
    for digest, name, _ in listed:
        assert hashlib.sha256(made[name]).hexdigest() == digest


def test_of_a_real_lock_a_spec_made_alone_is_the_one_made_among_all(
    shared: Path, tmp_path: Path
) -> None:
    path = tmp_path / "vllm.lock.json"
    base = str(shared / "data" / "fedora-45")
    assert main(["lock", "vllm", "--base", base, "--offline", "-o", str(path)]) == 0
    lock = load_lock(path)
    settings = MockSettings("45", "fc45", template="fedora-45-x86_64.cfg")
    whole = emit_specs(lock.plan, settings).files
    assert lock.plan.builds is not None
    for stream in sorted({build.stream for build in lock.plan.builds.builds})[::8]:
        own = only_stream(lock, stream)
        alone = emit_specs(evolve(lock.plan, builds=own.plan.builds), settings)
        assert len(alone.specs) == 1
        assert alone.files.items() <= whole.items()


def test_a_second_run_changes_nothing_and_one_over_other_files_is_refused(
    world: CommandWorld,
) -> None:
    assert source(world, "--component", "idna", "-o", "made")[0] == 0
    before = {path: path.stat().st_mtime_ns for path in Path("made").iterdir()}
    assert source(world, "--component", "idna", "-o", "made")[0] == 0
    assert {path: path.stat().st_mtime_ns for path in Path("made").iterdir()} == before
    Path("mine").mkdir()
    Path("mine/idna-3.1.zip").write_bytes(b"mine")
    code, text = source(world, "--component", "idna", "-o", "mine")
    assert code == 2
    assert "it is in the way" in text
    assert files(Path("mine")) == {"idna-3.1.zip": b"mine"}


# -- which component -------------------------------------------------------------------------------


def test_the_environment_and_the_payload_say_which_component(
    world: CommandWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPR_OWNER", "packager")
    monkeypatch.setenv("COPR_PROJECT", "app")
    monkeypatch.setenv("COPR_RESULTDIR", "result")
    monkeypatch.setenv("COPR_PACKAGE", "")
    payload = {"repository": {"name": "six", "clone_url": "https://forge.test/some/six.git"}}
    Path("hook_payload").write_text(json.dumps(payload))
    assert source(world)[0] == 0
    assert "six-1.17.zip" in files(Path("result"))
    # COPR's own word comes before that of a stranger.
    monkeypatch.setenv("COPR_PACKAGE", "idna-3.1")
    monkeypatch.setenv("COPR_RESULTDIR", "other")
    assert source(world)[0] == 0
    assert "idna-3.1.zip" in files(Path("other"))
    # And the option before both.
    assert source(world, "--component", "app", "-o", "third")[0] == 0
    assert "app-1.zip" in files(Path("third"))


@pytest.mark.parametrize(
    ("words", "payload", "told"),
    [
        ((), None, "nothing says which component it is about"),
        ((), "", "nothing says which component it is about"),
        ((), "{", "it is no JSON document"),
        ((), '{"repository": {"name": "another"}}', "it is about nothing that the lock builds"),
        ((), '{"component": "../../etc"}', "it is about nothing that the lock builds"),
        (("--component", "inda"), None, "did you mean idna"),
        (("--component", "idna@3.2"), None, "did you mean idna@3.1"),
        (("--component", "$(touch x)\x1b[2J"), None, "the lock builds nothing that is called"),
    ],
)
def test_what_names_no_component_is_refused_and_writes_nothing(
    world: CommandWorld, words: tuple[str, ...], payload: str | None, told: str
) -> None:
    if payload is not None:
        Path("hook_payload").write_text(payload)
    code, text = source(world, *words, "-o", "made")
    assert code == 2
    assert told in text
    assert "\x1b" not in text
    assert not Path("made").exists()


def test_a_component_in_two_versions_has_to_be_named_with_one() -> None:
    plan = small_plan()
    assert plan.builds is not None
    of_wheel = next(build for build in plan.builds.builds if build.component.name == "wheel")
    other = evolve(of_wheel, id="wheel@0.1")
    two = evolve(plan, builds=evolve(plan.builds, builds=(*plan.builds.builds, other)))
    with pytest.raises(InputError) as caught:
        asked_stream(two, component="wheel")
    assert caught.value.code is Code.BAD_OPTION
    assert of_wheel.stream in caught.value.hint
    assert asked_stream(two, component="wheel@0.1") == "wheel@0.1"
    assert asked_stream(two, package=package_name(of_wheel.stream)) == of_wheel.stream


# -- what goes wrong -------------------------------------------------------------------------------


def test_a_file_of_the_index_that_is_not_the_lock_s_leaves_nothing(world: CommandWorld) -> None:
    world.release("idna", "3.1", "six>=1.17", words="changed")
    code, text = source(world, "--component", "idna", "-o", "made")
    assert code == 2
    assert "idna-3.1.zip" in text
    assert "the package index has another file" in text
    assert not Path("made").exists()


def test_a_download_that_is_not_what_the_index_promised_leaves_nothing(
    world: CommandWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = world.files["idna-3.1.zip"]
    with LocalIndex(locked, hashes=False) as index:
        index.server.pages["/files/idna-3.1.zip"] = locked.body[:-1] + b"?"
        monkeypatch.setenv("STREAMSOLVE_CACHE", "fresh")
        monkeypatch.setenv("STREAMSOLVE_INDEX_URL", index.endpoint)
        words = ["copr", "source", "app.lock.json", "--component", "idna", "-o", "made"]
        assert main(words) == 2
    text = " ".join(world.capsys.readouterr().err.split())
    assert "idna-3.1.zip" in text
    assert "sha256" in text
    assert not Path("made").exists()


def test_without_network_it_says_so_and_writes_nothing(
    world: CommandWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, text = source(world, "--component", "idna", "-o", "made", "--offline")
    assert code == 2
    assert "offline" in text
    with LocalServer() as gone:
        address = gone.url("/simple/")
    monkeypatch.setenv("STREAMSOLVE_CACHE", "fresh")
    monkeypatch.setenv("STREAMSOLVE_INDEX_URL", address)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    assert main(["copr", "source", "app.lock.json", "--component", "idna", "-o", "made"]) == 2
    text = " ".join(world.capsys.readouterr().err.split())
    assert "the sources of idna@3.1 cannot be had" in text
    assert "the connection failed: connection refused" in text
    assert not Path("made").exists()


def test_a_source_package_that_the_base_has_no_more_is_named(world: CommandWorld) -> None:
    Path("base/source/python-six-1.17-1.src.rpm").unlink()
    command = ["createrepo_c", "--quiet", "base/source"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    code, text = source(world, "--component", "six", "-o", "made")
    assert code == 2
    assert "python-six-1.17-1.src: no source repository of the base has it" in text
    assert not Path("made").exists()


def test_what_the_lock_knows_no_file_of_is_refused_with_the_way_out(
    world: CommandWorld,
) -> None:
    revision = Source("pkg:github/pytorch/pytorch@v2.14.0", "", "")
    text = lock_text(plan_with("torch", revision), evolve(small_settings(), specs=()))
    Path("other.lock.json").write_text(text)
    ran = world.run("copr", "source", "other.lock.json", "--component", "torch", "-o", "made")
    assert ran.code == 2
    assert ran.says("the lock knows no digest of it", "upload a source package instead")
    assert not Path("made").exists()


def test_a_spec_that_the_packager_gave_is_in_no_lock(world: CommandWorld) -> None:
    lock = load_lock(Path("app.lock.json"))
    settings = evolve(lock.settings, specs=(LockSpec("idna", "idna.spec", "0" * 64),))
    Path("app.lock.json").write_text(lock_text(lock.plan, settings))
    code, text = source(world, "--component", "idna", "-o", "made")
    assert code == 2
    assert "a spec of the packager's for idna@3.1, idna.spec" in text
    # That of another component is no matter.
    assert source(world, "--component", "app", "-o", "made")[0] == 0


# -- the script itself -----------------------------------------------------------------------------


def run_script(
    script: str, directory: Path, index: str, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a script as COPR does: in a directory of its own, with hardly an environment."""
    directory.mkdir()
    (directory / "script").write_text(script)
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    environment = {
        "PATH": path,
        "HOME": str(directory),
        "LC_ALL": "C.UTF-8",
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        "COPR_OWNER": "packager",
        "COPR_PROJECT": "app",
        "COPR_PACKAGE": "",
        "COPR_RESULTDIR": ".",
        "STREAMSOLVE_INDEX_URL": index,
        **(more or {}),
    }
    return subprocess.run(
        ["sh", "./script"],
        cwd=directory, env=environment, capture_output=True, check=False, timeout=120,
    )  # fmt: skip


def test_the_script_takes_its_lock_of_a_file_with_several(world: CommandWorld) -> None:
    text = Path("app.lock.json").read_text("utf-8")
    whole = lock_set_text({"x86_64": (read_lock(text, file="f"), text)}).encode()
    digest = hashlib.sha256(whole).hexdigest()
    with LocalServer({"/l.json": whole}) as web, LocalIndex(*world.files.values()) as index:
        address = web.url("/l.json")
        made = custom_source("idna@3.1", address, digest, "c", (), arch="x86_64")
        done = run_script(made.script, Path("clean"), index.endpoint)
        other = custom_source("idna@3.1", address, digest, "c", (), arch="aarch64")
        refused = run_script(other.script, Path("other"), index.endpoint)
    assert done.returncode == 0, done.stderr
    assert files(Path("clean"))["idna-3.1.zip"] == world.files["idna-3.1.zip"].body
    assert refused.returncode != 0
    assert b"it holds no lock for aarch64" in refused.stderr


def test_the_script_that_copr_runs_makes_the_sources(world: CommandWorld) -> None:
    lock = Path("app.lock.json").read_bytes()
    digest = hashlib.sha256(lock).hexdigest()
    with LocalServer({"/app.lock.json": lock}) as web, LocalIndex(*world.files.values()) as index:
        address = web.url("/app.lock.json")
        script = custom_source("idna@3.1", address, digest, "fedora-45-x86_64", ()).marked("m")
        done = run_script(script, Path("clean"), index.endpoint)
        wrong = custom_source("idna@3.1", address, "0" * 64, "fedora-45-x86_64", ()).script
        refused = run_script(wrong, Path("wrong"), index.endpoint)
        gone = custom_source("idna@3.1", web.url("/no.json"), digest, "fedora-45-x86_64", ())
        missing = run_script(gone.script, Path("missing"), index.endpoint)
    assert done.returncode == 0, done.stderr
    out = emitted(world)
    made = files(Path("clean"))
    spec = files(out / "specs" / "idna-3.1")
    assert {name: made[name] for name in spec} == spec
    assert made["idna-3.1.zip"] == world.files["idna-3.1.zip"].body
    # Another lock than the one that was pushed, or none, makes nothing.
    for failed, where in ((refused, "wrong"), (missing, "missing")):
        assert failed.returncode != 0
        assert failed.stderr
        assert [*files(Path(where))] == ["script"]
