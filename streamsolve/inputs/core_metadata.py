"""Core metadata, from texts: METADATA of a wheel, or what an sdist says of itself. No files read.

Source: the core metadata specification (PEP 566, 643, 685), PEP 621 for ``pyproject.toml``, and
setuptools' ``requires.txt``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve
from packaging.markers import InvalidMarker
from packaging.requirements import InvalidRequirement
from packaging.specifiers import InvalidSpecifier
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ..errors import Code, ErrorCollector, InputError, Place
from ..model import ReleaseMetadata
from ..model.pep508 import parse_marker, parse_pep508, parse_specifiers, parse_version
from .toml_places import toml_data

if TYPE_CHECKING:
    from packaging.metadata import RawMetadata

__all__ = [
    "OnBad",
    "format_core_metadata",
    "metadata_of_sdist",
    "parse_core_metadata",
    "states_requirements",
    "usable_specifier",
]

OnBad = Callable[[str, Version, InputError], None]
"""Told of each release whose metadata cannot be had, and why."""

_LICENCE_LENGTH = 80
_CLASSIFIER = "License :: "
_NO_LICENCE = frozenset({"", "UNKNOWN", "OSI Approved"})
_ORDERED_PREFIX = re.compile(r"((?<![=!~<>])[<>]=?\s*[0-9][0-9.]*?)\.\*")
_FIRST_WITH_DYNAMIC = Version("2.2")


def parse_core_metadata(
    text: str, *, file: str = "METADATA", lenient: bool = False
) -> ReleaseMetadata:
    """Parse a METADATA or PKG-INFO text; ``file`` is what errors call it.

    Name and extras are normalised, as selection compares them. A ``Requires-Python`` that is no
    specifier counts as none, as installers treat it.
    Raises :class:`InputError` for a missing name or version, and one :class:`InputErrors` that
    holds every ``Requires-Dist`` that is no requirement; ``lenient`` leaves those out instead.
    """
    raw = _fields(text)
    place = Place(file)
    name = raw.get("name", "").strip()
    if not name:
        raise InputError(Code.INDEX_BAD_METADATA, "the metadata has no name", place=place)
    try:
        version = parse_version(raw.get("version", ""))
    except InvalidVersion:
        raise InputError(
            Code.INDEX_BAD_METADATA,
            f"{raw.get('version', '')!r} is no version",
            place=place,
        ) from None
    return ReleaseMetadata(
        str(canonicalize_name(name)),
        version,
        _checked(_unfolded(raw.get("requires_dist", ())), f"{file}: Requires-Dist", lenient),
        usable_specifier(raw.get("requires_python", "")),
        _extras(raw.get("provides_extra", ())),
        _licence(raw),
    )


def states_requirements(text: str) -> bool:
    """Whether an sdist's PKG-INFO says itself that its requirements do not change when built.

    Only metadata 2.2 and newer can say so; before that the author had no way to.
    """
    raw = _fields(text)
    try:
        version = parse_version(raw.get("metadata_version", "0"))
    except InvalidVersion:
        return False
    dynamic = {field.strip().lower() for field in raw.get("dynamic", ())}
    return version >= _FIRST_WITH_DYNAMIC and not dynamic & {"requires-dist", "provides-extra"}


def format_core_metadata(metadata: ReleaseMetadata) -> str:
    """A METADATA text with the fields that :func:`parse_core_metadata` reads."""
    lines = ["Metadata-Version: 2.4", f"Name: {metadata.name}", f"Version: {metadata.version}"]
    if metadata.requires_python:
        lines.append(f"Requires-Python: {metadata.requires_python}")
    if metadata.licence:
        lines.append(f"License-Expression: {metadata.licence}")
    lines += [f"Provides-Extra: {extra}" for extra in metadata.extras]
    lines += [f"Requires-Dist: {requirement}" for requirement in metadata.requires]
    return "\n".join(lines) + "\n"


def metadata_of_sdist(
    name: str, version: Version, members: Mapping[str, str], *, file: str = "sdist"
) -> ReleaseMetadata:
    """What an sdist says of itself, without running any of it.

    ``members`` maps paths below the archive's one directory to texts: ``PKG-INFO``,
    ``pyproject.toml`` and ``*.egg-info/requires.txt``, as far as they exist.
    The first that applies counts: a PKG-INFO that states its requirements for good; a
    ``[project]`` table that does; PKG-INFO or ``requires.txt`` as the author's machine left them.
    Raises :class:`InputError` when nothing states requirements.
    """
    info = members.get("PKG-INFO")
    described = ReleaseMetadata(name, version)
    if info is not None:
        if states_requirements(info):
            return parse_core_metadata(info, file=f"{file}: PKG-INFO")
        described = parse_core_metadata(info, file=f"{file}: PKG-INFO", lenient=True)
    project = _static_project(members.get("pyproject.toml", ""))
    if project is not None:
        return _from_project(described, project, f"{file}: pyproject.toml")
    if info is None:
        raise InputError(
            Code.INDEX_BAD_METADATA,
            "neither PKG-INFO nor a static [project] table states the requirements",
            place=Place(file),
        )
    frozen_requires = [path for path in sorted(members) if path.endswith("/requires.txt")]
    if described.requires or not frozen_requires:
        return parse_core_metadata(info, file=f"{file}: PKG-INFO")
    path = frozen_requires[0]
    requires, extras = _requires_txt(members[path])
    return evolve(
        described,
        requires=_checked(requires, f"{file}: {path}", lenient=False),
        extras=_extras([*described.extras, *extras]),
    )


def usable_specifier(text: str) -> str:
    """The text if it is a PEP 440 specifier, else nothing: installers ignore a broken one.

    ``>=3.6.*`` stands in many a release and is read as ``>=3.6``: a prefix orders as its numbers.
    """
    text = _ORDERED_PREFIX.sub(r"\1", text.strip())
    try:
        parse_specifiers(text)
    except InvalidSpecifier:
        return ""
    return text


def _fields(text: str) -> RawMetadata:
    from packaging.metadata import parse_email

    return parse_email(text)[0]


def _unfolded(texts: Iterable[str]) -> list[str]:
    """Long fields are written over several lines."""
    return [" ".join(text.split()) for text in texts]


def _checked(texts: Sequence[str], file: str, lenient: bool) -> tuple[str, ...]:
    collector = ErrorCollector(Code.INDEX_BAD_METADATA)
    good = []
    for number, text in enumerate(texts):
        try:
            parse_pep508(text)
        except InvalidRequirement as error:
            fault = str(error).splitlines()[0]
            collector.add(f"{text!r} is no requirement: {fault}", Place(file, path=f"[{number}]"))
        else:
            good.append(text)
    if not lenient:
        collector.raise_if_any(f"{file} cannot be read")
    return tuple(good)


def _extras(names: Iterable[str]) -> tuple[str, ...]:
    """Normalised as PEP 685 says, so that every spelling is the same extra."""
    return tuple(sorted({str(canonicalize_name(name.strip())) for name in names if name.strip()}))


def _licence(raw: RawMetadata) -> str:
    """The expression, else the classifiers' last parts, else the first line of free text."""
    expression = " ".join(raw.get("license_expression", "").split())
    if expression:
        return expression
    parts = [
        classifier.rpartition(" :: ")[2].strip()
        for classifier in raw.get("classifiers", ())
        if classifier.startswith(_CLASSIFIER)
    ]
    named = [part for part in dict.fromkeys(parts) if part not in _NO_LICENCE]
    if named:
        return "; ".join(named)
    lines = (" ".join(line.split()) for line in raw.get("license", "").splitlines())
    first = next((line for line in lines if line), "")
    return "" if first in _NO_LICENCE else first[:_LICENCE_LENGTH].rstrip()


