"""Small bases and small indexes in memory, planned by the real planner.

world = SmallWorld([python("3.14"), dist("six", "1.16.0")], [release("app", "1", "six")])
plan = world.plan(tmp_path)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from attrs import define, field
from packaging.version import Version

from streamsolve.errors import Code, InputError
from streamsolve.inputs.profiles import parse_profile
from streamsolve.model import Artifact, Base, Package, Release, ReleaseMetadata, Repository
from streamsolve.model.build import BuildSystem
from streamsolve.model.conflict import Failure
from streamsolve.model.plan import Plan
from streamsolve.model.profile import Profile
from streamsolve.planner import PlanRequest
from streamsolve.planner.planning import Attempt, Workshop
from streamsolve.planner.repairs import find_repairs
from streamsolve.planner.universe import universe_document
from streamsolve.planner.upstream import Upstream
from streamsolve.solving import PackagePool

__all__ = ["FakeIndex", "SmallWorld", "dist", "package", "profile", "python", "release"]

_HEAD = """
schema = "streamsolve.profile/1"
name = "app"
version = "1"
default-variant = "only"
default-base = "small"
[variants.only]
requirements = "wheel"
"""


def profile(text: str = "", *, needs: str = "[]") -> Profile:
    """A profile of ``app`` 1 with further tables."""
    return parse_profile(f"{_HEAD}needs = {needs}\n{text}", file="app.toml", includes=_no_includes)


def _no_includes(name: str) -> str:
    raise AssertionError(name)


def package(
    name: str,
    version: str = "1",
    *,
    provides: Iterable[str] = (),
    requires: Iterable[str] = (),
    conflicts: Iterable[str] = (),
    repository: str = "base",
    obsoletes: Iterable[str] = (),
    source: str = "",
) -> Package:
    """A package whose release is 1; ``version`` may begin with an epoch."""
    evr = f"{version}-1.fc0"
    return Package(
        name,
        evr,
        "noarch",
        repository,
        (f"{name} = {evr}", *provides),
        tuple(requires),
        tuple(conflicts),
        tuple(obsoletes),
        source=source or name,
    )


def python(series: str) -> Package:
    return package("python3", series, provides=[f"python(abi) = {series}"])


def dist(
    name: str,
    version: str,
    *requires: str,
    series: str = "3.14",
    rpm: str = "",
    conflicts: Iterable[str] = (),
    epoch: str = "",
    source: str = "",
) -> Package:
    """A base package of a distribution; ``requires`` in RPM's language."""
    return package(
        rpm or f"python3-{name}",
        f"{epoch}:{version}" if epoch else version,
        provides=[f"python{series}dist({name}) = {version}", f"python3dist({name}) = {version}"],
        requires=[f"python(abi) = {series}", *requires],
        conflicts=conflicts,
        source=source,
    )


def release(
    name: str,
    version: str,
    *requires: str,
    python: str = "",
    wheels: tuple[str, ...] = ("py3-none-any",),
    sdist: bool = True,
    licence: str = "MIT",
    extras: tuple[str, ...] = (),
) -> tuple[Release, ReleaseMetadata]:
    stem = f"{name.replace('-', '_')}-{version}"
    listed = Release(
        name,
        Version(version),
        python,
        (Artifact(f"{stem}.tar.gz", "0" * 64),) if sdist else (),
        tuple(Artifact(f"{stem}-{tag}.whl", "1" * 64) for tag in wheels),
        pure="py3-none-any" in wheels,
    )
    return listed, ReleaseMetadata(name, Version(version), requires, python, extras, licence)


@define
class FakeIndex:
    """An index in memory that notes whose metadata it was asked for."""

    content: list[tuple[Release, ReleaseMetadata]]
    asked: list[str] = field(factory=list)
    broken: set[str] = field(factory=set)
    uncached: set[str] = field(factory=set)
    systems: dict[tuple[str, Version], BuildSystem] = field(factory=dict)

    def releases(self, name: str) -> tuple[Release, ...]:
        if name in self.uncached:
            raise InputError(Code.OFFLINE_NOT_CACHED, f"the page of {name} is not in the cache")
        found = [listed for listed, _ in self.content if listed.name == name]
        return tuple(sorted(found, key=lambda listed: listed.version))

    def releases_of(self, names: Iterable[str]) -> dict[str, tuple[Release, ...]]:
        return {name: self.releases(name) for name in names if name not in self.uncached}

    def metadata(
        self,
        wanted: Iterable[tuple[str, Version]],
        *,
        on_bad: Callable[[str, Version, InputError], None] | None = None,
    ) -> dict[tuple[str, Version], ReleaseMetadata]:
        pairs = list(wanted)
        self.asked += [f"{name} {version}" for name, version in pairs]
        found = {(m.name, m.version): m for _, m in self.content if (m.name, m.version) in pairs}
        for name, version in list(found):
            if f"{name} {version}" in self.broken and on_bad is not None:
                del found[name, version]
                on_bad(name, version, InputError(Code.INDEX_BAD_METADATA, "broken"))
        return found

    def build_systems(
        self,
        wanted: Iterable[tuple[str, Version]],
        *,
        on_bad: Callable[[str, Version, InputError], None] | None = None,
    ) -> dict[tuple[str, Version], BuildSystem]:
        """Those that this index was given; the sdist of any other release cannot be read."""
        pairs = list(wanted)
        for name, version in pairs:
            if (name, version) not in self.systems and on_bad is not None:
                on_bad(name, version, InputError(Code.INDEX_BAD_METADATA, "its sdist is broken"))
        return {key: self.systems[key] for key in pairs if key in self.systems}

    def read_sdist_member(
        self, name: str, version: Version, matching: Callable[[str], bool]
    ) -> dict[str, bytes]:
        return {}


@define
class SmallWorld:
    """A base, an index and a profile."""

    base: list[Package]
    upstream: list[tuple[Release, ReleaseMetadata]]
    profile: Profile = field(factory=profile)
    index: FakeIndex = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.index = FakeIndex(self.upstream)

    def attempt(self, tmp_path: Path, **request: str) -> Attempt:
        with self._workshop(tmp_path, request) as workshop:
            return workshop.attempt(workshop.request)

    def plan(self, tmp_path: Path, **request: str) -> Plan:
        attempt = self.attempt(tmp_path, **request)
        assert attempt.plan is not None, attempt.conflicts
        return attempt.plan

    def universe(self, tmp_path: Path, **request: str) -> Mapping[str, object]:
        with self._workshop(tmp_path, request) as workshop:
            return universe_document(workshop.attempt(workshop.request))

    def failure(self, tmp_path: Path, **request: str) -> Failure:
        with self._workshop(tmp_path, request) as workshop:
            attempt = workshop.attempt(workshop.request)
            assert attempt.plan is None
            repairs = find_repairs(workshop, workshop.request, attempt.conflicts)
            return Failure("app", "1", "only", "small", "x86_64", attempt.conflicts, repairs)

    def _workshop(self, tmp_path: Path, request: dict[str, str]) -> Workshop:
        base = Base(
            "small",
            "x86_64",
            "",
            (Repository("base", "0" * 64, tuple(self.base)),),
            glibc=(2, 40),
        )
        pool = PackagePool.open(base.repositories, arch="x86_64", cache=tmp_path)
        asked = PlanRequest("app", base="small", cache=tmp_path, **request)
        return Workshop(asked, self.profile, base, pool, Upstream(None, self.index))
