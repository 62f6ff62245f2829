"""An independent answer to a dumped selection problem: MaxSAT over the document alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from pysat.examples.rc2 import RC2
from pysat.formula import WCNF

Entry = Mapping[str, Any]
Key = tuple[str, str]


def least_cost(universe: Mapping[str, Any]) -> int | None:
    """The least sum of costs of a choice that meets everything; None if there is no choice."""
    return _Problem(universe).least_cost()


class _Problem:
    def __init__(self, universe: Mapping[str, Any]) -> None:
        self.universe = universe
        self.environments: Mapping[str, Mapping[str, str]] = universe["environments"]
        self.offers: list[Entry] = list(universe["offers"])
        self.by_component: dict[Key, list[int]] = {}
        for number, offer in enumerate(self.offers, start=1):
            self.by_component.setdefault((offer["kind"], offer["component"]), []).append(number)
        self.extras: dict[tuple[Key, str], int] = {}
        self.formula = WCNF()
        self.top = len(self.offers)

    def least_cost(self) -> int | None:
        application = self.universe["application"]
        self.formula.append(self.by_component[application["kind"], application["component"]])
        for numbers in self.by_component.values():
            for i, number in enumerate(numbers):
                for other in numbers[i + 1 :]:
                    self.formula.append([-number, -other])
        for number, offer in enumerate(self.offers, start=1):
            self._offer(number, offer)
        self._extras()
        for number, offer in enumerate(self.offers, start=1):
            if offer["cost"]:
                self.formula.append([-number], weight=offer["cost"])
        with RC2(self.formula) as solver:
            return None if solver.compute() is None else int(solver.cost)

    def _offer(self, number: int, offer: Entry) -> None:
        for requirement in offer["requirements"]:
            for python in self._pythons(requirement, ""):
                self._demand([number, *python], requirement)
        for constraint in offer["constraints"]:
            for other in self.by_component.get((constraint["kind"], constraint["component"]), []):
                if other not in self._allowed(constraint):
                    self.formula.append([-number, -other])
        if offer["pythons"]:
            allowed = [p for s in offer["pythons"] for p in self._python(s)]
            self.formula.append([-number, *allowed])

    def _extras(self) -> None:
        done: set[tuple[Key, str]] = set()
        while todo := set(self.extras) - done:
            for key, extra in sorted(todo):
                done.add((key, extra))
                asked = self.extras[key, extra]
                for number in self.by_component.get(key, []):
                    self._extra(number, asked, self.offers[number - 1], extra)

    def _extra(self, number: int, asked: int, offer: Entry, extra: str) -> None:
        if offer["unknown_extras_add_nothing"]:
            for requirement in offer["requirements"]:
                if "extra" in requirement["marker"]:
                    for python in self._pythons(requirement, extra):
                        self._demand([number, asked, *python], requirement)
        elif extra in offer["extras"]:
            for requirement in offer["extras"][extra]:
                for python in self._pythons(requirement, ""):
                    self._demand([number, asked, *python], requirement)
        else:
            self.formula.append([-number, -asked])

    def _demand(self, when: list[int], requirement: Entry) -> None:
        negated = [-literal for literal in when]
        self.formula.append([*negated, *self._allowed(requirement)])
        key = (requirement["kind"], requirement["component"])
        for extra in requirement["extras"]:
            if (key, extra) not in self.extras:
                self.top += 1
                self.extras[key, extra] = self.top
            self.formula.append([*negated, self.extras[key, extra]])

    def _allowed(self, requirement: Entry) -> list[int]:
        specifier = SpecifierSet(requirement["specifier"])
        key = (requirement["kind"], requirement["component"])
        return [
            number
            for number in self.by_component.get(key, [])
            if self.offers[number - 1]["origin"] == "omitted"
            or specifier.contains(self.offers[number - 1]["version"], prereleases=True)
        ]

    def _pythons(self, requirement: Entry, extra: str) -> Iterator[list[int]]:
        """The interpreters under which a requirement holds, one condition each."""
        if not requirement["marker"]:
            yield []
            return
        marker = Marker(requirement["marker"])
        for series, environment in self.environments.items():
            if marker.evaluate({**environment, "extra": extra}):
                for number in self._python(series):
                    yield [number]

    def _python(self, series: str) -> list[int]:
        return [
            number
            for number in self.by_component.get(("interpreter", "python"), [])
            if ".".join(map(str, Version(self.offers[number - 1]["version"]).release[:2])) == series
        ]
