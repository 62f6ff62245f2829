"""Module streams in plans: which are active, what a plan says of them, and what locks keep."""

from __future__ import annotations

import configparser
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsolve.cli.mock_options import MockOptions, mock_settings
from streamsolve.emit import emit_mock
from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.inputs.bases import parse_overlay
from streamsolve.inputs.settings import load_settings
from streamsolve.library import load_base
from streamsolve.lock import lock_text, read_lock
from streamsolve.model.component import Component, Kind, Origin
from streamsolve.model.module_filter import ActiveModule, ModuleReason
from streamsolve.model.modules import ModuleDefaults, ModuleIndex, ModuleStream
from streamsolve.planner.locking import diff_files
from streamsolve.planner.module_streams import NO_MODULES, activate, chosen_modules

from .commandworld import CommandWorld
from .lockworld import small_plan, small_settings
from .mock_reader import configuration
from .moduleworld import built, working_sets
from .smallworld import dist, package
from .test_module_streams_dnf import DEFAULT, stream


def index(*streams: ModuleStream, **defaults: str) -> ModuleIndex:
    recommended = tuple(ModuleDefaults(name, of) for name, of in sorted(defaults.items()))
    return ModuleIndex(tuple(sorted(streams)), recommended)


def active(known: ModuleIndex, *chosen: str) -> dict[str, str]:
    """Each active stream, with why: ``{"a:1": "chosen", "b:2": "required by a:1"}``."""
    return {
        one.spelled: one.reason.value + (f" by {one.by}" if one.by else "")
        for one in activate(known, chosen).active
    }


def refused(known: ModuleIndex, *chosen: str) -> str:
    with pytest.raises(InputError) as caught:
        activate(known, chosen)
    assert caught.value.code is Code.UNKNOWN_MODULE
    errors = caught.value.errors if isinstance(caught.value, InputErrors) else (caught.value,)
    return "; ".join(f"{each.message} [{each.hint}]" for each in errors)


# -- which streams are active ----------------------------------------------------------------------


def test_nothing_is_active_that_nobody_chose_or_recommends() -> None:
    assert active(index(built("a", "1"), built("b", "1"))) == {}


def test_a_recommended_stream_is_active_until_another_is_chosen() -> None:
    known = index(built("a", "1"), built("a", "2"), a="2")
    assert active(known) == {"a:2": "default"}
    assert active(known, "a:1") == {"a:1": "chosen"}


def test_what_a_chosen_stream_requires_is_chosen_with_it_two_levels_down() -> None:
    known = index(
        built("a", "1", {"b": ["2"]}), built("b", "1"), built("b", "2", {"c": []}), built("c", "7")
    )
    assert active(known, "a:1") == {
        "a:1": "chosen",
        "b:2": "required by a:1",
        "c:7": "required by b:2",
    }


def test_several_streams_that_would_do_are_an_error_that_lists_them_newest_first() -> None:
    known = index(built("a", "1", {"b": ["1", "2", "10"]}), *(built("b", s) for s in ("1", "2")))
    assert refused(known, "a:1") == (
        "a:1 needs a stream of b, and 2 would do [choose one: --module b:2 or --module b:1]"
    )
    assert active(known, "a:1", "b:1") == {"a:1": "chosen", "b:1": "chosen"}


def test_a_recommended_stream_settles_what_would_be_ambiguous() -> None:
    known = index(built("a", "1", {"b": []}), built("b", "1"), built("b", "2"), b="1")
    assert active(known, "a:1") == {"a:1": "chosen", "b:1": "required by a:1"}


def test_a_recommended_stream_that_does_not_go_with_what_was_chosen_is_left_out() -> None:
    known = index(built("a", "1", {"b": ["1"]}), built("b", "1"), built("b", "2"), a="1")
    assert active(known, "b:2") == {"b:2": "chosen"}
    assert active(known) == {"a:1": "default", "b:1": "required by a:1"}


def test_streams_that_need_different_streams_of_a_third_cannot_be_chosen_together() -> None:
    known = index(
        built("a", "1", {"c": ["1"]}),
        built("b", "1", {"c": ["2"]}),
        built("c", "1"),
        built("c", "2"),
    )
    assert refused(known, "a:1", "b:1") == (
        "b:1 needs c 2, and a:1 needs c:1 "
        "[they cannot be used together: choose another stream of b or c]"
    )
    assert "b:1 needs c 2, and c:1 is chosen" in refused(known, "b:1", "c:1")


