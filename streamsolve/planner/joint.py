"""Several applications in one root: a virtual application that requires each of them.

The rules of all their profiles hold (:mod:`streamsolve.planner.joint_rules`). What one profile lets
pass, the others did not agree to: a choice in which an application reaches something only through
another one's permission is refused like a root that cannot be solved, and learned from. So is one
in which two of them reach a component of which their profiles say what cannot both hold.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations

from attrs import define, evolve, field
from packaging.version import Version

from ..errors import Code, InputError
from ..model.component import PYTHON, Component, Kind, Origin
from ..model.profile import Variant
from ..model.requirement import ASKED, Requirement, requirement_on
from ..model.shared import Contradiction
from ..model.stream import Offer, Stream
from ..model.target import Target
from ..model.upstream import Release
from ..selection import Nogood, Selection
from .adjust import Adjuster
from .application import application_stream
from .asked import demands_asked, python_asked
from .book import Book, is_proprietary
from .joint_rules import EXTERNAL, JOINED, OF_BUILDS, Application, contradictions
from .planning import Attempt, Workshop
from .request import PlanRequest

__all__ = ["ANCHOR", "JointBook", "JointWorkshop"]

ANCHOR = Component(Kind.PACKAGE, "streamsolve-applications")
"""The virtual application."""

_NO_VERSION = Version("0")
_Node = tuple[Component, str]
_Step = tuple[Component, Version, Requirement]


@define
class JointBook(Book):
    """The offers for several applications. ``own`` are their own streams, which are the only ones
    of their components; ``permissions`` say what each lets pass. What one of them leaves out is
    left out, but for what is ``contested``: others were seen to need that."""

    members: tuple[Application, ...] = field(kw_only=True)
    own: Mapping[Component, Stream] = field(kw_only=True)
    contested: frozenset[Component] = field(kw_only=True, default=frozenset())
    permissions: Mapping[str, Adjuster] = field(kw_only=True)
    objected: set[str] = field(factory=set, init=False)
    """The texts of what applications objected to: no facts of the base."""
    contradicted: dict[str, Contradiction] = field(factory=dict, init=False)
    """What two profiles say of a component that both applications reached, by the text of that."""
    one_sided: bool = field(default=False, init=False)
    """Whether something was refused for what the joined profile says in place of one of them, and
    not for what two of them say."""
    missed: set[Component] = field(factory=set, init=False)
    """What was left out and an application needed."""
    _sayings: dict[tuple[str, str, Component], tuple[Contradiction, ...]] = field(
        factory=dict, init=False
    )

    def __attrs_post_init__(self) -> None:
        Book.__attrs_post_init__(self)
        self.own = {component: self._with_own(stream) for component, stream in self.own.items()}
        self._look_ahead(self.own.values())

    def _with_own(self, stream: Stream) -> Stream:
        bound = tuple(map(self._bound, stream.requirements))
        constraints = self.facts.constraints(stream.offer)
        offer = stream.offer
        adjusted = self.adjuster.adjust(offer.component, offer.version, constraints)
        return evolve(stream, requirements=bound, constraints=(*stream.constraints, *adjusted))

    @property
    def applications(self) -> tuple[Component, ...]:
        """See :attr:`streamsolve.planner.book.Book.applications`."""
        return tuple(self.own)

    @cached_property
    def _let_in(self) -> tuple[Target, ...]:
        """The targets with interpreters that every application lets in."""
        bounds = [
            requirement
            for stream in self.own.values()
            for requirement in stream.requirements
            if requirement.component == PYTHON and not requirement.marker
        ]
        return tuple(
            target
            for series, target in self.targets.items()
            if all(Offer(PYTHON, Version(series), Origin.PRIVATE, "").meets(r) for r in bounds)
        )

    def release(self, offer: Offer) -> Release | None:
        """The upstream release behind an offer, an application's own included."""
        if offer.component not in self.own or offer.component.kind is not Kind.DISTRIBUTION:
            return Book.release(self, offer)
        listed = self.upstream.releases(offer.component.name, (offer.version,))
        public = Version(offer.version.public)
        return next((release for release in listed if release.version == public), None)

    def _find(self, component: Component) -> Iterable[Offer]:
        if component in self.own:
            return [self.own[component].offer]
        if self.adjuster.omission(component) or not self._is_omitted(component):
            return Book._find(self, component)
        omitted = Offer(component, _NO_VERSION, Origin.OMITTED, "")
        if component not in self.contested:
            return [omitted]
        try:
            return [omitted, *Book._find(self, component)]
        except InputError as error:
            if error.code is not Code.OFFLINE_NOT_CACHED:
                raise
            return [omitted]

    def _is_omitted(self, component: Component) -> bool:
        return any(one.omission(component) for one in self.members)

    def _keep_other(self, offer: Offer) -> None:
        own = self.own.get(offer.component)
        if own is not None and own.offer.key == offer.key:
            self._streams[offer.key] = own
        else:
            Book._keep_other(self, offer)

    # -- what applications object to -----------------------------------------------------------

    def objections(self, selection: Selection) -> tuple[Nogood, ...]:
        """The choices that an application takes no part in, since only another one's profile lets
        something of them pass, or says something else of it."""
        found: dict[tuple[object, ...], Nogood] = {}
        reaches = [_Reach(self, one, selection) for one in self.members]
        refused = [nogood for reach in reaches for nogood in reach.objections()]
        users = {
            stream: [reach for reach in reaches if reach.has(stream.component)]
            for stream in selection.streams
        }
        for stream, of_stream in users.items():
            refused += self._contradictions(stream, of_stream)
        if not refused:
            for stream, of_stream in users.items():
                refused += self._unsaid(stream, of_stream)
        for nogood in refused:
            found[tuple(offer.key for offer in nogood.offers)] = nogood
        self.objected.update(text for nogood in found.values() for text in nogood.texts)
        return tuple(found[key] for key in sorted(found, key=str))

    def _contradictions(self, stream: Stream, users: Sequence[_Reach]) -> Iterator[Nogood]:
        """Objections to a stream of which two of its users say what cannot both hold."""
        for one, other in combinations(users, 2):
            for found in self._said(one.application, other.application, stream.offer):
                labels = f"{one.application.label} and {other.application.label}"
                text = f"{labels} contradict each other in its {found.rule}"
                self.contradicted[text] = found
                yield one.and_other(other, stream.offer, text)

    def _unsaid(self, stream: Stream, users: Sequence[_Reach]) -> Iterator[Nogood]:
        """Objections to a stream that is not what the profile of a user says of it, but what that
        of another application says."""
        for one in users:
            for found in self._said(one.application, self._joint, stream.offer):
                if found.rule == EXTERNAL and stream.offer.origin is not Origin.EXTERNAL:
                    continue
                self.one_sided = True
                label = one.application.label
                yield one.to(stream.offer, f"{label} says something else of its {found.rule}")

    @cached_property
    def _joint(self) -> Application:
        return Application(JOINED, self.profile, self.variant, JOINED, self.profile)

    def _said(
        self, one: Application, other: Application, offer: Offer
    ) -> tuple[Contradiction, ...]:
        """What two say of an offer's component and cannot both hold of the offer."""
        key = (one.label, other.label, offer.component)
        if key not in self._sayings:
            self._sayings[key] = contradictions(one, other, (offer.component,))
        found = self._sayings[key]
        if offer.origin is Origin.BASE:
            return tuple(each for each in found if each.rule not in OF_BUILDS)
        return found

    def relaxed_from(self) -> Mapping[_Step, tuple[Requirement, ...]]:
        """How streams state the requirements that count otherwise, by who, which version and what
        counts."""
        found: dict[_Step, tuple[Requirement, ...]] = {}
        for (by, version, _), note in sorted(self.adjuster.relaxed.items()):
            key = (by, version, note.counts)
            found[key] = (*found.get(key, ()), note.stated)
        return found


