"""The dependencies in a spec's tags: taken apart, changed one by one, and put together again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from attrs import frozen

from .macros import Macros
from .spec_text import SpecText, Tag

__all__ = ["REQUIRING", "Dependency", "change_dependencies", "known_name", "split_dependencies"]

REQUIRING = ("requires", "recommends", "suggests", "buildrequires")
"""Tags that ask for something; those that take something away are not among them."""

_OPERATOR = re.compile(r"^(?:[<>]=?|==?|=[<>])$")
_DISTRIBUTIONS = re.compile(r"%(?:\{py3_dist\s+(?P<braced>[^{}]+)\}|py3_dist\s+(?P<bare>\S+))")
_ARCHITECTURE = re.compile(r"%\{\??_isa\}|\((?:x86|aarch|ppc|s390|riscv)-(?:64|32)\)$")


@frozen
class Dependency:
    """One dependency as written: its name, and what follows (comparison and version)."""

    name: str
    rest: str = ""

    @property
    def text(self) -> str:
        """The whole."""
        return f"{self.name} {self.rest}" if self.rest else self.name

    @property
    def is_rich(self) -> bool:
        """Whether it is a boolean one, all of which is its name."""
        return self.name.startswith("(")


def split_dependencies(value: str) -> tuple[Dependency, ...]:
    """The dependencies of a tag's value, in their order. A macro is part of its word."""
    words = [word for word in _words(_spelled_out(value)) if word]
    found: list[Dependency] = []
    at = 0
    while at < len(words):
        if at + 2 < len(words) and _OPERATOR.match(words[at + 1]):
            found.append(Dependency(words[at], f"{words[at + 1]} {words[at + 2]}"))
            at += 3
        else:
            found.append(Dependency(words[at]))
            at += 1
    return tuple(found)


def _spelled_out(value: str) -> str:
    """``%{py3_dist a b}`` as what it stands for."""

    def written(use: re.Match[str]) -> str:
        names = (use["braced"] or use["bare"]).split()
        return " ".join(f"python%{{python3_pkgversion}}dist({name})" for name in names)

    return _DISTRIBUTIONS.sub(written, value)


def _words(value: str) -> Iterator[str]:
    """Words that white space and commas set apart, outside of brackets and braces."""
    depth, start = 0, 0
    for at, letter in enumerate(value):
        depth += (letter in "({") - (letter in ")}")
        if depth <= 0 and (letter.isspace() or letter == ","):
            yield value[start:at]
            start = at + 1
    yield value[start:]


def known_name(dependency: Dependency, macros: Macros) -> tuple[str, str]:
    """The name with its macros replaced, and the mark of an architecture that was written after
    it. The name is empty where it cannot be known."""
    mark = _ARCHITECTURE.search(dependency.name)
    plain = dependency.name[: mark.start()] if mark else dependency.name
    return macros.expand(plain) or "", mark[0] if mark else ""


def change_dependencies(
    spec: SpecText, tags: tuple[str, ...], change: Callable[[Tag, Dependency], str | None]
) -> tuple[str, ...]:
    """Put another text in the place of each dependency, None for none. A line of which nothing
    changes stays as it is, and one of which nothing is left becomes a comment. The texts that
    were taken away are returned, in their order."""
    gone: list[str] = []
    for tag in spec.tags(*tags):
        before = split_dependencies(tag.value)
        after = [change(tag, each) for each in before]
        gone += [each.text for each, text in zip(before, after, strict=True) if text is None]
        kept = [text for text in after if text is not None]
        if [each.text for each in before] == after:
            continue
        if kept:
            spec.set_value(tag, ", ".join(kept))
        else:
            line = spec.lines[tag.line].strip().replace("%", "%%")
            spec.lines[tag.line] = f"# {line}"
    return tuple(gone)
