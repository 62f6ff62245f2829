"""The namespace of an application: names, dependencies and macros of packages in prefix mode.

In prefix mode an application's packages lie beside the base's on one machine. So each is called
``APPLICATION-NAME``, lies under the prefix, and provides nothing but its own name and capabilities
of the form ``APPLICATION(…)``: no requirement of a base's package can be met by that. What private
packages require of each other is written in the same form, so that only they can meet it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from attrs import frozen

from ..errors import InputError
from ..model.build import BuildPlan, Root
from ..model.component import PYTHON, Origin
from ..model.own_names import is_statement
from ..model.package import Package
from ..model.plan import Plan
from ..model.rpm_language import Capability, Dependency, RichDependency, parse_dependency
from .mock_settings import MockSettings

__all__ = [
    "RUNTIME",
    "Namespace",
    "PrivateNames",
    "all_private_packages",
    "has_private_interpreter",
    "namespace_of",
    "private_names",
]


RUNTIME = "runtime"
"""What the package that enables an application is called, without the namespace."""


@frozen(slots=False)
class PrivateNames:
    """What is private: the names of packages, and the capabilities that they provide besides."""

    packages: frozenset[str] = frozenset()
    capabilities: frozenset[str] = frozenset()

    def with_packages(self, names: Iterable[str], capabilities: Iterable[str] = ()) -> PrivateNames:
        """The same with more."""
        return PrivateNames(
            self.packages | frozenset(names), self.capabilities | frozenset(capabilities)
        )


@frozen(slots=False)
class Namespace:
    """How an application's private packages are called. ``prefix`` is the absolute directory that
    everything lies under; both have been checked before."""

    application: str
    prefix: str

    def package_name(self, name: str) -> str:
        """``libfoo`` is ``app-libfoo``, whatever the name begins with."""
        return f"{self.application}-{name}"

    def capability(self, name: str) -> str:
        """``python3.14dist(torch)`` is ``app(python3.14dist(torch))``."""
        return f"{self.application}({name})"

    @cached_property
    def runtime(self) -> str:
        """The package with the directories and the script that enables the application."""
        return self.package_name(RUNTIME)

    def provided(self, text: str) -> str:
        """A provide of a private package that is not its own name, in the namespace. What only
        states something, such as ``bundled(x)``, stays."""
        dependency = parse_dependency(text)
        if not isinstance(dependency, Capability) or is_statement(dependency.name):
            return text
        return str(Capability(self.capability(dependency.name), dependency.op, dependency.evr))

    def required(self, text: str, private: PrivateNames) -> str:
        """A dependency in which everything private is called by its name in the namespace.

        Boolean dependencies are read; a text that is no dependency stays as it is.
        """
        try:
            return str(self._named(parse_dependency(text), private))
        except InputError:
            return text

    def _named(self, dependency: Dependency, private: PrivateNames) -> Dependency:
        if isinstance(dependency, RichDependency):
            operands = tuple(self._named(each, private) for each in dependency.operands)
            return RichDependency(dependency.operator, operands)
        return Capability(self.called(dependency.name, private), dependency.op, dependency.evr)

    def called(self, name: str, private: PrivateNames) -> str:
        """What a name is called: a private package, a private capability, or something else."""
        plain, qualifier = _unqualified(name)
        if plain in private.packages:
            return f"{self.package_name(plain)}{qualifier}"
        return self.capability(name) if name in private.capabilities else name

    @cached_property
    def macros(self) -> tuple[tuple[str, str], ...]:
        """Where everything goes, sorted. RPM derives all other directories from these; the links by
        build id, which would lie outside, are not made."""
        return (
            ("_build_id_links", "none"),
            ("_datadir", f"{self.prefix}/share"),
            ("_defaultdocdir", f"{self.prefix}/share/doc"),
            ("_defaultlicensedir", f"{self.prefix}/share/licenses"),
            ("_localstatedir", f"{self.prefix}/var"),
            ("_prefix", self.prefix),
            ("_sharedstatedir", f"{self.prefix}/var/lib"),
            ("_sysconfdir", f"{self.prefix}/etc"),
        )

    @cached_property
    def outside(self) -> str:
        """An extended regular expression for every text that does not begin with ``APPLICATION(``,
        in which nothing needs a backslash: RPM's filters know no other negation."""
        opening = f"{self.application}("
        others = [
            f"{''.join(map(_literal, opening[:at]))}({_other(letter)}|$)"
            for at, letter in enumerate(opening)
        ]
        return f"^({'|'.join(others)})"


def namespace_of(plan: Plan, settings: MockSettings) -> Namespace | None:
    """The namespace of a plan's private packages; None where they keep their names."""
    return Namespace(plan.application, settings.prefix) if settings.prefix else None


def private_names(packages: Iterable[Package]) -> PrivateNames:
    """What planned packages are called and provide. Those of the base are left out."""
    own = [package for package in packages if package.repository == Origin.PRIVATE.value]
    names = frozenset(package.name for package in own)
    provided = {
        dependency.name
        for package in own
        for dependency in _plain(package.provides)
        if _unqualified(dependency.name)[0] not in names and not is_statement(dependency.name)
    }
    return PrivateNames(names, frozenset(provided))


def all_private_packages(builds: BuildPlan) -> tuple[Package, ...]:
    """The planned packages of all roots, each once, sorted."""
    roots: tuple[Root, ...] = (builds.runtime, *builds.roots)
    found = {
        package
        for root in roots
        for package in root.packages
        if package.repository == Origin.PRIVATE.value
    }
    return tuple(sorted(found))


def has_private_interpreter(root: Root) -> bool:
    """Whether the interpreter of a root is built for the application."""
    return any(
        stream.component == PYTHON and stream.origin is Origin.PRIVATE for stream in root.streams
    )


def _plain(texts: Iterable[str]) -> Iterator[Capability]:
    for text in texts:
        try:
            dependency = parse_dependency(text)
        except InputError:
            continue
        if isinstance(dependency, Capability):
            yield dependency


def _unqualified(name: str) -> tuple[str, str]:
    """``libfoo(x86-64)`` as its name and the architecture in brackets, which may be empty."""
    head, bracket, tail = name.partition("(")
    if bracket and tail.endswith(("-64)", "-32)")):
        return head, f"({tail}"
    return name, ""


def _literal(letter: str) -> str:
    return letter if letter.isalnum() else f"[{letter}]"


def _other(letter: str) -> str:
    return f"[^{letter}]"
