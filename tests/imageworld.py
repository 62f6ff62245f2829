"""Images made from RPM files, and what umoci unpacks of them.

write_image(tmp_path / "image", {"base": [setup], "application": [demo]})     # an OCI layout
root = unpack(tmp_path / "image", tmp_path / "bundle")                        # its files, by umoci
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import zstandard

from streamsolve.oci import (
    Compression,
    ImageRequest,
    ImageSettings,
    LayerPackages,
    Layout,
    write_layout,
)
from streamsolve.rpms import open_package

from .rpmworld import run

__all__ = ["config", "groups_of", "layer_members", "manifest", "snapshot", "unpack", "write_image"]

TAG = "1.0"


def groups_of(layers: Mapping[str, Sequence[Path]]) -> tuple[LayerPackages, ...]:
    """Layers with their packages, lowest first."""
    found = []
    for name, paths in layers.items():
        packages = []
        for path in paths:
            with open_package(path) as package:
                packages.append((path, package.header))
        found.append(LayerPackages(name, tuple(packages)))
    return tuple(found)


def write_image(
    directory: Path,
    layers: Mapping[str, Sequence[Path]],
    *,
    compression: Compression = Compression.GZIP,
    **settings: Any,
) -> Layout:
    """A layout with one image for x86_64; umoci here reads no zstd, so it is gzip."""
    made = ImageSettings(arch="x86_64", compression=compression, **settings)
    return write_layout(directory, [ImageRequest(groups_of(layers), made)], tag=TAG)


def unpack(layout: Path, bundle: Path) -> Path:
    """The files of the image, as umoci unpacks them."""
    run("umoci", "unpack", "--image", f"{layout}:{TAG}", bundle)
    return bundle / "rootfs"


def blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / "sha256" / digest.removeprefix("sha256:")


def manifest(layout: Path) -> dict[str, Any]:
    """The manifest of a layout with one image."""
    index = json.loads((layout / "index.json").read_bytes())
    found: dict[str, Any] = json.loads(blob(layout, index["manifests"][0]["digest"]).read_bytes())
    return found


def config(layout: Path) -> dict[str, Any]:
    """The configuration of that image."""
    found: dict[str, Any] = json.loads(
        blob(layout, manifest(layout)["config"]["digest"]).read_bytes()
    )
    return found


def layer_members(layout: Path) -> list[list[tarfile.TarInfo]]:
    """The members of all layers, lowest first."""
    found = []
    for descriptor in manifest(layout)["layers"]:
        path = blob(layout, descriptor["digest"])
        if descriptor["mediaType"].endswith("zstd"):
            with path.open("rb") as stream:
                reader = zstandard.ZstdDecompressor().stream_reader(stream)
                with tarfile.open(fileobj=reader, mode="r|") as archive:
                    found.append(list(archive))
        else:
            with tarfile.open(path) as archive:
                found.append(archive.getmembers())
    return found


def snapshot(directory: Path) -> dict[str, str]:
    """Everything in a directory: digests by path, ``directory`` for those."""
    return {
        str(path.relative_to(directory)): "directory"
        if path.is_dir()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
    }
