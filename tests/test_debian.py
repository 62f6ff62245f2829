"""Debian's lists as a base: read, ordered as dpkg orders, and compared with requirements."""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from packaging.version import Version

from streamsolve.cli import main
from streamsolve.errors import Code, InputError, InputErrors, Place
from streamsolve.explain.debian_text import debian_schema
from streamsolve.inputs.debian import open_debian, parse_packages, parse_relations
from streamsolve.model.debian import DebianBase, DebianPackage, DebianRelation, KnownBy, Meets
from streamsolve.model.debian_version import compare_debian, is_debian_version, upstream_version
from streamsolve.model.requirement import parse_requirement
from streamsolve.planner.debian import Asked, compare_with_debian

from .commandworld import Ran

APT_LISTS = Path("/var/lib/apt/lists")
MEGABYTE = 1 << 20
Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command; standard output and standard error apart."""
    monkeypatch.setenv("STREAMSOLVE_OFFLINE", "1")

    def ran(*arguments: str) -> Ran:
        capsys.readouterr()
        code = main(arguments)
        return Ran(code, *capsys.readouterr())

    return ran


def paragraph(name: str, version: str = "1.0-1", arch: str = "amd64", **fields: str) -> str:
    """A paragraph; a field's name has hyphens where the keyword has underscores."""
    rest = "".join(f"{key.replace('_', '-')}: {value}\n" for key, value in fields.items())
    return f"Package: {name}\nVersion: {version}\nArchitecture: {arch}\n{rest}"


def listed(*paragraphs: str) -> bytes:
    return "\n".join(paragraphs).encode()


def base_of(directory: Path, *paragraphs: str) -> DebianBase:
    (directory / "Packages").write_bytes(listed(*paragraphs))
    return open_debian(directory)


def parsed(*paragraphs: str) -> list[DebianPackage]:
    return list(parse_packages([listed(*paragraphs)], file="Packages"))


# -- the order of versions -------------------------------------------------------------------------

UPSTREAM = st.text(alphabet="0019azAZ.+~-", max_size=8)
VERSION = st.builds(
    lambda epoch, upstream, revision: f"{epoch}0{upstream}{revision}",
    st.sampled_from(["", "0:", "1:", "01:"]),
    UPSTREAM,
    st.sampled_from(["", "-0", "-1", "-1~bpo1", "-1+b1", "-00"]),
).filter(is_debian_version)
PAIRS = st.lists(st.tuples(VERSION, VERSION), min_size=40, max_size=40)


def dpkg_says(pairs: list[tuple[str, str]]) -> list[int]:
    """What dpkg itself says of pairs, in one shell: -1, 0 or 1."""
    script = """
    while [ $# -gt 0 ]; do
      if dpkg --compare-versions "$1" lt "$2"; then echo -1
      elif dpkg --compare-versions "$1" eq "$2"; then echo 0
      else echo 1; fi
      shift 2
    done
    """
    words = [version for pair in pairs for version in pair]
    done = subprocess.run(
        ["sh", "-c", script, "sh", *words], capture_output=True, text=True, check=True
    )
    return [int(line) for line in done.stdout.split()]


# Each example asks dpkg forty times: making a failing one smaller would take minutes.
@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(PAIRS)
def test_versions_are_ordered_as_dpkg_orders_them(pairs: list[tuple[str, str]]) -> None:
    assert [compare_debian(one, other) for one, other in pairs] == dpkg_says(pairs)


def test_versions_of_real_packages_are_ordered_as_dpkg_orders_them() -> None:
    real = [
        ("1.0~rc1-1", "1.0-1"),
        ("1.0-1", "1.0-1+b1"),
        ("1.0-1~bpo12+1", "1.0-1"),
        ("1:0.9-1", "2.0-1"),
        ("1.0", "1.0-0"),
        ("1.0a", "1.0a0"),
        ("2.36-9+deb12u10", "2.36-9+deb12u9"),
        ("1.0+dfsg-1", "1.0.1-1"),
        ("10.0", "9.9"),
        ("0.0~git20200101-1", "0.0-1"),
        ("9" * 5000, "9" * 5001),
    ]
    assert [compare_debian(one, other) for one, other in real] == dpkg_says(real)


