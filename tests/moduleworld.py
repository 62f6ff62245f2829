"""Universes of modules for tests, and what can be done in them by trying everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from streamsolve.model.modules import ModuleDependencies, ModuleStream, StreamChoice

Needs = Mapping[str, Sequence[str]]
Answer = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]


def choices(needs: Needs) -> tuple[tuple[str, StreamChoice], ...]:
    return tuple(sorted((name, StreamChoice.parse(streams)) for name, streams in needs.items()))


def built(
    name: str, stream: str, *groups: Needs, context: str = "c", virtual: Sequence[str] = ()
) -> ModuleStream:
    """A stream in a repository, with what it needs at run time; of several groups any will do."""
    dependencies = tuple(ModuleDependencies(requires=choices(group)) for group in groups)
    return ModuleStream(name, stream, 1, context, dependencies=dependencies, virtual=tuple(virtual))


def wanted(*groups: tuple[Needs, Needs], name: str = "target") -> ModuleStream:
    """A module to expand, by groups of (buildrequires, requires)."""
    found = tuple(ModuleDependencies(choices(build), choices(run)) for build, run in groups)
    return ModuleStream(name, "1", dependencies=found)


# -- trying everything -----------------------------------------------------------------------------


def every_answer(module: ModuleStream, streams: Sequence[ModuleStream]) -> set[Answer]:
    """All ways, found by looking at every set of streams that holds one of each module or none."""
    return {
        answer
        for group in module.dependencies
        for build_root in working_sets(streams, {})
        for answer in _answers(module, group, build_root, streams)
    }


def working_sets(
    streams: Sequence[ModuleStream], given: Mapping[str, ModuleStream]
) -> Iterator[Mapping[str, ModuleStream]]:
    """All sets in which everything that is in them has what it needs; ``given`` are in each."""
    names = sorted({stream.name for stream in streams} - given.keys())
    options = [[None, *(s for s in streams if s.name == name)] for name in names]
    for chosen in product(*options):
        found = {stream.name: stream for stream in chosen if stream is not None} | dict(given)
        if all(_has_what_it_needs(stream, found) for stream in found.values()):
            yield found


def _has_what_it_needs(stream: ModuleStream, present: Mapping[str, ModuleStream]) -> bool:
    if not stream.dependencies or stream.name == "target":
        return True
    return any(
        all(_is_met(name, choice, present) for name, choice in group.requires)
        for group in stream.dependencies
    )


def _is_met(name: str, choice: StreamChoice, present: Mapping[str, ModuleStream]) -> bool:
    return name in present and _allows(choice, present[name])


def _is_built_with(name: str, choice: StreamChoice, present: Mapping[str, ModuleStream]) -> bool:
    """As above, but a release of the platform is meant exactly."""
    stream = present.get(name)
    if stream is None:
        return False
    is_named = any(
        label in stream.labels or (label[:2] == ">=" and stream.answers(label))
        for label in choice.labels
    )
    return not is_named if choice.excluded else is_named


def _allows(choice: StreamChoice, stream: ModuleStream) -> bool:
    if choice.excluded:
        return not any(label in stream.labels for label in choice.labels)
    return any(stream.answers(label) for label in choice.labels)


def _answers(
    module: ModuleStream,
    group: ModuleDependencies,
    build_root: Mapping[str, ModuleStream],
    streams: Sequence[ModuleStream],
) -> Iterator[Answer]:
    build, run = dict(group.buildrequires), dict(group.requires)
    if not all(_is_built_with(name, choice, build_root) for name, choice in build.items()):
        return
    built_with = tuple(sorted((name, build_root[name].stream) for name in build))
    for run_root in working_sets(streams, {module.name: module}):
        if not all(_is_met(name, choice, run_root) for name, choice in run.items()):
            continue
        # What is both built and run with is the same stream.
        if any(build_root[name].stream != run_root[name].stream for name in build if name in run):
            continue
        yield built_with, tuple(sorted((name, run_root[name].stream) for name in run))
