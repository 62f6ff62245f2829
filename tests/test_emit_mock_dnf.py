"""Emitted configurations, read as mock reads them, and what the real dnf makes of their dnf.conf.

dnf gets the file as it is, asks the repositories that it names (the base, a third party's and the
stream repository, all local here), and must choose for each root exactly what was locked.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen
from packaging.version import Version

from streamsolve import library
from streamsolve.emit import MockRepository, MockSettings, emit_mock, write_files
from streamsolve.emit.mock_config import NO_MORE_PACKAGES
from streamsolve.model.build import Root, RootStream
from streamsolve.model.component import PYTHON, Origin
from streamsolve.model.package import Package
from streamsolve.model.plan import Plan

from .builders import component
from .dnf_oracle import SYSTEM_PYTHON, needs_dnf
from .localrepository import write_repository
from .lockworld import small_plan
from .mock_reader import configuration
from .rpmmd import element

pytestmark = needs_dnf

KEY = "file:///usr/share/distribution-gpg-keys/fedora/RPM-GPG-KEY-fedora-44-primary"

# Twelve build roots of as many kinds as there are, and the runtime root.
ROOTS = (
    "build-aiohttp",
    "build-anthropic",
    "build-cuda-bindings",
    "build-flashinfer-python",
    "build-hf-xet",
    "build-nvidia-cudnn-frontend",
    "build-nccl-extensions",
    "build-pillow",
    "build-fastsafetensors",
    "build-torch",
    "build-torchvision",
    "build-vllm",
    "runtime",
)

CHOOSE = """
import json, sys, dnf
asked = json.load(sys.stdin)
answers = []

def plain(value):
    return value if isinstance(value, (bool, int, str)) else [str(each) for each in value]

for path, words in asked["requests"]:
    base = dnf.Base()
    conf = base.conf
    conf.config_file_path = path
    conf.read(path)
    conf.cachedir, conf.pluginpath = asked["cache"], []
    conf.installroot = conf.persistdir = conf.logdir = asked["root"]
    conf.substitutions.update({"arch": "x86_64", "basearch": "x86_64", "releasever": "44"})
    base.read_all_repos()
    base.fill_sack(load_system_repo=False)
    assert words[0] == "install", words
    base.install_specs(words[1:])
    base.resolve()
    answers.append({
        "packages": sorted([p.name, str(p), p.reponame] for p in base.transaction.install_set),
        "main": {k: plain(getattr(conf, k)) for k in asked["main"]},
        "repositories": {
            repo.id: {k: plain(getattr(repo, k)) for k in asked["options"]}
            for repo in base.repos.all()
        },
    })
    base.close()
print(json.dumps(answers))
"""
MAIN = ("assumeyes", "best", "gpgcheck", "install_weak_deps", "reposdir")
OPTIONS = ("gpgcheck", "module_hotfixes", "priority", "skip_if_unavailable")


@frozen
class Emitted:
    """Configurations on disk, and what dnf chose for some of them."""

    plan: Plan
    directory: Path
    answers: Mapping[str, Mapping[str, Any]]

    def root(self, id: str) -> Root:
        assert self.plan.builds is not None
        root = self.plan.builds.root(id)
        assert root is not None, id
        return root

    def options(self, id: str) -> dict[str, Any]:
        path = self.directory / "configs" / f"{id}.cfg"
        return configuration(path, config_directory=self.directory)


def repository(directory: Path, packages: set[Package]) -> str:
    write_repository(directory, map(element, sorted(packages)))
    return f"file://{directory}"


def all_of(plan: Plan, kind: str) -> set[Package]:
    assert plan.builds is not None
    roots = (plan.builds.runtime, *plan.builds.roots)
    return {p for root in roots for p in root.packages if p.repository == kind}


def choose(directory: Path, requests: Mapping[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    """What dnf chooses with each dnf.conf; all from one process: a base loads slowly."""
    root = directory / "installed"
    root.mkdir()
    question = {
        "cache": str(directory / "cache"),
        "root": str(root),
        "requests": [(path, list(words)) for path, words in requests.items()],
        "main": MAIN,
        "options": OPTIONS,
    }
    done = subprocess.run(
        [SYSTEM_PYTHON, "-c", CHOOSE],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Emitted:
    directory = tmp_path_factory.mktemp("emitted")
    data = (shared / "data" / "fedora-44").resolve()
    plan = library.plan(
        "vllm",
        variant="cuda",
        base=str(data),
        offline=True,
        builds=True,
        cache=tmp_path_factory.mktemp("planned"),
    )
    third = repository(directory / "third", all_of(plan, "external"))
    repository(directory / "repo", all_of(plan, "private"))
    settings = MockSettings(
        "44",
        "fc44",
        (
            MockRepository("fedora", f"file://{data}/x86_64", gpgkeys=(KEY,)),
            MockRepository("third", third, gpgkeys=(KEY,), priority=50, overlay=True),
        ),
        platform="platform:f44",
    )
    write_files(directory, emit_mock(plan, settings))
    made = Emitted(plan, directory, {})
    requests = {}
    for id in ROOTS:
        options = made.options(id)
        conf = directory / f"{id}.conf"
        conf.write_text(options["dnf.conf"])
        requests[str(conf)] = options["chroot_setup_cmd"]
    answers = choose(directory, requests)
    return Emitted(plan, directory, dict(zip(ROOTS, answers, strict=True)))


def test_dnf_chooses_exactly_the_locked_packages_of_twelve_build_roots_and_the_runtime_root(
    emitted: Emitted,
) -> None:
    """A third party's packages were planned from their names: of those the names are compared."""
    for id, answer in emitted.answers.items():
        # In dnf's words, an epoch stands before the version and 0 is left out, as in a lock.
        locked = {
            p.name if p.repository == "external" else p.nevra for p in emitted.root(id).packages
        }
        chosen = {name if of == "third" else full for name, full, of in answer["packages"]}
        assert chosen == locked, id
    assert len(emitted.answers) == 13


