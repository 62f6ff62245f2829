"""A root as the lock file that Konflux prefetches from: ``rpms.in.yaml`` and ``rpms.lock.yaml``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...model.lock import LockRepository
from ...model.package import LOWEST_PRIORITY
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
    modules: Sequence[str] = (),
    module_files: Iterable[PackageFile] = (),
    used_as: Iterable[LockRepository] = (),
) -> dict[str, bytes]:
    """Both files, by path. Each package has an address, so every repository needs a ``baseurl``;
    ``sources`` are the source packages of ``files``. ``modules`` are the streams to enable, and
    ``module_files`` the metadata of modules, without which dnf hides what is of a module.
    ``used_as`` says how repositories were used, so that a resolver takes the same packages."""
    base = {each.id: each.baseurl.rstrip("/") for each in repositories}
    packages, from_source = sorted(files), sorted(sources)
    metadata = sorted(module_files)
    options = {each.id: _options(each) for each in used_as}
    used = sorted({file.repository for file in (*packages, *from_source)})
    return {
        INPUT: yaml_bytes(
            {
                "packages": sorted({file.name for file in packages}),
                "arches": [arch],
                **({"moduleEnable": sorted(modules)} if modules else {}),
                "contentOrigin": {
                    "repos": [
                        {"repoid": id, "baseurl": base[id], **options.get(id, {})} for id in used
                    ],
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
                        "module_metadata": [_metadata(file, base) for file in metadata],
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


def _metadata(file: PackageFile, base: dict[str, str]) -> dict[str, Any]:
    item = _item(file, base)
    return {key: item[key] for key in ("url", "repoid", "size", "checksum")}


def _options(repository: LockRepository) -> dict[str, Any]:
    """What is not as dnf has it anyway."""
    found: dict[str, Any] = {}
    if repository.priority != LOWEST_PRIORITY:
        found["priority"] = repository.priority
    if repository.module_hotfixes:
        found["module_hotfixes"] = True
    return found
