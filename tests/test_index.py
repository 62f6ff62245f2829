"""The package index, against servers that lack each ability in turn."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve
from packaging.version import Version

from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.inputs import release_metadata
from streamsolve.inputs.index import PackageIndex
from streamsolve.inputs.listing import IndexFile, is_pure_wheel, parse_listing
from streamsolve.inputs.listing_cache import ListingCache
from streamsolve.inputs.release_metadata import in_order_of_trust
from streamsolve.inputs.transport import Transport
from streamsolve.model import Artifact, ReleaseMetadata

from .localindex import File, LocalIndex, core_metadata, sdist, wheel
from .localserver import Page, Request

ONE = Version("1.0")
KEY = ("demo", ONE)
STATIC = {"PKG-INFO": core_metadata("demo", "1.0", "from-sdist")}

Open = Callable[..., PackageIndex]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Indexes over one cache, which never really wait, and are closed."""
    transports: list[Transport] = []

    def open_index(index: LocalIndex, *, offline: bool = False, **more: object) -> PackageIndex:
        transport = Transport(cache=tmp_path, offline=offline, sleep=lambda _: None)
        transports.append(transport)
        return PackageIndex(transport, endpoint=index.endpoint, cache=tmp_path, **more)

    yield open_index
    for transport in transports:
        transport.close()


def listed(index: PackageIndex, name: str = "demo") -> list[str]:
    return [str(release.version) for release in index.releases(name)]


# What an index may lack

WHEEL = wheel("demo", "1.0", "six>=1", fields=("License-Expression: MIT",), padding=90_000)
SDIST = sdist("demo", "1.0", STATIC)
PART = [f"{WHEEL.filename} (part)"]
METADATA_FILE = f"{WHEEL.filename}.metadata"


@pytest.mark.parametrize(
    ("lacks", "asked"),
    [
        pytest.param({"form": "html"}, PART, id="JSON"),
        pytest.param({"form": "json"}, PART, id="HTML"),
        pytest.param({"form": "json", "content_type": "text/html"}, PART, id="the right label"),
        pytest.param({"form": "html", "content_type": "application/json"}, PART, id="HTML's label"),
        pytest.param({"form": "json", "metadata": "hashed"}, [METADATA_FILE], id="nothing, JSON"),
        pytest.param({"form": "html", "metadata": "hashed"}, [METADATA_FILE], id="nothing, HTML"),
        pytest.param({"metadata": "unhashed"}, [METADATA_FILE], id="metadata hashes"),
        pytest.param({"form": "json", "metadata": "old"}, [METADATA_FILE], id="the new key, JSON"),
        pytest.param({"form": "html", "metadata": "old"}, [METADATA_FILE], id="the new key, HTML"),
        pytest.param({"metadata": "wrong"}, [METADATA_FILE, *PART], id="the right metadata hash"),
        pytest.param({"metadata": "missing"}, [METADATA_FILE, *PART], id="the promised metadata"),
        pytest.param(
            {"suffix_ranges": False},
            [*PART, f"{WHEEL.filename} (head)", *PART],
            id="ranges from the end",
        ),
        pytest.param({"ranges": False}, [*PART, WHEEL.filename], id="ranges"),
        pytest.param(
            {"ranges": False, "form": "html"},
            [*PART, f"{WHEEL.filename} (head)", WHEEL.filename],
            id="ranges and sizes",
        ),
        pytest.param({"hashes": False}, PART, id="hashes"),
        pytest.param(
            {"hashes": False, "ranges": False}, [*PART, WHEEL.filename], id="hashes and ranges"
        ),
        pytest.param({"fail": 1}, [*PART, *PART], id="a good day"),
    ],
)
def test_metadata_is_the_same_whatever_the_index_lacks(opened, lacks, asked):
    with LocalIndex(WHEEL, SDIST, **lacks) as index:
        found = opened(index).metadata([KEY])
    assert found == {KEY: ReleaseMetadata("demo", ONE, ("six>=1",), licence="MIT")}
    asked_for = index.asked_for_files()
    # A server without ranges from the end is asked for its last bytes in more than one way.
    assert list(dict.fromkeys(asked_for)) == list(dict.fromkeys(asked))


def test_a_release_without_a_wheel_is_read_from_its_sdist(opened):
    with LocalIndex(SDIST) as index:
        assert opened(index).metadata([KEY])[KEY].requires == ("from-sdist",)


