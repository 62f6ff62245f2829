"""mock's ``buildroot_lock.json`` (version 1.1.0) of a root, from the headers of its packages.

Nothing in it is made up: a root of which any package's file is not at hand gets none, and the image
that mock begins with is in it only if its digests were given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from attrs import frozen

from ..model.build import Root, is_third_party
from ..model.package import Package
from ..model.plan import Plan
from ..model.rpm_header import RpmHeader
from . import grammar
from .built_parts import needed_parts
from .dnf_conf import is_at_hand, is_private, planned_versions
from .gpu_targets import targets_of_root
from .grammar import Refusals
from .mock_config import macros_of
from .mock_settings import MockSettings, check_settings
from .names import builds_of
from .namespace import Namespace, namespace_of
from .runtime_package import with_runtime

__all__ = ["BootstrapImage", "BuildrootLocks", "buildroot_locks"]

_VERSION = "1.1.0"
# A lock's macros stand in the place of all that mock has by itself, these two among them. Without
# them it would look for what was built where nothing is.
_MACROS_OF_MOCK = {
    "%_rpmfilename": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
    "%_topdir": "/builddir/build",
}
_MD5 = re.compile(r"[0-9a-f]{32}")
_KEY = re.compile(r"[0-9a-f]{8}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TRANSPORTS = ("containers-storage", "dir", "docker", "docker-archive", "oci", "oci-archive")


@frozen
class BootstrapImage:
    """The image that mock begins with, as ``podman image inspect`` tells it.

    ``name`` is without a digest. ``pull_digest`` is that of its manifest (``sha256:…``);
    ``image_digest`` is mock's own, over its layers and its settings, and ``id`` that of its
    configuration, both hexadecimal. ``architecture`` is as OCI spells it.
    """

    name: str
    image_digest: str
    pull_digest: str
    architecture: str
    id: str


@frozen
class BuildrootLocks:
    """The files by path; by root, the files of its packages, sorted; and of each other root the
    packages whose files are not at hand."""

    files: Mapping[str, bytes]
    packages: Mapping[str, tuple[RpmHeader, ...]]
    missing: Mapping[str, tuple[str, ...]]


def buildroot_locks(
    plan: Plan,
    settings: MockSettings,
    headers: Sequence[RpmHeader],
    *,
    image: BootstrapImage | None = None,
    file: str = "",
) -> BuildrootLocks:
    """One ``locks/ROOT/buildroot_lock.json`` for each build root whose packages all have a header.

    A header's ``url`` is the name of its file: the place of the files is the hermetic repository.
    Raises :class:`InputErrors` (``NOT_EMITTED``) for a file that is not the locked one, for two
    files of one private package, and for a header that cannot be written out.
    """
    builds = builds_of(plan, file)
    refusals = Refusals(file)
    # mock renders what it takes from a lock as it renders a configuration.
    check_settings(settings, Refusals("", refusals.faults))
    refusals.check(plan.arch, grammar.ARCHITECTURE, "arch")
    if image is not None:
        _check_image(image, refusals)
    for header in headers:
        _check_header(header, refusals)
    refusals.raise_if_any()
    namespace = namespace_of(plan, settings)
    files, packages, missing = {}, {}, {}
    for root in with_runtime(plan, builds, namespace).roots:
        found, without = _found(root, headers, namespace, refusals)
        if without:
            missing[root.id] = without
        else:
            found += needed_parts(root, found, headers)
            text = _document(root, plan, settings, found, image)
            files[f"locks/{root.id}/buildroot_lock.json"] = text
            packages[root.id] = tuple(sorted(found))
    refusals.raise_if_any()
    return BuildrootLocks(files, packages, missing)


def _check_image(image: BootstrapImage, refusals: Refusals) -> None:
    """mock takes the name up to its first colon, so it can have a tag and nothing else."""
    path = "bootstrap image"
    refusals.check(image.name, grammar.IMAGE, path)
    name, _, tag = image.name.partition(":")
    if "@" in name or "/" in tag or "@" in tag or name in _TRANSPORTS:
        refusals.note(
            f"{grammar.shown(image.name)} is no name that mock can find in a hermetic repository",
            path,
            "name it as REGISTRY/NAME or REGISTRY/NAME:TAG, without a port and without a digest",
        )
    refusals.check(image.architecture, grammar.ARCHITECTURE, f"{path}: architecture")
    for what, value in (
        ("pull digest", image.pull_digest.removeprefix("sha256:")),
        ("image digest", image.image_digest),
        ("id", image.id),
    ):
        if not _SHA256.fullmatch(value):
            refusals.note(f"{grammar.shown(value)} is no sha256", f"{path}: {what}")


def _check_header(header: RpmHeader, refusals: Refusals) -> None:
    path = f"file {grammar.shown(header.file)}"
    refusals.check(header.name, grammar.PACKAGE, path)
    refusals.check(header.evr, grammar.EVR, path)
    refusals.check(header.arch, grammar.ARCHITECTURE, path)
    if not _MD5.fullmatch(header.sigmd5):
        refusals.note(f"{grammar.shown(header.sigmd5)} is no sigmd5", path)
    if header.signature is not None and not _KEY.fullmatch(header.signature):
        refusals.note(f"{grammar.shown(header.signature)} is no end of a key's id", path)


def _found(
    root: Root, headers: Iterable[RpmHeader], namespace: Namespace | None, refusals: Refusals
) -> tuple[list[RpmHeader], tuple[str, ...]]:
    """The headers of a root's packages, and the packages that have none."""
    named: dict[str, list[RpmHeader]] = {}
    for header in headers:
        named.setdefault(header.name, []).append(header)
    found, without = [], []
    for package in root.packages:
        name = package.name
        if namespace is not None and is_private(package):
            name = namespace.package_name(name)
        fitting = [h for h in named.get(name, ()) if _fits(h, package, root)]
        if not fitting:
            without.append(package.nevra)
            continue
        if len({header.sha256 for header in fitting}) > 1:
            names = ", ".join(sorted(header.file for header in fitting))
            refusals.note(f"{package.nevra} has several files: {names}", root.id)
        expected = package.checksum.removeprefix("sha256:")
        if package.checksum.startswith("sha256:") and fitting[0].sha256 != expected:
            refusals.note(
                f"{fitting[0].file} is not the file that was locked: its sha256 is another",
                root.id,
            )
        if is_at_hand(package) and not package.checksum.startswith("sha256:"):
            refusals.note(
                f"{fitting[0].file} cannot be checked: the lock has no sha256 of {package.nevra}",
                root.id,
            )
        found.append(fitting[0])
    return found, tuple(without)


