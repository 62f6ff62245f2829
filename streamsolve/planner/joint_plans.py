"""Joint plans: what comes of some applications in one root, each group planned at most once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from attrs import define, evolve, field, frozen

from ..errors import Code, InputError, Place
from ..inputs.shipped import default_cache
from ..inputs.transport import Transport
from ..inputs.upstream_extract import UpstreamExtract
from ..model.component import Component, Origin
from ..model.conflict import Cause, Conflict, Demand
from ..model.package import Base
from ..model.plan import Plan
from ..model.profile import Profile
from ..model.progress import Progress, no_progress
from ..model.shared import Apart, ApartKind, Contradiction
from ..solving import PackagePool
from .base_offers import BaseOffers
from .joint import ANCHOR, JointBook, JointWorkshop
from .joint_parts import users_in, without_anchor
from .joint_rules import OF_BUILDS, Application, common_ground, contradictions, joined
from .joint_upstream import JoinedExtracts, JointUpstream
from .module_streams import ModuleChoice, chosen_modules
from .planning import embedded_extract, index_of, whole_base
from .request import PlanRequest
from .upstream import Upstream

if TYPE_CHECKING:
    from .planning import Attempt

__all__ = ["Group", "Joint", "JointPlans"]

Group = frozenset[str]
"""Applications by label."""


@frozen
class Joint:
    """The plan of a group. ``users`` are the applications that each component is there for."""

    plan: Plan
    users: Mapping[Component, tuple[str, ...]]


@define
class JointPlans:
    """Plans groups of applications on one base: a context manager.

    Base, index and costs are the same for all groups, so that their plans can be compared.
    """

    request: PlanRequest
    applications: Mapping[str, Application]
    base: Base
    pool: PackagePool
    upstream: Upstream
    modules: ModuleChoice
    progress: Progress = no_progress
    common: Profile = field(init=False)
    _known: dict[Group, Joint | Apart] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.common = common_ground(list(self.applications.values()))

    @classmethod
    def open(
        cls,
        request: PlanRequest,
        applications: Sequence[Application],
        progress: Progress = no_progress,
        *,
        base: Base | None = None,
        upstream: Upstream | None = None,
    ) -> JointPlans:
        """Open the base and the index, as far as they are not given.

        A base's extracts belong to one application, so that the whole base is needed here:
        :class:`InputError` where it cannot be had.
        """
        cache = request.cache or default_cache()
        transport = Transport(offline=request.offline, cache=cache, progress=progress)
        if base is None:
            base = _whole_base(request, applications, transport)
        modules = chosen_modules(base, request.modules)
        pool = PackagePool.open(base.repositories, arch=base.arch, cache=cache, progress=progress)
        pool.hide(modules.hidden)
        if not base.python:
            base = evolve(base, python=pool.python_abi())
        if upstream is None:
            upstream = _upstream(request, applications, base.arch, transport, cache)
        named = {one.label: one for one in applications}
        return cls(request, named, base, pool, upstream, modules, progress)

    def __enter__(self) -> JointPlans:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.pool.close()

    def of(self, group: Group) -> Joint | Apart:
        """The plan of a group, or why its applications cannot all be in one root."""
        if group not in self._known:
            self._known[group] = self._plan(group)
        return self._known[group]

    @property
    def known(self) -> Mapping[Group, Joint | Apart]:
        """All groups that were planned."""
        return self._known

    # -- one group -----------------------------------------------------------------------------

    def _plan(self, group: Group) -> Joint | Apart:
        members = tuple(self.applications[label] for label in sorted(group))
        for one, other in combinations(members, 2):
            if apart := self._against_rules(one, other):
                return apart
        self.progress(f"planning {' and '.join(sorted(group))}", 0, 0)
        workshop = self._workshop(members)
        attempt = workshop.attempt(self._request)
        if attempt.plan is None:
            return _apart(members, attempt)
        plan = without_anchor(attempt.plan, members)
        if isinstance(attempt.book, JointBook) and attempt.book.one_sided:
            plan = evolve(plan, summary=evolve(plan.summary, minimal=False))
        return Joint(plan, users_in(plan, members))

    @property
    def _request(self) -> PlanRequest:
        return evolve(self.request, variant="", version="")

    def _workshop(self, members: tuple[Application, ...]) -> JointWorkshop:
        profile = joined(members, self.common, ANCHOR, self._uses)
        return JointWorkshop(
            self._request,
            profile,
            self.base,
            self.pool,
            self.upstream,
            self.progress,
            self.modules,
            members=members,
        )

    def _against_rules(self, one: Application, other: Application) -> Apart | None:
        labels = tuple(sorted((one.label, other.label)))
        if one.component == other.component:
            return Apart(labels, ApartKind.APPLICATION)
        uses = self._uses
        common = set(uses.get(one.label, ())) & set(uses.get(other.label, ()))
        found = contradictions(one, other, common)
        # What one of them might do without, or take from the base as it is, forbids nothing yet:
        # planning them together decides.
        needed = self._needed(one) & self._needed(other)
        own = {one.component, other.component}
        certain = any(
            each.component in needed
            and (each.component in own or each.rule not in OF_BUILDS or self._is_new(each))
            for each in found
        )
        return Apart(labels, ApartKind.RULES, found) if certain else None

    def _is_new(self, found: Contradiction) -> bool:
        """Whether the base has nothing of a component, by any name."""
        profiles = [each.profile for each in self.applications.values()]
        return not any(
            tuple(BaseOffers(self.pool, self.base, profile, self.modules).of(found.component))
            for profile in profiles
        )

    def _needed(self, one: Application) -> frozenset[Component]:
        """What an application cannot be without, whatever is chosen: itself and what it requires
        itself, with any interpreter."""
        alone = self._known.get(frozenset([one.label]))
        if not isinstance(alone, Joint):
            return frozenset()
        own = next(each for each in alone.plan.streams if each.component == one.component)
        direct = {each.component for each in own.requirements if "python" not in each.marker}
        return frozenset({one.component, *direct.difference(_omitted(alone.plan))})

    @property
    def _uses(self) -> Mapping[str, Collection[Component]]:
        """What each application uses when it is planned alone, as far as it was."""
        found = {}
        for label in self.applications:
            known = self._known.get(frozenset([label]))
            if isinstance(known, Joint):
                found[label] = frozenset(
                    stream.component
                    for stream in known.plan.streams
                    if stream.origin is not Origin.OMITTED
                )
        return found


def _omitted(plan: Plan) -> frozenset[Component]:
    return frozenset(each.component for each in plan.streams if each.origin is Origin.OMITTED)


def _whole_base(
    request: PlanRequest, applications: Sequence[Application], transport: Transport
) -> Base:
    names = sorted({one.profile.default_base for one in applications})
    if not request.base and len(names) > 1:
        raise InputError(
            Code.UNCLEAR_APPLICATION,
            f"the applications have different default bases: {', '.join(names)}",
            hint="say which one with --base",
        )
    return whole_base(request, request.base or names[0], transport, "is for one application alone")


def _upstream(
    request: PlanRequest,
    applications: Sequence[Application],
    arch: str,
    transport: Transport,
    cache: Path,
) -> Upstream:
    index = index_of(request, arch, transport, cache)
    found: dict[str, UpstreamExtract] = {}
    for one in applications:
        extract = embedded_extract(request, one.origin, arch)
        if extract is not None:
            found.setdefault(one.profile.name, extract)
    extracts = tuple(found[name] for name in sorted(found))
    whole = JoinedExtracts(extracts) if extracts else None
    return JointUpstream(whole, index, offline=request.offline, extracts=extracts)


def _apart(members: Sequence[Application], attempt: Attempt) -> Apart:
    labels = tuple(one.label for one in members)
    conflicts = tuple(_without_anchor_demands(each, members) for each in attempt.conflicts)
    if not any(each.chains or each.packages[:1] != ("too many refusals",) for each in conflicts):
        return Apart(labels, ApartKind.UNDECIDED)
    book = attempt.book
    if not isinstance(book, JointBook):
        return Apart(labels, ApartKind.DEMANDS, (), conflicts)
    if book.one_sided:
        return Apart(labels, ApartKind.UNDECIDED)
    rules = tuple(
        dict.fromkeys(
            rule
            for each in conflicts
            if each.packages and book.objected.issuperset(each.packages)
            for rule in _rules(each, book)
        )
    )
    if all(each.packages and book.objected.issuperset(each.packages) for each in conflicts):
        return Apart(labels, ApartKind.RULES, rules, conflicts)
    return Apart(labels, ApartKind.DEMANDS, rules, conflicts)


def _rules(conflict: Conflict, book: JointBook) -> Iterable[Contradiction]:
    """What applications objected to, as what their profiles say."""
    told = [text for text in conflict.packages if text not in book.contradicted]
    if told:
        yield Contradiction(conflict.about, "permission", tuple(("", text) for text in told))
    for text in conflict.packages:
        if text in book.contradicted:
            yield book.contradicted[text]


def _without_anchor_demands(conflict: Conflict, members: Sequence[Application]) -> Conflict:
    """The conflict with chains that begin with an application. An application's own version is
    the only one there is, wherever was looked."""
    own = {one.component for one in members}
    if conflict.about in own and conflict.cause is Cause.NO_SUCH_VERSION:
        conflict = evolve(conflict, packages=())
    chains = []
    for chain in conflict.chains:
        first = chain[0]
        if first.by == ANCHOR and first.requirement.component in own:
            chain = chain[1:] or (_of_application(first, members),)
        chains.append(chain)
    return evolve(conflict, chains=tuple(chains))


def _of_application(demand: Demand, members: Sequence[Application]) -> Demand:
    by = next(one for one in members if one.component == demand.requirement.component)
    stated = evolve(demand.requirement, place=Place())
    return evolve(demand, by=evolve(ANCHOR, name=by.label), versions=(), requirement=stated)
