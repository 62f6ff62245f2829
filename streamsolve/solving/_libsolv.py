"""The one place that speaks with libsolv. In and out go numbers, texts and the model's values.

That is why it is longer than other modules.

An object of libsolv that outlives its pool crashes the process when it is used or freed. So the
pool is the only one that is kept: repositories and packages are known by their numbers, and what
a method makes is gone when it returns, also when it raises.
"""

# ruff: noqa: ANN401 -- libsolv's objects have no types that could be named
from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import cmp_to_key
from pathlib import Path
from time import perf_counter
from typing import Any

import solv

from ..model.package import Package
from ..model.root import ProblemRule, RootConflict, RootProblem, RuleKind
from ..model.rpm_language import split_capability

__all__ = ["BUILD", "Engine"]

_SIZE = Path(solv.solv._solv.__file__).stat().st_size
BUILD = f"{_SIZE:x}"
"""Which build of libsolv this is. The module states no version, and asking the installed packages
for it takes longer than loading a base; the size of the library tells builds apart."""

_COMPARISONS = {
    "=": solv.REL_EQ,
    "<": solv.REL_LT,
    "<=": solv.REL_LT | solv.REL_EQ,
    ">": solv.REL_GT,
    ">=": solv.REL_GT | solv.REL_EQ,
}
_MARKERS = frozenset({solv.SOLVABLE_FILEMARKER, solv.SOLVABLE_PREREQMARKER})
_ALL = 0  # both sides of a marker, where -1 would stop at it
_RULES = {
    solv.Solver.SOLVER_RULE_PKG_NOTHING_PROVIDES_DEP: RuleKind.NOTHING_PROVIDES,
    solv.Solver.SOLVER_RULE_PKG_REQUIRES: RuleKind.REQUIRES,
    solv.Solver.SOLVER_RULE_PKG_CONFLICTS: RuleKind.CONFLICTS,
    solv.Solver.SOLVER_RULE_PKG_SELF_CONFLICT: RuleKind.SELF_CONFLICT,
    solv.Solver.SOLVER_RULE_PKG_OBSOLETES: RuleKind.OBSOLETES,
    solv.Solver.SOLVER_RULE_PKG_INSTALLED_OBSOLETES: RuleKind.OBSOLETES,
    solv.Solver.SOLVER_RULE_PKG_IMPLICIT_OBSOLETES: RuleKind.IMPLICIT_OBSOLETES,
    solv.Solver.SOLVER_RULE_PKG_SAME_NAME: RuleKind.SAME_NAME,
    solv.Solver.SOLVER_RULE_PKG_NOT_INSTALLABLE: RuleKind.NOT_INSTALLABLE,
    solv.Solver.SOLVER_RULE_PKG_CONSTRAINS: RuleKind.CONSTRAINS,
    solv.Solver.SOLVER_RULE_PKG_RECOMMENDS: RuleKind.RECOMMENDS,
    solv.Solver.SOLVER_RULE_INFARCH: RuleKind.INFERIOR_ARCHITECTURE,
    solv.Solver.SOLVER_RULE_STRICT_REPO_PRIORITY: RuleKind.REPOSITORY_PRIORITY,
    solv.Solver.SOLVER_RULE_JOB: RuleKind.REQUESTED,
    solv.Solver.SOLVER_RULE_JOB_NOTHING_PROVIDES_DEP: RuleKind.REQUESTED_NOTHING_PROVIDES,
    solv.Solver.SOLVER_RULE_JOB_UNKNOWN_PACKAGE: RuleKind.REQUESTED_UNKNOWN_PACKAGE,
    solv.Solver.SOLVER_RULE_JOB_UNSUPPORTED: RuleKind.REQUESTED_UNSUPPORTED,
}
# libsolv leaves the package fields of these undefined.
_WITHOUT_PACKAGES = frozenset(kind for kind in RuleKind if kind.value.startswith("requested"))
_NOBODY: frozenset[int] = frozenset()
_SYSTEM = 1  # what provides rpmlib(…)
_BEST = 1 << 24  # above what any repository's priority maps to


