"""Other tools' locks: what they list is what is vendored, whichever of their formats it is in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.inputs.cargo_lock import CargoLock, parse_cargo_lock
from streamsolve.inputs.cargo_vendor import parse_cargo_manifest, read_cargo_licences
from streamsolve.inputs.node_modules import read_npm_licences
from streamsolve.inputs.npm_lock import npm_licence, parse_npm_lock
from streamsolve.inputs.pnpm_lock import parse_pnpm_lock
from streamsolve.inputs.vendored_file import VENDORED_SCHEMA, parse_vendored, vendored_text
from streamsolve.inputs.vendored_sources import read_vendored_sources
from streamsolve.model.vendored import VendoredPackage, vendored_digest

from .vendoredworld import (
    NPM_WRITERS,
    REGISTRY,
    Project,
    cargo_lock,
    crate,
    expected_npm,
    integrity,
    npm,
    projects,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHA = "ab" * 32


def read_npm(text: str) -> tuple[VendoredPackage, ...]:
    """Either tool's."""
    if text.startswith("{"):
        return parse_npm_lock(text, file="package-lock.json").packages
    return parse_pnpm_lock(text, file="pnpm-lock.yaml").packages


def read_cargo(*rows: dict[str, object], **more: object) -> CargoLock:
    return parse_cargo_lock(cargo_lock(*rows, **more), file="Cargo.lock")  # type: ignore[arg-type]


def faults(error: InputError) -> list[str]:
    return [str(one) for one in getattr(error, "errors", (error,))]


# -- npm and pnpm ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", NPM_WRITERS)
@given(project=projects())
def test_a_project_reads_the_same_from_every_format(form: str, project: Project) -> None:
    found = read_npm(NPM_WRITERS[form](project))
    told = {(one.name, one.version, one.checksum, one.development) for one in found}
    assert told == expected_npm(project)
    assert list(found) == sorted(found)
    assert len(found) == len(told)


def npm_rows(**packages: object) -> str:
    document = {"lockfileVersion": 3, "packages": {"": {"name": "app"}, **packages}}
    return json.dumps(document, indent=2)


def test_workspaces_and_links_to_them_are_the_applications_own() -> None:
    text = npm_rows(
        **{
            "packages/ui": {"name": "ui", "version": "1.0.0"},
            "node_modules/ui": {"resolved": "packages/ui", "link": True},
            "packages/ui/node_modules/left": {"version": "2.0.0"},
            "my_node_modules/other": {"version": "1.0.0"},
        }
    )
    assert read_npm(text) == (npm("left", "2.0.0"),)


def test_an_alias_is_the_package_that_it_stands_for() -> None:
    flat = npm_rows(**{"node_modules/cjs": {"name": "string-width", "version": "4.2.3"}})
    nested = json.dumps(
        {"lockfileVersion": 1, "dependencies": {"cjs": {"version": "npm:@a/b@4.2.3"}}}
    )
    assert read_npm(flat) == (npm("string-width", "4.2.3"),)
    assert read_npm(nested) == (npm("@a/b", "4.2.3"),)


def test_what_one_place_needs_to_run_is_not_for_development() -> None:
    text = npm_rows(
        **{
            "node_modules/a": {"version": "1.0.0", "dev": True},
            "node_modules/b/node_modules/a": {"version": "1.0.0", "license": "ISC"},
            "node_modules/a2/node_modules/a": {"version": "2.0.0", "devOptional": True},
        }
    )
    assert read_npm(text) == (npm("a", "1.0.0", "ISC"), npm("a", "2.0.0"))


def test_only_the_strongest_checksum_counts_and_sha1_is_none() -> None:
    text = npm_rows(
        **{
            "node_modules/old": {
                "version": "1.0.0",
                "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
            },
            "node_modules/two": {
                "version": "1.0.0",
                "integrity": f"sha1-AAAA {integrity('two', '1')}?size=3",
            },
        }
    )
    old, two = read_npm(text)
    assert old.checksum == ""
    assert two.checksum.startswith("sha512:")


