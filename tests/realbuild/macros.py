"""Files that the small distribution has of its own: macros, and stand-ins for Fedora's for Python.

They do as much of what Fedora's ``pyproject-rpm-macros`` do as the specs of these tests ask for.
Python's modules lie where Fedora has them, in ``site-packages``, which Debian's Python is told of.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["OWN_FILES"]

_MACROS = r"""%_dbpath /var/lib/rpm
%_build_id_links none
%dist .sm1
%__brp_strip %{nil}
%_debugsource_template %{nil}
%debug_package %{nil}
%build_cflags %{optflags}
%build_ldflags -Wl,-z,relro
%set_build_flags CFLAGS="${CFLAGS:-%{build_cflags}}"; export CFLAGS\
LDFLAGS="${LDFLAGS:-%{build_ldflags}}"; export LDFLAGS
%__spec_build_pre %{___build_pre}\
%{?_auto_set_build_flags:%{set_build_flags}}
%python3_pkgversion 3
%__python3 /usr/bin/python3
%python3_version %(%{__python3} -c 'import sys; print("%%d.%%d" %% sys.version_info[:2])')
%python3_sitelib %{_prefix}/lib/python%{python3_version}/site-packages
%python3_sitearch %{_libdir}/python%{python3_version}/site-packages
%py_provides() Provides: %{1} = %{?epoch:%{epoch}:}%{version}-%{release}
%__small %{__python3} /usr/lib/rpm/small/pyproject.py
%__small_places %{buildroot} %{_prefix} %{pyproject_files}
%pyproject_files %{_builddir}/small-pyproject-files
%pyproject_buildrequires(eg:lpRrtwNx:) %{__small} requires %{-R}
%pyproject_wheel(C:) %{__small} wheel
%pyproject_install() %{__small} install %{__small_places}
%pyproject_save_files(lLM) %{__small} save %{pyproject_files} %*
%pyproject_check_import(e:t) %{__small} import %{__small_places}
"""

_PYPROJECT = r'''#!/usr/bin/python3
"""What the macros call: pyproject.py STEP ARGUMENT…, a step being a function below."""

import configparser
import importlib
import pathlib
import subprocess
import sys
import tomllib
import zipfile

WHEELS = pathlib.Path("small-wheels")
LIBS = ("lib64", "lib")
SCRIPT = """#!/usr/bin/python3
import sys
from {module} import {first}
sys.exit({call}())
"""


def requires(*options):
    """The build system's requirements, and those of run time unless -R is given, in RPM's words."""
    from packaging.requirements import Requirement

    table = tomllib.loads(pathlib.Path("pyproject.toml").read_text())
    texts = list(table.get("build-system", {}).get("requires", ["setuptools >= 40.8"]))
    if "-R" not in options:
        texts += table.get("project", {}).get("dependencies", [])
    for text in texts:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate():
            continue
        name = f"python3dist({requirement.name.lower().replace('_', '-')})"
        bounds = [f"{name} {one.operator} {one.version}" for one in requirement.specifier]
        for bound in bounds or [name]:
            print(bound.replace(" == ", " = "))


def wheel():
    """Build one wheel with what is installed."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"),
            *("--no-index", "--disable-pip-version-check", "--use-pep517", "-w", str(WHEELS), "."),
        ],
        check=True,
    )


def sites(prefix):
    """Where modules are: compiled ones, and pure ones."""
    return [f"{prefix}/{lib}/python%d.%d/site-packages" % sys.version_info[:2] for lib in LIBS]


def install(root, prefix, listed):
    """Unpack all wheels, write their scripts, and list the files."""
    sitearch, sitelib = sites(prefix)
    found, scripts = [], []
    for path in sorted(WHEELS.glob("*.whl")):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            [info] = {n.split("/")[0] for n in names if n.split("/")[0].endswith(".dist-info")}
            tags = archive.read(f"{info}/WHEEL").decode()
            target = sitelib if "Root-Is-Purelib: true" in tags else sitearch
            archive.extractall(root + target)
            parser = configparser.ConfigParser()
            if f"{info}/entry_points.txt" in names:
                parser.read_string(archive.read(f"{info}/entry_points.txt").decode())
        pathlib.Path(f"{root}{target}/{info}/RECORD").unlink()
        tops = sorted({name.split("/")[0] for name in names})
        found += [f"{target}/{top}" for top in tops]
        for name, place in parser["console_scripts"].items() if "console_scripts" in parser else ():
            module, _, call = place.partition(":")
            script = pathlib.Path(f"{root}{prefix}/bin/{name}")
            script.parent.mkdir(parents=True, exist_ok=True)
            script.write_text(SCRIPT.format(module=module, first=call.split(".")[0], call=call))
            script.chmod(0o755)
            scripts.append(f"{prefix}/bin/{name}")
    pathlib.Path(f"{listed}-scripts").write_text("".join(f"{path}\n" for path in scripts))
    pathlib.Path(listed).write_text("".join(f"{path}\n" for path in found))


def save(listed, *words):
    """What is packaged: all modules, and with +auto the scripts too."""
    if "+auto" in words:
        with open(listed, "a") as files:
            files.write(pathlib.Path(f"{listed}-scripts").read_text())


def import_(root, prefix, listed):
    """Import each top-level module that was installed."""
    sys.dont_write_bytecode = True
    sys.path[:0] = [root + site for site in sites(prefix)]
    for path in pathlib.Path(listed).read_text().splitlines():
        name = path.rpartition("/")[2].partition(".")[0]
        if name.isidentifier() and not path.endswith((".dist-info", ".pth")):
            importlib.import_module(name)


if __name__ == "__main__":
    steps = (requires, wheel, install, save, import_)
    {step.__name__.strip("_"): step for step in steps}[sys.argv[1]](*sys.argv[2:])
'''

_SITE = "".join(
    "import site, sys; "
    f"site.addsitedir('/usr/{lib}/python%d.%d/site-packages' % sys.version_info[:2])\n"
    for lib in ("lib64", "lib")
)

OWN_FILES: Mapping[str, Mapping[str, str]] = {
    "libc-bin": {"/etc/ld.so.conf.d/small.conf": "/usr/lib64\n"},
    "python3": {"/usr/lib/python3/dist-packages/small-site-packages.pth": _SITE},
    "small-rpm-macros": {
        "/usr/lib/rpm/macros.d/macros.small": _MACROS,
        "/usr/lib/rpm/small/pyproject.py": _PYPROJECT,
    },
}
"""The text of each file by its package and its path; those that begin with ``#!`` can be run."""
