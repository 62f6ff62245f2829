"""What would help where no plan exists: repairs that were solved, else what to do next."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..model.component import PYTHON, Kind
from ..model.conflict import Cause, Conflict, Failure, Refusal, Repair, RepairKind, Unseen
from ..model.kernel import KERNEL
from .command import Command
from .conflict_sentences import is_unknown, stated_by
from .kernel_text import another_kernel
from .markup import Block, Span, Style, paragraph
from .sentences import builder_time, built_component, count, joined, named, spelled

__all__ = ["ANY_PYTHON", "repair_blocks", "repair_step"]

_STEP = 5
_NAMED = 3
_PLANNING = ("plan", "lock")
_ON_THE_INDEX = (Kind.DISTRIBUTION, Kind.INTERPRETER)
"""What distributions are and need: new releases of them may end a conflict about it."""
_MISSING = (Cause.NO_SUCH_COMPONENT, Cause.NO_SUCH_VERSION)
_BOUNDS = re.compile(r"([^<>=!~]+)([<>=!~].*)")

_TO_ACCEPT = (
    ": accept the wheel with [[prebuilt]] of the profile, or name the source with [[source]].",
    ": name the source with [[source]] of the profile, or plan another Python.",
)
"""What may help against releases without a source, and against wheels that do not run."""

ANY_PYTHON = "any"
"""The value of a repair that gives the choice of Python back."""


def repair_blocks(failure: Failure, command: Command) -> list[Block]:
    """The repairs with what to type for each. ``command`` is what was typed."""
    repairs = _solved_repairs(failure, command)
    return [*repairs, *_further_repository(failure), *_where_to_look(failure, command)]


def _where_to_look(failure: Failure, command: Command) -> list[Block]:
    """How to look where nobody did: each place once, with the command where there is one."""
    lead = Span("What to do", Style.HEADING)
    blocks: list[Block] = []
    unseen = {conflict.unseen: conflict.about for conflict in reversed(failure.conflicts)}
    if Unseen.INDEX in unseen:
        again = "as well" if ("--offline", "") in command.options else "again, when it answers"
        online = str(command.without_option("--offline"))
        blocks.append(paragraph(lead, f": ask the package index {again}"))
        blocks.append(paragraph(Span(online, Style.COMMAND), indent=_STEP))
    if Unseen.BASE in unseen:
        whole = str(command.with_option("--base", "DIRECTORY"))
        fetched = str(command.without_option("--offline").with_option("--fresh"))
        blocks += [
            paragraph(lead, f": ask the whole {failure.base}, from its repositories or fetched"),
            paragraph(Span(whole, Style.COMMAND), indent=_STEP),
            paragraph(Span(fetched, Style.COMMAND), indent=_STEP),
        ]
    if Unseen.PROFILE in unseen:
        what = f": say in a [[component]] of the profile what {unseen[Unseen.PROFILE].spelled} is"
        blocks.append(paragraph(lead, what, ", such as which packages of the base."))
    return blocks


def _further_repository(failure: Failure) -> list[Block]:
    """What the base lacks another repository may have: which one, only the packager knows."""
    missing = sorted({text for conflict in failure.conflicts for text in conflict.missing})
    if not missing and any(conflict.about == KERNEL for conflict in failure.conflicts):
        return another_kernel()
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
        blocks.append(paragraph(Span(str(step), Style.COMMAND), indent=_STEP))
    return blocks


def _without_repairs(failure: Failure, command: Command) -> list[Block]:
    if is_unknown(failure):
        return []
    missing = [
        c
        for c in failure.conflicts
        if c.cause in _MISSING and all(chain[-1].requirement.is_asked for chain in c.chains)
    ]
    if missing and len(missing) == len(failure.conflicts):
        if any(conflict.about.kind is not Kind.DISTRIBUTION for conflict in missing):
            return _next_step(failure, command)
        if ("--offline", "") not in command.options:
            return [paragraph("Nothing that could be changed here makes a version exist.")]
        online = str(command.without_option("--offline"))
        return [
            paragraph(Span("What to do", Style.HEADING), ": ask the package index as well"),
            paragraph(Span(online, Style.COMMAND), indent=_STEP),
        ]
    return [
        paragraph(
            "No single change was found that makes a plan possible: no other variant, base or "
            "Python, and no one requirement to relax."
        ),
        *_next_step(failure, command),
    ]


def _next_step(failure: Failure, command: Command) -> list[Block]:
    """Where to look on: nothing of it was solved, so that nothing is promised."""
    causes = {conflict.cause for conflict in failure.conflicts}
    lead = Span("What to do", Style.HEADING)
    refusals = {conflict.refusal for conflict in failure.conflicts}
    if causes == {Cause.FORBIDDEN} and None not in refusals:
        return [paragraph(lead, _TO_ACCEPT[Refusal.NO_WHEEL in refusals])]
    if causes == {Cause.FORBIDDEN}:
        return [paragraph(lead, ": decide in the profile's [policy] what may be used.")]
    if causes == {Cause.ROOT}:
        if _further_repository(failure):
            return []
        bases = Span("streamsolve base list", Style.COMMAND)
        return [paragraph(lead, ": try another base; ", bases, " names those that are known.")]
    about = {conflict.about for conflict in failure.conflicts}
    if about == {PYTHON} and causes.intersection(_MISSING):
        return [paragraph(lead, ": name another Python, or list it in the profile's interpreters.")]
    if not any(one.kind in _ON_THE_INDEX or built_component(one) for one in about):
        what = _first([named(component) for component in sorted(about)])
        return [
            paragraph(
                *(lead, f": look for a repository on top of the base with another {what}, "),
                *(Span("--repo NAME=URL", Style.COMMAND), ", or state one in the profile."),
            )
        ]
    stating, wanted = _stating(failure)
    if not stating:
        return [paragraph(lead, f": ask for something else than {_first(wanted)}.")]
    how, further = _looking_on(failure, command)
    if further is not None:
        return [
            paragraph(lead, f": {how}:"),
            paragraph(Span(str(further), Style.COMMAND), indent=_STEP),
        ]
    text = f": look for releases of {_first(stating)} that state something else"
    return [paragraph(lead, f"{text}{how}.")]


def _looking_on(failure: Failure, command: Command) -> tuple[str, Command | None]:
    """How to reach what was not considered, with the command for it if there is one."""
    name = command.words[1] if len(command.words) > 1 else ""
    if name == "why-not":
        # It reads what the profile brings, and has no option to look past that.
        refresh = Command(("streamsolve", "profile", "refresh", command.words[2]))
        return "make again what the profile brings, with newer releases, then ask again", refresh
    if name not in _PLANNING:
        return "", None
    if "--fresh" not in dict(command.options):
        fresh = command.without_option("--offline").with_option("--fresh")
        return "ask the package index even for what the profile brings", fresh
    relaxed = [_to_relax(conflict) for conflict in failure.conflicts]
    if len(relaxed) > 1 and all(relaxed):
        for value in dict.fromkeys(relaxed):
            command = command.with_further("--relax", value)
        return "relax one requirement of each conflict, which was not tried", command
    return f", or plan another version of {failure.application} with --app-version", None


def _to_relax(conflict: Conflict) -> str:
    """The last requirement of a conflict that can be relaxed, as the option takes it."""
    for demand in (demand for chain in conflict.chains for demand in reversed(chain)):
        wanted = demand.requirement
        stated = bool(wanted.specifier) and not wanted.is_asked and not built_component(demand.by)
        if stated and wanted.component.kind is Kind.DISTRIBUTION:
            return f"{demand.by.name}:{wanted.component.name}{wanted.specifier}"
    return ""


def _stating(failure: Failure) -> tuple[list[str], list[str]]:
    """Who states the demands that cannot be met together, and what the reader asked for of these,
    in the order of the conflicts."""
    ends = [chain[-1] for conflict in failure.conflicts for chain in conflict.chains]
    asked = [spelled(demand.requirement) for demand in ends if demand.requirement.is_asked]
    others = [demand for demand in ends if not demand.requirement.is_asked]
    by = [built_component(demand.by) or stated_by(demand, failure) for demand in others]
    return list(dict.fromkeys(by)), list(dict.fromkeys(asked))


def _first(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    if len(names) <= _NAMED:
        return joined(list(names))
    return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"


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
        case RepairKind.DEMAND:
            return f"Leave out --with {value}", command.without("--with", value)
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
