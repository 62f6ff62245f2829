"""Licences that a list of vendored packages lacks, from what a base ships and says of it.

A base that packages crates has ``crate(NAME) = VERSION`` among its provides, and ``npm(NAME)`` for
npm packages; the licence tag of what provides it was read by that base's reviewers. The tag of
another version is taken as well, and kept apart: it is very often right, and has to be looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cmp_to_key
from pathlib import Path

from attrs import evolve

from ..inputs.bases import open_base, parse_overlay
from ..inputs.npm_registry import fetch_npm_licences
from ..inputs.shipped import default_cache
from ..inputs.transport import Transport
from ..model.package import Package
from ..model.progress import Progress, no_progress
from ..model.rpm_version import compare_evr
from ..model.vendored import Ecosystem, VendoredPackage
from ..model.vendored_licence import exact_licence
from ..solving import PackagePool

__all__ = ["filled_from", "filled_from_base", "with_licences"]

_CAPABILITY = {Ecosystem.CARGO: "crate", Ecosystem.NPM: "npm"}
_LISTED = Callable[[str], Iterable[tuple[Package, str]]]


def with_licences(
    packages: Iterable[VendoredPackage],
    *,
    base: str = "",
    arch: str = "x86_64",
    overlays: Iterable[str] = (),
    registry: str = "",
    offline: bool = False,
    cache: Path | None = None,
    progress: Progress = no_progress,
) -> tuple[VendoredPackage, ...]:
    """The packages with the licences that a base knows, and for npm packages a registry at the
    address ``registry``; where either is empty it is not asked. What is known stays as it is; a
    package's own word on the registry counts before that of another version in the base.

    Raises :class:`InputError` for a base or a registry that cannot be read.
    """
    found = tuple(sorted(packages))
    store = cache or default_cache()
    transport = Transport(offline=offline, cache=store, progress=progress)
    try:
        if registry:
            asked = [p for p in found if p.ecosystem is Ecosystem.NPM and _is_wanted(p)]
            said = fetch_npm_licences(asked, registry, transport)
            found = tuple(_said_by_itself(each, said) for each in found)
        if base and any(map(_is_wanted, found)):
            opened = open_base(
                base,
                arch=arch,
                transport=transport,
                overlays=[parse_overlay(text) for text in overlays],
            )
            with PackagePool.open(
                opened.repositories, arch=opened.arch, cache=store, progress=progress
            ) as pool:
                found = filled_from_base(found, pool)
    finally:
        transport.close()
    return found


def _is_wanted(package: VendoredPackage) -> bool:
    return not package.licence or bool(package.licence_of)


def _said_by_itself(
    package: VendoredPackage, said: Mapping[tuple[str, str], str]
) -> VendoredPackage:
    if package.ecosystem is not Ecosystem.NPM or not _is_wanted(package):
        return package
    licence = said.get((package.name, package.version), "")
    return evolve(package, licence=licence, licence_of="") if licence else package


def filled_from_base(
    packages: Iterable[VendoredPackage], pool: PackagePool
) -> tuple[VendoredPackage, ...]:
    """The packages with the licences that the tags of a base's packages state."""
    return tuple(sorted(filled_from(each, pool.licences) for each in packages))


def filled_from(package: VendoredPackage, licences: _LISTED) -> VendoredPackage:
    """A package with the licence that its base's tag states, if it has none: of the same version,
    else of the newest before it, else of the oldest after it. A tag that is no SPDX expression says
    nothing, and what is of a repository and not of a registry may be something else altogether.

    ``licences`` gives the packages that provide a capability, each with its tag.
    """
    if package.licence or package.source:
        return package
    capability = f"{_CAPABILITY[package.ecosystem]}({package.name})"
    known: dict[str, str] = {}
    for provider, tag in licences(capability):
        for version in _versions(provider, capability):
            licence = exact_licence(tag)
            if licence:
                known.setdefault(version, licence)
    if not known:
        return package
    version = _nearest(package.rpm_version, sorted(known, key=cmp_to_key(compare_evr)))
    if version == package.rpm_version:
        return evolve(package, licence=known[version])
    return evolve(package, licence=known[version], licence_of=_upstream(version))


def _versions(provider: Package, capability: str) -> list[str]:
    opening = f"{capability} = "
    found = (text.removeprefix(opening) for text in provider.provides if text.startswith(opening))
    # A version that its ecosystem could not have written is not one of it.
    return [
        text for text in found if re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+(?:~[A-Za-z0-9._]+)?", text)
    ]


def _nearest(wanted: str, known: list[str]) -> str:
    if wanted in known:
        return wanted
    before = [version for version in known if compare_evr(version, wanted) <= 0]
    return before[-1] if before else known[0]


def _upstream(version: str) -> str:
    return version.replace("~", "-").replace("_", "-")
