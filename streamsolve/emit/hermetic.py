"""What mock's ``--hermetic-build`` wants of a root beside its lock: its packages as a repository.

mock installs everything that is in the directory, checks neither signatures nor digests of it, and
reaches no network. So the files of a root are those that the lock names, each checked before, and
nothing else; the image that mock begins with lies beside them, if there is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from attrs import frozen

from ..errors import nearest
from ..model.build import BuildPlan
from ..model.rpm_header import RpmHeader
from .buildroot_lock import BuildrootLocks
from .dnf_conf import is_private
from .grammar import Grammar, Refusals, shown

__all__ = ["ALL_ROOTS", "HermeticRoots", "hermetic_directory", "hermetic_roots"]

ALL_ROOTS = "all"
"""Asks for every root whose files are there."""

_FILE = Grammar(
    re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+~^-]*\.rpm", re.ASCII), "the name of an RPM file", 240
)


@frozen
class HermeticRoots:
    """By root, the files of its packages, sorted; and what the roots that have to wait for builds
    still lack."""

    packages: Mapping[str, tuple[RpmHeader, ...]]
    waiting: Mapping[str, tuple[str, ...]]


def hermetic_directory(root: str) -> str:
    """Where the repository of a root lies."""
    return f"hermetic/{root}"


def hermetic_roots(
    builds: BuildPlan, locks: BuildrootLocks, wanted: Sequence[str], *, file: str = ""
) -> HermeticRoots:
    """The roots that can be made of the files at hand; ``wanted`` are ids, or ``all``.

    Raises :class:`InputErrors` (``NOT_EMITTED``) with every package whose file is not there, once
    for all roots that need it; with ``all``, a root that lacks only what has still to be built
    waits for that instead. So does it for unknown roots, and for file names that are none.
    """
    refusals = Refusals(file)
    known = [root.id for root in builds.roots]
    for id in sorted({*wanted} - {*known, ALL_ROOTS}):
        refusals.note(f"there is no build root {shown(id)}", "--hermetic", nearest(id, known))
    waiting: dict[str, tuple[str, ...]] = {}
    lacking: dict[str, list[str]] = {}
    for root in builds.roots:
        missing = locks.missing.get(root.id, ()) if {root.id, ALL_ROOTS} & {*wanted} else ()
        built = {package.nevra for package in root.packages if is_private(package)}
        if missing and root.id not in wanted and built.issuperset(missing):
            waiting[root.id] = missing
            continue
        for nevra in missing:
            lacking.setdefault(nevra, []).append(root.id)
    for nevra, roots in sorted(lacking.items()):
        more = f" and {len(roots) - 1} more" if len(roots) > 1 else ""
        refusals.note(f"its file is not there, which {roots[0]}{more} needs", nevra)
    packages = {
        id: locks.packages[id]
        for id in known
        if {id, ALL_ROOTS} & {*wanted} and id in locks.packages
    }
    for id, headers in packages.items():
        _check_files(id, headers, refusals)
    refusals.raise_if_any()
    return HermeticRoots(packages, waiting)


def _check_files(root: str, headers: Sequence[RpmHeader], refusals: Refusals) -> None:
    names: dict[str, RpmHeader] = {}
    for header in headers:
        refusals.check(header.file, _FILE, f"file {shown(header.file)}")
        if names.setdefault(header.file, header) != header:
            refusals.note(f"two packages have a file {shown(header.file)}", root)
