"""Packages of Debian and its relatives, as values, and what meets a relation among them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import cached_property

from attrs import frozen
from packaging.version import Version

from .component import Component
from .debian_version import debian_key
from .requirement import Requirement

__all__ = [
    "DEBIAN_ARCHITECTURES",
    "DebianAnswer",
    "DebianBase",
    "DebianCandidate",
    "DebianComparison",
    "DebianIndex",
    "DebianPackage",
    "DebianRelation",
    "KnownBy",
    "Meets",
]

DEBIAN_ARCHITECTURES: Mapping[str, str] = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "ppc64le": "ppc64el",
    "s390x": "s390x",
    "riscv64": "riscv64",
}
"""Debian's names for the architectures of bases."""

_HOLDS = {
    "<<": (-1,),
    "<=": (-1, 0),
    "=": (0,),
    ">=": (0, 1),
    ">>": (1,),
}


@frozen(order=True)
class DebianRelation:
    """One alternative of a field such as Depends. ``op`` is one of ``<< <= = >= >>``, empty with
    ``version`` for any version. ``arch`` is what follows the name's colon, such as ``any``."""

    name: str
    op: str = ""
    version: str = ""
    arch: str = ""

    def __str__(self) -> str:
        name = f"{self.name}:{self.arch}" if self.arch else self.name
        return f"{name} ({self.op} {self.version})" if self.op else name

    def allows(self, version: str) -> bool:
        """Whether a version is in its range."""
        if not self.op:
            return True
        have, bound = debian_key(version), debian_key(self.version)
        return (have > bound) - (have < bound) in _HOLDS[self.op]


@frozen
class DebianPackage:
    """One binary package. ``arch`` is Debian's name, or ``all``.

    ``depends`` holds Pre-Depends and Depends, each entry with its alternatives in the order of
    preference; ``conflicts`` holds Conflicts and Breaks. A provide with a version has the operator
    ``=``. ``source`` is the name of its source package. ``stated`` are names of Python
    distributions that its maintainers wrote down: the field Python-Egg-Name, or a home page that is
    a project's page on the package index.
    """

    name: str
    version: str
    arch: str
    source: str
    provides: tuple[DebianRelation, ...] = ()
    depends: tuple[tuple[DebianRelation, ...], ...] = ()
    conflicts: tuple[DebianRelation, ...] = ()
    stated: tuple[str, ...] = ()


@frozen(order=True)
class DebianIndex:
    """A Packages file that was read: its name, the sha256 (hexadecimal) of its text, how many
    packages it lists, and whether a Release file beside it confirmed the digest."""

    file: str
    sha256: str
    packages: int
    confirmed: bool = False


@frozen
class DebianBase:
    """What a Debian or Ubuntu has for one architecture: of each name the newest package, sorted.

    ``older`` counts the packages of which a newer one is there.
    """

    arch: str
    packages: tuple[DebianPackage, ...]
    indexes: tuple[DebianIndex, ...]
    older: int = 0

    @cached_property
    def by_name(self) -> Mapping[str, DebianPackage]:
        """The packages by name."""
        return {package.name: package for package in self.packages}

    @cached_property
    def _by_provide(self) -> Mapping[str, tuple[tuple[DebianPackage, DebianRelation], ...]]:
        found: dict[str, list[tuple[DebianPackage, DebianRelation]]] = {}
        for package in self.packages:
            for provided in package.provides:
                found.setdefault(provided.name, []).append((package, provided))
        return {name: tuple(some) for name, some in found.items()}

    def meeting(self, relation: DebianRelation) -> tuple[DebianPackage, ...]:
        """The packages that meet a relation: the one of that name, then those that provide it.

        A provide without a version meets only a relation without one, as Debian's policy says.
        """
        found = []
        own = self.by_name.get(relation.name)
        if own is not None and relation.allows(own.version):
            found.append(own)
        for package, provided in self._by_provide.get(relation.name, ()):
            if not relation.op or (provided.op and relation.allows(provided.version)):
                found.append(package)
        return tuple(dict.fromkeys(found))

    def unmet(self, package: DebianPackage) -> tuple[tuple[DebianRelation, ...], ...]:
        """The entries of its dependencies that nothing here meets."""
        return tuple(
            alternatives
            for alternatives in package.depends
            if not any(self.meeting(relation) for relation in alternatives)
        )


class KnownBy(Enum):
    """How a package is known to carry a component, surest first.

    Debian names a Python package after the module that is imported, not after the distribution, and
    its index does not say which distribution is inside. ``RULE``: the profile, or a rule of
    the distribution (``libc6`` is glibc). ``STATED``: a field of the package names it. ``NAME``:
    the package is called ``python3-NAME``, or NAME and needs Python. ``SOURCE``: it is the only or
    the main Python package of a source package called NAME or ``python-NAME``.
    """

    RULE = "rule"
    STATED = "stated"
    NAME = "name"
    SOURCE = "source"

    def __lt__(self, other: KnownBy) -> bool:
        order = list(KnownBy)
        return order.index(self) < order.index(other)


@frozen
class DebianCandidate:
    """A package that carries a component. ``version`` is upstream's as far as the package's
    version tells it, or None. ``unmet`` are the dependencies that nothing in the base meets, as
    texts."""

    package: str
    evr: str
    version: Version | None
    known_by: KnownBy
    unmet: tuple[str, ...] = ()


class Meets(Enum):
    """What comes of a component's requirements; ``UNTOLD`` where a version cannot be compared."""

    MEETS = "meets"
    CONFLICTS = "conflicts"
    MISSING = "missing"
    UNTOLD = "untold"


@frozen
class DebianAnswer:
    """What the base has for a component. ``failed`` are the requirements that its candidate does
    not meet; ``candidate`` is None where nothing is known to carry the component."""

    component: Component
    requirements: tuple[Requirement, ...]
    meets: Meets
    candidate: DebianCandidate | None = None
    failed: tuple[Requirement, ...] = ()


@frozen
class DebianComparison:
    """An application's requirements against a base, sorted by kind and name. ``python`` is the
    series (``3.11``) for which markers were evaluated. ``exclusions`` are candidates that fit and
    cannot be installed together: who says so, about whom, and the relation as a text."""

    application: str
    python: str
    answers: tuple[DebianAnswer, ...]
    omitted: tuple[str, ...] = ()
    exclusions: tuple[tuple[str, str, str], ...] = ()

    def of(self, *meets: Meets) -> tuple[DebianAnswer, ...]:
        """The answers of these sorts, in order."""
        return tuple(answer for answer in self.answers if answer.meets in meets)
