"""``pnpm-lock.yaml``, formats 5, 6 and 9: which npm packages an application is installed with.

The same package may be there once for each set of peers that it sees; peers and patches, in
parentheses or behind ``_``, make no other package of it. What only development dependencies lead to
is for development. Newer pnpm puts a document before the lock with pnpm itself and its plug-ins,
which nobody ships: the last document counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from attrs import define, field, frozen

from ..errors import Code, ErrorCollector, InputError, Place
from ..model.vendored import Ecosystem, VendoredPackage
from .pnpm_yaml import Yaml, parse_yaml_documents
from .tables import Unreadable
from .vendored_words import (
    checksum_of_integrity,
    git_source,
    join,
    read_package_version,
    read_vendored_name,
    shown,
)

__all__ = ["PnpmLock", "parse_pnpm_lock"]

_FORMATS = (5, 6, 9)
_PRODUCTION = ("dependencies", "optionalDependencies")
_DEVELOPMENT = ("devDependencies",)
_TARBALL = re.compile(r"https://codeload\.github\.com/([^/]+/[^/]+)/tar\.gz/([0-9a-f]{40})")
_NOT_VENDORED = ("link:", "file:", "workspace:")


@frozen
class PnpmLock:
    """A lock that was read. ``version`` is that of the format (``5.4``, ``9.0``), ``importers`` are
    the directories of the workspace (``.`` is the application's own); all are sorted."""

    version: str
    packages: tuple[VendoredPackage, ...]
    importers: tuple[str, ...]


def parse_pnpm_lock(text: str, *, file: str) -> PnpmLock:
    """Read a lock; ``file`` is what places call it. :class:`InputErrors` with every fault."""
    documents = parse_yaml_documents(text, file=file)
    top = documents[-1] if documents else Yaml(None, 1)
    reader = _Reader(file, _format(top, file), top)
    importers = top.at("importers").members or {".": top}
    production = reader.reached(importers.values(), _PRODUCTION)
    development = reader.reached(importers.values(), _DEVELOPMENT) - production
    found = [
        each
        for key, node in sorted(top.at("packages").members.items())
        if (each := reader.package(key, node, development=key in development)) is not None
    ]
    reader.faults.raise_if_any(f"{file} is no lock of pnpm that can be used")
    return PnpmLock(
        top.at("lockfileVersion").text, join(found, file=file), tuple(sorted(importers))
    )


def _format(top: Yaml, file: str) -> int:
    node = top.at("lockfileVersion")
    major = node.text.partition(".")[0]
    if major in map(str, _FORMATS):
        return int(major)
    raise InputError(
        Code.BROKEN_FOREIGN_LOCK,
        f"version {shown(node.text)} of the format is not known"
        if node.text
        else "no lock of pnpm: it has no lockfileVersion",
        place=Place(file, node.line, "lockfileVersion"),
        hint=f"{', '.join(map(str, _FORMATS))} are",
    )


@define
class _Reader:
    file: str
    of_format: int
    top: Yaml
    faults: ErrorCollector = field(factory=lambda: ErrorCollector(Code.BROKEN_FOREIGN_LOCK))

    def reached(self, importers: Iterable[Yaml], groups: tuple[str, ...]) -> set[str]:
        """The keys of the packages that those groups of dependencies lead to. Cycles are usual."""
        # Format 9 has the dependencies apart from the packages.
        apart = self.of_format == _FORMATS[-1]
        places = self.top.at("snapshots" if apart else "packages").members
        reached: set[str] = set()
        waiting = [need for each in importers for need in self._required(each, groups)]
        while waiting:
            key, line = waiting.pop()
            if key in reached:
                continue
            reached.add(key)
            if key in places:
                waiting += self._required(places[key], _PRODUCTION)
            else:
                message = f"there is no package {shown(key)}, which is required here"
                self.faults.add(message, Place(self.file, line))
        return {_without_peers(key) for key in reached} if apart else reached

    def _required(self, node: Yaml, groups: tuple[str, ...]) -> Iterator[tuple[str, int]]:
        """The keys of what is required, each with the line that says it."""
        for group in groups:
            for name, said in sorted(node.at(group).members.items()):
                # Since format 6 an importer states what it asked for beside what it got.
                version = said.at("version").text or said.text
                if version and not version.startswith(_NOT_VENDORED):
                    yield _KEYS[self.of_format](name, version), said.line

    def package(self, key: str, node: Yaml, *, development: bool) -> VendoredPackage | None:
        """What an entry stands for; None for what is local, and for a fault, which is noted."""
        resolution = node.at("resolution")
        if resolution.at("type").text == "directory" or "@runtime:" in key:
            # A workspace's own; or Node.js itself, which is no npm package.
            return None
        try:
            name, version = _PARTS[self.of_format](_without_peers(key))
            return VendoredPackage(
                Ecosystem.NPM,
                read_vendored_name(Ecosystem.NPM, node.at("name").text or name),
                read_package_version(node.at("version").text or version),
                _source(resolution),
                checksum=checksum_of_integrity(resolution.at("integrity").text or None),
                development=development,
            )
        except Unreadable as error:
            self.faults.add(error.message, Place(self.file, node.line, shown(key)), error.hint)
            return None


def _source(resolution: Yaml) -> str:
    if resolution.at("repo").text:
        return git_source(resolution.at("repo").text, resolution.at("commit").text)
    tarball = _TARBALL.fullmatch(resolution.at("tarball").text)
    return git_source(f"https://github.com/{tarball[1]}", tarball[2]) if tarball else ""


def _without_peers(key: str) -> str:
    return key.partition("(")[0]


# -- how a dependency names its package, and a package itself --------------------------------------


def _key_5(name: str, version: str) -> str:
    return version if "/" in version else f"/{name}/{version}"


def _key_6(name: str, version: str) -> str:
    return version if "/" in _without_peers(version) else f"/{name}@{version}"


def _key_9(name: str, version: str) -> str:
    bare = _without_peers(version)
    at, colon = bare.find("@"), bare.find(":")
    named = at == 0 or (at > 0 and (colon < 0 or at < colon))
    return version if named else f"{name}@{version}"


def _parts_5(key: str) -> tuple[str, str]:
    name, _, version = key.rpartition("/")
    return _registry_name(name), version.partition("_")[0]


def _parts_6(key: str) -> tuple[str, str]:
    name, _, version = key.rpartition("@")
    return _registry_name(name), version


def _parts_9(key: str) -> tuple[str, str]:
    at = key.find("@", 1)
    return (key[:at], key[at + 1 :]) if at > 0 else (key, "")


def _registry_name(path: str) -> str:
    """The name at the end of ``/NAME`` or ``REGISTRY/NAME``."""
    before, _, name = path.rpartition("/")
    scope = before.rpartition("/")[2]
    return f"{scope}/{name}" if scope.startswith("@") else name


_KEYS: Mapping[int, Callable[[str, str], str]] = {5: _key_5, 6: _key_6, 9: _key_9}
_PARTS: Mapping[int, Callable[[str], tuple[str, str]]] = {5: _parts_5, 6: _parts_6, 9: _parts_9}
