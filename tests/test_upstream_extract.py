"""The embedded extract of a package index: what is written is what is read."""

from __future__ import annotations

import itertools
import random
import time

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.version import Version

from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.inputs.extra_markers import can_hold
from streamsolve.inputs.upstream_extract import (
    SCHEMA,
    UpstreamExtract,
    read_extract,
    write_extract,
)
from streamsolve.model import Artifact, Release, ReleaseMetadata
from streamsolve.model.build import BuildSystem

DIGEST = "ab" * 32
HEADER = f'{{"schema":"{SCHEMA}","application":"demo","version":"1.0"}}\n'


def sdist(name: str, version: str) -> Artifact:
    return Artifact(f"{name}-{version}.tar.gz", DIGEST)


def release(name: str, version: str, **more: object) -> Release:
    values = {"requires_python": ">=3.9", "sdists": (sdist(name, version),), **more}
    return Release(name, Version(version), **values)


def said(name: str, version: str, *requires: str, **more: object) -> ReleaseMetadata:
    return ReleaseMetadata(name, Version(version), requires, ">=3.9", **more)


def write(*pairs: tuple[Release, ReleaseMetadata], **more: object) -> str:
    values = {"application": "demo", "version": "1.0", "files": {}, **more}
    return write_extract(
        releases=[one for one, _ in pairs],
        metadata={(one.name, one.version): metadata for one, metadata in pairs},
        **values,
    )


def read(text: str) -> UpstreamExtract:
    return read_extract(text, file="demo.jsonl")


def test_a_line_reads_as_the_format_says():
    text = write(
        (release("six", "1.17.0", pure=True), said("six", "1.17.0", licence="MIT")),
        files={"requirements/cpu.txt": "six\n"},
    )
    assert text == (
        f'{HEADER}{{"file":"requirements/cpu.txt","lines":["six",""]}}\n'
        '{"name":"six","version":"1.17.0","python":">=3.9","licence":"MIT",'
        f'"sdist":["six-1.17.0.tar.gz","{DIGEST}"],"pure":true}}\n'
    )


def test_a_build_system_stands_in_the_line_of_its_release():
    system = BuildSystem(("setuptools>=61",), "setuptools.build_meta")
    text = write(
        (release("six", "1.17.0"), said("six", "1.17.0")),
        (release("six", "1.16.0"), said("six", "1.16.0")),
        build_systems={("six", Version("1.17.0")): system},
    )
    lines = text.splitlines()
    assert '"build"' not in lines[1]
    assert lines[2].endswith(
        ',"build":{"requires":["setuptools>=61"],"backend":"setuptools.build_meta"}}'
    )
    found = read(text).build_systems([("Six", Version("1.17")), ("six", Version("1.16.0"))])
    assert found == {("six", Version("1.17.0")): system}
    assert read(text).build_systems([("six", Version("2")), ("other", Version("1"))]) == {}


def test_a_build_that_needs_nothing_is_another_thing_than_one_that_nobody_asked_for():
    systems = {
        ("empty", Version("1")): BuildSystem(()),
        ("own", Version("1")): BuildSystem((), "own", in_tree=True),
    }
    names = ("empty", "own", "unasked")
    text = write(*((release(n, "1"), said(n, "1")) for n in names), build_systems=systems)
    assert '"build":{}}' in text
    assert '"build":{"backend":"own","in_tree":true}}' in text
    assert read(text).build_systems([(name, Version("1")) for name in names]) == systems


def test_a_name_without_a_release_is_known_to_have_none():
    text = write(
        (release("six", "1.17.0"), said("six", "1.17.0")),
        names=("six", "Se_ven", "eight"),
        arches=("x86_64", "aarch64"),
    )
    lines = text.splitlines()
    assert lines[0] == HEADER.rstrip("}\n") + ',"arches":["aarch64","x86_64"]}'
    assert lines[1:3] == ['{"name":"eight","absent":true}', '{"name":"se-ven","absent":true}']
    extract = read(text)
    assert extract.names == ("eight", "se-ven", "six")
    assert extract.arches == ("aarch64", "x86_64")
    assert extract.releases("Se.Ven") == ()
    with pytest.raises(InputErrors, match="does not hold eight 1"):
        extract.metadata([("eight", Version("1"))])


