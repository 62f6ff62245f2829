"""Whether a lock can still be done today: what is gone, what changed, what was not looked at."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from .difference import RepositoryMove, SettingChange

__all__ = ["Fate", "PackageFate", "SourceFate", "Unseen", "Verification"]


class Fate(Enum):
    """What became of something that a lock needs."""

    GONE = "gone"
    CHANGED = "changed"
    YANKED = "yanked"

    def __lt__(self, other: Fate) -> bool:
        return self.value < other.value


@frozen(order=True)
class PackageFate:
    """A package of the base that is not what the lock has. ``roots`` says in how many roots it
    lies. ``checksum`` is the lock's, ``found`` that of the package which goes by its full name now,
    empty where it is gone; ``instead`` are the versions that the base has of it, newest first."""

    fate: Fate
    nevra: str
    repository: str
    roots: int
    checksum: str
    found: str = ""
    instead: tuple[str, ...] = ()


@frozen(order=True)
class SourceFate:
    """A source that is not what the lock has: a file of a release, or without a file name a source
    package of the base. Checksums are sha256 in hexadecimal. One that is yanked is still there."""

    fate: Fate
    component: str
    version: str
    purl: str
    filename: str = ""
    sha256: str = ""
    found: str = ""


@frozen(order=True)
class Unseen:
    """What was not looked at: how many, of what, and why."""

    what: str
    number: int
    why: str


@frozen
class Verification:
    """What was found of a lock; each part is sorted. ``packages_seen`` and ``sources_seen`` count
    what was looked at. ``settings`` are what a new lock would be made with: the profile, the tool,
    the base by name, its release, Python and build group."""

    packages: tuple[PackageFate, ...] = ()
    sources: tuple[SourceFate, ...] = ()
    repositories: tuple[RepositoryMove, ...] = ()
    settings: tuple[SettingChange, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    packages_seen: int = 0
    sources_seen: int = 0

    @property
    def holds(self) -> bool:
        """Whether everything that was looked at is there as the lock has it. A repository that
        moved, a profile or a tool that changed takes nothing away from a lock."""
        lost = [source for source in self.sources if source.fate is not Fate.YANKED]
        return not self.packages and not lost

    def of(self, fate: Fate) -> tuple[PackageFate, ...]:
        """The packages of one fate."""
        return tuple(package for package in self.packages if package.fate is fate)
