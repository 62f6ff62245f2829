"""Listings that were parsed before, by the content of their page.

A page of the index may hold megabytes of HTML, of which a plan reads a few hundred. What was parsed
is kept as JSON under the page's sha256; a damaged file counts as absent.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from packaging.version import Version

from ..model import Artifact
from ..storage import write_atomically
from .listing import Digest, IndexFile

__all__ = ["ListingCache"]

_FORMAT = 1


class ListingCache:
    """Parsed listings below a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, url: str, body: bytes) -> tuple[IndexFile, ...] | None:
        """What was parsed from this page, or None if it was not or cannot be read."""
        try:
            rows = json.loads(self._path(url, body).read_bytes())
            return tuple(_file(row) for row in rows)
        except (
            OSError,
            ValueError,
            TypeError,
            KeyError,
            IndexError,
            AttributeError,
            RecursionError,
        ):
            return None

    def write(self, url: str, body: bytes, files: tuple[IndexFile, ...]) -> None:
        """Keep what was parsed from a page."""
        text = json.dumps([_row(file) for file in files], separators=(",", ":"))
        write_atomically(self._path(url, body), text.encode())

    def _path(self, url: str, body: bytes) -> Path:
        # Links are resolved against the address, so it is part of what was parsed.
        digest = hashlib.sha256(url.encode() + b"\0" + body).hexdigest()
        return self._directory / digest[:2] / f"{digest}-{_FORMAT}.json"


def _row(file: IndexFile) -> list[Any]:
    digest = file.metadata_digest
    return [
        file.artifact.filename,
        file.artifact.sha256,
        str(file.version),
        file.url,
        file.requires_python,
        file.yanked,
        file.size,
        file.metadata_url,
        [digest.algorithm, digest.value] if digest else None,
    ]


def _file(row: list[Any]) -> IndexFile:
    filename, sha256, version, url, python, yanked, size, metadata_url, digest = row
    return IndexFile(
        Artifact(filename, sha256),
        Version(version),
        url,
        python,
        yanked,
        size,
        metadata_url,
        Digest(*digest) if digest else None,
    )
