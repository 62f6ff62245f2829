"""Selection: sound, of least cost, in the documented order, whatever the order of the input."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pysat.examples.rc2 import RC2
from pysat.formula import WCNF

from streamsolve.model import PYTHON, Origin, distribution
from streamsolve.selection import Selection, Selector, Unsatisfiable

from .universes import (
    Universe,
    all_plans,
    chosen,
    cost,
    faults,
    make_stream,
    preferred,
    random_universes,
    universe,
    wanted_by,
)

slow = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def select(world: Universe) -> Selection | Unsatisfiable:
    return Selector(world.problem()).select()


@slow
@given(random_universes(components=5))
def test_agrees_with_trying_everything(world: Universe) -> None:
    answer = select(world)
    best = preferred(world)
    if best is None:
        assert isinstance(answer, Unsatisfiable)
        return
    assert isinstance(answer, Selection)
    assert faults(chosen(answer), world.targets[answer.python]) == []
    assert answer.minimal
    assert answer.cost == cost(best)
    assert {c: s.offer.key for c, s in chosen(answer).items()} == {
        c: s.offer.key for c, s in best.items()
    }
    fewest = min(
        sum(1 for stream in plan.values() if stream.offer.cost)
        for plan, _ in all_plans(world)
        if cost(plan) == answer.cost
    )
    assert answer.lower_bound == fewest


def maxsat_cost(world: Universe) -> int | None:
    """The least cost by an independent MaxSAT solver; no extras, one interpreter."""
    formula = WCNF()
    number = {
        stream.offer.key: index
        for index, stream in enumerate(
            (s for streams in world.streams_by.values() for s in streams), start=1
        )
    }
    (target,) = world.targets.values()
    formula.append([number[world.root.offer.key]])
    for streams in world.streams_by.values():
        for i, stream in enumerate(streams):
            used = number[stream.offer.key]
            formula.append([-used], weight=stream.offer.cost or None) if stream.offer.cost else None
            for other in streams[i + 1 :]:
                formula.append([-used, -number[other.offer.key]])
            for component, requirement in wanted_by(stream, target, frozenset()):
                formula.append(
                    [-used]
                    + [
                        number[s.offer.key]
                        for s in world.streams_by.get(component, [])
                        if requirement.specifier.contains(s.version, prereleases=True)
                    ]
                )
            for constraint in stream.constraints:
                for other in world.streams_by.get(constraint.component, []):
                    if not constraint.specifier.contains(other.version, prereleases=True):
                        formula.append([-used, -number[other.offer.key]])
    with RC2(formula) as solver:
        return None if solver.compute() is None else int(solver.cost)


@st.composite
def larger_universes(draw: st.DrawFn) -> Universe:
    """Twenty components of up to five versions, out of reach for trying everything."""
    rng = draw(st.randoms(use_true_random=False))
    names = [f"c{i:02}" for i in range(20)]
    streams = [make_stream("app", "1", *rng.sample(names, 4), "c19>=2")]
    streams.append(make_stream("python", "3.14", origin=Origin.BASE))
    specifiers = ["", "", "", ">=2", "<4", "<5,>=2", "==3.*", "!=4"]
    for name in names:
        for version in range(1, rng.randint(2, 5) + 1):
            base = rng.random() < 0.25
            streams.append(
                make_stream(
                    name,
                    str(version),
                    *[rng.choice(names) + rng.choice(specifiers) for _ in range(rng.randint(0, 4))],
                    origin=Origin.BASE if base else Origin.PRIVATE,
                    cost=0 if base else rng.choice([1, 1, 1, 2, 5]),
                )
            )
    return universe(*streams)


@slow
@given(larger_universes())
def test_agrees_with_a_maxsat_solver(world: Universe) -> None:
    answer = select(world)
    expected = maxsat_cost(world)
    if expected is None:
        assert isinstance(answer, Unsatisfiable)
    else:
        assert isinstance(answer, Selection)
        assert answer.minimal
        assert answer.cost == expected
        assert [f for f in faults(chosen(answer), world.targets["3.14"]) if "python" not in f] == []


@settings(max_examples=100, deadline=None, derandomize=True)
@given(random_universes(), st.integers(0, 1000))
def test_does_not_depend_on_the_order_of_the_input(world: Universe, seed: int) -> None:
    first, second = select(world), select(world.shuffled(seed))
    if isinstance(first, Selection):
        assert isinstance(second, Selection)
        assert [s.offer for s in first.streams] == [s.offer for s in second.streams]
        assert (first.cost, first.lower_bound) == (second.cost, second.lower_bound)
    else:
        assert first == second


def test_takes_the_base_when_it_fits() -> None:
    world = universe(
        make_stream("app", "1", "a>=1"),
        make_stream("a", "1.5", origin=Origin.BASE),
        make_stream("a", "2.0"),
    )
    answer = select(world)
    assert isinstance(answer, Selection)
    assert str(chosen(answer)[distribution("a")].version) == "1.5"
    assert answer.cost == 1


def test_an_older_version_is_taken_when_it_saves_a_private_stream() -> None:
    world = universe(
        make_stream("app", "1", "a"),
        make_stream("a", "2", "b"),
        make_stream("a", "1"),
        make_stream("b", "1"),
    )
    answer = select(world)
    assert isinstance(answer, Selection)
    assert str(chosen(answer)[distribution("a")].version) == "1"
    assert answer.minimal


def test_a_private_rebuild_of_the_base_version_is_preferred_to_a_newer_one() -> None:
    world = universe(
        make_stream("app", "1", "a", requires_python="<3.14"),
        make_stream("python", "3.14", origin=Origin.BASE),
        make_stream("python", "3.13"),
        make_stream("a", "1", origin=Origin.BASE, pythons=("3.14",)),
        make_stream("a", "1", in_base=True),
        make_stream("a", "2"),
        pythons=("3.14", "3.13"),
    )
    answer = select(world)
    assert isinstance(answer, Selection)
    assert answer.python == "3.13"
    assert chosen(answer)[distribution("a")].offer.in_base
    assert chosen(answer)[PYTHON].offer.origin is Origin.PRIVATE


def test_asks_for_metadata_only_of_offers_that_could_matter() -> None:
    world = universe(
        make_stream("app", "1", "a"),
        make_stream("a", "9", origin=Origin.BASE),
        *[make_stream("a", str(version)) for version in range(1, 9)],
    )
    assert isinstance(select(world), Selection)
    assert [str(offer.version) for offer in world.asked] == ["9"]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(larger_universes())
def test_a_search_that_is_cut_short_says_so_and_its_bound_is_true(world: Universe) -> None:
    whole = select(world)
    short = Selector(world.problem(), max_conflicts=1).select()
    assert isinstance(short, Selection) == isinstance(whole, Selection)
    if isinstance(short, Selection) and isinstance(whole, Selection):
        assert [f for f in faults(chosen(short), world.targets["3.14"]) if "python" not in f] == []
        assert short.cost == whole.cost if short.minimal else short.cost >= whole.cost
        assert short.lower_bound <= whole.lower_bound
