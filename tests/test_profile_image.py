"""The table ``[image]`` of a profile."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from streamsolve.errors import InputErrors
from streamsolve.inputs.profiles import list_profiles, load_profile, parse_profile, schema_text
from streamsolve.model.profile import Image

HEAD = """\
schema = "streamsolve.profile/1"
name = "app"
version = "1.0"
default-base = "fedora-45"
[variants.cpu]
requirements = "wheel"
"""
WHOLE = """\
[image]
entrypoint = ["app", "serve"]
command = ["--port", "80 00"]
user = "app_1"
ports = [8080, 80]
source = "https://source.test/app"
revision = "v{version}"
[image.environment]
APP_HOME = "/srv/app"
EMPTY = ""
"""


def image(text: str) -> Image:
    return parse_profile(f"{HEAD}{text}", file="app.toml", includes=str).image


def faults(text: str) -> list[str]:
    with pytest.raises(InputErrors) as caught:
        image(text)
    return [
        f"{fault.place.line} {fault.place.path}: {fault.message}" for fault in caught.value.errors
    ]


def test_everything_in_it_is_read() -> None:
    assert image(WHOLE) == Image(
        entrypoint=("app", "serve"),
        command=("--port", "80 00"),
        user="app_1",
        environment={"APP_HOME": "/srv/app", "EMPTY": ""},
        ports=(80, 8080),
        source="https://source.test/app",
        revision="v{version}",
    )


def test_without_it_nothing_is_said() -> None:
    assert image("") == Image() == image("[image]\n")


def test_every_fault_is_told_with_its_place() -> None:
    text = """\
[image]
entrypoint = ["app\\n", ""]
user = "root"
ports = [0, 80, 80, "90", true]
source = "ftp://x"
revision = "v {version}"
sort = 1
[image.environment]
"A B" = "1"
C = 2
"""
    assert faults(text) == [
        "8 image.entrypoint[0]: 'app\\n' is no word of a command",
        "8 image.entrypoint[1]: '' is no word of a command",
        "9 image.user: an application in an image does not run as root",
        "10 image.ports[0]: 0 is no port",
        "10 image.ports[2]: 80 is named twice",
        "10 image.ports[3]: expected an integer, not a string",
        "10 image.ports[4]: expected an integer, not true or false",
        "11 image.source: 'ftp://x' is no web address",
        "12 image.revision: 'v {version}' is no revision",
        "13 image.sort: unknown key 'sort'",
        "15 image.environment.\"A B\": 'A B' is no name of a variable",
        "16 image.environment.C: expected a string, not an integer",
    ]


def test_a_command_needs_an_entry_point() -> None:
    assert faults('[image]\ncommand = ["x"]\n') == [
        "8 image.command: there is no entry point that would take it"
    ]


LIBRARIES = {"jax", "pytorch", "tensorflow"}
NOT_FOR_CONTAINERS = {"nvidia-open", "podman-desktop"}


@pytest.mark.parametrize("name", sorted({*list_profiles()} - NOT_FOR_CONTAINERS))
def test_a_shipped_profile_says_how_it_is_run(name: str) -> None:
    found = load_profile(name).image
    assert bool(found.entrypoint) == (name not in LIBRARIES)
    assert found.source.startswith("https://")


# -- the schema ------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["app", "", "a\nb", "root", "App", "v{version}", "https://x.test/", "x y", 5]
)
VALUES = st.one_of(
    WORDS, st.booleans(), st.lists(st.one_of(WORDS, st.integers(-1, 70000)), max_size=3)
)
KEYS = ("entrypoint", "command", "user", "ports", "source", "revision", "environment", "sort")
TABLES = st.dictionaries(st.sampled_from(("A", "1", "A B")), WORDS, max_size=2)


@settings(max_examples=300, deadline=None)
@given(
    table=st.dictionaries(st.sampled_from(KEYS), st.one_of(VALUES, TABLES), max_size=3),
)
def test_what_the_schema_refuses_the_reader_refuses_and_the_other_way_round(
    table: dict[str, Any],
) -> None:
    schema = Draft202012Validator(json.loads(schema_text()))
    text = "".join(f"{key} = {toml(value)}\n" for key, value in table.items())
    data = tomllib.loads(f"{HEAD}[image]\n{text}")
    try:
        image(f"[image]\n{text}")
        read = True
    except InputErrors:
        read = False
    assert schema.is_valid(data) == read, table


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)
