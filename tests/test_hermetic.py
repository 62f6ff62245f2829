"""The directories that mock's ``--hermetic-build`` wants, made of real packages and a real image.

The packages are rpmbuilt here, createrepo_c describes them, dnf resolves a root from the directory
alone, and podman says of the image what mock would ask it for.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from streamsolve.building.bootstrap_image import read_bootstrap_image
from streamsolve.building.hermetic import hermetic_files
from streamsolve.cli.root import run
from streamsolve.emit import BuildrootLocks, LocalFile, write_files
from streamsolve.emit.hermetic import HermeticRoots, hermetic_roots
from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.inputs.rpm_headers import read_rpm_files
from streamsolve.lock import lock_text
from streamsolve.model.build import RootStream
from streamsolve.model.component import Origin
from streamsolve.model.plan import Plan
from streamsolve.model.rpm_header import RpmHeader
from streamsolve.oci.layout_files import layout_location

from .builders import component
from .dnf_oracle import SYSTEM_PYTHON, needs_dnf
from .lockworld import base_package, private_package, small_plan, small_settings

ROOT = "build-flit-core"
NVIDIA = ("--repo", "nvidia=https://packages.test/cuda/", "--gpg-key", "nvidia=https://k.test/KEY")
SPEC = """\
Name: {name}
{epoch}
Version: {version}
Release: {release}
Summary: A package of <tests> & "quotes"
License: MIT
BuildArch: noarch
{requires}
%description
</package> is in its description.
%install
mkdir -p %{{buildroot}}/usr/share/{name}
echo {name} > %{{buildroot}}/usr/share/{name}/file
%files
/usr/share/{name}
"""


def build(
    directory: Path, name: str, version: str, *requires: str, epoch: str = "", release: str = "1"
) -> Path:
    """A real package with a file."""
    top = directory / f"build-{name}-{version}-{release}"
    top.mkdir(parents=True)
    text = SPEC.format(
        name=name,
        version=version,
        release=release,
        epoch=f"Epoch: {epoch}" if epoch else "",
        requires="\n".join(f"Requires: {each}" for each in requires),
    )
    (top / "a.spec").write_text(text)
    command = ["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {top}", str(top / "a.spec")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    (found,) = top.glob("RPMS/noarch/*.rpm")
    return Path(shutil.copy(found, directory))


@frozen
class World:
    """Packages on this disk, and a plan of which one root holds just these."""

    rpms: Path
    plan: Plan

    def lock(self, directory: Path) -> Path:
        path = directory / "app.lock.json"
        path.write_text(lock_text(self.plan, small_settings()))
        return path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("built")
    build(directory, "bash", "5.3")
    build(directory, "openssl-libs", "3.5", "bash >= 5", epoch="1")
    build(directory, "python3-torch", "2.14.0", "openssl-libs >= 1:3")
    rpms = directory / "rpms"
    rpms.mkdir()
    for path in directory.glob("*.rpm"):
        path.rename(rpms / path.name)
    return rpms


@pytest.fixture
def world(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    shutil.copytree(built, tmp_path / "rpms")
    return World(tmp_path / "rpms", plan_of(built))


def plan_of(rpms: Path) -> Plan:
    """The small plan, of which one build root holds what lies in a directory."""
    digests = {
        path.name.rsplit("-", 2)[0]: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in rpms.iterdir()
    }
    packages = (
        evolve(base_package("bash", "5.3-1", arch="noarch"), checksum=f"sha256:{digests['bash']}"),
        evolve(
            base_package("openssl-libs", "1:3.5-1", arch="noarch"),
            checksum=f"sha256:{digests['openssl-libs']}",
        ),
        private_package("torch", "2.14.0"),
    )
    plan = small_plan()
    assert plan.builds is not None
    roots = tuple(
        evolve(root, packages=tuple(sorted(packages))) if root.id == ROOT else root
        for root in plan.builds.roots
    )
    return evolve(plan, builds=evolve(plan.builds, roots=roots))


def emit(world: World, *options: str) -> int:
    lock = world.lock(world.rpms.parent)
    return run(["emit", "mock", str(lock), "-o", "out", *NVIDIA, "--rpms", "rpms", *options])


def everything(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


# -- the repository --------------------------------------------------------------------------------


def test_the_directory_holds_the_packages_of_the_root_and_nothing_else(world: World) -> None:
    build(world.rpms.parent / "more", "bash", "9")
    shutil.copy(next((world.rpms.parent / "more").glob("*.rpm")), world.rpms)
    assert emit(world, "--hermetic", ROOT) == 0
    there = {path.name for path in Path("out/hermetic", ROOT).glob("*.rpm")}
    assert there == {
        "bash-5.3-1.noarch.rpm",
        "openssl-libs-3.5-1.noarch.rpm",
        "python3-torch-2.14.0-1.noarch.rpm",
    }
    lock = json.loads(Path(f"out/locks/{ROOT}/buildroot_lock.json").read_text())
    assert {row["url"] for row in lock["buildroot"]["rpms"]} == there
    assert [path.name for path in Path("out/hermetic").iterdir()] == [ROOT]


ALL = """
import json, sys, dnf
base = dnf.Base()
conf = base.conf
conf.cachedir, conf.reposdir, conf.pluginpath = sys.argv[2] + "/cache", ["/dev/null"], []
conf.installroot = conf.persistdir = conf.logdir = sys.argv[2]
conf.best, conf.install_weak_deps, conf.gpgcheck = True, False, False
conf.substitutions.update({"arch": "x86_64", "basearch": "x86_64", "releasever": "0"})
base.repos.add_new_repo("offline", conf, baseurl=["file://" + sys.argv[1]])
base.fill_sack(load_system_repo=False)
base.install_specs(["*"])
base.resolve()
chosen = sorted(base.transaction.install_set)
base.download_packages(chosen)
print(json.dumps([[str(p), p.verifyLocalPkg()] for p in chosen]))
print(json.dumps([str(p) for p in base.sack.query().filter(file="/usr/share/bash/file")]))
"""


@needs_dnf
def test_dnf_resolves_the_root_from_the_directory_alone(world: World, tmp_path: Path) -> None:
    assert emit(world, "--hermetic", ROOT) == 0
    (tmp_path / "dnf").mkdir()
    done = subprocess.run(
        [SYSTEM_PYTHON, "-c", ALL, str(Path("out/hermetic", ROOT).resolve()), tmp_path / "dnf"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    chosen, with_file = map(json.loads, done.stdout.splitlines())
    assert dict(chosen) == {
        "bash-5.3-1.noarch": True,
        "openssl-libs-1:3.5-1.noarch": True,
        "python3-torch-2.14.0-1.noarch": True,
    }
    assert with_file == ["bash-5.3-1.noarch"]


def test_the_lock_keeps_the_macros_without_which_mock_finds_no_result(world: World) -> None:
    """mock replaces its own macros by those of the lock."""
    assert emit(world, "--macro", "_smp_mflags=-j2") == 0
    lock = json.loads(Path(f"out/locks/{ROOT}/buildroot_lock.json").read_text())
    macros = lock["config"]["macros"]
    assert macros["%_topdir"] == "/builddir/build"
    assert macros["%_rpmfilename"] == "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm"
    assert macros["%_smp_mflags"] == "-j2"


def test_a_second_run_elsewhere_gives_the_same_bytes_whatever_the_times_of_files(
    world: World,
) -> None:
    assert emit(world, "--hermetic", ROOT) == 0
    first = everything(Path("out"))
    Path("out").rename("first")
    for path in world.rpms.iterdir():
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert emit(world, "--hermetic", ROOT) == 0
    assert everything(Path("out")) == first
    before = {path: path.stat().st_mtime_ns for path in Path("out").rglob("*")}
    assert emit(world, "--hermetic", ROOT) == 0
    assert {path: path.stat().st_mtime_ns for path in Path("out").rglob("*")} == before


def test_files_are_linked_where_that_is_possible_and_copied_where_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert emit(world, "--hermetic", ROOT) == 0
    placed = Path("out/hermetic", ROOT, "bash-5.3-1.noarch.rpm")
    assert placed.samefile(world.rpms / placed.name)
    shutil.rmtree("out")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    assert emit(world, "--hermetic", ROOT) == 0
    assert not placed.samefile(world.rpms / placed.name)
    assert placed.read_bytes() == (world.rpms / placed.name).read_bytes()


def test_a_file_that_changes_while_it_is_copied_is_refused_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a.rpm"
    source.write_bytes(b"another")
    digest = hashlib.sha256(b"what was read").hexdigest()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(InputError, match="changed while it was copied"):
        write_files(tmp_path / "out", {"a.rpm": LocalFile(source, digest), "b": b"b"})
    assert not (tmp_path / "out").exists()


def plan_with_parts(rpms: Path) -> Plan:
    """A plan of which one root holds a private stream that its build makes more packages of."""
    plan = plan_of(rpms)
    assert plan.builds is not None
    stream = RootStream(
        component("torch"), Version("2.14.0"), Origin.PRIVATE, "python3-torch", "torch@2.14.0"
    )
    roots = tuple(
        evolve(root, streams=(stream,)) if root.id == ROOT else root for root in plan.builds.roots
    )
    return evolve(plan, builds=evolve(plan.builds, roots=roots))


@pytest.mark.parametrize("prefix", ["", "/opt/app"])
def test_parts_that_a_build_made_besides_are_there_if_they_are_needed(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    rpms = tmp_path / "rpms"
    shutil.copytree(built, rpms)
    next(rpms.glob("python3-torch-*")).unlink()
    plan = evolve(plan_with_parts(built), application="app")
    release, more = "0.streamsolve.torch_2_14_0.fc45", "app-" if prefix else ""
    for name, needs in (
        ("python3-torch", f"{more}torch-libs = 2.14.0"),
        ("torch-libs", f"{more}torch-data"),
        ("torch-data", "bash"),
        ("torch-docs", "bash"),
    ):
        build(rpms, f"{more}{name}", "2.14.0", needs, release=release)
    build(rpms, "torch-libs", "2.14.0", release="0.streamsolve.torch_2_13_0.fc45")
    for top in rpms.glob("build-*"):
        shutil.rmtree(top)
    assert (
        emit(World(rpms, plan), "--hermetic", ROOT, *(["--prefix", prefix] if prefix else [])) == 0
    )
    there = {path.name.rsplit("-", 2)[0] for path in Path("out/hermetic", ROOT).glob("*.rpm")}
    parts = {f"{more}{name}" for name in ("python3-torch", "torch-libs", "torch-data")}
    assert there == {"bash", "openssl-libs", *parts}
    assert len(list(Path("out/hermetic", ROOT).glob("*.rpm"))) == 5


# -- what is refused -------------------------------------------------------------------------------


def test_every_tampered_and_every_missing_file_is_named_and_nothing_is_written(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = world.rpms / "bash-5.3-1.noarch.rpm"
    content = bytearray(damaged.read_bytes())
    content[-5] ^= 0xFF
    damaged.write_bytes(content)
    (world.rpms / "list.rpm").write_text("https://packages.test/evil.rpm\n")
    assert emit(world, "--hermetic", ROOT) == 2
    error = capsys.readouterr().err
    assert damaged.name in error
    assert "list.rpm" in error
    assert not Path("out").exists()
    damaged.unlink()
    (world.rpms / "list.rpm").unlink()
    (world.rpms / "openssl-libs-3.5-1.noarch.rpm").unlink()
    assert emit(world, "--hermetic", ROOT) == 2
    error = capsys.readouterr().err
    assert "bash-5.3-1.noarch" in error
    assert "openssl-libs-1:3.5-1.noarch" in error
    assert not Path("out").exists()


def test_a_whole_package_of_the_same_name_with_another_content_is_refused(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    other = build(world.rpms.parent / "other", "bash", "5.3", "evil")
    shutil.copy(other, world.rpms)
    assert emit(world, "--hermetic", ROOT) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "bash-5.3-1.noarch.rpm is not the file that was locked" in error
    assert not Path("out").exists()


def test_all_roots_wait_for_builds_but_not_for_files_of_the_base(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert emit(world, "--hermetic", "all") == 2
    assert "coreutils-9.7-6.fc45.x86_64" in capsys.readouterr().err
    locks = BuildrootLocks({}, {}, {ROOT: ("python3-torch-2.14.0-0.streamsolve.x86_64",)})
    assert world.plan.builds is not None
    found = hermetic_roots(world.plan.builds, locks, ["all"])
    assert found.waiting == locks.missing
    with pytest.raises(InputErrors, match="its file is not there"):
        hermetic_roots(world.plan.builds, locks, [ROOT])


def test_an_unknown_root_is_named_with_the_nearest(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert emit(world, "--hermetic", "build-flit-cor") == 2
    assert "did you mean build-flit-core" in " ".join(capsys.readouterr().err.split())


def test_hermetic_needs_files(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    lock = world.lock(world.rpms.parent)
    assert run(["emit", "mock", str(lock), "-o", "out", *NVIDIA, "--hermetic", "all"]) == 2
    assert "--rpms DIR" in capsys.readouterr().err


def test_without_createrepo_the_missing_tool_is_named(world: World, tmp_path: Path) -> None:
    files = read_rpm_files([world.rpms])
    roots = HermeticRoots({ROOT: tuple(file.header for file in files)}, {})
    with pytest.raises(InputError) as raised:
        hermetic_files(roots, files, createrepo=str(tmp_path / "nothing"))
    assert raised.value.code is Code.MISSING_TOOL
    failing = tmp_path / "failing"
    failing.write_text("#!/bin/sh\necho no room >&2; exit 3\n")
    failing.chmod(0o755)
    with pytest.raises(InputError, match="no room"):
        hermetic_files(roots, files, createrepo=str(failing))


HOSTILE = st.sampled_from(
    [
        "../evil.rpm",
        "{{7*7}}.rpm",
        "a b.rpm",
        'a".rpm',
        "a\n.rpm",
        "$(x).rpm",
        "<a>.rpm",
        "a" * 10_000,
    ]
) | st.text(max_size=30)


@given(HOSTILE)
def test_a_file_name_that_could_be_more_than_a_name_is_refused_or_inert(name: str) -> None:
    header = RpmHeader("bash", "5", "1", "noarch", name, "0" * 64, "0" * 32, "MIT")
    plan = small_plan()
    assert plan.builds is not None
    locks = BuildrootLocks({}, {ROOT: (header,)}, {})
    try:
        hermetic_roots(plan.builds, locks, [ROOT])
    except InputErrors:
        return
    assert "/" not in name
    assert name.isascii()
    assert not set(name) & set("{}<>&\"' \n$`%\\")
    assert name.endswith(".rpm")


# -- the image -------------------------------------------------------------------------------------


def umoci(*words: str) -> None:
    subprocess.run(["umoci", *words], check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OCI layout with two images."""
    directory = tmp_path_factory.mktemp("image")
    (directory / "file").write_text("hello")
    path = directory / "layout"
    umoci("init", "--layout", str(path))
    for tag in ("one", "two"):
        umoci("new", "--image", f"{path}:{tag}")
        umoci("insert", "--image", f"{path}:{tag}", str(directory / "file"), f"/{tag}")
    settings = ["--config.env", "A=<b> é", "--config.cmd", "/bin/sh", "--config.label", "x=y"]
    umoci("config", "--image", f"{path}:one", *settings, "--config.workingdir", "/srv")
    return path


