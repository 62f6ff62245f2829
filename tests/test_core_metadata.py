"""Core metadata from texts: what a wheel says, and what an sdist says of itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.inputs.core_metadata import (
    format_core_metadata,
    metadata_of_sdist,
    parse_core_metadata,
    states_requirements,
)
from streamsolve.model import ReleaseMetadata
from streamsolve.model.component import PYTHON
from streamsolve.model.requirement import parse_requirement, python_requirement


def metadata(*fields: str, version: str = "2.1") -> str:
    head = (f"Metadata-Version: {version}", "Name: Demo_Pkg", "Version: 1.0")
    return "\n".join([*head, *fields, "", "A description: with a colon", ""])


def test_name_is_normalised_and_all_fields_are_read():
    text = metadata(
        "Requires-Python: >=3.9",
        "Requires-Dist: six >=1.16",
        'Requires-Dist: rich; extra == "Fancy"',
        "Provides-Extra: Fancy",
        "License-Expression: MIT",
    )
    assert parse_core_metadata(text) == ReleaseMetadata(
        "demo-pkg",
        Version("1.0"),
        ("six >=1.16", 'rich; extra == "Fancy"'),
        ">=3.9",
        ("fancy",),
        "MIT",
    )


def test_every_broken_requirement_is_reported_at_once():
    text = metadata("Requires-Dist: ???", "Requires-Dist: six", "Requires-Dist: pytz>=2011k")
    with pytest.raises(InputErrors) as caught:
        parse_core_metadata(text, file="demo.whl")
    assert caught.value.code is Code.INDEX_BAD_METADATA
    assert [error.place.path for error in caught.value.errors] == ["[0]", "[2]"]
    assert "'pytz>=2011k' is no requirement" in str(caught.value)


def test_lenient_reading_leaves_broken_requirements_out():
    text = metadata("Requires-Dist: ???", "Requires-Dist: six")
    assert parse_core_metadata(text, lenient=True).requires == ("six",)


def test_a_requirement_folded_over_two_lines_is_one():
    text = metadata("Requires-Dist: six\n    >=1.16")
    assert parse_core_metadata(text).requires == ("six >=1.16",)


@pytest.mark.parametrize("field", ["Name", "Version"])
def test_metadata_without_name_or_version_is_refused(field):
    text = "\n".join(line for line in metadata().splitlines() if not line.startswith(field))
    with pytest.raises(InputError) as caught:
        parse_core_metadata(text)
    assert caught.value.code is Code.INDEX_BAD_METADATA


def test_a_python_requirement_that_is_no_specifier_counts_as_none():
    assert parse_core_metadata(metadata("Requires-Python: >=3.6.x")).requires_python == ""


@pytest.mark.parametrize(
    ("stated", "read"),
    [
        ("3.6", ""),
        (">=3.6.*,!=3.14.*", ">=3.6,!=3.14.*"),
        (">= 3.6.*, <4.*", ">= 3.6, <4"),
        (">3.6.*,<=3.12.*", ">3.6,<=3.12"),
        ("==3.*", "==3.*"),
        ("~=3.6.*", ""),
        ("===3.6.*", "===3.6.*"),
        (">=3.*.*", ""),
    ],
)
def test_a_wildcard_after_an_ordering_operator_is_read_as_its_numbers(stated, read):
    assert parse_core_metadata(metadata(f"Requires-Python: {stated}")).requires_python == read


def test_the_spellings_of_an_extra_are_one_extra():
    text = metadata(
        "Provides-Extra: Fancy_Pkg", "Provides-Extra: fancy.pkg", "Provides-Extra: a--b"
    )
    assert parse_core_metadata(text).extras == ("a-b", "fancy-pkg")
    project = PROJECT.replace("Fancy =", "Fancy_Pkg =")
    assert of_sdist(project=project).extras == ("fancy-pkg",)


def read_or_refused(text: str) -> ReleaseMetadata | InputError:
    try:
        return parse_core_metadata(text)
    except InputError as error:
        return error


FIELDS = st.sampled_from(["Requires-Python", "Requires-Dist", "Provides-Extra", "Dynamic", "Name"])


@given(st.lists(st.tuples(FIELDS, st.text(max_size=20)), max_size=4))
def test_metadata_is_usable_or_refused_as_bad_whatever_it_says(fields):
    read = read_or_refused(metadata(*(f"{field}: {value}" for field, value in fields)))
    if isinstance(read, InputError):
        assert read.code is Code.INDEX_BAD_METADATA
    else:
        assert all(parse_requirement(requirement) for requirement in read.requires)
        assert python_requirement(read.requires_python).component == PYTHON


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        (["License-Expression: MIT", "License: other"], "MIT"),
        (["Classifier: License :: OSI Approved :: MIT License", "License: x"], "MIT License"),
        (
            [
                "Classifier: License :: OSI Approved",
                "Classifier: License :: OSI Approved :: MIT License",
                "Classifier: License :: Other/Proprietary License",
            ],
            "MIT License; Other/Proprietary License",
        ),
        (["Classifier: License :: OSI Approved", "License: BSD"], "BSD"),
        (["License: Apache\n        a long\n        text"], "Apache"),
        ([f"License: {'x' * 200}"], "x" * 80),
        (["License: UNKNOWN"], ""),
        ([], ""),
    ],
)
def test_licence_is_the_expression_else_classifiers_else_the_first_line(fields, licence):
    assert parse_core_metadata(metadata(*fields)).licence == licence


@pytest.mark.parametrize(
    ("version", "fields", "states"),
    [
        ("2.1", [], False),
        ("2.2", [], True),
        ("2.4", ["Dynamic: License"], True),
        ("2.4", ["Dynamic: Requires-Dist"], False),
        ("2.2", ["Dynamic: provides-extra"], False),
        ("bad", [], False),
    ],
)
def test_an_sdist_states_requirements_from_metadata_2_2_on_unless_dynamic(version, fields, states):
    assert states_requirements(metadata(*fields, version=version)) is states


def of_sdist(**members: str) -> ReleaseMetadata:
    paths = {"info": "PKG-INFO", "project": "pyproject.toml", "txt": "demo.egg-info/requires.txt"}
    return metadata_of_sdist(
        "demo-pkg", Version("1.0"), {paths[key]: text for key, text in members.items()}
    )


PROJECT = """
[project]
name = "demo-pkg"
requires-python = ">=3.11"
dependencies = ["from-project"]
[project.optional-dependencies]
Fancy = ["rich; python_version < '3.12' or os_name == 'nt'"]
"""


def test_a_static_pkg_info_wins_over_all_else():
    info = metadata("Requires-Dist: from-info", version="2.2")
    assert of_sdist(info=info, project=PROJECT, txt="from-txt\n").requires == ("from-info",)


def test_a_dynamic_pkg_info_gives_way_to_a_static_project_table():
    info = metadata("Requires-Dist: from-info", "Dynamic: Requires-Dist", version="2.2")
    found = of_sdist(info=info, project=PROJECT, txt="from-txt\n")
    assert found.requires[0] == "from-project"
    assert found.extras == ("fancy",)
    assert found.requires_python == ">=3.11"


def test_the_condition_of_an_extra_binds_the_whole_marker():
    (_, rich) = of_sdist(project=PROJECT).requires
    from packaging.requirements import Requirement

    marker = Requirement(rich).marker
    assert marker is not None
    for extra, os_name, holds in [("", "nt", False), ("fancy", "nt", True)]:
        assert marker.evaluate({"extra": extra, "os_name": os_name}) is holds


def test_a_dynamic_project_table_is_not_believed():
    project = '[project]\nname = "demo"\ndynamic = ["dependencies"]\n'
    info = metadata("Requires-Dist: from-info")
    assert of_sdist(info=info, project=project, txt="x\n").requires == ("from-info",)


def test_requires_txt_counts_where_an_old_pkg_info_is_silent():
    txt = "six>=1\n\n[:python_version < '3']\nenum34\n\n[Fancy]\nrich\n\n[net:os_name=='nt']\nwin\n"
    found = of_sdist(info=metadata(), txt=txt)
    assert found.requires == (
        "six>=1",
        'enum34; python_version < "3"',
        'rich; extra == "fancy"',
        'win; os_name == "nt" and extra == "net"',
    )
    assert found.extras == ("fancy", "net")


def test_an_old_pkg_info_alone_means_no_requirements():
    assert of_sdist(info=metadata()).requires == ()


def test_a_broken_requirement_in_requires_txt_is_reported_with_its_section():
    with pytest.raises(InputErrors, match="no requirement"):
        of_sdist(info=metadata(), txt="[fancy]\n???\n")


@pytest.mark.parametrize(
    "project",
    ["", "not = [toml", "project = 3", "[project]\ndependencies = [1]", "[project]\ndynamic = 3"],
)
def test_an_sdist_that_says_nothing_is_refused(project):
    with pytest.raises(InputError) as caught:
        of_sdist(project=project)
    assert caught.value.code is Code.INDEX_BAD_METADATA


WORDS = st.text("abcdefgh", min_size=1, max_size=6)


@given(
    st.builds(
        ReleaseMetadata,
        WORDS,
        st.builds(
            Version, st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}(rc[0-9])?", fullmatch=True)
        ),
        st.lists(WORDS, max_size=4).map(tuple),
        st.sampled_from(["", ">=3.9", "<3.15,>=3.11"]),
        st.lists(WORDS, max_size=3, unique=True).map(sorted).map(tuple),
        st.sampled_from(["", "MIT", "MIT AND Apache-2.0", "Other/Proprietary License"]),
    )
)
def test_what_is_written_is_read_back(said):
    assert parse_core_metadata(format_core_metadata(said)) == said
