"""A spec for every private stream of a plan, from the best that there is of it.

In this order: what the packager gave; the base's own spec, which for an interpreter is that of any
series; the sdist or wheel of a distribution; and what the plan knows alone, which is never enough
to build.
"""

from __future__ import annotations

import re
from functools import lru_cache

from attrs import define, field

from ...errors import InputError
from ...model.build import Root
from ...model.component import PYTHON, Kind
from ...model.plan import Plan
from ...model.rpm_language import Dependency, RichDependency, parse_dependency
from .. import grammar
from ..grammar import Refusals
from ..kernel_modules import check_pair
from ..mock_settings import MockSettings, check_settings
from ..names import Names, builds_of, names_of, source_stem
from ..namespace import PrivateNames, has_private_interpreter, namespace_of
from ..runtime_package import runtime_stream, with_runtime
from .build_needs import native_needs
from .emitted import Draft, EmittedSpec, EmittedSpecs, SpecKind
from .from_base import changed_spec
from .from_upstream import upstream_spec
from .kernel_module import kernel_module_spec
from .licences import UNKNOWN_LICENCE
from .materials import NO_MATERIAL, GivenSpec, SpecMaterials, UpstreamFile
from .namespaced import namespaced, provided_files
from .runtime import runtime_files
from .skeleton import checkout_of, skeleton
from .sources import missing_files, sources_list
from .spec_text import SpecText
from .task import SpecTask, tasks_of
from .vendored import check_vendored, with_vendored

__all__ = ["emit_specs"]

SOURCES = "sources"

_DEPENDED = re.compile(r"[A-Za-z0-9_/].*")
_EVR = re.compile(r"(?:(?:[0-9]+:)?[A-Za-z0-9._+~^-]+)?")


def emit_specs(
    plan: Plan, settings: MockSettings, materials: SpecMaterials = NO_MATERIAL, *, file: str = ""
) -> EmittedSpecs:
    """The specs of all private streams, with what lies beside each and the list of its sources.

    Raises :class:`InputErrors` (``NOT_EMITTED``) with every value that cannot be written, and
    :class:`InputError` (``MISSING_TOOL``) where a spec has to be generated and the generator is
    not installed; ``file`` is the lock's name, for the places.
    """
    builds = builds_of(plan, file)
    refusals = Refusals(file)
    check_settings(settings, Refusals("", refusals.faults))
    refusals.check(plan.application, grammar.NAME, "application")
    if plan.python:
        refusals.check(plan.python, grammar.RELEASE, "python")
    names_of(builds, refusals)
    refusals.raise_if_any()
    known = {each.stream: each for each in materials.streams}
    names = names_of(with_runtime(plan, builds, namespace_of(plan, settings)), refusals)
    refusals.raise_if_any()
    tasks = tasks_of(plan, builds, names, settings, known)
    check_pair(plan, refusals)
    for task in tasks:
        _check(task, refusals)
        check_vendored(task, plan, refusals)
    refusals.raise_if_any()
    return _Emission(plan, settings, names, tasks).emit()


def _check(task: SpecTask, refusals: Refusals) -> None:
    """Note what of a task cannot stand in a spec, a list of sources or a file name."""
    place = f"streams[{task.id}]"
    refusals.check(task.package, grammar.PACKAGE, f"{place}.package")
    for need in native_needs(task):
        _check_dependency(need, f"{place}.needs", refusals)
    for package in task.packages:
        refusals.check(package.name, grammar.PACKAGE, f"{place}.packages")
        _, plus, extra = package.name.partition("+")
        if plus:
            refusals.check(extra, grammar.NAME, f"{place}.packages")
        for text in (*package.provides, *package.requires):
            _check_dependency(text, f"{place}.packages", refusals)
    for name in sorted(task.private.packages):
        refusals.check(name, grammar.PACKAGE, f"{place}.packages")
    for build in task.builds:
        for one in build.substitutes:
            refusals.check(one.component.spelled, grammar.SPELLED, f"{place}.substitutes")
    for relaxed in task.relaxed:
        refusals.check(relaxed.stated.component.spelled, grammar.SPELLED, f"{place}.relaxed")
    for name in sorted(task.private.capabilities):
        _check_dependency(name, f"{place}.packages", refusals)
    for each in _upstream(task):
        refusals.check(each.filename, grammar.FILENAME, f"{place}.source.filename")
        if each.sha256:
            refusals.check(each.sha256, grammar.DIGEST, f"{place}.source.sha256")
        if each.purl:
            refusals.check(each.purl, grammar.PURL, f"{place}.source.purl")
    for given in (task.material.given, task.material.base):
        for name, _ in given.files if given else ():
            refusals.check(name, grammar.FILENAME, f"{place}.files")


def _check_dependency(text: str, path: str, refusals: Refusals) -> None:
    """Note what is no dependency that RPM takes: one would end the reading of the whole spec."""
    if not grammar.DEPENDENCY.allows(text) or not _is_dependency(text):
        refusals.note(f"{grammar.shown(text)} is not {grammar.DEPENDENCY.expected}", path)


@lru_cache(maxsize=1 << 16)
def _is_dependency(text: str) -> bool:
    waiting: list[Dependency] = []
    try:
        waiting.append(parse_dependency(text))
    except InputError:
        return False
    while waiting:
        each = waiting.pop()
        if isinstance(each, RichDependency):
            waiting += each.operands
        elif not _DEPENDED.fullmatch(each.name) or not _EVR.fullmatch(each.evr):
            return False
    return True


