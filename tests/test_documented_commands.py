"""Every command that README and docs show is run, or is on a list that says why not."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from streamsolve.cli import main
from streamsolve.cli.root import root

from .conftest import ROOT
from .documented import NOT_RUN, RUN, Run, documented_commands, not_run, pages
from .localindex import LocalIndex, sdist, wheel
from .localserver import without_proxies

COMMANDS = dict.fromkeys(command for _, command in documented_commands(ROOT))

LOCKS = {
    "LOCK": "{0}/httpie/profile.toml",
    "vllm.lock.json": "vllm",
    "nvidia.lock.json": "nvidia-open",
}
"""What is locked for the commands, by the name of the file; one that pages call LOCK is small."""

SHOP = """\
document: modulemd-packager
version: 3
data:
  name: shop
  stream: "1"
  summary: A shop
  description: A shop
  license: [MIT]
  configurations:
    - context: A
      platform: el9
      buildrequires: {php: [8.3]}
      requires: {php: [8.3]}
"""
CRATES = """\
version = 4
[[package]]
name = "goose"
version = "1.50.0"
dependencies = ["serde"]
[[package]]
name = "serde"
version = "1.0.228"
source = "registry+https://github.com/rust-lang/crates.io-index"
"""
DEBIAN = """\
Package: python3
Version: 3.13.5-1
Architecture: amd64
Provides: python3-supported-min (= 3.13), python3-supported-max (= 3.13)

