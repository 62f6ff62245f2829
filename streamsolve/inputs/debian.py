"""Debian's Packages files, from text to packages.

The format is that of deb-control(5): paragraphs of fields, a blank line after each. This looks at a
dozen fields. General readers make a mapping of every paragraph and take ten times as long over a
whole distribution.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from attrs import field, frozen
from packaging.utils import canonicalize_name

from ..errors import Code, ErrorCollector, InputError, Place
from ..model.debian import (
    DEBIAN_ARCHITECTURES,
    DebianBase,
    DebianIndex,
    DebianPackage,
    DebianRelation,
)
from ..model.debian_version import debian_key, is_debian_version
from ..model.progress import Progress, no_progress
from .debian_files import IndexFile, find_indexes, index_blocks

__all__ = ["open_debian", "parse_packages", "parse_relations"]

_FIELDS = frozenset(
    (
        "Package",
        "Version",
        "Architecture",
        "Source",
        "Pre-Depends",
        "Depends",
        "Conflicts",
        "Breaks",
        "Provides",
        "Homepage",
        "Python-Egg-Name",
    )
)
_BY_LOWER = {name.lower().encode(): name for name in _FIELDS}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*")
_RELATION = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9+.-]*)(?::(?P<arch>[a-z0-9-]+))?"
    r"(?:\s*\(\s*(?P<op><<|<=|=|>=|>>|<|>)\s*"
    r"(?P<version>(?:[0-9]+:)?[0-9A-Za-z.+~:-]+)\s*\))?"
)
# The project's page on the package index, whatever the index is called at the time.
_PROJECT_PAGE = re.compile(r"https?://pypi\.[a-z.]+/(?:pypi|project|simple)/([A-Za-z0-9._-]+)/?")
_OLD_OPERATORS = {"<": "<=", ">": ">="}
# A field, with the lines that go on with it.
_FIELD = re.compile(rb"^([!-9;-~]+):[ \t]*(.*(?:\n[ \t].*)*)\n?", re.MULTILINE)
_PARAGRAPH = re.compile(rb"\n*(?:[!-9;-~]+:.*(?:\n[ \t].*)*(?:\n|$))+")
_LONGEST_NAME = 200
_LONGEST_PARAGRAPH = 1 << 22
_MOST_FAULTS = 20


def open_debian(
    directory: Path, *, arch: str = "x86_64", progress: Progress = no_progress
) -> DebianBase:
    """Read what a Debian or Ubuntu has for an architecture, as bases call it.

    ``directory`` holds apt's own lists (``/var/lib/apt/lists``), or a mirror's tree with
    ``dists/…/binary-ARCH/Packages``, compressed or not, or is one such file. Of a package that is
    there several times the newest counts. Raises :class:`InputError` where there is none, and with
    all faults of all files where one is broken or is not what its Release file says.
    """
    debian = DEBIAN_ARCHITECTURES.get(arch)
    if debian is None:
        raise InputError(
            Code.BAD_OPTION,
            f"Debian is not known to have the architecture {arch}",
            hint=f"known: {', '.join(DEBIAN_ARCHITECTURES)}",
        )
    newest: dict[str, DebianPackage] = {}
    indexes, older = [], 0
    faults = ErrorCollector(Code.BROKEN_PACKAGES)
    files = find_indexes(directory, debian)
    for number, found in enumerate(files):
        progress(f"reading {found.shown}", number, len(files))
        with faults.collect():
            index, packages = _read(found)
            indexes.append(index)
            for package in packages:
                if package.arch not in (debian, "all"):
                    continue
                known = newest.get(package.name)
                older += known is not None
                if known is None or debian_key(known.version) < debian_key(package.version):
                    newest[package.name] = package
    if len(faults.errors) == 1:
        raise faults.errors[0]
    faults.raise_if_any(f"{directory} cannot be read as a base")
    packages = tuple(newest[name] for name in sorted(newest))
    return DebianBase(debian, packages, tuple(sorted(indexes)), older)


def _read(found: IndexFile) -> tuple[DebianIndex, Sequence[DebianPackage]]:
    """One file: what it is, and its packages in their order."""
    digest = hashlib.sha256()

    def blocks() -> Iterator[bytes]:
        for block in index_blocks(found):
            digest.update(block)
            yield block

    packages = tuple(parse_packages(blocks(), file=found.shown))
    sha256 = digest.hexdigest()
    if found.sha256 and sha256 != found.sha256:
        raise InputError(
            Code.WRONG_CHECKSUM,
            f"its sha256 is {sha256}, and its Release file says {found.sha256}",
            place=Place(found.shown),
            hint="`apt-get update` fetches both again",
        )
    return DebianIndex(found.shown, sha256, len(packages), bool(found.sha256)), packages


# -- paragraphs ------------------------------------------------------------------------------------


def parse_packages(blocks: Iterable[bytes], *, file: str) -> Iterator[DebianPackage]:
    """The packages of a file called ``file``, from its text in blocks of any size, in its order.

    Raises :class:`InputErrors` after the last one with each fault and its line; of many faults,
    the first.
    """
    reader = _Reader(file)
    for line, paragraph in _paragraphs(blocks):
        package = reader.package(line, paragraph)
        if package is not None:
            yield package
    reader.faults.raise_if_any(f"{file} is no list of packages")


def _paragraphs(blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Paragraphs without the blank line after them, each with the number of its first line."""
    rest, line = b"", 1
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n\n")
        for paragraph in whole:
            yield line, paragraph
            line += paragraph.count(b"\n") + 2
        if len(rest) > _LONGEST_PARAGRAPH:
            break
    yield line, rest


