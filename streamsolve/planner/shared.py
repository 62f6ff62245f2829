"""Several applications on one base: the smallest set of stream sets, and what those have in
common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import define, evolve, field, frozen

from ..errors import NoPlanError
from ..model.build import BuildPlan
from ..model.component import Component, Kind, Origin
from ..model.conflict import Failure
from ..model.package import Base
from ..model.plan import Demander, Plan, PlannedStream, ReasonKind
from ..model.progress import Progress, no_progress
from ..model.shared import (
    Apart,
    ApartKind,
    CommonStream,
    Copy,
    Difference,
    DifferenceKind,
    SharedApplication,
    SharedPlan,
    StreamSet,
)
from .joint_plans import Group, Joint, JointPlans
from .joint_rules import Application, build_rules_of
from .partition import best_partition
from .planning import Workshop
from .questions import failure_of
from .request import PlanRequest
from .upstream import Upstream

__all__ = ["plan_shared"]


def plan_shared(
    request: PlanRequest,
    applications: Sequence[Application],
    *,
    progress: Progress = no_progress,
    base: Base | None = None,
    upstream: Upstream | None = None,
) -> SharedPlan:
    """Divide applications into the fewest sets of streams, and among those the cheapest.

    The request's own application, variant and version say nothing. Raises :class:`NoPlanError` for
    an application that has no plan even alone, with its own explanation, and :class:`InputError`.
    """
    arch = base.arch if base is not None else request.arch
    ordered = sorted((one.on(arch) for one in applications), key=lambda one: one.label)
    with JointPlans.open(request, ordered, progress, base=base, upstream=upstream) as plans:
        for one in ordered:
            alone = plans.of(frozenset([one.label]))
            if isinstance(alone, Apart):
                raise _impossible(plans, one, alone)

        def cost(group: Group) -> int | None:
            found = plans.of(group)
            return None if isinstance(found, Apart) else found.plan.summary.cost

        def bound(group: Group) -> int:
            summary = _joint(plans, group).plan.summary
            return summary.cost if summary.minimal else 0

        best = best_partition([one.label for one in ordered], cost, bound=bound)
        return _answer(plans, ordered, best.groups, best.apart)


def _joint(plans: JointPlans, group: Group) -> Joint:
    found = plans.of(group)
    if isinstance(found, Apart):
        raise ValueError(f"{sorted(group)} cannot be together")  # noqa: TRY004 - no fault of types
    return found


def _answer(
    plans: JointPlans,
    applications: Sequence[Application],
    groups: Sequence[tuple[str, ...]],
    apart: Iterable[Group],
) -> SharedPlan:
    sets = []
    for group in groups:
        joint = _joint(plans, frozenset(group))
        sets.append(StreamSet(group, joint.plan, joint.users))
    reasons = tuple(found for group in apart if isinstance(found := plans.of(group), Apart))
    planned = [found.plan for found in plans.known.values() if isinstance(found, Joint)]
    return SharedPlan(
        base=plans.base.name,
        arch=plans.base.arch,
        applications=tuple(
            SharedApplication(
                one.label,
                one.profile.name,
                one.variant.name,
                one.component,
                one.profile.version,
                _joint(plans, frozenset([one.label])).plan,
            )
            for one in applications
        ),
        sets=tuple(sets),
        apart=reasons,
        common=_common(sets, {one.label: one for one in applications}),
        fewest=all(each.kind is not ApartKind.UNDECIDED for each in reasons),
        cheapest=all(plan.summary.minimal for plan in planned),
        builds=plans.request.builds,
        demands=tuple(sorted(plans.request.demands)),
    )


def _impossible(plans: JointPlans, one: Application, apart: Apart) -> NoPlanError:
    """That an application has no plan by itself, as planning it alone says it."""
    request = evolve(plans.request, application=one.spelled, variant=one.variant.name, version="")
    workshop = Workshop(
        request,
        one.origin,
        plans.base,
        plans.pool,
        plans.upstream,
        plans.progress,
        plans.modules,
    )
    attempt = workshop.attempt(request)
    failure = Failure(
        one.profile.name,
        str(one.profile.version),
        one.variant.name,
        plans.base.name,
        plans.base.arch,
        apart.conflicts,
    )
    if attempt.plan is None:
        failure = failure_of(workshop, request, attempt)
    return NoPlanError(f"no plan exists for {one.label} on {plans.base.name}", failure)


# -- what sets have in common ----------------------------------------------------------------------


_Row = tuple[object, ...]
"""A stream, as far as it tells one from another."""


@frozen
class _Made:
    """A private stream of a set, and all that it is made from. ``below`` are the streams that it
    reaches at run time, ``direct`` those that each of what it requires itself brings, ``build``
    what lies in the build roots that it and those come from."""

    number: int
    stream: PlannedStream
    users: tuple[str, ...]
    python: str
    rules: frozenset[object]
    below: frozenset[_Row]
    build: frozenset[object] = field(default=frozenset())
    direct: Mapping[Component, frozenset[_Row]] = field(factory=dict)

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal for streams that are built once."""
        one = self.stream
        made = (one.version, one.source, one.prebuilt, one.package)
        return (*made, self.python, self.rules, self.below, self.build)


def _common(
    sets: Sequence[StreamSet], applications: Mapping[str, Application]
) -> tuple[CommonStream, ...]:
    made: dict[Component, list[_Made]] = {}
    for number, one in enumerate(sets, 1):
        members = [applications[label] for label in one.applications]
        reach = _Reach(one.plan, members)
        for stream in one.plan.streams:
            if stream.origin is Origin.PRIVATE and not stream.build_only:
                found = _made(number, one, stream, reach)
                made.setdefault(stream.component, []).append(found)
    return tuple(
        _common_stream(component, made[component])
        for component in sorted(made)
        if len({label for each in made[component] for label in each.users}) > 1
    )


