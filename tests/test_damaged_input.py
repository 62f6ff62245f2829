"""Damaged and hostile texts of every kind that is read: read, or refused in our words.

Each law draws values of wrong kinds at every path of an honest document, or cuts its text; the
examples are what once went through.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from attrs import evolve
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from packaging.version import Version

from streamsolve.cli import main
from streamsolve.copr.journal import SCHEMA as JOURNAL
from streamsolve.copr.journal import read_journal
from streamsolve.emit.lists.python_lists import pylock
from streamsolve.errors import Code, InputError
from streamsolve.inputs import embedded_base, upstream_extract
from streamsolve.inputs.base_definitions import parse_base_definition
from streamsolve.inputs.cargo_manifest import read_cargo_projects
from streamsolve.inputs.core_metadata import metadata_of_sdist
from streamsolve.inputs.listing import parse_listing
from streamsolve.inputs.mirrors import parse_metalink
from streamsolve.inputs.module_documents import parse_modules
from streamsolve.inputs.module_indexes import read_module
from streamsolve.inputs.profiles import load_profile
from streamsolve.inputs.repomd import parse_repomd
from streamsolve.inputs.requirement_files import parse_requirement_file
from streamsolve.inputs.source_rpms import listed_source_packages
from streamsolve.model.package import MetadataFile
from streamsolve.oci.accounts import Accounts
from streamsolve.oci.base_image import BaseImage, read_base_image
from streamsolve.storage import read_whole

from .damage import DEEP, ENDLESS, HOSTILE, hurt, wrong
from .lockworld import small_plan

SOME = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
SHA = "a" * 64


def refused(read: Callable[[], object]) -> InputError:
    with pytest.raises(InputError) as caught:
        read()
    errors = getattr(caught.value, "errors", (caught.value,))
    assert all(str(error.place) for error in errors)
    return caught.value


@contextmanager
def or_refused(code: Code) -> Iterator[None]:
    """What is inside may end with an error of ours: one of this code that can be shown."""
    found = None
    try:
        yield
    except InputError as error:
        found = error
    if found is not None:
        assert found.code is code
        assert str(found)


# -- JSON ------------------------------------------------------------------------------------------

PAGE = {
    "meta": {"api-version": "1.1"},
    "files": [
        {
            "filename": "six-1.0-py3-none-any.whl",
            "url": "six-1.0-py3-none-any.whl",
            "hashes": {"sha256": SHA},
            "requires-python": ">=3.6",
            "size": 11,
            "upload-time": "2020-01-01T00:00:00Z",
            "yanked": False,
            "core-metadata": {"sha256": SHA},
        }
    ],
}


def read_page(text: str) -> object:
    return parse_listing(text, name="six", url="https://x.test/six/", shown="the page")


def read_upstream(text: str) -> None:
    found = upstream_extract.read_extract(text, file="upstream.jsonl")
    for name in found.names:
        releases = found.releases(name)
        asked = [(name, release.version) for release in releases]
        found.metadata(asked)
        found.build_systems(asked)


def read_base(text: str) -> object:
    return embedded_base.read_extract(text, file="base.jsonl")


BASE = {
    "schema": embedded_base.SCHEMA,
    "base": "b",
    "arch": "x86_64",
    "python": "3.14",
    "glibc": [2, 43],
    "repositories": [{"id": "r", "repomd_sha256": SHA, "priority": 9, "sources": False}],
}
ROW = {"repo": "r", "name": "a", "evr": "1-1", "arch": "noarch", "provides": ["a = 1"]}


@pytest.mark.parametrize("read", [read_page, read_upstream, read_base])
@pytest.mark.parametrize("text", ["[" * DEEP, '{"a":' * DEEP, f'{{"a": {ENDLESS}}}'])
def test_what_is_nested_or_counts_without_end_is_refused(
    read: Callable[[str], object], text: str
) -> None:
    refused(lambda: read(text))


@SOME
@given(wrong(PAGE))
def test_a_page_of_an_index_is_read_or_refused(page: Any) -> None:
    with or_refused(Code.INDEX_UNREACHABLE):
        read_page(json.dumps(page))


@pytest.mark.parametrize("name", ["six-1." + "1" * 50_000 + ".whl", "six" + "-1" * 20_000])
def test_a_file_of_an_index_with_an_endless_name_takes_no_time(name: str) -> None:
    assert read_page(f'<a href="x">{name}</a>') == ()
    assert read_page(json.dumps({"files": [{"filename": name, "url": "x", "hashes": {}}]})) == ()


@SOME
@given(wrong(BASE), wrong(ROW))
@example({**BASE, "glibc": [float("inf"), 1]}, ROW).via("OverflowError")
def test_an_extract_of_a_base_is_read_or_refused(head: Any, row: Any) -> None:
    for lines in ((head, ROW), (BASE, row)):
        with or_refused(Code.BROKEN_BASE):
            read_base("\n".join(map(json.dumps, lines)) + "\n")


# -- TOML ------------------------------------------------------------------------------------------


def as_toml(data: Any) -> str:
    """The document, with texts where TOML has no such value; nothing of what it cannot write."""
    plain = json.loads(json.dumps(data).replace("null", '"none"'))
    try:
        return tomli_w.dumps(plain if isinstance(plain, dict) else {"x": plain})
    except (TypeError, AttributeError, RecursionError):
        return ""


PYPROJECT = {
    "project": {
        "name": "six",
        "dynamic": ["readme"],
        "dependencies": ["a>=1"],
        "optional-dependencies": {"x": ["b"]},
        "requires-python": ">=3.6",
    }
}
PKG_INFO = "Metadata-Version: 1.0\nName: six\nVersion: 1.0\n"


@SOME
@given(wrong(PYPROJECT))
@example({"project": {"optional-dependencies": "text"}}).via("AttributeError")
@example({"project": {"dependencies": 1}}).via("TypeError of a number that is no list")
@example({"project": {"dynamic": [[]]}}).via("TypeError of what has no hash")
def test_a_project_table_is_read_or_refused(data: Any) -> None:
    members = {"pyproject.toml": as_toml(data), "PKG-INFO": PKG_INFO}
    with or_refused(Code.INDEX_BAD_METADATA):
        metadata_of_sdist("six", Version("1.0"), members)


@pytest.mark.parametrize(
    "text",
    ["a" + ".a" * 50_000 + " = 1", f"a = 0x{'f' * 5000}", f"a = {ENDLESS}", "a = " + "[" * DEEP],
)
def test_a_pyproject_without_end_is_as_good_as_none(text: str) -> None:
    members = {"pyproject.toml": text, "PKG-INFO": PKG_INFO}
    assert metadata_of_sdist("six", Version("1.0"), members).requires == ()


PROFILE = """\
schema = "streamsolve.profile/1"
name = "app"
version = "1.0"
include = ["x.toml"]
[variants.only]
requirements = "wheel"
[[relax]]
requirement = "a>=1"
reason = "it works"
[[component]]
name = "b"
requires = ["a>=1; os_name == 'x'"]
"""


@SOME
@given(
    st.one_of(
        hurt(PROFILE), st.sampled_from(HOSTILE).map(lambda one: PROFILE.replace("x.toml", one))
    )
)
@example(PROFILE.replace("x.toml", "\\u0000")).via("a name with a character 0")
@example(PROFILE.replace('"b"', f'"{"b" * 5000}"')).via("a name that no file can have")
def test_a_profile_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("profile") / "profile.toml"
    path.write_text(text, encoding="utf-8", newline="")
    with or_refused(Code.BROKEN_PROFILE):
        load_profile(str(path))


def test_a_glibc_without_end_is_no_version() -> None:
    text = f'schema = "streamsolve.base/1"\nname = "b"\nglibc = "2.{ENDLESS}"\n'
    assert "glibc" in str(refused(lambda: parse_base_definition(text, file="b.toml")))


def test_a_workspace_that_names_itself_is_read(tmp_path: Path) -> None:
    manifest = '[package]\nname = "a"\nversion = "1.0.0"\n[workspace]\nmembers = [".", "**/", ""]\n'
    (tmp_path / "Cargo.toml").write_text(manifest)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.rs").write_text("")
    assert [project.name for project in read_cargo_projects(tmp_path, "d")] == ["a"]


# -- YAML ------------------------------------------------------------------------------------------

STREAM = """\
document: modulemd-stream
version: 2
data:
  name: a
  stream: "1"
  version: 1
  context: c
  arch: x86_64
  dependencies:
  - buildrequires: {platform: [f45]}
    requires: {platform: []}
  artifacts:
    rpms: [a-0:1-1.x86_64]
