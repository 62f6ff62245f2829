"""The runtime package of a namespace as a part of the plan: what is built, and which roots hold it.

No plan has it, since without a prefix there is none. With one it is built like any other package:
first of all, in the smallest root that holds nothing private. The application's package requires
it, so it lies wherever that does.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from ..errors import Code, InputError
from ..model.build import Build, BuildPlan, Level, Root, RootStream, Stage, stream_id
from ..model.component import Component, Kind, Origin
from ..model.package import Package
from ..model.plan import Plan
from ..model.rpm_dependency import rpm_version
from .dnf_conf import has_private, is_private
from .names import RELEASE
from .namespace import RUNTIME, Namespace

__all__ = ["runtime_stream", "with_runtime"]

_MINUTES = 1


def runtime_stream(plan: Plan, namespace: Namespace) -> str:
    """What builds call the stream of the runtime package: ``package:app-runtime@1.2``."""
    return stream_id(_component(namespace), plan.version)


def with_runtime(plan: Plan, builds: BuildPlan, namespace: Namespace | None) -> BuildPlan:
    """The builds of a plan with that of the runtime package, which the runtime root holds and each
    root that the application lies in. They stay as they are without a namespace, and where nothing
    is built.

    Raises :class:`InputError` (``NOT_EMITTED``) where a private package would have its name, and
    where every build root holds private packages.
    """
    if namespace is None or not builds.builds:
        return builds
    id = runtime_stream(plan, namespace)
    _refuse_same_name(builds, namespace)
    build = Build(
        id=id,
        component=_component(namespace),
        version=plan.version,
        stage=Stage.ONLY,
        root=_smallest(builds).id,
        needs=(),
        after=(),
        cost=_MINUTES,
    )
    own = plan.own
    holders = _holders(builds, own.package if own is not None else "")
    roots = tuple(
        _holding(root, plan, build) if root.id in holders else root for root in builds.roots
    )
    changed = (
        evolve(each, after=tuple(sorted({*each.after, id}))) if each.root in holders else each
        for each in builds.builds
    )
    return evolve(
        builds,
        runtime=_holding(builds.runtime, plan, build),
        roots=roots,
        builds=tuple(sorted((build, *changed), key=lambda each: each.id)),
        order=evolve(builds.order, levels=_levels(builds.order.levels, build)),
    )


def _component(namespace: Namespace) -> Component:
    return Component(Kind.PACKAGE, namespace.runtime)


def _refuse_same_name(builds: BuildPlan, namespace: Namespace) -> None:
    for root in (builds.runtime, *builds.roots):
        for package in root.packages:
            if is_private(package) and package.name == RUNTIME:
                raise InputError(
                    Code.NOT_EMITTED,
                    f"with a prefix the private package {RUNTIME} would be called "
                    f"{namespace.runtime}, as the package that enables the application is",
                    hint="emit the lock without --prefix",
                )


def _smallest(builds: BuildPlan) -> Root:
    """The root to build it in: the fewest packages, none of them private."""
    used = {build.root for build in builds.builds}
    found = [root for root in builds.roots if root.id in used and not has_private(root)]
    if not found:
        raise InputError(
            Code.NOT_EMITTED,
            f"there is no root to build {RUNTIME} in: every build root holds private packages",
            hint="lock the application again: something has to be built first",
        )
    return min(found, key=lambda root: (len(root.packages), root.id))


def _holders(builds: BuildPlan, package: str) -> frozenset[str]:
    """The build roots that hold the application."""
    return frozenset(
        root.id
        for root in builds.roots
        if any(is_private(each) and each.name == package for each in root.packages)
    )


def _holding(root: Root, plan: Plan, build: Build) -> Root:
    """A root with the runtime package, by its name without the namespace, as all others are."""
    package = Package(
        RUNTIME, f"{rpm_version(plan.version)}-{RELEASE}", "noarch", Origin.PRIVATE.value
    )
    stream = RootStream(build.component, plan.version, Origin.PRIVATE, RUNTIME, build.id)
    return evolve(
        root,
        packages=tuple(sorted((*root.packages, package))),
        streams=tuple(sorted((*root.streams, stream))),
    )


def _levels(levels: Iterable[Level], build: Build) -> tuple[Level, ...]:
    """Into the first level, whose builds rest on nothing."""
    first, *others = levels
    changed = Level(
        tuple(sorted((*first.builds, build.id))),
        max(first.longest, build.cost),
        first.total + build.cost,
    )
    return (changed, *others)
