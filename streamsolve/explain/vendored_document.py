"""What the streams of a plan carry in their own source, as parts of JSON documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..model.schemas import shipped_schema
from ..model.vendored import Ecosystem, Vendored, VendoredPackage, licence_counts, vendored_digest

__all__ = ["LIST_SCHEMA", "listed_document", "listed_schema", "vendored_documents"]

LIST_SCHEMA = "streamsolve.vendored-list/1"


def listed_schema() -> Mapping[str, Any]:
    """The JSON Schema of what :func:`listed_document` makes."""
    return shipped_schema("vendored-list-1")


def listed_document(packages: Sequence[VendoredPackage]) -> Mapping[str, Any]:
    """Packages by themselves, of no plan."""
    return {
        "schema": LIST_SCHEMA,
        "digest": vendored_digest(packages),
        **_packages_document(packages),
    }


def vendored_documents(vendored: Iterable[Vendored]) -> list[Mapping[str, Any]]:
    """One for each component, sorted."""
    return [
        {
            "component": {"name": each.component.name, "kind": each.component.kind.value},
            "reason": each.reason or None,
            "digest": vendored_digest(each.packages),
            **_packages_document(each.packages),
        }
        for each in sorted(vendored, key=lambda one: one.component)
    ]


def _packages_document(packages: Sequence[VendoredPackage]) -> Mapping[str, Any]:
    """Counts, licences and the packages themselves, sorted."""
    of = {kind.value: sum(each.ecosystem is kind for each in packages) for kind in Ecosystem}
    return {
        "counts": {
            **of,
            "development": sum(each.development for each in packages),
            "unknown": sum(not each.licence for each in packages),
        },
        "licences": [
            {"licence": licence, "packages": number} for licence, number in licence_counts(packages)
        ],
        "packages": [_package(each) for each in sorted(packages)],
    }


def _package(package: VendoredPackage) -> Mapping[str, Any]:
    return {
        "ecosystem": package.ecosystem.value,
        "name": package.name,
        "version": package.version,
        "source": package.source or None,
        "purl": package.purl,
        "licence": package.licence or None,
        "licence_of": package.licence_of or None,
        "checksum": package.checksum or None,
        "development": package.development,
    }