def test_an_sdist_without_hash_is_read_too(opened):
    with LocalIndex(SDIST, hashes=False, form="html") as index:
        assert opened(index).metadata([KEY])[KEY].requires == ("from-sdist",)


@pytest.mark.parametrize(
    ("dynamic", "requires"), [("License", "beside"), ("Requires-Dist", "from-sdist")]
)
def test_the_metadata_file_of_an_sdist_counts_only_if_it_is_final(opened, dynamic, requires):
    beside = core_metadata("demo", "1.0", "beside", fields=(f"Dynamic: {dynamic}",))
    with LocalIndex(evolve(SDIST, metadata=beside), metadata="hashed") as index:
        assert opened(index).metadata([KEY])[KEY].requires == (requires,)


def test_a_large_wheel_is_not_fetched_whole(opened, monkeypatch):
    monkeypatch.setattr(release_metadata, "_WHOLE_WHEEL_LIMIT", 1000)
    with LocalIndex(WHEEL, SDIST, ranges=False) as index:
        assert opened(index).metadata([KEY])[KEY].requires == ("from-sdist",)
    assert WHEEL.filename not in index.asked_for_files()


def test_a_truncated_wheel_gives_way_to_the_sdist(opened):
    short = evolve(WHEEL, body=WHEEL.body[:-100])
    with LocalIndex(short, SDIST) as index:
        assert opened(index).metadata([KEY])[KEY].requires == ("from-sdist",)


@pytest.mark.parametrize(("times", "works"), [(2, True), (99, False)])
def test_a_connection_that_ends_early_is_opened_again_and_no_other_file_is_read(
    opened, times, works
):
    with LocalIndex(WHEEL, SDIST) as index:
        path = f"/files/{WHEEL.filename}"
        good = index.server.pages[path]

        def page(request: Request) -> Page:
            broken = index.server.paths.count(path) <= times
            return evolve(good, hang_up_after=50) if broken else good

        index.server.pages[path] = page
        if works:
            assert opened(index).metadata([KEY])[KEY].requires == ("six>=1",)
        else:
            with pytest.raises(InputError) as caught:
                opened(index).metadata([KEY])
            assert caught.value.code is Code.INDEX_UNREACHABLE
    assert SDIST.filename not in index.asked_for_files()


@pytest.mark.parametrize(
    "broken",
    [
        evolve(wheel("other", "1.0"), project="demo", filename=WHEEL.filename),
        evolve(wheel("demo", "2.0"), filename=WHEEL.filename),
        wheel("demo", "1.0", "???"),
        evolve(WHEEL, body=b"no archive" * 99),
        evolve(SDIST, filename=WHEEL.filename),
    ],
    ids=["other name", "other version", "bad requirement", "no zip", "a tar"],
)
def test_a_wheel_that_says_something_else_is_not_believed(opened, broken):
    with LocalIndex(broken, SDIST) as index:
        assert opened(index).metadata([KEY])[KEY].requires == ("from-sdist",)


def test_what_was_tried_is_told_for_every_release_that_gives_nothing(opened):
    files = [
        evolve(wheel("demo", "1.0"), body=b"no archive" * 99),
        sdist("demo", "1.0", {"setup.py": "raise SystemExit"}),
        sdist("demo", "2.0", {"setup.py": ""}, suffix=".zip"),
        wheel("fine", "1.0"),
    ]
    wanted = [KEY, ("demo", Version("2.0")), ("fine", ONE), ("fine", Version("9"))]
    with LocalIndex(*files) as index:
        with pytest.raises(InputErrors) as caught:
            opened(index).metadata(wanted)
        bad: list[tuple[str, str]] = []
        fine = opened(index).metadata(wanted, on_bad=lambda n, v, _: bad.append((n, str(v))))
    assert caught.value.code is Code.INDEX_BAD_METADATA
    assert [error.place.file for error in caught.value.errors] == ["demo 1.0", "demo 2.0", "fine 9"]
    first = str(caught.value.errors[0])
    assert "demo-1.0-py3-none-any.whl, a part of the wheel: the wheel is damaged" in first
    assert "demo-1.0.tar.gz, the sdist: neither PKG-INFO nor" in first
    assert list(fine) == [("fine", ONE)]
    assert bad == [("demo", "1.0"), ("demo", "2.0"), ("fine", "9")]


def test_nothing_but_listings_and_files_is_ever_asked_for(opened):
    with LocalIndex(WHEEL, SDIST, metadata="wrong", ranges=False) as index:
        opened(index).metadata([KEY])
        opened(index).releases("missing")
    assert {path.split("/")[1] for path in index.server.paths} == {"simple", "files"}
    assert not any("json" in path for path in index.server.paths)


