"""The order of builds: which edges are broken so that there is one, and what the order then is.

**What is broken.** A build that needs what needs it cannot run first. Such a cycle is broken by
building one of its builds, the *user* of a broken edge, twice: a bootstrap pass without what the
edge leads to, and a final pass with it. A second pass is paid once however many of its edges are
broken, so what is looked for are users more than edges. In this order:

1. No cycle is left.
2. The least minutes: the sum over the users of broken edges, each counting the dearest of its own.
3. The fewest users.
4. The fewest edges.
5. The least edges, as sorted tuples of user and used compare.

This is total, so the answer does not depend on the order of the input, and no broken edge can be
put back without closing a cycle. It is proven for each strongly connected component in which at
most :data:`_PROVEN` builds have edges that can be broken, and beyond that, up to :data:`_TRIED`,
where the search ends soon. For other components a rule is followed: next comes the build whose
second pass costs least for the cycles that are likely to go through it (builds that need it, times
builds that it needs), until the rest is small enough to be proven. Then users are spared that need
no second pass after all, the dearest first, and after them single edges. What the rule finds breaks
all cycles and nothing of it can be put back, but it may cost more than the least.

**Why it can be proven.** Whatever is broken, some order of all builds breaks no more: the edges
that lead to later builds. What a build pays depends on which builds are still to come and not on
how those before it were ordered, so the search goes over sets of builds to come, cheapest first,
instead of over orders or sets of edges. Builds that are on no cycle of those to come leave the set
at once.

**What the order is.** A level holds the builds with equally many builds in the longest chain before
them; minutes matter to the critical path and to schedules alone. In a schedule no builder idles
while a build is ready, and the ready build that begins the longest chain of minutes goes first.
With more builders such a schedule can, rarely, take longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from heapq import heapify, heappop, heappush

from attrs import frozen

from ..model.build import BuildOrder, Level

__all__ = ["Edge", "Unbreakable", "build_order", "edges_to_break"]

_PROVEN = 12
"""Builds with edges that can be broken, in one component: up to here the least is always found."""

_TRIED = 32
"""Up to here the search is tried; it ends soon where few second passes are enough."""

_MOST_STEPS = _PROVEN << (_PROVEN - 1)
"""What the search may take: each build of each set of ``_PROVEN`` builds, once."""

_Needs = Mapping[str, Sequence[str]]
"""For each build those that it needs, sorted, each once."""

_Price = tuple[int, int, int, int]
"""Minutes, users, edges, and the broken edges as a mask, negated: the least is the best."""


@frozen
class Edge:
    """One build's root holds a package of another build.

    ``user`` is the id of the build that needs it, ``used`` of the one that makes it. ``cost`` is
    what breaking it costs in minutes (a second pass of the user), None where it cannot be broken.
    """

    user: str
    used: str
    cost: int | None


@frozen
class Unbreakable:
    """Cycles that no second pass can break.

    One for each strongly connected component that edges which cannot be broken make, sorted: its
    shortest, of those the one with the least ids, beginning with its least id. Each build needs
    the next one, and the last one the first.
    """

    cycles: tuple[tuple[str, ...], ...]


def edges_to_break(
    costs: Mapping[str, int], edges: Iterable[Edge]
) -> tuple[Edge, ...] | Unbreakable:
    """The edges without which no build waits for itself, sorted; the objective is the module's.

    ``costs`` has all builds, in minutes. Edges that are alike count once; of edges between the
    same two builds all are broken or none. Raises ValueError for an id that is not in ``costs``
    and for minutes below zero.
    """
    kept = sorted(set(edges), key=_edge_key)
    _check_ids(costs, (id for edge in kept for id in (edge.user, edge.used)))
    _check_minutes((*costs.values(), *(edge.cost or 0 for edge in kept)))
    if _is_acyclic(_needs(kept)):
        return ()
    firm = [edge for edge in kept if edge.cost is None]
    if not _is_acyclic(_needs(firm)):
        tangles = (_shortest_cycle(_needs(inside)) for inside in _components(firm))
        return Unbreakable(tuple(sorted(tangles)))
    broken = (edge for inside in _components(kept) for edge in _Tangle(inside).broken())
    return tuple(sorted(broken, key=_edge_key))


def build_order(
    costs: Mapping[str, int],
    after: Mapping[str, Iterable[str]],
    *,
    builders: Sequence[int] = (1, 2, 4, 8, 16),
) -> BuildOrder:
    """Levels, critical path and schedules of builds.

    ``costs`` has all builds, in minutes; ``after`` those that a build comes after. Of critical
    paths of the same length the one with the least ids is taken. ``builders`` are sorted, each
    once. Raises ValueError, naming it, for a cycle (callers break them first), for an id that is
    not in ``costs``, for minutes below zero and for less than one builder.
    """
    needs = {id: tuple(sorted(set(after.get(id, ())))) for id in sorted(costs)}
    _check_ids(costs, (*after, *(used for every in needs.values() for used in every)))
    _check_minutes(costs.values())
    if any(count < 1 for count in builders):
        raise ValueError("a schedule needs at least one builder")
    generations = _generations(needs)
    work = _Work(costs, needs, generations)
    path = work.critical_path()
    return BuildOrder(
        levels=tuple(
            Level(builds, max(costs[id] for id in builds), sum(costs[id] for id in builds))
            for builds in generations
        ),
        critical_path=path,
        minutes=sum(costs[id] for id in path),
        schedule=tuple((count, work.minutes_with(count)) for count in sorted(set(builders))),
    )


class _Tangle:
    """One strongly connected component, in numbers.

    Only builds with edges that can be broken have a number, in the order of their ids: bit *n* of a
    mask is the *n*-th. Builds without such edges are looked through, so an edge leads to a mask:
    the numbered builds that its end is, or else needs by edges that must stay. Edges are numbered
    from the last to the first: of two sets of as many edges the greater mask is the one with the
    least edges.
    """

    def __init__(self, edges: Sequence[Edge]) -> None:
        loose = [edge for edge in edges if edge.cost is not None]
        users = sorted({edge.user for edge in loose})
        number = {user: n for n, user in enumerate(users)}
        leads_to = _leads_to(edges, number)
        self._edge_at = loose[::-1]
        self._must = [0] * len(users)
        self._may: list[list[tuple[int, int, int]]] = [[] for _ in users]
        for edge in edges:
            if edge.cost is None and edge.user in number:
                self._must[number[edge.user]] |= leads_to[edge.used]
        for place, edge in enumerate(self._edge_at):
            loose_edge = (edge.cost or 0, 1 << place, leads_to[edge.used])
            self._may[number[edge.user]].append(loose_edge)
        self._needs = [_union(must, may) for must, may in zip(self._must, self._may, strict=True)]
        self._dearest = [max(cost for cost, _, _ in may) for may in self._may]
        self._needed = [0] * len(users)
        for n, needs in enumerate(self._needs):
            for used in _bits(needs):
                self._needed[used] |= 1 << n

    def broken(self) -> list[Edge]:
        """The edges to break, in no order."""
        everybody = (1 << len(self._must)) - 1
        rest = self._on_cycles(everybody, everybody)
        found = self._least(rest) if rest.bit_count() <= _TRIED else None
        if found is None:
            found = self._spared(self._by_rule(rest))
        return [self._edge_at[place] for place in _bits(found)]

    def _on_cycles(self, rest: int, suspects: int) -> int:
        """``rest`` less what can be built at once or last. Only ``suspects`` and what is next to
        something that leaves are looked at."""
        while suspects:
            bit = suspects & -suspects
            suspects ^= bit
            n = bit.bit_length() - 1
            if not (self._needs[n] & rest and self._needed[n] & rest):
                rest ^= bit
                suspects |= (self._needs[n] | self._needed[n]) & rest
        return rest

    def _without(self, n: int, rest: int) -> int:
        """What is still on cycles when the build is done."""
        rest ^= 1 << n
        return self._on_cycles(rest, (self._needs[n] | self._needed[n]) & rest)

    def _price(self, n: int, rest: int) -> _Price:
        """What the build pays if it comes before all others of ``rest``."""
        minutes = edges = broken = 0
        for cost, bit, leads_to in self._may[n]:
            if leads_to & rest:
                minutes = max(minutes, cost)
                edges += 1
                broken |= bit
        return minutes, min(edges, 1), edges, -broken

    def _least(self, start: int) -> int | None:
        """The best set of edges, proven, as a mask; None if that takes too many steps."""
        nothing: _Price = (0, 0, 0, 0)
        paid: dict[int, _Price] = {start: nothing}
        queue: list[tuple[_Price, int]] = [(nothing, start)]
        steps = 0
        while queue:
            so_far, rest = heappop(queue)
            if not rest:
                return -so_far[3]
            if paid[rest] < so_far:
                continue
            for n in _bits(rest):
                if self._must[n] & rest:
                    continue
                steps += 1
                if steps > _MOST_STEPS:
                    return None
                minutes, users, edges, broken = self._price(n, rest)
                price = (
                    so_far[0] + minutes,
                    so_far[1] + users,
                    so_far[2] + edges,
                    so_far[3] + broken,
                )
                later = self._without(n, rest)
                if later not in paid or price < paid[later]:
                    paid[later] = price
                    heappush(queue, (price, later))
        return None

    def _by_rule(self, rest: int) -> int:
        """A good set of edges, as a mask. Ties go to the least id."""
        broken = 0
        while rest.bit_count() > _PROVEN:
            free = (n for n in _bits(rest) if not self._must[n] & rest)
            chosen = min(free, key=lambda n: self._bargain(n, rest))
            broken -= self._price(chosen, rest)[3]
            rest = self._without(chosen, rest)
        proven = self._least(rest)
        return broken | (proven or 0)

    def _bargain(self, n: int, rest: int) -> int:
        """The less, the better a second pass is for its minutes. Whole numbers compare exactly."""
        cycles = (self._needs[n] & rest).bit_count() * (self._needed[n] & rest).bit_count()
        return -(cycles << 32) // max(self._dearest[n], 1)

    def _spared(self, broken: int) -> int:
        """``broken`` less the edges that close no cycle: of whole users first, then single ones."""
        split = [[edge for edge in may if edge[1] & broken] for may in self._may]
        reach = _Reach(
            _union(must, (edge for edge in may if not edge[1] & broken))
            for must, may in zip(self._must, self._may, strict=True)
        )
        whole = [(max(cost for cost, _, _ in may), n, may) for n, may in enumerate(split) if may]
        for _, n, may in sorted(whole, key=lambda item: (-item[0], item[1])):
            if reach.add(n, _union(0, may)):
                broken -= sum(bit for _, bit, _ in may)
        single = [(n, edge) for n, may in enumerate(split) for edge in may if edge[1] & broken]
        for n, (_, bit, leads_to) in sorted(single, key=lambda item: (-item[1][0], -item[1][1])):
            if reach.add(n, leads_to):
                broken -= bit
        return broken


class _Reach:
    """What each of an acyclic graph's numbered builds needs, directly or not, itself included."""

    def __init__(self, needs: Iterable[int]) -> None:
        direct = list(needs)
        self._all = [1 << n for n in range(len(direct))]
        sorter = TopologicalSorter({n: _bits(mask) for n, mask in enumerate(direct)})
        for n in sorter.static_order():
            self._all[n] |= self._of(direct[n])

    def add(self, n: int, mask: int) -> bool:
        """Let the build need all of ``mask`` too. False, and nothing done, if it closes a cycle."""
        more = self._of(mask)
        if more >> n & 1:
            return False
        if more & ~self._all[n]:
            self._all = [one | more if one >> n & 1 else one for one in self._all]
        return True

    def _of(self, mask: int) -> int:
        found = 0
        for used in _bits(mask):
            found |= self._all[used]
        return found


