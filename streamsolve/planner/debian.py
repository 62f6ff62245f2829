"""An application's requirements against what a Debian or Ubuntu has.

Only what the application itself states is compared, or with a lock what each of its streams is
asked for: taking a package from there brings its own dependencies from there, which are looked at
as far as whether anything meets them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen
from packaging.utils import canonicalize_name

from ..errors import Code, InputError, Place
from ..inputs.profiles import load_profile
from ..inputs.requirement_files import parse_requirement_file
from ..inputs.shipped import default_cache
from ..inputs.transport import Transport
from ..model.component import PYTHON, Component, Kind, Origin, Scope
from ..model.debian import (
    DebianAnswer,
    DebianBase,
    DebianCandidate,
    DebianComparison,
    DebianPackage,
    KnownBy,
    Meets,
)
from ..model.debian_version import debian_key, upstream_version
from ..model.requirement import Requirement
from ..model.target import Target, series_of
from .adjust import Adjuster
from .application import application_stream
from .locking import load_lock
from .planning import extract_of, variant_of
from .upstream import Upstream

if TYPE_CHECKING:
    from ..inputs.index import PackageIndex

__all__ = ["Asked", "asked_of", "compare_with_debian", "debian_python"]

_PREFIX = "python3-"
# Of a source package, what is no module to import.
_BESIDE = re.compile(r".*-(?:doc|dbg|dev|common|data|examples|tests?|testsuite|all|whl)")
_RULES: Mapping[tuple[Kind, str], str] = {
    (Kind.INTERPRETER, "python"): r"python3",
    (Kind.PACKAGE, "glibc"): r"libc6",
    (Kind.TOOLCHAIN, "gcc"): r"gcc(?:-[0-9]+)?",
    (Kind.TOOLCHAIN, "clang"): r"clang(?:-[0-9]+)?",
    (Kind.TOOLCHAIN, "rust"): r"rustc(?:-[0-9.]+)?",
    (Kind.TOOLCHAIN, "go"): r"golang(?:-[0-9.]+)?-go",
    (Kind.ACCELERATOR, "cuda"): r"nvidia-cuda-toolkit",
}
"""Debian's names for what is no distribution, as patterns; others go by their own name."""


@frozen
class Asked:
    """What is asked of a base: by whom, and every requirement with its marker.

    ``names`` maps a distribution to a further name that bases have it under; ``omitted`` are the
    components that the application does without.
    """

    application: str
    requirements: tuple[Requirement, ...]
    names: Mapping[str, str] = field(factory=dict)
    omitted: tuple[str, ...] = ()


# -- what is asked ---------------------------------------------------------------------------------


def asked_of(
    text: str,
    *,
    variant: str = "",
    offline: bool = False,
    cache: Path | None = None,
    index_url: str = "",
) -> Asked:
    """What an application asks of a base.

    ``text`` is a lock (``*.json``), a file of requirements as pip reads it (``*.txt``, ``*.in``),
    or the name or file of a profile. Raises :class:`InputError` for what is none of these.
    """
    from ..inputs.index import PackageIndex

    suffix = Path(text).suffix
    if suffix in (".json", ".txt", ".in") and variant:
        raise InputError(Code.BAD_OPTION, f"{text} has no variants", place=Place("--variant"))
    if suffix == ".json":
        return _of_lock(Path(text))
    if suffix in (".txt", ".in"):
        return _of_file(Path(text))
    store = cache or default_cache()
    index = PackageIndex(
        Transport(offline=offline, cache=store), endpoint=index_url or None, cache=store
    )
    return _of_profile(text, variant, index, offline=offline)


def _of_lock(path: Path) -> Asked:
    lock = load_lock(path)
    plan = lock.plan
    found = {
        demander.requirement
        for stream in plan.streams
        if stream.origin is not Origin.OMITTED and not stream.build_only
        for demander in stream.required_by
    }
    omitted = {s.component.name for s in plan.of_origin(Origin.OMITTED)}
    name = f"{plan.application} {plan.version} ({plan.variant}), as locked"
    names = _names_of(lock.settings.profile)
    return Asked(name, tuple(sorted(found, key=str)), names, tuple(sorted(omitted)))


