"""The ``[build-system]`` of a release, from its sdist: what building it needs, by upstream's word.

Of the sdist one member is read, nothing of it is run. What was read is kept by the sdist's sha256;
the sdist itself is not kept for its sake.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import frozen
from packaging.requirements import InvalidRequirement
from packaging.utils import canonicalize_name

from ..errors import Code, ErrorCollector, InputError, Place
from ..model.build import BuildSystem
from ..model.pep508 import parse_pep508
from ..storage import write_atomically
from .listing import IndexFile
from .release_metadata import fetch_file
from .sdist import read_sdist
from .toml_places import KeyPath, parse_toml, toml_data
from .transport import Transport

__all__ = ["BuildSystemReader", "parse_build_system", "sdist_to_read"]

_MEMBER = "pyproject.toml"
_MEMBER_LIMIT = 1 << 20
_DEFAULT_REQUIRES = ("setuptools",)
_DEFAULT_BACKEND = "setuptools.build_meta:__legacy__"
# PEP 517: a module, and after a colon an object in it.
_BACKEND = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*(\.[^\W\d]\w*)*)?")

_Place = Callable[[KeyPath], Place]


def parse_build_system(text: str, *, file: str) -> BuildSystem:
    """The ``[build-system]`` table of a ``pyproject.toml``'s text; ``file`` is what errors call it.

    Without the table, as in an empty text, it is PEP 517's default: setuptools' legacy backend. A
    table without ``build-backend`` means that backend too, and ``setuptools`` is then among the
    requirements, named there or not.
    Raises one :class:`InputErrors` (``INDEX_BAD_METADATA``) for everything in the table that is not
    as PEP 517 and 518 say, and :class:`InputError` for a text that is no TOML.
    """
    try:
        table = toml_data(text).get("build-system")
    except ValueError:
        # It is read once more for the place of the fault, which the standard library only words.
        parse_toml(text, file=file, code=Code.INDEX_BAD_METADATA)
        raise
    if table is None:
        return BuildSystem(_DEFAULT_REQUIRES, _DEFAULT_BACKEND)

    def place(path: KeyPath) -> Place:
        return parse_toml(text, file=file, code=Code.INDEX_BAD_METADATA).place(path)

    collector = ErrorCollector(Code.INDEX_BAD_METADATA)
    if isinstance(table, dict):
        found = _from_table(table, place, collector)
    else:
        found = BuildSystem(())
        collector.add("it is no table", place(("build-system",)))
    collector.raise_if_any(f"the [build-system] of {file} cannot be used")
    return found


def _from_table(table: dict[str, Any], place: _Place, collector: ErrorCollector) -> BuildSystem:
    requires = _requires(table.get("requires"), place, collector)
    backend = table.get("build-backend")
    if backend is None:
        if "setuptools" not in map(_name, requires):
            requires = (*requires, *_DEFAULT_REQUIRES)
        return BuildSystem(requires, _DEFAULT_BACKEND)
    if not isinstance(backend, str) or not _BACKEND.fullmatch(backend):
        collector.add(
            f"{backend!r} names no module and no object in one",
            place(("build-system", "build-backend")),
        )
        backend = ""
    path = table.get("backend-path", [])
    if not _texts(path) or any(_leads_out(entry) for entry in path):
        collector.add(
            "it is no list of directories in the sdist", place(("build-system", "backend-path"))
        )
    return BuildSystem(requires, backend, bool(path))


def _requires(entries: object, place: _Place, collector: ErrorCollector) -> tuple[str, ...]:
    where: KeyPath = ("build-system", "requires")
    if entries is None:
        collector.add("it is missing, which PEP 518 does not allow", place(where))
        return ()
    if not isinstance(entries, list):
        collector.add("it is no list of requirements", place(where))
        return ()
    good = []
    for number, entry in enumerate(entries):
        try:
            parse_pep508(entry if isinstance(entry, str) else "")
        except InvalidRequirement as error:
            fault = str(error).splitlines()[0]
            collector.add(f"{entry!r} is no requirement: {fault}", place((*where, number)))
        else:
            good.append(entry)
    return tuple(good)


def _name(requirement: str) -> str:
    return str(canonicalize_name(parse_pep508(requirement).name))


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _leads_out(directory: str) -> bool:
    return directory.startswith("/") or ".." in directory.split("/")


def sdist_to_read(files: Iterable[IndexFile]) -> IndexFile | None:
    """Which of a release's sdists is read for what they all say; None if it has none."""
    sdists = [file for file in files if not file.artifact.is_wheel]
    return min(sdists, key=_in_order_of_choice, default=None)


def _in_order_of_choice(file: IndexFile) -> tuple[bool, str]:
    return (not file.artifact.filename.endswith(".tar.gz"), file.url)


@frozen
class BuildSystemReader:
    """Reads build systems; safe to use from several threads.

    The text of ``pyproject.toml`` is kept for ever under ``cache/build-systems``, named by the
    sha256 of the sdist; of an sdist without one it is read again each time.
    """

    transport: Transport
    cache: Path | None = None

    def read(self, file: IndexFile) -> BuildSystem:
        """What an sdist says. Raises :class:`InputError`: ``INDEX_BAD_METADATA``, or what the
        transport raises."""
        name = file.artifact.filename
        path = self._path(file)
        text = _kept(path)
        if text is None:
            text = self._member(file)
            _keep(path, text)
        return parse_build_system(text, file=f"{name}: {_MEMBER}")

    def _member(self, file: IndexFile) -> str:
        """The text of the member, empty where the sdist has none."""
        name = file.artifact.filename
        with tempfile.TemporaryDirectory(prefix="streamsolve-") as directory:
            archive = fetch_file(self.transport, file, aside=Path(directory))
            found = read_sdist(archive, _MEMBER.__eq__, file=name, limit=_MEMBER_LIMIT)
        try:
            return found.get(_MEMBER, b"").decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                Code.INDEX_BAD_METADATA,
                f"it is not UTF-8 at byte {error.start}",
                place=Place(f"{name}: {_MEMBER}"),
            ) from None

    def _path(self, file: IndexFile) -> Path | None:
        digest = file.artifact.sha256
        if self.cache is None or len(digest) != 64 or not digest.isalnum():
            return None
        return self.cache / "build-systems" / digest[:2] / f"{digest}.json"


def _kept(path: Path | None) -> str | None:
    """What was kept; None if nothing was, or if it is damaged. An empty file is damaged, while an
    empty text is the word of an sdist without the member: so the text stands in a document."""
    if path is None:
        return None
    try:
        text = json.loads(path.read_bytes())[_MEMBER]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return text if isinstance(text, str) else None


def _keep(path: Path | None, text: str) -> None:
    if path is not None:
        # A cache that cannot be written only costs time.
        with suppress(OSError):
            write_atomically(path, json.dumps({_MEMBER: text}).encode())
