"""What was built as JSON documents: ``streamsolve.artifacts/1`` compares it with a lock, and
``streamsolve.gpu-code/1`` says what GPU code files have.

They are complete and stable to the byte; what there is not is empty. The schemas are in
``streamsolve/schemas/artifacts-1.schema.json``.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..model.artifacts import ArtifactCheck, Finding
from ..model.gpu import GpuFile
from ..model.schemas import shipped_schema
from .artifacts_text import finding_sentence
from .document import Document

__all__ = ["artifacts_document", "artifacts_schema", "gpu_code_document"]


def artifacts_schema() -> Document:
    """The JSON Schema of these documents."""
    return shipped_schema("artifacts-1")


def artifacts_document(found: ArtifactCheck, file: str, directory: str) -> Document:
    """Whether what was built is what a lock has."""
    return {
        "schema": "streamsolve.artifacts/1",
        "file": file,
        "directory": directory,
        "holds": found.holds,
        "packages": found.packages,
        "wheels": found.wheels,
        "files": found.files,
        "wanted": list(found.wanted),
        "faults": [_finding(each) for each in found.faults],
        "told": [_finding(each) for each in found.findings if not each.kind.is_fault],
        "streams": [
            {
                "stream": each.stream,
                "artifacts": list(each.artifacts),
                "architectures": list(each.architectures),
            }
            for each in found.streams
        ],
        "unseen": [
            {"what": each.what, "number": each.number, "why": each.why} for each in found.unseen
        ],
    }


def _finding(finding: Finding) -> Document:
    return {
        "kind": finding.kind.value,
        "stream": finding.stream,
        "artifact": finding.artifact,
        "subject": finding.subject,
        "planned": finding.planned,
        "found": finding.found,
        "root": finding.root,
        "files": list(finding.files),
        "text": finding_sentence(finding),
    }


def gpu_code_document(found: Sequence[tuple[str, Sequence[GpuFile]]]) -> Document:
    """By file on disk, the files with GPU code in it."""
    return {
        "schema": "streamsolve.gpu-code/1",
        "files": [
            {
                "file": name,
                "members": [
                    {
                        "path": file.path,
                        "code": [
                            {
                                "architecture": code.architecture,
                                "kind": code.kind.value,
                                "pieces": code.pieces,
                            }
                            for code in file.code
                        ],
                    }
                    for file in files
                ],
            }
            for name, files in found
        ],
    }
