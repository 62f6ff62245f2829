"""What is asked of a build farm: a small protocol, so that nothing else knows COPR's client.

Every call may raise :class:`FarmRefusedError` (understood and not done) or :class:`FarmLostError`
(no answer that says whether it was done).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from attrs import field, frozen

if TYPE_CHECKING:
    from .plan import WantedChroot, WantedProject
    from .source import BuildSource

__all__ = [
    "ALONE",
    "Batch",
    "ChrootState",
    "Farm",
    "FarmBuild",
    "FarmLostError",
    "FarmRefusedError",
    "ProjectState",
    "SourceRecord",
]

_SUCCEEDED = frozenset({"succeeded", "skipped", "forked"})
_OVER = _SUCCEEDED | {"failed", "canceled"}
_BEGUN = frozenset({"running", "starting"})


class FarmRefusedError(Exception):
    """The farm understood a request and did not do it. ``status`` is that of HTTP, 0 where the
    client itself refused; ``message`` is the farm's own and holds no secret."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class FarmLostError(Exception):
    """No answer, or one that does not say what was done: a change may have been made or not."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@frozen
class Batch:
    """Where a build stands in the order: ``after`` the batch of that build, or ``beside`` that
    build in its own batch. Both are 0 for a build that waits for nothing."""

    after: int = 0
    beside: int = 0


ALONE = Batch()


@frozen
class FarmBuild:
    """A build as the farm tells it. ``state`` is COPR's word. ``started`` is when the first of its
    roots was begun, ``ended`` when the last was done, in seconds since 1970; None: not yet.
    ``url`` is where the farm has its source package, empty where it has none."""

    id: int
    project: str
    state: str
    package: str = ""
    url: str = ""
    started: int | None = None
    ended: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing happens to it any more."""
        return self.state in _OVER

    @property
    def has_succeeded(self) -> bool:
        """Whether its packages are published."""
        return self.state in _SUCCEEDED

    @property
    def has_begun(self) -> bool:
        """Whether a root of it was begun."""
        return self.started is not None

    @property
    def is_running(self) -> bool:
        """Whether a machine works on it now, on its source or in a root."""
        return self.state in _BEGUN or (self.has_begun and not self.is_over)


@frozen
class ChrootState:
    """A chroot of a project as the farm has it."""

    name: str
    additional_packages: tuple[str, ...] = ()
    additional_modules: tuple[str, ...] = ()
    additional_repos: tuple[str, ...] = ()
    with_opts: tuple[str, ...] = ()
    without_opts: tuple[str, ...] = ()
    isolation: str = "unchanged"


@frozen
class ProjectState:
    """A project as the farm has it. ``number`` is the farm's own, and stands in webhooks;
    ``results`` are the addresses of its repositories, by chroot."""

    owner: str
    name: str
    chroots: tuple[str, ...]
    additional_repos: tuple[str, ...] = ()
    repo_priority: int | None = None
    enable_net: bool = False
    module_hotfixes: bool = False
    follow_fedora_branching: bool = True
    number: int = 0
    results: Mapping[str, str] = field(factory=dict, hash=False, eq=False)


@frozen
class SourceRecord:
    """What a build was submitted with: the farm's word for the method, and its fields."""

    kind: str
    fields: Mapping[str, object] = field(factory=dict, hash=False)


class Farm(Protocol):
    """A farm. Builds and projects are those of one server and one account."""

    def user(self) -> str:
        """Who asks; refused where the credentials are not good."""

    def known_chroots(self) -> tuple[str, ...]:
        """The chroots that may be used, sorted."""

    def project(self, owner: str, name: str) -> ProjectState | None:
        """A project, or None."""

    def chroot(self, owner: str, project: str, name: str) -> ChrootState:
        """A chroot of a project."""

    def create(self, wanted: WantedProject) -> None:
        """Make a project; one that is there stays as it is."""

    def edit(self, wanted: WantedProject) -> None:
        """Change a project, without its chroots' settings."""

    def edit_chroot(self, wanted: WantedProject, chroot: WantedChroot) -> None:
        """Change the settings of a chroot."""

    def submit(
        self, owner: str, project: str, source: BuildSource, marker: str, batch: Batch
    ) -> FarmBuild:
        """Submit a build that can be found by its marker."""

    def builds(self, owner: str, project: str) -> tuple[FarmBuild, ...]:
        """All builds of a project, by id."""

    def source_of(self, build: int) -> SourceRecord:
        """What a build was submitted with."""

    def cancel(self, build: int) -> None:
        """Cancel a build; refused for one that is over."""

    def delete(self, build: int) -> None:
        """Delete a build with its packages."""

    def logs(self, build: int) -> tuple[str, ...]:
        """The addresses of the logs of what failed in a build, or of the build's page."""

    def add_package(
        self, owner: str, project: str, package: str, source: BuildSource, *, known: bool
    ) -> None:
        """Set up a package that a webhook rebuilds; ``known`` changes one that is there."""

    def packages(self, owner: str, project: str) -> tuple[str, ...]:
        """The packages of a project, sorted."""

    def new_webhook_secret(self, owner: str, project: str) -> str:
        """Make a new secret; the addresses with the one before stop working."""

    def address(self) -> str:
        """The farm's own address, without credentials."""
