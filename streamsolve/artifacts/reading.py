"""The GPU code in packages, wheels, directories and files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from ..errors import Code, InputError, Place
from ..model.gpu import GpuFile
from ..rpms import open_package
from .containers import (
    Member,
    broken,
    is_package,
    is_wheel,
    members_of_package,
    members_of_wheel,
    open_wheel,
    plain_file,
    reading,
)
from .feed import DamagedCodeError, Feed
from .scan import is_worth_reading, read_code, told_by_name

__all__ = ["code_in_members", "code_of_file", "files_below"]


def files_below(path: Path) -> tuple[Path, ...]:
    """The file itself, or all below a directory, sorted; links are left out. Raises
    :class:`InputError` (``BROKEN_ARTIFACT``) for what is neither."""
    with reading(path):
        if path.is_dir():
            found = (each for each in path.rglob("*") if not each.is_symlink() and each.is_file())
            return tuple(sorted(found))
        if path.is_file():
            return (path,)
    raise broken(path, "there is no such file or directory")


def code_of_file(path: Path) -> tuple[GpuFile, ...]:
    """The files with GPU code in a package or wheel, or the file itself if it has any.

    Raises :class:`InputError` (``BROKEN_ARTIFACT``, ``BAD_PACKAGE_FILE``), which names the file and
    where in it the fault is.
    """
    if is_package(path):
        with open_package(path) as package, closing(members_of_package(package)) as members:
            return code_in_members(path, members)
    if is_wheel(path):
        with open_wheel(path) as archive, closing(members_of_wheel(archive)) as members:
            return code_in_members(path, members)
    with reading(path), path.open("rb") as opened:
        return code_in_members(path, [plain_file(path, opened, path.name)])


def code_in_members(path: Path, members: Iterable[Member]) -> tuple[GpuFile, ...]:
    """The files with GPU code among those of an artifact, sorted by path; raises as
    :func:`code_of_file`."""
    with reading(path):
        return tuple(sorted(_code(path, members), key=lambda file: file.path))


def _code(path: Path, members: Iterable[Member]) -> Iterator[GpuFile]:
    for member in members:
        code = told_by_name(member.path)
        if not code and is_worth_reading(member.path, member.head):
            try:
                code = read_code(Feed(member.blocks, member.size, member.jump), member.path)
            except DamagedCodeError as error:
                inside = "" if member.path == path.name else member.path
                raise InputError(
                    Code.BROKEN_ARTIFACT, str(error), place=Place(str(path), path=inside)
                ) from None
        if code:
            yield GpuFile(member.path, code)
