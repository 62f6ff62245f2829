"""Which packages of a runtime root change together: the groups that become an image's layers.

A group requires nothing of a later one, so each can be installed on top of those before it. What is
later changes more often: the application most, what comes from the base least.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum

from attrs import frozen

from ..errors import InputError
from .build import Root, RootStream
from .component import Kind, Origin
from .package import Package
from .plan import Plan
from .rpm_language import Capability, Dependency, parse_dependency
from .rpm_matching import Provided
from .target import series_of

__all__ = ["LayerGroup", "LayerKind", "RootKinds", "layer_groups", "root_kinds"]

_PRIVATE = Origin.PRIVATE.value
_EXTERNAL = Origin.EXTERNAL.value
_SERIES = 2

_Needs = Mapping[str, tuple[Dependency, ...]]


class LayerKind(IntEnum):
    """What a group holds, in the order in which the groups are installed."""

    BASE = 0
    ACCELERATOR = 1
    LANGUAGE = 2
    APPLICATION = 3

    @property
    def title(self) -> str:
        """What it is called where people read it."""
        return _TITLES[self]


_TITLES = {
    LayerKind.BASE: "base additions",
    LayerKind.ACCELERATOR: "accelerator stack",
    LayerKind.LANGUAGE: "language stack",
    LayerKind.APPLICATION: "application",
}


@frozen
class LayerGroup:
    """The packages of one layer, in the order of the root. ``kind`` is the last one that any of
    them has. ``number`` counts the layers of a kind from 1, and is 0 where there is just one;
    ``name`` is what the layer is called where its kind alone does not say it."""

    kind: LayerKind
    packages: tuple[Package, ...]
    number: int = 0
    name: str = ""

    @property
    def title(self) -> str:
        """What it is called where people read it."""
        name = self.name or self.kind.title
        return f"{name} {self.number}" if self.number else name


@frozen
class RootKinds:
    """Of each package of a root, by its name-evr.arch: its kind, and which packages of the root it
    requires. None requires one of a later kind; what several packages provide is taken from the
    first kind that has it."""

    kinds: Mapping[str, LayerKind]
    requires: Mapping[str, frozenset[str]]


def layer_groups(plan: Plan) -> tuple[LayerGroup, ...]:
    """The packages of the runtime root, each in one group; groups without any are left out.

    - the application: its own stream's packages;
    - the language stack: everything else that is built for it, its interpreter among it;
    - the accelerator stack: what third parties ship, the packages of the accelerators in the root,
      and what moves with one, of its series (``7.2``): streams of plain packages, and what the
      stack requires;
    - base additions: the rest.

    A package that requires one of a later group goes there as well. ValueError for a plan that
    does not say how anything is built.
    """
    root = _runtime(plan)
    kinds, _, _ = _settled(plan, root)
    return tuple(
        LayerGroup(kind, found)
        for kind in LayerKind
        if (found := tuple(p for p in root.packages if kinds[p.nevra] is kind))
    )


def root_kinds(plan: Plan) -> RootKinds:
    """The kinds that :func:`layer_groups` goes by, and what has to be there before what.

    ValueError for a plan that does not say how anything is built.
    """
    kinds, needs, provided = _settled(plan, _runtime(plan))
    requires = {
        name: frozenset().union(*(_first_to_meet(each, provided, kinds) for each in dependencies))
        for name, dependencies in needs.items()
    }
    return RootKinds(kinds, {name: found - {name} for name, found in requires.items()})


def _runtime(plan: Plan) -> Root:
    if plan.builds is None:
        raise ValueError("only a plan with builds says what lies in the runtime root")
    return plan.builds.runtime


def _settled(plan: Plan, root: Root) -> tuple[dict[str, LayerKind], _Needs, Provided]:
    """The kind of each package when nothing has to move any more, what each needs, and what there
    is to meet it."""
    kinds = _kinds(plan, root)
    provided = Provided.of(_provides(root.packages))
    needs = {package.nevra: tuple(_needs(package)) for package in root.packages}
    _take_along(root, kinds, needs, provided)
    _raise_what_requires_later(kinds, needs, provided)
    return kinds, needs, provided


def _kinds(plan: Plan, root: Root) -> dict[str, LayerKind]:
    """The group of each package by what it is, by its name-evr.arch."""
    stack = {stream.package for stream in root.streams if _is_of_stack(stream, root)}
    repositories = _third_parties(root, stack)
    own = _own_packages(plan, root)

    def kind(package: Package) -> LayerKind:
        if package.repository == _PRIVATE:
            return LayerKind.APPLICATION if package.nevra in own else LayerKind.LANGUAGE
        if package.name in stack or package.repository in repositories:
            return LayerKind.ACCELERATOR
        return LayerKind.BASE

    return {package.nevra: kind(package) for package in root.packages}


def _is_of_stack(stream: RootStream, root: Root) -> bool:
    """Whether a stream that is not private belongs to an accelerator's stack."""
    if stream.origin is Origin.PRIVATE:
        return False
    if stream.origin is Origin.EXTERNAL or stream.component.kind is Kind.ACCELERATOR:
        return True
    return stream.component.kind is Kind.PACKAGE and series_of(stream.version) in _series(root)


