"""Which RPM file is which package of a root: of a private one, only the version was planned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from attrs import frozen

from ..model.build import Root
from ..model.package import Package
from ..model.rpm_header import RpmHeader
from . import grammar
from .dnf_conf import is_at_hand, is_private, planned_versions
from .grammar import Refusals

__all__ = ["LockedFile", "locked_files"]

_SHA256 = "sha256:"


@frozen(order=True)
class LockedFile:
    """An RPM file: its header, and its path below the directory that it was found in."""

    header: RpmHeader
    path: PurePosixPath

    @property
    def nevra(self) -> str:
        """``name-[epoch:]version-release.architecture``, as the file has it."""
        return f"{self.header.name}-{self.header.evr}.{self.header.arch}"


def locked_files(
    root: Root, files: Iterable[LockedFile], refusals: Refusals
) -> tuple[Mapping[str, LockedFile], tuple[str, ...]]:
    """The file of each package of a root by its name-evr.arch in the lock, and those without one.

    Notes a file that is not the locked one, and two different files of one package.
    """
    named: dict[str, list[LockedFile]] = {}
    for file in sorted(files):
        named.setdefault(file.header.name, []).append(file)
    found, missing = {}, []
    for package in root.packages:
        fitting = [f for f in named.get(package.name, ()) if _fits(f.header, package, root)]
        if not fitting:
            missing.append(package.nevra)
            continue
        _check(package, fitting, refusals)
        found[package.nevra] = fitting[0]
    return found, tuple(missing)


def _check(package: Package, fitting: list[LockedFile], refusals: Refusals) -> None:
    shown = grammar.shown(package.nevra)
    if len({file.header.sha256 for file in fitting}) > 1:
        names = ", ".join(sorted(grammar.shown(str(file.path)) for file in fitting))
        refusals.note(
            f"{shown} has several files: {names}",
            "runtime",
            "leave one: what a bootstrap pass made is only for building",
        )
    expected = package.checksum.removeprefix(_SHA256)
    if package.checksum.startswith(_SHA256) and fitting[0].header.sha256 != expected:
        refusals.note(
            f"{grammar.shown(str(fitting[0].path))} is not the file that was locked: its sha256 "
            "is another",
            "runtime",
        )


def _fits(header: RpmHeader, package: Package, root: Root) -> bool:
    """Whether a file is of a package. A third party's that no repository had may be of any version:
    only its name was planned."""
    if is_at_hand(package):
        return (header.evr, header.arch) == (package.evr, package.arch)
    if not is_private(package):
        return True
    return any(fnmatchcase(header.version, version) for version in planned_versions(package, root))
