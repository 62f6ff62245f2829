"""How far a base's extract reaches: it holds what an application's own requirements lead to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors import Code, InputError, Place
from ..model.component import Component, Kind, Origin
from ..model.conflict import Conflict
from ..model.package import Base
from ..model.plan import Plan
from .request import PlanRequest
from .upstream import Upstream

__all__ = ["check_reach"]

_NAMED = 4


def check_reach(
    request: PlanRequest,
    base: Base,
    upstream: Upstream,
    plan: Plan | None,
    conflicts: Iterable[Conflict],
) -> None:
    """Refuse an answer that takes something to be missing in the base where its extract was never
    asked for it, since only a further demand leads there: :class:`InputError`."""
    extract = upstream.extract
    if not request.demands or not base.embedded or extract is None:
        return
    wanted = _lacking(conflicts) if plan is None else _own(plan)
    known = set(extract.names)
    beyond = sorted(
        each.spelled
        for each in set(wanted)
        if each.kind is not Kind.DISTRIBUTION or each.name not in known
    )
    if not beyond:
        return
    rest = f" and {len(beyond) - _NAMED} more" if len(beyond) > _NAMED else ""
    raise InputError(
        Code.NEEDS_WHOLE_BASE,
        f"whether {base.name} has {', '.join(beyond[:_NAMED])}{rest} is not known: what comes with "
        "the tool of it holds what the application's own requirements lead to, and --with leads "
        "further",
        place=Place(base.name),
        hint="name the base's repositories with --base DIRECTORY, or let them be fetched with "
        "--fresh",
    )


def _own(plan: Plan) -> Iterator[Component]:
    """The distributions of a plan that are not the base's."""
    for stream in plan.streams:
        if stream.kind is Kind.DISTRIBUTION and stream.origin is Origin.PRIVATE:
            yield stream.component


def _lacking(conflicts: Iterable[Conflict]) -> Iterator[Component]:
    """What conflicts find nothing of, and all distributions that they are about."""
    for conflict in conflicts:
        for chain in conflict.chains:
            for demand in chain:
                component = demand.requirement.component
                if component.kind is Kind.DISTRIBUTION or not demand.available:
                    yield component
