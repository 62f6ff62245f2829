"""The ways to build a module: one stream for each module that it names, or why there is none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from enum import Enum

from attrs import frozen

from .modules import ANY_STREAM, ModuleDependencies, ModuleStream, StreamChoice

__all__ = [
    "Expansion",
    "ExpansionFact",
    "ExpansionFailure",
    "FactKind",
    "Side",
    "computed_context",
    "distinct",
]

_Streams = tuple[tuple[str, str], ...]


class Side(Enum):
    """Where streams are chosen: to build the module, or to use it."""

    BUILD = "buildrequires"
    RUN = "requires"

    def __lt__(self, other: Side) -> bool:
        return self.value < other.value


@frozen(order=True)
class Expansion:
    """One way to build a module: a stream of each module that it names, by module, sorted.
    ``context`` tells it from the others."""

    buildrequires: _Streams
    requires: _Streams
    context: str = ""


class FactKind(Enum):
    """What one fact of a failure states."""

    UNKNOWN_MODULE = "unknown-module"
    UNKNOWN_STREAM = "unknown-stream"
    DIFFERENT_SIDES = "different-sides"
    NEEDS = "needs"
    ONE_STREAM = "one-stream"

    def __lt__(self, other: FactKind) -> bool:
        return self.value < other.value


@frozen(order=True)
class ExpansionFact:
    """One fact. ``who`` (``name:stream:context``; empty: the module itself) needs, for ``side``,
    ``choice`` of ``module``, of which ``known`` streams (or, for an unknown module, modules) exist.
    For ``ONE_STREAM``, ``known`` are streams of ``module`` of which a root may hold one only."""

    kind: FactKind
    side: Side
    module: str
    choice: StreamChoice = ANY_STREAM
    who: str = ""
    known: tuple[str, ...] = ()


@frozen
class ExpansionFailure:
    """That a group of dependencies cannot be met: facts that cannot hold together, sorted."""

    group: ModuleDependencies
    facts: tuple[ExpansionFact, ...]


def computed_context(module: ModuleStream, buildrequires: _Streams, requires: _Streams) -> str:
    """The context of a build as Fedora's module build service computes it: eight hexadecimal
    digits over the streams of both sides; a static one stays as it is.

    Source: ``ModuleBuild.calculate_module_context`` of the module build service.
    """
    if module.static_context and module.context:
        return module.context
    build = _digest(dict(sorted(buildrequires)))
    run = _digest({name: [stream] for name, stream in sorted(requires)})
    return _sha1(f"{build}:{run}")[:8]


def _digest(streams: object) -> str:
    return _sha1(json.dumps(streams))


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def distinct(facts: Iterable[ExpansionFact]) -> tuple[ExpansionFact, ...]:
    """Each fact once, sorted."""
    return tuple(sorted(set(facts)))
