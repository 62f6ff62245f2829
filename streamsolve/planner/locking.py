"""From a request to a lock, and from a lock to the request that makes it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import evolve

from .._version import __version__
from ..errors import Code, ErrorCollector, InputError, InputErrors, NoPlanError, Place, nearest
from ..explain.document import SCHEMA as PLAN_SCHEMA
from ..explain.document import plan_document
from ..explain.isolation_text import leak_sentence, leak_step
from ..explain.markup import Span
from ..inputs.bases import parse_overlay
from ..lock import (
    Finding,
    Lock,
    check_lock,
    diff,
    diff_plans,
    is_lock_set,
    lock_in,
    lock_source,
    lock_text,
    read_lock,
    split_fragment,
)
from ..model.component import Origin
from ..model.difference import LockDiff
from ..model.lock import LockRepository, LockSettings, LockSpec
from ..model.package import Base
from ..model.plan import Plan
from ..model.profile import Profile
from ..model.progress import Progress, no_progress
from ..storage import file_digest, read_whole
from .planning import Attempt, Workshop, variant_of
from .questions import failure_of
from .request import PlanRequest

__all__ = [
    "check_specs",
    "diff_files",
    "differing_parts",
    "file_of",
    "findings_in",
    "load_lock",
    "lock_of",
    "locked",
    "make_lock",
    "no_plan",
    "open_file",
    "open_lock",
    "request_again",
]

_LEAKS = 6
_REMARKS = frozenset({"digest", "tool", "summary", "burden", "held_back", "warnings", "isolation"})
"""What a lock tells readers beside what is done, and by which version of the tool."""


# -- making one ------------------------------------------------------------------------------------


def make_lock(
    request: PlanRequest,
    *,
    progress: Progress = no_progress,
    profile: Profile | None = None,
    base: Base | None = None,
) -> tuple[Lock, str]:
    """Plan an application with its builds and lock that: the lock, and its text.

    Raises :class:`NoPlanError` when there is no plan, and :class:`InputError`: among others
    ``LEAKS`` for a plan that must not be used, and ``NEEDS_WHOLE_BASE``.
    """
    request = evolve(request, builds=True)
    with Workshop.open(request, progress, profile=profile, base=base) as workshop:
        attempt = workshop.attempt(request)
        if attempt.plan is None:
            raise no_plan(workshop, request, attempt)
        return locked(workshop, request, attempt.plan)


def locked(workshop: Workshop, request: PlanRequest, plan: Plan) -> tuple[Lock, str]:
    """The lock of a plan with builds, and its text."""
    _check_leaks(plan)
    check_specs(request, plan)
    settings = _settings(workshop, request)
    text = lock_text(plan, settings)
    digest: str = json.loads(text)["digest"]
    return Lock(plan, settings, digest), text


def no_plan(workshop: Workshop, request: PlanRequest, attempt: Attempt) -> NoPlanError:
    """That an attempt found no plan, with repairs that were solved."""
    failure = failure_of(workshop, request, attempt)
    return NoPlanError(
        f"no plan exists for {failure.application} {failure.version} ({failure.variant}) "
        f"on {failure.base}",
        failure,
    )


def _settings(workshop: Workshop, request: PlanRequest) -> LockSettings:
    profile, base = workshop.profile, workshop.base
    return LockSettings(
        profile=profile.name,
        profile_sha256=profile.digest,
        python=request.python,
        version=request.version,
        arch=base.arch,
        overlays=tuple(
            sorted({*base.overlays, *(parse_overlay(text).name for text in request.overlays)})
        ),
        relaxed=tuple(sorted(request.relaxed)),
        demands=tuple(sorted(request.demands)),
        checks=request.checks,
        specs=tuple(
            sorted(
                LockSpec(component, Path(path).name, file_digest(Path(path)))
                for component, path in request.specs
            )
        ),
        tool=__version__,
        base_release=base.release,
        base_python=base.python,
        build_group=tuple(sorted(base.build_group)),
        repositories=tuple(
            sorted(
                LockRepository(each.id, each.priority, each.sources, each.module_hotfixes)
                for each in base.repositories
            )
        ),
        gpu=variant_of(profile, request.variant).gpu,
        modules=tuple(sorted(request.modules)),
    )


def _check_leaks(plan: Plan) -> None:
    leaks = plan.isolation.leaks if plan.isolation else ()
    if not leaks:
        return
    faults = []
    for leak in leaks[:_LEAKS]:
        parts = (part.text if isinstance(part, Span) else part for part in leak_sentence(leak))
        faults.append(InputError(Code.LEAKS, "".join(parts), hint=leak_step(leak)))
    if len(leaks) > _LEAKS:
        faults.append(InputError(Code.LEAKS, f"and {len(leaks) - _LEAKS} more"))
    what = f"{plan.application} {plan.version} on {plan.base}"
    raise InputErrors(Code.LEAKS, f"the plan of {what} leaks, and is not locked", faults)


def check_specs(request: PlanRequest, plan: Plan) -> None:
    """Refuse specs of what the plan does not build: they would say nothing."""
    built = {
        name
        for stream in plan.of_origin(Origin.PRIVATE)
        for name in (stream.component.spelled, stream.component.name)
    }
    faults = ErrorCollector(Code.BAD_OPTION)
    for component, path in request.specs:
        if component not in built:
            text = f"the plan builds no {component}, so {Path(path).name} would not be used"
            faults.add(text, Place("--spec"), nearest(component, built))
    faults.raise_if_any("specs were given for what is not built")


# -- reading one -----------------------------------------------------------------------------------


def open_lock(path: Path, *, arch: str = "") -> str:
    """The text of a file that should be a lock; :class:`InputError` where it cannot be read.

    Of a file of locks for several architectures it is that of ``FILE#ARCH``, else of ``arch``.
    """
    file, named = _file_and_arch(path)
    text = open_file(file)
    if not named and not is_lock_set(text):
        return text
    return lock_in(text, named or arch, file=str(file))


def file_of(path: Path) -> Path:
    """The file in which a lock is that may be named as ``FILE#ARCH``."""
    return _file_and_arch(path)[0]


