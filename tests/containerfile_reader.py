"""A Containerfile read the way an engine and a shell read it, as far as those written here go.

read(text).installed                    # the words that dnf is asked for, step by step
read(text).labels["streamsolve.base"]   # values as they are in the image

Lines that end in a backslash go on; of a step, the mounts come first and the rest is the shell's.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess

from attrs import define, field

__all__ = ["Read", "read"]

_QUOTED = re.compile(r'([A-Za-z0-9_.]+)="([^"]*)"(?: +|$)')


@define
class Read:
    base: str = ""
    steps: list[str] = field(factory=list)
    mounts: list[list[str]] = field(factory=list)
    installed: list[list[str]] = field(factory=list)
    labels: dict[str, str] = field(factory=dict)
    environment: dict[str, str] = field(factory=dict)
    ports: list[int] = field(factory=list)
    user: str = ""
    entrypoint: list[str] = field(factory=list)
    command: list[str] = field(factory=list)


def read(text: str) -> Read:
    """Everything that a Containerfile of ours may hold; anything else is a failure."""
    found = Read()
    for instruction, rest in _instructions(text):
        match instruction:
            case "FROM":
                assert not found.base
                found.base = rest.split(" ")[0]
            case "RUN":
                _step(rest, found)
            case "LABEL":
                found.labels |= _pairs(rest)
            case "ENV":
                found.environment |= _pairs(rest)
            case "EXPOSE":
                found.ports.append(int(rest))
            case "USER":
                found.user = rest
            case "ENTRYPOINT":
                found.entrypoint = json.loads(rest)
            case "CMD":
                found.command = json.loads(rest)
            case _:
                raise AssertionError(f"no instruction that was meant: {instruction!r}")
    return found


def _instructions(text: str) -> list[tuple[str, str]]:
    lines: list[str] = []
    going_on = False
    # Only these end a line for an engine; others must not be in the text at all.
    assert text.splitlines() == text.removesuffix("\n").split("\n")
    for line in text.split("\n"):
        if going_on:
            assert not line.startswith("#")
            lines[-1] += line.strip()
        elif line and not line.startswith("#"):
            lines.append(line)
        going_on = line.endswith("\\")
        if going_on and lines:
            lines[-1] = lines[-1].removesuffix("\\")
            lines[-1] = f"{lines[-1].rstrip()} "
    return [(head, rest) for head, _, rest in (line.partition(" ") for line in lines)]


def _pairs(rest: str) -> dict[str, str]:
    found, at = {}, 0
    while at < len(rest):
        match = _QUOTED.match(rest, at)
        assert match is not None, rest[at:]
        assert not re.search(r"[\\$]", match[2])
        found[match[1]] = match[2]
        at = match.end()
    return found


def _step(rest: str, found: Read) -> None:
    words = rest.split(" ")
    mounts = []
    while words and words[0].startswith("--mount="):
        mounts.append(words.pop(0))
        while words and not words[0]:
            words.pop(0)
    shell = " ".join(words)
    subprocess.run(["sh", "-n", "-c", shell], check=True, timeout=10)
    found.steps.append(shell)
    found.mounts.append(mounts)
    lexer = shlex.shlex(shell, posix=True, punctuation_chars=";&|(){}<>")
    lexer.whitespace_split = True
    tokens = list(lexer)
    if "install" in tokens:
        start = tokens.index("install") + 1
        ends = [
            n for n, token in enumerate(tokens) if n > start and token in ("&&", ";", "}", "};")
        ]
        asked = tokens[start : ends[0] if ends else len(tokens)]
        found.installed.append([word for word in asked if not word.startswith("--")])
