"""Locks made again with as few changes as possible."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, evolve, field, frozen
from packaging.version import Version

from ..errors import Code, InputError, Place, nearest
from ..explain.conflict_text import conflict_sentence
from ..explain.sentences import demanders
from ..inputs.notation import read_any_component
from ..lock import Lock, diff, lock_text
from ..model.component import PYTHON, Component, Origin
from ..model.conflict import Cause, Conflict, Demand
from ..model.difference import LockDiff
from ..model.package import Base
from ..model.plan import Demander, Plan, PlannedStream, ReasonKind
from ..model.profile import Profile
from ..model.progress import Progress, no_progress
from ..model.target import series_of
from .locking import differing_parts, lock_of, locked, no_plan, request_again
from .planning import PINNED, Workshop
from .request import PlanRequest

__all__ = ["Dropped", "Update", "pins_of", "update_lock"]

_CHOSEN = (Origin.PRIVATE, Origin.EXTERNAL)
_TRIED = 16
"""How many versions that were let go are tried again: each one is a plan."""
_Pins = dict[str, str]


@frozen(order=True)
class Dropped:
    """A version of the old lock that could not be kept, and why, in one clause."""

    component: str
    version: str
    why: str


@frozen
class Update:
    """A lock made again. ``changes`` are what differs from the old one, ``parts`` the parts of the
    document that do: without any, both do the same. ``dropped`` are versions that could not be
    kept. ``stays`` says why the component that was to move did not."""

    lock: Lock
    text: str
    changes: LockDiff
    parts: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    stays: str = ""


def pins_of(plan: Plan) -> _Pins:
    """The versions that an update keeps, by component: those of the streams that were chosen for
    the application. What comes from the base is what the base has now."""
    return {
        stream.component.spelled: str(stream.version)
        for stream in plan.streams
        if stream.origin in _CHOSEN
        and stream.version is not None
        and not stream.build_only
        and stream.reason.kind is not ReasonKind.APPLICATION
    }


def update_lock(
    lock: Lock,
    given: PlanRequest,
    *,
    only: str = "",
    progress: Progress = no_progress,
    profile: Profile | None = None,
    base: Base | None = None,
) -> Update:
    """Make a lock again, with as few changes as possible.

    What was chosen for the application keeps its version where that can be; what comes from the
    base is what the base has now. With ``only``, that component goes to the newest version that
    fits, with what must follow it. ``given`` is as in :func:`request_again`. Raises
    :class:`NoPlanError`, and :class:`InputError`.
    """
    again = request_again(lock, given)
    stream = _named(lock.plan, only) if only else None
    # The application itself stays what it is where one component alone is to move.
    request = again if stream is None else evolve(again, version=str(lock.plan.version))
    with Workshop.open(request, progress, profile=profile, base=base) as workshop:
        keeping = _Keeping(workshop, request, pins_of(lock.plan))
        stays = keeping.move(stream) if stream is not None else ""
        made, written = locked(workshop, again, keeping.plan())
    return Update(
        made,
        written,
        diff(lock, lock_of(made.plan, made.settings)),
        differing_parts(lock_text(lock.plan, lock.settings), written),
        tuple(sorted(keeping.dropped.values())),
        stays,
    )


def _named(plan: Plan, name: str) -> PlannedStream:
    """The stream that is to move."""
    movable = {
        stream.component.spelled: stream for stream in plan.streams if stream.version is not None
    }
    found = movable.get(name) or next(
        (stream for stream in movable.values() if stream.component.name == name), None
    )
    if found is None:
        raise InputError(
            Code.BAD_OPTION,
            f"the lock has no stream of {name}",
            place=Place("--only"),
            hint=nearest(name, movable),
        )
    if found.reason.kind is ReasonKind.APPLICATION:
        raise InputError(
            Code.BAD_OPTION,
            f"{name} is the application itself",
            place=Place("--only"),
            hint="`streamsolve lock` with --app-version locks another version of it",
        )
    if found.build_only and found.origin is Origin.PRIVATE:
        raise InputError(
            Code.BAD_OPTION,
            f"{name} is there for builds alone, and always the best for them",
            place=Place("--only"),
            hint="leave out --only",
        )
    return found


@define
class _Keeping:
    """Plans that keep as many versions as they can.

    A version that takes part in a conflict is let go. Once there is a plan, each of those is tried
    again, since a conflict of several needs not all of them gone.
    """

    workshop: Workshop
    request: PlanRequest
    pins: _Pins
    dropped: dict[str, Dropped] = field(factory=dict)
    chosen: Plan | None = field(default=None, init=False)

    def plan(self) -> Plan:
        """The plan with its builds; :class:`NoPlanError` where there is none whatever goes."""
        conflicts = self.choose()
        while not conflicts:
            attempt = self.workshop.attempt(self._asked(builds=True))
            if attempt.plan is not None:
                return attempt.plan
            conflicts = attempt.conflicts
            if self._let_go(conflicts) or self._let_all_go():
                conflicts = self.choose()
        raise no_plan(self.workshop, self._asked(), self.workshop.attempt(self._asked()))

    def choose(self) -> tuple[Conflict, ...]:
        """Let go what cannot be kept; the conflicts that are left where that does not help."""
        before = set(self.dropped)
        while True:
            attempt = self.workshop.attempt(self._asked())
            self.chosen = attempt.plan
            if attempt.plan is not None:
                break
            if not self._let_go(attempt.conflicts):
                return attempt.conflicts
        gone = sorted(set(self.dropped) - before)
        for name in gone[:_TRIED] if len(gone) > 1 else ():
            self._take_back(name)
        return ()

    def move(self, stream: PlannedStream) -> str:
        """Let one component go to the newest version that fits; why it stays where it is, if it
        does. What comes from the base follows the base."""
        component, start = stream.component, stream.version
        if start is None or self.pins.pop(component.spelled, None) is None:
            return ""
        newest = start
        while True:
            beyond = _beyond(component, newest)
            asked = evolve(self.request, demands=(*self.request.demands, beyond))
            trial = _Keeping(self.workshop, asked, {**self.pins}, {**self.dropped})
            conflicts = trial.choose()
            moved = trial.chosen.stream(component.name) if trial.chosen else None
            if moved is None or moved.version is None or moved.version <= newest:
                break
            newest, self.pins, self.dropped = moved.version, trial.pins, trial.dropped
        self.pins[component.spelled] = str(newest)
        if newest != start:
            return ""
        if all(conflict.cause is Cause.NO_SUCH_VERSION for conflict in conflicts):
            embedded = self.workshop.upstream.only_embedded(component.name)
            where = " among the releases that come with the tool" if embedded else ""
            return f"there is no newer one{where}"
        return _why(component, conflicts)

    def _asked(self, *, builds: bool = False) -> PlanRequest:
        return evolve(self.request, pins=tuple(sorted(self.pins.items())), builds=builds)

    def _let_go(self, conflicts: tuple[Conflict, ...]) -> bool:
        """Whether any version takes part in the conflicts; those are not kept from now on."""
        named = {_spelled(d) for d in _demands(conflicts) if d.requirement.place == PINNED}
        about = {_spelled(d) for d in _demands(conflicts)}
        gone = (named or about) & self.pins.keys()
        for name in sorted(gone):
            why = _why(read_any_component(name, PINNED), conflicts)
            self.dropped[name] = Dropped(name, self.pins.pop(name), why)
        return bool(gone)

    def _let_all_go(self) -> bool:
        """Whether there was anything left to let go."""
        for name, version in self.pins.items():
            why = "with the versions of the lock not everything can be built"
            self.dropped[name] = Dropped(name, version, why)
        had_any = bool(self.pins)
        self.pins.clear()
        return had_any

    def _take_back(self, name: str) -> None:
        """Keep a version after all, if there is a plan with it."""
        kept = {**self.pins, name: self.dropped[name].version}
        trial = _Keeping(self.workshop, self.request, kept)
        attempt = self.workshop.attempt(trial._asked())
        if attempt.plan is not None:
            self.pins, self.chosen = kept, attempt.plan
            del self.dropped[name]


def _beyond(component: Component, version: Version) -> str:
    """A requirement on a version that is newer; of Python, on a newer series."""
    if component == PYTHON:
        return f"{component.spelled}>{version},!={series_of(version)}.*"
    return f"{component.spelled}>{version.public}"


def _demands(conflicts: Iterable[Conflict]) -> list[Demand]:
    return [demand for one in conflicts for chain in one.chains for demand in chain]


def _spelled(demand: Demand) -> str:
    return demand.requirement.component.spelled


def _why(component: Component, conflicts: Iterable[Conflict]) -> str:
    """Why a component cannot have a version, from the conflicts that it takes part in."""
    concerned = [
        conflict
        for conflict in conflicts
        if any(_spelled(demand) == component.spelled for demand in _demands([conflict]))
    ]
    for conflict in concerned:
        on_it = [d for d in _demands([conflict]) if d.requirement.component == component]
        kept = [d for d in on_it if d.requirement.place == PINNED]
        if kept and not any(demand.allowed for demand in kept):
            return "that version is not there any more"
        others = [d for d in on_it if d not in kept and not d.requirement.is_asked]
        if others:
            return demanders([Demander(d.by, d.requirement) for d in others])
    # What is in the way is said of the whole conflict, whose sentence ends with a full stop.
    return "; ".join(conflict_sentence(conflict).rstrip(".") for conflict in concerned)
