"""Emitters: a locked plan in, files out. Pure functions, and one module that puts files on disk."""

from __future__ import annotations

from .buildroot_lock import BootstrapImage, BuildrootLocks, buildroot_locks
from .mock import emit_mock
from .mock_settings import MockRepository, MockSettings, Switch
from .writer import Content, LocalFile, Written, write_files

__all__ = [
    "BootstrapImage",
    "BuildrootLocks",
    "Content",
    "LocalFile",
    "MockRepository",
    "MockSettings",
    "Switch",
    "Written",
    "buildroot_locks",
    "emit_mock",
    "write_files",
]
