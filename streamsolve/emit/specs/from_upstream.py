"""A spec for a distribution of which the base has none, from what its sdist or wheel says.

The spec is the well-kept generator's (pyp2spec), given a configuration made here: nothing is looked
up. What the generator leaves to its own macros is then set: the release, the changelog, and what
the plan knows better, such as what the build root holds.
"""

from __future__ import annotations

import re

from attrs import define, evolve, field

from ...model.project import ProjectFacts
from .build_needs import native_needs, programs
from .data_text import commented, data
from .emitted import Draft
from .generator import filled_in
from .licences import UNKNOWN_LICENCE, licence_of, licence_words
from .spec_text import Section, SpecText
from .task import SpecTask
from .versioning import spelled_for_rpm
from .written import changelog_entry, gpu_exports, header, relaxations

__all__ = ["upstream_spec"]

_SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?", re.ASCII)
_ARGUMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*", re.ASCII)
_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#@!&=+,;-]+", re.ASCII)
_COMPILERS = ("gcc", "clang", "rust", "cargo", "nvcc", "hipcc", "cmake", "cuda")
_ANY = "-any.whl"
_MACHINE = re.compile(r"linux(?:\d+|_\d+_\d+)?_([a-z][a-z0-9]*(?:_64)?)(?=[.]|$)", re.ASCII)
"""The machine that a wheel's platform tag ends with; RPM calls it the same."""
_GENERATED_NAME = "generated-buildrequires"


def upstream_spec(task: SpecTask) -> Draft:
    """The spec of a distribution's sdist or wheel."""
    return _Generated(task).make()


