"""What the extracts that come with the tool were never asked for is not taken to be missing."""

from __future__ import annotations

import json
import re
from functools import cache as remember
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import jsonschema
import pytest
from packaging.version import InvalidVersion, Version

from streamsolve.explain import Command, failure_blocks, lay_out, plain, plan_schema
from streamsolve.explain.question_document import question_schema
from streamsolve.inputs.compression import open_stream
from streamsolve.inputs.embedded_base import write_extract
from streamsolve.model import Base, Repository, distribution
from streamsolve.model.conflict import Cause, Conflict, Demand, Unseen
from streamsolve.model.requirement import ASKED, parse_requirement
from streamsolve.planner import PlanRequest
from streamsolve.planner.planning import Workshop
from streamsolve.planner.reach import looked_up
from streamsolve.planner.refusal_causes import explained
from streamsolve.planner.upstream import Upstream

from .buildworld import interpreter
from .commandworld import CommandWorld
from .extracts import PROFILES
from .localindex import wheel
from .smallworld import SmallWorld, dist, package, profile, python, release

if TYPE_CHECKING:
    from streamsolve.planner.book import Book

EXTRACTS = sorted(PROFILES.glob("*/bases/*.jsonl"))
_PROVIDED = re.compile(rb'name="python3\.\d+dist\(([^)\[]+)\)"[^>]*? ver="([^"]*)"')
BASE = ("--base", "./base")
SHIPPED = ("--base", "fedora-45")


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandWorld:
    made = CommandWorld(tmp_path, monkeypatch, capsys)
    made.release("app", "1", "six")
    made.release("six", "1.17")
    return made


@remember
def shipped_by(directory: Path) -> frozenset[str]:
    """The distributions of a whole base, at a version that can be read, from its raw XML."""
    (primary,) = directory.glob("repodata/*primary.xml.zst")
    with open_stream(primary) as stream:
        text = stream.read()
    found = set()
    for name, version in _PROVIDED.findall(text):
        try:
            Version(version.decode().replace("~", ""))
        except InvalidVersion:
            continue
        found.add(name.decode())
    return frozenset(found)


# -- what was looked up ----------------------------------------------------------------------------


