"""What shaped a plan, and what is known of its base beyond the plan: a lock keeps both."""

from __future__ import annotations

from attrs import field, frozen

from .artifacts import GpuMatrix

__all__ = ["LockRepository", "LockSettings", "LockSpec"]


@frozen(order=True)
class LockRepository:
    """How a repository of the base was used. ``priority`` is dnf's, ``sources`` says that it holds
    source packages, and ``module_hotfixes`` that no module hides its packages. Its content is in
    the plan, as the sha256 of its repomd.xml."""

    id: str
    priority: int = 99
    sources: bool = False
    module_hotfixes: bool = False


@frozen(order=True)
class LockSpec:
    """A spec file or source package that the packager gave for a component, by content: the name
    of the file without its directory, and its sha256 (hexadecimal)."""

    component: str
    filename: str
    sha256: str


@frozen
class LockSettings:
    """The settings in force when a plan was made. Empty values mean what they mean in a request:
    the profile's default, or the base's.

    ``profile_sha256`` is the profile's digest (hexadecimal). ``python``, ``version`` and ``arch``
    are what was asked for. ``overlays`` are the ids of the repositories on top of the base's own.
    ``relaxed`` are requirements to ignore, as (by, component, specifier); ``demands`` are further
    requirements of the application. ``modules`` are the module streams that were chosen
    (``NAME:STREAM``). ``checks`` says when tests count. ``tool`` is the version of
    streamsolve. ``gpu`` is for which GPU architectures the variant is built. Of the base: its
    release, the series of its own interpreter, its build group, and
    how its repositories were used.
    """

    profile: str
    profile_sha256: str
    python: str = ""
    version: str = ""
    arch: str = "x86_64"
    overlays: tuple[str, ...] = ()
    relaxed: tuple[tuple[str, str, str], ...] = ()
    demands: tuple[str, ...] = ()
    checks: str = "free"
    specs: tuple[LockSpec, ...] = ()
    tool: str = ""
    base_release: str = ""
    base_python: str = ""
    build_group: tuple[str, ...] = ()
    repositories: tuple[LockRepository, ...] = ()
    gpu: GpuMatrix = field(factory=GpuMatrix)
    modules: tuple[str, ...] = ()
