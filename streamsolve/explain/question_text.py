"""Answers to questions about a plan: why a stream is in it, and why another one is not."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ..errors import Code, InputError, nearest
from ..model.component import Component, Origin
from ..model.conflict import Failure
from ..model.plan import Demander, Plan, PlannedStream
from .command import Command
from .conflict_text import failure_blocks
from .markup import Block, Span, Style, blank, paragraph
from .sentences import builder_time, count, named, place_text, reason_text, spelled

__all__ = ["chains_to", "why_blocks", "why_not_blocks"]

_CHAINS_SHOWN = 5
_CHANGES_SHOWN = 12


def chains_to(
    plan: Plan, component: Component, *, at_most: int = _CHAINS_SHOWN
) -> tuple[tuple[Demander, ...], ...]:
    """The shortest chains of demands from the application to a component, shortest first.

    One chain for each stream that requires it, each the shortest to that stream.
    """
    streams = {stream.component: stream for stream in plan.streams}
    towards = _shortest(plan, streams)
    found = []
    for demander in streams[component].required_by:
        before = towards.get(demander.component)
        if before is not None:
            found.append((*before, demander))
    found.sort(key=lambda chain: (len(chain), [str(d.requirement) for d in chain]))
    return tuple(found[:at_most])


def _shortest(
    plan: Plan, streams: dict[Component, PlannedStream]
) -> dict[Component, tuple[Demander, ...]]:
    """For each component a shortest chain of demands that leads to it."""
    roots = [s.component for s in plan.streams if not s.required_by]
    chains: dict[Component, tuple[Demander, ...]] = dict.fromkeys(roots, ())
    following: dict[Component, list[tuple[Component, Demander]]] = {}
    for stream in plan.streams:
        for demander in stream.required_by:
            following.setdefault(demander.component, []).append((stream.component, demander))
    queue = deque(roots)
    while queue:
        current = queue.popleft()
        for component, demander in sorted(following.get(current, []), key=lambda pair: pair[0]):
            if component not in chains and component in streams:
                chains[component] = (*chains[current], demander)
                queue.append(component)
    return chains


def why_blocks(plan: Plan, name: str) -> tuple[Block, ...]:
    """Why a component is in a plan, at this version and from this origin.

    Raises :class:`InputError` with the nearest names when it is not in it.
    """
    stream = plan.stream(name)
    if stream is None:
        known = [s.component.name for s in plan.streams]
        raise InputError(Code.BAD_OPTION, f"{name} is not in the plan", hint=nearest(name, known))
    version = "" if stream.version is None else f" {stream.version}"
    blocks: list[Block] = [
        paragraph(
            Span(f"{named(stream.component)}{version}", Style.HEADING),
            f" is {_origin(stream, plan)}: ",
            reason_text(stream, plan.application, max(len(stream.reason.demands), 1)),
            ".",
            hang=2,
        )
    ]
    if stream.package:
        repository = f" from the repository {stream.repository}" if stream.repository else ""
        blocks.append(paragraph(f"package {stream.package}{repository}", indent=2, hang=2))
    if stream.source.purl:
        file = f", {stream.source.filename}" if stream.source.filename else ""
        blocks.append(paragraph(f"source {stream.source.purl}{file}", indent=2, hang=2))
    chains = chains_to(plan, stream.component)
    if chains:
        hidden = len(stream.required_by) - len(chains)
        blocks += [blank(), paragraph(Span("Who needs it", Style.HEADING), ", shortest way first:")]
        for chain in chains:
            blocks.append(_chain(chain))
        if hidden > 0:
            blocks.append(paragraph(f"and {hidden} more", indent=2))
    return tuple(blocks)


def _origin(stream: PlannedStream, plan: Plan) -> str:
    match stream.origin:
        case Origin.BASE:
            return f"{plan.base}'s own"
        case Origin.PRIVATE:
            return f"a private stream (about {builder_time(stream.cost)} to build)"
        case Origin.EXTERNAL:
            return "a third party's package"
        case Origin.OMITTED:
            return "left out"


def _chain(chain: tuple[Demander, ...]) -> Block:
    words = [str(chain[0].component)]
    for demand in chain:
        place = place_text(demand.requirement.place)
        words.append(f"→ {spelled(demand.requirement)}{f' ({place})' if place else ''}")
    return paragraph(" ".join(words), indent=2, hang=2)


def why_not_blocks(
    demand: str, baseline: Plan, plan: Plan | None, failure: Failure | None, command: Command
) -> tuple[Block, ...]:
    """What forbids a further demand, or what it would change."""
    if failure is not None:
        return (
            paragraph(
                Span("✗ ", Style.BAD),
                Span(f"{demand} cannot be had", Style.HEADING),
                f": with it, {baseline.application} has no plan.",
                hang=2,
            ),
            blank(),
            *failure_blocks(failure, command)[2:],
        )
    assert plan is not None  # noqa: S101 - either the plan or the failure is given
    more = plan.summary.private - baseline.summary.private
    dearer = plan.summary.cost - baseline.summary.cost
    changes = list(_changes(baseline, plan))
    verdict = "changes nothing: the plan holds it already" if not changes else _price(more, dearer)
    blocks: list[Block] = [
        paragraph(
            Span("✓ ", Style.GOOD),
            Span(f"Nothing forbids {demand}", Style.HEADING),
            f". It {verdict}.",
            hang=2,
        )
    ]
    if changes:
        blocks += [blank(), paragraph(Span("What would be different", Style.HEADING))]
        blocks += [paragraph(text, indent=2, hang=2) for text in changes[:_CHANGES_SHOWN]]
        if len(changes) > _CHANGES_SHOWN:
            blocks.append(paragraph(f"and {len(changes) - _CHANGES_SHOWN} more", indent=2))
    return tuple(blocks)


def _price(more: int, dearer: int) -> str:
    if more > 0:
        streams = f"takes {count(more, 'more private stream')}"
    elif more < 0:
        streams = f"saves {count(-more, 'private stream')}"
    else:
        streams = "takes as many private streams"
    if dearer > 0:
        return f"{streams} and about {builder_time(dearer)} more"
    if dearer < 0:
        return f"{streams} and about {builder_time(-dearer)} less"
    return f"{streams} and as long to build, and is not what is preferred"


def _changes(baseline: Plan, plan: Plan) -> Iterator[str]:
    """Each stream that differs between two plans, a line each, by component."""
    before = {stream.component: stream for stream in baseline.streams}
    after = {stream.component: stream for stream in plan.streams}
    for component in sorted({*before, *after}):
        old, new = before.get(component), after.get(component)
        if old is None and new is not None:
            yield f"+ {component} {new.version or ''} ({new.origin.value})"
        elif new is None and old is not None:
            yield f"- {component} {old.version or ''} ({old.origin.value})"
        elif old is not None and new is not None and _told(old) != _told(new):
            yield f"~ {component} {_told(old)} → {_told(new)}"


def _told(stream: PlannedStream) -> str:
    return f"{stream.version} ({stream.origin.value})"
