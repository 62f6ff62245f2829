"""Specs from a base's own: what is changed, and that all else stays byte for byte."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given as drawn
from hypothesis import strategies as st
from packaging.version import Version

from streamsolve.emit.specs import (
    EmittedSpec,
    EmittedSpecs,
    GivenSpec,
    ProjectFacts,
    SpecKind,
    SpecMaterials,
    StreamMaterial,
    emit_specs,
)
from streamsolve.emit.specs.spec_text import SpecText
from streamsolve.emit.specs.versioning import change_version, spelled_for_rpm
from streamsolve.model.build import NeedOrigin, NeedRole
from streamsolve.model.plan import PlannedStream

from .builders import relaxed
from .specworld import IN_PREFIX, SETTINGS, need, private, query, spec_plan, written

BASE_SPEC = NeedOrigin.BASE_SPEC

LIBRARY = """\
%global upstream libfoo
Name:           libfoo
Epoch:          1
Version:        2.0
Release:        %autorelease -b 3
Summary:        A library
License:        MIT
Source0:        https://foo.test/%{name}-%{version}.tar.gz
Patch0:         keep.patch
Patch1:         newer.patch
BuildRequires:  gcc, make >= 4
BuildRequires:  texlive
BuildRequires:  doxygen

%description
100%% a library. \\t  A backslash is kept.

%package        devel
Summary:        Headers of %{name}
Requires:       %{name}%{?_isa} = %{epoch}:%{version}-%{release}

%description    devel
Headers.

%prep
%setup -q
%patch -P0 -p1
%patch1 -p1

%build
%if 0%{?fedora}
%configure
%endif

%install

%check
make check

%files
%{_libdir}/lib%{upstream}.so.*

%files devel

%changelog
* Thu Jan 01 2026 Somebody <somebody@example.invalid> - 1:2.0-3
- Two
"""

PYTHON_LIBRARY = """\
%global pypi_name thing
%bcond tests 1

Name:           python-%{pypi_name}
Version:        2.0~rc1
Release:        1%{?dist}
Summary:        A thing
License:        MIT
Source:         %{pypi_source thing 2.0rc1}
BuildArch:      noarch
BuildRequires:  python3-devel
BuildRequires:  python3-cffi >= 1.12
BuildRequires:  %{py3_dist pytest}
BuildRequires:  python3dist(numpy)
BuildRequires:  gcc-c++

%global _description %{expand:
A thing.}

%description %_description

%package -n     python3-%{pypi_name}
Summary:        %{summary}
Requires:       python3-other
%description -n python3-%{pypi_name} %_description

%prep
%autosetup -p1 -n thing-2.0rc1

%generate_buildrequires
%pyproject_buildrequires -t -x test

%build
%pyproject_wheel

%install
%pyproject_install
%pyproject_save_files thing

%check
%pytest

%files -n python3-%{pypi_name} -f %{pyproject_files}

%changelog
%autochangelog
"""

INTERPRETER = """\
%global pybasever 3.15
# pybasever without the dot:
%global pyshortver 315
Name:           python%{pybasever}
Summary:        Version %{pybasever} of the Python interpreter
%global general_version %{pybasever}.0
%global prerel rc2
%global upstream_version %{general_version}%{?prerel}
Version:        %{general_version}%{?prerel:~%{prerel}}
Release:        2%{?dist}
License:        Python-2.0.1
Source0:        https://python.test/%{general_version}/Python-%{upstream_version}.tar.xz
%bcond python_abi_provides_for_alt_pythons 0

%description
Python %{pybasever}.

%package libs
Summary:        Libraries of %{pyshortver}
%if %{with python_abi_provides_for_alt_pythons}
Provides:       python(abi) = %{pybasever}
%endif
%description libs
Libraries.

%prep
%build
%install
%files
%files libs
%changelog
%autochangelog
"""


def made(
    stream: PlannedStream,
    text: str,
    *,
    python: str = "3.15",
    material: StreamMaterial | None = None,
    **parts: object,
) -> tuple[EmittedSpecs, EmittedSpec, str]:
    """The specs of a plan of one stream with a base's spec, that spec, and its text."""
    plan = spec_plan(stream, python=python, **parts)  # type: ignore[arg-type]
    id = f"{stream.component.spelled}@{stream.version}"
    files = (("keep.patch", b"--- a\n"), ("newer.patch", b"--- b\n"))
    base = GivenSpec("source-2.0-3.fc45.src.rpm", text, files)
    known = evolve(material or StreamMaterial(id), stream=id, base=base)
    found = emit_specs(plan, SETTINGS, SpecMaterials((known,)))
    return found, found.specs[0], found.files[found.specs[0].path].decode()


