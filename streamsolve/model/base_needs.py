"""Requirements of the base that only something private meets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import define, field

from .build import Leak, LeakKind, Root
from .held_packages import HeldPackages, parsed
from .rpm_language import Capability, Dependency, RichDependency
from .rpm_matching import Provided, names_in

__all__ = ["base_needs_private"]

_Need = tuple[str, Dependency]
_Rows = list[tuple[int, Capability]]


def base_needs_private(held: HeldPackages, base_provides: Callable[[str], bool]) -> Iterator[Leak]:
    """One leak for each requirement of a base package in each root that only packages of streams
    or overlays meet there, and that no package of the base could meet."""
    search = _Search(held, base_provides)
    if search.spoken:
        for root in held.roots:
            yield from search.leaks_in(root)


@define(slots=False)
class _Search:
    """What is asked of each root: only what speaks of something that others than the base provide,
    which in a plan that does not leak is next to nothing."""

    held: HeldPackages
    base_provides: Callable[[str], bool]
    needs: dict[int, list[_Need]] = field(init=False)
    spoken: frozenset[str] = field(init=False)
    offered: dict[int, list[Capability]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.needs = self._needs(self._names_of_others())
        self.spoken = frozenset(
            name for needs in self.needs.values() for _, need in needs for name in names_in(need)
        )
        self.offered = self._offered() if self.spoken else {}

    def _names_of_others(self) -> frozenset[str]:
        return frozenset(
            text.partition(" ")[0]
            for number, package in enumerate(self.held.packages)
            if not self.held.of_base[number]
            for text in (package.name, *package.provides)
        )

    def _needs(self, names: frozenset[str]) -> dict[int, list[_Need]]:
        """The requirements to look at, by base package."""
        judged: dict[str, Dependency | None] = {}
        found: dict[int, list[_Need]] = {}
        for number, package in enumerate(self.held.packages):
            if not self.held.of_base[number]:
                continue
            for text in package.requires:
                if text not in judged:
                    judged[text] = self._judged(text, names)
                need = judged[text]
                if need is not None:
                    found.setdefault(number, []).append((text, need))
        return found

    def _judged(self, text: str, names: frozenset[str]) -> Dependency | None:
        """None for what the base can meet by any means, and for what is not about others."""
        if not text.startswith("(") and text.partition(" ")[0] not in names:
            return None
        need = parsed(text)
        if need is None or names.isdisjoint(names_in(need)):
            return None
        return None if isinstance(need, Capability) and self.base_provides(text) else need

    def _offered(self) -> dict[int, list[Capability]]:
        """What each package provides of all that is spoken of; each provides its own name."""
        found: dict[int, list[Capability]] = {}
        for number, package in enumerate(self.held.packages):
            for text in (f"{package.name} = {package.evr}", *package.provides):
                if text.partition(" ")[0] in self.spoken:
                    have = parsed(text)
                    if isinstance(have, Capability):
                        found.setdefault(number, []).append(have)
        return found

    def leaks_in(self, root: Root) -> Iterator[Leak]:
        """The leaks of one root."""
        members = self.held.members[root.id]
        needing = [number for number in members if number in self.needs]
        if not needing:
            return
        rows = [(number, have) for number in members for have in self.offered.get(number, ())]
        everything = self._provided(rows)
        base = self._provided([row for row in rows if self.held.of_base[row[0]]])
        for number in needing:
            for text, need in self.needs[number]:
                if base.meets(need) or not everything.meets(need) or self._could(need, base):
                    continue
                users = self.held.nevras[number]
                by = self._others(need, rows)
                yield Leak(LeakKind.BASE_NEEDS_PRIVATE, by, text, users, root.id)

    def _provided(self, rows: Sequence[tuple[int, Capability]]) -> Provided:
        return Provided.of((self.held.nevras[number], have) for number, have in rows)

    def _others(self, need: Dependency, rows: _Rows) -> str:
        """The first package beside the base's that has to do with a requirement."""
        names = set(names_in(need))
        return min(
            self.held.nevras[number]
            for number, have in rows
            if have.name in names and not self.held.of_base[number]
        )

    def _could(self, need: Dependency, base: Provided) -> bool:
        """Whether packages of the base could meet a requirement. What it makes a condition is
        judged by those of them that lie in the root."""
        if not isinstance(need, RichDependency) or need.operator in {"with", "without"}:
            return self.base_provides(str(need))
        if need.operator in {"and", "or"}:
            judge = all if need.operator == "and" else any
            return judge(self._could(part, base) for part in need.operands)
        consequence, condition, *otherwise = need.operands
        if base.meets(condition) is (need.operator == "if"):
            return self._could(consequence, base)
        return self._could(otherwise[0], base) if otherwise else need.operator == "if"
