"""RPM files that no honest tool makes: each is refused, by name, before anything is made of it."""

from __future__ import annotations

import hashlib
import stat
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamsolve.errors import Code, InputError
from streamsolve.rpms import Entry, open_package

from .damage import broken
from .handmade_rpm import HandFile, cpio_archive, cpio_member, make_rpm
from .rpmworld import build_rpm

_DIRECTORY = stat.S_IFDIR | 0o755
_LINK = stat.S_IFLNK | 0o777


def _read(path: Path) -> list[tuple[Entry, bytes]]:
    with open_package(path) as package:
        return [(entry, b"".join(package.read(entry))) for entry in package.entries()]


def _refused(path: Path, name: str = "evil-1-1.noarch") -> str:
    with pytest.raises(InputError) as caught:
        _read(path)
    assert caught.value.code is Code.BAD_PACKAGE_FILE
    assert name in str(caught.value)
    assert path.name in str(caught.value)
    return caught.value.message


def test_a_package_made_by_hand_is_read(tmp_path: Path) -> None:
    files = [HandFile(b"/a/x", b"one"), HandFile(b"/a/y", link=b"x", mode=_LINK)]
    found = _read(make_rpm(tmp_path, files))
    assert [(entry.path, entry.target, content) for entry, content in found] == [
        (b"/a/x", b"", b"one"),
        (b"/a/y", b"x", b""),
    ]


@pytest.mark.parametrize(
    "path",
    [
        b"/../etc/passwd",
        b"/usr/../../etc/passwd",
        b"/usr/./x",
        b"/usr//x",
        b"/usr/..",
        b"/usr/.",
        b"usr/x",
        b"../x",
        b"/usr/",
        b"/" + b"a" * 256,
        b"/" + b"abcdefg/" * 600 + b"x",
    ],
)
def test_a_path_that_is_none_is_refused(tmp_path: Path, path: bytes) -> None:
    _refused(make_rpm(tmp_path, [HandFile(path, b"x")]))


@pytest.mark.parametrize(
    "name", [b"./../../etc/passwd", b"../x", b"/etc/passwd", b"./a/x/", b"./a//x"]
)
def test_a_name_in_the_payload_that_the_header_lacks_is_refused(
    tmp_path: Path, name: bytes
) -> None:
    said = _refused(make_rpm(tmp_path, [HandFile(b"/a/x", b"x", archived=name)]))
    assert "does not list" in said


@pytest.mark.parametrize("target", [b"/etc", b"../../etc", b"b"])
def test_a_file_through_a_link_of_the_package_is_refused(tmp_path: Path, target: bytes) -> None:
    files = [HandFile(b"/a/l", link=target, mode=_LINK), HandFile(b"/a/l/passwd", b"x")]
    assert "below /a/l" in _refused(make_rpm(tmp_path, files))


def test_a_file_below_a_file_is_refused(tmp_path: Path) -> None:
    files = [HandFile(b"/a/f", b"x"), HandFile(b"/a/f/d", mode=_DIRECTORY), HandFile(b"/a/f/d/x")]
    assert "no directory" in _refused(make_rpm(tmp_path, files))


@pytest.mark.parametrize(
    ("kind", "word"),
    [(stat.S_IFCHR, "device"), (stat.S_IFBLK, "device"), (stat.S_IFSOCK, "socket")],
)
def test_a_device_is_refused(tmp_path: Path, kind: int, word: str) -> None:
    assert word in _refused(make_rpm(tmp_path, [HandFile(b"/dev/sda", mode=kind | 0o660)]))


def test_a_kind_of_file_that_there_is_not_is_refused(tmp_path: Path) -> None:
    assert "kind" in _refused(make_rpm(tmp_path, [HandFile(b"/x", mode=0o644)]))


def test_a_path_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    files = [HandFile(b"/x", b"1"), HandFile(b"/x", b"1")]
    assert "twice" in _refused(make_rpm(tmp_path, files))


def test_a_file_that_is_in_the_payload_twice_is_refused(tmp_path: Path) -> None:
    twice = cpio_member(b"./x", b"1")
    file = make_rpm(tmp_path, [HandFile(b"/x", b"1")], archive=lambda archive: twice + archive)
    assert "twice" in _refused(file)


def test_a_file_that_the_payload_lacks_is_refused(tmp_path: Path) -> None:
    empty = cpio_archive([])
    file = make_rpm(tmp_path, [HandFile(b"/x", b"1")], archive=lambda _: empty)
    assert "not in its payload" in _refused(file)


