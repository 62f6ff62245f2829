"""A root as the lock file that rules of Bazel (bazeldnf) fetch RPMs by."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence

from ...errors import Code, ErrorCollector, Place
from ...model.build import Root
from ...model.package_files import PackageFile, RepositoryAddress

__all__ = ["LOCK", "bazeldnf_lock"]

LOCK = "bazeldnf-lock.json"
_ALGORITHMS = ("sha256", "sha384", "sha512")


def bazeldnf_lock(
    name: str,
    root: Root,
    files: Iterable[PackageFile],
    repositories: Sequence[RepositoryAddress],
) -> dict[str, bytes]:
    """The lock file, by path. Addresses of packages are relative to their repository, so every
    repository needs a ``baseurl``. Raises :class:`InputErrors` (``NOT_EMITTED``) for checksums of a
    kind that Bazel does not take."""
    found = sorted(files)
    _check(found)
    used = {file.repository for file in found}
    document = {
        "name": name,
        "repositories": {
            each.id: [each.baseurl.rstrip("/")] for each in sorted(repositories) if each.id in used
        },
        "rpms": [
            {
                "id": file.location.rpartition("/")[2],
                "name": file.name,
                "integrity": _integrity(file.checksum),
                "urls": [file.location],
                "repository": file.repository,
                "dependencies": [],
            }
            for file in found
        ],
        "targets": list(root.asked),
    }
    return {LOCK: (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()}


def _check(files: Iterable[PackageFile]) -> None:
    faults = ErrorCollector(Code.NOT_EMITTED)
    for file in files:
        algorithm = file.checksum.partition(":")[0]
        if algorithm not in _ALGORITHMS:
            message = f"its checksum is of the kind {algorithm or 'unknown'}"
            faults.add(message, Place(file.repository, path=file.nevra), "Bazel takes sha256")
    faults.raise_if_any("packages that Bazel cannot check")


def _integrity(checksum: str) -> str:
    """As web browsers write it: the digest in base64."""
    algorithm, _, digest = checksum.partition(":")
    return f"{algorithm}-{base64.b64encode(bytes.fromhex(digest)).decode()}"
