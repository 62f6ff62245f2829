"""A plan's graph as a picture.

The order inside a level and the places come from igraph's layered layout; here they are only
drawn. Each level is a column. Edges that follow from others are left out, and those over several
levels pass between the nodes. The same plan gives the same bytes: whole pixels, sorted elements,
no fonts measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise
from types import ModuleType

from attrs import frozen

from ..errors import Code, InputError
from ..model.component import Origin
from .graph import Node, PlanGraph
from .sentences import count

__all__ = ["svg_text"]

_CHARACTER = 6.4
_PADDING = 16
_ROW = 24
_BOX = 18
_GAP = 56
_MARGIN = 24
_TOP = 128
_SLANT = 7
_LEGEND_GAP = 22
_NARROWEST = 760

_FILL = {
    Origin.PRIVATE: ("#f6dcef", "#8a1f6f"),
    Origin.EXTERNAL: ("#d3e7f8", "#0b4f8a"),
    Origin.OMITTED: ("#ffffff", "#666666"),
    Origin.BASE: ("#d9f0e3", "#1b6b43"),
}
_WORDS = {
    Origin.PRIVATE: "private",
    Origin.EXTERNAL: "external",
    Origin.OMITTED: "omitted",
    Origin.BASE: "of the base",
}

Point = tuple[int, int]
Edge = tuple[str, str]


@frozen
class _Placed:
    """Where everything is: the middle of each node; for each edge the left and the right side of
    all that it leads through, from its first node to its last."""

    nodes: Mapping[str, Point]
    ways: Mapping[Edge, tuple[tuple[Point, Point], ...]]
    width: int
    height: int


def svg_text(graph: PlanGraph) -> str:
    """The graph as SVG 1.1 with a title, a description and a legend.

    Raises :class:`InputError` when igraph is not installed.
    """
    edges = _reduced(graph.edges)
    placed = _place(graph, edges)
    width, height = placed.width, placed.height
    hidden = len(graph.edges) - len(edges)
    left_out = f"{count(hidden, 'arrow')} that follow from others are left out." if hidden else ""
    notes = " ".join(filter(None, (graph.note, left_out)))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="DejaVu Sans, Verdana, sans-serif" font-size="11">',
        f'<title id="title">{escape(graph.title)}</title>',
        f'<desc id="desc">{escape(_description(graph, notes))}</desc>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{_MARGIN}" y="30" font-size="17" font-weight="bold">'
        f"{escape(graph.title)}</text>",
        *(
            f'<text x="{_MARGIN}" y="{48 + 14 * number}" fill="#444444">{escape(line)}</text>'
            for number, line in enumerate(filter(None, (graph.caption, notes)))
        ),
        *_legend(graph),
        *_ways(graph, edges, placed),
        *(_box(node, placed) for node in graph.nodes),
        "</svg>",
        "",
    ]
    return "\n".join(parts)


def _description(graph: PlanGraph, notes: str) -> str:
    levels = (
        f"Level {number}: {', '.join(node.label for node in nodes)}."
        for number, nodes in enumerate(graph.levels, 1)
    )
    return " ".join(filter(None, (graph.caption, notes, *levels)))


# -- layout ------------------------------------------------------------------------------------


def _reduced(edges: Sequence[Edge]) -> list[Edge]:
    """The edges without those that a longer way says as well."""
    following: dict[str, set[str]] = {}
    for by, of in edges:
        following.setdefault(by, set()).add(of)
    reached: dict[str, set[str]] = {}

    def reach(name: str) -> set[str]:
        if name not in reached:
            further = [reach(other) for other in following.get(name, ())]
            reached[name] = following.get(name, set()).union(*further)
        return reached[name]

    return [
        (by, of)
        for by, of in edges
        if not any(of in reach(other) for other in following[by] if other != of)
    ]


def _place(graph: PlanGraph, edges: Sequence[Edge]) -> _Placed:
    level = {node.id: node.level for node in graph.nodes}
    number = {node.id: index for index, node in enumerate(graph.nodes)}
    layers = [node.level for node in graph.nodes]
    chains: dict[Edge, list[int]] = {}
    for by, of in edges:
        first, last = sorted((by, of), key=level.__getitem__)
        between = range(level[first] + 1, level[last])
        # The layout knows edges between neighbouring levels only: the others go through points.
        chain = [number[first], *range(len(layers), len(layers) + len(between)), number[last]]
        layers += between
        chains[by, of] = chain if first == by else chain[::-1]
    links = sorted({tuple(sorted(pair)) for chain in chains.values() for pair in pairwise(chain)})
    rows = _rows(layers, [(a, b) if layers[a] < layers[b] else (b, a) for a, b in links])
    boxes = [_width(node) for node in graph.nodes]
    widths = [
        max(boxes[number[node.id]] for node in nodes) if nodes else 0 for nodes in graph.levels
    ]
    lefts = [_MARGIN + sum(widths[:n]) + _GAP * n for n in range(len(widths) + 1)]
    places = [
        (lefts[layer] + widths[layer] // 2, _TOP + row * _ROW // 2)
        for layer, row in zip(layers, rows, strict=True)
    ]

    def passed(vertex: int) -> tuple[Point, Point]:
        """The two sides of a node, or of the column that an edge crosses between nodes."""
        x, y = places[vertex]
        half = (boxes[vertex] if vertex < len(boxes) else widths[layers[vertex]]) // 2
        return (x - half, y), (x + half, y)

    return _Placed(
        {id: places[index] for id, index in number.items()},
        {edge: tuple(map(passed, chain)) for edge, chain in chains.items()},
        max(lefts[-1] - _GAP + _MARGIN, _NARROWEST),
        _TOP + max(rows, default=0) * _ROW // 2 + _ROW + _MARGIN,
    )


def _rows(layers: Sequence[int], links: Sequence[tuple[int, int]]) -> list[int]:
    """The place of each vertex across its level, in half rows from 0 on, by igraph."""
    try:
        import igraph
    except ImportError:
        raise InputError(
            Code.MISSING_TOOL,
            "a picture needs the Python library igraph, which is not installed",
            hint="install streamsolve[graph], or use --dot and draw it with Graphviz",
        ) from None
    linked = sorted({vertex for pair in links for vertex in pair})
    rows = _linked_rows(igraph, [layers[v] for v in linked], _renumbered(links, linked))
    found = dict(zip(linked, rows, strict=True))
    # What has no edges stands below all others, in each level from the same row on.
    below = dict.fromkeys(layers, max(rows, default=-2) + 2)
    for vertex, layer in enumerate(layers):
        if vertex not in found:
            found[vertex] = below[layer]
            below[layer] += 2
    return [found[vertex] for vertex in range(len(layers))]


def _renumbered(links: Sequence[tuple[int, int]], vertices: Sequence[int]) -> list[tuple[int, int]]:
    place = {vertex: index for index, vertex in enumerate(vertices)}
    return [(place[a], place[b]) for a, b in links]


def _linked_rows(
    igraph: ModuleType, layers: Sequence[int], links: Sequence[tuple[int, int]]
) -> list[int]:
    if not layers:
        return []
    graph = igraph.Graph(n=len(layers), edges=list(links), directed=True)
    layout = graph.layout_sugiyama(layers=list(layers), hgap=1, vgap=1)
    found = [round(2 * x) for x, _ in layout.coords[: len(layers)]]
    # Where long edges meet, igraph may place two of a level closer than asked for: its order is
    # kept, and they are moved apart.
    for layer in range(max(layers) + 1):
        members = sorted((v for v, on in enumerate(layers) if on == layer), key=found.__getitem__)
        for before, after in pairwise(members):
            found[after] = max(found[after], found[before] + 2)
    first = min(found)
    return [row - first for row in found]


def _width(node: Node) -> int:
    return round(len(node.label) * _CHARACTER) + _PADDING


# -- drawing -----------------------------------------------------------------------------------


def _ways(graph: PlanGraph, edges: Sequence[Edge], placed: _Placed) -> Iterator[str]:
    """All edges, those of the longest chain of builds thick and above the others."""
    critical = set(graph.critical)
    usual = [edge for edge in edges if edge not in critical]
    thick = [edge for edge in edges if edge in critical]
    for looks, group in (("#9a9a9a", usual), (_FILL[Origin.PRIVATE][1], thick)):
        width = 1 if group is usual else 2
        if group:
            yield f'<g fill="none" stroke="{looks}" stroke-width="{width}">'
            yield from (_way(placed.ways[edge]) for edge in group)
            yield "</g>"


def _way(sides: Sequence[tuple[Point, Point]]) -> str:
    """A smooth line through the gaps between columns, straight where it crosses one, with a dot
    at the end."""
    forward = sides[0][0] < sides[-1][0]
    start = sides[0][forward]
    parts = [f"M{start[0]} {start[1]}"]
    for before, after in pairwise(sides):
        (x, y), (to_x, to_y) = before[forward], after[not forward]
        bend = (x + to_x) // 2
        parts.append(f"L{x} {y}C{bend} {y} {bend} {to_y} {to_x} {to_y}")
    x, y = sides[-1][not forward]
    tip = -5 if forward else 5
    parts.append(f"M{x + tip} {y - 3}L{x} {y}L{x + tip} {y + 3}")
    return f'<path d="{"".join(parts)}"/>'


def _box(node: Node, placed: _Placed) -> str:
    x, y = placed.nodes[node.id]
    width = _width(node)
    weight = ' font-weight="bold"' if node.application else ""
    return (
        f"<g><title>{escape(node.tip or node.label)}</title>"
        f"{_shape(node.origin, x - width // 2, y - _BOX // 2, width, node)}"
        f'<text x="{x}" y="{y + 4}" text-anchor="middle"{weight}>{escape(node.label)}</text></g>'
    )


def _shape(origin: Origin, left: int, top: int, width: int, node: Node | None = None) -> str:
    """The outline that tells an origin without its colour as well."""
    fill, line = _FILL[origin]
    looks = f'fill="{fill}" stroke="{line}"'
    if node is not None and node.application:
        looks += ' stroke-width="2.5"'
    if node is not None and node.bootstrap:
        looks += ' stroke-dasharray="4 2"'
    right, bottom, middle = left + width, top + _BOX, top + _BOX // 2
    if origin is Origin.EXTERNAL:
        corners = (
            f"{left},{middle} {left + _SLANT},{top} {right - _SLANT},{top} "
            f"{right},{middle} {right - _SLANT},{bottom} {left + _SLANT},{bottom}"
        )
        return f'<polygon points="{corners}" {looks}/>'
    if origin is Origin.OMITTED:
        looks += ' stroke-dasharray="1 3"'
    radius = f' rx="{_BOX // 2}"' if origin is Origin.PRIVATE else ""
    return f'<rect x="{left}" y="{top}" width="{width}" height="{_BOX}"{radius} {looks}/>'


def _legend(graph: PlanGraph) -> Iterator[str]:
    """What the outlines mean, with how many there are of each."""
    left = _MARGIN
    for origin in (Origin.PRIVATE, Origin.EXTERNAL, Origin.OMITTED, Origin.BASE):
        shown = [node for node in graph.nodes if node.origin is origin]
        number = len(graph.folded) if origin is Origin.BASE else len(shown)
        if not number:
            continue
        words = f"{number} {_WORDS[origin]}"
        if origin is Origin.PRIVATE and graph.of_builds:
            words = _of_builds(shown)
        if origin is Origin.BASE:
            words += f" {graph.base} as it is, not drawn one by one"
        width = round(len(words) * _CHARACTER) + _PADDING
        yield (
            f"<g>{_shape(origin, left, _TOP - 38, width)}"
            f'<text x="{left + width // 2}" y="{_TOP - 25}" text-anchor="middle">'
            f"{escape(words)}</text></g>"
        )
        left += width + _LEGEND_GAP


def _of_builds(nodes: Sequence[Node]) -> str:
    """How many builds there are, and what a dashed outline is."""
    first = sum(node.bootstrap for node in nodes)
    passes = f", {first} of them a first pass of two (dashed)" if first else ""
    return f"{count(len(nodes), 'build')} of private streams{passes}"
