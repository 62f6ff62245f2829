"""Specs for private streams: a plan and what was read of each stream in, files out."""

from __future__ import annotations

from ...model.project import ProjectFacts
from .emitted import EmittedSpec, EmittedSpecs, SpecKind
from .emitting import emit_specs
from .materials import (
    NO_MATERIAL,
    GivenSpec,
    SpecMaterials,
    StreamMaterial,
    UpstreamFile,
)

__all__ = [
    "NO_MATERIAL",
    "EmittedSpec",
    "EmittedSpecs",
    "GivenSpec",
    "ProjectFacts",
    "SpecKind",
    "SpecMaterials",
    "StreamMaterial",
    "UpstreamFile",
    "emit_specs",
]
