"""What ``streamsolve emit mock`` lets one say, and what mock is told from it and from the lock."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import rich_click as click

from ..errors import Code, ErrorCollector, Place, nearest
from .mock_base import (
    address_of,
    of_base,
    overlay,
    overlays,
    platform,
    releasever,
    source_date_epoch,
)
from .options import further_repo_option

if TYPE_CHECKING:
    from ..building.bootstrap_image import LocalImage
    from ..emit import MockSettings, Switch
    from ..lock import Lock

__all__ = ["MOCK_OPTION_GROUPS", "MockOptions", "local_image", "mock_options", "mock_settings"]

C = TypeVar("C", bound=Callable[..., object])

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

_REPOSITORIES = (
    click.option(
        "--standalone",
        is_flag=True,
        help="Name all repositories in each configuration instead of including the distribution's.",
    ),
    click.option(
        "--template",
        metavar="FILE.cfg",
        help="Which configuration of the distribution to include; BASE-ARCH.cfg if nothing is "
        "said.",
    ),
    click.option(
        "--stream-repo",
        metavar="URL",
        default="",
        help="Where built packages are published; DIR/repo if nothing is said.",
    ),
    further_repo_option,
    click.option(
        "--gpg-key",
        "keys",
        metavar="NAME=URL",
        multiple=True,
        help="A key that signs the packages of the repository NAME (streamsolve is that of "
        "--stream-repo); may be given again.",
    ),
    click.option(
        "--module",
        "modules",
        metavar="ACTION:NAME:STREAM",
        multiple=True,
        help="A module command for every root, such as enable:nodejs:20; may be given again.",
    ),
)
_BUILDS = (
    click.option("--prefix", metavar="DIR", default="", help="Install everything under DIR."),
    click.option(
        "--macro",
        "macros",
        metavar="NAME=VALUE",
        multiple=True,
        help="A macro of RPM for every build, such as debug_package=%{nil}; may be given again.",
    ),
    click.option(
        "--with",
        "on",
        metavar="COMPONENT:SWITCH",
        multiple=True,
        help="Build COMPONENT with a switch of its spec on; may be given again.",
    ),
    click.option(
        "--without",
        "off",
        metavar="COMPONENT:SWITCH",
        multiple=True,
        help="Build COMPONENT with a switch of its spec off; may be given again.",
    ),
    click.option(
        "--isolation",
        metavar="HOW",
        type=click.Choice(["auto", "nspawn", "simple"]),
        default="auto",
        help="How mock keeps builds apart: auto (the usual), nspawn or simple.",
    ),
    click.option(
        "--package-manager",
        metavar="DNF",
        type=click.Choice(["dnf5", "dnf4", "dnf"]),
        default="dnf5",
        help="What installs packages: dnf5 (the usual), dnf4 or dnf.",
    ),
)
_BOOTSTRAP = (
    click.option(
        "--no-bootstrap",
        is_flag=True,
        help="Let this machine's dnf install packages, not one in a bootstrap root.",
    ),
    click.option(
        "--bootstrap-image",
        metavar="IMAGE",
        default="",
        help="The container image that mock begins with; without one, --standalone uses none.",
    ),
    click.option(
        "--bootstrap-digest",
        metavar="sha256:…",
        default="",
        help="Which content --bootstrap-image must have: the digest of its manifest.",
    ),
    click.option(
        "--bootstrap-oci",
        metavar="DIR[:TAG]",
        default="",
        help="An OCI layout that holds --bootstrap-image, for --rpms and --hermetic.",
    ),
)
MOCK_OPTION_GROUPS = {
    "Repositories": [
        "--standalone",
        "--template",
        "--stream-repo",
        "--repo",
        "--gpg-key",
        "--module",
    ],
    "Builds": ["--prefix", "--macro", "--with", "--without", "--isolation", "--package-manager"],
    "The bootstrap root": [
        "--no-bootstrap",
        "--bootstrap-image",
        "--bootstrap-digest",
        "--bootstrap-oci",
    ],
}
"""The options under headings, as help shows them."""


def mock_options(command: C) -> C:
    """Add the options that say what mock is told; :class:`MockOptions` has their values."""
    for option in reversed((*_REPOSITORIES, *_BUILDS, *_BOOTSTRAP)):
        command = option(command)
    return command


class MockOptions(NamedTuple):
    """The values of those options, as they were typed. (No attrs: help does without it.)"""

    standalone: bool = False
    template: str | None = None
    stream_repo: str = ""
    repos: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    prefix: str = ""
    macros: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    isolation: str = "auto"
    package_manager: str = "dnf5"
    no_bootstrap: bool = False
    bootstrap_image: str = ""
    bootstrap_digest: str = ""
    bootstrap_oci: str = ""


def mock_settings(
    lock: Lock, given: MockOptions, known: Sequence[tuple[str, str]], file: Path
) -> MockSettings:
    """What mock is told: from the definition of the lock's base, where there is one, and from what
    was asked for. ``known`` are the repositories that options and settings name.

    Raises :class:`InputErrors` (``BAD_OPTION``) with every option that cannot be used.
    """
    from ..emit import MockSettings
    from ..inputs.base_definitions import find_definition

    _check_together(given)
    keys = _keys(given.keys)
    above = overlays(lock, known, given.repos, file)
    definition = find_definition(lock.plan.base)
    dist = definition.dist.lstrip(".") if definition else ""
    own = definition.may_be_given if definition else frozenset[str]()
    usual = {each.name: each.gpgkeys for each in above if each.gpgkeys}
    if definition and definition.gpgkeys:
        usual |= dict.fromkeys(own, definition.gpgkeys)
    repositories = [
        *(of_base(definition, dist, keys) if definition else ()),
        *(overlay(each, usual | keys, own=own) for each in above),
    ]
    template = given.template or f"{lock.plan.base}-{lock.plan.arch}.cfg"
    return MockSettings(
        releasever(lock, definition, dist),
        dist,
        tuple(repositories),
        template="" if given.standalone else template,
        stream_repository=given.stream_repo,
        stream_gpgkeys=keys.get("streamsolve", ()),
        platform=platform(dist),
        package_manager=given.package_manager,
        isolation=given.isolation,
        bootstrap=not given.no_bootstrap,
        bootstrap_image=_pinned(given),
        prefix=given.prefix,
        source_date_epoch=source_date_epoch(),
        modules=(*_locked_modules(lock), *_modules(given.modules)),
        macros=_macros(given.macros),
        switches=_switches(lock, given),
        gpu=lock.settings.gpu,
    )


def local_image(lock: Lock, given: MockOptions) -> LocalImage | None:
    """The image of ``--bootstrap-oci``, or None where there is none."""
    if not given.bootstrap_oci:
        return None
    from ..building.bootstrap_image import read_bootstrap_image
    from ..oci.layout_files import layout_location

    directory, tag = layout_location(given.bootstrap_oci)
    return read_bootstrap_image(
        given.bootstrap_image,
        directory.expanduser(),
        arch=lock.plan.arch,
        tag=tag,
        digest=given.bootstrap_digest,
    )


# -- what was typed --------------------------------------------------------------------------------


def _check_together(given: MockOptions) -> None:
    faults = ErrorCollector(Code.BAD_OPTION)
    place = Place()
    if given.standalone and given.template:
        faults.add("--standalone and --template cannot be given together", place)
    if given.no_bootstrap and given.bootstrap_image:
        faults.add("--no-bootstrap and --bootstrap-image cannot be given together", place)
    for option, value in (
        ("--bootstrap-digest", given.bootstrap_digest),
        ("--bootstrap-oci", given.bootstrap_oci),
    ):
        if value and not given.bootstrap_image:
            faults.add(f"{option} needs the name of the image", place, "add --bootstrap-image NAME")
    if given.bootstrap_digest and not _DIGEST.fullmatch(given.bootstrap_digest):
        faults.add(
            f"{given.bootstrap_digest!r} is no digest",
            Place("--bootstrap-digest"),
            "write sha256: and 64 hexadecimal digits",
        )
    if given.bootstrap_digest and "@" in given.bootstrap_image:
        faults.add("the image has a digest in its name already", Place("--bootstrap-digest"))
    faults.raise_if_any("the options cannot be used")


def _pinned(given: MockOptions) -> str:
    """The image as the configurations name it: by digest, which leaves no use for a tag."""
    if not given.bootstrap_digest:
        return given.bootstrap_image
    directory, slash, last = given.bootstrap_image.rpartition("/")
    return f"{directory}{slash}{last.partition(':')[0]}@{given.bootstrap_digest}"


def _macros(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    faults, found = ErrorCollector(Code.BAD_OPTION), dict[str, str]()
    for text in texts:
        name, sign, value = text.partition("=")
        name = name.strip().removeprefix("%")
        if not name or not sign or not value:
            faults.add(f"{text!r} defines no macro", Place("--macro"), "write NAME=VALUE")
        elif f"%{name}" in found:
            faults.add(f"the macro {name!r} is defined twice", Place("--macro"))
        else:
            found[f"%{name}"] = value
    faults.raise_if_any("the macros cannot be used")
    return tuple(sorted(found.items()))


def _switches(lock: Lock, given: MockOptions) -> tuple[Switch, ...]:
    from ..emit import Switch

    faults, found = ErrorCollector(Code.BAD_OPTION), dict[tuple[str, str], bool]()
    builds = lock.plan.builds.builds if lock.plan.builds else ()
    known = {build.component.spelled for build in builds}
    for option, texts in (("--with", given.on), ("--without", given.off)):
        for text in texts:
            component, _, name = text.rpartition(":")
            place, key = Place(option), (component, name)
            if not component or not name:
                faults.add(f"{text!r} names no switch", place, "write COMPONENT:SWITCH")
            elif component not in known:
                faults.add(f"nothing builds {component!r}", place, nearest(component, known))
            elif found.setdefault(key, option == "--with") != (option == "--with"):
                faults.add(f"{text} is both on and off", place)
    faults.raise_if_any("the switches cannot be used")
    return tuple(sorted(Switch(*key, on) for key, on in found.items()))


def _locked_modules(lock: Lock) -> Iterator[tuple[str, str]]:
    """The module streams that the lock was made with; those that the base recommends are enabled
    by themselves."""
    for module in lock.plan.enabled_modules:
        yield "enable", module.spelled


def _modules(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """``ACTION:NAME:STREAM`` texts in their order, in which mock runs them."""
    faults, found = ErrorCollector(Code.BAD_OPTION), list[tuple[str, str]]()
    for text in texts:
        action, _, stream = text.partition(":")
        if not action or not stream:
            hint = "write ACTION:NAME:STREAM, such as enable:nodejs:20"
            faults.add(f"{text!r} is no module command", Place("--module"), hint)
        else:
            found.append((action, stream))
    faults.raise_if_any("the module commands cannot be used")
    return tuple(found)


def _keys(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """``NAME=URL`` texts as keys by the repository that they sign."""
    faults, found = ErrorCollector(Code.BAD_OPTION), dict[str, tuple[str, ...]]()
    for text in texts:
        name, _, address = text.partition("=")
        if not name or not address:
            faults.add(f"{text!r} names no key", Place("--gpg-key"), "write NAME=URL")
            continue
        found[name] = (*found.get(name, ()), address_of(address))
    faults.raise_if_any("the keys cannot be used")
    return found
