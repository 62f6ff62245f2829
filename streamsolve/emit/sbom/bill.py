"""What an image is made of, before it is written in anybody's format: parts and their relations.

Every package of every root is a part, and every source that a stream names; those that lie in build
roots only are parts that the image does not hold. Nothing is made up: a licence, a checksum or a
version that neither the lock nor a file at hand states is left out.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256

from attrs import define, field

from ...errors import Code, InputError, Place
from ...lock.package_table import Row, package_rows
from ...model.build import BuildPlan, Root, stream_id
from ...model.component import Component, Origin
from ...model.package import Package
from ...model.plan import Plan, PlannedStream
from ...model.profile import BundledSource
from ...model.rpm_language import Capability, Dependency, parse_dependency
from ...model.rpm_matching import Provided
from .. import grammar
from ..grammar import Refusals, shown
from ..locked_files import LockedFile, locked_files
from .licences import expression
from .parts import (
    Bill,
    Part,
    PartKind,
    Relation,
    RelationKind,
    is_package_url,
    package_url,
    rpm_url,
)
from .vendored import check_checksum, vendored_part

__all__ = ["bill_of"]

_NAMESPACE = uuid.UUID("6f0d1c9e-5f0c-5b0e-9d1e-4d0c6a1f2b7a")
"""Of the identifiers of bills; it stands for nothing else."""

_RUNTIME = "runtime"
_PRIVATE = Origin.PRIVATE.value
_EXTERNAL = Origin.EXTERNAL.value
_CONTROL = frozenset(map(chr, (*range(9), *range(14, 32), *range(127, 160))))
_LONGEST = 4000


def bill_of(
    plan: Plan,
    digest: str,
    *,
    files: Iterable[LockedFile] = (),
    bundled: Iterable[BundledSource] = (),
    overlays: Iterable[str] = (),
    epoch: int = 0,
    file: str = "",
) -> Bill:
    """The bill of a locked plan. ``digest`` is the lock's.

    ``files`` give their packages the version, the checksum and the licence that they really have.
    ``bundled`` are sources that the application's build takes in besides its own, and ``overlays``
    the repositories on top of the base, whose packages are not the base's. Raises
    :class:`InputErrors` (``NOT_EMITTED``) for a file that is not the locked one, and for text that
    no format can hold.
    """
    if plan.builds is None:
        raise InputError(
            Code.NOT_EMITTED, "the plan does not say which packages run it", place=Place(file)
        )
    refusals, given = Refusals(file), tuple(files)
    _check_plan(plan, plan.builds, refusals)
    for one in given:
        _check_text(one.header.license, "licence", refusals)
        _check_package(one.header.name, one.header.evr, one.header.arch, str(one.path), refusals)
    refusals.raise_if_any()
    maker = _Maker(plan, plan.builds, given, frozenset(overlays), refusals)
    application, parts, relations = maker.made(tuple(bundled))
    for part in (application, *parts):
        if part.purl and not is_package_url(part.purl):
            refusals.note(f"{shown(part.purl)} is no package URL", shown(part.ref))
    refusals.raise_if_any()
    content = sha256(f"{digest}\n{epoch}\n".encode())
    for part in (application, *parts):
        said = f"{part.ref}\n{part.version}\n{part.sha256}\n{part.licence}\n{part.licence_text}\n"
        content.update(f"{said}{part.sha512}".encode())
    return Bill(
        uuid.uuid5(_NAMESPACE, content.hexdigest()),
        f"{plan.application}-{plan.version}" + (f"-{plan.variant}" if plan.variant else ""),
        epoch,
        application,
        parts,
        relations,
    )


def _check_plan(plan: Plan, builds: BuildPlan, refusals: Refusals) -> None:
    """Note what is no name of a package, and text that a reader would not get back as it was."""
    for part in ("application", "base", "variant"):
        value = getattr(plan, part)
        if value or part == "application":
            refusals.check(value, grammar.NAME, part)
    for root in (builds.runtime, *builds.roots):
        for package in root.packages:
            _check_package(package.name, package.evr, package.arch, root.id, refusals)
            _check_text(package.checksum, root.id, refusals)
    for number, stream in enumerate(plan.streams):
        source, path = stream.source, f"streams[{number}]"
        for text in (stream.component.name, stream.licence, *(source.purl, source.filename)):
            _check_text(text, path, refusals)
        if source.sha256:
            refusals.check(source.sha256, grammar.DIGEST, f"{path}.source")
    for each in plan.vendored:
        for one in each.packages:
            path = f"vendored[{each.component}]"
            for text in (one.name, one.version, one.source, one.licence, one.licence_of):
                _check_text(text, path, refusals)
            check_checksum(one, path, refusals)


def _check_package(name: str, evr: str, arch: str, path: str, refusals: Refusals) -> None:
    refusals.check(name, grammar.PACKAGE, path)
    refusals.check(evr, grammar.EVR, path)
    refusals.check(arch, grammar.ARCHITECTURE, path)


def _check_text(text: str, path: str, refusals: Refusals) -> None:
    bad = any(letter in _CONTROL or "\ud800" <= letter <= "\udfff" for letter in text)
    if bad or len(text) > _LONGEST:
        refusals.note(f"{shown(text)} is no text that can be read", path)


@define
class _Maker:
    """Makes the parts and their relations from a plan."""

    plan: Plan
    builds: BuildPlan
    files: tuple[LockedFile, ...]
    overlays: frozenset[str]
    refusals: Refusals
    rows: Mapping[str, Row] = field(init=False)
    _short: Callable[[Package], str] = field(init=False)
    _streams: dict[str, PlannedStream] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self.rows, self._short = package_rows((self.builds.runtime, *self.builds.roots))
        for stream in self.plan.streams:
            if stream.version is not None:
                id = stream_id(stream.component, stream.version)
                self._streams.setdefault(id, stream)

    def made(
        self, bundled: tuple[BundledSource, ...]
    ) -> tuple[Part, tuple[Part, ...], tuple[Relation, ...]]:
        """The application, the other parts, and all relations."""
        found = self._found()
        runtime = {self._short(package) for package in self.builds.runtime.packages}
        packages = [
            self._package(name, row, found.get(name), runs=name in runtime)
            for name, row in self.rows.items()
        ]
        sources = [*self._sources(), *map(_bundled, _those_of(bundled, self.plan.variant))]
        application = _application(self.plan)
        vendored = dict(self._vendored(runtime))
        relations = {
            *vendored,
            *(Relation(application.ref, RelationKind.CONTAINS, _package_ref(n)) for n in runtime),
            *self._dependencies(),
            *self._generated(sources),
            *self._built_with(application, runtime),
            *(
                Relation(application.ref, RelationKind.GENERATED_FROM, part.ref)
                for part in sources
                if part.ref.startswith("bundled:")
            ),
        }
        parts = sorted((*packages, *sources, *vendored.values()), key=lambda part: part.ref)
        return application, tuple(parts), tuple(sorted(relations))

    # -- packages

    def _found(self) -> dict[str, LockedFile]:
        """The files at hand by the short names of their packages."""
        if not self.files:
            return {}
        found = {}
        for root in (self.builds.runtime, *self.builds.roots):
            by_name, _ = locked_files(root, self.files, self.refusals)
            for package in root.packages:
                if package.nevra in by_name:
                    found[self._short(package)] = by_name[package.nevra]
        return found

    def _package(self, name: str, row: Row, file: LockedFile | None, *, runs: bool) -> Part:
        package, stream = row.package, self._streams.get(row.stream)
        evr = file.header.evr if file else package.evr
        algorithm, _, digest = package.checksum.partition(":")
        checksum = digest if algorithm == "sha256" else ""
        if file:
            checksum = file.header.sha256
        said = file.header.license if file else ""
        if not said and stream is not None and package.repository in (_PRIVATE, _EXTERNAL):
            said = stream.licence
        licence, text = expression(said)
        return Part(
            _package_ref(name),
            PartKind.PACKAGE,
            package.name,
            evr,
            rpm_url(package, evr, checksum, "" if self._is_foreign(package) else self.plan.base),
            licence,
            text,
            checksum,
            file.header.file if file else "",
            runs,
            "" if file else _note(package),
        )

    def _is_foreign(self, package: Package) -> bool:
        """Whether a package is not the base's own."""
        return package.repository in (_PRIVATE, _EXTERNAL, *self.overlays)

    def _dependencies(self) -> Iterator[Relation]:
        """Which package of the runtime root needs which."""
        root = self.builds.runtime
        provided = Provided.of(self._provides(root))
        kind = RelationKind.DEPENDS_ON
        for package in root.packages:
            own = self._short(package)
            for text in package.requires:
                for other in _met_by(text, provided) - {own}:
                    yield Relation(_package_ref(own), kind, _package_ref(other))

    def _provides(self, root: Root) -> Iterator[tuple[str, Capability]]:
        for package in root.packages:
            name = self._short(package)
            yield name, Capability(package.name, "=", package.evr)
            for text in package.provides:
                parsed = _parsed(text)
                if isinstance(parsed, Capability):
                    yield name, parsed

    # -- sources

    def _sources(self) -> Iterator[Part]:
        """What streams are built from, or, for a third party's, what their metadata was read from.

        Every stream that names a source is there, whether anything in the image is of it or not.
        """
        runs = {stream_id(s.component, s.version) for s in self.builds.runtime.streams}
        for id, stream in self._streams.items():
            source = stream.source
            if source.purl or source.filename:
                licence, text = expression(stream.licence)
                yield Part(
                    _source_ref(id),
                    PartKind.SOURCE,
                    stream.component.name,
                    str(stream.version),
                    source.purl,
                    licence,
                    text,
                    source.sha256,
                    source.filename,
                    runs=id in runs,
                )

    def _generated(self, sources: Iterable[Part]) -> Iterator[Relation]:
        """Which package was made from which source."""
        known = {part.ref for part in sources}
        for name, row in self.rows.items():
            source = _source_ref(row.stream)
            if row.package.repository == _PRIVATE and source in known:
                yield Relation(_package_ref(name), RelationKind.GENERATED_FROM, source)

    # -- what is vendored

    def _vendored(self, runtime: set[str]) -> Iterator[tuple[Relation, Part]]:
        """What the packages of a stream hold of others, each with the relation that says so. What
        is for development alone is in no package."""
        for each in self.plan.vendored:
            name = self._main_package(each.component)
            for package in each.shipped if name else ():
                part = vendored_part(each.component, package, runs=name in runtime)
                yield Relation(_package_ref(name), RelationKind.CONTAINS, part.ref), part

    def _main_package(self, component: Component) -> str:
        """The package of a component's private stream that has the stream's own name, else the
        first; empty where no root has one."""
        streams = {id: s for id, s in self._streams.items() if s.component == component}
        found = [
            (row.package.name != streams[row.stream].package, name)
            for name, row in self.rows.items()
            if row.stream in streams and row.package.repository == _PRIVATE
        ]
        return min(found)[1] if found else ""

    # -- builds

    def _built_with(self, application: Part, runtime: set[str]) -> Iterator[Relation]:
        """What a stream's build had of other streams; and of the rest, what only builds had."""
        made: dict[str, list[str]] = {}
        for name, row in self.rows.items():
            if row.package.repository == _PRIVATE and row.stream:
                made.setdefault(row.stream, []).append(name)
        kind, used = RelationKind.BUILT_WITH, set[str]()
        for build in self.builds.builds:
            needed = {id.partition("/")[0] for id in build.after} - {build.stream}
            tools = {name for id in needed for name in made.get(id, ())}
            for name in made.get(build.stream, ()):
                used |= tools
                for tool in tools - {name}:
                    yield Relation(_package_ref(name), kind, _package_ref(tool))
        for name in self.rows:
            if name not in runtime and name not in used:
                yield Relation(application.ref, kind, _package_ref(name))


