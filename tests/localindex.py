"""A small package index on 127.0.0.1 that lacks what it is told to lack.

with LocalIndex(wheel("demo", "1.0", "six"), form="html", metadata="none") as index:
    PackageIndex(transport, endpoint=index.endpoint).releases("demo")
    assert index.asked_for_files() == []
"""

from __future__ import annotations

import hashlib
import html
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from attrs import frozen
from packaging.utils import canonicalize_name

from .localserver import LocalServer, Page, Request

__all__ = ["File", "LocalIndex", "core_metadata", "sdist", "wheel"]

HTML = "text/html"
JSON = "application/vnd.pypi.simple.v1+json"


@frozen
class File:
    """A file of a project. ``metadata`` is what its ``.metadata`` file holds."""

    project: str
    filename: str
    body: bytes
    metadata: str = ""
    python: str = ""
    yanked: bool = False

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


def core_metadata(name: str, version: str, *requires: str, fields: tuple[str, ...] = ()) -> str:
    """A METADATA text with a description."""
    head = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *fields]
    return "\n".join([*head, *(f"Requires-Dist: {text}" for text in requires), "", "Words.", ""])


def wheel(
    name: str,
    version: str,
    *requires: str,
    tag: str = "py3-none-any",
    fields: tuple[str, ...] = (),
    padding: int = 0,
    python: str = "",
    yanked: bool = False,
) -> File:
    """A real wheel; ``padding`` bytes of content that does not compress come before METADATA."""
    metadata = core_metadata(name, version, *requires, fields=fields)
    stem = f"{name.replace('-', '_')}-{version}"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"{name}/__init__.py", b"x" * padding)
        info = zipfile.ZipInfo(f"{stem}.dist-info/METADATA")
        archive.writestr(info, metadata, zipfile.ZIP_DEFLATED)
    return File(name, f"{stem}-{tag}.whl", content.getvalue(), metadata, python, yanked)


def sdist(
    name: str,
    version: str,
    members: Mapping[str, str],
    *,
    suffix: str = ".tar.gz",
    links: Mapping[str, str] | None = None,
    yanked: bool = False,
) -> File:
    """A real sdist with those members below its one directory, and symbolic links to targets."""
    stem = f"{name.replace('-', '_')}-{version}"
    content = io.BytesIO()
    if suffix == ".zip":
        with zipfile.ZipFile(content, "w") as archive:
            for path, text in members.items():
                archive.writestr(zipfile.ZipInfo(f"{stem}/{path}"), text)
    else:
        with tarfile.open(fileobj=content, mode=f"w:{suffix.rpartition('.')[2]}") as tar:
            for path, text in members.items():
                info = tarfile.TarInfo(f"{stem}/{path}")
                info.size = len(text.encode())
                tar.addfile(info, io.BytesIO(text.encode()))
            for path, target in (links or {}).items():
                info = tarfile.TarInfo(f"{stem}/{path}")
                info.type, info.linkname = tarfile.SYMTYPE, target
                tar.addfile(info)
    return File(name, stem + suffix, content.getvalue(), yanked=yanked)


class LocalIndex:
    """Serves the Simple API for some files; a context manager.

    ``form``: ``html``, ``json``, or ``both`` as the client asks. ``content_type``: what pages are
    labelled, whatever they are. ``metadata``: ``none``, ``hashed``, ``unhashed``, ``old`` (the key
    of PEP 658), ``wrong`` (another hash), ``missing`` (promised, and 404). ``hashes``, ``sizes``:
    whether files have them. ``ranges`` and ``suffix_ranges`` as for :class:`Page`. ``fail``: so
    many first answers of each page are 500.
    """

    def __init__(
        self,
        *files: File,
        form: str = "both",
        content_type: str = "",
        metadata: str = "none",
        hashes: bool = True,
        sizes: bool = True,
        ranges: bool = True,
        suffix_ranges: bool = True,
        fail: int = 0,
    ) -> None:
        self._form = form
        self._content_type = content_type
        self._metadata = metadata
        self._hashes = hashes
        self._sizes = sizes
        self.server = LocalServer()
        projects: dict[str, list[File]] = {}
        for file in files:
            projects.setdefault(canonicalize_name(file.project), []).append(file)
            self.server.pages[f"/files/{file.filename}"] = Page(
                file.body, ranges=ranges, suffix_ranges=suffix_ranges, fail=fail, fail_status=500
            )
            if metadata not in {"none", "missing"} and file.metadata:
                self.server.pages[f"/files/{file.filename}.metadata"] = file.metadata.encode()
        for project, listed in projects.items():
            self.server.pages[f"/simple/{project}/"] = lambda request, p=project, f=listed: Page(
                *self._listing(request, p, f), fail=fail, fail_status=500
            )

    def __enter__(self) -> LocalIndex:
        self.server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server.__exit__(kind, error, traceback)

    @property
    def endpoint(self) -> str:
        return self.server.url("/simple/")

    def asked_for_files(self) -> list[str]:
        """What was asked of the files, in order: ``name``, ``name (part)`` or ``name (head)``."""
        return [
            request.path.removeprefix("/files/") + _kind(request)
            for request in self.server.requests
            if not request.path.startswith("/simple/")
        ]

    def _listing(
        self, request: Request, project: str, files: list[File]
    ) -> tuple[bytes, int, dict[str, str]]:
        as_json = self._form == "json" or (
            self._form == "both" and JSON in request.headers["accept"]
        )
        body = self._json(project, files) if as_json else self._html(files)
        label = self._content_type or (JSON if as_json else HTML)
        return body.encode(), 200, {"Content-Type": label}

    def _digest(self, file: File) -> str:
        text = "something else" if self._metadata == "wrong" else file.metadata
        return hashlib.sha256(text.encode()).hexdigest()

    def _html(self, files: list[File]) -> str:
        lines = ["<!DOCTYPE html><html><head><title>Links</title></head><body>"]
        for file in files:
            attributes = {"href": f"../../files/{file.filename}"}
            if self._hashes:
                attributes["href"] += f"#sha256={file.sha256}"
            if file.python:
                attributes["data-requires-python"] = file.python
            if file.yanked:
                attributes["data-yanked"] = ""
            if self._metadata != "none" and file.metadata:
                key = "data-dist-info-metadata" if self._metadata == "old" else "data-core-metadata"
                plain = self._metadata == "unhashed"
                attributes[key] = "true" if plain else f"sha256={self._digest(file)}"
            written = " ".join(f'{key}="{html.escape(text)}"' for key, text in attributes.items())
            lines.append(f"<a {written}>{file.filename}</a><br />")
        return "\n".join([*lines, "</body></html>"])

    def _json(self, project: str, files: list[File]) -> str:
        listed = []
        for file in files:
            entry: dict[str, Any] = {
                "filename": file.filename,
                "url": f"../../files/{file.filename}",
                "hashes": {"sha256": file.sha256} if self._hashes else {},
                "yanked": file.yanked,
            }
            if self._sizes:
                entry["size"] = len(file.body)
            if file.python:
                entry["requires-python"] = file.python
            if self._metadata != "none" and file.metadata:
                key = "dist-info-metadata" if self._metadata == "old" else "core-metadata"
                plain = self._metadata == "unhashed"
                entry[key] = True if plain else {"sha256": self._digest(file)}
            listed.append(entry)
        return json.dumps({"meta": {"api-version": "1.1"}, "name": project, "files": listed})


def _kind(request: Request) -> str:
    if request.method == "HEAD":
        return " (head)"
    return " (part)" if "range" in request.headers else ""
