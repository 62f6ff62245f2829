"""The instructions of a Containerfile, as texts. Every value in them has been checked before."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from .packages import CACHE, CONFIGURATION, PACKAGES, REPOS

__all__ = [
    "BUILT",
    "MOUNTS",
    "TITLE",
    "Checksums",
    "builder_stage",
    "checked",
    "comment",
    "dnf",
    "environment_lines",
    "install_step",
    "label_lines",
    "on_lines",
    "quoted",
    "run_step",
    "words",
]

TITLE = "# Made by streamsolve from a lock; make it again rather than change it."

_BUILD = "/run/streamsolve-build"
_BUILT = "/build"


def mounts(packages: str) -> tuple[str, ...]:
    """What a step sees and a layer does not hold; ``packages`` is where they come from. On hosts
    with SELinux, ``z`` lets it be seen."""
    return (
        f"--mount=type=bind,source=repos,target={REPOS},z",
        f"--mount=type=bind,{packages},target={PACKAGES},z",
        f"--mount=type=tmpfs,target={CACHE}",
    )


MOUNTS = mounts("from=packages")
"""Packages from the build context of that name."""

BUILT = mounts(f"from=builder,source={_BUILT}/repo")
"""Packages from the stage that builds them."""


def builder_stage(image: str, lock_digest: str) -> list[str]:
    """The stage that builds the streams with mock: in a copy of what ``emit mock`` wrote, the build
    context ``build``. The lock's digest stands in the step, so that an engine does not take what it
    built for another lock."""
    return [
        f"FROM {image} AS builder",
        *run_step(
            [f": {lock_digest}", f"cp -R {_BUILD} {_BUILT}", f"make -C {_BUILT}"],
            (f"--mount=type=bind,from=build,target={_BUILD},z",),
        ),
        "",
    ]


def comment(text: str) -> list[str]:
    """A line of comment, after an empty one."""
    return ["", f"# {text}"]


def run_step(commands: Sequence[str], seen: Sequence[str] = MOUNTS) -> list[str]:
    """``RUN`` with commands of which each must succeed; a command may have several lines."""
    lines = [f"{mount} \\" for mount in seen]
    for number, command in enumerate(commands):
        joined = " && \\" if number < len(commands) - 1 else ""
        lines += f"{command}{joined}".splitlines()
    return [f"RUN {lines[0]}", *(f"    {line}" for line in lines[1:])]


@frozen
class Checksums:
    """A file of checksums: its path below the directory of the configuration, and its sha256. That
    stands in the step, so that an engine does not take a layer that was made of other files."""

    path: str
    sha256: str


def install_step(
    packages: Iterable[str],
    releasever: str,
    *,
    checksums: Checksums | None = None,
    more: Sequence[str] = (),
    seen: Sequence[str] = MOUNTS,
) -> list[str]:
    """The step that installs packages, each on its own line. ``checksums`` are those of their
    files; ``more`` are commands behind it, and ``seen`` what is mounted."""
    install = on_lines([f"{dnf(releasever)} --allowerasing", *quoted(packages)])
    return run_step([*checked(checksums), install, *more], seen)


def dnf(releasever: str, conf: str = CONFIGURATION, verb: str = "install") -> str:
    """The command that does something, usually install, with what is named behind it, with a
    configuration of ours."""
    release = f" --releasever={releasever}" if releasever else ""
    return f"dnf --config={REPOS}/{conf}{release} --assumeyes {verb}"


def checked(checksums: Checksums | None) -> list[str]:
    """The commands that look whether the files are those that were locked."""
    if checksums is None:
        return []
    listed, check = f"{REPOS}/{checksums.path}", "sha256sum --check --quiet --strict"
    return [
        f"echo '{checksums.sha256}  {listed}' | {check}",
        f"cd {PACKAGES}",
        f"{check} {listed}",
    ]


def quoted(packages: Iterable[str]) -> list[str]:
    """Words for the shell, sorted."""
    return [shlex.quote(package) for package in sorted(packages)]


def on_lines(parts: Sequence[str]) -> str:
    """A command with each of its parts on its own line."""
    return " \\\n  ".join(parts)


def label_lines(labels: Mapping[str, str]) -> list[str]:
    """One instruction for all labels, each on its own line."""
    return _pairs("LABEL", labels)


def environment_lines(variables: Mapping[str, str]) -> list[str]:
    """One instruction for all variables; none if there are none."""
    return _pairs("ENV", variables)


def _pairs(instruction: str, pairs: Mapping[str, str]) -> list[str]:
    if not pairs:
        return []
    texts = [f'{key}="{value}"' for key, value in sorted(pairs.items())]
    lines = [f"{instruction} {texts[0]}", *(f"      {text}" for text in texts[1:])]
    return [*(f"{line} \\" for line in lines[:-1]), lines[-1]]


def words(instruction: str, command: Sequence[str]) -> list[str]:
    """An instruction that takes a command word by word; no shell reads it."""
    return [f"{instruction} {json.dumps(list(command))}"] if command else []
