"""Which package goes into which layer.

What changes most lies highest: a registry sends a layer again when anything in it has changed, and
not the ones below. Another assignment is another function of the same form.
"""

from __future__ import annotations

from attrs import frozen

from ..model.layer_groups import layer_groups
from ..model.package import Package
from ..model.plan import Plan

__all__ = ["Layer", "assign_layers"]


@frozen
class Layer:
    """A layer that is to be made: its title, and its packages sorted by name-evr.arch."""

    title: str
    packages: tuple[Package, ...]


def assign_layers(plan: Plan) -> tuple[Layer, ...]:
    """The layers of a plan's runtime root, lowest first: base additions, accelerator stack,
    language stack, application; none is empty.

    Each package is in one layer, and nothing depends on the order of the root. ValueError for a
    plan without builds, which does not say what is in the root.
    """
    return tuple(
        Layer(group.kind.title, tuple(sorted(group.packages, key=lambda each: each.nevra)))
        for group in layer_groups(plan)
    )
