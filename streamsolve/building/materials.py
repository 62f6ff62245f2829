"""What specs are made from, read: specs that were given, the base's source packages, and what the
sdists and wheels of the streams say of themselves. Nothing of it is run."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from attrs import define, field, frozen

from ..emit.specs import (
    GivenSpec,
    SpecMaterials,
    StreamMaterial,
    UpstreamFile,
)
from ..emit.specs.skeleton import checkout_of
from ..emit.specs.sources import upstream_names
from ..emit.specs.spec_text import SpecText
from ..errors import Code, ErrorCollector, InputError, Place
from ..inputs.index import PackageIndex
from ..inputs.project_files import read_project_file
from ..inputs.source_rpms import LARGEST_SMALL_FILE, SourceRpm, read_source_rpm
from ..lock import Lock
from ..model.build import Build
from ..model.component import Origin
from ..model.plan import PlannedStream
from ..model.progress import Progress, no_progress
from ..model.project import ProjectFacts
from ..storage import file_digest
from .base_specs import base_source_packages, is_of_version

__all__ = ["Materials", "read_materials"]

_LARGEST_SPEC = 4 << 20
_PYPI = re.compile(r"pkg:pypi/([A-Za-z0-9._-]+)@", re.ASCII)
_GIT = re.compile(r"pkg:(?:github|gitlab|bitbucket)/[^/]+/([^/@#?]+)@")
_ARCHIVE = re.compile(r"\.(?:tar\.\w+|tgz|zip|whl)$")
_SOURCE_RPM = ".src.rpm"


@frozen
class Materials:
    """What was read; what could not be is told as (stream, why), sorted. ``lacking`` are the base's
    source packages that would be needed and are not there, by stream."""

    specs: SpecMaterials
    unread: tuple[tuple[str, str], ...]
    lacking: Mapping[str, str]


def read_materials(
    lock: Lock,
    *,
    given: Sequence[tuple[str, str]] = (),
    srpms: Mapping[str, Path] | None = None,
    sources: Path | None = None,
    index: PackageIndex | None = None,
    progress: Progress = no_progress,
) -> Materials:
    """Read everything for the private streams of a lock.

    ``given`` are spec files or source packages by component, ``srpms`` the base's source packages
    by full name, ``sources`` is the directory of upstream's files; what is not in it is asked of
    ``index``, if there is one. Raises :class:`InputErrors`: ``BAD_OPTION`` for specs that are not
    those of the lock, ``SOURCES_MISSING`` for files that are not, ``NO_SOURCE_PACKAGE`` for source
    packages that cannot be used.
    """
    builds = lock.plan.builds.builds if lock.plan.builds else ()
    faults = ErrorCollector(Code.SOURCES_MISSING)
    specs = _given_specs(lock, given, {build.component.spelled for build in builds})
    reader = _Reader(
        specs,
        base_source_packages(lock.plan.builds) if lock.plan.builds else {},
        srpms or {},
        _Archives(sources, index),
        faults,
    )
    found, streams = [], _streams(lock, builds)
    with tempfile.TemporaryDirectory(prefix="streamsolve-") as aside:
        for done, (id, stream) in enumerate(sorted(streams.items())):
            progress("read what specs are made from", done, len(streams))
            found.append(reader.read(id, stream, Path(aside)))
    progress("read what specs are made from", len(streams), len(streams))
    faults.raise_if_any("what specs are made from cannot be used")
    return Materials(SpecMaterials(tuple(found)), tuple(reader.unread), reader.lacking)


def _streams(lock: Lock, builds: Iterable[Build]) -> dict[str, PlannedStream]:
    """The private streams that are built, as builds name them."""
    private = {
        f"{stream.component.spelled}@{stream.version}": stream
        for stream in lock.plan.streams
        if stream.origin is Origin.PRIVATE
    }
    return {build.stream: private[build.stream] for build in builds if build.stream in private}


@define
class _Reader:
    """Reads the material of one stream after the other."""

    given: Mapping[str, GivenSpec]
    specs: Mapping[str, str]
    srpms: Mapping[str, Path]
    archives: _Archives
    faults: ErrorCollector
    unread: list[tuple[str, str]] = field(factory=list, init=False)
    lacking: dict[str, str] = field(factory=dict, init=False)
    _read: dict[Path, SourceRpm | None] = field(factory=dict, init=False)

    def read(self, id: str, stream: PlannedStream, aside: Path) -> StreamMaterial:
        """Everything for one stream."""
        given = self.given.get(stream.component.spelled)
        base = None if given else self._base(id)
        upstream = {each.filename: each for each in self.archives.supplied(stream)}
        spec = None
        if base is not None:
            spec = _of_source_rpm(base)
            if is_of_version(base.version, stream):
                upstream = {each.filename: each for each in spec.upstream} | upstream
        files = tuple(each for _, each in sorted(upstream.items()))
        return StreamMaterial(id, given, spec, self._project(id, stream, aside), files)

    def _base(self, id: str) -> SourceRpm | None:
        nevra = self.specs.get(id)
        if nevra is None:
            return None
        path = self.srpms.get(nevra)
        if path is None:
            self.lacking[id] = nevra
            return None
        if path not in self._read:
            self._read[path] = None
            with self.faults.collect():
                self._read[path] = read_source_rpm(path)
        return self._read[path]

    def _project(self, id: str, stream: PlannedStream, aside: Path) -> ProjectFacts | None:
        with self.faults.collect():
            path = self.archives.find(stream, aside)
            if path is None:
                return None
            try:
                return read_project_file(path, filename=stream.source.filename)
            except InputError as error:
                # What upstream published is what it is: the plan alone must do.
                self.unread.append((id, error.message))
        return None


# -- upstream's files ------------------------------------------------------------------------------


@frozen(slots=False)
class _Archives:
    """Where upstream's files are."""

    directory: Path | None
    index: PackageIndex | None

    def find(self, stream: PlannedStream, aside: Path) -> Path | None:
        """The archive that the lock names, or None where it is not at hand. Raises
        :class:`InputError` for another one in its place."""
        source = stream.source
        if (
            not source.filename
            or not source.sha256
            or Path(source.filename).name != source.filename
        ):
            return None
        path = self.directory / source.filename if self.directory else None
        if path is not None and path.is_file():
            if file_digest(path) != source.sha256:
                raise InputError(
                    Code.SOURCES_MISSING,
                    "it is not the file that was locked: its sha256 is another",
                    place=Place(str(path)),
                    hint="move it away; `streamsolve sources` brings the right one",
                )
            return path
        project = _PYPI.match(source.purl)
        if self.index is None or project is None:
            return None
        return self.index.download(project[1], source.filename, sha256=source.sha256, aside=aside)

    def supplied(self, stream: PlannedStream) -> tuple[UpstreamFile, ...]:
        """What the packager put there for a stream of which the lock names no file: archives that
        are called after it, or after its repository, and its version."""
        if stream.source.filename or self.directory is None or stream.version is None:
            return ()
        checkout = checkout_of(stream.source.purl)
        repository = _GIT.match(stream.source.purl)
        names = {stream.component.name, *([repository[1]] if repository else ())}
        words = "|".join(re.escape(name) for name in sorted(names)).replace(r"\-", "[-_.]")
        stems = [rf"(?:{words})[-_]v?{re.escape(str(stream.version))}"]
        stems += [re.escape(checkout.directory)] if checkout else []
        pattern = re.compile(
            rf"(?:{'|'.join(stems)})(?:[-.][A-Za-z0-9._+-]*)?", re.IGNORECASE | re.ASCII
        )
        return tuple(
            UpstreamFile(path.name, file_digest(path), stream.source.purl)
            for path in sorted(self.directory.iterdir())
            if path.is_file() and _ARCHIVE.search(path.name) and pattern.fullmatch(path.name)
        )