def _shown(raw: bytes) -> str:
    return repr(raw[:60].decode("utf-8", "replace"))


class _FieldNames(dict[bytes, str]):
    """The names of the fields that are read, in whatever case; empty for all others."""

    def __missing__(self, raw: bytes) -> str:
        name = self[raw] = _BY_LOWER.get(raw.lower(), "")
        return name


@frozen
class _Reader:
    """One reading, with what it found wrong. Equal fields and equal entries become one value."""

    file: str
    names: _FieldNames = field(factory=_FieldNames)
    faults: ErrorCollector = field(factory=lambda: ErrorCollector(Code.BROKEN_PACKAGES))
    relations: dict[bytes, tuple[tuple[DebianRelation, ...], ...]] = field(factory=dict)
    entries: dict[str, tuple[DebianRelation, ...]] = field(factory=dict)

    def package(self, line: int, paragraph: bytes) -> DebianPackage | None:
        """The package of a paragraph that begins at a line; None for a fault, or for nothing."""
        if not paragraph.strip():
            return None
        try:
            return self._package(self._fields(paragraph))
        except UnicodeDecodeError:
            self._fault("the paragraph is not UTF-8", line)
        except ValueError as error:
            self._fault(str(error), line)
        return None

    def _fault(self, message: str, line: int) -> None:
        if len(self.faults.errors) < _MOST_FAULTS:
            self.faults.add(message, Place(self.file, line))

    def _fields(self, paragraph: bytes) -> dict[str, bytes]:
        if len(paragraph) > _LONGEST_PARAGRAPH:
            raise ValueError(f"a paragraph has more than {_LONGEST_PARAGRAPH} bytes")
        found = _FIELD.findall(paragraph)
        if not _PARAGRAPH.fullmatch(paragraph):
            bad = next(filter(None, _FIELD.sub(b"", paragraph).split(b"\n")), paragraph)
            raise ValueError(f"a line is no field: {_shown(bad)}")
        fields = {name: value for raw, value in found if (name := self.names[raw])}
        if len(dict(found)) != len(found):
            raise ValueError("a field is there twice in one paragraph")
        return fields

    def _package(self, fields: Mapping[str, bytes]) -> DebianPackage:
        missing = [n for n in ("Package", "Version", "Architecture") if not fields.get(n)]
        if missing:
            raise ValueError(f"the paragraph has no {' and no '.join(missing)}")
        name, version = fields["Package"].decode(), fields["Version"].decode()
        if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
            raise ValueError(f"{_shown(fields['Package'])} is no name of a package")
        if not is_debian_version(version):
            raise ValueError(f"{_shown(fields['Version'])} is no version of a package ({name})")
        source = fields.get("Source", b"").decode().partition(" ")[0]
        return DebianPackage(
            name,
            version,
            fields["Architecture"].decode(),
            source or name,
            provides=_flat(self._relations(fields, "Provides")),
            depends=self._relations(fields, "Pre-Depends") + self._relations(fields, "Depends"),
            conflicts=_flat(self._relations(fields, "Conflicts"))
            + _flat(self._relations(fields, "Breaks")),
            stated=_stated(fields),
        )

    def _relations(
        self, fields: Mapping[str, bytes], name: str
    ) -> tuple[tuple[DebianRelation, ...], ...]:
        """A field of relations; equal fields and equal entries are one value each."""
        raw = fields.get(name)
        if not raw:
            return ()
        known = self.relations.get(raw)
        if known is None:
            known = self.relations[raw] = tuple(self._entries(raw.decode(), name))
        return known

    def _entries(self, text: str, name: str) -> Iterator[tuple[DebianRelation, ...]]:
        for entry in text.split(","):
            stripped = entry.strip()
            if not stripped:
                continue
            found = self.entries.get(stripped)
            if found is None:
                try:
                    found = tuple(_relation(each.strip()) for each in stripped.split("|"))
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
                self.entries[stripped] = found
            yield found


def _flat(entries: Iterable[tuple[DebianRelation, ...]]) -> tuple[DebianRelation, ...]:
    return tuple(relation for entry in entries for relation in entry)


def parse_relations(text: str) -> tuple[tuple[DebianRelation, ...], ...]:
    """The value of a field such as Depends: its entries, each with its alternatives.

    Raises ValueError for what is none. The operators ``<`` and ``>`` of old packages mean ``<=``
    and ``>=``.
    """
    return tuple(
        tuple(_relation(each.strip()) for each in entry.split("|"))
        for entry in text.split(",")
        if entry.strip()
    )


def _relation(text: str) -> DebianRelation:
    found = _RELATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:60]!r} is no relation between packages")
    op, version = found["op"] or "", found["version"] or ""
    return DebianRelation(found["name"], _OLD_OPERATORS.get(op, op), version, found["arch"] or "")


def _stated(fields: Mapping[str, bytes]) -> tuple[str, ...]:
    """The distributions that the package's fields name, normalised."""
    found = set()
    if egg := fields.get("Python-Egg-Name"):
        found.add(str(canonicalize_name(egg.decode())))
    homepage = fields.get("Homepage", b"").decode()
    if page := _PROJECT_PAGE.fullmatch(homepage):
        found.add(str(canonicalize_name(page[1])))
    return tuple(sorted(found))
