"""Roots solved by libsolv, over the base's real packages and the planned ones."""

from __future__ import annotations

from .pool import PackagePool
from .session import RootSession

__all__ = ["PackagePool", "RootSession"]
