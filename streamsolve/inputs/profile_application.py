"""What a profile says its application is: a Python distribution, or a component of another kind."""

from __future__ import annotations

from collections.abc import Mapping

from ..model.component import Component, Kind, distribution
from ..model.profile import ComponentRule
from .notation import read_component_name, read_distribution, read_licence, read_source_path
from .tables import Table, kind_of_value

__all__ = [
    "NO_REQUIREMENTS",
    "is_distribution",
    "read_application",
    "read_own_licence",
    "read_stated",
    "with_own_package",
]

NO_REQUIREMENTS = "none"
"""How a variant says that nothing but its needs is required."""

_WHEEL = "wheel"
_KINDS: Mapping[str, Kind] = {
    "package": Kind.PACKAGE,
    "kernel-module": Kind.KERNEL_MODULE,
}
"""The keys for an application that is no Python distribution."""


def read_application(top: Table, name: str) -> Component:
    """The application's component: without any of the keys, the distribution of the profile's
    name. Two of them are a fault."""
    written = [key for key in ("distribution", *_KINDS) if key in top]
    found = top.value("distribution", read_distribution, distribution(name), required=False)
    for key, kind in _KINDS.items():
        text = top.value(key, read_component_name, "", required=False)
        if text:
            found = Component(kind, text)
    for key in written[1:]:
        top.fault(
            f"an application is one component: {written[0]!r} is given as well",
            key,
            hint="keep the one that it is",
        )
    return found


def is_distribution(top: Table) -> bool:
    """Whether the application is a Python distribution."""
    return not any(key in top for key in _KINDS)


def read_own_licence(top: Table) -> str:
    """The application's licence, which only one that is no distribution has to state."""
    licence = top.value("licence", read_licence, "", required=False)
    if "licence" in top and is_distribution(top):
        top.fault("a distribution's licence is in its own metadata", "licence")
    return licence


def read_stated(top: Table, row: Table) -> tuple[bool, tuple[str, ...]]:
    """Where a variant's requirements are: whether in the application's own metadata, and in which
    files of its source. Neither where only its needs count."""
    python = is_distribution(top)
    kind = row.kind("requirements")
    if kind is None and not python:
        return False, ()
    if kind is str:
        return _named(row, python), ()
    if kind not in (None, list):
        row.fault(
            f'expected "{_WHEEL}", "{NO_REQUIREMENTS}" or an array of requirement files, not '
            + kind_of_value(row.data["requirements"]),
            "requirements",
        )
        return False, ()
    files = row.values("requirements", read_source_path, required=True)
    if not python:
        _no_python(row)
        return False, ()
    return False, files


def _named(row: Table, python: bool) -> bool:
    """Whether the string means the application's own metadata."""
    written = row.text("requirements", "")
    if written == NO_REQUIREMENTS:
        return False
    if written != _WHEEL:
        row.fault(
            f'the only string that "requirements" can be is "{_WHEEL}" or "{NO_REQUIREMENTS}"',
            "requirements",
            hint="write requirement files of the sdist as an array of strings",
        )
    elif not python:
        _no_python(row)
    return python


def _no_python(row: Table) -> None:
    row.fault(
        "the application is no Python distribution: it has neither a wheel nor requirement files",
        "requirements",
        hint=f'leave it out, or write "{NO_REQUIREMENTS}", and name what it needs in "needs"',
    )


def with_own_package(
    application: Component, rules: tuple[ComponentRule, ...]
) -> tuple[ComponentRule, ...]:
    """The rules with one for the application itself, where none says how bases call it: as it is
    called."""
    python = application.kind is Kind.DISTRIBUTION
    if python or any(rule.component == application for rule in rules):
        return rules
    return (*rules, ComponentRule(application, (application.name,)))