def _made(number: int, one: StreamSet, stream: PlannedStream, reach: _Reach) -> _Made:
    python = one.plan.python if stream.kind in (Kind.DISTRIBUTION, Kind.INTERPRETER) else ""
    rules = _rules_of(stream.component, reach.members)
    below = reach.of(stream.component)
    built = _built(one.plan.builds, stream) if one.plan.builds else frozenset()
    users = one.users.get(stream.component, ())
    direct = {each: reach.of(each) | {reach.row(each)} for each in reach.required(stream.component)}
    return _Made(number, stream, users, python, rules, below, built, direct)


def _rules_of(component: Component, members: Iterable[Application]) -> frozenset[object]:
    """All that the profiles of a set say of how a component is made."""
    return frozenset(rule for each in members for rule in build_rules_of(each, component) if rule)


@define
class _Reach:
    """What the streams of a plan reach at run time."""

    plan: Plan
    members: Sequence[Application]
    _streams: dict[Component, PlannedStream] = field(init=False)
    _rows: dict[Component, _Row] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._streams = {each.component: each for each in self.plan.streams if not each.build_only}

    def required(self, component: Component) -> tuple[Component, ...]:
        """What a stream requires itself, sorted."""
        found = {each.component for each in self._streams[component].requirements}
        return tuple(sorted((found & self._streams.keys()) - {component}))

    def row(self, component: Component) -> _Row:
        """A stream by all that it is, and for a private one by how it is made."""
        if component not in self._rows:
            one = self._streams[component]
            private = one.origin is Origin.PRIVATE
            made = _rules_of(component, self.members) if private else frozenset()
            what = (one.component, one.version, one.origin, one.package, one.source, one.prebuilt)
            self._rows[component] = (*what, made)
        return self._rows[component]

    def of(self, component: Component) -> frozenset[_Row]:
        """The streams that one reaches, itself left out."""
        reached: set[Component] = {component}
        todo = [component]
        while todo:
            following = set(self.required(todo.pop())) - reached
            reached |= following
            todo += sorted(following)
        return frozenset(self.row(each) for each in reached - {component})


def _built(builds: BuildPlan, stream: PlannedStream) -> frozenset[object]:
    """What lies in the roots of a stream's builds, and of all builds that those come after."""
    todo = [
        build.id
        for build in builds.builds
        if (build.component, build.version) == (stream.component, stream.version)
    ]
    found: dict[str, object] = {}
    while todo:
        build = builds.build(todo.pop())
        if build is None or build.id in found:
            continue
        root = builds.root(build.root)
        found[build.id] = (build.id, build.needs, root.packages if root else ())
        todo += build.after
    return frozenset(found.values())


def _common_stream(component: Component, made: Sequence[_Made]) -> CommonStream:
    groups: dict[tuple[object, ...], list[_Made]] = {}
    for each in made:
        groups.setdefault(each.identity, []).append(each)
    copies = sorted(groups.values(), key=lambda group: group[0].number)
    versions = {each.stream.version for each in made}
    return CommonStream(
        component,
        tuple(_copy(group, made) for group in copies),
        _difference([group[0] for group in copies], len(versions) > 1),
    )


def _copy(group: Sequence[_Made], made: Sequence[_Made]) -> Copy:
    first = group[0].stream
    others = {each.stream.version for each in made} - {first.version}
    demands = {
        (demand.component, str(demand.requirement)): demand
        for each in group
        for demand in each.stream.required_by
        if any(other and not demand.requirement.allows(other) for other in others)
    }
    if first.version is None:
        raise ValueError(f"{first.component} is private and has no version")
    return Copy(
        first.version,
        tuple(each.number for each in group),
        tuple(sorted({label for each in group for label in each.users})),
        first.cost,
        _sorted(demands.values()),
    )


def _sorted(demands: Iterable[Demander]) -> tuple[Demander, ...]:
    return tuple(sorted(demands, key=lambda demand: (demand.component, str(demand.requirement))))


def _difference(copies: Sequence[_Made], versions: bool) -> Difference | None:
    """Why the first of several copies is not the next one as well."""
    if len(copies) < 2:
        return None
    if versions:
        stated = [d.requirement for each in copies for d in each.stream.required_by]
        told = sorted({version for each in copies if (version := each.stream.version)})
        fixed = {
            each.stream.version
            for each in copies
            if each.stream.reason.kind is ReasonKind.APPLICATION
        }
        agreeing = tuple(v for v in told if fixed <= {v} and all(r.allows(v) for r in stated))
        apart = len(agreeing) < len(told)
        return Difference(DifferenceKind.DEMANDS if apart else DifferenceKind.CHOICE, agreeing)
    if len({each.python for each in copies}) > 1:
        pythons = dict.fromkeys(each.python for each in copies)
        return Difference(DifferenceKind.PYTHON, texts=tuple(pythons))
    if len({(each.rules, each.stream.source, each.stream.prebuilt) for each in copies}) > 1:
        return Difference(DifferenceKind.RULES)
    if len({each.below for each in copies}) > 1:
        return Difference(DifferenceKind.BELOW, below=_differing(copies))
    return Difference(DifferenceKind.BUILD)


def _differing(copies: Sequence[_Made]) -> tuple[Component, ...]:
    """What copies require themselves and is not the same below all of them, sorted."""
    every = {component for each in copies for component in each.direct}
    odd = (one for one in every if len({each.direct.get(one) for each in copies}) > 1)
    return tuple(sorted(odd))
