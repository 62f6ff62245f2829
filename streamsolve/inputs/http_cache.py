"""Answers by URL, kept on disk: one file each, a line of JSON and then the body.

One file, not two, so that header and body can never be of different answers. An entry that cannot
be read, or whose body is not as long as its header says, counts as absent.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from attrs import frozen

from ..storage import write_atomically

__all__ = ["HttpCache", "Response"]

_KEPT = ("content-type", "etag", "last-modified")
_CLOCK_STEP = 60.0


@frozen
class Response:
    """An answer. ``url`` is where it was found in the end; ``headers`` are keyed in lower case, and
    only those that are kept in the cache, so that a cached answer is equal to a fresh one."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpCache:
    """The answers under one directory, which need not exist."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def find(self, url: str, accept: str) -> Response | None:
        """The answer kept for an address and what was accepted, or None."""
        try:
            head, _, body = self._path(url, accept).read_bytes().partition(b"\n")
            header = json.loads(head)
            if header["length"] != len(body):
                return None
            kept = {str(key): str(value) for key, value in header["headers"].items()}
            return Response(header["url"], header["status"], MappingProxyType(kept), body)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def age(self, url: str, accept: str) -> float:
        """Seconds since the answer was last known to be the newest; infinite when there is none."""
        with suppress(OSError):
            age = time.time() - self._path(url, accept).stat().st_mtime
            # A time to come means that a clock was wrong, and says nothing.
            return age if age > -_CLOCK_STEP else float("inf")
        return float("inf")

    def touch(self, url: str, accept: str) -> None:
        """Note that the server still gives the answer that is kept."""
        with suppress(OSError):
            os.utime(self._path(url, accept))

    def store(
        self,
        url: str,
        accept: str,
        found_at: str,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Response:
        """Keep an answer, and return it."""
        lower = {key.lower(): value for key, value in headers.items()}
        kept = {key: lower[key] for key in _KEPT if key in lower}
        header = {"url": found_at, "status": status, "headers": kept, "length": len(body)}
        line = json.dumps(header).encode() + b"\n"
        # A cache that cannot be written (a full or read-only disk) only costs time.
        with suppress(OSError):
            write_atomically(self._path(url, accept), line + body)
        return Response(found_at, status, MappingProxyType(kept), body)

    def _path(self, url: str, accept: str) -> Path:
        key = f"{url}\n{accept}" if accept else url
        name = hashlib.sha256(key.encode()).hexdigest()
        return self._directory / name[:2] / name
