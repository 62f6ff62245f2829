"""Bad input on the command line: exit code 2, a stable code, the place and the next step."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamsolve.cli import main

from .localrepository import rpm, write_repository


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What standard error says of bad input, on one line."""
    status = main(["plan", *words])
    captured = capsys.readouterr()
    assert status == 2
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return " ".join(captured.err.split())


def repository(tmp_path: Path) -> Path:
    """A directory with one small repository; returns the directory."""
    write_repository(tmp_path / "base" / "x86_64", [rpm("bash", "5.3-1.fc45")])
    return tmp_path / "base"


def primary_of(base: Path) -> Path:
    (path,) = base.rglob("*-primary.xml.gz")
    return path


def test_an_unknown_application_names_the_nearest(
    capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    text = told(capsys, "vlm")
    assert "SS101" in text
    assert "did you mean vllm?" in text


def test_an_unknown_variant_names_the_nearest(
    capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    text = told(capsys, "vllm", "--variant", "cudda")
    assert "SS102 vllm/profile.toml: vllm has no variant 'cudda'" in text
    assert "did you mean cuda" in text


def test_an_unknown_base_names_the_nearest(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    text = told(capsys, "vllm", "--base", "fedora-46")
    assert "SS201 there is no base 'fedora-46'" in text
    assert "did you mean fedora-45" in text


def test_a_broken_profile_tells_every_fault_with_its_line(
    capsys: pytest.CaptureFixture[str], cache: Path, tmp_path: Path
) -> None:
    file = tmp_path / "app.toml"
    file.write_text('schema = "streamsolve.profile/1"\nname = "x"\nverson = "1"\n[[relax]]\n')
    text = told(capsys, str(file))
    assert "SS103" in text
    assert f"{file}:3: verson: unknown key 'verson' → did you mean version?" in text
    assert f"{file}:4: relax[0].reason: the key 'reason' is missing" in text


def test_a_directory_without_repodata_says_what_to_run(
    capsys: pytest.CaptureFixture[str], cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    text = told(capsys, "vllm", "--base", str(tmp_path / "empty"))
    assert "SS202" in text
    assert "createrepo_c" in text


def test_a_wrong_checksum_is_never_used(
    capsys: pytest.CaptureFixture[str], cache: Path, tmp_path: Path
) -> None:
    base = repository(tmp_path)
    path = primary_of(base)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    text = told(capsys, "vllm", "--base", str(base))
    assert "SS203" in text
    assert f"{path}: its sha256 is" in text


def test_a_truncated_file_is_named(
    capsys: pytest.CaptureFixture[str], cache: Path, tmp_path: Path
) -> None:
    base = repository(tmp_path)
    path = primary_of(base)
    path.write_bytes(path.read_bytes()[:-20])
    text = told(capsys, "vllm", "--base", str(base))
    assert "SS204" in text
    assert f"{path}: the file ends after" in text


def test_offline_and_not_cached_says_how_to_fill_the_cache(
    capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    text = told(capsys, "vllm", "--base", "fedora-rawhide", "--offline")
    assert "SS206" in text
    assert "run the same command once without --offline" in text


def test_all_repositories_that_fail_are_told_at_once(
    capsys: pytest.CaptureFixture[str], cache: Path, tmp_path: Path
) -> None:
    base = repository(tmp_path)
    write_repository(base / "source", [rpm("bash", "5.3-1.fc45", "src")])
    paths = sorted(base.rglob("*-primary.xml.gz"))
    for path in paths:
        path.write_bytes(path.read_bytes()[:-20])
    text = told(capsys, "vllm", "--base", str(base))
    assert all(f"{path}: the file ends after" in text for path in paths)
