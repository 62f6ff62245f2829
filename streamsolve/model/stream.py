"""Streams: an offer is what is known from a listing, a stream is an offer with its metadata."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import field, frozen
from packaging.version import Version

from .component import PYTHON, Component, Origin
from .requirement import Requirement
from .target import Target

__all__ = ["Offer", "Source", "Stream"]

_SERIES = 2
_NEWEST_PATCH = 99


@frozen(order=True)
class Source:
    """What a stream is built from: a package URL, the file's name and its sha256 (hexadecimal).

    File name and digest are empty for a source repository, whose ``purl`` names the revision.
    """

    purl: str
    filename: str = ""
    sha256: str = ""


@frozen
class Offer:
    """One version of a component that could be used: known before its metadata is.

    ``package`` is the RPM that carries it (planned, for a private one). ``pythons`` are the
    interpreter versions (``3.14``) that it is limited to, empty for no limit: a base package is
    bound to the base's interpreter, a prebuilt wheel to those it was built for. ``cost`` is what
    building costs, in minutes of one builder; 0 for what is not built.
    ``in_base`` says that the base ships exactly this version, whatever the origin. ``to_enable``
    says that it is of a Software Collection, which has to be enabled to be used. ``priority`` is
    that of the base's or overlay's repository, as dnf counts it: the smaller wins.
    """

    component: Component
    version: Version
    origin: Origin
    package: str
    repository: str = ""
    pythons: tuple[str, ...] = ()
    cost: int = 0
    in_base: bool = False
    prebuilt: bool = False
    to_enable: bool = False
    priority: int = 99

    @property
    def key(self) -> tuple[Component, Version, str, str]:
        """Identity: two offers of one universe never share it."""
        return (self.component, self.version, self.origin.value, self.package)

    def __str__(self) -> str:
        return f"{self.component} {self.version} ({self.origin.value})"

    def meets(self, requirement: Requirement) -> bool:
        """Whether its version satisfies a requirement. What is omitted meets any; a private
        interpreter without a patch number stands for the newest patch release of its series."""
        if self.origin is Origin.OMITTED or requirement.allows(self.version):
            return True
        series = self.component == PYTHON and len(self.version.release) == _SERIES
        return series and requirement.allows(Version(f"{self.version}.{_NEWEST_PATCH}"))


@frozen
class Stream:
    """An offer with what it demands.

    ``requirements`` are all it states, markers included, and are evaluated for each target.
    ``extras`` maps an extra to what it adds, for streams whose extras are packages of their own;
    a stream from the index states extras in its markers and has ``open_extras`` true: an extra
    that it does not know adds nothing. ``constraints`` bind a component only if it is used.
    """

    offer: Offer
    requirements: tuple[Requirement, ...] = ()
    constraints: tuple[Requirement, ...] = ()
    extras: Mapping[str, tuple[Requirement, ...]] = field(
        factory=lambda: MappingProxyType({}), hash=False
    )
    open_extras: bool = True
    source: Source = field(factory=lambda: Source(""))
    licence: str = ""

    def demands(self, target: Target, extra: str = "") -> tuple[Requirement, ...]:
        """What it requires at a target; with an extra, only what that extra adds."""
        if not extra:
            return tuple(r for r in self.requirements if r.applies(target))
        if not self.open_extras:
            return self.extras.get(extra, ())
        return tuple(
            r
            for r in self.requirements
            if r.mentions_extra and r.applies(target, extra) and not r.applies(target)
        )

    @property
    def component(self) -> Component:
        """The component that this is a stream of."""
        return self.offer.component

    @property
    def version(self) -> Version:
        """Its version, in PEP 440."""
        return self.offer.version
