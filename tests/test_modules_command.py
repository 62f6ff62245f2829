"""Module metadata read from real and from constructed documents, and the commands over it."""

from __future__ import annotations

import json
import lzma
import re
from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from streamsolve.cli import main
from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.inputs.module_documents import parse_modules
from streamsolve.inputs.module_indexes import read_module
from streamsolve.model.modules import ModuleDefaults, ModuleIndex, StreamChoice

from .commandworld import Ran

Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command; standard output and standard error apart."""
    monkeypatch.setenv("STREAMSOLVE_OFFLINE", "1")

    def ran(*arguments: str) -> Ran:
        capsys.readouterr()
        code = main(arguments)
        return Ran(code, *capsys.readouterr())

    return ran


@pytest.fixture(scope="module")
def stream9(shared: Path) -> Path:
    return shared / "data" / "centos-stream-9"


@pytest.fixture(scope="module")
def real_text(stream9: Path) -> str:
    (file,) = (stream9 / "appstream" / "repodata").glob("*modules.yaml.xz")
    return lzma.decompress(file.read_bytes()).decode()


@pytest.fixture(scope="module")
def real(real_text: str) -> ModuleIndex:
    return parse_modules(real_text, file="modules.yaml")


# -- the real repository ---------------------------------------------------------------------------


def test_every_stream_of_the_real_repository_is_read(real_text: str, real: ModuleIndex) -> None:
    documents = [part for part in real_text.split("\n---\n") if "document: modulemd\n" in part]
    expected = Counter(
        (re.search(r"\n  name: (.+)", part)[1], re.search(r'\n  stream: "?([^"\n]+)', part)[1])
        for part in documents
    )
    assert Counter((one.name, one.stream) for one in real.streams) == expected
    artifacts = re.findall(r"\n    - \S+-[0-9]+:\S+\.(?:src|noarch|x86_64|i686)(?=\n)", real_text)
    assert sum(len(one.artifacts) for one in real.streams) == len(artifacts)


def test_the_newest_build_of_each_stream_is_the_one_that_counts(real: ModuleIndex) -> None:
    newest = {one.key: one.version for one in real.newest()}
    for stream in real.streams:
        assert newest[stream.key] >= stream.version


def test_the_command_lists_the_modules_of_a_base(
    run: Run, stream9: Path, real: ModuleIndex
) -> None:
    done = run("modules", "list", "--base", str(stream9), "--json")
    assert done.code == 0, done.err
    listed = json.loads(done.out)["modules"]
    found = {(one["name"], each["stream"]) for one in listed for each in one["streams"]}
    assert found == {(one.name, one.stream) for one in real.streams}
    text = run("modules", "list", "--index", str(stream9)).out
    assert all(re.search(rf"^  {name} ", text, re.MULTILINE) for name in real.names)


def test_an_ambiguous_stream_lists_its_choices(run: Run, stream9: Path) -> None:
    done = run("modules", "show", "nodejs", "--base", str(stream9))
    assert done.code == 2
    assert "nodejs:18 nodejs:20 nodejs:22" in done.err


@pytest.mark.parametrize(("asked", "near"), [("ngnix", "nginx"), ("ruby:3.4", "3.3")])
def test_an_unknown_module_or_stream_names_the_nearest(
    run: Run, stream9: Path, asked: str, near: str
) -> None:
    done = run("modules", "show", asked, "--base", str(stream9))
    assert done.code == 2
    assert "SS210" in done.err
    assert near in done.err


def test_the_only_stream_of_a_module_needs_no_name(run: Run, stream9: Path) -> None:
    done = run("modules", "show", "maven", "--base", str(stream9), "--json")
    (build,) = json.loads(done.out)["builds"]
    assert (build["stream"], build["context"]) == ("3.8", "470dcefd")
    assert build["dependencies"] == [
        {
            "buildrequires": {"javapackages-tools": ["202201"], "platform": ["el9"]},
            "requires": {"platform": ["el9"]},
        }
    ]


def test_what_is_printed_for_programs_is_what_its_schema_says(
    run: Run, stream9: Path, tmp_path: Path
) -> None:
    schema = files("streamsolve").joinpath("schemas", "modules-1.schema.json").read_text("utf-8")
    validate = Draft202012Validator(json.loads(schema)).validate
    listed = json.loads(run("modules", "list", "--base", str(stream9), "--json").out)
    validate(listed)
    for module in listed["modules"]:
        for each in module["streams"]:
            name = f"{module['name']}:{each['stream']}"
            done = run("modules", "show", name, "--base", str(stream9), "--json")
            validate(json.loads(done.out))
    (tmp_path / "ended.yaml").write_text(
        "document: modulemd-obsoletes\nversion: 1\ndata:\n  module: shop\n  stream: '1'\n"
        "  modified: 2026-01-01T00:00Z\n  message: closed\n"
        "  obsoleted_by: {module: mall, stream: '2'}\n"
        "---\ndocument: modulemd\nversion: 2\ndata:\n  name: shop\n  stream: '1'\n  version: 1\n"
        "  context: c0ffee\n  arch: x86_64\n  summary: s\n  description: d\n"
        "  license: {module: [MIT]}\n  dependencies: [{requires: {platform: []}}]\n"
    )
    document = json.loads(run("modules", "list", "--index", str(tmp_path), "--json").out)
    assert document["modules"][0]["streams"][0]["ended"]["by"] == "mall:2"
    validate(document)
    with pytest.raises(ValidationError):
        validate({**document, "more": 1})


# -- expanding -------------------------------------------------------------------------------------

_SHOP = """\
document: modulemd
version: 2
data:
  stream: "1"
  dependencies:
  - buildrequires: {platform: [el9], nodejs: [18, 20], php: ["-8.1"]}
    requires: {platform: [el9], php: []}
  - buildrequires: {platform: [el9], nodjs: ["18"]}
