"""Builds as a part of planning: what a plan gets of them, and what a failure teaches selection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from attrs import define, field, frozen
from packaging.version import Version

from ..errors import Code, InputError, Place, nearest
from ..model.build import BuildPlan, NeedOrigin
from ..model.component import PYTHON, Origin
from ..model.conflict import Conflict
from ..model.plan import Demander, Notice, PlannedStream, Reason, ReasonKind
from ..model.progress import Progress, no_progress
from ..model.requirement import Requirement
from ..model.root import RootConflict, RootRequest, RuleKind
from ..model.stream import Stream
from ..model.target import Target
from ..selection import Nogood
from .book import Book
from .build_plan import ChosenAgain, Passes, assemble
from .builds import Builder, Unbuildable, Work
from .needs import SpecNeeds
from .other_architectures import elsewhere_notices
from .request import PlanRequest
from .roots import RuntimeRoot, RuntimeSolution

__all__ = ["BuildPlanning", "MadeBuilds", "build_only_streams"]

_USUAL_GROUP = ("bash", "coreutils", "redhat-rpm-config", "rpm-build", "shadow-utils", "tar")
"""What a build root starts from where nobody says what the base's build group is."""


@frozen
class MadeBuilds:
    """The build plan with what it was made from."""

    plan: BuildPlan
    works: tuple[Work, ...]
    roots: tuple[RuntimeRoot, ...]
    at_run_time: frozenset[tuple[object, ...]]


