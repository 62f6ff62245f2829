"""How everything private gets built, for a reader: how much, how long, and what to know of it.

The first screen counts and names what is out of the ordinary; ``everything`` lists each level with
its builds, and each root.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from ..model.build import Build, BuildPlan, NeedRole, Root, RootStream, Stage
from ..model.component import Kind, Origin
from ..model.plan import Plan, PlannedStream, ReasonKind
from ..model.software_collections import SoftwareCollection
from .markup import NO_BREAK, Block, Row, Span, Style, Table, blank, paragraph
from .sentences import builder_time, count, joined, reason_clause

__all__ = ["build_blocks", "build_name"]

_MARK = Span("●", Style.PRIVATE)
_TWICE = Span("×", Style.WARNING)
_TOOL = Span("▲", Style.WARNING)
_OUT = Span("○", Style.QUIET)
_ROWS = 4
_NAMES = 3
_PASSES = 3
_TOOL_ROOTS = 6
_SHORT = 50

_REBUILT = (ReasonKind.OTHER_PYTHON, ReasonKind.BASE_VERSION)


def build_blocks(plan: Plan, *, everything: bool = False) -> list[Block]:
    """The builds of a plan; nothing where they were not planned, or nothing is built."""
    builds = plan.builds
    if builds is None or not builds.builds:
        return []
    return [
        *_totals(builds, everything),
        *_build_only(plan, everything),
        *_passes(builds, everything),
        *_left_out(builds, everything),
        *_tools(builds),
        *_collections(builds),
        *(_levels(builds) if everything else ()),
        *(_roots(builds) if everything else ()),
    ]


def build_name(build: Build) -> str:
    """``torch 2.14.0``, with the pass where there are two."""
    stage = "" if build.stage is Stage.ONLY else f", {build.stage.value}"
    return f"{build.component} {build.version}{stage}"


# -- how much, and how long ------------------------------------------------------------------------


def _totals(builds: BuildPlan, everything: bool) -> list[Block]:
    levels = len(builds.order.levels)
    text = (
        f": {count(len(builds.builds), 'build')} in {count(len(builds.roots), 'root')} and "
        f"{count(levels, 'level')}; all builds of a level can run at the same time"
    )
    return [
        paragraph(Span("Builds", Style.HEADING), text, hang=2),
        paragraph(_schedule(builds), indent=2, hang=2),
        paragraph(_longest(builds, everything), indent=2, hang=2),
    ]


def _schedule(builds: BuildPlan) -> str:
    """For a number of builders, how long; from where more do not help, nothing is repeated."""
    texts: list[str] = []
    before = -1
    more_help = True
    for builders, minutes in builds.order.schedule:
        if minutes == before:
            more_help = False
            break
        number = count(builders, "builder") if not texts else str(builders)
        texts.append(f"{builder_time(minutes)} with {number}")
        before = minutes
        if minutes == builds.order.minutes:
            more_help = False
            break
    rest = "" if more_help else "; more builders do not make it shorter"
    return f"In all {', '.join(texts)}{rest}."


def _longest(builds: BuildPlan, everything: bool) -> str:
    """The critical path with minutes; without ``everything``, short builds in a row are counted."""
    by_id = {build.id: build for build in builds.builds}
    path = [by_id[id] for id in builds.order.critical_path]
    steps: list[str] = []
    for is_short, group in groupby(
        path, key=lambda build: build.cost * _SHORT < builds.order.minutes
    ):
        run = list(group)
        if is_short and len(run) > 2 and not everything:
            minutes = builder_time(sum(build.cost for build in run))
            names = f"{run[0].component} … {run[-1].component}"
            steps.append(f"{len(run)} short ones ({names}, {minutes})")
        else:
            steps += [f"{build_name(build)} ({builder_time(build.cost)})" for build in run]
    chain = " → ".join(step.replace(" ", NO_BREAK) for step in steps)
    return f"The longest chain takes {builder_time(builds.order.minutes)}: {chain}."


# -- streams that only builds use ------------------------------------------------------------------


def _build_only(plan: Plan, everything: bool) -> list[Block]:
    streams = [s for s in plan.of_origin(Origin.PRIVATE) if s.build_only]
    if not streams:
        return []
    time = builder_time(sum(stream.cost for stream in streams))
    blocks: list[Block] = [
        paragraph(
            _MARK,
            f" {count(len(streams), 'more private stream')} that only builds use ({time}):",
            indent=2,
            hang=2,
        )
    ]
    if everything:
        ranked = sorted(streams, key=lambda s: (_rank(s), s.component, s.package))
        return [*blocks, _table(ranked, plan)]
    differs = [s for s in streams if s.reason.kind not in _REBUILT and s.reason.base_version]
    rows = differs if len(differs) <= _ROWS + 1 else differs[:_ROWS]
    if rows:
        blocks.append(_table(rows, plan, 1))
    absent = [s for s in streams if not s.reason.base_version]
    rebuilt = [s for s in streams if s.reason.kind in _REBUILT and s.reason.base_version]
    blocks += _folded(differs[len(rows) :], "more that the base has at a version that does not fit")
    blocks += _folded(absent, "that the base does not ship")
    blocks += _folded(rebuilt, f"only because Python {plan.python} is used")
    return blocks


def _rank(stream: PlannedStream) -> int:
    return (stream.reason.kind in _REBUILT) + 2 * (not stream.reason.base_version)


def _table(streams: Sequence[PlannedStream], plan: Plan, at_most: int = 0) -> Table:
    return Table(tuple(_row(stream, plan, at_most) for stream in streams), indent=4)


def _row(stream: PlannedStream, plan: Plan, at_most: int) -> Row:
    """One stream with its reason, and for whom it is where the reason does not say so."""
    demands = at_most or max(len(stream.reason.demands), 1)
    text = reason_clause(stream, plan.application, demands)
    named = bool(stream.reason.demands) or not stream.reason.base_version
    told = text if named else f"{text}; for {_for_whom(stream, len(stream.required_by))}"
    cells = (Span(stream.component.name, Style.NAME), Span(str(stream.version)))
    cost = Span(builder_time(stream.cost), Style.QUIET) if stream.cost else Span("")
    return Row(cells, (Span(told),), cost)


def _folded(streams: Sequence[PlannedStream], why: str) -> list[Block]:
    """A group as one paragraph: those that most need stand first."""
    if not streams:
        return []
    ranked = sorted(streams, key=lambda s: (-len(s.required_by), s.component))
    shown = ranked if len(ranked) <= _NAMES + 1 else ranked[:_NAMES]
    names = [f"{s.component} {s.version} (for {_for_whom(s)})" for s in shown]
    if len(shown) < len(ranked):
        names.append(f"{len(ranked) - len(shown)} more")
    listed = Span(joined(names), Style.QUIET)
    return [paragraph(f"{len(streams)} {why}: ", listed, indent=4, hang=2)]


def _for_whom(stream: PlannedStream, at_most: int = 2) -> str:
    names = sorted({demand.component.name for demand in stream.required_by})
    return joined(names) if len(names) <= at_most else f"{len(names)} builds"


# -- passes, tests, tools --------------------------------------------------------------------------


def _passes(builds: BuildPlan, everything: bool) -> list[Block]:
    """Each stream that is built twice: what the first pass uses instead, and when the last is."""
    first = [build for build in builds.builds if build.stage is Stage.BOOTSTRAP]
    limit = len(first) if everything or len(first) <= _PASSES + 1 else _PASSES
    level_of = {id: n for n, level in enumerate(builds.order.levels, 1) for id in level.builds}
    blocks: list[Block] = []
    for build in first[:limit]:
        final = f"{build.stream}/{Stage.FINAL.value}"
        blocks.append(
            paragraph(
                _TWICE,
                " ",
                Span(f"{build.component} {build.version}", Style.NAME),
                f" is built twice: in level {level_of[build.id]} {_does_without(build)}, and at "
                f"last in level {level_of[final]} with {_with_at_last(final, build, builds)}",
                indent=2,
                hang=2,
            )
        )
    if limit < len(first):
        more = ", ".join(str(build.component) for build in first[limit:])
        text = f"and {len(first) - limit} more that are built twice: {more} (--all)"
        blocks.append(paragraph(Span(text, Style.QUIET), indent=4, hang=2))
    return blocks


def _does_without(build: Build) -> str:
    """What a bootstrap pass uses in the place of what is not built yet."""
    if build.substitutes:
        return joined([f"with {s.instead} instead of {s.component}" for s in build.substitutes])
    names = [need.text for need in build.left_out]
    return f"without {joined(names)}" if names else "without what needs it"


def _with_at_last(final: str, first: Build, builds: BuildPlan) -> str:
    """What the final pass has and the bootstrap pass had not."""
    build = builds.build(final)
    root = builds.root(build.root) if build is not None else None
    wanted = [s.component for s in first.substitutes]
    held = {s.component: s.version for s in root.streams} if root is not None else {}
    texts = [f"{component} {held[component]}" for component in wanted if component in held]
    return joined(texts) or "everything"


def _left_out(builds: BuildPlan, everything: bool) -> list[Block]:
    """Needs of tests that do not count: one line, or with ``everything`` each build's."""
    by_build = {
        build: [need.text for need in build.left_out if need.role is NeedRole.CHECK]
        for build in builds.builds
        if build.stage is not Stage.BOOTSTRAP
    }
    left_out = {build: texts for build, texts in by_build.items() if texts}
    if not left_out:
        return []
    number = sum(map(len, left_out.values()))
    hint = ":" if everything else " (--all lists them)."
    blocks: list[Block] = [
        paragraph(
            _OUT,
            f" {count(number, 'need')} of tests and documentation left out of "
            f"{count(len(left_out), 'build')}, whose specs must do without them{hint}",
            indent=2,
            hang=2,
        )
    ]
    if everything:
        rows = (
            Row((Span(build_name(build), Style.NAME),), (Span(", ".join(texts)),))
            for build, texts in left_out.items()
        )
        blocks.append(Table(tuple(rows), indent=4))
    return blocks


