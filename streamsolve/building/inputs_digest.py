"""What a build is made from, by content: the same inputs are not built again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping

from attrs import frozen

__all__ = ["Inputs"]

Files = tuple[tuple[str, str], ...]
"""Names of files with their sha256 (hexadecimal), sorted."""


@frozen
class Inputs:
    """Everything that decides what a build makes, and no path, time or name of a machine.

    ``configuration`` and ``source`` are the sha256 (hexadecimal) of the root's configuration and of
    the source package. ``options`` are mock's for this build. ``packages`` are, by the id of each
    build whose packages lie in the root, the files that it made; a rebuilt package that is the same
    to the byte is the same input. The base's packages are in the configuration, by full name.
    """

    configuration: str
    source: str
    options: tuple[str, ...]
    packages: tuple[tuple[str, Files], ...]

    @property
    def digest(self) -> str:
        """``sha256:…`` over all of it."""
        text = json.dumps(self.document, sort_keys=True, separators=(",", ":"))
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    @property
    def document(self) -> Mapping[str, object]:
        """The same as JSON has it."""
        return {
            "configuration": self.configuration,
            "source": self.source,
            "options": list(self.options),
            "packages": {id: dict(files) for id, files in self.packages},
        }

    def changes_since(self, before: Inputs) -> tuple[str, ...]:
        """What is not as it was, in words."""
        return tuple(self._changes(before))

    def _changes(self, before: Inputs) -> Iterator[str]:
        if self.configuration != before.configuration:
            yield "the configuration"
        if self.source != before.source:
            yield "the source package"
        if self.options != before.options:
            yield "the options"
        mine, its = dict(self.packages), dict(before.packages)
        for id in sorted({*mine, *its}):
            if mine.get(id) != its.get(id):
                yield f"the packages of {id}"
