"""Which planned package or stream each artifact is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from attrs import define, field, frozen
from packaging.version import InvalidVersion, Version

from ..model.artifacts import ArtifactKind, BuiltArtifact, Finding, FindingKind, Inventory
from ..model.build import BuildPlan, Root, RootStream, stream_id
from ..model.component import PYTHON, Origin, distribution
from ..model.package import Package
from ..model.pep508 import parse_version
from .namespaced import as_planned, common_package

__all__ = ["Expected", "Matched", "match", "same_version"]

_PARTS = ("-", "+")
_NUMBERS = re.compile(r"[0-9.]*")


@frozen
class Expected:
    """A package that the plan has: its stream, and the roots that hold it, runtime first."""

    package: Package
    stream: RootStream
    roots: tuple[Root, ...]

    @property
    def id(self) -> str:
        """The stream's id."""
        return stream_id(self.stream.component, self.stream.version)

    def is_built_as(self, artifact: BuiltArtifact) -> bool:
        """Whether a package of its name is this one, by version and architecture. An interpreter
        is planned by its series."""
        planned, version = self.package.version, artifact.version
        if artifact.arch not in (self.package.arch, "noarch"):
            return False
        series = self.stream.component == PYTHON and version.startswith(f"{planned}.")
        return series or same_version(version, planned)


@define
class Matched:
    """Artifacts beside what was planned. ``planned`` has, by the path of an artifact, the package
    that it is; ``stream`` the id of its stream, also for parts of it that no root asks for.
    ``artifacts`` are called as they were planned, and ``original`` has them as they are.
    ``common`` are packages of the application's namespace, which are in every root of it."""

    expected: tuple[Expected, ...]
    artifacts: tuple[BuiltArtifact, ...]
    planned: dict[str, Expected] = field(factory=dict)
    stream: dict[str, str] = field(factory=dict)
    findings: list[Finding] = field(factory=list)
    original: dict[str, BuiltArtifact] = field(factory=dict)
    common: list[BuiltArtifact] = field(factory=list)

    def of_stream(self, id: str) -> list[BuiltArtifact]:
        """The artifacts of a stream."""
        return [each for each in self.artifacts if self.stream.get(each.path) == id]


def same_version(one: str, other: str) -> bool:
    """Whether two RPM versions are one but for zeros at the end of their numbers, which Fedora's
    generator leaves out and packagers do not."""
    return _bare(one) == _bare(other)


def _bare(version: str) -> str:
    numbers = _NUMBERS.match(version)
    head = numbers[0] if numbers else ""
    short = re.sub(r"(?:\.0+)+$", "", head.rstrip(".")) + "." * (len(head) - len(head.rstrip(".")))
    return short + version[len(head) :]


def match(builds: BuildPlan, inventory: Inventory, application: str) -> Matched:
    """Find out what each artifact is, and note those that are nothing of the plan's, and what of
    the plan was not built. ``application`` is the name that a namespace would have."""
    expected_packages = tuple(_expected(builds))
    names = frozenset(each.package.name for each in expected_packages)
    matched = Matched(
        expected_packages,
        tuple(as_planned(each, application, names) for each in inventory.artifacts),
        original={each.path: each for each in inventory.artifacts},
    )
    by_name: dict[str, list[Expected]] = {}
    for expected in matched.expected:
        by_name.setdefault(expected.package.name, []).append(expected)
    ids = {build.stream for build in builds.builds}
    left = []
    for artifact in matched.artifacts:
        if artifact.kind is ArtifactKind.WHEEL:
            _match_wheel(matched, artifact, builds)
            continue
        if matched.original[artifact.path].name == common_package(application):
            matched.common.append(artifact)
            continue
        planned = by_name.get(artifact.name, [])
        found = next((each for each in planned if each.is_built_as(artifact)), None)
        if found:
            matched.planned[artifact.path] = found
            matched.stream[artifact.path] = found.id
        else:
            left.append((artifact, planned))
    _match_parts(matched, left)
    _note_absent(matched, sorted(ids))
    return matched


