"""Answers to questions about a plan, as values: what moves, and what holds a stream back."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from attrs import frozen
from packaging.version import Version

from .component import Component, Origin
from .plan import Demander, HeldBack, Plan

__all__ = ["Chosen", "Freed", "HeldBackReport", "Hold", "Move", "moves", "moves_between"]


@frozen
class Chosen:
    """How a component is had in a plan. An omitted one has no version."""

    version: Version | None
    origin: Origin


@frozen
class Move:
    """What becomes of a component in another plan: None where a plan does not hold it."""

    component: Component
    before: Chosen | None
    after: Chosen | None


class Hold(Enum):
    """What holds a stream back from its newest version.

    ``PREFERENCE``: nothing; the newest costs no more, and the plan prefers another version.
    ``PRICE``: nothing forbids the newest, and the plan that has it is dearer. ``DEMANDS``: demands
    that would have to go. ``UNKNOWN``: no set of demands was found whose relaxing frees it.
    ``NOT_TRIED``: it was not looked at.
    """

    PREFERENCE = "preference"
    PRICE = "price"
    DEMANDS = "demands"
    UNKNOWN = "unknown"
    NOT_TRIED = "not-tried"


@frozen
class Freed:
    """What became of demanding the newest version of a stream, which was planned.

    ``by`` are the demands that keep it out; ``relax`` those with which out of the way a plan was
    solved, sorted. ``private`` and ``cost`` are those of that plan, ``moves`` how it differs from
    the one asked about, the held-back stream itself included; zero and empty where there is none.
    """

    held: HeldBack
    hold: Hold
    by: tuple[Demander, ...] = ()
    relax: tuple[Demander, ...] = ()
    private: int = 0
    cost: int = 0
    moves: tuple[Move, ...] = ()


@frozen
class HeldBackReport:
    """All held-back streams of a plan, in its order. ``together`` says that all which only a
    preference holds back were planned at their newest at once, at no further cost; what their
    answers tell is then that one plan, with their own move alone."""

    plan: Plan
    answers: tuple[Freed, ...]
    together: bool = False


def moves(
    before: Mapping[Component, Chosen], after: Mapping[Component, Chosen]
) -> tuple[Move, ...]:
    """What differs between two plans, sorted by component."""
    return tuple(
        Move(component, before.get(component), after.get(component))
        for component in sorted({*before, *after})
        if before.get(component) != after.get(component)
    )


def moves_between(before: Plan, after: Plan) -> tuple[Move, ...]:
    """What differs between the streams of two plans, sorted by component."""
    return moves(_chosen(before), _chosen(after))


def _chosen(plan: Plan) -> dict[Component, Chosen]:
    # What only builds use is chosen for them, beside the application's own stream of it.
    return {
        stream.component: Chosen(stream.version, stream.origin)
        for stream in plan.streams
        if not (stream.build_only and stream.origin is Origin.PRIVATE)
    }
