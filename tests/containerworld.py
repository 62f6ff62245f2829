"""Images for real: RPM files of a plan's packages, and a base image with this machine's dnf.

base = base_image(tmp_path)                   # "localhost/machine:1@sha256:…", in its own store
make_rpms(small_plan(), tmp_path / "rpms")    # a real RPM for each package of the runtime root
base.store.run("build", …)                    # buildah, without network

A package holds one file, ``/usr/share/small/NAME``, with its full name in it; the application also
has ``/usr/bin/app``, which prints its own and that of what it requires.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from attrs import evolve, frozen

from streamsolve.model.build import Root
from streamsolve.model.package import Package
from streamsolve.model.plan import Plan

__all__ = ["TOOLS", "Base", "Store", "base_image", "make_rpms", "missing", "pinned", "run"]

TOOLS = ("buildah", "createrepo_c", "dnf", "dpkg", "rpmbuild", "skopeo", "umoci", "unshare")

_HOLDS = "/usr/share/small"
_PARTS = ("dnf", "rpm", "coreutils", "bash", "dash", "grep", "findutils")
_LEFT_OUT = ("perl", "libperl", "gnupg", "dpkg", "debconf", "systemd")
_UNWANTED = ("/usr/share/", "/usr/include/", "/var/", "/usr/lib/systemd", "/lib/systemd")
_WANTED = ("/usr/share/dnf", "/usr/lib/rpm")
_APP = """\
#!/bin/sh
cat {holds}/python3-app {holds}/python3-torch
id -u
"""


def missing() -> str:
    """What this machine lacks; empty if nothing."""
    if os.geteuid():
        return "images are built by root alone"
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    return f"{', '.join(absent)} not installed" if absent else ""


def run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """What a command writes; it must succeed."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, "LC_ALL": "C.UTF-8", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, (
        f"{command[0]} ended with {done.returncode}:\n{done.stdout[-3000:]}"
    )
    return done.stdout


@frozen
class Store:
    """Where buildah keeps its images."""

    directory: Path

    @property
    def words(self) -> tuple[str, ...]:
        """buildah with this store. Nothing it starts sees a network."""
        return (
            *("unshare", "--net", "buildah", "--storage-driver", "vfs"),
            *("--root", f"{self.directory}/root", "--runroot", f"{self.directory}/run"),
        )

    def run(self, *words: str | Path) -> str:
        return run(*self.words, *words)


@frozen
class Base:
    """A base image in a store; ``name`` has its digest."""

    store: Store
    name: str


