"""Emitted specs that are really built, on this machine: what the packages hold and ask for."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from attrs import evolve

from streamsolve.emit import MockSettings
from streamsolve.emit.specs import (
    GivenSpec,
    ProjectFacts,
    SpecMaterials,
    StreamMaterial,
    emit_specs,
)

from .specworld import (
    SETTINGS,
    build_rpms,
    dependencies,
    environment,
    need,
    private,
    run,
    spec_plan,
    tarball,
    written,
)

LIBFOO = """\
%global __requires_exclude ^/never$
%global __provides_exclude ^nothing$
Name:           libfoo
Version:        2
Release:        %autorelease
Summary:        A library
License:        MIT
Source0:        %{name}-%{version}.tar.gz
BuildRequires:  gcc
Provides:       foo-lib = %{version}, bundled(bar)
Obsoletes:      libfoo-compat < 2
Conflicts:      libfoo < 2

%description
A library.

%package devel
Summary:        Headers of %{name}
Requires:       %{name}%{?_isa} = %{version}-%{release}
Provides:       %{name}-static = %{version}-%{release}
%description devel
Headers.

%package -n foo-tools
Summary:        Tools
Requires:       (%{name} if bash)
%description -n foo-tools
Tools.

%prep
%autosetup -n %{name}-%{version}

%build
gcc $CFLAGS -shared -fPIC -Wl,-soname,libfoo.so.%{version} -o libfoo.so.%{version} foo.c
ln -s libfoo.so.%{version} libfoo.so
gcc $CFLAGS -o foo main.c -L. -lfoo $LDFLAGS

%install
mkdir -p %{buildroot}%{_libdir}/pkgconfig %{buildroot}%{_includedir} %{buildroot}%{_bindir}
mkdir -p %{buildroot}%{_datadir}/%{name}
cp -a libfoo.so* %{buildroot}%{_libdir}
cp foo.h %{buildroot}%{_includedir}
cp foo %{buildroot}%{_bindir}
cp foo.c %{buildroot}%{_datadir}/%{name}
printf 'Name: foo\\nDescription: foo\\nVersion: 1\\nLibs: -L%{_libdir} -lfoo\\n' \\
  > %{buildroot}%{_libdir}/pkgconfig/foo.pc

%post -p /sbin/ldconfig

%files
%{_libdir}/libfoo.so.%{version}
%{_datadir}/%{name}/

%files devel
%{_includedir}/foo.h
%{_libdir}/libfoo.so
%{_libdir}/pkgconfig/foo.pc

%files -n foo-tools
%{_bindir}/foo

%changelog
%autochangelog
"""
SHOW = """\
Name:           show
Version:        1
Release:        1
Summary:        Shows which libfoo it runs with
License:        MIT
Source0:        show-%{version}.tar.gz
BuildRequires:  gcc, libfoo-devel >= 1
BuildRequires:  pkgconfig(foo)
Requires:       libfoo >= 1

%description
Shows.

%prep
%autosetup

%build
%{set_build_flags}
gcc $CFLAGS -o show show.c $LDFLAGS -lfoo

%install
install -D show %{buildroot}%{_bindir}/show

%files
%{_bindir}/show

