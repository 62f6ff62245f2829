"""The first screen of a plan, read as a reader would."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from streamsolve.explain import Command, lay_out, plain, plan_blocks, version_ranges
from streamsolve.explain.markup import NO_BREAK, Row, Span, Style, Table, paragraph
from streamsolve.explain.sentences import asked, builder_time, reason_text, shortened, spelled
from streamsolve.model.component import Origin
from streamsolve.model.plan import Demander, HeldBack, Plan, ReasonKind

from .builders import (
    big_plan,
    component,
    demander,
    external,
    from_base,
    held_back,
    host_needs,
    omitted,
    plan,
    private,
    private_python,
    rebuilt,
    relaxed,
    requirement,
    stream,
    versions,
)

TYPED = Command(("streamsolve", "plan", "vllm"), (("--base", "f45"),))


def screen(
    what: Plan, width: int = 100, *, everything: bool = False, ascii_only: bool = False
) -> str:
    return plain(
        lay_out(plan_blocks(what, TYPED, everything=everything), width, ascii_only=ascii_only)
    )


def one_line(text: str) -> str:
    """The words without the line breaks, so that a sentence is found wherever it wraps."""
    return " ".join(text.split())


def test_a_small_plan_reads_from_top_to_bottom():
    small = plan(
        from_base("six"),
        from_base("regex"),
        private("torch", "2.14.0", base_has="2.13.0", needed=("vllm", "torch==2.14.0"), cost=360),
        lower_bound=1,
    )

    assert screen(small, 120) == (
        "✓ vllm 0.33.0 (cuda) can be shipped on fedora-45 (x86_64) with Python 3.14 and "
        "1 private stream.\n"
        "\n"
        "  ✓  2  from the base as it is; nothing in it changes\n"
        "  ●  1  private, built for vllm alone (about 6 h of one builder; proven minimal)\n"
        "\n"
        "Private streams: what the base cannot give, and what each costs\n"
        + "  ●  torch  2.14.0  the base has 2.13.0; vllm needs ==2.14.0".ljust(120 - 3)
        + "6 h\n"
        "\n"
        "Next  streamsolve plan vllm --base f45 --all   every stream with its reason\n"
        "or    streamsolve plan vllm --base f45 --json  the whole plan, for programs\n"
    )


def test_the_first_screen_of_a_large_plan_fits_a_screen():
    assert 24 <= len(screen(big_plan(), 100).splitlines()) <= 40
    assert len(screen(big_plan(), 80).splitlines()) <= 44


def test_what_conflicts_with_the_base_stands_before_what_the_base_does_not_have():
    text = screen(
        plan(
            private("absent", cost=900),
            private("clashing", base_has="2.0", needed=("vllm", "clashing<2"), cost=1),
        )
    )
    assert text.index("clashing") < text.index("absent")


def test_the_interpreter_says_what_the_base_has_and_who_forbids_it():
    text = screen(plan(private_python("3.14.2", "3.15.0", "vllm", "python<3.15,>=3.11")))
    assert "python  3.14.2  the base has 3.15.0; vllm needs >=3.11,<3.15" in text


def test_what_the_command_asks_for_reads_as_asked_for():
    asked_python = python_demanded("==3.12.*", "--python")
    one = stream("python", "3.12", Origin.PRIVATE, ReasonKind.INTERPRETER, base_has="3.15.0")
    one = evolve(one, reason=evolve(one.reason, demands=(asked_python,)))
    held = HeldBack(one.component, Version("3.12"), Version("3.15"), (asked_python,))
    text = one_line(screen(plan(one, held_back=[held])))
    assert "the base has 3.15.0; you asked for ==3.12.*" in text
    assert "3.15 is kept out because you asked for ==3.12.*" in text
    assert "vllm needs" not in text


def test_a_further_demand_of_a_question_reads_as_asked_for():
    demands = (Demander(component("vllm"), requirement("torch<2.14", at="asked for")),)
    torch = private("torch", "2.13.0", base_has="2.14.0")
    torch = evolve(torch, reason=evolve(torch.reason, demands=demands))
    assert reason_text(torch) == "the base has 2.14.0; you asked for <2.14"


@pytest.mark.parametrize(
    ("allowed", "told"),
    [
        (">=3.11,<3.14", "3.11–3.13"),
        ("==3.12.*", "3.12"),
        ("<=3.13", "3.13 and older"),
        (">=3.11", "3.11 and newer"),
        (">=3.11,!=3.12.*,<3.14", "3.11, 3.13"),
        ("<3", "<3"),
    ],
)
def test_wheels_for_some_interpreters_only_name_those(allowed: str, told: str):
    one = stream("python", "3.13", Origin.PRIVATE, ReasonKind.INTERPRETER, base_has="3.15.0")
    wheels = (python_demanded(allowed, "wheels", by="quark"),)
    one = evolve(one, reason=evolve(one.reason, demands=wheels))
    assert reason_text(one) == (f"the base has 3.15.0; quark has wheels only for Python {told}")


def python_demanded(bounds: str, place: str, by: str = "vllm") -> Demander:
    return Demander(component(by), requirement(f"python{bounds}", at=place))


def test_a_base_package_that_itself_needs_what_does_not_fit_says_so():
    protos = stream(
        "protos",
        "1.70",
        Origin.PRIVATE,
        ReasonKind.BASE_CONFLICT,
        base_has="1.63",
        demands=[("protos", "protobuf>=3.19,<5"), ("vllm", "protos>=1.64")],
    )
    assert reason_text(protos) == (
        "the base has 1.63, whose package needs protobuf>=3.19,<5; vllm needs >=1.64"
    )


def test_all_names_the_repository_of_each_package():
    mine = evolve(from_base("six"), repository="mine")
    assert "meets every demand (from mine)" in one_line(screen(plan(mine), everything=True))


def test_streams_that_are_only_rebuilt_are_one_line_with_their_count():
    text = screen(plan(*(rebuilt(f"part-{n}") for n in range(60))))
    assert "● 60 only because Python 3.14 is used, which is not the base's (4 h)" in text
    assert "part-7" not in text


def test_all_lists_every_stream():
    text = screen(big_plan(), 120, everything=True)
    missing = [s.component.name for s in big_plan().streams if s.component.name not in text]
    assert missing == []
    assert "--all" not in text


def test_a_group_that_is_folded_counts_what_it_does_not_name():
    text = one_line(screen(plan(*(private(f"m{n:02}") for n in range(20)))))
    assert "● 14 more that the base does not ship (56 min): m06, m07, m08 and 11 more" in text


def test_many_demands_are_counted_after_the_first():
    clashing = private("protobuf", "6.1", base_has="5.0", needed=("vllm", "protobuf>=6"))
    demands = tuple(demander(by, f"protobuf>={n}") for n, by in enumerate(("a", "b", "c", "d")))
    many = evolve(clashing, reason=evolve(clashing.reason, demands=demands))
    assert "the base has 5.0; a needs >=0 and 3 more demands" in screen(plan(many), 120)
    assert "a needs >=0, b needs >=1, c needs" not in reason_text(many)
    assert "a needs >=0, b needs >=1 and 2 more demands" in reason_text(many)
    assert reason_text(many, at_most=4).endswith(
        "a needs >=0, b needs >=1, c needs >=2 and d needs >=3"
    )
    assert "d needs >=3 and 3 more" in reason_text(many, application="d", at_most=1)


def test_what_is_not_proven_minimal_shows_the_bound():
    text = one_line(screen(plan(private("a"), private("b"), minimal=False, lower_bound=1)))
    assert "not proven to be the fewest: no plan has less than 1" in text
    assert "proven minimal" not in text


def certifi_relaxed(reason: str) -> Plan:
    return plan(
        omitted("tokenspeed", reason),
        relaxed=[relaxed("vllm", "certifi>=2026.10.19", "certifi", reason, "METADATA:31")],
    )


def test_relaxed_and_omitted_requirements_show_their_reasons():
    text = one_line(screen(certifi_relaxed("it is the system's")))
    assert "○ omitted: tokenspeed: it is the system's" in text
    assert (
        "≈ relaxed: certifi: vllm asks for >=2026.10.19, any version counts: it is the system's"
        in text
    )


def test_a_long_reason_is_shortened_on_the_first_screen_and_whole_with_all():
    reason = "The first sentence of it. The second one, which says more (see METADATA)."
    short = one_line(screen(certifi_relaxed(reason)))
    assert "tokenspeed: The first sentence of it." in short
    assert "The second one" not in short

    whole = one_line(screen(certifi_relaxed(reason), everything=True))
    assert f"tokenspeed: {reason}" in whole
    assert f"vllm asks for >=2026.10.19 (METADATA:31), any version counts: {reason}" in whole


def test_a_sentence_is_cut_only_between_words():
    assert shortened("one two three. Four", 40) == "one two three."
    assert shortened("one two three", 9) == "one two …"
    assert shortened("one 1.2. three", 40) == "one 1.2. three"


def test_a_long_sentence_is_cut_where_a_clause_ends_outside_brackets():
    assert shortened("what is known of it; what is not known of it", 30) == "what is known of it; …"
    assert shortened("the parts a and b, c (e, f, g) and others", 30) == "the parts a and b, …"
    assert shortened("a; and then a long clause without end", 30) == "a; and then a long clause …"


@pytest.mark.parametrize("length", [100, 160])
def test_a_reason_of_up_to_160_characters_is_not_cut(length: int):
    reason = ("it is so because " * 20)[: length - 1].strip() + "x"
    assert reason in one_line(screen(certifi_relaxed(reason)))


def test_what_is_held_back_says_what_would_free_it():
    text = one_line(
        screen(
            plan(
                private("fastapi", "0.136.1", base_has="0.139.2"),
                held_back=[
                    held_back("fastapi", "0.136.1", "0.139.2", ("vllm", "fastapi<0.137")),
                    held_back("six", "1.16", "1.17"),
                ],
            )
        )
    )
    assert "fastapi 0.136.1 0.139.2 is kept out by vllm, which needs <0.137" in text
    assert "1 because the base's version is preferred, or to keep a group together" in text


def test_external_streams_are_grouped_by_their_reason():
    text = one_line(
        screen(
            plan(
                external("cublas", "13.0.1", "it is NVIDIA's"),
                external("cudnn", "9.1", "it is NVIDIA's"),
            )
        )
    )
    assert "◆ External (2), it is NVIDIA's: cublas 13.0.1, cudnn 9.1" in text


def test_warnings_the_host_and_the_burden_are_told():
    text = one_line(
        screen(
            plan(
                warnings=[("mixed-minors", "two minors are mixed")],
                host=[host_needs("kernel-module:nvidia", ">=580", "accelerator:cuda")],
                would_conflict=["a", "b"],
                would_add=["c"],
            )
        )
    )
    assert "▲ two minors are mixed" in text
    assert "The machine that runs it must have: nvidia>=580 (for cuda)" in text
    assert "have to change the version of 2 packages for all who use them and add 1" in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_width_is_kept_and_no_name_or_version_is_cut(width: int):
    long_name = "a-distribution-with-a-name-of-fifty-characters-in-all"
    what = plan(
        private(long_name, "2026.10.18.post1", base_has="1", needed=("vllm", f"{long_name}>2")),
        private("short", base_has="1", needed=("vllm", "short>2")),
        omitted("tokenspeed", "a reason of several words that has to be wrapped at any width"),
    )
    text = screen(what, width)
    assert long_name in text
    assert "2026.10.18.post1" in text
    commands = ("streamsolve plan", long_name)
    too_wide = [
        line
        for line in text.splitlines()
        if len(line) > width and not any(c in line for c in commands)
    ]
    assert too_wide == []


def test_without_unicode_the_symbols_are_ascii_and_still_differ():
    text = screen(big_plan(), ascii_only=True)
    assert text.isascii()
    assert "+ vllm 0.33.0" in text
    assert "  *  torch" in text
    assert "# External" in text


def test_a_command_is_quoted_for_the_shell():
    assert str(TYPED.with_option("--base", "my base")) == "streamsolve plan vllm --base 'my base'"
    assert str(TYPED.with_option("--all")) == "streamsolve plan vllm --base f45 --all"


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0, "0 min"), (59, "59 min"), (60, "1 h"), (200, "3 h 20 min"), (600, "10 h"), (659, "10 h")],
)
def test_times_are_said_in_hours_and_minutes(minutes: int, text: str):
    assert builder_time(minutes).replace(NO_BREAK, " ") == text


def test_a_requirement_without_specifier_asks_for_any_version():
    assert asked(requirement("six")) == "any version"
    assert asked(requirement("six @ file:///six.whl")) == "the file file:///six.whl"


def test_bounds_read_from_low_to_high():
    assert spelled(requirement("Uvicorn[standard]<1,>=0.20,!=0.21")) == (
        "uvicorn[standard]!=0.21,>=0.20,<1"
    )
    assert spelled(requirement("six")) == "six"
    assert spelled(requirement("six @ file:///six.whl")) == "six @ file:///six.whl"


def test_ranges_join_only_versions_that_exist():
    there = versions("1.0", "1.1", "1.2", "1.3", "2.0", "2.1", "3.0")
    assert version_ranges(there[:4], there) == "1.0–1.3 (4 versions)"
    assert version_ranges((*there[:3], *there[4:6]), there) == "1.0–1.2 (3 versions), 2.0, 2.1"
    assert version_ranges(versions("2.0"), there) == "2.0"
    assert version_ranges((), there) == "none"


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)))
def test_ranges_stand_for_exactly_the_versions_given(chosen: set[int], others: set[int]):
    among = chosen | others
    text = version_ranges([Version(str(n)) for n in chosen], [Version(str(n)) for n in among])
    meant: set[int] = set()
    for part in text.split(", ") if text != "none" else []:
        first, dash, last = part.partition(" ")[0].partition("–")
        meant |= {n for n in among if int(first) <= n <= int(last if dash else first)}
    assert meant == chosen


@given(st.lists(st.text("abc", min_size=1, max_size=12)), st.integers(20, 60))
def test_wrapping_loses_no_word_and_keeps_the_width(words: list[str], width: int):
    lines = plain(lay_out([paragraph(" ".join(words), indent=2, hang=2)], width)).splitlines()
    assert " ".join(lines).split() == words
    assert all(len(line) <= width for line in lines)


def test_words_keep_together_across_styles():
    text = plain(lay_out([paragraph("see ", Span("name", Style.NAME), ", then go on")], 10))
    assert text == "see name,\nthen go on\n"


def test_neighbours_of_one_style_become_one_span():
    parts = (Span("a b", Style.NAME), Span(" c", Style.NAME), " d")
    (line,) = lay_out([paragraph(*parts)], 40)
    assert line == (Span("a b c", Style.NAME), Span(" d"))


def test_a_narrow_table_puts_the_text_below_its_row():
    row = Row((Span("component"), Span("1.2.3")), (Span("why it is so"),), Span("4 min"))
    assert plain(lay_out([Table((row,))], 40)) == "  component  1.2.3  4 min\n      why it is so\n"


def test_a_reason_of_a_kind_that_is_not_known_here_still_has_words():
    one = stream("a", "1", Origin.BASE, ReasonKind.BASE_FITS, base_has="2", demands=[("b", "a<2")])
    unknown = evolve(one.reason, kind=Origin.BASE)  # any value that is no kind of a reason
    assert reason_text(evolve(one, reason=unknown)) == "the base has 2; b needs <2"


def test_every_reason_has_words():
    texts = {
        reason_text(stream("a", "1", Origin.BASE, kind, base_has="2", demands=[("b", "a<2")]))
        for kind in ReasonKind
    }
    # What contradicts the base and the interpreter share their sentence.
    assert len(texts) >= 9
    assert all(text and "None" not in text for text in texts)