@pytest.mark.parametrize(
    ("resolved", "source"),
    [
        (f"git+ssh://git@host.test/o/r.git#{COMMIT}", f"git+ssh://host.test/o/r.git#{COMMIT}"),
        (f"git+ssh://git@host.test:o/r.git#{COMMIT}", f"git+ssh://host.test/o/r.git#{COMMIT}"),
        (f"git+ssh://git@host.test:22/r.git#{COMMIT}", f"git+ssh://host.test:22/r.git#{COMMIT}"),
        (
            f"git+https://user:word@host.test/o/r#{COMMIT}",
            f"git+https://host.test/o/r#{COMMIT}",
        ),
        (f"github:o/r#{COMMIT}", f"git+https://github.com/o/r#{COMMIT}"),
    ],
)
def test_a_git_repository_is_told_with_its_commit_and_without_passwords(
    resolved: str, source: str
) -> None:
    text = npm_rows(**{"node_modules/r": {"version": "1.2.3", "resolved": resolved}})
    (found,) = read_npm(text)
    assert found.source == source
    assert found.purl.startswith("pkg:npm/r@1.2.3?vcs_url=git%2B")
    assert found.purl.endswith(f"%40{COMMIT}")


def test_the_first_format_has_an_address_in_the_place_of_a_version() -> None:
    dependencies = {
        "r": {"version": f"git+https://host.test/o/r#{COMMIT}"},
        "mine": {"version": "file:../mine"},
    }
    text = json.dumps({"lockfileVersion": 1, "dependencies": dependencies})
    (found,) = read_npm(text)
    assert (found.name, found.version) == ("r", COMMIT)
    dependencies["t"] = {"version": "https://host.test/t.tgz"}
    with pytest.raises(InputErrors, match="is not said") as caught:
        read_npm(json.dumps({"lockfileVersion": 1, "dependencies": dependencies}))
    assert "npm 7" in str(caught.value)


PNPM_9 = f"""\
---
lockfileVersion: '9.0'
importers:
  .:
    packageManagerDependencies:
      pnpm: {{specifier: 12.0.0, version: 12.0.0}}
packages:
  pnpm@12.0.0:
    resolution: {{integrity: {integrity("pnpm", "12.0.0")}}}
---
lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      react-dom: {{specifier: ^18, version: 18.2.0(react@18.2.0)}}
      ui: {{specifier: 'workspace:*', version: link:packages/ui}}
      local: {{specifier: 'file:local', version: file:local}}
      cjs: {{specifier: 'npm:wide@^4', version: wide@4.2.3}}
  packages/ui:
    dependencies:
      react: {{specifier: ^18, version: 18.2.0}}
      forked: {{specifier: 'github:o/r', version: https://codeload.github.com/o/r/tar.gz/{COMMIT}}}
    devDependencies:
      vite: {{specifier: ^5, version: 5.0.0(@types/node@20.1.0)(patch_hash=abc)}}
packages:
  react-dom@18.2.0:
    resolution: {{integrity: {integrity("react-dom", "18.2.0")}}}
    peerDependencies: {{react: ^18.2.0}}
  react@18.2.0:
    resolution: {{integrity: {integrity("react", "18.2.0")}}}
  wide@4.2.3:
    resolution: {{integrity: {integrity("wide", "4.2.3")}}}
  vite@5.0.0:
    resolution: {{integrity: {integrity("vite", "5.0.0")}}}
  '@types/node@20.1.0':
    resolution: {{integrity: {integrity("@types/node", "20.1.0")}}}
  local@file:local:
    resolution: {{directory: local, type: directory}}
  forked@https://codeload.github.com/o/r/tar.gz/{COMMIT}:
    resolution: {{tarball: https://codeload.github.com/o/r/tar.gz/{COMMIT}}}
    version: 0.1.0
snapshots:
  react-dom@18.2.0(react@18.2.0):
    dependencies: {{react: 18.2.0}}
  react@18.2.0: {{}}
  wide@4.2.3: {{}}
  vite@5.0.0(@types/node@20.1.0)(patch_hash=abc):
    dependencies: {{'@types/node': 20.1.0, react: 18.2.0}}
  '@types/node@20.1.0': {{}}
  forked@https://codeload.github.com/o/r/tar.gz/{COMMIT}: {{}}
"""


