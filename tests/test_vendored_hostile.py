"""Locks that no tool wrote: each is a fault that is told, or says nothing; none takes long."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.errors import Code, InputError
from streamsolve.inputs.cargo_lock import parse_cargo_lock
from streamsolve.inputs.cargo_vendor import parse_cargo_manifest
from streamsolve.inputs.node_modules import parse_package_json
from streamsolve.inputs.npm_lock import parse_npm_lock
from streamsolve.inputs.pnpm_lock import parse_pnpm_lock
from streamsolve.inputs.vendored_file import VENDORED_SCHEMA, parse_vendored
from streamsolve.model.vendored import VendoredPackage
from streamsolve.model.vendored_licence import is_expression, is_listed, spdx_licence, terms

from .vendoredworld import REGISTRY, cargo_lock, crate

Read = Callable[[str], tuple[VendoredPackage, ...]]

READERS: dict[str, Read] = {
    "Cargo.lock": lambda text: parse_cargo_lock(text, file="f").packages,
    "package-lock.json": lambda text: parse_npm_lock(text, file="f").packages,
    "pnpm-lock.yaml": lambda text: parse_pnpm_lock(text, file="f").packages,
    "list": lambda text: parse_vendored(text, file="f"),
}
CODES = {Code.BROKEN_FOREIGN_LOCK, Code.BROKEN_VENDORED}
ATTACKS = (
    "%(touch RAN)",
    "{{7*7}}",
    "{% raw %}",
    "$(touch RAN)",
    "a\nLicense: x",
    "a\u2028b",
    "../../etc/passwd",
    "a'b\"c",
    "x" * 10_000,
    "\x1b[31m",
    "",
)


def fault_of(read: Read, text: str) -> InputError | None:
    """The fault that reading ends with, which is of the right kind and can be printed."""
    error = None
    try:
        read(text)
    except InputError as caught:
        error = caught
    assert error is None or error.code in CODES
    assert "\x1b" not in str(error)
    return error


def told(error: InputError | None) -> str:
    """What is told, which is never as long as what was wrong."""
    assert error is not None
    assert len(str(error)) < 2000
    return str(error)


# -- anything --------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@pytest.mark.parametrize("name", READERS)
@given(text=st.text() | JSON.map(json.dumps))
def test_any_text_is_read_or_refused(name: str, text: str) -> None:
    fault_of(READERS[name], text)


@given(
    packages=st.dictionaries(
        st.sampled_from(("", "node_modules/a", "node_modules/b/node_modules/@s/c", "w")), JSON
    ),
    version=st.sampled_from((1, 2, 3)),
)
def test_any_members_of_a_lock_of_npm_are_read_or_refused(
    packages: dict[str, object], version: int
) -> None:
    document = {"lockfileVersion": version, "packages": packages, "dependencies": packages}
    fault_of(READERS["package-lock.json"], json.dumps(document))


@given(
    row=st.dictionaries(
        st.sampled_from(("name", "version", "source", "checksum", "dependencies")),
        st.text() | st.integers() | st.booleans() | st.just(REGISTRY),
    )
)
def test_any_members_of_a_crate_are_read_or_refused(row: dict[str, object]) -> None:
    text = "[[package]]\n" + "".join(f"{key} = {json.dumps(each)}\n" for key, each in row.items())
    fault_of(READERS["Cargo.lock"], text)


@given(
    packages=st.dictionaries(st.text(max_size=12), JSON, max_size=4),
    snapshots=JSON,
    importers=JSON,
    version=st.sampled_from(("5.4", "6.0", "9.0")),
)
def test_any_members_of_a_lock_of_pnpm_are_read_or_refused(
    packages: dict[str, object], snapshots: object, importers: object, version: str
) -> None:
    # JSON is YAML.
    parts = {"packages": packages, "snapshots": snapshots, "importers": importers}
    document = {"lockfileVersion": version, **parts}
    fault_of(READERS["pnpm-lock.yaml"], json.dumps(document))


# -- what is known to hurt -------------------------------------------------------------------------

DEEP = 50_000


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package-lock.json", '{"a":' * DEEP),
        ("package-lock.json", "[" * DEEP),
        ("package-lock.json", '{"lockfileVersion":' + "1" * DEEP + "}"),
        ("pnpm-lock.yaml", "[" * DEEP),
        ("pnpm-lock.yaml", "- " * DEEP + "a"),
        ("pnpm-lock.yaml", "{a: " * DEEP),
        ("pnpm-lock.yaml", "? " * DEEP),
        ("Cargo.lock", "a = " + "[" * DEEP),
        ("list", f'{{"schema":"{VENDORED_SCHEMA}"}}\n' + "[" * DEEP),
    ],
)
def test_deep_nesting_is_a_fault_and_takes_no_time(name: str, text: str) -> None:
    started = time.monotonic()
    assert told(fault_of(READERS[name], text))
    # A second would be a hundred times what it takes.
    assert time.monotonic() - started < 10


def test_aliases_of_yaml_cannot_multiply() -> None:
    lines = ["lockfileVersion: '9.0'", "a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    assert "an alias" in told(fault_of(READERS["pnpm-lock.yaml"], "\n".join(lines)))


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("package-lock.json", '{\n"lockfileVersion": 3,\n"x": 1,\n"x": 2}', 3),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages: {}\npackages: {}\n", 3),
        ("Cargo.lock", "version = 4\nversion = 4\n", 2),
    ],
)
def test_a_key_that_is_there_twice_is_a_fault(name: str, text: str, line: int) -> None:
    error = fault_of(READERS[name], text)
    assert error is not None
    assert error.place.line == line


@pytest.mark.parametrize("name", ["Cargo.lock", "package-lock.json", "pnpm-lock.yaml"])
def test_a_name_of_ten_megabytes_is_a_fault_in_few_words(name: str) -> None:
    long = "x" * 10_000_000
    text = {
        "Cargo.lock": f'[[package]]\nname = "{long}"\nversion = "1.0.0"\n',
        "package-lock.json": json.dumps(
            {"lockfileVersion": 3, "packages": {f"node_modules/{long}": {"version": "1.0.0"}}}
        ),
        "pnpm-lock.yaml": f"lockfileVersion: '9.0'\npackages:\n  ? {long}@1.0.0\n  : {{a: b}}\n",
    }[name]
    assert told(fault_of(READERS[name], text))


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("key", ["name", "version", "checksum", "source"])
def test_what_could_be_more_than_a_value_is_no_value(key: str, attack: str) -> None:
    row = {"name": "a", "version": "1.0.0", "source": REGISTRY, "checksum": "ab" * 32, key: attack}
    if attack or key in ("name", "version"):
        message = told(fault_of(READERS["Cargo.lock"], cargo_lock(row)))
        assert attack not in message or len(attack) < 60
    line = {"ecosystem": "cargo", **row, key: attack or "\n"}
    text = f'{{"schema":"{VENDORED_SCHEMA}"}}\n{json.dumps(line)}\n'
    assert told(fault_of(READERS["list"], text))


@pytest.mark.parametrize("attack", ATTACKS)
def test_whatever_a_licence_says_it_becomes_an_expression(attack: str) -> None:
    manifest = f'[package]\nname = "a"\nversion = "1.0.0"\nlicense = {json.dumps(attack)}\n'
    found = parse_cargo_manifest(manifest, file="Cargo.toml").licence
    _, _, other = parse_package_json(json.dumps({"license": attack}), file="package.json")
    assert found == other == spdx_licence(attack)
    assert found == "" if not attack else is_expression(found)


# -- laws of licences ------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ("MIT", "mit", "Apache-2.0", "BSD", "X", "AND", "or", "WITH", "LLVM-exception", "(", ")", "/")
)


@given(said=st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=40))
def test_a_licence_becomes_one_expression_and_stays_it(said: str) -> None:
    found = spdx_licence(said)
    assert found == "" or is_expression(found)
    assert spdx_licence(found) == found
    assert set(terms(found)) <= set(found.replace("(", " ").replace(")", " ").split())


@pytest.mark.parametrize(
    ("said", "licence", "listed"),
    [
        ("MIT/Apache-2.0", "MIT OR Apache-2.0", True),
        ("Apache-2.0 / ISC / MIT", "Apache-2.0 OR ISC OR MIT", True),
        ("(MIT OR CC0-1.0)", "MIT OR CC0-1.0", True),
        ("apache-2.0 with llvm-exception", "Apache-2.0 WITH LLVM-exception", True),
        ("(MIT OR X)", "MIT OR LicenseRef-X", True),
        ("MIT AND X", "MIT AND LicenseRef-X", False),
        ("X AND MIT OR Zlib", "LicenseRef-X AND MIT OR Zlib", True),
        ("X AND (MIT OR Zlib)", "LicenseRef-X AND (MIT OR Zlib)", False),
        ("UNLICENSED", "LicenseRef-UNLICENSED", False),
        ("LicenseRef-Fedora-Public-Domain", "LicenseRef-Fedora-Public-Domain", True),
        ("unknown", "", False),
        (" ", "", False),
        ("(" * 5000 + "MIT", None, False),
    ],
)
def test_a_licence_is_listed_where_one_way_to_take_it_is(
    said: str, licence: str | None, listed: bool
) -> None:
    found = spdx_licence(said)
    assert licence is None or found == licence
    assert is_listed(found) is listed


@given(
    text=st.recursive(
        st.sampled_from(("MIT", "Zlib", "LicenseRef-X", "LicenseRef-Y")),
        lambda inner: st.tuples(inner, st.sampled_from(("AND", "OR")), inner).map(
            lambda three: f"({' '.join(three)})"
        ),
        max_leaves=8,
    )
)
def test_what_is_listed_is_what_the_words_of_the_expression_mean(text: str) -> None:
    meaning = text.replace("AND", "and").replace("OR", "or")
    for word, value in (("MIT", "True"), ("Zlib", "True"), ("LicenseRef-X", "False"),
                        ("LicenseRef-Y", "False")):  # fmt: skip
        meaning = meaning.replace(word, value)
    assert is_listed(spdx_licence(text)) is eval(meaning)


@given(
    number=st.tuples(*[st.integers(0, 99)] * 3),
    before=st.from_regex(r"(-[0-9A-Za-z]{1,3}([.-][0-9A-Za-z]{1,3}){0,2})?", fullmatch=True),
    build=st.from_regex(r"(\+[0-9A-Za-z]{1,3})?", fullmatch=True),
)
def test_every_version_becomes_one_that_rpm_takes(
    number: tuple[int, int, int], before: str, build: str
) -> None:
    version = ".".join(map(str, number))
    found = crate("a", f"{version}{before}{build}").rpm_version
    assert not set(found) - set("0123456789.~_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    assert found.startswith(version)
    assert ("~" in found) is bool(before)