class _Work:
    """Acyclic builds with what lies before and after each of them."""

    def __init__(
        self, costs: Mapping[str, int], needs: _Needs, generations: Sequence[Sequence[str]]
    ) -> None:
        self._costs = costs
        self._needs = needs
        self._users: dict[str, list[str]] = {id: [] for id in needs}
        for user, every in needs.items():
            for used in every:
                self._users[used].append(user)
        self._left: dict[str, int] = {}
        """Minutes from the start of a build to the end of the longest chain that it begins."""
        for generation in reversed(generations):
            for id in generation:
                after = (self._left[user] for user in self._users[id])
                self._left[id] = costs[id] + max(after, default=0)

    def critical_path(self) -> tuple[str, ...]:
        """The longest chain; of those the one with the least ids."""
        path: list[str] = []
        further, minutes = sorted(self._left), max(self._left.values(), default=0)
        while further and (minutes or not path):
            path.append(next(id for id in further if self._left[id] == minutes))
            further, minutes = self._users[path[-1]], minutes - self._costs[path[-1]]
        return tuple(path)

    def minutes_with(self, builders: int) -> int:
        """How long all builds take when a free builder starts the ready build that begins the
        longest chain, ties by id. A build is ready when all that it needs has ended."""
        waits_for = {id: len(every) for id, every in self._needs.items()}
        ready = [(-self._left[id], id) for id, count in waits_for.items() if not count]
        heapify(ready)
        running: list[tuple[int, str]] = []
        now = 0
        while ready or running:
            while ready and len(running) < builders:
                id = heappop(ready)[1]
                heappush(running, (now + self._costs[id], id))
            now = running[0][0]
            while running and running[0][0] == now:
                for user in self._users[heappop(running)[1]]:
                    waits_for[user] -= 1
                    if not waits_for[user]:
                        heappush(ready, (-self._left[user], user))
        return now


