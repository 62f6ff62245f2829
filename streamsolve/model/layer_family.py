"""Layers of several images that are chosen together, so that they have some in common.

Units that are the same in the same images form a class, and no layer holds units of two classes. So
what images share lies in layers that are equal in all of them, whichever is made. How many layers a
class gets is decided for all images at once, since each may have only so many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from attrs import evolve

from .layer_units import LayerUnit

__all__ = ["Cutting", "Sequences", "family_layers"]

_Layers = tuple[tuple[LayerUnit, ...], ...]
_Same = tuple[int, str, tuple[str, ...]]
"""What makes a unit the same in two images: its zone, key and content."""

_Class = tuple[int, tuple[int, ...]]
"""A zone, and the numbers of the images that have the units."""

_Image = Mapping[_Same, LayerUnit]


class Sequences(Protocol):
    """The costs of units in 1, 2, … layers, and those layers."""

    @property
    def costs(self) -> tuple[int, ...]:
        """The least costs, falling."""

    def layers(self, number: int) -> _Layers:
        """That many layers."""


class Cutting(Protocol):
    """Says what units cost in layers of their own, up to a number of them."""

    def __call__(self, units: Sequence[LayerUnit], most: int, /) -> Sequences:
        """Units are not empty."""


def family_layers(
    units: Iterable[LayerUnit],
    siblings: Iterable[Iterable[LayerUnit]],
    count: int,
    cutting: Cutting,
) -> _Layers | None:
    """The layers of the image with ``units``, lowest first, ``count`` at most; None where these are
    too few to keep the zones of each image apart.

    Every image of the family gives the same answer about what it shares: it does not matter in
    which order siblings are given, or whether the image itself is among them. Where layers are few,
    the classes with the fewest bytes are not kept apart.
    """
    own = _image(units)
    by_names = {tuple(sorted(image)): image for image in (*map(_image, siblings), own)}
    images = [by_names[names] for names in sorted(by_names)]
    classes = _classes(images, count)
    if classes is None:
        return None
    sequences = {each: cutting(units, count) for each, units in classes.items()}
    numbers = _numbers(sequences, len(images), count)
    number = sorted(by_names).index(tuple(sorted(own)))
    there = sorted(
        (each for each in classes if number in each[1]),
        key=lambda each: (each[0], -len(each[1]), each[1]),
    )
    mine = {unit.key: unit for unit in own.values()}
    return tuple(
        tuple(mine[unit.key] for unit in layer)
        for each in there
        for layer in sequences[each].layers(numbers[each])
    )


def _image(units: Iterable[LayerUnit]) -> _Image:
    return {(unit.zone, unit.key, tuple(sorted(unit.content))): unit for unit in units}


def _classes(images: Sequence[_Image], count: int) -> dict[_Class, list[LayerUnit]] | None:
    """The units of each class, sorted by key, each as the image has it in which it changes most
    often; None where an image would have too many classes."""
    apart = set[_Class]()
    while True:
        found: dict[_Class, dict[str, LayerUnit]] = {}
        for number, image in enumerate(images):
            for same, unit in image.items():
                shared = (same[0], tuple(n for n, other in enumerate(images) if same in other))
                at = found.setdefault((same[0], (number,)) if shared in apart else shared, {})
                at[unit.key] = _joined(at.get(unit.key), unit)
        loads = [sum(number in each[1] for each in found) for number in range(len(images))]
        crowded = {number for number, load in enumerate(loads) if load > count}
        if not crowded:
            return {each: [at[key] for key in sorted(at)] for each, at in found.items()}
        choices = [each for each in found if len(each[1]) > 1 and crowded & {*each[1]}]
        if not choices:
            return None
        apart.add(min(choices, key=lambda c: (sum(u.size for u in found[c].values()), c)))


def _joined(known: LayerUnit | None, unit: LayerUnit) -> LayerUnit:
    if known is None:
        return unit
    return evolve(unit, rate=max(known.rate, unit.rate), size=max(known.size, unit.size))


def _numbers(sequences: Mapping[_Class, Sequences], images: int, count: int) -> dict[_Class, int]:
    """How many layers each class gets: again and again one more where it saves most."""
    numbers = dict.fromkeys(sorted(sequences), 1)
    loads = [sum(number in each[1] for each in numbers) for number in range(images)]
    while True:
        savings = {}
        for each, number in numbers.items():
            costs = sequences[each].costs
            if number < len(costs) and all(loads[image] < count for image in each[1]):
                savings[each] = (costs[number - 1] - costs[number]) * len(each[1])
        best = max(savings, key=lambda each: savings[each], default=None)
        if best is None or savings[best] <= 0:
            return numbers
        numbers[best] += 1
        for image in best[1]:
            loads[image] += 1
