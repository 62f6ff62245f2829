"""The ``[build-system]`` of a release: read as PEP 517 and 518 say, fetched once, kept for ever."""

from __future__ import annotations

import io
import shutil
import tarfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.inputs.build_systems import parse_build_system
from streamsolve.inputs.index import PackageIndex
from streamsolve.inputs.transport import Transport
from streamsolve.inputs.upstream_extract import read_extract, write_extract
from streamsolve.model import Artifact, Release, ReleaseMetadata
from streamsolve.model.build import BuildSystem
from streamsolve.planner.upstream import Upstream

from .localindex import File, LocalIndex, sdist, wheel

ONE = Version("1.0")
KEY = ("demo", ONE)
LEGACY = "setuptools.build_meta:__legacy__"
DEFAULT = BuildSystem(("setuptools",), LEGACY)
TABLE = '[build-system]\nrequires = ["hatchling>=1.26"]\nbuild-backend = "hatchling.build"\n'
HATCHLING = BuildSystem(("hatchling>=1.26",), "hatchling.build")
SDIST = sdist("demo", "1.0", {"PKG-INFO": "Name: demo\n", "pyproject.toml": TABLE})

Open = Callable[..., PackageIndex]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Indexes over one cache, which never really wait, and are closed."""
    transports: list[Transport] = []

    def open_index(index: LocalIndex, *, offline: bool = False) -> PackageIndex:
        transport = Transport(cache=tmp_path, offline=offline, sleep=lambda _: None)
        transports.append(transport)
        return PackageIndex(transport, endpoint=index.endpoint, cache=tmp_path)

    yield open_index
    for transport in transports:
        transport.close()


def faults(text: str) -> list[tuple[int, str, str]]:
    """Line, path and message of each fault."""
    with pytest.raises(InputError) as caught:
        parse_build_system(text, file="demo")
    assert caught.value.code is Code.INDEX_BAD_METADATA
    errors = caught.value.errors if isinstance(caught.value, InputErrors) else (caught.value,)
    assert {error.place.file for error in errors} == {"demo"}
    return [(error.place.line, error.place.path, error.message) for error in errors]


# --- the table ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(TABLE, HATCHLING, id="a backend"),
        pytest.param("", DEFAULT, id="no file"),
        pytest.param("[project]\nname = 'demo'\n", DEFAULT, id="no table"),
        pytest.param(
            "[build-system]\nrequires = ['setuptools>=61', 'wheel']\n",
            BuildSystem(("setuptools>=61", "wheel"), LEGACY),
            id="no backend",
        ),
        pytest.param(
            "[build-system]\nrequires = ['cython<4', 'Setup_Tools']\n",
            BuildSystem(("cython<4", "Setup_Tools", "setuptools"), LEGACY),
            id="no backend and another name",
        ),
        pytest.param(
            "[build-system]\nrequires = ['wheel']\n",
            BuildSystem(("wheel", "setuptools"), LEGACY),
            id="no backend and no setuptools",
        ),
        pytest.param(
            "[build-system]\nrequires = []\nbuild-backend = 'b.c:d.e'\nbackend-path = ['.']\n",
            BuildSystem((), "b.c:d.e", in_tree=True),
            id="a backend in the sdist",
        ),
        pytest.param(
            "[build-system]\nrequires = []\nbuild-backend = 'b'\nbackend-path = []\n",
            BuildSystem((), "b"),
            id="no directory for a backend",
        ),
        pytest.param(
            "build-system.requires = [\"six; python_version < '3.12'\", 'a[b] @ https://c/d.zip']\n"
            'build-system.build-backend = "b"\n',
            BuildSystem(("six; python_version < '3.12'", "a[b] @ https://c/d.zip"), "b"),
            id="markers and references as written",
        ),
    ],
)
def test_a_table_is_read_as_the_standards_say(text, expected):
    assert parse_build_system(text, file="demo") == expected


@pytest.mark.parametrize(
    ("text", "line", "path"),
    [
        ("[build-system]\n", 1, "build-system.requires"),
        ("x = 1\n[build-system]\nrequires = 'wheel'\n", 3, "build-system.requires"),
        ("[build-system]\nrequires = [\n'a',\n'b c']\n", 4, "build-system.requires[1]"),
        ("[build-system]\nrequires = [1]\n", 2, "build-system.requires[0]"),
        ("[build-system]\nrequires = []\nbuild-backend = ''\n", 3, "build-system.build-backend"),
        ("[build-system]\nrequires = []\nbuild-backend = 'a;b'\n", 3, "build-system.build-backend"),
        ("[build-system]\nrequires = []\nbuild-backend = 1\n", 3, "build-system.build-backend"),
        (f"{TABLE}backend-path = '.'\n", 4, "build-system.backend-path"),
        (f"{TABLE}backend-path = ['../x']\n", 4, "build-system.backend-path"),
        (f"{TABLE}backend-path = ['/x']\n", 4, "build-system.backend-path"),
        ("build-system = 1\n", 1, "build-system"),
        ("[build-system\n", 1, ""),
        (f"x = {'[' * 100_000}\n", 1, ""),
        (f"x = {'1' * 10_000}\n", 1, ""),
    ],
)
def test_a_fault_is_told_with_its_place(text, line, path):
    ((found_line, found_path, _),) = faults(text)
    assert (found_line, found_path) == (line, path)


def test_all_faults_of_a_table_are_told_at_once():
    text = "[build-system]\nrequires = ['a b', 'six', 'c d']\nbuild-backend = 1\nbackend-path = 2\n"
    assert [path for _, path, _ in faults(text)] == [
        "build-system.requires[0]",
        "build-system.requires[2]",
        "build-system.build-backend",
        "build-system.backend-path",
    ]


def test_a_marker_that_is_nested_too_deeply_is_no_requirement():
    deep = f"six; {'(' * 5000}os_name == 'nt'{')' * 5000}"
    ((_, path, _),) = faults(f'[build-system]\nrequires = ["{deep}"]\n')
    assert path == "build-system.requires[0]"


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        found = parse_build_system(text, file="demo")
    except InputError as error:
        assert error.code is Code.INDEX_BAD_METADATA  # noqa: PT017 - either outcome is fine
    else:
        assert found == DEFAULT or "build-system" in tomllib.loads(text)


# --- from an index --------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip", ".tar.bz2"])
def test_the_member_at_the_top_is_read_and_no_other(opened, suffix):
    members = {
        "a/pyproject.toml": "[build-system]\nrequires = ['wrong']\n",
        "pyproject.toml": TABLE,
        "tests/data/pyproject.toml": "no TOML",
    }
    with LocalIndex(sdist("demo", "1.0", members, suffix=suffix)) as index:
        assert opened(index).build_systems([("Demo", ONE)]) == {KEY: HATCHLING}


@pytest.mark.parametrize("hashes", [True, False])
def test_an_sdist_without_the_member_is_built_by_setuptools(opened, hashes):
    with LocalIndex(sdist("demo", "1.0", {"setup.py": "1/0"}), hashes=hashes) as index:
        assert opened(index).build_systems([KEY]) == {KEY: DEFAULT}
        assert opened(index).build_systems([KEY]) == {KEY: DEFAULT}


def test_a_link_is_not_followed(opened):
    linked = sdist("demo", "1.0", {"setup.py": ""}, links={"pyproject.toml": "/etc/passwd"})
    with LocalIndex(linked) as index:
        assert opened(index).build_systems([KEY]) == {KEY: DEFAULT}


def test_what_was_read_is_kept_and_the_sdist_is_not(opened, tmp_path):
    with LocalIndex(SDIST) as index:
        assert opened(index).build_systems([KEY]) == {KEY: HATCHLING}
        assert opened(index).build_systems([KEY]) == {KEY: HATCHLING}
        assert index.asked_for_files() == [SDIST.filename]
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert SDIST.sha256 in {path.stem for path in kept}
    assert not [path for path in kept if path.read_bytes() == SDIST.body]


def test_an_sdist_that_the_cache_has_is_not_fetched_again(opened):
    with LocalIndex(SDIST) as index:
        opened(index).read_sdist_member("demo", ONE, lambda path: path == "PKG-INFO")
        assert opened(index).build_systems([KEY]) == {KEY: HATCHLING}
        assert index.asked_for_files() == [SDIST.filename]


@pytest.mark.parametrize("damage", [b"", b"[]", b"\xff", b'{"pyproject.toml": 1}', b"{"])
def test_what_was_kept_and_is_damaged_is_read_again(opened, tmp_path, damage):
    with LocalIndex(SDIST) as index:
        opened(index).build_systems([KEY])
        (kept,) = tmp_path.rglob(f"{SDIST.sha256}.json")
        kept.write_bytes(damage)
        assert opened(index).build_systems([KEY]) == {KEY: HATCHLING}


def test_offline_what_was_read_before_is_known(opened):
    with LocalIndex(SDIST, sdist("other", "1.0", {"pyproject.toml": TABLE})) as index:
        opened(index).build_systems([KEY])
        opened(index).releases("other")
        bad: dict[str, Code] = {}
        found = opened(index, offline=True).build_systems(
            [KEY, ("other", ONE), ("unheard-of", ONE)],
            on_bad=lambda name, _, error: bad.update({name: error.code}),
        )
    assert found == {KEY: HATCHLING}
    assert bad == {"other": Code.OFFLINE_NOT_CACHED, "unheard-of": Code.OFFLINE_NOT_CACHED}


def test_a_release_without_an_sdist_has_no_build_system_and_no_fault(opened):
    with LocalIndex(wheel("demo", "1.0")) as index:
        assert opened(index).build_systems([KEY]) == {}


BAD = (
    sdist("broken-toml", "1.0", {"pyproject.toml": "["}),
    sdist("broken-table", "1.0", {"pyproject.toml": "[build-system]\n"}),
    sdist("too-large", "1.0", {"pyproject.toml": "#" * ((1 << 20) + 1)}),
    File("no-archive", "no_archive-1.0.tar.gz", b"no archive"),
)


def test_releases_that_cannot_be_read_are_told_one_by_one(opened):
    wanted = [("broken-table", ONE), ("broken-toml", ONE), ("no-archive", ONE), ("too-large", ONE)]
    wanted += [("demo", Version("2.0")), ("unheard-of", ONE)]
    bad: list[tuple[str, Version]] = []
    with LocalIndex(SDIST, *BAD) as index:
        found = opened(index).build_systems(
            [*wanted, KEY], on_bad=lambda name, version, _: bad.append((name, version))
        )
        assert found == {KEY: HATCHLING}
        assert bad == sorted(wanted)
        with pytest.raises(InputErrors) as caught:
            opened(index).build_systems(wanted)
    assert len(caught.value.errors) == len(wanted)


def test_an_sdist_with_another_content_than_the_index_says_is_not_used(opened):
    with LocalIndex(SDIST) as index:
        index.server.pages[f"/files/{SDIST.filename}"] = BAD[0].body + b"x"
        bad: list[Code] = []
        found = opened(index).build_systems([KEY], on_bad=lambda *told: bad.append(told[2].code))
    assert found == {}
    assert len(bad) == 1


def test_a_member_that_is_no_utf_8_is_refused(opened):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        info = tarfile.TarInfo("demo-1.0/pyproject.toml")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"#\xe9 \n"))
    with (
        LocalIndex(File("demo", "demo-1.0.tar.gz", content.getvalue())) as index,
        pytest.raises(InputErrors, match="not UTF-8 at byte 1"),
    ):
        opened(index).build_systems([KEY])


# --- the extract first ----------------------------------------------------------------------------


def release(name: str, version: str, *, source: bool = True) -> Release:
    file = Artifact(f"{name}-{version}{'.tar.gz' if source else '-py3-none-any.whl'}", "ab" * 32)
    return Release(name, Version(version), "", (file,) if source else (), () if source else (file,))


def extract_of(*releases: Release, builds: dict[tuple[str, Version], BuildSystem]) -> Upstream:
    text = write_extract(
        application="app",
        version="1",
        releases=releases,
        metadata={(r.name, r.version): ReleaseMetadata(r.name, r.version) for r in releases},
        build_systems=builds,
        files={},
    )
    return Upstream(read_extract(text, file="upstream.jsonl"), None)


EMBEDDED = BuildSystem(("flit-core",), "flit_core.buildapi")


def test_what_the_extract_holds_is_not_asked_of_the_index(opened):
    upstream = extract_of(release("demo", "1.0"), builds={KEY: EMBEDDED})
    with LocalIndex(SDIST) as index:
        upstream.index = opened(index)
        assert upstream.build_systems([("Demo", ONE)]) == {KEY: EMBEDDED}
        assert index.server.requests == []


def test_what_the_extract_does_not_hold_is_asked_of_the_index(opened):
    upstream = extract_of(
        release("demo", "1.0"), release("only-wheel", "1.0", source=False), builds={}
    )
    with LocalIndex(SDIST, *BAD[:1]) as index:
        upstream.index = opened(index)
        wanted = [("only-wheel", ONE), ("broken-toml", ONE), KEY]
        assert upstream.build_systems(wanted) == {KEY: HATCHLING}
        assert sorted(upstream.unreadable_builds) == [("broken-toml", ONE)]
        # The extract says that it has no sdist: there is nothing to ask.
        assert not [r for r in index.server.requests if "only-wheel" in r.path]


def test_offline_nothing_is_raised_and_what_is_not_known_is_noted(opened, tmp_path):
    upstream = extract_of(release("demo", "1.0"), builds={})
    with LocalIndex(SDIST) as index:
        shutil.rmtree(tmp_path / "http", ignore_errors=True)
        upstream.index = opened(index, offline=True)
        assert upstream.build_systems([KEY, ("other", ONE)]) == {}
    assert {error.code for error in upstream.unreadable_builds.values()} == {
        Code.OFFLINE_NOT_CACHED
    }
    assert sorted(upstream.unreadable_builds) == [KEY, ("other", ONE)]


def test_without_an_index_what_is_not_embedded_is_noted():
    upstream = extract_of(release("demo", "1.0"), release("six", "1"), builds={KEY: EMBEDDED})
    assert upstream.build_systems([KEY, ("six", Version("1"))]) == {KEY: EMBEDDED}
    assert list(upstream.unreadable_builds) == [("six", Version("1"))]
