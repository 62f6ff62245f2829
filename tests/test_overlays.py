"""Overlays: whose packages win in the roots, what the plan says of it, and what falls back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import jsonschema
import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import streamsolve
from streamsolve.explain import Command, lay_out, plain, plan_blocks, plan_document
from streamsolve.explain.document import plan_schema
from streamsolve.inputs.bases import DEFAULT_BUILD_GROUP
from streamsolve.lock import lock_text, read_lock
from streamsolve.model import Package
from streamsolve.model.overlays import OverlayUse
from streamsolve.model.plan import Plan
from streamsolve.planner import PlanRequest, make_plan
from streamsolve.planner.overlays import with_fallbacks

from .buildworld import BuildWorld, Sdist, interpreter, root_of, sdist
from .localrepository import write_repository
from .lockworld import small_plan, small_settings
from .rpmmd import element, rpm
from .smallworld import dist, package, profile

SIG = "sig"


def world(
    base: Sequence[Package],
    overlay: Sequence[Package],
    *upstream: Sdist,
    needs: str = "[]",
    priority: int = 50,
    text: str = "",
) -> BuildWorld:
    return BuildWorld(
        [*interpreter("3.14"), *base],
        upstream,
        profile(text, needs=needs),
        overlays=[(SIG, overlay)],
        priorities={SIG: priority},
    )


def of(plan: Plan) -> OverlayUse:
    (use,) = plan.overlays
    return use


def told(plan: Plan, *, everything: bool = False) -> str:
    command = Command(("streamsolve", "plan", "app"), ())
    lines = plain(lay_out(plan_blocks(plan, command, everything=everything), 400))
    return "\n".join(line for line in lines.splitlines() if line)


def fallen_back(tmp_path: Path, there: BuildWorld) -> Plan:
    with there.workshop(tmp_path) as workshop:
        plan = workshop.attempt(workshop.request).plan
        assert plan is not None
        return with_fallbacks(workshop, workshop.request, plan)


# -- who wins --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("priority", "base", "overlay", "chosen"),
    [
        (50, "1.17", "1.16", "1.16"),
        (50, "1.16", "1.17", "1.17"),
        (99, "1.17", "1.16", "1.17"),
        (99, "1.16", "1.17", "1.17"),
    ],
    ids=["older", "newer", "older-of-equal-rank", "newer-of-equal-rank"],
)
def test_the_better_priority_wins_whatever_the_version(tmp_path, priority, base, overlay, chosen):
    plan = world(
        [dist("six", base)],
        [dist("six", overlay)],
        sdist("app", "1", "six", build="six"),
        priority=priority,
    ).plan(tmp_path)
    six = plan.stream("six")
    assert six is not None
    assert str(six.version) == chosen
    expected = f"python3-six-{chosen}-1.fc0.noarch"
    assert expected in plan.runtime_packages
    assert expected in {one.nevra for one in root_of(plan, "app@1").packages}


def test_a_package_of_the_base_that_alone_fits_is_used_and_the_plan_says_so(tmp_path):
    plan = world(
        [dist("six", "1.17")], [dist("six", "1.16")], sdist("app", "1", "six>=1.17", build="")
    ).plan(tmp_path)
    six = plan.stream("six")
    assert six is not None
    assert (str(six.version), six.repository, six.reason.kind.value) == (
        "1.17", "base", "base-fits",
    )  # fmt: skip
    (passed,) = of(plan).passed_over
    assert (passed.name, passed.evr, passed.base_evr, passed.runtime) == (
        "python3-six", "1.16-1.fc0", "1.17-1.fc0", True,
    )  # fmt: skip
    assert "does not fit: python3-six 1.16-1.fc0, so 1.17-1.fc0 of base" in told(plan)


def test_what_is_no_stream_is_replaced_in_the_runtime_root_and_in_build_roots(tmp_path):
    plan = world(
        [package("libfast", "9"), dist("six", "1.16", "libfast")],
        [package("libfast", "2"), package("gcc", "17", source="gcc")],
        sdist("app", "1", "six", build="six"),
    ).plan(tmp_path)
    (lib,) = [each for each in of(plan).packages if each.name == "libfast"]
    assert (lib.evr, lib.base_evr, lib.base_repository) == ("2-1.fc0", "9-1.fc0", "base")
    assert (lib.runtime, lib.build_roots) == (True, 1)
    assert "libfast-2-1.fc0.noarch" in plan.runtime_packages


def test_what_the_base_has_not_is_new(tmp_path):
    use = of(
        world(
            [dist("six", "1.16", "libfast")],
            [package("libfast")],
            sdist("app", "1", "six", build=""),
        ).plan(tmp_path)
    )
    assert [each.name for each in use.new] == ["libfast"]
    assert use.replaced == ()


def test_an_overlay_that_gives_nothing_is_named(tmp_path):
    plan = world(
        [dist("six", "1.16")], [package("unheard-of")], sdist("app", "1", "six", build="")
    ).plan(tmp_path)
    assert (of(plan).id, of(plan).packages) == (SIG, ())
    assert "Overlay sig (priority 50): none of its packages lies in a root." in told(plan)


def test_a_plan_without_overlays_says_nothing_of_them(tmp_path):
    plan = BuildWorld(interpreter("3.14"), [sdist("app", "1", build="")]).plan(tmp_path)
    assert plan.overlays == ()
    assert "overlays" not in plan_document(plan)
    assert "Overlay" not in told(plan)


COMPONENT = """
[[component]]
component = "package:engine"
packages = ["engine"]
"""


@pytest.mark.parametrize(("bound", "chosen"), [("", "6.18"), ("<6.15", "6.12"), (">6.15", "6.18")])
def test_a_component_is_taken_from_the_overlay_unless_only_the_bases_fits(tmp_path, bound, chosen):
    there = world(
        [package("engine", "6.12")],
        [package("engine", "6.18")],
        sdist("app", "1", build=""),
        needs=json.dumps([f"package:engine{bound}"]),
        text=COMPONENT,
    )
    engine = there.plan(tmp_path).stream("engine")
    assert engine is not None
    assert str(engine.version) == chosen


@pytest.mark.parametrize("priority", [20, 99])
@pytest.mark.parametrize(
    ("base", "overlay", "bound", "chosen"),
    [
        (("7.2",), ("6.12", "6.18", "8.0"), "<7", "6.18"),
        (("7.2",), ("6.12", "6.18", "8.0"), "<6.15", "6.12"),
        (("7.2",), ("6.12", "6.18", "8.0"), "", "8.0"),
        (("6.18", "7.2"), (), "<7", "6.18"),
        (("6.18", "7.2"), (), "", "7.2"),
    ],
)
def test_of_several_versions_in_one_repository_the_newest_that_fits_is_taken(
    tmp_path, base, overlay, bound, chosen, priority
):
    """A repository of kernels has more than one; the newest need not be the one that fits."""
    plan = world(
        [package("engine", each) for each in base],
        [package("engine", each) for each in overlay],
        sdist("app", "1", build=""),
        needs=json.dumps([f"package:engine{bound}"]),
        priority=priority,
        text=COMPONENT,
    ).plan(tmp_path)
    engine = plan.stream("engine")
    assert engine is not None
    assert (engine.origin.value, str(engine.version)) == ("base", chosen)
    assert f"engine-{chosen}-1.fc0.noarch" in plan.runtime_packages


# -- what falls back -------------------------------------------------------------------------------


def test_without_the_overlay_a_stream_becomes_private(tmp_path):
    plan = fallen_back(
        tmp_path,
        world(
            [],
            [dist("six", "1.17")],
            sdist("app", "1", "six>=1.17", build=""),
            sdist("six", "1.17", build=""),
        ),
    )
    without = of(plan).without
    assert without is not None
    (move,) = without.moves
    assert (str(move.component), move.before.origin.value, move.after.origin.value) == (
        "six", "base", "private",
    )  # fmt: skip
    assert without.private == plan.summary.private + 1
    assert "without sig: ~ six 1.17 (from the base) → 1.17 (private); 1 more" in told(plan)


def test_without_the_overlay_the_bases_packages_are_back(tmp_path):
    plan = fallen_back(
        tmp_path,
        world([dist("six", "1.16")], [dist("six", "1.17")], sdist("app", "1", "six", build="")),
    )
    text = told(plan)
    assert "wins: python3-six 1.17-1.fc0 (else 1.16-1.fc0 of base)" in text
    assert (
        "without sig: python3-six 1.16-1.fc0 of the base; ~ six 1.17 → 1.16; as many private "
        "streams." in text
    )


def test_without_the_overlay_there_may_be_no_plan_and_that_is_said(tmp_path):
    plan = fallen_back(
        tmp_path,
        world(
            [package("engine", "6.12")],
            [package("engine", "6.18")],
            sdist("app", "1", build=""),
            needs='["package:engine>6.15"]',
            text=COMPONENT,
        ),
    )
    without = of(plan).without
    assert without is not None
    assert not without.exists
    assert "without sig: no plan. Neither the base nor the profile has such a version" in told(plan)


def test_without_the_overlay_that_has_the_interpreter_there_is_no_plan(tmp_path):
    tools = interpreter("3.14")
    there = BuildWorld(
        [one for one in tools if not one.name.startswith("python3")],
        [sdist("app", "1", build="")],
        overlays=[(SIG, [one for one in tools if one.name.startswith("python3")])],
        priorities={SIG: 50},
    )
    without = of(fallen_back(tmp_path, there)).without
    assert without is not None
    assert not without.exists
    assert "python3" in without.fault


def test_an_overlay_that_gives_nothing_costs_no_further_plan(tmp_path):
    there = world(
        [dist("six", "1.16")], [package("unheard-of")], sdist("app", "1", "six", build="")
    )
    assert of(fallen_back(tmp_path, there)).without is None


# -- documents and locks ---------------------------------------------------------------------------


def test_the_document_has_overlays_as_its_schema_says(tmp_path):
    plan = fallen_back(
        tmp_path,
        world([dist("six", "1.16")], [dist("six", "1.17")], sdist("app", "1", "six", build="")),
    )
    document = json.loads(json.dumps(plan_document(plan)))
    jsonschema.validate(document, plan_schema())
    (use,) = document["overlays"]
    assert (use["id"], use["priority"], use["without"]["plan"]) == (SIG, 50, True)
    assert use["packages"] == [
        {
            "name": "python3-six",
            "arch": "noarch",
            "evr": "1.17-1.fc0",
            "base": {"evr": "1.16-1.fc0", "repository": "base"},
            "runtime": True,
            "build_roots": 0,
        }
    ]


def test_a_lock_holds_what_wins_and_gives_it_back(tmp_path):
    plan = world(
        [dist("six", "1.17"), package("libfast", "9")],
        [dist("six", "1.16"), package("libfast", "2")],
        sdist("app", "1", "six>=1.17", build=""),
        needs='["package:libfast"]',
        text='[[component]]\ncomponent = "package:libfast"\npackages = ["libfast"]\n',
    ).plan(tmp_path)
    assert of(plan).packages
    assert of(plan).passed_over
    made = evolve(small_settings(), overlays=(SIG,))
    text = lock_text(plan, made)
    back = read_lock(text, file="x").plan
    assert [(use.id, use.packages, use.passed_over) for use in back.overlays] == [
        (SIG, of(plan).packages, of(plan).passed_over)
    ]


def test_a_lock_without_overlays_has_no_such_key():
    assert '"passed_over"' not in lock_text(small_plan(), small_settings())
    assert "overlays" not in json.loads(lock_text(small_plan(), small_settings()))["base"]


# -- laws ------------------------------------------------------------------------------------------

VERSIONS = st.sampled_from(("1.0", "1.1", "2.0", "3.0"))


@given(
    base=st.sets(VERSIONS, min_size=1),
    overlay=st.sets(VERSIONS),
    bound=st.sampled_from(("", ">=1.1", "<2", ">=2", "<1.1")),
    priority=st.sampled_from((10, 99)),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_choice_is_the_best_priority_then_the_newest_of_what_fits(
    tmp_path, base, overlay, bound, priority
):
    """As dnf's documentation says it; the oracle is one line."""
    there = world(
        [dist("six", each) for each in sorted(base)],
        [dist("six", each) for each in sorted(overlay)],
        sdist("app", "1", f"six{bound}", build=""),
        sdist("six", "2.5", build=""),
        sdist("six", "1.5", build=""),
        sdist("six", "1.0", build=""),
        priority=priority,
    )
    plan = there.plan(tmp_path)
    fits = {
        "": lambda v: True,
        ">=1.1": lambda v: v >= "1.1",
        "<2": lambda v: v < "2",
        ">=2": lambda v: v >= "2",
        "<1.1": lambda v: v < "1.1",
    }[bound]
    usable = [(priority, v) for v in overlay if fits(v)] + [(99, v) for v in base if fits(v)]
    six = plan.stream("six")
    assert six is not None
    if usable:
        best = min(rank for rank, _ in usable)
        assert (six.origin.value, str(six.version)) == (
            "base", max(v for rank, v in usable if rank == best),
        )  # fmt: skip
    else:
        assert six.origin.value == "private"


