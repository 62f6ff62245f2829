"""Licences that locks do not say: from a base's packages, and from a registry that is named."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.explain.vendored_document import listed_schema
from streamsolve.inputs.npm_registry import REGISTRY_VARIABLES, fetch_npm_licences, npm_registry
from streamsolve.inputs.transport import Transport
from streamsolve.inputs.vendored_file import parse_vendored, vendored_text
from streamsolve.model.package import Package
from streamsolve.model.vendored import VendoredPackage
from streamsolve.planner.vendored_licences import filled_from

from .commandworld import CommandWorld, Ran
from .localrepository import write_repository
from .localserver import LocalServer, Page, without_proxies
from .rpmmd import compare, element, rpm
from .vendoredworld import NPM_WRITERS, REGISTRY, Project, cargo_lock, crate, npm

# -- from a base -----------------------------------------------------------------------------------


def tags(*rows: tuple[str, str], capability: str = "crate(a)") -> object:
    """Packages that provide versions of one thing, each with its licence tag."""
    found = [
        (Package(f"rust-a{n}-devel", "1-1", "noarch", provides=(f"{capability} = {version}",)), tag)
        for n, (version, tag) in enumerate(rows)
    ]

    def listed(wanted: str) -> Iterable[tuple[Package, str]]:
        return found if wanted == capability else ()

    return listed


def filled(package: VendoredPackage, *rows: tuple[str, str]) -> tuple[str, str]:
    found = filled_from(package, tags(*rows))  # type: ignore[arg-type]
    return found.licence, found.licence_of


@pytest.mark.parametrize(
    ("version", "rows", "expected"),
    [
        ("1.2.0", [("1.2.0", "MIT"), ("1.3.0", "ISC")], ("MIT", "")),
        ("1.2.0", [("1.1.0", "MIT"), ("1.3.0", "ISC")], ("MIT", "1.1.0")),
        ("1.2.0", [("1.3.0", "ISC"), ("2.0.0", "MIT")], ("ISC", "1.3.0")),
        ("1.0.0", [("1.0.0~rc.1", "ISC"), ("1.0.1", "MIT")], ("ISC", "1.0.0-rc.1")),
        ("1.0.0-rc.1", [("1.0.0~rc.1", "ISC")], ("ISC", "")),
        ("300.5.5+3.5.5", [("300.5.5", "MIT OR Apache-2.0")], ("MIT OR Apache-2.0", "")),
        ("1.10.0", [("1.9.0", "MIT"), ("1.2.0", "ISC")], ("MIT", "1.9.0")),
        ("1.0.0", [("1.0.0", "mit or apache-2.0")], ("MIT OR Apache-2.0", "")),
        ("1.0.0", [("1.0.0", "unknown")], ("", "")),
        ("1.0.0", [("1.0.0", "MIT or ASL 2.0"), ("0.9.0", "MIT")], ("MIT", "0.9.0")),
        ("1.0.0", [("1.0.0", "")], ("", "")),
        ("1.0.0", [("1", "MIT"), ("%{x}", "MIT")], ("", "")),
        ("1.0.0", [], ("", "")),
    ],
)
def test_the_tag_of_the_same_version_counts_and_else_that_of_a_near_one(
    version: str, rows: list[tuple[str, str]], expected: tuple[str, str]
) -> None:
    assert filled(crate("a", version), *rows) == expected


def test_what_is_known_or_of_a_repository_is_left_alone() -> None:
    assert filled(crate("a", licence="Zlib"), ("1.0.0", "MIT")) == ("Zlib", "")
    source = f"git+https://host.test/a#{'0' * 40}"
    assert filled(crate("a", source=source), ("1.0.0", "MIT")) == ("", "")
    assert filled(npm("a"), ("1.0.0", "MIT")) == ("", "")


NUMBERS = st.tuples(*[st.integers(0, 3)] * 3).map(lambda three: ".".join(map(str, three)))


@given(wanted=NUMBERS, known=st.lists(NUMBERS, min_size=1, unique=True), shuffled=st.randoms())
def test_the_nearest_version_is_the_newest_that_is_not_newer(
    wanted: str, known: list[str], shuffled: object
) -> None:
    rows = [(version, f"LicenseRef-of-{version}") for version in known]
    licence, of = filled(crate("a", wanted), *rows)
    nearest = licence.removeprefix("LicenseRef-of-")
    assert of == ("" if nearest == wanted else nearest)
    before = [version for version in known if compare(version, wanted) <= 0]
    rest = before or known
    better = [1, 0] if before else [-1, 0]
    assert all(compare(nearest, other) in better for other in rest)
    shuffled.shuffle(rows)  # type: ignore[attr-defined]
    assert filled(crate("a", wanted), *rows) == (licence, of)


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandWorld:
    """A directory with locks that say no licences."""
    world = CommandWorld(tmp_path, monkeypatch, capsys)
    crates = [
        {"name": name, "version": version, "source": REGISTRY}
        for name, version in (("serde", "1.0.228"), ("libc", "0.2.9"), ("rare", "0.1.0"))
    ]
    Path("Cargo.lock").write_text(cargo_lock(*crates))
    project = Project({"a": "1.0.0", "@s/b": "2.0.0"}, {"a": (), "@s/b": ()}, ("a", "@s/b"), ())
    Path("package-lock.json").write_text(NPM_WRITERS["package-lock 1"](project))
    for variable in REGISTRY_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    return world


def base_with_crates(directory: Path) -> None:
    packages = {
        "rust-serde-devel": (
            "crate(serde) = 1.0.228, crate(serde/std) = 1.0.228",
            "MIT OR Apache-2.0",
        ),
        "rust-libc-devel": ("crate(libc) = 0.2.5", "MIT"),
        "nodejs-a": ("npm(a) = 1.0.0", "ISC"),
    }
    rows = [
        element(rpm(name, "1-1", provides=provides)).replace(
            "<format>", f"<format><rpm:license>{licence}</rpm:license>"
        )
        for name, (provides, licence) in packages.items()
    ]
    write_repository(directory / "crates" / "x86_64", rows)


def licences(ran: Ran) -> dict[str, tuple[str | None, str | None]]:
    return {one["name"]: (one["licence"], one["licence_of"]) for one in ran.document["packages"]}


def test_the_command_takes_licences_from_a_bases_packages(world: CommandWorld) -> None:
    base_with_crates(world.directory)
    ran = world.run("vendored", ".", "--base", "./crates", "--json")
    jsonschema.validate(ran.document, listed_schema())
    assert licences(ran) == {
        "serde": ("MIT OR Apache-2.0", None),
        "libc": ("MIT", "0.2.5"),
        "rare": (None, None),
        "a": ("ISC", None),
        "@s/b": (None, None),
    }
    told = world.run("vendored", ".", "--base", "./crates")
    assert told.says("3 crates and 2 npm packages", "1 of them is that of another version: libc")
    assert told.says("2 licences not known: rare 0.1.0, @s/b 2.0.0")
    again = world.run("vendored", ".", "--base", "./crates", "--all")
    assert again.says("libc 0.2.9 (the licence is that of 0.2.5)")


def test_a_base_that_cannot_be_read_is_told(world: CommandWorld) -> None:
    assert world.run("vendored", ".", "--base", "./nowhere").code == 2


# -- lists that are written ------------------------------------------------------------------------


def test_a_list_is_written_and_keeps_what_was_looked_up_by_hand(world: CommandWorld) -> None:
    assert world.run("vendored", ".", "-o", "v.jsonl").says("in v.jsonl.")
    found = parse_vendored(Path("v.jsonl").read_text(), file="v.jsonl")
    assert [each.licence for each in found] == [""] * 5
    by_hand = [
        crate("rare", "0.1.0", "BSD-2-Clause"),
        crate("serde", "1.0.0", "Zlib"),
        crate("gone", "1.0.0", "MIT"),
    ]
    Path("v.jsonl").write_text(vendored_text(by_hand))
    ran = world.run("vendored", ".", "-o", "v.jsonl")
    assert ran.says("Licences: BSD-2-Clause (1).")
    found = parse_vendored(Path("v.jsonl").read_text(), file="v.jsonl")
    # Another version of serde may be under another licence, and what is gone is gone.
    assert [(str(each), each.licence) for each in found if each.licence] == [
        ("rare 0.1.0", "BSD-2-Clause")
    ]
    before = Path("v.jsonl").read_bytes()
    world.run("vendored", ".", "-o", "v.jsonl")
    assert Path("v.jsonl").read_bytes() == before


def test_nothing_is_written_over_a_file_that_is_no_list(world: CommandWorld) -> None:
    Path("notes.txt").write_text("mine\n")
    ran = world.run("vendored", ".", "-o", "notes.txt")
    assert (ran.code, ran.says("SS118")) == (2, True)
    assert Path("notes.txt").read_text() == "mine\n"
    Path("notes.txt").write_bytes(b"\xff\xfe")
    assert world.run("vendored", ".", "-o", "notes.txt").code == 2
    assert Path("notes.txt").read_bytes() == b"\xff\xfe"
    assert world.run("vendored", ".", "-o", "notes.txt/v.jsonl").says("SS105", "cannot be written")


# -- a registry ------------------------------------------------------------------------------------


def answer(name: str, version: str, licence: object) -> bytes:
    return json.dumps({"name": name, "version": version, "license": licence}).encode()


PAGES = {
    "/npm/a/1.0.0": answer("a", "1.0.0", "(MIT OR X)"),
    "/npm/@s%2Fb/2.0.0": answer("@s/b", "2.0.0", {"type": "ISC"}),
}


def test_the_registry_that_the_environment_names_is_asked_for_each_version(
    world: CommandWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalServer(PAGES) as server:
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", server.url("/npm/"))
        ran = world.run("vendored", ".", "--registry", "--json")
        assert licences(ran)["a"] == ("MIT OR LicenseRef-X", None)
        assert licences(ran)["@s/b"] == ("ISC", None)
        # Crates have no such registry, and nothing else was asked.
        assert sorted(server.paths) == sorted(PAGES)


def test_nothing_is_asked_without_a_name_or_without_the_option(
    world: CommandWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = world.run("vendored", ".", "--registry")
    assert (ran.code, ran.says("SS105", "NPM_CONFIG_REGISTRY names none")) == (2, True)
    with LocalServer(PAGES) as server:
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", server.url("/npm"))
        assert world.run("vendored", ".").code == 0
        assert server.paths == []
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "ftp://x")
    assert world.run("vendored", ".", "--registry").says("NPM_CONFIG_REGISTRY is no web address")


def test_the_environment_may_spell_it_small() -> None:
    assert npm_registry({"npm_config_registry": "https://r.test/n/"}) == "https://r.test/n"
    assert npm_registry({"NPM_CONFIG_REGISTRY": " "}) == ""


@pytest.mark.parametrize(
    "page",
    [
        Page(b"", 404),
        answer("another", "1.0.0", "MIT"),
        answer("a", "1.0.1", "MIT"),
        answer("a", "1.0.0", None),
    ],
)
def test_an_answer_about_something_else_says_nothing(
    page: bytes | Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_proxies(monkeypatch)
    with LocalServer({"/a/1.0.0": page}) as server:
        transport = Transport(cache=tmp_path)
        found = fetch_npm_licences([npm("a")], server.url(""), transport)
        transport.close()
    assert found == {}


@pytest.mark.parametrize("page", [b"{", b"[]", b"\xff", b"[" * 100_000, Page(b"", 403)])
def test_a_registry_that_answers_nonsense_is_a_fault(
    page: bytes | Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_proxies(monkeypatch)
    with LocalServer({"/a/1.0.0": page}) as server:
        transport = Transport(cache=tmp_path, retries=0)
        with pytest.raises(InputErrors) as caught:
            fetch_npm_licences([npm("a")], server.url(""), transport)
        transport.close()
    assert caught.value.code is Code.INDEX_UNREACHABLE
    assert all(isinstance(one, InputError) for one in caught.value.errors)
