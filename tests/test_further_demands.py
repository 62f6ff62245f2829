"""What is asked for on top of the application's own requirements: ``--with``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import permutations
from pathlib import Path
from random import Random

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.cli.options import read_demands
from streamsolve.explain import plan_schema
from streamsolve.explain.shared_document import shared_schema
from streamsolve.inputs.notation import read_requirement
from streamsolve.model.requirement import DEMANDED

from .commandworld import CommandWorld

BASE = ("--base", "./base")
PLACES = (*BASE, "--profile", "app.toml")


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandWorld:
    """An application that takes any six: the base has 1.16, and 1.17 needs idna."""
    made = CommandWorld(tmp_path, monkeypatch, capsys)
    made.ships("six", "1.16")
    made.release("six", "1.16")
    made.release("six", "1.17", "idna")
    made.release("idna", "3.1")
    made.release("spare", "2")
    made.release("app", "1", "six>=1", 'idna; extra == "names"')
    return made


def versions(document: dict[str, object]) -> dict[str, str]:
    streams = document["streams"]
    assert isinstance(streams, list)
    return {each["component"]: each["version"] for each in streams}


# -- how it is spelled -----------------------------------------------------------------------------

NAMES = st.sampled_from(["six", "jax[k8s,tpu]", "A.b_C", "accelerator:rocm", "toolchain:gcc"])
BOUNDS = st.sampled_from(["", "<7.3", " >= 1.0, <2", "==1.*", " !=3", "~= 2.1"])
MARKERS = st.sampled_from(["", '; python_version<"3.12"', " ; sys_platform == 'linux'"])
DIRECT = st.sampled_from(["six @ https://example.org/six.zip ; os_name == 'posix'"])
TEXTS = DIRECT | st.builds(
    lambda name, bound, marker: f"{name}{bound}{'' if ':' in name else marker}",
    NAMES,
    BOUNDS,
    MARKERS,
)


@given(st.lists(TEXTS, max_size=6), st.randoms(use_true_random=False))
def test_one_spelling_says_the_same_and_is_read_again_as_itself(
    texts: list[str], random: Random
) -> None:
    found = read_demands(texts)
    assert read_demands(found) == found
    assert read_demands(random.sample(texts, len(texts)) + texts) == found

    def meaning(written: Iterable[str]) -> set[tuple[object, ...]]:
        read = (read_requirement(text, DEMANDED) for text in written)
        return {(r.component, str(r.specifier), r.extras, r.marker, r.url) for r in read}

    assert meaning(found) == meaning(texts)


# -- what is planned -------------------------------------------------------------------------------


def test_the_plan_meets_what_is_asked_for_and_says_so(world: CommandWorld) -> None:
    plain = world.run("plan", "app.toml", *BASE, "--json").document
    assert (versions(plain)["six"], "demands" in plain) == ("1.16", False)
    asked = ("--with", "six >= 1.17", "--with", "spare")
    found = world.run("plan", "app.toml", *BASE, *asked, "--json").document
    assert versions(found)["six"] == "1.17"
    assert versions(found)["spare"] == "2"
    assert found["demands"] == ["six>=1.17", "spare"]
    jsonschema.validate(found, plan_schema())
    ran = world.run("plan", "app.toml", *BASE, *asked)
    assert ran.says("also asked: six>=1.17, spare (--with)", "you asked for >=1.17")


def test_an_extra_of_the_application_can_be_asked_for(world: CommandWorld) -> None:
    assert "idna" not in versions(world.run("plan", "app.toml", *BASE, "--json").document)
    found = world.run("plan", "app.toml", *BASE, "--with", "app[names]", "--json").document
    assert versions(found)["idna"] == "3.1"


def test_python_means_the_interpreter(world: CommandWorld) -> None:
    ran = world.run("plan", "app.toml", *BASE, "--with", "python>=3.15")
    assert ran.code == 3
    assert ran.says("you ask for python>=3.15 (--with)")


def test_the_next_commands_ask_for_the_same(world: CommandWorld) -> None:
    ran = world.run("plan", "app.toml", *BASE, "--with", "six >=1.17")
    assert ran.says("--with 'six>=1.17' --all", "--with 'six>=1.17' --json")


def test_a_question_is_asked_of_the_plan_with_it(world: CommandWorld) -> None:
    words = ("why-not", "app.toml", "six<1.17", *BASE)
    assert world.run(*words).code == 0
    ran = world.run(*words, "--with", "six>=1.17")
    assert ran.code == 3
    assert ran.says("you ask for six<1.17", "you ask for six>=1.17 (--with)", "Leave out --with")


def test_what_holds_a_stream_back_may_be_what_was_asked_for(world: CommandWorld) -> None:
    world.release("spare", "3")
    ran = world.run("held-back", "app.toml", *BASE, "--with", "spare<3")
    assert ran.says("By what you ask for (1)", "spare 2 → 3: you ask for spare <3 (--with)")


def test_why_names_who_asked(world: CommandWorld) -> None:
    ran = world.run("why", "app.toml", "six", *BASE, "--with", "six>=1.17")
    assert ran.code == 0
    assert ran.says("1.17", "you")


def test_a_profile_does_not_weaken_what_is_asked_for(world: CommandWorld) -> None:
    world.more = '[[relax]]\ncomponent = "six"\nto = ""\nreason = "any will do"\n'
    found = world.run("plan", "app.toml", *BASE, "--with", "six>=1.17", "--json").document
    assert versions(found)["six"] == "1.17"


def test_what_the_profile_leaves_out_cannot_be_asked_for(world: CommandWorld) -> None:
    world.more = '[[omit]]\ncomponent = "spare"\nreason = "it is of no use"\n'
    ran = world.run("plan", "app.toml", *BASE, "--with", "spare")
    assert ran.code == 2
    assert ran.says("--with: spare: the profile leaves spare out: it is of no use", "[[omit]]")


def test_every_alternative_meets_it_too(world: CommandWorld) -> None:
    asked = ("--with", "six>=1.17", "--alternatives", "2", "--json")
    ran = world.run("plan", "app.toml", *BASE, *asked)
    assert ran.code == 0
    assert versions(ran.document["plan"])["six"] == "1.17"


def test_each_of_several_applications_has_it(world: CommandWorld) -> None:
    world.release("other", "1", "six")
    text = 'schema = "streamsolve.profile/1"\nname = "other"\nversion = "1"\n'
    text += 'default-variant = "only"\ndefault-base = "base"\n'
    path = world.directory / "other.toml"
    path.write_text(f'{text}[variants.only]\nrequirements = "wheel"\n', encoding="utf-8")
    words = ("plan", "app.toml", "other.toml", "--shared", *BASE, "--with", "six>=1.17")
    ran = world.run(*words)
    assert ran.code == 0
    assert ran.says("also asked: six>=1.17 (--with)")
    found = world.run(*words, "--json").document
    jsonschema.validate(found, shared_schema())
    assert found["demands"] == ["six>=1.17"]
    (one,) = found["sets"]
    six = next(each for each in one["streams"] if each["component"] == "six")
    assert (six["version"], six["used_by"]) == ("1.17", ["app:only", "other:only"])


# -- what cannot be --------------------------------------------------------------------------------


def test_a_demand_that_no_plan_meets_is_named_with_its_option_and_what_is_without_it(
    world: CommandWorld,
) -> None:
    ran = world.run("plan", "app.toml", *BASE, "--with", "idna", "--with", "six>=2")
    assert ran.code == 3
    assert ran.says(
        "you ask for six>=2 (--with)",
        "Leave out --with six>=2",
        "streamsolve plan app.toml --base ./base --with idna",
    )
    found = world.run("plan", "app.toml", *BASE, "--with", "six>=2", "--json")
    assert found.code == 3
    jsonschema.validate(found.document, plan_schema())
    repairs = [(each["kind"], each["value"]) for each in found.document["repairs"]]
    assert ("demand", "six>=2") in repairs


def test_a_demand_against_the_application_s_own_shows_both(world: CommandWorld) -> None:
    ran = world.run("plan", "app.toml", *BASE, "--with", "six<1")
    assert ran.code == 3
    assert ran.says("you ask for six<1 (--with)")
    world.release("six", "0.9")
    ran = world.run("plan", "app.toml", *BASE, "--with", "six<1")
    assert ran.says("you ask for six<1 (--with)", "app 1 needs six>=1")


def test_all_faults_are_told_at_once_with_their_place(world: CommandWorld) -> None:
    asked = ("--with", "six<", "--with", "gpu:cuda", "--with", "idna", "--with", "$(id)")
    ran = world.run("plan", "app.toml", *BASE, *asked)
    assert ran.code == 2
    assert ran.says(
        "SS105", "--with: 'six<' is not", "--with: unknown kind 'gpu'", "'$(id)' is not"
    )
    assert "idna" not in ran.err
    as_json = world.run("plan", "app.toml", *BASE, *asked, "--json").document
    assert [each["place"]["file"] for each in as_json["errors"]] == ["--with"] * 3


def test_what_a_base_s_extract_was_never_asked_for_is_not_taken_to_be_missing(
    world: CommandWorld,
) -> None:
    # What comes with the tool of Fedora 45 for JAX has numpy; hatchling only builds need.
    words = ("plan", "jax", "--base", "fedora-45", "--offline", "--with")
    ran = world.run(*words, "hatchling")
    assert ran.code == 2
    assert ran.says("SS603", "whether fedora-45 has hatchling", "is not known", "--base DIRECTORY")
    assert world.run(*words, "numpy>=2").code == 0


# -- locks -----------------------------------------------------------------------------------------

DEMANDS = ("six>=1.17", "app[names]", "spare")


def test_a_lock_does_not_depend_on_the_order_or_spelling_of_demands(world: CommandWorld) -> None:
    made = set()
    for order in permutations(DEMANDS):
        words = [word for text in order for word in ("--with", text.replace(">=", " >= "))]
        made.add(world.lock(*words, *words[:2]).read_bytes())
    (text,) = made
    assert json.loads(text)["settings"]["demands"] == sorted(DEMANDS)


def test_a_lock_is_made_again_with_what_was_asked_for(world: CommandWorld) -> None:
    path = str(world.lock("--with", "six>=1.17"))
    assert world.run("check", path).code == 0
    assert world.run("lock", "app.toml", "--check", path, *BASE).code == 0
    assert world.run("verify", path, *PLACES).code == 0
    assert world.run("update", path, *PLACES).says("Nothing changed")
    shown = world.run("plan", "--locked", path, *BASE)
    assert shown.says("also asked: six>=1.17 (--with)")
    assert world.run("plan", "--locked", path, *BASE, "--json").document["demands"] == ["six>=1.17"]
    world.release("six", "1.18", "idna")
    assert world.run("update", path, "--only", "six", *PLACES).code == 0
    found = json.loads(Path(path).read_text("utf-8"))
    assert found["settings"]["demands"] == ["six>=1.17"]
    assert {each["component"]: each.get("version") for each in found["streams"]}["six"] == "1.18"


def test_a_lock_whose_demand_is_met_no_more_is_told(world: CommandWorld) -> None:
    path = str(world.lock("--with", "spare"))
    world.withdraw("spare", "2")
    ran = world.run("lock", "app.toml", "--check", path, *BASE)
    assert ran.code == 3
    assert ran.says("you ask for spare (--with)")
    world.release("spare", "3")
    ran = world.run("lock", "app.toml", "--check", path, *BASE)
    assert ran.code == 5
    assert ran.says("spare")


def test_a_difference_says_that_a_lock_was_made_otherwise(world: CommandWorld) -> None:
    old = str(world.lock(file="old.json"))
    new = str(world.lock("--with", "spare", file="new.json"))
    assert world.run("diff", old, new).says("Made otherwise", "further demands", "spare")
    plans = []
    for more in ((), ("--with", "spare")):
        plans.append(str(world.directory / f"plan{len(more)}.json"))
        told = world.run("plan", "app.toml", *BASE, *more, "--json").out
        Path(plans[-1]).write_text(told, encoding="utf-8")
    assert world.run("diff", *plans).says("Made otherwise", "further demands", "spare")


@pytest.mark.parametrize(
    "words", [("plan", "--locked"), ("lock", "--check")], ids=lambda words: words[0]
)
def test_a_lock_to_look_at_takes_no_further_demand(
    world: CommandWorld, words: tuple[str, str]
) -> None:
    path = str(world.lock())
    ran = world.run(*words, path, "--with", "six")
    assert ran.code == 2
    assert ran.says("--with cannot be given together with a lock to look at")
