"""What cannot be made an image leaves nothing behind, and what can needs little memory."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamsolve.errors import Code, InputError
from streamsolve.oci import layers as layer_module

from .handmade_rpm import HandFile, make_rpm
from .imageworld import layer_members, snapshot, write_image
from .rpmworld import build_rpm

ROOT = Path(__file__).parents[1]
_LINK = stat.S_IFLNK | 0o777


def _good(place: Path, name: str = "good") -> Path:
    return make_rpm(place, [HandFile(b"/usr/share/good/" + name.encode(), b"x" * 1000)], name=name)


def _refused(place: Path, bad: Path) -> str:
    before = snapshot(place)
    with pytest.raises(InputError) as caught:
        write_image(place / "image", {"low": [_good(place)], "high": [bad]})
    before |= {"good.rpm": snapshot(place)["good.rpm"]}
    assert snapshot(place) == before
    assert bad.stem in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "files",
    [
        [HandFile(b"/../../../tmp/evil", b"x")],
        [HandFile(b"/usr/../../x", b"x")],
        [HandFile(b"/x", b"x", archived=b"./../../../../tmp/evil")],
        [HandFile(b"/l", link=b"/tmp", mode=_LINK), HandFile(b"/l/evil", b"x")],
        [HandFile(b"/dev/null", mode=stat.S_IFCHR | 0o666)],
        [HandFile(b"/x", b"12345", stated=3)],
        [HandFile(b"/x", b"12345", stated=1 << 31)],
        [HandFile(b"/x", b"12345", digest=b"0" * 64)],
    ],
    ids=["names", "dots", "archive", "link", "device", "short", "long", "digest"],
)
def test_a_hostile_package_is_refused_by_name_and_leaves_nothing(
    tmp_path: Path, files: list[HandFile]
) -> None:
    assert "evil" in _refused(tmp_path, make_rpm(tmp_path, files))


def test_a_bomb_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    bomb = make_rpm(
        tmp_path, [HandFile(b"/x", b"1")], archive=lambda found: found + bytes(64 << 20)
    )
    _refused(tmp_path, bomb)


def test_a_package_that_is_cut_off_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    path = build_rpm(tmp_path, "cut", install="mkdir -p usr; seq 10000 > usr/x", files=("/usr/x",))
    path.write_bytes(path.read_bytes()[:-100])
    assert "ends early" in _refused(tmp_path, path)


def test_a_package_whose_payload_was_changed_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    path = build_rpm(
        tmp_path, "changed", install="mkdir -p usr; seq 9999 > usr/x", files=("/usr/x",)
    )
    content = bytearray(path.read_bytes())
    content[-50] ^= 1
    path.write_bytes(content)
    assert "changed-1-1.noarch" in _refused(tmp_path, path)


def test_capabilities_that_no_file_can_have_are_refused(tmp_path: Path) -> None:
    for text in (b"cap_of_nobody=ep", b"=", b"cap_net_raw=e cap_chown=p", b"$(reboot)"):
        if text == b"=":
            continue
        bad = make_rpm(tmp_path, [HandFile(b"/x", b"1", caps=text)])
        assert "capabilit" in _refused(tmp_path, bad)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    names=st.lists(
        st.lists(
            st.sampled_from([b"a", b"b", b"..", b".", b"", b"\xff", b"\n", b"l", b".wh.a"]),
            min_size=1,
            max_size=4,
        ).map(b"/".join),
        min_size=1,
        max_size=4,
        unique=True,
    ),
    links=st.lists(st.sampled_from([b"/", b"..", b"/a", b"../../../b", b"l", b"."]), max_size=4),
)
def test_no_name_in_a_layer_leads_out_of_the_image(
    tmp_path_factory: pytest.TempPathFactory, names: list[bytes], links: list[bytes]
) -> None:
    """Whatever packages say: refused, or inside."""
    place = tmp_path_factory.mktemp("names")
    one = make_rpm(
        place,
        [HandFile(b"/l%d" % number, link=each, mode=_LINK) for number, each in enumerate(links)],
        name="links",
    )
    files = [HandFile(b"/l%d/" % (number % 4) + each, b"x") for number, each in enumerate(names)]
    two = make_rpm(place, sorted(files, key=lambda file: file.path), name="files")
    try:
        write_image(place / "image", {"low": [one], "high": [two]})
    except InputError:
        assert not (place / "image").exists()
        return
    for members in layer_members(place / "image"):
        for member in members:
            assert not member.name.startswith("/")
            assert ".." not in member.name.split("/")


# -- interruptions ---------------------------------------------------------------------------------


def test_an_error_in_the_middle_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_image(tmp_path / "image", {"all": [_good(tmp_path)]})
    before = snapshot(tmp_path)

    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(layer_module, "entry_member", broken)
    with pytest.raises(KeyboardInterrupt):
        write_image(tmp_path / "image", {"all": [_good(tmp_path)]})
    assert snapshot(tmp_path) == before


_SLOW = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from streamsolve.oci import layers
from tests.imageworld import write_image
real = layers.entry_member
def slow(*given):
    print("begun", flush=True)
    sys.stdin.read()
    return real(*given)
layers.entry_member = slow
write_image(Path(sys.argv[2]), {"all": [Path(sys.argv[3])]})
"""


def test_an_interrupted_run_leaves_no_half_layout(tmp_path: Path) -> None:
    good = _good(tmp_path)
    before = snapshot(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", _SLOW, ROOT, tmp_path / "image", good],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGINT)
        process.stdin.close()
        assert process.wait(60) != 0
    assert snapshot(tmp_path) == before


def test_a_layout_is_replaced_when_the_new_one_is_whole(tmp_path: Path) -> None:
    write_image(tmp_path / "image", {"all": [_good(tmp_path)]})
    old = snapshot(tmp_path / "image")
    write_image(tmp_path / "image", {"all": [_good(tmp_path, "new")]})
    assert snapshot(tmp_path / "image") != old
    assert {path.name for path in tmp_path.iterdir()} == {"image", "good.rpm", "new.rpm"}


def test_what_is_no_layout_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError) as caught:
        write_image(tmp_path / "image", {"all": [_good(tmp_path)]})
    assert caught.value.code is Code.BAD_IMAGE
    assert (tmp_path / "image" / "thesis.txt").read_text() == "mine"


# -- memory ----------------------------------------------------------------------------------------

_MEASURE = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from streamsolve.oci import Compression
from tests.imageworld import write_image
kind = Compression(sys.argv[2])
write_image(Path(sys.argv[3]), {"all": [Path(each) for each in sys.argv[4:]]}, compression=kind)
# Not ru_maxrss, which counts the process that started this one too.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak.split()[1])
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with a file of 400 MB, one of 40 MB that has something in it, and 2,000 more."""
    script = (
        "mkdir -p usr/share/large/many; cd usr/share/large; truncate -s 400M large; "
        "seq 1 5500000 > numbers; cd many; seq 1 2000 | split -l 1 -a 4"
    )
    place = tmp_path_factory.mktemp("large")
    return build_rpm(place, "large", install=script, files=("/usr/share/large",))


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_memory_stays_below_200_mb_however_large_a_package_is(
    large: Path, tmp_path: Path, kind: str
) -> None:
    words = [sys.executable, "-c", _MEASURE, ROOT, kind, tmp_path / "image", large]
    done = subprocess.run(words, capture_output=True, check=True, timeout=280)
    assert int(done.stdout) < 200_000, "kilobytes"
