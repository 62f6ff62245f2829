"""Licences of crates from a directory that ``cargo vendor`` made: read with limits, never run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from ..errors import Code, ErrorCollector, InputError, Place
from ..model.vendored_licence import spdx_licence
from .vendored_words import read_bounded, shown, toml_document

__all__ = ["CargoManifest", "parse_cargo_manifest", "read_cargo_licences"]

_MANIFEST = "Cargo.toml"
_LARGEST = 4 << 20
_MOST = 50_000


@frozen
class CargoManifest:
    """What a crate says of itself. ``licence`` is an SPDX expression; for a crate that only has a
    file, ``LicenseRef-`` with the crate's name and the file's; empty where it says nothing."""

    name: str
    version: str
    licence: str


def parse_cargo_manifest(text: str, *, file: str) -> CargoManifest:
    """Read a ``Cargo.toml``. :class:`InputError` for what is no TOML, or has no ``[package]``.

    A value that is taken from a workspace (``version.workspace = true``) counts as not said.
    """
    document = toml_document(text, file=file)
    package = document.data.get("package", document.data.get("project"))
    if not isinstance(package, dict):
        raise InputError(Code.BROKEN_FOREIGN_LOCK, "it has no [package]", place=Place(file, 1))
    said = {
        key: value if isinstance(value := package.get(key), str) else ""
        for key in ("name", "version", "license", "license-file")
    }
    licence = spdx_licence(said["license"])
    if not licence and said["license-file"]:
        licence = spdx_licence(f"{said['name']} {said['license-file'].rpartition('/')[2]}")
    return CargoManifest(said["name"], said["version"], licence)


def read_cargo_licences(directory: Path) -> Mapping[tuple[str, str], str]:
    """The licences by (name, version) of all crates in ``directory/vendor``, or in ``directory``
    where that is such a directory itself; none where there is none. Those that say nothing are left
    out. :class:`InputErrors` with every crate that cannot be read."""
    faults = ErrorCollector(Code.BROKEN_FOREIGN_LOCK)
    top = directory / "vendor" if (directory / "vendor").is_dir() else directory
    found: dict[tuple[str, str], str] = {}
    manifests = sorted(top.glob(f"*/{_MANIFEST}"))
    if len(manifests) > _MOST:
        raise InputError(
            Code.BROKEN_FOREIGN_LOCK, f"more than {_MOST} crates", place=Place(str(top.name))
        )
    for path in manifests:
        with faults.collect():
            place = str(path.relative_to(directory))
            manifest = parse_cargo_manifest(
                read_bounded(path, _LARGEST, top, shown_as=place), file=place
            )
            if manifest.licence:
                found[(manifest.name, manifest.version)] = manifest.licence
    faults.raise_if_any(f"the crates in {shown(top.name)} cannot be read")
    return found
