"""``package.json`` of an application: what it is, and what runs it. Nothing is run.

Source: npm's own documentation of package.json.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from ..errors import Code, InputError, Place
from ..model.vendored_licence import spdx_licence

__all__ = ["NpmProject", "parse_npm_project"]

_GROUPS = ("dependencies", "optionalDependencies", "devDependencies")


@frozen
class NpmProject:
    """What a ``package.json`` states; what it does not is empty. ``engines`` are ranges by the name
    of what runs it, ``dependencies`` the names that it asks for, development included, sorted.
    ``manager`` is the program and version that the project is installed with (``pnpm@10.1.0``)."""

    name: str
    version: str = ""
    summary: str = ""
    homepage: str = ""
    repository: str = ""
    licence: str = ""
    engines: Mapping[str, str] = {}
    dependencies: tuple[str, ...] = ()
    manager: str = ""


def parse_npm_project(text: str, *, file: str) -> NpmProject:
    """Read a manifest. :class:`InputError` for what is no JSON object; a value of another type than
    npm documents counts as not stated."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        message = f"no JSON: {error.msg} in column {error.colno}"
        raise InputError(Code.BROKEN_MANIFEST, message, place=Place(file, error.lineno)) from None
    except (RecursionError, ValueError):
        message = "nested too deeply, or with a number that is too long"
        raise InputError(Code.BROKEN_MANIFEST, message, place=Place(file)) from None
    if not isinstance(data, dict):
        raise InputError(Code.BROKEN_MANIFEST, "no JSON object", place=Place(file, 1))
    repository = data.get("repository")
    address = _text(repository.get("url")) if isinstance(repository, dict) else _text(repository)
    names = {name for group in _GROUPS for name in _members(data.get(group))}
    engines = {
        name: said for name, said in _members(data.get("engines")).items() if isinstance(said, str)
    }
    return NpmProject(
        _text(data.get("name")),
        _text(data.get("version")),
        _text(data.get("description")),
        _text(data.get("homepage")),
        _web(address),
        spdx_licence(_text(data.get("license"))),
        engines,
        tuple(sorted(names)),
        _text(data.get("packageManager")),
    )


def _members(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _web(address: str) -> str:
    """An address of a repository as the web address of its page: npm has several ways to write one,
    and appends the ``.git`` that git is given."""
    return _page(address).removesuffix(".git")


def _page(address: str) -> str:
    if address.startswith("github:") or (address.count("/") == 1 and ":" not in address):
        return f"https://github.com/{address.removeprefix('github:')}"
    if address.startswith("gitlab:"):
        return f"https://gitlab.com/{address.removeprefix('gitlab:')}"
    for before in ("git+https://", "git://", "git+ssh://git@", "ssh://git@"):
        if address.startswith(before):
            return f"https://{address.removeprefix(before)}"
    return address
