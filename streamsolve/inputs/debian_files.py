"""Where Packages files lie, what their Release files say of them, and their text.

apt keeps its lists flat, a slash of the address as an underscore
(``HOST_debian_dists_bookworm_main_binary-amd64_Packages.lz4`` beside
``HOST_debian_dists_bookworm_InRelease``); a mirror has a tree
(``dists/bookworm/main/binary-amd64/Packages.xz`` below ``dists/bookworm/InRelease``).
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from ..errors import Code, InputError, Place
from .compression import SUFFIXES, open_stream

__all__ = ["IndexFile", "find_indexes", "index_blocks"]

_PLAIN = ("", *SUFFIXES, ".lz4")
_FLAT = re.compile(r"(?P<suite>.+_dists_.+?)_(?P<rest>[^_]+_binary-(?P<arch>[a-z0-9]+)_Packages)")
_RELEASES = ("InRelease", "Release")
_DIGEST = re.compile(r"[ \t]+(?P<sha256>[0-9a-f]{64})[ \t]+[0-9]+[ \t]+(?P<path>\S+)")
_LARGEST_RELEASE = 1 << 24
_BLOCK = 1 << 20
# What reads lz4; apt's own helper is there wherever apt keeps its lists in that form.
_LZ4_READERS = (("lz4", "-dc"), ("/usr/lib/apt/apt-helper", "cat-file"))


@frozen
class IndexFile:
    """A Packages file. ``shown`` is its name below the directory that was given; ``sha256`` is what
    a Release file says of its text, empty where none does."""

    path: Path
    shown: str
    sha256: str = ""


def find_indexes(directory: Path, arch: str) -> tuple[IndexFile, ...]:
    """The Packages files for Debian's architecture ``arch``, sorted by name; of one that is there
    in several compressions, one. Raises :class:`InputError` where there is none."""
    if directory.is_file():
        return (IndexFile(directory, directory.name),)
    if not directory.is_dir():
        raise InputError(
            Code.UNKNOWN_BASE,
            "there is no such directory",
            place=Place(str(directory)),
            hint="name one with apt's lists, a mirror with dists/, or one Packages file",
        )
    found: dict[str, IndexFile] = {}
    for path in sorted(directory.rglob("*Packages*"), key=_preference):
        name = path.relative_to(directory).as_posix()
        stem = name.removesuffix(path.suffix) if path.suffix in _PLAIN else name
        if stem in found or not path.is_file() or not _is_for(stem, arch):
            continue
        found[stem] = IndexFile(path, name, _promised(path.parent, stem, directory))
    if not found:
        raise InputError(
            Code.UNKNOWN_BASE,
            f"no Packages file for {arch} was found",
            place=Place(str(directory)),
            hint="give apt's lists (`apt-get update` fills /var/lib/apt/lists), or a mirror's "
            "directory with dists/…/binary-ARCH/Packages",
        )
    return tuple(found[stem] for stem in sorted(found))


def _preference(path: Path) -> tuple[int, str]:
    """What is read fastest comes first."""
    order = ("", ".lz4", ".zst", ".gz", ".bz2", ".xz")
    return (order.index(path.suffix) if path.suffix in order else len(order), str(path))


def _is_for(stem: str, arch: str) -> bool:
    """Whether a name without its compression is that of a list for an architecture; one that says
    no architecture may be for any."""
    last = stem.rpartition("/")[2]
    if last != "Packages" and not last.endswith("_Packages"):
        return False
    told = re.search(r"(?:^|[/_])binary-([a-z0-9]+)[/_]", stem)
    return told is None or told[1] in (arch, "all")


# -- what Release files say ------------------------------------------------------------------------


def _promised(directory: Path, stem: str, top: Path) -> str:
    """The sha256 that the Release file says of the text of a list."""
    name = stem.rpartition("/")[2]
    if flat := _FLAT.fullmatch(name):
        # A component's name has no underscore, a suite's may.
        wanted = flat["rest"].replace("_", "/")
        places = [directory / f"{flat['suite']}_{release}" for release in _RELEASES]
        return next((_said(place, wanted) for place in places if place.is_file()), "")
    for above in (directory, *directory.parents):
        for release in _RELEASES:
            if (above / release).is_file():
                wanted = (directory / name).relative_to(above).as_posix()
                if said := _said(above / release, wanted):
                    return said
        if above == top:
            break
    return ""


def _said(release: Path, wanted: str) -> str:
    with release.open("rb") as source:
        text = source.read(_LARGEST_RELEASE).decode("utf-8", "replace")
    before, _, listed = text.partition("\nSHA256:")
    first = before.count("\n") + 3
    for number, line in enumerate(listed.split("\n")[1:], start=first):
        if not line.startswith((" ", "\t")):
            break
        found = _DIGEST.fullmatch(line.rstrip())
        if found is None:
            raise InputError(
                Code.BROKEN_PACKAGES,
                "this line is no SHA-256, size and path, so that nothing it lists can be checked",
                place=Place(str(release), number),
                hint="fetch the lists again (`apt-get update`)",
            )
        if found["path"] == wanted:
            return found["sha256"]
    return ""


# -- content ---------------------------------------------------------------------------------------


def index_blocks(index: IndexFile) -> Iterator[bytes]:
    """The text of a list in blocks of any size, decompressed while it is read.

    Raises :class:`InputError` where it ends early or is damaged, and with ``MISSING_TOOL`` where
    nothing here reads lz4.
    """
    if index.path.suffix == ".lz4":
        yield from _lz4_blocks(index)
        return
    try:
        with open_stream(index.path, file=index.shown) as stream:
            while block := stream.read(_BLOCK):
                yield block
    except OSError as error:
        why = error.strerror or "it cannot be read"
        raise InputError(Code.BROKEN_PACKAGES, why, place=Place(index.shown)) from None


def _lz4_reader(command: tuple[str, ...]) -> tuple[str, ...]:
    """A command with the path of its program; empty where it is not installed."""
    program = shutil.which(command[0])
    return (program, *command[1:]) if program else ()


def _lz4_blocks(index: IndexFile) -> Iterator[bytes]:
    found = next(filter(None, map(_lz4_reader, _LZ4_READERS)), ())
    if not found:
        raise InputError(
            Code.MISSING_TOOL,
            "nothing here reads lz4, which apt keeps its lists in",
            place=Place(index.shown),
            hint="install the package lz4",
        )
    command = [*found, str(index.path.absolute())]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        assert child.stdout is not None  # noqa: S101  PIPE was asked for
        try:
            while block := child.stdout.read(_BLOCK):
                yield block
        finally:
            child.stdout.close()
            ended = child.wait()
    if ended:
        raise InputError(
            Code.TRUNCATED_FILE,
            "the lz4 file is damaged or ends early",
            place=Place(index.shown),
            hint="`apt-get update` fetches it again",
        )
