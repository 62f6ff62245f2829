"""``streamsolve emit mock``, as a command."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamsolve.cli.root import root, run
from streamsolve.lock import lock_text

from .lockworld import small_plan, small_settings
from .mock_reader import configuration

NVIDIA = ("--repo", "nvidia=https://packages.test/cuda/,priority=50")
KEY = ("--gpg-key", "nvidia=https://packages.test/cuda/KEY")


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also before the command is among those of the root."""
    from streamsolve.cli.emit import emit

    monkeypatch.setitem(root.commands, "emit", emit)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = tmp_path / "app.lock.json"
    path.write_text(lock_text(small_plan(), small_settings()))
    return path


def conf(directory: Path, id: str = "build-wheel") -> str:
    path = directory / "configs" / f"{id}.cfg"
    text: str = configuration(path, config_directory=directory)["dnf.conf"]
    return text


def test_what_the_base_s_definition_says_is_in_the_configurations(
    lock: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["emit", "mock", str(lock), "-o", "out", "--standalone", *NVIDIA, *KEY]) == 0
    text = conf(tmp_path / "out").splitlines()
    heads = [line for line in text if line.startswith("[")]
    assert heads == ["[main]", "[fedora]", "[updates]", "[nvidia]", "[streamsolve]"]
    assert "module_platform_id=platform:f45" in text
    keys = {line for line in text if line.startswith("gpgkey=")}
    assert keys == {
        "gpgkey=file:///usr/share/distribution-gpg-keys/fedora/RPM-GPG-KEY-fedora-45-primary",
        "gpgkey=https://packages.test/cuda/KEY",
    }
    out = capsys.readouterr().out
    assert "7 configurations for 8 builds" in out
    assert "make -C out -j 4" in out


def test_a_second_run_changes_nothing(lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["emit", "mock", str(lock), "-o", "out", *NVIDIA, *KEY]
    assert run(arguments) == 0
    before = {path: path.stat().st_mtime_ns for path in Path("out").rglob("*")}
    capsys.readouterr()
    assert run(arguments) == 0
    assert "9 unchanged" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in Path("out").rglob("*")} == before


def test_the_distribution_s_own_configuration_is_included_unless_they_stand_alone(
    lock: Path,
) -> None:
    arguments = ["emit", "mock", str(lock), "-o", "out", *NVIDIA, *KEY]
    path = Path("out/configs/build-wheel.cfg")
    assert run(arguments) == 0
    assert "include('fedora-45-x86_64.cfg')\n" in path.read_text()
    assert run([*arguments, "--template", "mine.cfg"]) == 0
    assert "include('mine.cfg')\n" in path.read_text()
    assert run([*arguments, "--standalone"]) == 0
    assert "include(" not in path.read_text()


def test_the_epoch_of_the_environment_and_the_options_are_in_the_configurations(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1735689600")
    options = ["--standalone", "--prefix", "/opt/app", "--stream-repo", "file:///srv/streams"]
    assert run(["emit", "mock", str(lock), "-o", "out", *options, *NVIDIA, *KEY]) == 0
    path = tmp_path / "out" / "configs" / "build-wheel.cfg"
    found = configuration(path, config_directory=tmp_path)
    assert found["environment"]["SOURCE_DATE_EPOCH"] == "1735689600"
    assert found["macros"]["%_prefix"] == "/opt/app"
    assert "baseurl=file:///srv/streams\n" in found["dnf.conf"]
    assert "export REPO := /srv/streams\n" in Path("out/Makefile").read_text()
    assert "repo=/srv/streams\n" in Path("out/chain.sh").read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "the lock has the repository 'nvidia'"),
        ([*NVIDIA], "no key is named"),
        ([*NVIDIA, "--gpg-key", "nvidia"], "names no key"),
        ([*NVIDIA, *KEY, "--standalone", "--template", "x.cfg"], "cannot be given together"),
        ([*NVIDIA, *KEY, "--template", "../x.cfg"], "settings.template"),
        ([*NVIDIA, *KEY, "--stream-repo", "https://streams.test/"], "no key is named"),
        ([*NVIDIA, *KEY, "--prefix", "{{7*7}}"], "settings.prefix"),
    ],
)
def test_bad_input_ends_with_2_and_writes_nothing(
    lock: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert run(["emit", "mock", str(lock), "-o", "out", *options]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert words in error
    assert "Traceback" not in error
    assert not Path("out").exists()


def test_files_that_were_changed_are_written_over_only_by_force(
    lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["emit", "mock", str(lock), "-o", "out", *NVIDIA, *KEY]
    assert run(arguments) == 0
    Path("out/Makefile").write_text("mine")
    assert run(arguments) == 2
    assert "changed since it was written" in " ".join(capsys.readouterr().err.split())
    assert run([*arguments, "--force"]) == 0
    assert Path("out/Makefile").read_text() != "mine"


def test_roots_whose_files_are_not_at_hand_have_no_lock_of_mock_s(
    lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("rpms").mkdir()
    arguments = ["emit", "mock", str(lock), "-o", "out", "--rpms", "rpms", *NVIDIA, *KEY]
    assert run(arguments) == 0
    assert "6 roots have no buildroot_lock.json" in " ".join(capsys.readouterr().out.split())
    assert not Path("out/locks").exists()
