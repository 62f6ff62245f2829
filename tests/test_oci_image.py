"""An image from RPM files is what rpm would install, in a form that other tools take."""

from __future__ import annotations

import json
import os
import stat
import tarfile
from pathlib import Path

import pytest

from streamsolve.errors import Code, InputErrors
from streamsolve.oci import Compression, ImageRequest, ImageSettings, RunSettings, write_layout

from .handmade_rpm import HandFile, make_rpm
from .imageworld import (
    TAG,
    blob,
    config,
    groups_of,
    layer_members,
    manifest,
    unpack,
    write_image,
)
from .rpmworld import DATABASE, build_rpm, install, rpm_query, run, tree_of

_SPARSE = 600 << 20
_SETUP = r"""
mkdir -p etc usr/bin usr/lib64 usr/share/shared
printf 'root:x:0:0::/root:/bin/sh\napp:x:77:78::/:/bin/sh\n' > etc/passwd
printf 'root:x:0:\napp:x:78:\n' > etc/group
ln -s usr/lib64 lib64; ln -s usr/bin bin
"""
_RICH = r"""
mkdir -p usr/bin usr/share/shared usr/share/rich var/log etc
echo suid > usr/bin/suid; echo caps > usr/bin/caps
echo linked > usr/bin/one; ln usr/bin/one usr/bin/two; ln usr/bin/one usr/share/rich/three
ln -s /usr/bin/one usr/share/rich/absolute; ln -s nowhere usr/share/rich/dangling
echo x > "usr/share/rich/$(printf 'caf\351')"; echo x > "usr/share/rich/naïve"
echo long > usr/share/rich/$(printf '%0200d' 7); : > usr/share/rich/empty
printf 'long and no utf-8' > "usr/share/rich/$(printf '\377%0150d' 8)"
truncate -s 600M usr/share/rich/sparse; printf end >> usr/share/rich/sparse
mkdir -p usr/share/rich/private; echo own > usr/share/rich/private/own
touch var/log/rich.log; echo a > usr/share/shared/rich; echo c > etc/rich.conf
"""
_RICH_FILES = (
    "%attr(4755,root,root) /usr/bin/suid",
    "%attr(0755,root,app) %caps(cap_net_raw=ep) /usr/bin/caps",
    "/usr/bin/one",
    "/usr/bin/two",
    "%dir %attr(0755,root,root) /usr/share/rich",
    "/usr/share/rich/[!p]*",
    "%dir %attr(1770,app,app) /usr/share/rich/private",
    "%attr(0640,app,app) /usr/share/rich/private/own",
    "%ghost /var/log/rich.log",
    "%dir %attr(2755,root,app) /usr/share/shared",
    "/usr/share/shared/rich",
    "%config(noreplace) /etc/rich.conf",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="module")
def setup(place: Path) -> Path:
    """Users, groups, and the links of a distribution whose /lib64 is /usr/lib64."""
    files = ("/etc/passwd", "/etc/group", "/lib64", "/bin", "%dir /usr/lib64", "%dir /usr/bin")
    return build_rpm(place, "setup", install=_SETUP, files=files)


@pytest.fixture(scope="module")
def rich(place: Path) -> Path:
    return build_rpm(place, "rich", install=_RICH, files=_RICH_FILES)


@pytest.fixture(scope="module")
def other(place: Path) -> Path:
    """Shares a directory with the rich one, and lies below a link of the first."""
    script = (
        "mkdir -p usr/share/shared lib64; echo b > usr/share/shared/other; echo so > lib64/so.1"
    )
    files = (
        "%dir %attr(2755,root,app) /usr/share/shared",
        "/usr/share/shared/other",
        "/lib64/so.1",
    )
    return build_rpm(place, "other", install=script, files=files)


@pytest.fixture(scope="module")
def image(place: Path, setup: Path, rich: Path, other: Path) -> Path:
    """All three as an image."""
    write_image(place / "image", {"base": [setup], "stack": [rich], "application": [other]})
    return place / "image"


@pytest.fixture(scope="module")
def unpacked(image: Path, place: Path) -> Path:
    return unpack(image, place / "bundle")


def test_the_files_are_those_that_rpm_installs(
    unpacked: Path, place: Path, setup: Path, rich: Path, other: Path
) -> None:
    # Users have to be known to the root before rpm looks them up there.
    install(place / "root", [setup])
    install(place / "root", [rich, other])
    without = (DATABASE, "/usr/lib/sysimage", "/usr/lib", "/tmp", "/var/tmp")
    ours, theirs = tree_of(unpacked, without=without), tree_of(place / "root", without=without)
    assert ours == theirs
    assert (unpacked / "usr/share/rich/sparse").stat().st_size == _SPARSE + 3
    assert b"/usr/share/rich/caf\xe9" in ours
    assert b"/usr/lib64/so.1" in ours
    assert b"/var/log/rich.log" not in ours


