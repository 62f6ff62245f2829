"""The document ``streamsolve.lock/1``: a plan with its builds, by content and canonical.

What it aims at, in this order: complete (whoever has it needs neither the index nor the planner to
check it or to do it all again), small diffs (packages stand in one table and are referred to by
short names, what all build roots share stands once, one thing is one line), and the same bytes for
the same plan. There is no time, no host name and no path in it. Empty members are left out. The
schema is in ``streamsolve/schemas/lock-1.schema.json``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from packaging.version import Version

from ..model.artifacts import GpuMatrix
from ..model.build import Build, BuildNeed, BuildOrder, Isolation, Root
from ..model.lock import LockRepository, LockSettings
from ..model.module_filter import ActiveModule
from ..model.package import Package
from ..model.plan import Plan, PlannedStream, Reason
from ..model.stream import Source
from .canonical import canonical_text, sealed
from .demanders import derived_demanders
from .document_parts import demander_documents, each_once, given, requirement_document
from .kernel_pairs import pair_document
from .overlays import overlay_documents
from .package_table import Row, package_rows
from .vendored import vendored_documents

__all__ = ["SCHEMA", "lock_document", "lock_text"]

SCHEMA = "streamsolve.lock/1"

_Document = dict[str, Any]


def lock_text(plan: Plan, settings: LockSettings) -> str:
    """The lock of a plan with builds, with its digest. ValueError for a plan without builds."""
    return sealed(canonical_text(lock_document(plan, settings)))


def lock_document(plan: Plan, settings: LockSettings) -> Mapping[str, Any]:
    """The lock as a document, without its digest."""
    builds, isolation = plan.builds, plan.isolation
    if builds is None or isolation is None:
        raise ValueError("only a plan with builds and a check for leaks can be locked")
    roots = (builds.runtime, *sorted(builds.roots, key=lambda root: root.id))
    rows, name_of = package_rows(roots)
    common = _common(builds.roots, name_of)
    return {
        "schema": SCHEMA,
        "tool": settings.tool,
        "application": {
            "name": plan.application,
            "version": str(plan.version),
            "variant": plan.variant,
        },
        "python": plan.python,
        "settings": _settings(settings),
        "base": _base(plan, settings),
        "summary": _summary(plan),
        "streams": _streams(plan),
        "packages": {name: _package(row) for name, row in rows.items()},
        "common": sorted(common),
        "roots": [_root(root, name_of, () if root.id == "runtime" else common) for root in roots],
        "builds": [_build(build) for build in sorted(builds.builds, key=lambda one: one.id)],
        "order": _order(builds.order),
        "isolation": _isolation(isolation),
        **pair_document(plan.kernel_pair, requirement_document),
        **_remarks(plan),
        **given(vendored=vendored_documents(plan.vendored)),
    }


def _common(roots: Sequence[Root], name_of: Callable[[Package], str]) -> frozenset[str]:
    """What all build roots hold."""
    held = [{name_of(package) for package in root.packages} for root in roots]
    return frozenset(set.intersection(*held)) if held else frozenset()


# -- what went in ----------------------------------------------------------------------------------


def _settings(settings: LockSettings) -> _Document:
    return {
        "profile": {"name": settings.profile, "sha256": settings.profile_sha256},
        **given(python=settings.python, version=settings.version),
        "arch": settings.arch,
        "checks": settings.checks,
        "overlays": list(settings.overlays),
        "relaxed": [
            {**given(by=by), "component": component, "specifier": specifier}
            for by, component, specifier in sorted(settings.relaxed)
        ],
        "demands": sorted(settings.demands),
        "specs": [
            {"component": spec.component, "filename": spec.filename, "sha256": spec.sha256}
            for spec in sorted(settings.specs)
        ],
        **given(gpu=_gpu(settings.gpu), modules=sorted(settings.modules)),
    }


def _gpu(matrix: GpuMatrix) -> _Document:
    """In the order of architectures, which is not that of their names."""
    return given(
        architectures=list(matrix.architectures),
        of={name: list(matrix.of[name]) for name in sorted(matrix.of)},
    )


def _base(plan: Plan, settings: LockSettings) -> _Document:
    known = {repository.id: repository for repository in settings.repositories}
    repositories = []
    for repository in sorted(plan.repositories, key=lambda r: (r.id, r.repomd_sha256)):
        used = known.get(repository.id, LockRepository(repository.id))
        repositories.append(
            {
                "id": repository.id,
                "repomd_sha256": repository.repomd_sha256,
                "priority": used.priority,
                **given(sources=used.sources, module_hotfixes=used.module_hotfixes),
            }
        )
    return {
        "name": plan.base,
        **given(release=settings.base_release),
        "arch": plan.arch,
        **given(python=settings.base_python),
        "build_group": sorted(settings.build_group),
        "repositories": repositories,
        **given(
            modules=[_module(each) for each in plan.modules],
            overlays=overlay_documents(plan.overlays),
        ),
    }


def _module(module: ActiveModule) -> _Document:
    return {
        "name": module.name,
        "stream": module.stream,
        "reason": module.reason.value,
        **given(by=module.by, version=module.version, context=module.context),
    }


def _summary(plan: Plan) -> _Document:
    counts = plan.summary
    return {
        "base": counts.base,
        "private": counts.private,
        "external": counts.external,
        "omitted": counts.omitted,
        "build_only": counts.build_only,
        "minimal": counts.minimal,
        "lower_bound": counts.lower_bound,
        "cost": counts.cost,
        "build_cost": counts.build_cost,
    }


# -- streams ---------------------------------------------------------------------------------------


def _streams(plan: Plan) -> list[_Document]:
    derived = derived_demanders(plan.streams)
    found = []
    for stream in sorted(plan.streams, key=_stream_key):
        document = _stream(stream)
        asked = demander_documents(stream.required_by)
        if asked != demander_documents(derived(stream)):
            document["required_by"] = asked
        found.append(document)
    return found


def _stream_key(stream: PlannedStream) -> tuple[object, ...]:
    """The order of plans: of one component, the application's own stream is first."""
    known = (stream.version is not None, stream.version or Version("0"))
    return (stream.component, stream.build_only, *known, stream.origin.value, stream.package)


