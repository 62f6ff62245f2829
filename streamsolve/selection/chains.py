"""One smallest contradiction put in order: chains of demands, and the component it is about.

A demand follows another if what the other lets in states it, so a chain leads from the
application through versions that really follow from each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property

import networkx as nx
from attrs import evolve
from packaging.version import Version

from ..model.component import PYTHON, Component
from ..model.conflict import Cause, Conflict, Demand
from ..model.requirement import Requirement
from ..model.stream import Stream
from .encoding import Encoding, Entry, Group, allowed_mask, python_limit
from .problem import Nogood

__all__ = ["explained"]

_Chain = tuple[int, ...]
"""Groups of a contradiction by their number, the application's first."""

_APPLICATION = -1


def explained(
    encoding: Encoding, groups: Iterable[Group], nogoods: Iterable[Nogood] = ()
) -> Conflict:
    """The conflict that a smallest contradiction between requirements and refusals is."""
    core = _Core(encoding, groups)
    refusals = tuple(nogoods)
    if refusals:
        chains = core.chains_to(refusals)
        texts = tuple(sorted({text for nogood in refusals for text in nogood.texts}))
        about = _refused_component(core, refusals)
        return Conflict(about, Cause.ROOT, core.demands(chains), texts)
    about, cause = _meeting_point(core)
    return Conflict(about, cause, core.demands(core.chains_about(about)))


