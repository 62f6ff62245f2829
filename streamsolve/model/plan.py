"""The answer: which streams, from where, and why."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from attrs import frozen
from packaging.version import Version

from .build import BuildPlan, Isolation
from .component import PYTHON, Component, Kind, Origin
from .module_filter import ActiveModule, ModuleReason
from .requirement import Requirement
from .stream import Source
from .vendored import Vendored

if TYPE_CHECKING:
    from .kernel import KernelPair
    from .overlays import OverlayUse

__all__ = [
    "Burden",
    "Demander",
    "HeldBack",
    "HostRequirement",
    "Notice",
    "Plan",
    "PlannedStream",
    "Reason",
    "ReasonKind",
    "Relaxed",
    "RepositoryId",
    "Summary",
]


class ReasonKind(Enum):
    """Why a stream has the origin that it has."""

    APPLICATION = "application"
    BASE_FITS = "base-fits"
    COMPAT_FITS = "compat-fits"
    NOT_IN_BASE = "not-in-base"
    BASE_VERSION = "base-version"
    BASE_CONFLICT = "base-conflict"
    OTHER_PYTHON = "other-python"
    INTERPRETER = "interpreter"
    EXTERNAL = "external"
    OMITTED = "omitted"


@frozen
class Demander:
    """Who requires a stream, and how."""

    component: Component
    requirement: Requirement


@frozen
class Reason:
    """Why this origin and version. ``base_version`` is what the base has (empty: nothing);
    ``demands`` are those that the base's stream does not meet; ``text`` is the profile's words
    where the profile decided."""

    kind: ReasonKind
    base_version: str = ""
    demands: tuple[Demander, ...] = ()
    text: str = ""


@frozen
class PlannedStream:
    """A stream that was chosen. ``requirements`` are those that hold at the target, after the
    profile's relaxations. ``repository`` is where the package of a base or external stream comes
    from. An omitted one has no version and no package."""

    component: Component
    version: Version | None
    origin: Origin
    package: str
    source: Source
    requirements: tuple[Requirement, ...]
    required_by: tuple[Demander, ...]
    reason: Reason
    prebuilt: bool = False
    licence: str = ""
    cost: int = 0
    extras: tuple[str, ...] = ()
    repository: str = ""
    build_only: bool = False

    @property
    def kind(self) -> Kind:
        """The component's kind."""
        return self.component.kind


@frozen
class HeldBack:
    """A stream that is not the newest that its offers have. ``by`` are the demands that keep the
    newest out; empty means that the base's version was preferred."""

    component: Component
    version: Version
    newest: Version
    by: tuple[Demander, ...]


@frozen
class Relaxed:
    """A requirement as it was stated and as it counts."""

    by: Component
    stated: Requirement
    counts: Requirement
    reason: str


@frozen
class HostRequirement:
    """What the machine that runs the application must have."""

    requirement: Requirement
    by: Component
    evidence: str = ""


@frozen
class Notice:
    """Something to know that is no fault. ``code`` is stable and lower-case with hyphens."""

    code: str
    text: str


@frozen
class RepositoryId:
    """A repository by content: the sha256 (hexadecimal) of its repomd.xml."""

    id: str
    repomd_sha256: str


@frozen
class Summary:
    """Counts of the plan's own streams. ``cost`` is in minutes of one builder.

    ``build_only`` counts the private streams that only builds use, and ``build_cost`` the minutes
    of all builds, theirs and bootstrap passes included; both are 0 without builds.

    ``minimal`` says that no plan of less cost exists among the offers considered;
    ``lower_bound`` is a number of private streams that no plan of that cost can go below; where
    ``minimal`` is false, that no plan at all can.
    """

    base: int
    private: int
    external: int
    omitted: int
    cost: int
    minimal: bool
    lower_bound: int
    build_only: int = 0
    build_cost: int = 0


@frozen
class Burden:
    """What the base's maintainers would have to do without us. ``base_packages_changed`` is what
    they have to change for this plan: none."""

    base_packages_changed: int
    would_conflict: tuple[str, ...]
    would_add: tuple[str, ...]


@frozen
class Plan:
    """The chosen streams and why. Sorted by kind and name; nothing in it depends on the order of
    the input, on time, or on the machine. ``builds`` is None where only the choice of streams was
    asked for; ``streams`` holds those that only builds use as well, ``build_only``. ``python`` is
    the base's series where the plan has no interpreter. ``modules`` are the streams of the base's
    modules that were chosen, are required by those, or are used; ``overlays`` what each overlay
    gives to the roots; ``vendored`` what private streams carry in their own source; ``kernel_pair``
    the application with its kernel, where it is a kernel module; ``demands`` what was asked for on
    top of the application's own requirements, sorted."""

    application: str
    version: Version
    variant: str
    base: str
    arch: str
    repositories: tuple[RepositoryId, ...]
    python: str
    summary: Summary
    streams: tuple[PlannedStream, ...]
    burden: Burden
    warnings: tuple[Notice, ...] = ()
    held_back: tuple[HeldBack, ...] = ()
    relaxed: tuple[Relaxed, ...] = ()
    host: tuple[HostRequirement, ...] = ()
    runtime_packages: tuple[str, ...] = ()
    isolation: Isolation | None = None
    builds: BuildPlan | None = None
    modules: tuple[ActiveModule, ...] = ()
    overlays: tuple[OverlayUse, ...] = ()
    vendored: tuple[Vendored, ...] = ()
    kernel_pair: KernelPair | None = None
    demands: tuple[str, ...] = ()

    @property
    def enabled_modules(self) -> tuple[ActiveModule, ...]:
        """The module streams that have to be enabled: what the base recommends is so by itself."""
        return tuple(each for each in self.modules if each.reason is not ModuleReason.DEFAULT)

    @property
    def interpreter(self) -> str:
        """The series of the interpreter that counts: empty where the application is no distribution
        and nothing in the plan needs one."""
        native = any(
            stream.reason.kind is ReasonKind.APPLICATION and stream.kind is not Kind.DISTRIBUTION
            for stream in self.streams
        )
        needed = not native or any(stream.component == PYTHON for stream in self.streams)
        return self.python if needed else ""

    @property
    def own(self) -> PlannedStream | None:
        """The application's own stream, whose component need not be called as the application is
        (``pytorch`` is the distribution ``torch``)."""
        own = (s for s in self.streams if s.reason.kind is ReasonKind.APPLICATION)
        return next(own, self.stream(self.application))

    def stream(self, name: str) -> PlannedStream | None:
        """The stream of a component by its name, or None."""
        return next((s for s in self.streams if s.component.name == name), None)

    def stream_spelled(self, text: str) -> PlannedStream | None:
        """The stream of a component that is written with its kind (``package:goose``), or None."""
        return next((s for s in self.streams if s.component.spelled == text), None)

    def of_origin(self, origin: Origin) -> tuple[PlannedStream, ...]:
        """The streams of one origin, in the plan's order."""
        return tuple(stream for stream in self.streams if stream.origin is origin)
