"""Bases, opened: every repository found, fetched and checked.

A base is named by a definition or by a directory. A name that has a definition, or an extract of
the application, means that, even where a directory of that name lies beside; ``./NAME`` means the
directory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from attrs import evolve

from ..errors import Code, InputError, InputErrors, Place, nearest
from ..model import Base, Repository
from .base_definitions import (
    BaseDefinition,
    RepositoryDefinition,
    bases_directory,
    find_definition,
)
from .embedded_base import read_extract
from .overlays import Overlay, as_locked, located, parse_overlay
from .repositories import LocationKind, open_repository
from .shipped import profiles_directory
from .transport import Transport

__all__ = [
    "DEFAULT_BUILD_GROUP",
    "EXTRACTS",
    "Overlay",
    "as_locked",
    "extract_path",
    "located",
    "open_base",
    "parse_overlay",
    "shipped_extracts",
]

EXTRACTS = "bases"
"""The directory of an application's base extracts, beside its profile."""

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

_COPY = (
    "check the address and the network; a copy on this disk is named by --base DIR, or a single "
    "repository by --repo NAME=DIR"
)

_ARCHITECTURES = frozenset({"aarch64", "i386", "i686", "ppc64le", "riscv64", "s390x", "x86_64"})
_SOURCE_DIRECTORIES = frozenset({"SRPMS", "source", "src"})
_MIRRORED = ("os", "tree")
"""Where a mirror has the repository below the directory of an architecture, and of sources."""
_DEEPEST = 2
"""How many levels down bases are looked for, only to name them."""


def extract_path(name: str, arch: str, directory: Path) -> Path:
    """Where an application's extract of a base lies, if it has one there."""
    return directory / f"{name}-{arch}.jsonl"


def shipped_extracts(application: str) -> Path:
    """The directory of the base extracts that come with the tool for an application."""
    return profiles_directory() / application / EXTRACTS


def open_base(
    name_or_directory: str,
    *,
    arch: str,
    transport: Transport,
    overlays: Sequence[Overlay] = (),
    definitions: Path | None = None,
    extracts: Path | None = None,
) -> Base:
    """Open a base for one architecture, with its overlays behind its own repositories.

    ``definitions`` is where definitions lie, if not those that come with the tool. ``extracts``
    holds the base extracts of one application: without an overlay, its extract of that name and
    architecture is used where there is one, which needs no network and suffices for that
    application alone; None uses none. What a definition leaves to the user to name is taken from
    the overlays, and is the base's own.

    Raises :class:`InputError`: ``UNKNOWN_BASE``, ``BROKEN_BASE``, ``BAD_OPTION`` for an unknown
    architecture or one that a directory has nothing of, ``REPOSITORIES_NOT_GIVEN``,
    ``UNKNOWN_OVERLAY``, and what :func:`open_repository` raises; if several repositories fail,
    :class:`InputErrors` with all of them.
    """
    definition = find_definition(name_or_directory, definitions)
    if definition is not None:
        _check_architecture(definition, arch)
    if extracts is not None and not overlays and name_or_directory == Path(name_or_directory).name:
        extract = extract_path(name_or_directory, arch, extracts)
        if extract.is_file():
            return read_extract(extract.read_text("utf-8"), file=_shown(extract))
    if definition is not None:
        name, rows = definition.name, definition.repositories
        variables: Mapping[str, str] | None = definition.variables(arch)
        _check_given(definition, overlays)
    else:
        directory = Path(name_or_directory).expanduser()
        if not directory.is_dir():
            raise _unknown(name_or_directory, definitions)
        name, rows = directory.resolve().name, _repositories_in(directory, name_or_directory, arch)
        definition = find_definition(name, definitions)
        variables = None
    found = [located(overlay, name) for overlay in overlays]
    above = _overlay_rows(found, {row.id for row in rows})
    known = definition.variables(arch) if definition else {"basearch": arch, "arch": arch}
    wanted = [(row, variables) for row in rows] + [(row, known) for row in above]
    exempt = {overlay.name for overlay in overlays if overlay.module_hotfixes}
    opened = tuple(
        evolve(each, module_hotfixes=True) if each.id in exempt else each
        for each in _open_all(wanted, transport)
    )
    own = definition.may_be_given if definition and variables is not None else frozenset()
    opened = tuple(sorted(opened, key=lambda each: each.id not in {row.id for row in rows} | own))
    given = tuple(sorted(each.id for each in opened if each.id in own))
    named = tuple(sorted(overlay.name for overlay in overlays))
    return evolve(_base(name, arch, opened, definition), given=given, overlays=named)


def _shown(extract: Path) -> str:
    """The file's last parts: APPLICATION/bases/FILE, wherever that lies."""
    return "/".join(extract.parts[-3:])