def test_of_several_contexts_the_one_that_fits_is_taken() -> None:
    known = index(
        built("a", "1", {"b": ["1"]}, context="old"),
        built("a", "1", {"b": ["2"]}, context="new"),
        built("b", "1"),
        built("b", "2"),
    )
    for wanted, context in (("b:1", "old"), ("b:2", "new")):
        found = activate(known, ["a:1", wanted]).active
        assert [one.context for one in found if one.name == "a"] == [context]


def test_the_platform_need_not_be_described_and_all_have_to_agree_on_it() -> None:
    known = index(
        built("a", "1", {"platform": ["el9"]}),
        built("b", "1", {"platform": ["el9", "el10"]}),
        built("c", "1", {"platform": ["el8"]}),
    )
    assert active(known, "a:1", "b:1") == {"a:1": "chosen", "b:1": "chosen"}
    assert "platform" in refused(known, "a:1", "c:1")


def test_all_faults_of_a_choice_are_told_at_once_with_the_nearest_names() -> None:
    known = index(built("nodejs", "18"), built("nodejs", "20"), built("php", "8.2"))
    told = refused(known, "nodesj:20", "nodejs:21", "php", "nodejs:18", "nodejs:20")
    assert told == (
        "the base has no module 'nodesj' [did you mean nodejs?]; "
        "nodejs has no stream '21' [did you mean 20 or 18?]; "
        "'php' says no stream of php [choose one: php:8.2]; "
        "nodejs:18 and nodejs:20 cannot both be chosen: a root has one stream of a module "
        "[leave one of them out]"
    )


def test_a_base_without_modules_costs_nothing_and_refuses_any_choice(shared: Path) -> None:
    base = load_base(str(shared / "data" / "fedora-45"), offline=True)
    assert chosen_modules(base, ()) is NO_MODULES
    with pytest.raises(InputError, match="fedora-45 has no module 'nodejs'"):
        chosen_modules(base, ("nodejs:20",))


@st.composite
def universes(draw: st.DrawFn) -> tuple[list[ModuleStream], str]:
    """Up to four modules of up to three streams, each of which needs some of the others."""
    names = "abcd"[: draw(st.integers(2, 4))]
    streams = []
    for name in names:
        for number in range(draw(st.integers(1, 3))):
            needs = {
                other: draw(st.lists(st.sampled_from("012"), max_size=2, unique=True))
                for other in names
                if other != name and draw(st.integers(0, 3)) == 0
            }
            streams.append(built(name, str(number), *([needs] if needs else [])))
    return streams, draw(st.sampled_from(sorted(f"{s.name}:{s.stream}" for s in streams)))


@given(universes())
@settings(max_examples=300, deadline=None)
def test_what_is_active_has_what_it_needs_and_what_is_refused_cannot_be(
    universe: tuple[list[ModuleStream], str],
) -> None:
    """Compared with all sets of streams in which each has what it needs."""
    streams, chosen = universe
    known = index(*streams)
    name, _, label = chosen.partition(":")
    possible = [
        {f"{n}:{s.stream}" for n, s in each.items()}
        for each in working_sets(streams, {})
        if name in each and each[name].stream == label
    ]
    try:
        found = set(active(known, chosen))
    except InputError as error:
        if "would do" not in str(error):
            assert possible == []
        return
    assert found in possible
    # Nothing is active that is not needed.
    assert not any(each < found for each in possible)


@given(universes(), st.randoms())
@settings(max_examples=50, deadline=None)
def test_the_order_in_which_modules_are_read_does_not_matter(
    universe: tuple[list[ModuleStream], str], random: object
) -> None:
    streams, chosen = universe
    mixed = list(streams)
    random.shuffle(mixed)  # type: ignore[attr-defined]

    def told(given: Sequence[ModuleStream]) -> object:
        try:
            return active(ModuleIndex(tuple(given)), chosen)
        except InputError as error:
            return str(error)

    assert told(streams) == told(mixed)


# -- in a plan -------------------------------------------------------------------------------------

