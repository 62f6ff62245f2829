"""Plans for specs, and RPM to read and build them with: this machine's, with Fedora's macros stood
in for.

    plan = spec_plan(private("six", "1.17.0"), private("package:libfoo", "1.0"))
    made = emit_specs(plan, SETTINGS, materials(...))
    query(tmp_path, made, "six@1.17.0", "%{summary}")

The macros are stand-ins: they do as little of what Fedora's do as these tests ask for, and the
tests say what is theirs.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from attrs import evolve
from packaging.version import Version

from streamsolve.emit import MockRepository, MockSettings
from streamsolve.emit.specs import EmittedSpecs
from streamsolve.model.build import (
    Build,
    BuildNeed,
    BuildOrder,
    BuildPlan,
    Isolation,
    Level,
    NeedOrigin,
    Root,
    RootStream,
    Stage,
)
from streamsolve.model.component import PYTHON, Kind, Origin
from streamsolve.model.package import Package
from streamsolve.model.plan import (
    Burden,
    Plan,
    PlannedStream,
    Reason,
    ReasonKind,
    Relaxed,
    RepositoryId,
    Summary,
)
from streamsolve.model.requirement import parse_requirement
from streamsolve.model.rpm_dependency import rpm_version
from streamsolve.model.stream import Source

from .builders import component

__all__ = [
    "IN_PREFIX",
    "SETTINGS",
    "build_rpms",
    "dependencies",
    "digest",
    "environment",
    "need",
    "private",
    "query",
    "spec_plan",
    "tarball",
    "written",
]

_KEY = ("file:///usr/share/distribution-gpg-keys/fedora/RPM-GPG-KEY-fedora-45-primary",)
_BASE = MockRepository("fedora", "https://base.test/45/", gpgkeys=_KEY)
SETTINGS = MockSettings("45", "fc45", (_BASE,))
IN_PREFIX = evolve(SETTINGS, prefix="/opt/app")

# Fedora's macros, stood in for: enough for RPM to read specs, and to build what is plain.
STAND_INS = r"""
%dist .fc45
%_licensedir %{_datadir}/licenses
%_docdir %{_datadir}/doc
%_topdir @TOP@
%_dbpath @TOP@/db
%debug_package %{nil}
%_build_id_links none
%__brp_strip %{nil}
%__os_install_post %{nil}
%python3_pkgversion 3
%__python3 @PYTHON@
%python3_sitelib %{_prefix}/lib/python@SERIES@/site-packages
%python3_sitearch %{_prefix}/lib64/python@SERIES@/site-packages
%pyproject_buildrequires(eg:lpRrtwNx:) true
%_pyproject_wheeldir %{_builddir}%{?buildsubdir:/%{buildsubdir}}/pyproject-wheeldir
%pyproject_wheel mkdir -p %{_pyproject_wheeldir} && %small wheel %{_pyproject_wheeldir}
%pyproject_install %small install %{buildroot}%{python3_sitelib} %{_pyproject_wheeldir}/*.whl
%small %{__python3} @TOP@/small.py
%pyproject_save_files(lLM) find %{buildroot} -type f -printf '/%%P\\n' > %{pyproject_files}
%pyproject_files %{_builddir}/pyproject-files
%pyproject_check_import(e:t) true
%_pyproject_check_import_allow_no_modules(e:t) true
%pyproject_patch_dependency() sed -i -e 's/patched-out//' pyproject.toml # %*
%pyproject_extras_subpkg(n:i:f:FaAp:v:) %{lua:
for extra in rpm.expand("%1"):gmatch("[^,]+") do
    local name = rpm.expand("%{-n*}") .. "+" .. extra
    print("%package -n " .. name .. "\\nSummary: The extra " .. extra .. "\\n")
    print("%description -n " .. name .. "\\nThe extra.\\n%files -n " .. name .. "\\n")
end
}
%autorelease 1
%autochangelog %{nil}
%pypi_source() https://files.test/%1/%{?2}%{!?2:%{version}}.tar.gz
%_smp_mflags %{nil}
"""


SMALL = """\
import sys
import zipfile
sys.path.insert(0, ".")
if sys.argv[1] == "wheel":
    import backend
    backend.build_wheel(sys.argv[2])
else:
    for wheel in sys.argv[3:]:
        zipfile.ZipFile(wheel).extractall(sys.argv[2])
"""


def digest(content: bytes | str) -> str:
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()


# -- plans -----------------------------------------------------------------------------------------


def need(
    text: str,
    origin: NeedOrigin = NeedOrigin.METHOD,
    **more: str,
) -> BuildNeed:
    return BuildNeed(text, origin, **more)


def private(
    name: str,
    version: str,
    *,
    package: str = "",
    purl: str = "",
    filename: str | None = None,
    licence: str = "MIT",
    requires: Iterable[str] = (),
    prebuilt: bool = False,
) -> PlannedStream:
    """A private stream: a distribution, or ``kind:name``."""
    about = component(name)
    is_python = about.kind is Kind.DISTRIBUTION
    if filename is None:
        filename = f"{about.name}-{version}.tar.gz"
    source = Source(
        purl or (f"pkg:pypi/{about.name}@{version}" if is_python else f"pkg:generic/{about.name}"),
        filename,
        digest(filename) if filename else "",
    )
    return PlannedStream(
        component=about,
        version=Version(version),
        origin=Origin.PRIVATE,
        package=package or (f"python3-{about.name}" if is_python else about.name),
        source=source,
        requirements=tuple(map(parse_requirement, requires)),
        required_by=(),
        reason=Reason(ReasonKind.NOT_IN_BASE),
        prebuilt=prebuilt,
        licence=licence,
    )


def planned(stream: PlannedStream, python: str, requires: Iterable[str] = ()) -> Package:
    """The package that a plan expects of a stream."""
    assert stream.version is not None
    version = rpm_version(stream.version)
    evr = f"{version}-0.streamsolve"
    provides = {f"{stream.package} = {evr}", f"{stream.package}(x86-64) = {evr}"}
    if stream.component.kind is Kind.DISTRIBUTION:
        provides.add(f"python{python}dist({stream.component.name}) = {version}")
    if stream.component == PYTHON:
        provides.add(f"python(abi) = {python}")
    return Package(
        stream.package,
        evr,
        "x86_64",
        "private",
        tuple(sorted(provides)),
        tuple(sorted(requires)),
    )


def spec_plan(
    *streams: PlannedStream,
    python: str = "3.15",
    application: str = "app",
    needs: Mapping[str, Iterable[BuildNeed]] | None = None,
    left_out: Mapping[str, Iterable[BuildNeed]] | None = None,
    in_roots: Mapping[str, Iterable[str]] | None = None,
    requires: Mapping[str, Iterable[str]] | None = None,
    extras: Mapping[str, Iterable[str]] | None = None,
    relaxed: Iterable[Relaxed] = (),
    bootstrapped: Iterable[str] = (),
    tools: Mapping[str, tuple[RootStream, ...]] | None = None,
) -> Plan:
    """A plan of private streams, each with a build and a root of its own.

    By name of component: ``needs`` and ``left_out`` of builds, ``in_roots`` the private streams
    that lie in a build's root, ``requires`` and ``extras`` of the planned packages.
    """
    named = {stream.component.spelled: stream for stream in streams}
    packages: dict[str, list[Package]] = {}
    for name, stream in named.items():
        main = planned(stream, python, (requires or {}).get(name, ()))
        more = [
            evolve(main, name=f"{main.name}+{extra}", provides=(), requires=())
            for extra in (extras or {}).get(name, ())
        ]
        packages[name] = [main, *more]
    builds: list[Build] = []
    roots: list[Root] = []
    for name, stream in sorted(named.items()):
        assert stream.version is not None
        held = tuple((in_roots or {}).get(name, ()))
        root = f"build-{name.replace(':', '-')}"
        stages = (Stage.BOOTSTRAP, Stage.FINAL) if name in tuple(bootstrapped) else (Stage.ONLY,)
        for stage in stages:
            tail = "" if stage is Stage.ONLY else f"/{stage.value}"
            builds.append(
                Build(
                    id=f"{name}@{stream.version}{tail}",
                    component=stream.component,
                    version=stream.version,
                    stage=stage,
                    root=root,
                    needs=tuple(sorted((needs or {}).get(name, ()))),
                    after=tuple(f"{other}@{named[other].version}" for other in sorted(held)),
                    cost=1,
                    left_out=tuple(sorted((left_out or {}).get(name, ()))),
                )
            )
        in_root = [package for other in held for package in packages[other]]
        bash = Package("bash", "5.3-1.fc45", "x86_64", "fedora")
        made = [_in_root(named[other]) for other in held]
        chosen = (*made, *(tools or {}).get(name, ()))
        roots.append(Root(root, tuple(sorted([bash, *in_root])), tuple(sorted(chosen)), ()))
    everything = [package for each in packages.values() for package in each]
    runtime = Root(
        "runtime",
        tuple(sorted(everything)),
        tuple(sorted(_in_root(stream) for stream in streams)),
        (),
    )
    levels = tuple(Level((build.id,), 1, 1) for build in builds)
    order = BuildOrder(levels, tuple(build.id for build in builds), len(builds), ())
    return Plan(
        application=application,
        version=Version("1.0"),
        variant="",
        base="fedora-45",
        arch="x86_64",
        repositories=(RepositoryId("fedora", digest("fedora")),),
        python=python,
        summary=Summary(0, len(streams), 0, 0, 0, minimal=True, lower_bound=0),
        streams=tuple(sorted(streams, key=lambda one: one.component)),
        burden=Burden(0, (), ()),
        relaxed=tuple(relaxed),
        isolation=Isolation((), 1, 1, 1),
        builds=BuildPlan(runtime, tuple(roots), tuple(builds), order),
    )


def _in_root(stream: PlannedStream) -> RootStream:
    assert stream.version is not None
    id = f"{stream.component.spelled}@{stream.version}"
    return RootStream(stream.component, stream.version, Origin.PRIVATE, stream.package, id)


# -- archives --------------------------------------------------------------------------------------


def tarball(stem: str, members: Mapping[str, str]) -> bytes:
    """A ``.tar.gz`` of files below one directory."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for path, text in sorted(members.items()):
            info = tarfile.TarInfo(f"{stem}/{path}")
            info.size, info.mode = len(text.encode()), 0o755
            tar.addfile(info, io.BytesIO(text.encode()))
    return content.getvalue()


# -- RPM -------------------------------------------------------------------------------------------


def written(directory: Path, made: EmittedSpecs, stream: str) -> Path:
    """The spec of a stream on disk, with what lies beside it."""
    found = next(spec for spec in made.specs if spec.stream == stream)
    for path, content in made.files.items():
        if path.rpartition("/")[0] == found.path.rpartition("/")[0]:
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    return directory / found.path


def environment(directory: Path) -> dict[str, str]:
    """RPM's environment: a home with the stand-ins, and nothing of this machine's own macros."""
    import sys

    top = directory / "rpm"
    home = directory / "home"
    (top / "db").mkdir(parents=True, exist_ok=True)
    home.mkdir(exist_ok=True)
    text = STAND_INS.replace("@TOP@", str(top)).replace("@PYTHON@", sys.executable)
    text = text.replace("@SERIES@", f"{sys.version_info[0]}.{sys.version_info[1]}")
    (home / ".rpmmacros").write_text(text)
    (top / "small.py").write_text(SMALL)
    path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    return {
        "HOME": str(home),
        "PATH": path,
        "LC_ALL": "C.UTF-8",
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
    }


def run(directory: Path, command: Iterable[str]) -> str:
    """What a command of RPM says; it must not fail or warn."""
    done = subprocess.run(
        list(command),
        capture_output=True,
        text=True,
        env=environment(directory),
        cwd=directory,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def query(directory: Path, spec: Path, form: str, *more: str) -> str:
    """What RPM reads in a spec, of all of its packages."""
    sources = f"_sourcedir {spec.parent}"
    return run(directory, ["rpmspec", "-q", "--define", sources, *more, "--qf", form, str(spec)])


def build_rpms(directory: Path, spec: Path, sources: Mapping[str, bytes]) -> tuple[Path, ...]:
    """The packages that are built from a spec, its sources put beside it."""
    for name, content in sources.items():
        (spec.parent / name).write_bytes(content)
    run(
        directory,
        [
            *("rpmbuild", "-bb", "--nodeps", "--define", f"_sourcedir {spec.parent}"),
            *("--define", f"_rpmdir {directory}/built", str(spec)),
        ],
    )
    return tuple(sorted((directory / "built").rglob("*.rpm")))


def dependencies(directory: Path, package: Path, kind: str) -> list[str]:
    """What an RPM file ``provides`` or ``requires``, sorted, without what RPM asks of itself."""
    found = run(directory, ["rpm", "-qp", f"--{kind}", str(package)]).splitlines()
    return sorted({line.strip() for line in found if not line.startswith("rpmlib(")})
