"""What differs between the packages that two builds of one made, as the system's rpm reads them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from xml.etree import ElementTree

from ..errors import Code, InputError, Place
from ..model.build_run import PackageDifference
from .report import printable

__all__ = ["differences", "has_diffoscope", "write_text"]

_RPM = "rpm"
_DIFFOSCOPE = "diffoscope"
_SECONDS = 600.0
_DIFFERENT = 1

_OF_PAYLOAD = ("payloaddigest", "payloaddigestalt", "payloadsha3_256", "payloadsha512")
_FOLLOWING = frozenset(
    {
        *_OF_PAYLOAD,
        "archivesize",
        "headerimmutable",
        "headersignatures",
        "longarchivesize",
        "longsigsize",
        "sha1header",
        "sha256header",
        "sha3_256header",
        "sigmd5",
        "sigsize",
    }
)
"""Tags that differ because others do: digests and sizes of the header and the payload."""

_OF_FILES = {
    "filedigests": "content",
    "fileflags": "flags",
    "filegroupname": "group",
    "filelinktos": "target of the link",
    "filemodes": "mode",
    "filemtimes": "time",
    "filesizes": "size",
    "longfilesizes": "size",
    "fileusername": "owner",
}
"""Tags that have a value for each file, with what they say of it."""

_Tags = Mapping[str, tuple[str, ...]]


def differences(first: Path, second: Path) -> tuple[PackageDifference, ...]:
    """What differs between the binary packages in two directories, sorted by file; nothing where
    they are the same to the byte."""
    mine, its = _packages(first), _packages(second)
    found = []
    for name in sorted({*mine, *its}):
        if name not in its or name not in mine:
            found.append(PackageDifference(name, only=1 if name in mine else 2))
        elif mine[name].read_bytes() != its[name].read_bytes():
            found.append(_between(name, _tags(mine[name]), _tags(its[name])))
    return tuple(found)


def _packages(directory: Path) -> dict[str, Path]:
    return {p.name: p for p in directory.glob("*.rpm") if not p.name.endswith(".src.rpm")}


def _between(name: str, mine: _Tags, its: _Tags) -> PackageDifference:
    differing = {tag for tag in {*mine, *its} if mine.get(tag) != its.get(tag)}
    # The digest of what is compressed, so that the same files in the same order are the same.
    digests = [tag for tag in _OF_PAYLOAD if tag in mine and tag in its]
    payload = any(tag in differing for tag in digests) if digests else bool(differing)
    tags = sorted(differing - _FOLLOWING - _OF_FILES.keys())
    return PackageDifference(
        name, payload=payload, tags=tuple(tags), files=tuple(_files(mine, its))
    )


def _files(mine: _Tags, its: _Tags) -> Iterator[tuple[str, str]]:
    """Each file that differs, with what of it; sorted by path."""
    before, now = _by_path(mine), _by_path(its)
    for path in sorted({*before, *now}):
        if path not in now:
            yield printable(path), "only in the first"
        elif path not in before:
            yield printable(path), "only in the second"
        elif before[path] != now[path]:
            parts = sorted(
                {
                    what
                    for tag, what in _OF_FILES.items()
                    if before[path].get(tag) != now[path].get(tag)
                }
            )
            yield printable(path), ", ".join(parts)


def _by_path(tags: _Tags) -> dict[str, dict[str, str]]:
    """The values of each file."""
    directories, found = tags.get("dirnames", ()), dict[str, dict[str, str]]()
    for number, (name, index) in enumerate(
        zip_longest(tags.get("basenames", ()), tags.get("dirindexes", ()), fillvalue="0")
    ):
        directory = directories[int(index)] if int(index) < len(directories) else ""
        found[directory + name] = {
            tag: tags[tag][number] for tag in _OF_FILES if number < len(tags.get(tag, ()))
        }
    return found


def _tags(package: Path) -> _Tags:
    """All tags of a header by their names in small letters."""
    try:
        done = subprocess.run(
            [_RPM, "-qp", "--nosignature", "--xml", "--", str(package)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_SECONDS,
            env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        )
        # Written by rpm, which escapes what it quotes; the child has no entities of its own.
        root = ElementTree.fromstring(_without_controls(done.stdout))  # noqa: S314
    except FileNotFoundError:
        raise InputError(
            Code.MISSING_TOOL,
            "comparing packages needs the system's rpm",
            hint="install the system's package rpm",
        ) from None
    except (subprocess.SubprocessError, ElementTree.ParseError):
        raise InputError(
            Code.CANNOT_BUILD, "rpm cannot read it", place=Place(str(package))
        ) from None
    return {
        tag.get("name", "").lower(): tuple(value.text or "" for value in tag)
        for tag in root.iter("rpmTag")
    }


def _without_controls(text: bytes) -> str:
    """XML has no control characters, whatever a header holds."""
    letters = text.decode("utf-8", "replace")
    return "".join(c if c >= " " or c in "\t\n\r" else "\N{REPLACEMENT CHARACTER}" for c in letters)


def has_diffoscope() -> bool:
    """Whether it is installed."""
    return shutil.which(_DIFFOSCOPE) is not None


def write_text(first: Path, second: Path, output: Path, *, seconds: float = _SECONDS) -> bool:
    """Let diffoscope say what differs between two packages; whether it did."""
    command: Sequence[str] = (_DIFFOSCOPE, "--text", str(output), "--", str(first), str(second))
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=seconds
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == _DIFFERENT and output.is_file()
