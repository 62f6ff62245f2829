"""Damage of every kind, for laws that say that a reader reads or refuses, and nothing else.

``wrong(document)`` are documents with values of other kinds at some of their paths, ``hurt(text)``
texts with pieces gone, doubled or hostile, and ``broken(content, at)`` bytes that were changed,
three times out of four at ``at``: where headers, lengths and offsets are.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from hypothesis import strategies as st

__all__ = ["DEEP", "ENDLESS", "HOSTILE", "broken", "hurt", "wrong"]

ENDLESS = "9" * 5000
"""More digits than Python reads as a number."""
DEEP = 10_000

HOSTILE = (
    "",
    " ",
    "\0",
    "\x1b[31mred",
    "a\nb",
    "\u202e",
    "²",
    "../../x",
    "/etc/passwd",
    "-1",
    "1e400",
    ENDLESS,
    f">={ENDLESS}",
    f"1!{ENDLESS}",
    "[" * DEEP,
    "(" * DEEP,
    "a; " + "(" * 300 + "os_name=='x'" + ")" * 300,
    "http://[",
    "file://[",
    "x" * 20_000,
    "sha256:zz",
    "1." * 3000 + "1",
    "a" + ".a" * 20_000,
)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    [],
    {},
    [None],
    [[]],
    [{}],
    {"": None},
    0,
    -1,
    1 << 63,
    1.5,
    float("inf"),
)


def _paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    if isinstance(value, dict):
        for key, inside in value.items():
            yield from _paths(inside, (*at, key))
    elif isinstance(value, list):
        for number, inside in enumerate(value):
            yield from _paths(inside, (*at, number))


@st.composite
def wrong(draw: st.DrawFn, document: Any) -> Any:
    """The document with a few values, keys or members that are not what they should be."""
    found = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(_paths(found))))
        value = copy.deepcopy(draw(st.sampled_from((*_VALUES, *HOSTILE))))
        if not path:
            return value
        inside = found
        for step in path[:-1]:
            inside = inside[step]
        match draw(st.sampled_from(("value", "value", "value", "gone", "key"))):
            case "gone":
                del inside[path[-1]]
            case "key" if isinstance(inside, dict):
                inside[draw(st.sampled_from(HOSTILE))] = value
            case _:
                inside[path[-1]] = value
    return found


@st.composite
def hurt(draw: st.DrawFn, text: str) -> str:
    """The text with one to three pieces cut out, doubled, or hostile."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 80)))
        piece = draw(st.sampled_from(("", text[start:end] * 2, *HOSTILE)))
        text = text[:start] + piece + text[end:]
    return text


@st.composite
def broken(draw: st.DrawFn, content: bytes, at: Sequence[int] = ()) -> bytes:
    """The bytes with one to four changes."""
    found = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        if not found:
            break
        anywhere = st.integers(0, len(found) - 1)
        near = st.sampled_from([place for place in at if place < len(found)] or [0])
        place = draw(st.one_of(near, near, near, anywhere) if at else anywhere)
        size = draw(st.sampled_from((1, 2, 4, 8)))
        match draw(st.sampled_from(("bit", "number", "number", "cut", "gone", "more"))):
            case "bit":
                found[place] ^= 1 << draw(st.integers(0, 7))
            case "number":
                edges = (0, 1, len(found) - 1, len(found), len(found) + 1)
                most = (1 << 8 * size) - 1
                number = draw(st.sampled_from((*edges, most, most >> 1, (most >> 1) + 1))) & most
                order: Literal["little", "big"] = draw(st.sampled_from(("little", "big")))
                found[place : place + size] = number.to_bytes(size, order)
            case "cut":
                del found[place:]
            case "gone":
                del found[place : place + size]
            case _:
                found[place:place] = draw(st.binary(min_size=1, max_size=8))
    return bytes(found)
