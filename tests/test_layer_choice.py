"""Which units go into which layer: laws, and the best assignment of all as the oracle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import pytest
from attrs import evolve
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from streamsolve.model.layer_choice import (
    expected_bytes,
    keep_layers,
    partition,
    resent,
)
from streamsolve.model.layer_cuts import allotted, cheapest_cuts
from streamsolve.model.layer_groups import LayerKind
from streamsolve.model.layer_units import RATES, LayerUnit, Zone

Layers = Sequence[Sequence[LayerUnit]]

RATE = sorted(set(RATES.values()))
SIZES = st.integers(0, 9).flatmap(lambda digit: st.sampled_from([digit * 10**n for n in range(6)]))


def unit(
    key: str, size: int = 1, rate: int = 2, zone: int = Zone.LANGUAGE, after: Sequence[str] = ()
) -> LayerUnit:
    return LayerUnit(key, zone, size, rate, key, frozenset(after))


@st.composite
def units(
    draw: st.DrawFn, most: int = 7, zones: Sequence[int] = tuple(Zone), rates: Sequence[int] = RATE
) -> tuple[LayerUnit, ...]:
    """Units of which each requires some of its own zone or an earlier one, circles among them."""
    number = draw(st.integers(1, most))
    drawn = sorted(draw(st.lists(st.sampled_from(zones), min_size=number, max_size=number)))
    found = []
    for place, zone in enumerate(drawn):
        others = [f"u{n}" for n, other in enumerate(drawn) if n != place and other <= zone]
        after = draw(st.lists(st.sampled_from(others), max_size=2)) if others else []
        size, rate = draw(SIZES), draw(st.sampled_from(rates))
        found.append(unit(f"u{place}", size, rate, zone, after))
    return tuple(found)


def assignments(given: Sequence[LayerUnit], count: int, *, ordered: bool) -> Iterator[Layers]:
    """All ways to put units into layers without mixing zones; in order, none requires a later."""
    for places in product(range(min(count, len(given))), repeat=len(given)):
        at = {one.key: place for one, place in zip(given, places, strict=True)}
        layers = [[one for one in given if at[one.key] == n] for n in range(count)]
        if any(len({zone_of(one, ordered=ordered) for one in layer}) > 1 for layer in layers):
            continue
        if ordered and not is_installable(layers):
            continue
        yield layers


def zone_of(one: LayerUnit, *, ordered: bool) -> int:
    return Zone(one.zone).kind if ordered else one.zone


def is_installable(layers: Layers) -> bool:
    there = set[str]()
    for layer in layers:
        there |= {one.key for one in layer}
        if not all(one.after <= there for one in layer):
            return False
    return True


def keys(layers: Layers) -> list[set[str]]:
    return [{one.key for one in layer} for layer in layers]


def zones_of(given: Sequence[LayerUnit], *, ordered: bool) -> int:
    return len({zone_of(one, ordered=ordered) for one in given})


# -- every assignment ------------------------------------------------------------------------------


@given(units(most=14), st.integers(1, 16), st.booleans())
def test_every_unit_is_in_one_layer_and_there_are_not_too_many(
    given: tuple[LayerUnit, ...], count: int, ordered: bool
) -> None:
    layers = partition(given, count, ordered=ordered)
    assert sorted(one.key for layer in layers for one in layer) == sorted(u.key for u in given)
    assert 1 <= len(layers) <= count
    assert all(layers)


@given(units(most=14), st.integers(1, 16))
def test_no_layer_requires_a_later_one_where_they_are_built_on_each_other(
    given: tuple[LayerUnit, ...], count: int
) -> None:
    assert is_installable(partition(given, count, ordered=True))


@given(units(most=14), st.integers(1, 16), st.booleans())
def test_zones_share_no_layer_where_there_are_enough(
    given: tuple[LayerUnit, ...], count: int, ordered: bool
) -> None:
    assume(count >= zones_of(given, ordered=ordered))
    for layer in partition(given, count, ordered=ordered):
        assert len({zone_of(one, ordered=ordered) for one in layer}) == 1


@given(units(most=12), st.integers(1, 14), st.booleans(), st.randoms())
def test_the_order_of_units_does_not_matter(
    given: tuple[LayerUnit, ...], count: int, ordered: bool, random: object
) -> None:
    shuffled = list(given)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert partition(shuffled, count, ordered=ordered) == partition(given, count, ordered=ordered)


@given(units(most=12), st.integers(1, 13), st.booleans())
def test_more_layers_never_cost_more(
    given: tuple[LayerUnit, ...], count: int, ordered: bool
) -> None:
    fewer, more = (partition(given, n, ordered=ordered) for n in (count, count + 1))
    assert expected_bytes(more, ordered=ordered) <= expected_bytes(fewer, ordered=ordered)


@given(units(most=12), st.integers(1, 13), st.data())
def test_a_unit_that_changes_changes_its_own_layer_and_no_other(
    given: tuple[LayerUnit, ...], count: int, data: st.DataObject
) -> None:
    layers = partition(given, count)
    chosen = data.draw(st.sampled_from(given))
    # Where a unit has no packages, its key is its content.
    new = [[evolve(u, key="new") if u == chosen else u for u in layer] for layer in layers]
    told = resent(new, layers)
    assert [chosen in layer for layer in layers] == list(told)
    above = resent(new, layers, ordered=True)
    assert above == tuple(any(told[: n + 1]) for n in range(len(told)))


# -- against the best of all -----------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(units(most=5, zones=(Zone.LANGUAGE,), rates=(3,)), st.integers(1, 5))
def test_where_all_change_equally_often_no_assignment_is_better(
    given: tuple[LayerUnit, ...], count: int
) -> None:
    best = min(map(expected_bytes, assignments(given, count, ordered=False)))
    assert expected_bytes(partition(given, count)) == best


@settings(deadline=None, max_examples=60)
@given(units(most=5, zones=(Zone.BASE, Zone.LANGUAGE)), st.integers(1, 5))
@example((unit("a", 900, 12), unit("b", 300, 3), unit("c", 45, 2)), 2)
def test_no_assignment_is_much_better(given: tuple[LayerUnit, ...], count: int) -> None:
    assume(count >= zones_of(given, ordered=False))
    best = min(map(expected_bytes, assignments(given, count, ordered=False)))
    assert best <= expected_bytes(partition(given, count)) <= best * 1.2


@settings(deadline=None, max_examples=60)
@given(units(most=5, zones=(Zone.BASE, Zone.LANGUAGE)), st.integers(1, 5))
def test_no_order_of_layers_on_each_other_is_much_better(
    given: tuple[LayerUnit, ...], count: int
) -> None:
    assume(count >= zones_of(given, ordered=True))
    costs = [
        expected_bytes(layers, ordered=True)
        for layers in assignments(given, count, ordered=True)
        if [u.zone for layer in layers for u in layer] == sorted(u.zone for u in given)
    ]
    made = expected_bytes(partition(given, count, ordered=True), ordered=True)
    assert min(costs) <= made <= min(costs) * 1.2


@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9)), min_size=1, max_size=9),
    st.integers(1, 9),
    st.none() | st.integers(0, 20),
)
def test_no_cuts_of_a_sequence_are_better(
    pairs: list[tuple[int, int]], most: int, below: int | None
) -> None:
    sizes, rates = [p[0] for p in pairs], [p[1] for p in pairs]
    curve = cheapest_cuts(sizes, rates, most, below)
    number = len(pairs)

    def cost(cuts: Sequence[int]) -> int:
        total = 0
        for start, end in zip((0, *cuts), (*cuts, number), strict=True):
            changes = sum(rates[start:end]) if below is None else below + sum(rates[:end])
            total += sum(sizes[start:end]) * changes
        return total

    masks = product((False, True), repeat=number - 1)
    options = [[n + 1 for n, cut in enumerate(mask) if cut] for mask in masks]
    for layers, (least, cuts) in enumerate(zip(curve.costs, curve.cuts, strict=True), 1):
        assert len(cuts) == layers - 1
        assert cost(cuts) == least == min(cost(o) for o in options if len(o) == layers - 1)
    assert len(curve.costs) == min(most, number)


@given(
    st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=4), min_size=1, max_size=3),
    st.integers(0, 6),
)
def test_no_allotment_of_layers_is_better(costs: list[list[int]], more: int) -> None:
    count = len(costs) + more
    sums = [
        sum(each[n - 1] for each, n in zip(costs, numbers, strict=True))
        for numbers in product(*(range(1, len(each) + 1) for each in costs))
        if sum(numbers) <= count
    ]
    numbers = allotted(costs, count)
    assert sum(numbers) <= count
    assert sum(each[n - 1] for each, n in zip(costs, numbers, strict=True)) == min(sums)


def test_what_is_large_and_stays_is_kept_from_what_is_small_and_moves() -> None:
    given = [unit("torch", 1300, 3), unit("numpy", 20, 3), *(unit(f"s{n}", 1, 6) for n in range(9))]
    assert keys(partition(given, 2)) == [{"torch"}, {"numpy", *(f"s{n}" for n in range(9))}]


def test_two_causes_in_one_layer_count_once_each() -> None:
    same = evolve(unit("a", 10, 3), cause="x"), evolve(unit("b", 20, 3), cause="x")
    assert expected_bytes([same]) == 30 * 3
    assert expected_bytes([[same[0]], [same[1]]]) == 30 * 3
    assert expected_bytes([[same[0], unit("c", 1, 2)], [same[1]]]) == 11 * 5 + 20 * 3
    assert expected_bytes([[same[0]], [unit("c", 1, 2)], [same[1]]], ordered=True) == (
        10 * 3 + 1 * 5 + 20 * 5
    )


def test_what_requires_each_other_lies_in_one_layer() -> None:
    given = [
        unit("a", 5, 2, after=["b"]),
        unit("b", 500, 12, after=["c"]),
        unit("c", 1, 3, after=["a"]),
        unit("d", 9, 3),
    ]
    layers = keys(partition(given, 4, ordered=True))
    assert {"a", "b", "c"} in layers
    assert {"d"} in layers


# -- what was there before -------------------------------------------------------------------------


@given(units(most=10), units(most=10), st.integers(1, 12), st.booleans())
def test_what_is_kept_is_an_assignment_too(
    before: tuple[LayerUnit, ...], now: tuple[LayerUnit, ...], count: int, ordered: bool
) -> None:
    old, new = (partition(each, count, ordered=ordered) for each in (before, now))
    layers = keep_layers(now, count, old, new, ordered=ordered)
    assert sorted(one.key for layer in layers for one in layer) == sorted(u.key for u in now)
    assert len(layers) <= count
    assert all(layers)
    assert not ordered or is_installable(layers)


@given(units(most=10), st.integers(1, 12), st.booleans())
def test_without_a_change_everything_stays(
    given: tuple[LayerUnit, ...], count: int, ordered: bool
) -> None:
    old = partition(given, count, ordered=ordered)
    assert not any(resent(keep_layers(given, count, old, old, ordered=ordered), old))


def test_a_unit_that_grows_does_not_reshuffle_the_others() -> None:
    given = [unit(f"u{n:02}", 100 + 10 * n, 3) for n in range(40)]
    old = partition(given, 6)
    grown = [evolve(u, size=480) if u.key == "u00" else u for u in given]
    new = partition(grown, 6)
    assert sum(resent(new, old)) > 1, "chosen anew, several layers are others"
    assert not any(resent(keep_layers(grown, 6, old, new), old))


def test_a_new_unit_does_not_touch_a_large_layer_that_stays() -> None:
    given = [unit("torch", 1300, 3), *(unit(f"s{n}", 1, 3) for n in range(5))]
    old = partition(given, 2)
    now = [*given, unit("new", 2, 3)]
    kept = keep_layers(now, 2, old, partition(now, 2))
    assert {"torch"} in keys(kept)
    assert [
        sum(u.size for u in layer) for layer, s in zip(kept, resent(kept, old), strict=True) if s
    ] == [7]


def test_layers_are_chosen_anew_where_that_pays() -> None:
    old = ((unit("large", 1, 2), unit("small", 1, 12)),)
    now = [unit("large", 10_000, 2), unit("small", 1, 12)]
    new = partition(now, 2)
    assert keys(keep_layers(now, 2, old, new)) == [{"large"}, {"small"}]


# -- siblings --------------------------------------------------------------------------------------


@given(units(most=10), units(most=10), st.integers(5, 14))
def test_siblings_share_the_same_layers_and_neither_has_too_many(
    one: tuple[LayerUnit, ...], two: tuple[LayerUnit, ...], count: int
) -> None:
    first, second = partition(one, count, siblings=[two]), partition(two, count, siblings=[one])
    for image, layers in ((one, first), (two, second)):
        assert sorted(u.key for layer in layers for u in layer) == sorted(u.key for u in image)
        assert len(layers) <= count
    common = {(u.zone, u.key) for u in one} & {(u.zone, u.key) for u in two}
    if count >= 10:
        # Each zone has two classes at most, so that nothing has to be given up.
        shared = {frozenset(k) for k in keys(first)} & {frozenset(k) for k in keys(second)}
        assert {key for _, key in common} <= {key for layer in shared for key in layer}
    assert first == partition(one, count, siblings=[two, one, two])


@pytest.mark.parametrize("kind", LayerKind)
def test_each_kind_has_a_zone(kind: LayerKind) -> None:
    assert kind in {zone.kind for zone in Zone}
