"""``streamsolve emit``: a locked plan as the files of other tools."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ..errors import Code, ErrorCollector, InputError, Place
from .groups import Group
from .options import lock_argument, read_settings
from .screen import show

if TYPE_CHECKING:
    from ..emit import MockRepository, MockSettings, Written
    from ..explain import Block
    from ..inputs.base_definitions import BaseDefinition
    from ..inputs.bases import Overlay
    from ..lock import Lock
    from ..model.build import BuildPlan
    from ..model.plan import Plan

__all__ = ["emit"]

_KEYS = "file:///usr/share/distribution-gpg-keys"
_FEDORA = re.compile(r"fc(\d+)")
_ENTERPRISE = re.compile(r"el(\d+)")
_ADDRESS = re.compile(r"[a-z]+://")


@click.group(cls=Group)
def emit() -> None:
    """Write a lock as files that other tools read."""


@emit.command("mock")
@lock_argument
@click.option(
    "-o",
    "--output",
    "directory",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Write into DIR: configs/, chain.sh and a Makefile.",
)
@click.option(
    "--standalone",
    is_flag=True,
    help="Name all repositories in each configuration instead of including the distribution's.",
)
@click.option(
    "--template",
    metavar="FILE.cfg",
    help="Which configuration of the distribution to include; BASE-ARCH.cfg if nothing is said.",
)
@click.option(
    "--stream-repo",
    metavar="URL",
    default="",
    help="Where built packages are published; DIR/repo if nothing is said.",
)
@click.option(
    "--repo",
    "repos",
    metavar="NAME=URL[,priority=N]",
    multiple=True,
    help="Where a repository on top of the lock's base is; may be given again.",
)
@click.option(
    "--gpg-key",
    "keys",
    metavar="NAME=URL",
    multiple=True,
    help="A key that signs the packages of the repository NAME (streamsolve is that of "
    "--stream-repo); may be given again.",
)
@click.option("--prefix", metavar="DIR", default="", help="Install everything under DIR.")
@click.option(
    "--bootstrap-image",
    metavar="IMAGE",
    default="",
    help="The container image that mock begins with; without one, --standalone uses none.",
)
@click.option(
    "--rpms",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Write locks/ROOT/buildroot_lock.json too, for each root whose RPM files all lie in DIR.",
)
@click.option("--force", is_flag=True, help="Write over files that were changed or not made here.")
def emit_mock(
    file: Path,
    directory: Path,
    standalone: bool,
    template: str | None,
    stream_repo: str,
    repos: tuple[str, ...],
    keys: tuple[str, ...],
    prefix: str,
    bootstrap_image: str,
    rpms: Path | None,
    force: bool,
) -> None:
    """Write the lock FILE for mock: a configuration for each root, and the order of the builds.

    chain.sh builds one after the other, the Makefile in parallel. Both take source packages from
    DIR/srpms. The same lock gives the same files, and what has not changed is not touched.
    """
    from ..emit import buildroot_locks, write_files
    from ..emit import emit_mock as files_for_mock
    from ..inputs.rpm_headers import read_rpm_headers
    from ..planner.locking import load_lock

    if standalone and template:
        raise InputError(Code.BAD_OPTION, "--standalone and --template cannot be given together")
    settings = read_settings({"repos": repos} if repos else {})
    lock = load_lock(file)
    signed_by = _keys(keys)
    made = _mock_settings(
        lock,
        _overlays(lock, settings.repos, repos, file),
        signed_by,
        template="" if standalone else template or f"{lock.plan.base}-{lock.plan.arch}.cfg",
        stream_repository=stream_repo,
        prefix=prefix,
        bootstrap_image=bootstrap_image,
    )
    files = dict(files_for_mock(lock.plan, made, file=str(file)))
    missing: Mapping[str, tuple[str, ...]] = {}
    if rpms is not None:
        locks = buildroot_locks(lock.plan, made, read_rpm_headers(rpms), file=str(file))
        files |= locks.files
        missing = locks.missing
    written = write_files(directory, files, replace=force)
    told = _told(lock.plan, made, directory, written)
    show((*told, *_without_files(missing)), colour=settings.colour)


# -- what mock has to be told ----------------------------------------------------------------------


def _mock_settings(
    lock: Lock,
    overlays: Iterable[Overlay],
    keys: dict[str, tuple[str, ...]],
    *,
    template: str,
    stream_repository: str,
    prefix: str,
    bootstrap_image: str,
) -> MockSettings:
    """From the definition of the lock's base, where there is one, and what was asked for."""
    from ..emit import MockSettings
    from ..inputs.base_definitions import find_definition

    definition = find_definition(lock.plan.base)
    dist = definition.dist.lstrip(".") if definition else ""
    repositories = [
        *(_of_base(definition, dist, keys) if definition else ()),
        *(_overlay(each, keys) for each in overlays),
    ]
    return MockSettings(
        _releasever(lock, definition, dist),
        dist,
        tuple(repositories),
        template=template,
        stream_repository=stream_repository,
        stream_gpgkeys=keys.get("streamsolve", ()),
        platform=_platform(dist),
        bootstrap_image=bootstrap_image,
        prefix=prefix,
        source_date_epoch=_source_date_epoch(),
    )


