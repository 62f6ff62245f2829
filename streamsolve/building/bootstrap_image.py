"""The image that mock begins with, from an OCI layout on this disk.

mock wants to know of an image what podman would tell after pulling it; all of it is in the layout,
or follows from what is there. Each file is checked against the digest that leads to it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from ..emit import BootstrapImage
from ..emit.writer import Content, LocalFile
from ..errors import Code, nearest
from ..oci.layout_files import INDEX_TYPES, LayoutFiles, tag_of
from ..storage import file_digest

__all__ = ["LocalImage", "read_bootstrap_image"]

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_DIRECTORY_VERSION = b"Directory Transport Version: 1.1\n"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7hl": "arm"}
# What podman keeps of an image's settings: the fields of OCI's own structure, as far as they say
# anything.
_SETTINGS = (
    "ArgsEscaped",
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Labels",
    "StopSignal",
    "User",
    "Volumes",
    "WorkingDir",
)


@frozen
class LocalImage:
    """An image, and its files in the form of a directory (skopeo's ``dir:``), by path, as mock
    looks for it in a hermetic repository."""

    image: BootstrapImage
    files: Mapping[str, Content]


def read_bootstrap_image(
    name: str, directory: Path, *, arch: str, tag: str = "", digest: str = ""
) -> LocalImage:
    """The image of a layout, for an architecture as RPM spells it.

    ``name`` is what mock pulls. ``tag`` chooses among several images. ``digest`` is what its
    manifest's must be, if that is known. Raises :class:`InputError` (``NOT_EMITTED``) for what is
    no layout, for a blob that is not there or is another, and if it is not said which image.
    """
    layout = LayoutFiles(directory, code=Code.NOT_EMITTED)
    wanted = _ARCHITECTURES.get(arch, arch)
    manifest_digest = _digest_of(layout, tag, wanted)
    if digest and digest != manifest_digest:
        raise layout.broken(f"the image's digest is {manifest_digest}, and should be {digest}")
    manifest = layout.document(manifest_digest)
    config_digest = _digest_in(manifest.get("config"))
    layers = manifest.get("layers")
    if not config_digest or not isinstance(layers, list) or not all(map(_digest_in, layers)):
        raise layout.broken("its manifest names no configuration or no layers")
    config = layout.document(config_digest)
    architecture = str(config.get("architecture", ""))
    if architecture != wanted:
        raise layout.broken(f"the image is for {architecture or 'nothing'}, and {wanted} is needed")
    image = BootstrapImage(
        name,
        _image_digest(config, layout),
        manifest_digest,
        architecture,
        config_digest.removeprefix("sha256:"),
    )
    top = f"{name.partition(':')[0]}@{manifest_digest}"
    files: dict[str, Content] = {f"{top}/version": _DIRECTORY_VERSION}
    files[f"{top}/manifest.json"] = _local(layout, manifest_digest)
    for blob in sorted({config_digest, *map(_digest_in, layers)}):
        files[f"{top}/{blob.removeprefix('sha256:')}"] = _local(layout, blob)
    return LocalImage(image, files)


def _image_digest(config: Mapping[str, Any], layout: LayoutFiles) -> str:
    """mock's own digest of an image: over its layers and its settings, as podman tells them."""
    root, settings = config.get("rootfs"), config.get("config") or {}
    if not isinstance(root, dict) or root.get("type") != "layers" or not isinstance(settings, dict):
        raise layout.broken("its configuration does not say what its layers are")
    kept = {key: settings[key] for key in _SETTINGS if settings.get(key)}
    told = {"RootFS": {"Type": "layers", "Layers": root.get("diff_ids")}, "Config": kept}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _digest_in(descriptor: object) -> str:
    """The digest of a descriptor; empty where there is none that can be used."""
    found = descriptor.get("digest") if isinstance(descriptor, dict) else None
    return found if isinstance(found, str) and _DIGEST.fullmatch(found) else ""


def _digest_of(layout: LayoutFiles, tag: str, architecture: str) -> str:
    """The digest of the one manifest that is meant."""
    found = layout.rows(layout.index())
    tags = {tag_of(row): row for row in found}
    if tag:
        if tag not in tags:
            raise layout.broken(f"no image in it has the tag {tag!r}", nearest(tag, tags))
        found = [tags[tag]]
    while len(found) == 1 and found[0].get("mediaType") in INDEX_TYPES:
        found = layout.rows(layout.document(_digest_in(found[0])))
        found = [row for row in found if _is_for(row, architecture)]
    if len(found) != 1:
        raise layout.broken(
            f"it holds {len(found)} images, and which is meant is not said", "write DIR:TAG"
        )
    return _digest_in(found[0])


def _local(layout: LayoutFiles, digest: str) -> LocalFile:
    """A blob as a file that is to be linked."""
    path = layout.blob(digest)
    try:
        found = file_digest(path)
    except OSError:
        raise layout.broken(f"{path.name} is not there") from None
    if f"sha256:{found}" != digest:
        raise layout.broken(f"a blob is not what its name says: {path.name}")
    return LocalFile(path.resolve(), found)


def _is_for(row: Mapping[str, Any], architecture: str) -> bool:
    platform = row.get("platform")
    return isinstance(platform, dict) and platform.get("architecture") == architecture
