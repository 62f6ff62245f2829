"""Demands as libsolv has to be told them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors import InputError
from ..model.rpm_language import Capability, Dependency, RichDependency, parse_dependency

__all__ = ["as_told"]

_CONDITIONAL = frozenset({"if", "unless"})


def as_told(install: Iterable[str]) -> list[str]:
    """The demands, sorted, each once, with some that ask for nothing: ``(b if b)``.

    Of a boolean demand libsolv looks at the packages that may be wanted by it, but for those of a
    condition. Yet ``(a if b else c)`` is met by b as well, where a is there, and then libsolv would
    install b without what b needs. What asks for nothing makes it look at them.
    """
    texts = set(install)
    for text in install:
        if text.startswith("("):
            texts.update(f"({each} if {each})" for each in _met_by_condition(text))
    return sorted(texts)


def _met_by_condition(text: str) -> Iterator[Capability]:
    try:
        yield from _conditions(parse_dependency(text))
    except InputError:
        return  # libsolv may understand it; if not, it says so


def _conditions(dependency: Dependency) -> Iterator[Capability]:
    if isinstance(dependency, Capability):
        return
    if dependency.operator in _CONDITIONAL:
        condition = dependency.operands[1]
        if len(dependency.operands) > 2 or any(map(_is_conditional, _within(condition))):
            yield from (each for each in _within(condition) if isinstance(each, Capability))
    for operand in dependency.operands:
        yield from _conditions(operand)


def _within(dependency: Dependency) -> Iterator[Dependency]:
    """A dependency and all parts of it."""
    yield dependency
    if isinstance(dependency, RichDependency):
        for operand in dependency.operands:
            yield from _within(operand)


def _is_conditional(dependency: Dependency) -> bool:
    return isinstance(dependency, RichDependency) and dependency.operator in _CONDITIONAL
