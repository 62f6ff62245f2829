"""The packages of several roots, each looked at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from attrs import define, field

from ..errors import InputError
from .build import Root, RootStream
from .component import Origin
from .package import Package
from .rpm_language import Dependency, parse_dependency

__all__ = ["EXTERNAL", "PLANNED", "PRIVATE", "HeldPackages", "parsed"]

PRIVATE = Origin.PRIVATE.value
EXTERNAL = Origin.EXTERNAL.value
PLANNED = frozenset({PRIVATE, EXTERNAL})
"""The repositories of planned packages. No repository of a base or overlay may have these names."""


def parsed(text: str) -> Dependency | None:
    """A dependency, or None for what is none: repositories hold such texts, and nothing can be met
    by them."""
    try:
        return parse_dependency(text)
    except InputError:
        return None


@define(slots=False)
class HeldPackages:
    """All roots, sorted, over numbered packages: what is equal has one number."""

    roots: tuple[Root, ...]
    owners: Mapping[str, RootStream]
    overlays: frozenset[str]
    packages: list[Package] = field(factory=list, init=False)
    members: dict[str, list[int]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        # Most roots share their packages' values, whose texts take long to hash.
        met: dict[int, int] = {}
        numbers: dict[Package, int] = {}
        for root in self.roots:
            held = self.members[root.id] = []
            for package in root.packages:
                number = met.get(id(package))
                if number is None:
                    number = met[id(package)] = numbers.setdefault(package, len(numbers))
                held.append(number)
        self.packages = list(numbers)

    @cached_property
    def nevras(self) -> list[str]:
        """The full names by number."""
        return [package.nevra for package in self.packages]

    @cached_property
    def planned(self) -> list[bool]:
        """Which packages do not exist yet."""
        return [package.repository in PLANNED for package in self.packages]

    @cached_property
    def of_base(self) -> list[bool]:
        """Which packages are the base's."""
        others = PLANNED | self.overlays
        return [package.repository not in others for package in self.packages]

    @cached_property
    def stream(self) -> list[RootStream | None]:
        """The stream of each package; the base's have none."""
        return [
            None if base else self.owners.get(nevra)
            for base, nevra in zip(self.of_base, self.nevras, strict=True)
        ]

    @cached_property
    def of_streams(self) -> list[tuple[Package, RootStream | None]]:
        """The packages of streams: planned ones, and an overlay's that a stream owns."""
        return [
            (package, self.stream[number])
            for number, package in enumerate(self.packages)
            if self.planned[number] or self.stream[number] is not None
        ]

    @cached_property
    def first_root(self) -> dict[str, str]:
        """The id of the first root that holds a package, by its full name."""
        found: dict[str, str] = {}
        for root in self.roots:
            for number in self.members[root.id]:
                found.setdefault(self.nevras[number], root.id)
        return found
