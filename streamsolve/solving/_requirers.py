"""Which packages state a requirement that something would meet, for many such things at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from ..errors import InputError
from ..model.package import Package
from ..model.rpm_language import Dependency, RichDependency, parse_dependency, split_capability
from ._libsolv import Engine

__all__ = ["Requirers", "leaves"]

_COMPARISONS = frozenset({"=", "<", "<=", ">", ">="})


class Requirers:
    """All requirements of some repositories by the names in them. Made once, in one pass."""

    def __init__(self, engine: Engine, repositories: Iterable[int]) -> None:
        self._engine = engine
        self._stated: dict[str, list[tuple[str, list[int]]]] = {}
        for text, packages in engine.requirements(repositories):
            for name, leaf in leaves(text):
                self._stated.setdefault(name, []).append((leaf, packages))

    def of(self, capabilities: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """The full names of packages that state a requirement which a capability meets, sorted.

        libsolv compares the versions, in a pool of its own in which each capability is a package.
        :class:`InputError` for a text that is no plain dependency.
        """
        asked = sorted(set(capabilities))
        names = {split_capability(text)[0] for text in asked}
        found: dict[str, set[int]] = {text: set() for text in asked}
        judge = Engine("noarch")
        try:
            repository = judge.add_repository("capabilities", 0)
            # No requirement names a package like these.
            providers = [
                Package(f"<{at}>", "0-0", "noarch", provides=(text,))
                for at, text in enumerate(asked)
            ]
            texts = dict(zip(judge.add_packages(repository, providers), asked, strict=True))
            for leaf, packages in self._about(names):
                for provider in judge.providing(leaf):
                    found[texts[provider]].update(packages)
        finally:
            judge.close()
        spelled = self._engine.full_name
        return {text: tuple(sorted(map(spelled, packages))) for text, packages in found.items()}

    def _about(self, names: Iterable[str]) -> Iterator[tuple[str, list[int]]]:
        for name in sorted(names):
            yield from self._stated.get(name, ())


def leaves(text: str) -> Iterator[tuple[str, str]]:
    """The name and the text of each plain dependency in a requirement. Names in repositories may
    hold spaces, which nothing else in RPM's language allows."""
    if text.startswith("("):
        try:
            yield from _parts(parse_dependency(text))
        except InputError:
            yield from ((word, word) for word in text.strip("()").split())
        return
    name, *rest = text.rsplit(" ", 2)
    yield (name, text) if len(rest) == 2 and rest[0] in _COMPARISONS else (text, text)


def _parts(dependency: Dependency) -> Iterator[tuple[str, str]]:
    if isinstance(dependency, RichDependency):
        for operand in dependency.operands:
            yield from _parts(operand)
    else:
        yield dependency.name, str(dependency)