"""


def test_expanding_prints_every_way_and_explains_the_group_that_has_none(
    run: Run, stream9: Path, tmp_path: Path
) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(_SHOP)
    done = run("modules", "expand", str(file), "--index", str(stream9))
    assert done.code == 0
    ways = json.loads(done.out)
    assert [(way["buildrequires"]["nodejs"], way["buildrequires"]["php"]) for way in ways] == [
        ("20", "8.3"),
        ("20", "8.2"),
        ("18", "8.3"),
        ("18", "8.2"),
    ]
    assert all(way["requires"]["php"] == way["buildrequires"]["php"] for way in ways)
    assert "shop needs nodjs:18 to build it" in done.err
    assert "did you mean nodejs?" in done.err


def test_the_first_ways_can_be_had_alone(run: Run, stream9: Path, tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(_SHOP)
    arguments = ["modules", "expand", str(file), "--index", str(stream9)]
    every = json.loads(run(*arguments).out)
    assert json.loads(run(*arguments, "--first").out) == every[:1]
    assert json.loads(run(*arguments, "--limit", "3").out) == every[:3]


def test_a_module_that_cannot_be_built_ends_with_3(run: Run, stream9: Path, tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(_SHOP.replace("[18, 20]", "[25]"))
    done = run("modules", "expand", str(file), "--index", str(stream9))
    assert (done.code, json.loads(done.out)) == (3, [])
    assert "there are the streams 18, 20, 22" in done.err


# -- documents -------------------------------------------------------------------------------------


def test_streams_stay_as_they_are_written() -> None:
    text = "document: modulemd\nversion: 2\ndata: {name: a, stream: 1.10, context: 0x1F}\n"
    (stream,) = parse_modules(text).streams
    assert (stream.stream, stream.context) == ("1.10", "0x1F")


def test_the_first_version_of_the_format_is_read() -> None:
    text = """\
document: modulemd
version: 1
data:
  name: a
  stream: f26
  dependencies: {buildrequires: {base-runtime: f26}, requires: {base-runtime: f26}}
