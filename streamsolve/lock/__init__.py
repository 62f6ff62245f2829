"""The lock: a plan with its builds as a file, its reader, what differs, and a checker of its own.

Pure functions of texts and values: no solver, no selection, no network.
"""

from __future__ import annotations

from ..model.difference import (
    BaseUpdate,
    BuildChange,
    Change,
    LockDiff,
    OrderChange,
    PackageChange,
    RepositoryMove,
    RootChange,
    SettingChange,
    StreamChange,
)
from .checker import Finding, check_lock
from .differ import diff, diff_plans
from .document import SCHEMA, lock_document, lock_text
from .reader import Lock, lock_schema, lock_source, plan_of, read_lock, settings_of

__all__ = [
    "SCHEMA",
    "BaseUpdate",
    "BuildChange",
    "Change",
    "Finding",
    "Lock",
    "LockDiff",
    "OrderChange",
    "PackageChange",
    "RepositoryMove",
    "RootChange",
    "SettingChange",
    "StreamChange",
    "check_lock",
    "diff",
    "diff_plans",
    "lock_document",
    "lock_schema",
    "lock_source",
    "lock_text",
    "plan_of",
    "read_lock",
    "settings_of",
]
