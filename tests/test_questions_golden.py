"""Real questions about vLLM, and the very texts that answer them.

`REGENERATE_GOLDEN=1 pytest tests/test_questions_golden.py` writes the texts again; read the
difference before it is kept.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from streamsolve.cli import main

from .conftest import ROOT

GOLDEN = Path(__file__).parent / "golden" / "why-not"

QUESTIONS = {
    "another-torch": ("torch==2.13.0", "fedora-45"),
    "the-python-of-the-base": ("python>=3.15", "fedora-45"),
    "the-setuptools-of-the-base": ("setuptools>=83", "fedora-45"),
    "an-old-numpy": ("numpy<2", "fedora-45"),
    "a-newer-compiler": ("toolchain:gcc>=16", "fedora-45"),
    "a-newer-cuda": ("accelerator:cuda==13.2", "fedora-45"),
    "an-old-transformers": ("transformers<5", "fedora-45"),
    "a-name-that-nobody-has": ("numpi", "fedora-45"),
    "a-newer-fastapi": ("fastapi>=0.139", "fedora-44"),
    "an-old-protobuf": ("protobuf<6", "fedora-44"),
    "a-certifi-that-is-not-there": ("certifi>=2026.10.19", "fedora-44"),
    "a-newer-python-for-rocm": ("python>=3.14", "fedora-45", "--variant", "rocm"),
}


@pytest.fixture(scope="module")
def kept_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all: the bases are read once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def asked(shared: Path, kept_cache: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A terminal of eighty columns without colour, in the checkout."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("STREAMSOLVE_CACHE", str(kept_cache))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    return monkeypatch


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_the_answer_reads_as_it_did(
    name: str, asked: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    question, base, *options = QUESTIONS[name]
    words = ["why-not", "vllm", question, "--base", f"../shared/data/{base}", *options, "--offline"]
    status = main(words)
    output = capsys.readouterr()
    # Before a fault there may be lines that tell what took long.
    text = output.out or output.err[output.err.index("✗") :]
    assert status in (0, 2, 3)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("REGENERATE_GOLDEN"):
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def test_every_text_belongs_to_a_question() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(QUESTIONS)
