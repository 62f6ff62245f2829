"""The ``[[…]]`` tables of a profile, which an included component file may hold as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from attrs import define, field
from packaging.version import Version

from ..errors import Code, ErrorCollector, InputError, Place, nearest
from ..model.component import Component, Kind, Origin, distribution
from ..model.profile import (
    BuildRule,
    BuildTool,
    BundledSource,
    CoherenceGroup,
    ComponentRule,
    DeclaredStream,
    DirectReference,
    External,
    NativeNeed,
    Omission,
    Pairing,
    Prebuilt,
    Relaxation,
    SourceRepository,
)
from .notation import (
    check_placeholders,
    read_any_component,
    read_build_requirement,
    read_distribution,
    read_licence,
    read_numbered_dependency,
    read_package_name,
    read_purl,
    read_requirement,
    read_rpm_dependency,
    read_specifier,
    read_version,
    spelled,
)
from .profile_architectures import architectures_of
from .tables import Table, Unreadable

__all__ = ["NO_COMPONENT", "Placed", "Rows", "among_variants", "read_origin", "read_rows"]

T = TypeVar("T")

Placed = list[tuple[T, Place]]
"""Values in the order they were written, each with the place of its table."""

NO_COMPONENT = distribution("none")
"""Stands for a component that could not be read; the fault is noted. Compared by identity."""

_NO_VERSION = Version("0")


@define
class Rows:
    """What the tables of a profile and of its includes say, the profile's own first."""

    relaxations: Placed[Relaxation] = field(factory=list)
    omissions: Placed[Omission] = field(factory=list)
    externals: Placed[External] = field(factory=list)
    prebuilt: Placed[Prebuilt] = field(factory=list)
    source_repositories: Placed[SourceRepository] = field(factory=list)
    direct_references: Placed[DirectReference] = field(factory=list)
    bundled: Placed[BundledSource] = field(factory=list)
    native_needs: Placed[NativeNeed] = field(factory=list)
    build_rules: Placed[BuildRule] = field(factory=list)
    build_tools: Placed[BuildTool] = field(factory=list)
    groups: Placed[CoherenceGroup] = field(factory=list)
    rules: Placed[ComponentRule] = field(factory=list)


def read_rows(top: Table, rows: Rows, variants: tuple[str, ...]) -> None:
    """Add the tables of one file to ``rows``. ``variants`` are those that the profile has."""

    def variants_of(row: Table) -> tuple[str, ...]:
        return row.values("variants", among_variants(variants))

    def each(key: str, read: Callable[[Table], T], into: Placed[T]) -> None:
        for row in top.tables(key):
            into.append((read(row), row.place()))
            row.close()

    each("relax", lambda row: _relaxation(row, variants_of(row)), rows.relaxations)
    each("omit", lambda row: _omission(row, variants_of(row)), rows.omissions)
    each("external", _external, rows.externals)
    each("prebuilt", _prebuilt, rows.prebuilt)
    each("source", _source_repository, rows.source_repositories)
    each("direct", lambda row: _direct(row, variants_of(row)), rows.direct_references)
    each("bundled", lambda row: _bundled(row, variants_of(row)), rows.bundled)
    each("native", lambda row: _native(row, variants_of(row)), rows.native_needs)
    each("build", lambda row: _build_rule(row, variants_of(row)), rows.build_rules)
    each("tool", _build_tool, rows.build_tools)
    each("group", _group, rows.groups)
    each("component", _rule, rows.rules)


def among_variants(variants: tuple[str, ...]) -> Callable[[str, Place], str]:
    """A reader of the name of one of these variants."""

    def read(text: str, place: Place) -> str:
        if text not in variants:
            raise InputError(
                Code.UNKNOWN_VARIANT,
                f"there is no variant {text!r}",
                place=place,
                hint=nearest(text, variants),
            )
        return text

    return read


def _relaxation(row: Table, variants: tuple[str, ...]) -> Relaxation:
    value = Relaxation(
        component=row.value("component", read_any_component, NO_COMPONENT),
        specifier=row.value("requirement", read_specifier, "", required=False),
        to=row.value("to", read_specifier, "", required=False),
        by=row.value("by", _stated_by, "", required=False),
        reason=row.text("reason"),
        variants=variants,
        place=row.place(),
    )
    if value.specifier and value.specifier == value.to:
        row.fault("relaxes nothing: 'to' is what upstream states", "to")
    return value


def _stated_by(text: str, place: Place) -> str:
    return read_any_component(text, place).name if text else ""


