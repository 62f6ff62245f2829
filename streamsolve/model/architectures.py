"""Plans of one application for several architectures: where they differ."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from .component import Component
from .plan import Plan, PlannedStream

__all__ = ["ArchitectureDiff", "HostDiff", "StreamAcross", "architectures_diff"]


@frozen
class StreamAcross:
    """A component that is not the same for all architectures. ``streams`` are those that there
    are, by architecture; ``missing`` the architectures that do without."""

    component: Component
    streams: Mapping[str, PlannedStream]
    missing: tuple[str, ...] = ()


@frozen
class HostDiff:
    """Something that the host must have, on these architectures alone."""

    requirement: str
    by: Component
    arches: tuple[str, ...]


@frozen
class ArchitectureDiff:
    """Everything that differs, sorted by component and name. ``plans`` are by architecture,
    sorted; ``pythons`` are the interpreters where they differ, else empty."""

    plans: Mapping[str, Plan]
    pythons: Mapping[str, str]
    streams: tuple[StreamAcross, ...]
    host: tuple[HostDiff, ...]


def architectures_diff(plans: Mapping[str, Plan]) -> ArchitectureDiff:
    """Where plans for several architectures differ: in version, origin, package or presence of a
    stream, and in what the host must have. What only builds use is left out."""
    arches = sorted(plans)
    chosen = {
        arch: {one.component: one for one in plans[arch].streams if not one.build_only}
        for arch in arches
    }
    components = sorted({component for streams in chosen.values() for component in streams})
    streams = []
    for component in components:
        there = {arch: chosen[arch][component] for arch in arches if component in chosen[arch]}
        told = {(one.version, one.origin, one.package, one.prebuilt) for one in there.values()}
        if len(there) < len(arches) or len(told) > 1:
            missing = tuple(arch for arch in arches if arch not in there)
            streams.append(StreamAcross(component, there, missing))
    series = {arch: plans[arch].python for arch in arches}
    return ArchitectureDiff(
        {arch: plans[arch] for arch in arches},
        series if len(set(series.values())) > 1 else {},
        tuple(streams),
        _host(plans, arches),
    )


def _host(plans: Mapping[str, Plan], arches: list[str]) -> tuple[HostDiff, ...]:
    found: dict[tuple[str, Component], list[str]] = {}
    for arch in arches:
        for needed in plans[arch].host:
            users = found.setdefault((str(needed.requirement), needed.by), [])
            if arch not in users:
                users.append(arch)
    return tuple(
        HostDiff(text, by, tuple(users))
        for (text, by), users in sorted(found.items())
        if len(users) < len(arches)
    )