def changed_lines(before: str, after: str) -> list[str]:
    """What is not in both, as a diff marks it, without comments."""
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    marked = [line for line in found if line[:1] in "+-" and line[:3] not in ("---", "+++")]
    return [line for line in marked if line[1:].strip() and not line[1:].startswith("#")]


# --- version and release


def test_version_and_release_change_and_nothing_else(tmp_path: Path) -> None:
    every, one, text = made(private("package:libfoo", "1.4"), LIBRARY)
    assert (one.kind, one.incomplete) == (SpecKind.BASE, ())
    assert changed_lines(LIBRARY, text) == [
        "-Version:        2.0",
        "-Release:        %autorelease -b 3",
        "+Version:        1.4",
        "+Release:        0.streamsolve.package_libfoo_1_4%{?dist}",
    ]
    assert "source-2.0-3.fc45.src.rpm, changed: version 2.0 to 1.4" in text
    spec = written(tmp_path, every, "package:libfoo@1.4")
    release = "1:1.4-0.streamsolve.package_libfoo_1_4.fc45"
    assert query(tmp_path, spec, "%{name} %{evr}\n").splitlines() == [
        f"libfoo {release}",
        f"libfoo-devel {release}",
    ]
    assert every.files["specs/package-libfoo-1.4/keep.patch"] == b"--- a\n"


FORMS = {
    "a macro": "%global ver 1.2.3\nName: a\nVersion: %{ver}\n",
    "parts": "%global major 1\n%define minor 2\n%global patch 3\nName: a\n"
    "Version: %{major}.%{minor}.%{patch}\n",
    "a mark that is there": "%global ver 1.2\n%global pre rc1\nName: a\n"
    "Version: %{ver}%{?pre:~%{pre}}\n",
    "a mark that is not": "%global ver 1.2\nName: a\nVersion: %{ver}%{?prerel:~%{prerel}}\n",
    "a series": "%global series 1.2\n%global full %{series}.0\nName: a\nVersion: %{full}\n",
    "upstream's": "%global upstream_version 1.2rc1\nName: a\nVersion: 1.2~rc1\n",
    "a chain": "%global a 1.2\n%global b %{a}\nName: a\nVersion: %{b}\n",
    "unreadable": "Name: a\nVersion: %(echo 1.2)\n",
}
UNSAYABLE = {
    ("parts", "1.4"),
    ("parts", "2.0rc3"),
    ("parts", "1.2.post4"),
    ("a series", "2.0rc3"),
    ("a mark that is there", "1.2.post4"),
}
REST = "Release: 1\nSummary: s\nLicense: MIT\n%description\nd\n%files\n"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("version", ["1.4", "1.2.9", "2.0rc3", "3.10.2", "1.2.post4"])
def test_rpm_reads_the_new_version_however_it_is_written(
    tmp_path: Path, form: str, version: str
) -> None:
    text = FORMS[form] + REST
    every, one, _ = made(private("package:a", version), text)
    spec = written(tmp_path, every, f"package:a@{version}")
    expected = spelled_for_rpm(Version(version))
    assert query(tmp_path, spec, "%{version}") == expected
    # What cannot be said in the spec's own macros is written out, and told.
    assert bool(one.incomplete) == ((form, version) in UNSAYABLE or form == "unreadable")


@drawn(
    st.lists(st.integers(0, 30), min_size=1, max_size=4).map(lambda n: ".".join(map(str, n))),
    st.sampled_from(["", "rc1", "a2", ".post3", ".dev4"]),
    st.sampled_from(sorted(FORMS)),
)
def test_the_version_that_is_read_back_is_the_one_that_was_asked_for(
    numbers: str, mark: str, form: str
) -> None:
    version = Version(numbers + mark)
    spec = SpecText.read(FORMS[form] + REST)
    change_version(spec, spelled_for_rpm(version), str(version))
    assert spec.value("version") == spelled_for_rpm(version)


# --- patches and needs


def test_patches_stay_unless_the_packager_drops_them(tmp_path: Path) -> None:
    stream = private("package:libfoo", "1.4")
    kept, _, _ = made(stream, LIBRARY)
    assert "specs/package-libfoo-1.4/newer.patch" in kept.files
    material = StreamMaterial("", dropped_patches=("newer.patch",))
    every, _, text = made(stream, LIBRARY, material=material)
    assert "specs/package-libfoo-1.4/newer.patch" not in every.files
    assert [line for line in text.splitlines() if line.startswith("%patch")] == ["%patch -P0 -p1"]
    spec = written(tmp_path, every, "package:libfoo@1.4")
    assert query(tmp_path, spec, "[%{patch}\n]", "--srpm") == "keep.patch\n"


