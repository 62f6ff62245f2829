"""A lock for a reader: what it holds, whether it holds together, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..errors import Place
from ..model.build import BuildPlan, Stage, is_third_party
from ..model.component import Origin
from ..model.difference import LockDiff
from ..model.package import Package
from ..model.plan import Plan, PlannedStream
from .command import Command
from .diff_text import diff_blocks
from .isolation_text import isolation_blocks
from .markup import Block, Row, Span, Style, Table, blank, paragraph
from .plan_text import demand_blocks
from .sentences import builder_time, count

__all__ = [
    "checked_blocks",
    "current_blocks",
    "finding_blocks",
    "lock_blocks",
    "unpinned_packages",
    "unpinned_sources",
    "update_blocks",
]

_BUILDERS = 4
_NAMES = 4
_FINDINGS = 20


def lock_blocks(plan: Plan, file: str, digest: str) -> tuple[Block, ...]:
    """What a lock that was written to ``file`` (empty: nowhere to come back to) holds, and what can
    be done with it."""
    what = f"{plan.application} {plan.version}" + (f" ({plan.variant})" if plan.variant else "")
    blocks: list[Block] = [
        paragraph(
            Span("✓ ", Style.GOOD),
            Span(f"{what} on {plan.base} ({plan.arch}) is locked", Style.HEADING),
            *((" in ", Span(file, Style.NAME)) if file else ()),
            ".",
            hang=2,
        ),
        blank(),
        *_held(plan),
        *demand_blocks(plan.demands),
        blank(),
        *(isolation_blocks(plan.isolation) if plan.isolation else ()),
        *_unpinned(plan),
        blank(),
        paragraph(Span(f"Its digest is {digest}.", Style.QUIET)),
    ]
    steps = (("check", "proves it from itself"), ("verify", "says whether it can still be done"))
    if not file:
        return tuple(blocks)
    return (*blocks, *_next([(Command(("streamsolve", n, file)), why) for n, why in steps]))


def _held(plan: Plan) -> tuple[Block, ...]:
    """How what is private gets built: how many streams and roots, in what order, how long."""
    builds = plan.builds
    if builds is None:
        return ()
    summary = plan.summary
    private = f"{count(summary.private, 'private stream')} of the application"
    further = f", {summary.build_only} more for builds alone" if summary.build_only else ""
    passes = sum(1 for build in builds.builds if build.stage is Stage.BOOTSTRAP)
    bootstrap = f", {count(passes, 'of them a bootstrap pass', 'of them bootstrap passes')}"
    rows = [
        ("streams", f"{private}{further}"),
        ("builds", f"{len(builds.builds)}{bootstrap if passes else ''}"),
        ("roots", f"{_roots(builds)} and the runtime root"),
        ("order", _order(builds)),
    ]
    return (Table(tuple(Row((Span(name, Style.HEADING),), (Span(text),)) for name, text in rows)),)


def _roots(builds: BuildPlan) -> str:
    shared = len(builds.builds) - len(builds.roots)
    told = count(len(builds.roots), "build root")
    return f"{told} (builds with equal roots share one)" if shared else told


def _order(builds: BuildPlan) -> str:
    order = builds.order
    schedule = dict(order.schedule)
    one = schedule.get(1, sum(level.total for level in order.levels))
    several = schedule.get(_BUILDERS)
    levels = count(len(order.levels), "level")
    told = f"{levels}; {builder_time(one)} with one builder"
    if several is None or several == order.minutes:
        return f"{told}, {builder_time(order.minutes)} with enough of them"
    more = f", {builder_time(several)} with {_BUILDERS}"
    return f"{told}{more}, never less than {builder_time(order.minutes)}"


def _unpinned(plan: Plan) -> Iterable[Block]:
    """What is in the lock without a checksum, and why."""
    unpinned = _external(plan)
    headers = sorted(each.nevra for each in unpinned if not is_third_party(each))
    if headers:
        yield _without("headers of the kernel", "no repository of the base lists them", headers)
    external = sorted(each.nevra for each in unpinned if is_third_party(each))
    if external:
        yield _without(
            f"{count(len(external), 'package')} of a third party",
            "their repository is not at hand (--repo NAME=URL says where it is)",
            external,
        )
    sources = [f"{one.component} ({one.source.purl})" for one in unpinned_sources(plan)]
    if sources:
        one = "it is a revision of a source repository, or a source package of the base"
        several = "they are revisions of source repositories, or source packages of the base"
        why = one if len(sources) == 1 else several
        yield _without(count(len(sources), "source"), why, sources)


def unpinned_packages(plan: Plan) -> tuple[str, ...]:
    """The packages that no repository had, and so have no checksum in the lock, sorted."""
    return tuple(sorted(package.nevra for package in _external(plan)))


def _external(plan: Plan) -> set[Package]:
    roots = (plan.builds.runtime, *plan.builds.roots) if plan.builds else ()
    return {each for root in roots for each in root.packages if each.repository == "external"}


def unpinned_sources(plan: Plan) -> tuple[PlannedStream, ...]:
    """The private streams whose source no checksum pins."""
    return tuple(stream for stream in plan.of_origin(Origin.PRIVATE) if not stream.source.sha256)


def _without(what: str, why: str, names: Sequence[str]) -> Block:
    shown = names if len(names) <= _NAMES + 1 else names[:_NAMES]
    rest = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
    return paragraph(
        Span("▲ ", Style.WARNING),
        Span("Without checksum", Style.HEADING),
        f": {what}; {why}: ",
        Span(f"{', '.join(shown)}{rest}", Style.QUIET),
        hang=2,
    )


def _next(steps: Sequence[tuple[Command, str]]) -> tuple[Block, ...]:
    rows = tuple(
        Row(
            (Span("or" if n else "Next", Style.HEADING), Span(str(step), Style.COMMAND)),
            (Span(why),),
        )
        for n, (step, why) in enumerate(steps)
    )
    return (blank(), Table(rows, indent=0))


# -- checked, compared, updated --------------------------------------------------------------------


def checked_blocks(plan: Plan, file: str) -> tuple[Block, ...]:
    """That a lock proves itself, and what that means."""
    builds = plan.builds
    roots = count(len(builds.roots) + 1 if builds else 0, "root")
    return (
        paragraph(
            Span("✓ ", Style.GOOD),
            Span(file, Style.NAME),
            Span(" proves itself", Style.HEADING),
            f": in {roots} every requirement of {count(len(plan.streams), 'stream')} and of every "
            "package is met, and no root holds two streams of a component; "
            f"{count(len(builds.builds) if builds else 0, 'build')} can be done in their order; "
            "nothing leaks.",
            hang=2,
        ),
    )


def finding_blocks(
    file: str, findings: Sequence[tuple[Place, str]], *, everything: bool = False
) -> tuple[Block, ...]:
    """What does not hold in a lock, each with its place."""
    number = len(findings)
    shown = findings if everything or number <= _FINDINGS + 1 else findings[:_FINDINGS]
    blocks: list[Block] = [
        paragraph(
            Span("✗ ", Style.BAD),
            Span(file, Style.NAME),
            Span(f": {count(number, 'thing does', 'things do')} not hold", Style.HEADING),
            hang=2,
        )
    ]
    for place, text in shown:
        where = (Span(str(place), Style.NAME), ": ") if str(place) else ()
        blocks.append(paragraph(*where, text, indent=2, hang=2))
    if len(shown) < number:
        blocks.append(
            paragraph(Span(f"and {number - len(shown)} more (--all)", Style.QUIET), indent=2)
        )
    step = "make the lock again with `streamsolve lock`, or take it from where it was kept"
    return (*blocks, paragraph("→ ", step, indent=2, hang=2))


def current_blocks(
    file: str,
    diff: LockDiff,
    parts: Sequence[str],
    dropped: Sequence[tuple[str, str, str]],
    step: Command,
    *,
    everything: bool = False,
) -> tuple[Block, ...]:
    """Whether a lock is what would be locked today with its versions kept."""
    if not parts:
        return (
            paragraph(
                Span("✓ ", Style.GOOD),
                Span(file, Style.NAME),
                Span(" is what would be locked today", Style.HEADING),
                ", its versions kept.",
                hang=2,
            ),
        )
    return (
        paragraph(
            Span("✗ ", Style.BAD),
            Span(file, Style.NAME),
            Span(" is stale", Style.HEADING),
            ": with its versions kept as far as they can be, this would be locked today:",
            hang=2,
        ),
        blank(),
        *_changes(diff, parts, everything),
        *_dropped(dropped),
        *_next([(step, "makes it again")]),
    )


def update_blocks(
    file: str,
    diff: LockDiff,
    parts: Sequence[str],
    dropped: Sequence[tuple[str, str, str]],
    *,
    only: str = "",
    stays: str = "",
    everything: bool = False,
) -> tuple[Block, ...]:
    """What an update changed; where something did, ``file`` was written. ``stays`` says why the
    component ``only`` did not move."""
    blocks: list[Block] = []
    if stays:
        blocks += [paragraph(Span(only, Style.NAME), f" stays where it is: {stays}.")]
    if not parts:
        text = "Nothing changed, and nothing is written."
        blocks.append(paragraph(Span("✓ ", Style.GOOD), text, hang=2))
    else:
        blocks += [*_changes(diff, parts, everything), *_dropped(dropped), blank()]
        blocks.append(
            paragraph(Span("✓ ", Style.GOOD), Span(file, Style.NAME), " is written.", hang=2)
        )
    return tuple(blocks)


def _changes(diff: LockDiff, parts: Sequence[str], everything: bool) -> tuple[Block, ...]:
    if diff:
        return diff_blocks(diff, everything=everything)
    return (paragraph(f"Only these parts of the document differ: {', '.join(parts)}."),)


def _dropped(dropped: Sequence[tuple[str, str, str]]) -> list[Block]:
    """Versions that could not be kept, as (component, version, why)."""
    if not dropped:
        return []
    rows = tuple(
        Row((Span(component, Style.NAME), Span(version)), (Span(why),))
        for component, version, why in dropped
    )
    return [blank(), paragraph(Span("Could not be kept", Style.HEADING)), Table(rows)]
