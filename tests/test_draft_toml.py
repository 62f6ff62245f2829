"""Drafts as TOML: read as they were meant, whatever they hold."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from streamsolve.model.draft import Draft, DraftKey, DraftTable
from streamsolve.planner.draft_toml import TO_DECIDE, quoted, write_draft

# -- TOML ------------------------------------------------------------------------------------------


@given(st.text())
def test_a_quoted_text_is_read_as_it_was(text: str) -> None:
    assert tomllib.loads(f"x = {quoted(text)}") == {"x": text}


def test_a_lone_surrogate_is_replaced() -> None:
    assert tomllib.loads("x = " + quoted("a\ud800b")) == {"x": "a\ufffdb"}


texts = st.text(max_size=30)
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=9)
keys = st.builds(
    DraftKey, names, texts | st.lists(texts, max_size=4).map(tuple), texts, texts, st.booleans()
)


@given(st.lists(keys, unique_by=lambda key: key.name), st.lists(keys, unique_by=lambda k: k.name))
def test_any_draft_is_read_as_it_was_and_its_marks_are_where_they_are_said_to_be(
    top: list[DraftKey], row: list[DraftKey]
) -> None:
    table = DraftTable(("rows",), tuple(row), array=True, decide="what?")
    draft = Draft("origin", tuple(k for k in top if k.name != "rows"), (table, table))
    text, found = write_draft(draft)
    data = tomllib.loads(text)
    told = {k.name: k.value for k in draft.keys if not k.suggested}
    read = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
    assert {name: read[name] for name in told} == told
    assert len(data["rows"]) == 2
    lines = text.split("\n")
    for mark in found:
        assert lines[mark.line - 1].startswith(f"# {TO_DECIDE}")
    assert sum(line.startswith(f"# {TO_DECIDE}") for line in lines) == len(found)
