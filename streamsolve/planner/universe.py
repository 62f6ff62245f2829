"""The selection problem itself as a document, for an independent solver to check the answer."""

from __future__ import annotations

from collections.abc import Mapping

from ..model.component import PYTHON, Component
from ..model.requirement import Requirement
from ..model.stream import Offer, Stream
from .planning import Attempt

__all__ = ["universe_document"]

_SCHEMA = "streamsolve.universe/1"


def universe_document(attempt: Attempt) -> Mapping[str, object]:
    """Every offer that could be reached from the application, with what it demands, sorted.

    ``cost`` is the weight of an offer: the sum over the chosen ones is least. A requirement whose
    marker names an extra counts only when that extra is asked for; the others are evaluated for
    the environment of the chosen interpreter, given under ``environments``.
    """
    book = attempt.book
    root = book.root.component
    seen: dict[Component, list[Stream]] = {}
    todo = [root, PYTHON]
    while todo:
        component = todo.pop()
        if component in seen:
            continue
        seen[component] = list(book.streams(book.offers(component)))
        for stream in seen[component]:
            wanted = [*stream.requirements, *(r for rs in stream.extras.values() for r in rs)]
            todo.extend(requirement.component for requirement in wanted)
    return {
        "schema": _SCHEMA,
        "application": {"kind": root.kind.value, "component": root.name},
        "environments": {s: dict(t.environment()) for s, t in sorted(attempt.targets.items())},
        "offers": [
            _stream(stream)
            for component in sorted(seen)
            for stream in sorted(seen[component], key=lambda s: _order(s.offer))
        ],
    }


def _order(offer: Offer) -> tuple[object, ...]:
    return (offer.version, offer.origin.value, offer.package)


def _stream(stream: Stream) -> Mapping[str, object]:
    offer = stream.offer
    return {
        "kind": offer.component.kind.value,
        "component": offer.component.name,
        "version": str(offer.version),
        "origin": offer.origin.value,
        "package": offer.package,
        "cost": offer.cost,
        "in_base": offer.in_base,
        "pythons": list(offer.pythons),
        "requirements": [_requirement(r) for r in _sorted(stream.requirements)],
        "constraints": [_requirement(r) for r in _sorted(stream.constraints)],
        "extras": {
            name: [_requirement(r) for r in _sorted(wanted)]
            for name, wanted in sorted(stream.extras.items())
        },
        "unknown_extras_add_nothing": stream.open_extras,
    }


def _sorted(requirements: tuple[Requirement, ...]) -> list[Requirement]:
    return sorted(requirements, key=lambda r: (str(r.component.kind), r.text, r.marker))


def _requirement(requirement: Requirement) -> Mapping[str, object]:
    return {
        "kind": requirement.component.kind.value,
        "component": requirement.component.name,
        "specifier": str(requirement.specifier),
        "extras": list(requirement.extras),
        "marker": requirement.marker,
    }
