"""The planner on small worlds: what each part of a profile and of a base does to a plan."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from attrs import define

from streamsolve.errors import InputError
from streamsolve.model import Origin, Release
from streamsolve.model.conflict import Cause, RepairKind
from streamsolve.model.plan import Plan, PlannedStream, ReasonKind

from .smallworld import FakeIndex, SmallWorld, dist, package, profile, python, release
from .universe_oracle import least_cost


def stream(plan: Plan, name: str) -> PlannedStream:
    found = plan.stream(name)
    assert found is not None, f"{name} is not in the plan"
    return found


def test_a_compat_package_is_a_stream_of_its_component(tmp_path: Path) -> None:
    world = SmallWorld(
        [
            python("3.15"),
            dist("setuptools", "83.0.0", series="3.15"),
            dist(
                "setuptools80",
                "80.10.2",
                series="3.15",
                rpm="python3-setuptools80",
                conflicts=["python3-setuptools"],
            ),
        ],
        [
            release("app", "1", "setuptools<81"),
            release("setuptools", "80.10.2"),
            release("setuptools", "83.0.0"),
        ],
    )
    setuptools = stream(world.plan(tmp_path), "setuptools")
    assert (setuptools.origin, setuptools.package) == (Origin.BASE, "python3-setuptools80")
    assert setuptools.reason.kind is ReasonKind.COMPAT_FITS


def test_a_distribution_may_have_another_name_in_the_base(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14"), dist("opencv", "4.13.0", rpm="python3-opencv")],
        [
            release("app", "1", "opencv-python-headless>=4.13"),
            release("opencv-python-headless", "5.0.0.93"),
        ],
        profile('[names]\nopencv-python-headless = "opencv"\n'),
    )
    opencv = stream(world.plan(tmp_path), "opencv-python-headless")
    assert (opencv.origin, opencv.package) == (Origin.BASE, "python3-opencv")


def test_base_packages_that_conflict_in_rpm_are_not_used_together(tmp_path: Path) -> None:
    """PEP 440 sees nothing wrong; libsolv refuses, and selection learns it."""
    world = SmallWorld(
        [
            python("3.14"),
            dist("left", "1", conflicts=["python3-right"]),
            dist("right", "1"),
        ],
        [
            release("app", "1", "left", "right"),
            release("left", "1"),
            release("right", "1"),
        ],
    )
    plan = world.plan(tmp_path)
    origins = {name: stream(plan, name).origin for name in ("left", "right")}
    assert sorted(origin.value for origin in origins.values()) == ["base", "private"]
    assert plan.summary.private == 2


def test_a_private_package_of_the_base_s_name_takes_its_place(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14"), dist("numpy", "2.5"), dist("scipy", "1", "python3.14dist(numpy) >= 1")],
        [
            release("app", "1", "numpy<2.5", "scipy"),
            release("numpy", "2.4.6"),
            release("scipy", "1"),
        ],
    )
    plan = world.plan(tmp_path)
    assert stream(plan, "scipy").origin is Origin.BASE
    numpy = [nevra for nevra in plan.runtime_packages if nevra.startswith("python3-numpy-")]
    assert numpy == ["python3-numpy-2.4.6-0.streamsolve.x86_64"]


def test_another_interpreter_makes_every_distribution_private_under_its_own_name(
    tmp_path: Path,
) -> None:
    world = SmallWorld(
        [python("3.15"), dist("six", "1.17.0", series="3.15")],
        [release("app", "1", "six", python="<3.15"), release("six", "1.17.0")],
    )
    plan = world.plan(tmp_path)
    six = stream(plan, "six")
    assert plan.python == "3.14"
    assert six.origin is Origin.PRIVATE
    assert six.reason.kind is ReasonKind.OTHER_PYTHON
    assert six.package == "python3.14-six"
    interpreter = stream(plan, "python")
    assert [str(d.requirement) for d in interpreter.reason.demands] == ["python<3.15"]


def test_the_interpreter_can_be_asked_for(tmp_path: Path) -> None:
    world = SmallWorld([python("3.14")], [release("app", "1")])
    assert world.plan(tmp_path, python="3.12").python == "3.12"


def test_a_wheel_without_source_is_used_only_where_the_profile_names_it(tmp_path: Path) -> None:
    upstream = [
        release("app", "1", "blob"),
        release("blob", "1", sdist=False, wheels=("cp314-cp314-manylinux_2_28_x86_64",)),
    ]
    failure = SmallWorld([python("3.14")], upstream).failure(tmp_path)
    (conflict,) = failure.conflicts
    assert conflict.cause is Cause.FORBIDDEN
    assert conflict.about.name == "blob"
    named = profile('[[prebuilt]]\ncomponent = "blob"\nlicence = "MIT"\nreason = "a test"\n')
    blob = stream(SmallWorld([python("3.14")], upstream, named).plan(tmp_path), "blob")
    assert blob.prebuilt
    assert blob.licence == "MIT"
    assert blob.source.filename == "blob-1-cp314-cp314-manylinux_2_28_x86_64.whl"


def test_a_prebuilt_wheel_binds_the_interpreter(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14")],
        [
            release("app", "1", "blob"),
            release("blob", "1", sdist=False, wheels=("cp313-cp313-manylinux_2_28_x86_64",)),
        ],
        profile('[[prebuilt]]\ncomponent = "blob"\nlicence = "MIT"\nreason = "a test"\n'),
    )
    plan = world.plan(tmp_path)
    assert plan.python == "3.13"
    assert "blob" in {d.component.name for d in stream(plan, "python").reason.demands}


@pytest.mark.parametrize(
    "tag",
    [
        "cp314-cp314-manylinux_2_41_x86_64",
        "cp314-cp314-win_amd64",
        "cp314-cp314-manylinux_2_28_aarch64",
    ],
)
def test_a_wheel_for_another_platform_is_no_offer(tmp_path: Path, tag: str) -> None:
    world = SmallWorld(
        [python("3.14")],
        [release("app", "1", "blob"), release("blob", "1", sdist=False, wheels=(tag,))],
        profile('[[prebuilt]]\ncomponent = "blob"\nlicence = "MIT"\nreason = "a test"\n'),
    )
    (conflict,) = world.failure(tmp_path).conflicts
    assert conflict.about.name == "blob"


def test_a_proprietary_distribution_is_not_built_privately(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14")],
        [release("app", "1", "lib"), release("lib", "1", licence="LicenseRef-NVIDIA-Proprietary")],
    )
    (conflict,) = world.failure(tmp_path).conflicts
    assert (conflict.about.name, conflict.cause) == ("lib", Cause.FORBIDDEN)
    assert [str(demand.requirement) for demand in conflict.chains[0]] == ["lib"]


def test_a_release_whose_metadata_cannot_be_read_is_no_offer(tmp_path: Path) -> None:
    upstream = [release("app", "1", "odd"), release("odd", "1"), release("odd", "2")]
    world = SmallWorld([python("3.14")], upstream)
    world.index.broken = {"odd 2"}
    assert str(stream(world.plan(tmp_path), "odd").version) == "1"
    world.index.broken = {"odd 1", "odd 2"}
    (conflict,) = world.failure(tmp_path).conflicts
    assert (conflict.about.name, conflict.cause) == ("odd", Cause.UNREADABLE)


def test_an_external_distribution_is_a_third_party_s_package(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14")],
        [
            release("app", "1", "nvidia-cublas==13.1.*"),
            release(
                "nvidia-cublas", "13.1.1.3", sdist=False, licence="LicenseRef-NVIDIA-Proprietary"
            ),
        ],
        profile(
            """
