"""What changed between two locks, or between two plans as documents: values, no text."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from ..model.build import BuildPlan, Root
from ..model.difference import (
    BaseUpdate,
    BuildChange,
    Change,
    LockDiff,
    OrderChange,
    PackageChange,
    RepositoryMove,
    RootChange,
    SettingChange,
)
from ..model.lock import LockSettings
from ..model.package import Package
from ..model.plan import Plan, RepositoryId
from ..model.rpm_version import compare_evr
from .architectures import side_by_side
from .reader import Lock
from .shape import text_of
from .stream_changes import of_document, of_plan, stream_changes
from .vendored import vendored_changes, vendored_of

__all__ = ["diff", "diff_plans"]

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


def diff(old: Lock, new: Lock) -> LockDiff:
    """What changed from one lock to another; of another architecture, what need not differ."""
    if old.plan.arch != new.plan.arch:
        old, new = side_by_side(old, new)
    before, after = _built(old.plan), _built(new.plan)
    roots = _roots(before, after)
    return LockDiff(
        streams=stream_changes(of_plan(old.plan), of_plan(new.plan)),
        roots=roots,
        repositories=_repositories(old.plan.repositories, new.plan.repositories),
        updates=_updates(roots),
        builds=_builds(before, after),
        order=_order(before, after),
        settings=_settings(_lock_settings(old), _lock_settings(new)),
        vendored=vendored_changes(old.plan.vendored, new.plan.vendored),
    )


def diff_plans(old: Mapping[str, Any], new: Mapping[str, Any]) -> LockDiff:
    """What changed from one document ``streamsolve.plan/1`` to another; both are plans."""
    return LockDiff(
        streams=stream_changes(of_document(old), of_document(new)),
        repositories=_repositories(_document_repositories(old), _document_repositories(new)),
        settings=_settings(_document_settings(old), _document_settings(new)),
        vendored=vendored_changes(*(vendored_of(each.get("vendored", ())) for each in (old, new))),
    )


# -- roots and the base ----------------------------------------------------------------------------


def _built(plan: Plan) -> BuildPlan:
    if plan.builds is None:
        raise ValueError("a lock has builds")
    return plan.builds


def _roots(old: BuildPlan, new: BuildPlan) -> tuple[RootChange, ...]:
    found = []
    for id, was, now in _pairs(
        _by(_id, (old.runtime, *old.roots)), _by(_id, (new.runtime, *new.roots))
    ):
        if was is None or now is None:
            found.append(RootChange(Change.OUT if now is None else Change.IN, id))
        elif was != now:
            changes = _packages(was, now)
            if changes or was.streams != now.streams or was.asked != now.asked:
                found.append(RootChange(Change.CHANGED, id, changes))
    return tuple(found)


def _packages(old: Root, new: Root) -> tuple[PackageChange, ...]:
    found = []
    for (name, arch), was, now in _pairs(_by(_place, old.packages), _by(_place, new.packages)):
        if was is None or now is None:
            one = was or now
            assert one is not None  # noqa: S101  (says it to mypy)
            change = Change.IN if was is None else Change.OUT
            evrs = ("", one.evr) if was is None else (one.evr, "")
            found.append(PackageChange(change, name, arch, *evrs, one.repository))
        elif _content(was) != _content(now):
            order = compare_evr(was.evr, now.evr)
            change = {-1: Change.UP, 0: Change.CHANGED, 1: Change.DOWN}[order]
            found.append(PackageChange(change, name, arch, was.evr, now.evr, now.repository))
    return tuple(found)


def _place(package: Package) -> tuple[str, str]:
    return package.name, package.arch


def _content(package: Package) -> tuple[object, ...]:
    """What a package is: what the lock keeps of its provides depends on the roots around it."""
    return (
        package.evr,
        package.repository,
        package.checksum,
        package.requires,
        package.conflicts,
        package.obsoletes,
    )


def _updates(roots: Iterable[RootChange]) -> tuple[BaseUpdate, ...]:
    """Each update of a base package once, with the number of roots that it touches."""
    counts: dict[PackageChange, int] = {}
    for root in roots:
        for package in root.packages:
            if package.change not in (Change.IN, Change.OUT) and package.repository not in (
                "private",
                "external",
            ):
                counts[package] = counts.get(package, 0) + 1
    ordered = sorted(counts, key=lambda p: (p.name, p.arch, p.old_evr, p.new_evr, p.repository))
    return tuple(BaseUpdate(package, counts[package]) for package in ordered)


def _repositories(
    old: Iterable[RepositoryId], new: Iterable[RepositoryId]
) -> tuple[RepositoryMove, ...]:
    found = []
    for id, was, now in _pairs(_by(_id, old), _by(_id, new)):
        if was != now:
            digests = (was.repomd_sha256 if was else "", now.repomd_sha256 if now else "")
            found.append(RepositoryMove(id, *digests))
    return tuple(found)


def _document_repositories(document: Mapping[str, Any]) -> tuple[RepositoryId, ...]:
    return tuple(
        RepositoryId(text_of(each["id"]), text_of(each["repomd_sha256"]))
        for each in document["base"]["repositories"]
    )


# -- builds and their order ------------------------------------------------------------------------

_PARTS = ("root", "needs", "after", "cost", "left_out", "substitutes")


def _builds(old: BuildPlan, new: BuildPlan) -> tuple[BuildChange, ...]:
    found = []
    for id, was, now in _pairs(_by(_id, old.builds), _by(_id, new.builds)):
        if was is None or now is None:
            found.append(BuildChange(Change.OUT if now is None else Change.IN, id))
            continue
        parts = tuple(part for part in _PARTS if getattr(was, part) != getattr(now, part))
        if parts:
            found.append(BuildChange(Change.CHANGED, id, parts))
    return tuple(found)


def _order(old: BuildPlan, new: BuildPlan) -> OrderChange | None:
    if old.order == new.order:
        return None
    before, after = _levels(old), _levels(new)
    return OrderChange(
        old.order.minutes,
        new.order.minutes,
        len(old.order.levels),
        len(new.order.levels),
        old.order.critical_path,
        new.order.critical_path,
        tuple(
            (id, was, after[id])
            for id, was in sorted(before.items())
            if id in after and after[id] != was
        ),
    )


def _levels(plan: BuildPlan) -> dict[str, int]:
    return {id: number for number, level in enumerate(plan.order.levels) for id in level.builds}


# -- settings --------------------------------------------------------------------------------------


def _lock_settings(lock: Lock) -> dict[str, str]:
    plan, settings = lock.plan, lock.settings
    return {
        **_texts(settings),
        "application": f"{plan.application} {plan.version}",
        "variant": plan.variant,
        "base": plan.base,
        "base_arch": plan.arch,
        "chosen_python": plan.interpreter,
    }


def _texts(settings: LockSettings) -> dict[str, str]:
    return {
        "profile": settings.profile,
        "profile_sha256": settings.profile_sha256,
        "python": settings.python,
        "version": settings.version,
        "arch": settings.arch,
        "overlays": ", ".join(settings.overlays),
        "relaxed": ", ".join(
            f"{by}:{component}{specifier}" if by else f"{component}{specifier}"
            for by, component, specifier in settings.relaxed
        ),
        "demands": ", ".join(settings.demands),
        "checks": settings.checks,
        "modules": ", ".join(settings.modules),
        "specs": ", ".join(
            f"{spec.component}={spec.filename} {spec.sha256[:12]}" for spec in settings.specs
        ),
        "tool": settings.tool,
        "base_release": settings.base_release,
        "base_python": settings.base_python,
        "build_group": ", ".join(settings.build_group),
        "priorities": ", ".join(f"{each.id}={each.priority}" for each in settings.repositories),
        "gpu": ", ".join(settings.gpu.architectures),
    }


def _document_settings(document: Mapping[str, Any]) -> dict[str, str]:
    application = document["application"]
    return {
        "application": f"{application['name']} {application['version']}",
        "variant": text_of(application["variant"]),
        "base": text_of(document["base"]["name"]),
        "base_arch": text_of(document["base"]["arch"]),
        "chosen_python": text_of(document["python"] or ""),
        "demands": ", ".join(document.get("demands", ())),
    }


def _settings(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[SettingChange, ...]:
    return tuple(
        SettingChange(name, was or "", now or "")
        for name, was, now in _pairs(old, new)
        if was != now
    )


# -- side by side ----------------------------------------------------------------------------------


def _by(key: Callable[[_V], _K], values: Iterable[_V]) -> dict[_K, _V]:
    return {key(value): value for value in values}


def _id(value: Any) -> str:  # noqa: ANN401 - whatever has an id: roots, builds, repositories
    return str(value.id)


def _pairs(old: Mapping[_K, _V], new: Mapping[_K, _V]) -> list[tuple[_K, _V | None, _V | None]]:
    """Everything of both sides with its key, sorted by it; None where a side has it not."""
    keys = sorted({*old, *new}, key=lambda key: key if isinstance(key, tuple) else (str(key),))
    return [(key, old.get(key), new.get(key)) for key in keys]
