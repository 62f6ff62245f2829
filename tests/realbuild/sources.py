"""The programs of the small base and of the application, as source archives and specs.

``libfoo`` and ``stampmake`` exist in two versions that cannot stand in for each other: the library
has another soname, and the tool takes its file in another way. ``spindle`` and ``weft`` need each
other to be built, and each keeps which version of the other one built it.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping

from tests.localindex import File, core_metadata

__all__ = ["BASE_SPECS", "archive", "base_archives", "distributions", "private_archives"]

_SETUPTOOLS = '[build-system]\nrequires = ["setuptools>=40"{more}]\n'
_SETUPTOOLS += 'build-backend = "setuptools.build_meta"\n'


def archive(stem: str, members: Mapping[str, str]) -> bytes:
    """A ``.tar.gz`` of files below one directory, the same bytes each time."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for path, text in sorted(members.items()):
            info = tarfile.TarInfo(f"{stem}/{path}")
            info.size = len(text.encode())
            info.mode = 0o755 if text.startswith("#!") else 0o644
            tar.addfile(info, io.BytesIO(text.encode()))
    return gzip.compress(content.getvalue(), mtime=0)


# -- libfoo, and a program of the base that is linked with it --------------------------------------

_LIBFOO_C = """\
#include "foo.h"
#include "stamp.h"
const char *foo_version(void) { return "libfoo {version} stamped by " STAMP; }
"""
_LIBFOO_H = "const char *foo_version(void);\n"
_LIBFOO_MAKE = """\
PREFIX = /usr
LIBDIR = $(PREFIX)/lib64
CFLAGS = -O2
LDFLAGS =
all: libfoo.so.{version}
stamp.h:
\tstampmake {option}stamp.h
libfoo.so.{version}: foo.c foo.h stamp.h
\t$(CC) $(CFLAGS) $(LDFLAGS) -shared -fPIC -Wl,-soname,libfoo.so.{version} -o $@ foo.c
install:
\tmkdir -p $(DESTDIR)$(LIBDIR) $(DESTDIR)$(PREFIX)/include
\tinstall -m 755 libfoo.so.{version} $(DESTDIR)$(LIBDIR)
\tln -s libfoo.so.{version} $(DESTDIR)$(LIBDIR)/libfoo.so
\tinstall -m 644 foo.h $(DESTDIR)$(PREFIX)/include
"""
_LIBFOO_SPEC = """\
Name:           libfoo
Version:        2
Release:        1%{?dist}
Summary:        A library that knows its version
License:        MIT
URL:            https://libfoo.example/
Source0:        https://libfoo.example/libfoo-%{version}.tar.gz
BuildRequires:  gcc
BuildRequires:  make
BuildRequires:  stampmake

%description
A library that knows its version, with its header.

%prep
%autosetup

%build
%make_build CFLAGS="%{optflags}" LDFLAGS="%{?build_ldflags}"

%install
%make_install PREFIX=%{_prefix} LIBDIR=%{_libdir}

%post -p /sbin/ldconfig

%files
%{_includedir}/foo.h
%{_libdir}/libfoo.so
%{_libdir}/libfoo.so.%{version}

%changelog
* Thu Jan 01 2026 Nobody <nobody@example.invalid> - 2-1
- Two is the newest.
"""
_SHOW_C = """\
#include <foo.h>
#include <stdio.h>
int main(void) { return printf("the base has %s\\n", foo_version()) < 0; }
"""
_SHOW_SPEC = """\
Name:           foo-show
Version:        1
Release:        1%{?dist}
Summary:        Shows which libfoo it runs with
License:        MIT
URL:            https://libfoo.example/show
Source0:        https://libfoo.example/foo-show-%{version}.tar.gz
BuildRequires:  gcc
BuildRequires:  libfoo

%description
Shows which libfoo it runs with.

%prep
%autosetup

%build
cc %{optflags} -o foo-show show.c -L%{_libdir} -lfoo

%install
install -D -m 755 foo-show %{buildroot}%{_bindir}/foo-show

%files
%{_bindir}/foo-show

%changelog
* Thu Jan 01 2026 Nobody <nobody@example.invalid> - 1-1
- The first one.
"""

