"""How private streams are built: needs, roots, passes, and their order, as values."""

from __future__ import annotations

from enum import Enum

from attrs import frozen
from packaging.version import Version

from .component import Component, Origin
from .package import Package

__all__ = [
    "Build",
    "BuildNeed",
    "BuildOrder",
    "BuildPlan",
    "BuildSystem",
    "Isolation",
    "Leak",
    "LeakKind",
    "Level",
    "NeedOrigin",
    "NeedRole",
    "Root",
    "RootStream",
    "Stage",
    "Substitute",
    "is_third_party",
    "stream_id",
]

_MADE_UP = frozenset({"0.external", "0.streamsolve"})
"""The releases of packages that only a profile knows."""


@frozen
class BuildSystem:
    """The ``[build-system]`` table of an sdist (PEP 518). Without one, PEP 517's default.

    ``requires`` are PEP 508 texts as written. ``in_tree`` says that the backend lies in the sdist
    itself (``backend-path``), so that it needs no backend before it exists.
    """

    requires: tuple[str, ...]
    backend: str = ""
    in_tree: bool = False


class NeedOrigin(Enum):
    """Who says that a build needs something."""

    SPEC_FILE = "spec-file"
    BASE_SPEC = "base-spec"
    BUILD_SYSTEM = "build-system"
    PROFILE = "profile"
    METHOD = "method"

    def __lt__(self, other: NeedOrigin) -> bool:
        return self.value < other.value


class NeedRole(Enum):
    """What it is needed for: to build, or only to test and to document what was built."""

    BUILD = "build"
    CHECK = "check"

    def __lt__(self, other: NeedRole) -> bool:
        return self.value < other.value


@frozen(order=True)
class BuildNeed:
    """One need of a build. ``text`` is RPM's language or PEP 508, as it was stated at ``place``
    (a file's name). ``component`` is the name of the component that it is about as profiles
    write it, empty where it is about packages only. ``applied`` is what counts in the root, in
    RPM's language, where that is another text: ``gcc15-c++`` for ``gcc-c++``, the package and its
    version for a program of the base."""

    text: str
    origin: NeedOrigin
    role: NeedRole = NeedRole.BUILD
    place: str = ""
    component: str = ""
    applied: str = ""


@frozen(order=True)
class RootStream:
    """A stream in a root. ``package`` is the RPM's name; ``build`` is the id of the build that
    makes it, empty for what is not private."""

    component: Component
    version: Version
    origin: Origin
    package: str
    build: str = ""


@frozen
class Root:
    """An isolated set of packages that was solved.

    ``id`` is ``runtime``, or ``build-NAME`` after the first build that uses it. ``packages`` is
    everything in it, sorted; a private one has the repository ``private``, and a third party's
    whose repository is not at hand ``external``. ``asked`` is what was asked of the solver, in
    RPM's language, sorted. ``streams`` are the chosen ones in it, sorted. ``tools``
    are the base's own streams that lie beside other chosen ones, because packages of the base need
    them: ``python 3.15``, or the package of a toolchain such as ``gcc``. ``collections`` are the
    names of the Software Collections that chosen streams are of, sorted: what is done in the root
    is done with them enabled (see :mod:`streamsolve.model.software_collections`).
    """

    id: str
    packages: tuple[Package, ...]
    streams: tuple[RootStream, ...]
    asked: tuple[str, ...]
    tools: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()


class Stage(Enum):
    """Which pass of a stream a build is."""

    ONLY = "only"
    BOOTSTRAP = "bootstrap"
    FINAL = "final"


@frozen(order=True)
class Substitute:
    """What a bootstrap pass does without: ``component``, for which ``instead`` stands in."""

    component: Component
    instead: str


@frozen
class Build:
    """One pass of building one private stream.

    ``id`` is ``name@version`` (``kind:name@version`` for what is no distribution), with
    ``/bootstrap`` or ``/final`` where there are two passes. ``root`` is a root's id. ``needs`` are
    those that count, ``left_out`` those that do not (tests that would need further private
    streams, what a bootstrap pass does without), both sorted. ``after`` are the ids of the builds
    whose packages lie in its root, sorted. ``cost`` is in minutes of one builder.
    """

    id: str
    component: Component
    version: Version
    stage: Stage
    root: str
    needs: tuple[BuildNeed, ...]
    after: tuple[str, ...]
    cost: int
    left_out: tuple[BuildNeed, ...] = ()
    substitutes: tuple[Substitute, ...] = ()

    @property
    def stream(self) -> str:
        """``name@version``: what all passes of one stream share."""
        return self.id.partition("/")[0]


@frozen
class Level:
    """Builds that can all run at the same time, sorted by id. In minutes: ``longest`` is that of
    the longest one, ``total`` that of all one after the other."""

    builds: tuple[str, ...]
    longest: int
    total: int


@frozen
class BuildOrder:
    """The order of all builds.

    A build is in the first level in which everything that it comes after is done.
    ``critical_path`` is the longest chain, first build first, ``minutes`` its length.
    ``schedule`` is, for a number of builders, how many minutes all builds take.
    """

    levels: tuple[Level, ...]
    critical_path: tuple[str, ...]
    minutes: int
    schedule: tuple[tuple[int, int], ...]


class LeakKind(Enum):
    """How a private stream would reach the base, or the base a private stream."""

    UNQUALIFIED_PROVIDE = "unqualified-provide"
    BASE_NEEDS_PRIVATE = "base-needs-private"
    FOREIGN_PACKAGE = "foreign-package"
    TWO_STREAMS = "two-streams"
    BASE_CHANGED = "base-changed"

    def __lt__(self, other: LeakKind) -> bool:
        return self.value < other.value


@frozen(order=True)
class Leak:
    """One leak. ``package`` is what leaks (name-evr.arch), ``capability`` through which provide or
    requirement (empty: none), ``other`` whom it reaches, ``root`` where, as a root's id."""

    kind: LeakKind
    package: str
    capability: str = ""
    other: str = ""
    root: str = ""


@frozen
class Isolation:
    """The result of the check for leaks: none, for a plan that may be used. ``roots`` and
    ``packages`` say how many of each were looked at, ``provides`` how many of what private
    packages provide."""

    leaks: tuple[Leak, ...]
    roots: int
    packages: int
    provides: int


@frozen
class BuildPlan:
    """How everything private gets built. ``builds`` are sorted by id, ``roots`` too, without the
    runtime root. What streams state is in the plan, which holds those that only builds use too."""

    runtime: Root
    roots: tuple[Root, ...]
    builds: tuple[Build, ...]
    order: BuildOrder

    def build(self, id: str) -> Build | None:
        """The build of that id, or None."""
        return next((build for build in self.builds if build.id == id), None)

    def root(self, id: str) -> Root | None:
        """The root of that id, the runtime root included, or None."""
        return next((root for root in (self.runtime, *self.roots) if root.id == id), None)

    @property
    def external_packages(self) -> tuple[str, ...]:
        """The names of the packages of third parties, of which only the profile knows, sorted."""
        roots = (self.runtime, *self.roots)
        packages = (package for root in roots for package in root.packages)
        return tuple(sorted({each.name for each in packages if is_third_party(each)}))


def is_third_party(package: Package) -> bool:
    """Whether only the profile knows it, so that its release is made up. What else no repository
    had is known exactly: headers that the build of a kernel makes."""
    return package.repository == "external" and package.release in _MADE_UP


def stream_id(component: Component, version: Version) -> str:
    """``name@version``, as builds name their streams."""
    return f"{component.spelled}@{version}"
