"""``chain.sh`` and the Makefile, run for real, with a stand-in for mock.

The stand-in writes down what it was called with and which packages the stream repository held, and
leaves a package where mock would.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve, frozen

from streamsolve.emit import MockRepository, MockSettings, Switch, emit_mock, write_files
from streamsolve.emit.commands import mock_options, switches
from streamsolve.model.build import Build, BuildPlan, Stage
from streamsolve.model.component import PYTHON

from .lockworld import small_plan

KEY = "file:///usr/share/distribution-gpg-keys/small/KEY"
SETTINGS = MockSettings(
    "45", "fc45", (MockRepository("base", "https://base.test/", gpgkeys=(KEY,)),)
)
PLAN = small_plan()

MOCK = """\
#!/bin/bash
set -eu
held=$(cd "$REPO_SEEN" && ls)
sources=() ; result= ; local= ; config=
for word in "$@"; do
    case $word in
        *.src.rpm) sources+=("$word") ;;
        --resultdir=*) result=${word#*=} ;;
        *.cfg) config=${word##*/} ;;
    esac
    if [ "${before-}" = --localrepo ]; then local=$word; fi
    before=$word
done
for source in "${sources[@]}"; do
    [ -f "$source" ]
    name=$(basename "$source" .src.rpm)
    printf '%s\\t%s\\t%s\\t%s\\n' "$name" "${config%.cfg}" "$*" "${held//$'\\n'/ }" >> "$LOG"
    case " ${FAIL-} " in *" $name "*) exit 1 ;; esac
    to=${result:-$local/results/${config%.cfg}/$name}
    mkdir -p "$to"
    echo "${config%.cfg}" > "$to/$name.x86_64.rpm"
    echo source > "$to/$name.src.rpm"
