"""COPR's behaviour as a simulation in virtual time, and a farm on top of it without HTTP.

World knows projects, builds, batches and machines, and does with them what COPR's front end does:
a batch waits for one other, a failed one lets the next one start, a finished one takes no more
builds. Time passes only in ``advance``. MemoryFarm speaks the protocol of ``streamsolve.copr``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field, frozen

from streamsolve.copr.farm import (
    ALONE,
    Batch,
    ChrootState,
    FarmBuild,
    FarmRefusedError,
    ProjectState,
    SourceRecord,
)
from streamsolve.copr.plan import WantedChroot, WantedProject
from streamsolve.copr.source import (
    BuildSource,
    CustomSource,
    DistGitSource,
    PypiSource,
    UploadSource,
    marker_in,
)

__all__ = ["OVER", "MemoryFarm", "World", "WorldBuild", "WorldError"]

OVER = ("succeeded", "failed", "canceled")
SOURCE_TIME = 2
FIRST_MOMENT = 1_795_248_757


class WorldError(Exception):
    """A request that COPR refuses."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@define(eq=False)
class WorldBatch:
    number: int
    blocked_by: WorldBatch | None = None
    builds: list[WorldBuild] = field(factory=list)

    @property
    def is_finished(self) -> bool:
        return bool(self.builds) and all(build.state in OVER for build in self.builds)

    @property
    def is_blocked(self) -> bool:
        parent = self.blocked_by
        return parent is not None and (parent.is_blocked or not parent.is_finished)


@define(eq=False)
class WorldBuild:
    """A build. ``phase`` is pending, source or root while it is not over."""

    id: int
    owner: str
    project: str
    kind: str
    source: dict[str, Any]
    submitted: int
    batch: WorldBatch | None = None
    state: str = "pending"
    phase: str = "pending"
    until: int = 0
    started: int | None = None
    ended: int | None = None
    url: str | None = None
    package: str | None = None

    @property
    def key(self) -> str:
        """What tells it from others, whatever its number: the marker, or what it is made of."""
        text = str(self.source)
        return marker_in(text) or text


@frozen
class Start:
    """That a root was begun: when, which build, and what had succeeded by then."""

    moment: int
    build: int
    key: str
    succeeded: frozenset[str]


def _usual_time(_build: WorldBuild) -> int:
    return 30


def _never(_build: WorldBuild) -> bool:
    return False


