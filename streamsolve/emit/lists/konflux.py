"""A root as the lock file that Konflux prefetches from: ``rpms.in.yaml`` and ``rpms.lock.yaml``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...model.package_files import PackageFile, RepositoryAddress
from .yaml_text import yaml_bytes

__all__ = ["INPUT", "LOCK", "konflux_files"]

INPUT = "rpms.in.yaml"
LOCK = "rpms.lock.yaml"


def konflux_files(
    arch: str,
    files: Iterable[PackageFile],
    sources: Iterable[PackageFile],
    repositories: Sequence[RepositoryAddress],
) -> dict[str, bytes]:
    """Both files, by path. Each package has an address, so every repository needs a ``baseurl``;
    ``sources`` are the source packages of ``files``."""
    base = {each.id: each.baseurl.rstrip("/") for each in repositories}
    packages, from_source = sorted(files), sorted(sources)
    used = sorted({file.repository for file in (*packages, *from_source)})
    return {
        INPUT: yaml_bytes(
            {
                "packages": sorted({file.name for file in packages}),
                "arches": [arch],
                "contentOrigin": {
                    "repos": [{"repoid": id, "baseurl": base[id]} for id in used],
                },
            }
        ),
        LOCK: yaml_bytes(
            {
                "lockfileVersion": 1,
                "lockfileVendor": "redhat",
                "arches": [
                    {
                        "arch": arch,
                        "packages": [_item(file, base) for file in packages],
                        "source": [_item(file, base) for file in from_source],
                        "module_metadata": [],
                    }
                ],
            }
        ),
    }


def _item(file: PackageFile, base: dict[str, str]) -> dict[str, Any]:
    return {
        "url": f"{base[file.repository]}/{file.location}",
        "repoid": file.repository,
        "size": file.size,
        "checksum": file.checksum,
        "name": file.name,
        "evr": file.evr,
        **({"sourcerpm": file.source} if file.source else {}),
    }
