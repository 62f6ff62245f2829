"""What a base holds, read off the raw XML of its repositories and by nothing of ours."""

from __future__ import annotations

import io
import re
from functools import cache as remember
from pathlib import Path

import zstandard

__all__ = ["majors", "package_versions"]

_PACKAGE = re.compile(
    r'<name>(?P<name>[^<]+)</name>\s*<arch>[^<]*</arch>\s*<version [^>]*\bver="(?P<version>[^"]+)"'
)


@remember
def package_versions(directory: Path) -> dict[str, str]:
    """The version of each binary package by its name."""
    found = {}
    for path in sorted((directory / "x86_64").rglob("*-primary.xml.zst")):
        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(path.read_bytes())) as stream:
            text = stream.read().decode()
        found.update({match["name"]: match["version"] for match in _PACKAGE.finditer(text)})
    return found


def majors(directory: Path, name: str) -> set[int]:
    """The major versions of a compiler that a base has, compat packages (``gcc14``) included."""
    compat = re.compile(rf"{re.escape(name)}\d*")
    versions = package_versions(directory)
    return {int(versions[each].partition(".")[0]) for each in versions if compat.fullmatch(each)}