@define
class World:
    """``takes`` says how many seconds a root is built, ``fails`` whether it fails, ``machines`` how
    many builds there are at a time."""

    takes: Callable[[WorldBuild], int] = _usual_time
    fails: Callable[[WorldBuild], bool] = _never
    fails_in_source: Callable[[WorldBuild], bool] = _never
    machines: int = 20
    user: str = "packager"
    chroots: tuple[str, ...] = ("fedora-44-x86_64", "fedora-45-x86_64", "fedora-rawhide-x86_64")
    now: int = FIRST_MOMENT
    projects: dict[tuple[str, str], dict[str, Any]] = field(factory=dict)
    builds: dict[int, WorldBuild] = field(factory=dict)
    starts: list[Start] = field(factory=list)
    submissions: list[str] = field(factory=list)
    deleted: list[WorldBuild] = field(factory=list)
    last: int = 7

    # -- projects

    def project(self, owner: str, name: str) -> dict[str, Any]:
        found = self.projects.get((owner, name))
        if found is None:
            raise WorldError(404, f"Project {owner}/{name} does not exist.")
        return found

    def add_project(self, owner: str, name: str, fields: Mapping[str, Any], exist_ok: bool) -> None:
        if owner not in (self.user, "@group"):
            raise WorldError(404, f"No such user `{owner}'")
        if (owner, name) in self.projects:
            if exist_ok:
                return
            raise WorldError(400, f"name: You already have a project named '{name}'.")
        self._check_chroots(fields["chroots"])
        self._check_repos(fields)
        self.projects[owner, name] = {
            "id": len(self.projects) + 1,
            "chroots": {chroot: _new_chroot() for chroot in fields["chroots"]},
            "packages": {},
            **{key: value for key, value in fields.items() if key != "chroots"},
        }

    def edit_project(self, owner: str, name: str, fields: Mapping[str, Any]) -> None:
        found = self.project(owner, name)
        self._check_repos(fields)
        chroots = fields.get("chroots")
        if chroots:
            self._check_chroots(chroots)
            found["chroots"] = {c: found["chroots"].get(c, _new_chroot()) for c in chroots}
        found |= {k: v for k, v in fields.items() if k != "chroots" and v is not None}

    def chroot(self, owner: str, name: str, chroot: str) -> dict[str, Any]:
        chroots = self.project(owner, name)["chroots"]
        if chroot not in chroots:
            raise WorldError(404, f"Chroot {chroot} does not exist in {owner}/{name}.")
        found: dict[str, Any] = chroots[chroot]
        return found

    def _check_chroots(self, names: list[str]) -> None:
        unknown = set(names) - set(self.chroots)
        if unknown:
            raise WorldError(400, f"Unexpected chroot: {', '.join(sorted(unknown))}")

    def _check_repos(self, fields: Mapping[str, Any]) -> None:
        for url in fields.get("additional_repos") or ():
            scheme, _, path = url.partition("?")[0].partition("://")
            if scheme == "copr" and tuple(path.split("/")) not in self.projects:
                raise WorldError(400, f"additional_repos: {url} does not exist.")

    # -- builds

    def submit(
        self,
        owner: str,
        project: str,
        kind: str,
        source: dict[str, Any],
        after: int | None = None,
        beside: int | None = None,
    ) -> WorldBuild:
        """Take a build, with what COPR checks of batches."""
        self.project(owner, project)
        if after and beside:
            raise WorldError(400, "Only one batch option can be specified")
        batch = self._batch(after, beside)
        self.last += 1
        build = WorldBuild(self.last, owner, project, kind, source, self.now, batch)
        if kind == "upload":
            build.url = source["url"]
        build.package = source.get("package_name")
        if batch is not None:
            batch.builds.append(build)
        self.builds[build.id] = build
        self.submissions.append(build.key)
        self._start()
        return build

    def _batch(self, after: int | None, beside: int | None) -> WorldBatch | None:
        if beside:
            return self._batch_of(beside, modify=True)
        if after:
            return WorldBatch(after, self._batch_of(after, modify=False))
        return None

    def _batch_of(self, number: int, *, modify: bool) -> WorldBatch:
        build = self.builds.get(number)
        if build is None:
            raise WorldError(400, f"Build {number} not found")
        if build.batch is not None:
            if modify and build.batch.is_finished:
                raise WorldError(400, f"Batch {build.batch.number} is already finished")
            return build.batch
        if build.state in OVER:
            raise WorldError(
                400,
                f"Build {number} is not yet in any batch, and new batch can not be created because "
                "the build has already finished",
            )
        build.batch = WorldBatch(number)
        build.batch.builds.append(build)
        return build.batch

    def build(self, number: int) -> WorldBuild:
        found = self.builds.get(number)
        if found is None:
            raise WorldError(404, f"Build {number} does not exist.")
        return found

    def of_project(self, owner: str, project: str) -> list[WorldBuild]:
        self.project(owner, project)
        return [b for b in self.builds.values() if (b.owner, b.project) == (owner, project)]

    def cancel(self, number: int) -> WorldBuild:
        build = self.build(number)
        if build.state in OVER:
            raise WorldError(409, f"Cannot cancel build {number}")
        build.state, build.ended = "canceled", self.now
        self._start()
        return build

    def delete(self, number: int) -> WorldBuild:
        build = self.build(number)
        if build.state not in OVER:
            raise WorldError(400, f"Build {number} can not be deleted, it is still running.")
        self.deleted.append(self.builds.pop(number))
        return build

    # -- time

    def advance(self, seconds: float) -> None:
        """Let so much time pass, event by event."""
        end = self.now + int(seconds)
        while True:
            self._start()
            going = [b for b in self.builds.values() if b.state == "running"]
            moment = min((b.until for b in going), default=end + 1)
            if moment > end:
                self.now = end
                return
            self.now = moment
            for build in sorted(going, key=lambda b: b.id):
                if build.until == moment:
                    self._next_phase(build)

    def drain(self) -> None:
        """Let everything come to its end."""
        while any(b.state not in OVER for b in self.builds.values()):
            self.advance(1000)

    def _start(self) -> None:
        """Give free machines to what is not blocked, first come first served."""
        busy = sum(build.state == "running" for build in self.builds.values())
        for build in sorted(self.builds.values(), key=lambda b: b.id):
            if busy >= self.machines:
                return
            if build.state == "pending" and not (build.batch and build.batch.is_blocked):
                build.state, build.phase = "running", "source"
                build.until = self.now + SOURCE_TIME
                busy += 1

    def _next_phase(self, build: WorldBuild) -> None:
        if build.phase == "source" and self.fails_in_source(build):
            build.state, build.ended = "failed", self.now
        elif build.phase == "source":
            succeeded = [b for b in self.builds.values() if b.state == "succeeded"]
            keys = frozenset(b.key for b in succeeded)
            self.starts.append(Start(self.now, build.id, build.key, keys))
            build.phase, build.started = "root", self.now
            build.until = self.now + self.takes(build)
        else:
            build.state = "failed" if self.fails(build) else "succeeded"
            build.ended = self.now


def _new_chroot() -> dict[str, Any]:
    empty = ("additional_repos", "additional_packages", "additional_modules")
    return {
        **{name: [] for name in (*empty, "with_opts", "without_opts")},
        "isolation": "unchanged",
    }


