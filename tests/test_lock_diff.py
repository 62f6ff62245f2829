"""What changed between two locks or two plans, as a packager reads it."""

from __future__ import annotations

from attrs import evolve

from streamsolve.explain import plan_document
from streamsolve.lock import (
    BaseUpdate,
    Change,
    Lock,
    LockDiff,
    PackageChange,
    RepositoryMove,
    SettingChange,
    diff,
    diff_plans,
    lock_text,
    read_lock,
)
from streamsolve.model.component import Origin
from streamsolve.model.plan import Plan, RepositoryId

from .builders import from_base, plan, private
from .lockworld import SmallPlan, base_package, small_plan, small_settings


def locked(plan: Plan, **settings: object) -> Lock:
    return read_lock(lock_text(plan, evolve(small_settings(), **settings)), file="app.lock")


def test_nothing_changes_between_equal_locks() -> None:
    assert diff(locked(small_plan()), locked(small_plan())) == LockDiff()
    assert not diff(locked(small_plan()), locked(small_plan()))


def test_a_stream_goes_up_with_its_package_in_every_root() -> None:
    new = locked(SmallPlan(versions={"wheel": "0.46.2"}).plan())
    found = diff(locked(small_plan()), new)
    (stream,) = found.streams
    assert (stream.change, stream.component) == (Change.UP, "wheel")
    assert (stream.old_version, stream.new_version) == ("0.46.1", "0.46.2")
    assert ("app", "wheel~=0.46.0") in stream.demands
    told = {root.root for root in found.roots}
    assert {"runtime", "build-torch", "build-setuptools-final"} <= told
    assert {build.build: build.change for build in found.builds}["wheel@0.46.1"] is Change.OUT
    assert found.updates == ()
    back = diff(new, locked(small_plan()))
    assert [one.change for one in back.streams] == [Change.DOWN]


def test_a_stream_goes_out_and_comes_in() -> None:
    old, new = locked(SmallPlan(leaves=3).plan()), locked(SmallPlan(leaves=2).plan())
    assert [(one.change, one.component) for one in diff(old, new).streams] == [
        (Change.OUT, "leaf-2")
    ]
    (come,) = diff(new, old).streams
    assert (come.change, come.new_version, come.reason) == (Change.IN, "1.2", "not-in-base")
    assert come.demands == (("app", "leaf-2>=1.0"),)


def test_a_base_update_is_told_once_with_the_roots_that_it_touches() -> None:
    bash = base_package("bash", "5.3.1-1.fc45", provides=("/bin/sh", "/usr/bin/bash"))
    plan = SmallPlan(base={"bash": bash}).plan()
    found = diff(locked(small_plan()), locked(plan))
    assert plan.builds is not None
    change = PackageChange(Change.UP, "bash", "x86_64", "5.3.0-2.fc45", "5.3.1-1.fc45", "fedora")
    assert found.updates == (BaseUpdate(change, 1 + len(plan.builds.roots)),)
    assert all(root.packages == (change,) for root in found.roots)
    assert found.streams == found.builds == ()


def test_a_package_that_changed_under_its_version_is_told() -> None:
    same = base_package("bash", "5.3.0-2.fc45", provides=("/bin/sh", "/usr/bin/bash"))
    other = evolve(same, checksum=f"sha256:{'1' * 64}")
    found = diff(locked(small_plan()), locked(SmallPlan(base={"bash": other}).plan()))
    assert [update.package.change for update in found.updates] == [Change.CHANGED]


def test_a_moved_repository_and_a_changed_setting_are_told() -> None:
    old = small_plan()
    moved = (RepositoryId("fedora", "0" * 64), *old.repositories[1:])
    new = locked(evolve(old, repositories=moved), tool="0.2.0", checks="never")
    found = diff(locked(old), new)
    assert found.repositories == (
        RepositoryMove("fedora", old.repositories[0].repomd_sha256, "0" * 64),
    )
    assert found.settings == (
        SettingChange("checks", "free", "never"),
        SettingChange("tool", "0.1.0", "0.2.0"),
    )


def test_another_order_is_told_with_the_builds_that_moved() -> None:
    shared, apart = SmallPlan(leaves=2).plan(), SmallPlan(leaves=3).plan()
    found = diff(locked(shared), locked(apart))
    assert found.order is not None
    assert found.order.old_minutes == found.order.new_minutes
    assert found.order.moved == ()
    assert [(one.build, one.change) for one in found.builds] == [("leaf-2@1.2", Change.IN)]


def test_plans_without_builds_are_compared_by_their_streams() -> None:
    old = plan(private("torch", "2.13.0"), from_base("six", "1.16"), private("gone", "1"))
    new = plan(private("torch", "2.14.0"), private("six", "1.16"), python="3.13")
    found = diff_plans(plan_document(old), plan_document(new))
    assert [(one.component, one.change) for one in found.streams] == [
        ("gone", Change.OUT),
        ("six", Change.ORIGIN),
        ("torch", Change.UP),
    ]
    six = found.streams[1]
    assert (six.old_origin, six.new_origin) == (Origin.BASE.value, Origin.PRIVATE.value)
    assert found.settings == (SettingChange("chosen_python", "3.14", "3.13"),)
    assert found.roots == found.builds == found.updates == ()
