"""Spec files and source packages: what RPM itself says of them, within limits."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.inputs import spec_files
from streamsolve.inputs.spec_files import conditionals, read_spec

HEAD = """\
Name: demo
Version: 1.2
Release: 3
Summary: A demonstration
License: MIT
"""
TAIL = """\
%description
It demonstrates.
%files
"""
REQUIRES = """\
BuildRequires: gcc, python3-devel >= 3.9
BuildRequires: gcc
BuildRequires: (first >= 1 with first < 2)
BuildRequires: second = 1:2.0-3
BuildConflicts: third < 3
"""
EXPECTED = (
    "(first >= 1 with first < 2)",
    "gcc",
    "python3-devel >= 3.9",
    "second = 1:2.0-3",
)

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a spec with some lines in its preamble, and sections after its description."""

    def write_spec(preamble: str = "", sections: str = "", *, name: str = "demo.spec") -> Path:
        path = tmp_path / name
        path.write_text(HEAD + preamble + TAIL + sections, encoding="utf-8")
        return path

    return write_spec


def fault(path: Path, **more: object) -> InputError:
    with pytest.raises(InputError) as caught:
        read_spec(path, **more)
    assert caught.value.code is Code.BROKEN_SPEC
    return caught.value


def built(path: Path, directory: Path, *options: str) -> Path:
    """The package that the real rpmbuild makes from a spec."""
    command = ["rpmbuild", "--define", f"_topdir {directory}", *options, str(path)]
    subprocess.run(command, check=True, capture_output=True)
    (package,) = directory.rglob("*.rpm")
    return package


# --- what is read ---------------------------------------------------------------------------------


def test_build_requirements_are_sorted_and_each_is_there_once(write):
    found = read_spec(write(REQUIRES))
    assert found.build_requires == EXPECTED
    assert found.build_conflicts == ("third < 3",)
    assert (found.name, found.version, found.release, found.epoch) == ("demo", "1.2", "3", "0")
    assert found.file == "demo.spec"
    assert not found.generates


def test_a_source_package_says_the_same_as_its_spec(write, tmp_path):
    generating = "%generate_buildrequires\necho never\n"
    spec = write(f"Epoch: 4\n{REQUIRES}", generating)
    package = built(spec, tmp_path / "top", "-bs")
    from_spec, from_package = read_spec(spec), read_spec(package)
    assert from_package.file == "demo-1.2-3.src.rpm"
    assert from_package.build_requires == from_spec.build_requires == EXPECTED
    assert from_package.build_conflicts == from_spec.build_conflicts
    assert from_package.epoch == from_spec.epoch == "4"
    assert from_package.generates
    assert from_spec.generates


def test_a_package_is_told_by_its_content_whatever_it_is_called(write, tmp_path):
    package = built(write(REQUIRES), tmp_path / "top", "-bs")
    renamed = package.rename(tmp_path / "given")
    assert read_spec(renamed).build_requires == EXPECTED


def test_what_generates_build_requirements_is_not_run(write, tmp_path):
    trace = tmp_path / "trace"
    spec = write("BuildRequires: gcc\n", f"%generate_buildrequires\ntouch {trace}\necho more\n")
    found = read_spec(spec)
    assert found.generates
    assert found.build_requires == ("gcc",)
    assert not trace.exists()


def test_a_section_that_a_condition_leaves_out_generates_nothing(write):
    spec = write(sections="%if 0\n%generate_buildrequires\necho more\n%endif\n")
    assert not read_spec(spec).generates


CONDITIONAL = """\
%bcond_with docs
%bcond_without tests
%if %{with docs}
BuildRequires: sphinx
%endif
%if %{with tests}
BuildRequires: pytest
%endif
"""


@pytest.mark.parametrize(
    ("macros", "expected"),
    [
        ({}, ("pytest",)),
        (conditionals(with_=["docs"]), ("pytest", "sphinx")),
        (conditionals(without=["tests"]), ()),
        (conditionals(["docs"], ["tests"]), ("sphinx",)),
    ],
)
def test_conditions_can_be_switched(write, macros, expected):
    assert read_spec(write(CONDITIONAL), macros=macros).build_requires == expected


def test_macros_that_are_given_are_defined(write):
    spec = write("BuildRequires: python%{python3_pkgversion}-devel\n")
    found = read_spec(spec, macros={"python3_pkgversion": "3.14"})
    assert found.build_requires == ("python3.14-devel",)