@define(slots=False)
class BuildPlanning:
    """Plans builds for one request, for whatever selection is proposed."""

    book: Book
    request: PlanRequest
    progress: Progress = no_progress
    conflicts: list[Conflict] = field(factory=list, init=False)
    _notices: list[Notice] = field(factory=list, init=False)
    _failed: dict[str, str] = field(factory=dict, init=False)
    _unread: tuple[Notice, ...] = field(default=(), init=False)
    _first_python: str = field(default="", init=False)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the plan should say of the base's build group, and of needs that nobody knows."""
        failed = tuple(
            Notice("cannot-be-built", f"{text}, so another choice was made: {cause}")
            for text, cause in sorted(self._failed.items())
        )
        return (*self._notices, *failed, *self._unread)

    def make(self, found: RuntimeSolution) -> MadeBuilds | Nogood:
        """The builds of a selection whose runtime root is solved, or what cannot be built."""
        base = self.book.base.base
        if base.embedded:
            raise InputError(
                Code.NEEDS_WHOLE_BASE,
                f"the extract of {base.name} that comes with the tool has no build roots",
                place=Place(base.name),
                hint="name the base's repositories with --base DIRECTORY",
            )
        builder = Builder(
            self.book,
            found.root.selection,
            found.root,
            found.root.target,
            self.group,
            self._specs,
            self.request.checks,
            self.progress,
        )
        try:
            passes = self._passes(builder)
        finally:
            builder.close()
        if isinstance(passes, Unbuildable):
            return self._learn(passes, builder.unbuildable.values(), found)
        self._tell_unused_specs(builder)
        plan = assemble(passes, found)
        unread = self._unread_systems(tuple(builder.works.values()))
        self._unread = (*unread, *elsewhere_notices(builder.elsewhere, base.name, base.arch))
        return MadeBuilds(
            plan,
            tuple(builder.works[key] for key in sorted(builder.works, key=str)),
            tuple(work.choice.root for work, _ in passes.passes().values() if work.choice.root),
            frozenset(stream.offer.key for stream in found.root.selection.streams),
        )

    def _tell_unused_specs(self, builder: Builder) -> None:
        built = {work.stream.component for work in builder.works.values()}
        known = {name for each in built for name in (each.name, each.spelled)}
        for component, _ in self.request.specs:
            if component not in known:
                text = f"the spec for {component} is not used: no stream of it is built"
                self._notices.append(Notice("spec-unused", f"{text}; {nearest(component, known)}"))

    def _passes(self, builder: Builder) -> Passes | Unbuildable:
        """All builds, their cycles broken, or a stream of the application that nothing builds."""
        while True:
            passes = Passes(builder)
            try:
                failed = builder.run() or passes.break_cycles()
            except ChosenAgain:
                continue
            if failed is None and builder.forget_unused():
                continue
            if failed is None:
                return passes
            if builder.give_up(failed):
                return failed

    def _learn(
        self, failed: Unbuildable, before: Iterable[Unbuildable], found: RuntimeSolution
    ) -> Nogood:
        """That a stream cannot be built: with this interpreter, whatever its root holds; it may
        rest on what was found to be unbuildable ``before``."""
        stream = failed.stream
        # Why it fails with further interpreters would only bury why it does with the best one.
        self._first_python = self._first_python or found.root.selection.python
        if found.root.selection.python == self._first_python:
            told = [one for each in (failed, *before) for one in each.conflicts]
            self.conflicts += [one for one in dict.fromkeys(told) if one not in self.conflicts]
        offers = [stream.offer]
        python = found.root.chosen.get(PYTHON)
        if python is not None and python.offer != stream.offer:
            offers.append(python.offer)
        text = f"{stream.component} {stream.version} cannot be built"
        self._failed.setdefault(text, _cause(failed))
        return Nogood(tuple(offers), (text, *failed.texts))

    def _unread_systems(self, works: Sequence[Work]) -> Iterable[Notice]:
        """That for some builds neither upstream's word nor anybody else's is known."""
        unread = self.book.upstream.unreadable_builds
        known = {NeedOrigin.SPEC_FILE, NeedOrigin.BASE_SPEC, NeedOrigin.PROFILE}
        found = {
            f"{stream.component} {stream.version}": unread[stream.component.name, stream.version]
            for work in works
            for stream in (work.stream,)
            if (stream.component.name, stream.version) in unread
            and not known & {need.stated.origin for need in work.needs.needs}
        }
        if any(work.stream.component == PYTHON and not work.needs.needs for work in works):
            yield Notice(
                "unknown-build-needs",
                "the base has no source package of a Python, so nobody says what building the "
                "private one needs: give its spec with --spec interpreter:python=FILE",
            )
        if found:
            first = min(found)
            yield Notice(
                "unknown-build-needs",
                f"nobody says what building {', '.join(sorted(found))} needs, so their roots hold "
                f"what any build does ({first}: {found[first].message})",
            )

    # -- what every root starts from -----------------------------------------------------------

    @cached_property
    def group(self) -> tuple[str, ...]:
        """The base's build group, without what cannot be installed together with the rest."""
        base, pool = self.book.base.base, self.book.base.pool
        group = base.build_group
        if not group:
            group = tuple(name for name in _USUAL_GROUP if pool.named(name))
            self._notices.append(
                Notice(
                    "build-group",
                    f"nothing says what the build group of {base.name} is: build roots start from "
                    f"{', '.join(group)}",
                )
            )
        left_out: list[str] = []
        texts: list[str] = []
        while isinstance(answer := pool.solve(RootRequest(group)), RootConflict):
            culprit = self._culprit(answer, group)
            left_out.append(culprit)
            texts += _facts(answer)
            group = tuple(name for name in group if name != culprit)
        if left_out:
            self._notices.append(
                Notice(
                    "build-group",
                    f"the build group of {base.name} cannot be installed as a whole: build roots "
                    f"are without {', '.join(left_out)} ({'; '.join(dict.fromkeys(texts))})",
                )
            )
        return group

    def _culprit(self, conflict: RootConflict, group: tuple[str, ...]) -> str:
        """A member without which the most of the group can be installed: the least that helps."""
        asked = sorted(
            {
                rule.dependency
                for problem in conflict.problems
                for rule in problem.rules
                if rule.kind.value.startswith("requested") and rule.dependency in group
            }
        )
        for name in asked:
            rest = RootRequest(tuple(other for other in group if other != name))
            if not isinstance(self.book.base.pool.solve(rest), RootConflict):
                return name
        return (asked or list(group))[0]

    @cached_property
    def _specs(self) -> dict[str, SpecNeeds]:
        """The specs that the packager gave, read once."""
        if not self.request.specs:
            return {}
        from ..inputs.spec_files import read_spec

        found = {}
        for component, path in self.request.specs:
            spec = read_spec(Path(path), arch=self.book.base.base.arch)
            found[component] = SpecNeeds(
                spec.build_requires, Path(path).name, spec.generates, spec.build_conflicts
            )
        return found


