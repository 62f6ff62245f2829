"""``package-lock.json`` and ``npm-shrinkwrap.json``, versions 1 to 3: which npm packages an
application is installed with.

Versions 2 and 3 list each place in ``node_modules``; version 1 nests what lies inside what. A link
and what it leads to are the application's own workspaces, and are not vendored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, frozen

from ..errors import Code, ErrorCollector, InputError, Place
from ..model.vendored import Ecosystem, VendoredPackage
from ..model.vendored_licence import spdx_licence
from .tables import Unreadable
from .vendored_words import (
    checksum_of_integrity,
    commit_of,
    git_source,
    is_git,
    join,
    json_object,
    line_of,
    read_package_version,
    read_vendored_name,
    shown,
)

__all__ = ["NpmLock", "npm_licence", "parse_npm_lock"]

_NEWEST = 3
_INSTALLED = "node_modules/"
_ALIAS = "npm:"
_WITH_LINES = 100
_LOCAL = ("file:", "link:", "portal:", "workspace:")


@frozen
class NpmLock:
    """A lock that was read. ``name`` and ``version`` are the application's, empty where it has
    none; ``of_format`` is 1, 2 or 3; ``packages`` are sorted."""

    name: str
    version: str
    of_format: int
    packages: tuple[VendoredPackage, ...]


def parse_npm_lock(text: str, *, file: str) -> NpmLock:
    """Read a lock; ``file`` is what places call it. :class:`InputErrors` with every fault.

    Where both forms are there, as in version 2, the newer one counts, as it does for npm.
    """
    document = json_object(text, file=file)
    reader = _Reader(text, file, ErrorCollector(Code.BROKEN_FOREIGN_LOCK))
    of_format = reader.of_format(document)
    rows = reader.nested(document) if of_format == 1 else reader.flat(document)
    found = [each for row in rows if (each := reader.package(*row)) is not None]
    reader.faults.raise_if_any(f"{file} is no lock of npm that can be used")
    name, version = document.get("name"), document.get("version")
    return NpmLock(
        name if isinstance(name, str) else "",
        version if isinstance(version, str) else "",
        of_format,
        join(found, file=file),
    )


def npm_licence(members: Mapping[str, Any]) -> str:
    """The licence that a ``package.json`` states, in any of the forms that npm ever had; empty
    where it states none."""
    one = members.get("license", members.get("licence"))
    if isinstance(one, Mapping):
        one = one.get("type")
    if isinstance(one, str):
        return spdx_licence(one)
    several = members.get("licenses")
    if not isinstance(several, list):
        return ""
    # The old list of licences was one of choices.
    found = [each.get("type") if isinstance(each, Mapping) else each for each in several]
    texts = [spdx_licence(each) for each in found if isinstance(each, str)]
    return spdx_licence(" OR ".join(f"({each})" if " " in each else each for each in texts if each))


@define
class _Reader:
    text: str
    file: str
    faults: ErrorCollector

    def fault(self, message: str, key: str = "", hint: str = "") -> None:
        # Looking for a line reads the text again, which a lock of faults alone must not cost.
        is_early = len(self.faults.errors) < _WITH_LINES
        written = f"{json.dumps(key, ensure_ascii=False)}:"
        line = line_of(self.text, written) if key and is_early else 0
        self.faults.add(message, Place(self.file, line, shown(key)[1:-1] if key else ""), hint)

    def of_format(self, document: Mapping[str, Any]) -> int:
        found = document.get("lockfileVersion", 1)
        if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= _NEWEST:
            raise InputError(
                Code.BROKEN_FOREIGN_LOCK,
                f"version {shown(found)} of the format is not known",
                place=Place(self.file, line_of(self.text, '"lockfileVersion"'), "lockfileVersion"),
                hint=f"1 to {_NEWEST} are",
            )
        return found

    def _members(self, value: object, key: str) -> Mapping[str, Any]:
        if value is None:
            return {}
        if isinstance(value, dict):
            return value
        self.fault("an object is expected here", key)
        return {}

    # Each gives (where it is written, the name it is installed by, what is said of it).

    def flat(self, document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for path, said in sorted(self._members(document.get("packages"), "packages").items()):
            before, installed, name = path.rpartition(_INSTALLED)
            # Anything else is the application itself or one of its workspaces.
            if installed and (not before or before.endswith("/")):
                yield path, name, self._members(said, path)

    def nested(self, document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        waiting = [self._members(document.get("dependencies"), "dependencies")]
        while waiting:
            for name, said in sorted(waiting.pop().items()):
                members = self._members(said, name)
                yield name, name, members
                waiting.append(self._members(members.get("dependencies"), name))

    def package(
        self, key: str, installed: str, members: Mapping[str, Any]
    ) -> VendoredPackage | None:
        """What a row stands for; None for a link, what is local, and a fault, which is noted."""
        if members.get("link") or members.get("extraneous"):
            return None
        try:
            return _package(installed, members)
        except Unreadable as error:
            self.fault(error.message, key, error.hint)
            return None


def _package(installed: str, members: Mapping[str, Any]) -> VendoredPackage | None:
    version, resolved = members.get("version"), members.get("resolved")
    if isinstance(version, str) and version.startswith(_LOCAL):
        return None
    name = members.get("name", installed)
    if isinstance(version, str) and version.startswith(_ALIAS):
        name, _, version = version.removeprefix(_ALIAS).rpartition("@")
    source = ""
    # The first version of the format has the address of what is of no registry as the version.
    for address in (version, resolved):
        if isinstance(address, str) and is_git(address):
            place, _, commit = address.partition("#")
            source = git_source(place, commit)
            version = commit_of(source) if address == version else version
            break
    if isinstance(version, str) and version.startswith(("http:", "https:")):
        raise Unreadable(
            f"the version of what is at {shown(version)} is not said",
            "`npm install --package-lock-only` with npm 7 or newer makes a lock that says it",
        )
    return VendoredPackage(
        Ecosystem.NPM,
        read_vendored_name(Ecosystem.NPM, name),
        read_package_version(version),
        source,
        npm_licence(members),
        checksum_of_integrity(members.get("integrity")),
        members.get("dev") is True,
    )
