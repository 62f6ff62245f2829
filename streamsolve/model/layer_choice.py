"""Which units go into which layer, such that an update re-sends as little as can be.

One update changes what has one cause. A layer that holds any of it is sent again, so what an update
costs is, on average, the sum over layers of (how often anything in it changes) times (its bytes).
Where layers are built on top of each other, by an engine that writes into each of them what is
installed so far, a layer changes with those below it as well, and none may require a later one.

Units that are far apart in bytes for each change should not share a layer. So they are sorted by
that, by bytes and by changes, and each order is cut at the best places; the best of the three is
taken. The cost of a run of units is Monge, so the best places for one more layer lie between those
that were found before (divide and conquer). The best of all assignments is hard to find
(two layers of equal units are a number partition); where all units change equally often, this is
it, and elsewhere it is nearly always. Nothing but the units decides, so equal images have equal
layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

from attrs import frozen

from .layer_cuts import Curve, allotted, cheapest_cuts
from .layer_family import family_layers
from .layer_groups import LayerGroup, layer_groups
from .layer_order import installable_order
from .layer_units import LayerUnit, Zone, layer_units
from .plan import Plan

__all__ = [
    "HORIZON",
    "LARGEST_COUNT",
    "LayerChoice",
    "choose_layers",
    "expected_bytes",
    "keep_layers",
    "partition",
    "resent",
]

HORIZON = 12
"""After how many updates a new assignment must have paid for what it re-sends once."""

LARGEST_COUNT = 127
"""More layers than this no engine mounts."""

_Layers = tuple[tuple[LayerUnit, ...], ...]


@frozen
class LayerChoice:
    """Layers, lowest first, each with its units; none is empty. ``ordered`` says that they are
    built on top of each other."""

    layers: tuple[tuple[LayerUnit, ...], ...]
    ordered: bool = False

    @property
    def expected(self) -> float:
        """Bytes that an update re-sends on average."""
        rate = _rate(unit for layer in self.layers for unit in layer)
        return expected_bytes(self.layers, ordered=self.ordered) / max(rate, 1)

    def groups(self) -> tuple[LayerGroup, ...]:
        """The layers as groups of packages, numbered within each name."""
        names = [_name(layer, ordered=self.ordered) for layer in self.layers]
        numbers: dict[str, int] = {}
        found = []
        for layer, name in zip(self.layers, names, strict=True):
            numbers[name] = numbers.get(name, 0) + 1
            packages = sorted(m.package for unit in layer for m in unit.members)
            number = numbers[name] if names.count(name) > 1 else 0
            kind = Zone(max(unit.zone for unit in layer)).kind
            found.append(LayerGroup(kind, tuple(packages), number, name))
        return tuple(found)


def _name(layer: Iterable[LayerUnit], *, ordered: bool) -> str:
    zones = sorted({Zone(unit.zone) for unit in layer})
    if len(zones) == 1 and not ordered:
        return zones[0].title
    return " and ".join(dict.fromkeys(zone.kind.title for zone in zones))


def choose_layers(
    plan: Plan,
    count: int = 0,
    *,
    ordered: bool = False,
    like: Iterable[Plan] = (),
    siblings: Iterable[Plan] = (),
) -> LayerChoice:
    """The layers of a plan's runtime root, ``count`` of them at most; 0 for one of each kind.

    With ``like``, images that were made before, oldest first, the assignment of those is kept until
    another one pays for itself. With ``siblings`` (not with ``ordered``) the image has layers in
    common with theirs, if theirs are chosen with the same siblings. Sizes are those of the lock and
    estimates: layers follow from locks alone, whatever files are at hand. ValueError for a plan
    without builds, and for more layers than there can be.
    """
    if not 0 <= count <= LARGEST_COUNT:
        raise ValueError(f"no image has {count} layers")
    if not count:
        return _by_kind(plan, ordered=ordered)
    family = [layer_units(each) for each in siblings]
    if ordered and family:
        raise ValueError("layers on top of each other are not shared by their content")
    old: _Layers | None = None
    for each in (*like, plan):
        units = layer_units(each)
        new = partition(units, count, ordered=ordered, siblings=family)
        old = new if old is None else keep_layers(units, count, old, new, ordered=ordered)
    return LayerChoice(old or (), ordered)


def _by_kind(plan: Plan, *, ordered: bool) -> LayerChoice:
    """One layer for each kind, as :func:`layer_groups` has them."""
    units = layer_units(plan)
    kinds = [group.kind for group in layer_groups(plan)]
    layers = (tuple(u for u in units if Zone(u.zone).kind is kind) for kind in kinds)
    return LayerChoice(tuple(layers), ordered)


def partition(
    units: Sequence[LayerUnit],
    count: int,
    *,
    ordered: bool = False,
    siblings: Sequence[Sequence[LayerUnit]] = (),
) -> _Layers:
    """The units in at most ``count`` layers, lowest first. Units of two zones share a layer only
    where there are fewer layers than zones, and then only those of neighbours; there nothing is
    done for ``siblings``, the units of other images.

    Without siblings more layers never cost more. It takes O(count · n log n) for n units.
    """
    if siblings and (found := family_layers(units, siblings, count, _best_of_orders)):
        return found
    by_zone: dict[int, list[LayerUnit]] = {}
    for unit in sorted(units, key=lambda unit: unit.key):
        by_zone.setdefault(_zone(unit, ordered=ordered), []).append(unit)
    zones = [by_zone[zone] for zone in sorted(by_zone)]
    if count < len(zones):
        return _merged(zones, count, ordered=ordered)
    most = count - len(zones) + 1
    sequences = _ordered(zones, most) if ordered else [_best_of_orders(z, most) for z in zones]
    numbers = allotted([each.costs for each in sequences], count)
    return tuple(
        layer
        for each, number in zip(sequences, numbers, strict=True)
        for layer in each.layers(number)
    )


def _zone(unit: LayerUnit, *, ordered: bool) -> int:
    """Where layers hold what was installed so far, none is shared by its content, and a language
    stack is cut by what changes alone."""
    return Zone(unit.zone).kind if ordered else unit.zone


def _merged(zones: Sequence[Sequence[LayerUnit]], count: int, *, ordered: bool) -> _Layers:
    """Fewer layers than zones: the best way to put neighbours together."""

    def at(cuts: Sequence[int]) -> _Layers:
        ends = zip((0, *cuts), (*cuts, len(zones)), strict=True)
        return tuple(tuple(u for zone in zones[a:b] for u in zone) for a, b in ends)

    choices = map(at, combinations(range(1, len(zones)), count - 1))
    return min(choices, key=lambda layers: expected_bytes(layers, ordered=ordered))


# -- what it costs ---------------------------------------------------------------------------------


def expected_bytes(layers: Iterable[Iterable[LayerUnit]], *, ordered: bool = False) -> int:
    """Bytes that are sent again in a year, if an update changes what has one cause."""
    total, seen = 0, dict[str, int]()
    for layer in layers:
        units = tuple(layer)
        if not ordered:
            seen = {}
        seen |= {unit.cause: unit.rate for unit in units}
        total += sum(seen.values()) * sum(unit.size for unit in units)
    return total


def resent(
    layers: Iterable[Iterable[LayerUnit]],
    old: Iterable[Iterable[LayerUnit]],
    *,
    ordered: bool = False,
) -> tuple[bool, ...]:
    """For each layer whether it is sent to somebody who has the old ones: another content, or with
    ``ordered`` anything else below it."""
    before = [_content(layer) for layer in old]
    now = [_content(layer) for layer in layers]
    if not ordered:
        there = set(before)
        return tuple(content not in there for content in now)
    same = 0
    while same < min(len(before), len(now)) and before[same] == now[same]:
        same += 1
    return tuple(number >= same for number in range(len(now)))


def _content(layer: Iterable[LayerUnit]) -> frozenset[str]:
    return frozenset().union(*(unit.content for unit in layer))


def _rate(units: Iterable[LayerUnit]) -> int:
    return sum({unit.cause: unit.rate for unit in units}.values())


# -- sequences -------------------------------------------------------------------------------------


@frozen
class _Sequences:
    """For each number of layers from 1 the least cost, and the sequence of blocks and the cuts with
    which it is reached."""

    costs: tuple[int, ...]
    choices: tuple[tuple[_Layers, tuple[int, ...]], ...]

    def layers(self, number: int) -> _Layers:
        """That many layers."""
        blocks, cuts = self.choices[number - 1]
        ends = zip((0, *cuts), (*cuts, len(blocks)), strict=True)
        return tuple(tuple(u for block in blocks[a:b] for u in block) for a, b in ends)


_ORDERS: tuple[Callable[[LayerUnit], tuple[float, str]], ...] = (
    lambda unit: (-unit.size / max(unit.rate, 1), unit.key),
    lambda unit: (-unit.size, unit.key),
    lambda unit: (unit.rate, unit.key),
)


def _best_of_orders(units: Sequence[LayerUnit], most: int) -> _Sequences:
    """Of layers that stand by themselves, the best of what several orders give."""
    several = len({unit.rate for unit in units}) > 1
    found: list[tuple[Curve, _Layers]] = []
    for order in _ORDERS if several else _ORDERS[:1]:
        chosen = sorted(units, key=order)
        curve = cheapest_cuts([u.size for u in chosen], [u.rate for u in chosen], most)
        found.append((curve, tuple((unit,) for unit in chosen)))
    best = [
        min(found, key=lambda each: each[0].costs[number])
        for number in range(len(found[0][0].costs))
    ]
    return _Sequences(
        tuple(curve.costs[number] for number, (curve, _) in enumerate(best)),
        tuple((blocks, curve.cuts[number]) for number, (curve, blocks) in enumerate(best)),
    )


def _ordered(zones: Iterable[Sequence[LayerUnit]], most: int) -> list[_Sequences]:
    """Of layers on top of each other, the cuts of the order in which they can be installed. What
    changes below changes everything above, and counts there no more."""
    found, causes = [], dict[str, int]()
    for zone in zones:
        below, rates = sum(causes.values()), dict[str, int]()
        for unit in zone:
            rates[unit.key] = 0 if unit.cause in causes else unit.rate
            causes[unit.cause] = unit.rate
        blocks = installable_order(zone, rates)
        sizes = [sum(unit.size for unit in block) for block in blocks]
        changes = [sum(rates[unit.key] for unit in block) for block in blocks]
        curve = cheapest_cuts(sizes, changes, most, below)
        found.append(_Sequences(curve.costs, tuple((blocks, cuts) for cuts in curve.cuts)))
    return found


# -- what was there before -------------------------------------------------------------------------


def keep_layers(
    units: Sequence[LayerUnit],
    count: int,
    old: _Layers,
    new: _Layers,
    *,
    ordered: bool = False,
) -> _Layers:
    """The assignment ``old`` for the units of today, or ``new``, which was made without it.

    Units stay where they were. One that was not there goes where it costs least, now and in the
    :data:`HORIZON`. ``new`` is taken if it saves more in that time than it re-sends once, and where
    the old layers cannot be installed any more.
    """
    kept = _kept(units, count, old, ordered=ordered)
    if kept is None:
        return new

    def price(layers: _Layers) -> int:
        rate = _rate(unit for layer in layers for unit in layer)
        sent = zip(layers, resent(layers, old, ordered=ordered), strict=True)
        now = sum(unit.size for layer, is_sent in sent if is_sent for unit in layer)
        return rate * now + HORIZON * expected_bytes(layers, ordered=ordered)

    return new if price(new) < price(kept) else kept


def _kept(units: Sequence[LayerUnit], count: int, old: _Layers, *, ordered: bool) -> _Layers | None:
    """The old layers with today's units; None where that is no assignment."""
    zones = [{_zone(unit, ordered=ordered) for unit in layer} for layer in old]
    place = {unit.key: number for number, layer in enumerate(old) for unit in layer}
    layers: list[list[LayerUnit]] = [[] for _ in old]
    come = []
    for unit in sorted(units, key=lambda unit: unit.key):
        at = place.get(unit.key)
        if at is None:
            come.append(unit)
        else:
            layers[at].append(unit)
    total = _rate(units)
    before = [_content(layer) for layer in old]
    for unit in _requirements_first(come):
        options = _places(unit, layers, zones, ordered=ordered)
        if not ordered and sum(map(bool, layers)) < count:
            layers.append([])
            before.append(frozenset())
            zones.append({unit.zone})
            options.append(len(layers) - 1)
        if not options:
            return None

        def price(at: int, unit: LayerUnit = unit) -> tuple[int, int]:
            return _price(unit, layers[at], before[at], total), at

        layers[min(options, key=price)].append(unit)
    found = tuple(tuple(layer) for layer in layers if layer)
    if len(found) > count or (ordered and not _can_be_installed(found)):
        return None
    return found


