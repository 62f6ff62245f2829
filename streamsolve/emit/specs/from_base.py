"""A spec that exists, changed for a stream: the base's own, also that of an interpreter.

What is changed: version, release, what the build asks for where the plan has something else, and
the names of packages of another interpreter. All else stays byte for byte, and comments at the head
say what was changed and from which source package.
"""

from __future__ import annotations

import re

from attrs import define, field
from packaging.version import InvalidVersion, Version

from ...model.build import BuildNeed, NeedOrigin
from ...model.component import PYTHON, Kind, Origin
from ...model.pep508 import parse_version
from ...model.rpm_dependency import pep508_from_rpm
from ...model.target import series_of
from .data_text import commented, plain
from .dependencies import Dependency, change_dependencies, known_name
from .emitted import Draft
from .macros import Macros
from .materials import GivenSpec
from .native import further_tags, is_native, tag_letter, with_letter
from .spec_text import Section, SpecText, Tag
from .task import SpecTask
from .versioning import change_version, spelled_for_rpm
from .written import CHANGELOG, changelog_entry, header, relaxations

__all__ = ["changed_spec"]

_PYTHON3 = re.compile(r"(?<![\w.%{}+-])python3-(?=[A-Za-z0-9%])")
_NAMING = ("package", "description", "files", "pre", "post", "preun", "postun", "posttrans")
_MACROS = ("%pyproject_extras_subpkg", "%python_extras_subpkg", "%py_provides", "%{?python_")
_DEPENDENCIES = ("requires", "recommends", "suggests", "provides", "obsoletes", "conflicts")
_ASKS_PYTHON = re.compile(r"^(?P<head>\s*%(?:\{)?pyproject_buildrequires)(?P<rest>.*)$")
_GENERATING_OPTION = re.compile(r"^BuildOption\(generate_buildrequires\)\s*:", re.IGNORECASE)
_WITHOUT_RUN_TIME = " -R"
_SWITCH = "python_abi_provides_for_alt_pythons"
_PATCH = re.compile(r"^\s*%patch\s*(?:-P\s*)?(?P<number>\d+)\b")


def changed_spec(task: SpecTask, given: GivenSpec) -> Draft:
    """The spec of a stream, from one of another version or of the same one."""
    return _Change(task, given).make()