def _series(root: Root) -> set[str]:
    """The series of the accelerators in the root."""
    return {series_of(s.version) for s in root.streams if s.component.kind is Kind.ACCELERATOR}


def _third_parties(root: Root, stack: set[str]) -> set[str]:
    """The repositories that third parties' streams come from: what else they ship goes along."""
    external = {s.package for s in root.streams if s.origin is Origin.EXTERNAL} & stack
    found = {package.repository for package in root.packages if package.name in external}
    return found | {_EXTERNAL}


def _own_packages(plan: Plan, root: Root) -> set[str]:
    """The application's own packages: that of its stream, and those that require just that one."""
    own = plan.own
    names = {
        stream.package
        for stream in root.streams
        if stream.origin is Origin.PRIVATE and own is not None and stream.component == own.component
    }
    mains = [package for package in root.packages if package.name in names]
    exact = {f"{package.name} = {package.evr}" for package in mains}
    parts = [package for package in root.packages if not exact.isdisjoint(package.requires)]
    return {package.nevra for package in (*mains, *parts)}


# -- what has to wait for a later group ------------------------------------------------------------


def _take_along(root: Root, kinds: dict[str, LayerKind], needs: _Needs, provided: Provided) -> None:
    """Add to the accelerator stack what it requires of its own series."""
    series = _series(root)
    movable = {
        package.nevra
        for package in root.packages
        if kinds[package.nevra] is LayerKind.BASE
        and ".".join(package.version.split(".")[:_SERIES]) in series
    }
    stack = [name for name, kind in kinds.items() if kind is LayerKind.ACCELERATOR]
    while stack:
        required = {
            name for each in needs[stack.pop()] for name in _spoken_of(each, provided)
        } & movable
        movable -= required
        stack += sorted(required)
        kinds |= dict.fromkeys(required, LayerKind.ACCELERATOR)


def _spoken_of(dependency: Dependency, provided: Provided) -> frozenset[str]:
    """Every package that a part of a dependency is met by."""
    if isinstance(dependency, Capability):
        return provided.providers(dependency)
    return frozenset().union(*(_spoken_of(each, provided) for each in dependency.operands))


def _raise_what_requires_later(
    kinds: dict[str, LayerKind], needs: _Needs, provided: Provided
) -> None:
    """Move each package to the group of what it requires, until none requires a later one."""
    moved = True
    while moved:
        moved = False
        for name, dependencies in needs.items():
            needed = max((_rank(each, provided, kinds) for each in dependencies), default=0)
            if needed > kinds[name]:
                kinds[name] = LayerKind(needed)
                moved = True


def _provides(packages: Iterable[Package]) -> Iterator[tuple[str, Capability]]:
    for package in packages:
        for text in package.provides:
            yield from ((package.nevra, each) for each in _parsed(text))
        # A lock leaves out what every package provides.
        yield from ((package.nevra, each) for each in _parsed(f"{package.name} = {package.evr}"))


def _parsed(text: str) -> Iterator[Capability]:
    parsed = _dependency(text)
    if isinstance(parsed, Capability):
        yield parsed


def _dependency(text: str) -> Dependency | None:
    """What nobody can read orders nothing; who reads it to install says what is wrong with it."""
    try:
        return parse_dependency(text)
    except InputError:
        return None


def _needs(package: Package) -> Iterator[Dependency]:
    for text in package.requires:
        parsed = _dependency(text)
        if parsed is not None:
            yield parsed


def _rank(dependency: Dependency, provided: Provided, kinds: Mapping[str, LayerKind]) -> int:
    """The first group with which a dependency is met; 0 for what nothing in the root provides."""
    if isinstance(dependency, Capability) or dependency.operator in ("with", "without"):
        return min((kinds[name] for name in provided.providers(dependency)), default=0)
    ranks = [_rank(each, provided, kinds) for each in dependency.operands if provided.meets(each)]
    if dependency.operator == "and":
        return max(ranks, default=0)
    if dependency.operator == "or":
        return min(ranks, default=0)
    # "a if b" and "a unless b": whichever of them counts is among those that are met.
    return max(ranks, default=0)


def _first_to_meet(
    dependency: Dependency, provided: Provided, kinds: Mapping[str, LayerKind]
) -> frozenset[str]:
    """Packages with which a dependency is met, of kinds as early as :func:`_rank` says; none for
    what nothing in the root provides."""
    if isinstance(dependency, Capability) or dependency.operator in ("with", "without"):
        found = provided.providers(dependency)
        return frozenset({min(found, key=lambda name: (kinds[name], name))}) if found else found
    met = [each for each in dependency.operands if provided.meets(each)]
    if dependency.operator == "or":
        met = sorted(met, key=lambda each: _rank(each, provided, kinds))[:1]
    return frozenset().union(*(_first_to_meet(each, provided, kinds) for each in met))
