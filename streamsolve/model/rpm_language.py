"""RPM's dependency language as values: plain dependencies and boolean ones.

The grammar is that of RPM's manual on boolean dependencies. Every text that parses prints again
as it was written, but for white space and ``==``, ``=<``, ``=>``.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from ..errors import Code, InputError

__all__ = [
    "Capability",
    "Dependency",
    "RichDependency",
    "parse_dependency",
    "split_capability",
]


@frozen(order=True)
class Capability:
    """A plain dependency: a name alone, or with a comparison and ``[epoch:]version[-release]``."""

    name: str
    op: str = ""
    evr: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.op} {self.evr}" if self.op else self.name


@frozen
class RichDependency:
    """A boolean dependency. ``and``, ``or`` and ``with`` take two or more operands, ``without``
    two, ``if`` and ``unless`` two or three: the consequence, the condition, what else holds."""

    operator: str
    operands: tuple[Dependency, ...]

    def __str__(self) -> str:
        words = [str(operand) for operand in self.operands]
        if self.operator in _CONDITIONAL:
            tail = f" else {words[2]}" if len(words) == 3 else ""
            return f"({words[0]} {self.operator} {words[1]}{tail})"
        return f"({f' {self.operator} '.join(words)})"


Dependency = Capability | RichDependency

_DEEPEST = 50
_SHOWN = 500
_CHAINED = frozenset({"and", "or", "with"})
_CONDITIONAL = frozenset({"if", "unless"})
_OPERATORS = _CHAINED | _CONDITIONAL | {"without"}
_COMPARISON = {op: op for op in ("=", "<", "<=", ">", ">=")} | {"==": "=", "=<": "<=", "=>": ">="}


def split_capability(text: str) -> tuple[str, str, str]:
    """``"python3dist(x) = 1.2"`` as name, comparison and version; the last two may be empty.

    :class:`InputError` for anything else, boolean dependencies included.
    """
    words = text.split()
    if len(words) == 1 and not text.startswith("("):
        return (words[0], "", "")
    if len(words) == 3 and words[1] in _COMPARISON and not text.startswith("("):
        return (words[0], _COMPARISON[words[1]], words[2])
    raise _bad(text, "expected a name, or a name, a comparison and a version")


def parse_dependency(text: str) -> Dependency:
    """Parse any dependency, boolean ones included; :class:`InputError` if it is none."""
    if not text.lstrip().startswith("("):
        return Capability(*split_capability(text))
    parser = _Parser(text)
    parsed = parser.rich()
    parser.end()
    return parsed


class _Parser:
    """One pass over the words of a boolean dependency, from the left, without going back."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = list(_words(text))
        self.at = 0
        self.depth = 0

    def peek(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def take(self) -> str:
        word = self.peek()
        if not word:
            raise _bad(self.text, "it ends early")
        self.at += 1
        return word

    def end(self) -> None:
        if self.peek():
            raise _bad(self.text, f"{self.peek()!r} follows its end")

    def rich(self) -> Dependency:
        self.take()
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _bad(self.text, "it is nested too deeply")
        first = self.operand()
        operator = self.take()
        if operator == ")":
            self.depth -= 1
            return first
        if operator not in _OPERATORS:
            raise _bad(self.text, f"{operator!r} is no operator")
        operands = [first, self.operand()]
        while operator in _CHAINED and self.peek() == operator:
            self.take()
            operands.append(self.operand())
        if operator in _CONDITIONAL and self.peek() == "else":
            self.take()
            operands.append(self.operand())
        closing = self.take()
        if closing != ")":
            raise _bad(self.text, f"{closing!r} stands where ')' is expected")
        self.depth -= 1
        return RichDependency(operator, tuple(operands))

    def operand(self) -> Dependency:
        if self.peek() == "(":
            return self.rich()
        name = self.take()
        if name == ")":
            raise _bad(self.text, "an operand is missing")
        comparison = _COMPARISON.get(self.peek())
        if comparison is None:
            return Capability(name)
        self.take()
        evr = self.take()
        if evr in {"(", ")"}:
            raise _bad(self.text, "a version is missing")
        return Capability(name, comparison, evr)


def _words(text: str) -> Iterator[str]:
    """The words of a boolean dependency. A parenthesis belongs to a name when it opens inside one,
    as in ``libc.so.6()(64bit)``."""
    at, end = 0, len(text)
    while at < end:
        if text[at].isspace():
            at += 1
            continue
        if text[at] in "()":
            yield text[at]
            at += 1
            continue
        start, depth = at, 0
        while at < end and not text[at].isspace():
            depth += (text[at] == "(") - (text[at] == ")")
            if depth < 0:
                break
            at += 1
        yield text[start:at]


def _bad(text: str, why: str) -> InputError:
    shown = repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
    return InputError(Code.BAD_REQUIREMENT, f"{shown} is not an RPM dependency: {why}")
