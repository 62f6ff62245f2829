"""What overlays give to the roots of a locked plan, as the lock writes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..model.overlays import OverlayPackage, OverlayUse

__all__ = ["overlay_documents", "rebuilt_overlays"]

_Document = dict[str, Any]


def overlay_documents(uses: Iterable[OverlayUse]) -> list[_Document]:
    """A document for each overlay, sorted by id; what nobody gave is left out."""
    return [
        {"id": use.id}
        | {
            key: [_package(package) for package in sorted(packages)]
            for key, packages in (("packages", use.packages), ("passed_over", use.passed_over))
            if packages
        }
        for use in sorted(uses, key=lambda one: one.id)
    ]


def _package(package: OverlayPackage) -> _Document:
    found: _Document = {"name": package.name, "arch": package.arch, "evr": package.evr}
    if package.base_evr:
        found["base"] = {"evr": package.base_evr, "repository": package.base_repository}
    if package.runtime:
        found["runtime"] = True
    if package.build_roots:
        found["build_roots"] = package.build_roots
    return found


def rebuilt_overlays(
    documents: Sequence[Mapping[str, Any]], priorities: Mapping[str, int]
) -> tuple[OverlayUse, ...]:
    """The same from a lock; ``priorities`` are those of its repositories."""
    return tuple(
        OverlayUse(
            each["id"],
            priorities.get(each["id"], 0),
            tuple(map(_rebuilt, each.get("packages", ()))),
            tuple(map(_rebuilt, each.get("passed_over", ()))),
        )
        for each in documents
    )


def _rebuilt(document: Mapping[str, Any]) -> OverlayPackage:
    base = document.get("base", {})
    return OverlayPackage(
        document["name"],
        document["arch"],
        document["evr"],
        base.get("evr", ""),
        base.get("repository", ""),
        document.get("runtime", False),
        document.get("build_roots", 0),
    )
