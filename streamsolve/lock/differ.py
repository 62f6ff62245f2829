"""What changed between two locks, or between two plans as documents: values, no text."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from attrs import evolve, field, frozen
from packaging.version import InvalidVersion, Version

from ..model.build import BuildPlan, Root
from ..model.component import PYTHON
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
    StreamChange,
)
from ..model.lock import LockSettings
from ..model.package import Package
from ..model.plan import Plan, PlannedStream, RepositoryId
from ..model.rpm_version import compare_evr
from .reader import Lock

__all__ = ["diff", "diff_plans"]

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


def diff(old: Lock, new: Lock) -> LockDiff:
    """What changed from one lock to another."""
    before, after = _built(old.plan), _built(new.plan)
    roots = _roots(before, after)
    return LockDiff(
        streams=_streams(_of_plan(old.plan), _of_plan(new.plan)),
        roots=roots,
        repositories=_repositories(old.plan.repositories, new.plan.repositories),
        updates=_updates(roots),
        builds=_builds(before, after),
        order=_order(before, after),
        settings=_settings(_lock_settings(old), _lock_settings(new)),
    )


def diff_plans(old: Mapping[str, Any], new: Mapping[str, Any]) -> LockDiff:
    """What changed from one document ``streamsolve.plan/1`` to another; both are plans."""
    return LockDiff(
        streams=_streams(_of_document(old), _of_document(new)),
        repositories=_repositories(_document_repositories(old), _document_repositories(new)),
        settings=_settings(_document_settings(old), _document_settings(new)),
    )


# -- streams ---------------------------------------------------------------------------------------


@frozen
class _Seen:
    """A stream as if it were new, with what else there is to compare of it, by name."""

    change: StreamChange
    content: Mapping[str, str] = field(factory=dict)


def _of_plan(plan: Plan) -> tuple[_Seen, ...]:
    return tuple(_Seen(_seen(stream), _content_of(stream)) for stream in plan.streams)


def _content_of(stream: PlannedStream) -> dict[str, str]:
    source = stream.source
    return {
        "source": f"{source.purl} {source.filename} {source.sha256}",
    }


def _seen(stream: PlannedStream) -> StreamChange:
    demands = stream.reason.demands or stream.required_by
    return StreamChange(
        Change.IN,
        stream.component.spelled,
        new_version="" if stream.version is None else str(stream.version),
        new_origin=stream.origin.value,
        build_only=stream.build_only,
        reason=stream.reason.kind.value,
        text=stream.reason.text,
        demands=tuple((each.component.spelled, str(each.requirement)) for each in demands),
    )


def _of_document(document: Mapping[str, Any]) -> tuple[_Seen, ...]:
    found = []
    for stream in document["streams"]:
        kind, name = stream["kind"], stream["component"]
        demands = stream["reason"]["demands"] or stream["required_by"]
        change = StreamChange(
            Change.IN,
            name if kind == "distribution" else f"{kind}:{name}",
            new_version=stream["version"] or "",
            new_origin=stream["origin"],
            build_only=stream["build_only"],
            reason=stream["reason"]["kind"],
            text=stream["reason"]["text"],
            demands=tuple((each["component"], each["requirement"]) for each in demands),
        )
        source = stream["source"] or {}
        content = {
            "source": " ".join(str(source.get(key)) for key in ("purl", "filename", "sha256")),
        }
        found.append(_Seen(change, content))
    return tuple(found)


def _streams(old: Iterable[_Seen], new: Iterable[_Seen]) -> tuple[StreamChange, ...]:
    """Streams of a component are compared one with one: those of the plan's own first, then by
    version."""
    found: list[StreamChange] = []
    before, after = _grouped(old), _grouped(new)
    for component in sorted(before.keys() | after.keys()):
        mine, theirs = before.get(component, []), after.get(component, [])
        same = {_identity(stream) for stream in mine} & {_identity(stream) for stream in theirs}
        found += _under_their_versions(mine, theirs)
        gone = [stream.change for stream in mine if _identity(stream) not in same]
        come = [stream.change for stream in theirs if _identity(stream) not in same]
        for number in range(max(len(gone), len(come))):
            found.append(_changed(gone[number : number + 1], come[number : number + 1]))
    return tuple(found)


def _under_their_versions(old: Iterable[_Seen], new: Iterable[_Seen]) -> Iterable[StreamChange]:
    """The streams of one version and origin in both that differ in something else."""
    before = {_identity(stream): stream for stream in old}
    for now in new:
        was = before.get(_identity(now))
        parts = [] if was is None else [k for k, v in now.content.items() if was.content[k] != v]
        if was is not None and parts:
            told = now.change
            yield evolve(
                told,
                change=Change.CHANGED,
                old_version=told.new_version,
                old_origin=told.new_origin,
                parts=tuple(parts),
            )


def _grouped(streams: Iterable[_Seen]) -> dict[str, list[_Seen]]:
    found: dict[str, list[_Seen]] = {}
    for stream in streams:
        found.setdefault(stream.change.component, []).append(stream)
    for group in found.values():
        group.sort(key=lambda one: (one.change.build_only, *_identity(one)))
    return found


def _identity(stream: _Seen) -> tuple[str, str]:
    return stream.change.new_version, stream.change.new_origin


def _changed(gone: list[StreamChange], come: list[StreamChange]) -> StreamChange:
    if not come:
        (was,) = gone
        return StreamChange(
            Change.OUT,
            was.component,
            old_version=was.new_version,
            old_origin=was.new_origin,
            build_only=was.build_only,
        )
    if not gone:
        return come[0]
    (was,), (now,) = gone, come
    order = _compare_versions(was.new_version, now.new_version)
    if now.component == PYTHON.spelled and _is_series_of(now.new_version, was.new_version):
        order = 0
    change = {-1: Change.UP, 0: Change.ORIGIN, 1: Change.DOWN}[order]
    return StreamChange(
        change,
        now.component,
        was.new_version,
        now.new_version,
        was.new_origin,
        now.new_origin,
        now.build_only,
        now.reason,
        now.text,
        now.demands,
    )


def _is_series_of(one: str, other: str) -> bool:
    """Whether one of two versions of Python is the series of the other: what is private is built at
    its newest patch release, and has no number for it."""
    longer, shorter = sorted((one, other), key=len, reverse=True)
    return longer.startswith(f"{shorter}.")


def _compare_versions(old: str, new: str) -> int:
    """-1 for up. What is left out on one side has no version, so that only its origin changed."""
    try:
        left, right = Version(old), Version(new)
    except InvalidVersion:
        return 0
    return (left > right) - (left < right)


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
        RepositoryId(each["id"], each["repomd_sha256"]) for each in document["base"]["repositories"]
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
        "chosen_python": plan.python,
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
        "specs": ", ".join(
            f"{spec.component}={spec.filename} {spec.sha256[:12]}" for spec in settings.specs
        ),
        "tool": settings.tool,
        "base_release": settings.base_release,
        "base_python": settings.base_python,
        "build_group": ", ".join(settings.build_group),
        "priorities": ", ".join(f"{each.id}={each.priority}" for each in settings.repositories),
    }


def _document_settings(document: Mapping[str, Any]) -> dict[str, str]:
    application = document["application"]
    return {
        "application": f"{application['name']} {application['version']}",
        "variant": application["variant"],
        "base": document["base"]["name"],
        "base_arch": document["base"]["arch"],
        "chosen_python": document["python"] or "",
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