def _upstream(task: SpecTask) -> tuple[UpstreamFile, ...]:
    """The upstream files that are known: the lock's, and what was read of the stream's version."""
    source = task.stream.source
    own = [UpstreamFile(source.filename, source.sha256, source.purl)] if source.filename else []
    given = task.material.given
    more = given.upstream if given is not None else ()
    found = {each.filename: each for each in (*more, *task.material.upstream, *own)}
    return tuple(each for _, each in sorted(found.items()))


@define
class _Emission:
    """All specs of a plan. By stream, ``drafts`` are those before the namespace, and ``made`` are
    the packages and capabilities that they promise."""

    plan: Plan
    settings: MockSettings
    names: Names
    tasks: tuple[SpecTask, ...]
    drafts: dict[str, tuple[SpecKind, str, Draft]] = field(factory=dict, init=False)
    made: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(factory=dict, init=False)
    files: dict[str, bytes] = field(factory=dict, init=False)

    @property
    def _in_runtime(self) -> set[str]:
        return _streams_in(self.plan.builds.runtime) if self.plan.builds is not None else set()

    def emit(self) -> EmittedSpecs:
        """Draft all, since what one package makes is what another asks for; then write."""
        for task in self.tasks:
            kind, origin, draft = _drafted(task)
            self.drafts[task.id] = kind, origin, with_vendored(task, self.plan, draft)
            draft = self.drafts[task.id][2]
            if task.namespace is not None:
                self.made[task.id] = draft.spec.packages(), provided_files(draft.spec)
        specs = [self._written(task) for task in self.tasks]
        namespace = namespace_of(self.plan, self.settings)
        builds = self.plan.builds
        if namespace is not None and builds is not None and builds.builds:
            stream = runtime_stream(self.plan, namespace)
            found = runtime_files(
                self.plan,
                namespace,
                self.settings,
                f"specs/{source_stem(self.names, stream)}",
                private_python=has_private_interpreter(builds.runtime),
            )
            self.files.update(found)
            path = next(path for path in found if path.endswith(".spec"))
            specs.append(EmittedSpec(stream, path, SpecKind.RUNTIME))
        return EmittedSpecs(dict(sorted(self.files.items())), tuple(specs))

    def _written(self, task: SpecTask) -> EmittedSpec:
        kind, origin, draft = self.drafts[task.id]
        missing = missing_files(draft.spec, _upstream(task), draft.files)
        if task.namespace is not None:
            draft = namespaced(task, draft, task.namespace, self._private(task))
        name = draft.spec.name or task.package
        stem = name if grammar.PACKAGE.allows(name) else task.package
        path = f"{task.directory}/{stem}.spec"
        # What was no UTF-8 when it was read becomes what it was.
        self.files[path] = draft.spec.text.encode(errors="surrogateescape")
        self.files[f"{task.directory}/{SOURCES}"] = sources_list(_upstream(task), missing)
        for beside, content in draft.files.items():
            self.files[f"{task.directory}/{beside}"] = content
        licence = draft.spec.main("license")
        return EmittedSpec(
            task.id,
            path,
            kind,
            origin,
            draft.incomplete,
            missing,
            # What is vendored comes behind its own, and may not be known either.
            licence is not None and licence.value.split(" AND ")[0] == UNKNOWN_LICENCE,
            kind in (SpecKind.UPSTREAM, SpecKind.WHEEL) and task.material.project is None,
        )

    def _private(self, task: SpecTask) -> PrivateNames:
        """What is private to a task, with all packages of the specs whose builds it rests on."""
        streams = set(self._in_runtime)
        for root in task.roots:
            streams.update(_streams_in(root))
        packages: set[str] = set()
        capabilities: set[str] = set()
        for id in streams & self.made.keys():
            packages.update(self.made[id][0])
            capabilities.update(self.made[id][1])
        return task.private.with_packages(packages, capabilities)


def _streams_in(root: Root) -> set[str]:
    return {stream.build.partition("/")[0] for stream in root.streams if stream.build}


def _drafted(task: SpecTask) -> tuple[SpecKind, str, Draft]:
    material = task.material
    if material.given is not None:
        return SpecKind.GIVEN, material.given.origin, _as_given(task, material.given)
    if material.base is not None:
        kind = SpecKind.INTERPRETER if task.stream.component == PYTHON else SpecKind.BASE
        return kind, material.base.origin, changed_spec(task, material.base)
    source = task.stream.source
    archive = source.filename or (material.project.archive if material.project else "")
    if task.stream.kind is Kind.DISTRIBUTION and archive and not checkout_of(source.purl):
        kind = SpecKind.WHEEL if task.is_wheel else SpecKind.UPSTREAM
        return kind, archive, upstream_spec(task)
    if task.pair is not None:
        return SpecKind.KERNEL_MODULE, source.purl, kernel_module_spec(task, task.pair)
    return SpecKind.SKELETON, source.purl, skeleton(task)


def _as_given(task: SpecTask, given: GivenSpec) -> Draft:
    """The packager's own spec as it is."""
    series = task.series if task.alternative else "3"
    return Draft(SpecText.read(given.text, {"python3_pkgversion": series}), dict(given.files))
