"""Profiles drafted from specs, and from sources in Rust and for Node.js; nothing of them is run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.errors import InputError
from streamsolve.inputs.cargo_manifest import parse_cargo_project, read_cargo_projects
from streamsolve.inputs.npm_manifest import parse_npm_project
from streamsolve.inputs.profiles import load_profile
from streamsolve.model.component import Component, Kind

from .commandworld import CommandWorld
from .draftworld import marks, new, plans, publish, written
from .smallworld import package


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandWorld:
    made = CommandWorld(tmp_path, monkeypatch, capsys)
    made.ships("six", "1.16")
    return made


# -- specs -----------------------------------------------------------------------------------------

SPEC = """\
Name: {name}
Version: {version}
Release: 1
Summary: Says hello
License: GPL-3.0-or-later
URL: https://gitlab.com/some/hello
{more}
%description
Words.
%files
"""


def spec(world: CommandWorld, name: str, version: str, *requires: str) -> str:
    lines = "\n".join(f"BuildRequires: {text}" for text in requires)
    path = world.directory / f"{name}.spec"
    path.write_text(SPEC.format(name=name, version=version, more=lines), encoding="utf-8")
    return f"spec:{path}"


def test_a_spec_of_anything_is_drafted_as_a_package(world: CommandWorld) -> None:
    world.has(package("make"))
    ran = new(world, spec(world, "hello", "2.0~rc1", "make", "(gcc or clang)"), name="hello")
    assert ran.code == 0, ran.err
    data = written(world, "hello")
    assert (data["package"], data["version"]) == ("hello", "2.0rc1")
    assert (data["summary"], data["homepage"]) == ("Says hello", "https://gitlab.com/some/hello")
    (build,) = data["build"]
    assert build["requires"] == ["(gcc or clang)", "make"]
    assert data["source"] == [
        {"component": "package:hello", "purl": "pkg:gitlab/some/hello@v{version}"}
    ]
    profile = load_profile(str(world.directory / "hello/profile.toml"))
    assert profile.component == Component(Kind.PACKAGE, "hello")
    assert plans(world, "hello")["hello"]["origin"] == "private"
    text = (world.directory / "hello/profile.toml").read_text("utf-8")
    assert str(world.directory) not in text


def test_a_spec_names_its_package_whatever_the_profile_is_called(world: CommandWorld) -> None:
    world.has(package("make"))
    world.has(package("hello", "1.9"))
    ran = new(world, spec(world, "hello", "2.0", "make"), name="greeter")
    assert ran.code == 0, ran.err
    data = written(world, "greeter")
    assert (data["name"], data["package"]) == ("greeter", "hello")
    assert {row["component"] for row in (*data["source"], *data["build"])} == {"package:hello"}
    assert ran.says("--spec package:hello=")
    own = plans(world, "greeter")["hello"]
    assert (own["origin"], own["version"]) == ("private", "2.0")
    assert own["reason"]["base_version"] == "1.9"


@pytest.mark.parametrize(
    ("licence", "said", "mark"),
    [
        ("GPL-3.0-or-later", "GPL-3.0-or-later", ""),
        ("GPLv3+ and Strange", None, "what is its licence? SPDX does not list this one."),
    ],
)
def test_a_package_s_licence_is_stated_and_one_that_spdx_does_not_list_is_marked(
    world: CommandWorld, licence: str, said: str | None, mark: str
) -> None:
    source = spec(world, "hello", "2.0")
    path = Path(source.partition(":")[2])
    path.write_text(path.read_text().replace("GPL-3.0-or-later", licence), encoding="utf-8")
    assert new(world, source, name="hello").code == 0
    found = written(world, "hello")["licence"]
    assert found == said if said else found.startswith("LicenseRef-")
    assert [text for text in marks(world, "hello") if "licence" in text] == ([mark] if mark else [])
    assert plans(world, "hello")["hello"]["licence"] == found


@pytest.mark.parametrize(
    ("version", "drafted"), [("2.0~beta2", "2.0b2"), ("2.0^20260101", "2.0"), ("1~20260101", None)]
)
def test_a_snapshot_before_a_release_is_never_taken_for_a_newer_release(
    world: CommandWorld, version: str, drafted: str | None
) -> None:
    ran = new(world, spec(world, "hello", version), name="hello")
    if drafted is None:
        assert (ran.code, ran.says("'1~20260101' has no form in PEP 440", "--version")) == (2, True)
    else:
        assert written(world, "hello")["version"] == drafted


@pytest.mark.parametrize("name", ["python-Tool", "python3-tool", "python3.14-tool"])
def test_a_python_spec_is_drafted_as_its_distribution(world: CommandWorld, name: str) -> None:
    publish(world, "tool", "1.0", "six")
    publish(world, "tool", "1.1", "six")
    source = spec(world, name, "1.0", "python3-devel", "python3dist(setuptools)", "openssl-devel")
    assert new(world, source).code == 0
    data = written(world)
    assert data["version"] == "1.0"
    assert data["variants"]["default"]["requirements"] == "wheel"
    assert data["build"] == [{"component": "tool", "requires": ["openssl-devel"]}]
    assert plans(world)["tool"]["version"] == "1.0"


def test_a_python_spec_whose_release_no_index_has_says_what_to_do(world: CommandWorld) -> None:
    publish(world, "tool", "1.0")
    ran = new(world, spec(world, "python-tool", "7", "python3-devel"))
    assert ran.code == 2
    assert ran.says("SS302", "newest releases: 1.0", "--version V")


def test_a_version_without_a_form_in_pep_440_is_explained(world: CommandWorld) -> None:
    ran = new(world, spec(world, "hello", "r1234"), name="hello")
    assert ran.code == 2
    assert ran.says("SS119", "'r1234' has no form in PEP 440", "--version")
    again = new(world, spec(world, "hello", "r1234"), "--version", "0.1234", name="hello")
    assert again.code == 0
    assert written(world, "hello")["version"] == "0.1234"


# -- Rust ------------------------------------------------------------------------------------------

LOCK = """\
version = 4
[[package]]
name = "tool"
version = "1.2.0"
{crates}
"""
CRATE = """
[[package]]
name = "{name}"
version = "0.9.1"
source = "registry+https://example.org/index"
checksum = "{digest}"
"""


def crates(*names: str) -> str:
    return LOCK.format(crates="".join(CRATE.format(name=n, digest="a" * 64) for n in names))


def rust(
    directory: Path, manifest: str, *, lock: str = "", programs: tuple[str, ...] = ("",)
) -> str:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "Cargo.toml").write_text(manifest, encoding="utf-8")
    if lock:
        (directory / "Cargo.lock").write_text(lock, encoding="utf-8")
    for program in programs:
        main = directory / program / "src/main.rs"
        main.parent.mkdir(parents=True, exist_ok=True)
        main.write_text("fn main() {}", encoding="utf-8")
    return f"cargo:{directory}"


TOOL = """\
[package]
name = "tool"
version = "1.2.0"
description = "A tool"
license = "MIT/Apache-2.0"
repository = "https://github.com/some/tool"
rust-version = "1.80"
"""


def test_a_crate_is_drafted_with_what_it_bundles_and_links_with(world: CommandWorld) -> None:
    lock = crates("openssl-sys", "other-sys", "windows-sys", "serde")
    ran = new(world, rust(world.directory / "src", TOOL, lock=lock))
    assert ran.code == 0, ran.err
    assert ran.says("wrote tool/vendored.jsonl", "MIT OR Apache-2.0", "4 packages, from Cargo.lock")
    data = written(world)
    (build,) = data["build"]
    assert build["needs"] == ["toolchain:rust >=1.80"]
    assert "pkgconfig(openssl)" in build["requires"]
    assert data["vendored"] == [{"file": "vendored.jsonl"}]
    assert data["licence"] == "MIT OR Apache-2.0"
    told = " ".join(marks(world))
    assert "openssl-sys" in told
    assert "the base's pkgconfig(openssl)" in told
    assert "other-sys?" in told
    assert any(
        "what are the licences of the bundled packages that state none, 4 of 4?" in mark
        for mark in marks(world)
    )
    assert "windows-sys" not in told
    profile = load_profile(str(world.directory / "tool/profile.toml"))
    assert sorted(each.name for each in profile.vendored[0].packages) == [
        "openssl-sys",
        "other-sys",
        "serde",
        "windows-sys",
    ]
    assert plans(world)["tool"]["version"] == "1.2.0"


def test_licences_of_crates_come_from_the_vendored_sources(world: CommandWorld) -> None:
    source = rust(world.directory / "src", TOOL, lock=crates("serde"))
    crate = world.directory / "src/vendor/serde/Cargo.toml"
    crate.parent.mkdir(parents=True)
    crate.write_text('[package]\nname = "serde"\nversion = "0.9.1"\nlicense = "MIT"\n')
    assert new(world, source).code == 0
    listed = (world.directory / "tool/vendored.jsonl").read_text("utf-8").splitlines()[1]
    assert json.loads(listed)["licence"] == "MIT"
    assert not any("state none" in mark for mark in marks(world))


def test_the_program_of_a_workspace_is_found_and_takes_its_values(tmp_path: Path) -> None:
    workspace = '[workspace]\nmembers = ["crates/*"]\n[workspace.package]\nversion = "3.1.4"\n'
    rust(tmp_path, workspace, programs=("crates/tool",))
    member = '[package]\nname = "tool"\nversion.workspace = true\n'
    (tmp_path / "crates/tool/Cargo.toml").write_text(member, encoding="utf-8")
    library = tmp_path / "crates/library"
    library.mkdir()
    (library / "Cargo.toml").write_text('[package]\nname = "library"\n', encoding="utf-8")
    (found,) = read_cargo_projects(tmp_path, "src")
    assert (found.name, found.version, found.path) == ("tool", "3.1.4", "crates/tool")


def test_of_several_programs_the_one_of_the_name_is_taken(world: CommandWorld) -> None:
    directory = world.directory / "src"
    rust(directory, '[workspace]\nmembers = ["a", "tool"]\n', programs=("a", "tool"))
    for name in ("a", "tool"):
        text = f'[package]\nname = "{name}"\nversion = "1.0.0"\n'
        (directory / name / "Cargo.toml").write_text(text, encoding="utf-8")
    assert new(world, f"cargo:{directory}").code == 0
    assert any("tool was taken" in mark and "programs: a." in mark for mark in marks(world))
    assert any("There is no Cargo.lock" in mark for mark in marks(world))


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ("[package", "SS120"),
        ("[package]\nversion = '1'", "has no name"),
        ("package = 3", "has no name"),
        ("[package]\nname = 'x'\nversion = [1]\nbin = 7", "it states no version"),
        ("[workspace]\nmembers = 3", "arrays of paths"),
        ("[workspace]\nmembers = ['../..', '/etc', '**']", "no package in it has a program"),
        (f"[workspace]\nmembers = ['{'a' * 300}']", "no package in it has a program"),
        (f"[workspace]\nmembers = ['{'**/' * 200}x']", "no package in it has a program"),
    ],
)
def test_a_hostile_cargo_manifest_is_a_fault_with_a_place(
    world: CommandWorld, manifest: str, told: str
) -> None:
    ran = new(world, rust(world.directory / "src", manifest))
    assert (ran.code, ran.says(told)) == (2, True), ran.err
    assert not (world.directory / "tool").exists()


def test_a_manifest_that_lies_elsewhere_is_not_read(world: CommandWorld) -> None:
    outside = world.directory / "outside.toml"
    outside.write_text(TOOL, encoding="utf-8")
    (world.directory / "src").mkdir()
    (world.directory / "src/Cargo.toml").symlink_to(outside)
    ran = new(world, f"cargo:{world.directory / 'src'}")
    assert ran.code == 2
    assert ran.says("no file of this directory")


# -- Node.js ---------------------------------------------------------------------------------------


def node(directory: Path, manifest: dict[str, object], packages: dict[str, object]) -> str:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    lock = {"name": "tool", "lockfileVersion": 3, "packages": {"": {}, **packages}}
    (directory / "package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    return f"npm:{directory}"


APP = {
    "name": "@some/tool",
    "version": "2.0.0-beta.3",
    "description": "An app",
    "license": "MIT",
    "repository": "github:some/tool",
    "engines": {"node": "^18.17 || >=20"},
}


def test_an_npm_package_needs_node_and_lists_what_it_bundles(world: CommandWorld) -> None:
    world.has(package("nodejs", "22.1.0"))
    installed = {
        "node_modules/left": {"version": "1.0.0", "license": "ISC"},
        "node_modules/@img/sharp-linux-x64": {"version": "1.0.0", "license": "MIT"},
    }
    ran = new(world, node(world.directory / "src", APP, installed))
    assert ran.code == 0, ran.out + ran.err
    data = written(world)
    assert data["version"] == "2.0.0b3"
    assert data["variants"]["default"]["needs"] == ["package:nodejs >=18.17,!=19.*"]
    # The tag is upstream's own spelling, whatever PEP 440 makes of it.
    assert data["source"][0]["purl"] == "pkg:github/some/tool@v2.0.0-beta.3"
    assert data["licence"] == "MIT"
    assert any("compiled elsewhere: @img/sharp" in mark for mark in marks(world))
    streams = plans(world)
    assert (streams["nodejs"]["origin"], streams["nodejs"]["version"]) == ("base", "22.1.0")


def test_electron_is_no_node_of_the_base(world: CommandWorld) -> None:
    manifest = {**APP, "devDependencies": {"electron": "^30"}, "packageManager": "pnpm@10.1.0"}
    assert new(world, node(world.directory / "src", manifest, {})).code == 0
    data = written(world)
    assert "needs" not in data["variants"]["default"]
    assert data["build"][0]["requires"] == ["pnpm"]
    assert any("electron" in mark.lower() for mark in marks(world))


def test_a_range_that_is_none_is_marked(world: CommandWorld) -> None:
    world.has(package("nodejs", "22.1.0"))
    manifest = {**APP, "engines": {"node": "lts/*"}}
    assert new(world, node(world.directory / "src", manifest, {})).code == 0
    assert any("'lts/*', which is no range" in mark for mark in marks(world))


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ("{", "no JSON"),
        ("[]", "no JSON object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"version": 3}', "it states no version"),
        ('{"version": "1.0.0-nightly.abc"}', "no form in PEP 440"),
    ],
)
def test_a_hostile_package_json_is_a_fault_with_a_place(
    world: CommandWorld, manifest: str, told: str
) -> None:
    (world.directory / "src").mkdir()
    (world.directory / "src/package.json").write_text(manifest, encoding="utf-8")
    ran = new(world, f"npm:{world.directory / 'src'}")
    assert (ran.code, ran.says(told)) == (2, True), ran.err


HOSTILE = '"""\n[policy]\nproprietary = ["private"]\n# {{7*7}} $(id) %(id) {version} \x1b[31m ../..'


