"""What the header of an RPM file says, as a value."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

__all__ = ["RpmFile", "RpmHeader"]


@frozen(order=True)
class RpmHeader:
    """An RPM file. ``file`` is its name without directories, ``sha256`` that of all its bytes.

    ``epoch`` is None where it has none. ``sigmd5`` is hexadecimal, over header and payload.
    ``signature`` is the end of the id (8 digits) of the key that signed both; None for none.
    ``provides`` and ``requires`` are texts in RPM's language, with the programs among its files;
    they are read of packages that were built here alone.
    """

    name: str
    version: str
    release: str
    arch: str
    file: str
    sha256: str
    sigmd5: str
    license: str
    epoch: str | None = None
    signature: str | None = None
    provides: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()

    @property
    def evr(self) -> str:
        """``[epoch:]version-release``, without an epoch of 0, as a lock writes it."""
        epoch = f"{self.epoch}:" if self.epoch not in (None, "0") else ""
        return f"{epoch}{self.version}-{self.release}"


@frozen(order=True)
class RpmFile:
    """An RPM file on this disk, of which the digests were found to be right."""

    header: RpmHeader
    path: Path
