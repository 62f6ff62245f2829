"""Answers to questions about a plan: why a stream is in it, and why another one is not."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from ..model.component import PYTHON, Component, Kind, Origin
from ..model.conflict import Cause, Demand, Failure
from ..model.plan import Demander, Plan, PlannedStream, ReasonKind, Relaxed
from ..model.question import Chosen, Move, moves_between
from .command import Command
from .conflict_sentences import is_unknown, lacked
from .conflict_text import conflict_blocks, conflict_sentence
from .markup import Block, Span, Style, blank, paragraph
from .named_streams import not_in_plan, stream_asked
from .sentences import (
    asked,
    builder_time,
    count,
    demanded,
    joined,
    named,
    place_text,
    reason_clause,
    reason_text,
    spelled,
)
from .vendored_text import why_vendored
from .versions import version_ranges
from .why_build_text import also_in_builds, needing_builds

__all__ = ["chains_to", "moves_text", "why_blocks", "why_not_blocks"]

_CHAINS_SHOWN = 5
_CHANGES_SHOWN = 12
_LIKE = 0.6
"""From how alike on a name of the plan may be what was meant."""


def chains_to(
    plan: Plan, component: Component, *, at_most: int = _CHAINS_SHOWN
) -> tuple[tuple[Demander, ...], ...]:
    """The shortest chains of demands from the application to a component, shortest first.

    One chain for each stream that requires it, each the shortest to that stream.
    """
    stream = next(stream for stream in plan.streams if stream.component == component)
    towards = _shortest(plan)
    found = []
    for demander in stream.required_by:
        before = towards.get(demander.component)
        if before is not None:
            found.append((*before, demander))
    found.sort(key=lambda chain: (len(chain), [str(d.requirement) for d in chain]))
    return tuple(found[:at_most])


def _shortest(plan: Plan) -> dict[Component, tuple[Demander, ...]]:
    """For each component a shortest chain of demands that leads to it; one through what only
    builds use only where there is no other."""
    private_to_builds = [s for s in plan.streams if _is_for_builds(s)]
    others = [s for s in plan.streams if not _is_for_builds(s)]
    chains: dict[Component, tuple[Demander, ...]] = {}
    for streams in (others, private_to_builds):
        _extend(chains, streams)
    return chains


def _extend(
    chains: dict[Component, tuple[Demander, ...]], streams: Iterable[PlannedStream]
) -> None:
    """Add the shortest chains to further streams, those that nobody requires included."""
    following: dict[Component, list[tuple[Component, Demander]]] = {}
    for stream in streams:
        if not stream.required_by:
            chains.setdefault(stream.component, ())
        for demander in stream.required_by:
            following.setdefault(demander.component, []).append((stream.component, demander))
    queue = deque(chains)
    while queue:
        current = queue.popleft()
        for component, demander in sorted(following.get(current, []), key=lambda pair: pair[0]):
            if component not in chains:
                chains[component] = (*chains[current], demander)
                queue.append(component)


def _is_for_builds(stream: PlannedStream) -> bool:
    """Whether it is private and never in the runtime root."""
    return stream.build_only and stream.origin is Origin.PRIVATE


def why_blocks(plan: Plan, name: str) -> tuple[Block, ...]:
    """Why a component is in a plan, at this version and from this origin; of what is vendored, in
    which stream.

    Raises :class:`InputError` with the nearest names when it is not in it.
    """
    stream = stream_asked(plan, name)
    vendored = why_vendored(plan, name)
    if stream is None and vendored:
        return tuple(vendored)
    if stream is None:
        raise not_in_plan(name, plan)
    blocks = _why(stream, plan)
    for block in vendored:
        blocks += [blank(), block]
    for further in plan.streams:
        if further.component == stream.component and further is not stream:
            blocks += [blank(), *_why(further, plan)]
    return tuple(blocks)


def _why(stream: PlannedStream, plan: Plan) -> list[Block]:
    """Why one stream is in a plan; a component may have one at run time and others for builds."""
    version = "" if stream.version is None else f" {stream.version}"
    blocks: list[Block] = [
        paragraph(
            Span(f"{named(stream.component)}{version}", Style.HEADING),
            f" is {_origin(stream, plan)}: ",
            _reason(stream, plan),
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
    if _is_for_builds(stream):
        blocks += needing_builds(stream, plan)
    else:
        blocks += [*also_in_builds(stream, plan), *_who_needs_it(stream, plan)]
    return [*blocks, *_what_would_fit(stream, plan)]


def _reason(stream: PlannedStream, plan: Plan) -> str:
    demands = max(len(stream.reason.demands), 1)
    if _is_for_builds(stream):
        return reason_clause(stream, plan.application, demands).rstrip(".")
    # Some reasons are the profile's own sentences.
    return reason_text(stream, plan.application, demands).rstrip(".")


def _who_needs_it(stream: PlannedStream, plan: Plan) -> list[Block]:
    chains = chains_to(plan, stream.component)
    if not chains:
        return []
    hidden = len(stream.required_by) - len(chains)
    heading = paragraph(Span("Who needs it", Style.HEADING), ", shortest way first:")
    more = [paragraph(f"and {hidden} more", indent=2)] if hidden > 0 else []
    return [blank(), heading, *map(_chain, chains), *more]


def _what_would_fit(stream: PlannedStream, plan: Plan) -> list[Block]:
    """What would have to be otherwise for the base's own stream to do."""
    reason = stream.reason
    if stream.origin is not Origin.PRIVATE or not reason.base_version:
        return []
    texts = []
    for demand in reason.demands:
        place = place_text(demand.requirement.place)
        where = f" ({place})" if place and demand.requirement.place.file != "wheels" else ""
        texts.append(f"not: {demanded(demand)}{where}")
    if stream.component != PYTHON and _on_another_python(plan):
        texts.append(f"the plan's Python were the base's, and not {plan.python}")
    if not texts or reason.kind is ReasonKind.APPLICATION:
        return []
    heading = Span(f"What would make the base's {reason.base_version} fit", Style.HEADING)
    shown = [paragraph(text, indent=2, hang=2) for text in dict.fromkeys(texts)]
    return [blank(), paragraph(heading, ", all of it together:"), *shown]