def podman(directory: Path, *words: str) -> str:
    command = ["podman", "--root", str(directory / "root"), "--runroot", str(directory / "run")]
    done = subprocess.run(
        [*command, "--storage-driver", "vfs", *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_podman_tells_of_the_image_in_the_directory_what_the_lock_says(
    world: World, layout: Path, shared: Path
) -> None:
    options = ["--bootstrap-image", "images.test/fedora:45", "--bootstrap-oci", f"oci:{layout}:one"]
    assert emit(world, "--hermetic", ROOT, *options) == 0
    lock = json.loads(Path(f"out/locks/{ROOT}/buildroot_lock.json").read_text())
    schema = json.loads((shared / "schemas" / "buildroot-lock-schema-1.1.0.json").read_text())
    jsonschema.validate(lock, schema)
    assert lock["config"]["bootstrap_image_ready"] is True
    assert lock["config"]["bootstrap_image"] == "images.test/fedora:45"
    image = lock["bootstrap"]
    # Where mock looks for it, from what it reads in the lock.
    name = lock["config"]["bootstrap_image"].split(":")[0] + "@" + image["pull_digest"]
    directory = Path("out/hermetic", ROOT, name).resolve()
    # podman takes no long paths for what it keeps of a run.
    with tempfile.TemporaryDirectory(prefix="p") as kept:
        podman(Path(kept), "pull", "--quiet", f"dir:{directory}")
        (told,) = json.loads(podman(Path(kept), "image", "inspect", image["id"]))
    assert told["Id"] == image["id"]
    assert told["Architecture"] == image["architecture"]
    assert told["Digest"] == image["pull_digest"]
    asked = {"RootFS": told["RootFS"], "Config": told["Config"]}
    expected = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    assert image["image_digest"] == expected


def test_a_digest_that_the_image_does_not_have_is_refused(
    world: World, layout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--bootstrap-image", "images.test/fedora:45", "--bootstrap-oci", f"{layout}:one"]
    assert emit(world, *options, "--bootstrap-digest", "sha256:" + "0" * 64) == 2
    assert "the image's digest is sha256:" in " ".join(capsys.readouterr().err.split())
    assert not Path("out").exists()


def test_a_digest_alone_pins_the_configurations_and_completes_no_lock(world: World) -> None:
    digest = "sha256:" + "a1" * 32
    options = ["--bootstrap-image", "images.test/fedora:45", "--bootstrap-digest", digest]
    assert emit(world, "--hermetic", ROOT, *options) == 0
    configuration = Path(f"out/configs/{ROOT}.cfg").read_text()
    assert f"config_opts['bootstrap_image'] = 'images.test/fedora@{digest}'\n" in configuration
    lock = json.loads(Path(f"out/locks/{ROOT}/buildroot_lock.json").read_text())
    assert "bootstrap" not in lock
    assert "bootstrap_image" not in lock["config"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--bootstrap-image", "localhost:5000/f:45"], "no name that mock can find"),
        (["--bootstrap-image", "images.test/f@sha256:" + "0" * 64], "no name that mock can find"),
        ([], "needs the name of the image"),
    ],
)
def test_a_name_that_mock_would_misread_is_refused(
    world: World,
    layout: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    words: str,
) -> None:
    assert emit(world, *options, "--bootstrap-oci", f"{layout}:one") == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert not Path("out").exists()


def read(layout: Path, **more: Any) -> Any:
    return read_bootstrap_image("images.test/f", layout, arch="x86_64", **more)


def test_which_of_several_images_has_to_be_said(layout: Path) -> None:
    with pytest.raises(InputError, match="which is meant is not said"):
        read(layout)
    with pytest.raises(InputError, match="did you mean"):
        read(layout, tag="ones")
    assert read(layout, tag="one").image != read(layout, tag="two").image


def test_an_image_of_another_architecture_is_refused(layout: Path) -> None:
    with pytest.raises(InputError, match="arm64 is needed"):
        read_bootstrap_image("images.test/f", layout, arch="aarch64", tag="one")


@pytest.mark.parametrize("damage", ["change", "remove"])
def test_each_blob_is_what_its_digest_says(layout: Path, tmp_path: Path, damage: str) -> None:
    good = read(layout, tag="one")
    blobs = {content.sha256 for content in good.files.values() if isinstance(content, LocalFile)}
    assert len(blobs) == 3
    for blob in sorted(blobs):
        copy = tmp_path / blob
        shutil.copytree(layout, copy)
        victim = copy / "blobs" / "sha256" / blob
        if damage == "remove":
            victim.unlink()
        else:
            victim.write_bytes(victim.read_bytes() + b" ")
        with pytest.raises(InputError, match=r"is not there|is not what its name says"):
            read(copy, tag="one")


@pytest.mark.parametrize(
    "index",
    [
        "",
        "[]",
        "{}",
        '{"manifests": 1}',
        '{"manifests": [{"digest": "sha256:../../x"}]}',
        "[" * 9999,
    ],
)
def test_what_is_no_layout_is_refused(tmp_path: Path, index: str) -> None:
    with pytest.raises(InputError, match="no OCI layout"):
        read(tmp_path)
    (tmp_path / "index.json").write_text(index)
    with pytest.raises(InputError) as raised:
        read(tmp_path)
    assert raised.value.code is Code.NOT_EMITTED


def test_a_layout_is_named_by_directory_and_tag(tmp_path: Path) -> None:
    assert layout_location("oci:dir:tag") == (Path("dir"), "tag")
    assert layout_location("dir") == (Path("dir"), "")
    (tmp_path / "a:b").mkdir()
    assert layout_location(f"{tmp_path}/a:b") == (tmp_path / "a:b", "")
    assert layout_location(f"{tmp_path}/a:b:c") == (tmp_path / "a:b", "c")


def test_packages_are_described_by_their_own_words(world: World) -> None:
    """What createrepo_c says of a package that looks like its own marks stays one package."""
    assert emit(world, "--hermetic", ROOT) == 0
    import gzip
    from xml.etree import ElementTree

    path = Path("out/hermetic", ROOT, "repodata", "primary.xml.gz")
    document = ElementTree.fromstring(gzip.decompress(path.read_bytes()))
    common = "{http://linux.duke.edu/metadata/common}"
    found = document.findall(f"{common}package")
    assert len(found) == int(document.attrib["packages"]) == 3
    assert {each.findtext(f"{common}description") for each in found} == {
        "</package> is in its description."
    }