# -- an SIG's kernel on a real base ----------------------------------------------------------------


def test_an_older_kernel_of_an_overlay_lets_a_driver_be_planned_that_else_has_no_plan(
    tmp_path: Path, shared: Path
) -> None:
    """The 580 series is not for kernel 7.0 and newer, which is what the base has."""
    evr = "6.18.8-100.sig"
    names = ("kernel", "kernel-core", "kernel-devel", "kernel-modules", "kernel-modules-core")
    provides = f"kernel-uname-r = {evr}.x86_64"
    sig = write_repository(
        tmp_path / "sig",
        [element(rpm(name, evr, "x86_64", provides=provides)) for name in names],
    )
    request = PlanRequest(
        "nvidia-open",
        version="580.126.09",
        base=str(shared / "data" / "fedora-45"),
        overlays=(f"sig={sig},priority=20",),
        offline=True,
        cache=tmp_path / "cache",
    )
    plan = make_plan(request, fallbacks=True).plan
    kernel = plan.stream("kernel")
    assert kernel is not None
    assert (str(kernel.version), kernel.repository) == ("6.18.8", SIG)
    (won,) = [each for each in of(plan).replaced if each.name == "kernel"]
    assert won.base_evr.startswith("7.")
    without = of(plan).without
    assert without is not None
    assert not without.exists
    assert "without sig: no plan. The demands on kernel (package) conflict" in told(plan)
    newer = make_plan(evolve(request, version=""), fallbacks=True).plan
    fallback = of(newer).without
    assert fallback is not None
    assert fallback.exists
    assert "kernel" in {move.component.name for move in fallback.moves}


