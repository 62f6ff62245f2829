"""The order in which a plan is decided, and with it which of the cheapest plans is taken.

The interpreter first, then the application, then breadth-first: each level is the components that
the level before requires, sorted by kind and name. Each component in turn gets the best offer that
can still lead to a plan. With the costs held at their minimum this is a total order over plans that
does not depend on the order of the input.
"""

from __future__ import annotations

from ..model.component import PYTHON, Component
from .encoding import Child, Encoding, Entry
from .sat import NO_LITERAL, Pause

__all__ = ["Walk"]

_Node = tuple[Component, str]


class Walk:
    """Names the next literal to decide. Keeps what it has walked as long as it stays true."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._levels: list[list[_Node]] = []
        self._chosen: list[list[int]] = []
        self._seen: list[set[_Node]] = []
        self.unexpanded: list[tuple[Entry, int]] = []

    def decide(self) -> int:
        """The next literal, or ``NO_LITERAL`` at the end of the walk.

        Raises :class:`Pause` at the end of a level that uses offers without metadata; they are in
        :attr:`unexpanded`.
        """
        self._drop_what_changed()
        if not self._levels:
            self._start()
        values = self._encoding.sat.values
        while True:
            nodes, chosen = self._levels[-1], self._chosen[-1]
            while len(chosen) < len(nodes):
                component, _ = nodes[len(chosen)]
                entry = self._encoding.entries[component]
                used = NO_LITERAL
                for literal in entry.literals:
                    if values[literal] > 0:
                        used = literal
                        break
                    if values[literal] == 0 and used == NO_LITERAL:
                        used = literal
                if values[used] == 0:
                    return used
                chosen.append(used)
            if not self._next_level():
                return NO_LITERAL

    def visited(self) -> dict[Component, set[str]]:
        """The components of the walk, each with the extras asked for (``""`` is itself)."""
        found: dict[Component, set[str]] = {}
        for nodes in self._levels:
            for component, extra in nodes:
                found.setdefault(component, set()).add(extra)
        return found

    def restart(self) -> None:
        """Forget the walk: clauses were added."""
        self._levels.clear()
        self._chosen.clear()
        self._seen.clear()

    def _start(self) -> None:
        first: list[_Node] = [(self._encoding.root.component, "")]
        if PYTHON in self._encoding.entries:
            first.insert(0, (PYTHON, ""))
        self._append(first, set(first))

    def _drop_what_changed(self) -> None:
        values = self._encoding.sat.values
        for depth, chosen in enumerate(self._chosen):
            for position, literal in enumerate(chosen):
                if values[literal] <= 0:
                    del chosen[position:]
                    del self._levels[depth + 1 :]
                    del self._chosen[depth + 1 :]
                    del self._seen[depth + 1 :]
                    return

    def _next_level(self) -> bool:
        """Append the next level; false when there is none."""
        encoding = self._encoding
        values = encoding.sat.values
        seen = self._seen[-1]
        self.unexpanded = []
        found: set[_Node] = set()
        python = encoding.chosen_python()
        for (component, extra), literal in zip(self._levels[-1], self._chosen[-1], strict=True):
            entry = encoding.entries[component]
            index = entry.literals.index(literal)
            if not encoding.is_expanded(entry, index):
                self.unexpanded.append((entry, index))
                continue
            for child in self._children(entry, index, literal, extra):
                if child.switch != NO_LITERAL and values[child.switch] <= 0:
                    continue
                if child.pythons is None or python in child.pythons:
                    found.add((child.component, ""))
                    found.update((child.component, name) for name in child.extras)
        if self.unexpanded:
            raise Pause
        fresh = sorted(found - seen, key=lambda node: (node[0].kind.value, node[0].name, node[1]))
        if fresh:
            self._append(fresh, seen | found)
        return bool(fresh)

    def _append(self, level: list[_Node], seen: set[_Node]) -> None:
        self._levels.append(level)
        self._chosen.append([])
        self._seen.append(seen)

    @staticmethod
    def _children(entry: Entry, index: int, literal: int, extra: str) -> tuple[Child, ...]:
        return entry.extra_children[literal, extra] if extra else entry.children[index]
