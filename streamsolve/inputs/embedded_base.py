"""The extract of a base that comes with the tool: JSON Lines that a person can read and diff.

The first line describes the base and its repositories, and each further line is one package,
sorted, its keys always in the same order and left out where they would be empty. One package more
in a base is one line more in the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import Code, InputError, Place
from ..model import Base, Package, Repository, RpmMd

__all__ = ["SCHEMA", "read_extract", "write_extract"]

SCHEMA = "streamsolve.base-extract/1"

_SCALARS = ("name", "evr", "arch", "source")
_LISTS = ("provides", "requires", "conflicts", "obsoletes")
_KEYS = frozenset({"repo", *_SCALARS, *_LISTS})
_FAULTS = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
_USUAL_PRIORITY = 99


def write_extract(base: Base) -> str:
    """The text of a base whose repositories hold packages; reading it gives an equal base, but for
    the order of packages within a repository and for ``embedded``, which is then true."""
    lines = [json.dumps(_header(base), ensure_ascii=False)]
    for repository in base.repositories:
        if isinstance(repository.content, RpmMd):
            raise TypeError(f"the repository {repository.id!r} holds no packages but files")
        lines.extend(
            json.dumps(_row(repository.id, package), ensure_ascii=False)
            for package in sorted(repository.content)
        )
    return "\n".join(lines) + "\n"


def _header(base: Base) -> dict[str, object]:
    header: dict[str, object] = {
        "schema": SCHEMA,
        "base": base.name,
        "release": base.release,
        "arch": base.arch,
        "python": base.python,
        "python_full": base.python_full,
        "glibc": list(base.glibc),
        "build_group": list(base.build_group),
        "repositories": [_repository_row(repository) for repository in base.repositories],
    }
    always = {"schema", "base", "arch", "python", "repositories"}
    return {key: value for key, value in header.items() if value or key in always}


def _repository_row(repository: Repository) -> dict[str, object]:
    row: dict[str, object] = {
        "id": repository.id,
        "repomd_sha256": repository.digest,
        "sources": repository.sources,
    }
    if repository.priority != _USUAL_PRIORITY:
        row["priority"] = repository.priority
    return row


def _row(repository_id: str, package: Package) -> dict[str, object]:
    row: dict[str, object] = {"repo": repository_id}
    row.update({key: getattr(package, key) for key in _SCALARS if getattr(package, key)})
    row.update({key: list(getattr(package, key)) for key in _LISTS if getattr(package, key)})
    return row


def read_extract(text: str, *, file: str) -> Base:
    """Read an extract. Raises :class:`InputError` (``BROKEN_BASE``) at the first line at fault: the
    file is made by the tool, so that a fault means that it was damaged."""
    head, _, body = text.partition("\n")
    with _at(file, 1):
        header = json.loads(head)
        if header["schema"] != SCHEMA:
            raise ValueError(f"{header['schema']!r} is not a schema that this version reads")
        packages: dict[str, list[Package]] = {row["id"]: [] for row in header["repositories"]}
    _read_packages(body, packages, file)
    with _at(file, 1):
        return _read_base(header, packages)


def _read_base(header: Mapping[str, Any], packages: Mapping[str, list[Package]]) -> Base:
    repositories = tuple(
        Repository(
            str(row["id"]),
            str(row["repomd_sha256"]),
            tuple(packages[row["id"]]),
            int(row.get("priority", _USUAL_PRIORITY)),
            bool(row["sources"]),
        )
        for row in header["repositories"]
    )
    return Base(
        str(header["base"]),
        str(header["arch"]),
        str(header["python"]),
        repositories,
        release=str(header.get("release", "")),
        python_full=str(header.get("python_full", "")),
        build_group=tuple(header.get("build_group", ())),
        embedded=True,
        glibc=_glibc(header.get("glibc", ())),
    )


def _glibc(numbers: Sequence[Any]) -> tuple[int, int] | tuple[()]:
    if not numbers:
        return ()
    major, minor = numbers
    return int(major), int(minor)


def _read_packages(body: str, packages: Mapping[str, list[Package]], file: str) -> None:
    """Sort the packages into their repositories. Many thousand lines: kept plain for its speed."""
    load = json.JSONDecoder().decode
    number = 2
    try:
        # Not splitlines(): a text may hold a line separator that JSON does not escape.
        for line in body.removesuffix("\n").split("\n") if body else ():
            row = load(line)
            if not row.keys() <= _KEYS:
                raise KeyError(*sorted(row.keys() - _KEYS))
            get = row.get
            repository = row["repo"]
            packages[repository].append(
                Package(
                    row["name"],
                    row["evr"],
                    row["arch"],
                    repository,
                    tuple(get("provides", ())),
                    tuple(get("requires", ())),
                    tuple(get("conflicts", ())),
                    tuple(get("obsoletes", ())),
                    get("source", ""),
                )
            )
            number += 1
    except _FAULTS as error:
        raise _damaged(file, number, error) from None


@contextmanager
def _at(file: str, line: int) -> Iterator[None]:
    """Turn what reading raises into ours, with the line."""
    try:
        yield
    except _FAULTS as error:
        raise _damaged(file, line, error) from None


def _damaged(file: str, line: int, error: Exception) -> InputError:
    what = f"{error} is missing or unknown" if isinstance(error, KeyError) else str(error)
    return InputError(
        Code.BROKEN_BASE,
        f"the embedded extract is damaged: {what}",
        place=Place(file, line),
        hint="install streamsolve again, or name another base with --base",
    )