NODE = """
[[component]]
component = "package:node"
packages = ["nodejs"]
[[native]]
component = "app"
requires = ["nodejs"]
"""


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandWorld:
    """An application that needs Node.js 20, on a base with 16, and 20 and 22 in a module."""
    made = CommandWorld(tmp_path, monkeypatch, capsys)
    made.has(package("nodejs", "16"))
    for number in ("20", "22"):
        of_module = package("nodejs", number, requires=["node-libs"])
        made.packages[f"nodejs {number}"] = evolve(of_module, size=100)
    made.has(package("node-libs", "1"))
    made.modules = "".join(
        stream("nodejs", number, f"nodejs-0:{number}-1.fc0.noarch") for number in ("20", "22")
    ) + stream("extra", "1", "node-libs-0:1-1.fc0.noarch")
    made.release("app", "1")
    made.more = 'needs = ["package:node >=20"]\n' + NODE
    return made


PLAN = ("plan", "app.toml", "--base", "./base")
BOTH = ("--module", "nodejs:20", "--module", "extra:1")


def test_packages_of_a_module_are_hidden_until_its_stream_is_chosen(world: CommandWorld) -> None:
    ran = world.run(*PLAN)
    assert ran.code == 3
    assert ran.says("Neither the base nor the profile has such a version of node (package).")


def test_a_plan_with_a_module_stream_says_so(world: CommandWorld) -> None:
    ran = world.run(*PLAN, *BOTH)
    assert ran.code == 0, ran.out + ran.err
    assert ran.says(
        "packages of module streams are used: extra:1 (chosen) for node-libs; "
        "nodejs:20 (chosen) for nodejs"
    )


def test_a_repair_names_a_module_stream_and_was_solved(world: CommandWorld) -> None:
    """Without node-libs, which is in another module, nodejs is no repair alone."""
    alone = world.run(*PLAN, "--json")
    assert not [r for r in alone.document["repairs"] if r["kind"] == "module"]
    ran = world.run(*PLAN, "--module", "extra:1")
    assert ran.code == 3
    assert ran.says("Choose the module stream nodejs:22, which the base hides until it is chosen")
    assert ran.says("streamsolve plan app.toml --base ./base --module extra:1 --module nodejs:20")
    found = world.run(*PLAN, "--module", "extra:1", "--json").document["repairs"]
    assert [(r["kind"], r["value"]) for r in found] == [
        ("module", "nodejs:20"),
        ("module", "nodejs:22"),
    ]
    for each in found:
        again = world.run(*PLAN, "--module", "extra:1", "--module", each["value"])
        assert again.code == 0


def test_what_a_package_lacks_is_looked_for_in_modules_as_well(world: CommandWorld) -> None:
    ran = world.run(*PLAN, "--module", "nodejs:22", "--json")
    assert ran.code == 3
    assert ("module", "extra:1") in {(r["kind"], r["value"]) for r in ran.document["repairs"]}


def test_a_recommended_stream_is_used_and_told(world: CommandWorld) -> None:
    world.modules += DEFAULT.format(name="nodejs", stream="20")
    world.modules += DEFAULT.format(name="extra", stream="1")
    ran = world.run(*PLAN)
    assert ran.code == 0, ran.out + ran.err
    assert ran.says("nodejs:20 (which the base recommends) for nodejs")


def test_a_private_stream_that_a_hidden_module_has_is_offered_with_the_plan_that_was_made(
    world: CommandWorld,
) -> None:
    world.more = ""
    world.release("app", "1", "lib>=2", "six")
    world.release("lib", "2")
    world.release("six", "1")
    world.ships("lib", "1")
    world.packages["lib 2"] = evolve(dist("lib", "2"), size=100)
    world.packages["six 3"] = evolve(dist("six", "3", "lost"), size=100)
    world.modules = stream("lib", "2", "python3-lib-0:2-1.fc0.noarch")
    world.modules += stream("six", "3", "python3-six-0:3-1.fc0.noarch")
    ran = world.run(*PLAN, "--json")
    offered = [w["text"] for w in ran.document["warnings"] if w["code"] == "module-offer"]
    # six is there as well, and cannot be installed.
    assert offered == [
        "the base has lib in the module lib:2, which it hides: with --module lib:2 the plan has 2 "
        "private streams"
    ]
    again = world.run(*PLAN, "--module", "lib:2", "--json")
    assert again.document["summary"]["private"] == 2


