"""The whole planner against trying everything: bases, RPM conflicts and libraries, wheels, markers.

The oracle tries every choice of a version or nothing for each distribution under each interpreter,
keeps those that PEP 440 allows (with `packaging` alone), and asks libsolv of each whether its root
can be had. What is compared is whether there is a plan at all, and the least cost.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from attrs import define, evolve, field
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from streamsolve.model import PYTHON, Component, Origin, Package, distribution
from streamsolve.model.root import RootSolution
from streamsolve.planner.book import Book
from streamsolve.planner.planning import Workshop
from streamsolve.planner.roots import RuntimeRoot
from streamsolve.selection import Selection

from .smallworld import SmallWorld, package, profile, python, release

SERIES = ("3.14", "3.13")
Choice = Mapping[str, tuple[str, str] | None]


@define
class Drawn:
    """A world, and the same facts in plain texts for the oracle."""

    rng: random.Random
    names: list[str] = field(init=False)
    packages: list[Package] = field(factory=lambda: [python("3.14")])
    of_base: dict[str, tuple[str, list[str]]] = field(factory=dict)
    upstream: list[object] = field(factory=list)
    stated: dict[tuple[str, str], tuple[list[str], str, str]] = field(factory=dict)
    tables: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        rng = self.rng
        self.names = [f"d{i}" for i in range(rng.randint(2, 4))]
        costs = [f"{name} = {rng.randint(1, 6)}" for name in self.names]
        self.tables += [
            "[costs.minutes]",
            *costs,
            f'"interpreter:python3.13" = {rng.randint(1, 5)}',
        ]
        for name in self.names:
            if rng.random() < 0.75:
                self._base(name)
            self._upstream(name)
        wanted = [f"{n}{self._bound()}" for n in self.names if rng.random() < 0.6]
        self._release("app", "1", wanted or [self.names[0]], rng.choice(["", "", "", "<3.14"]), "")

    def _bound(self) -> str:
        version = self.rng.choice("123")
        return self.rng.choice(["", f">={version}", f"=={version}", f"<{version}", f"!={version}"])

    def _others(self, name: str, chance: float) -> list[str]:
        return [n for n in self.names if n != name and self.rng.random() < chance]

    def _base(self, name: str) -> None:
        rng, version = self.rng, self.rng.choice("123")
        requires, pep = [], []
        for other in self._others(name, 0.3):
            bound = rng.choice(["", " >= 2", " < 2", " = 1"])
            requires.append(f"python3.14dist({other}){bound}")
            pep.append(other + bound.replace(" = ", "==").replace(" ", ""))
        requires += [f"lib{other}.so" for other in self._others(name, 0.12)]
        bounds = ["", " < 2", " >= 2"]
        conflicts = [f"python3-{o}{rng.choice(bounds)}" for o in self._others(name, 0.15)]
        self.packages.append(
            package(
                f"python3-{name}",
                version,
                provides=[f"python3.14dist({name}) = {version}", f"lib{name}.so"],
                requires=["python(abi) = 3.14", *requires],
                conflicts=conflicts,
            )
        )
        self.of_base[name] = (version, pep)

    def _upstream(self, name: str) -> None:
        rng = self.rng
        wheel = rng.choice(["cp313-cp313", "cp314-cp314"]) if rng.random() < 0.2 else ""
        if wheel:
            self.tables.append(
                f'[[prebuilt]]\ncomponent = "{name}"\nlicence = "MIT"\nreason = "a test"'
            )
        for version in sorted(rng.sample("123", rng.randint(1, 3))):
            markers = ["", "", "", "; python_version<'3.14'", "; python_version>='3.14'"]
            requires = [f"{o}{self._bound()}{rng.choice(markers)}" for o in self._others(name, 0.3)]
            limit = rng.choice(["", "", "", "<3.14", ">=3.14"])
            self._release(name, version, requires, limit, wheel)

    def _release(
        self, name: str, version: str, requires: list[str], limit: str, wheel: str
    ) -> None:
        tag = f"{wheel}-manylinux_2_28_x86_64" if wheel else "py3-none-any"
        self.upstream.append(
            release(name, version, *requires, python=limit, wheels=(tag,), sdist=not wheel)
        )
        self.stated[name, version] = (requires, limit, wheel)

    def world(self) -> SmallWorld:
        made = profile("\n".join(self.tables) + "\n")
        return SmallWorld(self.packages, self.upstream, evolve(made, interpreters=SERIES))  # type: ignore[arg-type]

    # -- the oracle --------------------------------------------------------------------------

    def choices(self) -> Iterator[tuple[Choice, str]]:
        """Everything that PEP 440 allows, without anything superfluous."""
        options: list[list[tuple[str, str] | None]] = []
        for name in self.names:
            of_base = [("base", self.of_base[name][0])] if name in self.of_base else []
            released = [("up", version) for (n, version) in self.stated if n == name]
            options.append([None, *of_base, *released])
        for series in SERIES:
            for combination in itertools.product(*options):
                choice = {**dict(zip(self.names, combination, strict=True)), "app": ("up", "1")}
                if self._allowed(choice, series):
                    yield choice, series

    def _allowed(self, choice: Choice, series: str) -> bool:
        reached: set[str] = set()
        todo = ["app"]
        while todo:
            name = todo.pop()
            picked = choice[name]
            if picked is None:
                return False
            if name in reached:
                continue
            reached.add(name)
            where, version = picked
            if where == "base":
                requires, limit, wheel = self.of_base[name][1], "==3.14.*", ""
            else:
                requires, limit, wheel = self.stated[name, version]
            if wheel and wheel[2:5] != series.replace(".", ""):
                return False
            if not SpecifierSet(limit).contains(f"{series}.0"):
                return False
            for text in requires:
                requirement = Requirement(text)
                marker = requirement.marker
                if marker is not None and not marker.evaluate({"python_version": series}):
                    continue
                other = choice[requirement.name]
                if other is None or not requirement.specifier.contains(other[1]):
                    return False
                todo.append(requirement.name)
        return reached == {name for name, picked in choice.items() if picked is not None}


def root_can_be_had(workshop: Workshop, book: Book, choice: Choice, series: str) -> int | None:
    """The cost of a choice if libsolv finds its root, else None."""
    picked: list[tuple[Component, str, Origin | None]] = [(PYTHON, series, None)]
    for name, how in choice.items():
        if how is not None:
            origin = Origin.BASE if how[0] == "base" else Origin.PRIVATE
            picked.append((distribution(name), how[1], origin))
    offers = [
        next(
            offer
            for offer in book.offers(component)
            if str(offer.version) == version and origin in (None, offer.origin)
        )
        for component, version, origin in picked
    ]
    streams = tuple(sorted(book.streams(offers), key=lambda stream: stream.component))
    selection = Selection(streams, {}, series, 0, True, 0)
    root = RuntimeRoot(book, selection, book.targets[series])
    for request in (root.request(), root.request(hide_base_python=False)):
        if isinstance(workshop.pool.solve(request), RootSolution):
            return sum(offer.cost for offer in offers)
    return None


@pytest.mark.parametrize("block", range(8))
def test_agrees_with_trying_everything(tmp_path: Path, block: int) -> None:
    for seed in range(block * 40, block * 40 + 40):
        drawn = Drawn(random.Random(seed))
        with drawn.world()._workshop(tmp_path, {}) as workshop:
            attempt = workshop.attempt(workshop.request)
            costs = [
                cost
                for choice, series in drawn.choices()
                if (cost := root_can_be_had(workshop, attempt.book, choice, series)) is not None
            ]
        if attempt.plan is None:
            assert costs == [], f"world {seed}: there is a plan of cost {min(costs)}"
        else:
            assert costs, f"world {seed}: a plan where there is none"
            assert attempt.plan.summary.minimal
            assert attempt.plan.summary.cost == min(costs), f"world {seed}"
