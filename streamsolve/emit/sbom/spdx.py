"""A bill as SPDX 2.3, in JSON, written by the project's own library."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .licences import references
from .parts import Bill, Part, PartKind, Relation, RelationKind

if TYPE_CHECKING:
    from spdx_tools.spdx.model import Document

__all__ = ["spdx_document", "spdx_json"]

_UNSAFE = re.compile(r"[^A-Za-z0-9.-]")
_DOCUMENT = "SPDXRef-DOCUMENT"
_CREATOR = "streamsolve"


def spdx_json(bill: Bill) -> bytes:
    """The document as text. ``MISSING_TOOL`` without the library."""
    from spdx_tools.spdx.writer.json import json_writer

    stream = io.StringIO()
    # What it would look for again was not put in twice, and validating is for tests.
    json_writer.write_document_to_stream(
        spdx_document(bill), stream, validate=False, drop_duplicates=False
    )
    return (stream.getvalue() + "\n").encode("ascii")


def spdx_document(bill: Bill) -> Document:
    """The document as the library's value. It says that it was made at the bill's time."""
    from spdx_tools.spdx.model import (
        Actor,
        ActorType,
        CreationInfo,
        Document,
        ExtractedLicensingInfo,
        Relationship,
        RelationshipType,
    )

    parts = (bill.application, *bill.parts)
    ids = _ids(parts)
    info = CreationInfo(
        spdx_version="SPDX-2.3",
        spdx_id=_DOCUMENT,
        name=bill.name,
        document_namespace=f"https://spdx.org/spdxdocs/{bill.name}-{bill.id}",
        creators=[Actor(ActorType.TOOL, _CREATOR)],
        created=datetime.fromtimestamp(bill.epoch, UTC).replace(tzinfo=None),
    )
    listed = sorted({each for part in parts for each in references(part.licence)})
    return Document(
        info,
        packages=[_package(part, ids[part.ref]) for part in parts],
        relationships=[
            Relationship(_DOCUMENT, RelationshipType.DESCRIBES, ids[bill.application.ref]),
            *(_relationship(relation, ids) for relation in bill.relations),
        ],
        extracted_licensing_info=[
            ExtractedLicensingInfo(each, f"The licence that is called {each}.") for each in listed
        ],
    )


def _ids(parts: tuple[Part, ...]) -> Mapping[str, str]:
    """An id for each part: its ref with letters that SPDX allows, and a number where two agree."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for part in parts:
        plain = wanted = f"SPDXRef-{_UNSAFE.sub('-', part.ref)}"
        number = 1
        while wanted in taken:
            number += 1
            wanted = f"{plain}-{number}"
        taken.add(wanted)
        found[part.ref] = wanted
    return found


def _relationship(relation: Relation, ids: Mapping[str, str]) -> Any:  # noqa: ANN401
    from spdx_tools.spdx.model import Relationship, RelationshipType

    this, other = ids[relation.this], ids[relation.other]
    match relation.kind:
        case RelationKind.CONTAINS:
            return Relationship(this, RelationshipType.CONTAINS, other)
        case RelationKind.DEPENDS_ON:
            return Relationship(this, RelationshipType.DEPENDS_ON, other)
        case RelationKind.GENERATED_FROM:
            return Relationship(this, RelationshipType.GENERATED_FROM, other)
    return Relationship(other, RelationshipType.BUILD_TOOL_OF, this)


def _package(part: Part, id: str) -> Any:  # noqa: ANN401
    from spdx_tools.spdx.model import (
        Checksum,
        ChecksumAlgorithm,
        ExternalPackageRef,
        ExternalPackageRefCategory,
        Package,
        PackagePurpose,
        SpdxNoAssertion,
    )

    purpose = {
        PartKind.APPLICATION: PackagePurpose.APPLICATION,
        PartKind.PACKAGE: PackagePurpose.LIBRARY,
        PartKind.SOURCE: PackagePurpose.SOURCE,
        PartKind.VENDORED: PackagePurpose.LIBRARY,
    }
    purl = ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", part.purl)
    return Package(
        id,
        part.name,
        SpdxNoAssertion(),
        version=part.version,
        file_name=part.filename or None,
        files_analyzed=False,
        checksums=[
            Checksum(algorithm, digest)
            for algorithm, digest in (
                (ChecksumAlgorithm.SHA256, part.sha256),
                (ChecksumAlgorithm.SHA512, part.sha512),
            )
            if digest
        ],
        license_concluded=SpdxNoAssertion(),
        license_declared=_licence(part.licence),
        license_comment=f"It is said to be: {part.licence_text}" if part.licence_text else None,
        copyright_text=SpdxNoAssertion(),
        comment=part.note or None,
        external_references=[purl] if part.purl else [],
        primary_package_purpose=purpose[part.kind],
    )


def _licence(text: str) -> Any:  # noqa: ANN401 - the library has no name for an expression
    from spdx_tools.common.spdx_licensing import spdx_licensing
    from spdx_tools.spdx.model import SpdxNoAssertion

    return spdx_licensing.parse(text) if text else SpdxNoAssertion()
