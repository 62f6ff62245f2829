"""What an image needs to know that no lock says: where packages are, and what it is made on."""

from __future__ import annotations

import re

from attrs import field, frozen

from ...model.layer_groups import LayerGroup
from ...model.profile import Image
from .. import grammar
from ..grammar import Grammar, Refusals
from ..locked_files import LockedFile
from ..mock_settings import MockRepository

__all__ = [
    "BASE_IMAGE",
    "LABEL",
    "REPOSITORY_OF_PACKAGES",
    "ImageSettings",
    "KernelModule",
    "base_image_parts",
    "check_image_settings",
    "user_of",
]

REPOSITORY_OF_PACKAGES = "streamsolve"
"""The id of the repository in the build context ``packages``."""

_RESERVED = ("main", REPOSITORY_OF_PACKAGES)
_LARGEST_PORT = 65535

BASE_IMAGE = Grammar(
    re.compile(
        r"(?P<name>[a-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?(?:/[a-z0-9][a-z0-9._-]*)*)"
        r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?@(?P<digest>sha256:[0-9a-f]{64})",
        re.ASCII,
    ),
    "the name of an image with its digest, NAME@sha256:…",
    300,
)
_TAGGED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*", re.ASCII)
LABEL = Grammar(
    re.compile(r"[^\x00-\x1f\x7f-\x9f\"'\\$`\u2028\u2029\ud800-\udfff]*"),
    "one line without quotes, '$', '`' and '\\'",
    1000,
)
_WORD = Grammar(
    re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+"), "a word of one line", 1000
)
_VARIABLE = Grammar(
    re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII), "the name of a variable of the environment"
)
_USER = Grammar(
    re.compile(r"[a-z_][a-z0-9_-]{0,30}", re.ASCII), "the name of a user, in lower case", 31
)
_REVISION = Grammar(re.compile(r"(?:[A-Za-z0-9._+/-]|\{version\})+", re.ASCII), "a revision")
_PATH = Grammar(
    re.compile(
        r"[A-Za-z0-9_][A-Za-z0-9._+~^@%=,:-]*(?:/[A-Za-z0-9_][A-Za-z0-9._+~^@%=,:-]*)*", re.ASCII
    ),
    "the path of a package",
    1000,
)
_MODULE = Grammar(re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*", re.ASCII), "a kernel module", 80)
_VERSION = Grammar(re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII), "a version of a driver", 40)


@frozen
class KernelModule:
    """A kernel module that a bootable image gets: the package without the kernel's version
    (``kmod-nvidia``), and the version that it is in that package, where it is known."""

    name: str
    package: str
    version: str = ""


@frozen
class ImageSettings:
    """How to write an image.

    ``base_image`` is ``NAME@sha256:…``; a tag may stand before the digest. ``files`` are the RPM
    files that it is made of; None where its packages come from ``repositories``, which are those of
    the base and on top of it, and the private ones from the build context ``packages``.
    ``lock_digest`` is the lock's (``sha256:…``), ``title`` one line about the application, and
    ``image`` what its profile says. With ``builder_image`` (``NAME@sha256:…``, an image with mock)
    a stage builds the private packages from what ``emit mock`` wrote. ``prefix`` and
    ``kernel_modules`` are for bootable images. ``layers`` are the packages of each layer, of the
    plan that is written out; one layer for each kind if there are none. ``source_date_epoch`` is in
    seconds; None leaves the time out.
    """

    base_image: str
    lock_digest: str
    image: Image = field(factory=Image)
    title: str = ""
    releasever: str = ""
    repositories: tuple[MockRepository, ...] = ()
    files: tuple[LockedFile, ...] | None = None
    builder_image: str = ""
    prefix: str = ""
    kernel_modules: tuple[KernelModule, ...] = ()
    source_date_epoch: int | None = None
    layers: tuple[LayerGroup, ...] = ()


def base_image_parts(text: str) -> tuple[str, str, str]:
    """Name, tag (may be empty) and digest of a base image; ValueError if it is none."""
    match = BASE_IMAGE.pattern.fullmatch(text)
    if match is None:
        raise ValueError(f"no image with a digest: {text!r}")
    return match["name"], match["tag"] or "", match["digest"]


def user_of(settings: ImageSettings, application: str) -> str:
    """Who the application runs as."""
    return settings.image.user or application


