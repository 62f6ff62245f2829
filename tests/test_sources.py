"""``streamsolve sources`` on a small index, with real source packages of a small base."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from packaging.version import Version

from streamsolve.building.sources import WantedFile, bring_sources, source_needs
from streamsolve.cli.root import run
from streamsolve.errors import Code, InputErrors
from streamsolve.explain import lay_out, plain
from streamsolve.explain.lock_text import lock_blocks
from streamsolve.inputs.index import PackageIndex
from streamsolve.inputs.transport import Transport
from streamsolve.lock import lock_text
from streamsolve.model.component import Origin
from streamsolve.model.plan import Plan
from streamsolve.model.stream import Source

from .commandworld import CommandWorld
from .localindex import LocalIndex, sdist
from .localserver import Page, without_proxies
from .lockworld import small_plan, small_settings
from .smallworld import dist

INDEXED = [sdist(f"demo-{n}", "1", {"PKG-INFO": f"text {n}"}, suffix=".zip") for n in range(6)]
WANTED = [
    WantedFile(f"demo-{n}@1", file.filename, file.sha256, f"pkg:pypi/demo-{n}@1")
    for n, file in enumerate(INDEXED)
]
SPEC = """\
Name: python-six
Version: {version}
Release: 1
Summary: S
License: MIT
BuildArch: noarch
Source0: six-upstream-%{{version}}.tar.gz
Patch0: fix.patch
BuildRequires: python3-devel
%description
D
%files
"""


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandWorld:
    """An application that needs idna, which is not in the base, and a newer six than is there."""
    made = CommandWorld(tmp_path, monkeypatch, capsys)
    made.ships("six", "1.16")
    made.release("six", "1.16")
    made.release("six", "1.17")
    made.release("idna", "3.1", "six>=1.17")
    made.release("app", "1", "six>=1", "idna")
    return made


def digests(directory: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.iterdir())
    }


def expected(world: CommandWorld, *names: str) -> dict[str, str]:
    return {name: world.files[name].sha256 for name in names}


# -- the command -----------------------------------------------------------------------------------


def test_it_brings_what_the_lock_names_and_a_second_run_brings_nothing(world: CommandWorld) -> None:
    world.lock()
    ran = world.run("sources", "app.lock.json", "-o", "src")
    assert ran.code == 0, ran.err
    there = expected(world, "app-1.zip", "idna-3.1.zip", "six-1.17.zip")
    assert digests(Path("src")) == there
    assert ran.says("holds 3 files of the lock: 3 brought, 0 there already")
    before = {path: path.stat().st_mtime_ns for path in Path("src").iterdir()}
    world.files.clear()
    again = world.run("sources", "app.lock.json", "-o", "src", "--offline")
    assert again.code == 0
    assert again.says("0 brought, 3 there already")
    assert {path: path.stat().st_mtime_ns for path in Path("src").iterdir()} == before


def test_only_what_was_asked_for_is_brought(world: CommandWorld) -> None:
    world.lock()
    assert world.run("sources", "app.lock.json", "-o", "src", "--only", "idna").code == 0
    assert [*digests(Path("src"))] == ["idna-3.1.zip"]
    ran = world.run("sources", "app.lock.json", "-o", "src", "--only", "inda")
    assert ran.code == 2
    assert ran.says("nothing private is called 'inda'", "did you mean idna")


@pytest.mark.parametrize(
    ("directory", "next_step"),
    [
        ("sources", "-o build --sources sources"),
        ("work/sources", "-o work"),
        ("elsewhere", "-o DIR --sources elsewhere"),
    ],
)
def test_the_next_step_writes_nothing_into_the_working_directory(
    world: CommandWorld, directory: str, next_step: str
) -> None:
    world.lock()
    ran = world.run("sources", "app.lock.json", "-o", directory, "--only", "idna")
    assert ran.says(f"Next streamsolve emit mock app.lock.json {next_step} writes specs")


def test_a_directory_is_looked_into_before_the_index_is_asked(world: CommandWorld) -> None:
    world.lock()
    below = Path("mirror/deep")
    below.mkdir(parents=True)
    (below / "idna-3.1.zip").write_bytes(world.files["idna-3.1.zip"].body)
    (Path("mirror") / "six-1.17.zip").write_bytes(b"another file of that name")
    ran = world.run("sources", "app.lock.json", "-o", "src", "--from", "mirror", "--offline")
    assert ran.code == 2
    assert [*digests(Path("src"))] == ["idna-3.1.zip"]
    ran = world.run("sources", "app.lock.json", "-o", "src", "--from", "mirror")
    assert ran.code == 0, ran.err
    assert digests(Path("src"))["six-1.17.zip"] == world.files["six-1.17.zip"].sha256


def test_another_file_in_the_place_of_one_is_named_and_stays(world: CommandWorld) -> None:
    world.lock()
    Path("src").mkdir()
    Path("src/idna-3.1.zip").write_bytes(b"mine")
    ran = world.run("sources", "app.lock.json", "-o", "src")
    assert ran.code == 2
    assert ran.says("src/idna-3.1.zip", "another file is in its place", "1 of 3 files")
    assert Path("src/idna-3.1.zip").read_bytes() == b"mine"
    assert len(digests(Path("src"))) == 3


def test_a_directory_that_cannot_be_made_is_an_error_with_its_place(world: CommandWorld) -> None:
    world.lock()
    Path("file").write_text("in the way")
    ran = world.run("sources", "app.lock.json", "-o", "file/src")
    assert ran.code == 2
    assert ran.says("SS607", "file/src: it cannot be used: Not a directory")


def test_an_index_that_has_another_file_by_now_is_refused_for_that_file_alone(
    world: CommandWorld,
) -> None:
    world.lock()
    world.release("idna", "3.1", "six>=1.17", words="changed")
    ran = world.run("sources", "app.lock.json", "-o", "src")
    assert ran.code == 2
    assert ran.says("idna-3.1.zip", "the package index has another file")
    assert [*digests(Path("src"))] == ["app-1.zip", "six-1.17.zip"]


# -- what the packager supplies --------------------------------------------------------------------


def plan_with(name: str, source: Source) -> Plan:
    """The small plan, of which one stream has that source."""
    plan = small_plan()
    assert plan.stream(name) is not None
    streams = tuple(
        evolve(stream, source=source) if stream.component.name == name else stream
        for stream in plan.streams
    )
    return evolve(plan, streams=streams)


def test_a_revision_without_a_file_is_listed_with_what_to_supply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STREAMSOLVE_CACHE", str(tmp_path / "cache"))
    plan = plan_with("torch", Source("pkg:github/pytorch/pytorch@v2.14.0"))
    Path("app.lock.json").write_text(lock_text(plan, small_settings()))
    assert run(["sources", "app.lock.json", "-o", "src", "--only", "torch", "--offline"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "The lock names no file for 1 stream" in out
    assert "pytorch-2.14.0.tar.gz, an archive of pkg:github/pytorch/pytorch@v2.14.0" in out


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("torch",), "1 source; it is a revision of a source repository"),
        (("torch", "app"), "2 sources; they are revisions of source repositories"),
    ],
)
def test_a_lock_tells_the_revisions_that_nothing_pins(names: tuple[str, ...], told: str) -> None:
    plan = small_plan()
    revision, file = Source("pkg:github/a/a@v1"), Source("pkg:pypi/a@1", "a-1.zip", "0" * 64)
    streams = tuple(
        evolve(each, source=revision if each.component.name in names else file)
        for each in plan.streams
    )
    text = plain(lay_out(lock_blocks(evolve(plan, streams=streams), "", "sha256:0"), 200))
    assert f"Without checksum: {told}" in " ".join(text.split())


def test_every_private_stream_is_either_a_file_or_to_be_supplied() -> None:
    plan = plan_with("torch", Source("pkg:github/pytorch/pytorch@v2.14.0"))
    needs = source_needs(plan)
    told = {each.stream for each in (*needs.files, *needs.supplies)}
    private = [stream for stream in plan.streams if stream.origin is Origin.PRIVATE]
    assert told == {f"{s.component.spelled}@{s.version}" for s in private}
    assert "torch@2.14.0" in {each.stream for each in needs.supplies}


def test_every_version_of_a_component_is_brought() -> None:
    digests = {"1": "a" * 64, "2": "b" * 64}
    plan = plan_with("torch", Source("pkg:pypi/torch@1", "torch-1.tar.gz", digests["1"]))
    first = next(stream for stream in plan.streams if stream.component.name == "torch")
    second = evolve(
        first,
        version=Version("99"),
        source=Source("pkg:pypi/torch@99", "torch-99.tar.gz", digests["2"]),
        build_only=True,
    )
    needs = source_needs(evolve(plan, streams=(*plan.streams, second)), ["torch"])
    assert {each.filename for each in needs.files} == {"torch-1.tar.gz", "torch-99.tar.gz"}


@pytest.mark.parametrize(
    "name",
    [
        "../evil.tar.gz",
        "/etc/passwd",
        ".hidden",
        "-rf",
        "a b",
        "$(x).zip",
        "a\n.zip",
        "x" * 10_000 + "/",
    ],
)
def test_a_file_name_that_leads_elsewhere_is_refused(name: str) -> None:
    plan = plan_with("torch", Source("pkg:pypi/torch@2.14.0", name, "0" * 64))
    with pytest.raises(InputErrors) as raised:
        source_needs(plan)
    assert raised.value.code is Code.BROKEN_LOCK


def test_two_files_of_one_name_are_refused() -> None:
    plan = plan_with("torch", Source("pkg:pypi/torch@2.14.0", "same.zip", "0" * 64))
    streams = tuple(
        evolve(stream, source=Source("pkg:pypi/app@1", "same.zip", "1" * 64))
        if stream.component.name == plan.application
        else stream
        for stream in plan.streams
    )
    with pytest.raises(InputErrors, match=r"two files same\.zip"):
        source_needs(evolve(plan, streams=streams))


# -- bringing --------------------------------------------------------------------------------------


def test_a_run_that_broke_off_is_gone_on_with(
    tmp_path: Path, make: Callable[..., Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_proxies(monkeypatch)
    with LocalIndex(*INDEXED) as index:
        broken = f"/files/{INDEXED[3].filename}"
        index.server.pages[broken] = Page(INDEXED[3].body, hang_up_after=20)
        packages = PackageIndex(make(retries=1), endpoint=index.endpoint)
        with pytest.raises(InputErrors, match="1 of 6 files cannot be had") as raised:
            bring_sources(WANTED, tmp_path / "src", index=packages)
        assert raised.value.code is Code.SOURCES_MISSING
        assert len(list((tmp_path / "src").iterdir())) == 5
        index.server.pages[broken] = INDEXED[3].body
        before = len(index.asked_for_files())
        brought = bring_sources(WANTED, tmp_path / "src", index=packages)
        assert index.asked_for_files()[before:] == [INDEXED[3].filename]
    assert brought.brought == (INDEXED[3].filename,)
    assert digests(tmp_path / "src") == {file.filename: file.sha256 for file in INDEXED}


def test_a_file_that_is_not_what_the_lock_says_leaves_nothing(
    tmp_path: Path, make: Callable[..., Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_proxies(monkeypatch)
    with LocalIndex(*INDEXED[:1], hashes=False, sizes=False) as index:
        index.server.pages[f"/files/{INDEXED[0].filename}"] = b"evil"
        packages = PackageIndex(make(), endpoint=index.endpoint)
        with pytest.raises(InputErrors) as raised:
            bring_sources(WANTED[:1], tmp_path / "src", index=packages)
    assert [error.code for error in raised.value.errors] == [Code.WRONG_CHECKSUM]
    assert list((tmp_path / "src").iterdir()) == []


def test_the_progress_is_told_to_the_end(tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.mkdir()
    for file in INDEXED:
        (local / file.filename).write_bytes(file.body)
    told: list[tuple[int, int]] = []
    bring_sources(
        WANTED[::-1],
        tmp_path / "src",
        local=[local],
        progress=lambda _, done, total: told.append((done, total)),
    )
    assert told == [(number, 6) for number in range(1, 7)]


# -- the base's source packages --------------------------------------------------------------------


def source_package(directory: Path, version: str) -> Path:
    """A real source package of six."""
    made = directory / "made"
    made.mkdir(parents=True)
    (made / f"six-upstream-{version}.tar.gz").write_bytes(b"upstream's archive")
    (made / "fix.patch").write_text("a patch\n")
    (made / "python-six.spec").write_text(SPEC.format(version=version))
    where = ["--define", f"_sourcedir {made}", "--define", f"_srcrpmdir {directory}"]
    command = ["rpmbuild", "-bs", "--quiet", "--nodeps", *where, str(made / "python-six.spec")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    shutil.rmtree(made)
    (found,) = directory.glob("*.src.rpm")
    return found


@pytest.fixture
def with_sources(world: CommandWorld) -> CommandWorld:
    """The base's repository of source packages has six in the version that is wanted."""
    world.has(dist("six", "1.16", source="python-six"))
    source_package(Path("base/source"), "1.17")
    command = ["createrepo_c", "--quiet", "base/source"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return world


def test_source_packages_of_the_base_are_brought_and_upstream_s_files_taken_out(
    with_sources: CommandWorld,
) -> None:
    with_sources.lock()
    first = with_sources.run("sources", "app.lock.json", "-o", "src", "--offline", "--from", "base")
    assert first.code == 2
    ran = with_sources.run("sources", "app.lock.json", "-o", "src")
    assert ran.says("such as that in python-six-1.17-1.src", "--base-sources brings them")
    ran = with_sources.run(
        "sources", "app.lock.json", "-o", "src", "--base-sources", "--base", "./base"
    )
    assert ran.code == 0, ran.err
    package = Path("src/base/python-six-1.17-1.src.rpm")
    assert package.read_bytes() == Path("base/source", package.name).read_bytes()
    assert Path("src/six-upstream-1.17.tar.gz").read_bytes() == b"upstream's archive"
    assert not Path("src/fix.patch").exists()
    again = with_sources.run("sources", "app.lock.json", "-o", "src", "--base-sources")
    assert again.code == 0, again.err


def test_a_source_package_that_is_not_what_the_base_s_metadata_says_is_refused(
    with_sources: CommandWorld,
) -> None:
    with_sources.lock()
    victim = Path("base/source/python-six-1.17-1.src.rpm")
    content = bytearray(victim.read_bytes())
    content[-3] ^= 0xFF
    victim.write_bytes(content)
    ran = with_sources.run(
        "sources", "app.lock.json", "-o", "src", "--base-sources", "--base", "./base"
    )
    assert ran.code == 2
    assert ran.says(victim.name, "its sha256 is")
    assert not list(Path("src").rglob("*.rpm"))


def test_a_source_package_that_the_base_has_no_more_is_named(with_sources: CommandWorld) -> None:
    with_sources.lock()
    Path("base/source/python-six-1.17-1.src.rpm").unlink()
    source_package(Path("base/source"), "1.18")
    command = ["createrepo_c", "--quiet", "base/source"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    ran = with_sources.run(
        "sources", "app.lock.json", "-o", "src", "--base-sources", "--base", "./base"
    )
    assert ran.code == 2
    assert ran.says("python-six-1.17-1.src", "no source repository of the base has it")