def test_a_workspace_of_pnpm_is_read_with_peers_aliases_and_what_is_local() -> None:
    lock = parse_pnpm_lock(PNPM_9, file="pnpm-lock.yaml")
    assert lock.importers == (".", "packages/ui")
    assert {(str(one), one.development) for one in lock.packages} == {
        ("react-dom 18.2.0", False),
        ("react 18.2.0", False),
        ("wide 4.2.3", False),
        ("forked 0.1.0", False),
        ("vite 5.0.0", True),
        ("@types/node 20.1.0", True),
    }
    (forked,) = (one for one in lock.packages if one.name == "forked")
    assert forked.source == f"git+https://github.com/o/r#{COMMIT}"


PNPM_5 = f"""\
lockfileVersion: 5.4
importers:
  .:
    specifiers: {{use-sync: ^1.0.0, wide2: 'npm:wide@^4'}}
    dependencies:
      use-sync: 1.2.0_react@18.2.0
      wide2: /wide/4.2.3
packages:
  /use-sync/1.2.0_react@18.2.0:
    resolution: {{integrity: {integrity("use-sync", "1.2.0")}}}
    dependencies: {{react: 18.2.0}}
    dev: false
  /react/18.2.0:
    resolution: {{integrity: {integrity("react", "18.2.0")}}}
    dev: false
  /@s/unused/1.0.0_abc123:
    resolution: {{integrity: {integrity("@s/unused", "1.0.0")}}}
  /wide/4.2.3:
    resolution: {{integrity: {integrity("wide", "4.2.3")}}}
  github.com/o/r/{COMMIT}:
    resolution: {{type: git, repo: 'https://github.com/o/r.git', commit: {COMMIT}}}
    name: forked
    version: 0.1.0
"""


def test_peers_of_the_old_format_make_no_other_package() -> None:
    found = parse_pnpm_lock(PNPM_5, file="pnpm-lock.yaml").packages
    names = ["@s/unused 1.0.0", "forked 0.1.0", "react 18.2.0", "use-sync 1.2.0", "wide 4.2.3"]
    assert [str(one) for one in found] == names
    assert not any(one.development for one in found)


def test_a_package_that_is_required_and_not_there_is_a_fault_with_its_line() -> None:
    text = PNPM_5.replace("  /react/18.2.0:", "  /react/18.3.0:")
    with pytest.raises(InputErrors, match=r"pnpm-lock\.yaml:11: .*/react/18\.2\.0"):
        parse_pnpm_lock(text, file="pnpm-lock.yaml")


# -- cargo -----------------------------------------------------------------------------------------


def test_only_what_has_a_source_is_vendored() -> None:
    found = read_cargo(
        {"name": "app", "version": "0.1.0"},
        {"name": "serde", "version": "1.0.228", "source": REGISTRY, "checksum": SHA},
        {"name": "odd", "version": "1.0.0-rc.1+b.2", "source": "sparse+https://other.test/"},
        {
            "name": "zmq",
            "version": "0.6.0",
            "source": f"git+https://u:p@host.test/zmq.rs?branch=main#{COMMIT}",
        },
    )
    assert found.members == (("app", "0.1.0"),)
    assert found.packages == (
        crate("odd", "1.0.0-rc.1+b.2"),
        crate("serde", "1.0.228", checksum=f"sha256:{SHA}"),
        crate("zmq", "0.6.0", source=f"git+https://host.test/zmq.rs#{COMMIT}"),
    )
    assert found.packages[0].rpm_version == "1.0.0~rc.1"
    assert found.packages[2].purl.endswith(f"vcs_url=git%2Bhttps://host.test/zmq.rs%40{COMMIT}")


def test_the_formats_of_cargo_are_told_apart_and_the_oldest_has_its_checksums_below() -> None:
    rows = [{"name": "a", "version": "1.0.0", "source": REGISTRY, "checksum": SHA}]
    assert [read_cargo(*rows, version=v).version for v in (None, 3, 4)] == [2, 3, 4]
    del rows[0]["checksum"]
    text = cargo_lock(*rows, version=None)
    text += '\n[root]\nname = "app"\nversion = "1.0.0"\n'
    text += f'[metadata]\n"checksum a 1.0.0 ({REGISTRY})" = "{SHA}"\n'
    old = parse_cargo_lock(text, file="Cargo.lock")
    assert (old.version, old.members) == (1, (("app", "1.0.0"),))
    assert old.packages == (crate("a", checksum=f"sha256:{SHA}"),)
    with pytest.raises(InputErrors, match=r"Cargo\.lock:2: version: version '5' of the format"):
        read_cargo(version=5)