def test_rpm_lists_the_packages(unpacked: Path) -> None:
    assert rpm_query(unpacked, "-a") == ["other-1-1.noarch", "rich-1-1.noarch", "setup-1-1.noarch"]
    assert rpm_query(unpacked, "-f", "/usr/share/rich/empty") == ["rich-1-1.noarch"]
    assert run("rpm", "--root", unpacked, "--dbpath", DATABASE, "--verifydb") == ""


def test_rpm_finds_nothing_changed(unpacked: Path, tmp_path: Path) -> None:
    """Every size, mode, owner, digest, link and capability is what the database says."""
    said = run("rpm", "--root", unpacked, "--dbpath", DATABASE, "-V", "--nodeps", "-a", "--nomtime")
    assert said == ""


def test_skopeo_copies_it_to_other_forms_and_back(image: Path, tmp_path: Path) -> None:
    told = json.loads(run("skopeo", "inspect", f"oci:{image}:{TAG}"))
    assert told["Layers"] == [layer["digest"] for layer in manifest(image)["layers"]]
    assert told["Architecture"] == "amd64"
    for form in (f"dir:{tmp_path}/dir", f"oci-archive:{tmp_path}/oci.tar:{TAG}"):
        run("skopeo", "copy", f"oci:{image}:{TAG}", form)
        run("skopeo", "copy", form, f"oci:{tmp_path}/back:{TAG}")
        assert manifest(tmp_path / "back") == manifest(image)
    run("skopeo", "copy", f"oci:{image}:{TAG}", f"docker-archive:{tmp_path}/docker.tar:small:1")
    run("skopeo", "copy", f"docker-archive:{tmp_path}/docker.tar", f"oci:{tmp_path}/docker:{TAG}")
    back = config(tmp_path / "docker")["rootfs"]
    assert back == config(image)["rootfs"]


def test_zstd_holds_the_same_archives_as_gzip(tmp_path: Path, setup: Path, other: Path) -> None:
    layers = {"base": [setup], "application": [other]}
    write_image(tmp_path / "gzip", layers)
    write_image(tmp_path / "zstd", layers, compression=Compression.ZSTD)
    assert config(tmp_path / "zstd") == config(tmp_path / "gzip")
    types = {layer["mediaType"] for layer in manifest(tmp_path / "zstd")["layers"]}
    assert types == {"application/vnd.oci.image.layer.v1.tar+zstd"}
    assert _sums(tmp_path / "zstd", "zstd") == config(tmp_path / "zstd")["rootfs"]["diff_ids"]
    run("skopeo", "copy", f"oci:{tmp_path}/zstd:{TAG}", f"oci-archive:{tmp_path}/oci.tar:{TAG}")


def _sums(layout: Path, tool: str) -> list[str]:
    """The digests of the layers' archives, opened by the tool; their own are compared too."""
    sums = []
    for layer in manifest(layout)["layers"]:
        path = blob(layout, layer["digest"])
        assert path.stat().st_size == layer["size"]
        assert run("sha256sum", path).split()[0] == path.name
        sums.append(f"sha256:{run('sh', '-c', f'{tool} -dc < {path} | sha256sum').split()[0]}")
    return sums


def test_the_digests_are_those_of_the_archives(image: Path) -> None:
    assert _sums(image, "gzip") == config(image)["rootfs"]["diff_ids"]


def test_a_layer_has_the_directories_above_its_files_first(image: Path) -> None:
    for members in layer_members(image):
        kinds = [member.isdir() for member in members]
        assert kinds == sorted(kinds, reverse=True)
        directories = {member.name for member in members if member.isdir()}
        for member in members:
            above = member.name.rpartition("/")[0]
            assert not above or above in directories
        assert len({member.name for member in members}) == len(members)


def test_a_shared_directory_is_in_a_layer_once_with_its_attributes(
    tmp_path: Path, setup: Path, other: Path
) -> None:
    line = "%dir %attr(2755,root,app) /usr/share/shared"
    third = build_rpm(tmp_path, "third", install="mkdir -p usr/share/shared", files=(line,))
    write_image(tmp_path / "image", {"all": [setup, other, third]})
    found = [m for m in layer_members(tmp_path / "image")[0] if m.name == "usr/share/shared"]
    assert [(m.mode, m.uid, m.gid) for m in found] == [(0o2755, 0, 78)]


def test_no_time_is_later_than_the_epoch(tmp_path: Path, setup: Path, other: Path) -> None:
    epoch = 1_000_000_000
    write_image(tmp_path / "image", {"all": [setup, other]}, epoch=epoch)
    times = {member.mtime for members in layer_members(tmp_path / "image") for member in members}
    assert max(times) == epoch
    assert config(tmp_path / "image")["created"] == "2001-09-09T01:46:40Z"


