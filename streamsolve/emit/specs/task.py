"""What one spec is made for: a private stream of a plan, its builds, and how it is called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from attrs import frozen

from ...model.build import Build, BuildNeed, BuildPlan, NeedRole, Root, Stage, stream_id
from ...model.component import PYTHON, Kind, Origin, Scope
from ...model.kernel import KernelPair
from ...model.package import Package
from ...model.plan import Plan, PlannedStream, ReasonKind, Relaxed
from ...model.rpm_dependency import rpm_version
from ..gpu_targets import has_gpu_compiler, targets_of
from ..mock_settings import MockSettings
from ..names import Names, release_of, source_stem
from ..namespace import (
    Namespace,
    PrivateNames,
    all_private_packages,
    namespace_of,
    private_names,
)
from .materials import StreamMaterial

__all__ = ["SpecTask", "tasks_of"]

_WHEEL = ".whl"
_PART = re.compile(r"(?P<python>python\d+\.\d+)-")


@frozen
class SpecTask:
    """One spec. ``builds`` are the passes of the stream, which share it, ``roots`` theirs.

    ``packages`` are those that the plan expects of it, its own first, ``directory`` is where its
    files go, ``release`` the release with which the plan's configurations let it in. ``private``
    is what is private in its roots and in itself. ``pair`` is the kernel of a kernel module.
    ``series`` is the interpreter's (``3.14``), and ``default_series`` that of the names that begin
    with ``python3-``.
    """

    stream: PlannedStream
    builds: tuple[Build, ...]
    roots: tuple[Root, ...]
    packages: tuple[Package, ...]
    material: StreamMaterial
    directory: str
    release: str
    application: str
    series: str
    relaxed: tuple[Relaxed, ...]
    private: PrivateNames
    namespace: Namespace | None
    settings: MockSettings
    pair: KernelPair | None = None

    @property
    def id(self) -> str:
        """``name@version``, as builds name the stream."""
        return self.builds[0].stream

    @property
    def package(self) -> str:
        """The main package's name, without a namespace."""
        return self.stream.package

    @property
    def gpu_targets(self) -> tuple[str, ...]:
        """The GPU architectures that it is built for; none where nothing in its roots compiles for
        GPUs."""
        if not any(map(has_gpu_compiler, self.roots)):
            return ()
        return targets_of(self.stream.component.spelled, self.settings.gpu)

    @property
    def is_application(self) -> bool:
        """Whether it is the application itself."""
        named = self.stream.component.name == self.application
        return named or self.stream.reason.kind is ReasonKind.APPLICATION

    @property
    def alternative(self) -> bool:
        """Whether its packages are named after an interpreter that is not the base's usual one."""
        named = self.stream.kind is Kind.DISTRIBUTION
        return named and self.package.startswith(f"python{self.series}-")

    @property
    def is_wheel(self) -> bool:
        """Whether a wheel is packaged as it is."""
        return self.stream.prebuilt or self.stream.source.filename.endswith(_WHEEL)

    @property
    def needs(self) -> tuple[BuildNeed, ...]:
        """What any of its builds needs, sorted."""
        return tuple(sorted({need for build in self.builds for need in build.needs}))

    @property
    def left_out(self) -> tuple[BuildNeed, ...]:
        """What no build of it has: what a bootstrap pass alone does without is not among them."""
        whole = [build for build in self.builds if build.stage is not Stage.BOOTSTRAP]
        return tuple(sorted({need for build in whole for need in build.left_out}))

    @property
    def without_tests(self) -> bool:
        """Whether the plan left out what tests need."""
        return any(need.role is NeedRole.CHECK for build in self.builds for need in build.left_out)

    @property
    def has_run_time(self) -> bool:
        """Whether each of its roots holds all distributions that it requires at run time."""
        wanted = {
            requirement.component
            for requirement in self.stream.requirements
            if requirement.scope is Scope.RUN and requirement.component.kind is Kind.DISTRIBUTION
        }
        return all(wanted <= {stream.component for stream in root.streams} for root in self.roots)

    @property
    def bootstraps(self) -> bool:
        """Whether it is built twice."""
        return any(build.stage is Stage.BOOTSTRAP for build in self.builds)


def tasks_of(
    plan: Plan,
    builds: BuildPlan,
    names: Names,
    settings: MockSettings,
    materials: Mapping[str, StreamMaterial],
) -> tuple[SpecTask, ...]:
    """One task for each private stream that is built, sorted by its id."""
    streams = {
        stream_id(stream.component, stream.version): stream
        for stream in plan.streams
        if stream.version is not None and stream.origin is Origin.PRIVATE
    }
    passes: dict[str, list[Build]] = {}
    for build in builds.builds:
        passes.setdefault(build.stream, []).append(build)
    owned = _owned(all_private_packages(builds), streams.values())
    found = []
    for id, of_stream in sorted(passes.items()):
        stream = streams[id]
        roots = tuple(root for build in of_stream if (root := builds.root(build.root)))
        packages = owned.get(id, ())
        found.append(
            SpecTask(
                stream=stream,
                builds=tuple(of_stream),
                roots=roots,
                packages=packages,
                material=materials.get(id) or StreamMaterial(id),
                directory=f"specs/{source_stem(names, id)}",
                release=f"{release_of(id)}%{{?dist}}",
                application=plan.application,
                series=plan.python,
                relaxed=tuple(each for each in plan.relaxed if each.by == stream.component),
                private=_private(roots, packages, builds.runtime),
                namespace=namespace_of(plan, settings),
                settings=settings,
                pair=_pair(plan, stream),
            )
        )
    return tuple(found)


def _pair(plan: Plan, stream: PlannedStream) -> KernelPair | None:
    """The kernel that a module is built for."""
    pair = plan.kernel_pair
    return pair if pair is not None and pair.module == stream.component else None


def _private(roots: Iterable[Root], own: Iterable[Package], runtime: Root) -> PrivateNames:
    """What a package may call by a name of the namespace: what lies in its roots, what it is
    itself, and what it will meet when it runs."""
    found = {*own, *runtime.packages}
    for root in roots:
        found.update(root.packages)
    return private_names(found)


def _owned(
    packages: Iterable[Package], streams: Iterable[PlannedStream]
) -> dict[str, tuple[Package, ...]]:
    """Which stream each planned package is of: by name and version, an extra's by what stands
    before its plus sign, and an interpreter's parts by what stands before the hyphen."""
    by_name: dict[tuple[str, str], str] = {}
    interpreters: dict[str, str] = {}
    for stream in streams:
        if stream.version is None:
            continue
        id = stream_id(stream.component, stream.version)
        version = rpm_version(stream.version).rpartition(":")[2]
        by_name[stream.package, version] = id
        if stream.component == PYTHON:
            interpreters[stream.package] = id
    found: dict[str, list[Package]] = {}
    for package in packages:
        main = package.name.partition("+")[0]
        part = _PART.match(package.name)
        owner = (
            by_name.get((package.name, package.version))
            or by_name.get((main, package.version))
            or (interpreters.get(part["python"]) if part else None)
        )
        if owner:
            found.setdefault(owner, []).append(package)
    return {
        id: tuple(sorted(each, key=lambda p: (len(p.name), p.name))) for id, each in found.items()
    }
