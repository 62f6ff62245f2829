"""Propose, solve, learn, repeat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from attrs import define, evolve, field
from packaging.version import Version

from ..errors import Code, InputError, Place, nearest
from ..inputs.bases import EXTRACTS, open_base, parse_overlay
from ..inputs.profiles import load_profile
from ..inputs.shipped import default_cache, profiles_directory
from ..inputs.transport import Transport
from ..inputs.upstream_extract import UpstreamExtract, read_extract
from ..model.component import Kind
from ..model.conflict import Cause, Conflict
from ..model.package import Base
from ..model.plan import Notice, Plan
from ..model.profile import Profile, Variant
from ..model.progress import Progress, no_progress
from ..model.root import RootConflict, RootRequest, RootSolution
from ..model.target import Target
from ..selection import Nogood, Selector, Unsatisfiable
from ..solving import PackagePool
from .adjust import Adjuster
from .application import application_stream, check_demands, unlisted_version
from .asked import PINNED, demands_asked, pins_asked, python_asked, series_asked, version_asked
from .base_offers import BaseOffers
from .book import Book
from .build_planning import BuildPlanning
from .interpreters import problem_of, target_of
from .module_streams import NO_MODULES, ModuleChoice, chosen_modules
from .reach import check_reach
from .refusal_causes import explained
from .report import Report
from .request import PlanRequest
from .root_facts import RootFact, in_few_words
from .roots import RuntimeRoot, RuntimeSolution
from .stand_ins import StandIns, solved
from .upstream import Upstream

if TYPE_CHECKING:
    from ..inputs.index import PackageIndex

__all__ = [
    "PINNED",
    "Attempt",
    "Workshop",
    "embedded_extract",
    "extract_of",
    "extracts_of",
    "index_of",
    "whole_base",
]

_EXTRACT = "upstream.jsonl"
_ROUNDS = 200
_OLDEST_GLIBC = (2, 17)


@define
class Attempt:
    """What came of one attempt: a plan with the runtime root that was solved for it, or the
    conflicts that forbid one."""

    plan: Plan | None
    root: RootRequest | None
    conflicts: tuple[Conflict, ...]
    book: Book
    targets: Mapping[str, Target]


def extract_of(profile: Profile) -> UpstreamExtract | None:
    """The upstream extract that lies beside a profile's file, or comes with the tool, or None."""
    shipped = profiles_directory() / profile.name / _EXTRACT
    beside = Path(profile.directory) / _EXTRACT if profile.directory else shipped
    for path in (beside, shipped):
        if path.is_file():
            return read_extract(path.read_text("utf-8"), file="/".join(path.parts[-2:]))
    return None


def embedded_extract(request: PlanRequest, profile: Profile, arch: str) -> UpstreamExtract | None:
    """The extract that a request may use: none where it is to be fresh, and none that lists the
    wheels of other architectures only."""
    extract = None if request.fresh else extract_of(profile)
    if extract is None or (extract.arches and arch not in extract.arches):
        return None
    return extract


def extracts_of(profile: Profile) -> Path | None:
    """The directory of a profile's own base extracts, or None. Those of another application, or
    of another profile of this one, may lack packages that this one needs."""
    return Path(profile.directory) / EXTRACTS if profile.directory else None


