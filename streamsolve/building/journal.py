"""What was built from what: a record in each directory of results.

The record lies beside the packages that it is about, so that one rename puts both in place, and no
crash can leave one without the other. It holds digests and names, no path, time or machine.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from ..lock.canonical import canonical_text
from ..storage import file_digest, write_atomically
from .inputs_digest import Files, Inputs

__all__ = ["RECORD", "Record", "commit", "damage", "read_record", "recover", "write_record"]

RECORD = "built.json"
_SCHEMA = "streamsolve.built/1"


@frozen
class Record:
    """One build that succeeded: from what, and the binary packages that it made."""

    build: str
    inputs: Inputs
    packages: Files


def write_record(record: Record, directory: Path) -> None:
    """Put a record beside its packages, whole or not at all."""
    document = {
        "schema": _SCHEMA,
        "build": record.build,
        "digest": record.inputs.digest,
        "inputs": record.inputs.document,
        "packages": dict(record.packages),
    }
    write_atomically(directory / RECORD, canonical_text(document).encode())


def read_record(directory: Path, build: str) -> Record | None:
    """The record of a build, or None where there is none, or one that is damaged."""
    try:
        found: dict[str, Any] = json.loads((directory / RECORD).read_bytes())
        inputs = found["inputs"]
        record = Record(
            str(found["build"]),
            Inputs(
                str(inputs["configuration"]),
                str(inputs["source"]),
                tuple(map(str, inputs["options"])),
                tuple((str(id), _files(files)) for id, files in sorted(inputs["packages"].items())),
            ),
            _files(found["packages"]),
        )
        good = found["schema"] == _SCHEMA and record.inputs.digest == found["digest"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return record if good and record.build == build else None


def _files(found: Mapping[str, object]) -> Files:
    for name in found:
        if not name or "/" in name or name in (".", ".."):
            raise ValueError(f"{name!r} is no file of a directory")
    return tuple(sorted((name, str(digest)) for name, digest in found.items()))


def damage(record: Record, directory: Path) -> str:
    """Which file of a record is no longer what it was, empty if all are. Each is read."""
    for name, digest in record.packages:
        try:
            if file_digest(directory / name) != digest:
                return name
        except OSError:
            return name
    return ""


def commit(made: Path, results: Path, aside: Path) -> None:
    """Put results in the place of earlier ones. ``aside`` is on the same file system; it is gone
    afterwards, and whatever is in it. What is interrupted is finished by :func:`recover`."""
    if results.exists():
        shutil.rmtree(aside, ignore_errors=True)
        results.rename(aside)
    results.parent.mkdir(parents=True, exist_ok=True)
    made.rename(results)
    shutil.rmtree(aside, ignore_errors=True)


def recover(made: Path, results: Path, aside: Path, build: str) -> None:
    """Finish a commit that was interrupted: results with a record are whole."""
    if read_record(made, build) is not None:
        commit(made, results, aside)