def test_a_stream_that_was_chosen_for_nothing_is_told(world: CommandWorld) -> None:
    world.modules += stream("redis", "7", "redis-0:7-1.fc0.noarch")
    ran = world.run(*PLAN, *BOTH, "--module", "redis:7")
    assert ran.says("of the module redis:7, chosen, nothing is used")


def test_a_toolchain_of_a_module_counts_in_a_plan_without_its_builds(world: CommandWorld) -> None:
    """It lies in build roots alone."""
    node = '[[component]]\ncomponent = "toolchain:node"\npackages = ["nodejs"]\n'
    world.more = f'needs = ["toolchain:node >=20"]\n{node}'
    ran = world.run(*PLAN, *BOTH)
    assert ran.code == 0, ran.out + ran.err
    assert ran.says("packages of module streams are used: nodejs:20 (chosen) for nodejs")
    assert ran.says("of the module extra:1, chosen, nothing is used")
    assert not ran.says("of the module nodejs:20, chosen, nothing is used")


def test_an_overlay_without_its_word_is_hidden_by_a_module_and_with_it_is_not(
    world: CommandWorld,
) -> None:
    world.overlays["further"] = [package("nodejs", "24", requires=["node-libs"])]
    usual = world.run(*PLAN, *BOTH, "--repo", "further=./further", "--all")
    assert usual.code == 0
    assert "24" not in usual.out
    exempt = world.run(*PLAN, *BOTH, "--repo", "further=./further,module_hotfixes", "--json")
    streams = {s["component"]: s["version"] for s in exempt.document["streams"]}
    assert streams["node"] == "24"


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("nodesj:20", "has no module 'nodesj'"),
        ("nodejs:21", "nodejs has no stream '21'"),
        ("nodejs", "'nodejs' is no stream of a module"),
        ("{{7*7}}:1", "is no stream of a module"),
        ("nodejs:20\n[x]", "is no stream of a module"),
    ],
)
def test_a_wrong_stream_is_an_error_before_anything_is_planned(
    world: CommandWorld, module: str, words: str
) -> None:
    ran = world.run(*PLAN, "--module", module)
    assert ran.code == 2
    assert ran.says(words)


# -- in a lock -------------------------------------------------------------------------------------


def test_a_lock_keeps_the_modules_and_is_made_the_same_again(world: CommandWorld) -> None:
    path = world.lock(*BOTH)
    document = json.loads(path.read_text())
    assert document["settings"]["modules"] == ["extra:1", "nodejs:20"]
    assert [(m["name"], m["stream"], m["reason"]) for m in document["base"]["modules"]] == [
        ("extra", "1", "chosen"),
        ("nodejs", "20", "chosen"),
    ]
    lock = read_lock(path.read_text(), file=path.name)
    assert lock.settings.modules == ("extra:1", "nodejs:20")
    assert [module.spelled for module in lock.plan.modules] == ["extra:1", "nodejs:20"]
    where = ("--base", "./base", "--profile", "app.toml")
    assert world.run("check", path.name).code == 0
    assert world.run("verify", path.name, *where).code == 0
    ran = world.run("lock", "app.toml", "--check", path.name, "--base", "./base")
    assert ran.code == 0, ran.out + ran.err
    before = path.read_bytes()
    assert world.run("update", path.name, *where).code == 0
    assert path.read_bytes() == before


def test_a_lock_without_modules_says_nothing_of_them(world: CommandWorld) -> None:
    world.more = ""
    document = json.loads(world.lock().read_text())
    assert "modules" not in document["settings"]
    assert "modules" not in document["base"]


def test_a_module_stream_that_is_gone_makes_a_lock_fail(world: CommandWorld) -> None:
    path = world.lock(*BOTH)
    world.modules = world.modules.replace('stream: "20"', 'stream: "21"')
    ran = world.run("verify", path.name, "--base", "./base", "--profile", "app.toml")
    assert ran.code == 5
    assert ran.says("nodejs")


def test_another_stream_is_a_change_that_a_difference_tells(world: CommandWorld) -> None:
    old = world.lock(*BOTH, file="old.json")
    new = world.lock("--module", "nodejs:22", "--module", "extra:1", file="new.json")
    changes = {each.name: (each.old, each.new) for each in diff_files(old, new).settings}
    assert changes["modules"] == ("extra:1, nodejs:20", "extra:1, nodejs:22")


