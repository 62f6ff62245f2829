"""Bills of materials of a lock: every package and every source, as SPDX and as CycloneDX."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import Code, InputError
from .bill import bill_of
from .parts import Bill, Part, PartKind, Relation, RelationKind

__all__ = [
    "CYCLONEDX",
    "SPDX",
    "Bill",
    "Part",
    "PartKind",
    "Relation",
    "RelationKind",
    "bill_of",
    "emit_sbom",
]

SPDX = "sbom.spdx.json"
CYCLONEDX = "sbom.cdx.json"


def emit_sbom(bill: Bill) -> Mapping[str, bytes]:
    """The files by path, sorted. ``MISSING_TOOL`` where a format's library is not installed."""
    try:
        from .cyclonedx import cyclonedx_json
        from .spdx import spdx_json

        return {CYCLONEDX: cyclonedx_json(bill), SPDX: spdx_json(bill)}
    except ModuleNotFoundError as error:
        raise InputError(
            Code.MISSING_TOOL,
            f"a bill of materials needs the Python module {error.name}",
            hint="install streamsolve[sbom]",
        ) from None
