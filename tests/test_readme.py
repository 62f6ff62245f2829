"""What the README shows is what the command prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from .conftest import ROOT


def test_the_readme_shows_the_first_lines_of_a_plan(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    block = re.search(r"```console\n\$ streamsolve plan vllm\n(?P<shown>.*?)\n…\n```", text, re.S)
    assert block is not None
    environment = {**os.environ, "COLUMNS": "88", "STREAMSOLVE_CACHE": str(tmp_path)}
    environment.pop("STREAMSOLVE_BASE", None)
    done = subprocess.run(
        [sys.executable, "-m", "streamsolve", "plan", "vllm", "--offline"],
        cwd=tmp_path, env=environment, capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.decode().startswith(block["shown"])


def test_the_example_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "vllm" / "plan.py")],
        cwd=tmp_path, capture_output=True, check=True, timeout=120,
        env={**os.environ, "STREAMSOLVE_CACHE": str(tmp_path)},
    )  # fmt: skip
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith("vllm 0.33.0 (cuda) on fedora-44: ")
    assert lines[1].split()[:4] == ["180", "min", "torch", "2.14.0"]