def test_architectures_that_are_no_texts_are_refused():
    with pytest.raises(InputError, match="no list of texts"):
        read(HEADER.rstrip("}\n") + ',"arches":"x86_64"}\n')


def test_releases_come_oldest_to_newest_as_pep_440_orders_them():
    versions = ["1.10", "1.9", "1.10rc1", "1!0.1", "1.9.post1"]
    text = write(*((release("six", v), said("six", v)) for v in versions))
    lines = [line for line in text.splitlines() if '"six"' in line]
    found = [str(one.version) for one in read(text).releases("six")]
    assert found == ["1.9", "1.9.post1", "1.10rc1", "1.10", "1!0.1"]
    assert [
        f'"version":"{version}"' in line for version, line in zip(found, lines, strict=True)
    ] == [True] * 5


def test_the_same_content_gives_the_same_bytes_in_any_order():
    pairs = [(release(n, v), said(n, v)) for n in ("six", "rich") for v in ("1.0", "2.0")]
    texts = set()
    for seed in range(5):
        random.Random(seed).shuffle(pairs)
        texts.add(write(*pairs, files=dict([("b", "x"), ("a", "y")][:: 1 if seed % 2 else -1])))
    assert len(texts) == 1


def test_wheels_are_listed_only_without_an_sdist_and_only_for_the_architectures():
    wheels = tuple(
        Artifact(f"{name}-1.0-{tag}.whl", DIGEST)
        for name, tag in [
            ("d", "cp314-cp314-macosx_11_0_arm64"),
            ("d", "cp314-cp314-manylinux_2_28_aarch64"),
            ("d", "cp314-cp314-manylinux_2_27_x86_64.manylinux_2_28_x86_64"),
            ("d", "cp314-cp314-win_amd64"),
        ]
    )
    bare = (release("d", "1.0", sdists=(), wheels=wheels), said("d", "1.0"))
    (found,) = read(write(bare, arches=("x86_64",))).releases("d")
    assert found.wheels == (wheels[2],)
    (found,) = read(write(bare)).releases("d")
    assert found.wheels == wheels
    sourced = (release("d", "1.0", wheels=wheels), said("d", "1.0"))
    (found,) = read(write(sourced)).releases("d")
    assert found.wheels == ()
    assert found.sdists == (sdist("d", "1.0"),)


def test_requirements_of_an_extra_are_kept_only_where_it_is_asked_for():
    metadata = said(
        "d", "1.0", "six", 'rich; extra == "Fast_Api"', 'tox; extra == "test"',
        'enum34; python_version < "3" or extra == "test"', extras=("fast_api", "test"),
    )  # fmt: skip
    pair = (release("d", "1.0"), metadata)
    key = ("d", Version("1.0"))
    kept = read(write(pair, extras={("D", "fast-api"), ("other", "test")})).metadata([key])[key]
    assert kept.requires == (metadata.requires[0], metadata.requires[1], metadata.requires[3])
    assert kept.extras == ("fast_api",)


def test_a_release_without_metadata_is_left_out():
    text = write_extract(
        application="demo", version="1.0", releases=[release("six", "1.0")], metadata={}, files={}
    )
    assert read(text).names == ()


def test_names_are_normalised_when_asked_for_and_unknown_ones_have_no_releases():
    extract = read(write((release("a-b", "1.0"), said("a-b", "1.0"))))
    assert [one.version for one in extract.releases("A_b")] == [Version("1.0")]
    assert extract.releases("six") == ()
    assert list(extract.releases_of(["six", "A.B"])) == ["a-b", "six"]
    assert extract.names == ("a-b",)