@given(VERSION, VERSION, VERSION)
def test_the_order_is_total(one: str, two: str, three: str) -> None:
    assert compare_debian(one, one) == 0
    assert compare_debian(one, two) == -compare_debian(two, one)
    if compare_debian(one, two) <= 0 and compare_debian(two, three) <= 0:
        assert compare_debian(one, three) <= 0


@pytest.mark.parametrize(
    ("debian", "upstream"),
    [
        ("1:1.24.2-1+deb12u1", "1.24.2"),
        ("1.13.1+dfsg-4", "1.13.1"),
        ("2.0~rc1-1", "2.0rc1"),
        ("3.0~b2+ds1-1", "3.0b2"),
        ("5.0+really4.2-1", "4.2"),
        ("5.0+really4.2+dfsg-1", "4.2"),
        ("1.2+git20260101-1", "1.2+git20260101"),
        ("102.1~deb12u1", "102.1"),
    ],
)
def test_a_version_tells_upstreams(debian: str, upstream: str) -> None:
    assert upstream_version(debian) == Version(upstream)


@pytest.mark.parametrize("debian", ["0.0~git20200101.abc-1", "0~20210101-2", "2022-07-09+dfsg-2"])
def test_a_version_that_tells_nothing_is_not_guessed_at(debian: str) -> None:
    assert upstream_version(debian) is None


# -- paragraphs ------------------------------------------------------------------------------------


def test_the_fields_of_a_package_are_read() -> None:
    (package,) = parsed(
        paragraph(
            "python3-six",
            "1:1.16-1",
            "all",
            Source="six (1.16-0)",
            Pre_Depends="dpkg (>= 1.15.6~)",
            Depends="python3:any, libc6 (>= 2.36) | libc6.1 (= 2.36),\n python3 (<< 3.13)",
            Conflicts="old",
            Breaks="other (< 2)",
            Provides="six, six-api (= 3)",
            Homepage="https://pypi.example/project/Six_Pack/",
            Python_Egg_Name="six",
            Description="wraps\n .\n and goes on",
        )
    )
    assert (package.name, package.version, package.arch) == ("python3-six", "1:1.16-1", "all")
    assert package.source == "six"
    assert package.stated == ("six", "six-pack")
    assert [" | ".join(map(str, entry)) for entry in package.depends] == [
        "dpkg (>= 1.15.6~)",
        "python3:any",
        "libc6 (>= 2.36) | libc6.1 (= 2.36)",
        "python3 (<< 3.13)",
    ]
    assert list(map(str, package.conflicts)) == ["old", "other (<= 2)"]
    assert package.provides == (DebianRelation("six"), DebianRelation("six-api", "=", "3"))


@given(st.integers(1, 60), st.data())
def test_it_makes_no_difference_where_blocks_end(size: int, data: st.DataObject) -> None:
    text = listed(
        paragraph("one", Depends="two,\n three"), paragraph("two", "1~x-1"), paragraph("three")
    )
    start = data.draw(st.integers(0, 5))
    blocks = [text[:start], *(text[at : at + size] for at in range(start, len(text), size))]
    whole = list(parse_packages([text], file="Packages"))
    assert list(parse_packages(blocks, file="Packages")) == whole
    assert [package.name for package in whole] == ["one", "two", "three"]