def _file_and_arch(path: Path) -> tuple[Path, str]:
    file, named = (str(path), "") if path.exists() else split_fragment(str(path))
    return Path(file), named


def open_file(path: Path) -> str:
    """The text of a file with one lock or several; :class:`InputError` where it cannot be read."""
    try:
        return lock_source(read_whole(path), file=str(path))
    except OSError as error:
        raise InputError(
            Code.BROKEN_LOCK,
            f"cannot be read: {(error.strerror or str(error)).lower()}",
            place=Place(str(path)),
            hint=f"`streamsolve lock APP -o {path}` makes one",
        ) from None


def load_lock(path: Path, *, proven: bool = False, arch: str = "") -> Lock:
    """Read a lock, of several the one for ``arch``. Raises :class:`InputErrors` with every fault
    of a file that is none; with ``proven`` also for a lock in which something does not hold."""
    text = open_lock(path, arch=arch)
    lock = read_lock(text, file=str(path))
    faults = ErrorCollector(Code.BROKEN_LOCK)
    for finding in check_lock(text) if proven else ():
        faults.add(finding.text, Place(str(path), path=finding.place.path))
    faults.raise_if_any(f"{path} is a lock in which something does not hold")
    return lock


def lock_of(plan: Plan, settings: LockSettings, *, file: str = "") -> Lock:
    """The lock of a plan as if it had been written and read."""
    return read_lock(lock_text(plan, settings), file=file)