def _on_another_python(plan: Plan) -> bool:
    python = plan.stream(PYTHON.name)
    return python is not None and python.origin is Origin.PRIVATE


def _origin(stream: PlannedStream, plan: Plan) -> str:
    match stream.origin:
        case Origin.BASE:
            return f"{plan.base}'s own"
        case Origin.PRIVATE:
            only = " that only builds use" if stream.build_only else ""
            return f"a private stream{only} (about {builder_time(stream.cost)} to build)"
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
    demand: str,
    baseline: Plan,
    plan: Plan | None,
    failure: Failure | None,
    command: Command,
    relaxed: Relaxed | None = None,
    idle_extras: Sequence[str] = (),
) -> tuple[Block, ...]:
    """What forbids a further demand, or what it would change.

    ``relaxed`` is how the profile relaxes a requirement on the same component, if it does;
    ``idle_extras`` are the extras demanded that add nothing.
    """
    note = _relaxed_note(relaxed, baseline) if relaxed else []
    note += _idle_note(idle_extras)
    if failure is not None:
        return (
            _refusal(demand, failure),
            *note,
            *conflict_blocks(failure, command),
            *_nearest_names(failure, baseline),
        )
    changes = moves_text(moves_between(baseline, plan)) if plan is not None else []
    blocks: list[Block] = [
        paragraph(
            Span("✓ ", Style.GOOD),
            Span(f"Nothing forbids {demand}", Style.HEADING),
            f": {_price(baseline, plan, bool(changes))}.",
            hang=2,
        ),
        *note,
    ]
    if changes:
        blocks += [blank(), paragraph(Span("What would be different", Style.HEADING))]
        blocks += [paragraph(text, indent=2, hang=2) for text in changes[:_CHANGES_SHOWN]]
        if len(changes) > _CHANGES_SHOWN:
            blocks.append(paragraph(f"and {len(changes) - _CHANGES_SHOWN} more", indent=2))
    if plan is not None and plan.python != baseline.python:
        step = command.with_option("--python", baseline.python)
        blocks += [
            blank(),
            paragraph(f"What keeps it from Python {baseline.python}:"),
            paragraph(Span(str(step), Style.COMMAND), indent=2),
        ]
    return tuple(blocks)


def _refusal(demand: str, failure: Failure) -> Block:
    """That a demand cannot be met, or that it is not known whether it can."""
    if is_unknown(failure):
        unknown = Span(f"Whether {demand} can be had is not known", Style.HEADING)
        return paragraph(Span("? ", Style.WARNING), unknown, ".", hang=2)
    refused = Span(f"{demand} cannot be had", Style.HEADING)
    return paragraph(Span("✗ ", Style.BAD), refused, f": {_because(failure)}.", hang=2)


