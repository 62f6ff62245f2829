"""Whether built packages provide and require what was planned of them.

What Fedora's generators write in addition (sonames, paths, build identifiers) is told and no fault:
a plan is made before there is anything to generate from. A fault is what keeps a root from being
what was solved: a planned provide that is not there, a requirement that nothing in the root meets,
and a provide that a package of the base would take.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from attrs import define, field

from ..model.artifacts import BuiltArtifact, Finding, FindingKind
from ..model.build import Root
from ..model.held_packages import PLANNED, parsed
from ..model.own_names import is_own, is_statement
from ..model.package import Package
from ..model.rpm_language import Capability, Dependency
from ..model.rpm_matching import Provided, names_in
from ..model.rpm_version import compare_evr, split_evr
from .matching import Expected, Matched, same_version

__all__ = ["DependencyCheck"]

_QUALIFIED = re.compile(r"(?P<name>.+)\([a-z0-9_]+-(?:32|64)\)")
_ARCHITECTURES = {
    "x86_64": "x86-64",
    "aarch64": "aarch-64",
    "ppc64le": "ppc-64",
    "s390x": "s390-64",
}
_JUDGED = re.compile(r"python(?:3|3\.\d+)dist\(.+\)|python\(abi\)|[^()/]+")
_RPM = "rpmlib("


@define
class DependencyCheck:
    """Looks at packages one after another. ``unjudged`` counts requirements of which a lock does
    not say who meets them: it keeps of the base's provides only what was spoken of."""

    matched: Matched
    unjudged: int = 0
    _provided: dict[str, Provided] = field(factory=dict)
    _offered: dict[int, tuple[tuple[str, Capability], ...]] = field(factory=dict)
    _built: dict[str, set[str]] | None = None
    _base: Mapping[str, str] | None = None

    def findings(self, artifact: BuiltArtifact) -> Iterator[Finding]:
        """What is different in a package, or in a part of a stream that was not planned."""
        expected = self.matched.planned.get(artifact.path)
        stream = self.matched.stream.get(artifact.path, "")
        if not stream:
            return
        if expected is not None:
            yield from _provides(artifact, expected)
            yield from _requires(artifact, expected)
            yield from self._unmet(artifact, expected)
        yield from self._leaks(self.matched.original[artifact.path], stream, expected)

    # -- what nothing meets ------------------------------------------------------------------------

    def _unmet(self, artifact: BuiltArtifact, expected: Expected) -> Iterator[Finding]:
        for text in artifact.requires:
            dependency = parsed(text)
            if text.startswith(_RPM) or dependency is None:
                continue
            judged = all(map(_is_judged, names_in(dependency)))
            for root in expected.roots:
                if self._of(root).meets(dependency):
                    continue
                if not judged:
                    self.unjudged += 1
                    break
                yield Finding(
                    FindingKind.UNMET_REQUIREMENT,
                    expected.id,
                    artifact.path,
                    text,
                    found=self._instead(root, dependency),
                    root=root.id,
                )
                break

    def _of(self, root: Root) -> Provided:
        if root.id not in self._provided:
            self._provided[root.id] = Provided.of(self._provides_in(root))
        return self._provided[root.id]

    def _provides_in(self, root: Root) -> Iterator[tuple[str, Capability]]:
        for artifact in self.matched.common:
            for capability in map(parsed, artifact.provides):
                if isinstance(capability, Capability):
                    yield artifact.path, capability
        for package in root.packages:
            # Roots share their packages' values, whose texts take long to parse and to hash.
            known = self._offered.get(id(package))
            if known is None:
                found = dict.fromkeys(self._provides_of(package))
                known = self._offered[id(package)] = tuple((package.nevra, each) for each in found)
            yield from known

    def _provides_of(self, package: Package) -> Iterator[Capability]:
        """What a package of a root provides: with all parts of its stream where it was built, else
        as planned. Of what is not at hand the release is not known."""
        streams = self._streams().get(package.nevra) if package.repository in PLANNED else None
        texts: Iterable[str] = package.provides
        if streams:
            parts = (part for id in sorted(streams) for part in self.matched.of_stream(id))
            texts = [text for part in parts for text in part.provides]
        yield from (each for each in map(parsed, texts) if isinstance(each, Capability))
        if not streams:
            evr = package.evr if package.repository not in PLANNED else ""
            for name in _own(package.name, package.arch):
                yield Capability(name, "=" if evr else "", evr)

    def _streams(self) -> Mapping[str, set[str]]:
        """The streams of the planned packages that were built, by their full names."""
        if self._built is None:
            self._built = {}
            for expected in self.matched.planned.values():
                self._built.setdefault(expected.package.nevra, set()).add(expected.id)
        return self._built

    def _instead(self, root: Root, dependency: Dependency) -> str:
        """What the root has of the names that a requirement speaks of."""
        names = dict.fromkeys(names_in(dependency))
        rows = [row for name in names for row in self._of(root).by_name.get(name, ())]
        return ", ".join(sorted({str(capability) for _, capability in rows}))

    # -- what reaches the base ---------------------------------------------------------------------

    def _leaks(
        self, artifact: BuiltArtifact, stream: str, expected: Expected | None
    ) -> Iterator[Finding]:
        owner = next((each for each in self.matched.expected if each.id == stream), None)
        planned = set(expected.package.provides if expected else ())
        package = Package(artifact.name, artifact.evr, artifact.arch)
        for text in artifact.provides:
            capability = parsed(text)
            if not isinstance(capability, Capability) or text in planned:
                continue
            if is_statement(capability.name) or capability.name in _own(
                artifact.name, artifact.arch
            ):
                continue
            user = self._of_base().get(capability.name)
            if user and not is_own(package, owner.stream if owner else None, capability):
                yield Finding(FindingKind.LEAKING_PROVIDE, stream, artifact.path, text, found=user)

    def _of_base(self) -> Mapping[str, str]:
        """By name, a package of the base that requires or provides it."""
        if self._base is None:
            self._base = dict(sorted(self._spoken(), reverse=True))
        return self._base

    def _spoken(self) -> Iterator[tuple[str, str]]:
        seen: set[str] = set()
        for expected in self.matched.expected:
            for root in expected.roots:
                if root.id in seen:
                    continue
                seen.add(root.id)
                for package in root.packages:
                    if package.repository not in PLANNED:
                        yield from _names_of(package)


