"""An image on top of a base image: its layers are kept, its packages known, its files respected."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.oci import RunSettings

from .imageworld import TAG, blob, config, layer_members, manifest, unpack, write_image
from .rpmworld import DATABASE, build_rpm, rpm_query, run

_BASE = r"""
mkdir -p etc usr/bin usr/lib64 usr/share/base usr/share/old
printf 'root:x:0:0::/root:/bin/sh\napp:x:77:78::/:/bin/sh\n' > etc/passwd
printf 'root:x:0:\napp:x:78:\n' > etc/group; echo changed > etc/app.conf
ln -s usr/lib64 lib64; echo tool > usr/bin/tool
"""
_BASE_FILES = (
    "/etc/passwd",
    "/etc/group",
    "/lib64",
    "%dir %attr(0751,app,app) /usr/share/base",
    "/usr/bin/tool",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="module")
def setup(place: Path) -> Path:
    script = _BASE + "rm etc/app.conf; rmdir usr/share/old"
    return build_rpm(place, "setup", install=script, files=_BASE_FILES)


@pytest.fixture(scope="module")
def old(place: Path) -> Path:
    script = "mkdir -p usr/share/old; echo 1 > usr/share/old/gone; echo 1 > usr/share/old/stays"
    return build_rpm(place, "moving", install=script, files=("/usr/share/old",))


@pytest.fixture(scope="module")
def base(place: Path, setup: Path, old: Path) -> Path:
    """A base image that rpm has written to since, with a file that is no package's."""
    run_settings = RunSettings(
        entrypoint=("/bin/old",), command=("x",), environment=(("PATH", "/p"),)
    )
    write_image(place / "base", {"base": [setup, old]}, run=run_settings)
    root = unpack(place / "base", place / "bundle")
    (root / "etc/app.conf").write_text("changed in the base image\n")
    # A writer leaves a journal beside the database.
    run("rpm", "--root", root, "--dbpath", DATABASE, "--rebuilddb")
    run("umoci", "repack", "--image", f"{place}/base:{TAG}", place / "bundle")
    shutil.rmtree(place / "bundle")
    return place / "base"


def _reference(base: Path) -> str:
    return f"oci:{base}:{TAG}"


def _app(place: Path, script: str, *files: str, name: str = "app", **more: str) -> Path:
    return build_rpm(place, name, install=script, files=files, **more)


def test_the_layers_of_the_base_image_are_kept(base: Path, tmp_path: Path) -> None:
    app = _app(tmp_path, "mkdir -p usr/bin; echo app > usr/bin/app", "/usr/bin/app")
    write_image(tmp_path / "image", {"application": [app]}, base=_reference(base))
    below = manifest(base)["layers"]
    layers = manifest(tmp_path / "image")["layers"]
    assert layers[: len(below)] == below
    assert len(layers) == len(below) + 2
    ids = config(tmp_path / "image")["rootfs"]["diff_ids"]
    assert ids[: len(below)] == config(base)["rootfs"]["diff_ids"]
    digest = json.loads((base / "index.json").read_bytes())["manifests"][0]["digest"]
    annotations = manifest(tmp_path / "image")["annotations"]
    assert annotations["org.opencontainers.image.base.digest"] == digest
    # On one file system they are the same files.
    first = below[0]["digest"]
    assert blob(tmp_path / "image", first).samefile(blob(base, first))


def test_its_database_is_extended(base: Path, tmp_path: Path) -> None:
    app = _app(tmp_path, "mkdir -p usr/bin; echo app > usr/bin/app", "/usr/bin/app")
    write_image(tmp_path / "image", {"application": [app]}, base=_reference(base))
    root = unpack(tmp_path / "image", tmp_path / "bundle")
    assert rpm_query(root, "-a") == ["app-1-1.noarch", "moving-1-1.noarch", "setup-1-1.noarch"]
    assert run("rpm", "--root", root, "--dbpath", DATABASE, "--verifydb") == ""
    left = {path.name for path in (root / DATABASE.lstrip("/")).iterdir()}
    assert not left & {"rpmdb.sqlite-wal", "rpmdb.sqlite-shm"} or rpm_query(root, "app")


