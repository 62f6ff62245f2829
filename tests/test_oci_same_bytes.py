"""The same packages make the same digests, whoever makes them, where and when."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from streamsolve.oci import contents

from .imageworld import config, manifest, snapshot, write_image
from .rpmworld import build_rpm

ROOT = Path(__file__).parents[1]
_MAKE = """
import os, sys
sys.path.insert(0, sys.argv[1])
os.umask(int(sys.argv[4], 8))
from pathlib import Path
from streamsolve.oci import Compression
from tests.imageworld import write_image
packages = [Path(each) for each in sys.argv[5:]]
for kind in Compression:
    write_image(Path(sys.argv[3]) / kind.value, {"a": packages[:1], "b": packages[1:]},
                compression=kind, epoch=int(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two packages, of which one is large enough for several blocks of a compressor."""
    place = tmp_path_factory.mktemp("packages")
    script = (
        "mkdir -p usr/share/{name}; seq 1 400000 > usr/share/{name}/x; echo y > usr/share/{name}/y"
    )
    return [
        build_rpm(place, name, install=script.format(name=name), files=(f"/usr/share/{name}",))
        for name in ("one", "two")
    ]


def _make(
    packages: list[Path], directory: Path, *, umask: str = "022", **environment: str
) -> dict[str, str]:
    """Make the images in a process of its own; what is in the directory afterwards."""
    directory.mkdir(parents=True)
    subprocess.run(
        [sys.executable, "-c", _MAKE, ROOT, "1600000000", directory, umask, *packages],
        env={**os.environ, **environment},
        cwd=directory,
        check=True,
        timeout=120,
    )
    return snapshot(directory)


def test_the_same_digests_whatever_the_place_the_locale_and_the_umask(
    packages: list[Path], tmp_path: Path
) -> None:
    first = _make(packages, tmp_path / "one", PYTHONHASHSEED="1", LC_ALL="C", TZ="UTC")
    other = tmp_path / "another place" / "ünd deeper"
    second = _make(
        packages, other, umask="077", PYTHONHASHSEED="2", LC_ALL="C.UTF-8", TZ="Asia/Tokyo"
    )
    assert first == second
    modes = {path.stat().st_mode & 0o777 for path in other.rglob("*") if path.is_file()}
    assert modes == {0o644}


def test_the_number_of_processors_changes_nothing(packages: list[Path], tmp_path: Path) -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        one = _make(packages, tmp_path / "one")
    finally:
        os.sched_setaffinity(0, allowed)
    assert one == _make(packages, tmp_path / "several")


def test_whether_lists_of_files_are_kept_changes_nothing(
    packages: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_image(tmp_path / "kept", {"all": packages})
    monkeypatch.setattr(contents, "_KEPT_FILES", 2)
    write_image(tmp_path / "again", {"all": packages})
    assert snapshot(tmp_path / "kept") == snapshot(tmp_path / "again")


def test_nothing_in_a_layout_is_of_today_or_of_this_machine(
    packages: list[Path], tmp_path: Path
) -> None:
    write_image(tmp_path / "image", {"all": packages}, epoch=1_600_000_000)
    texts = [path.read_bytes() for path in (tmp_path / "image").rglob("*") if path.is_file()]
    assert not any(str(tmp_path).encode() in text for text in texts)
    for document in (config(tmp_path / "image"), manifest(tmp_path / "image")):
        text = json.dumps(document)
        assert "2020-09-13" in text or "created" not in text
        # Canonical: as short as JSON can be, with sorted keys.
        short = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        assert short in texts


def test_one_changed_package_changes_its_layer_the_database_and_the_configuration(
    packages: list[Path], tmp_path: Path
) -> None:
    """The database lists all packages, so it is a small layer of its own: no layer of packages
    changes but the one."""
    (tmp_path / "new").mkdir()
    script = "mkdir -p usr/share/two; echo new > usr/share/two/x"
    changed = build_rpm(
        tmp_path / "new",
        "two",
        install=script,
        files=("/usr/share/two",),
        release="2",
        epoch=1_700_000_000,
    )
    for low, high in ((packages[0], packages[1]), (packages[1], packages[0])):
        place = tmp_path / low.name
        new = {packages[1]: changed}
        write_image(place / "old", {"low": [low], "high": [high]})
        write_image(place / "new", {"low": [new.get(low, low)], "high": [new.get(high, high)]})
        layers = [
            [layer["digest"] for layer in manifest(place / name)["layers"]]
            for name in ("old", "new")
        ]
        same = [old == new_layer for old, new_layer in zip(*layers, strict=True)]
        assert same == [low is packages[0], low is packages[1], False]
        assert manifest(place / "old")["config"] != manifest(place / "new")["config"]


def test_the_order_in_which_packages_are_given_does_not_reach_other_layers(
    packages: list[Path], tmp_path: Path
) -> None:
    write_image(tmp_path / "one", {"low": [packages[0]], "high": [packages[1]]})
    write_image(tmp_path / "two", {"low": [packages[1]], "high": [packages[0]]})
    first, second = (manifest(tmp_path / name)["layers"][:2] for name in ("one", "two"))
    assert first == second[::-1]
