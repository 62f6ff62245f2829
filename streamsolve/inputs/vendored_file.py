"""The list of what a stream carries, that a profile names: text that a person can read and diff.

Goals of the format: one line per package, so that an update changes the lines of what changed; the
same bytes for the same content; nothing in it that another tool's lock would have to be read for.

JSON Lines, sorted; members that say nothing are left out::

    {"schema":"streamsolve.vendored/1"}
    {"ecosystem":"cargo","name":"serde","version":"1.0.228","licence":"MIT OR Apache-2.0",
     "checksum":"sha256:9a…"}
    {"ecosystem":"npm","name":"@types/node","version":"20.1.0","development":true}

(One line here is shown as two.) ``source`` is the repository and the commit of what no registry
has; ``licence_of`` is the version whose licence that is, where it is not its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..errors import Code, ErrorCollector, InputError, Place, nearest
from ..model.vendored import Ecosystem, VendoredPackage
from ..model.vendored_licence import is_expression
from .tables import Unreadable
from .vendored_words import (
    LARGEST_LOCK,
    commit_of,
    git_source,
    read_checksum,
    read_package_version,
    read_vendored_name,
    shown,
)

__all__ = ["VENDORED_SCHEMA", "parse_vendored", "vendored_text"]

VENDORED_SCHEMA = "streamsolve.vendored/1"
_TEXTS = ("ecosystem", "name", "version", "source", "licence", "checksum", "licence_of")
_NEEDED = ("ecosystem", "name", "version")
_KNOWN = (*_TEXTS, "development")
_AGAIN = "make it again with `streamsolve vendored LOCK -o FILE`"


def vendored_text(packages: Iterable[VendoredPackage]) -> str:
    """The text of a list: the same for the same packages, in whatever order they come."""
    lines: list[dict[str, Any]] = [{"schema": VENDORED_SCHEMA}]
    lines += [_members(each) for each in sorted(set(packages))]
    return "".join(f"{_encode(line)}\n" for line in lines)


def _members(package: VendoredPackage) -> dict[str, Any]:
    members = {
        "ecosystem": package.ecosystem.value,
        "name": package.name,
        "version": package.version,
        "source": package.source,
        "licence": package.licence,
        "licence_of": package.licence_of,
        "checksum": package.checksum,
        "development": package.development,
    }
    return {key: value for key, value in members.items() if value}


def _encode(line: dict[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def parse_vendored(text: str, *, file: str) -> tuple[VendoredPackage, ...]:
    """Read a list, sorted; ``file`` is what places call it.

    :class:`InputErrors` with every fault and its line, a package that is there twice among them.
    """
    faults = ErrorCollector(Code.BROKEN_VENDORED)
    if len(text) > LARGEST_LOCK:
        raise _fault(f"more than {LARGEST_LOCK >> 20} MiB", Place(file))
    header, _, rest = text.partition("\n")
    first = _decoded(header, Place(file, 1))
    if first.get("schema") != VENDORED_SCHEMA:
        raise _fault(f"it does not begin with the schema {VENDORED_SCHEMA!r}", Place(file, 1))
    found: list[VendoredPackage] = []
    seen: dict[tuple[Ecosystem, str, str, str], int] = {}
    for number, line in enumerate(rest.split("\n"), 2):
        if not line:
            continue
        place = Place(file, number)
        with faults.collect():
            package = _package(_decoded(line, place), place)
            if package.identity in seen:
                earlier = seen[package.identity]
                raise _fault(f"{package} is there twice, first in line {earlier}", place)
            seen[package.identity] = number
            found.append(package)
    faults.raise_if_any(f"{file} is no list of vendored packages that can be used")
    return tuple(sorted(found))


def _fault(message: str, place: Place, hint: str = _AGAIN) -> InputError:
    return InputError(Code.BROKEN_VENDORED, message, place=place, hint=hint)


def _decoded(line: str, place: Place) -> dict[str, Any]:
    twice: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            twice.append("it has a key twice")
        return dict(pairs)

    try:
        decoded = json.loads(line, object_pairs_hook=members)
    except (ValueError, RecursionError):
        raise _fault(f"it is no JSON: {shown(line)}", place) from None
    if not isinstance(decoded, dict) or twice:
        raise _fault(twice[0] if twice else "it is no JSON object", place)
    return decoded


def _package(members: dict[str, Any], place: Place) -> VendoredPackage:
    for key in members:
        if key not in _KNOWN:
            raise _fault(f"unknown key {shown(key)}", place, nearest(key, _KNOWN))
    for key in _NEEDED:
        if key not in members:
            raise _fault(f"the key {key!r} is missing", place)
    if not isinstance(members.get("development", False), bool):
        raise _fault("development is neither true nor false", place)
    texts = {key: members.get(key, "") for key in _TEXTS}
    for key, value in texts.items():
        if not isinstance(value, str):
            raise _fault(f"{key} is no text", place)
    try:
        return _read(texts, development=members.get("development", False))
    except Unreadable as error:
        raise _fault(error.message, place, error.hint or _AGAIN) from None


def _read(texts: dict[str, str], *, development: bool) -> VendoredPackage:
    known = [each.value for each in Ecosystem]
    if texts["ecosystem"] not in known:
        raise Unreadable(
            f"unknown ecosystem {shown(texts['ecosystem'])}", nearest(texts["ecosystem"], known)
        )
    ecosystem = Ecosystem(texts["ecosystem"])
    source, licence, licence_of = texts["source"], texts["licence"], texts["licence_of"]
    if licence and not is_expression(licence):
        raise Unreadable(
            f"{shown(licence)} is no SPDX licence expression in its canonical spelling",
            "write 'LicenseRef-NAME' for a licence that SPDX does not list",
        )
    if source and git_source(source.partition("#")[0], commit_of(source)) != source:
        raise Unreadable(f"{shown(source)} is no git source", "git+https://HOST/PATH#COMMIT")
    if licence_of and not licence:
        raise Unreadable("there is no licence that could be of another version")
    return VendoredPackage(
        ecosystem=ecosystem,
        name=read_vendored_name(ecosystem, texts["name"]),
        version=read_package_version(texts["version"]),
        source=source,
        licence=licence,
        checksum=read_checksum(texts["checksum"]) if texts["checksum"] else "",
        development=development,
        licence_of=read_package_version(licence_of) if licence_of else "",
    )