@define
class MemoryFarm:
    """A farm without HTTP. ``before`` is called with the name of each request and may raise;
    ``after`` too, when it has been carried out."""

    world: World
    before: Callable[[str], None] = lambda name: None
    after: Callable[[str], None] = lambda name: None

    def _do(self, name: str, request: Callable[[], Any]) -> Any:
        self.before(name)
        try:
            found = request()
        except WorldError as error:
            raise FarmRefusedError(error.message, error.status) from None
        self.after(name)
        return found

    def user(self) -> str:
        return str(self._do("user", lambda: self.world.user))

    def address(self) -> str:
        return "https://copr.example"

    def known_chroots(self) -> tuple[str, ...]:
        return tuple(self._do("chroots", lambda: self.world.chroots))

    def project(self, owner: str, name: str) -> ProjectState | None:
        try:
            found = self._do("project", lambda: self.world.project(owner, name))
        except FarmRefusedError:
            return None
        return ProjectState(
            owner,
            name,
            tuple(sorted(found["chroots"])),
            tuple(found["additional_repos"]),
            found["repo_priority"],
            found["enable_net"],
            found["module_hotfixes"],
            found["follow_fedora_branching"],
            found["id"],
        )

    def chroot(self, owner: str, project: str, name: str) -> ChrootState:
        found = self._do("chroot", lambda: self.world.chroot(owner, project, name))
        lists = {key: tuple(value) for key, value in found.items() if isinstance(value, list)}
        return ChrootState(name, isolation=found["isolation"], **lists)

    def _fields(self, wanted: WantedProject) -> dict[str, Any]:
        return {
            "chroots": [chroot.name for chroot in wanted.chroots],
            "additional_repos": list(wanted.additional_repos),
            "repo_priority": wanted.repo_priority,
            "enable_net": wanted.enable_net,
            "module_hotfixes": wanted.module_hotfixes,
            "follow_fedora_branching": wanted.follow_fedora_branching,
        }

    def create(self, wanted: WantedProject) -> None:
        fields = self._fields(wanted)
        name = wanted.name
        self._do("create", lambda: self.world.add_project(wanted.owner, name, fields, True))

    def edit(self, wanted: WantedProject) -> None:
        fields = self._fields(wanted)
        self._do("edit", lambda: self.world.edit_project(wanted.owner, wanted.name, fields))

    def edit_chroot(self, wanted: WantedProject, chroot: WantedChroot) -> None:
        def change() -> None:
            found = self.world.chroot(wanted.owner, wanted.name, chroot.name)
            for key in ("additional_packages", "additional_modules", "with_opts", "without_opts"):
                found[key] = list(getattr(chroot, key))
            found["additional_repos"] = []
            found["isolation"] = chroot.isolation

        self._do("edit_chroot", change)

    def submit(
        self, owner: str, project: str, source: BuildSource, marker: str, batch: Batch = ALONE
    ) -> FarmBuild:
        kind, fields = _as_copr(source, marker)
        after, beside = batch.after or None, batch.beside or None
        request = lambda: self.world.submit(owner, project, kind, fields, after, beside)  # noqa: E731
        return _told(self._do("submit", request))

    def builds(self, owner: str, project: str) -> tuple[FarmBuild, ...]:
        found = self._do("list", lambda: self.world.of_project(owner, project))
        return tuple(map(_told, sorted(found, key=lambda build: build.id)))

    def source_of(self, build: int) -> SourceRecord:
        found = self._do("source_of", lambda: self.world.build(build))
        return SourceRecord(found.kind, found.source)

    def cancel(self, build: int) -> None:
        self._do("cancel", lambda: self.world.cancel(build))

    def delete(self, build: int) -> None:
        self._do("delete", lambda: self.world.delete(build))

    def logs(self, build: int) -> tuple[str, ...]:
        self._do("logs", lambda: self.world.build(build))
        return (f"https://copr.example/logs/{build}",)

    def packages(self, owner: str, project: str) -> tuple[str, ...]:
        found = self._do("packages", lambda: self.world.project(owner, project))
        return tuple(sorted(found["packages"]))

    def add_package(
        self, owner: str, project: str, package: str, source: BuildSource, *, known: bool
    ) -> None:
        def change() -> None:
            packages = self.world.project(owner, project)["packages"]
            if known != (package in packages):
                raise WorldError(400, f"Package {package} is there already, or is not")
            packages[package] = source

        self._do("add_package", change)

    def new_webhook_secret(self, owner: str, project: str) -> str:
        return str(self._do("secret", lambda: self.world.project(owner, project)["id"]))


def _told(build: WorldBuild) -> FarmBuild:
    return FarmBuild(
        build.id,
        build.project,
        build.state,
        build.package or "",
        build.url or "",
        build.started,
        build.ended,
    )


def _as_copr(source: BuildSource, marker: str) -> tuple[str, dict[str, Any]]:
    if isinstance(source, UploadSource):
        name = re.sub(r"[^A-Za-z0-9._-]", "", source.upload_name(marker))
        return "upload", {"url": f"https://copr.example/tmp/x/{name}", "pkg": name, "tmp": "x"}
    if isinstance(source, PypiSource):
        return "pypi", {
            "pypi_package_name": source.name,
            "pypi_package_version": source.version,
        }
    if isinstance(source, DistGitSource):
        fields = {"clone_url": f"https://src.example/rpms/{source.package}"}
        return "distgit", {**fields, "committish": source.commit}
    assert isinstance(source, CustomSource)
    return "custom", {"script": source.marked(marker), "chroot": source.chroot}
