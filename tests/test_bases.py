"""Bases: their definitions, directories, overlays, and the extracts that come with the tool."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.inputs.base_definitions import (
    list_bases,
    load_base_definition,
    parse_base_definition,
)
from streamsolve.inputs.bases import (
    DEFAULT_BUILD_GROUP,
    Overlay,
    extract_path,
    open_base,
    parse_overlay,
    shipped_extracts,
)
from streamsolve.inputs.embedded_base import read_extract, write_extract
from streamsolve.inputs.repositories import LocationKind
from streamsolve.inputs.shipped import default_cache, profiles_directory
from streamsolve.inputs.transport import Transport
from streamsolve.model import Base, Package, Repository, RpmMd

from .localrepository import metalink, repository_files, rpm, sha256, write_repository
from .localserver import LocalServer, without_proxies

DATA = Path(__file__).parents[1].parent / "shared" / "data"
PACKAGES = [rpm("bash", "5.3-1.fc44"), rpm("python3", "3.14.2-1.fc44")]

DEFINITION = """
schema = "streamsolve.base/1"
name = "small-1"
release = "1"
architectures = ["x86_64", "aarch64"]
python = "3.14"
python-full = "3.14.2"
glibc = "2.43"
build-group = ["bash", "gcc-c++"]

[[repositories]]
id = "small"
baseurl = "BASEURL/$releasever/$basearch/os/"

[[repositories]]
id = "small-source"
metalink = "BASEURL/metalink?repo=source-$releasever&arch=$basearch"
sources = true
priority = 98
"""


@pytest.fixture
def offline(make: Callable[..., Transport]) -> Transport:
    return make(offline=True)


def refused(attempt: Callable[[], object]) -> InputError:
    with pytest.raises(InputError) as caught:
        attempt()
    return caught.value


def ids(base: Base) -> list[str]:
    return [repository.id for repository in base.repositories]


# ---- definitions ------------------------------------------------------------------------------


def test_the_bases_that_come_with_the_tool_are_whole():
    bases = {base.name: base for base in list_bases()}
    assert {name: base.python for name, base in bases.items()} == {
        "centos-stream-10": "3.12",
        "centos-stream-9": "3.9",
        "fedora-44": "3.14",
        "fedora-45": "3.15",
        "fedora-rawhide": "3.15",
        "rhel-10": "3.12",
    }
    for base in bases.values():
        # Where a release moves, its patch releases do.
        assert base.python_full.startswith(f"{base.python}.") or not base.python_full
        assert base.glibc >= ((2, 43) if base.name.startswith("fedora") else (2, 34))
        assert {"bash", "rpm-build", "redhat-rpm-config"} <= set(base.build_group)
        assert list(base.build_group) == sorted(base.build_group)
        assert {"x86_64", "aarch64"} <= set(base.architectures)
        assert {each.sources for each in base.repositories} == {True, False} or base.given
        for repository in base.repositories:
            assert repository.kind is LocationKind.METALINK
            assert "$basearch" in repository.location or repository.sources
            assert repository.sources == ("source" in repository.id)


def test_a_definition_is_read_into_a_value():
    base = parse_base_definition(DEFINITION, file="small-1.toml")
    assert (base.name, base.release, base.python, base.python_full) == (
        "small-1",
        "1",
        "3.14",
        "3.14.2",
    )
    assert base.glibc == (2, 43)
    assert base.build_group == ("bash", "gcc-c++")
    small, source = base.repositories
    assert (small.kind, small.sources, small.priority) == (LocationKind.BASEURL, False, 99)
    assert (source.kind, source.sources, source.priority) == (LocationKind.METALINK, True, 98)
    assert base.variables("aarch64") == {
        "releasever": "1",
        "basearch": "aarch64",
        "arch": "aarch64",
    }


def test_every_fault_of_a_definition_is_told_with_its_line():
    text = """schema = "streamsolve.base/2"
name = "small 1"
release = 44
architectures = []
python = "three"
glibc = "2"
build_group = ["bash"]

