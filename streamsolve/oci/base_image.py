"""A base image, read from an OCI layout on this disk: each blob is checked, none is unpacked."""

from __future__ import annotations

import hashlib
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

import zstandard
from attrs import define, field, frozen

from ..archives import ARCHIVE_FAULTS, tar_members
from ..errors import Code, InputError
from .blobs import Descriptor
from .layout_files import INDEX_TYPES, LayoutFiles, layout_location, tag_of
from .tree import BASE, DirectoryState, ImageTree

__all__ = ["BaseImage", "read_base_image"]

_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_MOST_KEPT = 1 << 30
_MOST_MEMBERS = 2_000_000
_FAULTS: tuple[type[Exception], ...] = (zstandard.ZstdError, *ARCHIVE_FAULTS)
_BLOCK = 1 << 18
_WINDOW = 1 << 27
_OPAQUE = b".wh..wh..opq"
_WHITEOUT = b".wh."
_XATTR = "SCHILY.xattr."
_DEPTH = 4


@frozen
class BaseImage:
    """A base image. ``layers`` are its layers, lowest first, with the files that hold them.

    ``config`` and ``annotations`` are as the image has them. ``tree`` is what its layers make
    together; ``kept`` holds the content of the files that were asked for, as files on this disk, by
    their path in the image. ``digest`` is that of its manifest.
    """

    digest: str
    config: Mapping[str, Any]
    layers: tuple[tuple[Descriptor, Path], ...]
    tree: ImageTree
    kept: Mapping[bytes, Path]


def read_base_image(
    reference: str, architecture: str, keep: frozenset[bytes], scratch: Path
) -> BaseImage:
    """Read ``oci:DIR[:TAG]`` for one architecture (OCI's word, such as ``amd64``).

    ``keep`` are paths of files whose content is wanted; it is put into files in ``scratch``.
    Raises :class:`InputError` (``BAD_IMAGE``).
    """
    directory, tag = _location(reference)
    layout = LayoutFiles(directory, reference)
    manifest, digest = _manifest(layout, tag, architecture)
    config = layout.document(_field(layout, manifest, "config", dict).get("digest"))
    stated = config.get("architecture")
    if stated != architecture:
        raise layout.broken(f"it is for {stated!r}, not for {architecture!r}")
    diff_ids = _field(layout, _field(layout, config, "rootfs", dict), "diff_ids", list)
    descriptors = _field(layout, manifest, "layers", list)
    if len(diff_ids) != len(descriptors):
        raise layout.broken("its configuration and its manifest do not fit together")
    reader = _TreeReader(layout, keep, scratch)
    layers = []
    for descriptor, diff_id in zip(descriptors, diff_ids, strict=True):
        found, path = _layer(layout, descriptor, str(diff_id))
        reader.add(found, path)
        layers.append((found, path))
    return BaseImage(digest, config, tuple(layers), reader.tree, reader.kept)


def _location(reference: str) -> tuple[Path, str]:
    if not reference.startswith("oci:") or reference == "oci:":
        raise InputError(
            Code.BAD_OPTION,
            f"{reference!r} is no image in an OCI layout",
            hint="write oci:DIR or oci:DIR:TAG; `skopeo copy docker://… oci:DIR:TAG` makes one",
        )
    return layout_location(reference)


def _field(layout: LayoutFiles, document: Mapping[str, Any], name: str, kind: type[Any]) -> Any:  # noqa: ANN401
    found = document.get(name)
    if not isinstance(found, kind):
        raise layout.broken(f"the base image has no usable {name!r}")
    return found


def _manifest(layout: LayoutFiles, tag: str, architecture: str) -> tuple[dict[str, Any], str]:
    """The manifest of the image and its digest, through nested indexes."""
    found = layout.rows(layout.index())
    if tag:
        found = [each for each in found if tag_of(each) == tag]
    for _ in range(_DEPTH):
        fitting = [each for each in found if _fits(each, architecture)]
        if len(fitting) != 1:
            names = sorted(filter(None, (tag_of(each) for each in found)))
            said = f"it holds {len(fitting)} images for {architecture}"
            raise layout.broken(said, f"tags: {', '.join(names)}" if names else "")
        chosen = fitting[0]
        document = layout.document(chosen.get("digest"))
        if str(chosen.get("mediaType")) not in INDEX_TYPES:
            return document, str(chosen["digest"])
        found = layout.rows(document)
    raise layout.broken("its indexes have no end")


def _layer(layout: LayoutFiles, descriptor: object, diff_id: str) -> tuple[Descriptor, Path]:
    """A layer and its file. It is checked when it is read."""
    if not isinstance(descriptor, dict):
        raise layout.broken("its layers are no descriptors")
    digest, size = str(descriptor.get("digest")), descriptor.get("size")
    path = layout.blob(digest)
    if not path.is_file() or path.stat().st_size != size:
        raise layout.broken(f"a layer is not there, or not whole: {digest}")
    return Descriptor(str(descriptor.get("mediaType")), digest, int(size), diff_id), path


