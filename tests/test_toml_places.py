"""The lines of TOML values, and faults in its syntax."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.errors import Code, InputError
from streamsolve.inputs.toml_places import KeyPath, TomlDocument, parse_toml, path_text


def read(text: str) -> TomlDocument:
    return parse_toml(text, file="x.toml", code=Code.BROKEN_PROFILE)


def line_of(text: str, *path: str | int) -> int:
    return read(text).lines[path]


def refusal(text: str) -> InputError:
    with pytest.raises(InputError) as caught:
        read(text)
    return caught.value


# ---- where things are ------------------------------------------------------------------------


def test_a_key_is_on_its_own_line() -> None:
    assert line_of("# comment\n\na = 1\nb = 2\n", "b") == 4


def test_a_table_is_on_the_line_of_its_header() -> None:
    text = "[a]\nx = 1\n[a.b.c] # comment\ny = 2\n"
    assert line_of(text, "a") == 1
    assert line_of(text, "a", "b", "c") == 3
    assert line_of(text, "a", "b", "c", "y") == 4


def test_a_header_that_comes_later_than_a_longer_one_names_its_table() -> None:
    assert line_of("[a.b]\nx = 1\n\n[a]\ny = 1\n", "a") == 4


def test_elements_of_an_array_of_tables_have_the_lines_of_their_headers() -> None:
    text = "[[a]]\nx = 1\n[[a]]\n[[a.b]]\ny = 1\n[a.b.c]\nz = 1\n"
    assert line_of(text, "a") == 1
    assert line_of(text, "a", 1) == 3
    assert line_of(text, "a", 1, "b", 0, "y") == 5
    assert line_of(text, "a", 1, "b", 0, "c", "z") == 7


def test_elements_of_a_long_array_are_found() -> None:
    text = 'a = [ # one ]\n  "x]", # two\n  ["y",\n   "z"],\n]\nb = 1\n'
    assert line_of(text, "a", 0) == 2
    assert line_of(text, "a", 1) == 3
    assert line_of(text, "a", 1, 1) == 4
    assert line_of(text, "b") == 6


@pytest.mark.parametrize(
    "string",
    [
        '"""\nx = 1\n[t]\n"""',
        "'''\nx = 1\n\\'''",
        '"""two quotes at the end ""\n"""""',
        "'''\n'''''",
        '"""\\"""\n"""',
        '"# \\" ="',
        "'\\'",
        '""',
        "''",
    ],
)
def test_strings_hide_what_they_hold(string: str) -> None:
    text = f"a = {string}\nb = 1\n"
    assert read(text).lines == {(): 1, ("a",): 1, ("b",): 2 + string.count("\n")}


def test_windows_line_ends_count_once() -> None:
    assert line_of("a = 1\r\n# x\r\n[b]\r\nc = '''\r\n'''\r\nd = 1\r\n", "b", "d") == 6


def test_dotted_and_quoted_keys_are_taken_apart() -> None:
    text = "a.\"b.c\" . 'd' = {e.f = [1], g = {}}\n"
    assert line_of(text, "a", "b.c", "d", "e", "f", 0) == 1
    assert ("a", "b.c", "d", "g") in read(text).lines


def test_the_place_of_an_absent_key_is_that_of_its_table() -> None:
    place = read("x = 1\n[[a]]\ny = 1\n").place(("a", 0, "reason"))
    assert (place.line, place.path) == (2, "a[0].reason")


def test_paths_read_as_they_are_written() -> None:
    assert path_text(("relax", 3, "reason")) == "relax[3].reason"
    assert path_text(("names", "a b", "c")) == 'names."a b".c'


# ---- the law ---------------------------------------------------------------------------------

KEYS = st.one_of(
    st.text("abcXYZ019-_", min_size=1, max_size=4),
    st.text("ab .=#[]{},\"'\\é\n", max_size=5),
)
SCALARS = st.sampled_from(
    ["1", "-0.5", "true", "1979-05-27 07:32:00", '"a # = [ ] { } , \\" b"', "'c\\'", "inf"]
)
LONG_STRINGS = st.sampled_from(['"""\n[a]\nb = 1 \\"""\n"""', "'''x\n\n#'''", '"""a\n"""""'])
GAPS = st.sampled_from(["", " ", "\t", "\n", " # ]}, comment\n  ", "\r\n\n"])


