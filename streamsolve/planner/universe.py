"""The selection problem itself as a document, for an independent solver to check the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..model.component import PYTHON, Component
from ..model.requirement import Requirement
from ..model.stream import Offer, Stream
from ..model.target import Target
from .planning import Attempt

__all__ = ["universe_document"]

_SCHEMA = "streamsolve.universe/1"


def universe_document(attempt: Attempt) -> Mapping[str, object]:
    """Every offer that could be reached from the application, with what it demands, sorted.

    ``cost`` is the weight of an offer: the sum over the chosen ones is least. A requirement whose
    marker names an extra counts only when that extra is asked for; the others are evaluated for
    the environment of the chosen interpreter, given under ``environments``.
    """
    root = attempt.book.root.component
    reached = _reached(attempt)
    return {
        "schema": _SCHEMA,
        "application": {"kind": root.kind.value, "component": root.name},
        "environments": {s: dict(t.environment()) for s, t in sorted(attempt.targets.items())},
        "offers": [
            _stream(stream)
            for component in sorted(reached)
            for stream in sorted(reached[component], key=lambda s: _order(s.offer))
        ],
    }


def _reached(attempt: Attempt) -> Mapping[Component, list[Stream]]:
    """The streams of every component that some choice could use, with the extras asked for."""
    book = attempt.book
    streams: dict[Component, list[Stream]] = {}
    todo: set[tuple[Component, str]] = {(book.root.component, ""), (PYTHON, "")}
    done: set[tuple[Component, str]] = set()
    while todo:
        done |= todo
        found: set[tuple[Component, str]] = set()
        for component, extra in sorted(todo, key=str):
            if component not in streams:
                streams[component] = list(book.streams(book.offers(component)))
            for stream in streams[component]:
                for requirement in _wanted(stream, extra, attempt.targets.values()):
                    found.add((requirement.component, ""))
                    found.update((requirement.component, name) for name in requirement.extra_names)
        todo = found - done
    return streams


def _wanted(stream: Stream, extra: str, targets: Iterable[Target]) -> set[Requirement]:
    return {r for target in targets for r in stream.demands(target, extra)}


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
        "extras": list(requirement.extra_names),
        "marker": requirement.marker,
    }