# -- stampmake -------------------------------------------------------------------------------------

_STAMPMAKE = {
    "2": '#!/bin/sh\ncase "$1" in -*) echo "stampmake 2: no options" >&2; exit 2;; esac\n'
    'echo "#define STAMP \\"stampmake 2\\"" > "$1"\n',
    "3": '#!/bin/sh\n[ "$1" = --to ] || { echo "stampmake 3: --to is missing" >&2; exit 2; }\n'
    'echo "#define STAMP \\"stampmake 3\\"" > "$2"\n',
}
_STAMPMAKE_SPEC = """\
Name:           stampmake
Version:        3
Release:        1%{?dist}
Summary:        Writes stamps into headers
License:        MIT
URL:            https://stampmake.example/
Source0:        https://stampmake.example/stampmake-%{version}.tar.gz
BuildArch:      noarch
BuildRequires:  coreutils

%description
Writes stamps into headers. From version 3 on, the file is named with --to.

%prep
%autosetup

%build

%install
install -D -m 755 stampmake %{buildroot}%{_bindir}/stampmake

%files
%{_bindir}/stampmake

%changelog
* Thu Jan 01 2026 Nobody <nobody@example.invalid> - 3-1
- Files are named with --to.
"""

# -- distributions ---------------------------------------------------------------------------------

_PROJECT = """\
[project]
name = "{name}"
version = "{version}"
description = "{summary}"
license = {{ text = "MIT" }}
dependencies = [{dependencies}]
{scripts}
[tool.setuptools]
py-modules = [{modules}]
"""
_TOOL_SETUP = """\
import {other}
from setuptools import setup
with open("{name}.py", "w") as module:
    module.write(f"VERSION = '{version}'\\nBUILT_WITH = '{other} {{{other}.VERSION}}'\\n")
setup()
"""
_TOOL_SPEC = """\
%bcond bootstrap 0

Name:           python-@NAME@
Version:        1
Release:        1%{?dist}
Summary:        @SUMMARY@
License:        MIT
URL:            https://@NAME@.example/
Source0:        https://index.example/@NAME@-%{version}.tar.gz
BuildArch:      noarch
BuildRequires:  python3-devel
BuildRequires:  pyproject-rpm-macros

%global _description %{expand:
@SUMMARY@.}

%description %_description

%package -n python3-@NAME@
Summary:        %{summary}
%description -n python3-@NAME@ %_description

%prep
%autosetup -n @NAME@-%{version}

%generate_buildrequires
%pyproject_buildrequires

%build
%pyproject_wheel

%install
%pyproject_install
%pyproject_save_files -l @NAME@

%check
%if %{without bootstrap}
%pyproject_check_import
%endif

%files -n python3-@NAME@ -f %{pyproject_files}

%changelog
* Thu Jan 01 2026 Nobody <nobody@example.invalid> - 1-1
- The first one.
"""
_SUMMARIES = {
    "app": "An application that needs an old library",
    "spindle": "Spins what is woven",
    "thimble": "A small thing that no base has",
    "weft": "Weaves what is spun",
}
_APP_C = """\
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <foo.h>
#include "stamp.h"
static PyObject *version(PyObject *self, PyObject *none) {
    return PyUnicode_FromFormat("%s; the application is stamped by %s", foo_version(), STAMP);
}
static PyMethodDef methods[] = {{"version", version, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_foo", NULL, -1, methods};
PyMODINIT_FUNC PyInit__foo(void) { return PyModule_Create(&module); }
"""
_APP_SETUP = """\
import os
import subprocess
from setuptools import Extension, setup
subprocess.run(["stampmake", "stamp.h"], check=True)
setup(ext_modules=[Extension("_foo", ["foo.c"], include_dirs=["."], libraries=["foo"])])
"""
_APP = """\
def main():
    import _foo, spindle, thimble, weft
    print(f"the application has {_foo.version()}")
    for tool in (spindle, weft):
        print(f"{tool.__name__} {tool.VERSION} was built with {tool.BUILT_WITH}")
    print(f"thimble {thimble.VERSION}")
"""


