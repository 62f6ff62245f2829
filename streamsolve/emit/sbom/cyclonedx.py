"""A bill as CycloneDX 1.6, in JSON, written by the project's own library."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .parts import Bill, Part, PartKind, RelationKind

if TYPE_CHECKING:
    from cyclonedx.model.bom import Bom

__all__ = ["cyclonedx_bom", "cyclonedx_json"]


def cyclonedx_json(bill: Bill) -> bytes:
    """The document as text."""
    from cyclonedx.output.json import JsonV1Dot6

    text = JsonV1Dot6(cyclonedx_bom(bill)).output_as_string(indent=1)
    return (text + "\n").encode()


def cyclonedx_bom(bill: Bill) -> Bom:
    """The document as the library's value. What lies in build roots only has the scope
    ``excluded``; what a package has vendored is inside it; which source a package was made from is
    an external reference of it, and what its build had a property, since the format's dependencies
    are about what runs."""
    from cyclonedx.model.bom import Bom, BomMetaData

    links: dict[str, dict[RelationKind, list[str]]] = {}
    for relation in bill.relations:
        links.setdefault(relation.this, {}).setdefault(relation.kind, []).append(relation.other)
    by_ref = {part.ref: part for part in bill.parts}
    components = [
        _component(part, links.get(part.ref, {}), by_ref)
        for part in bill.parts
        if part.kind is not PartKind.VENDORED
    ]
    application = _component(bill.application, links.get(bill.application.ref, {}), by_ref)
    return Bom(
        components=components,
        serial_number=bill.id,
        metadata=BomMetaData(
            component=application, timestamp=datetime.fromtimestamp(bill.epoch, UTC)
        ),
        dependencies=_dependencies(bill),
    )


def _dependencies(bill: Bill) -> Iterator[Any]:
    from cyclonedx.model.bom_ref import BomRef
    from cyclonedx.model.dependency import Dependency

    kinds = (RelationKind.CONTAINS, RelationKind.DEPENDS_ON)
    needs: dict[str, list[str]] = {part.ref: [] for part in (bill.application, *bill.parts)}
    for relation in bill.relations:
        if relation.kind in kinds:
            needs[relation.this].append(relation.other)
    for ref, others in needs.items():
        yield Dependency(BomRef(ref), (Dependency(BomRef(other)) for other in others))


def _component(part: Part, links: dict[RelationKind, list[str]], parts: dict[str, Part]) -> Any:  # noqa: ANN401
    from cyclonedx.model import HashAlgorithm, HashType, Property
    from cyclonedx.model.component import Component, ComponentScope, ComponentType
    from packageurl import PackageURL

    said = [
        ("streamsolve:kind", part.kind.value),
        ("streamsolve:file", part.filename),
        ("streamsolve:note", part.note),
        *(("streamsolve:built-with", ref) for ref in links.get(RelationKind.BUILT_WITH, ())),
        *(("streamsolve:source", ref) for ref in links.get(RelationKind.GENERATED_FROM, ())),
    ]
    is_application = part.kind is PartKind.APPLICATION
    runs = part.runs and part.kind is not PartKind.SOURCE
    return Component(
        name=part.name,
        version=part.version,
        type=ComponentType.APPLICATION if is_application else ComponentType.LIBRARY,
        bom_ref=part.ref,
        scope=None
        if is_application
        else (ComponentScope.REQUIRED if runs else ComponentScope.EXCLUDED),
        purl=PackageURL.from_string(part.purl) if part.purl else None,
        hashes=[
            HashType(alg=algorithm, content=digest)
            for algorithm, digest in (
                (HashAlgorithm.SHA_256, part.sha256),
                (HashAlgorithm.SHA_512, part.sha512),
            )
            if digest
        ],
        licenses=_licences(part),
        components=[
            _component(parts[ref], {}, parts)
            for ref in links.get(RelationKind.CONTAINS, ())
            if parts.get(ref, part).kind is PartKind.VENDORED
        ],
        properties=[Property(name=name, value=value) for name, value in said if value],
        external_references=_references(links, parts),
    )


def _licences(part: Part) -> list[Any]:
    from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression

    if part.licence:
        return [LicenseExpression(part.licence)]
    return [DisjunctiveLicense(name=part.licence_text)] if part.licence_text else []


def _references(links: dict[RelationKind, list[str]], parts: dict[str, Part]) -> Iterator[Any]:
    """Where a part's sources are, by package URL."""
    from cyclonedx.model import (
        ExternalReference,
        ExternalReferenceType,
        HashAlgorithm,
        HashType,
        XsUri,
    )

    for ref in links.get(RelationKind.GENERATED_FROM, ()):
        source = parts[ref]
        if source.purl:
            yield ExternalReference(
                type=ExternalReferenceType.SOURCE_DISTRIBUTION,
                url=XsUri(source.purl),
                comment=source.filename or None,
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=source.sha256)]
                if source.sha256
                else (),
            )
