"""Requirements: parsed once, at the edge, and evaluated for a target."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache

from attrs import field, frozen
from packaging.markers import Marker
from packaging.requirements import InvalidRequirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from ..errors import Code, InputError, Place
from .component import PYTHON, Component, Scope, distribution
from .pep508 import parse_marker, parse_pep508, parse_specifiers
from .target import Target

__all__ = [
    "ASKED",
    "DEMANDED",
    "Requirement",
    "parse_requirement",
    "python_requirement",
    "pythons_requirement",
    "requirement_on",
]


ASKED = Place("asked for")
"""Where a demand stands that was asked for, beside options."""
DEMANDED = Place("--with")
"""Where one stands that the application is to have on top of its own; no profile relaxes it."""


@frozen
class Requirement:
    """A demand on a component: ``specifier`` in PEP 440, ``extras`` normalised and sorted.

    ``text`` is what the author wrote, without its ``marker`` (empty: it always holds). ``url`` is
    set for a direct reference, which binds no version. Two requirements are equal when their
    texts, markers, scopes and places are.
    """

    component: Component
    specifier: SpecifierSet = field(eq=False)
    text: str
    extras: tuple[str, ...] = ()
    marker: str = ""
    url: str = ""
    scope: Scope = Scope.RUN
    place: Place = field(factory=Place)

    def __str__(self) -> str:
        return self.text

    def allows(self, version: Version) -> bool:
        """Whether a version satisfies it. Pre-releases count when asked for by name, since the
        offers that selection sees are already filtered."""
        return self.specifier.contains(version, prereleases=True)

    def applies(self, target: Target, extra: str = "") -> bool:
        """Whether its marker holds at the target, with at most one extra asked for."""
        if not self.marker:
            return not extra
        return _marker_holds(self.marker, target, extra)

    @property
    def is_asked(self) -> bool:
        """Whether it is a question of the user's, such as ``--python``, and nobody's own demand."""
        return self.place.file.startswith("--") or self.place == ASKED

    @property
    def spelled(self) -> str:
        """The whole of it as profiles write it: with its kind and its marker."""
        kind = self.component.spelled.removesuffix(self.component.name)
        # An address ends at a space alone.
        marker = f"{' ' if self.url else ''}; {self.marker}" if self.marker else ""
        return f"{kind}{self.text}{marker}"

    @property
    def extra_names(self) -> tuple[str, ...]:
        """The extras asked for, normalised as PEP 685 says; RPM's generator keeps the spelling."""
        return tuple(_normalised(extra) for extra in self.extras)

    @property
    def mentions_extra(self) -> bool:
        """Whether an extra can switch it on."""
        return "extra" in self.marker


@cache
def _normalised(extra: str) -> str:
    return str(canonicalize_name(extra))


@cache
def _marker_holds(marker: str, target: Target, extra: str) -> bool:
    environment = dict(target.environment())
    environment["extra"] = extra
    return _marker(marker).evaluate(environment)


@cache
def _marker(text: str) -> Marker:
    return parse_marker(text)


@lru_cache(maxsize=65536)
def _parse(text: str) -> Requirement:
    parsed = parse_pep508(text)
    component = distribution(parsed.name)
    extras = tuple(sorted({extra.lower() for extra in parsed.extras}))
    bracket = f"[{','.join(extras)}]" if extras else ""
    spelled = f"{component.name}{bracket}{parsed.specifier}"
    if parsed.url:
        spelled = f"{component.name}{bracket} @ {parsed.url}"
    return Requirement(
        component, parsed.specifier, spelled, extras, str(parsed.marker or ""), url=parsed.url or ""
    )


def parse_requirement(
    text: str, *, place: Place | None = None, scope: Scope = Scope.RUN
) -> Requirement:
    """Parse a PEP 508 requirement; :class:`InputError` shows the fault with a caret."""
    try:
        parsed = _parse(text)
    except InvalidRequirement as error:
        lines = str(error).splitlines()
        raise InputError(
            Code.BAD_REQUIREMENT,
            f"{text!r} is not a requirement: {lines[0]}",
            place=place,
            hint="\n  ".join(lines[1:]),
        ) from None
    if place is None and scope is Scope.RUN:
        return parsed
    return Requirement(
        parsed.component,
        parsed.specifier,
        parsed.text,
        parsed.extras,
        parsed.marker,
        url=parsed.url,
        scope=scope,
        place=place or Place(),
    )


def requirement_on(
    component: Component,
    specifier: str,
    *,
    scope: Scope = Scope.RUN,
    place: Place | None = None,
    extras: Iterable[str] = (),
) -> Requirement:
    """A requirement on any component, from a PEP 440 specifier (empty for any version)."""
    try:
        parsed = _specifier(specifier)
    except InvalidSpecifier:
        raise InputError(
            Code.BAD_REQUIREMENT,
            f"{specifier!r} is no version specifier for {component}",
            place=place,
            hint="write it as PEP 440 does, such as '>=13.0,<13.1'",
        ) from None
    names = tuple(sorted(extras))
    bracket = f"[{','.join(names)}]" if names else ""
    text = f"{component.name}{bracket}{parsed}"
    return Requirement(component, parsed, text, names, scope=scope, place=place or Place())


@lru_cache(maxsize=8192)
def _specifier(text: str) -> SpecifierSet:
    return parse_specifiers(text)


def python_requirement(specifier: str) -> Requirement:
    """What ``Requires-Python`` demands of the interpreter."""
    return requirement_on(PYTHON, specifier)


def pythons_requirement(pythons: Iterable[str], among: Iterable[str]) -> Requirement:
    """That the interpreter is of one of these series (``3.14``): of those ``among``, it allows
    exactly these. Without any, it allows all."""
    wanted = sorted(set(pythons), key=Version)
    if len(wanted) <= 1:
        return python_requirement("".join(f"=={series}.*" for series in wanted))
    first, last = Version(wanted[0]), Version(wanted[-1])
    gaps = [
        f"!={series}.*"
        for series in sorted(set(among) - set(wanted), key=Version)
        if first < Version(series) < last
    ]
    return python_requirement(",".join((f">={first}", f"<{last.major}.{last.minor + 1}", *gaps)))
