"""What a profile's tables must agree on among themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from ..errors import ErrorCollector, Place, nearest
from ..model.component import Component, Kind
from ..model.profile import BuildRule, BundledSource, Relaxation, Variant
from .notation import spelled
from .profile_rows import NO_COMPONENT, Rows

__all__ = ["check_rows"]

T = TypeVar("T")


class _OfComponent(Protocol):
    @property
    def component(self) -> Component: ...


class _OfVariants(_OfComponent, Protocol):
    @property
    def variants(self) -> tuple[str, ...]: ...


_DESCRIBED_KINDS = (f"{Kind.ACCELERATOR.value}:", f"{Kind.TOOLCHAIN.value}:")


def check_rows(rows: Rows, variants: Sequence[Variant], errors: ErrorCollector) -> None:
    """Note each statement that is made twice, contradicts another, or points nowhere."""
    _twice(
        rows.relaxations, _relaxations_clash, lambda r: f"{r.component} is relaxed twice", errors
    )
    _twice(rows.omissions, _clash, lambda o: f"{o.component} is omitted twice", errors)
    _twice(rows.externals, _same, lambda e: f"{e.component} is external twice", errors)
    _twice(rows.prebuilt, _same, lambda p: f"{p.component} is prebuilt twice", errors)
    _twice(rows.source_repositories, _same, lambda s: f"{s.component} has two sources", errors)
    _twice(
        rows.direct_references,
        _clash,
        lambda d: f"the direct reference to {d.component} has two versions",
        errors,
    )
    _twice(
        rows.bundled,
        lambda a, b: a.name == b.name and _both_hold(a, b),
        lambda b: f"the bundled source {b.name} is named twice",
        errors,
    )
    _twice(rows.rules, _same, lambda r: f"{r.component} has two [[component]] tables", errors)
    _twice(rows.groups, lambda a, b: a.name == b.name, lambda g: f"two groups {g.name!r}", errors)
    _twice(
        rows.build_rules,
        _rules_clash,
        lambda r: f"what building {r.component} needs is stated twice",
        errors,
    )
    _twice(
        rows.build_tools,
        _same,
        lambda t: f"the program {t.component} is in two packages",
        errors,
    )
    _contradictions(rows, errors)
    _described(rows, variants, errors)


def _twice(
    placed: Sequence[tuple[T, Place]],
    clash: Callable[[T, T], bool],
    what: Callable[[T], str],
    errors: ErrorCollector,
) -> None:
    """Note each value that clashes with an earlier one."""
    for position, (value, place) in enumerate(placed):
        first = next((at for other, at in placed[:position] if clash(other, value)), None)
        if first is not None:
            errors.add(what(value), place, f"first at {first}")


def _overlap(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Whether two lists share one; an empty list is all that there are."""
    return not first or not second or not set(first).isdisjoint(second)


def _named(component: Component) -> bool:
    return component is not NO_COMPONENT


def _same(first: _OfComponent, second: _OfComponent) -> bool:
    return _named(first.component) and first.component == second.component


def _clash(first: _OfVariants, second: _OfVariants) -> bool:
    return _same(first, second) and _overlap(first.variants, second.variants)


def _both_hold(first: BuildRule | BundledSource, second: BuildRule | BundledSource) -> bool:
    """Whether there is a variant and an architecture that both hold for."""
    return _overlap(first.variants, second.variants) and _overlap(first.arches, second.arches)


def _rules_clash(first: BuildRule, second: BuildRule) -> bool:
    """Two that say the same for one build."""
    return (
        _same(first, second)
        and _both_hold(first, second)
        and not _statements(first).isdisjoint(_statements(second))
    )


def _relaxations_clash(first: Relaxation, second: Relaxation) -> bool:
    """Two that could both be meant for one requirement."""
    return (
        _clash(first, second)
        and (first.by == second.by or not first.by or not second.by)
        and (first.specifier == second.specifier or not first.specifier or not second.specifier)
    )


def _statements(rule: BuildRule) -> set[tuple[str, str]]:
    """What a rule says, one by one: rules of one component add up, but none repeats another."""
    said = {("requires", text) for text in rule.requires}
    said |= {("needs", str(need)) for need in rule.needs}
    said |= {("drops", name) for name in rule.drops}
    return said | ({("replaces", "")} if rule.replaces else set())


def _contradictions(rows: Rows, errors: ErrorCollector) -> None:
    """A prebuilt distribution is neither built from source nor taken from a third party, and what
    a third party built is not built."""
    others = {s.component: ("[[source]]", at) for s, at in rows.source_repositories}
    others |= {e.component: ("[[external]]", at) for e, at in rows.externals}
    for value, place in rows.prebuilt:
        if _named(value.component) and value.component in others:
            table, at = others[value.component]
            errors.add(
                f"{value.component} cannot be both [[prebuilt]] and {table}", place, f"see {at}"
            )
    externals = {e.component: at for e, at in rows.externals}
    for rule, place in rows.build_rules:
        if _named(rule.component) and rule.component in externals:
            errors.add(
                f"{rule.component} is [[external]], so nothing builds it",
                place,
                f"see {externals[rule.component]}",
            )


def _described(rows: Rows, variants: Iterable[Variant], errors: ErrorCollector) -> None:
    """Accelerators and toolchains that are relied on have a [[component]] table."""
    known = {spelled(rule.component) for rule, _ in rows.rules}
    relied = [(spelled(need.component), need.place) for v in variants for need in v.needs]
    relied += [(external.follows, place) for external, place in rows.externals]
    relied += [(spelled(group.leader), place) for group, place in rows.groups]
    for rule, place in rows.build_rules:
        relied.append((spelled(rule.component), place))
        # A rule follows none but its own needs.
        relied += [(spelled(need.component), need.place) for need in rule.needs]
    for written, place in relied:
        if written.startswith(_DESCRIBED_KINDS) and written not in known:
            errors.add(f"no [[component]] describes {written}", place, nearest(written, known))
