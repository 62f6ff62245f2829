"""``emitted.json`` says what was emitted for, so that whoever builds reads no Makefile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.building import BuildDirectory
from streamsolve.emit import MockRepository, MockSettings, Switch, emit_mock, write_files
from streamsolve.emit.commands import mock_options
from streamsolve.emit.emitted_for import emitted_for, read_emitted_for
from streamsolve.errors import Code, InputErrors

from .lockworld import small_plan

KEY = "file:///usr/share/distribution-gpg-keys/small/KEY"
BASE = MockRepository("fedora", "https://base.test/$basearch/", gpgkeys=(KEY,))
SETTINGS = MockSettings("45", "fc45", (BASE,), switches=(Switch("torch", "rocm", on=False),))
PLAN = small_plan()
LOCK = "sha256:" + "1" * 64


def put(directory: Path, settings: MockSettings = SETTINGS) -> None:
    about = emitted_for(PLAN, settings, LOCK)
    write_files(directory, emit_mock(PLAN, settings), about=about)


def refused(directory: Path, digest: str = LOCK) -> InputErrors:
    with pytest.raises(InputErrors) as caught:
        BuildDirectory.of(directory, PLAN, digest=digest)
    assert caught.value.code is Code.CANNOT_BUILD
    return caught.value


def test_options_are_those_that_were_emitted_and_no_makefile_is_read(tmp_path: Path) -> None:
    put(tmp_path)
    (tmp_path / "Makefile").unlink()
    opened = BuildDirectory.of(tmp_path, PLAN, digest=LOCK)
    for build in opened.builds.builds:
        assert opened.options(build) == mock_options(build, SETTINGS)
    (torch,) = (each for each in opened.builds.builds if each.component.name == "torch")
    words = opened.options(torch)
    assert words[words.index("rocm") - 1] == "--without"


@pytest.mark.parametrize("settings", [SETTINGS, evolve(SETTINGS, prefix="/opt/app")])
def test_a_list_of_an_earlier_version_leaves_it_to_the_makefile(
    tmp_path: Path, settings: MockSettings
) -> None:
    put(tmp_path, settings)
    now = BuildDirectory.of(tmp_path, PLAN, digest=LOCK)
    document = json.loads((tmp_path / "emitted.json").read_text())
    (tmp_path / "emitted.json").write_text(
        json.dumps({key: document[key] for key in ("schema", "files")})
    )
    before = BuildDirectory.of(tmp_path, PLAN, digest=LOCK)
    assert before.builds == now.builds
    assert before.namespace == now.namespace
    for build in now.builds.builds:
        assert before.options(build) == now.options(build)


def test_another_lock_is_told(tmp_path: Path) -> None:
    put(tmp_path)
    (error,) = refused(tmp_path, "sha256:" + "2" * 64).errors
    assert LOCK in error.message
    assert "emit" in error.hint
    assert BuildDirectory.of(tmp_path, PLAN)


def test_a_build_that_it_does_not_know_is_told(tmp_path: Path) -> None:
    put(tmp_path)
    path = tmp_path / "emitted.json"
    document = json.loads(path.read_text())
    del document["builds"]["torch@2.14.0"]
    path.write_text(json.dumps(document))
    assert "torch@2.14.0" in refused(tmp_path).errors[0].message


def test_the_list_is_written_again_where_only_the_lock_is_another(tmp_path: Path) -> None:
    put(tmp_path)
    files = emit_mock(PLAN, SETTINGS)
    written = write_files(tmp_path, files, about=emitted_for(PLAN, SETTINGS, "sha256:2"))
    assert written.written == ()
    found = read_emitted_for((tmp_path / "emitted.json").read_bytes())
    assert found is not None
    assert found.lock == "sha256:2"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
ODD = st.fixed_dictionaries(
    {},
    optional={
        "lock": JSON,
        "prefix": JSON | st.sampled_from(["/opt/app", "/opt/../x", "$(x)"]),
        "builds": JSON
        | st.dictionaries(
            st.text(max_size=8),
            st.fixed_dictionaries(
                {},
                optional={"options": JSON | st.lists(st.sampled_from(["--with", "x y", "; rm"]))},
            ),
        ),
    },
)


@given(ODD)
def test_whatever_it_holds_only_plain_words_reach_a_program(document: dict[str, object]) -> None:
    found = read_emitted_for(json.dumps(document))
    if found is None:
        return
    assert isinstance(found.lock, str)
    assert "$" not in found.prefix
    assert ".." not in found.prefix
    for words in found.options.values():
        assert all(
            word.replace("-", "").replace("_", "").isalnum() or not word.strip("-_")
            for word in words
        )


@given(st.binary(max_size=40))
def test_what_is_no_list_says_nothing(content: bytes) -> None:
    assert read_emitted_for(content) is None