def test_what_the_plan_left_out_is_not_asked_for(tmp_path: Path) -> None:
    every, _, text = made(
        private("package:libfoo", "1.4"),
        LIBRARY,
        needs={
            "package:libfoo": [
                need("gcc", BASE_SPEC, applied="gcc15"),
                need("make >= 4", BASE_SPEC),
                need("doxygen", BASE_SPEC),
            ]
        },
        left_out={"package:libfoo": [need("texlive", BASE_SPEC, role=NeedRole.CHECK)]},
    )
    assert "BuildRequires:  gcc15, make >= 4\n" in text
    assert "BuildRequires:  doxygen\n" in text
    spec = written(tmp_path, every, "package:libfoo@1.4")
    found = query(tmp_path, spec, "[%{requirename}\n]", "--srpm").split()
    assert {"gcc15", "make", "doxygen"} <= set(found)
    assert not {"gcc", "texlive"} & set(found)
    assert "%check\n# The plan has nothing to test with in the build root.\nexit 0\n" in text


def test_a_spec_whose_needs_nobody_planned_is_told() -> None:
    _, one, _ = made(
        private("package:libfoo", "1.4"),
        LIBRARY,
        needs={"package:libfoo": [need("cmake", NeedOrigin.PROFILE)]},
    )
    assert any("compare" in word for word in one.incomplete)


# --- another interpreter


def test_a_bases_distribution_is_renamed_for_another_interpreter(tmp_path: Path) -> None:
    stream = private("thing", "1.5", package="python3.14-thing", requires=["numpy"])
    every, one, text = made(
        stream,
        PYTHON_LIBRARY,
        python="3.14",
        needs={
            "thing": [
                need("python3-devel", BASE_SPEC, applied="python3.14-devel"),
                need("python3-cffi >= 1.12", BASE_SPEC, component="cffi"),
                need("gcc-c++", BASE_SPEC),
            ]
        },
        left_out={
            "thing": [
                need("python3dist(pytest)", BASE_SPEC, role=NeedRole.CHECK, component="pytest"),
                need("python%{python3_pkgversion}dist(pytest)", BASE_SPEC, role=NeedRole.CHECK),
                need("python3.14dist(pytest)", BASE_SPEC, role=NeedRole.CHECK),
            ]
        },
    )
    spec = written(tmp_path, every, "thing@1.5")
    assert query(tmp_path, spec, "%{name} %{version}\n").splitlines() == [
        "python-thing 1.5",
        "python3.14-thing 1.5",
    ]
    assert query(tmp_path, spec, "[%{requirename}\n]").splitlines() == ["python3.14-other"]
    asked = query(tmp_path, spec, "[%{requirename}\n]", "--srpm").split()
    assert "python3.14-devel" in asked
    assert not [name for name in asked if "pytest" in name]
    assert "%pyproject_buildrequires -R\n" in text
    assert "exit 0" in text
    assert one.incomplete == ()


def test_a_private_need_is_called_by_its_private_package() -> None:
    stream = private("thing", "1.5", package="python3.14-thing")
    cffi = private("cffi", "2", package="python3.14-cffi")
    plan = spec_plan(
        stream,
        cffi,
        python="3.14",
        needs={"thing": [need("python3-cffi >= 1.12", BASE_SPEC, component="cffi")]},
        in_roots={"thing": ["cffi"]},
    )
    base = GivenSpec("x.src.rpm", PYTHON_LIBRARY)
    materials = SpecMaterials((StreamMaterial("thing@1.5", base=base),))
    found = emit_specs(plan, SETTINGS, materials)
    one = next(spec for spec in found.specs if spec.stream == "thing@1.5")
    assert "BuildRequires:  python3.14-cffi >= 1.12\n" in found.files[one.path].decode()


def test_a_bound_is_relaxed_at_the_end_of_prep() -> None:
    _, _, text = made(
        private("thing", "1.5"),
        PYTHON_LIBRARY,
        relaxed=[relaxed("thing", "numpy<2", "numpy", "why")],
    )
    prep = text[text.index("%prep") : text.index("%generate_buildrequires")].split("\n")
    assert [line for line in prep if line][-2:] == [
        "# why",
        "%pyproject_patch_dependency numpy:drop_constraints",
    ]


# --- the interpreter


def test_the_interpreter_is_the_bases_spec_with_its_switch(tmp_path: Path) -> None:
    stream = private("interpreter:python", "3.15.2", package="python3.15", filename="")
    every, one, text = made(stream, INTERPRETER)
    assert one.kind is SpecKind.INTERPRETER
    assert one.incomplete == ()
    spec = written(tmp_path, every, "interpreter:python@3.15.2")
    assert query(tmp_path, spec, "%{name} %{version}\n").splitlines() == [
        "python3.15 3.15.2",
        "python3.15-libs 3.15.2",
    ]
    assert "python(abi) = 3.15" in query(tmp_path, spec, "[%{provides} = %{provideversion}\n]")
    assert "Python-3.15.2.tar.xz" in every.files["specs/interpreter-python-3.15.2/sources"].decode()
    assert "prerel rc2" not in "\n".join(
        line for line in text.splitlines() if not line.startswith("#")
    )


