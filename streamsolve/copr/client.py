"""COPR through its own client library, as it is. The only module that imports it.

The client has no time limit and does not say whether a request that failed was carried out, so each
request runs in a thread of its own that is left behind when it takes too long, and what went wrong
becomes "refused" or "lost". Nothing that the client knows of credentials gets into a message.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import define, field

from ..errors import Code, InputError, Place
from ..storage import file_digest
from .errand import Errand
from .farm import (
    ALONE,
    Batch,
    ChrootState,
    FarmBuild,
    FarmLostError,
    FarmRefusedError,
    ProjectState,
    SourceRecord,
)
from .plan import WantedChroot, WantedProject
from .source import BuildSource, CustomSource, DistGitSource, PypiSource, UploadSource

__all__ = ["CoprFarm"]

_TRY_LATER = (408, 429)
_LONGEST_MESSAGE = 400
_LOG = "builder-live.log.gz"


@define
class CoprFarm:
    """A farm behind a client of ``copr.v3``. ``directory`` is the emitted one, for uploads.
    ``limit`` is in seconds: without an answer, or in an upload without progress, for so long, a
    request is lost. ``secrets`` are texts that no message may have."""

    client: Any
    directory: Path = field(factory=Path)
    limit: float = 300.0
    secrets: tuple[str, ...] = field(default=(), repr=False)

    # -- what there is

    def user(self) -> str:
        """Who asks; refused where the credentials are not good."""
        return _text(self._ask(self.client.base_proxy.auth_check).get("name"))

    def address(self) -> str:
        """The farm's own address, without credentials."""
        scheme, _, rest = str(self.client.config["copr_url"]).rstrip("/").partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"

    def known_chroots(self) -> tuple[str, ...]:
        """The chroots that may be used, sorted."""
        return tuple(sorted(self._ask(self.client.mock_chroot_proxy.get_list)))

    def project(self, owner: str, name: str) -> ProjectState | None:
        """A project, or None."""
        try:
            found = self._ask(self.client.project_proxy.get, owner, name)
        except FarmRefusedError as error:
            if error.status == 404:
                return None
            raise
        priority = found.get("repo_priority")
        return ProjectState(
            owner,
            name,
            tuple(sorted(_mapping(found.get("chroot_repos")))),
            _texts(found.get("additional_repos")),
            priority if isinstance(priority, int) else None,
            bool(found.get("enable_net")),
            bool(found.get("module_hotfixes")),
            bool(found.get("follow_fedora_branching")),
            _number(found.get("id")),
            {name: _text(url) for name, url in _mapping(found.get("chroot_repos")).items()},
        )

    def chroot(self, owner: str, project: str, name: str) -> ChrootState:
        """A chroot of a project."""
        found = self._ask(self.client.project_chroot_proxy.get, owner, project, name)
        return ChrootState(
            name,
            _texts(found.get("additional_packages")),
            _texts(found.get("additional_modules")),
            _texts(found.get("additional_repos")),
            _texts(found.get("with_opts")),
            _texts(found.get("without_opts")),
            _text(found.get("isolation")) or "unchanged",
        )

    # -- projects

    def create(self, wanted: WantedProject) -> None:
        """Make a project; one that is there stays as it is."""
        self._ask(
            self.client.project_proxy.add,
            wanted.owner,
            wanted.name,
            [chroot.name for chroot in wanted.chroots],
            description=wanted.description,
            additional_repos=list(wanted.additional_repos),
            enable_net=wanted.enable_net,
            module_hotfixes=wanted.module_hotfixes,
            follow_fedora_branching=wanted.follow_fedora_branching,
            repo_priority=wanted.repo_priority,
            exist_ok=True,
        )

    def edit(self, wanted: WantedProject) -> None:
        """Change a project, without its chroots' settings."""
        self._ask(
            self.client.project_proxy.edit,
            wanted.owner,
            wanted.name,
            chroots=[chroot.name for chroot in wanted.chroots],
            additional_repos=list(wanted.additional_repos),
            enable_net=wanted.enable_net,
            module_hotfixes=wanted.module_hotfixes,
            follow_fedora_branching=wanted.follow_fedora_branching,
            repo_priority=wanted.repo_priority,
        )

    def edit_chroot(self, wanted: WantedProject, chroot: WantedChroot) -> None:
        """Change the settings of a chroot."""
        self._ask(
            self.client.project_chroot_proxy.edit,
            wanted.owner,
            wanted.name,
            chroot.name,
            additional_packages=list(chroot.additional_packages),
            additional_repos=[],
            additional_modules=list(chroot.additional_modules),
            with_opts=list(chroot.with_opts),
            without_opts=list(chroot.without_opts),
            isolation=chroot.isolation,
        )

    # -- builds

    def submit(
        self, owner: str, project: str, source: BuildSource, marker: str, batch: Batch = ALONE
    ) -> FarmBuild:
        """Submit a build that can be found by its marker."""
        options: dict[str, Any] = {}
        if batch.after:
            options["after_build_id"] = batch.after
        if batch.beside:
            options["with_build_id"] = batch.beside
        proxy = self.client.build_proxy
        if isinstance(source, UploadSource):
            return self._upload(owner, project, source, marker, options)
        if isinstance(source, PypiSource):
            found = self._ask(
                proxy.create_from_pypi,
                owner,
                project,
                source.name,
                source.version,
                python_versions=["3"],
                spec_generator="pyp2spec",
                buildopts=options,
            )
        elif isinstance(source, DistGitSource):
            found = self._ask(
                proxy.create_from_distgit,
                owner,
                project,
                source.package,
                committish=source.commit,
                namespace=source.namespace or None,
                distgit=source.distgit or None,
                buildopts=options,
            )
        else:
            found = self._ask(
                proxy.create_from_custom,
                owner,
                project,
                source.marked(marker),
                script_chroot=source.chroot,
                script_builddeps=" ".join(source.builddeps),
                script_resultdir=source.resultdir,
                buildopts=options,
            )
        return _build(found)

    def _upload(
        self, owner: str, project: str, source: UploadSource, marker: str, options: dict[str, Any]
    ) -> FarmBuild:
        path = self.directory / source.path
        if not path.is_file() or file_digest(path) != source.sha256:
            raise InputError(
                Code.NOT_FOR_COPR,
                "the source package has changed since the push began",
                place=Place(str(path)),
                hint="push again",
            )
        with tempfile.TemporaryDirectory(prefix="streamsolve-") as directory:
            # The name under which a file is uploaded is the only thing that the client passes on.
            link = Path(directory) / source.upload_name(marker)
            link.symlink_to(path.resolve())
            errand = Errand(self.limit)
            options["progress_callback"] = errand.note_progress
            found = self._run(
                errand,
                lambda: self.client.build_proxy.create_from_file(
                    owner, project, str(link), buildopts=options
                ),
            )
        return _build(found)

    def builds(self, owner: str, project: str) -> tuple[FarmBuild, ...]:
        """All builds of a project, by id."""
        listed = self._run(
            Errand(self.limit), lambda: self.client.build_proxy.get_list(owner, project)
        )
        if not isinstance(listed, list):
            raise FarmLostError("the answer is no list of builds")
        return tuple(sorted((_build(each) for each in listed), key=lambda build: build.id))

    def source_of(self, build: int) -> SourceRecord:
        """What a build was submitted with."""
        found = self._ask(self.client.build_proxy.get_source_build_config, build)
        return SourceRecord(_text(found.get("source_type")), _mapping(found.get("source_dict")))

    def cancel(self, build: int) -> None:
        """Cancel a build; refused for one that is over."""
        self._ask(self.client.build_proxy.cancel, build)

    def delete(self, build: int) -> None:
        """Delete a build with its packages."""
        self._ask(self.client.build_proxy.delete, build)

    def logs(self, build: int) -> tuple[str, ...]:
        """The addresses of the logs of what failed in a build, or of the build's page."""
        errand = Errand(self.limit)
        roots = self._run(errand, lambda: self.client.build_chroot_proxy.get_list(build))
        failed = (each for each in roots if each.get("state") == "failed")
        found = [_text(each.get("result_url")) for each in failed]
        if not any(found):
            source = self._ask(self.client.build_proxy.get_source_chroot, build)
            if source.get("state") == "failed":
                found = [_text(source.get("result_url"))]
        logs = tuple(f"{url.rstrip('/')}/{_LOG}" for url in found if url)
        return logs or (f"{self.address()}/coprs/build/{build}/",)

    # -- packages and webhooks

    def packages(self, owner: str, project: str) -> tuple[str, ...]:
        """The packages of a project, sorted."""
        errand = Errand(self.limit)
        listed = self._run(errand, lambda: self.client.package_proxy.get_list(owner, project))
        return tuple(sorted(_text(each.get("name")) for each in listed))

    def add_package(
        self, owner: str, project: str, package: str, source: BuildSource, *, known: bool
    ) -> None:
        """Set up a package that a webhook rebuilds; ``known`` changes one that is there."""
        if not isinstance(source, CustomSource):
            raise FarmRefusedError("only a script can make the source of what a webhook rebuilds")
        fields = {
            "script": source.script,
            "script_chroot": source.chroot,
            "script_builddeps": list(source.builddeps),
            "script_resultdir": source.resultdir,
            "webhook_rebuild": True,
        }
        proxy = self.client.package_proxy
        self._ask(proxy.edit if known else proxy.add, owner, project, package, "custom", fields)

    def new_webhook_secret(self, owner: str, project: str) -> str:
        """Make a new secret; the addresses with the one before stop working."""
        found = self._ask(self.client.webhook_proxy.generate, owner, project)
        return _text(found.get("webhook_secret"))

    # -- asking

    def _ask(self, request: Callable[..., Any], *values: Any, **named: Any) -> Mapping[str, Any]:  # noqa: ANN401  the client has no types
        """The answer, which is a document."""
        found = self._run(Errand(self.limit), lambda: request(*values, **named))
        if not isinstance(found, dict):
            raise FarmLostError("the answer is no document")
        return {key: value for key, value in found.items() if not key.startswith("__")}

    def _run(self, errand: Errand, request: Callable[[], Any]) -> Any:  # noqa: ANN401
        try:
            found = errand.run(request)
        except (FarmLostError, FarmRefusedError):
            raise
        except Exception as error:  # noqa: BLE001  whatever the client raises
            raise self._translated(error) from None
        response = found.__response__ if hasattr(found, "__response__") else None
        status = getattr(response, "status_code", 200)
        if status >= 400:
            # Some refusals have no field "error", and the client takes them for answers.
            raise self._fault(status, str(getattr(found, "message", "") or "no reason is given"))
        return found

    def _translated(self, error: Exception) -> FarmLostError | FarmRefusedError:
        from copr.v3 import (  # type: ignore[import-untyped]
            CoprAuthException,
            CoprConfigException,
            CoprException,
            CoprValidationException,
        )

        if not isinstance(error, CoprException):
            # A connection that broke, or an answer that is not what the client expects.
            return FarmLostError(self._clean(f"{type(error).__name__}: {error}"))
        message = str(error.result.get("error") or "no reason is given")
        response = error.result.get("__response__")
        if response is not None:
            return self._fault(response.status_code, message)
        if isinstance(error, CoprAuthException | CoprConfigException):
            return FarmRefusedError("there are no credentials that it could use", 401)
        if isinstance(error, CoprValidationException):
            return FarmRefusedError(self._clean(message), 400)
        return FarmLostError(self._clean(message))

    def _fault(self, status: int, message: str) -> FarmLostError | FarmRefusedError:
        text = self._clean(message)
        if 400 <= status < 500 and status not in _TRY_LATER:
            return FarmRefusedError(text, status)
        return FarmLostError(f"status {status}, {text}")

    def _clean(self, message: str) -> str:
        """A message without secrets, line ends and what a terminal obeys, and not too long."""
        for secret in self.secrets:
            message = message.replace(secret, "…")
        words = " ".join("".join(c if c.isprintable() else " " for c in message).split())
        return words if len(words) <= _LONGEST_MESSAGE else f"{words[:_LONGEST_MESSAGE]}…"


# -- what the answers hold -------------------------------------------------------------------------


def _build(found: Any) -> FarmBuild:  # noqa: ANN401
    number, state = found.get("id"), found.get("state")
    if not isinstance(number, int) or not isinstance(state, str):
        raise FarmLostError("the answer is no build")
    package = _mapping(found.get("source_package"))
    started, ended = found.get("started_on"), found.get("ended_on")
    return FarmBuild(
        number,
        _text(found.get("projectname")),
        state,
        _text(package.get("name")),
        _text(package.get("url")),
        started if isinstance(started, int) else None,
        ended if isinstance(ended, int) else None,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _texts(value: object) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
