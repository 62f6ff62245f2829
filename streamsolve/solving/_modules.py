"""The packages that modules hide, by their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..model.module_filter import ModuleFilter
from ..model.package import Repository
from ._libsolv import Engine

__all__ = ["hidden_numbers"]


def hidden_numbers(
    engine: Engine, hidden: ModuleFilter, repositories: Mapping[int, Repository]
) -> frozenset[int]:
    """All packages that a filter hides, while nothing is hidden in the engine."""
    found = set(_of_names(engine, {name.rsplit("-", 2)[0] for name in hidden.artifacts}))
    found = {one for one in found if engine.full_name(one) in hidden.artifacts}
    for name in hidden.names:
        found |= engine.bearers(name)
    for name in hidden.source_names:
        found.update(engine.named(name, source=True))
    exempt = {number for number, each in repositories.items() if each.id in hidden.exempt}
    return frozenset(
        one
        for one in found
        if engine.full_name(one) not in hidden.shown and engine.repository_of(one) not in exempt
    )


def _of_names(engine: Engine, names: Iterable[str]) -> Iterable[int]:
    for name in names:
        yield from engine.named(name)
        yield from engine.named(name, source=True)