def _omission(row: Table, variants: tuple[str, ...]) -> Omission:
    return Omission(
        component=row.value("component", read_distribution, NO_COMPONENT),
        reason=row.text("reason"),
        variants=variants,
        place=row.place(),
    )


def _numbered_package(text: str, _place: Place) -> str:
    if not text.strip():
        raise Unreadable("must not be empty")
    check_placeholders(text, ("major", "minor"))
    return text


def _followed(text: str, place: Place) -> str:
    return spelled(read_any_component(text, place))


def _external(row: Table) -> External:
    value = External(
        component=row.value("component", read_distribution, NO_COMPONENT),
        package=row.value("package", _numbered_package, ""),
        repository=row.text("repository"),
        licence=row.value("licence", read_licence, "", required=False),
        follows=row.value("follows", _followed, "", required=False),
    )
    if "{" in value.package and "follows" not in row:
        row.fault(
            f"whose numbers are meant by {value.package!r}?",
            "package",
            hint='add the component whose stream they come from: follows = "kind:name"',
        )
    return value


def _prebuilt(row: Table) -> Prebuilt:
    component = row.value("component", read_any_component, NO_COMPONENT)
    python = component.kind is Kind.DISTRIBUTION
    value = Prebuilt(
        component=component,
        licence=row.value("licence", read_licence, ""),
        reason=row.text("reason"),
        purl=row.value("purl", read_purl, "", required=False),
    )
    if python and "purl" in row:
        row.fault("a distribution's wheel is where its index has it", "purl")
    elif not python and "purl" not in row:
        row.fault(
            f"where is what upstream built of {component}?",
            "purl",
            hint="add its package URL, such as pkg:github/OWNER/NAME@v{version}",
        )
    return value


def _source_repository(row: Table) -> SourceRepository:
    return SourceRepository(
        component=row.value("component", read_any_component, NO_COMPONENT),
        purl=row.value("purl", read_purl, ""),
    )


def _direct(row: Table, variants: tuple[str, ...]) -> DirectReference:
    return DirectReference(
        component=row.value("component", read_distribution, NO_COMPONENT),
        version=row.value("version", read_version, _NO_VERSION),
        purl=row.value("purl", read_purl, ""),
        variants=variants,
    )


def _bundled(row: Table, variants: tuple[str, ...]) -> BundledSource:
    return BundledSource(
        name=row.text("name"),
        revision=row.text("revision"),
        purl=row.value("purl", read_purl, "", required=False),
        variants=variants,
        arches=architectures_of(row),
    )


def _native(row: Table, variants: tuple[str, ...]) -> NativeNeed:
    return NativeNeed(
        component=row.value("component", read_any_component, NO_COMPONENT),
        requires=row.values("requires", read_rpm_dependency, required=True),
        variants=variants,
        arches=architectures_of(row),
    )


def _build_rule(row: Table, variants: tuple[str, ...]) -> BuildRule:
    # What goes against the base's packagers or against upstream has a reason.
    with_reason = "drops" in row or "replaces" in row
    value = BuildRule(
        component=row.value("component", read_any_component, NO_COMPONENT),
        requires=row.values("requires", read_numbered_dependency),
        needs=row.values("needs", read_build_requirement),
        drops=row.texts("drops"),
        follows=row.value("follows", _followed, "", required=False),
        replaces=row.flag("replaces", False),
        variants=variants,
        reason=row.text("reason", None if with_reason else ""),
        place=row.place(),
        arches=architectures_of(row),
    )
    if not any(key in row for key in _SAYING):
        row.fault(f"a rule needs one of {', '.join(map(repr, _SAYING))}")
    _check_numbers(row, value)
    return value


_SAYING = ("requires", "needs", "drops", "replaces")


def _check_numbers(row: Table, rule: BuildRule) -> None:
    """``follows`` belongs to requirements with numbers, and to a stream in the build root."""
    numbered = next((text for text in rule.requires if "{" in text), "")
    if numbered and "follows" not in row:
        row.fault(
            f"whose numbers are meant by {numbered!r}?",
            "requires",
            hint='add the component whose stream they come from: follows = "kind:name"',
        )
    if not rule.follows:
        return
    # What could not be read has its own fault and may hold them.
    if "{" not in str(row.data.get("requires", "")):
        row.fault("no requirement of this rule holds {major} or {minor}", "follows")
    needed = [spelled(need.component) for need in rule.needs]
    if rule.follows not in needed and (needed or "needs" not in row):
        row.fault(
            f"{rule.follows} is not among the needs of this rule",
            "follows",
            hint=f'add it, so that it is in the build root: needs = ["{rule.follows}"]',
        )


