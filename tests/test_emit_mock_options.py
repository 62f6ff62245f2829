"""The options of ``streamsolve emit mock``: what each does to the files, and what is refused."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamsolve.cli.mock_options import MockOptions, mock_settings
from streamsolve.cli.root import run
from streamsolve.emit import emit_mock
from streamsolve.errors import InputError
from streamsolve.lock import lock_text, read_lock
from streamsolve.model.stream import Source
from streamsolve.rpms import open_package

from .commandworld import CommandWorld
from .localindex import core_metadata, sdist
from .lockworld import small_plan, small_settings
from .mock_reader import configuration

NVIDIA = ("--repo", "nvidia=https://packages.test/cuda/", "--gpg-key", "nvidia=https://k.test/KEY")


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    path = tmp_path / "app.lock.json"
    path.write_text(lock_text(small_plan(), small_settings()))
    return path


def emitted(lock: Path, *options: str, id: str = "build-flit-core") -> dict[str, Any]:
    """One configuration, read as mock reads it."""
    command = ["emit", "mock", str(lock), "-o", "out", "--standalone", *NVIDIA, *options]
    assert run(command) == 0
    return configuration(Path("out/configs", f"{id}.cfg"), config_directory=Path("out"))


def test_macros_are_in_every_configuration(lock: Path) -> None:
    options = ["--macro", "debug_package=%{nil}", "--macro", "%_smp_mflags=-j 4"]
    for id in ("build-flit-core", "build-torch", "runtime"):
        macros = emitted(lock, *options, id=id)["macros"]
        assert macros["%debug_package"] == "%{nil}"
        assert macros["%_smp_mflags"] == "-j 4"


def test_switches_are_in_the_commands_of_the_builds_of_their_component(lock: Path) -> None:
    emitted(lock, "--with", "torch:gold", "--without", "torch:docs")
    lines = Path("out/Makefile").read_text().splitlines()
    torch = [line for line in lines if "$(MOCK)" in line and "torch-2.14.0.src.rpm" in line]
    others = [line for line in lines if "$(MOCK)" in line and line not in torch]
    assert torch
    assert all("--without docs" in line and "--with gold" in line for line in torch)
    assert others
    assert not any("gold" in line or "docs" in line for line in others)
    assert "--with gold" in Path("out/chain.sh").read_text()


def test_module_commands_are_run_in_the_order_in_which_they_were_given(lock: Path) -> None:
    options = ["--module", "reset:nodejs", "--module", "enable:nodejs:20"]
    found = emitted(lock, *options)["module_setup_commands"]
    assert found == [("reset", "nodejs"), ("enable", "nodejs:20")]


def test_how_mock_works_can_be_said(lock: Path) -> None:
    found = emitted(lock)
    assert (found["package_manager"], found["isolation"]) == ("dnf5", "auto")
    assert found["use_bootstrap"] is True
    options = ["--package-manager", "dnf4", "--isolation", "simple", "--no-bootstrap"]
    found = emitted(lock, *options)
    assert (found["package_manager"], found["isolation"]) == ("dnf4", "simple")
    assert found["use_bootstrap"] is False
    assert found["use_bootstrap_image"] is False


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--macro", "nothing"], "write NAME=VALUE"),
        (["--macro", "a=1", "--macro", "%a=2"], "defined twice"),
        (["--macro", "a={{7*7}}"], "settings.macros[0]"),
        (["--macro", "a=%(touch RAN)"], "settings.macros[0]"),
        (["--macro", "a b=1"], "settings.macros[0]"),
        (["--with", "docs"], "write COMPONENT:SWITCH"),
        (["--with", "trch:docs"], "did you mean torch"),
        (["--with", "torch:a", "--without", "torch:a"], "both on and off"),
        (["--with", "torch:$(touch RAN)"], "settings.switches[0].name"),
        (["--module", "nodejs"], "write ACTION:NAME:STREAM"),
        (["--module", "erase:nodejs:20"], "none of enable"),
        (["--module", "enable:{{7*7}}"], "settings.modules[0]"),
        (["--isolation", "none"], "--isolation"),
        (["--package-manager", "yum"], "--package-manager"),
        (["--no-bootstrap", "--bootstrap-image", "f"], "cannot be given together"),
        (["--bootstrap-digest", "sha256:" + "0" * 64], "needs the name of the image"),
        (["--bootstrap-image", "f", "--bootstrap-digest", "sha256:0"], "is no digest"),
        (["--bootstrap-image", "f", "--bootstrap-oci", "nowhere", "--rpms", "."], "no OCI layout"),
        (["--spec", "torch=nowhere.spec"], "there is no file"),
    ],
)
def test_what_cannot_be_used_ends_with_2_and_writes_nothing(
    lock: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert run(["emit", "mock", str(lock), "-o", "out", *NVIDIA, *options]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert words in error
    assert "Traceback" not in error
    assert not Path("out").exists()


@pytest.mark.parametrize("epoch", ["9" * 5000, "-1", "1e9", "4294967296", "99999999999"])
def test_a_time_that_rpm_cannot_write_down_is_refused(
    lock: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    epoch: str,
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert run(["emit", "mock", str(lock), "-o", "out", "--specs", *NVIDIA]) == 2
    error = capsys.readouterr().err
    assert len(error) < 1000
    assert "Traceback" not in error
    assert not Path("out").exists()


def without_specs(lock: Path) -> None:
    """The lock as one that was made without specs of the packager's."""
    lock.write_text(lock_text(small_plan(), evolve(small_settings(), specs=())))