# -- specs -----------------------------------------------------------------------------------------


def _given_specs(
    lock: Lock, given: Sequence[tuple[str, str]], built: set[str]
) -> dict[str, GivenSpec]:
    """The specs that were given, which are those of the lock, all of them."""
    locked = {each.component: each for each in lock.settings.specs}
    faults, found = ErrorCollector(Code.BAD_OPTION), dict[str, GivenSpec]()
    place = Place("--spec")
    for component, text in given:
        path, expected = Path(text), locked.pop(component, None)
        if component not in built:
            faults.add(f"nothing builds {component!r}", place)
        elif expected is None:
            hint = "lock again with the same --spec: what a spec needs is part of the plan"
            faults.add(f"the lock was made without a spec for {component}", place, hint)
        elif file_digest(path) != expected.sha256:
            hint = "give the one that was locked, or lock again with this one"
            faults.add("it is not the spec that was locked", Place(str(path)), hint)
        else:
            with faults.collect():
                found[component] = _given_spec(path)
    for component, missing in sorted(locked.items()):
        faults.add(
            f"the lock was made with a spec for {component}, {missing.filename}",
            place,
            f"add --spec {component}=FILE",
        )
    faults.raise_if_any("the specs cannot be used")
    return found


def _given_spec(path: Path) -> GivenSpec:
    """A source package, or a spec file with the files beside it that it names."""
    if path.name.endswith(_SOURCE_RPM):
        return _of_source_rpm(read_source_rpm(path))
    if path.stat().st_size > _LARGEST_SPEC:
        raise InputError(
            Code.NO_SOURCE_PACKAGE, "it is too large for a spec", place=Place(str(path))
        )
    text = path.read_text("utf-8", "replace")
    files, upstream = [], []
    for beside in _named_beside(path, text):
        if beside.stat().st_size > LARGEST_SMALL_FILE or _ARCHIVE.search(beside.name):
            upstream.append(UpstreamFile(beside.name, file_digest(beside)))
        else:
            files.append((beside.name, beside.read_bytes()))
    return GivenSpec(path.name, text, tuple(files), tuple(upstream))


def _named_beside(path: Path, text: str) -> Iterable[Path]:
    """The files beside a spec that are its sources and patches, as far as their names can be known
    without running its macros."""
    for name in sorted(upstream_names(SpecText.read(text), ())):
        beside = path.parent / name
        if beside.name == name and beside.is_file() and not name.endswith(".spec"):
            yield beside


def _of_source_rpm(found: SourceRpm) -> GivenSpec:
    upstream = tuple(UpstreamFile(each.filename, each.sha256) for each in found.upstream)
    return GivenSpec(found.file, found.spec, found.files, upstream)
