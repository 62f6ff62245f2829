"""Build order: cycles are broken at the least cost, and levels and minutes are what they say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations, permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsolve.model.build import BuildOrder
from streamsolve.selection.order import Edge, Unbreakable, build_order, edges_to_break

lawful = settings(max_examples=150, deadline=None, derandomize=True)
few = settings(max_examples=25, deadline=None, derandomize=True)

Needs = Mapping[str, Iterable[str]]


def broken(*edges: tuple[str, str, int | None]) -> list[tuple[str, str]]:
    """What is broken of (user, used, cost), as pairs."""
    answer = edges_to_break(
        {id: 1 for edge in edges for id in edge[:2]}, [Edge(*edge) for edge in edges]
    )
    assert not isinstance(answer, Unbreakable), answer
    return [(edge.user, edge.used) for edge in answer]


def unbroken(*edges: tuple[str, str, int | None]) -> tuple[tuple[str, ...], ...]:
    """The cycles of (user, used, cost) that cannot be broken."""
    answer = edges_to_break(
        {id: 1 for edge in edges for id in edge[:2]}, [Edge(*edge) for edge in edges]
    )
    assert isinstance(answer, Unbreakable), answer
    return answer.cycles


# Named cases.


def test_without_a_cycle_nothing_is_broken() -> None:
    assert broken(("app", "lib", 1), ("app", "tool", 1), ("lib", "tool", None)) == []


def test_a_cycle_of_three_is_broken_at_its_cheapest_build() -> None:
    assert broken(("a", "b", 5), ("b", "c", 2), ("c", "a", 9)) == [("b", "c")]


def test_the_cheapest_edge_stays_when_it_cannot_be_broken() -> None:
    assert broken(("a", "b", 5), ("b", "c", None), ("c", "a", 9)) == [("a", "b")]


def test_a_build_that_needs_itself_gets_a_second_pass() -> None:
    assert broken(("setuptools", "setuptools", 3), ("app", "setuptools", None)) == [
        ("setuptools", "setuptools")
    ]


def test_two_cycles_through_one_build_share_its_second_pass() -> None:
    assert broken(("hub", "a", 3), ("a", "hub", 2), ("hub", "b", 3), ("b", "hub", 2)) == [
        ("hub", "a"),
        ("hub", "b"),
    ]


def test_two_cycles_through_a_dear_build_are_broken_apart() -> None:
    assert broken(("hub", "a", 5), ("a", "hub", 2), ("hub", "b", 5), ("b", "hub", 2)) == [
        ("a", "hub"),
        ("b", "hub"),
    ]


def test_one_second_pass_is_better_than_two_of_the_same_minutes() -> None:
    assert broken(("hub", "a", 4), ("a", "hub", 2), ("hub", "b", 4), ("b", "hub", 2)) == [
        ("hub", "a"),
        ("hub", "b"),
    ]


def test_a_second_pass_costs_as_much_as_the_dearest_edge_that_it_breaks() -> None:
    assert broken(("hub", "a", 3), ("a", "hub", 2), ("hub", "b", 8), ("b", "hub", 4)) == [
        ("a", "hub"),
        ("b", "hub"),
    ]


def test_of_equal_ways_the_one_with_the_least_ids_is_taken() -> None:
    assert broken(("c", "a", 2), ("b", "c", 2), ("a", "b", 2)) == [("a", "b")]


def test_edges_between_the_same_builds_are_broken_together_or_not_at_all() -> None:
    assert broken(("a", "b", 1), ("a", "b", 4), ("b", "a", 5)) == [("a", "b"), ("a", "b")]
    assert broken(("a", "b", 1), ("a", "b", None), ("b", "a", 5)) == [("b", "a")]


def test_the_tangle_of_python_s_build_tools_takes_two_second_passes() -> None:
    # setuptools needs itself, so it is built twice whatever else happens; what its bootstrap pass
    # does without costs nothing more, and pip and wheel keep what they test with.
    assert broken(
        ("flit-core", "pip", 1),
        ("pip", "flit-core", None),
        ("pip", "setuptools", 3),
        ("setuptools", "pip", 4),
        ("setuptools", "setuptools", 4),
        ("setuptools", "wheel", 4),
        ("wheel", "flit-core", None),
        ("wheel", "pip", None),
        ("wheel", "setuptools", 2),
        ("torch", "setuptools", None),
    ) == [
        ("flit-core", "pip"),
        ("setuptools", "pip"),
        ("setuptools", "setuptools"),
        ("setuptools", "wheel"),
    ]


def test_a_ring_too_long_to_be_searched_is_broken_at_its_cheapest_build() -> None:
    ring = [f"b{n:02}" for n in range(40)]
    edges = [(user, ring[n - 1], 7 if n != 23 else 6) for n, user in enumerate(ring)]
    assert broken(*edges) == [("b23", "b22")]


def test_sixty_builds_that_test_with_pytest_leave_the_second_passes_to_what_pytest_needs() -> None:
    parts = ["iniconfig", "packaging", "pluggy"]
    streams = [f"stream{n:02}" for n in range(60)]
    edges: list[tuple[str, str, int | None]] = [("pytest", part, None) for part in parts]
    edges += [(user, "pytest", 2) for user in (*parts, *streams)]
    edges += [("pluggy", stream, 2) for stream in streams]
    assert broken(*edges) == [
        ("iniconfig", "pytest"),
        ("packaging", "pytest"),
        *(("pluggy", used) for used in ("pytest", *streams)),
    ]


def test_cycles_of_edges_that_must_stay_are_all_told() -> None:
    assert unbroken(
        ("z", "y", None),
        ("y", "x", None),
        ("x", "z", None),
        ("c", "b", None),
        ("b", "a", None),
        ("a", "c", None),
        ("b", "c", None),
        ("c", "z", None),
        ("s", "s", None),
        ("a", "b", 1),
    ) == (("b", "c"), ("s",), ("x", "z", "y"))


def test_an_edge_to_a_build_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="no such build: b, c"):
        edges_to_break({"a": 1}, [Edge("a", "c", 1), Edge("b", "a", 1)])


def test_minutes_below_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="below zero"):
        edges_to_break({"a": 1}, [Edge("a", "a", -1)])
    with pytest.raises(ValueError, match="below zero"):
        build_order({"a": -1}, {})


def test_no_builds_take_no_time() -> None:
    assert build_order({}, {}, builders=(1, 2)) == BuildOrder((), (), 0, ((1, 0), (2, 0)))


def test_levels_and_the_critical_path_of_a_small_order() -> None:
    order = build_order(
        {"python": 30, "setuptools": 2, "numpy": 20, "cmake": 40, "torch": 100},
        {
            "setuptools": ["python"],
            "numpy": ["python", "setuptools"],
            "torch": ["numpy", "cmake", "python"],
        },
        builders=(2, 1),
    )
    assert [(level.builds, level.longest, level.total) for level in order.levels] == [
        (("cmake", "python"), 40, 70),
        (("setuptools",), 2, 2),
        (("numpy",), 20, 20),
        (("torch",), 100, 100),
    ]
    assert order.critical_path == ("python", "setuptools", "numpy", "torch")
    assert order.minutes == 152
    assert order.schedule == ((1, 192), (2, 152))


def test_the_longest_chain_goes_first_where_builders_are_few() -> None:
    # Alphabetically the two short builds would go first, and the chain would end at 5.
    costs = {"a": 1, "b": 1, "first": 1, "second": 3}
    assert build_order(costs, {"second": ["first"]}, builders=(2,)).schedule == ((2, 4),)


def test_a_cycle_has_no_order_and_is_named() -> None:
    with pytest.raises(ValueError, match=r"no order: b needs d needs c needs b$"):
        build_order(
            dict.fromkeys("abcde", 1),
            {"a": "b", "b": "d", "c": "b", "d": "c", "e": "a"},
        )


def test_coming_after_a_build_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="no such build: y, z"):
        build_order({"a": 1}, {"a": ["z"], "y": ["a"]})


def test_a_schedule_needs_a_builder() -> None:
    with pytest.raises(ValueError, match="at least one builder"):
        build_order({"a": 1}, {}, builders=(1, 0))


# Laws of breaking cycles, against trying everything.


def is_acyclic(pairs: Iterable[tuple[str, str]]) -> bool:
    """Whether builds that need nothing can be taken away until none is left."""
    left = set(pairs)
    while left:
        users = {user for user, _ in left}
        kept = {(user, used) for user, used in left if used in users}
        if kept == left:
            return False
        left = kept
    return True


def pairs(edges: Iterable[Edge]) -> set[tuple[str, str]]:
    return {(edge.user, edge.used) for edge in edges}


def price(edges: Iterable[Edge]) -> tuple[int, int, int, list[tuple[str, str, int]]]:
    """What the objective compares, in its order."""
    dearest: dict[str, int] = {}
    told = sorted((edge.user, edge.used, edge.cost or 0) for edge in edges)
    for user, _, cost in told:
        dearest[user] = max(cost, dearest.get(user, 0))
    return sum(dearest.values()), len(dearest), len(told), told


def by_trying(edges: set[Edge]) -> set[Edge]:
    """The best of all sets of edges that can be broken."""
    loose = [edge for edge in edges if edge.cost is not None]
    ways = (set(way) for size in range(len(loose) + 1) for way in combinations(loose, size))
    return min((way for way in ways if is_acyclic(pairs(edges - way))), key=price)


def shortest_cycles(needed: set[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """For each component the shortest cycle with the least ids, by trying all."""
    ids = sorted({id for pair in needed for id in pair})
    reach = set(needed)
    for _ in ids:
        reach |= {(a, d) for a, b in reach for c, d in needed if b == c}
    found = set()
    for id in ids:
        inside = [other for other in ids if (id, other) in reach and (other, id) in reach]
        cycles = (
            way
            for size in range(1, len(inside) + 1)
            for way in permutations(inside, size)
            if way[0] == min(way) and set(zip(way, (*way[1:], way[0]), strict=True)) <= needed
        )
        found.add(min(cycles, key=lambda way: (len(way), way), default=()))
    return tuple(sorted(found - {()}))


@st.composite
def small_graphs(draw: st.DrawFn) -> list[Edge]:
    """Up to five builds with up to nine edges that can be broken, of up to three costs."""
    ids = st.sampled_from("abcde"[: draw(st.integers(1, 5))])
    loose = st.builds(Edge, ids, ids, st.integers(0, 3))
    firm = st.builds(Edge, ids, ids, st.none())
    return [*draw(st.lists(firm, max_size=5)), *draw(st.lists(loose, max_size=9))]


@lawful
@given(small_graphs())
def test_what_is_broken_is_the_best_of_all_that_could_be(edges: list[Edge]) -> None:
    answer = edges_to_break(dict.fromkeys("abcde", 1), edges)
    firm = pairs(edge for edge in edges if edge.cost is None)
    if not is_acyclic(firm):
        assert answer == Unbreakable(shortest_cycles(firm))
        return
    assert not isinstance(answer, Unbreakable)
    assert len(answer) == len(set(answer))
    assert set(answer) == by_trying(set(edges))


def random_edges(
    seed: int, builds: int, edges: int, firm: float
) -> tuple[dict[str, int], set[Edge]]:
    """A graph that can be broken: edges that must stay lead one way only."""
    random = Random(seed)
    costs = {f"b{n:03}": random.randint(1, 60) for n in range(builds)}
    rank = list(costs)
    random.shuffle(rank)
    found: set[Edge] = set()
    while len(found) < edges:
        user, used = sorted(random.choices(range(builds), k=2), reverse=True)
        if random.random() < firm and user != used:
            found.add(Edge(rank[user], rank[used], None))
        else:
            user, used = random.choice([(user, used), (used, user)])
            found.add(Edge(rank[user], rank[used], costs[rank[user]]))
    return costs, found


def assert_broken_and_no_more(edges: set[Edge], answer: tuple[Edge, ...] | Unbreakable) -> None:
    assert not isinstance(answer, Unbreakable)
    assert list(answer) == sorted(answer, key=lambda edge: (edge.user, edge.used))
    assert all(edge.cost is not None for edge in answer)
    kept = pairs(edges - set(answer))
    assert is_acyclic(kept)
    for pair in pairs(answer):
        assert not is_acyclic({*kept, pair})


@few
@given(st.integers(0, 10**6), st.integers(14, 60), st.floats(0, 0.8))
def test_what_cannot_be_proven_is_broken_all_the_same_and_nothing_too_much(
    seed: int, builds: int, firm: float
) -> None:
    costs, edges = random_edges(seed, builds, 3 * builds, firm)
    assert_broken_and_no_more(edges, edges_to_break(costs, edges))


def test_five_hundred_builds_with_five_thousand_edges_are_put_in_order() -> None:
    costs, edges = random_edges(1, 500, 5000, 0.5)
    answer = edges_to_break(costs, edges)
    assert not isinstance(answer, Unbreakable)
    after: dict[str, list[str]] = {}
    for user, used in pairs(edges - set(answer)):
        after.setdefault(user, []).append(used)
    assert build_order(costs, after).schedule[0] == (1, sum(costs.values()))


@few
@given(st.integers(0, 10**6), st.integers(2, 45), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing_that_is_broken(
    seed: int, builds: int, random: Random
) -> None:
    costs, edges = random_edges(seed, builds, 2 * builds, 0.3)
    ordered = sorted(edges, key=repr)
    shuffled, ids = random.sample(ordered, len(ordered)), random.sample(list(costs), len(costs))
    again = edges_to_break({id: costs[id] for id in ids}, shuffled)
    assert again == edges_to_break(costs, ordered)


@lawful
@given(small_graphs(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_no_cycle_that_is_told(
    edges: list[Edge], random: Random
) -> None:
    costs = dict.fromkeys("abcde", 1)
    firm = [Edge(edge.user, edge.used, None) for edge in edges]
    assert edges_to_break(costs, random.sample(firm, len(firm))) == edges_to_break(costs, firm)


# Laws of the order, against trying everything and an own simulation.


@st.composite
def orders(draw: st.DrawFn) -> tuple[dict[str, int], dict[str, list[str]]]:
    """Up to nine builds, each after some of those before it; ids tell nothing of the order."""
    ids = draw(st.permutations("abcdefghi"))[: draw(st.integers(1, 9))]
    costs = {id: draw(st.integers(0, 6)) for id in ids}
    after = {
        id: draw(st.lists(st.sampled_from(ids[:n]), max_size=3)) for n, id in enumerate(ids) if n
    }
    return costs, after


def chains_from(id: str, costs: Mapping[str, int], after: Needs) -> Iterator[tuple[str, ...]]:
    """All chains that begin with a build, wherever they stop."""
    yield (id,)
    for user in costs:
        if id in after.get(user, ()):
            yield from ((id, *chain) for chain in chains_from(user, costs, after))


def simulated(costs: Mapping[str, int], after: Needs, builders: int) -> int:
    """Minutes of a schedule, minute by minute."""
    length = {
        id: max(sum(costs[one] for one in chain) for chain in chains_from(id, costs, after))
        for id in costs
    }
    minute, done, left = 0, set[str](), dict[str, int]()
    while len(done) < len(costs):
        ended = {id for id, minutes in left.items() if minutes == 0}
        done |= ended
        left = {id: minutes for id, minutes in left.items() if id not in ended}
        ready = [
            id for id in costs if id not in done | set(left) and done.issuperset(after.get(id, ()))
        ]
        ready.sort(key=lambda id: (-length[id], id))
        left.update({id: costs[id] for id in ready[: builders - len(left)]})
        if left and all(left.values()):
            left = {id: minutes - 1 for id, minutes in left.items()}
            minute += 1
    return minute


@lawful
@given(orders())
def test_each_build_is_in_the_first_level_that_it_can_be_in(
    order: tuple[dict[str, int], dict[str, list[str]]],
) -> None:
    costs, after = order
    done: set[str] = set()
    for level in build_order(costs, after).levels:
        able = {id for id in costs if id not in done and done.issuperset(after.get(id, ()))}
        assert level.builds == tuple(sorted(able))
        assert level.longest == max(costs[id] for id in able)
        assert level.total == sum(costs[id] for id in able)
        done |= able
    assert done == set(costs)


@lawful
@given(orders())
def test_the_critical_path_is_the_longest_of_all_chains(
    order: tuple[dict[str, int], dict[str, list[str]]],
) -> None:
    costs, after = order
    chains = [chain for id in costs for chain in chains_from(id, costs, after)]
    best = min(chains, key=lambda chain: (-sum(costs[id] for id in chain), chain))
    answer = build_order(costs, after)
    assert answer.critical_path == best
    assert answer.minutes == sum(costs[id] for id in best)


@lawful
@given(orders())
def test_a_schedule_takes_as_long_as_its_simulation(
    order: tuple[dict[str, int], dict[str, list[str]]],
) -> None:
    costs, after = order
    answer = build_order(costs, after, builders=(9, 3, 2, 1, 2))
    assert answer.schedule == tuple((n, simulated(costs, after, n)) for n in (1, 2, 3, 9))


@lawful
@given(orders())
def test_a_schedule_is_bounded_by_the_critical_path_and_the_work(
    order: tuple[dict[str, int], dict[str, list[str]]],
) -> None:
    costs, after = order
    answer = build_order(costs, after, builders=range(1, 10))
    minutes, work = dict(answer.schedule), sum(costs.values())
    assert minutes[1] == work
    assert minutes[9] == answer.minutes
    for builders, taken in answer.schedule:
        # Graham's bound: no list schedule is worse.
        assert max(answer.minutes, -(-work // builders)) <= taken
        assert builders * taken <= work + (builders - 1) * answer.minutes


@lawful
@given(orders(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_change_the_order(
    order: tuple[dict[str, int], dict[str, list[str]]], random: Random
) -> None:
    costs, after = order
    ids = random.sample(list(costs), len(costs))
    again = build_order(
        {id: costs[id] for id in ids},
        {id: random.sample(after[id], len(after[id])) for id in ids if id in after},
    )
    assert again == build_order(costs, after)