# The cache, and doing without the network


def test_metadata_is_asked_for_once_and_then_known_for_ever(opened, tmp_path):
    with LocalIndex(WHEEL, SDIST) as index:
        first = opened(index).metadata([KEY])
        asked = len(index.asked_for_files())
        assert opened(index).metadata([KEY]) == first
        assert len(index.asked_for_files()) == asked
        assert opened(index, offline=True).metadata([KEY]) == first
    (kept,) = (tmp_path / "metadata").glob("*/*")
    assert kept.name == f"{WHEEL.sha256}.txt"
    assert "Words." not in kept.read_text()


def test_a_damaged_cache_entry_is_read_again(opened, tmp_path):
    with LocalIndex(WHEEL) as index:
        first = opened(index).metadata([KEY])
        (kept,) = (tmp_path / "metadata").glob("*/*")
        good = kept.read_text()
        kept.write_bytes(b"\xff garbage")
        assert opened(index).metadata([KEY]) == first
    assert kept.read_text() == good


def test_offline_without_the_listing_is_an_error_that_says_so(opened):
    with LocalIndex(WHEEL) as index, pytest.raises(InputError) as caught:
        opened(index, offline=True).releases("demo")
    assert caught.value.code is Code.OFFLINE_NOT_CACHED


def test_offline_another_file_never_stands_in_for_the_one_that_is_missing(opened):
    with LocalIndex(WHEEL, SDIST) as index:
        online = opened(index)
        online.releases("demo")
        online.read_sdist_member("demo", ONE, lambda _: True)
        with pytest.raises(InputError) as caught:
            opened(index, offline=True).metadata([KEY])
    assert caught.value.code is Code.OFFLINE_NOT_CACHED


def test_an_index_that_does_not_answer_is_named(opened):
    with LocalIndex(WHEEL) as index:
        client = opened(index)
    with pytest.raises(InputError) as caught:
        client.releases_of(["demo", "six"])
    assert caught.value.code is Code.INDEX_UNREACHABLE
    assert "/simple/demo/" in caught.value.place.file


# Listings


def test_a_project_that_the_index_does_not_have_has_no_releases(opened):
    with LocalIndex(WHEEL) as index:
        assert opened(index).releases("missing") == ()


@pytest.mark.parametrize("form", ["html", "json"])
def test_releases_are_sorted_as_pep_440_does_and_junk_is_left_out(opened, form):
    junk = [
        File("demo", name, b"")
        for name in (
            "demo-0.1-py3.8.egg", "demo-0.2.win32-py2.7.exe", "demo-0.3.rpm", "demo.txt",
            "demo-0.4.tar.xz", "demo-nonsense.tar.gz", "demo-extra-0.5.tar.gz", "other-0.6.tar.gz",
            "other-0.7-py3-none-any.whl", "demo-0.8-0.linux-x86_64.tar.gz", "",
        )
    ]  # fmt: skip
    good = [
        sdist("demo", version, {}, suffix=suffix)
        for version, suffix in [
            ("1.10", ".zip"), ("1.9", ".tar.gz"), ("1.10rc1", ".tar.bz2"), ("1!0.1", ".zip"),
        ]
    ]  # fmt: skip
    with LocalIndex(*junk, *good, form=form) as index:
        assert listed(opened(index)) == ["1.9", "1.10rc1", "1.10", "1!0.1"]


@pytest.mark.parametrize("form", ["html", "json"])
def test_a_release_says_what_its_files_say(opened, form):
    files = [
        wheel("demo", "1.0", yanked=True, python=">=3.8"),
        sdist("demo", "1.0", {}, yanked=True),
        wheel("demo", "2.0", python=">=3.9, <4", tag="cp314-cp314-manylinux_2_28_x86_64"),
        sdist("demo", "2.0", {}, yanked=True),
        wheel("demo", "3.0", python=">=3.x"),
    ]
    with LocalIndex(*files, form=form) as index:
        first, second, third = opened(index).releases("DEMO")
    assert (first.yanked, first.pure, first.requires_python) == (True, True, ">=3.8")
    assert (second.yanked, second.pure, second.requires_python) == (False, False, ">=3.9, <4")
    assert (third.requires_python, third.sdists) == ("", ())
    assert first.sdists == (Artifact("demo-1.0.tar.gz", files[1].sha256),)
    assert first.wheels == (Artifact("demo-1.0-py3-none-any.whl", files[0].sha256),)


