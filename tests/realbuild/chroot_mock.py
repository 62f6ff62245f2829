"""A stand-in for mock, which cannot be had everywhere: its command line, dnf, rpmbuild in a root.

python -m tests.realbuild.chroot_mock -r ROOT.cfg --resultdir DIR --rebuild NAME.src.rpm

It reads a configuration as mock does, makes the root with the ``dnf.conf`` and the
``chroot_setup_cmd`` in it, installs what the build asks for under the configuration's options, and
builds as an unprivileged user without network. What mock would do beyond that (a bootstrap root,
caches, plugins) it leaves out, and an option that it does not know is an error.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.mock_reader import configuration

from .roots import HOME, CommandFailed, Root, new_root

__all__ = ["main", "write_command"]

_FAILED = 10
"""mock's status where a build failed."""
_ROOT_FAILED = 30
"""mock's status where a command such as dnf failed."""
_MORE_IS_ASKED_FOR = 11
"""rpmbuild's status where a spec generated further BuildRequires that are not installed."""
_MOST_ROUNDS = 5
_TOPDIR = f"{HOME}/build"


def write_command(path: Path) -> Path:
    """An executable file that is this stand-in, for ``MOCK=`` and the like."""
    checkout = Path(__file__).parents[2]
    # What it mounts is its own, and gone with it however it ends.
    command = f"unshare --mount {sys.executable} -m {__name__}"
    path.write_text(f'#!/bin/sh\nPYTHONPATH={checkout} exec {command} "$@"\n')
    path.chmod(0o755)
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what a command line asks for; mock's exit statuses."""
    asked = _parser().parse_args(arguments)
    options = configuration(asked.root, config_directory=asked.configdir)
    for source in asked.sources:
        results = asked.resultdir
        if asked.chain:
            results = asked.localrepo / "results" / options["root"] / source.stem
        with tempfile.TemporaryDirectory(prefix="chroot-mock-") as directory:
            status = _rebuild(asked, options, source, results, Path(directory))
        if status:
            return status
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mock", allow_abbrev=False)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--rebuild", action="store_true")
    what.add_argument("--chain", action="store_true")
    parser.add_argument("-r", "--root", type=Path, required=True)
    parser.add_argument("--configdir", type=Path, default=Path("/etc/mock"))
    parser.add_argument("--uniqueext", default="")
    parser.add_argument("--resultdir", type=Path)
    parser.add_argument("--localrepo", type=Path)
    parser.add_argument("--with", dest="on", action="append", default=[])
    parser.add_argument("--without", dest="off", action="append", default=[])
    parser.add_argument("--nocheck", action="store_true")
    parser.add_argument("sources", nargs="+", type=Path)
    return parser


def _rebuild(
    asked: argparse.Namespace,
    options: Mapping[str, Any],
    source: Path,
    results: Path,
    directory: Path,
) -> int:
    """Build one source package in a root of its own; its results and logs in any case."""
    results.mkdir(parents=True, exist_ok=True)
    for old in results.glob("*.rpm"):
        old.unlink()
    conf = directory / "dnf.conf"
    conf.write_text(options["dnf.conf"])
    status = 0
    with (results / "root.log").open("w") as root_log, (results / "build.log").open("w") as log:
        environment = options["environment"]
        try:
            with new_root(directory / "root", directory / "home", root_log, environment) as root:
                build = Build(root, conf, options, log, _switches(asked))
                status = build.run(source, results)
        except CommandFailed as error:
            print(f"ERROR: {error}", file=sys.stderr)
            status = _ROOT_FAILED
    (results / "state.log").write_text(f"{'failed' if status else 'done'}: {source.name}\n")
    return status


def _switches(asked: argparse.Namespace) -> list[str]:
    switches = [f"--with={name}" for name in asked.on] + [f"--without={name}" for name in asked.off]
    return [*switches, *(["--nocheck"] if asked.nocheck else [])]