def base_image(directory: Path, *, more: Iterable[tuple[str, str]] = ()) -> Base:
    """An image with this machine's dnf and rpm. ``more`` are scripts, as (path, text)."""
    tree = directory / "tree"
    _copy(tree)
    for path, text in (
        ("/etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
        ("/etc/group", "root:x:0:\n"),
        ("/etc/rpm/macros", "%_dbpath /var/lib/rpm\n"),
        ("/etc/yum.repos.d/own.repo", "[own]\nname=own\nbaseurl=http://127.0.0.1:9/\n"),
        *more,
    ):
        place = tree / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(0o755 if "bin/" in path else 0o644)
    store = Store(directory / "store")
    container = store.run("from", "scratch").strip()
    store.run("copy", "--quiet", container, tree, "/")
    store.run("commit", "--quiet", container, "localhost/machine:1")
    store.run("rm", container)
    shutil.rmtree(tree)
    listed = store.run("images", "--format", "{{.Digest}}", "localhost/machine:1").split()
    return Base(store, f"localhost/machine:1@{listed[0]}")


def _copy(tree: Path) -> None:
    """The files of some packages of this machine, and of what they need."""
    for name in ("bin", "sbin", "lib", "lib64"):
        (tree / "usr" / name).mkdir(parents=True)
        (tree / name).symlink_to(f"usr/{name}")
    for name in ("dev", "etc", "home", "proc", "root", "run", "sys", "tmp", "var/cache", "var/lib"):
        (tree / name).mkdir(parents=True)
    (tree / "var/log").mkdir()
    (tree / "tmp").chmod(0o1777)
    names = " ".join(_closure())
    listed = run("sh", "-c", f"dpkg-query -L {names}").splitlines()
    for path in sorted({line for line in listed if line.startswith("/")}):
        wanted = path.startswith(_WANTED) or not path.startswith(_UNWANTED)
        if wanted and (Path(path).is_file() or Path(path).is_symlink()):
            target = tree / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists() and not target.is_symlink():
                shutil.copy2(path, target, follow_symlinks=False)
    (tree / "usr/bin/sh").unlink(missing_ok=True)
    (tree / "usr/bin/sh").symlink_to("dash")
    run("ldconfig", "-r", str(tree))


def _closure() -> list[str]:
    """Debian's packages that are needed, without those that only installing Debian needs."""
    text = run("dpkg-query", "-W", "-f", "${Package}|${Pre-Depends}, ${Depends}|${Provides}\n")
    needs: dict[str, list[str]] = {}
    providers: dict[str, str] = {}
    for line in text.splitlines():
        name, rest = line.split("|", 1)
        depends, _, provides = rest.rpartition("|")
        needs[name] = [alternatives.split("|")[0] for alternatives in depends.split(",")]
        for provided in provides.split(","):
            providers.setdefault(provided.split("(")[0].strip(), name)
    found: set[str] = set()
    waiting = list(_PARTS)
    while waiting:
        wanted = waiting.pop().split("(")[0].split(":")[0].strip()
        name = wanted if wanted in needs else providers.get(wanted, "")
        if name and name not in found and not name.startswith(_LEFT_OUT):
            found.add(name)
            waiting += needs[name]
    return sorted(found)


# -- packages --------------------------------------------------------------------------------------


def make_rpms(plan: Plan, directory: Path) -> None:
    """Real RPM files of all packages of the runtime root, in a repository."""
    assert plan.builds is not None
    work = directory.parent / f"{directory.name}-made"
    work.mkdir(parents=True)
    spec = work / "small.spec"
    packages = plan.builds.runtime.packages
    made = ["%install", *map(_install, packages)]
    spec.write_text("\n".join([_HEAD, *map(_section, packages), *made, *map(_files, packages)]))
    run(
        *("rpmbuild", "-bb", "--quiet", "--target", plan.arch, "--nodeps"),
        *("--define", f"_topdir {work}", "--define", f"_rpmdir {directory}"),
        *("--define", "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm", str(spec)),
        SOURCE_DATE_EPOCH="1000000000",
    )
    shutil.rmtree(work)
    run("createrepo_c", "--quiet", "--general-compress-type=gz", str(directory))


_HEAD = """\
%global debug_package %{nil}
%global __os_install_post %{nil}
%define _build_id_links none
%define clamp_mtime_to_source_date_epoch 1
%define use_source_date_epoch_as_buildtime 1
%define _buildhost small
Name: small
Version: 1
Release: 1
Summary: Small
License: MIT
%description
"""


def _section(package: Package) -> str:
    lines = [
        f"%package -n {package.name}",
        f"Version: {package.version}",
        f"Release: {package.release}",
        f"Epoch: {package.epoch}",
        "Summary: Small",
        "License: MIT",
        "AutoReqProv: no",
    ]
    if package.arch == "noarch":
        lines.append("BuildArch: noarch")
    own = (f"{package.name} = ", f"{package.name}(")
    lines += [f"Provides: {text}" for text in package.provides if not text.startswith(own)]
    lines += [f"Requires: {text}" for text in package.requires if not text.startswith("rpmlib(")]
    lines += [f"Conflicts: {text}" for text in package.conflicts]
    return "\n".join([*lines, f"%description -n {package.name}", "."])


def _install(package: Package) -> str:
    place = f"%{{buildroot}}{_HOLDS}"
    lines = [
        f"mkdir -p {place} %{{buildroot}}/usr/bin",
        f"echo '{package.nevra}' > {place}/{package.name}",
    ]
    if package.name == "python3-app":
        script = _APP.format(holds=_HOLDS).replace("\n", "\\n")
        lines.append(f"printf '{script}' > %{{buildroot}}/usr/bin/app")
    return "\n".join(lines)


def _files(package: Package) -> str:
    more = ["%attr(0755,root,root) /usr/bin/app"] if package.name == "python3-app" else []
    return "\n".join([f"%files -n {package.name}", f"{_HOLDS}/{package.name}", *more])


def pinned(plan: Plan, directory: Path) -> Plan:
    """The plan with the checksums of the real files of what the base has."""
    assert plan.builds is not None
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.glob("*.rpm")
    }

    def one(package: Package) -> Package:
        name = f"{package.name}-{package.version}-{package.release}.{package.arch}.rpm"
        if not package.checksum:
            return package
        return evolve(package, checksum=f"sha256:{found[name]}" if name in found else "")

    def root(of: Root) -> Root:
        return evolve(of, packages=tuple(map(one, of.packages)))

    builds = plan.builds
    return evolve(
        plan,
        builds=evolve(builds, runtime=root(builds.runtime), roots=tuple(map(root, builds.roots))),
    )
