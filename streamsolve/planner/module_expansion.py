"""Every way to build a module, best first, found one at a time.

Streams are decided in a fixed order, and each decision is made only if libsolv finds that the rest
can be completed; so no search ends in vain, and an answer costs at most one solve for each stream
that could be decided otherwise. What a solve found for the streams that are not yet decided is used
for the next decisions.

The order of the answers: those whose streams of buildrequires are better come first, module by
module in the order of their names, then those whose requires are. Which stream of a module is
better, :func:`streamsolve.model.modules.preferred` says. It does not depend on the order in which
groups, modules or lists are written.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

from ..model.module_expansion import (
    Expansion,
    ExpansionFact,
    ExpansionFailure,
    FactKind,
    Side,
    computed_context,
    distinct,
)
from ..model.modules import (
    PLATFORM,
    ModuleDependencies,
    ModuleIndex,
    ModuleStream,
    StreamChoice,
    preferred,
)
from ..model.root import RootConflict, RootRequest
from ..solving import PackagePool
from .module_packages import Decision, Model, ModuleEncoding, Option, is_meant

__all__ = ["ModuleExpander"]

_Chosen = tuple[Option, ...]
_Key = tuple[tuple[tuple[str, int, str], ...], tuple[tuple[str, int, str], ...]]


class ModuleExpander:
    """Expands one module over an index. A context manager.

    Streams of the base's release (``platform``) have no documents in a repository: ``platforms``
    names those that exist; if nothing does, every one exists that any module is built for.
    """

    def __init__(
        self, module: ModuleStream, index: ModuleIndex, *, platforms: Iterable[str] = ()
    ) -> None:
        self._module = module
        self._index = index
        self._streams = _by_name(module, index, tuple(platforms))
        self._orders: dict[str, list[str]] = {}
        self._pool: PackagePool | None = None
        self._solved: dict[
            ModuleDependencies, tuple[tuple[Decision, ...], Model | tuple[ExpansionFact, ...]]
        ] = {}

    def __enter__(self) -> ModuleExpander:
        # Everything is planned here: no repository is read, and no cache is written.
        self._pool = PackagePool.open([], arch="noarch", cache=Path())
        ordered = {name: self._worst_first(name) for name in self._streams}
        self._encoding = ModuleEncoding(self._module, ordered)
        self._session = self._pool.session(self._encoding.packages)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._session.close()
            self._pool.close()
            self._pool = None

    def expansions(self) -> Iterator[Expansion]:
        """All ways, lazily, best first; of equal ones one. What cannot be met is left out: see
        :meth:`failures`."""
        groups = [self._of_group(group) for group in self._groups()]
        last: _Key | None = None
        for key, expansion in heapq.merge(*groups, key=lambda found: found[0]):
            if key != last:
                yield expansion
            last = key

    def failures(self) -> tuple[ExpansionFailure, ...]:
        """The groups that cannot be met, each with the reason."""
        found = []
        for group in self._groups():
            _, answer = self._first(group)
            if isinstance(answer, tuple):
                found.append(ExpansionFailure(group, answer))
        return tuple(found)

    def _groups(self) -> tuple[ModuleDependencies, ...]:
        return tuple(sorted(set(self._module.dependencies))) or (ModuleDependencies(),)

    # -- one group

    def _of_group(self, group: ModuleDependencies) -> Iterator[tuple[_Key, Expansion]]:
        decisions, model = self._first(group)
        if isinstance(model, tuple):
            return
        for chosen in self._walk(decisions, (), model):
            yield self._lifted(group, decisions, chosen)

    def _first(
        self, group: ModuleDependencies
    ) -> tuple[tuple[Decision, ...], Model | tuple[ExpansionFact, ...]]:
        """What is decided for a group, and one way to do it or why there is none; solved once."""
        if group not in self._solved:
            decisions, facts = self._decisions(group)
            self._solved[group] = decisions, facts or self._solve(decisions, ())
        return self._solved[group]

    def _walk(
        self, decisions: Sequence[Decision], chosen: _Chosen, model: Model
    ) -> Iterator[_Chosen]:
        """All ways to complete what was chosen, of which ``model`` is one."""
        if len(chosen) == len(decisions):
            yield chosen
            return
        decision = decisions[len(chosen)]
        left = list(decision.options)
        known: Model | tuple[ExpansionFact, ...] = model
        while left and not isinstance(known, tuple):
            option, left = left[0], left[1:]
            longer = (*chosen, option)
            if self._holds(known, decision.module, option):
                yield from self._walk(decisions, longer, known)
                # One solve for all that are left: mostly none of them can be.
                known = self._solve(decisions, chosen, left) if left else ()
                continue
            tried = self._solve(decisions, longer)
            if not isinstance(tried, tuple):
                yield from self._walk(decisions, longer, tried)

    @staticmethod
    def _holds(model: Model, module: str, option: Option) -> bool:
        return all(
            model[side, module].stream == stream
            if side is Side.BUILD
            else model[side, module].answers(stream)
            for side, stream in option.streams
        )

    def _solve(
        self, decisions: Sequence[Decision], chosen: _Chosen, left: Sequence[Option] = ()
    ) -> Model | tuple[ExpansionFact, ...]:
        """Streams for all modules, after what was chosen of the first; or why there are none.
        ``left`` are the only options of the next one, if any are given."""
        encoding = self._encoding
        install = list(encoding.itself)
        for decision, option in zip(decisions, chosen, strict=False):
            install += encoding.option_texts(decision.module, option)
        for number, decision in enumerate(decisions[len(chosen) :]):
            options = tuple(left) if left and not number else decision.options
            install += encoding.decision_texts(Decision(decision.module, options))
        request = RootRequest(tuple(install), planned=encoding.packages)
        answer = self._session.solve(request)
        if isinstance(answer, RootConflict):
            return encoding.facts(answer)
        return encoding.model(answer.packages)

    def _lifted(
        self, group: ModuleDependencies, decisions: Sequence[Decision], chosen: _Chosen
    ) -> tuple[_Key, Expansion]:
        sides: dict[Side, list[tuple[str, str]]] = {Side.BUILD: [], Side.RUN: []}
        for decision, option in zip(decisions, chosen, strict=True):
            for side, stream in option.streams:
                sides[side].append((decision.module, stream))
        build, run = (tuple(sorted(sides[side])) for side in (Side.BUILD, Side.RUN))
        context = group.context or computed_context(self._module, build, run)
        return (self._ranked(build), self._ranked(run)), Expansion(build, run, context)

    def _ranked(self, streams: tuple[tuple[str, str], ...]) -> tuple[tuple[str, int, str], ...]:
        return tuple((name, self._order_of(name).index(stream), stream) for name, stream in streams)

    # -- what is there to decide

    def _decisions(
        self, group: ModuleDependencies
    ) -> tuple[tuple[Decision, ...], tuple[ExpansionFact, ...]]:
        """The modules in the order in which they are decided; and what can be met by nothing."""
        build, run = dict(group.buildrequires), dict(group.requires)
        facts = [
            *(fact for name in build if (fact := self._unknown(Side.BUILD, name, build[name]))),
            *(fact for name in run if (fact := self._unknown(Side.RUN, name, run[name]))),
        ]
        decisions = []
        for name in sorted(build):
            options = tuple(self._build_options(name, build[name], run.get(name)))
            if not options and not any(fact.module == name for fact in facts):
                facts.append(
                    ExpansionFact(
                        FactKind.DIFFERENT_SIDES,
                        Side.RUN,
                        name,
                        run[name],
                        known=build[name].labels,
                    )
                )
            decisions.append(Decision(name, options))
        decisions += [
            Decision(
                name, tuple(Option(((Side.RUN, label),)) for label in self._labels(name, run[name]))
            )
            for name in sorted(run.keys() - build.keys())
        ]
        return tuple(decisions), distinct(facts)

    def _build_options(
        self, name: str, choice: StreamChoice, wanted: StreamChoice | None
    ) -> Iterator[Option]:
        """Streams to build with. Where the module is required as well, it is the same stream that
        is required, under its own name where the list has that."""
        for stream in self._own(name, choice):
            if wanted is None:
                yield Option(((Side.BUILD, stream),))
                continue
            bearers = [each for each in self._streams.get(name, ()) if each.stream == stream]
            labels = [
                label
                for label in self._labels(name, wanted)
                if any(each.answers(label) for each in bearers)
            ]
            if labels:
                own = stream if stream in labels else labels[0]
                yield Option(((Side.BUILD, stream), (Side.RUN, own)))

    def _own(self, name: str, choice: StreamChoice) -> list[str]:
        """The streams of a module that are meant, by their own names, best first."""
        streams = self._streams.get(name, ())
        found = {each.stream for each in streams if is_meant(each, choice, exactly=True)}
        return [stream for stream in self._order_of(name) if stream in found]

    def _labels(self, name: str, choice: StreamChoice) -> list[str]:
        """The same as they are written: virtual names stay."""
        if choice.excluded:
            return self._own(name, choice)
        streams = self._streams.get(name, ())
        found = {label for label in choice.labels if any(each.answers(label) for each in streams)}
        return [label for label in self._order_of(name) if label in found]

    def _order_of(self, name: str) -> list[str]:
        """All names of a module's streams that are used anywhere, best first."""
        known = self._orders.get(name)
        if known is None:
            streams = self._streams.get(name, ())
            written = {
                label
                for group in self._module.dependencies
                for choices in (group.buildrequires, group.requires)
                for module, choice in choices
                if module == name
                for label in choice.labels
            }
            ended = {each.stream for each in streams if self._index.end_of(each)}
            labels = {*(each.stream for each in streams), *written}
            default = self._index.default_of(name)
            known = self._orders[name] = preferred(labels, default=default, last=ended)
        return known

    def _worst_first(self, name: str) -> tuple[ModuleStream, ...]:
        order = self._order_of(name)
        return tuple(sorted(self._streams[name], key=lambda one: (-order.index(one.stream), one)))

    def _unknown(self, side: Side, name: str, choice: StreamChoice) -> ExpansionFact | None:
        streams = self._streams.get(name, ())
        if not streams:
            known = tuple(sorted(self._streams))
            return ExpansionFact(FactKind.UNKNOWN_MODULE, side, name, choice, known=known)
        if not any(is_meant(each, choice, exactly=side is Side.BUILD) for each in streams):
            labels = tuple(sorted({each.stream for each in streams}))
            return ExpansionFact(FactKind.UNKNOWN_STREAM, side, name, choice, known=labels)
        return None


def _by_name(
    module: ModuleStream, index: ModuleIndex, platforms: tuple[str, ...]
) -> dict[str, tuple[ModuleStream, ...]]:
    """The streams that exist, by module."""
    found: dict[str, list[ModuleStream]] = {}
    for stream in index.newest():
        found.setdefault(stream.name, []).append(stream)
    if platforms or PLATFORM not in found:
        named = platforms or sorted(_platforms_named(module, index))
        found[PLATFORM] = [ModuleStream(PLATFORM, name) for name in sorted(set(named))]
    return {name: tuple(streams) for name, streams in sorted(found.items()) if streams}


def _platforms_named(module: ModuleStream, index: ModuleIndex) -> Iterator[str]:
    for stream in (module, *index.newest()):
        for group in stream.dependencies:
            for name, choice in (*group.buildrequires, *group.requires):
                if name == PLATFORM and not choice.excluded:
                    yield from (label for label in choice.labels if label[:1] not in "<>=")
