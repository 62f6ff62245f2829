"""Where packages that are left out could turn a choice that libsolv makes among the others.

A root is solved quickly by telling libsolv that some packages cannot be installed. They stay in
its rules, where they can only change the order in which it looks at a package's requirements, and
its rank of packages of which another version is left out. So where a capability that a root uses
has several providers, and something left out is among them or bears the name of one, the answer
is in doubt, and the root is better solved with all that is left out really gone. So it is where
only packages of an inferior architecture are left of a name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import frozen

from ..model.package import Package
from ._libsolv import Engine
from ._requirers import leaves

__all__ = ["Choices"]


@frozen
class _Crowd:
    """Several packages that all provide each of ``names``; ``near`` are also those of the same
    package name as one of them."""

    packages: frozenset[int]
    near: frozenset[int]
    names: frozenset[str]

    def is_open(self, left_out: frozenset[int]) -> bool:
        """Whether there is still a choice in it, one that what is left out could turn."""
        return not self.near.isdisjoint(left_out) and len(self.packages - left_out) > 1


@frozen
class _Mixed:
    """Packages of one name for several architectures: for that of the pool, and for others."""

    native: frozenset[int]
    others: frozenset[int]

    def is_open(self, left_out: frozenset[int]) -> bool:
        """Whether libsolv would still measure the others by one that is left out."""
        left = self.others - left_out
        return bool(left and self.native <= left_out and (self.native or left != self.others))


class Choices:
    """The choices around some planned packages. Good until packages are indexed anew."""

    def __init__(self, engine: Engine, planned: Iterable[int]) -> None:
        self._engine = engine
        self._bearers: dict[str, frozenset[int]] = {}
        self._provided: dict[int, tuple[str, set[str]]] = {}
        self._used: dict[int, frozenset[str]] = {}
        self._boolean: dict[int, tuple[_Crowd, ...]] = {}
        self._hidden: dict[str, tuple[tuple[_Crowd, ...], tuple[_Mixed, ...]]] = {}
        self._guests = frozenset(planned)
        crowds, self._mixed = self._open_around(self._guests)
        # The others have one package at most, unless a root holds planned ones of theirs.
        self._always = [crowd for crowd in crowds if len(crowd.packages - self._guests) > 1]
        self._of: dict[int, list[_Crowd]] = {}
        for crowd in crowds:
            for guest in crowd.packages & self._guests:
                self._of.setdefault(guest, []).append(crowd)

    def doubtful(
        self,
        left_out: frozenset[int],
        hidden: Iterable[str],
        asked: frozenset[str],
        boolean: Sequence[str],
        chosen: Sequence[int],
        lift: Callable[[int], Package],
    ) -> bool:
        """Whether leaving packages out could have turned a choice in a root.

        ``hidden`` are the names of base packages among them, ``asked`` all names in the demands,
        ``boolean`` those demands that are boolean, ``chosen`` everything that is in the root.
        """
        present = set(chosen)
        for number in present - self._used.keys():
            self._look_at(number, lift(number))
        crowded = self._boolean_in(boolean)
        for number in self._boolean.keys() & present:
            crowded += self._boolean[number]
        if any(crowd.is_open(left_out) for crowd in crowded):
            return True
        crowds, mixtures = [*self._always], [*self._mixed]
        for guest in self._guests - left_out:
            crowds += self._of.get(guest, ())
        for name in hidden:
            more, mixed_more = self._around(name)
            crowds += more
            mixtures += mixed_more
        if any(mixed.is_open(left_out) for mixed in mixtures):
            return True
        names = frozenset().union(*(crowd.names for crowd in crowds if crowd.is_open(left_out)))
        if not names:
            return False
        used = self._used
        return not (names.isdisjoint(asked) and all(names.isdisjoint(used[one]) for one in present))

    def crowded(self, packages: frozenset[int], left_out: frozenset[int]) -> bool:
        """The same for one demand that these packages meet."""
        return _Crowd(packages, self._near(packages), frozenset()).is_open(left_out)

    def _around(self, hidden: str) -> tuple[tuple[_Crowd, ...], tuple[_Mixed, ...]]:
        if hidden not in self._hidden:
            self._hidden[hidden] = self._open_around(self._engine.named(hidden))
        return self._hidden[hidden]

    def _open_around(
        self, packages: Iterable[int]
    ) -> tuple[tuple[_Crowd, ...], tuple[_Mixed, ...]]:
        near = self._near(packages)
        return self._crowds(near), self._mixtures(near)

    def _mixtures(self, near: Iterable[int]) -> tuple[_Mixed, ...]:
        by_name: dict[str, dict[str, set[int]]] = {}
        for package in near:
            arch = self._engine.full_name(package).rpartition(".")[2]
            if arch != "noarch":
                name = self._provides(package)[0]
                by_name.setdefault(name, {}).setdefault(arch, set()).add(package)
        mixtures = []
        for arches in by_name.values():
            if len(arches) > 1:
                native = frozenset(arches.pop(self._engine.arch, ()))
                mixtures.append(_Mixed(native, frozenset().union(*arches.values())))
        return tuple(mixtures)

    def _crowds(self, near: Iterable[int]) -> tuple[_Crowd, ...]:
        names: dict[frozenset[int], set[str]] = {}
        for package in near:
            for name in self._provides(package)[1]:
                bearers = self._bearing(name)
                if len(bearers) > 1:
                    names.setdefault(bearers, set()).add(name)
        return tuple(
            _Crowd(bearers, self._near(bearers), frozenset(shared))
            for bearers, shared in names.items()
        )

    def _look_at(self, number: int, package: Package) -> None:
        texts = (*package.requires, *package.conflicts)
        self._used[number] = _names(texts)
        if boolean := self._boolean_in(texts):
            self._boolean[number] = boolean

    def _boolean_in(self, texts: Sequence[str]) -> tuple[_Crowd, ...]:
        """For each boolean dependency, all that its rules may hold: providers of several names."""
        found = []
        for text in texts:
            if text.startswith("("):
                packages = frozenset().union(*(self._bearing(name) for name, _ in leaves(text)))
                if len(packages) > 1:
                    found.append(_Crowd(packages, self._near(packages), frozenset()))
        return tuple(found)

    def _near(self, packages: Iterable[int]) -> frozenset[int]:
        """These packages, and all others of their names."""
        near = set(packages)
        for name in {self._provides(package)[0] for package in near}:
            near |= {each for each in self._bearing(name) if self._provides(each)[0] == name}
        return frozenset(near)

    def _provides(self, package: int) -> tuple[str, set[str]]:
        if package not in self._provided:
            self._provided[package] = self._engine.provided(package)
        return self._provided[package]

    def _bearing(self, name: str) -> frozenset[int]:
        if name not in self._bearers:
            self._bearers[name] = self._engine.bearers(name)
        return self._bearers[name]


def _names(texts: Iterable[str]) -> frozenset[str]:
    """All names in some dependencies."""
    return frozenset(name for text in texts for name, _ in leaves(text))