@define
class _Change:
    """One spec while it is changed. ``said`` becomes the comments at its head."""

    task: SpecTask
    given: GivenSpec
    spec: SpecText = field(init=False)
    macros: Macros = field(init=False)
    said: list[str] = field(factory=list, init=False)
    incomplete: list[str] = field(factory=list, init=False)

    def make(self) -> Draft:
        """All changes, in an order in which none disturbs another."""
        series = self.task.series if self.task.alternative else "3"
        self.spec = SpecText.read(self.given.text, {"python3_pkgversion": series})
        self._version()
        self._release()
        self._patches()
        self._build_requires()
        self._tests()
        if self.task.alternative:
            self._other_interpreter()
        self._relax()
        self._switch()
        self.spec.insert(0, self._head())
        left_out = set(self.task.material.dropped_patches)
        files = {name: content for name, content in self.given.files if name not in left_out}
        return Draft(self.spec, files, tuple(self.incomplete), tuple(self.said))

    def _head(self) -> list[str]:
        origin = plain(self.given.origin)
        said = ", ".join(self.said) or "nothing but the release"
        return header(self.task, f"From {origin}, changed: {said}.")

    # -- version and release -----------------------------------------------------------------------

    def _wanted(self, before: str | None) -> Version | None:
        """The version to build; of an interpreter that is planned as a series, the release that
        is known of it. None where the spec's own is right."""
        version = self.task.stream.version
        if version is None:
            return None
        if self.task.stream.component != PYTHON or len(version.release) > 2:
            return version
        project = self.task.material.project
        known = _parsed(project.version) if project else None
        if known is not None and series_of(known) == series_of(version):
            return known
        own = _parsed((before or "").replace("~", ""))
        if own is not None and series_of(own) == series_of(version):
            return None
        self.incomplete.append(
            f"which release of Python {version} is built is not known: the lock names the series"
        )
        return Version(f"{version}.0")

    def _version(self) -> None:
        before = self.spec.value("version")
        version = self._wanted(before)
        if version is None:
            return
        after = spelled_for_rpm(version)
        if before is not None and _parsed(before.replace("~", "")) == version:
            return
        series = self.spec.macros().expand("%{pybasever}")
        letter = tag_letter(before) if is_native(self.task) else ""
        if letter:
            with_letter(self.spec, letter)
        fault = change_version(self.spec, after, str(version.public))
        self.said.append(f"version {before or 'unknown'} to {after}")
        if fault:
            self.incomplete.append(fault)
        if series and self.task.stream.component == PYTHON:
            self._short_series(series, series_of(version))

    def _short_series(self, before: str, after: str) -> None:
        """Definitions such as ``pyshortver 314``, which hold the series without its dot."""
        for one in list(self.spec.macros().bodies):
            if self.spec.macros().bodies[one] == before.replace(".", ""):
                self.spec.set_macro(one, after.replace(".", ""))
        if before != after:
            self.incomplete.append(
                f"the base's spec is that of Python {before}: its patches and file lists are too"
            )

    def _release(self) -> None:
        tag = self.spec.main("release")
        if tag is not None:
            self.spec.set_value(tag, self.task.release)
        else:
            version = self.spec.main("version")
            at = version.line + 1 if version else 0
            self.spec.insert(at, [f"Release: {self.task.release}"])
        self.spec.change(self._dated)

    def _dated(self, number: int, line: str, section: Section) -> str:
        del number
        if section.kind == CHANGELOG and line.strip() in ("%autochangelog", "%{?autochangelog}"):
            return changelog_entry(self.task)
        return line

    # -- patches -----------------------------------------------------------------------------------

    def _patches(self) -> None:
        dropped = set(self.task.material.dropped_patches)
        if not dropped:
            return
        macros = self.spec.macros()
        numbers = set()
        for tag in self.spec.tags("patch"):
            value = macros.expand(tag.value) or tag.value
            if value.rpartition("/")[2] in dropped:
                numbers.add(int(tag.key.removeprefix("patch") or 0))
                self.spec.lines[tag.line] = commented(self.spec.lines[tag.line].strip())
        self.spec.change(
            lambda _, line, __: (
                commented(line.strip())
                if (use := _PATCH.match(line)) and int(use["number"]) in numbers
                else line
            )
        )
        self.said.append(f"without {', '.join(plain(name) for name in sorted(dropped))}")

    # -- what the build asks for -------------------------------------------------------------------

    def _build_requires(self) -> None:
        """What the plan left out goes, and what counts instead of something takes its place."""
        self.macros = self.spec.macros()
        gone = change_dependencies(self.spec, ("buildrequires",), self._instead)
        if gone:
            self.said.append(f"{len(gone)} of its BuildRequires left out, as the plan does")
        further = further_tags(self.task, self.spec) if is_native(self.task) else []
        if further:
            release = self.spec.main("release")
            self.spec.insert(release.line + 1 if release else 0, further)
            self.said.append(f"{len(further)} further requirements, as the plan has them")
        needs = [need for need in self.task.needs if need.origin is not NeedOrigin.METHOD]
        if needs and not any(
            need.origin in (NeedOrigin.BASE_SPEC, NeedOrigin.SPEC_FILE) for need in needs
        ):
            self.incomplete.append(
                "the plan did not take the needs of the build from this spec: compare them"
            )

    def _instead(self, tag: Tag, dependency: Dependency) -> str | None:
        del tag
        name, mark = known_name(dependency, self.macros)
        if not name:
            return dependency.text
        need = self._need(self.task.needs, name)
        if need is None and self._need(self.task.left_out, name) is not None:
            return None
        if need is None:
            return dependency.text
        if need.applied:
            applied = need.applied.partition(" ")[0]
            return Dependency(applied + mark, "" if "=" in need.applied else dependency.rest).text
        stream = self._in_root(need)
        if stream and name != stream:
            distribution = pep508_from_rpm(name) is not None
            renamed = _of_series(name, self.task.series) if distribution else stream
            return Dependency(renamed, dependency.rest).text
        return dependency.text

    def _need(self, needs: tuple[BuildNeed, ...], name: str) -> BuildNeed | None:
        """The need that a dependency of that name is, however its version is written."""
        for need in needs:
            if need.text.partition(" ")[0] == name:
                return need
        return None

    def _in_root(self, need: BuildNeed) -> str:
        """The package that meets a need on a distribution in the roots, where it is another one
        than the base's."""
        for root in self.task.roots:
            for stream in root.streams:
                is_met = need.component and stream.component.spelled == need.component
                if is_met and stream.origin is Origin.PRIVATE:
                    return stream.package
        return ""

    # -- tests and what is generated ---------------------------------------------------------------

    def _tests(self) -> None:
        no_tests = self.task.without_tests or self._leaves_run_time_out
        if self.task.stream.kind is Kind.DISTRIBUTION and no_tests:
            self.spec.change(self._generated)
            self._declared()
        if no_tests and self._skip_check():
            self.said.append("no tests")

    def _skip_check(self) -> bool:
        """Make the tests end before they begin, also those of a declared build system; whether
        there are any."""
        why = ["# The plan has nothing to test with in the build root.", "exit 0"]
        at = self.spec.header("check")
        declared = self.spec.main("buildsystem") is not None
        if at is not None:
            self.spec.lines[at] = "%check"
            self.spec.insert(at + 1, why)
        elif declared:
            end = self.spec.header(CHANGELOG)
            self.spec.insert(len(self.spec.lines) if end is None else end, ["%check", *why, ""])
        return at is not None or declared

    @property
    def _leaves_run_time_out(self) -> bool:
        return self.task.stream.kind is Kind.DISTRIBUTION and not self.task.has_run_time

    def _declared(self) -> None:
        """The same for a build system that is declared: what its options ask for goes."""
        system = self.spec.main("buildsystem")
        if system is None or system.value != "pyproject":
            return
        self.spec.lines = [
            commented(line) if _GENERATING_OPTION.match(line) else line for line in self.spec.lines
        ]
        if self._leaves_run_time_out:
            option = f"BuildOption(generate_buildrequires):{_WITHOUT_RUN_TIME}"
            self.spec.insert(system.line + 1, [option])

    def _generated(self, number: int, line: str, section: Section) -> str:
        del number
        asks = _ASKS_PYTHON.match(line)
        if section.kind != "generate_buildrequires" or not asks or asks["head"].endswith("{py"):
            return line
        options = _WITHOUT_RUN_TIME if self._leaves_run_time_out else ""
        closing = (
            "}" if "{pyproject" in asks["head"] and asks["rest"].rstrip().endswith("}") else ""
        )
        before = asks["rest"].strip().removesuffix("}" if closing else "").strip()
        if before not in ("", options.strip()):
            self.said.append(f"no {plain(before)} for what is generated")
        return f"{asks['head']}{options}{closing}"

    # -- another interpreter -----------------------------------------------------------------------

    def _other_interpreter(self) -> None:
        """``python3-x`` becomes ``python%{python3_pkgversion}-x`` where it names a package."""
        self.spec.change(self._renamed)
        self.spec.insert(0, [f"%global python3_pkgversion {self.task.series}", ""])
        self.said.append(f"packages of Python {self.task.series}")

    def _renamed(self, number: int, line: str, section: Section) -> str:
        del number
        stripped = line.lstrip()
        names = any(stripped.startswith(f"%{word} ") for word in _NAMING)
        tag = stripped.partition(":")[0].strip().lower().partition("(")[0]
        asks = section.kind in ("preamble", "package") and tag in (*_DEPENDENCIES, "name")
        macro = stripped.startswith(_MACROS)
        if names or asks or macro:
            return _PYTHON3.sub("python%{python3_pkgversion}-", line)
        return line

    # -- the rest ----------------------------------------------------------------------------------

    def _relax(self) -> None:
        lines = relaxations(self.task)
        if not lines:
            return
        at = _end_of(self.spec, "prep")
        if at is None:
            self.incomplete.append("a bound must be relaxed, and the spec has no %prep")
            return
        self.spec.insert(at, lines)
        self.said.append(f"{len(lines)} bounds relaxed")

    def _switch(self) -> None:
        """An interpreter's switch, for whoever builds without naming it."""
        if self.task.stream.component == PYTHON:
            self.spec.insert(0, [f"%global _with_{_SWITCH} --with-{_SWITCH}", ""])
            self.said.append(f"{_SWITCH} on")


def _of_series(name: str, series: str) -> str:
    """``python3dist(x)`` for an interpreter."""
    return re.sub(r"^python3(?:\.\d+)?dist\(", f"python{series}dist(", name)


def _end_of(spec: SpecText, kind: str) -> int | None:
    """The line after the last one of a section that is not empty."""
    lines = [number for number, line, section in spec.sections() if section.kind == kind and line]
    return lines[-1] + 1 if lines else None


def _parsed(text: str) -> Version | None:
    try:
        return parse_version(text)
    except InvalidVersion:
        return None