def _match_wheel(matched: Matched, artifact: BuiltArtifact, builds: BuildPlan) -> None:
    component = distribution(artifact.name)
    planned = sorted({build.version for build in builds.builds if build.component == component})
    try:
        version = parse_version(artifact.version)
    except InvalidVersion:
        version = None
    for each in planned:
        if version is not None and version in (each, Version(each.public)):
            matched.stream[artifact.path] = stream_id(component, each)
            return
        if version is not None and Version(version.public) == each:
            matched.stream[artifact.path] = stream_id(component, each)
            return
    _note_stranger(
        matched, artifact, artifact.version, [str(each) for each in planned], component.spelled
    )


def _match_parts(
    matched: Matched, left: Sequence[tuple[BuiltArtifact, Sequence[Expected]]]
) -> None:
    """Packages that the plan does not name: parts of a source package of which another part is
    planned belong to its stream."""
    makers = {
        artifact.source: matched.stream[artifact.path]
        for artifact in matched.artifacts
        if artifact.source and artifact.path in matched.planned
    }
    for artifact, planned in left:
        stream = makers.get(artifact.source)
        if stream is None or planned:
            versions = [f"{each.package.version}.{each.package.arch}" for each in planned]
            _note_stranger(
                matched,
                artifact,
                f"{artifact.evr}.{artifact.arch}",
                versions,
                planned[0].id if planned else "",
            )
            continue
        matched.stream[artifact.path] = stream
        matched.findings.append(
            Finding(FindingKind.ADDED_PACKAGE, stream, artifact.path, artifact.name)
        )


def _note_stranger(
    matched: Matched, artifact: BuiltArtifact, found: str, planned: Sequence[str], stream: str
) -> None:
    kind = FindingKind.OTHER_VERSION if planned else FindingKind.UNPLANNED
    matched.findings.append(
        Finding(
            kind,
            stream if planned else "",
            artifact.path,
            artifact.name,
            planned=", ".join(planned),
            found=found,
        )
    )


def _note_absent(matched: Matched, ids: Sequence[str]) -> None:
    """Streams of which nothing was built, and planned packages of streams of which some was."""
    some = set(matched.stream.values())
    packaged = {expected.id for expected in matched.planned.values()}
    there = {id(expected) for expected in matched.planned.values()}
    for stream in ids:
        if stream not in some:
            matched.findings.append(Finding(FindingKind.NOT_BUILT, stream, "", stream))
    for expected in matched.expected:
        if expected.id in packaged and id(expected) not in there:
            matched.findings.append(
                Finding(
                    FindingKind.NO_PACKAGE,
                    expected.id,
                    "",
                    expected.package.name,
                    root=expected.roots[0].id,
                )
            )


def _expected(builds: BuildPlan) -> Iterator[Expected]:
    """Every private package of all roots, once, sorted."""
    roots: dict[Package, list[Root]] = {}
    owners: dict[Package, RootStream] = {}
    for root in (builds.runtime, *builds.roots):
        makers = {
            stream.package: stream for stream in root.streams if stream.origin is Origin.PRIVATE
        }
        for package in root.packages:
            if package.repository != Origin.PRIVATE.value:
                continue
            owner = owners.get(package) or _owner(package, makers)
            if owner is not None:
                owners[package] = owner
                roots.setdefault(package, []).append(root)
    for package in sorted(owners):
        yield Expected(package, owners[package], tuple(roots[package]))


def _owner(package: Package, makers: Mapping[str, RootStream]) -> RootStream | None:
    """The stream of a package: that of its own name, else of which it requires the package at
    exactly its own version, else the longest name that its own begins with."""
    if package.name in makers:
        return makers[package.name]
    for text in package.requires:
        name, _, evr = text.partition(" = ")
        if evr == package.evr and name in makers:
            return makers[name]
    names = [name for name in makers if package.name.startswith(tuple(name + c for c in _PARTS))]
    return makers[max(names, key=len)] if names else None