def test_every_fault_is_told_with_its_line() -> None:
    text = listed(
        paragraph("good"),
        "Package: no-version\nArchitecture: all\n",
        paragraph("bad/name"),
        paragraph("odd", "not a version"),
        paragraph("dep", Depends="what (is this"),
        "Package: stray\nthis is no field\nVersion: 1\nArchitecture: all\n",
        "Package: twice\nPackage: twice\nVersion: 1\nArchitecture: all\n",
    )
    with pytest.raises(InputErrors) as raised:
        list(parse_packages([text], file="Packages"))
    told = {error.place.line: error.message for error in raised.value.errors}
    assert list(told) == [5, 8, 12, 16, 21, 26]
    words = ["no Version", "bad/name", "not a version", "what (is", "this is no field", "twice"]
    assert all(word in message for word, message in zip(words, told.values(), strict=True))
    assert raised.value.code is Code.BROKEN_PACKAGES


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x00\xff" * 4000,
        b"Package: " + b"a" * 5000 + b"\nVersion: 1\nArchitecture: all\n",
        b"Package: \x1b[31mred\nVersion: 1\nArchitecture: all\n",
        b"Package: a\nVersion: 1\xff\nArchitecture: all\n",
        b"x" * (5 * MEGABYTE),
    ],
)
def test_what_is_no_list_is_refused_and_its_bytes_are_not_printed(
    hostile: bytes, tmp_path: Path, run: Run
) -> None:
    (tmp_path / "Packages").write_bytes(hostile)
    done = run("base", "debian", str(tmp_path))
    assert done.code == 2
    assert "SS211" in done.err
    assert not {"\x1b", "\x00"} & set(done.out + done.err)
    assert len(done.err) < 4000


@given(st.text(alphabet="ab (<>=)|,:1.~\n", max_size=40))
def test_a_relation_is_read_or_refused(text: str) -> None:
    try:
        found = parse_relations(text)
    except ValueError:
        return
    again = ", ".join(" | ".join(map(str, entry)) for entry in found)
    assert parse_relations(again) == found


# -- where lists lie -------------------------------------------------------------------------------


def release(text: bytes, path: str) -> str:
    return f"Suite: x\nSHA256:\n {hashlib.sha256(text).hexdigest()} {len(text)} {path}\n"


def lz4(text: bytes) -> bytes:
    """A frame as apt writes it."""
    return subprocess.run(["lz4", "-c"], input=text, capture_output=True, check=True).stdout


@pytest.mark.parametrize(
    ("suffix", "packed"),
    [
        ("", bytes),
        (".gz", gzip.compress),
        (".xz", lzma.compress),
        (".lz4", lz4),
    ],
)
def test_a_mirror_and_apts_lists_are_the_same_base(
    suffix: str, packed: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    text = listed(paragraph("one"), paragraph("two", arch="all"), paragraph("odd", arch="i386"))
    tree = tmp_path / "mirror" / "dists" / "new" / "main" / "binary-amd64"
    tree.mkdir(parents=True)
    (tree / f"Packages{suffix}").write_bytes(packed(text))
    (tree.parents[1] / "Release").write_text(release(text, "main/binary-amd64/Packages"))
    flat = tmp_path / "lists"
    flat.mkdir()
    stem = "mirror.example_debian_dists_new"
    (flat / f"{stem}_main_binary-amd64_Packages{suffix}").write_bytes(packed(text))
    (flat / f"{stem}_main_binary-i386_Packages").write_bytes(b"never read")
    (flat / f"{stem}_InRelease").write_text(release(text, "main/binary-amd64/Packages"))
    one, other = open_debian(tmp_path / "mirror"), open_debian(flat)
    assert one.packages == other.packages
    assert [package.name for package in one.packages] == ["one", "two"]
    assert all(index.confirmed for index in (*one.indexes, *other.indexes))


def test_a_list_that_is_not_what_its_release_says_is_refused(tmp_path: Path) -> None:
    name = "m_debian_dists_new_main_binary-amd64_Packages"
    (tmp_path / name).write_bytes(listed(paragraph("one")))
    said = release(b"another", "main/binary-amd64/Packages")
    (tmp_path / "m_debian_dists_new_InRelease").write_text(said)
    with pytest.raises(InputError) as raised:
        open_debian(tmp_path)
    assert raised.value.code is Code.WRONG_CHECKSUM


@pytest.mark.parametrize("damage", ["x", "\0", "-"])
def test_a_damaged_digest_does_not_leave_a_list_unchecked(damage: str, tmp_path: Path) -> None:
    text = listed(paragraph("one"))
    (tmp_path / "m_debian_dists_new_main_binary-amd64_Packages").write_bytes(text)
    said = release(text, "main/binary-amd64/Packages")
    digest = hashlib.sha256(text).hexdigest()
    file = tmp_path / "m_debian_dists_new_InRelease"
    file.write_text(said.replace(digest, damage + digest[1:]))
    with pytest.raises(InputError) as raised:
        open_debian(tmp_path)
    assert raised.value.code is Code.BROKEN_PACKAGES
    assert raised.value.place == Place(str(file), 3)


@pytest.mark.parametrize("suffix", [".lz4", ".xz", ".gz"])
def test_a_list_that_was_cut_off_is_refused(suffix: str, tmp_path: Path) -> None:
    text = listed(*(paragraph(f"p{number}") for number in range(500)))
    packed = {
        ".lz4": lambda: lz4(text),
        ".xz": lambda: lzma.compress(text),
        ".gz": lambda: gzip.compress(text),
    }[suffix]()
    (tmp_path / f"Packages{suffix}").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InputError) as raised:
        open_debian(tmp_path)
    assert raised.value.code is Code.TRUNCATED_FILE