def _tools(builds: BuildPlan) -> list[Block]:
    """The base's own streams that lie beside chosen ones: a build has to name which it means."""
    beside: dict[tuple[str, str], list[Root]] = {}
    for root in (builds.runtime, *builds.roots):
        for tool in root.tools:
            beside.setdefault((tool, _chosen_beside(tool, root)), []).append(root)
    return [
        paragraph(
            _TOOL,
            " ",
            Span(tool, Style.NAME),
            f" of the base lies beside {chosen} {_where(roots, builds)}, because packages there "
            f"need it: name {chosen} in {'that build' if len(roots) == 1 else 'those builds'}.",
            indent=2,
            hang=2,
        )
        for (tool, chosen), roots in sorted(beside.items(), key=lambda pair: pair[0])
    ]


def _collections(builds: BuildPlan) -> list[Block]:
    """Software Collections: what is of them is found only where they are enabled."""
    by_name: dict[str, list[Root]] = {}
    for root in (builds.runtime, *builds.roots):
        for name in root.collections:
            by_name.setdefault(name, []).append(root)
    return [
        paragraph(
            _TOOL,
            " ",
            Span(name, Style.NAME),
            f" is enabled {_where(roots, builds)}: what is made here for mock does that; elsewhere "
            f"`source {SoftwareCollection(name).enable}` does.",
            indent=2,
            hang=2,
        )
        for name, roots in sorted(by_name.items())
    ]


