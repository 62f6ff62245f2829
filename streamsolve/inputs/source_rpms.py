"""Source packages: the spec, patches and small files in one; and where a repository has them.

What is in a source package is data of strangers. It is read as a stream, with limits, and every
name is one that can lie in a directory; nothing of it is run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import IO

from attrs import frozen

from ..errors import Code, ErrorCollector, InputError, Place
from ..model.package import MetadataFile
from ..rpms import Entry, FileFlag, FileKind, PackageFile, open_package
from ..storage import atomic_writer
from .compression import open_stream

__all__ = [
    "LARGEST_SMALL_FILE",
    "ListedPackage",
    "SourceFile",
    "SourceRpm",
    "extract_sources",
    "find_source_rpms",
    "listed_source_packages",
    "read_source_rpm",
]

LARGEST_SMALL_FILE = 1 << 20
"""The most bytes of a file that is carried along with a spec."""

_LARGEST_SPEC = 4 << 20
_MOST_CARRIED = 64 << 20
_PATCH_TAG = 1019
_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.+~^=@,%()\[\] -]*", re.ASCII)
_ARCHIVE = re.compile(
    r"\.(?:tar(?:\.\w+)?|tgz|tbz2?|txz|tzst|zip|whl|crate|gem|jar|7z|gz|bz2|xz|zst|rpm)$"
)
_RPM_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+~^%-]*\.rpm", re.ASCII)
_SIZE = re.compile(r"[0-9]{1,18}")
_DIGITS = {"sha1": 40, "sha256": 64, "sha384": 96, "sha512": 128}


@frozen
class SourceFile:
    """A file of a source package that upstream published; sha256 is hexadecimal, ``size`` in
    bytes."""

    filename: str
    sha256: str
    size: int


@frozen
class SourceRpm:
    """A source package. ``nevra`` ends in ``.src``, ``file`` is its name. ``files`` are its patches
    and small files by name, sorted; ``upstream`` are the archives and whatever is large, sorted."""

    file: str
    nevra: str
    version: str
    spec_name: str
    spec: str
    files: tuple[tuple[str, bytes], ...]
    upstream: tuple[SourceFile, ...]


def find_source_rpms(directories: Iterable[Path]) -> dict[str, Path]:
    """The source packages (``*.src.rpm``) below directories, by full name (``….src``).

    Of several with one name the first by path counts. Raises :class:`InputErrors`
    (``NO_SOURCE_PACKAGE``) with every file that is none.
    """
    faults, found = ErrorCollector(Code.NO_SOURCE_PACKAGE), dict[str, Path]()
    for path in sorted({path for each in directories for path in each.rglob("*.src.rpm")}):
        if not path.is_file():
            continue
        with faults.collect(), open_package(path) as package:
            if not package.header.source:
                raise _fault("it is no source package", path)
            found.setdefault(package.header.nevra, path)
    faults.raise_if_any("source packages cannot be used")
    return found


def read_source_rpm(path: Path) -> SourceRpm:
    """What is in a source package, in one pass.

    Raises :class:`InputError`: ``NO_SOURCE_PACKAGE`` for one without a spec, with a name that no
    file here should have, or with more beside the spec than anybody writes; ``BAD_PACKAGE_FILE``
    for what is damaged.
    """
    specs: list[tuple[str, bytes]] = []
    files: list[tuple[str, bytes]] = []
    upstream: list[SourceFile] = []
    carried = 0
    with open_package(path) as package:
        patches = {name.decode("utf-8", "replace") for name in package.blob.strings(_PATCH_TAG)}
        for entry in package.entries():
            name = _name(entry, path)
            if _is_spec(entry, name):
                specs.append((name, _content(package, entry, _LARGEST_SPEC, path)))
            elif _is_upstream(entry, name, patches):
                upstream.append(SourceFile(name, _sha256(package, entry), entry.size))
            else:
                carried += entry.size
                if carried > _MOST_CARRIED:
                    raise _fault("there is more beside its spec than can be carried", path)
                files.append((name, _content(package, entry, _MOST_CARRIED, path)))
        header = package.header
    if len(specs) != 1 or not header.source:
        raise _fault(f"it holds {len(specs)} specs, and a source package has one", path)
    ((spec_name, content),) = specs
    return SourceRpm(
        path.name,
        header.nevra,
        header.version,
        spec_name,
        content.decode("utf-8", "replace"),
        tuple(sorted(files)),
        tuple(sorted(upstream, key=lambda each: each.filename)),
    )


def extract_sources(path: Path, names: Collection[str], directory: Path) -> tuple[str, ...]:
    """Put files of a source package into a directory, each whole or not at all; the names, sorted.

    A file is there once its own digest was found right; raises as :func:`read_source_rpm`.
    """
    done = []
    with open_package(path) as package:
        for entry in package.entries():
            name = _name(entry, path)
            if name in names:
                with atomic_writer(directory / name) as sink:
                    for piece in package.read(entry):
                        sink.write(piece)
                done.append(name)
    return tuple(sorted(done))


def _name(entry: Entry, path: Path) -> str:
    """The name of a file in a source package, which is a bare one."""
    name = entry.path.decode("utf-8", "replace")
    if entry.kind is not FileKind.FILE or entry.link_group is not None:
        raise _fault(f"{name!a} in it is no plain file", path)
    if not _NAME.fullmatch(name) or name in (".", ".."):
        raise _fault(f"{ascii(name)[:200]} in it is no name that a source can have", path)
    return name


def _is_spec(entry: Entry, name: str) -> bool:
    return bool(entry.flags & FileFlag.SPEC_FILE) or name.endswith(".spec")


def _is_upstream(entry: Entry, name: str, patches: Collection[str]) -> bool:
    if name in patches:
        return entry.size > _MOST_CARRIED
    return entry.size > LARGEST_SMALL_FILE or _ARCHIVE.search(name) is not None


def _content(package: PackageFile, entry: Entry, limit: int, path: Path) -> bytes:
    if entry.size > limit:
        raise _fault(f"{ascii(entry.path)[2:-1]} in it has {entry.size} bytes, too many", path)
    return b"".join(package.read(entry))


def _sha256(package: PackageFile, entry: Entry) -> str:
    """The digest of the content, which is read whether the header knows it or not."""
    digest = hashlib.sha256()
    for piece in package.read(entry):
        digest.update(piece)
    return digest.hexdigest()


def _fault(message: str, path: Path) -> InputError:
    return InputError(Code.NO_SOURCE_PACKAGE, message, place=Place(str(path)))


# -- in a repository -------------------------------------------------------------------------------


@frozen
class ListedPackage:
    """A source package as a repository lists it. ``location`` is relative to the repository."""

    nevra: str
    location: str
    algorithm: str
    digest: str
    size: int | None

    @property
    def filename(self) -> str:
        """Its file's name."""
        return self.location.rpartition("/")[2]