def _fits(descriptor: Mapping[str, Any], architecture: str) -> bool:
    """Whether it may be for an architecture: one that says nothing may be."""
    platform = descriptor.get("platform")
    kind = descriptor.get("mediaType")
    if kind not in (*INDEX_TYPES, _MANIFEST_TYPE) or "artifactType" in descriptor:
        return False
    return not isinstance(platform, dict) or platform.get("architecture") in (None, architecture)


@define
class _TreeReader:
    """Puts layers on top of each other, without their content."""

    _layout: LayoutFiles
    _keep: frozenset[bytes]
    _scratch: Path
    tree: ImageTree = field(factory=ImageTree)
    kept: dict[bytes, Path] = field(factory=dict)
    _number: int = 0

    def add(self, layer: Descriptor, path: Path) -> None:
        """Read one more layer. Raises :class:`InputError` for one that is not what it should be."""
        with path.open("rb") as stream:
            packed = _Digested(stream)
            plain = _Digested(cast("IO[bytes]", _opened(packed, layer.media_type)))
            try:
                self._members(cast("IO[bytes]", plain))
                plain.drain()
                packed.drain()
            except _FAULTS as error:
                raise self._layout.broken(f"layer {layer.digest} is damaged: {error}") from None
        if (packed.digest, plain.digest) != (layer.digest, layer.diff_id):
            raise self._layout.broken(f"layer {layer.digest} is not what its name says")

    def _members(self, plain: IO[bytes]) -> None:
        below: set[bytes] = set()
        for archive, info in tar_members(plain, most=_MOST_MEMBERS, mode="r|", block=_BLOCK):
            name = info.name.encode("utf-8", "surrogateescape")
            path = b"/" + b"/".join(part for part in name.split(b"/") if part not in (b"", b"."))
            if b".." in path.split(b"/"):
                raise self._layout.broken(f"a layer has the path {path!r}")
            directory, _, last = path.rpartition(b"/")
            if last == _OPAQUE:
                self._clear(directory, below)
            elif last.startswith(_WHITEOUT):
                self.tree.remove(directory + b"/" + last.removeprefix(_WHITEOUT))
            else:
                below.add(path)
                self._place(archive, info, path)

    def _clear(self, directory: bytes, below: set[bytes]) -> None:
        start = directory + b"/"
        known = (*self.tree.directories, *self.tree.links, *self.tree.files)
        for path in known:
            if path.startswith(start) and path not in below:
                self.tree.remove(path)

    def _place(self, archive: tarfile.TarFile, info: tarfile.TarInfo, path: bytes) -> None:
        if info.isdir():
            self.tree.links.pop(path, None)
            self.tree.files.pop(path, None)
            self.tree.directories[path] = DirectoryState(
                info.mode & 0o7777, info.uid, info.gid, tuple(sorted(_xattrs(info)))
            )
            return
        if path in self.tree.directories:
            self.tree.remove(path)
        self.tree.files.pop(path, None)
        self.tree.links.pop(path, None)
        if info.issym():
            self.tree.link(path, info.linkname.encode("utf-8", "surrogateescape"))
            return
        self.tree.files[path] = BASE
        self.kept.pop(path, None)
        if path in self._keep and info.isreg():
            self._store(archive, info, path)

    def _store(self, archive: tarfile.TarFile, info: tarfile.TarInfo, path: bytes) -> None:
        content = archive.extractfile(info)
        if content is None or info.size > _MOST_KEPT:
            return
        self._number += 1
        target = self._scratch / f"base-{self._number}"
        with target.open("wb") as stream:
            while block := content.read(_BLOCK):
                stream.write(block)
        self.kept[path] = target


def _xattrs(info: tarfile.TarInfo) -> Iterator[tuple[str, bytes]]:
    for name, value in info.pax_headers.items():
        if name.startswith(_XATTR):
            yield name.removeprefix(_XATTR), value.encode("utf-8", "surrogateescape")


def _opened(stream: _Digested, media_type: str) -> object:
    if media_type.endswith("+zstd"):
        engine = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        return engine.stream_reader(cast("IO[bytes]", stream), read_across_frames=True)
    if media_type.endswith(("+gzip", ".gzip")):
        return _Gunzip(stream)
    return stream


@define
class _Digested:
    """A stream that is digested while it is read."""

    _stream: IO[bytes]
    _sum: hashlib._Hash = field(factory=hashlib.sha256)

    def read(self, size: int = -1) -> bytes:
        found = self._stream.read(_BLOCK if size < 0 else size)
        self._sum.update(found)
        return found

    def drain(self) -> None:
        while self.read(_BLOCK):
            pass

    @property
    def digest(self) -> str:
        return f"sha256:{self._sum.hexdigest()}"


@define
class _Gunzip:
    """A gzip stream in bounded pieces."""

    _source: _Digested
    _inner: zlib._Decompress = field(factory=lambda: zlib.decompressobj(31))

    def read(self, size: int = -1) -> bytes:
        most = _BLOCK if size < 0 else size
        while True:
            tail = self._inner.unconsumed_tail
            if self._inner.eof:
                tail = self._inner.unused_data or self._source.read(_BLOCK)
                if not tail:
                    return b""
                self._inner = zlib.decompressobj(31)
            data = tail or self._source.read(_BLOCK)
            if not data:
                raise EOFError("it ends early")
            if found := self._inner.decompress(data, most):
                return found