def _names_of(application: str) -> Mapping[str, str]:
    """What a profile says of names; nothing where there is no such profile here."""
    try:
        return load_profile(application).names
    except InputError:
        return {}


def _of_file(path: Path) -> Asked:
    def read(file: Path) -> str:
        try:
            return file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8"
            raise InputError(
                Code.BAD_REQUIREMENT, f"cannot be read: {why}", place=Place(str(file))
            ) from None

    def include(name: str) -> str | None:
        return read(Path(name)) if Path(name).is_file() else None

    parsed = parse_requirement_file(read(path), file=str(path), include=include)
    bound = {requirement.component for requirement in parsed.requirements}
    constraints = [each for each in parsed.constraints if each.component in bound]
    return Asked(path.name, (*parsed.requirements, *constraints))


def _of_profile(text: str, variant: str, index: PackageIndex, *, offline: bool) -> Asked:
    profile = load_profile(text)
    chosen = variant_of(profile, variant)
    upstream = Upstream(extract_of(profile), index, offline=offline)
    adjuster = Adjuster(profile, chosen)
    stream = application_stream(profile, chosen, upstream, adjuster, version=profile.version)
    kept = [each for each in stream.requirements if adjuster.omission(each.component) is None]
    omitted = {
        each.component.name
        for each in stream.requirements
        if adjuster.omission(each.component) is not None
    }
    name = f"{profile.name} {profile.version} ({chosen.name})"
    return Asked(name, tuple(kept), profile.names, tuple(sorted(omitted)))


# -- what there is ---------------------------------------------------------------------------------


def debian_python(base: DebianBase) -> str:
    """The series of the base's default Python 3, such as ``3.11``; empty where it has none."""
    package = base.by_name.get("python3")
    version = upstream_version(package.version) if package else None
    return series_of(version) if version else ""


def compare_with_debian(asked: Asked, base: DebianBase, *, arch: str) -> DebianComparison:
    """What the base has for each component that is asked for, at its own Python; ``arch`` is the
    architecture as bases call it. What the host must have is not the base's matter."""
    python = debian_python(base)
    full = base.by_name["python3"].version if python else ""
    patch = upstream_version(full) if full else None
    target = Target(python, arch, str(patch) if patch else "")
    wanted: dict[Component, dict[str, Requirement]] = defaultdict(dict)
    for requirement in asked.requirements:
        if requirement.scope is Scope.HOST or (python and not requirement.applies(target)):
            continue
        wanted[requirement.component].setdefault(str(requirement), requirement)
    carriers = _Carriers(base, asked.names)
    answers = []
    for component in sorted(wanted):
        requirements = tuple(wanted[component][text] for text in sorted(wanted[component]))
        answers.append(_answer(component, requirements, carriers.of(component)))
    exclusions = tuple(sorted(_exclusions(answers, base)))
    return DebianComparison(asked.application, python, tuple(answers), asked.omitted, exclusions)


def _exclusions(
    answers: Iterable[DebianAnswer], base: DebianBase
) -> Iterator[tuple[str, str, str]]:
    """Candidates that fit and of which one does not let the other in."""
    chosen = {a.candidate.package for a in answers if a.candidate and a.meets is Meets.MEETS}
    for name in chosen:
        for relation in base.by_name[name].conflicts:
            for other in base.meeting(relation):
                # A package that conflicts with what it provides itself means the others.
                if other.name in chosen and other.name != name:
                    yield name, other.name, str(relation)


def _answer(
    component: Component,
    requirements: tuple[Requirement, ...],
    candidates: Sequence[DebianCandidate],
) -> DebianAnswer:
    """The first candidate that meets everything; if none does, the first that there is."""
    if not candidates:
        return DebianAnswer(component, requirements, Meets.MISSING)
    answers = [_judged(component, requirements, candidate) for candidate in candidates]
    return next((each for each in answers if each.meets is Meets.MEETS), answers[0])


def _judged(
    component: Component, requirements: tuple[Requirement, ...], candidate: DebianCandidate
) -> DebianAnswer:
    version = candidate.version
    if version is None:
        bound = any(requirement.specifier for requirement in requirements)
        meets = Meets.UNTOLD if bound else Meets.MEETS
        return DebianAnswer(component, requirements, meets, candidate)
    failed = tuple(each for each in requirements if not each.allows(version))
    meets = Meets.CONFLICTS if failed else Meets.MEETS
    return DebianAnswer(component, requirements, meets, candidate, failed)


