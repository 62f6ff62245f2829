"""A small RPM distribution made from Debian's packages: one RPM for each, and a few of its own.

make_packages(tmp_path)     # tmp_path / "RPMS" has the files, a minute or two later

No package but our own needs a scriptlet, and a root works as soon as its files are there.
Requirements are Debian's, by name; provides are those that RPMs built in such a root ask for.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from attrs import evolve

from .commands import in_memory, rpm_environment, run_logged
from .debian import SETUP, Unpacked, read_packages, unpack, with_the_rest
from .macros import OWN_FILES

__all__ = ["ARCHITECTURE", "TOOLS", "make_packages"]

TOOLS = ("apt-get", "createrepo_c", "debootstrap", "dnf", "dpkg", "dpkg-query", "rpmbuild")
"""What the machine needs to make the distribution."""

ARCHITECTURE = os.uname().machine

INCLUDED = (
    *("bzip2", "cpio", "file", "g++", "gawk", "gcc", "make", "patch", "python3", "python3-dev"),
    *("python3-packaging", "python3-pip", "python3-setuptools", "python3-wheel"),
    *("rpm", "unzip", "xz-utils"),
)
"""What is in it beyond a minimal Debian and what that needs."""

# Fedora's names for what a build root starts from, and what they stand for here.
ESSENTIAL = "small-essential"
STAND_INS: Mapping[str, tuple[str, ...]] = {
    "gcc-c++": ("g++",),
    "glibc-minimal-langpack": ("libc6",),
    "info": (),
    "pyproject-rpm-macros": ("python3-packaging", "python3-pip", "small-rpm-macros"),
    "python3-devel": ("python3-dev",),
    "redhat-rpm-config": (ESSENTIAL, "small-rpm-macros"),
    "rpm-build": ("rpm", "file", "gcc", "libc6-dev", "make"),
    "shadow-utils": ("login", "passwd"),
    "which": ("debianutils",),
    "xz": ("xz-utils",),
}
# What Fedora's packages ask for, and these provide, by Debian's names.
_KNOWN: Mapping[str, tuple[str, ...]] = {
    "bash": ("/bin/bash",),
    "dash": ("/bin/sh",),
    "libc-bin": ("/sbin/ldconfig",),
    "libc6": ("rtld(GNU_HASH)",),
    "python3": ("/usr/bin/python3",),
}
_NEEDS: Mapping[str, tuple[str, ...]] = {
    # Without the links in it nothing finds its loader.
    "libc6": (SETUP,),
    "small-rpm-macros": ("rpm",),
}

_SHARED = ("/tmp", "/var/tmp")
"""Directories that no package of Debian's owns, and every root must have."""

_LIBRARY = re.compile(r"/lib[^/]*\.so\.[\d.]+$|/ld-linux[^/]*$")
_NO_VERSION = re.compile(r"[^A-Za-z0-9._+~]")
_DISTRIBUTION_INFO = re.compile(r"/dist-packages/([^/]+?)-([^/-]+)\.(?:dist|egg)-info(?:/|$)")


def make_packages(directory: Path) -> None:
    """Make all RPMs below ``directory``, which is empty; ``RPMS`` holds them afterwards."""
    with in_memory(directory / "tree") as tree:
        unpack(tree, INCLUDED, directory / "debootstrap.log")
        ours = _write_own_files(tree)
        packages = _with_stand_ins(with_the_rest(read_packages(tree), tree, ours))
        lists = directory / "lists"
        lists.mkdir()
        spec = directory / "small.spec"
        spec.write_text(_spec(packages, tree, lists))
        run_logged(
            ["rpmbuild", "-bb", "--noclean", f"--buildroot={tree}", str(spec)],
            directory / "rpmbuild.log",
            environment=rpm_environment(directory, f"%_rpmdir {directory}/RPMS"),
        )


def _write_own_files(tree: Path) -> dict[str, str]:
    """Put our own files into the tree; the package of each by its path."""
    packages = {}
    for name, files in OWN_FILES.items():
        for path, text in files.items():
            target = tree / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            target.chmod(0o755 if text.startswith("#!") else 0o644)
            packages[path] = name
    return packages


