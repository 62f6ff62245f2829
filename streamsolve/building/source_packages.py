"""Source packages, made by ``rpmbuild -bs`` from a spec and the files that it names.

A spec is code: its ``%(…)`` macros run, with the rights of whoever asks. It runs with an empty
home, without this machine's own macros and with a time limit, and what it wrote is thrown away but
for the package.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from ..emit.source_rules import (
    EPOCH,
    RPMBUILD_OPTIONS,
    SOURCES,
    TO_SUPPLY,
    ListedSource,
    read_source_list,
)
from ..errors import Code, ErrorCollector, InputError, Place
from ..storage import atomic_writer, file_digest
from .base_specs import disk_faults

__all__ = ["check_sources", "make_source_package", "sources_of"]

_SECONDS = 300.0
_TAIL = 2000
_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"


def sources_of(spec_dir: Path) -> tuple[ListedSource, ...]:
    """The files of upstream that a spec's directory lists; none where it has no list."""
    path = spec_dir / SOURCES
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError):
        raise _fault("it cannot be read", path) from None
    return read_source_list(text, file=str(path))


def make_source_package(
    spec_dir: Path,
    sources_dir: Path,
    output: Path,
    *,
    arch: str = "x86_64",
    seconds: float = _SECONDS,
    rpmbuild: str = "rpmbuild",
) -> None:
    """Make ``output`` (a ``.src.rpm``) of the one spec in ``spec_dir`` and of what lies beside it.

    The files of upstream are those that its list names, from ``sources_dir``, each checked. The
    same files give the same bytes; ``SOURCE_DATE_EPOCH`` of the environment counts. An output that
    is there is replaced when all is well.

    Raises :class:`InputErrors` (``SOURCES_MISSING``) with every file that is not there or is
    another one; :class:`InputError` ``NO_SOURCE_PACKAGE`` with the end of rpmbuild's words, and
    ``MISSING_TOOL`` without it.
    """
    specs = sorted(spec_dir.glob("*.spec"))
    if len(specs) != 1:
        raise _fault(f"{len(specs)} specs lie in it, and one is needed", spec_dir)
    listed = sources_of(spec_dir)
    check_sources(listed, sources_dir)
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "") or str(EPOCH)
    if not (epoch.isascii() and epoch.isdigit()):
        raise InputError(Code.BAD_OPTION, f"SOURCE_DATE_EPOCH is {epoch!r}, and should be a number")
    beside = [path for path in sorted(spec_dir.iterdir()) if path.name != SOURCES]
    files = (*beside, *(sources_dir / each.filename for each in listed))
    with (
        disk_faults(spec_dir, Code.NO_SOURCE_PACKAGE),
        tempfile.TemporaryDirectory(prefix="streamsolve-") as work,
    ):
        _gather(files, Path(work), int(epoch))
        command = _command(rpmbuild, arch, Path(work), specs[0].name)
        _run(command, Path(work), epoch, seconds, specs[0])
        made = sorted(Path(work, "out").glob("*.rpm"))
        if len(made) != 1:
            raise _fault("rpmbuild made no source package", specs[0])
        with atomic_writer(output) as sink, made[0].open("rb") as source:
            shutil.copyfileobj(source, sink)


def _to_supply(spec_dir: Path) -> str:
    """What the list says that a packager has to put there, as further lines of a hint."""
    with suppress(OSError):
        lines = (spec_dir / SOURCES).read_text("utf-8", "replace").splitlines()
        return "".join(f"\n  {line[2:]}" for line in lines if line.startswith(TO_SUPPLY))
    return ""


def _gather(files: Iterable[Path], work: Path, epoch: int) -> None:
    """Copies of all files in one directory, with the same time and permissions."""
    for name in ("in", "home", "out"):
        (work / name).mkdir()
    for path in files:
        copy = work / "in" / path.name
        shutil.copyfile(path, copy)
        copy.chmod(0o644)
        os.utime(copy, (epoch, epoch))


def _command(rpmbuild: str, arch: str, work: Path, spec: str) -> list[str]:
    words = [rpmbuild, *RPMBUILD_OPTIONS, "--target", arch]
    for macro, place in (("_topdir", "home"), ("_sourcedir", "in"), ("_srcrpmdir", "out")):
        words += ["--define", f"{macro} {work / place}"]
    return [*words, str(work / "in" / spec)]


def check_sources(listed: Sequence[ListedSource], directory: Path) -> None:
    """Raise :class:`InputErrors` (``SOURCES_MISSING``) with every file that is not as listed."""
    faults = ErrorCollector(Code.SOURCES_MISSING)
    for each in listed:
        path = directory / each.filename
        if not path.is_file():
            hint = f"streamsolve sources LOCK -o {directory}" if each.sha256 else "put it there"
            faults.add("it is not there", Place(str(path)), hint)
        elif each.sha256 and (found := file_digest(path)) != each.sha256:
            faults.add(f"its sha256 is {found}, and should be {each.sha256}", Place(str(path)))
    faults.raise_if_any("upstream's files are missing")


def _run(command: Sequence[str], work: Path, epoch: str, seconds: float, spec: Path) -> None:
    environment = {
        "PATH": _PATH,
        "HOME": str(work / "home"),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": epoch,
    }
    with (work / "words").open("w+b") as words:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
                cwd=work,
                env=environment,
                start_new_session=True,
            )
        except (FileNotFoundError, PermissionError):
            raise InputError(
                Code.MISSING_TOOL,
                f"making source packages needs {command[0]}",
                hint="install the system's package rpm-build (on Debian, rpm)",
            ) from None
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise _fault(
                f"rpmbuild takes longer than {seconds:g} s", spec, _end(words.fileno())
            ) from None
        finally:
            # What macros started is of its group, and may outlive it.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if status:
            how = f"was ended by {signal.Signals(-status).name}" if status < 0 else "failed"
            why = _end(words.fileno()) + _to_supply(spec.parent)
            raise _fault(f"rpmbuild {how}", spec, why)


def _end(handle: int) -> str:
    """The end of what was said, without what a terminal would act on."""
    size = os.fstat(handle).st_size
    text = os.pread(handle, _TAIL, max(0, size - _TAIL)).decode("utf-8", "replace")
    lines = ("".join(c if c.isprintable() else " " for c in line) for line in text.splitlines())
    return "\n  ".join(line.rstrip() for line in lines if line.strip())


def _fault(message: str, path: Path, hint: str = "") -> InputError:
    return InputError(Code.NO_SOURCE_PACKAGE, message, place=Place(str(path)), hint=hint)