def test_two_spellings_of_a_version_are_one_release(opened):
    with LocalIndex(wheel("demo", "1.0.0"), sdist("demo", "1.0", {})) as index:
        (release,) = opened(index).releases("demo")
    assert len(release.sdists) == len(release.wheels) == 1


def test_one_entry_that_cannot_be_read_does_not_hide_the_others():
    text = (
        '{"meta": {"api-version": "1.0"}, "name": "demo", "files": [{"filename": 3}, "x",'
        '{"filename": "demo-1.0.tar.gz", "url": "x.tar.gz", "hashes": {}}]}'
    )
    (file,) = parse_listing(text, name="demo", url="http://127.0.0.1/simple/demo/")
    assert file.url == "http://127.0.0.1/simple/demo/x.tar.gz"
    assert file.artifact == Artifact("demo-1.0.tar.gz")


@pytest.mark.parametrize(
    "text",
    [
        '{"files"',
        "[]",
        '{"meta": {}}',
        '{"meta": {"api-version": "2.0"}, "files": []}',
        '<meta name="pypi:repository-version" content="2.0"><a href="x">x</a>',
    ],
)
def test_what_is_no_listing_is_refused_with_a_next_step(text):
    with pytest.raises(InputError, match="no listing that can be read") as caught:
        parse_listing(text, name="demo", url="http://127.0.0.1/demo/", shown="here")
    assert caught.value.code is Code.INDEX_UNREACHABLE
    assert caught.value.hint


def test_many_projects_are_answered_in_the_order_of_their_names(opened):
    names = [f"demo-{number:02}" for number in range(20)]
    with LocalIndex(*(wheel(name, "1.0", "six") for name in names)) as index:
        random.Random(1).shuffle(names)
        client = opened(index, workers=4)
        releases = client.releases_of([*names, "Demo_00", "missing"])
        metadata = client.metadata((name, ONE) for name in names)
    assert list(releases) == [*sorted(names), "missing"]
    assert list(metadata) == [(name, ONE) for name in sorted(names)]
    assert all(said.name == name for (name, _), said in metadata.items())


