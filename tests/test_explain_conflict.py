"""Why there is no plan, read as a reader would."""

from __future__ import annotations

import pytest
from attrs import evolve

from streamsolve.explain import (
    Command,
    conflict_sentence,
    failure_blocks,
    lay_out,
    plain,
    repair_step,
)
from streamsolve.model import PYTHON
from streamsolve.model.conflict import Cause, Conflict, Failure, Repair, RepairKind

from .builders import component, conflict, demand, failure

TYPED = Command(("streamsolve", "plan", "vllm"), (("--base", "f45"), ("--variant", "cuda")))
NUMBAS = [f"0.{minor}" for minor in range(60, 65)]
PROTOBUFS = ["5.1", "6.1", "6.2", "6.3", "7.0", "7.1"]


def screen(what: Failure, width: int = 100, *, ascii_only: bool = False) -> str:
    return plain(lay_out(failure_blocks(what, TYPED), width, ascii_only=ascii_only))


def missing_numba() -> Failure:
    asked = demand("vllm", ["0.33.0"], "numba==0.65.0", at="cuda.txt:4", there=NUMBAS)
    return failure(conflict("numba", Cause.NO_SUCH_VERSION, (asked,)))


def protobuf_conflict() -> Failure:
    return failure(
        conflict(
            "protobuf",
            Cause.INCOMPATIBLE,
            (
                demand("vllm", ["0.33.0"], "grpcio>=1.70", at="common.txt:7"),
                demand("grpcio", ["1.70", "1.71", "1.72"], "protobuf<7", there=PROTOBUFS),
            ),
            (demand("vllm", ["0.33.0"], "protobuf>=7", at="common.txt:9", there=PROTOBUFS),),
        )
    )


def test_a_version_that_does_not_exist_reads_from_top_to_bottom():
    assert screen(missing_numba()) == (
        "✗ No plan exists for vllm 0.33.0 (cuda) on fedora-45 (x86_64): 1 independent conflict.\n"
        "\n"
        "1. No such version of numba exists.\n"
        "   vllm 0.33.0 needs numba==0.65.0 (cuda.txt:4)\n"
        "     ✗ of numba there is 0.60–0.64 (5 versions): none is ==0.65.0\n"
        "\n"
        "No single change was found that makes a plan possible: no other variant, base or Python, "
        "and no one\n"
        "requirement to relax.\n"
        "What to do: ask the package index even for what the profile brings:\n"
        "     streamsolve plan vllm --base f45 --variant cuda --fresh\n"
    )


def test_demands_that_exclude_each_other_are_chains_from_the_application():
    text = screen(protobuf_conflict())
    assert text.splitlines()[2:8] == [
        "1. The demands on protobuf conflict with each other: no version meets them all.",
        "   vllm 0.33.0 needs grpcio>=1.70 (common.txt:7)",
        "     → grpcio 1.70–1.72 (3 versions) needs protobuf<7",
        "       that allows protobuf 5.1–6.3 (4 versions)",
        "   vllm 0.33.0 needs protobuf>=7 (common.txt:9)",
        "     that allows protobuf 7.0, 7.1",
    ]


def test_versions_that_die_in_different_ways_are_told_one_by_one():
    needs_foo = demand("vllm", ["0.33.0"], "foo", there=["1", "2", "3"])
    ends = (
        demand("foo", ["1"], "bar>=9", there=["1"]),
        demand("foo", ["2", "3"], "baz"),
    )
    died = conflict("foo", Cause.INCOMPATIBLE, *[(needs_foo, end) for end in ends])
    assert screen(failure(died)).splitlines()[2:9] == [
        "1. No version of foo can be used: each needs something that cannot be had.",
        "   vllm 0.33.0 needs foo",
        "     → foo 1 needs bar>=9",
        "       ✗ of bar there is 1: none is >=9",
        "   vllm 0.33.0 needs foo",
        "     → foo 2, 3 needs baz",
        "       ✗ of baz no version is there",
    ]


def test_versions_that_are_not_let_in_are_not_said_to_need_anything():
    needs_foo = demand("vllm", ["0.33.0"], "foo>=2", there=["1", "2", "3"])
    ends = (demand("foo", ["2"], "bar>=9"), demand("foo", ["3"], "baz"))
    died = conflict("foo", Cause.INCOMPATIBLE, *[(needs_foo, end) for end in ends])
    assert conflict_sentence(died) == (
        "No version of foo can be used: each that is let in needs something that cannot be had."
    )


