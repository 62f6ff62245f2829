"""``streamsolve profile new``: a first profile plans at once, and says what it could not know."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streamsolve.errors import InputErrors
from streamsolve.inputs.profiles import load_profile
from streamsolve.inputs.project_description import describe_project, repository_purl
from streamsolve.model.component import Component, Kind

from .commandworld import CommandWorld
from .draftworld import BASE, COMPILED, marks, new, plans, publish, written
from .smallworld import package


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandWorld:
    made = CommandWorld(tmp_path, monkeypatch, capsys)
    made.ships("six", "1.16")
    return made


# -- five distributions of differing kinds ---------------------------------------------------------


def test_a_pure_distribution_plans_at_once_and_leaves_nothing_to_decide(
    world: CommandWorld,
) -> None:
    facts = ("Summary: Does it", "License-Expression: MIT", "Project-URL: Homepage, https://a.b/c")
    publish(world, "tool", "1.0", "six", fields=facts)
    publish(world, "tool", "1.2", "six>=1.10", fields=facts)
    publish(world, "tool", "2.0rc1", fields=facts)
    ran = new(world, "pypi:tool")
    assert ran.code == 0, ran.err
    assert ran.says("wrote tool/profile.toml", "Does it", "MIT", "Nothing is left to decide")
    assert ran.says("Next: streamsolve plan tool/profile.toml --base ./base")
    data = written(world)
    assert (data["name"], data["version"], data["summary"]) == ("tool", "1.2", "Does it")
    assert data["homepage"] == "https://a.b/c"
    assert data["variants"] == {"default": {"requirements": "wheel"}}
    assert marks(world) == []
    streams = plans(world)
    assert (streams["six"]["origin"], streams["tool"]["origin"]) == ("base", "private")


def test_what_is_compiled_is_asked_for_its_libraries(world: CommandWorld) -> None:
    publish(world, "tool", "1", "fast")
    publish(world, "fast", "3", tag=COMPILED)
    assert new(world, "pypi:tool").code == 0
    assert marks(world) == ["fast is compiled: which libraries of the base does that need?"]
    text = (world.directory / "tool/profile.toml").read_text("utf-8")
    assert '# [[build]]\n# component = "fast"\n' in text
    assert "build" not in written(world)
    assert plans(world)["fast"]["version"] == "3"


def test_what_has_no_sdist_gets_its_repository_or_its_wheel(world: CommandWorld) -> None:
    publish(world, "tool", "1", "open", "shut")
    link = "Project-URL: Source, https://github.com/some/open.git/tree/main"
    publish(world, "open", "2", tag=COMPILED, source=False, fields=(link,))
    publish(world, "shut", "3", source=False, fields=("License-Expression: BSD-3-Clause",))
    ran = new(world, "pypi:tool")
    assert ran.code == 0, ran.out + ran.err
    data = written(world)
    assert data["source"] == [{"component": "open", "purl": "pkg:github/some/open@v{version}"}]
    (prebuilt,) = data["prebuilt"]
    assert (prebuilt["component"], prebuilt["licence"]) == ("shut", "BSD-3-Clause")
    told = marks(world)
    assert any(mark.startswith("open has no sdist") for mark in told)
    assert any(mark.startswith("shut has no sdist") for mark in told)
    streams = plans(world)
    assert streams["open"]["source"]["purl"] == "pkg:github/some/open@v2"
    assert streams["shut"]["prebuilt"] is True


def publish_for_cuda(world: CommandWorld) -> None:
    publish(world, "tool", "1", "nvidia-cuda-runtime==13.0.88", "nvidia-cublas")
    for name, version in (("nvidia-cuda-runtime", "13.0.88"), ("nvidia-cublas", "13.1.0.3")):
        licence = "License-Expression: LicenseRef-NVIDIA-Proprietary"
        publish(world, name, version, source=False, fields=(licence,))


def test_what_needs_nvidias_wheels_takes_nvidias_packages(world: CommandWorld) -> None:
    publish_for_cuda(world)
    world.has(package("gcc15", "15.2"))
    world.has(package("glibc", "2.41"))
    ran = new(world, "pypi:tool")
    assert ran.code == 0, ran.out + ran.err
    data = written(world)
    assert "streamsolve:components/cuda.toml" in data["include"]
    assert data["variants"]["default"]["needs"] == ["accelerator:cuda ==13.0"]
    (mark,) = marks(world)
    assert mark.startswith("the plan uses NVIDIA's packages for CUDA 13.0: is this")
    streams = plans(world)
    assert streams["nvidia-cublas"]["origin"] == "external"
    assert streams["nvidia-cublas"]["package"] == "libcublas-13-0"


def test_a_cuda_that_the_base_cannot_hold_is_told_and_left_to_decide(world: CommandWorld) -> None:
    publish_for_cuda(world)
    ran = new(world, "pypi:tool")
    # Its packages have the release of CUDA in their names, so that there is no plan without one.
    assert (ran.code, ran.says("it has no plan on base yet", "gcc")) == (3, True)
    assert written(world)["variants"]["default"]["needs"] == ["accelerator:cuda"]
    (mark,) = marks(world)
    assert "named by the release of accelerator:cuda: which one is to be shipped?" in mark
    assert world.run("profile", "check", "tool/profile.toml").code == 0


def test_what_an_older_python_is_asked_for_gets_one(world: CommandWorld) -> None:
    publish(world, "tool", "1", "six", python=">=3.11,<3.14")
    publish(world, "six", "1.16")
    ran = new(world, "pypi:tool")
    assert ran.code == 0, ran.out + ran.err
    assert written(world)["interpreters"] == ["3.13", "3.12", "3.11"]
    assert ran.says("with Python 3.13 (the base has 3.14)")
    assert plans(world)["python"]["version"].startswith("3.13")


# -- what else the index can say -------------------------------------------------------------------


def test_a_version_can_be_pinned_in_two_ways_and_contradicted_in_neither(
    world: CommandWorld,
) -> None:
    for version in ("1.0", "1.5", "2.0"):
        publish(world, "tool", version)
    assert new(world, "pypi:tool==1.0").code == 0
    assert written(world)["version"] == "1.0"
    assert new(world, "pypi:tool", "--version", "1.5", "--force").code == 0
    assert written(world)["version"] == "1.5"
    both = new(world, "pypi:tool==1.0", "--version", "1.5", "--force")
    assert both.code == 2
    assert both.says("SS119", "two versions")
    missing = new(world, "pypi:tool==3", "--force")
    assert missing.code == 2
    assert missing.says("SS302", "newest releases: 2.0, 1.5, 1.0")
    assert written(world)["version"] == "1.5"


def test_extras_become_suggestions_and_accelerators_variants(world: CommandWorld) -> None:
    extras = tuple(f"Provides-Extra: {name}" for name in ("cuda12", "socks", "dev", "test"))
    needs = ('six; extra == "socks"', 'missing; extra == "dev"')
    publish(world, "tool", "1", *needs, fields=extras)
    assert new(world, "pypi:tool").code == 0
    text = (world.directory / "tool/profile.toml").read_text("utf-8")
    assert '# needs = ["tool[socks]"]' in text
    assert "# [variants.cuda12]" in text
    assert "tool[dev]" not in text
    assert "tool[test]" not in text
    # What is suggested can be taken by deleting the comment signs.
    taken = re.sub(r"^# (\[|needs|summary|requirements)", r"\1", text, flags=re.MULTILINE)
    (world.directory / "tool/profile.toml").write_text(taken, encoding="utf-8")
    assert plans(world)["six"]["origin"] == "base"
    assert {v.name for v in load_profile("tool/profile.toml").variants} == {"default", "cuda12"}


def test_a_proprietary_distribution_is_its_vendors_to_bring(world: CommandWorld) -> None:
    publish(world, "tool", "1", "closed")
    licence = "License-Expression: LicenseRef-Proprietary"
    publish(world, "closed", "4", fields=(licence,))
    assert new(world, "pypi:tool").code == 0
    (external,) = written(world)["external"]
    assert external["component"] == "closed"
    assert any("proprietary" in mark for mark in marks(world))
    assert plans(world)["closed"]["origin"] == "external"


def test_what_the_base_ships_under_another_name_is_suggested(world: CommandWorld) -> None:
    publish(world, "tool", "1", "seven")
    publish(world, "seven", "7")
    world.has(
        package(
            "python3-seven",
            "7",
            provides=["python3.14dist(heptad) = 7", "python3dist(heptad) = 7"],
            requires=["python(abi) = 3.14"],
        )
    )
    assert new(world, "pypi:tool").code == 0
    assert any("python3-seven provides heptad" in mark for mark in marks(world))
    file = world.directory / "tool/profile.toml"
    taken = file.read_text("utf-8").replace("# [names]", "[names]")
    file.write_text(taken.replace("# seven = ", "seven = "), encoding="utf-8")
    assert plans(world)["seven"]["origin"] == "base"


def test_a_name_that_only_the_base_knows_is_mapped(world: CommandWorld) -> None:
    publish(world, "tool", "1", "seven")
    world.has(
        package(
            "python3-seven",
            "7",
            provides=["python3.14dist(heptad) = 7", "python3dist(heptad) = 7"],
            requires=["python(abi) = 3.14"],
        )
    )
    assert new(world, "pypi:tool").code == 0
    assert written(world)["names"] == {"seven": "heptad"}
    assert plans(world)["seven"]["package"] == "python3-seven"


def test_an_older_release_that_has_an_sdist_is_taken_and_that_is_said(world: CommandWorld) -> None:
    publish(world, "tool", "1", "part")
    publish(world, "part", "1.0")
    publish(world, "part", "2.0", source=False)
    assert new(world, "pypi:tool").code == 0
    assert plans(world)["part"]["version"] == "1.0"
    assert any(
        mark.startswith("part 2.0 has no sdist on the index, so 1.0") for mark in marks(world)
    )


def test_a_shipped_source_of_a_newer_release_is_included(world: CommandWorld) -> None:
    publish(world, "tool", "1", "triton")
    publish(world, "triton", "1.0", tag=COMPILED)
    publish(world, "triton", "3.8.0", tag=COMPILED, source=False)
    world.has(package("gcc"))
    assert new(world, "pypi:tool").code == 0
    assert "streamsolve:components/torch.toml" in written(world)["include"]
    assert plans(world)["triton"]["version"] == "3.8.0"


def test_an_application_without_sdist_is_asked_for_its_source(world: CommandWorld) -> None:
    publish(world, "tool", "1", source=False)
    assert new(world, "pypi:tool").code == 0
    assert written(world)["source"][0]["component"] == "tool"
    assert any("tool itself has no sdist" in mark for mark in marks(world))
    assert plans(world)["tool"]["version"] == "1"


def test_without_a_plan_the_profile_is_written_and_the_reason_told(world: CommandWorld) -> None:
    publish(world, "tool", "1", "six>=2")
    ran = new(world, "pypi:tool")
    assert ran.code == 3
    assert ran.says("wrote tool/profile.toml", "it has no plan on base yet")
    assert ran.says("No plan exists", "six>=2")
    assert written(world)["version"] == "1"
    assert world.run("profile", "check", "tool/profile.toml").code == 0


def test_another_version_that_plans_can_be_drafted_by_the_command_that_is_told(
    world: CommandWorld,
) -> None:
    publish(world, "tool", "1", "six")
    publish(world, "tool", "2", "gone==2")
    publish(world, "gone", "1")
    ran = new(world, "pypi:tool")
    assert ran.code == 3
    command = "streamsolve profile new tool --from pypi:tool --base ./base --version 1 --force"
    assert ran.says("To draft another version", command)
    assert world.run(*command.split()[1:]).code == 0
    assert written(world)["version"] == "1"


def test_what_is_said_of_several_is_said_once(world: CommandWorld) -> None:
    for name in ("one", "two", "three"):
        publish(world, name, "1", tag=COMPILED)
    publish(world, "tool", "1", "one", "two", "three")
    ran = new(world, "pypi:tool")
    assert len(marks(world)) == 3
    told = "each is compiled: which libraries of the base does that need? (one, three, two)"
    assert ran.says(told)


def test_a_base_that_cannot_be_reached_does_without(world: CommandWorld) -> None:
    publish(world, "tool", "1", "six")
    publish(world, "six", "1.16")
    gone = "http://127.0.0.1:9/nothing"
    ran = new(world, "pypi:tool", "--repo", f"more={gone}")
    assert ran.code == 0, ran.err
    assert ran.says("cannot be had", "tried without a base", "--base DIRECTORY")
    assert written(world)["default-base"].startswith("fedora-")


def test_a_base_that_is_none_is_a_fault(world: CommandWorld) -> None:
    publish(world, "tool", "1")
    ran = world.run("profile", "new", "tool", "--from", "pypi:tool", "--base", "./nothing")
    assert ran.code == 2
    assert ran.says("SS201")
    assert not (world.directory / "tool").exists()


def test_drafts_are_the_same_bytes_whatever_their_order(world: CommandWorld) -> None:
    for name in ("b", "a", "c"):
        publish(world, name, "1", tag=COMPILED, source=False)
    publish(world, "tool", "1", "c", "a", "b")
    assert new(world, "pypi:tool").code == 0
    first = (world.directory / "tool/profile.toml").read_bytes()
    publish(world, "tool", "1", "b", "c", "a")
    assert new(world, "pypi:tool", "--force").code == 0
    assert (world.directory / "tool/profile.toml").read_bytes() == first
    assert str(world.directory).encode() not in first


# -- what is refused -------------------------------------------------------------------------------


def test_nothing_is_written_over_but_by_force(world: CommandWorld) -> None:
    publish(world, "tool", "1")
    file = world.directory / "tool/profile.toml"
    file.parent.mkdir()
    file.write_text("mine", encoding="utf-8")
    ran = new(world, "pypi:tool")
    assert ran.code == 2
    assert ran.says("SS121", "--force")
    assert file.read_text("utf-8") == "mine"
    assert new(world, "pypi:tool", "--force").code == 0
    assert written(world)["name"] == "tool"
    elsewhere = new(world, "pypi:tool", "-o", "else/where")
    assert elsewhere.code == 0
    assert elsewhere.says("wrote else/where/tool/profile.toml")


def test_a_shipped_name_is_refused(world: CommandWorld) -> None:
    publish(world, "tool", "1")
    ran = new(world, "pypi:tool", name="vllm")
    assert ran.code == 2
    assert ran.says("SS121", "a profile 'vllm' comes with streamsolve")
    assert new(world, "pypi:tool", "--force", name="vllm").code == 0
    assert written(world, "vllm")["distribution"] == "tool"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("pipy:tool", "did you mean pypi?"),
        ("tool", "pypi:NAME, spec:FILE, cargo:DIR or npm:DIR"),
        ("npm:", "does not say what to draft from"),
        ("pypi:to ol", "no name of a Python distribution"),
        ("pypi:nowhere", "no such distribution"),
        ("pypi:tool==one", "no version as PEP 440 defines it"),
        ("cargo:nowhere", "there is no such directory"),
        ("cargo:.", "there is no Cargo.toml in it"),
        ("npm:.", "there is no package.json in it"),
        ("npm:file.txt", "give the directory that it is in"),
        ("spec:nowhere.spec", "no such file"),
    ],
)
def test_a_source_that_is_none_says_what_was_looked_for(
    world: CommandWorld, source: str, told: str
) -> None:
    publish(world, "tool", "1")
    (world.directory / "file.txt").write_text("", encoding="utf-8")
    ran = new(world, source)
    assert (ran.code, ran.says(told)) == (2, True), ran.err
    assert not (world.directory / "tool").exists()


@pytest.mark.parametrize("name", ["../up", "", ".", "a b", "-x", "n" * 10_000])
def test_a_name_that_is_none_is_refused(world: CommandWorld, name: str) -> None:
    ran = world.run("profile", "new", "--from", "pypi:tool", *BASE, "--", name)
    assert ran.code == 2
    assert ran.says("SS105")


def test_an_option_that_drafts_do_not_have_is_refused(world: CommandWorld) -> None:
    assert new(world, "pypi:tool", "--variant", "cuda").code == 2


# -- metadata as people and machines write it ------------------------------------------------------

HOSTILE = '"""\n[policy]\nproprietary = ["private"]\n# \\u0041 {{7*7}} $(id) %(id) \x1b[31m \u202e'


