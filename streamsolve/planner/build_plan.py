"""From solved build roots to a build plan: cycles broken, passes named, roots shared, the order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from ..model.build import (
    Build,
    BuildNeed,
    BuildPlan,
    Root,
    RootStream,
    Stage,
    Substitute,
    stream_id,
)
from ..model.component import Origin
from ..model.root import RootSolution
from .builds import Builder, Unbuildable, Work
from .needs import Need
from .roots import RuntimeRoot, RuntimeSolution

if TYPE_CHECKING:
    from ..selection.order import Edge

__all__ = ["ChosenAgain", "Passes", "assemble", "runtime_root"]

_BUILDERS = (1, 2, 4, 8, 16)
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_Key = tuple[object, ...]


class ChosenAgain(Exception):
    """That the builder has chosen anew, so that passes have to be found anew."""


class _Again(Exception):
    """That cycles must be broken elsewhere than was tried."""


@define(slots=False)
class Passes:
    """The passes of all builds: one each, or two where a cycle is broken at a stream."""

    builder: Builder
    bootstrap: dict[_Key, Work] = field(factory=dict, init=False)
    _gone: dict[_Key, set[_Key]] = field(factory=dict, init=False)
    _unbreakable: set[tuple[_Key, _Key]] = field(factory=set, init=False)

    @cached_property
    def ids(self) -> dict[_Key, str]:
        """``name@version`` of everything that is built."""
        return {
            key: stream_id(work.stream.component, work.stream.version)
            for key, work in self.builder.works.items()
        }

    def break_cycles(self) -> Unbuildable | None:
        """Find the streams that need a bootstrap pass, at the least cost.

        Raises :class:`ChosenAgain` where a cycle goes away only with other streams in some root;
        a cycle that nothing breaks makes its streams unbuildable.
        """
        # Only here graphs are needed, whose library takes longer to load than a plan to make.
        from ..selection.order import Unbreakable, edges_to_break

        costs = {self.ids[key]: self._cost(work) for key, work in self.builder.works.items()}
        by_id = {self.ids[key]: key for key in self.builder.works}
        while True:
            broken = edges_to_break(costs, self._edges())
            if isinstance(broken, Unbreakable):
                cycles = [[by_id[one] for one in each] for each in broken.cycles]
                if any(self.builder.avoid(cycle) for cycle in cycles):
                    raise ChosenAgain
                return self._unbuildable(cycles)
            if not broken:
                self._spare(costs)
                return None
            wanted: dict[_Key, list[_Key]] = {}
            for edge in broken:
                wanted.setdefault(by_id[edge.user], []).append(by_id[edge.used])
            with suppress(_Again):
                for user in sorted(wanted, key=str):
                    self._bootstrap(user, wanted[user])

    def _edges(self) -> list[Edge]:
        """What the first passes wait for."""
        from ..selection.order import Edge

        return [
            Edge(self.ids[user], self.ids[used], self._breaking(user, used))
            for user in sorted(self.builder.works, key=str)
            for used in sorted(self._used(self._first(user)), key=str)
        ]

    def _spare(self, costs: Mapping[str, int]) -> None:
        """Do without second passes that no cycle needs: what is broken later may make up for what
        was broken before. The dearest are spared first."""
        from ..selection.order import edges_to_break

        for key in sorted(self.bootstrap, key=lambda key: (-costs[self.ids[key]], str(key))):
            kept = self.bootstrap.pop(key)
            if edges_to_break(costs, self._edges()):
                self.bootstrap[key] = kept

    def _first(self, key: _Key) -> Work:
        """The pass that others can build on first."""
        return self.bootstrap.get(key) or self.builder.works[key]

    def _used(self, work: Work) -> set[_Key]:
        """The private streams whose packages lie in a root."""
        return set(self._owned(work))

    def _owned(self, work: Work) -> Iterable[_Key]:
        choice = work.choice
        if choice.solution is None or choice.root is None:
            raise ValueError("every root is solved before the order is made")
        for package in choice.solution.packages:
            offer = choice.root.owners.get(package.nevra)
            if offer is not None and offer.origin is Origin.PRIVATE:
                yield offer.key

    def _cost(self, work: Work) -> int:
        return work.stream.offer.cost

    def _breaking(self, user: _Key, used: _Key) -> int | None:
        """What a second pass costs; None where there is no first one without ``used``."""
        if (user, used) in self._unbreakable:
            return None
        if user in self.bootstrap or self._is_for_tests(user, used):
            return 0
        return self._cost(self.builder.works[user])

    def _is_for_tests(self, user: _Key, used: _Key) -> bool:
        """Whether a root holds a stream for tests alone: it may go without a second pass."""
        work = self.builder.works[user]
        plain = self.builder.untested(work)
        return plain is not work and used not in {s.offer.key for s in plain.uses}

    def _bootstrap(self, user: _Key, unwanted: list[_Key]) -> None:
        work = self.builder.works[user]
        for_tests = all(self._is_for_tests(user, used) for used in unwanted)
        if for_tests and self.builder.settle(self.builder.untested(work)):
            raise _Again
        gone = {*unwanted, *self._gone.get(user, ())}
        streams = tuple(self.builder.works[key].stream for key in sorted(gone, key=str))
        made = self.builder.without(work, streams)
        if made is None or gone & self._used(made):
            # What was broken elsewhere may have been for nothing: it is all decided again.
            self._unbreakable.update((user, key) for key in unwanted)
            self.bootstrap.clear()
            self._gone.clear()
            raise _Again
        self._gone[user] = gone
        self.bootstrap[user] = made

    def _unbuildable(self, cycles: list[list[_Key]]) -> Unbuildable:
        """That the streams of some cycles wait for one another."""
        texts = []
        for cycle in cycles:
            streams = [self.builder.works[key].stream for key in cycle]
            texts += [
                f"building {user.component} {user.version} needs {used.component} {used.version}"
                for user, used in pairwise([*streams, streams[0]])
            ]
        return Unbuildable(self.builder.works[cycles[0][0]].stream, (), tuple(texts))

    # -- the plan ------------------------------------------------------------------------------

    def passes(self) -> dict[str, tuple[Work, Stage]]:
        """Every build by its id."""
        found: dict[str, tuple[Work, Stage]] = {}
        for key, work in self.builder.works.items():
            name = self.ids[key]
            if key in self.bootstrap:
                found[f"{name}/{Stage.BOOTSTRAP.value}"] = (self.bootstrap[key], Stage.BOOTSTRAP)
                found[f"{name}/{Stage.FINAL.value}"] = (work, Stage.FINAL)
            else:
                found[name] = (work, Stage.ONLY)
        return dict(sorted(found.items()))

    def after(self, passes: Mapping[str, tuple[Work, Stage]]) -> dict[str, dict[_Key, str]]:
        """For each build, which build makes the package of each private stream in its root: the
        final pass, unless that one comes after it."""
        first = {
            key: f"{name}/{Stage.BOOTSTRAP.value}" if key in self.bootstrap else name
            for key, name in self.ids.items()
        }
        used = {id: self._used(work) for id, (work, _) in passes.items()}
        makers = {id: {key: first[key] for key in keys} for id, keys in used.items()}
        for key in sorted(self.bootstrap, key=str):
            final = f"{self.ids[key]}/{Stage.FINAL.value}"
            before = _reached(final, makers)
            for id in sorted(makers):
                if key in makers[id] and id not in before:
                    makers[id][key] = final
        return makers


def _reached(start: str, makers: Mapping[str, Mapping[_Key, str]]) -> set[str]:
    """All that comes before a build, itself included."""
    found, waiting = {start}, [start]
    while waiting:
        for maker in makers[waiting.pop()].values():
            if maker not in found:
                found.add(maker)
                waiting.append(maker)
    return found


def assemble(passes: Passes, runtime: RuntimeSolution) -> BuildPlan:
    """The build plan."""
    from ..selection.order import build_order

    named = passes.passes()
    makers = passes.after(named)
    final = {
        key: f"{id}/{Stage.FINAL.value}" if key in passes.bootstrap else id
        for key, id in passes.ids.items()
    }
    roots: dict[tuple[object, ...], Root] = {}
    builds = []
    for id, (work, stage) in named.items():
        root = _shared(roots, id, work, makers[id])
        builds.append(_build(id, work, stage, root.id, makers[id]))
    order = build_order(
        {build.id: build.cost for build in builds},
        {build.id: build.after for build in builds},
        builders=_BUILDERS,
    )
    return BuildPlan(
        runtime=runtime_root(runtime, final),
        roots=tuple(sorted(roots.values(), key=lambda root: root.id)),
        builds=tuple(builds),
        order=order,
    )


def runtime_root(runtime: RuntimeSolution, makers: Mapping[_Key, str] | None = None) -> Root:
    """The runtime root; without builds nothing makes its private packages yet."""
    return _root(
        "runtime", runtime.root, runtime.solution, makers or {}, runtime.asked, runtime.tools
    )


def _shared(
    roots: dict[tuple[object, ...], Root], id: str, work: Work, makers: Mapping[_Key, str]
) -> Root:
    """The root of a build: one that another build has already, if everything in it is equal."""
    choice = work.choice
    if choice.root is None or choice.solution is None:
        raise ValueError("every root is solved before the plan is made")
    name = _free_name(id, {root.id for root in roots.values()})
    asked = choice.request.install if choice.request else ()
    made = _root(name, choice.root, choice.solution, makers, asked, choice.tools)
    key = (made.packages, made.streams)
    if key in roots:
        known = roots[key]
        roots[key] = evolve(known, asked=tuple(sorted({*known.asked, *made.asked})))
        return known
    roots[key] = made
    return made


def _free_name(id: str, taken: set[str]) -> str:
    """``build-NAME``, with the version where two streams of a component are built."""
    stream, _, stage = id.partition("/")
    name = _UNSAFE.sub("-", stream.partition("@")[0])
    full = _UNSAFE.sub("-", stream)
    tail = f"-{stage}" if stage else ""
    return next(
        found for found in (f"build-{name}{tail}", f"build-{full}{tail}") if found not in taken
    )


def _root(
    id: str,
    root: RuntimeRoot,
    solution: RootSolution,
    makers: Mapping[_Key, str],
    asked: tuple[str, ...],
    tools: tuple[str, ...],
) -> Root:
    offers = (*(stream.offer for stream in root.streams), *root.assumed)
    streams = tuple(
        RootStream(
            offer.component,
            offer.version,
            offer.origin,
            root.package_name(offer),
            makers.get(offer.key, ""),
        )
        for offer in offers
        if offer.origin is not Origin.OMITTED
    )
    return Root(
        id,
        solution.packages,
        tuple(sorted(streams)),
        asked,
        tools,
        root.collections(solution),
    )


def _build(id: str, work: Work, stage: Stage, root: str, makers: Mapping[_Key, str]) -> Build:
    return Build(
        id=id,
        component=work.stream.component,
        version=work.stream.version,
        stage=stage,
        root=root,
        needs=_told(work, work.needs.needs),
        after=tuple(sorted(set(makers.values()))),
        cost=work.stream.offer.cost,
        left_out=_told(work, work.left_out),
        substitutes=tuple(
            sorted(Substitute(component, told) for component, told in work.substitutes.items())
        ),
    )


def _told(work: Work, needs: Iterable[Need]) -> tuple[BuildNeed, ...]:
    root = work.choice.root
    return tuple(sorted({root.told(need) if root else need.stated for need in needs}))