class Build:
    """One build in a root that is still empty."""

    def __init__(
        self,
        root: Root,
        conf: Path,
        options: Mapping[str, Any],
        log: Any,
        switches: Sequence[str],
    ) -> None:
        self._root, self._conf, self._options = root, conf, options
        self._log, self._switches = log, switches

    def run(self, source: Path, results: Path) -> int:
        """Fill the root, then build; 0, or mock's status of what failed."""
        setup = self._options["chroot_setup_cmd"]
        words = setup.split() if isinstance(setup, str) else list(setup)
        self._dnf(*words)
        self._root.add_builder()
        self._write_macros()
        spec = self._unpack(source)
        inside = Root(self._root.directory, self._root.home, self._log, self._root.environment)
        try:
            self._meet(inside, spec)
            self._rpmbuild(inside, "-ba", "--noclean", *self._nocheck(), spec)
        except CommandFailed as error:
            print(f"ERROR: {error}", file=sys.stderr)
            return _FAILED
        for path in sorted((self._root.directory / _TOPDIR.lstrip("/")).glob("*RPMS/**/*.rpm")):
            if not path.name.endswith(".buildreqs.nosrc.rpm"):
                shutil.copy(path, results)
        return 0

    def _nocheck(self) -> list[str]:
        return ["--nocheck"] if "--nocheck" in self._switches else []

    def _dnf(self, *words: str) -> None:
        self._root.dnf(self._conf, *words, releasever=str(self._options["releasever"]))

    def _write_macros(self) -> None:
        macros = {
            "%_topdir": _TOPDIR,
            "%_rpmfilename": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
            **self._options["macros"],
        }
        home = self._root.directory / HOME.lstrip("/")
        text = "".join(f"{name} {value}\n" for name, value in sorted(macros.items()))
        (home / ".rpmmacros").write_text(text)
        for name in ("BUILD", "BUILDROOT", "RPMS", "SOURCES", "SPECS", "SRPMS"):
            (home / "build" / name).mkdir(parents=True)
        self._root.give(home)

    def _unpack(self, source: Path) -> str:
        """Put the source package's files into place; the path of its spec in the root."""
        home = self._root.directory / HOME.lstrip("/")
        shutil.copy(source, home / source.name)
        self._root.give(home)
        self._root.run("rpm", "-i", "--nodeps", f"{HOME}/{source.name}", as_builder=True)
        [spec] = (home / "build" / "SPECS").glob("*.spec")
        return f"{_TOPDIR}/SPECS/{spec.name}"

    def _meet(self, inside: Root, spec: str) -> None:
        """Install what the spec asks for, and what it generates while it is prepared, until
        nothing is missing."""
        self._rpmbuild(inside, "-bs", "--nodeps", spec)
        self._builddep("SRPMS/*.src.rpm")
        for _ in range(_MOST_ROUNDS):
            told = self._rpmbuild(inside, "-br", spec, status=(0, _MORE_IS_ASKED_FOR))
            if "buildreqs.nosrc.rpm" not in told:
                return
            self._builddep("SRPMS/*.buildreqs.nosrc.rpm")
        raise CommandFailed("the spec goes on asking for more")

    def _builddep(self, pattern: str) -> None:
        for path in (self._root.directory / _TOPDIR.lstrip("/")).glob(pattern):
            self._dnf("builddep", *self._options["dnf4_builddep_opts"], str(path))
            if path.name.endswith(".buildreqs.nosrc.rpm"):
                path.unlink()

    def _rpmbuild(self, inside: Root, *words: str, status: tuple[int, ...] = (0,)) -> str:
        switches = [word for word in self._switches if word != "--nocheck"]
        arch = self._options["target_arch"]
        command = ("rpmbuild", "--target", arch, *switches, *words)
        return inside.run(*command, as_builder=True, status=status)


if __name__ == "__main__":
    sys.exit(main())