def test_its_users_and_links_count(base: Path, tmp_path: Path) -> None:
    script = "mkdir -p lib64 usr/share/base; echo so > lib64/so.2; echo x > usr/share/base/x"
    app = _app(tmp_path, script, "/lib64/so.2", "%attr(0640,app,app) /usr/share/base/x")
    write_image(tmp_path / "image", {"application": [app]}, base=_reference(base))
    members = {member.name: member for member in layer_members(tmp_path / "image")[-2]}
    assert "usr/lib64/so.2" in members
    assert "lib64" not in members
    own = members["usr/share/base/x"]
    assert (own.uid, own.gid, own.mode) == (77, 78, 0o640)
    # The directory above it is as the base image has it.
    above = members["usr/share/base"]
    assert (above.uid, above.gid, above.mode) == (77, 78, 0o751)


def test_a_package_that_is_there_is_not_put_in_again(
    base: Path, setup: Path, tmp_path: Path
) -> None:
    app = _app(tmp_path, "mkdir -p usr/bin; echo app > usr/bin/app", "/usr/bin/app")
    layers = {"base": [setup], "application": [app]}
    layout = write_image(tmp_path / "image", layers, base=_reference(base))
    assert layout.images[0].present == ("setup-1-1.noarch",)
    assert [title for title, _ in layout.images[0].layers] == ["application", "package database"]


def test_another_version_takes_the_place_of_the_base_images(base: Path, tmp_path: Path) -> None:
    script = "mkdir -p usr/share/old; echo 2 > usr/share/old/stays"
    new = _app(tmp_path, script, "/usr/share/old", name="moving", version="2")
    write_image(tmp_path / "image", {"application": [new]}, base=_reference(base))
    root = unpack(tmp_path / "image", tmp_path / "bundle")
    assert {path.name: path.read_text() for path in (root / "usr/share/old").iterdir()} == {
        "stays": "2\n"
    }
    assert rpm_query(root, "-a") == ["moving-2-1.noarch", "setup-1-1.noarch"]


def test_configuration_that_is_not_to_be_replaced_stays(base: Path, tmp_path: Path) -> None:
    script, line = "mkdir -p etc; echo mine > etc/app.conf", "%config(noreplace) /etc/app.conf"
    app = _app(tmp_path, script, line)
    write_image(tmp_path / "image", {"application": [app]}, base=_reference(base))
    root = unpack(tmp_path / "image", tmp_path / "bundle")
    assert (root / "etc/app.conf").read_text() == "changed in the base image\n"


def test_a_file_of_a_package_of_the_base_image_is_a_conflict(base: Path, tmp_path: Path) -> None:
    app = _app(tmp_path, "mkdir -p usr/bin; echo other > usr/bin/tool", "/usr/bin/tool")
    with pytest.raises(InputErrors, match="also a file of the base image"):
        write_image(tmp_path / "image", {"application": [app]}, base=_reference(base))


def test_a_link_in_the_place_of_its_directory_is_a_conflict(base: Path, tmp_path: Path) -> None:
    app = _app(tmp_path, "mkdir -p usr/share; ln -s x usr/share/base", "/usr/share/base")
    with pytest.raises(InputErrors, match="also a file of the base image"):
        write_image(tmp_path / "image", {"application": [app]}, base=_reference(base))


def test_an_equal_file_of_the_base_image_is_left_to_it(base: Path, tmp_path: Path) -> None:
    app = _app(tmp_path, "mkdir -p usr/bin; echo tool > usr/bin/tool", "/usr/bin/tool")
    write_image(tmp_path / "image", {"application": [app]}, base=_reference(base))
    assert "usr/bin/tool" not in {m.name for m in layer_members(tmp_path / "image")[-2]}