def test_without_a_reader_of_lz4_the_package_to_install_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Packages.lz4").write_bytes(b"")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="nothing here reads lz4") as raised:
        open_debian(tmp_path)
    assert raised.value.code is Code.MISSING_TOOL


def test_a_directory_without_lists_says_what_is_wanted(tmp_path: Path, run: Run) -> None:
    for directory in (tmp_path, tmp_path / "nowhere"):
        done = run("base", "debian", str(directory))
        assert done.code == 2
        assert "SS201" in done.err
        assert "→" in done.err


# -- the base --------------------------------------------------------------------------------------


def test_the_newest_of_a_name_counts_whatever_the_order_of_the_files(
    tmp_path: Path, run: Run
) -> None:
    for number, names in enumerate((("a", "b"), ("b", "a"))):
        directory = tmp_path / str(number)
        directory.mkdir()
        for name, version in zip(names, ("1.0~rc1-1", "1.0-1"), strict=True):
            (directory / f"{name}_Packages").write_bytes(listed(paragraph("x", version)))
        base = open_debian(directory)
        assert [package.version for package in base.packages] == ["1.0-1"]
        assert base.older == 1
        assert run("base", "debian", str(directory)).says(
            "older ones of them, which do not count: 1"
        )


def test_relations_are_met_as_debians_policy_says(tmp_path: Path) -> None:
    base = base_of(
        tmp_path,
        paragraph("real", "2.0-1"),
        paragraph("plain", Provides="virtual"),
        paragraph("versioned", Provides="virtual (= 3.0)"),
        paragraph("user", Depends="virtual (>= 2), real (<< 2), nothing | real"),
    )

    def meeting(text: str) -> list[str]:
        ((relation,),) = parse_relations(text)
        return [package.name for package in base.meeting(relation)]

    assert meeting("virtual") == ["plain", "versioned"]
    assert meeting("virtual (>= 2)") == ["versioned"]
    assert meeting("real (= 2.0-1)") == ["real"]
    assert meeting("real (>> 2.0-1)") == []
    unmet = base.unmet(base.by_name["user"])
    assert [" | ".join(map(str, entry)) for entry in unmet] == ["real (<< 2)"]