def findings_in(path: Path) -> tuple[Lock | None, tuple[Finding, ...]]:
    """The lock in a file where it can be read at all, and everything in it that does not hold.

    :class:`InputError` for a file that cannot be read, is no JSON, or is nothing like a lock.
    """
    text = open_lock(path)
    found = set(check_lock(text))
    lock = None
    try:
        lock = read_lock(text, file=str(path))
    except InputErrors as error:
        if all(each.place.path in ("", "schema") for each in error.errors):
            raise
        # The reader knows more of the shape, the checker of what holds: both are told.
        told = {finding.place.path for finding in found if finding.place.path}
        found = {finding for finding in found if finding.place.path}
        found |= {
            Finding(Place(path=each.place.path), each.message)
            for each in error.errors
            if each.place.path not in told
        }
    return lock, tuple(sorted(found, key=lambda finding: (finding.place.path, finding.text)))


def diff_files(old: Path, new: Path) -> LockDiff:
    """What changed between two files, each a lock or a plan's document. A lock beside a plan is
    compared as the plan that it holds. :class:`InputError` for a file that is neither."""
    before, after = _lock_or_plan(old), _lock_or_plan(new)
    if isinstance(before, Lock) and isinstance(after, Lock):
        return diff(before, after)
    documents = [
        plan_document(each.plan) if isinstance(each, Lock) else each for each in (before, after)
    ]
    return diff_plans(*documents)


def _lock_or_plan(path: Path) -> Lock | Mapping[str, Any]:
    text = open_lock(path)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("schema") != PLAN_SCHEMA:
        return read_lock(text, file=str(path))
    if "errors" in document or document.get("summary") is None:
        raise InputError(
            Code.BROKEN_LOCK,
            "there is no plan in it, only what forbids one",
            place=Place(str(path)),
            hint="`streamsolve plan APP --json` prints a plan where there is one",
        )
    try:
        diff_plans(document, document)
    except (LookupError, TypeError, AttributeError) as error:
        raise InputError(
            Code.BROKEN_LOCK,
            f"it is not the whole of a plan ({type(error).__name__}: {error})",
            place=Place(str(path)),
            hint="print it again with `streamsolve plan APP --json`",
        ) from None
    return document


# -- doing it again --------------------------------------------------------------------------------


def request_again(lock: Lock, given: PlanRequest) -> PlanRequest:
    """The request that a lock was made for.

    ``given`` says what a lock does not hold: where its base, the repositories on top of it and its
    specs lie, and how to reach the index. An empty application or base means the lock's own, by
    name. :class:`InputErrors` for specs and repositories of the lock that are not given.
    """
    settings, plan = lock.settings, lock.plan
    faults = ErrorCollector(Code.BAD_OPTION)
    overlays = {parse_overlay(text).name for text in given.overlays}
    for name in settings.overlays:
        if name not in overlays:
            faults.add(
                f"the lock was made with the repository {name} on top of the base",
                Place(lock.file),
                f"say where it is with --repo {name}=URL",
            )
    specs = {component for component, _ in given.specs}
    for spec in settings.specs:
        if spec.component not in specs:
            faults.add(
                f"the lock was made with {spec.filename} for {spec.component}",
                Place(lock.file),
                f"give it again with --spec {spec.component}=FILE",
            )
    faults.raise_if_any("the lock does not say where some of what it was made from lies")
    return evolve(
        given,
        application=given.application or settings.profile,
        variant=plan.variant,
        base=given.base or plan.base,
        arch=settings.arch,
        python=settings.python,
        version=settings.version,
        relaxed=settings.relaxed,
        demands=settings.demands,
        checks=settings.checks,
        builds=True,
        modules=settings.modules,
    )


def differing_parts(old: str, new: str) -> tuple[str, ...]:
    """The parts of the documents of two locks that differ, sorted, without what is only told to
    readers, such as warnings: none for locks that do the same."""
    before, after = json.loads(old), json.loads(new)
    return tuple(
        sorted(
            name
            for name in before.keys() | after.keys()
            if name not in _REMARKS and before.get(name) != after.get(name)
        )
    )
