"""How every private stream gets built: propose a root, solve it, learn, repeat; then the order.

The streams of a build root are chosen by the same selection as the application's, over the offers
of :mod:`.build_book`. Equal needs share one choice. What a root needs and nobody builds yet is
planned in turn, until nothing new is needed. A root that cannot be solved teaches its choice; a
stream that cannot be built at all is left out of all others, and if the application needs it, the
choice of its streams learns that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import define, evolve, field

from ..model.build import BuildNeed, NeedOrigin
from ..model.component import PYTHON, Component, Kind, Origin, Scope
from ..model.conflict import Conflict
from ..model.package import Package
from ..model.progress import Progress, no_progress
from ..model.requirement import Requirement, requirement_on
from ..model.root import RootConflict, RootRequest, RootSolution
from ..model.rpm_language import split_capability
from ..model.stream import Offer, Stream
from ..model.target import Target, series_of
from ..selection import Problem, Selection, Selector, Unsatisfiable
from ..solving import PackagePool, RootSession
from .book import Book
from .build_book import BuildBook
from .build_roots import BuildRoot
from .needs import Need, Needs, NeedsBook, SpecNeeds
from .roots import RuntimeRoot

__all__ = ["Builder", "Choice", "Unbuildable", "Work"]

_ROUNDS = 50
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
    refusals: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()

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


@define
class Work:
    """A stream to be built, with the choice that was made for its root."""

    stream: Stream
    needs: Needs
    left_out: tuple[Need, ...]
    choice: Choice
    substitutes: Mapping[Component, str] = field(factory=dict)

    @property
    def uses(self) -> tuple[Stream, ...]:
        """The private streams that its root holds."""
        return self.choice.private


@define
class Unbuildable:
    """That a stream cannot be built, whatever its root holds."""

    stream: Stream
    conflicts: tuple[Conflict, ...]
    texts: tuple[str, ...]


@define(slots=False)
class Builder:
    """Plans the builds of one selection."""

    book: Book
    selection: Selection
    runtime: RuntimeRoot
    target: Target
    group: tuple[str, ...]
    specs: Mapping[str, SpecNeeds] = field(factory=dict)
    checks: str = "free"
    progress: Progress = no_progress
    works: dict[_Key, Work] = field(factory=dict, init=False)
    unbuildable: dict[_Key, Unbuildable] = field(factory=dict, init=False)
    _choices: dict[_Key, Choice] = field(factory=dict, init=False)
    _selections: dict[_Key, Selection | Unsatisfiable] = field(factory=dict, init=False)
    _planned: dict[_Key, Stream] = field(factory=dict, init=False)
    _requires: dict[str, frozenset[str]] = field(factory=dict, init=False)
    _avoided: dict[_Key, frozenset[_Key]] = field(factory=dict, init=False)
    _session: RootSession | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        base = self.book.base.base
        python = self.runtime.chosen.get(PYTHON)
        self._python = python.offer if python else self.book.offers(PYTHON)[0]
        self._needs = NeedsBook(self.book, self.target, self.specs)
        own = self.book.targets[base.python]
        self._base_target = own
        self._base_needs = NeedsBook(self.book, own, self.specs)
        self._at_run_time = {s.component: s.offer for s in self.selection.streams}

    # -- everything that is built --------------------------------------------------------------

    def run(self) -> Unbuildable | None:
        """Find :attr:`works`, or the first stream that nothing can build."""
        failed = self._close() or self._solve_all()
        if failed is None:
            self.forget_unused()
        return failed

    def give_up(self, failed: Unbuildable) -> bool:
        """Whether the application needs a stream that cannot be built. Where only builds use it,
        everything is chosen again without it."""
        if self._is_at_run_time(failed.stream):
            return True
        self.unbuildable[failed.stream.offer.key] = failed
        self._choose_all_again()
        return False

    def avoid(self, cycle: Sequence[_Key]) -> bool:
        """Choose everything again with one stream of a cycle built without the next one in its
        root, whatever that costs the others; whether any can be. The cheapest is taken."""
        known = dict(self._avoided)
        found: list[tuple[int, int]] = []
        for number, (user, used) in enumerate(_pairs(cycle)):
            self._avoided[user] = known.get(user, frozenset()) | {used}
            work = self._work(self.works[user].stream)
            if isinstance(work, Work) and isinstance(work.choice.selection, Selection):
                found.append((work.choice.selection.cost, number))
            self._avoided = dict(known)
        if not found:
            return False
        user, used = _pairs(cycle)[min(found)[1]]
        self._avoided[user] = known.get(user, frozenset()) | {used}
        self._choose_all_again()
        return True

    def _choose_all_again(self) -> None:
        for memory in (self.works, self._choices, self._selections, self._planned):
            memory.clear()

    def _close(self) -> Unbuildable | None:
        """Choose the streams of every root, also of those that other roots need."""
        for stream in self.selection.streams:
            if stream.offer.origin is Origin.PRIVATE:
                self._planned.setdefault(stream.offer.key, stream)
        while waiting := self._waiting():
            self._prefetch(waiting)
            for number, stream in enumerate(waiting):
                self.progress("choosing build roots", number, len(waiting))
                work = self._work(stream)
                if isinstance(work, Unbuildable):
                    return work
                self.works[stream.offer.key] = work
                for used in work.uses:
                    if used.offer.key not in self._planned:
                        self._planned[used.offer.key] = self._real(used)
        return None

    def forget_unused(self) -> bool:
        """Leave out what only roots needed whose choice was made again since; whether there was
        any."""
        wanted = {key for key, work in self.works.items() if self._is_at_run_time(work.stream)}
        waiting = sorted(wanted, key=str)
        while waiting:
            for used in self.works[waiting.pop()].uses:
                if used.offer.key not in wanted:
                    wanted.add(used.offer.key)
                    waiting.append(used.offer.key)
        unused = self._planned.keys() - wanted
        for key in unused:
            del self._planned[key]
            self.works.pop(key, None)
        return bool(unused)

    def _is_at_run_time(self, stream: Stream) -> bool:
        chosen = self._at_run_time.get(stream.component)
        return chosen is not None and chosen.key == stream.offer.key

    def _waiting(self) -> list[Stream]:
        """What is planned and has no root yet."""
        for work in self.works.values():
            for used in work.uses:
                if used.offer.key not in self._planned:
                    self._planned[used.offer.key] = self._real(used)
        missing = [s for key, s in self._planned.items() if key not in self.works]
        return sorted(missing, key=lambda s: (s.component, s.version, s.offer.package))

    def _prefetch(self, streams: Iterable[Stream]) -> None:
        self._needs.prefetch(streams)

    def _real(self, stream: Stream) -> Stream:
        """The stream with its own cost, not with what it counts in a build root."""
        return self.book.streams([stream.offer])[0]

    def _needs_of(self, stream: Stream) -> Needs:
        book = self._base_needs if stream.component == PYTHON else self._needs
        return book.of(stream)

    def _work(self, stream: Stream) -> Work | Unbuildable:
        """The root of one stream: with tests where they cost no further private stream."""
        needs = self._needs_of(stream)
        checks = needs.checks
        plain = needs.without(checks)
        if checks and self._may_check(checks):
            choice = self._choose(stream, needs)
            if not isinstance(choice.selection, Unsatisfiable) and (
                self.checks == "always" or not self._new(choice)
            ):
                return Work(stream, needs, (), choice)
        choice = self._choose(stream, plain)
        if isinstance(choice.selection, Unsatisfiable):
            return Unbuildable(stream, choice.selection.conflicts, choice.refusals)
        return Work(stream, plain, checks, choice)

    def _may_check(self, checks: Iterable[Need]) -> bool:
        """Whether it is worth trying to have tests: under another interpreter nothing that the
        application does not use is there."""
        if self.checks != "free":
            return self.checks == "always"
        if self.target.python == self.book.base.base.python:
            return True
        wanted = {need.requirement.component for need in checks if need.requirement}
        return wanted <= self._at_run_time.keys()

    def _new(self, choice: Choice) -> list[Stream]:
        return [s for s in choice.private if s.offer.key not in self._planned]

    # -- one choice ----------------------------------------------------------------------------

    def _choose(
        self, stream: Stream, needs: Needs, excluded: frozenset[_Key] = frozenset()
    ) -> Choice:
        """The choice for some needs; shared, unless the stream itself would lie in its root."""
        excluded |= self._avoided.get(stream.offer.key, frozenset())
        wanted = {need.requirement for need in needs.needs if need.requirement}
        if stream.component != PYTHON:
            wanted.add(requirement_on(PYTHON, "", scope=Scope.BUILD))
        requirements = tuple(sorted(wanted, key=_requirement_key))
        rest = frozenset((n.native, n.subpackage, n.external) for n in needs.needs)
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
        target, python = self.target, self._python
        if stream.component == PYTHON:
            target = self._base_target
            python = self._base_python()
        anchor = _anchor(stream, requirements)
        book = BuildBook(
            self.book,
            anchor,
            python,
            self._at_run_time,
            self._planned.keys(),
            own,
            excluded | self.unbuildable.keys(),
        )
        problem = Problem(anchor, book, {target.python: target})
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
        choice = Choice(anchor, needs.needs, problem, target, selection)
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
        choice.root = BuildRoot(
            self.book,
            choice.selection,
            choice.target,
            written=self.runtime.written,
            anchor=choice.anchor.component,
            group=self.group,
            needs=choice.needs,
        )
        choice.solution = None

    # -- solving -------------------------------------------------------------------------------

    def _solve_all(self) -> Unbuildable | None:
        """Solve every root; a choice that was refused is made again, and may need more."""
        for _ in range(_ROUNDS):
            failed, changed = None, False
            works = [self.works[key] for key in sorted(self.works, key=str)]
            for number, work in enumerate(works):
                if work.choice.solution is not None:
                    continue
                self.progress("solving build roots", number, len(works))
                conflict = self._solve(work.choice)
                if conflict is not None:
                    changed = True
                    failed = self._learn(work, conflict)
                if failed is not None:
                    return failed
            failed = self._close()
            if failed is not None or not changed:
                return failed
        raise RuntimeError("build roots are refused again and again")

    def _solve(self, choice: Choice) -> RootConflict | None:
        """Solve one root, without what is only a tool if that is possible."""
        root = choice.root
        if root is None:
            raise ValueError("a choice without streams has no root")
        answer = self._in_session(root.wide)
        if isinstance(answer, RootConflict):
            return answer
        choice.request, choice.solution = root.wide, answer
        choice.tools = root.tools(answer)
        if choice.tools and not root.needs_tools(answer, self._required):
            narrow = self._in_session(root.narrow)
            if isinstance(narrow, RootSolution):
                choice.request, choice.solution, choice.tools = root.narrow, narrow, ()
        return None

    def _required(self, package: Package) -> frozenset[str]:
        """The names of capabilities that a package requires, boolean dependencies aside."""
        known = self._requires.get(package.nevra)
        if known is None:
            plain = (text for text in package.requires if text[0] != "(")
            known = frozenset(split_capability(text)[0] for text in plain)
            self._requires[package.nevra] = known
        return known

    def _in_session(self, request: RootRequest) -> RootSolution | RootConflict:
        """Solve in the one session of this base; what is new in a request is planned together with
        everything else that is known by then."""
        if self._session is None or self._session.closed:
            self._session = self.pool.session(())
        if not self._session.plans(request.planned):
            waiting = [
                package
                for work in self.works.values()
                if work.choice.solution is None and work.choice.root is not None
                for package in work.choice.root.wide.planned
            ]
            self._session.extend({*request.planned, *waiting})
        return self._session.solve(request)

    def close(self) -> None:
        """Take the planned packages out of the base's pool."""
        if self._session is not None:
            self._session.close()

    @property
    def pool(self) -> PackagePool:
        """The base's packages."""
        return self.book.base.pool

    def _learn(self, work: Work, conflict: RootConflict) -> Unbuildable | None:
        """Make the choice again without what was refused, or say that nothing helps."""
        choice = work.choice
        if choice.root is None:
            raise ValueError("only a root that was solved can be refused")
        alone = self.pool.solve(RootRequest(choice.root.unavoidable))
        if isinstance(alone, RootConflict):
            return Unbuildable(work.stream, (), choice.root.conflict_texts(alone))
        choice.refusals += choice.root.conflict_texts(conflict)
        if choice.selector is None:
            choice.selector = Selector(choice.problem)
        choice.selector.forbid(choice.root.nogood(conflict))
        choice.selection = choice.selector.select()
        self._set_root(choice)
        for key in sorted(self.works, key=str):
            each = self.works[key]
            if each.choice is choice:
                again = self._kept(each)
                if isinstance(again, Unbuildable):
                    return again
                self.works[key] = again
        return None

    def _kept(self, work: Work) -> Work | Unbuildable:
        """A work whose choice was made again: its tests go first."""
        choice = work.choice
        failed = isinstance(choice.selection, Unsatisfiable)
        checks = work.needs.checks
        if checks and (failed or (self._new(choice) and self.checks != "always")):
            plain = work.needs.without(checks)
            work = Work(work.stream, plain, checks, self._choose(work.stream, plain))
            choice = work.choice
        if isinstance(choice.selection, Unsatisfiable):
            return Unbuildable(work.stream, choice.selection.conflicts, choice.refusals)
        return work

    # -- without a part of it --------------------------------------------------------------------

    def without(self, work: Work, unwanted: tuple[Stream, ...]) -> Work | None:
        """The bootstrap pass of a stream: a root that does without some private streams, or None
        where there is none."""
        needs = work.needs
        substitutes: dict[Component, str] = {}
        if needs.checks:
            needs = needs.without(needs.checks)
        for stream in unwanted:
            stands_in = self._wheel(stream)
            wanted = [n for n in needs.needs if _is_on(n, stream.component)]
            if stands_in is not None and wanted:
                native, told = stands_in
                needs = needs.without(wanted)
                if native is not None:
                    needs = Needs((*needs.needs, native))
                substitutes[stream.component] = told
        excluded = frozenset(stream.offer.key for stream in unwanted)
        planned = set(self._planned)
        choice = self._choose(work.stream, needs, excluded)
        if isinstance(choice.selection, Unsatisfiable) or self._new(choice):
            return None
        if choice.solution is None and self._solve(choice) is not None:
            return None
        if planned != set(self._planned):
            raise ValueError("a bootstrap pass may plan nothing new")
        chosen = {s.component: s for s in choice.selection.streams}
        for stream in unwanted:
            if stream.component not in substitutes:
                substitutes[stream.component] = _stands_in(chosen.get(stream.component))
        left_out = (*work.left_out, *work.needs.without(needs.needs).needs)
        return Work(work.stream, needs, left_out, choice, substitutes)

    def untested(self, work: Work) -> Work:
        """The same stream without its tests, as far as they count at all."""
        checks = work.needs.checks
        if not checks or self.checks == "always":
            return work
        plain = work.needs.without(checks)
        return Work(work.stream, plain, checks, self._choose(work.stream, plain))

    def settle(self, work: Work) -> bool:
        """Take a work without its tests for good, if its root can be solved."""
        if isinstance(work.choice.selection, Unsatisfiable) or self._new(work.choice):
            return False
        if work.choice.solution is None and self._solve(work.choice) is not None:
            return False
        self.works[work.stream.offer.key] = work
        return True

    def _wheel(self, stream: Stream) -> tuple[Need | None, str] | None:
        """What stands in for a distribution while it cannot be there yet: the base's wheel of it,
        which fits any interpreter, or pip's inside the interpreter's own source."""
        name = stream.component.name
        for package in (f"python3-{name}-wheel", f"python-{name}-wheel"):
            if self.pool.named(package):
                stated = BuildNeed(package, NeedOrigin.METHOD, place="a bootstrap pass")
                return Need(stated, native=package), f"the base's wheel, {package}"
        if name == "pip" and self._python.origin is Origin.PRIVATE:
            return None, f"the wheel of pip in the source of Python {self.target.python}"
        return None


def _pairs(cycle: Sequence[_Key]) -> list[tuple[_Key, _Key]]:
    """Each stream of a cycle with the one that it needs."""
    return list(zip(cycle, [*cycle[1:], cycle[0]], strict=True))


def _stands_in(other: Stream | None) -> str:
    """How a plan tells the stream that is used instead."""
    if other is None:
        return "nothing: it is for tests only"
    whose = " of the base" if other.offer.origin is Origin.BASE else ""
    return f"{other.offer.package} {other.version}{whose}"


def _is_on(need: Need, component: Component) -> bool:
    return need.requirement is not None and need.requirement.component == component


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
