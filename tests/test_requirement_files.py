"""pip's requirement files: what they ask for, and where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.errors import Code, InputErrors, Place
from streamsolve.inputs.requirement_files import RequirementFile, parse_requirement_file


def read(text: str, **others: str) -> RequirementFile:
    """Parse ``requirements/main.txt``; ``others`` are named by their stems in that directory."""
    files = {f"requirements/{stem}.txt": content for stem, content in others.items()}
    return parse_requirement_file(text, file="requirements/main.txt", include=files.get)


def spelled(found: RequirementFile) -> list[tuple[str, str]]:
    return [(str(item), str(item.place)) for item in found.requirements]


def test_every_requirement_knows_its_line():
    text = "# head\nsix>=1.16  # why\n\n  Torch_Vision == 0.29.0\n"
    assert spelled(read(text)) == [
        ("six>=1.16", "requirements/main.txt:2"),
        ("torch-vision==0.29.0", "requirements/main.txt:4"),
    ]


def test_a_hash_inside_a_word_begins_no_comment():
    (found,) = read("demo @ https://example.test/d.whl#sha256=00\n").requirements
    assert found.url == "https://example.test/d.whl#sha256=00"


def test_continued_lines_are_one_and_have_the_first_number():
    text = "six\\\n>=1.16 \\\n  ,<2\nrich\n"
    assert spelled(read(text)) == [
        ("six<2,>=1.16", "requirements/main.txt:1"),
        ("rich", "requirements/main.txt:4"),
    ]


def test_a_comment_ends_a_continuation():
    assert [text for text, _ in spelled(read("six \\\n# over\nrich\n"))] == ["six", "rich"]


def test_a_continuation_at_the_end_of_the_file_is_kept():
    assert [text for text, _ in spelled(read("six \\"))] == ["six"]


def test_markers_are_kept_for_the_target():
    (found,) = read('torch==2.14.0+cpu; platform_machine == "x86_64"').requirements
    assert str(found.marker) == 'platform_machine == "x86_64"'
    assert str(found) == "torch==2.14.0+cpu"


@pytest.mark.parametrize(
    "option",
    ["-r common.txt", "-rcommon.txt", "--requirement common.txt", "--requirement=common.txt"],
)
def test_included_files_are_read_where_they_are_named(option):
    assert spelled(read(f"first\n{option}\nlast\n", common="\nsix\n")) == [
        ("first", "requirements/main.txt:1"),
        ("six", "requirements/common.txt:2"),
        ("last", "requirements/main.txt:3"),
    ]


def test_an_include_is_relative_to_the_file_that_says_it():
    files = {
        "requirements/build/rocm.txt": "-r ../common.txt\ncmake\n",
        "requirements/common.txt": "six",
    }
    found = parse_requirement_file(
        "-r build/rocm.txt", file="requirements/main.txt", include=files.get
    )
    assert spelled(found) == [
        ("six", "requirements/common.txt:1"),
        ("cmake", "requirements/build/rocm.txt:2"),
    ]


def test_files_that_include_each_other_are_read_once():
    found = read("-r other.txt\nsix\n", other="-r main.txt\n-r other.txt\nrich\n")
    assert [text for text, _ in spelled(found)] == ["rich", "six"]


def test_constraints_are_kept_apart():
    found = read("-c limits.txt\nsix\n", limits="six<2\n-r more.txt\n", more="rich<9\n")
    assert [str(item) for item in found.requirements] == ["six"]
    assert [str(item) for item in found.constraints] == ["six<2", "rich<9"]


def test_options_are_ignored_and_noted():
    found = read(
        "--extra-index-url https://example.test/\n-i x\nsix==1 --hash=sha256:00 --hash=y\n"
    )
    assert [(item.text, item.place.line) for item in found.ignored] == [
        ("--extra-index-url https://example.test/", 1),
        ("-i x", 2),
        ("--hash=sha256:00 --hash=y", 3),
    ]
    assert [str(item) for item in found.requirements] == ["six==1"]


@pytest.mark.parametrize("prefix", ["", "-e ", "--editable="])
def test_an_address_with_an_egg_is_a_direct_reference(prefix):
    (found,) = read(f"{prefix}git+https://example.test/d.git@v1#egg=Demo").requirements
    assert found.component.name == "demo"
    assert found.url.startswith("git+https://example.test/d.git@v1")


def test_every_fault_of_all_files_is_reported_with_its_place():
    text = "six>>1\n./local\n-r missing.txt\n-r bad.txt\nhttps://example.test/x.whl\n"
    with pytest.raises(InputErrors) as caught:
        read(text, bad="???\n")
    assert caught.value.code is Code.BAD_REQUIREMENT
    places = [error.place for error in caught.value.errors]
    assert places == [
        Place("requirements/bad.txt", 1),
        *(Place("requirements/main.txt", line) for line in (1, 2, 3, 5)),
    ]
    assert "missing.txt that it includes does not exist" in str(caught.value)
    assert "write it as 'NAME @ ADDRESS'" in str(caught.value)


def test_a_file_that_stands_alone_may_include_nothing():
    with pytest.raises(InputErrors, match="does not exist"):
        parse_requirement_file("-r other.txt", file="main.txt")


def test_windows_line_ends_and_a_byte_order_mark_are_read():
    assert [text for text, _ in spelled(read("\ufeffsix\r\nrich\r\n"))] == ["six", "rich"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["six", "rich", "demo"]),
            st.sampled_from(["", ">=1", "==2.0"]),
            st.sampled_from(["", "  # note", " # a \\"]),
            st.integers(0, 2),
        ),
        max_size=8,
    )
)
def test_comments_and_empty_lines_change_neither_requirements_nor_their_lines(rows):
    lines: list[str] = []
    expected = []
    for name, specifier, comment, empty in rows:
        lines += ["", "# nothing"][:empty]
        lines.append(name + specifier + comment.removesuffix("\\"))
        expected.append((name + specifier, len(lines)))
    found = read("\n".join(lines))
    assert [(str(item), item.place.line) for item in found.requirements] == expected
