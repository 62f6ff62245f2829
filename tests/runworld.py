"""Directories in which a plan is built, with steps and tools that stand in for mock.

place = Place.of(tmp_path / "build", graph_plan({"a@1": (), "b@1": ("a@1",)}))
place.run(PaperStep())

``graph_plan`` makes a plan of any graph of builds. ``PaperStep`` builds "packages" that are texts,
in this process, and remembers what its root held; with the fixture ``on_paper`` they are read as
packages are. ``stand_in`` is a program for mock's place that reads the configuration as mock does
and makes real packages with rpmbuild.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from attrs import define, evolve, field, frozen
from packaging.version import Version

from streamsolve.building.directory import BuildDirectory
from streamsolve.building.runner import RunSettings, Watch, run_builds
from streamsolve.building.steps import Job, Outcome
from streamsolve.emit import MockRepository, MockSettings, emit_mock, write_files
from streamsolve.model.build import Build, BuildPlan, Root, RootStream, Stage
from streamsolve.model.build_run import BuildFate, BuildRun
from streamsolve.model.component import Origin
from streamsolve.model.plan import Plan
from streamsolve.model.rpm_header import RpmHeader
from streamsolve.selection.order import build_order

from .builders import component
from .lockworld import GROUP, private_package, small_plan

__all__ = [
    "CREATEREPO",
    "SMALL_SPEC",
    "Call",
    "PaperStep",
    "Place",
    "StandIn",
    "fates",
    "graph_plan",
    "make_source",
    "make_sources",
    "paper_headers",
    "stand_in",
]

KEY = "file:///usr/share/distribution-gpg-keys/small/KEY"
SETTINGS = MockSettings(
    "45", "fc45", (MockRepository("base", "https://base.test/", gpgkeys=(KEY,)),)
)
ROOT = Path(__file__).parents[1]

# -- plans -----------------------------------------------------------------------------------------


def graph_plan(after: Mapping[str, Iterable[str]], costs: Mapping[str, int] | None = None) -> Plan:
    """A plan whose builds come after each other as told; ids are ``name@version``, with
    ``/bootstrap`` or ``/final`` behind them for what is built twice."""
    costs = costs or {}
    builds = [_build(id, tuple(sorted(needed)), costs.get(id, 1)) for id, needed in after.items()]
    order = build_order(
        {build.id: build.cost for build in builds}, {build.id: build.after for build in builds}
    )
    last = {build.stream: build.id for build in builds if build.stage is not Stage.BOOTSTRAP}
    runtime = _root("runtime", sorted(last.values()))
    roots = tuple(sorted((_root(b.root, b.after) for b in builds), key=lambda root: root.id))
    built = tuple(sorted(builds, key=lambda build: build.id))
    return evolve(small_plan(), builds=BuildPlan(runtime, roots, built, order))


def _build(id: str, after: tuple[str, ...], cost: int) -> Build:
    stream, _, stage = id.partition("/")
    name, _, version = stream.partition("@")
    return Build(
        id,
        component(name),
        Version(version),
        Stage(stage or "only"),
        f"build-{re.sub('[^a-z0-9]', '-', id)}",
        (),
        after,
        cost,
    )


def _root(id: str, held: Iterable[str]) -> Root:
    packages, streams = list(GROUP), []
    for build in held:
        name, version = build.partition("/")[0].split("@")
        package = private_package(name, version)
        packages.append(package)
        streams.append(
            RootStream(component(name), Version(version), Origin.PRIVATE, package.name, build)
        )
    return Root(id, tuple(sorted(set(packages))), tuple(sorted(streams)), ("bash",))


# -- a directory -----------------------------------------------------------------------------------

CREATEREPO = """\
#!/bin/sh
# Metadata that say which packages are listed, as createrepo_c would with these options.
out= list= revision=
while [ $# -gt 1 ]; do
    case $1 in
        -o) out=$2; shift ;;
        --pkglist) list=$2; shift ;;
        --revision) revision=$2; shift ;;
    esac
    shift
