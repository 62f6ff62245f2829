"""Why no plan exists, for a reader: each conflict as chains from the application, then repairs."""

from __future__ import annotations

from attrs import evolve

from ..model.component import Kind
from ..model.conflict import Cause, Conflict, Demand, Failure, Unseen
from ..model.requirement import DEMANDED, Requirement
from .build_conflict_text import (
    Refused,
    Unbuilt,
    build_clause,
    build_sentence,
    is_of_build,
    with_causes,
)
from .command import Command
from .conflict_sentences import (
    conflict_sentence,
    is_unknown,
    lacked,
    stated_by,
    unbuilt_sentence,
)
from .kernel_text import evidence_blocks
from .markup import Block, Span, Style, blank, paragraph
from .repair_text import repair_blocks, repair_step
from .sentences import built_for, count, joined, place_text, spelled
from .versions import version_ranges

__all__ = [
    "built_for",
    "conflict_blocks",
    "conflict_sentence",
    "failure_blocks",
    "joined",
    "reason_blocks",
    "repair_step",
]

_CROSS = Span("✗ ", Style.BAD)
_STEP = 3
_EXTRAS_SHOWN = 2


def failure_blocks(failure: Failure, command: Command) -> tuple[Block, ...]:
    """All conflicts and the repairs in the order given. ``command`` is what was typed."""
    what = f"{failure.application} {failure.version}"
    if failure.variant:
        what += f" ({failure.variant})"
    conflicts = count(len(with_causes(failure.conflicts)), "independent conflict")
    # Where nobody looked there may be what would make a plan.
    none = "No plan is known" if is_unknown(failure) else "No plan exists"
    blocks: list[Block] = [
        paragraph(
            _CROSS,
            Span(f"{none} for {what} on {failure.base} ({failure.arch})", Style.HEADING),
            f": {conflicts}.",
            hang=2,
        )
    ]
    return (*blocks, *conflict_blocks(failure, command))


def conflict_blocks(failure: Failure, command: Command) -> tuple[Block, ...]:
    """The conflicts with their chains, and what would help, each after an empty line."""
    blocks: list[Block] = []
    for number, refused in enumerate(with_causes(failure.conflicts), 1):
        blocks += [blank(), *_conflict(refused, number, failure)]
    return (*blocks, blank(), *repair_blocks(failure, command))


def reason_blocks(failure: Failure) -> tuple[Block, ...]:
    """The conflicts with their chains, and nothing else."""
    refused = enumerate(with_causes(failure.conflicts), 1)
    return tuple(block for number, one in refused for block in _conflict(one, number, failure))


def _conflict(refused: Refused, number: int, failure: Failure) -> list[Block]:
    conflict = refused.conflict
    lead = f"{number}. "
    sentence = conflict_sentence(conflict)
    if is_of_build(conflict):
        sentence = build_sentence(conflict, failure.base)
    elif refused.unbuilt and conflict.cause is Cause.ROOT:
        sentence = unbuilt_sentence(conflict, refused.unbuilt, failure.base)
        refused, clause = _without_the_one(refused)
        sentence = f"{sentence.rstrip('.')}: {clause}." if clause else sentence
    blocks: list[Block] = [paragraph(lead, Span(sentence, Style.HEADING), hang=len(lead))]
    for chain in conflict.chains:
        blocks += _chain(chain, conflict, failure)
    if not is_of_build(conflict) or conflict.chains:
        blocks += [paragraph(_CROSS, text, indent=_STEP, hang=2) for text in refused.packages]
    blocks += evidence_blocks(conflict, _STEP)
    for unbuilt in refused.unbuilt:
        blocks += _unbuilt(unbuilt, failure)
    return blocks


def _without_the_one(refused: Refused) -> tuple[Refused, str]:
    """The only cause of the only stream that the conflict is about goes into its sentence."""
    first, *others = refused.unbuilt
    about = str(refused.conflict.about)
    own = [one for one in refused.unbuilt if one.stream.rpartition(" ")[0] == about]
    if own != [first]:
        return refused, ""
    if not first.causes:
        # The conflict's own texts are what stands behind it, if nothing else may have said them.
        texts = () if others else refused.packages
        return (evolve(refused, unbuilt=(), packages=()) if texts else refused), joined(texts)
    cause, *further = first.causes
    if len(cause.chains) > 1:
        return refused, ""
    rest = [evolve(first, causes=tuple(further))] if further else []
    clause = build_clause(cause, first.stream).partition(": ")[2]
    return evolve(refused, unbuilt=(*rest, *others)), clause