[[repositories]]
id = "a"
baseurl = "http://h/$relver/"

[[repositories]]
id = "a"
baseurl = "x"
metalink = "y"

[[repositories]]
id = "b"
priority = 0
enabled = true
"""
    error = refused(lambda: parse_base_definition(text, file="b.toml"))
    assert isinstance(error, InputErrors)
    assert error.code is Code.BROKEN_BASE
    found = {str(e.place): (e.message, e.hint) for e in error.errors}
    assert {place: message for place, (message, _) in found.items()} == {
        "b.toml:1: schema": "'streamsolve.base/2' is not a schema that this version reads",
        "b.toml:1: build-group": "the key 'build-group' is missing",
        "b.toml:2: name": "expected a name of letters, digits, '.', '_' and '-', not 'small 1'",
        "b.toml:3: release": "expected a string, not an integer",
        "b.toml:4: architectures": "must not be empty",
        "b.toml:5: python": "expected a version of Python such as '3.14', not 'three'",
        "b.toml:6: glibc": "expected a version of glibc such as '2.43', not '2'",
        "b.toml:7: build_group": "unknown key 'build_group'",
        "b.toml:11: repositories[0].baseurl": "unknown variable $relver in 'http://h/$relver/'",
        "b.toml:14: repositories[1].id": "there is another repository 'a'",
        "b.toml:16: repositories[1].metalink": (
            "exactly one of baseurl, metalink, mirrorlist is needed"
        ),
        "b.toml:18: repositories[2]": "exactly one of baseurl, metalink, mirrorlist is needed",
        "b.toml:20: repositories[2].priority": "must be at least 1, not 0",
        "b.toml:21: repositories[2].enabled": "unknown key 'enabled'",
    }
    assert found["b.toml:7: build_group"][1] == "did you mean build-group?"
    assert found["b.toml:11: repositories[0].baseurl"][1] == "did you mean releasever?"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('python-full = "3.14.2"', 'python-full = "3.13.2"', "3.13.2 is no release of Python 3.14"),
        ('python-full = "3.14.2"', 'python-full = "3.14"', "expected a release of Python such as"),
        ("[[repositories]]", "[[others]]", "at least one repository is needed"),
        ('release = "1"', 'release = "1', "b.toml:4: not TOML: "),
        ('"gcc-c++"', '"gcc c"', "b.toml:9: build-group[1]: expected the name of a package"),
    ],
)
def test_a_faulty_definition_says_what_is_wrong(old, new, message):
    error = refused(lambda: parse_base_definition(DEFINITION.replace(old, new), file="b.toml"))
    assert error.code is Code.BROKEN_BASE
    assert message in str(error)


def test_all_broken_definitions_are_listed_at_once(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text(DEFINITION)
    error = refused(lambda: list_bases(tmp_path))
    assert "bases/a.toml: name: it is called 'small-1', and its file 'a'" in str(error)
    assert "bases/b.toml: name: it is called 'small-1', and its file 'b'" in str(error)


def test_an_unknown_base_is_told_with_the_nearest_names():
    error = refused(lambda: load_base_definition("fedroa-44"))
    assert error.code is Code.UNKNOWN_BASE
    assert str(error).startswith("there is no base 'fedroa-44'\n  did you mean fedora-44 or ")


# ---- bases from definitions -------------------------------------------------------------------


def define(directory: Path, server: LocalServer) -> Path:
    """A directory with the definition of small-1, whose repositories the server has."""
    directory.mkdir()
    (directory / "small-1.toml").write_text(DEFINITION.replace("BASEURL", server.url("")))
    server.pages.update(repository_files(PACKAGES, prefix="/1/x86_64/os"))
    server.pages.update(repository_files([rpm("bash", arch="src")], prefix="/src"))
    digest = sha256(repository_files([rpm("bash", arch="src")])["/repodata/repomd.xml"])
    link = metalink({server.url("/src/"): 100}, [digest])
    server.pages["/metalink?repo=source-1&arch=x86_64"] = link
    return directory


def test_a_base_is_opened_by_its_definition(server, make, tmp_path):
    bases = define(tmp_path / "bases", server)
    base = open_base("small-1", arch="x86_64", transport=make(), definitions=bases)
    assert (base.name, base.arch, base.release) == ("small-1", "x86_64", "1")
    assert (base.python, base.python_full, base.glibc) == ("3.14", "3.14.2", (2, 43))
    assert base.build_group == ("bash", "gcc-c++")
    assert not base.embedded
    assert ids(base) == ["small", "small-source"]
    assert [repository.sources for repository in base.repositories] == [False, True]
    assert [repository.priority for repository in base.repositories] == [99, 98]


def test_a_base_is_not_opened_for_an_architecture_that_it_lacks(offline, tmp_path):
    error = refused(lambda: open_base("fedora-44", arch="x86-64", transport=offline))
    assert error.code is Code.BAD_OPTION
    assert str(error) == (
        "the base 'fedora-44' is not made for the architecture 'x86-64'\n  did you mean x86_64?"
    )


def test_a_base_that_is_out_of_reach_is_told_with_the_way_to_name_a_copy(
    make, monkeypatch, tmp_path
):
    without_proxies(monkeypatch)
    with LocalServer() as gone:
        bases = define(tmp_path / "bases", gone)
    opening = partial(open_base, "small-1", arch="x86_64", transport=make(), definitions=bases)
    error = refused(opening)
    assert isinstance(error, InputErrors)
    assert error.code is Code.REPOSITORY_UNREACHABLE
    assert ["--base DIR" in each.hint for each in error.errors] == [False, True]


def test_offline_and_not_cached_is_told_for_every_repository(offline):
    error = refused(lambda: open_base("fedora-44", arch="x86_64", transport=offline))
    assert error.code is Code.OFFLINE_NOT_CACHED
    wanted = load_base_definition("fedora-44").repositories
    lines = str(error).splitlines()
    assert lines[0] == f"{len(wanted)} repositories cannot be used:"
    assert sum("not in the cache" in line for line in lines) == len(wanted)


def extract_in(directory: Path, name: str = "small-1") -> Base:
    """An empty extract of a base, written into a directory of extracts."""
    extract = Base(name, "x86_64", "3.14", (Repository("small", "0" * 64, ()),), embedded=True)
    directory.mkdir(exist_ok=True)
    extract_path(name, "x86_64", directory).write_text(write_extract(extract))
    return extract


def test_an_extract_is_used_only_where_the_application_s_are_given(server, make, tmp_path):
    bases = define(tmp_path / "definitions", server)
    extract = extract_in(tmp_path / "extracts")

    def opened(arch: str = "x86_64", **settings: object) -> Base:
        return open_base("small-1", arch=arch, transport=make(), definitions=bases, **settings)

    assert opened(extracts=tmp_path / "extracts") == extract
    assert server.requests == []
    assert not opened().embedded
    assert not opened(extracts=tmp_path / "of-another").embedded
    overlay = Overlay("more", str(write_repository(tmp_path / "more", PACKAGES)))
    assert not opened(extracts=tmp_path / "extracts", overlays=(overlay,)).embedded


def test_a_base_without_a_definition_is_found_by_its_extract(offline, tmp_path, monkeypatch):
    extract = extract_in(tmp_path / "extracts", "mine")
    write_repository(tmp_path / "mine" / "x86_64", PACKAGES)
    monkeypatch.chdir(tmp_path)

    def opened(name: str) -> Base:
        return open_base(name, arch="x86_64", transport=offline, extracts=tmp_path / "extracts")

    assert opened("mine") == extract
    assert not opened("./mine").embedded


def test_a_damaged_extract_is_named_with_its_directory(offline, tmp_path):
    directory = tmp_path / "app" / "bases"
    directory.mkdir(parents=True)
    extract_path("fedora-44", "x86_64", directory).write_text("?\n")
    error = refused(
        lambda: open_base("fedora-44", arch="x86_64", transport=offline, extracts=directory)
    )
    assert error.code is Code.BROKEN_BASE
    assert str(error).startswith("app/bases/fedora-44-x86_64.jsonl:1: ")


def test_each_application_has_its_own_extracts():
    assert list((profiles_directory() / "bases").glob("*.jsonl")) == []
    assert shipped_extracts("vllm") == profiles_directory() / "vllm" / "bases"


# ---- bases from directories -------------------------------------------------------------------


def test_every_directory_in_it_with_repodata_is_a_repository_but_no_deeper_one(offline, tmp_path):
    tree = tmp_path / "my-base"
    for path in (
        "x86_64/os",
        "source/tree",
        "extras",
        "debug/repository",
        "extras-source",
        "SRPMS",
    ):
        write_repository(tree / path, PACKAGES)
    write_repository(tree / "one/two/three", PACKAGES)
    write_repository(tree / "extras/inner", PACKAGES)
    base = open_base(str(tree), arch="x86_64", transport=offline)
    assert base.name == "my-base"
    assert {repository.id: repository.sources for repository in base.repositories} == {
        "SRPMS": True,
        "extras": False,
        "extras-source": True,
        "source-tree": True,
        "x86_64-os": False,
    }
    assert ids(base) == sorted(ids(base))
    assert (base.python, base.release) == ("", "")
    assert base.build_group == DEFAULT_BUILD_GROUP


def test_a_directory_without_an_architecture_says_which_ones_it_has(offline, tmp_path):
    tree = tmp_path / "tree"
    for path in ("x86_64/os", "ppc64le", "source"):
        write_repository(tree / path, PACKAGES)
    error = refused(lambda: open_base(str(tree), arch="aarch64", transport=offline))
    assert error.code is Code.BAD_OPTION
    told = f"{tree}: it is not for aarch64: it has repositories for ppc64le and x86_64"
    assert told in str(error)
    inside = refused(lambda: open_base(str(tree / "ppc64le"), arch="x86_64", transport=offline))
    assert "it is not for x86_64: it has repositories for ppc64le" in str(inside)
    assert ids(open_base(str(tree / "ppc64le"), arch="ppc64le", transport=offline)) == ["ppc64le"]
    # A repository that is named after no architecture may hold packages for any.
    write_repository(tree / "everything", PACKAGES)
    base = open_base(str(tree), arch="aarch64", transport=offline)
    assert ids(base) == ["everything", "source"]


def test_the_repositories_of_other_architectures_are_left_out(offline, tmp_path):
    for path in ("aarch64/os", "x86_64/os", "source"):
        write_repository(tmp_path / path, PACKAGES)
    base = open_base(str(tmp_path), arch="aarch64", transport=offline)
    assert ids(base) == ["aarch64-os", "source"]


def test_a_directory_that_is_a_repository_is_one(offline, tmp_path):
    tree = write_repository(tmp_path / "mine", PACKAGES)
    write_repository(tree / "inner", PACKAGES)
    assert ids(open_base(str(tree), arch="x86_64", transport=offline)) == ["mine"]


def test_a_directory_called_like_a_definition_takes_its_facts(offline, tmp_path, monkeypatch):
    write_repository(tmp_path / "fedora-44" / "x86_64", PACKAGES)
    monkeypatch.chdir(tmp_path)
    base = open_base("./fedora-44", arch="x86_64", transport=offline)
    known = load_base_definition("fedora-44")
    assert (base.name, base.python, base.release) == ("fedora-44", "3.14", "44")
    assert base.build_group == known.build_group
    assert ids(base) == ["x86_64"]
    # The bare name means the definition, which is not in the cache.
    error = refused(lambda: open_base("fedora-44", arch="x86_64", transport=offline))
    assert error.code is Code.OFFLINE_NOT_CACHED


def test_a_directory_is_found_by_a_relative_name_too(offline, tmp_path, monkeypatch):
    write_repository(tmp_path / "mine" / "x86_64", PACKAGES)
    monkeypatch.chdir(tmp_path / "mine")
    assert open_base(".", arch="x86_64", transport=offline).name == "mine"
    monkeypatch.chdir(tmp_path)
    assert open_base("mine", arch="x86_64", transport=offline).name == "mine"


def test_a_base_that_is_neither_name_nor_directory_is_unknown(offline, tmp_path):
    error = refused(lambda: open_base("fedora-4", arch="x86_64", transport=offline))
    assert error.code is Code.UNKNOWN_BASE
    assert str(error).startswith(
        "there is no base 'fedora-4', and no directory of that name\n  did you mean fedora-4"
    )
    missing = str(tmp_path / "nothing")
    error = refused(lambda: open_base(missing, arch="x86_64", transport=offline))
    assert error.code is Code.UNKNOWN_BASE
    assert str(error) == f"{missing}: there is no such directory"


def test_a_directory_without_repodata_is_named_as_it_was_given(offline, tmp_path, monkeypatch):
    (tmp_path / "empty" / "x86_64").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    error = refused(lambda: open_base("./empty", arch="x86_64", transport=offline))
    assert error.code is Code.NO_REPODATA
    assert str(error) == (
        "./empty: no directory repodata/ in it, in a DIR in it, or in DIR/os/ or DIR/tree/, "
        "for x86_64\n"
        "  run createrepo_c there, or give another directory"
    )


def test_a_directory_of_bases_is_none_and_names_them(offline, tmp_path, monkeypatch):
    for path in ("data/two/x86_64", "data/two/source", "data/one/x86_64/os", "data/other/aarch64"):
        write_repository(tmp_path / path, PACKAGES)
    monkeypatch.chdir(tmp_path)
    error = refused(lambda: open_base("./data/", arch="x86_64", transport=offline))
    assert error.code is Code.NO_REPODATA
    assert str(error) == (
        "./data/: one, two in it are bases: name one of them\n  such as ./data/one"
    )
    error = refused(lambda: open_base(".", arch="x86_64", transport=offline))
    assert str(error).startswith(".: data/one, data/two in it are bases")


def test_a_single_base_in_a_directory_is_named_too(offline, tmp_path):
    write_repository(tmp_path / "one" / "x86_64", PACKAGES)
    error = refused(lambda: open_base(str(tmp_path), arch="x86_64", transport=offline))
    assert error.message == "one in it is a base: name it"


def test_all_repositories_that_fail_are_told_at_once(offline, tmp_path):
    for name, change in (("a", b"?"), ("b", b"")):
        directory = write_repository(tmp_path / name, PACKAGES)
        (primary,) = (directory / "repodata").glob("*primary*")
        primary.write_bytes(primary.read_bytes()[:-1] + change)
    write_repository(tmp_path / "c", PACKAGES)
    error = refused(lambda: open_base(str(tmp_path), arch="x86_64", transport=offline))
    assert isinstance(error, InputErrors)
    assert [e.code for e in error.errors] == [Code.WRONG_CHECKSUM, Code.TRUNCATED_FILE]
    (tmp_path / "b" / "repodata" / "repomd.xml").unlink()
    for file in (tmp_path / "b" / "repodata").iterdir():
        file.unlink()
    (tmp_path / "b" / "repodata").rmdir()
    error = refused(lambda: open_base(str(tmp_path), arch="x86_64", transport=offline))
    assert error.code is Code.WRONG_CHECKSUM
    assert "its sha256 is" in str(error)


# ---- overlays ---------------------------------------------------------------------------------


def test_overlays_come_after_the_base_with_their_priority(server, make, tmp_path):
    tree = tmp_path / "fedora-44"
    write_repository(tree / "x86_64", PACKAGES)
    server.pages.update(repository_files(PACKAGES, prefix="/44/x86_64"))
    overlays = (
        parse_overlay(f"cuda={server.url('/$releasever/$basearch')},priority=50"),
        parse_overlay(f"mine-source={write_repository(tmp_path / 'mine', PACKAGES)}"),
    )
    base = open_base(str(tree), arch="x86_64", transport=make(), overlays=overlays)
    assert [(r.id, r.priority, r.sources) for r in base.repositories] == [
        ("x86_64", 99, False),
        ("cuda", 50, False),
        ("mine-source", 99, True),
    ]


@pytest.mark.parametrize(
    ("text", "overlay"),
    [
        ("a=http://h/p", Overlay("a", "http://h/p")),
        ("a=./here,priority=7", Overlay("a", "./here", 7)),
        ("a.b:c-d=http://h/?x=1,2&y", Overlay("a.b:c-d", "http://h/?x=1,2&y")),
    ],
)
def test_an_overlay_is_read(text, overlay):
    assert parse_overlay(text) == overlay


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("http://h/", "'http://h/' does not name a repository\n  write it as NAME=URL"),
        ("=http://h/", "does not name a repository"),
        ("a=", "does not name a repository"),
        ("a=x,priority=high", "'high' is no priority of the repository 'a'"),
        ("a=x,priority=0", "a priority is a number from 1 (first) to 99 (last)"),
    ],
)
def test_a_faulty_overlay_says_how_to_write_it(text, message):
    error = refused(lambda: parse_overlay(text))
    assert error.code is Code.BAD_OPTION
    assert message in str(error)


def test_two_repositories_cannot_share_a_name(offline, tmp_path):
    write_repository(tmp_path / "x86_64", PACKAGES)
    overlay = Overlay("x86_64", str(tmp_path / "x86_64"))
    error = refused(
        lambda: open_base(str(tmp_path), arch="x86_64", transport=offline, overlays=(overlay,))
    )
    assert error.code is Code.BAD_OPTION
    assert "there is already a repository 'x86_64'" in str(error)


# ---- extracts ---------------------------------------------------------------------------------

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
LISTS = st.lists(WORDS, max_size=3).map(tuple)


@st.composite
def packages(draw, repository: str) -> Package:
    texts = [draw(WORDS) for _ in range(3)]
    lists = [draw(LISTS) for _ in range(4)]
    return Package(*texts, repository, *lists, source=draw(st.one_of(st.just(""), WORDS)))


@st.composite
def embedded_bases(draw) -> Base:
    names = draw(st.lists(WORDS, max_size=3, unique=True))
    repositories = tuple(
        Repository(
            name,
            draw(WORDS),
            tuple(sorted(draw(st.lists(packages(name), max_size=4)))),
            draw(st.integers(1, 99)),
            draw(st.booleans()),
        )
        for name in names
    )
    return Base(
        draw(WORDS),
        "x86_64",
        draw(st.sampled_from(["", "3.14"])),
        repositories,
        release=draw(st.sampled_from(["", "44"])),
        python_full=draw(st.sampled_from(["", "3.14.2"])),
        build_group=draw(LISTS),
        embedded=True,
        glibc=draw(st.sampled_from([(), (2, 43)])),
    )


@given(base=embedded_bases())
def test_an_extract_gives_back_the_base_that_it_was_written_from(base):
    text = write_extract(base)
    assert read_extract(text, file="x.jsonl") == base
    assert write_extract(read_extract(text, file="x.jsonl")) == text


@given(base=embedded_bases(), data=st.data())
def test_the_order_of_packages_does_not_matter(base, data):
    shuffled = tuple(
        evolve(repository, content=tuple(data.draw(st.permutations(repository.content))))
        for repository in base.repositories
    )
    assert write_extract(evolve(base, repositories=shuffled)) == write_extract(base)


def test_an_extract_is_one_line_a_package():
    bash = Package("bash", "5.3-1", "x86_64", "os", provides=("sh", "bash = 5.3"), source="bash")
    zlib = Package("zlib", "1:1.3-1", "x86_64", "os", requires=("libc",))
    base = Base("b", "x86_64", "3.14", (Repository("os", "ab", (zlib, bash)),), embedded=True)
    assert write_extract(base).splitlines() == [
        '{"schema": "streamsolve.base-extract/1", "base": "b", "arch": "x86_64", "python": "3.14", '
        '"repositories": [{"id": "os", "repomd_sha256": "ab", "sources": false}]}',
        '{"repo": "os", "name": "bash", "evr": "5.3-1", "arch": "x86_64", "source": "bash", '
        '"provides": ["sh", "bash = 5.3"]}',
        '{"repo": "os", "name": "zlib", "evr": "1:1.3-1", "arch": "x86_64", "requires": ["libc"]}',
    ]


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (1, "", "Expecting value"),
        (1, "[]", "list indices must be"),
        (1, '{"schema": "streamsolve.base-extract/9"}', "not a schema that this version reads"),
        (1, '{"schema": "streamsolve.base-extract/1"}', "'repositories' is missing"),
        (3, '{"repo": "os", "name": "zl', "Unterminated string"),
        (3, '{"repo": "other", "name": "a", "evr": "1", "arch": "x"}', "'other' is missing"),
        (3, '{"repo": "os", "name": "a", "evr": "1"}', "'arch' is missing"),
        (
            3,
            '{"repo": "os", "name": "a", "evr": "1", "arch": "x", "z": 1}',
            "'z' is missing or unk",
        ),
    ],
)
def test_a_damaged_extract_names_the_line(line, text, message):
    bash, zlib = (Package(name, "1-1", "x86_64", "os") for name in ("bash", "zlib"))
    base = Base("b", "x86_64", "3.14", (Repository("os", "ab", (bash, zlib)),))
    lines = write_extract(base).splitlines()
    lines[line - 1] = text
    error = refused(lambda: read_extract("\n".join(lines), file="b.jsonl"))
    assert error.code is Code.BROKEN_BASE
    assert str(error).startswith(f"b.jsonl:{line}: the embedded extract is damaged: ")
    assert message in str(error)


def test_only_packages_can_be_written_as_an_extract(offline, tmp_path):
    write_repository(tmp_path / "os", PACKAGES)
    base = open_base(str(tmp_path), arch="x86_64", transport=offline)
    with pytest.raises(TypeError, match="holds no packages"):
        write_extract(base)


# ---- data that comes with the tool, and the cache ---------------------------------------------


def test_the_shipped_data_is_found():
    assert (profiles_directory() / "bases" / "fedora-44.toml").is_file()


def test_the_cache_lies_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("STREAMSOLVE_CACHE", str(tmp_path))
    assert default_cache() == tmp_path
    monkeypatch.delenv("STREAMSOLVE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    assert default_cache() == tmp_path / "user" / "streamsolve"


# ---- real repositories ------------------------------------------------------------------------


def real(name: str) -> str:
    directory = DATA / name
    if not directory.is_dir():
        pytest.skip("the test data beside the repository are not there")
    return str(directory)


def content(base: Base, repository_id: str) -> RpmMd:
    found = next(r.content for r in base.repositories if r.id == repository_id)
    assert isinstance(found, RpmMd)
    return found


def test_a_real_fedora_is_opened_as_it_lies(offline):
    base = open_base(real("fedora-45"), arch="x86_64", transport=offline)
    assert (base.name, base.python, base.release) == ("fedora-45", "3.15", "45")
    assert [(r.id, r.sources) for r in base.repositories] == [("source", True), ("x86_64", False)]
    repomd = Path(real("fedora-45")) / "x86_64" / "repodata" / "repomd.xml"
    assert base.repositories[1].digest == sha256(repomd.read_bytes())
    assert content(base, "x86_64").primary.path.suffix == ".zst"
    assert content(base, "x86_64").filelists is None


def test_a_real_centos_stream_is_opened_with_its_modules_and_file_lists(offline):
    base = open_base(real("centos-stream-9"), arch="x86_64", transport=offline)
    assert ids(base) == ["appstream", "baseos"]
    assert (base.python, base.glibc) == ("3.9", (2, 34))
    appstream, baseos = content(base, "appstream"), content(base, "baseos")
    assert appstream.modules is not None
    assert appstream.modules.path.name.endswith("-modules.yaml.xz")
    assert baseos.filelists is not None
    assert baseos.modules is None