class _Core:
    """A smallest contradiction as a graph of what follows what."""

    def __init__(self, encoding: Encoding, groups: Iterable[Group]) -> None:
        self.encoding = encoding
        self.root = encoding.root.component
        ordered = sorted(groups, key=lambda group: group.key)
        self._lacking = [group for group in ordered if self._lacks_extra(group)]
        self.groups = [group for group in ordered if group not in self._lacking]

    # -- what is let in, and what states it ----------------------------------------------------

    def target(self, number: int) -> Component:
        """What a demand is on."""
        return self.groups[number].requirement.component

    def by(self, number: int) -> Component:
        """What states a demand."""
        return self.groups[number].component

    def allowed(self, requirement: Requirement) -> int:
        """A bit for each offer that is let in and has the extras asked for."""
        entry = self.encoding.entry(requirement.component)
        mask = allowed_mask(entry, requirement)
        for group in self._lacking:
            if group.component == requirement.component and set(
                group.requirement.extra_names
            ) & set(requirement.extra_names):
                mask &= ~self._lacks_extra(group)
        return mask

    def _lacks_extra(self, group: Group) -> int:
        """The offers without an extra, where that is all that a group says. It is no demand that
        anybody states."""
        requirement = group.requirement
        if requirement.component != group.component or not requirement.extras:
            return 0
        if self._stating(group, None):
            return 0
        entry = self.encoding.entry(group.component)
        lets_in = allowed_mask(entry, requirement)
        mask = 0
        for index, stream in enumerate(entry.streams):
            if stream is None or stream.open_extras or not lets_in >> index & 1:
                continue
            if not set(requirement.extra_names) & set(stream.extras):
                mask |= 1 << index
        return mask

    def _stating(self, group: Group, extras: Collection[str] | None) -> int:
        """The offers that state a demand when these extras of them are asked for (None: any)."""
        mask = 0
        for index, stream in enumerate(self.encoding.entry(group.component).streams):
            if stream is not None and self._states(stream, group, extras):
                mask |= 1 << index
        return mask

    def stating(self, number: int) -> int:
        """The offers that state a demand and that some demand before it lets in."""
        mask = 0
        for before in self._graph.predecessors(number):
            mask |= int(self._graph.edges[before, number]["mask"])
        return mask or self._stating(self.groups[number], None)

    def _states(self, stream: Stream, group: Group, extras: Collection[str] | None) -> bool:
        def same(requirement: Requirement) -> bool:
            return _same(requirement, group.requirement)

        if group.constraint:
            return any(map(same, stream.constraints))
        targets = self.encoding.problem.targets
        if stream.offer.pythons and same(python_limit(stream.offer, targets)):
            return True
        added = stream.extras if extras is None else set(extras) & set(stream.extras)
        if any(same(requirement) for extra in added for requirement in stream.extras[extra]):
            return True
        asked = ("", *(extras or ())) if stream.open_extras else ("",)
        return any(
            (extras is None and requirement.mentions_extra)
            or any(requirement.applies(t, extra) for t in targets.values() for extra in asked)
            for requirement in stream.requirements
            if same(requirement)
        )

    # -- chains --------------------------------------------------------------------------------

    @cached_property
    def _graph(self) -> nx.DiGraph[int]:
        """Which demand follows which, with the offers in between as ``mask``; a constraint leads
        nowhere by itself."""
        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_nodes_from((_APPLICATION, *range(len(self.groups))))
        for first, second in itertools.product(range(-1, len(self.groups)), repeat=2):
            mask = self._between(first, second) if second != _APPLICATION else 0
            if mask:
                graph.add_edge(first, second, mask=mask)
        return graph

    def _between(self, first: int, second: int) -> int:
        """The offers that the first demand lets in and that state the second."""
        group = self.groups[second]
        if first == _APPLICATION:
            return int(group.component == self.root)
        leading = self.groups[first]
        if leading.constraint or leading.requirement.component != group.component:
            return 0
        stating = self._stating(group, leading.requirement.extra_names)
        return stating & self.allowed(leading.requirement)

    @cached_property
    def _paths(self) -> dict[int, _Chain]:
        """The shortest chain to each demand."""
        found = nx.single_source_shortest_path(self._graph, _APPLICATION)
        return {
            number: tuple(found.get(number, (_APPLICATION, number))[1:])
            for number in range(len(self.groups))
        }

    @cached_property
    def chains(self) -> tuple[_Chain, ...]:
        """The longest chains that together hold each demand, and each version that states it."""
        chains = set(self._paths.values())
        covered = dict.fromkeys(self._paths, 0)
        for chain in self._paths.values():
            covered[chain[-1]] |= self._mask(chain, len(chain) - 1)
        for number, path in sorted(self._paths.items(), key=lambda item: (len(item[1]), item[0])):
            for following in self._graph.successors(number):
                mask = self._graph.edges[number, following]["mask"]
                if following not in path and mask & ~covered[following]:
                    covered[following] |= mask
                    chains.add(self._to_its_end((*path, following)))
        prefixes = {chain[:length] for chain in chains for length in range(len(chain))}
        return tuple(sorted(chains - prefixes, key=lambda chain: (len(chain), chain)))

    def _to_its_end(self, chain: _Chain) -> _Chain:
        while True:
            following = [n for n in self._graph.successors(chain[-1]) if n not in chain]
            if not following:
                return chain
            chain = (*chain, following[0])

    def chains_about(self, component: Component) -> tuple[_Chain, ...]:
        """The chains, and one for each demand on a component that several demands meet at."""
        demands = [n for n in self._paths if self.target(n) == component]
        if len(demands) == 1 or any(self.by(n) == component for n in self._paths):
            return self.chains
        return (*self.chains, *(self._paths[n] for n in demands))

    def chains_to(self, refusals: Iterable[Nogood]) -> tuple[_Chain, ...]:
        """The chains, and one to each offer that is refused; nothing leads to an interpreter that
        is there without being asked for."""
        ends = []
        for offer in {offer.key: offer for nogood in refusals for offer in nogood.offers}.values():
            known = self.encoding.entry(offer.component).offers
            bit = next(1 << i for i, other in enumerate(known) if other.key == offer.key)
            leading = [
                self._paths[n]
                for n, group in enumerate(self.groups)
                if group.requirement.component == offer.component
                and not group.constraint
                and self.allowed(group.requirement) & bit
            ]
            ends += sorted(leading, key=lambda chain: (len(chain), chain))[:1]
        return (*self.chains, *ends)

    # -- as values -----------------------------------------------------------------------------

    def demands(self, chains: Iterable[_Chain]) -> tuple[tuple[Demand, ...], ...]:
        """The chains as values, the shortest first."""
        found = {
            tuple(self._demand(chain, place) for place in range(len(chain))) for chain in chains
        }
        return tuple(sorted(found, key=_chain_order))

    def _demand(self, chain: _Chain, place: int) -> Demand:
        group = self.groups[chain[place]]
        entry = self.encoding.entry(group.requirement.component)
        mask = self._mask(chain, place)
        return Demand(
            by=group.component,
            versions=_versions(self.encoding.entry(group.component), mask),
            requirement=self._as_stated(group, mask),
            available=_versions(entry, -1),
            allowed=_versions(entry, self.allowed(group.requirement)),
            only_if_used=group.constraint,
        )

    def _as_stated(self, group: Group, mask: int) -> Requirement:
        """A demand with the marker that all the offers state it under, if that is one."""
        streams = self.encoding.entry(group.component).streams
        markers = {
            requirement.marker
            for index, stream in enumerate(streams)
            if stream is not None and mask >> index & 1
            for requirement in stream.requirements
            if _same(requirement, group.requirement)
        }
        return evolve(group.requirement, marker=markers.pop() if len(markers) == 1 else "")

    def _mask(self, chain: _Chain, place: int) -> int:
        """The offers that state a demand of a chain and that the demand before it lets in."""
        before = chain[place - 1] if place else _APPLICATION
        if self._graph.has_edge(before, chain[place]):
            return int(self._graph.edges[before, chain[place]]["mask"])
        return self._stating(self.groups[chain[place]], None)


