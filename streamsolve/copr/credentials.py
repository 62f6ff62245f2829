"""A client with the credentials that it finds itself, or that the environment has.

They go from there to the client and nowhere else: no message repeats a line of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import Code, InputError, Place
from .client import CoprFarm

__all__ = ["open_farm"]

_SECRET = ("token", "login")
_VARIABLES = {
    "copr_url": "COPR_URL",
    "login": "COPR_LOGIN",
    "token": "COPR_TOKEN",
    "username": "COPR_USERNAME",
}


def open_farm(
    config: Path | None,
    environ: Mapping[str, str],
    directory: Path | None = None,
    *,
    anonymous: bool = False,
) -> CoprFarm:
    """The farm of a configuration file, else of ``COPR_LOGIN`` and ``COPR_TOKEN`` (with
    ``COPR_URL``), else of the client's usual file. ``directory`` is where uploads lie.

    Raises :class:`InputError` (``FARM_CREDENTIALS``) where there are none, unless ``anonymous``:
    what is public may be read by anybody.
    """
    settings = _settings(config, environ)
    try:
        from copr.v3 import Client  # type: ignore[import-untyped]
    except ImportError:
        raise _no_client() from None
    if not (settings.get("token") or settings.get("gssapi") or anonymous):
        raise InputError(
            Code.FARM_CREDENTIALS,
            "no API token of COPR is configured",
            place=Place(str(config) if config else "~/.config/copr"),
            hint="copy it from the page /api/ of COPR, or set COPR_LOGIN and COPR_TOKEN",
        )
    secrets = [str(settings[name]) for name in _SECRET if settings.get(name)]
    # The longest first: one may be a part of another.
    secrets.sort(key=len, reverse=True)
    return CoprFarm(Client(settings), directory or Path(), secrets=tuple(secrets))


def _settings(config: Path | None, environ: Mapping[str, str]) -> dict[str, Any]:
    if config is not None or not environ.get("COPR_TOKEN"):
        return _read(config)
    found: dict[str, Any] = {name: environ.get(variable) for name, variable in _VARIABLES.items()}
    # Which COPR is the usual one, the client knows.
    found["copr_url"] = found["copr_url"] or _read(None)["copr_url"]
    return {**found, "gssapi": None, "encrypted": found["copr_url"].startswith("https")}


def _read(config: Path | None) -> dict[str, Any]:
    """A configuration file of the client, or its usual one."""
    try:
        from copr.v3 import CoprConfigException, config_from_file
    except ImportError:
        raise _no_client() from None
    try:
        found: dict[str, Any] = config_from_file(str(config) if config else None)
    except (CoprConfigException, OSError, ValueError, LookupError, TypeError, AttributeError):
        # Whatever is said of a line, the line may hold the token. Without a copr_url the client
        # itself falls over.
        missing = config is not None and not config.is_file()
        raise InputError(
            Code.FARM_CREDENTIALS,
            "there is no such file" if missing else "it is no configuration of COPR's client",
            place=Place(str(config) if config else "~/.config/copr"),
            hint="it has a section [copr-cli] with login, username, token and an https copr_url",
        ) from None
    return found


def _no_client() -> InputError:
    return InputError(
        Code.MISSING_TOOL,
        "the client library of COPR is not there",
        hint="install the package python3-copr, or streamsolve[copr]",
    )
