"""What is left of a joint plan without the virtual application, and who uses what of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from attrs import evolve

from ..model.build import BuildPlan, Root
from ..model.component import Component, Origin
from ..model.plan import Demander, Plan, PlannedStream, Reason, ReasonKind
from ..model.requirement import Requirement
from ..model.target import Target
from ..selection.order import build_order
from .joint import ANCHOR
from .joint_rules import Application

__all__ = ["users_in", "without_anchor"]


def without_anchor(plan: Plan, members: Sequence[Application]) -> Plan:
    """The plan of applications under their own names; nobody builds the virtual one."""
    name = "+".join(one.label for one in members)
    own = {one.component for one in members}
    streams = tuple(
        _stream_without_anchor(stream, own, members)
        for stream in plan.streams
        if stream.component != ANCHOR
    )
    ours = {ANCHOR.name, *(one.component.name for one in members)}
    burden = evolve(
        plan.burden,
        would_add=_without_names(plan.burden.would_add, ours),
        would_conflict=_without_names(plan.burden.would_conflict, ours),
    )
    first = next(stream for stream in streams if stream.component == members[0].component)
    return evolve(
        plan,
        application=name,
        variant="",
        version=first.version or plan.version,
        streams=streams,
        burden=burden,
        summary=evolve(plan.summary, private=plan.summary.private - 1),
        runtime_packages=tuple(
            text for text in plan.runtime_packages if not text.startswith(f"{ANCHOR.name}-")
        ),
        builds=_builds_without_anchor(plan.builds) if plan.builds else None,
    )


def _without_names(texts: Iterable[str], names: Collection[str]) -> tuple[str, ...]:
    return tuple(text for text in texts if text.split(" ")[0] not in names)


def _stream_without_anchor(
    stream: PlannedStream, own: Collection[Component], members: Sequence[Application]
) -> PlannedStream:
    reason = stream.reason
    if stream.component in own:
        reason = Reason(ReasonKind.APPLICATION)
    elif stream.origin is Origin.OMITTED and not reason.text:
        omissions = (one.omission(stream.component) for one in members)
        text = next((omission.reason for omission in omissions if omission), "")
        reason = Reason(ReasonKind.OMITTED, text=text)
    else:
        reason = evolve(reason, demands=_without(reason.demands, own))
    return evolve(stream, reason=reason, required_by=_without(stream.required_by, own))


def _without(demanders: Iterable[Demander], own: Collection[Component]) -> tuple[Demander, ...]:
    return tuple(
        each
        for each in demanders
        if each.component != ANCHOR or each.requirement.component not in own
    )


def _builds_without_anchor(builds: BuildPlan) -> BuildPlan:
    """Nobody builds the virtual application."""
    kept = tuple(build for build in builds.builds if build.component != ANCHOR)
    used = {build.root for build in kept}
    roots = tuple(_root_without_anchor(root) for root in builds.roots if root.id in used)
    order = build_order(
        {build.id: build.cost for build in kept}, {build.id: build.after for build in kept}
    )
    return BuildPlan(_root_without_anchor(builds.runtime), roots, kept, order)


def _root_without_anchor(root: Root) -> Root:
    return evolve(
        root,
        packages=tuple(package for package in root.packages if package.name != ANCHOR.name),
        streams=tuple(stream for stream in root.streams if stream.component != ANCHOR),
        asked=tuple(text for text in root.asked if text.split(" ")[0] != ANCHOR.name),
    )


def users_in(plan: Plan, members: Sequence[Application]) -> Mapping[Component, tuple[str, ...]]:
    """The applications that reach each component in a plan, sorted."""
    streams = {stream.component: stream for stream in plan.streams}
    target = Target(plan.python, plan.arch)
    found: dict[Component, set[str]] = {component: set() for component in streams}
    for one in members:
        todo = [(one.component, "")]
        seen = set(todo)
        while todo:
            component, extra = todo.pop()
            found[component].add(one.label)
            for requirement in _demanded(streams[component], target, extra):
                required = requirement.component
                if required not in streams or one.omission(required):
                    continue
                following = {(required, each) for each in ("", *requirement.extra_names)} - seen
                seen |= following
                todo += sorted(following)
    return {component: tuple(sorted(found[component])) for component in sorted(found)}


def _demanded(stream: PlannedStream, target: Target, extra: str) -> Iterable[Requirement]:
    """What a stream requires, or with an extra what that adds."""
    for requirement in stream.requirements:
        plainly = not requirement.mentions_extra or requirement.applies(target)
        if plainly != bool(extra) and (plainly or requirement.applies(target, extra)):
            yield requirement
