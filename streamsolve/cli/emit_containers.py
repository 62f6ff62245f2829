"""``streamsolve emit containerfile`` and ``bootc``: a lock as files that images are built from."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import rich_click as click

from ..errors import Code, ErrorCollector, InputError, Place
from .emit import emit, next_steps
from .layers import LAYER_OPTIONS, chosen_layers
from .mock_base import of_base, overlay, overlays, releasever, source_date_epoch
from .mock_specs import Step
from .options import (
    force_option,
    further_repo_option,
    lock_argument,
    output_option,
    profile_of_lock_option,
    read_settings,
)
from .screen import show

if TYPE_CHECKING:
    from ..emit.containers import ImageSettings, KernelModule
    from ..emit.locked_files import LockedFile
    from ..emit.mock_settings import MockRepository
    from ..emit.writer import Written
    from ..explain import Block
    from ..lock import Lock
    from ..model.kernel import KernelPair
    from ..model.profile import Profile

__all__ = ["emit_bootc_command", "emit_containerfile_command", "files_below", "profile_of"]

C = TypeVar("C", bound=Callable[..., object])

_MOST_SHOWN = 6

_IMAGE_KEY = "file:///etc/pki/rpm-gpg/RPM-GPG-KEY-fedora-{release}-$basearch"
"""Fedora's key where its own images have it."""

_OPTIONS = (
    output_option("Write into DIR: a Containerfile, repos/ and build.sh."),
    click.option(
        "--base-image",
        metavar="NAME@sha256:…",
        required=True,
        help="The image to begin with, by digest.",
    ),
    click.option(
        "--rpms",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Take every package from DIR, each by its full name and checksum; nothing is fetched.",
    ),
    further_repo_option,
    click.option(
        "--gpg-key",
        "keys",
        metavar="NAME=URL",
        multiple=True,
        help="A key that signs the packages of the repository NAME, as the image sees it "
        "(file:///etc/pki/… is in the image); may be given again.",
    ),
    profile_of_lock_option,
    *LAYER_OPTIONS,
    force_option,
)


def _image_options(command: C) -> C:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class _Given(NamedTuple):
    """The values of those options."""

    directory: Path
    base_image: str
    rpms: Path | None
    repos: tuple[str, ...]
    keys: tuple[str, ...]
    profile: str | None
    layers: int | None
    layers_like: tuple[Path, ...]
    force: bool


@emit.command("containerfile")
@lock_argument
@_image_options
@click.option(
    "--with-builders",
    "builder_image",
    metavar="NAME@sha256:…",
    default="",
    help="Build the private packages in a first stage, with mock in this image.",
)
def emit_containerfile_command(
    file: Path,
    builder_image: str,
    **options: Any,  # noqa: ANN401 - those of _image_options, by name
) -> None:
    """Write the lock FILE as a Containerfile: its packages by full name, in layers.

    DIR/build.sh builds it with buildah or podman. Without --rpms the base's packages come from its
    repositories, and what was built from the directory that build.sh is given; with
    --with-builders that one is what emit mock wrote.
    """
    from attrs import evolve

    from ..emit import write_files
    from ..emit.containers import emit_containerfile
    from ..planner.locking import load_lock

    given = _Given(**options)
    lock = load_lock(file)
    made, shown = _settings(lock, given, file)
    made = evolve(made, builder_image=builder_image)
    files = emit_containerfile(lock.plan, made, file=str(file))
    written = write_files(given.directory, files, replace=given.force)
    show((*_told(lock, made, given, written), *shown), colour=read_settings({}).colour)


