"""Whether what was built is what a lock has."""

from __future__ import annotations

from ..model.artifacts import (
    ArtifactCheck,
    ArtifactKind,
    BuiltStream,
    Finding,
    FindingKind,
    GpuMatrix,
    Inventory,
)
from ..model.plan import Plan
from ..model.verification import Unseen
from .architectures import architectures_of, gpu_findings
from .dependencies import DependencyCheck
from .kernel_modules import module_findings, unseen_symbols, without_kernel
from .matching import Matched, match
from .wheels import WheelCheck

__all__ = ["check_artifacts"]


def check_artifacts(plan: Plan, matrix: GpuMatrix, inventory: Inventory) -> ArtifactCheck:
    """Compare all artifacts with a plan with builds; ValueError for one without.

    Nothing is asked but the plan itself: whether a package of the base that lies in no root would
    take a provide is not known to it.
    """
    if plan.builds is None:
        raise ValueError("only a plan with builds says what is built")
    pair = plan.kernel_pair
    inventory, symbols = without_kernel(inventory, pair)
    matched = match(plan.builds, inventory, plan.application)
    packages, wheels = DependencyCheck(matched), WheelCheck(plan)
    findings = list(matched.findings)
    findings += [
        Finding(FindingKind.UNREADABLE, "", each.path, each.why) for each in inventory.unreadable
    ]
    for artifact in matched.artifacts:
        if artifact.kind is ArtifactKind.PACKAGE:
            findings += packages.findings(artifact)
        elif stream := matched.stream.get(artifact.path):
            findings += wheels.findings(artifact, stream)
    if pair is not None:
        findings += module_findings(inventory.artifacts, pair, symbols)
    streams = sorted(set(matched.stream.values()))
    for stream in streams:
        findings += gpu_findings(stream, matched.of_stream(stream), matrix)
    kinds = [artifact.kind for artifact in inventory.artifacts]
    return ArtifactCheck(
        findings=tuple(sorted(set(findings))),
        streams=tuple(_built(matched, stream) for stream in streams),
        unseen=(
            *_unseen(packages.unjudged, inventory, matrix),
            *(unseen_symbols(inventory.artifacts, pair, symbols) if pair is not None else ()),
        ),
        packages=kinds.count(ArtifactKind.PACKAGE),
        wheels=kinds.count(ArtifactKind.WHEEL),
        files=sum(len(artifact.files) for artifact in inventory.artifacts),
        wanted=matrix.architectures,
    )


def _built(matched: Matched, stream: str) -> BuiltStream:
    artifacts = matched.of_stream(stream)
    files = [file for artifact in artifacts for file in artifact.files]
    return BuiltStream(
        stream, tuple(artifact.path for artifact in artifacts), architectures_of(files)
    )


def _unseen(unjudged: int, inventory: Inventory, matrix: GpuMatrix) -> list[Unseen]:
    found = []
    if unjudged:
        why = "sonames, paths and the like, of which a lock does not say who provides them"
        found.append(Unseen("requirement", unjudged, why))
    if inventory.sources:
        found.append(Unseen("source package", inventory.sources, "only what was built is compared"))
    files = sum(len(artifact.files) for artifact in inventory.artifacts)
    if files and not matrix:
        why = "the lock does not say for which GPU architectures its variant is built"
        found.append(Unseen("file with GPU code", files, why))
    return sorted(found)
