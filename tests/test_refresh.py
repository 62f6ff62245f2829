"""Extracts made again: where they are written, what is kept, and that they are closed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from packaging.version import Version

from streamsolve.cli import main
from streamsolve.errors import Code, InputError
from streamsolve.inputs.bases import open_base
from streamsolve.inputs.embedded_base import read_extract as read_base_extract
from streamsolve.inputs.shipped import profiles_directory
from streamsolve.inputs.transport import Transport
from streamsolve.inputs.upstream_extract import UpstreamExtract, read_extract
from streamsolve.model import Package
from streamsolve.planner import PlanRequest, make_plan
from streamsolve.planner.refresh import refresh_files, refresh_profile

from .localindex import File, LocalIndex, core_metadata, sdist, wheel
from .localrepository import write_repository
from .localserver import without_proxies

PROFILE = """
schema = "streamsolve.profile/1"
name = "demo"
version = "1.0"
default-base = "one"
interpreters = ["3.13"]

[variants.only]
requirements = "wheel"
"""

INDEX = (
    ("demo", "1.0", "six >=1.15", "plain[fancy]", "gone", 'old; python_version < "3.14"'),
    ("six", "1.15"),
    ("six", "1.16"),
    ("six", "1.16.1"),
    ("six", "1.17"),
    ("six", "1.18", "pytz>=2011k"),  # no requirement: this release alone cannot be used
    ("plain", "2.0", 'of-extra; extra == "fancy"', 'never; extra == "other"'),
    (
        "of-extra",
        "1.0",
        'windows; sys_platform == "win32"',
        'pinned; python_full_version >= "3.14.1"',
    ),
    ("pinned", "1.0"),
    ("old", "1.0", "unreadable"),
    ("of-base", "1.0"),
    ("never", "1.0"),
    ("windows", "1.0"),
)


def released(name: str, version: str, *requires: str) -> tuple[File, File]:
    extra = ("Provides-Extra: fancy",) if name == "plain" else ()
    info = core_metadata(name, version, *requires, fields=extra)
    return wheel(name, version, *requires, fields=extra), sdist(name, version, {"PKG-INFO": info})


@pytest.fixture(scope="module")
def index() -> Iterator[LocalIndex]:
    files = [file for row in INDEX for file in released(*row)]
    with LocalIndex(*files, sdist("unreadable", "1.0", {"setup.py": ""})) as running:
        yield running


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)


def rpm(name: str, version: str, *provides: str, requires: tuple[str, ...] = ()) -> str:
    """One package element of primary.xml."""

    def entries(texts: tuple[str, ...]) -> str:
        rows = []
        for text in texts:
            capability, _, evr = text.partition(" = ")
            number = f' flags="EQ" epoch="0" ver="{evr}"' if evr else ""
            rows.append(f'<rpm:entry name="{capability}"{number}/>')
        return "".join(rows)

    return (
        f'<package type="rpm"><name>{name}</name><arch>noarch</arch>'
        f'<version epoch="0" ver="{version}" rel="1"/>'
        f'<checksum type="sha256" pkgid="YES">{"0" * 64}</checksum>'
        f"<format><rpm:provides>{entries((f'{name} = {version}', *provides))}</rpm:provides>"
        f"<rpm:requires>{entries(requires)}</rpm:requires></format></package>"
    )


def base(directory: Path, six: str, *requires: str) -> str:
    """A base with an interpreter, one version of six, and a package that nobody needs."""
    packages = [
        rpm("python3", "3.14.2", "python(abi) = 3.14"),
        rpm("unneeded", "1"),
        rpm(
            "python3-six", six, f"python3.14dist(six) = {six}", f"python3dist(six) = {six}",
            requires=("python(abi) = 3.14", *requires),
        ),
        rpm("python3-of-base", "1.0", "python3.14dist(of-base) = 1.0"),
    ]  # fmt: skip
    write_repository(directory / "noarch-packages", packages)
    return str(directory)


def profile_in(directory: Path) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / "profile.toml"
    path.write_text(PROFILE)
    return path


def refresh(profile: Path, *bases: str, index: LocalIndex, **more: object) -> tuple[Path, ...]:
    cache = profile.parent.parent / "cache"
    return refresh_profile(str(profile), bases, cache=cache, index_url=index.endpoint, **more)


def upstream(directory: Path) -> UpstreamExtract:
    return read_extract((directory / "upstream.jsonl").read_text(), file="upstream.jsonl")


def versions(extract: UpstreamExtract, name: str) -> list[str]:
    return [str(release.version) for release in extract.releases(name)]


def shipped() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in profiles_directory().rglob("*.jsonl")}


def test_a_profile_by_path_has_its_extracts_beside_it_and_nothing_shipped_changes(tmp_path, index):
    before = shipped()
    profile = profile_in(tmp_path / "mine")
    one = base(tmp_path / "one", "1.15")
    written = refresh(profile, one, index=index)
    assert written == (
        tmp_path / "mine" / "bases" / "one-x86_64.jsonl",
        tmp_path / "mine" / "upstream.jsonl",
    )
    files = refresh_files(str(profile), [one])
    assert (files.upstream, files.bases, files.kept) == (written[1], written[:1], ())
    assert shipped() == before


def test_a_shipped_profile_is_written_below_its_own_directory():
    files = refresh_files("vllm", ["fedora-44", "./elsewhere/fedora-45"])
    directory = profiles_directory() / "vllm"
    assert files.upstream == directory / "upstream.jsonl"
    assert files.bases == (
        directory / "bases" / "fedora-44-x86_64.jsonl",
        directory / "bases" / "fedora-45-x86_64.jsonl",
    )
    assert files.kept == ()
    (other,) = refresh_files("vllm", ["fedora-44"]).kept
    assert other == files.bases[1]


def test_the_output_can_be_elsewhere(tmp_path, index):
    profile = profile_in(tmp_path / "mine")
    output = tmp_path / "out"
    written = refresh(profile, base(tmp_path / "one", "1.15"), index=index, output=output)
    assert written == (output / "bases" / "one-x86_64.jsonl", output / "upstream.jsonl")
    assert [path.name for path in profile.parent.iterdir()] == ["profile.toml"]


def test_a_base_that_is_not_read_again_keeps_its_extract_and_its_versions(tmp_path, index):
    directory = tmp_path / "mine"
    profile = profile_in(directory)
    # The newest of a series is there anyway; 1.16 is only there because a base has it.
    one = base(tmp_path / "one", "1.16", "python3.14dist(of-base) = 1.0")
    two = base(tmp_path / "two", "1.15")
    refresh(profile, one, two, index=index)
    both = {path: path.read_bytes() for path in directory.rglob("*.jsonl")}
    assert versions(upstream(directory), "six") == ["1.15", "1.16", "1.16.1", "1.17"]
    assert "of-base" in upstream(directory).names
    assert refresh(profile, two, index=index) == ()
    assert {path: path.read_bytes() for path in directory.rglob("*.jsonl")} == both


def test_what_no_base_has_any_longer_is_dropped(tmp_path, index):
    directory = tmp_path / "mine"
    profile = profile_in(directory)
    refresh(profile, base(tmp_path / "one", "1.16"), index=index)
    base_file = directory / "bases" / "one-x86_64.jsonl"
    assert "1.16" in versions(upstream(directory), "six")
    again = base(tmp_path / "newer" / "one", "1.17")
    assert refresh(profile, again, index=index) == (base_file, directory / "upstream.jsonl")
    assert versions(upstream(directory), "six") == ["1.15", "1.16.1", "1.17"]


def test_a_file_that_stays_the_same_is_not_touched(tmp_path, index):
    profile = profile_in(tmp_path / "mine")
    one = base(tmp_path / "one", "1.15")
    written = refresh(profile, one, index=index)
    stamps = [path.stat().st_mtime_ns for path in written]
    written[1].write_text("")
    assert refresh(profile, one, index=index) == (written[1],)
    assert written[0].stat().st_mtime_ns == stamps[0]


def test_the_extract_knows_every_name_that_can_be_reached_and_no_other(tmp_path, index):
    profile = profile_in(tmp_path / "mine")
    refresh(profile, base(tmp_path / "one", "1.15"), index=index)
    extract = upstream(profile.parent)
    # "gone" is on no index and "unreadable" has no metadata: nobody need ask for them again.
    # Whatever is built, is built with these three, and the index of this test has none of them.
    builders = ("pip", "setuptools", "wheel")
    assert tuple(name for name in extract.names if name not in builders) == (
        "demo", "gone", "of-extra", "old", "plain", "six", "unreadable",
    )  # fmt: skip
    assert not [name for name in builders if extract.releases(name)]
    assert extract.releases("gone") == extract.releases("unreadable") == ()
    assert extract.arches == ("x86_64",)


def test_a_marker_on_the_full_version_is_followed_for_the_base_s_interpreter(tmp_path, index):
    profile = profile_in(tmp_path / "mine")
    # The definition of that name says that its Python is 3.14.2.
    refresh(profile, base(tmp_path / "fedora-44", "1.15"), index=index)
    assert "pinned" in upstream(profile.parent).names


def test_a_base_extract_holds_what_the_application_can_use_alone(tmp_path, index):
    profile = profile_in(tmp_path / "mine")
    (path, _) = refresh(profile, base(tmp_path / "one", "1.15"), index=index)
    read = read_base_extract(path.read_text(), file=path.name)
    content = read.repositories[0].content
    assert [package.name for package in content if isinstance(package, Package)] == [
        "python3",
        "python3-six",
    ]
    assert read.python == "3.14"


# --- what builds need -----------------------------------------------------------------------------


def sourced(name: str, version: str, build: str, *requires: str) -> tuple[File, File]:
    """A wheel and an sdist with these lines in the ``[build-system]`` of its pyproject.toml."""
    members = {"pyproject.toml": f"[build-system]\n{build}\n"}
    return wheel(name, version, *requires), sdist(name, version, members)


def with_backend(*requires: str) -> str:
    return f"requires = {list(requires)!r}\nbuild-backend = 'backend'"


BUILT = (
    *sourced(
        "demo", "1.0", with_backend("hatch[fast] >=1", 'olden; python_version < "3.13"'), "six"
    ),
    *sourced("six", "1.16", with_backend("only-old")),
    *sourced("six", "1.17", with_backend("flit")),
    *sourced("only-old", "1", with_backend()),
    *sourced("hatch", "1.0", "requires = []\nbuild-backend = 'h'\nbackend-path = ['.']"),
    *sourced("hatch", "1.1", with_backend("flit"), "of-hatch", 'of-fast; extra == "fast"'),
    *sourced("of-hatch", "1", with_backend("builds-of-hatch")),
    *sourced("of-fast", "1", with_backend("flit")),
    *sourced("builds-of-hatch", "1", with_backend("flit")),
    *sourced("flit", "1", "requires = []\nbuild-backend = 'f'\nbackend-path = ['.']"),
    *sourced("flit", "2", with_backend("gone-too")),
    *sourced("unbuilt", "1", with_backend()),
    *sourced("setuptools", "80", with_backend()),
    *sourced("olden", "1", with_backend()),
)


@pytest.fixture(scope="module")
def building() -> Iterator[LocalIndex]:
    with LocalIndex(*BUILT) as running:
        yield running


def test_what_builds_need_is_reached_with_all_that_it_needs_in_turn(tmp_path, building):
    profile = profile_in(tmp_path / "mine")
    refresh(profile, base(tmp_path / "one", "1.15"), index=building)
    extract = upstream(profile.parent)
    # "olden" is only for interpreters that no target has.
    assert extract.names == (
        "builds-of-hatch", "demo", "flit", "gone-too", "hatch", "of-fast", "of-hatch", "only-old",
        "pip", "setuptools", "six", "wheel",
    )  # fmt: skip
    held = extract.build_systems(
        (name, release.version) for name in extract.names for release in extract.releases(name)
    )
    known = {f"{name} {version}": system for (name, version), system in held.items()}
    assert known["demo 1.0"].requires[0] == "hatch[fast] >=1"
    assert known["flit 2"].requires == ("gone-too",)
    # Each release of what is in use may become private; of what only builds need, the likely ones.
    assert {"six 1.16", "six 1.17"} <= known.keys()
    assert {"hatch 1.1", "setuptools 80"} <= known.keys()
    assert not {"hatch 1.0", "flit 1"} & known.keys()


def test_what_the_profile_adds_to_builds_is_reached(tmp_path, building):
    profile = profile_in(tmp_path / "mine")
    profile.write_text(
        PROFILE
        + '[[build]]\ncomponent = "six"\nneeds = ["unbuilt"]\n'
        + '[[build]]\ncomponent = "nobody-s"\nneeds = ["olden"]\n'
    )
    refresh(profile, base(tmp_path / "one", "1.15"), index=building)
    extract = upstream(profile.parent)
    assert "unbuilt" in extract.names
    assert "olden" not in extract.names


def test_the_version_of_a_base_can_be_built_though_a_newer_one_is_likelier(tmp_path, building):
    profile = profile_in(tmp_path / "mine")
    one = base(tmp_path / "one", "1.15")
    flit = rpm("python3-flit", "1", "python3.14dist(flit) = 1")
    write_repository(tmp_path / "one" / "more", [flit])
    refresh(profile, one, index=building)
    key = ("flit", Version("1"))
    assert upstream(profile.parent).build_systems([key])[key].in_tree


def test_a_base_s_extract_does_not_hold_what_only_builds_need(tmp_path, building):
    profile = profile_in(tmp_path / "mine")
    one = base(tmp_path / "one", "1.15")
    write_repository(
        tmp_path / "one" / "more",
        [rpm("python3-hatch", "1.0", "python3.14dist(hatch) = 1.0")],
    )
    (path, _) = refresh(profile, one, index=building)
    assert "python3-hatch" not in path.read_text()


def test_two_bases_of_one_name_are_refused(tmp_path):
    profile = profile_in(tmp_path / "mine")
    with pytest.raises(InputError) as caught:
        refresh_files(str(profile), [str(tmp_path / "a" / "one"), str(tmp_path / "b" / "one")])
    assert caught.value.code is Code.BAD_OPTION
    assert "two bases are called 'one'" in str(caught.value)


def test_a_requirement_file_that_the_source_lacks_is_a_fault_of_the_profile(tmp_path, index):
    profile = profile_in(tmp_path / "mine")
    profile.write_text(PROFILE.replace('"wheel"', '["requirements/none.txt"]'))
    with pytest.raises(InputError) as caught:
        refresh(profile, base(tmp_path / "one", "1.15"), index=index)
    assert caught.value.code is Code.BROKEN_PROFILE
    assert not (profile.parent / "upstream.jsonl").exists()


def test_a_plan_from_the_extracts_needs_nothing_else(tmp_path, index):
    profile = profile_in(tmp_path / "mine")
    # What nobody can provide would leave no plan.
    profile.write_text(PROFILE + '[[omit]]\ncomponent = "gone"\nreason = "not needed"\n')
    refresh(profile, base(tmp_path / "one", "1.15"), index=index)
    request = PlanRequest(str(profile), base="one", offline=True, cache=tmp_path / "an-empty-cache")
    made = make_plan(request).plan
    assert {stream.component.name for stream in made.streams} >= {"six", "plain", "of-extra"}


def test_an_extra_that_the_extract_does_not_keep_is_asked_of_the_index(tmp_path, index):
    profile = profile_in(tmp_path / "mine")
    profile.write_text(PROFILE + '[[omit]]\ncomponent = "gone"\nreason = "not needed"\n')
    whole = base(tmp_path / "one", "1.15")
    refresh(profile, whole, index=index)
    assert "never" not in upstream(tmp_path / "mine").names
    request = PlanRequest(
        str(profile), base=whole, index_url=index.endpoint, demands=("plain[other]",)
    )
    made = make_plan(evolve(request, cache=tmp_path / "with")).plan
    assert {stream.component.name for stream in made.streams} >= {"plain", "of-extra", "never"}
    with pytest.raises(InputError) as raised:
        make_plan(evolve(request, cache=tmp_path / "without", offline=True))
    assert raised.value.code is Code.OFFLINE_NOT_CACHED


def test_an_extract_says_which_extras_it_keeps(tmp_path, index):
    profile = profile_in(tmp_path / "mine")
    refresh(profile, base(tmp_path / "one", "1.15"), index=index)
    extract, two = upstream(tmp_path / "mine"), Version("2.0")
    assert extract.keeps("plain", two, "fancy")
    assert not extract.keeps("plain", two, "other")
    assert extract.keeps("plain", Version("3.0"), "other")  # it holds no such release


def test_the_smallest_profile_of_the_documentation_can_be_planned(tmp_path):
    page = (Path(__file__).parents[1] / "docs" / "profile-format.md").read_text(encoding="utf-8")
    start = page.index("    schema = ")
    lines = page[start : page.index("\n\n", start)].splitlines()
    assert len(lines) == 6
    profile = profile_in(tmp_path / "httpie")
    profile.write_text("".join(f"{line.strip()}\n" for line in lines))
    with LocalIndex(*released("httpie", "3.2.4", "six"), *released("six", "1.15")) as small:
        refresh(profile, base(tmp_path / "fedora-45", "1.15"), index=small)
    made = make_plan(PlanRequest(str(profile), offline=True, cache=tmp_path / "empty")).plan
    assert made.base == "fedora-45"
    assert {stream.component.name for stream in made.streams} >= {"httpie", "six"}


def test_the_command_says_beforehand_what_it_writes_and_what_it_keeps(
    tmp_path, index, monkeypatch, capsys
):
    profile = profile_in(tmp_path / "mine")
    monkeypatch.setenv("STREAMSOLVE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("STREAMSOLVE_INDEX_URL", index.endpoint)
    out = str(tmp_path / "out")
    one, two = (base(tmp_path / name, "1.15") for name in ("one", "two"))
    refresh(profile, one, index=index, output=tmp_path / "out")
    command = ["profile", "refresh", str(profile), "--base", two, "--output", out]
    assert main(command) == 0
    told = capsys.readouterr()
    assert told.err.splitlines()[:3] == [
        f"will write {out}/upstream.jsonl",
        f"will write {out}/bases/two-x86_64.jsonl",
        f"keeps {out}/bases/one-x86_64.jsonl: its base is not read",
    ]
    assert "two-x86_64.jsonl" in told.out
    assert main(command) == 0
    assert capsys.readouterr().err.splitlines()[-1] == "nothing has changed"


def test_an_extract_is_no_substitute_for_its_base_where_none_is_given(tmp_path, index):
    profile = profile_in(tmp_path / "mine")
    refresh(profile, base(tmp_path / "one", "1.15"), index=index)
    transport = Transport(offline=True, cache=tmp_path / "empty")
    with pytest.raises(InputError) as caught:
        open_base("one", arch="x86_64", transport=transport)
    assert caught.value.code is Code.UNKNOWN_BASE