# -- parts -----------------------------------------------------------------------------------------


def _package_ref(name: str) -> str:
    return f"package:{name}"


def _source_ref(id: str) -> str:
    return f"source:{id}"


def _application(plan: Plan) -> Part:
    stream = plan.own
    licence, text = expression(stream.licence if stream else "")
    return Part(
        f"application:{plan.application}",
        PartKind.APPLICATION,
        plan.application,
        str(plan.version),
        package_url("generic", "", plan.application, str(plan.version)),
        licence,
        text,
    )


def _those_of(bundled: Iterable[BundledSource], variant: str) -> Iterator[BundledSource]:
    return (one for one in bundled if not one.variants or variant in one.variants)


def _bundled(source: BundledSource) -> Part:
    purl = source.purl or package_url("generic", "", source.name, source.revision)
    ref = f"bundled:{source.name}@{source.revision}"
    return Part(ref, PartKind.SOURCE, source.name, source.revision, purl)


def _note(package: Package) -> str:
    if package.repository == _PRIVATE:
        return "The version is the planned one: the file was not at hand."
    if package.repository == _EXTERNAL:
        return "Only the name is locked: the file was not at hand."
    return ""


# -- dependencies ----------------------------------------------------------------------------------


def _parsed(text: str) -> Dependency | None:
    try:
        return parse_dependency(text)
    except InputError:
        return None


def _met_by(text: str, provided: Provided) -> frozenset[str]:
    parsed = _parsed(text)
    return frozenset() if parsed is None else _providers(parsed, provided)


def _providers(dependency: Dependency, provided: Provided) -> frozenset[str]:
    """The packages that meet a dependency, or the parts of one that count."""
    if isinstance(dependency, Capability) or dependency.operator in ("with", "without", "or"):
        return provided.providers(dependency)
    met = [_providers(each, provided) for each in dependency.operands]
    if dependency.operator == "and":
        return frozenset().union(*met)
    # "a if b": a, where b is there.
    return met[0] if provided.meets(dependency.operands[1]) else frozenset()
