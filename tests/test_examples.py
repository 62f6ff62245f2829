"""``examples/vllm``: its scripts run, and what they show is what is checked in.

``REGENERATE_EXAMPLES=1`` writes the outputs instead of comparing them.
"""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from pypi_simple import PYPI_SIMPLE_ENDPOINT

from streamsolve.copr import FarmOptions, plan_farm
from streamsolve.copr.source import CustomSource
from streamsolve.emit.grammar import Refusals
from streamsolve.emit.names import names_of
from streamsolve.planner.locking import load_lock
from streamsolve.storage import file_digest

from .conftest import ROOT
from .coprserver import CoprServer

EXAMPLE = ROOT / "examples" / "vllm"
OUTPUTS = EXAMPLE / "outputs"
URL = "https://packages.example/vllm.lock.json"
LARGEST = 32_000


@pytest.fixture(scope="module")
def made(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Everything that is checked in, made anew: text by name."""
    directory = tmp_path_factory.mktemp("vllm")
    (directory / "fedora-45").symlink_to(shared / "data" / "fedora-45")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {
        "PATH": path, "HOME": str(directory), "COLUMNS": "100", "LC_ALL": "C.UTF-8",
        "BASE": "./fedora-45", "STREAMSOLVE_OFFLINE": "1", "no_proxy": "*",
        "STREAMSOLVE_CACHE": str(directory / "cache"),
    }  # fmt: skip

    def run(*words: str) -> str:
        done = subprocess.run(
            words, cwd=directory, env=environment, capture_output=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    found = {"build.txt": run("sh", str(EXAMPLE / "build.sh"), "plan")}
    found["files.txt"] = listing(directory)
    found["chain.sh"] = cut((directory / "build" / "chain.sh").read_text(), 70)
    found["build-torch.cfg"] = cut((directory / "build/configs/build-torch.cfg").read_text(), 60)
    found["constraints.txt"] = (directory / "python" / "constraints.txt").read_text()
    found["pylock.toml"] = cut((directory / "python" / "pylock.toml").read_text(), 40)
    found["module.yaml"] = cut((directory / "module" / "vllm.modulemd.yaml").read_text(), 50)
    koji = (directory / "koji" / "koji.sh").read_text().splitlines(keepends=True)
    builds = next(number for number, line in enumerate(koji) if line.startswith("# level 1 "))
    found["koji.sh"] = cut("".join(koji[builds:]), 30)
    found["build-py.txt"] = run(sys.executable, str(EXAMPLE / "build.py"), "lib", "./fedora-45")
    source_packages(directory)
    with CoprServer(shared / "schemas") as server:
        (directory / ".config").mkdir(exist_ok=True)
        server.config_file(directory / ".config" / "copr")
        found["copr.txt"] = run("sh", str(EXAMPLE / "copr.sh"), "plan")
        assert server.violations == []
    found["copr-source.sh"] = script_for(directory, "anthropic@2.12.0")
    return found


def source_packages(directory: Path) -> None:
    """What `make srpms` would have made for sources of which the lock names no file."""
    plan = load_lock(directory / "vllm.lock.json").plan
    assert plan.builds is not None
    names = names_of(plan.builds, Refusals("")).sources
    unknown = {f"{s.component.spelled}@{s.version}" for s in plan.streams if not s.source.sha256}
    (directory / "build" / "srpms").mkdir()
    for stream in unknown & names.keys():
        (directory / "build" / "srpms" / names[stream]).write_bytes(stream.encode())


def script_for(directory: Path, build: str) -> str:
    """What COPR runs to make the sources of a build."""
    path = directory / "vllm.lock.json"
    options = FarmOptions(
        "packager", "vllm", ("fedora-45-x86_64",), lock_url=URL, lock_sha256=file_digest(path)
    )
    srpms = {each.name: "0" * 64 for each in (directory / "build" / "srpms").iterdir()}
    wanted = plan_farm(load_lock(path).plan, options, srpms, file=path.name).build(build)
    assert isinstance(wanted.source, CustomSource)
    return wanted.source.marked(wanted.marker)


def cut(text: str, lines: int) -> str:
    """The first lines of a text."""
    found = text.splitlines(keepends=True)
    if len(found) <= lines:
        return text
    return "".join(found[:lines]) + f"… and {len(found) - lines} lines more\n"


def listing(directory: Path) -> str:
    """The files that were written, by directory; long ones with their numbers only."""
    wanted = ("build", "python", "module", "koji")
    paths = [
        path.relative_to(directory)
        for top in wanted
        for path in sorted((directory / top).rglob("*"))
        if path.is_file()
    ]
    numbers = Counter(path.parent for path in paths)
    lines = [
        f"{parent}/: {number} files" for parent, number in sorted(numbers.items()) if number > 5
    ]
    lines += [str(path) for path in paths if numbers[path.parent] <= 5]
    return "\n".join(sorted(lines)) + "\n"


def test_the_outputs_are_those_that_are_checked_in(made: dict[str, str]) -> None:
    if os.environ.get("REGENERATE_EXAMPLES"):
        OUTPUTS.mkdir(exist_ok=True)
        for path in OUTPUTS.iterdir():
            path.unlink()
        for name, text in made.items():
            (OUTPUTS / name).write_text(text, encoding="utf-8")
    kept = {path.name: path.read_text("utf-8") for path in OUTPUTS.iterdir()}
    changes = [
        line
        for name in sorted(made.keys() | kept.keys())
        for line in difflib.unified_diff(
            kept.get(name, "").splitlines(), made.get(name, "").splitlines(), name, lineterm="", n=0
        )
    ]
    shown = "\n".join(changes[:60])
    assert not changes, f"{shown}\nREGENERATE_EXAMPLES=1 writes them anew"


def test_no_output_names_this_machine_or_an_index_or_is_large(made: dict[str, str]) -> None:
    host = PYPI_SIMPLE_ENDPOINT.split("/")[2]
    here = (f"{ROOT.parent}/", f"{tempfile.gettempdir()}/", f"{Path.home()}/", sys.prefix)
    for name, text in made.items():
        assert host not in text, name
        assert "127.0.0.1" not in text, name
        for place in here:
            assert place not in text, (name, place)
        assert len(text.encode()) < LARGEST, name


def test_the_readme_names_every_file_of_the_example() -> None:
    text = (EXAMPLE / "README.md").read_text("utf-8")
    files = [path.name for path in EXAMPLE.iterdir() if path.is_file() and path.name != "README.md"]
    for name in (*files, *(f"outputs/{path.name}" for path in OUTPUTS.iterdir())):
        assert name in text, name


@pytest.mark.parametrize("script", ["build.sh", "copr.sh"])
def test_a_script_is_one_that_the_shell_can_read(script: str) -> None:
    check = subprocess.run(["sh", "-n", str(EXAMPLE / script)], check=False, timeout=20)
    assert check.returncode == 0