@pytest.mark.parametrize("variable", ["STREAMSOLVE_INDEX_URL", "PIP_INDEX_URL"])
def test_the_index_is_taken_from_the_environment(tmp_path, monkeypatch, variable):
    monkeypatch.delenv("STREAMSOLVE_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv(variable, "http://127.0.0.1:2/simple")
    assert PackageIndex(Transport(cache=tmp_path)).endpoint == "http://127.0.0.1:2/simple/"


# Which file counts


def index_file(filename: str) -> IndexFile:
    return IndexFile(Artifact(filename), ONE, f"http://127.0.0.1/{filename}")


def test_files_are_trusted_in_an_order_that_depends_on_their_names_alone():
    ordered = [
        "demo-1.0-py2.py3-none-any.whl",
        "demo-1.0-cp314-cp314-manylinux_2_28_x86_64.whl",
        "demo-1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "demo-1.0-cp39-abi3-manylinux_2_28_x86_64.whl",
        "demo-1.0-cp314-cp314t-manylinux_2_28_x86_64.whl",
        "demo-1.0-pp311-pypy311_pp73-manylinux_2_28_x86_64.whl",
        "demo-1.0-cp314-cp314-musllinux_1_2_x86_64.whl",
        "demo-1.0.tar.gz",
        "demo-1.0.zip",
        "demo-1.0-cp314-cp314-macosx_11_0_arm64.whl",
        "demo-1.0-cp314-cp314-manylinux_2_28_aarch64.whl",
    ]
    for seed in range(10):
        files = [index_file(name) for name in random.Random(seed).sample(ordered, len(ordered))]
        found = [file.artifact.filename for file in in_order_of_trust(files, "x86_64")]
        assert found == ordered


def test_wheels_of_the_target_s_architecture_say_what_is_required(opened):
    files = [
        wheel("demo", "1.0", f"for-{arch}", tag=f"cp314-cp314-manylinux_2_28_{arch}")
        for arch in ("aarch64", "ppc64le", "x86_64")
    ]
    with LocalIndex(*files) as index:
        for arch in ("x86_64", "aarch64"):
            found = opened(index, arch=arch).metadata([KEY])
            assert found[KEY].requires == (f"for-{arch}",)


@pytest.mark.parametrize(
    ("filename", "pure"),
    [
        ("demo-1.0-py3-none-any.whl", True),
        ("demo-1.0-1-py2.py3-none-any.whl", True),
        ("demo-1.0-py2-none-any.whl", False),
        ("demo-1.0-py3-none-manylinux_2_28_x86_64.whl", False),
        ("demo-1.0-cp39-abi3-any.whl", False),
        ("demo-1.0.tar.gz", False),
        ("any.whl", False),
    ],
)
def test_a_wheel_is_pure_when_it_runs_everywhere(filename, pure):
    assert is_pure_wheel(filename) is pure


# Members of sdists


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip", ".tar.bz2"])
def test_members_of_an_sdist_are_read_below_its_directory(opened, suffix):
    members = {"requirements/b.txt": "b\n", "requirements/a.txt": "-r b.txt\n", "setup.py": "x"}
    with LocalIndex(sdist("demo", "1.0", members, suffix=suffix)) as index:
        found = opened(index).read_sdist_member("Demo", ONE, lambda p: p.endswith(".txt"))
    assert found == {"requirements/a.txt": b"-r b.txt\n", "requirements/b.txt": b"b\n"}
    assert list(found) == sorted(found)


def test_links_and_paths_that_lead_out_are_ignored(opened):
    file = sdist("demo", "1.0", {"../../a": "x", "./b": "x", "c": "x"}, links={"d": "/etc/passwd"})
    with LocalIndex(file) as index:
        assert opened(index).read_sdist_member("demo", ONE, lambda _: True) == {"c": b"x"}


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
def test_a_member_beyond_the_limit_is_refused(opened, suffix):
    with LocalIndex(sdist("demo", "1.0", {"big": "x" * 101}, suffix=suffix)) as index:
        client = opened(index)
        assert client.read_sdist_member("demo", ONE, lambda p: p == "big", limit=101)
        with pytest.raises(InputError, match="101 bytes, more than 100"):
            client.read_sdist_member("demo", ONE, lambda p: p == "big", limit=100)


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip", ".tar.bz2"])
@pytest.mark.parametrize("damage", [lambda body: body[: len(body) // 2], lambda _: b"junk"])
def test_a_damaged_sdist_is_an_error_without_a_traceback(opened, suffix, damage):
    good = sdist("demo", "1.0", {"a": "".join(map(str, range(9999)))}, suffix=suffix)
    bad = evolve(good, body=damage(good.body))
    with LocalIndex(bad) as index, pytest.raises(InputError) as caught:
        opened(index).read_sdist_member("demo", ONE, lambda _: True)
    assert caught.value.code is Code.INDEX_BAD_METADATA
    assert caught.value.place.file == good.filename


def test_a_release_without_an_sdist_has_no_members(opened):
    with LocalIndex(WHEEL) as index, pytest.raises(InputError, match=r"no sdist of demo 1\.0"):
        opened(index).read_sdist_member("demo", ONE, lambda _: True)


# The real thing


@pytest.mark.network
def test_the_real_index_says_what_the_wheel_of_vllm_says(tmp_path):
    transport = Transport(cache=tmp_path, retries=0, timeout=20)
    client = PackageIndex(transport, cache=tmp_path)
    version = Version("0.33.0")
    try:
        found = client.metadata([("vllm", version)])[("vllm", version)]
    except InputError as error:
        if error.code is not Code.INDEX_UNREACHABLE:
            raise
        pytest.skip(f"the package index does not answer: {error.message}")
    finally:
        transport.close()
    assert "torch==2.14.0" in found.requires
    assert set(found.requires_python.split(",")) == {">=3.11", "<3.15"}
    assert found.licence == "Apache-2.0"


def test_a_listing_that_was_parsed_before_is_read_from_its_cache(tmp_path: Path) -> None:
    cache = ListingCache(tmp_path)
    with LocalIndex(wheel("demo", "1.0"), sdist("demo", "0.9", {"PKG-INFO": ""})) as index:
        transport = Transport(cache=tmp_path / "http")
        page = transport.get(f"{index.endpoint}demo/")
        files = parse_listing(page.body.decode(), name="demo", url=page.url)
    assert len(files) == 2
    assert cache.read(page.url, page.body) is None
    cache.write(page.url, page.body, files)
    assert cache.read(page.url, page.body) == files
    assert cache.read(page.url, page.body + b" ") is None


def test_a_damaged_listing_cache_counts_as_absent(tmp_path: Path) -> None:
    cache = ListingCache(tmp_path)
    cache.write("u", b"page", ())
    (path,) = tmp_path.rglob("*.json")
    path.write_text('[["half')
    assert cache.read("u", b"page") is None