def test_a_spec_is_read_for_an_architecture_and_not_for_this_machine(write):
    spec = write(
        "%ifarch aarch64\nBuildRequires: for-arm\n%endif\n"
        "%ifarch x86_64\nBuildRequires: for-intel\n%endif\n"
    )
    assert read_spec(spec, arch="aarch64").build_requires == ("for-arm",)
    assert read_spec(spec, arch="x86_64").build_requires == ("for-intel",)


def test_sources_lie_beside_the_spec_and_need_not_exist(write, tmp_path):
    (tmp_path / "needs").write_text("from-a-file\n")
    spec = write("Source0: absent.tar.gz\nBuildRequires: %(cat %{_sourcedir}/needs)\n")
    assert read_spec(spec).build_requires == ("from-a-file",)


def test_releases_and_change_logs_that_fedora_s_tools_fill_in_do_not_matter(tmp_path):
    spec = tmp_path / "demo.spec"
    text = HEAD.replace("Release: 3", "Release: %autorelease")
    spec.write_text(f"{text}BuildRequires: gcc\n{TAIL}%changelog\n%autochangelog\n")
    assert read_spec(spec).build_requires == ("gcc",)


# --- limits ---------------------------------------------------------------------------------------


def test_a_spec_sees_nothing_of_the_user_s_environment(write, tmp_path, monkeypatch):
    (tmp_path / ".rpmmacros").write_text("%secret of-the-home\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SECRET", "of-the-environment")
    spec = write("BuildRequires: %{?secret} a%(echo $SECRET)\n")
    assert read_spec(spec).build_requires == ("a",)


def test_what_a_spec_writes_to_its_home_is_gone_and_nothing_lies_beside_the_spec(write, tmp_path):
    spec = write("BuildRequires: %(echo x > file; pwd | sed 's,/,_,g')\n")
    (home,) = read_spec(spec).build_requires
    assert not Path(home.replace("_", "/")).exists()
    assert [path.name for path in tmp_path.iterdir()] == ["demo.spec"]


def test_what_a_macro_prints_is_not_taken_for_the_answer(write):
    spec = write(
        """BuildRequires: gcc%{lua: io.write('{"status":"read"}\\n')}%(echo {} >/dev/stderr)\n"""
    )
    assert read_spec(spec).build_requires == ("gcc",)


@pytest.mark.parametrize(
    "waiting",
    ["%(sleep 1000)", "%{lua: while true do end}", "%(yes)"],
    ids=["a process", "a loop", "a flood"],
)
def test_a_spec_that_does_not_end_is_ended_with_all_that_it_started(write, tmp_path, waiting):
    note = tmp_path / "process"
    spec = write(f"%global note %(echo $$ > {note})\nBuildRequires: %{{note}} {waiting}\n")
    start = time.monotonic()
    # The shell of the first macro tells that the child had come so far.
    error = fault(spec, seconds=2)
    assert time.monotonic() - start < 10
    assert "longer than 2 s" in error.message
    assert error.place.file == str(spec)
    assert note.exists()


def test_processes_that_a_macro_started_are_ended_as_well(write, tmp_path):
    fifo = tmp_path / "held"
    os.mkfifo(fifo)
    held = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fault(write(f"BuildRequires: %(exec 3>{fifo}; echo x >&3; exec sleep 1000)\n"), seconds=2)
        assert os.read(held, 10) == b"x\n"
        # The pipe ends only when nobody is left who could write to it.
        assert select.select([held], [], [], 10)[0]
        assert os.read(held, 10) == b""
    finally:
        os.close(held)


def test_a_child_that_is_killed_gives_no_answer(write):
    error = fault(write("BuildRequires: %(kill -9 $PPID; sleep 1000)\n"))
    assert error.message == "RPM ended while it was read"
    assert "SIGKILL" in error.hint


# --- faults ---------------------------------------------------------------------------------------


def test_what_rpm_says_of_a_broken_spec_is_told(write):
    error = fault(write("Sumary: twice\n"))
    assert error.message == "RPM cannot read it"
    assert "Sumary" in error.hint
    assert error.place.file.endswith("demo.spec")


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\xff" * 400, b"\xed\xab\xee\xdb" + b"\0" * 200],
    ids=["empty", "bytes", "rpm"],
)
def test_what_is_no_spec_is_refused(tmp_path, content):
    path = tmp_path / "demo.spec"
    path.write_bytes(content)
    assert fault(path).hint


def test_bytes_that_are_no_utf_8_do_not_reach_the_answer(tmp_path):
    path = tmp_path / "demo.spec"
    path.write_bytes(f"{HEAD}BuildRequires: a-\xe9-b\n{TAIL}".encode("latin-1"))
    (required,) = read_spec(path).build_requires
    assert required == "a-\N{REPLACEMENT CHARACTER}-b"


