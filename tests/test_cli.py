"""The command: what it asks of the planner, what it prints, and what it returns.

The planner is a stub here; what it plans is tested elsewhere.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import streamsolve.planner
import streamsolve.planner.refresh
from streamsolve.cli import main
from streamsolve.cli.progress import BarDisplay, LineDisplay
from streamsolve.errors import Code, InputError, InputErrors, NoPlanError, Place
from streamsolve.explain import plan_schema
from streamsolve.inputs.profiles import load_profile
from streamsolve.model.conflict import Cause, Repair, RepairKind
from streamsolve.planner import Outcome, PlanRequest

from .builders import conflict, demand, failure, from_base, plan, private
from .localrepository import write_repository
from .rpmmd import element, rpm

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine that runs the tests gets in."""
    for name in list(os.environ):
        if name.startswith(("STREAMSOLVE_", "XDG_")) or name in ("NO_COLOR", "COLUMNS"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


class Planner:
    """A stub that notes what it was asked, and answers or raises what it was given."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.requests: list[PlanRequest] = []
        self.wanted_universe = False

    def __call__(
        self,
        request: PlanRequest,
        *,
        progress: Callable[..., None],
        universe: bool = False,
        fallbacks: bool = False,
    ) -> Outcome:
        self.requests.append(request)
        self.wanted_universe = universe
        progress("planning", 0, 0)
        if isinstance(self.answer, BaseException):
            raise self.answer
        assert isinstance(self.answer, Outcome)
        return self.answer


def planner(monkeypatch: pytest.MonkeyPatch, answer: object) -> Planner:
    stub = Planner(answer)
    monkeypatch.setattr(streamsolve.planner, "make_plan", stub)
    return stub


def small() -> Outcome:
    torch = private("torch", "2.14.0", base_has="2.13.0", needed=("vllm", "torch==2.14.0"))
    return Outcome(plan(from_base("six"), torch), {"schema": "streamsolve.universe/1"})


def no_plan() -> NoPlanError:
    asked = demand("vllm", ["0.33.0"], "numba==0.65.0", at="cuda.txt:4", there=["0.64"])
    repair = Repair(RepairKind.VARIANT, "cpu", private=3, cost=60)
    return NoPlanError(
        "no plan exists",
        failure(conflict("numba", Cause.NO_SUCH_VERSION, (asked,)), repairs=[repair]),
    )


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-m", "streamsolve", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**inherited, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "0", **environment},
        timeout=60,
        check=False,
    )


# ---- plan ------------------------------------------------------------------------------------


def test_plan_asks_for_what_the_options_say(monkeypatch: pytest.MonkeyPatch):
    stub = planner(monkeypatch, small())
    options = "--variant cpu --base f44 --arch aarch64 --python 3.13 --offline --fresh --cache kept"
    more = "--repo copr=https://example.org/r --repo own=file:///srv --app-version 0.32.0"
    relax = "--relax vllm:Numba==0.65.0 --relax six"

    assert main(["plan", "vllm", *options.split(), *more.split(), *relax.split()]) == 0

    assert stub.requests == [
        PlanRequest(
            application="vllm",
            variant="cpu",
            base="f44",
            arch="aarch64",
            python="3.13",
            version="0.32.0",
            overlays=("copr=https://example.org/r", "own=file:///srv"),
            offline=True,
            fresh=True,
            cache=Path("kept"),
            relaxed=(("vllm", "numba", "==0.65.0"), ("", "six", "")),
        )
    ]


def test_plan_asks_for_the_defaults_when_nothing_is_said(monkeypatch: pytest.MonkeyPatch):
    stub = planner(monkeypatch, small())
    assert main(["plan", "vllm"]) == 0
    assert stub.requests == [PlanRequest(application="vllm")]
    assert stub.wanted_universe is False


def test_an_option_comes_before_the_environment_and_that_before_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    stub = planner(monkeypatch, small())
    (tmp_path / "streamsolve.toml").write_text('base = "a"\nvariant = "b"\npython = "3.12"\n')
    monkeypatch.setenv("STREAMSOLVE_BASE", "c")
    monkeypatch.setenv("STREAMSOLVE_VARIANT", "d")
    assert main(["plan", "vllm", "--base", "e"]) == 0
    (request,) = stub.requests
    assert (request.base, request.variant, request.python) == ("e", "d", "3.12")


def test_plan_prints_the_answer_on_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    planner(monkeypatch, small())
    assert main(["plan", "vllm", "--base", "f 45"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("✓ vllm 0.33.0 (cuda) can be shipped on fedora-45 (x86_64)")
    assert "streamsolve plan vllm --base 'f 45' --all" in out
    assert err == ""


def test_without_a_terminal_there_is_no_colour(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    planner(monkeypatch, small())
    main(["plan", "vllm"])
    assert "\x1b" not in capsys.readouterr().out


def test_the_colour_setting_decides_over_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    planner(monkeypatch, small())
    monkeypatch.setenv("STREAMSOLVE_COLOUR", "always")
    main(["plan", "vllm"])
    assert "\x1b[32m✓" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("variable", "value", "coloured"),
    [("NO_COLOR", "", True), ("NO_COLOR", "1", False), ("TERM", "dumb", False)],
)
def test_a_terminal_has_colour_unless_it_is_declined(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    coloured: bool,
):
    planner(monkeypatch, small())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv(variable, value)
    main(["plan", "vllm"])
    assert ("\x1b" in capsys.readouterr().out) is coloured


@pytest.mark.parametrize("columns", ["60", "80", "110"])
def test_the_width_of_the_terminal_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str
):
    planner(monkeypatch, small())
    monkeypatch.setenv("COLUMNS", columns)
    main(["plan", "vllm"])
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= int(columns)


def test_json_is_one_document_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    planner(monkeypatch, small())
    assert main(["plan", "vllm", "--json"]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    Draft202012Validator(plan_schema()).validate(document)
    assert [one["component"] for one in document["streams"]] == ["six", "torch"]
    assert err == ""


def test_the_universe_is_written_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    stub = planner(monkeypatch, small())
    assert main(["plan", "vllm", "--dump-universe", "universe.json"]) == 0
    assert stub.wanted_universe
    written = (tmp_path / "universe.json").read_text("utf-8")
    assert json.loads(written) == {"schema": "streamsolve.universe/1"}


def test_a_universe_that_cannot_be_written_is_bad_input(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    planner(monkeypatch, small())
    (tmp_path / "file").write_text("")
    assert main(["plan", "vllm", "--dump-universe", "file/universe.json"]) == 2
    out, err = capsys.readouterr()
    assert "file/universe.json: cannot be written: " in err
    assert out == ""


def test_a_universe_for_a_directory_that_is_not_there_is_refused_before_planning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    stub = planner(monkeypatch, small())
    assert main(["plan", "vllm", "--dump-universe", "nowhere/universe.json"]) == 2
    err = capsys.readouterr().err
    assert "nowhere/universe.json: cannot be written: there is no directory nowhere" in err
    assert stub.requests == []
    assert not (tmp_path / "nowhere").exists()


def test_a_dash_prints_the_universe_instead_of_the_plan(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    planner(monkeypatch, small())
    assert main(["plan", "vllm", "--dump-universe", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == {"schema": "streamsolve.universe/1"}
    assert list(tmp_path.iterdir()) == []


def test_a_dash_leaves_the_conflicts_to_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    planner(monkeypatch, no_plan())
    assert main(["plan", "vllm", "--dump-universe", "-"]) == 3
    out, err = capsys.readouterr()
    assert json.loads(out) == {}
    assert "No such version of numba exists." in err


def test_a_dash_and_json_cannot_both_have_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    stub = planner(monkeypatch, small())
    assert main(["plan", "vllm", "--json", "--dump-universe", "-"]) == 2
    out, err = capsys.readouterr()
    assert "both want standard output" in err
    assert [fault["code"] for fault in json.loads(out)["errors"]] == ["SS105"]
    assert stub.requests == []


def test_a_universe_goes_into_a_pipe_and_does_not_replace_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    planner(monkeypatch, small())
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert main(["plan", "vllm", "--dump-universe", "pipe"]) == 0
        assert json.loads(os.read(reader, 4096)) == {"schema": "streamsolve.universe/1"}
    finally:
        os.close(reader)


# ---- no plan, bad input, defects -------------------------------------------------------------


def test_no_plan_is_exit_code_3_with_the_conflict_and_what_would_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    planner(monkeypatch, no_plan())
    assert main(["plan", "vllm", "--base", "f45"]) == 3
    out = capsys.readouterr().out
    assert "1. No such version of numba exists." in out
    assert "vllm 0.33.0 needs numba==0.65.0 (cuda.txt:4)" in out
    assert "streamsolve plan vllm --base f45 --variant cpu" in out


def test_no_plan_with_json_has_the_conflicts_and_repairs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    planner(monkeypatch, no_plan())
    assert main(["plan", "vllm", "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(plan_schema()).validate(document)
    assert [one["cause"] for one in document["conflicts"]] == ["no-such-version"]
    assert [one["value"] for one in document["repairs"]] == ["cpu"]


def bad_profile() -> InputErrors:
    return InputErrors(
        Code.BROKEN_PROFILE,
        "a.toml is no usable profile",
        [
            InputError(
                Code.BROKEN_PROFILE, "must not be empty", place=Place("a.toml", 3, "relax[1]")
            ),
            InputError(
                Code.BROKEN_PROFILE,
                "unknown key 'verson'",
                place=Place("a.toml", 9),
                hint="did you mean version?",
            ),
        ],
    )


def test_every_fault_is_shown_with_its_place_and_the_next_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    planner(monkeypatch, bad_profile())
    assert main(["plan", "a.toml"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "✗ SS103 a.toml is no usable profile:\n"
        "  a.toml:3: relax[1]: must not be empty\n"
        "  a.toml:9: unknown key 'verson'\n"
        "    → did you mean version?\n"
        "  More: streamsolve explain-code SS103\n"
    )


def test_the_caret_of_a_bad_requirement_stays_under_its_character(
    capsys: pytest.CaptureFixture[str],
):
    assert main(["plan", "vllm", "--relax", "numba=>1"]) == 2
    lines = capsys.readouterr().err.splitlines()
    (at,) = [n for n, line in enumerate(lines) if set(line.strip()) <= set("~^") and line.strip()]
    assert lines[at - 1].strip() == "numba=>1"
    assert lines[at].index("^") == lines[at - 1].index("=")


def test_bad_input_with_json_is_one_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    planner(monkeypatch, bad_profile())
    assert main(["plan", "a.toml", "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(plan_schema()).validate(document)
    assert [one["place"]["line"] for one in document["errors"]] == [3, 9]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plann"], "did you mean plan?"),
        (["profile", "lst"], "did you mean list?"),
        (["plan"], "missing argument 'APP'"),
        (["plan", "vllm", "--bse", "x"], "no option is called '--bse': did you mean --base"),
        (["completion"], "missing argument 'SHELL'\n"),
        (["base", "show", "./nowhere"], "./nowhere: there is no such directory"),
        (["explain-code", "SS999"], "SS201"),
        (["completion", "tcsh"], "bash"),
        (["base", "show", "fedora-54"], "did you mean fedora-4"),
        (["profile", "show", "vlm"], "did you mean vllm?"),
        (["profile", "refresh", "vllm"], "name the bases to read"),
        (["plan", "vllm", "--python", "three"], "three"),
        (["plan", "vllm", "--repo", "nowhere"], "nowhere=URL"),
        (["plan", "--help-me"], "did you mean --help"),
    ],
)
def test_what_is_mistyped_is_exit_code_2_and_names_what_is_near(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert "Traceback" not in err
    assert out == ""


def test_a_defect_is_exit_code_1_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    planner(monkeypatch, ZeroDivisionError("division by zero"))
    assert main(["plan", "vllm"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("✗ SS900 streamsolve failed: ZeroDivisionError: division by zero")
    assert "Traceback" not in err


def test_the_traceback_of_a_defect_is_shown_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    planner(monkeypatch, ZeroDivisionError("division by zero"))
    monkeypatch.setenv("STREAMSOLVE_TRACEBACK", "1")
    assert main(["plan", "vllm"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_an_interrupt_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    planner(monkeypatch, KeyboardInterrupt())
    assert main(["plan", "vllm"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_pipe_that_is_closed_is_quiet():
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "streamsolve", "explain-code"],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "vllm", "--json", "--offline"],
        ["plan", "nothing", "--json"],
        ["profile", "check", "--schema"],
        ["explain-code"],
        ["--help"],
    ],
)
def test_an_output_that_is_full_is_one_line_and_exit_code_2(arguments: list[str]):
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "streamsolve", *arguments],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last == "streamsolve: cannot write the output: No space left on device"
    assert "Traceback" not in done.stderr
    assert "SS900" not in done.stderr


def test_an_operating_system_error_elsewhere_is_still_a_defect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    planner(monkeypatch, OSError(28, "No space left on device"))
    assert main(["plan", "vllm"]) == 1
    assert "SS900" in capsys.readouterr().err


# ---- the other commands ----------------------------------------------------------------------


def test_version_and_help():
    assert command("--version").stdout.startswith("streamsolve ")
    told = command("--help")
    assert told.returncode == 0
    for name in ("plan", "profile", "base", "config", "explain-code", "completion"):
        assert name in told.stdout


def test_a_group_without_a_command_shows_its_help(capsys: pytest.CaptureFixture[str]):
    assert main(["profile"]) == 0
    assert "refresh" in capsys.readouterr().out


def test_a_terminal_without_unicode_gets_ascii():
    told = command("base", "show", "fedora-54", PYTHONIOENCODING="latin-1", LC_ALL="C")
    assert told.returncode == 2
    assert told.stderr.isascii()
    assert told.stderr.startswith("x SS201 ")


def test_profiles_and_bases_are_listed(capsys: pytest.CaptureFixture[str]):
    assert main(["profile", "list"]) == 0
    assert "vllm" in capsys.readouterr().out
    assert main(["base", "list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("fedora-44", "fedora-45", "fedora-rawhide"))


def test_a_profile_is_shown_with_its_variants_and_decisions(capsys: pytest.CaptureFixture[str]):
    assert main(["profile", "show", "vllm"]) == 0
    out = capsys.readouterr().out
    for text in ("cuda", "rocm", "cpu", "certifi>=2026.10.19", "nvidia-cutlass-dsl"):
        assert text in out


def test_a_base_is_shown_with_its_repositories(capsys: pytest.CaptureFixture[str]):
    assert main(["base", "show", "fedora-45"]) == 0
    out = capsys.readouterr().out
    assert "Python 3.15" in out
    assert "metalink" in out
    assert "redhat-rpm-config" in out


def test_a_profile_says_for_which_variants_a_decision_holds(capsys: pytest.CaptureFixture[str]):
    assert main(["profile", "show", "vllm"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    profile = load_profile("vllm")
    for_some = [one for one in (*profile.omissions, *profile.relaxations) if one.variants]
    assert for_some
    for one in for_some:
        assert f"({', '.join(one.variants)}) {one.reason[:8]}" in words


def test_a_directory_is_shown_as_a_base(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    python = element(rpm("python3", "3.14.2-1", "x86_64", provides="python(abi) = 3.14"))
    write_repository(tmp_path / "mine" / "x86_64", [python])
    assert main(["base", "show", "mine"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("mine\nPython 3.14; for x86_64.\n")
    repomd = tmp_path / "mine" / "x86_64" / "repodata" / "repomd.xml"
    assert hashlib.sha256(repomd.read_bytes()).hexdigest() in out


def test_a_directory_that_is_no_repository_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "mine").mkdir()
    assert main(["base", "show", "mine"]) == 2
    assert "SS202" in capsys.readouterr().err


def test_shipped_profiles_are_well(capsys: pytest.CaptureFixture[str]):
    assert main(["profile", "check"]) == 0
    assert "✓  vllm" in capsys.readouterr().out


def test_a_broken_profile_is_told_with_its_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "mine.toml").write_text('schema = "streamsolve.profile/1"\nnane = "mine"\n')
    assert main(["profile", "check", "mine.toml"]) == 2
    err = capsys.readouterr().err
    assert "SS103" in err
    assert "mine.toml:2: nane" in err


def test_of_several_profiles_the_usable_are_named_and_all_faults_of_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    for name in ("one.toml", "two.toml"):
        (tmp_path / name).write_text('schema = "streamsolve.profile/1"\nnane = "mine"\n')
    assert main(["profile", "check", "one.toml", "vllm", "two.toml", "vlm"]) == 2
    told = capsys.readouterr()
    assert "✓  vllm" in told.out
    faults = ("one.toml:2: nane", "two.toml:2: nane", "unknown application 'vlm'")
    assert [fault for fault in faults if fault not in told.err] == []


COMPONENT_FILE = """\
schema = "streamsolve.component/1"

[[omit]]
component = "tokens"
variants = ["whichever"]
reason = "it is not needed"
"""


def test_a_file_that_profiles_include_is_checked_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "part.toml").write_text(COMPONENT_FILE)
    assert main(["profile", "check", "part.toml", "vllm"]) == 0
    out = capsys.readouterr().out
    assert "✓ part.toml: a file for profiles to include" in out
    assert "✓  vllm" in out


def test_the_faults_of_a_file_that_profiles_include_are_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "part.toml").write_text(COMPONENT_FILE.replace("reason", "reasom"))
    assert main(["profile", "check", "part.toml"]) == 2
    err = capsys.readouterr().err
    assert "part.toml:6: " in err
    assert "default-variant" not in err


def test_the_schema_of_profiles_is_printed(capsys: pytest.CaptureFixture[str]):
    assert main(["profile", "check", "--schema"]) == 0
    Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


def test_refresh_reads_the_bases_named_and_tells_the_files(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    asked: list[tuple[object, ...]] = []

    def refresh(application: str, bases: tuple[str, ...], **options: object) -> tuple[Path, ...]:
        asked.append((application, bases, options["arch"]))
        return (Path("profiles/vllm/upstream.jsonl"),)

    monkeypatch.setattr(streamsolve.planner.refresh, "refresh_profile", refresh)
    assert main(["profile", "refresh", "vllm", "--base", "a", "--base", "b"]) == 0
    assert asked == [("vllm", ("a", "b"), "x86_64")]
    assert "wrote profiles/vllm/upstream.jsonl" in capsys.readouterr().out


def test_config_shows_where_each_value_comes_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "streamsolve.toml").write_text('variant = "cpu"\n')
    monkeypatch.setenv("STREAMSOLVE_BASE", "fedora-44")
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["config", "show", "--origin"]) == 0
    rows = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert ["base", "fedora-44", "environment variable STREAMSOLVE_BASE"] in rows
    assert ["arch", "x86_64", "default"] in rows
    (origin,) = [row[2] for row in rows if row[:2] == ["variant", "cpu"]]
    assert origin.endswith("streamsolve.toml:1")


def test_config_shows_what_holds_where_nothing_is_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["config", "show"]) == 0
    rows = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert (rows["base"], rows["variant"]) == ("the profile's", "the profile's")
    assert rows["index-url"] == "the public index"
    assert Path(rows["cache"]) == tmp_path / ".cache" / "streamsolve"
    assert "-" not in rows.values()


def test_an_unknown_setting_names_the_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "streamsolve.toml").write_text('varaint = "cpu"\n')
    assert main(["config", "show"]) == 2
    err = capsys.readouterr().err
    assert "SS104" in err
    assert "variant" in err


def test_every_code_is_explained(capsys: pytest.CaptureFixture[str]):
    for code in Code:
        assert main(["explain-code", code.label]) == 0
        assert capsys.readouterr().out.startswith(f"{code.label}: {code.title}\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_a_shell(capsys: pytest.CaptureFixture[str], shell: str):
    assert main(["completion", shell]) == 0
    assert "_STREAMSOLVE_COMPLETE" in capsys.readouterr().out


def test_bases_are_completed():
    told = command(
        _STREAMSOLVE_COMPLETE="bash_complete",
        COMP_WORDS="streamsolve plan vllm --base fedora-4",
        COMP_CWORD="4",
    )
    assert told.stdout.splitlines() == ["plain,fedora-44", "plain,fedora-45"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("plan vllm --variant c", ["cuda", "cpu"]),
        ("plan --variant r", ["rocm"]),
        ("plan mine.toml --variant c", []),
        ("explain-code ss30", ["SS301", "SS302", "SS303"]),
        ("base show fedora-4", ["fedora-44", "fedora-45"]),
    ],
)
def test_variants_codes_and_bases_are_completed(words: str, expected: list[str]):
    told = command(
        _STREAMSOLVE_COMPLETE="bash_complete",
        COMP_WORDS=f"streamsolve {words}",
        COMP_CWORD=str(len(words.split())),
    )
    assert told.stdout.split() == [f"plain,{one}" for one in expected]
    assert told.stderr == ""


# ---- progress --------------------------------------------------------------------------------


def lines_told(*reports: tuple[float, str, int, int]) -> list[str]:
    """What is written for reports of (second, step, done, total)."""
    now = [0.0]
    stream = io.StringIO()
    display = LineDisplay(stream, clock=lambda: now[0])
    for second, *report in reports:
        now[0] = second
        display(*report)
    return stream.getvalue().splitlines()


def test_without_a_terminal_a_step_is_told_once_when_it_takes_long():
    reports = [(float(second), "download", second, 20) for second in range(20)]
    assert lines_told(*reports) == ["download: 6 s so far"]


def test_without_a_terminal_short_steps_are_not_told_however_many():
    assert lines_told(*((n * 2.0, f"step {n}", 0, 0) for n in range(20))) == []


def test_a_long_step_that_reported_only_its_start_is_told_at_its_end():
    told = lines_told((0.0, "solve", 0, 0), (9.0, "write", 0, 0), (10.0, "write", 1, 1))
    assert told == ["solve: 9 s"]


def test_a_step_that_was_finished_is_not_told_later():
    assert lines_told((0.0, "load", 1, 1), (9.0, "write", 0, 1), (10.0, "write", 1, 1)) == []


def test_work_that_ends_at_once_shows_no_bars():
    with BarDisplay() as display:
        display("load", 0, 4)
        assert display.visible == ()
    display.begin()
    assert display.visible == ()


def test_bars_draw_what_goes_on():
    display = BarDisplay()
    display("download", 3, 10)
    display("done before", 1, 1)
    display.begin()
    display("solve", 0, 0)
    display("check", 1, 4)
    assert display.visible == ("check",)
    display("download", 4, 10)
    assert display.visible == ("download", "check")
    display("download", 10, 10)
    assert display.visible == ("check",)
    display.end()


def test_a_step_is_over_when_the_next_one_starts_though_it_never_said_so():
    display = BarDisplay()
    display("loading appstream", 0, 2)
    display.begin()
    display("loading baseos", 1, 2)
    assert display.visible == ("loading baseos",)
    display("packages loaded", 2, 2)
    display("choosing streams", 1, 0)
    assert display.visible == ("choosing streams",)
    display.end()


def test_nothing_of_the_bars_stays_in_a_terminal(tmp_path: Path):
    """The last thing that is drawn is erased: what follows a clear screen is the result alone."""
    code = (
        "import streamsolve.cli.progress as progress\n"
        "with progress.progress_display() as display:\n"
        "    display('loading appstream', 0, 2)\n"
        "    display.begin()\n"
        "    display('solving', 0, 0)\n"
        "print('the result')\n"
    )
    main_end, other_end = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.DEVNULL, stdout=other_end, stderr=other_end, cwd=ROOT,
        env={**os.environ, "TERM": "xterm"},
    ) as running:  # fmt: skip
        os.close(other_end)
        text = b"".join(iter(lambda: _read_terminal(main_end), b"")).decode()
    os.close(main_end)
    assert running.returncode == 0
    before, erased, after = text.rpartition("\x1b[2K")
    assert "solving" in before
    assert erased
    assert after.strip().splitlines() == ["the result"]


def _read_terminal(descriptor: int) -> bytes:
    """What comes next, or nothing when the other end is closed."""
    try:
        return os.read(descriptor, 4096)
    except OSError:
        return b""


def test_help_imports_nothing_heavy():
    heavy = "networkx requests pypi_simple cattrs jsonschema solv packaging attrs platformdirs"
    code = (
        "import sys\n"
        "from streamsolve.cli import main\n"
        "main(['--help'])\n"
        f"print(sorted(set({heavy.split()!r}) & set(sys.modules)), file=sys.stderr)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=True,
    )
    assert told.stderr.strip() == "[]"
