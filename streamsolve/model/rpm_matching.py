"""Whether a set of packages meets a dependency, boolean ones included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import field, frozen

from .rpm_language import Capability, Dependency
from .rpm_version import satisfies

__all__ = ["Provided", "names_in"]


def names_in(dependency: Dependency) -> Iterator[str]:
    """The names that a dependency speaks about, in the order of its text."""
    if isinstance(dependency, Capability):
        yield dependency.name
        return
    for operand in dependency.operands:
        yield from names_in(operand)


@frozen
class Provided:
    """What packages provide: for each name, who provides it and in which version.

    Packages are told apart by a name of the caller's. A path is met only where it is among what
    is provided.
    """

    by_name: Mapping[str, tuple[tuple[str, Capability], ...]] = field(factory=dict)

    @classmethod
    def of(cls, provides: Iterable[tuple[str, Capability]]) -> Provided:
        """From pairs of package and what it provides."""
        found: dict[str, list[tuple[str, Capability]]] = {}
        for package, capability in provides:
            found.setdefault(capability.name, []).append((package, capability))
        return cls({name: tuple(rows) for name, rows in found.items()})

    def meets(self, dependency: Dependency) -> bool:
        """Whether the packages together meet a dependency.

        ``(a if b)`` holds where b does not; ``(a unless b)`` does not hold where b does.
        """
        if isinstance(dependency, Capability):
            return bool(self.providers(dependency))
        operands = dependency.operands
        match dependency.operator:
            case "and":
                return all(map(self.meets, operands))
            case "or":
                return any(map(self.meets, operands))
            case "with" | "without":
                return bool(self.providers(dependency))
        condition = self.meets(operands[1])
        if condition is (dependency.operator == "if"):
            return self.meets(operands[0])
        return self.meets(operands[2]) if len(operands) > 2 else dependency.operator == "if"

    def providers(self, dependency: Dependency) -> frozenset[str]:
        """The packages that meet a dependency each by itself (``with``, ``without``), or of which
        one is enough (``or``); of anything else all that its parts speak of."""
        if isinstance(dependency, Capability):
            rows = self.by_name.get(dependency.name, ())
            return frozenset(package for package, have in rows if satisfies(have, dependency))
        first, *others = map(self.providers, dependency.operands)
        if dependency.operator == "with":
            return first.intersection(*others)
        if dependency.operator == "without":
            return first.difference(*others)
        return first.union(*others)