@define
class Workshop:
    """Everything that is opened once for a base and an application: a context manager."""

    request: PlanRequest
    profile: Profile
    base: Base
    pool: PackagePool
    upstream: Upstream
    progress: Progress = no_progress
    modules: ModuleChoice = NO_MODULES
    _offers: BaseOffers = field(init=False)
    _facts: dict[str, RootFact] = field(factory=dict, init=False)
    """What the texts of refused roots say; of all attempts, since equal texts say the same."""

    def __attrs_post_init__(self) -> None:
        self._offers = BaseOffers(self.pool, self.base, self.profile, self.modules)
        if not self.base.python:
            self.base = evolve(self.base, python=self._offers.python)
            self._offers = BaseOffers(self.pool, self.base, self.profile, self.modules)

    @classmethod
    def open(
        cls,
        request: PlanRequest,
        progress: Progress = no_progress,
        *,
        profile: Profile | None = None,
        base: Base | None = None,
    ) -> Workshop:
        """Read the profile, open the base and load its packages, as far as they are not given."""
        if profile is None:
            profile = load_profile(request.application)
        variant_of(profile, request.variant)
        cache = request.cache or default_cache()
        transport = Transport(offline=request.offline, cache=cache, progress=progress)
        if base is None:
            base = _opened(request, profile, transport)
        modules = chosen_modules(base, request.modules)
        pool = PackagePool.open(base.repositories, arch=base.arch, cache=cache, progress=progress)
        pool.hide(modules.hidden)
        extract = embedded_extract(request, profile, base.arch)
        index = index_of(request, request.arch, transport, cache)
        return cls(
            request,
            profile,
            base,
            pool,
            Upstream(extract, index, offline=request.offline),
            progress,
            modules,
        )

    def __enter__(self) -> Workshop:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.pool.close()

    @property
    def interpreters(self) -> tuple[str, ...]:
        """The series of the interpreters that distributions of the base are built for, sorted."""
        return tuple(sorted(self._offers.interpreters))

    @contextmanager
    def choosing(self, modules: Sequence[str]) -> Iterator[None]:
        """Other module streams for a while; :class:`InputError` as :func:`chosen_modules`."""
        before, offers = self.modules, self._offers
        chosen = chosen_modules(self.base, modules)
        try:
            self._choose(chosen, BaseOffers(self.pool, self.base, self.profile, chosen))
            yield
        finally:
            self._choose(before, offers)

    def _choose(self, modules: ModuleChoice, offers: BaseOffers) -> None:
        self.pool.hide(modules.hidden)
        self.modules, self._offers = modules, offers

    # -- one attempt ---------------------------------------------------------------------------

    def attempt(self, request: PlanRequest) -> Attempt:
        """Plan for a variant, Python, version and relaxations; the base is this workshop's."""
        variant = variant_of(self.profile, request.variant)
        book = self._book(request, variant)
        while True:
            problem = problem_of(book)
            answer = self._propose_and_solve(Selector(problem), book, request)
            if not isinstance(answer, Unsatisfiable):
                if self.upstream.give_up(_extras_in(answer[0])):
                    book = self._book(request, variant)
                    continue
                check_reach(request, self._offers, self.upstream, answer[0], ())
                return Attempt(*answer, (), book, book.targets)
            names = _names_in(answer.conflicts)
            if not self.upstream.widen(names):
                check_reach(request, self._offers, self.upstream, None, answer.conflicts)
                conflicts = tuple(
                    in_few_words(conflict, self._facts, self.pool)
                    for conflict in explained(answer.conflicts, book)
                )
                return Attempt(None, None, conflicts, book, book.targets)
            book.forget(names)

    def _book(self, request: PlanRequest, variant: Variant) -> Book:
        adjuster = Adjuster(self.profile, variant, request.relaxed)
        version = version_asked(request.version) if request.version else self.profile.version
        demands = demands_asked(request, adjuster)
        check_demands(self.profile, variant, version, demands)
        root = application_stream(
            self.profile,
            variant,
            self.upstream,
            adjuster,
            version=version,
            extra=(*python_asked(request), *demands),
        )
        root = evolve(root, constraints=(*root.constraints, *pins_asked(request)))
        return Book(
            self.profile,
            variant,
            self._offers,
            self.upstream,
            self._targets(request),
            adjuster,
            root,
        )

    def _targets(self, request: PlanRequest) -> dict[str, Target]:
        """A target for each interpreter that could be used."""
        glibc = self.base.glibc or self._glibc()
        known = [self.base.python, *self._offers.interpreters, *self.profile.interpreters]
        series = dict.fromkeys(known)
        if request.python:
            series[series_asked(request.python)] = None
        return {
            python: Target(
                python,
                self.base.arch,
                self.base.python_full if python == self.base.python else "",
                glibc,
            )
            for python in series
            if python
        }

    def _glibc(self) -> tuple[int, int]:
        for package in self.pool.named("glibc"):
            numbers = package.version.split(".")
            if len(numbers) > 1 and numbers[0].isdigit() and numbers[1].isdigit():
                return int(numbers[0]), int(numbers[1])
        return _OLDEST_GLIBC

    def _propose_and_solve(
        self, selector: Selector, book: Book, request: PlanRequest
    ) -> tuple[Plan, RootRequest] | Unsatisfiable:
        builds = BuildPlanning(book, request, self.progress)
        for number in range(_ROUNDS):
            self.progress("choosing streams", number, 0)
            selection = selector.select()
            if isinstance(selection, Unsatisfiable):
                return evolve(selection, conflicts=(*selection.conflicts, *builds.conflicts))
            root = RuntimeRoot(book, selection, target_of(book, selection.python))
            if mixed := root.mixed():
                for nogood in mixed:
                    selector.forbid(nogood)
                continue
            asked, solution, notices = self._solve(root)
            if isinstance(solution, RootConflict):
                refusal = root.refusal(solution)
                for nogood in refusal.nogoods:
                    selector.forbid(nogood)
                self._facts.update(refusal.facts())
                continue
            tools = (f"python {self.base.python}",) if notices else ()
            found = RuntimeSolution(root, solution, asked.install, tools)
            made = builds.make(found) if request.builds else None
            if isinstance(made, Nogood):
                selector.forbid(made)
                continue
            told = (*notices, *builds.notices, *unlisted_version(self.profile, book.root.version))
            report = Report(book, selection, found, made, told, self._overlays)
            return evolve(report.plan(), demands=tuple(sorted(request.demands))), asked
        return Unsatisfiable((_root_conflict(book, ("too many refusals",)),))

    @property
    def _overlays(self) -> frozenset[str]:
        # A base that was opened elsewhere knows its own; a request need not name them again.
        named = {*self.base.overlays, *(parse_overlay(t).name for t in self.request.overlays)}
        return frozenset(named.difference(self.base.given))

    def _solve(
        self, root: RuntimeRoot
    ) -> tuple[RootRequest, RootSolution | RootConflict, tuple[Notice, ...]]:
        """Solve the runtime root, with the base's own interpreter kept out if that is possible."""
        self.progress("solving the runtime root", 0, 0)
        usual = StandIns(self.pool)
        request, solution = solved(root.request(), usual, self.pool.solve)
        if isinstance(solution, RootSolution):
            return request, solution, ()
        refused, request = root.request(), root.request(hide_base_python=False)
        if request == refused:
            return request, solution, ()
        request, solution = solved(request, usual, self.pool.solve)
        if isinstance(solution, RootConflict):
            return request, solution, ()
        text = (
            f"packages of the base in the runtime root need its own Python {self.base.python}, "
            "which therefore lies in it beside the private one"
        )
        return request, solution, (Notice("base-python-in-root", text),)