def test_hostile_metadata_stays_a_string_or_a_comment(world: CommandWorld) -> None:
    folded = HOSTILE.replace("\n", "\n        ")
    fields = (
        f"Summary: {folded}",
        f"License: {folded}",
        'Project-URL: Homepage, https://x.y/"\\evil',
        "Project-URL: Source, https://github.com/../..",
        f"Provides-Extra: {'x' * 200}",
    )
    publish(world, "tool", "1", "shut", fields=fields)
    publish(world, "shut", "1", source=False, fields=fields)
    ran = new(world, "pypi:tool")
    assert ran.code == 0, ran.out + ran.err
    data = written(world)
    assert "policy" not in data
    assert data["name"] == "tool"
    assert set(data["variants"]) == {"default"}
    text = (world.directory / "tool/profile.toml").read_text("utf-8")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert plans(world)["shut"]["prebuilt"] is True


def test_only_addresses_that_say_owner_and_repository_are_a_source() -> None:
    def purl(*urls: str) -> str:
        return repository_purl([("Source", url) for url in urls])

    assert purl("https://github.com/a/b.git") == "pkg:github/a/b"
    assert purl("https://gitlab.com/a/b/-/tree/main") == "pkg:gitlab/a/b"
    for other in (
        "https://github.com/a",
        "https://github.com/sponsors/a",
        "https://example.org/a/b",
        "https://github.com/a/..",
        "https://github.com/a/b c",
        "ftp://github.com/a/b",
        "https://[github.com/a/b",
    ):
        assert purl(other) == "", other
    assert (
        repository_purl(
            [("Homepage", "https://github.com/a/site"), ("Source Code", "https://github.com/a/b")]
        )
        == "pkg:github/a/b"
    )