def _with_stand_ins(packages: Iterable[Unpacked]) -> list[Unpacked]:
    """The packages with what they need besides, and those that stand for others."""
    found = {each.name: each for each in packages}
    essential = sorted(name for name, each in found.items() if each.essential)
    needs = {ESSENTIAL: tuple(essential), **_NEEDS, **STAND_INS}
    for name, wanted in needs.items():
        known = found.get(name) or Unpacked(name, "1", "all")
        further = tuple((each,) for each in wanted)
        found[name] = evolve(known, depends=(*known.depends, *further))
    return list(found.values())


# -- the spec --------------------------------------------------------------------------------------

_HEAD = """\
Name: small
Version: 1
Release: 1
Summary: A small distribution made from Debian's packages
License: LicenseRef-Debian
AutoReqProv: no
%define _binary_payload w1.gzdio
%define _build_id_links none
%define _unpackaged_files_terminate_build 0
%define __os_install_post %{nil}
%description
One package for each of Debian's.
"""


def _spec(packages: list[Unpacked], tree: Path, lists: Path) -> str:
    """One spec for all: RPM then writes the packages in parallel."""
    names = {each.name for each in packages}
    providers: dict[str, str] = {name: name for name in sorted(names)}
    for each in packages:
        for virtual in each.provides:
            providers.setdefault(virtual, each.name)
    [python] = [each.version for each in packages if each.name == "python3"]
    series = ".".join(python.split(".")[:2])
    parts = [_HEAD]
    for each in packages:
        listed = lists / each.name
        listed.write_text("".join(f"{line}\n" for line in _entries(each, tree)))
        parts.append(_section(each, providers, series, listed))
    return "\n".join(parts)


def _section(package: Unpacked, providers: Mapping[str, str], series: str, listed: Path) -> str:
    epoch, version, release = _evr(package.version)
    needs = sorted({own for names in package.depends if (own := _first(names, providers))})
    lines = [
        f"%package -n {package.name}",
        f"Summary: {package.name} as Debian has it",
        f"Version: {version}",
        f"Release: {release}",
        *([f"Epoch: {epoch}"] if epoch else []),
        *(["BuildArch: noarch"] if package.architecture == "all" else []),
        f"AutoReq: no\nAutoProv: {'yes' if _has_library(package) else 'no'}",
        *(f"Requires: {name}" for name in needs if name != package.name),
        *(f"Provides: {text}" for text in _provides(package, version, series)),
        f"%description -n {package.name}",
        f"Made from Debian's package {package.name} {package.version}.",
        f"%files -n {package.name}{f' -f {listed}' if package.paths else ''}",
    ]
    return "\n".join(lines) + "\n"


def _evr(version: str) -> tuple[str, str, str]:
    """Debian's [epoch:]version[-revision] in RPM's letters."""
    epoch, _, rest = version.rpartition(":")
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "1")
    return epoch, _NO_VERSION.sub(".", upstream), _NO_VERSION.sub(".", revision)


def _first(names: Iterable[str], providers: Mapping[str, str]) -> str:
    """The first alternative that the distribution has."""
    return next((providers[name] for name in names if name in providers), "")


def _has_library(package: Unpacked) -> bool:
    return any(_LIBRARY.search(path) for path in package.paths)


def _provides(package: Unpacked, version: str, series: str) -> Iterable[str]:
    """What Debian's metadata cannot say and Fedora's would, sorted."""
    found = {*package.provides, *_KNOWN.get(package.name, ())} - {package.name}
    if package.name == "python3":
        found.add(f"python(abi) = {series}")
    for path in package.paths:
        if match := _DISTRIBUTION_INFO.search(path):
            name = match[1].lower().replace("_", "-")
            found |= {f"python{each}dist({name}) = {match[2]}" for each in ("3", series)}
    return sorted(found)


def _entries(package: Unpacked, tree: Path) -> Iterable[str]:
    """The lines of its list of files."""
    shared = _SHARED if package.name == SETUP else ()
    for path in sorted({*package.paths, *shared}):
        mode = os.lstat(f"{tree}{path}").st_mode
        directory = "%dir " if stat.S_ISDIR(mode) else ""
        yield f'{directory}"{path}"'