%changelog
%autochangelog
"""
ARCHIVES = {
    "libfoo-1.tar.gz": tarball(
        "libfoo-1",
        {
            "foo.c": "int foo(void) { return 41; }\n",
            "foo.h": "int foo(void);\n",
            "main.c": "int foo(void);\nint main(void) { return foo(); }\n",
        },
    ),
    "show-1.tar.gz": tarball(
        "show-1", {"show.c": "#include <foo.h>\nint main(void) { return foo() + 1; }\n"}
    ),
}
SPECS = SpecMaterials(
    (
        StreamMaterial("package:libfoo@1", base=GivenSpec("libfoo-2-3.src.rpm", LIBFOO)),
        StreamMaterial("package:show@1", base=GivenSpec("show-1-1.src.rpm", SHOW)),
    )
)
PLAN = spec_plan(
    private("package:libfoo", "1"),
    private("package:show", "1"),
    in_roots={"package:show": ["package:libfoo"]},
)


def built(directory: Path, settings: MockSettings, name: str) -> dict[str, Path]:
    """The packages of a stream by name, really built."""
    made = emit_specs(PLAN, settings, SPECS)
    spec = written(directory, made, f"package:{name}@1")
    archive = f"{name}-1.tar.gz"
    found = build_rpms(directory, spec, {archive: ARCHIVES[archive]})
    return {run(directory, ["rpm", "-qp", "--qf", "%{name}", str(path)]): path for path in found}


def unpacked(package: Path) -> None:
    """Put what a package holds where it belongs, which is below a directory of the test."""
    subprocess.run(["rpm2archive", str(package)], check=True, timeout=60)
    archive = package.with_name(f"{package.name}.tgz")
    with tarfile.open(archive) as tar:
        tar.extractall("/", filter="fully_trusted")
    archive.unlink()


@pytest.fixture
def in_prefix(tmp_path: Path) -> MockSettings:
    return evolve(SETTINGS, prefix=f"{tmp_path}/opt/app")


def test_a_library_in_a_prefix_provides_nothing_that_the_base_could_take(
    tmp_path: Path, in_prefix: MockSettings
) -> None:
    packages = built(tmp_path, in_prefix, "libfoo")
    assert sorted(packages) == ["app-foo-tools", "app-libfoo", "app-libfoo-devel"]
    for path in packages.values():
        for text in dependencies(tmp_path, path, "provides"):
            assert text.startswith(("app(", "app-", "bundled(")), text
        for kind in ("obsoletes", "conflicts", "supplements"):
            assert dependencies(tmp_path, path, kind) == []
    names = {
        text.partition(" ")[0]
        for text in dependencies(tmp_path, packages["app-libfoo"], "provides")
    }
    assert {"app(libfoo.so.1()(64bit))", "app(foo-lib)", "bundled(bar)"} <= names
    devel = dependencies(tmp_path, packages["app-libfoo-devel"], "provides")
    assert "app(pkgconfig(foo)) = 1" in devel
    assert any(text.startswith("app(libfoo-static) = 1-") for text in devel)


def test_what_is_private_is_required_in_the_namespace_and_what_is_not_as_it_is(
    tmp_path: Path, in_prefix: MockSettings
) -> None:
    packages = built(tmp_path, in_prefix, "libfoo")
    tools = dependencies(tmp_path, packages["app-foo-tools"], "requires")
    assert "app(libfoo.so.1()(64bit))" in tools
    assert "(app-libfoo if bash)" in tools
    assert "libc.so.6()(64bit)" in tools
    devel = dependencies(tmp_path, packages["app-libfoo-devel"], "requires")
    assert any(text.startswith("app-libfoo(x86-64) = 1-0.streamsolve.") for text in devel)


def test_everything_lies_under_the_prefix(tmp_path: Path, in_prefix: MockSettings) -> None:
    for path in built(tmp_path, in_prefix, "libfoo").values():
        for file in run(tmp_path, ["rpm", "-qpl", str(path)]).split():
            assert file.startswith(f"{in_prefix.prefix}/"), file


def test_a_program_is_built_with_the_private_library_and_runs_with_it(
    tmp_path: Path, in_prefix: MockSettings
) -> None:
    for path in built(tmp_path, in_prefix, "libfoo").values():
        unpacked(path)
    shutil.rmtree(tmp_path / "built")
    (path,) = built(tmp_path, in_prefix, "show").values()
    requires = dependencies(tmp_path, path, "requires")
    assert {"app(libfoo.so.1()(64bit))", "app-libfoo >= 1"} <= set(requires)
    assert not [text for text in requires if text.startswith("libfoo")]
    unpacked(path)
    shutil.rmtree(tmp_path / "rpm")
    program = [f"{in_prefix.prefix}/bin/show"]
    assert subprocess.run(program, env={}, check=False, timeout=60).returncode == 42


def test_a_build_asks_for_private_packages_by_their_names_in_the_namespace(
    tmp_path: Path, in_prefix: MockSettings
) -> None:
    made = emit_specs(PLAN, in_prefix, SPECS)
    spec = written(tmp_path, made, "package:show@1")
    found = run(
        tmp_path,
        [
            "rpmspec",
            "-q",
            "--srpm",
            "--requires",
            "--define",
            f"_sourcedir {spec.parent}",
            str(spec),
        ],
    )
    assert {line.strip() for line in found.splitlines()} >= {
        "gcc",
        "app-libfoo-devel >= 1",
        "app(pkgconfig(foo))",
    }


def test_in_a_container_names_and_provides_are_fedoras(tmp_path: Path) -> None:
    packages = built(tmp_path, SETTINGS, "libfoo")
    assert sorted(packages) == ["foo-tools", "libfoo", "libfoo-devel"]
    provides = dependencies(tmp_path, packages["libfoo"], "provides")
    assert "libfoo.so.1()(64bit)" in provides
    assert "foo-lib = 1" in provides


# --- distributions

PROJECT = """\
[build-system]
requires = ["flit_core"]
build-backend = "flit_core.buildapi"
[project]
name = "thing"
version = "1.5"
description = "A thing"
"""
BACKEND = """\
import zipfile
def get_requires_for_build_wheel(config_settings=None):
    return []
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "thing-1.5-py3-none-any.whl"
    info = "thing-1.5.dist-info"
    with zipfile.ZipFile(wheel_directory + "/" + name, "w") as wheel:
        wheel.writestr("thing.py", "VALUE = 5\\n")
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: thing\\nVersion: 1.5\\n")
        wheel.writestr(info + "/WHEEL",
            "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "")
    return name
"""
IN_TREE = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
SDIST = tarball("thing-1.5", {"pyproject.toml": IN_TREE, "backend.py": BACKEND})


@pytest.mark.parametrize("mode", ["container", "prefix"])
def test_a_pure_distribution_is_built_from_its_generated_spec(
    tmp_path: Path, in_prefix: MockSettings, mode: str
) -> None:
    settings = SETTINGS if mode == "container" else in_prefix
    plan = spec_plan(
        private("thing", "1.5"),
        private("other", "1"),
        requires={"thing": ["python3.15dist(other) >= 1", "(python3.15dist(base) or bash)"]},
        needs={"thing": [need("python3-devel")]},
    )
    project = ProjectFacts("thing", "1.5", "thing-1.5.tar.gz", summary="A thing")
    materials = SpecMaterials((StreamMaterial("thing@1.5", project=project),))
    made = emit_specs(plan, settings, materials)
    spec = written(tmp_path, made, "thing@1.5")
    (path,) = build_rpms(tmp_path, spec, {"thing-1.5.tar.gz": SDIST})
    files = run(tmp_path, ["rpm", "-qpl", str(path)]).split()
    assert [file for file in files if file.endswith("/thing.py")]
    if mode == "prefix":
        assert all(file.startswith(in_prefix.prefix) for file in files)
        provides = dependencies(tmp_path, path, "provides")
        assert "app(python3.15dist(thing)) = 1.5" in provides
        assert not [text for text in provides if not text.startswith(("app(", "app-"))]
        requires = dependencies(tmp_path, path, "requires")
        assert "app(python3.15dist(other)) >= 1" in requires
        assert "(python3.15dist(base) or bash)" in requires


def test_a_wheel_is_installed_as_it_is(tmp_path: Path) -> None:
    wheel = "thing-1.5-py3-none-any.whl"
    (tmp_path / "wheel").mkdir()
    scope: dict[str, object] = {}
    exec(BACKEND, scope)  # the backend above, in this process
    scope["build_wheel"](str(tmp_path / "wheel"))  # type: ignore[operator]
    plan = spec_plan(private("thing", "1.5", filename=wheel, prebuilt=True))
    made = emit_specs(plan, SETTINGS)
    spec = written(tmp_path, made, "thing@1.5")
    content = (tmp_path / "wheel" / wheel).read_bytes()
    (path,) = build_rpms(tmp_path, spec, {wheel: content})
    files = run(tmp_path, ["rpm", "-qpl", str(path)]).split()
    assert [file for file in files if file.endswith("site-packages/thing.py")]


def test_the_runtime_package_enables_the_application(
    tmp_path: Path, in_prefix: MockSettings
) -> None:
    made = emit_specs(PLAN, in_prefix, SPECS)
    spec = written(tmp_path, made, "package:app-runtime@1.0")
    (path,) = build_rpms(tmp_path, spec, {})
    unpacked(path)
    script = f". {in_prefix.prefix}/enable; echo $PATH; echo ${{LD_LIBRARY_PATH-none}}"
    found = subprocess.run(
        ["/bin/sh", "-euc", script],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin"},
        check=True,
        timeout=60,
    ).stdout.splitlines()
    assert found == [f"{in_prefix.prefix}/bin:/usr/bin:/bin", "none"]


@pytest.mark.parametrize("epoch", [None, 0, 852_076_800, 1_794_787_200])
def test_rpmbuild_takes_the_date_of_the_change_log(tmp_path: Path, epoch: int | None) -> None:
    """RPM warns of a wrong day of the week and of what is before its time; what warns fails."""
    settings = evolve(SETTINGS, source_date_epoch=epoch, prefix="/opt/app")
    made = emit_specs(PLAN, settings, SPECS)
    for stream in ("package:libfoo@1", "package:app-runtime@1.0"):
        spec = written(tmp_path, made, stream)
        archive = ARCHIVES["libfoo-1.tar.gz"]
        (spec.parent / "libfoo-1.tar.gz").write_bytes(archive)
        words = ["rpmbuild", "-bs", "--nodeps", "--define", f"_sourcedir {spec.parent}"]
        said = subprocess.run(
            [*words, "--define", f"_srcrpmdir {tmp_path}/out", str(spec)],
            capture_output=True,
            text=True,
            env=environment(tmp_path),
            check=True,
            timeout=60,
        )
        assert "warning" not in said.stdout + said.stderr
        assert "%changelog" not in said.stderr