def _chosen_beside(tool: str, root: Root) -> str:
    """The package of the chosen stream that a tool lies beside."""
    name = tool.partition(" ")[0]
    of_it = (s for s in root.streams if s.component.name == name and not _is_tool(s, tool))
    return next((stream.package for stream in of_it), "what was chosen")


def _is_tool(stream: RootStream, tool: str) -> bool:
    return tool in (stream.package, f"{stream.component} {stream.version}")


def _where(roots: Sequence[Root], builds: BuildPlan) -> str:
    """In which roots, by what is built there; counted where they are many."""
    total = len(builds.roots) + 1
    if len(roots) > _TOOL_ROOTS:
        return f"in {len(roots)} of {total} roots"
    names: list[str] = []
    for root in roots:
        users = {str(build.component) for build in builds.builds if build.root == root.id}
        names += sorted(users) if root is not builds.runtime else []
    texts = []
    if builds.runtime in roots:
        texts.append("in the runtime root")
    if names:
        texts.append(f"in the {'root' if len(roots) == 1 else 'roots'} of {joined(names)}")
    return joined(texts)


# -- everything ------------------------------------------------------------------------------------


def _levels(builds: BuildPlan) -> Iterable[Block]:
    by_id = {build.id: build for build in builds.builds}
    for number, level in enumerate(builds.order.levels, 1):
        longest, total = builder_time(level.longest), builder_time(level.total)
        size = count(len(level.builds), "build")
        times = total if len(level.builds) == 1 else f"the longest {longest}, all of them {total}"
        yield blank()
        yield paragraph(Span(f"Level {number}", Style.HEADING), f": {size}, {times}")
        yield Table(tuple(_build_row(by_id[id]) for id in level.builds))


def _build_row(build: Build) -> Row:
    return Row(
        (Span(build.id, Style.NAME),),
        (Span(f"in {build.root}", Style.QUIET),),
        Span(builder_time(build.cost), Style.QUIET),
    )


def _roots(builds: BuildPlan) -> Iterable[Block]:
    users: dict[str, list[Build]] = {}
    for build in builds.builds:
        users.setdefault(build.root, []).append(build)
    yield blank()
    yield paragraph(
        Span("Roots", Style.HEADING),
        f": how many packages each holds, and who shares it; the runtime root holds "
        f"{len(builds.runtime.packages)}",
    )
    rows = []
    for root in builds.roots:
        cells = (Span(root.id, Style.NAME), Span(f"{len(root.packages):>4}"))
        rows.append(Row(cells, (Span(_in_root(root, users.get(root.id, []))),)))
    yield Table(tuple(rows))


def _in_root(root: Root, users: Sequence[Build]) -> str:
    """What is special about a root: its streams by origin, and the builds that share it."""
    origins = Counter(s.origin for s in root.streams)
    texts = [f"{origins[Origin.PRIVATE]} private" if origins[Origin.PRIVATE] else "nothing private"]
    if origins[Origin.EXTERNAL]:
        texts.append(f"{origins[Origin.EXTERNAL]} external")
    chosen = [s.package for s in root.streams if _is_compat_tool(s)]
    shared = (
        f"; shared by {joined([build_name(build) for build in users])}" if len(users) > 1 else ""
    )
    return f"{', '.join([*texts, *chosen])}{shared}"


def _is_compat_tool(stream: RootStream) -> bool:
    return stream.component.kind is Kind.TOOLCHAIN and stream.origin is Origin.BASE