def _generations(needs: _Needs) -> tuple[tuple[str, ...], ...]:
    """Each build as early as what it needs allows; sorted. Raises ValueError for a cycle."""
    sorter = TopologicalSorter(needs)
    try:
        sorter.prepare()
    except CycleError:
        cycle = _shortest_cycle(needs)
        told = " needs ".join((*cycle, cycle[0]))
        raise ValueError(f"builds that wait for each other have no order: {told}") from None
    found: list[tuple[str, ...]] = []
    while sorter.is_active():
        found.append(tuple(sorted(sorter.get_ready())))
        sorter.done(*found[-1])
    return tuple(found)


def _components(edges: Sequence[Edge]) -> Iterator[list[Edge]]:
    """The edges inside of each strongly connected component that has any, in no order."""
    import networkx as nx  # takes longer to import than most graphs to order

    graph: nx.DiGraph[str] = nx.DiGraph((edge.user, edge.used) for edge in edges)
    place = {
        id: n for n, every in enumerate(nx.strongly_connected_components(graph)) for id in every
    }
    inside: dict[int, list[Edge]] = {}
    for edge in edges:
        if place[edge.user] == place[edge.used]:
            inside.setdefault(place[edge.user], []).append(edge)
    yield from inside.values()


def _leads_to(edges: Sequence[Edge], number: Mapping[str, int]) -> dict[str, int]:
    """For each build the numbered builds that it is, or else needs by edges that must stay."""
    firm = _needs(edge for edge in edges if edge.cost is None)
    ends = {id: () for edge in edges for id in (edge.user, edge.used)}
    found: dict[str, int] = {}
    for id in TopologicalSorter({**ends, **firm}).static_order():
        found[id] = 1 << number[id] if id in number else 0
        if id not in number:
            for used in firm.get(id, ()):
                found[id] |= found[used]
    return found


