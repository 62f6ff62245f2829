"""Packages that were built in the namespace of an application, by their planned names.

With ``emit mock --prefix`` a package ``python3-torch`` is built as ``app-python3-torch`` and
provides ``app(python3.14dist(torch))``. Whether a plan holds is the same question for both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import evolve

from ..model.artifacts import ArtifactKind, BuiltArtifact
from ..model.held_packages import parsed
from ..model.rpm_language import Capability, Dependency, RichDependency

__all__ = ["as_planned", "common_package"]

_Called = Callable[[str], str]


def common_package(application: str) -> str:
    """The package that all others of a namespace require: its directories."""
    return f"{application}-runtime"


def as_planned(artifact: BuiltArtifact, application: str, planned: frozenset[str]) -> BuiltArtifact:
    """The package as it would be called without a namespace; as it is if it is in none.

    ``planned`` are the names of the plan's private packages.
    """
    prefix, opening = f"{application}-", f"{application}("
    inside = any(text.startswith(opening) for text in artifact.provides)
    bare = artifact.name.removeprefix(prefix)
    if (
        artifact.kind is not ArtifactKind.PACKAGE
        or artifact.name in planned
        or bare == artifact.name
        or not (inside or bare in planned)
    ):
        return artifact

    names = planned | {bare}

    def called(name: str) -> str:
        if name.startswith(opening) and name.endswith(")"):
            return name[len(opening) : -1]
        plain = name.removeprefix(prefix)
        return plain if plain.partition("(")[0] in names else name

    return evolve(
        artifact,
        name=bare,
        provides=_renamed(artifact.provides, called),
        requires=_renamed(artifact.requires, called),
    )


def _renamed(texts: Iterable[str], called: _Called) -> tuple[str, ...]:
    found = []
    for text in texts:
        dependency = parsed(text)
        found.append(text if dependency is None else str(_named(dependency, called)))
    return tuple(sorted(set(found)))


def _named(dependency: Dependency, called: _Called) -> Dependency:
    if isinstance(dependency, RichDependency):
        operands = tuple(_named(each, called) for each in dependency.operands)
        return RichDependency(dependency.operator, operands)
    return Capability(called(dependency.name), dependency.op, dependency.evr)