done
mkdir -p "${out:-$1}/repodata"
cd "${out:-$1}/repodata"
if [ "$list" ]; then cat "$list" > listed; else (cd .. && find . -name '*.rpm') > listed; fi
name=$(sha256sum < listed | cut -c 1-64)-primary
mv listed "$name"
printf '<repomd><revision>%s</revision><location href="repodata/%s"/></repomd>' \\
    "$revision" "$name" > repomd.xml
"""


@frozen
class Place:
    """A directory that a plan was emitted into, with source packages that are texts."""

    directory: Path
    plan: Plan
    createrepo: tuple[str, ...] = ("createrepo_c",)

    @classmethod
    def of(cls, directory: Path, plan: Plan, *, createrepo: str = "") -> Place:
        """``createrepo`` is a script; without one, the real program is used."""
        write_files(directory, emit_mock(plan, SETTINGS))
        command: tuple[str, ...] = ("createrepo_c",)
        if createrepo:
            script = directory.parent / "createrepo"
            script.write_text(createrepo)
            command = ("sh", str(script))
        place = cls(directory, plan, command)
        (directory / "srpms").mkdir()
        for build in place.builds:
            place.write_source(build.stream, "first")
        return place

    @property
    def builds(self) -> tuple[Build, ...]:
        assert self.plan.builds is not None
        return self.plan.builds.builds

    def source(self, stream: str) -> Path:
        return self.directory / "srpms" / f"{stream.replace('@', '-')}.src.rpm"

    def write_source(self, stream: str, text: str) -> None:
        self.source(stream).write_text(text)

    def opened(self) -> BuildDirectory:
        return BuildDirectory.of(self.directory, self.plan)

    def run(
        self, step: object, jobs: int = 2, *, watch: Watch | None = None, **settings: bool
    ) -> BuildRun:
        chosen = RunSettings(jobs=jobs, createrepo=self.createrepo, **settings)
        return run_builds(self.opened(), step, chosen, watch=watch)  # type: ignore[arg-type]

    def listed(self, repository: Path | None = None) -> list[str]:
        """The packages that the metadata of a paper repository list."""
        repodata = (repository or self.directory / "repo") / "repodata"
        repomd = (repodata / "repomd.xml").read_text()
        (name,) = re.findall(r'href="repodata/([^"]+)"', repomd)
        return (repodata / name).read_text().split()


def fates(run: BuildRun) -> dict[str, BuildFate]:
    return {result.build: result.fate for result in run.results}


# -- a step in this process ------------------------------------------------------------------------


@define
class PaperStep:
    """Writes a package for each build: the text of its source, and of which build it is.

    ``fails`` are builds that make nothing. ``before`` and ``after`` are called with the id of each
    build, before anything is made and after everything is: what they raise ends the run.
    ``text`` makes the content of a package from the job and from what its root's repository held.
    """

    fails: frozenset[str] = frozenset()
    before: Callable[[str], None] = lambda id: None
    after: Callable[[str], None] = lambda id: None
    text: Callable[[Job, dict[str, str]], str] = lambda job, seen: (
        f"{job.build} {job.source.read_text()}"
    )
    began: list[str] = field(factory=list)
    made: list[str] = field(factory=list)
    held: dict[str, dict[str, str]] = field(factory=dict)
    """By build, the packages of its root's repository with what is in them."""
    _lock: threading.Lock = field(factory=threading.Lock)

    def run(self, job: Job) -> Outcome:
        repository = job.configuration.parents[1] / "repo"
        seen = {path.name: path.read_text() for path in repository.rglob("*.rpm")}
        with self._lock:
            self.began.append(job.build)
            self.held[job.build] = seen
        self.before(job.build)
        if job.build in self.fails:
            job.log.write_text(f"{job.build} has no colour\n")
            return Outcome(False, "there is no colour")
        name, version = job.build.partition("/")[0].split("@")
        (job.results / f"python3-{name}-{version}-1.noarch.rpm").write_text(self.text(job, seen))
        self.after(job.build)
        with self._lock:
            self.made.append(job.build)
        return Outcome(True)


