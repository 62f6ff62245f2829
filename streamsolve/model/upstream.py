"""What a package index says of a release."""

from __future__ import annotations

from attrs import frozen
from packaging.version import Version

__all__ = ["Artifact", "Release", "ReleaseMetadata"]


@frozen(order=True)
class Artifact:
    """A file of a release: name and sha256 (hexadecimal, empty where the index gives none)."""

    filename: str
    sha256: str = ""

    @property
    def is_wheel(self) -> bool:
        """Whether it is a wheel; everything else that we keep is an sdist."""
        return self.filename.endswith(".whl")


@frozen
class Release:
    """One version in an index's listing: known before its metadata is.

    ``name`` is normalised. ``sdists`` and ``wheels`` are sorted by file name. ``pure`` says that a
    wheel of it runs on every platform, so that building it needs no compiler; an extract says so
    without listing the wheel.
    """

    name: str
    version: Version
    requires_python: str = ""
    sdists: tuple[Artifact, ...] = ()
    wheels: tuple[Artifact, ...] = ()
    yanked: bool = False
    pure: bool = False


@frozen
class ReleaseMetadata:
    """What a release's core metadata says. ``requires`` are PEP 508 texts as written there."""

    name: str
    version: Version
    requires: tuple[str, ...] = ()
    requires_python: str = ""
    extras: tuple[str, ...] = ()
    licence: str = ""