def _extras_in(plan: Plan) -> Iterator[tuple[str, Version, str]]:
    """The extras of distributions that a plan uses: name, public version, extra."""
    for stream in plan.streams:
        if stream.kind is Kind.DISTRIBUTION and stream.version is not None:
            for extra in stream.extras:
                yield stream.component.name, Version(stream.version.public), extra


def _opened(request: PlanRequest, profile: Profile, transport: Transport) -> Base:
    """The base that is asked for. Builds need all of it, which no extract has."""
    name = request.base or profile.default_base
    if request.builds:
        return whole_base(request, name, transport, "has no build roots")
    extracts = None if request.fresh else extracts_of(profile)
    return _open_base(request, name, transport, extracts)


def whole_base(request: PlanRequest, name: str, transport: Transport, why: str) -> Base:
    """A base with all that its repositories have; ``why`` is what is wrong with its extracts.

    Raises :class:`InputError` (``NEEDS_WHOLE_BASE``) where it cannot be had without network.
    """
    try:
        return _open_base(request, name, transport, None)
    except InputError as error:
        if error.code is not Code.OFFLINE_NOT_CACHED:
            raise
        text = (
            f"without network the repositories of {name} cannot be had: they are not in the cache, "
            f"and what comes with the tool of a base {why}"
        )
        hint = "name them with --base DIRECTORY, or leave out --offline"
        raise InputError(Code.NEEDS_WHOLE_BASE, text, place=Place(name), hint=hint) from None


def variant_of(profile: Profile, name: str) -> Variant:
    """The variant of a name, or the default one; an unknown name lists the nearest."""
    found = profile.variant(name or profile.default_variant)
    if found is None:
        raise InputError(
            Code.UNKNOWN_VARIANT,
            f"{profile.name} has no variant {name!r}",
            place=Place(profile.file),
            hint=nearest(name, [variant.name for variant in profile.variants]),
        )
    return found


def _names_in(conflicts: Iterable[Conflict]) -> set[str]:
    """The names of all components that some conflicts are about."""
    return {
        demand.requirement.component.name
        for conflict in conflicts
        for chain in conflict.chains
        for demand in chain
    }


def _open_base(
    request: PlanRequest, name: str, transport: Transport, extracts: Path | None
) -> Base:
    return open_base(
        name,
        arch=request.arch,
        transport=transport,
        overlays=[parse_overlay(text) for text in request.overlays],
        extracts=extracts,
    )


def index_of(request: PlanRequest, arch: str, transport: Transport, cache: Path) -> PackageIndex:
    """The package index that is asked for."""
    from ..inputs.index import PackageIndex

    return PackageIndex(transport, endpoint=request.index_url or None, cache=cache, arch=arch)


def _root_conflict(book: Book, texts: tuple[str, ...]) -> Conflict:
    return Conflict(book.root.component, Cause.ROOT, (), texts)
