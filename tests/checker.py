"""An independent checker of plans, from PEP 440 and PEP 508 alone.

It reads the plan's JSON document and the raw texts that upstream and the base publish, and uses
`packaging` and nothing of ours: no requirement that we parsed, no version that we compared.
"""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import zstandard
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

Document = Mapping[str, Any]
_DIST = re.compile(
    r'name="python(?P<python>\d+\.\d+)dist\((?P<name>[^)\[]+)\)" '
    r'flags="EQ"[^>]*ver="(?P<version>[^"]+)"'
)


def environment(document: Document) -> dict[str, str]:
    """The target's PEP 508 environment, from what the document says."""
    python = document["python"]
    full = next((s["version"] for s in document["streams"] if s["kind"] == "interpreter"), python)
    full = full if full.count(".") > 1 else f"{full}.0"
    return {
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": "posix",
        "platform_machine": document["base"]["arch"],
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": full,
        "python_version": python,
        "sys_platform": "linux",
    }


class Upstream:
    """Raw metadata by name and version, from the JSON Lines of an extract."""

    def __init__(self, text: str) -> None:
        self.metadata: dict[tuple[str, Version], Document] = {}
        self.files: dict[str, list[str]] = {}
        for line in text.splitlines()[1:]:
            entry = json.loads(line)
            if "file" in entry:
                self.files[entry["file"]] = entry["lines"]
            elif not entry.get("absent"):
                self.metadata[entry["name"], Version(entry["version"])] = entry

    def requires(self, name: str, version: str) -> list[str] | None:
        found = self.metadata.get((name, Version(Version(version).public)))
        return None if found is None else list(found.get("requires", []))

    def requires_python(self, name: str, version: str) -> str:
        found = self.metadata.get((name, Version(Version(version).public)), {})
        return str(found.get("python", ""))

    def versions(self, name: str) -> list[Version]:
        return [version for known, version in self.metadata if known == name]


def requirement_lines(files: Mapping[str, list[str]], path: str) -> Iterator[str]:
    """The requirements of a pip requirement file, with its includes, as plain text."""
    for line in files[path]:
        text = re.sub(r"(^|\s+)#.*$", "", line).strip()
        if text.startswith("-r "):
            directory = path.rpartition("/")[0]
            yield from requirement_lines(files, f"{directory}/{text[3:].strip()}")
        elif text and not text.startswith("-"):
            yield text


def unmet(document: Document, upstream: Upstream, application: list[str]) -> list[str]:
    """Every requirement of a chosen stream that the plan does not meet.

    ``application`` are the requirements of the application's variant as upstream states them.
    What the plan says that it relaxed or omitted is not counted, and is checked to be stated.
    """
    env = environment(document)
    chosen = {s["component"]: s for s in document["streams"] if s["kind"] == "distribution"}
    relaxed = {
        (r["by"], canonicalize_name(Requirement(r["stated"]).name)): r["counts"]
        for r in document["relaxed"]
        if re.match(r"^[A-Za-z0-9]", r["stated"])
    }
    root = document["application"]["name"]
    extras: dict[str, set[str]] = {name: set() for name in chosen}
    faults: set[str] = set()
    for _ in range(10):
        before = sum(map(len, extras.values()))
        for name, stream in chosen.items():
            if stream["origin"] == "omitted":
                continue
            texts = application if name == root else _stated(stream, upstream)
            for text in texts:
                requirement = Requirement(text)
                if not _applies(requirement, env, extras[name]):
                    continue
                target = canonicalize_name(requirement.name)
                if target not in chosen:
                    faults.add(f"{name} requires {text}: not in the plan")
                    continue
                extras[target] |= {extra.lower() for extra in requirement.extras}
                faults |= _fault(name, requirement, chosen[target], relaxed)
        if sum(map(len, extras.values())) == before:
            break
    for name, stream in chosen.items():
        wanted = upstream.requires_python(name, stream["version"]) if stream["version"] else ""
        if stream["origin"] == "private" and wanted:
            allowed = SpecifierSet(wanted.replace(".*", "") if ">=" in wanted else wanted)
            if env["python_full_version"] not in allowed:
                faults.add(f"{name} requires Python {wanted}")
    return sorted(faults)


def _stated(stream: Document, upstream: Upstream) -> list[str]:
    """What a stream requires: upstream's raw words, or for the base's the base's own."""
    if stream["origin"] == "base":
        return [text for text in stream["requirements"] if not text.startswith("python")]
    found = upstream.requires(stream["component"], stream["version"])
    assert found is not None, f"no raw metadata of {stream['component']} {stream['version']}"
    return found


def _applies(requirement: Requirement, env: Mapping[str, str], extras: set[str]) -> bool:
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({**env, "extra": extra}) for extra in ("", *extras))


def _fault(
    by: str, requirement: Requirement, stream: Document, relaxed: Mapping[tuple[str, str], str]
) -> set[str]:
    if stream["origin"] == "omitted":
        return set()
    counts = relaxed.get((by, canonicalize_name(requirement.name)))
    specifier = requirement.specifier if counts is None else Requirement(counts).specifier
    if specifier.contains(stream["version"], prereleases=True):
        return set()
    return {f"{by} requires {requirement}: the plan has {stream['version']}"}


def base_distributions(directory: Path, python: str) -> dict[str, list[Version]]:
    """Every distribution that a base provides for an interpreter, read off the raw XML."""
    found: dict[str, list[Version]] = {}
    for path in sorted(directory.rglob("*-primary.xml*")):
        content = path.read_bytes()
        if path.suffix == ".zst":
            content = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)).read()
        elif path.suffix == ".gz":
            content = gzip.decompress(content)
        for match in _DIST.finditer(content.decode()):
            if match["python"] == python:
                try:
                    version = Version(match["version"].replace("~", "").replace("^", "."))
                except InvalidVersion:
                    continue
                found.setdefault(match["name"], []).append(version)
    return found
