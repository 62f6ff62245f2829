"""Layers from packages: read, digested, compressed and written in one pass, several at once.

A layer has its directories first, sorted, then its packages in their order, each file in the order
of its package, which RPM keeps sorted by path. So nothing has to be kept until it is needed, and
memory does not depend on how large anything is.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event

from attrs import define, field, frozen

from ..rpms import Entry, FileKind, PackageFile, open_package
from ..rpms.decompression import PIECE
from ..rpms.payload import bad_package
from .accounts import Accounts
from .blobs import BlobStore, BlobWriter, Descriptor
from .compression import Compression
from .contents import LayerContents, PackagePart
from .members import entry_member
from .tar import END, Member, header, padding

__all__ = ["LayerFile", "write_file_layer", "write_layers"]

_BLOCK = 1 << 18
_MOST_AT_ONCE = 4


@frozen
class LayerFile:
    """A file that comes from no package, with where its content is."""

    member: Member
    source: Path


def write_layers(
    layers: Sequence[LayerContents],
    accounts: Accounts,
    store: BlobStore,
    *,
    compression: Compression,
    latest: int | None,
) -> tuple[Descriptor, ...]:
    """Write all layers, as many at once as there are processors, and at most four: each needs
    memory, and more than that reading does not keep busy.

    ``latest`` bounds the times of files; None means that each package's own time of building does.
    Raises :class:`InputError` (``BAD_PACKAGE_FILE``) for a package that is not what its header
    says. Then what was begun is taken away, and the other layers are not finished.
    """
    processors = min(len(os.sched_getaffinity(0)), _MOST_AT_ONCE)
    workers = max(1, processors // max(len(layers), 1))
    stop = Event()
    with ThreadPoolExecutor(processors) as blocks, ThreadPoolExecutor(processors) as several:
        running = [
            several.submit(
                _write,
                store.layer(compression, blocks, workers),
                partial(_LayerWriter, layer, accounts, latest, stop),
            )
            for layer in layers
        ]
        try:
            return tuple(each.result() for each in running)
        except BaseException:
            stop.set()
            raise


def write_file_layer(
    members: Sequence[Member],
    files: Sequence[LayerFile],
    store: BlobStore,
    *,
    compression: Compression,
) -> Descriptor:
    """Write a layer of files that come from no package, after members without content."""
    with ThreadPoolExecutor(1) as blocks:
        writer = store.layer(compression, blocks)
        return _write(writer, partial(_FilesWriter, members, files))


def _write(
    writer: BlobWriter, make: Callable[[BlobWriter], _LayerWriter | _FilesWriter]
) -> Descriptor:
    try:
        make(writer).write()
        writer.write(END)
        return writer.finish()
    except BaseException:
        writer.abandon()
        raise


@define
class _FilesWriter:
    _members: Sequence[Member]
    _files: Sequence[LayerFile]
    _writer: BlobWriter

    def write(self) -> None:
        for member in self._members:
            self._writer.write(header(member))
        for file in self._files:
            self._writer.write(header(file.member))
            with file.source.open("rb") as stream:
                while block := stream.read(_BLOCK):
                    self._writer.write(block)
            self._writer.write(padding(file.member.size))


class _Stopped(Exception):
    """Another layer failed, and tells why."""


@define
class _LayerWriter:
    _layer: LayerContents
    _accounts: Accounts
    _latest: int | None
    _stop: Event
    _writer: BlobWriter
    _names: dict[tuple[int, int], list[tuple[Entry, bytes]]] = field(factory=dict)

    def write(self) -> None:
        for member in self._layer.members:
            self._writer.write(header(member))
        for part in self._layer.parts:
            with open_package(part.path) as package:
                if package.header != part.header:
                    name = part.header.nevra
                    raise bad_package(part.path, name, "it changed while the image was made")
                self._package(package, part)

    def _package(self, package: PackageFile, part: PackagePart) -> None:
        latest = part.header.build_time if self._latest is None else self._latest
        self._names.clear()
        for entry in package.entries(part.files):
            if self._stop.is_set():
                raise _Stopped
            if entry.kind is FileKind.DIRECTORY:
                continue
            path = part.moved.get(entry.index, entry.path)
            made = entry.index not in part.left_out
            if entry.link_group is not None:
                self._linked(package, entry, path, made=made, latest=latest)
            elif made:
                member = entry_member(entry, path, self._accounts, latest)
                self._file(member, package.read(entry))

    def _linked(
        self, package: PackageFile, entry: Entry, path: bytes, *, made: bool, latest: int
    ) -> None:
        """One name of several. The first that is made gets the content, which comes with the
        last; the others are links to it."""
        assert entry.link_group is not None  # noqa: S101 - what the caller looked at
        names = self._names.setdefault(entry.link_group, [])
        if made:
            names.append((entry, path))
        if not entry.has_content or not names:
            return
        _, first = names[0]
        self._file(entry_member(entry, first, self._accounts, latest), package.read(entry))
        for other, place in names[1:]:
            link = entry_member(other, place, self._accounts, latest)
            self._writer.write(
                header(
                    Member(
                        path=place,
                        kind=tarfile.LNKTYPE,
                        mode=link.mode,
                        uid=link.uid,
                        gid=link.gid,
                        mtime=link.mtime,
                        target=first,
                    )
                )
            )

    def _file(self, member: Member, content: Iterator[bytes]) -> None:
        if member.kind == tarfile.REGTYPE and member.size <= PIECE:
            # Most files are small: the fewer steps for each, the better.
            self._writer.write(header(member), *content, padding(member.size))
        elif member.kind == tarfile.REGTYPE:
            self._writer.write(header(member))
            for piece in content:
                self._writer.write(piece)
            self._writer.write(padding(member.size))
        else:
            self._writer.write(header(member))