@pytest.mark.parametrize("stated", [0, 1, 99, 0xFFFFFFFF])
def test_a_size_in_the_header_that_lies_is_refused(tmp_path: Path, stated: int) -> None:
    assert "bytes" in _refused(make_rpm(tmp_path, [HandFile(b"/x", b"12345", stated=stated)]))


@pytest.mark.parametrize("size", [0, 4, 6, 1 << 31, 0xFFFFFFFF])
def test_a_size_in_the_payload_that_lies_is_refused(tmp_path: Path, size: int) -> None:
    lying = cpio_member(b"./x", b"12345", size=size) + cpio_member(b"TRAILER!!!", b"")
    _refused(make_rpm(tmp_path, [HandFile(b"/x", b"12345")], archive=lambda _: lying))


def test_sizes_that_both_lie_end_where_the_payload_does(tmp_path: Path) -> None:
    lying = cpio_member(b"./x", b"12345", size=1 << 31)
    file = HandFile(b"/x", b"12345", stated=1 << 31)
    assert "ends early" in _refused(make_rpm(tmp_path, [file], archive=lambda _: lying))


def test_more_than_any_package_holds_is_refused_before_it_is_read(tmp_path: Path) -> None:
    sizes = (5008, 5, [1 << 60])
    assert "more than" in _refused(
        make_rpm(tmp_path, [HandFile(b"/x", b"")], more=[sizes], without=[1028])
    )


@pytest.mark.parametrize("compressor", [b"gzip", b"xz", b"zstd"])
def test_a_decompression_bomb_is_refused_without_being_opened(
    tmp_path: Path, compressor: bytes
) -> None:
    bomb = bytes(64 << 20)
    file = make_rpm(
        tmp_path,
        [HandFile(b"/x", b"12345")],
        compressor=compressor,
        archive=lambda archive: archive + bomb,
    )
    tracemalloc.start()
    _refused(file)
    # The dictionary of xz has 8 MiB.
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


def test_a_window_that_would_need_gigabytes_is_refused(tmp_path: Path) -> None:
    def wide(_: bytes) -> bytes:
        level = zstandard.ZstdCompressionParameters.from_level(1, window_log=31)
        engine = zstandard.ZstdCompressor(compression_params=level).compressobj()
        return engine.compress(cpio_archive([])) + engine.flush()

    assert "decompress" in _refused(make_rpm(tmp_path, [], compressor=b"zstd", compressed=wide))


def test_content_that_is_not_what_its_digest_says_is_refused(tmp_path: Path) -> None:
    other = hashlib.sha256(b"other").hexdigest().encode()
    assert "digest" in _refused(make_rpm(tmp_path, [HandFile(b"/x", b"this", digest=other)]))


def test_a_link_that_leads_elsewhere_in_the_payload_is_refused(tmp_path: Path) -> None:
    member = cpio_member(b"./l", b"/etc/passwd"[:1]) + cpio_member(b"TRAILER!!!", b"")
    file = make_rpm(tmp_path, [HandFile(b"/l", link=b"x", mode=_LINK)], archive=lambda _: member)
    assert "elsewhere" in _refused(file)


def test_names_of_one_file_that_differ_are_refused(tmp_path: Path) -> None:
    files = [HandFile(b"/a", b"one", inode=7), HandFile(b"/b", b"two!", inode=7)]
    assert "one file" in _refused(make_rpm(tmp_path, files))


def test_something_after_the_end_of_the_archive_is_refused(tmp_path: Path) -> None:
    more = cpio_member(b"./y", b"hidden")
    file = make_rpm(tmp_path, [HandFile(b"/x", b"1")], archive=lambda archive: archive + more)
    assert "after the end" in _refused(file)


def test_a_member_of_a_stripped_archive_that_the_header_lacks_is_refused(tmp_path: Path) -> None:
    member = b"07070X" + b"%08x" % 7 + b"\0\0"
    file = make_rpm(tmp_path, [HandFile(b"/x", b"1")], archive=lambda _: member)
    assert "does not list" in _refused(file)


def test_an_archive_of_another_form_is_refused(tmp_path: Path) -> None:
    file = make_rpm(tmp_path, [HandFile(b"/x", b"1")], archive=lambda _: bytes(2048))
    assert "no cpio" in _refused(file)


def test_a_compressor_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    assert "form" in _refused(make_rpm(tmp_path, [], claimed=b"rar"))


@pytest.mark.parametrize("name", [b"../1", b"1\n", b"", b"1 2", b"\xff"])
def test_a_version_that_is_none_is_refused(tmp_path: Path, name: bytes) -> None:
    _refused(make_rpm(tmp_path, [], version=name), name="evil.rpm")