def _requirements_first(units: Sequence[LayerUnit]) -> list[LayerUnit]:
    blocks = installable_order(units, {unit.key: unit.rate for unit in units})
    return [unit for block in blocks for unit in block]


def _price(unit: LayerUnit, layer: Sequence[LayerUnit], before: frozenset[str], total: int) -> int:
    """What a layer costs with a unit and not without it."""
    size = sum(each.size for each in layer)
    sent = size if layer and _content(layer) == before else 0
    more = expected_bytes([(*layer, unit)]) - expected_bytes([layer])
    return total * sent + HORIZON * more


def _places(
    unit: LayerUnit,
    layers: Sequence[Sequence[LayerUnit]],
    zones: Sequence[set[int]],
    *,
    ordered: bool,
) -> list[int]:
    """The layers of its zone; with ``ordered`` those between what it requires and what requires
    it."""
    zone = _zone(unit, ordered=ordered)
    places = [number for number, found in enumerate(zones) if zone in found]
    if not ordered:
        return places
    low = max((n for n, layer in enumerate(layers) if _requires([unit], layer)), default=0)
    high = min(
        (n for n, layer in enumerate(layers) if _requires(layer, [unit])), default=len(layers)
    )
    return [number for number in places if low <= number <= high]


def _requires(units: Iterable[LayerUnit], others: Iterable[LayerUnit]) -> bool:
    keys = {unit.key for unit in others}
    return any(not keys.isdisjoint(unit.after) for unit in units)


def _can_be_installed(layers: _Layers) -> bool:
    """Whether no layer requires a later one."""
    place = {unit.key: number for number, layer in enumerate(layers) for unit in layer}
    return all(
        place[key] <= number
        for number, layer in enumerate(layers)
        for unit in layer
        for key in unit.after
        if key in place
    )
