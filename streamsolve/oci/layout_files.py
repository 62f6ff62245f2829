"""The files of an OCI image layout on this disk, read with limits and checked by their digests.

Source: the image format of the Open Container Initiative, version 1.1.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from ..errors import Code, InputError, Place

__all__ = ["INDEX_TYPES", "REF_NAME", "LayoutFiles", "layout_location", "tag_of"]

INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
"""What an index of images calls itself: OCI's name, and Docker's."""
REF_NAME = "org.opencontainers.image.ref.name"
"""The annotation of an index that holds a tag."""

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_MOST_JSON = 4 << 20


def layout_location(text: str) -> tuple[Path, str]:
    """Read ``[oci:]DIR[:TAG]``; a directory that is there may have a colon in its name."""
    path = text.removeprefix("oci:")
    directory, colon, tag = path.rpartition(":")
    if not colon or Path(path).is_dir():
        return Path(path), ""
    return Path(directory), tag


def tag_of(entry: Mapping[str, Any]) -> str:
    """The tag of an index's entry; empty where it has none."""
    annotations = entry.get("annotations")
    return str(annotations.get(REF_NAME, "")) if isinstance(annotations, dict) else ""


@frozen
class LayoutFiles:
    """A layout. ``named`` is what messages call it (empty: its directory), and ``code`` what its
    faults are."""

    directory: Path
    named: str = ""
    code: Code = field(default=Code.BAD_IMAGE)

    def broken(self, message: str, hint: str = "") -> InputError:
        """The error to raise for something that is wrong with it."""
        place = Place(self.named or str(self.directory))
        return InputError(self.code, message, place=place, hint=hint)

    def blob(self, digest: object) -> Path:
        """Where a blob lies; whether it is there is not looked at."""
        match = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
        if match is None:
            raise self.broken(f"{str(digest)[:80]!r} is no digest")
        return self.directory / "blobs" / "sha256" / match[1]

    def index(self) -> dict[str, Any]:
        """``index.json``, whose ``manifests`` are a list of objects."""
        if not (self.directory / "index.json").is_file():
            hint = "`skopeo copy containers-storage:IMAGE oci:DIR:TAG` makes one"
            raise self.broken("it is no OCI layout: it has no index.json", hint)
        found = self._parsed(self.directory / "index.json")
        self.rows(found)
        return found

    def rows(self, index: dict[str, Any]) -> list[dict[str, Any]]:
        """The entries of an index."""
        found = index.get("manifests")
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise self.broken("an index of it lists no manifests")
        return found

    def document(self, digest: object) -> dict[str, Any]:
        """A JSON object by its digest, which is checked."""
        path = self.blob(digest)
        content = self._read(path)
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            raise self.broken(f"a blob is not what its name says: {path.name}")
        return self._object(path, content)

    def _parsed(self, path: Path) -> dict[str, Any]:
        return self._object(path, self._read(path))

    def _read(self, path: Path) -> bytes:
        try:
            if path.stat().st_size > _MOST_JSON:
                raise self.broken(f"{path.name} is too large")
            return path.read_bytes()
        except FileNotFoundError:
            raise self.broken(f"{path.name} is not there") from None
        except OSError as error:
            raise self.broken(f"{path.name}: {error.strerror}") from None

    def _object(self, path: Path, content: bytes) -> dict[str, Any]:
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            raise self.broken(f"{path.name} is no JSON") from None
        if not isinstance(found, dict):
            raise self.broken(f"{path.name} is no JSON object")
        return found