@define
class _Reach:
    """What one application reaches in a selection, and by which way."""

    book: JointBook
    application: Application
    selection: Selection
    _from: dict[_Node, _Node | None] = field(factory=dict, init=False)

    def objections(self) -> Iterator[Nogood]:
        chosen = {stream.component: stream for stream in self.selection.streams}
        first: _Node = (self.application.component, "")
        self._from[first] = None
        relaxed = self.book.relaxed_from()
        target = self.book.targets.get(self.selection.python) or Target(
            self.selection.python, self.book.base.base.arch
        )
        todo = deque([first])
        while todo:
            node = todo.popleft()
            stream = chosen[node[0]]
            if not node[1]:
                yield from self._to_stream(node, stream)
            for requirement in stream.demands(target, node[1]):
                required = chosen.get(requirement.component)
                if required is None:
                    continue
                for stated in relaxed.get((stream.component, stream.version, requirement), ()):
                    yield from self._to_relaxed(node, stream, stated, required.offer)
                if self.application.omission(requirement.component):
                    continue
                if required.offer.origin is Origin.OMITTED:
                    self.book.missed.add(requirement.component)
                    yield self._nogood(node, required.offer, self._needed(stream, requirement))
                    continue
                component = requirement.component
                for following in (
                    (component, ""),
                    *((component, e) for e in requirement.extra_names),
                ):
                    if following not in self._from:
                        self._from[following] = node
                        todo.append(following)

    def has(self, component: Component) -> bool:
        """Whether a component is reached; known when the objections are."""
        return (component, "") in self._from

    def to(self, offer: Offer, text: str) -> Nogood:
        """That the way to an offer is not chosen."""
        return self._nogood((offer.component, ""), offer, text)

    def and_other(self, other: _Reach, offer: Offer, text: str) -> Nogood:
        """That an offer is not reached by this application and by another one."""
        offers = {each.key: each for one in (self, other) for each in one.to(offer, text).offers}
        return Nogood(tuple(offers[key] for key in sorted(offers, key=str)), (text,))

    def _to_stream(self, node: _Node, stream: Stream) -> Iterator[Nogood]:
        """Objections to what a stream is itself."""
        offer, label = stream.offer, self.application.label
        profile = self.application.profile
        if offer.component == self.application.component:
            return
        if offer.prebuilt and not self.application.takes_wheel(offer.component):
            yield self._nogood(
                node, offer, f"{label} does not take the wheel of {stream.component} for its source"
            )
        if is_proprietary(stream.licence) and offer.origin not in profile.policy.proprietary:
            yield self._nogood(
                node, offer, f"{label} does not take {stream.component} under its licence"
            )

    def _to_relaxed(
        self, node: _Node, stream: Stream, stated: Requirement, chosen: Offer
    ) -> Iterator[Nogood]:
        """Objections to versions that only another profile's relaxation lets in: to all of them,
        once one was chosen."""
        permission = self.book.permissions[self.application.label]
        (counts,) = permission.adjust(stream.component, stream.version, (stated,)) or (stated,)
        if chosen.meets(counts):
            return
        text = f"{self.application.label} does not relax what {stream.component} needs, {stated}"
        for offer in self.book.offers(stated.component):
            if not offer.meets(counts):
                yield self._nogood(node, offer, text)

    def _needed(self, stream: Stream, requirement: Requirement) -> str:
        label = self.application.label
        return f"{label} does not leave {requirement.component} out, which {stream.component} needs"

    def _nogood(self, node: _Node, offer: Offer, text: str) -> Nogood:
        """That the way to a node and an offer are not chosen together."""
        chosen = {stream.component: stream.offer for stream in self.selection.streams}
        offers = {offer.key: offer}
        at: _Node | None = node
        while at is not None:
            offers[chosen[at[0]].key] = chosen[at[0]]
            at = self._from[at]
        if PYTHON in chosen:
            offers[chosen[PYTHON].key] = chosen[PYTHON]
        return Nogood(tuple(offers[key] for key in sorted(offers, key=str)), (text,))