def _shortest_cycle(needs: _Needs) -> tuple[str, ...]:
    """The shortest cycle, of those the one with the least ids, its least id first; () for none."""
    best: tuple[str, ...] = ()
    for start in sorted(needs):
        best = _cycle_from(start, needs, len(best) or len(needs) + 1) or best
    return best


def _cycle_from(start: str, needs: _Needs, shorter_than: int) -> tuple[str, ...]:
    """The shortest cycle whose least id is ``start``, if it is shorter than that; else ()."""
    seen = {start}
    front: list[tuple[str, ...]] = [(start,)]
    # Paths of one length stay in the order of their ids, so the first that can be closed is the
    # least, and so is the first that reaches a build.
    while front and len(front[0]) < shorter_than:
        further: list[tuple[str, ...]] = []
        for path in front:
            for used in needs.get(path[-1], ()):
                if used == start:
                    return path
                if used > start and used not in seen:
                    seen.add(used)
                    further.append((*path, used))
        front = further
    return ()


def _needs(edges: Iterable[Edge]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for edge in edges:
        found.setdefault(edge.user, set()).add(edge.used)
    return {user: tuple(sorted(every)) for user, every in found.items()}


def _is_acyclic(needs: _Needs) -> bool:
    try:
        TopologicalSorter(needs).prepare()
    except CycleError:
        return False
    return True


def _union(start: int, edges: Iterable[tuple[int, int, int]]) -> int:
    """All that edges of :class:`_Tangle` lead to, and ``start``."""
    for _, _, leads_to in edges:
        start |= leads_to
    return start


def _bits(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set, least first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _edge_key(edge: Edge) -> tuple[str, str, bool, int]:
    return edge.user, edge.used, edge.cost is not None, edge.cost or 0


def _check_ids(costs: Mapping[str, int], ids: Iterable[str]) -> None:
    unknown = sorted(set(ids) - set(costs))
    if unknown:
        raise ValueError(f"no such build: {', '.join(unknown)}")


def _check_minutes(minutes: Iterable[int]) -> None:
    if min(minutes, default=0) < 0:
        raise ValueError("minutes are below zero")
