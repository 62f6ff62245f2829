"""What the shipped extracts say, read with the standard library and `packaging` alone.

The tests of profiles compare plans with it: which requirement a base's packages meet is seen here
from the raw provides of the extract and the raw words of upstream's metadata.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from functools import cache as remember
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

PROFILES = Path(__file__).parents[1] / "profiles"
_PROVIDED = re.compile(r"python(\d+\.\d+)dist\(([^)\[]+)\) = (\S+)")


@remember
def toml(name: str) -> dict[str, list[dict[str, object]]]:
    """A profile or component file, such as ``components/cuda.toml``."""
    return tomllib.loads((PROFILES / name).read_text("utf-8"))


@remember
def packages(profile: str, base: str) -> dict[str, dict[str, object]]:
    """The binary packages in a profile's extract of a base, by name."""
    path = PROFILES / profile / "bases" / f"{base}-x86_64.jsonl"
    rows = map(json.loads, path.read_text("utf-8").splitlines()[1:])
    return {row["name"]: row for row in rows if row["arch"] != "src"}


def number(row: dict[str, object]) -> Version:
    """The version of a package, without epoch and release."""
    return Version(str(row["evr"]).rpartition(":")[2].partition("-")[0])


def distributions(profile: str, base: str, python: str) -> dict[str, list[Version]]:
    """The distributions that the base's packages provide for a Python."""
    found: dict[str, list[Version]] = {}
    for row in packages(profile, base).values():
        for match in map(_PROVIDED.fullmatch, row.get("provides", ())):  # type: ignore[arg-type]
            if match is None or match[1] != python:
                continue
            # What a spec says is not always a version: RPM writes 1.4~b3, and macros go wrong.
            with suppress(InvalidVersion):
                found.setdefault(match[2], []).append(Version(match[3].replace("~", "")))
    return found


@remember
def releases(profile: str) -> tuple[dict[str, object], ...]:
    """The releases in a profile's extract of the index."""
    lines = (PROFILES / profile / "upstream.jsonl").read_text("utf-8").splitlines()[1:]
    return tuple(row for row in map(json.loads, lines) if "version" in row)


def required(profile: str, name: str, version: str, python: str) -> dict[str, Requirement]:
    """What upstream's metadata of a release asks for on x86_64 Linux without extras, by name."""
    (row,) = [r for r in releases(profile) if (r["name"], r["version"]) == (name, version)]
    environment = {
        "platform_system": "Linux",
        "sys_platform": "linux",
        "platform_machine": "x86_64",
        "python_version": python,
        "python_full_version": f"{python}.0",
        "extra": "",
    }
    parsed = map(Requirement, row["requires"])  # type: ignore[call-overload]
    return {
        canonicalize_name(each.name): each
        for each in parsed
        if each.marker is None or each.marker.evaluate(environment)
    }


def omitted(profile: str, variant: str) -> set[str]:
    """What a profile says that a variant does without."""
    rows = toml(f"{profile}/profile.toml")["omit"]
    return {str(row["component"]) for row in rows if variant in row.get("variants", [variant])}  # type: ignore[operator]


def vendors_own(component_file: str = "components/cuda.toml") -> Iterator[str]:
    """The distributions that are a third party's packages."""
    for row in toml(component_file)["external"]:
        yield str(row["component"])
