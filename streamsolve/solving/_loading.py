"""A repository into the engine: from its cache, from rpm-md, or from values."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import IO

from attrs import evolve

from ..errors import Code, InputError, Place
from ..model.package import MetadataFile, Repository, RpmMd
from ._cache import FORMAT, open_cached, write_cache
from ._libsolv import BUILD, Engine

__all__ = ["cache_path", "convert", "load", "load_filelists"]

_BLOCK = 1 << 20


def load(engine: Engine, repository: Repository, cache: Path) -> int:
    """Load a repository without its file lists; returns its number in the engine.

    :class:`InputError` for a file that does not decompress or is not what it should be.
    """
    number = engine.add_repository(repository.id, repository.priority)
    content = repository.content
    if not isinstance(content, RpmMd):
        given = sorted({evolve(package, repository=repository.id) for package in content})
        engine.add_packages(number, given)
        return number
    path = cache_path(cache, repository, "primary")
    if not _read_cache(engine, number, path):
        _check(engine.read_primary(number, _decompressed(content.primary)), engine, content.primary)
        write_cache(path, lambda descriptor: engine.write_solv(number, descriptor))
    return number


def load_filelists(engine: Engine, number: int, repository: Repository, cache: Path) -> bool:
    """Add the file lists of a loaded repository; False if it has none.

    Their cache holds the whole repository, so the packages may get other numbers.
    """
    content = repository.content
    if not isinstance(content, RpmMd) or content.filelists is None:
        return False
    path = cache_path(cache, repository, "filelists")
    descriptor = open_cached(path)
    if descriptor is not None:
        engine.empty(number)
        if engine.read_solv(number, descriptor):
            return True
        engine.empty(number)
        _check(engine.read_primary(number, _decompressed(content.primary)), engine, content.primary)
    lists = content.filelists
    _check(engine.read_filelists(number, _decompressed(lists)), engine, lists)
    write_cache(path, lambda target: engine.write_solv(number, target))
    return True


def convert(primary: MetadataFile, path: Path) -> None:
    """Write the cache file of a primary.xml, and nothing else."""
    engine = Engine("noarch")
    number = engine.add_repository("converted", 0)
    _check(engine.read_primary(number, _decompressed(primary)), engine, primary)
    write_cache(path, lambda descriptor: engine.write_solv(number, descriptor))
    engine.close()


def cache_path(cache: Path, repository: Repository, part: str) -> Path:
    """Where a part of a repository is cached: by content, by build of libsolv, by our format."""
    return cache / f"{repository.digest}-{part}-{BUILD}-{FORMAT}.solv"


def _read_cache(engine: Engine, number: int, path: Path) -> bool:
    descriptor = open_cached(path)
    if descriptor is None:
        return False
    if engine.read_solv(number, descriptor):
        return True
    engine.empty(number)
    return False


def _check(read: bool, engine: Engine, file: MetadataFile) -> None:
    if not read:
        raise InputError(
            Code.BROKEN_REPOSITORY,
            f"the metadata cannot be read: {engine.error()}",
            place=Place(str(file.path)),
            hint="if it lies in the cache, delete it; else make the repository's metadata again",
        )


def _decompressed(file: MetadataFile) -> int:
    """A descriptor of the decompressed content, from its start, in memory. libsolv opens gzip
    at most, and would be handed nothing for the others."""
    descriptor = os.memfd_create(file.path.name)
    fault = ""
    with os.fdopen(descriptor, "wb", closefd=False) as target:
        try:
            with file.path.open("rb") as stored:
                _copy(stored, target, file.path.suffix)
        except (OSError, EOFError) as error:
            fault = str(error) or "it ends early"
        size = target.tell()
    if file.open_size and size != file.open_size:
        fault = fault or f"{size} bytes instead of {file.open_size}"
    if not fault:
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor
    os.close(descriptor)
    raise InputError(
        Code.TRUNCATED_FILE,
        f"the file does not decompress: {fault}",
        place=Place(str(file.path)),
        hint="fetch it again; if it lies in the cache, delete it first",
    )


def _copy(stored: IO[bytes], target: IO[bytes], suffix: str) -> None:
    """Decompress; OSError or EOFError for damage. Each module is wanted by few repositories, and
    none when all are cached."""
    match suffix:
        case ".zst":
            import zstandard

            decompressor = zstandard.ZstdDecompressor()
            try:
                with decompressor.stream_reader(stored, read_across_frames=True) as reader:
                    shutil.copyfileobj(reader, target, _BLOCK)
            except zstandard.ZstdError as error:
                raise OSError(str(error)) from None
        case ".gz":
            import gzip
            import zlib

            try:
                with gzip.GzipFile(fileobj=stored) as unzipped:
                    shutil.copyfileobj(unzipped, target, _BLOCK)
            except zlib.error as error:
                raise OSError(str(error)) from None
        case ".xz":
            import lzma

            try:
                with lzma.LZMAFile(stored) as unpacked:
                    shutil.copyfileobj(unpacked, target, _BLOCK)
            except lzma.LZMAError as error:
                raise OSError(str(error)) from None
        case ".bz2":
            import bz2

            with bz2.BZ2File(stored) as expanded:
                shutil.copyfileobj(expanded, target, _BLOCK)
        case _:
            shutil.copyfileobj(stored, target, _BLOCK)
