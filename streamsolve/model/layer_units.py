"""What of a runtime root changes together, how large it is and how often it changes.

How often is told by what a unit is, since no lock knows what is to come:

| unit | changes in a year |
| --- | --- |
| the application | 12 |
| the interpreter, and a stream that the application requires in exactly one version | 6 |
| any other private stream; the accelerator stack as one | 3 |
| a source package of the base | 2 |

Only their proportions count. A stream that requires another one in exactly one version changes with
it, so both are one unit; the application's exact requirements do not join anything, because most of
them stay from one release to the next.

What is not built yet has no size. It is estimated from what its build costs, by the table below,
which only has to tell large from small.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from enum import IntEnum
from types import MappingProxyType

from attrs import field, frozen

from .build import Root
from .component import Component, Kind, Origin
from .layer_groups import LayerKind, RootKinds, root_kinds
from .package import Package
from .plan import Plan, PlannedStream

__all__ = [
    "ESTIMATES",
    "RATES",
    "Cause",
    "LayerMember",
    "LayerUnit",
    "RpmFile",
    "Zone",
    "layer_units",
]


class Cause(IntEnum):
    """Why a unit changes."""

    BASE = 0
    ACCELERATOR = 1
    STREAM = 2
    INTERPRETER = 3
    PINNED = 4
    APPLICATION = 5


RATES: Mapping[Cause, int] = MappingProxyType(
    {
        Cause.BASE: 2,
        Cause.ACCELERATOR: 3,
        Cause.STREAM: 3,
        Cause.INTERPRETER: 6,
        Cause.PINNED: 6,
        Cause.APPLICATION: 12,
    }
)
"""Changes in a year."""

ESTIMATES: Mapping[str, int] = MappingProxyType(
    {
        "base": 500_000,
        "third-party": 150_000_000,
        "prebuilt": 30_000_000,
        "part": 10_000,
        "least": 200_000,
        "per-minute-squared": 40_000,
    }
)
"""Bytes of a package whose size nobody states: of the base; of a third party; of a prebuilt wheel;
of what has metadata alone, as of an extra. What is built has the square of its build's minutes
times the last number, and at least the one before it."""


class Zone(IntEnum):
    """What never shares a layer with another zone's packages, as long as there are enough layers.
    Images for other accelerators can have the first and the third in common."""

    BASE = 0
    ACCELERATOR = 1
    LANGUAGE = 2
    LANGUAGE_OF_ACCELERATOR = 3
    APPLICATION = 4

    @property
    def title(self) -> str:
        """What its layers are called."""
        if self is Zone.LANGUAGE_OF_ACCELERATOR:
            return f"{LayerKind.LANGUAGE.title} on the accelerator"
        return self.kind.title

    @property
    def kind(self) -> LayerKind:
        """The kind of its packages."""
        return _KIND_OF_ZONE[self]


_KIND_OF_ZONE = {
    Zone.BASE: LayerKind.BASE,
    Zone.ACCELERATOR: LayerKind.ACCELERATOR,
    Zone.LANGUAGE: LayerKind.LANGUAGE,
    Zone.LANGUAGE_OF_ACCELERATOR: LayerKind.LANGUAGE,
    Zone.APPLICATION: LayerKind.APPLICATION,
}
_ZONE_OF_KIND = {
    LayerKind.BASE: Zone.BASE,
    LayerKind.ACCELERATOR: Zone.ACCELERATOR,
    LayerKind.LANGUAGE: Zone.LANGUAGE,
    LayerKind.APPLICATION: Zone.APPLICATION,
}


@frozen
class RpmFile:
    """An RPM file that is at hand: its bytes and its sha256 (hexadecimal; empty where it is not to
    be compared)."""

    size: int
    sha256: str


@frozen
class LayerMember:
    """A package with its bytes. ``identity`` is another one when the package is: the checksum of
    its file, or of what is planned where there is no file."""

    package: Package
    size: int
    estimated: bool
    identity: str


@frozen
class LayerUnit:
    """Packages that change together and lie in one layer.

    ``key`` is the same in every image that has the unit, whatever versions are in it. ``cause``
    tells units apart that may change at different times, ``rate`` how often that is. ``after`` are
    the keys of the units that it requires. ``members`` are sorted by name-evr.arch.
    """

    key: str
    zone: int
    size: int
    rate: int
    cause: str
    after: frozenset[str] = frozenset()
    members: tuple[LayerMember, ...] = field(default=(), repr=False)

    @property
    def content(self) -> frozenset[str]:
        """What is in it, as identities; its key where it has no packages."""
        return frozenset(each.identity for each in self.members) or frozenset({self.key})


def layer_units(
    plan: Plan, files: Mapping[str, RpmFile] = MappingProxyType({})
) -> tuple[LayerUnit, ...]:
    """The units of a plan's runtime root, sorted by zone and key. ``files`` are what is at hand, by
    the packages' name-evr.arch in the plan.

    A unit lies in one zone; what changes together in two of them is two units with one cause.
    ValueError for a plan that does not say how anything is built.
    """
    if plan.builds is None:
        raise ValueError("only a plan with builds says what lies in the runtime root")
    root, known = plan.builds.runtime, root_kinds(plan)
    zones, causes = _zones(known), _Causes(plan, root, known.kinds)
    units: dict[tuple[Zone, str], list[Package]] = {}
    for package in root.packages:
        units.setdefault((zones[package.nevra], causes.of(package)), []).append(package)
    home = {
        package.nevra: _key(zone, cause)
        for (zone, cause), packages in units.items()
        for package in packages
    }
    found = []
    for (zone, cause), packages in sorted(units.items()):
        key = _key(zone, cause)
        members = tuple(
            causes.member(each, files.get(each.nevra))
            for each in sorted(packages, key=lambda each: each.nevra)
        )
        after = {home[name] for each in packages for name in known.requires[each.nevra]}
        size = sum(each.size for each in members)
        rate = RATES[causes.kind(cause)]
        found.append(LayerUnit(key, zone, size, rate, cause, frozenset(after - {key}), members))
    return tuple(found)


def _key(zone: Zone, cause: str) -> str:
    return f"{zone.name.lower()}/{cause}"


def _zones(known: RootKinds) -> dict[str, Zone]:
    """The zone of each package by its name-evr.arch; what requires the accelerator stack, by
    however many others, has one of its own."""
    bound = {name for name, kind in known.kinds.items() if kind is LayerKind.ACCELERATOR}
    needed_by: dict[str, list[str]] = {}
    for name, requires in known.requires.items():
        for other in requires:
            needed_by.setdefault(other, []).append(name)
    left = list(bound)
    while left:
        new = [name for name in needed_by.get(left.pop(), ()) if name not in bound]
        bound.update(new)
        left += new
    return {
        name: Zone.LANGUAGE_OF_ACCELERATOR
        if kind is LayerKind.LANGUAGE and name in bound
        else _ZONE_OF_KIND[kind]
        for name, kind in known.kinds.items()
    }


# -- why a package changes -------------------------------------------------------------------------


class _Causes:
    """What each package of a root changes with, as ``base:glibc`` or ``stream:torch``."""

    def __init__(self, plan: Plan, root: Root, kinds: Mapping[str, LayerKind]) -> None:
        self._kinds = kinds
        self._streams = _private_streams(plan, root)
        self._of_package = _streams_of_packages(root, self._streams)
        itself = plan.own
        own = {itself.component} if itself is not None else set()
        names = _joined(self._streams, own)
        exact = {c for s in self._streams if s.component in own for c in _pinned(s)}
        pinned = {names[component] for component in exact & names.keys()}
        self._by_component: dict[Component, str] = {}
        self._pinned = set[str]()
        for stream in self._streams:
            component = stream.component
            if component in own:
                cause = "application"
            elif component.kind is Kind.INTERPRETER:
                cause = f"interpreter:{component.name}"
            else:
                cause = f"stream:{names[component]}"
                if names[component] in pinned:
                    self._pinned.add(cause)
            self._by_component[component] = cause

    def of(self, package: Package) -> str:
        """What a package changes with."""
        if self._kinds[package.nevra] is LayerKind.ACCELERATOR:
            return "accelerator"
        stream = self._of_package.get(package.nevra)
        if stream is not None:
            return self._by_component[stream.component]
        if package.repository == Origin.PRIVATE.value:
            if self._kinds[package.nevra] is LayerKind.APPLICATION:
                return "application"
            return f"stream:{package.name}"
        return f"base:{package.source or package.name}"

    def kind(self, cause: str) -> Cause:
        """Which kind of cause it is."""
        if cause in self._pinned:
            return Cause.PINNED
        return Cause[cause.partition(":")[0].upper()]

    def member(self, package: Package, file: RpmFile | None) -> LayerMember:
        """A package with its size, known or estimated, and what it is."""
        stream = self._of_package.get(package.nevra)
        identity = _identity(package, stream)
        if file is not None:
            identity = f"sha256:{file.sha256}" if file.sha256 else identity
            return LayerMember(package, file.size, False, identity)
        if package.size:
            return LayerMember(package, package.size, False, identity)
        return LayerMember(package, _estimate(package, stream), True, identity)


def _private_streams(plan: Plan, root: Root) -> tuple[PlannedStream, ...]:
    """The private streams of the root, with what the plan knows of them."""
    there = {(s.component, s.version) for s in root.streams if s.origin is Origin.PRIVATE}
    found = {(s.component, s.version): s for s in plan.streams if s.origin is Origin.PRIVATE}
    return tuple(found[each] for each in sorted(there & found.keys()))


def _streams_of_packages(root: Root, streams: Iterable[PlannedStream]) -> dict[str, PlannedStream]:
    """The stream of each private package by name-evr.arch: its own, or that of the package that it
    requires in exactly its version."""
    by_name = {stream.package: stream for stream in streams}
    private = [p for p in root.packages if p.repository == Origin.PRIVATE.value]
    mains = {f"{p.name} = {p.evr}": by_name[p.name] for p in private if p.name in by_name}
    found = {}
    for package in private:
        stream = by_name.get(package.name)
        if stream is None:
            stream = next((mains[text] for text in package.requires if text in mains), None)
        if stream is not None:
            found[package.nevra] = stream
    return found


def _pinned(stream: PlannedStream) -> frozenset[Component]:
    """What a stream requires in exactly one version."""
    return frozenset(
        requirement.component
        for requirement in stream.requirements
        if any(
            clause.operator == "===" or (clause.operator == "==" and clause.version[-1:] != "*")
            for clause in requirement.specifier
        )
    )


def _joined(streams: Iterable[PlannedStream], own: Iterable[Component]) -> dict[Component, str]:
    """For each component, the first name among all that must change with it."""
    first = {stream.component: stream.component for stream in streams}

    def top(component: Component) -> Component:
        while first[component] != component:
            component = first[component]
        return component

    apart = set(own)
    for stream in streams:
        if stream.component in apart:
            continue
        for other in sorted(_pinned(stream) & first.keys() - apart):
            one, two = sorted((top(stream.component), top(other)))
            first[two] = one
    return {component: top(component).spelled for component in first}


# -- how large and what it is ----------------------------------------------------------------------


def _estimate(package: Package, stream: PlannedStream | None) -> int:
    if package.repository == Origin.EXTERNAL.value:
        return ESTIMATES["third-party"]
    if package.repository != Origin.PRIVATE.value:
        return ESTIMATES["base"]
    if stream is None:
        return ESTIMATES["least"]
    if package.name != stream.package:
        return ESTIMATES["part"]
    if stream.prebuilt:
        return ESTIMATES["prebuilt"]
    return max(ESTIMATES["least"], ESTIMATES["per-minute-squared"] * stream.cost**2)


def _identity(package: Package, stream: PlannedStream | None) -> str:
    """The checksum that the lock has, else one of what makes it another package: its version, its
    dependencies, and what it is built from."""
    if package.checksum:
        return package.checksum
    source = (stream.source.purl, stream.source.sha256) if stream else ("", "")
    told = [package.nevra, package.requires, package.conflicts, package.obsoletes, source]
    return f"planned:{hashlib.sha256(json.dumps(told).encode()).hexdigest()}"
