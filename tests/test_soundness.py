"""Worlds in which a careless planner goes wrong: each was a real mistake or nearly one."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamsolve.model import Origin
from streamsolve.model.conflict import Cause
from streamsolve.model.plan import ReasonKind

from .smallworld import SmallWorld, dist, package, profile, python, release
from .test_planner import stream

LIBRARY = package(
    "python3-numpy",
    "2.5",
    provides=["python3.14dist(numpy) = 2.5", "libnp.so"],
    requires=["python(abi) = 3.14"],
)


def test_a_refusal_blames_what_hides_a_provider_too(tmp_path: Path) -> None:
    """foo of the base needs libnp.so, which only the base's numpy has; bar refuses that numpy."""
    world = SmallWorld(
        [
            python("3.14"),
            LIBRARY,
            dist("foo", "1", "libnp.so"),
            dist("bar", "1", "python3.14dist(numpy) < 2.5"),
        ],
        [
            release("app", "1", "foo", "numpy", "bar"),
            release("numpy", "2.4"),
            release("bar", "1"),
        ],
        profile("[costs.minutes]\nnumpy = 4\nbar = 5\n"),
    )
    plan = world.plan(tmp_path)
    assert plan.summary.cost == 1 + 5
    assert stream(plan, "numpy").origin is Origin.BASE


def test_a_refusal_of_the_application_itself_is_no_dead_end(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14"), LIBRARY],
        [release("app", "1", "numpy", "other"), release("numpy", "2.4"), release("other", "1")],
        profile('[[native]]\ncomponent = "app"\nrequires = ["libnp.so"]\n'),
    )
    assert stream(world.plan(tmp_path), "numpy").origin is Origin.BASE


def test_a_refusal_depends_on_the_interpreter(tmp_path: Path) -> None:
    """The package is python3-foo only under the base's interpreter."""
    world = SmallWorld(
        [python("3.14"), package("bar", conflicts=["python3-foo"])],
        [release("app", "1", "foo"), release("foo", "1")],
        profile(
            '[[component]]\ncomponent = "package:bar"\npackages = ["bar"]\n',
            needs='["package:bar"]',
        ),
    )
    assert world.plan(tmp_path).python != "3.14"


@pytest.mark.parametrize(("wanted", "other"), [("boto", "boto3"), ("markdown", "markdown2")])
def test_a_number_in_a_name_does_not_make_a_compat_package(
    tmp_path: Path, wanted: str, other: str
) -> None:
    world = SmallWorld(
        [python("3.14"), dist(other, "2.5")],
        [release("app", "1", wanted, other), release(wanted, "3.9"), release(other, "2.5")],
    )
    plan = world.plan(tmp_path)
    assert stream(plan, wanted).origin is Origin.PRIVATE
    assert stream(plan, other).reason.kind is ReasonKind.BASE_FITS


def test_a_name_that_ends_in_a_number_is_a_distribution_like_any_other(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14"), dist("h11", "0.16.0")],
        [release("app", "1", "h11<0.15"), release("h11", "0.14.0")],
    )
    h11 = stream(world.plan(tmp_path), "h11")
    assert (h11.reason.kind, h11.reason.base_version) == (ReasonKind.BASE_CONFLICT, "0.16.0")


def test_one_package_of_two_distributions_does_not_give_its_name_to_both(tmp_path: Path) -> None:
    both = package(
        "python3-foo",
        "1",
        provides=["python3.14dist(foo) = 1", "python3.14dist(bar) = 1"],
        requires=["python(abi) = 3.14"],
    )
    world = SmallWorld(
        [python("3.14"), both],
        [release("app", "1", "foo>=2", "bar>=2"), release("foo", "2"), release("bar", "2")],
    )
    plan = world.plan(tmp_path)
    assert {stream(plan, name).package for name in ("foo", "bar")} == {
        "python3-foo",
        "python3-bar",
    }


DIRECT = '[[direct]]\ncomponent = "foo"\nversion = "9"\npurl = "pkg:generic/foo@9"\n'


def test_a_direct_reference_binds_the_version_that_the_profile_names(tmp_path: Path) -> None:
    upstream = [
        release("app", "1", "foo @ https://example.org/foo-9.whl"),
        release("foo", "1"),
        release("foo", "9"),
    ]
    base = [python("3.14"), dist("foo", "0.1")]
    plan = SmallWorld(base, upstream, profile(DIRECT)).plan(tmp_path)
    assert str(stream(plan, "foo").version) == "9"
    (conflict,) = SmallWorld(base, upstream).failure(tmp_path).conflicts
    assert conflict.cause is Cause.FORBIDDEN
    assert "[[direct]]" in conflict.packages[0]


def test_a_pre_release_that_is_asked_for_is_taken(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14")],
        [release("app", "1", "foo>=2.0rc1"), release("foo", "1.0"), release("foo", "2.0rc1")],
    )
    assert str(stream(world.plan(tmp_path), "foo").version) == "2.0rc1"


def test_the_base_s_interpreter_has_a_patch_number(tmp_path: Path) -> None:
    base = [package("python3", "3.14.2", provides=["python(abi) = 3.14"])]
    world = SmallWorld(base, [release("app", "1", "foo"), release("foo", "1", python=">=3.14.1")])
    plan = world.plan(tmp_path)
    assert (plan.python, str(stream(plan, "python").version)) == ("3.14", "3.14.2")


