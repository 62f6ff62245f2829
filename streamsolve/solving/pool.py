"""The packages of a base, indexed, and the roots that are solved over them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from ..errors import Code, InputError
from ..model.module_filter import ModuleFilter
from ..model.package import Package, Repository, RpmMd
from ..model.package_files import PackageFile
from ..model.progress import Progress, no_progress
from ..model.root import RootConflict, RootRequest, RootSolution, RuleKind
from ..model.software_collections import MARK, SoftwareCollection
from ._convert import converting
from ._demands import as_told
from ._libsolv import Engine
from ._loading import load, load_filelists
from ._modules import hidden_numbers
from ._paths import UnlistedPaths, is_unlisted
from ._requirers import Requirers
from .session import RootSession

__all__ = ["PackagePool"]

_NOTHING = frozenset({RuleKind.NOTHING_PROVIDES, RuleKind.REQUESTED_NOTHING_PROVIDES})
_ABI = re.compile(r"python\(abi\) = (\d+\.\d+)")
_PATH = re.compile(r"(?:^|[\s(])(?=/)")
_SPECIAL = frozenset(".^$*+?{}[]|()\\")


class PackagePool:
    """The packages of some repositories. A context manager; made by :meth:`open`.

    No answer depends on the order in which repositories, packages or demands are given. Where
    several packages would do, libsolv prefers the better repository, then the newest, and then
    whichever it meets first; what it meets is sorted. File lists are loaded when a path that
    primary.xml need not name is asked for, or could make an answer another one.
    After :meth:`close` every method raises ValueError.
    """

    def __init__(self, arch: str, cache: Path, progress: Progress = no_progress) -> None:
        self._engine: Engine | None = Engine(arch)
        self._cache = cache / "solv"
        self._progress = progress
        self._repositories: dict[int, Repository] = {}
        self._without_files: set[int] = set()
        self._lifted: dict[int, Package] = {}
        self._filter = ModuleFilter()
        self._names: tuple[str, ...] | None = None
        self._requirers: Requirers | None = None
        self._unlisted: UnlistedPaths | None = None
        self._session: RootSession | None = None

    @classmethod
    def open(
        cls,
        base_repositories: Sequence[Repository],
        *,
        arch: str,
        cache: Path,
        progress: Progress = no_progress,
    ) -> PackagePool:
        """Load repositories, from files under ``cache`` where they were loaded before.

        :class:`InputError` for a file that does not decompress or is not what it should be.
        """
        pool = cls(arch, cache, progress)
        try:
            pool._load(base_repositories)
        except BaseException:
            pool.close()
            raise
        return pool

    def _load(self, repositories: Sequence[Repository]) -> None:
        engine = self._open()
        ordered = sorted(repositories, key=_loading_order)
        with converting(ordered, self._cache) as helper:
            for done, repository in enumerate(ordered):
                self._progress(f"loading {repository.id}", done, len(ordered))
                if repository.sources:
                    helper.finish()
                number = load(engine, repository, self._cache)
                self._repositories[number] = repository
                self._without_files.add(number)
        engine.prepare(files=True)
        self._progress("packages loaded", len(ordered), len(ordered))

    def __enter__(self) -> PackagePool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free everything. Values that were given out stay good."""
        if self._engine is not None:
            if self._session is not None:
                self._session.close()
            self._requirers = None
            self._engine.close()
            self._engine = None

    def _open(self) -> Engine:
        if self._engine is None:
            raise ValueError("the package pool is closed")
        return self._engine

    # --- what modules hide

    def hide(self, hidden: ModuleFilter) -> None:
        """Leave out what modules hide, in place of what was hidden before: no answer knows of it
        but :meth:`requirers`, since those packages still are in the base."""
        if hidden != self._filter:
            if self._session is not None:
                self._session.close()
            self._filter = hidden
            self._hide_again()

    def _hide_again(self) -> None:
        engine = self._open()
        engine.hide(())
        if not self._filter.is_empty:
            engine.hide(hidden_numbers(engine, self._filter, self._repositories))
        self._names = None
        self._unlisted = None

    def hidden_providers(self, capabilities: Iterable[str]) -> tuple[Package, ...]:
        """The hidden packages that provide one of these dependencies, sorted. Indexes all packages
        twice."""
        engine = self._open()
        if not (hidden := engine.hidden):
            return ()
        engine.hide(())
        try:
            wanted = sorted(set(capabilities))
            found = {number for text in wanted for number in engine.providing(text)}
        finally:
            engine.hide(hidden)
        return tuple(sorted(self._lift_one(number) for number in found & hidden))

    @property
    def hidden(self) -> tuple[Package, ...]:
        """The packages that modules hide, sorted."""
        return tuple(sorted(self._lift_one(number) for number in self._open().hidden))

    # --- looking packages up

    def providers(self, capability: str) -> tuple[Package, ...]:
        """The binary packages that provide a dependency (``python(abi) = 3.15``, a path, a boolean
        one), sorted by the repository's priority, the newest first, then by full name.

        :class:`InputError` if the text is no dependency.
        """
        engine = self._open()
        found = engine.providing(capability)
        if capability.startswith("/") and (not found or is_unlisted(capability)):
            # What primary.xml names for one of its owners need not be all of them.
            found = engine.providing(capability) if self._load_filelists() else found
        return self._lift(found)

    def named(self, name: str) -> tuple[Package, ...]:
        """The binary packages of exactly that name, sorted as :meth:`providers` does."""
        return self._lift(self._open().named(name))

    def sources(self, name: str) -> tuple[Package, ...]:
        """The source packages of exactly that name; their ``requires`` are BuildRequires."""
        return self._lift(self._open().named(name, source=True))

    def files(self, name: str, *, source: bool = False) -> tuple[PackageFile, ...]:
        """The files of the packages of exactly that name, sorted as :meth:`named` does."""
        engine = self._open()
        priorities = {number: each.priority for number, each in self._repositories.items()}
        found = engine.order(engine.named(name, source=source), priorities)
        return tuple(self._file(number) for number in found)

    def licences(self, capability: str) -> tuple[tuple[Package, str], ...]:
        """The packages that provide a dependency, sorted as :meth:`providers` does, each with what
        its licence tag says; empty where the repository does not say."""
        engine = self._open()
        priorities = {number: each.priority for number, each in self._repositories.items()}
        found = engine.order(engine.providing(capability), priorities)
        return tuple((self._lift_one(number), engine.licence_of(number)) for number in found)

    def _file(self, number: int) -> PackageFile:
        package = self._lift_one(number)
        location, origin = self._open().file_of(number)
        return PackageFile(
            package.name,
            package.evr,
            package.arch,
            package.repository,
            location,
            package.checksum,
            package.size,
            origin,
        )

    def names_matching(self, pattern: re.Pattern[str]) -> tuple[str, ...]:
        """The names of binary packages that the whole pattern matches, sorted.

        Quick for a pattern that begins with literal text; any other reads all names once.
        """
        engine = self._open()
        prefix = _literal_prefix(pattern)
        if prefix:
            found = engine.names(self._repositories, prefix)
            matching = filter(pattern.fullmatch, found)
            return tuple(sorted(name for name in matching if engine.named(name)))
        if self._names is None:
            self._names = tuple(sorted(engine.binary_names(self._binary())))
        return tuple(filter(pattern.fullmatch, self._names))

    def distribution_names(self, python: str) -> tuple[str, ...]:
        """The distributions that the binary packages provide for a Python (``3.15``), sorted;
        extras are left out."""
        prefix = f"python{python}dist("
        found = self._open().provided_names(prefix)
        return tuple(
            sorted(name[len(prefix) : -1] for name in found if name[-1] == ")" and "[" not in name)
        )

    def collections(self) -> tuple[SoftwareCollection, ...]:
        """The Software Collections that binary packages are of, sorted."""
        found = self._open().provided_names(MARK)
        return tuple(
            sorted(SoftwareCollection(name[len(MARK) : -1]) for name in found if name[-1] == ")")
        )

    def python_abi(self) -> str:
        """The version (``3.15``) of the Python that the package ``python3`` is.

        :class:`InputError` where there is no such package.
        """
        for package in self.named("python3"):
            for provided in package.provides:
                if found := _ABI.fullmatch(provided):
                    return found[1]
        raise InputError(
            Code.BROKEN_REPOSITORY,
            "no package python3 that provides python(abi)",
            hint="give the repositories of a whole base, or name the Python with --python",
        )

    def requirers(self, capabilities: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """For each capability (``name`` or ``name = evr``), which is taken as provided, the full
        names of the binary packages that state a requirement which it meets, sorted.

        A boolean requirement counts if any part of it is met. The first call reads all
        requirements once. :class:`InputError` for a text that is no plain dependency.
        """
        engine = self._open()
        if self._requirers is None:
            self._requirers = Requirers(engine, self._binary())
        return self._requirers.of(capabilities)

    def _binary(self) -> list[int]:
        return [number for number, each in self._repositories.items() if not each.sources]

    # --- solving

    def session(self, planned: Sequence[Package]) -> RootSession:
        """Solve many roots over the same planned packages; for a with statement.

        Until it is closed, all other methods of the pool answer as if it were not there.
        :class:`InputError` if a text of a planned package is no dependency; ValueError while
        another session is open.
        """
        self._open()
        if self._session is not None and not self._session.closed:
            raise ValueError("another session is open")
        self._session = RootSession(self._open, self._lift_one, self._more_files, planned)
        return self._session

    def _more_files(self, request: RootRequest, answer: RootSolution | RootConflict) -> bool:
        """Whether the answer may be another one, since file lists were loaded because of it."""
        if not any(map(self._has_filelists, self._without_files)):
            return False
        if self._unlisted is None:
            self._unlisted = UnlistedPaths(self._open())
        lacks = isinstance(answer, RootConflict) and _lacks_path(answer)
        return (lacks or self._unlisted.matter_to(request, answer)) and self._load_filelists()

    def _has_filelists(self, number: int) -> bool:
        content = self._repositories[number].content
        return isinstance(content, RpmMd) and content.filelists is not None

    def solve(self, request: RootRequest) -> RootSolution | RootConflict:
        """Find the packages of a root, or every problem that keeps it from being solved.

        :class:`InputError` if a text of the request is no dependency.
        """
        answer = self._solve(request)
        return self._solve(request) if self._more_files(request, answer) else answer

    def _solve(self, request: RootRequest) -> RootSolution | RootConflict:
        hidden = {*request.hidden, *(package.name for package in request.planned)}
        answer = self._open().solve(
            as_told(request.install), sorted(set(request.planned)), hidden, weak=request.weak
        )
        if isinstance(answer, RootConflict):
            return answer
        return RootSolution(tuple(sorted(answer)))

    def _lift(self, found: Iterable[int]) -> tuple[Package, ...]:
        engine = self._open()
        priorities = {number: each.priority for number, each in self._repositories.items()}
        return tuple(self._lift_one(number) for number in engine.order(found, priorities))

    def _lift_one(self, number: int) -> Package:
        if number not in self._lifted:
            self._lifted[number] = self._open().lift(number)
        return self._lifted[number]

    def _load_filelists(self) -> bool:
        """Load the file lists of all repositories; whether any was new."""
        engine = self._open()
        waiting, self._without_files = sorted(self._without_files), set()
        loaded = False
        if waiting and not self._filter.is_empty:
            engine.hide(())
        if waiting and self._session is not None and not self._session.closed:
            # Planned packages follow all others, which may be about to get new numbers.
            engine.dismiss()
            self._session.forget()
        for done, number in enumerate(waiting):
            repository = self._repositories[number]
            self._progress(f"loading the file lists of {repository.id}", done, len(waiting))
            loaded |= load_filelists(engine, number, repository, self._cache)
        if loaded:
            self._lifted.clear()
            self._requirers = None
            engine.prepare(files=True)
            self._progress("file lists loaded", len(waiting), len(waiting))
        if waiting and not self._filter.is_empty:
            self._hide_again()
        return loaded


def _loading_order(repository: Repository) -> tuple[bool, int, str, str]:
    """libsolv breaks ties by what it met first; sources are last, for they are never chosen."""
    return (repository.sources, repository.priority, repository.id, repository.digest)


def _lacks_path(conflict: RootConflict) -> bool:
    return any(
        rule.kind in _NOTHING and _PATH.search(rule.dependency)
        for problem in conflict.problems
        for rule in problem.rules
    )


def _literal_prefix(pattern: re.Pattern[str]) -> str:
    """Literal text that everything which the pattern matches begins with; may be empty."""
    text = pattern.pattern
    if pattern.flags & (re.IGNORECASE | re.VERBOSE) or "|" in text:
        return ""
    literal = ""
    for at, character in enumerate(text):
        if character in _SPECIAL:
            # A quantifier that allows none takes the character before it back.
            return literal[:-1] if text[at] in "*?{" else literal
        literal += character
    return literal
