"""Every profile that comes with the tool: complete, and planned on two Fedoras or explained."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from streamsolve.cli import main
from streamsolve.errors import ExitCode, NoPlanError
from streamsolve.explain import Command, failure_blocks, lay_out, plain
from streamsolve.inputs.base_definitions import find_definition
from streamsolve.inputs.profiles import load_profile
from streamsolve.inputs.shipped import profiles_directory
from streamsolve.planner import PlanRequest, make_plan

from .conftest import SHARED
from .rawbase import package_versions

BASES = ("fedora-44", "fedora-45")
CHECKOUT = f"{Path(__file__).parents[2]}/"
MACHINE = (CHECKOUT, "/opt/", "/home/", "/tmp/", "/root/", "localhost", "://pypi")
"""What a file that is made on some machine might say of it."""


def names() -> list[str]:
    return sorted(path.parent.name for path in profiles_directory().glob("*/profile.toml"))


def variants() -> list[tuple[str, str]]:
    """Read off the file itself, so that a profile that is broken fails alone."""
    found = []
    for name in names():
        text = (profiles_directory() / name / "profile.toml").read_text("utf-8")
        found += [(name, variant) for variant in tomllib.loads(text)["variants"]]
    return found


each_profile = pytest.mark.parametrize("name", names())
each_variant = pytest.mark.parametrize(("name", "variant"), variants())
each_base = pytest.mark.parametrize("base", BASES)


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Empty at first: what is not shipped is not at hand."""
    return tmp_path_factory.mktemp("cache")


def where(name: str, base: str) -> str:
    """The base by its name where an extract of it is shipped for the profile, which takes less
    time; else the whole of it."""
    shipped = profiles_directory() / name / "bases" / f"{base}-x86_64.jsonl"
    whole = SHARED / "data" / base
    return base if shipped.is_file() or not whole.is_dir() else str(whole)


def test_there_are_profiles() -> None:
    assert {"jax", "ramalama", "tensorflow", "vllm"} <= set(names())


@each_profile
def test_it_passes_its_check(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = profiles_directory() / name / "profile.toml"
    assert main(["profile", "check", str(path)]) == ExitCode.PLAN
    assert f" {name} " in capsys.readouterr().out


@each_profile
def test_it_says_what_it_is_and_where_it_is_from(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert profile.summary
    assert profile.homepage.startswith("https://")
    assert find_definition(profile.default_base) is not None
    assert profile.default_variant in {variant.name for variant in profile.variants}
    assert all(variant.summary for variant in profile.variants)


@each_profile
def test_its_files_say_nothing_of_the_machine_that_made_them(name: str) -> None:
    files = [p for p in sorted((profiles_directory() / name).rglob("*")) if p.is_file()]
    assert files
    for path in files:
        text = path.read_text("utf-8")
        assert [word for word in MACHINE if word in text] == [], path


@each_base
@each_variant
def test_each_variant_has_a_plan_or_an_explanation_with_components_and_a_next_step(
    name: str, variant: str, base: str, own_cache: Path
) -> None:
    place = where(name, base)
    request = PlanRequest(name, variant=variant, base=place, offline=True, cache=own_cache)
    try:
        plan = make_plan(request).plan
    except NoPlanError as error:
        failure = error.failure
    else:
        assert plan.variant == variant
        assert plan.streams
        return
    typed = Command(("streamsolve", "plan", name), (("--base", place), ("--offline", "")))
    text = plain(lay_out(failure_blocks(failure, typed), 200))
    assert failure.conflicts
    for conflict in failure.conflicts:
        assert conflict.chains or conflict.packages
        assert conflict.about.name in text
    assert re.search(r"^ +streamsolve \w+", text, re.MULTILINE), text


@pytest.mark.usefixtures("cache")
def test_the_command_ends_with_3_where_there_is_no_plan(
    shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["plan", "tensorflow", "--variant", "cuda", "--base", "fedora-45", "--offline"]
    assert main(words) == ExitCode.NO_PLAN
    told = capsys.readouterr().out
    has = package_versions(shared / "data" / "fedora-45")
    assert f"of gcc there is {has['gcc15']}, {has['gcc']}: none is <15" in told
    assert "streamsolve plan tensorflow --variant cuda --base fedora-44 --offline" in told