[[external]]
component = "nvidia-cublas"
package = "libcublas-{major}-{minor}"
repository = "cuda"
licence = "LicenseRef-NVIDIA-Proprietary"
follows = "accelerator:cuda"
[[component]]
component = "accelerator:cuda"
[[component.stream]]
version = "13.0"
origin = "external"
package = "cuda-toolkit-13-0"
repository = "cuda"
requires = ["kernel-module:nvidia-driver >=580"]
evidence = "a test"
""",
            needs='["accelerator:cuda ==13.0"]',
        ),
    )
    plan = world.plan(tmp_path)
    cublas = stream(plan, "nvidia-cublas")
    assert (cublas.origin, cublas.package) == (Origin.EXTERNAL, "libcublas-13-0")
    assert "libcublas-13-0-13.1.1.3-0.streamsolve.x86_64" in plan.runtime_packages
    assert [str(h.requirement) for h in plan.host] == ["nvidia-driver>=580"]
    assert plan.stream("nvidia-driver") is None


def test_a_third_party_s_package_does_not_take_the_epoch_of_the_base_s(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14"), package("cuda", "1:12"), dist("old", "1", epoch="1")],
        [release("app", "1", "old>=2"), release("old", "2")],
        profile(
            """
[[component]]
component = "accelerator:cuda"
packages = ["cuda"]
[[component.stream]]
version = "13.1"
origin = "external"
package = "cuda-toolkit-13-1"
repository = "cuda"
evidence = "a test"
""",
            needs='["accelerator:cuda ==13.1"]',
        ),
    )
    packages = world.plan(tmp_path).runtime_packages
    assert "cuda-toolkit-13-1-13.1-0.streamsolve.x86_64" in packages
    # What is made from the base's spec keeps its epoch: else the base's would replace it.
    assert "python3-old-1:2-0.streamsolve.x86_64" in packages


def test_a_relaxed_requirement_is_shown_with_its_reason(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14"), dist("certifi", "2026.1.4")],
        [release("app", "1", "certifi>=2027"), release("certifi", "2026.10.18")],
        profile(
            '[[relax]]\ncomponent = "certifi"\nrequirement = ">=2027"\nto = ""\n'
            'by = "app"\nreason = "the trust store is the system\'s"\n'
        ),
    )
    plan = world.plan(tmp_path)
    assert stream(plan, "certifi").origin is Origin.BASE
    (relaxed,) = plan.relaxed
    assert (str(relaxed.stated), str(relaxed.counts)) == ("certifi>=2027", "certifi")
    assert relaxed.reason == "the trust store is the system's"


def test_an_omitted_distribution_stands_in_the_plan_with_its_reason(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14")],
        [release("app", "1", "gone==4", "kept"), release("kept", "1", "gone>5")],
        profile('[[omit]]\ncomponent = "gone"\nreason = "a test"\n'),
    )
    plan = world.plan(tmp_path)
    gone = stream(plan, "gone")
    assert (gone.origin, gone.version, gone.reason.text) == (Origin.OMITTED, None, "a test")
    assert {d.component.name for d in gone.required_by} == {"app", "kept"}


def test_an_extra_that_the_base_does_not_package_is_written_out(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14"), dist("uvicorn", "0.38.0"), dist("uvloop", "1")],
        [
            release("app", "1", "uvicorn[standard]"),
            release("uvicorn", "0.38.0", 'uvloop; extra == "standard"', extras=("standard",)),
            release("uvloop", "1"),
        ],
    )
    plan = world.plan(tmp_path)
    assert stream(plan, "uvicorn").origin is Origin.BASE
    assert stream(plan, "uvloop").origin is Origin.BASE
    assert "unpackaged-extras" in {notice.code for notice in plan.warnings}


def test_an_extra_that_the_base_packages_is_used(tmp_path: Path) -> None:
    extra = package(
        "python3-uvicorn+standard",
        "0.38.0",
        provides=["python3.14dist(uvicorn[standard]) = 0.38"],
        requires=["python3-uvicorn = 0.38.0-1.fc0", "python3.14dist(uvloop)"],
    )
    world = SmallWorld(
        [python("3.14"), dist("uvicorn", "0.38.0"), extra, dist("uvloop", "1")],
        [release("app", "1", "uvicorn[standard]"), release("uvloop", "1")],
    )
    plan = world.plan(tmp_path)
    assert plan.summary.private == 1
    assert "python3-uvicorn+standard-0.38.0-1.fc0.noarch" in plan.runtime_packages
    assert plan.warnings == ()


def test_no_such_version_and_conflicts_with_are_different_causes(tmp_path: Path) -> None:
    missing = SmallWorld([python("3.14")], [release("app", "1", "a>=3"), release("a", "2")])
    clash = SmallWorld(
        [python("3.14")],
        [
            release("app", "1", "a", "b"),
            release("a", "2", "c<2"),
            release("b", "2", "c>=2"),
            release("c", "1"),
            release("c", "2"),
        ],
    )
    assert [c.cause for c in missing.failure(tmp_path).conflicts] == [Cause.NO_SUCH_VERSION]
    assert [c.cause for c in clash.failure(tmp_path).conflicts] == [Cause.INCOMPATIBLE]


def test_every_independent_conflict_is_reported(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14")],
        [release("app", "1", "a>=3", "b>=3"), release("a", "2"), release("b", "2")],
    )
    assert [c.about.name for c in world.failure(tmp_path).conflicts] == ["a", "b"]


def test_a_repair_that_is_offered_leads_to_a_plan(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14")],
        [
            release("app", "1", "a", "b"),
            release("a", "2", "c<2"),
            release("b", "2", "c>=2"),
            release("c", "1"),
            release("c", "2"),
        ],
    )
    repairs = world.failure(tmp_path).repairs
    relaxed = {(r.by, r.value) for r in repairs if r.kind is RepairKind.RELAX}
    assert relaxed == {("a", "c<2"), ("b", "c>=2")}
    assert all(repair.private == 4 for repair in repairs)


def test_the_interpreter_asked_for_can_be_the_conflict(tmp_path: Path) -> None:
    world = SmallWorld([python("3.14")], [release("app", "1", python=">=3.13")])
    failure = world.failure(tmp_path, python="3.11")
    (conflict,) = failure.conflicts
    assert conflict.about.name == "python"
    assert RepairKind.PYTHON in {repair.kind for repair in failure.repairs}


def test_a_release_outside_the_window_is_found_when_nothing_inside_fits(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14")],
        [release("app", "1", "a==1.0"), *[release("a", f"1.{minor}") for minor in range(20)]],
    )
    assert str(stream(world.plan(tmp_path), "a").version) == "1.0"


def test_a_release_older_than_requires_python_does_not_save_a_stream(tmp_path: Path) -> None:
    """Jinja2 2.6 needs no MarkupSafe, and says of no Python that it runs on it."""
    releases = [
        release("app", "1", "jinja2"),
        *(release("jinja2", f"2.{minor}") for minor in range(7)),
        release("jinja2", "3.0.3", "markupsafe", python=">=3.6"),
        release("jinja2", "3.1.6", "markupsafe", python=">=3.7"),
        release("markupsafe", "3.0.2", python=">=3.9"),
    ]
    plan = SmallWorld([python("3.14")], releases).plan(tmp_path)
    assert str(stream(plan, "jinja2").version) == "3.1.6"
    assert [notice.code for notice in plan.warnings] == ["window"]


def test_such_a_release_is_taken_where_a_demand_or_nothing_else_leaves_it(tmp_path: Path) -> None:
    old = [release("a", f"1.{minor}") for minor in range(9)]
    new = release("a", "2.0", python=">=3.9")
    demanded = SmallWorld([python("3.14")], [release("app", "1", "a<2"), *old, new])
    assert str(stream(demanded.plan(tmp_path), "a").version) == "1.8"
    too_new = release("a", "2.0", python=">=3.15")
    left = SmallWorld([python("3.14")], [release("app", "1", "a"), *old, too_new])
    assert str(stream(left.plan(tmp_path), "a").version) == "1.8"


def test_of_few_series_all_are_considered_whatever_they_say(tmp_path: Path) -> None:
    releases = [
        release("app", "1", "a"),
        release("a", "1.0"),
        release("a", "2.0", "b", python=">=3.9"),
        release("b", "1.0"),
    ]
    plan = SmallWorld([python("3.14")], releases).plan(tmp_path)
    assert str(stream(plan, "a").version) == "1.0"
    assert "window" not in {notice.code for notice in plan.warnings}


def test_releases_that_never_say_which_python_they_run_on_are_all_considered(
    tmp_path: Path,
) -> None:
    releases = [
        release("app", "1", "a"),
        release("a", "1.0"),
        release("a", "2.0", "b"),
        release("b", "1.0"),
    ]
    plan = SmallWorld([python("3.14")], releases).plan(tmp_path)
    assert str(stream(plan, "a").version) == "1.0"
    assert "window" not in {notice.code for notice in plan.warnings}


def test_what_a_build_fetches_is_named_by_its_whole_tag_and_by_the_start_of_a_commit(
    tmp_path: Path,
) -> None:
    rows = [f'[[bundled]]\nname = "{n}"\nrevision = "{r}"' for n, r in _FETCHED]
    world = SmallWorld([python("3.14")], [release("app", "1")], profile("\n".join(rows)))
    (notice,) = world.plan(tmp_path).warnings
    assert notice.text.endswith("provide by-tag sglang-0.5.23, by-commit 0123456789ab")


@define
class OfflineIndex(FakeIndex):
    """As the true one: several listings asked for together are all at hand, or an error."""

    def releases_of(self, names: Iterable[str]) -> dict[str, tuple[Release, ...]]:
        return {name: self.releases(name) for name in sorted(names)}


def test_offline_a_listing_is_no_error_before_it_is_asked_for(tmp_path: Path) -> None:
    """The base's a meets what the base's b asks for, whatever the index has of it."""
    needing = dist("b", "1", "python3.14dist(a)")
    world = SmallWorld([python("3.14"), dist("a", "1"), needing], [release("app", "1", "b")])
    world.index = OfflineIndex(world.index.content, uncached={"a", "b"})
    plan = world.plan(tmp_path)
    assert {stream(plan, name).origin for name in ("a", "b")} == {Origin.BASE}


_FETCHED = (("by-tag", "sglang-0.5.23"), ("by-commit", "0123456789abcdef" * 2 + "01234567"))


def test_metadata_of_what_the_base_satisfies_is_not_fetched(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14"), dist("six", "1.16.0")],
        [release("app", "1", "six"), *[release("six", f"1.{minor}.0") for minor in range(17)]],
    )
    world.plan(tmp_path)
    assert set(world.index.asked) == {"app 1"}


def test_yanked_releases_and_pre_releases_are_not_taken(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14")], [release("app", "1", "a"), release("a", "1"), release("a", "2rc1")]
    )
    assert str(stream(world.plan(tmp_path), "a").version) == "1"


def test_a_pre_release_is_taken_where_there_is_nothing_else(tmp_path: Path) -> None:
    world = SmallWorld([python("3.14")], [release("app", "1", "a"), release("a", "0.66b2")])
    assert str(stream(world.plan(tmp_path), "a").version) == "0.66b2"


def test_an_application_version_that_is_not_on_the_index_names_those_that_are(
    tmp_path: Path,
) -> None:
    world = SmallWorld([python("3.14")], [release("app", "0.9")])
    with pytest.raises(InputError) as raised:
        world.plan(tmp_path)
    assert "app 1 is not on the package index" in str(raised.value)
    assert "newest releases: 0.9" in str(raised.value)


def test_a_group_moves_as_one(tmp_path: Path) -> None:
    world = SmallWorld(
        [python("3.14")],
        [
            release("app", "1", "torch", "torchvision"),
            *[release("torch", version) for version in ("2.13.0", "2.14.0")],
            *[release("torchvision", version) for version in ("0.28.0", "0.29.0")],
        ],
        profile(
            """
[[group]]
name = "torch"
leader = "torch"
[[group.pairing]]
version = "2.14.0"
constrains = ["torchvision ==0.28.0"]
evidence = "a test"
"""
        ),
    )
    plan = world.plan(tmp_path)
    assert str(stream(plan, "torch").version) == "2.14.0"
    assert str(stream(plan, "torchvision").version) == "0.28.0"


def test_the_problem_of_a_failure_can_be_looked_at(tmp_path: Path) -> None:
    world = SmallWorld([python("3.14")], [release("app", "1", "a>=3"), release("a", "2")])
    universe = world.universe(tmp_path)
    offers = universe["offers"]
    assert isinstance(offers, list)
    assert [(offer["component"], offer["version"]) for offer in offers][:2] == [
        ("a", "2"),
        ("app", "1"),
    ]
    assert least_cost(universe) is None


def test_another_series_of_the_interpreter_under_the_same_name_hides_none(tmp_path: Path) -> None:
    """As an overlay of another release of the distribution has it."""
    interpreters = [python("3.14"), python("3.15")]
    plan = SmallWorld([*interpreters, dist("a", "1")], [release("app", "1", "a")]).plan(tmp_path)
    assert (plan.python, plan.warnings) == ("3.14", ())