def _meeting_point(core: _Core) -> tuple[Component, Cause]:
    """What a contradiction is about.

    Only a single chain that ends at nothing says that a version does not exist. Else it is the
    component that demands with nothing in common meet at, or the one whose versions all die.
    """
    chains = core.chains
    last = core.groups[chains[0][-1]].requirement
    if len(chains) == 1 and not core.allowed(last):
        there = core.encoding.entry(last.component).offers
        return last.component, Cause.NO_SUCH_VERSION if there else Cause.NO_SUCH_COMPONENT
    ends = {core.target(chain[-1]) for chain in chains}
    torn = _torn(core)
    split = _split(core)
    if torn is not None and (split is None or ends == {torn}):
        return torn, Cause.INCOMPATIBLE
    if split is not None:
        return split, Cause.INCOMPATIBLE
    if any(_depends_on_python(core, group.requirement) for group in core.groups):
        return PYTHON, Cause.INCOMPATIBLE
    return _most_demanded(core, {core.target(n) for n in range(len(core.groups))}), (
        Cause.INCOMPATIBLE
    )


def _torn(core: _Core) -> Component | None:
    """The component whose demands together let nothing in, though each that requires it does."""
    common: dict[Component, int] = {}
    alone: dict[Component, list[int]] = {}
    for group in core.groups:
        target = group.requirement.component
        mask = core.allowed(group.requirement)
        common[target] = common.get(target, -1) & mask
        if not group.constraint:
            alone.setdefault(target, []).append(mask)
    torn = {component for component, given in alone.items() if all(given) and not common[component]}
    return _most_demanded(core, torn) if torn else None


def _split(core: _Core) -> Component | None:
    """The component whose versions die in different ways: the one that most chains go through,
    and of those that as many go through the farthest from the application."""
    through: dict[Component, set[int]] = {}
    ways: dict[Component, int] = {}
    depth: dict[Component, int] = {}
    for number, chain in enumerate(core.chains):
        for place, link in enumerate(chain):
            by = core.by(link)
            through.setdefault(by, set()).add(number)
            depth[by] = max(place, depth.get(by, 0))
    for number in range(len(core.groups)):
        by = core.by(number)
        ways[by] = ways.get(by, -1) & core.stating(number)
    split = [component for component, common in ways.items() if not common]
    if not split:
        return None
    best = max(split, key=lambda c: (len(through[c]), depth[c], c))
    same = [c for c in through if through[c] == through[best] and depth[c] >= depth[best]]
    return max(same, key=lambda c: (depth[c], c))


def _most_demanded(core: _Core, among: Collection[Component]) -> Component:
    demands = [core.target(n) for n in range(len(core.groups))]
    depth = {core.target(link): place for chain in core.chains for place, link in enumerate(chain)}
    return max(among, key=lambda c: (demands.count(c), depth.get(c, -1), c))


def _refused_component(core: _Core, refusals: Sequence[Nogood]) -> Component:
    """The component that most refusals name, as far as possible not the interpreter."""
    named = [offer.component for nogood in refusals for offer in nogood.offers]
    components = set(named) - {PYTHON, core.root} or set(named) or {core.root}
    most = max(map(named.count, components))
    return _most_demanded(core, {c for c in components if named.count(c) == most})


def _depends_on_python(core: _Core, requirement: Requirement) -> bool:
    targets = core.encoding.problem.targets.values()
    return bool(requirement.marker) and len({requirement.applies(t) for t in targets}) > 1


def _same(one: Requirement, other: Requirement) -> bool:
    return (one.component, one.text) == (other.component, other.text)


def _chain_order(chain: tuple[Demand, ...]) -> tuple[object, ...]:
    return (len(chain), [str(d.requirement) for d in chain], [d.versions for d in chain])


def _versions(entry: Entry, mask: int) -> tuple[Version, ...]:
    return tuple(sorted({o.version for i, o in enumerate(entry.offers) if mask >> i & 1}))
