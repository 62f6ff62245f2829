"""The repository of a hermetic build: local files linked, and metadata that ``createrepo_c`` makes.

createrepo_c runs once over all files of all roots. What it says of a package is put together again
for each root, without the times of this machine's files, so that the same packages give the same
repository wherever it is made.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from attrs import evolve

from ..emit.hermetic import HermeticRoots, hermetic_directory
from ..emit.names import RELEASE
from ..emit.writer import Content, LocalFile
from ..errors import Code, InputError
from ..model.rpm_header import RpmFile, RpmHeader
from ..rpms import open_package

__all__ = ["CREATEREPO", "hermetic_files", "with_dependencies"]

CREATEREPO = "createrepo_c"
_SECONDS = 3600.0
_SHOWN = 2000
_COMMON = "http://linux.duke.edu/metadata"
_PARTS = ("primary", "filelists")
_OPTIONS = ("--quiet", "--no-database", "--simple-md-filenames", "--general-compress-type=gz")
_PACKAGE = re.compile(r"^<package .*?^</package>\n", re.DOTALL | re.MULTILINE)
_ID = re.compile(r'pkgid="(?:YES">)?([0-9a-f]{64})[<"]')
_FILE_TIME = re.compile(r'<time file="\d+" build="(\d+)"/>')
_LOCATION = re.compile(r'<location href="[^"]*"/>')
_HEADS = {
    "primary": f'metadata xmlns="{_COMMON}/common" xmlns:rpm="{_COMMON}/rpm"',
    "filelists": f'filelists xmlns="{_COMMON}/filelists"',
}

_Elements = Mapping[tuple[str, str], str]
"""What createrepo_c says: by part of the metadata and sha256, the element of a package."""


def with_dependencies(files: Iterable[RpmFile]) -> tuple[RpmFile, ...]:
    """The same files; those that were built from emitted specs with what they provide and require.

    Raises :class:`InputError` (``BAD_PACKAGE_FILE``) for one that is damaged.
    """
    return tuple(
        _with_dependencies(file) if file.header.release.startswith(f"{RELEASE}.") else file
        for file in files
    )


def _with_dependencies(file: RpmFile) -> RpmFile:
    with open_package(file.path) as package:
        paths = (entry.path.decode("utf-8", "replace") for entry in package.files)
        programs = (path for path in paths if "bin/" in path)
        header = evolve(
            file.header,
            provides=(*package.header.provides, *programs),
            requires=package.header.requires,
        )
    return evolve(file, header=header)


def hermetic_files(
    roots: HermeticRoots,
    files: Iterable[RpmFile],
    image: Mapping[str, Content] | None = None,
    *,
    createrepo: str = CREATEREPO,
) -> dict[str, Content]:
    """The files of all repositories by path: packages, ``repodata/`` and, in each, the image.

    Raises :class:`InputError`: ``MISSING_TOOL`` without ``createrepo``, ``NOT_EMITTED`` if that
    fails.
    """
    used = {header for headers in roots.packages.values() for header in headers}
    local = {file.header: file.path for file in files if file.header in used}
    described = _described(local, createrepo)
    found: dict[str, Content] = {}
    for root, headers in roots.packages.items():
        directory = hermetic_directory(root)
        for header in headers:
            found[f"{directory}/{header.file}"] = LocalFile(local[header], header.sha256)
        for name, content in _metadata(headers, described):
            found[f"{directory}/repodata/{name}"] = content
        for name, held in (image or {}).items():
            found[f"{directory}/{name}"] = held
    return found


def _described(local: Mapping[RpmHeader, Path], createrepo: str) -> _Elements:
    elements: dict[tuple[str, str], str] = {}
    if not local:
        return elements
    with tempfile.TemporaryDirectory(prefix="streamsolve-") as directory:
        for header, path in local.items():
            link = Path(directory, f"{header.sha256}.rpm")
            if not link.is_symlink():
                link.symlink_to(path)
        _run([createrepo, *_OPTIONS, directory])
        for part in _PARTS:
            packed = Path(directory, "repodata", f"{part}.xml.gz")
            text = gzip.decompress(packed.read_bytes()).decode("utf-8")
            for element in _PACKAGE.findall(text):
                id = _ID.search(element)
                if id is not None:
                    elements[part, id[1]] = element
    lost = [h.file for h in local for part in _PARTS if (part, h.sha256) not in elements]
    if lost:
        raise InputError(
            Code.NOT_EMITTED,
            f"{createrepo} did not describe {len(set(lost))} files, such as {min(lost)}",
        )
    return elements


def _run(command: Sequence[str]) -> None:
    name = command[0]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    except (FileNotFoundError, PermissionError):
        raise InputError(
            Code.MISSING_TOOL,
            f"a hermetic repository needs {name}, which is not here",
            hint="install the system's package createrepo_c",
        ) from None
    except subprocess.TimeoutExpired:
        raise InputError(Code.NOT_EMITTED, f"{name} takes longer than {_SECONDS:g} s") from None
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip()[-_SHOWN:]
        raise InputError(Code.NOT_EMITTED, f"{name} failed ({done.returncode})", hint=words)


def _metadata(headers: Sequence[RpmHeader], described: _Elements) -> Iterator[tuple[str, bytes]]:
    """The files of ``repodata/``, by name: those of the parts, then the list of them."""
    newest, rows = 0, []
    for part in _PARTS:
        elements = [described[part, header.sha256] for header in headers]
        if part == "primary":
            elements = [_of_this_place(e, h.file) for e, h in zip(elements, headers, strict=True)]
            newest = max(int(time[1]) for e in elements for time in _FILE_TIME.finditer(e))
        opened = _document(_HEADS[part], elements)
        packed = gzip.compress(opened, mtime=0)
        yield f"{part}.xml.gz", packed
        rows.append(_row(part, opened, packed, newest))
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<repomd xmlns="{_COMMON}/repo">\n'
    text = f"{head}  <revision>{newest}</revision>\n{''.join(rows)}</repomd>\n"
    yield "repomd.xml", text.encode()


def _document(root: str, elements: Sequence[str]) -> bytes:
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} packages="{len(elements)}">\n'
    return f"{head}{''.join(elements)}</{root.split()[0]}>\n".encode()


def _of_this_place(element: str, file: str) -> str:
    """An element of primary.xml with the file's own name, and its build's time for the file's."""
    element = _FILE_TIME.sub(r'<time file="\1" build="\1"/>', element, count=1)
    return _LOCATION.sub(lambda _: f'<location href="{file}"/>', element, count=1)


def _row(part: str, opened: bytes, packed: bytes, time: int) -> str:
    return (
        f'  <data type="{part}">\n'
        f'    <checksum type="sha256">{hashlib.sha256(packed).hexdigest()}</checksum>\n'
        f'    <open-checksum type="sha256">{hashlib.sha256(opened).hexdigest()}</open-checksum>\n'
        f'    <location href="repodata/{part}.xml.gz"/>\n'
        f"    <timestamp>{time}</timestamp>\n"
        f"    <size>{len(packed)}</size>\n"
        f"    <open-size>{len(opened)}</open-size>\n"
        "  </data>\n"
    )