def test_all_faults_of_a_lock_are_told_each_with_its_line() -> None:
    with pytest.raises(InputErrors) as caught:
        read_cargo(
            {"name": "../x", "version": "1.0.0"},
            {"name": "b", "version": "one"},
            {"name": "c", "version": "1.0.0", "source": REGISTRY, "checksum": "feed"},
            {"name": "d", "version": "1.0.0", "source": "https://somewhere.test/"},
            {"version": "1.0.0"},
        )
    assert caught.value.code is Code.BROKEN_FOREIGN_LOCK
    told = faults(caught.value)
    lines = [one.split(": ")[0] for one in told]
    assert lines == [f"Cargo.lock:{number}" for number in (5, 10, 16, 21, 23)]
    assert "'../x' is no name of a crate" in told[0]


def test_two_checksums_of_one_crate_are_a_fault() -> None:
    row = {"name": "a", "version": "1.0.0", "source": REGISTRY, "checksum": SHA}
    other = {**row, "source": "registry+https://other.test/", "checksum": "cd" * 32}
    with pytest.raises(InputError, match=r"a 1\.0\.0 has two checksums"):
        read_cargo(row, other)
    with pytest.raises(InputErrors, match=r"'a' '1\.0\.0' is there twice"):
        read_cargo(row, row)


# -- licences beside a lock ------------------------------------------------------------------------


def test_licences_of_crates_come_from_the_vendor_directory(tmp_path: Path) -> None:
    manifests = {
        "serde": 'name = "serde"\nversion = "1.0.0"\nlicense = "MIT/Apache-2.0"',
        "ring": 'name = "ring"\nversion = "0.1.0"\nlicense-file = "docs/LICENSE"',
        "own": 'name = "own"\nversion.workspace = true\nlicense.workspace = true',
    }
    for name, text in manifests.items():
        (tmp_path / "vendor" / name).mkdir(parents=True)
        (tmp_path / "vendor" / name / "Cargo.toml").write_text(f"[package]\n{text}\n")
    assert read_cargo_licences(tmp_path) == {
        ("serde", "1.0.0"): "MIT OR Apache-2.0",
        ("ring", "0.1.0"): "LicenseRef-ring-LICENSE",
    }
    assert read_cargo_licences(tmp_path / "nowhere") == {}
    (tmp_path / "vendor" / "bad").mkdir()
    (tmp_path / "vendor" / "bad" / "Cargo.toml").write_text("[package\n")
    with pytest.raises(InputErrors, match=r"vendor/bad/Cargo\.toml:1: not TOML"):
        read_cargo_licences(tmp_path)


def test_a_manifest_that_leads_out_of_its_directory_or_is_huge_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside.toml"
    outside.write_text('[package]\nname = "x"\nversion = "1.0.0"\nlicense = "MIT"\n')
    (tmp_path / "tree" / "vendor" / "x").mkdir(parents=True)
    inside = tmp_path / "tree" / "vendor" / "x" / "Cargo.toml"
    inside.symlink_to(outside)
    with pytest.raises(InputErrors, match="it lies elsewhere"):
        read_cargo_licences(tmp_path / "tree")
    inside.unlink()
    inside.write_bytes(b"#" * (5 << 20))
    with pytest.raises(InputErrors, match="more than 4 MiB"):
        read_cargo_licences(tmp_path / "tree")