class Writer:
    """Writes a document and remembers on which line it wrote what."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[KeyPath, int] = {(): 1}

    def note(self, path: KeyPath) -> None:
        self.lines.setdefault(path, self.text.count("\n") + 1)

    def write_key(self, key: str) -> None:
        bare = key != "" and all(char in "abcXYZ019-_" for char in key)
        if not (bare and self.draw(st.booleans())):
            key = json.dumps(key)
        self.text += key + self.draw(st.sampled_from(["", " "]))

    def value(self, path: KeyPath, depth: int, one_line: bool = False) -> None:
        kinds = ["scalar", "long"][: 1 if one_line else 2]
        kind = self.draw(st.sampled_from(kinds + (["array", "inline"] if depth else [])))
        if kind == "array":
            self.text += "["
            for position in range(self.draw(st.integers(0, 3))):
                self.text += "" if one_line else self.draw(GAPS)
                self.note((*path, position))
                self.value((*path, position), depth - 1, one_line)
                self.text += ("" if one_line else self.draw(GAPS)) + ","
            self.text += ("" if one_line else self.draw(GAPS)) + "]"
        elif kind == "inline":
            self.text += "{"
            for position, key in enumerate(self.draw(st.lists(KEYS, max_size=3, unique=True))):
                self.text += ", " if position else ""
                self.pair(path, key, depth - 1, one_line=True)
            self.text += "}"
        else:
            self.text += self.draw(SCALARS if kind == "scalar" else LONG_STRINGS)

    def pair(self, table: KeyPath, key: str, depth: int, one_line: bool = False) -> None:
        path: KeyPath = (*table, key)
        self.note(path)
        self.write_key(key)
        while self.draw(st.integers(0, 3)) == 0:
            key = self.draw(KEYS)
            path = (*path, key)
            self.note(path)
            self.text += "."
            self.write_key(key)
        self.text += "= "
        self.value(path, depth, one_line)

    def pairs(self, table: KeyPath, keys: list[str]) -> None:
        for key in keys:
            self.text += self.draw(st.sampled_from(["", "\n", "  # a = 1\n", "\t"]))
            self.pair(table, key, depth=2)
            self.text += self.draw(st.sampled_from(["\n", " # [x]\n", "\r\n"]))

    def sections(self, keys: list[str]) -> None:
        """Tables and arrays of tables, the latter with tables inside their elements."""
        for key in keys:
            path: KeyPath = (key,)
            if self.draw(st.booleans()):
                self.header("[", (key,), path)
                self.pairs(path, self.inner_keys())
                continue
            for position in range(self.draw(st.integers(1, 3))):
                self.header("[[", (key,), path, (*path, position))
                keys_inside = self.inner_keys()
                self.pairs((*path, position), keys_inside[1:])
                for inside in keys_inside[:1]:
                    below = (*path, position, inside)
                    self.header("[", (key, inside), below)
                    self.pairs(below, self.inner_keys())

    def inner_keys(self) -> list[str]:
        return self.draw(st.lists(KEYS, max_size=3, unique=True))

    def header(self, opening: str, keys: tuple[str, ...], *paths: KeyPath) -> None:
        self.text += self.draw(st.sampled_from(["", "\n# [y]\n", "  "])) + opening
        for path in paths:
            self.note(path)
        for position, key in enumerate(keys):
            self.text += "." if position else ""
            self.write_key(key)
        self.text += "]" * len(opening) + "\n"


@given(st.data())
def test_every_key_is_found_on_the_line_where_it_was_written(data: st.DataObject) -> None:
    keys = data.draw(st.lists(KEYS, max_size=6, unique=True))
    split = data.draw(st.integers(0, len(keys)))
    writer = Writer(data.draw)
    writer.pairs((), keys[:split])
    writer.sections(keys[split:])
    assert read(writer.text).lines == writer.lines


# ---- faults of syntax ------------------------------------------------------------------------


def test_a_fault_of_syntax_has_its_line_and_a_caret() -> None:
    error = refusal("a = 1\nb = = 2\n")
    assert error.code is Code.BROKEN_PROFILE
    assert (error.place.file, error.place.line) == ("x.toml", 2)
    assert error.message == "not TOML: invalid value"
    assert error.hint == "b = = 2\n      ^"


def test_an_unclosed_array_points_at_the_end_of_the_file() -> None:
    error = refusal("a = [1,\n 2\n\n")
    assert error.place.line in (2, 4)
    assert "^" in error.hint


def test_a_key_given_twice_has_its_line() -> None:
    assert refusal("a = 1\n\na = 2\n").place.line == 3


def test_the_caret_keeps_to_tabs() -> None:
    assert refusal("\ta = = 1\n").hint.endswith("\n  \t    ^")


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000 + "]" * 5000,
        "a = " + "{b = " * 5000,
        "\ufeffa = 1",
        "a = \x00",
        "a" + ".a" * 50_000 + " = 1",
        "[" + "'a' . " * 50_000 + "a]",
        f"a = 0x{'f' * 5000}",
        f"a = {'9' * 5000}",
    ],
)
def test_hostile_texts_are_refused(text: str) -> None:
    assert refusal(text).place.line == 1