class Engine:
    """A pool of packages, known by their numbers. Lists of numbers have no order of their own."""

    def __init__(self, arch: str) -> None:
        self._pool: Any = solv.Pool()
        self._pool.setdisttype(solv.Pool.DISTTYPE_RPM)
        self._pool.setarch(arch)
        # Libraries of two architectures may lie beside each other, as rpm lets them.
        self._pool.set_flag(solv.Pool.POOL_FLAG_IMPLICITOBSOLETEUSESCOLORS, 1)
        self.arch = arch
        self._ready = False
        self._given: dict[int, Package] = {}
        self._guests: dict[int, None] = {}
        self._guest_repository = 0
        self._hidden: frozenset[int] = _NOBODY
        self._masked = _NOBODY
        self._texts: dict[int, str] = {}
        self.indexed = 0
        """How many times packages were indexed: what some numbers of :meth:`job` are good for."""
        self.solver_seconds = 0.0
        """The time spent inside libsolv's solver, all solves together: for benchmarks only."""

    def close(self) -> None:
        """Free everything; the engine must not be used any more."""
        self._given.clear()
        del self._pool

    # --- filling it

    def add_repository(self, name: str, priority: int) -> int:
        """An empty repository; ``priority`` as dnf counts it. Returns its number."""
        repository = self._pool.add_repo(name)
        repository.priority = -priority
        self._ready = False
        return int(repository.id)

    def read_solv(self, repository: int, descriptor: int) -> bool:
        """Fill a repository from libsolv's own format. The descriptor is closed."""
        return self._read(
            descriptor,
            lambda file: self._pool.id2repo(repository).add_solv(file, solv.Repo.SOLV_ADD_NO_STUBS),
        )

    def read_primary(self, repository: int, descriptor: int) -> bool:
        """Fill a repository from primary.xml. The descriptor is closed."""
        return self._read(
            descriptor, lambda file: self._pool.id2repo(repository).add_rpmmd(file, None)
        )

    def read_filelists(self, repository: int, descriptor: int) -> bool:
        """Add filelists.xml to the packages that primary.xml gave. The descriptor is closed."""
        flags = solv.Repo.REPO_EXTEND_SOLVABLES
        return self._read(
            descriptor, lambda file: self._pool.id2repo(repository).add_rpmmd(file, "FL", flags)
        )

    def _read(self, descriptor: int, read: Callable[[Any], bool]) -> bool:
        self._ready = False
        # The file has a descriptor of its own, so that this one stays ours to close.
        file = solv.xfopen_fd(None, descriptor, "r")
        os.close(descriptor)
        if file is None:  # libsolv does not survive being handed None
            return False
        try:
            return bool(read(file))
        finally:
            file.close()

    def write_solv(self, repository: int, descriptor: int) -> None:
        """Write a repository in libsolv's own format; OSError if that fails."""
        file = solv.xfopen_fd(None, descriptor, "w")
        if file is None:
            raise OSError("libsolv cannot write to the descriptor")
        written = self._pool.id2repo(repository).write(file)
        if not file.close() or not written:
            raise OSError(self._pool.errstr)

    def empty(self, repository: int) -> None:
        """Take all packages out of a repository."""
        self._ready = False
        self._pool.id2repo(repository).empty()

    def error(self) -> str:
        """What libsolv says about its last failure: for people only."""
        return str(self._pool.errstr)

    def add_packages(self, repository: int, packages: Iterable[Package]) -> list[int]:
        """Add packages that are given as values, in their order; :class:`InputError` for a text
        that is no dependency."""
        target = self._pool.id2repo(repository)
        self._ready = False
        added = []
        for package in packages:
            solvable = target.add_solvable()
            solvable.name, solvable.evr, solvable.arch = package.name, package.evr, package.arch
            if package.arch not in {"src", "nosrc"}:
                solvable.add_provides(self._dependency(f"{package.name} = {package.evr}"))
            for add, texts in (
                (solvable.add_provides, package.provides),
                (solvable.add_requires, package.requires),
                (solvable.add_conflicts, package.conflicts),
                (solvable.add_obsoletes, package.obsoletes),
            ):
                for text in texts:
                    add(self._dependency(text))
            self._given[solvable.id] = package
            added.append(int(solvable.id))
        return added

    def invite(self, planned: Sequence[Package]) -> list[int]:
        """Add planned packages that stay, in place of those that were; returns their numbers.

        Nothing that looks packages up tells of them but :meth:`bearers`, and :meth:`solve` leaves
        them out. :class:`InputError` for a text that is no dependency.
        """
        self.dismiss()
        if planned:
            self._guest_repository = self.add_repository("planned", -_BEST)
            try:
                self._guests = dict.fromkeys(self.add_packages(self._guest_repository, planned))
            except BaseException:
                self.dismiss()
                raise
        self.prepare(files=_names_files(planned))
        return list(self._guests)

    def dismiss(self) -> None:
        """Take out what :meth:`invite` added."""
        if self._guest_repository:
            self._remove(self._guest_repository)
        self._guests, self._guest_repository = {}, 0

    def hide(self, packages: Iterable[int]) -> None:
        """Leave packages out of every answer that follows but :meth:`requirements`, in place of
        those that were; they stay in their repositories."""
        self._hidden = frozenset(packages)
        self._disable(())
        self._ready = False

    @property
    def hidden(self) -> frozenset[int]:
        """What :meth:`hide` leaves out."""
        return self._hidden

    # --- looking at it

    def providing(self, capability: str) -> list[int]:
        """The binary packages that provide a dependency, by their provides and known files."""
        dependency = self._dependency(capability)
        self.prepare()
        found = [
            solvable.id
            for solvable in self._pool.whatprovides(dependency)
            if solvable.id != _SYSTEM and self._is_shown(solvable.id)
        ]
        return sorted({*found, *self._owners(capability)})

    def _is_shown(self, package: int) -> bool:
        return package not in self._guests and package not in self._hidden

    def _owners(self, path: str) -> list[int]:
        """The packages that own a path by their file lists, which nobody need require; none for
        what is no path."""
        if not path.startswith("/"):
            return []
        chosen = self._pool.select(path, solv.Selection.SELECTION_FILELIST)
        masked = set(self._pool.get_disabled_list() or ())
        return [each.id for each in chosen.solvables() if each.id not in masked]

    def named(self, name: str, *, source: bool = False) -> list[int]:
        """The binary, or the source, packages of exactly that name."""
        self.prepare()
        if source:
            flags = solv.Selection.SELECTION_NAME | solv.Selection.SELECTION_SOURCE_ONLY
            chosen = self._pool.select(name, flags).solvables()
        else:
            number = self._pool.str2id(name, False)
            chosen = self._pool.whatprovides(number) if number else ()
        return [
            solvable.id
            for solvable in chosen
            if solvable.name == name and self._is_shown(solvable.id)
        ]

    def bearers(self, name: str) -> frozenset[int]:
        """The binary packages that provide a name in any version, planned ones among them."""
        self.prepare()
        number = self._pool.str2id(name, False)
        chosen = self._pool.whatprovides(number) if number else ()
        found = frozenset(solvable.id for solvable in chosen if solvable.id != _SYSTEM)
        return found - self._hidden

    def provided(self, package: int) -> tuple[str, set[str]]:
        """A package's own name, and the names that it provides."""
        solvable = self._pool.id2solvable(package)
        texts = self._lookup(solvable, solv.SOLVABLE_PROVIDES)
        return solvable.name, {text.rpartition(" = ")[0] or text for text in texts}

    def requirements(self, repositories: Iterable[int]) -> list[tuple[str, list[int]]]:
        """Every text that the packages of these repositories require, with those packages."""
        found: dict[int, list[int]] = {}
        lookup, key = self._pool.id2solvable, solv.SOLVABLE_REQUIRES
        for package in (one for each in repositories for one in self._ids(each)):
            for number in lookup(package).lookup_idarray(key, _ALL):
                found.setdefault(number, []).append(package)
        for marker in _MARKERS:
            found.pop(marker, None)
        return [(self._pool.dep2str(number), packages) for number, packages in found.items()]

    def lacking_paths(self, matter: Callable[[str], bool]) -> list[int]:
        """The packages that require a path that nothing is known to provide, of those paths that
        ``matter``. Boolean requirements are not all looked into. About 20 ms for a whole base."""
        self.prepare()
        flags = solv.Dataiterator.SEARCH_STRINGSTART
        stated = [
            (match.str, match.solvid)
            for match in self._pool.Dataiterator(solv.SOLVABLE_REQUIRES, "/", flags)
        ]
        return [one for path, one in stated if matter(path) and not self.bearers(path)]

    def full_name(self, package: int) -> str:
        """``name-evr.arch``."""
        return str(self._pool.solvid2str(package))

    def names(self, repositories: Iterable[int], prefix: str) -> set[str]:
        """The names that begin with ``prefix``, of packages of any sort."""
        flags = solv.Dataiterator.SEARCH_STRINGSTART
        return {
            match.str
            for number in repositories
            for match in self._pool.id2repo(number).Dataiterator(solv.SOLVABLE_NAME, prefix, flags)
        }

    def binary_names(self, repositories: Iterable[int]) -> set[str]:
        """The names of all binary packages. About 40 ms for a whole base."""
        shown = (one for each in repositories for one in self._ids(each) if one not in self._hidden)
        spelled = [self._pool.solvid2str(one) for one in shown]
        return {name.rsplit("-", 2)[0] for name in spelled if not name.endswith((".src", ".nosrc"))}

    def _ids(self, repository: int) -> Iterable[int]:
        handle = self._pool.id2repo(repository)
        solvables = handle.solvables_iter()
        if not handle.iscontiguous():
            return [solvable.id for solvable in solvables]
        first = next((solvable.id for solvable in solvables), 0)
        return range(first, first + handle.nsolvables)

    def provided_names(self, prefix: str) -> list[str]:
        """The names of capabilities that begin with ``prefix`` and that something provides."""
        self.prepare()
        flags = solv.Dataiterator.SEARCH_STRINGSTART
        found = [self._pool.id2str(one) for one in self._pool.matchprovidingids(prefix, flags)]
        if not self._guests:
            return found
        theirs = set().union(*(self.provided(guest)[1] for guest in self._guests))
        return [
            name for name in found if name not in theirs or self.bearers(name) - self._guests.keys()
        ]

    def order(self, packages: Iterable[int], priorities: dict[int, int]) -> list[int]:
        """Sorted by the repository's priority, the newest evr first, then by their full names."""
        solvables: list[Any] = [self._pool.id2solvable(number) for number in packages]
        solvables.sort(key=str)
        solvables.sort(key=cmp_to_key(_newest_first))
        solvables.sort(key=lambda each: priorities.get(each.repo.id, 0))
        return [solvable.id for solvable in solvables]

    def lift(self, package: int) -> Package:
        """A package as a value, with all its dependencies; a given one as it was given."""
        given = self._given.get(package)
        if given is not None:
            return given
        solvable = self._pool.id2solvable(package)
        return Package(
            name=solvable.name,
            evr=solvable.evr,
            arch=solvable.arch,
            repository=solvable.repo.name,
            provides=self._lookup(solvable, solv.SOLVABLE_PROVIDES),
            requires=self._lookup(solvable, solv.SOLVABLE_REQUIRES),
            conflicts=self._lookup(solvable, solv.SOLVABLE_CONFLICTS),
            obsoletes=self._lookup(solvable, solv.SOLVABLE_OBSOLETES),
            source=_source_name(solvable.lookup_sourcepkg()),
            checksum=_checksum(solvable.lookup_checksum(solv.SOLVABLE_CHECKSUM)),
            size=solvable.lookup_num(solv.SOLVABLE_DOWNLOADSIZE),
        )

    def repository_of(self, package: int) -> int:
        """The number of the repository that a package is in."""
        return int(self._pool.id2solvable(package).repo.id)

    def file_of(self, package: int) -> tuple[str, str]:
        """Where a package's file lies in its repository, and the file name of its source package;
        empty where the repository does not say."""
        solvable = self._pool.id2solvable(package)
        location, _ = solvable.lookup_location()
        return location or "", solvable.lookup_sourcepkg() or ""

    def licence_of(self, package: int) -> str:
        """What a package's licence tag says; empty where the repository does not say."""
        return self._pool.id2solvable(package).lookup_str(solv.SOLVABLE_LICENSE) or ""

    def _lookup(self, solvable: Any, key: int) -> tuple[str, ...]:
        """The texts of a package's dependencies, each once. Most are shared by many packages, and
        a number keeps its meaning as long as the pool lives."""
        texts = self._texts
        found = set()
        for number in solvable.lookup_idarray(key, _ALL):
            text = texts.get(number)
            if text is None:
                text = texts[number] = self._pool.dep2str(number)
            if number not in _MARKERS:
                found.add(text)
        # What libsolv has read from its own format stands in another order than what it parsed.
        return tuple(sorted(found))

    # --- solving

    def prepare(self, *, files: bool = False) -> None:
        """Index what is provided, if anything has changed; ``files`` also looks which packages
        own the paths that are required."""
        if self._hidden and (files or not self._ready):
            # What libsolv keeps is as long as there were packages when it was made.
            self._disable(self._masked)
        if files:
            self._pool.addfileprovides()
        if files or not self._ready:
            self._pool.createwhatprovides()
            self._ready = True
            self.indexed += 1

    def solve(
        self,
        install: Sequence[str],
        planned: Sequence[Package],
        hidden: Iterable[str],
        *,
        weak: bool,
    ) -> list[Package] | RootConflict:
        """Solve one root; afterwards the pool is as it was. The order of the answer has no meaning.

        libsolv breaks ties by the numbers of packages and jobs, so the caller sorts what it gives.
        """
        masked = [number for name in sorted(hidden) for number in self.named(name)]
        masked += self._guests
        temporary = self.add_repository("planned", -_BEST) if planned else 0
        try:
            if planned:
                self.add_packages(temporary, planned)
            files = _names_files(planned)
            found = self.solve_without(install, masked, weak=weak, files=files)
            return found if isinstance(found, RootConflict) else [*map(self.lift, found)]
        finally:
            if planned:
                self._remove(temporary)

    def solve_without(
        self, install: Sequence[str], masked: list[int], *, weak: bool, files: bool = False
    ) -> Sequence[int] | RootConflict:
        """Solve one root over all packages but some, which are not even indexed; the numbers of
        what it holds."""
        try:
            self._mask(masked)
            self.prepare(files=files)
            jobs = [self._pool.Job(*self.job(text)[:2]) for text in install]
            return self._run(jobs, weak=weak)
        finally:
            self._mask([])

    def attempt(self, jobs: Iterable[tuple[int, int]], masked: list[int]) -> Sequence[int] | None:
        """Solve one root over all packages but some, without indexing anew; None if it cannot be.

        The jobs are numbers of :meth:`job`. What is left out stays in libsolv's rules as packages
        that cannot be installed, so that its choices can be others than :meth:`solve_without`'s.
        """
        self.prepare()
        pool = self._pool
        demands = [pool.Job(how, what) for how, what in jobs]
        solver = pool.Solver()
        problems: Any = ()
        try:
            # libsolv indexes some paths only now, and for good: nothing may be left out there.
            pool.set_flag(solv.Pool.POOL_FLAG_WHATPROVIDESWITHDISABLED, 1)
            self._disable(masked)
            solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
            problems = self._timed(solver, demands)
            return None if problems else _installed(solver)
        finally:
            self._disable(())
            pool.set_flag(solv.Pool.POOL_FLAG_WHATPROVIDESWITHDISABLED, 0)
            del solver, problems
            demands.clear()

    def _timed(self, solver: Any, jobs: list[Any]) -> Any:
        begin = perf_counter()
        try:
            return solver.solve(jobs)
        finally:
            self.solver_seconds += perf_counter() - begin

    def _remove(self, repository: int) -> None:
        handle = self._pool.id2repo(repository)
        for solvable in [each.id for each in handle.solvables_iter()]:
            self._given.pop(solvable, None)
        handle.free(True)
        self._ready = False

    def _mask(self, packages: list[int]) -> None:
        """Take packages out of everything that follows; an empty list takes all back in."""
        if packages or self._masked:
            self._disable(packages)
            self._masked, self._ready = frozenset(packages), False

    def _disable(self, packages: Iterable[int]) -> None:
        """Leave these out, and what is hidden; a list that exists would not grow."""
        self._pool.set_disabled_list([])
        left_out = sorted({*packages, *self._hidden})
        if left_out:
            self._pool.set_disabled_list(left_out)

    def job(self, text: str) -> tuple[int, int, frozenset[int]]:
        """A demand as libsolv's two numbers, good until packages are indexed anew, and for a path
        the packages that meet it; :class:`InputError` for a text that is no dependency."""
        self.prepare()
        wanted = self._dependency(text)
        owners = self._owners(text)
        if not owners:
            return solv.Job.SOLVER_INSTALL | solv.Job.SOLVER_SOLVABLE_PROVIDES, wanted.id, _NOBODY
        owners += [solvable.id for solvable in self._pool.whatprovides(wanted)]
        how = solv.Job.SOLVER_INSTALL | solv.Job.SOLVER_SOLVABLE_ONE_OF
        return how, self._pool.towhatprovides(sorted(set(owners))), frozenset(owners)

    def _run(self, jobs: list[Any], *, weak: bool) -> Sequence[int] | RootConflict:
        solver = self._pool.Solver()
        problems: Any = ()
        try:
            solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, int(not weak))
            problems = self._timed(solver, jobs)
            if problems:
                return RootConflict(tuple(sorted({_problem(problem) for problem in problems})))
            return _installed(solver)
        finally:
            # A traceback keeps this frame alive, and must not keep what belongs to the solver.
            del solver, problems
            jobs.clear()

    def _dependency(self, text: str) -> Any:
        """libsolv's form of a dependency; :class:`InputError` where the text is none."""
        if text.startswith("("):
            parsed = self._pool.parserpmrichdep(text)
            if parsed is not None:
                return parsed
        name, op, evr = split_capability(text)
        dependency = self._pool.Dep(name)
        return dependency.Rel(_COMPARISONS[op], self._pool.Dep(evr)) if op else dependency


