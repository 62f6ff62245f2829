"""The words of a profile: how components, requirements, versions and sources are written.

Each reader takes a text and its place and gives a value of the model, or raises
:class:`~streamsolve.inputs.tables.Unreadable` (:class:`~streamsolve.errors.InputError` for a
requirement), where a caret shows the fault if it is one of syntax.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import evolve
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from ..errors import InputError, Place, nearest
from ..model.component import Component, Kind, Scope, distribution
from ..model.pep508 import parse_specifiers, parse_version
from ..model.requirement import Requirement, parse_requirement, requirement_on
from ..model.rpm_language import parse_dependency
from .tables import Unreadable

__all__ = [
    "check_placeholders",
    "interpreter_order",
    "read_any_component",
    "read_build_requirement",
    "read_component_name",
    "read_distribution",
    "read_homepage",
    "read_interpreter",
    "read_licence",
    "read_local",
    "read_name",
    "read_numbered_dependency",
    "read_package_name",
    "read_purl",
    "read_requirement",
    "read_rpm_dependency",
    "read_source_path",
    "read_specifier",
    "read_version",
    "spelled",
]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_COMPONENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_KINDED = re.compile(r"\s*([A-Za-z_-]+)\s*:(?!//)\s*")
_INTERPRETER = re.compile(r"([1-9]\d*)\.(0|[1-9]\d*)")
_ZEROS = re.compile(r"\{version:0+(?:\.0+)*\}")
_PURL = re.compile(r"pkg:[a-z][a-z0-9.+-]*/[^\s@]+(@\S+)?")
_LOCAL = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}|[{}]")

_WRITTEN_KINDS = tuple(sorted(kind.value for kind in Kind if kind is not Kind.DISTRIBUTION))
_SCOPES = {Kind.TOOLCHAIN: Scope.BUILD, Kind.KERNEL_MODULE: Scope.HOST}


def _caret(text: str, position: int) -> str:
    return f"{text}\n  {' ' * position}^"


def read_name(text: str, _place: Place) -> str:
    """A name of the profile's own: an application's or a variant's."""
    if not _NAME.fullmatch(text):
        raise Unreadable(
            f"{text[:200]!r} is no name",
            "letters, digits, '-', '_' and '.', a letter or digit first; 100 of them at most",
        )
    return text


def _kind(text: str, whole: str) -> Kind:
    if text == Kind.DISTRIBUTION.value:
        raise Unreadable(
            f"{whole!r}: a Python distribution is written without a kind",
            "leave out 'distribution:'",
        )
    if text not in _WRITTEN_KINDS:
        raise Unreadable(
            f"unknown kind {text!r} of component in {whole!r}", nearest(text, _WRITTEN_KINDS)
        )
    return Kind(text)


def read_any_component(text: str, place: Place) -> Component:
    """``kind:name``, or the bare name of a Python distribution, which is normalised."""
    match = _KINDED.match(text)
    if match is None:
        return read_distribution(text, place)
    kind = _kind(match[1], text)
    name = text[match.end() :].strip()
    if not _COMPONENT_NAME.fullmatch(name):
        raise Unreadable(f"{text!r} is no component", _caret(text, match.end()))
    return Component(kind, name)


def read_component_name(text: str, _place: Place) -> str:
    """The bare name of a component that is no distribution."""
    if _KINDED.match(text):
        raise Unreadable(f"{text!r}: the key says the kind", "write the bare name")
    if not _COMPONENT_NAME.fullmatch(text):
        raise Unreadable(f"{text!r} is no component", "letters, digits, '-', '_', '+' and '.'")
    return text


def spelled(component: Component) -> str:
    """A component as a profile writes it."""
    if component.kind is Kind.DISTRIBUTION:
        return component.name
    return f"{component.kind.value}:{component.name}"


def read_distribution(text: str, _place: Place) -> Component:
    """The bare name of a Python distribution, normalised."""
    if match := _KINDED.match(text):
        _kind(match[1], text)
        raise Unreadable(
            f"{text!r}: only a Python distribution is meant here", "write its bare name"
        )
    try:
        canonicalize_name(text, validate=True)
    except InvalidName:
        raise Unreadable(f"{text!r} is no name of a Python distribution") from None
    return distribution(text)


def read_requirement(text: str, place: Place) -> Requirement:
    """PEP 508 for a distribution, ``kind:name specifier`` for any other component.

    A toolchain is required to build, a kernel module on the host, anything else to run.
    """
    match = _KINDED.match(text)
    if match is None:
        return parse_requirement(text, place=place)
    kind = _kind(match[1], text)
    name = _COMPONENT_NAME.match(text, match.end())
    if name is None:
        raise Unreadable(f"{text!r} names no component", _caret(text, match.end()))
    _check_clauses(text, name.end())
    return requirement_on(
        Component(kind, name[0]),
        text[name.end() :].strip(),
        scope=_SCOPES.get(kind, Scope.RUN),
        place=place,
    )