@define
class _Generated:
    """One spec while it is made."""

    task: SpecTask
    project: ProjectFacts = field(init=False)
    spec: SpecText = field(init=False)
    incomplete: list[str] = field(factory=list, init=False)

    def make(self) -> Draft:
        """The generator's spec, then our changes."""
        self.project = self._facts()
        self.spec = SpecText.read(
            filled_in(self._configuration()), {"python3_pkgversion": self._series}
        )
        self._plain_values()
        self._without_advice()
        self._build_requires()
        self._generated()
        self._wheel()
        self._gpu()
        self._tests()
        self._relax()
        if self.task.bootstraps:
            self._bootstrap()
        self._blank_lines()
        what = "wheel" if self.task.is_wheel else "source distribution"
        said = f"From the {what}."
        if self.task.material.project is None:
            said = (
                f"From the lock alone: the {what} was not at hand (streamsolve sources brings it)."
            )
        self.spec.insert(0, header(self.task, said, "Generated with pyp2spec."))
        return Draft(self.spec, incomplete=tuple(self.incomplete))

    @property
    def _series(self) -> str:
        return self.task.series if self.task.alternative else "3"

    @property
    def _suffix(self) -> str:
        """The package's name without ``python3-``, which the generator puts before it."""
        return re.sub(r"^python(?:3|\d+\.\d+)-", "", self.task.package)

    def _facts(self) -> ProjectFacts:
        """What is known; without metadata, what the plan says."""
        known = self.task.material.project
        version = str(self.task.stream.version)
        archive = self.task.stream.source.filename
        if known is None:
            archful = any(need.text.startswith(_COMPILERS) for need in self.task.needs)
            name = self.task.stream.component.name
            known = ProjectFacts(name, version, archive, archful=archful)
        if self.task.is_wheel:
            return evolve(known, archive=archive, archful=not archive.endswith(_ANY))
        return known if known.archive else evolve(known, archive=archive)

    # -- the generator -----------------------------------------------------------------------------

    def _configuration(self) -> dict[str, object]:
        """The generator's configuration. Its texts are only marks here: what strangers wrote is
        set afterwards, where it cannot be taken for anything else."""
        project, package = self.project, self.task.package
        modules = [each for each in project.modules if _ARGUMENT.fullmatch(each)]
        configuration: dict[str, object] = {
            "name": self._suffix,
            "python_name": package if self.task.alternative else f"python-{self._suffix}",
            "version": str(self.task.stream.version),
            "summary": "summary",
            "license": "license",
            "url": "url",
            "source": "local",
            "archive_name": self._archive,
            "archful": project.archful,
            "automode": not modules,
            "license_files_present": project.license_files,
            "extras": list(self._extras),
        }
        if modules:
            configuration["top_level_modules"] = modules
            scripts = [each for each in project.scripts if _ARGUMENT.fullmatch(each)]
            configuration["scripts"] = scripts
        if self.task.alternative:
            configuration["python_alt_version"] = self.task.series
        return configuration

    @property
    def _archive(self) -> str:
        name = self.project.archive or self.task.stream.source.filename
        stem = f"{self.project.name}-{self.task.stream.version}"
        return name if _NAME.fullmatch(name) else f"{stem}.tar.gz"

    @property
    def _extras(self) -> tuple[str, ...]:
        """The extras of which the plan has packages."""
        opening = f"{self.task.package}+"
        named = (each.name for each in self.task.packages if each.name.startswith(opening))
        return tuple(sorted(name.removeprefix(opening) for name in named))

    # -- what is set afterwards --------------------------------------------------------------------

    def _plain_values(self) -> None:
        summary = data(self.project.summary) or f"The Python distribution {self._suffix}"
        url = self.project.url if _URL.fullmatch(self.project.url) else ""
        licence = licence_of(self.task)
        values = {"release": self.task.release, "url": url, "summary": summary}
        values |= {"license": licence, "version": self._version}
        for tag in self.spec.tags():
            # RPM keeps %{summary} as it was read, and would run what is in it.
            if tag.key in values and (tag.section.kind == "preamble" or tag.key == "summary"):
                self.spec.set_value(tag, values[tag.key])
        if not url:
            self.spec.lines = [line for line in self.spec.lines if not line.startswith("URL:")]
        self.spec.change(self._described)

    @property
    def _version(self) -> str:
        version = self.task.stream.version
        return spelled_for_rpm(version) if version is not None else ""

    def _described(self, number: int, line: str, section: Section) -> str:
        del number
        if line.startswith("This is package '"):
            return f"The Python distribution {self._suffix}, for {self.task.application}.}}"
        if line.strip() == "%autochangelog":
            return changelog_entry(self.task)
        if section.kind == "prep" and line.startswith("%autosetup"):
            return f"%autosetup -p1 -n {self._directory}"
        return line

    def _without_advice(self) -> None:
        """The generator's comments advise whoever goes on with its spec; ours is made again. Where
        the licence is not known, a comment says what the metadata says of it."""
        kept: list[str] = []
        for line in self.spec.lines:
            is_advice = line.startswith("#")
            if is_advice or (not line and kept[-2:] == ["", ""]):
                continue
            words = licence_words(self.task)
            if line.startswith("License:") and line.endswith(UNKNOWN_LICENCE) and words:
                kept.append(commented(f"The metadata says: {words}"))
            kept.append(line)
        self.spec.lines = kept

    @property
    def _directory(self) -> str:
        """What the archive unpacks to."""
        if _NAME.fullmatch(self.project.directory):
            return self.project.directory
        name = self._archive
        for suffix in _SUFFIXES:
            name = name.removesuffix(suffix)
        return name

    def _build_requires(self) -> None:
        found = [tag for tag in self.spec.tags("buildrequires") if tag.value == "gcc"]
        for tag in reversed(found):
            del self.spec.lines[tag.line]
        devel = next(iter(self.spec.tags("buildrequires")))
        own = {"python%{python3_pkgversion}-devel", devel.value, f"python{self.task.series}-devel"}
        wanted = [
            text for text in native_needs(self.task) if text not in own and text != "python3-devel"
        ]
        self.spec.insert(devel.line + 1, [f"BuildRequires:  {text}" for text in wanted])

    def _generated(self) -> None:
        """What generates BuildRequires: without what the root has no need of, or has a program of
        the base for."""
        at = self.spec.header("generate_buildrequires")
        if at is None:
            return
        end = next(
            (n for n, _, section in self.spec.sections() if n > at and section.kind == "build"),
            len(self.spec.lines),
        )
        options = "" if self.task.has_run_time else " -R"
        tools = programs(self.task)
        lines = [f"%pyproject_buildrequires{options}"]
        if tools:
            output = f"%{{_builddir}}/{_GENERATED_NAME}"
            names = "|".join(tools)
            lines = [
                f"# In the build root these are programs of the base: {', '.join(tools)}.",
                "{",
                *lines,
                f"}} > {output}",
                f"sed -E '/^python[0-9.]*dist[(]({names})[)]/d' {output}",
            ]
        if not self.task.is_wheel:
            self.spec.lines[at + 1 : end] = [*lines, "", ""]
        else:
            self.spec.lines[at:end] = []

    def _wheel(self) -> None:
        """A wheel is unpacked by what installs it: there is nothing to prepare or to build."""
        if not self.task.is_wheel:
            return
        self.spec.change(self._unpacked)
        if machines := sorted(set(_MACHINE.findall(self.task.stream.source.filename))):
            source = next(iter(self.spec.tags("source", "source0")))
            self.spec.insert(source.line + 1, [f"ExclusiveArch:  {' '.join(machines)}"])
        # What somebody else compiled has no sources here to debug it with, and is not stripped.
        self.spec.insert(0, ["%global debug_package %{nil}", "%global __strip /bin/true", ""])
        at = self.spec.header("prep")
        if at is not None:
            self.spec.insert(at + 1, ["%setup -q -c -T"])

    def _unpacked(self, number: int, line: str, section: Section) -> str:
        del number
        if section.kind == "prep" and line.startswith("%autosetup"):
            return ""
        if section.kind == "build" and line.startswith("%pyproject_wheel"):
            return "mkdir -p %{_pyproject_wheeldir}\ncp -p %{SOURCE0} %{_pyproject_wheeldir}/"
        return line

    def _gpu(self) -> None:
        """For which GPUs is compiled; a wheel is compiled already."""
        at = self.spec.header("build")
        if at is not None and not self.task.is_wheel:
            self.spec.insert(at + 1, gpu_exports(self.task))

    def _bootstrap(self) -> None:
        """A switch for the pass that does without something: nothing is generated then, since the
        root is locked, and what stands in for it as a wheel is found."""
        names = sorted({each.component.name for b in self.task.builds for each in b.substitutes})
        lines = [
            "%if %{with bootstrap}",
            f"# Wheels stand in for {', '.join(names)}: those of the base, or in the interpreter.",
            *(line for name in names for line in _wheel_found(name)),
            "%endif",
        ]
        for kind in ("install", "build") if names else ():
            at = self.spec.header(kind)
            if at is not None:
                self.spec.insert(at + 1, lines)
        start, end = self.spec.header("generate_buildrequires"), self.spec.header("build")
        if start is not None and end is not None:
            self.spec.insert(end, ["%endif", ""])
            self.spec.insert(start + 1, ["%if %{without bootstrap}"])
        self.spec.insert(0, ["%bcond bootstrap 0", ""])

    def _tests(self) -> None:
        """What is tested is that modules can be imported, which what they require must allow."""
        if self.task.has_run_time and not self.task.without_tests:
            return
        at = self.spec.header("check")
        if at is not None:
            self.spec.lines[at : at + 2] = []

    def _blank_lines(self) -> None:
        """Two at most, as the generator has between sections."""
        lines = self.spec.lines
        self.spec.lines = [
            line for at, line in enumerate(lines) if line or at < 2 or any(lines[at - 2 : at])
        ]

    def _relax(self) -> None:
        lines = relaxations(self.task)
        at = self.spec.header("prep")
        if lines and at is not None:
            self.spec.insert(at + 2, lines)


def _wheel_found(name: str) -> list[str]:
    """Lines of a shell that put a distribution's wheel first among the modules, if it is there."""
    file = f"{name.replace('-', '_')}-*.whl"
    bundled = "%{_prefix}/lib*/python%{python3_pkgversion}*/ensurepip/_bundled"
    return [
        f"for wheel in /usr/share/python-wheels/{file} {bundled}/{file}; do",
        '    if [ -f "$wheel" ]; then export PYTHONPATH="$wheel${PYTHONPATH:+:$PYTHONPATH}"; fi',
        "done",
    ]