def _fits(header: RpmHeader, package: Package, root: Root) -> bool:
    """Whether a file is of a package: of a private one, only the version was planned."""
    if not is_private(package) and not is_third_party(package):
        return (header.evr, header.arch) == (package.evr, package.arch)
    versions = planned_versions(package, root) if is_private(package) else ["*"]
    return any(fnmatchcase(header.version, version) for version in versions)


def _document(
    root: Root,
    plan: Plan,
    settings: MockSettings,
    headers: Sequence[RpmHeader],
    image: BootstrapImage | None,
) -> bytes:
    builds = plan.builds.builds if plan.builds else ()
    targets = targets_of_root(root, builds, settings.gpu)
    config: dict[str, object] = {
        "dist": settings.dist,
        "legal_host_arches": [plan.arch],
        "macros": _MACROS_OF_MOCK | dict(macros_of(root, settings, targets)),
        "package_manager": settings.package_manager,
        "target_arch": plan.arch,
    }
    document: dict[str, object] = {
        "version": _VERSION,
        "buildroot": {"rpms": [_rpm(header) for header in sorted(headers)]},
        "config": config,
    }
    if image is not None:
        config |= {"bootstrap_image": image.name, "bootstrap_image_ready": True}
        document["bootstrap"] = {
            "architecture": image.architecture,
            "id": image.id,
            "image_digest": image.image_digest,
            "pull_digest": image.pull_digest,
        }
    return (json.dumps(document, indent=4, sort_keys=True) + "\n").encode("ascii")


def _rpm(header: RpmHeader) -> dict[str, str | None]:
    return {
        "arch": header.arch,
        "epoch": header.epoch,
        "license": header.license,
        "name": header.name,
        "release": header.release,
        "sigmd5": header.sigmd5,
        "signature": header.signature,
        "url": header.file,
        "version": header.version,
    }
