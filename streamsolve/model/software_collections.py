"""Software Collections: packages under a prefix of their own, which have to be enabled to be used.

Their packages bear the collection's name before their own (``gcc-toolset-14-gcc``), lie under
``/opt/rh/NAME`` and say so by providing ``scl-package(NAME)``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import frozen

from .package import Package

__all__ = ["MARK", "SoftwareCollection", "collection_of"]

MARK = "scl-package("
"""What the provide begins with by which a package says which collection it is of."""

_MARKED = re.compile(re.escape(MARK) + r"(?P<name>[A-Za-z0-9][A-Za-z0-9._+-]*)\)")
_WHERE = "/opt/rh"


@frozen(order=True)
class SoftwareCollection:
    """A collection by name, such as ``gcc-toolset-14``."""

    name: str

    @property
    def prefix(self) -> str:
        """The directory that everything of it is under."""
        return f"{_WHERE}/{self.name}"

    @property
    def enable(self) -> str:
        """The script that a shell reads to use it, as ``scl enable`` does."""
        return f"{self.prefix}/enable"

    @property
    def programs(self) -> str:
        """The directory of its programs, which comes first in ``PATH`` where it is enabled."""
        return f"{self.prefix}/root/usr/bin"

    def package(self, name: str) -> str:
        """What a package of that name is called in the collection."""
        return f"{self.name}-{name}"

    def plain(self, package: str) -> str:
        """What one of its packages would be called outside, such as ``gcc``; empty for a package
        that is not named as one of the collection."""
        head = f"{self.name}-"
        return package.removeprefix(head) if package.startswith(head) else ""


def collection_of(package: Package) -> SoftwareCollection | None:
    """The collection that a package is of, or None."""
    for name in _named(package.provides):
        found = SoftwareCollection(name)
        if found.plain(package.name) or package.name == name:
            return found
    return None


def _named(provides: Iterable[str]) -> Iterable[str]:
    for text in provides:
        if found := _MARKED.match(text):
            yield found["name"]
