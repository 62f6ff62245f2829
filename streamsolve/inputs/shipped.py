"""Where the data lies that comes with the tool, and where what it fetches is kept."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import Code, InputError

__all__ = ["default_cache", "profiles_directory"]

_CACHE_VARIABLE = "STREAMSOLVE_CACHE"


def profiles_directory() -> Path:
    """The directory of the profiles and of ``bases/``: beside the modules in an installed wheel,
    at the root of the repository in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for directory in (package / "profiles", package.parent / "profiles"):
        if directory.is_dir():
            return directory
    raise InputError(
        Code.UNKNOWN_APPLICATION,
        "the profiles that come with streamsolve are missing",
        hint="install it again, or give the path of a profile",
    )


def default_cache() -> Path:
    """The cache directory: ``STREAMSOLVE_CACHE``, else the user's as the platform has it.

    It need not exist; nothing in it is needed but for speed and for working offline.
    """
    chosen = os.environ.get(_CACHE_VARIABLE, "")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("streamsolve", appauthor=False)
