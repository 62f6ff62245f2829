"""The headers of RPM files on this disk, read by the system's rpm, which checks their digests."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import Code, ErrorCollector, InputError, Place
from ..model.rpm_header import RpmHeader
from ..storage import file_digest

__all__ = ["read_rpm_headers"]

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
    """All binary packages (``*.rpm``, not ``*.src.rpm``) below a directory, sorted.

    Raises :class:`InputErrors` (``NOT_EMITTED``) with every file that is no package or whose
    digests are wrong, and ``MISSING_TOOL`` without the system's rpm.
    """
    files = sorted(
        path.resolve()
        for path in directory.rglob("*.rpm")
        if path.is_file() and not path.name.endswith(".src.rpm")
    )
    _check_kind(files)
    found: list[RpmHeader] = []
    for start in range(0, len(files), _TOGETHER):
        some = files[start : start + _TOGETHER]
        _check_digests(some)
        found += _headers(some)
    return tuple(sorted(found))


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


def _check_kind(files: Sequence[Path]) -> None:
    """Whether all are packages: rpm would take a text for a list of further files to read."""
    faults = ErrorCollector(Code.NOT_EMITTED)
    for file in files:
        with file.open("rb") as opened:
            if opened.read(len(_MAGIC)) != _MAGIC:
                faults.add("it is no RPM file", Place(str(file)))
    faults.raise_if_any("RPM files cannot be used")


def _check_digests(files: Sequence[Path]) -> None:
    """What of header and payload was changed since the package was made."""
    status, lines = _run(_RPMKEYS, ["--checksig", "--nosignature"], files)
    if status == 0:
        return
    good = {line.removesuffix(": digests OK") for line in lines if line.endswith(": digests OK")}
    faults = ErrorCollector(Code.NOT_EMITTED)
    for file in files:
        if str(file) not in good:
            faults.add("it is damaged: its digests are wrong", Place(str(file)))
    faults.raise_if_any("RPM files cannot be used")


def _headers(files: Sequence[Path]) -> Iterator[RpmHeader]:
    status, lines = _run(_RPM, ["-qp", "--nosignature", "--qf", _FORMAT], files)
    rows = [shlex.split(line) for line in lines]
    if status != 0 or len(rows) != len(files):
        raise InputError(Code.NOT_EMITTED, "rpm cannot read it", place=Place(str(files[0].parent)))
    for file, (name, version, release, arch, epoch, md5, licence, *signature) in zip(
        files, rows, strict=True
    ):
        yield RpmHeader(
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