def test_ways_through_a_component_do_not_conflict_with_each_other():
    chains = [
        (
            demand("vllm", ["0.33.0"], "foo", there=["1", "2"]),
            demand("foo", [version], f"bar=={version}", there=["1", "2"]),
            demand("bar", [version], "dead"),
        )
        for version in ("1", "2")
    ]
    assert conflict_sentence(conflict("bar", Cause.INCOMPATIBLE, *chains)) == (
        "No version of bar can be used: each needs something that cannot be had."
    )


def test_interpreters_that_each_lack_something_show_what_depends_on_them():
    old = demand("vllm", ["0.33.0"], 'old>=9; python_version < "3.14"', there=["1"])
    new = demand("vllm", ["0.33.0"], "new>=9", there=["1"])
    lacking = Conflict(PYTHON, Cause.INCOMPATIBLE, ((old,), (new,)))
    text = screen(failure(lacking))
    assert "No version of python can be used: with each that is let in, something is" in text
    assert '   vllm 0.33.0 needs old>=9 where python_version < "3.14"\n' in text
    assert "   vllm 0.33.0 needs new>=9\n" in text


def test_what_binds_only_what_is_used_is_not_said_to_need_it():
    there = ["1", "2"]
    bound = evolve(demand("foo", ["1"], "bar<2", there=there), only_if_used=True)
    both = conflict(
        "bar",
        Cause.INCOMPATIBLE,
        (demand("vllm", ["0.33.0"], "foo", there=["1"]), bound),
        (demand("vllm", ["0.33.0"], "bar>=2", there=there),),
    )
    assert screen(failure(both)).splitlines()[2:8] == [
        "1. The demands on bar conflict with each other: no version meets them all.",
        "   vllm 0.33.0 needs foo",
        "     → foo 1 allows only bar<2",
        "       that allows bar 1",
        "   vllm 0.33.0 needs bar>=2",
        "     that allows bar 2",
    ]


def test_an_extra_that_nothing_has_is_named():
    asked = evolve(demand("vllm", ["0.33.0"], "foo[x]", there=["1"]), allowed=())
    text = screen(failure(conflict("foo", Cause.NO_SUCH_VERSION, (asked,))))
    assert "✗ of foo there is 1: none is there with x" in text


def test_no_such_version_and_conflicts_with_read_differently():
    sentences = {
        conflict_sentence(one)
        for one in (*missing_numba().conflicts, *protobuf_conflict().conflicts)
    }
    assert sentences == {
        "No such version of numba exists.",
        "The demands on protobuf conflict with each other: no version meets them all.",
    }


def test_every_cause_has_a_sentence_of_its_own():
    asked = demand("vllm", ["1"], "x>1", there=["1"])
    sentences = {conflict_sentence(conflict("x", cause, (asked,), (asked,))) for cause in Cause}
    assert len(sentences) == len(Cause)


def test_what_nobody_has_is_said_to_be_nowhere():
    asked = demand("vllm", ["0.33.0"], "nowhere")
    text = screen(failure(conflict("nowhere", Cause.NO_SUCH_COMPONENT, (asked,))))
    assert "nowhere does not exist: neither the base nor the package index has it." in text
    assert "✗ of nowhere no version is there" in text


def test_what_the_policy_forbids_is_named():
    asked = demand("vllm", ["0.33.0"], "closed>=1", there=["1.0", "2.0"])
    text = screen(failure(conflict("closed", Cause.FORBIDDEN, (asked,))))
    assert "closed exists, but the profile's policy forbids what would fit." in text
    assert "✗ closed 1.0, 2.0 would fit and is forbidden" in text


def test_a_conflict_of_the_base_shows_its_packages():
    asked = demand("vllm", ["0.33.0"], "numpy", there=["2.0"])
    packages = ["nothing provides libgfortran.so.5 needed by python3-numpy-2.0-1.x86_64"]
    text = screen(failure(conflict("numpy", Cause.ROOT, (asked,), packages=packages)))
    assert "The base's own packages around numpy cannot be installed together." in text
    assert f"✗ {packages[0]}" in text
    assert "   vllm 0.33.0 needs numpy\n     that allows numpy 2.0\n" in text


FRESH = TYPED.with_option("--fresh")
OFFLINE = TYPED.with_option("--offline")
ASKED_WHY = Command(("streamsolve", "why-not", "vllm", "numba==0.65.0"), (("--base", "f45"),))


def what_to_do(what: Failure, command: Command) -> str:
    """What follows where no change was found, in one line."""
    text = plain(lay_out(failure_blocks(what, command), 1000))
    return " ".join(text.partition("\nWhat to do: ")[2].split())


def of_the_base(*missing: str) -> Failure:
    asked = demand("vllm", ["0.33.0"], "numpy", there=["2.0"])
    broken = conflict("numpy", Cause.ROOT, (asked,), packages=["they conflict"])
    return failure(evolve(broken, missing=missing))


