"""An application of the small distribution, from its sources to an image in which it runs."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from .containerworld import base_image, missing, run
from .realbuild.base import NAME, small_base
from .realbuild.base import missing as missing_for_base
from .realbuild.sources import private_archives
from .realbuild.world import RealWorld

LACKING = missing() or missing_for_base()
pytestmark = pytest.mark.skipif(bool(LACKING), reason=LACKING)

SUPPLIED = {
    "libfoo-1.tar.gz": "package-libfoo-1",
    "stampmake-2.tar.gz": "toolchain-stampmake-2",
}
IMAGE = '\n[image]\nentrypoint = ["/usr/bin/app"]\nuser = "runner"\n'


def supply(build: Path) -> None:
    """The archives that neither the base nor the index has, as a packager would add them."""
    archives = private_archives()
    for name, stem in SUPPLIED.items():
        (build / "sources" / name).write_bytes(archives[name])
        digest = hashlib.sha256(archives[name]).hexdigest()
        with (build / "specs" / stem / "sources").open("a") as listed:
            listed.write(f"{digest}  {name}\n")


def collect(rpms: Path, base: Path, build: Path, wanted: set[str]) -> None:
    """A repository of what the image needs: of the base, and what was built."""
    rpms.mkdir()
    found = [path for path in base.glob("*/*.rpm") if path.name in wanted]
    built = [p for p in (build / "repo").rglob("*.rpm") if "-bootstrap-" not in p.parent.name]
    for path in (*found, *built):
        os.link(path.resolve(), rpms / path.name)
    run("createrepo_c", "--quiet", "--general-compress-type=gz", str(rpms))


def test_the_application_runs_in_an_image_of_the_small_distribution(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    base = small_base(Path(pytestconfig.cache.mkdir("realbuild")))
    image = base_image(tmp_path / "machine")
    world = RealWorld(tmp_path, base)
    with world.opened():
        world.must("lock", "app.toml", "--base", NAME, "-o", "app.lock.json")
        words = ("app.lock.json", "-o", "build/sources", "--from", "archives", "--base", NAME)
        world.must("sources", *words, "--base-sources")
        words = ("app.lock.json", "-o", "build", "--standalone", "--gpg-key", world.key)
        world.must("emit", "mock", *words, "--package-manager", "dnf4", "--no-bootstrap")
        supply(tmp_path / "build")
        mock = str(tmp_path / "mock")
        world.must("build", "app.lock.json", "-d", "build", "--mock", mock)

        lock = json.loads(Path("app.lock.json").read_text())
        [runtime] = [root for root in lock["roots"] if root["id"] == "runtime"]
        held = [lock["packages"][name] for name in runtime["packages"]]
        wanted = {f"{p['name']}-{p['version']}-{p['release']}.{p['arch']}.rpm" for p in held}
        collect(tmp_path / "rpms", base, tmp_path / "build", wanted)

        profile = Path("app.toml")
        profile.write_text(profile.read_text() + IMAGE)
        words = ("app.lock.json", "-o", "image", "--rpms", "rpms", "--profile", "app.toml")
        world.must("emit", "containerfile", *words, "--base-image", image.name)
    name = "localhost/app:real"
    build = (tmp_path / "image/build.sh", tmp_path / "rpms", name)
    options = ("--isolation", "chroot", "--pull-never")
    run(*build, *options, BUILDER=" ".join(image.store.words))
    image.store.run("push", "--quiet", name, f"oci:{tmp_path}/layout:1")
    run("umoci", "unpack", "--image", f"{tmp_path}/layout:1", tmp_path / "bundle")
    root = tmp_path / "bundle" / "rootfs"
    config = json.loads((tmp_path / "bundle" / "config.json").read_text())
    assert config["process"]["args"] == ["/usr/bin/app"]
    said = run("unshare", "--net", "chroot", "--userspec=1001:1001", root, "/usr/bin/app")
    assert "libfoo 1" in said
    listed = set(run("chroot", root, "rpm", "-qa", "--qf", "%{NAME}\n").split())
    assert listed == {package["name"] for package in held}