def test_a_private_interpreter_is_the_newest_patch_release_of_its_series(tmp_path: Path) -> None:
    world = SmallWorld([python("3.14")], [release("app", "1", python=">=3.13.1,<3.14")])
    assert world.plan(tmp_path).python == "3.13"


def test_the_base_s_other_interpreters_are_streams_of_the_base(tmp_path: Path) -> None:
    other = package("python3.12", "3.12.5", provides=["python(abi) = 3.12"])
    world = SmallWorld(
        [
            package("python3", "3.9.18", provides=["python(abi) = 3.9"]),
            other,
            dist("six", "1.16.0", series="3.12", rpm="python3.12-six"),
        ],
        [release("app", "1", "six", python=">=3.11"), release("six", "1.16.0")],
    )
    plan = world.plan(tmp_path)
    assert (plan.python, stream(plan, "python").origin) == ("3.12", Origin.BASE)
    assert stream(plan, "six").package == "python3.12-six"


def test_two_streams_of_a_component_never_share_a_root(tmp_path: Path) -> None:
    world = SmallWorld(
        [
            python("3.15"),
            dist("setuptools", "83.0", series="3.15"),
            dist(
                "setuptools80",
                "80.1",
                series="3.15",
                rpm="python3-setuptools80",
                conflicts=["python3-setuptools < 80"],
            ),
            dist("tool", "1", "python3-setuptools", series="3.15"),
        ],
        [
            release("app", "1", "setuptools<81", "tool"),
            release("setuptools", "80.1"),
            release("tool", "1"),
        ],
    )
    names = {nevra.rsplit("-", 2)[0] for nevra in world.plan(tmp_path).runtime_packages}
    assert not {"python3-setuptools", "python3-setuptools80"} <= names


def test_only_what_was_chosen_is_shown_as_relaxed(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14"), dist("certifi", "2026.1.4")],
        [
            release("app", "1", "foo<2"),
            release("foo", "1", "certifi"),
            release("foo", "2", "certifi>=2027"),
        ],
        profile('[[relax]]\ncomponent = "certifi"\nto = ""\nreason = "a test"\n'),
    )
    assert world.plan(tmp_path).relaxed == ()


@pytest.mark.parametrize("spelled", ["my_extra", "My.Extra", "my-extra"])
def test_extras_are_the_same_however_they_are_spelled(tmp_path: Path, spelled: str) -> None:
    world = SmallWorld(
        [python("3.14"), dist("foo", "1")],
        [
            release("app", "1", f"foo[{spelled}]", "bar"),
            release("bar", "1", f"foo[{spelled}]"),
            release("foo", "1", 'part; extra == "my-extra"', extras=("my-extra",)),
            release("part", "1"),
        ],
    )
    plan = world.plan(tmp_path)
    assert stream(plan, "foo").origin is Origin.BASE
    assert stream(plan, "part").origin is Origin.PRIVATE


def test_a_private_package_provides_its_extras_in_every_spelling(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14")],
        [
            release("app", "1", "foo[my_extra]", "bar"),
            release("bar", "1", "foo[my.extra]"),
            release("foo", "1", 'part; extra == "my-extra"', extras=("my-extra",)),
            release("part", "1"),
        ],
    )
    assert stream(world.plan(tmp_path), "part").origin is Origin.PRIVATE


def test_an_extra_that_upstream_does_not_know_adds_nothing(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14"), dist("foo", "1")],
        [release("app", "1", "foo[nope]"), release("foo", "1")],
    )
    assert stream(world.plan(tmp_path), "foo").origin is Origin.BASE


def test_one_release_with_odd_metadata_is_passed_over(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14")],
        [
            release("app", "1", "foo"),
            release("foo", "1"),
            release("foo", "2", python="3.6"),
            release("foo", "3", "pytz (>dev)"),
        ],
    )
    assert str(stream(world.plan(tmp_path), "foo").version) == "1"


def test_a_wheel_for_an_older_python_3_that_is_pure_runs(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14")],
        [
            release("app", "1", "blob"),
            release("blob", "1", sdist=False, wheels=("py311-none-any", "odd")),
        ],
        profile('[[prebuilt]]\ncomponent = "blob"\nlicence = "MIT"\nreason = "a test"\n'),
    )
    assert world.plan(tmp_path).python == "3.14"


def test_a_relaxation_that_matches_nothing_is_told(tmp_path: Path) -> None:
    world = SmallWorld([python("3.14")], [release("app", "1", "a<3"), release("a", "2")])
    with world._workshop(tmp_path, {"relaxed": (("app", "a", "<4"),)}) as workshop:
        plan = workshop.attempt(workshop.request).plan
    assert plan is not None
    (notice,) = [w for w in plan.warnings if w.code == "relax-unused"]
    assert "app:a<4 matches nothing; it is stated as app a<3" in notice.text


def test_what_rpm_cannot_tell_apart_is_told(tmp_path: Path) -> None:
    text = '[variants.only.local]\ntorch = "cpu"\n'
    world = SmallWorld(
        [python("3.14")],
        [release("app", "1", "torch==2.14.0+cpu"), release("torch", "2.14.0")],
        profile(text),
    )
    (notice,) = [w for w in world.plan(tmp_path).warnings if w.code == "same-to-rpm"]
    assert "torch 2.14.0+cpu from 2.14.0" in notice.text


def test_offline_the_base_is_enough(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14"), dist("six", "1.17.0")], [release("app", "1", "six"), release("six", "1")]
    )
    world.index.uncached = {"six"}
    assert stream(world.plan(tmp_path), "six").origin is Origin.BASE
