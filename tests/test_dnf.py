"""The runtime root, judged by the real dnf over the same repositories."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from functools import cache as remember
from pathlib import Path

import pytest

from streamsolve.model import Package
from streamsolve.planner import PlanRequest
from streamsolve.planner.planning import Attempt, Workshop

from .localrepository import write_repository
from .rpmmd import element

SYSTEM_PYTHON = Path("/usr/bin/python3")

RESOLVE = """
import json, sys, dnf
asked = json.load(sys.stdin)
base = dnf.Base()
conf = base.conf
conf.cachedir, conf.reposdir, conf.pluginpath = asked["cache"], ["/dev/null"], []
conf.installroot = asked["root"]
conf.substitutions.update({"arch": "x86_64", "basearch": "x86_64", "releasever": "44"})
conf.install_weak_deps, conf.best, conf.gpgcheck = False, True, False
for name, (path, priority) in asked["repositories"].items():
    base.repos.add_new_repo(name, conf, baseurl=["file://" + path], priority=priority)
base.fill_sack(load_system_repo=False)
if asked["hidden"]:
    base.sack.add_excludes(base.sack.query().filter(name=asked["hidden"], reponame__neq="private"))
for spec in asked["install"]:
    base.install(spec)
try:
    base.resolve()
    chosen = sorted(str(package) for package in base.transaction.install_set)
    print(json.dumps({"packages": chosen}))
except dnf.exceptions.DepsolveError as error:
    print(json.dumps({"error": str(error)}))
"""


@remember
def dnf_is_there() -> bool:
    if not SYSTEM_PYTHON.exists():
        return False
    done = subprocess.run([SYSTEM_PYTHON, "-c", "import dnf"], capture_output=True, check=False)
    return done.returncode == 0


needs_dnf = pytest.mark.skipif(
    not dnf_is_there(), reason="the system's dnf is not installed (Debian: apt-get install dnf)"
)


def ask_dnf(
    tmp_path: Path,
    repositories: dict[str, tuple[Path, int]],
    install: Sequence[str],
    hidden: Sequence[str] = (),
) -> dict[str, object]:
    question = {
        "cache": str(tmp_path / "dnf-cache"),
        "root": str(tmp_path / "dnf-root"),
        "repositories": {name: (str(path), rank) for name, (path, rank) in repositories.items()},
        "install": list(install),
        "hidden": list(hidden),
    }
    done = subprocess.run(
        [SYSTEM_PYTHON, "-c", RESOLVE],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def attempt(base: Path, variant: str, cache: Path) -> Attempt:
    request = PlanRequest("vllm", variant=variant, base=str(base), cache=cache)
    with Workshop.open(request) as workshop:
        return workshop.attempt(request)


@needs_dnf
@pytest.mark.parametrize(("name", "variant"), [("fedora-44", "cuda"), ("fedora-45", "rocm")])
def test_dnf_accepts_the_runtime_root_and_installs_the_same_packages(
    tmp_path: Path, shared: Path, name: str, variant: str
) -> None:
    directory = shared / "data" / name
    found = attempt(directory, variant, tmp_path / "cache")
    assert found.plan is not None
    assert found.root is not None
    planned: Sequence[Package] = found.root.planned
    write_repository(tmp_path / "private", [element(package) for package in planned])
    answer = ask_dnf(
        tmp_path,
        {"base": (directory / "x86_64", 99), "private": (tmp_path / "private", 1)},
        [*found.plan.runtime_packages],
        found.root.hidden,
    )
    assert answer.get("error") is None, answer
    assert answer["packages"] == sorted(found.plan.runtime_packages)


@needs_dnf
def test_dnf_finds_nothing_missing_when_it_is_asked_for_the_application_alone(
    tmp_path: Path, shared: Path
) -> None:
    directory = shared / "data" / "fedora-44"
    found = attempt(directory, "cuda", tmp_path / "cache")
    assert found.plan is not None
    assert found.root is not None
    write_repository(tmp_path / "private", [element(package) for package in found.root.planned])
    answer = ask_dnf(
        tmp_path,
        {"base": (directory / "x86_64", 99), "private": (tmp_path / "private", 1)},
        ["python3-vllm"],
    )
    assert answer.get("error") is None, answer
    ours = set(found.plan.runtime_packages)
    chosen = answer["packages"]
    assert isinstance(chosen, list)
    private = {package.nevra for package in found.root.planned}
    # dnf alone takes what the application's own chain needs: nothing private beyond our plan.
    assert {package for package in chosen if ".streamsolve" in package} <= private
    assert len(set(chosen) - ours) <= len(ours) // 10


@needs_dnf
def test_dnf_refuses_what_selection_was_taught_to_avoid(tmp_path: Path) -> None:
    left = Package("left", "1-1", "x86_64", provides=("left = 1-1",), conflicts=("right",))
    right = Package("right", "1-1", "x86_64", provides=("right = 1-1",))
    write_repository(tmp_path / "base", [element(left), element(right)])
    answer = ask_dnf(tmp_path, {"base": (tmp_path / "base", 99)}, ["left", "right"])
    assert "conflicts with right" in str(answer["error"])
