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
from .lockset import (
    LOCK_SET,
    LockSet,
    is_lock_set,
    lock_in,
    lock_set_schema,
    lock_set_text,
    read_lock_set,
    split_fragment,
)
from .reader import Lock, lock_schema, lock_source, plan_of, read_lock, settings_of

__all__ = [
    "LOCK_SET",
    "SCHEMA",
    "BaseUpdate",
    "BuildChange",
    "Change",
    "Finding",
    "Lock",
    "LockDiff",
    "LockSet",
    "OrderChange",
    "PackageChange",
    "RepositoryMove",
    "RootChange",
    "SettingChange",
    "StreamChange",
    "check_lock",
    "diff",
    "diff_plans",
    "is_lock_set",
    "lock_document",
    "lock_in",
    "lock_schema",
    "lock_set_schema",
    "lock_set_text",
    "lock_source",
    "lock_text",
    "plan_of",
    "read_lock",
    "read_lock_set",
    "settings_of",
    "split_fragment",
]
