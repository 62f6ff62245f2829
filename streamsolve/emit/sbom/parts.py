"""The parts of a bill, their relations, and the package URLs that name them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import frozen

from ...errors import Code, InputError
from ...model.package import Package

__all__ = [
    "Bill",
    "Part",
    "PartKind",
    "Relation",
    "RelationKind",
    "is_package_url",
    "package_url",
    "rpm_url",
]


class PartKind(Enum):
    """What a part is."""

    APPLICATION = "application"
    PACKAGE = "package"
    SOURCE = "source"
    VENDORED = "vendored"


class RelationKind(Enum):
    """How one part stands to another: what it holds, needs, was made from, or was built with."""

    CONTAINS = "contains"
    DEPENDS_ON = "depends-on"
    GENERATED_FROM = "generated-from"
    BUILT_WITH = "built-with"

    def __lt__(self, other: RelationKind) -> bool:
        return self.value < other.value


@frozen
class Part:
    """``ref`` is unique in the bill and says what it is: ``package:bash.x86_64``,
    ``source:torch@2.14.0``. ``licence`` is an SPDX expression and ``licence_text`` what is said
    where that is none; both are empty where nothing is known. ``sha256`` is hexadecimal, of the
    file called ``filename``; of what is vendored it is that of the archive which its registry has,
    for which ``sha512`` may stand instead. ``runs`` says that it lies in the image."""

    ref: str
    kind: PartKind
    name: str
    version: str
    purl: str
    licence: str = ""
    licence_text: str = ""
    sha256: str = ""
    filename: str = ""
    runs: bool = True
    note: str = ""
    sha512: str = ""


@frozen(order=True)
class Relation:
    """``this`` contains, depends on, … ``other``; both are refs."""

    this: str
    kind: RelationKind
    other: str


@frozen
class Bill:
    """All parts, the application first and the others sorted by their refs; relations sorted.

    ``id`` follows from the lock's digest and what else is in the bill. ``epoch`` is the time that
    it says it was made, in seconds.
    """

    id: uuid.UUID
    name: str
    epoch: int
    application: Part
    parts: tuple[Part, ...]
    relations: tuple[Relation, ...]


# -- package URLs ----------------------------------------------------------------------------------


def rpm_url(package: Package, evr: str, checksum: str, base: str) -> str:
    """The package URL of an RPM. ``base`` is whose package it is, which gives its vendor and its
    distribution; empty for a private one and a third party's."""
    epoch, _, version = evr.rpartition(":")
    qualifiers = {"arch": package.arch, "epoch": epoch.lstrip("0")}
    qualifiers["checksum"] = f"sha256:{checksum}" if checksum else ""
    qualifiers["distro"] = base
    return package_url("rpm", base.partition("-")[0], package.name, version, qualifiers)


def package_url(
    kind: str, namespace: str, name: str, version: str, qualifiers: Mapping[str, str] | None = None
) -> str:
    """A package URL; empty parts are left out. ``MISSING_TOOL`` without the library for it."""
    given = {key: value for key, value in (qualifiers or {}).items() if value}
    made = _package_url()(kind, namespace or None, name, version or None, given or None)
    return str(made.to_string())


def _package_url() -> Any:  # noqa: ANN401 - a class of a library that may not be there
    try:
        from packageurl import PackageURL
    except ModuleNotFoundError:
        raise InputError(
            Code.MISSING_TOOL,
            "a bill of materials needs the Python module packageurl",
            hint="install streamsolve[sbom]",
        ) from None
    return PackageURL


def is_package_url(text: str) -> bool:
    """Whether a text is a package URL."""
    try:
        _package_url().from_string(text)
    except ValueError:
        return False
    return True
