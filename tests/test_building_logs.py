"""The ends of logs, and what is shown while builds run: a terminal obeys nothing in them."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from streamsolve.building.expectations import Expected, unmet
from streamsolve.building.report import log_ends, printable
from streamsolve.cli.build_display import BuildTable
from streamsolve.model.build_run import BuildFate, BuildResult
from streamsolve.model.rpm_header import RpmHeader

from .runworld import graph_plan


@given(st.text(st.characters(codec="utf-8")))
def test_a_line_has_nothing_that_a_terminal_obeys(text: str) -> None:
    assert printable(text).isprintable()


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_a_plain_line_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x.test\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b(Bplain\x1b7", "plain"),
        ("\x9b2Jcleared", "cleared"),
        ("a\tb", "a       b"),
    ],
)
def test_control_sequences_are_taken_out_whole(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_the_end_of_the_log_that_says_most_is_shown(tmp_path: Path) -> None:
    (tmp_path / "root.log").write_text("".join(f"root {number}\n" for number in range(100)))
    (tmp_path / "build.log").write_text("")
    (tmp_path / "output.log").write_text("10 %\r50 %\r\x1b[Kdone\r\nERROR: it failed\n\n\n")
    root, output = log_ends(tmp_path, "logs/x/1")
    assert root.path == "logs/x/1/root.log"
    assert root.lines == tuple(f"root {number}" for number in range(88, 100))
    assert output.lines == ("done", "ERROR: it failed")
    (tmp_path / "build.log").write_bytes(b"x" * 200_000 + b"\n\xff\xfe no utf-8\n")
    build, output = log_ends(tmp_path, "logs/x/1")
    assert build.path == "logs/x/1/build.log"
    assert build.lines[-1] == "\N{REPLACEMENT CHARACTER}" * 2 + " no utf-8"
    assert all(len(line) <= 301 for line in build.lines)
    assert log_ends(tmp_path / "none", "x") == ()


def test_the_table_shows_what_runs_and_what_failed() -> None:
    plan = graph_plan({"[red]a@1": (), "b@1": ()})
    assert plan.builds is not None
    first, second = plan.builds.builds
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, color_system=None)
    now = [0.0]
    with BuildTable(console, clock=lambda: now[0]) as table:
        table.started(first, "it is new")
        table.started(second, "it is new")
        now[0] = 65.0
        shown = Console(file=(plain := io.StringIO()), width=80)
        shown.print(table.table())
        table.ended(BuildResult(second.id, BuildFate.FAILED, second.root, "no [b]colour"), 1, 2)
        shown.print(table.table())
    before, after = plain.getvalue().split("0 of …")
    assert "[red]a@1" in before
    assert "1:05" in before
    assert "b@1" in before
    assert "b@1" not in after
    assert "1 of 2" in after
    assert "1 failed" in after
    assert "✗ b@1 in build-b-1: no [b]colour" in re.sub(
        r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue()
    )


# -- what was planned ------------------------------------------------------------------------------


def made(name: str, version: str) -> RpmHeader:
    return RpmHeader(name, version, "1", "noarch", f"{name}.rpm", "0" * 64, "0" * 32, "MIT")


def test_what_no_root_would_let_in_is_told_with_what_the_plan_expects() -> None:
    torch = Expected("python3-torch", ("2.14", "2.14.0"), "runtime")
    part = Expected("python3-torch+compile", ("2.14", "2.14.0"), "runtime")
    good = [made("python3-torch", "2.14.0"), made("python3-torch+compile", "2.14.0")]
    more = [*good, made("python3-torch-debuginfo", "2.14.0")]
    assert unmet([torch, part], more) == ""
    assert unmet([torch, part], [made("python3-torch", "2.15"), good[1]]) == (
        "it made python3-torch 2.15-1, and the plan expects python3-torch 2.14 or 2.14.0 for "
        "runtime"
    )
    assert unmet([torch, part], good[:1]) == (
        "it made no package python3-torch+compile, and the plan expects python3-torch+compile 2.14 "
        "or 2.14.0 for runtime"
    )
    assert unmet([torch], [made("pytorch", "2.14")]).endswith("for runtime; it made pytorch")
    # 2.14.1 is no 2.14: the configurations do not let it in either.
    assert "2.14.1" in unmet([torch], [made("python3-torch", "2.14.1")])