def _of_base(
    definition: BaseDefinition, dist: str, keys: dict[str, tuple[str, ...]]
) -> Iterable[MockRepository]:
    """The base's binary repositories, as its definition has them."""
    from ..emit import MockRepository
    from ..inputs.repositories import LocationKind

    for each in definition.repositories:
        if not each.sources:
            yield MockRepository(
                each.id,
                gpgkeys=keys.get(each.id, _distribution_keys(dist)),
                priority=each.priority,
                baseurl=each.location if each.kind is LocationKind.BASEURL else "",
                metalink=each.location if each.kind is LocationKind.METALINK else "",
                mirrorlist=each.location if each.kind is LocationKind.MIRRORLIST else "",
            )


def _overlay(overlay: Overlay, keys: dict[str, tuple[str, ...]]) -> MockRepository:
    from ..emit import MockRepository

    address = overlay.location
    if not _ADDRESS.match(address):
        address = f"file://{Path(address).expanduser().resolve()}"
    return MockRepository(
        overlay.name,
        address,
        gpgkeys=keys.get(overlay.name, ()),
        priority=overlay.priority,
        overlay=True,
    )


def _overlays(
    lock: Lock, known: Sequence[tuple[str, str]], typed: tuple[str, ...], file: Path
) -> list[Overlay]:
    """The repositories on top of the base: those of the lock, each of which must be known, and what
    was typed besides."""
    from ..inputs.bases import parse_overlay

    given = {text.partition("=")[0] for text in typed}
    found = [
        parse_overlay(f"{name}={address}")
        for name, address in known
        if name in lock.settings.overlays or name in given
    ]
    faults = ErrorCollector(Code.BAD_OPTION)
    for name in sorted({*lock.settings.overlays} - {each.name for each in found}):
        faults.add(
            f"the lock has the repository {name!r} on top of its base, and where it is is not said",
            Place(str(file)),
            f"add --repo {name}=URL, and --gpg-key {name}=URL for the key that signs it",
        )
    faults.raise_if_any("a repository is missing")
    return found