@emit.command("bootc")
@lock_argument
@_image_options
@click.option(
    "--prefix",
    metavar="DIR",
    default="",
    help="The directory that the packages were built for; /opt/APP if nothing is said.",
)
@click.option(
    "--kernel-module",
    "modules",
    metavar="MODULE=PACKAGE[@VERSION]",
    multiple=True,
    help="A kernel module and its package without the kernel's version, such as "
    "nvidia=kmod-nvidia; may be given again.",
)
@click.option(
    "--kernel-pair",
    "pair",
    metavar="LOCK",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The lock of a kernel module: its kernel and the module take the place of the image's.",
)
def emit_bootc_command(
    file: Path,
    prefix: str,
    modules: tuple[str, ...],
    pair: Path | None,
    **options: Any,  # noqa: ANN401 - those of _image_options, by name
) -> None:
    """Write the lock FILE as a Containerfile for a bootable image, such as fedora-bootc.

    The packages are those of prefix mode (emit mock --prefix), so that the image's own stay as they
    are. DIR/README.md says which driver the machine needs. The lock of a kernel module gives an
    image with its kernel and the module alone, --kernel-pair one with the application above them.
    """
    from attrs import evolve

    from ..emit import write_files
    from ..emit.containers import emit_bootc
    from ..inputs.profiles import shipped_rules
    from ..planner.locking import load_lock

    given = _Given(**options)
    lock = load_lock(file)
    made, shown = _settings(lock, given, file)
    made = evolve(
        made,
        prefix=_prefix(lock, prefix, pair),
        kernel_modules=tuple(_modules(modules)),
    )
    below = load_lock(pair).plan if pair is not None else None
    files = emit_bootc(
        lock.plan,
        made,
        file=str(file),
        pair=below,
        pair_file=str(pair or ""),
        rules=shipped_rules(),
    )
    written = write_files(given.directory, files, replace=given.force)
    told = _told(lock, made, given, written, below.kernel_pair if below is not None else None)
    show((*told, *shown), colour=read_settings({}).colour)


def _prefix(lock: Lock, prefix: str, pair: Path | None) -> str:
    """Where the application's packages are; a kernel module has its own place."""
    if lock.plan.kernel_pair is None:
        return prefix or f"/opt/{lock.plan.application}"
    for name, given in (("--prefix", prefix), ("--kernel-pair", pair)):
        if given:
            raise InputError(
                Code.BAD_OPTION,
                f"{lock.plan.application} is a kernel module: it lies where its kernel looks",
                place=Place(name),
                hint="leave it out",
            )
    return ""


def _modules(texts: tuple[str, ...]) -> Iterator[KernelModule]:
    from ..emit.containers import KernelModule

    for text in texts:
        name, sign, rest = text.partition("=")
        package, _, version = rest.partition("@")
        if not name or not sign or not package:
            raise InputError(
                Code.BAD_OPTION,
                f"{text!r} names no kernel module",
                place=Place("--kernel-module"),
                hint="write MODULE=PACKAGE, such as nvidia=kmod-nvidia",
            )
        yield KernelModule(name, package, version)


# -- what an image has to be told ------------------------------------------------------------------


def _settings(lock: Lock, given: _Given, file: Path) -> tuple[ImageSettings, list[Block]]:
    """From the lock, its base's definition and its profile; and what there is to say of them."""
    from ..emit.containers import ImageSettings
    from ..explain import Span, Style, paragraph

    profile, shown = profile_of(lock, given.profile)
    if not profile.image.entrypoint and lock.plan.kernel_pair is None:
        text = f"The profile {profile.name} says no entry point: its [image] has none."
        shown = [*shown, paragraph(Span("! ", Style.WARNING), text, hang=2)]
    made = ImageSettings(
        given.base_image,
        lock.digest,
        image=profile.image,
        title=profile.summary,
        releasever=_release(lock),
        repositories=() if given.rpms else tuple(_repositories(lock, given, file)),
        files=None if given.rpms is None else files_below(given.rpms),
        source_date_epoch=source_date_epoch(),
        layers=chosen_layers(lock.plan, given.layers, given.layers_like, ordered=True),
    )
    return made, [*shown, *_unseen(made)]


def _unseen(made: ImageSettings) -> Iterator[Block]:
    """A warning for each repository that is a directory of this machine."""
    from ..explain import Span, Style, paragraph

    for each in made.repositories:
        scheme, _, path = each.baseurl.partition("://")
        if scheme == "file":
            text = (
                f"The repository {each.id} is {path} of this machine, which a build does not see: "
                f"name its URL, or add --volume {path}:{path}:ro,z to what build.sh is called with."
            )
            yield paragraph(Span("! ", Style.WARNING), text, hang=2)


def profile_of(lock: Lock, named: str | None) -> tuple[Profile, list[Block]]:
    """The profile that a lock was made from, with a warning where it has changed since."""
    from ..explain import Span, Style, blank, paragraph
    from ..inputs.profiles import load_profile

    try:
        profile = load_profile(named or lock.settings.profile)
    except InputError as error:
        if named or error.code is not Code.UNKNOWN_APPLICATION:
            raise
        raise InputError(
            error.code,
            f"the lock was made from the profile {lock.settings.profile!r}, which is not shipped",
            hint="name its file with --profile",
        ) from None
    if profile.name != lock.settings.profile:
        raise InputError(
            Code.BAD_OPTION,
            f"the lock was made from the profile {lock.settings.profile!r}, not {profile.name!r}",
            place=Place("--profile"),
        )
    if profile.digest == lock.settings.profile_sha256:
        return profile, []
    text = (
        f"The profile {profile.name} is not as it was when the lock was made. How the application "
        "is run is taken from what it says now."
    )
    return profile, [blank(), paragraph(Span("! ", Style.WARNING), text, hang=2)]