def test_licences_of_npm_packages_come_from_all_of_node_modules(tmp_path: Path) -> None:
    top = tmp_path / "node_modules"
    for place, members in {
        "a": {"license": "(MIT OR WTFPL)"},
        "@s/b": {"license": {"type": "ISC", "url": "x"}},
        "a/node_modules/c": {"licenses": [{"type": "MIT"}, "Apache-2.0"]},
        ".pnpm/d@1.0.0/node_modules/d": {"license": "SEE LICENSE IN LICENSE"},
        "e": {},
    }.items():
        (top / place).mkdir(parents=True)
        name = place.rpartition("node_modules/")[2] or place
        document = {"name": name, "version": "1.0.0", **members}
        (top / place / "package.json").write_text(json.dumps(document))
    (top / "loop").symlink_to(top)
    assert read_npm_licences(tmp_path) == {
        ("a", "1.0.0"): "MIT OR WTFPL",
        ("@s/b", "1.0.0"): "ISC",
        ("c", "1.0.0"): "MIT OR Apache-2.0",
        ("d", "1.0.0"): "LicenseRef-SEE-LICENSE-IN-LICENSE",
    }
    assert read_npm_licences(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    ("members", "licence"),
    [
        ({"license": "MIT"}, "MIT"),
        ({"licence": "MIT"}, "MIT"),
        ({"licenses": ["MIT"]}, "MIT"),
        ({"licenses": "MIT"}, ""),
        ({"license": ["MIT"]}, ""),
        ({"license": None}, ""),
        ({"license": 7}, ""),
        (
            {"licenses": [{"type": "MIT AND Zlib"}, {"type": "BSD"}]},
            "(MIT AND Zlib) OR LicenseRef-BSD",
        ),
        ({}, ""),
    ],
)
def test_every_form_that_npm_had_for_licences_is_read(
    members: dict[str, object], licence: str
) -> None:
    assert npm_licence(members) == licence


def test_a_manifest_says_what_it_says_and_nothing_else() -> None:
    found = parse_cargo_manifest('[project]\nname = "a"\nversion = "1.0.0"\n', file="Cargo.toml")
    assert (found.name, found.version, found.licence) == ("a", "1.0.0", "")
    with pytest.raises(InputError, match="it has no"):
        parse_cargo_manifest("[workspace]\n", file="Cargo.toml")


# -- lists -----------------------------------------------------------------------------------------

NAMES = {
    "cargo": st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True),
    "npm": st.from_regex(r"(@[a-z]{1,3}/)?[a-z][a-z0-9._-]{0,8}", fullmatch=True),
}
VERSIONS = st.from_regex(
    r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9](-[a-z]{1,3}\.[0-9])?(\+[a-z]{1,4})?", fullmatch=True
)
LICENCES = st.sampled_from(("", "MIT", "MIT OR Apache-2.0", "LicenseRef-X AND (MIT OR Zlib)"))


@st.composite
def packages(draw: st.DrawFn) -> VendoredPackage:
    make, name = draw(st.sampled_from([(crate, "cargo"), (npm, "npm")]))
    licence = draw(LICENCES)
    return make(
        draw(NAMES[name]),
        draw(VERSIONS),
        licence,
        source=draw(st.sampled_from(("", f"git+https://host.test/o/r#{COMMIT}"))),
        checksum=draw(st.sampled_from(("", f"sha256:{SHA}", f"sha512:{SHA * 2}"))),
        development=draw(st.booleans()),
        licence_of=draw(VERSIONS) if licence and draw(st.booleans()) else "",
    )


def unique(found: list[VendoredPackage]) -> list[VendoredPackage]:
    return list({one.identity: one for one in found}.values())


