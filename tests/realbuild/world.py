"""What the tests of the real build do: commands as a packager types them, and what they leave.

world = RealWorld(tmp_path, base)
with world.opened():
    world.run("lock", "app.toml", "-o", "app.lock.json")
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from attrs import frozen

from streamsolve.cli import main
from tests.localindex import LocalIndex
from tests.localserver import without_proxies

from .application import PROFILE
from .base import KEY, NAME, definition
from .chroot_mock import write_command
from .sources import distributions, private_archives

__all__ = ["RealWorld", "Said"]


@frozen
class Said:
    """What came of a command."""

    code: int
    text: str


@frozen
class RealWorld:
    """Everything lies in ``directory``, which is the current one of all commands; ``base`` is where
    the small base lies."""

    directory: Path
    base: Path

    @contextmanager
    def opened(self) -> Iterator[None]:
        """The base is known by name, the index answers, and archives of upstream are at hand."""
        definitions, archives = self.directory / "definitions", self.directory / "archives"
        definitions.mkdir(exist_ok=True)
        archives.mkdir(exist_ok=True)
        (definitions / f"{NAME}.toml").write_text(definition(self.base))
        (self.directory / "app.toml").write_text(PROFILE)
        for name, content in private_archives().items():
            (archives / name).write_bytes(content)
        write_command(self.directory / "mock")
        with pytest.MonkeyPatch.context() as patch, LocalIndex(*distributions()) as index:
            without_proxies(patch)
            patch.chdir(self.directory)
            patch.setattr(
                "streamsolve.inputs.base_definitions.bases_directory", lambda: definitions
            )
            patch.setenv("STREAMSOLVE_CACHE", str(self.directory / "cache"))
            patch.setenv("STREAMSOLVE_INDEX_URL", index.endpoint)
            yield

    def run(self, *words: str) -> Said:
        """Run a command of streamsolve."""
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            code = main(list(words))
        return Said(code, said.getvalue())

    def must(self, *words: str) -> str:
        """What a command says that has to end well."""
        said = self.run(*words)
        assert said.code == 0, f"{' '.join(words)}: {said.code}\n{said.text}"
        return said.text

    @property
    def key(self) -> str:
        """How the base's key is named to ``emit``."""
        return f"small={self.base / KEY}"
