"""The parts that layers are made of, each against a tool that does the same."""

from __future__ import annotations

import gzip
import io
import os
import random
import tarfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.errors import InputError
from streamsolve.oci.accounts import Accounts
from streamsolve.oci.capabilities import ATTRIBUTE, capability_attribute
from streamsolve.oci.compression import Compression, compressor
from streamsolve.oci.tar import END, Member, header, padding
from streamsolve.oci.tree import ImageTree

from .rpmworld import run

# -- capabilities ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "cap_net_raw=ep",
        "cap_net_raw+ep",
        "cap_net_raw,cap_net_admin=ep",
        "= cap_net_bind_service+ep",
        "cap_setuid,cap_setgid+p cap_chown=p",
        "cap_sys_admin=i",
        "cap_chown=ip",
        "all=ep",
        "=ep",
        "=p cap_chown-p",
        "cap_bpf,cap_checkpoint_restore=ep",
        "CAP_NET_RAW=EP".lower(),
        "cap_net_raw=eip cap_kill+eip cap_net_raw-i cap_kill-i",
    ],
)
def test_capabilities_are_as_setcap_writes_them(tmp_path: Path, text: str) -> None:
    file = tmp_path / "file"
    file.touch()
    run("setcap", text, file)
    written = os.getxattr(file, ATTRIBUTE)
    if text in ("all=ep", "=ep", "=p cap_chown-p"):
        # setcap leaves out what this kernel does not know.
        assert capability_attribute(text)[:8] == written[:8]
    else:
        assert capability_attribute(text) == written


@pytest.mark.parametrize(
    "text", ["", "cap_none=ep", "cap_chown", "+ep", "cap_chown=x", "cap_chown=e cap_kill=p", "64=p"]
)
def test_what_states_no_capabilities_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="capabilit"):
        capability_attribute(text)


# -- users and groups ------------------------------------------------------------------------------

_SYSUSERS = """\
# A comment
g plain 500
g free
u fixed 48 "Web server" /var/www /sbin/nologin
u! open - "With a number of its own"
u pair 60:500
u named 61:plain
m fixed plain
m open plain
broken "line
u app 90
"""


def test_sysusers_are_as_systemd_makes_them(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    passwd, group = (
        b"root:x:0:0::/root:/bin/sh\napp:x:77:78::/:/bin/sh\n",
        b"root:x:0:\napp:x:78:\n",
    )
    (tmp_path / "etc/passwd").write_bytes(passwd)
    (tmp_path / "etc/group").write_bytes(group)
    rules = tmp_path / "usr/lib/sysusers.d/test.conf"
    rules.parent.mkdir(parents=True)
    rules.write_text(_SYSUSERS.replace('broken "line\n', "").replace("u!", "u"))
    run("systemd-sysusers", f"--root={tmp_path}")
    ours = Accounts(passwd, group)
    ours.declare([_SYSUSERS.encode()])
    theirs = Accounts((tmp_path / "etc/passwd").read_bytes(), (tmp_path / "etc/group").read_bytes())
    names = ("root", "app", "fixed", "pair", "named")
    assert [ours.user(name) for name in names] == [theirs.user(name) for name in names]
    groups = ("root", "app", "plain", "fixed")
    assert [ours.group_number(n) for n in groups] == [theirs.group_number(n) for n in groups]
    # Which free number it is differs with the order; that it is one of the system's does not.
    free = {ours.user("open"), ours.group_number("free")}
    assert all(number is not None and 900 < number < 1000 for number in free)

    def line(text: bytes, name: bytes) -> list[bytes]:
        return next(each for each in text.splitlines() if each.startswith(name + b":")).split(b":")

    theirs_fixed = line(theirs.passwd, b"fixed")
    assert line(ours.passwd, b"fixed")[2:] == [*theirs_fixed[2:6], b"/sbin/nologin"]
    assert line(ours.group, b"plain")[3] == line(theirs.group, b"plain")[3] == b"fixed,open"


def test_the_root_is_known_without_a_file_and_others_are_not() -> None:
    accounts = Accounts()
    assert (accounts.user("root"), accounts.group_number("root")) == (0, 0)
    assert accounts.user("app") is None
    accounts.declare([b"u app - -\n", b"\xff\xfe\n", b"u evil:0 0\n"])
    assert accounts.user("app") == accounts.group_number("app") == 999
    assert accounts.user("evil:0") is None


@given(st.binary(max_size=200))
def test_any_text_is_taken_for_accounts(text: bytes) -> None:
    accounts = Accounts(text, text)
    accounts.declare([text])
    assert accounts.user("root") is not None
    assert accounts.passwd.startswith(text)


# -- compression -----------------------------------------------------------------------------------

_PIECES = st.lists(st.binary(max_size=300).map(lambda data: data * 200), max_size=20)


@given(pieces=_PIECES, workers=st.integers(1, 3), kind=st.sampled_from(Compression))
def test_compression_depends_on_the_content_alone(
    pieces: list[bytes], workers: int, kind: Compression
) -> None:
    content = b"".join(pieces)
    with ThreadPoolExecutor(workers) as pool:
        several = compressor(kind, pool, workers)
        packed = b"".join([*map(several.add, pieces), several.end()])
        one = compressor(kind, pool, 1)
        assert one.add(content) + one.end() == packed
    if kind is Compression.GZIP:
        assert gzip.decompress(packed) == content
        assert packed[4:8] == bytes(4), "no time"
    else:
        reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed))
        assert reader.read() == content


