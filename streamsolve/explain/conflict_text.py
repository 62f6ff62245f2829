"""Why no plan exists, for a reader: each conflict as chains from the application, then repairs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import evolve

from ..model.component import PYTHON, Kind
from ..model.conflict import Cause, Conflict, Demand, Failure, Repair, RepairKind
from ..model.requirement import Requirement
from .build_conflict_text import (
    Refused,
    Unbuilt,
    build_clause,
    build_sentence,
    is_of_build,
    with_causes,
)
from .command import Command
from .markup import Block, Span, Style, blank, paragraph
from .sentences import (
    asked,
    builder_time,
    built_for,
    count,
    joined,
    named,
    place_text,
    spelled,
)
from .versions import version_ranges

__all__ = [
    "built_for",
    "conflict_blocks",
    "conflict_sentence",
    "failure_blocks",
    "joined",
    "repair_step",
]

_CROSS = Span("✗ ", Style.BAD)
_STEP = 3
_EXTRAS_SHOWN = 2
_NAMED = 3
_MISSING = (Cause.NO_SUCH_COMPONENT, Cause.NO_SUCH_VERSION)
_BOUNDS = re.compile(r"([^<>=!~]+)([<>=!~].*)")

ANY_PYTHON = "any"
"""The value of a repair that gives the choice of Python back."""


def failure_blocks(failure: Failure, command: Command) -> tuple[Block, ...]:
    """All conflicts and the repairs in the order given. ``command`` is what was typed."""
    what = f"{failure.application} {failure.version}"
    if failure.variant:
        what += f" ({failure.variant})"
    conflicts = count(len(with_causes(failure.conflicts)), "independent conflict")
    blocks: list[Block] = [
        paragraph(
            _CROSS,
            Span(f"No plan exists for {what} on {failure.base} ({failure.arch})", Style.HEADING),
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
    return (*blocks, blank(), *_repairs(failure, command))


def conflict_sentence(conflict: Conflict) -> str:
    """What is impossible, in one sentence; each cause reads differently."""
    about = named(conflict.about)
    if is_of_build(conflict):
        return build_sentence(conflict)
    if conflict.cause is Cause.ROOT and (unbuilt := with_causes((conflict,))[0].unbuilt):
        return _unbuilt_sentence(conflict, unbuilt)
    match conflict.cause:
        case Cause.NO_SUCH_COMPONENT:
            return f"{about} does not exist: neither the base nor the package index has it."
        case Cause.NO_SUCH_VERSION:
            return f"No such version of {about} exists."
        case Cause.INCOMPATIBLE:
            return _incompatible(conflict, about)
        case Cause.FORBIDDEN:
            return f"{about} exists, but the profile's policy forbids what would fit."
        case Cause.UNREADABLE:
            return f"What {about} requires is not known: its metadata cannot be read."
        case Cause.ROOT if conflict.missing:
            what = _few(conflict.missing, "it needs")
            return f"{about} cannot be installed: nothing in the base provides {what}."
        case Cause.ROOT if conflict.blocked:
            what = joined(list(conflict.blocked))
            return f"{about} cannot be installed: it needs {what}, which the base cannot install."
        case Cause.ROOT:
            return f"The base's own packages around {about} cannot be installed together."


def _few(names: Sequence[str], whose: str) -> str:
    """The first names, and how many more there are."""
    if len(names) <= _NAMED:
        return joined(list(names))
    return f"{names[0]} and {len(names) - 1} more packages that {whose}"


def _unbuilt_sentence(conflict: Conflict, unbuilt: Sequence[Unbuilt], base: str = "") -> str:
    """Which versions of what the conflict is about cannot be built; else of what it needs."""
    about, where = str(conflict.about), f" on {base}" if base else ""
    own = [one.stream for one in unbuilt if one.stream.rpartition(" ")[0] == about]
    if len(own) == 1:
        return f"{own[0]} cannot be built{where}."
    if own:
        versions = joined([stream.rpartition(" ")[2] for stream in own])
        return f"{about} cannot be built{where}, neither {versions.replace(' and ', ' nor ')}."
    streams = joined([one.stream for one in unbuilt])
    return f"{named(conflict.about)} cannot be used: {streams} cannot be built{where}."


def _incompatible(conflict: Conflict, about: str) -> str:
    """Demands that meet at the component and have nothing in common, or versions of it that all
    die: of what they need, or of what is needed with them."""
    demands = {demand for chain in conflict.chains for demand in chain}
    on_it = [demand for demand in demands if demand.requirement.component == conflict.about]
    by_it = [demand for demand in demands if demand.by == conflict.about]
    meets_there = all(chain[-1] in on_it for chain in conflict.chains)
    if _nothing_in_common(on_it) and (meets_there or not by_it):
        return f"The demands on {about} conflict with each other: no version meets them all."
    if len(conflict.chains) > 1 and by_it:
        there = {version for demand in on_it for version in demand.available}
        stating = {version for demand in by_it for version in demand.versions}
        each = "each" if there <= stating else "each that is let in"
        return f"No version of {about} can be used: {each} needs something that cannot be had."
    if conflict.about == PYTHON and not meets_there:
        return (
            f"No version of {about} can be used: with each that is let in, something is needed "
            "that cannot be had."
        )
    return f"What requires {about} conflicts with what is there of it."


def _nothing_in_common(demands: Sequence[Demand]) -> bool:
    """Whether all demands together let nothing in, though each that requires it does."""
    if len(demands) <= 1 or not all(d.allowed or d.only_if_used for d in demands):
        return False
    return not set.intersection(*(set(demand.allowed) for demand in demands))


def _conflict(refused: Refused, number: int, failure: Failure) -> list[Block]:
    conflict = refused.conflict
    lead = f"{number}. "
    sentence = conflict_sentence(conflict)
    if is_of_build(conflict):
        sentence = build_sentence(conflict, failure.base)
    elif refused.unbuilt and conflict.cause is Cause.ROOT:
        sentence = _unbuilt_sentence(conflict, refused.unbuilt, failure.base)
        refused, clause = _without_the_one(refused)
        sentence = f"{sentence.rstrip('.')}: {clause}." if clause else sentence
    blocks: list[Block] = [paragraph(lead, Span(sentence, Style.HEADING), hang=len(lead))]
    for chain in conflict.chains:
        blocks += _chain(chain, conflict, failure)
    if not is_of_build(conflict) or conflict.chains:
        blocks += [paragraph(_CROSS, text, indent=_STEP, hang=2) for text in refused.packages]
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
                _condition(demand) if len(conflict.chains) > 1 else "",
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
        return ("you ask for ", Span(_short(requirement), Style.NAME))
    by = Span(_stated_by(demand, failure), Style.NAME)
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


def _stated_by(demand: Demand, failure: Failure) -> str:
    if demand.by.name == failure.application and not demand.versions:
        return f"{demand.by} {failure.version}"
    return f"{demand.by} {version_ranges(demand.versions)}" if demand.versions else str(demand.by)


def _condition(demand: Demand) -> str:
    """What a demand depends on, if that is the choice of the interpreter."""
    marker = demand.requirement.marker
    return f" where {marker}" if "python" in marker else ""


def _end(demand: Demand, conflict: Conflict, indent: int) -> list[Block]:
    """What the last demand of a chain meets: nothing that exists, or some versions."""
    there = version_ranges(demand.available)
    allowed = version_ranges(demand.allowed, demand.available)
    about = demand.requirement.component
    if not demand.available and about.kind is Kind.PACKAGE:
        return [paragraph(_CROSS, "there is none", indent=indent, hang=2)]
    if not demand.available:
        return [paragraph(_CROSS, f"of {about} no version is there", indent=indent, hang=2)]
    if not demand.allowed:
        if any(map(demand.requirement.allows, demand.available)):
            # Only the extras can be what keeps these out.
            wanted = f"there with {' and '.join(demand.requirement.extras)}"
        else:
            wanted = asked(demand.requirement)
        text = f"of {about} there is {there}: none is {wanted}"
        return [paragraph(_CROSS, text, indent=indent, hang=2)]
    if conflict.cause is Cause.FORBIDDEN:
        text = f"{about} {allowed} would fit and is forbidden"
        return [paragraph(_CROSS, text, indent=indent, hang=2)]
    mark = "" if len(conflict.chains) > 1 or conflict.cause is Cause.ROOT else _CROSS
    return [paragraph(mark, f"that allows {about} {allowed}", indent=indent, hang=2)]


def _repairs(failure: Failure, command: Command) -> list[Block]:
    return [*_solved_repairs(failure, command), *_further_repository(failure)]


def _further_repository(failure: Failure) -> list[Block]:
    """What the base lacks another repository may have: which one, only the packager knows."""
    missing = sorted({text for conflict in failure.conflicts for text in conflict.missing})
    if not missing:
        return []
    what = joined(missing) if len(missing) <= _NAMED else f"{missing[0]} and the others"
    text = f"A repository on top of the base that provides {what} may help as well: "
    return [paragraph(text, Span("--repo NAME=URL", Style.COMMAND), ".")]


def _solved_repairs(failure: Failure, command: Command) -> list[Block]:
    if not failure.repairs:
        return _without_repairs(failure, command)
    blocks: list[Block] = [
        paragraph(
            Span("What would help", Style.HEADING),
            " (each change was solved again before it is shown):",
        )
    ]
    for number, repair in enumerate(failure.repairs, 1):
        how, step = repair_step(repair, failure, command)
        cost = f"{count(repair.private, 'private stream')}, about {builder_time(repair.cost)}"
        lead = f"{number}. "
        blocks.append(paragraph(lead, how, Span(f" ({cost})", Style.QUIET), hang=len(lead)))
        blocks.append(paragraph(Span(str(step), Style.COMMAND), indent=2 + _STEP))
    return blocks


def _without_repairs(failure: Failure, command: Command) -> list[Block]:
    missing = [
        c
        for c in failure.conflicts
        if c.cause in _MISSING and all(chain[-1].requirement.is_asked for chain in c.chains)
    ]
    if missing and len(missing) == len(failure.conflicts):
        if ("--offline", "") not in command.options:
            return [paragraph("Nothing that could be changed here makes a version exist.")]
        online = str(command.without_option("--offline"))
        return [
            paragraph(Span("What to do", Style.HEADING), ": ask the package index as well"),
            paragraph(Span(online, Style.COMMAND), indent=2 + _STEP),
        ]
    return [
        paragraph(
            "No single change was found that makes a plan possible: no other variant, base or "
            "Python, and no one requirement to relax."
        )
    ]


def repair_step(repair: Repair, failure: Failure, command: Command) -> tuple[str, Command]:
    """What a repair does, and the command that plans with it."""
    value = repair.value
    match repair.kind:
        case RepairKind.VARIANT:
            return f"Build the variant {value}", command.with_option("--variant", value)
        case RepairKind.BASE:
            text = f"Ship on {value} instead of {failure.base}"
            return text, command.with_option("--base", value)
        case RepairKind.PYTHON if value == ANY_PYTHON:
            return "Leave the choice of Python open", command.without_option("--python")
        case RepairKind.PYTHON:
            return f"Use Python {value}", command.with_option("--python", value)
        case RepairKind.APPLICATION:
            text = f"Ship {failure.application} {value} instead of {failure.version}"
            return text, command.with_option("--app-version", value)
        case RepairKind.MODULE:
            text = f"Choose the module stream {value}, which the base hides until it is chosen"
            return text, command.with_further("--module", value)
        case RepairKind.RELAX:
            return _relax_step(((repair.by, value), *repair.further), command)


def _relax_step(pairs: Sequence[tuple[str, str]], command: Command) -> tuple[str, Command]:
    by_whom: dict[str, list[str]] = {}
    for by, value in pairs:
        by_whom.setdefault(by, []).append(_in_reading_order(value))
        who = f"{by}:" if by else ""
        command = command.with_further("--relax", f"{who}{value.replace(' ', '')}")
    texts = [
        f"{joined(values)}{f', which {by} states' if by else ''}" for by, values in by_whom.items()
    ]
    return f"Relax {'; and '.join(texts)}", command


def _in_reading_order(value: str) -> str:
    """``fastapi<0.137,>=0.133`` with its lower bound first."""
    found = _BOUNDS.fullmatch(value)
    if found is None:
        return value
    clauses = sorted(found[2].split(","), key=lambda clause: (clause.startswith("<"), clause))
    return f"{found[1]}{','.join(clauses)}"