_FACTS = {
    RuleKind.REQUIRES: "{rule.package} needs {rule.dependency}",
    RuleKind.NOTHING_PROVIDES: "{rule.package} needs {rule.dependency}, which nothing provides",
    RuleKind.REQUESTED_NOTHING_PROVIDES: "nothing provides {rule.dependency}",
    RuleKind.OBSOLETES: "{rule.package} obsoletes {rule.other}",
    RuleKind.CONFLICTS: "{rule.package} conflicts with {rule.other}",
}


def _cause(failed: Unbuildable) -> str:
    """Why a stream cannot be built, in short."""
    demands = {
        f"{chain[-1].by} needs {chain[-1].requirement}"
        for conflict in failed.conflicts
        for chain in conflict.chains
        if chain
    }
    return "; ".join(sorted(demands) or failed.texts)


def _facts(conflict: RootConflict) -> list[str]:
    return [
        _FACTS[rule.kind].format(rule=rule)
        for problem in conflict.problems
        for rule in problem.rules
        if rule.kind in _FACTS
    ]


# -- streams that only builds use ------------------------------------------------------------------


def build_only_streams(book: Book, made: MadeBuilds, target: Target) -> tuple[PlannedStream, ...]:
    """The private streams that build roots need and the application does not, sorted."""
    demanders = _demanders(made, target)
    found = []
    for work in made.works:
        stream = work.stream
        if stream.offer.key in made.at_run_time:
            continue
        demands = demanders.get(stream.offer.key, ())
        root = work.choice.root
        found.append(
            PlannedStream(
                component=stream.component,
                version=stream.version,
                origin=Origin.PRIVATE,
                package=root.package_name(stream.offer) if root else stream.offer.package,
                source=book.sources.at(stream, book.release(stream.offer), target),
                requirements=_unique(stream.demands(target)),
                required_by=demands,
                reason=_reason(book, stream, demands, target),
                prebuilt=stream.offer.prebuilt,
                licence=stream.licence,
                cost=stream.offer.cost,
                build_only=True,
            )
        )
    return tuple(found)


def _demanders(made: MadeBuilds, target: Target) -> dict[tuple[object, ...], tuple[Demander, ...]]:
    """Who asks for each private stream in some build root: builds by their needs, and other
    streams in the root by what they require."""
    found: dict[tuple[object, ...], dict[tuple[str, str], Demander]] = {}
    for work in made.works:
        private = {stream.component: stream for stream in work.uses}
        asked = [
            (work.stream.component, need.requirement)
            for need in work.needs.needs
            if need.requirement is not None
        ]
        asked += [
            (stream.component, requirement)
            for stream in (work.choice.root.streams if work.choice.root else ())
            for requirement in stream.demands(target)
        ]
        for by, requirement in asked:
            used = private.get(requirement.component)
            if used is not None:
                demander = Demander(by, requirement)
                found.setdefault(used.offer.key, {})[by.spelled, requirement.text] = demander
    return {key: tuple(each[name] for name in sorted(each)) for key, each in found.items()}


def _reason(book: Book, stream: Stream, demands: Sequence[Demander], target: Target) -> Reason:
    version = book.base.version_of(stream.component)
    if not version:
        return Reason(ReasonKind.NOT_IN_BASE)
    refusing = tuple(d for d in demands if not d.requirement.allows(Version(version)))
    if not refusing and target.python != book.base.base.python:
        return Reason(ReasonKind.OTHER_PYTHON, version)
    return Reason(ReasonKind.BASE_CONFLICT, version, refusing)


def _unique(requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
    by_text = {str(requirement): requirement for requirement in requirements}
    return tuple(by_text[text] for text in sorted(by_text))