def test_the_next_steps_are_told(lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without anything to make specs from, what brings it; with specs, what makes source packages;
    each command as it can be typed."""
    without_specs(lock)
    assert run(["emit", "mock", str(lock), "-o", "out", *NVIDIA]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"Next streamsolve sources {lock} -o out/sources --base-sources" in told
    assert f"then streamsolve build {lock} -d out -j 4" in told
    assert run(["emit", "mock", str(lock), "-o", "out", "--specs", *NVIDIA]) == 0
    told = " ".join(capsys.readouterr().out.split())
    commands = (f"Next streamsolve sources {lock}", "make -C out srpms", "streamsolve build")
    assert [command in told for command in commands] == [True] * 3
    assert "only the lock is known" in told


def test_what_specs_lack_is_told_once_with_their_names(
    lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two streams that come from source repositories lack the same."""
    plan = small_plan()
    streams = tuple(
        evolve(each, source=Source(f"pkg:github/x/{each.component.name}@v1", "", ""))
        if each.component.name in ("torch", "leaf-0")
        else each
        for each in plan.streams
    )
    settings = evolve(small_settings(), specs=())
    lock.write_text(lock_text(evolve(plan, streams=streams), settings))
    assert run(["emit", "mock", str(lock), "-o", "out", "--specs", *NVIDIA]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "2 specs for you to finish:" in told
    assert told.count("the archive of the revision") == 1
    assert "has as submodules: leaf-0-1.2, torch-2.14.0" in told


def test_help_shows_the_options_under_headings(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emit", "mock", "--help"]) == 0
    text = capsys.readouterr().out
    headings = [
        "Output",
        "Repositories",
        "Builds",
        "The bootstrap root",
        "Specs and source packages",
    ]
    places = [text.index(f"\n   {heading}") for heading in (*headings, "mock's own lock")]
    assert places == sorted(places)
    options = text.count("  --")
    assert options >= 24
    assert text.index("--macro") > text.index("\n   Builds")


TEXTS = st.sampled_from(
    [
        "{{7*7}}",
        "{% raw %}",
        "$(touch RAN)",
        "%(touch RAN)",
        "a=b\nc",
        "'",
        '"',
        "../x",
        "x" * 10_000,
    ]
) | st.text(max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(name=TEXTS, value=TEXTS, switch=TEXTS, module=TEXTS, image=TEXTS)
def test_hostile_options_are_refused_or_inert(
    lock: Path, name: str, value: str, switch: str, module: str, image: str
) -> None:
    known = [("nvidia", "https://packages.test/cuda/")]
    locked = read_lock(lock.read_text(), file="app.lock.json")
    options = MockOptions(
        keys=("nvidia=https://k.test/KEY",),
        macros=(f"{name}={value}",),
        on=(f"torch:{switch}",),
        modules=(f"enable:{module}",),
        bootstrap_image=image,
    )
    try:
        made = mock_settings(locked, options, known, lock)
        files = emit_mock(locked.plan, made)
    except InputError:
        return
    for content in files.values():
        text = content.decode("ascii")
        assert "{{" not in text
        assert "{%" not in text
        assert "touch RAN" not in text


# -- from a lock to source packages ----------------------------------------------------------------


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandWorld:
    """An application with one dependency, on a base that has a definition."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    made = CommandWorld(tmp_path, monkeypatch, capsys)
    made.release("idna", "3.1")
    made.release("app", "1", "idna")
    for name, version in (("idna", "3.1"), ("app", "1")):
        pyproject = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "some.backend"\n'
        info = core_metadata(name, version, fields=("Summary: It is {{7*7}} %(touch RAN)",))
        members = {"PKG-INFO": info, "pyproject.toml": pyproject, f"{name}/__init__.py": ""}
        file = sdist(name, version, members, suffix=".zip")
        made.files[file.filename] = file
    assert made.run("plan", "app.toml", "--base", "./base").code == 0
    shutil.copytree("base", "fedora-44")
    assert made.run("lock", "app.toml", "--base", "./fedora-44", "-o", "app.lock.json").code == 0
    return made


def test_a_lock_becomes_source_packages(world: CommandWorld) -> None:
    ran = world.run("sources", "app.lock.json", "-o", "build/sources")
    assert ran.code == 0, ran.err
    ran = world.run("emit", "mock", "app.lock.json", "-o", "build")
    assert ran.code == 0, ran.err
    assert ran.says("Specs: 2", "make -C build srpms makes the source packages")
    done = subprocess.run(
        ["make", "-C", "build", "srpms"], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    for name, file in (("app-1", "app-1.zip"), ("idna-3.1", "idna-3.1.zip")):
        with open_package(Path(f"build/srpms/{name}.src.rpm")) as package:
            content = {
                entry.path.decode(): b"".join(package.read(entry)) for entry in package.entries()
            }
        assert content[file] == world.files[file].body
        assert any(each.endswith(".spec") for each in content)
    assert not list(Path().rglob("RAN"))
    before = {path: path.read_bytes() for path in Path("build").rglob("*") if path.is_file()}
    assert world.run("emit", "mock", "app.lock.json", "-o", "build").code == 0
    assert {
        path: path.read_bytes() for path in Path("build").rglob("*") if path.is_file()
    } == before


def test_files_that_lie_elsewhere_are_linked_to_where_make_looks(world: CommandWorld) -> None:
    assert world.run("sources", "app.lock.json", "-o", "src").code == 0
    ran = world.run("emit", "mock", "app.lock.json", "-o", "build", "--sources", "src")
    assert ran.code == 0, ran.err
    for name in ("app-1.zip", "idna-3.1.zip"):
        placed = Path("build/sources", name)
        assert hashlib.sha256(placed.read_bytes()).hexdigest() == world.files[name].sha256
    again = world.run("emit", "mock", "app.lock.json", "-o", "build", "--sources", "src")
    assert again.says("unchanged")
    assert not again.says(" written")


def test_without_materials_no_specs_are_written_and_with_specs_the_next_step_is_told(
    world: CommandWorld,
) -> None:
    assert world.run("emit", "mock", "app.lock.json", "-o", "build").code == 0
    assert not Path("build/specs").exists()
    ran = world.run("emit", "mock", "app.lock.json", "-o", "build", "--specs")
    assert ran.code == 0, ran.err
    assert ran.says("streamsolve sources app.lock.json -o build/sources brings upstream's files")
    assert Path("build/specs").is_dir()
    assert world.run("emit", "mock", "app.lock.json", "-o", "build", "--no-specs").code == 0
    assert not Path("build/specs").exists()


def test_one_changed_source_changes_its_own_files_only(world: CommandWorld) -> None:
    assert world.run("sources", "app.lock.json", "-o", "src").code == 0
    assert world.run("emit", "mock", "app.lock.json", "-o", "one", "--sources", "src").code == 0
    Path("src/idna-3.1.zip").unlink()
    assert world.run("emit", "mock", "app.lock.json", "-o", "two", "--sources", "src").code == 0
    one, two = (
        {
            path.relative_to(top).as_posix(): path.read_bytes()
            for path in Path(top).rglob("*")
            if path.is_file()
        }
        for top in ("one", "two")
    )
    differing = {path for path in one.keys() | two.keys() if one.get(path) != two.get(path)}
    assert differing
    assert all("idna" in path or path == "emitted.json" for path in differing)
