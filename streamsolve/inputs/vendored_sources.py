"""Lists and other tools' locks on this disk, known by their names, with the licences beside
them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from attrs import evolve

from ..errors import Code, ErrorCollector, InputError, Place
from ..model.vendored import Ecosystem, VendoredPackage
from .cargo_lock import parse_cargo_lock
from .cargo_vendor import read_cargo_licences
from .node_modules import read_npm_licences
from .npm_lock import parse_npm_lock
from .pnpm_lock import parse_pnpm_lock
from .vendored_file import parse_vendored
from .vendored_words import LARGEST_LOCK, join, read_bounded

__all__ = [
    "LOCK_NAMES",
    "filled_from_directory",
    "keep_licences",
    "read_vendored_list",
    "read_vendored_sources",
]

_Read = Callable[[str, str], tuple[VendoredPackage, ...]]

_READERS: Mapping[str, _Read] = {
    "Cargo.lock": lambda text, file: parse_cargo_lock(text, file=file).packages,
    # npm takes the shrinkwrap where both are there.
    "npm-shrinkwrap.json": lambda text, file: parse_npm_lock(text, file=file).packages,
    "package-lock.json": lambda text, file: parse_npm_lock(text, file=file).packages,
    "pnpm-lock.yaml": lambda text, file: parse_pnpm_lock(text, file=file).packages,
}
LOCK_NAMES = tuple(_READERS)
_LIST = ".jsonl"


def read_vendored_sources(locations: Iterable[str]) -> tuple[VendoredPackage, ...]:
    """What all locations list together, sorted: a lock by its usual name, a list (``*.jsonl``), or
    a directory with one or more locks. A crate's licence is taken from ``vendor/`` beside its lock,
    and an npm package's from ``node_modules/``, where they are there.

    Raises :class:`InputErrors` with every fault of all of them.
    """
    faults = ErrorCollector(Code.BROKEN_FOREIGN_LOCK)
    found: list[VendoredPackage] = []
    for location in dict.fromkeys(locations):
        with faults.collect():
            for path in _files(Path(location), location):
                found += _read(path, str(path))
    if len(faults.errors) == 1:
        raise faults.errors[0]
    faults.raise_if_any("what is vendored cannot be read")
    return join(found, file=", ".join(dict.fromkeys(locations)))


def _files(path: Path, shown: str) -> list[Path]:
    if path.is_dir():
        names = [name for name in LOCK_NAMES if (path / name).is_file()]
        if "npm-shrinkwrap.json" in names and "package-lock.json" in names:
            names.remove("package-lock.json")
        if names:
            return [path / name for name in names]
        message = f"there is none of {', '.join(LOCK_NAMES)} in it"
    elif not path.is_file():
        message = "there is no such file or directory"
    elif path.name in _READERS or path.suffix == _LIST:
        return [path]
    else:
        message = f"what it is cannot be told from its name: {', '.join(LOCK_NAMES)} or *{_LIST}"
    raise InputError(Code.BROKEN_FOREIGN_LOCK, message, place=Place(shown))


def _read(path: Path, shown: str) -> tuple[VendoredPackage, ...]:
    # Four bytes are the most that a character takes.
    text = read_bounded(path, 4 * LARGEST_LOCK, path.parent, shown_as=shown)
    if path.name not in _READERS:
        return parse_vendored(text, file=shown)
    return filled_from_directory(_READERS[path.name](text, shown), path.parent)


def read_vendored_list(path: Path) -> tuple[VendoredPackage, ...]:
    """A list on this disk, whatever its name; :class:`InputErrors` with every fault."""
    return parse_vendored(
        read_bounded(path, 4 * LARGEST_LOCK, path.parent, shown_as=str(path)), file=str(path)
    )


def filled_from_directory(
    packages: Iterable[VendoredPackage], directory: Path
) -> tuple[VendoredPackage, ...]:
    """The packages with the licences of what is unpacked in a directory; what a package says of
    itself there counts before what its lock has."""
    found = tuple(packages)
    of = {
        Ecosystem.CARGO: read_cargo_licences,
        Ecosystem.NPM: read_npm_licences,
    }
    for ecosystem, read in of.items():
        if any(each.ecosystem is ecosystem for each in found):
            known = read(directory)
            found = tuple(
                _with(each, known) if each.ecosystem is ecosystem else each for each in found
            )
    return tuple(sorted(found))


def _with(package: VendoredPackage, known: Mapping[tuple[str, str], str]) -> VendoredPackage:
    licence = known.get((package.name, package.version), "")
    return evolve(package, licence=licence, licence_of="") if licence else package


def keep_licences(
    packages: Iterable[VendoredPackage], earlier: Iterable[VendoredPackage]
) -> tuple[VendoredPackage, ...]:
    """The packages with the licences that an earlier list has for the very same ones, where they
    have none: what somebody looked up by hand is not lost."""
    known = {each.identity: each for each in earlier if each.licence}
    return tuple(
        evolve(each, licence=old.licence, licence_of=old.licence_of)
        if not each.licence and (old := known.get(each.identity)) is not None
        else each
        for each in sorted(packages)
    )
