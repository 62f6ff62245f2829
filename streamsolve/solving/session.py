"""Many roots solved over one set of planned packages, which are indexed once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import TracebackType

from ..model.package import Package
from ..model.root import RootConflict, RootRequest, RootSolution
from ._choices import Choices
from ._demands import as_told
from ._libsolv import Engine
from ._requirers import leaves

__all__ = ["RootSession"]

_Job = tuple[int, int, frozenset[int], frozenset[str]]


class RootSession:
    """Solves roots that hold some of its planned packages each. A context manager; made by
    :meth:`PackagePool.session`.

    Each answer is the one that :meth:`PackagePool.solve` gives to the same request, whatever else
    is planned. Nearly always it costs one run of libsolv's solver; a root that cannot be solved,
    one with weak dependencies, and one with a choice that a package left out could turn cost the
    indexing of all packages besides.
    After :meth:`close` it raises ValueError.
    """

    def __init__(
        self,
        engine: Callable[[], Engine],
        lift: Callable[[int], Package],
        retry: Callable[[RootRequest, RootSolution | RootConflict], bool],
        planned: Sequence[Package],
    ) -> None:
        """``engine`` gives the pool's engine, ``lift`` a base package as a value, and ``retry``
        says whether an answer may be another one, since file lists were loaded."""
        self._engine = engine
        self._lift_base = lift
        self._retry = retry
        self._planned = set(planned)
        self._closed = False
        self._seconds = 0.0
        self._index()

    def __enter__(self) -> RootSession:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    @property
    def solver_seconds(self) -> float:
        """The time spent inside libsolv's solver so far, without everything around it: for
        benchmarks only."""
        return self._seconds

    def close(self) -> None:
        """Take the planned packages out of the pool. Values that were given out stay good."""
        if not self._closed:
            self._closed = True
            self._engine().dismiss()

    def extend(self, planned: Iterable[Package]) -> None:
        """Plan more packages. They are added and indexed with the next solve, which raises
        :class:`InputError` if a text of theirs is no dependency."""
        self._open()
        more = set(planned) - self._planned
        self._planned |= more
        if more:
            self.forget()

    def plans(self, packages: Iterable[Package]) -> bool:
        """Whether all of these are planned in it."""
        return all(id(one) in self._seen or one in self._planned for one in packages)

    def forget(self) -> None:
        """Drop what is known of the pool, whose packages may get other numbers."""
        self._stale = True

    def solve(self, request: RootRequest) -> RootSolution | RootConflict:
        """Find the packages of a root, or every problem that keeps it from being solved.

        ValueError if the request plans a package that the session does not; :class:`InputError`
        if a text is no dependency.
        """
        before = self._open().solver_seconds
        try:
            answer = self._solve(request)
            return self._solve(request) if self._retry(request, answer) else answer
        finally:
            self._seconds += self._engine().solver_seconds - before

    def _open(self) -> Engine:
        engine = self._engine()
        if self._closed:
            raise ValueError("the session is closed")
        return engine

    # --- one root

    def _index(self) -> None:
        """Add the planned packages in their order, so that ties are broken as in any other set."""
        ordered = sorted(self._planned)
        numbers = self._engine().invite(ordered)
        self._guests = frozenset(numbers)
        self._numbers = dict(zip(ordered, numbers, strict=True))
        self._seen: dict[int, tuple[Package, int]] = {}
        self._values: dict[int, tuple[str, Package]] = {}
        self._jobs: dict[str, _Job] = {}
        self._indexed = 0
        self._named: dict[str, tuple[int, ...]] = {}
        self._choices = Choices(self._engine(), numbers)
        self._stale = False

    def _solve(self, request: RootRequest) -> RootSolution | RootConflict:
        if self._stale:
            self._index()
        engine = self._engine()
        install = as_told(request.install)
        hidden = {*request.hidden, *(package.name for package in request.planned)}
        left_out = self._left_out(request.planned, hidden)
        if not request.weak:
            quick = self._attempt(install, left_out, request.hidden)
            if quick is not None:
                return quick
        answer = engine.solve_without(install, sorted(left_out), weak=request.weak)
        if isinstance(answer, RootConflict):
            return answer
        return self._solution(answer)

    def _attempt(
        self, install: Sequence[str], left_out: frozenset[int], hidden: Iterable[str]
    ) -> RootSolution | None:
        """The root, if it can be solved quickly and without doubt."""
        engine = self._engine()
        engine.prepare()
        if self._indexed != engine.indexed:
            self._jobs = {text: job for text, job in self._jobs.items() if not job[2]}
            self._indexed = engine.indexed
        jobs = [self._job(engine, text) for text in install]
        chosen = engine.attempt([(how, what) for how, what, *_ in jobs], list(left_out))
        if chosen is None:
            return None
        choices = self._choices
        names = frozenset().union(*(job[3] for job in jobs))
        boolean = [text for text in install if text.startswith("(")]
        if choices.doubtful(left_out, hidden, names, boolean, chosen, self._lift):
            return None
        if any(owners and choices.crowded(owners, left_out) for _, _, owners, _ in jobs):
            return None
        return self._solution(chosen)

    def _solution(self, chosen: Sequence[int]) -> RootSolution:
        values = sorted(map(self._value, chosen))
        return RootSolution(tuple(package for _, package in values))

    def _left_out(self, planned: Iterable[Package], hidden: Iterable[str]) -> frozenset[int]:
        """The other planned packages, and the base's of these names."""
        left_out = set(self._guests)
        left_out.difference_update(map(self._number, planned))
        for name in hidden:
            if name not in self._named:
                self._named[name] = tuple(self._engine().named(name))
            left_out.update(self._named[name])
        return frozenset(left_out)

    def _number(self, package: Package) -> int:
        """Of a planned package. Equal ones are the same, but telling that of two takes long."""
        seen = self._seen.get(id(package))
        if seen is None:
            if package not in self._numbers:
                raise ValueError(f"{package.nevra} is not planned in this session")
            # The package is kept, so that its id stays its own.
            seen = self._seen[id(package)] = (package, self._numbers[package])
        return seen[1]

    def _job(self, engine: Engine, text: str) -> _Job:
        job = self._jobs.get(text)
        if job is None:
            names = frozenset(name for name, _ in leaves(text))
            job = self._jobs[text] = (*engine.job(text), names)
        return job

    def _lift(self, number: int) -> Package:
        return self._value(number)[1]

    def _value(self, number: int) -> tuple[str, Package]:
        """A package, after what it sorts by."""
        value = self._values.get(number)
        if value is None:
            guest = number in self._guests
            package = self._engine().lift(number) if guest else self._lift_base(number)
            value = self._values[number] = (_key(package), package)
        return value


def _key(package: Package) -> str:
    """What sorts as these fields one after the other do, since no text holds the separator."""
    return "\0".join((package.name, package.evr, package.arch, package.repository))
