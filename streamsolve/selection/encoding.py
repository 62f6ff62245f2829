"""A selection problem as clauses, written as they are needed.

A variable says that an offer is used. A *demand* literal stands for "one of these offers of this
component is used" and is shared by all requirements that let in the same offers. An offer whose
metadata was not yet asked for demands nothing: that makes every bound found so far a true lower
bound, and metadata is fetched only for offers that a best answer so far would use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import define, field, frozen

from ..model.component import PYTHON, Component
from ..model.requirement import Requirement, pythons_requirement, requirement_on
from ..model.stream import Offer, Stream
from ..model.target import Target, series_of
from .problem import Nogood, Problem, offer_preference
from .sat import NO_LITERAL, Sat, negate

__all__ = ["Child", "Encoding", "Entry", "Group", "python_limit"]


@frozen
class Child:
    """What a used offer leads on to: a component, with extras, if the chosen interpreter is one
    of ``pythons`` (None: whichever it is), and if the literal ``switch`` holds where there is
    one."""

    component: Component
    extras: tuple[str, ...]
    pythons: frozenset[str] | None
    requirement: Requirement
    switch: int = NO_LITERAL


@frozen
class Group:
    """All clauses that one requirement of one component makes, over its versions. Explanations
    are sets of groups."""

    component: Component
    requirement: Requirement
    constraint: bool = False

    @property
    def key(self) -> tuple[str, str, bool]:
        """Groups of one key are one group."""
        return (
            f"{self.component.kind.value}:{self.component.name}",
            f"{self.requirement.component.kind.value}:{self.requirement}",
            self.constraint,
        )


@define
class Entry:
    """A component in the problem: its offers, best first, and their literals."""

    component: Component
    offers: tuple[Offer, ...]
    literals: tuple[int, ...]
    streams: list[Stream | None]
    children: list[tuple[Child, ...]]
    demands: dict[int, int] = field(factory=dict)
    masks: dict[str, int] = field(factory=dict)
    extras: dict[str, int] = field(factory=dict)
    extra_children: dict[tuple[int, str], tuple[Child, ...]] = field(factory=dict)


def python_limit(offer: Offer, targets: Iterable[str]) -> Requirement:
    """That an offer was built for some interpreters only, as a requirement: of the series of the
    targets, it allows exactly those."""
    return pythons_requirement(offer.pythons, targets)


class Encoding:
    """The clauses of a problem so far.

    With ``explain``, each group's clauses are switched by a literal of its own
    (:attr:`group_literals`), and costs are left out.
    """

    def __init__(self, problem: Problem, *, explain: bool = False) -> None:
        self.problem = problem
        self.sat = Sat()
        self.entries: dict[Component, Entry] = {}
        self.costs: dict[int, int] = {}
        self.private: dict[int, Component] = {}
        self.explain = explain
        self.groups: dict[int, Group] = {}
        self._group_of: dict[tuple[str, str, bool], int] = {}
        self._false = self.sat.new_literal()
        self.sat.add_clause((negate(self._false),))
        self._pythons: dict[str, int] = {}
        self.root = self._root_entry(problem.root)

    # -- components ----------------------------------------------------------------------------

    def _root_entry(self, root: Stream) -> Entry:
        entry = self._add_entry(root.component, (root.offer,))
        self.sat.add_clause(entry.literals)
        self.expand_stream(entry, 0, root)
        return entry

    def entry(self, component: Component) -> Entry:
        """The component's entry, made when it is first asked for."""
        known = self.entries.get(component)
        if known is not None:
            return known
        offers = sorted(self.problem.book.offers(component), key=offer_preference)
        if component == PYTHON:
            offers = [offer for offer in offers if series_of(offer.version) in self.problem.targets]
        return self._add_entry(component, tuple(offers))

    def _add_entry(self, component: Component, offers: tuple[Offer, ...]) -> Entry:
        literals = tuple(self.sat.new_literal() for _ in offers)
        entry = Entry(component, offers, literals, [None] * len(offers), [()] * len(offers))
        self.entries[component] = entry
        if len(literals) > 1:
            self.sat.add_at_most_one(literals)
        if component == PYTHON:
            # Everything is for some interpreter, so a plan without one is none.
            self.sat.add_clause(literals)
            self._pythons = {
                series_of(offer.version): literal
                for offer, literal in zip(offers, literals, strict=True)
            }
        if not self.explain:
            self._price(entry)
        return entry

    def _price(self, entry: Entry) -> None:
        """One literal per step of cost: that at least so much is paid for the component."""
        paid = 0
        for cost in sorted({offer.cost for offer in entry.offers if offer.cost}):
            literal = self.sat.new_literal()
            self.costs[literal] = cost - paid
            if not paid:
                self.private[literal] = entry.component
            paid = cost
            for offer, used in zip(entry.offers, entry.literals, strict=True):
                if offer.cost >= cost:
                    self.sat.add_implication(used, literal)

    def python_literal(self, series: str) -> int:
        """That the interpreter of this series (``3.14``) is used."""
        if not self._pythons:
            self.entry(PYTHON)
        return self._pythons.get(series, self._false)

    def chosen_python(self) -> str:
        """The series of the interpreter in the current assignment, empty if none is decided."""
        values = self.sat.values
        return next((s for s, literal in self._pythons.items() if values[literal] > 0), "")

    # -- requirements --------------------------------------------------------------------------

    def demand(self, requirement: Requirement) -> int:
        """The literal that one of the allowed offers is used."""
        entry = self.entry(requirement.component)
        mask = allowed_mask(entry, requirement)
        known = entry.demands.get(mask)
        if known is not None:
            return known
        allowed = [used for i, used in enumerate(entry.literals) if mask >> i & 1]
        if not allowed:
            literal = self._false
        elif len(allowed) == 1:
            literal = allowed[0]
        else:
            literal = self.sat.new_literal()
            self.sat.add_clause((negate(literal), *allowed))
            for i, used in enumerate(entry.literals):
                if not mask >> i & 1:
                    self.sat.add_implication(literal, negate(used))
        entry.demands[mask] = literal
        return literal

    def extra_literal(self, component: Component, extra: str) -> int:
        """The literal that an extra of a component is asked for."""
        entry = self.entry(component)
        known = entry.extras.get(extra)
        if known is not None:
            return known
        literal = self.sat.new_literal()
        entry.extras[extra] = literal
        for index, stream in enumerate(entry.streams):
            if stream is not None:
                self._add_extra(entry, index, stream, extra)
        return literal

    def is_expanded(self, entry: Entry, index: int) -> bool:
        """Whether the metadata of an offer is in the clauses."""
        return entry.streams[index] is not None

    def expand(self, wanted: Iterable[tuple[Entry, int]]) -> None:
        """Fetch the metadata of offers and add what they demand."""
        todo = [(entry, i) for entry, i in wanted if entry.streams[i] is None]
        streams = self.problem.book.streams([entry.offers[i] for entry, i in todo])
        for (entry, index), stream in zip(todo, streams, strict=True):
            self.expand_stream(entry, index, stream)

    def expand_stream(self, entry: Entry, index: int, stream: Stream) -> None:
        """Add what one stream demands."""
        # The order of the clauses decides between equally small explanations.
        ordered = sorted(stream.requirements, key=_by_text)
        entry.streams[index] = stream
        used = entry.literals[index]
        entry.children[index] = tuple(
            child
            for requirement in ordered
            if (child := self._require(stream, (used,), requirement, "")) is not None
        )
        for requirement in sorted(stream.constraints, key=_by_text):
            self._constrain(stream, used, requirement)
        if stream.offer.pythons:
            self._limit_pythons(stream, used)
        for extra in list(entry.extras):
            self._add_extra(entry, index, stream, extra)

    def _add_extra(self, entry: Entry, index: int, stream: Stream, extra: str) -> None:
        when = (entry.literals[index], entry.extras[extra])
        if stream.open_extras:
            wanted = sorted(filter(_mentions_extra, stream.requirements), key=_by_text)
            pairs = [(requirement, extra) for requirement in wanted]
        elif extra in stream.extras:
            pairs = [(requirement, "") for requirement in stream.extras[extra]]
        else:
            # The base ships this version without the package that carries the extra.
            needed = requirement_on(stream.component, f"=={stream.version}", extras=(extra,))
            self._clause(Group(stream.component, needed), when, self._false)
            pairs = []
        children = (self._require(stream, when, requirement, name) for requirement, name in pairs)
        entry.extra_children[entry.literals[index], extra] = tuple(c for c in children if c)

    def _require(
        self, stream: Stream, when: tuple[int, ...], requirement: Requirement, extra: str
    ) -> Child | None:
        pythons = self._pythons_where(requirement, extra)
        if pythons is not None and not pythons:
            return None
        group = Group(stream.component, requirement)
        demanded = self.demand(requirement)
        for condition in self._conditions(pythons):
            self._clause(group, (*when, *condition), demanded)
            for name in requirement.extra_names:
                literal = self.extra_literal(requirement.component, name)
                self._clause(group, (*when, *condition), literal)
        switch = self._group_literal(group) if self.explain else NO_LITERAL
        return Child(requirement.component, requirement.extra_names, pythons, requirement, switch)

    def _pythons_where(self, requirement: Requirement, extra: str) -> frozenset[str] | None:
        """The interpreters for which a requirement holds; None for all of them."""
        if not requirement.marker:
            return frozenset() if extra else None
        targets: Mapping[str, Target] = self.problem.targets
        holds = []
        for series, target in targets.items():
            plain = requirement.applies(target)
            if (requirement.applies(target, extra) and not plain) if extra else plain:
                holds.append(series)
        return None if len(holds) == len(targets) else frozenset(holds)

    def _conditions(self, pythons: frozenset[str] | None) -> Sequence[tuple[int, ...]]:
        if pythons is None:
            return ((),)
        return [(self.python_literal(series),) for series in sorted(pythons)]

    def _constrain(self, stream: Stream, used: int, requirement: Requirement) -> None:
        """If the component is used at all, then at an allowed version."""
        if requirement.component not in self.entries and not self.problem.book.offers(
            requirement.component
        ):
            return
        entry = self.entry(requirement.component)
        mask = allowed_mask(entry, requirement)
        group = Group(stream.component, requirement, constraint=True)
        for index, other in enumerate(entry.literals):
            if not mask >> index & 1:
                self._clause(group, (used,), negate(other))

    def _limit_pythons(self, stream: Stream, used: int) -> None:
        group = Group(stream.component, python_limit(stream.offer, self.problem.targets))
        allowed = [self.python_literal(series) for series in stream.offer.pythons]
        if self.explain:
            literal = self._group_literal(group)
            self.sat.add_clause((negate(literal), negate(used), *allowed))
        else:
            self.sat.add_clause((negate(used), *allowed))

    def forbid(self, nogood: Nogood) -> None:
        """These offers are never used together."""
        literals = []
        for offer in nogood.offers:
            entry = self.entry(offer.component)
            index = next(i for i, known in enumerate(entry.offers) if known.key == offer.key)
            literals.append(negate(entry.literals[index]))
        self.sat.add_clause(literals)

    # -- clauses -------------------------------------------------------------------------------

    def _group_literal(self, group: Group) -> int:
        literal = self._group_of.get(group.key, NO_LITERAL)
        if literal == NO_LITERAL:
            literal = self.sat.new_literal()
            self._group_of[group.key] = literal
            self.groups[literal] = group
        return literal

    def _clause(self, group: Group, when: tuple[int, ...], then: int) -> None:
        """If all of ``when`` hold, so does ``then``."""
        if self.explain:
            self.sat.add_clause((negate(self._group_literal(group)), *map(negate, when), then))
        elif len(when) == 1:
            self.sat.add_implication(when[0], then)
        else:
            self.sat.add_clause((*map(negate, when), then))


def allowed_mask(entry: Entry, requirement: Requirement) -> int:
    """A bit for each offer of the entry that the requirement lets in."""
    known = entry.masks.get(requirement.text)
    if known is None:
        known = entry.masks[requirement.text] = _allowed(entry, requirement)
    return known


def _allowed(entry: Entry, requirement: Requirement) -> int:
    if not str(requirement.specifier):
        return (1 << len(entry.offers)) - 1
    mask = 0
    for index, offer in enumerate(entry.offers):
        if offer.meets(requirement):
            mask |= 1 << index
    return mask


def _by_text(requirement: Requirement) -> tuple[str, str]:
    return requirement.text, requirement.marker


def _mentions_extra(requirement: Requirement) -> bool:
    return requirement.mentions_extra
