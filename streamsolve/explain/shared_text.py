"""Which applications share their streams, and which cannot, for a reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve

from ..model.component import Component
from ..model.conflict import Failure
from ..model.shared import (
    Apart,
    ApartKind,
    CommonStream,
    Contradiction,
    Difference,
    DifferenceKind,
    SharedPlan,
    StreamSet,
)
from .conflict_text import reason_blocks
from .isolation_text import isolation_blocks
from .markup import Block, Row, Span, Style, Table, blank, paragraph
from .plan_text import demand_blocks
from .sentences import builder_time, count, demanders, joined

__all__ = ["shared_blocks"]

_GOOD = Span("✓ ", Style.GOOD)
_CROSS = Span("✗ ", Style.BAD)
_NAMES = 8
_ROWS = 12
_BELOW = 3
_CONFLICTS = 3
_FOLDED = 3
_WORDS = {
    "label": "builds it as",
    "accelerator": "builds it with",
    "source": "builds it from",
    "third party's package": "takes",
    "direct reference": "means",
    "streams": "knows it as",
    "name": "calls the base's",
}
_SILENCE = {"label": "builds it without a label", "third party's package": "builds it"}


def shared_blocks(shared: SharedPlan, *, everything: bool = False) -> tuple[Block, ...]:
    """The sets, why there are not fewer, what they have in common, and what that saves."""
    blocks = [
        *_head(shared),
        blank(),
        *_sets(shared, everything),
        *_apart(shared, everything),
        *_within(shared, everything),
        *_across(shared, everything),
        *_copies(shared, everything),
        blank(),
        *_cost(shared),
    ]
    return tuple(blocks)


def _head(shared: SharedPlan) -> Iterable[Block]:
    many = count(len(shared.applications), "application")
    sets = count(len(shared.sets), "set") + " of streams"
    yield paragraph(
        _GOOD,
        Span(f"{many} on {shared.base} ({shared.arch})", Style.HEADING),
        f": {sets}{'' if len(shared.sets) == 1 else ', and no fewer'}",
        "" if shared.fewest else Span(", which is not proven", Style.WARNING),
        ".",
        hang=2,
    )


def _sets(shared: SharedPlan, everything: bool) -> Iterable[Block]:
    rows = []
    for number, one in enumerate(shared.sets, 1):
        rows.append(
            Row(
                (Span(f"set {number}"),),
                (Span(", ".join(one.applications), Style.NAME), Span(f" · {_contents(one)}")),
                Span(builder_time(one.plan.summary.cost), Style.QUIET),
            )
        )
    yield Table(tuple(rows))
    yield from demand_blocks(shared.demands)
    for number, one in enumerate(shared.sets, 1):
        isolation = one.plan.isolation
        if isolation is not None and isolation.leaks:
            yield blank()
            yield paragraph(Span(f"Set {number} must not be used", Style.HEADING))
            yield from isolation_blocks(isolation, everything=everything)
    if everything:
        for number, one in enumerate(shared.sets, 1):
            yield blank()
            yield paragraph(Span(f"Private streams of set {number}", Style.HEADING))
            yield from _streams(one)


def _contents(one: StreamSet) -> str:
    plan = one.plan
    texts = [count(len(one.private), "private stream")]
    if plan.summary.external:
        texts.append(f"{plan.summary.external} of third parties")
    texts.append(f"{plan.summary.base} of the base")
    told = ", ".join(texts)
    return f"Python {plan.interpreter}: {told}" if plan.interpreter else told


def _streams(one: StreamSet) -> Iterable[Block]:
    """A line each, since the longest name would leave a table no room."""
    for stream in one.private:
        users = one.users.get(stream.component, ()) if len(one.applications) > 1 else ()
        told = ", of all" if users == one.applications else f", of {joined(users)}" if users else ""
        yield paragraph(
            Span(str(stream.component), Style.PRIVATE),
            f" {stream.version}",
            Span(f", {builder_time(stream.cost)}{told}", Style.QUIET),
            indent=2,
            hang=2,
        )


# -- why there are not fewer -----------------------------------------------------------------------


def _apart(shared: SharedPlan, everything: bool) -> Iterable[Block]:
    if not shared.apart:
        return
    yield blank()
    yield paragraph(Span("What forces another set", Style.HEADING))
    for apart in shared.apart:
        yield paragraph(_CROSS, *_apart_sentence(apart), indent=2, hang=2)
        for contradiction in apart.contradictions:
            yield paragraph(*_contradiction(contradiction), indent=4, hang=2)
        if apart.kind is ApartKind.DEMANDS:
            yield from _conflicts(apart, shared, everything)


def _apart_sentence(apart: Apart) -> Iterable[str | Span]:
    yield Span(joined(apart.applications), Style.NAME)
    match apart.kind:
        case ApartKind.APPLICATION:
            yield (
                " are one component: a root holds one stream of it, and variants never share a root"
            )
        case ApartKind.RULES:
            yield " contradict each other in what their profiles say:"
        case ApartKind.DEMANDS:
            yield " demand what cannot be met together:"
        case ApartKind.UNDECIDED:
            yield (
                " were not planned together: too many choices were refused, or not all were tried, "
                "and it is not proven that none is left"
            )


def _contradiction(contradiction: Contradiction) -> Iterable[str | Span]:
    component = Span(str(contradiction.component), Style.NAME)
    if contradiction.rule == "permission":
        yield component
        yield f": {'; '.join(text for _, text in contradiction.says)}"
        return
    yield component
    rule = contradiction.rule
    word = _WORDS.get(rule, f"says of its {rule}")
    told = [
        f"{label} {f'{word} {text}' if text else _SILENCE.get(rule, f'says nothing of its {rule}')}"
        for label, text in contradiction.says
    ]
    yield f": {joined(told)}"


def _conflicts(apart: Apart, shared: SharedPlan, everything: bool) -> Iterable[Block]:
    name = "+".join(apart.applications)
    many = len(apart.conflicts)
    shown = many if everything or many <= _CONFLICTS + 1 else _CONFLICTS
    failure = Failure(name, "", "", shared.base, shared.arch, apart.conflicts[:shown])
    for block in reason_blocks(failure):
        yield _indented(block)
    if shown < many:
        yield paragraph(f"and {count(many - shown, 'more conflict')} (--all)", indent=4)


def _indented(block: Block) -> Block:
    return evolve(block, indent=block.indent + 4) if block != blank() else block


# -- what they have in common ----------------------------------------------------------------------


def _names(common: Sequence[CommonStream], everything: bool) -> str:
    names = [f"{one.component} {one.copies[0].version}".replace(" ", "\u00a0") for one in common]
    shown = names if everything or len(names) <= _NAMES + 1 else names[:_NAMES]
    rest = len(names) - len(shown)
    return f"{', '.join(shown)}{f' and {rest} more (--all)' if rest else ''}"


def _grouped(common: Iterable[CommonStream]) -> Mapping[tuple[str, ...], list[CommonStream]]:
    """By the applications that use the only copy."""
    found: dict[tuple[str, ...], list[CommonStream]] = {}
    for one in common:
        found.setdefault(one.copies[0].applications, []).append(one)
    return {users: found[users] for users in sorted(found, key=lambda u: (-len(u), u))}


def _users(users: tuple[str, ...], shared: SharedPlan) -> str:
    return "all" if len(users) == len(shared.applications) else joined(users)


def _within(shared: SharedPlan, everything: bool) -> Iterable[Block]:
    inside = [one for one in shared.common if one.difference is None and not _spread(one)]
    if not inside:
        return
    yield blank()
    yield paragraph(
        Span("Shared inside a set", Style.HEADING), f": {count(len(inside), 'private stream')}"
    )
    yield from _by_users(inside, shared, everything)


def _by_users(
    streams: Sequence[CommonStream], shared: SharedPlan, everything: bool
) -> Iterable[Block]:
    for users, common in _grouped(streams).items():
        yield paragraph(
            Span(_users(users, shared), Style.NAME),
            f" ({len(common)}): ",
            Span(_names(common, everything), Style.QUIET),
            indent=2,
            hang=2,
        )


def _spread(one: CommonStream) -> bool:
    return any(len(copy.sets) > 1 for copy in one.copies)


def _across(shared: SharedPlan, everything: bool) -> Iterable[Block]:
    across = [one for one in shared.common if one.difference is None and _spread(one)]
    if not across:
        return
    yield blank()
    what = (
        "the same at run time and in its build roots" if shared.builds else "the same at run time"
    )
    yield paragraph(
        Span("Built once for several sets", Style.HEADING),
        f": {count(len(across), 'private stream')}, each with all below it {what}",
    )
    yield from _by_users(across, shared, everything)
    if not shared.builds:
        yield paragraph("Build roots were not compared: --builds does.", indent=2)


def _copies(shared: SharedPlan, everything: bool) -> Iterable[Block]:
    several = [one for one in shared.common if one.difference is not None]
    if not several:
        return
    yield blank()
    yield paragraph(
        Span("Needed more than once", Style.HEADING),
        f": {count(len(several), 'private stream')}",
    )
    folded = {} if everything else _alike(several)
    alone = [one for one in several if not any(one in alike for alike in folded.values())]
    for alike in folded.values():
        yield paragraph(
            f"{len(alike)} {_why(alike[0])}, ",
            f"{_once_each(alike[0])}: ",
            Span(_names(alike, everything), Style.QUIET),
            indent=2,
            hang=2,
        )
    shown = alone if everything or len(alone) <= _ROWS + 1 else alone[:_ROWS]
    for one in shown:
        yield paragraph(Span(str(one.component), Style.PRIVATE), f": {_why(one)}", indent=2, hang=2)
        yield from _versions(one, shared)
    if len(shown) < len(alone):
        yield paragraph(f"and {len(alone) - len(shown)} more (--all)", indent=2)


def _alike(several: Sequence[CommonStream]) -> Mapping[object, list[CommonStream]]:
    """Streams of one version each, of which the same is told, where they are many."""
    found: dict[object, list[CommonStream]] = {}
    for one in several:
        if len({copy.version for copy in one.copies}) == 1:
            users = tuple(copy.applications for copy in one.copies)
            found.setdefault((_why(one), users), []).append(one)
    return {key: alike for key, alike in found.items() if len(alike) > _FOLDED}


def _once_each(one: CommonStream) -> str:
    return joined([f"once for {joined(copy.applications)}" for copy in one.copies])


def _versions(one: CommonStream, shared: SharedPlan) -> Iterable[Block]:
    """Each copy, with the demands on it that others do not meet; those of one version in a line."""
    if len({copy.version for copy in one.copies}) == 1:
        yield paragraph(f"{one.copies[0].version} {_once_each(one)}", indent=4, hang=2)
        return
    for copy in one.copies:
        told = f" · {demanders(list(copy.demands))}" if copy.demands else ""
        if any(
            each.component == one.component and each.label in copy.applications
            for each in shared.applications
        ):
            told = " · the application itself"
        yield paragraph(f"{copy.version} for {joined(copy.applications)}{told}", indent=4, hang=2)


def _few(components: Sequence[Component]) -> str:
    names = [str(component) for component in components[:_BELOW]]
    rest = len(components) - len(names)
    return f"{', '.join(names)} and {rest} more" if rest else joined(names)


def _why(one: CommonStream) -> str:
    difference = one.difference or Difference(DifferenceKind.CHOICE)
    match difference.kind:
        case DifferenceKind.DEMANDS:
            versions = [str(version) for version in difference.agreeing]
            also = f"; no demand is against {joined(versions)}" if versions else ""
            return f"the version of one set does not meet all demands of another{also}"
        case DifferenceKind.CHOICE:
            return "each set has the version that is best for it; no demand keeps them apart"
        case DifferenceKind.PYTHON:
            return f"built for Python {joined(difference.texts)}"
        case DifferenceKind.RULES:
            return "the same version, made in another way as the profiles say"
        case DifferenceKind.BELOW:
            return f"the same version, with another {_few(difference.below)} below it"
        case DifferenceKind.BUILD:
            return "the same version, from build roots that are not the same"


def _cost(shared: SharedPlan) -> Iterable[Block]:
    alone = len(shared.applications)
    text = (
        f": {count(shared.private, 'private stream')}, {builder_time(shared.cost)} of one builder; "
        f"{builder_time(shared.alone)} for {alone} plans that share nothing"
    )
    yield paragraph(
        Span("Together", Style.HEADING),
        text,
        _saving(shared),
        "." if shared.cheapest else Span(" (not proven to be the least).", Style.WARNING),
    )


def _saving(shared: SharedPlan) -> str:
    """Fewer sets may well cost more, where together they need what none needs alone."""
    saved = shared.alone - shared.cost
    if saved < 0:
        return f", so that being together costs {builder_time(-saved)} more"
    return f", {builder_time(saved)} saved" if saved else ", so nothing is saved"