def check_image_settings(settings: ImageSettings, application: str, refusals: Refusals) -> None:
    """Note every value that cannot be written out."""
    _check_pinned(settings.base_image, "base_image", refusals)
    if settings.builder_image:
        _check_pinned(settings.builder_image, "builder_image", refusals)
        if settings.files is not None:
            refusals.note("what is at hand is not built again", "builder_image")
    check = refusals.check
    check(settings.title, LABEL, "title")
    check(settings.lock_digest.removeprefix("sha256:"), _HEXADECIMAL, "digest")
    if settings.releasever:
        check(settings.releasever, grammar.RELEASE, "releasever")
    if settings.prefix:
        check(settings.prefix, grammar.DIRECTORY, "prefix")
    if settings.source_date_epoch is not None and settings.source_date_epoch < 0:
        refusals.note("it is before 1970", "source_date_epoch")
    _check_image(settings, application, refusals)
    _check_repositories(settings, refusals)
    for number, module in enumerate(settings.kernel_modules):
        check(module.name, _MODULE, f"kernel_modules[{number}].name")
        check(module.package, grammar.PACKAGE, f"kernel_modules[{number}].package")
        if module.version:
            check(module.version, _VERSION, f"kernel_modules[{number}].version")
    for file in settings.files or ():
        path = f"file {grammar.shown(str(file.path))}"
        check(str(file.path), _PATH, path)
        check(file.header.name, grammar.PACKAGE, path)
        check(file.header.evr, grammar.EVR, path)
        check(file.header.arch, grammar.ARCHITECTURE, path)
        check(file.header.sha256, _HEXADECIMAL, path)


_HEXADECIMAL = Grammar(re.compile(r"[0-9a-f]{64}", re.ASCII), "a sha256 in hexadecimal")


def _check_pinned(text: str, path: str, refusals: Refusals) -> None:
    if BASE_IMAGE.allows(text):
        return
    shown, hint = grammar.shown(text), f"write it as {BASE_IMAGE.expected}"
    if _TAGGED.fullmatch(text) and len(text) <= BASE_IMAGE.longest:
        refusals.note(
            f"{shown} has no digest, and what a tag stands for changes from day to day",
            path,
            f"skopeo inspect --format '{{{{.Name}}}}@{{{{.Digest}}}}' docker://{text}",
        )
    else:
        refusals.note(f"{shown} is not {BASE_IMAGE.expected}", path, hint)


def _check_image(settings: ImageSettings, application: str, refusals: Refusals) -> None:
    """What the profile says."""
    image, check = settings.image, refusals.check
    user = user_of(settings, application)
    check(user, _USER, "image.user")
    if user == "root":
        refusals.note("an application in an image does not run as root", "image.user")
    for part in ("entrypoint", "command"):
        for number, word in enumerate(getattr(image, part)):
            check(word, _WORD, f"image.{part}[{number}]")
    for name, value in sorted(image.environment.items()):
        check(name, _VARIABLE, "image.environment")
        check(value, LABEL, f"image.environment.{grammar.shown(name)}")
    for number, port in enumerate(image.ports):
        if not 1 <= port <= _LARGEST_PORT:
            refusals.note(f"{port} is no port", f"image.ports[{number}]")
    if image.source:
        check(image.source, grammar.URL, "image.source")
    if image.revision:
        check(image.revision, _REVISION, "image.revision")


def _check_repositories(settings: ImageSettings, refusals: Refusals) -> None:
    seen = set(_RESERVED)
    for number, repository in enumerate(settings.repositories):
        path = f"repositories[{number}]"
        refusals.check(repository.id, grammar.NAME, f"{path}.id")
        if repository.id in seen:
            refusals.note(f"{grammar.shown(repository.id)} is there twice", f"{path}.id")
        seen.add(repository.id)
        if len(repository.addresses) != 1:
            refusals.note("exactly one of baseurl, metalink and mirrorlist is needed", path)
        for part, address in repository.addresses:
            refusals.check(address, grammar.URL, f"{path}.{part}")
        for at, key in enumerate(repository.gpgkeys):
            refusals.check(key, grammar.URL, f"{path}.gpgkeys[{at}]")
        if not repository.gpgkeys:
            refusals.note(
                "packages are used only if their signature is checked, and no key is named",
                f"{path}.gpgkeys",
                f"add --gpg-key {repository.id}=URL",
            )
    if settings.files is None and not settings.repositories:
        refusals.note(
            "nothing says where the base's packages come from",
            "repositories",
            "give the RPM files with --rpms DIR, or the base a definition",
        )