@pytest.mark.parametrize("kind", Compression)
def test_many_blocks_are_the_same_whoever_compresses_them(kind: Compression) -> None:
    content = random.Random(1).randbytes(1 << 21) + bytes(1 << 20)
    content += bytes(reversed(content))

    def packed(workers: int, size: int) -> bytes:
        with ThreadPoolExecutor(workers) as pool:
            engine = compressor(kind, pool, workers)
            starts = range(0, len(content), size)
            pieces = [engine.add(content[start : start + size]) for start in starts]
            return b"".join((*pieces, engine.end()))

    assert packed(1, 1 << 20) == packed(2, 100_003) == packed(4, len(content))


def test_gzip_in_blocks_is_hardly_larger_than_gzip(tmp_path: Path) -> None:
    content = "\n".join(map(str, range(400_000))).encode()
    with ThreadPoolExecutor(2) as pool:
        engine = compressor(Compression.GZIP, pool, 2)
        packed = engine.add(content) + engine.end()
    assert len(packed) < 1.02 * len(gzip.compress(content, 6))
    (tmp_path / "file.gz").write_bytes(packed)
    run("gzip", "-t", tmp_path / "file.gz")


# -- archives --------------------------------------------------------------------------------------


@given(
    path=st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=3).map(b"/".join),
    size=st.integers(0, 3000),
    ids=st.tuples(st.integers(0, 2**31), st.integers(0, 2**31)),
    attribute=st.binary(max_size=40),
)
def test_a_member_comes_out_of_an_archive_as_it_went_in(
    path: bytes, size: int, ids: tuple[int, int], attribute: bytes
) -> None:
    path = b"/" + path.replace(b"\0", b"0").strip(b"/").replace(b"//", b"/") + b"x"
    uid, gid = ids
    xattrs = ((ATTRIBUTE, attribute),)
    member = Member(path=path, mode=0o4711, uid=uid, gid=gid, mtime=7, size=size, xattrs=xattrs)
    content = b"c" * size
    archive = io.BytesIO(header(member) + content + padding(size) + END)
    with tarfile.open(fileobj=archive, mode="r:") as opened:
        (found,) = opened.getmembers()
        stream = opened.extractfile(found)
        assert stream is not None
        assert stream.read() == content
    assert found.name.encode("utf-8", "surrogateescape") == path.lstrip(b"/")
    assert (found.mode, found.uid, found.gid, found.mtime) == (0o4711, uid, gid, 7)
    stored = found.pax_headers[f"SCHILY.xattr.{ATTRIBUTE}"]
    assert stored.encode("utf-8", "surrogateescape") == attribute


