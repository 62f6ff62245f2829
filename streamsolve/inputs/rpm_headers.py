"""The headers of RPM files on this disk, read by the system's rpm, which checks their digests."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..errors import Code, ErrorCollector, InputError, Place
from ..model.rpm_header import RpmFile, RpmHeader
from ..storage import file_digest

__all__ = ["read_rpm_files", "read_rpm_headers"]

_MAGIC = b"\xed\xab\xee\xdb"
_RPM = "rpm"
_RPMKEYS = "rpmkeys"
_TOGETHER = 200
_SECONDS = 120.0
_ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
_FORMAT = (
    "%{NAME:shescape} %{VERSION:shescape} %{RELEASE:shescape} %{ARCH:shescape} "
    "%|EPOCH?{%{EPOCH}}:{-}| %{SIGMD5} %{LICENSE:shescape} "
    "%|SIGPGP?{%{SIGPGP:pgpsig}}:{-}|\\n"
)


def read_rpm_headers(directory: Path) -> tuple[RpmHeader, ...]:
    """The headers of all binary packages below a directory, sorted; raises as
    :func:`read_rpm_files`."""
    return tuple(sorted(file.header for file in read_rpm_files([directory])))


def read_rpm_files(directories: Iterable[Path]) -> tuple[RpmFile, ...]:
    """All binary packages (``*.rpm``, not ``*.src.rpm``) below directories, sorted.

    A file that is there several times with the same content under the same name counts once.
    Raises :class:`InputErrors` (``NOT_EMITTED``) with every file that is no package or whose
    digests are wrong, and ``MISSING_TOOL`` without the system's rpm.
    """
    files = sorted(
        {
            path.resolve()
            for directory in directories
            for path in directory.rglob("*.rpm")
            if path.is_file() and not path.name.endswith(".src.rpm")
        }
    )
    faults = ErrorCollector(Code.NOT_EMITTED)
    packages = [file for file in files if _is_package(file, faults)]
    found: dict[RpmHeader, RpmFile] = {}
    for start in range(0, len(packages), _TOGETHER):
        some = packages[start : start + _TOGETHER]
        good = _with_right_digests(some, faults)
        for file in _files(good) if good else ():
            found.setdefault(file.header, file)
    faults.raise_if_any("RPM files cannot be used")
    return tuple(sorted(found.values()))


def _run(program: str, arguments: Sequence[str], files: Sequence[Path]) -> tuple[int, list[str]]:
    command = [program, *arguments, "--", *map(str, files)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            env=_ENVIRONMENT,
        )
    except FileNotFoundError:
        raise InputError(
            Code.MISSING_TOOL,
            "reading RPM files needs the system's rpm",
            hint="install the system's package rpm",
        ) from None
    except subprocess.TimeoutExpired:
        raise InputError(
            Code.NOT_EMITTED,
            f"{program} takes longer than {_SECONDS:g} s",
            place=Place(str(files[0].parent)),
        ) from None
    return done.returncode, done.stdout.decode("utf-8", "replace").splitlines()


def _is_package(file: Path, faults: ErrorCollector) -> bool:
    """Whether it is a package: rpm would take a text for a list of further files to read."""
    try:
        with file.open("rb") as opened:
            magic = opened.read(len(_MAGIC))
    except OSError as error:
        faults.add(f"it cannot be read: {error.strerror}", Place(str(file)))
        return False
    if magic != _MAGIC:
        faults.add("it is no RPM file", Place(str(file)))
    return magic == _MAGIC


def _with_right_digests(files: Sequence[Path], faults: ErrorCollector) -> list[Path]:
    """The files of which neither header nor payload was changed since the package was made."""
    status, lines = _run(_RPMKEYS, ["--checksig", "--nosignature"], files)
    if status == 0:
        return list(files)
    told = {line.removesuffix(": digests OK") for line in lines if line.endswith(": digests OK")}
    for file in files:
        if str(file) not in told:
            faults.add("it is damaged: its digests are wrong", Place(str(file)))
    return [file for file in files if str(file) in told]


def _files(files: Sequence[Path]) -> Iterator[RpmFile]:
    status, lines = _run(_RPM, ["-qp", "--nosignature", "--qf", _FORMAT], files)
    rows = [shlex.split(line) for line in lines]
    if status != 0 or len(rows) != len(files):
        raise InputError(Code.NOT_EMITTED, "rpm cannot read it", place=Place(str(files[0].parent)))
    for file, (name, version, release, arch, epoch, md5, licence, *signature) in zip(
        files, rows, strict=True
    ):
        header = RpmHeader(
            name,
            version,
            release,
            arch,
            file.name,
            file_digest(file),
            md5,
            licence,
            None if epoch == "-" else epoch,
            None if signature == ["-"] else signature[-1][-8:],
        )
        yield RpmFile(header, file)
