"""Everything that ``emit mock`` writes of a real lock: the same bytes wherever it is written, and a
change of one stream changes what has to do with that stream."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from packaging.version import Version

from streamsolve.cli import main
from streamsolve.emit import MockRepository, MockSettings, emit_mock
from streamsolve.emit.source_rules import source_rules
from streamsolve.emit.specs import emit_specs
from streamsolve.lock import Lock, read_lock
from streamsolve.model.build import Root
from streamsolve.model.package import Package
from streamsolve.model.plan import Plan

from .specworld import digest

KEY = "file:///usr/share/distribution-gpg-keys/fedora/RPM-GPG-KEY-fedora-45-primary"
BASE = MockRepository("fedora", "https://base.test/$basearch/", gpgkeys=(KEY,))
SETTINGS = MockSettings("45", "fc45", (BASE,))
IN_PREFIX = evolve(SETTINGS, prefix="/opt/vllm")
ORDER = {"Makefile", "chain.sh", "srpms.mk"}


@pytest.fixture(scope="module")
def path(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("whole")
    path = directory / "vllm.lock.json"
    base = str(shared / "data" / "fedora-45")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STREAMSOLVE_CACHE", str(directory / "cache"))
        words = ["lock", "vllm", "--variant", "cuda", "--base", base, "--offline"]
        assert main([*words, "-o", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def lock(path: Path) -> Lock:
    return read_lock(path.read_text(), file=path.name)


def tree(directory: Path) -> dict[str, tuple[int, bytes]]:
    """The permissions and content of each file, by path."""
    return {
        str(each.relative_to(directory)): (each.stat().st_mode & 0o111, each.read_bytes())
        for each in directory.rglob("*")
        if each.is_file()
    }


def emitted(path: Path, directory: Path, *words: str, umask: int, **more: str) -> None:
    """``emit mock`` in a process and a directory of its own."""
    directory.mkdir()
    command = [sys.executable, "-m", "streamsolve", "emit", "mock", str(path), "-o", "out", *words]
    subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, **more},
        check=True,
        capture_output=True,
        timeout=300,
        umask=umask,
    )


def test_neither_place_nor_environment_is_in_what_is_written(path: Path, tmp_path: Path) -> None:
    words = ("--specs", "--prefix", "/opt/vllm", "--standalone")
    one, other = tmp_path / "one", tmp_path / "another, with spaces"
    emitted(path, one, *words, umask=0o022, PYTHONHASHSEED="1", LC_ALL="C", TZ="UTC")
    emitted(path, other, *words, umask=0o077, PYTHONHASHSEED="2", LC_ALL="C.UTF-8", TZ="Asia/Tokyo")
    first, second = tree(one / "out"), tree(other / "out")
    assert len(first) > 700
    assert {name: content for name, (_, content) in first.items()} == {
        name: content for name, (_, content) in second.items()
    }
    assert not any(str(tmp_path).encode() in content for _, content in first.values())
    times = {name: (one / "out" / name).stat().st_mtime_ns for name in first}
    subprocess.run(
        [sys.executable, "-m", "streamsolve", "emit", "mock", str(path), "-o", "out", *words],
        cwd=one,
        check=True,
        capture_output=True,
        timeout=300,
    )
    assert tree(one / "out") == first
    assert {name: (one / "out" / name).stat().st_mtime_ns for name in first} == times


# -- a change of one stream ------------------------------------------------------------------------


def everything(plan: Plan, settings: MockSettings) -> dict[str, bytes]:
    specs = emit_specs(plan, settings).files
    return {**emit_mock(plan, settings), **specs, **source_rules(plan.arch, specs)}


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    paths = before.keys() | after.keys()
    return {path for path in paths if before.get(path) != after.get(path)}


def bumped(plan: Plan, name: str, old: str, new: str) -> Plan:
    """The plan with another version of one stream, wherever it is named."""
    assert plan.builds is not None
    (stream,) = (each for each in plan.streams if each.component.name == name)
    ids = {
        each.id: each.id.replace(f"{name}@{old}", f"{name}@{new}") for each in plan.builds.builds
    }

    def replaced(value: Any) -> Any:
        return tuple(ids.get(id, id) for id in value)

    def package(one: Package) -> Package:
        if one.repository != "private" or one.name != stream.package:
            return one
        provides = tuple(text.replace(old, new) for text in one.provides)
        return evolve(one, evr=one.evr.replace(old, new), provides=provides)

    def root(one: Root) -> Root:
        streams = tuple(
            evolve(each, version=Version(new), build=ids.get(each.build, ""))
            if each.component.name == name
            else each
            for each in one.streams
        )
        return evolve(one, packages=tuple(map(package, one.packages)), streams=streams)

    builds = tuple(
        evolve(
            each,
            id=ids[each.id],
            after=replaced(each.after),
            version=Version(new) if each.component.name == name else each.version,
        )
        for each in plan.builds.builds
    )
    order = plan.builds.order
    levels = tuple(evolve(level, builds=replaced(level.builds)) for level in order.levels)
    source = stream.source
    filename = source.filename.replace(old, new)
    newer = evolve(
        stream,
        version=Version(new),
        source=evolve(
            source, purl=source.purl.replace(old, new), filename=filename, sha256=digest(filename)
        ),
    )
    return evolve(
        plan,
        streams=tuple(newer if each is stream else each for each in plan.streams),
        builds=evolve(
            plan.builds,
            runtime=root(plan.builds.runtime),
            roots=tuple(map(root, plan.builds.roots)),
            builds=builds,
            order=evolve(order, levels=levels, critical_path=replaced(order.critical_path)),
        ),
    )


@pytest.mark.parametrize("settings", [SETTINGS, IN_PREFIX], ids=["container", "prefix"])
def test_another_version_changes_its_spec_the_roots_that_hold_it_and_the_order(
    lock: Lock, settings: MockSettings
) -> None:
    plan = lock.plan
    assert plan.builds is not None
    (old,) = (str(each.version) for each in plan.streams if each.component.name == "lark")
    new = f"{old}9"
    before = everything(plan, settings)
    after = everything(bumped(plan, "lark", old, new), settings)
    holding = {
        f"configs/{root.id}.cfg"
        for root in (plan.builds.runtime, *plan.builds.roots)
        if any(stream.component.name == "lark" for stream in root.streams)
    }
    found = changed(before, after)
    assert {name for name in found if not name.startswith("specs/")} == ORDER | holding
    assert {name.split("/")[1] for name in found if name.startswith("specs/")} == {
        f"lark-{old}",
        f"lark-{new}",
    }


def test_another_upload_of_a_source_changes_its_list_alone(lock: Lock) -> None:
    plan = lock.plan
    streams = tuple(
        evolve(each, source=evolve(each.source, sha256=digest("another")))
        if each.component.name == "lark"
        else each
        for each in plan.streams
    )
    before = everything(plan, SETTINGS)
    (name,) = changed(before, everything(evolve(plan, streams=streams), SETTINGS))
    assert name.startswith("specs/lark-")
    assert name.endswith("/sources")
