"""The words of other tools' locks: names, versions, checksums and sources of packages.

Each reader gives the value, or raises :class:`~streamsolve.inputs.tables.Unreadable`. Names and
versions end in package URLs and in specs, so that nothing but what the registries allow is let in.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import Code, InputError, Place
from ..model.vendored import Ecosystem, VendoredPackage, joined_packages
from .tables import Unreadable
from .toml_places import TomlDocument, parse_toml

__all__ = [
    "LARGEST_LOCK",
    "checksum_of_integrity",
    "commit_of",
    "git_source",
    "is_git",
    "join",
    "json_object",
    "line_of",
    "read_bounded",
    "read_checksum",
    "read_package_version",
    "read_vendored_name",
    "shown",
    "toml_document",
]

LARGEST_LOCK = 64 << 20
"""In characters; a lock of ten thousand packages is a tenth of it."""

_SHOWN = 60
_LONGEST_VERSION = 200
_LONGEST_SOURCE = 1000
_NAMES = {
    # The longest are those that crates' and npm's registries take.
    Ecosystem.CARGO: (re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", re.ASCII), "a crate"),
    Ecosystem.NPM: (
        re.compile(
            r"(?=.{1,214}\Z)(?:@[A-Za-z0-9_~-][A-Za-z0-9._~-]*/)?[A-Za-z0-9_~-][A-Za-z0-9._~-]*",
            re.ASCII,
        ),
        "an npm package",
    ),
}
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(
    rf"[0-9]{{1,20}}\.[0-9]{{1,20}}\.[0-9]{{1,20}}(?:-{_IDENTIFIERS})?(?:\+{_IDENTIFIERS})?",
    re.ASCII,
)
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)
_SOURCE = re.compile(r"git\+[a-z]+://[A-Za-z0-9._~:/+-]+#[0-9a-f]{40,64}", re.ASCII)
_SHORT_HOSTS = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}
_HEXADECIMAL = {"sha256": 64, "sha512": 128}


def shown(text: object) -> str:
    """A value as a message tells it: cut, and without anything that a terminal obeys."""
    told = str(text)
    return ascii(told if len(told) <= _SHOWN else f"{told[:_SHOWN]}...")


def line_of(text: str, written: str) -> int:
    """The line, from 1, where something is first written; 0 where it is nowhere."""
    at = text.find(written)
    return text.count("\n", 0, at) + 1 if at >= 0 else 0


def join(packages: Iterable[VendoredPackage], *, file: str) -> tuple[VendoredPackage, ...]:
    """Each package once, sorted; :class:`InputError` where two checksums are stated for one."""
    try:
        return joined_packages(packages)
    except ValueError as error:
        raise InputError(Code.BROKEN_FOREIGN_LOCK, str(error), place=Place(file)) from None


def json_object(text: str, *, file: str) -> dict[str, Any]:
    """The object that a lock in JSON is. :class:`InputError` for anything else, and for a key that
    an object has twice: readers would not agree on which counts."""
    code = Code.BROKEN_FOREIGN_LOCK
    if len(text) > LARGEST_LOCK:
        raise InputError(code, f"more than {LARGEST_LOCK >> 20} MiB", place=Place(file))

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
            line = line_of(text, json.dumps(twice))
            raise InputError(
                code, f"an object has the key {shown(twice)} twice", place=Place(file, line)
            )
        return found

    try:
        found = json.loads(text, object_pairs_hook=members)
    except json.JSONDecodeError as error:
        message = f"no JSON: {error.msg} in column {error.colno}"
        raise InputError(code, message, place=Place(file, error.lineno)) from None
    except (RecursionError, ValueError):
        message = "nested too deeply, or with a number that is too long"
        raise InputError(code, message, place=Place(file)) from None
    if not isinstance(found, dict):
        raise InputError(code, "no JSON object", place=Place(file, 1))
    return found


def toml_document(text: str, *, file: str) -> TomlDocument:
    """The document of a lock in TOML. :class:`InputError` that shows the line at fault only where
    that can be shown."""
    code = Code.BROKEN_FOREIGN_LOCK
    if len(text) > LARGEST_LOCK:
        raise InputError(code, f"more than {LARGEST_LOCK >> 20} MiB", place=Place(file))
    try:
        return parse_toml(text, file=file, code=code)
    except InputError as error:
        source, _, caret = error.hint.partition("\n")
        if source.replace("\t", " ").isprintable() and len(source) <= 2 * _SHOWN:
            raise
        line = shown(source) if caret else ""
        raise InputError(
            code, error.message[:_LONGEST_SOURCE], place=error.place, hint=line
        ) from None


def read_bounded(path: Path, largest: int, top: Path, *, shown_as: str) -> str:
    """The text of a file below ``top``, a file and no more than that. :class:`InputError` for one
    that is larger, no UTF-8, or lies elsewhere behind a link."""
    place = Place(shown_as)
    try:
        if not path.resolve().is_relative_to(top.resolve()) or not path.is_file():
            raise InputError(Code.BROKEN_FOREIGN_LOCK, "it lies elsewhere", place=place)
        with path.open("rb") as stream:
            content = stream.read(largest + 1)
        if len(content) > largest:
            message = f"more than {largest >> 20} MiB"
            raise InputError(Code.BROKEN_FOREIGN_LOCK, message, place=place)
        return content.decode()
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise InputError(Code.BROKEN_FOREIGN_LOCK, message, place=place) from None
    except UnicodeDecodeError:
        raise InputError(Code.BROKEN_FOREIGN_LOCK, "no UTF-8", place=place) from None


def read_vendored_name(ecosystem: Ecosystem, name: Any) -> str:  # noqa: ANN401
    """A name that the ecosystem's registry would take."""
    pattern, what = _NAMES[ecosystem]
    if not isinstance(name, str) or not pattern.fullmatch(name):
        raise Unreadable(f"{shown(name)} is no name of {what}")
    return name


