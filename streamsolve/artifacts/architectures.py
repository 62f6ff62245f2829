"""Whether each stream has code for the GPU architectures that its variant is built for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..model.artifacts import BuiltArtifact, Finding, FindingKind, GpuMatrix
from ..model.gpu import Cover, GpuFile, architecture_order, coverage, vendor_of

__all__ = ["architectures_of", "gpu_findings"]

_KINDS = {
    Cover.NONE: FindingKind.GPU_MISSING,
    Cover.COMPATIBLE: FindingKind.GPU_COMPATIBLE,
    Cover.COMPILED: FindingKind.GPU_COMPILED,
}


def architectures_of(files: Iterable[GpuFile]) -> tuple[str, ...]:
    """What some files have code for together, sorted."""
    found = {name for file in files for name in file.architectures}
    return tuple(sorted(found, key=architecture_order))


def gpu_findings(
    stream: str, artifacts: Sequence[BuiltArtifact], matrix: GpuMatrix
) -> Iterator[Finding]:
    """What is different in the GPU code of a stream (an id), all artifacts of one sort together.

    A stream is built for an architecture if any of its files has code for it, since kernels that
    are written for one generation are in a file of their own; files that lack what others have are
    told.
    """
    component = stream.partition("@")[0]
    own = matrix.of.get(component)
    for kind in sorted({artifact.kind for artifact in artifacts}):
        some = [artifact for artifact in artifacts if artifact.kind is kind]
        files = [file for artifact in some for file in artifact.files if file.architectures]
        have = architectures_of(files)
        wanted = matrix.architectures if own is None else own
        if own is None:
            # A build for another vendor has nothing to do with this matrix.
            vendors = set(map(vendor_of, have))
            wanted = tuple(name for name in wanted if vendor_of(name) in vendors)
        where = some[0].path if len(some) == 1 else ""
        if own and not have:
            yield Finding(FindingKind.NO_GPU_CODE, stream, where, component, planned=_told(own))
            continue
        yield from _against(stream, where, wanted, have, files)


def _against(
    stream: str, where: str, wanted: Sequence[str], have: Sequence[str], files: Sequence[GpuFile]
) -> Iterator[Finding]:
    for name in wanted:
        covered = coverage(name, have)
        if covered.cover in _KINDS:
            lacking = _paths(files)
            told = _told(covered.by if covered.by else have)
            yield Finding(_KINDS[covered.cover], stream, where, name, name, told, files=lacking)
            continue
        partial = [f for f in files if coverage(name, f.architectures).cover is not Cover.NATIVE]
        if partial:
            yield Finding(FindingKind.GPU_PARTIAL, stream, where, name, name, files=_paths(partial))
    if wanted:
        native = {by for name in wanted for by in coverage(name, have).by}
        for name in have:
            if name not in native:
                holding = [file for file in files if name in file.architectures]
                yield Finding(
                    FindingKind.GPU_ADDED, stream, where, name, found=name, files=_paths(holding)
                )


def _paths(files: Iterable[GpuFile]) -> tuple[str, ...]:
    return tuple(sorted({file.path for file in files}))


def _told(names: Iterable[str]) -> str:
    return ", ".join(names)
