"""RPM packages, repositories and bases, as values."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

__all__ = ["LOWEST_PRIORITY", "Base", "MetadataFile", "Package", "Repository", "RpmMd"]

LOWEST_PRIORITY = 99
"""dnf's priority of a repository that states none: the smaller number wins."""


@frozen(order=True)
class Package:
    """One RPM. Dependencies are texts in RPM's language, such as ``python3.14dist(six) >= 1.16``.

    ``evr`` is ``[epoch:]version-release``. ``source`` is the name of its source package, empty
    where the repository does not say. ``checksum`` is ``algorithm:hexadecimal`` of the RPM file,
    and ``size`` its bytes; empty and 0 where nothing is known, as of a package not yet built.
    """

    name: str
    evr: str
    arch: str
    repository: str = ""
    provides: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    obsoletes: tuple[str, ...] = ()
    source: str = ""
    checksum: str = ""
    size: int = 0

    @property
    def nevra(self) -> str:
        """``name-[epoch:]version-release.architecture``."""
        return f"{self.name}-{self.evr}.{self.arch}"

    @property
    def epoch(self) -> str:
        """The epoch, ``0`` when none is written."""
        head, colon, _ = self.evr.partition(":")
        return head if colon else "0"

    @property
    def version(self) -> str:
        """The version without epoch and release."""
        return self.evr.rpartition("-")[0].rpartition(":")[2]

    @property
    def release(self) -> str:
        """The release."""
        return self.evr.rpartition("-")[2]


@frozen
class MetadataFile:
    """A file of a repository on this disk, already checked. Digests are hexadecimal sha256.

    The compression is told by the path's suffix: ``.gz``, ``.zst``, ``.xz``, ``.bz2`` or none.
    ``location`` is its path in the repository, empty where that is not known.
    """

    path: Path
    sha256: str
    open_size: int = 0
    location: str = ""


@frozen
class RpmMd:
    """The parts of an rpm-md repository that solving reads."""

    primary: MetadataFile
    filelists: MetadataFile | None = None
    modules: MetadataFile | None = None


@frozen
class Repository:
    """A repository whose content is fixed by ``digest``, the sha256 of its repomd.xml.

    ``priority`` is dnf's: the smaller number wins, 99 is usual. ``sources`` says that it holds
    source packages. ``content`` is rpm-md on disk, or packages for an embedded base. With
    ``module_hotfixes`` no module hides its packages.
    """

    id: str
    digest: str
    content: RpmMd | tuple[Package, ...]
    priority: int = LOWEST_PRIORITY
    sources: bool = False
    module_hotfixes: bool = False


@frozen
class Base:
    """A release and architecture with its repositories; never changed by us.

    ``python`` is the version (``3.14``) that its distributions are built for, and ``glibc`` the
    (major, minor) that bounds prebuilt binaries; both are empty where only the packages can say.
    ``embedded`` says that it is the small extract that comes with the tool. ``overlays`` are the
    ids of the repositories that the user named, sorted, of which ``given`` are those that had to be
    named: they are the base's own. The others lie after those.
    """

    name: str
    arch: str
    python: str
    repositories: tuple[Repository, ...]
    release: str = ""
    python_full: str = ""
    build_group: tuple[str, ...] = ()
    embedded: bool = False
    glibc: tuple[int, int] | tuple[()] = ()
    given: tuple[str, ...] = ()
    overlays: tuple[str, ...] = ()
