"""A bootable image of a kernel and its module, really built with buildah and dnf, without network.

The base image has a kernel of its own. The packages are real RPMs; what a module says of itself is
a line of text, which a stand-in for ``modinfo`` reads.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from attrs import evolve

from streamsolve.cli.emit_containers import files_below
from streamsolve.emit import write_files
from streamsolve.emit.containers import ImageSettings, emit_bootc

from .containerworld import Base, base_image, missing, run
from .kernelworld import RELEASE, pair_plan, release_of, small_pair
from .test_emit_container_build import BOOTC

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

OLD, NEW = release_of("6.18.2"), release_of("6.19.0")
MODULE = "extra/nvidia-open/nvidia.ko.xz"
MODINFO = """\
#!/bin/sh
read -r magic signer < "$3"
case $2 in vermagic) echo "$magic SMP" ;; signer) echo "$signer" ;; esac
"""
SAYS = '#!/bin/sh\necho "${0##*/} $*" >> /usr/lib/called.log\n'
_HEAD = """\
%global debug_package %{nil}
%global __os_install_post %{nil}
%define _build_id_links none
Name: small
Version: 1
Release: 1
Summary: Small
License: MIT
%description
"""


def make_files(directory: Path, packages: Mapping[str, tuple[str, str, dict[str, str]]]) -> Path:
    """RPM files by name: version-release, further tags, and the files with what is in them."""
    text, install, files = [_HEAD], ["%install"], []
    for name, (evr, tags, held) in packages.items():
        version, _, release = evr.rpartition("-")
        text += [f"%package -n {name}", f"Version: {version}", f"Release: {release}"]
        text += ["Summary: Small", "AutoReqProv: no", tags, f"%description -n {name}", "."]
        files.append(f"%files -n {name}")
        for path, content in held.items():
            install.append(f"mkdir -p %{{buildroot}}{path.rpartition('/')[0]}")
            install.append(f"echo '{content}' > %{{buildroot}}{path}")
            files.append(path)
    directory.mkdir(parents=True)
    spec = directory / "small.spec"
    spec.write_text("\n".join([*text, *install, *files, ""]))
    run(
        *("rpmbuild", "-bb", "--quiet", "--target", "x86_64", "--nodeps"),
        *("--define", f"_topdir {directory}/top", "--define", f"_rpmdir {directory}"),
        *("--define", "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm", str(spec)),
    )
    shutil.rmtree(directory / "top")
    spec.unlink()
    run("createrepo_c", "--quiet", "--general-compress-type=gz", str(directory))
    return directory


def kernel_files(version: str) -> dict[str, tuple[str, str, dict[str, str]]]:
    evr, release = f"{version}-{RELEASE}", release_of(version)
    core = f"Provides: kernel-uname-r = {release}\nProvides: kernel-core-uname-r = {release}"
    return {
        "kernel": (evr, f"Requires: kernel-core-uname-r = {release}", {}),
        "kernel-core": (evr, core, {f"/usr/lib/modules/{release}/vmlinuz": "kernel"}),
    }


def pair_files(directory: Path, said: str) -> Path:
    """The locked kernel, and a module that says this of itself."""
    module = {
        small_pair().package: (
            "610.57.4-1",
            f"Requires: kernel-uname-r = {NEW}",
            {f"/usr/lib/modules/{NEW}/{MODULE}": said},
        )
    }
    return make_files(directory, {**kernel_files("6.19.0"), **module})


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    """An image with another kernel and a variant of it, a directory that this one left, and a
    package beside it."""
    directory = tmp_path_factory.mktemp("machine")
    base = base_image(
        directory,
        more=(
            ("/usr/bin/bootc", BOOTC),
            ("/usr/bin/modinfo", MODINFO),
            ("/usr/sbin/depmod", SAYS),
            ("/usr/bin/dracut", SAYS + 'for last; do :; done; echo made > "$last"\n'),
            ("/etc/os-release", "ID=small\nVERSION_ID=45\n"),
            (f"/usr/lib/modules/{OLD}/initramfs.img", "made by the old kernel\n"),
        ),
    )
    others = {
        "kernel-tools": ("6.18.2-1.fc45", "", {"/usr/share/small/tools": "kept"}),
        "kernel-rt-debug-modules-core": ("6.18.2-1.fc45", "", {}),
    }
    own = make_files(directory / "own", {**kernel_files("6.18.2"), **others})
    store = base.store
    container = store.run("from", "--pull-never", base.name.split(":1@")[0] + ":1").strip()
    store.run("copy", "--quiet", container, own, "/tmp/own")
    script = "rpm -i --nodeps /tmp/own/*.rpm && rm -r /tmp/own"
    store.run("run", "--isolation", "chroot", container, "sh", "-c", script)
    store.run("commit", "--quiet", container, "localhost/kernel:1")
    store.run("rm", container)
    [digest] = store.run("images", "--format", "{{.Digest}}", "localhost/kernel:1").split()
    yield Base(store, f"localhost/kernel@{digest}")
    shutil.rmtree(directory, ignore_errors=True)


def build(machine: Base, emitted: Path, rpms: Path, name: str) -> None:
    """Build an image with the script, without an image of each step. It is looked at in the store:
    to copy and pack 150 MB each time takes longer than all else."""
    words = ["--isolation", "chroot", "--pull-never", "--layers=false"]
    run(emitted / "build.sh", rpms, name, *words, BUILDER=" ".join(machine.store.words))


def emitted(machine: Base, rpms: Path, directory: Path) -> Path:
    settings = ImageSettings(
        machine.name, "sha256:" + "cd" * 32, releasever="45", files=files_below(rpms)
    )
    plan = pair_plan(small_pair())
    assert plan.builds is not None
    packages = tuple(evolve(one, size=0) for one in plan.builds.runtime.packages)
    runtime = evolve(plan.builds.runtime, packages=packages)
    plan = evolve(plan, builds=evolve(plan.builds, runtime=runtime))
    write_files(directory, emit_bootc(plan, settings))
    return directory


def test_an_image_of_a_pair_has_this_kernel_and_its_module_and_no_other(
    machine: Base, tmp_path: Path
) -> None:
    rpms = pair_files(tmp_path / "rpms", f"{NEW} Small")
    build(machine, emitted(machine, rpms, tmp_path / "out"), rpms, "localhost/pair:1")
    container = machine.store.run("from", "--pull-never", "localhost/pair:1").strip()
    root = Path(machine.store.run("mount", container).strip())
    listed = set(run("chroot", root, "rpm", "-qa").split())
    assert listed == {
        f"kernel-{NEW}",
        f"kernel-core-{NEW}",
        "kernel-tools-6.18.2-1.fc45.x86_64",
        f"{small_pair().package}-610.57.4-1.x86_64",
    }
    modules = root / "usr/lib/modules"
    assert [each.name for each in modules.iterdir()] == [NEW]
    image = modules / NEW / "initramfs.img"
    assert (image.read_text(), image.stat().st_mode & 0o777) == ("made\n", 0o600)
    assert (modules / NEW / MODULE).is_file()
    called = (root / "usr/lib/called.log").read_text().splitlines()
    assert called[-2] == f"depmod -a {NEW}"
    assert called[-1].startswith("dracut ")
    assert f"--kver {NEW}" in called[-1]
    assert (root / "usr/lib/bootc.log").read_text() == "container lint\n"


def test_a_module_without_a_signature_stops_the_build(machine: Base, tmp_path: Path) -> None:
    rpms = pair_files(tmp_path / "rpms", NEW)
    with pytest.raises(AssertionError, match=r"nvidia\.ko\.xz is not signed"):
        build(machine, emitted(machine, rpms, tmp_path / "out"), rpms, "localhost/bad:1")
