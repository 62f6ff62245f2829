"""A small base on disk, a small index on 127.0.0.1 and a profile, for commands that lock.

world = CommandWorld(tmp_path, monkeypatch, capsys)
world.release("six", "1.16", base=True)
world.release("app", "1", "six>=1")
assert world.run("lock", "app.toml", "-o", "app.lock.json").code == 0
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field, frozen

from streamsolve.cli import main
from streamsolve.inputs.bases import DEFAULT_BUILD_GROUP
from streamsolve.model.package import Package

from .buildworld import interpreter
from .localindex import File, LocalIndex, sdist, wheel
from .localrepository import write_repository
from .localserver import without_proxies
from .rpmmd import element
from .smallworld import dist, package

__all__ = ["CommandWorld", "Ran"]

_PROFILE = """\
schema = "streamsolve.profile/1"
name = "app"
version = "{version}"
default-variant = "only"
default-base = "base"
[variants.only]
requirements = "wheel"
{more}"""


@frozen
class Ran:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Its JSON document."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    def says(self, *words: str) -> bool:
        """Whether the text has these words, wherever lines were broken."""
        text = " ".join((self.out + self.err).split())
        return all(" ".join(word.split()) in text for word in words)


@define
class CommandWorld:
    """Everything lies in a directory of the test's own, which is the current one."""

    directory: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    packages: dict[str, Package] = field(factory=dict)
    files: dict[str, File] = field(factory=dict)
    overlays: dict[str, list[Package]] = field(factory=dict)
    version: str = "1"
    more: str = ""
    modules: str = ""
    """What the base's modules.yaml says, if it has one."""
    _runs: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        without_proxies(self.monkeypatch)
        self.monkeypatch.chdir(self.directory)
        for name in DEFAULT_BUILD_GROUP:
            self.has(package(name))
        for one in interpreter("3.14"):
            self.has(one)
        self.ships("setuptools", "80.1")
        self.ships("pip", "26.0")

    # -- what there is -------------------------------------------------------------------------

    def has(self, one: Package) -> None:
        """Put a package into the base, in the place of one of that name."""
        self.packages[one.name] = evolve(one, size=one.size or 100)

    def ships(self, name: str, version: str, *requires: str) -> None:
        """Let the base ship a distribution; ``requires`` in RPM's language."""
        self.has(dist(name, version, *requires))

    def changes(self, name: str) -> None:
        """Let a package of the base have other content under its name: another checksum."""
        old = self.packages[name]
        other = hashlib.sha256(f"{old.nevra} again {old.checksum}".encode()).hexdigest()
        self.packages[name] = evolve(old, checksum=f"sha256:{other}")

    def release(
        self,
        name: str,
        version: str,
        *requires: str,
        build: Iterable[str] = ("setuptools",),
        yanked: bool = False,
        words: str = "",
    ) -> None:
        """Let the index have a release with a wheel and an sdist; ``words`` are in the sdist."""
        texts = ", ".join(f'"{text}"' for text in build)
        pyproject = f'[build-system]\nrequires = [{texts}]\nbuild-backend = "some.backend"\n'
        members = {"pyproject.toml": pyproject, "words.txt": words}
        for file in (
            wheel(name, version, *requires, yanked=yanked),
            # A zip has the same bytes whenever it is made.
            sdist(name, version, members, suffix=".zip", yanked=yanked),
        ):
            self.files[file.filename] = file

    def withdraw(self, name: str, version: str) -> None:
        """Take a release from the index."""
        stem = f"{name.replace('-', '_')}-{version}"
        for filename in [one for one in self.files if one.startswith((f"{stem}-", f"{stem}.zip"))]:
            del self.files[filename]

    # -- what is done --------------------------------------------------------------------------

    def run(self, *words: str) -> Ran:
        """Run a command on what there is now, with a cache that is still empty."""
        self._runs += 1
        write_repository(
            self.directory / "base" / "x86_64",
            [element(one) for one in sorted(self.packages.values())],
            more={"modules": self.modules.encode()} if self.modules else None,
        )
        for name, packages in self.overlays.items():
            write_repository(self.directory / name, map(element, packages))
        profile = _PROFILE.format(version=self.version, more=self.more)
        (self.directory / "app.toml").write_text(profile, encoding="utf-8")
        self.monkeypatch.setenv("STREAMSOLVE_CACHE", str(self.directory / f"cache{self._runs}"))
        with LocalIndex(*self.files.values()) as index:
            self.monkeypatch.setenv("STREAMSOLVE_INDEX_URL", index.endpoint)
            self.capsys.readouterr()
            code = main(list(words))
        out, err = self.capsys.readouterr()
        return Ran(code, out, err)

    def lock(self, *words: str, file: str = "app.lock.json") -> Path:
        """Lock the application; that it cannot be is a failure of the test."""
        ran = self.run("lock", "app.toml", "--base", "./base", "-o", file, *words)
        assert ran.code == 0, ran.err + ran.out
        return self.directory / file