def listed_source_packages(
    primary: MetadataFile, wanted: Collection[str], *, file: str = ""
) -> dict[str, ListedPackage]:
    """Those of ``wanted`` (full names) that a repository's primary metadata lists, by full name.

    Raises :class:`InputErrors` (``BROKEN_REPOSITORY``) for one whose address leads out of the
    repository or that has no checksum, and ``TRUNCATED_FILE``.
    """
    faults, found = ErrorCollector(Code.BROKEN_REPOSITORY), dict[str, ListedPackage]()
    with open_stream(primary.path, file=file) as stream:
        for nevra, location, algorithm, digest, size in _packages(stream, file):
            if nevra not in wanted or nevra in found:
                continue
            parts = location.split("/")
            place = Place(file, path=nevra)
            if ".." in parts or "://" in location or not _RPM_FILE.fullmatch(parts[-1]):
                faults.add(f"{ascii(location)[:200]} is no file of the repository", place)
            elif parts[0] == "" or "\\" in location:
                faults.add(f"{ascii(location)[:200]} leads out of the repository", place)
            elif _DIGITS.get(algorithm) != len(digest) or set(digest) - set("0123456789abcdef"):
                faults.add("it has no checksum that is accepted", place)
            else:
                found[nevra] = ListedPackage(nevra, location, algorithm, digest, size)
    faults.raise_if_any("the repository cannot be used")
    return found


def _packages(stream: IO[bytes], file: str) -> Iterator[tuple[str, str, str, str, int | None]]:
    """Each package of primary.xml: full name, location, checksum's kind and value, size."""
    from xml.etree import ElementTree

    try:
        for _, element in ElementTree.iterparse(stream):  # noqa: S314 - checked by its digest
            if element.tag.rpartition("}")[2] != "package":
                continue
            version = element.find("{*}version")
            checksum, size = element.find("{*}checksum"), element.find("{*}size")
            location = element.find("{*}location")
            if version is not None and checksum is not None and location is not None:
                epoch = version.get("epoch") or "0"
                evr = f"{version.get('ver')}-{version.get('rel')}"
                evr = evr if epoch == "0" else f"{epoch}:{evr}"
                arch = element.findtext("{*}arch", "")
                bytes_text = "" if size is None else size.get("package", "")
                yield (
                    f"{element.findtext('{*}name', '')}-{evr}.{arch}",
                    location.get("href", ""),
                    {"sha": "sha1"}.get(checksum.get("type", ""), checksum.get("type", "")),
                    (checksum.text or "").strip().lower(),
                    int(bytes_text) if _SIZE.fullmatch(bytes_text) else None,
                )
            element.clear()
    except ElementTree.ParseError as error:
        raise InputError(
            Code.BROKEN_REPOSITORY,
            "is not well-formed XML",
            place=Place(file, error.position[0]),
        ) from None
    except (LookupError, ValueError):
        # What the parser says of an encoding that Python lacks, or that has several bytes a letter.
        message = "is in an encoding that is not read; UTF-8 is"
        raise InputError(Code.BROKEN_REPOSITORY, message, place=Place(file, 1)) from None
