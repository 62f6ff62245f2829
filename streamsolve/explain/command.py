"""The command line that a reader would type next."""

from __future__ import annotations

import shlex

from attrs import evolve, frozen

__all__ = ["Command"]


@frozen
class Command:
    """A command of ours as words: its options in the order given, flags with an empty value."""

    words: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()

    def with_option(self, name: str, value: str = "") -> Command:
        """The same command with one option set, in its place if it was there."""
        if name not in dict(self.options):
            return self.with_further(name, value)
        replaced = ((n, value if n == name else v) for n, v in self.options)
        return evolve(self, options=tuple(replaced))

    def without_option(self, name: str) -> Command:
        """The same command with an option left out."""
        return evolve(self, options=tuple(pair for pair in self.options if pair[0] != name))

    def without(self, name: str, value: str) -> Command:
        """The same command without one value of an option that may be given several times."""
        return evolve(self, options=tuple(pair for pair in self.options if pair != (name, value)))

    def with_further(self, name: str, value: str) -> Command:
        """The same command with an option that may be given several times."""
        return evolve(self, options=(*self.options, (name, value)))

    def __str__(self) -> str:
        """Quoted for a POSIX shell."""
        words = list(self.words)
        for name, value in self.options:
            words += [name, value] if value else [name]
        return shlex.join(words)
