"""What a request asks for, as requirements."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from ..errors import Code, ErrorCollector, InputError, Place
from ..inputs.notation import read_any_component, read_requirement
from ..inputs.tables import Unreadable
from ..model.component import PYTHON, distribution
from ..model.pep508 import parse_version
from ..model.requirement import ASKED, DEMANDED, Requirement, requirement_on
from .adjust import Adjuster
from .request import PlanRequest

__all__ = [
    "PINNED",
    "demands_asked",
    "pins_asked",
    "python_asked",
    "series_asked",
    "version_asked",
]

_SERIES = 2
PINNED = Place("the lock")
"""Where it is stated what a lock keeps."""


def series_asked(text: str) -> str:
    """``3.14`` of what was asked for as a Python; :class:`InputError` for what is none."""
    version = version_asked(text)
    if len(version.release) < 2:
        raise InputError(
            Code.BAD_OPTION, f"{text!r} is no Python version", hint="write it as X.Y, such as 3.14"
        )
    return f"{version.release[0]}.{version.release[1]}"


def version_asked(text: str) -> Version:
    """A version that was asked for; :class:`InputError` for what is none."""
    try:
        return parse_version(text)
    except InvalidVersion:
        raise InputError(
            Code.BAD_OPTION, f"{text!r} is no version", hint="write it as PEP 440 does"
        ) from None


def python_asked(request: PlanRequest) -> tuple[Requirement, ...]:
    """The interpreter that was asked for, if one was."""
    if not request.python:
        return ()
    series = series_asked(request.python)
    return (requirement_on(PYTHON, f"=={series}.*", place=Place("--python")),)


def demands_asked(request: PlanRequest, *adjusters: Adjuster) -> tuple[Requirement, ...]:
    """What the application is to have on top of its own requirements; what is only asked about
    comes last.

    All faults at once: among them demands on what an adjuster's profile leaves out, since nothing
    of that would be in the plan.
    """
    faults = ErrorCollector(Code.BAD_REQUIREMENT)
    found = []
    for text in sorted(set(request.demands)):
        with faults.collect():
            wanted = _demand(text, DEMANDED)
            found.append(wanted)
            for omission in filter(None, (one.omission(wanted.component) for one in adjusters)):
                faults.add(
                    f"{text}: the profile leaves {omission.component} out: {omission.reason}",
                    DEMANDED,
                    "take the [[omit]] out of a copy of the profile, or leave out this --with",
                )
    faults.raise_if_any("not all of what was asked for can be demanded")
    question = (_demand(request.question, ASKED),) if request.question else ()
    for wanted in question:
        for omission in filter(None, (one.omission(wanted.component) for one in adjusters)):
            raise InputError(
                Code.BAD_REQUIREMENT,
                f"{request.question}: the profile leaves {omission.component} out: "
                f"{omission.reason}",
                hint="take the [[omit]] out of a copy of the profile, and ask again",
            )
    return (*found, *question)


def _demand(text: str, place: Place) -> Requirement:
    at = place if place == DEMANDED else None
    try:
        read = read_requirement(text, place)
    except Unreadable as error:
        raise InputError(Code.BAD_REQUIREMENT, str(error), place=at, hint=error.hint) from None
    if read.component == distribution("python"):
        # Who writes python>=3.15 means the interpreter, and no distribution of that name.
        return requirement_on(PYTHON, str(read.specifier), place=place)
    return read


def pins_asked(request: PlanRequest) -> tuple[Requirement, ...]:
    """The versions to keep; a Python without a patch number is kept as a series."""
    found = []
    for text, version in request.pins:
        component = read_any_component(text, PINNED)
        series = component == PYTHON and len(version_asked(version).release) == _SERIES
        specifier = f"=={version}.*" if series else f"=={version}"
        found.append(requirement_on(component, specifier, place=PINNED))
    return tuple(found)
