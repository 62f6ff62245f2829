"""Whether a built wheel requires what was planned of its stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import define
from packaging.version import Version

from ..errors import InputError
from ..model.artifacts import BuiltArtifact, Finding, FindingKind
from ..model.build import stream_id
from ..model.component import Component, Kind, Origin
from ..model.plan import Plan, PlannedStream
from ..model.requirement import Requirement, parse_requirement
from ..model.target import Target

__all__ = ["WheelCheck"]


@define
class WheelCheck:
    """Looks at wheels one after another, with what holds at the plan's target."""

    plan: Plan

    def findings(self, artifact: BuiltArtifact, stream: str) -> Iterator[Finding]:
        """What is different in a wheel of a stream (an id)."""
        planned = next((each for each in self.plan.streams if _is(each, stream)), None)
        if planned is None:
            return
        target = Target(self.plan.python, self.plan.arch)
        asked: dict[Component, list[Requirement]] = {}
        for text in artifact.requires:
            try:
                requirement = parse_requirement(text)
            except InputError as error:
                yield Finding(FindingKind.UNREADABLE, stream, artifact.path, error.message)
                continue
            if requirement.applies(target):
                asked.setdefault(requirement.component, []).append(requirement)
        yield from self._compared(planned, asked, stream, artifact.path)
        for component in sorted(asked):
            yield from self._unmet(planned, component, asked[component], stream, artifact.path)

    def _compared(
        self,
        planned: PlannedStream,
        asked: Mapping[Component, list[Requirement]],
        stream: str,
        path: str,
    ) -> Iterator[Finding]:
        wanted: dict[Component, list[Requirement]] = {}
        for requirement in planned.requirements:
            if requirement.component.kind is Kind.DISTRIBUTION:
                wanted.setdefault(requirement.component, []).append(requirement)
        for component in sorted(wanted.keys() | asked.keys()):
            before, after = _told(wanted.get(component, [])), _told(asked.get(component, []))
            if before == after:
                continue
            kind = FindingKind.of_requirement(before, after)
            yield Finding(kind, stream, path, component.name, before, after)

    def _unmet(
        self,
        planned: PlannedStream,
        component: Component,
        requirements: list[Requirement],
        stream: str,
        path: str,
    ) -> Iterator[Finding]:
        """Requirements that no stream of the plan meets. What the profile weakened or leaves out is
        upstream's word still, and no fault of the build."""
        versions = [
            each.version
            for each in self.plan.streams
            if each.component == component
            and (not each.build_only or planned.build_only)
            and each.version is not None
        ]
        if any(
            each.component == component and each.origin is Origin.OMITTED
            for each in self.plan.streams
        ):
            return
        relaxed = {
            str(each.stated.specifier)
            for each in self.plan.relaxed
            if each.stated.component == component
        }
        for requirement in requirements:
            if str(requirement.specifier) in relaxed or requirement.url:
                continue
            if not any(map(requirement.allows, versions)):
                told = ", ".join(str(version) for version in sorted(set(versions)))
                yield Finding(
                    FindingKind.UNMET_REQUIREMENT,
                    stream,
                    path,
                    str(requirement),
                    found=told,
                    root="runtime",
                )


def _is(stream: PlannedStream, id: str) -> bool:
    version: Version | None = stream.version
    return version is not None and stream_id(stream.component, version) == id


def _told(requirements: list[Requirement]) -> str:
    return ", ".join(sorted({str(requirement) for requirement in requirements}))