def test_how_it_is_run_is_inherited_and_added_to(base: Path, tmp_path: Path) -> None:
    app = _app(tmp_path, "mkdir -p usr/bin; echo app > usr/bin/app", "/usr/bin/app")
    layers = {"application": [app]}
    write_image(tmp_path / "same", layers, base=_reference(base))
    inherited = config(tmp_path / "same")["config"]
    assert inherited["Entrypoint"] == ["/bin/old"]
    assert inherited["Cmd"] == ["x"]
    own = RunSettings(entrypoint=("/bin/new",), environment=(("MORE", "1"),))
    write_image(tmp_path / "own", layers, base=_reference(base), run=own)
    changed = config(tmp_path / "own")["config"]
    assert changed["Entrypoint"] == ["/bin/new"]
    assert "Cmd" not in changed
    assert changed["Env"] == ["PATH=/p", "MORE=1"]


# -- base images that cannot be used ---------------------------------------------------------------


def _copy(base: Path, tmp_path: Path) -> Path:
    shutil.copytree(base, tmp_path / "base")
    return tmp_path / "base"


def _refused(reference: str, tmp_path: Path) -> str:
    app = _app(tmp_path, "mkdir -p usr/bin; echo app > usr/bin/app", "/usr/bin/app")
    with pytest.raises(InputError) as caught:
        write_image(tmp_path / "image", {"application": [app]}, base=reference)
    assert caught.value.code in (Code.BAD_IMAGE, Code.BAD_OPTION)
    assert not (tmp_path / "image").exists()
    return str(caught.value)


def test_a_layer_that_was_changed_is_refused(base: Path, tmp_path: Path) -> None:
    copy = _copy(base, tmp_path)
    path = blob(copy, manifest(copy)["layers"][0]["digest"])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "layer sha256" in _refused(_reference(copy), tmp_path)


def test_a_layer_that_was_cut_off_is_refused(base: Path, tmp_path: Path) -> None:
    copy = _copy(base, tmp_path)
    path = blob(copy, manifest(copy)["layers"][0]["digest"])
    path.write_bytes(path.read_bytes()[:-10])
    assert "not whole" in _refused(_reference(copy), tmp_path)


def test_a_configuration_that_was_changed_is_refused(base: Path, tmp_path: Path) -> None:
    copy = _copy(base, tmp_path)
    path = blob(copy, manifest(copy)["config"]["digest"])
    path.write_bytes(path.read_bytes().replace(b"amd64", b"am64d"))
    assert "not what its name says" in _refused(_reference(copy), tmp_path)


def test_a_tag_that_is_not_there_is_told(base: Path, tmp_path: Path) -> None:
    assert "0 images" in _refused(f"oci:{base}:other", tmp_path)


def test_what_is_no_layout_is_told(tmp_path: Path) -> None:
    assert "index.json" in _refused(f"oci:{tmp_path}/nothing:1", tmp_path)
    (tmp_path / "again").mkdir()
    assert "no image in an OCI layout" in _refused("docker://fedora", tmp_path / "again")


def test_a_database_of_another_form_is_told(tmp_path: Path) -> None:
    script = "mkdir -p var/lib/rpm; echo x > var/lib/rpm/Packages"
    old = _app(tmp_path, script, "/var/lib/rpm/Packages", name="old")
    write_image(tmp_path / "base", {"base": [old]})
    # The image that was made has a database of its own as well, where Fedora has it.
    app = _app(tmp_path, "mkdir -p usr/bin; echo app > usr/bin/app", "/usr/bin/app")
    with pytest.raises(InputError, match="form that is not read"):
        write_image(
            tmp_path / "image",
            {"application": [app]},
            base=_reference(tmp_path / "base"),
            database="/var/lib/rpm",
        )