def test_private_packages_come_from_the_stream_repository_and_no_other_package_does(
    emitted: Emitted,
) -> None:
    some = set()
    for id, answer in emitted.answers.items():
        private = {p.name for p in emitted.root(id).packages if p.repository == "private"}
        assert {name for name, _, of in answer["packages"] if of == "streamsolve"} == private
        some |= private
    assert {"python3-torch", "python3-pybind11", "python3-vllm"} <= some


def test_dnf_reads_the_options_that_every_root_must_have(emitted: Emitted) -> None:
    for id, answer in emitted.answers.items():
        main = answer["main"]
        assert [main[key] for key in MAIN] == [True, True, True, False, ["/dev/null"]], id
        for name, options in answer["repositories"].items():
            ours = name == "streamsolve"
            assert options["skip_if_unavailable"] is False
            assert options["gpgcheck"] is not ours
            assert options["module_hotfixes"] is ours
        ranks = {name: each["priority"] for name, each in answer["repositories"].items()}
        assert ranks.pop("streamsolve", 0) < min(ranks.values())


def test_two_streams_of_one_name_lie_in_the_stream_repository_and_each_root_sees_its_own(
    emitted: Emitted,
) -> None:
    both = {p.evr for p in all_of(emitted.plan, "private") if p.name == "python3-pybind11"}
    assert len(both) == 2
    seen = [
        full
        for answer in emitted.answers.values()
        for name, full, of in answer["packages"]
        if name == "python3-pybind11" and of == "streamsolve"
    ]
    assert len(seen) == len(set(seen)) == 2


def test_a_root_without_private_packages_has_no_stream_repository(emitted: Emitted) -> None:
    assert "streamsolve" not in emitted.answers["build-aiohttp"]["repositories"]
    assert "streamsolve" in emitted.answers["build-torch"]["repositories"]


# --- what was built, and what a build asks for beyond its root


def test_what_was_built_is_found_however_its_version_is_spelled(tmp_path: Path) -> None:
    """With upstream's zeros, with another release, and as a release of an interpreter's series; an
    older and a newer stream of the same name stay out of sight."""
    plan = small_plan()
    assert plan.builds is not None
    root = evolve(
        plan.builds.roots[0],
        packages=(
            Package("python3-torch", "2.14-0.streamsolve", "noarch", "private"),
            Package("python3.14", "3.14-0.streamsolve", "noarch", "private"),
        ),
        streams=(
            RootStream(component("torch"), Version("2.14.0"), Origin.PRIVATE, "python3-torch"),
            RootStream(PYTHON, Version("3.14"), Origin.PRIVATE, "python3.14"),
        ),
    )
    plan = evolve(plan, builds=evolve(plan.builds, roots=(root, *plan.builds.roots[1:])))
    built = {
        Package("python3-torch", evr, "noarch") for evr in ("2.13.0-1", "1:2.14.0-3", "2.15.0-1")
    }
    built |= {
        Package("python3.14", "3.14.2-1", "noarch"),
        Package("python3.14", "3.15.0-1", "noarch"),
    }
    repository(tmp_path / "repo", built)
    base = repository(tmp_path / "base", {Package("python3-torch", "9-1", "noarch")})
    settings = MockSettings("45", "fc45", (MockRepository("base", base, gpgkeys=(KEY,)),))
    write_files(tmp_path, emit_mock(plan, settings))
    path = tmp_path / "configs" / f"{root.id}.cfg"
    options = configuration(path, config_directory=tmp_path)
    conf = tmp_path / "dnf.conf"
    conf.write_text(options["dnf.conf"])
    (answer,) = choose(tmp_path, {str(conf): options["chroot_setup_cmd"]})
    chosen = [full for _, full, _ in answer["packages"]]
    assert chosen == ["python3-torch-1:2.14.0-3.noarch", "python3.14-3.14.2-1.noarch"]


def dnf(conf: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command itself, which resolves and then installs nothing."""
    root = conf.parent / "installed"
    root.mkdir(exist_ok=True)
    places = [f"--setopt=cachedir={conf.parent}/cache", f"--installroot={root}"]
    return subprocess.run(
        ["/usr/bin/dnf", "--noplugins", "-c", str(conf), *places, "--releasever=44", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin", "HOME": str(root)},
    )


def test_with_the_option_of_builds_dnf_finds_no_package_that_is_not_installed(
    tmp_path: Path,
) -> None:
    plan = small_plan()
    base = repository(tmp_path / "base", all_of(plan, "fedora"))
    settings = MockSettings("45", "fc45", (MockRepository("base", base, gpgkeys=(KEY,)),))
    write_files(tmp_path, emit_mock(plan, settings))
    options = configuration(tmp_path / "configs" / "build-flit-core.cfg", config_directory=tmp_path)
    conf = tmp_path / "dnf.conf"
    conf.write_text(options["dnf.conf"])
    assert options["dnf4_builddep_opts"] == options["dnf5_builddep_opts"] == [NO_MORE_PACKAGES]
    found = dnf(conf, "--assumeno", "repoquery", "bash")
    assert "bash-0:5.3.0-2.fc45.x86_64" in found.stdout, found.stderr
    hidden = dnf(conf, NO_MORE_PACKAGES, "--assumeno", "repoquery", "bash")
    assert (hidden.returncode, hidden.stdout) == (0, ""), hidden.stderr
    refused = dnf(conf, NO_MORE_PACKAGES, "--assumeno", "install", "bash")
    assert refused.returncode == 1
    assert "bash" in refused.stdout + refused.stderr
