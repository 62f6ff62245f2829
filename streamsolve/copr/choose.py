"""Which source a build has: what was asked for, if it can be had and builds the right thing."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from ..emit.grammar import Refusals
from ..emit.names import Names
from ..errors import nearest
from ..model.build import Build, NeedOrigin, Stage
from ..model.component import PYTHON, Origin
from ..model.plan import Plan, PlannedStream
from ..model.wording import first_few
from .options import FarmOptions, Method, SourceChoice
from .source import (
    LONGEST_SCRIPT,
    BuildSource,
    DistGitSource,
    PypiSource,
    UploadSource,
    custom_source,
)

__all__ = ["SOURCE_PACKAGES", "Chooser"]

SOURCE_PACKAGES = "srpms"
"""The directory of source packages, below the emitted one."""

_INDEX = "pkg:pypi/"
_SHOWN = 6
_NOTHING = UploadSource("", "")


@define
class Chooser:
    """Chooses the source of each build; what cannot be had is noted in ``refusals``.

    ``srpms`` are the source packages at hand by file name, with their sha256; ``given`` the
    components whose spec the packager gave.
    """

    plan: Plan
    options: FarmOptions
    names: Names
    srpms: Mapping[str, str]
    given: frozenset[str]
    refusals: Refusals
    _without: list[str] = field(factory=list, init=False)
    _no_script: list[str] = field(factory=list, init=False)

    def source(self, build: Build) -> BuildSource:
        """The source of one build; anything at all where it was refused."""
        component = build.component.spelled
        asked = (c for c in self.options.sources if c.component == component)
        choice = next(asked, SourceChoice(component, self.options.method))
        if choice.method is Method.PYPI:
            return self._from_index(build)
        if choice.method is Method.DISTGIT:
            if not choice.commit:
                self._refuse(build, "no commit is named", "write COMPONENT=distgit:PACKAGE@COMMIT")
            return DistGitSource(choice.package, choice.commit, choice.namespace, choice.distgit)
        upload = self._upload(build)
        if choice.method is Method.SRPM:
            if upload is None:
                name = self.names.sources.get(build.stream, "")
                self._refuse(build, f"there is no {SOURCE_PACKAGES}/{name}", "make it, or name -d")
            return upload or _NOTHING
        if choice.method is Method.AUTO and upload is not None:
            return upload
        return self._custom(build)

    def finish(self, sources_needed: bool = True) -> None:
        """Note what all builds together lack, and names that no build has."""
        if self._without and sources_needed:
            self.refusals.note(
                f"there is no source package for {_some(self._without)}",
                "--dir",
                "`make -C DIR srpms` makes it in what `emit mock` wrote, named with -d DIR; or say "
                "with --lock-url URL where COPR can fetch the lock, for the custom source method",
            )
        if self._no_script and sources_needed:
            self.refusals.note(
                "`streamsolve copr source` can make no sources from the lock for "
                f"{_some(self._no_script)}: it names no file of theirs, or holds only the digest "
                "of a spec",
                "--dir",
                "make their source packages (`emit mock`, `make srpms`) and name the directory "
                "with -d DIR",
            )
        known = {build.component.spelled for build in self._builds()}
        for choice in self.options.sources:
            if choice.component not in known:
                hint = nearest(choice.component, known)
                self.refusals.note(f"no build is of {choice.component!r}", "--source", hint)

    def _builds(self) -> tuple[Build, ...]:
        return self.plan.builds.builds if self.plan.builds is not None else ()

    def _refuse(self, build: Build, message: str, hint: str = "") -> None:
        self.refusals.note(message, f"--source {build.component.spelled}", hint)

    def _upload(self, build: Build) -> UploadSource | None:
        name = self.names.sources.get(build.stream, "")
        digest = self.srpms.get(name)
        return UploadSource(f"{SOURCE_PACKAGES}/{name}", digest) if digest else None

    def _custom(self, build: Build) -> BuildSource:
        if not self.options.lock_url:
            self._without.append(build.stream)
            return _NOTHING
        if not self._has_script(build):
            self._no_script.append(build.stream)
        chroot = min(self.options.chroots, default="")
        made = custom_source(
            build.stream,
            self.options.lock_url,
            self.options.lock_sha256,
            chroot,
            self.options.builddeps,
            arch=self.options.lock_arch,
        )
        if len(made.script.encode()) > LONGEST_SCRIPT // 2:
            self._refuse(build, "its script is longer than COPR takes")
        return made

    def _has_script(self, build: Build) -> bool:
        """Whether the lock may suffice for the sources: it names upstream's file, or the base's
        source package has it."""
        stream = self._stream(build)
        named = stream is None or (stream.source.filename and stream.source.sha256)
        of_base = any(
            need.origin is NeedOrigin.BASE_SPEC for need in (*build.needs, *build.left_out)
        )
        return build.component.spelled not in self.given and bool(named or of_base)

    def _from_index(self, build: Build) -> BuildSource:
        """COPR's own method, which makes a spec of what the index has: right for nothing else."""
        stream = self._stream(build)
        purl = stream.source.purl if stream is not None else ""
        reasons = {
            f"its source is {purl or 'not on the package index'}": not purl.startswith(_INDEX),
            "its spec was given with --spec": build.component.spelled in self.given,
            "it is built in two passes": build.stage is not Stage.ONLY,
            "requirements of it are relaxed, so its spec is not what upstream says": any(
                one.by == build.component for one in self.plan.relaxed
            ),
            "its interpreter is not the base's": self._has_private_interpreter(),
        }
        for reason, holds in reasons.items():
            if holds:
                self._refuse(build, f"COPR's method for PyPI would build another thing: {reason}")
        name, _, version = purl.removeprefix(_INDEX).partition("@")
        return PypiSource(name, version)

    def _stream(self, build: Build) -> PlannedStream | None:
        found = (
            one
            for one in self.plan.streams
            if one.component == build.component and one.version == build.version
        )
        return next(found, None)

    def _has_private_interpreter(self) -> bool:
        return any(
            one.component == PYTHON and one.origin is Origin.PRIVATE for one in self.plan.streams
        )


def _some(streams: list[str]) -> str:
    """The first few of some streams, each once."""
    return first_few(sorted(set(streams)), _SHOWN)
