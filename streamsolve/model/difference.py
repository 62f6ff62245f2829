"""What can change between two locks or two plans, as values."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

__all__ = [
    "BaseUpdate",
    "BuildChange",
    "Change",
    "LockDiff",
    "OrderChange",
    "PackageChange",
    "RepositoryMove",
    "RootChange",
    "SettingChange",
    "StreamChange",
    "VendoredChange",
    "VendoredDiff",
]


class Change(Enum):
    """What became of something."""

    IN = "in"
    OUT = "out"
    UP = "up"
    DOWN = "down"
    ORIGIN = "origin"
    CHANGED = "changed"

    def __lt__(self, other: Change) -> bool:
        return self.value < other.value


@frozen
class StreamChange:
    """A stream that is in, out, of another version or origin, or changed under its version.

    ``component`` is written as profiles write it. Versions and origins are empty on the side where
    there is no such stream. ``reason`` is the kind of the new stream's reason, ``text`` the
    profile's words, and ``demands`` are (by, requirement) of those that the reason names, else of
    all that require it: empty where the new plan has no such stream. ``parts`` are what differs
    under the same version and origin: ``source``.
    """

    change: Change
    component: str
    old_version: str = ""
    new_version: str = ""
    old_origin: str = ""
    new_origin: str = ""
    build_only: bool = False
    reason: str = ""
    text: str = ""
    demands: tuple[tuple[str, str], ...] = ()
    parts: tuple[str, ...] = ()


@frozen
class PackageChange:
    """A package of a root that is in, out, up, down, or another one of the same version."""

    change: Change
    name: str
    arch: str
    old_evr: str = ""
    new_evr: str = ""
    repository: str = ""


@frozen
class RootChange:
    """A root that is in, out or changed. Its packages are listed where it changed."""

    change: Change
    root: str
    packages: tuple[PackageChange, ...] = ()


@frozen
class BaseUpdate:
    """A package of the base that another one took the place of, with the number of roots in which
    that happened."""

    package: PackageChange
    roots: int


@frozen
class RepositoryMove:
    """A repository of the base whose content is another; a digest is empty where it is not used."""

    id: str
    old_sha256: str
    new_sha256: str


@frozen
class BuildChange:
    """A build that is in, out or changed; ``parts`` are what changed in it: ``root``, ``needs``,
    ``after``, ``cost``, ``left_out``, ``substitutes``."""

    change: Change
    build: str
    parts: tuple[str, ...] = ()


@frozen
class OrderChange:
    """The order before and after. ``moved`` are the builds in both with their levels, from 0."""

    old_minutes: int
    new_minutes: int
    old_levels: int
    new_levels: int
    old_path: tuple[str, ...]
    new_path: tuple[str, ...]
    moved: tuple[tuple[str, int, int], ...] = ()


@frozen
class SettingChange:
    """A setting by its name, with both values as texts."""

    name: str
    old: str
    new: str


@frozen(order=True)
class VendoredChange:
    """A crate or npm package that a stream carries: in, out, or of another version, licence or
    content. Versions and licences are empty on the side where there is none."""

    change: Change
    ecosystem: str
    name: str
    old_version: str = ""
    new_version: str = ""
    old_licence: str = ""
    new_licence: str = ""


@frozen
class VendoredDiff:
    """What changed in what the stream of a component carries, and how many packages that is."""

    component: str
    old_count: int
    new_count: int
    changes: tuple[VendoredChange, ...] = ()


@frozen
class LockDiff:
    """Everything that changed, each part sorted by name. For plans without builds only streams,
    repositories, settings (application, variant, base, Python) and what is vendored are told."""

    streams: tuple[StreamChange, ...] = ()
    roots: tuple[RootChange, ...] = ()
    repositories: tuple[RepositoryMove, ...] = ()
    updates: tuple[BaseUpdate, ...] = ()
    builds: tuple[BuildChange, ...] = ()
    order: OrderChange | None = None
    settings: tuple[SettingChange, ...] = ()
    vendored: tuple[VendoredDiff, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return self != LockDiff()
