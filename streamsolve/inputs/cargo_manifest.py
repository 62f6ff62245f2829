"""``Cargo.toml`` of an application: what it is, and which programs it has. Nothing is run.

A value that a member takes from its workspace (``version.workspace = true``) is looked up there.
Source: the chapters on the manifest and on workspaces of The Cargo Book.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from attrs import frozen

from ..errors import Code, InputError, Place
from .project_directory import read_in_project
from .toml_places import parse_toml

__all__ = ["CargoProject", "parse_cargo_project", "read_cargo_projects"]

_MANIFEST = "Cargo.toml"
_MOST_MEMBERS = 5000
_WORDS = ("version", "description", "homepage", "repository", "license", "rust-version")


@frozen
class CargoProject:
    """A package of Cargo. ``programs`` are the names that its manifest gives to programs, ``path``
    its directory below the application's (empty: that itself). Values that the manifest does not
    state are empty."""

    name: str
    version: str = ""
    summary: str = ""
    homepage: str = ""
    repository: str = ""
    licence: str = ""
    rust_version: str = ""
    programs: tuple[str, ...] = ()
    path: str = ""


def parse_cargo_project(
    text: str, *, file: str, workspace: Mapping[str, Any] | None = None, path: str = ""
) -> CargoProject | None:
    """Read a manifest; None for one without ``[package]``, which is a workspace alone.

    ``workspace`` is the ``[workspace]`` that it may take values from. Raises :class:`InputError`
    for what is no TOML, and where the name is missing or no text.
    """
    data = parse_toml(text, file=file, code=Code.BROKEN_MANIFEST).data
    package = data.get("package", data.get("project"))
    if package is None:
        return None
    package = _table(package)
    name = package.get("name")
    if not isinstance(name, str) or not name.strip():
        message = "[package] has no name"
        raise InputError(Code.BROKEN_MANIFEST, message, place=Place(file, path="package"))
    shared = _table((workspace or _table(data.get("workspace"))).get("package"))
    said = {key: _word(package, key, shared) for key in _WORDS}
    rows = data.get("bin")
    named = [_table(row).get("name") for row in rows] if isinstance(rows, list) else []
    return CargoProject(
        name,
        said["version"],
        said["description"],
        said["homepage"],
        said["repository"],
        said["license"],
        said["rust-version"],
        tuple(each for each in named if isinstance(each, str)),
        path,
    )


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _word(package: Mapping[str, Any], key: str, shared: Mapping[str, Any]) -> str:
    value = package.get(key)
    if isinstance(value, dict) and value.get("workspace") is True:
        value = shared.get(key)
    return value.strip() if isinstance(value, str) else ""


def read_cargo_projects(directory: Path, shown: str) -> tuple[CargoProject, ...]:
    """The packages with programs in a directory: its own, and the members of its workspace, sorted
    by path. ``shown`` is what messages call the directory.

    Raises :class:`InputError`: ``NO_DRAFT`` without a ``Cargo.toml``, ``BROKEN_MANIFEST``.
    """
    text = read_in_project(directory, _MANIFEST, shown, needed=True)
    file = f"{shown}/{_MANIFEST}"
    workspace = _table(parse_toml(text, file=file, code=Code.BROKEN_MANIFEST).data.get("workspace"))
    found = [(directory, parse_cargo_project(text, file=file, workspace=workspace))]
    for member in _members(directory, workspace, file):
        below = member.relative_to(directory).as_posix()
        place = f"{shown}/{below}/{_MANIFEST}"
        written = read_in_project(directory, f"{below}/{_MANIFEST}", shown)
        if written:
            project = parse_cargo_project(written, file=place, workspace=workspace, path=below)
            found.append((member, project))
    return tuple(project for at, project in found if project is not None and _runs(at, project))


def _members(directory: Path, workspace: Mapping[str, Any], file: str) -> list[Path]:
    """The directories that a workspace names, as patterns of paths below it."""
    patterns = workspace.get("members", [])
    excluded = workspace.get("exclude", [])
    if not isinstance(patterns, list) or not isinstance(excluded, list):
        message = "members and exclude are arrays of paths"
        raise InputError(Code.BROKEN_MANIFEST, message, place=Place(file, path="workspace"))
    found: dict[Path, None] = {}
    for pattern in patterns:
        if not isinstance(pattern, str) or not pattern or ".." in pattern or pattern[0] == "/":
            continue
        # Several ** in a row mean what one does, and would take a time that grows with each.
        pattern = re.sub(r"(?:\*\*/)+", "**/", pattern)
        try:
            paths = sorted(islice(directory.glob(pattern), _MOST_MEMBERS + 1))
        except (OSError, ValueError, IndexError, NotImplementedError):
            # The pattern is none. "." is one to Cargo, for the directory itself, not to Python.
            continue
        if len(paths) > _MOST_MEMBERS:
            message = f"a workspace of more than {_MOST_MEMBERS} members"
            raise InputError(Code.BROKEN_MANIFEST, message, place=Place(file, path="workspace"))
        left = [path for path in paths if path.relative_to(directory).as_posix() not in excluded]
        found.update(dict.fromkeys(path for path in left if path != directory))
    return sorted(path for path in found if path.is_dir())


def _runs(at: Path, project: CargoProject) -> bool:
    """Whether it has a program: one that the manifest names, or where Cargo looks for them."""
    return bool(project.programs) or (at / "src/main.rs").is_file() or (at / "src/bin").is_dir()
