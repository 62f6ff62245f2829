"""Module streams that hide what a plan lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve

from ..errors import StreamsolveError
from ..model.component import Component, Kind, Origin
from ..model.conflict import Conflict
from ..model.modules import preferred
from ..model.plan import Notice, Plan
from .planning import Workshop
from .request import PlanRequest

__all__ = ["module_candidates", "module_offers", "streams_with"]

_TRIED = 6


def module_candidates(workshop: Workshop, conflicts: Iterable[Conflict]) -> tuple[str, ...]:
    """The streams (``name:stream``) that hide something which conflicts lack, at most six; of a
    module that has an active stream, none. Choosing one is no repair until that was solved."""
    if not workshop.pool.hidden:
        return ()
    told = tuple(conflicts)
    wanted = {text for conflict in told for text in (*conflict.missing, *conflict.lacking)}
    components = {
        demand.requirement.component
        for conflict in told
        for chain in conflict.chains
        for demand in chain
    }
    for component in components:
        wanted.update(_capabilities(workshop, component))
    return streams_with(workshop, wanted)[:_TRIED]


def streams_with(workshop: Workshop, capabilities: Iterable[str]) -> tuple[str, ...]:
    """The streams that hide a package which provides one of these, the preferred ones first."""
    taken = {one.name for one in workshop.modules.chosen}
    found: dict[str, set[str]] = {}
    for package in workshop.pool.hidden_providers(capabilities):
        for spelled in workshop.modules.owners(package.nevra):
            name, _, stream = spelled.partition(":")
            if name not in taken:
                found.setdefault(name, set()).add(stream)
    index = workshop.modules.index
    return tuple(
        f"{name}:{stream}"
        for name in sorted(found)
        for stream in preferred(found[name], default=index.default_of(name))
    )


def _capabilities(workshop: Workshop, component: Component) -> Iterator[str]:
    """What the base's package of a component provides."""
    if component.kind is Kind.DISTRIBUTION:
        for python in workshop.interpreters:
            yield f"python{python}dist({component.name})"
    elif rule := workshop.profile.rule(component):
        yield from (name for name in rule.packages if "{" not in name)


def module_offers(workshop: Workshop, request: PlanRequest, plan: Plan) -> tuple[Notice, ...]:
    """The streams with which a plan would have fewer private streams: each was planned. Nothing is
    tried unless a hidden package is one of a component that is private now."""
    if not workshop.pool.hidden:
        return ()
    private = plan.of_origin(Origin.PRIVATE)
    wanted = {text for one in private for text in _capabilities(workshop, one.component)}
    found = []
    for stream in streams_with(workshop, wanted)[:_TRIED]:
        changed = evolve(request, modules=(*request.modules, stream))
        other = _planned(workshop, changed)
        if other is None or other.summary.private >= plan.summary.private:
            continue
        left = {one.component for one in other.of_origin(Origin.PRIVATE)}
        given = sorted(str(one.component) for one in private if one.component not in left)
        found.append(
            Notice(
                "module-offer",
                f"the base has {', '.join(given)} in the module {stream}, which it hides: with "
                f"--module {stream} the plan has {other.summary.private} private streams",
            )
        )
    return tuple(found)


def _planned(workshop: Workshop, request: PlanRequest) -> Plan | None:
    try:
        with workshop.choosing(request.modules):
            return workshop.attempt(request).plan
    except StreamsolveError:
        return None