@pytest.mark.parametrize("extract", EXTRACTS, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_what_counts_as_looked_up_is_in_the_extract_if_the_whole_base_has_it(
    extract: Path, shared: Path, cache: Path
) -> None:
    name = extract.stem.removesuffix("-x86_64")
    with Workshop.open(PlanRequest(extract.parts[-3], base=name, offline=True)) as workshop:
        known = looked_up(workshop._offers, workshop.upstream.extract)
    assert bool(known) is (workshop.upstream.extract is not None)
    kept = set(re.findall(r"python3\.\d+dist\(([^)\[]+)\)", extract.read_text("utf-8")))
    whole = shipped_by(shared / "data" / name / "x86_64")
    assert (known & whole) - kept == set()


@pytest.mark.parametrize(
    "words",
    [
        # The extract of the index has it, for builds alone; Fedora ships it.
        ("plan", "jax", "--with", "hatchling"),
        ("why-not", "jax", "hatchling"),
        ("why", "jax", "hatchling", "--with", "hatchling"),
        ("held-back", "jax", "--with", "hatchling"),
        ("graph", "jax", "--with", "hatchling"),
        # It binds torchaudio where something else uses it.
        ("why-not", "pytorch", "torchaudio"),
    ],
    ids=" ".join,
)
def test_a_distribution_that_the_base_was_not_asked_for_is_not_said_to_be_missing(
    world: CommandWorld, words: tuple[str, ...]
) -> None:
    ran = world.run(*words, *SHIPPED, "--offline")
    assert ran.code == 2
    assert ran.says("SS603", "whether fedora-45 has", "is not known", "--base DIRECTORY", "--fresh")
    assert ran.says("without --offline")
    assert world.run(words[0], "--help").says("--fresh")


def test_that_it_is_not_known_has_a_code_of_its_own(world: CommandWorld) -> None:
    ran = world.run("why-not", "jax", "hatchling", *SHIPPED, "--offline", "--json")
    assert [each["code"] for each in ran.document["errors"]] == ["SS603"]


def test_a_name_of_the_index_that_the_base_was_not_asked_for_comes_first(
    world: CommandWorld,
) -> None:
    world.release("flask", "3", "blinker")
    world.release("blinker", "1")
    ran = world.run("why-not", "jax", "flask", *SHIPPED)
    assert ran.code == 2
    assert ran.says("whether fedora-45 has flask, blinker is not known", "flask leads further")
    assert not ran.says("without --offline")


def test_a_misspelt_name_is_answered_with_the_one_that_may_be_meant(world: CommandWorld) -> None:
    ran = world.run("why-not", "jax", "nunpy", *SHIPPED)
    assert ran.code == 2
    assert ran.says("whether fedora-45 has nunpy is not known", "did you mean numpy? Else ask")


def test_an_application_that_is_no_distribution_knows_of_none(world: CommandWorld) -> None:
    world.release("spare", "1")
    ran = world.run("why-not", "goose", "spare", *SHIPPED)
    assert ran.code == 2
    assert ran.says("whether fedora-45 has spare, python is not known")


def test_what_the_extracts_hold_is_answered_as_on_the_whole_base(world: CommandWorld) -> None:
    assert world.run("plan", "jax", *SHIPPED, "--offline", "--with", "numpy>=2").code == 0
    assert world.run("why-not", "jax", "scipy", *SHIPPED, "--offline").code == 0


_ENGINE = """\
needs = ["package:engine"]
[[component]]
component = "package:engine"
packages = ["engine"]
"""


def test_a_root_that_only_the_extract_cannot_install_is_to_be_asked_of_the_whole_base(
    world: CommandWorld,
) -> None:
    world.more = _ENGINE
    held = (*interpreter("3.14"), package("engine", "1", requires=("libgone",)))
    base = Base("small", "x86_64", "3.14", (Repository("os", "0" * 64, held),))
    extract = world.directory / "bases" / "small-x86_64.jsonl"
    extract.parent.mkdir()
    extract.write_text(write_extract(base), encoding="utf-8")
    ran = world.run("plan", "app.toml", "--base", "small")
    assert ran.code == 3
    assert ran.says(
        "No plan is known for app 1",
        "In what comes with the tool of the base: engine (package) cannot be installed",
        "streamsolve plan app.toml --base DIRECTORY",
        "streamsolve plan app.toml --base small --fresh",
    )
    found = world.run("plan", "app.toml", "--base", "small", "--json").document
    jsonschema.validate(found, plan_schema())
    assert [each["unseen"] for each in found["conflicts"]] == ["base"]
    world.has(held[-1])
    ran = world.run("plan", "app.toml", *BASE)
    assert ran.says("No plan exists for app 1", "1. engine (package) cannot be installed")


# -- what the index was not asked for --------------------------------------------------------------


def test_a_version_that_the_extract_lacks_may_be_on_the_index(world: CommandWorld) -> None:
    words = ("why-not", "jax", "numpy>=99", *SHIPPED)
    ran = world.run(*words, "--offline")
    assert ran.code == 3
    assert ran.says(
        "Whether numpy>=99 can be had is not known",
        "only the releases that come with the tool were looked at, not the package index",
        "ask the package index as well",
        "streamsolve why-not jax 'numpy>=99' --base fedora-45",
    )
    assert not ran.says("No such version")
    found = world.run(*words, "--offline", "--json").document
    jsonschema.validate(found, question_schema())
    assert [each["unseen"] for each in found["conflicts"]] == ["index"]
    assert (found["possible"], found["known"]) == (False, False)


def test_a_version_that_the_index_lacks_does_not_exist(world: CommandWorld) -> None:
    world.release("numpy", "2.5")
    words = ("why-not", "jax", "numpy>=99", *SHIPPED)
    ran = world.run(*words)
    assert ran.code == 3
    assert ran.says("No such version of numpy exists", "cannot be had")
    assert not ran.says("not known")
    document = world.run(*words, "--json").document
    assert "known" not in document
    assert all("unseen" not in each for each in document["conflicts"])


def test_a_plan_that_may_be_there_is_not_denied(world: CommandWorld) -> None:
    words = ("plan", "jax", *SHIPPED, "--offline", "--with", "numpy>=99")
    ran = world.run(*words)
    assert ran.code == 3
    assert ran.says("No plan is known for jax", "ask the package index as well")
    found = world.run(*words, "--json").document
    jsonschema.validate(found, plan_schema())
    assert [each["unseen"] for each in found["conflicts"]] == ["index"]


def test_what_an_extra_adds_that_the_extract_does_not_keep_is_not_known(
    world: CommandWorld,
) -> None:
    words = ("why-not", "vllm", "uvicorn[nonsense]", "--base", "fedora-44")
    ran = world.run(*words, "--offline")
    assert ran.code == 2
    assert ran.says("what uvicorn[nonsense] adds is not known", "without --offline")
    assert not ran.says("uvicorn[standard]")


def test_what_an_extra_adds_to_a_base_s_own_is_not_known_where_the_index_cannot_say() -> None:
    wanted = parse_requirement("six[more]", place=ASKED)
    there = (Version("1.16"),)
    demand = Demand(distribution("app"), (Version("1"),), wanted, there)
    conflict = Conflict(wanted.component, Cause.NO_SUCH_VERSION, ((demand,),))
    nothing = SimpleNamespace(base=SimpleNamespace(base=Base("b", "x86_64", "", ())), refused={})
    for offline, unseen in ((True, Unseen.INDEX), (False, None)):
        nothing.upstream = Upstream(None, None, offline=offline)
        nothing.profile = profile()
        (found,) = explained((conflict,), cast("Book", nothing))
        assert found.unseen is unseen


def test_a_conflict_with_the_base_s_own_is_not_known_where_the_index_was_not_asked(
    tmp_path: Path,
) -> None:
    world = SmallWorld(
        [python("3.14"), dist("c", "1")],
        [release("app", "1", "c", "d"), release("d", "1", python="<3.14"), release("c", "2")],
    )
    assert world.plan(tmp_path).python == "3.13"
    world.index.uncached.add("c")
    failure = world.failure(tmp_path)
    assert [each.unseen for each in failure.conflicts] == [Unseen.INDEX]
    text = plain(lay_out(failure_blocks(failure, Command(("streamsolve", "plan", "app"))), 400))
    assert "No plan is known for app 1" in text
    assert "Without the package index, which was not asked: " in text
    assert text.count("What to do") == 1


@pytest.mark.parametrize("version", ["0.1", "99"])
def test_a_version_of_the_application_that_nobody_looked_up_may_be_there(
    world: CommandWorld, version: str
) -> None:
    ran = world.run("plan", "jax", *SHIPPED, "--offline", "--app-version", version)
    assert ran.code == 2
    assert ran.says(f"whether there is jax {version} is not known", "without --offline")
    world.release("jax", "0.2")
    ran = world.run("plan", "jax", *SHIPPED, "--app-version", version)
    assert ran.code == 2
    assert ran.says(f"jax {version} is not on the package index", "newest releases:", "0.2")


@pytest.mark.parametrize(("version", "yanked"), [("2rc1", False), ("3", True)])
def test_a_version_of_the_application_is_there_even_where_nobody_should_take_it(
    world: CommandWorld, version: str, yanked: bool
) -> None:
    world.release("app", version, "six", yanked=yanked)
    words = ("plan", "app.toml", *BASE, "--app-version", version, "--json")
    assert world.run(*words).document["application"]["version"] == version


def test_that_nobody_lists_the_versions_of_an_application_is_told(world: CommandWorld) -> None:
    def told(*more: str) -> list[str]:
        words = ("plan", "llama-cpp", *SHIPPED, "--offline", "--json", *more)
        warnings = world.run(*words).document["warnings"]
        return [each["text"] for each in warnings if each["code"] == "version-not-looked-up"]

    assert told() == []
    (text,) = told("--app-version", "1.2")
    assert text.startswith("whether there is llama-cpp 1.2 was not looked up")


# -- what the profile does not describe ------------------------------------------------------------


@pytest.mark.parametrize(
    "words", [("jax", *SHIPPED, "--offline"), ("app.toml", *BASE)], ids=["extract", "whole"]
)
@pytest.mark.parametrize("wanted", ["package:zlib", "toolchain:rust"])
def test_what_no_rule_describes_is_not_said_to_be_missing(
    world: CommandWorld, words: tuple[str, ...], wanted: str
) -> None:
    ran = world.run("why-not", words[0], wanted, *words[1:])
    assert ran.code == 3
    assert ran.says(f"Whether {wanted} can be had is not known", "the profile does not say")
    assert ran.says(f"say in a [[component]] of the profile what {wanted} is")
    assert not ran.says("does not exist")
    found = world.run("why-not", words[0], wanted, *words[1:], "--json").document
    jsonschema.validate(found, question_schema())
    assert [each["unseen"] for each in found["conflicts"]] == ["profile"]


@pytest.mark.parametrize("wanted", ["toolchain:cmake>=99", "accelerator:cuda==99", "python>=4"])
def test_what_no_package_index_has_is_not_to_be_asked_of_it(
    world: CommandWorld, wanted: str
) -> None:
    ran = world.run("why-not", "vllm", wanted, "--base", "fedora-44", "--offline")
    assert ran.code == 3
    assert ran.says("Neither the base nor the profile has such a version of")
    assert ran.says("--repo NAME=URL") or wanted.startswith("python")
    assert not ran.says("ask the package index")


# -- what is there and cannot be used --------------------------------------------------------------


def test_releases_without_a_source_are_there_though_none_can_be_used(world: CommandWorld) -> None:
    for version in ("1.0", "2.0"):
        file = wheel("lone", version)
        world.files[file.filename] = file
    ran = world.run("why-not", "app.toml", "lone==9", *BASE)
    assert ran.code == 3
    assert ran.says("No such version of lone exists", "of lone there is 1.0, 2.0: none is ==9")
    ran = world.run("why-not", "app.toml", "lone<2", *BASE)
    assert ran.code == 3
    assert ran.says("lone exists", "what would fit of lone is refused", "publishes no source")
    assert ran.says("accept the wheel with [[prebuilt]]")
    assert not ran.says("no version is there")
    found = world.run("why-not", "app.toml", "lone<2", *BASE, "--json").document
    jsonschema.validate(found, question_schema())
    assert [each["refusal"] for each in found["conflicts"]] == ["no-source"]


def test_an_accepted_wheel_that_does_not_run_is_no_matter_of_policy(world: CommandWorld) -> None:
    world.more = '[[prebuilt]]\ncomponent = "lone"\nlicence = "MIT"\nreason = "it is needed"\n'
    file = wheel("lone", "1.0", tag="cp27-cp27m-win32")
    world.files[file.filename] = file
    ran = world.run("why-not", "app.toml", "lone", *BASE)
    assert ran.code == 3
    assert ran.says("lone exists, but nothing runs here of what would fit", "[[source]]")
    assert not ran.says("policy")


# -- what no choice can meet ----------------------------------------------------------------------


def test_an_extra_that_adds_nothing_may_be_misspelt(world: CommandWorld) -> None:
    world.release("app", "1", "six", 'idna; extra == "names"')
    world.release("idna", "3")
    for wanted, idle in (("app[nams]", ["nams"]), ("six[any]", ["any"]), ("app[names]", [])):
        words = ("why-not", "app.toml", wanted, *BASE)
        assert world.run(*words).says("misspelt") is bool(idle)
        found = world.run(*words, "--json").document
        jsonschema.validate(found, question_schema())
        assert found.get("idle_extras", []) == idle


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("", ["nothing is asked for"]),
        ("app==2", ["app==2: what is planned is app 1", "plan --app-version"]),
        ("six @ https://example.org/six.zip", ["no [[direct]] of the profile says", "six==1.0"]),
        ("spare", ["the profile leaves spare out: it is of no use", "[[omit]]"]),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(
    world: CommandWorld, wanted: str, words: list[str]
) -> None:
    world.more = '[[omit]]\ncomponent = "spare"\nreason = "it is of no use"\n'
    world.release("app", "2", "six")
    ran = world.run("why-not", "app.toml", wanted, *BASE)
    assert ran.code == 2
    assert ran.says("SS106", *words)


def test_all_demands_that_cannot_be_are_refused_at_once(world: CommandWorld) -> None:
    asked = ("--with", "app==2", "--with", "six @ https://example.org/six.zip")
    ran = world.run("plan", "app.toml", *BASE, *asked, "--json")
    assert ran.code == 2
    assert [each["place"]["file"] for each in ran.document["errors"]] == ["--with"] * 2


def test_an_application_that_requires_a_file_by_its_address_is_no_fault_of_the_tool(
    world: CommandWorld,
) -> None:
    world.release("app", "1", "six @ https://example.org/six.zip")
    ran = world.run("plan", "app.toml", *BASE)
    assert ran.code == 3
    assert ran.says("it requires a file by its address")


def test_a_component_of_another_kind_may_be_meant(world: CommandWorld) -> None:
    ran = world.run("why-not", "pytorch", "rocm", *SHIPPED, "--offline")
    assert ran.code == 2
    assert ran.says("did you mean accelerator:rocm? Else run it once without --offline")


def test_a_reason_that_is_a_sentence_ends_with_one_full_stop(world: CommandWorld) -> None:
    world.more = '[[omit]]\ncomponent = "six"\nreason = "It is of no use."\n'
    ran = world.run("why", "app.toml", "six", *BASE)
    assert ran.says("six is left out: It is of no use.")
    assert ".." not in ran.out


# -- what is not in the plan -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SIX", "python3-six", "six"])
def test_a_stream_is_found_however_its_name_is_written(world: CommandWorld, name: str) -> None:
    world.ships("six", "1.17")
    ran = world.run("why", "app.toml", name, *BASE)
    assert ran.code == 0
    assert ran.says("six 1.17 is base's own")
    document = world.run("why", "app.toml", name, *BASE, "--json").document
    assert document["stream"]["component"] == "six"


def test_who_asks_why_of_what_is_not_in_the_plan_learns_what_to_ask(world: CommandWorld) -> None:
    ran = world.run("why", "app.toml", "wholly-different", *BASE)
    assert ran.code == 2
    assert ran.says("wholly-different is not in the plan", "`why-not` says", "--builds shows")
    assert not ran.says("did you mean")
    ran = world.run("why", "app.toml", "sixx", *BASE, "--json")
    assert "did you mean six?" in json.dumps(ran.document)
