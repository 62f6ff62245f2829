"""Module streams as packages for libsolv: one set for the build of a module, one for its use.

Names are numbered, so that no name of a repository becomes part of a dependency's syntax.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import frozen

from ..model.module_expansion import ExpansionFact, FactKind, Side, distinct
from ..model.modules import ModuleStream, StreamChoice
from ..model.package import Package
from ..model.root import ProblemRule, RootConflict, RuleKind

__all__ = ["Decision", "Model", "ModuleEncoding", "Option", "is_meant"]

_LETTER = {Side.BUILD: "b", Side.RUN: "r"}
_SIDE = {letter: side for side, letter in _LETTER.items()}
_NAME = re.compile(r"(?P<side>[br])-m(?P<module>\d+)(?:\([ls](?P<label>\d+)\))?")
_ITSELF = "r-itself"
_NOTHING = "nothing"
_LACKING = frozenset({RuleKind.NOTHING_PROVIDES, RuleKind.REQUESTED_NOTHING_PROVIDES})

Model = Mapping[tuple[Side, str], ModuleStream]
"""The streams of a solution, by side and module."""


@frozen
class Option:
    """One way to decide a module: names of its streams by side."""

    streams: tuple[tuple[Side, str], ...]


@frozen
class Decision:
    """A module to decide, with the ways to do so, best first."""

    module: str
    options: tuple[Option, ...]


def is_meant(stream: ModuleStream, choice: StreamChoice, *, exactly: bool = False) -> bool:
    """Whether a choice allows a stream; ``exactly`` takes no later release of the platform for an
    earlier one."""
    if choice.excluded or exactly:
        return choice.excluded is not any(stream.is_called(label) for label in choice.labels)
    return any(stream.answers(label) for label in choice.labels)


class ModuleEncoding:
    """The packages of one module's expansion, and the way back from libsolv's answers.

    Each stream stands once on each side, and requires there what it needs at run time: streams that
    are in a build root have to work in it.
    """

    def __init__(self, module: ModuleStream, streams: Mapping[str, Sequence[ModuleStream]]) -> None:
        """``streams`` are those that exist, by module; of each the best one last."""
        self._streams = streams
        named = {module.name} - {""}
        self._names = sorted({*streams, *named, *_mentioned((module, *_all(streams)))})
        self._numbers = {name: number for number, name in enumerate(self._names)}
        self._labels = {name: sorted(self._labels_of(name, module)) for name in self._names}
        self._lifted: dict[str, ModuleStream] = {}
        packages = [
            self._package(side, stream, number)
            for side in _LETTER
            for name in sorted(streams)
            for number, stream in enumerate(streams[name])
        ]
        self.itself: tuple[str, ...] = ()
        if module.name:
            packages.append(self._itself(module))
            self.itself = (_ITSELF,)
        self.packages = tuple(packages)

    def _labels_of(self, name: str, module: ModuleStream) -> set[str]:
        own = {label for each in self._streams.get(name, ()) for label in each.labels}
        written = {
            label
            for stream in (module, *_all(self._streams))
            for group in stream.dependencies
            for needed, choice in (*group.buildrequires, *group.requires)
            if needed == name
            for label in choice.labels
        }
        return own | written | set(module.labels if module.name == name else ())

    # -- packages

    def _package(self, side: Side, stream: ModuleStream, number: int) -> Package:
        # Of two that would do libsolv takes the newer one: the better stream, so that its answer
        # is mostly the one that is looked for.
        package = Package(
            self._name(side, stream.name),
            f"{number + 1}-1",
            "noarch",
            provides=tuple(self._provides(side, stream)),
            requires=tuple(self._requires(side, stream)),
        )
        self._lifted[package.nevra] = stream
        return package

    def _itself(self, module: ModuleStream) -> Package:
        """The module on the side of its use, where no other stream of it may be."""
        name = self._name(Side.RUN, module.name)
        provides = (*self._provides(Side.RUN, module), _ITSELF)
        package = Package(name, "0-1", "noarch", provides=provides)
        self._lifted[package.nevra] = module
        return package

    def _name(self, side: Side, module: str) -> str:
        return f"{_LETTER[side]}-m{self._numbers[module]}"

    def _text(self, side: Side, module: str, label: str) -> str:
        return f"{self._name(side, module)}(l{self._labels[module].index(label)})"

    def _exact(self, side: Side, module: str, stream: str) -> str:
        """That very stream, whatever others answer to its name."""
        return f"{self._name(side, module)}(s{self._labels[module].index(stream)})"

    def _provides(self, side: Side, stream: ModuleStream) -> Iterator[str]:
        yield self._name(side, stream.name)
        yield self._exact(side, stream.name, stream.stream)
        for label in self._labels[stream.name]:
            if stream.answers(label):
                yield self._text(side, stream.name, label)

    def _requires(self, side: Side, stream: ModuleStream) -> Iterator[str]:
        groups = [
            [self._choice(side, name, choice) for name, choice in group.requires]
            for group in sorted(set(stream.dependencies))
        ]
        if len(groups) == 1:
            yield from groups[0]
        elif groups and all(groups):
            yield _boolean("or", [_boolean("and", texts) for texts in groups])

    def _choice(self, side: Side, name: str, choice: StreamChoice) -> str:
        if name not in self._streams:
            return self._text(side, name, choice.labels[0]) if choice.labels else _NOTHING
        if choice.excluded and not choice.labels:
            return self._name(side, name)
        labels = list(choice.labels)
        if choice.excluded:
            labels = sorted({e.stream for e in self._streams[name] if is_meant(e, choice)})
        return _boolean("or", [self._text(side, name, label) for label in labels]) or _NOTHING

    # -- requests

    def option_texts(self, module: str, option: Option) -> tuple[str, ...]:
        """What is asked for once a module is decided."""
        return tuple(
            self._exact(side, module, stream)
            if side is Side.BUILD
            else self._text(side, module, stream)
            for side, stream in option.streams
        )

    def decision_texts(self, decision: Decision) -> tuple[str, ...]:
        """What is asked for as long as it is not."""
        options = [self.option_texts(decision.module, each) for each in decision.options]
        if len(options) == 1:
            return options[0]
        return (_boolean("or", [_boolean("and", texts) for texts in options]),)

    # -- answers

    def model(self, packages: Iterable[Package]) -> Model:
        """The streams of a solution."""
        found = {}
        for package in packages:
            stream = self._lifted[package.nevra]
            found[_SIDE[package.name[0]], stream.name] = stream
        return found

    def facts(self, conflict: RootConflict) -> tuple[ExpansionFact, ...]:
        """The rules of a conflict."""
        rules = [rule for problem in conflict.problems for rule in problem.rules]
        return distinct(fact for rule in rules for fact in self._facts(rule))

    def _facts(self, rule: ProblemRule) -> Iterator[ExpansionFact]:
        if rule.kind is RuleKind.SAME_NAME:
            side, name = _SIDE[rule.package[0]], self._lifted[rule.package].name
            both = sorted({self._lifted[rule.package].stream, self._lifted[rule.other].stream})
            yield ExpansionFact(FactKind.ONE_STREAM, side, name, known=tuple(both))
            return
        who = self._lifted[rule.package].nsvca if rule.package else ""
        wanted: dict[tuple[Side, str], list[str]] = {}
        for found in _NAME.finditer(rule.dependency):
            name = self._names[int(found["module"])]
            labels = wanted.setdefault((_SIDE[found["side"]], name), [])
            if found["label"]:
                labels.append(self._labels[name][int(found["label"])])
        for (side, name), labels in sorted(wanted.items()):
            choice = StreamChoice(tuple(sorted(set(labels))), excluded=not labels)
            yield ExpansionFact(
                self._kind(rule, name), side, name, choice, who, self._known(rule, name)
            )

    def _kind(self, rule: ProblemRule, name: str) -> FactKind:
        if rule.kind not in _LACKING:
            return FactKind.NEEDS
        return FactKind.UNKNOWN_STREAM if name in self._streams else FactKind.UNKNOWN_MODULE

    def _known(self, rule: ProblemRule, name: str) -> tuple[str, ...]:
        if rule.kind not in _LACKING:
            return ()
        streams = self._streams.get(name)
        known = {each.stream for each in streams} if streams else set(self._streams)
        return tuple(sorted(known))


def _all(streams: Mapping[str, Sequence[ModuleStream]]) -> Iterator[ModuleStream]:
    for name in sorted(streams):
        yield from streams[name]


def _mentioned(streams: Iterable[ModuleStream]) -> Iterator[str]:
    for stream in streams:
        for group in stream.dependencies:
            yield from (name for name, _ in (*group.buildrequires, *group.requires))


def _boolean(word: str, texts: Sequence[str]) -> str:
    """Texts joined by ``and`` or ``or`` in RPM's language; empty for none."""
    different = list(dict.fromkeys(texts))
    return f"({f' {word} '.join(different)})" if len(different) > 1 else "".join(different)
