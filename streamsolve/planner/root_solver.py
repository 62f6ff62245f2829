"""Build roots solved in one session of libsolv, as narrow as they can be."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

from ..model.package import Package
from ..model.root import RootConflict, RootRequest, RootSolution
from ..model.rpm_language import split_capability
from ..solving import PackagePool, RootSession
from .build_choices import Choice
from .stand_ins import StandIns, solved

__all__ = ["RootSolver"]


@define
class RootSolver:
    """Solves the roots of choices over a base's packages; to be closed when that is done."""

    pool: PackagePool
    _session: RootSession | None = field(default=None, init=False)
    _requires: dict[str, frozenset[str]] = field(factory=dict, init=False)
    _usual: StandIns = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._usual = StandIns(self.pool)

    def expect(self, choices: Iterable[Choice]) -> None:
        """Plan together what roots hold that will be solved one by one."""
        self._extend(
            package
            for choice in choices
            if choice.solution is None and choice.root is not None
            for package in choice.root.wide.planned
        )

    def solve(self, choice: Choice) -> RootConflict | None:
        """Solve one root, without what is only a tool if that is possible."""
        root = choice.root
        if root is None:
            raise ValueError("a choice without streams has no root")
        request, answer = self._in_session(root.wide)
        if isinstance(answer, RootConflict):
            choice.conflict = answer
            return answer
        choice.request, choice.solution = request, answer
        choice.tools = root.tools(answer)
        if choice.tools and not root.needs_tools(answer, self._required):
            request, narrow = self._in_session(root.narrow)
            if isinstance(narrow, RootSolution):
                choice.request, choice.solution, choice.tools = request, narrow, ()
        return None

    def _required(self, package: Package) -> frozenset[str]:
        """The names of capabilities that a package requires, boolean dependencies aside."""
        known = self._requires.get(package.nevra)
        if known is None:
            plain = (text for text in package.requires if text[0] != "(")
            known = frozenset(split_capability(text)[0] for text in plain)
            self._requires[package.nevra] = known
        return known

    def _in_session(self, request: RootRequest) -> tuple[RootRequest, RootSolution | RootConflict]:
        return solved(request, self._usual, self._extend(request.planned).solve)

    def _extend(self, packages: Iterable[Package]) -> RootSession:
        """The one session of this base, with these packages planned."""
        if self._session is None or self._session.closed:
            self._session = self.pool.session(())
        wanted = tuple(packages)
        if not self._session.plans(wanted):
            self._session.extend(wanted)
        return self._session

    def close(self) -> None:
        """Take the planned packages out of the base's pool."""
        if self._session is not None:
            self._session.close()
