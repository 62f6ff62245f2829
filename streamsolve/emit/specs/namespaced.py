"""A spec in the namespace of an application: names, paths, and what it provides and requires.

Names are changed where they name packages: in ``Name``, in the headers of packages, and in
dependencies. Everywhere else ``%{name}`` becomes the name as it was, since sources and directories
are called by that. What packages provide by themselves is called by a script beside the spec, which
RPM's own generators are piped through; a filter drops all that is not in the namespace.
"""

from __future__ import annotations

import re

from attrs import define, field

from ...errors import InputError
from ...model.component import Kind
from ...model.own_names import is_statement
from ...model.rpm_language import Capability, RichDependency, parse_dependency
from ...model.rpm_language import Dependency as RpmDependency
from ..namespace import Namespace, PrivateNames
from .data_text import commented, plain
from .dependencies import REQUIRING, Dependency, change_dependencies, known_name
from .dependency_script import SCRIPT, dependency_script
from .emitted import Draft
from .macros import Macros
from .spec_text import OWN_TAGS, Section, SpecText, Tag
from .task import SpecTask

__all__ = ["namespaced", "provided_files"]

_SCRIPT_SOURCE = "Source9099"
_CONDITION = re.compile(r"^\s*%(?P<word>if\w*|endif)\b")
# Behind doubled percent signs stands no macro, but text of strangers.
_NAME = re.compile(
    r"(?P<doubled>(?<!%)(?:%%)*)%(?:\{(?P<flags>[?!]*)(?:name|NAME)\}|name(?![A-Za-z0-9_]))"
)
_HEADERS = re.compile(
    r"^%(?:package|description|files|pre|post|preun|postun|pretrans|posttrans|preuntrans"
    r"|postuntrans|trigger\w*|filetrigger\w*|transfiletrigger\w*|verifyscript)(?![A-Za-z0-9_])"
)
_OPTION_N = re.compile(r"(?P<head>\s-n\s*)(?P<name>\S+)")
_EXTRAS = re.compile(
    r"^(?P<head>\s*%\{?py(?:project|thon)_extras_subpkg\s.*?-n\s*)(?P<name>\S+)(?P<tail>.*)$"
)
_AWAY = ("obsoletes", "conflicts", "supplements", "enhances")
_SETUP = re.compile(r"^(?P<macro>\s*%(?:auto)?setup)(?![A-Za-z0-9_])(?P<rest>.*)$")
_RUNS = ("generate_buildrequires", "build", "install", "check")
_GENERATES = re.compile(r"^\s*%\{?pyproject_buildrequires\b")
_PKGCONFIG = re.compile(r"/pkgconfig/(?P<name>[A-Za-z0-9_.+%{}-]+)\.pc\s*$")
# What is linked finds private libraries when it runs. RPM's check of such paths knows no prefix.
_LINKING = (
    "%global build_ldflags %{?build_ldflags} -L%{_libdir} -Wl,-rpath,%{_libdir}",
    "%global _auto_set_build_flags 1",
    "%{?__brp_check_rpaths:%global __brp_check_rpaths QA_RPATHS=2 %{__brp_check_rpaths}}",
)
_WRAPPED = ("elf", "libsymlink", "pkgconfig")
_TAG_LINE = re.compile(r"^\s*(?:#|[A-Za-z]+\d*(?:\([^)]*\))?[ \t]*:)")
_STATES_NAME = re.compile(r"^\s*%(?:\{\?python_provide:)?py(?:thon)?_provides?\b")
_WRITES_PROVIDES = re.compile(
    r"(?:Provides|Obsoletes|Conflicts|Supplements|Enhances)[ \t]*:|%py(?:thon)?_provides?\b",
    re.IGNORECASE,
)
_NO_PYTHON = "python3?([.][0-9]+)?dist[(]"
_ABI = "python[(]abi[)]"
_ABI_NAME = "python(abi)"


def provided_files(spec: SpecText) -> tuple[str, ...]:
    """Capabilities that a spec's file lists promise: ``pkgconfig(x)`` for ``…/pkgconfig/x.pc``."""
    macros = spec.macros()
    found = []
    for _, line, section in spec.sections():
        listed = _PKGCONFIG.search(line) if section.kind == "files" else None
        name = macros.expand(listed["name"]) if listed else None
        if name:
            found.append(f"pkgconfig({name})")
    return tuple(dict.fromkeys(found))


def namespaced(task: SpecTask, draft: Draft, namespace: Namespace, private: PrivateNames) -> Draft:
    """The same spec in a namespace. ``private`` is what may be called by a name in it."""
    return _Change(task, draft, namespace, private).make()