def test_a_spec_that_takes_all_memory_is_refused(write):
    error = fault(write("BuildRequires: %{lua: print(string.rep('a', 1 << 33))}\n"))
    assert error.hint


def test_control_characters_in_rpm_s_words_do_not_reach_a_terminal(tmp_path):
    path = tmp_path / "demo.spec"
    path.write_bytes(b"Bad\x1b[31mTag: x\n")
    assert "\x1b" not in str(fault(path))


def test_a_binary_package_is_refused(write, tmp_path):
    package = built(write("BuildArch: noarch\n"), tmp_path / "top", "-bb")
    error = fault(package)
    assert "binary package" in error.message
    assert ".src.rpm" in error.hint


def test_what_only_has_a_package_s_name_is_refused(tmp_path):
    path = tmp_path / "demo.src.rpm"
    path.write_text(HEAD + TAIL)
    fault(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert fault(tmp_path / "none.spec").message == "no such file"
    assert fault(tmp_path).message == "no such file"


@pytest.mark.parametrize(
    ("preamble", "faults"),
    [
        ("BuildRequires: a%{unknown_one}\n", {(6, "%unknown_one")}),
        ("BuildRequires: %{py3_dist numpy}\n", {(6, "%py3_dist")}),
        (
            "BuildRequires: a-%{unknown_one}\n\nBuildRequires: b-%{unknown_two}, gcc\n",
            {(6, "%unknown_one"), (8, "%unknown_two")},
        ),
        ("%global mine a-%{unknown_one}\nBuildRequires: %{mine}\n", {(7, "%unknown_one")}),
        ("BuildConflicts: a%unknown_one\n", {(6, "%unknown_one")}),
        (
            "%if 0\nBuildRequires: a-%{unknown_two}\n%endif\nBuildRequires: a-%{unknown_one}\n",
            {(9, "%unknown_one")},
        ),
    ],
    ids=["in a name", "with arguments", "on two lines", "inside another", "in conflicts", "if"],
)
def test_a_macro_that_is_unknown_here_is_named_with_its_line(write, preamble, faults):
    error = fault(write(preamble))
    assert isinstance(error, InputErrors)
    named = {
        (one.place.line, word.rstrip(","))
        for one in error.errors
        if one.place.line
        for word in one.message.split()
        if word.startswith("%")
    }
    assert named == faults
    assert "source package" in error.message


def test_a_macro_that_may_be_missing_may_be(write):
    assert read_spec(write("BuildRequires: gcc%{?_isa_of_nobody}\n")).build_requires == ("gcc",)


@pytest.mark.parametrize("name", ["a b", "x", "1st", "with-dash", ""])
def test_a_name_that_no_macro_can_have_is_refused(write, name):
    with pytest.raises(InputError) as caught:
        read_spec(write(), macros={name: "1"})
    assert caught.value.code is Code.BAD_OPTION


# --- the interpreter that has RPM's module --------------------------------------------------------


def test_without_rpm_s_module_the_package_is_named(write, monkeypatch):
    monkeypatch.setattr(spec_files, "_CHILD", _child_without_rpm(write("").parent))
    with pytest.raises(InputError) as caught:
        read_spec(write())
    assert caught.value.code is Code.MISSING_TOOL
    assert "python3-rpm" in caught.value.hint


def test_the_system_s_python_stands_in_for_one_without_the_module(write, tmp_path, monkeypatch):
    python = tmp_path / "python"
    python.write_text("""#!/bin/sh\necho '{"status": "no-rpm"}'\n""")
    python.chmod(0o755)
    monkeypatch.setattr(spec_files.sys, "executable", str(python))
    assert read_spec(write(REQUIRES)).build_requires == EXPECTED


def test_the_child_s_script_imports_nothing_of_ours():
    source = spec_files._CHILD.read_text(encoding="utf-8")
    imports = [line for line in source.splitlines() if line.startswith(("import", "from"))]
    assert not [line for line in imports if "streamsolve" in line or line.startswith("from .")]


def _child_without_rpm(directory: Path) -> Path:
    """The child as it runs where nothing provides the module."""
    package = directory / "rpm"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError\n")
    child = directory / "child.py"
    shutil.copy(spec_files._CHILD, child)
    text = child.read_text(encoding="utf-8")
    start = f"import sys\nsys.path.insert(0, {os.fspath(directory)!r})\n"
    child.write_text(text.replace("import json\n", f"{start}import json\n", 1), encoding="utf-8")
    return child
