"""Emitted files on disk: all of them or none, and only what changed.

What was written is listed in ``emitted.json`` with its digests. So the next time a file that is no
longer emitted is taken away, a file that was changed by hand is noticed before anything is written,
and a file that stays as it is keeps its time, by which make knows what to build again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from attrs import define, field, frozen

from ..errors import Code, ErrorCollector, InputError, Place
from ..storage import file_digest

__all__ = ["LIST", "Content", "LocalFile", "Written", "write_files"]

LIST = "emitted.json"
_SCHEMA = "streamsolve.emitted/1"
_SCRIPT = ".sh"
_LONGEST_NAME = 255
_SHOWN = 100


@frozen
class LocalFile:
    """A file that lies on this disk already and is too large to hold: it is linked to where that is
    possible, else copied. ``sha256`` is hexadecimal, and what whoever read it has found."""

    path: Path
    sha256: str


Content = bytes | LocalFile
"""What is in a file that is written."""


@frozen
class Written:
    """What writing did: paths in the directory, each sorted."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def counted(self) -> str:
        """``3 written, 1 unchanged``."""
        counts = {
            "written": len(self.written),
            "unchanged": len(self.unchanged),
            "removed": len(self.removed),
        }
        return ", ".join(f"{number} {what}" for what, number in counts.items() if number)


def write_files(
    directory: Path,
    files: Mapping[str, Content],
    *,
    replace: bool = False,
    about: Mapping[str, object] | None = None,
) -> Written:
    """Put files under a directory, which is made if it is not there. A script can be run. ``about``
    is what else the list says, as JSON has it.

    Raises :class:`InputErrors` (``NOT_EMITTED``) if a file was changed by hand, or is there and was
    not written by us, unless ``replace`` is set; for a local file that is no longer what it was;
    and for a directory that cannot be written. Then nothing has changed.
    """
    for path in files:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or not pure.parts or path == LIST:
            raise ValueError(f"no file can be written as {path!r}")
    _refuse_long_names(files)
    before = _listed(directory)
    digests = {path: _digest_of(content) for path, content in files.items()}
    present = {
        path: _digest(directory, path, files.get(path)) for path in sorted({*files, *before})
    }
    if not replace:
        _refuse_changed(directory, before, digests, present)
    changed = {path: files[path] for path in sorted(files) if present[path] != digests[path]}
    removed = [path for path in sorted(before) if path not in files and present[path]]
    document = {**(about or {}), "schema": _SCHEMA, "files": digests}
    text = (json.dumps(document, indent=1, sort_keys=True) + "\n").encode("ascii")
    if changed or removed or _read(directory / LIST) != text:
        try:
            _Change(directory).make({**changed, LIST: text}, removed)
        except OSError as error:
            raise _unwritable(directory, error) from None
    unchanged = (path for path in sorted(files) if path not in changed)
    return Written(tuple(changed), tuple(unchanged), tuple(removed))


def _refuse_long_names(paths: Iterable[str]) -> None:
    """No file system has longer ones; versions and names of a lock are in them."""
    for path in paths:
        if any(len(os.fsencode(part)) > _LONGEST_NAME for part in path.split("/")):
            message = f"no file can have a name as long as {path[:_SHOWN]}…"
            raise InputError(Code.NOT_EMITTED, message, place=Place(path[:_SHOWN]))


def _unwritable(directory: Path, error: OSError) -> InputError:
    return InputError(
        Code.NOT_EMITTED,
        f"it cannot be written: {error.strerror or error}",
        place=Place(str(directory)),
    )


