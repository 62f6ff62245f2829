"""Frozen values: what flows from one stage to the next. No engine, no network, no files read."""

from __future__ import annotations

from .component import PYTHON, Component, Kind, Origin, Scope, distribution
from .package import Base, MetadataFile, Package, Repository, RpmMd
from .requirement import Requirement, parse_requirement, python_requirement, requirement_on
from .stream import Offer, Source, Stream
from .target import Target
from .upstream import Artifact, Release, ReleaseMetadata

__all__ = [
    "PYTHON",
    "Artifact",
    "Base",
    "Component",
    "Kind",
    "MetadataFile",
    "Offer",
    "Origin",
    "Package",
    "Release",
    "ReleaseMetadata",
    "Repository",
    "Requirement",
    "RpmMd",
    "Scope",
    "Source",
    "Stream",
    "Target",
    "distribution",
    "parse_requirement",
    "python_requirement",
    "requirement_on",
]
