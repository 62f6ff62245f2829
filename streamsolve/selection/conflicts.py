"""Why there is no choice: smallest sets of demands that contradict each other.

Each requirement's clauses are switched by a literal of its own; a contradiction under all of them
names a subset, which is shrunk until nothing can be left out. Switching that subset off and
searching again finds the next conflict that shares nothing with it, until the rest has an answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from functools import cached_property

import networkx as nx
from packaging.version import Version

from ..model.component import Component
from ..model.conflict import Cause, Conflict, Demand
from .encoding import Encoding, Group, allowed_mask
from .problem import Nogood, Problem
from .sat import Status
from .walk import Walk

__all__ = ["independent_conflicts"]


def independent_conflicts(
    problem: Problem, nogoods: Iterable[Nogood] = (), *, at_most: int = 12
) -> tuple[Conflict, ...]:
    """Every conflict that shares no requirement with another, the nearest to the application
    first; at most ``at_most`` of them."""
    search = _Search(problem, nogoods)
    found: list[Conflict] = []
    disabled: set[int] = set()
    while len(found) < at_most:
        core = search.contradiction(disabled)
        if core is None:
            break
        smallest = search.shrink(core)
        if not smallest:
            break
        found.append(_Explained(search.encoding, smallest).conflict())
        disabled |= smallest
    return tuple(sorted(found, key=lambda c: (min(map(len, c.chains), default=0), c.about)))


class _Search:
    """Searches under switched requirements."""

    def __init__(self, problem: Problem, nogoods: Iterable[Nogood]) -> None:
        self.encoding = Encoding(problem, explain=True)
        self._walk = Walk(self.encoding)
        for nogood in nogoods:
            self.encoding.forbid(nogood)

    def contradiction(self, disabled: set[int]) -> set[int] | None:
        """Groups that contradict each other, with some switched off; None if there is an answer."""
        while True:
            groups = [literal for literal in self.encoding.groups if literal not in disabled]
            found = self._solve(groups)
            if found is not None or self._complete:
                return found

    def _solve(self, groups: Sequence[int]) -> set[int] | None:
        sat = self.encoding.sat
        self._complete = False
        self._walk.restart()
        status = sat.solve(groups, self._walk.decide)
        if status is Status.PAUSED:
            self.encoding.expand(self._walk.unexpanded)
            return None
        self._complete = True
        return set(sat.core) if status is Status.UNSAT else None

    def shrink(self, core: set[int]) -> set[int]:
        """A subset that contradicts itself and of which nothing can be left out."""
        needed: set[int] = set()
        candidates = sorted(core, key=self._shrink_order)
        while candidates:
            literal = candidates.pop()
            found = self._contradiction_of({*candidates, *needed})
            if found is None:
                needed.add(literal)
            else:
                candidates = [c for c in candidates if c in found]
        return needed

    def _contradiction_of(self, groups: set[int]) -> set[int] | None:
        while True:
            found = self._solve(sorted(groups))
            if found is not None or self._complete:
                return found

    def _shrink_order(self, literal: int) -> tuple[object, ...]:
        return self.encoding.groups[literal].key


class _Explained:
    """One smallest contradiction, put in order."""

    def __init__(self, encoding: Encoding, groups: set[int]) -> None:
        self.encoding = encoding
        self.groups = sorted((encoding.groups[literal] for literal in groups), key=lambda g: g.key)

    def conflict(self) -> Conflict:
        """The conflict with its chains."""
        about, cause = self._meeting_point()
        chains = self._chains(about)
        texts = tuple(sorted({text for group in self.groups for text in group.texts}))
        return Conflict(about, Cause.ROOT if texts else cause, chains, texts)

    def _meeting_point(self) -> tuple[Component, Cause]:
        """The component that the demands meet at."""
        for group in self.groups:
            target = group.requirement.component
            entry = self.encoding.entry(target)
            if not entry.offers:
                return target, Cause.NO_SUCH_COMPONENT
            if not allowed_mask(entry, group.requirement) and not group.constraint:
                return target, Cause.NO_SUCH_VERSION
        demanded: dict[Component, int] = {}
        for group in self.groups:
            target = group.requirement.component
            demanded[target] = demanded.get(target, 0) + 1
        depth = self._depths()
        return max(
            demanded, key=lambda c: (demanded[c], depth.get(c, 0), c.kind.value, c.name)
        ), Cause.INCOMPATIBLE

    @cached_property
    def _graph(self) -> nx.DiGraph[Component]:
        """Who requires what within the contradiction; a constraint leads nowhere by itself."""
        graph: nx.DiGraph[Component] = nx.DiGraph()
        graph.add_node(self.encoding.root.component)
        for group in self.groups:
            edge = (group.component, group.requirement.component)
            if not group.constraint and not graph.has_edge(*edge):
                graph.add_edge(*edge, group=group)
        return graph

    def _depths(self) -> dict[Component, int]:
        root = self.encoding.root.component
        return dict(nx.single_source_shortest_path_length(self._graph, root))

    def _chains(self, about: Component) -> tuple[tuple[Demand, ...], ...]:
        """One chain for each demand on the meeting point; what no chain holds comes after."""
        chains: list[tuple[Group, ...]] = []
        for group in self.groups:
            if group.requirement.component == about:
                chains.append((*self._path_to(group.component), group))
        used = {id(group) for chain in chains for group in chain}
        for group in self.groups:
            if id(group) not in used:
                chain = (*self._path_to(group.component), group)
                used.update(map(id, chain))
                chains.append(chain)
        demands = {tuple(self._demand(group) for group in chain) for chain in chains}
        return tuple(sorted(demands, key=lambda c: (len(c), [str(d.requirement) for d in c])))

    def _path_to(self, component: Component) -> tuple[Group, ...]:
        """The shortest way from the application to a component, within the contradiction."""
        root = self.encoding.root.component
        if component not in self._graph or not nx.has_path(self._graph, root, component):
            return ()
        path = nx.shortest_path(self._graph, root, component)
        return tuple(self._graph.edges[edge]["group"] for edge in itertools.pairwise(path))

    def _demand(self, group: Group) -> Demand:
        entry = self.encoding.entry(group.requirement.component)
        mask = allowed_mask(entry, group.requirement)
        allowed = [offer.version for i, offer in enumerate(entry.offers) if mask >> i & 1]
        return Demand(
            by=group.component,
            versions=self._stating_versions(group),
            requirement=group.requirement,
            available=_sorted(offer.version for offer in entry.offers),
            allowed=_sorted(allowed),
        )

    def _stating_versions(self, group: Group) -> tuple[Version, ...]:
        """The versions of the demanding component that state it and that the others allow."""
        entry = self.encoding.entry(group.component)
        possible = (1 << len(entry.offers)) - 1
        for other in self.groups:
            if other.requirement.component == group.component:
                possible &= allowed_mask(entry, other.requirement)
        text = str(group.requirement)
        found = []
        for index, stream in enumerate(entry.streams):
            if stream is None or not possible >> index & 1:
                continue
            stated = [*stream.requirements, *stream.constraints]
            stated += [r for extra in stream.extras.values() for r in extra]
            limited = stream.offer.pythons and group.requirement.component.name == "python"
            if limited or any(str(requirement) == text for requirement in stated):
                found.append(stream.version)
        return _sorted(found)


def _sorted(versions: Iterable[Version]) -> tuple[Version, ...]:
    return tuple(sorted(set(versions)))
