"""Bases, opened: every repository found, fetched and checked.

A base is named by a definition or by a directory. A name that has a definition means that
definition, even where a directory of that name lies beside; ``./NAME`` means the directory.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from ..errors import Code, InputError, InputErrors, Place, nearest
from ..model import Base, Repository
from .base_definitions import (
    BaseDefinition,
    RepositoryDefinition,
    bases_directory,
    find_definition,
)
from .embedded_base import read_extract
from .repositories import LocationKind, open_repository
from .transport import Transport

__all__ = ["DEFAULT_BUILD_GROUP", "Overlay", "extract_path", "open_base", "parse_overlay"]

DEFAULT_BUILD_GROUP = (
    "bash",
    "bzip2",
    "coreutils",
    "cpio",
    "diffutils",
    "findutils",
    "gawk",
    "glibc-minimal-langpack",
    "grep",
    "gzip",
    "info",
    "patch",
    "redhat-rpm-config",
    "rpm-build",
    "sed",
    "shadow-utils",
    "tar",
    "unzip",
    "util-linux",
    "which",
    "xz",
)
"""What a build root of a base without a definition starts from: what is common to the build groups
of Fedora and of the distributions made from it."""

_ARCHITECTURES = frozenset({"aarch64", "i386", "i686", "ppc64le", "riscv64", "s390x", "x86_64"})
_SOURCE_DIRECTORIES = frozenset({"SRPMS", "source", "src"})
_DEEPEST = 3
_OVERLAY = re.compile(r"(?P<name>[A-Za-z0-9][\w.:-]*)=(?P<location>.+?)(?:,priority=(?P<rank>.*))?")
_LOWEST_PRIORITY = 99


@frozen
class Overlay:
    """A further repository on top of a base. The smaller ``priority`` wins; a base has 99."""

    name: str
    location: str
    priority: int = _LOWEST_PRIORITY


def parse_overlay(text: str) -> Overlay:
    """Read ``NAME=URL[,priority=N]``; :class:`InputError` with ``BAD_OPTION``."""
    match = _OVERLAY.fullmatch(text)
    if match is None:
        raise InputError(
            Code.BAD_OPTION,
            f"{text!r} does not name a repository",
            hint="write it as NAME=URL or NAME=URL,priority=N, such as cuda=https://…,priority=50",
        )
    rank = match["rank"]
    if rank is not None and not (rank.isascii() and rank.isdigit() and 1 <= int(rank) <= 99):
        raise InputError(
            Code.BAD_OPTION,
            f"{rank!r} is no priority of the repository {match['name']!r}",
            hint="a priority is a number from 1 (first) to 99 (last)",
        )
    return Overlay(match["name"], match["location"], int(rank or _LOWEST_PRIORITY))


def extract_path(name: str, arch: str, directory: Path | None = None) -> Path:
    """Where the embedded extract of a base lies, if there is one."""
    return (directory or bases_directory()) / f"{name}-{arch}.jsonl"


def open_base(
    name_or_directory: str,
    *,
    arch: str,
    transport: Transport,
    overlays: Sequence[Overlay] = (),
    embedded_dir: Path | None = None,
    prefer_embedded: bool = False,
) -> Base:
    """Open a base for one architecture, with its overlays behind its own repositories.

    ``embedded_dir`` holds definitions and extracts, if not those that come with the tool. With
    ``prefer_embedded`` and no overlay the extract of a definition is used where there is one; it
    needs no network. Raises :class:`InputError`: ``UNKNOWN_BASE``, ``BROKEN_BASE``,
    ``BAD_OPTION`` for an unknown architecture, and what :func:`open_repository` raises; if several
    repositories fail, :class:`InputErrors` with all of them.
    """
    definition = find_definition(name_or_directory, embedded_dir)
    if definition is not None:
        extract = extract_path(definition.name, arch, embedded_dir)
        _check_architecture(definition, arch)
        if prefer_embedded and not overlays and extract.is_file():
            return read_extract(extract.read_text("utf-8"), file=f"bases/{extract.name}")
        name, rows = definition.name, definition.repositories
        variables: Mapping[str, str] | None = definition.variables(arch)
    else:
        directory = Path(name_or_directory).expanduser()
        if not directory.is_dir():
            raise _unknown(name_or_directory, embedded_dir)
        name, rows = directory.resolve().name, _repositories_in(directory, name_or_directory, arch)
        definition = find_definition(name, embedded_dir)
        variables = None
    above = _overlay_rows(overlays, {row.id for row in rows})
    known = definition.variables(arch) if definition else {"basearch": arch, "arch": arch}
    wanted = [(row, variables) for row in rows] + [(row, known) for row in above]
    return _base(name, arch, _open_all(wanted, transport), definition)


def _check_architecture(definition: BaseDefinition, arch: str) -> None:
    if arch not in definition.architectures:
        raise InputError(
            Code.BAD_OPTION,
            f"the base {definition.name!r} is not made for the architecture {arch!r}",
            hint=nearest(arch, definition.architectures),
        )


def _unknown(name: str, directory: Path | None) -> InputError:
    if "/" in name or name.startswith("."):
        place = Place(name)
        return InputError(Code.UNKNOWN_BASE, "there is no such directory", place=place)
    known = (path.stem for path in (directory or bases_directory()).glob("*.toml"))
    return InputError(
        Code.UNKNOWN_BASE,
        f"there is no base {name!r}, and no directory of that name",
        hint=nearest(name, known),
    )


def _repositories_in(directory: Path, shown_as: str, arch: str) -> tuple[RepositoryDefinition, ...]:
    """The repositories of a directory, sorted by path; or itself, if it is one.

    Those under the name of another architecture are left out: a mirror's tree has them side by
    side.
    """
    if (directory / "repodata").is_dir():
        return (_row(directory.resolve().name, Path(), directory),)
    found: list[RepositoryDefinition] = []
    for path in _below(directory, _DEEPEST):
        relative = path.relative_to(directory)
        if not _ARCHITECTURES.intersection(relative.parts) - {arch}:
            found.append(_row("-".join(relative.parts), relative, path))
    if not found:
        raise InputError(
            Code.NO_REPODATA,
            f"no directory repodata/ in it or up to {_DEEPEST} levels below it, for {arch}",
            place=Place(shown_as),
            hint="run createrepo_c there, or give another directory",
        )
    return tuple(found)


def _below(directory: Path, levels: int) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        if not path.is_dir():
            continue
        if (path / "repodata").is_dir():
            yield path
        elif levels > 1:
            yield from _below(path, levels - 1)


def _row(repository_id: str, relative: Path, path: Path) -> RepositoryDefinition:
    last = relative.name or repository_id
    sources = bool(_SOURCE_DIRECTORIES.intersection((*relative.parts, last)))
    return RepositoryDefinition(
        repository_id, LocationKind.BASEURL, str(path), sources or last.endswith("-source")
    )


def _overlay_rows(
    overlays: Sequence[Overlay], taken: Collection[str]
) -> tuple[RepositoryDefinition, ...]:
    seen = set(taken)
    rows: list[RepositoryDefinition] = []
    for overlay in overlays:
        if overlay.name in seen:
            raise InputError(
                Code.BAD_OPTION,
                f"there is already a repository {overlay.name!r}",
                hint="give the overlay another name",
            )
        seen.add(overlay.name)
        sources = overlay.name.endswith("-source")
        rows.append(
            RepositoryDefinition(
                overlay.name, LocationKind.BASEURL, overlay.location, sources, overlay.priority
            )
        )
    return tuple(rows)


def _open_all(
    rows: Sequence[tuple[RepositoryDefinition, Mapping[str, str] | None]], transport: Transport
) -> tuple[Repository, ...]:
    """Open each; a single failure is raised as it is, several as one error that holds them."""
    opened: list[Repository] = []
    failures: list[InputError] = []
    for row, variables in rows:
        try:
            repository = open_repository(
                row.id,
                row.location,
                transport=transport,
                priority=row.priority,
                sources=row.sources,
                kind=row.kind,
                variables=variables,
            )
        except InputError as error:
            failures.append(error)
        else:
            opened.append(repository)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise InputErrors(
            failures[0].code, f"{len(failures)} repositories cannot be used:", failures
        )
    return tuple(opened)


def _base(
    name: str,
    arch: str,
    repositories: tuple[Repository, ...],
    definition: BaseDefinition | None,
) -> Base:
    """A base without a definition says nothing of its Python: its packages do."""
    if definition is None:
        return Base(name, arch, "", repositories, build_group=DEFAULT_BUILD_GROUP)
    return Base(
        name,
        arch,
        definition.python,
        repositories,
        release=definition.release,
        python_full=definition.python_full,
        build_group=definition.build_group,
        glibc=definition.glibc,
    )