def small(directory: Path) -> DebianBase:
    return base_of(
        directory,
        paragraph("python3", "3.11.2-1"),
        paragraph("python3-numpy", "1:1.24.2+ds-1"),
        paragraph("python3-yaml", "6.0-3", Source="pyyaml"),
        paragraph("python3-pil", "9.4.0-1", Source="pillow"),
        paragraph("python3-pil.imagetk", "9.4.0-1", Source="pillow"),
        paragraph("python3-dateutil", "2.8-1"),
        paragraph("python3-magic", "0.4-1", Python_Egg_Name="file-magic"),
        paragraph("python3-odd", "0~2024-1", Depends="gone"),
        paragraph("python3-opencv", "4.6-1"),
        paragraph("libc6", "2.36-9"),
        paragraph("supervisor", "4.2-1", Depends="python3:any"),
        paragraph("ninja", "0.1-1", Depends="libc6"),
    )


@pytest.mark.parametrize(
    ("requirement", "meets", "package", "known"),
    [
        ("numpy>=1.20", Meets.MEETS, "python3-numpy", KnownBy.NAME),
        ("numpy>=2", Meets.CONFLICTS, "python3-numpy", KnownBy.NAME),
        ("PyYAML", Meets.MEETS, "python3-yaml", KnownBy.SOURCE),
        ("pillow<10", Meets.MEETS, "python3-pil", KnownBy.SOURCE),
        ("python_dateutil", Meets.MEETS, "python3-dateutil", KnownBy.NAME),
        ("file-magic", Meets.MEETS, "python3-magic", KnownBy.STATED),
        ("magic", Meets.MISSING, None, None),
        ("odd", Meets.MEETS, "python3-odd", KnownBy.NAME),
        ("odd>=1", Meets.UNTOLD, "python3-odd", KnownBy.NAME),
        ("opencv-python-headless>=4", Meets.MEETS, "python3-opencv", KnownBy.RULE),
        ("supervisor<5", Meets.MEETS, "supervisor", KnownBy.NAME),
        ("ninja", Meets.MISSING, None, None),
        ("torch", Meets.MISSING, None, None),
    ],
)
def test_a_requirement_is_met_or_not_by_what_the_base_has(
    requirement: str, meets: Meets, package: str, known: KnownBy, tmp_path: Path
) -> None:
    asked = Asked("app", (parse_requirement(requirement),), {"opencv-python-headless": "opencv"})
    (answer,) = compare_with_debian(asked, small(tmp_path), arch="x86_64").answers
    candidate = answer.candidate
    assert answer.meets is meets
    assert (candidate and candidate.package, candidate and candidate.known_by) == (package, known)


def test_markers_are_those_of_the_bases_python(tmp_path: Path) -> None:
    texts = ("numpy; python_version < '3.11'", "torch; platform_machine == 'aarch64'", "pyyaml")
    asked = Asked("app", tuple(map(parse_requirement, texts)))
    found = compare_with_debian(asked, small(tmp_path), arch="x86_64")
    assert [answer.component.name for answer in found.answers] == ["pyyaml"]


def test_what_nothing_meets_of_a_candidates_needs_is_told(tmp_path: Path) -> None:
    asked = Asked("app", (parse_requirement("odd"),))
    (answer,) = compare_with_debian(asked, small(tmp_path), arch="x86_64").answers
    assert answer.candidate
    assert answer.candidate.unmet == ("gone",)


def test_candidates_that_exclude_each_other_are_told(tmp_path: Path, run: Run) -> None:
    one = paragraph("python3-one", Provides="api", Conflicts="api", Breaks="python3-old (<< 9)")
    base_of(
        tmp_path,
        one,
        paragraph("python3-two", Provides="api"),
        paragraph("python3-old", "8-1"),
        paragraph("python3-other", Provides="api"),
    )
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("one\ntwo\nold\n")
    done = run("base", "debian", str(tmp_path), "--for", str(wanted), "--json")
    found = done.document["comparison"]["exclusions"]
    assert [(each["package"], each["excludes"], each["relation"]) for each in found] == [
        ("python3-one", "python3-old", "python3-old (<< 9)"),
        ("python3-one", "python3-two", "api"),
    ]
    text = run("base", "debian", str(tmp_path), "--for", str(wanted))
    assert text.says("python3-one does not let python3-two in: api")