def test_without_an_epoch_the_image_is_as_new_as_its_newest_package(image: Path) -> None:
    assert config(image)["created"] == "2020-09-13T12:26:40Z"
    assert all(member.mtime <= 1_600_000_000 for layer in layer_members(image) for member in layer)


def test_a_pipe_is_made(tmp_path: Path) -> None:
    """rpm 4.18 itself waits for somebody to open the other end."""
    path = build_rpm(
        tmp_path, "pipe", install="mkdir -p run; mkfifo run/pipe", files=("/run/pipe",)
    )
    write_image(tmp_path / "image", {"all": [path]})
    made = unpack(tmp_path / "image", tmp_path / "bundle") / "run/pipe"
    assert stat.S_ISFIFO(os.lstat(made).st_mode)


# -- two packages and one path ---------------------------------------------------------------------


def _one(place: Path, name: str, script: str, *files: str) -> Path:
    return build_rpm(place, name, install=f"mkdir -p usr/share/x; {script}", files=files)


def _refused(place: Path, *packages: Path) -> str:
    with pytest.raises(InputErrors) as caught:
        write_image(place / "image", {"all": packages})
    assert caught.value.code is Code.BAD_IMAGE
    # The real rpm refuses them too.
    with pytest.raises(AssertionError, match="conflict"):
        install(place / "root", packages)
    assert not (place / "image").exists()
    return str(caught.value)


def test_files_that_differ_are_a_conflict_and_all_are_told(tmp_path: Path) -> None:
    files = ("/usr/share/x/a", "/usr/share/x/b")
    one = _one(tmp_path, "one", "echo 1 > usr/share/x/a; echo 1 > usr/share/x/b", *files)
    two = _one(tmp_path, "two", "echo 2 > usr/share/x/a; echo 2 > usr/share/x/b", *files)
    said = _refused(tmp_path, one, two)
    assert "two-1-1.noarch: /usr/share/x/a is also a file of one-1-1.noarch" in said
    assert "two-1-1.noarch: /usr/share/x/b is also a file of one-1-1.noarch" in said


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("echo 1 > usr/share/x/a", "%attr(0600,root,root) /usr/share/x/a"),
        ("echo 1 > usr/share/x/a", "%attr(0644,root,daemon) /usr/share/x/a"),
        ("ln -s b usr/share/x/a", "/usr/share/x/a"),
        ("mkdir usr/share/x/a", "%dir /usr/share/x/a"),
    ],
    ids=["mode", "group", "link", "directory"],
)
def test_whatever_differs_is_a_conflict(tmp_path: Path, script: str, line: str) -> None:
    one = _one(tmp_path, "one", "echo 1 > usr/share/x/a", "%attr(0644,root,root) /usr/share/x/a")
    _refused(tmp_path, one, _one(tmp_path, "two", script, line))


@pytest.mark.parametrize("order", [1, -1])
def test_a_file_above_other_files_is_a_conflict(tmp_path: Path, order: int) -> None:
    one = make_rpm(tmp_path, [HandFile(b"/usr/x/y", b"below")], name="one")
    two = make_rpm(tmp_path, [HandFile(b"/usr/x", b"above")], name="two")
    with pytest.raises(InputErrors, match=r"two-1-1\.noarch: /usr/x is a file"):
        write_image(tmp_path / "image", {"all": [one, two][::order]})


def test_directories_that_differ_are_a_conflict(tmp_path: Path) -> None:
    one = _one(tmp_path, "one", "true", "%dir %attr(0755,root,root) /usr/share/x")
    two = _one(tmp_path, "two", "true", "%dir %attr(0700,root,root) /usr/share/x")
    _refused(tmp_path, one, two)


def test_equal_files_are_made_once(tmp_path: Path) -> None:
    script, line = "echo 1 > usr/share/x/a; ln -s a usr/share/x/b", "/usr/share/x/*"
    one, two = (_one(tmp_path, name, script, line) for name in ("one", "two"))
    write_image(tmp_path / "image", {"low": [one], "high": [two]})
    low, high, _ = layer_members(tmp_path / "image")
    assert {member.name for member in low if not member.isdir()} == {
        "usr/share/x/a",
        "usr/share/x/b",
    }
    assert not high
    root = unpack(tmp_path / "image", tmp_path / "bundle")
    assert rpm_query(root, "-f", "/usr/share/x/a") == ["one-1-1.noarch", "two-1-1.noarch"]


