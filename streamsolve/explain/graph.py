"""A plan as a graph: levels as text, and DOT.

With builds, a node is a build and an edge says what must be built before; what a great part of all
builds needs (pip, setuptools) says for how many it is instead of having edges. Without builds, a
node is a stream and an edge says what requires what, each stream standing to the right of all that
require it; edges to the interpreter are left out, since everything has one. The base's streams are
one node, since nothing is done about them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from attrs import frozen

from ..model.build import Build, BuildPlan, Stage
from ..model.component import PYTHON, Component, Origin
from ..model.plan import Plan, PlannedStream
from .markup import Block, Row, Span, Style, Table, blank, paragraph
from .plan_text import MARK
from .sentences import builder_time, count

__all__ = ["Node", "PlanGraph", "dot_text", "graph_blocks", "plan_graph"]

_NAMES_IN_TIP = 40
_HUB = 12


@frozen
class Node:
    """A node: ``level`` counts from 0. ``tip`` says more than the ``label``. ``bootstrap`` marks
    a first pass of two, ``application`` what the graph is about."""

    id: str
    label: str
    origin: Origin
    level: int
    tip: str = ""
    bootstrap: bool = False
    application: bool = False


@frozen
class PlanGraph:
    """Nodes by level and name, edges by their nodes, sorted.

    An edge leads from what needs to what is needed. ``back`` are those that close a cycle, and
    ``critical`` those of the longest chain of builds. ``caption`` says what is shown, ``note`` what
    is not. ``folded`` are the base's streams that the node of the base stands for; it has no edges.
    """

    title: str
    caption: str
    note: str
    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]
    back: tuple[tuple[str, str], ...] = ()
    folded: tuple[str, ...] = ()
    base: str = ""
    critical: tuple[tuple[str, str], ...] = ()
    of_builds: bool = False

    @property
    def levels(self) -> tuple[tuple[Node, ...], ...]:
        """The nodes of each level, from level 0 on."""
        count_of = max((node.level for node in self.nodes), default=-1) + 1
        return tuple(tuple(n for n in self.nodes if n.level == level) for level in range(count_of))


def plan_graph(plan: Plan) -> PlanGraph:
    """The graph of a plan: of its builds where they were planned, else of its streams."""
    return _of_builds(plan, plan.builds) if plan.builds is not None else _of_streams(plan)


def _title(plan: Plan) -> str:
    variant = f" ({plan.variant})" if plan.variant else ""
    return f"{plan.application} {plan.version}{variant} on {plan.base} ({plan.arch})"


def _of_builds(plan: Plan, builds: BuildPlan) -> PlanGraph:
    level_of = {
        id: number for number, level in enumerate(builds.order.levels) for id in level.builds
    }
    users = Counter(before for build in builds.builds for before in build.after)
    hubs = _hubs(builds, users)
    path = builds.order.critical_path
    critical = {(after, before) for before, after in pairwise(path)}
    nodes = [
        Node(
            build.id,
            f"{_build_label(build)} (for {users[build.id]})"
            if build.id in hubs
            else _build_label(build),
            Origin.PRIVATE,
            level_of[build.id],
            f"{build.id}, about {builder_time(build.cost)}",
            build.stage is Stage.BOOTSTRAP,
            plan.own is not None and build.component == plan.own.component,
        )
        for build in builds.builds
    ]
    edges = {
        (build.id, before)
        for build in builds.builds
        for before in build.after
        if before not in hubs or (build.id, before) in critical
    }
    time = builder_time(builds.order.minutes)
    return PlanGraph(
        _title(plan),
        "What is built, level by level; an arrow leads to what must be built before. "
        f"The longest chain takes {time}.",
        _without_hubs(hubs),
        tuple(sorted(nodes, key=_order)),
        tuple(sorted(edges)),
        folded=_folded(plan),
        base=plan.base,
        critical=tuple(sorted(critical)),
        of_builds=True,
    )


def _hubs(builds: BuildPlan, users: Mapping[str, int]) -> set[str]:
    """The builds that so many others need that arrows to them would hide all others."""
    limit = max(_HUB, len(builds.builds) // _HUB)
    return {
        build.id
        for build in builds.builds
        if users[build.id] > limit or (build.component == PYTHON and users[build.id])
    }


def _without_hubs(hubs: Iterable[str]) -> str:
    number = len(tuple(hubs))
    if not number:
        return ""
    which = "the one build" if number == 1 else f"the {number} builds"
    return f"Arrows to {which} with (for N), which N others need, are left out."


def _build_label(build: Build) -> str:
    """``torch 2.14.0``, with the pass where there are two."""
    stage = "" if build.stage is Stage.ONLY else f" ({build.stage.value})"
    return f"{build.component} {build.version}{stage}"


def _of_streams(plan: Plan) -> PlanGraph:
    shown = [stream for stream in plan.streams if stream.origin is not Origin.BASE]
    ids = {stream.component: stream.component.spelled for stream in shown}
    of = {stream.component: stream for stream in plan.streams}
    required = {
        ids[stream.component]: sorted(ids[other] for other in _required(stream, of))
        for stream in shown
    }
    roots = [ids[stream.component] for stream in shown if not stream.required_by]
    back = _closing(roots, required)
    kept = {by: [of for of in wanted if (by, of) not in back] for by, wanted in required.items()}
    depth = _depths(kept)
    if PYTHON in ids:
        depth[ids[PYTHON]] = max(depth.values())
    nodes = [_stream_node(stream, depth[ids[stream.component]], plan) for stream in shown]
    return PlanGraph(
        _title(plan),
        "Streams that the base does not give as it is; an arrow leads to what is required, "
        "directly or through streams of the base.",
        _without_python(plan, PYTHON in ids),
        tuple(sorted(nodes, key=_order)),
        tuple(sorted((by, of) for by, wanted in kept.items() for of in wanted)),
        tuple(sorted(back)),
        _folded(plan),
        plan.base,
    )


def _required(stream: PlannedStream, of: Mapping[Component, PlannedStream]) -> set[Component]:
    """What a stream requires and the base does not give, also through streams of the base."""
    found: set[Component] = set()
    seen = {stream.component, PYTHON}
    todo = [stream]
    while todo:
        for requirement in todo.pop().requirements:
            required = of.get(requirement.component)
            if required is None or required.component in seen:
                continue
            seen.add(required.component)
            if required.origin is Origin.BASE:
                todo.append(required)
            else:
                found.add(required.component)
    return found


def _stream_node(stream: PlannedStream, level: int, plan: Plan) -> Node:
    version = "" if stream.version is None else f" {stream.version}"
    cost = f", about {builder_time(stream.cost)}" if stream.cost else ""
    return Node(
        stream.component.spelled,
        f"{stream.component}{version}",
        stream.origin,
        level,
        f"{stream.component.spelled}{version}: {stream.origin.value}{cost}",
        application=plan.own is not None and stream.component == plan.own.component,
    )


def _without_python(plan: Plan, is_shown: bool) -> str:
    if not is_shown:
        return ""
    return f"Arrows to python {plan.python}, which everything here needs, are left out."


def _folded(plan: Plan) -> tuple[str, ...]:
    streams = plan.of_origin(Origin.BASE)
    return tuple(f"{s.component}{'' if s.version is None else f' {s.version}'}" for s in streams)


def _order(node: Node) -> tuple[int, str]:
    return (node.level, node.id)


# -- levels ------------------------------------------------------------------------------------


def _closing(roots: Iterable[str], required: Mapping[str, Sequence[str]]) -> set[tuple[str, str]]:
    """The edges that close a cycle in a walk from the application, by name."""
    closing: set[tuple[str, str]] = set()
    done: set[str] = set()
    for root in (*sorted(roots), *sorted(required)):
        path: list[tuple[str, list[str]]] = []
        open_nodes: set[str] = set()
        if root not in done:
            path.append((root, list(required[root])))
            open_nodes.add(root)
        while path:
            node, left = path[-1]
            if not left:
                path.pop()
                open_nodes.discard(node)
                done.add(node)
                continue
            following = left.pop(0)
            if following in open_nodes:
                closing.add((node, following))
            elif following not in done:
                path.append((following, list(required[following])))
                open_nodes.add(following)
    return closing


def _depths(required: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The length of the longest chain to each node of a graph without cycles."""
    waiting = dict.fromkeys(required, 0)
    for wanted in required.values():
        for name in wanted:
            waiting[name] += 1
    depth = dict.fromkeys(required, 0)
    ready = [name for name, number in waiting.items() if not number]
    while ready:
        name = ready.pop()
        for following in required[name]:
            depth[following] = max(depth[following], depth[name] + 1)
            waiting[following] -= 1
            if not waiting[following]:
                ready.append(following)
    return depth