def missing_compiler() -> Failure:
    asked = demand("vllm", ["0.33.0"], "gcc>=99", there=["16"])
    wanted = evolve(asked.requirement, component=component("toolchain:gcc"))
    asked = evolve(asked, requirement=wanted)
    return failure(conflict("toolchain:gcc", Cause.NO_SUCH_VERSION, (asked,)))


def forbidden() -> Failure:
    asked = demand("vllm", ["0.33.0"], "closed>=1", there=["1.0"])
    return failure(conflict("closed", Cause.FORBIDDEN, (asked,)))


@pytest.mark.parametrize(
    ("what", "command", "expected"),
    [
        (missing_numba(), OFFLINE, "streamsolve plan vllm --base f45 --variant cuda --fresh"),
        (missing_numba(), ASKED_WHY, "streamsolve profile refresh vllm"),
        (
            missing_numba(),
            FRESH,
            "look for releases of vllm 0.33.0 that state something else, or plan another version "
            "of vllm with --app-version.",
        ),
        (
            failure(*missing_numba().conflicts, *protobuf_conflict().conflicts),
            FRESH,
            f"{FRESH} --relax vllm:numba==0.65.0 --relax 'grpcio:protobuf<7'",
        ),
        (missing_numba(), Command(("streamsolve", "held-back", "vllm")), "state something else."),
        (
            missing_compiler(),
            TYPED,
            "with another gcc (toolchain), --repo NAME=URL, or state one in the profile.",
        ),
        (of_the_base(), TYPED, "streamsolve base list names those that are known."),
        (forbidden(), TYPED, "decide in the profile's [policy] what may be used."),
    ],
)
def test_where_no_change_was_found_there_is_a_next_step(
    what: Failure, command: Command, expected: str
):
    assert what_to_do(what, command).endswith(expected)


def test_a_repository_that_may_help_is_the_next_step_where_something_is_missing():
    what = of_the_base("libgfortran.so.5")
    assert what_to_do(what, TYPED) == ""
    assert "--repo NAME=URL" in screen(what)


def test_all_conflicts_are_numbered():
    both = failure(*missing_numba().conflicts, *protobuf_conflict().conflicts)
    text = screen(both)
    assert ": 2 independent conflicts." in text
    assert "\n1. No such version of numba" in text
    assert "\n2. The demands on protobuf" in text


def test_the_repairs_keep_their_rank_and_say_what_to_type():
    repairs = (
        Repair(RepairKind.VARIANT, "cpu", private=30, cost=120),
        Repair(RepairKind.BASE, "fedora-44", private=1, cost=60),
        Repair(RepairKind.PYTHON, "3.13", private=90, cost=600),
        Repair(RepairKind.APPLICATION, "0.32.0", private=91, cost=660),
        Repair(RepairKind.RELAX, "numba==0.65.0", private=92, cost=720, by="vllm"),
    )
    text = screen(failure(*missing_numba().conflicts, repairs=repairs))
    menu = text[text.index("What would help") :].splitlines()
    assert menu == [
        "What would help (each change was solved again before it is shown):",
        "1. Build the variant cpu (30 private streams, about 2 h)",
        "     streamsolve plan vllm --base f45 --variant cpu",
        "2. Ship on fedora-44 instead of fedora-45 (1 private stream, about 1 h)",
        "     streamsolve plan vllm --base fedora-44 --variant cuda",
        "3. Use Python 3.13 (90 private streams, about 10 h)",
        "     streamsolve plan vllm --base f45 --variant cuda --python 3.13",
        "4. Ship vllm 0.32.0 instead of 0.33.0 (91 private streams, about 11 h)",
        "     streamsolve plan vllm --base f45 --variant cuda --app-version 0.32.0",
        "5. Relax numba==0.65.0, which vllm states (92 private streams, about 12 h)",
        "     streamsolve plan vllm --base f45 --variant cuda --relax vllm:numba==0.65.0",
    ]


def test_a_python_that_was_asked_for_is_given_up_by_leaving_the_option_out():
    repair = Repair(RepairKind.PYTHON, "any", private=1, cost=1)
    asked_for = TYPED.with_option("--python", "3.12")
    text, step = repair_step(repair, failure(), asked_for)
    assert (text, step) == ("Leave the choice of Python open", TYPED)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_width_is_kept(width: int):
    both = failure(*missing_numba().conflicts, *protobuf_conflict().conflicts)
    assert [line for line in screen(both, width).splitlines() if len(line) > width] == []


def test_without_unicode_it_is_ascii():
    text = screen(protobuf_conflict(), ascii_only=True)
    assert text.isascii()
    assert "-> grpcio 1.70-1.72 (3 versions) needs protobuf<7" in text
