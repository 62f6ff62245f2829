"""Repositories of what was built: one for each running build, and the one for everybody.

A running build has a repository of its own, with exactly the private packages that were planned for
its root. So nothing changes under a build that runs, and a bootstrap pass and its final pass, which
have the same name and version, never meet.

The stream repository is read while it changes. Its files never do: a package lies in a directory
that is named after the content, metadata have their digest in their name, and ``repomd.xml`` alone,
which names them, is replaced by one rename. Whoever has read an older one finds all that it names:
what is no longer named stays until the next run begins.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from ..errors import Code, InputError
from .inputs_digest import Files
from .report import printable

__all__ = ["Published", "StreamRepository", "make_repository"]

_DIGITS = 12
_OURS = re.compile(rf".+-[0-9a-f]{{{_DIGITS}}}")
_NAMED = re.compile(r'href="repodata/([^"/]+)"')
_REVISION = re.compile(r"<revision>([^<]*)</revision>")
_OPTIONS = ("--quiet", "--no-database")
_SHOWN = 500


@frozen(order=True)
class Published:
    """Packages of one build: its name, the directory that they are in, and their digests."""

    name: str
    directory: Path
    packages: Files

    @property
    def place(self) -> str:
        """The directory that they have in the stream repository: another content, another one."""
        text = "".join(f"{digest} {name}\n" for name, digest in self.packages)
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]}"


def make_repository(
    directory: Path, content: Sequence[Published], createrepo: Sequence[str]
) -> None:
    """A repository of these packages in an empty directory."""
    for each in content:
        for name, _ in each.packages:
            _link(each.directory / name, directory / each.name / name)
    _createrepo(createrepo, [str(directory)])


@frozen
class StreamRepository:
    """The stream repository in ``directory``. ``staging`` is a directory for what is not ready, on
    the same file system, and ``createrepo`` the command that makes metadata."""

    directory: Path
    staging: Path
    createrepo: Sequence[str]

    def publish(self, content: Sequence[Published]) -> bool:
        """Let it hold exactly these packages; returns whether anything had to be done."""
        if self.holds(content):
            return False
        for each in content:
            for name, _ in each.packages:
                self._put(each.directory / name, self.directory / each.place / name)
        self.staging.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.staging, prefix="metadata-") as made:
            listed = Path(made) / "packages"
            listed.write_text("".join(f"{place}\n" for place in _places(content)))
            arguments = ["--pkglist", str(listed), "--revision", _digest(content), "-o", made]
            # An empty list would stand for everything that is there.
            _createrepo(self.createrepo, [*arguments, str(self.directory) if content else made])
            self._swap(Path(made) / "repodata")
        return True

    def holds(self, content: Sequence[Published]) -> bool:
        """Whether it is published as it should be, each file as it was built."""
        revision = _REVISION.search(self._repomd())
        return (
            revision is not None
            and revision[1] == _digest(content)
            and all((self._metadata / name).is_file() for name in self._named())
            and all(
                _is_same(each.directory / name, self.directory / each.place / name)
                for each in content
                for name, _ in each.packages
            )
        )

    def sweep(self, content: Sequence[Published]) -> None:
        """Take away what is named no more. Only what was put here is; for the beginning of a run,
        with what the repository holds."""
        kept = {each.place for each in content}
        for path in self.directory.iterdir() if self.directory.is_dir() else ():
            if path.is_dir() and _OURS.fullmatch(path.name) and path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)
        named = {"repomd.xml", *self._named()}
        for path in self._metadata.iterdir() if self._metadata.is_dir() else ():
            if path.name not in named and path.is_file():
                path.unlink(missing_ok=True)

    @property
    def _metadata(self) -> Path:
        return self.directory / "repodata"

    def _repomd(self) -> str:
        try:
            return (self._metadata / "repomd.xml").read_text("utf-8", "replace")
        except OSError:
            return ""

    def _named(self) -> list[str]:
        return _NAMED.findall(self._repomd())

    def _put(self, source: Path, target: Path) -> None:
        """A package appears whole under its name, or not at all."""
        if _is_same(source, target):
            return
        self.staging.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.staging, prefix="package-") as staged:
            _link(source, Path(staged) / target.name)
            (Path(staged) / target.name).replace(target)

    def _swap(self, made: Path) -> None:
        """First all that ``repomd.xml`` names, then itself."""
        self._metadata.mkdir(parents=True, exist_ok=True)
        for path in sorted(made.iterdir()):
            if path.name != "repomd.xml":
                path.replace(self._metadata / path.name)
        (made / "repomd.xml").replace(self._metadata / "repomd.xml")


def _places(content: Sequence[Published]) -> list[str]:
    return sorted(f"{each.place}/{name}" for each in content for name, _ in each.packages)


def _digest(content: Sequence[Published]) -> str:
    """Over what is published; it is the revision that the metadata state."""
    return hashlib.sha256("\n".join(_places(content)).encode()).hexdigest()


def _is_same(source: Path, target: Path) -> bool:
    """Whether one is the other, or has the same bytes."""
    try:
        if target.samefile(source):
            return True
        if target.stat().st_size != source.stat().st_size:
            return False
        with target.open("rb") as one, source.open("rb") as other:
            return (
                hashlib.file_digest(one, "sha256").digest()
                == hashlib.file_digest(other, "sha256").digest()
            )
    except OSError:
        return False


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        # Another file system, or a file of somebody else's.
        shutil.copy2(source, target)


def _createrepo(command: Sequence[str], arguments: Sequence[str]) -> None:
    words = [*command, *_OPTIONS, *arguments]
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise _failed(command, error.strerror or str(error)) from None
    if done.returncode:
        said = done.stderr.strip() or f"it ended with {done.returncode}"
        raise _failed(command, said[-_SHOWN:])


def _failed(command: Sequence[str], why: str) -> InputError:
    return InputError(
        Code.CANNOT_BUILD,
        f"{' '.join(command)} cannot make the metadata of a repository: {printable(why)}",
        hint="what was built stays: mend this and run the same command again",
    )