def _names_of(package: Package) -> Iterator[tuple[str, str]]:
    yield package.name, package.nevra
    for text in (*package.requires, *package.provides):
        dependency = parsed(text)
        if dependency is not None:
            for name in names_in(dependency):
                yield name, package.nevra


def _own(name: str, arch: str) -> Iterator[str]:
    yield name
    if arch in _ARCHITECTURES:
        yield f"{name}({_ARCHITECTURES[arch]})"


def _is_judged(name: str) -> bool:
    """Whether a lock knows everything that meets such a name: distributions, and packages by their
    own names, also with an architecture."""
    qualified = _QUALIFIED.fullmatch(name)
    bare = qualified["name"] if qualified else name
    return _JUDGED.fullmatch(bare) is not None and ".so" not in bare


# -- as planned or not -----------------------------------------------------------------------------


def _provides(artifact: BuiltArtifact, expected: Expected) -> Iterator[Finding]:
    package = expected.package
    have: dict[str, list[Capability]] = {}
    for text in artifact.provides:
        if isinstance(capability := parsed(text), Capability):
            have.setdefault(capability.name, []).append(capability)
    planned = [each for each in map(parsed, package.provides) if isinstance(each, Capability)]
    for wanted in planned:
        if artifact.arch == "noarch" and _QUALIFIED.fullmatch(wanted.name):
            continue  # what has no machine code has no name with an architecture
        found = have.get(wanted.name, [])
        if any(_is_same(wanted, each, package) for each in found):
            continue
        kind = FindingKind.CHANGED_PROVIDE if found else FindingKind.MISSING_PROVIDE
        told = ", ".join(sorted(map(str, found)))
        yield Finding(kind, expected.id, artifact.path, wanted.name, str(wanted), told)
    names = {wanted.name for wanted in planned}
    for name in sorted(have.keys() - names):
        told = ", ".join(sorted(map(str, have[name])))
        yield Finding(FindingKind.ADDED_PROVIDE, expected.id, artifact.path, told)


def _is_same(wanted: Capability, found: Capability, package: Package) -> bool:
    """Whether a provide is the planned one. The release of a package is no part of a plan."""
    if not wanted.op or not found.op:
        return wanted.op == found.op
    if wanted.evr == package.evr:
        version = split_evr(found.evr)[1]
        planned = split_evr(wanted.evr)[1]
        return same_version(version, planned) or version.startswith(f"{planned}.")
    equal = compare_evr(wanted.evr, found.evr) == 0 or same_version(wanted.evr, found.evr)
    return wanted.op == found.op and equal


def _requires(artifact: BuiltArtifact, expected: Expected) -> Iterator[Finding]:
    """Requirements by the names that they speak of: missing, added, or with other bounds."""
    planned = _by_names(expected.package.requires)
    found = _by_names(artifact.requires)
    for names in sorted(planned.keys() | found.keys()):
        before, after = planned.get(names, ()), found.get(names, ())
        if before == after:
            continue
        yield Finding(
            FindingKind.of_requirement(before, after),
            expected.id,
            artifact.path,
            ", ".join(names),
            ", ".join(before),
            ", ".join(after),
        )


def _by_names(texts: Iterable[str]) -> dict[tuple[str, ...], tuple[str, ...]]:
    found: dict[tuple[str, ...], set[str]] = {}
    for text in texts:
        dependency = parsed(text)
        if text.startswith(_RPM) or dependency is None:
            continue
        names = tuple(sorted(set(names_in(dependency))))
        if isinstance(dependency, Capability) and dependency.op == "=" and "-" in dependency.evr:
            dependency = Capability(dependency.name)  # a part of one build, at its own release
        found.setdefault(names, set()).add(str(dependency))
    return {names: tuple(sorted(each)) for names, each in found.items()}
