"""How far a plan is in COPR. Only asks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from attrs import frozen

from ..errors import InputError
from .farm import Farm, FarmBuild
from .finding import Finder, best
from .journal import Journal
from .patience import Patience
from .plan import FarmPlan
from .projects import compare, refuse_missing
from .tally import Standing, tally

__all__ = ["FarmStatus", "farm_status"]


@frozen
class FarmStatus:
    """The standing of every build, by the ids of the plan and in its order; COPR's builds of those
    that it has; and the addresses of the logs of what failed. ``drifted`` are the projects that are
    not set up as the plan says."""

    standings: Mapping[str, Standing]
    builds: Mapping[str, FarmBuild]
    logs: Mapping[str, tuple[str, ...]]
    drifted: tuple[str, ...] = ()

    @property
    def is_built(self) -> bool:
        """Whether everything is built."""
        return all(standing is Standing.BUILT for standing in self.standings.values())


def farm_status(
    farm: Farm,
    plan: FarmPlan,
    journal: Journal,
    patience: Patience | None = None,
    *,
    may_miss: bool = False,
) -> FarmStatus:
    """What COPR has of a plan. Raises :class:`InputError` where its projects are not there, unless
    they ``may_miss``."""
    patience = patience or Patience()
    setup = compare(farm, plan, patience)
    if not may_miss:
        refuse_missing(setup, plan.owner)
    finder = Finder(farm, plan, journal, patience, without=setup.missing)
    finder.look()
    ours: dict[str, FarmBuild] = {}
    for wanted in plan.builds:
        found = finder.of(wanted)
        # What failed is told as well, unless it was submitted again and goes on or is built.
        chosen = best(found) or next(iter(reversed(found)), None)
        if chosen is not None:
            ours[wanted.id] = chosen
    standings = tally(plan, ours)
    logs = {
        id: _logs(farm, patience, ours[id].id)
        for id, standing in standings.items()
        if standing is Standing.FAILED
    }
    drifted = sorted({change.project for change in setup.changes})
    return FarmStatus(standings, ours, logs, tuple(drifted))


def _logs(farm: Farm, patience: Patience, number: int) -> tuple[str, ...]:
    try:
        return patience.insist(
            f"say where the logs of build {number} are", partial(farm.logs, number)
        )
    except InputError:
        return ()
