"""The ``dnf.conf`` of a root: which repositories it sees, and which packages of each.

A private stream's packages come in by name and version from the stream repository alone, and the
packages of their names are kept out of every other repository. So a package of a stream that the
root does not hold can never be taken, whatever else the stream repository holds.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen

from ..model.build import Root
from ..model.component import PYTHON, Origin
from ..model.package import Package
from ..model.rpm_dependency import rpm_version
from .mock_settings import MockRepository, MockSettings
from .names import release_of
from .namespace import Namespace

__all__ = [
    "MAIN",
    "Section",
    "base_section",
    "conf_lines",
    "has_private",
    "hidden_names",
    "included",
    "is_at_hand",
    "is_private",
    "main_section",
    "planned_versions",
    "stream_section",
]

_EXTERNAL = "external"
_SERIES = 2

MAIN: tuple[tuple[str, str], ...] = (
    ("assumeyes", "1"),
    ("best", "1"),
    ("gpgcheck", "1"),
    ("install_weak_deps", "0"),
    ("reposdir", "/dev/null"),
    ("skip_if_unavailable", "0"),
)
"""What must hold in every root, whatever a template says. The order is alphabetical."""

_USUAL: tuple[tuple[str, str], ...] = (
    ("debuglevel", "2"),
    ("keepcache", "1"),
    ("logfile", "/var/log/dnf.log"),
    ("metadata_expire", "0"),
    ("obsoletes", "1"),
    ("protected_packages", ""),
    ("retries", "20"),
    ("syslog_device", ""),
    ("syslog_ident", "mock"),
    ("system_cachedir", "/var/cache/dnf"),
)


@frozen
class Section:
    """A section of an INI file: its name and its options."""

    name: str
    options: tuple[tuple[str, str], ...]

    @property
    def lines(self) -> list[str]:
        """The section as lines, after an empty one."""
        return ["", f"[{self.name}]", *(f"{key}={value}" for key, value in self.options)]


def conf_lines(sections: Sequence[Section]) -> list[str]:
    """All sections as lines. A section that is there twice is a defect."""
    names = [section.name for section in sections]
    if len(set(names)) != len(names):
        raise ValueError(f"a section is there twice: {names}")
    return [line for section in sections for line in section.lines]


def main_section(settings: MockSettings) -> Section:
    """``[main]`` of a configuration that stands alone."""
    platform = (("module_platform_id", settings.platform),) if settings.platform else ()
    return Section("main", tuple(sorted((*MAIN, *_USUAL, *platform))))


def base_section(repository: MockRepository, hidden: Sequence[str]) -> Section:
    """A repository of the base or on top of it, without the packages of those names."""
    return Section(repository.id, tuple(sorted((*_common(repository), *_excluded(hidden)))))


def stream_section(repository: MockRepository, packages: Sequence[str]) -> Section:
    """The stream repository, of which only the packages that match are seen.

    ``module_hotfixes``: what the application was planned with holds whatever module is enabled.
    """
    options = (
        *_common(evolve(repository, module_hotfixes=True)),
        ("includepkgs", ",".join(packages)),
        ("metadata_expire", "0"),
    )
    return Section(repository.id, tuple(sorted(options)))


def _common(repository: MockRepository) -> list[tuple[str, str]]:
    found = [
        *(repository.addresses or [("baseurl", "")]),
        ("enabled", "1"),
        ("gpgcheck", "0" if repository.unsigned else "1"),
        ("name", repository.id),
        ("priority", str(repository.priority)),
        ("skip_if_unavailable", "0"),
    ]
    if repository.gpgkeys:
        found.append(("gpgkey", " ".join(repository.gpgkeys)))
    if repository.module_hotfixes:
        found.append(("module_hotfixes", "1"))
    return found


def _excluded(names: Sequence[str]) -> list[tuple[str, str]]:
    return [("excludepkgs", ",".join(names))] if names else []


# -- which packages --------------------------------------------------------------------------------


def is_private(package: Package) -> bool:
    """Whether it is built for the application."""
    return package.repository == Origin.PRIVATE.value


def is_at_hand(package: Package) -> bool:
    """Whether a repository had it when the lock was made, so that it is known exactly."""
    return not is_private(package) and package.repository != _EXTERNAL


def has_private(root: Root) -> bool:
    """Whether anything in a root is built for the application."""
    return any(is_private(package) for package in root.packages)


def hidden_names(root: Root, namespace: Namespace | None = None) -> tuple[str, ...]:
    """The names that only the stream repository may provide in a root, sorted. In a namespace no
    repository of the base has any of them."""
    if namespace is not None:
        return ()
    return tuple(sorted({package.name for package in root.packages if is_private(package)}))


def included(root: Root, namespace: Namespace | None = None) -> tuple[str, ...]:
    """Patterns of exactly the private packages of a root, sorted.

    A planned package is let in by name and version, ``name-version-*``. A planned version has no
    trailing zeros (``2.14``); a built package may be numbered as upstream spells it (``2.14.0``),
    so both are let in. What else the build of a stream makes, such as the libraries of a rebuilt
    interpreter, is let in by the release that emitted specs give all packages of one stream and
    of no other.
    """
    found = {
        f"{namespace.package_name(package.name) if namespace else package.name}-{version}-*"
        for package in root.packages
        if is_private(package)
        for version in planned_versions(package, root)
    }
    found |= {
        f"*-*-{release_of(stream.build.partition('/')[0])}.*"
        for stream in root.streams
        if stream.build
    }
    return tuple(sorted(found))


def planned_versions(package: Package, root: Root) -> list[str]:
    """The versions that a private package may turn out to have, as RPM writes them and as globs:
    the planned one; also with as many zeros at its end as a stream of that version in the root
    has; and of an interpreter, which is planned as a series (``3.14``), each of its releases."""
    version = package.version
    streams = [
        stream
        for stream in root.streams
        if stream.origin is Origin.PRIVATE
        and rpm_version(stream.version).rpartition(":")[2] == version
    ]
    head = version.partition("~")[0].partition("^")[0]
    tail = version[len(head) :]
    least = head.count(".") + 1
    longest = max([least, *(len(stream.version.release) for stream in streams)])
    found = [head + ".0" * more + tail for more in range(longest - least + 1)]
    interpreters = [s.package for s in streams if s.component == PYTHON]
    of_series = any(
        package.name == name or package.name.startswith(f"{name}-") for name in interpreters
    )
    return [*found, f"{version}.*"] if of_series and least == _SERIES else found