Package: python3-numpy
Version: 1:2.2.4+ds-1
Architecture: amd64
Depends: python3 (>= 3.13)
"""


# -- what there is ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def index() -> Iterator[LocalIndex]:
    """An index with one small application: all else is in the extracts that come with the tool."""
    build = {"pyproject.toml": '[build-system]\nrequires = ["setuptools"]\n'}
    files = (
        wheel("httpie", "3.2.4", "requests>=2", "pysocks>=1"),
        sdist("httpie", "3.2.4", build),
        wheel("pysocks", "1.7.1"),
        sdist("pysocks", "1.7.1", build),
    )
    with LocalIndex(*files) as running:
        yield running


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, shared: Path, index: LocalIndex) -> Path:
    """A directory with what the commands read: locks, a profile, a module, a list of packages."""
    place = tmp_path_factory.mktemp("documented")
    monkeypatch = pytest.MonkeyPatch()
    around(monkeypatch, place, index)
    texts = {
        "shop.yaml": SHOP,
        "requirements.txt": "numpy>=2\nsix\n",
        "goose/Cargo.lock": CRATES,
        "httpie/profile.toml": six_lines(),
        "mirror/debian/dists/stable/main/binary-amd64/Packages": DEBIAN,
    }
    for path, text in texts.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text, encoding="utf-8")
    for empty in ("empty", "sources"):
        (place / empty).mkdir()
    lock = ["lock", "--base", str(shared / "data" / "fedora-45")]
    for name, application in LOCKS.items():
        assert main([*lock, application.format(place), "-o", str(place / name)]) == 0
    for name in ("OLD", "NEW", "old.lock.json", "old", "new"):
        shutil.copy(place / "LOCK", place / name)
    shutil.copy(place / "vllm.lock.json", place / "new.lock.json")
    monkeypatch.undo()
    return place


def around(monkeypatch: pytest.MonkeyPatch, place: Path, index: LocalIndex) -> None:
    """No network, no settings of this machine; the cache is that of all commands."""
    without_proxies(monkeypatch)
    monkeypatch.setenv("STREAMSOLVE_CACHE", str(place / "cache"))
    monkeypatch.setenv("STREAMSOLVE_INDEX_URL", index.endpoint)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place / "config"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(place / "config"))


def six_lines() -> str:
    """The whole profile that docs/profile-format.md shows."""
    text = (ROOT / "docs" / "profile-format.md").read_text("utf-8")
    shown = re.search(r"`httpie/profile\.toml`:\n\n((?:    .*\n)+)", text)
    assert shown is not None
    return "".join(line[4:] for line in shown[1].splitlines(keepends=True))


# -- what is shown is what is done -----------------------------------------------------------------


def test_every_command_is_run_or_says_why_not() -> None:
    assert [each for each in COMMANDS if each not in RUN and not not_run(each)] == []


def test_no_list_names_a_command_that_no_page_shows() -> None:
    assert [each for each in (*RUN, *NOT_RUN) if each not in COMMANDS] == []
    assert not RUN.keys() & NOT_RUN.keys()


@pytest.mark.parametrize("command", RUN)
def test_a_documented_command_ends_as_told(
    command: str,
    made: Path,
    index: LocalIndex,
    shared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for each in made.iterdir():
        if each.name not in ("cache", "config"):
            (shutil.copytree if each.is_dir() else shutil.copy)(each, tmp_path / each.name)
    around(monkeypatch, made, index)
    monkeypatch.chdir(tmp_path)
    run = RUN[command]
    words = typed(command, run, shared / "data")
    code = main(words)
    out, err = capsys.readouterr()
    assert code == run.ends, f"{shlex.join(words)}\n{err}{out}"
    assert out.strip()
    if "--json" in words:
        assert json.loads(out)["schema"].startswith("streamsolve.")


def typed(command: str, run: Run, data: Path) -> list[str]:
    """The words behind ``streamsolve``, with a base of the test data in the place of a name."""
    text = command.replace(run.words, run.instead, 1) if run.words else command
    text = re.sub(r"~/repos/|(?<=--base )(?=fedora-4[45])", "{data}/", f"{text} {run.more}")
    text = text.replace("{data}", str(data)).replace("{hosts}", str(ROOT / "tests" / "hosts"))
    text = text.replace("NAME@", "registry.example/app@").replace("IMAGE@", "registry.example/b@")
    text = text.replace("@sha256:…", f"@sha256:{'0' * 64}")
    text = text.replace("=URL", "=https://mirror.example/r")
    return shlex.split(text)[1:]


PROGRAMS = {
    page.name: program
    for page in pages(ROOT)
    for program in re.findall(r"\n```python\n(.*?)```", page.read_text("utf-8"), re.S)
}
"""The Python of each page that has some."""

NOT_RUN_PROGRAMS = {
    "build.md": "needs sources; what it does is in tests/test_building_schedule.py",
    "copr.md": "asks COPR; examples/vllm does the same on a server of the tests",
    "emit-specs.md": "needs a spec; what it does is in tests/test_emit_specs_base.py",
}
"""Of these only what is imported is looked at."""


@pytest.mark.parametrize("page", PROGRAMS)
def test_the_python_of_a_page_runs(
    page: str, made: Path, index: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    around(monkeypatch, made, index)
    monkeypatch.chdir(tmp_path)
    for name in ("vllm.lock.json", "old", "new"):
        shutil.copy(made / name, name)
    program = ast.parse(PROGRAMS[page])
    if page in NOT_RUN_PROGRAMS:
        program.body = [
            one for one in program.body if isinstance(one, (ast.Import, ast.ImportFrom))
        ]
        assert program.body
    exec(compile(program, page, "exec"), {"__name__": page})


# -- what is named is there ------------------------------------------------------------------------


def options_of(command: click.Command) -> set[str]:
    """Its options, long and short."""
    names = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    return names | {"--help", "-h"}


def commands(
    group: click.Command, path: tuple[str, ...] = ()
) -> dict[tuple[str, ...], click.Command]:
    """Every command, by its words."""
    found = {path: group}
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            one = group.get_command(context, name)
            assert one is not None
            found |= commands(one, (*path, name))
    return found


def spoken_of(page: Path) -> Iterator[str]:
    """Every ``streamsolve …`` of a page, in blocks or within a sentence."""
    yield from (text for name, text in documented_commands(ROOT) if name == page.name)
    text = re.sub(r"\n```.*?\n```", "", page.read_text("utf-8"), flags=re.S)
    for each in re.findall(r"`(streamsolve [^`]+)`", text):
        yield " ".join(each.split())


@pytest.mark.parametrize("page", pages(ROOT), ids=lambda page: page.name)
def test_commands_and_their_options_are_there(page: Path) -> None:
    known = commands(root)
    missing = []
    for text in spoken_of(page):
        words = re.sub(r"[\"'#|\\]", " ", text).split()
        if words[0] != "streamsolve":
            continue
        path: tuple[str, ...] = ()
        for word in words[1:]:
            if (*path, word) not in known:
                break
            path = (*path, word)
        options = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
        missing += [f"{text}: {each}" for each in options if each not in options_of(known[path])]
        if not path and len(words) > 1 and not words[1].startswith("-"):
            missing.append(text)
    assert missing == []


def test_help_shows_which_arguments_may_be_left_out() -> None:
    for path, one in commands(root).items():
        context = click.Context(one)
        for argument in (each for each in one.params if isinstance(each, click.Argument)):
            shown = argument.make_metavar(context)
            assert shown.startswith("[") is not argument.required, (path, shown)


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links."""
    text = re.sub(r"\n```.*?\n```", "", page.read_text("utf-8"), flags=re.S)
    titles = re.findall(r"^#+ +(.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", pages(ROOT), ids=lambda page: page.name)
def test_links_lead_to_pages_and_headings_that_are_there(page: Path) -> None:
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        file, _, heading = link.partition("#")
        target = page.parent / file if file else page
        if link.startswith("https://"):
            continue
        if not target.exists() or (heading and heading not in anchors(target)):
            dead.append(link)
    assert dead == []
