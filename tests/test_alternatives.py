"""The next best plans: against trying everything, and what a reader is told."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest
from attrs import define

from streamsolve.explain import lay_out, plain
from streamsolve.explain.alternatives_text import alternatives_blocks
from streamsolve.explain.question_document import alternatives_document, question_schema
from streamsolve.model.plan import Plan
from streamsolve.planner.alternatives import alternatives_in

from .smallworld import SmallWorld, profile, python, release
from .test_planner_by_trying import Choice, Drawn, root_can_be_had

Built = frozenset[str]


def built_by(choice: Choice, series: str) -> Built:
    """What has to be built: private distributions, and the interpreter that is not the base's."""
    private = {name for name, how in choice.items() if how is not None and how[0] == "up"}
    return frozenset(private | ({f"python{series}"} if series != "3.14" else set()))


def built(plan: Plan) -> Built:
    private = {s.component.name for s in plan.streams if s.cost and s.component.name != "python"}
    return frozenset(private | ({f"python{plan.python}"} if plan.python != "3.14" else set()))


def smallest(costs: dict[Built, int]) -> list[int]:
    """The costs of all sets of which no other one is a part, the least first."""
    return sorted(cost for these, cost in costs.items() if not any(o < these for o in costs))


@define
class Branching(Drawn):
    """Worlds in which what has to be built depends on the versions that are taken."""

    def __attrs_post_init__(self) -> None:
        rng = self.rng
        self.names = [f"d{i}" for i in range(6)]
        self.tables += ["[costs.minutes]", *(f"{n} = {rng.randint(1, 6)}" for n in self.names)]
        self.tables.append(f'"interpreter:python3.13" = {rng.randint(1, 5)}')
        wanted, further = self.names[:2], self.names[2:]
        for name in wanted:
            for version in "123":
                self._release(name, version, rng.sample(further, rng.randint(1, 2)), "", "")
        for name in further:
            if rng.random() < 0.2:
                self._base(name)
            self._release(name, "1", [], rng.choice(["", "", "<3.14", ">=3.14"]), "")
        self._release("app", "1", wanted, "", "")


@pytest.mark.parametrize("kind", [Drawn, Branching])
@pytest.mark.parametrize("block", range(2))
def test_agrees_with_trying_everything(tmp_path: Path, block: int, kind: type[Drawn]) -> None:
    several = 0
    for seed in range(block * 25, block * 25 + 25):
        drawn = kind(random.Random(seed))
        with drawn.world()._workshop(tmp_path, {}) as workshop:
            attempt = workshop.attempt(workshop.request)
            if attempt.plan is None:
                continue
            costs: dict[Built, int] = {}
            for choice, series in drawn.choices():
                cost = root_can_be_had(workshop, attempt.book, choice, series)
                if cost is not None:
                    these = built_by(choice, series)
                    costs[these] = min(cost, costs.get(these, cost))
            plans = list(alternatives_in(workshop))
        assert [plan.summary.cost for plan in plans] == smallest(costs), f"world {seed}"
        assert all(plan.summary.minimal for plan in plans)
        sets = [built(plan) for plan in plans]
        assert not any(a <= b for a, b in itertools.combinations(sets, 2)), f"world {seed}"
        several += len(plans) > 1
    assert kind is Drawn or several > 8


def two_ways() -> SmallWorld:
    """app wants a, whose second version needs c in the place of b."""
    made = profile("[costs.minutes]\na = 2\nb = 3\nc = 5\n")
    return SmallWorld(
        [python("3.14")],
        [
            release("app", "1", "a"),
            release("a", "1", "c"),
            release("a", "2", "b"),
            release("b", "1"),
            release("c", "1"),
        ],
        made,
    )


def plans_of(tmp_path: Path) -> list[Plan]:
    with two_ways()._workshop(tmp_path, {}) as workshop:
        return list(alternatives_in(workshop))


def test_each_is_told_as_its_difference(tmp_path: Path) -> None:
    best, *others = plans_of(tmp_path)
    text = plain(lay_out(alternatives_blocks(best, others, 3), 80))
    assert "1. Without a private b: 3 private streams, about 2 min more" in text
    assert "- b 1 (private)" in text
    assert "+ c 1 (private)" in text
    assert "~ a 2 → 1" in text
    assert "There is no further one" in text


def test_they_are_looked_for_one_by_one(tmp_path: Path) -> None:
    world = two_ways()
    with world._workshop(tmp_path, {}) as workshop:
        plans = alternatives_in(workshop)
        next(plans)
        assert "c 1" not in world.index.asked
        next(plans)
        assert "c 1" in world.index.asked


def test_the_document_fits_its_schema(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    best, *others = plans_of(tmp_path)
    document = alternatives_document(best, others)
    jsonschema.Draft202012Validator(question_schema()).validate(document)
    assert [m["component"] for m in document["alternatives"][0]["moves"]] == ["a", "b", "c"]
