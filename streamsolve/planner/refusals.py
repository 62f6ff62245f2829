"""What a refused root teaches selection, and what its facts are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from attrs import define, evolve

from ..model.component import PYTHON, Origin
from ..model.root import ProblemRule, RootConflict, RuleKind
from ..model.stream import Offer
from ..selection import Nogood
from .root_facts import RootFact

if TYPE_CHECKING:
    from .roots import RuntimeRoot

__all__ = ["Refusal"]

_DISTRIBUTION_NAME = re.compile(r"python[0-9.]*dist\(([^)\[]+)")


@define(slots=False)
class Refusal:
    """A root that could not be solved, and why."""

    root: RuntimeRoot
    conflict: RootConflict

    @property
    def _rules(self) -> tuple[ProblemRule, ...]:
        return tuple(rule for problem in self.conflict.problems for rule in problem.rules)

    @property
    def texts(self) -> tuple[str, ...]:
        """All that the solver said, a line each."""
        return _texts(self._rules)

    @property
    def nogoods(self) -> tuple[Nogood, ...]:
        """All that a refusal teaches. Where nothing provides what every private stream of a
        component needs besides distributions, none of them can be used, with any interpreter."""
        hopeless: dict[tuple[object, ...], Nogood] = {}
        for offer, rules in self._without_native.items():
            for other in self.root.book.offers(offer.component):
                if other.origin is offer.origin:
                    texts = _texts(self._of_other(rule, other) for rule in rules)
                    hopeless[other.key] = Nogood((other,), texts)
        return tuple(hopeless.values()) or (self.nogood,)

    @cached_property
    def _without_native(self) -> dict[Offer, list[ProblemRule]]:
        """The private streams with needs that are the same for all versions and that nothing
        provides."""
        found: dict[Offer, list[ProblemRule]] = {}
        native: dict[Offer, set[str]] = {}
        for rule in self._rules:
            offer = self.root.owners.get(rule.package)
            if rule.kind is not RuleKind.NOTHING_PROVIDES or offer is None:
                continue
            if offer.origin is Origin.PRIVATE and offer.component in self.root.chosen:
                if offer not in native:
                    native[offer] = set(self.root.native_needs(self.root.chosen[offer.component]))
                if rule.dependency in native[offer] and not self._provided(rule.dependency):
                    found.setdefault(offer, []).append(rule)
        return found

    def _of_other(self, rule: ProblemRule, offer: Offer) -> ProblemRule:
        """The same fact of another version of a stream."""
        arch = self.root.book.base.base.arch
        nevra = f"{self.root.package_name(offer)}-{self.root.evr(offer)}.{arch}"
        return evolve(rule, package=nevra)

    def _provided(self, dependency: str) -> bool:
        """Whether the base has it, though not for this root."""
        return bool(self.root.book.base.pool.providers(dependency))

    @property
    def nogood(self) -> Nogood:
        """The choices that a refusal rests on: never too few of them.

        Besides the packages that a problem names these are the choices but for which another
        package would do: planned packages in the place of the base's, streams of which another
        version would provide what is missing, and the interpreter, which all names depend on.
        The smallest problem is taken; the whole selection, where no choice can be named.
        """
        best: Nogood | None = None
        for problem in self.conflict.problems:
            offers: dict[tuple[object, ...], Offer] = {}
            for rule in problem.rules:
                for offer in self._involved(rule):
                    if offer.component != self.root.book.root.component:
                        offers[offer.key] = offer
            if offers and (python := self.root.chosen.get(PYTHON)) is not None:
                offers[python.offer.key] = python.offer
            ordered = tuple(offers[key] for key in sorted(offers, key=str))
            texts = _texts(problem.rules)
            if ordered and (best is None or len(ordered) < len(best.offers)):
                best = Nogood(ordered, texts)
        if best is not None:
            return best
        every = [
            s.offer for s in self.root.selection.streams if s.offer != self.root.book.root.offer
        ]
        return Nogood(tuple(every), self.texts)

    def _involved(self, rule: ProblemRule) -> Iterable[Offer]:
        """The choices that one fact of a problem rests on."""
        for nevra in (rule.package, rule.other):
            if nevra in self.root.owners:
                yield self.root.owners[nevra]
        if not rule.dependency:
            return
        asked = self._asked(rule.dependency)
        if asked is not None:
            yield asked
        names = set(_DISTRIBUTION_NAME.findall(rule.dependency))
        providers: set[str] = set()
        if not rule.dependency.startswith("("):
            providers = {p.name for p in self.root.book.base.pool.providers(rule.dependency)}
        for offer, provided, hidden in self._in_the_way:
            if provided & names or hidden & providers:
                yield offer

    @cached_property
    def _in_the_way(self) -> tuple[tuple[Offer, frozenset[str], frozenset[str]], ...]:
        """Each choice with the distributions that it is a stream of, and the base's packages whose
        place it takes."""
        found = []
        for stream in self.root.selection.streams:
            offer = stream.offer
            of_base = self.root.book.base_stream(offer)
            provided = {offer.component.name, of_base.provided_name if of_base else ""}
            hidden = {self.root.package_name(offer), *self.root.rivals(offer)}
            found.append((offer, frozenset(provided), frozenset(hidden)))
        return tuple(found)

    def _asked(self, dependency: str) -> Offer | None:
        name, _, evr = dependency.partition(" = ")
        for nevra, offer in self.root.owners.items():
            if evr and nevra.startswith(f"{name}-{evr}."):
                return offer
        return None

    def facts(self) -> dict[str, RootFact]:
        """What each text of a refusal says."""
        found = {}
        for rule in self._rules:
            offer = self.root.owners.get(rule.package)
            found[_rule_text(rule)] = RootFact(rule, offer.component if offer else None)
        for offer, lacking in self._without_native.items():
            for rule in lacking:
                for other in self.root.book.offers(offer.component):
                    if other.origin is offer.origin:
                        same = self._of_other(rule, other)
                        found[_rule_text(same)] = RootFact(same, offer.component)
        found.pop("", None)
        return found


def _texts(rules: Iterable[ProblemRule]) -> tuple[str, ...]:
    return tuple(sorted({text for rule in rules if (text := _rule_text(rule))}))


_WORDS = {
    RuleKind.NOTHING_PROVIDES: "{package} needs {dependency}, which nothing provides",
    RuleKind.REQUIRES: "{package} needs {dependency}",
    RuleKind.CONFLICTS: "{package} conflicts with {dependency}, which is {other}",
    RuleKind.OBSOLETES: "{package} obsoletes {dependency}, which is {other}",
    RuleKind.SAME_NAME: "{package} and {other} have the same name",
    RuleKind.REQUESTED_NOTHING_PROVIDES: "nothing provides {dependency}",
}


def _rule_text(rule: ProblemRule) -> str:
    """What one fact says; empty for that something was asked for, which is no fact of a base."""
    if rule.kind is RuleKind.REQUESTED:
        return ""
    words = _WORDS.get(rule.kind)
    if words is not None:
        return words.format(package=rule.package, dependency=rule.dependency, other=rule.other)
    parts = [rule.package, rule.kind.value.replace("-", " "), rule.dependency, rule.other]
    return " ".join(part for part in parts if part)