def _release(lock: Lock) -> str:
    from ..inputs.base_definitions import find_definition

    definition = find_definition(lock.plan.base)
    dist = definition.dist.lstrip(".") if definition else ""
    if definition is None and not lock.settings.base_release:
        return ""
    return releasever(lock, definition, dist)


def _repositories(lock: Lock, given: _Given, file: Path) -> Iterator[MockRepository]:
    """The base's repositories and those on top of it, with keys as an image has them."""
    from ..inputs.base_definitions import find_definition

    keys = _keys(given.keys)
    settings = read_settings({"repos": given.repos} if given.repos else {})
    definition = find_definition(lock.plan.base)
    own = frozenset[str]()
    if definition is not None:
        own = definition.may_be_given
        key = definition.image_gpgkeys or (_IMAGE_KEY.format(release=_release(lock)),)
        keys = dict.fromkeys([*(each.id for each in definition.repositories), *own], key) | keys
        yield from of_base(definition, "", keys)
    for each in overlays(lock, settings.repos, given.repos, file):
        yield overlay(each, keys, own=own)


def _keys(texts: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """``NAME=URL`` texts as keys by the repository that they sign. Paths are the image's."""
    faults, found = ErrorCollector(Code.BAD_OPTION), dict[str, tuple[str, ...]]()
    for text in texts:
        name, _, address = text.partition("=")
        if not name or not address:
            faults.add(f"{text!r} names no key", Place("--gpg-key"), "write NAME=URL")
        else:
            found[name] = (*found.get(name, ()), address)
    faults.raise_if_any("the keys cannot be used")
    return found


def files_below(directory: Path) -> tuple[LockedFile, ...]:
    """The RPM files below a directory, with their paths in it."""
    from ..emit.locked_files import LockedFile
    from ..inputs.rpm_headers import read_rpm_files

    top, found = directory.resolve(), []
    for file in read_rpm_files([directory]):
        inside = file.path.is_relative_to(top)
        path = PurePosixPath(file.path.relative_to(top) if inside else file.path.name)
        found.append(LockedFile(file.header, path))
    return tuple(sorted(found))


# -- what is shown ---------------------------------------------------------------------------------


def _told(
    lock: Lock,
    made: ImageSettings,
    given: _Given,
    written: Written,
    below: KernelPair | None = None,
) -> Iterator[Block]:
    from ..emit.containers import host_needs, without_repository
    from ..explain import Span, Style, paragraph
    from ..model.kernel import is_brought
    from ..model.wording import first_few

    yield paragraph(
        Span("✓ ", Style.GOOD),
        Span(str(given.directory), Style.NAME),
        f" holds a Containerfile for {lock.plan.application} {lock.plan.version}. "
        f"Files: {written.counted}.",
        hang=2,
    )
    for need in host_needs(lock.plan):
        yield paragraph(Span("! ", Style.WARNING), f"The machine needs {need}.", hang=2)
    if below and any(is_brought(needed.requirement, below) for needed in lock.plan.host):
        text = (
            f"Of it the image has the module, {below.module.name} {below.written}; user space and "
            "firmware must be of that version."
        )
        yield paragraph(text, indent=2)
    lost = without_repository(lock.plan, made)
    if lost:
        told = first_few(lost, _MOST_SHOWN)
        text = f"{told}: in no repository of this image; --repo and --gpg-key name theirs."
        yield paragraph(Span("! ", Style.WARNING), text, hang=2)
    yield from next_steps(_steps(lock, made, given))


def _steps(lock: Lock, made: ImageSettings, given: _Given) -> Iterator[Step]:
    """What makes the image, runs it and publishes it."""
    from ..emit.containers import image_name, run_options

    image = image_name(lock.plan)
    packages = "MOCK-DIRECTORY" if made.builder_image else "STREAM-REPOSITORY"
    packages = str(given.rpms) if given.rpms else packages
    yield shlex.join([f"{given.directory}/build.sh", packages, image]), "builds it"
    if not made.prefix and lock.plan.kernel_pair is None and made.image.entrypoint:
        yield shlex.join(["podman", "run", *run_options(lock.plan), image]), "runs it"
    target = ["skopeo", "copy", f"containers-storage:{image}", "docker://REGISTRY/NAME:TAG"]
    yield shlex.join(target), "publishes it"
