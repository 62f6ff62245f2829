"""Real packages from rpmbuild, in real repositories from createrepo_c, as bases and overlays."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from streamsolve.inputs.bases import open_base, parse_overlay
from streamsolve.inputs.transport import Transport
from streamsolve.model import Origin
from streamsolve.model.plan import Plan
from streamsolve.planner import PlanRequest
from streamsolve.planner.planning import Workshop
from streamsolve.planner.upstream import Upstream
from streamsolve.solving import PackagePool

from .smallworld import FakeIndex, profile, release

pytestmark = pytest.mark.skipif(
    not (shutil.which("rpmbuild") and shutil.which("createrepo_c")),
    reason="rpmbuild or createrepo_c is not installed (Debian: apt-get install rpm createrepo-c)",
)

SPEC = """
Name: {name}
Version: {version}
Release: 1
Summary: A test
License: MIT
BuildArch: noarch
{tags}
%description
A test.
%files
"""


def build(topdir: Path, name: str, version: str, *tags: str) -> None:
    """A real package without files; ``tags`` are lines of its preamble."""
    topdir.mkdir(parents=True, exist_ok=True)
    spec = topdir / f"{name}.spec"
    spec.write_text(SPEC.format(name=name, version=version, tags="\n".join(tags)))
    command = [
        "rpmbuild", "-bb", "--quiet", "--nodeps",
        "--define", f"_topdir {topdir}",
        "--define", "_build_id_links none",
        "--define", "__os_install_post %{nil}",
        str(spec),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def dist(topdir: Path, name: str, version: str, *tags: str) -> None:
    build(
        topdir,
        f"python3-{name}",
        version,
        f"Provides: python3.14dist({name}) = {version}",
        "Requires: python(abi) = 3.14",
        *tags,
    )


def repository(topdir: Path) -> Path:
    subprocess.run(
        ["createrepo_c", "--quiet", str(topdir / "RPMS")],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    return topdir / "RPMS"


def plan_on(directory: Path, cache: Path, *overlays: str) -> Plan:
    transport = Transport(cache=cache)
    base = open_base(
        str(directory), arch="x86_64", transport=transport,
        overlays=[parse_overlay(text) for text in overlays],
    )  # fmt: skip
    pool = PackagePool.open(base.repositories, arch="x86_64", cache=cache)
    index = FakeIndex(
        [release("app", "1", "six>=1.17"), release("six", "1.17.0"), release("six", "1.16.0")]
    )
    request = PlanRequest("app", cache=cache)
    with Workshop(request, profile(), base, pool, Upstream(None, index)) as workshop:
        plan = workshop.attempt(request).plan
    assert plan is not None
    return plan


def test_a_repository_of_real_packages_is_a_base(tmp_path: Path) -> None:
    build(tmp_path, "python3", "3.14", "Provides: python(abi) = 3.14")
    dist(tmp_path, "six", "1.17.0")
    plan = plan_on(repository(tmp_path), tmp_path / "cache")
    six = plan.stream("six")
    assert six is not None
    assert (six.origin, plan.python) == (Origin.BASE, "3.14")
    assert "python3-six-1.17.0-1.noarch" in plan.runtime_packages


def test_an_overlay_gives_what_the_base_is_too_old_for(tmp_path: Path) -> None:
    build(tmp_path / "base", "python3", "3.14", "Provides: python(abi) = 3.14")
    dist(tmp_path / "base", "six", "1.16.0")
    dist(tmp_path / "over", "six", "1.17.0")
    base, over = repository(tmp_path / "base"), repository(tmp_path / "over")
    without = plan_on(base, tmp_path / "cache").stream("six")
    beside = plan_on(base, tmp_path / "cache", f"over={over},priority=10").stream("six")
    assert without is not None
    assert beside is not None
    assert (without.origin, str(without.version)) == (Origin.PRIVATE, "1.17.0")
    assert (beside.origin, str(beside.version)) == (Origin.BASE, "1.17.0")


def test_a_conflict_between_real_packages_is_learned(tmp_path: Path) -> None:
    build(tmp_path, "python3", "3.14", "Provides: python(abi) = 3.14", "Conflicts: python3-six")
    dist(tmp_path, "six", "1.17.0")
    plan = plan_on(repository(tmp_path), tmp_path / "cache")
    origins = {plan.stream(name).origin for name in ("six", "python")}  # type: ignore[union-attr]
    assert Origin.PRIVATE in origins