# -- the command -----------------------------------------------------------------------------------


def test_the_command_compares_a_file_of_requirements(tmp_path: Path, run: Run) -> None:
    small(tmp_path)
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("numpy>=2\npyyaml>=5\ntorch\n")
    done = run("base", "debian", str(tmp_path), "--for", str(wanted), "--json")
    assert done.code == 0, done.err
    jsonschema.validate(done.document, dict(debian_schema()))
    assert done.document["python"] == "3.11"
    found = {each["component"]: each["meets"] for each in done.document["comparison"]["components"]}
    assert found == {"numpy": "conflicts", "pyyaml": "meets", "torch": "missing"}
    text = run("base", "debian", str(tmp_path), "--for", str(wanted))
    assert text.says("1 can come from there, 1 conflict and 1 are missing", "asked for: >=2")


@pytest.mark.parametrize("what", ["nosuch", "nosuch.json", "nosuch.txt"])
def test_what_is_no_application_is_told(what: str, tmp_path: Path, run: Run) -> None:
    small(tmp_path)
    done = run("base", "debian", str(tmp_path), "--for", what)
    assert done.code == 2
    assert "SS" in done.err


def test_without_an_application_it_says_what_there_is(tmp_path: Path, run: Run) -> None:
    small(tmp_path)
    done = run("base", "debian", str(tmp_path), "--json")
    jsonschema.validate(done.document, dict(debian_schema()))
    assert done.document["packages"] == 12
    assert done.document["comparison"] is None
    assert run("base", "debian", str(tmp_path)).says("12 packages for amd64, Python 3.11")


# -- the real list ---------------------------------------------------------------------------------

_CHILD = """
import json, resource, sys
from pathlib import Path
from streamsolve.inputs.debian import open_debian
base = open_debian(Path(sys.argv[1]))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([len(base.packages), sum(i.packages for i in base.indexes), peak]))
"""


@pytest.fixture(scope="module")
def apt_lists() -> Path:
    """apt's own lists of this machine."""
    if not any(APT_LISTS.glob("*_Packages*")):
        pytest.skip("apt has no lists here: apt-get update fetches them")
    return APT_LISTS


def test_the_real_list_is_read_whole_in_little_memory(apt_lists: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(apt_lists)], capture_output=True, text=True, check=True
    )
    packages, read, kilobytes = json.loads(done.stdout)
    files = sorted(apt_lists.glob("*_binary-amd64_Packages.lz4"))
    texts = [
        subprocess.run(["lz4", "-dc", file], capture_output=True, check=True).stdout
        for file in files
    ]
    lines = [line for text in texts for line in text.split(b"\n") if line.startswith(b"Package: ")]
    assert read == len(lines)
    assert packages == len(set(lines))
    assert kilobytes * 1024 < 700 * MEGABYTE


def test_vllm_finds_on_this_machines_debian_what_apt_says(apt_lists: Path, run: Run) -> None:
    done = run("base", "debian", "--for", "vllm", "--json")
    assert done.code == 0, done.err
    jsonschema.validate(done.document, dict(debian_schema()))
    found = [each for each in done.document["comparison"]["components"] if each["package"]]
    names = [each["package"]["name"] for each in found]
    assert len(names) > 20
    said = subprocess.run(
        ["apt-cache", "policy", *names], capture_output=True, text=True, check=True
    ).stdout
    candidates = {}
    for block in said.replace("\n  ", "\0").splitlines():
        name, _, rest = block.partition(":\0")
        candidates[name] = rest.partition("Candidate: ")[2].partition("\0")[0]
    for each in found:
        assert candidates[each["package"]["name"]] == each["package"]["version"]
