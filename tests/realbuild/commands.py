"""Commands of this machine with an environment of their own, and directories in memory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["in_memory", "rpm_environment", "run_logged"]

_MOST_MEMORY = "3g"
_TIME_LIMIT = 600
_END = 20


@contextmanager
def in_memory(directory: Path) -> Iterator[Path]:
    """A directory whose content is kept in memory and then gone: many small files are written to
    it, and none of them has to reach a disk."""
    directory.mkdir(parents=True)
    options = f"size={_MOST_MEMORY},mode=755"
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)], check=True, timeout=60
    )
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True, timeout=60)
        directory.rmdir()


def rpm_environment(home: Path, *macros: str) -> dict[str, str]:
    """An environment in which this machine's RPM keeps its database where roots have theirs."""
    home.mkdir(parents=True, exist_ok=True)
    lines = ("%_dbpath /var/lib/rpm", f"%_topdir {home}/rpmbuild", *macros)
    (home / ".rpmmacros").write_text("".join(f"{line}\n" for line in lines))
    kept = ("http_proxy", "https_proxy", "no_proxy")
    found = {name: os.environ[name] for name in kept if name in os.environ}
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    return {**found, "HOME": str(home), "LC_ALL": "C.UTF-8", "PATH": path}


def run_logged(command: Sequence[str], log: Path, *, environment: Mapping[str, str]) -> None:
    """Run a command whose words are kept; their end is told where it fails."""
    with log.open("ab") as output:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            check=False,
            timeout=_TIME_LIMIT,
        )
    end = "\n".join(log.read_text(errors="replace").splitlines()[-_END:])
    assert done.returncode == 0, f"{command[0]} failed:\n{end}"
