"""What was built, and whether it is what was planned."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING

from attrs import field, frozen

from .gpu import GpuFile
from .verification import Unseen

if TYPE_CHECKING:
    from .kernel import BuiltModule

__all__ = [
    "ArtifactCheck",
    "ArtifactKind",
    "BuiltArtifact",
    "BuiltStream",
    "Finding",
    "FindingKind",
    "GpuMatrix",
    "Inventory",
    "Unreadable",
]


@frozen
class GpuMatrix:
    """For which GPU architectures a variant is built, sorted.

    ``architectures`` hold for every stream that has any GPU code of that vendor. ``of`` has the
    streams, by component as profiles write it, that must have code, and for what; one with none is
    held to nothing.
    """

    architectures: tuple[str, ...] = ()
    of: Mapping[str, tuple[str, ...]] = field(factory=dict, hash=False)

    def __bool__(self) -> bool:
        return bool(self.architectures or self.of)


class ArtifactKind(Enum):
    """What sort of file was built."""

    PACKAGE = "package"
    WHEEL = "wheel"

    def __lt__(self, other: ArtifactKind) -> bool:
        return self.value < other.value


@frozen
class BuiltArtifact:
    """A package or wheel. ``path`` is where it lies below the directory that was looked at.

    ``name`` is an RPM's, or a distribution's, normalised; ``version`` is RPM's or PEP 440's, and
    ``evr`` is empty for a wheel. Dependencies are in RPM's language, in a wheel in PEP 508's, as
    written. ``source`` is the file name of an RPM's source package. ``files`` are those with GPU
    code, and ``modules`` the kernel modules.
    """

    path: str
    kind: ArtifactKind
    name: str
    version: str
    arch: str = ""
    evr: str = ""
    source: str = ""
    provides: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    files: tuple[GpuFile, ...] = ()
    modules: tuple[BuiltModule, ...] = ()


@frozen(order=True)
class Unreadable:
    """An artifact that could not be read: where, and why."""

    path: str
    why: str


@frozen
class Inventory:
    """The artifacts below a directory, sorted by path. ``sources`` counts source packages, which
    are not looked at."""

    artifacts: tuple[BuiltArtifact, ...]
    unreadable: tuple[Unreadable, ...] = ()
    sources: int = 0


class FindingKind(Enum):
    """How an artifact differs from the plan. The first ones are faults, the others are told."""

    UNREADABLE = "unreadable"
    NOT_BUILT = "not-built"
    NO_PACKAGE = "no-package"
    UNPLANNED = "unplanned"
    OTHER_VERSION = "other-version"
    MISSING_PROVIDE = "missing-provide"
    CHANGED_PROVIDE = "changed-provide"
    LEAKING_PROVIDE = "leaking-provide"
    UNMET_REQUIREMENT = "unmet-requirement"
    NO_MODULE = "no-module"
    MODULE_KERNEL = "module-kernel"
    MODULE_VERSION = "module-version"
    MODULE_SYMBOL = "module-symbol"
    MODULE_UNSIGNED = "module-unsigned"
    NO_GPU_CODE = "no-gpu-code"
    GPU_MISSING = "gpu-missing"
    GPU_COMPATIBLE = "gpu-compatible"
    GPU_COMPILED = "gpu-compiled"
    ADDED_PACKAGE = "added-package"
    ADDED_PROVIDE = "added-provide"
    ADDED_REQUIREMENT = "added-requirement"
    MISSING_REQUIREMENT = "missing-requirement"
    CHANGED_REQUIREMENT = "changed-requirement"
    GPU_ADDED = "gpu-added"
    GPU_PARTIAL = "gpu-partial"

    def __lt__(self, other: FindingKind) -> bool:
        return self._place < other._place

    @property
    def _place(self) -> int:
        return list(FindingKind).index(self)

    @property
    def is_fault(self) -> bool:
        """Whether a build with it did not hold what was planned."""
        return self._place <= list(FindingKind).index(FindingKind.GPU_COMPILED)

    @classmethod
    def of_requirement(cls, planned: object, found: object) -> FindingKind:
        """What a requirement is whose planned and built forms differ; an empty one is none."""
        if not found:
            return cls.MISSING_REQUIREMENT
        return cls.CHANGED_REQUIREMENT if planned else cls.ADDED_REQUIREMENT


@frozen(order=True)
class Finding:
    """One difference.

    ``stream`` is an id (``torch@2.14.0``), empty where there is none; ``artifact`` a path, empty
    for what was not built. ``subject`` is what it is about: a package, a dependency, an
    architecture, or why an artifact cannot be read. ``planned`` is what the plan has instead,
    ``found`` what was built, and ``root`` the id of the root in which it matters. ``files`` are
    paths inside the artifact, sorted.
    """

    kind: FindingKind
    stream: str
    artifact: str
    subject: str
    planned: str = ""
    found: str = ""
    root: str = ""
    files: tuple[str, ...] = ()


@frozen(order=True)
class BuiltStream:
    """What there is of a stream: its artifacts by path, and the architectures that they have code
    for."""

    stream: str
    artifacts: tuple[str, ...]
    architectures: tuple[str, ...] = ()


@frozen
class ArtifactCheck:
    """What was found of the artifacts of a lock; each part is sorted. ``packages`` and ``wheels``
    count what was looked at, ``files`` the files with GPU code among it. ``wanted`` are the
    architectures of the lock's variant."""

    findings: tuple[Finding, ...] = ()
    streams: tuple[BuiltStream, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    packages: int = 0
    wheels: int = 0
    files: int = 0
    wanted: tuple[str, ...] = ()

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that are faults."""
        return tuple(finding for finding in self.findings if finding.kind.is_fault)

    @property
    def holds(self) -> bool:
        """Whether what was built is what was planned."""
        return not self.faults
