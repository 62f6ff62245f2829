"""The packages and wheels below a directory: what each says of itself, and its GPU code."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from email.errors import MessageError
from email.parser import BytesParser
from pathlib import Path

from packaging.version import InvalidVersion

from ..errors import InputError
from ..model.artifacts import ArtifactKind, BuiltArtifact, Inventory, Unreadable
from ..model.component import distribution
from ..model.gpu import GpuFile
from ..model.kernel import BuiltModule
from ..model.pep508 import parse_version
from ..model.progress import Progress, no_progress
from ..rpms import Header, open_package
from .containers import (
    Member,
    broken,
    members_of_package,
    members_of_wheel,
    open_wheel,
    printable,
    reading,
)
from .feed import DamagedCodeError
from .kernel_module import MOST_MODULE, is_module, plain_module, read_module
from .reading import code_in_members, files_below

__all__ = ["take_inventory"]

_DEBUG = ("-debuginfo", "-debugsource")
_METADATA = ".dist-info/METADATA"
_MOST_METADATA = 16 << 20


def take_inventory(directory: Path, *, progress: Progress = no_progress) -> Inventory:
    """Read every package (``*.rpm``) and wheel (``*.whl``) below a directory.

    Digests are checked on the way. One that cannot be read is noted, and the others are read.
    Raises :class:`InputError` (``BROKEN_ARTIFACT``) if there is no such directory.
    """
    artifacts: list[BuiltArtifact] = []
    unreadable: list[Unreadable] = []
    sources = 0
    files = [file for file in files_below(directory) if file.suffix in (".rpm", ".whl")]
    for number, file in enumerate(files):
        progress("reading what was built", number, len(files))
        inside = file.relative_to(directory).as_posix() if directory.is_dir() else file.name
        shown = printable(inside)
        try:
            found = _package(file, shown) if file.suffix == ".rpm" else _wheel(file, shown)
        except InputError as error:
            where = f"{error.place.path}: " if error.place.path else ""
            unreadable.append(Unreadable(shown, printable(where + error.message)))
            continue
        if found is None:
            sources += 1
        else:
            artifacts.append(found)
    ordered = tuple(sorted(artifacts, key=lambda artifact: artifact.path))
    return Inventory(ordered, tuple(sorted(unreadable)), sources)


def _package(file: Path, shown: str) -> BuiltArtifact | None:
    with open_package(file) as package:
        header = package.header
        if header.source:
            return None
        files: tuple[GpuFile, ...] = ()
        modules: list[BuiltModule] = []
        if not header.name.endswith(_DEBUG):
            with closing(members_of_package(package)) as members:
                files = code_in_members(file, _without_modules(file, members, modules))
        else:
            for _ in package.entries():
                pass  # its digests are checked on the way
    return _built(header, shown, files, modules)


def _without_modules(
    file: Path, members: Iterable[Member], found: list[BuiltModule]
) -> Iterator[Member]:
    """The members without kernel modules, which are read whole on the way."""
    for member in members:
        if not is_module(member.path):
            yield member
            continue
        if member.size > MOST_MODULE:
            raise broken(file, f"it has more than {MOST_MODULE} bytes", member.path)
        try:
            content = plain_module(member.path, b"".join(member.blocks))
            found.append(read_module(printable(member.path), content))
        except DamagedCodeError as error:
            raise broken(file, str(error), member.path) from None


def _built(
    header: Header, shown: str, files: tuple[GpuFile, ...], modules: Sequence[BuiltModule]
) -> BuiltArtifact:
    return BuiltArtifact(
        path=shown,
        kind=ArtifactKind.PACKAGE,
        name=header.name,
        version=header.version,
        arch=header.arch,
        evr=header.evr,
        source=printable(header.sourcerpm),
        provides=tuple(sorted(set(map(printable, header.provides)))),
        requires=tuple(sorted(set(map(printable, header.requires)))),
        files=files,
        modules=tuple(sorted(modules, key=lambda module: module.path)),
    )


def _wheel(file: Path, shown: str) -> BuiltArtifact:
    with open_wheel(file) as archive:
        with reading(file):
            name, version, requires = _metadata(file, archive)
        with closing(members_of_wheel(archive)) as members:
            files = code_in_members(file, members)
    return BuiltArtifact(
        path=shown,
        kind=ArtifactKind.WHEEL,
        name=printable(distribution(name).name),
        version=version,
        arch=file.stem.rpartition("-")[2],
        requires=tuple(sorted(set(map(printable, requires)))),
        files=files,
    )


def _metadata(file: Path, archive: zipfile.ZipFile) -> tuple[str, str, list[str]]:
    """Name, version and requirements."""
    found = [each for each in archive.infolist() if _is_metadata(each.filename)]
    if len(found) != 1 or found[0].file_size > _MOST_METADATA:
        raise broken(file, "it has no METADATA of one distribution")
    try:
        message = BytesParser().parsebytes(archive.read(found[0]), headersonly=True)
        name, version = (
            str(message["Name"] or ""),
            str(parse_version(str(message["Version"] or ""))),
        )
    except (MessageError, InvalidVersion) as error:
        raise broken(file, f"its METADATA cannot be read: {error}") from None
    if not name:
        raise broken(file, "its METADATA has no name")
    requires = message.get_all("Requires-Dist") or []
    return name, version, [" ".join(str(text).split()) for text in requires]


def _is_metadata(name: str) -> bool:
    return name.endswith(_METADATA) and name.count("/") == 1