def _build_tool(row: Table) -> BuildTool:
    return BuildTool(
        component=row.value("distribution", read_distribution, NO_COMPONENT),
        package=row.value("package", read_package_name, ""),
    )


def _group_member(text: str, place: Place) -> Component:
    component = read_any_component(text, place)
    if component.kind in (Kind.INTERPRETER, Kind.KERNEL_MODULE):
        raise Unreadable(
            f"{text!r} cannot belong to a group: {component.kind.value} versions are not the "
            "application's to choose"
        )
    return component


def _group(row: Table) -> CoherenceGroup:
    pairings: Placed[Pairing] = []
    for pair in row.tables("pairing"):
        pairings.append((_pairing(pair), pair.place()))
        pair.close()
    value = CoherenceGroup(
        name=row.text("name"),
        leader=row.value("leader", _group_member, NO_COMPONENT),
        members=row.values("members", _group_member),
        exempt=row.values("exempt", _group_member),
        pairings=tuple(pairing for pairing, _ in pairings),
    )
    _check_group(row, value, pairings)
    return value


def _check_group(row: Table, group: CoherenceGroup, pairings: Placed[Pairing]) -> None:
    for key, members in (("members", group.members), ("exempt", group.exempt)):
        for position, member in enumerate(members):
            if member == group.leader:
                row.fault(f"{member} is the group's leader", key)
            elif member in members[:position]:
                row.fault(f"{member} is named twice", key)
    if not (group.members or group.pairings or "members" in row or "pairing" in row):
        row.fault("a group needs 'members', '[[group.pairing]]' tables, or both")
    seen: dict[Version, Place] = {}
    for pairing, place in pairings:
        first = seen.setdefault(pairing.version, place)
        if first is not place and pairing.version != _NO_VERSION:
            _named_twice(row.errors, f"the pairing of {pairing.version}", place, first)
        for requirement in pairing.constrains:
            if requirement.component == group.leader:
                row.errors.add("a pairing constrains the leader itself", requirement.place)


def _named_twice(errors: ErrorCollector, what: str, place: Place, first: Place) -> None:
    errors.add(f"{what} is stated twice", place, f"it was first at {first}")


def _pairing(row: Table) -> Pairing:
    return Pairing(
        version=row.value("version", read_version, _NO_VERSION),
        constrains=row.values("constrains", read_requirement, required=True),
        evidence=row.text("evidence", ""),
    )


def _no_distribution(text: str, place: Place) -> Component:
    component = read_any_component(text, place)
    if component.kind is Kind.DISTRIBUTION:
        raise Unreadable(
            f"{text!r}: a Python distribution needs no [[component]] table",
            "its streams are found by themselves; any other component is written kind:name",
        )
    return component


def _rule(row: Table) -> ComponentRule:
    streams: Placed[DeclaredStream] = []
    for stream in row.tables("stream"):
        streams.append((_declared_stream(stream), stream.place()))
        stream.close()
    seen: dict[tuple[Version, str], Place] = {}
    for value, place in streams:
        first = seen.setdefault((value.version, value.origin.value), place)
        if first is not place and value.version != _NO_VERSION:
            _named_twice(
                row.errors, f"the {value.origin.value} stream {value.version}", place, first
            )
    return ComponentRule(
        component=row.value("component", _no_distribution, NO_COMPONENT),
        packages=row.values("packages", _numbered_package),
        streams=tuple(stream for stream, _ in streams),
        stands_for=row.value("is", _no_distribution, NO_COMPONENT, required=False).spelled
        if "is" in row
        else "",
    )


def read_origin(text: str, _place: Place) -> Origin:
    """An origin that a stream may have; ``omitted`` is none."""
    known = tuple(origin.value for origin in Origin if origin is not Origin.OMITTED)
    if text not in known:
        raise Unreadable(f"unknown origin {text!r}", nearest(text, known))
    return Origin(text)


def _declared_stream(row: Table) -> DeclaredStream:
    # Without a package it only adds to a stream that is found, whose origin is then the base.
    with_package = "package" in row
    value = DeclaredStream(
        version=row.value("version", read_version, _NO_VERSION),
        origin=row.value("origin", read_origin, Origin.BASE, required=with_package),
        package=row.value("package", _numbered_package, "", required=False),
        repository=row.text("repository", ""),
        requires=row.values("requires", read_requirement),
        constrains=row.values("constrains", read_requirement),
        evidence=row.text("evidence", ""),
    )
    if value.origin is Origin.EXTERNAL and with_package and not value.repository:
        row.fault("the repository of an external stream is missing", "repository")
    return value