"""
    (stream,) = parse_modules(text).streams
    choice = (("base-runtime", StreamChoice(("f26",))),)
    (group,) = stream.dependencies
    assert (group.buildrequires, group.requires) == (choice, choice)


def test_configurations_of_a_packager_each_have_their_platform_and_context() -> None:
    text = """\
document: modulemd-packager
version: 3
data:
  name: a
  stream: "1"
  configurations:
  - {context: NEW, platform: el9, buildrequires: {b: [2]}, requires: {b: [2]}}
  - {context: OLD, platform: el8}
"""
    (stream,) = parse_modules(text).streams
    told = {
        group.context: (dict(group.buildrequires), dict(group.requires))
        for group in stream.dependencies
    }
    el8, el9, b2 = StreamChoice(("el8",)), StreamChoice(("el9",)), StreamChoice(("2",))
    assert told == {
        "NEW": ({"b": b2, "platform": el9}, {"b": b2, "platform": el9}),
        "OLD": ({"platform": el8}, {"platform": el8}),
    }


def test_defaults_and_obsoletes_are_read() -> None:
    text = """\
---
document: modulemd-defaults
version: 1
data: {module: a, stream: 2, profiles: {1: [], 2: [server]}}
---
document: modulemd-obsoletes
version: 1
data:
  {module: a, stream: 1, modified: "2026-01-01T00:00Z", message: old,
   obsoleted_by: {module: a, stream: 2}}
---
document: modulemd
version: 2
data: {name: a, stream: 1}
---
document: modulemd-translations
version: 9
data: {}
"""
    index = parse_modules(text)
    assert index.defaults == (ModuleDefaults("a", "2", (("1", ()), ("2", ("server",)))),)
    assert index.default_of("a") == "2"
    (stream,) = index.streams
    end = index.end_of(stream)
    assert end is not None
    assert (end.message, end.by) == ("old", "a:2")


def test_repositories_that_recommend_different_streams_recommend_none() -> None:
    index = ModuleIndex(defaults=(ModuleDefaults("a", "1"), ModuleDefaults("a", "2")))
    assert index.default_of("a") == ""


def test_all_faults_of_a_file_are_told_with_their_lines() -> None:
    text = """\
document: modulemd
version: 2
data: {name: a, stream: "1", version: soon}
---
document: modulemd
version: 12
data: {}
---
document: modulemd
version: 2
data:
  name: b
  stream: "1"
  dependencies:
  - requires: {c: [1, -2]}
"""
    with pytest.raises(InputErrors) as caught:
        parse_modules(text, file="m.yaml")
    assert [(e.place.line, e.place.path) for e in caught.value.errors] == [
        (3, "data.version"),
        (6, "version"),
        (15, "data.dependencies[0].requires.c"),
    ]
    assert {error.code for error in caught.value.errors} == {Code.BROKEN_MODULES}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "a: *b",
        "- 1",
        "document: modulemd\nversion: 2\ndata: []",
        "document: modulemd\nversion: 2\n",
        "document: modulemd\nversion: 2\ndata: {name: [a]}",
        "document: modulemd\nversion: 2\ndata: {dependencies: [1]}",
        "document: modulemd\nversion: 2\ndata: {profiles: {x: {rpms: {}}}}",
        "[" * 5000,
        "\x00",
    ],
)
def test_what_is_no_module_metadata_is_an_error_with_a_place(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_modules(text, file="m.yaml")
    assert "m.yaml" in str(caught.value)


def test_a_file_with_several_modules_asks_which(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(
        "".join(
            f"---\ndocument: modulemd\nversion: 2\ndata: {{name: a, stream: {stream}}}\n"
            for stream in "12"
        )
    )
    with pytest.raises(InputError, match="2 modules: a:1, a:2"):
        read_module(file)
    assert read_module(file, "a:2").stream == "2"
    with pytest.raises(InputError, match="no module 'a:3'"):
        read_module(file, "a:3")


def test_a_directory_without_anything_is_an_error(run: Run, tmp_path: Path) -> None:
    done = run("modules", "list", "--index", str(tmp_path))
    assert done.code == 2
    assert "neither a repository nor a document" in done.err