def _listed(directory: Path) -> dict[str, str]:
    """The digests of what was written the last time, by path; nothing where the list is no list."""
    if not (directory / LIST).is_file():
        return {}
    try:
        found = json.loads((directory / LIST).read_bytes())
        files = found["files"] if found["schema"] == _SCHEMA else {}
        return {
            path: str(digest)
            for path, digest in files.items()
            if not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError:
        return b""


def _digest_of(content: Content) -> str:
    return content.sha256 if isinstance(content, LocalFile) else hashlib.sha256(content).hexdigest()


def _digest(directory: Path, path: str, wanted: Content | None) -> str:
    """The digest of a file; empty where there is none, a word for what is no file of ours. One that
    is the very file that is wanted there is not read again."""
    target = directory / path
    if any(parent.is_symlink() for parent in _between(directory, target)):
        return "a link"
    if target.is_fifo():
        return "a pipe"
    try:
        if isinstance(wanted, LocalFile) and target.samefile(wanted.path):
            return wanted.sha256
        return file_digest(target)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return f"unreadable: {error.strerror}"


def _between(directory: Path, target: Path) -> list[Path]:
    """A file and the directories above it, below the one that is written to."""
    parts = target.relative_to(directory).parts
    return [directory.joinpath(*parts[: number + 1]) for number in range(len(parts))]


def _refuse_changed(
    directory: Path,
    before: Mapping[str, str],
    digests: Mapping[str, str],
    present: Mapping[str, str],
) -> None:
    faults = ErrorCollector(Code.NOT_EMITTED)
    for path, found in present.items():
        if found in ("", digests.get(path), before.get(path)):
            continue
        message = "it was changed since it was written" if path in before else "it is in the way"
        faults.add(
            message, Place(str(directory / path)), "move it away, or write over it (--force)"
        )
    faults.raise_if_any("nothing was written, because files would be lost:")


@define
class _Change:
    """A change of a directory that is undone if any of it fails."""

    directory: Path
    _moved: list[tuple[Path, Path]] = field(factory=list, init=False)
    _placed: list[Path] = field(factory=list, init=False)
    _made: list[Path] = field(factory=list, init=False)

    def make(self, files: Mapping[str, Content], removed: list[str]) -> None:
        """Write all beside their places first: what can fail does so before anything moves."""
        staging = None
        try:
            self._directories(self.directory)
            staging = Path(tempfile.mkdtemp(prefix=".emit-", dir=self.directory))
            for number, (path, content) in enumerate(files.items()):
                _stage(staging / f"new-{number}", content, runs=path.endswith(_SCRIPT))
            for number, path in enumerate((*files, *removed)):
                self._take_away(self.directory / path, staging / f"old-{number}")
            for number, path in enumerate(files):
                self._place(staging / f"new-{number}", self.directory / path)
            self._prune(removed)
        except BaseException:
            self._undo()
            raise
        finally:
            if staging is not None:
                shutil.rmtree(staging, ignore_errors=True)
            if not self._placed:
                self._unmake()

    def _directories(self, wanted: Path) -> None:
        """Make a directory and what is above it, and remember what was made."""
        missing = [each for each in (wanted, *wanted.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir()
            self._made.append(each)

    def _take_away(self, path: Path, to: Path) -> None:
        """The list stays until the new one takes its place: whoever is killed between has one that
        names all that is there."""
        if path == self.directory / LIST and path.is_file():
            shutil.copy2(path, to)
            self._moved.append((path, to))
        elif path.exists() or path.is_symlink():
            path.rename(to)
            self._moved.append((path, to))

    def _place(self, staged: Path, path: Path) -> None:
        self._directories(path.parent)
        staged.rename(path)
        self._placed.append(path)

    def _prune(self, removed: list[str]) -> None:
        """Take away the directories of what was removed, as far as nothing is left in them."""
        for path in removed:
            for parent in _between(self.directory, self.directory / path)[-2::-1]:
                with suppress(OSError):
                    parent.rmdir()

    def _undo(self) -> None:
        for path in reversed(self._placed):
            path.unlink(missing_ok=True)
        for path, to in reversed(self._moved):
            to.rename(path)
        self._placed.clear()

    def _unmake(self) -> None:
        """Take away the directories that were made, which are empty again."""
        for each in reversed(self._made):
            each.rmdir()


def _stage(path: Path, content: Content, *, runs: bool) -> None:
    """Write a file; one that ``runs`` can be run by everybody who can read it."""
    if isinstance(content, LocalFile):
        _link(path, content)
        return
    path.write_bytes(content)
    if runs:
        mode = path.stat().st_mode
        path.chmod(mode | (mode & 0o444) >> 2)


def _link(path: Path, content: LocalFile) -> None:
    """Put a local file there. What was copied is read again: the file may have changed since."""
    try:
        os.link(content.path, path)
    except OSError:
        # Another disk, or a file of somebody else's.
        shutil.copyfile(content.path, path)
        if file_digest(path) != content.sha256:
            raise InputError(
                Code.NOT_EMITTED,
                "it changed while it was copied",
                place=Place(str(content.path)),
            ) from None