@given(found=st.lists(packages(), max_size=12).map(unique), shuffled=st.randoms())
def test_a_list_reads_back_as_it_was_and_has_one_text(
    found: list[VendoredPackage], shuffled: object
) -> None:
    text = vendored_text(found)
    assert parse_vendored(text, file="vendored.jsonl") == tuple(sorted(found))
    other = list(found)
    shuffled.shuffle(other)  # type: ignore[attr-defined]
    assert vendored_text(other) == text
    assert vendored_digest(other) == vendored_digest(found)
    assert text.count("\n") == len(found) + 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"ecosystem":"gem","name":"a","version":"1.0.0"}', "unknown ecosystem 'gem'"),
        ('{"ecosystem":"npm","name":"a"}', "the key 'version' is missing"),
        ('{"ecosystem":"npm","name":"a","version":"1.0.0","nmae":"b"}', "unknown key 'nmae'"),
        ('{"ecosystem":"npm","name":"a","version":7}', "version is no text"),
        ('{"ecosystem":"npm","name":"a b","version":"1.0.0"}', "is no name of an npm package"),
        ('{"ecosystem":"cargo","name":"@s/a","version":"1.0.0"}', "is no name of a crate"),
        ('{"ecosystem":"npm","name":"a","version":"1"}', "'1' is no version"),
        ('{"ecosystem":"npm","name":"a","version":"1.0.0","licence":"BSD"}', "no SPDX licence"),
        ('{"ecosystem":"npm","name":"a","version":"1.0.0","checksum":"md5:aa"}', "is no checksum"),
        ('{"ecosystem":"npm","name":"a","version":"1.0.0","source":"x"}', "is no git source"),
        ('{"ecosystem":"npm","name":"a","version":"1.0.0","development":1}', "neither true nor"),
        ('{"ecosystem":"npm","name":"a","name":"b","version":"1.0.0"}', "it has a key twice"),
        ('{"ecosystem":"npm","name":"a","version":"1.0.0","licence_of":"1.0.0"}', "no licence"),
        ("[]", "it is no JSON object"),
        ("{", "it is no JSON"),
    ],
)
def test_a_broken_line_of_a_list_is_told_with_its_number(line: str, message: str) -> None:
    text = f'{{"schema":"{VENDORED_SCHEMA}"}}\n\n{line}\n'
    with pytest.raises(InputErrors) as caught:
        parse_vendored(text, file="v.jsonl")
    (told,) = faults(caught.value)
    assert told.startswith("v.jsonl:3: ")
    assert message in told
    assert caught.value.code is Code.BROKEN_VENDORED


def test_a_list_names_a_package_once_and_begins_with_its_schema() -> None:
    text = vendored_text([crate("a", licence="MIT")])
    with pytest.raises(InputErrors, match=r"a 1\.0\.0 is there twice, first in line 2"):
        parse_vendored(text + text.split("\n")[1], file="v.jsonl")
    with pytest.raises(InputError, match=r"v\.jsonl:1: it does not begin with the schema"):
        parse_vendored('{"schema":"streamsolve.vendored/2"}\n', file="v.jsonl")


# -- files by their names --------------------------------------------------------------------------


def lock_of(directory: Path, name: str, write: Callable[[Project], str]) -> Path:
    project = Project({"a": "1.0.0"}, {"a": ()}, ("a",), ())
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(write(project))
    return directory


def test_a_directory_is_read_with_all_of_its_locks_and_what_lies_beside(tmp_path: Path) -> None:
    lock_of(tmp_path, "package-lock.json", NPM_WRITERS["package-lock 1"])
    rows = {"name": "serde", "version": "1.0.0", "source": REGISTRY, "checksum": SHA}
    (tmp_path / "Cargo.lock").write_text(cargo_lock(rows))
    (tmp_path / "vendor" / "serde").mkdir(parents=True)
    (tmp_path / "vendor" / "serde" / "Cargo.toml").write_text(
        '[package]\nname = "serde"\nversion = "1.0.0"\nlicense = "MIT"\n'
    )
    found = read_vendored_sources([str(tmp_path)])
    assert [(str(one), one.licence) for one in found] == [("serde 1.0.0", "MIT"), ("a 1.0.0", "")]
    (tmp_path / "v.jsonl").write_text(vendored_text([npm("a", licence="ISC")]))
    more = read_vendored_sources([str(tmp_path), str(tmp_path / "v.jsonl")])
    assert [one.licence for one in more] == ["MIT", "ISC"]


def test_the_shrinkwrap_counts_where_npm_has_both(tmp_path: Path) -> None:
    lock_of(tmp_path, "package-lock.json", NPM_WRITERS["package-lock 3"])
    (tmp_path / "npm-shrinkwrap.json").write_text(
        npm_rows(**{"node_modules/b": {"version": "2.0.0"}})
    )
    assert [str(one) for one in read_vendored_sources([str(tmp_path)])] == ["b 2.0.0"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "there is no such file or directory"),
        (".", "there is none of Cargo.lock"),
        ("yarn.lock", "what it is cannot be told from its name"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_could(
    name: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "yarn.lock").write_text("")
    with pytest.raises(InputError, match=message) as caught:
        read_vendored_sources([str(tmp_path / name)])
    assert caught.value.code is Code.BROKEN_FOREIGN_LOCK
