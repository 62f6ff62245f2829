"""What the profiles of several applications say of one component, and what sharing it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamsolve.explain.markup import lay_out, plain
from streamsolve.explain.shared_text import shared_blocks
from streamsolve.model.component import distribution
from streamsolve.model.shared import ApartKind, DifferenceKind, SharedPlan, StreamSet

from .sharedworld import App, SharedWorld

_SOURCE = '[[source]]\ncomponent = "lib"\npurl = "pkg:github/{}/lib@{{version}}"\n'
_EXTERNAL = """\
[[external]]
component = "lib"
package = "their-lib"
repository = "theirs"
licence = "MIT"
"""


def versions(one: StreamSet) -> dict[str, str]:
    """The private streams of a set, by name."""
    return {str(stream.component): str(stream.version) for stream in one.private}


def text_of(shared: SharedPlan) -> str:
    return " ".join(plain(lay_out(shared_blocks(shared), 100)).split())


def test_what_an_application_can_do_without_is_no_contradiction(tmp_path: Path) -> None:
    """Alone ``one`` uses the newest mid, and lib for it; with an older mid it needs no lib, which
    ``two`` builds with a label."""
    one, two = App("one", ("mid",)), App("two", ("lib",), labels={"lib": "cpu"})
    world = SharedWorld((one, two), {"mid": {"1": (), "2": ("lib",)}, "lib": {"1": ()}})
    (only,) = world.plan(tmp_path).sets
    assert versions(only) == {"lib": "1+cpu", "mid": "1", "one": "1", "two": "1"}
    assert only.users[distribution("lib")] == ("two:only",)


@pytest.mark.parametrize(
    ("one", "two", "rule"),
    [
        (App("one", ("mid",)), App("two", ("lib", "mid<2"), labels={"lib": "cpu"}), "label"),
        (
            App("one", ("mid",), more=_SOURCE.format("a")),
            App("two", ("lib", "mid<2"), more=_SOURCE.format("b")),
            "source",
        ),
    ],
)
def test_what_contradicts_itself_only_together_is_seen_together(
    one: App, two: App, rule: str, tmp_path: Path
) -> None:
    """Alone ``one`` uses a mid without lib; ``two`` needs the mid that has it, and builds lib in
    another way."""
    releases = {"mid": {"1": ("lib",), "2": ()}, "lib": {"1": ()}}
    shared = SharedWorld((one, two), releases).plan(tmp_path)
    assert [each.applications for each in shared.sets] == [("one:only",), ("two:only",)]
    (apart,) = shared.apart
    assert apart.kind is ApartKind.RULES
    (contradiction,) = apart.contradictions
    assert (contradiction.component, contradiction.rule) == (distribution("lib"), rule)
    assert shared.fewest


def test_what_the_base_has_built_is_built_by_nobody(tmp_path: Path) -> None:
    one, two = App("one", ("lib",)), App("two", ("lib",), labels={"lib": "cpu"})
    releases = {"lib": {"1": (), "2": ()}}
    (only,) = SharedWorld((one, two), releases, {"lib": "1"}).plan(tmp_path).sets
    assert versions(only) == {"one": "1", "two": "1"}
    newer = (App("one", ("lib>1",)), two)
    assert len(SharedWorld(newer, releases, {"lib": "1"}).plan(tmp_path).sets) == 2


@pytest.mark.parametrize("said", [{"labels": {"lib": "cpu"}}, {"more": _EXTERNAL}])
def test_a_word_on_what_an_application_does_not_use_changes_no_build_of_others(
    said: dict[str, object], tmp_path: Path
) -> None:
    one = App("one", ("other",), **said)  # type: ignore[arg-type]
    releases = {"lib": {"1": ()}, "other": {"1": ()}}
    (only,) = SharedWorld((one, App("two", ("lib",))), releases).plan(tmp_path).sets
    assert versions(only) == {"lib": "1", "one": "1", "other": "1", "two": "1"}


def test_what_is_made_otherwise_below_a_stream_makes_it_another(tmp_path: Path) -> None:
    """Only ``one`` says what lib is built with; top itself is made in one way."""
    build = '[[build]]\ncomponent = "lib"\nneeds = ["make"]\n'
    one = App("one", ("top", "key==1"), more=build)
    releases = {"top": {"1": ("lib",)}, "lib": {"1": ()}, "key": {"1": (), "2": ()}}
    shared = SharedWorld((one, App("two", ("top", "key==2"))), releases).plan(tmp_path)
    common = {str(each.component): each for each in shared.common}
    assert common["lib"].difference is not None
    assert common["lib"].difference.kind is DifferenceKind.RULES
    assert common["top"].difference is not None
    assert common["top"].difference.kind is DifferenceKind.BELOW
    assert common["top"].difference.below == (distribution("lib"),)


def test_one_set_may_cost_more_than_two_and_says_so(tmp_path: Path) -> None:
    """``two`` needs an interpreter for which the base ships nothing of what ``one`` needs."""
    one, two = App("one", ("x", "y")), App("two", (), python="<3.14")
    world = SharedWorld((one, two), {"x": {"1": ()}, "y": {"1": ()}}, {"x": "1", "y": "1"})
    shared = world.plan(tmp_path)
    assert len(shared.sets) == 1
    assert shared.cost == shared.alone + 2
    assert "so that being together costs 2 min more." in text_of(shared)


def test_a_set_that_needs_no_interpreter_has_none(tmp_path: Path) -> None:
    native = "package = '{}'\n[variants.only]\nrequirements = 'none'\n"
    apps = tuple(App(name, (), variants=native.format(name)) for name in ("one", "two"))
    shared = SharedWorld(apps, {}).plan(tmp_path)
    assert "set 1 one:only, two:only · 2 private streams, 0 of the base" in text_of(shared)
    assert "Python" not in text_of(shared)
