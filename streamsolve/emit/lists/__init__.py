"""A locked plan as the lists of other tools: lock files, constraints, modules, tags. Pure."""

from __future__ import annotations

from .bazeldnf import bazeldnf_lock
from .dnf_manifest import dnf_manifest
from .fromager import fromager_settings
from .koji import KojiRepository, KojiSettings
from .koji_script import koji_files
from .konflux import konflux_files
from .modulemd import module_document
from .python_lists import LeftOut, constraints, pylock

__all__ = [
    "KojiRepository",
    "KojiSettings",
    "LeftOut",
    "bazeldnf_lock",
    "constraints",
    "dnf_manifest",
    "fromager_settings",
    "koji_files",
    "konflux_files",
    "module_document",
    "pylock",
]
