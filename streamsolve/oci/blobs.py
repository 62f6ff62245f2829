"""The blobs of an OCI layout: files that are named by the digest of what is in them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from attrs import define, field, frozen

from ..storage import write_atomically
from .compression import Compression, Compressor, compressor

__all__ = ["BlobStore", "BlobWriter", "Descriptor", "canonical_json"]

_TOGETHER = 1 << 20
_LAYER = "application/vnd.oci.image.layer.v1.tar+"
_BLOCK = 1 << 20


@frozen(order=True)
class Descriptor:
    """What OCI calls a descriptor: ``digest`` is ``sha256:hexadecimal``, ``size`` in bytes.
    ``diff_id`` is the digest of a layer before it was compressed, and empty of what is no layer."""

    media_type: str
    digest: str
    size: int
    diff_id: str = ""
    annotations: tuple[tuple[str, str], ...] = ()

    def document(self) -> dict[str, Any]:
        """As it stands in a manifest."""
        found: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
        }
        if self.annotations:
            found["annotations"] = dict(self.annotations)
        return found


def canonical_json(document: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and without spaces, as text in UTF-8."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8")


@define
class BlobStore:
    """The directory ``blobs/sha256`` below a directory. Several threads may write at once."""

    directory: Path

    def __attrs_post_init__(self) -> None:
        self._place.mkdir(parents=True, exist_ok=True)

    @property
    def _place(self) -> Path:
        return self.directory / "blobs" / "sha256"

    def path(self, digest: str) -> Path:
        """Where the blob of a digest is."""
        return self._place / digest.removeprefix("sha256:")

    def put(self, content: bytes, media_type: str) -> Descriptor:
        """A small blob."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if not self.path(digest).exists():
            write_atomically(self.path(digest), content)
        return Descriptor(media_type, digest, len(content))

    def adopt(self, file: Path, digest: str) -> None:
        """Take a blob of another layout, whose digest was checked: linked if that can be done."""
        target = self.path(digest)
        if target.exists():
            return
        try:
            os.link(file, target, follow_symlinks=True)
        except OSError:
            shutil.copyfile(file, target)

    def layer(self, kind: Compression, pool: ThreadPoolExecutor, workers: int = 1) -> BlobWriter:
        """A layer to be written. ``pool`` and ``workers`` are for its compression."""
        handle, name = tempfile.mkstemp(prefix=".layer-", dir=self._place)
        return BlobWriter(self, kind, compressor(kind, pool, workers), Path(name), handle)


@define
class BlobWriter:
    """A layer while it is written: compressed and digested as it goes, nothing of it kept.

    All of it but compressing is done by whoever writes: with two processors, threads for digesting
    and for writing saved no time.
    """

    _store: BlobStore
    _kind: Compression
    _compressor: Compressor
    _path: Path
    _handle: int
    _stream: IO[bytes] = field(init=False)
    _waiting: list[bytes] = field(factory=list)
    _length: int = 0
    _plain: hashlib._Hash = field(factory=hashlib.sha256)
    _packed: hashlib._Hash = field(factory=hashlib.sha256)
    _size: int = 0

    def __attrs_post_init__(self) -> None:
        self._stream = os.fdopen(self._handle, "wb")

    def write(self, *data: bytes) -> None:
        """More of the archive. Small pieces are put together, which makes digesting cheap."""
        self._waiting += data
        self._length += sum(map(len, data))
        if self._length >= _TOGETHER:
            self._flush()

    def finish(self, annotations: tuple[tuple[str, str], ...] = ()) -> Descriptor:
        """End the layer and put it in its place."""
        self._flush()
        self._emit(self._compressor.end())
        self._stream.close()
        digest = f"sha256:{self._packed.hexdigest()}"
        self._path.chmod(0o644)
        self._path.replace(self._store.path(digest))
        plain = f"sha256:{self._plain.hexdigest()}"
        return Descriptor(f"{_LAYER}{self._kind.value}", digest, self._size, plain, annotations)

    def abandon(self) -> None:
        """Take the unfinished layer away."""
        self._stream.close()
        self._path.unlink(missing_ok=True)

    def _flush(self) -> None:
        data = self._waiting[0] if len(self._waiting) == 1 else b"".join(self._waiting)
        self._waiting.clear()
        self._length = 0
        self._plain.update(data)
        self._emit(self._compressor.add(data))

    def _emit(self, packed: bytes) -> None:
        if packed:
            self._packed.update(packed)
            self._size += len(packed)
            self._stream.write(packed)