def test_all_metadata_that_it_does_not_hold_is_reported_at_once():
    extract = read(write((release("six", "1.0"), said("six", "1.0"))))
    wanted = [("six", Version("2.0")), ("rich", Version("1")), ("six", Version("1.0"))]
    with pytest.raises(InputErrors) as caught:
        extract.metadata(wanted)
    assert [error.message for error in caught.value.errors] == [
        "it does not hold rich 1",
        "it does not hold six 2.0",
    ]
    bad: list[tuple[str, str]] = []
    found = extract.metadata(
        wanted, on_bad=lambda name, version, _: bad.append((name, str(version)))
    )
    assert list(found) == [("six", Version("1.0"))]
    assert bad == [("rich", "1"), ("six", "2.0")]


def test_requirement_files_keep_their_line_numbers():
    text = "# head\r\n\n-r common.txt\n\n  numba == 0.65.0 # \N{SNOWMAN}\u2028x"
    extract = read(write(files={"requirements/rocm.txt": text, "a.txt": ""}))
    assert extract.requirement_file("requirements/rocm.txt") == text
    assert extract.requirement_file("a.txt") == ""
    assert extract.requirement_file("b.txt") is None
    assert extract.requirement_files == ("a.txt", "requirements/rocm.txt")


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "not json", '{"schema":"streamsolve.upstream-extract/2"}\n']
)
def test_a_file_of_another_format_is_refused(text):
    with pytest.raises(InputError) as caught:
        read(text)
    assert caught.value.code is Code.BROKEN_PROFILE
    assert caught.value.place.file == "demo.jsonl"
    assert caught.value.place.line == 1


def test_lines_of_no_known_kind_are_all_reported():
    with pytest.raises(InputErrors) as caught:
        read(HEADER + "{}\n" + '{"file":"a","lines":[]}\n' + "<<<<<<< ours\n" + '{"file":"a\n')
    assert [error.place.line for error in caught.value.errors] == [2, 4, 5]


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ('"version":"x y"', "no version"),
        ('"version":1', "not of the kind"),
        ('"version":"1","requires":["six",2]', "not of the kind"),
        ('"version":"1","sdist":["a"]', "a file is not written"),
        ('"version":"1","wheels":{}', "a file is not written"),
        ('"version":"1","build":[]', "its build is not"),
        ('"version":"1","build":{"requires":"six"}', "its build is not"),
        ('"version":"1","build":{"requires":[1]}', "its build is not"),
        ('"version":"1","build":{"backend":1}', "its build is not"),
        ('"version":"1","build":{"in_tree":"no"}', "its build is not"),
        ('"version":"1",', "no JSON"),
    ],
)
def test_a_broken_line_is_reported_with_its_number_when_it_is_asked_for(members, fault):
    good = write((release("rich", "1.0"), said("rich", "1.0")))
    extract = read(good + f'{{"name":"six",{members}}}\n')
    assert len(extract.releases("rich")) == 1
    with pytest.raises(InputErrors, match=fault) as caught:
        extract.releases("six")
    assert [error.place.line for error in caught.value.errors] == [3]


def test_reading_a_file_of_the_size_that_is_shipped_takes_little_time():
    line = '{{"name":"dist-{0:03}","version":"{1}.0","requires":["{2}"]}}\n'
    body = "".join(line.format(n, v, "x" * 230) for n in range(500) for v in range(10))
    text = HEADER + body
    assert len(text) > 1_400_000
    start = time.perf_counter()
    extract = read(text)
    assert time.perf_counter() - start < 0.5
    assert len(extract.names) == 500


