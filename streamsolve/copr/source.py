"""Sources of builds, the marker by which a build is found again, and what says that it is ours.

A marker is ``streamsolve-`` and the beginning of the digest of everything that a build is made
from. It is in the name of an uploaded source package and in the script of the custom method, which
COPR keeps as they are. COPR's own methods for PyPI and dist-git have no room for one; what they
were asked for is compared instead.
"""

from __future__ import annotations

import re
import shlex

from attrs import frozen

from .farm import SourceRecord

__all__ = [
    "BuildSource",
    "CustomSource",
    "DistGitSource",
    "PypiSource",
    "UploadSource",
    "custom_source",
    "is_made_from",
    "marker_in",
    "marker_of",
]

_PREFIX = "streamsolve-"
_DIGITS = 24
_MARKER = re.compile(rf"{_PREFIX}[0-9a-f]{{{_DIGITS}}}")
LONGEST_SCRIPT = 4096
"""What COPR takes, in bytes."""


@frozen
class UploadSource:
    """A source package that is uploaded: its path in the emitted directory, and its sha256."""

    path: str
    sha256: str

    def upload_name(self, marker: str) -> str:
        """The name under which it is uploaded: a file's name reaches COPR, so the marker does."""
        stem = self.path.rpartition("/")[2].removesuffix(".src.rpm")
        return f"{stem}.{marker}.src.rpm"


@frozen
class PypiSource:
    """A release on the package index, for which COPR generates the spec."""

    name: str
    version: str


@frozen
class DistGitSource:
    """A commit of a dist-git. ``namespace`` and ``distgit`` may be empty: COPR's usual ones."""

    package: str
    commit: str
    namespace: str = ""
    distgit: str = ""


@frozen
class CustomSource:
    """A script that COPR runs in ``chroot`` to make the spec and to fetch the sources.

    ``script`` has no marker yet; its first line is that of the interpreter.
    """

    script: str
    chroot: str
    builddeps: tuple[str, ...]
    resultdir: str = "."

    def marked(self, marker: str) -> str:
        """The script with a marker in its second line."""
        first, _, rest = self.script.partition("\n")
        return f"{first}\n# {marker}\n{rest}"


BuildSource = UploadSource | PypiSource | DistGitSource | CustomSource

_SCRIPT = """\
#!/bin/sh
# Made by streamsolve: writes the spec and the checked sources of one component from a lock.
set -eu
lock=$(mktemp)
curl --fail --silent --show-error --location --output "$lock" {url}
printf '%s  %s\\n' {sha256} "$lock" | sha256sum --check --quiet
exec streamsolve copr source "$lock"{arch} --component {component}
"""


def custom_source(
    component: str,
    url: str,
    sha256: str,
    chroot: str,
    builddeps: tuple[str, ...],
    *,
    arch: str = "",
) -> CustomSource:
    """The script for ``component``, which is ``name@version`` as builds name their streams. The
    lock for ``arch`` is taken of a file with several; empty for a lock by itself."""
    words = {"url": url, "sha256": sha256, "component": component}
    quoted = {name: shlex.quote(word) for name, word in words.items()}
    script = _SCRIPT.format(**quoted, arch=shlex.quote(f"#{arch}") if arch else "")
    return CustomSource(script, chroot, builddeps)


def marker_of(digest: str) -> str:
    """The marker of a build whose inputs have that digest (hexadecimal)."""
    return _PREFIX + digest[:_DIGITS]


def marker_in(text: str) -> str:
    """The first marker in a text, or nothing."""
    found = _MARKER.search(text)
    return found[0] if found else ""


def is_made_from(record: SourceRecord, source: BuildSource, marker: str) -> bool:
    """Whether a build was submitted with this source and marker."""

    def text(name: str) -> str:
        value = record.fields.get(name)
        return value if isinstance(value, str) else ""

    if isinstance(source, UploadSource):
        return record.kind == "upload" and marker_in(text("pkg") or text("url")) == marker
    if isinstance(source, CustomSource):
        return record.kind == "custom" and marker_in(text("script")) == marker
    if isinstance(source, PypiSource):
        asked = (source.name, source.version)
        stated = (text("pypi_package_name"), text("pypi_package_version"))
        return record.kind == "pypi" and stated == asked
    repository = text("clone_url").removesuffix(".git").rpartition("/")[2]
    found = (repository, text("committish"), text("namespace"), text("distgit"))
    wanted = (source.package, source.commit, source.namespace, source.distgit)
    return record.kind == "distgit" and found == wanted
