"""Libraries that RPM would take for one another: those of a compat package or of a collection.

`hipblas7.2` and `hipblas` both provide ``libhipblas.so.3()(64bit)``; what requires that works only
with the one that lies where the linker looks. A compat package with a prefix of its own, and a
Software Collection, serve their own packages; all others must get the usual package as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from attrs import define, evolve, field

from ..model.package import Package
from ..model.root import RootConflict, RootRequest, RootSolution
from ..model.software_collections import collection_of
from ..solving import PackagePool

__all__ = ["StandIns", "solved"]

Solve = Callable[[RootRequest], "RootSolution | RootConflict"]

_LIBRARY = re.compile(r"[^/\s(]+\.so[.0-9A-Za-z_+-]*\(")
_NUMBERED = re.compile(r"(?P<plain>.*[A-Za-z_+])(?P<number>[0-9]+(?:\.[0-9]+)*)(?P<part>-.+)?")
_ROUNDS = 4


@define
class StandIns:
    """Finds them in roots over a base's packages; what was seen of a package is kept."""

    pool: PackagePool
    _families: dict[str, str] = field(factory=dict, init=False)

    def missing(self, solution: RootSolution) -> tuple[str, ...]:
        """The usual packages that a root lacks, since something else stood in for them, sorted."""
        families = [(package, self._family(package)) for package in solution.packages]
        if not any(family for _, family in families):
            return ()
        usual = {text for package, family in families if not family for text in _libraries(package)}
        stand_ins: dict[str, set[str]] = {}
        for package, family in families:
            for text in _libraries(package) if family else ():
                stand_ins.setdefault(text, set()).add(family)
        found: set[str] = set()
        for package, family in families:
            for text in package.requires:
                if text in stand_ins and text not in usual and family not in stand_ins[text]:
                    found.update(self._usual(text))
        return tuple(sorted(found))

    def asked(self, request: RootRequest, solution: RootSolution) -> RootRequest | None:
        """The request with what it lacks; None if there is nothing to add."""
        more = set(self.missing(solution)) - set(request.install)
        if not more:
            return None
        return evolve(request, install=tuple(sorted({*request.install, *more})))

    def _family(self, package: Package) -> str:
        """What a package belongs to that lies aside: a collection, or a compat version."""
        known = self._families.get(package.nevra)
        if known is None:
            known = self._families[package.nevra] = self._find(package)
        return known

    def _find(self, package: Package) -> str:
        if collection := collection_of(package):
            return collection.name
        found = _NUMBERED.fullmatch(package.name)
        if found is None or not any(_LIBRARY.match(text) for text in package.provides):
            return ""
        usual = self.pool.named(f"{found['plain']}{found['part'] or ''}")
        shared = set(_libraries(package)) & {text for one in usual for text in _libraries(one)}
        return found["number"] if shared else ""

    def _usual(self, text: str) -> Iterable[str]:
        """The name of the package that is usually meant; nothing if there is none."""
        for package in self.pool.providers(text):
            if not self._family(package):
                return (package.name,)
        return ()


def _libraries(package: Package) -> Iterable[str]:
    return (text for text in package.provides if _LIBRARY.match(text))


def solved(
    request: RootRequest, stand_ins: StandIns, solve: Solve
) -> tuple[RootRequest, RootSolution | RootConflict]:
    """A root with the usual packages wherever something else stood in for them."""
    answer = solve(request)
    for _ in range(_ROUNDS):
        again = stand_ins.asked(request, answer) if isinstance(answer, RootSolution) else None
        if again is None:
            break
        request, answer = again, solve(again)
    return request, answer
