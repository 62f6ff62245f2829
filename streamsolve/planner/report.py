"""From a selection to a plan: who requires what, and why each stream is what it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import define, evolve, field
from packaging.version import Version

from ..errors import Place
from ..model.build import Isolation
from ..model.component import PYTHON, Component, Kind, Origin
from ..model.package import Package
from ..model.plan import (
    Burden,
    Demander,
    HeldBack,
    Notice,
    Plan,
    PlannedStream,
    Reason,
    ReasonKind,
    Relaxed,
    RepositoryId,
    Summary,
)
from ..model.requirement import Requirement, pythons_requirement
from ..model.stream import Offer, Stream
from ..model.target import Target
from ..selection import Selection
from .book import Book
from .build_plan import runtime_root
from .build_planning import MadeBuilds, build_only_streams
from .kernel import kernel_notices, kernel_pair
from .leaks import find_leaks
from .notices import selection_notices
from .overlay_use import overlays_used
from .roots import RuntimeRoot, RuntimeSolution
from .vendored import vendored_elsewhere, vendored_in, vendored_notices

__all__ = ["Report"]

_WHEELS = Place("wheels")
"""Where it is stated what a prebuilt stream runs on."""


@define
class Report:
    """Builds the plan of one selection."""

    book: Book
    selection: Selection
    found: RuntimeSolution
    made: MadeBuilds | None = None
    notices: tuple[Notice, ...] = ()
    overlays: frozenset[str] = frozenset()
    _demanders: dict[Component, list[Demander]] = field(init=False)

    @property
    def root(self) -> RuntimeRoot:
        """The runtime root."""
        return self.found.root

    @property
    def target(self) -> Target:
        """What the plan is for."""
        return self.root.target

    def __attrs_post_init__(self) -> None:
        self._demanders = {}
        for stream in self.selection.streams:
            for requirement in self._active(stream):
                self._demanders.setdefault(requirement.component, []).append(
                    Demander(stream.component, requirement)
                )

    def plan(self) -> Plan:
        """The whole plan."""
        streams = tuple(self._planned(stream) for stream in self.selection.streams)
        base = self.book.base.base
        further = build_only_streams(self.book, self.made, self.target) if self.made else ()
        pair = kernel_pair(self.root, self.made.plan if self.made else None)
        vendored = vendored_in(self.book.profile, self.book.variant, (*streams, *further))
        profile, version = self.book.profile, self.book.root.version
        of_vendored = (
            *vendored_notices(vendored, profile.policy),
            *vendored_elsewhere(profile, version, vendored),
        )
        return Plan(
            application=self.book.profile.name,
            version=self.book.root.version,
            variant=self.book.variant.name,
            base=base.name,
            arch=base.arch,
            repositories=tuple(
                RepositoryId(repository.id, repository.digest)
                for repository in sorted(base.repositories, key=lambda r: r.id)
            ),
            python=self.selection.python,
            summary=self._summary(streams, further),
            streams=tuple(sorted((*streams, *further), key=_stream_key)),
            burden=self._burden(streams),
            warnings=(*self.notices, *self._warnings(), *kernel_notices(pair), *of_vendored),
            held_back=self._held_back(),
            relaxed=self._relaxed(),
            host=tuple(
                note
                for (by, version, _), note in sorted(self.book.adjuster.host.items())
                if self._is_chosen(by, version)
            ),
            runtime_packages=self.found.packages,
            isolation=self._isolation(),
            builds=self.made.plan if self.made else None,
            modules=self.book.base.modules.told(self._packages()),
            overlays=overlays_used(
                self.overlays,
                base,
                self.book.base.pool,
                self.found.solution.packages,
                (root.packages for root in (self.made.plan.roots if self.made else ())),
            ),
            vendored=vendored,
            kernel_pair=pair,
        )

    def _packages(self) -> Iterable[Package]:
        roots = self.made.plan.roots if self.made else ()
        return (*self.found.solution.packages, *(one for root in roots for one in root.packages))

    def _warnings(self) -> Iterable[Notice]:
        return selection_notices(self.book, self.selection, self._packages(), self._required_by)

    def _isolation(self) -> Isolation:
        """Whether anything leaks, in all roots that the plan has."""
        made = self.made
        roots = (made.plan.runtime, *made.plan.roots) if made else (runtime_root(self.found),)
        made_from = (self.root, *(made.roots if made else ()))
        base = self.book.base
        return find_leaks(roots, made_from, base.base, base.pool, self.overlays)

    # -- streams -------------------------------------------------------------------------------

    def _active(self, stream: Stream) -> list[Requirement]:
        """The requirements that hold at the target, with those of the extras asked for."""
        found = list(stream.demands(self.target))
        for extra in self.selection.extras.get(stream.component, ()):
            found += stream.demands(self.target, extra)
        unique = {str(requirement): requirement for requirement in found}
        return [unique[text] for text in sorted(unique)]

    def _planned(self, stream: Stream) -> PlannedStream:
        offer = stream.offer
        omitted = offer.origin is Origin.OMITTED
        return PlannedStream(
            component=offer.component,
            version=None if omitted else offer.version,
            origin=offer.origin,
            package="" if omitted else self.root.package_name(offer),
            source=self.book.sources.at(stream, self.book.release(offer), self.target),
            requirements=tuple(self._active(stream)),
            required_by=self._required_by(offer.component),
            reason=self._reason(offer),
            prebuilt=offer.prebuilt,
            licence=stream.licence,
            cost=offer.cost,
            extras=self.selection.extras.get(offer.component, ()),
            build_only=offer.component.kind is Kind.TOOLCHAIN,
            repository="" if offer.origin is Origin.PRIVATE else offer.repository,
        )

    def _required_by(self, component: Component) -> tuple[Demander, ...]:
        found = self._demanders.get(component, [])
        return tuple(sorted(found, key=lambda d: (d.component, str(d.requirement))))

    def _reason(self, offer: Offer) -> Reason:
        component = offer.component
        if component == self.book.root.component:
            return Reason(ReasonKind.APPLICATION, self._written_in_base(component))
        if offer.origin is Origin.OMITTED:
            omission = self.book.adjuster.omission(component)
            return Reason(ReasonKind.OMITTED, text=omission.reason if omission else "")
        base_version = self.book.base.version_of(component)
        if offer.origin is Origin.EXTERNAL:
            return Reason(ReasonKind.EXTERNAL, base_version)
        if offer.origin is Origin.BASE:
            usual = str(offer.version) == base_version or self._is_behind_an_overlay(offer)
            return Reason(ReasonKind.BASE_FITS if usual else ReasonKind.COMPAT_FITS, base_version)
        if not base_version:
            return Reason(ReasonKind.NOT_IN_BASE)
        refusing = self._refusing(component, Version(base_version))
        if component == PYTHON:
            binding = self._binding(offer, refusing)
            return Reason(ReasonKind.INTERPRETER, base_version, binding)
        if refusing:
            return Reason(ReasonKind.BASE_CONFLICT, base_version, refusing)
        if self.selection.python != self.book.base.python:
            return Reason(ReasonKind.OTHER_PYTHON, base_version)
        return Reason(ReasonKind.BASE_CONFLICT, base_version, self._base_demands(component))

    def _written_in_base(self, component: Component) -> str:
        """The version of the base's own package of the application, as the base writes it."""
        usual = [one for one in self.book.base.of(component) if not self.book.base.is_compat(one)]
        return usual[0].package.version if usual else ""

    def _is_behind_an_overlay(self, offer: Offer) -> bool:
        """Whether it is the base's usual package, which is not the first of its name any more."""
        found = self.book.base_stream(offer)
        return bool(self.overlays) and found is not None and not self.book.base.is_compat(found)

    def _refusing(self, component: Component, version: Version) -> tuple[Demander, ...]:
        found = [d for d in self._required_by(component) if not d.requirement.allows(version)]
        if component == PYTHON:
            series = self.book.base.python
            for stream in self.selection.streams:
                pythons = stream.offer.pythons
                if pythons and series not in pythons:
                    limit = pythons_requirement(pythons, self.book.targets)
                    found.append(Demander(stream.component, evolve(limit, place=_WHEELS)))
        return tuple(found)

    def _binding(self, offer: Offer, refusing: tuple[Demander, ...]) -> tuple[Demander, ...]:
        """Those that also keep the next newer interpreter out: they decide how old it must be."""
        newer = [o.version for o in self.book.offers(PYTHON) if o.version > offer.version]
        if not newer:
            return refusing
        binding = tuple(d for d in refusing if not d.requirement.allows(min(newer)))
        return binding or refusing

    def _base_demands(self, component: Component) -> tuple[Demander, ...]:
        """What the base's own package of it requires and the plan does not hold."""
        chosen = self.root.chosen
        for found in self.book.base.of(component)[:1]:
            stream = self.book.base.stream(found)
            return tuple(
                Demander(component, requirement)
                for requirement in stream.requirements
                if requirement.component in chosen
                and not requirement.allows(chosen[requirement.component].version)
            )
        return ()

    # -- the rest ------------------------------------------------------------------------------

    def _summary(
        self, streams: Iterable[PlannedStream], further: Sequence[PlannedStream]
    ) -> Summary:
        counts = dict.fromkeys(Origin, 0)
        for stream in streams:
            counts[stream.origin] += 1
        return Summary(
            base=counts[Origin.BASE],
            private=counts[Origin.PRIVATE],
            external=counts[Origin.EXTERNAL],
            omitted=counts[Origin.OMITTED],
            cost=self.selection.cost,
            minimal=self.selection.minimal,
            lower_bound=self.selection.lower_bound,
            build_only=len(further),
            build_cost=sum(build.cost for build in self.made.plan.builds) if self.made else 0,
        )

    def _burden(self, streams: Iterable[PlannedStream]) -> Burden:
        conflict, add = [], []
        for stream in streams:
            if stream.origin is not Origin.PRIVATE:
                continue
            text = f"{stream.component} {stream.version}"
            if stream.reason.kind in (ReasonKind.BASE_CONFLICT, ReasonKind.INTERPRETER):
                conflict.append(f"{text} (the base has {stream.reason.base_version})")
            elif stream.reason.kind is ReasonKind.NOT_IN_BASE:
                add.append(text)
        return Burden(0, tuple(conflict), tuple(add))

    def _held_back(self) -> tuple[HeldBack, ...]:
        found = []
        for stream in self.selection.streams:
            offer = stream.offer
            if offer.origin not in (Origin.PRIVATE, Origin.EXTERNAL):
                continue
            versions = [other.version for other in self.book.offers(offer.component)]
            newest = max(versions, default=offer.version)
            if newest > offer.version:
                refusing = tuple(
                    d
                    for d in self._required_by(offer.component)
                    if not d.requirement.allows(newest)
                )
                found.append(HeldBack(offer.component, offer.version, newest, refusing))
        return tuple(found)

    def _relaxed(self) -> tuple[Relaxed, ...]:
        found = {}
        for (by, version, _), note in sorted(self.book.adjuster.relaxed.items()):
            if self._is_chosen(by, version) and self._holds(by, note.counts):
                # The same bound is stated with and without trailing zeros by different streams.
                found[by, note.stated.component, note.stated.specifier] = note
        return tuple(found.values())

    def _is_chosen(self, component: Component, version: Version) -> bool:
        return any(
            stream.component == component and stream.version == version
            for stream in self.selection.streams
        )

    def _holds(self, by: Component, requirement: Requirement) -> bool:
        demanders = self._demanders.get(requirement.component, [])
        return any(d.component == by and d.requirement == requirement for d in demanders)


def _stream_key(stream: PlannedStream) -> tuple[object, ...]:
    return (stream.component, stream.build_only, stream.version or Version("0"), stream.package)