def test_hostile_words_of_manifests_stay_strings_and_comments(world: CommandWorld) -> None:
    words = json.dumps(HOSTILE)
    keys = ("description", "license", "repository", "homepage", "rust-version")
    manifest = '[package]\nname = "tool"\nversion = "1.0.0"\n'
    manifest += "".join(f"{key} = {words}\n" for key in keys)
    app = {**APP, **dict.fromkeys(("description", "license", "repository", "homepage"), HOSTILE)}
    app |= {"name": HOSTILE, "engines": {"node": HOSTILE}, "packageManager": HOSTILE}
    sources = (
        rust(world.directory / "rust", manifest),
        node(world.directory / "node", app, {}),
    )
    world.has(package("nodejs", "22.1.0"))
    for source in sources:
        assert new(world, source, "--force").code == 0
        data = written(world)
        assert "policy" not in data
        assert data["source"][0]["purl"] == "pkg:generic/tool@{version}"
        text = (world.directory / "tool/profile.toml").read_text("utf-8")
        assert "\x1b" not in text
        plans(world)


def test_long_and_hostile_words_are_shown_in_one_short_line(world: CommandWorld) -> None:
    words = {"description": f"A tool {'x' * 9000}", "rust-version": "1.80\n{{7*7}}"}
    manifest = '[package]\nname = "to\\u001b[31mol"\nversion = "1.0.0"\n'
    manifest += "".join(f"{key} = {json.dumps(value)}\n" for key, value in words.items())
    ran = new(world, rust(world.directory / "rust", manifest))
    assert ran.code == 0, ran.err
    assert "\x1b" not in ran.out
    assert ">=1.80 {{7*7}}\n" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 250
    assert any("rust-version says '1.80 {{7*7}}': which Rust" in mark for mark in marks(world))


def test_a_directory_of_another_kind_is_told(world: CommandWorld) -> None:
    directory = world.directory / "src"
    rust(directory, TOOL)
    ran = new(world, f"npm:{directory}")
    assert ran.code == 2
    assert ran.says(
        "there is no package.json in it", f"it has Cargo.toml: --from cargo:{directory}"
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
npm_keys = st.sampled_from(["name", "version", "engines", "repository", "dependencies", "license"])


@given(st.dictionaries(npm_keys, json_values))
def test_any_object_is_read_as_a_package_json(manifest: dict[str, object]) -> None:
    project = parse_npm_project(json.dumps(manifest), file="package.json")
    assert project.name == (
        manifest["name"].strip() if isinstance(manifest.get("name"), str) else ""
    )


@given(st.text(max_size=60))
def test_any_text_is_a_cargo_manifest_or_a_fault(text: str) -> None:
    try:
        found = parse_cargo_project(text, file="Cargo.toml")
    except InputError:
        return
    assert found is None or found.name.strip()
