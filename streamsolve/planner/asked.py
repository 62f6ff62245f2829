"""What a request asks for, as requirements."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from ..errors import Code, InputError, Place
from ..inputs.notation import read_any_component, read_requirement
from ..inputs.tables import Unreadable
from ..model.component import PYTHON, distribution
from ..model.requirement import ASKED, Requirement, requirement_on
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
        return Version(text)
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


def demands_asked(request: PlanRequest) -> tuple[Requirement, ...]:
    """What the application is to have on top of its own requirements."""
    try:
        read = [read_requirement(text, ASKED) for text in request.demands]
    except Unreadable as error:
        raise InputError(Code.BAD_REQUIREMENT, str(error), hint=error.hint) from None
    # Who writes python>=3.15 means the interpreter, and no distribution of that name.
    return tuple(
        requirement_on(PYTHON, str(r.specifier), place=ASKED)
        if r.component == distribution("python")
        else r
        for r in read
    )


def pins_asked(request: PlanRequest) -> tuple[Requirement, ...]:
    """The versions to keep; a Python without a patch number is kept as a series."""
    found = []
    for text, version in request.pins:
        component = read_any_component(text, PINNED)
        series = component == PYTHON and len(version_asked(version).release) == _SERIES
        specifier = f"=={version}.*" if series else f"=={version}"
        found.append(requirement_on(component, specifier, place=PINNED))
    return tuple(found)