def paper_headers(directory: Path) -> tuple[RpmHeader, ...]:
    """What ``read_rpm_headers`` says of packages that are texts."""
    found = []
    for path in sorted(directory.glob("*.rpm")):
        name, version, rest = path.name.rsplit("-", 2)
        release, arch, _ = rest.split(".")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found.append(RpmHeader(name, version, release, arch, path.name, digest, "0" * 32, "MIT"))
    return tuple(found)


@pytest.fixture
def on_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages are texts."""
    monkeypatch.setattr("streamsolve.building.attempt.read_rpm_headers", paper_headers)


# -- real packages ---------------------------------------------------------------------------------

SMALL_SPEC = """\
Name: python3-{name}
Version: {version}
Release: 1
Summary: A small package
License: MIT
BuildArch: noarch
{provides}
%description
{words}
{part}
%install
mkdir -p %{{buildroot}}/opt/{name}
echo '{words}%{{?_with_bootstrap: as a first pass}}' > %{{buildroot}}/opt/{name}/word
%files
/opt/{name}
%changelog
* Mon Jan 05 2026 A Packager <a@example.test> - {version}-1
- One
"""
PART = """\
%package -n python3-{name}+compile
Summary: A part
%description -n python3-{name}+compile
A part.
%files -n python3-{name}+compile
"""


def make_sources(directory: Path, plan: Plan, words: Mapping[str, str] | None = None) -> None:
    """Real source packages into ``srpms`` of a directory; with ``words`` only those of its streams,
    whose packages say that."""
    assert plan.builds is not None
    parts = {p.name for p in plan.builds.runtime.packages if "+" in p.name}
    for stream in sorted({build.stream for build in plan.builds.builds}):
        if words is not None and stream not in words:
            continue
        name, _, version = stream.partition("@")
        text = SMALL_SPEC.format(
            name=name,
            version=version,
            provides=f"Provides: python3.14dist({name}) = {version}",
            words=(words or {}).get(stream, "usual"),
            part=PART.format(name=name) if f"python3-{name}+compile" in parts else "",
        )
        make_source(directory / "srpms" / f"{name}-{version}.src.rpm", text)


def make_source(path: Path, spec: str) -> None:
    """A source package from the text of a spec, made once for each text."""
    kept = path.parents[2] / "kept" / hashlib.sha256(spec.encode()).hexdigest()
    if not kept.exists():
        work = kept.with_suffix(".work")
        work.mkdir(parents=True)
        (work / "it.spec").write_text(spec)
        subprocess.run(
            ["rpmbuild", "-bs", "--define", f"_topdir {work}", str(work / "it.spec")],
            check=True,
            capture_output=True,
            env={**os.environ, "SOURCE_DATE_EPOCH": "1767571200"},
            timeout=60,
        )
        (source,) = (work / "SRPMS").glob("*.src.rpm")
        source.rename(kept)
    path.parent.mkdir(exist_ok=True)
    shutil.copyfile(kept, path)


STAND_IN = """\
import fnmatch, gzip, hashlib, json, os, re, subprocess, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.mock_reader import configuration

words, options, switches, path = iter(sys.argv[1:]), {{}}, [], None
for word in words:
    if word in ("-r", "--rebuild"):
        options[word] = next(words)
    elif word in ("--with", "--without"):
        switches += [word, next(words)]
    elif word.startswith("--") and "=" in word:
        key, _, options_value = word.partition("=")
        options[key] = options_value
    elif word != "--nocheck":
        sys.exit(5)
