"""The packages of all roots as one table: each once, under a short name, with what rests on it.

Of what a package provides, only the names are kept that something in a root with it speaks of: a
requirement, a conflict, or what was asked of the root. Names of distributions stay, since no root
may hold two of one, and a private package keeps everything, because it exists nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache

from attrs import define, field, frozen

from ..errors import InputError
from ..model.build import Root, RootStream, stream_id
from ..model.component import Origin
from ..model.package import Package
from ..model.rpm_dependency import rpm_version
from ..model.rpm_language import Capability, Dependency, parse_dependency

__all__ = ["EXTERNAL", "PRIVATE", "Row", "package_rows"]

PRIVATE = "private"
EXTERNAL = "external"

_DISTRIBUTION = re.compile(r"python\d+\.\d+dist\(")


@frozen
class Row:
    """A package of the table. ``stream`` is the id of the private or external stream that it
    belongs to, else empty; ``provides`` is what is kept of its provides, sorted."""

    package: Package
    stream: str
    provides: tuple[str, ...]


def package_rows(roots: Sequence[Root]) -> tuple[dict[str, Row], Callable[[Package], str]]:
    """The table, sorted by its short names, and the short name of each package in it."""
    names = _Names(roots)
    spoken_of = _SpokenOf(roots)
    owners = _Owners(roots)
    rows = {
        names.of(package): Row(package, owners.of(package), spoken_of.kept(package))
        for package in names.packages
    }
    return dict(sorted(rows.items())), names.of


# -- short names -----------------------------------------------------------------------------------


class _Names:
    """``name.arch`` where only one package has it, else ``name-evr.arch``, and so on."""

    def __init__(self, roots: Iterable[Root]) -> None:
        self._by_identity = {id(package): package for root in roots for package in root.packages}
        self.packages = sorted(set(self._by_identity.values()))
        self._names: dict[Package, str] = {}
        taken: set[str] = set()
        for spell in (_short, _full, _with_repository):
            left = [package for package in self.packages if package not in self._names]
            groups: dict[str, list[Package]] = {}
            for package in left:
                groups.setdefault(spell(package), []).append(package)
            for name, group in groups.items():
                if len(group) == 1 and name not in taken:
                    self._names[group[0]] = name
            taken |= groups.keys()
        numbers: dict[str, int] = {}
        for package in self.packages:
            if package not in self._names:
                name = _with_repository(package)
                numbers[name] = numbers.get(name, 0) + 1
                self._names[package] = f"{name}#{numbers[name]}"
        self._name_by_identity = {
            identity: self._names[package] for identity, package in self._by_identity.items()
        }

    def of(self, package: Package) -> str:
        """The short name. Roots share their values, and hashing one walks through all its texts."""
        name = self._name_by_identity.get(id(package))
        return self._names[package] if name is None else name


def _short(package: Package) -> str:
    return f"{package.name}.{package.arch}"


def _full(package: Package) -> str:
    return package.nevra


def _with_repository(package: Package) -> str:
    return f"{package.nevra}@{package.repository}"


# -- what is kept of the provides ------------------------------------------------------------------


class _SpokenOf:
    """Which names are spoken of in which roots, as masks: one bit for each root."""

    def __init__(self, roots: Iterable[Root]) -> None:
        self._roots_of: dict[Package, int] = {}
        self._names: dict[str, int] = {}
        held: dict[int, tuple[Package, int]] = {}
        for number, root in enumerate(roots):
            bit = 1 << number
            for package in root.packages:
                _, before = held.get(id(package), (package, 0))
                held[id(package)] = (package, before | bit)
            self._speak(root.asked, bit)
        for package, mask in held.values():
            self._roots_of[package] = self._roots_of.get(package, 0) | mask
        for package, mask in self._roots_of.items():
            self._speak((*package.requires, *package.conflicts), mask)

    def _speak(self, texts: Iterable[str], mask: int) -> None:
        for text in texts:
            for name in _names_in(text):
                self._names[name] = self._names.get(name, 0) | mask

    def kept(self, package: Package) -> tuple[str, ...]:
        """What the table holds of a package's provides."""
        if package.repository == PRIVATE:
            return tuple(sorted(set(package.provides)))
        own = f"{package.name} = {package.evr}"  # every RPM provides itself
        return tuple(
            sorted(
                {text for text in package.provides if text != own and self._rests(package, text)}
            )
        )

    def _rests(self, package: Package, text: str) -> bool:
        name = text.partition(" ")[0]
        mask = self._names.get(name, 0)
        return bool(mask & self._roots_of[package]) or _DISTRIBUTION.match(name) is not None


@cache
def _names_in(text: str) -> tuple[str, ...]:
    """The names that a dependency speaks of; what cannot be parsed is its own name."""
    try:
        return tuple(_leaves(parse_dependency(text)))
    except InputError:
        return (text.partition(" ")[0],)


def _leaves(dependency: Dependency) -> Iterator[str]:
    if isinstance(dependency, Capability):
        yield dependency.name
    else:
        for operand in dependency.operands:
            yield from _leaves(operand)


# -- whose packages they are -----------------------------------------------------------------------


@define
class _Owners:
    """Which stream a private or external package belongs to.

    A stream's own package has the name that the root's stream says; its sub-packages (extras,
    headers) require that one at exactly their own version. A third party's further packages have
    the version of one of its streams.
    """

    roots: Sequence[Root]
    _found: dict[Package, str] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        for root in self.roots:
            made = {
                stream.package: stream
                for stream in root.streams
                if stream.origin in (Origin.PRIVATE, Origin.EXTERNAL)
            }
            for package in root.packages:
                if (
                    package.repository == PRIVATE
                    or package.name in made
                    or package.repository == EXTERNAL
                ):
                    self._note(package, made)

    def _note(self, package: Package, made: Mapping[str, RootStream]) -> None:
        if package not in self._found:
            stream = made.get(package.name) or self._whole(package, made)
            if stream is not None:
                self._found[package] = stream_id(stream.component, stream.version)

    def _whole(self, package: Package, made: Mapping[str, RootStream]) -> RootStream | None:
        """The stream of which the package is a part."""
        for text in package.requires:
            name, _, evr = text.partition(" = ")
            if evr == package.evr and name in made:
                return made[name]
        if package.repository == PRIVATE:
            return None
        return next(
            (
                stream
                for _, stream in sorted(made.items())
                if stream.origin is Origin.EXTERNAL
                and rpm_version(stream.version) == package.version
            ),
            None,
        )

    def of(self, package: Package) -> str:
        """The stream's id, empty for a package of the base."""
        return self._found.get(package, "")