# -- as text -----------------------------------------------------------------------------------


def graph_blocks(plan: Plan) -> tuple[Block, ...]:
    """The levels as text: with builds in the order in which they are built."""
    graph = plan_graph(plan)
    blocks: list[Block] = [
        paragraph(Span(graph.title, Style.HEADING)),
        paragraph(_reading(plan)),
    ]
    for number, nodes in enumerate(graph.levels):
        heading = Span(f"Level {number + 1}", Style.HEADING)
        blocks += [blank(), paragraph(heading, f": {_size(plan, number, nodes)}")]
        for origin in (Origin.PRIVATE, Origin.EXTERNAL, Origin.OMITTED):
            labels = [n.label.replace(" ", "\u00a0") for n in nodes if n.origin is origin]
            if labels:
                blocks.append(paragraph(MARK[origin], f" {', '.join(labels)}", indent=2, hang=2))
    if graph.back:
        pairs = ", ".join(f"{by} → {of}" for by, of in graph.back)
        blocks += [blank(), paragraph(f"Cycles, each shown at one of its streams: {pairs}", hang=2)]
    blocks += [blank(), *_legend(graph)]
    return tuple(blocks)


def _reading(plan: Plan) -> str:
    if plan.builds is not None:
        return "Everything in a level can be built at the same time, once the levels before it are."
    text = "What a stream requires stands in a later level than the stream itself"
    return (
        f"{text}; python, which everything needs, in the last one."
        if plan.interpreter
        else f"{text}."
    )


