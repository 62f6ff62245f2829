"""A plan as a graph: levels, DOT and the picture."""

from __future__ import annotations

import builtins
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from attrs import evolve

from streamsolve.errors import Code, InputError
from streamsolve.explain import lay_out, plain
from streamsolve.explain.graph import PlanGraph, dot_text, graph_blocks, plan_graph
from streamsolve.explain.graph_svg import svg_text
from streamsolve.model.component import Origin

from .smallworld import SmallWorld, dist, python, release

SVG = "{http://www.w3.org/2000/svg}"


def graph_of(tmp_path: Path, *further: object) -> PlanGraph:
    """app requires a, which requires b and a base package that requires c; b and d are a cycle."""
    world = SmallWorld(
        [python("3.14"), dist("x", "1", "python3.14dist(c)")],
        [
            release("app", "1", "a", "b"),
            release("a", "1", "b", "x"),
            release("b", "1", "d"),
            release("d", "1", "b"),
            release("c", "1"),
        ],
    )
    return plan_graph(world.plan(tmp_path))


def test_what_is_required_stands_in_a_later_level(tmp_path: Path) -> None:
    graph = graph_of(tmp_path)
    level = {node.id: node.level for node in graph.nodes}
    assert level["app"] == 0
    assert all(level[by] < level[of] for by, of in graph.edges)


def test_a_cycle_is_broken_at_one_edge_that_is_still_shown(tmp_path: Path) -> None:
    graph = graph_of(tmp_path)
    assert graph.back == (("d", "b"),)
    assert ("b", "d") in graph.edges
    assert '"d" -> "b" [style=dashed' in dot_text(graph)


def test_the_base_is_one_node_and_ways_through_it_are_kept(tmp_path: Path) -> None:
    graph = graph_of(tmp_path)
    assert {node.id for node in graph.nodes} == {"app", "a", "b", "c", "d"}
    assert any(text.startswith("x ") for text in graph.folded)
    assert ("a", "c") in graph.edges


def test_every_stream_stands_once_in_the_text(tmp_path: Path) -> None:
    world = SmallWorld([python("3.14")], [release("app", "1", "a"), release("a", "2")])
    text = plain(lay_out(graph_blocks(world.plan(tmp_path)), 80))
    assert "Level 1: 1 stream\n  ● app 1\n" in text
    assert "Level 2: 1 stream\n  ● a 2\n" in text


def test_dot_quotes_what_would_end_a_name(tmp_path: Path) -> None:
    graph = graph_of(tmp_path)
    odd = evolve(graph.nodes[0], label='say "so" \\ here')
    text = dot_text(evolve(graph, nodes=(odd, *graph.nodes[1:])))
    assert 'label="say \\"so\\" \\\\ here"' in text


def test_dot_is_made_of_statements_about_known_nodes(tmp_path: Path) -> None:
    graph = graph_of(tmp_path)
    text = dot_text(graph)
    lines = text.splitlines()
    assert lines[0].startswith("digraph ")
    assert lines[-1] == "}"
    assert all(line.endswith((";", "{", "}")) for line in lines)
    named = set(re.findall(r'"([^"]+)" \[', text))
    assert {end for pair in re.findall(r'"([^"]+)" -> "([^"]+)"', text) for end in pair} <= named


def test_the_picture_is_xml_with_a_title_a_description_and_every_node(tmp_path: Path) -> None:
    graph = graph_of(tmp_path)
    root = ElementTree.fromstring(svg_text(graph))
    assert root.findtext(f"{SVG}title") == graph.title
    assert all(node.label in str(root.findtext(f"{SVG}desc")) for node in graph.nodes)
    texts = {element.text for element in root.iter(f"{SVG}text")}
    assert {node.label for node in graph.nodes} <= texts


def test_origins_differ_in_more_than_colour(tmp_path: Path) -> None:
    graph = graph_of(tmp_path)
    drawn = {}
    for origin in Origin:
        nodes = tuple(evolve(node, origin=origin, application=False) for node in graph.nodes)
        text = svg_text(evolve(graph, nodes=nodes, folded=()))
        drawn[origin] = re.sub(r"#[0-9a-f]{6}|\d+ (private|external|omitted)", "", text)
    assert len(set(drawn.values())) == len(drawn)


def boxes(text: str) -> list[tuple[int, int, int]]:
    found = re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)" height="18"', text)
    return [(int(x), int(y), int(width)) for x, y, width in found]


def test_no_node_lies_on_another(tmp_path: Path) -> None:
    names = [f"d{number}" for number in range(12)]
    world = SmallWorld(
        [python("3.14")],
        [
            release("app", "1", *names),
            *(release(name, "1", *names[n + 1 :: 3]) for n, name in enumerate(names)),
        ],
    )
    text = svg_text(plan_graph(world.plan(tmp_path)))
    placed = boxes(text)
    assert len(placed) >= 13
    for n, (x, y, width) in enumerate(placed):
        for other_x, other_y, other_width in placed[n + 1 :]:
            apart = x + width <= other_x or other_x + other_width <= x or abs(y - other_y) >= 18
            assert apart


def test_the_same_plan_gives_the_same_picture(tmp_path: Path) -> None:
    assert svg_text(graph_of(tmp_path)) == svg_text(graph_of(tmp_path))


def test_without_the_layout_library_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = graph_of(tmp_path)
    usual = builtins.__import__

    def without(name: str, *arguments: object, **options: object) -> object:
        if name == "igraph":
            raise ImportError(name)
        return usual(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError) as raised:
        svg_text(graph)
    assert raised.value.code is Code.MISSING_TOOL
    assert "streamsolve[graph]" in raised.value.hint
