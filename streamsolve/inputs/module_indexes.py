"""Where module metadata lies: repositories, directories of documents, or single files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from attrs import evolve

from ..errors import Code, ErrorCollector, InputError, Place, nearest
from ..model.modules import ModuleIndex, ModuleStream
from ..model.package import Repository, RpmMd
from .compression import open_stream
from .module_documents import parse_modules
from .repositories import open_repository
from .transport import Transport

__all__ = ["modules_of", "open_module_index", "read_module"]

_SUFFIXES = (".yaml", ".yml")
_LARGEST = 64 << 20


def open_module_index(locations: Sequence[str], transport: Transport) -> ModuleIndex:
    """The modules of all locations together: repositories (a directory or an address), directories
    that hold repositories or documents (``*.yaml``), and files of documents.

    Raises :class:`InputError` for a location that is none of these, or is broken; of several, all.
    """
    found: list[ModuleIndex] = []
    faults = ErrorCollector(Code.BROKEN_MODULES)
    for location in sorted(set(locations)):
        with faults.collect():
            found += _at(location, transport)
    if len(faults.errors) == 1:
        raise faults.errors[0]
    faults.raise_if_any("the module metadata cannot be used")
    return ModuleIndex.joined(found)


def modules_of(repositories: Iterable[Repository]) -> ModuleIndex:
    """The modules of repositories that are open."""
    found = []
    for repository in repositories:
        content = repository.content
        if isinstance(content, RpmMd) and content.modules is not None:
            found.append(_read(content.modules.path, f"{repository.id}: modules.yaml"))
    return ModuleIndex.joined(found)


def read_module(path: Path, name: str = "") -> ModuleStream:
    """The module that a file describes; ``name`` (``NAME[:STREAM]``) says which of several.

    One without a name, as packagers write them, is called as its file is. :class:`InputError`
    lists the choices where it is ambiguous.
    """
    place = Place(str(path))
    if not path.is_file():
        raise InputError(Code.BROKEN_MODULES, "there is no such file", place=place)
    streams = [
        stream if stream.name else evolve(stream, name=path.stem)
        for stream in _read(path, str(path)).streams
    ]
    known = sorted({_named(stream) for stream in streams})
    found = [stream for stream in streams if name in ("", stream.name, _named(stream))]
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(
            Code.UNKNOWN_MODULE,
            f"it describes no module {name!r}" if name else "it describes no module",
            place=place,
            hint=nearest(name, known) if name else "a document of the kind modulemd is expected",
        )
    raise InputError(
        Code.UNKNOWN_MODULE,
        f"it describes {len(found)} modules: {', '.join(known)}",
        place=place,
        hint="say which: --module NAME:STREAM",
    )


def _named(stream: ModuleStream) -> str:
    return f"{stream.name}:{stream.stream}".rstrip(":")


def _at(location: str, transport: Transport) -> list[ModuleIndex]:
    path = Path(location).expanduser()
    if "://" in location or (path / "repodata").is_dir():
        return [_of_repository(location, transport)]
    if path.is_file():
        return [_read(path, location)]
    if not path.is_dir():
        raise InputError(
            Code.NO_REPODATA,
            "there is no such file or directory",
            place=Place(location),
            hint="give a repository, a directory of repositories or of documents, or a file",
        )
    inner = sorted(each for each in path.iterdir() if (each / "repodata").is_dir())
    files = sorted(each for each in path.iterdir() if each.suffix in _SUFFIXES)
    if not inner and not files:
        raise InputError(
            Code.NO_REPODATA,
            "it holds neither a repository nor a document *.yaml",
            place=Place(location),
        )
    return [
        *(_of_repository(str(each), transport) for each in inner),
        *(_read(each, str(each)) for each in files),
    ]


def _of_repository(location: str, transport: Transport) -> ModuleIndex:
    name = location.rstrip("/").rpartition("/")[2]
    return modules_of([open_repository(name, location, transport=transport)])


def _read(path: Path, shown: str) -> ModuleIndex:
    with open_stream(path, file=shown) as stream:
        content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        message = f"more than {_LARGEST >> 20} MiB of module metadata"
        raise InputError(Code.BROKEN_MODULES, message, place=Place(shown))
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        place = Place(shown, line)
        raise InputError(Code.BROKEN_MODULES, "no UTF-8", place=place) from None
    return parse_modules(text, file=shown)