def read_build_requirement(text: str, place: Place) -> Requirement:
    """A requirement, written as any other, that must hold in a build root."""
    requirement = read_requirement(text, place)
    if requirement.component.kind is Kind.KERNEL_MODULE:
        raise Unreadable(
            f"{text!r}: a kernel module is on the host, never in a build root",
            "state it in 'requires' of the [[component.stream]] that needs it",
        )
    return evolve(requirement, scope=Scope.BUILD)


def _check_clauses(text: str, start: int) -> None:
    """Show the first clause, from ``start`` on, that is no PEP 440 specifier."""
    at = start
    for clause in text[start:].split(","):
        written = clause.strip()
        try:
            # An empty clause is fine where it is the only one.
            parse_specifiers(written if written or clause == text[start:] else "?")
        except InvalidSpecifier:
            fault = at + len(clause) - len(clause.lstrip())
            raise Unreadable(
                f"{written!r} is no version specifier (such as >=13.0) in {text!r}",
                _caret(text, fault),
            ) from None
        at += len(clause) + 1


def read_specifier(text: str, _place: Place) -> str:
    """PEP 440 clauses in their canonical order; empty for any version."""
    _check_clauses(text, 0)
    return str(SpecifierSet(text.strip()))


def read_version(text: str, _place: Place) -> Version:
    """A version as PEP 440 defines it."""
    try:
        return parse_version(text)
    except InvalidVersion:
        raise Unreadable(f"{text!r} is no version as PEP 440 defines it") from None


def read_interpreter(text: str, _place: Place) -> str:
    """An interpreter's ``X.Y``."""
    if not _INTERPRETER.fullmatch(text):
        raise Unreadable(f"{text!r} is no interpreter version", "write X.Y, such as 3.14")
    return text


def interpreter_order(text: str) -> tuple[int, ...]:
    """What interpreters are sorted by."""
    return tuple(int(part) for part in text.split("."))


def read_licence(text: str, _place: Place) -> str:
    """An SPDX licence expression, in its canonical spelling; ``LicenseRef-…`` for others."""
    try:
        return str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        raise Unreadable(
            f"{text!r} is no SPDX licence expression",
            "write 'LicenseRef-NAME' for a licence that SPDX does not list",
        ) from None


def read_package_name(text: str, _place: Place) -> str:
    """The name of an RPM package."""
    if not _COMPONENT_NAME.fullmatch(text):
        raise Unreadable(f"{text!r} is no name of a package", "such as ninja-build")
    return text


def read_rpm_dependency(text: str, _place: Place) -> str:
    """A dependency in RPM's own language, as it was written."""
    if not text.strip():
        raise Unreadable("must not be empty")
    try:
        parse_dependency(text)
    except InputError as error:
        raise Unreadable(error.message, error.hint) from None
    return text


def read_numbered_dependency(text: str, place: Place) -> str:
    """A dependency in RPM's own language, in which ``{major}`` and ``{minor}`` may stand."""
    known = check_placeholders(text, ("major", "minor"))
    # Any number will do to see whether it can be read.
    filled = text.format(**dict.fromkeys(known, "1")) if known else text
    read_rpm_dependency(filled, place)
    return text


def read_purl(text: str, _place: Place) -> str:
    """A package URL; ``{version}`` in it stands for the stream's version, and
    ``{version:000.00.00}`` for the same with leading zeros."""
    if not _PURL.fullmatch(text):
        raise Unreadable(
            f"{text!r} is no package URL", "such as pkg:github/pytorch/pytorch@v{version}"
        )
    check_placeholders(_ZEROS.sub("{version}", text), ("version",))
    return text


def read_homepage(text: str, _place: Place) -> str:
    """A web address."""
    if not re.fullmatch(r"https?://[^\s/]\S*", text):
        raise Unreadable(f"{text!r} is no web address", "it begins with https://")
    return text


def read_local(text: str, _place: Place) -> str:
    """A local version label, such as the ``cpu`` of ``2.14.0+cpu``."""
    if not _LOCAL.fullmatch(text):
        raise Unreadable(
            f"{text!r} is no local version label", "lower-case letters and digits, such as 'cpu'"
        )
    return text


def read_source_path(text: str, _place: Place) -> str:
    """A file in the application's sdist, relative to its top."""
    parts = text.split("/")
    if not text.strip() or "" in parts or ".." in parts or "\\" in text:
        raise Unreadable(
            f"{text!r} is no file in the source distribution",
            "write its path from the top of the sdist, such as requirements/cpu.txt",
        )
    return text


def check_placeholders(text: str, known: Iterable[str]) -> frozenset[str]:
    """The names in braces; :class:`Unreadable` if one is not known."""
    allowed = tuple(known)
    found = set()
    for match in _PLACEHOLDER.finditer(text):
        if match[1] not in allowed:
            shown = ", ".join(f"{{{name}}}" for name in allowed)
            raise Unreadable(f"{match[0]!r} stands for nothing in {text!r}", f"known here: {shown}")
        found.add(match[1])
    return frozenset(found)