@pytest.mark.parametrize("tag", [1030, 1034, 1035, 1036, 1037, 1039, 1040, 1116, 1118])
def test_a_header_that_lacks_a_list_of_its_files_is_refused(tmp_path: Path, tag: int) -> None:
    _refused(make_rpm(tmp_path, [HandFile(b"/x", b"1")], without=[tag]))


def test_what_is_no_package_is_refused(tmp_path: Path) -> None:
    for number, content in enumerate((b"", b"\xed\xab\xee\xdb", b"PK\x03\x04" * 100, bytes(4096))):
        path = tmp_path / f"{number}.rpm"
        path.write_bytes(content)
        _refused(path, name=path.name)


def test_a_header_of_gigabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = make_rpm(tmp_path, [])
    content = bytearray(path.read_bytes())
    content[96 + 8 : 96 + 16] = struct.pack(">II", 0xFFFF, 0x7FFFFFFF)
    path.write_bytes(content)
    assert "most" in _refused(path, name=path.name)


# -- any damage whatever ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with one of everything."""
    return build_rpm(
        tmp_path_factory.mktemp("honest"),
        "honest",
        install="mkdir -p usr/share/honest; cd usr/share/honest; seq 2000 > a; ln a b; ln -s a c",
        files=("/usr/share/honest",),
        scripts="%post\necho hi",
    )


def _outcome(path: Path) -> object:
    """What a package holds, or that it is refused: nothing else may happen."""
    refusal: InputError | None = None
    try:
        return _read(path)
    except InputError as error:
        refusal = error
    assert refusal.code is Code.BAD_PACKAGE_FILE
    assert path.name in str(refusal)
    return None


_DAMAGE = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@_DAMAGE
@given(data=st.data())
def test_a_damaged_package_is_refused_or_holds_what_it_held(
    honest: Path, data: st.DataObject
) -> None:
    content = honest.read_bytes()
    # Most of it is content: what counts are the two headers, with the sizes of their parts.
    damaged = honest.with_name("damaged.rpm")
    damaged.write_bytes(data.draw(broken(content, range(content.index(b"\x8e\xad"), 2000))))
    assert _outcome(damaged) in (None, _read(honest))


_TEXTS = st.lists(st.sampled_from((b"", b"a", b"/", b"../x", b"\xff", b"9" * 5000)), min_size=1)
_TAGS = st.sampled_from(
    (*range(1000, 1055), *range(1085, 1130), 5008, 5046, 5062, 5092, 5093, 5097)
)
_TYPED = st.one_of(
    st.tuples(st.sampled_from((3, 4, 5)), st.lists(st.sampled_from((0, 1, 2, 0xFFFF)), min_size=1)),
    st.tuples(st.just(7), st.binary(min_size=1, max_size=40)),
    st.tuples(st.just(8), _TEXTS),
    st.tuples(st.just(6), _TEXTS.map(lambda texts: texts[0])),
)


@_DAMAGE
@given(tags=st.dictionaries(_TAGS, _TYPED, min_size=1, max_size=3))
def test_tags_of_another_type_or_length_are_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, tags: dict[int, tuple[int, Any]]
) -> None:
    files = [HandFile(b"/a/x", b"content", caps=b"cap_net_raw=ep"), HandFile(b"/a/y")]
    more = [(tag, kind, value) for tag, (kind, value) in tags.items()]
    directory = tmp_path_factory.mktemp("tags")
    _outcome(make_rpm(directory, files, more=more, without=tuple(tags)))


@_DAMAGE
@given(length=st.integers(0, 5000), more=st.binary(max_size=30))
def test_a_package_that_is_cut_off_or_too_long_is_refused(
    honest: Path, length: int, more: bytes
) -> None:
    whole = honest.read_bytes()
    content = whole[: length % len(whole)] + more
    damaged = honest.with_name("cut.rpm")
    damaged.write_bytes(content)
    assert _outcome(damaged) is None or content == whole
    damaged.write_bytes(whole + more + b"x")
    assert _outcome(damaged) is None


@_DAMAGE
@given(data=st.data())
def test_a_payload_that_was_changed_with_its_digests_is_refused_or_true(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    files = [HandFile(b"/a/x", b"content" * 30), HandFile(b"/a/y", link=b"x", mode=_LINK)]

    def changed(archive: bytes) -> bytes:
        found = bytearray(archive)
        for _ in range(data.draw(st.integers(1, 3))):
            place = data.draw(st.integers(0, len(found) - 1))
            found[place] = data.draw(st.sampled_from(b"0123456789abcdefX./\0\xff"))
        return bytes(found)

    directory = tmp_path_factory.mktemp("changed")
    found = _outcome(make_rpm(directory, files, archive=changed))
    honest = _read(make_rpm(directory, files))
    assert found in (None, honest)
