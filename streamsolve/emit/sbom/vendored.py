"""The parts of a bill that are vendored: crates and npm packages inside the packages of streams."""

from __future__ import annotations

import re

from ...model.component import Component
from ...model.vendored import VendoredPackage
from ..grammar import Refusals, shown
from .licences import expression
from .parts import Part, PartKind

__all__ = ["check_checksum", "vendored_part"]

_CHECKSUM = re.compile(r"(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})?", re.ASCII)


def check_checksum(package: VendoredPackage, path: str, refusals: Refusals) -> None:
    """Note a checksum that is none."""
    if not _CHECKSUM.fullmatch(package.checksum):
        refusals.note(f"{shown(package.checksum)} is no sha256 or sha512", path)


def vendored_part(component: Component, package: VendoredPackage, *, runs: bool) -> Part:
    """One package that the stream of a component carries. ``runs`` says that the stream's package
    lies in the image."""
    licence, text = expression(package.licence)
    algorithm, _, digest = package.checksum.partition(":")
    commit = f"#{package.source.rpartition('#')[2]}" if package.source else ""
    named = f"{package.ecosystem.value}/{package.name}@{package.version}{commit}"
    return Part(
        f"vendored:{component.spelled}/{named}",
        PartKind.VENDORED,
        package.name,
        package.version,
        package.purl,
        licence,
        text,
        sha256=digest if algorithm == "sha256" else "",
        runs=runs,
        note=f"The licence is that of version {package.licence_of}." if package.licence_of else "",
        sha512=digest if algorithm == "sha512" else "",
    )
