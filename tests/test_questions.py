"""Questions about a plan: why a stream is in it, and why another one is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from streamsolve.cli import main
from streamsolve.errors import InputError
from streamsolve.explain import lay_out, plain, why_blocks
from streamsolve.explain.question_text import chains_to
from streamsolve.model import distribution

from .smallworld import SmallWorld, dist, python, release


def small() -> SmallWorld:
    return SmallWorld(
        [python("3.14"), dist("c", "1")],
        [
            release("app", "1", "a", "b"),
            release("a", "1", "b"),
            release("b", "1", "c>=1"),
            release("c", "1"),
        ],
    )


def test_the_shortest_chain_comes_first(tmp_path: Path) -> None:
    chains = chains_to(small().plan(tmp_path), distribution("b"))
    assert [[str(d.requirement) for d in chain] for chain in chains] == [["b"], ["a", "b"]]


def test_why_names_the_origin_and_who_needs_it(tmp_path: Path) -> None:
    text = plain(lay_out(why_blocks(small().plan(tmp_path), "c"), 100))
    assert "c 1 is small's own" in text
    assert "app → b (app 1 METADATA) → c>=1" in text


def test_why_names_the_repository_of_the_package(tmp_path: Path) -> None:
    found = small().plan(tmp_path)
    streams = tuple(evolve(stream, repository="mine") for stream in found.streams)
    text = plain(lay_out(why_blocks(evolve(found, streams=streams), "c"), 100))
    assert "package python3-c from the repository mine" in text


def test_what_is_not_in_the_plan_names_what_is(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        why_blocks(small().plan(tmp_path), "bb")
    assert "bb is not in the plan" in str(raised.value)
    assert "did you mean b" in str(raised.value)


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main(list(words))
    return status, capsys.readouterr().out


def test_why_not_another_torch(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    status, text = ask(capsys, "why-not", "vllm", "torch==2.13.0", "--offline")
    assert status == 3
    assert "torch==2.13.0 cannot be had" in text
    assert "vllm 0.33.0 needs torch==2.14.0" in text


def test_why_not_offers_only_repairs_that_keep_the_demand(
    capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    status, text = ask(capsys, "why-not", "vllm", "numpy>=2.5", "--offline")
    assert status == 3
    assert "--relax 'numba:numpy<2.5,>=1.22'" in text
    assert "Relax numpy>=2.5" not in text


def test_the_repair_that_is_offered_works(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    words = ("why-not", "vllm", "numpy>=2.5", "--relax", "numba:numpy<2.5,>=1.22", "--offline")
    status, text = ask(capsys, *words)
    assert status == 0
    assert "Nothing forbids numpy>=2.5" in text


def test_why_not_tells_what_a_possible_demand_would_cost(
    capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    status, text = ask(capsys, "why-not", "vllm", "opentelemetry-sdk>=1.45", "--offline")
    assert status == 0
    assert "2 more private streams" in " ".join(text.split())
    assert "+ opentelemetry-exporter-otlp-common" in text


def test_why_not_a_newer_compiler_names_cuda(
    capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    status, text = ask(capsys, "why-not", "vllm", "toolchain:gcc>=16", "--offline")
    assert status == 3
    assert "cuda 13.0 needs gcc<16 (components/cuda.toml:" in text


def test_python_means_the_interpreter(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    status, text = ask(capsys, "why-not", "vllm", "python>=3.15", "--base", "fedora-45")
    assert status == 3
    assert "vllm 0.33.0 needs python>=3.11,<3.15" in text


def test_what_is_no_requirement_is_bad_input(
    capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    assert main(["why-not", "vllm", "torch==", "--offline"]) == 2
    assert "torch==" in capsys.readouterr().err


def test_everything_that_stands_against_a_question_is_told(
    capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    """The two share only what was asked for: who mends the first would meet the second."""
    status, text = ask(capsys, "plan", "vllm", "--variant", "rocm", "--python", "3.14", "--offline")
    assert status == 3
    assert "2 independent conflicts" in " ".join(text.split())
    assert "amd-quark" in text
    assert "mooncake-transfer-engine-rocm" in text
