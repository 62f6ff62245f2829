"""Small random selection problems, and oracles that are simple enough to trust."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence

from attrs import define, field
from hypothesis import strategies as st
from packaging.requirements import Requirement as Pep508
from packaging.version import Version

from streamsolve.model import (
    PYTHON,
    Component,
    Offer,
    Origin,
    Requirement,
    Stream,
    Target,
    distribution,
    parse_requirement,
    python_requirement,
)
from streamsolve.selection import Problem, Selection, offer_preference

APP = distribution("app")


@define
class Universe:
    """Streams by component; an offer book that counts what it is asked for."""

    streams_by: dict[Component, list[Stream]]
    targets: dict[str, Target]
    asked: list[Offer] = field(factory=list)

    def offers(self, component: Component) -> Sequence[Offer]:
        return [stream.offer for stream in self.streams_by.get(component, [])]

    def streams(self, offers: Sequence[Offer]) -> Sequence[Stream]:
        self.asked.extend(offers)
        return [
            next(s for s in self.streams_by[o.component] if s.offer.key == o.key) for o in offers
        ]

    @property
    def root(self) -> Stream:
        return self.streams_by[APP][0]

    def problem(self) -> Problem:
        return Problem(self.root, self, self.targets)

    def shuffled(self, seed: int) -> Universe:
        rng = random.Random(seed)
        components = list(self.streams_by)
        rng.shuffle(components)
        mixed = {}
        for component in components:
            streams = []
            for stream in self.streams_by[component]:
                requirements = list(stream.requirements)
                rng.shuffle(requirements)
                streams.append(_with_requirements(stream, tuple(requirements)))
            rng.shuffle(streams)
            mixed[component] = streams
        return Universe(mixed, dict(self.targets))


def _with_requirements(stream: Stream, requirements: tuple[Requirement, ...]) -> Stream:
    return Stream(stream.offer, requirements, stream.constraints, stream.extras, stream.open_extras)


def make_stream(
    name: str,
    version: str,
    *requires: str,
    origin: Origin = Origin.PRIVATE,
    cost: int | None = None,
    constrains: Sequence[str] = (),
    pythons: tuple[str, ...] = (),
    in_base: bool = False,
    extras: Mapping[str, Sequence[str]] | None = None,
    requires_python: str = "",
) -> Stream:
    component = PYTHON if name == "python" else distribution(name)
    if cost is None:
        cost = 1 if origin is Origin.PRIVATE else 0
    offer = Offer(
        component,
        Version(version),
        origin,
        f"python3-{name}",
        pythons=pythons,
        cost=cost,
        in_base=in_base or origin is Origin.BASE,
    )
    requirements = [parse_requirement(text) for text in requires]
    if requires_python:
        requirements.append(python_requirement(requires_python))
    return Stream(
        offer,
        tuple(requirements),
        tuple(parse_requirement(text) for text in constrains),
        {k: tuple(map(parse_requirement, v)) for k, v in (extras or {}).items()},
        open_extras=extras is None,
    )


def universe(*streams: Stream, pythons: Sequence[str] = ("3.14",)) -> Universe:
    grouped: dict[Component, list[Stream]] = {}
    for stream in streams:
        grouped.setdefault(stream.component, []).append(stream)
    return Universe(grouped, {p: Target(p, "x86_64") for p in pythons})


_SPECIFIERS = ["", ">=2", "<2", "<3,>=1", "==1", "==2", "==3", "!=2", ">=9"]


@st.composite
def random_universes(draw: st.DrawFn, *, components: int = 6, pythons: bool = True) -> Universe:
    """Up to six components of up to three versions: bases, private ones, costs, constraints,
    extras, markers and two interpreters."""
    names = [f"c{i}" for i in range(draw(st.integers(2, components)))]
    series = ["3.14", "3.13"] if pythons and draw(st.booleans()) else ["3.14"]

    def requirement() -> str:
        name = draw(st.sampled_from(names))
        extra = "[x]" if draw(st.integers(0, 9)) == 0 else ""
        text = f"{name}{extra}{draw(st.sampled_from(_SPECIFIERS))}"
        kind = draw(st.integers(0, 9))
        if kind == 0:
            return f'{text}; extra == "x"'
        if kind == 1:
            return f'{text}; python_version < "3.14"'
        return text

    streams = [
        make_stream(
            "app",
            "1",
            *[requirement().split(";")[0] for _ in range(draw(st.integers(1, 3)))],
            requires_python="",
            cost=1,
        )
    ]
    streams[0] = _with_requirements(streams[0], (*streams[0].requirements, python_requirement("")))
    streams.append(make_stream("python", series[0], origin=Origin.BASE))
    streams += [make_stream("python", s, cost=draw(st.integers(1, 4))) for s in series[1:]]
    for name in names:
        for version in draw(st.sets(st.sampled_from(["1", "2", "3"]), max_size=3)):
            base = draw(st.integers(0, 2)) == 0
            streams.append(
                make_stream(
                    name,
                    version,
                    *[requirement() for _ in range(draw(st.integers(0, 3)))],
                    origin=Origin.BASE if base else Origin.PRIVATE,
                    cost=0 if base else draw(st.integers(1, 3)),
                    pythons=(series[0],) if base else (),
                    constrains=[draw(st.sampled_from(names)) + draw(st.sampled_from(_SPECIFIERS))]
                    if draw(st.integers(0, 5)) == 0
                    else (),
                )
            )
    return universe(*streams, pythons=series)


# -- the oracle ------------------------------------------------------------------------------


def wanted_by(
    stream: Stream, target: Target, extras: frozenset[str]
) -> Iterator[tuple[Component, Requirement]]:
    """What a stream requires at a target, evaluated by ``packaging`` alone."""
    for requirement in stream.requirements:
        if not requirement.marker:
            yield requirement.component, requirement
            continue
        marker = Pep508(f"x; {requirement.marker}").marker
        assert marker is not None
        environment = dict(target.environment())
        if any(marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras)):
            yield requirement.component, requirement


def faults(plan: Mapping[Component, Stream], target: Target) -> list[str]:
    """Everything that is wrong with a plan; empty for a sound one without anything superfluous."""
    extras: dict[Component, set[str]] = {component: set() for component in plan}
    reached = {APP}
    found: list[str] = []
    while True:
        before = (len(reached), sum(map(len, extras.values())))
        for component in list(reached):
            stream = plan[component]
            for required, requirement in wanted_by(stream, target, frozenset(extras[component])):
                if required not in plan:
                    return [f"{component} requires {requirement}, which is not in the plan"]
                reached.add(required)
                extras[required] |= set(requirement.extras)
                if not requirement.specifier.contains(plan[required].version, prereleases=True):
                    found.append(f"{component} requires {requirement}")
        if (len(reached), sum(map(len, extras.values()))) == before:
            break
    for component, stream in plan.items():
        for constraint in stream.constraints:
            other = plan.get(constraint.component)
            if other and not constraint.specifier.contains(other.version, prereleases=True):
                found.append(f"{component} constrains {constraint}")
        if stream.offer.pythons and target.python not in stream.offer.pythons:
            found.append(f"{component} is not for {target.python}")
    found += [f"{component} is superfluous" for component in plan if component not in reached]
    return found


def all_plans(world: Universe) -> Iterator[tuple[dict[Component, Stream], Target]]:
    """Every sound plan, by trying all combinations."""
    components = sorted(c for c in world.streams_by if c not in (APP, PYTHON))
    choices = [[None, *world.streams_by[component]] for component in components]
    for interpreter in world.streams_by[PYTHON]:
        target = world.targets[str(interpreter.version)]
        for combination in itertools.product(*choices):
            plan = {APP: world.root, PYTHON: interpreter}
            plan.update({s.component: s for s in combination if s is not None})
            if not faults(plan, target):
                yield plan, target


def cost(plan: Mapping[Component, Stream]) -> int:
    return sum(stream.offer.cost for stream in plan.values())


def preferred(world: Universe) -> dict[Component, Stream] | None:
    """The plan that the documented order puts first, among all plans: least cost, then breadth
    first from the application the best offer of each component in turn."""
    plans = list(all_plans(world))
    if not plans:
        return None
    least = min(cost(plan) for plan, _ in plans)
    plans = [(plan, target) for plan, target in plans if cost(plan) == least]
    level: list[tuple[Component, str]] = [(PYTHON, ""), (APP, "")]
    seen = set(level)
    while level:
        for component, _ in level:
            best = min((plan[component].offer for plan, _ in plans), key=offer_preference)
            plans = [(p, t) for p, t in plans if p[component].offer.key == best.key]
        plan, target = plans[0]
        following: set[tuple[Component, str]] = set()
        for component, extra in level:
            stream = plan[component]
            plain = {r for _, r in wanted_by(stream, target, frozenset())}
            for required, requirement in wanted_by(
                stream, target, frozenset({extra} if extra else ())
            ):
                if extra and requirement in plain:
                    continue
                following.add((required, ""))
                following |= {(required, name) for name in requirement.extras}
        level = sorted(following - seen, key=lambda n: (n[0].kind.value, n[0].name, n[1]))
        seen |= following
    assert len(plans) == 1
    return plans[0][0]


def chosen(selection: Selection) -> dict[Component, Stream]:
    return {stream.component: stream for stream in selection.streams}
