"""How far a base's extract reaches: it holds what an application's own requirements lead to.

Of anything else nothing was looked up when it was made, so that its absence says nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from attrs import frozen
from packaging.version import Version

from ..errors import Code, InputError, Place
from ..model.component import PYTHON, Component, Kind, Origin
from ..model.conflict import Conflict
from ..model.plan import Plan
from ..model.progress import no_progress
from ..model.wording import first_few
from .asked import demands_asked
from .base_offers import BaseOffers
from .crawl import Crawl
from .facts import Facts
from .request import PlanRequest
from .upstream import Upstream

if TYPE_CHECKING:
    from ..inputs.upstream_extract import UpstreamExtract
    from ..model.build import BuildSystem
    from ..model.upstream import Release, ReleaseMetadata

__all__ = ["check_reach", "looked_up"]

_NAMED = 4
_LIKE = 0.7
"""From how alike on a name may be what was meant: of short names one letter may be wrong."""


def check_reach(
    request: PlanRequest,
    offers: BaseOffers,
    upstream: Upstream,
    plan: Plan | None,
    conflicts: Iterable[Conflict],
) -> None:
    """Refuse an answer that takes something to be missing in the base where its extract was never
    asked for it: :class:`InputError`.

    The application's own requirements, as the extracts were made for them, never lead there; a
    further demand, another version of the application, or another profile beside them may.
    """
    base = offers.base
    if not base.embedded:
        return
    wanted = set(_others(plan) if plan is not None else _lacking(conflicts))
    ruled = {rule.component for rule in offers.profile.rules}
    unruled = {each for each in wanted if each.kind not in (Kind.DISTRIBUTION, Kind.INTERPRETER)}
    # Of what no rule describes no base would have anything, whole or not.
    doubtful = wanted - unruled - ruled
    extract = upstream.extract
    known = frozenset(extract.names) if extract is not None else frozenset()
    beyond = _beyond(doubtful, known, offers)
    if doubtful - beyond and not _is_plain(request, offers):
        beyond = _beyond(doubtful, looked_up(offers, extract), offers)
    if beyond:
        raise _not_known(request, base.name, sorted(beyond), known)


def looked_up(offers: BaseOffers, extract: UpstreamExtract | None) -> frozenset[str]:
    """The distributions that a base's extract was asked for: those that the profile reaches by
    what is kept of the index, without building anything.

    The extract of the index names more: what is only built with, and what is only bound where it
    is used. Nothing where no extract of the index is kept.
    """
    if extract is None:
        return frozenset()
    crawl = Crawl(offers.profile, _Kept(extract), [offers], no_progress)
    try:
        return frozenset(crawl.in_use_alone())
    except InputError:
        return frozenset()


def _is_plain(request: PlanRequest, offers: BaseOffers) -> bool:
    """Whether only the application's own requirements count, as the extracts know them."""
    versions = ("", str(offers.profile.version))
    further = (request.demands, request.question, request.relaxed, request.python, request.pins)
    return request.version in versions and not any(further)


def _beyond(
    components: Iterable[Component], names: frozenset[str], offers: BaseOffers
) -> set[Component]:
    """Those that were not looked up, if these distributions were: so was the interpreter for an
    application that needs one."""
    of_python = Facts(offers.profile).of_python
    return {
        each for each in components if not (of_python if each == PYTHON else each.name in names)
    }


def _others(plan: Plan) -> Iterator[Component]:
    """What a plan does not have from the base."""
    own = plan.own
    for stream in plan.streams:
        if stream.origin in (Origin.PRIVATE, Origin.EXTERNAL) and stream is not own:
            yield stream.component


def _lacking(conflicts: Iterable[Conflict]) -> Iterator[Component]:
    """What conflicts find nothing of, and all distributions that they are about."""
    for conflict in conflicts:
        for chain in conflict.chains:
            for demand in chain:
                component = demand.requirement.component
                if component.kind is Kind.DISTRIBUTION or not demand.available:
                    yield component


def _not_known(
    request: PlanRequest, base: str, beyond: Sequence[Component], known: frozenset[str]
) -> InputError:
    names = [str(each) for each in sorted(beyond, key=lambda each: not _is_asked(each, request))]
    asked = [request.question] if request.question else []
    asked += [f"--with {text}" for text in request.demands]
    asked += [f"--app-version {request.version}"] if request.version else []
    leads = f", and {asked[0]} leads further" if asked else ""
    others = set(known).difference(each.name for each in beyond)
    meant = difflib.get_close_matches(beyond[0].name, others, n=1, cutoff=_LIKE)
    is_typo = meant and len(beyond) == 1 and beyond[0].name not in known
    first = f"did you mean {meant[0]}? Else " if is_typo else ""
    fetched = "with --fresh, without --offline" if request.offline else "with --fresh"
    return InputError(
        Code.NEEDS_WHOLE_BASE,
        f"whether {base} has {first_few(names, _NAMED)} is not known: what comes with the "
        f"tool of it holds what the application's own requirements lead to{leads}",
        place=Place(base),
        hint=f"{first}ask the whole base: name its repositories with --base DIRECTORY, or let them "
        f"be fetched {fetched}",
    )


def _is_asked(component: Component, request: PlanRequest) -> bool:
    """Whether it is named in what was asked for."""
    return any(wanted.component == component for wanted in demands_asked(request))


@frozen
class _Kept:
    """An extract in the place of the package index that it was made from."""

    extract: UpstreamExtract

    def releases(self, name: str) -> tuple[Release, ...]:
        return self.extract.releases(name)

    def releases_of(self, names: Iterable[str]) -> dict[str, tuple[Release, ...]]:
        return self.extract.releases_of(names)

    def metadata(
        self,
        wanted: Iterable[tuple[str, Version]],
        *,
        on_bad: Callable[[str, Version, InputError], None] | None = None,
    ) -> dict[tuple[str, Version], ReleaseMetadata]:
        return self.extract.metadata(wanted, on_bad=on_bad)

    def build_systems(
        self,
        wanted: Iterable[tuple[str, Version]],
        *,
        on_bad: Callable[[str, Version, InputError], None] | None = None,
    ) -> dict[tuple[str, Version], BuildSystem]:
        del on_bad  # What an extract does not hold is in no answer.
        return self.extract.build_systems(wanted)

    def read_sdist_member(
        self, name: str, version: Version, matching: Callable[[str], bool]
    ) -> dict[str, bytes]:
        if (name, str(version)) != (self.extract.application, self.extract.version):
            return {}
        texts = ((path, self.extract.requirement_file(path)) for path in self._files(matching))
        return {path: text.encode() for path, text in texts if text is not None}

    def _files(self, matching: Callable[[str], bool]) -> Iterator[str]:
        return filter(matching, self.extract.requirement_files)