def _keys(texts: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """``NAME=URL`` texts as keys by the repository that they sign."""
    faults, found = ErrorCollector(Code.BAD_OPTION), dict[str, tuple[str, ...]]()
    for text in texts:
        name, _, address = text.partition("=")
        if not name or not address:
            faults.add(f"{text!r} names no key", Place("--gpg-key"), "write NAME=URL")
            continue
        if not _ADDRESS.match(address):
            address = f"file://{Path(address).expanduser().resolve()}"
        found[name] = (*found.get(name, ()), address)
    faults.raise_if_any("the keys cannot be used")
    return found


def _distribution_keys(dist: str) -> tuple[str, ...]:
    """Fedora's key of that release, where the package distribution-gpg-keys has it."""
    release = _FEDORA.fullmatch(dist)
    if release is None:
        return ()
    return (f"{_KEYS}/fedora/RPM-GPG-KEY-fedora-{release[1]}-primary",)


def _platform(dist: str) -> str:
    for pattern, letters in ((_FEDORA, "f"), (_ENTERPRISE, "el")):
        if release := pattern.fullmatch(dist):
            return f"platform:{letters}{release[1]}"
    return ""


def _releasever(lock: Lock, definition: BaseDefinition | None, dist: str) -> str:
    """The release as dnf counts it: what has a name only, such as rawhide, by its suffix."""
    release = definition.release if definition else lock.settings.base_release
    numbered = _FEDORA.fullmatch(dist)
    if numbered and not release[:1].isdigit():
        return numbered[1]
    if not release:
        raise InputError(
            Code.NOT_EMITTED,
            f"which release the base {lock.plan.base!r} is, neither its lock nor a definition says",
            hint="give the base a definition: `streamsolve base list` shows those that there are",
        )
    return release


def _source_date_epoch() -> int | None:
    """What the environment says, as all tools read it."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise InputError(
            Code.BAD_OPTION, f"SOURCE_DATE_EPOCH is {text!r}, and it should be a number of seconds"
        )
    return int(text)


# -- what is shown ---------------------------------------------------------------------------------


def _told(
    plan: Plan, settings: MockSettings, directory: Path, written: Written
) -> tuple[Block, ...]:
    from ..explain import Span, Style, blank, paragraph

    if plan.builds is None:
        return ()
    builds, changes = plan.builds, ("written", "unchanged", "removed")
    files = ", ".join(
        f"{len(paths)} {what}" for what in changes if (paths := getattr(written, what))
    )
    return (
        paragraph(
            Span("✓ ", Style.GOOD),
            Span(str(directory), Style.NAME),
            f" holds {len(builds.roots) + 1} configurations for {len(builds.builds)} builds in "
            f"{len(builds.order.levels)} levels. Files: {files}.",
            hang=2,
        ),
        *_without_repository(builds, settings),
        blank(),
        paragraph("Put the source packages into ", Span(str(directory / "srpms"), Style.NAME), "."),
        paragraph(
            Span(f"make -C {shlex.quote(str(directory))} -j 4", Style.COMMAND),
            "  builds them, level by level",
            indent=2,
        ),
    )


def _without_repository(builds: BuildPlan, settings: MockSettings) -> tuple[Block, ...]:
    """A warning where a third party's packages are needed and no repository can have them."""
    from ..explain import Span, Style, blank, paragraph

    names = sorted(
        {
            package.name
            for root in (builds.runtime, *builds.roots)
            for package in root.packages
            if package.repository == "external"
        }
    )
    if not names or any(each.overlay for each in settings.repositories):
        return ()
    text = (
        f"{len(names)} packages of third parties, such as {names[0]}, are in no repository of "
        "these configurations: name theirs with --repo NAME=URL and --gpg-key NAME=URL."
    )
    return (blank(), paragraph(Span("! ", Style.WARNING), text, hang=2))


def _without_files(missing: Mapping[str, tuple[str, ...]]) -> tuple[Block, ...]:
    """Which roots have no buildroot_lock.json, and for want of what."""
    from ..explain import Span, Style, blank, paragraph

    if not missing:
        return ()
    root, packages = min(missing.items(), key=lambda found: (len(found[1]), found[0]))
    text = (
        f"{len(missing)} roots have no buildroot_lock.json, because files are not at hand; "
        f"{root} lacks {len(packages)}, such as {packages[0]}."
    )
    return (blank(), paragraph(Span("! ", Style.WARNING), text, hang=2))
