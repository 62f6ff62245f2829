"""An OCI image layout on disk, whole or absent: one image, or one for each architecture.

Source: the image format of the Open Container Initiative, version 1.1.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import frozen

from ..errors import Code, InputError, Place
from .blobs import BlobStore, canonical_json
from .contents import LayerPackages
from .image import BuiltImage, ImageSettings, build_image

__all__ = ["ImageRequest", "Layout", "write_layout"]

_INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
_NAME = "org.opencontainers.image.ref.name"
_MARK = "oci-layout"
_VERSION = canonical_json({"imageLayoutVersion": "1.0.0"})


@frozen
class ImageRequest:
    """An image that is to be made: its groups of packages, lowest first, and how."""

    groups: tuple[LayerPackages, ...]
    settings: ImageSettings


@frozen
class Layout:
    """What was written: the images in the order of their requests, and the digest of the one thing
    that the tag names (an index, where there are several architectures)."""

    images: tuple[BuiltImage, ...]
    digest: str


def write_layout(
    directory: Path,
    requests: Sequence[ImageRequest],
    *,
    tag: str = "latest",
) -> Layout:
    """Write a layout, with a tag for the image, or for the index where there are several.

    It is built beside its place and moved there when it is whole, in the stead of a layout that was
    there. Raises :class:`InputError`: ``BAD_IMAGE`` where something else is in the way or two
    requests are for one architecture, and what :func:`.image.build_image` raises. Then the
    directory is as it was before.
    """
    words = [request.settings.architecture for request in requests]
    if not words or len(set(words)) != len(words):
        raise InputError(Code.BAD_IMAGE, f"one image for each architecture is made, not {words}")
    if directory.exists() and not _replaceable(directory):
        message = "it is no image layout, and is not written over"
        raise InputError(Code.BAD_IMAGE, message, place=Place(str(directory)))
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{directory.name[:40]}.", dir=directory.parent))
    except OSError as error:
        raise _unwritable(directory, error) from None
    try:
        layout = _write(staging, requests, tag)
        _move(staging, directory)
    except OSError as error:
        raise _unwritable(directory, error) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return layout


def _replaceable(directory: Path) -> bool:
    if not directory.is_dir() or directory.is_symlink():
        return False
    return (directory / _MARK).is_file() or not any(directory.iterdir())


def _unwritable(directory: Path, error: OSError) -> InputError:
    message = f"it cannot be written: {error.strerror or error}"
    return InputError(Code.BAD_IMAGE, message, place=Place(str(directory)))


def _write(staging: Path, requests: Sequence[ImageRequest], tag: str) -> Layout:
    store = BlobStore(staging)
    images = tuple(build_image(request.groups, request.settings, store) for request in requests)
    descriptors = [_platform(image) for image in sorted(images, key=lambda i: i.architecture)]
    if len(descriptors) == 1:
        subject, top = images[0].manifest, descriptors[0]
    else:
        index = {"schemaVersion": 2, "mediaType": _INDEX_TYPE, "manifests": descriptors}
        subject = store.put(canonical_json(index), _INDEX_TYPE)
        top = subject.document()
    top = {**top, "annotations": {_NAME: tag}}
    document = {"schemaVersion": 2, "mediaType": _INDEX_TYPE, "manifests": [top]}
    (staging / "index.json").write_bytes(canonical_json(document))
    (staging / _MARK).write_bytes(_VERSION)
    _open_up(staging)
    return Layout(images, subject.digest)


def _platform(image: BuiltImage) -> dict[str, Any]:
    platform = {"architecture": image.architecture, "os": "linux"}
    return {**image.manifest.document(), "platform": platform}


def _open_up(directory: Path) -> None:
    """Let everybody read it, whatever the umask is: what is in it is the same for everybody."""
    for each in (directory, *directory.rglob("*")):
        if each.is_dir():
            each.chmod(0o755)
        elif each.stat().st_nlink == 1:
            each.chmod(0o644)


def _move(staging: Path, directory: Path) -> None:
    """Put a finished layout in its place; what was there goes when it is not needed any more."""
    before: Path | None = None
    if directory.exists():
        before = Path(tempfile.mkdtemp(prefix=f".{directory.name[:40]}.", dir=directory.parent))
        os.replace(directory, before)  # noqa: PTH105 - onto an empty directory
    try:
        os.replace(staging, directory)  # noqa: PTH105 - the same
    except BaseException:
        if before is not None:
            with suppress(OSError):
                os.replace(before, directory)  # noqa: PTH105 - the same
        raise
    if before is not None:
        shutil.rmtree(before, ignore_errors=True)
