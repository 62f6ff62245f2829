"""What mock is told for one build beyond its root's configuration: the switches of its spec."""

from __future__ import annotations

from ..model.build import Build, NeedRole, Stage
from ..model.component import PYTHON
from .mock_settings import MockSettings, Switch

__all__ = ["mock_options", "switches"]

_PROVIDES_ABI = "python_abi_provides_for_alt_pythons"
_TESTS = ("check", "tests")
_BOOTSTRAP = "bootstrap"


def switches(build: Build, settings: MockSettings) -> tuple[Switch, ...]:
    """The switches of one build, sorted by name: those of the settings first of all, then

    - ``bootstrap`` on in a bootstrap pass;
    - ``check`` and ``tests`` off where needs of tests were left out of the plan;
    - for an interpreter, Fedora's switch that lets it provide ``python(abi)``.
    """
    component = build.component.spelled
    found = {}
    if build.component == PYTHON:
        found[_PROVIDES_ABI] = True
    if _without_tests(build):
        found |= dict.fromkeys(_TESTS, False)
    found |= {s.name: s.on for s in settings.switches if s.component == component}
    if build.stage is Stage.BOOTSTRAP:
        found[_BOOTSTRAP] = True
    return tuple(Switch(component, name, on) for name, on in sorted(found.items()))


def mock_options(build: Build, settings: MockSettings) -> tuple[str, ...]:
    """The words of a command of mock for one build's switches."""
    words = [
        word
        for switch in switches(build, settings)
        for word in ("--with" if switch.on else "--without", switch.name)
    ]
    return (*words, *(("--nocheck",) if _without_tests(build) else ()))


def _without_tests(build: Build) -> bool:
    return any(need.role is NeedRole.CHECK for need in build.left_out)