control = Path({control!r})
config, results = Path(options["-r"]), Path(options["--resultdir"])
name = options["--uniqueext"]
read = configuration(config, config_directory=control)
# What dnf would see of the stream repository: what its metadata list, of what is let in.
seen = []
found = re.search(r"\\[streamsolve\\]\\n([^\\[]*)", read["dnf.conf"])
if found:
    section = dict(line.split("=", 1) for line in found[1].split("\\n") if "=" in line)
    repository = Path(section["baseurl"].removeprefix("file://"))
    repomd = (repository / "repodata/repomd.xml").read_text()
    primary = re.search(r'href="(repodata/[^"]*primary.xml.gz)"', repomd)[1]
    text = gzip.decompress((repository / primary).read_bytes()).decode()
    for location in re.findall(r'<location href="([^"]+)"', text):
        file = location.rpartition("/")[2]
        if any(fnmatch.fnmatch(file, p) for p in section["includepkgs"].split(",")):
            seen.append([file, hashlib.sha256((repository / location).read_bytes()).hexdigest()])
with (control / "calls").open("a") as calls:
    calls.write(json.dumps([name, read["root"], sys.argv[1:], seen]) + "\\n")
hold = control / f"hold-{{name}}"
if hold.exists():
    # Tells that it is here, and waits to be told to go on: for ever, if nobody does.
    with hold.open("w") as told:
        told.write(str(os.getpid()))
    (control / "go-on").open().read()
if (control / f"fail-{{name}}").exists():
    (results / "root.log").write_text("the root was filled\\n")
    (results / "build.log").write_text((control / f"fail-{{name}}").read_text())
    print("ERROR: Command failed")
    sys.exit(10)
macros = [f"--define={{key.lstrip('%')}} {{value}}" for key, value in read["macros"].items()
          if key not in ("%_topdir",)]
work = results / "work"
file = "%%{{NAME}}-%%{{VERSION}}-%%{{RELEASE}}.%%{{ARCH}}.rpm"
macros += [f"--define=_topdir {{work}}", f"--define=_rpmdir {{results}}",
           f"--define=_build_name_fmt {{file}}"]
done = subprocess.run(["rpmbuild", "--rebuild", *switches, *macros, options["--rebuild"]],
                      stdout=(results / "build.log").open("w"), stderr=subprocess.STDOUT)
subprocess.run(["rm", "-rf", str(work)])
print("Finish:", name)
sys.exit(10 if done.returncode else 0)
"""


@frozen
class Call:
    """One call of the stand-in: the build's name, the root's, all words, and what dnf would have
    seen of the stream repository, as files with their sha256."""

    name: str
    root: str
    words: list[str]
    seen: dict[str, str]


@frozen
class StandIn:
    """A program in mock's place. ``control`` is a directory that steers it: a file ``fail-BUILD``
    holds what the log of a build that fails says; a pipe ``hold-BUILD`` is written to when that
    build begins, which then waits until the pipe ``go-on`` is opened and closed."""

    program: Path
    control: Path

    @property
    def calls(self) -> list[Call]:
        """All so far, in the order in which they began."""
        path = self.control / "calls"
        rows = map(json.loads, path.read_text().splitlines()) if path.exists() else ()
        return [Call(name, root, words, dict(seen)) for name, root, words, seen in rows]

    @property
    def built(self) -> list[str]:
        return [call.name for call in self.calls]

    def forget(self) -> None:
        (self.control / "calls").unlink()

    def hold(self, name: str) -> Path:
        """Let a build wait; reading the pipe waits until it does, and gives its process."""
        path = self.control / f"hold-{name}"
        os.mkfifo(path)
        return path


def stand_in(directory: Path) -> StandIn:
    """The program, ready to be run."""
    control = directory / "control"
    control.mkdir(parents=True)
    os.mkfifo(control / "go-on")
    script = directory / "stand-in.py"
    script.write_text(STAND_IN.format(root=str(ROOT), control=str(control)))
    program = directory / "mock"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$@"\n')
    program.chmod(0o755)
    return StandIn(program, control)
