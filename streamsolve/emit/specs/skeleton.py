"""A spec for what has neither a spec nor a source distribution: what the plan knows, and no more.

It parses, and it names what a packager must finish; it does not pretend to build.
"""

from __future__ import annotations

import re

from attrs import frozen

from ...model.component import Kind
from .build_needs import native_needs
from .data_text import data
from .emitted import Draft
from .licences import UNKNOWN_LICENCE, licence_of
from .native import failing_build, is_native, runtime_needs
from .spec_text import SpecText
from .task import SpecTask
from .versioning import spelled_for_rpm
from .written import changelog_entry, gpu_exports, header, relaxations

__all__ = ["FORGES", "Checkout", "archive_of", "checkout_of", "skeleton"]

FORGES = {"github": "https://github.com", "gitlab": "https://gitlab.com"}
_PURL = re.compile(
    r"pkg:(?P<forge>[a-z]+)/(?P<owner>[A-Za-z0-9._/-]+)/(?P<name>[A-Za-z0-9._-]+)"
    r"@(?P<revision>[A-Za-z0-9._/+-]+)(?:#(?P<part>[A-Za-z0-9._/-]+))?"
)
_ARCHIVE = re.compile(
    r"pkg:generic/[A-Za-z0-9._-]+@[A-Za-z0-9._+-]+\?download_url="
    r"(?P<address>https://[A-Za-z0-9.-]+/(?:[A-Za-z0-9._+-]+/)*(?P<filename>[A-Za-z0-9_][A-Za-z0-9._+-]*))"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_FINISH = "# To be finished by a packager: "


@frozen
class Checkout:
    """A revision of a source repository, or an archive of upstream's. ``url`` is the project's page
    (empty: not known), ``archive`` the address of the archive that its forge makes, ``directory``
    what it unpacks to (empty: not known), ``part`` the directory in it that is built (empty:
    all)."""

    url: str
    archive: str
    filename: str
    directory: str
    part: str


def checkout_of(purl: str) -> Checkout | None:
    """The revision that a package URL of a forge names, None for any other."""
    found = _PURL.fullmatch(purl)
    if found is None or found["forge"] not in FORGES or ".." in purl:
        return None
    name, revision = found["name"], found["revision"]
    url = f"{FORGES[found['forge']]}/{found['owner']}/{name}"
    tag = revision if _COMMIT.fullmatch(revision) else revision.rpartition("/")[2]
    # What an archive unpacks to lacks the tag's "v".
    short = re.sub(r"^v(?=\d)", "", tag)
    filename = f"{name}-{short}.tar.gz"
    return Checkout(
        url,
        f"{url}/archive/{revision}/{filename}",
        filename,
        f"{name}-{short}",
        found["part"] or "",
    )


def archive_of(purl: str) -> Checkout | None:
    """The archive whose address a package URL states, None for any other."""
    found = _ARCHIVE.fullmatch(purl)
    if found is None or ".." in purl:
        return None
    return Checkout("", found["address"], found["filename"], "", "")


def skeleton(task: SpecTask) -> Draft:
    """The spec of a stream, with what is left to do as its ``incomplete``."""
    purl = task.stream.source.purl
    checkout = checkout_of(purl) or archive_of(purl)
    incomplete = list(_unfinished(task, checkout))
    is_python = task.stream.kind is Kind.DISTRIBUTION
    lines = [
        *header(task, "Nothing but the plan is known of it."),
        *(f"{_FINISH}{data(each)}" for each in incomplete),
        "",
        *_preamble(task, checkout),
        "",
        "%description",
        f"{_subject(task)}, for {task.application}.",
        "",
        "%prep",
        *_prepared(None if _is_binary(task) else checkout),
        *relaxations(task),
        "",
        *(_python_build(task) if is_python else _plain_build(task)),
        "%changelog",
        *changelog_entry(task).split("\n"),
    ]
    return Draft(SpecText.read("\n".join(lines) + "\n"), incomplete=tuple(incomplete))


def _unfinished(task: SpecTask, checkout: Checkout | None) -> list[str]:
    found = []
    if checkout is None:
        found.append(f"where the source {task.stream.source.purl or 'of it'} comes from")
    elif _is_binary(task):
        found.append("the archive of upstream's own binary, and its digest")
    elif not task.stream.source.sha256:
        of_forge = (
            "the archive of the revision: its digest, and what the repository has as submodules"
        )
        found.append(of_forge if checkout.url else "the archive of upstream's: its digest")
    if task.stream.kind is not Kind.DISTRIBUTION:
        found.append("how it is built, and which files it has")
    elif checkout is not None:
        found.append("the switches of its build, as the profile's notes and upstream say")
    if task.bootstraps:
        found.append("the switch of the bootstrap pass")
    return found


def _is_binary(task: SpecTask) -> bool:
    """Whether upstream's own binary is packaged, which no source archive holds."""
    return is_native(task) and task.stream.prebuilt


def _subject(task: SpecTask) -> str:
    words = {
        Kind.DISTRIBUTION: "The Python distribution",
        Kind.INTERPRETER: "The interpreter",
        Kind.TOOLCHAIN: "The toolchain",
        Kind.ACCELERATOR: "The accelerator stack",
        Kind.KERNEL_MODULE: "The kernel module",
        Kind.PACKAGE: "The package",
    }
    return f"{words[task.stream.kind]} {task.stream.component.name}"


def _preamble(task: SpecTask, checkout: Checkout | None) -> list[str]:
    version = task.stream.version
    written = spelled_for_rpm(version) if version is not None else "0"
    stated = task.stream.kind is Kind.DISTRIBUTION or bool(task.stream.licence)
    licence = licence_of(task) if stated else UNKNOWN_LICENCE
    series = [f"%global python3_pkgversion {task.series}", ""] if task.alternative else []
    lines = [
        *series,
        f"Name:           {task.package}",
        f"Version:        {written}",
        f"Release:        {task.release}",
        f"Summary:        {_subject(task)}",
        f"License:        {licence}",
    ]
    if checkout is not None:
        if checkout.url:
            lines.append(f"URL:            {checkout.url}")
        if not _is_binary(task):
            lines.append(f"Source0:        {checkout.archive}")
    lines += [f"BuildRequires:  {text}" for text in native_needs(task)]
    if is_native(task):
        lines += [f"Requires:       {text}" for text in runtime_needs(task)]
    return lines


def _prepared(checkout: Checkout | None) -> list[str]:
    if checkout is None:
        return ["%setup -q -c -T"]
    if not checkout.directory:
        return [
            "# What it unpacks to is not known: below a directory of its own, whatever it is.",
            "%autosetup -p1 -c",
        ]
    lines = [f"%autosetup -p1 -n {checkout.directory}"]
    return [*lines, f"cd {checkout.part}"] if checkout.part else lines


def _python_build(task: SpecTask) -> list[str]:
    checkout = checkout_of(task.stream.source.purl)
    enter = [f"cd {checkout.part}"] if checkout is not None and checkout.part else []
    return [
        "%generate_buildrequires",
        *enter,
        f"%pyproject_buildrequires{'' if task.has_run_time else ' -R'}",
        "",
        "%build",
        *gpu_exports(task),
        *enter,
        "%pyproject_wheel",
        "",
        "%install",
        *enter,
        "%pyproject_install",
        "%pyproject_save_files '*' +auto",
        "",
        "%files -f %{pyproject_files}",
        "",
    ]


def _plain_build(task: SpecTask) -> list[str]:
    fails = failing_build(task) if is_native(task) else []
    return ["%build", *gpu_exports(task), *fails, "", "%install", "", "%files", ""]