def _unbuilt(unbuilt: Unbuilt, failure: Failure) -> list[Block]:
    """Why a stream cannot be built: a clause for each cause, with its chains if it has several."""
    if not unbuilt.causes:
        return [paragraph(_CROSS, f"{unbuilt.stream} cannot be built", indent=_STEP, hang=2)]
    blocks: list[Block] = []
    for cause in unbuilt.causes:
        blocks.append(paragraph(_CROSS, build_clause(cause, unbuilt.stream), indent=_STEP, hang=2))
        for chain in cause.chains if len(cause.chains) > 1 else ():
            blocks += _chain(chain, cause, failure, _STEP + 2)
    return blocks


def _chain(
    chain: tuple[Demand, ...], conflict: Conflict, failure: Failure, indent: int = _STEP
) -> list[Block]:
    blocks: list[Block] = []
    for depth, demand in enumerate(chain):
        is_last = depth == len(chain) - 1
        arrow = "→ " if depth else ""
        place = _place(demand)
        blocks.append(
            paragraph(
                arrow,
                *_said(demand, failure),
                _condition(demand, conflict),
                f" ({place})" if place else "",
                indent=indent,
                hang=2,
            )
        )
        indent += 2
        if is_last:
            blocks += _end(demand, conflict, indent)
    return blocks


def _said(demand: Demand, failure: Failure) -> tuple[str | Span, ...]:
    """Who needs what, in words."""
    requirement = demand.requirement
    if requirement.is_asked:
        option = f" ({place.file})" if (place := requirement.place) == DEMANDED else ""
        return ("you ask for ", Span(_short(requirement), Style.NAME), option)
    by = Span(stated_by(demand, failure), Style.NAME)
    series = built_for(requirement)
    if series:
        return (by, " is built for ", Span(f"Python {series} alone", Style.NAME))
    verb = " allows only " if demand.only_if_used else " needs "
    return (by, verb, Span(_short(requirement), Style.NAME))


def _short(requirement: Requirement) -> str:
    """A requirement with the first of its extras: a list of ten says no more."""
    extras = requirement.extras
    if len(extras) <= _EXTRAS_SHOWN:
        return spelled(requirement)
    whole = f"[{','.join(extras)}]"
    return spelled(requirement).replace(whole, f"[{','.join(extras[:_EXTRAS_SHOWN])},…]")


def _place(demand: Demand) -> str:
    """Where a demand is stated, unless that goes without saying."""
    place = demand.requirement.place
    own = place.file.startswith(f"{demand.by.name} ") and place.file.endswith(" METADATA")
    return "" if own or demand.requirement.is_asked else place_text(place)


def _condition(demand: Demand, conflict: Conflict) -> str:
    """What a demand depends on, if that is the choice of the interpreter, in which chains differ,
    or a machine of which upstream seldom thinks."""
    marker = demand.requirement.marker
    of_python = "python" in marker and len(conflict.chains) > 1
    elsewhere = "platform_machine" in marker and "x86_64" not in marker
    return f" where {marker}" if of_python or elsewhere else ""


def _end(demand: Demand, conflict: Conflict, indent: int) -> list[Block]:
    """What the last demand of a chain meets: nothing that exists, or some versions."""
    there = version_ranges(demand.available)
    allowed = version_ranges(demand.allowed, demand.available)
    about = demand.requirement.component
    if conflict.unseen is Unseen.PROFILE:
        return []
    if conflict.unseen is Unseen.INDEX and not demand.allowed:
        known = f"{there}; none is {lacked(demand)}" if there else "nothing"
        return [paragraph(_CROSS, f"known of {about}: {known}", indent=indent, hang=2)]
    if not demand.allowed and conflict.refusal is not None:
        return [paragraph(_CROSS, f"what would fit of {about} is refused", indent=indent, hang=2)]
    if not demand.available and about.kind is Kind.PACKAGE:
        return [paragraph(_CROSS, "there is none", indent=indent, hang=2)]
    if not demand.available:
        return [paragraph(_CROSS, f"of {about} no version is there", indent=indent, hang=2)]
    if not demand.allowed:
        text = f"of {about} there is {there}: none is {lacked(demand)}"
        return [paragraph(_CROSS, text, indent=indent, hang=2)]
    if conflict.cause is Cause.FORBIDDEN:
        text = f"{about} {allowed} would fit and is forbidden"
        return [paragraph(_CROSS, text, indent=indent, hang=2)]
    mark = "" if len(conflict.chains) > 1 or conflict.cause is Cause.ROOT else _CROSS
    return [paragraph(mark, f"that allows {about} {allowed}", indent=indent, hang=2)]