# --- laws -----------------------------------------------------------------------------------------

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,3}(-[a-z0-9]{1,3})?", fullmatch=True)
VERSIONS = st.from_regex(
    r"([1-2]!)?[0-9]{1,2}(\.[0-9]{1,2}){0,2}(rc[0-9])?(\.post[0-9])?", fullmatch=True
).map(Version)
PYTHONS = st.sampled_from(["", ">=3.9", "<3.15,>=3.11"])
REQUIRES = st.lists(
    st.sampled_from(["six", "rich >=1,<2", "a[b]==1.*", 'c; python_version < "3.12"']), max_size=3
).map(tuple)


@st.composite
def pairs(draw: st.DrawFn) -> list[tuple[Release, ReleaseMetadata]]:
    found = []
    keys = st.lists(st.tuples(NAMES, VERSIONS), max_size=6, unique=True)
    for name, version in draw(keys):
        python = draw(PYTHONS)
        sdists = draw(st.integers(0, 2))
        wheels = 0 if sdists else draw(st.integers(0, 2))
        files = [Artifact(f"{name}-{n}.zip", draw(st.sampled_from(["", DIGEST]))) for n in range(4)]
        one = Release(
            name, version, python, tuple(files[:sdists]),
            tuple(evolve(file, filename=f"{file.filename}.whl") for file in files[:wheels]),
            draw(st.booleans()), draw(st.booleans()),
        )  # fmt: skip
        licence = draw(st.text(max_size=6))
        found.append((one, ReleaseMetadata(name, version, draw(REQUIRES), python, (), licence)))
    return found


BUILDS = st.builds(BuildSystem, REQUIRES, st.sampled_from(["", "a", "b.c:d"]), st.booleans())


@given(
    pairs(),
    st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=12), max_size=3),
    st.data(),
)
def test_what_is_written_is_read_back_and_written_the_same_again(content, files, data):
    keys = [(one.name, one.version) for one, _ in content]
    asked = data.draw(st.lists(st.sampled_from(keys), unique=True)) if keys else []
    builds = {key: data.draw(BUILDS) for key in asked}
    text = write(*content, files=files, build_systems=builds)
    extract = read(text)
    releases = [one for name in extract.names for one in extract.releases(name)]
    assert set(releases) == {one for one, _ in content}
    metadata = extract.metadata((one.name, one.version) for one in releases)
    assert set(metadata.values()) == {one for _, one in content}
    assert {path: extract.requirement_file(path) for path in extract.requirement_files} == files
    assert extract.build_systems(keys) == builds
    again = write_extract(
        application=extract.application,
        version=extract.version,
        releases=releases,
        metadata=metadata,
        build_systems=extract.build_systems(keys),
        files=files,
    )
    assert again == text


COMPARISONS = st.sampled_from(
    [
        'extra == "a"',
        "'B_c' == extra",
        'extra == "b-c"',
        'extra != "a"',
        'python_version < "3.10"',
        'os_name == "nt"',
        'platform_machine in "x86_64 and (aarch64)"',
    ]
)
MARKERS = st.recursive(
    COMPARISONS,
    lambda inner: st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
        lambda parts: f"({' '.join(parts)})"
    ),
    max_leaves=5,
)


@given(MARKERS, st.sets(st.sampled_from(["a", "b-c"])))
def test_no_requirement_that_could_hold_is_ever_dropped(marker, extras):
    requirement = Requirement(f"six; {marker}")
    holds = any(
        requirement.marker.evaluate(
            {"extra": extra, "python_version": python, "os_name": os, "platform_machine": machine}
        )
        for extra, python, os, machine in itertools.product(
            ["", *sorted(extras)], ["3.9", "3.14"], ["nt", "posix"], ["x86_64", "arm64"]
        )
    )
    if holds:
        assert can_hold(str(requirement), extras)


@given(
    st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=3), st.sets(st.sampled_from("ab"))
)
def test_a_choice_of_extras_holds_with_any_of_them(choice, extras):
    marker = " or ".join(f'extra == "{extra}"' for extra in choice)
    assert can_hold(f"six; ({marker}) and os_name == 'nt'", extras) is bool(set(choice) & extras)