def test_a_repository_of_the_base_that_the_user_had_to_name_is_no_overlay(tmp_path):
    there = world([dist("six", "1.16")], [dist("six", "1.17")], sdist("app", "1", "six", build=""))
    with there.workshop(tmp_path) as workshop:
        workshop.base = evolve(workshop.base, given=(SIG,))
        plan = workshop.attempt(workshop.request).plan
    assert plan is not None
    assert plan.overlays == ()


_NATIVE = """\
schema = "streamsolve.profile/1"
name = "tool"
package = "tool"
version = "1"
default-variant = "only"
default-base = "base"
interpreters = []
[variants.only]
needs = ["package:engine"]
[[component]]
component = "package:engine"
packages = ["engine"]
"""


def test_a_base_that_was_opened_with_overlays_brings_them_into_plan_and_lock(tmp_path):
    for name, each in (("base/x86_64", package("engine", "1")), (SIG, package("engine", "2"))):
        group = [package(name) for name in DEFAULT_BUILD_GROUP] if "base" in name else []
        write_repository(tmp_path / name, [element(one) for one in (each, *group)])
    profile_file = tmp_path / "tool.toml"
    profile_file.write_text(_NATIVE, encoding="utf-8")
    given = [f"{SIG}={tmp_path / SIG},priority=20"]
    base = streamsolve.load_base(
        str(tmp_path / "base"), overlays=given, offline=True, cache=tmp_path / "cache"
    )
    settings = {"base": base, "offline": True, "cache": tmp_path / "cache"}
    plan = streamsolve.plan(str(profile_file), **settings)
    (winning,) = of(plan).packages
    assert (winning.name, winning.evr, winning.base_evr) == ("engine", "2-1.fc0", "1-1.fc0")
    locked = json.loads(streamsolve.make_lock(str(profile_file), **settings))
    assert [each["id"] for each in locked["base"]["overlays"]] == [SIG]
    assert locked["settings"]["overlays"] == [SIG]