def _sdist(name: str, version: str, requires: tuple[str, ...], more: Mapping[str, str]) -> File:
    fields = (f"Summary: {_SUMMARIES[name]}", "License: MIT")
    metadata = core_metadata(name, version, *requires, fields=fields)
    project = _PROJECT.format(
        name=name,
        version=version,
        summary=_SUMMARIES[name],
        dependencies=", ".join(f'"{text}"' for text in requires),
        modules=f'"{name}"',
        scripts='[project.scripts]\napp = "app:main"\n' if name == "app" else "",
    )
    members = {"PKG-INFO": metadata, "pyproject.toml": project, **more}
    members["pyproject.toml"] = more.get("pyproject.toml", "") + project
    body = archive(f"{name}-{version}", members)
    return File(name, f"{name}-{version}.tar.gz", body, metadata)


def _tool(name: str, other: str, version: str) -> File:
    """One of the two that need each other; the first of all was built with nothing."""
    built = _TOOL_SETUP.format(name=name, other=other, version=version)
    if version == "1":
        built = f"from setuptools import setup\n{_first(name)}setup()\n"
    more = f', "{other}"' if version != "1" else ""
    return _sdist(
        name,
        version,
        (),
        {"setup.py": built, "pyproject.toml": _SETUPTOOLS.replace("{more}", more)},
    )


def _first(name: str) -> str:
    text = "VERSION = '1'\\nBUILT_WITH = 'nothing'\\n"
    return f'with open("{name}.py", "w") as module:\n    module.write("{text}")\n'


def distributions() -> tuple[File, ...]:
    """What the package index has, as source distributions."""
    system = _SETUPTOOLS.replace("{more}", "")
    app = {"setup.py": _APP_SETUP, "foo.c": _APP_C, "app.py": _APP}
    app["pyproject.toml"] = system
    return (
        _sdist("app", "1", ("spindle>=2", "thimble", "weft>=2"), app),
        _tool("spindle", "weft", "2"),
        _sdist("thimble", "1", (), {"thimble.py": "VERSION = '1'\n", "pyproject.toml": system}),
        _tool("weft", "spindle", "2"),
    )


# -- everything ------------------------------------------------------------------------------------


def _libfoo(version: str) -> bytes:
    option = "--to " if version == "2" else ""
    members = {
        "Makefile": _LIBFOO_MAKE.format(version=version, option=option),
        "foo.c": _LIBFOO_C.replace("{version}", version),
        "foo.h": _LIBFOO_H,
    }
    return archive(f"libfoo-{version}", members)


def _stampmake(version: str) -> bytes:
    return archive(f"stampmake-{version}", {"stampmake": _STAMPMAKE[version]})


def _tool_spec(name: str) -> str:
    return _TOOL_SPEC.replace("@NAME@", name).replace("@SUMMARY@", _SUMMARIES[name])


BASE_SPECS: Mapping[str, str] = {
    "stampmake": _STAMPMAKE_SPEC,
    "libfoo": _LIBFOO_SPEC,
    "foo-show": _SHOW_SPEC,
    "python-spindle": _tool_spec("spindle"),
    "python-weft": _tool_spec("weft"),
}
"""The specs of the base by source package, in an order in which they can be built."""


def base_archives() -> Mapping[str, bytes]:
    """The sources of the base's specs by file name."""
    tools = [_tool("spindle", "weft", "1"), _tool("weft", "spindle", "1")]
    return {
        "stampmake-3.tar.gz": _stampmake("3"),
        "libfoo-2.tar.gz": _libfoo("2"),
        "foo-show-1.tar.gz": archive("foo-show-1", {"show.c": _SHOW_C}),
        **{each.filename: each.body for each in tools},
    }


def private_archives() -> Mapping[str, bytes]:
    """The sources of the application's private streams by file name."""
    return {
        "libfoo-1.tar.gz": _libfoo("1"),
        "stampmake-2.tar.gz": _stampmake("2"),
        **{each.filename: each.body for each in distributions()},
    }
