"""What tests of drafted profiles share: releases on a small index, and what was written.

publish(world, "tool", "1", "six")
assert new(world, "pypi:tool").code == 0
assert written(world)["version"] == "1"
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from jsonschema import validate

from streamsolve.inputs.profiles import schema_text
from streamsolve.planner.draft_toml import TO_DECIDE

from .commandworld import CommandWorld, Ran
from .localindex import sdist, wheel

__all__ = ["BASE", "COMPILED", "marks", "new", "plans", "publish", "written"]

COMPILED = "cp314-cp314-manylinux_2_17_x86_64"
BASE = ("--base", "./base")


def publish(
    world: CommandWorld,
    name: str,
    version: str,
    *requires: str,
    tag: str = "py3-none-any",
    source: bool = True,
    python: str = "",
    fields: tuple[str, ...] = (),
) -> None:
    """Let the index have a release with one wheel, and an sdist if there is a ``source``."""
    stated = (*fields, f"Requires-Python: {python}") if python else fields
    files = [wheel(name, version, *requires, tag=tag, fields=stated, python=python)]
    if source:
        pyproject = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "some.backend"\n'
        files.append(sdist(name, version, {"pyproject.toml": pyproject}, suffix=".zip"))
    for file in files:
        world.files[file.filename] = file


def new(world: CommandWorld, source: str, *words: str, name: str = "tool") -> Ran:
    return world.run("profile", "new", name, "--from", source, *BASE, *words)


def written(world: CommandWorld, name: str = "tool") -> dict[str, Any]:
    return tomllib.loads((world.directory / name / "profile.toml").read_text("utf-8"))


def marks(world: CommandWorld, name: str = "tool") -> list[str]:
    """What the file says is to decide, each mark as one line."""
    found: list[str] = []
    for line in (world.directory / name / "profile.toml").read_text("utf-8").splitlines():
        if line.startswith(f"# {TO_DECIDE}"):
            found.append(line.removeprefix(f"# {TO_DECIDE}").strip())
        elif found and line.startswith("# ") and not re.match(r"# (\[|[a-z-]+ = |\]|  \")", line):
            found[-1] += line[1:]
    return found


def plans(world: CommandWorld, name: str = "tool", *words: str) -> dict[str, Any]:
    """The plan of what was written, by the command that is told to come next; the file is valid by
    the schema that editors use."""
    validate(written(world, name), json.loads(schema_text()))
    ran = world.run("plan", f"{name}/profile.toml", *BASE, "--json", *words)
    assert ran.code == 0, ran.out + ran.err
    return {stream["component"]: stream for stream in ran.document["streams"]}