def _size(plan: Plan, number: int, nodes: Sequence[Node]) -> str:
    if plan.builds is None:
        return count(len(nodes), "stream")
    level = plan.builds.order.levels[number]
    longest, total = builder_time(level.longest), builder_time(level.total)
    if len(nodes) == 1:
        return f"1 build, {total}"
    return f"{len(nodes)} builds, the longest {longest}, all of them {total}"


def _legend(graph: PlanGraph) -> list[Block]:
    words = {
        Origin.PRIVATE: "private: built for this application",
        Origin.EXTERNAL: "external: a third party's package",
        Origin.OMITTED: "omitted on purpose",
    }
    present = {node.origin for node in graph.nodes}
    rows = [
        Row((MARK[origin],), (Span(text),)) for origin, text in words.items() if origin in present
    ]
    if graph.folded:
        text = f"{count(len(graph.folded), 'stream')} of {graph.base} as it is: not in the levels"
        rows.append(Row((MARK[Origin.BASE],), (Span(text),)))
    return [Table(tuple(rows))]


# -- as DOT ------------------------------------------------------------------------------------

_LOOK = {
    Origin.PRIVATE: 'shape=box, style="rounded,filled", fillcolor="#f3d9ec"',
    Origin.EXTERNAL: 'shape=hexagon, style=filled, fillcolor="#cfe5f7"',
    Origin.OMITTED: "shape=box, style=dotted",
    Origin.BASE: 'shape=cylinder, style=filled, fillcolor="#d8efe2"',
}


def dot_text(graph: PlanGraph) -> str:
    """The graph in the DOT language, for Graphviz, with every edge of it."""
    words = " ".join(filter(None, (f"{graph.title}.", graph.caption, graph.note)))
    lines = [
        f"digraph {_quoted(graph.title)} {{",
        "  rankdir=LR;",
        "  labelloc=t;",
        f"  label={_quoted(words)};",
        '  node [fontname="sans-serif", fontsize=10];',
        '  edge [color="#555555"];',
    ]
    for node in graph.nodes:
        look = _LOOK[node.origin]
        if node.bootstrap:
            look = look.replace("filled", "filled,dashed")
        bold = ", penwidth=2" if node.application else ""
        label, tip = _quoted(node.label), _quoted(node.tip)
        lines.append(f"  {_quoted(node.id)} [label={label}, tooltip={tip}, {look}{bold}];")
    if graph.folded:
        label = f"{graph.base}: {count(len(graph.folded), 'stream')} as they are"
        tip = ", ".join(graph.folded[:_NAMES_IN_TIP])
        id = _quoted(f"base:{graph.base}")
        look = _LOOK[Origin.BASE]
        lines.append(f"  {id} [label={_quoted(label)}, tooltip={_quoted(tip)}, {look}];")
    for level in graph.levels:
        same = " ".join(f"{_quoted(node.id)};" for node in level)
        lines.append(f"  {{ rank=same; {same} }}")
    for by, of in graph.edges:
        bold = " [penwidth=2.5]" if (by, of) in graph.critical else ""
        lines.append(f"  {_quoted(by)} -> {_quoted(of)}{bold};")
    lines += [
        f"  {_quoted(by)} -> {_quoted(of)} [style=dashed, constraint=false];"
        for by, of in graph.back
    ]
    return "\n".join((*lines, "}", ""))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