done
"""


@frozen
class Call:
    """One source package that the stand-in was given."""

    source: str
    root: str
    words: str
    held: frozenset[str]


@frozen
class Place:
    """A directory with what was emitted and empty source packages."""

    directory: Path

    def run(self, *command: str, fail: str = "") -> subprocess.CompletedProcess[str]:
        env = {
            "PATH": "/usr/bin:/bin",
            "MOCK": "mock-stand-in",
            "CREATEREPO": "true",
            "LOG": str(self.directory.parent / "log"),
            "REPO_SEEN": str(self.directory / "repo"),
            "FAIL": fail,
        }
        env["PATH"] = f"{self.directory.parent / 'bin'}:{env['PATH']}"
        return subprocess.run(
            command,
            cwd=self.directory,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @property
    def calls(self) -> list[Call]:
        """All so far, in the order in which they began."""
        log = self.directory.parent / "log"
        rows = (line.split("\t") for line in log.read_text().splitlines()) if log.exists() else ()
        return [
            Call(name, root, words, frozenset(held.split())) for name, root, words, held in rows
        ]

    def forget(self) -> None:
        (self.directory.parent / "log").unlink()


def builds() -> BuildPlan:
    assert PLAN.builds is not None
    return PLAN.builds


def source(build: Build) -> str:
    return build.stream.replace("@", "-")


@pytest.fixture(params=["out", "o u't $(touch RAN) ${x} #%"])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    directory = tmp_path / request.param
    write_files(directory, emit_mock(PLAN, SETTINGS))
    (directory / "srpms").mkdir()
    for build in builds().builds:
        (directory / "srpms" / f"{source(build)}.src.rpm").touch()
    tool = tmp_path / "bin" / "mock-stand-in"
    tool.parent.mkdir()
    tool.write_text(MOCK)
    tool.chmod(0o755)
    yield Place(directory)
    assert not list(tmp_path.rglob("RAN"))


def check_order(calls: list[Call]) -> None:
    """Each build once, in its root, when what it comes after was published."""
    expected = sorted((source(build), build.root) for build in builds().builds)
    assert sorted((call.source, call.root) for call in calls) == expected
    held = {(call.source, call.root): call.held for call in calls}
    for build in builds().builds:
        needed = {f"{id.partition('/')[0].replace('@', '-')}.x86_64.rpm" for id in build.after}
        assert needed <= held[source(build), build.root]


@pytest.mark.parametrize(
    "command",
    [("sh", "chain.sh"), ("./chain.sh",), ("make",), ("make", "-j", "4")],
    ids=" ".join,
)
def test_every_build_finds_published_what_its_root_needs(
    place: Place, command: tuple[str, ...]
) -> None:
    done = place.run(*command)
    assert done.returncode == 0, done.stderr
    check_order(place.calls)
    published = {path.name for path in (place.directory / "repo").iterdir()}
    assert published == {f"{source(build)}.x86_64.rpm" for build in builds().builds}


def test_the_final_pass_takes_the_place_of_the_bootstrap_pass(place: Place) -> None:
    for command in (("sh", "chain.sh"), ("make",)):
        place.run(*command)
        package = place.directory / "repo" / "setuptools-80.1.x86_64.rpm"
        assert package.read_text() == "build-setuptools-final\n"
        package.unlink()


def test_switches_are_given_to_the_builds_that_they_are_for(place: Place) -> None:
    place.run("make")
    words = {call.root: call.words for call in place.calls}
    assert "--with bootstrap" in words["build-setuptools-bootstrap"]
    assert "bootstrap --rebuild" not in words["build-setuptools-final"]
    assert all("--without tests --nocheck" in each for each in words.values())


def test_make_goes_on_where_it_stopped(place: Place) -> None:
    assert place.run("make", "-k", "-j", "2", fail="torch-2.14.0").returncode == 2
    first = {call.source for call in place.calls}
    assert "app-1.0" in first
    place.forget()
    assert place.run("make").returncode == 0
    assert [call.source for call in place.calls] == ["torch-2.14.0"]
    place.forget()
    assert place.run("make").returncode == 0
    assert place.calls == []


def test_a_new_configuration_builds_again_what_it_is_for_and_what_that_is_in(place: Place) -> None:
    place.run("make")
    place.forget()
    path = place.directory / "configs" / "build-setuptools-final.cfg"
    later = time.time() + 10
    os.utime(path, (later, later))
    # Whatever is done from now on is older than the file, and so is made again each time.
    assert place.run("make").returncode == 0
    done = {(call.source, call.root) for call in place.calls}
    expected = {
        (source(build), build.root)
        for build in builds().builds
        if build.id == "setuptools@80.1/final" or "setuptools@80.1/final" in build.after
    }
    assert done == expected
    assert 1 < len(done) < len(builds().builds)


def test_a_source_package_that_is_not_there_is_named(place: Place) -> None:
    (place.directory / "srpms" / "torch-2.14.0.src.rpm").unlink()
    done = place.run("make", "-n")
    assert done.returncode == 2
    assert "srpms/torch-2.14.0.src.rpm" in done.stderr


def test_make_only_shows_what_it_would_run(place: Place) -> None:
    done = place.run("make", "-n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("mock-stand-in -r") == len(builds().builds)
    assert place.calls == []


def test_chain_stops_at_a_build_that_fails(place: Place) -> None:
    assert place.run("sh", "chain.sh", fail="wheel-0.46.1").returncode != 0
    assert "torch-2.14.0" not in {call.source for call in place.calls}


def test_builds_that_share_a_root_and_switches_are_one_chain() -> None:
    script = emit_mock(PLAN, SETTINGS)["chain.sh"].decode()
    (shared,) = (line for line in script.splitlines() if "leaf" in line or "app-1.0" in line)
    assert shared.count(".src.rpm") == 3


# --- switches


def test_the_switches_of_a_build_are_its_stage_its_tests_and_what_was_asked_for() -> None:
    build = next(each for each in builds().builds if each.stage is Stage.BOOTSTRAP)
    asked = evolve(
        SETTINGS,
        switches=(Switch("setuptools", "tests"), Switch("setuptools", "x"), Switch("torch", "y")),
    )
    found = {switch.name: switch.on for switch in switches(build, asked)}
    assert found == {"bootstrap": True, "check": False, "tests": True, "x": True}
    whole = evolve(build, stage=Stage.FINAL, left_out=())
    assert mock_options(whole, SETTINGS) == ()
    interpreter = evolve(whole, component=PYTHON)
    assert mock_options(interpreter, SETTINGS) == (
        "--with",
        "python_abi_provides_for_alt_pythons",
    )
