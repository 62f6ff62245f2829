"""A root directory that dnf fills and in which commands run, as mock's plain chroots do.

with new_root(tmp_path / "root", tmp_path / "home", log) as root:
    root.dnf(conf, "install", "bash")
    root.run("bash", "-c", "true")

A command sees no network, its own processes only, and runs as an unprivileged user if asked to.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from attrs import field, frozen

from .commands import in_memory, rpm_environment

__all__ = ["BUILDER", "HOME", "CommandFailed", "Root", "new_root"]

BUILDER = 1000
"""The user and group that builds run as."""

HOME = "/builddir"

_DEVICES = {"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9}
_TIME_LIMIT = 300


class CommandFailed(Exception):
    """A command ended with another status than 0; the message is the end of what it said."""


@frozen
class Root:
    """``directory`` is the root, ``home`` where dnf and RPM of this machine keep what they need.
    ``log`` gets what every command says. See :func:`new_root`."""

    directory: Path
    home: Path
    log: IO[str]
    environment: Mapping[str, str] = field(factory=dict)

    def dnf(self, conf: Path, *words: str, releasever: str = "1") -> str:
        """Run this machine's dnf on the root, with that file alone as its configuration."""
        return self._run(
            [
                *("dnf", "--disableplugin=local", "-c", str(conf), f"--releasever={releasever}"),
                *(f"--installroot={self.directory}", f"--setopt=cachedir={self.home}/dnf", "-y"),
                *words,
            ],
            rpm_environment(self.home),
        )

    def add_builder(self) -> None:
        """The user that builds, with a home of its own."""
        line = f"mockbuild:x:{BUILDER}:{BUILDER}::{HOME}:/bin/bash\n"
        for name, text in (("passwd", line), ("group", f"mockbuild:x:{BUILDER}:\n")):
            with (self.directory / "etc" / name).open("a") as file:
                file.write(text)
        self.give(self.directory / HOME.lstrip("/"))

    def give(self, directory: Path) -> None:
        """A directory, and what is in it, for the user that builds."""
        directory.mkdir(parents=True, exist_ok=True)
        for path in (directory, *directory.rglob("*")):
            os.lchown(path, BUILDER, BUILDER)

    def run(self, *command: str, as_builder: bool = False, status: tuple[int, ...] = (0,)) -> str:
        """Run a command in the root; what it writes."""
        user = (f"--setuid={BUILDER}", f"--setgid={BUILDER}") if as_builder else ()
        return self._run(
            [
                *("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"),
                *(f"--root={self.directory}", "--mount-proc", *user),
                *command,
            ],
            {
                "HOME": HOME if as_builder else "/root",
                "LC_ALL": "C.UTF-8",
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                **self.environment,
            },
            status,
        )

    def _run(
        self, command: list[str], environment: Mapping[str, str], status: tuple[int, ...] = (0,)
    ) -> str:
        self.log.write(f"$ {' '.join(command)}\n")
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=dict(environment),
            check=False,
            timeout=_TIME_LIMIT,
        )
        self.log.write(done.stdout)
        self.log.flush()
        if done.returncode not in status:
            end = "\n".join(done.stdout.splitlines()[-30:])
            raise CommandFailed(f"{command[0]} ended with {done.returncode}:\n{end}")
        return done.stdout


@contextmanager
def new_root(
    directory: Path, home: Path, log: IO[str], environment: Mapping[str, str] | None = None
) -> Iterator[Root]:
    """A root that holds nothing but devices; it is gone afterwards."""
    with in_memory(directory):
        for name in ("dev", "proc", "tmp", "var/tmp", "var/log"):
            (directory / name).mkdir(parents=True, exist_ok=True)
        for name in ("tmp", "var/tmp"):
            (directory / name).chmod(0o1777)
        for name, minor in _DEVICES.items():
            os.mknod(directory / "dev" / name, 0o20666, os.makedev(1, minor))
            (directory / "dev" / name).chmod(0o666)
        yield Root(directory, home, log, environment or {})