def _check_architecture(definition: BaseDefinition, arch: str) -> None:
    if arch not in definition.architectures:
        raise InputError(
            Code.BAD_OPTION,
            f"the base {definition.name!r} is not made for the architecture {arch!r}",
            hint=nearest(arch, definition.architectures),
        )


def _check_given(definition: BaseDefinition, overlays: Sequence[Overlay]) -> None:
    missing = sorted(set(definition.given) - {overlay.name for overlay in overlays})
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise InputError(
            Code.REPOSITORIES_NOT_GIVEN,
            f"where the repositories of {definition.name} are, only you know: "
            f"{' and '.join(missing)} {are} not named",
            place=Place(definition.file, path="given"),
            hint="add " + " ".join(f"--repo {name}=URL" for name in missing),
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
    side. Deeper ones are not taken: a directory of bases would be one base with all of them.
    """
    own = directory.resolve().name
    if _is_repository(directory):
        if own in _ARCHITECTURES - {arch}:
            raise _other_architectures([own], shown_as, arch)
        return (_row(own, Path(), directory),)
    relatives = _below(directory, arch)
    others = _architectures_in(directory) - {arch}
    # Sources alone are no base: with nothing but them, a plan would have odd conflicts.
    if others and all(map(_holds_sources, relatives)):
        raise _other_architectures(sorted(others), shown_as, arch)
    if not relatives:
        raise _no_repository(directory, shown_as, arch)
    return tuple(_row("-".join(path.parts), path, directory / path) for path in relatives)


def _is_repository(directory: Path) -> bool:
    return (directory / "repodata").is_dir()


def _below(directory: Path, arch: str) -> list[Path]:
    """The repositories in a directory for an architecture, relative to it."""
    found = _all_below(directory)
    return [path for path in found if not _ARCHITECTURES.intersection(path.parts) - {arch}]


def _architectures_in(directory: Path) -> frozenset[str]:
    """The architectures after which repositories in a directory are named."""
    return _ARCHITECTURES.intersection(
        part for path in _all_below(directory) for part in path.parts
    )


def _all_below(directory: Path) -> list[Path]:
    found: list[Path] = []
    for path in _subdirectories(directory):
        inner = [path, *(path / name for name in _MIRRORED)]
        found += [one.relative_to(directory) for one in inner if _is_repository(one)][:1]
    return found


def _subdirectories(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if path.is_dir())
    except OSError:
        return []


def _other_architectures(others: Sequence[str], shown_as: str, arch: str) -> InputError:
    told = " and ".join(filter(None, (", ".join(others[:-1]), others[-1])))
    return InputError(
        Code.BAD_OPTION,
        f"it is not for {arch}: it has repositories for {told}",
        place=Place(shown_as),
        hint=f"ask for one of them, such as --arch {others[0]}, or put those for {arch} beside "
        "them, as createrepo_c or `dnf reposync` makes them",
    )


def _no_repository(directory: Path, shown_as: str, arch: str) -> InputError:
    """That there is none, and the bases further down, one of which may be meant."""
    bases: list[str] = []
    level = _subdirectories(directory)
    for _ in range(_DEEPEST):
        found = {path for path in level if _below(path, arch)}
        bases += [path.relative_to(directory).as_posix() for path in found]
        level = [inner for path in level if path not in found for inner in _subdirectories(path)]
    place = Place(shown_as)
    if bases:
        are = "is a base: name it" if len(bases) == 1 else "are bases: name one of them"
        return InputError(
            Code.NO_REPODATA,
            f"{', '.join(sorted(bases))} in it {are}",
            place=place,
            hint=f"such as {shown_as.rstrip('/')}/{min(bases)}",
        )
    mirrored = " or ".join(f"DIR/{name}/" for name in _MIRRORED)
    return InputError(
        Code.NO_REPODATA,
        f"no directory repodata/ in it, in a DIR in it, or in {mirrored}, for {arch}",
        place=place,
        hint="run createrepo_c there, or give another directory",
    )


def _row(repository_id: str, relative: Path, path: Path) -> RepositoryDefinition:
    return RepositoryDefinition(
        repository_id,
        LocationKind.BASEURL,
        str(path),
        _holds_sources(relative if relative.name else Path(repository_id)),
    )


def _holds_sources(relative: Path) -> bool:
    named = bool(_SOURCE_DIRECTORIES.intersection(relative.parts))
    return named or relative.name.endswith("-source")


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
                overlay.name, overlay.kind, overlay.location, sources, overlay.priority
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
    if failures and all(_unreached(each) for each in failures):
        failures[-1].hint = _COPY
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise InputErrors(
            failures[0].code, f"{len(failures)} repositories cannot be used:", failures
        )
    return tuple(opened)


def _unreached(error: InputError) -> bool:
    """Whether the network, or its absence, is all that is said; what else is wrong has a hint."""
    return error.code is Code.REPOSITORY_UNREACHABLE and not error.hint


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
