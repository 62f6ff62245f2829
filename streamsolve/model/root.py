"""Roots: what to install together, and the answer, as values."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from .package import Package

__all__ = ["ProblemRule", "RootConflict", "RootProblem", "RootRequest", "RootSolution", "RuleKind"]


class RuleKind(Enum):
    """What kind of fact a rule of a failed solve states."""

    NOTHING_PROVIDES = "nothing-provides"
    REQUIRES = "requires"
    CONFLICTS = "conflicts"
    SELF_CONFLICT = "self-conflict"
    OBSOLETES = "obsoletes"
    IMPLICIT_OBSOLETES = "implicit-obsoletes"
    SAME_NAME = "same-name"
    NOT_INSTALLABLE = "not-installable"
    CONSTRAINS = "constrains"
    RECOMMENDS = "recommends"
    INFERIOR_ARCHITECTURE = "inferior-architecture"
    REPOSITORY_PRIORITY = "repository-priority"
    REQUESTED = "requested"
    REQUESTED_NOTHING_PROVIDES = "requested-nothing-provides"
    REQUESTED_UNKNOWN_PACKAGE = "requested-unknown-package"
    REQUESTED_UNSUPPORTED = "requested-unsupported"
    OTHER = "other"

    def __lt__(self, other: RuleKind) -> bool:
        return self.value < other.value


@frozen(order=True)
class ProblemRule:
    """One fact. ``package`` and ``other`` are ``name-evr.arch``, empty where there is none.

    ``package`` requires, conflicts with or obsoletes ``dependency``; ``other`` is the package
    that is meant by it. For what was requested, only ``dependency`` is set.
    """

    kind: RuleKind
    package: str = ""
    dependency: str = ""
    other: str = ""


@frozen(order=True)
class RootProblem:
    """Facts that cannot hold together, sorted."""

    rules: tuple[ProblemRule, ...]


@frozen(order=True)
class RootConflict:
    """That a root cannot be solved: every problem that the solver found, sorted."""

    problems: tuple[RootProblem, ...]


@frozen
class RootRequest:
    """What a root must hold.

    ``install`` are RPM dependencies, boolean ones included. ``planned`` are packages that do not
    exist yet: each hides the base's packages of its name. ``hidden`` are names of base packages
    that must not be used. ``weak`` also installs what is recommended.
    """

    install: tuple[str, ...]
    planned: tuple[Package, ...] = ()
    hidden: tuple[str, ...] = ()
    weak: bool = False


@frozen
class RootSolution:
    """Everything that a root holds, sorted by name, evr, architecture and repository."""

    packages: tuple[Package, ...]

    def package(self, name: str) -> Package | None:
        """The package of that name, or None."""
        return next((package for package in self.packages if package.name == name), None)