@define
class _Change:
    """One spec while it is put into the namespace."""

    task: SpecTask
    draft: Draft
    namespace: Namespace
    private: PrivateNames
    spec: SpecText = field(init=False)
    name: str = field(init=False)
    macros: Macros = field(init=False)
    incomplete: list[str] = field(factory=list, init=False)

    def make(self) -> Draft:
        """All changes. The name is changed last, since everything is known by it."""
        before = self.draft.spec
        self.spec = SpecText(list(before.lines), before.known, before.absent)
        self.name = self.spec.name or self.task.package
        own = self.spec.packages()
        self.private = self.private.with_packages(own, provided_files(self.spec))
        self._planned_dependencies()
        if self.task.is_application:
            self._enabled()
        self.macros = self.spec.macros()
        change_dependencies(self.spec, ("provides",), self._provided)
        change_dependencies(self.spec, _AWAY, self._taken_away)
        change_dependencies(self.spec, REQUIRING, self._required)
        self.spec.change(self._line)
        self._environment()
        self._renamed()
        self._head()
        script = dependency_script(self.namespace, self.private)
        files = {**self.draft.files, SCRIPT: script}
        said = (*self.draft.said, f"in the namespace of {self.namespace.application}")
        incomplete = (*self.draft.incomplete, *self.incomplete)
        return Draft(self.spec, files, incomplete, said)

    # -- dependencies ------------------------------------------------------------------------------

    def _planned_dependencies(self) -> None:
        """What the plan says that packages provide and require, since what generates it looks
        under /usr alone and is filtered; each after the header of its package."""
        for package in reversed(self.task.packages):
            lines = sorted(
                {
                    *(f"Provides: {text}" for text in package.provides if self._is_kept(text)),
                    *(f"Requires: {text}" for text in package.requires),
                }
            )
            at = self._place_of(package.name)
            if at is not None and lines and self.task.stream.kind is Kind.DISTRIBUTION:
                self.spec.insert(at, lines)

    def _enabled(self) -> None:
        """The application requires what enables it, which also has the directories."""
        at = self._place_of(self.task.package)
        release = self.spec.main("release")
        if at is None:
            at = release.line + 1 if release else 0
        self.spec.insert(at, [f"Requires: {self.namespace.runtime}"])

    def _is_kept(self, provide: str) -> bool:
        """Whether a planned provide is more than the package's own name."""
        name = provide.partition(" ")[0].partition("(")[0]
        return name not in self.private.packages

    def _place_of(self, package: str) -> int | None:
        """Where dependencies of a package can be written."""
        if package == self.spec.package_of(""):
            release = self.spec.main("release")
            return release.line + 1 if release else None
        at = self.spec.header("package", package)
        return None if at is None else at + 1

    def _provided(self, tag: Tag, dependency: Dependency) -> str:
        del tag
        name, mark = known_name(dependency, self.macros)
        if not name or dependency.is_rich:
            return f"{self.namespace.capability(dependency.name)} {dependency.rest}".rstrip()
        if is_statement(name):
            return dependency.text
        plain = f"{name}{'' if mark.startswith('%') else mark}"
        if name in self.private.packages:
            return Dependency(f"{self.namespace.package_name(name)}{mark}", dependency.rest).text
        return Dependency(self.namespace.capability(plain), dependency.rest).text

    def _required(self, tag: Tag, dependency: Dependency) -> str:
        del tag
        if dependency.is_rich:
            return self._rich(dependency.text)
        name, mark = known_name(dependency, self.macros)
        if not name:
            return dependency.text
        called = self.namespace.called(name, self.private)
        return (
            dependency.text if called == name else Dependency(called + mark, dependency.rest).text
        )

    def _rich(self, text: str) -> str:
        """A boolean dependency, whose operands are called one by one."""
        try:
            parsed = parse_dependency(text)
        except InputError:
            return text
        return str(self._operand(parsed))

    def _operand(self, operand: RpmDependency) -> RpmDependency:
        if isinstance(operand, RichDependency):
            inner = tuple(self._operand(each) for each in operand.operands)
            return RichDependency(operand.operator, inner)
        name, mark = known_name(Dependency(operand.name), self.macros)
        called = self.namespace.called(name, self.private) if name else name
        return operand if called == name else Capability(called + mark, operand.op, operand.evr)

    def _taken_away(self, tag: Tag, dependency: Dependency) -> None:
        """Nothing private obsoletes or conflicts with what the base has, or is drawn in by it."""
        del tag, dependency

    # -- names -------------------------------------------------------------------------------------

    def _line(self, number: int, line: str, section: Section) -> str:
        """One line with the names in it as they have to be."""
        extras = _EXTRAS.match(line)
        if extras:
            return f"{extras['head']}{self._package(extras['name'])}{extras['tail']}"
        if _HEADERS.match(line):
            named = _OPTION_N.search(line)
            if named is None:
                return self._named(line)
            before, after = line[: named.start("name")], line[named.end("name") :]
            package = self._package(named["name"])
            return f"{self._named(before)}{package}{self._named(after)}"
        setup = _SETUP.match(line) if section.kind == "prep" else None
        if setup and not _OPTION_N.search(line):
            # Without a name it is the package's, which is another one now.
            line = f"{setup['macro']} -n {self.name}-%{{version}}{setup['rest']}"
        if section.kind in OWN_TAGS and _WRITES_PROVIDES.search(line) and not _TAG_LINE.match(line):
            if not _STATES_NAME.match(line):
                self.incomplete.append(
                    f"a macro writes what a package provides or takes away: {plain(line)}"
                )
            return commented(line.strip())
        is_name = section.kind == "preamble" and line.lower().startswith("name")
        del number
        return line if is_name else self._named(line)

    def _named(self, text: str) -> str:
        """A text with the package's name as it was."""
        return _NAME.sub(lambda found: found["doubled"] + self.name, text)

    def _package(self, written: str) -> str:
        """A package's name in a header. What the name as written begins with is kept, so that
        macros in it stay."""
        if written.startswith(("%{name}", "%name")):
            return written
        return self.namespace.package_name(written)

    def _renamed(self) -> None:
        tag = self.spec.main("name")
        if tag is not None:
            self.spec.set_value(tag, self.namespace.package_name(tag.value))

    # -- how it is built ---------------------------------------------------------------------------

    def _environment(self) -> None:
        """Programs and modules of private streams come first while it is built."""
        of_python = self.task.stream.kind is Kind.DISTRIBUTION
        lines: dict[int, list[str]] = {}
        for number, line, section in self.spec.sections():
            is_header = line.startswith(f"%{section.kind}") and section.kind in _RUNS
            if is_header:
                lines[number + 1] = self._exported(section.kind, of_python=of_python)
        for at in sorted(lines, reverse=True):
            self.spec.insert(at, lines[at])
        self.spec.change(self._generated)

    def _exported(self, kind: str, *, of_python: bool) -> list[str]:
        exported = [
            'export PATH="%{_bindir}:$PATH"',
            'export CPATH="%{_includedir}" LIBRARY_PATH="%{_libdir}"',
        ]
        if of_python:
            sites = "%{python3_sitearch}:%{python3_sitelib}"
            own = "%{buildroot}%{python3_sitearch}:%{buildroot}%{python3_sitelib}:"
            exported.append(f'export PYTHONPATH="{own if kind == "check" else ""}{sites}"')
        return exported

    def _generated(self, number: int, line: str, section: Section) -> str:
        """What a build asks for while it runs is called by its names in the namespace."""
        del number
        if section.kind != "generate_buildrequires" or not _GENERATES.match(line):
            return line
        output = "%{_builddir}/namespace-buildrequires"
        call = f"/bin/sh %{{_sourcedir}}/{SCRIPT} build"
        return f"{{\n{line}\n}} > {output}\n{call} < {output}"

    def _head(self) -> None:
        """Macros before everything else, the script as a source, and what must hold whatever the
        spec says itself after all else."""
        self.spec.insert(self._after_sources, [f"{_SCRIPT_SOURCE}: {SCRIPT}"])
        build, changelog = self.spec.header("build"), self.spec.header("changelog")
        tail = self._filters() if build is not None else [*_LINKING, *self._filters()]
        self.spec.insert(len(self.spec.lines) if changelog is None else changelog, [*tail, ""])
        if build is not None:
            self.spec.insert(build + 1, list(_LINKING))
        about = f"In the namespace of {self.namespace.application}: names, paths, filters."
        macros = [f"%global {name} {value}" for name, value in self.namespace.macros]
        if self.task.stream.kind is Kind.DISTRIBUTION and _ABI_NAME in self.private.capabilities:
            macros.append(f"%global __python3 {self.namespace.prefix}/bin/python{self.task.series}")
        self.spec.insert(0, [commented(about), *macros, ""])

    @property
    def _after_sources(self) -> int:
        """Where one more source can be named: after all others, since those without a number are
        counted on, and outside of conditions."""
        last = max((tag.line for tag in self.spec.tags("source", "version")), default=-1)
        depth = 0
        for number, line in enumerate(self.spec.lines):
            if found := _CONDITION.match(line):
                depth += -1 if found["word"] == "endif" else 1
            if number >= last and not depth:
                return number + 1
        return len(self.spec.lines)

    def _filters(self) -> list[str]:
        script = f"/bin/sh %{{_sourcedir}}/{SCRIPT}"
        excluded = [_NO_PYTHON]
        if _ABI_NAME in self.private.capabilities:
            excluded.append(_ABI)
        lines = [
            f"%global __provides_exclude {self.namespace.outside}",
            f"%global __requires_exclude ^({'|'.join(excluded)})"
            "%{?__requires_exclude:|%{__requires_exclude}}",
        ]
        for kind in _WRAPPED:
            for direction, call in _calls(kind):
                macro = f"__{kind}_{direction}"
                lines.append(f"%{{?{macro}:%global {macro} {script} {call} %{{{macro}}}}}")
        return lines


def _calls(kind: str) -> tuple[tuple[str, str], ...]:
    """The generators of a kind that are called, and how. A link to a library requires what the
    library provides."""
    if kind == "libsymlink":
        return (("requires", "provides"),)
    return (("provides", "provides"), ("requires", "requires"))