def read_package_version(version: Any) -> str:  # noqa: ANN401
    """A version as Semantic Versioning has it, or a commit."""
    if (
        not isinstance(version, str)
        or len(version) > _LONGEST_VERSION
        or not (_VERSION.fullmatch(version) or _COMMIT.fullmatch(version))
    ):
        raise Unreadable(f"{shown(version)} is no version", "such as 1.2.3 or 1.0.0-rc.1")
    return version


def read_checksum(checksum: Any) -> str:  # noqa: ANN401
    """``sha256:`` or ``sha512:`` and hexadecimal."""
    algorithm, _, digest = checksum.partition(":") if isinstance(checksum, str) else ("", "", "")
    length = _HEXADECIMAL.get(algorithm)
    if length is None or not re.fullmatch(rf"[0-9a-f]{{{length}}}", digest, re.ASCII):
        raise Unreadable(f"{shown(checksum)} is no checksum", "'sha256:' or 'sha512:', hexadecimal")
    return str(checksum)


def checksum_of_integrity(integrity: Any) -> str:  # noqa: ANN401
    """The strongest checksum of an npm ``integrity``; empty where it has none but weaker ones, such
    as the sha1 of old locks, which proves nothing."""
    if integrity is None:
        return ""
    if not isinstance(integrity, str) or len(integrity) > _LONGEST_SOURCE:
        raise Unreadable(f"{shown(integrity)} is no integrity")
    found = ""
    for word in sorted(integrity.split()):
        algorithm, _, rest = word.partition("-")
        if algorithm not in _HEXADECIMAL:
            continue
        try:
            digest = base64.b64decode(rest.partition("?")[0], validate=True).hex()
        except (binascii.Error, ValueError):
            raise Unreadable(f"{shown(word)} is no integrity") from None
        found = read_checksum(f"{algorithm}:{digest}")
    return found


def is_git(address: str) -> bool:
    """Whether an address is that of a git repository, as npm and pnpm write it."""
    return address.startswith(("git+", "git://", "git@")) or bool(
        re.match(r"(?:github|gitlab|bitbucket):", address)
    )


def commit_of(source: str) -> str:
    """The commit of a source that is a git repository; empty for any other."""
    return source.rpartition("#")[2]


def git_source(address: str, commit: str) -> str:
    """``git+https://HOST/PATH#COMMIT``: without user, password, branch or tag, since only the
    commit says what is meant."""
    address = address.removeprefix("git+")
    short = re.fullmatch(r"(github|gitlab|bitbucket):(.+)", address)
    if short:
        address = f"https://{_SHORT_HOSTS[short[1]]}/{short[2]}"
    # With ssh:// a number after the host is a port, as in any address; npm has a path there else.
    by_ssh = re.fullmatch(r"(?:ssh://)?git@([^/:]+)[:/](.+)", address)
    if by_ssh and not re.match(r"ssh://git@[^/:]+:[0-9]+/", address):
        address = f"ssh://{by_ssh[1]}/{by_ssh[2]}"
    try:
        parts = urlsplit(address)
        source = f"git+{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}#{commit}"
    except ValueError:
        source = ""
    if len(source) > _LONGEST_SOURCE or not _SOURCE.fullmatch(source):
        raise Unreadable(f"{shown(address)} with commit {shown(commit)} is no git source")
    return source