def test_two_packages_may_both_claim_a_ghost(tmp_path: Path) -> None:
    one = _one(tmp_path, "one", "echo 1 > usr/share/x/a", "/usr/share/x/a")
    two = _one(tmp_path, "two", "echo 2 > usr/share/x/a", "%ghost /usr/share/x/a")
    write_image(tmp_path / "image", {"all": [one, two]})
    install(tmp_path / "root", [one, two])
    root = unpack(tmp_path / "image", tmp_path / "bundle")
    assert (root / "usr/share/x/a").read_bytes() == (tmp_path / "root/usr/share/x/a").read_bytes()


def test_a_link_of_one_package_does_not_lead_another_out_of_the_image(tmp_path: Path) -> None:
    one = _one(tmp_path, "one", "ln -s ../../../../../../etc usr/share/x/l", "/usr/share/x/l")
    script = "mkdir usr/share/x/l; echo evil > usr/share/x/l/passwd"
    two = _one(tmp_path, "two", script, "/usr/share/x/l/passwd")
    write_image(tmp_path / "image", {"all": [one, two]})
    names = [member.name for member in layer_members(tmp_path / "image")[0]]
    assert "etc/passwd" in names
    assert not any(".." in name.split("/") or name.startswith("/") for name in names)


def test_links_without_an_end_are_told(tmp_path: Path) -> None:
    link = HandFile(b"/usr/share/x/l", link=b"l", mode=stat.S_IFLNK | 0o777)
    one = make_rpm(tmp_path, [link], name="one")
    two = make_rpm(tmp_path, [HandFile(b"/usr/share/x/l/file", b"x")], name="two")
    with pytest.raises(InputErrors, match="no end"):
        write_image(tmp_path / "image", {"all": [one, two]})


def test_owners_that_nobody_knows_are_root_and_told(tmp_path: Path) -> None:
    line = "%attr(6755,nobody-knows,nor-this) /usr/share/x/a"
    one = _one(tmp_path, "one", "echo 1 > usr/share/x/a", line)
    layout = write_image(tmp_path / "image", {"all": [one]})
    assert [warning.partition(": ")[2] for warning in layout.images[0].warnings] == [
        "no group nor-this is known: it is root's",
        "no user nobody-knows is known: it is root's",
    ]
    install(tmp_path / "root", [one])
    root = unpack(tmp_path / "image", tmp_path / "bundle")
    path = b"/usr/share/x/a"
    assert tree_of(root)[path] == tree_of(tmp_path / "root")[path]


# -- several architectures, and how it is run ------------------------------------------------------


def test_several_architectures_share_an_index(tmp_path: Path, setup: Path, other: Path) -> None:
    groups = groups_of({"base": [setup], "application": [other]})
    requests = [ImageRequest(groups, ImageSettings(arch=each)) for each in ("x86_64", "aarch64")]
    layout = write_layout(tmp_path / "image", requests, tag=TAG)
    for word in ("amd64", "arm64"):
        words = ("skopeo", "--override-arch", word, "inspect", f"oci:{tmp_path}/image:{TAG}")
        assert json.loads(run(*words))["Architecture"] == word
    run("skopeo", "copy", "--all", f"oci:{tmp_path}/image:{TAG}", f"dir:{tmp_path}/all")
    index = json.loads((tmp_path / "all/manifest.json").read_bytes())
    assert [each["platform"]["architecture"] for each in index["manifests"]] == ["amd64", "arm64"]
    # Packages for every architecture make the same layers for all.
    first, second = (dict(image.layers) for image in layout.images)
    assert first == second


def test_the_configuration_says_how_it_is_run(tmp_path: Path, setup: Path) -> None:
    settings = RunSettings(
        entrypoint=("/usr/bin/app", "serve"),
        command=("--port", "8000"),
        user="worker",
        environment=(("A", "1"),),
        labels=(("org.opencontainers.image.title", "app"),),
        ports=(8000,),
    )
    write_image(tmp_path / "image", {"base": [setup]}, run=settings)
    assert config(tmp_path / "image")["config"] == {
        "Entrypoint": ["/usr/bin/app", "serve"],
        "Cmd": ["--port", "8000"],
        "User": "1001:1001",
        "Env": ["A=1"],
        "Labels": {"org.opencontainers.image.title": "app"},
        "ExposedPorts": {"8000/tcp": {}},
    }
    root = unpack(tmp_path / "image", tmp_path / "bundle")
    assert "worker:x:1001:1001::/home/worker:/sbin/nologin\n" in (root / "etc/passwd").read_text()
    assert "worker:x:1001:\n" in (root / "etc/group").read_text()
    assert (root / "home/worker").stat().st_uid == 1001


def test_hard_links_name_what_is_in_the_same_layer(image: Path) -> None:
    for members in layer_members(image):
        seen: set[str] = set()
        for member in members:
            assert member.type != tarfile.LNKTYPE or member.linkname in seen
            seen.add(member.name)
