"""What a spec's BuildRequires have to name, from the needs that the plan counted."""

from __future__ import annotations

from ...model.build import BuildNeed, NeedOrigin
from ...model.component import Kind
from ...model.requirement import parse_requirement
from ...model.rpm_dependency import rpm_requires
from ...model.target import Target
from .task import SpecTask

__all__ = ["chosen_packages", "native_needs", "programs"]

_STACKS = (Kind.TOOLCHAIN, Kind.ACCELERATOR, Kind.PACKAGE)
"""What profiles say that a build needs, and neither a generator nor the series of a spec says."""


def native_needs(task: SpecTask) -> tuple[str, ...]:
    """What the build asks for besides what it generates itself, in RPM's language, sorted."""
    found: set[str] = set()
    for need in task.needs:
        found.update(_native(task, need))
    named = {text.partition(" ")[0] for text in found}
    return tuple(sorted(found.union(chosen_packages(task) - named)))


def chosen_packages(task: SpecTask) -> frozenset[str]:
    """The packages of the streams that its roots chose for what the profile says of components:
    ``clang18`` for ``toolchain:clang ==18.*``.

    Without versions, since a stream's is not always its package's (CUDA 13.0 is version 13.0.2 of
    ``cuda-toolkit-13-0``).
    """
    stated = {need.component for need in task.needs if need.origin is NeedOrigin.PROFILE}
    return frozenset(
        stream.package
        for root in task.roots
        for stream in root.streams
        if stream.component.kind in _STACKS
        and stream.component.spelled in stated
        and stream.package
    )


def programs(task: SpecTask) -> tuple[str, ...]:
    """The distributions for which a program of the base stands in the build root, such as cmake,
    sorted by name: for another interpreter nothing provides them."""
    found = {
        parse_requirement(need.text).component.name for need in task.needs if _is_program(need)
    }
    return tuple(sorted(found))


def _native(task: SpecTask, need: BuildNeed) -> tuple[str, ...]:
    if _is_program(need):
        return (need.applied.partition(" ")[0],)
    if not need.component:
        return (need.applied or need.text,)
    if need.origin is NeedOrigin.PROFILE and ":" not in need.component:
        # The sdist says by itself what its build system needs; of the profile it knows nothing.
        return rpm_requires(parse_requirement(need.text), Target(task.series, ""))
    return ()


def _is_program(need: BuildNeed) -> bool:
    """Whether a package of the base, whose version the root fixes, stands for a distribution."""
    stated = need.origin in (NeedOrigin.BUILD_SYSTEM, NeedOrigin.PROFILE)
    return stated and " = " in need.applied
