"""Debian's packages as ``debootstrap`` installs and configures them, with what each of them owns.

What the configuration of the packages made (links, ``/etc/passwd``) belongs to the owner of what it
points to, or to ``small-setup``. So no package needs a script to be installed.
"""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from attrs import evolve, frozen

from .commands import rpm_environment, run_logged

__all__ = ["SETUP", "Unpacked", "read_packages", "unpack", "with_the_rest"]

SETUP = "small-setup"
"""The package of what belongs to no other."""

_UNWANTED = re.compile(
    r"/usr/share/(?:doc|info|lintian|locale|man|zoneinfo)(?:/|$)"
    r"|/var/(?:cache|lib/apt|lib/dpkg|lib/systemd|log)/."
    r"|/etc/(?:apt/sources\.list|environment|fstab|hostname|resolv\.conf|[a-z]+-|\.pwd\.lock)$"
    r"|/etc/ld\.so\.cache$|/etc/alternatives/.*\.gz$|/(?:dev|proc|sys|tmp)(?:/|$)"
)
_MERGED = re.compile(r"/(?:bin|lib|lib32|lib64|libx32|sbin)(?=/|$)")
_LINKS = 20


@frozen
class Unpacked:
    """A package as it lies in the tree. ``depends`` are alternatives by name, one of which has to
    be there; ``paths`` are what it owns, directories included."""

    name: str
    version: str
    architecture: str
    essential: bool = False
    depends: tuple[tuple[str, ...], ...] = ()
    provides: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


def unpack(tree: Path, included: Sequence[str], log: Path) -> None:
    """Install a minimal Debian and those packages into a directory, with the mirror and the release
    that this machine's own apt is set up for."""
    mirror, release = _own_release()
    packages = f"--include={','.join(included)}"
    run_logged(
        ["debootstrap", "--variant=minbase", packages, release, str(tree), mirror],
        log,
        environment=rpm_environment(log.parent),
    )


def _own_release() -> tuple[str, str]:
    """The mirror and the code name of the Debian that this machine's apt knows first."""
    fields = ("ORIGIN", "LABEL", "COMPONENT", "CODENAME", "REPO_URI")
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "|".join(f"$({name})" for name in fields)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    for line in listed.stdout.splitlines():
        origin, label, component, codename, address = line.split("|")
        if (origin, label, component) == ("Debian", "Debian", "main") and "-" not in codename:
            return address, codename
    raise AssertionError("apt knows no release of Debian: run apt-get update")


def read_packages(tree: Path) -> list[Unpacked]:
    """All packages of a tree, by name."""
    fields = ("Package", "Version", "Architecture", "Essential", "Depends", "Pre-Depends")
    layout = "\\t".join(f"${{{name}}}" for name in (*fields, "Provides"))
    database = tree / "var/lib/dpkg"
    listed = subprocess.run(
        ["dpkg-query", f"--admindir={database}", "-W", "-f", f"{layout}\\n"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = []
    for line in listed.stdout.splitlines():
        name, version, architecture, essential, depends, before, provides = line.split("\t")
        info = database / "info"
        [paths] = [p for p in (info / f"{name}.list", *info.glob(f"{name}:*.list")) if p.is_file()]
        found.append(
            Unpacked(
                name,
                version,
                architecture,
                essential == "yes",
                tuple(_alternatives(text) for text in _parts(f"{before},{depends}")),
                tuple(text.split()[0] for text in _parts(provides)),
                tuple(_existing(paths.read_text().splitlines(), tree)),
            )
        )
    return found


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _alternatives(text: str) -> tuple[str, ...]:
    """``a (>= 1) | b:any`` as names."""
    return tuple(part.split()[0].partition(":")[0] for part in text.split("|"))


def _existing(paths: Iterable[str], tree: Path) -> Iterable[str]:
    """Those that are there and wanted, as they lie below ``/usr``."""
    for path in map(_merged, paths):
        wanted = path not in ("/", "/.") and not _UNWANTED.match(path)
        if wanted and os.path.lexists(f"{tree}{path}"):
            yield path


def _merged(path: str) -> str:
    """``/bin/x`` is ``/usr/bin/x``."""
    return f"/usr{path}" if _MERGED.match(path) else path


# -- what no package of Debian's owns --------------------------------------------------------------


def with_the_rest(
    packages: Iterable[Unpacked], tree: Path, ours: Mapping[str, str]
) -> list[Unpacked]:
    """The packages with the files that configuring them made, and one with those of nobody.

    ``ours`` are the packages of files that were put into the tree, by path; what is no package of
    Debian's becomes one.
    """
    known = {each.name: each for each in packages}
    owners = {path: each.name for each in known.values() for path in each.paths}
    more: dict[str, list[str]] = {}
    for path in _all_paths(tree):
        if path not in owners and not _UNWANTED.match(path):
            name = ours.get(path) or owners.get(_meant(path, tree), SETUP)
            more.setdefault(name, []).append(path)
    for name in more.keys() - known.keys():
        known[name] = Unpacked(name, "1", "all")
    return [evolve(each, paths=(*each.paths, *more.get(name, ()))) for name, each in known.items()]


def _all_paths(tree: Path) -> Iterable[str]:
    """Everything in the tree but directories that hold something; links are not followed."""
    for directory, names, files in os.walk(tree):
        inside = directory.removeprefix(str(tree))
        links = [name for name in names if Path(directory, name).is_symlink()]
        if _UNWANTED.match(inside):
            names.clear()
            continue
        yield from (f"{inside}/{name}" for name in sorted([*files, *links]))


def _meant(path: str, tree: Path) -> str:
    """What belongs to the same package: the file that a link points to in the end, or the source of
    compiled Python; empty for a link to a directory, which many packages share."""
    directory, _, name = path.rpartition("/")
    if directory.endswith("/__pycache__"):
        return f"{directory.removesuffix('/__pycache__')}/{name.partition('.')[0]}.py"
    for _ in range(_LINKS):
        found = Path(f"{tree}{path}")
        if not found.is_symlink():
            break
        target = posixpath.join(posixpath.dirname(path), str(found.readlink()))
        path = _merged(posixpath.normpath(target))
    return "" if Path(f"{tree}{path}").is_dir() else path
