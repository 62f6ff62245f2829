"""The packages of an image as dnf is asked for them, and the only packages that it can see.

dnf reads one file, ``repos/dnf.conf``: the repositories of the image count for nothing, and each of
ours shows what is locked and no more. So what a package asks for beyond the lock is not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve, frozen

from ...model.build import Root
from ...model.component import Origin
from ...model.layer_groups import LayerGroup
from ...model.package import Package
from ...model.plan import Plan
from .. import grammar
from ..dnf_conf import MAIN, Section, conf_lines, included, is_at_hand, is_private
from ..grammar import Refusals
from ..locked_files import LockedFile, locked_files
from ..mock_settings import MockRepository
from ..module_state import check_modules
from ..names import release_of
from ..namespace import Namespace
from .settings import REPOSITORY_OF_PACKAGES, ImageSettings

__all__ = [
    "CACHE",
    "CONFIGURATION",
    "PACKAGES",
    "REPOS",
    "Asked",
    "asked_for",
    "check_runtime",
    "checksum_files",
    "checksums_path",
    "companions",
    "configuration",
    "without_repository",
]

REPOS = "/run/streamsolve-repos"
PACKAGES = "/run/streamsolve-packages"
CACHE = "/run/streamsolve-cache"
"""Where a step of the build sees these. They lie beside each other below a directory that every
image has: what lies deeper leaves an empty directory behind."""

CONFIGURATION = "dnf.conf"

_TITLE = "# Made by streamsolve from a lock; make it again rather than change it."
_BEFORE_ALL = 1

_OWN = (
    ("cachedir", CACHE),
    ("keepcache", "0"),
    ("logdir", CACHE),
    ("plugins", "0"),
    ("system_cachedir", CACHE),
)
"""What of dnf would stay in a layer goes where nothing stays. Plugins could bring in more than is
locked."""


@frozen
class Asked:
    """A package as dnf is asked for it. ``file`` is its RPM file where that is at hand."""

    package: Package
    text: str
    file: LockedFile | None = None


def check_runtime(plan: Plan, root: Root, refusals: Refusals) -> None:
    """Note each value of the plan that an image would hold and that is not of its grammar."""
    for part in ("application", "base", "variant"):
        value = getattr(plan, part)
        if value or part == "application":
            refusals.check(value, grammar.NAME, part)
    refusals.check(plan.arch, grammar.ARCHITECTURE, "arch")
    check_modules(plan, refusals)
    for number, collection in enumerate(root.collections):
        refusals.check(collection, grammar.PACKAGE, f"roots[0].collections[{number}]")
    if not root.packages:
        refusals.note("a root without any package", "roots[0].packages")
    for number, package in enumerate(root.packages):
        path = f"roots[0].packages[{number}]"
        refusals.check(package.name, grammar.PACKAGE, f"{path}.name")
        evr = grammar.EVR if is_at_hand(package) else grammar.PLANNED_EVR
        refusals.check(package.evr, evr, f"{path}.evr")
        refusals.check(package.arch, grammar.ARCHITECTURE, f"{path}.arch")


def asked_for(
    root: Root,
    settings: ImageSettings,
    refusals: Refusals,
    namespace: Namespace | None = None,
) -> Mapping[str, Asked]:
    """What dnf is asked for, by the packages' name-evr.arch in the lock.

    With files at hand each is asked for by the full name of its file, and one that lacks a file is
    noted. Else a package of the base is asked for by full name, a private one, whose release only
    its build knows, by name, version and architecture, and a third party's that no repository had
    by its name. In a namespace private packages are called by their names in it.
    """
    named = _named(root, namespace)
    if settings.files is None:
        pairs = zip(root.packages, named.packages, strict=True)
        return {p.nevra: Asked(p, _pattern(other)) for p, other in pairs}
    found, missing = locked_files(named, settings.files, refusals)
    for name in missing:
        refusals.note(f"the file of {grammar.shown(name)} is not at hand", "runtime")
    return {
        package.nevra: Asked(package, found[other.nevra].nevra, found[other.nevra])
        for package, other in zip(root.packages, named.packages, strict=True)
        if other.nevra in found
    }


def _named(root: Root, namespace: Namespace | None) -> Root:
    """The root with its private packages under the names that they are built as."""
    if namespace is None:
        return root
    name = namespace.package_name
    packages = (evolve(p, name=name(p.name)) if is_private(p) else p for p in root.packages)
    streams = (
        evolve(s, package=name(s.package)) if s.origin is Origin.PRIVATE else s
        for s in root.streams
    )
    return evolve(root, packages=tuple(packages), streams=tuple(streams))


def _pattern(package: Package) -> str:
    if is_at_hand(package):
        return package.nevra
    if not is_private(package):
        return package.name
    epoch = f"{package.epoch}:" if package.epoch != "0" else ""
    # A version is planned without zeros at its end: 2.14 may be built as 2.14.0.
    return f"{package.name}-{epoch}{package.version}*-*.{package.arch}"


# -- what dnf reads --------------------------------------------------------------------------------


def configuration(
    root: Root,
    asked: Mapping[str, Asked],
    settings: ImageSettings,
    namespace: Namespace | None = None,
) -> bytes:
    """``dnf.conf``: the repositories, each with the packages of the lock alone, and with what else
    the builds of the root's streams make."""
    main = Section("main", tuple(sorted((*MAIN, *_OWN))))
    if settings.files is not None:
        more = companions(root, settings.files, namespace)
        everything = {each.text for each in asked.values()} | {file.nevra for file in more}
        sections = [main, _packages_section(sorted(everything))]
    else:
        of_base = sorted({p.nevra for p in root.packages if is_at_hand(p)})
        others = sorted({p.name for p in root.packages if not is_at_hand(p) and not is_private(p)})
        own = {*included(root, namespace), *((namespace.runtime,) if namespace else ())}
        sections = [
            main,
            *(_section(each, of_base, others) for each in settings.repositories),
            _packages_section(sorted(own)),
        ]
    return ("\n".join([_TITLE, *conf_lines(sections)]) + "\n").encode("ascii")


