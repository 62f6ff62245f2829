"""streamsolve: plan the private dependency streams of an application on a base distribution.

>>> import streamsolve
>>> plan = streamsolve.plan("vllm", base="fedora-44")
>>> plan.summary.minimal
True

The names below are all that is promised; the modules behind them may move.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from .errors import InputError, InputErrors, NoPlanError, StreamsolveError
    from .explain.document import plan_document
    from .library import (
        list_bases,
        list_profiles,
        load_base,
        load_profile,
        make_lock,
        plan,
        plan_shared,
        verify_lock,
    )
    from .lock import Lock, check_lock, read_lock
    from .model.component import Component, Kind, Origin
    from .model.conflict import Conflict, Failure, Repair
    from .model.package import Base
    from .model.plan import Plan, PlannedStream
    from .model.profile import Profile
    from .model.shared import SharedPlan

__all__ = [
    "Base",
    "Component",
    "Conflict",
    "Failure",
    "InputError",
    "InputErrors",
    "Kind",
    "Lock",
    "NoPlanError",
    "Origin",
    "Plan",
    "PlannedStream",
    "Profile",
    "Repair",
    "SharedPlan",
    "StreamsolveError",
    "__version__",
    "check_lock",
    "list_bases",
    "list_profiles",
    "load_base",
    "load_profile",
    "make_lock",
    "plan",
    "plan_document",
    "plan_shared",
    "read_lock",
    "verify_lock",
]

_HOMES = {
    "Base": "model.package",
    "Component": "model.component",
    "Conflict": "model.conflict",
    "Failure": "model.conflict",
    "InputError": "errors",
    "InputErrors": "errors",
    "Kind": "model.component",
    "Lock": "lock",
    "NoPlanError": "errors",
    "Origin": "model.component",
    "Plan": "model.plan",
    "PlannedStream": "model.plan",
    "Profile": "model.profile",
    "Repair": "model.conflict",
    "SharedPlan": "model.shared",
    "StreamsolveError": "errors",
    "check_lock": "lock",
    "list_bases": "library",
    "list_profiles": "library",
    "load_base": "library",
    "load_profile": "library",
    "make_lock": "library",
    "plan": "library",
    "plan_document": "explain.document",
    "plan_shared": "library",
    "read_lock": "lock",
    "verify_lock": "library",
}


def __getattr__(name: str) -> object:
    """Import a promised name when it is first used: `--help` needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value