def test_a_description_takes_the_home_page_from_where_it_is_stated() -> None:
    head = "Metadata-Version: 2.4\nName: a\nVersion: 1\n"
    old = describe_project(f"{head}Home-page: https://a.b\nSummary: x\n  y\n")
    assert (old.homepage, old.summary) == ("https://a.b", "x y")
    new_way = describe_project(
        f"{head}Project-URL: Docs, https://d\nProject-URL: Home, https://h\n"
    )
    assert new_way.homepage == "https://h"
    assert describe_project(head).homepage == ""


# -- files that come with the tool -----------------------------------------------------------------


def test_a_profile_anywhere_can_include_what_comes_with_the_tool(tmp_path: Path) -> None:
    file = tmp_path / "profile.toml"
    head = 'schema = "streamsolve.profile/1"\nname = "x"\nversion = "1"\ndefault-base = "b"\n'
    tail = '[variants.only]\nrequirements = "wheel"\n'
    file.write_text(f'{head}include = ["streamsolve:components/toolchain.toml"]\n{tail}')
    rules = load_profile(str(file)).rules
    assert Component(Kind.TOOLCHAIN, "gcc") in {rule.component for rule in rules}
    for wrong in ("streamsolve:components/none.toml", "streamsolve:../../x.toml", "streamsolve:"):
        file.write_text(f'{head}include = ["{wrong}"]\n{tail}', encoding="utf-8")
        with pytest.raises(InputErrors, match="does not come with streamsolve"):
            load_profile(str(file))
