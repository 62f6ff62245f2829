"""The parts of the plan's JSON document about builds and isolation.

Everything is sorted where its order says nothing: levels, the builds after each other on the
critical path, and schedules keep theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..model.build import (
    Build,
    BuildNeed,
    BuildOrder,
    BuildPlan,
    Isolation,
    Leak,
    Root,
    RootStream,
)
from ..model.package import Package

__all__ = ["builds_document", "isolation_document"]

_Document = Mapping[str, Any]


def isolation_document(isolation: Isolation) -> _Document:
    """The result of the check for leaks."""
    return {
        "leaks": [_leak(leak) for leak in sorted(isolation.leaks)],
        "roots": isolation.roots,
        "packages": isolation.packages,
        "provides": isolation.provides,
    }


def builds_document(builds: BuildPlan) -> _Document:
    """All builds with their roots and their order."""
    return {
        "runtime": _root(builds.runtime),
        "roots": [_root(root) for root in sorted(builds.roots, key=lambda root: root.id)],
        "builds": [_build(build) for build in sorted(builds.builds, key=lambda build: build.id)],
        "order": _order(builds.order),
    }


def _leak(leak: Leak) -> _Document:
    return {
        "kind": leak.kind.value,
        "package": leak.package or None,
        "capability": leak.capability or None,
        "other": leak.other or None,
        "root": leak.root or None,
    }


def _root(root: Root) -> _Document:
    return {
        "id": root.id,
        "streams": [_root_stream(stream) for stream in sorted(root.streams)],
        "tools": sorted(root.tools),
        **({"collections": sorted(root.collections)} if root.collections else {}),
        "asked": sorted(root.asked),
        "packages": [_package(package) for package in sorted(root.packages)],
    }


def _root_stream(stream: RootStream) -> _Document:
    return {
        "component": stream.component.name,
        "kind": stream.component.kind.value,
        "version": str(stream.version),
        "origin": stream.origin.value,
        "package": stream.package or None,
        "build": stream.build or None,
    }


def _package(package: Package) -> _Document:
    return {
        "nevra": package.nevra,
        "repository": package.repository,
        "checksum": package.checksum or None,
    }


def _build(build: Build) -> _Document:
    return {
        "id": build.id,
        "component": build.component.name,
        "kind": build.component.kind.value,
        "version": str(build.version),
        "stage": build.stage.value,
        "root": build.root,
        "cost": build.cost,
        "after": sorted(build.after),
        "needs": _needs(build.needs),
        "left_out": _needs(build.left_out),
        "substitutes": [
            {"component": one.component.name, "instead": one.instead}
            for one in sorted(build.substitutes)
        ],
    }


def _needs(needs: Iterable[BuildNeed]) -> list[_Document]:
    return [
        {
            "text": need.text,
            "origin": need.origin.value,
            "role": need.role.value,
            "place": need.place or None,
            "component": need.component or None,
            "applied": need.applied or None,
        }
        for need in sorted(needs)
    ]


def _order(order: BuildOrder) -> _Document:
    return {
        "levels": [
            {"builds": sorted(level.builds), "longest": level.longest, "total": level.total}
            for level in order.levels
        ],
        "critical_path": list(order.critical_path),
        "minutes": order.minutes,
        "schedule": [
            {"builders": builders, "minutes": minutes} for builders, minutes in order.schedule
        ],
    }