def _because(failure: Failure) -> str:
    """What stands against it, in one clause: the demand that meets what was asked for, if it is
    one, and how many conflicts there are."""
    conflict = failure.conflicts[0]
    asked_for = {
        demand.requirement.component
        for chain in conflict.chains
        for demand in chain
        if demand.requirement.is_asked
    }
    against = {
        _said_by(demand, failure)
        for *_, demand in conflict.chains
        if demand.requirement.component in asked_for and not demand.requirement.is_asked
    }
    rest = len(failure.conflicts) - 1
    more = f", and {count(rest, 'more conflict')} {'stands' if rest == 1 else 'stand'} against it"
    if len(against) == 1:
        return f"{against.pop()}{more if rest else ''}"
    if conflict.cause is Cause.NO_SUCH_COMPONENT:
        return conflict_sentence(conflict).rstrip(".")
    if conflict.cause is Cause.NO_SUCH_VERSION:
        demand = conflict.chains[0][-1]
        among = "" if any(map(demand.requirement.allows, demand.available)) else " that is there"
        return f"no version of {conflict.about}{among} is {lacked(demand)}"
    return f"with it, {failure.application} has no plan"


def _said_by(demand: Demand, failure: Failure) -> str:
    versions = version_ranges(demand.versions) if len(demand.versions) == 1 else ""
    if demand.by.name == failure.application and not versions:
        versions = failure.version
    verb = "allows only" if demand.only_if_used else "needs"
    return " ".join(filter(None, (str(demand.by), versions, verb, spelled(demand.requirement))))


def _relaxed_note(relaxed: Relaxed, baseline: Plan) -> list[Block]:
    """That the plan relaxes such a demand, and why."""
    held = baseline.stream(relaxed.stated.component.name)
    version = f" {held.version}" if held is not None and held.version is not None else ""
    return [
        blank(),
        paragraph(
            Span("≈ ", Style.WARNING),
            f"{relaxed.by} itself asks for {asked(relaxed.stated)}; the profile lets "
            f"{asked(relaxed.counts)} count, so the plan holds "
            f"{relaxed.stated.component}{version}. Its reason: {relaxed.reason}",
            hang=2,
        ),
    ]


def _idle_note(extras: Sequence[str]) -> list[Block]:
    """That extras add nothing, which a wrong name of one does as well."""
    if not extras:
        return []
    text = f"Nothing is stated for the {'extra' if len(extras) == 1 else 'extras'} "
    text += f"{joined(list(extras))} at this version: an extra that is misspelt adds nothing too."
    return [blank(), paragraph(Span("▲ ", Style.WARNING), text, hang=2)]


def _nearest_names(failure: Failure, baseline: Plan) -> list[Block]:
    """What may have been meant by a name that nobody has."""
    unknown = [c.about for c in failure.conflicts if c.cause is Cause.NO_SUCH_COMPONENT]
    if not unknown:
        return []
    kind = unknown[0].kind
    known = sorted(s.component.name for s in baseline.streams if s.kind is kind)
    if kind is Kind.DISTRIBUTION:
        known = get_close_matches(unknown[0].name, known, n=3, cutoff=_LIKE)
        text = f"In the plan: did you mean {' or '.join(known)}?"
    else:
        text = f"In the plan of that kind: {joined([f'{kind.value}:{name}' for name in known])}"
    return [blank(), paragraph(text)] if known else []


def _price(baseline: Plan, plan: Plan | None, is_different: bool) -> str:
    if plan is None or not is_different:
        return "the plan is the same with it"
    more = plan.summary.private - baseline.summary.private
    dearer = plan.summary.cost - baseline.summary.cost
    streams = "as many private streams"
    if more:
        streams = count(abs(more), f"{'more' if more > 0 else 'fewer'} private stream")
    if dearer:
        time = f"about {builder_time(abs(dearer))} {'more' if dearer > 0 else 'less'} to build"
    else:
        time = "as long to build"
    return f"a plan with it has {streams} and takes {time}"


def moves_text(moved: Iterable[Move]) -> list[str]:
    """A line for each move, what matters most first."""
    return [_move_text(move) for move in sorted(moved, key=_weight)]


def _weight(move: Move) -> tuple[object, ...]:
    """What changes most comes first: the interpreter, then what is built more or less."""
    one_side = move.before is None or move.after is None
    return (move.component != PYTHON, not one_side, move.component)


def _move_text(move: Move) -> str:
    """What becomes of one component, as a line."""
    before, after = move.before, move.after
    if before is None and after is not None:
        return f"+ {move.component} {_had(after)}"
    if after is None and before is not None:
        return f"- {move.component} {_had(before)}"
    if before is None or after is None or before.origin is after.origin:
        versions = [str(c.version) for c in (before, after) if c is not None]
        return f"~ {move.component} {' → '.join(versions)}"
    return f"~ {move.component} {_had(before)} → {_had(after)}"


def _had(chosen: Chosen) -> str:
    return " ".join(filter(None, (str(chosen.version or ""), f"({_ORIGIN[chosen.origin]})")))


_ORIGIN = {
    Origin.BASE: "from the base",
    Origin.PRIVATE: "private",
    Origin.EXTERNAL: "external",
    Origin.OMITTED: "left out",
}
