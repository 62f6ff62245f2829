"""The RPM files of a root: where each lies in its repository, and what is in it by digest."""

from __future__ import annotations

from attrs import frozen

__all__ = ["PackageFile", "RepositoryAddress"]


@frozen(order=True)
class RepositoryAddress:
    """Where a repository is: exactly one of the three is set. ``$releasever`` and ``$basearch`` may
    stand in it."""

    id: str
    baseurl: str = ""
    metalink: str = ""
    mirrorlist: str = ""


@frozen(order=True)
class PackageFile:
    """An RPM file. ``evr`` is ``[epoch:]version-release``, ``location`` its path in the repository,
    ``checksum`` ``algorithm:hexadecimal``, ``size`` in bytes, and ``source`` the file name of its
    source package, empty where nobody says."""

    name: str
    evr: str
    arch: str
    repository: str
    location: str
    checksum: str
    size: int
    source: str = ""

    @property
    def nevra(self) -> str:
        """``name-[epoch:]version-release.architecture``."""
        return f"{self.name}-{self.evr}.{self.arch}"
