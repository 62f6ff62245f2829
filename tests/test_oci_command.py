"""``streamsolve emit oci``: from a lock and its RPM files to an image that runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streamsolve.cli import main
from streamsolve.lock import lock_text

from .containerworld import make_rpms, pinned
from .imageworld import config, layer_members, manifest, snapshot
from .lockworld import small_plan, small_settings
from .rpmworld import build_rpm, rpm_query, run

_PROFILE = """\
schema = "streamsolve.profile/1"
name = "app"
version = "1.0"
default-base = "fedora-45"
[variants.cuda]
requirements = "wheel"
[image]
entrypoint = ["/usr/bin/app"]
ports = [8000]
"""


@pytest.fixture(scope="module")
def rpms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real RPM files of everything in the small plan's runtime root."""
    place = tmp_path_factory.mktemp("small") / "rpms"
    make_rpms(small_plan(), place)
    return place


@pytest.fixture
def words(rpms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command, in a directory with the lock and the profile."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")
    Path("profile.toml").write_text(_PROFILE)
    Path("app.lock.json").write_text(lock_text(pinned(small_plan(), rpms), small_settings()))
    return [
        *("emit", "oci", "app.lock.json", "-o", "image"),
        *("--rpms", str(rpms), "--profile", "./profile.toml"),
    ]


def test_the_image_of_a_lock_holds_its_packages_in_four_layers_and_runs(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--compression", "gzip"]) == 0
    out = capsys.readouterr().out
    assert "oci:image:1.0 is sha256:" in out
    assert "base additions" in out
    assert "application" in out
    assert "skopeo copy --all oci:image:1.0 docker://REGISTRY/NAME:TAG" in out
    layers = layer_members(tmp_path / "image")
    held = [
        {m.name.rpartition("/")[2] for m in layer if m.name.startswith("usr/share/small/")}
        for layer in layers
    ]
    assert [len(names) for names in held][-1] == 0, "the last layer is the database"
    assert held[1] == {"cuda-toolkit-13-0", "libcublas-13-0"}
    assert held[3] == {"python3-app"}
    settings = config(tmp_path / "image")["config"]
    assert settings["User"] == "1001:1001"
    assert settings["Labels"]["streamsolve.variant"] == "cuda"
    assert "NVIDIA_VISIBLE_DEVICES=all" in settings["Env"]
    assert settings["ExposedPorts"] == {"8000/tcp": {}}
    run("umoci", "unpack", "--image", "image:1.0", "bundle")
    root = tmp_path / "bundle" / "rootfs"
    plan = small_plan()
    assert plan.builds is not None
    assert rpm_query(root, "-a") == sorted(
        f"{each.name}-{each.version}-{each.release}.{each.arch}"
        for each in plan.builds.runtime.packages
    )


def test_the_same_command_changes_nothing(words: list[str], tmp_path: Path) -> None:
    assert main(words) == 0
    before = snapshot(tmp_path / "image")
    assert main(words) == 0
    assert snapshot(tmp_path / "image") == before


def test_an_image_goes_on_top_of_a_base_image(words: list[str], tmp_path: Path) -> None:
    assert main(words) == 0
    again = [*words[:4], "second", *words[5:], "--base-image", "oci:image:1.0", "--tag", "next"]
    assert main(again) == 0
    below = manifest(tmp_path / "image")["layers"]
    # Every package is there already: nothing is added but the database.
    assert manifest(tmp_path / "second")["layers"][:-1] == below
    assert json.loads(run("skopeo", "inspect", "oci:second:next"))["Architecture"] == "amd64"


def test_the_bill_is_attached_to_it(words: list[str], tmp_path: Path) -> None:
    assert main(words) == 0
    bill = ["emit", "sbom", "app.lock.json", "-o", "bill", "--profile", "./profile.toml"]
    assert main([*bill, "--attach", "oci:image:1.0"]) == 0
    assert json.loads(run("skopeo", "inspect", "oci:image:1.0"))["Os"] == "linux"
    run("skopeo", "copy", "oci:image:1.0", f"dir:{tmp_path}/dir")


def test_packages_that_are_not_there_are_all_told(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    words[words.index("--rpms") + 1] = "empty"
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "SS613" in said
    for name in ("bash-", "glibc-", "python3-app-", "libcublas-13-0"):
        assert f"{name}" in said
    assert not (tmp_path / "image").exists()


def test_a_file_that_is_not_the_locked_one_is_refused(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("app.lock.json").write_text(lock_text(small_plan(), small_settings()))
    assert main(words) == 2
    assert "not the file that was locked" in capsys.readouterr().err


def test_a_damaged_file_is_refused_with_its_name(
    words: list[str], rpms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "copy").mkdir()
    for path in rpms.glob("*.rpm"):
        content = path.read_bytes()
        cut = content[:-30] if path.name.startswith("python3-torch-2") else content
        (tmp_path / "copy" / path.name).write_bytes(cut)
    words[words.index("--rpms") + 1] = "copy"
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "SS612" in said
    assert "python3-torch-2.14.0" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "option",
    [["--tag", "a b"], ["--dbpath", "../x"], ["--dbpath", "/a/../b"], ["--base-image", "x"]],
)
def test_an_option_that_cannot_be_used_is_told(words: list[str], option: list[str]) -> None:
    assert main([*words, *option]) == 2
    assert not Path("image").exists()


def test_scriptlets_that_matter_are_told_with_the_advice(
    words: list[str], rpms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = small_plan()
    assert plan.builds is not None
    leaf = next(p for p in plan.builds.runtime.packages if p.name == "python3-app")
    (tmp_path / "copy").mkdir()
    for path in rpms.glob("*.rpm"):
        (tmp_path / "copy" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "copy" / f"python3-app-{leaf.version}-{leaf.release}.{leaf.arch}.rpm").unlink()
    build_rpm(
        tmp_path / "copy",
        "python3-app",
        version=leaf.version,
        release=leaf.release,
        arch=leaf.arch,
        scripts="%post\n/usr/bin/app --compile-kernels\n",
    )
    words[words.index("--rpms") + 1] = "copy"
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "emit containerfile" in said
    assert "python3-app-1.0-0.streamsolve.x86_64 %post: app" in said