_KINDS = (
    tarfile.REGTYPE,
    tarfile.DIRTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.FIFOTYPE,
)
_NAMES = st.one_of(
    st.integers(1, 130).map(lambda length: b"/" + b"n" * length),
    st.binary(min_size=1, max_size=20).map(lambda name: b"/" + name.replace(b"\0", b"0") + b"x"),
)


@given(
    path=_NAMES,
    target=_NAMES,
    kind=st.sampled_from(_KINDS),
    mode=st.integers(0, 0o7777),
    uid=st.sampled_from([0, 1, 8**7 - 1, 8**7]),
    size=st.sampled_from([0, 1, 8**11 - 1, 8**11]),
    mtime=st.sampled_from([-1, 0, 1_600_000_000, 8**11 - 1, 8**11]),
)
def test_a_header_is_what_tarfile_writes(
    path: bytes, target: bytes, kind: bytes, mode: int, uid: int, size: int, mtime: int
) -> None:
    link = kind in (tarfile.SYMTYPE, tarfile.LNKTYPE)
    member = Member(
        path=path,
        kind=kind,
        mode=mode,
        uid=uid,
        size=0 if kind != tarfile.REGTYPE else size,
        mtime=mtime,
        target=target if link else b"",
    )
    info = tarfile.TarInfo(path.strip(b"/").decode("utf-8", "surrogateescape"))
    info.type, info.mode, info.uid, info.size = kind, mode, uid, member.size
    info.mtime = max(mtime, 0)
    where = target.lstrip(b"/") if kind == tarfile.LNKTYPE else target
    info.linkname = where.decode("utf-8", "surrogateescape") if link else ""
    assert header(member) == info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def test_a_file_of_ten_gigabytes_can_be_stated() -> None:
    blocks = header(Member(path=b"/large", size=10 << 30))
    found = tarfile.TarFile(fileobj=io.BytesIO(blocks + END)).next()
    assert found is not None
    assert found.size == 10 << 30


# -- links -----------------------------------------------------------------------------------------

_NAME = st.sampled_from([b"a", b"b", b"c", b".."])
_PATH = st.lists(_NAME, min_size=1, max_size=4).map(b"/".join)


@given(links=st.dictionaries(st.sampled_from([b"a", b"b", b"c"]), _PATH, max_size=3), path=_PATH)
def test_links_are_followed_as_the_kernel_follows_them_in_a_root(
    tmp_path_factory: pytest.TempPathFactory, links: dict[bytes, bytes], path: bytes
) -> None:
    """What ``realpath`` says of the same links; an absolute one would leave the test's root."""
    root = tmp_path_factory.mktemp("root")
    tree = ImageTree()
    for name, target in links.items():
        if b".." in target.split(b"/"):
            continue
        (root / name.decode()).symlink_to(target.decode())
        tree.link(b"/" + name, target)
    plain = b"/".join(part for part in path.split(b"/") if part != b"..")
    real = Path(os.path.realpath(root / plain.decode()))
    found = b""
    with suppress(InputError):
        found = tree.directory(b"/" + plain)
    if found:
        assert root / os.fsdecode(found.lstrip(b"/")) == real
    else:
        with pytest.raises((OSError, RuntimeError)):
            (root / plain.decode()).resolve(strict=True)


def test_a_link_never_leads_above_the_root() -> None:
    tree = ImageTree()
    tree.link(b"/a", b"../../../etc")
    tree.link(b"/b", b"/a/../../x")
    assert tree.canonical(b"/a/passwd") == b"/etc/passwd"
    assert tree.canonical(b"/b/y") == b"/x/y"
