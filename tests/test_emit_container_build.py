"""Containerfiles built with buildah and dnf, without network, and what is in the images.

The base image is this machine's dnf; the packages are real RPMs of the small plan.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen

from streamsolve.cli import main
from streamsolve.cli.emit_containers import files_below
from streamsolve.emit import write_files
from streamsolve.emit.containers import (
    ImageSettings,
    KernelModule,
    emit_bootc,
    emit_containerfile,
)
from streamsolve.errors import InputErrors
from streamsolve.lock import lock_text
from streamsolve.model.build import Root
from streamsolve.model.component import Component, Kind, Scope
from streamsolve.model.package import Package
from streamsolve.model.plan import HostRequirement, Plan
from streamsolve.model.profile import Image
from streamsolve.model.requirement import requirement_on

from .containerworld import Base, base_image, make_rpms, missing, pinned, run
from .lockworld import base_package, small_plan, small_settings

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

HOLDS = "usr/share/small"
KERNEL = "6.17.1-300.fc45.x86_64"
BOOTC = '#!/bin/sh\necho "$@" >> /usr/lib/bootc.log\n'
MAKE = '#!/bin/sh\n[ "$1" = -C ] && cp -R "$2/prepared" "$2/repo"\n'
MODINFO = f"""\
#!/bin/bash
[ "$*" = "-k {KERNEL} -F version nvidia" ] || exit 1
name=$(cat /usr/share/small/kmod-nvidia-{KERNEL})
version=${{name##*:}}
echo "${{version%%-*}}"
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    more = (
        ("/usr/bin/bootc", BOOTC),
        ("/usr/bin/make", MAKE),
        ("/usr/sbin/modinfo", MODINFO),
        ("/etc/os-release", "ID=small\nVERSION_ID=45\n"),
    )
    directory = tmp_path_factory.mktemp("machine")
    yield base_image(directory, more=more)
    shutil.rmtree(directory, ignore_errors=True)


@frozen
class Layout:
    """An image as an OCI layout."""

    directory: Path

    def document(self, digest: str) -> Any:
        return json.loads((self.directory / "blobs/sha256" / digest[7:]).read_bytes())

    @property
    def manifest(self) -> Any:
        index = json.loads((self.directory / "index.json").read_bytes())
        return self.document(index["manifests"][0]["digest"])

    @property
    def config(self) -> Any:
        return self.document(self.manifest["config"]["digest"])

    def layers(self) -> list[list[str]]:
        """The names in each layer."""
        found = []
        for layer in self.manifest["layers"]:
            with tarfile.open(self.directory / "blobs/sha256" / layer["digest"][7:]) as archive:
                found.append(archive.getnames())
        return found


def built(base: Base, emitted: Path, rpms: Path, name: str, *options: str) -> Layout:
    """Build an image with the script, and write it as a layout."""
    words = ["--isolation", "chroot", "--pull-never", *options]
    run(emitted / "build.sh", rpms, name, *words, BUILDER=" ".join(base.store.words))
    layout = emitted.parent / f"{emitted.name}-layout"
    base.store.run("push", "--quiet", name, f"oci:{layout}:1")
    return Layout(layout)


def settings_for(base: Base, rpms: Path, **more: Any) -> ImageSettings:
    return ImageSettings(
        base.name,
        "sha256:" + "cd" * 32,
        image=Image(entrypoint=("/usr/bin/app",), environment={"APP_SAYS": "a  b; c"}),
        title="It prints",
        releasever="45",
        files=files_below(rpms),
        **more,
    )


def test_an_image_is_built_offline_and_its_application_runs(base: Base, tmp_path: Path) -> None:
    rpms = tmp_path / "rpms"
    make_rpms(small_plan(), rpms)
    plan = pinned(small_plan(), rpms)
    settings = settings_for(base, rpms)
    write_files(tmp_path / "out", emit_containerfile(plan, settings))
    layout = built(base, tmp_path / "out", rpms, "localhost/app:1")

    # One layer for each group, on those of the base image, with its packages and nothing else.
    *_, additions, stack, language, application = layout.layers()
    below = len(layout.layers()) - 4
    held = [
        sorted(name.removeprefix(f"{HOLDS}/") for name in layer if name.startswith(f"{HOLDS}/"))
        for layer in (additions, stack, language, application)
    ]
    assert held == [
        ["basesystem", "bash", "coreutils", "glibc", "glibc-minimal-langpack", "openssl-libs",
         "python3", "python3-packaging"],
        ["cuda-toolkit-13-0", "libcublas-13-0"],
        ["python3-leaf-0", "python3-leaf-1", "python3-torch", "python3-torch+compile",
         "python3-wheel"],
        ["python3-app"],
    ]  # fmt: skip
    assert below == 1
    for layer in (additions, stack, language, application):
        # Beside packages and their database: what buildah makes for itself, and the user.
        rest = {name for name in layer if not name.startswith(("usr/", "var/lib/"))}
        assert rest <= {
            "dev", "etc", "etc/group", "etc/hostname", "etc/hosts", "etc/passwd",
            "etc/resolv.conf", "etc/dnf", "etc/dnf/modules.d", "home", "home/app", "proc", "run",
            "sys", "usr", "var", "var/lib",
        }  # fmt: skip

    inspected = json.loads(run("skopeo", "inspect", f"oci:{layout.directory}:1"))
    assert inspected["Labels"]["streamsolve.lock.digest"] == "sha256:" + "cd" * 32
    assert inspected["Labels"]["org.opencontainers.image.base.digest"] == base.name.split("@")[1]
    assert "APP_SAYS=a  b; c" in inspected["Env"]
    annotations = layout.manifest["annotations"]
    assert annotations["streamsolve.lock.digest"] == "sha256:" + "cd" * 32
    assert layout.config["config"]["User"] == "1001:1001"
    assert layout.config["config"]["Entrypoint"] == ["/usr/bin/app"]

    run("umoci", "unpack", "--image", f"{layout.directory}:1", tmp_path / "bundle")
    root = tmp_path / "bundle" / "rootfs"
    said = run("chroot", "--userspec=1001:1001", root, *layout.config["config"]["Entrypoint"])
    assert said.splitlines() == [
        "python3-app-1.0-0.streamsolve.x86_64",
        "python3-torch-2.14.0-0.streamsolve.x86_64",
        "1001",
    ]
    listed = run("chroot", root, "rpm", "-qa").split()
    assert plan.builds is not None
    assert sorted(listed) == sorted(
        f"{p.name}-{p.version}-{p.release}.{p.arch}" for p in plan.builds.runtime.packages
    )
    assert (
        run("chroot", "--userspec=1001:1001", root, "sh", "-c", "echo ~app").strip() == "/home/app"
    )
    assert (root / "home/app").stat().st_uid == 1001


def test_a_file_that_was_changed_stops_the_build(base: Base, tmp_path: Path) -> None:
    rpms = tmp_path / "rpms"
    make_rpms(small_plan(), rpms)
    settings = settings_for(base, rpms)
    write_files(tmp_path / "out", emit_containerfile(pinned(small_plan(), rpms), settings))
    # Another file under the same full name, in a sound repository.
    shutil.rmtree(rpms)
    other = small_plan()
    assert other.builds is not None
    changed = tuple(
        evolve(p, provides=(*p.provides, "evil")) if p.name == "bash" else p
        for p in other.builds.runtime.packages
    )
    runtime = evolve(other.builds.runtime, packages=changed)
    make_rpms(evolve(other, builds=evolve(other.builds, runtime=runtime)), rpms)
    with pytest.raises(AssertionError, match=r"bash-5.3.0-2.fc45.x86_64.rpm: FAILED"):
        built(base, tmp_path / "out", rpms, "localhost/changed:1", "--no-cache")


def test_a_first_stage_builds_what_the_second_installs(base: Base, tmp_path: Path) -> None:
    """make stands in for mock: it puts packages where mock's results are published."""
    from .test_emit_containerfile import SETTINGS

    build = tmp_path / "build"
    make_rpms(small_plan(), build / "prepared")
    (build / "Makefile").write_text("")
    name = base.name.partition(":1@")[0] + "@" + base.name.partition("@")[2]
    settings = evolve(SETTINGS, base_image=base.name, builder_image=base.name)
    files = dict(emit_containerfile(small_plan(), settings))
    conf = files["repos/dnf.conf"].decode()
    # What the base and a third party have lies on this machine too, and nobody signed it.
    for url in ("https://base.test/$basearch/", "https://cuda.test/"):
        conf = conf.replace(url, "file:///run/streamsolve-packages")
    files["repos/dnf.conf"] = conf.replace("gpgcheck=1", "gpgcheck=0").encode()
    write_files(tmp_path / "out", files)
    layout = built(base, tmp_path / "out", build, "localhost/staged:1")
    assert files["Containerfile"].decode().count(f"FROM {name} AS ") == 2
    names = [name for layer in layout.layers() for name in layer]
    assert f"{HOLDS}/python3-app" in names
    assert not any(name.startswith("build") for name in names)


def test_a_file_that_is_not_the_locked_one_is_refused(base: Base, tmp_path: Path) -> None:
    rpms = tmp_path / "rpms"
    make_rpms(small_plan(), rpms)
    with pytest.raises(InputErrors, match="is not the file that was locked"):
        emit_containerfile(small_plan(), settings_for(base, rpms))


# -- what dnf can see ------------------------------------------------------------------------------


def test_dnf_sees_the_locked_packages_alone(tmp_path: Path) -> None:
    """Repositories with other versions, and with packages that nobody locked."""
    from .test_emit_containerfile import SETTINGS

    plan = small_plan()
    assert plan.builds is not None
    packages = plan.builds.runtime.packages
    own = [p for p in packages if p.repository == "private"]
    make_repository(tmp_path / "streams", [*own, *(newer(p) for p in own), stranger("python3-x")])
    of_base = [p for p in packages if p.repository == "fedora"]
    others = [newer(p) for p in of_base]
    make_repository(tmp_path / "base", [*of_base, *others, stranger("emacs"), newer(own[0])])
    third = [p for p in packages if p.name.startswith(("cuda", "libcublas"))]
    make_repository(tmp_path / "cuda", [*third, stranger("cuda-other")])
    text = emit_containerfile(plan, SETTINGS)["repos/dnf.conf"].decode()
    for old, new in (
        ("file:///run/streamsolve-packages", f"file://{tmp_path}/streams"),
        ("https://base.test/$basearch/", f"file://{tmp_path}/base"),
        ("https://cuda.test/", f"file://{tmp_path}/cuda"),
        ("/run/streamsolve-cache", f"{tmp_path}/cache"),
    ):
        assert old in text
        text = text.replace(old, new)
    conf = tmp_path / "dnf.conf"
    conf.write_text(text)
    words = ["--releasever=45", "--forcearch=x86_64", f"--installroot={tmp_path}/root"]
    listed = run(
        "dnf", f"--config={conf}", *words, "--quiet", "repoquery", "--available",
        "--qf", "%{name}-%{epoch}:%{version}-%{release}.%{arch}",
    )  # fmt: skip
    seen = sorted(line for line in listed.splitlines() if ":" in line)
    assert seen == sorted(f"{p.name}-{p.epoch}:{p.version}-{p.release}.{p.arch}" for p in packages)


def newer(package: Package) -> Package:
    """Another version of the same name."""
    return evolve(package, evr=f"99-{package.release}", provides=(), requires=(), conflicts=())


def stranger(name: str) -> Package:
    return base_package(name, "1-1.fc45", requires=())


def with_packages(packages: list[Package]) -> Plan:
    """A plan whose runtime root holds just these; only for making files of them."""
    plan = small_plan()
    assert plan.builds is not None
    runtime = Root("runtime", tuple(packages), (), ())
    return evolve(plan, builds=evolve(plan.builds, runtime=runtime))


def make_repository(directory: Path, packages: list[Package]) -> None:
    """Files of packages, of which some have the same name: each version is made by itself."""
    directory.mkdir()
    by_name: dict[str, list[Package]] = {}
    for package in packages:
        by_name.setdefault(package.name, []).append(package)
    for number in range(max(map(len, by_name.values()))):
        some = [found[number] for found in by_name.values() if len(found) > number]
        make_rpms(with_packages(some), directory / f"part-{number}")
        shutil.rmtree(directory / f"part-{number}" / "repodata")
    run("createrepo_c", "--quiet", "--general-compress-type=gz", str(directory))


# -- bootable images -------------------------------------------------------------------------------

DRIVER = Component(Kind.KERNEL_MODULE, "nvidia-driver")


def prefixed() -> list[Package]:
    """The packages of the small plan, private ones under the names that prefix mode gives them."""
    builds = small_plan().builds
    assert builds is not None
    return [
        evolve(package, name=f"app-{package.name}", provides=(), requires=())
        if package.repository == "private"
        else package
        for package in builds.runtime.packages
    ]


def needs_driver(plan: Plan) -> Plan:
    requirement = requirement_on(DRIVER, ">=580.65.06", scope=Scope.HOST)
    return evolve(plan, host=(HostRequirement(requirement, Component(Kind.ACCELERATOR, "cuda")),))


@pytest.fixture(scope="module")
def bootable(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Base:
    """The base image with packages of its own: a kernel, and an older bash than the locked one."""
    own = tmp_path_factory.mktemp("own")
    make_rpms(
        with_packages(
            [
                base_package("kernel-core", KERNEL.removesuffix(".x86_64"), requires=()),
                base_package("bash", "5.2-1.fc45", provides=("/bin/sh",), requires=()),
            ]
        ),
        own / "rpms",
    )
    store = base.store
    container = store.run("from", "--pull-never", base.name.split(":1@")[0] + ":1").strip()
    store.run("copy", "--quiet", container, own / "rpms", "/tmp/own")
    script = "rpm -i --nodeps /tmp/own/*.rpm && rm -r /tmp/own && ln -s var/opt /opt"
    store.run("run", "--isolation", "chroot", container, "sh", "-c", script)
    store.run("commit", "--quiet", container, "localhost/bootable:1")
    store.run("rm", container)
    [digest] = store.run("images", "--format", "{{.Digest}}", "localhost/bootable:1").split()
    return Base(store, f"localhost/bootable@{digest}")


def bootable_rpms(directory: Path, driver: str) -> Path:
    module = base_package(f"kmod-nvidia-{KERNEL}", f"3:{driver}-1.fc45", requires=())
    make_rpms(with_packages([*prefixed(), module]), directory)
    return directory


def test_a_bootable_image_keeps_its_own_packages(bootable: Base, tmp_path: Path) -> None:
    rpms = bootable_rpms(tmp_path / "rpms", "580.95.05")
    plan = needs_driver(pinned(small_plan(), rpms))
    settings = settings_for(
        bootable,
        rpms,
        prefix="/opt/app",
        kernel_modules=(KernelModule("nvidia", "kmod-nvidia", "580.95.05"),),
    )
    write_files(tmp_path / "out", emit_bootc(plan, settings))
    assert "nvidia-driver >=580.65.06" in (tmp_path / "out" / "README.md").read_text()
    layout = built(bootable, tmp_path / "out", rpms, "localhost/boot:1")
    assert layout.config["config"]["Labels"]["streamsolve.host"] == "nvidia-driver >=580.65.06"
    run("umoci", "unpack", "--image", f"{layout.directory}:1", tmp_path / "bundle")
    root = tmp_path / "bundle" / "rootfs"
    listed = set(run("chroot", root, "rpm", "-qa").split())
    assert {"bash-5.2-1.fc45.x86_64", f"kernel-core-{KERNEL}"} <= listed
    assert "bash-5.3.0-2.fc45.x86_64" not in listed
    assert f"kmod-nvidia-{KERNEL}-580.95.05-1.fc45.x86_64" in listed
    assert "app-python3-app-1.0-0.streamsolve.x86_64" in listed
    assert "coreutils-9.7-6.fc45.x86_64" in listed
    assert (root / "usr/lib/bootc.log").read_text() == "container lint\n"
    assert (root / "opt").is_dir()
    assert not (root / "opt").is_symlink()


def test_a_driver_that_is_too_old_stops_the_build(bootable: Base, tmp_path: Path) -> None:
    rpms = bootable_rpms(tmp_path / "rpms", "570.1")
    plan = needs_driver(pinned(small_plan(), rpms))
    module = KernelModule("nvidia", "kmod-nvidia")
    settings = settings_for(bootable, rpms, prefix="/opt/app", kernel_modules=(module,))
    write_files(tmp_path / "out", emit_bootc(plan, settings))
    with pytest.raises(AssertionError, match=r"nvidia 570\.1 is older than 580\.65\.06"):
        built(bootable, tmp_path / "out", rpms, "localhost/old:1")
    known = evolve(settings, kernel_modules=(evolve(module, version="570.1"),))
    with pytest.raises(InputErrors, match=r"cuda needs nvidia-driver >=580\.65\.06"):
        emit_bootc(plan, known)


# -- the bill of an image --------------------------------------------------------------------------


def test_the_bill_and_the_lock_are_attached_to_the_image_that_was_built(
    base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = base.store
    layout = tmp_path / "layout"
    store.run("push", "--quiet", base.name.split("@")[0], f"oci:{layout}:1")
    before = json.loads((layout / "index.json").read_bytes())["manifests"][0]["digest"]
    profile = tmp_path / "app.toml"
    profile.write_text(
        'schema = "streamsolve.profile/1"\nname = "app"\nversion = "1.0"\n'
        'default-base = "fedora-45"\n[variants.cuda]\nrequirements = "wheel"\n'
    )
    lock = tmp_path / "app.lock.json"
    lock.write_text(lock_text(small_plan(), small_settings()))
    monkeypatch.chdir(tmp_path)
    words = ["emit", "sbom", str(lock), "-o", "out", "--profile", str(profile)]
    assert main([*words, "--attach", f"oci:{layout}:1"]) == 0
    tag = before.replace(":", "-")
    raw = json.loads(run("skopeo", "inspect", "--raw", f"oci:{layout}:{tag}"))
    types = sorted(each["artifactType"] for each in raw["manifests"])
    assert types == [
        "application/spdx+json",
        "application/vnd.cyclonedx+json",
        "application/vnd.streamsolve.lock.v1+json",
    ]
    run("skopeo", "copy", "--all", f"oci:{layout}:{tag}", f"oci:{tmp_path}/copied:{tag}")
    again = json.loads(run("skopeo", "inspect", "--raw", f"oci:{tmp_path}/copied:{tag}"))
    digests = [each["digest"] for each in raw["manifests"]]
    assert sorted(each["digest"] for each in again["manifests"]) == digests
    inspected = json.loads(run("skopeo", "inspect", f"oci:{layout}:1"))
    assert inspected["Digest"] == before
    run("umoci", "unpack", "--image", f"{layout}:1", tmp_path / "bundle")
    assert (tmp_path / "bundle/rootfs/usr/bin/dnf").exists()