def _newest_first(one: Any, other: Any) -> int:
    return int(other.evrcmp(one))


def _names_files(planned: Iterable[Package]) -> bool:
    return any("/" in text for each in planned for text in each.requires)


def _checksum(found: Any) -> str:
    return f"{found.typestr()}:{found.hex()}" if found else ""


def _source_name(file: str | None) -> str:
    """``gcc`` of ``gcc-16.0-1.fc45.src.rpm``, empty where a repository does not say."""
    return file.rsplit("-", 2)[0] if file and file.count("-") >= 2 else ""


def _installed(solver: Any) -> Sequence[int]:
    """What a solver that found no problem decided to install."""
    chosen: Sequence[int] = solver.raw_decisions(1)
    return chosen


def _problem(problem: Any) -> RootProblem:
    rules = {_rule(info) for rule in problem.findallproblemrules(True) for info in rule.allinfos()}
    return RootProblem(tuple(sorted(rules)))


def _rule(info: Any) -> ProblemRule:
    kind = _RULES.get(info.type, RuleKind.OTHER)
    dependency = str(info.dep) if info.dep_id else ""
    if kind in _WITHOUT_PACKAGES:
        return ProblemRule(kind, "", dependency)
    one, other = info.solvable, info.othersolvable
    return ProblemRule(kind, str(one) if one else "", dependency, str(other) if other else "")