"""


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "a: " + "{a: " * 100_000,
        "- " * 100_000 + "x",
        "? " * 100_000 + "x",
        "".join(" " * depth + "a:\n" for depth in range(5000)),
    ],
)
def test_modules_nested_without_end_are_refused_and_do_not_end_the_process(text: str) -> None:
    assert refused(lambda: parse_modules(text, file="m.yaml")).code is Code.BROKEN_MODULES


def test_modules_with_many_brackets_are_no_deep_ones() -> None:
    rows = "".join(f"    - '{'[' * 60}'\n" for _ in range(9))
    found = parse_modules(f"{STREAM}  xmd:\n    a:\n{rows}", file="m.yaml")
    assert [stream.name for stream in found.streams] == ["a"]


@SOME
@given(hurt(STREAM))
@example(STREAM + "  ? [a, b]\n  : c\n").via("a key without a hash")
def test_a_module_is_read_or_refused(text: str) -> None:
    with or_refused(Code.BROKEN_MODULES):
        parse_modules(text, file="m.yaml")


def test_modules_that_unpack_without_end_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamsolve.inputs.module_indexes._LARGEST", 1000)
    (tmp_path / "m.yaml").write_text(STREAM + "#" * 1000)
    assert "module metadata" in refused(lambda: read_module(tmp_path / "m.yaml")).message


# -- XML -------------------------------------------------------------------------------------------

REPOMD = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="primary">
<checksum type="sha256">{SHA}</checksum><open-checksum type="sha256">{SHA}</open-checksum>
<location href="repodata/primary.xml"/><size>5</size><open-size>5</open-size>
</data></repomd>
"""
PRIMARY = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common"><package type="rpm"><name>a</name>
<arch>src</arch><version epoch="0" ver="1" rel="1"/><checksum type="sha256">{SHA}</checksum>
<size package="5"/><location href="a-1-1.src.rpm"/></package></metadata>
"""


def read_sources(content: bytes, path: Path) -> object:
    path.write_bytes(content)
    file = MetadataFile(path, SHA, len(content))
    return listed_source_packages(file, ["a-1-1.src"], file="primary.xml")


@SOME
@given(hurt(REPOMD))
@example(REPOMD.replace(">5<", f">{ENDLESS}<")).via("a number without end")
def test_a_repomd_is_read_or_refused(text: str) -> None:
    with or_refused(Code.BROKEN_REPOSITORY):
        parse_repomd(text.encode(), file="repomd.xml")


@pytest.mark.parametrize("encoding", ["utf-7", "utf-32", "big5", "none"])
def test_a_list_of_packages_in_another_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    content = PRIMARY.replace("UTF-8", encoding).replace("<name>", "<name>é").encode()
    error = refused(lambda: read_sources(content, tmp_path / "primary.xml"))
    assert error.code is Code.BROKEN_REPOSITORY


@SOME
@given(hurt(PRIMARY))
@example(PRIMARY.replace('package="5"', f'package="{ENDLESS}"')).via("a number without end")
def test_a_list_of_source_packages_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    with or_refused(Code.BROKEN_REPOSITORY):
        read_sources(text.encode(), tmp_path_factory.mktemp("primary") / "primary.xml")


def test_a_preference_without_end_is_a_high_one() -> None:
    url = '<url protocol="https" preference="{}">https://{}.test/x/repodata/repomd.xml</url>'
    text = (
        '<metalink xmlns="http://www.metalinker.org/"><files><file name="repomd.xml"><verification>'
        f'<hash type="sha256">{SHA}</hash></verification><resources>'
        f"{url.format(5, 'low')}{url.format(ENDLESS, 'high')}</resources></file></files></metalink>"
    )
    assert parse_metalink(text.encode(), file="m").urls[0].startswith("https://high.test")


# -- other texts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["http://[", "git+https://[::1", "https://[c]/x#egg=a"])
def test_an_address_that_is_none_is_refused_with_its_line(address: str) -> None:
    error = refused(lambda: parse_requirement_file(f"a\n{address}\n", file="r.txt"))
    assert "r.txt:2" in str(error)


@pytest.mark.parametrize("number", [ENDLESS, "²", "-1", "9" * 11])
def test_a_user_with_a_number_that_is_none_has_none(number: str) -> None:
    accounts = Accounts(f"a:x:{number}:0::/:\n".encode())
    accounts.declare([f"u b {number}:{number}\nu c 5:{number}\n".encode()])
    assert accounts.user("a") is None
    assert accounts.user("c") == 5


# -- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["check", "{}"], ["diff", "{}", "{}"]])
def test_a_device_without_end_is_refused(
    words: list[str], capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    assert main([word.format("/dev/zero") for word in words]) == 2
    assert "file too large" in " ".join(capsys.readouterr().err.split()).lower()


def test_a_file_that_is_named_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert read_whole(tmp_path / "x") == b"abc"


def test_what_a_terminal_acts_on_is_shown_escaped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    file = tmp_path / "x.toml"
    file.write_text('schema = "streamsolve.profile/1"\n"\\u001b[2J\\u202e\\u009b" = 1\n')
    assert main(["profile", "check", str(file)]) == 2
    told = capsys.readouterr().err
    assert "\\x1b[2J\\u202e\\x9b" in told
    assert not {"\x1b", "\u202e", "\x9b"} & set(told)


def test_half_a_character_can_be_shown_and_printed_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    file = tmp_path / "x.lock.json"
    file.write_text('{"schema": "\\ud800"}')
    assert main(["diff", str(file), str(file), "--json"]) == 2
    json.loads(capsys.readouterr().out)


# -- images and lists ------------------------------------------------------------------------------

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def write_layout(directory: Path, layer: bytes, changed: Callable[[str, Any], Any]) -> str:
    """A layout with one image of one layer; ``changed`` has each document before it is written."""
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    def document(name: str, content: Any) -> bytes:
        return json.dumps(changed(name, content)).encode()

    kept = put(layer)
    config = {
        "architecture": "amd64",
        "config": {"Env": ["PATH=/p"]},
        "rootfs": {"diff_ids": [kept["digest"]]},
    }
    manifest = {
        "config": put(document("config", config)),
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **kept}],
    }
    entry = {
        "mediaType": MANIFEST,
        "platform": {"architecture": "amd64"},
        **put(document("manifest", manifest)),
    }
    (directory / "index.json").write_bytes(document("index", {"manifests": [entry]}))
    return f"oci:{directory}"


def read_image(directory: Path, layer: bytes, changed: Callable[[str, Any], Any]) -> BaseImage:
    reference = write_layout(directory / "image", layer, changed)
    (directory / "scratch").mkdir()
    return read_base_image(reference, "amd64", frozenset([b"/etc/passwd"]), directory / "scratch")


def a_layer() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        info = tarfile.TarInfo("etc/passwd")
        info.size = 4
        tar.addfile(info, io.BytesIO(b"a:x:"))
    return content.getvalue()


def test_an_image_made_by_hand_is_read(tmp_path: Path) -> None:
    found = read_image(tmp_path, a_layer(), lambda _, content: content)
    assert found.kept[b"/etc/passwd"].read_bytes() == b"a:x:"


@pytest.mark.parametrize("name", ["index", "manifest", "config"])
@SOME
@given(data=st.data())
def test_the_documents_of_an_image_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    def changed(which: str, content: Any) -> Any:
        return data.draw(wrong(content)) if which == name else content

    with or_refused(Code.BAD_IMAGE):
        read_image(tmp_path_factory.mktemp("image"), a_layer(), changed)


def test_what_an_image_lacks_is_told_with_its_place(tmp_path: Path) -> None:
    def without(which: str, content: Any) -> Any:
        return {**content, "rootfs": None} if which == "config" else content

    assert "rootfs" in refused(lambda: read_image(tmp_path, a_layer(), without)).message


@pytest.mark.parametrize("size", [1 << 60, 60 << 30])
def test_a_layer_that_is_a_bomb_is_refused(tmp_path: Path, size: int) -> None:
    block = bytearray(tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT))
    block[124:136], block[156:157] = b"\x80" + size.to_bytes(11, "big"), b"Z"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    error = refused(lambda: read_image(tmp_path, bytes(block), lambda _, content: content))
    assert error.code is Code.BAD_IMAGE


def test_a_source_that_no_list_of_pythons_can_have_is_not_written() -> None:
    plan = small_plan()
    streams = tuple(
        evolve(stream, source=evolve(stream.source, filename="a:99999", sha256=SHA))
        for stream in plan.streams
    )
    with pytest.raises(InputError) as caught:
        pylock(evolve(plan, streams=streams))
    assert caught.value.code is Code.NOT_EMITTED


@pytest.mark.parametrize("seen", ["1e400", "[]", f'"{ENDLESS}"', "[" * DEEP])
def test_a_journal_of_submissions_that_is_damaged_is_told(tmp_path: Path, seen: str) -> None:
    path = tmp_path / "journal.json"
    head = f'"schema": "{JOURNAL}", "server": "s", "project": "o/p", "submissions": []'
    path.write_text(f'{{{head}, "seen": {{"p": {seen}}}}}')
    assert refused(lambda: read_journal(path, "s", "o/p")).code is Code.BROKEN_JOURNAL
