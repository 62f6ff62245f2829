"""The choice of a build root's streams: equal needs share one."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, evolve, field

from ..model.component import PYTHON, Component, Kind, Origin, Scope
from ..model.requirement import Requirement, requirement_on
from ..model.root import RootConflict, RootRequest, RootSolution
from ..model.stream import Offer, Stream
from ..model.target import Target, series_of
from ..selection import Problem, Selection, Selector, Unsatisfiable
from .book import Book
from .build_book import BuildBook
from .build_roots import BuildRoot
from .interpreters import target_of, usual_interpreter
from .needs import Need, Needs
from .roots import RuntimeRoot

__all__ = ["Choice", "Choices"]

_ANCHOR = "the build of "
_Key = tuple[object, ...]


@define
class Choice:
    """The streams of one root, for everything whose needs are the same."""

    anchor: Stream
    needs: tuple[Need, ...]
    problem: Problem
    target: Target
    selection: Selection | Unsatisfiable
    selector: Selector | None = None
    root: BuildRoot | None = None
    request: RootRequest | None = None
    solution: RootSolution | None = None
    conflict: RootConflict | None = None
    refusals: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()

    @property
    def private(self) -> tuple[Stream, ...]:
        """The private streams in it."""
        if isinstance(self.selection, Unsatisfiable):
            return ()
        return tuple(
            s
            for s in self.selection.streams
            if s.offer.origin is Origin.PRIVATE and s.component != self.anchor.component
        )


@define(slots=False)
class Choices:
    """The choices of all build roots of one selection.

    ``planned`` and ``unbuildable`` are the caller's, by the keys of offers, and may grow: what is
    planned costs a further root next to nothing, and what cannot be built is not chosen.
    """

    book: Book
    runtime: RuntimeRoot
    target: Target
    group: tuple[str, ...]
    planned: Mapping[_Key, Stream]
    unbuildable: Mapping[_Key, object]
    python: Offer | None = field(init=False)
    at_run_time: dict[Component, Offer] = field(init=False)
    _choices: dict[_Key, Choice] = field(factory=dict, init=False)
    _selections: dict[_Key, Selection | Unsatisfiable] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        python = self.runtime.chosen.get(PYTHON)
        self.python = python.offer if python else usual_interpreter(self.book)
        streams = self.runtime.selection.streams
        self.at_run_time = {stream.component: stream.offer for stream in streams}

    def clear(self) -> None:
        """Forget every choice."""
        self._choices.clear()
        self._selections.clear()

    def again(self, choice: Choice) -> None:
        """Make a choice again without what its root was refused for."""
        if choice.root is None or choice.conflict is None:
            raise ValueError("only a root that was solved can be refused")
        choice.refusals += choice.root.conflict_texts(choice.conflict)
        if choice.selector is None:
            choice.selector = Selector(choice.problem)
        choice.selector.forbid(choice.root.nogood(choice.conflict))
        choice.selection = choice.selector.select()
        self._set_root(choice)

    def choose(
        self, stream: Stream, needs: Needs, excluded: frozenset[_Key] = frozenset()
    ) -> Choice:
        """The choice for some needs; shared, unless the stream itself would lie in its root."""
        wanted = {need.requirement for need in needs.needs if need.requirement}
        python = PYTHON in self.at_run_time or stream.component.kind is Kind.DISTRIBUTION
        if python and stream.component != PYTHON:
            wanted.add(requirement_on(PYTHON, "", scope=Scope.BUILD))
        requirements = tuple(sorted(wanted, key=_requirement_key))
        natives = frozenset((n.native, n.subpackage, n.external) for n in needs.needs)
        rest = (natives, needs.conflicts)
        interpreter = stream.component == PYTHON
        key: _Key = (tuple(map(_requirement_key, requirements)), rest, excluded, interpreter)
        shared = self._chosen_for(key, stream, requirements, needs, excluded, ())
        if stream.offer.key not in {used.offer.key for used in shared.private}:
            return shared
        # It would be in its own root: the base's own stream of it is better, where there is one.
        return self._chosen_for(key, stream, requirements, needs, excluded, stream.offer.key)

    def _chosen_for(
        self,
        key: _Key,
        stream: Stream,
        requirements: tuple[Requirement, ...],
        needs: Needs,
        excluded: frozenset[_Key],
        own: _Key,
    ) -> Choice:
        if (*key, own) not in self._choices:
            made = self._new_choice(stream, requirements, needs, excluded, own)
            self._choices[(*key, own)] = made
        return self._choices[(*key, own)]

    def _new_choice(
        self,
        stream: Stream,
        requirements: tuple[Requirement, ...],
        needs: Needs,
        excluded: frozenset[_Key],
        own: _Key,
    ) -> Choice:
        target, python = self.target, self.python
        if stream.component == PYTHON:
            target = target_of(self.book, self.book.base.base.python)
            python = self._base_python()
        anchor = _anchor(stream, requirements)
        book = BuildBook(
            self.book,
            anchor,
            python,
            self.at_run_time,
            self.planned.keys(),
            own,
            excluded | self.unbuildable.keys(),
        )
        problem = Problem(anchor, book, {target.python: target}, target.python)
        key: _Key = (
            tuple(map(_requirement_key, requirements)),
            excluded,
            own,
            stream.component == PYTHON,
        )
        if key not in self._selections:
            # What the base brings beside the streams does not matter to the first proposal.
            self._selections[key] = Selector(problem).select()
        selection = _anchored(self._selections[key], anchor)
        choice = Choice(anchor, needs.needs, problem, target, selection, conflicts=needs.conflicts)
        self._set_root(choice)
        return choice

    def _base_python(self) -> Offer:
        series = self.book.base.base.python
        return next(
            offer
            for offer in self.book.offers(PYTHON)
            if offer.origin is Origin.BASE and series_of(offer.version) == series
        )

    def _set_root(self, choice: Choice) -> None:
        if isinstance(choice.selection, Unsatisfiable):
            choice.root = None
            return
        choice.root = self._root(choice, choice.selection)
        while unled := choice.root.unled():
            choice.refusals += tuple(text for nogood in unled for text in nogood.texts)
            if choice.selector is None:
                choice.selector = Selector(choice.problem)
            for nogood in unled:
                choice.selector.forbid(nogood)
            choice.selection = choice.selector.select()
            if isinstance(choice.selection, Unsatisfiable):
                choice.root = None
                return
            choice.root = self._root(choice, choice.selection)
        choice.solution = None

    def _root(self, choice: Choice, selection: Selection) -> BuildRoot:
        return BuildRoot(
            self.book,
            selection,
            choice.target,
            written=self.runtime.written,
            anchor=choice.anchor.component,
            group=self.group,
            needs=choice.needs,
            conflicts=choice.conflicts,
            at_run_time=self.runtime.chosen,
        )


def _requirement_key(requirement: Requirement) -> tuple[Component, str, tuple[str, ...]]:
    return (requirement.component, str(requirement.specifier), requirement.extras)


def _anchor(stream: Stream, requirements: tuple[Requirement, ...]) -> Stream:
    """What stands for a build in its selection problem."""
    component = Component(Kind.PACKAGE, f"{_ANCHOR}{stream.component}")
    offer = Offer(component, stream.version, Origin.PRIVATE, "")
    return Stream(offer, requirements)


def _anchored(selection: Selection | Unsatisfiable, anchor: Stream) -> Selection | Unsatisfiable:
    """The same choice for another build of equal requirements."""
    if isinstance(selection, Unsatisfiable):
        return selection
    streams = tuple(
        anchor if stream.component.name.startswith(_ANCHOR) else stream
        for stream in selection.streams
    )
    return evolve(selection, streams=streams)
