"""Repositories: their metadata files, their mirrors, and everything that can be wrong with them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.inputs.compression import SUFFIXES, open_stream
from streamsolve.inputs.mirrors import parse_metalink, parse_mirrorlist
from streamsolve.inputs.repomd import parse_repomd
from streamsolve.inputs.repositories import LocationKind, open_repository, substitute
from streamsolve.inputs.transport import Transport
from streamsolve.model import Repository, RpmMd

from .localrepository import compress, metalink, repository_files, rpm, sha256, write_repository
from .localserver import LocalServer, Page

PACKAGES = [rpm("bash", "5.3-1.fc44"), rpm("python3", "3.14.2-1.fc44")]


def refused(attempt: Callable[[], object]) -> InputError:
    with pytest.raises(InputError) as caught:
        attempt()
    return caught.value


def rpmmd(repository: Repository) -> RpmMd:
    assert isinstance(repository.content, RpmMd)
    return repository.content


def primary_of(repository: Repository) -> bytes:
    with open_stream(rpmmd(repository).primary.path) as stream:
        return stream.read()


# ---- compression ------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [*SUFFIXES, ""])
@pytest.mark.parametrize("size", [0, 1, 5_000_000])
def test_a_file_reads_the_same_whatever_it_is_compressed_with(tmp_path, suffix, size):
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    path = tmp_path / f"primary.xml{suffix}"
    path.write_bytes(compress(content, suffix))
    with open_stream(path) as stream:
        assert stream.read() == content


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(parts=st.lists(st.binary(max_size=300), min_size=1, max_size=4), step=st.integers(1, 999))
def test_several_frames_in_a_row_are_one_file(tmp_path_factory, suffix, parts, step):
    path = tmp_path_factory.mktemp("frames") / f"file{suffix}"
    path.write_bytes(b"".join(compress(part, suffix) for part in parts))
    read = b""
    with open_stream(path) as stream:
        while block := stream.read(step):
            read += block
    assert read == b"".join(parts)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_compressed_file_that_ends_early_is_named(tmp_path, suffix):
    packed = compress(bytes(range(256)) * 1000, suffix)
    path = tmp_path / f"primary.xml{suffix}"
    for length in (0, 1, len(packed) // 2, len(packed) - 1):
        path.write_bytes(packed[:length])
        with open_stream(path, file="primary of fedora") as stream:
            error = refused(stream.read)
        assert error.code is Code.TRUNCATED_FILE
        assert str(error).startswith(f"primary of fedora: the {suffix[1:]} file ends early\n")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_compressed_file_that_is_damaged_is_named(tmp_path, suffix):
    path = tmp_path / f"primary.xml{suffix}"
    whole = compress(b"content", suffix)
    for content in (b"this is not compressed at all", whole + b"and some garbage behind it"):
        path.write_bytes(content)
        with open_stream(path) as stream:
            error = refused(stream.read)
        assert error.code is Code.TRUNCATED_FILE
        assert f"{path}: the {suffix[1:]} file is damaged" in str(error)


def test_zeros_behind_the_last_frame_are_padding(tmp_path):
    path = tmp_path / "file.gz"
    path.write_bytes(compress(b"content", ".gz") + bytes(512))
    with open_stream(path) as stream:
        assert stream.read() == b"content"


# ---- repomd.xml -------------------------------------------------------------------------------


def test_repomd_is_read_into_its_files():
    files = repository_files(PACKAGES, suffix=".zst", more={"modules": b"--- {}\n"})
    repomd = parse_repomd(files["/repodata/repomd.xml"], file="repomd.xml")
    primary = repomd.file("primary")
    assert primary is not None
    packed = files[f"/{primary.location}"]
    assert (primary.algorithm, primary.digest) == ("sha256", sha256(packed))
    assert primary.size == len(packed)
    assert primary.open_size is not None
    assert primary.open_size > len(packed)
    assert [file.type for file in repomd.files] == ["primary", "modules"]
    assert repomd.file("filelists") is None


def test_every_fault_of_a_repomd_is_told_at_once():
    digest = "a" * 64
    text = f"""<repomd>
      <data><location href="x"/></data>
      <data type="primary"><location href="../etc/x"/><checksum type="md5">00</checksum></data>
      <data type="modules"><location href="m"/><checksum type="sha256">zz</checksum></data>
      <data type="group"><checksum type="sha256">{digest}</checksum><size>many</size></data>
      <data type="other"><location href="o"/></data>
      <data type="modules"><location href="m"/></data>
    </repomd>"""
    error = refused(lambda: parse_repomd(text.encode(), file="r.xml"))
    assert isinstance(error, InputErrors)
    assert {error.code for error in error.errors} == {Code.BROKEN_REPOSITORY}
    assert [f"{e.place}: {e.message}" for e in error.errors] == [
        "r.xml: data[0]: the type is missing",
        "r.xml: data[group].location: the location is missing",
        "r.xml: data[group].size: 'many' is no number of bytes",
        "r.xml: data[modules]: is there twice",
        "r.xml: data[modules].checksum: 'zz' is no sha256 in hexadecimal",
        "r.xml: data[other].checksum: the checksum is missing",
        "r.xml: data[primary].checksum: 'md5' is no checksum that is accepted",
        "r.xml: data[primary].location: '../etc/x' leads out of the repository",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "r.xml:1: is not well-formed XML"),
        (b"<repomd>\n<data>", "r.xml:2: is not well-formed XML"),
        (b"<html/>", "r.xml: should be a <repomd> document, and is <html>"),
        (b"<repomd/>", "it names no files"),
        (b"<repomd>\xff</repomd>", "r.xml: is not UTF-8 text"),
        ('<?xml version="1.0" encoding="utf-16"?><repomd/>'.encode("utf-16"), "is not UTF-8"),
        (b'<!DOCTYPE r [<!ENTITY a "b">]><repomd/>', "has a document type or entities"),
    ],
)
def test_what_is_no_repomd_is_refused(content, message):
    error = refused(lambda: parse_repomd(content, file="r.xml"))
    assert error.code is Code.BROKEN_REPOSITORY
    assert message in str(error)


# ---- mirrors ----------------------------------------------------------------------------------


def test_a_metalink_orders_its_mirrors_by_preference():
    content = metalink(
        {"http://c/": 10, "https://a/os/": 100, "rsync://d/": 99, "http://b/": 100},
        ["1" * 64],
        earlier=["2" * 64, "1" * 64],
    )
    mirrors = parse_metalink(content, file="m")
    assert mirrors.urls == ("https://a/os/", "http://b/", "http://c/")
    assert mirrors.repomd_sha256 == ("1" * 64, "2" * 64)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (metalink({"rsync://d/": 1}), "it names no mirror that can be read"),
        (b"<metalink><files/></metalink>", "it does not name repomd.xml"),
        (b"no repository of that name", "is not well-formed XML"),
    ],
)
def test_a_metalink_without_mirrors_is_refused(content, message):
    error = refused(lambda: parse_metalink(content, file="m"))
    assert error.code is Code.BROKEN_REPOSITORY
    assert message in str(error)


def test_a_mirror_list_keeps_its_order():
    content = b"# repo = fedora\nhttps://a/os\n\n  http://b/os/\nrsync://c/\nhttps://a/os/\n"
    assert parse_mirrorlist(content, file="m").urls == ("https://a/os/", "http://b/os/")
    assert "names no mirror" in str(refused(lambda: parse_mirrorlist(b"# none\n", file="m")))


# ---- local repositories -----------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [*SUFFIXES, ""])
def test_a_local_repository_is_checked_in_place(tmp_path, make, suffix):
    directory = write_repository(tmp_path / "os", PACKAGES, suffix=suffix)
    repository = open_repository(
        "os", str(directory), transport=make(offline=True), priority=50, sources=True
    )
    repomd = (directory / "repodata" / "repomd.xml").read_bytes()
    assert (repository.id, repository.priority, repository.sources) == ("os", 50, True)
    assert repository.digest == sha256(repomd)
    primary = rpmmd(repository).primary
    assert primary.path.parent == directory / "repodata"
    assert primary.sha256 == sha256(primary.path.read_bytes())
    assert primary.open_size == len(primary_of(repository))
    assert not (tmp_path / "cache").exists()


def test_file_lists_and_modules_of_a_local_repository_are_known(tmp_path, make):
    more = {"filelists": b"<filelists/>", "modules": b"--- {}\n"}
    directory = write_repository(tmp_path / "os", PACKAGES, more=more)
    content = rpmmd(open_repository("os", str(directory), transport=make()))
    assert content.filelists is not None
    assert content.filelists.path.read_bytes() == b"<filelists/>"
    assert content.modules is not None
    assert content.modules.sha256 == sha256(b"--- {}\n")


def test_another_algorithm_still_gives_the_sha256(tmp_path, make):
    directory = write_repository(tmp_path / "os", PACKAGES, algorithm="sha512")
    primary = rpmmd(open_repository("os", str(directory), transport=make())).primary
    assert primary.sha256 == sha256(primary.path.read_bytes())


def primary_file(directory: Path) -> Path:
    (path,) = (directory / "repodata").glob("*primary*")
    return path


def test_a_directory_without_repodata_says_how_to_make_it(tmp_path, make):
    error = refused(lambda: open_repository("os", str(tmp_path), transport=make()))
    assert error.code is Code.NO_REPODATA
    assert str(error) == (
        f"{tmp_path}/: there is no repodata/repomd.xml\n"
        "  run createrepo_c there, or give the directory above it"
    )


@pytest.mark.parametrize("encoding", ["utf-7", "UTF-16", "big5"])
def test_metadata_in_another_encoding_is_refused_before_libsolv_reads_it(tmp_path, make, encoding):
    head = f'<?xml version="1.0" encoding="{encoding}"?>\n'
    content = f'{head}<metadata xmlns="http://linux.duke.edu/metadata/common"/>'.encode()
    (tmp_path / "repodata").mkdir()
    (tmp_path / "repodata" / "primary.xml").write_bytes(content)
    (tmp_path / "repodata" / "repomd.xml").write_text(
        '<repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="primary">'
        f'<checksum type="sha256">{sha256(content)}</checksum>'
        '<location href="repodata/primary.xml"/></data></repomd>'
    )
    error = refused(lambda: open_repository("os", str(tmp_path), transport=make()))
    assert error.code is Code.BROKEN_REPOSITORY
    assert f"primary.xml:1: it is in the encoding {encoding}" in str(error)


def test_a_pipe_in_the_place_of_a_file_is_no_file_and_nobody_waits_for_it(tmp_path, make):
    (tmp_path / "repodata").mkdir()
    os.mkfifo(tmp_path / "repodata" / "repomd.xml")
    error = refused(lambda: open_repository("os", str(tmp_path), transport=make()))
    assert error.code is Code.NO_REPODATA


def test_a_wrong_checksum_names_the_file_and_both_digests(tmp_path, make):
    directory = write_repository(tmp_path / "os", PACKAGES)
    path = primary_file(directory)
    right = path.read_bytes()
    path.write_bytes(right[:-1] + b"?")
    error = refused(lambda: open_repository("os", str(directory), transport=make()))
    assert error.code is Code.WRONG_CHECKSUM
    assert str(error) == (
        f"{path}: its sha256 is {sha256(right[:-1] + b'?')}, and should be {sha256(right)}"
    )


def test_a_truncated_file_names_the_sizes(tmp_path, make):
    directory = write_repository(tmp_path / "os", PACKAGES)
    path = primary_file(directory)
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:100])
    error = refused(lambda: open_repository("os", str(directory), transport=make()))
    assert error.code is Code.TRUNCATED_FILE
    assert str(error) == f"{path}: the file ends after 100 of {size} bytes"


def test_a_missing_file_and_a_missing_primary_are_told_apart(tmp_path, make):
    directory = write_repository(tmp_path / "os", PACKAGES)
    path = primary_file(directory)
    path.unlink()
    error = refused(lambda: open_repository("os", str(directory), transport=make()))
    assert error.code is Code.BROKEN_REPOSITORY
    assert str(error) == f"{path}: repomd.xml names this file, and it is not there"
    repomd = directory / "repodata" / "repomd.xml"
    repomd.write_bytes(repomd.read_bytes().replace(b'"primary"', b'"other"'))
    error = refused(lambda: open_repository("os", str(directory), transport=make()))
    assert error.code is Code.BROKEN_REPOSITORY
    assert str(error).startswith(f"{repomd}: it names no primary metadata\n")


# ---- repositories on servers ------------------------------------------------------------------


def test_a_repository_is_fetched_once_and_then_known_offline(server, make):
    server.pages.update(repository_files(PACKAGES, suffix=".zst", prefix="/44/x86_64"))
    location = server.url("/$releasever/${basearch}")
    variables = {"releasever": "44", "basearch": "x86_64"}
    first = open_repository("os", location, transport=make(), variables=variables)
    assert b"<name>bash</name>" in primary_of(first)
    asked = len(server.requests)
    again = open_repository("os", location, transport=make(), variables=variables)
    server.stop()
    offline = open_repository("os", location, transport=make(offline=True), variables=variables)
    assert first == again == offline
    assert len(server.requests) == asked == 2


def test_an_unknown_variable_is_named_with_the_nearest():
    variables = {"releasever": "44", "basearch": "x86_64"}
    assert substitute("a/$releasever/$basearch$basearch", variables) == "a/44/x86_64x86_64"
    error = refused(lambda: substitute("http://h/$relasever/", variables))
    assert str(error) == (
        "unknown variable $relasever in 'http://h/$relasever/'\n  did you mean releasever?"
    )


def test_a_path_with_a_dollar_sign_is_taken_as_it_is(tmp_path, make):
    directory = write_repository(tmp_path / "a$b", PACKAGES)
    assert open_repository("os", str(directory), transport=make()).id == "os"


def test_offline_and_not_cached_names_the_repository(server, make):
    location = server.url("/os/")
    error = refused(lambda: open_repository("os", location, transport=make(offline=True)))
    assert error.code is Code.OFFLINE_NOT_CACHED
    assert str(error).startswith(f"{location}repodata/repomd.xml: not in the cache")
    assert "without --offline" in str(error)


def test_a_cached_list_older_than_its_files_is_asked_for_again(server, make, tmp_path):
    old = repository_files(PACKAGES[:1], prefix="/os")
    server.pages.update(old)
    make().get(server.url("/os/repodata/repomd.xml"))
    server.pages.clear()
    new = repository_files(PACKAGES, prefix="/os")
    server.pages.update(new)
    repository = open_repository("os", server.url("/os"), transport=make())
    assert repository.digest == sha256(new["/os/repodata/repomd.xml"])


def test_a_server_without_the_repository_says_so(server, make):
    error = refused(lambda: open_repository("os", server.url("/os"), transport=make()))
    assert error.code is Code.NO_REPODATA
    assert str(error).startswith(f"{server.url('/os/')}: there is no repodata/repomd.xml")


def test_a_wrong_file_on_the_only_server_is_refused(server, make, tmp_path):
    files = repository_files(PACKAGES, prefix="/os")
    path = next(path for path in files if "primary" in path)
    server.pages.update(files)
    server.pages[path] = files[path][:-1] + b"?"
    error = refused(lambda: open_repository("os", server.url("/os"), transport=make()))
    assert error.code is Code.WRONG_CHECKSUM
    assert str(error).startswith(f"{server.url(path)}: its sha256 is ")
    assert not (tmp_path / "cache" / "files").exists() or not any(
        path.is_file() for path in (tmp_path / "cache" / "files").rglob("*")
    )
    server.pages[path] = files[path][:-1]
    error = refused(lambda: open_repository("os", server.url("/os"), transport=make()))
    assert error.code is Code.TRUNCATED_FILE
    assert "the file ends after" in str(error)


def mirrored(server: LocalServer, *prefixes: str, digests: bool = True) -> dict[str, bytes]:
    """A metalink at /metalink that lists the prefixes in order, and their files."""
    digest = sha256(repository_files(PACKAGES)["/repodata/repomd.xml"])
    ranks = {server.url(f"{prefix}/"): 100 - rank for rank, prefix in enumerate(prefixes)}
    server.pages["/metalink"] = metalink(ranks, [digest] if digests else [])
    files: dict[str, bytes] = {}
    for prefix in prefixes:
        files.update(repository_files(PACKAGES, prefix=prefix))
    server.pages.update(files)
    return files


def open_mirrored(server: LocalServer, transport: Transport) -> Repository:
    return open_repository(
        "fedora", server.url("/metalink"), transport=transport, kind=LocationKind.METALINK
    )


def test_the_preferred_mirror_is_used(server, make):
    mirrored(server, "/a", "/b")
    open_mirrored(server, make())
    assert {path.split("/")[1] for path in server.paths} == {"metalink", "a"}


@pytest.mark.parametrize(
    "fault",
    [
        Page(status=404),
        Page(status=500),
        Page(b"<html>welcome to our mirror</html>"),
        Page(stall=True),
        Page(b"x" * 5000, hang_up_after=10),
    ],
)
@pytest.mark.parametrize("part", ["repomd", "primary"])
def test_a_mirror_that_fails_is_passed_over(server, make, fault, part):
    files = mirrored(server, "/a", "/b")
    broken = next(path for path in files if path.startswith("/a/") and part in path)
    server.pages[broken] = fault
    repository = open_mirrored(server, make(timeout=0.2))
    assert repository.digest == sha256(files["/b/repodata/repomd.xml"])
    assert b"<name>bash</name>" in primary_of(repository)


def test_a_mirror_behind_the_metalink_is_passed_over(server, make):
    files = mirrored(server, "/a", "/b")
    server.pages.update(repository_files(PACKAGES[:1], prefix="/a"))
    repository = open_mirrored(server, make())
    assert repository.digest == sha256(files["/b/repodata/repomd.xml"])


def test_a_wrong_checksum_on_all_mirrors_is_told_for_each(server, make):
    mirrored(server, "/a", "/b")
    for prefix in ("/a", "/b"):
        server.pages.update(repository_files(PACKAGES[:1], prefix=prefix))
    error = refused(lambda: open_mirrored(server, make()))
    assert error.code is Code.WRONG_CHECKSUM
    lines = str(error).splitlines()
    assert lines[0] == "no mirror of the repository 'fedora' could be used:"
    assert [line.split(": ")[0].strip() for line in lines[1:]] == [
        server.url("/a/repodata/repomd.xml"),
        server.url("/b/repodata/repomd.xml"),
    ]
    assert lines[1].endswith("which the metalink does not list")


def test_a_metalink_and_a_list_that_aged_apart_are_both_asked_for_again(server, make):
    mirrored(server, "/a")
    open_mirrored(server, make())
    newer = repository_files([*PACKAGES, rpm("new")], prefix="/a")
    server.pages.update(newer)
    digest = sha256(newer["/a/repodata/repomd.xml"])
    server.pages["/metalink"] = metalink({server.url("/a/"): 1}, [digest])
    make().get(server.url("/metalink"))
    assert open_mirrored(server, make()).digest == digest


def test_mirrors_that_are_all_gone_are_unreachable(server, make):
    mirrored(server, "/a", "/b")
    transport = make(retries=0)
    transport.get(server.url("/metalink"))
    server.stop()
    error = refused(lambda: open_mirrored(server, transport))
    assert error.code is Code.REPOSITORY_UNREACHABLE
    assert str(error).count("connection refused") == 2


def test_a_mirror_list_is_followed_too_and_offline_as_well(server, make):
    mirrored(server, "/a", "/b")
    server.pages["/a/repodata/repomd.xml"] = Page(status=404)
    server.pages["/list"] = f"{server.url('/a')}\n{server.url('/b')}\n".encode()

    def opened(transport: Transport) -> Repository:
        return open_repository(
            "fedora", server.url("/list"), transport=transport, kind=LocationKind.MIRRORLIST
        )

    repository = opened(make())
    server.stop()
    assert opened(make(offline=True)) == repository
