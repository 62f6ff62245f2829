"""What COPR has to be told that no lock knows: whose project, which chroots, from what sources."""

from __future__ import annotations

import re
from enum import Enum

from attrs import frozen

from ..emit import grammar
from ..emit.grammar import Grammar, Refusals

__all__ = [
    "BUILDDEPS",
    "FarmOptions",
    "FarmRepository",
    "Method",
    "SourceChoice",
    "check_options",
    "project_name",
]

PROJECT = Grammar(
    re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII),
    "the name of a project: letters, digits, '_', '-' and '.'",
    longest=80,
)
OWNER = Grammar(
    re.compile(r"@?[A-Za-z0-9_][A-Za-z0-9_.+-]*", re.ASCII), "a user, or '@' and a group"
)
CHROOT = Grammar(
    re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*-[A-Za-z0-9._]+-[A-Za-z0-9_]+", re.ASCII),
    "a chroot such as 'fedora-45-x86_64'",
)
COMMIT = Grammar(re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII), "the whole id of a commit")
REPOSITORY = Grammar(
    re.compile(
        r"copr://@?[A-Za-z0-9_.+-]+/[A-Za-z0-9_.-]+"
        r"|https?://[A-Za-z0-9](?:[A-Za-z0-9._~:/=+,;-]|%[0-9A-Fa-f]{2}"
        r"|\$(?:releasever|basearch|arch|chroot|distname)\b)*",
        re.ASCII,
    ),
    "an http, https or copr:// address without credentials or query",
    longest=1000,
)
MODULE = Grammar(
    re.compile(r"!?[A-Za-z0-9][A-Za-z0-9._+-]*:[A-Za-z0-9][A-Za-z0-9._+-]*", re.ASCII),
    "a module stream such as 'nodejs:20', or '!nodejs:20' to disable it",
)
NAMESPACE = Grammar(
    re.compile(r"@?[A-Za-z0-9_][A-Za-z0-9_.+-]*(?:/[A-Za-z0-9_.+-]+)*", re.ASCII),
    "a namespace of a dist-git",
)
BUILDDEPS = ("curl", "streamsolve")
"""What the script of the custom source method needs in its chroot."""

_ISOLATIONS = ("unchanged", "default", "simple", "nspawn")
_LARGEST_PRIORITY = 99


class Method(Enum):
    """Where the source of a build comes from. ``AUTO`` is an SRPM if there is one, else the custom
    source method."""

    AUTO = "auto"
    SRPM = "srpm"
    CUSTOM = "custom"
    PYPI = "pypi"
    DISTGIT = "distgit"


@frozen
class SourceChoice:
    """How one component's source is had. ``package`` and ``commit`` (whole) are for a dist-git;
    ``namespace`` and ``distgit`` may be empty."""

    component: str
    method: Method
    package: str = ""
    commit: str = ""
    namespace: str = ""
    distgit: str = ""


@frozen
class FarmRepository:
    """A repository that build roots see besides the base and our own projects. ``id`` is that of
    the lock's overlay; the smaller ``priority`` wins."""

    id: str
    url: str
    priority: int = 99


@frozen
class FarmOptions:
    """Whose project it is and how it is set up.

    ``project`` is the name of the project that holds the application; the further ones begin with
    it. ``packages`` are installed in every build root, ``modules`` enabled, or disabled with ``!``.
    ``method`` holds for all components that ``sources`` do not name. ``lock_url`` is where a build
    can fetch the lock, whose sha256 is ``lock_sha256``; with ``lock_arch`` that file has locks of
    several architectures, of which it is this one's. ``builddeps`` is what the custom source method
    installs first. ``priority`` is that of our projects: less than the base's, so that a package of
    ours is taken rather than the base's of that name.
    """

    owner: str
    project: str
    chroots: tuple[str, ...]
    repositories: tuple[FarmRepository, ...] = ()
    packages: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    isolation: str = "unchanged"
    method: Method = Method.AUTO
    sources: tuple[SourceChoice, ...] = ()
    lock_url: str = ""
    lock_sha256: str = ""
    builddeps: tuple[str, ...] = BUILDDEPS
    priority: int = 1
    lock_arch: str = ""

    @property
    def full_name(self) -> str:
        """``OWNER/NAME``."""
        return f"{self.owner}/{self.project}"


def project_name(text: str) -> tuple[str, str]:
    """``OWNER/NAME`` as its parts; what is missing is empty."""
    owner, _, name = text.partition("/")
    return owner, name


def check_options(options: FarmOptions, arch: str, refusals: Refusals) -> None:
    """Note everything that COPR or a script could take for something else."""
    refusals.check(options.owner, OWNER, "--project")
    refusals.check(options.project, PROJECT, "--project")
    if not options.chroots:
        refusals.note("no chroot is named", "--chroot", "name one, such as fedora-45-x86_64")
    for chroot in options.chroots:
        refusals.check(chroot, CHROOT, "--chroot")
        if CHROOT.allows(chroot) and not chroot.endswith(f"-{arch}"):
            shown = grammar.shown(chroot)
            refusals.note(f"{shown} is not of the lock's architecture, {arch}", "--chroot")
    if len(set(options.chroots)) != len(options.chroots):
        refusals.note("a chroot is there twice", "--chroot")
    for package in options.packages:
        refusals.check(package, grammar.PACKAGE, "--package")
    for module in options.modules:
        refusals.check(module, MODULE, "--module")
    refusals.check_one_of(options.isolation, _ISOLATIONS, "--isolation")
    for repository in options.repositories:
        refusals.check(repository.url, REPOSITORY, f"--repo {repository.id}")
        if not options.priority < repository.priority <= _LARGEST_PRIORITY:
            refusals.note(
                f"{repository.priority} is no priority between {options.priority}, which our own "
                f"projects have, and {_LARGEST_PRIORITY}",
                f"--repo {repository.id}",
            )
    for package in options.builddeps:
        refusals.check(package, grammar.PACKAGE, "--source-package")
    if options.lock_url:
        refusals.check(options.lock_url, grammar.URL, "--lock-url")
    _check_choices(options, refusals)


def _check_choices(options: FarmOptions, refusals: Refusals) -> None:
    seen: set[str] = set()
    for choice in options.sources:
        place = f"--source {grammar.shown(choice.component)}"
        if choice.component in seen:
            refusals.note("two sources are given for it", place)
        seen.add(choice.component)
        if choice.method is not Method.DISTGIT:
            continue
        refusals.check(choice.package, grammar.PACKAGE, place)
        refusals.check(choice.commit, COMMIT, place)
        for name in filter(None, (choice.namespace, choice.distgit)):
            refusals.check(name, NAMESPACE, place)