def test_mock_enables_the_streams_of_a_lock_that_are_not_recommended(tmp_path: Path) -> None:
    modules = (
        ActiveModule("extra", "1", ModuleReason.DEFAULT),
        ActiveModule("lib", "2", ModuleReason.REQUIRED, "nodejs:20", 3, "c0ffee"),
        ActiveModule("nodejs", "20", ModuleReason.CHOSEN),
    )
    text = lock_text(evolve(small_plan(), modules=modules), small_settings())
    lock = read_lock(text, file="app.lock.json")
    assert lock.plan.modules == modules
    given = MockOptions(
        standalone=True, modules=("disable:php",), keys=("nvidia=https://k.test/K",)
    )
    known = [("nvidia", "https://packages.test/cuda/,module_hotfixes")]
    options = mock_settings(lock, given, known, Path("app.lock.json"))
    files = emit_mock(lock.plan, options)
    for path in [path for path in files if path.endswith(".cfg")]:
        (tmp_path / "one.cfg").write_bytes(files[path])
        opened = configuration(tmp_path / "one.cfg", config_directory=tmp_path)
        assert opened["module_setup_commands"] == [
            ("enable", "lib:2"),
            ("enable", "nodejs:20"),
            ("disable", "php"),
        ]
        sections = configparser.ConfigParser(interpolation=None)
        sections.read_string(opened["dnf.conf"])
        assert sections["nvidia"]["module_hotfixes"] == "1"
        assert "module_hotfixes" not in sections["fedora"]


# -- settings --------------------------------------------------------------------------------------


def test_modules_are_a_setting_of_files_environment_and_options(tmp_path: Path) -> None:
    (tmp_path / "streamsolve.toml").write_text('modules = ["nodejs:20", "php:8.2"]\n')

    def found(environ: dict[str, str], *chosen: str) -> tuple[str, ...]:
        given = {"modules": chosen} if chosen else {}
        return load_settings(given, environ=environ, start=tmp_path).modules

    assert found({}) == ("nodejs:20", "php:8.2")
    assert found({"STREAMSOLVE_MODULES": "ruby:3.3 redis:7"}) == ("ruby:3.3", "redis:7")
    assert found({"STREAMSOLVE_MODULES": "ruby:3.3"}, "maven:3.8") == ("maven:3.8",)


def test_a_setting_that_is_no_module_stream_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "streamsolve.toml").write_text('\nmodules = ["nodejs"]\n')
    with pytest.raises(InputError, match="'nodejs' is no stream of a module"):
        load_settings({}, environ={}, start=tmp_path)


def test_an_overlay_says_that_no_module_hides_it() -> None:
    assert parse_overlay("a=https://x/y,module_hotfixes").module_hotfixes
    both = parse_overlay("a=https://x/y,priority=5,module_hotfixes")
    assert (both.location, both.priority, both.module_hotfixes) == ("https://x/y", 5, True)
    assert not parse_overlay("a=https://x/y,priority=5").module_hotfixes
    with pytest.raises(InputError):
        parse_overlay("a=https://x/y,priority=x,module_hotfixes")


# -- on the real base ------------------------------------------------------------------------------


def test_on_centos_stream_9_a_hidden_stream_of_node_is_a_solved_repair(
    world: CommandWorld, shared: Path
) -> None:
    world.more = 'needs = ["package:node >=20"]\n' + NODE
    base = str(shared / "data" / "centos-stream-9")
    world.release("app", "1")
    failed = world.run("plan", "app.toml", "--base", base, "--json")
    assert failed.code == 3
    offered = [r["value"] for r in failed.document["repairs"] if r["kind"] == "module"]
    assert "nodejs:20" in offered
    planned = world.run("plan", "app.toml", "--base", base, "--module", "nodejs:20", "--json")
    assert planned.code == 0
    (node,) = [s for s in planned.document["streams"] if s["component"] == "node"]
    assert (node["origin"], node["version"].partition(".")[0]) == (Origin.BASE.value, "20")
    assert Component(Kind.PACKAGE, "node").name == node["component"]