def companions(
    root: Root, files: Iterable[LockedFile], namespace: Namespace | None = None
) -> tuple[LockedFile, ...]:
    """The files that no root names and that a package may ask for: what else the builds of its
    streams make, which is told by their release, and in a namespace what enables it; sorted."""
    names = {package.name for package in _named(root, namespace).packages}
    releases = {release_of(s.build.partition("/")[0]) for s in root.streams if s.build}
    runtime = namespace.runtime if namespace else ""
    return tuple(
        sorted(
            file
            for file in files
            if file.header.name not in names
            and (_is_one_of(file.header.release, releases) or file.header.name == runtime)
        )
    )


def _is_one_of(release: str, releases: Iterable[str]) -> bool:
    """Whether a release is one of these, with or without the suffix of a distribution."""
    return any(release == each or release.startswith(f"{each}.") for each in releases)


def _packages_section(shown: Sequence[str]) -> Section:
    """What the build context ``packages`` holds. Its files were checked when it was filled, or are
    by the step that installs them."""
    options = (
        ("baseurl", f"file://{PACKAGES}"),
        ("enabled", "1"),
        ("gpgcheck", "0"),
        ("includepkgs", _list(shown)),
        ("module_hotfixes", "1"),
        ("name", REPOSITORY_OF_PACKAGES),
        ("priority", str(_BEFORE_ALL)),
        ("skip_if_unavailable", "0"),
    )
    return Section(REPOSITORY_OF_PACKAGES, options)


def _section(repository: MockRepository, of_base: Sequence[str], others: Sequence[str]) -> Section:
    # Which repository of the base has a package is not known: a base is locked as a whole.
    shown = sorted({*of_base, *others}) if repository.overlay else of_base
    options = (
        *repository.addresses,
        ("enabled", "1"),
        ("gpgcheck", "1"),
        ("gpgkey", " ".join(repository.gpgkeys)),
        ("includepkgs", _list(shown)),
        *((("module_hotfixes", "1"),) if repository.module_hotfixes else ()),
        ("name", repository.id),
        ("priority", str(repository.priority)),
        ("skip_if_unavailable", "0"),
    )
    return Section(repository.id, tuple(sorted(options)))


def _list(names: Sequence[str]) -> str:
    """One line for each, so that a change of one package is a change of one line. An empty list
    would show everything."""
    return "".join(f"\n  {name}" for name in names) or "/"


# -- the files -------------------------------------------------------------------------------------


def checksums_path(group: LayerGroup) -> str:
    """Where the checksums of a group's files lie, below the directory of ``dnf.conf``."""
    number = f"-{group.number}" if group.number else ""
    return f"{group.kind.value + 1}-{group.kind.name.lower()}{number}.sha256"


def checksum_files(
    groups: Sequence[LayerGroup],
    asked: Mapping[str, Asked],
    root: Root,
    settings: ImageSettings,
    namespace: Namespace | None = None,
) -> dict[str, bytes]:
    """What ``sha256sum --check`` reads, for each group, if files are at hand."""
    if settings.files is None:
        return {}
    found, more = {}, companions(root, settings.files, namespace)
    for group in groups:
        files = [file for p in group.packages if (file := asked[p.nevra].file) is not None]
        # They are pulled in by private packages, in whichever group the first of those is.
        if any(is_private(package) for package in group.packages):
            files += more
        lines = {f"{file.header.sha256}  {file.path}\n" for file in files}
        found[checksums_path(group)] = "".join(sorted(lines, key=_path_in)).encode("ascii")
    return found


def _path_in(line: str) -> str:
    return line.partition("  ")[2]


def without_repository(plan: Plan, settings: ImageSettings) -> tuple[str, ...]:
    """The third parties' packages of the image by name, sorted, where none of its repositories can
    have them."""
    at_hand = settings.files is not None or any(each.overlay for each in settings.repositories)
    if at_hand or plan.builds is None:
        return ()
    packages = plan.builds.runtime.packages
    return tuple(sorted({each.name for each in packages if each.repository == "external"}))
