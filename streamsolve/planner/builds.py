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
from ..model.component import PYTHON, Component, Origin
from ..model.conflict import Conflict
from ..model.progress import Progress, no_progress
from ..model.root import RootConflict, RootRequest
from ..model.rpm_dependency import version_from_rpm
from ..model.stream import Stream
from ..model.target import Target
from ..selection import Selection, Unsatisfiable
from ..solving import PackagePool
from .book import Book
from .build_choices import Choice, Choices
from .interpreters import target_of
from .kernel import module_needs
from .needs import Need, Needs, NeedsBook, SpecNeeds
from .root_solver import RootSolver
from .roots import RuntimeRoot

__all__ = ["Builder", "Unbuildable", "Work"]

_Key = tuple[object, ...]


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
    _planned: dict[_Key, Stream] = field(factory=dict, init=False)
    _avoided: dict[_Key, frozenset[_Key]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        own = target_of(self.book, self.book.base.base.python)
        self._needs = NeedsBook(self.book, self.target, self.specs)
        self._base_needs = NeedsBook(self.book, own, self.specs)
        self._choices = Choices(
            self.book, self.runtime, self.target, self.group, self._planned, self.unbuildable
        )
        self._solver = RootSolver(self.book.base.pool)

    @property
    def elsewhere(self) -> dict[str, frozenset[str]]:
        """See :attr:`NeedsBook.elsewhere`; of the source packages that builds follow."""
        known = {**self._base_needs.elsewhere, **self._needs.elsewhere}
        used = {need.stated.place for work in self.works.values() for need in work.needs.needs}
        return {source: texts for source, texts in known.items() if source in used}

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
        for memory in (self.works, self._choices, self._planned):
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
        chosen = self._choices.at_run_time.get(stream.component)
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
        return module_needs(book.of(stream), stream, self.runtime)

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
                return Work(stream, needs, needs.dropped, choice)
        choice = self._choose(stream, plain)
        if isinstance(choice.selection, Unsatisfiable):
            return Unbuildable(stream, choice.selection.conflicts, choice.refusals)
        return Work(stream, plain, (*checks, *needs.dropped), choice)

    def _may_check(self, checks: Iterable[Need]) -> bool:
        """Whether it is worth trying to have tests: under another interpreter nothing that the
        application does not use is there."""
        if self.checks != "free":
            return self.checks == "always"
        if self.target.python == self.book.base.base.python:
            return True
        wanted = {need.requirement.component for need in checks if need.requirement}
        return wanted <= self._choices.at_run_time.keys()

    def _choose(
        self, stream: Stream, needs: Needs, excluded: frozenset[_Key] = frozenset()
    ) -> Choice:
        avoided = self._avoided.get(stream.offer.key, frozenset())
        return self._choices.choose(stream, needs, excluded | avoided)

    def _new(self, choice: Choice) -> list[Stream]:
        return [s for s in choice.private if s.offer.key not in self._planned]

    # -- solving -------------------------------------------------------------------------------

    def _solve_all(self) -> Unbuildable | None:
        """Solve every root; a choice that was refused is made again, and may need more. It ends,
        since each refusal takes offers away that were chosen together."""
        while True:
            refused = False
            keys = sorted(self.works, key=str)
            self._solver.expect(self.works[key].choice for key in keys)
            for number, key in enumerate(keys):
                # A refusal may have given other works another choice since.
                work = self.works[key]
                if work.choice.solution is not None:
                    continue
                self.progress("solving build roots", number, len(keys))
                if self._solver.solve(work.choice) is not None:
                    refused = True
                    failed = self._learn(work)
                    if failed is not None:
                        return failed
            failed = self._close()
            if failed is not None or not refused:
                return failed

    def close(self) -> None:
        """Take the planned packages out of the base's pool."""
        self._solver.close()

    @property
    def pool(self) -> PackagePool:
        """The base's packages."""
        return self.book.base.pool

    def _learn(self, work: Work) -> Unbuildable | None:
        """Make the choice again without what was refused, or say that nothing helps."""
        choice = work.choice
        if choice.root is None:
            raise ValueError("only a root that was solved can be refused")
        alone = self.pool.solve(RootRequest(choice.root.unavoidable))
        if isinstance(alone, RootConflict):
            return Unbuildable(work.stream, (), choice.root.conflict_texts(alone))
        self._choices.again(choice)
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
            left_out = (*checks, *plain.dropped)
            work = Work(work.stream, plain, left_out, self._choose(work.stream, plain))
            choice = work.choice
        if isinstance(choice.selection, Unsatisfiable):
            return Unbuildable(work.stream, choice.selection.conflicts, choice.refusals)
        return work

    # -- without a part of it --------------------------------------------------------------------

    def without(self, work: Work, unwanted: tuple[Stream, ...]) -> Work | None:
        """The bootstrap pass of a stream: a root that does without some private streams, or None
        where there is none."""
        # The base's own stream is better than its wheel, where the interpreter is the base's.
        own = self.target.python == self.book.base.base.python
        made = self._without(work, unwanted, wheels=not own)
        return self._without(work, unwanted, wheels=True) if made is None and own else made

    def _without(self, work: Work, unwanted: tuple[Stream, ...], *, wheels: bool) -> Work | None:
        needs = work.needs
        substitutes: dict[Component, str] = {}
        if needs.checks:
            needs = needs.without(needs.checks)
        for stream in unwanted:
            wanted = [n for n in needs.needs if _is_on(n, stream.component)]
            stands_in = self._wheel(stream, wanted) if wheels and wanted else None
            if stands_in is not None:
                native, told = stands_in
                needs = needs.without(wanted)
                if native is not None:
                    needs = evolve(needs, needs=(*needs.needs, native))
                substitutes[stream.component] = told
        excluded = frozenset(stream.offer.key for stream in unwanted)
        planned = set(self._planned)
        choice = self._choose(work.stream, needs, excluded)
        if isinstance(choice.selection, Unsatisfiable) or self._new(choice):
            return None
        if choice.solution is None and self._solver.solve(choice) is not None:
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
        left_out = (*checks, *plain.dropped)
        return Work(work.stream, plain, left_out, self._choose(work.stream, plain))

    def settle(self, work: Work) -> bool:
        """Take a work without its tests for good, if its root can be solved."""
        if isinstance(work.choice.selection, Unsatisfiable) or self._new(work.choice):
            return False
        if work.choice.solution is None and self._solver.solve(work.choice) is not None:
            return False
        self.works[work.stream.offer.key] = work
        return True

    def _wheel(self, stream: Stream, wanted: Sequence[Need]) -> tuple[Need | None, str] | None:
        """What stands in for a distribution while it cannot be there yet: the base's wheel of it,
        which fits any interpreter, or pip's inside the interpreter's own source."""
        name = stream.component.name
        asked = [need.requirement for need in wanted if need.requirement is not None]
        if any(requirement.extras for requirement in asked):
            return None
        for package in (f"python3-{name}-wheel", f"python-{name}-wheel"):
            for found in self.pool.named(package)[:1]:
                version = version_from_rpm(found.version)
                if version is None or not all(r.allows(version) for r in asked):
                    continue
                stated = BuildNeed(package, NeedOrigin.METHOD, place="a bootstrap pass")
                return Need(stated, native=package), f"the base's wheel, {package}"
        bounded = any(str(requirement.specifier) for requirement in asked)
        python = self._choices.python
        if name == "pip" and python and python.origin is Origin.PRIVATE and not bounded:
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
