"""Further choices for a request that has a plan, from all that its attempt has read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import define, evolve, field, frozen

from ..model.component import Component, Origin
from ..model.plan import Notice, Plan
from ..model.requirement import Requirement
from ..model.root import RootConflict
from ..model.stream import Offer, Stream
from ..selection import Nogood, Problem, Selection, Selector
from .adjust import Adjuster
from .book import Book
from .interpreters import problem_of, target_of
from .planning import Attempt, Workshop
from .report import Report
from .roots import RuntimeRoot, RuntimeSolution

__all__ = ["Relaxation", "Trial", "Trials"]

Relaxation = tuple[str, str, str]
"""Who states a requirement, on what, and its specifier: as in ``PlanRequest.relaxed``."""

_ROUNDS = 50


@frozen
class Trial:
    """A selection whose runtime root could be solved."""

    selection: Selection
    found: RuntimeSolution
    notices: tuple[Notice, ...]

    def plan(self) -> Plan:
        """The whole plan of it, without builds."""
        book = self.found.root.book
        return Report(book, self.selection, self.found, notices=self.notices).plan()


@define
class Trials:
    """Choices for changed problems, each with a runtime root that libsolv could solve.

    Metadata, offers and refusals are shared by all of them. A refusal holds for whatever is asked,
    since it names offers that cannot lie in one root.
    """

    workshop: Workshop
    book: Book
    nogoods: list[Nogood] = field(factory=list)
    _known: dict[frozenset[object], Trial | Nogood] = field(factory=dict, init=False)
    _plain: Selector = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._plain = Selector(self.problem)

    @classmethod
    def after(cls, workshop: Workshop, attempt: Attempt) -> Trials:
        """What may be tried after an attempt."""
        return cls(workshop, attempt.book)

    @property
    def problem(self) -> Problem:
        """The unchanged problem."""
        return problem_of(self.book)

    def best(self, wanted: Sequence[Requirement] = ()) -> Trial | None:
        """The best choice that holds all components of ``wanted``, each as it is wanted."""
        found = self._solved(self._plain, lambda: self._plain.select_if(wanted))
        if found is None:
            return None
        held = {stream.component for stream in found.selection.streams}
        return found if {r.component for r in wanted} <= held else self.changed(wanted)

    def least_cost(self, wanted: Sequence[Requirement]) -> int | None:
        """What a choice costs at least that holds all components of ``wanted``; None where there
        is none. No root is solved."""
        selection = self._plain.select_if(wanted)
        return None if selection is None else selection.cost

    def go_without(self, trial: Trial) -> None:
        """From now on :meth:`best` builds not all private streams of a choice together."""
        self._plain.go_without(trial.selection)

    def changed(
        self, wanted: Iterable[Requirement], relaxed: Sequence[Relaxation] = ()
    ) -> Trial | None:
        """The best choice for an application that also demands ``wanted``, with the requirements
        ``relaxed`` counting for any version."""
        book = _RelaxedBook(self.book, relaxed) if relaxed else self.book
        (root,) = book.streams([self.book.root.offer])
        root = evolve(root, requirements=(*root.requirements, *wanted))
        selector = Selector(problem_of(self.book, root, book))
        for nogood in () if relaxed else self.nogoods:
            selector.forbid(nogood)
        return self._solved(selector, selector.select_if, shared=not relaxed)

    def _solved(
        self, selector: Selector, choose: Callable[[], Selection | None], *, shared: bool = True
    ) -> Trial | None:
        """The first choice whose runtime root can be solved. Where requirements were relaxed,
        refusals are not ``shared``: the packages differ from the usual ones."""
        for _ in range(_ROUNDS):
            selection = choose()
            if selection is None:
                return None
            found = self._looked_up(selection) if shared else self._try(selection)
            if isinstance(found, Trial):
                return evolve(found, selection=selection)
            selector.forbid(found)
            if shared:
                self.nogoods.append(found)
        return None

    def _looked_up(self, selection: Selection) -> Trial | Nogood:
        # Extras add requirements, so that equal offers alone make no equal root.
        offers = (stream.offer.key for stream in selection.streams)
        key: frozenset[object] = frozenset((*offers, *selection.extras.items()))
        if key not in self._known:
            self._known[key] = self._try(selection)
        return self._known[key]

    def _try(self, selection: Selection) -> Trial | Nogood:
        root = RuntimeRoot(self.book, selection, target_of(self.book, selection.python))
        if mixed := root.mixed():
            return mixed[0]
        asked, solution, notices = self.workshop._solve(root)
        if isinstance(solution, RootConflict):
            return root.nogood(solution)
        tools = (f"python {self.workshop.base.python}",) if notices else ()
        return Trial(selection, RuntimeSolution(root, solution, asked.install, tools), notices)


@define
class _RelaxedBook:
    """A book in which some requirements count for any version."""

    book: Book
    relaxed: Sequence[Relaxation]
    _adjuster: Adjuster = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._adjuster = Adjuster(self.book.profile, self.book.variant, tuple(self.relaxed))

    def offers(self, component: Component) -> Sequence[Offer]:
        """The offers of the book."""
        return self.book.offers(component)

    def streams(self, offers: Sequence[Offer]) -> Sequence[Stream]:
        """The streams of the book, without the bounds that were relaxed."""
        return [self._loosened(stream) for stream in self.book.streams(offers)]

    def _loosened(self, stream: Stream) -> Stream:
        by, version = stream.component, stream.version
        constraints = self._adjuster.adjust(by, version, stream.constraints)
        if stream.offer.origin is Origin.BASE:
            # RPM enforces what the base's own package requires, whatever is relaxed.
            return evolve(stream, constraints=constraints)
        requirements = self._adjuster.adjust(by, version, stream.requirements)
        return evolve(stream, requirements=requirements, constraints=constraints)
