"""The next best plans, one after the other.

What makes a plan another one is what has to be built for it. Each plan goes without at least one
private stream of every plan before it, whatever the versions; an interpreter of another series is
another stream. So no plan is shown that merely builds a further stream or another release of one:
whoever wants that asks `why-not`. Costs never fall from one plan to the next, and each is proven to
be the least of what is left.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import NoPlanError
from ..model.package import Base
from ..model.plan import Plan
from ..model.profile import Profile
from ..model.progress import Progress, no_progress
from .planning import Workshop
from .questions import failure_of
from .request import PlanRequest
from .trials import Trials

__all__ = ["alternatives", "alternatives_in"]


def alternatives(
    request: PlanRequest,
    *,
    progress: Progress = no_progress,
    profile: Profile | None = None,
    base: Base | None = None,
) -> Iterator[Plan]:
    """The best plan, then the next best ones, as long as there are any.

    Each is looked for when it is asked for. The base stays open until the iterator is closed.
    Raises :class:`NoPlanError` when there is no plan at all, and :class:`InputError`.
    """
    with Workshop.open(request, progress, profile=profile, base=base) as workshop:
        yield from alternatives_in(workshop)


def alternatives_in(workshop: Workshop) -> Iterator[Plan]:
    """The same in an open workshop, for the request that it was opened for."""
    attempt = workshop.attempt(workshop.request)
    if attempt.plan is None:
        failure = failure_of(workshop, workshop.request, attempt)
        raise NoPlanError(f"no plan exists for {failure.application}", failure)
    yield attempt.plan
    trials = Trials.after(workshop, attempt)
    found = trials.best()
    while found is not None:
        trials.go_without(found)
        workshop.progress("looking for the next best plan", 0, 0)
        found = trials.best()
        if found is not None:
            yield found.plan()