def test_an_interpreter_of_another_series_is_renamed_by_its_own_macros(tmp_path: Path) -> None:
    stream = private("interpreter:python", "3.14", package="python3.14", filename="")
    known = StreamMaterial("", project=ProjectFacts("Python", "3.14.6"))
    every, one, _ = made(stream, INTERPRETER, python="3.14", material=known)
    spec = written(tmp_path, every, "interpreter:python@3.14")
    assert query(tmp_path, spec, "%{name} %{version}|%{summary}\n").splitlines() == [
        "python3.14 3.14.6|Version 3.14 of the Python interpreter",
        "python3.14-libs 3.14.6|Libraries of 314",
    ]
    assert [word for word in one.incomplete if "3.15" in word]


def test_a_series_alone_does_not_say_which_release_is_built() -> None:
    stream = private("interpreter:python", "3.14", package="python3.14", filename="")
    _, one, _ = made(stream, INTERPRETER, python="3.14")
    assert any("which release" in word for word in one.incomplete)
    _, own, text = made(
        private("interpreter:python", "3.15", package="python3.15", filename=""), INTERPRETER
    )
    assert own.incomplete == ()
    assert "%global general_version %{pybasever}.0" in text


# --- what is declared or written by macros

DECLARED = (
    PYTHON_LIBRARY[: PYTHON_LIBRARY.index("%prep")].replace(
        "BuildArch:      noarch\n",
        "BuildSystem:    pyproject\nBuildOption(generate_buildrequires): -t -x test\n"
        "BuildArch:      noarch\n",
    )
    + "%files -n python3-%{pypi_name} -f %{pyproject_files}\n\n%changelog\n%autochangelog\n"
)


def test_a_declared_build_system_is_told_the_same() -> None:
    stream = private("thing", "1.5", requires=["numpy"])
    _, _, text = made(stream, DECLARED)
    assert "\nBuildOption(generate_buildrequires): -R\n" in text
    assert "\nBuildOption(generate_buildrequires): -t" not in text
    assert text.index("%check\n") < text.index("exit 0") < text.index("%changelog")


def test_in_a_namespace_nothing_is_provided_by_a_macro() -> None:
    text = LIBRARY.replace(
        "Summary:        A library\n",
        "Summary:        A library\n%py_provides python3-foo\n%{?fedora:Provides: foo-lib = 1}\n",
    )
    plan = spec_plan(private("package:libfoo", "1.4"))
    base = GivenSpec("x.src.rpm", text)
    materials = SpecMaterials((StreamMaterial("package:libfoo@1.4", base=base),))
    found = emit_specs(plan, IN_PREFIX, materials)
    spec = found.files[found.specs[0].path].decode()
    assert not [
        line
        for line in spec.splitlines()
        if not line.startswith("#") and ("py_provides" in line or "foo-lib" in line)
    ]
    assert [word for word in found.specs[0].incomplete if "foo-lib" in word]
    assert not [word for word in found.specs[0].incomplete if "py_provides" in word]


def test_a_spec_of_another_encoding_keeps_its_bytes() -> None:
    raw = LIBRARY.encode() + b"- \xe4\xf6\xfc\r\n- no line end"
    _, one, _ = made(private("package:libfoo", "2.0"), "Name: x\n")
    base = GivenSpec("x.src.rpm", raw.decode(errors="surrogateescape"))
    plan = spec_plan(private("package:libfoo", "2.0"))
    material = StreamMaterial("package:libfoo@2.0", given=base)
    found = emit_specs(plan, SETTINGS, SpecMaterials((material,)))
    assert found.files[found.specs[0].path] == raw
    assert one.kind is SpecKind.BASE


def test_in_a_namespace_a_private_interpreter_builds_and_is_required(tmp_path: Path) -> None:
    python = private("interpreter:python", "3.14", package="python3.14", filename="")
    stream = private("thing", "1.5", package="python3.14-thing")
    plan = spec_plan(
        stream,
        python,
        python="3.14",
        in_roots={"thing": ["interpreter:python"]},
        requires={"thing": ["python(abi) = 3.14"]},
        needs={"thing": [need("python3-devel", applied="python3.14-devel")]},
    )
    found = emit_specs(plan, IN_PREFIX)
    spec = written(tmp_path, found, "thing@1.5")
    required = query(tmp_path, spec, "[%{requirename} %{requireversion}\n]")
    assert required == "app(python(abi)) 3.14\n"
    text = spec.read_text()
    assert "%global __python3 /opt/app/bin/python3.14\n" in text
    assert "python[(]abi[)]" in text