@define
class JointWorkshop(Workshop):
    """A workshop whose application is virtual. ``profile`` is the joined one."""

    members: tuple[Application, ...] = field(kw_only=True)
    _contested: frozenset[Component] = field(default=frozenset(), init=False)

    def attempt(self, request: PlanRequest) -> Attempt:
        """See :meth:`streamsolve.planner.planning.Workshop.attempt`. Begins without anything that
        one application leaves out, and again with what another was seen to need of that: leaving
        out costs nothing, so that what nobody missed on the way to the best choice is not missed
        in it."""
        while True:
            found = Workshop.attempt(self, request)
            missed = found.book.missed if isinstance(found.book, JointBook) else set()
            if missed <= self._contested:
                return found
            self._contested |= missed

    def _book(self, request: PlanRequest, variant: Variant) -> JointBook:
        adjuster = Adjuster(self.profile, variant, request.relaxed)
        own = self._own_streams(adjuster, variant, request)
        requirements = [
            requirement_on(stream.component, f"=={stream.version}", place=ASKED)
            for stream in own.values()
        ]
        root = Stream(
            Offer(ANCHOR, Version("1"), Origin.PRIVATE, ANCHOR.name),
            (*requirements, *python_asked(request)),
        )
        return JointBook(
            self.profile,
            variant,
            self._offers,
            self.upstream,
            self._targets(request),
            adjuster,
            root,
            members=self.members,
            own={stream.component: stream for stream in own.values()},
            contested=self._contested,
            permissions={
                one.label: Adjuster(one.profile, one.variant, request.relaxed)
                for one in self.members
            },
        )

    def _own_streams(
        self, adjuster: Adjuster, variant: Variant, request: PlanRequest
    ) -> Mapping[str, Stream]:
        """The applications' own streams by label, as their profiles and the joined one say. What
        was asked for is each one's own demand."""
        asked = demands_asked(request, *(Adjuster(o.profile, o.variant) for o in self.members))
        found = {}
        for one in self.members:
            profile = evolve(
                one.profile,
                costs=self.profile.costs,
                pure_cost=self.profile.pure_cost,
                native_cost=self.profile.native_cost,
            )
            stream = application_stream(
                profile,
                one.variant,
                self.upstream,
                adjuster,
                version=profile.version,
                extra=asked,
            )
            label = variant.local.get(stream.component.name)
            if label:
                version = Version(f"{stream.version.public}+{label}")
                stream = evolve(stream, offer=evolve(stream.offer, version=version))
            found[one.label] = stream
        return found