def _needs_python(package: DebianPackage) -> bool:
    return any(relation.name == "python3" for entry in package.depends for relation in entry)


def _main_of(packages: Sequence[DebianPackage]) -> DebianPackage | None:
    """Of the packages of a source, the one that the names of all others begin with (python3-pil of
    python3-pil.imagetk); None where there is no such."""
    shortest = min(packages, key=lambda package: len(package.name), default=None)
    if shortest and all(package.name.startswith(shortest.name) for package in packages):
        return shortest
    return None


@frozen
class _Carriers:
    """Which packages of a base carry which component."""

    base: DebianBase
    names: Mapping[str, str]

    def of(self, component: Component) -> tuple[DebianCandidate, ...]:
        """The packages known in the surest way, newest first."""
        if component.kind is Kind.DISTRIBUTION:
            return self._of_distribution(component.name)
        own = re.escape(component.name)
        pattern = re.compile(_RULES.get((component.kind, component.name), own))
        found = [p for p in self.base.packages if pattern.fullmatch(p.name)]
        known = KnownBy.RULE if (component.kind, component.name) in _RULES else KnownBy.NAME
        return self._candidates(found, known, first="python3" if component == PYTHON else "")

    def _of_distribution(self, name: str) -> tuple[DebianCandidate, ...]:
        also = self.names.get(name, "")
        if also and (found := self._named.get(also)):
            return self._candidates(found, KnownBy.RULE)
        if found := self._stated.get(name):
            own = next((p.name for p in self._named.get(name, ()) if p in found), "")
            return self._candidates(found, KnownBy.STATED, first=own)
        # What says that it carries another distribution does not carry this one.
        if found := [p for p in self._named.get(name, ()) if not p.stated]:
            return self._candidates(found, KnownBy.NAME)
        for source in (name, f"python-{name}", name.removeprefix("python-")):
            if main := _main_of([p for p in self._by_source.get(source, ()) if not p.stated]):
                return self._candidates([main], KnownBy.SOURCE)
        # Programs have no prefix; one of another language has the name by chance.
        program = self.base.by_name.get(name)
        if program is not None and _needs_python(program):
            return self._candidates([program], KnownBy.NAME)
        return ()

    def _candidates(
        self, packages: Iterable[DebianPackage], known: KnownBy, first: str = ""
    ) -> tuple[DebianCandidate, ...]:
        newest = sorted(packages, key=lambda p: (debian_key(p.version), p.name), reverse=True)
        newest.sort(key=lambda p: p.name != first)
        return tuple(
            DebianCandidate(
                package.name,
                package.version,
                upstream_version(package.version),
                known,
                tuple(" | ".join(map(str, entry)) for entry in self.base.unmet(package)),
            )
            for package in newest
        )

    @cached_property
    def _modules(self) -> tuple[DebianPackage, ...]:
        return tuple(
            package
            for package in self.base.packages
            if package.name.startswith(_PREFIX) and not _BESIDE.fullmatch(package.name)
        )

    @cached_property
    def _named(self) -> Mapping[str, Sequence[DebianPackage]]:
        """By the name after the prefix, and without a ``python-`` of upstream's in both."""
        found: dict[str, list[DebianPackage]] = defaultdict(list)
        for package in self._modules:
            name = str(canonicalize_name(package.name.removeprefix(_PREFIX)))
            found[name].append(package)
            found[f"python-{name}"].append(package)
        return found

    @cached_property
    def _stated(self) -> Mapping[str, Sequence[DebianPackage]]:
        found: dict[str, list[DebianPackage]] = defaultdict(list)
        for package in self._modules:
            for name in package.stated:
                found[name].append(package)
        return found

    @cached_property
    def _by_source(self) -> Mapping[str, Sequence[DebianPackage]]:
        found: dict[str, list[DebianPackage]] = defaultdict(list)
        for package in self._modules:
            found[str(canonicalize_name(package.source))].append(package)
        return found
