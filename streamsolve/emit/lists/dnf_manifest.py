"""A root as a manifest of DNF (libpkgmanifest): what was asked for, and the exact packages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ...model.build import Root
from ...model.package_files import PackageFile, RepositoryAddress
from .yaml_text import yaml_bytes

__all__ = ["INPUT", "MANIFEST", "dnf_manifest"]

INPUT = "rpms.in.yaml"
MANIFEST = "packages.manifest.yaml"

_INPUT_VERSION = "0.0.2"
_MANIFEST_VERSION = "0.2.2"
_NOARCH = "noarch"
# The schema of manifests knows no source package that begins with a capital, such as ImageMagick.
_SOURCE = re.compile(r"[a-z0-9].*")


def dnf_manifest(
    root: Root,
    arch: str,
    files: Iterable[PackageFile],
    repositories: Sequence[RepositoryAddress],
    modules: Sequence[str] = (),
    streams: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, bytes]:
    """Input and manifest, by path. ``files`` are those of the whole root; only repositories that
    one of them is from are listed. ``modules`` are the streams to enable, and ``streams`` says of
    which one a package is, by its full name."""
    found = sorted(files)
    used = {file.repository for file in found}
    listed = [_repository(each) for each in sorted(repositories) if each.id in used]
    return {
        INPUT: yaml_bytes(
            {
                "document": "rpm-package-input",
                "version": _INPUT_VERSION,
                "repositories": listed,
                "packages": {"install": list(root.asked)},
                **({"modules": {"enable": sorted(modules)}} if modules else {}),
                "archs": [arch],
            }
        ),
        MANIFEST: yaml_bytes(
            {
                "document": "rpm-package-manifest",
                "version": _MANIFEST_VERSION,
                "data": {
                    "repositories": listed,
                    "packages": {
                        label: [
                            _package(file, arch, streams.get(file.nevra, ""))
                            for file in found
                            if file.arch == label
                        ]
                        for label in sorted({file.arch for file in found})
                    },
                },
            }
        ),
    }


def _repository(address: RepositoryAddress) -> dict[str, str]:
    parts = ("baseurl", "metalink", "mirrorlist")
    return {"id": address.id} | {
        part: getattr(address, part) for part in parts if getattr(address, part)
    }


def _package(file: PackageFile, arch: str, stream: str) -> dict[str, Any]:
    source = file.source.removesuffix(".rpm")
    return {
        "name": file.name,
        "repo_id": file.repository,
        "location": file.location,
        "checksum": file.checksum,
        "size": file.size,
        "evr": file.evr,
        **({"srpm": source} if _SOURCE.fullmatch(source) else {}),
        **({"module": stream} if stream else {}),
        **({"parent_archs": [arch]} if file.arch == _NOARCH else {}),
    }