def _static_project(text: str) -> Mapping[str, Any] | None:
    """The ``[project]`` table if it fixes the requirements, None otherwise."""
    try:
        project = toml_data(text).get("project")
    except ValueError:
        return None
    if not isinstance(project, dict):
        return None
    dynamic, optional = project.get("dynamic", []), project.get("optional-dependencies", {})
    if not isinstance(dynamic, list) or not isinstance(optional, dict):
        return None
    if "dependencies" in dynamic or "optional-dependencies" in dynamic:
        return None
    lists = (project.get("dependencies", []), *optional.values())
    return project if all(map(_are_texts, lists)) else None


def _are_texts(entries: object) -> bool:
    return isinstance(entries, list) and all(isinstance(entry, str) for entry in entries)


def _from_project(
    described: ReleaseMetadata, project: Mapping[str, Any], file: str
) -> ReleaseMetadata:
    optional: Mapping[str, list[str]] = project.get("optional-dependencies", {})
    requires = list(project.get("dependencies", []))
    for extra, entries in optional.items():
        requires += [_only_with(entry, f'extra == "{extra}"') for entry in entries]
    python = project.get("requires-python", "")
    return evolve(
        described,
        requires=_checked(requires, file, lenient=False),
        requires_python=described.requires_python
        or usable_specifier(python if isinstance(python, str) else ""),
        extras=_extras(optional),
    )


def _requires_txt(text: str) -> tuple[list[str], list[str]]:
    """Requirements and extras of setuptools' format: sections ``[extra]``, ``[extra:marker]``."""
    requires: list[str] = []
    extras: list[str] = []
    condition = ""
    for line in (line.strip() for line in text.splitlines()):
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            extra, _, marker = line[1:-1].partition(":")
            clauses = [f"({marker})"] if marker else []
            if extra:
                extras.append(extra)
                clauses.append(f'extra == "{extra}"')
            condition = " and ".join(clauses)
        else:
            requires.append(_only_with(line, condition) if condition else line)
    return requires, extras


def _only_with(text: str, condition: str) -> str:
    """A requirement under one more condition; a broken one unchanged, for the check to report."""
    try:
        requirement = parse_pep508(text)
        joined = f"({requirement.marker}) and {condition}" if requirement.marker else condition
        requirement.marker = parse_marker(joined)
    except (InvalidRequirement, InvalidMarker):
        # A bracket is in no requirement's condition: this can never pass the check.
        return f"{text} [{condition}]"
    return str(requirement)
