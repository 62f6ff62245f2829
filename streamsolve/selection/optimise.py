"""The least cost, with proof.

What every plan must pay is found by intersecting what all usable offers of a needed component
demand. The rest is core-guided MaxSAT: assume that nothing more is paid; each contradiction names
costs of which at least one must be paid, which raises the bound, and is replaced by weaker
assumptions (Narodytska and Bacchus, Maximum Satisfiability Using Core-Guided MaxSAT Resolution,
2014). The bound only ever rises, so it is a true lower bound at any time, and the first answer
that fits all assumptions costs exactly the bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import define, field

from ..model.component import PYTHON, Component
from .encoding import Encoding, Entry, allowed_mask
from .sat import Status, negate
from .walk import Walk

__all__ = ["Optimum", "optimise"]


@define
class Optimum:
    """What is known of the least cost: ``bound`` is a true lower bound. ``assumptions`` hold in
    exactly the answers that cost no more. ``feasible`` is false when there is no answer at all;
    ``exact`` is false when the search was cut short."""

    bound: int = 0
    feasible: bool = True
    exact: bool = True
    weights: dict[int, int] = field(factory=dict)
    priced: set[int] = field(factory=set)

    @property
    def assumptions(self) -> list[int]:
        """The literals to assume, in the order in which they were made."""
        return sorted(self.weights)


def optimise(
    encoding: Encoding,
    walk: Walk,
    weights: Mapping[int, int] | None = None,
    *,
    given: Sequence[int] = (),
    max_conflicts: int = 200_000,
) -> Optimum:
    """Find the least cost of a plan. ``weights`` are those of :attr:`Encoding.costs` unless given;
    then only literals known at the start count. ``given`` are literals that must hold, and can.

    On return the assignment of ``encoding.sat`` is a best answer, if there is one.
    """
    optimum = Optimum()
    sat = encoding.sat
    if not strengthen(encoding):
        optimum.feasible = False
        return optimum
    while True:
        _take_in(encoding, optimum, encoding.costs if weights is None else weights)
        budget = max_conflicts - sat.conflicts
        assumed = (*given, *optimum.assumptions)
        status = sat.solve(assumed, walk.decide, max_conflicts=max(budget, 1))
        if status is Status.SAT:
            return optimum
        if status is Status.PAUSED:
            encoding.expand(walk.unexpanded)
            walk.restart()
            if not strengthen(encoding):
                optimum.feasible = False
                return optimum
        elif status is Status.BUDGET:
            optimum.exact = False
            return optimum
        elif not sat.core:
            optimum.feasible = False
            return optimum
        else:
            core = _smaller_core(encoding, sat.core)
            _relax(encoding, optimum, tuple(c for c in core if c in optimum.weights), core)


def _take_in(encoding: Encoding, optimum: Optimum, costs: Mapping[int, int]) -> None:
    """Assume the costs that are new, and pay those that are certain."""
    sat = encoding.sat
    for literal, weight in costs.items():
        if literal not in optimum.priced:
            optimum.priced.add(literal)
            optimum.weights[negate(literal)] = weight
    for literal in list(optimum.weights):
        if sat.holds_always(negate(literal)):
            optimum.bound += optimum.weights.pop(literal)
        elif sat.holds_always(literal):
            del optimum.weights[literal]


def _smaller_core(encoding: Encoding, core: tuple[int, ...]) -> tuple[int, ...]:
    """Drop assumptions that propagation alone does not need; never more than it started with."""
    sat = encoding.sat
    if len(core) == 1:
        return core
    status = sat.solve(tuple(reversed(core)), _stop)
    return sat.core if status is Status.UNSAT and len(sat.core) < len(core) else core


def _stop() -> int:
    return -1


def _relax(
    encoding: Encoding, optimum: Optimum, core: tuple[int, ...], reason: tuple[int, ...]
) -> None:
    """At least one literal of the core is false if the rest of ``reason`` holds: pay the least of
    their weights once, and assume instead that no second one is false."""
    sat = encoding.sat
    least = min(optimum.weights[literal] for literal in core)
    optimum.bound += least
    for literal in core:
        optimum.weights[literal] -= least
        if not optimum.weights[literal]:
            del optimum.weights[literal]
    sat.add_clause(negate(literal) for literal in reason)
    # all_later[i] holds exactly when every literal after i holds.
    all_later = core[-1]
    for position in range(len(core) - 2, -1, -1):
        literal = core[position]
        weaker = sat.new_literal()
        sat.add_clause((negate(weaker), literal, all_later))
        sat.add_clause((weaker, negate(literal)))
        sat.add_clause((weaker, negate(all_later)))
        optimum.weights[weaker] = least
        if position:
            both = sat.new_literal()
            sat.add_clause((negate(both), literal))
            sat.add_clause((negate(both), all_later))
            sat.add_clause((both, negate(literal), negate(all_later)))
            all_later = both


def strengthen(encoding: Encoding) -> bool:
    """Make certain what all usable offers of a needed component agree on; false if nothing can
    hold. Fetches the metadata of those offers."""
    sat = encoding.sat
    changed = True
    while changed:
        if not sat.simplify():
            return False
        changed = False
        needed = _needed(encoding)
        wanted = [
            (entry, index)
            for entry, live in needed
            if all(entry.offers[i].cost for i in live)
            for index in live
            if not encoding.is_expanded(entry, index)
        ]
        if wanted:
            encoding.expand(wanted)
            changed = True
            continue
        for entry, live in needed:
            changed = _agree(encoding, entry, live) or changed
    return True


def _needed(encoding: Encoding) -> list[tuple[Entry, list[int]]]:
    """The components that every answer uses, with the offers that are still possible."""
    values = encoding.sat.values
    found = []
    for entry in encoding.entries.values():
        live = [i for i, literal in enumerate(entry.literals) if values[literal] >= 0]
        if (len(live) == 1 and values[entry.literals[live[0]]] > 0) or any(
            values[demand] > 0 for demand in entry.demands.values()
        ):
            found.append((entry, live))
    return found


def _agree(encoding: Encoding, entry: Entry, live: list[int]) -> bool:
    """Add the demands common to all live offers; whether anything new was learned."""
    if len(live) == 1 or not all(encoding.is_expanded(entry, index) for index in live):
        return False
    sat = encoding.sat
    series = _live_pythons(encoding)
    common: dict[Component, int] | None = None
    for index in live:
        demands = _demands(encoding, entry, index, series)
        if common is None:
            common = demands
        else:
            common = {c: common[c] | demands[c] for c in common.keys() & demands.keys()}
    learned = False
    for component, mask in (common or {}).items():
        learned = _demand_mask(encoding, component, mask) or learned
    return learned and (sat.simplify() or True)


def _live_pythons(encoding: Encoding) -> set[str]:
    values = encoding.sat.values
    return (
        {s for s in encoding.problem.targets if values[encoding.python_literal(s)] >= 0}
        if PYTHON in encoding.entries
        else set(encoding.problem.targets)
    )


def _demands(
    encoding: Encoding, entry: Entry, index: int, series: set[str]
) -> dict[Component, int]:
    """For each component that the offer demands with every live interpreter, the offers of it
    that are allowed."""
    masks: dict[Component, int] = {}
    children = list(entry.children[index])
    for extra, literal in entry.extras.items():
        if encoding.sat.values[literal] > 0:
            children += entry.extra_children.get((entry.literals[index], extra), ())
    for child in children:
        if child.pythons is not None and not series <= child.pythons:
            continue
        target = encoding.entries[child.component]
        mask = allowed_mask(target, child.requirement)
        masks[child.component] = masks.get(child.component, mask) & mask
    return masks


def _demand_mask(encoding: Encoding, component: Component, mask: int) -> bool:
    """Make certain that one of some offers is used; whether that was news."""
    sat = encoding.sat
    entry = encoding.entries[component]
    known = entry.demands.get(mask)
    if known is not None:
        if sat.values[known] > 0:
            return False
        sat.add_clause((known,))
        return True
    for other, literal in entry.demands.items():
        if sat.values[literal] > 0 and other & ~mask == 0:
            return False
    allowed = [literal for i, literal in enumerate(entry.literals) if mask >> i & 1]
    literal = sat.new_literal()
    entry.demands[mask] = literal
    sat.add_clause((negate(literal), *allowed))
    for i, used in enumerate(entry.literals):
        if not mask >> i & 1:
            sat.add_clause((negate(literal), negate(used)))
    sat.add_clause((literal,))
    return True