def _stream(stream: PlannedStream) -> _Document:
    return {
        "component": stream.component.spelled,
        **given(version="" if stream.version is None else str(stream.version)),
        "origin": stream.origin.value,
        **given(
            package=stream.package,
            repository=stream.repository,
            source=_source(stream.source),
            licence=stream.licence,
            prebuilt=stream.prebuilt,
            build_only=stream.build_only,
            cost=stream.cost,
            extras=sorted(stream.extras),
        ),
        "requirements": each_once(requirement_document(each) for each in stream.requirements),
        "reason": _reason(stream.reason),
    }


def _source(source: Source) -> _Document:
    return given(purl=source.purl, filename=source.filename, sha256=source.sha256)


def _reason(reason: Reason) -> _Document:
    return {
        "kind": reason.kind.value,
        **given(
            base_version=reason.base_version,
            text=reason.text,
            demands=demander_documents(reason.demands),
        ),
    }


# -- packages, roots, builds -----------------------------------------------------------------------


def _package(row: Row) -> _Document:
    package = row.package
    epoch, colon, rest = package.evr.rpartition(":")
    version, dash, release = rest.rpartition("-")
    return {
        "name": package.name,
        **given(epoch=epoch if colon else ""),
        "version": version if dash else release,
        **given(release=release if dash else ""),
        "arch": package.arch,
        "repository": package.repository,
        **given(
            stream=row.stream,
            source=package.source,
            checksum=package.checksum,
            size=package.size,
            provides=list(row.provides),
            requires=sorted(set(package.requires)),
            conflicts=sorted(set(package.conflicts)),
            obsoletes=sorted(set(package.obsoletes)),
        ),
    }


def _root(root: Root, name_of: Callable[[Package], str], common: Iterable[str]) -> _Document:
    names = {name_of(package) for package in root.packages}
    return {
        "id": root.id,
        **given(tools=sorted(root.tools), collections=sorted(root.collections)),
        "streams": [
            {
                "component": stream.component.spelled,
                "version": str(stream.version),
                "origin": stream.origin.value,
                "package": stream.package,
                **given(build=stream.build),
            }
            for stream in sorted(root.streams)
        ],
        "asked": sorted(set(root.asked)),
        "packages": sorted(names.difference(common)),
    }


def _build(build: Build) -> _Document:
    return {
        "id": build.id,
        "component": build.component.spelled,
        "version": str(build.version),
        "stage": build.stage.value,
        "root": build.root,
        "cost": build.cost,
        "needs": [_need(need) for need in sorted(build.needs)],
        **given(
            left_out=[_need(need) for need in sorted(build.left_out)],
            substitutes=[
                {"component": each.component.spelled, "instead": each.instead}
                for each in sorted(build.substitutes)
            ],
        ),
        "after": sorted(build.after),
    }


def _need(need: BuildNeed) -> _Document:
    return {
        "text": need.text,
        "origin": need.origin.value,
        "role": need.role.value,
        **given(place=need.place, component=need.component, applied=need.applied),
    }


def _order(order: BuildOrder) -> _Document:
    return {
        "levels": [
            {"longest": level.longest, "total": level.total, "builds": list(level.builds)}
            for level in order.levels
        ],
        "critical_path": list(order.critical_path),
        "minutes": order.minutes,
        "schedule": [
            {"builders": builders, "minutes": minutes} for builders, minutes in order.schedule
        ],
    }


def _isolation(isolation: Isolation) -> _Document:
    return {
        "leaks": [
            {
                "kind": leak.kind.value,
                "package": leak.package,
                **given(capability=leak.capability, other=leak.other, root=leak.root),
            }
            for leak in sorted(isolation.leaks)
        ],
        "roots": isolation.roots,
        "packages": isolation.packages,
        "provides": isolation.provides,
    }


# -- what readers of the plan should know ----------------------------------------------------------


def _remarks(plan: Plan) -> _Document:
    return {
        "burden": {
            "base_packages_changed": plan.burden.base_packages_changed,
            "would_conflict": sorted(plan.burden.would_conflict),
            "would_add": sorted(plan.burden.would_add),
        },
        "held_back": each_once(
            {
                "component": held.component.spelled,
                "version": str(held.version),
                "newest": str(held.newest),
                **given(by=demander_documents(held.by)),
            }
            for held in plan.held_back
        ),
        "relaxed": each_once(
            {
                "by": relaxed.by.spelled,
                "stated": requirement_document(relaxed.stated),
                "counts": requirement_document(relaxed.counts),
                "reason": relaxed.reason,
            }
            for relaxed in plan.relaxed
        ),
        "host": each_once(
            {
                "by": needed.by.spelled,
                "requirement": requirement_document(needed.requirement),
                **given(evidence=needed.evidence),
            }
            for needed in plan.host
        ),
        "warnings": each_once(
            {"code": notice.code, "text": notice.text} for notice in plan.warnings
        ),
    }
