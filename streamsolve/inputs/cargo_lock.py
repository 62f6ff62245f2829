"""``Cargo.lock``, versions 1 to 4: which crates an application is built from.

A package without a source is the application's own, a member of its workspace or a crate beside
it; all others are vendored. The lock does not say which are for tests alone, so none counts as for
development.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from ..errors import Code, ErrorCollector, Place
from ..model.vendored import Ecosystem, VendoredPackage
from .tables import Table, Unreadable
from .vendored_words import (
    git_source,
    join,
    read_checksum,
    read_package_version,
    read_vendored_name,
    shown,
    toml_document,
)

__all__ = ["CargoLock", "parse_cargo_lock"]

_NEWEST = 4
_REGISTRIES = ("registry+", "sparse+", "local-registry+", "directory+")


@frozen
class CargoLock:
    """A lock that was read. ``packages`` are what is vendored, ``members`` the (name, version) of
    the application's own crates; both are sorted. ``version`` is that of the format."""

    version: int
    packages: tuple[VendoredPackage, ...]
    members: tuple[tuple[str, str], ...]


def parse_cargo_lock(text: str, *, file: str) -> CargoLock:
    """Read a lock; ``file`` is what places call it. :class:`InputErrors` with every fault."""
    faults = ErrorCollector(Code.BROKEN_FOREIGN_LOCK)
    top = Table(toml_document(text, file=file), faults)
    rows = list(top.tables("package"))
    if isinstance(top.data.get("root"), dict):
        # Locks from before workspaces have the application in a table of its own.
        rows.append(top.table("root"))
    checksums = _old_checksums(top)
    vendored: list[VendoredPackage] = []
    members: list[tuple[str, str]] = []
    for row in rows:
        name = row.value("name", lambda text, _: read_vendored_name(Ecosystem.CARGO, text), "")
        version = row.value("version", lambda text, _: read_package_version(text), "0.0.0")
        if row.kind("source") is None:
            members.append((name, version))
            continue
        found = _vendored(row, name, version, checksums)
        if found is not None:
            vendored.append(found)
    of_format = _format(top, old=bool(checksums))
    _check_twice(rows, faults)
    faults.raise_if_any(f"{file} is no Cargo.lock that can be used")
    return CargoLock(of_format, join(vendored, file=file), tuple(sorted(set(members))))


def _format(top: Table, *, old: bool) -> int:
    """The version of the format; 1 and 2 do not say theirs."""
    found = top.number("version", 1 if old else 2)
    if found > _NEWEST:
        top.fault(
            f"version {shown(found)} of the format is not known",
            "version",
            hint=f"1 to {_NEWEST} are",
        )
    return found


def _old_checksums(top: Table) -> Mapping[str, Any]:
    """Those of version 1, by name, version and source as one text."""
    found = top.data.get("metadata")
    if not isinstance(found, dict):
        return {}
    return {key.removeprefix("checksum "): value for key, value in found.items()}


def _vendored(
    row: Table, name: str, version: str, old: Mapping[str, Any]
) -> VendoredPackage | None:
    written = row.text("source")
    if not written.startswith(_REGISTRIES):
        source = row.value("source", _read_git, "")
        return VendoredPackage(Ecosystem.CARGO, name, version, source)
    key = "checksum"
    digest = row.text(key, "")
    if not digest:
        stated = old.get(f"{name} {version} ({written})", "")
        digest = stated if isinstance(stated, str) and stated != "<none>" else ""
    try:
        checksum = read_checksum(f"sha256:{digest}") if digest else ""
    except Unreadable as error:
        row.fault(error.message, key, hint=error.hint)
        return None
    return VendoredPackage(Ecosystem.CARGO, name, version, checksum=checksum)


def _read_git(text: str, _place: Place) -> str:
    match = re.fullmatch(r"(git\+[^#]*)#([^#]*)", text)
    if match is None:
        raise Unreadable(f"{shown(text)} is neither a registry nor a git repository at a commit")
    return git_source(match[1], match[2])


def _check_twice(rows: list[Table], faults: ErrorCollector) -> None:
    """Cargo tells packages apart by name, version and source."""
    seen: set[tuple[str, str, str]] = set()
    for row in rows:
        name, version, source = (
            str(row.data.get(key, "")) for key in ("name", "version", "source")
        )
        if (name, version, source) in seen and not faults.errors:
            faults.add(f"{shown(name)} {shown(version)} is there twice", row.place("name"))
        seen.add((name, version, source))
